"""Handles, for the features that measure them, watch them or look up whose they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from chalicelib.influencers.store import PeopleStore
from chalicelib.ports import OwnAccount, holding_department


@dataclass(frozen=True)
class Handles:
    """Implements ports.Accounts."""

    store: PeopleStore
    of_department: Callable[[str], list[OwnAccount]] = lambda owner: []

    def handles_of(self, owner: str) -> list[OwnAccount]:
        if holding_department(owner):
            return self.of_department(owner)
        found = self.store.find(owner)
        return [
            OwnAccount(one.platform, one.handle, one.account, one.proof == "verified")
            for one in (found.handles if found else ())
        ]

    def proven_by(self, platform: str, accounts: Iterable[str]) -> str:
        return self.store.proven_owner(platform, set(accounts))

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
