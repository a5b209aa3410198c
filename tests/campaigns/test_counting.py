"""Large previews: counted by a job, exactly, whatever dies on the way."""

from __future__ import annotations

import dataclasses

import pytest

from chalicelib.campaigns.audience import Audience
from chalicelib.campaigns.counting import Counting
from chalicelib.errors import InvalidInput, NotFound
from tests.campaigns.samples import APPROVER, EDITOR, row
from tests.campaigns.test_campaigns import NOW
from tests.dispatch.world import Crash, Faults, MemoryQueue, MovingClock

VISIBILITY_S = 360
AUDIENCE = Audience(areas=("IN-XN",), languages=("hi",))
CHANNELS = ("whatsapp",)


def people():
    return [
        row(n, partition=("D9001", "D9002")[n % 2], language=("hi", "hi", "en")[n % 3]) for n in range(1, 24)
    ] + [row(n, channels=("telegram",)) for n in range(30, 35)]


@pytest.fixture
def campaigns(made, monkeypatch):
    monkeypatch.setattr("chalicelib.campaigns.counting.PAGE", 4)
    clock = MovingClock()
    clock.put(NOW)
    return dataclasses.replace(made(people()), plan_queue=MemoryQueue(clock), clock=clock)


def serve(campaigns, faults=None):
    """Works off the queue; a step that dies comes again."""
    queue = campaigns.plan_queue
    for _ in range(200):
        message = queue.take()
        if message is None:
            return
        mine = campaigns
        if faults:
            mine = dataclasses.replace(
                campaigns,
                store=faults.wrap(campaigns.store, "counting", "keep_counting"),
                plan_queue=faults.wrap(queue, "put"),
            )
        try:
            Counting(mine, step_s=0.0).step(message)
        except Crash:
            faults.dead, faults.at = False, None
            queue.put([message])
            campaigns.clock.move(VISIBILITY_S)
    raise AssertionError("no end")


def counts(found):
    return found.count, dict(found.by_channel), dict(found.by_area), dict(found.excluded)


def test_a_job_counts_what_a_preview_counts(campaigns):
    job = Counting(campaigns, step_s=0.0).begin(EDITOR, AUDIENCE, CHANNELS)
    assert (job.status, job.read, job.count) == ("running", 0, 0)
    serve(campaigns)
    done = Counting(campaigns).get(EDITOR, job.id)
    assert (done.status, done.read) == ("finished", 28)
    assert counts(done) == counts(campaigns.preview(AUDIENCE, CHANNELS))


def test_a_step_that_dies_anywhere_counts_nobody_twice_and_leaves_nobody_out(campaigns):
    calm = Faults()
    Counting(campaigns).begin(EDITOR, AUDIENCE, CHANNELS)
    serve(campaigns, calm)
    expected = counts(campaigns.preview(AUDIENCE, CHANNELS))
    assert calm.calls > 20
    for step in range(1, calm.calls + 1):
        for after in (False, True):
            faults = Faults()
            faults.at, faults.after = step, after
            job = Counting(campaigns).begin(EDITOR, AUDIENCE, CHANNELS)
            serve(campaigns, faults)
            done = Counting(campaigns).get(EDITOR, job.id)
            assert (done.status, done.read, counts(done)) == ("finished", 28, expected), calm.seen[step - 1]


def test_copies_of_messages_count_nobody_twice(campaigns):
    counting = Counting(campaigns, step_s=0.0)
    job = counting.begin(EDITOR, AUDIENCE, CHANNELS)
    steps = 0
    while (message := campaigns.plan_queue.take()) is not None:
        counting.step(message)
        counting.step(message)
        steps += 1
    assert steps < 20  # copies make no copies
    done = counting.get(EDITOR, job.id)
    assert (done.status, done.read) == ("finished", 28)
    assert counts(done) == counts(campaigns.preview(AUDIENCE, CHANNELS))
    counting.step({"preview": job.id, "rev": done.rev})
    counting.step({"preview": "job_none", "rev": 1})
    assert counting.get(EDITOR, job.id) == done


def test_a_job_is_its_makers_alone_and_needs_areas(campaigns):
    job = Counting(campaigns).begin(EDITOR, AUDIENCE, CHANNELS)
    for who, ident in ((APPROVER, job.id), (EDITOR, "job_none")):
        with pytest.raises(NotFound):
            Counting(campaigns).get(who, ident)
    with pytest.raises(InvalidInput):
        Counting(campaigns).begin(EDITOR, Audience(), CHANNELS)
