"""Lets failed deliveries go on over the next channel.

Whoever writes a failure (the sender, a batch of callbacks) or finds one (the minute's look at a run) queues
`{"fall_back": run, "chunk": id}` after it; here is found out what follows for each person of that chunk. What
is written down is not done again, so a message may come as often as it likes, and after any crash.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from chalicelib.clock import Clock
from chalicelib.dispatch.model import (
    Chunk,
    Fact,
    Facts,
    Ticket,
    falls_back,
    followed_in,
    over,
    seconds,
    way_after,
)
from chalicelib.dispatch.store import DispatchStore
from chalicelib.errors import Rejected, Transient
from chalicelib.ports import Contact, People, RunBrief, Runs
from chalicelib.queues import Queue

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
        begun = [following for i, facts in known.items() if (following := followed_in(chunk, i, facts))]
        tallies = self.store.some_tallies(run, begun) if begun else {}
        made = [ident for ident, one in tallies.items() if not one.settled(0)]  # perhaps never queued
        last: dict[int, Facts] = {}
        try:
            for index in failed:
                way = self._way(brief, contacts.get(parent.people[index]), parent.channel)
                if isinstance(way, str):
                    last[index] = {Fact.LAST: way}
                elif self._made(parent, index, child := parent.over(index, *way)):
                    made.append(child.id)
            self.store.record(run, chunk, last)
        finally:
            self.send_queue.put(Ticket(run, ident).message() for ident in made)

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
