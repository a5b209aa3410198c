"""Lets failed deliveries go on over the next channel.

Whoever writes a failure (the sender, a batch of callbacks) or finds one (the minute's look at a run) queues
`{"fall_back": run, "chunk": id}` after it; here is found out what follows for each person of that chunk. What
is written down is not done again, so a message may come as often as it likes, and after any crash. The
message that makes the new chunk be sent is queued twice, as after a decision (`decisions`): before the chunk
is written, to appear when that has surely ended, and right after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from chalicelib.clock import Clock
from chalicelib.dispatch.model import (
    Chunk,
    Fact,
    Facts,
    Ticket,
    falls_back,
    over,
    seconds,
    way_after,
)
from chalicelib.dispatch.store import DispatchStore
from chalicelib.errors import Rejected, Transient
from chalicelib.ports import Contact, People, RunBrief, Runs
from chalicelib.queues import Queue

SURELY_ENDED_S = 120
"""By then the invocation of `plan_run` has ended: it is given no longer."""
TRIES = 5
"""Callbacks write to the same tally: a transaction that was in their way is tried again."""


def fall_back_message(run: str, chunk: str) -> dict[str, str]:
    """What is queued on `plan` when somebody of a chunk failed for good."""
    return {"fall_back": run, "chunk": chunk}


@dataclass(frozen=True)
class Fallbacks:
    store: DispatchStore
    runs: Runs
    people: People
    send_queue: Queue
    clock: Clock
    sleep: Callable[[float], None] = time.sleep

    def follow(self, run: str, chunk: str) -> None:
        """For everybody of this chunk who failed for good: an attempt over the next channel over which they
        can be reached now, or the reason why there is none.

        Nothing happens when the run is over. Raises Rejected for a chunk that does not exist.
        """
        brief, found = self.runs.get(run), self.store.chunk(run, chunk)
        if brief is None or found is None:
            raise Rejected("There is no chunk %(chunk)s of run %(run)s.", chunk=chunk, run=run)
        if over(brief, self.clock.now()) is not None:
            return
        parent, tally = found
        known = {i: tally.facts.get(i, {}) for i in range(len(parent.people))}
        failed = [i for i, facts in known.items() if falls_back(brief, parent.channel, chunk, facts)]
        contacts = self.people.contacts([parent.people[i] for i in failed]) if failed else {}
        ways = {i: self._way(brief, contacts.get(parent.people[i]), parent.channel) for i in failed}
        following = {i: parent.over(i, *way) for i, way in ways.items() if not isinstance(way, str)}
        last: dict[int, Facts] = {i: {Fact.LAST: way} for i, way in ways.items() if isinstance(way, str)}
        self._queue(following.values(), SURELY_ENDED_S)
        made = [child for i, child in following.items() if self._made(parent, i, child)]
        self.store.record(run, chunk, last)
        self._queue(made, 0)

    def _queue(self, chunks: Iterable[Chunk], delay_s: float) -> None:
        self.send_queue.put((Ticket(chunk.run, chunk.id).message() for chunk in chunks), delay_s)

    def _way(self, brief: RunBrief, contact: Contact | None, channel: str) -> tuple[str, str] | str:
        language_for = partial(self.runs.language_for, brief.run_id)
        return way_after(brief, contact, channel, language_for, self.clock.now())

    def _made(self, parent: Chunk, index: int, following: Chunk) -> bool:
        for attempt in range(TRIES):
            try:
                return self.store.fall_back(parent.key(index), following, seconds(self.clock.now()))
            except Transient:
                if attempt == TRIES - 1:
                    raise
                self.sleep(0.02 * 2**attempt)
        raise AssertionError
