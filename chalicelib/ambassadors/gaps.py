"""Who is missing where: what approved people of an area say of themselves, and places without anybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from chalicelib.ambassadors.diversity import Diversity, Place, places_of
from chalicelib.ambassadors.model import Appointment
from chalicelib.ambassadors.service import covered
from chalicelib.ambassadors.store import OPEN, AmbassadorStore
from chalicelib.beside import both, together
from chalicelib.clock import Clock
from chalicelib.errors import InvalidInput
from chalicelib.identity.roles import Principal
from chalicelib.lists import prefix_of
from chalicelib.ports import Area, Areas, Roster, RosterRow

READ, PEOPLE = "gaps.read", "influencer.read"
MOST_PEOPLE = 20_000
"""People and appointments that one call counts: some 600 read units."""
A_READ = 1000
AT_ONCE = 16


@dataclass(frozen=True)
class Found:
    """What there is of an area."""

    area: Area
    exact: bool
    """Whether its reader may read the people anyway."""
    diversity: Diversity
    ambassadors: int
    places: Sequence[Place]
    """Areas right below it, by their ids."""
    names: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Gaps:
    store: AmbassadorStore
    areas: Areas
    roster: Roster
    clock: Clock

    def found(self, who: Principal, area_id: str) -> Found:
        """Counts an area that the caller covers. Raises InvalidInput for one that is none or not theirs, or
        that is too large to be counted while somebody waits."""
        area = covered(self.areas, who, area_id, READ)
        if area.level == "country":
            raise _too_large()
        today = self.clock.today_ist()
        standing, rows = both(lambda: list(self._standing(area, today)), lambda: list(self._rows(area)))
        diversity, paths = Diversity(), set()
        for row in rows:
            diversity.take(row)
            paths.add((row.partition, *row.area_key.rpartition("#")[0].split("/")))
        below = [one for one in self.areas.children(area.id) if not _over(one, today)]
        places = places_of((one.id for one in below), paths, (one.path for one in standing))
        return Found(
            area=area,
            exact=who.covers_area(area.path, PEOPLE),
            diversity=diversity,
            ambassadors=len(standing),
            places=[places[one] for one in sorted(places)],
            names={one.id: one.names for one in below},
        )

    def _rows(self, area: Area) -> Iterator[RosterRow]:
        """Some ranges are begun side by side: many districts with few people are waited for once."""
        read, ranges = 0, self.areas.ranges([area.id])
        for start in range(0, len(ranges), AT_ONCE):
            some = ranges[start : start + AT_ONCE]
            first = together(*(partial(self.roster.page, where, None, A_READ) for where in some))
            for where, (page, behind) in zip(some, first, strict=True):
                rows, after = page, behind
                while True:
                    read += len(rows)
                    if read > MOST_PEOPLE:
                        raise _too_large()
                    yield from rows
                    if after is None:
                        break
                    rows, after = self.roster.page(where, after, A_READ)

    def _standing(self, area: Area, today: date) -> Iterator[Appointment]:
        listed = self.store.listed(OPEN, prefix_of(area.path), None, A_READ)
        for read, (one, _) in enumerate(listed, start=1):
            if read > MOST_PEOPLE:
                raise _too_large()
            if one.state(today) == "standing":
                yield one


def _over(area: Area, today: date) -> bool:
    return bool(area.valid_until) and area.valid_until < today.isoformat()


def _too_large() -> InvalidInput:
    return InvalidInput.of(
        "area", "area_too_large", "This area is too large to be counted. Choose one in it."
    )
