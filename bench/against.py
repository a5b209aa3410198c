"""The whole life of a delivery, JanJan's way and the plain way, in turns on one engine.

From the launch to the last callback: plan, claim, send, results, callbacks, the end of the run. The functions
are the deployed ones, called in this process: their CPU time is the client's. What stands for AWS's pollers
and for the platform is not in it. How each figure is made: docs/cost.md.
"""

from __future__ import annotations

import itertools
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import callbacks
from bench.costs import LIST, Usage, lambda_seconds
from bench.figure import Figure
from bench.ground import Crowd, Ground, Meter, cpu_of, ground, settle
from bench.plain.way import Plain
from bench.ways import JanJan, Way

CHUNK_SIZE = 25

ROUNDS, A_ROUND, ONE_EACH, SMALL = 3, 500, 150, 50
PEER = "the plain way"
AGGREGATED_S = 1.0
UPGRADED_PER_S = 1000.0
"""A number's pace after an upgrade: no wait for slots, so both ways run without a pause."""
IDLE_QUEUES = 4
"""Queues that Lambda's pollers look at, all day."""
LONG_POLL_S = 20.0
MONTH_S = 30 * 24 * 3600
REQUESTS_A_LOOK = 3
"""A look at whether a run has ended is sent, received and deleted alone; longer runs have no more of them."""
WRITTEN = 200
SLOW_S = 10.0
LONG = 200_000
"""People of a campaign so long that callbacks of one second are of a great many chunks."""


@dataclass
class RawWrites:
    """Single writes of small items by the plain client: the most that this engine and client can do."""

    done: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    engine_s: float = 0.0

    def more(self, here: Ground, count: int) -> None:
        """Writes so many items more."""
        from chalicelib import aws

        dynamodb, pid = aws.client("dynamodb"), here.engine.child.pid
        began, cpu, engine = time.perf_counter(), time.process_time(), cpu_of(pid)
        for n in range(count):
            item: dict[str, Any] = {
                "pk": {"S": f"raw_{self.done + n:016}"},
                "sk": {"S": "cmp_aaaaaaaaaaaaaaaa-1"},
            }
            item |= {"chunk": {"S": "00000000001"}, "token": {"S": "t" * 48}, "until": {"N": "1790000000.5"}}
            dynamodb.put_item(TableName="janjan-local-ledger", Item=item)
        self.wall_s += time.perf_counter() - began
        self.cpu_s += time.process_time() - cpu
        self.engine_s += cpu_of(pid) - engine
        self.done += count


def run(a_round: int = A_ROUND, rounds: int = ROUNDS, one_each: int = ONE_EACH) -> Iterator[Figure]:
    """Both ways, in turns: under load, where a POST holds what came within a second, then without a pause for
    the channel, and then one status a POST."""
    with tempfile.TemporaryDirectory(prefix="janjan-bench-") as folder, ground(Path(folder)) as here:
        ways: tuple[Way, Way] = (JanJan(here), Plain(here))
        raw, small = RawWrites(), (Meter(), Meter())
        under_load, apart = (Meter(), Meter()), (Meter(), Meter())
        unpaused = (Meter(), Meter())
        for way, meter in zip(ways, small, strict=True):
            live(here, way, SMALL, "w", aggregate_s=AGGREGATED_S, meter=Meter())  # imports and first reads
            live(here, way, SMALL, "s", aggregate_s=AGGREGATED_S, meter=meter)
        for number in range(rounds):
            for way, meter in zip(ways, under_load, strict=True):
                live(here, way, a_round, f"r{number}", aggregate_s=AGGREGATED_S, meter=meter)
        for way, meter in zip(ways, apart, strict=True):
            live(here, way, one_each, "one", aggregate_s=0.0, meter=meter)
        here.pace(UPGRADED_PER_S)
        for number in range(rounds):
            raw.more(here, a_round)
            for way, meter in zip(ways, unpaused, strict=True):
                live(here, way, a_round, f"u{number}", aggregate_s=AGGREGATED_S, meter=meter)
        for way, *meters in zip(ways, small, under_load, apart, strict=True):
            for meter in meters:
                meter.bill(way.memory, way.paced)
        batching = here.batching("ProcessCallbacks")
        memory = ways[0].memory["callbacks"]
        one = OneWrite.measured(here, ways[0].runs["jr0"])
    yield from _costs("life", *under_load)
    yield from _tables("life", under_load[0])
    yield from _speed("throughput", *map(_seconds_each, unpaused), raw)
    yield from _functions("cpu", *unpaused)
    yield from _speed("paced_throughput", *map(_seconds_each, under_load), raw)
    yield from _functions("paced_cpu", *under_load)
    yield from _costs("life_one_a_post", *apart)
    fixed = [each_more(less, more, SMALL, rounds) for less, more in zip(small, under_load, strict=True)]
    extra = tally_writes_each(LONG, batching) - tally_writes_each(a_round, batching)
    folded_less(fixed[0], extra, one, memory)
    folded_less(unpaused[0], extra, one, memory)
    yield Figure("long_tally_writes", tally_writes_each(LONG, batching), "a recipient, simulated")
    slow = tally_writes_each(LONG, batching, SLOW_S)
    yield Figure("long_tally_writes_slow", slow, f"a recipient, simulated, delivered after {SLOW_S:.0f} s")
    yield from _costs("long", *fixed)
    yield from _speed("long_throughput", *map(_seconds_each, unpaused), raw)
    yield from _speed("long_paced_throughput", *map(_seconds_each, fixed), raw)
    yield from _beside()


def live(here: Ground, way: Way, size: int, label: str, *, aggregate_s: float, meter: Meter) -> None:
    """One crowd's whole life, counted on `meter`. Raises AssertionError when the way's own report is
    wrong."""
    crowd = Crowd(next_place(), size)
    settle(crowd)
    before, began = here.taken(), time.time()
    with here.measured(meter):
        way.send(crowd, f"{way.name[0]}{label}")
    sent = here.sent(before)
    assert len(sent) == size, f"{way.name}: {len(sent)} requests for {size} people"
    told = callbacks.timeline(size, seed=zlib.crc32(label.encode()), steady=True)
    handed = callbacks.batches(callbacks.posts(told, aggregate_s), *here.batching("ProcessCallbacks"))
    for batch in handed:
        with here.measured(meter):
            way.take(batch, sent, began)
    meter.usage.recipients += size
    meter.told += len(told)
    by_status = Counter(news.status for news in told)
    right = {"accepted": size, "delivered": by_status["delivered"], "read": by_status["read"]}
    counted = way.counts(f"{way.name[0]}{label}")
    if not way.exact:  # who was read before the delivery was told is not counted as delivered there
        right["delivered"] = counted["delivered"]
    assert counted == right, f"{way.name}: {counted}, not {right}"


_places = itertools.count(1_000_000, 100_000)


def next_place() -> int:
    """Where the next crowd of up to 100,000 begins: nobody is in two."""
    return next(_places)


# --- figures ------------------------------------------------------------------------------------------------


def _costs(name: str, ours: Meter, theirs: Meter) -> Iterator[Figure]:
    mine, peers = ours.usage.each(), theirs.usage.each()
    for what, value in mine.items():
        yield Figure(f"{name}_{what}", value, "a recipient", PEER, peers[what])
    calls = (ours.usage.calls / ours.usage.recipients, theirs.usage.calls / theirs.usage.recipients)
    yield Figure(f"{name}_aws_calls", calls[0], "a recipient", PEER, calls[1])
    yield Figure(f"{name}_callbacks", ours.told / ours.usage.recipients, "a recipient")
    money = (sum(ours.usage.dollars().values()), sum(theirs.usage.dollars().values()))
    yield Figure(f"{name}_money", money[0], "USD a million recipients", PEER, money[1])
    peer_parts = theirs.usage.dollars()
    for what, value in ours.usage.dollars().items():
        yield Figure(f"{name}_money_{what}", value, "USD a million recipients", PEER, peer_parts[what])


def _tables(name: str, ours: Meter) -> Iterator[Figure]:
    people = ours.usage.recipients
    for kind, counted in (("write", ours.usage.writes), ("read", ours.usage.reads)):
        for table, amount in sorted(counted.items()):
            yield Figure(f"{name}_{kind}_units_{table}", amount / people, "a recipient")


def _seconds_each(meter: Meter) -> tuple[float, float]:
    """CPU seconds a recipient: of the functions, and of the engine."""
    people = meter.usage.recipients
    return sum(meter.cpu_s.values()) / people, meter.engine_s / people


def _speed(
    name: str, ours: tuple[float, float], theirs: tuple[float, float], raw: RawWrites
) -> Iterator[Figure]:
    unit = "recipients a CPU second"
    yield Figure(f"{name}_client", 1 / ours[0], f"{unit} of the functions", PEER, 1 / theirs[0])
    whole = f"{unit} of functions and engine"
    yield Figure(f"{name}_whole", 1 / sum(ours), whole, PEER, 1 / sum(theirs))
    single, both = raw.cpu_s / raw.done, (raw.cpu_s + raw.engine_s) / raw.done
    yield Figure(f"{name}_of_raw", 1 / ours[0], f"{unit} of the functions", "single writes", 1 / single)
    yield Figure(f"{name}_whole_of_raw", 1 / sum(ours), whole, "single writes", 1 / both)


def _functions(name: str, ours: Meter, theirs: Meter) -> Iterator[Figure]:
    for function, cpu_s in sorted(ours.cpu_s.items()):
        theirs_ms = theirs.cpu_s.get(function, 0.0) / theirs.usage.recipients * 1000
        ours_ms = cpu_s / ours.usage.recipients * 1000
        yield Figure(f"{name}_{function}", ours_ms, "ms a recipient", PEER, theirs_ms or None)


def _beside() -> Iterator[Figure]:
    """What is paid whatever is sent, and to whom else."""
    looks = callbacks.POLLERS * IDLE_QUEUES * MONTH_S / LONG_POLL_S
    idle = Usage(recipients=1_000_000, sqs_requests=looks)
    yield Figure("idle_polls", idle.dollars()["sqs_requests"], "USD a month, whatever is sent")
    for name, fee in LIST["platform_fee_per_million"].items():
        yield Figure(f"platform_fee_{name}", fee, "USD a million recipients, to the platform")


# --- a long campaign, from short ones -----------------------------------------------------------------------


def each_more(less: Meter, more: Meter, small: int, rounds: int) -> Meter:
    """What a recipient more costs: the difference of small runs and larger ones, without what each run costs
    once. `less` is one run of `small` people, `more` are `rounds` runs."""
    people = more.usage.recipients - rounds * small

    def rest(large: float, little: float) -> float:
        return max(0.0, large - rounds * little)

    usage = Usage(recipients=people)
    for into, large, little in (
        (usage.writes, more.usage.writes, less.usage.writes),
        (usage.reads, more.usage.reads, less.usage.reads),
    ):
        for table, amount in large.items():
            into[table] = rest(amount, little[table])  # type: ignore[assignment]
    for name in ("sqs_requests", "calls", "events", "api_requests", "lambda_requests", "lambda_gb_s"):
        setattr(usage, name, rest(getattr(more.usage, name), getattr(less.usage, name)))
    looked = REQUESTS_A_LOOK * rest(more.looks, less.looks)
    usage.sqs_requests = max(0.0, usage.sqs_requests - looked)
    meter = Meter(usage, told=round(more.told * people / more.usage.recipients))
    for function, cpu_s in more.cpu_s.items():  # of seconds too small to tell apart: all of them
        meter.cpu_s[function] = cpu_s * people / more.usage.recipients  # type: ignore[assignment]
    meter.engine_s = more.engine_s * people / more.usage.recipients
    return meter


def tally_writes_each(
    people: int, batching: tuple[int, float], prompt_s: float = callbacks.PROMPT_S
) -> float:
    """Writes of tallies by callbacks, for each recipient of so many, as the pollers gather them."""
    told = callbacks.timeline(people, steady=True, prompt_s=prompt_s)
    handed = callbacks.batches(callbacks.posts(told, AGGREGATED_S), *batching)
    return callbacks.tally_writes(handed, lambda place: place // CHUNK_SIZE) / people


@dataclass(frozen=True)
class OneWrite:
    """CPU seconds of one write of a tally with a fact of one person: of the function, and of the engine."""

    cpu_s: float
    engine_s: float

    @classmethod
    def measured(cls, here: Ground, run: str) -> OneWrite:
        """Writes what is known already, each tally of a run several times: the price is the same."""
        from chalicelib.dispatch.model import Fact
        from chalicelib.dispatch.store import DispatchStore

        store, pid = DispatchStore(), here.engine.child.pid
        chunks = [tally.chunk for tally in store.tallies(run) if tally.size]
        cpu, engine = time.process_time(), cpu_of(pid)
        for _ in range(-(-WRITTEN // len(chunks))):
            for chunk in chunks:
                store.record(run, chunk, {0: {Fact.SENT: 1}})
        done = len(chunks) * -(-WRITTEN // len(chunks))
        return cls((time.process_time() - cpu) / done, (cpu_of(pid) - engine) / done)


def folded_less(meter: Meter, extra: float, one: OneWrite, memory_mb: int) -> None:
    """Adds so many tally writes a recipient, which a short campaign saves: its callbacks are of few
    chunks."""
    writes = round(extra * meter.usage.recipients)
    meter.usage.writes["tallies"] += writes
    meter.usage.calls += writes
    billed = lambda_seconds(one.cpu_s * writes, writes, 0, memory_mb)
    meter.usage.lambda_gb_s += billed * memory_mb / 1024
    meter.cpu_s["callbacks"] += one.cpu_s * writes  # type: ignore[assignment]
    meter.engine_s += one.engine_s * writes
