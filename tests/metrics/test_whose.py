"""Whose a post is, and how sure that is: an account that was shown to be theirs beats one that is stated."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from chalicelib.errors import InvalidInput
from chalicelib.metrics.model import Decision, Post
from chalicelib.platforms.base import Posted, PostReading
from chalicelib.ports import Contact
from tests.influencers.world import NOON
from tests.metrics.test_staff import HERE, submit
from tests.metrics.world import Crash, Dying, FakePeople, World

HOUR = timedelta(hours=1)
LINK = "https://x.com/one/status/1"


@pytest.fixture
def world(world: World) -> World:
    world.campaign("cmp_1", one=HOUR)
    world.campaign("cmp_2", two=HOUR)
    return world


def told(world: World, account: str) -> None:
    world.posts.told("x", Posted("d", "published", "1", account, NOON, LINK, ""), NOON)


def test_a_match_by_a_stated_account_counts_and_says_that_it_is_stated(world: World) -> None:
    world.says("one", LINK)
    post = world.post("x", "1")
    assert (post.matched, post.matched_by, post.matched_grade) == ("yes", "link", "stated")
    told(world, "one")
    post = world.post("x", "1")
    assert (post.matched_by, post.matched_grade, post.counts) == ("platform", "stated", True)


def test_a_match_by_a_proven_account_is_verified(world: World) -> None:
    world.handles.prove("one", "x", "one")
    world.says("one", LINK)
    post = world.post("x", "1")
    assert (post.matched, post.matched_by, post.matched_grade) == ("yes", "link", "verified")


def test_a_post_that_was_stated_is_verified_once_its_account_is_shown(world: World) -> None:
    world.says("one", LINK)
    world.handles.prove("one", "x", "one")
    for _ in range(2):  # the event may come twice
        world.posts.weigh_again("one")
    post = world.post("x", "1")
    assert (post.matched_grade, post.campaign, post.rev) == ("verified", "cmp_1", 2)


def test_staffs_word_and_what_does_not_match_has_no_grade(world: World) -> None:
    world.handles.prove("one", "x", "one")
    world.says("one", "https://x.com/other/status/2")
    assert world.post("x", "2").matched_grade == ""
    after = world.posts.decide(HERE, world.post("x", "2").id, Decision("seen", matched=True))
    assert (after.matched, after.matched_grade) == ("yes", "")


def test_who_hands_in_what_somebody_else_has_shown_to_be_theirs_is_told_so_and_it_counts_for_nobody(
    world: World,
) -> None:
    world.handles.prove("two", "x", "one")
    said = str(world.says("one", LINK))
    assert "Somebody else has shown that the account is theirs" in said
    assert "two" not in said
    post = world.post("x", "1")
    assert (post.person, post.matched, post.matched_by, post.counts) == ("one", "no", "proof", False)


def test_a_post_counts_no_longer_when_somebody_else_shows_that_its_account_is_theirs(world: World) -> None:
    world.says("one", LINK)
    told(world, "one")
    assert world.post("x", "1").counts
    world.handles.prove("two", "x", "one")
    world.posts.weigh_again("one")
    post = world.post("x", "1")
    assert (post.person, post.matched, post.matched_by, post.counts) == ("one", "no", "proof", False)


def test_a_poll_notices_a_proof_of_which_no_event_came(world: World) -> None:
    world.says("one", LINK)
    world.handles.prove("two", "x", "one")
    world.posts.learned(world.post("x", "1").id, PostReading(handle="one"))
    assert world.post("x", "1").matched_by == "proof"


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_whoever_hands_in_first_the_post_ends_with_who_has_shown_the_account(
    world: World, order: tuple[int, ...]
) -> None:
    def proof() -> None:
        world.handles.prove("two", "x", "one")
        world.posts.weigh_again("one")
        world.posts.weigh_again("two")

    steps = [
        lambda: world.says("one", LINK, "first"),
        lambda: world.says("two", LINK, "second"),
        proof,
        lambda: told(world, "one"),
    ]
    for step in (*order, *order):
        steps[step]()
    post = world.post("x", "1")
    assert (post.person, post.matched, post.matched_grade) == ("two", "yes", "verified")
    assert (post.campaign, post.others) == ("cmp_2", ("one",))
    assert len(world.all_posts()) == 1


def test_a_departments_own_post_is_verified_once_the_department_has_shown_the_account(world: World) -> None:
    posted = submit(world, url="https://x.com/water/status/3", department="water", campaign="cmp_1").post
    assert posted.matched_grade == "stated"
    world.handles.prove("department#water", "x", "water")
    for _ in range(2):  # the event may come twice
        world.posts.weigh_again("department#water")
    post = world.post("x", "3")
    assert (post.matched_grade, post.counts, post.rev) == ("verified", True, posted.rev + 1)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_departments_post_on_an_account_that_somebody_else_has_shown_ends_with_them_in_any_order(
    world: World, order: tuple[int, ...]
) -> None:
    world.campaign("cmp_1", one=HOUR)

    def handed_in_for_the_department() -> None:
        with contextlib.suppress(InvalidInput):  # it has no account there by now
            submit(world, url="https://x.com/water/status/3", department="water", campaign="cmp_1")

    def proof() -> None:
        world.handles.prove("one", "x", "water")
        for holder in ("department#water", "one"):
            world.posts.weigh_again(holder)

    steps = [
        handed_in_for_the_department,
        lambda: world.says("one", "https://x.com/water/status/3", "second"),
        proof,
        lambda: world.posts.weigh_again("department#water"),  # an event that was late
    ]
    for step in (*order, *order):
        steps[step]()
    [post] = world.all_posts()
    assert (post.person, post.owner_department, post.matched_grade) == ("one", "", "verified")


def test_a_departments_post_counts_for_nobody_once_somebody_who_has_not_handed_it_in_shows_the_account(
    world: World,
) -> None:
    submit(world, url="https://x.com/water/status/3", department="water", campaign="cmp_1")
    world.handles.prove("one", "x", "water")
    world.posts.weigh_again("department#water")
    post = world.post("x", "3")
    assert (post.owner_department, post.matched, post.matched_by, post.counts) == (
        "water",
        "no",
        "proof",
        False,
    )


def test_what_two_have_only_stated_stays_with_whom_it_matched_first(world: World) -> None:
    world.handles.handles["two"].append(("x", "one"))
    world.says("one", LINK)
    told(world, "one")
    world.says("two", LINK)
    assert world.post("x", "1").person == "one"


def test_a_proof_does_not_overrule_staff(world: World) -> None:
    world.says("one", LINK)
    world.posts.decide(HERE, world.post("x", "1").id, Decision("I know them", matched=True))
    world.handles.prove("two", "x", "one")
    world.says("two", LINK)
    world.posts.weigh_again("one")
    post = world.post("x", "1")
    assert (post.person, post.matched, post.matched_by) == ("one", "yes", "staff")


def test_a_post_passes_on_to_nobody_who_has_left_meanwhile(world: World) -> None:
    world.says("one", LINK)
    world.says("two", LINK)
    world.handles.prove("two", "x", "one")
    world.person("two", ("x", "one"), status="withdrawn")
    world.posts.weigh_again("one")
    post = world.post("x", "1")
    assert (post.person, post.matched_by, post.counts) == ("one", "proof", False)


def test_a_post_of_a_proven_account_stays_its_owners_though_somebody_else_has_its_name_now(
    world: World,
) -> None:
    world.says("one", LINK)
    told(world, "777")
    world.handles.proven["x", "777"] = "one"
    world.handles.handles["one"].clear()
    world.posts.weigh_again("one")
    post = world.post("x", "1")
    assert (post.matched, post.matched_by, post.matched_grade) == ("yes", "platform", "verified")


def test_when_whose_proof_it_was_has_left_the_link_decides_again(world: World) -> None:
    world.handles.prove("two", "x", "one")
    world.says("one", LINK)
    world.handles.proven.clear()
    world.handles.handles["one"].append(("x", "one"))
    world.posts.weigh_again("one")
    post = world.post("x", "1")
    assert (post.matched, post.matched_by, post.matched_grade) == ("yes", "link", "stated")


class Lagging:
    """A store whose index still lists what was a person's a moment ago."""

    def __init__(self, store: Any, person: str) -> None:
        self.store, self.before = store, list(store.listed("by_person", person, None, 100))

    def listed(self, *given: Any) -> Any:
        return iter(self.before)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


class Late:
    """A store that was asked for a post a moment ago."""

    def __init__(self, store: Any, before: Post) -> None:
        self.store, self.before = store, [before]

    def find(self, post_id: str) -> Post | None:
        return self.before.pop() if self.before else self.store.find(post_id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def test_a_post_that_has_passed_on_is_not_weighed_by_the_accounts_of_whom_it_was_before(world: World) -> None:
    link = "https://x.com/i/status/1"
    world.says("one", link)
    lagging = Lagging(world.store, "one")
    told(world, "two")
    world.says("two", link)
    assert (world.post("x", "1").person, world.post("x", "1").matched) == ("two", "yes")
    world.service(lagging).weigh_again("one")
    post = world.post("x", "1")
    assert (post.person, post.matched, post.counts) == ("two", "yes", True)


def test_news_of_a_post_that_passes_on_meanwhile_weigh_it_by_its_new_owners_accounts(world: World) -> None:
    link = "https://x.com/i/status/1"
    world.says("one", link)
    before = world.post("x", "1")
    told(world, "two")
    world.says("two", link)

    world.service(Late(world.store, before)).learned(before.id, PostReading(handle="two"))
    post = world.post("x", "1")
    assert (post.person, post.matched, post.counts) == ("two", "yes", True)


def test_news_of_a_post_whose_person_leaves_meanwhile_name_nobody_in_it_again(world: World) -> None:
    world.says("one", LINK)
    before = world.post("x", "1")
    world.person("one", status="withdrawn")
    world.posts.forget("one")
    world.service(Late(world.store, before)).learned(before.id, PostReading(handle="one"))
    [post] = world.all_posts()
    assert (post.withdrawn_at is not None, post.told.accounts) == (True, ())


def test_a_post_that_passes_on_to_who_leaves_in_that_very_moment_keeps_nothing_of_them(world: World) -> None:
    world.says("one", LINK)
    world.says("two", LINK)
    world.handles.prove("two", "x", "one")

    class Leaving(FakePeople):
        def contacts(self, ids: Sequence[str]) -> dict[str, Contact]:
            found = super().contacts(ids)
            if "two" in ids and found["two"].status == "approved":
                world.person("two", status="withdrawn")
                world.posts.forget("two")  # before the post is theirs
            return found

    world.posts = replace(world.posts, people=Leaving(world.people.known))
    world.posts.weigh_again("one")
    post = world.all_posts()[0]
    assert (post.person, post.url, post.others) == ("", "", ())
    assert post.withdrawn_at is not None


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("step", range(1, 8))
def test_whoever_dies_while_looking_anew_comes_again_and_it_ends_the_same(
    world: World, step: int, before: bool
) -> None:
    world.says("one", LINK)
    world.says("two", LINK)
    world.handles.prove("two", "x", "one")
    with contextlib.suppress(Crash):
        world.service(Dying(world.store, step, before)).weigh_again("one")
    world.posts.weigh_again("one")
    post = world.post("x", "1")
    if post.person == "one":  # it had passed on before it died, and came again for two
        world.posts.weigh_again("two")
    post = world.post("x", "1")
    assert (post.person, post.matched_grade, post.campaign) == ("two", "verified", "cmp_2")
