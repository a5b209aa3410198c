"""Public counts: what a voice adds to them, what a cell comes to, which numbers are too small. No I/O.

A voice is counted in the month in which it was received, by the calendar of India, under its department and
under its district. Those that were joined to another one and those hidden as abuse are not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from chalicelib.clock import IST
from chalicelib.public_counts import SMALL, Key, hide
from chalicelib.shapes import View
from chalicelib.voices.model import Voice

TOTAL = "total"
NOBODY = "-"
"""The department of voices that have none yet."""
MINUTES_A_DAY = 24 * 60
COLUMNS = ("received", "open", "resolved", "declined", "answered", "unanswered", "overdue", "in_time")
IN_ROW = (
    ("received", "open", "resolved", "declined"),
    ("received", "answered", "unanswered"),
    ("received", "overdue", "in_time"),
)
"""The first is the sum of the others: whoever knows all but one knows that one too."""


@dataclass(frozen=True)
class Cell:
    """A month, and a department or a district."""

    month: str
    name: str
    """`department#<id>` or `area#<id>`."""


class Fact(View):
    """What one voice adds to its cells."""

    status: Literal["open", "resolved", "declined"]
    overdue: bool = False
    answer_minutes: int | None = None
    """Working minutes to the first answer; None while there is none."""
    answer_wall: int | None = None
    """The same by the clock on the wall."""
    close_minutes: int | None = None
    close_wall: int | None = None


def cells_of(voice: Voice) -> dict[Cell, Fact]:
    """Where a voice is counted, and with what; nowhere while it is hidden or joined to another one."""
    if voice.hidden or voice.main:
        return {}
    month = voice.received_at.astimezone(IST).strftime("%Y-%m")
    status: Any = voice.status if voice.status in ("resolved", "declined") else "open"
    fact = Fact(
        status=status,
        overdue=voice.overdue_at is not None,
        answer_minutes=voice.answer_minutes,
        answer_wall=_wall(voice, voice.answered_at),
        close_minutes=voice.close_minutes,
        close_wall=_wall(voice, voice.closed_at),
    )
    names = (f"department#{voice.department or NOBODY}", f"area#{voice.district}")
    return {Cell(month, name): fact for name in names}


def _wall(voice: Voice, at: Any) -> int | None:  # noqa: ANN401 - a time or none
    return None if at is None else int((at - voice.received_at).total_seconds() // 60)


class Sum(View):
    """What a cell comes to. Durations in minutes, each with how many voices took so long."""

    received: int = 0
    answered: int = 0
    resolved: int = 0
    declined: int = 0
    overdue: int = 0
    answer_minutes: dict[int, int] = {}
    answer_wall: dict[int, int] = {}
    close_minutes: dict[int, int] = {}
    close_wall: dict[int, int] = {}

    def numbers(self) -> dict[str, int]:
        """All columns of the table."""
        kept = {name: getattr(self, name) for name in COUNTED}
        return kept | {
            "open": self.received - self.resolved - self.declined,
            "unanswered": self.received - self.answered,
            "in_time": self.received - self.overdue,
        }


COUNTED = ("received", "answered", "resolved", "declined", "overdue")
DURATIONS = ("answer_minutes", "answer_wall", "close_minutes", "close_wall")


def summed(facts: Iterable[Fact]) -> Sum:
    """The sum of facts, in whatever order they come."""
    counts: Counter[str] = Counter()
    durations: dict[str, Counter[int]] = {name: Counter() for name in DURATIONS}
    for fact in facts:
        counts["received"] += 1
        counts["answered"] += fact.answer_minutes is not None
        counts["overdue"] += fact.overdue
        counts[fact.status] += 1
        for name in DURATIONS:
            if (minutes := getattr(fact, name)) is not None:
                durations[name][minutes] += 1
    return _sum(counts, durations)


def added(sums: Iterable[Sum]) -> Sum:
    """The sum of sums."""
    counts: Counter[str] = Counter()
    durations: dict[str, Counter[int]] = {name: Counter() for name in DURATIONS}
    for one in sums:
        counts.update({name: getattr(one, name) for name in COUNTED})
        for name in DURATIONS:
            durations[name].update(getattr(one, name))
    return _sum(counts, durations)


def _sum(counts: Mapping[str, int], durations: Mapping[str, Mapping[int, int]]) -> Sum:
    kept: dict[str, object] = {name: counts.get(name, 0) for name in COUNTED}
    return Sum.model_validate(kept | {name: dict(sorted(found.items())) for name, found in durations.items()})


def middle(durations: Mapping[int, int]) -> float | None:
    """The exact median of counted durations; None where fewer are known than may be shown."""
    if sum(durations.values()) < SMALL:
        return None
    return float(median(Counter(durations).elements()))


# --- what may be shown --------------------------------------------------------------------------------------


def table(sums: Mapping[str, Sum]) -> dict[str, Any]:
    """A month's table as it is shown: `total`, `departments`, `areas`, each row with its numbers (None: not
    shown) and its medians: in working hours, and in days of the calendar."""
    kinds = {
        kind: sorted(name for name in sums if name.startswith(f"{kind}#")) for kind in ("department", "area")
    }
    total = added(sums[name] for name in kinds["department"])
    rows = {TOTAL: total} | dict(sums)
    numbers = {(row, column): found for row, one in rows.items() for column, found in one.numbers().items()}
    equations: list[list[Key]] = [[(row, column) for column in group] for row in rows for group in IN_ROW]
    equations += [
        [(TOTAL, column), *((name, column) for name in names)]
        for names in kinds.values()
        if names
        for column in COLUMNS
    ]
    hidden = hide(numbers, equations)

    def shown(row: str) -> dict[str, Any]:
        found = rows[row]
        return {
            column: None if (row, column) in hidden else numbers[row, column]
            for column in ("received", "open", "answered", "resolved", "declined", "overdue")
        } | {
            "answer_hours": _in(60, middle(found.answer_minutes)),
            "answer_days": _in(MINUTES_A_DAY, middle(found.answer_wall)),
            "close_hours": _in(60, middle(found.close_minutes)),
            "close_days": _in(MINUTES_A_DAY, middle(found.close_wall)),
        }

    return {
        "total": shown(TOTAL),
        "departments": [{"id": name.partition("#")[2]} | shown(name) for name in kinds["department"]],
        "areas": [{"id": name.partition("#")[2]} | shown(name) for name in kinds["area"]],
    }


def _in(unit: int, minutes: float | None) -> float | None:
    return None if minutes is None else round(minutes / unit, 2)
