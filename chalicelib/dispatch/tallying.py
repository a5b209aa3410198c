"""Takes what platforms proved into the tallies: each touched tally is written once for a whole batch of
callbacks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.dispatch.model import DeliveryKey, Fact, seconds
from chalicelib.dispatch.store import DispatchStore
from chalicelib.ports import Proof

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

    def record(self, proofs: Iterable[Proof]) -> list[Proof]:
        """Writes proofs into their tallies; gives back those whose key names no tally of ours.

        Any order and any repetition come to the same tallies. Of two different times for one fact in a batch
        the earlier one is kept.
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
            facts[key.run, key.chunk][key.index].setdefault(fact, value)
            sources[key.run, key.chunk].append(proof)
        for (run, chunk), known in facts.items():
            if not self.store.record(run, chunk, known):
                unmatched += sources[run, chunk]
        return unmatched
