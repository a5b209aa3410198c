"""Nodal officers and their deputies: who holds which seat, since when; handovers, vacancies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from pynamodb.transactions import TransactWrite

from chalicelib.clock import Clock
from chalicelib.departments.changes import Changes
from chalicelib.departments.model import READ, REVEAL, SEATS, WRITE, Appointment, Desk, Seat
from chalicelib.departments.store import DepartmentStore
from chalicelib.errors import InvalidInput, NotFound, OtherDepartment
from chalicelib.identity.roles import Principal
from chalicelib.identity.staff import User
from chalicelib.ids import new_id
from chalicelib.ports import OnDuty

Names = Mapping[str, Mapping[str, str]]
"""Departments by id, each with its names by language."""


def must_cover(who: Principal, department: str, action: str, departments: Names) -> None:
    """Raises NotFound where there is no such department, OtherDepartment where this person may not do
    `action` for it."""
    if department not in departments:
        raise NotFound
    if not who.covers_department(department, action):
        raise OtherDepartment


@dataclass(frozen=True)
class Duties:
    """Implements ports.DepartmentDuty."""

    store: DepartmentStore

    def of_department(self, department: str, day: date) -> list[OnDuty]:
        """Who holds its seats on a day, the officer first."""
        desk = self.store.desk(department)
        holders = ((seat, desk.holder(seat, day)) for seat in SEATS)
        return [OnDuty(seat, one.name, one.phone, one.email) for seat, one in holders if one is not None]


@dataclass(frozen=True)
class Officers:
    store: DepartmentStore
    departments: Callable[[], Names]
    find_user: Callable[[str], User | None]
    """A member of staff by id."""
    changes: Changes
    clock: Clock

    def desk(self, who: Principal, department: str, action: str = READ) -> Desk:
        """The desk of a department, for somebody who may do `action` there. Raises NotFound,
        OtherDepartment."""
        must_cover(who, department, action, self.departments())
        return self.store.desk(department)

    def appoint(
        self,
        who: Principal,
        department: str,
        *,
        seat: Seat,
        begins: date,
        name: str,
        designation: str = "",
        phone: str = "",
        email: str = "",
        user: str = "",
    ) -> Appointment:
        """Gives a seat to somebody from a day on; who holds it then hands it over. Raises InvalidInput."""
        seen = self.desk(who, department, WRITE)
        self._check_user(who, department, user)
        new = Appointment(
            id=new_id("off"),
            seat=seat,
            name=name,
            designation=designation,
            phone=phone,
            email=email,
            user=user,
            begins=begins,
        )
        before = seen.holder(seat, begins)
        after = seen.appointed(new, self._today())
        detail = {"seat": seat, "appointment": new.id, "begins": begins.isoformat()}
        self._commit(who, "officer_appointed", after, **detail, hands_over=before.id if before else "")
        return new

    def change(
        self, who: Principal, department: str, appointment: str, fields: Mapping[str, str]
    ) -> Appointment:
        """Other facts of somebody in a seat (name, designation, number, address, user)."""
        seen, found = self._found(who, department, appointment, WRITE)
        self._check_user(who, department, fields.get("user", ""))
        after = seen.changed(found.id, self._today(), **fields)
        self._commit(who, "officer_changed", after, appointment=found.id, fields=sorted(fields))
        return after.appointment(found.id) or found

    def end(self, who: Principal, department: str, appointment: str, on: date) -> Appointment:
        """Ends an appointment without a successor: the seat is vacant from that day."""
        seen, found = self._found(who, department, appointment, WRITE)
        after = seen.ended(found.id, on, self._today())
        detail = {"seat": found.seat, "appointment": found.id, "on": on.isoformat()}
        self._commit(who, "officer_ended", after, **detail)
        return after.appointment(found.id) or found

    def reveal(self, who: Principal, department: str, appointment: str) -> Appointment:
        """Number and address in clear; that they were looked at is kept. Raises NotFound."""
        _, found = self._found(who, department, appointment, REVEAL)
        subject, action = f"department#{department}", "department.officer_revealed"
        self.changes.commit(who, subject, action, appointment=found.id)
        return found

    def get(self, who: Principal, department: str, appointment: str) -> Appointment:
        """One appointment. Raises NotFound, OtherDepartment."""
        return self._found(who, department, appointment, READ)[1]

    def _found(
        self, who: Principal, department: str, appointment: str, action: str
    ) -> tuple[Desk, Appointment]:
        seen = self.desk(who, department, action)
        found = seen.appointment(appointment)
        if found is None:
            raise NotFound
        return seen, found

    def _check_user(self, who: Principal, department: str, user: str) -> None:
        """Only who may look up staff is told of an officer that they sign in for other departments."""
        if not user:
            return
        found = self.find_user(user)
        officer = found is not None and "nodal_officer" in found.roles
        here = found is not None and department in found.departments
        if officer and not here and who.may("user.read"):
            sentence = "This nodal officer signs in for other departments."
            raise InvalidInput.of("user", "user_elsewhere", sentence)
        if not (officer and here):
            raise InvalidInput.of("user", "user_unknown", "There is no nodal officer with this id.")

    def _commit(self, who: Principal, action: str, after: Desk, **detail: str | list[str]) -> None:
        def write(transaction: TransactWrite) -> None:
            self.store.put_desk(transaction, after)

        self.changes.commit(who, f"department#{after.department}", f"department.{action}", write, **detail)

    def _today(self) -> date:
        return self.clock.today_ist()
