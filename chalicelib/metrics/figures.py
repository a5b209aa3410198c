"""Figures of posts: what was measured, by whom, when. What is missing is no data, never 0.

Two grades, never added together: `verified` (the platform's API or its signed callback) and `declared` (the
creator's word). In each the newest measurement of a metric counts, by the time at which it was measured and
not by that at which it reached us; a figure that fell is kept as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, get_args

from chalicelib.metrics import schedule
from chalicelib.platforms.base import METRICS, Metric, PostReading
from chalicelib.ports import MetricSum

Grade = Literal["verified", "declared"]
GRADES: tuple[Grade, ...] = get_args(Grade)
LARGEST = 10**15
"""More than any platform has shown: such a figure is a slip."""


@dataclass(frozen=True, order=True)
class Value:
    """One figure and the time at which it was measured."""

    at: datetime
    number: int


Figures = Mapping[Metric, Value]


def measured(told: Mapping[Metric, int], at: datetime) -> dict[Metric, Value]:
    """What was told as figures of this time; what cannot be a count is no data."""
    return {
        metric: Value(at, told[metric])
        for metric in METRICS
        if type(told.get(metric)) is int and 0 <= told[metric] <= LARGEST
    }


def numbers(figures: Figures) -> dict[str, int]:
    """The figures without their times."""
    return {metric: value.number for metric, value in figures.items()}


def newest(known: Figures, told: Figures) -> dict[Metric, Value]:
    """Of each metric the newest measurement, whatever came first; of the same time the larger."""
    both = {metric: [f[metric] for f in (known, told) if metric in f] for metric in METRICS}
    return {metric: max(values) for metric, values in both.items() if values}


@dataclass(frozen=True)
class PostFigures:
    """All that is known of one post's figures now, and when it is asked for next."""

    post_id: str
    rev: int = 0
    verified: Figures = field(default_factory=dict)
    declared: Figures = field(default_factory=dict)
    screenshot: str = ""
    """Of the newest declared figures: the object in the bucket that shows them."""
    gone_since: datetime | None = None
    """Since when the platform does not show the post (any more)."""
    platform: str = ""
    """Empty while nobody has handed the post in: figures came first."""
    ask: str = ""
    """The id with which the platform's API is asked."""
    published_at: datetime | None = None
    due_at: datetime | None = None
    """When it is asked for; None: never (again)."""
    misses: int = 0
    """How many requests in a row have told nothing of it."""
    learned: str = ""
    """Stands for what was told of the post beside its figures, so that it is handed on once."""
    closed: bool = False
    """Its person has left: nothing more is taken, the figures stay as they are."""

    def of(self, grade: Grade) -> Figures:
        return self.verified if grade == "verified" else self.declared

    def told(self, grade: Grade, figures: Figures, screenshot: str = "") -> PostFigures:
        """With these figures: itself when they tell nothing newer."""
        if self.closed:
            return self
        merged = newest(self.of(grade), figures)
        if grade == "verified":
            return replace(self, verified=merged)
        shown = screenshot if merged != self.declared else self.screenshot
        return replace(self, declared=merged, screenshot=shown)

    def read(self, reading: PostReading | None, at: datetime, *, learned: bool = True) -> PostFigures:
        """After a request of this time; None: it told nothing of the post. `learned`: whether what it told
        beside figures was taken, and need not be told again."""
        if self.closed:
            return self
        if reading is None:
            misses = self.misses + 1
            return replace(self, misses=misses, due_at=self._next(at, misses=misses))
        begun = reading.published_at or self.published_at
        known = fingerprint(reading) if learned else self.learned
        after = replace(self, misses=0, published_at=begun, learned=known)
        after = replace(after.told("verified", measured(reading.figures, at)), gone_since=None)
        if reading.gone:
            after = replace(after, gone_since=self.gone_since or at)
        return replace(after, due_at=after._next(at, seldom=reading.gone or reading.hidden))

    def _next(self, now: datetime, *, seldom: bool = False, misses: int = 0) -> datetime | None:
        return schedule.next_at(self.published_at or now, now, seldom=seldom, misses=misses)


def fingerprint(reading: PostReading) -> str:
    """Stands for all that a reading tells beside figures."""
    told = (reading.gone, reading.account, reading.handle, reading.text, reading.published_at)
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def sums(posts: Iterable[PostFigures]) -> dict[Grade, dict[str, MetricSum]]:
    """The sums over posts, each grade apart; a metric of which no post has data is absent."""
    found: dict[Grade, dict[str, MetricSum]] = {grade: {} for grade in GRADES}
    for post in posts:
        for grade in GRADES:
            for metric, value in post.of(grade).items():
                _add(found[grade].setdefault(metric, MetricSum()), value)
    return {grade: {m: by[m] for m in METRICS if m in by} for grade, by in found.items()}


def _add(to: MetricSum, value: Value) -> None:
    to.total += value.number
    to.posts += 1
    to.oldest = min(to.oldest or value.at, value.at)
    to.newest = max(to.newest or value.at, value.at)
