"""The queue of webhooks."""

from __future__ import annotations

from chalice.app import Blueprint, SQSEvent

from chalicelib import wiring

bp = Blueprint("app")


@bp.on_sqs_message(queue="webhooks", batch_size=10, name="send_webhooks")
def send_webhooks(event: SQSEvent) -> dict[str, list[dict[str, str]]]:
    """The batch is taken side by side: a receiver that hangs holds up no other."""
    messages = {record["messageId"]: record["body"] for record in event.to_dict()["Records"]}
    failed = wiring.webhooks().take(messages)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
