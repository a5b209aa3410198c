"""The minute's tick of voices."""

from __future__ import annotations

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib import wiring

bp = Blueprint("app")
WORKS_S = 40
"""No voice is begun later: the next minute goes on."""


@bp.schedule(Rate(1, unit=Rate.MINUTES), name="tend_voices")
def tend_voices(event: CloudWatchEvent) -> None:
    until = wiring.clock().epoch() + WORKS_S
    try:
        wiring.voice_tending().tend(until)
    finally:
        wiring.voice_counts().fold(until)
