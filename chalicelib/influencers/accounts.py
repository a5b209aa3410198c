"""Whose a handle is, for whoever measures it or finds a post of it."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.influencers.store import PeopleStore


@dataclass(frozen=True)
class Accounts:
    """Implements ports.Handles."""

    store: PeopleStore

    def owner_of_handle(self, platform: str, handle: str) -> str | None:
        return self.store.owner_of_account(platform, handle)

    def handles_of(self, person: str) -> list[tuple[str, str]]:
        found = self.store.find(person)
        return [(account.platform, account.handle) for account in found.handles] if found else []
