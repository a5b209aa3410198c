"""What the ledger knows of one person: for their export, and for its erasure.

A run's sums lie in its tallies, by place and without a person: nothing here changes them. The ledger says who
has a place already, so that nobody gets two; it is forgotten when no message of the run can be under way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib import lists
from chalicelib.clock import Clock, rfc3339
from chalicelib.dispatch.model import Claim, Fact, moment
from chalicelib.dispatch.store import DispatchStore
from chalicelib.ports import CampaignBrief, Runs

OVER_FOR = timedelta(days=8)
"""Platforms repeat a callback for up to 7 days (ops.SEEN_S), and queues keep a message for 4."""
AT_ONCE = 8
"""Messages whose fate is read side by side."""
A_STEP = 100
"""Messages of one step of an export."""
SERVED_FOR_S = 24 * 3600
"""As long a service message may still be asked for again."""


@dataclass(frozen=True)
class Remembered:
    """Implements ports.PersonalRecords."""

    store: DispatchStore
    runs: Runs
    briefs: Callable[[str], CampaignBrief | None]
    clock: Clock

    def held(
        self, person: str, after: Mapping[str, Any] | None = None
    ) -> tuple[list[dict[str, Any]], Mapping[str, Any] | None]:
        """The messages of campaigns to them, the newest weeks first: a step is 1 query, and for each message
        a read of its run and of its tally, several at once. With the last of them what else was sent, by its
        kind and outcome."""
        claims = sorted(self.store.all_claims(person), key=lambda one: (one.week, one.run), reverse=True)
        step, place = lists.step(claims, lambda one: one.run, after, A_STEP)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            told = sorted(pool.map(self._message, step), key=lambda one: str(one["at"]), reverse=True)
        if place is not None:
            return told, place
        served = [
            {"kind": "service_message", "about": key.partition("#")[0], "outcome": row.outcome}
            for key, row in self.store.service_claims(person)
        ]
        return [*told, *served], None

    def _message(self, claim: Claim) -> dict[str, Any]:
        run = self.runs.get(claim.run)
        campaign = self.briefs(run.campaign_id) if run else None
        found = self.store.chunk(claim.run, claim.chunk)
        facts = found[1].facts.get(claim.index, {}) if found else {}
        times = {
            fact.name.lower(): rfc3339(moment(value))
            for fact in (Fact.ACCEPTED, Fact.SENT, Fact.DELIVERED, Fact.READ)
            if isinstance(value := facts.get(fact), int)
        }
        return {
            "kind": "message",
            "campaign": run.campaign_id if run else "",
            "title": campaign.title if campaign else "",
            "channel": found[0].channel if found else "",
            "status": found[1].status(claim.index).value if found else "",
            "at": min(times.values(), default=rfc3339(run.at) if run else ""),
            **times,
        }

    def forget(self, person: str) -> bool:
        """Takes away the weeks whose runs are all long over, and what came of service messages; whether that
        was all."""
        now, whole = self.clock.now(), True
        for week, runs in self.store.weeks(person).items():
            if all(self._over(run) for run in runs):
                self.store.forget_week(person, week)
            else:
                whole = False
        for key, row in self.store.service_claims(person):
            if now.timestamp() > row.until + SERVED_FOR_S:
                self.store.forget_service(person, key)
            else:
                whole = False
        return whole

    def _over(self, run_id: str) -> bool:
        run = self.runs.get(run_id)
        return run is None or (run.ended_at is not None and run.ended_at + OVER_FOR < self.clock.now())
