"""An unknown delivery is sent again, or closed, only by a person's decision, with a reason, and audited.

The decision, its fact in the tally, the new chunk and the audit's entry are one transaction: there is no
decision without its chunk. Only the message that makes the chunk be sent lies outside. It is queued twice:
before the transaction, to appear when that has surely ended, and right after it. A copy sends nothing, and
a chunk that was never written is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from chalicelib.clock import Clock
from chalicelib.dispatch.model import (
    NOT_UNKNOWN,
    Chunk,
    Decided,
    Decision,
    DeliveryKey,
    Status,
    moment,
    refusal,
    seconds,
)
from chalicelib.dispatch.store import DispatchStore
from chalicelib.errors import Conflict, NotFound, Transient
from chalicelib.identity.audit import Audit
from chalicelib.ports import RunBrief, Runs
from chalicelib.queues import Queue
from chalicelib.telemetry import logger

SURELY_ENDED_S = 60
"""By then the invocation that decides has ended: API Gateway and the function give up after 29 s."""


class _Overtaken(Exception):  # noqa: N818 - says what happened, and goes no further than this file
    """A proof or another decision was written at the same moment."""


@dataclass(frozen=True)
class Decisions:
    store: DispatchStore
    runs: Runs
    audit: Audit
    send_queue: Queue
    clock: Clock

    def run_of(self, key: str) -> tuple[DeliveryKey, RunBrief]:
        """The key read, and its run. Raises NotFound when it is none of ours."""
        read = DeliveryKey.parse(key)
        brief = self.runs.get(read.run) if read else None
        if read is None or brief is None:
            raise NotFound
        return read, brief

    def decide(self, actor: str, key: str, decision: Decision, reason: str) -> Decided:
        """Decides about an unknown delivery, or gives the same decision that stands already.

        Raises NotFound for a delivery that does not exist; Conflict when its outcome is known, when it was
        decided otherwise, when a resend would be the third attempt or the run is over.
        """
        read, brief = self.run_of(key)
        decided = self.store.decision(read)
        if decided is None:
            decided = self._commit(actor, read, brief, decision, reason)
        if decided.decision != decision:
            raise Conflict("This delivery has been decided otherwise. A decision stands.")
        if decided.resend is not None and (follows := DeliveryKey.parse(decided.resend)) is not None:
            try:
                self._queue(follows.run, follows.chunk, 0)
            except Transient:
                logger.warning("the resend waits for its delayed message", extra={"delivery": decided.resend})
        return decided

    def _commit(
        self, actor: str, key: DeliveryKey, brief: RunBrief, decision: Decision, reason: str
    ) -> Decided:
        """Writes the decision; gives the one that stands when another was faster."""
        chunk, status = self._delivery(key)
        now = moment(seconds(self.clock.now()))  # as it is kept: the same answer comes again
        against = refusal(brief, status, key.chunk, decision, now)
        if against is not None:
            return self._standing(key, against)
        again = chunk.again(key.index) if decision == "resend" else None
        follows = str(again.key(0)) if again else None
        decided = Decided(str(key), decision, reason, actor, now, follows)
        if again is not None:
            self._queue(again.run, again.id, SURELY_ENDED_S)
        try:
            self.audit.committing(
                subject=f"delivery#{key}",
                action=f"delivery.{'closed' if again is None else 'resent'}",
                actor=actor,
                at=now,
                detail={"resend": follows},
                write=partial(self.store.put_decision, key=key, decided=decided, again=again),
                refused=lambda failed: _Overtaken(),
            )
        except _Overtaken:
            return self._standing(key, NOT_UNKNOWN)
        return decided

    def _standing(self, key: DeliveryKey, against: str) -> Decided:
        """The decision that another made since we looked: it is what stands against a second one. Raises
        Conflict when there is none."""
        standing = self.store.decision(key)
        if standing is None:
            raise Conflict(against)
        return standing

    def _delivery(self, key: DeliveryKey) -> tuple[Chunk, Status]:
        """The chunk of a delivery, and what is known of it now."""
        found = self.store.chunk(key.run, key.chunk)
        if found is None or found[0].attempt != key.attempt or key.index >= len(found[0].people):
            raise NotFound
        return found[0], found[1].status(key.index)

    def _queue(self, run: str, chunk: str, delay_s: float) -> None:
        self.send_queue.put([{"run": run, "chunk": chunk}], delay_s)
