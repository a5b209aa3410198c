"""Who could become ambassador of an area: the most followed first, figures of the platforms before people's
own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chalicelib.ambassadors.model import READ
from chalicelib.ambassadors.service import CONTACTS, covered
from chalicelib.ambassadors.store import BATCH, AmbassadorStore
from chalicelib.beside import both
from chalicelib.clock import Clock
from chalicelib.identity.roles import Principal
from chalicelib.ports import Areas, Contact, People, Roster, RosterRow

MOST_ROWS = 5000
"""Rows of the roster that one page looks through: some 160 read units. Most districts have fewer people."""
A_READ = 1000
MOST_RANGES = 100
"""Partitions of the roster, a district each, that one page asks: all of India has some 800."""
MOST_CARDS = 3 * BATCH
"""Candidates whose appointments one page looks up: a page of people who are ambassadors already is short."""
Grade = Literal["verified", "stated"]
Place = dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """How many follow somebody on one platform, by whose word."""

    platform: str
    followers: int
    grade: Grade


@dataclass(frozen=True)
class Candidate:
    """Somebody who is approved and ambassador of nothing."""

    id: str
    name: str
    area_path: tuple[str, ...]
    figures: Sequence[Figure]
    """The one that decided first, then the others; never added up."""


def figures_of(row: RosterRow, platform: str = "") -> list[Figure]:
    """Figures of one platform or of all: those that platforms told first, and the larger first."""
    told = [Figure(name, number, "verified") for name, number in row.verified.items()]
    said = [
        Figure(name, number, "stated")
        for name, number in row.followers.items()
        if number != row.verified.get(name)
    ]
    wanted = [one for one in told + said if one.followers and platform in ("", one.platform)]
    return sorted(wanted, key=lambda one: (one.grade != "verified", -one.followers, one.platform))


def rank(figures: Sequence[Figure], person: str) -> tuple[bool, int, str]:
    """Where somebody stands: behind everybody with a verified figure, if they have none."""
    return (figures[0].grade != "verified", -figures[0].followers, person)


@dataclass(frozen=True)
class Shortlist:
    store: AmbassadorStore
    areas: Areas
    roster: Roster
    people: People
    clock: Clock

    def page(
        self, who: Principal, area_id: str, platform: str, limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[Candidate], Place | None]:
        """Up to `limit` people of an area, and where to go on: a page may be short, even empty, and the list
        go on. A stretch of the register, up to MOST_ROWS people and MOST_RANGES districts, is ranked as a
        whole; where an area has more, the next stretch follows. Raises InvalidInput for an area that is none
        or not the caller's."""
        area = covered(self.areas, who, area_id, READ)
        at: Place = dict(after) if after else {"range": 0, "key": None, "behind": None}
        rows, then = self._stretch(area.id, at)
        figures = {row.id: found for row in rows if (found := figures_of(row, platform))}
        ranked = sorted(rank(found, one) for one, found in figures.items())
        behind = at["behind"] and tuple(at["behind"])
        left = [one for one in ranked if not behind or one > behind]
        likely = [one[2] for one in left[: 2 * limit]]
        (taken, last), contacts = both(lambda: self._free(left, limit), lambda: self._contacts(likely))
        contacts |= self._contacts([one[2] for one in taken if one[2] not in likely])
        candidates = [
            Candidate(one, contacts[one].name, contacts[one].area_path, figures[one])
            for _, _, one in taken
            if one in contacts and contacts[one].status == "approved"
        ]
        if last is not None and last < len(left):
            return candidates, at | {"behind": list(left[last - 1])}
        return candidates, then

    def _stretch(self, area: str, at: Mapping[str, Any]) -> tuple[list[RosterRow], Place | None]:
        """The rows from a place on, and the place behind them."""
        rows: list[RosterRow] = []
        ranges = self.areas.ranges([area])
        number, key = int(at["range"]), at["key"]
        full = number + MOST_RANGES
        while number < len(ranges):
            found, key = self.roster.page(ranges[number], key, min(A_READ, MOST_ROWS - len(rows)))
            rows += found
            if key is None:
                number += 1
            if (len(rows) >= MOST_ROWS or number >= full) and number < len(ranges):
                return rows, {"range": number, "key": key, "behind": None}
        return rows, None

    def _free(
        self, ranked: Sequence[tuple[bool, int, str]], limit: int
    ) -> tuple[list[tuple[bool, int, str]], int | None]:
        """The first `limit` who are ambassador of nothing, and how many were looked at; None: all."""
        today, free = self.clock.today_ist(), []
        for begin in range(0, min(len(ranked), MOST_CARDS), BATCH):
            some = ranked[begin : begin + BATCH]
            cards = self.store.cards([one for _, _, one in some])
            for looked, one in enumerate(some, start=begin + 1):
                if one[2] not in cards or not cards[one[2]].stands_anywhere(today):
                    free.append(one)
                if len(free) == limit:
                    return free, looked
        return free, MOST_CARDS if len(ranked) > MOST_CARDS else None

    def _contacts(self, ids: Sequence[str]) -> dict[str, Contact]:
        return dict(self._each(ids))

    def _each(self, ids: Sequence[str]) -> Iterator[tuple[str, Contact]]:
        for begin in range(0, len(ids), CONTACTS):
            yield from self.people.contacts(ids[begin : begin + CONTACTS]).items()
