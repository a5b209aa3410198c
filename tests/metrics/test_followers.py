"""Counting followers: what is due, platform by platform, whatever is refused, repeated or dies."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta

import pytest

from chalicelib.errors import Transient
from chalicelib.metrics.followers import Followers
from chalicelib.platforms.base import AccountReading, OutcomeUnknown, Quota, SendRefused, Throttled
from tests.dispatch.world import Crash, Faults, MovingClock


class Register:
    """Accounts in memory."""

    def __init__(self, clock: MovingClock) -> None:
        self.clock = clock
        self.due_at: dict[tuple[str, str, str], datetime] = {}
        self.told: list[tuple[str, int]] = []

    def add(self, handle: str, platform: str = "youtube") -> None:
        self.due_at[platform, "inf_one", handle] = self.clock.now()

    def due(self, platform, now, limit):
        found = [(at, key[1:]) for key, at in self.due_at.items() if key[0] == platform and at <= now]
        return [key for _, key in sorted(found)][:limit]

    def measured(self, person, platform, handle, followers, at, *, account):
        self.told.append((handle, followers))

    def measure_next(self, person, platform, handle, at):
        self.due_at[platform, person, handle] = at


class Tells:
    def __init__(self) -> None:
        self.on, self.asked = ["youtube", "x"], []
        self.answers: dict[str, object] = {}

    def measurers(self):
        return self.on

    def quota(self, platform):
        return Quota(50, 1, 1000, 900)

    def read_account(self, platform, handle):
        self.asked.append(handle)
        answer = self.answers.get(handle, AccountReading("id", handle, 7))
        if isinstance(answer, Exception):
            raise answer
        return answer


class World:
    def __init__(self) -> None:
        self.clock, self.tells, self.faults = MovingClock(), Tells(), Faults()
        self.register = Register(self.clock)

    def count(self, seconds: float = 10) -> None:
        self.faults.dead = False
        accounts = self.faults.wrap(self.register, "due", "measured", "measure_next")
        Followers(accounts, self.tells, self.clock).count(self.clock.epoch() + seconds)


@pytest.fixture
def world() -> World:
    return World()


def test_each_account_is_counted_once_a_week(world):
    for n in range(45):
        world.register.add(f"c{n}")
    world.register.add("t", "x")
    for _ in range(2):
        world.count()
    assert len(world.tells.asked) == len(world.register.told) == 46
    world.clock.move(7 * 86400 - 1)
    world.count()
    assert len(world.tells.asked) == 46
    world.clock.move(1)
    world.count()
    assert len(world.tells.asked) == 92


def test_platforms_take_turns_and_one_that_is_off_is_left_out(world):
    for n in range(25):
        world.register.add(f"c{n:02}")
    world.register.add("t", "x")
    world.count()
    assert world.tells.asked.index("t") == 20
    world.tells.on = []
    world.register.add("new")
    world.count()
    assert "new" not in world.tells.asked


@pytest.mark.parametrize("answer", [None, SendRefused("100", "content"), KeyError("x")])
def test_an_account_that_is_not_told_keeps_its_figures_is_asked_again_the_next_day_and_holds_up_no_other(
    world, answer
):
    world.register.add("a")
    world.register.add("b")
    world.tells.answers["a"] = answer
    world.count()
    assert world.register.told == [("b", 7)]
    assert world.register.due_at["youtube", "inf_one", "a"] == world.clock.now() + timedelta(days=1)


def test_hidden_followers_are_no_data(world):
    world.register.add("a")
    world.tells.answers["a"] = AccountReading("id", "a", None)
    world.count()
    assert world.register.told == []
    assert world.register.due_at["youtube", "inf_one", "a"] == world.clock.now() + timedelta(days=7)


@pytest.mark.parametrize(
    "error", [Throttled(60), OutcomeUnknown(), Transient(), SendRefused("401", "channel")]
)
def test_a_platform_that_cannot_answer_now_waits_and_the_other_goes_on(world, error):
    for handle in ("a", "b"):
        world.register.add(handle)
    world.register.add("t", "x")
    world.tells.answers["a"] = error
    world.count()
    assert (world.tells.asked, world.register.told) == (["a", "t"], [("t", 7)])
    assert world.register.due_at["youtube", "inf_one", "a"] == world.clock.now()


def test_a_run_that_is_out_of_time_begins_nothing_more(world):
    world.register.add("a")
    world.count(seconds=0)
    assert world.tells.asked == []


def test_a_crash_between_any_two_steps_is_made_good_by_the_next_run(world):
    for after in (False, True):
        for at in range(1, 5):
            name = f"{after}{at}"
            world.register.add(name)
            world.faults.at, world.faults.after, world.faults.calls = at, after, 0
            with contextlib.suppress(Crash):
                world.count()
            world.faults.at = None
            world.count()
            assert (name, 7) in world.register.told
            assert world.register.due_at["youtube", "inf_one", name] > world.clock.now()
