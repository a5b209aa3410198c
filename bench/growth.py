"""What grows with the number of recipients, and what must not: time and memory of planning and sending.

The real planner and sender on the engine, without callbacks, for 1,000, 10,000 and 100,000 simulated people.
Memory: the most that planning, and a look whether the run has ended, held at once when the same people were
planned anew, by tracemalloc, which is why that plan is not the one that is timed; and the most that the whole
process has ever held.
"""

from __future__ import annotations

import resource
import tempfile
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.against import next_place
from bench.figure import Figure
from bench.ground import Crowd, Ground, Meter, ground, schedule, settle
from bench.ways import JanJan

SIZES = (1_000, 10_000)
LARGEST = 100_000
WARM = 100
RATE_PER_S = 300.0
"""As fast as one process of an idle machine can send: a sender that is late for its slots claims again."""


def run(*sizes: int) -> Iterator[Figure]:
    """From the first size to the last; each figure's peer is the first."""
    yield from _grown(sizes or SIZES)


def largest() -> Iterator[Figure]:
    """The same up to 100,000; takes some ten to fifteen minutes."""
    yield from _grown((*SIZES, LARGEST))


def _grown(sizes: Sequence[int]) -> Iterator[Figure]:
    with (
        tempfile.TemporaryDirectory(prefix="janjan-bench-") as folder,
        ground(Path(folder), RATE_PER_S) as here,
    ):
        way = JanJan(here)
        _lived(here, way, WARM)
        first: dict[str, float] = {}
        for size in sizes:
            found = _lived(here, way, size)
            for name, (value, unit) in found.items():
                peer = f"the same at {sizes[0]:,}"
                yield Figure(f"growth_{name}_{size}", value, unit, peer, first.setdefault(name, value))


def _lived(here: Ground, way: JanJan, size: int) -> dict[str, tuple[float, str]]:
    crowd, meter = Crowd(next_place(), size), Meter()
    settle(crowd)
    with here.measured(meter):
        way.send(crowd, f"g{crowd.first}")
    assert way.counts(f"g{crowd.first}")["accepted"] == size
    planning_kb, looking_kb = _planner_memory(here, crowd, f"m{crowd.first}")
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "cpu": (1000 * sum(meter.cpu_s.values()) / size, "ms of the functions a recipient"),
        "engine_cpu": (1000 * meter.engine_s / size, "ms of the engine a recipient"),
        "wall": (1000 * meter.wall_s / size, "ms a recipient, one sender"),
        "writes": (sum(meter.usage.writes.values()) / size, "write units a recipient, without callbacks"),
        "planner_memory": (planning_kb, "kB at most while planning"),
        "look_memory": (looking_kb, "kB at most while summing whether the run has ended"),
        "process_memory": (most_mb, "MB at most, engine and platform apart"),
    }


def _planner_memory(here: Ground, crowd: Crowd, label: str) -> tuple[float, float]:
    """The most that planning a crowd holds at once, and a look whether it has ended, in kB."""
    from chalicelib import wiring

    run, planner = schedule(label, crowd), wiring.planner()
    tracemalloc.start()
    try:
        with _most() as planning:
            planner.launch(run)
            for stretch in range(len(crowd.districts)):
                _stretch(run, stretch)
        with _most() as looking:
            planner.settle(run, 10**6)
        return planning[0], looking[0]
    finally:
        tracemalloc.stop()
        _empty(here)
        wiring.runs().finish(run)


@contextmanager
def _most() -> Iterator[list[float]]:
    """The most that the block held at once beyond what was held before it, in kB."""
    found = [0.0]
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    yield found
    found[0] = (tracemalloc.get_traced_memory()[1] - before) / 1024


def _stretch(run: str, stretch: int) -> None:
    """All pages of one stretch, as the queue would bring them."""
    from chalicelib import wiring
    from chalicelib.dispatch.store import DispatchStore

    page, after, planner = 0, None, wiring.planner()
    while True:
        planner.plan(run, stretch, page, after)
        frozen = DispatchStore().page(run, stretch, page)
        assert frozen is not None
        if frozen.after is None:
            return
        page, after = page + 1, frozen.after


def _empty(here: Ground) -> None:
    """Takes what was planned for the memory's sake off the queues."""
    sqs = here.engine.client("sqs")
    time.sleep(0.1)
    for name in ("PLAN", "SEND"):
        sqs.purge_queue(QueueUrl=here.env[f"{name}_QUEUE_URL"])
