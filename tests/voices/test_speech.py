from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.voices.speech import PLEASANTRIES, Behalf, behalf_of, is_voice, language_of

LINES = (Path(__file__).parent / "phrases.tsv").read_text(encoding="utf-8").splitlines()
PHRASES = [tuple(line.split("\t")) for line in LINES]


@pytest.mark.parametrize(("expected", "language", "phrase"), PHRASES)
def test_a_phrase_is_a_voice_or_is_not(expected, language, phrase):
    assert is_voice(phrase) == (expected == "voice")


def test_no_pleasantry_is_a_voice_whatever_stands_around_it():
    for phrase in PLEASANTRIES.replace("\n", ",").split(","):
        assert not is_voice(phrase), phrase
        assert not is_voice(f"  {phrase.upper()} !!! 🙏"), phrase


def test_a_link_alone_says_nothing_and_words_beside_it_do():
    assert not is_voice("https://www.instagram.com/reel/abcdefghijklmnop/?igsh=xyz")
    assert is_voice("यह सड़क देखिए https://www.instagram.com/reel/abcdefghijklmnop/")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("सड़क टूटी है", "hi"),
        ("हमारे ward 12 की street light", "en"),
        ("हमारे वार्ड 12 की street लाइट", "hi"),
        ("سڑک ٹوٹی ہوئی ہے", "ur"),
        ("The road is broken", "en"),
        ("sadak tooti hai", "en"),
        ("", "hi"),
        ("12345 🙏", "hi"),
    ],
)
def test_the_script_tells_the_language(text, language):
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("रामवती देवी की ओर से: पेंशन नहीं मिल रही", Behalf()),
        ("रामवती (98765 43210) की ओर से: पेंशन नहीं मिल रही", Behalf("+919876543210")),
        ("+91 98765 43210 की तरफ से\nपेंशन नहीं मिल रही", Behalf("+919876543210")),
        ("९८७६५ ४३२१० की ओर से पेंशन नहीं आई", Behalf("+919876543210")),
        ("98765 43210 aur 98765 43211 ki taraf se pension", Behalf()),
        ("On behalf of my neighbour, 9876543210: no water", Behalf("+919876543210")),
        ("سنیتا کی طرف سے: پانی نہیں آتا", Behalf()),
        ("पेंशन नहीं मिल रही, 98765 43210 पर फ़ोन करें", None),
        ("सड़क टूटी है " * 12 + "सबकी ओर से", None),
        ("1234567890 की ओर से पानी नहीं", Behalf()),
    ],
)
def test_who_brings_anothers_word_says_so_at_the_beginning(text, expected):
    assert behalf_of(text) == expected


@given(st.text(max_size=300))
def test_any_text_can_be_asked_about(text):
    is_voice(text)
    assert language_of(text) in {"hi", "ur", "en"}
    behalf_of(text)
