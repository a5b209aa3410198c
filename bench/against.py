"""The whole life of a delivery, JanJan's way and the plain way, in turns on one engine.

From the launch to the last callback: plan, claim, send, results, callbacks, the end of the run. The functions
are the deployed ones, called in this process: their CPU time is the client's. What stands for AWS's pollers
and for the platform is not in it. How each figure is made: docs/cost.md.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import callbacks
from bench.costs import LIST, Usage
from bench.figure import Figure
from bench.ground import Crowd, Ground, Meter, cpu_of, ground, settle
from bench.plain.way import Plain
from bench.ways import JanJan, Way

ROUNDS, A_ROUND, ONE_EACH = 3, 500, 200
PEER = "the plain way"
AGGREGATED_S = 1.0
IDLE_QUEUES = 4
"""Queues that Lambda's pollers look at, all day."""
LONG_POLL_S = 20.0
MONTH_S = 30 * 24 * 3600


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
    """Both ways, in turns: under load, where a POST holds what came within a second, and then one status a
    POST."""
    with tempfile.TemporaryDirectory(prefix="janjan-bench-") as folder, ground(Path(folder)) as here:
        ways: tuple[Way, Way] = (JanJan(here), Plain(here))
        raw, under_load, apart = RawWrites(), (Meter(), Meter()), (Meter(), Meter())
        for way in ways:  # what is imported and read once is not counted
            live(here, way, 25, "w", aggregate_s=AGGREGATED_S, meter=Meter())
        for number in range(rounds):
            raw.more(here, a_round)
            for way, meter in zip(ways, under_load, strict=True):
                live(here, way, a_round, f"r{number}", aggregate_s=AGGREGATED_S, meter=meter)
        for way, meter in zip(ways, apart, strict=True):
            live(here, way, one_each, "one", aggregate_s=0.0, meter=meter)
        for way, *meters in zip(ways, under_load, apart, strict=True):
            for meter in meters:
                meter.bill(way.memory)
    yield from _costs("life", *under_load)
    yield from _tables("life", under_load[0])
    yield from _costs("life_one_a_post", *apart)
    yield from _speed(*under_load, raw)
    yield from _beside(under_load[0])


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
    told = callbacks.timeline(size, seed=crowd.first, steady=True)
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


def _speed(ours: Meter, theirs: Meter, raw: RawWrites) -> Iterator[Figure]:
    mine, peers = _rates(ours), _rates(theirs)
    unit = "recipients a CPU second"
    yield Figure("throughput_client", mine[0], f"{unit} of the functions", PEER, peers[0])
    yield Figure("throughput_whole", mine[1], f"{unit} of functions and engine", PEER, peers[1])
    raw_rate = raw.done / raw.cpu_s
    yield Figure("throughput_of_raw", mine[0], f"{unit} of the functions", "single writes", raw_rate)
    whole = raw.done / (raw.cpu_s + raw.engine_s)
    yield Figure(
        "throughput_whole_of_raw", mine[1], f"{unit} of functions and engine", "single writes", whole
    )
    yield Figure("raw_writes", raw.done / raw.wall_s, "writes a second, one thread")
    for function, cpu_s in sorted(ours.cpu_s.items()):
        theirs_s = theirs.cpu_s.get(function, 0.0) / theirs.usage.recipients * 1000
        mine_s = cpu_s / ours.usage.recipients * 1000
        yield Figure(f"cpu_{function}", mine_s, "ms a recipient", PEER, theirs_s or None)


def _rates(meter: Meter) -> tuple[float, float]:
    cpu_s, people = sum(meter.cpu_s.values()), meter.usage.recipients
    return people / cpu_s, people / (cpu_s + meter.engine_s)


def _beside(ours: Meter) -> Iterator[Figure]:
    """What is paid whatever is sent, and to whom else."""
    looks = callbacks.POLLERS * IDLE_QUEUES * MONTH_S / LONG_POLL_S
    idle = Usage(recipients=1_000_000, sqs_requests=looks)
    yield Figure("idle_polls", idle.dollars()["sqs_requests"], "USD a month, whatever is sent")
    for name, fee in LIST["platform_fee_per_million"].items():
        yield Figure(f"platform_fee_{name}", fee, "USD a million recipients, to the platform")
