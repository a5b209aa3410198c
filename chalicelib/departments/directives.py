"""Directives: given to departments, acknowledged by them, overdue when they are not."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pynamodb.transactions import TransactWrite

from chalicelib import cells
from chalicelib.clock import Clock, rfc3339
from chalicelib.departments.changes import ChangedMeanwhile, Changes
from chalicelib.departments.model import Directive, Order, State, bound_to
from chalicelib.departments.store import DepartmentStore, Position
from chalicelib.errors import Conflict, FieldError, InvalidInput, NotFound
from chalicelib.identity.roles import Principal
from chalicelib.lists import each_with, page

READ, WRITE, ACKNOWLEDGE = "directive.read", "directive.write", "directive.acknowledge"


@dataclass(frozen=True)
class Seen:
    """A directive as somebody may see it: how it stands with the departments that they cover."""

    directive: Directive
    orders: tuple[Order, ...]
    acknowledged: int
    """How many of all its departments have acknowledged it; of the covered ones where these are not all."""
    today: date

    def state(self, order: Order) -> State:
        return order.state(self.directive, self.today)

    @property
    def overdue(self) -> bool:
        """Whether a department that may be seen here should have acknowledged it by now."""
        done = self.acknowledged >= len(self.directive.departments)
        return not self.directive.withdrawn_at and not done and self.today > self.directive.due_on


@dataclass(frozen=True)
class Directives:
    store: DepartmentStore
    departments: Callable[[], Mapping[str, object]]
    changes: Changes
    clock: Clock

    def issue(
        self,
        who: Principal,
        *,
        title: str,
        text: str,
        issued_by: str,
        reference: str,
        issued_on: date | None,
        due_on: date,
        departments: Sequence[str],
    ) -> Seen:
        """Gives a directive to departments. One whose day is past already is overdue at once. Raises
        InvalidInput."""
        today = self.clock.today_ist()
        known = self.departments()
        wrong = [
            FieldError(f"departments.{i}", "department_unknown", "There is no such department.")
            for i, one in enumerate(departments)
            if one not in known
        ]
        if issued_on and issued_on > today:
            wrong.append(FieldError("issued_on", "future", "This day has not come yet."))
        if issued_on and due_on < issued_on:
            wrong.append(FieldError("due_on", "before_issue", "It is due before it was issued."))
        if wrong:
            raise InvalidInput(wrong)
        now = self.clock.now()
        directive = Directive(
            id=f"dir_{int(now.timestamp()):010x}{secrets.token_hex(5)}",
            title=title,
            text=text,
            issued_by=issued_by,
            reference=reference,
            issued_on=issued_on or today,
            due_on=due_on,
            departments=tuple(sorted(set(departments))),
            by=who.id,
            at=now,
        )
        self.store.put_orders(directive)

        def write(transaction: TransactWrite) -> None:
            self.store.put_directive(transaction, directive)

        to = list(directive.departments)
        subject = f"directive#{directive.id}"
        self.changes.commit(
            who, subject, "directive.issued", write, due_on=due_on.isoformat(), departments=to
        )
        return self._seen(who, directive)

    def get(self, who: Principal, directive: str) -> Seen:
        """One directive, for whom it concerns. Raises NotFound: of others' directives nobody learns."""
        found = self.store.directive(directive)
        if found is None or not self._covered(who, found.departments):
            raise NotFound
        return self._seen(who, found)

    def listed(
        self, who: Principal, department: str, state: State | None, limit: int, after: Position | None
    ) -> tuple[list[Seen], Position | None]:
        """Directives, the newest first; of one department, and in one state there, where that is given.
        Nodal officers get those on their own desks, one department after the other."""
        mine = bound_to(who, READ)
        desks = [department] if department else mine
        if department and mine is not None and department not in mine:
            return [], None
        today = self.clock.today_ist()
        if desks is None:
            rows = each_with(self.store.all_directives(after), self._acknowledged)
            told, place = page(rows, limit, lambda one: state is None or self._any(*one, state))
            return [Seen(one, (), done, today) for one, done in told], place
        return self._on_desks(desks, state, limit, after)

    def _on_desks(
        self, desks: Sequence[str], state: State | None, limit: int, after: Position | None
    ) -> tuple[list[Seen], Position | None]:
        today = self.clock.today_ist()

        def wanted(one: tuple[Order, Directive | None]) -> bool:
            order, directive = one
            return directive is not None and state in (None, order.state(directive, today))

        rows = each_with(self.store.orders_of(sorted(desks), after), self._directives)
        orders, place = page(rows, limit, wanted)
        seen = []
        for order, directive in orders:
            if directive is not None:
                own = directive.model_copy(update={"departments": (order.department,)})
                seen.append(Seen(own, (order,), int(order.acknowledged_at is not None), today))
        return seen, place

    def _acknowledged(self, directives: list[Directive]) -> Callable[[Directive], int]:
        counts = self.store.acknowledged([one.id for one in directives])
        return lambda one: counts[one.id]

    def _directives(self, orders: list[Order]) -> Callable[[Order], Directive | None]:
        found = self.store.directives([one.directive for one in orders])
        return lambda one: found.get(one.directive)

    def _any(self, directive: Directive, done: int, state: State) -> bool:
        """Whether a directive stands so with some of its departments: it is due everywhere on one day, so
        that the number of those who have acknowledged it says enough."""
        if state == "acknowledged" and not directive.withdrawn_at:
            return done > 0
        order = Order(directive=directive.id, department="", due_on=directive.due_on)
        waits = directive.withdrawn_at is not None or done < len(directive.departments)
        return waits and order.state(directive, self.clock.today_ist()) == state

    def acknowledge(self, who: Principal, directive: str, department: str, note: str) -> Seen:
        """Says for a department that it knows of a directive; the same again changes nothing. Raises
        NotFound, Conflict for one that was withdrawn."""
        found = self.store.directive(directive)
        order = self.store.order(directive, department)
        if found is None or order is None or not who.covers_department(department, ACKNOWLEDGE):
            raise NotFound
        if order.acknowledged_at:
            return self._seen(who, found)
        if found.withdrawn_at:
            raise Conflict("This directive was withdrawn.")
        changes = {
            "acknowledged_at": self.clock.now(),
            "acknowledged_on": self.clock.today_ist(),
            "acknowledged_by": who.id,
            "note": note,
        }
        after = order.model_copy(update=changes)

        def write(transaction: TransactWrite) -> None:
            self.store.put_acknowledged(transaction, after)

        subject, action = f"directive#{directive}", "directive.acknowledged"
        try:
            self.changes.commit(who, subject, action, write, department=department, late=after.late)
        except ChangedMeanwhile:  # somebody of the department was quicker: it is acknowledged
            if (again := self.store.order(directive, department)) is None or not again.acknowledged_at:
                raise
        return self._seen(who, found)

    def withdraw(self, who: Principal, directive: str, reason: str) -> Seen:
        """Takes a directive back, with a reason: it is due from nobody any more. Raises NotFound,
        Conflict."""
        found = self.store.directive(directive)
        if found is None or len(self._covered(who, found.departments)) < len(found.departments):
            raise NotFound
        if found.withdrawn_at:
            raise Conflict("This directive was withdrawn.")
        after = found.model_copy(update={"withdrawn_at": self.clock.now(), "reason": reason})

        def write(transaction: TransactWrite) -> None:
            self.store.put_directive(transaction, after)

        self.changes.commit(who, f"directive#{directive}", "directive.withdrawn", write)
        return self._seen(who, after)

    def _seen(self, who: Principal, directive: Directive) -> Seen:
        covered = self._covered(who, directive.departments)
        orders = tuple(self.store.orders(directive.id, covered))
        done = sum(1 for order in orders if order.acknowledged_at)
        own = directive.model_copy(update={"departments": tuple(covered)})
        return Seen(own, orders, done, self.clock.today_ist())

    def _covered(self, who: Principal, departments: Sequence[str]) -> list[str]:
        return [one for one in departments if who.covers_department(one, READ)]


COLUMNS = ("department", "state", "late", "due_on", "acknowledged_at", "note", "directive", "title")


def table(seen: Seen) -> str:
    """How a directive stands with each department, for a spreadsheet: CSV with a byte-order mark, in which
    no word of anybody's is a formula."""
    rows = []
    for order in seen.orders:
        said = rfc3339(order.acknowledged_at) if order.acknowledged_at else ""
        late, due = "yes" if order.late else "", order.due_on.isoformat()
        facts = (order.department, seen.state(order), late, due, said, order.note)
        rows.append((*facts, order.directive, seen.directive.title))
    return cells.table(COLUMNS, rows)
