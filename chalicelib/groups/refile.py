"""Groups lie by the path of their area: when areas move, they follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from pynamodb.exceptions import TransactWriteError

from chalicelib.groups.model import Kind
from chalicelib.groups.store import GroupStore
from chalicelib.lists import prefix_of
from chalicelib.ports import Area, Areas
from chalicelib.refiling import misfiled
from chalicelib.tables import failed_conditions, is_passing, write_together

PAGE = 100
MOST = 2000
"""Groups that one call files anew: each is a transaction."""


@dataclass(frozen=True)
class GroupsRefiled:
    """Implements ports.Refiling. Who changes a group meanwhile files it by the directory, too."""

    store: GroupStore
    areas: Areas

    def refile(self, before: Sequence[str], district: Area) -> bool:
        begin, moved = prefix_of(before), 0
        listed = (group for kind in get_args(Kind) for group, _ in self.store.listed(kind, begin, None, PAGE))
        for group_id, area in misfiled(((one.area, one.path, one.id) for one in listed), self.areas):
            moved += self._moved(group_id, area)
            if moved == MOST:
                break
        return moved > 0

    def _moved(self, group_id: str, area: Area) -> bool:
        """Files a group where its area lies; False when it lies there already, or elsewhere by now."""
        group = self.store.find(group_id)
        if group is None or group.area != area.id or group.path == area.path:
            return False
        try:
            with write_together() as transaction:
                self.store.write(transaction, group, group.changed(path=area.path))
        except TransactWriteError as error:
            if not failed_conditions(error) and not is_passing(error):
                raise
        return True
