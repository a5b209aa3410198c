"""Sends the people of one chunk, each at most once, and notes what became of it.

For each person, in this order: stops, suppression, consent, expiry -> claim -> the same again -> one request,
never repeated by HTTP -> result into the tally. What breaks off between claim and result is `unknown`.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum

from chalicelib.clock import Clock
from chalicelib.dispatch.model import (
    Chunk,
    Claim,
    Fact,
    Lease,
    Verdict,
    judge_claim,
    origin_of,
    reason_against,
    seconds,
)
from chalicelib.dispatch.store import DispatchStore
from chalicelib.errors import Rejected, Transient
from chalicelib.events.bus import Bus, Entry
from chalicelib.events.catalog import ChannelStopped, DeliveryUnknown
from chalicelib.ids import new_token
from chalicelib.platforms.base import Channel, Gateway, OutcomeUnknown, Outgoing, SendRefused, Throttled
from chalicelib.platforms.http_client import CONNECT_S, READ_S
from chalicelib.ports import Contact, People, RunBrief, Runs
from chalicelib.queues import Queue
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
PAUSED_S = 60.0


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
    token: str
    deadline: float
    facts: defaultdict[int, dict[Fact, int | str]] = field(default_factory=lambda: defaultdict(dict))
    events: list[Entry] = field(default_factory=list)
    again_after_s: float | None = None
    """When set, somebody of this chunk is still to be sent: the chunk is queued again with this delay."""

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
    sleep: Callable[[float], None] = time.sleep

    def send_chunk(self, run_id: str, chunk_id: str, token: str, deadline: float) -> None:
        """Sends to everybody of the chunk who has no outcome yet.

        `token` names this invocation, `deadline` is the epoch second at which it is surely dead. Raises
        Rejected for a chunk or run that does not exist; Transient errors of AWS calls surface, the message
        then comes again.
        """
        found = self.store.chunk(run_id, chunk_id)
        if found is None and origin_of(chunk_id):  # its decision was overtaken and never written
            return
        brief = self.runs.get(run_id)
        if found is None or brief is None:
            raise Rejected("There is no chunk %(chunk)s of run %(run)s.", chunk=chunk_id, run=run_id)
        chunk, tally = found
        left = [i for i in range(len(chunk.people)) if not tally.settled(i)]
        if not left:
            return
        if brief.status == "paused":
            self._requeue(chunk, PAUSED_S)
            return
        channel = self.gateway.channel_for(chunk.channel)
        lease = self.store.lease(channel.id, len(left), self._rate(channel), HORIZON_S, self.clock.epoch())
        if isinstance(lease, float):
            self._requeue(chunk, lease)
            return
        self._send_people(Work(brief, chunk, channel, token, deadline), left, lease)

    def _send_people(self, work: Work, left: list[int], lease: Lease) -> None:
        contacts: dict[str, Contact] = {}
        read_at = float("-inf")
        often = not self.gateway.capabilities(work.channel.platform).receipts
        try:
            for position, index in enumerate(left):
                begins = max(self.clock.epoch(), lease.slot(position))
                if begins + REQUEST_S > work.deadline:
                    work.again(0)
                    break
                self._wait_for(begins)
                if begins - read_at > FRESH_S:
                    contacts = self.people.contacts([work.chunk.people[i] for i in left[position:]])
                    read_at = begins
                step = self._send_one(work, index, contacts.get(work.chunk.people[index]))
                if often:  # nothing will prove these later: keep each result at once
                    self._flush(work)
                if step is Step.STOP:
                    break
        finally:
            self._flush(work)
        if work.again_after_s is not None:
            self._requeue(work.chunk, work.again_after_s)

    def _send_one(self, work: Work, index: int, contact: Contact | None) -> Step:
        platform, claim = work.channel.platform, work.claim(index)
        reason = reason_against(work.brief, contact, platform, self.clock.now())
        if reason is not None or contact is None:
            self._not_sent(work, claim, reason or "erased")
            return Step.GO_ON
        message = self.runs.message(work.chunk.run, platform, work.chunk.language, contact)
        standing = self.store.claim(claim)
        if standing is not None and not self._ours(standing, claim, work):
            return Step.GO_ON
        try:
            fresh = self.runs.get(claim.run)
        except Exception:
            self.store.release(claim)
            raise
        reason = reason_against(fresh, contact, platform, self.clock.now()) if fresh else "cancelled"
        if reason is not None:
            self.store.release(claim)
            work.facts[index][Fact.NOT_SENT] = reason
            return Step.GO_ON
        if self.clock.epoch() + ANSWER_S > work.deadline:
            self.store.release(claim)
            work.again(0)
            return Step.STOP
        addressed = replace(message, key=str(work.chunk.key(index)), ttl_s=self._ttl_s(work.brief))
        return self._request(work, claim, contact, addressed)

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
        if work.events:
            self.bus.publish(work.events)
        if unknown:
            self.store.record(work.chunk.run, work.chunk.id, unknown)
        work.events.clear()
        work.facts.clear()

    def _give_up(self, work: Work) -> None:
        """A second attempt that is not made: what is known of the first is what counts."""
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

    def _requeue(self, chunk: Chunk, delay_s: float) -> None:
        """A new message before the old one is deleted: waiting is never a failure and wears out no retry."""
        self.send_queue.put([{"run": chunk.run, "chunk": chunk.id}], delay_s)
