"""Rules of dispatch: keys, chunks, what facts mean, when a claim may go on. Nothing here reads or writes.

The status of a delivery is a function of its facts. Facts are set once and never changed, so any order, any
repetition and any number of concurrent writers come to the same counts.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, Literal

from chalicelib.clock import IST
from chalicelib.platforms.base import Channel
from chalicelib.ports import Contact, Election, RosterRow, RunBrief, is_paused, keeps_silence, needs_override

CHUNK_SIZE = 25
SHARDS = 4
"""Partitions of a run: at 1,000 messages a second each takes some 650 writes, DynamoDB allows one 1,000."""
PAGE_SIZE = 500
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""Times in a tally are whole seconds since here: eight digits until 2029, so that 25 people stay under 1
KB."""


class Fact(StrEnum):
    """What is known of one attempt. The value is its letter in a tally."""

    ACCEPTED = "a"
    SENT = "s"
    DELIVERED = "d"
    READ = "r"
    FAILED = "f"
    """Refused for good; the value is the platform's code."""
    NOT_SENT = "n"
    """Refused by us at the last step; the value is the reason."""
    UNKNOWN = "u"
    """A request may have gone out and no answer was written."""
    SUPERSEDED = "x"
    """This person's delivery of this run is counted at another place."""
    CLOSED = "k"
    """A person decided that this unknown stays one: nobody sends it again."""
    RESENT = "z"
    """A person decided on one more attempt: the person counts there."""
    NEXT = "w"
    """It failed for good and goes on over the next channel: the person counts there."""
    KEPT = "y"
    """The attempt that RESENT or NEXT announced was not made, the person counts here again; the value is the
    reason."""
    LAST = "e"
    """It failed for good and no other channel is tried; the value is the reason."""


Facts = Mapping[Fact, int | str]
"""The facts of one person's attempt: seconds since EPOCH, or a code for FAILED, NOT_SENT, KEPT and LAST."""
PROOFS = (Fact.ACCEPTED, Fact.SENT, Fact.DELIVERED, Fact.READ, Fact.FAILED)
"""What a platform says of an attempt: any of it ends an unknown."""


class Status(StrEnum):
    """What became of a delivery (CONTRACT.md). PLANNED covers a claim without an outcome yet."""

    PLANNED = "planned"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"
    SUPERSEDED = "superseded"


ARRIVED = frozenset({Status.DELIVERED, Status.READ})
TAKEN = frozenset({Status.ACCEPTED, Status.SENT}) | ARRIVED

_BY_STRENGTH = (
    (Fact.READ, Status.READ),
    (Fact.DELIVERED, Status.DELIVERED),
    (Fact.FAILED, Status.FAILED),
    (Fact.SENT, Status.SENT),
    (Fact.ACCEPTED, Status.ACCEPTED),
    (Fact.UNKNOWN, Status.UNKNOWN),
    (Fact.NOT_SENT, Status.NOT_SENT),
    (Fact.SUPERSEDED, Status.SUPERSEDED),
)


def status_of(facts: Facts) -> Status:
    """The status that these facts prove.

    Proof of arrival beats a failure, a failure beats mere acceptance, and any word of the platform beats our
    own `unknown`. Time stamps do not matter: a platform's clock may put a read before its delivery
    (PLATFORMS.md). Whoever is sent to again counts at the new attempt, whatever is known here, until that
    attempt is given up.
    """
    if followed(facts):
        return Status.SUPERSEDED
    return next((status for fact, status in _BY_STRENGTH if fact in facts), Status.PLANNED)


def followed(facts: Facts) -> bool:
    """Whether the person is sent to again, and counts there."""
    return (Fact.RESENT in facts or Fact.NEXT in facts) and Fact.KEPT not in facts


def late(facts: Facts) -> bool:
    """Whether this attempt arrived after all, though the person is sent to again."""
    return followed(facts) and (Fact.DELIVERED in facts or Fact.READ in facts)


def seconds(at: datetime) -> int:
    """How a time stands in a tally: whole seconds since EPOCH (negative before it)."""
    return int((at - EPOCH).total_seconds())


def moment(value: int) -> datetime:
    """The time that `seconds` wrote."""
    return EPOCH + timedelta(seconds=value)


@dataclass(frozen=True)
class DeliveryKey:
    """`run.chunk.index.attempt`: travels with the message where the platform can carry it back."""

    run: str
    chunk: str
    index: int
    attempt: int

    def __str__(self) -> str:
        return f"{self.run}.{self.chunk}.{self.index}.{self.attempt}"

    @classmethod
    def parse(cls, text: str) -> DeliveryKey | None:
        """The key in `text`; None when it is not one of ours."""
        parts = text.split(".")
        if len(parts) != 4 or not all(parts) or not all(p.isascii() and p.isdigit() for p in parts[1:]):  # noqa: PLR2004
            return None
        run, chunk, index, attempt = parts
        if len(chunk) not in CHUNK_LENGTHS or int(index) >= CHUNK_SIZE:
            return None
        if not 1 <= int(attempt) <= MOST_ATTEMPTS:
            return None
        return cls(run, chunk, int(index), int(attempt))


CHUNK_DIGITS = 11
LINK_DIGITS = 2
MOST_ATTEMPTS = 11
"""One over each of ten channels, and one by a person's decision."""
CHUNK_LENGTHS = range(CHUNK_DIGITS, CHUNK_DIGITS + LINK_DIGITS * (MOST_ATTEMPTS - 1) + 1, LINK_DIGITS)


def chunk_id(range_no: int, page_no: int, number: int) -> str:
    """Eleven digits: stretch of the audience, page in it, chunk in the page. Sorts as planned."""
    return f"{range_no:04d}{page_no:04d}{number:03d}"


def again_id(chunk: str, index: int) -> str:
    """The chunk in which one person of `chunk` is sent to again by a decision: the old number and two digits,
    the place in it.

    Planned chunks have eleven, so that no plan can ever use this number, and each place has its own: the same
    decision always makes the same chunk. It sorts right behind the old one.
    """
    return f"{chunk}{index:02d}"


def next_id(chunk: str, index: int) -> str:
    """The chunk in which one person of `chunk` is sent to over the next channel: as `again_id`, with the
    digits from 25 on, so that the number itself tells why there is another attempt."""
    return f"{chunk}{CHUNK_SIZE + index:02d}"


def origin_of(chunk: str) -> tuple[str, int] | None:
    """The chunk and the place whose attempt this chunk follows; None for a planned one."""
    if len(chunk) == CHUNK_DIGITS:
        return None
    return chunk[:-LINK_DIGITS], int(chunk[-LINK_DIGITS:]) % CHUNK_SIZE


def is_fallback(chunk: str) -> bool:
    """Whether this chunk follows a failure over another channel; a planned chunk, and one that a person
    decided on, do not."""
    return len(chunk) > CHUNK_DIGITS and int(chunk[-LINK_DIGITS:]) >= CHUNK_SIZE


def _ways(chunk: str) -> set[bool]:
    """Of all attempts that led here behind the first: whether each was a fallback."""
    return {is_fallback(chunk[:end]) for end in CHUNK_LENGTHS[1:] if end <= len(chunk)}


def was_resent(chunk: str) -> bool:
    """Whether this attempt, or one before it, was a person's decision."""
    return False in _ways(chunk)


def fell_back(chunk: str) -> bool:
    """Whether this attempt, or one before it, followed a failure over another channel."""
    return True in _ways(chunk)


def followed_in(chunk: str, index: int, facts: Facts) -> str | None:
    """The chunk in which the person at this place is sent to again, and counts; None when they count here."""
    if not followed(facts):
        return None
    return again_id(chunk, index) if Fact.RESENT in facts else next_id(chunk, index)


def partition_of(run: str, chunk: str) -> str:
    """Where a chunk's items lie. Chunks spread over SHARDS partitions, so that no run writes to one alone."""
    return f"{run}#{zlib.crc32(chunk.encode()) % SHARDS}"


def partitions(run: str) -> list[str]:
    """All partitions of a run: what a sum reads."""
    return [f"{run}#{shard}" for shard in range(SHARDS)]


# --- planning -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chunk:
    """Up to 25 people of one run, one channel, one district, one language."""

    run: str
    id: str
    channel: str
    language: str
    district: str
    people: tuple[str, ...]
    attempt: int = 1

    def key(self, index: int) -> DeliveryKey:
        return DeliveryKey(self.run, self.id, index, self.attempt)

    @property
    def before(self) -> DeliveryKey | None:
        """The attempt that this chunk follows; None for a planned one."""
        before = origin_of(self.id)
        return DeliveryKey(self.run, *before, self.attempt - 1) if before else None

    def after(self, index: int) -> DeliveryKey:
        """The attempt that follows over another channel, once it is made."""
        return DeliveryKey(self.run, next_id(self.id, index), 0, self.attempt + 1)

    def again(self, index: int) -> Chunk:
        """The next attempt for one person of this chunk: a chunk of its own."""
        return self._following(again_id(self.id, index), index)

    def over(self, index: int, channel: str, language: str) -> Chunk:
        """The same over another channel."""
        following = self._following(next_id(self.id, index), index)
        return replace(following, channel=channel, language=language)

    def _following(self, ident: str, index: int) -> Chunk:
        return replace(self, id=ident, people=(self.people[index],), attempt=self.attempt + 1)


CHAINS = 4
"""So many stretches of a run are planned at once: the end of each begins another."""
PAGES_A_STRETCH = 10_000


@dataclass(frozen=True)
class Plan:
    """How far a run's planning has come. Chain n plans the stretches n, n + CHAINS, n + 2 CHAINS …"""

    stretches: int
    chains: Mapping[int, int]
    """By chain the place of the page that is planned next."""
    going_on: datetime
    """When the next page is planned, or was."""

    @property
    def complete(self) -> bool:
        return not self.missing

    @property
    def missing(self) -> list[tuple[int, int]]:
        """Stretch and page at which each chain goes on that has not ended."""
        places = [divmod(place, PAGES_A_STRETCH) for _, place in sorted(self.chains.items())]
        return [(range_no, page_no) for range_no, page_no in places if range_no < self.stretches]

    def passed(self, range_no: int, page_no: int) -> bool:
        """Whether this page has been planned and the one after it queued."""
        return self.chains.get(range_no % CHAINS, -1) > place_of(range_no, page_no)


def place_of(range_no: int, page_no: int) -> int:
    """Stretch and page as one number, which grows as a chain goes on."""
    return range_no * PAGES_A_STRETCH + page_no


def first_places(stretches: int) -> dict[int, int]:
    """Where the chains of a plan begin."""
    return {chain: place_of(chain, 0) for chain in range(min(CHAINS, stretches))}


@dataclass(frozen=True)
class Page:
    """One frozen step of planning: who was picked from one page of the roster, and where the next page
    begins."""

    run: str
    range_no: int
    page_no: int
    district: str
    groups: Mapping[str, tuple[str, ...]]
    """`channel language` -> people, in roster order."""
    skipped: Mapping[str, int]
    after: str | None

    def chunks(self) -> list[Chunk]:
        """The chunks of this page: the same page always gives the same chunks."""
        cut = [
            (group, people[start : start + CHUNK_SIZE])
            for group, people in sorted(self.groups.items())
            for start in range(0, len(people), CHUNK_SIZE)
        ]
        return [
            Chunk(
                self.run,
                chunk_id(self.range_no, self.page_no, number),
                *_way(group),
                self.district,
                people,
            )
            for number, (group, people) in enumerate(cut)
        ]

    @property
    def skipped_id(self) -> str:
        """The chunk number under which the skipped of this page are tallied: one that no chunk of it uses."""
        return chunk_id(self.range_no, self.page_no, 999)


def _way(group: str) -> tuple[str, str]:
    """The channel and the language that a group's name joins."""
    channel, _, language = group.partition(" ")
    return channel, language


def route(
    row: RosterRow, channels: Sequence[str], language_for: Callable[[str, str], str | None]
) -> tuple[str, str] | str:
    """The (channel, language) for one person, or the reason why there is none.

    The campaign's order of channels decides among those over which the person can be reached;
    `language_for(channel, wanted)` gives the language in which the message goes out, None when none fits.
    """
    if row.paused:
        return "paused"
    reachable = [c for c in channels if c in row.channels]
    if not reachable:
        return "no_channel"
    for channel in reachable:
        language = language_for(channel, row.language)
        if language is not None:
            return channel, language
    return "no_language"


def may_have_got(facts: Facts) -> bool:
    """Whether this attempt reached the person, or may have: accepted and not failed later, or unknown. By
    what is known of it alone, also when the person is sent to again."""
    own: Facts = {fact: facts[fact] for fact in facts if fact not in (Fact.RESENT, Fact.NEXT)}
    return status_of(own) in TAKEN | {Status.UNKNOWN}


def way_for_correction(
    got: tuple[str, str], channels: Sequence[str], language_for: Callable[[str, str], str | None]
) -> tuple[str, str] | str:
    """The (channel, language) in which somebody is told that what they got was wrong, or the reason why there
    is none.

    Over the channel and in the language in which they `got` it; else over the first of `channels`, in the
    order of the correction.
    """
    channel, wanted = got
    for one in [channel] if channel in channels else channels:
        language = language_for(one, wanted)
        if language is not None:
            return one, language
    return "no_language"


# --- sending ------------------------------------------------------------------------------------------------


def over(run: RunBrief, now: datetime) -> str | None:
    """Why nobody gets this run any more; None while somebody may."""
    if run.status == "cancelled":
        return "cancelled"
    if run.recalled:
        return "recalled"
    return "expired" if now >= run.expires_at else None


def reason_against(run: RunBrief, contact: Contact | None, channel: str, now: datetime) -> str | None:
    """Why this person must never get this run; None when they may. Looked at before the claim and again after
    it. Who pauses is still told that what they got was wrong."""
    if (reason := over(run, now)) is not None:
        return reason
    if contact is None:
        return "erased"
    against = {
        "not_approved": contact.status != "approved",
        "no_address": channel not in contact.addresses,
        "opted_out": channel in contact.suppressed,
        "no_consent": (run.purpose, channel) not in contact.consents,
        "paused": is_paused(contact.paused_until, now) and not run.parents,
    }
    return next((reason for reason, holds in against.items() if holds), None)


def reason_in_law(run: RunBrief, election: Election) -> str | None:
    """Why the election calendar forbids this run in a place now; None when it does not (docs/law.md)."""
    if election.silent and keeps_silence(run.kind, run.organisation_kind):
        return "silence"
    if election.codes - run.overrides and needs_override(run.kind, run.organisation_kind):
        return "code_of_conduct"
    return None


def spread_until(run: RunBrief, chunk: str) -> datetime:
    """When a chunk's turn comes in a run that is spread over a window; the run's own time in any other.

    The same chunk always has the same turn. Second attempts and emergencies do not wait for one.
    """
    if not run.spread_s or run.first or origin_of(chunk) is not None:
        return run.at
    return run.at + timedelta(seconds=run.spread_s * zlib.crc32(chunk.encode()) / 2**32)


@dataclass(frozen=True)
class Later:
    """This person may get it, but not before then."""

    at: datetime


def quiet_until(run: RunBrief, now: datetime) -> Later | None:
    """When the quiet hours end in which `now` lies, or the run, which is over then; None outside of them and
    for what cannot wait."""
    if run.quiet is None or run.first:
        return None
    ends = run.quiet.until(now)
    return None if ends is None else Later(min(ends, run.expires_at))


class Hold(Enum):
    """Who must wait, while a pause or a stop stands."""

    CHUNK = "chunk"
    PERSON = "person"


@dataclass(frozen=True)
class Stops:
    """The stops that stand: `all`, `channel:<id or platform>`, `department:<id>`, `area:<id>`."""

    scopes: frozenset[str] = frozenset()

    def hold_run(self, run: RunBrief) -> bool:
        """Whether the whole run waits: it is paused, all campaigns are stopped, or its department's."""
        return run.status == "paused" or bool(self.scopes & {"all", f"department:{run.department}"})

    def hold_channel(self, channel: Channel) -> bool:
        """Whether nothing may be sent over this channel."""
        return not self.scopes.isdisjoint(scopes_of(channel))

    def hold_area(self, path: Sequence[str]) -> bool:
        """Whether people who live in the area with this path wait."""
        return not self.scopes.isdisjoint(f"area:{area}" for area in path)

    @property
    def in_areas(self) -> bool:
        """Whether some stop asks where a person lives."""
        return any(scope.startswith("area:") for scope in self.scopes)

    def hold(self, run: RunBrief, channel: Channel, path: Sequence[str]) -> Hold | None:
        """Who must wait before a request to a person of this area; None when it may be made."""
        if self.hold_run(run) or self.hold_channel(channel):
            return Hold.CHUNK
        return Hold.PERSON if self.hold_area(path) else None


def scopes_of(channel: Channel) -> list[str]:
    """The scopes of the stops that hold a channel."""
    return [f"channel:{name}" for name in (channel.id, channel.platform, channel.medium)]


FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 60.0
"""Under a pause or stop a chunk comes back after 5, 10, 20, 40 seconds, then each minute."""


@dataclass(frozen=True)
class Ticket:
    """A message of the queue `send`: the chunk to be sent, and how often it has waited in vain.

    A chunk has one message of its own, which goes round until everybody has an outcome. A spare is a copy
    that was queued to hurry the chunk on. So that copies never add up it ends under a stop, and a `woken` one
    wherever else it would have to wait; a `revived` one may stand for a message that was lost.
    """

    run: str
    chunk: str
    waits: int = 0
    spare: Literal["", "woken", "revived"] = ""

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Ticket:
        """The ticket that `message` wrote; what it does not know, it ignores."""
        waits, spare = int(message.get("waits", 0)), message.get("spare", "")
        return cls(message["run"], message["chunk"], waits, spare)

    @property
    def wait_s(self) -> float:
        """How long to wait this time."""
        return min(LONGEST_WAIT_S, FIRST_WAIT_S * (1 << min(self.waits, 4)))

    def message(self) -> dict[str, str | int]:
        """As it is queued; what has its usual value is left out."""
        usual = {"waits": 0, "spare": ""}
        return {name: value for name, value in vars(self).items() if usual.get(name) != value}


def week_of(at: datetime) -> str:
    """The ISO week of a moment by India's calendar: `2026-45`. A run counts in the week in which it was to
    begin, whenever its messages go out: whoever comes again next week finds the same claim."""
    year, week, _ = at.astimezone(IST).isocalendar()
    return f"{year}-{week:02d}"


def wears_out_the_cap(run: RunBrief) -> bool:
    """Whether this run is one of those that a person gets so many of in a week. What cannot wait, and what
    corrects or withdraws something, is not."""
    return not (run.first or run.parent)


@dataclass(frozen=True)
class Claim:
    """The right to send one run to one person: who holds it, for which place, until when."""

    person: str
    week: str
    """Of the run, as `week_of` gives it."""
    run: str
    chunk: str
    index: int
    attempt: int
    token: str
    until: float
    """Epoch seconds at which the holder is surely dead."""
    counts: bool = True
    """Whether it wears out the weekly cap."""
    released: bool = False
    """Whether it was given back: surely nothing was sent, and its place may claim again."""

    @property
    def place(self) -> str:
        return f"{self.chunk}.{self.index}.{self.attempt}"

    def follows(self, standing: Claim) -> bool:
        """Whether this is the next attempt of the delivery that `standing` holds."""
        return origin_of(self.chunk) == (standing.chunk, standing.index)

    def may_take_over(self, standing: Claim | None) -> bool:
        """Whether `standing` is no obstacle: nobody's, given back at this place, or the attempt before."""
        if standing is None or self.follows(standing):
            return True
        return standing.released and standing.place == self.place


@dataclass(frozen=True)
class Week:
    """What a person's week says to one run."""

    claim: Claim | None = None
    """The run's own, if it has one."""
    counted: int = 0
    """How many runs of this week wear out the cap."""
    last: float | None = None
    """Epoch seconds of the latest claim, if it was another run's: whoever gave a claim back is not held up by
    it."""
    answered: bool = False
    """Whether the platform has spoken of the first attempt, so that there is no second."""


@dataclass(frozen=True)
class Bounds:
    """What a claim has to keep to besides its place."""

    now: float
    """Epoch seconds."""
    gap_s: float = 0.0
    """How far apart two messages to one person must be."""
    cap: int = 0
    """How many runs of one week a person gets; 0: any number."""

    def full(self, week: Week) -> bool:
        return 0 < self.cap <= week.counted

    def wait_s(self, week: Week) -> float:
        """How long until the gap is over. A claim further ahead than that comes from a clock set back."""
        if week.last is None or abs(self.now - week.last) >= self.gap_s:
            return 0.0
        return week.last + self.gap_s - self.now


class Verdict(StrEnum):
    """What a week that refused a claim means for the one who wanted it."""

    OURS = "ours"
    """Our own write, answered twice or lost: go on."""
    ELSEWHERE = "elsewhere"
    """Another place or attempt of this run holds this person: count them there."""
    IN_FLIGHT = "in_flight"
    """Another invocation may still be sending: look again later."""
    LOST = "lost"
    """Its holder died between claim and result: unknown, never sent again by itself."""
    FULL = "full"
    """The person gets no more runs of this week."""
    TOO_SOON = "too_soon"
    """They got another message a moment ago: look again later."""
    FREE = "free"
    """What stood in the way has gone since: claim again."""


def judge_claim(week: Week, wanted: Claim, bounds: Bounds) -> Verdict:
    """Reads a week that did not let `wanted` in."""
    standing = week.claim
    if standing is not None and not wanted.may_take_over(standing):
        return _judge_holder(standing, wanted, bounds.now)
    if week.answered:
        return Verdict.ELSEWHERE
    if wanted.counts and bounds.full(week):
        return Verdict.FULL
    return Verdict.TOO_SOON if bounds.wait_s(week) > 0 else Verdict.FREE


def _judge_holder(standing: Claim, wanted: Claim, now: float) -> Verdict:
    if standing.place != wanted.place:
        return Verdict.ELSEWHERE
    if standing.token == wanted.token:
        return Verdict.OURS
    return Verdict.IN_FLIGHT if now < standing.until else Verdict.LOST


# --- fallback -----------------------------------------------------------------------------------------------


def falls_back(run: RunBrief, channel: str, chunk: str, facts: Facts) -> bool:
    """Whether this attempt failed for good over a channel that others follow, and it is still to be found out
    whether this person can be reached over one of them.

    Where a person has decided about this delivery, what follows is a person's again.
    """
    settled = Fact.NEXT in facts or Fact.LAST in facts
    decided = Fact.RESENT in facts or Fact.CLOSED in facts or was_resent(chunk)
    return channel in run.channels[:-1] and status_of(facts) is Status.FAILED and not (settled or decided)


def way_after(
    run: RunBrief,
    contact: Contact | None,
    channel: str,
    language_for: Callable[[str, str], str | None],
    now: datetime,
) -> tuple[str, str] | str:
    """The (channel, language) of the attempt that follows a failure over `channel`, or why there is none.

    Each channel goes by its own consent and address: who was refused on one may have asked for the other.
    """
    reason = "no_channel"
    for following in run.channels[run.channels.index(channel) + 1 :]:
        against = reason_against(run, contact, following, now)
        language = language_for(following, contact.language) if contact and against is None else None
        if language is not None:
            return following, language
        reason = against or "no_language"
    return reason


# --- an unknown, decided by a person ------------------------------------------------------------------------

Decision = Literal["resend", "close"]
NOT_UNKNOWN = "Only a delivery whose outcome is unknown can be decided."
SENT_TWICE = "This has been sent twice already. It can only be closed."
RUN_IS_OVER = "The campaign has been called off or has expired. Nothing is sent any more."
RECALLED = "This message was corrected or withdrawn. It is not sent any more."


@dataclass(frozen=True)
class Decided:
    """What a person decided about an unknown delivery, once and for good."""

    key: str
    decision: Decision
    reason: str
    by: str
    at: datetime
    resend: str | None
    """The key of the attempt that follows; None when it was closed."""


def refusal(run: RunBrief, status: Status, chunk: str, decision: Decision, now: datetime) -> str | None:
    """Why this cannot be decided about a delivery in this state, as a sentence for people; None when it can.

    A person's decision sends at most once more: what was sent again can only be closed.
    """
    if status is not Status.UNKNOWN:
        return NOT_UNKNOWN
    if decision == "close":
        return None
    if was_resent(chunk):
        return SENT_TWICE
    if run.recalled:
        return RECALLED
    if run.status in ("cancelled", "expired") or now >= run.expires_at:
        return RUN_IS_OVER
    return None


# --- counting -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tally:
    """What became of one chunk."""

    chunk: str
    size: int
    channel: str
    language: str
    district: str
    facts: Mapping[int, Facts]
    skipped: Mapping[str, int] = field(default_factory=dict)
    receipts: bool = True

    def status(self, index: int) -> Status:
        return status_of(self.facts.get(index, {}))

    def settled(self, index: int) -> bool:
        """Whether the sender has nothing left to do for this person."""
        return self.status(index) is not Status.PLANNED


@dataclass
class Counts:
    """Sums over tallies, as CONTRACT.md defines them."""

    targeted: int = 0
    planned: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    in_progress: int = 0
    accepted: int = 0
    delivered: int = 0
    read: int = 0
    failed: int = 0
    failed_by_code: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    not_sent: Counter[str] = field(default_factory=Counter)
    no_receipts: int = 0
    closed: int = 0
    """Of the unknown: a person decided that they stay so."""
    resent: int = 0
    """Of the planned: sent to again by a person's decision, and counted by that attempt."""
    fallbacks: int = 0
    """Of the planned: sent to again over another channel after a failure, and counted by that attempt."""
    late: int = 0
    """Beside all sums: attempts that arrived after all, though another one followed."""

    @property
    def sent(self) -> int:
        """People to whom a request was made."""
        return self.accepted + self.failed + self.unknown

    @property
    def left(self) -> int:
        """People who were not sent to because the time was over."""
        return self.not_sent["expired"]

    def add(self, tally: Tally) -> None:
        """Adds one tally. Each person counts once: whom another place holds is left out here."""
        self.skipped.update(tally.skipped)
        self.targeted += sum(tally.skipped.values())
        for index in range(tally.size):
            facts = tally.facts.get(index, {})
            status = status_of(facts)
            self.late += late(facts)
            if status is not Status.SUPERSEDED:
                self.targeted += 1
                self.planned += 1
                self.resent += was_resent(tally.chunk)
                self.fallbacks += fell_back(tally.chunk)
                self._count(status, facts, receipts=tally.receipts)

    def _count(self, status: Status, facts: Facts, *, receipts: bool) -> None:
        if status in TAKEN:
            self.accepted += 1
            self.delivered += status in ARRIVED
            self.read += status is Status.READ
            self.no_receipts += not receipts
        elif status is Status.FAILED:
            self.failed += 1
            self.failed_by_code[str(facts[Fact.FAILED])] += 1
        elif status is Status.UNKNOWN:
            self.unknown += 1
            self.closed += Fact.CLOSED in facts
        elif status is Status.NOT_SENT:
            self.not_sent[str(facts[Fact.NOT_SENT])] += 1
        else:
            self.in_progress += 1

    def join(self, other: Counts) -> None:
        """Adds the counts of other tallies."""
        for name, value in vars(other).items():
            if isinstance(value, Counter):
                getattr(self, name).update(value)
            else:
                setattr(self, name, getattr(self, name) + value)


STAGES: Mapping[str, tuple[Fact, ...]] = {
    "accepted": (Fact.ACCEPTED, Fact.SENT, Fact.DELIVERED, Fact.READ),
    "delivered": (Fact.DELIVERED, Fact.READ),
    "read": (Fact.READ,),
}
"""How far a message may come, and the facts that prove it: the first of them tells since when."""


def since(facts: Facts) -> dict[str, int]:
    """Since when each stage holds (seconds since EPOCH) that this person counts in, as `Counts` does."""
    status = status_of(facts)
    held = (status in TAKEN, status in ARRIVED, status is Status.READ)
    return {
        stage: min(value for fact in proofs if isinstance(value := facts.get(fact), int))
        for (stage, proofs), holds in zip(STAGES.items(), held, strict=True)
        if holds
    }


def total(tallies: Iterable[Tally]) -> Counts:
    """The counts of all tallies together."""
    counts = Counts()
    for tally in tallies:
        counts.add(tally)
    return counts
