"""Polling on the real tables: what is due is asked for, whatever dies, repeats, overlaps or is refused."""

from __future__ import annotations

import contextlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chalicelib.errors import PlatformOff, Transient
from chalicelib.events.catalog import PostSubmitted
from chalicelib.events.outbox import entry_of
from chalicelib.metering import Metered
from chalicelib.metrics.figures import Value
from chalicelib.metrics.model import Post
from chalicelib.metrics.poller import Poller
from chalicelib.metrics.snapshots import FiguresItem, Snapshot, Snapshots, close
from chalicelib.metrics.store import PostStore
from chalicelib.ops import Budgets
from chalicelib.platforms.base import OutcomeUnknown, PostReading, Quota, SendRefused, Throttled
from tests.dispatch.world import START, Crash, Faults, MovingClock
from tests.influencers.world import KnownSecrets

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Tells:
    """Platforms that count what they are asked, and tell, withhold or refuse as a test says."""

    def __init__(self, clock: MovingClock) -> None:
        self.clock = clock
        self.on = ["youtube", "x"]
        self.quotas = {"youtube": Quota(3, 1, 1000, 86400), "x": Quota(100, 1, 1000, 900)}
        self.requests: list[tuple[str, tuple[str, ...]]] = []
        self.raises: list[Exception | None] = []
        self.poison: set[str] = set()
        self.withheld: set[str] = set()
        self.gone: set[str] = set()
        self.error: type[Exception] = SendRefused

    def measurers(self):
        return self.on

    def quota(self, platform):
        return self.quotas[platform]

    def read_posts(self, platform, ids):
        self.requests.append((platform, tuple(ids)))
        error = self.raises.pop(0) if self.raises else None
        if error:
            raise error
        if self.poison & set(ids):
            raise SendRefused("100", "content") if self.error is SendRefused else self.error
        views = int((self.clock.now() - START).total_seconds())
        return {
            one: PostReading(gone=True) if one in self.gone else PostReading({"views": views}, account="acc")
            for one in ids
            if one not in self.withheld
        }

    def read_account(self, platform, handle):
        raise PlatformOff(platform=platform)


class World:
    def __init__(self) -> None:
        self.clock, self.faults = MovingClock(), Faults()
        self.tells = Tells(self.clock)
        self.posts = PostStore(KnownSecrets().keyed_hash)
        self.store = Snapshots()
        self.learned: list[tuple[str, PostReading]] = []

    def poller(self) -> Poller:
        self.faults.dead = False
        meter = Metered(self.tells, Budgets(self.clock))
        return Poller(
            self.faults.wrap(self.store, "due", "change", "keep"),
            self.faults.wrap(meter, "read_posts"),
            self.faults.guarded("learned", lambda *told: self.learned.append(told)),
            self.clock,
            ("youtube", "x"),
        )

    def poll(self, seconds: float = 40) -> None:
        self.poller().poll(self.clock.epoch() + seconds)

    def hand_in(self, native_id: str, platform: str = "youtube", **changes: object) -> str:
        facts: dict[str, object] = {
            "id": self.posts.id_of(platform, native_id),
            "rev": 1,
            "platform": platform,
            "native_id": native_id,
            "url": f"https://{platform}.example/{native_id}",
            "handed_in_at": self.clock.now(),
            "evidence": native_id,
        }
        post = Post.model_validate(facts | changes)
        assert self.posts.add(post, PostSubmitted(post_id=post.id, platform=platform))
        return post.id

    def views(self, post_id: str) -> int:
        return self.store.find(post_id).verified["views"].number

    def asked(self) -> Counter[str]:
        return Counter(one for _, ids in self.tells.requests for one in ids)


@pytest.fixture
def world(tables: object) -> World:
    return World()


def test_a_post_is_measured_when_it_was_handed_in_and_again_as_the_schedule_says(world):
    post = world.hand_in("v1")
    for _ in range(3):
        world.poll()
    assert world.asked() == {"v1": 1}
    world.clock.move(3599)
    world.poll()
    assert world.asked() == {"v1": 1}
    world.clock.move(1)
    world.poll()
    assert (world.asked(), world.views(post)) == ({"v1": 2}, 3600)
    assert [one.figures for one in world.store.history(post)] == [{"views": 0}, {"views": 3600}]


def test_over_its_90_days_a_post_costs_some_55_requests_and_then_none(world):
    post = world.hand_in("v1")
    while (due := world.store.find(post).due_at) is not None:
        world.clock.put(due)
        world.poll()
    assert 50 <= world.asked()["v1"] <= 60
    assert 50 <= len(world.store.history(post)) <= 60
    world.clock.move(400 * 86400)
    world.poll()
    assert world.asked()["v1"] <= 60
    assert FiguresItem.get(post, "figures").due_key is None


def test_posts_are_asked_for_in_batches_and_platforms_take_turns(world):
    for n in range(7):
        world.hand_in(f"v{n}")
    world.hand_in("t1", "x")
    world.poll()
    assert [(platform, len(ids)) for platform, ids in world.tells.requests] == [
        ("youtube", 3),
        ("x", 1),
        ("youtube", 3),
        ("youtube", 1),
    ]
    assert set(world.asked().values()) == {1}


def test_a_run_that_is_out_of_time_begins_nothing_more(world):
    world.hand_in("v1")
    world.poll(seconds=0)
    assert world.tells.requests == []


@pytest.mark.parametrize(
    "error", [Throttled(600), OutcomeUnknown(), Transient(), SendRefused("401", "channel")]
)
def test_a_platform_that_cannot_answer_now_rests_and_the_other_goes_on(world, error):
    post, other = world.hand_in("v1"), world.hand_in("t1", "x")
    world.tells.raises = [error]
    world.poll()
    world.poll()
    assert world.asked() == {"v1": 1, "t1": 1}
    assert (world.store.find(post).verified, world.views(other)) == ({}, 0)
    world.clock.move(3600)
    world.poll()
    assert world.views(post) == 3600


def test_while_a_platform_asks_to_wait_it_is_not_asked(world):
    world.hand_in("v1")
    world.tells.raises = [Throttled(600)]
    for _ in range(6):
        world.poll()
        world.clock.move(100)
    assert world.asked() == {"v1": 1}
    world.poll()
    assert world.asked() == {"v1": 2}


def test_a_platform_that_is_off_is_skipped_and_says_so(world, monkeypatch):
    counted = []
    monkeypatch.setattr("chalicelib.metrics.poller.count", lambda name, *_: counted.append(name))
    world.tells.on = ["youtube"]
    world.poll()
    assert counted == []
    post = world.hand_in("t1", "x")
    world.poll()
    assert (counted, world.tells.requests) == (["FiguresPlatformOff"], [])
    world.tells.on = ["youtube", "x"]
    world.poll()
    assert world.views(post) == 0


@pytest.mark.parametrize("error", [SendRefused, KeyError])
def test_one_post_that_spoils_its_batch_keeps_no_other_from_being_measured(world, error):
    world.tells.quotas["youtube"] = Quota(8, 1, 1000, 86400)
    world.tells.poison, world.tells.error = {"v5"}, error
    posts = {name: world.hand_in(name) for name in (f"v{n}" for n in range(8))}
    world.poll()
    told = {name for name, post in posts.items() if world.store.find(post).verified}
    assert told == set(posts) - {"v5"}
    assert len(world.tells.requests) == 7
    assert world.store.find(posts["v5"]).misses == 1
    world.clock.move(899)
    world.poll()
    assert len(world.tells.requests) == 7


def test_a_post_of_which_nothing_was_told_has_no_data_and_is_asked_for_again_soon(world):
    post = world.hand_in("v1")
    world.tells.withheld = {"v1"}
    world.poll()
    assert (world.store.find(post).verified, world.store.history(post)) == ({}, [])
    world.tells.withheld = set()
    world.clock.move(900)
    world.poll()
    assert (world.views(post), world.store.find(post).misses) == (900, 0)


def test_a_post_that_is_gone_keeps_its_figures_is_marked_and_asked_for_less(world):
    post = world.hand_in("v1")
    world.poll()
    world.tells.gone = {"v1"}
    for _ in range(48):
        world.clock.move(3600)
        world.poll()
    found = world.store.find(post)
    assert (world.asked()["v1"], found.verified["views"].number, found.gone_since) == (2, 0, START + HOUR)
    assert [reading.gone for _, reading in world.learned] == [False, True]


def test_what_a_platform_tells_beside_figures_is_handed_on_once(world):
    post = world.hand_in("v1")
    for _ in range(4):
        world.poll()
        world.clock.move(3600)
    assert [told[0] for told in world.learned] == [post]


def test_what_could_not_be_taken_is_handed_on_again_with_the_next_figures(world):
    post, taken = world.hand_in("v1"), []

    def learn(post_id, reading):
        taken.append(post_id)
        if len(taken) == 1:
            raise Throttled(60)

    for _ in range(3):
        replace(world.poller(), learned=learn).poll(world.clock.epoch() + 40)
        world.clock.move(3600)
    assert (taken, world.asked()) == ([post, post], {"v1": 3})


def test_a_crash_between_any_two_steps_loses_nothing_and_counts_nothing_twice(world):
    for after in (False, True):
        for at in range(1, 9):
            name = f"v{after}{at}"
            post = world.hand_in(name)
            world.faults.at, world.faults.after, world.faults.calls = at, after, 0
            with contextlib.suppress(Crash):
                world.poll()
            world.faults.at = None
            world.poll()
            found = world.store.find(post)
            assert found.verified["views"].at == world.clock.now()
            assert len(world.store.history(post)) == 1
            assert post in {told[0] for told in world.learned}
            world.clock.move(1)


def test_two_pollers_at_once_stay_within_the_quota_and_agree(world):
    world.tells.quotas["youtube"] = Quota(3, 1, 12, 86400)
    posts = [world.hand_in(f"v{n}") for n in range(60)]
    pollers = [world.poller() for _ in range(4)]
    until = world.clock.epoch() + 40
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda poller: poller.poll(until), pollers))
    assert len(world.tells.requests) == 12
    told = [post for post in posts if world.store.find(post).verified]
    assert len(told) == len(world.asked())
    for post in told:
        assert len(world.store.history(post)) == 1


def test_when_the_quota_is_used_up_the_rest_waits_for_its_window(world):
    world.tells.quotas["youtube"] = Quota(1, 1, 2, 3600)
    for n in range(5):
        world.hand_in(f"v{n}")
        world.clock.move(1)
    world.poll()
    world.poll()
    assert sum(world.asked().values()) == 2
    world.clock.move(3600 + 150)
    world.poll()
    assert sum(world.asked().values()) == 4
    assert set(world.asked()) == {f"v{n}" for n in range(4)}  # the longest due first


def test_figures_that_came_before_the_post_was_handed_in_are_kept(world):
    post_id = world.posts.id_of("youtube", "v1")
    early = {"views": Value(START - HOUR, 9), "saves": Value(START - HOUR, 1)}
    world.store.change(post_id, lambda known: known.told("verified", early), START)
    assert FiguresItem.get(post_id, "figures").expires > world.clock.epoch()
    world.hand_in("v1")
    world.poll()
    assert world.store.find(post_id).verified == {"views": Value(START, 0), "saves": early["saves"]}
    assert FiguresItem.get(post_id, "figures").expires is None


def test_of_a_person_who_left_nothing_more_is_asked_or_taken(world):
    post = world.hand_in("v1")
    world.poll()
    close(post)
    world.clock.move(7200)
    world.poll()
    late = {"views": Value(world.clock.now(), 99)}
    after = world.store.change(post, lambda known: known.told("verified", late), world.clock.now())
    assert (world.asked()["v1"], after.verified["views"].number, after.ask) == (1, 0, "")


def test_a_change_of_numbers_is_an_event_and_a_repetition_is_none(world):
    post = world.hand_in("v1")
    world.poll()
    item = FiguresItem.get(post, "figures")
    image = item.serialize()
    entry = entry_of({"dynamodb": {"NewImage": image}})
    assert entry is not None
    assert entry.data == {"post_id": post, "platform": "youtube", "grade": "verified"}
    same = world.store.find(post).verified
    world.store.change(post, lambda known: known.told("verified", same), START)
    assert FiguresItem.get(post, "figures").rev == item.rev
    newer = {"views": Value(START + HOUR, 0)}
    world.store.change(post, lambda known: known.told("verified", newer), START)
    assert FiguresItem.get(post, "figures").event is None


def test_writers_at_once_all_count(world):
    post = world.hand_in("v1")
    metrics = ["views", "reach", "likes", "comments", "shares", "saves"]

    def tell(metric: str) -> None:
        world.store.change(post, lambda known: known.told("verified", {metric: Value(START, 1)}), START)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(tell, metrics))
    assert set(world.store.find(post).verified) == set(metrics)


def test_of_one_stretch_of_the_history_the_newest_measurement_stays_whatever_came_last(world):
    post = world.hand_in("v1")
    for minutes in (5, 20, 10):
        at: datetime = START + timedelta(minutes=minutes)
        world.store.keep(post, Snapshot("verified", at, {"views": minutes}), START)
    world.store.keep(post, Snapshot("declared", START, {"views": 1}, "inf_one", "uploads/x.png"), START)
    assert [(one.grade, one.figures["views"], one.by) for one in world.store.history(post)] == [
        ("declared", 1, "inf_one"),
        ("verified", 20, ""),
    ]
