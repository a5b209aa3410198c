"""An officer decides about unknown deliveries on the deployed system, and the judge agrees."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local import judge
from local.acting import Caller, CallFailed, Creators, Staff, enrol, wait_for
from local.laptop import Laptop
from local.programme import brief, load_ground
from local.sample import creators

MARKER = "#decided"


@pytest.fixture
def sandbox(stack: Laptop) -> Iterator[Caller]:
    """The sandbox platforms; they answer again at the end."""
    caller = Caller(stack.sandbox_url)
    yield caller
    caller("POST", "/behaviour", {"lost_reply": 0})


def test_one_unknown_is_sent_again_and_one_is_closed(stack: Laptop, sandbox: Caller):
    api = Caller(stack.url)
    staff = Staff.signed_in(api, stack.env)
    approver, editor = staff.tokens["approver"], staff.tokens["editor"]
    staff.register_templates(sandbox)
    enrol(creators(3, load_ground(stack), first=760, telegram=1), Creators(api, sandbox), staff)
    sandbox("POST", "/behaviour", {"lost_reply": 1})
    campaign = staff.launch(brief(MARKER, ["IN"]))
    wait_for(lambda: staff.report(campaign)["status"] == "dispatched", "the end of the dispatch")
    sandbox("POST", "/behaviour", {"lost_reply": 0})

    listed = api("GET", f"/v1/campaigns/{campaign}/deliveries?status=unknown", token=approver)["items"]
    resent, closed = [one["key"] for one in listed if one["channel"] == "telegram"][:2]

    def decide(key: str, decision: str, token: str) -> dict[str, str]:
        body = {"decision": decision, "reason": "The booth officer has asked."}
        answer: dict[str, str] = api("POST", f"/v1/deliveries/{key}/decision", body, token=token)
        return answer

    with pytest.raises(CallFailed, match="forbidden"):
        decide(resent, "resend", editor)
    decided = decide(resent, "resend", approver)
    assert decide(resent, "resend", approver) == decided
    decide(closed, "close", approver)
    with pytest.raises(CallFailed, match="conflict"):
        decide(closed, "resend", approver)

    wait_for(lambda: staff.report(campaign)["in_progress"] == 0, "the second attempt")

    def disagreements() -> list[str]:
        truth = judge.truth_of(judge.people_of(judge.read_log(stack.sandbox_log), campaign, MARKER))
        return judge.disagreements(truth, staff.report(campaign))

    wait_for(lambda: not disagreements(), "the judge's agreement")
    report = staff.report(campaign)
    assert (report["resent"], report["closed"], report["late"]) == (1, 1, 0)
    items = api("GET", f"/v1/campaigns/{campaign}/deliveries?limit=500", token=approver)["items"]
    status = {one["key"]: one["status"] for one in items}
    assert (status[resent], status[closed]) == ("superseded", "unknown")
    assert status[decided["resend"]] == "accepted"
