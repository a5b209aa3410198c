"""A correction on the deployed system: exactly those who got the first message get the second, once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local import judge
from local.acting import Caller, CallFailed, Creators, Staff, enrol, wait_for
from local.laptop import Laptop
from local.programme import brief, load_ground
from local.sample import creators

WRONG, RIGHT = "#wrongday", "#rightday"
PEOPLE = 12


@pytest.fixture
def sandbox(stack: Laptop) -> Iterator[Caller]:
    """The sandbox platforms; they behave again at the end."""
    caller = Caller(stack.sandbox_url)
    yield caller
    caller("POST", "/behaviour", {"fail": 0, "lost_reply": 0})


def test_exactly_those_who_got_the_first_get_the_correction_once(stack: Laptop, sandbox: Caller):
    api = Caller(stack.url)
    staff = Staff.signed_in(api, stack.env)
    approver, editor = staff.tokens["approver"], staff.tokens["editor"]
    staff.register_templates(sandbox)
    enrol(creators(PEOPLE, load_ground(stack), first=840), Creators(api, sandbox), staff)
    sandbox("POST", "/behaviour", {"fail": 0.3, "lost_reply": 0.2})
    campaign = staff.launch(brief(WRONG, ["IN"]))
    wait_for(lambda: staff.report(campaign)["status"] == "dispatched", "the end of the dispatch")
    sandbox("POST", "/behaviour", {"fail": 0, "lost_reply": 0})
    wait_for(lambda: sandbox("GET", "/healthz")["pending"] == 0, "the last callback")

    def people(run: int, marker: str) -> list[judge.Person]:
        return judge.people_of(judge.read_log(stack.sandbox_log), f"{campaign}-{run}", marker)

    def report(run: int) -> dict[str, Any]:
        counts: dict[str, Any] = api(
            "GET", f"/v1/campaigns/{campaign}/report?run={campaign}-{run}", token=editor
        )
        return counts

    def agrees(run: int, marker: str) -> bool:
        return not judge.disagreements(judge.truth_of(people(run, marker)), report(run))

    wait_for(lambda: agrees(1, WRONG), "the judge's agreement on the first")
    got = {
        (person.platform, person.address) for person in people(1, WRONG) if person.accepted or person.unknown
    }
    assert 0 < len(got) < len(people(1, WRONG)), "some got it and some did not"

    words = {"messages": brief(RIGHT, ["IN"])["messages"], "reason": "The day of the poll was wrong."}
    proposed = api("POST", f"/v1/campaigns/{campaign}/corrections", words, token=editor)
    where = f"/v1/campaigns/{campaign}/corrections/{proposed['number']}/approval"
    with pytest.raises(CallFailed, match="forbidden"):
        api("POST", where, {"decision": "approve"}, token=editor)
    run = api("POST", where, {"decision": "approve"}, token=approver)["run"]
    assert run == f"{campaign}-2"

    def ended() -> bool:
        [correction] = staff.report(campaign)["corrections"]
        return correction["status"] == "dispatched"

    wait_for(ended, "the end of the correction")
    wait_for(lambda: sandbox("GET", "/healthz")["pending"] == 0, "the last callback")
    wait_for(lambda: agrees(2, RIGHT), "the judge's agreement on the correction")
    corrected = people(2, RIGHT)
    assert {(person.platform, person.address) for person in corrected} == got
    assert [person.requests for person in corrected] == [1] * len(got)
    assert staff.report(campaign)["status"] == "dispatched"
