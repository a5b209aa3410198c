"""The two shapes of data: what comes in is strict, what goes out or is kept is read with tolerance."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

# `defer_build`: pydantic builds a model on first use, so that a cold start builds none


class Strict(BaseModel):
    """What people write: unknown fields are refused by name, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, defer_build=True)


class View(BaseModel):
    """What is answered, kept or published: fields that a reader does not know are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


def plausible(at: datetime) -> datetime:
    """The time as it is; refused when its year is surely a slip, with which nobody can reckon."""
    if not 1970 <= at.year < 2200:  # noqa: PLR2004
        sentence = "This year cannot be right."
        raise PydanticCustomError("year", "This year cannot be right.", {"sentence": sentence})
    return at


Moment = Annotated[AwareDatetime, AfterValidator(plausible), AfterValidator(lambda at: at.astimezone(UTC))]
"""A time that somebody gives with an offset, as UTC."""
