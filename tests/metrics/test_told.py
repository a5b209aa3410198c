"""What platforms tell of posts: in any order, before or after somebody hands them in, once or often."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.metrics.model import Told, Words, match
from chalicelib.metrics.snapshots import Snapshots
from chalicelib.platforms.base import Engaged, Measured, Posted, PostReading
from chalicelib.ports import OwnAccount
from tests.influencers.world import NOON
from tests.metrics.world import Crash, Dying, World

VIDEO = "dQw4w9WgXcQ"
LINK = f"https://youtu.be/{VIDEO}"
MINE, THEIRS = "UC" + "a" * 22, "UC" + "b" * 22
HOUR = timedelta(hours=1)


def at(minutes: int) -> datetime:
    return NOON - HOUR + timedelta(minutes=minutes)


def news(kind: str = "published", minutes: int = 0, text: str = "", **changes: object) -> Posted:
    facts = {"dedupe_id": f"{kind}{minutes}", "kind": kind, "post_id": VIDEO, "account": MINE}
    return Posted(**facts | {"at": at(minutes), "url": LINK, "text": text} | changes)  # type: ignore[arg-type]


@pytest.fixture
def world(world: World) -> World:
    world.person("one", ("youtube", MINE))
    world.campaign("cmp_1", "paid", one=2 * HOUR)
    return world


def hand_in(world: World) -> None:
    world.says("one", LINK, "one message")


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_end_is_the_same_in_any_order_of_news_and_hand_in(world: World, order: tuple[int, ...]) -> None:
    steps = [
        lambda: world.posts.told("youtube", news("published", 0, "पानी"), NOON),
        lambda: world.posts.told("youtube", news("changed", 10, "पानी #ad"), NOON),
        lambda: world.posts.told("youtube", news("removed", 20), NOON),
        lambda: hand_in(world),
    ]
    for step in (*order, order[0]):
        steps[step]()
    post = world.post("youtube", VIDEO)
    assert (post.matched, post.matched_by, post.state) == ("yes", "platform", "removed")
    assert (post.disclosed, post.removed_at, post.told.published_at) == ("yes", at(20), at(0))
    assert post.counts


def test_what_is_there_again_is_no_longer_removed(world: World) -> None:
    hand_in(world)
    world.posts.told("youtube", news("removed", 10), NOON)
    world.posts.told("youtube", news("changed", 20), NOON)
    assert world.post("youtube", VIDEO).state == "matched"


def test_another_account_on_the_platforms_word_is_not_matched(world: World) -> None:
    hand_in(world)
    world.posts.told("youtube", news(account=THEIRS), NOON)
    post = world.post("youtube", VIDEO)
    assert (post.matched, post.matched_by, post.counts) == ("no", "platform", False)


def test_a_post_that_nobody_hands_in_is_no_post(world: World) -> None:
    world.posts.told("youtube", news(), NOON)
    assert world.all_posts() == []


def test_news_that_say_nothing_new_write_nothing(world: World) -> None:
    hand_in(world)
    world.posts.told("youtube", news(), NOON)
    before = world.post("youtube", VIDEO)
    world.posts.told("youtube", news(), NOON)
    assert world.post("youtube", VIDEO) == before


def test_a_mention_tells_whose_post_it_is_and_nothing_of_its_words(world: World) -> None:
    hand_in(world)
    world.posts.told("youtube", news("mentions", 5, "#ad"), NOON)
    post = world.post("youtube", VIDEO)
    assert (post.matched, post.disclosed) == ("yes", "not_known")


def test_a_platform_that_gives_no_time_is_taken_at_the_time_of_its_call(world: World) -> None:
    hand_in(world)
    world.posts.told("youtube", news("removed", at=None), NOON)
    world.posts.told("youtube", news("published", 5), NOON)
    assert world.post("youtube", VIDEO).removed_at == NOON


def test_another_id_of_the_platforms_leads_to_the_same_post(world: World) -> None:
    world.person("one", ("instagram", "one"))
    seen: list[str] = []
    object.__setattr__(world.posts, "measured", lambda post_id, news, at: seen.append(post_id))
    url = "https://www.instagram.com/p/CxYz12abC/"
    for told in (news(post_id="1789", url=url, account=""), news(post_id="1789", url="", kind="removed")):
        world.posts.told("instagram", told, NOON)
    world.says("one", url)
    world.posts.told("instagram", Measured("d", "1789", {"views": 5}, None), NOON)
    post = world.post("instagram", "CxYz12abC")
    assert (seen, post.api_id, post.told.gone) == ([post.id], "1789", True)


def test_a_post_whose_id_for_the_api_is_told_is_measured_with_it_at_once(world: World) -> None:
    url = "https://www.instagram.com/p/CxYz12abC/"
    world.person("one", ("instagram", "one"))
    world.says("one", url)
    post = world.post("instagram", "CxYz12abC")
    assert Snapshots().find(post.id).ask == "one/CxYz12abC"
    world.clock.forward(7200)
    for _ in range(2):
        world.posts.told("instagram", news(post_id="1789", url=url, account=""), NOON)
    known = Snapshots().find(post.id)
    assert (known.ask, known.due_at, known.rev) == ("1789", world.clock.now(), 2)


def test_facebooks_own_id_holds_the_links(world: World) -> None:
    world.person("one", ("facebook", "10064"))
    world.says("one", "https://www.facebook.com/10064/posts/55555")
    world.posts.told("facebook", news(post_id="10064_55555", url="", account="10064"), NOON)
    assert world.post("facebook", "55555").matched_by == "platform"


def test_what_somebody_does_under_a_post_is_no_post(world: World) -> None:
    world.posts.told("facebook", Engaged("d", "like", "1_2", "3", "added", None), NOON)
    assert world.all_posts() == []


# --- what the API says when it is asked


def reading(**changes: object) -> PostReading:
    return PostReading(**{"account": MINE, "text": "पानी #ad", "published_at": at(0)} | changes)  # type: ignore[arg-type]


def test_the_api_tells_account_words_and_time(world: World) -> None:
    hand_in(world)
    world.posts.learned(world.post("youtube", VIDEO).id, reading())
    post = world.post("youtube", VIDEO)
    assert (post.matched, post.matched_by, post.disclosed) == ("yes", "platform", "yes")
    assert post.told.published_at == at(0)


def test_a_name_is_asked_for_its_id_when_the_api_tells_ids_alone(world: World) -> None:
    world.person("one", ("youtube", "one"))
    world.account_ids = {"one": MINE}
    hand_in(world)
    world.posts.learned(world.post("youtube", VIDEO).id, reading())
    assert world.post("youtube", VIDEO).matched == "yes"
    world.account_ids = {"one": THEIRS}
    world.says("one", "https://youtu.be/aaaaaaaaaaa")
    world.posts.learned(world.post("youtube", "aaaaaaaaaaa").id, reading())
    assert world.post("youtube", "aaaaaaaaaaa").matched == "no"


def test_what_the_api_never_knew_is_nobodys_and_what_it_knew_is_removed(world: World) -> None:
    hand_in(world)
    post_id = world.post("youtube", VIDEO).id
    world.posts.learned(post_id, PostReading(gone=True))
    assert (world.post("youtube", VIDEO).matched, world.post("youtube", VIDEO).state) == ("no", "not_matched")
    world.clock.forward(60)
    world.posts.learned(post_id, reading())
    assert world.post("youtube", VIDEO).state == "matched"
    world.clock.forward(60)
    world.posts.learned(post_id, PostReading(gone=True))
    assert world.post("youtube", VIDEO).state == "removed"


def test_an_answer_without_anything_says_nothing(world: World) -> None:
    hand_in(world)
    before = world.post("youtube", VIDEO)
    world.posts.learned(before.id, PostReading())
    world.posts.learned("pst_none", reading())
    assert world.post("youtube", VIDEO) == before


def test_a_post_passes_on_to_whose_account_published_it(world: World) -> None:
    world.person("two", ("youtube", THEIRS))
    world.campaign("cmp_2", "none", two=HOUR)
    hand_in(world)
    world.says("two", LINK)
    world.posts.learned(world.post("youtube", VIDEO).id, reading(account=THEIRS))
    post = world.post("youtube", VIDEO)
    assert (post.person, post.campaign, post.matched, post.others) == ("two", "cmp_2", "yes", ("one",))


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("step", range(1, 7))
def test_news_whose_taking_dies_come_again(world: World, step: int, before: bool) -> None:
    hand_in(world)
    dying = world.service(Dying(world.store, step, before))
    with contextlib.suppress(Crash):
        dying.told("youtube", news("published", 0, "#ad"), NOON)
    world.posts.told("youtube", news("published", 0, "#ad"), NOON)
    post = world.post("youtube", VIDEO)
    assert (post.matched, post.disclosed) == ("yes", "yes")


@pytest.mark.parametrize("step", range(1, 6))
def test_a_hand_in_that_dies_before_it_has_read_the_news_reads_them_when_it_comes_again(
    world: World, step: int
) -> None:
    world.posts.told("youtube", news("published", 0, "#ad"), NOON)
    dying = world.service(Dying(world.store, step, before=True))
    for posts in (dying, world.posts):
        with contextlib.suppress(Crash):
            posts.handed_in("whatsapp", "one", LINK, evidence="one message", at=NOON)
    assert (world.post("youtube", VIDEO).matched, world.post("youtube", VIDEO).disclosed) == ("yes", "yes")


# --- the rules by themselves

MOMENTS = st.integers(0, 1000).map(at)
LABELS = st.sampled_from([(), ("ad",), ("sponsored",)])


@given(st.lists(st.tuples(st.integers(0, 10**6), LABELS, st.booleans()), unique_by=lambda one: one[0]))
def test_told_together_is_the_same_in_any_order(given_news: list[tuple[int, tuple[str, ...], bool]]) -> None:
    told = [
        Told(removed_at=at(n))
        if gone
        else Told(words=Words(labels=ls, by="platform", at=at(n)), seen_at=at(n))
        for n, ls, gone in given_news
    ]
    forwards, backwards = Told(), Told()
    for one in told:
        forwards = forwards.and_(one)
    for one in [*reversed(told), *told]:
        backwards = backwards.and_(one)
    assert forwards == backwards


@pytest.mark.parametrize(
    ("accounts", "mine", "answer"),
    [
        ((), ["one"], "not_known"),
        (("one",), ["one", "x"], "yes"),
        (("two",), ["one"], "no"),
        (("two",), [], "no"),
        ((MINE,), ["one"], "not_known"),
        ((MINE,), ["one", THEIRS], "no"),
        (("123", "two"), ["one"], "no"),
        (("123",), ["one"], "not_known"),
        (("123",), ["456"], "no"),
    ],
)
def test_an_id_and_a_name_cannot_be_compared(accounts: tuple[str, ...], mine: list[str], answer: str) -> None:
    own = [OwnAccount("x", name) for name in mine]
    assert match(Told(accounts=accounts), own) == answer


def test_the_platforms_words_beat_a_persons_and_the_later_ones_the_earlier() -> None:
    stated = Words(labels=("ad",), by="stated", at=at(9))
    early, late = (Words(labels=(), by="platform", at=at(n)) for n in (1, 5))
    assert early.over(stated) == early
    assert stated.over(early) == early
    assert early.over(late) == late == late.over(early)
