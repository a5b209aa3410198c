"""The proof: its worlds hold and repeat themselves, its judge sees each breach, its mutants are noticed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local import judge
from local.judge import Ban, Outcome, Person
from local.prove import mutants
from local.prove.figures import kinds
from local.prove.rate import most_within, rate_of

ROOT = Path(__file__).parents[2]
GUARANTEES = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
RUN = "cmp_a-1"
PATCHES = sorted(mutants.MUTANTS.glob("*.patch"))


def prove(*options: str) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "local.prove", "--part", "simulated", "--workers", "1", *options]
    env = {name: value for name, value in os.environ.items() if name not in ("SEED", "MUTANTS")}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    line = json.loads(done.stdout.splitlines()[-1])
    line.pop("seconds")
    return done.returncode, line


@pytest.mark.slow
def test_a_simulated_world_keeps_every_promise_and_a_seed_repeats_it():
    code, line = prove("--seeds", "7", "--people", "60")
    assert (code, line["holds"], line["breaches"]) == (0, True, 0)
    assert line["recipients"] >= 60
    faults = line["simulated"]["faults"]
    assert min(faults["aws_refused"], faults["aws_reset"], faults["aws_answers_lost"]) > 0
    assert prove("--seeds", "7", "--people", "60") == (code, line)


@pytest.mark.slow
def test_a_broken_application_is_noticed():
    red, why = mutants.noticed(mutants.Mutant.read(mutants.MUTANTS / "claim_unconditional.patch"))
    assert red, why


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_every_mutant_applies_to_the_code_and_breaks_a_promise(patch):
    mutant = mutants.Mutant.read(patch)
    done = subprocess.run(
        [*mutants.APPLY, "--check", str(patch)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert mutant.acts
    assert f"`{mutant.name}`" in GUARANTEES


def test_every_mutant_that_a_promise_names_exists():
    rows = [line.split("|") for line in GUARANTEES.splitlines() if line.startswith("| ")][2:]
    named = {name for row in rows if len(row) > 4 for name in re.findall(r"`(\w+)`", row[3])}
    assert named == {patch.stem for patch in PATCHES}
    assert len(named) >= 12


def asked(to: str, at: float, key: str = f"{RUN}.0.0.1", outcome: str = "accepted") -> dict[str, Any]:
    return {
        "kind": "request",
        "at": at,
        "platform": "whatsapp",
        "to": to,
        "key": key,
        "outcome": outcome,
        "payload": {},
    }


@pytest.mark.parametrize(
    ("ban", "found"),
    [
        (Ban("all", 10), 1),
        (Ban("all", 10, grace_s=5), 0),
        (Ban("over", 10, 11), 0),
        (Ban("run", 10, run=RUN), 1),
        (Ban("campaign", 10, run="cmp_a"), 1),
        (Ban("another", 10, run="cmp_b"), 0),
        (Ban("channel", 10, platform="telegram"), 0),
        (Ban("people", 10, addresses=frozenset({"+1"})), 1),
        (Ban("others", 10, addresses=frozenset({"+2"})), 0),
        (Ban("ended", 10, first_only=True), 1),
    ],
)
def test_a_request_in_a_forbidden_time_is_found(ban, found):
    assert len(judge.forbidden([asked("+1", 12.0)], [ban], {})) == found


def test_a_second_attempt_after_the_end_is_allowed():
    again = asked("+1", 12.0, key=f"{RUN}.0.0.2")
    assert judge.forbidden([again], [Ban("ended", 10, first_only=True)], {}) == []


def test_a_text_without_a_key_belongs_to_the_run_of_its_marker():
    line = asked("5", 12.0) | {"platform": "telegram", "key": None, "payload": {"text": "words #a"}}
    assert len(judge.forbidden([line], [Ban("run", 10, run=RUN)], {"#a": RUN})) == 1
    assert judge.forbidden([line], [Ban("run", 10, run=RUN)], {"#b": RUN}) == []


def person(outcome: str, *told: str) -> Person:
    one = Person("whatsapp", "+1")
    one.request(1, outcome)
    for status in told:
        one.tell(1, status)
    return one


@pytest.mark.parametrize(
    ("people", "statuses", "wrong"),
    [
        ([person("accepted")], ["accepted"], 0),
        ([person("accepted", "sent")], ["sent"], 0),
        ([person("accepted", "delivered", "failed")], ["delivered"], 0),
        ([person("accepted", "delivered", "failed")], ["failed"], 1),
        ([person("accepted")], ["unknown"], 0),
        ([person("accepted", "read")], ["unknown"], 1),
        ([person("accepted")], ["not_sent"], 1),
        ([person("accepted")], ["accepted", "accepted"], 1),
        ([person("accepted")], ["planned"], 2),
        ([], ["accepted"], 1),
        ([], ["not_sent"], 0),
        ([], ["not_sent", "not_sent"], 1),
    ],
)
def test_who_has_another_outcome_than_the_log_shows_is_found(people, statuses, wrong):
    said = {"whatsapp:+1": [Outcome(status) for status in statuses]}
    assert len(judge.misjudged(judge.counted(people, said, {}), said, [])) == wrong


def test_who_is_nowhere_is_found_on_both_sides():
    assert len(judge.misjudged({"+1": person("accepted")}, {}, ["+2"])) == 2


def test_who_moved_may_be_kept_back_at_both_places():
    assert judge.misjudged({}, {"+1": [Outcome("not_sent")] * 2}, [], ["+1"]) == []


def test_who_is_reached_over_two_channels_counts_once_by_the_newest_attempt():
    who = {"whatsapp:+1": "a", "telegram:5": "a"}
    second = Person("telegram", "5")
    second.request(2, "accepted")
    said = {"a": [Outcome("accepted", 2, "telegram")]}
    people = judge.counted([person("refused:131026"), second], said, who)
    assert people == {"a": second} and not second.late
    assert judge.misjudged(people, said, ["a"]) == []
    assert judge.counted([person("accepted", "delivered"), second], said, who)["a"].late


def test_another_channel_after_what_did_not_fail_is_found():
    who = {"whatsapp:+1": "a", "telegram:5": "a"}
    second = Person("telegram", "5")
    second.request(2, "accepted")
    assert judge.unfounded([person("refused:131026"), second], who) == []
    assert judge.unfounded([person("accepted", "failed"), second], who) == []
    assert len(judge.unfounded([person("lost_reply"), second], who)) == 1


def test_an_unknown_attempt_that_never_left_stands_for_those_before_it():
    said = {"whatsapp:+1": [Outcome("unknown", 2, "telegram")]}
    people = judge.counted([person("accepted", "delivered")], said, {})
    assert judge.misjudged(people, said, []) == []
    assert people["whatsapp:+1"].unknown and people["whatsapp:+1"].late


def test_a_fact_that_changed_or_went_is_found():
    assert judge.changed_facts("t1", {"ra": 1, "da": 2}, {"ra": 1, "da": 2, "sa": 3}) == []
    assert len(judge.changed_facts("t1", {"ra": 1, "da": 2}, {"ra": 4})) == 2


def test_events_and_changes_answer_each_other():
    lost = asked("+1", 1.0, key="lost", outcome="lost_reply")
    assert judge.unmatched_events(["a", "lost"], ["a"], [lost]) == []
    assert len(judge.unmatched_events(["b"], ["a"], [lost])) == 2


def test_the_cap_holds_on_both_sides():
    runs = [["+1"], ["+1"]]
    assert judge.over_cap(runs, [], 2, []) == []
    assert len(judge.over_cap(runs, [], 1, [])) == 1
    assert judge.over_cap(runs, [], 2, ["+1"]) == []
    assert len(judge.over_cap(runs, [], 3, ["+1"])) == 1
    assert judge.over_cap(runs, [["+1"]], 3, ["+1"]) == []


def test_the_rate_counts_sliding_windows():
    assert most_within([0.0, 0.5, 0.99, 1.0, 1.4], 1.0) == 4
    even = [n / 29.5 for n in range(3000)]
    assert rate_of(even, 30).breaches(waiting=True) == []
    assert any("second" in found for found in rate_of([*even, *[50.0] * 5], 30).breaches())
    assert any("minute" in found for found in rate_of([n / 31 for n in range(3000)], 30).breaches())
    slow = rate_of([n / 20 for n in range(3000)], 30)
    assert any("waited" in found for found in slow.breaches(waiting=True))


def test_each_breach_is_of_one_kind():
    found = kinds(["cmp: 1 requests were second ones to the same person", "expired cmp: +1 was asked", "x"])
    assert (found["duplicate_requests"], found["late"], found["other"], sum(found.values())) == (1, 1, 1, 3)
