"""Every sentence that people may see is translated, and the compiled catalogues hold what the sources say."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from chalicelib import i18n
from chalicelib.pages import shell
from local.engine import ROOT

LANGUAGES = [language for language in i18n.languages() if language != "en"]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("translations", f"{ROOT}/scripts/translations.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_hindi_is_whole_and_there_is_a_language_from_right_to_left(tool: ModuleType) -> None:
    assert {"hi", "ur"} <= set(LANGUAGES)
    assert "hi" in i18n.COMPLETE


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one in i18n.COMPLETE])
def test_every_sentence_is_translated(tool: ModuleType, language: str) -> None:
    assert tool.missing(tool.catalogue(language)) == [], "translate these, then run scripts/translations.py"


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one not in i18n.COMPLETE])
def test_another_language_has_nine_of_ten_sentences_of_the_public_pages(
    tool: ModuleType, language: str
) -> None:
    """A new sentence does not wait for every language: until it is there it is said in English."""
    lacking = tool.missing(tool.catalogue(language))
    assert len(lacking) <= len(tool.public()) / 10, lacking


@pytest.mark.parametrize("language", i18n.languages())
def test_the_compiled_catalogue_is_in_step_with_its_source(tool: ModuleType, language: str) -> None:
    compiled = tool.po_of(language).with_suffix(".mo")
    assert compiled.read_bytes() == tool.mo_bytes(tool.stored(language)), "run scripts/translations.py"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_keeps_the_places_that_are_filled_in(tool: ModuleType, language: str) -> None:
    places = re.compile(r"%\(\w+\)s|\{\w+\}")
    for message in tool.catalogue(language):
        if message.id and message.string:
            assert set(places.findall(message.string)) == set(places.findall(message.id)), message.id


def test_sentences_of_errors_models_and_templates_are_found(tool: ModuleType) -> None:
    found = tool.wanted()
    for sentence in (
        "Please sign in.",
        "Please fill in this field.",
        "You can join when you are 18 years old.",
        "Join us",
        "%(organisation)s · to each and every person",
    ):
        assert sentence in found


def test_hindi_is_spoken_with_its_values_filled_in() -> None:
    said = i18n.translate("hi", "There is no area %(id)s.", {"id": "D1"})
    assert said.startswith("D1 ")


def test_what_a_language_lacks_is_shown_in_english() -> None:
    assert i18n.translate("ur", "Being sent") == "Being sent"
    assert i18n.translate("ur", "Join us") == "ہم سے جڑیے"


def test_a_new_language_is_a_folder_and_nothing_else(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tamil, of which only one sentence is there: found, offered by its own name, told what it lacks."""
    shutil.copytree(tool.LOCALE, tmp_path / "locale")
    folder = tmp_path / "locale" / "ta" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    monkeypatch.setattr(tool, "LOCALE", tmp_path / "locale")
    monkeypatch.setattr(i18n, "LOCALE", tmp_path / "locale")
    made = tool.catalogue("ta")
    made["Join us"].string = "எங்களுடன் இணையுங்கள்"
    lacking = tool.missing(made)
    assert "Your name" in lacking
    assert "Join us" not in lacking
    assert "Being sent" not in lacking, "that is the staff's"
    (folder / "janjan.mo").write_bytes(tool.mo_bytes(made))
    for known in (i18n.languages, i18n.catalogue, shell._environment):
        known.cache_clear()
    try:
        assert i18n.negotiate("ta", None, "hi") == "ta"
        shown = shell.render("about_help.html", "ta", path="/")
        assert '<html lang="ta">' in shown
        assert "எங்களுடன் இணையுங்கள்" in shown
        assert ">தமிழ்</span>" in shown
    finally:
        monkeypatch.undo()
        for known in (i18n.languages, i18n.catalogue, shell._environment):
            known.cache_clear()


@pytest.mark.parametrize("shown", ["31-12-2026", "31-12-2026 18:05", "+91 81234 56789", "18:05"])
def test_a_day_a_moment_and_a_number_keep_the_order_of_their_parts_in_a_sentence_of_urdu(shown: str) -> None:
    """After Arabic letters a browser would write 2026-12-31 for 31-12-2026 (UAX 9, W2)."""
    sentence = "Campaigns pause until %(day)s."
    assert f"\u2066{shown}\u2069" in i18n.translate("ur", sentence, {"day": shown})
    assert "\u2066" not in i18n.translate("ur", sentence, {"day": "JJ-7K2M-1"})
    assert "\u2066" not in i18n.translate("hi", sentence, {"day": shown})


def test_numbers_with_parts_that_stand_in_sentences_of_urdu_keep_their_order(tool: ModuleType) -> None:
    for message in filter(lambda one: one.id, tool.stored("ur")):
        for found in re.finditer(r"(.?)\d+(?:[ T:+-]\d+)+(.?)", str(message.string)):
            assert (found[1], found[2]) == ("\u2066", "\u2069"), message.string


def test_urdu_runs_from_right_to_left() -> None:
    assert '<html lang="ur" dir="rtl">' in shell.render("about_help.html", "ur", path="/")
    assert "dir=" not in shell.render("about_help.html", "hi", path="/").partition("<body")[0]
