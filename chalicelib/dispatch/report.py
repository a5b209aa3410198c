"""What became of a campaign: sums over tallies, exact by construction, and who is behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Any

from chalicelib.beside import together
from chalicelib.clock import Clock
from chalicelib.dispatch.model import (
    SHARDS,
    STAGES,
    Chunk,
    Counts,
    Decided,
    DeliveryKey,
    Fact,
    Facts,
    Status,
    Tally,
    followed,
    moment,
    seconds,
    since,
)
from chalicelib.dispatch.store import DispatchStore
from chalicelib.errors import NotFound
from chalicelib.platforms.base import Gateway
from chalicelib.ports import RunBrief, RunSums

KEPT_S = 3.0
"""How long the sums of a run that is being dispatched are kept before its tallies are read again."""
KEPT_AS_LONG_AS_READ = 10
"""A run under way that takes a second to be summed is summed again after ten: many may watch it at once.
What has ended is always fresh: somebody may just have decided on it."""
RUNS_KEPT = 16
SHOWN = 20
"""So many unknown deliveries are remembered of each district of a run: whoever sees one district alone sees
those that are theirs."""
CHUNKS_KEPT = 500
LATELY_S = 60
HOUR_S = 3600
NO_TIMES = frozenset({Fact.SUPERSEDED, Fact.CLOSED, Fact.RESENT, Fact.NEXT})
"""Facts that tell nothing of the message's way: a decision is listed as such."""
PLAIN = ("planned", "in_progress", "accepted", "delivered", "read", "failed", "unknown")
REASONS = ("skipped", "not_sent", "failed_by_code")


@dataclass
class Part:
    """What became of the people of one channel, language and district of a run."""

    counts: Counts = field(default_factory=Counts)
    hours: dict[str, Counter[int]] = field(default_factory=lambda: {stage: Counter() for stage in STAGES})
    """By stage, how many came there in each hour since the run was to begin."""
    lately: int = 0
    """Accepted in the minute before it was summed."""

    def add(self, tally: Tally, begins: int, now: int) -> None:
        """Adds a tally of a run that was to begin then; times are seconds since EPOCH."""
        self.counts.add(tally)
        for facts in tally.facts.values():
            for stage, at in since(facts).items():
                self.hours[stage][max(0, at - begins) // HOUR_S] += 1
                self.lately += stage == "accepted" and now - at < LATELY_S

    def join(self, other: Part) -> None:
        self.counts.join(other.counts)
        self.lately += other.lately
        for stage, hours in other.hours.items():
            self.hours[stage].update(hours)


Way = tuple[str, str, str]
"""Channel, language, district."""


@dataclass(frozen=True)
class Report:
    """The counts of CONTRACT.md, whole, by channel, by language and by area: districts, and what lies above
    them."""

    counts: Counts
    by_channel: dict[str, Counts]
    by_language: dict[str, Counts]
    by_area: dict[str, Counts]
    by_hour: list[dict[str, int]]
    """How many came to each stage, hour by hour since a run was to begin; their sums are the counts."""
    lately: dict[str, int]
    """By channel: accepted in the last minute."""
    half_sent: bool
    """Whether the time of some run was over when a part of its people had been sent to."""
    updated_at: datetime
    unknown: list[Unknown] = field(default_factory=list)
    """Some of the unknown, of the newest runs first."""


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


@dataclass(frozen=True)
class Unknown:
    """Somebody of whom a run does not know whether the message arrived."""

    run: str
    tally: Tally
    index: int

    @property
    def decision(self) -> str:
        """What a person decided about it: `close`, `resend` where that was not done after all, or nothing."""
        facts = self.tally.facts[self.index]
        return "close" if Fact.CLOSED in facts else "resend" if Fact.RESENT in facts else ""


@dataclass(frozen=True)
class Open:
    """The unknown of whom nobody has decided anything: the first of them, and how many there are."""

    first: list[Unknown] = field(default_factory=list)
    count: int = 0


@dataclass(frozen=True)
class Sums:
    """Of a run, or of one shard of it."""

    parts: dict[Way, Part] = field(default_factory=dict)
    unknown: dict[str, list[Unknown]] = field(default_factory=dict)
    """By district, at most SHOWN of each."""


@dataclass
class Reporter:
    store: DispatchStore
    gateway: Gateway
    clock: Clock
    _kept: dict[str, tuple[float, float, str, Sums]] = field(default_factory=dict)
    """By run: when its sums were made, for how long they hold in which of its states, and they."""
    _chunks: dict[tuple[str, str], Chunk] = field(default_factory=dict)
    """Who was unknown, by run and chunk: a chunk is written once."""
    _keeping: Lock = field(default_factory=Lock)
    """Sums of many runs are made side by side."""

    def report(self, runs: Iterable[RunBrief], within: Callable[[str], bool] | None = None) -> Report:
        """The report over these runs; `within`: over the districts, and what lies above them, that it lets
        through."""
        found = together(*(partial(self._sums, run) for run in runs))
        by_run = [
            {way: part for way, part in of_run.parts.items() if within is None or within(_area(way))}
            for of_run in found
        ]
        unknown = [
            place
            for of_run in reversed(found)
            for district, places in of_run.unknown.items()
            if within is None or within(district.removeprefix("ST#"))
            for place in places
        ]
        parts = [one for of_run in by_run for one in of_run.items()]
        sums = [_joined(of_run.values()) for of_run in by_run]
        whole = _joined(sums)
        by_channel = _grouped(parts, lambda way: way[0])
        last = max((hour for hours in whole.hours.values() for hour in hours), default=-1)
        return Report(
            whole.counts,
            _counts(by_channel),
            _counts(_grouped(parts, lambda way: way[1])),
            _counts(_grouped(parts, _area)),
            [{stage: whole.hours[stage][hour] for stage in STAGES} for hour in range(last + 1)],
            {channel: part.lately for channel, part in by_channel.items()},
            any(run.counts.sent and run.counts.left for run in sums),
            self.clock.now(),
            unknown,
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

    def unknown(self, runs: Sequence[str], most: int) -> dict[str, Open]:
        """Those of whom these runs do not know whether the message arrived, and nobody has decided anything,
        by run: all are read at once, no more than `most` of each are kept, and nothing of whom something is
        known."""

        def unknown_of(run: str, shard: int) -> tuple[list[Unknown], int]:
            first, count = list[Unknown](), 0
            for tally in self.store.tallies_in(run, shard):
                places = [place for place in _unknown_in(run, tally) if not place.decision]
                first += places[: most - len(first)]
                count += len(places)
            return first, count

        places = [(run, shard) for run in dict.fromkeys(runs) for shard in range(SHARDS)]
        read = together(*(partial(unknown_of, *place) for place in places))
        found = {run: Open() for run in runs}
        for (run, _), (first, count) in zip(places, read, strict=True):
            found[run] = Open((found[run].first + first)[:most], found[run].count + count)
        return found

    def behind(self, places: Sequence[Unknown]) -> list[Delivery]:
        """Who they are; what was decided about them is not read."""
        asked = {(place.run, place.tally.chunk) for place in places}
        found = {place: chunk for place in asked if (chunk := self._chunks.get(place)) is not None}
        if new := asked - found.keys():
            read = self.store.chunks_at(new)
            found |= read
            with self._keeping:
                self._chunks.update(read)
                for place in list(self._chunks)[: max(0, len(self._chunks) - CHUNKS_KEPT)]:
                    del self._chunks[place]
        return [_delivery(found[place.run, place.tally.chunk], place.tally, place.index) for place in places]

    def delivery(self, key: DeliveryKey) -> Delivery:
        """One delivery. Raises NotFound."""
        found = self.store.chunk(key.run, key.chunk)
        if found is None or found[0].attempt != key.attempt or key.index >= len(found[0].people):
            raise NotFound
        chunk, tally = found
        [delivery] = self._with_decisions([_delivery(chunk, tally, key.index)], tally)
        return delivery

    def _with_decisions(self, deliveries: list[Delivery], tally: Tally) -> list[Delivery]:
        """The same with what was decided: read only where a fact says that there is a decision."""
        if not any({Fact.CLOSED, Fact.RESENT} & facts.keys() for facts in tally.facts.values()):
            return deliveries
        decided = self.store.decisions(delivery.key for delivery in deliveries)
        return [replace(delivery, decided=decided.get(delivery.key)) for delivery in deliveries]

    def _sums(self, run: RunBrief) -> Sums:
        now = self.clock.epoch()
        kept = self._kept.get(run.run_id)
        if kept is not None and kept[2] == run.status and 0 <= now - kept[0] < kept[1]:
            return kept[3]
        found = Sums()
        for sums in together(*(partial(self._shard, run, shard) for shard in range(SHARDS))):
            for district, places in sums.unknown.items():
                known = found.unknown.setdefault(district, [])
                known += places[: SHOWN - len(known)]
            for way, part in sums.parts.items():
                found.parts.setdefault(way, Part()).join(part)
        took = self.clock.epoch() - now
        holds_s = max(KEPT_S, took * KEPT_AS_LONG_AS_READ) if run.status == "dispatching" else 0.0
        with self._keeping:
            while len(self._kept) >= RUNS_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[run.run_id] = (now + took, holds_s, run.status, found)
        return found

    def _shard(self, run: RunBrief, shard: int) -> Sums:
        sums = Sums()
        begins, now = seconds(run.at), seconds(self.clock.now())
        for tally in self.store.tallies_in(run.run_id, shard):
            way = tally.channel, tally.language, tally.district
            part = sums.parts.setdefault(way, Part())
            before = part.counts.unknown
            part.add(self._with_capabilities(tally), begins, now)
            if part.counts.unknown > before:
                known = sums.unknown.setdefault(tally.district, [])
                known += _unknown_in(run.run_id, tally)[: SHOWN - len(known)]
        return sums

    def _with_capabilities(self, tally: Tally) -> Tally:
        return (
            replace(tally, receipts=self.gateway.capabilities(tally.channel).receipts)
            if tally.channel
            else tally
        )


def _unknown_in(run: str, tally: Tally) -> list[Unknown]:
    """Those of one chunk; of the others nothing is kept."""
    facts = {i: tally.facts[i] for i in range(tally.size) if tally.status(i) is Status.UNKNOWN}
    theirs = replace(tally, facts=facts) if facts else tally
    return [Unknown(run, theirs, i) for i in facts]


def _plain(counts: Counts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in PLAIN} | {"not_sent": counts.not_sent.total()}


def _area(way: Way) -> str:
    return way[2].removeprefix("ST#")


def _joined(parts: Iterable[Part]) -> Part:
    whole = Part()
    for part in parts:
        whole.join(part)
    return whole


def _grouped(parts: Iterable[tuple[Way, Part]], key: Callable[[Way], str]) -> dict[str, Part]:
    groups: dict[str, Part] = {}
    for way, part in parts:
        if key(way):
            groups.setdefault(key(way), Part()).join(part)
    return dict(sorted(groups.items()))


def _counts(parts: Mapping[str, Part]) -> dict[str, Counts]:
    return {name: part.counts for name, part in parts.items()}


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
