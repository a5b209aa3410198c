"""Files of areas, as public bodies publish them and as we write them."""

from __future__ import annotations

import csv
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.clock import FixedClock
from chalicelib.directory.kind import AreaKind, layout_of
from chalicelib.directory.service import Directory
from chalicelib.directory.store import DirectoryStore
from chalicelib.errors import Forbidden, InvalidInput
from chalicelib.identity.audit import Audit
from chalicelib.imports.runner import Runner
from tests.directory.test_directory import AT
from tests.dispatch.world import Crash, Faults
from tests.imports.world import COORDINATOR, World, counted

DATA = Path(__file__).parents[3] / "shared" / "data"
STATES = (
    "lgd_state_code,iso_3166_2,iso_3166_2_before_2023,name_en,name_hi\n"
    "9,IN-UP,IN-UP,Uttar Pradesh,उत्तर प्रदेश\n22,IN-CG,IN-CT,Chhattisgarh,छत्तीसगढ़\n"
)
DISTRICTS = (
    "lgd_district_code,lgd_state_code,iso_3166_2,name_en,name_hi\n"
    "162,9,IN-UP,Lucknow,लखनऊ\n371,22,IN-CT,Raipur,रायपुर\n"
)
BLOCKS = (
    "lgd_block_code,lgd_district_code,lgd_state_code,name_en,name_local\n"
    "2504,162,9,Malihabad,मलिहाबाद\n2504,371,22,Arang,\n"
)
BOOTHS = (
    "iso_3166_2,lgd_district_code,ac_no,ac_name,booth_no,booth_name,electors\n"
    "IN-UP,162,168,Malihabad,2,PRIMARY SCHOOL B,748\n"
    "IN-UP,162,168,Malihabad,10,PRIMARY SCHOOL C,900\n"
    "IN-UP,162,168,Malihabad,1,PRIMARY SCHOOL A,1350\n"
    "IN-UP,162,169,Bakshi Kaa Talab,1,JUNIOR SCHOOL,943\n"
)


class Ground(World):
    def imports(self) -> Any:
        self.areas = AreaKind(DirectoryStore(), FixedClock(at=AT))
        made = super().imports()
        return type(made)(**vars(made) | {"kinds": {"areas": lambda: self.areas}})

    def runner(self, faults: Any = None) -> Runner:
        made = super().runner(faults)
        kind = faults.wrap(self.areas, "write", "compare") if faults else self.areas
        return replace(made, kinds={"areas": lambda: kind})

    def directory(self) -> Directory:
        return Directory(DirectoryStore(), Audit(), FixedClock(at=AT))

    def take(self, *texts: str) -> list[dict[str, int]]:
        return [counted(self.done(text.encode())) for text in texts]


@pytest.fixture
def ground(tables) -> Ground:
    return Ground(slice_rows=1000)


def all_new(number: int) -> dict[str, int]:
    return {
        "read": number,
        "accepted": number,
        "new": number,
        "changed": 0,
        "same": 0,
        "rejected": 0,
        "duplicates": 0,
    }


def all_same(number: int) -> dict[str, int]:
    return all_new(number) | {"new": 0, "same": number}


def ids(page: Any) -> list[str]:
    return [one.id for one in page[0]]


def test_the_public_layouts_go_in_as_they_are_and_a_second_time_change_nothing(ground):
    files = (STATES, DISTRICTS, BLOCKS, BOOTHS)
    assert ground.take(*files) == [all_new(2), all_new(2), all_new(2), all_new(4)]
    assert ground.take(*files) == [all_same(2), all_same(2), all_same(2), all_same(4)]
    directory = ground.directory()
    lucknow = directory.get("D162")
    assert (lucknow.path, lucknow.names) == (("IN", "IN-UP", "D162"), {"hi": "लखनऊ", "en": "Lucknow"})
    assert directory.get("IN").names["hi"] == "भारत"
    assert directory.get("IN-CG").codes == {"lgd": "22", "iso": "IN-CG", "iso_before": "IN-CT"}
    assert directory.get("D371").path == ("IN", "IN-CG", "D371")  # by the code of before 2023
    assert directory.get("D162-A168-P2").path == ("IN", "IN-UP", "D162", "D162-A168-P2")
    assert directory.get("D371-B2504").parent == "D371"


@pytest.mark.parametrize("typed", ["IN-CT", "in-cg", "22", "छत्तीसगढ़", "chh"])
def test_an_area_is_found_by_name_old_and_official_codes(ground, typed):
    ground.take(STATES)
    assert "IN-CG" in ids(ground.directory().search("", typed, None, 50))


def test_a_block_is_found_by_its_local_name(ground):
    ground.take(STATES, DISTRICTS, BLOCKS)
    assert ids(ground.directory().search("D162", "मलिहा", None, 50)) == ["D162-B2504"]


def test_booths_are_listed_by_constituency_in_the_order_of_their_numbers(ground):
    ground.take(STATES, DISTRICTS, BOOTHS)
    directory = ground.directory()
    booths = ids(directory.booths_of("IN-UP-A168", None, 50))
    assert booths == ["D162-A168-P1", "D162-A168-P2", "D162-A168-P10"]
    first, after = directory.booths_of("IN-UP-A168", None, 2)
    assert [one.id for one in first] + ids(directory.booths_of("IN-UP-A168", after, 2)) == booths
    found = directory.groupings("IN-UP", "", None, 50)[0]
    assert [(one.id, one.number, one.names) for one in found] == [
        ("IN-UP-A168", 168, {"en": "Malihabad"}),
        ("IN-UP-A169", 169, {"en": "Bakshi Kaa Talab"}),
    ]
    assert ids(directory.groupings("IN-UP", "bak", None, 50)) == ["IN-UP-A169"]
    assert directory.booths_of("D162", None, 50) == ([], None)


def test_constituencies_and_wards_have_files_of_their_own(ground):
    ground.take(STATES, DISTRICTS)
    constituencies = "iso_3166_2,eci_state_code,ac_no,ac_name,pc_no\nIN-UP,S24,168,Malihabad,34\n"
    wards = "district_lgd,ward,ward_name,name_hi\n162,12,Aminabad,अमीनाबाद\n"
    assert ground.take(constituencies, wards, constituencies) == [all_new(1), all_new(1), all_same(1)]
    own = "id,name_en,ward\nD162-A168-P7,Town Hall,12\n"
    assert ground.take(own) == [all_new(1)]
    directory = ground.directory()
    assert ids(directory.booths_of("D162-W12", None, 50)) == ["D162-A168-P7"]
    assert directory.groupings("D162", "अमी", None, 50)[0][0].names["en"] == "Aminabad"
    assert directory.groupings("IN-UP", "", None, 50)[0][0].codes == {"eci": "S24"}


def test_our_own_layout_has_ids_names_in_any_language_aliases_and_days(ground):
    ground.take(STATES)
    text = (
        "id,parent,name_en,name_hi,name_ur,aliases,valid_from,valid_until,successors\n"
        "D900,IN-UP,Old Town,पुराना नगर,پرانا شہر,Purana Nagar;Puranapur,01-04-1995,2023-04-06,D901;D902\n"
        "D901,IN-UP,New East,नया पूर्व,,,2023-04-07,,\n"
        "D902,IN-UP,New West,नया पश्चिम,,,2023-04-07,,\n"
    )
    assert ground.take(text, text) == [all_new(3), all_same(3)]
    directory = ground.directory()
    old = directory.get("D900")
    assert (old.valid_from, old.valid_until, old.successors) == ("1995-04-01", "2023-04-06", ("D901", "D902"))
    assert old.names["ur"] == "پرانا شہر"
    assert sorted(ids(directory.search("IN-UP", "", None, 50))) == ["D901", "D902"]
    assert ids(directory.search("", "old", None, 50)) == []
    assert {area.id for area in directory.children("IN-UP")} == {"D900", "D901", "D902"}


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_file_may_go_from_above_to_below_and_not_the_other_way(ground, dry_run):
    lines = ["IN-UP,,Uttar Pradesh", "D900,IN-UP,Namuna"]
    lines += [f"D900-B{n},,Block {n}" for n in range(1, 131)] + ["D900-A1-P1,D900-B130,School"]
    job = ground.done("\n".join(["id,parent,name_en", *lines]).encode(), dry_run=dry_run)
    assert counted(job) == all_new(133)
    assert (ground.directory().get("D900-A1-P1") is None) is dry_run
    if not dry_run:
        booth = ground.directory().get("D900-A1-P1")
        assert booth.path == ("IN", "IN-UP", "D900", "D900-B130", "D900-A1-P1")
    below_first = ["id,parent,name_en", "D901-B1,,Block", "D901,IN-UP,Namuna"]
    other = counted(ground.done("\n".join([*below_first, ""]).encode(), dry_run=dry_run))
    assert other["rejected"] == (2 if dry_run else 1)


def test_a_file_from_above_to_below_that_dies_half_way_is_whole_in_the_end(ground):
    lines = ["IN-UP,,Uttar Pradesh", "D900,IN-UP,Namuna"] + [f"D900-B{n},,Block {n}" for n in range(1, 21)]
    data = "\n".join(["id,parent,name_en", *lines]).encode()
    ground.slice_rows = 5
    job = ground.made(data)
    ground.imports().start(real_admin(), job.id)
    faults = Faults()
    faults.at = 9
    first = ground.areas
    ground.run(job.id, faults)
    assert first is ground.areas
    assert counted(ground.store.get(job.id)) == all_new(22)
    assert len(ground.directory().children("D900")) == 20


def test_an_alias_finds_an_area_and_one_that_is_renamed_leaves_no_row_of_its_old_name(ground):
    ground.take(STATES, "id,parent,name_en,aliases\nD172,IN-UP,Allahabad,Prayag\n")
    directory = ground.directory()
    assert ids(directory.search("IN-UP", "prayag", None, 50)) == ["D172"]
    ground.take("id,parent,name_en,name_hi,aliases\nD172,IN-UP,Prayagraj,प्रयागराज,Allahabad\n")
    directory = ground.directory()
    assert ids(directory.search("", "allaha", None, 50)) == ["D172"]
    assert ids(directory.search("", "प्रया", None, 50)) == ["D172"]
    assert directory.get("D172").names == {"hi": "प्रयागराज", "en": "Prayagraj"}
    ground.take("id,parent,name_en\nD172,IN-UP,Xanadu\n")
    assert ids(ground.directory().search("IN-UP", "prayagraj", None, 50)) == []


def test_what_a_file_is_silent_about_stays(ground):
    ground.take(STATES, DISTRICTS, "lgd_district_code,iso_3166_2,name_en\n162,IN-UP,Lucknow City\n")
    lucknow = ground.directory().get("D162")
    assert lucknow.names == {"hi": "लखनऊ", "en": "Lucknow City"}


def test_a_booth_that_lies_in_a_block_is_not_taken_out_by_a_file_without_blocks(ground):
    booth = "lgd_district_code,lgd_block_code,ac_no,booth_no,name_en\n162,2504,168,1,School\n"
    ground.take(STATES, DISTRICTS, BLOCKS, booth, BOOTHS)
    assert ground.directory().get("D162-A168-P1").path[-2] == "D162-B2504"


@pytest.mark.parametrize(
    ("text", "field", "code"),
    [
        ("lgd_district_code,iso_3166_2,name_en\n1,IN-JK,X\n", "parent", "parent_unknown"),
        ("lgd_district_code,iso_3166_2,name_en\n1,Uttar,X\n", "state", "state"),
        ("lgd_district_code,iso_3166_2,name_en\n1.5,IN-UP,X\n", "district_lgd", "code"),
        ("lgd_district_code,iso_3166_2,name_en\n9.1E+02,IN-UP,X\n", "district_lgd", "number_rounded"),
        ("lgd_district_code,iso_3166_2,name_en\n,IN-UP,X\n", "district_lgd", "missing"),
        ("lgd_district_code,iso_3166_2,name_en\n900,IN-UP,\n", "name_en", "missing"),
        ("lgd_district_code,iso_3166_2,name_hi\n900,IN-UP,y[kuÅ\n", "name_hi", "not_in_script"),
        ("lgd_district_code,iso_3166_2,name_hi\n900,IN-UP,िलखनऊ\n", "name_hi", "text_broken"),
        ("id,name_en\nX1,Y\n", "id", "area_id"),
        ("id,parent,name_en,successors\nD900,IN-UP,Y,IN-UP\n", "successors", "successors"),
        (
            "id,parent,name_en,valid_from,valid_until\nD900,IN-UP,Y,2024-01-02,2024-01-01\n",
            "valid_until",
            "before_begin",
        ),
        ("lgd_district_code,ac_no,booth_no,booth_name\n162,168,1B2,X\n", "booth", "booth_no"),
    ],
)
def test_a_row_that_cannot_be_right_is_refused_with_its_column(ground, text, field, code):
    ground.take(STATES, DISTRICTS)
    job = ground.done(text.encode())
    assert counted(job)["rejected"] == 1
    assert ground.errors(job)[0].split(",")[:3] == ["2", field, code]


@pytest.mark.parametrize(
    "columns",
    [{"name_en"}, {"lgd", "name_en"}, {"state"}, {"subdistrict_lgd", "district_lgd", "state", "name_en"}],
)
def test_columns_that_do_not_say_which_area_a_row_is_are_refused_before_any_row(columns):
    with pytest.raises(InvalidInput):
        layout_of(frozenset(columns))


def test_only_admins_import_areas(ground):
    with pytest.raises(Forbidden):
        ground.made(STATES.encode(), COORDINATOR)


def test_a_spreadsheets_floats_and_leading_zeros_mean_the_same_area(ground):
    ground.take(STATES, DISTRICTS)
    text = "lgd_district_code,iso_3166_2,name_en\n162.0,IN-UP,Lucknow\n"
    assert ground.take(text) == [all_same(1)]
    assert ground.take(text.replace("162.0", "0162")) == [all_same(1)]


@pytest.fixture
def real(ground) -> Ground:
    if not DATA.exists():
        pytest.skip("the public data lies beside a checkout only")
    return ground


@pytest.mark.slow
def test_all_states_districts_blocks_and_booths_go_in_without_one_error_and_again_change_nothing(real):
    files = {"admin_states": 36, "admin_districts": 763, "admin_blocks": 7233, "up_booths_2014_dev": 10_707}
    texts = {name: (DATA / f"{name}.csv").read_text(encoding="utf-8") for name in files}
    counts = {name: counted(real.done(text.encode())) for name, text in texts.items()}
    assert counts == {name: all_new(number) for name, number in files.items()}
    for name, text in texts.items():
        header, *lines = text.splitlines()
        some = [line for line in lines if "booths" not in name or line.startswith("IN-UP,153,")]
        random.Random(5).shuffle(some)
        again = "\r\n".join([header, *some]).encode("utf-16")
        assert counted(real.done(again)) == all_same(len(some))
    directory = real.directory()
    assert len(directory.children("IN")) == 36
    states = (DATA / "admin_states.csv").open(encoding="utf-8", newline="")
    with states:
        for row in csv.DictReader(states):
            assert row["iso_3166_2"] in ids(directory.search("", row["iso_3166_2_before_2023"], None, 50))
    assert sum(len(directory.children(one.id)) for one in directory.children("IN")) == 763


@pytest.mark.slow
def test_all_assembly_constituencies_go_in(real):
    real.done((DATA / "admin_states.csv").read_bytes())
    counts = counted(real.done((DATA / "assembly_constituencies.csv").read_bytes()))
    assert (counts["read"], counts["rejected"]) == (4125, 0)
    assert len(real.directory().groupings("IN-UP", "", None, 500)[0]) == 403


@pytest.mark.slow
def test_real_booths_whose_import_is_killed_again_and_again_are_all_there_once(real):
    with (DATA / "up_booths_2014_dev.csv").open(encoding="utf-8") as file:
        header, *lines = file.read().splitlines()
    some = [line for line in lines if line.startswith("IN-UP,162,170,")]
    for name in ("admin_states", "admin_districts"):
        real.done((DATA / f"{name}.csv").read_bytes())
    real.slice_rows = 60
    job = real.made("\n".join([header, *some]).encode())
    real.imports().start(real_admin(), job.id)
    rng, faults = random.Random(11), Faults()
    for turn in range(200):
        message = real.queue.take()
        if message is None:
            break
        faults.calls, faults.at, faults.after, faults.dead = 0, rng.randint(2, 25), rng.random() < 0.5, False
        try:
            real.runner(faults).run(message["import"], f"holder {turn}", real.clock.epoch() + 120)
        except Crash:
            real.queue.put([message], 720)
    ended = real.store.get(job.id)
    assert ended.status == "finished"
    assert counted(ended) == all_new(436)
    assert len(ids(real.directory().booths_of("IN-UP-A170", None, 1000))) == 436


def real_admin() -> Any:
    from tests.imports.world import ADMIN

    return ADMIN
