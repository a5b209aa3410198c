"""A problem or a suggestion: what comes in, which way it goes to its answer, until when. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal, Protocol

from chalicelib.clock import rfc3339
from chalicelib.errors import Conflict
from chalicelib.identity.roles import MATRIX, Principal
from chalicelib.shapes import View
from chalicelib.voices.working import Target, WorkCalendar

READ, REVEAL, ASSIGN, ANSWER = "voice.read", "voice.reveal", "voice.assign", "voice.answer"
MERGE, MODERATE = "voice.merge", "voice.moderate"
"""What staff do with voices (identity.roles.MATRIX)."""

Kind = Literal["problem", "suggestion"]
Source = Literal["form", "whatsapp", "telegram", "creator"]
"""Over which way a voice came; `creator`: an influencer brought it for somebody."""
Status = Literal["received", "assigned", "answered", "resolved", "declined"]
OPEN: tuple[Status, ...] = ("received", "assigned", "answered")
CLOSED: tuple[Status, ...] = ("resolved", "declined")
Shelf = Literal["open", "closed", "joined", "hidden"]
"""Under what a voice lies in lists: `joined` to another one, `hidden` as abuse."""
Step = Literal["answer_soon", "answer_over", "resolve_soon", "resolve_over"]
"""What time does to a voice: three quarters of a deadline are over, or all of it."""
SOON = 0.75
REOPENS_WITHIN = timedelta(days=30)
EXCERPT = 160
"""Letters of a voice that lists show."""
MOST_WORDS, MOST_JOINED, MOST_ANSWERS, MOST_PICTURES = 50, 200, 20, 10
SYSTEM = "system"


# --- what comes in ------------------------------------------------------------------------------------------


class Attachment(View):
    """A picture that belongs to a voice, in the bucket, without the place where it was taken."""

    key: str
    content_type: str
    bytes: int


class Sender(View):
    """Where the answer goes: an address on a channel; empty: whoever has the ticket reads it on its page."""

    channel: str = ""
    """A medium of the platforms: `whatsapp`, `telegram`, `sms`, `email`."""
    address: str = ""
    name: str = ""
    language: str = ""


class Arrival(View):
    """A voice as it comes in, before it is routed."""

    evidence: str
    """What makes it one: the callback's dedupe id, or the request's key. The same again is the same voice."""
    source: Source
    text: str
    at: datetime
    kind: Kind | None = None
    """None: not said; the rules guess, people correct."""
    area: str = ""
    """Empty: not known."""
    department: str = ""
    """As the sender chose it; empty: the rules route it."""
    sender: Sender = Sender()
    carried_by: str = ""
    """The influencer who brought it for somebody, or who wrote it over their own channel."""
    on_behalf: bool = False
    """Whether it is another person's word that the carrier brought."""
    attachments: tuple[Attachment, ...] = ()
    occasion: str = ""
    """The meeting or campaign to which it belongs, as `campaign:<id>` or `gathering:<words>`."""


class Received(View):
    """What became of an arrival. `repeated`: it had come before."""

    id: str
    ticket: str
    language: str
    repeated: bool


# --- what is kept -------------------------------------------------------------------------------------------


class Said(View):
    """Words of a voice: the first ones, or what was added. `before`: how they read before they were
    edited."""

    key: str
    """A keyed hash of what was their evidence."""
    text: str
    at: datetime
    attachments: tuple[Attachment, ...] = ()
    before: tuple[str, ...] = ()
    redacted_by: str = ""
    """Who took parts of it out."""


Occasion = Literal["answered", "resolved", "declined"]


class Answer(View):
    """What a voice was answered, and on which occasion."""

    number: int
    occasion: Occasion
    text: str
    at: datetime
    by: str
    asks: bool = False
    """Whether it asks the citizen something: their next words belong here."""


class Note(View):
    """Why a member of staff did something with a voice: for staff alone."""

    at: datetime
    by: str
    action: str
    text: str


class Told(View):
    """Whom a word was brought to, and what came of it: the outcome of the sender, or why there was no way."""

    step: str
    outcome: str
    at: datetime
    tries: int = 0
    """How often it failed."""


class Refused(Conflict):
    code = "voice_state"


class Forgotten(Refused):
    """Nobody is known any more whose word it would be."""


class Voice(View):
    """A voice, without its words and without its sender. `rev` counts its changes."""

    id: str
    rev: int = 1
    ticket: str
    kind: Kind = "problem"
    kind_by: str = "default"
    """What told the kind: `said`, a rule's id, `default`, or a member of staff."""
    status: Status = "received"
    source: Source = "form"
    language: str = ""
    area: str = ""
    path: tuple[str, ...] = ("IN",)
    """Ids from `IN` to the area; of an area that is not known, India alone."""
    department: str = ""
    routed_by: str = ""
    """What gave it to its department: `sender`, a rule's id, or a member of staff; empty: nothing did."""
    excerpt: str = ""
    """Its beginning, masked."""
    source_key: str = ""
    """A keyed hash of its sender's address; empty: nothing is kept of who sent it."""
    carried_by: str = ""
    on_behalf: bool = False
    occasion: str = ""
    sample: bool = False
    received_at: datetime
    assigned_at: datetime | None = None
    answered_at: datetime | None = None
    """When it was first answered."""
    closed_at: datetime | None = None
    answers: int = 0
    words: int = 1
    """How often something was said to it, the first words among them."""
    pictures: int = 0
    asks: bool = False
    """Whether the last answer asks the citizen something."""
    reopened: int = 0
    """How often it was opened again."""
    reopened_by_citizen: bool = False
    reopened_at: datetime | None = None
    main: str = ""
    """The voice that it was joined to, as one of the same."""
    joined: tuple[str, ...] = ()
    """Those that were joined to it."""
    hidden: str = ""
    """Why it is hidden as abuse; empty: it is not."""
    answer_soon: datetime | None = None
    answer_due: datetime | None = None
    resolve_soon: datetime | None = None
    resolve_due: datetime | None = None
    steps: tuple[Step, ...] = ()
    """What time has done to it since it was received, or opened again."""
    overdue_at: datetime | None = None
    """The first deadline that it missed."""
    answer_minutes: int | None = None
    """Working minutes to the first answer."""
    close_minutes: int | None = None
    """Working minutes to the end."""
    pending: tuple[str, ...] = ()
    """What is still to be told, in order: `<what>:<number>`."""
    again_at: datetime | None = None
    """Not before this is it tried again."""
    forget_at: datetime | None = None
    """When address, name and pictures go, of those joined to it as well."""

    # what it is

    @property
    def shelf(self) -> Shelf:
        if self.hidden:
            return "hidden"
        if self.main:
            return "joined"
        return "closed" if self.status in CLOSED else "open"

    @property
    def over(self) -> bool:
        """Whether nobody works on it any more: from then on its sender is kept for so many months."""
        return self.shelf in ("closed", "hidden")

    @property
    def district(self) -> str:
        """The district that it is counted in; above districts, the state or India."""
        return self.path[:3][-1]

    def overdue(self, now: datetime) -> bool:
        """Whether a deadline is over for which something is still owed."""
        return any(step.endswith("_over") and at <= now for step, at in self._deadlines())

    def due_at(self, now: datetime) -> datetime | None:
        """When somebody must look after it next; None: nobody needs to."""
        times = [at for step, at in self._deadlines() if step not in self.steps]
        if self.pending:
            times.append(self.again_at or now)
        if self.forget_at is not None:
            times.append(self.forget_at)
        return min(times, default=None)

    def _deadlines(self) -> list[tuple[Step, datetime]]:
        """The moments of what is still owed."""
        if self.shelf != "open":
            return []
        found: list[tuple[Step, datetime | None]] = []
        if self.status != "answered":
            found = [("answer_soon", self.answer_soon), ("answer_over", self.answer_due)]
        found += [("resolve_soon", self.resolve_soon), ("resolve_over", self.resolve_due)]
        return [(step, at) for step, at in found if at is not None]

    def may_reopen(self, now: datetime) -> bool:
        """Whether the citizen may open it again: once, within 30 days."""
        if self.closed_at is None or self.hidden or self.main or self.reopened_by_citizen:
            return False
        return now <= self.closed_at + REOPENS_WITHIN

    # which way it goes

    def timed(self, start: datetime, target: Target, calendar: WorkCalendar) -> Voice:
        """With its deadlines, counted from `start`."""
        first, last = target.answer_hours * 60, target.resolve_hours * 60
        return self._with(
            answer_soon=calendar.due(start, first * SOON, self.path),
            answer_due=calendar.due(start, first, self.path),
            resolve_soon=calendar.due(start, last * SOON, self.path),
            resolve_due=calendar.due(start, last, self.path),
            steps=(),
        )

    def assigned(self, department: str, by: str, at: datetime) -> Voice:
        """Given to a department, by a rule or a person: its time runs on."""
        self._must_be_open()
        status: Status = "assigned" if self.status == "received" else self.status
        return self._with(
            department=department, routed_by=by, status=status, assigned_at=self.assigned_at or at
        )

    def corrected(self, kind: Kind, by: str) -> Voice:
        """Of another kind than was guessed."""
        self._must_be_open()
        return self._with(kind=kind, kind_by=by)

    def answered(self, at: datetime, calendar: WorkCalendar, *, asks: bool = False) -> Voice:
        """With one more answer. Raises Refused before a department has it."""
        self._must_be_open()
        if not self.department:
            raise Refused("Give this voice to a department first.")
        return self._spoken("answered", at, calendar)._with(status="answered", asks=asks)

    def closed(self, status: Literal["resolved", "declined"], at: datetime, calendar: WorkCalendar) -> Voice:
        """Resolved, or declined: its last answer says what was done, or why nothing is."""
        self._must_be_open()
        spoken = self._spoken(status, at, calendar)
        heard = self.carried_by or self.joined  # of those joined, who was carried is looked up then
        carried = (*spoken.pending, f"carried:{spoken.answers}") if heard else spoken.pending
        minutes = calendar.minutes(self.received_at, at, self.path)
        return spoken._with(status=status, closed_at=at, close_minutes=minutes, asks=False, pending=carried)

    def _spoken(self, occasion: Occasion, at: datetime, calendar: WorkCalendar) -> Voice:
        if self.answers >= MOST_ANSWERS:
            raise Refused("This voice has been answered too often.")
        number = self.answers + 1
        first = (
            {}
            if self.answered_at
            else {"answered_at": at, "answer_minutes": calendar.minutes(self.received_at, at, self.path)}
        )
        late = self.overdue_at or (at if self.overdue(at) else None)
        return self._with(
            answers=number,
            overdue_at=late,
            pending=(*self.pending, f"{occasion}:{number}"),
            again_at=None,
            **first,
        )

    def opened_again(
        self, at: datetime, target: Target, calendar: WorkCalendar, *, by_citizen: bool
    ) -> Voice:
        """Open once more, with new deadlines. Raises Refused where that may not be."""
        if self.main:
            raise Refused("This voice was joined to another one.")
        if self.status not in CLOSED:
            raise Refused("This voice is open.")
        if by_citizen and not self.may_reopen(at):
            raise Refused("A voice can be opened again once, within 30 days of its end.")
        opened = self._with(
            status="assigned" if self.department else "received",
            closed_at=None,
            close_minutes=None,
            reopened=self.reopened + 1,
            reopened_by_citizen=self.reopened_by_citizen or by_citizen,
            reopened_at=at,
        )
        return opened.timed(at, target, calendar)

    def joined_to(self, main: Voice) -> Voice:
        """As one more of the same. Raises Refused where that may not be."""
        self._must_be_open()
        if main.id == self.id or self.joined:
            raise Refused("Join the other one to this voice: others hang on it.")
        return self._with(main=main.id)

    def with_joined(self, other: str) -> Voice:
        """With one more that is the same; who sent it is told what was answered last, unless that was an end
        which did not hold."""
        self._must_be_open()
        if len(self.joined) == MOST_JOINED:
            raise Refused("Too many voices are joined here.")
        last = f"answered:{self.answers}"
        new = self.status == "answered" and last not in self.pending
        heard = (*self.pending, last) if new else self.pending
        return self._with(joined=(*self.joined, other), pending=heard)

    def parted(self) -> Voice:
        """By itself again, with its own deadlines."""
        if not self.main:
            raise Refused("This voice is not joined to another one.")
        return self._with(main="")

    def without_joined(self, other: str) -> Voice:
        return self._with(joined=tuple(one for one in self.joined if one != other))

    def hidden_as(self, reason: str) -> Voice:
        """Out of lists and of the public page, and answered by nobody; empty: back again."""
        if bool(reason) == bool(self.hidden):
            raise Refused("This voice is so already.")
        if reason and (self.joined or self.main):
            raise Refused("This voice is joined with others. Part them first.")
        return self._with(hidden=reason, pending=() if reason else self.pending)

    def stepped(self, now: datetime) -> tuple[Voice, list[Step]]:
        """With what time has done to it by now, and what of that is new: each with a notice to staff."""
        new = [step for step, at in self._deadlines() if at <= now and step not in self.steps]
        over = [at for step, at in self._deadlines() if step in new and step.endswith("_over")]
        # of two that have come together the later one says all
        notices = [one for one in new if one.replace("_soon", "_over") not in new or one.endswith("_over")]
        after = self._with(
            steps=(*self.steps, *new),
            overdue_at=self.overdue_at or min(over, default=None),
            pending=(*self.pending, *(f"{one}:{self.reopened}" for one in notices)),
            again_at=None if notices else self.again_at,
        )
        return after, new

    def told(self, what: str) -> Voice:
        """Without something that was to be told."""
        return self._with(pending=tuple(one for one in self.pending if one != what), again_at=None)

    def waiting(self, until: datetime) -> Voice:
        return self._with(again_at=until)

    def without_sender(self) -> Voice:
        """With nothing of whoever sent it: their pictures have gone as well."""
        return self._with(source_key="", pictures=0)

    def kept_until(self, until: datetime | None) -> Voice:
        """With the moment when its sender is forgotten; None: not yet, or no more."""
        return self._with(forget_at=until)

    def without_carrier(self) -> Voice:
        left = tuple(one for one in self.pending if not one.startswith("carried:"))
        return self._with(carried_by="", pending=left)

    def with_more(self, pictures: int) -> Voice:
        """With further words. A closed voice takes none: it is opened again, or a new one is written."""
        if self.status not in OPEN:
            raise Refused("This voice is closed.")
        if self.words >= MOST_WORDS:
            raise Refused("Too much was said to this voice already. Please write a new one.")
        if pictures and self.pictures + pictures > MOST_PICTURES:
            raise Refused("There are as many pictures here as there may be.")
        return self._with(words=self.words + 1, pictures=self.pictures + pictures, asks=False)

    def placed(self, area: str, path: Sequence[str]) -> Voice:
        """In another area, as far as it is known now."""
        return self._with(area=area, path=tuple(path))

    def next(self) -> Voice:
        """The same, one revision on."""
        return self._with(rev=self.rev + 1)

    def _must_be_open(self) -> None:
        if self.hidden:
            raise Refused("This voice is hidden as abuse.")
        if self.main:
            raise Refused("This voice was joined to another one.")
        if self.status not in OPEN:
            raise Refused("This voice is closed.")

    def _with(self, **fields: Any) -> Voice:  # noqa: ANN401 - any of its fields
        return self.model_copy(update=fields)


def about(voice: Voice) -> dict[str, str]:
    """What every event of a voice says."""
    return {"voice_id": voice.id, "department": voice.department, "area": voice.area}


def step_for(voice: Voice, what: str, of: str) -> str:
    """Under which step this voice is told a word of the voice `of`: its own, or the one that it is joined to.
    Each numbers its own answers; and who reads the one may not know the other's id."""
    return what if of == voice.id else f"{what}:{sha256(f'{voice.id} {of}'.encode()).hexdigest()[:12]}"


def placed_key(voice: Voice) -> str:
    """Its place in a list by time."""
    return f"{rfc3339(voice.received_at)}#{voice.id}"


# --- who sees what ------------------------------------------------------------------------------------------

EVERYWHERE = frozenset({"admin", "auditor"})


def everywhere(who: Principal, action: str) -> bool:
    """Whether this person may do `action` with every voice."""
    return bool(who.roles & MATRIX[action] & EVERYWHERE)


def desks_of(who: Principal, action: str) -> frozenset[str]:
    """The departments with whose voices a nodal officer may do `action`, whatever the area."""
    return who.departments if "nodal_officer" in who.roles & MATRIX[action] else frozenset()


def grounds_of(who: Principal, action: str) -> frozenset[str]:
    """The areas with whose voices a coordinator may do `action`, whatever the department."""
    return who.areas if "coordinator" in who.roles & MATRIX[action] else frozenset()


def sees(who: Principal, voice: Voice, action: str) -> bool:
    """Whether this person may do `action` with the voice: coordinators in their areas, nodal officers for
    their departments, admin and auditor everywhere."""
    if everywhere(who, action):
        return True
    return voice.department in desks_of(who, action) or not grounds_of(who, action).isdisjoint(voice.path)


# --- what the public sees -----------------------------------------------------------------------------------


class PublicAnswer(View):
    occasion: Occasion
    text: str
    at: datetime


class PublicVoice(View):
    """What whoever has the ticket reads: never a name, an address or what was said."""

    ticket: str
    kind: Kind
    status: Status
    department: str
    names: Mapping[str, str] = {}
    """The department's, by language."""
    received_at: datetime
    assigned_at: datetime | None
    answered_at: datetime | None
    closed_at: datetime | None
    reopened_at: datetime | None
    answer_due: datetime | None
    """Until when the first answer, or (answered) the end is due; None where nothing is."""
    overdue: bool
    asks: bool
    may_reopen: bool
    answers: tuple[PublicAnswer, ...] = ()


# --- what is told -------------------------------------------------------------------------------------------

Telling = Literal["received", "answered", "resolved", "declined", "carried"]


class Teller(Protocol):
    """Brings a word to whoever sent a voice, or (`carried`) to the influencer who brought it."""

    def tell(self, voice: Voice, sender: Sender | None, occasion: Telling, text: str, *, step: str) -> str:
        """Tells it at most once for (voice, step), and gives the outcome that staff see: `accepted`,
        `already`, `unknown`, `refused:<code>`, or `no_way:<reason>` where there is none. `text` is what the
        department said, not masked; empty for `received`. Raises Transient to be asked again later.

        With voices joined to one, each is told under its own id and ticket.
        """
        ...
