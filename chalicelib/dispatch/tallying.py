"""Takes what platforms proved into the tallies: each touched tally is written once for a whole batch of
callbacks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.clock import Clock
from chalicelib.dispatch.fallback import fall_back_message
from chalicelib.dispatch.model import DeliveryKey, Fact, over, seconds
from chalicelib.dispatch.store import DispatchStore
from chalicelib.ports import Proof, Runs
from chalicelib.queues import Queue

FACT_OF = {
    "accepted": Fact.ACCEPTED,
    "sent": Fact.SENT,
    "delivered": Fact.DELIVERED,
    "read": Fact.READ,
    "failed": Fact.FAILED,
}


@dataclass(frozen=True)
class Tallying:
    """Implements ports.Tallies."""

    store: DispatchStore
    runs: Runs
    plan_queue: Queue
    clock: Clock

    def record(self, proofs: Iterable[Proof]) -> list[Proof]:
        """Writes proofs into their tallies; gives back those whose key names no tally of ours.

        Any order and any repetition come to the same tallies. Of two different times for one fact in a batch
        the earlier one is kept. Failures go on over the next channel, where a campaign has one.
        """
        facts: defaultdict[tuple[str, str], defaultdict[int, dict[Fact, int | str]]] = defaultdict(
            lambda: defaultdict(dict)
        )
        sources: defaultdict[tuple[str, str], list[Proof]] = defaultdict(list)
        unmatched = []
        for proof in sorted(proofs, key=lambda p: p.at):
            key = DeliveryKey.parse(proof.delivery_key)
            if key is None:
                unmatched.append(proof)
                continue
            fact = FACT_OF[proof.fact]
            value = (proof.code or "unknown") if fact is Fact.FAILED else seconds(proof.at)
            known = facts[key.run, key.chunk][key.index]
            known.setdefault(fact, value)
            if fact is Fact.FAILED and proof.scope != "person":  # it would fail over any channel
                known.setdefault(Fact.LAST, proof.scope)
            sources[key.run, key.chunk].append(proof)
        failed = []
        for (run, chunk), people in facts.items():
            if not self.store.record(run, chunk, people):
                unmatched += sources[run, chunk]
            elif any(Fact.FAILED in known and Fact.LAST not in known for known in people.values()):
                failed.append((run, chunk))
        self.plan_queue.put(fall_back_message(*place) for place in failed if self._goes_on(place[0]))
        return unmatched

    def _goes_on(self, run: str) -> bool:
        """Whether failures of this run may go on over another channel."""
        brief = self.runs.get(run)
        return brief is not None and len(brief.channels) > 1 and over(brief, self.clock.now()) is None
