"""The words of an SMS as they are registered."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.platforms import dlt

fixed = st.text(st.characters(exclude_characters="{#}", exclude_categories=("Cs",)), max_size=20)
values = st.text(
    st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), min_size=1, max_size=30
)


@given(st.lists(st.tuples(fixed, values), max_size=4), fixed)
def test_what_was_filled_fits_what_is_registered(parts: list[tuple[str, str]], end: str) -> None:
    registered = "".join(f"{words}{dlt.VARIABLE}" for words, _ in parts) + end
    text = dlt.filled(registered, [value for _, value in parts])
    assert dlt.variables(registered) == len(parts)
    assert dlt.fits(registered, text)
    assert text == "".join(f"{words}{value}" for words, value in parts) + end


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("नमस्ते रेखा, मतदान करें।", True),
        ("नमस्ते " + "क" * 30 + ", मतदान करें।", True),
        ("नमस्ते " + "क" * 31 + ", मतदान करें।", False),
        ("नमस्ते , मतदान करें।", False),
        ("नमस्ते रेखा, मतदान करें", False),
        ("नमस्ते रेखा, मतदान करें। और", False),
        ("नमस्ते रे\nखा, मतदान करें।", False),
        ("", False),
    ],
)
def test_a_text_fits_word_for_word_with_each_variable_filled_and_none_too_long(text: str, fits: bool) -> None:
    assert dlt.fits("नमस्ते {#var#}, मतदान करें।", text) is fits


def test_signs_of_regular_expressions_are_words_like_any_other() -> None:
    assert dlt.fits("a.b*(c) {#var#}?", "a.b*(c) x?")
    assert not dlt.fits("a.b*(c) {#var#}?", "axb*(c) x?")


def test_variables_side_by_side_hold_what_is_longer() -> None:
    assert dlt.fits("{#var#}{#var#}", "x" * 60)
    assert not dlt.fits("{#var#}{#var#}", "x" * 61)


def test_many_variables_side_by_side_are_compared_at_once() -> None:
    """A second is far more than it takes, and far less than trying each way to share the text among them."""
    registered = "{#var#}" * 20 + " " + "{#var#} " * 20 + "end"
    began = time.process_time()
    assert dlt.fits(registered, "x" * 20 + " " + "y z " * 20 + "end")
    assert not dlt.fits(registered, "x " * 500)
    assert time.process_time() - began < 1


def test_a_value_is_cut_to_a_variable_and_no_sign_is_torn_from_its_letter() -> None:
    assert dlt.cut("x" * 30) == "x" * 30
    assert dlt.cut("x" * 31) == "x" * 30
    assert dlt.cut("क" * 29 + "की" + "x") == "क" * 29
    assert dlt.cut("क" * 28 + "की" + "x") == "क" * 28 + "की"
    assert dlt.cut("क" * 29 + " " + "x") == "क" * 29


@given(st.text(max_size=60))
def test_what_was_cut_fits_a_variable_and_is_how_the_value_begins(value: str) -> None:
    cut = dlt.cut(value)
    assert len(cut) <= dlt.LONGEST_VARIABLE
    assert value.startswith(cut)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a" * 160, (1, "gsm7")),
        ("a" * 161, (2, "gsm7")),
        ("a" * 306, (2, "gsm7")),
        ("a" * 307, (3, "gsm7")),
        ("€" * 80, (1, "gsm7")),
        ("€" * 81, (2, "gsm7")),
        ("न" * 70, (1, "ucs2")),
        ("न" * 71, (2, "ucs2")),
        ("न" * 134, (2, "ucs2")),
        ("न" * 135, (3, "ucs2")),
        ("😀" * 35, (1, "ucs2")),
        ("😀" * 36, (2, "ucs2")),
        ("₹", (1, "ucs2")),
        ("", (1, "gsm7")),
    ],
)
def test_parts_are_counted_as_networks_do(text: str, told: tuple[int, str]) -> None:
    assert dlt.segments(text) == told
