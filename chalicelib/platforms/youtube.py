"""YouTube: news of videos by WebSub, figures by the Data API.

News: https://developers.google.com/youtube/v3/guides/push_notifications, https://www.w3.org/TR/websub/;
deletions: https://www.rfc-editor.org/rfc/rfc6721. Figures: https://developers.google.com/youtube/v3/docs.
Nobody is reached over it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from chalicelib.errors import SignatureInvalid
from chalicelib.platforms.base import (
    AccountReading,
    Call,
    Capabilities,
    Greeting,
    Http,
    Leased,
    Metric,
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
    DEEPEST,
    a_count,
    a_dict,
    a_list,
    an_id,
    by_status,
    fingerprint,
    load,
    signing_keys,
    timestamp,
    unreadable,
    words,
)

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NAME = "youtube"
CHANNEL = re.compile(r"UC[A-Za-z0-9_-]{22}")

# --- the hub: subscriptions and their proof ----------------------------------------------------------------

SIGNATURE = "x-hub-signature"
METHODS = frozenset({"sha1", "sha256", "sha384", "sha512"})
"""What a hub may sign with (WebSub, 8); Google's uses sha1."""
TOPIC = "https://www.youtube.com/feeds/videos.xml?channel_id="
PROOF = "proof"
"""In the query of the address that the hub calls: a keyed hash of the topic. Only the hub and we know it, so
that a handshake that bears it is about a subscription that we asked for; no look-up is needed."""
ASKED_LEASE_S = 10 * 24 * 3600
UNTOLD_LEASE_S = 24 * 3600
"""For a hub that confirms without saying for how long, though it must (WebSub, 5.3)."""
LONGEST_LEASE_S = 366 * 24 * 3600
NEWS = "websub"


def _proof(key: bytes, topic: str) -> str:
    return hmac.new(key, b"topic " + topic.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _leased(value: Any) -> Leased | Unknown:  # noqa: ANN401
    """The news of a handshake, as `YouTube.handshake` packed it."""
    news = a_dict(a_dict(value).get(NEWS))
    mode, account = an_id(news.get("mode")), an_id(news.get("account"))
    dedupe_id = fingerprint(NAME, value)
    if mode == "subscribe" and account:
        lease_s = a_count(news.get("lease_seconds")) or UNTOLD_LEASE_S
        return Leased(dedupe_id, account, min(lease_s, LONGEST_LEASE_S))
    if mode and account:
        return Leased(dedupe_id, account, None, words(news.get("reason")) or mode)
    return Unknown(dedupe_id, "empty", value)


# --- its news: Atom ----------------------------------------------------------------------------------------

ATOM, YT, AT = (
    "{http://www.w3.org/2005/Atom}",
    "{http://www.youtube.com/xml/schemas/2015}",
    "{http://purl.org/atompub/tombstones/1.0}",
)
VIDEO = "yt:video:"
STILL_NEW = timedelta(hours=1)
"""The feed's `updated` of a fresh upload lies some seconds after its `published`; later ones are changes of
its title or description."""


def _feed(body: bytes) -> Element:
    """The document. Raises ValueError for what is no XML, and for XML that brings a DOCTYPE or entities."""
    from defusedxml.ElementTree import ParseError, fromstring  # type: ignore[import-untyped]

    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, LookupError) as error:  # LookupError: an encoding that nobody knows
        raise ValueError("no XML") from error
    level = [root]
    for _ in range(DEEPEST):
        level = [child for one in level for child in one]
        if not level:
            return root
    raise ValueError("nested too deep")


def _text(element: Element | None, path: str) -> str:
    found = element.find(path) if element is not None else None
    return words(found.text).strip() if found is not None else ""


def _entry(entry: Element) -> Update:
    """Without words: a title is told, but a disclosure may stand in the description, which is not."""
    video = _text(entry, f"{YT}videoId") or _text(entry, f"{ATOM}id").removeprefix(VIDEO)
    if not video:
        return _unknown(entry)
    updated, published = _text(entry, f"{ATOM}updated"), _text(entry, f"{ATOM}published")
    at, since = timestamp(updated), timestamp(published)
    fresh = at is None or since is None or at - since <= STILL_NEW
    return Posted(
        fingerprint(NAME, "video", video, updated or _packed(entry)),
        "published" if fresh else "changed",
        video,
        _text(entry, f"{YT}channelId"),
        (since if fresh else None) or at,
        _watch(video),
    )


def _deleted(entry: Element) -> Update:
    video = words(entry.get("ref")).removeprefix(VIDEO)
    if not video:
        return _unknown(entry)
    when = words(entry.get("when"))
    channel = _text(entry, f"{AT}by/{ATOM}uri").rpartition("/")[2]
    account = channel if CHANNEL.fullmatch(channel) else ""
    dedupe_id = fingerprint(NAME, "deleted", video, when)
    return Posted(dedupe_id, "removed", video, account, timestamp(when), _watch(video))


READERS = {f"{ATOM}entry": _entry, f"{AT}deleted-entry": _deleted}


def _unknown(element: Element) -> Unknown:
    packed = _packed(element)
    return Unknown(fingerprint(NAME, "entry", packed), "entry", packed)


def _packed(element: Element) -> str:
    """The element by itself, in one spelling whatever the feed's; text behind it is not its own."""
    from xml.etree.ElementTree import canonicalize, tostring

    alone = copy(element)
    alone.tail = None
    return canonicalize(tostring(alone, "unicode"), strip_text=True, rewrite_prefixes=True)


def _watch(video: str) -> str:
    return f"https://www.youtube.com/watch?{urlencode({'v': video})}"


def _updates(root: Element) -> Iterator[Update]:
    known = [(READERS[child.tag], child) for child in root if child.tag in READERS]
    for reader, child in known:
        yield reader(child)
    if not known:
        packed = _packed(root)
        yield Unknown(fingerprint(NAME, "feed", packed), "empty", packed)


# --- figures -----------------------------------------------------------------------------------------------

FIGURES: dict[str, Metric] = {"viewCount": "views", "likeCount": "likes", "commentCount": "comments"}
"""https://developers.google.com/youtube/v3/docs/videos#statistics; a hidden count is not there."""
# https://developers.google.com/youtube/v3/docs/errors, https://cloud.google.com/apis/design/errors
SPENT = frozenset({"quotaExceeded", "dailyLimitExceeded"})
"""The day's units are used up, until midnight in California."""
ASK_AGAIN_S = 3600.0
TOO_FAST = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
SLOW_DOWN_S = 60.0
KEY = frozenset({"keyInvalid", "keyExpired", "API_KEY_INVALID"})
"""Such come as 400; every 403 but those above is about our key too."""


def _refusal(status: int, answer: Any) -> SendRefused | Throttled | OutcomeUnknown:  # noqa: ANN401
    """What an answer without items means."""
    error = a_dict(a_dict(answer).get("error"))
    about = [*a_list(error.get("errors")), *a_list(error.get("details"))]
    reasons = [an_id(a_dict(one).get("reason")) for one in about]
    reason, detail = next(filter(None, reasons), ""), words(error.get("message"))[:200]
    if SPENT & set(reasons):
        return Throttled(ASK_AGAIN_S, platform_code=reason)
    if TOO_FAST & set(reasons) or status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(SLOW_DOWN_S, platform_code=reason)
    if KEY & set(reasons) or status == HTTPStatus.FORBIDDEN:
        return SendRefused(reason or str(int(status)), "channel", detail)
    if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
        return SendRefused(reason or str(int(status)), "content", detail)
    return by_status(status, reason, detail)


def _reading(item: Mapping[str, Any]) -> PostReading:
    told, about = a_dict(item.get("statistics")), a_dict(item.get("snippet"))
    figures = {metric: n for key, metric in FIGURES.items() if (n := a_count(told.get(key))) is not None}
    texts = [words(about[key]) for key in ("title", "description") if key in about]
    return PostReading(
        figures,
        account=an_id(about.get("channelId")),
        text="\n".join(texts) if texts else None,
        published_at=timestamp(about.get("publishedAt")),
    )


class YouTube:
    """Channels that are followed, videos that are counted. The secret has `websub_secret` and `api_key`."""

    name = NAME
    base_url = "https://www.googleapis.com"
    hub_url = "https://pubsubhubbub.appspot.com"
    capabilities = Capabilities()
    webhook_content_types: tuple[str, ...] = ("application/atom+xml", "application/xml", "text/xml")
    quota = Quota(batch=50, units=1, per_window=10_000, window_s=24 * 3600)
    figures_key = "api_key"

    def verify(self, secrets: Mapping[str, Any], call: Call) -> None:
        """A hub may take any 2xx for a wrong signature (WebSub, 8.1); ours is the 401 of every platform."""
        method, _, given = call.headers.get(SIGNATURE, "").partition("=")
        if method in METHODS:
            for key in signing_keys(secrets.get("websub_secret")):
                right = hmac.new(key, call.body, method).hexdigest()
                if hmac.compare_digest(given.encode("utf-8", "replace"), right.encode("ascii")):
                    return
        raise SignatureInvalid

    def parse(self, body: bytes) -> list[Update]:
        try:
            return [_leased(load(body))]
        except ValueError:
            pass
        try:
            return list(_updates(_feed(body)))
        except ValueError:
            return [unreadable(NAME, body)]

    def handshake(self, secrets: Mapping[str, Any], call: Call) -> Greeting | None:
        query = call.query
        mode, topic = query.get("hub.mode", ""), query.get("hub.topic", "")
        given = query.get(PROOF, "").encode("utf-8", "replace")
        keys = signing_keys(secrets.get("websub_secret"))
        ours = any(hmac.compare_digest(given, _proof(key, topic).encode("ascii")) for key in keys)
        challenge = "" if mode == "denied" else query.get("hub.challenge")
        if not ours or mode not in ("subscribe", "unsubscribe", "denied") or challenge is None:
            return None
        news = {"mode": mode, "account": topic.removeprefix(TOPIC), "challenge": challenge}
        for told in ("lease_seconds", "reason"):
            news[told] = query.get(f"hub.{told}", "")
        return Greeting(challenge, news=json.dumps({NEWS: news}).encode("ascii"))

    def account_in(self, handle: str) -> str:
        return handle if CHANNEL.fullmatch(handle) else ""

    def follow(
        self,
        http: Http,
        hub_url: str,
        secrets: Mapping[str, Any],
        webhook: str,
        account: str,
        *,
        wanted: bool,
    ) -> None:
        """With the secret's current key: of an older one the subscription runs out by itself."""
        keys = signing_keys(secrets.get("websub_secret"))
        if not keys:
            raise SendRefused("no_websub_secret", "channel", "There is no websub_secret.")
        topic = TOPIC + account
        form = {
            "hub.callback": f"{webhook}?{urlencode({PROOF: _proof(keys[0], topic)})}",
            "hub.mode": "subscribe" if wanted else "unsubscribe",
            "hub.topic": topic,
            "hub.verify": "async",  # asked for by PubSubHubbub 0.3, which Google's hub still speaks
        }
        if wanted:
            form |= {"hub.secret": keys[0].decode(), "hub.lease_seconds": str(ASKED_LEASE_S)}
        status, _, _ = http.post_form(f"{hub_url}/subscribe", form, {})
        if status not in (HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT):
            raise by_status(status)

    def read_posts(
        self, http: Http, base_url: str, secrets: Mapping[str, Any], ids: Sequence[str]
    ) -> dict[str, PostReading]:
        """https://developers.google.com/youtube/v3/docs/videos/list; a video that is deleted, or private, is
        not in the answer."""
        items = self._list(http, f"{base_url}/youtube/v3/videos", secrets, {"id": ",".join(ids)})
        told = {an_id(item.get("id")): item for item in items}
        return {one: _reading(told[one]) if one in told else PostReading(gone=True) for one in ids}

    def read_account(
        self, http: Http, base_url: str, secrets: Mapping[str, Any], handle: str
    ) -> AccountReading | None:
        """https://developers.google.com/youtube/v3/docs/channels/list. The counts of subscribers come rounded
        to three digits. An old custom address (`c/…`) cannot be asked for: None."""
        kind, _, name = handle.rpartition("/")
        if kind == "c" or not name:
            return None
        asked = {"forUsername": name} if kind == "user" else {"forHandle": f"@{name}"}
        if self.account_in(handle):
            asked = {"id": handle}
        items = self._list(http, f"{base_url}/youtube/v3/channels", secrets, asked)
        if not items:
            return None
        about, told = a_dict(items[0].get("snippet")), a_dict(items[0].get("statistics"))
        hidden = told.get("hiddenSubscriberCount") in (True, "true")
        return AccountReading(
            an_id(items[0].get("id")),
            words(about.get("customUrl")).removeprefix("@").casefold(),
            None if hidden else a_count(told.get("subscriberCount")),
            words(about["description"]) if "description" in about else None,
        )

    def _list(
        self, http: Http, url: str, secrets: Mapping[str, Any], asked: Mapping[str, str]
    ) -> list[Mapping[str, Any]]:
        key = secrets.get("api_key")
        if not isinstance(key, str) or not key:
            raise SendRefused("no_api_key", "channel", "There is no api_key.")
        query = urlencode({"part": "snippet,statistics", **asked, "key": key})
        status, _, answer = http.get_json(f"{url}?{query}", {})
        whole = isinstance(answer, dict) and isinstance(answer.get("items", []), list)
        if status != HTTPStatus.OK:
            raise _refusal(status, answer)
        if not whole or "kind" not in answer:
            raise OutcomeUnknown  # half an answer must not look like videos that are gone
        return [a_dict(item) for item in answer.get("items", [])]
