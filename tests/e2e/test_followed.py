"""A person's YouTube channel is followed on the deployed system: from approval to leaving."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from chalicelib.metrics.follows import Follows, Known
from local import judge
from local.acting import Caller, Creators, Staff, enrol
from local.laptop import Laptop
from local.programme import load_ground
from local.sample import creators
from local.sandbox.youtube import channel_of
from tests.e2e.systems import eventually

HANDLE = "namuna_anugami"
CHANNEL = channel_of(HANDLE)
WITHIN_S = 30


def strike(system: Laptop) -> None:
    """The hour's tick, now."""
    names = ("account", "region", "source", "time", "id", "resources", "version", "detail")
    event = dict.fromkeys(names, "x") | {"detail-type": "Scheduled Event"}
    functions = system.engine.client("lambda")
    deployed = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
    [name] = [name for name in deployed if "-FollowAccounts-" in name]
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event))
    assert "FunctionError" not in answer, answer["Payload"].read()


def pushes(system: Laptop, video: str) -> list[tuple[str, bool]]:
    """What the hub told of a video, and whether we took it."""
    return [
        (update["status"], line["taken"])
        for line in judge.read_log(system.sandbox_log)
        if line["kind"] == "callback" and line["platform"] == "youtube"
        for update in line["updates"]
        if update["id"] == video
    ]


def known() -> Known:
    everything = Follows().all("youtube")
    ours = {name: one for name, one in everything.accounts.items() if name == CHANNEL}
    return Known(ours, {name: one for name, one in everything.handles.items() if name == HANDLE})


def test_the_hub_tells_of_an_approved_persons_videos_until_they_leave(stack: Laptop) -> None:
    api, sandbox = Caller(stack.url), Caller(stack.sandbox_url)
    areas, staff = load_ground(stack), Staff.signed_in(api, stack.env)
    staff.register_templates(sandbox)
    [person] = creators(1, areas, first=640, telegram=0)
    person = replace(person, handles=(("youtube", HANDLE, 900),))
    enrol([person], Creators(api, sandbox), staff)

    def publish(text: str) -> str:
        told = {"platform": "youtube", "kind": "post", "from": f"@{HANDLE}", "text": text}
        return str(sandbox("POST", "/inbound", told)["id"])

    def soon(look: Callable[[], object], what: str) -> None:
        eventually(look, WITHIN_S, what)

    strike(stack)
    soon(lambda: known().accounts.get(CHANNEL) and known().accounts[CHANNEL].until, "the hub's word")
    assert known().handles[HANDLE].account == CHANNEL
    first = publish("शपथ (नमूना)")
    soon(lambda: pushes(stack, first) == [("published", True)], "the push")

    found = api("GET", f"/v1/influencers?q={HANDLE}", token=staff.tokens["admin"])["items"]
    decision = {"decision": "suspend", "reason": "sample"}
    api("POST", f"/v1/influencers/{found[0]['id']}/review", decision, token=staff.tokens["admin"])
    strike(stack)
    soon(lambda: known().accounts[CHANNEL].until is None, "the end")
    second = publish("बाद में (नमूना)")
    strike(stack)
    assert known() == Known()
    assert pushes(stack, second) == []
