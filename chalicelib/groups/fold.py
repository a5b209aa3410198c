"""Keeps coverage in step with areas, people and groups: after the streams of their tables.

A record says where something has changed, and nothing more: what is written is read anew. So records may come
twice, late, in any order, or after a crash half-way, and the rows end as the truth is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.groups.coverage import area_of, level_of, partition_of
from chalicelib.groups.nodes import NodeStore
from chalicelib.ports import Areas, Roster, RosterRange

PAGE = 1000
MOST_COUNTED = 400
"""Paths at which one recount counts people: some ten seconds."""


@dataclass(frozen=True)
class Fold:
    """Writes what `nodes.py` draws, but for the rows of groups and goals."""

    store: NodeStore
    areas: Areas
    roster: Roster

    def take(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Brings coverage up to date where records of the streams of `directory`, `roster` and `coverage` say
        that something changed; only their keys are looked at. Raises so that the batch comes again."""
        areas: set[str] = set()
        people: set[tuple[str, str]] = set()
        partitions: set[str] = set()
        for record in records:
            keys = record["dynamodb"]["Keys"]
            pk, sk = keys["pk"]["S"], keys["sk"]["S"]
            table = record["eventSourceARN"].partition("/")[2].partition("/")[0].rpartition("-")[2]
            if table == "coverage":
                partitions.add(pk)
            elif table == "directory" and sk == "area":
                areas.add(pk)
            elif table == "roster" and record["eventName"] != "MODIFY":
                people.add((pk, sk.rpartition("#")[0]))
        self._put(areas)
        for partition, path in sorted(people):
            self._count(partition, path)
        for partition in sorted(partitions):
            self.store.fold_sums(partition)

    def recount(self, area: str) -> bool:
        """Reads anew all that lies in the partition of an area, and writes what is not so: for what was lost
        before it was folded. Whether more may be wrong: a call counts people at MOST_COUNTED paths."""
        name = partition_of(area)
        head, known = area_of(name), self.store.partition(area, consistent=True)
        below = self.areas.children(head)
        inner = below if level_of(head) == "district" else []
        ids = {head, *(one.id for one in inner), *known.nodes}
        ids |= {one.id for block in inner if block.level == "block" for one in self.areas.children(block.id)}
        there = self.areas.many(ids, fresh=True)
        wrong = [one for one in there.values() if not known.says(one.id, one.path, one.valid_until)]
        self.store.put_areas(wrong, ids - there.keys())
        people, after = Counter[str](), None
        while True:
            rows, after = self.roster.page(RosterRange(name), after, PAGE)
            people.update(row.area_key.rpartition("#")[0] for row in rows)
            if after is None:
                break
        paths = sorted(people.keys() | known.people)
        other = [path for path in paths if people[path] != known.people.get(path)]
        for path in other[:MOST_COUNTED]:
            self._count(name, path)
        self.store.fold_sums(name)
        unseen = head in there and not known.path  # without its head's row nothing of it was read
        return unseen or len(other) > MOST_COUNTED

    def _put(self, ids: Iterable[str]) -> None:
        wanted = set(ids)
        if wanted:
            there = self.areas.many(wanted, fresh=True)
            self.store.put_areas(there.values(), wanted - there.keys())

    def _count(self, partition: str, path: str) -> None:
        where = RosterRange(partition, f"{path}#")
        self.store.fold_people(partition, path, lambda: self.roster.count(where))
