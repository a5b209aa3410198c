"""Mobile numbers as people write them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from chalicelib.phones import clean_phone, masked, readable

DATA = Path(__file__).parents[3] / "shared" / "data"
E164 = "+918123456789"


@pytest.mark.parametrize(
    "typed",
    [
        "8123456789",
        "08123456789",
        "+91-81234 56789",
        "00918123456789",
        "(+91) 8123456789",
        "८१२३४ ५६७८९",
        "\u200e+918123456789",
        "81234\u00a056789",
        "\u202a+91 81234 56789\u202c",
    ],
)
def test_every_spelling_gives_one_number(typed: str) -> None:
    assert clean_phone(typed) == E164


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "phone_invalid"),
        ("+91", "phone_invalid"),
        ("मोबाइल", "phone_invalid"),
        ("81234ABCDE", "phone_invalid"),
        ("8123456789.0", "phone_invalid"),
        ("8.12345679E+09", "phone_invalid"),
        ("812345678", "phone_invalid"),
        ("8123456789 #12", "phone_invalid"),
        ("8123456789;ext=12", "phone_invalid"),
        ("1950", "phone_invalid"),
        ("8123456789" + " " * 31, "phone_invalid"),
        ("5123456789", "phone_not_mobile"),
        ("1800 111 950", "phone_not_mobile"),
        ("+44 20 7946 0958", "phone_not_mobile"),
    ],
)
def test_what_is_no_mobile_number_is_refused(typed: str, code: str) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        clean_phone(typed)
    assert refused.value.type == code
    assert refused.value.context
    assert refused.value.context["sentence"].startswith(("Please give a mobile", "This is not a mobile"))


def test_forty_characters_are_enough_for_any_spelling() -> None:
    assert clean_phone("8123456789" + " " * 30) == E164


def test_numbers_that_may_be_mobile_are_left_to_the_code() -> None:
    assert clean_phone("+91 74104 10123") == "+917410410123"
    assert clean_phone("+1 202 555 0143") == "+12025550143"


@given(st.integers(7_000_000_000, 9_999_999_999))
def test_a_clean_number_stays_as_it_is(number: int) -> None:
    try:
        phone = clean_phone(str(number))
    except PydanticCustomError:
        return
    assert clean_phone(phone) == phone == f"+91{number}"


@pytest.mark.skipif(not DATA.exists(), reason="the public data lies beside the project, not in it")
def test_the_known_cases_come_out_as_the_library_says() -> None:
    with (DATA / "phone_cases_in.csv").open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            good = row["lib_valid"] == "1" and "MOBILE" in row["lib_type"]
            if good:
                assert clean_phone(row["input"]) == row["lib_e164"]
            else:
                with pytest.raises(PydanticCustomError):
                    clean_phone(row["input"])


def test_a_mask_shows_the_country_and_the_last_four_digits() -> None:
    assert masked(E164) == "+91******6789"
    assert masked("") == ""
    assert masked("+9112345") == "+91*2345"


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("+918123456789", "+91 81234 56789"),
        ("+91******6789", "+91 ***** *6789"),
        ("8123456789", "81234 56789"),
        ("+14155552671", "+1 415-555-2671"),
        ("******89", "******89"),
        ("a***@x.test", "a***@x.test"),
        ("", ""),
    ],
)
def test_a_number_is_shown_in_groups_and_anything_else_as_it_is(phone: str, shown: str) -> None:
    assert readable(phone) == shown
