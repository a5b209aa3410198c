"""What one recipient costs over a delivery's whole life: plan, claim, send, callbacks.

A campaign runs through the deployed application on the embedded AWS while every AWS call is recorded. Polling
of queues by Lambda is counted as one receive and one delete for each invocation that a queue caused.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from bench.figure import Figure
from local import judge
from local.acting import Caller, Creators, Staff, enrol, wait_for
from local.laptop import Laptop, laptop
from local.programme import brief, load_ground
from local.sample import creators

RECIPIENTS = 400
MARKER = "#bench"
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
QUEUED = ("PlanRun", "SendChunk", "ProcessCallbacks")


def run() -> Iterator[Figure]:
    """Request units, SQS requests and AWS calls for each recipient."""
    with (
        tempfile.TemporaryDirectory(prefix="janjan-bench-") as folder,
        laptop(Path(folder), record_calls=True) as system,
    ):
        staff = _prepared(system)
        before, polled = len(_calls(system)), _polls(system)
        campaign = staff.launch(brief(MARKER, ["IN"]))
        _settled(system, campaign)
        calls = [call for call in _calls(system)[before:] if _of_the_delivery(call)]
        polls = _polls(system) - polled
        callbacks = _callbacks(system, campaign)
        report = staff.report(campaign)
    assert report["accepted"] + report["failed"] == RECIPIENTS, report
    dynamodb = [call for call in calls if call["service"] == "dynamodb"]
    sqs = [call for call in calls if call["service"] == "sqs"]
    measured = {
        "write_units": sum(_units(call) for call in dynamodb if call["operation"] in WRITES),
        "read_units": sum(_units(call) for call in dynamodb if call["operation"] not in WRITES),
        "sqs_requests": len(sqs) + polls,
        "aws_calls": sum(call["attempts"] for call in calls),
    }
    for name, value in measured.items():
        yield Figure(f"dispatch_{name}", value / RECIPIENTS, "a recipient")
    yield Figure("dispatch_callbacks", callbacks / RECIPIENTS, "a recipient")


def _prepared(system: Laptop) -> Staff:
    """Everybody enrolled on WhatsApp and welcomed."""
    api, sandbox = Caller(system.url), Caller(system.sandbox_url)
    areas, staff = load_ground(system), Staff.signed_in(api, system.env)
    staff.register_templates(sandbox)
    people = [person for person in creators(RECIPIENTS * 2, areas) if person.channel == "whatsapp"][
        :RECIPIENTS
    ]
    assert len(people) == RECIPIENTS
    enrol(people, Creators(api, sandbox), staff)
    wait_for(lambda: _idle(system), "the end of the welcomes")
    return staff


def _settled(system: Laptop, campaign: str) -> None:
    """Until every request is made and every callback is taken in, without asking for the report."""

    def requested() -> bool:
        people = judge.people_of(judge.read_log(system.sandbox_log), campaign, MARKER)
        return sum(person.requests for person in people) >= RECIPIENTS

    wait_for(requested, "the last request")
    wait_for(lambda: _idle(system), "the last callback")
    time.sleep(10)  # the looks at whether the run has ended belong to its cost
    wait_for(lambda: _idle(system), "the end of the run")


def _idle(system: Laptop) -> bool:
    sqs = system.engine.client("sqs")
    wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    queues = [system.env[f"{name}_QUEUE_URL"] for name in ("CALLBACKS", "SEND", "SERVICE")]
    sizes = [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"] for url in queues]
    waiting = sum(int(size[name]) for size in sizes for name in wanted)
    return waiting == 0 and Caller(system.sandbox_url)("GET", "/healthz")["pending"] == 0


def _calls(system: Laptop) -> list[dict[str, Any]]:
    return [json.loads(line) for line in system.recorded_calls.read_text().splitlines()]


def _of_the_delivery(call: dict[str, Any]) -> bool:
    """What staff did at the server to launch is left out; the webhooks' acknowledgements are in."""
    return call["function"] != "server" or call["service"] == "sqs"


def _polls(system: Laptop) -> int:
    """Receives and deletes by which queues have started functions so far, by the functions' logs."""
    logs = system.engine.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    started = 0
    for name in groups:
        if any(f"-{function}-" in name for function in QUEUED):
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
                started += sum(event["message"].startswith("START ") for event in page["events"])
    return 2 * started


def _callbacks(system: Laptop, campaign: str) -> int:
    """Statuses of this campaign that were posted, whatever the number of POSTs."""
    posted = (
        line for line in judge.read_log(system.sandbox_log) if line["kind"] == "callback" and line["taken"]
    )
    return sum(
        str(update.get("key") or "").startswith(campaign) for line in posted for update in line["updates"]
    )


def _units(call: dict[str, Any]) -> float:
    if call["operation"] in WRITES and call["status"] == HTTPStatus.BAD_REQUEST:
        return 1.0  # a condition that does not hold is charged as the write of an item under 1 KB
    if call["operation"] == "BatchGetItem" and not call["consumed"]:
        return float(call["resources"]["Requests"])  # the engine is silent: consistent, under 4 KB each
    consumed = call["consumed"] or []
    parts = consumed if isinstance(consumed, list) else [consumed]
    return float(sum(part.get("CapacityUnits", 0) for part in parts))
