"""A real Lambda process is killed in the middle of a chunk; then its message comes again."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import judge
from local.acting import Caller, Creators, Staff, enrol
from local.laptop import Laptop
from local.programme import brief, load_ground
from local.sample import creators
from tests.e2e.systems import eventually, slow_laptop

PEOPLE = 60
SLOW_PER_S = 8
MARKER = "#killed"


@pytest.fixture
def system(tmp_path: Path, socket_enabled: None) -> Iterator[Laptop]:
    """A deployed system of its own, on a channel so slow that a chunk takes seconds."""
    with slow_laptop(tmp_path, SLOW_PER_S) as running:
        running.engine.client("sqs").set_queue_attributes(
            QueueUrl=running.env["SEND_QUEUE_URL"], Attributes={"VisibilityTimeout": "3"}
        )
        yield running


def workers(system: Laptop, function: str) -> list[int]:
    """Process ids of the engine's Lambda workers that run `function`."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                environment = (folder / "environ").read_bytes().decode("utf-8", "replace").split("\0")
            except OSError:
                continue
            name = next((e for e in environment if e.startswith("AWS_LAMBDA_FUNCTION_NAME=")), "")
            if function in name.lower() and system.engine.url in " ".join(environment):
                found.append(int(folder.name))
    return found


def requests_taken(system: Laptop, campaign: str) -> int:
    return sum(p.requests for p in judge.people_of(judge.read_log(system.sandbox_log), campaign, MARKER))


def test_a_lambda_killed_in_the_middle_of_a_chunk_sends_nobody_twice_and_loses_nobody(system: Laptop):
    api, sandbox = Caller(system.url), Caller(system.sandbox_url)
    areas = load_ground(system)
    staff = Staff.signed_in(api, system.env)
    staff.register_templates(sandbox)
    people = creators(PEOPLE, areas)
    enrol(people, Creators(api, sandbox), staff)
    campaign = staff.launch(brief(MARKER, ["IN"]))

    eventually(lambda: requests_taken(system, campaign) >= 6, 60, "the first requests")
    killed = workers(system, "sendchunk") or workers(system, "send_chunk")
    assert killed, "no worker of send_chunk is running"
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    sandbox("POST", "/clock", {"offset_s": 120})  # the dead one's claims are over

    eventually(lambda: staff.report(campaign)["status"] == "dispatched", 120, "the end of the run")
    eventually(lambda: sandbox("GET", "/healthz")["pending"] == 0, 60, "the last callback")

    def agrees() -> bool:
        truth = judge.truth_of(judge.people_of(judge.read_log(system.sandbox_log), campaign, MARKER))
        return not judge.disagreements(truth, staff.report(campaign), crashed=True)

    eventually(agrees, 30, "the judge's agreement")
    counts = staff.report(campaign)
    asked = judge.people_of(judge.read_log(system.sandbox_log), campaign, MARKER)
    assert max(p.requests for p in asked) == 1
    assert counts["planned"] == PEOPLE
    assert counts["accepted"] + counts["unknown"] + counts["failed"] == PEOPLE
    assert counts["unknown"] <= 2 * len(killed) + sum(p.platform == "telegram" for p in asked)
