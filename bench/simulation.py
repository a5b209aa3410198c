"""A simulation, not a measurement: one and ten million recipients, from measured figures and quotas.

Each part has a most that it can do, in recipients a second: the channel, the senders, the planner, tables and
their partitions, the callbacks, the webhook. The least of them decides how long it takes. Quotas and
latencies are data (quotas.json, prices.json), what a recipient needs is measured.json.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from bench.costs import ASSUMED
from bench.figure import Figure

HERE = Path(__file__).parent
MEASURED: dict[str, float] = json.loads((HERE / "measured.json").read_text())
QUOTAS: dict[str, float] = json.loads((HERE / "quotas.json").read_text())["values"]
CHUNK, PAGE, SHARDS = 25, 500, 4
SIZES = (1_000_000, 10_000_000)
CHANNELS = {"80": 80.0, "1000": 1000.0}
"""Messages a second of a WhatsApp number: as it comes, and upgraded."""
AIM = 0.98
"""What dispatch leases of a channel's limit."""


def run() -> Iterator[Figure]:
    """Hours and money by size and channel; what limits stands in the unit."""
    for name, rate in CHANNELS.items():
        for one_a_post in (False, True):
            most = limits(rate, one_a_post=one_a_post)
            what, slowest = min(most.items(), key=lambda one: one[1])
            kind = "_one_a_post" if one_a_post else ""
            for size in SIZES:
                hours, millions = size / slowest / 3600, size // 1_000_000
                unit = f"h of sending, simulated; limited by {what}"
                yield Figure(f"simulated_hours_{millions}m_at_{name}{kind}", hours, unit)
        for what, value in limits(rate, one_a_post=False).items():
            yield Figure(f"simulated_most_at_{name}_{what.replace(' ', '_')}", value, "recipients a second")
    for size in SIZES:
        money = MEASURED["money_usd_a_million"] * size / 1_000_000
        yield Figure(f"simulated_money_{size // 1_000_000}m", money, "USD, AWS alone, simulated")


def limits(rate: float, *, one_a_post: bool) -> dict[str, float]:
    """The most recipients a second that each part can do, by its name."""
    per_post = MEASURED["callbacks"] if one_a_post else MEASURED["callbacks"] / QUOTAS["statuses_a_post"]
    writes = QUOTAS["partition_writes_per_s"]
    return {
        "the channel's rate": rate * AIM,
        "the senders' concurrency": QUOTAS["send_concurrency"] * CHUNK / sender_s(rate),
        "the planner's concurrency": QUOTAS["plan_concurrency"] / planner_s(),
        "the callbacks' concurrency": QUOTAS["callbacks_concurrency"] / callbacks_s(),
        "the webhook's throttle": QUOTAS["webhook_posts_per_s"] / per_post,
        "the tallies' partitions": SHARDS * writes / MEASURED["tally_writes"],
        "the pace item's partition": writes * CHUNK / 2,
        "a new table's throughput": QUOTAS["new_table_writes_per_s"] / MEASURED["tally_writes"],
        "a table's quota": QUOTAS["table_writes_per_s"] / MEASURED["tally_writes"],
    }


def sender_s(rate: float) -> float:
    """How long a sender is busy with a chunk: its slots, one answer, and the calls before and after."""
    cpu_s = CHUNK * MEASURED["send_cpu_ms"] / 1000 / share("send_memory_mb")
    around_s = 7 * ASSUMED["aws_call_ms"] / 1000 + QUOTAS["claimed_before_slot_s"]
    return max(CHUNK / rate, cpu_s) + ASSUMED["platform_answer_ms"] / 1000 + around_s


def planner_s() -> float:
    """Seconds of a planner for a recipient."""
    cpu_s = MEASURED["plan_cpu_ms"] / 1000 / share("plan_memory_mb")
    return cpu_s + MEASURED["plan_calls"] * ASSUMED["aws_call_ms"] / 1000


def callbacks_s() -> float:
    """Seconds of the callbacks' function for a recipient."""
    cpu_s = MEASURED["callbacks_cpu_ms"] / 1000 / share("callbacks_memory_mb")
    return cpu_s + MEASURED["callback_writes"] * ASSUMED["aws_call_ms"] / 1000


def share(memory: str) -> float:
    """Of a vCPU, by the memory of a function."""
    return min(1.0, QUOTAS[memory] / ASSUMED["vcpu_mb"])
