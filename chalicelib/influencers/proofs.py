"""A creator's own accounts, and how they are proven (proving.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.clock import Clock
from chalicelib.errors import NotFound, Transient
from chalicelib.i18n import translate
from chalicelib.identity.audit import Audit
from chalicelib.influencers.model import Account, Influencer
from chalicelib.influencers.service import HOUR_S, spoken
from chalicelib.influencers.store import PeopleStore
from chalicelib.ops import RateLimits
from chalicelib.platforms.base import Inbound, Meter
from chalicelib.ports import Ownership, Shown
from chalicelib.proving import Challenge, ProvenByAnother, Proving, codes_in
from chalicelib.secrets import Secrets
from chalicelib.telemetry import count

CHECKS = 10
"""An hour and person: each costs of the platform's quota."""
ASKS = 30
TRIES = 6


class Overtaken(Exception):
    """Another writer was quicker: read anew."""


@dataclass(frozen=True)
class Proofs:
    """Implements ports.Ownership."""

    store: PeopleStore
    meter: Meter
    audit: Audit
    limits: RateLimits
    secrets: Secrets
    clock: Clock

    @property
    def proving(self) -> Proving:
        return Proving(self.meter, self.secrets, self.clock)

    def begin(self, person_id: str, handle_id: str) -> Challenge:
        """The code for one of the person's accounts, and where it may be shown. Raises NotFound, NotShownHere
        where no way is open, TooManyRequests."""
        self._spend("proof", person_id, ASKS)
        _, account = self._account(person_id, handle_id)
        asked = self.proving.challenge(person_id, account)
        self.store.put_proof_code(asked.code, person_id, handle_id, int(asked.expires_at.timestamp()))
        return asked

    def check(self, person_id: str, handle_id: str) -> Account:
        """Reads what the account says of itself; the account, verified. Raises InvalidInput while the code is
        not there, NotReadable, NotShownHere, ProvenByAnother, NotFound, TooManyRequests, and Transient when
        the platform asks to wait: then everything is as before."""
        _, account = self._account(person_id, handle_id)
        if account.proof == "verified":
            return account
        self._spend("proof-check", person_id, CHECKS)
        return self._prove(person_id, handle_id, self.proving.read(person_id, account))

    def heard(self, platform: str, said: Inbound, at: datetime) -> str | None:
        """See ports.Ownership."""
        for code in codes_in(said.text):
            found = self.store.proof_code(code, self.clock.epoch())
            person = self.store.find(found[0]) if found else None
            account = person.account_named(found[1]) if person and found else None
            if found and person and account and account.platform == platform and person.standing is not None:
                return self._from(platform, said, person, account, at)
        return None

    def _from(self, platform: str, said: Inbound, person: Influencer, account: Account, at: datetime) -> str:
        """What becomes of a code that came from an account, as the reply to it."""

        def reply(sentence: str, **params: object) -> str:
            return translate(spoken(person.language), sentence, params)

        shown = self.proving.said_from(platform, said, account, at)
        if shown is None:
            sentence = "This code is for the account %(handle)s. Please send it from there."
            return reply(sentence, handle=account.handle)
        try:
            self._prove(person.id, account.id, shown)
        except ProvenByAnother as refused:
            return reply(refused.message)
        done = "Thank you. It is now certain that the account %(handle)s is yours."
        return reply(done, handle=shown.handle)

    def _prove(self, person_id: str, handle_id: str, shown: Shown) -> Account:
        """Takes the account over, together with the entry in the audit; the same again changes nothing."""

        def overtaken(failed: list[int]) -> Exception:
            return Overtaken()

        for _ in range(TRIES):
            takeover = self.store.takeover(person_id, handle_id, shown)
            if takeover is None:
                return self._account(person_id, handle_id)[1]
            lost_by = [takeover.loser.owner] if takeover.loser else []
            detail = {"platform": takeover.after.platform, "handle": handle_id, "by": shown.evidence}
            try:
                self.audit.committing(
                    subject=f"influencer#{person_id}",
                    action="influencer.handle_proven",
                    actor="self",
                    at=shown.at,
                    detail={**detail, "lost_by": lost_by},
                    write=takeover.write,
                    refused=overtaken,
                )
            except Overtaken:
                continue
            count("HandlesProven")
            if lost_by:
                count("HandlesContested")
            return takeover.after
        raise Transient

    def _account(self, person_id: str, handle_id: str) -> tuple[Influencer, Account]:
        person = self.store.find(person_id)
        account = person.account_named(handle_id) if person else None
        if person is None or account is None:
            raise NotFound
        return person, account

    def _spend(self, what: str, of: str, limit: int) -> None:
        self.limits.spend(f"{what}#{of}", limit, HOUR_S)


@dataclass(frozen=True)
class Heard:
    """Implements ports.Ownership for several: whose code it is, takes it."""

    others: Sequence[Callable[[], Ownership]]

    def heard(self, platform: str, said: Inbound, at: datetime) -> str | None:
        replies = (one().heard(platform, said, at) for one in self.others)
        return next((reply for reply in replies if reply is not None), None)
