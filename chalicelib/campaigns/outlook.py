"""What the coming days hold for a campaign: silence and codes of conduct in its areas, its runs. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from chalicelib.clock import IST
from chalicelib.ports import Polling

DAYS = 14


@dataclass(frozen=True)
class Span:
    """What holds on a day, in some areas: from when until when (times of that day, India's clock)."""

    name: str
    begins: datetime
    ends: datetime
    areas: tuple[str, ...]


@dataclass(frozen=True)
class Day:
    on: date
    runs: tuple[datetime, ...]
    silences: tuple[Span, ...]
    codes: tuple[Span, ...]
    over: bool
    """Whether the campaign has expired before this day."""


def outlook(
    now: datetime, pollings: Iterable[Polling], runs: Sequence[datetime], expires_at: datetime | None
) -> list[Day]:
    """Today and the days that follow, by India's clock."""
    first, known = now.astimezone(IST).date(), list(pollings)
    return [_day(first + timedelta(days=n), known, runs, expires_at) for n in range(DAYS)]


def until_then(now: datetime) -> datetime:
    """When the last of these days is over."""
    return _midnight(now.astimezone(IST).date() + timedelta(days=DAYS))


def _day(on: date, pollings: Sequence[Polling], runs: Sequence[datetime], expires_at: datetime | None) -> Day:
    begins, ends = _midnight(on), _midnight(on + timedelta(days=1))

    def spans(of: Iterable[tuple[Polling, datetime, datetime]]) -> tuple[Span, ...]:
        return tuple(
            Span(one.name, max(start, begins), min(end, ends), one.areas)
            for one, start, end in of
            if start < ends and end > begins
        )

    return Day(
        on,
        tuple(at for at in runs if begins <= at < ends),
        spans((one, one.silence_from, one.polling_ends) for one in pollings),
        spans((one, one.code_from, one.code_until) for one in pollings),
        expires_at is not None and expires_at <= begins,
    )


def _midnight(on: date) -> datetime:
    return datetime.combine(on, time(), IST)
