"""Subscriptions on the real table: the hub confirms, refuses, is silent, repeats itself, comes late."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.errors import PlatformOff, Transient
from chalicelib.metrics.follows import Follows, Known
from chalicelib.metrics.subscriptions import MOST_NAMED, Subscriptions
from chalicelib.platforms.base import AccountReading, Leased, OutcomeUnknown, SendRefused, Throttled
from chalicelib.ports import Contact
from tests.dispatch.world import Crash, Faults, MovingClock

HOUR_S, DAY_S = 3600, 24 * 3600
LEASE_S = 5 * DAY_S
ONE, TWO = "UC" + "1" * 22, "UC" + "2" * 22

SOMEBODY = Contact("", "approved", "", "hi", (), {}, frozenset(), frozenset())


class Hub:
    """Remembers what it was asked; what it tells is told when the test says."""

    def __init__(self):
        self.asked, self.live, self.raises, self.on = [], set(), [], ["youtube"]

    def announcers(self):
        return self.on

    def account_in(self, platform, handle):
        return handle if handle.startswith("UC") else ""

    def follow(self, platform, account, webhook, *, wanted):
        self.asked.append((account, wanted))
        assert (platform, webhook) == ("youtube", "https://janjan.test/webhooks/youtube")
        if error := self.raises.pop(0) if self.raises else None:
            raise error
        (self.live.add if wanted else self.live.discard)(account)


class Names:
    """Which account a handle names."""

    def __init__(self):
        self.accounts, self.asked, self.raises = {"rekha": TWO}, [], None

    def read_account(self, platform, handle):
        self.asked.append(handle)
        if self.raises:
            raise self.raises
        return AccountReading(self.accounts[handle]) if handle in self.accounts else None


class Register:
    """Who has which handle, and who is not approved (yet): everybody has one handle, their own name."""

    def __init__(self, world):
        self.world, self.looked_up = world, []

    def on_platform(self, platform):
        for handle in sorted(self.world.handles | self.world.waiting):
            yield f"inf_{handle}", handle

    def contacts(self, ids):
        assert len(ids) <= 25
        self.looked_up += ids
        status = {f"inf_{handle}": "pending_review" for handle in self.world.waiting}
        return {one: replace(SOMEBODY, id=one, status=status.get(one, "approved")) for one in ids}


class World:
    def __init__(self):
        self.clock, self.faults, self.hub, self.names = MovingClock(), Faults(), Hub(), Names()
        self.store, self.handles, self.waiting = Follows(), {ONE}, set()
        self.register = Register(self)

    def subscriptions(self):
        self.faults.dead = False
        return Subscriptions(
            self.faults.wrap(self.store, "all", "write", "forget", "change", "name", "forget_handle"),
            self.faults.wrap(self.hub, "follow"),
            self.faults.wrap(self.names, "read_account"),
            self.register,
            self.register,
            lambda platform: f"https://janjan.test/webhooks/{platform}",
            self.clock,
        )

    def tick(self, seconds=240):
        self.subscriptions().tick(self.clock.epoch() + seconds)

    def tell(self, account=ONE, lease_s=LEASE_S, reason=""):
        self.subscriptions().told("youtube", Leased("id", account, lease_s, reason), self.clock.now())

    def known(self) -> Known:
        return self.store.all("youtube")

    def asked(self):
        asked, self.hub.asked[:] = list(self.hub.asked), []
        return asked


@pytest.fixture
def world(tables):
    return World()


def test_a_channel_is_subscribed_once_and_renewed_before_the_lease_that_the_hub_stated(world):
    world.tick()
    world.tick()
    assert world.asked() == [(ONE, True)]
    world.tell()
    for hour in range(1, 5 * 24):
        world.clock.move(HOUR_S)
        world.tick()
        if world.hub.asked:
            assert hour == 80
            world.asked()
            world.tell()
    assert world.asked() == []
    assert world.known().accounts[ONE].until - world.clock.now() > timedelta(days=3)


def test_who_is_not_approved_is_not_followed_and_who_is_followed_is_not_looked_up_again(world):
    world.waiting = {TWO, *(f"name{n}" for n in range(30))}
    world.tick()
    assert (world.asked(), world.names.asked) == ([(ONE, True)], [])
    world.waiting = set()
    world.handles.add(TWO)
    world.register.looked_up.clear()
    world.tick()
    assert (world.asked(), world.register.looked_up) == ([(TWO, True)], [f"inf_{TWO}"])


def test_a_hub_that_is_silent_is_asked_again_until_it_confirms(world):
    hours = []
    for hour in range(40):
        world.tick()
        if world.asked():
            hours.append(hour)
        world.clock.move(HOUR_S)
    assert hours == [0, 1, 3, 7, 15, 31]


@pytest.mark.parametrize(
    "error", [SendRefused("http_400", "person"), Throttled(60), OutcomeUnknown(), Transient("no connection")]
)
def test_a_hub_that_refuses_is_asked_again_an_hour_later(world, error):
    world.hub.raises = [error]
    world.tick()
    world.clock.move(HOUR_S - 1)
    world.tick()
    assert world.asked() == [(ONE, True)]
    world.clock.move(1)
    world.tick()
    assert world.asked() == [(ONE, True)]
    assert world.hub.live == {ONE}


def test_a_hub_that_refuses_three_times_in_a_row_is_left_in_peace_until_the_next_tick(world):
    world.handles = {f"UC{n:022}" for n in range(5)}
    world.hub.raises = [Throttled(60)] * 3
    world.tick()
    assert len(world.asked()) == 3
    world.tick()
    assert len(world.asked()) == 2


def test_a_denial_is_noted_with_its_reason_and_asked_again_later(world):
    world.tick()
    world.tell(lease_s=None, reason="topic is not served")
    assert world.known().accounts[ONE].reason == "topic is not served"
    world.tick()
    assert world.asked() == [(ONE, True)]
    world.clock.move(HOUR_S)
    world.tick()
    assert world.asked() == [(ONE, True)]


def test_who_leaves_is_unsubscribed_and_forgotten(world):
    world.tick()
    world.tell()
    world.handles = set()
    world.tick()
    assert world.asked() == [(ONE, True), (ONE, False)]
    world.tell(lease_s=None, reason="unsubscribe")
    world.tick()
    assert (world.asked(), world.known()) == ([], Known())


def test_who_leaves_before_the_hub_confirmed_is_unsubscribed_when_it_does(world):
    world.tick()
    world.handles = set()
    world.tick()
    assert (world.asked(), world.known()) == ([(ONE, True)], Known())
    world.tell()
    world.tick()
    assert world.asked() == [(ONE, False)]


def test_a_refusal_of_what_nobody_follows_leaves_nothing(world):
    world.tell(lease_s=None, reason="no")
    assert world.known() == Known()


def test_a_hub_that_never_confirms_the_end_is_asked_until_the_lease_is_over(world):
    world.tick()
    world.tell()
    world.handles = set()
    for _ in range(6 * 24):
        world.tick()
        world.clock.move(HOUR_S)
    assert world.asked() == [(ONE, True)] + [(ONE, False)] * 9
    assert world.known() == Known()


def test_a_word_of_the_hub_may_be_repeated_and_come_late(world):
    world.tick()
    world.clock.move(10)
    late = world.clock.now()
    world.clock.move(10)
    world.tell(lease_s=None, reason="unsubscribe")
    before = world.known()
    for _ in range(2):
        world.subscriptions().told("youtube", Leased("id", ONE, LEASE_S), late)
        world.tell(lease_s=None, reason="unsubscribe")
    assert world.known().accounts[ONE].until == before.accounts[ONE].until is None


def test_a_handle_is_asked_for_once_in_a_month_and_its_account_followed(world):
    world.handles = {"rekha", ONE}
    world.tick()
    world.clock.move(DAY_S)
    world.tick()
    assert (sorted(world.hub.live), world.names.asked) == ([ONE, TWO], ["rekha"])
    world.clock.move(30 * DAY_S)
    world.tick()
    assert world.names.asked == ["rekha"] * 2


def test_a_handle_that_names_nothing_is_asked_for_again_after_a_week(world):
    world.handles = {"nobody"}
    for _ in range(8):
        world.tick()
        world.clock.move(DAY_S)
    assert (world.asked(), world.names.asked) == ([], ["nobody"] * 2)


def test_an_account_that_lost_its_name_is_followed_still(world):
    world.handles = {"rekha"}
    world.tick()
    world.tell(TWO, 90 * DAY_S)
    world.names.accounts.clear()
    world.clock.move(31 * DAY_S)
    world.tick()
    world.tick()
    assert world.asked() == [(TWO, True)]
    assert world.known().handles["rekha"].account == TWO


def test_two_names_of_one_account_are_one_subscription_that_ends_with_the_last(world):
    world.handles = {"rekha", TWO}
    world.tick()
    world.tell(TWO)
    world.handles = {"rekha"}
    world.tick()
    assert world.asked() == [(TWO, True)]
    world.handles = set()
    world.tick()
    assert world.asked() == [(TWO, False)]


def test_a_handle_that_is_not_followed_any_more_is_forgotten(world):
    world.handles = {"rekha"}
    world.tick()
    world.handles = set()
    world.tick()
    assert world.known() == Known()


@pytest.mark.parametrize(
    "error",
    [
        Throttled(60),
        OutcomeUnknown(),
        Transient("no"),
        PlatformOff(platform="x"),
        SendRefused("k", "channel"),
    ],
)
def test_names_that_cannot_be_had_wait_and_the_rest_goes_on(world, error):
    world.handles, world.names.raises = {"anya", "rekha", ONE}, error
    world.tick()
    assert (world.asked(), world.names.asked) == ([(ONE, True)], ["anya"])
    world.names.raises = None
    world.tick()
    assert world.asked() == [(TWO, True)]


def test_one_handle_that_the_platform_refuses_does_not_keep_the_others(world):
    world.handles, world.names.raises = {"anya", "rekha"}, SendRefused("400", "content")
    world.tick()
    assert world.names.asked == ["anya", "rekha"]


def test_of_many_new_handles_a_hundred_are_asked_for_in_a_tick(world):
    world.handles = {f"name{n}" for n in range(MOST_NAMED + 7)}
    world.tick()
    assert len(world.names.asked) == MOST_NAMED
    world.tick()
    assert len(world.names.asked) == MOST_NAMED + 7


def test_no_request_is_begun_after_its_time_and_what_lapses_first_comes_first(world):
    world.tick(seconds=0)
    assert world.asked() == []
    world.handles = {ONE, TWO}
    world.tick()
    world.tell(TWO, 2 * DAY_S)
    world.tell(ONE, 3 * DAY_S)
    world.asked()
    world.clock.move(2.5 * DAY_S)
    world.handles.add("UC" + "0" * 22)
    world.tick()
    assert [account for account, _ in world.asked()] == [TWO, ONE, "UC" + "0" * 22]


def test_a_platform_that_is_off_is_left_alone(world):
    world.hub.on = []
    world.tick()
    assert world.asked() == []


def test_when_it_cannot_be_read_who_is_followed_nothing_is_ended(world):
    world.tick()
    world.tell()

    def broken(platform):
        yield "inf_other", TWO
        raise Transient("no")

    world.register.on_platform = broken
    with pytest.raises(Transient):
        world.tick()
    assert world.asked() == [(ONE, True)]


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_step_is_mended_by_the_next_ticks(world, after):
    world.handles = {ONE, "rekha"}
    world.tick()
    steps = world.faults.calls
    assert steps >= 6
    for at in range(1, steps + 1):
        broken = World()
        broken.handles = world.handles
        for item in [*broken.known().accounts.values()]:
            broken.store.forget("youtube", item)
        for handle in broken.known().handles:
            broken.store.forget_handle("youtube", handle)
        broken.faults.at, broken.faults.after = at, after
        with contextlib.suppress(Crash):
            broken.tick()
        broken.faults.at = None
        broken.clock.move(HOUR_S)
        broken.tick()
        assert broken.hub.live == {ONE, TWO}
        assert len(broken.asked()) <= 4  # each once more after an hour: nothing was confirmed


def test_ticks_and_words_at_once_ask_the_hub_once(world):
    world.handles = {f"UC{n:022}" for n in range(8)}
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: world.tick(), range(4)))
    assert sorted(world.asked()) == [(account, True) for account in sorted(world.handles)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: world.tell(ONE.replace("1", "0")), range(4)))
    assert world.known().accounts["UC" + "0" * 22].until
