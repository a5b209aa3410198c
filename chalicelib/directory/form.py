"""What people write into the election calendar, over JSON and on the console."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.shapes import Moment, Strict


class ElectionBody(Strict):
    name: str = Field(min_length=1, max_length=150)
    areas: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=40)], ...], Field(min_length=1, max_length=500)
    ]
    """Where it is held, with all below."""
    polling_ends: Moment
    """Silence is the 48 hours before."""
    code_from: Moment
    code_until: Moment
    source: str = Field(min_length=1, max_length=500)
    """Where this was announced: a notification's number or a link."""
