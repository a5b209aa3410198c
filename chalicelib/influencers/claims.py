"""Whose an address or an account is: what others hold of it, and how it is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pynamodb.transactions import TransactWrite

from chalicelib.clock import rfc3339
from chalicelib.errors import Rejected
from chalicelib.events.catalog import HandleProven
from chalicelib.influencers.model import ADDRESS_KIND, Account, Influencer
from chalicelib.influencers.rows import (
    ALONE,
    CLAIM,
    OwnedItem,
    account_key,
    as_seen,
    give_back,
    handle_key,
    write_person,
)
from chalicelib.ports import Shown


class Taken(Rejected):
    """The address that was just proven belongs to somebody else."""

    status = 409
    code = "already_registered"
    message = "This address is registered already. Nothing needs to be done."


@dataclass(frozen=True)
class Proof:
    """How a person proved an address: which channel, which address, when and by what."""

    channel: str
    address: str
    at: datetime
    evidence: str

    @property
    def kind(self) -> str:
        """The kind of the address."""
        return ADDRESS_KIND[self.channel]


@dataclass(frozen=True)
class Loser:
    """Who has held an account so far, and how it is taken from them."""

    owner: str
    loses: Callable[[TransactWrite], None]


@dataclass(frozen=True)
class OwnersClaim:
    """Implements ports.Claim."""

    owner: str
    claims: Mapping[str, OwnedItem | None]
    loser: Loser | None
    shown: Shown | None
    at: datetime

    @property
    def lost_by(self) -> str:
        return self.loser.owner if self.loser else ""

    def write(self, transaction: TransactWrite) -> None:
        if self.loser:
            self.loser.loses(transaction)
        for key, seen in self.claims.items():
            mine = OwnedItem(key, CLAIM, owner=self.owner, at=rfc3339(self.at))
            mine.proof = "proven" if self.shown else "stated"
            mine.account = (self.shown.account or None) if self.shown else None
            mine.evidence = self.shown.evidence if self.shown else None
            transaction.save(mine, condition=as_seen(seen))


@dataclass(frozen=True)
class Takeover:
    """An account that becomes a person's for good, as the claims on it stood."""

    person: Influencer
    before: Account
    after: Account
    loser: Loser | None
    shown: Shown
    claims: Mapping[str, OwnedItem | None]

    def write(self, transaction: TransactWrite) -> None:
        """Adds it to a transaction: both people, and the claims on condition that they are as they were."""
        at, platform, mine = self.shown.at, self.after.platform, self.person.with_proven(self.after)
        event = HandleProven(influencer_id=mine.id, area=mine.area, handle_id=self.after.id)
        write_person(transaction, self.person, mine, event, at)
        if self.loser:
            self.loser.loses(transaction)
        for key, claim in self.claims.items():
            transaction.save(self._claim(key), condition=as_seen(claim))
        kept = {(one.platform, one.handle) for one in mine.handles}
        if self.before in self.person.handles and (platform, self.before.handle) not in kept:
            give_back(transaction, handle_key(platform, self.before.handle), mine.id)
        if self.before.account and self.before.account not in {
            one.account for one in (*mine.handles, *mine.contested) if one.platform == platform
        }:
            give_back(transaction, account_key(platform, self.before.account), mine.id)

    def _claim(self, key: str) -> OwnedItem:
        return OwnedItem(
            key,
            CLAIM,
            owner=self.person.id,
            proof="proven",
            account=self.after.account or None,
            at=rfc3339(self.shown.at),
            evidence=self.shown.evidence,
        )


@dataclass
class Held:
    """What others hold of what a signup states: claims and suppressions at one moment."""

    items: dict[str, OwnedItem]
    handles: dict[tuple[str, str], str]
    phone: str
    proven: str
    """The key of the address that is proven: the number's, or another."""
    stops: dict[str, str]
    loser: Influencer | None = None
    """Who only stated the number that is now proven."""

    def outcome(self, person: Influencer, proof: Proof) -> dict[str, object]:
        """What the person becomes. Raises Taken."""
        its_number = proof.kind == "phone"
        if not self._free(self.proven, person) and not (its_number and self.loser):
            raise Taken
        free = [h for h in person.handles if self._free(self.handles[h.platform, h.handle], person)]
        stopped = {kind for kind, key in self.stops.items() if key in self.items and self.items[key].stopped}
        stated: str = "stated" if self._free(self.phone, person) else "none"
        return {
            "phone_proof": "proven" if its_number else stated,
            "chat": proof.address if proof.kind == "telegram" else "",
            "email_proven": proof.kind == "email",
            "handles": tuple(free),
            "contested": tuple(h for h in person.handles if h not in free),
            "suppressed": frozenset(stopped),
        }

    def write(self, transaction: TransactWrite, after: Influencer, proof: Proof) -> None:
        """Adds the claims, each on condition that nobody was quicker, and holds the suppressions still."""
        if after.phone_proof != "none":
            self._claim(transaction, self.phone, after, after.phone_proof)
        if proof.kind != "phone":
            self._claim(transaction, self.proven, after, "proven")
        for account in after.handles:
            self._claim(transaction, self.handles[account.platform, account.handle], after, "stated")
        for key in self.stops.values():
            transaction.condition_check(OwnedItem, key, ALONE, condition=as_seen(self.items.get(key)))
        if self.loser:
            write_person(transaction, self.loser, self.loser.changed(phone_proof="none"), None, proof.at)

    def _free(self, key: str, person: Influencer) -> bool:
        claim = self.items.get(key)
        return claim is None or claim.owner == person.id

    def _claim(self, transaction: TransactWrite, key: str, person: Influencer, proof: str) -> None:
        transaction.save(
            OwnedItem(key, CLAIM, owner=person.id, proof=proof, at=person.verified_at),
            condition=as_seen(self.items.get(key)),
        )
