"""Quiet hours and the expiry, from the plan to the last look before the request."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from chalicelib.dispatch.model import partition_of
from chalicelib.dispatch.store import ParkedItem, TallyItem
from chalicelib.ports import QuietHours
from tests.dispatch.world import RUN, Crash, world

pytestmark = pytest.mark.usefixtures("tables")

NIGHT = QuietHours(time(21), time(8))
EVENING = datetime(2026, 11, 2, 15, 28, tzinfo=UTC)
"""20:58 in India."""
NINE = datetime(2026, 11, 2, 15, 30, tzinfo=UTC)
EIGHT = datetime(2026, 11, 3, 2, 30, tzinfo=UTC)


def evening(people=60, *, rate_per_s=0.25, lives=timedelta(days=2), **more):
    """A run of 20:58 whose messages take longer than the two minutes that are left of the day."""
    w = world(people, **more)
    w.platform.rate_per_s = rate_per_s
    w.clock.put(EVENING)
    change(w, at=EVENING, expires_at=EVENING + lives, quiet=NIGHT)
    record_times(w)
    w.launch()
    return w


def change(w, **changes):
    w.runs.briefs[RUN] = replace(w.runs.briefs[RUN], **changes)


def record_times(w):
    """Keeps when each request was made, by the world's clock."""
    w.requested_at = []
    send = w.platform.send

    def noted(*args):
        w.requested_at.append(w.clock.at)
        return send(*args)

    w.platform.send = noted


def pass_time(w, until):
    """What is queued is handled when it is due, the tick comes each minute in which it has something to do,
    until then."""
    while w.clock.at < until:
        parked = [int(row.sk[:11]) for row in ParkedItem.query("parked", limit=1)]
        tick = datetime.fromtimestamp(parked[0], UTC) if parked else until
        tick = min(until, max(tick, w.clock.at + timedelta(minutes=1)))
        if w.send_queue.messages and min(due for due, _ in w.send_queue.messages) <= tick:
            w.send_one(w.send_queue.take())
            continue
        w.clock.put(tick)
        with suppress(Crash):  # its Lambda died: it comes again in a minute
            w.planner().tick()
        w.plan_queue.messages.clear()


def in_the_night(w):
    return [at for at in w.requested_at if NINE <= at < EIGHT]


def everybody_once(w, people):
    assert set(w.taken_by().values()) <= {1}
    assert {len(places) for places in w.statuses().values()} == {1}
    assert len(w.statuses()) == people


def test_a_run_that_is_not_done_at_nine_rests_until_eight_and_goes_on():
    w = evening()
    pass_time(w, NINE)
    before = len(w.requested_at)
    assert 0 < before < 60
    pass_time(w, EIGHT - timedelta(minutes=1))
    assert len(w.requested_at) == before
    assert w.send_queue.messages == []
    assert list(ParkedItem.query("parked"))
    assert w.counts().in_progress == 60 - before
    pass_time(w, EIGHT + timedelta(hours=2))
    assert in_the_night(w) == []
    assert w.counts().accepted == 60
    everybody_once(w, 60)
    assert list(ParkedItem.query("parked")) == []


def test_quiet_hours_that_begin_between_claim_and_request_hold_the_message_back_and_give_the_claim_away():
    w = evening(1, rate_per_s=1000)
    claim, ledger = w.store.claim, []

    def claim_at_nine(*args, **more):
        ledger.append(claim(*args, **more))
        w.clock.put(max(w.clock.at, NINE))
        return ledger[-1]

    w.store.claim = claim_at_nine
    w.clock.put(NINE - timedelta(seconds=1))
    w.send_one(w.send_queue.take())
    assert (w.requested_at, len(ledger)) == ([], 1)
    pass_time(w, EIGHT + timedelta(minutes=10))
    assert [at >= EIGHT for at in w.requested_at] == [True]
    everybody_once(w, 1)
    assert w.counts().accepted == 1


def test_a_run_that_expires_in_the_night_leaves_the_rest_unsent_at_its_expiry_not_in_the_morning():
    w = evening(lives=timedelta(hours=5))
    expires = EVENING + timedelta(hours=5)
    pass_time(w, NINE + timedelta(minutes=30))
    sent = len(w.requested_at)
    pass_time(w, expires + timedelta(minutes=2))
    counts = w.counts()
    assert (counts.accepted, counts.not_sent["expired"], counts.in_progress) == (sent, 60 - sent, 0)
    pass_time(w, EIGHT + timedelta(hours=1))
    assert len(w.requested_at) == sent
    everybody_once(w, 60)


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_before_or_after_any_step_at_nine_or_eight_sends_nobody_twice_and_nobody_at_night(
    tables, after
):
    def night(at):
        tables.empty()
        w = evening(3, rate_per_s=0.015)
        w.faults.calls, w.faults.at, w.faults.after = 0, at, after
        w.faults.seen.clear()
        pass_time(w, EIGHT + timedelta(minutes=15))
        return w

    undisturbed = night(None).faults.seen
    assert {"park", "parked", "unpark"} <= set(undisturbed)
    for at in range(1, len(undisturbed) + 1):
        w = night(at)
        where = f"{'after' if after else 'before'} call {at}: {w.faults.seen[:at][-5:]}"
        assert in_the_night(w) == [], where
        assert set(w.taken_by().values()) <= {1}, where
        assert {len(places) for places in w.statuses().values()} == {1}, where
        counts = w.counts()
        assert (counts.in_progress, counts.accepted + counts.unknown) == (0, 3), where


def test_copies_of_a_parked_message_send_nobody_twice():
    w = evening(30)
    pass_time(w, NINE + timedelta(minutes=5))
    parked = w.store.parked(EIGHT, 100)
    w.send_queue.put([one.message for one in parked] * 3)
    pass_time(w, NINE + timedelta(hours=1))
    assert in_the_night(w) == []
    assert len(list(ParkedItem.query("parked"))) == len(parked)
    w.clock.put(EIGHT)
    w.send_queue.put([one.message for one in parked] * 2)
    pass_time(w, EIGHT + timedelta(hours=1))
    everybody_once(w, 30)
    assert w.counts().accepted == 30


def test_the_tick_that_dies_between_queueing_and_forgetting_sends_nobody_twice():
    w = evening(30)
    pass_time(w, EIGHT - timedelta(minutes=1))
    w.clock.put(EIGHT + timedelta(seconds=1))
    due = w.store.parked(w.clock.at, 100)
    assert due
    w.send_queue.put([one.message for one in due])
    pass_time(w, EIGHT + timedelta(hours=1))
    everybody_once(w, 30)
    assert w.counts().accepted == 30


def test_an_emergency_goes_out_at_night():
    w = evening(5)
    change(w, kind="emergency")
    w.clock.put(NINE + timedelta(hours=3))
    pass_time(w, NINE + timedelta(hours=4))
    assert w.counts().accepted == 5


def test_a_run_without_quiet_hours_goes_out_at_night():
    w = evening(5)
    change(w, quiet=None)
    w.clock.put(NINE + timedelta(hours=3))
    pass_time(w, NINE + timedelta(hours=4))
    assert w.counts().accepted == 5


def test_a_pause_and_a_cancellation_hold_at_night_as_by_day():
    w = evening(30)
    pass_time(w, NINE + timedelta(hours=1))
    sent = len(w.requested_at)
    w.runs.set(RUN, "cancelled")
    pass_time(w, EIGHT + timedelta(minutes=10))
    assert len(w.requested_at) == sent
    assert w.counts().not_sent == {"cancelled": 30 - sent}


@pytest.mark.parametrize(("late", "status"), [(None, "dispatched"), (13, "expired"), (0, "expired")])
def test_a_run_ends_as_expired_when_people_were_left_at_its_expiry(late, status):
    w = world(30)
    w.launch()
    message, asked, told = w.runs.message, [], []

    def expire(*args):
        asked.append(args)
        if late is not None and len(asked) > late:
            w.clock.put(max(w.clock.at, w.runs.briefs[RUN].expires_at))
        return message(*args)

    w.runs.message = expire
    w.send()
    finish = w.runs.finish
    w.runs.finish = lambda run, *, left: (told.append(left), finish(run, left=left))
    w.planner().settle(RUN, 0)
    left = 0 if late is None else 30 - late
    assert (w.runs.briefs[RUN].status, told) == (status, [left])
    assert w.counts().not_sent["expired"] == left
    assert w.counts().accepted == 30 - left
    everybody_once(w, 30)


@pytest.mark.parametrize(
    ("bounds", "given"),
    [(None, None), ((60, 9 * 86400), 2 * 86400), ((60, 3600), 3600), ((3 * 86400, 9 * 86400), 3 * 86400)],
)
def test_a_platform_with_a_time_to_live_is_handed_the_time_until_the_expiry(bounds, given):
    w = world(1)
    w.platform.ttl_s = bounds
    w.launch()
    w.send()
    [(_, message)] = w.platform.taken
    assert message.ttl_s is given is None or given - 5 < message.ttl_s <= given


@pytest.mark.parametrize(
    ("at", "looked_for"),
    [
        (NINE - timedelta(minutes=1), True),
        (NINE, False),
        (EIGHT - timedelta(minutes=1), False),
        (EIGHT, False),
        (EIGHT + timedelta(minutes=29), False),
        (EIGHT + timedelta(minutes=30), True),
    ],
)
def test_what_rested_for_the_night_is_not_taken_for_lost(at, looked_for):
    w = evening(4)
    change(w, at=EVENING - timedelta(hours=2))
    w.clock.put(EVENING - timedelta(hours=1))
    w.plan_queue.messages.clear()
    w.send_queue.messages.clear()
    TallyItem(partition_of(RUN, chunk := w.tallies()[0].chunk), f"t{chunk}").update(
        [TallyItem.planned_at.set(0)]
    )
    w.clock.put(at)
    w.planner().settle(RUN, 99, revive=True)
    assert bool(w.send_queue.messages) is looked_for
