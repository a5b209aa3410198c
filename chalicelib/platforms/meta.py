"""What Meta's platforms have in common: handshake, signature, the shapes of webhooks, the Graph API.

Handshake and signature: https://developers.facebook.com/docs/graph-api/webhooks/getting-started
Shapes: https://developers.facebook.com/docs/instagram-platform/webhooks/examples
Messages: https://developers.facebook.com/docs/messenger-platform/reference/webhook-events
Errors: https://developers.facebook.com/docs/graph-api/guides/error-handling
Limits: https://developers.facebook.com/docs/graph-api/overview/rate-limiting
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote

from chalicelib.errors import SignatureInvalid
from chalicelib.platforms.base import (
    AccountReading,
    Call,
    Capabilities,
    Greeting,
    Headers,
    Http,
    Inbound,
    Metric,
    Notice,
    OutcomeUnknown,
    PostReading,
    Quota,
    SendRefused,
    Status,
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
    unreadable,
    words,
)

VERSION = "v23.0"
GRAPH = "https://graph.facebook.com"
SIGNATURE = "x-hub-signature-256"
TEST = "0"
"""The account's id in what the app's dashboard posts by its button `Test`."""


class App:
    """An app of ours, on each of Meta's platforms."""

    base_url = GRAPH
    webhook_content_types: tuple[str, ...] = ("application/json",)

    def verify(self, secrets: Mapping[str, Any], call: Call) -> None:
        """Raises SignatureInvalid unless the body is signed with `app_secret`, of the apps that it names."""
        given = call.headers.get(SIGNATURE, "").encode("utf-8", "replace")
        for key in signing_keys(secrets.get("app_secret")):
            right = "sha256=" + hmac.new(key, call.body, hashlib.sha256).hexdigest()
            if hmac.compare_digest(given, right.encode("ascii")):
                return
        raise SignatureInvalid

    def handshake(self, secrets: Mapping[str, Any], call: Call) -> Greeting | None:
        """The challenge, for who knows our `verify_token`."""
        given = call.query.get("hub.verify_token", "").encode("utf-8", "replace")
        known = any(hmac.compare_digest(given, key) for key in signing_keys(secrets.get("verify_token")))
        challenge = call.query.get("hub.challenge")
        if challenge is None or not known or call.query.get("hub.mode") != "subscribe":
            return None
        return Greeting(challenge)


# --- webhooks ----------------------------------------------------------------------------------------------

VERBS: dict[str, Literal["added", "changed", "removed"]] = {
    "add": "added",
    **dict.fromkeys(("edit", "edited", "update", "hide", "unhide"), "changed"),
    **dict.fromkeys(("remove", "delete"), "removed"),
}


def when(value: Any) -> datetime | None:  # noqa: ANN401
    """A time in any of the platforms' spellings: seconds, milliseconds, as number or text, or ISO 8601."""
    if (since := moment(value)) is not None:
        return since
    try:
        at = datetime.fromisoformat(value if isinstance(value, str) else "")
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def counted(value: Mapping[str, Any], names: Mapping[str, Metric]) -> dict[Metric, int]:
    """The figures that are told, under our names. -1 stands for a value too small to be told, so it is no
    figure."""
    told = {metric: a_count(value.get(name)) for name, metric in names.items()}
    return {metric: figure for metric, figure in told.items() if figure is not None}


@dataclass(frozen=True)
class News:
    """One thing that a webhook tells."""

    platform: str
    value: Mapping[str, Any]
    account: str
    """Whose webhook it is."""
    at: datetime | None

    def id(self, *parts: Any) -> str:  # noqa: ANN401
        return fingerprint(self.platform, *parts)

    def unknown(self, kind: str, raw: Any) -> Unknown:  # noqa: ANN401
        return Unknown(self.id("unknown", kind, raw), kind[:LONGEST_KIND], raw)


Changes = Mapping[str, Callable[[News], Update | None]]
"""Reads what a field of a webhook tells; None: it cannot be read."""


def _updates(
    platform: str,
    payload: Any,  # noqa: ANN401
    changes: Changes,
) -> Iterator[Update]:
    flat = "field" in a_dict(payload)
    entries = [payload] if flat else a_list(a_dict(payload).get("entry"))
    if not entries:
        yield News(platform, {}, "", None).unknown("empty", payload)
    for one in entries:
        entry = a_dict(one)
        news = News(platform, entry, an_id(entry.get("id")), when(entry.get("time")))
        told = [(("", part)) for shape in ("messaging", "standby") for part in a_list(entry.get(shape))]
        held = [*a_list(entry.get("changes")), *([entry] if "field" in entry else [])]
        told += [(an_id(a_dict(change).get("field")), change) for change in held]
        if not told:
            yield news.unknown("entry", one)
        for field, part in told:
            yield from _part(news, field, part, changes)


def _part(
    news: News,
    field: str,
    part: Any,  # noqa: ANN401
    changes: Changes,
) -> Iterator[Update]:
    """What one element of `messaging`, `standby` or `changes` tells. A message may come as a change, too."""
    value = a_dict(a_dict(part).get("value") if field else part)
    here = News(news.platform, value, news.account, news.at)
    if news.account == TEST:
        yield Notice(news.id("test", part), "test", news.at, a_dict(part))
    elif read := next((key for key in MESSAGING if key in value and "sender" in value), None):
        yield from MESSAGING[read](here, a_dict(value[read])) or [here.unknown(read, part)]
    else:
        about = changes.get(field)
        yield (about and about(here)) or here.unknown(field or "messaging", part)


# --- messages, to Instagram accounts and to Pages -----------------------------------------------------------

KEPT_OF_A_MESSAGE = ("attachments", "quick_reply", "referral", "reply_to")


def _said(
    news: News,
    dedupe_id: str,
    kind: str,
    text: str,
    *,
    reply_to: str = "",
    extra: Mapping[str, Any] | None = None,
) -> list[Update]:
    sender = _sender(news)
    return [Inbound(dedupe_id, sender, text, kind, _at(news), reply_to, extra=extra or {})] if sender else []


def _sender(news: News) -> str:
    return an_id(a_dict(news.value.get("sender")).get("id"))


def _at(news: News) -> datetime | None:
    return when(news.value.get("timestamp")) or news.at


def _message(news: News, message: Mapping[str, Any]) -> list[Update]:
    mid, text = an_id(message.get("mid")), words(message.get("text"))
    if message.get("is_echo"):
        return [Notice(news.id("echo", mid or news.value), "message.echo", _at(news), news.value)]
    if message.get("is_deleted"):
        return _said(news, news.id("deleted", mid or news.value), "revoke", "", reply_to=mid)
    attachments = [a_dict(one) for one in a_list(message.get("attachments"))]
    if message.get("is_unsupported") or not (text or attachments):
        return []
    kind = (an_id(attachments[0].get("type")) or "attachment") if attachments else "text"
    about = an_id(a_dict(message.get("reply_to")).get("mid"))
    kept = {key: message[key] for key in KEPT_OF_A_MESSAGE if message.get(key)}
    return _said(
        news, news.id("message", mid or news.value), kind[:LONGEST_KIND], text, reply_to=about, extra=kept
    )


def _edit(news: News, edit: Mapping[str, Any]) -> list[Update]:
    mid, text = an_id(edit.get("mid")), words(edit.get("text"))
    return (
        _said(news, news.id("edit", mid, edit.get("num_edit"), text), "edit", text, reply_to=mid)
        if mid
        else []
    )


def _postback(news: News, pressed: Mapping[str, Any]) -> list[Update]:
    """A button or an ice breaker that was pressed."""
    dedupe_id = news.id("postback", an_id(pressed.get("mid")) or news.value)
    return _said(
        news, dedupe_id, "postback", words(pressed.get("title")), extra={"payload": pressed.get("payload")}
    )


def _reaction(news: News, reaction: Mapping[str, Any]) -> list[Update]:
    return _said(news, news.id("reaction", news.value), "reaction", "", reply_to=an_id(reaction.get("mid")))


def _seen(fact: Literal["read", "delivered"], news: News, seen: Mapping[str, Any]) -> list[Update]:
    """Of the messages that are named; of all before a time (`watermark`) it is news, nothing more."""
    mids = [an_id(mid) for mid in [seen.get("mid"), *a_list(seen.get("mids"))]]
    sender, at = _sender(news), _at(news)
    named = [Status(news.id(fact, mid, sender), mid, sender, fact, at) for mid in mids if mid]
    return [*named] or [Notice(news.id(fact, news.value), f"message.{fact}", at, news.value)]


def _notice(kind: str, news: News, _: Mapping[str, Any]) -> list[Update]:
    return [Notice(news.id(kind, news.value), kind, _at(news), news.value)]


MESSAGING: dict[str, Callable[[News, Mapping[str, Any]], list[Update]]] = {
    "message": _message,
    "message_edit": _edit,
    "postback": _postback,
    "reaction": _reaction,
    "read": partial(_seen, "read"),
    "delivery": partial(_seen, "delivered"),
    "policy_enforcement": partial(_notice, "account.policy"),
    **{
        key: partial(_notice, f"message.{key}")
        for key in ("account_linking", "optin", "referral", "app_roles")
        + ("pass_thread_control", "request_thread_control", "take_thread_control")
    },
}
"""What an element of `messaging` holds, by its key."""


# --- asking the Graph API ----------------------------------------------------------------------------------

RETRY_AFTER_S = {
    "1": 30,  # unknown, or too much asked for at once
    "2": 30,  # the service is down for a moment
    **dict.fromkeys(("4", "17", "32", "613", "80001", "80002"), 600),  # calls of app, person, page, account
}
TOKEN_OVER = frozenset({"102", "190", "no_access_token"})
KEY_REFUSED = TOKEN_OVER | {"3", "10", "368", *(str(code) for code in range(200, 300))}
"""The token is over, or lacks a permission: for all, or for what was asked for."""
NOT_THIS = frozenset({"21", "24", "100", "110", "803"})
"""No such object, none that is shown to us, or no such field of it."""
NO_OBJECT = "100.33"
"""Code and subcode of what is not there. 100 alone is also said of a field that has gone from the API."""
USAGE = "x-business-use-case-usage"
REGAINED = "estimated_time_to_regain_access"


def refusal(status: int, headers: Headers, answer: Any) -> SendRefused | Throttled | OutcomeUnknown:  # noqa: ANN401
    """What an answer means that is no success: scope `channel` is about our key, `content` about what was
    asked for."""
    error = a_dict(a_dict(answer).get("error"))
    code, detail = an_id(error.get("code")), words(error.get("message"))[:200]
    if code in RETRY_AFTER_S:
        return Throttled(_regained_s(headers) or RETRY_AFTER_S[code], platform_code=code)
    if code in KEY_REFUSED:
        return SendRefused(code, "channel", detail)
    if code in NOT_THIS:
        subcode = an_id(error.get("error_subcode"))
        exact = f"{code}.{subcode}" if subcode.strip("0") else code
        return SendRefused(exact, "content", detail)
    return by_status(status, code, detail)


def _regained_s(headers: Headers) -> float:
    """When asking is allowed again, as the header says in minutes; 0 where it does not."""
    try:
        usage = a_dict(json.loads(headers.get(USAGE, "")))
    except ValueError:
        return 0
    told = [a_dict(one).get(REGAINED) for many in usage.values() for one in a_list(many)]
    return 60.0 * max((a_count(minutes) or 0 for minutes in told), default=0)


def named(secrets: Mapping[str, Any], field: str) -> str:
    """The id of our own account or Page. Raises SendRefused, scope `channel`, where the secret lacks it."""
    value = an_id(secrets.get(field))
    if not value:
        raise SendRefused(f"no_{field}", "channel", f"The secret has no {field}.")
    return value


class Spent(Exception):
    """The requests of this call are used up: what is left is asked for the next time."""


class Graph:
    """The Graph API with our token, for as many requests as one call may make."""

    def __init__(self, http: Http, base_url: str, secrets: Mapping[str, Any], requests: int) -> None:
        self._http, self._base_url, self._left = http, base_url, requests
        self._token = str(secrets.get("access_token") or "")

    def get(self, path: str, **query: str) -> Mapping[str, Any]:
        """What a node or edge answers. Raises Spent, and as `Measures.read_posts`; SendRefused with scope
        `content` where there is no such thing for us."""
        if not self._token:
            raise SendRefused("no_access_token", "channel", "The secret has no access_token.")
        if not self._left:
            raise Spent
        self._left -= 1
        asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
        status, headers, answer = self._http.get_json(
            f"{self._base_url}/{VERSION}/{path}?{asked}", {"Authorization": f"Bearer {self._token}"}
        )
        if status == HTTPStatus.OK and isinstance(answer, dict):
            return answer
        raise refusal(status, headers, answer)

    def insights(self, node: str, names: Mapping[str, Metric]) -> dict[Metric, int]:
        """The figures of a post, one request each: one that this kind of post does not have would fail them
        all. What is not told, or not yet (up to 48 h late), is absent."""
        found: dict[Metric, int] = {}
        for name, metric in names.items():
            try:
                answer = self.get(f"{node}/insights", metric=name)
            except SendRefused as refused:
                if refused.scope == "channel" and TOO_FEW not in str(refused):
                    raise
                continue
            for one in a_list(answer.get("data")):
                values = a_list(a_dict(one).get("values"))
                told = a_dict(values[-1] if values else a_dict(one).get("total_value")).get("value")
                found |= counted({name: told}, {name: metric})
        return found


TOO_FEW = "Not enough viewers"
"""The words of error 10 for a post whose figures would tell of single people."""


def gathered(pieces: Iterable[Mapping[str, PostReading]]) -> dict[str, PostReading]:
    """What readings give together, as far as the requests of this call went. A platform's word to wait ends
    them too; it is raised only where it came first."""
    found: dict[str, PostReading] = {}
    try:
        for piece in pieces:
            found |= piece
    except Spent:
        pass
    except Throttled:
        if not found:
            raise
    return found


class Account(App):
    """An account or a Page of ours with its `access_token`: what happens there is heard, figures are asked
    for. People are not written to over it."""

    name: str
    changes: Changes
    capabilities = Capabilities(replies=True)
    quota = Quota(batch=10, units=20, per_window=200, window_s=3600)
    """Requests: 200 an hour for each person who has given the app a token (Platform Rate Limits); one is
    enough here."""
    figures_key = "access_token"

    def parse(self, body: bytes) -> list[Update]:
        try:
            payload = load(body)
        except ValueError:
            return [unreadable(self.name, body)]
        several = isinstance(payload, list) and payload and all(isinstance(one, dict) for one in payload)
        bodies = payload if several else [payload]
        return [update for one in bodies for update in _updates(self.name, one, self.changes)]


def account(told: Mapping[str, Any], biography: str) -> AccountReading:
    """What the Graph API tells of an account; `biography` is the field with its own words."""
    return AccountReading(
        an_id(told.get("id")),
        words(told.get("username")).lower(),
        a_count(told.get("followers_count")),
        words(told.get(biography)),
    )
