"""Quotas of platforms: never exceeded over any window, rests obeyed, refused keys left alone."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.errors import Transient
from chalicelib.metering import KEY_REST_S, TROUBLE_REST_S, Metered
from chalicelib.ops import Budgets, OpsItem
from chalicelib.platforms.base import OutcomeUnknown, PostReading, Quota, SendRefused, Throttled
from tests.dispatch.world import MovingClock

pytestmark = pytest.mark.usefixtures("tables")
DAY = 24 * 3600


@pytest.fixture
def clock():
    return MovingClock()


@pytest.fixture
def budgets(clock):
    return Budgets(clock)


class Asked:
    """A platform that answers, or raises what a test gives it."""

    def __init__(self):
        self.calls, self.fails = [], []

    def measurers(self):
        return ["tube"]

    def quota(self, platform):
        return Quota(batch=50, units=2, per_window=20, window_s=DAY, account_units=1)

    def read_posts(self, platform, ids):
        self.calls.append(tuple(ids))
        if self.fails:
            raise self.fails.pop(0)
        return {one: PostReading() for one in ids}

    read_account = read_posts
    name_of = read_posts


@pytest.fixture
def platform():
    return Asked()


@pytest.fixture
def meter(platform, budgets):
    return Metered(platform, budgets)


def test_units_are_booked_until_the_quota_is_used_up_and_the_wait_is_told(budgets, clock):
    assert [budgets.spend("tube", 4, 10, DAY) for _ in range(2)] == [0, 0]
    wait = budgets.spend("tube", 4, 10, DAY)
    assert DAY <= wait <= DAY + DAY / 24
    assert budgets.spend("tube", 2, 10, DAY) == 0
    assert budgets.spend("other", 4, 10, DAY) == 0
    clock.move(wait - 1)
    assert 0 < budgets.spend("tube", 4, 10, DAY) <= 1
    clock.move(1)
    assert budgets.spend("tube", 4, 10, DAY) == 0


def test_what_can_never_fit_waits_a_whole_window(budgets):
    assert budgets.spend("tube", 11, 10, DAY) == DAY


@pytest.mark.parametrize("seed", range(3))
def test_no_stretch_as_long_as_the_window_holds_more_than_the_quota(budgets, clock, seed):
    dice, spent = random.Random(seed), []
    for _ in range(60):
        clock.move(dice.choice([0, 7, 60, 200]))
        units = dice.randint(1, 4)
        if not budgets.spend("tube", units, 20, 900):
            spent.append((clock.epoch(), units))
    assert len(spent) > 20
    for begin, _ in spent:
        assert sum(units for at, units in spent if begin <= at < begin + 900) <= 20


def test_many_who_spend_at_once_never_exceed_the_quota(budgets):
    def spend(_):
        try:
            return budgets.spend("tube", 3, 20, DAY) == 0
        except Transient:  # too many at once: nothing was booked
            return False

    with ThreadPoolExecutor(8) as threads:
        booked = sum(threads.map(spend, range(40)))
    assert 1 <= booked <= 6
    for _ in range(10):
        booked += budgets.spend("tube", 3, 20, DAY) == 0
    assert booked == 6


def test_a_rest_holds_for_all_and_never_becomes_shorter(budgets, clock):
    budgets.rest("tube", 100)
    budgets.rest("tube", 10)
    assert budgets.spend("tube", 1, 10, DAY) == 100
    clock.move(100)
    assert budgets.spend("tube", 1, 10, DAY) == 0


def test_each_request_is_booked_before_it_is_made(meter, platform):
    for _ in range(10):
        meter.read_posts("tube", ["a"])
    with pytest.raises(Throttled):
        meter.read_posts("tube", ["a"])
    with pytest.raises(Throttled):
        meter.read_account("tube", "a")
    with pytest.raises(Throttled):
        meter.name_of("tube", "a")
    assert len(platform.calls) == 10


def test_a_caller_with_a_share_leaves_the_rest_to_others(meter, platform, budgets):
    poller = Metered(platform, budgets, share=0.9)
    for _ in range(9):
        poller.read_posts("tube", ["a"])
    with pytest.raises(Throttled):
        poller.read_posts("tube", ["a"])
    for _ in range(2):  # an account costs a unit, a request for posts two
        meter.read_account("tube", "a")
    with pytest.raises(Throttled):
        meter.read_account("tube", "a")


@pytest.mark.parametrize(
    ("error", "rest_s"),
    [
        (Throttled(77.0), 77.0),
        (SendRefused("401", "channel"), KEY_REST_S),
        (OutcomeUnknown(), TROUBLE_REST_S),
        (Transient(), TROUBLE_REST_S),
        (SendRefused("400", "content"), 0.0),
    ],
)
def test_after_an_error_the_platform_is_left_in_peace(meter, platform, clock, error, rest_s):
    platform.fails = [error]
    with pytest.raises(type(error)):
        meter.read_posts("tube", ["a"])
    if rest_s:
        clock.move(rest_s - 1)
        with pytest.raises(Throttled) as told:
            meter.read_posts("tube", ["a"])
        assert told.value.retry_after_s == pytest.approx(1)
        clock.move(1)
    meter.read_posts("tube", ["a"])
    assert len(platform.calls) == 2


def test_a_refused_key_is_counted_for_the_alarm(platform, meter, monkeypatch):
    counted = []
    monkeypatch.setattr("chalicelib.metering.count", counted.append)
    platform.fails = [SendRefused("401", "channel"), SendRefused("1", "content")]
    with pytest.raises(SendRefused):
        meter.read_posts("tube", ["a"])
    assert counted == ["FiguresKeyRefused"]


def test_a_clock_that_was_set_back_gives_nothing_back(budgets, clock):
    budgets.spend("tube", 10, 10, DAY)
    clock.move(-3600)
    assert budgets.spend("tube", 1, 10, DAY) > 0


def test_what_is_kept_expires_after_it_matters(budgets, clock):
    budgets.spend("tube", 1, 10, DAY)
    assert OpsItem.get("budget#tube", "-").expires > clock.epoch() + DAY
    budgets.rest("tube", 10 * DAY)
    budgets.spend("other", 1, 10, DAY)
    assert OpsItem.get("budget#tube", "-").expires > clock.epoch() + 10 * DAY
