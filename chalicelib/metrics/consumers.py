"""The minute's tick of figures."""

from __future__ import annotations

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib import wiring

bp = Blueprint("app")
WORKS_S = 40
"""No batch is begun later: the next minute goes on."""
COUNTS_S = 10
"""Of these, for followers."""


@bp.schedule(Rate(1, unit=Rate.MINUTES), name="measure_due")
def measure_due(event: CloudWatchEvent) -> None:
    begun = wiring.clock().epoch()
    try:
        wiring.followers().count(begun + COUNTS_S)
    finally:
        wiring.poller().poll(begun + WORKS_S)
