"""Turnout of 10,707 booths brought in, against bare batch writes of the same items; memory as files grow.

Time is that of reading rows, looking up areas and what there is, writing and folding: the kind's own part of
an import. The file's is told by the import job's bench. The rows are those of the real file where it is
beside the project, else as many generated ones.
"""

from __future__ import annotations

import csv
import itertools
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import boto3

from bench.figure import Figure
from local.engine import ROOT, Engine
from local.laptop import use_environment
from local.tables import create_tables

REAL = ROOT.parent / "shared" / "data" / "up_booths_2014_dev.csv"
BOOTHS = 10_707
DISTRICT_OF = 2_500
SIZES = (5_000, 20_000)
BATCH = 25
ROUNDS = 3
AT = datetime(2026, 3, 1, tzinfo=UTC)


def run(*sizes: int) -> Iterator[Figure]:
    """The first size is timed; memory is told for the others."""
    timed, *traced = sizes or (BOOTHS, *SIZES)
    with tempfile.TemporaryDirectory(prefix="janjan-bench-") as folder, Engine(Path(folder)) as engine:
        use_environment(engine.environment | {"STAGE": "local"})
        create_tables()
        rows = _real()[:timed] if REAL.exists() else list(generated(timed))
        _areas(rows)
        ours, bare = [], []
        for number in range(ROUNDS):
            ours.append(_brought(rows, f"e-{number}"))
            bare.append(_bare(f"e-{number}"))
        took, wrote = statistics.median(ours), statistics.median(bare)
        yield Figure("turnout_import", took, f"s for {len(rows):,} booths", "bare batch writes", wrote)
        again = _brought(rows, "e-0")
        yield Figure(
            "turnout_import_again", again, "s for the same file, nothing written", "the first time", took
        )
        for size in traced:
            _areas(generated(size))
            tracemalloc.start()
            _brought(generated(size), f"m-{size}")
            most_kb = tracemalloc.get_traced_memory()[1] / 1024
            tracemalloc.stop()
            yield Figure(
                f"turnout_memory_{size}", most_kb, "kB at most, the largest district's sheet among them"
            )


def _real() -> list[dict[str, str]]:
    with REAL.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


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


def _brought(rows: Iterable[Mapping[str, str]], election: str) -> float:
    """Seconds in which the kind took all rows, in slices as the job does."""
    from chalicelib.identity.roles import Principal
    from chalicelib.ports import ImportJob
    from chalicelib.tables import write_together
    from chalicelib.turnout.intake import TurnoutKind
    from chalicelib.turnout.model import PastElection
    from chalicelib.turnout.store import TurnoutStore

    from chalicelib import wiring  # isort: skip

    kind, store = TurnoutKind(TurnoutStore(), wiring.directory(), wiring.clock()), TurnoutStore()
    with write_together() as transaction:
        store.put_election(transaction, PastElection(election, election, date(2014, 5, 12), "lok_sabha"))
    admin = Principal("bench", "", "", frozenset({"admin"}))
    job = ImportJob("bench", "bench", AT, {"election": election, "source": "Form 20"}, admin)
    names = {header: column.name for column in kind.columns for header in (column.name, *column.also)}
    began, left = time.perf_counter(), iter(rows)
    kind.check(job)
    while part := list(itertools.islice(left, 100)):
        records = [kind.read({names[k]: v for k, v in row.items() if k in names}, job) for row in part]
        effects = kind.compare(records, job)
        kind.write(
            [one for one, effect in zip(records, effects, strict=True) if effect in {"new", "changed"}], job
        )
    kind.finish(job)
    return time.perf_counter() - began


def _bare(election: str) -> float:
    """Seconds in which boto3 writes the very items that an import of this election left, sheets and sums
    among them, and nothing else."""
    dynamodb: Any = boto3.client("dynamodb")
    items = [
        item
        for page in dynamodb.get_paginator("scan").paginate(TableName="janjan-local-turnout")
        for item in page["Items"]
        if election in item["pk"]["S"]
    ]
    began = time.perf_counter()
    for start in range(0, len(items), BATCH):
        puts = [{"PutRequest": {"Item": item}} for item in items[start : start + BATCH]]
        dynamodb.batch_write_item(RequestItems={"janjan-local-turnout": puts})
    return time.perf_counter() - began
