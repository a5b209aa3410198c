"""SQS batches: one record, one call; what fails comes again alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from chalice.app import SQSEvent


def each_record(event: SQSEvent, one: Callable[[SQSRecord], None]) -> PartialItemFailureResponse:
    """Calls `one` for each record and reports those that raised.

    They come again, and in the end go to the dead letters.
    """
    from aws_lambda_powertools.utilities.batch import (  # 28 ms that HTTP need not pay
        BatchProcessor,
        EventType,
        process_partial_response,
    )

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)  # one a call
    return process_partial_response(event.to_dict(), one, processor, context=lambda_context(event))


def lambda_context(event: SQSEvent) -> Any:  # noqa: ANN401 - Chalice types it as a dict, Lambda gives an object
    """The invocation's context: `aws_request_id`, `get_remaining_time_in_millis()`."""
    return cast("Any", event.context)
