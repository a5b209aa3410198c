"""The rules of a department's desk and of directives: who holds a seat on a day, what is overdue. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Literal, get_args

from chalicelib.errors import Conflict, InvalidInput
from chalicelib.identity.roles import Principal
from chalicelib.phones import masked
from chalicelib.ports import Shown
from chalicelib.shapes import View

READ, WRITE, REVEAL = "officer.read", "officer.write", "officer.reveal"
"""What staff do with the roster of officers (identity.roles.MATRIX)."""
Seat = Literal["officer", "deputy"]
SEATS: tuple[Seat, ...] = get_args(Seat)
MOST_AHEAD = timedelta(days=366)
"""How far ahead an appointment may be entered."""
MOST_APPOINTMENTS = 200
"""Of one department: a desk is one item."""
SOON = timedelta(days=3)
"""So long before it is due a directive counts as due soon."""


# --- officers -----------------------------------------------------------------------------------------------


class Appointment(View):
    """One person in one seat of a department, from a day until another."""

    id: str
    seat: Seat
    name: str
    designation: str = ""
    phone: str = ""
    email: str = ""
    user: str = ""
    """The member of staff who this is; empty where they do not sign in."""
    begins: date
    ends: date | None = None
    """The first day on which they do not hold it any more."""

    def holds(self, day: date) -> bool:
        return self.begins <= day and not self.over(day)

    def over(self, day: date) -> bool:
        return self.ends is not None and self.ends <= day

    @property
    def masked_phone(self) -> str:
        return masked(self.phone)

    @property
    def masked_email(self) -> str:
        """`a***@example.org`: whose domain it is may be seen."""
        user, at, domain = self.email.partition("@")
        return f"{user[:1]}***{at}{domain}" if self.email else ""

    def without_contact(self) -> Appointment:
        return self.model_copy(update={"phone": "", "email": ""})


# --- accounts -----------------------------------------------------------------------------------------------

PLATFORMS = ("facebook", "instagram", "telegram", "whatsapp", "x", "youtube")
"""Where a department may speak."""
Standing = Literal["verified", "stated", "none"]
MOST_ACCOUNTS = 24


class OfficialAccount(View):
    """One account under which a department speaks."""

    id: str
    """Tells no name; stays when the account is renamed."""
    platform: str
    handle: str
    """The canonical name (chalicelib/handles.py)."""
    proof: Literal["stated", "verified"] = "stated"
    account: str = ""
    """The platform's own id of a verified account, where it is told: it outlives the name."""
    stated_at: datetime
    proven_at: datetime | None = None

    def proven(self, shown: Shown) -> OfficialAccount:
        changes = {"handle": shown.handle, "proof": "verified", "proven_at": shown.at}
        return self.model_copy(update=changes | {"account": shown.account or self.account})


class Facts(View):
    """What public files say of a department, as they say it."""

    department: str
    code: str = ""
    """In the Local Government Directory."""
    state: str = ""
    kind: str = ""
    parent: str = ""
    """The code of the body above it."""


class Desk(View):
    """What is kept of one department beside its names. `rev` counts its changes; 0: nothing is kept yet."""

    department: str
    rev: int = 0
    officers: tuple[Appointment, ...] = ()
    """By the day on which they begin, those of long ago among them."""
    accounts: tuple[OfficialAccount, ...] = ()
    contested: tuple[OfficialAccount, ...] = ()
    """Accounts that were stated here, and that somebody else had stated before or has proven since."""

    def holder(self, seat: Seat, day: date) -> Appointment | None:
        """Who holds a seat on a day; None: it is vacant."""
        return next((one for one in self._of(seat) if one.holds(day)), None)

    def vacant_since(self, seat: Seat, day: date) -> date | None:
        """Since when a seat that is vacant on this day is so; None when nobody is known to have held it."""
        return max((one.ends for one in self._of(seat) if one.ends and one.ends <= day), default=None)

    def appointment(self, appointment: str) -> Appointment | None:
        return next((one for one in self.officers if one.id == appointment), None)

    def appointed(self, new: Appointment, today: date) -> Desk:
        """With one more appointment. Who held the seat until then hands it over on that day. Raises
        InvalidInput for a day that cannot be."""
        if new.begins > today + MOST_AHEAD:
            raise InvalidInput.of("begins", "too_far", "This day is more than a year ahead.")
        last = max(self._of(new.seat), key=lambda one: one.begins, default=None)
        if last and last.begins >= new.begins:
            sentence = "The one before began on %(day)s: who follows begins later."
            raise InvalidInput.of("begins", "not_after", sentence, day=last.begins.isoformat())
        if len(self.officers) == MOST_APPOINTMENTS:
            raise Conflict("This list is full.")
        hands_over = last is not None and not last.over(new.begins)
        before = [
            one.model_copy(update={"ends": new.begins}) if hands_over and one is last else one
            for one in self.officers
        ]
        return self._with([*before, new], today)

    def ended(self, appointment: str, on: date, today: date) -> Desk:
        """With an appointment that ends on a day: from then on its seat is vacant. Raises InvalidInput,
        Conflict."""
        found = self.appointment(appointment)
        if found is None or found.over(min(on, today)):
            raise Conflict("This appointment has ended already.")
        if on < found.begins or on > today + MOST_AHEAD:
            raise InvalidInput.of("on", "day_impossible", "An appointment cannot end on this day.")
        return self._replaced(found.model_copy(update={"ends": on}), today)

    def changed(self, appointment: str, today: date, **fields: object) -> Desk:
        """With other facts of somebody who has not left. Raises Conflict."""
        found = self.appointment(appointment)
        if found is None or found.over(today):
            raise Conflict("This appointment has ended already.")
        return self._replaced(found.model_copy(update=fields), today)

    # accounts

    def standing(self, platform: str) -> Standing:
        """The best that is known of its accounts on a platform."""
        proofs: set[Standing] = {one.proof for one in self.accounts if one.platform == platform}
        return "verified" if "verified" in proofs else "stated" if proofs else "none"

    def account_on(self, platform: str, handle: str) -> OfficialAccount | None:
        """The account of this name, if it is on the list."""
        same = (one for one in self.accounts if (one.platform, one.handle) == (platform, handle))
        return next(same, None)

    def contested_on(self, platform: str, handle: str) -> OfficialAccount | None:
        """The contested account of this name, if it is on the list."""
        same = (one for one in self.contested if (one.platform, one.handle) == (platform, handle))
        return next(same, None)

    def account_with(self, handle_id: str) -> OfficialAccount | None:
        """The account of this id, contested ones among them."""
        return next((one for one in (*self.accounts, *self.contested) if one.id == handle_id), None)

    def with_account(self, new: OfficialAccount) -> Desk:
        """With one more account. Raises Conflict where there are too many."""
        if len(self.accounts) == MOST_ACCOUNTS:
            raise Conflict("This list is full.")
        left = tuple(one for one in self.contested if one.id != new.id)
        return self._speaking((*self.accounts, new), left)

    def with_proven(self, proven: OfficialAccount) -> Desk:
        """With an account that was stated or contested, now proven. Another entry of the same name goes."""
        others = tuple(
            one
            for one in self.accounts
            if one.id != proven.id and (one.platform, one.handle) != (proven.platform, proven.handle)
        )
        left = tuple(one for one in self.contested if one.id != proven.id)
        return self._speaking((*others, proven), left)

    def contesting(self, lost: OfficialAccount) -> Desk:
        """With an account that somebody else holds: it counts for them, and that it was stated here stays
        known."""
        others = tuple(one for one in self.contested if one.id != lost.id)
        contested = (*others, lost.model_copy(update={"proof": "stated"}))[-MOST_ACCOUNTS:]
        return self._speaking(tuple(one for one in self.accounts if one.id != lost.id), contested)

    def without_account(self, handle_id: str) -> Desk:
        left, contested = (
            tuple(one for one in known if one.id != handle_id) for known in (self.accounts, self.contested)
        )
        return self._speaking(left, contested)

    def _speaking(
        self, accounts: tuple[OfficialAccount, ...], contested: tuple[OfficialAccount, ...]
    ) -> Desk:
        changes = {"accounts": accounts, "contested": contested, "rev": self.rev + 1}
        return self.model_copy(update=changes)

    # officers

    def _of(self, seat: Seat) -> Iterable[Appointment]:
        return (one for one in self.officers if one.seat == seat)

    def _replaced(self, new: Appointment, today: date) -> Desk:
        return self._with([new if one.id == new.id else one for one in self.officers], today)

    def _with(self, officers: list[Appointment], today: date) -> Desk:
        """One revision on; of who has left stay name and term: number and address go."""
        kept = [one.without_contact() if one.over(today) else one for one in officers]
        ordered = tuple(sorted(kept, key=lambda one: (one.begins, one.id)))
        return self.model_copy(update={"officers": ordered, "rev": self.rev + 1})


# --- directives ---------------------------------------------------------------------------------------------

State = Literal["open", "due_soon", "overdue", "acknowledged", "withdrawn"]


class Directive(View):
    """What departments were told to do, by whom, and until when they must say that they know."""

    id: str
    """Later ones are greater."""
    title: str
    text: str
    issued_by: str
    """The office whose word it is."""
    reference: str = ""
    """Its number in the files."""
    issued_on: date
    due_on: date
    departments: tuple[str, ...]
    by: str
    at: datetime
    withdrawn_at: datetime | None = None
    reason: str = ""
    """Why it was withdrawn."""


class Order(View):
    """A directive, as it lies on one department's desk."""

    directive: str
    department: str
    due_on: date
    acknowledged_at: datetime | None = None
    acknowledged_on: date | None = None
    """The same by the calendar of India."""
    acknowledged_by: str = ""
    note: str = ""

    @property
    def late(self) -> bool:
        """Whether it was acknowledged after the day on which that was due."""
        return self.acknowledged_on is not None and self.acknowledged_on > self.due_on

    def state(self, directive: Directive, today: date) -> State:
        """What stands on a day: it is overdue from the day after `due_on`."""
        if directive.withdrawn_at:
            return "withdrawn"
        if self.acknowledged_at:
            return "acknowledged"
        if today > self.due_on:
            return "overdue"
        return "due_soon" if today + SOON >= self.due_on else "open"


def bound_to(who: Principal, action: str) -> list[str] | None:
    """The departments to which somebody is bound in what they do; None where they work for all."""
    if who.covers_department("", action):
        return None
    return sorted(who.departments)
