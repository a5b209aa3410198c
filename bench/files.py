"""Imports: polling booths from a file, against bare batch writes of the same items; memory by size.

The booths are those of the public data beside a checkout, where it is; else invented ones. The file lies in
the bucket of the embedded AWS, and the job works as its Lambda does.
"""

from __future__ import annotations

import csv
import hashlib
import io
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.figure import Figure

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data" / "up_booths_2014_dev.csv"
BOOTHS = 10_707
SIZES = (10_000, 140_000)
BARE = "batch writes of the same items"


def run(booths: int = BOOTHS, small: int = SIZES[0], large: int = SIZES[1]) -> Iterator[Figure]:
    """The time of an import and of one that changes nothing; the peak memory of a small and a large file."""
    from bench.ground import ground

    with TemporaryDirectory() as folder, ground(Path(folder)):
        yield from _times(_booths(booths))
    peaks = [_peak(size) for size in (small, large)]
    yield Figure("imports_memory", peaks[1], f"MB at {large} rows", f"{small} rows", peaks[0])


def _times(text: str) -> Iterator[Figure]:
    from chalicelib.directory.store import DirectoryItem

    _states(text)
    first = _taken("areas", text)
    written = [item for item in DirectoryItem.scan() if "-P" in item.pk]
    for item in written:
        item.pk = f"bare {item.pk}"
    begun = time.perf_counter()
    with DirectoryItem.batch_write() as batch:
        for item in written:
            batch.save(item)
    bare = time.perf_counter() - begun
    yield Figure("imports_areas", first, "s", BARE, bare)
    yield Figure("imports_areas_again", _taken("areas", text), "s", BARE, bare)
    yield Figure("imports_areas_items", len(written), "items")
    yield from _turnout_times(text)


def _turnout_times(text: str) -> Iterator[Figure]:
    """The same booths' turnout. Its items: the booths, and each district's sheet and sum."""
    from chalicelib import wiring
    from chalicelib.identity.roles import Principal
    from chalicelib.turnout.store import BoothItem, SheetItem

    admin = Principal("usr_bench", "", "", frozenset({"admin"}))
    wiring.turnouts().put_election(admin, "ls-2014", name="2014", on=date(2014, 5, 12), kind="lok_sabha")
    said = {"election": "ls-2014", "source": "Form 20"}
    first = _taken("turnout", text, **said)
    written = list(BoothItem.scan(BoothItem.e.exists()))
    sheets = list(SheetItem.scan(SheetItem.z.exists()))
    for item in (*written, *sheets):
        item.pk = f"bare {item.pk}"
    begun = time.perf_counter()
    with BoothItem.batch_write() as batch:
        for booth in written:
            batch.save(booth)
    with SheetItem.batch_write() as batch_of_sheets:
        for sheet in sheets:
            batch_of_sheets.save(sheet)
    bare = time.perf_counter() - begun
    yield Figure("imports_turnout", first, "s", BARE, bare)
    yield Figure("imports_turnout_again", _taken("turnout", text, **said), "s", BARE, bare)
    yield Figure("imports_turnout_items", len(written) + len(sheets), "items")


def _states(text: str) -> None:
    """What stands above the booths."""
    from chalicelib import wiring
    from chalicelib.ports import Area

    rows = list(csv.DictReader(io.StringIO(text)))
    wiring.directory().put_areas(
        [
            Area("IN", "country", ("IN",), {"en": "India"}),
            Area("IN-UP", "state", ("IN", "IN-UP"), {"en": "Uttar Pradesh"}),
            *(
                Area(f"D{code}", "district", ("IN", "IN-UP", f"D{code}"), {"en": f"District {code}"})
                for code in sorted({row["lgd_district_code"] for row in rows})
            ),
        ]
    )


def _taken(kind: str, text: str, *, dry_run: bool = False, **options: str) -> float:
    """Seconds from the start of an import to its end."""
    from chalicelib import wiring
    from chalicelib.identity.roles import Principal

    data = text.encode()
    admin = Principal("usr_bench", "", "", frozenset({"admin"}))
    imports, runner = wiring.imports(), wiring.import_runner()
    job, _, fields = imports.make(
        admin,
        kind=kind,
        dry_run=dry_run,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        options=options,
        columns={},
    )
    imports.files.put(fields["key"], data)
    imports.start(admin, job.id)
    begun = time.perf_counter()
    runner.run(job.id, "bench", time.time() + 3600)
    taken = time.perf_counter() - begun
    ended = imports.get(admin, job.id)
    if ended.status != "finished" or ended.progress.rejected:
        raise RuntimeError(f"the import ended otherwise: {ended.status}, {ended.failure}, {ended.progress}")
    return taken


def _booths(number: int) -> str:
    """So many rows of the public file, or of invented booths in its layout."""
    if DATA.exists() and number <= BOOTHS:
        return "".join(DATA.read_text(encoding="utf-8").splitlines(keepends=True)[: number + 1])
    return "".join(invented(number))


def invented(number: int) -> Iterator[str]:
    """The lines of a file of booths that are nowhere, in the public layout."""
    yield "iso_3166_2,lgd_district_code,ac_no,ac_name,booth_no,booth_name,electors,voters\n"
    for n in range(number):
        district, place = 900 + n // 14_000, n % 14_000
        constituency = f"{1 + place // 350},Namuna {place // 350}"
        name = f"PRIMARY SCHOOL NAMUNA ROOM {n}"
        yield f"IN-UP,{district},{constituency},{1 + place % 350},{name},{1000 + n % 500},{500 + n % 400}\n"


def _peak(number: int) -> float:
    """Megabytes that a process holds at most while it takes a file of so many rows."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.files", str(number)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


class _Nowhere:
    """A store that keeps nothing: what the job itself holds is measured."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return lambda *args, **more: {}


def peak(number: int) -> float:
    """The same in this process: a dry run of booths whose districts are all there."""
    from datetime import UTC, datetime

    from chalicelib.clock import FixedClock
    from chalicelib.directory.kind import AreaKind
    from chalicelib.files import Part
    from chalicelib.imports.model import Job
    from chalicelib.imports.runner import Runner
    from chalicelib.ports import Area

    with TemporaryDirectory() as folder:
        place = Path(folder)
        with (place / "file").open("w", encoding="utf-8") as file:
            file.writelines(invented(number))
        digest = hashlib.sha256()
        with (place / "file").open("rb") as file_:
            while block := file_.read(1 << 20):
                digest.update(block)
        size = (place / "file").stat().st_size

        class Disk:
            def part(self, key: str, begin: int, length: int) -> Part | None:
                path = place / key.rpartition("imp_bench/")[2].replace("/", "-")
                if not path.exists():
                    return None
                with path.open("rb") as held:
                    held.seek(begin)
                    body = held.read(min(length, path.stat().st_size - begin))
                return Part(body, path.stat().st_size, "1")

            def put(self, key: str, body: bytes) -> None:
                (place / key.rpartition("imp_bench/")[2].replace("/", "-")).write_bytes(body)

        class Districts(_Nowhere):
            def areas(self, wanted: set[str], **more: object) -> dict[str, Area]:
                districts = [one for one in wanted if "-" not in one]
                return {
                    one: Area(one, "district", ("IN", "IN-UP", one), {"en": "District"}) for one in districts
                }

        class Kept:
            job: Job

            def get(self, job_id: str) -> Job:
                return self.job

            def save(self, job: Job) -> Job:
                self.job = Job.model_validate_json(job.with_(rev=job.rev + 1).model_dump_json())
                return self.job

        store, clock = Kept(), FixedClock(at=datetime.now(UTC))
        store.job = Job(
            id="imp_bench",
            kind="areas",
            dry_run=True,
            sha256=digest.hexdigest(),
            bytes=size,
            actor="usr_bench",
            roles=("admin",),
            status="queued",
            created_at=datetime.now(UTC),
        )
        runner = Runner(
            store,  # type: ignore[arg-type]
            {"areas": lambda: AreaKind(Districts(), clock)},  # type: ignore[arg-type]
            Disk(),  # type: ignore[arg-type]
            _Nowhere(),  # type: ignore[arg-type]
            clock,
        )
        runner.run("imp_bench", "bench", time.time() + 3600)
        if store.job.progress.accepted != number:
            raise RuntimeError(f"the import ended otherwise: {store.job.failure}, {store.job.progress}")
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    print(peak(int(sys.argv[1])))
