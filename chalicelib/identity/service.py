"""Signing in, and who is on the staff."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote, urlencode

from pydantic import AfterValidator, Field, StringConstraints
from pynamodb.transactions import TransactWrite

from chalicelib.clock import Clock
from chalicelib.emails import LONGEST_EMAIL, clean_email
from chalicelib.errors import Conflict, FieldError, Forbidden, InvalidInput, NotFound, Unauthenticated
from chalicelib.identity.chain import Detail, clean_reason
from chalicelib.identity.roles import Principal, Role, needs_second_factor
from chalicelib.identity.staff import Challenge, Signed, StaffPool, User
from chalicelib.identity.tokens import Tokens, principal_of
from chalicelib.identity.turn import StaffBusy, StaffTurn
from chalicelib.names import clean_line
from chalicelib.ports import Areas, OnDuty
from chalicelib.shapes import Strict

if TYPE_CHECKING:
    from chalicelib.identity.audit import Audit
    from chalicelib.identity.ended import EndedSessions
    from chalicelib.identity.enrolment import Enrolments
    from chalicelib.ops import RateLimits

WINDOW_S = 900
TRIES_A_USER = 20
TRIES_AN_ADDRESS = 100
"""An office shares one address."""
SET_UP = "MFA_SETUP"
WRITE = "user.write"

Email = Annotated[
    str, StringConstraints(max_length=LONGEST_EMAIL, to_lower=True), AfterValidator(clean_email)
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(clean_line)]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]


@dataclass(frozen=True)
class Session:
    """Somebody who has signed in."""

    token: str
    expires_at: datetime
    principal: Principal


@dataclass(frozen=True)
class Asked:
    """What is asked next: `SOFTWARE_TOKEN_MFA` (a code), `NEW_PASSWORD_REQUIRED`, or `MFA_SETUP` (give
    `secret` to an authenticator app, by `uri` as a QR code or by hand, then send its code)."""

    challenge: str
    session: str
    secret: str | None = None
    uri: str | None = None


@dataclass(frozen=True)
class SignIn:
    """Passwords and codes against sessions."""

    pool: StaffPool
    tokens: Tokens
    limits: RateLimits
    enrolments: Enrolments
    hash_of: Callable[[str], str]
    second_factor: bool
    """Whether admins and approvers must have an authenticator."""

    def start(self, email: str, password: str, address: str) -> Session | Asked:
        """Tries a password. Raises WrongCredentials, or TooManyRequests by user and by address."""
        self._spend(email, address)
        return self._settle(self.pool.sign_in(email, password))

    def go_on(self, asked: str, code: str, new_password: str, address: str) -> Session | Asked:
        """Answers what was asked for the session `asked`, by a new password or a code. Raises as `start`."""
        self._spend(asked.partition(".")[0], address)  # of a pool's session, that is the user
        if self.enrolments.owns(asked):
            return self._enrol(asked, code)
        if new_password:
            return self._settle(self.pool.set_password(asked, new_password))
        return self._settle(self.pool.give_code(asked, code), with_code=True)

    def _settle(self, outcome: Signed | Challenge, *, with_code: bool = False) -> Session | Asked:
        if isinstance(outcome, Challenge):
            return Asked(outcome.name, outcome.session)
        session = self._session(outcome)
        if with_code or not self.second_factor or not needs_second_factor(session.principal.roles):
            return session
        secret = self.pool.new_authenticator(outcome.access_token)
        label = quote(f"JanJan:{session.principal.email}")
        uri = f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': 'JanJan'})}"
        return Asked(SET_UP, self.enrolments.keep(outcome), secret, uri)

    def _enrol(self, asked: str, code: str) -> Session:
        signed = self.enrolments.look(asked)
        session = self._session(signed)
        self.pool.confirm_authenticator(session.principal.id, signed.access_token, code)
        self.enrolments.end(asked)
        return session

    def _session(self, signed: Signed) -> Session:
        claims = self.tokens.claims(signed.id_token)
        return Session(signed.id_token, datetime.fromtimestamp(claims["exp"], UTC), principal_of(claims))

    def _spend(self, who: str, address: str) -> None:
        self.limits.spend(f"sign-in#{self.hash_of(who.strip().lower())}", TRIES_A_USER, WINDOW_S)
        self.limits.spend(f"sign-in-from#{self.hash_of(address)}", TRIES_AN_ADDRESS, WINDOW_S)


@dataclass(frozen=True)
class Coordinators:
    """Implements ports.AreaDuty."""

    pool: StaffPool

    def of_area(self, path: Sequence[str]) -> list[OnDuty]:
        """The coordinators of the smallest area on this path that has any."""
        staff = self.pool.with_role("coordinator")
        for area in reversed(path):
            found = [
                OnDuty("coordinator", one.get("name", ""), email=one.get("email", ""))
                for one in staff
                if area in one.get("custom:areas", "").split()
            ]
            if found:
                return sorted(found, key=lambda one: one.email)
        return []


class NewUser(Strict):
    """Who is to be added to the staff."""

    email: Email
    name: Name
    roles: list[Role] = Field(min_length=1, max_length=6)
    areas: list[Id] = Field([], max_length=40)
    departments: list[Id] = Field([], max_length=20)


class UserChange(Strict):
    """What is to become otherwise of a member of staff; what is not named stays. `reason` goes into the
    audit. `seen`: the `version` on which this rests."""

    reason: str = Field(min_length=1, max_length=2000)
    seen: str = Field("", max_length=16)
    name: Name | None = None
    roles: list[Role] | None = Field(None, max_length=6)
    areas: list[Id] | None = Field(None, max_length=40)
    departments: list[Id] | None = Field(None, max_length=20)
    enabled: bool | None = None
    signed_out: bool = False
    """Ends all their sessions."""


class OwnRights(Conflict):
    code = "own_rights"
    message = "Nobody takes the rights of an administrator from themselves: another administrator does it."


class ChangedMeanwhile(Conflict):
    code = "changed_meanwhile"
    message = "Somebody else has changed this member of staff meanwhile. Look at what stands there now."


@dataclass(frozen=True)
class Users:
    """The staff: who may what, where."""

    pool: StaffPool
    areas: Areas
    audit: Audit
    ended: EndedSessions
    turn: StaffTurn
    clock: Clock

    def create(
        self,
        by: Principal,
        *,
        email: str,
        name: str,
        roles: Sequence[Role],
        areas: Sequence[str],
        departments: Sequence[str],
    ) -> str:
        """Makes a user, who gets a first password by mail, and gives their id.

        Raises InvalidInput (a coordinator without areas, a nodal officer without departments, an area that
        does not exist) or UserExists; Unauthenticated or Forbidden for who may do so no longer.
        """
        self._check(roles, areas, departments)
        self._check_rights(by)
        user = self.pool.create(email, name, areas, departments)
        try:
            self.audit.committing(
                subject=f"user#{user}",
                action="user.created",
                actor=by.id,
                at=self.clock.now(),
                detail={"roles": sorted(roles), "areas": sorted(areas), "departments": sorted(departments)},
            )
            for role in roles:  # last: nobody ever has a role that the audit does not know of
                self.pool.give_role(email, role)
        except Exception:
            self.pool.remove(email)  # nobody is on the staff with half of their roles
            raise
        return user

    def get(self, user_id: str) -> User:
        """A member of staff. Raises NotFound."""
        found = self.pool.find(user_id)
        if found is None:
            raise NotFound
        return found

    def change(self, by: Principal, user_id: str, wanted: UserChange) -> User:
        """The member of staff as they are then. Whose rights change signs in anew; what is so already changes
        nothing, so that a second click does nothing.

        There is always an administrator left: nobody takes those rights from themselves, nor switches
        themselves off; and whoever takes them from another has them still, looked at while nobody else
        changes the staff. Raises OwnRights, NotFound, ChangedMeanwhile, StaffBusy or InvalidInput;
        Unauthenticated or Forbidden for who has been changed meanwhile themselves.
        """
        reason = clean_reason(wanted.reason)
        with self.turn.taken() as turn:
            self._check_rights(by)
            return self._changed(by, self.get(user_id), wanted, reason, turn)

    def _changed(self, by: Principal, user: User, wanted: UserChange, reason: str, turn: str) -> User:
        after = replace(
            user,
            name=user.name if wanted.name is None else wanted.name,
            roles=user.roles if wanted.roles is None else frozenset(wanted.roles),
            areas=user.areas if wanted.areas is None else tuple(dict.fromkeys(wanted.areas)),
            departments=(
                user.departments if wanted.departments is None else tuple(dict.fromkeys(wanted.departments))
            ),
        )
        loses = "admin" in user.roles and "admin" not in after.roles
        if by.id == user.id and (loses or wanted.enabled is False):
            raise OwnRights
        if after.version != user.version:
            self._check(sorted(after.roles), after.areas, after.departments)
            if wanted.seen and wanted.seen != user.version:
                raise ChangedMeanwhile
            self._become(by, user, after, reason, turn)
        switches = wanted.enabled is not None and wanted.enabled != user.enabled
        out = wanted.signed_out or wanted.enabled is False  # also where it broke off here the first time
        if switches or wanted.signed_out:
            what = ("enabled" if wanted.enabled else "disabled") if switches else "signed_out"
            self._note(by, user, what, {"reason": reason}, turn, ends=out)
        if switches:
            self.pool.enable(user.username, bool(wanted.enabled))
        if out:
            self._sign_out(user)
        return self.get(user.id)

    def _check_rights(self, by: Principal) -> None:
        """A token tells what somebody might do when they signed in. Raises Unauthenticated for one that was
        ended since, Forbidden for who may not change the staff by now."""
        if self.ended.is_over_now(by.id, by.issued_at):
            raise Unauthenticated
        found = self.pool.find(by.id)
        if found is None or not found.enabled or not replace(by, roles=found.roles).may(WRITE):
            raise Forbidden

    def _become(self, by: Principal, user: User, after: User, reason: str, turn: str) -> None:
        """The audit first: nobody ever has a role that it does not know of. What breaks off here is made
        whole by the same change again."""
        said: dict[str, str | int | bool | list[str] | None] = {
            "roles": sorted(after.roles),
            "areas": sorted(after.areas),
            "departments": sorted(after.departments),
            "reason": reason,
        }
        otherwise = replace(after, name=user.name).version != user.version
        told = {**said, "renamed": True} if after.name != user.name else said
        self._note(by, user, "changed", told, turn, ends=otherwise)
        for role in sorted(user.roles - after.roles):
            self.pool.take_role(user.username, role)
        self.pool.describe(user.username, after.name, after.areas, after.departments)
        for role in sorted(after.roles - user.roles):
            self.pool.give_role(user.username, role)
        if otherwise:
            self._sign_out(user)

    def _sign_out(self, user: User) -> None:
        """The pool gives no new tokens for old ones; ours that are out are good for nothing."""
        self.pool.sign_out(user.username)
        self.ended.end(user.id)

    def _note(self, by: Principal, user: User, what: str, detail: Detail, turn: str, *, ends: bool) -> None:
        """The audit's entry of a change that begins with it. `ends`: their sessions end, those that begin
        until it is made as well. Raises StaffBusy when the turn is over."""

        def write(transaction: TransactWrite) -> None:
            self.turn.hold(transaction, turn)
            if ends:
                self.ended.ending(transaction, user.id)

        self.audit.committing(
            subject=f"user#{user.id}",
            action=f"user.{what}",
            actor=by.id,
            at=self.clock.now(),
            detail=detail,
            write=write,
            refused=lambda failed: StaffBusy(),
        )

    def page(self, limit: int, token: str | None) -> tuple[list[User], str | None]:
        """Some of the staff, and where to go on."""
        return self.pool.page(limit, token)

    def names(self) -> dict[str, str]:
        """The names of the staff by id, for pages: records hold ids alone. Who has left has none."""
        return self.pool.names()

    def _check(self, roles: Sequence[Role], areas: Sequence[str], departments: Sequence[str]) -> None:
        wrong = []
        if "coordinator" in roles and not areas:
            wrong.append(FieldError("areas", "areas_missing", "A coordinator needs at least one area."))
        if "nodal_officer" in roles and not departments:
            message = "A nodal officer needs a department."
            wrong.append(FieldError("departments", "departments_missing", message))
        for position, area in enumerate(areas):
            if self.areas.get(area) is None:
                wrong.append(FieldError(f"areas.{position}", "area_unknown", "This area does not exist."))
        if wrong:
            raise InvalidInput(wrong)
