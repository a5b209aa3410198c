"""What staff see of posts and do with them, each within their areas and departments."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import lists
from chalicelib.errors import Forbidden, InvalidInput, NotFound
from chalicelib.identity.roles import Principal
from chalicelib.metrics.model import Decision, Outcome, Wanted
from chalicelib.platforms.base import PostReading
from tests.metrics.world import Crash, Dying, World

LINK = "https://youtu.be/dQw4w9WgXcQ"
HOUR = timedelta(hours=1)


def staff(*roles: str, areas: tuple[str, ...] = (), departments: tuple[str, ...] = ()) -> Principal:
    return Principal("usr_1", "x", "x@x.test", frozenset(roles), frozenset(areas), frozenset(departments))  # type: ignore[arg-type]


ADMIN, EDITOR, AUDITOR = staff("admin"), staff("editor"), staff("auditor")
HERE, ELSEWHERE = staff("coordinator", areas=("D9001",)), staff("coordinator", areas=("D9002",))
WATER, ROADS = staff("nodal_officer", departments=("water",)), staff("nodal_officer", departments=("roads",))


def submit(world: World, who: Principal = ADMIN, url: str = LINK, **given: Any) -> Outcome:
    facts: dict[str, Any] = {"influencer": "", "department": "", "campaign": "", "text": ""}
    return world.posts.submit(who, url, **facts | given)


@pytest.mark.parametrize(
    ("link", "told", "matched", "by"),
    [
        (LINK, "", "not_known", ""),
        (LINK, "water", "yes", "platform"),
        (LINK, "two", "no", "platform"),
        ("https://x.com/water/status/1", "", "yes", "link"),
        ("https://x.com/two/status/1", "", "no", "link"),
    ],
)
def test_a_departments_own_post_is_on_an_account_of_its_register(
    world: World, link: str, told: str, matched: str, by: str
) -> None:
    world.campaign("cmp_1", "none")
    post = submit(world, WATER, link, department="water", campaign="cmp_1").post
    if told:
        world.posts.learned(post.id, PostReading(account="", handle=told, figures={"views": 1}))
    post = world.posts.get(ADMIN, post.id)
    assert (post.owner_department, post.person, post.matched, post.matched_by) == ("water", "", matched, by)
    assert (post.campaign, post.campaign_by, post.counts) == ("cmp_1", "staff", matched == "yes")


def test_a_department_without_an_account_there_publishes_nothing_there(world: World) -> None:
    for who, department, link in ((ROADS, "roads", LINK), (WATER, "water", "https://t.me/water/1")):
        with pytest.raises(InvalidInput) as refused:
            submit(world, who, link, department=department)
        assert [(one.field, one.code) for one in refused.value.errors] == [("department", "handle_missing")]
    assert world.all_posts() == []


def test_a_second_hand_in_by_staff_takes_a_post_from_no_campaign_of_another_department(world: World) -> None:
    world.campaign("cmp_1", department="water", one=HOUR)
    world.campaign("cmp_2", department="roads")
    world.says("one", "x.com/one/status/1")
    before = world.post("x", "1")
    with pytest.raises(Forbidden):
        submit(world, ROADS, "x.com/one/status/1", influencer="one", campaign="cmp_2")
    assert world.post("x", "1") == before
    after = submit(world, HERE, "x.com/one/status/1", influencer="one", campaign="cmp_2")
    assert (after.what, after.post.campaign, after.post.campaign_by) == ("known", "cmp_2", "staff")


def test_who_hands_in_a_standing_post_under_another_campaign_is_in_the_audit(world: World) -> None:
    world.campaign("cmp_1", one=HOUR)
    world.campaign("cmp_2")
    world.says("one", "x.com/one/status/1")
    for _ in range(2):  # the same again changes nothing
        submit(world, HERE, "x.com/one/status/1", influencer="one", campaign="cmp_2")
    post = world.post("x", "1")
    assert (post.campaign, post.campaign_by, post.decided_by) == ("cmp_2", "staff", "usr_1")
    entries = world.posts.audit.all_of(f"post#{post.id}")
    assert [(entry.action, entry.actor, entry.detail) for entry in entries] == [
        ("post.handed_in_again", "usr_1", {"campaign": "cmp_2", "before": "cmp_1"})
    ]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("step", range(1, 8))
def test_a_hand_in_by_staff_that_dies_on_the_way_is_audited_once(
    world: World, step: int, before: bool
) -> None:
    world.campaign("cmp_1", one=HOUR)
    world.campaign("cmp_2")
    world.says("one", "x.com/one/status/1")
    dying = world.service(Dying(world.store, step, before))
    given = {"influencer": "one", "department": "", "campaign": "cmp_2", "text": ""}
    with contextlib.suppress(Crash):
        dying.submit(HERE, "x.com/one/status/1", **given)
    submit(world, HERE, "x.com/one/status/1", influencer="one", campaign="cmp_2")
    post = world.post("x", "1")
    assert post.campaign == "cmp_2"
    assert len(world.posts.audit.all_of(f"post#{post.id}")) == 1


def test_when_another_writer_is_quicker_staff_change_what_he_left(world: World) -> None:
    world.campaign("cmp_1", one=HOUR)
    world.campaign("cmp_2")
    world.says("one", "x.com/one/status/1")
    store, changed = world.store, []

    class Overtaken:
        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def write_change(self, transaction: Any, after: Any, *more: Any) -> None:
            if not changed:
                changed.append(world.posts.submit_mine("one", "x.com/one/status/1", campaign="", text="#ad"))
            store.write_change(transaction, after, *more)

    posts = world.service(Overtaken())
    posts.submit(HERE, "x.com/one/status/1", influencer="one", department="", campaign="cmp_2", text="")
    post = world.post("x", "1")
    assert (post.campaign, post.stated and post.stated.labels) == ("cmp_2", ("ad",))
    assert len(world.posts.audit.all_of(f"post#{post.id}")) == 1


def test_a_departments_post_without_a_campaign_is_for_none(world: World) -> None:
    world.campaign("cmp_1", one=HOUR)
    post = submit(world, WATER, department="water").post
    assert (post.campaign, post.candidates) == ("", ())


@pytest.mark.parametrize(
    ("who", "given", "allowed"),
    [
        (ADMIN, {"influencer": "one"}, True),
        (EDITOR, {"influencer": "one"}, True),
        (HERE, {"influencer": "one"}, True),
        (ELSEWHERE, {"influencer": "one"}, False),
        (HERE, {"department": "water"}, False),
        (WATER, {"department": "water"}, True),
        (ROADS, {"department": "water"}, False),
        (WATER, {"influencer": "one"}, False),
        (WATER, {"influencer": "one", "campaign": "cmp_1"}, True),
        (ROADS, {"influencer": "one", "campaign": "cmp_1"}, False),
    ],
)
def test_staff_hand_in_within_their_areas_and_departments(
    world: World, who: Principal, given: dict[str, str], allowed: bool
) -> None:
    world.campaign("cmp_1")
    if allowed:
        assert submit(world, who, **given).what == "new"
        return
    with pytest.raises((Forbidden, InvalidInput)):
        submit(world, who, **given)
    assert world.all_posts() == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"url": "https://example.test/"}, "url"),
        ({"influencer": "", "department": ""}, "influencer"),
        ({"department": "water"}, "influencer"),
        ({"influencer": "", "department": "wter"}, "department"),
        ({"influencer": "nobody"}, "influencer"),
        ({"influencer": "three"}, "influencer"),
        ({"campaign": "cmp_none"}, "campaign"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(world: World, given: dict[str, str], field: str) -> None:
    world.person("three", status="suspended")
    with pytest.raises(InvalidInput) as refused:
        submit(world, **{"influencer": "one"} | given)
    assert [error.field for error in refused.value.errors] == [field]


def test_everybody_sees_what_is_theirs_to_see(world: World) -> None:
    world.campaign("cmp_1", one=HOUR)
    world.says("one", "x.com/one/status/1")
    post = world.post("x", "1")
    for who in (ADMIN, EDITOR, AUDITOR, HERE, WATER, staff("approver")):
        assert world.posts.get(who, post.id) == post
        assert world.posts.listed(who, Wanted(), 10, None) == ([post], None)
    for who in (ELSEWHERE, ROADS):
        with pytest.raises(NotFound):
            world.posts.get(who, post.id)
        assert world.posts.listed(who, Wanted(), 10, None) == ([], None)
    with pytest.raises(NotFound):
        world.posts.get(ADMIN, "pst_none")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), "54321"),
        (Wanted(campaign="cmp_1"), "1"),
        (Wanted(person="two"), "4"),
        (Wanted(area="D9001"), "4321"),
        (Wanted(area="D9002"), ""),
        (Wanted(platform="youtube"), "5"),
        (Wanted(state="not_matched"), "542"),
        (Wanted(person="one", state="matched"), "31"),
        (Wanted(undecided=True), "3"),
    ],
)
def test_a_list_is_filtered(world: World, wanted: Wanted, expected: str) -> None:
    world.campaign("cmp_1", one=HOUR)
    world.says("one", "x.com/one/status/1")
    world.clock.forward(1)
    world.says("one", "x.com/other/status/2")
    world.campaigns.reached.clear()
    world.campaign("cmp_2", one=HOUR)
    world.campaign("cmp_3", one=HOUR)
    world.posts._change(world.post("x", "2").id, lambda post: post.changed(campaign=""))
    world.clock.forward(1)
    world.says("one", "x.com/one/status/3")
    world.clock.forward(1)
    world.says("two", "x.com/one/status/4")
    world.clock.forward(1)
    submit(world, url=LINK, department="water")
    found, after = world.posts.listed(ADMIN, wanted, 10, None)
    assert "".join(post.native_id if post.platform == "x" else "5" for post in found) == expected
    assert after is None


def test_a_list_goes_on_where_it_was_left_also_when_a_filter_finds_little(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        world.says("one", f"x.com/{'one' if number % 2 else 'else'}/status/{number}")
        world.clock.forward(1)
    monkeypatch.setattr(lists, "MOST_READ", 2)
    seen, after, pages = [], None, 0
    while pages == 0 or after:
        found, after = world.posts.listed(ADMIN, Wanted(state="matched"), 10, after)
        seen += [post.native_id for post in found]
        pages += 1
    assert (seen, pages) == (["3", "1"], 3)
    first, after = world.posts.mine("one", 2, None)
    assert [post.native_id for post in first] == ["4", "3"]
    assert [post.native_id for post in world.posts.mine("one", 2, after)[0]] == ["2", "1"]


def test_staff_say_for_which_campaign_a_post_is_and_that_stays(world: World) -> None:
    world.campaign("cmp_1", one=HOUR)
    world.campaign("cmp_2", "paid", one=HOUR)
    world.says("one", "x.com/one/status/1")
    post = world.post("x", "1")
    after = world.posts.decide(HERE, post.id, Decision("they told me", campaign="cmp_2"))
    assert (after.campaign, after.campaign_by, after.candidates) == ("cmp_2", "staff", ())
    assert (after.compensation, after.decided_by, after.reason) == ("paid", "usr_1", "they told me")
    world.posts.submit_mine("one", "x.com/one/status/1", campaign="cmp_1", text="")
    assert world.post("x", "1").campaign == "cmp_2"
    assert world.posts.decide(ADMIN, post.id, Decision("no", campaign="")).campaign == ""


def test_staff_say_whose_a_post_is_whatever_the_platform_says_later(world: World) -> None:
    world.person("one", ("youtube", "UC" + "y" * 22))
    world.says("one", LINK)
    post = world.all_posts()[0]
    assert world.posts.decide(HERE, post.id, Decision("seen", matched=True)).matched == "yes"
    world.posts.learned(post.id, PostReading(account="UC" + "x" * 22))
    assert (world.all_posts()[0].matched, world.all_posts()[0].matched_by) == ("yes", "staff")
    assert world.posts.decide(HERE, post.id, Decision("not", matched=False)).state == "not_matched"


def test_a_decision_needs_the_right_over_the_post_as_it_becomes(world: World) -> None:
    world.campaign("cmp_1", one=HOUR, department="water")
    world.campaign("cmp_2", department="roads")
    world.says("one", "x.com/one/status/1")
    post = world.post("x", "1")
    with pytest.raises(NotFound):
        world.posts.decide(ELSEWHERE, post.id, Decision("x", matched=True))
    with pytest.raises(Forbidden):
        world.posts.decide(WATER, post.id, Decision("x", campaign="cmp_2"))
    with pytest.raises(InvalidInput):
        world.posts.decide(ADMIN, post.id, Decision("x", campaign="cmp_none"))
    with pytest.raises(NotFound):
        world.posts.decide(ADMIN, "pst_none", Decision("x", matched=True))
    assert world.post("x", "1") == post


def test_a_decision_is_in_the_audit_without_its_words(world: World) -> None:
    world.says("one", LINK)
    post = world.all_posts()[0]
    world.posts.decide(HERE, post.id, Decision("seen", matched=True))
    entries = world.posts.audit.all_of(f"post#{post.id}")
    assert [(entry.action, entry.actor) for entry in entries] == [("post.decided", "usr_1")]
    assert "seen" not in str(entries)
