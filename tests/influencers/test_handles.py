"""One account, one form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from chalicelib.handles import PLATFORMS, clean_handle
from chalicelib.links import NAMES

CHANNEL = "UCOhHO2ICt0ti9KAh-QHvttQ"
SAME = {
    ("instagram", "ravi.kumar_1"): [
        "ravi.kumar_1",
        " @Ravi.Kumar_1 ",
        "@ ravi.kumar_1",
        "https://www.instagram.com/ravi.kumar_1/?igshid=x",
        "instagram.com/RAVI.kumar_1",
        "m.instagram.com/ravi.kumar_1/reels/",
        "http://instagr.am/ravi.kumar_1#top",
        "instagram.com/_u/ravi.kumar_1",
        "https://ig.me/m/ravi.kumar_1",
        "https://l.instagram.com/?u=https%3A%2F%2Finstagram.com%2Fravi.kumar_1&e=AT0",
        "https://instagram.com/stories/ravi.kumar_1/123",
        "HTTPS://WWW.INSTAGRAM.COM/Ravi.Kumar_1",
        "\u200eravi.kumar_1",
        "ravi\u200b.kumar\u202e_1\ufe0f",
        "https://instagram.com/ravi.kumar%E2%80%8B_1",
        "https://instagram.com/ ravi.kumar_1",
    ],
    ("facebook", "ravikumar"): [
        "ravi.kumar",
        "@RaviKumar",
        "https://m.facebook.com/ravi.kumar/posts/12",
        "fb.com/ravikumar",
        "https://hi-in.facebook.com/Ravi.Kumar?ref=x",
        "facebook.com/pg/ravikumar/about",
        "https://fb.me/ravikumar",
        "https://m.me/ravikumar",
        "https://lm.facebook.com/l.php?u=https%3A%2F%2Ffb.com%2Fravikumar&h=AT1",
        "https://web.m.facebook.com/ravikumar",
        "mbasic.facebook.com/ravikumar",
        "touch.facebook.com/ravikumar",
    ],
    ("facebook", "100012345678"): [
        "https://www.facebook.com/profile.php?id=100012345678&x=1",
        "facebook.com/people/Ravi-K/100012345678/",
        "https://facebook.com/pages/Ravi/100012345678",
    ],
    ("x", "namo_1"): [
        "@NaMo_1",
        "https://twitter.com/namo_1?s=20",
        "x.com/namo_1/status/12",
        "mobile.twitter.com/NAMO_1",
        "https://x.com/@namo_1",
    ],
    ("youtube", "technicalguruji"): [
        "@TechnicalGuruji",
        "technicalguruji",
        "technical\u200dguru\u3164ji",
        "https://youtube.com/@technical%E2%80%8Cguruji",
        "https://www.youtube.com/@TechnicalGuruji/videos",
        "youtube.com/%40technicalguruji",
        "https://m.youtube.com/@technicalguruji?si=1",
    ],
    ("youtube", CHANNEL): [CHANNEL, f"https://youtube.com/channel/{CHANNEL}/about"],
    ("youtube", "c/foo"): ["youtube.com/c/Foo", "https://youtube.com/Foo", "c/foo"],
    ("youtube", "user/foo"): ["youtube.com/user/Foo/about", "user/Foo"],
    ("youtube", "श्री\u200cमान"): ["@श्री\u200cमान", "youtube.com/@श्री%E2%80%8Cमान"],
    ("youtube", "हिन्दी_समाचार"): [
        "@हिन्दी_समाचार",
        "https://youtube.com/@%E0%A4%B9%E0%A4%BF%E0%A4%A8्दी_समाचार",
    ],
    ("whatsapp", "+918123456789"): [
        "81234 56789",
        "+918123456789",
        "https://wa.me/918123456789",
        "wa.me/+918123456789",
        "https://api.whatsapp.com/send?phone=%2B918123456789&text=x",
        "https://api.whatsapp.com/send/?phone=918123456789",
    ],
    ("whatsapp", "channel/0029VaABCDEFGHIJKLMNOP"): [
        "https://whatsapp.com/channel/0029VaABCDEFGHIJKLMNOP",
        "www.whatsapp.com/channel/0029VaABCDEFGHIJKLMNOP?x=1",
    ],
    ("whatsapp", "+14155552671"): ["https://wa.me/14155552671"],
    ("telegram", "ravi_k"): [
        "@Ravi_K",
        "t.me/ravi_k",
        "https://t.me/s/Ravi_K",
        "tg://resolve?domain=ravi_k",
        "telegram.me/ravi_k/12",
        "https://telegram.dog/ravi_k",
    ],
}


@pytest.mark.parametrize(
    ("platform", "typed", "form"),
    [(platform, typed, form) for (platform, form), spellings in SAME.items() for typed in spellings],
)
def test_every_spelling_of_an_account_gives_one_form(platform: str, typed: str, form: str) -> None:
    assert clean_handle(platform, typed) == form
    assert clean_handle(platform, form) == form


@pytest.mark.parametrize(
    ("platform", "typed", "code"),
    [
        ("instagram", "", "handle_invalid"),
        ("instagram", "@", "handle_invalid"),
        ("instagram", "ravi kumar", "handle_invalid"),
        ("instagram", "ravi..kumar", "handle_invalid"),
        ("instagram", ".ravi", "handle_invalid"),
        ("instagram", "ravi.", "handle_invalid"),
        ("instagram", "a" * 31, "handle_invalid"),
        ("instagram", "रवि", "handle_invalid"),
        ("instagram", "explore", "handle_invalid"),
        ("instagram", "https://instagram.com/p/Cxyz/", "handle_invalid"),
        ("instagram", "https://instagram.com/Reel/Cxyz/", "handle_invalid"),
        ("instagram", "https://instagram.com/", "handle_invalid"),
        ("instagram", "instagram.com", "handle_invalid"),
        ("instagram", "https://facebook.com/ravi", "handle_other_site"),
        ("instagram", "facebook.com/ravi", "handle_other_site"),
        ("instagram", "https://instagram.com.evil.test/ravi", "handle_other_site"),
        ("instagram", "https://[ravi", "handle_other_site"),
        ("instagram", "ftp://instagram.com/ravi", "handle_invalid"),
        ("instagram", "example.com/ravi", "handle_invalid"),
        ("facebook", "abcd", "handle_invalid"),
        ("facebook", "a_bcdef", "handle_invalid"),
        ("facebook", "a" * 51, "handle_invalid"),
        ("facebook", "https://facebook.com/groups/ravi", "handle_invalid"),
        ("facebook", "https://facebook.com/profile.php", "handle_invalid"),
        ("facebook", "https://facebook.com/people/Ravi", "handle_invalid"),
        ("x", "a" * 16, "handle_invalid"),
        ("x", "ra.vi", "handle_invalid"),
        ("x", "https://x.com/i/lists/1", "handle_invalid"),
        ("x", "https://twitter.com/search?q=ravi", "handle_invalid"),
        ("youtube", "ab", "handle_invalid"),
        ("youtube", "abc\u0984", "handle_invalid"),
        ("youtube", "abc\x7f", "handle_invalid"),
        ("youtube", "a" * 61, "handle_invalid"),
        ("youtube", "https://youtube.com/watch?v=1", "handle_invalid"),
        ("youtube", "https://youtube.com/shorts/abc", "handle_invalid"),
        ("youtube", "https://youtu.be/abc", "handle_other_site"),
        ("youtube", "c/", "handle_invalid"),
        ("whatsapp", "12345", "phone_invalid"),
        ("whatsapp", "https://wa.me/message/ABC", "handle_invalid"),
        ("whatsapp", "https://chat.whatsapp.com/abc", "handle_other_site"),
        ("whatsapp", "https://api.whatsapp.com/send", "phone_invalid"),
        ("telegram", "tg://resolve", "handle_invalid"),
        ("facebook", "https://facebook.com/", "handle_invalid"),
        ("youtube", "https://youtube.com/channel", "handle_invalid"),
        ("whatsapp", "channel/short", "handle_invalid"),
        ("telegram", "ra", "handle_invalid"),
        ("telegram", "1ravi", "handle_invalid"),
        ("telegram", "a" * 33, "handle_invalid"),
        ("telegram", "https://t.me/+abcd", "handle_invalid"),
        ("telegram", "https://t.me/joinchat/abc", "handle_invalid"),
        ("telegram", "https://t.me/c/123/4", "handle_invalid"),
        ("telegram", "tg://join?invite=x", "handle_invalid"),
        ("telegram", "tg", "handle_invalid"),
    ],
)
def test_what_is_no_account_there_is_refused(platform: str, typed: str, code: str) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        clean_handle(platform, typed)
    assert refused.value.type == code
    assert refused.value.context
    if code == "handle_invalid":
        said = "This is not an account on %(platform)s. Please give its name or its link."
        assert refused.value.context == {"sentence": said, "platform": NAMES[platform]}
    if code == "handle_other_site":
        said = "This link leads to another site. Please check the platform."
        assert refused.value.context == {"sentence": said}


def test_the_longest_names_of_each_platform_are_taken() -> None:
    longest = {"instagram": 30, "facebook": 50, "x": 15, "youtube": 60, "telegram": 32}
    for platform, length in longest.items():
        assert clean_handle(platform, "a" * length) == "a" * length
    assert clean_handle("facebook", "abcde") == "abcde"
    assert clean_handle("youtube", "abc") == "abc"
    assert clean_handle("telegram", "abcd") == "abcd"


def test_a_link_may_be_long_but_not_endless() -> None:
    link = "https://instagram.com/ravi?x="
    assert clean_handle("instagram", link + "y" * (300 - len(link))) == "ravi"
    with pytest.raises(PydanticCustomError):
        clean_handle("instagram", link + "y" * (301 - len(link)))


@given(st.sampled_from(PLATFORMS), st.text(max_size=60))
def test_a_clean_handle_stays_as_it_is(platform: str, typed: str) -> None:
    try:
        handle = clean_handle(platform, typed)
    except PydanticCustomError:
        return
    assert clean_handle(platform, handle) == handle
    assert handle.strip() == handle


@given(st.sampled_from(["instagram", "x", "telegram"]), st.from_regex(r"[a-zA-Z]\w{4,14}", fullmatch=True))
def test_a_name_its_at_sign_and_its_link_are_one(platform: str, name: str) -> None:
    site = {"instagram": "instagram.com", "x": "x.com", "telegram": "t.me"}[platform]
    try:
        form = clean_handle(platform, name)
    except PydanticCustomError:
        return
    for spelling in (f"@{name}", f" {name} ", f"https://{site}/{name}", f"{site}/{name}/", name.upper()):
        assert clean_handle(platform, spelling) == form
