"""What became of a campaign: sums over tallies, exact by construction, and who is behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from chalicelib.clock import Clock
from chalicelib.dispatch.model import (
    Chunk,
    Counts,
    Decided,
    Fact,
    Facts,
    Status,
    Tally,
    followed,
    moment,
    total,
)
from chalicelib.dispatch.store import DispatchStore
from chalicelib.platforms.base import Gateway
from chalicelib.ports import RunBrief, RunSums

KEPT_S = 3.0
"""How long the tallies of a run that is being dispatched are kept before they are read again."""
NO_TIMES = frozenset({Fact.SUPERSEDED, Fact.CLOSED, Fact.RESENT, Fact.NEXT})
"""Facts that tell nothing of the message's way: a decision is listed as such."""
PLAIN = ("planned", "in_progress", "accepted", "delivered", "read", "failed", "unknown")
REASONS = ("skipped", "not_sent", "failed_by_code")


@dataclass(frozen=True)
class Report:
    """The counts of CONTRACT.md, whole, by channel and by area: districts, and what lies above them."""

    counts: Counts
    by_channel: dict[str, Counts]
    by_area: dict[str, Counts]
    half_sent: bool
    """Whether the time of some run was over when a part of its people had been sent to."""
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
    """The platform's code of a failure, or our reason for not sending, or for not sending again."""
    times: dict[str, datetime]
    decided: Decided | None = None
    """What a person decided about this attempt when it was unknown."""
    follows: str | None = None
    """The key of the attempt before this one."""
    followed_by: str | None = None
    """The key of the attempt over the next channel, when this one failed and is not what counts."""


@dataclass
class Reporter:
    store: DispatchStore
    gateway: Gateway
    clock: Clock
    _kept: dict[str, tuple[float, list[Tally]]] = field(default_factory=dict)

    def report(self, runs: Iterable[RunBrief], within: Callable[[str], bool] | None = None) -> Report:
        """The report over these runs; `within`: over the districts, and what lies above them, that it lets
        through."""
        by_run = [
            [one for one in self._tallies(run) if within is None or within(one.district.removeprefix("ST#"))]
            for run in runs
        ]
        sums = [total(tallies) for tallies in by_run]
        tallies = [tally for of_run in by_run for tally in of_run]
        return Report(
            total(tallies),
            _grouped(tallies, lambda t: t.channel),
            _grouped(tallies, lambda t: t.district.removeprefix("ST#")),
            any(run.sent and run.left for run in sums),
            self.clock.now(),
        )

    def of_runs(self, runs: Sequence[RunBrief]) -> RunSums:
        """Implements ports.Sums."""
        found = self.report(runs)
        return RunSums(_plain(found.counts), {area: _plain(one) for area, one in found.by_area.items()})

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
                chunk = self.store.chunks_of(run, [tally.chunk])[tally.chunk]
                found += self._with_decisions([_delivery(chunk, tally, i) for i in picked], tally)
            if len(found) >= limit:
                return found, tally.chunk if tally is not tallies[-1] else None
        return found, None

    def _with_decisions(self, deliveries: list[Delivery], tally: Tally) -> list[Delivery]:
        """The same with what was decided: read only where a fact says that there is a decision."""
        if not any({Fact.CLOSED, Fact.RESENT} & facts.keys() for facts in tally.facts.values()):
            return deliveries
        decided = self.store.decisions(delivery.key for delivery in deliveries)
        return [replace(delivery, decided=decided.get(delivery.key)) for delivery in deliveries]

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


def _plain(counts: Counts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in PLAIN} | {"not_sent": counts.not_sent.total()}


def _grouped(tallies: list[Tally], key: Callable[[Tally], str]) -> dict[str, Counts]:
    groups: dict[str, Counts] = {}
    for tally in tallies:
        if key(tally):
            groups.setdefault(key(tally), Counts()).add(tally)
    return dict(sorted(groups.items()))


def _delivery(chunk: Chunk, tally: Tally, index: int) -> Delivery:
    facts: Facts = tally.facts.get(index, {})
    code = facts.get(Fact.FAILED, "") or facts.get(Fact.NOT_SENT, "") or facts.get(Fact.KEPT, "")
    times = {
        name.name.lower(): moment(value)
        for name, value in facts.items()
        if isinstance(value, int) and name not in NO_TIMES
    }
    return Delivery(
        str(chunk.key(index)),
        chunk.people[index],
        tally.channel,
        tally.language,
        tally.district,
        tally.status(index),
        str(code),
        times,
        follows=str(chunk.before) if chunk.before else None,
        followed_by=str(chunk.after(index)) if Fact.NEXT in facts and followed(facts) else None,
    )


def counts_as_json(counts: Counts) -> dict[str, Any]:
    """Counts in the shape of CONTRACT.md."""
    return {name: dict(value) if name in REASONS else value for name, value in vars(counts).items()}
