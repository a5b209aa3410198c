"""Facebook Pages: what happens at ours is heard, figures of posts and Pages are asked for.

Webhooks: https://developers.facebook.com/docs/graph-api/webhooks/reference/page
Posts: https://developers.facebook.com/docs/graph-api/reference/pagepost
Insights: https://developers.facebook.com/docs/graph-api/reference/insights
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from chalicelib.platforms import meta
from chalicelib.platforms.base import (
    AccountReading,
    Engaged,
    Http,
    Metric,
    Notice,
    Posted,
    PostReading,
    SendRefused,
    Update,
)
from chalicelib.platforms.meta import Graph, News, counted, when
from chalicelib.platforms.payload import a_dict, an_id, words

INSIGHTS: dict[str, Metric] = {"post_media_view": "views", "post_total_media_view_unique": "reach"}
"""`post_impressions` and its kin are gone since November 2025."""
COUNTED = "limit(0).summary(total_count)"
FIELDS = f"message,created_time,from,shares,reactions.{COUNTED},comments.{COUNTED}"
POSTS = frozenset({"album", "event", "link", "note", "photo", "post", "share", "status", "video"})
"""Items of the feed that are posts."""
POST = re.compile(r"(?:(?P<page>[A-Za-z0-9.]+)/)?(?P<post>[0-9]+(?:_[0-9]+)?)")
LIKES = frozenset({"like", "reaction"})
"""One like comes as both."""
PUBLISHED: dict[str, Literal["published", "changed", "removed"]] = {
    "added": "published",
    "changed": "changed",
    "removed": "removed",
}


# --- webhooks ----------------------------------------------------------------------------------------------


def _feed(news: News) -> Update | None:
    """Something on the Page: a post of ours, or what a person did under one."""
    value = news.value
    item, verb = an_id(value.get("item")), meta.VERBS.get(an_id(value.get("verb")))
    post, comment = an_id(value.get("post_id")), an_id(value.get("comment_id"))
    if not verb or not post:
        return None
    sender = an_id(a_dict(value.get("from")).get("id")) or an_id(value.get("sender_id"))
    text, at = words(value.get("message")), when(value.get("created_time")) or news.at
    told = an_id(value.get("created_time"))
    if item in LIKES:
        return Engaged(news.id("like", post, comment, sender, verb, told), "like", post, sender, verb, at)
    if item == "comment" and comment:
        return Engaged(news.id("comment", comment, verb, text), "comment", post, sender, verb, at, text)
    if item not in POSTS:
        return None
    if sender and sender == news.account:
        url = words(value.get("permalink_url"))
        return Posted(news.id("post", value), PUBLISHED[verb], post, sender, at, url, text)
    return Engaged(news.id("post", value), item, post, sender, verb, at, text)


def _mention(news: News) -> Update | None:
    """A post, or a comment under one, that names our Page."""
    value = news.value
    post, comment = an_id(value.get("post_id")), an_id(value.get("comment_id"))
    at = when(value.get("created_time")) or news.at
    if not post:
        return None
    if meta.VERBS.get(an_id(value.get("verb"))) == "removed":
        return Notice(news.id("unmention", value), "mention.removed", at, value)
    author = an_id(a_dict(value.get("from")).get("id")) or an_id(value.get("sender_id"))
    whose = post.partition("_")[0] if comment else author
    return Posted(
        news.id("mention", post, comment), "mentions", post, whose, at, "", words(value.get("message"))
    )


CHANGES: meta.Changes = {"feed": _feed, "mention": _mention}


# --- figures -----------------------------------------------------------------------------------------------


def _post(graph: Graph, ours: str, one: str) -> dict[str, PostReading]:
    """A post by `<page>_<post>`, by `<page's id or name>/<post>`, or by its number alone for our Page's."""
    known = POST.fullmatch(one)
    if not known:  # a code such as pfbid…, which the API does not take
        return {one: PostReading(hidden=True)}
    name, number = known["page"] or "", known["post"]
    page = name or ours
    try:
        if "_" in number:
            page = number.partition("_")[0]
        elif not page.isdigit():
            page = an_id(graph.get(page, fields="id").get("id"))
        node = number if "_" in number else f"{page}_{number}"
        told = graph.get(node, fields=FIELDS)
        insights = graph.insights(node, INSIGHTS) if page == ours else {}
    except SendRefused as refused:
        if refused.platform_code in meta.TOKEN_OVER or (page == ours and refused.scope == "channel"):
            raise
        missing = refused.platform_code == meta.NO_OBJECT
        gone = missing and page == ours and page in one  # of a number alone it is not known whose post it is
        return {one: PostReading(gone=gone, hidden=not gone)}
    author = an_id(a_dict(told.get("from")).get("id")) or page
    text, at = words(told.get("message")), when(told.get("created_time"))
    handle = "" if name.isdigit() else name.lower()
    return {one: PostReading(_figures(told) | insights, False, author, handle, text, at)}


def _figures(told: Mapping[str, Any]) -> dict[Metric, int]:
    """Reactions of every kind are likes. `shares` is missing while there are none, so it is no data."""
    return {
        **counted(a_dict(a_dict(told.get("reactions")).get("summary")), {"total_count": "likes"}),
        **counted(a_dict(a_dict(told.get("comments")).get("summary")), {"total_count": "comments"}),
        **counted(a_dict(told.get("shares")), {"count": "shares"}),
    }


class Facebook(meta.Account):
    """Our Page: `page_id`. A post of ours takes 3 requests, another's 1, its Page's name 1 more."""

    name = "facebook"
    changes = CHANGES

    def read_posts(
        self, http: Http, base_url: str, secrets: Mapping[str, Any], ids: Sequence[str]
    ) -> dict[str, PostReading]:
        """Figures of posts of our Page; of others' what Page Public Content Access shows, else hidden."""
        graph, ours = Graph(http, base_url, secrets, self.quota.units), meta.named(secrets, "page_id")
        return meta.gathered(_post(graph, ours, one) for one in ids[: self.quota.batch])

    def read_account(
        self, http: Http, base_url: str, secrets: Mapping[str, Any], handle: str
    ) -> AccountReading | None:
        """A Page by its name or id: ours, or any with Page Public Content Access; None for people's
        profiles and what is not shown to us."""
        graph = Graph(http, base_url, secrets, 1)
        try:
            told = graph.get(quote(handle, safe=""), fields="id,username,followers_count,about")
        except SendRefused as refused:
            if refused.platform_code in meta.TOKEN_OVER:
                raise
            return None
        return meta.account(told, "about")
