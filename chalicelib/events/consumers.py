"""Streams of the low-volume tables -> the bus."""

from __future__ import annotations

from chalice.app import Blueprint, DynamoDBEvent

from chalicelib import wiring

bp = Blueprint("app")


@bp.on_dynamodb_record(stream_arn="people", batch_size=100, name="publish_events")
def publish_events(event: DynamoDBEvent) -> None:
    """Raises to have the whole batch again: a returned failure would lose it on the laptop's engine
    (ENGINE.md)."""
    wiring.outbox().publish(event.to_dict()["Records"])
