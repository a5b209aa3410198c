"""The label of a paid post: what counts as one, in which spellings, and what does not."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.campaigns.messages import disclosure_line
from chalicelib.metrics.disclosure import disclosed, labels_in, tagged


@pytest.mark.parametrize(
    "text",
    [
        "#ad",
        "देखिए #Ad आज",
        "x #AD.",
        "x\n\n#ad #health #delhi",
        "＃ａｄ",
        "#a\u200bd",
        "#advertisement",
        "#Paid_Ad",
        "#विज्ञापन",
        unicodedata.normalize("NFD", "पानी बचाओ #विज्ञापन"),
        "Ad: save water",
        "[AD] save water",
        "📢 Advertisement | save water",
        "⚠\ufe0f Advertisement: save water",
        "विज्ञापन: पानी बचाओ",
        "विज्ञापन",
        "पानी बचाओ\nविज्ञापन - जल विभाग",
    ],
)
def test_an_advertisement_says_so_in_any_usual_spelling(text: str) -> None:
    assert labels_in(text) == ("ad",)
    assert disclosed("paid", labels_in(text)) == "yes"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "पानी बचाओ",
        "#adventure #addiction #ads2026",
        "#notanad",
        "#ad-free",
        "Ad-free water",
        "watch this ad",
        "Ad agencies are many",
        "advertisements everywhere",
        "विज्ञापनों से बचें",
        "#विज्ञापनमुक्त",
        "road #",
        "sad: today",
        "https://x.test/#add",
    ],
)
def test_a_word_that_only_looks_like_a_label_is_none(text: str) -> None:
    assert labels_in(text) == ()
    assert disclosed("paid", ()) == "no"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("#sponsored", "sponsored"),
        ("Sponsored by the water board", "sponsored"),
        ("#प्रायोजित", "sponsored"),
        ("Paid partnership with x", "partnership"),
        ("#PaidPartnership", "partnership"),
        ("#paidpromotion", "paid_promotion"),
        ("Collaboration: x", "collaboration"),
        ("#FreeGift", "gift"),
        (unicodedata.normalize("NFC", "#मुफ़्तउपहार"), "gift"),
    ],
)
def test_the_other_labels_of_the_rules_are_known(text: str, label: str) -> None:
    assert labels_in(text) == (label,)


def test_a_gift_is_no_payment_and_payment_is_more_than_a_gift() -> None:
    assert disclosed("paid", ("gift",)) == "no"
    assert disclosed("in_kind", ("gift",)) == "yes"
    assert disclosed("in_kind", ("ad",)) == "yes"


def test_what_is_not_known_is_neither_yes_nor_no() -> None:
    assert disclosed("paid", None) == "not_known"
    assert disclosed("", ("ad",)) == "not_known"
    assert disclosed("none", None) == "not_needed"


@pytest.mark.parametrize("language", ["hi", "en", "ta"])
@pytest.mark.parametrize("compensation", ["paid", "in_kind"])
def test_the_line_that_we_hand_out_ourselves_is_a_label(compensation: str, language: str) -> None:
    line = disclosure_line(compensation, language, "जल विभाग", {})  # type: ignore[arg-type]
    assert disclosed(compensation, labels_in(f"पानी बचाओ\n\n{line}")) == "yes"


def test_of_a_message_about_a_post_only_hashtags_count() -> None:
    assert tagged("Ad: here it is https://youtu.be/x #sponsored") == ("sponsored",)


@given(st.text(max_size=200))
def test_any_text_is_read_and_its_composition_makes_no_difference(text: str) -> None:
    found = labels_in(text)
    for form in ("NFC", "NFD"):
        assert labels_in(unicodedata.normalize(form, text)) == found
    assert set(tagged(text)) <= set(found)
