"""What the worlds came to: sums for the last line, and every promise that was broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.judge import total
from local.prove.verdict import breaches

if TYPE_CHECKING:
    from local.prove.engine import Engine
    from local.prove.worlds import Evidence


SIGNS = {
    "duplicate_requests": ("second ones to the same person", "were sent to again", "another channel, and"),
    "late": ("expired", "ended", "quiet ", "silence ", "code "),
    "after_a_stop": ("stop ", "STOP", "paused", "cancelled", "recalled", "gone "),
    "lost": ("has no outcome", "still in progress", "nowhere in the run", "never ended", "is not told"),
    "counts_differ": ("the report says", "outcomes:", "its parts are", "by the log", "targeted is not"),
}
"""By which words a breach is known as one of these; the first that fits."""


def kinds(breaches: Iterable[str]) -> dict[str, int]:
    """How many breaches there are of each kind, the rest as `other`."""
    found = Counter(
        next((kind for kind, signs in SIGNS.items() if any(sign in breach for sign in signs)), "other")
        for breach in breaches
    )
    return {kind: found[kind] for kind in (*SIGNS, "other")}


@dataclass
class Figures:
    """Of one world, or of several."""

    worlds: dict[int, str] = field(default_factory=dict)
    """By seed what was done in them."""
    recipients: int = 0
    requests: int = 0
    crashes: int = 0
    invocations: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    breaches: list[str] = field(default_factory=list)

    def add(self, other: Figures) -> None:
        """Takes in another world."""
        self.worlds |= other.worlds
        for name in ("recipients", "requests", "crashes", "invocations", "calls"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.faults += other.faults
        self.breaches += other.breaches

    def line(self) -> dict[str, Any]:
        """For the last line of output."""
        return {
            "worlds": len(self.worlds),
            "recipients": self.recipients,
            "requests": self.requests,
            "invocations": self.invocations,
            "killed": self.crashes,
            "aws_calls": self.calls,
            "faults": dict(self.faults),
            "seeds": sorted(self.worlds),
            "breaches": len(self.breaches),
        }


def of_world(seed: int, people: int, acts: tuple[str, ...], on: Engine | None = None) -> Figures:
    """Runs and judges the world of a seed; on the process's own engine."""
    from local.prove.worlds import Place, engine

    place = Place(seed, people, on or engine(), wanted=acts)
    world = place.run()
    return Figures(
        worlds={seed: " ".join(world.acts)},
        recipients=sum(total(said.report["planned"]) for said in world.runs.values()),
        requests=sum(line["kind"] == "request" for line in world.log),
        crashes=world.crashes,
        invocations=world.invocations,
        faults=place.faults + _of_platform(world),
        calls=place.aws_calls,
        breaches=[f"seed {seed}: {breach}" for breach in breaches(world)],
    )


def _of_platform(world: Evidence) -> Counter[str]:
    outcomes = Counter(line["outcome"] for line in world.log if line["kind"] == "request")
    wanted = {"throttled": "platform_throttled", "lost_reply": "platform_answers_lost"}
    return Counter({name: outcomes[outcome] for outcome, name in wanted.items()})
