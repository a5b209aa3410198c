"""Dates, numbers and money as they are written in India."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.pages.figures import day, grouped, moment, rupees


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1,000"),
        (99999, "99,999"),
        (100000, "1,00,000"),
        (1234567, "12,34,567"),
        (10**9, "1,00,00,00,000"),
        (-123456, "-1,23,456"),
        (1234.5, "1,234.5"),
        (0.125, "0.12"),
    ],
)
def test_numbers_are_grouped_by_thousands_then_by_hundreds(number: float, shown: str) -> None:
    assert grouped(number) == shown


@given(st.integers(-(10**12), 10**12))
def test_grouping_loses_no_digit(number: int) -> None:
    assert int(grouped(number).replace(",", "")) == number


def test_money_bears_its_sign_and_paise_have_two_digits() -> None:
    assert [rupees(amount) for amount in (1234567, 99.5, -1000)] == ["₹12,34,567", "₹99.50", "-₹1,000"]


def test_days_begin_with_the_day_and_are_those_of_india() -> None:
    late = datetime(2026, 1, 31, 20, 0, 5, tzinfo=UTC)
    assert day(late) == "01-02-2026"
    assert day(date(2026, 1, 31)) == day("2026-01-31") == "31-01-2026"
    assert (moment(late), moment(late, seconds=True)) == ("01-02-2026 01:30", "01-02-2026 01:30:05")
