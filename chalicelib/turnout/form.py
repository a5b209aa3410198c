"""What people write of turnout, over JSON and on the console."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from chalicelib.shapes import Strict
from chalicelib.turnout.model import Kind

Id = Annotated[str, Field(max_length=40)]


class PastElectionBody(Strict):
    name: Annotated[str, Field(min_length=1, max_length=150)]
    date: date
    """On which was polled; of several phases the last."""
    kind: Kind
    calendar: Id = ""
    """Its id on the election calendar, where it stands there too."""
