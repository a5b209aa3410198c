"""What figures of booths say: missing, sums, the lowest, comparisons."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.turnout.model import (
    Booth,
    GenderSum,
    Match,
    Sheet,
    Sum,
    compared,
    groups_of,
    pack_sheet,
    unpack_sheet,
)
from tests.turnout.world import booth

figures = st.integers(0, 40).flatmap(lambda e: st.tuples(st.just(e), st.none() | st.integers(0, e)))
sheets = st.lists(st.tuples(st.integers(1, 3), figures), max_size=30).map(
    lambda rows: Sheet.of(
        "D9001", [booth(n, voters, electors, ac=ac) for n, (ac, (electors, voters)) in enumerate(rows)]
    )
)


def test_a_constituency_without_a_voter_in_any_booth_has_not_reported():
    sheet = Sheet.of("D9001", [booth(1, 0), booth(2, 0), booth(3, None), booth(1, 500, ac=2)])
    assert sheet.silent == {"D9001-A1"}
    assert sheet.sum() == Sum(booths=4, reported=1, electors=1000, voters=500, electors_missing=3000)
    assert [one.id for one in sheet.lowest(1.0)] == ["D9001-A2-P1"]
    assert sheet.below(1.0) == sheet.lowest(1.0)


def test_a_single_booth_without_a_voter_is_data_and_the_lowest():
    sheet = Sheet.of("D9001", [booth(1, 0), booth(2, 300), booth(3, None)])
    assert sheet.sum() == Sum(booths=3, reported=2, electors=2000, voters=300, electors_missing=1000)
    assert [one.id for one in sheet.lowest(0.1)] == ["D9001-A1-P1"]


def test_what_did_not_report_is_no_nought():
    assert Sheet("D9001").sum().share is None
    assert Sheet.of("D9001", [booth(1, None)]).sum().share is None
    assert booth(1, None).share is booth(1, 0, 0).share is None


@pytest.mark.parametrize(("booths", "lowest"), [(1, 1), (9, 1), (10, 1), (11, 2), (20, 2), (21, 3)])
def test_a_tenth_that_is_not_whole_counts_up(booths, lowest):
    sheet = Sheet.of("D9001", [booth(n, n) for n in range(1, booths + 1)])
    assert [one.voters for one in sheet.lowest(0.1)] == list(range(1, lowest + 1))


def test_who_is_as_low_as_the_last_of_the_tenth_is_in_however_the_same_share_came_about():
    sheet = Sheet.of("D9001", [booth(1, 1, 3), booth(2, 333, 999), *(booth(n, 900) for n in range(3, 11))])
    assert [one.id for one in sheet.lowest(0.1)] == ["D9001-A1-P1", "D9001-A1-P2"]


def test_under_a_threshold_is_strictly_under():
    sheet = Sheet.of("D9001", [booth(1, 550), booth(2, 549), booth(3, 11, 20)])
    assert [one.id for one in sheet.below(0.55)] == ["D9001-A1-P2"]


@given(sheets, st.sampled_from([0.05, 0.1, 0.3, 1.0]))
def test_the_lowest_are_those_than_which_fewer_than_the_share_had_less(sheet, share):
    said = {one.constituency for one in sheet.booths if one.voters}
    shares = {
        one.id: Fraction(one.voters, one.electors)
        for one in sheet.booths
        if one.voters is not None and one.electors and one.constituency in said
    }
    border = Fraction(str(share)) * len(shares)
    wanted = {
        booth for booth, mine in shares.items() if sum(other < mine for other in shares.values()) < border
    }
    assert {one.id for one in sheet.lowest(share)} == wanted


@given(sheets)
def test_a_sheet_is_kept_whole_and_its_parts_sum_to_it(sheet):
    assert unpack_sheet("D9001", pack_sheet(sheet)) == sheet
    parts = sheet.sums("constituency")
    assert sum(parts.values(), Sum()) == sheet.sum()
    assert sheet.sum().missing == sum(one.missing for one in parts.values())


def test_a_sheet_of_many_booths_is_kept_in_parts_that_fit():
    many = Sheet.of("D9001", [booth(n % 99999, n, 10**5, ac=n // 99999 + 1) for n in range(12_000)])
    parts = pack_sheet(many)
    assert len(parts) == 3
    assert max(map(len, parts)) < 300_000
    assert unpack_sheet("D9001", parts) == many


def test_genders_are_summed_over_the_booths_that_tell_them():
    told = {"female": (500, 200), "male": (480, 250), "other": (2, None)}
    sheet = Sheet.of("D9001", [booth(1, 450, by_gender=told), booth(2, 300), booth(3, None, by_gender=told)])
    assert sheet.sum().by_gender == {"female": GenderSum(1, 500, 200), "male": GenderSum(1, 480, 250)}
    assert unpack_sheet("D9001", pack_sheet(sheet)) == sheet


def test_booths_are_listed_as_people_count():
    ids = [
        one.id for one in Sheet.of("D9001", [booth(10, 1), booth(9, 1), Booth("D9001-A1-P9A", 1, 1)]).booths
    ]
    assert ids == ["D9001-A1-P9", "D9001-A1-P9A", "D9001-A1-P10"]


# --- comparing ----------------------------------------------------------------------------------------------


def sheet(*booths):
    return Sheet.of("D9001", booths)


def match(before, after):
    return Match(f"D9001-A1-P{before}", f"D9001-A1-P{after}")


def test_the_same_number_is_no_match():
    found = compared({"D9001": sheet(booth(1, 100))}, sheet(booth(1, 900)), "D9001", [])
    assert (found.groups, found.unmatched, found.change) == (0, 1, None)


def test_only_matched_booths_that_reported_both_times_are_compared():
    earlier = sheet(booth(1, 100), booth(2, None), booth(3, 999))
    later = sheet(booth(11, 300), booth(12, 900), booth(13, 1))
    found = compared({"D9001": earlier}, later, "D9001", [match(1, 11), match(2, 12)])
    assert (found.before.voters, found.after.voters, found.change) == (100, 300, 20.0)
    assert (found.groups, found.left_out, found.unmatched) == (1, 1, 1)


def test_a_booth_that_was_split_is_compared_with_all_its_parts_together():
    earlier, later = sheet(booth(1, 400)), sheet(booth(1, 100, 400), booth(2, 500, 600))
    whole = compared({"D9001": earlier}, later, "D9001", [match(1, 1), match(1, 2)])
    assert (whole.groups, whole.before.booths, whole.after.booths, whole.change) == (1, 1, 2, 20.0)
    silent_part = sheet(booth(1, 100, 400), booth(2, None, 600))
    assert compared({"D9001": earlier}, silent_part, "D9001", [match(1, 1), match(1, 2)]).groups == 0


def test_a_booth_that_is_matched_and_was_never_told_leaves_its_group_out():
    found = compared({"D9001": sheet()}, sheet(booth(1, 100)), "D9001", [match(7, 1)])
    assert (found.groups, found.left_out) == (0, 1)
    assert compared({}, sheet(booth(1, 100)), "D9001", [match(7, 1)]).left_out == 1


def test_booths_joined_and_split_at_once_are_one_group():
    groups = list(groups_of([match(1, 11), match(2, 11), match(2, 12), match(3, 13)]))
    assert sorted(len(old) + len(new) for old, new in groups) == [2, 4]


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6))))
def test_every_match_is_in_exactly_one_group(pairs):
    groups = list(groups_of([match(*pair) for pair in pairs]))
    for before, after in pairs:
        at = [i for i, (old, new) in enumerate(groups) if f"D9001-A1-P{before}" in old]
        assert len(at) == 1
        assert f"D9001-A1-P{after}" in groups[at[0]][1]
    news = [booth for _, new in groups for booth in new]
    assert len(news) == len(set(news))
