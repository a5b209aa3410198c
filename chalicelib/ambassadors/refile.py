"""Appointments and invitations lie by the path of their area: when areas move, they follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.ambassadors.store import ENDED, INVITATION, OPEN, AmbassadorStore, prefix_of
from chalicelib.ports import Area, Areas

MOST = 2000
"""What one call files anew: each is a write."""


@dataclass(frozen=True)
class AmbassadorsRefiled:
    """Implements ports.Refiling. Whoever changes an appointment meanwhile is left alone: it is looked at in
    the next call."""

    store: AmbassadorStore
    areas: Areas

    def refile(self, before: Sequence[str], district: Area) -> bool:
        begin, moved = prefix_of(before), 0
        for list_key in (OPEN, ENDED, INVITATION):
            found = list(self.store.placed(list_key, begin))
            there = self.areas.many({one.area for one in found}, fresh=True)
            for one in found:
                area = there.get(one.area)
                if area is not None and area.path != one.path and moved < MOST:
                    moved += 1
                    self.store.refile(one.id, area.path)
        return moved > 0
