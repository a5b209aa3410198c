"""What creators do for themselves: signing in by a code over their own channel, and seeing what is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib import ids
from chalicelib.clock import Clock
from chalicelib.errors import Unauthenticated
from chalicelib.influencers.model import Influencer
from chalicelib.influencers.service import (
    CODE_HOLDS_S,
    HOUR_S,
    MESSAGES_A_NUMBER,
    SIGNUPS_AN_ADDRESS,
    TRIES_AN_ADDRESS,
    Codes,
    after,
)
from chalicelib.influencers.store import PeopleStore
from chalicelib.ops import RateLimits, network
from chalicelib.queues import Queue
from chalicelib.secrets import Secrets


@dataclass(frozen=True)
class Myself:
    """A creator's own door. Whether a number is known shows nowhere, as with signups: asking does the same
    work for every number, and the handler behind the queue looks (service.Messenger)."""

    store: PeopleStore
    queue: Queue
    limits: RateLimits
    secrets: Secrets
    clock: Clock

    def ask(self, phone: str, address: str) -> tuple[str, datetime]:
        """Has a code sent to the person with this number (E.164): the sign-in's id, and until when the code
        holds. Raises TooManyRequests."""
        self._spend("sign-in-code", network(address), SIGNUPS_AN_ADDRESS)
        self._spend("number", phone, MESSAGES_A_NUMBER)
        asked, until = ids.new_id("sgn"), after(self.clock.now(), CODE_HOLDS_S)
        wanted = {"kind": "sign_in", "asked": asked, "number": self.secrets.keyed_hash(phone)}
        self.queue.put([{**wanted, "until": int(until.timestamp())}])
        return asked, until

    def enter(self, asked: str, code: str, address: str) -> str:
        """The person who has entered the right code, which is good once. Raises InvalidInput for a wrong one,
        NoCode, TriesUsedUp, TooManyRequests."""
        self._spend("verify", network(address), TRIES_AN_ADDRESS)
        owner = Codes(self.secrets.keyed_hash).check(self.store, asked, code, self.clock.now())
        self.store.end_code(asked)
        return owner

    def get(self, person: str) -> Influencer:
        """All that is kept about the person who calls."""
        found = self.store.find(person)
        if found is None:  # erased since the session was looked at
            raise Unauthenticated
        return found

    def _spend(self, what: str, of: str, limit: int) -> None:
        self.limits.spend(f"{what}#{self.secrets.keyed_hash(of)}", limit, HOUR_S)
