"""YouTube: Google's WebSub hub, and the Data API, as far as a follower and a reader of figures can tell.

Every channel exists, but handles that begin with `nobody`. https://www.w3.org/TR/websub/,
https://developers.google.com/youtube/v3/docs
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.sax.saxutils import escape

from local.config import YOUTUBE
from local.sandbox.library import Library, Post, drawn
from local.sandbox.posting import Envelope, Poster, Update
from local.sandbox.reply import Act, Ask, Reply
from local.sandbox.world import Json, World, stamp

NAME = "youtube"
CHANNEL = re.compile(r"UC[A-Za-z0-9_-]{22}")
TOPIC = "https://www.youtube.com/feeds/videos.xml?channel_id="
LONGEST_LEASE_S = 5 * 24 * 3600
"""What the hub grants, however long it is asked for."""
SECRET_MOST = 200
VIDEOS_MOST = 50
LIKES_HIDDEN = 7
"""One video of so many hides its likes."""
FEED = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns:at="http://purl.org/atompub/tombstones/1.0"
 xmlns="http://www.w3.org/2005/Atom"><link rel="hub" href="https://pubsubhubbub.appspot.com"/>
 <link rel="self" href="https://www.youtube.com/xml/feeds/videos.xml?channel_id={channel}"/>
 <title>YouTube video feed</title><updated>{now}</updated>{entry}</feed>
"""
VIDEO = """<entry><id>yt:video:{id}</id><yt:videoId>{id}</yt:videoId><yt:channelId>{channel}</yt:channelId>
 <title>{title}</title><link rel="alternate" href="https://www.youtube.com/watch?v={id}"/>
 <published>{published}</published><updated>{now}</updated></entry>"""
REMOVED = """<at:deleted-entry ref="yt:video:{id}" when="{now}"><at:by><name>{channel}</name>
 <uri>https://www.youtube.com/channel/{channel}</uri></at:by></at:deleted-entry>"""
REASONS = {"keyInvalid": 400, "quotaExceeded": 403, "rateLimitExceeded": 403, "missingRequiredParameter": 400}


@dataclass(frozen=True)
class Subscription:
    """Whom the hub tells of a topic, and how it signs."""

    topic: str
    callback: str
    secret: str
    until: datetime


class YouTube:
    """All channels and one hub on one world."""

    NAME = NAME
    extras = frozenset({"post"})

    def __init__(self, world: World, poster: Poster, webhooks: str) -> None:
        self.acts = {"post": self._publish, "remove": self._remove, "bio": self._describe}
        self._world, self._poster = world, poster
        self._library = Library(world, NAME)
        self._names: dict[str, str] = {}
        self._subscriptions: dict[tuple[str, str], Subscription] = {}
        for line in world.journal.every():
            if line["kind"] == "subscription":
                self._recall(line)

    def handle(self, asked: Ask) -> Reply:
        """Answers `/youtube/v3/videos`, `/youtube/v3/channels` and `/hub/subscribe`."""
        match asked.method, asked.path:
            case "POST", ["hub", "subscribe"]:
                return self._hub(asked.fields)
            case "GET", ["youtube", "v3", ("videos" | "channels") as kind]:
                return self._api(kind, asked.query)
        return Reply(
            404, {"error": {"code": 404, "message": "Not Found", "errors": [{"reason": "notFound"}]}}
        )

    # --- the hub -------------------------------------------------------------------------------------------

    def _hub(self, form: Json) -> Reply:
        """Takes the request; what it says is verified afterwards, by a handshake."""
        mode, topic, callback = (str(form.get(f"hub.{name}", "")) for name in ("mode", "topic", "callback"))
        secret, asked_s = (
            str(form.get("hub.secret", "")),
            str(form.get("hub.lease_seconds") or LONGEST_LEASE_S),
        )
        known = mode in ("subscribe", "unsubscribe") and CHANNEL.fullmatch(topic.removeprefix(TOPIC))
        here = urlsplit(callback).hostname == "127.0.0.1"
        if not (known and here and asked_s.isdecimal() and len(secret.encode()) < SECRET_MOST):
            return Reply(400, None)
        lease_s = min(int(asked_s), LONGEST_LEASE_S)
        if self._world.behaviour.channel_ill:
            told = {"hub.mode": "denied", "hub.topic": topic, "hub.reason": "the hub is ill"}
            self._poster.ask(_with(callback, told), lambda status, body: None)
            return Reply(202, None)
        challenge = secrets.token_urlsafe(16)
        told = {"hub.mode": mode, "hub.topic": topic, "hub.challenge": challenge}
        told["hub.lease_seconds"] = str(lease_s)

        def then(status: int, body: bytes) -> None:
            if 200 <= status < 300 and body == challenge.encode():
                until = self._world.clock.now() + timedelta(seconds=lease_s)
                self._note(mode, Subscription(topic, callback, secret, until))

        self._poster.ask(_with(callback, told), then)
        return Reply(202, None)

    def _note(self, mode: str, one: Subscription) -> None:
        line = {"mode": mode, "topic": one.topic, "callback": one.callback, "secret": one.secret}
        with self._world.lock:
            self._world.journal.add("subscription", platform=NAME, until=stamp(one.until), **line)
            self._recall(line | {"until": stamp(one.until)})

    def _recall(self, line: Json) -> None:
        key = line["topic"], line["callback"]
        if line["mode"] == "subscribe":
            until = datetime.fromisoformat(line["until"])
            self._subscriptions[key] = Subscription(*key, line["secret"], until)
        else:
            self._subscriptions.pop(key, None)

    def _push(self, video: Post, entry: str, status: str) -> None:
        now = self._world.clock.now()
        values = {
            "id": video.id,
            "channel": video.account,
            "title": escape(video.text),
            "published": video.at.isoformat(timespec="seconds"),
            "now": now.isoformat(),
        }
        body = FEED.format(entry=entry.format(**values), **values)
        for one in self._subscriptions.values():
            if one.topic == TOPIC + video.account and one.until > now:
                envelope = Envelope(NAME, one.callback, _body, _signer(one.secret), lambda: 1)
                facts = {"id": video.id, "status": status, "channel": video.account}
                self._poster.put([Update(envelope, {"body": body}, facts)], late=False)

    # --- the Data API --------------------------------------------------------------------------------------

    def _api(self, kind: str, query: dict[str, str]) -> Reply:
        if query.get("key") != YOUTUBE.api_key or self._world.behaviour.channel_ill:
            return _refused("keyInvalid")
        if self._world.fate(NAME, kind).throttled or self._world.over_rate(NAME):
            return _refused("rateLimitExceeded")
        return self._videos(query.get("id", "")) if kind == "videos" else self._channels(query)

    def _videos(self, asked: str) -> Reply:
        ids = asked.split(",")
        if not asked or len(ids) > VIDEOS_MOST:
            return _refused("missingRequiredParameter")
        found = [video for one in ids if (video := self._library.find(one))]
        return _listed("video", [self._video(video) for video in found])

    def _channels(self, query: dict[str, str]) -> Reply:
        named = query.get("forHandle") or query.get("forUsername") or query.get("id", "")
        if not named:
            return _refused("missingRequiredParameter")
        if named.removeprefix("@").startswith("nobody"):
            return Reply(200, {"kind": "youtube#channelListResponse", "pageInfo": {"totalResults": 0}})
        return _listed("channel", [self._channel(self._id_of(named))])

    def _video(self, video: Post) -> Json:
        figures = video.figures(self._world.clock.now())
        told = {
            "viewCount": str(figures["views"]),
            "favoriteCount": "0",
            "commentCount": str(figures["comments"]),
        }
        if drawn("likes", video.id) % LIKES_HIDDEN:
            told["likeCount"] = str(figures["likes"])
        snippet = {
            "channelId": video.account,
            "title": video.text,
            "description": "",
            "publishedAt": stamp(video.at),
        }
        return {"kind": "youtube#video", "id": video.id, "snippet": snippet, "statistics": told}

    def _channel(self, channel: str) -> Json:
        followers = self._library.followers(channel)
        rounded = followers - followers % 10 ** max(0, len(str(followers)) - 3)
        snippet = {"title": self._names.get(channel, channel), "description": self._library.bio(channel)}
        if channel in self._names:
            snippet["customUrl"] = f"@{self._names[channel]}"
        told = {"subscriberCount": str(rounded), "hiddenSubscriberCount": False}
        return {"kind": "youtube#channel", "id": channel, "snippet": snippet, "statistics": told}

    def _id_of(self, named: str) -> str:
        """The channel of this id, handle or older name."""
        if CHANNEL.fullmatch(named):
            return named
        name = named.removeprefix("@").casefold()
        channel = channel_of(name)
        self._names[channel] = name
        return channel

    # --- what people do ------------------------------------------------------------------------------------

    def _publish(self, act: Act) -> str:
        """A channel publishes a video, or changes the title of `post`; the video's id."""
        channel, known = self._channel_in(act), self._library.find(str(act.more.get("post", "")))
        nth = str(len(self._library.of(channel)))
        video = str(act.more.get("post") or _token(11, "video", channel, nth, act.text))
        if not re.fullmatch(r"[A-Za-z0-9_-]{11}", video) or (known and known.account != channel):
            raise ValueError(
                "post must be the id of a video of this channel, or of none: 11 letters, digits, _, -"
            )
        self._push(
            self._library.publish(channel, video, act.text), VIDEO, "changed" if known else "published"
        )
        return video

    def _remove(self, act: Act) -> str:
        video = self._library.remove(str(act.more.get("post", "")))
        self._push(video, REMOVED, "removed")
        return video.id

    def _describe(self, act: Act) -> str:
        self._library.describe(self._channel_in(act), act.text)
        return self._channel_in(act)

    def _channel_in(self, act: Act) -> str:
        if not re.fullmatch(r"@?[\w.·-]{3,60}", act.sender):
            raise ValueError("from must be a channel's id or handle")
        return self._id_of(act.sender)


def channel_of(name: str) -> str:
    """The id of the channel with this handle."""
    return "UC" + _token(22, "channel", name)


def _token(length: int, *parts: str) -> str:
    digest = hashlib.sha256("|".join(parts).encode()).digest()
    return base64.urlsafe_b64encode(digest).decode()[:length]


def _with(url: str, told: Json) -> str:
    """The address with more in its query: what it has stays (WebSub, 5.3)."""
    split = urlsplit(url)
    return split._replace(query=urlencode([*parse_qsl(split.query), *told.items()])).geturl()


def _body(wires: list[Json]) -> bytes:
    return str(wires[0]["body"]).encode()


def _signer(secret: str) -> Callable[[bytes], dict[str, str]]:
    def sign(body: bytes) -> dict[str, str]:
        kind = {"Content-Type": "application/atom+xml"}
        made = hmac.new(secret.encode(), body, "sha1").hexdigest()
        return kind | ({"X-Hub-Signature": f"sha1={made}"} if secret else {})

    return sign


def _refused(reason: str) -> Reply:
    status = REASONS[reason]
    error = {
        "code": status,
        "message": reason,
        "errors": [{"domain": "youtube", "reason": reason, "message": reason}],
    }
    return Reply(status, {"error": error})


def _listed(kind: str, items: list[Json]) -> Reply:
    count = {"totalResults": len(items), "resultsPerPage": len(items)}
    return Reply(200, {"kind": f"youtube#{kind}ListResponse", "pageInfo": count, "items": items})
