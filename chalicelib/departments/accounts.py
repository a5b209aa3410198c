"""The accounts under which departments speak: stated, proven, and which department has none where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from pynamodb.transactions import TransactWrite

from chalicelib.departments.changes import ChangedMeanwhile, Changes
from chalicelib.departments.model import PLATFORMS, Desk, OfficialAccount, Standing
from chalicelib.departments.officers import Names, must_cover
from chalicelib.departments.store import DepartmentStore
from chalicelib.errors import NotFound, Transient
from chalicelib.events.catalog import DepartmentHandleContested, DepartmentHandleProven
from chalicelib.events.outbox import raise_event
from chalicelib.i18n import translate
from chalicelib.identity.roles import Principal
from chalicelib.ids import new_id
from chalicelib.ops import RateLimits
from chalicelib.platforms.base import Inbound
from chalicelib.ports import Claims, OwnAccount, Shown, Transaction, department_holder, holding_department
from chalicelib.proving import Challenge, HeldByAnother, ProvenByAnother, Proving, codes_in

READ, WRITE = "department.read", "handle.write"
"""What staff do with departments' accounts (identity.roles.MATRIX)."""
HOUR_S = 3600
CHECKS, ASKS = 10, 30
"""An hour and department: each check costs of the platform's quota."""
TRIES = 6
SYSTEM = Principal("self", "", "", frozenset())
"""In the audit: whoever wrote from the account itself."""
HOME_LANGUAGE = "hi"
Done = TypeVar("Done")


@dataclass(frozen=True)
class Row:
    """One department in the table of coverage."""

    department: str
    desk: Desk
    vacant: bool
    """Whether nobody holds the seat of its nodal officer today."""


@dataclass
class Coverage:
    """Who speaks where, of the departments that somebody covers."""

    rows: list[Row]
    departments: int
    vacant: int
    totals: dict[str, Counter[Standing]] = field(default_factory=dict)
    """By platform: of how many departments an account is verified, only stated, or none is known."""


@dataclass(frozen=True)
class Accounts:
    """Implements ports.Ownership, for departments."""

    store: DepartmentStore
    departments: Callable[[], Names]
    claims: Callable[[], Claims]
    proving: Callable[[], Proving]
    limits: RateLimits
    changes: Changes

    # --- the register

    def listed(self, who: Principal, department: str, action: str = READ) -> Desk:
        """The desk of a department, for somebody who may do `action` there. Raises NotFound,
        OtherDepartment."""
        must_cover(who, department, action, self.departments())
        return self.store.desk(department)

    def public(self, department: str) -> tuple[dict[str, str], list[OfficialAccount]]:
        """What anybody may know: its names, and its proven accounts. Raises NotFound."""
        names = self.departments().get(department)
        if names is None:
            raise NotFound
        return dict(names), [one for one in self.store.desk(department).accounts if one.proof == "verified"]

    def add(self, who: Principal, department: str, platform: str, handle: str) -> OfficialAccount:
        """States an account as the department's; one that it has already stays as it is. One that somebody
        else holds is noted as contested: it counts for them until the department proves it. Raises
        OtherDepartment, Conflict where there are too many."""
        self.listed(who, department, WRITE)
        return self.state(who, department, platform, handle)

    def state(self, who: Principal, department: str, platform: str, handle: str) -> OfficialAccount:
        """The same for whoever may: an import was let in as a whole."""
        owner, now = department_holder(department), self.changes.clock.now()
        ident = new_id("hnd")

        def once() -> OfficialAccount:
            seen = self.store.desk(department)
            if known := seen.account_on(platform, handle):
                return known
            before = seen.contested_on(platform, handle)
            new = before or OfficialAccount(id=ident, platform=platform, handle=handle, stated_at=now)
            try:
                claim = self.claims().claim(owner, platform, handle, now, None)
            except HeldByAnother:
                if before is None:
                    contested = partial(self.store.put_desk, desk=seen.contesting(new))
                    self._commit(who, department, "handle_contested", contested, new)
                return new
            after = seen.with_account(new)

            def write(transaction: TransactWrite) -> None:
                claim.write(transaction)
                self.store.put_desk(transaction, after)

            self._commit(who, department, "handle_added", write, new)
            return new

        return _again(once)

    def remove(self, who: Principal, department: str, handle_id: str) -> None:
        """Takes an account off the register: it is anybody's to state again. Raises NotFound."""
        owner = department_holder(department)

        def once() -> None:
            seen, found = self._found(who, department, handle_id, WRITE)

            def write(transaction: TransactWrite) -> None:
                if found in seen.accounts:
                    claims = self.claims()
                    claims.give_back(transaction, owner, found.platform, found.handle, found.account)
                self.store.put_desk(transaction, seen.without_account(found.id))

            self._commit(who, department, "handle_removed", write, found)

        _again(once)

    # --- proof

    def begin(self, who: Principal, department: str, handle_id: str) -> Challenge:
        """The code for an account, and where it may be shown. Raises NotFound, NotShownHere,
        TooManyRequests."""
        _, found = self._found(who, department, handle_id, WRITE)
        self.limits.spend(f"proof#{department_holder(department)}", ASKS, HOUR_S)
        asked = self.proving().challenge(department_holder(department), found)
        self.store.put_code(asked.code, department, handle_id, int(asked.expires_at.timestamp()))
        return asked

    def check(self, who: Principal, department: str, handle_id: str) -> OfficialAccount:
        """Reads what the account says of itself; the account, verified. Raises as influencers' proofs do."""
        _, found = self._found(who, department, handle_id, WRITE)
        if found.proof == "verified":
            return found
        self.limits.spend(f"proof-check#{department_holder(department)}", CHECKS, HOUR_S)
        shown = self.proving().read(department_holder(department), found)
        return self._prove(who, department, handle_id, shown)

    def heard(self, platform: str, said: Inbound, at: datetime) -> str | None:
        """See ports.Ownership."""
        for code in codes_in(said.text):
            asked = self.store.code(code, self.changes.clock.epoch())
            found = self.store.desk(asked[0]).account_with(asked[1]) if asked else None
            if asked is None or found is None or found.platform != platform:
                continue
            shown = self.proving().said_from(platform, said, found, at)
            if shown is None:
                return _reply(
                    "This code is for the account %(handle)s. Please send it from there.", found.handle
                )
            try:
                self._prove(SYSTEM, asked[0], found.id, shown)
            except ProvenByAnother as refused:
                return _reply(refused.message, found.handle)
            done = "Thank you. It is now certain that the account %(handle)s is your department's."
            return _reply(done, shown.handle)
        return None

    def _prove(self, who: Principal, department: str, handle_id: str, shown: Shown) -> OfficialAccount:
        """Makes an account the department's for good; who only stated it loses it, in the same transaction.
        The same again changes nothing."""
        owner = department_holder(department)

        def once() -> OfficialAccount:
            seen = self.store.desk(department)
            before = seen.account_with(handle_id)
            if before is None:
                raise NotFound
            after = before.proven(shown)
            if before in seen.accounts and after.model_copy(update={"proven_at": before.proven_at}) == before:
                return before
            claim = self.claims().claim(owner, before.platform, shown.handle, shown.at, shown)
            desk = seen.with_proven(after)
            event = raise_event(DepartmentHandleProven(department=department, handle_id=after.id), shown.at)

            def write(transaction: TransactWrite) -> None:
                claim.write(transaction)
                if before in seen.accounts and before.handle != after.handle:
                    self.claims().give_back(transaction, owner, before.platform, before.handle, "")
                self.store.put_desk(transaction, desk, event)

            more = {"by": shown.evidence, "lost_by": claim.lost_by}
            self._commit(who, department, "handle_proven", write, after, **more)
            return after

        return _again(once)

    def loses(self, owner: str, platform: str, handle: str) -> Callable[[Transaction], None] | None:
        """See ports.Loses."""
        seen = self.store.desk(holding_department(owner))
        found = seen.account_on(platform, handle)
        if found is None:
            return None
        after = seen.contesting(found)
        lost = DepartmentHandleContested(department=seen.department, handle_id=found.id)
        event = raise_event(lost, self.changes.clock.now())

        def write(transaction: TransactWrite) -> None:
            self.store.put_desk(transaction, after, event)

        return write

    def _found(
        self, who: Principal, department: str, handle_id: str, action: str
    ) -> tuple[Desk, OfficialAccount]:
        seen = self.listed(who, department, action)
        found = seen.account_with(handle_id)
        if found is None:
            raise NotFound
        return seen, found

    def _commit(
        self,
        who: Principal,
        department: str,
        action: str,
        write: Callable[[TransactWrite], None],
        account: OfficialAccount,
        **detail: str,
    ) -> None:
        told = {"platform": account.platform, "handle": account.id} | detail
        self.changes.commit(who, f"department#{department}", f"department.{action}", write, **told)

    # --- for others

    def handles_of(self, owner: str) -> list[OwnAccount]:
        """See ports.Handles."""
        return [
            OwnAccount(one.platform, one.handle, one.account, one.proof == "verified")
            for one in self.store.desk(holding_department(owner)).accounts
        ]

    # --- coverage

    def coverage(
        self, who: Principal, *, missing: str, standing: Standing, after: str, limit: int
    ) -> tuple[Coverage, str | None]:
        """Department by platform, of all that somebody covers, by id behind `after`; with `missing` (a
        platform), those that stand so there. The department to go on from; None: the end."""
        today = self.changes.clock.today_ist()
        covered = sorted(one for one in self.departments() if who.covers_department(one, READ))
        desks = self.store.desks(covered)
        rows = [Row(one, desks[one], desks[one].holder("officer", today) is None) for one in covered]
        totals = {one: Counter(row.desk.standing(one) for row in rows) for one in PLATFORMS}
        wanted = [
            row
            for row in rows
            if row.department > after and (not missing or row.desk.standing(missing) == standing)
        ]
        table = Coverage(wanted[:limit], len(rows), sum(row.vacant for row in rows), totals)
        return table, wanted[limit - 1].department if len(wanted) > limit else None


def _reply(sentence: str, handle: str) -> str:
    return translate(HOME_LANGUAGE, sentence, {"handle": handle})


def _again(once: Callable[[], Done]) -> Done:
    """Reads, decides and writes; anew while another writer was quicker. Raises Transient in the end."""
    for _ in range(TRIES):
        try:
            return once()
        except ChangedMeanwhile:
            continue
    raise Transient
