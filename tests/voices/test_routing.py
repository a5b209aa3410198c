"""Rules that route voices, and what is masked of texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.voices.masking import MASK, excerpt, mask
from chalicelib.voices.routing import Rule, bare, route

PATH = ("IN", "IN-XN", "D9001")
WATER = Rule(id="water", keywords=("पानी", "hand pump"), department="water")
ROADS = Rule(id="roads", keywords=("सड़क*",), department="roads")


@pytest.mark.parametrize(
    ("text", "department"),
    [
        ("पानी नहीं आता।", "water"),
        ("HAND  Pump टूटा", "water"),
        ("पानीपत से आया", ""),
        ("सड़कें टूटी हैं", "roads"),
        ("स\u0921\u093cकें टूटी हैं", "roads"),
        ("सडक टूटी", "roads"),
        ("गड्ढे", ""),
        ("", ""),
    ],
)
def test_keywords_are_words_and_with_a_star_beginnings_of_words(text, department):
    found = route([WATER, ROADS], text, PATH, None)
    assert (found.department, found.by) == (department, department)


def test_the_order_of_rules_decides():
    text = "सड़क पर पानी"
    assert route([WATER, ROADS], text, PATH, None).by == "water"
    assert route([ROADS, WATER], text, PATH, None).by == "roads"


def test_a_rule_may_ask_for_area_and_kind():
    there = Rule(id="there", areas=("D9002",), department="roads")
    state = Rule(id="state", areas=("IN-XN",), kind="suggestion", department="water")
    assert route([there, state], "कुछ", PATH, None).by == ""
    assert route([there, state], "कुछ", PATH, "suggestion").by == "state"
    assert route([there, state], "कुछ", ("IN", "IN-XN", "D9002"), None).by == "there"


def test_a_kind_that_was_said_is_not_guessed():
    idea = Rule(id="idea", keywords=("सुझाव",), means="suggestion")
    assert (route([idea], "मेरा सुझाव", PATH, None).kind, route([idea], "x", PATH, None).kind_by) == (
        "suggestion",
        "default",
    )
    said = route([idea], "मेरा सुझाव", PATH, "problem")
    assert (said.kind, said.kind_by) == ("problem", "said")


def test_a_rule_for_suggestions_holds_for_what_is_guessed_to_be_one():
    rules = [
        Rule(id="to", kind="suggestion", department="water"),
        Rule(id="idea", keywords=("सुझाव",), means="suggestion"),
    ]
    assert route(rules, "मेरा सुझाव है", PATH, None).by == "to"


@given(st.text(), st.text())
def test_any_text_can_be_compared(text, keyword):
    assert bare(text).startswith(" ") and bare(bare(text)).split() == bare(text).split()
    route([Rule(id="x", keywords=(keyword.strip()[:60].strip() or "x",), department="y")], text, PATH, None)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("फ़ोन 98765 43210 पर", f"फ़ोन {MASK} पर"),
        ("+919876543210", MASK),
        ("+91 (98765) 43210", MASK),
        ("98765 - 43210", MASK),
        ("98765\u201343210", MASK),
        ("98765\u200b43210", MASK),
        ("आधार 1234 5678 9012", f"आधार {MASK}"),
        ("आधार १२३४-५६७८-९०१२", f"आधार {MASK}"),
        ("a.b+c@example.co.in को", f"{MASK} को"),
        ("9876543210@upi", MASK),
        ("वार्ड 12, मकान 345, 2026", "वार्ड 12, मकान 345, 2026"),
    ],
)
def test_numbers_and_addresses_are_masked(text, shown):
    assert mask(text) == shown


@given(st.text(alphabet="0123456789 -", min_size=0, max_size=60))
def test_no_ten_digits_in_a_row_are_left(text):
    assert not any(part.isdigit() and len(part) >= 10 for part in mask(text).split(MASK))


def test_an_excerpt_is_masked_before_it_is_cut():
    assert excerpt("अ" * 10 + " 9876543210 तक", 17) == "अ" * 10 + f" {MASK} तक"
    assert excerpt("एक\nदो  तीन", 50) == "एक दो तीन"
    assert excerpt("x" * 50, 10) == "x" * 9 + "…"
