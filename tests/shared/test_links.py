"""Links of posts: every spelling of one post gives one form, and nothing else is taken for a post."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.links import LONGEST, MOST, PostLink, post_link, posts_in

VIDEO = "dQw4w9WgXcQ"
SAME: dict[PostLink, list[str]] = {
    PostLink("youtube", VIDEO, f"https://www.youtube.com/watch?v={VIDEO}"): [
        f"https://youtu.be/{VIDEO}",
        f"youtu.be/{VIDEO}?si=Abc_def-123&t=42",
        f"http://youtube.com/watch?v={VIDEO}",
        f"https://m.youtube.com/watch?feature=share&v={VIDEO}&t=1s",
        f"https://www.youtube.com/watch?feature=share&amp;v={VIDEO}",
        f"https://www.YouTube.com/Watch?v={VIDEO}",
        f"https://youtube.com/shorts/{VIDEO}?feature=share",
        f"https://www.youtube.com/live/{VIDEO}",
        f"https://www.youtube.com/embed/{VIDEO}?rel=0",
        f"https://www.youtube-nocookie.com/embed/{VIDEO}",
        f"https://music.youtube.com/watch?v={VIDEO}&list=x",
        f"https://www.youtube.com:443/watch?v={VIDEO}#t=1",
        "https://www.youtube.com/watch?v=%64Qw4w9WgXcQ",
    ],
    PostLink("instagram", "CxYz_-12abC", "https://www.instagram.com/p/CxYz_-12abC/"): [
        "https://www.instagram.com/p/CxYz_-12abC/?igsh=MzRlODBiNWFlZA==&utm_source=qr",
        "https://instagram.com/reel/CxYz_-12abC/",
        "https://www.instagram.com/reels/CxYz_-12abC",
        "instagram.com/tv/CxYz_-12abC",
        "https://instagr.am/p/CxYz_-12abC/",
        "https://l.instagram.com/?u=https%3A%2F%2Fwww.instagram.com%2Fp%2FCxYz_-12abC%2F&e=AT0",
    ],
    PostLink("instagram", "CxYz_-12abC", "https://www.instagram.com/p/CxYz_-12abC/", "sunita.devi"): [
        "https://www.instagram.com/Sunita.Devi/p/CxYz_-12abC/",
        "https://www.instagram.com/sunita.devi/reel/CxYz_-12abC/?igsh=x",
    ],
    PostLink("instagram", "share/reel/BAb1-_2c", "https://www.instagram.com/share/reel/BAb1-_2c/"): [
        "https://www.instagram.com/share/reel/BAb1-_2c",
    ],
    PostLink(
        "instagram", "stories/sunita/3141", "https://www.instagram.com/stories/sunita/3141/", "sunita", True
    ): ["https://www.instagram.com/stories/Sunita/3141?igsh=x"],
    PostLink("facebook", "1234567890", "https://www.facebook.com/ravikumar/posts/1234567890", "ravikumar"): [
        "https://www.facebook.com/Ravi.Kumar/posts/1234567890?__cft__[0]=AZ&__tn__=x",
        "https://m.facebook.com/ravikumar/posts/1234567890/",
        "https://hi-in.facebook.com/ravikumar/posts/%E0%A4%B0%E0%A4%B5%E0%A4%BF/1234567890",
        "https://www.facebook.com/permalink.php?story_fbid=1234567890&id=ravikumar",
        "https://mbasic.facebook.com/story.php?id=ravi.kumar&story_fbid=1234567890&refid=17",
    ],
    PostLink(
        "facebook",
        "pfbid0AbCdEfGhIjKl",
        "https://www.facebook.com/100064/posts/pfbid0AbCdEfGhIjKl",
        "100064",
    ): [
        "https://www.facebook.com/100064/posts/pfbid0AbCdEfGhIjKl",
        "https://www.facebook.com/permalink.php?story_fbid=pfbid0AbCdEfGhIjKl&id=100064",
    ],
    PostLink("facebook", "9876543210", "https://www.facebook.com/watch/?v=9876543210"): [
        "https://www.facebook.com/watch/?v=9876543210&ref=sharing",
        "https://www.facebook.com/watch/live/?v=9876543210",
        "https://fb.com/watch?v=9876543210",
        "https://www.facebook.com/reel/9876543210/?s=single_unit",
        "https://www.facebook.com/video.php?v=9876543210",
        "https://l.facebook.com/l.php?u=https%3A%2F%2Ffb.com%2Freel%2F9876543210%3Ffbclid%3DIw&h=AT1",
    ],
    PostLink("facebook", "9876543210", "https://www.facebook.com/watch/?v=9876543210", "ravikumar"): [
        "https://www.facebook.com/ravikumar/videos/9876543210",
        "https://www.facebook.com/ravikumar/videos/some-title/9876543210/",
    ],
    PostLink("facebook", "55555", "https://www.facebook.com/photo/?fbid=55555"): [
        "https://www.facebook.com/photo.php?fbid=55555&set=a.1",
        "https://www.facebook.com/photo/?fbid=55555",
    ],
    PostLink("facebook", "55555", "https://www.facebook.com/photo/?fbid=55555", "ravikumar"): [
        "https://www.facebook.com/ravikumar/photos/a.123/55555",
    ],
    PostLink("facebook", "77777", "https://www.facebook.com/groups/gaon.ki_baat/posts/77777"): [
        "https://www.facebook.com/groups/Gaon.ki_Baat/permalink/77777/",
        "https://www.facebook.com/groups/gaon.ki_baat/posts/77777",
    ],
    PostLink("facebook", "share/v/AbC-12_x", "https://www.facebook.com/share/v/AbC-12_x/"): [
        "https://www.facebook.com/share/v/AbC-12_x/?mibextid=x",
    ],
    PostLink("facebook", "share/AbC-12_x", "https://www.facebook.com/share/AbC-12_x/"): [
        "https://facebook.com/share/AbC-12_x",
    ],
    PostLink("facebook", "fb.watch/AbC-12_x", "https://fb.watch/AbC-12_x/"): ["fb.watch/AbC-12_x/?s=1"],
    PostLink("x", "1790000000000000001", "https://x.com/i/status/1790000000000000001", "ravi_k"): [
        "https://x.com/Ravi_K/status/1790000000000000001?s=20&t=abc",
        "https://twitter.com/ravi_k/status/1790000000000000001/photo/1",
        "https://mobile.twitter.com/ravi_k/statuses/1790000000000000001",
    ],
    PostLink("x", "1790000000000000001", "https://x.com/i/status/1790000000000000001"): [
        "https://x.com/i/web/status/1790000000000000001",
        "x.com/i/status/1790000000000000001",
    ],
    PostLink("telegram", "ravi_k/12", "https://t.me/ravi_k/12", "ravi_k", True): [
        "https://t.me/Ravi_K/12?single",
        "t.me/s/ravi_k/12",
        "https://telegram.me/ravi_k/12",
        "https://t.me/ravi_k/7/12",
        "tg://resolve?domain=ravi_k&post=12",
    ],
    PostLink("telegram", "ravi_k/s/3", "https://t.me/ravi_k/s/3", "ravi_k", True): ["t.me/ravi_k/s/3"],
    PostLink(
        "whatsapp",
        "0029VaABCDEFGHIJKLMNOP/101",
        "https://www.whatsapp.com/channel/0029VaABCDEFGHIJKLMNOP/101",
        "channel/0029VaABCDEFGHIJKLMNOP",
        True,
    ): ["https://whatsapp.com/channel/0029VaABCDEFGHIJKLMNOP/101?x=1"],
}
NONE = [
    "",
    "youtu.be/",
    "https://youtu.be/short",
    f"https://youtu.be/{VIDEO}x",
    "https://www.youtube.com/@ravi",
    "https://www.youtube.com/watch",
    "https://www.youtube.com/playlist?list=PL1234567890",
    f"https://youtube.com.evil.test/watch?v={VIDEO}",
    f"https://youtube.com@evil.test/watch?v={VIDEO}",
    f"https://evil.test/?u=https://youtu.be/{VIDEO}",
    f"https://[youtu.be/{VIDEO}",
    f"ftp://youtu.be/{VIDEO}",
    f"ｙoutu.be/{VIDEO}",
    "https://www.instagram.com/ravi/",
    "https://www.instagram.com/p/",
    "https://www.instagram.com/ravi/p/",
    "https://www.instagram.com/explore/p/CxYz_-12abC/",
    "https://www.instagram.com/stories/highlights/x/",
    "https://www.instagram.com/share/x/y/CxYz_-12abC/",
    "https://www.facebook.com/ravi.kumar",
    "https://www.facebook.com/profile.php?id=100064",
    "https://www.facebook.com/1234567890",
    "https://www.facebook.com/ravikumar/posts/",
    "https://www.facebook.com/ravikumar/posts/hello",
    "https://www.facebook.com/ravikumar/friends/1234567890",
    "https://www.facebook.com/permalink.php?story_fbid=1234567890",
    "https://www.facebook.com/groups/77777",
    "https://www.facebook.com/groups/x y<>/posts/77777",
    "https://www.facebook.com/share/../AbC-12_x",
    "https://fb.watch/",
    "https://x.com/ravi_k",
    "https://x.com/ravi_k/lists/1",
    "https://x.com/ravi_k/status/abc",
    "https://x.com/i/web",
    "https://t.me/ravi_k",
    "https://t.me/ravi_k/start",
    "https://t.me/c/1234567/12",
    "https://t.me/+abcd/12",
    "tg://resolve?domain=ravi_k",
    "https://wa.me/918123456789",
    "https://chat.whatsapp.com/abcdefgh",
    "https://whatsapp.com/channel/0029VaABCDEFGHIJKLMNOP",
    "https://whatsapp.com/channel/short/1",
    "https://www.threads.net/@ravi/post/C1",
]


@pytest.mark.parametrize(
    ("typed", "post"), [(typed, post) for post, spellings in SAME.items() for typed in spellings]
)
def test_every_spelling_of_a_posts_link_gives_one_form(typed: str, post: PostLink) -> None:
    assert post_link(typed) == post
    again = post_link(post.url)
    assert again is not None
    assert (again.platform, again.native_id, again.url) == (post.platform, post.native_id, post.url)


@pytest.mark.parametrize("typed", NONE)
def test_what_leads_to_no_post_is_none(typed: str) -> None:
    assert post_link(typed) is None


def test_a_link_may_be_long_but_not_endless() -> None:
    link = f"https://youtu.be/{VIDEO}?x="
    assert post_link(link + "y" * (LONGEST - len(link))) is not None
    assert post_link(link + "y" * (LONGEST + 1 - len(link))) is None


@pytest.mark.parametrize(
    "text",
    [
        f"देखिए https://youtu.be/{VIDEO}।",
        f"देखिए:https://youtu.be/{VIDEO}, अच्छा है",
        f"(https://youtu.be/{VIDEO})",
        f"*https://youtu.be/{VIDEO}*",
        f"_https://youtu.be/{VIDEO}_",
        f"[वीडियो](https://youtu.be/{VIDEO}).",
        f"“https://youtu.be/{VIDEO}”!",
        f"<https://youtu.be/{VIDEO}>",
        f"https://youtu.be/{VIDEO}👍",
        f"https://youtu.be/{VIDEO}देखें",
        f"मेरा वीडियो youtu.be/{VIDEO}",
        f"लिंक:youtu.be/{VIDEO}",
        f"https://\u200byoutu.be/{VIDEO}\u200c",
        f"https://youtu.be/{VIDEO}\nhttps://www.youtube.com/watch?v={VIDEO}",
        f"HTTPS://YOUTU.BE/{VIDEO}",
        f"http://www.youtube.com/watch?v={VIDEO}…",
    ],
)
def test_a_link_is_found_in_a_sentence_without_what_follows_it_there(text: str) -> None:
    assert [post.native_id for post in posts_in(text)] == [VIDEO]


def test_several_links_of_one_text_are_each_found_once_in_their_order() -> None:
    text = f"https://x.com/a/status/1https://youtu.be/{VIDEO} और t.me/ravi_k/5, फिर x.com/i/status/1 https://a.b/c"
    assert [post.platform for post in posts_in(text)] == ["x", "youtube", "telegram"]


def test_no_more_than_so_many_posts_are_taken_from_one_text() -> None:
    assert len(posts_in(" ".join(f"t.me/ravi_k/{n}" for n in range(1, 40)))) == MOST


def test_an_address_of_mail_or_another_site_is_no_post() -> None:
    assert posts_in(f"x@youtu.be/{VIDEO} evil.test/youtu.be/{VIDEO} notyoutu.be/{VIDEO} नमस्ते") == []


HOSTS = [
    "youtube.com",
    "youtu.be",
    "m.facebook.com",
    "fb.watch",
    "instagram.com",
    "x.com",
    "t.me",
    "whatsapp.com",
]
PARTS = [
    "watch",
    "p",
    "reel",
    "share",
    "v",
    "posts",
    "videos",
    "groups",
    "permalink",
    "status",
    "i",
    "web",
    "s",
]
PARTS += [
    "channel",
    "stories",
    "ravi.k",
    VIDEO,
    "12345678",
    "pfbid0AbCdEfGhIjKl",
    "0029VaABCDEFGHIJKLMNOP",
    "%2F",
]
SCHEMES = st.sampled_from(["https://", "http://www.", ""])
LINKS = st.builds(
    lambda scheme, host, parts, query: f"{scheme}{host}/{'/'.join(parts)}{query}",
    SCHEMES,
    st.sampled_from(HOSTS),
    st.lists(st.sampled_from(PARTS) | st.text(max_size=8), max_size=5),
    st.sampled_from(["", f"?v={VIDEO}", "?v=12345", "?story_fbid=12345&id=ravik", "?fbid=12345", "?%ff=%"]),
)


@given(LINKS | st.text(max_size=80))
def test_the_canonical_form_of_a_canonical_form_is_itself(typed: str) -> None:
    once = post_link(typed)
    if once is None:
        return
    twice = post_link(once.url)
    assert twice is not None
    assert (twice.platform, twice.native_id, twice.url) == (once.platform, once.native_id, once.url)
    assert once.url.isascii()
    assert [post.url for post in posts_in(f"({once.url})")] == [once.url]


@given(st.lists(LINKS | st.text(max_size=30), max_size=6))
def test_any_text_is_read_without_an_error(pieces: list[str]) -> None:
    found = posts_in(" ".join(pieces))
    assert len({(post.platform, post.native_id) for post in found}) == len(found)
