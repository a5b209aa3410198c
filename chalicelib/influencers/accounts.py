"""Handles, for the features that measure them, watch them or look up whose they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from chalicelib.influencers.store import PeopleStore
from chalicelib.ports import holding_department


@dataclass(frozen=True)
class Handles:
    """Implements ports.Accounts."""

    store: PeopleStore
    of_department: Callable[[str], list[tuple[str, str]]] = lambda owner: []

    def owner_of_handle(self, platform: str, handle: str) -> str | None:
        return self.store.owner_of_handle(platform, handle)

    def handles_of(self, owner: str) -> list[tuple[str, str]]:
        if holding_department(owner):
            return self.of_department(owner)
        found = self.store.find(owner)
        if found is None:
            return []
        named = [(one.platform, one.handle) for one in found.handles]
        return named + [(one.platform, one.account) for one in found.handles if one.account]

    def on_platform(self, platform: str) -> Iterator[tuple[str, str]]:
        return self.store.accounts(platform, None, None)

    def due(self, platform: str, now: datetime, limit: int) -> list[tuple[str, str]]:
        return list(self.store.accounts(platform, now, limit))

    def measured(
        self, person: str, platform: str, handle: str, followers: int, at: datetime, *, account: str = ""
    ) -> None:
        self.store.counted(person, platform, handle, followers, at, account=account)

    def measure_next(self, person: str, platform: str, handle: str, at: datetime) -> None:
        self.store.count_next(person, platform, handle, at)
