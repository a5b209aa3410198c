"""Appeals lie by the path of their person's home: when areas move, they follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from chalicelib.policies.appeal import State
from chalicelib.policies.store import PolicyStore, prefix_of
from chalicelib.ports import Area, Areas

PAGE = 100
MOST = 2000
"""What one call files anew: each is a write."""


@dataclass(frozen=True)
class AppealsRefiled:
    """Implements ports.Refiling. Whoever answers an appeal meanwhile goes first: it is looked at in the next
    call."""

    store: PolicyStore
    areas: Areas

    def refile(self, before: Sequence[str], district: Area) -> bool:
        begin, moved = prefix_of(before), 0
        for state in get_args(State):
            found = [appeal for appeal, _ in self.store.listed(state, begin, None, PAGE)]
            there = self.areas.many({one.path[-1] for one in found}, fresh=True)
            for one in found:
                area = there.get(one.path[-1])
                if area is not None and area.path != one.path and moved < MOST:
                    moved += 1
                    self.store.refile(one.id, area.path)
        return moved > 0
