"""The pace of a channel on the deployed system, by the sandbox's log; and a channel that falls ill."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import judge
from local.acting import Caller, Staff
from local.laptop import Laptop
from local.programme import brief, load_ground
from local.prove.ground import FIRST, _enter, _press_start
from local.prove.rate import rate_of
from local.sample import areas_from, creators
from tests.conftest import restore_environment, use_environment
from tests.e2e.systems import eventually, slow_laptop

PEOPLE = 600
RATE_PER_S = 30.0
MARKER = "#paced"
HALTS_WITHIN_S = 5.0


@pytest.fixture
def system(tmp_path: Path, socket_enabled: None) -> Iterator[Laptop]:
    """A deployed system of its own, full of people, whose channels take thirty a second."""
    everybody = [
        one for one in creators(2 * PEOPLE, areas_from(None), first=FIRST) if one.channel == "whatsapp"
    ]
    _press_start(tmp_path / "sandbox.jsonl", everybody)
    with slow_laptop(tmp_path, RATE_PER_S) as running:
        load_ground(running)
        before = dict(os.environ)
        use_environment(running.env)
        _enter(everybody[:PEOPLE], {area.id: area.path for area in areas_from(None)})
        restore_environment(before)
        yield running


def starts(system: Laptop, campaign: str) -> list[float]:
    """When each request of this campaign reached the platform."""
    lines = [line for line in judge.read_log(system.sandbox_log) if line["kind"] == "request"]
    return [judge.instant(line) for line in lines if str(line["key"] or "").startswith(campaign)]


def test_a_channel_is_not_asked_beyond_its_limit_and_an_ill_one_waits_for_its_probe(system: Laptop):
    api, sandbox = Caller(system.url), Caller(system.sandbox_url)
    staff = Staff.signed_in(api, system.env)
    staff.register_templates(sandbox)
    admin = staff.tokens["admin"]
    campaign = staff.launch(brief(MARKER, ["IN"]))
    eventually(lambda: len(starts(system, campaign)) >= PEOPLE * 0.8, 120, "most of the campaign")
    # That the limit is also used cannot be asked of a busy machine: tests/dispatch/test_pace.py shows it by a
    # given clock, `make prove` measures it.
    rate = rate_of(starts(system, campaign), RATE_PER_S)
    assert rate.breaches() == [], rate

    sandbox("POST", "/behaviour", {"channel_ill": True})
    eventually(lambda: api("GET", "/v1/stops", token=admin)["items"], 30, "the breaker")
    [stop] = api("GET", "/v1/stops", token=admin)["items"]
    assert (stop["scope"], stop["by"], stop["code"]) == ("channel:whatsapp-main", "system", "131031")
    assert api("GET", "/v1/channels/whatsapp-main", token=admin)["health"] == "stopped"
    time.sleep(HALTS_WITHIN_S)
    before = len(starts(system, campaign))
    time.sleep(5)
    assert len(starts(system, campaign)) == before

    sandbox("POST", "/behaviour", {"channel_ill": False})
    eventually(lambda: not api("GET", "/v1/stops", token=admin)["items"], 150, "the probe")
    eventually(lambda: staff.report(campaign)["status"] == "dispatched", 120, "the end of the run")
    counts = staff.report(campaign)
    assert (counts["planned"], counts["unknown"], counts["in_progress"]) == (PEOPLE, 0, 0)
    assert counts["accepted"] + counts["failed"] == PEOPLE
