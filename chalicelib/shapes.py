"""The two shapes of data: what comes in is strict, what goes out or is kept is read with tolerance."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

# `defer_build`: pydantic builds a model on first use, so that a cold start builds none


class Strict(BaseModel):
    """What people write: unknown fields are refused by name, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, defer_build=True)


class Nothing(Strict):
    """A request without fields."""


class View(BaseModel):
    """What is answered, kept or published: fields that a reader does not know are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


OneDay = TypeVar("OneDay", bound=date)
WRONG_YEAR = "This year cannot be right."


def believable(at: date) -> bool:
    """Whether one can reckon with this day or time; a year far off is surely a slip."""
    return 1970 <= at.year < 2200  # noqa: PLR2004


def plausible(at: OneDay) -> OneDay:
    """The day or time as it is; refused when its year is a slip."""
    if not believable(at):
        raise PydanticCustomError("year", WRONG_YEAR, {"sentence": WRONG_YEAR})
    return at


def _in_utc(at: datetime) -> datetime:
    return at.astimezone(UTC) if believable(at) else at


Utc = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A time with an offset, as UTC. What is kept is read with tolerance."""
Moment = Annotated[Utc, AfterValidator(plausible)]
"""The same as somebody gives it."""
Day = Annotated[date, AfterValidator(plausible)]
"""A day as somebody gives it."""
