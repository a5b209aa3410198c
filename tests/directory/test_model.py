"""Ids, paths, folding and ranges, without a table."""

from __future__ import annotations

import pytest

from chalicelib.directory.model import check_area, clean_names, fold, level_of, ranges_of, without_nested
from chalicelib.errors import InvalidInput
from chalicelib.ports import Area, RosterRange

NAMES = {"hi": "जनपुर", "en": "Janpur"}


def area(level, *path, names=None):
    return Area(path[-1], level, path, NAMES if names is None else names)


@pytest.mark.parametrize(
    ("area_id", "level"),
    [
        ("IN", "country"),
        ("IN-UP", "state"),
        ("D162", "district"),
        ("D162-B7", "block"),
        ("D162-A171-P12", "booth"),
        ("D162-A171-P12A", "booth"),
        ("in", None),
        ("D162-", None),
        ("D162-B7\n", None),
        ("IN-UP/D1", None),
    ],
)
def test_an_id_says_its_level(area_id, level):
    assert level_of(area_id) == level


@pytest.mark.parametrize(
    "good",
    [
        area("country", "IN"),
        area("state", "IN", "IN-UP"),
        area("district", "IN", "IN-UP", "D162"),
        area("block", "IN", "IN-UP", "D162", "D162-B7"),
        area("booth", "IN", "IN-UP", "D162", "D162-A171-P12"),
        area("booth", "IN", "IN-UP", "D162", "D162-B7", "D162-A171-P12"),
    ],
)
def test_every_level_may_stand_where_the_tree_has_it(good):
    check_area(good)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (area("district", "IN", "D162"), "path"),
        (area("district", "IN-UP", "D162"), "path"),
        (area("block", "IN", "IN-UP", "D162", "D9-B7"), "path"),
        (area("block", "IN", "IN-UP", "D162", "D162-A171-P12", "D162-B7"), "path"),
        (area("state", "IN", "IN-UP", "D162"), "id"),
        (area("state", "IN", "Uttar"), "id"),
        (area("state", "IN", "IN-UP", names={"hi": ""}), "names"),
        (Area("IN-UP", "state", (), NAMES), "path"),
    ],
)
def test_an_area_out_of_place_is_refused_by_field(bad, field):
    with pytest.raises(InvalidInput) as refused:
        check_area(bad)
    assert field in [one.field for one in refused.value.errors]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("क़िला", "क\u093cिला"),
        ("क़िला", "किला"),
        ("LUCKNOW ", "lucknow"),
        ("ऩ", "न"),
        ("क\u094d\u200dष", "क्ष"),
        ("ਸ਼ਹਿਰ", "ਸਹਿਰ"),
        ("Uttar  Pradesh", "uttar pradesh"),
    ],
)
def test_spellings_of_one_name_fold_together(one, other):
    assert fold(one) == fold(other)


def test_vowel_signs_are_not_folded_away():
    assert fold("कि") != fold("की")


def test_names_are_kept_composed_and_without_empty_ones():
    assert clean_names({"hi": " ऩ\u0020 ", "en": "  ", "fr": "e\u0301"}) == {"hi": "ऩ", "fr": "é"}


def test_a_block_does_not_reach_into_another_whose_number_begins_alike():
    block = area("block", "IN", "IN-UP", "D162", "D162-B1")
    other = "D162-B12/D162-A1-P1#inf_x"
    assert not any(other.startswith(stretch.prefix) for stretch in ranges_of(block))
    assert ranges_of(block) == [RosterRange("D162", "D162-B1#"), RosterRange("D162", "D162-B1/")]


def test_a_booth_is_one_stretch():
    booth = area("booth", "IN", "IN-UP", "D162", "D162-B1", "D162-A1-P1")
    assert ranges_of(booth) == [RosterRange("D162", "D162-B1/D162-A1-P1#")]


def test_ranges_inside_others_are_dropped():
    ranges = [
        RosterRange("D162", "D162-B1/D162-A1-P1#"),
        RosterRange("D162", "D162-B1/"),
        RosterRange("D162", "D162-B1#"),
        RosterRange("D163", "D163-B1#"),
        RosterRange("D163"),
        RosterRange("D163"),
    ]
    assert without_nested(ranges) == [
        RosterRange("D162", "D162-B1#"),
        RosterRange("D162", "D162-B1/"),
        RosterRange("D163"),
    ]


@pytest.mark.parametrize(
    "hidden", ["\u200b", "\u202e", "\u2066", "\u061c", "\u00ad", "\u3164", "\ufe0f", "\ue000"]
)
def test_a_name_with_what_nobody_sees_is_refused_by_its_language(hidden):
    with pytest.raises(InvalidInput) as refused:
        clean_names({"hi": "जनपुर", "en": f"Jan{hidden}pur"})
    assert [(one.field, one.code) for one in refused.value.errors] == [("names.en", "hidden_characters")]


def test_joiners_in_a_name_are_its_spelling():
    assert clean_names({"hi": "क्\u200dषेत्र", "ur": "نہ\u200cہو"}) == {"hi": "क्\u200dषेत्र", "ur": "نہ\u200cہو"}
