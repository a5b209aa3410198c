"""Which campaigns reached a person, by what the ledger and the tallies know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.dispatch.model import TAKEN, Claim, Fact, moment
from chalicelib.dispatch.store import DispatchStore
from chalicelib.ports import Received, Runs

PROOFS = (Fact.ACCEPTED, Fact.SENT, Fact.DELIVERED, Fact.READ)
A_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Deliveries:
    """Implements ports.Deliveries."""

    store: DispatchStore
    runs: Runs

    def received(self, person: str, since: datetime, until: datetime) -> list[Received]:
        """1 query of the person's weeks and 1 read of a tally for each run that they were claimed for, so
        rarely more than ten."""
        found = []
        for claim in self.store.claims(person, since - A_WEEK, until):  # a run may last into the next week
            at = self._taken_at(claim)
            if at is None or not since <= at <= until:
                continue
            run = self.runs.get(claim.run)
            if run is not None:
                found.append(Received(run.campaign_id, at))
        return sorted(found, key=lambda one: one.at)

    def _taken_at(self, claim: Claim) -> datetime | None:
        """When the platform took the message; None when it did not, or nobody knows."""
        tally = self.store.some_tallies(claim.run, [claim.chunk]).get(claim.chunk)
        if tally is None or tally.status(claim.index) not in TAKEN:
            return None
        facts = tally.facts[claim.index]
        return min(moment(value) for fact in PROOFS if isinstance(value := facts.get(fact), int))
