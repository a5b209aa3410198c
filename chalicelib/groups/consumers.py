"""Streams of areas, people and coverage itself -> coverage."""

from __future__ import annotations

from chalice.app import Blueprint, DynamoDBEvent

from chalicelib import wiring

bp = Blueprint("app")


@bp.on_dynamodb_record(stream_arn="coverage", batch_size=1000, name="fold_coverage")
def fold_coverage(event: DynamoDBEvent) -> None:
    """Raises to have the whole batch again: a returned failure would lose it on the laptop's engine
    (ENGINE.md)."""
    wiring.coverage_fold().take(event.to_dict()["Records"])
