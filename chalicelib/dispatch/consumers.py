"""Queues and the minute's tick of dispatch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from chalice.app import Blueprint, CloudWatchEvent, Rate, SQSEvent

from chalicelib import wiring
from chalicelib.batches import each_record, lambda_context
from chalicelib.dispatch.model import Ticket

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

bp = Blueprint("app")


@bp.schedule(Rate(1, unit=Rate.MINUTES), name="launch_due")
def launch_due(event: CloudWatchEvent) -> None:
    try:
        wiring.planner().tick()
    finally:  # an ill channel is probed also when planning cannot be looked after
        try:
            wiring.breaker().watch()
        finally:
            wiring.publishing().tick()


@bp.on_sqs_message(queue="plan", batch_size=10, name="plan_run")
def plan_run(event: SQSEvent) -> PartialItemFailureResponse:
    def one(record: SQSRecord) -> None:
        message = json.loads(record.body)
        if "bundle" in message:
            wiring.bundler().step(message)
        elif "preview" in message:
            wiring.counting().step(message)
        elif "publish" in message:
            wiring.publishing().step(message)
        else:
            wiring.planner().handle(message)

    return each_record(event, one)


@bp.on_sqs_message(queue="send", batch_size=2, name="send_chunk", maximum_batching_window_in_seconds=1)
def send_chunk(event: SQSEvent) -> PartialItemFailureResponse:
    """Two chunks, one after the other: receiving and deleting each alone would be most of what SQS costs. A
    chunk for which no time is left is queued again."""
    context = lambda_context(event)
    deadline = wiring.clock().epoch() + context.get_remaining_time_in_millis() / 1000

    def one(record: SQSRecord) -> None:
        holder = f"{context.aws_request_id} {record.message_id}"
        wiring.sender().send_chunk(Ticket.of(json.loads(record.body)), holder, deadline)

    return each_record(event, one)
