"""The day's seal over the audit."""

from __future__ import annotations

from chalice.app import Blueprint, CloudWatchEvent, Cron

from chalicelib import wiring

bp = Blueprint("app")


@bp.schedule(Cron(15, 18, "*", "*", "?", "*"), name="seal_audit")  # 23:45 in India
def seal_audit(event: CloudWatchEvent) -> None:
    wiring.audit().seal(wiring.clock().now())
