"""WhatsApp, then SMS, then email, from the form to the mailbox, on the deployed system."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.dispatch.stops import FRESH_S
from local import judge
from local.acting import Caller, CallFailed, Creators, Staff, enrol, wait_for
from local.laptop import Laptop, laptop
from local.programme import EVERYWHERE, brief, load_ground
from local.sample import Creator, creators

MARKER = "#everywhere"


@pytest.fixture
def stack(tmp_path: Path, socket_enabled: None) -> Iterator[Laptop]:
    """A deployed system of its own: everybody in it is of this test."""
    with laptop(tmp_path) as running:
        yield running


@pytest.fixture
def sandbox(stack: Laptop) -> Iterator[Caller]:
    """The sandbox platforms; they answer again at the end."""
    caller = Caller(stack.sandbox_url)
    yield caller
    caller("POST", "/behaviour", {"fail": 0})


def got(sandbox: Caller, address: str, platform: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = sandbox(
        "GET", f"/messages?platform={platform}&to={address.removeprefix('+')}"
    )
    return found


def test_who_is_reached_neither_over_whatsapp_nor_by_sms_gets_the_email_and_can_end_it(
    stack: Laptop, sandbox: Caller
):
    api = Caller(stack.url)
    staff = Staff.signed_in(api, stack.env)
    staff.register_templates(sandbox)
    areas = load_ground(stack)
    ways = [
        ("whatsapp", "sms", "email"),
        ("whatsapp", "sms"),
        ("whatsapp",),
        ("sms",),
        ("email",),
        ("whatsapp", "email"),
    ]
    people = [
        replace(person, channel=channel, also=tuple(also), language="hi")
        for person, (channel, *also) in zip(creators(6, areas, first=940, telegram=0), ways, strict=True)
    ]
    enrol(people, Creators(api, sandbox), staff)
    everywhere, by_sms, phone_only, sms_only, email_only, leaving = people

    admin = staff.tokens["admin"]
    held = ("channel:sms", "channel:email")
    for scope in held:
        api("PUT", f"/v1/stops/{scope}", {"reason": "sample"}, token=admin)
    time.sleep(FRESH_S)  # senders that are warm have read the stops before
    sandbox("POST", "/behaviour", {"fail": 1})
    campaign = staff.launch(brief(MARKER, ["IN"], EVERYWHERE))
    wait_for(lambda: staff.report(campaign)["fallbacks"] >= 3, "the fallbacks")
    sandbox("POST", "/behaviour", {"fail": 0})
    for one in (everywhere,):
        sandbox("POST", "/block", {"platform": "msg91", "from": one.phone})
    assert got(sandbox, leaving.email, "ses")[-1]["text"].count("/confirm/") == 1
    for scope in held:
        api("DELETE", f"/v1/stops/{scope}", token=admin)

    def settled() -> bool:
        report = staff.report(campaign)
        return report["status"] == "dispatched" and not sandbox("GET", "/healthz")["pending"]

    wait_for(settled, "the end of the dispatch")
    wait_for(lambda: [m for m in got(sandbox, everywhere.email, "ses") if MARKER in m["text"]], "the email")

    def campaign_mail(person: Creator) -> list[dict[str, str]]:
        return [m for m in got(sandbox, person.email, "ses") if MARKER in m["text"]]

    def campaign_sms(person: Creator) -> list[dict[str, str]]:
        return [m for m in got(sandbox, person.phone, "msg91") if "example.org/namuna" in m["text"]]

    assert [len(campaign_mail(one)) for one in people] == [1, 0, 0, 0, 1, 1]
    assert [len(campaign_sms(one)) for one in people] == [0, 1, 0, 1, 0, 0]
    [text] = [m["text"] for m in campaign_sms(by_sms)]
    assert "यह संदेश JanJan की ओर से है" in text

    def agrees() -> bool:
        truth = judge.truth_of(judge.people_of(judge.read_log(stack.sandbox_log), campaign, MARKER))
        return not judge.disagreements(truth, staff.report(campaign))

    wait_for(agrees, "a report that the judge agrees with")
    report = staff.report(campaign)
    assert report["by_channel"]["email"]["delivered"] >= 3
    assert report["by_channel"]["sms"]["delivered"] >= 2

    def without_emails() -> dict[str, dict[str, Any]]:
        register = api("GET", "/v1/influencers?status=approved&limit=100", token=admin)["items"]
        return {one["id"]: one for one in register if one["suppressed"] == ["email"]}

    before = without_emails()
    sandbox("POST", "/inbound", {"platform": "ses", "kind": "unsubscribe", "from": leaving.email})
    [shown] = [one for ident, one in without_emails().items() if ident not in before]
    assert (shown["email_proven"], shown["channels"]) == (True, ["whatsapp"])


def test_an_sms_whose_words_are_not_registered_any_more_is_sent_to_nobody(stack: Laptop, sandbox: Caller):
    api = Caller(stack.url)
    staff = Staff.signed_in(api, stack.env)
    staff.register_templates(sandbox)
    admin = staff.tokens["admin"]
    listed = api("GET", "/v1/channels/sms-main/templates", token=admin)["items"]
    [code] = [one for one in listed if (one["name"], one["language"]) == ("janjan_code", "hi")]
    assert (code["segments"], code["alphabet"]) == (2, "ucs2")
    to = "+919000099001"
    send = {"to": to, "template": code["template_id"], "header": code["header"], "params": ["123456"]}
    right = code["body"].replace("{#var#}", "123456")

    def tried(text: str) -> str:
        return str(api("POST", "/v1/channels/sms-main/test", send | {"text": text}, token=admin)["outcome"])

    assert tried(right) == "accepted"
    assert tried(right + " और") == "refused:words_not_registered"
    wait_for(lambda: got(sandbox, to, "msg91"), "the test message")
    assert len(got(sandbox, to, "msg91")) == 1
    with pytest.raises(CallFailed, match="missing"):
        bare = {name: code[name] for name in ("name", "language", "category", "body", "state")}
        api("PUT", "/v1/channels/sms-main/templates", {"items": [bare]}, token=admin)
