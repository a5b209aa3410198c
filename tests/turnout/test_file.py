"""Turnout through the import job: spoiled, shuffled, killed and resumed, the real file as it is."""

from __future__ import annotations

import csv
import io
import random

import pytest

from chalicelib import wiring
from chalicelib.turnout.intake import TurnoutKind
from chalicelib.turnout.store import TurnoutItem, TurnoutStore
from tests.dispatch.world import Faults
from tests.imports.world import ADMIN, World, counted
from tests.turnout.world import AREAS, DATA, OPTIONS, booth_area, election, real_areas, real_rows

HEADER = ("lgd_district_code", "ac_no", "booth_no", "booth_name", "electors", "voters")


def rows_of(count):
    """Two districts, two constituencies each; the second of the first has not reported."""
    return [
        {
            "lgd_district_code": str(9001 + n % 2),
            "ac_no": str(n % 4 // 2 + 1),
            "booth_no": str(n),
            "booth_name": "प्राथमिक विद्यालय, कक्ष १",
            "electors": "1000",
            "voters": "0" if n % 4 == 2 else str(n),
        }
        for n in range(1, count + 1)
    ]


def file_of(rows):
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADER)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


class Turnouts(World):
    """The job with the real kind, in whose store, too, any step may die. `forgetful`: each invocation is a
    process of its own."""

    forgetful = False

    def runner(self, faults=None):
        if faults or self.forgetful:
            store = faults.wrap(TurnoutStore(), *STEPS) if faults else TurnoutStore()
            kept = None if self.forgetful else self.kind
            self.kind = TurnoutKind(store, wiring.directory(), self.clock)
            if kept:
                self.kind._seen, self.kind._marked, self.kind._untold = kept._seen, kept._marked, kept._untold
        return super().runner(faults)


STEPS = ("touch", "put_booths", "booths", "fold", "folded")


@pytest.fixture
def world(tables):
    wiring.directory().put_areas(AREAS)
    election()
    made = Turnouts(slice_rows=10)
    made.kind = wiring.turnout_kind()
    return made


def ground(rows):
    ids = [f"D{row['lgd_district_code']}-A{row['ac_no']}-P{row['booth_no']}" for row in rows]
    wiring.directory().put_areas([booth_area(ident) for ident in ids])


def told():
    """All that is known, by district: the sheet, and the sum that is kept."""
    sums = {one.district: one.sum for one in TurnoutStore().sums("ls-2014")}
    sheets = {district: TurnoutStore().sheet("ls-2014", district) for district in ("D9001", "D9002")}
    assert sums == {district: sheet.sum() for district, sheet in sheets.items() if sheet.booths}
    return {
        district: [(b.id, b.electors, b.voters) for b in sheet.booths] for district, sheet in sheets.items()
    }


def forget(world):
    """Takes everything away that was imported."""
    for item in list(TurnoutItem.scan()):
        if item.pk != "elections":
            item.delete()
    world.kind = wiring.turnout_kind.__wrapped__()


def test_spoiled_rows_are_told_by_row_and_all_others_go_in(world):
    rows = rows_of(100)
    ground(rows)
    rows[6]["voters"], rows[49]["electors"] = "1001", "-5"
    rows[70]["booth_no"] = "7777"
    job = world.done(file_of([*rows, rows[0]]).encode(), options=OPTIONS)
    assert job.status == "finished"
    assert counted(job) == {
        "read": 101,
        "accepted": 97,
        "new": 97,
        "changed": 0,
        "same": 0,
        "rejected": 3,
        "duplicates": 1,
    }
    assert [line.split(",")[:3] for line in world.errors(job)] == [
        ["8", "voters", "above_electors"],
        ["51", "electors", "int_parsing"],
        ["72", "booth", "area_unknown"],
        ["102", "", "duplicate"],
    ]
    assert sum(len(booths) for booths in told().values()) == 97


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_the_same_rows_in_another_order_and_encoding_are_the_same(world, encoding):
    rows = rows_of(60)
    ground(rows)
    world.done(file_of(rows).encode(), options=OPTIONS)
    first = told()
    random.Random(1).shuffle(rows)
    again = world.done(file_of(rows).encode(encoding), options=OPTIONS)
    assert (counted(again)["same"], counted(again)["new"]) == (60, 0)
    assert told() == first


def test_a_dry_run_tells_what_would_change_and_leaves_nothing(world):
    rows = rows_of(30)
    ground(rows)
    job = world.done(file_of(rows).encode(), options=OPTIONS, dry_run=True)
    assert counted(job)["new"] == 30
    assert told() == {"D9001": [], "D9002": []}


def test_a_file_killed_at_any_step_and_resumed_leaves_nothing_half_done_or_double(world):
    rows = rows_of(24)
    ground(rows)
    data = file_of(rows).encode()
    calm = Faults()
    job = world.made(data, options=OPTIONS)
    world.imports().start(ADMIN, job.id)
    world.run(job.id, calm)
    whole = told()
    assert sum(map(len, whole.values())) == 24
    assert {"touch", "put_booths", "fold", "folded"} <= set(calm.seen)
    for step in range(1, calm.calls + 1):
        for after in (False, True):
            forget(world)
            faults, world.forgetful = Faults(), step % 2 == 0
            faults.at, faults.after = step, after
            again = world.made(data, options=OPTIONS)
            world.clock.move(3600)
            world.imports().start(ADMIN, again.id)
            ended = world.run(again.id, faults)
            assert (ended.status, counted(ended)["new"]) == ("finished", 24), calm.seen[step - 1]
            assert told() == whole, (calm.seen[step - 1], after)
            assert TurnoutStore().touched("ls-2014") == []


def test_the_real_file_goes_through_the_job_as_it_is(world):
    rows = [row for row in real_rows() if row["ac_no"] in {"170", "175", "222"}]
    wiring.directory().put_areas(real_areas(rows))
    world.slice_rows = 1000
    text = DATA.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    data = "".join([lines[0], *(line for line in lines[1:] if line.split(",")[2] in {"170", "175", "222"})])
    job = world.done(data.encode(), options=OPTIONS)
    assert (job.status, counted(job)["accepted"], counted(job)["rejected"]) == ("finished", len(rows), 0)
    sheet = TurnoutStore().sheet("ls-2014", "D162")
    assert sheet.silent == {"D162-A170"}
    assert {booth.voters for booth in sheet.within("D162-A170")} == {0}
    assert (
        sum(booth.voters == 0 for booth in sheet.reported) == 27
    )  # of constituency 175: data, shown as such
