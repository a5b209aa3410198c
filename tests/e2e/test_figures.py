"""A post's way on the deployed system: published, handed in by a message, measured, in the report."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from local.acting import Caller, Creators, Staff, enrol
from local.laptop import Laptop
from local.programme import LINKS, account_of, brief, load_ground, publish
from local.sample import Creator, creators
from tests.e2e.systems import eventually

MARKER = "#figures"
HOURS = 2
FIRST = {"instagram": 2000, "youtube": 2100, "x": 2200}


@pytest.fixture
def sandbox(stack: Laptop) -> Iterator[Caller]:
    """The platforms; their clock is put right again at the end."""
    made = Caller(stack.sandbox_url)
    yield made
    made("POST", "/clock", {"offset_s": 0})


def measure(stack: Laptop) -> None:
    """The minute's tick of figures, now."""
    names = ("account", "region", "source", "time", "id", "resources", "version", "detail")
    event = dict.fromkeys(names, "x") | {"detail-type": "Scheduled Event"}
    functions = stack.engine.client("lambda")
    deployed = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
    [name] = [name for name in deployed if "-MeasureDue-" in name]
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event))
    assert "FunctionError" not in answer, answer["Payload"].read()


def on(platform: str, areas: object) -> Creator:
    """A creator over WhatsApp who reads Hindi and has an account there."""
    for creator in creators(60, areas, first=FIRST[platform], telegram=0):  # type: ignore[arg-type]
        if creator.language == "hi" and account_of(creator, platform):
            return creator
    raise AssertionError(f"nobody is on {platform}")


@pytest.mark.parametrize("platform", LINKS)
def test_a_post_handed_in_gets_the_platforms_figures_in_the_campaigns_report(stack, sandbox, platform):
    api = Caller(stack.url)
    areas = load_ground(stack)
    staff = Staff.signed_in(api, stack.env)
    staff.register_templates(sandbox)
    creator = on(platform, areas)
    phones = Creators(api, sandbox)
    enrol([creator], phones, staff)
    campaign = staff.launch(brief(f"{MARKER} {platform}", ["IN-XN"]))
    eventually(lambda: staff.report(campaign)["status"] == "dispatched", 60, "the end of the dispatch")
    eventually(lambda: not staff.report(campaign)["in_progress"], 60, "the last delivery")

    publish(sandbox, creator, platform)
    token = staff.tokens["admin"]

    def handed_in() -> list[dict[str, str]]:
        found: list[dict[str, str]] = api("GET", f"/v1/posts?campaign={campaign}", token=token)["items"]
        return found

    eventually(handed_in, 30, "the post")
    [post] = handed_in()
    sandbox("POST", "/clock", {"offset_s": HOURS * 3600})
    measure(stack)

    def figures() -> dict[str, object]:
        return dict(api("GET", f"/v1/posts/{post['id']}/figures", token=token))

    eventually(lambda: figures()["verified"], 60, "the figures")
    views = figures()["verified"]["views"]["number"]  # type: ignore[index]
    assert views > 0
    assert figures()["declared"] == {}

    def in_report() -> dict[str, object]:
        return dict(staff.report(campaign)["post_figures"])

    eventually(lambda: "views" in in_report()["verified"], 40, "the report")  # type: ignore[operator]
    report = in_report()
    assert (report["posts"], report["by_platform"], report["declared"]) == (1, {platform: 1}, {})
    assert report["verified"]["views"]["sum"] >= views  # type: ignore[index]
    assert report["verified"]["views"]["posts"] == 1  # type: ignore[index]

    def followers() -> dict[str, object]:
        person = api("GET", f"/v1/influencers/{post['influencer']}", token=token)
        [found] = [one for one in person["handles"] if one["platform"] == platform]
        return dict(found)

    eventually(lambda: followers()["followers_grade"] == "verified", 60, "the followers")
    assert followers()["followers_stated"] is not None
