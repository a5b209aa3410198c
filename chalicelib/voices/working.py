"""Hours in which offices work: when so many of them are over, and how many lie between two times. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from chalicelib.clock import IST
from chalicelib.shapes import Day, Strict

MOST_HOLIDAYS = 2000
LONGEST_WALK = timedelta(days=3660)
"""No deadline lies so far ahead: a calendar that knows of no working day must not be walked for ever."""
SATURDAY = 5
HOUR = r"^([01]\d|2[0-3]):[0-5]\d$"
MINUTE = timedelta(minutes=1)
NEVER_OPEN = "In this calendar no day of the week is worked."
ENDS_FIRST = "The office must close after it opens."


AreaId = Annotated[str, Field(min_length=1, max_length=40)]


class Holiday(Strict):
    """A day on which offices rest: in these states, or (none named) everywhere."""

    day: Day
    name: str = Field("", max_length=120)
    states: tuple[AreaId, ...] = Field((), max_length=40)


def _sorted(days: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(days)))


Numbers = Annotated[tuple[int, ...], AfterValidator(_sorted)]


class WorkCalendar(Strict):
    """When offices work, by the clock of India. Without a word from anybody: Monday to Friday, 10 to 17."""

    opens: str = Field("10:00", pattern=HOUR)
    closes: str = Field("17:00", pattern=HOUR)
    days: Numbers = Field((0, 1, 2, 3, 4), max_length=7)
    """Days of the week that are worked, Monday is 0."""
    saturdays: Numbers = Field((), max_length=5)
    """Of a month's Saturdays, the worked ones: (1, 3, 5) where the second and fourth are free."""
    holidays: tuple[Holiday, ...] = Field((), max_length=MOST_HOLIDAYS)

    @model_validator(mode="after")
    def _sense(self) -> WorkCalendar:
        if self.closes <= self.opens:
            raise PydanticCustomError("closes_first", ENDS_FIRST, {"sentence": ENDS_FIRST})
        outside = any(not 0 <= day <= 6 for day in self.days) or any(not 1 <= n <= 5 for n in self.saturdays)  # noqa: PLR2004
        if outside or not (self.days or self.saturdays):
            raise PydanticCustomError("never_open", NEVER_OPEN, {"sentence": NEVER_OPEN})
        return self

    def free(self, path: Sequence[str]) -> frozenset[date]:
        """The holidays of an area with this path: those of everywhere and those of its state."""
        return frozenset(one.day for one in self.holidays if not one.states or set(one.states) & set(path))

    def works(self, day: date, free: frozenset[date]) -> bool:
        """Whether offices work on a day."""
        if day in free:
            return False
        if day.weekday() == SATURDAY and (day.day + 6) // 7 in self.saturdays:
            return True
        return day.weekday() in self.days

    def due(self, start: datetime, minutes: float, path: Sequence[str] = ()) -> datetime:
        """When so many working minutes after `start` are over, in UTC: always within working hours, at their
        end rather than at the beginning of the next day; `start` itself for none. Where too few days are
        worked, ten years ahead: what cannot be done in time must not keep a voice from coming in."""
        if minutes <= 0:
            return start.astimezone(UTC)
        left, free = timedelta(minutes=minutes), self.free(path)
        at = start.astimezone(IST)
        day, last = at.date(), at.date() + LONGEST_WALK
        while day <= last:
            if self.works(day, free):
                begins, ends = self._hours(day)
                begins = max(begins, at)
                if begins < ends:
                    if begins + left <= ends:
                        return (begins + left).astimezone(UTC)
                    left -= ends - begins
            day += timedelta(days=1)
        return (at + LONGEST_WALK).astimezone(UTC)

    def minutes(self, start: datetime, end: datetime, path: Sequence[str] = ()) -> int:
        """How many whole working minutes lie between two times; 0 when they are the wrong way round."""
        free, total = self.free(path), timedelta()
        first, last = start.astimezone(IST), end.astimezone(IST)
        day = first.date()
        while day <= last.date():
            if self.works(day, free):
                begins, ends = self._hours(day)
                total += max(timedelta(), min(ends, last) - max(begins, first))
            day += timedelta(days=1)
        return total // MINUTE

    def _hours(self, day: date) -> tuple[datetime, datetime]:
        opens, closes = time.fromisoformat(self.opens), time.fromisoformat(self.closes)
        return datetime.combine(day, opens, IST), datetime.combine(day, closes, IST)


# --- how long things may take -------------------------------------------------------------------------------


class Target(Strict):
    """How many working hours a voice may wait: of one kind, for one department, or (empty) of any."""

    kind: str = Field("", pattern="^(problem|suggestion|)$")
    department: str = Field("", max_length=40)
    answer_hours: float = Field(gt=0, le=2000)
    resolve_hours: float = Field(gt=0, le=2000)


DAY_H = 7
DEFAULT_TARGETS: Mapping[str, Target] = {
    "problem": Target(kind="problem", department="", answer_hours=3 * DAY_H, resolve_hours=15 * DAY_H),
    "suggestion": Target(kind="suggestion", department="", answer_hours=7 * DAY_H, resolve_hours=30 * DAY_H),
}
"""Three working days to a first answer and fifteen to the end; for a suggestion seven and thirty."""


def target_for(targets: Sequence[Target], kind: str, department: str) -> Target:
    """What holds: the word for this kind and department, else for the department, else for the kind, else the
    default."""

    def fits(one: Target) -> bool:
        return one.kind in ("", kind) and one.department in ("", department)

    def exactness(one: Target) -> tuple[Any, ...]:
        return bool(one.department), bool(one.kind)

    return max(filter(fits, targets), key=exactness, default=DEFAULT_TARGETS[kind])
