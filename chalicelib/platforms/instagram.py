"""Instagram professional accounts: what happens at ours is heard, figures of posts and accounts are asked.

Webhooks: https://developers.facebook.com/docs/instagram-platform/webhooks
Insights: https://developers.facebook.com/docs/instagram-platform/reference/instagram-media/insights
Business Discovery:
https://developers.facebook.com/docs/instagram-platform/instagram-api-with-facebook-login/business-discovery
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chalicelib.platforms import meta
from chalicelib.platforms.base import (
    AccountReading,
    Engaged,
    Http,
    Measured,
    Metric,
    Posted,
    PostReading,
    SendRefused,
    Update,
)
from chalicelib.platforms.meta import Graph, News, counted, when
from chalicelib.platforms.payload import a_dict, a_list, an_id, words

STORY: dict[str, Metric] = {"views": "views", "reach": "reach", "shares": "shares"}
"""Of a story's insights, told once it is over. `impressions` are no views, `replies` no comments."""
INSIGHTS: dict[str, Metric] = {"views": "views", "reach": "reach", "saved": "saves", "shares": "shares"}
FIELDS: dict[str, Metric] = {"like_count": "likes", "comments_count": "comments"}
"""Of any post that is shown to us; left out by the platform where the owner hides them."""
DISCOVERED: dict[str, Metric] = {**FIELDS, "view_count": "views"}
"""Of a post of another professional account; views of reels only."""
PAGE = 50
"""Posts in one answer of Business Discovery."""
PAGES = 4
"""Answers that are looked through for a post; what is further back stays without figures."""
HANDLE = re.compile(r"[a-z0-9._]{1,30}")
SHORTCODE = re.compile(r"/(?:p|reel|reels|tv)/([A-Za-z0-9_-]+)")

Readings = Mapping[str, PostReading]


# --- webhooks ----------------------------------------------------------------------------------------------


def _comment(news: News) -> Update | None:
    """A comment; of the edited and the removed ones, too, where the platform tells of them."""
    value = news.value
    comment = an_id(value.get("id")) or an_id(value.get("comment_id"))
    verb = meta.VERBS.get(an_id(value.get("verb")) or "add")
    if not comment or not verb:
        return None
    media = an_id(a_dict(value.get("media")).get("id")) or an_id(value.get("media_id"))
    sender, text = an_id(a_dict(value.get("from")).get("id")), words(value.get("text"))
    return Engaged(news.id("comment", comment, verb, text), "comment", media, sender, verb, news.at, text)


def _mention(news: News) -> Update | None:
    """Our name in somebody's caption or comment: ids, and nothing else."""
    media = an_id(news.value.get("media_id"))
    comment = an_id(news.value.get("comment_id"))
    return Posted(news.id("mention", media, comment), "mentions", media, "", news.at) if media else None


def _story(news: News) -> Update | None:
    media = an_id(news.value.get("media_id"))
    if not media:
        return None
    return Measured(news.id("story", news.value), media, counted(news.value, STORY), news.at)


CHANGES: meta.Changes = {
    "comments": _comment,
    "live_comments": _comment,
    "mentions": _mention,
    "story_insights": _story,
}


# --- figures -----------------------------------------------------------------------------------------------


def _own(graph: Graph, media: str, key: str) -> Readings:
    """A post of our own account, by the platform's id; others' ids are not shown."""
    try:
        told = graph.get(media, fields="username,caption,timestamp,like_count,comments_count")
        figures = counted(told, FIELDS) | graph.insights(media, INSIGHTS)
    except SendRefused as refused:
        if refused.scope == "channel":
            raise
        return {key: PostReading(hidden=True)}
    return {key: _reading(told, figures)}


def _reading(told: Mapping[str, Any], figures: Mapping[Metric, int], account: str = "") -> PostReading:
    """`caption` is missing where there is none."""
    handle = words(told.get("username")).lower()
    return PostReading(
        figures,
        account=account,
        handle=handle,
        text=words(told.get("caption")),
        published_at=when(told.get("timestamp")),
    )


def _discovery(graph: Graph, asking: str, handle: str, fields: str) -> Mapping[str, Any] | None:
    """What Business Discovery tells of a professional account; None for any other, or none: Meta does not say
    which (error 110)."""
    if not HANDLE.fullmatch(handle):
        return None
    try:
        answer = graph.get(asking, fields=f"business_discovery.username({handle}){{{fields}}}")
    except SendRefused as refused:
        if refused.scope == "channel":
            raise
        return None
    return a_dict(answer.get("business_discovery"))


def _matches(media: Mapping[str, Any], left: set[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Of one answer's posts those whose links have a code that is `left` to find, each once."""
    for told in map(a_dict, a_list(media.get("data"))):
        link = SHORTCODE.search(an_id(told.get("permalink")))
        if link is not None and link[1] in left:
            left.discard(link[1])
            yield link[1], told


def _after(media: Mapping[str, Any]) -> str:
    return an_id(a_dict(a_dict(media.get("paging")).get("cursors")).get("after"))


def _discovered(graph: Graph, asking: str, handle: str, codes: Sequence[str]) -> Iterator[Readings]:
    """Posts of one account by the codes of their links: Business Discovery lists them, newest first."""
    left, after, missing = set(codes), "", PostReading(hidden=True)
    for _ in range(PAGES):
        fields = f"id,permalink,username,caption,timestamp,{','.join(DISCOVERED)}"
        edge = f"media.limit({PAGE}){f'.after({after})' if after else ''}"
        account = _discovery(graph, asking, handle, f"id,{edge}{{{fields}}}")
        if account is None:
            break
        owner, media = an_id(account.get("id")), a_dict(account.get("media"))
        for code, told in _matches(media, left):
            key = f"{handle}/{code}"
            if owner == asking:
                yield _own(graph, an_id(told.get("id")), key)
            else:
                yield {key: _reading(told, counted(told, DISCOVERED), owner)}
        after = _after(media)
        if "data" in media and not after:  # all that the account has was looked through
            missing = PostReading(gone=True)
        if not left or not after:
            break
    yield {f"{handle}/{code}": missing for code in left}


def _ours(graph: Graph, asking: str, codes: Sequence[str]) -> Iterator[Readings]:
    """Posts by their codes alone: those of our account; of any other there is nothing to ask for."""
    left, after = set(codes), ""
    for _ in range(PAGES):
        place = {"after": after} if after else {}
        try:
            media = graph.get(f"{asking}/media", fields="id,permalink", limit=str(PAGE), **place)
        except SendRefused as refused:
            if refused.scope == "channel":
                raise
            break
        for code, told in _matches(media, left):
            yield _own(graph, an_id(told.get("id")), code)
        after = _after(media)
        if not left or not after:
            break
    yield {code: PostReading(hidden=True) for code in left}


def _read(graph: Graph, asking: str, ids: Sequence[str]) -> Iterator[Readings]:
    """Piece by piece, so that what was read stays when the requests of a call are used up."""
    by_handle: dict[str, list[str]] = {}
    for one in ids:
        handle, slash, code = one.rpartition("/")
        if not slash and code.isascii() and code.isdigit():
            yield _own(graph, code, one)
        elif slash and not HANDLE.fullmatch(handle):
            yield {one: PostReading(hidden=True)}
        else:
            by_handle.setdefault(handle, []).append(code)
    for handle, codes in by_handle.items():
        yield from _discovered(graph, asking, handle, codes) if handle else _ours(graph, asking, codes)


class Instagram(meta.Account):
    """Our professional account: `account_id`. A post of ours takes 5 requests, one of another account up to
    PAGES for all of its posts."""

    name = "instagram"
    changes = CHANGES

    def read_posts(
        self, http: Http, base_url: str, secrets: Mapping[str, Any], ids: Sequence[str]
    ) -> dict[str, PostReading]:
        """Figures by `<handle>/<code of the link>`; of our account also by the code alone, or by the
        platform's own id. Another's code alone cannot be asked for: hidden."""
        graph, asking = Graph(http, base_url, secrets, self.quota.units), meta.named(secrets, "account_id")
        return meta.gathered(_read(graph, asking, ids[: self.quota.batch]))

    def read_account(
        self, http: Http, base_url: str, secrets: Mapping[str, Any], handle: str
    ) -> AccountReading | None:
        """A professional account, as Business Discovery shows it; None for personal ones."""
        graph = Graph(http, base_url, secrets, 1)
        told = _discovery(
            graph, meta.named(secrets, "account_id"), handle, "id,username,followers_count,biography"
        )
        return None if told is None else meta.account(told, "biography")

    def name_of(self, http: Http, base_url: str, secrets: Mapping[str, Any], sender: str) -> str:
        """The User Profile API, open to us for who has written to us:
        https://developers.facebook.com/docs/messenger-platform/instagram/features/user-profile"""
        try:
            told = Graph(http, base_url, secrets, 1).get(sender, fields="username")
        except SendRefused as refused:
            if refused.scope == "channel":
                raise
            return ""
        return words(told.get("username")).lower()
