"""Posts that creators hand in: each counts once, for the right person and campaign, with its label."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest

from chalicelib.errors import Forbidden, InvalidInput, TooManyRequests
from chalicelib.metrics import service
from chalicelib.ports import Contact
from tests.metrics.world import Crash, Dying, World

VIDEO = "dQw4w9WgXcQ"
LINK = f"https://youtu.be/{VIDEO}?si=x"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_a_link_in_a_message_is_noted_and_answered(world: World) -> None:
    world.campaign("cmp_1", one=HOUR)
    said = world.says("one", f"मेरा वीडियो: {LINK}।")
    url = f"https://www.youtube.com/watch?v={VIDEO}"
    assert said == f"Thank you! Your post {url} is noted for the campaign “Title of cmp_1”."
    post = world.post("youtube", VIDEO)
    assert (post.person, post.campaign, post.campaign_by) == ("one", "cmp_1", "latest")
    assert post.area_path == world.people.known["one"].area_path


def test_the_answer_is_in_the_creators_language(world: World) -> None:
    world.person("hindi", language="hi")
    assert "धन्यवाद" in str(world.says("hindi", LINK))


@pytest.mark.parametrize("status", ["pending_review", "suspended", "withdrawn", "declined"])
def test_who_is_not_approved_hands_in_nothing(world: World, status: str) -> None:
    world.person("three", status=status)
    assert world.says("three", LINK) is None
    assert world.all_posts() == []


def test_strangers_and_messages_without_a_post_are_left_alone(world: World) -> None:
    assert world.says("nobody", LINK) is None
    assert world.says("one", "नमस्ते https://wa.me/918123456789") is None
    assert world.posts.handed_in("instagram", "one", LINK, evidence="e", at=world.clock.now()) is None
    assert world.all_posts() == []


def test_a_post_of_somebody_who_has_said_stop_is_taken_without_a_word(world: World) -> None:
    world.person("one", suppressed=frozenset({"whatsapp"}))
    assert world.says("one", LINK) is None
    assert world.post("youtube", VIDEO).person == "one"


def test_the_same_message_again_counts_once_and_gives_the_same_answer(world: World) -> None:
    first = world.says("one", LINK, "evidence")
    assert world.says("one", LINK, "evidence") == first
    assert len(world.all_posts()) == 1


def test_a_second_hand_in_of_the_same_person_is_known(world: World) -> None:
    world.says("one", LINK)
    assert "was handed in before: it counts once" in str(world.says("one", f"youtube.com/shorts/{VIDEO}"))
    assert len(world.all_posts()) == 1


def test_another_person_is_told_so_without_a_word_about_the_first(world: World) -> None:
    world.says("one", LINK)
    said = str(world.says("two", LINK))
    assert "by somebody else before" in said
    assert "one" not in said
    post = world.post("youtube", VIDEO)
    assert (post.person, post.others) == ("one", ("two",))


def test_no_more_others_are_kept_than_so_many(world: World) -> None:
    world.says("one", LINK)
    for number in range(8):
        world.person(f"other{number}")
        world.says(f"other{number}", LINK)
        world.says(f"other{number}", LINK)
    assert len(world.post("youtube", VIDEO).others) == 5


def test_several_links_of_one_message_are_each_taken(world: World) -> None:
    said = str(world.says("one", f"{LINK} x.com/one/status/1 और t.me/one_tg/5"))
    assert said.count("Thank you") == 3
    assert len(world.all_posts()) == 3


def test_nobody_hands_in_more_than_so_many_posts_a_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "POSTS_A_DAY", 2)
    said = str(world.says("one", "t.me/one_tg/1 t.me/one_tg/2 t.me/one_tg/3"))
    assert "tomorrow" in said
    assert len(world.all_posts()) == 2
    with pytest.raises(TooManyRequests):
        world.posts.submit_mine("one", LINK, campaign="", text="")
    world.clock.forward(24 * 3600)
    assert world.posts.submit_mine("one", LINK, campaign="", text="").what == "new"


# --- whose it is


def test_a_link_that_names_the_persons_own_account_matches(world: World) -> None:
    world.says("one", "https://x.com/One/status/1")
    post = world.post("x", "1")
    assert (post.matched, post.matched_by, post.state) == ("yes", "link", "matched")


def test_a_link_that_names_another_account_is_kept_as_not_matched_and_says_so(world: World) -> None:
    assert "not on an account that you gave us" in str(world.says("one", "https://x.com/two/status/1"))
    post = world.post("x", "1")
    assert (post.matched, post.state, post.counts) == ("no", "not_matched", False)


def test_a_link_without_an_account_is_open(world: World) -> None:
    world.says("one", LINK)
    post = world.post("youtube", VIDEO)
    assert (post.matched, post.state, post.counts) == ("not_known", "not_matched", False)


def test_a_link_that_cannot_name_anybody_else_is_the_platforms_word(world: World) -> None:
    world.says("one", "t.me/one_tg/5")
    assert world.post("telegram", "one_tg/5").matched_by == "platform"


def test_a_post_goes_to_whom_its_link_surely_names_whoever_was_first(world: World) -> None:
    world.campaign("cmp_1", one=HOUR)
    world.campaign("cmp_2", two=HOUR)
    world.says("one", "t.me/two_tg/5")
    assert world.says("two", "t.me/two_tg/5") is not None
    post = world.post("telegram", "two_tg/5")
    assert (post.person, post.matched, post.campaign, post.others) == ("two", "yes", "cmp_2", ("one",))


def test_the_interface_of_meta_is_asked_under_the_persons_own_account(world: World) -> None:
    world.person("one", ("instagram", "one.devi"))
    world.says("one", "https://www.instagram.com/reel/CxYz12abC/ https://www.instagram.com/share/BAbcdef1")
    assert world.post("instagram", "CxYz12abC").api_id == "one.devi/CxYz12abC"
    assert world.post("instagram", "share/BAbcdef1").api_id == ""


def test_of_several_accounts_none_is_guessed_but_the_one_in_the_link(world: World) -> None:
    world.person(
        "one", ("instagram", "one.devi"), ("instagram", "one.more"), ("instagram", "17841400000000077")
    )
    world.says(
        "one", "https://www.instagram.com/p/CxYz12abC/ https://www.instagram.com/one.more/p/CxYz12abD/"
    )
    assert world.post("instagram", "CxYz12abC").api_id == ""
    assert world.post("instagram", "CxYz12abD").api_id == "one.more/CxYz12abD"


def test_who_sends_a_short_link_is_asked_for_the_full_one(world: World) -> None:
    assert "send the full link" in str(world.says("one", "https://fb.watch/AbC12x"))
    assert "send the full link" not in str(world.says("one", "t.me/one_tg/7"))


# --- for which campaign


@pytest.mark.parametrize(
    ("reached", "campaign", "candidates"),
    [
        ({}, "", ()),
        ({"cmp_1": 13 * DAY}, "cmp_1", ()),
        ({"cmp_1": 15 * DAY}, "", ()),
        ({"cmp_1": 3 * DAY, "cmp_2": DAY}, "cmp_2", ()),
        ({"cmp_1": 25 * HOUR, "cmp_2": HOUR}, "cmp_2", ()),
        ({"cmp_1": 24 * HOUR, "cmp_2": HOUR}, "", ("cmp_1", "cmp_2")),
        ({"cmp_2": HOUR, "cmp_1": HOUR}, "", ("cmp_1", "cmp_2")),
    ],
)
def test_a_post_is_for_the_campaign_that_came_last_unless_two_came_at_once(
    world: World, reached: dict[str, timedelta], campaign: str, candidates: tuple[str, ...]
) -> None:
    for ident, ago in reached.items():
        world.campaign(ident, one=ago)
    said = str(world.says("one", "x.com/one/status/1"))
    post = world.post("x", "1")
    assert (post.campaign, post.candidates) == (campaign, candidates)
    assert post.counts is bool(campaign)
    assert ("more than one campaign" in said) is bool(candidates)


def test_two_runs_of_one_campaign_are_no_doubt(world: World) -> None:
    world.campaign("cmp_1", one=HOUR)
    world.campaign("cmp_1", one=2 * HOUR)
    world.says("one", LINK)
    assert world.post("youtube", VIDEO).campaign == "cmp_1"


def test_what_reached_the_person_after_the_hand_in_is_not_its_campaign(world: World) -> None:
    world.campaign("cmp_1", one=-HOUR)
    world.says("one", LINK)
    assert world.post("youtube", VIDEO).campaign == ""


def test_a_creator_may_say_for_which_campaign_it_is_also_later(world: World) -> None:
    world.campaign("cmp_1", one=HOUR)
    world.campaign("cmp_2", one=HOUR)
    assert world.posts.submit_mine("one", LINK, campaign="", text="").post.candidates
    outcome = world.posts.submit_mine("one", LINK, campaign="cmp_1", text="")
    assert outcome.what == "known"
    post = world.post("youtube", VIDEO)
    assert (post.campaign, post.campaign_by, post.candidates) == ("cmp_1", "given", ())


@pytest.mark.parametrize("campaign", ["cmp_2", "cmp_none"])
def test_a_campaign_that_never_reached_the_creator_is_refused(world: World, campaign: str) -> None:
    world.campaign("cmp_1", one=HOUR)
    world.campaign("cmp_2", two=HOUR)
    with pytest.raises(InvalidInput) as refused:
        world.posts.submit_mine("one", LINK, campaign=campaign, text="")
    assert [error.code for error in refused.value.errors] == ["campaign_unknown"]
    assert world.all_posts() == []


def test_what_is_no_post_is_refused_by_name(world: World) -> None:
    with pytest.raises(InvalidInput):
        world.posts.submit_mine("one", "https://example.test/x", campaign="", text="")
    world.person("three", status="suspended")
    with pytest.raises(Forbidden):
        world.posts.submit_mine("three", LINK, campaign="", text="")


# --- its label


@pytest.mark.parametrize(
    ("compensation", "text", "disclosed"),
    [
        ("paid", "पानी बचाओ #ad", "yes"),
        ("paid", "पानी बचाओ", "no"),
        ("paid", "", "not_known"),
        ("in_kind", "पानी बचाओ #प्रायोजित", "yes"),
        ("in_kind", "पानी बचाओ", "no"),
        ("none", "पानी बचाओ", "not_needed"),
    ],
)
def test_the_pasted_words_show_whether_the_label_is_there(
    world: World, compensation: str, text: str, disclosed: str
) -> None:
    world.campaign("cmp_1", compensation, one=HOUR)
    post = world.posts.submit_mine("one", LINK, campaign="cmp_1", text=text).post
    assert post.disclosed == disclosed
    assert "पानी" not in post.model_dump_json()


def test_a_message_shows_a_label_by_its_hashtag_and_nothing_by_its_absence(world: World) -> None:
    world.campaign("cmp_1", "paid", one=HOUR)
    assert "#ad" not in str(world.says("one", f"my ad {LINK}"))
    assert world.post("youtube", VIDEO).disclosed == "not_known"
    world.says("one", f"{LINK} #ad")
    assert world.post("youtube", VIDEO).disclosed == "yes"


# --- crashes


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("step", range(1, 5))
def test_whoever_dies_on_the_way_comes_again_and_the_post_counts_once(
    world: World, step: int, before: bool
) -> None:
    world.campaign("cmp_1", one=HOUR)
    dying = Dying(world.store, step, before)

    def hand_in(store: object) -> None:
        posts = world.service(store)
        posts.handed_in("whatsapp", "one", f"{LINK} #ad", evidence="one message", at=world.clock.now())

    with contextlib.suppress(Crash):
        hand_in(dying)
    hand_in(world.store)
    [post] = world.all_posts()
    assert (post.person, post.campaign, post.words and post.words.labels) == ("one", "cmp_1", ("ad",))


def test_contacts_are_read_before_anything_is_kept(world: World) -> None:
    gone: dict[str, Contact] = world.people.known
    gone.pop("one")
    world.people.owner = lambda channel, address: "one"  # type: ignore[method-assign]
    assert world.says("one", LINK) is None
