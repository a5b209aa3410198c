"""The rule that picks influencers from the roster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from chalicelib.ports import LowPlaces, RosterRow, Turnout
from chalicelib.shapes import Strict, View

DISTRICTS_KEPT = 20
"""Whose low places a container remembers: pages of one district follow one another."""
AREAS_AT_MOST = 500
"""Their stretches are frozen in one item of each run."""

Slug = Annotated[str, Field(min_length=1, max_length=40)]
Some = Annotated[tuple[Slug, ...], Field(max_length=50)]


def _refuse(value: object) -> None:
    if value:
        raise PydanticCustomError("not_available", "This is not available yet.")


NotYet = Annotated[None, BeforeValidator(_refuse), Field(description="Not available yet: leave it out.")]
"""A field of the contract that a later version fills: empty is fine, anything else is refused."""


def _or_none(value: object) -> object:
    return value or None


OrNone = BeforeValidator(_or_none)
"""What is empty is not given."""
Percent = Annotated[Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None, OrNone]
Share = Annotated[Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None, OrNone]


class Audience(Strict):
    """Who is meant: in one of the areas (with all below), and fitting every other rule that is given.

    A rule that is empty lets everybody through. `platforms` and `min_followers` belong together: the
    largest following on one of the platforms, or on any platform when none is named, must reach the number.
    """

    areas: Annotated[tuple[Slug, ...], Field(max_length=AREAS_AT_MOST)] = ()
    themes: Some = ()
    platforms: Some = ()
    languages: Some = ()
    min_followers: int = Field(0, ge=0, le=1_000_000_000)
    gender: Literal["", "female", "male", "other"] = ""
    professions: Some = ()
    tiers: NotYet = None
    turnout_below: Percent = None
    """Whose own area has a turnout under this, at the latest election there: a share of electors up to 1, or
    per cent above."""
    lowest_share: Share = None
    """Who is known by a booth of this lowest share of its district's: 0.1 for the lowest tenth."""
    turnout_election: Annotated[str, Field(max_length=40)] = ""
    """The election of both rules; empty: the latest of each district."""

    @property
    def by_turnout(self) -> bool:
        """Whether somebody's own area decides by who voted there."""
        return self.turnout_below is not None or self.lowest_share is not None

    @property
    def below(self) -> float | None:
        """`turnout_below` as a share of electors."""
        given = self.turnout_below
        return given / 100 if given is not None and given > 1 else given

    def reason_against(self, row: RosterRow, low: LowPlaces | None = None) -> str | None:
        """The first rule that this person does not fit; None when all do (areas: the roster's stretches).
        `low`: the places of their district that the rules of turnout pick."""
        checks = (
            ("theme", not self.themes or not row.themes.isdisjoint(self.themes)),
            ("platform", not self.platforms or not row.followers.keys().isdisjoint(self.platforms)),
            ("language", not self.languages or row.language in self.languages),
            ("followers", _largest(row.followers, self.platforms) >= self.min_followers),
            ("gender", self.gender in ("", row.gender)),
            ("profession", not self.professions or not row.professions.isdisjoint(self.professions)),
            ("turnout", not self.by_turnout or (low is not None and low.holds(row))),
        )
        return next((reason for reason, fits in checks if not fits), None)

    def picks(self, row: RosterRow, low: LowPlaces | None = None) -> bool:
        """Whether this person is meant."""
        return self.reason_against(row, low) is None


@dataclass
class Low:
    """The places that an audience's rules of turnout pick, each district's read once. For audiences without
    such rules nothing is read."""

    audience: Audience
    elections: Mapping[str, str]
    """By district, as they were frozen; a district that is absent has no such places."""
    turnout: Callable[[], Turnout]
    _kept: dict[str, LowPlaces] = field(default_factory=dict)

    def of(self, partition: str) -> LowPlaces | None:
        """Those of one partition of the roster."""
        if not self.audience.by_turnout or partition not in self.elections:
            return None
        if partition not in self._kept:
            if len(self._kept) >= DISTRICTS_KEPT:
                self._kept.clear()
            self._kept[partition] = self.turnout().low_places(
                partition,
                self.elections[partition],
                below=self.audience.below,
                lowest_share=self.audience.lowest_share,
            )
        return self._kept[partition]


def _largest(followers: Mapping[str, int], platforms: tuple[str, ...]) -> int:
    return max((n for platform, n in followers.items() if not platforms or platform in platforms), default=0)


@dataclass
class Preview:
    """What a campaign to this audience would reach now, person by person."""

    count: int = 0
    by_channel: Counter[str] = field(default_factory=Counter)
    by_area: Counter[str] = field(default_factory=Counter)
    """By district; by state or `IN` for people above districts."""
    excluded: Counter[str] = field(default_factory=Counter)

    elections: Counter[str] = field(default_factory=Counter)
    """By which elections its turnout was judged, and in how many districts."""

    def join(self, other: Preview) -> None:
        """Adds what another counted elsewhere."""
        self.count += other.count
        for name in ("by_channel", "by_area", "excluded", "elections"):
            getattr(self, name).update(getattr(other, name))

    def add(
        self,
        rows: Iterable[RosterRow],
        audience: Audience,
        channels: tuple[str, ...],
        low: Low | None = None,
    ) -> None:
        """Counts these people; each is reached over the first of `channels` that they can be reached over."""
        for row in rows:
            reason = audience.reason_against(row, low.of(row.partition) if low else None)
            reason = reason or ("paused" if row.paused else None)
            channel = next((c for c in channels if c in row.channels), None)
            if reason or channel is None:
                self.excluded[reason or "no_channel"] += 1
                continue
            self.count += 1
            self.by_channel[channel] += 1
            self.by_area[row.partition.removeprefix("ST#")] += 1


class CountingJob(View):
    """A preview under way, as it is kept."""

    id: str
    rev: int
    by: str
    created_at: AwareDatetime
    saved_at: float
    """When its last step ended, in seconds since 1970."""
    audience: Audience
    channels: tuple[str, ...]
    elections: dict[str, str]
    ranges: tuple[tuple[str, str], ...]
    """Partition and beginning of the sort keys of each stretch of the roster."""
    stretch: int = 0
    after: str | None = None
    """Where to go on: in which stretch, behind which key."""
    read: int = 0
    count: int = 0
    by_channel: dict[str, int] = {}
    by_area: dict[str, int] = {}
    excluded: dict[str, int] = {}

    @property
    def status(self) -> Literal["running", "finished"]:
        return "running" if self.stretch < len(self.ranges) else "finished"
