"""The queue of imports."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from chalice.app import Blueprint, SQSEvent

from chalicelib import wiring
from chalicelib.batches import each_record, lambda_context

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

bp = Blueprint("app")


@bp.on_sqs_message(queue="imports", batch_size=1, name="run_import")
def run_import(event: SQSEvent) -> PartialItemFailureResponse:
    context = lambda_context(event)
    deadline = wiring.clock().epoch() + context.get_remaining_time_in_millis() / 1000

    def one(record: SQSRecord) -> None:
        holder = f"{context.aws_request_id} {record.message_id}"
        wiring.import_runner().run(json.loads(record.body)["import"], holder, deadline)

    return each_record(event, one)
