"""The pace of a channel: its rules in simulated time, its item under many hands, and senders that keep it."""

from __future__ import annotations

import heapq
import random
import time
from bisect import bisect_left
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Lock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.clock import Clock
from chalicelib.dispatch.model import Ticket
from chalicelib.dispatch.pace import HORIZON_S, LATE_S, Lease, Limit, Pace, Slots, Wait
from chalicelib.dispatch.paces import Paces, allowed
from chalicelib.dispatch.sender import EARLY_S, LEAD_S, Sender
from chalicelib.errors import Transient
from chalicelib.platforms.base import Accepted, Capabilities, Channel, Throttled
from tests.dispatch.world import RUN, MemoryQueue, World, address, world

NOW = 1_800_000_000.0
THIRTY = Limit(30.0)


def densest(times: list[float], window_s: float) -> int:
    """The most that fall into any window of this length."""
    times = sorted(times)
    return max((bisect_left(times, start + window_s) - n for n, start in enumerate(times)), default=0)


def simulated(rate: float, senders: int, seconds: float, chance: random.Random, stalls: float) -> list[float]:
    """When messages start, with so many senders and always work; each stalls now and then."""
    pace, sent = Pace(), []
    limit = Limit(rate)
    todo = [(NOW + chance.random(), n) for n in range(senders)]
    heapq.heapify(todo)
    while todo and todo[0][0] < NOW + seconds:
        now, sender = heapq.heappop(todo)
        pace, found = pace.lease(25, limit, now)
        if isinstance(found, Wait):
            now += max(EARLY_S, found.seconds - EARLY_S) + chance.random()
        else:
            slots = Slots(found)
            while (slot := slots.promise(now)) is not None:
                now = max(now, slot) + chance.random() * 0.004
                if chance.random() < stalls:
                    now += chance.random()
                slots.begun()
                slot = slots.take(now)
                if slot is not None:
                    now = max(now, slot)
                    sent.append(now)
        heapq.heappush(todo, (now + 0.02, sender))
    return sent


@settings(max_examples=40)
@given(
    rate=st.sampled_from([10.0, 30.0, 80.0, 250.0]),
    senders=st.integers(1, 10),
    stalls=st.sampled_from([0.0, 0.01, 0.1]),
    seed=st.integers(0, 10_000),
)
def test_no_second_has_more_than_110_and_no_minute_more_than_100_percent(rate, senders, stalls, seed):
    sent = simulated(rate, senders, 90, random.Random(seed), stalls)
    assert densest(sent, 1.0) <= 1.1 * rate
    assert densest(sent, 60.0) <= 60 * rate


@pytest.mark.parametrize("senders", [2, 4, 10])
@pytest.mark.parametrize("rate", [30.0, 80.0])
def test_while_work_waits_nine_tenths_of_the_limit_go_out(rate, senders):
    sent = simulated(rate, senders, 120, random.Random(3), 0.002)
    assert len(sent) >= 0.9 * rate * 120


def test_slots_follow_one_another_and_a_full_horizon_makes_wait_in_line():
    pace, first = Pace().lease(25, THIRTY, NOW)
    pace, second = pace.lease(25, THIRTY, NOW)
    assert isinstance(first, Lease)
    assert isinstance(second, Lease)
    assert (first.start, second.start) == (NOW, pytest.approx(first.end))
    pace, _ = pace.lease(25, THIRTY, NOW)
    pace, third = pace.lease(25, THIRTY, NOW)
    pace, fourth = pace.lease(25, THIRTY, NOW)
    assert isinstance(third, Wait)
    assert isinstance(fourth, Wait)
    assert third.seconds > HORIZON_S
    assert fourth.seconds == pytest.approx(third.seconds + 25 / 30 / 0.95, abs=0.01)


def test_a_copy_that_is_not_to_wait_takes_no_place_in_line():
    pace = Pace(until=NOW + 60)
    assert pace.lease(25, THIRTY, NOW, queue=False) == (pace, Wait(pytest.approx(60)))


def test_on_a_slow_channel_a_chunk_comes_in_parts():
    _, lease = Pace().lease(25, Limit(1.0), NOW)
    assert isinstance(lease, Lease)
    assert 1 <= lease.count < 25
    _, lease = Pace().lease(25, Limit(0.01), NOW)
    assert lease == Lease(NOW, pytest.approx(102.04, abs=0.01), 1)


def test_who_comes_late_for_their_slots_forfeits_them():
    slots = Slots(Lease(NOW, 0.1, 10))
    for _ in range(3):
        slots.begun()
    assert slots.take(NOW) == NOW
    assert slots.take(NOW + 0.45) == pytest.approx(NOW + 0.4)
    assert slots.take(NOW + 2) is None
    assert slots.promise(NOW + 2) is None


def test_one_slot_is_promised_to_one_and_given_back_when_it_is_not_needed():
    slots = Slots(Lease(NOW, 0.1, 2))
    assert slots.promise(NOW) == NOW
    slots.begun()
    slots.begun()
    assert slots.promise(NOW) is None
    slots.give_back()
    assert slots.promise(NOW) == NOW + 0.1


def test_a_throttle_halves_the_rate_once_a_second_and_clean_time_brings_it_back():
    pace = Pace().slowed(5, NOW)
    assert pace.learned(NOW) == 0.5
    assert pace.slowed(5, NOW + 0.5).factor == 0.5
    assert pace.slowed(5, NOW + 1).factor == 0.25
    assert pace.learned(NOW + 5) == 0.5
    assert pace.learned(NOW + 5 + 15) == 0.75
    assert pace.learned(NOW + 60) == 1.0
    slowest = pace
    for second in range(1, 100):
        slowest = slowest.slowed(0.1, NOW + second)
    assert slowest.factor == 1 / 16


@given(retry=st.floats(0.1, 900), ahead=st.floats(0, 10))
def test_nothing_is_leased_before_the_platform_wants_to_be_asked_again(retry, ahead):
    pace = Pace(until=NOW + ahead).slowed(retry, NOW)
    after, found = pace.lease(25, THIRTY, NOW)
    if isinstance(found, Lease):
        assert found.start >= NOW + retry
    else:
        assert found.seconds >= retry - 0.001
        _, again = after.lease(25, THIRTY, NOW + found.seconds)
        assert isinstance(again, Lease)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), per_day=st.integers(1, 300))
def test_no_moving_day_has_more_than_its_limit(seed, per_day):
    chance, pace, now, sent = random.Random(seed), Pace(), NOW, []
    for _ in range(120):
        pace, found = pace.lease(chance.randint(1, 25), Limit(100.0, per_day), now)
        if isinstance(found, Lease):
            sent += [found.slot(n) for n in range(found.count)]
            now = found.end + chance.choice([0, 0, 600, 5000])
        else:
            assert found.seconds > 0
            now += found.seconds
    assert densest(sent, 24 * 3600) <= per_day
    assert len(sent) > per_day


def test_what_is_left_of_a_day_is_used_and_then_its_oldest_hour_is_waited_for():
    pace, lease = Pace().lease(25, Limit(100.0, 40), NOW)
    pace, rest = pace.lease(25, Limit(100.0, 40), lease.end)
    assert (lease.count, rest.count) == (25, 15)
    same, wait = pace.lease(25, Limit(100.0, 40), rest.end)
    assert same == pace
    assert 24 * 3600 < wait.seconds <= 25 * 3600
    _, again = pace.lease(25, Limit(100.0, 40), rest.end + wait.seconds)
    assert isinstance(again, Lease)


def test_what_is_given_back_of_a_day_can_be_leased_again_and_its_hour_is_not_waited_for():
    limit = Limit(100.0, 40)
    pace, idle = Pace().lease(25, limit, NOW)
    pace = pace.given_back(idle, 25, limit)
    later = NOW + 5 * 3600
    pace, lease = pace.lease(25, limit, later)
    pace, rest = pace.lease(25, limit, lease.end)
    assert (lease.count, rest.count) == (25, 15)
    _, wait = pace.lease(1, limit, rest.end)
    assert rest.end + wait.seconds > later + 24 * 3600
    assert Pace().given_back(idle, 25, THIRTY) == Pace()


def test_slots_on_both_sides_of_an_hour_count_in_the_later_one():
    hours_end = (int(NOW // 3600) + 1) * 3600
    pace, lease = Pace().lease(9, Limit(1.0, 9), hours_end - 1)
    last = lease.slot(8)
    assert last > hours_end
    assert isinstance(pace.lease(9, Limit(1.0, 9), last + 24 * 3600 - 1)[1], Wait)


def test_a_clock_that_was_set_back_holds_nobody_up_and_gives_no_second_day():
    ahead = NOW + 36_000
    for step in (
        lambda pace: pace.lease(25, Limit(30.0, 40), ahead)[0],
        lambda pace: pace.stand(5000, Limit(30.0, 40), ahead)[0],
        lambda pace: pace.lease(5, Limit(30.0, 40), ahead, first=True)[0],
    ):
        pace, lease = step(Pace()).lease(25, Limit(30.0, 40), NOW)
        assert lease.start == NOW
        assert pace.stand(1, Limit(30.0), NOW)[1].start <= NOW + 1
        assert pace.used(NOW) <= 40


def test_an_emergency_keeps_the_others_off_until_its_last_slot():
    pace = Pace()
    for _ in range(3):
        pace, _ = pace.lease(25, THIRTY, NOW)
    pace, urgent = pace.lease(25, THIRTY, NOW, first=True)
    assert isinstance(urgent, Lease)
    pace, other = pace.lease(25, THIRTY, NOW + 1.5)
    assert isinstance(other, Wait)
    pace, urgent = pace.lease(25, THIRTY, NOW + 1.5, first=True)
    assert isinstance(urgent, Lease)
    assert urgent.start <= NOW + 4
    pace, other = pace.lease(25, THIRTY, urgent.end + 1)
    assert isinstance(other, Wait)
    pace, other = pace.lease(25, THIRTY, urgent.end + 6)
    assert isinstance(other, Lease)


def test_the_chunks_of_a_large_emergency_do_not_go_round_and_round_in_the_queue():
    pace, asked, sent = Pace(), 0, 0
    waiting = [(NOW, chunk) for chunk in range(200)]
    while waiting:
        now, chunk = heapq.heappop(waiting)
        asked += 1
        pace, found = pace.lease(25, THIRTY, now, first=True)
        if isinstance(found, Wait):
            heapq.heappush(waiting, (now + max(EARLY_S, found.seconds - EARLY_S), chunk))
        else:
            sent += found.count
    assert sent == 200 * 25
    assert asked <= 3 * 200
    assert pace.until - NOW <= 200 * 25 / 30 / 0.9


def test_staff_and_configuration_only_lower_a_limit():
    channel = Channel("wa", "whatsapp", {"rate_per_s": "20", "per_day": "2000"})
    can = Capabilities(receipts=True, templates=True, carries_key=True, rate_per_s=80)
    limit = allowed(channel, can)
    assert limit == Limit(20.0, 2000)
    assert allowed(replace(channel, config={}), can) == Limit(80.0)
    assert limit.lowered(50.0, 5000) == limit
    assert limit.lowered(5.0, 250) == Limit(5.0, 250)
    assert limit.lowered(None, None) == limit
    _, lease = Pace(rate_per_s=2.0).lease(5, limit, NOW)
    assert lease == Lease(NOW, pytest.approx(1 / 1.96), 5)


# --- the item -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("tables")
def test_of_many_hands_at_once_no_two_lease_the_same_slot():
    paces = Paces()

    def work(_: int) -> list[float]:
        found = [paces.lease("wa", 10, Limit(1000.0), NOW) for _ in range(8)]
        return [lease.slot(n) for lease in found if isinstance(lease, Lease) for n in range(lease.count)]

    with ThreadPoolExecutor(4) as pool:
        slots = sorted(slot for found in pool.map(work, range(4)) for slot in found)
    assert len(slots) == 320
    assert min(b - a for a, b in zip(slots, slots[1:], strict=False)) == pytest.approx(1 / 980, rel=0.01)
    assert paces.get("wa").used(NOW) == 320
    assert paces.get("tg") == Pace()


# --- senders ------------------------------------------------------------------------------------------------


def drain(made: World) -> None:
    """Handles both queues until all is sent, always what is due first."""
    for _ in range(5000):
        queues = [queue for queue in (made.plan_queue, made.send_queue) if queue.messages]
        if not made.send_queue.messages and all("settle" in body for _, body in made.plan_queue.messages):
            return
        queue: MemoryQueue = min(queues, key=lambda one: min(due for due, _ in one.messages))
        message = queue.take() or {}
        if queue is made.send_queue:
            made.send_one(message)
        elif "settle" not in message:
            made.planner().handle(message)
    raise AssertionError("the queues do not run empty")


def drain_until(made: World, end: float) -> None:
    """Handles what falls due until then."""
    while True:
        queues = [queue for queue in (made.plan_queue, made.send_queue) if queue.messages]
        due = [(min(due for due, _ in queue.messages), queue is made.send_queue) for queue in queues]
        if not due or min(due)[0].timestamp() > end:
            break
        sending = min(due)[1]
        message = (made.send_queue if sending else made.plan_queue).take() or {}
        if sending:
            made.send_one(message)
        elif "settle" not in message:
            made.planner().handle(message)
    made.clock.move(max(0.0, end - made.clock.epoch()))


def timed(made: World) -> list[tuple[float, str]]:
    """Notes when each request to whom starts."""
    sent: list[tuple[float, str]] = []
    take = made.platform.send

    def send(channel, to, message):
        sent.append((made.clock.epoch(), to))
        return take(channel, to, message)

    made.platform.send = send  # type: ignore[method-assign]
    return sent


@pytest.mark.usefixtures("tables")
def test_the_pace_of_a_channel_is_kept_across_chunks():
    made = world(150)
    made.platform.rate_per_s = 10.0
    sent = timed(made)
    made.plan_queue.put([{"launch": RUN}])
    drain(made)
    times = [at for at, _ in sent]
    assert made.counts().accepted == 150
    assert densest(times, 1.0) <= 11
    assert max(times) - min(times) <= 150 / 10 / 0.9


@pytest.mark.usefixtures("tables")
def test_a_throttled_channel_is_asked_again_when_it_said_and_more_slowly():
    made = world(60)
    made.platform.rate_per_s = 30.0
    made.platform.answers = {address(9): [Throttled(20)]}
    sent = timed(made)
    made.plan_queue.put([{"launch": RUN}])
    drain(made)
    assert made.counts().accepted == 60
    at = next(at for at, to in sent if to == address(9))
    later = sorted(when for when, _ in sent if when > at)
    assert later[0] >= at + 20
    assert densest(later, 1.0) <= 0.7 * 30


@pytest.mark.usefixtures("tables")
def test_when_the_day_is_used_up_the_rest_is_parked_until_there_is_room():
    made = world(60)
    made.platform.per_day = 40
    made.runs.briefs[RUN] = replace(made.runs.briefs[RUN], expires_at=made.clock.now().replace(year=2027))
    made.plan_queue.put([{"launch": RUN}])
    drain(made)
    assert made.counts().accepted == 40
    made.clock.move(25 * 3600)
    made.planner().tick()
    drain(made)
    assert (made.counts().accepted, made.counts().in_progress) == (60, 0)
    assert max(made.requests_to().values()) == 1


def each_minute(made: World, end: float) -> None:
    """The tick each minute, and all that falls due, until then."""
    while made.clock.epoch() < end:
        made.planner().tick()
        minute = made.clock.epoch() + 60
        while True:
            due = [(at, False) for at, _ in made.plan_queue.messages]
            due += [(at, True) for at, _ in made.send_queue.messages]
            if not due or min(due)[0].timestamp() > minute:
                break
            if min(due)[1]:
                made.send_one(made.send_queue.take() or {})
            else:
                made.planner().handle(made.plan_queue.take() or {})
        made.clock.move(max(0.0, minute - made.clock.epoch()))


@pytest.mark.usefixtures("tables")
def test_a_run_that_expires_while_the_day_is_used_up_ends_within_minutes(monkeypatch):
    monkeypatch.setattr("chalicelib.dispatch.recipients.PAGE_SIZE", 25)
    made = world(200)
    made.platform.per_day, made.platform.rate_per_s = 40, 0.5
    ends = made.clock.now() + timedelta(minutes=130)
    made.runs.briefs[RUN] = replace(made.runs.briefs[RUN], expires_at=ends)
    made.plan_queue.put([{"launch": RUN}])
    each_minute(made, ends.timestamp() + 180)
    assert made.runs.briefs[RUN].status == "expired"
    assert (made.counts().accepted, made.counts().not_sent) == (40, {"expired": 160})


@pytest.mark.usefixtures("tables")
def test_what_is_called_off_is_planned_to_its_end_and_keeps_no_place_in_line(monkeypatch):
    monkeypatch.setattr("chalicelib.dispatch.recipients.PAGE_SIZE", 25)
    made = world(1000)
    made.platform.rate_per_s = 1.0
    made.plan_queue.put([{"launch": RUN}])
    drain_until(made, made.clock.epoch() + 10)
    line = made.paces.get("whatsapp-main").line
    made.runs.set(RUN, "cancelled")
    made.plan_queue.put([{"wake": RUN}])
    drain_until(made, made.clock.epoch() + 100)
    assert made.paces.get("whatsapp-main").line == line
    counts = made.counts()
    assert (counts.targeted, counts.in_progress) == (1000, 0)
    assert counts.accepted + counts.not_sent["cancelled"] == 1000


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("trouble", [Transient(), Throttled(1)])
def test_a_platform_that_takes_nothing_for_a_while_wears_out_no_day(trouble):
    made = world(25)
    made.platform.per_day, made.platform.rate_per_s = 100, 20.0
    take, well = made.platform.send, made.clock.epoch() + 300

    def ill(channel, to, message):
        if made.clock.epoch() < well:
            raise trouble
        return take(channel, to, message)

    made.platform.send = ill  # type: ignore[method-assign]
    made.plan_queue.put([{"launch": RUN}])
    each_minute(made, well + 120)
    assert made.counts().accepted == 25
    assert made.paces.get("whatsapp-main").used(made.clock.epoch()) == 25


OTHER = "cmp_bbbbbbbbbbbbbbbb-1"


def second_run(made: World, **changes: object) -> None:
    """Another run to the same people, not claimed for the first."""
    made.runs.briefs[OTHER] = replace(made.runs.briefs[RUN], run_id=OTHER, campaign_id=OTHER[:-2], **changes)  # type: ignore[arg-type]


def of_run(made: World, run: str) -> list[int]:
    """At which requests those of this run were."""
    return [n for n, (_, message) in enumerate(made.platform.requests) if message.key.startswith(run)]


@pytest.mark.usefixtures("tables")
def test_two_campaigns_on_one_channel_share_it_page_by_page(monkeypatch):
    monkeypatch.setattr("chalicelib.dispatch.recipients.PAGE_SIZE", 50)
    made = world(600)
    made.runs.stretches = made.runs.stretches[:1]
    made.platform.rate_per_s = 5.0
    second_run(made)
    made.plan_queue.put([{"launch": RUN}, {"launch": OTHER}])
    drain(made)
    one, other = of_run(made, RUN), of_run(made, OTHER)
    assert (len(one), len(other)) == (300, 300)
    first_done = min(max(one), max(other))
    assert max(sum(n > first_done for n in one), sum(n > first_done for n in other)) <= 50
    half = one[: len(one) // 2][-1]
    assert 100 <= sum(n <= half for n in other) <= 200


@pytest.mark.usefixtures("tables")
def test_an_emergency_in_the_middle_of_a_campaign_has_all_its_slots_within_seconds():
    made = world(600)
    made.platform.rate_per_s = 30.0
    second_run(made, kind="emergency")
    sent = timed(made)
    launched: list[float] = []
    take = made.platform.send

    def in_the_middle(channel, to, message):
        if len(sent) == 200 and not launched:
            launched.append(made.clock.epoch())
            made.plan_queue.put([{"launch": OTHER}])
        return take(channel, to, message)

    made.platform.send = in_the_middle  # type: ignore[method-assign]
    for person in list(made.people.rows)[100:]:  # the emergency reaches a hundred
        made.people.change(person, consents=frozenset({("campaigns", "whatsapp")}))
    wants = made.runs.wants
    reached = set(list(made.people.rows)[:100])
    made.runs.wants = lambda run, rows: [  # type: ignore[method-assign]
        row for row in wants(run, rows) if run == RUN or row.id in reached
    ]
    made.plan_queue.put([{"launch": RUN}])
    drain(made)
    urgent = [sent[n][0] for n in of_run(made, OTHER)]
    assert (len(urgent), len(of_run(made, RUN))) == (100, 600)
    assert max(urgent) <= launched[0] + 100 / 30 + 6


@pytest.mark.usefixtures("tables")
def test_a_large_run_keeps_the_queue_short_and_its_chunks_come_when_their_turn_is(monkeypatch):
    monkeypatch.setattr("chalicelib.dispatch.recipients.PAGE_SIZE", 50)
    made = world(1000)
    made.platform.rate_per_s = 5.0
    most: list[int] = []
    take = made.send_queue.take

    def counting():
        most.append(len(made.send_queue.messages))
        return take()

    made.send_queue.take = counting  # type: ignore[method-assign]
    made.plan_queue.put([{"launch": RUN}])
    drain(made)
    assert made.counts().accepted == 1000
    assert max(most) <= (60 + 50 / 5 * 2) * 5 / 25 + 6
    assert made.invocations <= 1.2 * 1000 / 25


@pytest.mark.usefixtures("tables")
def test_a_copy_of_a_plan_message_begins_no_second_chain(monkeypatch):
    monkeypatch.setattr("chalicelib.dispatch.recipients.PAGE_SIZE", 10)
    made = world(60)
    made.launch()
    chunks = len(made.send_queue.messages)
    made.plan_queue.put([{"launch": RUN}])
    for range_no, page_no in ((0, 0), (1, 0), (1, 1)):
        made.plan_queue.put([{"plan": RUN, "range": range_no, "page": page_no, "after": None}])
    made.plan()
    assert len(made.send_queue.messages) == chunks
    drain(made)
    assert made.counts().accepted == 60


@pytest.mark.usefixtures("tables")
def test_planning_that_stands_still_goes_on_at_the_page_where_it_stopped(monkeypatch):
    monkeypatch.setattr("chalicelib.dispatch.recipients.PAGE_SIZE", 10)
    made = world(60)
    made.plan_queue.put([{"launch": RUN}])
    for _ in range(6):  # launch, four pages, a look
        message = made.plan_queue.take() or {}
        if "settle" not in message:
            made.planner().handle(message)
    made.plan_queue.messages.clear()  # lost
    drain(made)
    assert 0 < made.counts().accepted < 60
    made.clock.move(1900)
    made.planner().settle(RUN, 99, revive=True)
    drain(made)
    assert made.counts().accepted == 60
    assert max(made.requests_to().values()) == 1


@pytest.mark.usefixtures("tables")
def test_a_run_that_is_spread_gives_each_chunk_its_turn_in_the_window(monkeypatch):
    monkeypatch.setattr("chalicelib.dispatch.recipients.PAGE_SIZE", 25)
    made = world(500)
    window = 6 * 3600
    made.runs.briefs[RUN] = replace(made.runs.briefs[RUN], spread_s=window)
    sent = timed(made)
    began = made.clock.epoch()
    made.plan_queue.put([{"launch": RUN}])
    for minute in range(6 * 60 + 2):
        drain_until(made, began + minute * 60)
        if minute == 45:  # who revives what stands still does not hurry what is to wait
            made.planner().settle(RUN, 99, revive=True)
        made.planner()._unpark(made.clock.now())
    drain(made)
    assert made.counts().accepted == 500
    assert max(made.requests_to().values()) == 1
    hours = [int((at - began) // 3600) for at, _ in sent]
    assert max(at for at, _ in sent) <= began + window + 120
    assert all(30 <= hours.count(hour) <= 150 for hour in range(6))


@pytest.mark.usefixtures("tables")
def test_a_platform_that_answers_slowly_is_asked_at_its_rate_all_the_same():
    made, clock = world(50), Clock()
    made.platform.rate_per_s = 50.0
    made.launch()
    starts: list[float] = []
    lock = Lock()

    def slow(channel, to, message):
        with lock:
            starts.append(time.time())
        time.sleep(0.15)
        return Accepted("sample")

    made.platform.send = slow  # type: ignore[method-assign]
    made.runs.briefs[RUN] = replace(
        made.runs.briefs[RUN], at=clock.now(), expires_at=clock.now().replace(year=clock.now().year + 1)
    )
    real = made.sender()
    with ThreadPoolExecutor(25) as threads:
        sender = Sender(**{**vars(real), "clock": clock, "threads": threads, "sleep": time.sleep})
        for _, message in list(made.send_queue.messages):
            sender.send_chunk(Ticket.of(message), "threads", clock.epoch() + 60)
    counts = made.counts()
    assert (counts.accepted, counts.in_progress, counts.unknown) == (50, 0, 0)
    each = sorted(starts)
    gaps = [b - a for a, b in zip(each, each[1:], strict=False)]
    assert sorted(gaps)[len(gaps) // 2] < 0.06, "one after the other would take 0.15 s each"
    assert densest(starts, 0.5) <= 0.5 * 50 * 1.1 + LATE_S * 50
    assert LEAD_S < HORIZON_S
