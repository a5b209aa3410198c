"""Taking emails up again: asked for on one's own page, proven by a link in an email to that very address.

A click on "no more emails" and a mailbox that took nothing end all emails to an address, and nobody there can
answer START. A link ends the one stop that it was made for: after a later one it does not hold.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib import ids
from chalicelib.clock import Clock
from chalicelib.errors import Conflict, NotFound
from chalicelib.influencers.model import Influencer
from chalicelib.influencers.store import PeopleStore, Word
from chalicelib.ops import RateLimits
from chalicelib.queues import Queue
from chalicelib.secrets import Secrets

HOLDS_S = 3 * 24 * 3600
A_DAY = 3
"""Links to one address: nobody's mailbox is to be filled, and a dead one is no good for our name as a
sender."""
DAY_S = 24 * 3600
LONGEST_UNTIL = 12
"""Digits of the end of a link."""
EVIDENCE = "link by email"


class NotStopped(Conflict):
    code = "emails_not_stopped"
    message = "Emails to you are not stopped, or you have not confirmed an address yet."


@dataclass(frozen=True)
class Resumptions:
    """The links, which need not be stored: signed, with the address and the stop that they are about."""

    keyed_hash: Callable[[str], str]

    def token(self, person: Influencer, stop: Word, until: int) -> str:
        """`<id>.<until>.<signature>`: no address in it."""
        return f"{person.id}.{until}.{self._signature(person, stop, until)}"

    def ends(self, person: Influencer, rest: str, stop: Word) -> bool:
        """Whether `<until>.<signature>` is ours, for this stop of the person's address."""
        until, _, signature = rest.partition(".")
        number = until.isascii() and until.isdigit() and len(until) <= LONGEST_UNTIL
        expected = self._signature(person, stop, int(until)) if number else ""
        return number and hmac.compare_digest(signature.encode("utf-8", "replace"), expected.encode())

    def _signature(self, person: Influencer, stop: Word, until: int) -> str:
        return self.keyed_hash(f"resume email {person.id} {until} {person.email} {stop.at} {stop.evidence}")


@dataclass(frozen=True)
class Resuming:
    """What a creator does for it: asks for a link, and follows it."""

    store: PeopleStore
    queue: Queue
    limits: RateLimits
    secrets: Secrets
    clock: Clock

    def ask(self, person_id: str) -> None:
        """Has a link sent to the person's own address. Raises NotStopped, TooManyRequests."""
        person = self.store.find(person_id)
        if person is None or not person.may_resume_email:
            raise NotStopped
        address = self.secrets.keyed_hash(person.email.lower())
        self.limits.spend(f"resume#{address}", A_DAY, DAY_S)
        until = int(self.clock.epoch()) + HOLDS_S
        wanted = {"kind": "resume_email", "influencer": person.id, "nonce": ids.new_token()}
        self.queue.put([{**wanted, "until": until}])

    def followed(self, token: str) -> bool:
        """Whether a link has done its work already; False while it may. Raises NotFound for one that is not
        ours, has run out, or was for an address or a stop of before."""
        return self._read(token)[2]

    def follow(self, token: str) -> None:
        """Lifts the stop of the address that the link was sent to: what the person has agreed to holds again.
        May be repeated. Raises NotFound as `followed`."""
        at = self.clock.now()
        person, evidence, done = self._read(token)
        if done:
            return
        counts, _ = self.store.heard(
            "email", person.email, stopped=False, at=at, evidence=evidence, event=lambda person: None
        )
        if not counts:  # another word came in between
            raise _holds_no_more()

    def _read(self, token: str) -> tuple[Influencer, str, bool]:
        """Whose link it is, what is kept of it as evidence, and whether it was followed."""
        person_id, _, rest = token.partition(".")
        until, _, signature = rest.partition(".")
        person = self.store.find(person_id) if person_id else None
        if person is None or person.standing is None or not person.email_proven:
            raise _holds_no_more()
        word = self.store.last_word("email", person.email)
        evidence = f"{EVIDENCE} {signature}"
        if not word.stopped and hmac.compare_digest(
            word.evidence.encode(), evidence.encode("utf-8", "replace")
        ):
            return person, evidence, True
        resumptions = Resumptions(self.secrets.keyed_hash)
        if not word.stopped or not resumptions.ends(person, rest, word) or int(until) <= self.clock.epoch():
            raise _holds_no_more()
        return person, evidence, False


def _holds_no_more() -> NotFound:
    return NotFound("This link does not hold (any more).")
