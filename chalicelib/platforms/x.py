"""X: what happens around accounts that have let our app in, and figures of posts.

Webhooks: https://docs.x.com/x-api/webhooks/introduction. Two shapes come: Account Activity, and the X
Activity API that follows it (https://docs.x.com/x-api/activity/event-payloads), whose `payload` may hold the
first.
Figures: https://docs.x.com/x-api/posts/lookup/introduction. Nobody is reached over it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from chalicelib.errors import SignatureInvalid
from chalicelib.platforms.base import (
    AccountReading,
    Call,
    Capabilities,
    Engaged,
    Greeting,
    Headers,
    Http,
    Inbound,
    Metric,
    Notice,
    OutcomeUnknown,
    Posted,
    PostReading,
    Quota,
    SendRefused,
    Throttled,
    Unknown,
    Update,
)
from chalicelib.platforms.payload import (
    LONGEST_KIND,
    a_count,
    a_dict,
    a_list,
    an_id,
    by_status,
    fingerprint,
    load,
    moment,
    signing_keys,
    timestamp,
    unreadable,
    words,
)

NAME = "x"
SIGNATURE = "x-twitter-webhooks-signature"
ONLY_IN_BODIES = "{"
"""X signs its bodies and has us sign its challenges with one formula: whoever chose the challenge could have
a body signed. What holds this is a body, what does not is a challenge: never both."""


def _signed(key: bytes, content: bytes) -> str:
    return "sha256=" + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode("ascii")


# --- what happens around an account ------------------------------------------------------------------------


@dataclass(frozen=True)
class About:
    """What holds for all events of a body."""

    us: str
    """Whose account it is about: the one that let our app in."""
    people: Mapping[str, Any]
    uuid: str = ""
    """The event's own id; it may be negative."""

    def id(self, *parts: Any) -> str:  # noqa: ANN401
        return fingerprint(NAME, self.us, self.uuid, *parts)


@dataclass(frozen=True)
class Post:
    """A post in either API's shape."""

    id: str
    author: str
    author_name: str
    text: str
    at: datetime | None
    shares: str = ""
    """The post that it repeats without a word of its own; next, those that it quotes and answers."""
    quotes: str = ""
    answers: str = ""
    of: Mapping[str, str] | None = None
    """Whose those posts are, as far as it is told."""

    @property
    def url(self) -> str:
        return f"https://x.com/{quote(self.author_name or 'i', safe='')}/status/{quote(self.id, safe='')}"


def _at(one: Mapping[str, Any]) -> datetime | None:
    """`timestamp_ms`, else `created_at`: RFC 3339, or `Mon Mar 26 16:33:26 +0000 2018`."""
    told = one.get("timestamp_ms") or one.get("created_timestamp")
    written = one.get("created_at")
    return moment(told) or timestamp(written) or _old_time(written)


def _old_time(value: Any) -> datetime | None:  # noqa: ANN401
    try:
        return datetime.strptime(value, "%a %b %d %H:%M:%S %z %Y").astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _user_id(one: Any) -> str:  # noqa: ANN401
    user = a_dict(one)
    return an_id(user.get("id_str")) or an_id(user.get("id"))


def _post(given: Any) -> Post:  # noqa: ANN401
    one = a_dict(given)
    shared, quoted = a_dict(one.get("retweeted_status")), a_dict(one.get("quoted_status"))
    known = {
        an_id(a_dict(ref).get("type")): an_id(a_dict(ref).get("id"))
        for ref in a_list(one.get("referenced_tweets"))
    }
    whole = a_dict(one.get("extended_tweet")).get("full_text") or a_dict(one.get("note_tweet")).get("text")
    shares = _user_id(shared) or known.get("retweeted", "")
    quotes = _user_id(quoted) or an_id(one.get("quoted_status_id_str")) or known.get("quoted", "")
    answers = an_id(one.get("in_reply_to_status_id_str")) or known.get("replied_to", "")
    asked = an_id(one.get("in_reply_to_user_id_str")) or an_id(one.get("in_reply_to_user_id"))
    return Post(
        _user_id(one),
        _user_id(one.get("user")) or an_id(one.get("author_id")),
        words(a_dict(one.get("user")).get("screen_name")),
        words(whole or one.get("full_text") or one.get("text")),
        _at(one),
        shares,
        quotes,
        answers,
        {shares: _user_id(shared.get("user")), quotes: _user_id(quoted.get("user")), answers: asked},
    )


def _created(one: Any, about: About) -> Update:  # noqa: ANN401
    """A post by us, or one by somebody else that repeats, quotes, answers or names us."""
    post = _post(one)
    dedupe_id = about.id("post", post.id or one)
    if not (post.id and post.author and about.us):
        return Unknown(dedupe_id, "tweet_create_events", one)
    whose = post.of or {}
    if post.author == about.us:
        if post.shares:
            return Notice(dedupe_id, "own.share", post.at, {"post": post.id})
        return Posted(dedupe_id, "published", post.id, post.author, post.at, post.url, post.text)
    for kind, under in (("share", post.shares), ("quote", post.quotes), ("comment", post.answers)):
        if under and whose.get(under, "") in ("", about.us):
            return Engaged(
                dedupe_id, kind, under, post.author, "added", post.at, "" if post.shares else post.text
            )
    if post.shares:
        return Notice(dedupe_id, "others.share", post.at, {"post": post.id})
    return Posted(dedupe_id, "mentions", post.id, post.author, post.at, post.url, post.text)


def _removed(one: Any, about: About) -> Update:  # noqa: ANN401
    event = a_dict(one)
    status = a_dict(event.get("status")) or event
    post, account = an_id(status.get("id")), an_id(status.get("user_id")) or an_id(status.get("author_id"))
    dedupe_id = about.id("removed", post or one)
    if not post:
        return Unknown(dedupe_id, "tweet_delete_events", one)
    return Posted(dedupe_id, "removed", post, account or about.us, _at(event))


def _liked(one: Any, about: About) -> Update:  # noqa: ANN401
    event = a_dict(one)
    post, who = _post(event.get("favorited_status")), _user_id(event.get("user"))
    dedupe_id = about.id("like", an_id(event.get("id")) or one)
    if not (post.id and who):
        return Unknown(dedupe_id, "favorite_events", one)
    if who == about.us or post.author not in ("", about.us):
        return Notice(dedupe_id, "own.like", _at(event), {"post": post.id})
    return Engaged(dedupe_id, "like", post.id, who, "added", _at(event))


def _wrote(one: Any, about: About) -> Update:  # noqa: ANN401
    """A direct message: to us it is what a person says, from us an echo."""
    event = a_dict(one)
    made = a_dict(event.get("message_create"))
    data = a_dict(made.get("message_data")) or event
    sender = an_id(made.get("sender_id")) or an_id(event.get("sender_id"))
    dedupe_id = about.id("message", an_id(event.get("id")) or one)
    if not sender:
        return Unknown(dedupe_id, "direct_message_events", one)
    if sender == about.us:
        return Notice(dedupe_id, "message.echo", _at(event), {"id": an_id(event.get("id"))})
    known = a_dict(about.people.get(sender))
    extra = {"handle": name.lower()} if (name := words(known.get("screen_name"))) else {}
    return Inbound(
        dedupe_id,
        sender,
        words(data.get("text")),
        "media" if data.get("attachment") else "text",
        _at(event),
        name=words(known.get("name")),
        extra=extra,
    )


def _told(kind: str, one: Any, about: About) -> Update:  # noqa: ANN401
    """News between two accounts, which count for nothing here."""
    event = a_dict(one)
    source = _user_id(event.get("source")) or an_id(event.get("sender_id"))
    what = f"{kind}.{an_id(event.get('type')) or 'event'}"[:LONGEST_KIND]
    return Notice(about.id(kind, one), what, _at(event), {"source": source})


def _ended(one: Any, about: About) -> Update:  # noqa: ANN401
    """A person took our app's rights back: their account is not heard any more."""
    revoked = a_dict(a_dict(one).get("revoke"))
    if not revoked:
        return Unknown(about.id("user", one), "user_event", one)
    who = an_id(a_dict(revoked.get("source")).get("user_id"))
    at = timestamp(revoked.get("date_time"))
    return Notice(about.id("user", one), "account.revoked", at, {"user_id": who})


READERS: dict[str, Callable[[Any, About], Update]] = {
    "tweet_create_events": _created,
    "tweet_delete_events": _removed,
    "favorite_events": _liked,
    "follow_events": partial(_told, "follow"),
    "unfollow_events": partial(_told, "follow"),
    "block_events": partial(_told, "block"),
    "unblock_events": partial(_told, "block"),
    "mute_events": partial(_told, "mute"),
    "unmute_events": partial(_told, "mute"),
    "direct_message_events": _wrote,
    "direct_message_indicate_typing_events": partial(_told, "typing"),
    "direct_message_mark_read_events": partial(_told, "read"),
    "user_event": _ended,
}
"""https://developer.x.com/en/docs/x-api/enterprise/account-activity-api/guides/account-activity-data-objects"""

ACTIVITIES: dict[str, Callable[[Any, About], Update]] = {
    "post.create": _created,
    "post.mention.create": _created,
    "post.delete": _removed,
    "dm.received": _wrote,
    "dm.sent": _wrote,
    "follow.follow": partial(_told, "follow"),
    "follow.unfollow": partial(_told, "follow"),
}
"""Kinds of the X Activity API whose payload is the object itself [?]; others are Unknown."""


def _events(body: Mapping[str, Any], about: About) -> Iterator[Update]:
    for key, reader in READERS.items():
        held = body.get(key, [])
        for one in held if isinstance(held, list) else [held]:
            yield reader(one, about)


def _updates(payload: Any) -> Iterator[Update]:  # noqa: ANN401
    body = a_dict(payload)
    event = a_dict(body.get("data"))
    kind = an_id(event.get("event_type"))
    us = an_id(a_dict(event.get("filter")).get("user_id")) or an_id(body.get("for_user_id"))
    inner = a_dict(event.get("payload")) if kind else body
    people = {**a_dict(a_dict(inner.get("apps")).get("users")), **a_dict(inner.get("users"))}
    about = About(us, people, an_id(event.get("event_uuid")))
    found = list(_events(inner, about))
    if not found and kind in ACTIVITIES:
        found = [ACTIVITIES[kind](inner, about)]
    if not found:
        other = next((key for key in body if key not in ("for_user_id", "user_has_blocked")), "empty")
        found = [Unknown(about.id("body", payload), (kind or an_id(other))[:LONGEST_KIND], payload)]
    yield from found


# --- figures -----------------------------------------------------------------------------------------------

# https://docs.x.com/x-api/fundamentals/metrics, https://docs.x.com/x-api/fundamentals/rate-limits
FIGURES: dict[Metric, tuple[str, ...]] = {
    "views": ("impression_count",),
    "likes": ("like_count",),
    "comments": ("reply_count",),
    "shares": ("retweet_count", "quote_count"),
    "saves": ("bookmark_count",),
}
"""Of `public_metrics`: what each figure is the sum of; told only when all of it is."""
WINDOW_S = 15 * 60
DAY_S = 24 * 3600
NOT_SHOWN = {
    "resource-not-found": PostReading(gone=True),
    "not-authorized-for-resource": PostReading(hidden=True),
}
"""By the end of a problem's `type`: deleted or suspended; protected by its author."""


def _refusal(status: int, headers: Headers, answer: Any) -> SendRefused | Throttled | OutcomeUnknown:  # noqa: ANN401
    """What an answer without data means: https://docs.x.com/x-api/fundamentals/response-codes-and-errors"""
    problem = a_dict(answer)
    code = an_id(problem.get("type")).rpartition("/")[2] or str(int(status))
    detail = words(problem.get("detail"))[:200]
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(_until_reset(headers), platform_code=code)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN):
        return SendRefused(code, "channel", detail)
    if status == HTTPStatus.BAD_REQUEST:
        return SendRefused(code, "content", detail)
    return by_status(status, code, detail)


def _until_reset(headers: Headers) -> float:
    """Seconds until the window ends, by X's own clock; a whole window where it does not say."""
    from email.utils import parsedate_to_datetime

    ends = moment(headers.get("x-rate-limit-reset"))
    try:
        now = parsedate_to_datetime(headers.get("date", ""))
        left = (ends - now).total_seconds() if ends else WINDOW_S
    except (TypeError, ValueError):  # no date, or one without a zone
        return WINDOW_S
    return min(max(1.0, left), DAY_S)


def _figures(told: Mapping[str, Any]) -> dict[Metric, int]:
    figures: dict[Metric, int] = {}
    for metric, parts in FIGURES.items():
        counts = [n for part in parts if (n := a_count(told.get(part))) is not None]
        if len(counts) == len(parts):
            figures[metric] = sum(counts)
    return figures


class X:
    """Accounts that let our app in. The secret has `consumer_secret` and `bearer_token`."""

    name = NAME
    base_url = "https://api.x.com"
    capabilities = Capabilities(replies=True)
    webhook_content_types: tuple[str, ...] = ("application/json",)
    quota = Quota(batch=100, units=1, per_window=3_500, window_s=WINDOW_S)
    figures_key = "bearer_token"

    def verify(self, secrets: Mapping[str, Any], call: Call) -> None:
        given = call.headers.get(SIGNATURE, "").encode("utf-8", "replace")
        if ONLY_IN_BODIES.encode("ascii") in call.body:
            for key in signing_keys(secrets.get("consumer_secret")):
                if hmac.compare_digest(given, _signed(key, call.body).encode("ascii")):
                    return
        raise SignatureInvalid

    def parse(self, body: bytes) -> list[Update]:
        try:
            return list(_updates(load(body)))
        except ValueError:
            return [unreadable(NAME, body)]

    def handshake(self, secrets: Mapping[str, Any], call: Call) -> Greeting | None:
        """The challenge-response check, on registering and each hour."""
        token, keys = call.query.get("crc_token", ""), signing_keys(secrets.get("consumer_secret"))
        if not token or not keys or ONLY_IN_BODIES in token:
            return None
        signed = _signed(keys[0], token.encode("utf-8", "replace"))
        return Greeting(json.dumps({"response_token": signed}), "application/json")

    def read_posts(
        self, http: Http, base_url: str, secrets: Mapping[str, Any], ids: Sequence[str]
    ) -> dict[str, PostReading]:
        query = {
            "ids": ",".join(ids),
            "tweet.fields": "author_id,created_at,note_tweet,public_metrics",
            "expansions": "author_id",
            "user.fields": "username",
        }
        answer = self._get(http, f"{base_url}/2/tweets?{urlencode(query)}", secrets)
        users = [a_dict(one) for one in a_list(a_dict(answer.get("includes")).get("users"))]
        names = {an_id(one.get("id")): words(one.get("username")).lower() for one in users}
        readings = {}
        for one in map(a_dict, a_list(answer.get("data"))):
            post = _post(one)
            readings[post.id] = PostReading(
                _figures(a_dict(one.get("public_metrics"))),
                account=post.author,
                handle=names.get(post.author, ""),
                text=post.text if "text" in one else None,
                published_at=post.at,
            )
        for problem in map(a_dict, a_list(answer.get("errors"))):
            kind = an_id(problem.get("type")).rpartition("/")[2]
            if kind in NOT_SHOWN:
                named = an_id(problem.get("resource_id")) or an_id(problem.get("value"))
                readings.setdefault(named, NOT_SHOWN[kind])
        return {one: readings[one] for one in ids if one in readings}

    def read_account(
        self, http: Http, base_url: str, secrets: Mapping[str, Any], handle: str
    ) -> AccountReading | None:
        query = urlencode({"user.fields": "description,public_metrics"})
        name = quote(handle, safe="")
        answer = self._get(http, f"{base_url}/2/users/by/username/{name}?{query}", secrets)
        user = a_dict(answer.get("data"))
        if not an_id(user.get("id")):
            return None
        return AccountReading(
            an_id(user.get("id")),
            words(user.get("username")).lower(),
            a_count(a_dict(user.get("public_metrics")).get("followers_count")),
            words(user["description"]) if "description" in user else None,
        )

    def _get(self, http: Http, url: str, secrets: Mapping[str, Any]) -> Mapping[str, Any]:
        token = secrets.get("bearer_token")
        if not isinstance(token, str) or not token:
            raise SendRefused("no_bearer_token", "channel", "There is no bearer_token.")
        status, headers, answer = http.get_json(url, {"Authorization": f"Bearer {token}"})
        if status != HTTPStatus.OK:
            raise _refusal(status, headers, answer)
        if not isinstance(answer, dict) or not ("data" in answer or "errors" in answer):
            raise OutcomeUnknown
        return answer
