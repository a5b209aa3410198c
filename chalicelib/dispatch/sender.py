"""Sends the people of one chunk, each at most once, and notes what became of it.

For each person, in this order: cancelled, expiry, suppression, consent, pause and stops -> claim -> its slot
of the channel's pace -> the same again -> one request, never repeated by HTTP -> result into the tally. What
breaks off between claim and result is `unknown`. Whom a pause or stop holds back waits: the chunk is queued
again, until it may go on. One thread goes through the chunk; claims and requests run beside it, for a
platform's answer takes longer than the next slot.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from threading import RLock

from chalicelib.clock import Clock
from chalicelib.dispatch.fallback import fall_back_message
from chalicelib.dispatch.model import (
    Bounds,
    Chunk,
    Claim,
    Fact,
    Facts,
    Hold,
    Later,
    Stops,
    Ticket,
    Verdict,
    Week,
    falls_back,
    judge_claim,
    origin_of,
    over,
    quiet_until,
    reason_against,
    reason_in_law,
    seconds,
    spread_until,
    wears_out_the_cap,
    week_of,
)
from chalicelib.dispatch.pace import LATE_S, Lease, Limit, Slots, Wait
from chalicelib.dispatch.paces import Paces, allowed
from chalicelib.dispatch.store import DispatchStore
from chalicelib.errors import PlatformOff, Rejected, Transient
from chalicelib.events.bus import Bus, Entry
from chalicelib.events.catalog import DeliveryUnknown
from chalicelib.ids import new_token
from chalicelib.platforms.base import Channel, Gateway, OutcomeUnknown, Outgoing, SendRefused, Throttled
from chalicelib.platforms.http_client import CONNECT_S, READ_S
from chalicelib.ports import Calendar, CampaignHalts, ChannelHalts, Contact, People, RunBrief, Runs
from chalicelib.queues import LONGEST_DELAY_S, Queue
from chalicelib.telemetry import count

ANSWER_S = CONNECT_S + READ_S
"""The longest that a request may take; it is made only when so much time is left."""
REQUEST_S = ANSWER_S + 2.0
"""The same with its claim; a person is begun only when so much time is left."""
FRESH_S = 2.0
"""How old a copy of people's wishes may be that is acted on (DESIGN.md, stops)."""
LEAD_S = 0.15
"""So long before its slot a person is claimed."""
EARLY_S = 1.0
"""A message with a delay comes up to a second late: it is asked for so much earlier."""
LEASES_A_CHUNK = 4
"""A chunk that has missed the slots of so many leases goes back to the queue."""
LOOK_AGAIN_S = 1.0
"""When to come back to a claim that was refused by what has gone since."""


class Step(Enum):
    """What to do after one person."""

    GO_ON = "go_on"
    STOP = "stop"


@dataclass
class Work:
    """One invocation on one chunk: what it goes by, and what it has found out and not yet written down."""

    brief: RunBrief
    chunk: Chunk
    channel: Channel
    ticket: Ticket
    token: str
    deadline: float
    contacts: dict[str, Contact] = field(default_factory=dict)
    read_at: float = float("-inf")
    """When `contacts` were read."""
    facts: defaultdict[int, dict[Fact, int | str]] = field(default_factory=lambda: defaultdict(dict))
    events: list[Entry] = field(default_factory=list)
    again_after_s: float | None = None
    """When set, somebody of this chunk is still to be sent: the chunk is queued again with this delay."""
    held: bool = False
    """Whether a pause or stop made somebody wait."""
    left: deque[int] = field(default_factory=deque)
    """Who has not been begun."""
    slots: Slots = field(default_factory=lambda: Slots(Lease(0, 0, 0)))
    leases: int = 0
    halted: bool = False
    """Whether nothing more is to be begun."""
    under_way: list[Future[None]] = field(default_factory=list)
    lock: RLock = field(default_factory=RLock)
    """Of all that several threads change."""

    @property
    def goes_on(self) -> bool:
        """Whether somebody is left to be begun."""
        return bool(self.left) and not self.halted

    def again(self, delay_s: float) -> None:
        """Asks for the chunk again after `delay_s`, or later when somebody needs longer."""
        with self.lock:
            self.again_after_s = max(delay_s, self.again_after_s or 0.0)

    def note(self, index: int, fact: Fact, value: int | str) -> None:
        """Keeps what has become of somebody, until it is written down."""
        with self.lock:
            self.facts[index][fact] = value

    def claim(self, index: int) -> Claim:
        """A claim with a token of its own: a second copy of the same message is another holder.

        It begins as the invocation's, whose log it leads to, and is short, as ten claims share 1 KB.
        """
        return Claim(
            person=self.chunk.people[index],
            week=week_of(self.brief.at),
            run=self.chunk.run,
            chunk=self.chunk.id,
            index=index,
            attempt=self.chunk.attempt,
            token=f"{self.token[:8]}~{new_token()[:12]}",
            until=self.deadline,
            counts=self.chunk.attempt == 1 and wears_out_the_cap(self.brief),
        )


@dataclass(frozen=True)
class Begun:
    """One person who is being sent to; the contact as it was at `read_at`."""

    claim: Claim
    contact: Contact
    read_at: float
    message: Outgoing


@dataclass(frozen=True)
class Sender:
    store: DispatchStore
    runs: Runs
    people: People
    gateway: Gateway
    bus: Bus
    send_queue: Queue
    clock: Clock
    stops: Callable[[], Stops]
    calendar: Calendar
    plan_queue: Queue
    paces: Paces
    channel_halts: ChannelHalts
    campaign_halts: CampaignHalts
    threads: Executor
    """Where claims and requests run; one that runs them at once makes everything happen in order."""
    weekly_cap: int = 0
    """How many runs of one week a person gets; 0: any number."""
    sleep: Callable[[float], None] = time.sleep

    def send_chunk(self, ticket: Ticket, token: str, deadline: float) -> None:
        """Sends to everybody of the chunk who has no outcome yet; whom a pause or stop holds back waits.

        `token` names this invocation, `deadline` is the epoch second at which it is surely dead. Raises
        Rejected for a chunk or run that does not exist; Transient errors of AWS calls surface, the message
        then comes again.
        """
        brief = self.runs.get(ticket.run)
        ended = over(brief, self.clock.now()) if brief else None
        if brief and not ended and self.stops().hold_run(brief):
            self._wait(ticket)
            return
        if brief and brief.spread_s and not ended:
            turn_s = (spread_until(brief, ticket.chunk) - self.clock.now()).total_seconds()
            if turn_s > 0:
                self._requeue(ticket, turn_s)
                return
        found = self.store.chunk(ticket.run, ticket.chunk)
        if found is None and origin_of(ticket.chunk):  # its decision was overtaken and never written
            return
        if found is None or brief is None:
            raise Rejected("There is no chunk %(chunk)s of run %(run)s.", chunk=ticket.chunk, run=ticket.run)
        chunk, tally = found
        self._fall_back(brief, chunk, tally.facts)
        left = [i for i in range(len(chunk.people)) if not tally.settled(i)]
        if not left:
            return
        channel = _nowhere(chunk.channel) if ended else self.gateway.channel_for(chunk.channel)
        work = Work(brief, chunk, channel, ticket, token, deadline)
        if ended:
            self._close(work, left, ended)
        elif self.stops().hold_channel(work.channel):
            self._wait(ticket)
        elif (quiet := quiet_until(brief, self.clock.now())) is not None:
            self._requeue(ticket, (quiet.at - self.clock.now()).total_seconds())
        else:
            self._send_or_wait(work, left)

    def _close(self, work: Work, left: list[int], reason: str) -> None:
        """Notes that nobody else of this chunk is sent to; needs no slot of the channel."""
        try:
            for index in left:
                self._not_sent(work, work.claim(index), reason)
        finally:
            self._flush(work)
        self._come_again(work)

    def _send_or_wait(self, work: Work, left: list[int]) -> None:
        if self.stops().in_areas:  # who waits takes no slot of the channel
            self._read_contacts(work, left)
            left = [i for i in left if not self._lives_in_a_stop(work, i)]
        if not left:
            self._wait(work.ticket)
            return
        work.left.extend(left)
        if self._lease(work):
            self._send_people(work)
        self._come_again(work)

    def _lease(self, work: Work) -> bool:
        """Whether there are slots for some who are left; else the chunk comes again."""
        work.leases += 1
        if work.leases > LEASES_A_CHUNK:
            work.again(EARLY_S)
            return False
        if self.clock.epoch() + REQUEST_S > work.deadline:  # no slot could be used
            work.again(0)
            return False
        found = self.paces.lease(
            work.channel.id,
            len(work.left),
            self._limit(work),
            self.clock.epoch(),
            first=work.brief.first,
            queue=work.ticket.spare != "woken",
        )
        if isinstance(found, Wait):
            work.again(max(EARLY_S, found.seconds - EARLY_S))
            return False
        work.slots = Slots(found)
        return True

    def _give_back(self, work: Work) -> None:
        """Slots that let nothing out: a platform that cannot be reached must not wear out its day."""
        if work.slots.unused:
            self.paces.give_back(work.channel.id, work.slots.lease, work.slots.unused, self._limit(work))

    def _limit(self, work: Work) -> Limit:
        return allowed(work.channel, self.gateway.capabilities(work.channel.platform))

    def _lives_in_a_stop(self, work: Work, index: int) -> bool:
        contact = work.contacts.get(work.chunk.people[index])
        held = contact is not None and self.stops().hold_area(contact.area_path)
        work.held |= held
        return held

    def _read_contacts(self, work: Work, indices: list[int]) -> None:
        at = self.clock.epoch()
        work.contacts = self.people.contacts([work.chunk.people[i] for i in indices])
        work.read_at = at

    def _send_people(self, work: Work) -> None:
        """Begins one person after the other, each a moment before their slot."""
        try:
            while True:
                while (slot := work.slots.promise(self.clock.epoch())) is not None and work.goes_on:
                    self._next(work, max(self.clock.epoch(), slot))
                wait(work.under_way)
                self._give_back(work)
                if not work.goes_on or not self._lease(work):
                    break
        finally:
            wait(work.under_way)
            self._flush(work)
        for done in work.under_way:
            done.result()

    def _next(self, work: Work, begins: float) -> None:
        """Begins the next person, when a message may go to them."""
        if begins + REQUEST_S > work.deadline:
            work.again(0)
            work.halted = True
            return
        self._wait_for(begins - LEAD_S)
        if begins - work.read_at > FRESH_S:
            self._read_contacts(work, list(work.left))
        if self._begin(work, work.left.popleft()) is Step.STOP:
            work.halted = True

    def _begin(self, work: Work, index: int) -> Step:
        contact = work.contacts.get(work.chunk.people[index])
        claim, against = work.claim(index), self._against(work, contact)
        if isinstance(against, (Hold, Later)):
            return self._held(work, against)
        if against is not None or contact is None:
            self._not_sent(work, claim, against or "erased")
            return Step.GO_ON
        message = self.runs.message(work.chunk.run, work.channel.medium, work.chunk.language, contact)
        work.slots.begun()
        begun = Begun(claim, contact, work.read_at, message)
        work.under_way.append(self.threads.submit(self._send_one, work, begun))
        return Step.GO_ON

    def _send_one(self, work: Work, begun: Begun) -> None:
        try:
            if not self._is_ours(work, begun.claim):
                work.slots.give_back()
                return
            if self._claimed(work, begun) is Step.STOP:
                work.halted = True
            if not self.gateway.capabilities(work.channel.platform).receipts:
                self._flush(work)  # nothing will prove these later: keep each result at once
        except Exception:
            work.halted = True
            raise

    def _is_ours(self, work: Work, claim: Claim) -> bool:
        bounds = self._bounds(work)
        week = self.store.claim(claim, bounds)
        return week is None or self._ours(week, claim, bounds, work)

    def _claimed(self, work: Work, begun: Begun) -> Step:
        """The slot, the last look, and then the request."""
        claim = begun.claim
        try:
            against, contact = self._look_in_turn(work, begun)
        except Exception:
            self.store.release(claim)
            raise
        if isinstance(against, (Hold, Later)):
            self.store.release(claim)
            return self._held(work, against)
        if against is not None:
            self.store.release(claim)
            work.note(claim.index, Fact.NOT_SENT, against)
            return Step.GO_ON
        if work.halted or self.clock.epoch() + ANSWER_S > work.deadline:
            self.store.release(claim)
            work.again(0)
            return Step.STOP
        if contact is None:
            self.store.release(claim)
            work.left.append(claim.index)
            return Step.GO_ON
        left_s = work.brief.expires_at.timestamp() - self.clock.epoch()
        ttl_s = self.gateway.capabilities(work.channel.platform).ttl(left_s)
        addressed = replace(begun.message, key=str(work.chunk.key(claim.index)), ttl_s=ttl_s)
        return self._request(work, claim, contact, addressed)

    def _look_in_turn(self, work: Work, begun: Begun) -> tuple[str | Hold | Later | None, Contact | None]:
        """Waits for a slot of the lease, and looks once more: why the message must not go, and the contact,
        both as they were at most 2 s ago, for a claim may take long. A look that took so long that the slot
        has passed is old: the next slot has its own, and nothing is sent in a burst. Neither a reason nor a
        contact when there is no slot left."""
        contact: Contact | None = begun.contact
        read_at = begun.read_at
        while not work.halted and (slot := work.slots.take(self.clock.epoch())) is not None:
            self._wait_for(slot)
            at = self.clock.epoch()
            if at - read_at > FRESH_S + LATE_S:
                contact, read_at = self.people.contacts([begun.claim.person]).get(begun.claim.person), at
            against = self._against(work, contact)
            if against is not None or self.clock.epoch() <= slot + LATE_S:
                return against, contact
            work.slots.begun()
        return None, None

    def _against(self, work: Work, contact: Contact | None) -> str | Hold | Later | None:
        """Why this person must not get it now: a reason is final, a hold passes, what is for later has its
        time. By copies of the run and of the stops that are at most 2 s old."""
        brief, stops, channel = self.runs.get(work.chunk.run), self.stops(), work.channel
        now = self.clock.now()  # after what may have taken long to read
        if brief is None:
            return "cancelled"
        path = contact.area_path if contact else ()
        reason = reason_against(brief, contact, channel.medium, now)
        reason = reason or reason_in_law(brief, self.calendar.at(path, now))
        return reason or stops.hold(brief, channel, path) or quiet_until(brief, now)

    def _held(self, work: Work, hold: Hold | Later) -> Step:
        if isinstance(hold, Later):
            work.again((hold.at - self.clock.now()).total_seconds())
            return Step.STOP
        work.held = True
        return Step.STOP if hold is Hold.CHUNK else Step.GO_ON

    def _not_sent(self, work: Work, wanted: Claim, reason: str) -> None:
        """Notes the reason, unless a claim shows that somebody may have sent before it came up.

        The place is kept, so that a person found at two places of the audience counts at one: of whom nothing
        more is to be written down, with the run alone; not of second attempts, which have but one place.
        """
        reads_only = reason == "erased" or wanted.attempt > 1
        week = self.store.week(wanted) if reads_only else self.store.keep_place(wanted)
        if not wanted.may_take_over(week.claim):
            self._ours(week, wanted, self._bounds(work), work)
        elif reason == "erased" and wanted.attempt == 1 and not self.store.keep_nameless_place(wanted):
            work.note(wanted.index, Fact.SUPERSEDED, seconds(self.clock.now()))
        else:
            work.note(wanted.index, Fact.NOT_SENT, reason)

    def _bounds(self, work: Work) -> Bounds:
        gap_s = self.gateway.capabilities(work.channel.platform).pair_gap_s
        return Bounds(self.clock.epoch(), gap_s, self.weekly_cap)

    def _ours(self, week: Week, wanted: Claim, bounds: Bounds, work: Work) -> bool:
        """Whether the claim that stands already is our own; notes what else stood in the way."""
        verdict = judge_claim(week, wanted, bounds)
        if verdict is Verdict.ELSEWHERE:
            work.note(wanted.index, Fact.SUPERSEDED, seconds(self.clock.now()))
        elif verdict is Verdict.IN_FLIGHT and week.claim is not None:
            work.again(week.claim.until - bounds.now + 1)
        elif verdict is Verdict.LOST:
            self._unknown(work, wanted.index)
        elif verdict is Verdict.FULL:
            self._not_sent(work, wanted, "weekly_cap")
        elif verdict in (Verdict.TOO_SOON, Verdict.FREE):
            work.again(bounds.wait_s(week) or LOOK_AGAIN_S)
        return verdict is Verdict.OURS

    def _request(self, work: Work, claim: Claim, contact: Contact, message: Outgoing) -> Step:
        """One request and what its answer means. Accepted has the time at which the request began: what was
        let out before the expiry is proven so, however long its answer took."""
        began = self.clock.now()
        work.slots.use()
        try:
            self.gateway.send(work.channel, contact.addresses[work.channel.medium], message)
        except OutcomeUnknown:
            self._unknown(work, claim.index)
        except Transient as later:  # surely not sent: the claim is given back
            work.slots.use(-1)
            self.store.release(claim)
            work.again(later.retry_after_s)
            count("Throttled" if isinstance(later, Throttled) else "Unreachable")
            if isinstance(later, Throttled) and later.scope == "channel":
                self.paces.slowed(work.channel.id, later.retry_after_s, self.clock.epoch())
            this_person_only = isinstance(later, Throttled) and later.scope == "person"
            return Step.GO_ON if this_person_only else Step.STOP
        except SendRefused as refused:
            return self._refused(work, claim, contact, refused)
        except PlatformOff:  # switched off since the chunk began: nothing left
            work.slots.use(-1)
            self.store.release(claim)
            raise
        else:
            work.note(claim.index, Fact.ACCEPTED, seconds(began))
        return Step.GO_ON

    def _refused(self, work: Work, claim: Claim, contact: Contact, refused: SendRefused) -> Step:
        """A refusal of this person or text is final; one of channel or campaign holds everybody back."""
        if refused.scope in ("channel", "campaign"):
            self.store.release(claim)
            work.held = True
            if refused.scope == "channel":
                self.channel_halts.stop_channel(work.channel.id, refused.platform_code)
            else:
                self.campaign_halts.pause_campaign(work.brief.campaign_id, refused.platform_code)
            return Step.STOP
        if refused.opted_out:
            self._opted_out(work, claim, contact, refused)
        if refused.scope != "person":  # it would be refused over any channel
            work.note(claim.index, Fact.LAST, refused.scope)
        work.note(claim.index, Fact.FAILED, refused.platform_code)
        return Step.GO_ON

    def _opted_out(self, work: Work, claim: Claim, contact: Contact, refused: SendRefused) -> None:
        """Keeps it as a suppression. While that cannot be written the claim is given back: whoever asks the
        platform again is told again."""
        medium, evidence = work.channel.medium, f"platform {refused.platform_code}"
        try:
            self.people.stop(medium, contact.addresses[medium], evidence=evidence, at=self.clock.now())
        except Exception:
            self.store.release(claim)
            raise

    def _unknown(self, work: Work, index: int) -> None:
        now, key = self.clock.now(), str(work.chunk.key(index))
        with work.lock:
            work.note(index, Fact.UNKNOWN, seconds(now))
            work.events.append(Entry.of(DeliveryUnknown(delivery_key=key, run_id=work.chunk.run), key, now))

    def _flush(self, work: Work) -> None:
        """What is certain first, an unknown after its event: should the bus fail, the chunk comes again,
        finds that claim without a result and tells it again."""
        with work.lock:
            self._write_down(work)

    def _write_down(self, work: Work) -> None:
        self._give_up(work)
        unknown = {index: known for index, known in work.facts.items() if Fact.UNKNOWN in known}
        certain = {index: known for index, known in work.facts.items() if known and index not in unknown}
        if certain:
            self.store.record(work.chunk.run, work.chunk.id, certain)
            self._fall_back(work.brief, work.chunk, certain)
        if work.events:
            self.bus.publish(work.events)
        if unknown:
            self.store.record(work.chunk.run, work.chunk.id, unknown)
        work.events.clear()
        work.facts.clear()

    def _fall_back(self, brief: RunBrief, chunk: Chunk, known: Mapping[int, Facts]) -> None:
        """Has it found out what follows for those who failed for good. Asked for when the failure is written;
        a copy of the chunk asks again while that has not been found out."""
        if any(falls_back(brief, chunk.channel, chunk.id, facts) for facts in known.values()):
            self.plan_queue.put([fall_back_message(chunk.run, chunk.id)])

    def _give_up(self, work: Work) -> None:
        """An attempt behind another one that is not made: what is known of the one before is what counts."""
        if origin_of(work.chunk.id) is None:
            return
        for index, known in list(work.facts.items()):
            if Fact.NOT_SENT in known or Fact.SUPERSEDED in known:
                reason = str(known.get(Fact.NOT_SENT, "known_meanwhile"))
                self.store.give_up(work.claim(index), reason, seconds(self.clock.now()))
                del work.facts[index]

    def _wait_for(self, slot: float) -> None:
        """Keeps the requests of a lease evenly apart; never longer than the horizon of a lease and its
        length."""
        wait = slot - self.clock.epoch()
        if wait > 0:
            self.sleep(wait)

    def _come_again(self, work: Work) -> None:
        """Queues the chunk again when somebody of it is still to be sent."""
        if work.again_after_s is not None:
            self._requeue(work.ticket, _not_past(work.brief, work.again_after_s, self.clock.now()))
        elif work.held:
            self._wait(work.ticket)

    def _requeue(self, ticket: Ticket, delay_s: float) -> None:
        """A new message before the old one is deleted: waiting is never a failure and wears out no retry. It
        is parked when it must wait longer than a queue can."""
        if ticket.spare == "woken":
            return
        message = replace(ticket, waits=0).message()
        if delay_s > LONGEST_DELAY_S:
            self.store.park("send", message, self.clock.now() + timedelta(seconds=delay_s))
        else:
            self.send_queue.put([message], delay_s)

    def _wait(self, ticket: Ticket) -> None:
        """Comes back later, each time a little later; a spare ends, for the chunk's own message waits."""
        if not ticket.spare:
            self.send_queue.put([replace(ticket, waits=ticket.waits + 1).message()], ticket.wait_s)


def _not_past(run: RunBrief, delay_s: float, now: datetime) -> float:
    """A wait that ends with the run at the latest: who is left is told of then, and the run ends."""
    left_s = (run.expires_at - now).total_seconds()
    return min(delay_s, left_s) if left_s > 0 else delay_s


def _nowhere(medium: str) -> Channel:
    """What stands for the channel of a run that is over: its platform may have been switched off."""
    return Channel("", medium, {})
