"""A voice's whole way on the deployed system: brought over WhatsApp for somebody else, answered to both."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import wiring
from local.acting import Caller, Creators, Staff, enrol, wait_for
from local.laptop import Laptop
from local.programme import load_ground
from local.sample import creators

CITIZEN = "+919876500077"
WORDS = f"रामवती देवी {CITIZEN} की ओर से: तीन महीने से पेंशन नहीं मिल रही है"
TICKET = re.compile(r"JJ(?:-[2-9A-Z]{4}){3}")
THREE_WEEKS_S = 21 * 24 * 3600
QUEUE = "voiced-events"


@pytest.fixture
def sandbox(stack: Laptop) -> Iterator[Caller]:
    """The platforms; the clock is put right again at the end."""
    found = Caller(stack.sandbox_url)
    yield found
    found("POST", "/clock", {"offset_s": 0})


@pytest.fixture
def events(stack: Laptop) -> Iterator[str]:
    """A queue on which every event of voices arrives; its address."""
    sqs, bus = stack.engine.client("sqs"), stack.engine.client("events")
    url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    where = {"EventBusName": stack.env["BUS"]}
    bus.put_rule(Name=QUEUE, EventPattern=json.dumps({"source": ["janjan.voices"]}), **where)
    bus.put_targets(Rule=QUEUE, Targets=[{"Id": "all", "Arn": arn}], **where)
    yield url
    bus.remove_targets(Rule=QUEUE, Ids=["all"], **where)
    bus.delete_rule(Name=QUEUE, **where)
    sqs.delete_queue(QueueUrl=url)


def told(stack: Laptop, url: str, voice: str, seen: list[str]) -> list[str]:
    """The kinds of event that came of this voice, each once, in `seen` as well."""
    ask = {"QueueUrl": url, "MaxNumberOfMessages": 10}
    for message in stack.engine.client("sqs").receive_message(**ask).get("Messages", []):
        event = json.loads(message["Body"])
        data = event["detail"]["data"]
        assert CITIZEN[-10:] not in message["Body"]
        if data["voice_id"] == voice and event["detail-type"] not in seen:
            seen.append(event["detail-type"])
    return seen


def inbox(sandbox: Caller, address: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox("GET", f"/messages?to={address.removeprefix('+')}")
    return found


def write(sandbox: Caller, address: str, text: str) -> None:
    sandbox("POST", "/inbound", {"platform": "whatsapp", "from": address, "text": text})


def until(sandbox: Caller, address: str, word: str) -> None:
    """Waits until somebody has received a message with this word."""
    wait_for(lambda: any(word in one["text"] for one in inbox(sandbox, address)), f"{word} to {address}", 60)


@pytest.mark.slow
def test_a_word_that_a_creator_brings_is_answered_in_the_end_and_both_hear_of_it(
    stack: Laptop, sandbox: Caller, events: str
) -> None:
    api = Caller(stack.url)
    staff = Staff.signed_in(api, stack.env)
    [carrier] = creators(1, load_ground(stack), first=790, telegram=0)
    enrol([carrier], Creators(api, sandbox), staff)
    admin, officer = staff.tokens["admin"], staff.tokens["officer"]
    before = api("GET", "/v1/voices/rules", token=admin)["rules"]
    rule = {"id": "namuna-pension", "keywords": ["पेंशन"], "department": "health"}
    api("PUT", "/v1/voices/rules", {"rules": [rule, *before]}, token=admin)

    def tick() -> None:
        """What the minute's tick does; the deployed one may do it first."""
        wiring.voice_tending().tend(wiring.clock().epoch() + 40)

    try:
        write(sandbox, carrier.phone, WORDS)
        until(sandbox, carrier.phone, "JJ-")
        ticket = next(
            found[0] for one in inbox(sandbox, carrier.phone) if (found := TICKET.search(one["text"]))
        )
        path = f"/v1/voices/{ticket}"
        case = api("GET", f"{path}/case", token=officer)
        assert (case["status"], case["department"], case["routed_by"]) == ("assigned", "health", rule["id"])
        assert CITIZEN not in json.dumps(api("GET", path), ensure_ascii=False)
        tick()
        until(sandbox, CITIZEN, ticket)

        sandbox("POST", "/clock", {"offset_s": THREE_WEEKS_S})
        tick()
        assert api("GET", f"{path}/case", token=officer)["overdue"]
        answer = "आपका आवेदन मिल गया है, जाँच चल रही है"
        api("POST", f"{path}/answer", {"text": answer}, token=officer)
        tick()
        template = "janjan_voice_answered"
        wait_for(
            lambda: inbox(sandbox, CITIZEN)[-1]["payload"].get("template", {}).get("name") == template,
            "the news",
            60,
        )
        write(sandbox, CITIZEN, "जी")
        until(sandbox, CITIZEN, answer)

        done = "पेंशन चालू कर दी गई है"
        api("POST", f"{path}/resolution", {"status": "resolved", "text": done}, token=officer)
        tick()
        for address in (CITIZEN, carrier.phone):
            write(sandbox, address, "ठीक है")
            until(sandbox, address, done)
        assert not any(CITIZEN[-10:] in one["text"] for one in inbox(sandbox, carrier.phone))
        assert api("GET", path)["status"] == "resolved"

        entries = api("GET", f"/v1/audit?subject=voice%23{case['id']}&limit=50", token=admin)["items"]
        actions = {entry["action"] for entry in entries}
        assert actions >= {"voice.received", "voice.overdue", "voice.answered", "voice.resolved"}
        wanted = {f"voice.{word}" for word in ("received", "assigned", "overdue", "answered", "resolved")}
        seen: list[str] = []
        wait_for(lambda: wanted <= set(told(stack, events, case["id"], seen)), "the events", 60)
    finally:
        api("PUT", "/v1/voices/rules", {"rules": before}, token=admin)
