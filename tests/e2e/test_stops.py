"""A stop on the deployed system: the last request starts at most 5 s after the call, by the sandbox's log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local import judge
from local.acting import Caller, Creators, Staff, enrol
from local.laptop import Laptop
from local.programme import brief, load_ground
from local.sample import creators
from tests.e2e.systems import eventually, slow_laptop, starts

PEOPLE = 36
SLOW_PER_S = 2
MARKER = "#stopped"
HALTS_WITHIN_S = 5.0


@pytest.fixture
def system(tmp_path: Path, socket_enabled: None) -> Iterator[Laptop]:
    """A deployed system of its own, whose channels are so slow that a chunk takes ten seconds."""
    with slow_laptop(tmp_path, SLOW_PER_S) as running:
        yield running


def test_a_stop_halts_new_sends_within_five_seconds_and_lifting_it_reaches_everybody_once(system: Laptop):
    api, sandbox = Caller(system.url), Caller(system.sandbox_url)
    areas = load_ground(system)
    staff = Staff.signed_in(api, system.env)
    staff.register_templates(sandbox)
    enrol(creators(PEOPLE, areas), Creators(api, sandbox), staff)
    campaign = staff.launch(brief(MARKER, ["IN"]))
    eventually(lambda: len(starts(system, campaign, MARKER)) >= 6, 60, "the first requests")

    called = datetime.now(UTC)
    admin = staff.tokens["admin"]
    stop = api("PUT", "/v1/stops/all", {"reason": "The code of conduct has begun."}, token=admin)
    assert stop["scope"] == "all"
    time.sleep(HALTS_WITHIN_S + 4)
    sent = starts(system, campaign, MARKER)
    assert len(sent) < PEOPLE, "all was sent before the stop"
    assert (max(sent) - called).total_seconds() <= HALTS_WITHIN_S
    assert staff.report(campaign)["in_progress"] > 0

    api("DELETE", "/v1/stops/all", token=admin)
    assert api("GET", "/v1/stops", token=admin)["items"] == []
    eventually(lambda: staff.report(campaign)["status"] == "dispatched", 60, "the end of the run")
    eventually(lambda: sandbox("GET", "/healthz")["pending"] == 0, 30, "the last callback")

    def agrees() -> bool:
        truth = judge.truth_of(judge.people_of(judge.read_log(system.sandbox_log), campaign, MARKER))
        return not judge.disagreements(truth, staff.report(campaign))

    eventually(agrees, 30, "the judge's agreement")
    asked = judge.people_of(judge.read_log(system.sandbox_log), campaign, MARKER)
    assert [person.requests for person in asked] == [1] * PEOPLE
    counts = staff.report(campaign)
    assert (counts["planned"], counts["accepted"], counts["unknown"]) == (PEOPLE, PEOPLE, 0)
