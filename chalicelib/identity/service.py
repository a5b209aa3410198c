"""Signing in, and who is on the staff."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote, urlencode

from pydantic import AfterValidator, Field, StringConstraints

from chalicelib.clock import Clock
from chalicelib.emails import LONGEST_EMAIL, clean_email
from chalicelib.errors import FieldError, InvalidInput
from chalicelib.identity.roles import Principal, Role, needs_second_factor
from chalicelib.identity.staff import Challenge, Signed, StaffPool, User
from chalicelib.identity.tokens import Tokens, principal_of
from chalicelib.names import clean_line
from chalicelib.ports import Areas, OnDuty
from chalicelib.shapes import Strict

if TYPE_CHECKING:
    from chalicelib.identity.audit import Audit
    from chalicelib.identity.enrolment import Enrolments
    from chalicelib.ops import RateLimits

WINDOW_S = 900
TRIES_A_USER = 20
TRIES_AN_ADDRESS = 100
"""An office shares one address."""
SET_UP = "MFA_SETUP"

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


@dataclass(frozen=True)
class Users:
    """The staff: who may what, where."""

    pool: StaffPool
    areas: Areas
    audit: Audit
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
        does not exist) or UserExists.
        """
        self._check(roles, areas, departments)
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
