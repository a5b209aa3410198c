"""The documents tell the truth: the tests, events and settings that they name are there."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from chalicelib.events.catalog import CATALOG
from chalicelib.settings import Settings

ROOT = Path(__file__).parents[1]
GUARANTEES = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", GUARANTEES))))
def test_every_promise_names_a_test_that_exists(named):
    path, _, test = named.partition("::")
    assert re.search(rf"^ *def {test}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), named


def test_every_promise_has_its_test():
    rows = [line for line in GUARANTEES.splitlines() if line.startswith("| ")][2:]
    assert rows and all("`tests/" in row for row in rows)


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_every_event_is_documented_with_its_data(name):
    event = CATALOG[name]
    text = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    row = f"| `{name}` | `janjan.{event.feature}` | {', '.join(event.model_fields)} |"
    assert row in text


@pytest.mark.parametrize("field", [f.name for f in fields(Settings)])
def test_every_setting_is_documented(field):
    assert f"`{field.upper()}`" in (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "document", sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "docs").rglob("*.md"))
)
def test_links_between_documents_lead_somewhere(document):
    path = ROOT / document
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target
