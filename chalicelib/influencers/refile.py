"""People are listed and reached by the path of their area: when areas move, they follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from chalicelib.influencers.model import STATUSES, area_prefix
from chalicelib.influencers.store import PeopleStore
from chalicelib.ports import Area, Areas

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
            people = (person for person, _ in self.store.listed(status, area_prefix(before), None, PAGE))
            while some := list(islice(people, PAGE)):
                there = self.areas.many({person.area for person in some}, fresh=True)
                for person in some:
                    area = there.get(person.area)
                    if area is not None and area.path != person.area_path:
                        moved += self.store.move(person.id, area)
                if moved >= MOST:
                    return True
        return moved > 0
