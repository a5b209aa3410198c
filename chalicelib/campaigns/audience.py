"""The rule that picks influencers from the roster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from chalicelib.ports import RosterRow
from chalicelib.shapes import Strict

AREAS_AT_MOST = 500
"""Their stretches are frozen in one item of each run."""

Slug = Annotated[str, Field(min_length=1, max_length=40)]
Some = Annotated[tuple[Slug, ...], Field(max_length=50)]


def _refuse(value: object) -> None:
    if value:
        raise PydanticCustomError("not_available", "This is not available yet.")


NotYet = Annotated[None, BeforeValidator(_refuse), Field(description="Not available yet: leave it out.")]
"""A field of the contract that a later version fills: empty is fine, anything else is refused."""


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
    turnout_below: NotYet = None
    lowest_share: NotYet = None

    def reason_against(self, row: RosterRow) -> str | None:
        """The first rule that this person does not fit; None when all do (areas: the roster's stretches)."""
        checks = (
            ("theme", not self.themes or not row.themes.isdisjoint(self.themes)),
            ("platform", not self.platforms or not row.followers.keys().isdisjoint(self.platforms)),
            ("language", not self.languages or row.language in self.languages),
            ("followers", _largest(row.followers, self.platforms) >= self.min_followers),
            ("gender", self.gender in ("", row.gender)),
            ("profession", not self.professions or not row.professions.isdisjoint(self.professions)),
        )
        return next((reason for reason, fits in checks if not fits), None)

    def picks(self, row: RosterRow) -> bool:
        """Whether this person is meant."""
        return self.reason_against(row) is None


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

    def add(self, rows: Iterable[RosterRow], audience: Audience, channels: tuple[str, ...]) -> None:
        """Counts these people; each is reached over the first of `channels` that they can be reached over."""
        for row in rows:
            reason = audience.reason_against(row)
            channel = next((c for c in channels if c in row.channels), None)
            if reason or channel is None:
                self.excluded[reason or "no_channel"] += 1
                continue
            self.count += 1
            self.by_channel[channel] += 1
            self.by_area[row.partition.removeprefix("ST#")] += 1
