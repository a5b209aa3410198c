"""What one recipient costs through the whole deployed application: plan, claim, send, callbacks.

A campaign runs on the embedded AWS while every AWS call of every function is recorded; once with callbacks
posted as under load, once with one status a POST. Polling of queues by Lambda is counted as one receive and
one delete for each invocation that a queue caused: the engine gathers no batches over time, as AWS does, so
that the callbacks' queue is read more often here. `bench/against.py` counts by AWS's rules.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.costs import Usage
from bench.figure import Figure
from local import judge
from local.acting import Caller, Creators, Json, Staff, enrol, wait_for
from local.laptop import Laptop, laptop
from local.programme import brief, load_ground
from local.sample import creators

RECIPIENTS = 400
LOOKS_S = 10
QUEUED = ("PlanRun", "SendChunk", "ProcessCallbacks")
UNDER_LOAD: Json = {"aggregate_ms": 1000, "delay_ms": 3000, "batch": 1000}
ONE_A_POST: Json = {"aggregate_ms": 20, "delay_ms": 3000, "batch": 1}


def run(recipients: int = RECIPIENTS, looks_s: int = LOOKS_S) -> Iterator[Figure]:
    """Request units, SQS requests and AWS calls for each recipient; so many seconds of the looks at whether a
    run has ended are in them."""
    with (
        tempfile.TemporaryDirectory(prefix="janjan-bench-") as folder,
        laptop(Path(folder), record_calls=True) as system,
    ):
        staff = _prepared(system, recipients)
        yield from _measured(system, staff, "deployed", UNDER_LOAD, recipients, looks_s=looks_s)
        yield from _measured(system, staff, "deployed_one_a_post", ONE_A_POST, recipients, looks_s=looks_s)


def _measured(
    system: Laptop, staff: Staff, name: str, behaviour: Json, recipients: int, *, looks_s: int
) -> Iterator[Figure]:
    Caller(system.sandbox_url)("POST", "/behaviour", behaviour)
    before, polled = len(_calls(system)), _polls(system)
    campaign = staff.launch(brief(f"#{name}", ["IN"]))
    _settled(system, campaign, name, recipients, looks_s)
    usage = Usage(recipients=recipients, sqs_requests=_polls(system) - polled)
    for call in _calls(system)[before:]:
        if _of_the_delivery(call):
            usage.add_call(call)
    report = staff.report(campaign)
    assert report["accepted"] + report["failed"] == recipients, report
    for what, value in usage.each().items():
        if value:
            yield Figure(f"{name}_{what}", value, "a recipient")
    yield Figure(f"{name}_aws_calls", usage.calls / recipients, "a recipient")
    yield Figure(f"{name}_callbacks", _callbacks(system, campaign) / recipients, "a recipient")


def _prepared(system: Laptop, recipients: int) -> Staff:
    """Everybody enrolled on WhatsApp and welcomed."""
    api, sandbox = Caller(system.url), Caller(system.sandbox_url)
    areas, staff = load_ground(system), Staff.signed_in(api, system.env)
    staff.register_templates(sandbox)
    people = [one for one in creators(recipients * 2, areas) if one.channel == "whatsapp"][:recipients]
    assert len(people) == recipients
    enrol(people, Creators(api, sandbox), staff)
    wait_for(lambda: _idle(system), "the end of the welcomes")
    return staff


def _settled(system: Laptop, campaign: str, name: str, recipients: int, looks_s: int) -> None:
    """Until every request is made and every callback is taken in, without asking for the report."""

    def requested() -> bool:
        people = judge.people_of(judge.read_log(system.sandbox_log), campaign, f"#{name}")
        return sum(person.requests for person in people) >= recipients

    wait_for(requested, "the last request")
    wait_for(lambda: _idle(system), "the last callback")
    time.sleep(looks_s)  # the looks at whether the run has ended belong to its cost
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
