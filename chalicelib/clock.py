"""The time, given to services instead of taken by them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

IST = ZoneInfo("Asia/Kolkata")


@dataclass(frozen=True)
class Clock:
    """Tells the time in UTC; `offset_file` (laptop only) holds the seconds by which it has been moved."""

    offset_file: str = ""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._offset_s())

    def epoch(self) -> float:
        """Seconds since 1970, as `now`."""
        return self.now().timestamp()

    def today_ist(self) -> date:
        """The calendar day in India, by which ages are counted."""
        return self.now().astimezone(IST).date()

    def _offset_s(self) -> float:
        if not self.offset_file:
            return 0.0
        try:
            return float(Path(self.offset_file).read_text(encoding="ascii") or 0)
        except FileNotFoundError:
            return 0.0


@dataclass(frozen=True)
class FixedClock(Clock):
    """A clock that stands still: for tests and for replays."""

    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


def rfc3339(at: datetime) -> str:
    """`2026-01-31T10:20:30Z`: how times are written on every wire."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> datetime:
    """The moment that `rfc3339` wrote; ValueError for anything without a zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time needs a zone, such as Z or +05:30")
    return at.astimezone(UTC)
