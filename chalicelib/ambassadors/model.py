"""The rules of appointments: how long one lasts, what stands on a day, what a letter says. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Literal, get_args

from chalicelib.errors import Conflict, InvalidInput
from chalicelib.names import fold
from chalicelib.shapes import View

READ, WRITE = "ambassador.read", "ambassador.write"
"""What staff do with ambassadors (identity.roles.MATRIX)."""
A_TERM = timedelta(days=365)
"""How long an appointment lasts for which nothing is said."""
LONGEST_TERM = timedelta(days=3 * 366)
FARTHEST_AHEAD = timedelta(days=366)
FARTHEST_BACK = timedelta(days=31)
"""How long after its first day an appointment may still be entered."""
MOST_OF_A_PERSON = 100
"""Appointments that are kept of one person: they are read together."""
LETTER_GROUP = 4

State = Literal["coming", "standing", "over", "ended"]
STATES: tuple[State, ...] = get_args(State)
TITLES = frozenset(
    {"dr", "mr", "mrs", "ms", "prof", "smt", "shri", "sri", "km", "डॉ", "श्री", "श्रीमती", "सुश्री", "प्रो"}
)


class NotApproved(Conflict):
    code = "not_approved"
    message = "Only a person who is approved can be an ambassador."


class StandsAlready(Conflict):
    code = "stands_already"
    message = "This person is an ambassador of this area already. The term can be renewed."


class NotStanding(Conflict):
    code = "not_standing"
    message = "This appointment is over. A new one can be made."


class Renewal(View):
    """A term that was made longer."""

    until: date
    at: datetime
    by: str


class Appointment(View):
    """One person, ambassador of one area from a day until another. The name stays in the register."""

    id: str
    influencer: str
    area: str
    path: tuple[str, ...]
    begins: date
    until: date
    """The last day."""
    code: str
    """What the letter is verified by: 80 random bits."""
    barred: int
    """How often the person had been suspended or withdrawn when they were appointed."""
    at: datetime
    by: str
    renewals: tuple[Renewal, ...] = ()
    ended_at: datetime | None = None
    ended_on: date | None = None
    """The same by the calendar of India."""
    ended_by: str = ""
    reason: str = ""
    """Why it ended before its term."""
    sample: bool = False
    rev: int = 1

    def state(self, today: date) -> State:
        if self.ended_at is not None:
            return "ended"
        if today < self.begins:
            return "coming"
        return "standing" if today <= self.until else "over"

    def renewed(self, until: date, by: str, at: datetime, today: date) -> Appointment:
        """With a longer term. Raises NotStanding, InvalidInput."""
        self._must_stand(today)
        if until <= self.until:
            sentence = "The term lasts until %(day)s already: give a later day."
            raise InvalidInput.of("until", "not_later", sentence, day=self.until.isoformat())
        check_term(max(self.begins, today), until)
        renewals = (*self.renewals, Renewal(until=until, at=at, by=by))
        return self.model_copy(update={"until": until, "renewals": renewals, "rev": self.rev + 1})

    def ended(self, by: str, reason: str, at: datetime, today: date) -> Appointment:
        """Ended at once, before its term. Raises NotStanding."""
        self._must_stand(today)
        told = {"ended_at": at, "ended_on": today, "ended_by": by, "reason": reason}
        return self.model_copy(update=told | {"rev": self.rev + 1})

    def _must_stand(self, today: date) -> None:
        if self.state(today) not in ("coming", "standing"):
            raise NotStanding


class Held(View):
    """The appointment that stands in an area, and its last day."""

    id: str
    until: date


class Card(View):
    """What there is of one person: what stands in which area, and the ids of all that they ever had."""

    influencer: str
    standing: Mapping[str, Held] = {}
    known: tuple[str, ...] = ()
    rev: int = 0

    def stands(self, area: str, today: date) -> bool:
        held = self.standing.get(area)
        return held is not None and today <= held.until

    def stands_anywhere(self, today: date) -> bool:
        return any(self.stands(area, today) for area in self.standing)

    def taking(self, one: Appointment, today: date) -> Card:
        """With an appointment as it became: new, renewed or ended. Raises StandsAlready, Conflict."""
        held = self.standing.get(one.area)
        new = one.id not in self.known
        if new and self.stands(one.area, today):
            raise StandsAlready
        if new and len(self.known) == MOST_OF_A_PERSON:
            raise Conflict("This list is full.")
        standing = dict(self.standing)
        if one.ended_at is None:
            standing[one.area] = Held(id=one.id, until=one.until)
        elif held is not None and held.id == one.id:
            del standing[one.area]
        known = (*self.known, one.id) if new else self.known
        return Card(influencer=self.influencer, standing=standing, known=known, rev=self.rev + 1)


def check_term(begins: date, until: date) -> None:
    """Raises InvalidInput for a last day before the first, or too far from it."""
    if until < begins:
        raise InvalidInput.of("until", "before_begins", "The last day comes before the first.")
    if until > begins + LONGEST_TERM:
        raise InvalidInput.of(
            "until", "too_long", "An appointment lasts three years at most. It can be renewed."
        )


def check_begins(begins: date, today: date) -> None:
    """Raises InvalidInput for a first day that is too far away."""
    if begins > today + FARTHEST_AHEAD:
        raise InvalidInput.of("begins", "too_far", "This day is more than a year ahead.")
    if begins < today - FARTHEST_BACK:
        raise InvalidInput.of("begins", "too_early", "This day is more than a month ago.")


def first_name(name: str) -> str:
    """What a letter's page calls somebody: the first word of their name, with a title before it."""
    words = name.split()
    title = len(words) > 1 and fold(words[0]).strip(".") in TITLES
    return " ".join(words[: 1 + title])


def spelled(code: str) -> str:
    """A letter's code as it is printed: `abcd-efgh-ijkl-mnop`."""
    return "-".join(code[i : i + LETTER_GROUP] for i in range(0, len(code), LETTER_GROUP))


def plain(code: str) -> str:
    """The code that somebody has typed, with or without its hyphens."""
    return "".join(one for one in code.casefold() if one.isascii() and one.isalnum())
