"""The queue of callbacks."""

from __future__ import annotations

from chalice.app import Blueprint, SQSEvent

from chalicelib import wiring

bp = Blueprint("app")


@bp.on_sqs_message(
    queue="callbacks", batch_size=10, name="process_callbacks", maximum_batching_window_in_seconds=2
)
def process_callbacks(event: SQSEvent) -> dict[str, list[dict[str, str]]]:
    """The batch is taken as one, not record by record: its facts are written together. What comes within two
    seconds shares a batch, so that fewer tallies are written; a STOP waits no longer than that."""
    messages = {record["messageId"]: record["body"] for record in event.to_dict()["Records"]}
    failed = wiring.callbacks().process(messages)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
