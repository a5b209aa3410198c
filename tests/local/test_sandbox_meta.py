"""The sandbox's Instagram and Facebook, asked and heard by the real adapters."""

import json
from collections.abc import Callable

import pytest

from chalicelib.errors import SignatureInvalid
from chalicelib.platforms.base import Call, PostReading, SendRefused, Throttled
from chalicelib.platforms.http_client import HttpClient
from chalicelib.platforms.registry import ADAPTERS, MEASURERS
from local.config import FACEBOOK, INSTAGRAM, platform_secret
from tests.local.conftest import Client, Receiver

OURS = {"instagram": INSTAGRAM.handle, "facebook": FACEBOOK.handle}
BOTH = pytest.mark.parametrize("platform", sorted(OURS))
HOUR, DAY = 3600, 24 * 3600


def act(sandbox: Client, platform: str, kind: str, who: str, text: str = "", **more: object) -> str:
    body = {"platform": platform, "kind": kind, "from": who, "text": text, **more}
    status, answer = sandbox.call("POST", "/inbound", body)
    assert status == 202, answer
    return str(answer["id"])


def read(sandbox: Client, platform: str, one: str) -> PostReading:
    secret = platform_secret()[platform]
    url = f"{sandbox.url}/{platform}"
    return MEASURERS[platform].read_posts(HttpClient(), url, secret, [one])[one]


def heard(sandbox: Client, receiver: Receiver, platform: str) -> list[object]:
    """What the adapter reads in the posts that it lets pass."""
    sandbox.settled()
    told: list[object] = []
    for path, headers, body in receiver.posts:
        assert path == f"/webhooks/{platform}"
        call = Call({name.lower(): value for name, value in headers.items()}, body)
        ADAPTERS[platform].verify(platform_secret()[platform], call)
        with pytest.raises(SignatureInvalid):
            ADAPTERS[platform].verify(platform_secret()[platform], Call(call.headers, body + b" "))
        told += ADAPTERS[platform].parse(body)
    receiver.posts.clear()
    return told


@BOTH
def test_figures_of_our_post_grow_with_its_age(sandbox: Client, platform: str) -> None:
    post = act(sandbox, platform, "post", OURS[platform], "शिविर #ad")
    one = f"{OURS[platform]}/{post}"
    sandbox.call("POST", "/clock", {"offset_s": 2 * HOUR})
    young = read(sandbox, platform, one)
    sandbox.call("POST", "/clock", {"offset_s": 5 * DAY})
    old = read(sandbox, platform, one)
    assert (old.text, old.handle) == ("शिविर #ad", OURS[platform])
    assert old.published_at == young.published_at
    assert {"views", "reach", "likes", "comments"} <= set(old.figures)
    assert all(old.figures[name] >= figure for name, figure in young.figures.items())
    assert 0 < young.figures["views"] < old.figures["views"]


def test_reach_comes_late_and_is_no_data_until_then(sandbox: Client) -> None:
    one = f"{INSTAGRAM.handle}/{act(sandbox, 'instagram', 'post', INSTAGRAM.handle)}"
    assert "reach" not in read(sandbox, "instagram", one).figures
    sandbox.call("POST", "/clock", {"offset_s": 2 * HOUR})
    assert "reach" in read(sandbox, "instagram", one).figures


def test_a_code_alone_is_a_post_of_ours_or_nothing(sandbox: Client) -> None:
    post = act(sandbox, "instagram", "post", INSTAGRAM.handle, "शिविर")
    assert read(sandbox, "instagram", post).text == "शिविर"
    other = act(sandbox, "instagram", "post", "ashanamuna", "देखिए")
    assert read(sandbox, "instagram", other).hidden


@BOTH
def test_others_posts_tell_less(sandbox: Client, platform: str) -> None:
    post = act(sandbox, platform, "post", "ashanamuna", "देखिए")
    sandbox.call("POST", "/clock", {"offset_s": DAY})
    reading = read(sandbox, platform, f"ashanamuna/{post}")
    assert reading.text == "देखिए"
    assert "reach" not in reading.figures
    assert reading.figures["likes"] > 0


@BOTH
def test_a_post_of_ours_that_was_removed_is_gone(sandbox: Client, platform: str) -> None:
    post = act(sandbox, platform, "post", OURS[platform])
    act(sandbox, platform, "remove", OURS[platform], post=post)
    one = {"instagram": f"{INSTAGRAM.handle}/{post}", "facebook": f"{FACEBOOK.page_id}_{post}"}[platform]
    assert read(sandbox, platform, one).gone


@BOTH
def test_an_account_tells_its_followers_and_what_it_says_of_itself(sandbox: Client, platform: str) -> None:
    act(sandbox, platform, "bio", "ashanamuna", "जनजन JJ-1234")
    url, secret = f"{sandbox.url}/{platform}", platform_secret()[platform]
    known = MEASURERS[platform].read_account(HttpClient(), url, secret, "ashanamuna")
    assert known is not None
    assert (known.handle, known.bio) == ("ashanamuna", "जनजन JJ-1234")
    assert known.followers
    nobody = {"instagram": "ravi.private", "facebook": "ravinamuna"}[platform]
    assert MEASURERS[platform].read_account(HttpClient(), url, secret, nobody) is None


@BOTH
def test_what_was_published_outlives_a_restart(start: Callable[[], Client], platform: str) -> None:
    post = act(start(), platform, "post", "ashanamuna", "पहला")
    sandbox = start()
    assert read(sandbox, platform, f"ashanamuna/{post}").text == "पहला"


@BOTH
def test_a_wrong_token_and_too_many_calls_are_refused_as_meta_does(sandbox: Client, platform: str) -> None:
    url, secret = f"{sandbox.url}/{platform}", platform_secret()[platform]
    adapter = MEASURERS[platform]
    with pytest.raises(SendRefused) as refused:
        adapter.read_account(HttpClient(), url, secret | {"access_token": "other"}, "ashanamuna")
    assert (refused.value.platform_code, refused.value.scope) == ("190", "channel")
    sandbox.call("POST", "/behaviour", {"throttle": 1})
    with pytest.raises(Throttled):
        adapter.read_account(HttpClient(), url, secret, "ashanamuna")


@BOTH
def test_a_message_to_our_account_is_heard(sandbox: Client, receiver: Receiver, platform: str) -> None:
    act(sandbox, platform, "message", "ashanamuna", "सड़क कब बनेगी?")
    [said] = heard(sandbox, receiver, platform)
    assert (type(said).__name__, said.kind, said.text) == ("Inbound", "text", "सड़क कब बनेगी?")


@BOTH
def test_a_comment_under_our_post_is_heard(sandbox: Client, receiver: Receiver, platform: str) -> None:
    act(sandbox, platform, "post", OURS[platform])
    heard(sandbox, receiver, platform)
    act(sandbox, platform, "comment", "ashanamuna", "शाबाश")
    [comment] = heard(sandbox, receiver, platform)
    assert (comment.kind, comment.verb, comment.text) == ("comment", "added", "शाबाश")


def test_a_like_of_a_page_comes_twice_and_is_one(sandbox: Client, receiver: Receiver) -> None:
    act(sandbox, "facebook", "post", FACEBOOK.handle)
    heard(sandbox, receiver, "facebook")
    act(sandbox, "facebook", "like", "रवि")
    likes = heard(sandbox, receiver, "facebook")
    assert len(likes) == 2
    assert len({like.dedupe_id for like in likes}) == 1


def test_what_our_page_publishes_changes_and_removes_is_told(sandbox: Client, receiver: Receiver) -> None:
    post = act(sandbox, "facebook", "post", FACEBOOK.handle, "एक")
    act(sandbox, "facebook", "post", FACEBOOK.handle, "दो", post=post)
    act(sandbox, "facebook", "remove", FACEBOOK.handle, post=post)
    told = sorted((news.kind, news.text, news.post_id) for news in heard(sandbox, receiver, "facebook"))
    assert [(kind, text) for kind, text, _ in told] == [
        ("changed", "दो"),
        ("published", "एक"),
        ("removed", "दो"),
    ]
    assert {about for _, _, about in told} == {f"{FACEBOOK.page_id}_{post}"}


@BOTH
def test_a_mention_of_ours_is_heard(sandbox: Client, receiver: Receiver, platform: str) -> None:
    post = act(sandbox, platform, "post", "ashanamuna", "@नमूना")
    act(sandbox, platform, "mention", "ashanamuna", post=post)
    [mention] = heard(sandbox, receiver, platform)
    assert mention.kind == "mentions"


def test_a_story_that_is_over_tells_its_insights_and_hides_small_ones(
    sandbox: Client, receiver: Receiver
) -> None:
    figures = {"reach": 40, "views": 3}
    act(sandbox, "instagram", "story_insights", INSTAGRAM.handle, post="17990000000000009", figures=figures)
    sandbox.settled()
    value = json.loads(receiver.posts[0][2])["entry"][0]["changes"][0]["value"]
    assert value["views"] == -1
    [measured] = heard(sandbox, receiver, "instagram")
    assert measured.figures == {"reach": 40}


@BOTH
@pytest.mark.parametrize(
    "body",
    [
        {"kind": "comment", "from": "asha", "text": "x", "post": "nothing"},
        {"kind": "post", "from": "नमूना", "text": "x"},
        {"kind": "post", "from": "ashanamuna", "post": "a b"},
        {"kind": "remove", "from": "ashanamuna", "post": "1"},
        {"kind": "mention", "from": "ashanamuna", "post": "1"},
        {"kind": "dance", "from": "ashanamuna"},
    ],
)
def test_what_cannot_be_is_refused_with_a_word(sandbox: Client, platform: str, body: dict[str, str]) -> None:
    status, answer = sandbox.call("POST", "/inbound", {"platform": platform, **body})
    assert status == 400
    assert answer["error"]
