"""The link that ends a person's emails with one click (RFC 8058): made for every email, read by its page."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass

PATH = "/u/"


@dataclass(frozen=True)
class Unsubscribing:
    """Links need no storage and no end: an old email must work, too. They hold the person's id and no
    address."""

    keyed_hash: Callable[[str], str]
    public_url: str

    def url(self, person: str) -> str:
        """Where this person ends their emails: for `Outgoing.unsubscribe_url`, and for the words of the email
        itself."""
        return f"{self.public_url}{PATH}{person}.{self._mac(person)}"

    def person(self, token: str) -> str | None:
        """The person in what follows PATH; None when we did not make it."""
        person, _, mac = token.rpartition(".")
        if not person or not token.isascii():
            return None
        return person if hmac.compare_digest(mac, self._mac(person)) else None

    def _mac(self, person: str) -> str:
        return self.keyed_hash(f"unsubscribe {person}")
