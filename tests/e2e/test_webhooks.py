"""Another system is told of an event, on the deployed system: stream, bus, rule, queue, function, request."""

from __future__ import annotations

import pytest

from local.acting import Caller, Staff, wait_for
from local.laptop import Laptop
from local.programme import brief, load_ground


@pytest.mark.slow
def test_the_approval_of_a_campaign_reaches_the_receiver_signed_and_nothing_that_it_did_not_ask_for(
    stack: Laptop,
):
    load_ground(stack)
    sandbox, api = Caller(stack.sandbox_url), Caller(stack.url)
    staff = Staff.signed_in(api, stack.env)
    staff.register_templates(sandbox)
    campaign = staff.draft(brief("#told", ["IN"]))
    api("POST", f"/v1/campaigns/{campaign}/submission", token=staff.tokens["editor"])
    approval = {"decision": "approve", "reason": "x"}
    api("POST", f"/v1/campaigns/{campaign}/approval", approval, token=staff.tokens["approver"])

    def told() -> list[dict]:
        lines = sandbox("GET", "/log")["items"]
        return [one for one in lines if one["kind"] == "webhook" and campaign in str(one["data"])]

    wait_for(lambda: bool(told()), "the receiver's word")
    assert {(one["type"], one["right"]) for one in told()} == {("campaign.approved", True)}
    assert len({one["id"] for one in told()}) == 1
    assert {one["source"] for one in told()} == {f"{stack.url}/events/campaigns"}
    [listed] = api("GET", "/v1/webhooks", token=staff.tokens["admin"])["items"]
    assert (listed["id"], listed["state"], listed["host"]) == ("sandbox", "on", "127.0.0.1")
    tried = api("POST", "/v1/webhooks/sandbox/test", {}, token=staff.tokens["admin"])
    assert tried == {"outcome": "taken", "status": 204, "why": ""}
