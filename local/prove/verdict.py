"""What the judge finds in a world's evidence. Nothing of the application is asked again here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from local import judge

if TYPE_CHECKING:
    from local.prove.worlds import Evidence


def breaches(world: Evidence) -> list[str]:
    """Every promise that was broken in a simulated world; empty when all hold."""
    found = [f"raised {what}, {times} times" for what, times in Counter(world.raised).items()]
    markers = {f"({run})": run for run in world.runs}
    found += judge.forbidden(world.log, world.bans, markers)
    found += judge.changed_facts(world.samples)
    for run, said in world.runs.items():
        people = judge.people_of(world.log, run.rpartition("-")[0], f"({run})")
        about = judge.misjudged(people, said.outcomes, said.surely, world.moved)
        if said.status not in ("dispatched", "cancelled", "expired"):
            about.append(f"it never ended: {said.status}")
        about += judge.disagreements(judge.truth_of(people), said.report, crashed=True)
        found += [f"{run}: {what}" for what in about]
    committed = {key for said in world.runs.values() for key in said.unknown}
    return found + judge.unmatched_events(world.told, committed, world.log)
