"""What stays of the posts of a person who has left: that they counted, and nothing that leads to anybody."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest

from chalicelib.errors import Forbidden
from chalicelib.metrics import service
from chalicelib.metrics.model import Post
from chalicelib.metrics.snapshots import FiguresItem, Snapshot, Snapshots
from chalicelib.metrics.store import PostItem, ToldItem
from chalicelib.platforms.base import Posted, PostReading
from tests.influencers.world import NOON
from tests.metrics.world import Crash, Dying, World

HOUR = timedelta(hours=1)


def handed_in(world: World) -> Post:
    world.person("one", ("instagram", "one.devi"), language="hi")
    world.person("two", ("instagram", "two"))
    world.campaign("cmp_1", "paid", one=HOUR)
    url = "https://www.instagram.com/one.devi/p/CxYz12abC/"
    world.posts.told("instagram", Posted("d", "published", "17891", "44556", NOON, url, "#ad"), NOON)
    world.says("one", url)
    world.says("two", url)
    return world.post("instagram", "CxYz12abC")


def test_person_link_account_and_what_was_told_are_gone_and_the_count_stays(world: World) -> None:
    before = handed_in(world)
    assert before.counts
    world.posts.forget("one")
    after = world.post("instagram", "CxYz12abC")
    assert (after.state, after.counts, after.campaign) == ("withdrawn", True, "cmp_1")
    assert (after.platform, after.disclosed, after.area_path) == (
        "instagram",
        "yes",
        ("IN", "IN-XN", "D9001"),
    )
    told = " ".join(str(item.attribute_values) for item in (*PostItem.scan(), *ToldItem.scan()))
    for trace in ("CxYz12abC", "one", "two", "17891", "44556"):
        assert trace not in told.replace("None", "")
    assert FiguresItem.get(after.id, "figures").due_key is None
    assert list(world.store.listed("by_person", "one", None, 10)) == []


def test_a_post_of_whom_has_left_is_handed_in_by_nobody_and_learns_nothing(world: World) -> None:
    before = handed_in(world)
    world.posts.forget("one")
    after = world.post("instagram", "CxYz12abC")
    assert "by somebody else" in str(world.says("two", "https://www.instagram.com/p/CxYz12abC/"))
    world.posts.learned(before.id, PostReading(account="44556", text="#ad"))
    world.posts.told("instagram", Posted("d", "removed", "CxYz12abC", "44556", NOON), NOON)
    assert world.post("instagram", "CxYz12abC") == after


def test_declared_figures_stay_without_their_screenshot_and_who_declared_them(world: World) -> None:
    post, snapshots = handed_in(world), Snapshots()
    for grade, shown in (("declared", "screenshots/x"), ("verified", "")):
        snapshots.keep(post.id, Snapshot(grade, NOON, {"views": 5}, "one" if shown else "", shown), None)  # type: ignore[arg-type]
    world.posts.forget("one")
    history = snapshots.history(post.id)
    assert [(one.grade, one.figures, one.by, one.screenshot) for one in history] == [
        ("declared", {"views": 5}, "", ""),
        ("verified", {"views": 5}, "", ""),
    ]
    assert world.shredded == ["screenshots/x"]


def test_what_is_declared_while_a_post_is_cleaned_is_not_taken(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    post, closed = handed_in(world), []

    def cleaning(post_id: str) -> list[str]:
        closed.append(Snapshots().find(post_id).closed)
        return []

    monkeypatch.setattr(service, "shown_of", cleaning)
    world.posts.forget("one")
    assert closed == [True]
    assert world.post("instagram", "CxYz12abC").id == post.id


def test_others_keep_theirs(world: World) -> None:
    handed_in(world)
    world.says("two", "x.com/two/status/9")
    before = world.post("x", "9")
    world.posts.forget("one")
    assert world.post("x", "9") == before


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("step", range(1, 5))
def test_a_crash_on_the_way_and_a_second_call_come_to_the_same(world: World, step: int, before: bool) -> None:
    handed_in(world)
    with contextlib.suppress(Crash):
        world.service(Dying(world.store, step, before)).forget("one")
    for _ in range(2):
        world.posts.forget("one")
    after = world.post("instagram", "CxYz12abC")
    assert (after.state, after.person, after.rev) == ("withdrawn", "", after.rev)


def test_whoever_leaves_in_the_moment_of_a_hand_in_leaves_no_post(world: World) -> None:
    contacts, calls = world.people.contacts, []

    def leaving(ids: list[str]) -> object:
        calls.append(ids)
        if len(calls) == 2:
            world.person("one", status="withdrawn")
        return contacts(ids)

    world.people.contacts = leaving  # type: ignore[method-assign,assignment]
    with pytest.raises(Forbidden):
        world.says("one", "x.com/one/status/1")
    assert world.post("x", "1").state == "withdrawn"
    assert world.says("one", "x.com/one/status/1") is None
