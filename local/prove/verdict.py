"""What the judge finds in a world's evidence. Nothing of the application is asked again here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from local import judge
from local.prove.rate import Rate, rate_of

if TYPE_CHECKING:
    from local.prove.worlds import Evidence


def breaches(world: Evidence) -> list[str]:
    """Every promise that was broken in a simulated world; empty when all hold."""
    found = [f"raised {what}, {times} times" for what, times in Counter(world.raised).items()]
    markers = {f"({run})": run for run in world.runs}
    found += judge.forbidden(world.log, world.bans, markers)
    found += world.changed
    everybody: list[dict[str, judge.Person]] = []
    asked: dict[str, dict[str, judge.Person]] = {}
    for run, said in world.runs.items():
        log = judge.people_of(world.log, run, f"({run})")
        people = judge.counted(log, said.outcomes, world.who)
        if said.corrects:
            about_parent = judge.miscorrected(
                asked[said.corrects], world.runs[said.corrects].outcomes, said.outcomes
            )
            found += [f"{run}: {what}" for what in about_parent]
        else:
            everybody.append(people)
        asked[run] = people
        about = judge.unfounded(log, world.who)
        about += judge.misjudged(people, said.outcomes, said.surely, world.moved)
        if said.status not in ("dispatched", "cancelled", "expired"):
            about.append(f"it never ended: {said.status}")
        about += judge.disagreements(judge.truth_of(list(people.values())), said.report, crashed=True)
        found += [f"{run}: {what}" for what in about]
    found += [f"{platform}: {what}" for platform, rate in rates(world).items() for what in rate.breaches()]
    if world.weekly_cap:
        unsure = [
            {name for name, told in said.outcomes.items() if told[-1].status == "unknown"} - set(asked[run])
            for run, said in world.runs.items()
        ]
        capped = [who for said in world.runs.values() for who in said.capped]
        found += judge.over_cap(everybody, unsure, world.weekly_cap, capped)
    committed = {key for said in world.runs.values() for key in said.unknown}
    return found + judge.unmatched_events(world.told, committed, world.log)


def rates(world: Evidence) -> dict[str, Rate]:
    """How fast each channel was asked."""
    times: dict[str, list[float]] = {platform: [] for platform in world.rates}
    for line in world.log:
        if line["kind"] == "request":
            times[line["platform"]].append(judge.instant(line))
    return {platform: rate_of(at, world.rates[platform]) for platform, at in times.items()}
