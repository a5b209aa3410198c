"""Who is ambassador of which area: appointing, renewing, ending, and what a letter's code tells anybody."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pynamodb.transactions import TransactWrite

from chalicelib import lists
from chalicelib.ambassadors.model import (
    A_TERM,
    READ,
    WRITE,
    Appointment,
    Card,
    NotApproved,
    NotStanding,
    State,
    check_begins,
    check_term,
    first_name,
    plain,
)
from chalicelib.ambassadors.store import ENDED, OPEN, AmbassadorStore
from chalicelib.beside import both
from chalicelib.clock import Clock
from chalicelib.errors import InvalidInput, NotFound, Transient
from chalicelib.identity.audit import Audit
from chalicelib.identity.chain import Detail
from chalicelib.identity.roles import Principal
from chalicelib.ids import new_id
from chalicelib.ports import Appointee, Appointees, Area, Areas, People

TRIES = 5
PAGE = 100
"""Appointments that one call looks through; behind them the list goes on with its cursor."""
CONTACTS = 25
SYSTEM = "system"
LEFT = "The person is no longer approved."
NO_AREA = "There is no area %(id)s among yours."
NO_PERSON = "There is no influencer %(id)s among those of your areas."


class _Moved(Exception):  # noqa: N818 - says what happened, and goes no further than this file
    """Person, card or appointment was changed at the same moment."""


@dataclass(frozen=True)
class Letter:
    """What anybody with a letter's code is told."""

    state: State
    first_name: str
    """Empty for who has left."""
    area: Area
    begins: date
    until: date
    ended_on: date | None


@dataclass(frozen=True)
class Written:
    """What the letter of an appointment says."""

    appointment: Appointment
    name: str
    """The person's whole name: who has the letter may see it."""
    areas: tuple[Area, ...]
    """From the country to the area itself."""
    by: str
    """The name of who appointed, or renewed last; empty where a review's event did, or they have left."""
    dated: datetime


@dataclass(frozen=True)
class Ambassadors:
    """Appointments, each visible only where its reader covers the area: any other is not there."""

    store: AmbassadorStore
    areas: Areas
    people: People
    appointees: Appointees
    audit: Audit
    clock: Clock
    staff_name: Callable[[str], str]
    """A member of staff's name by their id; empty for nobody."""

    def appoint(
        self,
        who: Principal,
        influencer: str,
        area_id: str,
        *,
        begins: date | None = None,
        until: date | None = None,
        sample: bool = False,
    ) -> Appointment:
        """Appoints an approved person, from today and for a year where nothing else is said. Raises
        InvalidInput for an area or person that is none or not the caller's, NotApproved, StandsAlready."""
        today = self._today()
        area = covered(self.areas, who, area_id, WRITE)
        if area.valid_until and area.valid_until < today.isoformat():
            raise _ended(area)
        first = begins or today
        check_begins(first, today)
        last = until or first + A_TERM
        check_term(first, last)

        def step() -> tuple[Appointment, Appointee]:
            person = self.appointees.appointee(influencer)
            if person is None or not who.covers_area(person.area_path, WRITE):
                raise InvalidInput.of("influencer_id", "influencer_unknown", NO_PERSON, id=influencer)
            if person.status != "approved":
                raise NotApproved
            return self._new(
                new_id("amb"), person, area, begins=first, until=last, by=who.id, sample=sample
            ), person

        return self._commit(who.id, "ambassador.appointed", influencer, step)

    def renew(self, who: Principal, appointment: str, until: date) -> Appointment:
        """Makes a term longer. Raises NotFound, NotStanding, NotApproved, InvalidInput."""

        def step() -> tuple[Appointment, Appointee]:
            seen = self.get(who, appointment, WRITE)
            person = self.appointees.appointee(seen.influencer)
            if person is None or not _holds(seen, person):
                raise NotApproved
            return seen.renewed(until, who.id, self.clock.now(), self._today()), person

        influencer = self.get(who, appointment, WRITE).influencer
        return self._commit(who.id, "ambassador.renewed", influencer, step, until=until.isoformat())

    def end(self, who: Principal, appointment: str, reason: str) -> Appointment:
        """Ends an appointment now. Raises NotFound, NotStanding."""

        def step() -> tuple[Appointment, None]:
            seen = self.get(who, appointment, WRITE)
            return seen.ended(who.id, reason, self.clock.now(), self._today()), None

        influencer = self.get(who, appointment, WRITE).influencer
        return self._commit(who.id, "ambassador.ended", influencer, step)

    def get(self, who: Principal, appointment: str, action: str = READ) -> Appointment:
        """One appointment. Raises NotFound, also for one that the caller may not know of."""
        found = self.store.find(appointment)
        if found is None or not who.covers_area(found.path, action):
            raise NotFound
        return found

    def listed(
        self,
        who: Principal,
        *,
        area: str | None,
        state: State | None,
        ends_by: date | None,
        limit: int,
        after: Mapping[str, Any] | None,
    ) -> tuple[list[Appointment], dict[str, Any] | None]:
        """Up to `limit` appointments by place, and where to go on: a page may be short, even empty, and the
        list go on. Raises InvalidInput for an area that is none or not the caller's."""
        keys = [OPEN, ENDED] if state is None else [ENDED if state == "ended" else OPEN]
        stretches = [(key, prefix) for key in keys for prefix in prefixes(self.areas, who, area, READ)]
        today = self._today()
        return lists.page(
            lists.walk(stretches, lambda at, begin: self.store.listed(*at, begin, PAGE), after),
            limit,
            lambda one: state in (None, one.state(today)) and (ends_by is None or one.until <= ends_by),
        )

    def names(self, appointments: Sequence[Appointment]) -> dict[str, str]:
        """The names of those of these people who have not left, by id."""
        ids = list(dict.fromkeys(one.influencer for one in appointments))
        found: dict[str, str] = {}
        for begin in range(0, len(ids), CONTACTS):
            known = self.people.contacts(ids[begin : begin + CONTACTS])
            found |= {one.id: one.name for one in known.values() if one.status != "withdrawn"}
        return found

    def of_person(self, influencer: str) -> list[Appointment]:
        """All appointments of somebody, the latest first: for themself."""
        return self.store.many(self.store.card(influencer).known)[::-1]

    def own(self, influencer: str, appointment: str) -> Appointment:
        """One of somebody's own appointments. Raises NotFound, also for one of anybody else."""
        found = self.store.find(appointment)
        if found is None or found.influencer != influencer:
            raise NotFound
        return found

    def written(self, one: Appointment) -> Written:
        """What the letter of an appointment says. Raises NotStanding for one that is over: such a letter
        holds no more, and none is made of it."""
        person = self.appointees.appointee(one.influencer)
        stands = one.state(self._today()) in ("coming", "standing")
        if person is None or not stands or not _holds(one, person):
            raise NotStanding
        known = self.areas.many(one.path)
        if one.area not in known:
            raise NotFound
        by, at = (one.renewals[-1].by, one.renewals[-1].at) if one.renewals else (one.by, one.at)
        return Written(
            appointment=one,
            name=person.name,
            areas=tuple(known[place] for place in one.path if place in known),
            by="" if by == SYSTEM else self.staff_name(by),
            dated=at,
        )

    def verified(self, code: str) -> Letter:
        """What a letter's code tells. Raises NotFound for one that is none of ours."""
        whose = self.store.letter(plain(code))
        if whose is None:
            raise NotFound
        appointment, influencer = whose
        found, person = both(
            lambda: self.store.find(appointment),
            lambda: self.appointees.appointee(influencer) if influencer else None,
        )
        if found is not None and not influencer:  # a letter of before its person was kept with its code
            person = self.appointees.appointee(found.influencer)
        area = self.areas.get(found.area) if found else None
        if found is None or area is None:
            raise NotFound
        state = found.state(self._today())
        if (person is None or not _holds(found, person)) and state in ("coming", "standing"):
            state = "ended"  # they have left, and the event that ends it is on its way
        gone = person is None or person.status == "withdrawn"
        return Letter(
            state=state,
            first_name="" if person is None or gone else first_name(person.name),
            area=area,
            begins=found.begins,
            until=found.until,
            ended_on=found.ended_on,
        )

    # --- what follows from the register

    def person_changed(self, influencer: str, event: str, at: datetime, ambassador_of: str = "") -> None:
        """Brings a person's appointments in line with what they are now, in whatever order events come and
        however often: ends those of who was suspended or has left since, and appoints whom a review has made
        ambassador, unless that was decided otherwise meanwhile."""
        self._end_of_left(influencer)
        if ambassador_of:
            self._appoint_reviewed(influencer, event, at, ambassador_of)

    def held(self, person: str, after: object = None) -> tuple[list[dict[str, Any]], None]:
        """A person's appointments, as plain values: one item holds all that they can have
        (ports.PersonalRecords)."""
        told = {"area", "begins", "until", "code", "at", "ended_on", "reason"}
        return [
            {"kind": "appointment", **one.model_dump(mode="json", include=told)}
            for one in self.store.many(self.store.card(person).known)
        ], None

    def forget(self, person: str) -> bool:
        """Ends the appointments of somebody who was erased. That somebody was appointed stays, under an id
        that leads to nobody; the name stood in the register alone."""
        self._end_of_left(person)
        return True

    def _end_of_left(self, influencer: str) -> None:
        def step(appointment: str) -> tuple[Appointment, None]:
            found = self.store.find(appointment)
            person = self.appointees.appointee(influencer)
            if found is None or found.state(self._today()) not in ("coming", "standing"):
                raise NotFound
            if person is not None and _holds(found, person):
                raise NotFound
            return found.ended(SYSTEM, LEFT, self.clock.now(), self._today()), None

        for held in self.store.card(influencer).standing.values():
            try:
                self._commit(SYSTEM, "ambassador.ended", influencer, lambda held=held: step(held.id))  # type: ignore[misc]
            except NotFound:
                continue

    def _appoint_reviewed(self, influencer: str, event: str, at: datetime, area_id: str) -> None:
        area, today = self.areas.get(area_id, fresh=True), self._today()
        if area is None or (area.valid_until and area.valid_until < today.isoformat()):
            return

        def step() -> tuple[Appointment, Appointee]:
            person, card = self.appointees.appointee(influencer), self.store.card(influencer)
            if person is None or person.status != "approved" or person.ambassador_of != area_id:
                raise NotFound
            ident = _id_of(event)
            later = (one for one in self.store.many(card.known) if one.area == area_id and one.at >= at)
            if ident in card.known or card.stands(area_id, today) or any(later):
                raise NotFound
            made = self._new(ident, person, area, begins=today, until=today + A_TERM, by=SYSTEM)
            return made, person

        try:
            self._commit(SYSTEM, "ambassador.appointed", influencer, step)
        except NotFound:
            return

    def _new(
        self,
        ident: str,
        person: Appointee,
        area: Area,
        *,
        begins: date,
        until: date,
        by: str,
        sample: bool = False,
    ) -> Appointment:
        return Appointment(
            id=ident,
            influencer=person.id,
            area=area.id,
            path=area.path,
            begins=begins,
            until=until,
            code=base64.b32encode(secrets.token_bytes(10)).decode("ascii").lower(),
            barred=person.barred,
            at=self.clock.now(),
            by=by,
            sample=sample,
        )

    def _commit(
        self,
        actor: str,
        action: str,
        influencer: str,
        step: Callable[[], tuple[Appointment, Appointee | None]],
        **more: str,
    ) -> Appointment:
        """Writes an appointment as `step` makes it, with its person's card and the audit's entry, all or
        none, while the person is as they were read; anew while somebody else was quicker."""
        for _ in range(TRIES):
            card = self.store.card(influencer)
            after, person = step()
            kept = card.taking(after, self._today())
            detail: Detail = {"area": after.area, "influencer": influencer} | more

            def write(
                transaction: TransactWrite,
                after: Appointment = after,
                kept: Card = kept,
                person: Appointee | None = person,
            ) -> None:
                if person is not None:
                    person.hold(transaction)
                self.store.write(transaction, after, kept)

            try:
                self.audit.committing(
                    subject=f"ambassador#{after.id}",
                    action=action,
                    actor=actor,
                    at=self.clock.now(),
                    detail=detail,
                    write=write,
                    refused=lambda failed: _Moved(),
                )
            except _Moved:
                continue
            return after
        raise Transient

    def _today(self) -> date:
        return self.clock.today_ist()


def _holds(one: Appointment, person: Appointee) -> bool:
    """Whether this person is approved, and was never suspended or withdrawn since."""
    return person.status == "approved" and person.barred == one.barred


def _id_of(event: str) -> str:
    """The id of the appointment that an event calls for: always the same."""
    return f"amb_{base64.b32encode(hashlib.sha256(event.encode()).digest()[:10]).decode('ascii').lower()}"


def covered(areas: Areas, who: Principal, area_id: str, action: str) -> Area:
    """An area that the caller covers. Raises the same InvalidInput for one that is none and one that is not
    theirs."""
    area = areas.many([area_id], fresh=action == WRITE).get(area_id)  # it may just have moved
    if area is None or not who.covers_area(area.path, action):
        raise InvalidInput.of("area", "area_unknown", NO_AREA, id=area_id)
    return area


def prefixes(areas: Areas, who: Principal, area: str | None, action: str) -> list[str]:
    """Beginnings of the places that the caller may look through, none inside another."""
    if area is not None:
        return [lists.prefix_of(covered(areas, who, area, action).path)]
    return lists.covered_prefixes(areas, who, action)


def _ended(area: Area) -> InvalidInput:
    sentence = "The area %(id)s has ended. What came in its place: %(successors)s."
    successors = ", ".join(area.successors) or "-"
    return InvalidInput.of("area", "area_ended", sentence, id=area.id, successors=successors)
