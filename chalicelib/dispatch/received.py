"""Which campaigns reached a person, and what was sent to them, by what the ledger and the tallies know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chalicelib.clock import Clock
from chalicelib.dispatch.model import TAKEN, Claim, Fact, Status, Tally, moment
from chalicelib.dispatch.sender import REQUEST_S
from chalicelib.dispatch.store import DispatchStore
from chalicelib.ports import Begun, Received, Runs, Sent, Spoken

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


TWO_YEARS = timedelta(days=2 * 366)


@dataclass(frozen=True)
class ClaimedRun:
    """Implements ports.Begun."""

    claim: Claim

    @property
    def run_id(self) -> str:
        return self.claim.run

    @property
    def campaign_id(self) -> str:
        return self.claim.run.rpartition("-")[0]


@dataclass(frozen=True)
class Histories:
    """Implements ports.Histories."""

    store: DispatchStore
    clock: Clock

    def begun(self, person: str) -> Sequence[Begun]:
        now = self.clock.now()
        claims = self.store.claims(person, now - TWO_YEARS, now)
        return [ClaimedRun(claim) for claim in sorted(claims, key=lambda one: one.week, reverse=True)]

    def became(self, begun: Sequence[Begun]) -> list[Sent]:
        claims = [one.claim for one in begun if isinstance(one, ClaimedRun)]
        tallies = self.store.tallies_at((claim.run, claim.chunk) for claim in claims) if claims else {}
        found = [
            _sent(claim, tally)
            for claim in claims
            if (tally := tallies.get((claim.run, claim.chunk))) is not None
        ]
        return sorted(found, key=lambda one: (one.at, one.run_id), reverse=True)

    def spoken(self, person: str) -> list[Spoken]:
        found = [
            Spoken(
                kind=key.partition("#")[0],
                at=datetime.fromtimestamp(claim.until - REQUEST_S, UTC),
                outcome=claim.outcome,
                channel=claim.channel,
            )
            for key, claim in self.store.service_claims(person)
            if claim.outcome != "released"
        ]
        return sorted(found, key=lambda one: one.at, reverse=True)


def _sent(claim: Claim, tally: Tally) -> Sent:
    status, facts = tally.status(claim.index), tally.facts.get(claim.index, {})
    told = [moment(value) for fact in PROOFS if isinstance(value := facts.get(fact), int)]
    return Sent(
        run_id=claim.run,
        campaign_id=claim.run.rpartition("-")[0],
        channel=tally.channel,
        language=tally.language,
        status=Status.PLANNED if status is Status.SUPERSEDED else status,  # goes on over another way
        at=min(told, default=datetime.fromtimestamp(claim.until, UTC)),
    )
