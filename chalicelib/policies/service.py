"""What staff do with policies: write versions, put them in force, end them."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import date

from pynamodb.transactions import TransactWrite

from chalicelib.clock import Clock
from chalicelib.errors import Conflict, FieldError, Forbidden, InvalidInput, NotFound
from chalicelib.identity.audit import Audit
from chalicelib.identity.chain import Detail
from chalicelib.identity.roles import Principal
from chalicelib.ids import new_id
from chalicelib.policies.model import (
    MOST_STARTS,
    MOST_VERSIONS,
    EndBody,
    Policy,
    PolicyBody,
    Start,
    StartBody,
    Terms,
    Version,
)
from chalicelib.policies.store import PolicyStore
from chalicelib.ports import Areas

MOST_POLICIES = 50


class AuthorCannotStart(Forbidden):
    code = "author_cannot_start"
    message = "You wrote this version: somebody else must put it in force."


class ChangedMeanwhile(Conflict):
    message = "This was changed by somebody else. Please look again."


@dataclass(frozen=True)
class Policies:
    store: PolicyStore
    areas: Areas
    audit: Audit
    clock: Clock

    def listed(self) -> list[Policy]:
        """All policies."""
        return self.store.policies()

    def get(self, policy: str) -> Policy:
        """One policy. Raises NotFound."""
        found = self.store.policy(policy)
        if found is None:
            raise NotFound("There is no policy %(id)s.", id=policy)
        return found

    def version(self, policy: str, number: int) -> Version:
        """One version, as it was written. Raises NotFound."""
        found = self.store.version(policy, number)
        if found is None:
            raise NotFound("There is no such version of this policy.")
        return found

    def versions(self, policy: str) -> list[Version]:
        """All versions of a policy. Raises NotFound."""
        return self.store.versions(self.get(policy).id)

    def beside_before(self, policy: str, number: int) -> tuple[Version, Version | None]:
        """One version, and the one that was written before it. Raises NotFound."""
        found = self.store.many([(policy, one) for one in (number, number - 1) if one > 0])
        if (policy, number) not in found:
            raise NotFound("There is no such version of this policy.")
        return found[policy, number], found.get((policy, number - 1))

    def create(self, who: Principal, body: PolicyBody, once: str = "") -> tuple[Policy, Version]:
        """A new policy with its first version, in force nowhere yet. Raises InvalidInput, Conflict when there
        are too many.
        `once`: what one person says again when they send the same form twice: ChangedMeanwhile then, and
        `made_by` is its id."""
        if len(self.store.policies()) >= MOST_POLICIES:
            raise Conflict("There are %(n)s policies already: no more can be kept.", n=MOST_POLICIES)
        policy = Policy(
            id=made_by(who, once) if once else new_id("pol"),
            rev=1,
            names=dict(body.names),
            issued_by=body.issued_by,
            sample=body.sample,
            updated_at=self.clock.now(),
        )
        return self._written(who, policy, body.terms, "policy.created", "terms.")

    def write(
        self, who: Principal, policy: str, terms: Terms, rev: int | None = None
    ) -> tuple[Policy, Version]:
        """Another version, as a draft; those before stay as they are. `rev`: what the caller saw, where that
        is to hold still. Raises NotFound, InvalidInput, ChangedMeanwhile."""
        seen = self._seen(policy, rev)
        if seen.versions >= MOST_VERSIONS:
            raise Conflict("This policy has too many versions. Please write a new one.")
        after = self._after(seen, versions=seen.versions + 1)
        return self._written(who, after, terms, "policy.version_written", "")

    def start(self, who: Principal, policy: str, body: StartBody, rev: int | None = None) -> Policy:
        """Puts a version in force from a day on, never backwards; the one before it ends the day before.
        `rev`: what the caller saw, where that is to hold still.
        Raises NotFound, AuthorCannotStart, InvalidInput, Conflict for a policy that ends before."""
        seen, version = self._seen(policy, rev), self.version(policy, body.version)
        if who.id == version.by:
            raise AuthorCannotStart
        if body.begins < self.clock.today_ist():
            raise InvalidInput.of("begins", "past", "This day is over. A version begins today or later.")
        if seen.ends_on is not None and body.begins > seen.ends_on:
            raise Conflict("This policy has ended.")
        if len(seen.starts) >= MOST_STARTS:
            raise Conflict("This policy has too many versions. Please write a new one.")
        start = Start(
            version=body.version, begins=body.begins, by=who.id, at=self.clock.now(), reason=body.reason
        )
        detail: Detail = {"version": body.version, "begins": body.begins.isoformat()}
        return self._commit(
            who, "policy.started", self._after(seen, starts=(*seen.starts, start)), detail=detail
        )

    def end(self, who: Principal, policy: str, body: EndBody, rev: int | None = None) -> Policy:
        """Lets a policy end with a day, never backwards. `rev`: what the caller saw, where that is to hold
        still. Raises NotFound, InvalidInput, Conflict for one that was never in force."""
        seen = self._seen(policy, rev)
        if not seen.starts:
            raise Conflict("This policy was never in force.")
        if self._is_over(seen):
            raise Conflict("This policy has ended.")
        if body.on < self.clock.today_ist():
            raise InvalidInput.of("on", "past", "This day is over. A version begins today or later.")
        after = self._after(seen, ends_on=body.on, ended_by=who.id, reason=body.reason)
        return self._commit(who, "policy.ended", after, detail={"on": body.on.isoformat()})

    def _seen(self, policy: str, rev: int | None) -> Policy:
        """Raises NotFound, ChangedMeanwhile for one that is not as it was seen."""
        seen = self.get(policy)
        if rev is not None and seen.rev != rev:
            raise ChangedMeanwhile
        return seen

    def _is_over(self, policy: Policy) -> bool:
        return policy.ends_on is not None and policy.ends_on < self.clock.today_ist()

    def _written(
        self, who: Principal, policy: Policy, terms: Terms, action: str, at: str
    ) -> tuple[Policy, Version]:
        known = self.areas.many(terms.areas) if terms.areas else {}
        wrong = [
            FieldError(f"{at}rules", "area_unknown", "There is no area %(id)s.", {"id": area})
            for area in sorted(terms.areas - known.keys())
        ]
        if wrong:
            raise InvalidInput(wrong)
        now = self.clock.now()
        version = Version(policy=policy.id, number=policy.versions, terms=terms, by=who.id, at=now)
        return self._commit(who, action, policy, version, detail={"version": version.number}), version

    def _after(self, seen: Policy, **changes: object) -> Policy:
        return seen.model_copy(update={"rev": seen.rev + 1, "updated_at": self.clock.now(), **changes})

    def _commit(
        self, who: Principal, action: str, after: Policy, version: Version | None = None, *, detail: Detail
    ) -> Policy:
        def write(transaction: TransactWrite) -> None:
            self.store.put_policy(transaction, after)
            if version is not None:
                self.store.put_version(transaction, version)

        self.audit.committing(
            subject=f"policy#{after.id}",
            action=action,
            actor=who.id,
            at=after.updated_at,
            detail=detail,
            write=write,
            refused=lambda failed: ChangedMeanwhile(),
        )
        return after


def made_by(who: Principal, once: str) -> str:
    """The id of the policy that this person wrote with such a form."""
    digest = hashlib.sha256(f"{who.id}\n{once}".encode()).digest()
    return f"pol_{base64.b32encode(digest[:10]).decode('ascii').lower()}"


def held_on(policies: list[Policy], on: date) -> list[tuple[Policy, int]]:
    """The policies that are in force on a day, with the version that holds, in the order of their ids."""
    found = ((policy, policy.in_force(on)) for policy in sorted(policies, key=lambda one: one.id))
    return [(policy, start.version) for policy, start in found if start is not None]
