"""Sums lie below a state, goals by the path of their area, booths in their block: when areas move, they
follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chalicelib.ports import Area, Areas
from chalicelib.turnout.intake import block_of
from chalicelib.turnout.model import CONSTITUENCY
from chalicelib.turnout.store import TurnoutStore


@dataclass(frozen=True)
class TurnoutRefiled:
    """Implements ports.Refiling."""

    store: TurnoutStore
    areas: Areas

    def refile(self, before: Sequence[str], district: Area) -> bool:
        self._goals(before, district)
        for election in self.store.elections():
            states = dict.fromkeys((before[1], district.path[1]))
            if self.store.sums_of(election.id, ((state, district.id) for state in states)):
                self._booths(election.id, district.id)
                self.store.fold(election.id, district.path[1], district.id)
        return False

    def _goals(self, before: Sequence[str], district: Area) -> None:
        found = self.store.goals(before)
        there = self.areas.many({goal.area for goal in found}, fresh=True)
        for goal in found:
            area = there.get(goal.area)
            path = area.path if area is not None else goal.path
            if CONSTITUENCY.fullmatch(goal.area):
                path = (*district.path, goal.area)
            if path != goal.path:
                self.store.move_goal(goal, replace(goal, path=path))

    def _booths(self, election: str, district: str) -> None:
        """Notes of each booth in which block it lies; the fold that follows sums by them."""
        booths = list(self.store.all_booths(election, district))
        there = self.areas.many([booth.id for booth in booths], fresh=True)
        placed = [(booth, block_of(there[booth.id])) for booth in booths if booth.id in there]
        wrong = [replace(booth, block=block) for booth, block in placed if block not in ("", booth.block)]
        self.store.put_booths(election, wrong)
