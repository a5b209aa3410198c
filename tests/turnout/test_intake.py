"""Files of turnout and of matches: what their rows mean, what is refused, what a crash leaves."""

from __future__ import annotations

import pytest

from chalicelib import wiring
from chalicelib.errors import Forbidden, InvalidInput
from chalicelib.identity.roles import Principal
from chalicelib.turnout.intake import MatchKind, TurnoutKind
from chalicelib.turnout.model import Booth, GenderSum, Match, Sheet, Sum
from chalicelib.turnout.store import SETTLED_S, TurnoutStore
from tests.influencers.world import MovedClock
from tests.turnout.world import (
    AREAS,
    OPTIONS,
    booth,
    booth_area,
    bring,
    cells_of,
    election,
    job,
    real_areas,
    real_id,
    real_rows,
    rows_of,
    told,
)

LUCKNOW, JHANSI = "D162", "D153"


def kind() -> TurnoutKind:
    return TurnoutKind(None, None, None)  # type: ignore[arg-type]  # reading a row needs none of them


UP = {"lgd_district_code": "162", "ac_no": "168", "booth_no": "1"} | {
    "electors_m": "740",
    "electors_f": "610",
    "electors_o": "0",
    "electors": "1350",
    "voters_m": "411",
    "voters_f": "308",
    "voters_o": "0",
    "voters": "719",
}


def read(row):
    return kind().read(cells_of(kind(), row), job())


def marks():
    return [(mark.job, mark.district) for mark in TurnoutStore().touched("ls-2014")]


def wrong(row):
    with pytest.raises(InvalidInput) as refused:
        read(row)
    return {(one.field, one.code) for one in refused.value.errors}


def test_a_row_of_form_20_is_read_as_it_is():
    assert read(UP) == Booth(
        "D162-A168-P1",
        1350,
        719,
        {"female": (610, 308), "male": (740, 411), "other": (0, 0)},
        source=OPTIONS["source"],
    )


def test_our_own_layout_names_the_booth_by_its_id():
    assert read({"booth": "D9001-A1-P7B", "electors": "9", "voters": "3"}).id == "D9001-A1-P7B"


def test_leading_noughts_and_a_spreadsheets_floats_name_the_same_booth():
    row = UP | {"ac_no": "0168", "booth_no": "001.0", "electors": "1,350", "voters": "719.0"}
    assert read(row) == read(UP)


def test_voters_that_are_not_given_are_missing_and_no_nought():
    assert read(UP | {"voters": "", "voters_m": "", "voters_f": "", "voters_o": ""}).voters is None
    assert read(UP | {"voters": "0", "voters_m": "0", "voters_f": "0", "voters_o": "0"}).voters == 0


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"voters": "1351"}, "voters", "above_electors"),
        ({"voters_f": "611"}, "voters_female", "above_electors"),
        ({"voters": "-1"}, "voters", "int_parsing"),
        ({"electors": "many"}, "electors", "int_parsing"),
        ({"electors": "1350.5"}, "electors", "int_parsing"),
        ({"electors": ""}, "electors", "missing"),
        ({"electors": "999999"}, "electors", "less_than_equal"),
        ({"electors_o": "1"}, "electors", "parts_above_all"),
        ({"booth_no": ""}, "booth", "missing"),
        ({"booth_no": "first"}, "number", "booth_id"),
    ],
)
def test_what_cannot_be_is_refused_by_its_column(change, field, code):
    assert (field, code) in wrong(UP | change)


def test_all_that_is_wrong_with_a_row_is_told_at_once():
    assert {field for field, _ in wrong(UP | {"voters": "x", "electors": "y", "booth_no": ""})} == {
        "booth",
        "electors",
        "voters",
    }


# --- on the engine ------------------------------------------------------------------------------------------


@pytest.fixture
def world(tables):
    wiring.directory().put_areas(AREAS)
    election()
    return wiring.turnout_kind()


def test_options_are_checked_before_a_row_is_read(world):
    with pytest.raises(InvalidInput) as refused:
        world.check(job({"election": "ls-1950", "source": " "}))
    assert [one.field for one in refused.value.errors] == ["options.election", "options.source"]
    with pytest.raises(Forbidden):
        world.check(job(who=Principal("u", "", "", frozenset({"editor"}))))


def test_a_booth_without_an_area_is_refused_and_the_others_go_in(world):
    wiring.directory().put_areas([booth_area("D9001-A1-P1")])
    [one, two] = world.compare([booth(1, 5), booth(2, 5)], job())
    assert one == "new"
    assert isinstance(two, InvalidInput)
    assert two.errors[0].code == "area_unknown"


def test_a_second_import_of_the_same_changes_nothing_and_a_correction_is_told(world):
    rows = rows_of([booth(n, n) for n in range(1, 151)])
    wiring.directory().put_areas([booth_area(row["booth"]) for row in rows])
    assert bring(world, rows, job()) == {"new": 150}
    assert bring(world, rows, job(ident="imp_2")) == {"same": 150}
    rows[0] |= {"voters": "900"}
    assert bring(world, rows, job(ident="imp_3")) == {"changed": 1, "same": 149}
    assert TurnoutStore().sheet("ls-2014", "D9001").by_id["D9001-A1-P1"].voters == 900


def test_a_booth_is_kept_with_its_block_genders_and_source(world):
    wiring.directory().put_areas([booth_area("D9001-A1-P1", "D9001-B1")])
    genders = {"electors_f": "5", "voters_f": "2", "electors_m": "4", "voters_m": "1"}
    bring(world, [{"booth": "D9001-A1-P1", "electors": "9", "voters": "3"} | genders], job())
    kept = TurnoutStore().booths("ls-2014", ["D9001-A1-P1"])["D9001-A1-P1"]
    assert kept == Booth(
        "D9001-A1-P1", 9, 3, {"female": (5, 2), "male": (4, 1)}, "D9001-B1", OPTIONS["source"]
    )
    [district] = TurnoutStore().sums("ls-2014")
    assert district.sum.by_gender == {"female": GenderSum(1, 5, 2), "male": GenderSum(1, 4, 1)}
    assert district.sources == (OPTIONS["source"],)


def test_elections_do_not_touch_one_another(tables):
    told([booth(1, 100)])
    told([booth(1, 900)], "vs-2017", election("vs-2017").date)
    shares = {ident: TurnoutStore().sheet(ident, "D9001").sum().voters for ident in ("ls-2014", "vs-2017")}
    assert shares == {"ls-2014": 100, "vs-2017": 900}


def test_a_job_that_dies_after_writing_is_folded_by_the_next(world):
    wiring.directory().put_areas([booth_area("D9001-A1-P1"), booth_area("D9002-A1-P1")])
    world.write([booth(1, 10)], job(ident="imp_dead"))
    assert TurnoutStore().sums("ls-2014") == []
    bring(world, rows_of([booth(1, 20, district="D9002")]), job(ident="imp_2"))
    assert [one.sum.voters for one in TurnoutStore().sums("ls-2014")] == [10, 20]
    assert marks() == [("imp_dead", "D9001")]
    world.finish(job(ident="imp_dead"))
    assert marks() == []


def test_what_a_job_left_that_broke_off_is_folded_once_when_nothing_of_it_is_under_way(world, monkeypatch):
    real, folded, clock = TurnoutStore.fold, [], MovedClock()

    def fold(store, election, state, district):
        folded.append(district)
        return real(store, election, state, district)

    monkeypatch.setattr(TurnoutStore, "fold", fold)
    both = [booth(1, 500), booth(1, 400, district="D9002")]
    wiring.directory().put_areas([booth_area(one.id) for one in both])
    broken_off, other = (TurnoutKind(TurnoutStore(), wiring.directory(), clock) for _ in range(2))
    broken_off.write([both[0]], job(ident="imp_dead"))
    for ident, moved_s, expected in (
        ("imp_2", 60, ["D9001", "D9002"]),  # perhaps it still writes: folded, and looked at again
        ("imp_3", SETTLED_S, ["D9001", "D9002"]),
        ("imp_4", 60, ["D9002"]),
    ):
        folded.clear()
        clock.forward(moved_s)
        other.write([both[1]], job(ident=ident))
        other.finish(job(ident=ident))
        assert folded == expected, ident
    assert marks() == []


def test_a_job_that_writes_on_for_long_marks_its_district_anew_so_nobody_takes_that_away(world):
    clock = MovedClock()
    slow, quick = (TurnoutKind(TurnoutStore(), wiring.directory(), clock) for _ in range(2))
    wiring.directory().put_areas([booth_area(f"D9001-A1-P{n}") for n in (1, 2, 3)])
    slow.write([booth(1, 100)], job(ident="imp_slow"))
    clock.forward(SETTLED_S)
    slow.write([booth(2, 100)], job(ident="imp_slow"))
    quick.write([booth(3, 100)], job(ident="imp_quick"))
    quick.finish(job(ident="imp_quick"))
    assert marks() == [("imp_slow", "D9001")]


def test_a_mark_that_was_made_anew_while_it_was_folded_stays(world):
    store = TurnoutStore()
    store.touch("ls-2014", ["D9001"], "imp_1", 1000)
    seen = store.touched("ls-2014")
    store.touch("ls-2014", ["D9001"], "imp_1", 2000)
    store.folded("ls-2014", seen)
    assert marks() == [("imp_1", "D9001")]
    store.folded("ls-2014", store.touched("ls-2014"))
    assert marks() == []


def test_a_district_that_is_folded_in_another_state_counts_there_and_no_longer_where_it_was(world):
    told([booth(1, 100)])
    store = TurnoutStore()
    assert [one.state for one in store.sums("ls-2014")] == ["IN-XN"]
    for state in ("IN-XM", "IN-XM", "IN-XN"):
        store.fold("ls-2014", state, "D9001")
        assert [(one.state, one.sum.voters) for one in store.sums("ls-2014")] == [(state, 100)]


def test_finishing_that_dies_goes_on_behind_what_it_has_folded(world, monkeypatch):
    real, folded = TurnoutStore.fold, []

    def dying(store, election, state, district):
        if district == "D9002" and folded == ["D9001"]:
            folded.append("dies")
            raise TimeoutError
        folded.append(district)
        return real(store, election, state, district)

    monkeypatch.setattr(TurnoutStore, "fold", dying)
    both = [booth(1, 500), booth(1, 400, district="D9002")]
    wiring.directory().put_areas([booth_area(one.id) for one in both])
    with pytest.raises(TimeoutError):
        bring(wiring.turnout_kind(), rows_of(both), job())
    assert marks() == [("imp_1", "D9002")]
    wiring.turnout_kind().finish(job())
    assert folded == ["D9001", "dies", "D9002"]
    assert marks() == []
    assert {one.district: one.sum.voters for one in TurnoutStore().sums("ls-2014")} == {
        "D9001": 500,
        "D9002": 400,
    }


def test_finishing_again_and_again_gives_the_same(world):
    told([booth(n, 7) for n in range(1, 30)])
    once = TurnoutStore().sums("ls-2014")
    for _ in range(3):
        TurnoutStore().fold("ls-2014", "IN-XN", "D9001")
        world.finish(job())
    assert TurnoutStore().sums("ls-2014") == once


def test_two_imports_that_end_together_leave_what_both_wrote(world):
    """The first reads the booths, the second writes and folds, then the first writes its sums."""
    told([booth(1, 10)])

    class Interrupted(TurnoutStore):
        def all_booths(self, election, district):
            found = list(super().all_booths(election, district))
            if not interrupted:
                interrupted.append(True)
                wiring.directory().put_areas([booth_area("D9001-A1-P2")])
                bring(wiring.turnout_kind(), rows_of([booth(2, 90)]), job(ident="imp_2"))
            return iter(found)

    interrupted: list[bool] = []
    folded = Interrupted(pause=lambda s: None).fold("ls-2014", "IN-XN", "D9001")
    assert folded.sum.voters == 100
    assert TurnoutStore().sums("ls-2014") == [folded]


def test_matches_are_taken_for_booths_that_have_figures_alone(tables):
    told([booth(1, 100)])
    told([booth(1, 100), booth(2, 100)], "vs-2017", election("vs-2017").date.replace(year=2017))
    kind, given = wiring.match_kind(), job({"before": "ls-2014", "after": "vs-2017"})
    rows = [{"old": "D9001-A1-P1", "new": f"D9001-A1-P{n}"} for n in (1, 2, 3)]
    assert bring(kind, rows, given) == {"new": 2, "refused": 1}
    assert bring(kind, rows, given) == {"same": 2, "refused": 1}
    found = TurnoutStore().matches("ls-2014", "vs-2017", "D9001")
    assert found == [Match("D9001-A1-P1", f"D9001-A1-P{n}") for n in (1, 2)]
    with pytest.raises(InvalidInput, match="corrected"):
        kind.check(job({"before": "vs-2017", "after": "ls-2014"}))
    with pytest.raises(InvalidInput):
        MatchKind(TurnoutStore()).read({"before": "P1", "after": "D9001-A1-P1"}, given)


# --- the real file ------------------------------------------------------------------------------------------


@pytest.fixture
def real(tables):
    rows = real_rows()
    wiring.directory().put_areas(real_areas(rows))
    election()
    assert bring(wiring.turnout_kind(), rows, job()) == {"new": len(rows)}
    return rows


def naive_lowest(rows, district):
    """The tenth, reckoned from the file alone: booths by their share, a part of a booth counting as one, with
    all that are as low as the last."""
    silent = {row["ac_no"] for row in rows if row["lgd_district_code"] == district and row["ac_no"]} - {
        row["ac_no"] for row in rows if row["lgd_district_code"] == district and int(row["voters"])
    }
    shares = sorted(
        (int(row["voters"]) / int(row["electors"]), real_id(row))
        for row in rows
        if row["lgd_district_code"] == district and row["ac_no"] not in silent
    )
    last = shares[-(-len(shares) // 10) - 1][0]
    return {ident for share, ident in shares if share <= last}


def test_form_20_of_four_districts_goes_in_whole_and_tells_what_is_missing(real):
    sheets = {code: TurnoutStore().sheet("ls-2014", code) for code in (LUCKNOW, JHANSI)}
    assert sheets[LUCKNOW].silent == {"D162-A170"}
    sums = sheets[LUCKNOW].sums("constituency")
    assert (sums["D162-A170"].reported, sums["D162-A170"].missing) == (0, 436)
    assert sums["D162-A170"].share is None
    for code, sheet in sheets.items():
        lowest = {one.id for one in sheet.lowest(0.1)}
        assert lowest == naive_lowest(real, code[1:])
        assert not any(ident.startswith("D162-A170-") for ident in lowest)
    zero = next(row for row in real if row["voters"] == "0" and row["ac_no"] == "168")
    assert real_id(zero) in {one.id for one in sheets[LUCKNOW].lowest(0.1)}
    total = sum((one.sum for one in TurnoutStore().sums("ls-2014")), Sum())
    assert (total.booths, total.reported) == (10_707, 10_707 - 436)
    assert total.voters == sum(int(row["voters"]) for row in real)
    again = Sheet.of(LUCKNOW, TurnoutStore().all_booths("ls-2014", LUCKNOW)).sum()
    assert again == sheets[LUCKNOW].sum()
    assert bring(wiring.turnout_kind(), real[:300], job(ident="imp_2")) == {"same": 300}


def test_a_booth_that_was_given_a_block_since_lies_in_it_when_its_file_comes_again(tables):
    told([booth(1, 500)])
    wiring.directory().put_areas([booth_area("D9001-A1-P1", "D9001-B1")])
    again = bring(wiring.turnout_kind(), rows_of([booth(1, 500)]), job(ident="imp_2"))
    assert again == {"changed": 1}
    assert [one.block for one in TurnoutStore().sheet("ls-2014", "D9001").booths] == ["D9001-B1"]
