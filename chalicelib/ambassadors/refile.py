"""Appointments and invitations lie by the path of their area: when areas move, they follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from chalicelib.ambassadors.store import ENDED, OPEN, AmbassadorStore, prefix_of
from chalicelib.ports import Area, Areas

PAGE = 100
MOST = 2000
"""Of each kind, filed anew by one call."""


class _Placed(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def area(self) -> str: ...

    @property
    def path(self) -> tuple[str, ...]: ...


One = TypeVar("One", bound=_Placed)


@dataclass(frozen=True)
class AmbassadorsRefiled:
    """Implements ports.Refiling."""

    store: AmbassadorStore
    areas: Areas

    def refile(self, before: Sequence[str], district: Area) -> bool:
        store, begin = self.store, prefix_of(before)
        held = [one for key in (OPEN, ENDED) for one, _ in store.listed(key, begin, None, PAGE)]
        sent = [one for one, _ in store.invitations(begin, None, PAGE)]
        moved = self._moved(held, store.find, store.move)
        return self._moved(sent, store.invitation, store.move_invitation) or moved

    def _moved(
        self,
        listed: Iterable[One],
        find: Callable[[str], One | None],
        move: Callable[[One, tuple[str, ...]], bool],
    ) -> bool:
        """Whether some of these lay elsewhere than their areas; they were filed there, or changed
        meanwhile."""
        found = list(listed)
        there, moved = self.areas.many({one.area for one in found}, fresh=True), 0
        for seen in found:
            area = there.get(seen.area)
            if area is None or area.path == seen.path or moved == MOST:
                continue
            one = find(seen.id)
            if one is not None and one.area == area.id and one.path != area.path:
                move(one, area.path)
                moved += 1
        return moved > 0
