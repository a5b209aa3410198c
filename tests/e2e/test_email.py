"""Emails on the deployed system: a code, a campaign, receipts over SNS, a bounce, a click that ends them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from local import judge
from local.acting import Caller, Staff, signup_of, wait_for
from local.laptop import Laptop
from local.programme import brief, load_ground
from local.sample import creators

MARKER = "#ईमेल"


@pytest.fixture
def sandbox(stack: Laptop) -> Iterator[Caller]:
    """The sandbox platforms; they are well again at the end."""
    caller = Caller(stack.sandbox_url)
    yield caller
    caller("POST", "/behaviour", {"fail": 0, "lost_reply": 0})


def letters(sandbox: Caller, address: str) -> list[dict[str, Any]]:
    """What this address received, newest last."""
    found: list[dict[str, Any]] = sandbox("GET", f"/messages?to={quote(address)}")
    return found


def campaign_of(staff: Staff, marker: str) -> str:
    """A campaign over email alone; its id when it is dispatched."""
    text = f"नमस्ते {{name}}, {{link}} {marker}"
    email = {"subject": f"नमूना {marker}", "text": text, "html": f"<p>{text}</p>"}
    body = brief(marker, ["IN"]) | {"messages": {"email": {"hi": email}}, "channels": ["email"]}
    campaign = staff.launch(body)
    wait_for(lambda: staff.report(campaign)["status"] == "dispatched", "the end of the dispatch")
    return campaign


def test_who_joins_by_email_gets_campaigns_until_one_click(stack: Laptop, sandbox: Caller):
    api = Caller(stack.url)
    staff = Staff.signed_in(api, stack.env)
    people = creators(3, load_ground(stack), first=930, telegram=0)
    addresses = [f"namuna{person.number}@sample.test" for person in people]
    for person, address in zip(people, addresses, strict=True):
        consents = [{"purpose": "campaigns", "channel": "email", "notice_version": "1"}]
        body = signup_of(person) | {"channel": "email", "email": address, "consents": consents}
        signup = api("POST", "/v1/signups", body)["id"]
        wait_for(lambda to=address: letters(sandbox, to), f"the code for {address}")
        code = re.search(r"\b\d{6}\b", letters(sandbox, address)[-1]["text"])
        api("POST", f"/v1/signups/{signup}/verification", {"code": code[0]})
        staff.approve(signup, person.area)
    for address in addresses:
        wait_for(lambda to=address: len(letters(sandbox, to)) > 1, f"the welcome to {address}")
        sandbox("DELETE", f"/messages?to={quote(address)}")

    campaign = campaign_of(staff, MARKER)
    wait_for(lambda: staff.report(campaign)["by_channel"]["email"]["delivered"] == 3, "all receipts")
    report = staff.report(campaign)
    assert (report["accepted"], report["delivered"], report["read"], report["no_receipts"]) == (3, 3, 0, 0)
    clicks, complains, bounces = addresses
    [received] = letters(sandbox, clicks)
    assert MARKER in received["payload"]["Content"]["Simple"]["Subject"]["Data"]
    assert received["payload"]["EmailTags"]

    sandbox("POST", "/inbound", {"platform": "ses", "kind": "unsubscribe", "from": clicks})
    sandbox("POST", "/inbound", {"platform": "ses", "kind": "complaint", "from": complains})
    sandbox("POST", "/block", {"platform": "ses", "from": bounces})
    wait_for(lambda: not sandbox("GET", "/healthz")["pending"], "the last event")
    second = campaign_of(staff, f"{MARKER}-2")
    wait_for(lambda: staff.report(second)["failed"] == 1, "the bounce")
    third = campaign_of(staff, f"{MARKER}-3")
    report = staff.report(third)
    assert report["planned"] == sum(report["not_sent"].values())
    assert [len(letters(sandbox, address)) for address in addresses] == [1, 1, 1]
    log = list(judge.read_log(stack.sandbox_log))
    assert [person.address for person in judge.people_of(log, second)] == [bounces]
    assert judge.people_of(log, third) == []
