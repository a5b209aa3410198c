"""Quiet hours and a daily run on the deployed system, its clock moved to the evening, then to the morning."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from local import judge
from local.acting import Caller, Creators, Staff, enrol
from local.laptop import Laptop
from local.programme import brief, load_ground
from local.sample import creators
from tests.e2e.systems import eventually, slow_laptop, starts

PEOPLE = 36
SLOW_PER_S = 1
BEFORE_NINE_S = 24
"""Room for a busy machine to launch the run, and too little to reach everybody."""
MARKER = "#night"
INDIA = ZoneInfo("Asia/Kolkata")


@pytest.fixture
def system(tmp_path: Path, socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Laptop]:
    """A deployed system with quiet hours, whose channels need longer for all than is left until nine."""
    monkeypatch.setenv("QUIET_HOURS", "21:00-08:00")
    with slow_laptop(tmp_path, SLOW_PER_S) as running:
        yield running


def put_clock(sandbox: Caller, at: datetime) -> None:
    """Moves the clock of sandbox and handlers to `at`."""
    sandbox("POST", "/clock", {"offset_s": (at - datetime.now(UTC)).total_seconds()})


def tick(system: Laptop) -> None:
    """The minute's tick, now."""
    names = ("account", "region", "source", "time", "id", "resources", "version", "detail")
    event = dict.fromkeys(names, "x") | {"detail-type": "Scheduled Event"}
    functions = system.engine.client("lambda")
    deployed = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
    [name] = [name for name in deployed if "-LaunchDue-" in name]
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event))
    assert "FunctionError" not in answer, answer["Payload"].read()


def test_a_daily_run_rests_from_nine_to_eight_goes_on_and_is_followed_by_the_next(system: Laptop):
    api, sandbox = Caller(system.url), Caller(system.sandbox_url)
    areas = load_ground(system)
    staff = Staff.signed_in(api, system.env)
    staff.register_templates(sandbox)
    enrol(creators(PEOPLE, areas), Creators(api, sandbox), staff)
    today = datetime.now(INDIA).replace(hour=21, minute=0, second=0, microsecond=0)
    nine = (today + timedelta(days=1)).astimezone(
        UTC
    )  # ahead: the engine deletes what has expired by its clock
    eight = nine + timedelta(hours=11)
    put_clock(sandbox, nine - timedelta(seconds=BEFORE_NINE_S))
    past_nine = time.monotonic() + BEFORE_NINE_S + 6
    series = {"zone": "Asia/Kolkata", "repeat": {"every": "day", "times": 2}}
    lives = {"expires_at": (nine + timedelta(days=4)).isoformat()}
    campaign = staff.launch(brief(MARKER, ["IN"]) | lives, series)

    eventually(lambda: starts(system, campaign, MARKER), 12, "the first request")
    time.sleep(max(0.0, past_nine - time.monotonic()))
    evening = starts(system, campaign, MARKER)
    assert 0 < len(evening) < PEOPLE
    assert max(evening) < nine
    assert staff.report(campaign)["in_progress"] == PEOPLE - len(evening)

    put_clock(sandbox, eight + timedelta(seconds=1))
    tick(system)
    eventually(lambda: len(starts(system, campaign, MARKER)) >= PEOPLE, 60, "the rest of the requests")
    editor = staff.tokens["editor"]

    def runs() -> list[str]:
        listed = api("GET", f"/v1/campaigns/{campaign}/runs", token=editor)["items"]
        return [run["status"] for run in listed]

    eventually(lambda: runs() == ["dispatched", "scheduled"], 90, "the next run")
    assert all(at < nine or at >= eight for at in starts(system, campaign, MARKER))
    asked = judge.people_of(judge.read_log(system.sandbox_log), campaign, MARKER)
    assert [person.requests for person in asked] == [1] * PEOPLE
    second = api("GET", f"/v1/campaigns/{campaign}/runs", token=editor)["items"][1]
    assert (second["repeat"]["number"], second["repeat"]["of"]) == (2, 2)
    api("POST", f"/v1/campaigns/{campaign}/cancel", {}, token=editor)
    assert runs() == ["dispatched", "cancelled"]
