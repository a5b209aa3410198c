"""What became of a campaign: sums over tallies, exact by construction, and who is behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from chalicelib.clock import Clock
from chalicelib.dispatch.model import Counts, Fact, Facts, Status, Tally, moment, total
from chalicelib.dispatch.store import DispatchStore
from chalicelib.platforms.base import Gateway
from chalicelib.ports import RunBrief

KEPT_S = 3.0
"""How long the tallies of a run that is being dispatched are kept before they are read again."""
REASONS = ("skipped", "not_sent", "failed_by_code")


@dataclass(frozen=True)
class Report:
    """The counts of CONTRACT.md, whole, by channel and by area: districts, and what lies above them."""

    counts: Counts
    by_channel: dict[str, Counts]
    by_area: dict[str, Counts]
    updated_at: datetime


@dataclass(frozen=True)
class Delivery:
    """One run to one person."""

    key: str
    person: str
    channel: str
    language: str
    district: str
    status: Status
    code: str
    """The platform's code of a failure, or our reason for not sending."""
    times: dict[str, datetime]


@dataclass
class Reporter:
    store: DispatchStore
    gateway: Gateway
    clock: Clock
    _kept: dict[str, tuple[float, list[Tally]]] = field(default_factory=dict)

    def report(self, runs: Iterable[RunBrief]) -> Report:
        """The report over these runs."""
        tallies = [tally for run in runs for tally in self._tallies(run)]
        return Report(
            total(tallies),
            _grouped(tallies, lambda t: t.channel),
            _grouped(tallies, lambda t: t.district.removeprefix("ST#")),
            self.clock.now(),
        )

    def deliveries(
        self, run: str, status: Status | None, after: str | None, limit: int
    ) -> tuple[list[Delivery], str | None]:
        """Up to about `limit` deliveries in the order of their chunks (whole chunks), and the chunk to go on
        from."""
        tallies = sorted(
            (t for t in self.store.tallies(run) if t.size and t.chunk > (after or "")), key=lambda t: t.chunk
        )
        found: list[Delivery] = []
        for tally in tallies:
            picked = [i for i in range(tally.size) if status is None or tally.status(i) is status]
            if picked:
                people = self.store.people_of(run, [tally.chunk])[tally.chunk]
                found += [_delivery(run, tally, i, people[i]) for i in picked]
            if len(found) >= limit:
                return found, tally.chunk if tally is not tallies[-1] else None
        return found, None

    def _tallies(self, run: RunBrief) -> list[Tally]:
        kept = self._kept.get(run.run_id)
        if kept is not None and self.clock.epoch() - kept[0] < KEPT_S and run.status == "dispatching":
            return kept[1]
        read = [self._with_capabilities(t) for t in self.store.tallies(run.run_id)]
        self._kept = {run.run_id: (self.clock.epoch(), read)}
        return read

    def _with_capabilities(self, tally: Tally) -> Tally:
        return (
            replace(tally, receipts=self.gateway.capabilities(tally.channel).receipts)
            if tally.channel
            else tally
        )


def _grouped(tallies: list[Tally], key: Callable[[Tally], str]) -> dict[str, Counts]:
    groups: dict[str, Counts] = {}
    for tally in tallies:
        if key(tally):
            groups.setdefault(key(tally), Counts()).add(tally)
    return dict(sorted(groups.items()))


def _delivery(run: str, tally: Tally, index: int, person: str) -> Delivery:
    facts: Facts = tally.facts.get(index, {})
    code = facts.get(Fact.FAILED, "") or facts.get(Fact.NOT_SENT, "")
    times = {
        name.name.lower(): moment(value)
        for name, value in facts.items()
        if isinstance(value, int) and name is not Fact.SUPERSEDED
    }
    return Delivery(
        f"{run}.{tally.chunk}.{index}.1",
        person,
        tally.channel,
        tally.language,
        tally.district,
        tally.status(index),
        str(code),
        times,
    )


def counts_as_json(counts: Counts) -> dict[str, Any]:
    """Counts in the shape of CONTRACT.md."""
    return {name: dict(value) if name in REASONS else value for name, value in vars(counts).items()}
