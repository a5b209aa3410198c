"""The documents tell the truth: the tests, events and settings that they name are there."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from chalicelib.dispatch.model import Fact, Status
from chalicelib.events.catalog import CATALOG
from chalicelib.settings import Settings
from tests.conftest import template

ROOT = Path(__file__).parents[1]
GUARANTEES = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
DISPATCH = (ROOT / "docs" / "dispatch.md").read_text(encoding="utf-8")
DEAD_LETTERS = (ROOT / "docs" / "dead-letters.md").read_text(encoding="utf-8")
PROMISES = GUARANTEES + DISPATCH + DEAD_LETTERS + (ROOT / "docs" / "imports.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", PROMISES))))
def test_every_promise_names_a_test_that_exists(named):
    path, _, test = named.partition("::")
    assert re.search(rf"^ *def {test}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), named


def test_every_promise_has_its_test():
    rows = [line for line in GUARANTEES.splitlines() if line.startswith("| ")][2:]
    assert rows and all("`tests/" in row for row in rows)


def test_every_fact_status_and_reason_of_a_delivery_is_explained():
    told = {
        *Status,
        "expired",
        "cancelled",
        "erased",
        "not_approved",
        "no_address",
        "opted_out",
        "no_consent",
        "silence",
        "code_of_conduct",
    }
    assert {name for name in told if f"`{name}`" not in DISPATCH} == set()
    facts = re.findall(r"^\| ([a-z ]+)[,|]", DISPATCH.partition("| fact |")[2].partition("none of")[0], re.M)
    assert {fact.strip().replace(" ", "_") for fact in facts} == {fact.name.lower() for fact in Fact}


def test_every_dead_letter_queue_and_its_alarm_is_explained():
    resources = template()["Resources"]
    alarms = {name for name in resources if name.endswith("DeadAlarm")}
    assert set(re.findall(r"`(\w+DeadAlarm)`", DEAD_LETTERS)) == alarms
    queues = [r["Properties"]["QueueName"]["Fn::Sub"] for n, r in resources.items() if n.endswith("Dead")]
    named = [name.removeprefix("janjan-${Stage}-").removesuffix("-dead") for name in queues]
    assert [name for name in named if f"| `{name}` (" not in DEAD_LETTERS] == []


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
