"""Cells as spreadsheets, PDFs and old fonts leave them."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import cells
from chalicelib.errors import InvalidInput

DATA = Path(__file__).parents[3] / "shared" / "data"


def refused(check, *args, **more) -> str:
    with pytest.raises(InvalidInput) as error:
        check("a_column", *args, **more)
    [fault] = error.value.errors
    assert fault.field == "a_column"
    return fault.code


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("  लखनऊ \u00a0 शहर ", "लखनऊ शहर"),
        ("\ufeffलखनऊ\u200b", "लखनऊ"),
        ("क़िला", "क़िला"),
        ("\u0915\u093c", "\u0915\u093c"),
        ("क्\u200dष", "क्\u200dष"),
        ("राज\u200d ", "राज"),
        ("\u200dLuck\u200cnow", "Lucknow"),
        ("=HYPERLINK(1)", "=HYPERLINK(1)"),
    ],
)
def test_a_cell_is_tidied_and_keeps_what_belongs_to_its_spelling(cell, meant):
    import unicodedata

    assert cells.tidy(cell) == unicodedata.normalize("NFC", meant)


@given(st.text())
def test_tidying_twice_changes_no_more(cell):
    assert cells.tidy(cells.tidy(cell)) == cells.tidy(cell)


def test_latin_letters_in_a_hindi_column_are_told_as_an_old_font():
    assert refused(cells.name, "izkFkfed fo|ky;", "hi") == "not_in_script"
    assert cells.name("x", "वार्ड A-2", "hi") == "वार्ड A-2"
    assert cells.name("x", "12", "hi") == "12"
    assert cells.name("x", "PRIMARY SCHOOL", "en") == "PRIMARY SCHOOL"


@pytest.mark.parametrize(
    "cell", ["िवद्यालय", "प्राथमिक िवद्यालय", "\u25ccि", "लखनऊ\ue012", "ल\ufffdखनऊ", "????? ???"]
)
def test_text_that_a_pdf_has_broken_is_refused(cell):
    assert refused(cells.name, cell, "hi") == "text_broken"


@pytest.mark.parametrize(
    "cell", ["हिन्दी", "मध्य प्रदेश", "नगर (उ.प्र.)", "क़िला", "संत कबीर नगर", "दुर्ग", "দিল্লি", "தமிழ்", "કાંકરેેેજ"]
)
def test_good_text_is_taken_in_every_script(cell):
    assert cells.name("x", cell, "hi")


def test_names_of_real_places_and_people_are_all_taken():
    if not DATA.exists():
        pytest.skip("the public data lies beside a checkout only")
    for file, column in (("admin_districts.csv", "name_hi"), ("admin_states.csv", "name_hi")):
        with (DATA / file).open(encoding="utf-8", newline="") as rows:
            for row in csv.DictReader(rows):
                cells.name(column, row[column], "hi")


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("719", 719),
        ("1,350", 1350),
        ("1,23,456", 123456),
        ("719.0", 719),
        ("१३५०", 1350),
        ("", None),
        (" ", None),
    ],
)
def test_numbers_are_read_as_spreadsheets_and_india_write_them(cell, number):
    assert cells.whole_number("x", cell) == number


@pytest.mark.parametrize("cell", ["7.5", "-3", "abc", "1,2", "12 13", "1e", "²"])
def test_what_is_no_whole_number_is_refused(cell):
    assert refused(cells.whole_number, cell) == "int_parsing"


def test_a_number_that_a_spreadsheet_has_rounded_is_refused_and_an_exact_float_is_not():
    assert refused(cells.digits, "9.87654E+09") == "number_rounded"
    assert refused(cells.whole_number, "9.87654E+09") == "number_rounded"
    assert cells.digits("x", "9876543210.0") == "9876543210"
    assert cells.digits("x", " +91 98765 ") == "+91 98765"
    assert refused(cells.whole_number, "11", most=10) == "less_than_equal"


def test_days_are_read_as_india_writes_them_and_never_guessed():
    assert cells.day("x", "07-04-2023") == cells.day("x", "2023-04-07") == date(2023, 4, 7)
    assert cells.day("x", "07/04/2023") == date(2023, 4, 7)
    assert cells.day("x", "") is None
    assert refused(cells.day, "04/23/2023") == "date_parsing"
    assert refused(cells.day, "45023") == "date_parsing"


def test_an_empty_cell_that_must_be_filled_is_refused():
    assert refused(cells.required, "  ") == refused(cells.required, None) == "missing"


@pytest.mark.parametrize("cell", ["=1+1", "+91", "-1", "@x", "\tx"])
def test_no_cell_of_a_file_of_ours_is_run_as_a_formula(cell):
    assert cells.safe(cell) == f"'{cell}"
