"""When a run begins and ends, and when the next one follows: by the clock of a zone. No I/O."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from chalicelib.errors import InvalidInput
from chalicelib.ports import QuietHours
from chalicelib.shapes import Moment, Strict

LIVES = timedelta(days=7)
"""How long after its time a run is still sent, when the campaign names no end."""
LATEST = timedelta(days=366)
GRACE = timedelta(minutes=1)
"""A time this far past still counts as now."""
CATCH_UP = timedelta(hours=1)
"""An occurrence this far past still begins: the run before it may have lived until that very moment."""
LONGEST_SPREAD = timedelta(days=7)
INDIA = "Asia/Kolkata"
NO_QUIET_HOURS = "none"

Every = Literal["day", "week", "month"]
ClockTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Quiet(Strict):
    """Hours of the day in which nothing is sent, by the clock of the recipient's area: `{"from": "21:00",
    "until": "08:00"}`, or `"none"`."""

    model_config = ConfigDict(serialize_by_alias=True)

    begins: ClockTime = Field(alias="from")
    until: ClockTime

    @model_validator(mode="before")
    @classmethod
    def _none_is_no_time_at_all(cls, given: Any) -> Any:  # noqa: ANN401 - raw input
        return {"from": "00:00", "until": "00:00"} if given == NO_QUIET_HOURS else given

    @model_serializer(mode="wrap")
    def _as_given(self, usual: SerializerFunctionWrapHandler) -> dict[str, str] | str:
        shown: dict[str, str] = usual(self)
        return shown if self.hours else NO_QUIET_HOURS

    @property
    def hours(self) -> QuietHours | None:
        """The same as dispatch reads it; None when nothing is quiet."""
        if self.begins == self.until:
            return None
        return QuietHours(time.fromisoformat(self.begins), time.fromisoformat(self.until), INDIA)


def quiet_setting(text: str) -> Quiet:
    """The quiet hours of a setting, `21:00-08:00` or `none`. Raises ValueError for any other text."""
    begins, _, until = text.partition("-")
    return Quiet.model_validate(text if text == NO_QUIET_HOURS else {"from": begins, "until": until})


class Repeat(Strict):
    """A run each day, week or month: so many `times` in all, or those that begin before `until`, or before
    the campaign expires."""

    every: Every
    times: int | None = Field(None, ge=2, le=366)
    until: Moment | None = None


class Series(Strict):
    """A run's place among the occurrences of its campaign: always the same time of day by a zone's clock."""

    every: Every
    zone: str
    first: datetime
    """By the clock of the zone, without offset."""
    last: int
    """Number of the last occurrence; the first is 0."""
    number: int = 0
    missed: int = 0
    """Occurrences passed over right before this one, because their time went by."""

    def at(self, number: int) -> datetime:
        """When an occurrence begins, in UTC.

        The day of a month that is too short is its last. A time that the clock leaves out is as much later,
        of a time that comes twice the first counts.
        """
        if self.every == "month":
            years, month = divmod(self.first.month - 1 + number, 12)
            year, month = self.first.year + years, month + 1
            day = min(self.first.day, monthrange(year, month)[1])
            local = self.first.replace(year=year, month=month, day=day)
        else:
            local = self.first + number * timedelta(days=7 if self.every == "week" else 1)
        return local.replace(tzinfo=ZoneInfo(self.zone), fold=0).astimezone(UTC)

    def following(self, now: datetime) -> Series | None:
        """The place of the next run, made now; None when the series has ended. What is missed is not made up
        for."""
        number = self.number + 1
        while number <= self.last and self.at(number) + CATCH_UP <= now:
            number += 1
        if number > self.last:
            return None
        return self.model_copy(update={"number": number, "missed": number - self.number - 1})


def moment_in(at: datetime | None, zone: str) -> datetime | None:
    """The moment of a time with an offset, or of a time by the clock of `zone`; None stays None.

    Raises InvalidInput for a zone that is not known, a time without both, and one that the zone's clock
    leaves out or shows twice.
    """
    there = _zone(zone) if zone else None
    if at is None or at.tzinfo is not None:
        return at
    if there is None:
        sentence = "Give the time an offset such as +05:30, or name its zone."
        raise InvalidInput.of("at", "zone_missing", sentence)
    early, late = (at.replace(tzinfo=there, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early.astimezone(there).replace(tzinfo=None) != at:
        raise InvalidInput.of("at", "time_left_out", "The clocks go forward over this time: it is left out.")
    if early != late:
        sentence = "The clocks go back over this time: it comes twice. Give its offset."
        raise InvalidInput.of("at", "time_twice", sentence)
    return early


def _zone(name: str) -> ZoneInfo:
    try:
        if re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", name):
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a folder of zones is a name, too
        pass
    raise InvalidInput.of("zone", "zone_unknown", "There is no such time zone. An example: Asia/Kolkata.")


def span_of_run(at: datetime | None, expires_at: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """When a run begins and when it is over. Raises InvalidInput for a time that cannot be."""
    begins = now if at is None or now - GRACE <= at < now else at
    if begins < now:
        raise _refused("at", "This time is past.")
    if begins > now + LATEST:
        raise _refused("at", "This is more than a year ahead.")
    ends = expires_at or begins + LIVES
    if ends <= begins:
        raise _refused("at", "The campaign expires before this time.")
    return begins, ends


def series_of(
    repeat: Repeat, begins: datetime, zone: str, expires_at: datetime | None, now: datetime
) -> Series:
    """The series whose first run begins then. It ends with the campaign at the latest.

    Raises InvalidInput when it has no end, is only one run, or goes on for more than a year.
    """
    if repeat.times and repeat.until:
        raise _refused("repeat.until", "Give either a number of times or an end.")
    if not (repeat.times or repeat.until or expires_at):
        raise _refused("repeat", "Say how many times, or until when.")
    first = begins.astimezone(ZoneInfo(zone or INDIA)).replace(tzinfo=None, fold=0)
    series = Series(every=repeat.every, zone=zone or INDIA, first=first, last=0)
    ends = min(filter(None, (repeat.until, expires_at)), default=None)
    number = 1
    while number != repeat.times and (ends is None or series.at(number) < ends):
        if series.at(number) > now + LATEST:
            raise _refused("repeat", "This goes on for more than a year.")
        number += 1
    if number == 1:
        raise _refused("repeat", "This is a single run: leave the repetition out, or move its end.")
    return series.model_copy(update={"last": number - 1})


def span_in_series(series: Series, expires_at: datetime | None) -> tuple[datetime, datetime]:
    """When the run at this place begins and is over: with the campaign, after its own life, and when the next
    would begin."""
    begins = series.at(series.number)
    ends = min(begins + LIVES, series.at(series.number + 1))
    return begins, min(ends, expires_at) if expires_at else ends


def never_awake(quiet: QuietHours | None, begins: datetime, ends: datetime) -> bool:
    """Whether a run's whole life lies in the quiet hours."""
    awake = quiet.until(begins) if quiet else None
    return awake is not None and awake >= ends


def _refused(field: str, sentence: str) -> InvalidInput:
    return InvalidInput.of(field, "time_of_run", sentence)
