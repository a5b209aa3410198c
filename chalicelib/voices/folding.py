"""Sums the public counts, from what voices wrote of themselves in the transactions that changed them.

A mark says where something has changed, and nothing more: what is written is read anew. So a fold may come
twice, late, beside another one, or after a crash half-way, and the sums end as the truth is. A mark goes
last. A table is seen from the next evening on, as the last fold before it left it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from chalicelib.clock import IST, Clock, rfc3339
from chalicelib.public_counts import next_evening
from chalicelib.voices.counts import Cell, Sum, summed, table
from chalicelib.voices.store import VoiceStore

MARKS = 2000
"""Looked at in one fold."""


@dataclass(frozen=True)
class Folding:
    store: VoiceStore
    clock: Clock

    def fold(self, until: float) -> int:
        """Brings the tables up to date; no month is begun after `until`. Gives how many it has done."""
        marks: dict[str, dict[str, list[tuple[str, int]]]] = defaultdict(lambda: defaultdict(list))
        for mark, rev in self.store.dirty(MARKS):
            month, _, rest = mark.partition("#")
            marks[month][rest.rpartition("#")[0]].append((mark, rev))
        done = 0
        for month, cells in sorted(marks.items()):
            if self.clock.epoch() > until:
                break
            done += self._fold_month(month, cells)
        return done

    def _fold_month(self, month: str, cells: dict[str, list[tuple[str, int]]]) -> bool:
        for name in sorted(cells):
            cell = Cell(month, name)
            seen = self.store.sum_rev(cell)
            body = summed(self.store.facts(cell)).model_dump_json(exclude_defaults=True)
            if not self.store.put_sum(cell, body, seen):
                return False  # somebody else folds: the marks stay for the next tick
        now = self.clock.now()
        evening = next_evening(now)
        seen = self.store.table_rev(month, evening)
        if not self.store.put_table(month, evening, json.dumps(self._table(month)), seen):
            return False
        if not seen:
            self.store.forget_tables(month, now)
        for mark, rev in (one for found in cells.values() for one in found):
            self.store.clean(mark, rev)
        return True

    def _table(self, month: str) -> dict[str, Any]:
        sums = {name: Sum.model_validate_json(body) for name, body in self.store.sums(month).items()}
        shown = table({name: found for name, found in sums.items() if found.received})
        return {"month": month, "at": rfc3339(self.clock.now())} | shown

    def public(self, month: str | None) -> dict[str, Any] | None:
        """A month's public table (None: the latest) as it stood on the last evening; None when there is
        none."""
        now = self.clock.now()
        body = self.store.table(month or f"{now.astimezone(IST):%Y-%m}", now)
        found: dict[str, Any] = json.loads(body) if body else {}
        return found if found and month in (None, found["month"]) else None
