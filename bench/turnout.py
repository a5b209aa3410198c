"""Memory of bringing turnout in, as files grow: rows are read, compared and written in slices, then folded.

The time is told by the bench of imports, which takes the file through the job.
"""

from __future__ import annotations

import itertools
import tempfile
import tracemalloc
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from bench.figure import Figure
from local.engine import Engine
from local.laptop import use_environment
from local.tables import create_tables

DISTRICT_OF = 2_500
SIZES = (5_000, 20_000)
AT = datetime(2026, 3, 1, tzinfo=UTC)


def run(*sizes: int) -> Iterator[Figure]:
    """The most that is held at once, for each size; each figure's peer is the first."""
    with tempfile.TemporaryDirectory(prefix="janjan-bench-") as folder, Engine(Path(folder)) as engine:
        use_environment(engine.environment | {"STAGE": "local"})
        create_tables()
        first: float | None = None
        for size in sizes or SIZES:
            _areas(generated(size))
            tracemalloc.start()
            _bring(generated(size), f"m-{size}")
            most_kb = tracemalloc.get_traced_memory()[1] / 1024
            tracemalloc.stop()
            first = first or most_kb
            unit = "kB at most, a sheet of 2,500 booths among them"
            yield Figure(f"turnout_memory_{size}", most_kb, unit, "the first size", first)


def generated(size: int) -> Iterator[dict[str, str]]:
    """Booths of districts of 2,500, in constituencies of 300."""
    for n in range(size):
        there = n % DISTRICT_OF
        place = {"lgd_district_code": str(80_001 + n // DISTRICT_OF), "ac_no": str(there // 300 + 1)}
        electors, voters = 700 + n % 600, 200 + n % 400
        women, voting = electors // 2, voters // 2
        counts = {"electors_f": women, "electors_m": electors - women, "electors": electors}
        counts |= {"voters_f": voting, "voters_m": voters - voting, "voters": voters}
        yield (
            place | {"booth_no": str(there % 300 + 1)} | {name: str(count) for name, count in counts.items()}
        )


def _areas(rows: Iterable[Mapping[str, str]]) -> None:
    from chalicelib import wiring
    from chalicelib.ports import Area

    state, seen = ("IN", "IN-UP"), set[str]()

    def each() -> Iterator[Area]:
        for row in rows:
            district = f"D{row['lgd_district_code']}"
            if district not in seen:
                seen.add(district)
                yield Area(district, "district", (*state, district), {"en": district})
            booth = f"{district}-A{row['ac_no']}-P{row['booth_no']}"
            yield Area(booth, "booth", (*state, district, booth), {"en": booth})

    wiring.directory().put_areas(each(), sample=True)


def _bring(rows: Iterable[Mapping[str, str]], election: str) -> None:
    """Lets the kind take all rows, in slices as the job does."""
    from chalicelib import wiring
    from chalicelib.identity.roles import Principal
    from chalicelib.ports import ImportJob
    from chalicelib.tables import write_together
    from chalicelib.turnout.intake import TurnoutKind
    from chalicelib.turnout.model import PastElection
    from chalicelib.turnout.store import TurnoutStore

    kind, store = TurnoutKind(TurnoutStore(), wiring.directory(), wiring.clock()), TurnoutStore()
    with write_together() as transaction:
        store.put_election(transaction, PastElection(election, election, date(2014, 5, 12), "lok_sabha"))
    admin = Principal("bench", "", "", frozenset({"admin"}))
    job = ImportJob("bench", "bench", AT, {"election": election, "source": "Form 20"}, admin)
    names = {header: column.name for column in kind.columns for header in (column.name, *column.also)}
    left = iter(rows)
    kind.check(job)
    while part := list(itertools.islice(left, 100)):
        records = [kind.read({names[k]: v for k, v in row.items() if k in names}, job) for row in part]
        effects = kind.compare(records, job)
        kind.write(
            [one for one, effect in zip(records, effects, strict=True) if effect in {"new", "changed"}], job
        )
    kind.finish(job)
