import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.callbacks.stopwords import LONGEST, fold, meaning_of

LINES = (Path(__file__).parent / "phrases.tsv").read_text(encoding="utf-8").splitlines()
PHRASES = [tuple(line.split("\t")) for line in LINES]
LANGUAGES = {"hi", "hi-Latn", "en", "ur", "bn", "mr", "gu", "ta", "te", "kn", "ml", "pa", "or", "as"}


@pytest.mark.parametrize(("expected", "language", "phrase"), PHRASES)
def test_a_phrase_means_what_it_says(expected, language, phrase):
    assert (meaning_of(phrase) or "voice") == expected


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_phrases_mean_the_same_in_every_normal_form(form):
    for expected, _, phrase in PHRASES:
        assert (meaning_of(unicodedata.normalize(form, phrase)) or "voice") == expected, phrase


def test_the_list_has_stops_starts_and_near_misses_in_every_language():
    for kind in ("stop", "start", "voice"):
        assert {language for found, language, _ in PHRASES if found == kind} - {"-"} >= LANGUAGES - (
            {"hi-Latn"} if kind == "voice" else set()
        )
    assert len(PHRASES) >= 60


def test_a_stop_of_five_words_is_a_sentence():
    assert meaning_of("please please please stop") == "stop"
    assert meaning_of("please please please please stop") is None


def test_a_long_message_is_not_even_folded():
    assert meaning_of("stop" + "!" * (LONGEST - 4)) == "stop"
    assert meaning_of("stop" + "!" * (LONGEST - 3)) is None


def test_words_about_messages_alone_say_nothing():
    assert [meaning_of(text) for text in ("please", "message", "मैसेज", "", " ", "🙏")] == [None] * 6


def test_folding_drops_what_typing_adds_and_keeps_vowel_signs():
    assert fold("  S.T-O'P  ") == "s t op"
    assert fold("क़िला") == fold("किला") == "किला"
    assert fold("बँद") == fold("बंद")
    assert fold("کرو") == fold("كرو")
    assert fold("बंद\u200d\u200c\ufe0f") == "बंद"
    assert fold("aaa aa") == "a aa"


@given(st.text(max_size=200))
def test_any_text_has_a_meaning_or_none(text):
    assert meaning_of(text) in {None, "stop", "start"}
