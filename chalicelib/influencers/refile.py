"""People are listed and reached by the path of their area: when areas move, they follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.influencers.model import STATUSES
from chalicelib.influencers.store import PeopleStore
from chalicelib.lists import prefix_of
from chalicelib.ports import Area, Areas
from chalicelib.refiling import misfiled

PAGE = 100
MOST = 500
"""People whom one call files anew: each is a transaction."""


@dataclass(frozen=True)
class PeopleRefiled:
    """Implements ports.Refiling."""

    store: PeopleStore
    areas: Areas

    def refile(self, before: Sequence[str], district: Area) -> bool:
        moved = 0
        for status in STATUSES:
            listed = (person for person, _ in self.store.listed(status, prefix_of(before), None, PAGE))
            placed = ((person.area, person.area_path, person.id) for person in listed)
            for person_id, area in misfiled(placed, self.areas):
                moved += self.store.move(person_id, area)
                if moved == MOST:
                    return True
        return moved > 0
