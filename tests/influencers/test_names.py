"""Names and texts in Indian scripts: what is kept, what is refused, how long they are."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from chalicelib.names import (
    LONGEST_NAME,
    LONGEST_NAME_CODES,
    clean_name,
    clean_text,
    compose,
    fold,
    graphemes,
    is_indic,
    plain_digits,
)

DATA = Path(__file__).parents[3] / "shared" / "data"
ZWJ, ZWNJ = "\u200d", "\u200c"
SENTENCES = {
    "missing": "Please fill in this field.",
    "name_characters": "Please write the name in letters only, without digits or hidden characters.",
    "name_broken": "A word of the name begins with a vowel sign. Please type the name again.",
    "string_too_long": "This is too long: at most %(max_length)s characters.",
}


def refusal(text: str) -> str:
    with pytest.raises(PydanticCustomError) as refused:
        clean_name(text)
    assert refused.value.context
    assert refused.value.context["sentence"] == str(refused.value) == SENTENCES[refused.value.type]
    return refused.value.type


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  सुनीता\u00a0 देवी ", "सुनीता देवी"),
        ("राम\n कुमार", "राम कुमार"),
        ("पढ\u093cाई", "पढ़ाई"),
        ("पढ़ाई", "पढ\u093cाई"),
        (f"लक्ष्{ZWJ}मी", f"लक्ष्{ZWJ}मी"),
        (f"श्री{ZWNJ}मान", f"श्री{ZWNJ}मान"),
        (f"कोट्टूरत्तिल्{ZWJ}", f"कोट्टूरत्तिल्{ZWJ}"),
        (f"कोट्टूरत्तिल्{ZWJ} राम", f"कोट्टूरत्तिल्{ZWJ} राम"),
        ("José D’Souza-Pinto", "José D’Souza-Pinto"),
        ("UMESH KR. SINGH (M/o: S, @K; T)", "UMESH KR. SINGH (M/o: S, @K; T)"),
        ("जेवियर, एस।", "जेवियर, एस।"),
        ("प्रा॰ राम", "प्रा॰ राम"),
        ("ॐ", "ॐ"),
        ("اردو نام", "اردو نام"),
        ("தமிழ் செல்வன்", "தமிழ் செல்வன்"),
        ("ᱥᱟᱱᱛᱟᱲᱤ", "ᱥᱟᱱᱛᱟᱲᱤ"),
        ("ꯃꯩꯇꯩ", "ꯃꯩꯇꯩ"),
    ],
)
def test_a_name_is_composed_and_its_spaces_are_tidied(typed: str, kept: str) -> None:
    assert clean_name(typed) == unicodedata.normalize("NFC", kept)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "missing"),
        (" \t\n", "missing"),
        (". -", "missing"),
        ("राम 2", "name_characters"),
        ("०", "name_characters"),
        ("izk0fo0", "name_characters"),
        ("\ufeffउज्जैन", "name_characters"),
        ("राम\u202eकुमार", "name_characters"),
        ("राम\u200e", "name_characters"),
        ("राम\x00", "name_characters"),
        ("👩\u200d🌾", "name_characters"),
        ("Иван", "name_characters"),
        ("राम|", "name_characters"),
        ("राम\ufe0f", "name_characters"),
        ("Ra\u034fm", "name_characters"),
        ("राम\U000e0101", "name_characters"),
        ("Ra\u3164m", "name_characters"),
        ("राम\u200bकुमार", "name_characters"),
        (f"Ra{ZWJ}m", "name_characters"),
        (f"{ZWJ}राम", "name_characters"),
        (f"राम{ZWJ}", "name_characters"),
        (f"राम{ZWNJ} देवी", "name_characters"),
        (f"राम{ZWNJ}{ZWNJ}देवी", "name_characters"),
        (f"राम{ZWJ}a", "name_characters"),
        (f"राम {ZWJ}देवी", "name_characters"),
        ("राम\u20dd", "name_characters"),
        ("ाइमर", "name_broken"),
        ("राम िसंह", "name_broken"),
        ("ि", "name_broken"),
    ],
)
def test_what_cannot_be_a_name_is_refused(text: str, code: str) -> None:
    assert refusal(text) == code


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("abc", 3),
        ("नमस्ते", 3),
        ("क्ष", 1),
        ("क्षत्रिय", 3),
        (f"क्{ZWJ}ष", 1),
        (f"क्{ZWNJ}ष", 2),
        ("क् ष", 3),
        ("क्a", 2),
        ("पढ़ाई", 3),
        ("e\u0301", 1),
        ("ि", 0),
        ("क्षि", 1),
        ("कख", 2),
    ],
)
def test_letters_are_counted_as_a_reader_counts_them(text: str, count: int) -> None:
    assert graphemes(text) == count


def test_the_longest_name_is_sixty_letters_in_any_script() -> None:
    assert clean_name("a" * LONGEST_NAME)
    assert refusal("a" * (LONGEST_NAME + 1)) == "string_too_long"
    assert clean_name("क्ष" * LONGEST_NAME)
    assert refusal("क्ष" * (LONGEST_NAME + 1)) == "string_too_long"
    letter = "क" + "\u0902" * 4
    assert len(letter * 40) == LONGEST_NAME_CODES
    assert clean_name(letter * 40)
    assert refusal(letter * 40 + "\u0902") == "string_too_long"
    with pytest.raises(PydanticCustomError) as refused:
        clean_name("a" * 61)
    assert refused.value.context
    assert refused.value.context["max_length"] == 60


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_a_clean_name_stays_as_it_is_and_holds_nothing_hidden(text: str) -> None:
    try:
        name = clean_name(text)
    except PydanticCustomError:
        return
    assert clean_name(name) == name
    assert name == unicodedata.normalize("NFC", name) == name.strip()
    assert not any(unicodedata.category(c) in ("Cc", "Co", "Cs", "Cn", "Nd", "So") for c in name)
    assert all(c in (ZWJ, ZWNJ) for c in name if unicodedata.category(c) == "Cf")
    assert 0 < len(name) <= LONGEST_NAME_CODES


@pytest.mark.skipif(not DATA.exists(), reason="the public data lies beside the project, not in it")
def test_names_of_real_candidates_are_taken() -> None:
    broken = 0
    with (DATA / "person_names_hi_dev.csv").open(encoding="utf-8") as rows:
        names = [row[column] for row in csv.DictReader(rows) for column in ("name_en", "name_hi_raw")]
    for name in names:
        try:
            clean_name(name)
        except PydanticCustomError as refused:
            broken += 1
            assert refused.type in ("name_broken", "name_characters")
    assert len(names) > 8000
    assert broken <= 11, "words that begin with a vowel sign, a digit, a pipe: broken in the source"


@pytest.mark.skipif(not DATA.exists(), reason="the public data lies beside the project, not in it")
def test_the_traps_of_devanagari() -> None:
    refused = {
        "leading_sign",
        "krutidev",
        "zero_as_abbrev",
        "double_danda",
        "pipe_as_danda",
        "deva_digits",
        "mixed_digits",
        "bom",
        "combining_only",
        "homograph_zero",
        "emoji_zwj",
    }
    with (DATA / "text_traps_devanagari.csv").open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            if row["trap"] in refused:
                refusal(row["text"])
            else:
                assert clean_name(row["text"]) == " ".join(row["nfc"].split())


# --- free text


def test_free_text_keeps_its_lines_and_its_emoji() -> None:
    assert clean_text(" एक\r\nदो\rतीन\tचार ", 50) == "एक\nदो\nतीन चार"
    assert clean_text("👩\u200d🌾 किसान", 50) == "👩\u200d🌾 किसान"
    assert clean_text(f"श्री{ZWNJ}मान", 50) == f"श्री{ZWNJ}मान"


@pytest.mark.parametrize(
    "hidden", ["\u202e", "\u202b", "\x07", "\x7f", "\x9f", "\ue000", "\u0378", "\u3164", "\u180b"]
)
def test_hidden_characters_are_refused_in_texts(hidden: str) -> None:
    with pytest.raises(PydanticCustomError, match="hidden") as refused:
        clean_text(f"a{hidden}b", 50)
    assert refused.value.type == "hidden_characters"
    assert refused.value.context == {"sentence": "The text holds hidden characters. Please type it again."}


def test_marks_that_phones_put_into_a_text_are_dropped() -> None:
    assert clean_text("\ufeffसड़क\u200e खराब, \u202a+91 81234 56701\u202c पर\u00ad बात", 80) == (
        "सड़क खराब, +91 81234 56701 पर बात"
    )
    assert clean_text("\u2068रवि\u2069\u2060 नगर\u200b", 50) == "रवि नगर"


def test_the_length_of_a_text_is_counted_in_letters() -> None:
    assert clean_text("क्ष" * 10, 10)
    for text, longest in (("क्ष" * 11, 10), ("a" + "\u0902" * 40, 10)):
        with pytest.raises(PydanticCustomError) as refused:
            clean_text(text, longest)
        assert refused.value.type == "string_too_long"
        assert refused.value.context
        assert refused.value.context == {"sentence": SENTENCES["string_too_long"], "max_length": longest}
    assert clean_text("a" + "\u0902" * 39, 10)


# --- small helpers


def test_two_spellings_are_found_by_one_word() -> None:
    assert fold(f"लक्ष्{ZWJ}मी  Devi") == fold("लक्ष्मी devi") == "लक्ष्मी devi"
    assert fold(f"श्री{ZWNJ}मान") == "श्रीमान"


def test_digits_of_any_script_are_numbers() -> None:
    assert plain_digits("+९१ ௮1۲a") == "+91 812a"
    assert plain_digits("²") == "²"


def test_letters_are_told_by_their_script() -> None:
    assert is_indic("क")
    assert is_indic("\u0947")
    assert is_indic("ল")
    assert not is_indic("a")
    assert not is_indic("१")
    assert not is_indic("Ж")


def test_blanks_become_one_space() -> None:
    assert compose("\u00a0a \u2003 b\n") == "a b"
