"""Sends the people of one chunk, each at most once, and notes what became of it.

For each person, in this order: cancelled, expiry, suppression, consent, pause and stops -> claim -> the same
again -> one request, never repeated by HTTP -> result into the tally. What breaks off between claim and
result is `unknown`. Whom a pause or stop holds back waits: the chunk is queued again, until it may go on.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum

from chalicelib.clock import Clock
from chalicelib.dispatch.fallback import fall_back_message
from chalicelib.dispatch.model import (
    Chunk,
    Claim,
    Fact,
    Facts,
    Hold,
    Later,
    Lease,
    Stops,
    Ticket,
    Verdict,
    falls_back,
    judge_claim,
    origin_of,
    over,
    quiet_until,
    reason_against,
    reason_in_law,
    seconds,
)
from chalicelib.dispatch.store import DispatchStore
from chalicelib.errors import Rejected, Transient
from chalicelib.events.bus import Bus, Entry
from chalicelib.events.catalog import ChannelStopped, DeliveryUnknown
from chalicelib.ids import new_token
from chalicelib.platforms.base import Channel, Gateway, OutcomeUnknown, Outgoing, SendRefused, Throttled
from chalicelib.platforms.http_client import CONNECT_S, READ_S
from chalicelib.ports import Calendar, Contact, People, RunBrief, Runs
from chalicelib.queues import LONGEST_DELAY_S, Queue
from chalicelib.telemetry import count, logger

ANSWER_S = CONNECT_S + READ_S
"""The longest that a request may take; it is made only when so much time is left."""
REQUEST_S = ANSWER_S + 2.0
"""The same with its claim; a person is begun only when so much time is left."""
FRESH_S = 2.0
"""How old a copy of people's wishes may be that is acted on (DESIGN.md, stops)."""
HORIZON_S = 10.0
"""How far ahead a channel's slots are leased; a chunk that would have to wait longer is queued with a delay.
Far enough for ten senders at once with 25 messages each at 30 a second: who finds no slot goes round through
the queue, which costs writes and leaves slots empty."""
PARKED_S = 900.0
"""How long a chunk waits when its whole channel must rest."""


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

    def again(self, delay_s: float) -> None:
        """Asks for the chunk again after `delay_s`, or later when somebody needs longer."""
        self.again_after_s = max(delay_s, self.again_after_s or 0.0)

    def claim(self, index: int) -> Claim:
        """A claim with a token of its own: a second copy of the same message is another holder."""
        person, holder = self.chunk.people[index], f"{self.token} {new_token()}"
        return Claim(person, self.chunk.run, self.chunk.id, index, self.chunk.attempt, holder, self.deadline)


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
        work = Work(brief, chunk, self.gateway.channel_for(chunk.channel), ticket, token, deadline)
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
        rate = self._rate(work.channel)
        lease = self.store.lease(work.channel.id, len(left), rate, HORIZON_S, self.clock.epoch())
        if isinstance(lease, float):
            self._requeue(work.ticket, lease)
            return
        self._send_people(work, left, lease)

    def _lives_in_a_stop(self, work: Work, index: int) -> bool:
        contact = work.contacts.get(work.chunk.people[index])
        held = contact is not None and self.stops().hold_area(contact.area_path)
        work.held |= held
        return held

    def _read_contacts(self, work: Work, indices: list[int]) -> None:
        at = self.clock.epoch()
        work.contacts = self.people.contacts([work.chunk.people[i] for i in indices])
        work.read_at = at

    def _send_people(self, work: Work, left: list[int], lease: Lease) -> None:
        often = not self.gateway.capabilities(work.channel.platform).receipts
        try:
            for position, index in enumerate(left):
                begins = max(self.clock.epoch(), lease.slot(position))
                if begins + REQUEST_S > work.deadline:
                    work.again(0)
                    break
                self._wait_for(begins)
                if begins - work.read_at > FRESH_S:
                    self._read_contacts(work, left[position:])
                step = self._send_one(work, index, work.contacts.get(work.chunk.people[index]))
                if often:  # nothing will prove these later: keep each result at once
                    self._flush(work)
                if step is Step.STOP:
                    break
        finally:
            self._flush(work)
        self._come_again(work)

    def _send_one(self, work: Work, index: int, contact: Contact | None) -> Step:
        claim, against = work.claim(index), self._against(work, contact)
        if isinstance(against, (Hold, Later)):
            return self._held(work, against)
        if against is not None or contact is None:
            self._not_sent(work, claim, against or "erased")
            return Step.GO_ON
        message = self.runs.message(work.chunk.run, work.channel.platform, work.chunk.language, contact)
        standing = self.store.claim(claim)
        if standing is not None and not self._ours(standing, claim, work):
            return Step.GO_ON
        return self._claimed(work, claim, contact, message)

    def _claimed(self, work: Work, claim: Claim, contact: Contact, message: Outgoing) -> Step:
        """The last look, and then the request."""
        try:
            against = self._against(work, contact)
        except Exception:
            self.store.release(claim)
            raise
        if isinstance(against, (Hold, Later)):
            self.store.release(claim)
            return self._held(work, against)
        if against is not None:
            self.store.release(claim)
            work.facts[claim.index][Fact.NOT_SENT] = against
            return Step.GO_ON
        if self.clock.epoch() + ANSWER_S > work.deadline:
            self.store.release(claim)
            work.again(0)
            return Step.STOP
        addressed = replace(message, key=str(work.chunk.key(claim.index)), ttl_s=self._ttl_s(work.brief))
        return self._request(work, claim, contact, addressed)

    def _against(self, work: Work, contact: Contact | None) -> str | Hold | Later | None:
        """Why this person must not get it now: a reason is final, a hold passes, what is for later has its
        time. By copies of the run and of the stops that are at most 2 s old."""
        brief, channel, now = self.runs.get(work.chunk.run), work.channel, self.clock.now()
        if brief is None:
            return "cancelled"
        path = contact.area_path if contact else ()
        reason = reason_against(brief, contact, channel.platform, now)
        reason = reason or reason_in_law(brief, self.calendar.at(path, now))
        return reason or self.stops().hold(brief, channel, path) or quiet_until(brief, now)

    def _held(self, work: Work, hold: Hold | Later) -> Step:
        if isinstance(hold, Later):
            work.again((hold.at - self.clock.now()).total_seconds())
            return Step.STOP
        work.held = True
        return Step.STOP if hold is Hold.CHUNK else Step.GO_ON

    def _not_sent(self, work: Work, wanted: Claim, reason: str) -> None:
        """Notes the reason, unless a claim shows that somebody may have sent before it came up."""
        standing = self.store.standing(wanted.person, wanted.run)
        if standing is None or standing.released or wanted.follows(standing):
            work.facts[wanted.index][Fact.NOT_SENT] = reason
        else:
            self._ours(standing, wanted, work)

    def _ours(self, standing: Claim, wanted: Claim, work: Work) -> bool:
        """Whether a claim that stands already is our own; notes what else it means."""
        verdict = judge_claim(standing, wanted, self.clock.epoch())
        if verdict is Verdict.ELSEWHERE:
            work.facts[wanted.index][Fact.SUPERSEDED] = seconds(self.clock.now())
        elif verdict is Verdict.IN_FLIGHT:
            work.again(standing.until - self.clock.epoch() + 1)
        elif verdict is Verdict.LOST:
            self._unknown(work, wanted.index)
        return verdict is Verdict.OURS

    def _request(self, work: Work, claim: Claim, contact: Contact, message: Outgoing) -> Step:
        """One request and what its answer means."""
        try:
            self.gateway.send(work.channel, contact.addresses[work.channel.platform], message)
        except OutcomeUnknown:
            self._unknown(work, claim.index)
        except Transient as wait:  # surely not sent: the claim is given back
            self.store.release(claim)
            work.again(wait.retry_after_s)
            count("Throttled" if isinstance(wait, Throttled) else "Unreachable")
            this_person_only = isinstance(wait, Throttled) and wait.scope == "person"
            return Step.GO_ON if this_person_only else Step.STOP
        except SendRefused as refused:
            return self._refused(work, claim, contact, refused)
        else:
            work.facts[claim.index][Fact.ACCEPTED] = seconds(self.clock.now())
        return Step.GO_ON

    def _refused(self, work: Work, claim: Claim, contact: Contact, refused: SendRefused) -> Step:
        """A refusal of this person or text is final; one of channel or campaign lets the chunk rest."""
        channel, now = work.channel, self.clock.now()
        if refused.scope in ("channel", "campaign"):
            self.store.release(claim)
            work.again(PARKED_S)
            stopped = ChannelStopped(channel_id=channel.id, code=refused.platform_code)
            work.events.append(
                Entry.of(stopped, f"{channel.id} {refused.platform_code} {now:%Y-%m-%dT%H}", now)
            )
            logger.error("channel must rest", extra={"channel": channel.id, "code": refused.platform_code})
            return Step.STOP
        work.facts[claim.index][Fact.FAILED] = refused.platform_code
        if refused.scope != "person":  # it would be refused over any channel
            work.facts[claim.index][Fact.LAST] = refused.scope
        if refused.opted_out:
            address = contact.addresses[channel.platform]
            self.people.stop(channel.platform, address, evidence=f"platform {refused.platform_code}", at=now)
        return Step.GO_ON

    def _unknown(self, work: Work, index: int) -> None:
        now, key = self.clock.now(), str(work.chunk.key(index))
        work.facts[index][Fact.UNKNOWN] = seconds(now)
        work.events.append(Entry.of(DeliveryUnknown(delivery_key=key, run_id=work.chunk.run), key, now))

    def _ttl_s(self, brief: RunBrief) -> int:
        return max(1, int(brief.expires_at.timestamp() - self.clock.epoch()))

    def _flush(self, work: Work) -> None:
        """What is certain first, an unknown after its event: should the bus fail, the chunk comes again,
        finds that claim without a result and tells it again."""
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

    def _rate(self, channel: Channel) -> float:
        return float(
            channel.config.get("rate_per_s") or self.gateway.capabilities(channel.platform).rate_per_s
        )

    def _wait_for(self, slot: float) -> None:
        """Keeps the requests of a lease evenly apart; never longer than the horizon of a lease and its own
        length."""
        wait = slot - self.clock.epoch()
        if wait > 0:
            self.sleep(wait)

    def _come_again(self, work: Work) -> None:
        """Queues the chunk again when somebody of it is still to be sent."""
        if work.again_after_s is not None:
            self._requeue(work.ticket, work.again_after_s)
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
