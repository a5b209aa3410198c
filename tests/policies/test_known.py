"""What is known of a person: figures as they were told, posts that are surely theirs, nothing made up."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.influencers.profiles import Profiles
from chalicelib.metrics.activity import Activity
from chalicelib.platforms.base import Posted
from chalicelib.ports import Count, KnownPost, Shown
from chalicelib.tables import write_together
from tests.influencers.world import ADMIN, NOON, World
from tests.metrics.world import World as Metrics

INSTAGRAM = [{"platform": "instagram", "handle": "@Sunita.Devi", "followers": 1200}]


def test_a_count_of_the_platform_stands_beside_the_persons_word(tables: object) -> None:
    world = World()
    person = world.approved(handles=INSTAGRAM)
    profiles = Profiles(world.store, world.register)
    before = profiles.profile(person.id)
    assert before is not None
    [account] = before.accounts
    assert (account.verified, account.declared, account.proven_at) == (None, Count(1200), None)
    world.store.counted(person.id, "instagram", "sunita.devi", 0, NOON, account="")
    after = profiles.profile(person.id)
    assert after is not None
    assert (after.accounts[0].verified, after.accounts[0].declared) == (Count(0, NOON), Count(1200))
    assert (after.reviewed_by, after.path[-1], after.status) == (ADMIN.id, "D9001-A1-P1", "approved")
    assert profiles.profile("inf_erased") is None


def test_who_wrote_no_number_has_stated_none(tables: object) -> None:
    world = World()
    person = world.approved(handles=[INSTAGRAM[0] | {"followers": 0}])
    profile = Profiles(world.store, world.register).profile(person.id)
    assert profile is not None
    assert (profile.accounts[0].verified, profile.accounts[0].declared) == (None, None)


def test_an_account_is_proven_since_it_was_shown(tables: object) -> None:
    world = World()
    person = world.approved(handles=INSTAGRAM)
    takeover = world.store.takeover(
        person.id, person.handles[0].id, Shown("sunita.devi", "178", NOON, "description")
    )
    assert takeover is not None
    with write_together() as transaction:
        takeover.write(transaction)
    profile = Profiles(world.store, world.register).profile(person.id)
    assert profile is not None
    assert profile.accounts[0].proven_at == NOON


def test_posts_count_that_are_surely_theirs_and_still_there(tables: object) -> None:
    world = Metrics()
    world.campaign("cmp", one=timedelta(days=1))
    began = world.clock.now()
    world.says("one", "https://x.com/one/status/1")
    world.says("one", "https://x.com/two/status/2")
    world.says("one", "https://x.com/one/status/3")
    later = began + timedelta(seconds=1)
    gone = Posted(dedupe_id="d", kind="removed", post_id="3", account="", at=later, url="", text="")
    world.posts.told("x", gone, later)
    world.clock.forward(3600)
    world.says("one", "https://x.com/one/status/4")
    activity = Activity(world.store)
    assert activity.posts_since("one", began, 100) == [
        KnownPost("x", "one", began + timedelta(hours=1)),
        KnownPost("x", "one", began),
    ]
    assert len(activity.posts_since("one", began + timedelta(seconds=1), 100)) == 1
    assert len(activity.posts_since("one", began, 1)) == 1
    assert activity.posts_since("two", began, 100) == []
