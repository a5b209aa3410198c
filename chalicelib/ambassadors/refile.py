"""Appointments and invitations lie by the path of their area: when areas move, they follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.ambassadors.store import ENDED, INVITATION, OPEN, AmbassadorStore
from chalicelib.lists import prefix_of
from chalicelib.ports import Area, Areas
from chalicelib.refiling import misfiled

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
        listed = (one for key in (OPEN, ENDED, INVITATION) for one in self.store.placed(key, begin))
        for one, area in misfiled(((one.area, one.path, one.id) for one in listed), self.areas):
            self.store.refile(one, area.path)
            moved += 1
            if moved == MOST:
                break
        return moved > 0
