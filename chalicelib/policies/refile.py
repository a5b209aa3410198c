"""Appeals lie by the path of their person's home: when areas move, they follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from chalicelib.lists import prefix_of
from chalicelib.policies.appeal import State
from chalicelib.policies.store import PolicyStore
from chalicelib.ports import Area, Areas
from chalicelib.refiling import misfiled

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
        listed = (one for state in get_args(State) for one, _ in self.store.listed(state, begin, None, PAGE))
        for appeal, area in misfiled(((one.path[-1], one.path, one.id) for one in listed), self.areas):
            self.store.refile(appeal, area.path)
            moved += 1
            if moved == MOST:
                break
        return moved > 0
