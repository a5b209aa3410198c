"""Every sentence that people may see is translated, and the compiled catalogues hold what the sources say."""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType

import pytest

from chalicelib import i18n
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


def test_there_is_hindi() -> None:
    assert "hi" in LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_translated(tool: ModuleType, language: str) -> None:
    assert tool.missing(tool.catalogue(language)) == [], "translate these, then run scripts/translations.py"


@pytest.mark.parametrize("language", i18n.languages())
def test_the_compiled_catalogue_is_in_step_with_its_source(tool: ModuleType, language: str) -> None:
    compiled = tool.po_of(language).with_suffix(".mo")
    assert compiled.read_bytes() == tool.mo_bytes(tool.stored(language)), "run scripts/translations.py"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_keeps_the_places_that_are_filled_in(tool: ModuleType, language: str) -> None:
    places = re.compile(r"%\(\w+\)s|\{\w+\}")
    for message in tool.catalogue(language):
        if message.id:
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
