"""The rules of our webhooks: who is told of what and where, how it is signed, when it is tried again.

Standard Webhooks 1.0.0 (https://www.standardwebhooks.com, spec/standard-webhooks.md) around structured
CloudEvents 1.0 (https://github.com/cloudevents/spec, JSON format). docs/webhooks.md tells receivers.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from chalicelib.errors import Rejected
from chalicelib.events.catalog import CATALOG, Envelope

TRIED_FOR_S = 24 * 3600
FIRST_WAIT_S, GROWTH, LONGEST_WAIT_S = 5.0, 4.0, 4 * 3600.0
"""After 5 s, 20 s, 80 s, 5 min, 21 min, 85 min, then each 4 hours."""
FIRST_REST_S, REST_GROWTH, LONGEST_REST_S = 5.0, 3.0, 900.0
"""A receiver that cannot be reached is asked after 5 s, 15 s, 45 s, 2 min, 7 min, then each 15 minutes."""
LONGEST_RETRY_AFTER_S = 3600.0
KEY_BYTES = range(24, 65)
MOST_KEYS = 2
LONGEST_URL = 1000
ID = re.compile(r"[a-z][a-z0-9_-]{0,39}")
NEEDED = {"url", "secret"}
SECRET_PREFIX = "whsec_"
HTTPS_PORT, HTTP_PORT, FIRST_FREE_PORT = 443, 80, 1024
TEST = "webhook.test"
"""The type of what staff send to try a receiver out; it is no event and never on the bus."""
UNICAST_V6 = ipaddress.ip_network("2000::/3")
"""All that is given out to networks; outside lie loopback, private, link-local, mapped and translated."""
PROTOCOLS_V4 = ipaddress.ip_network("192.0.0.0/24")
"""IANA's own; 192.0.0.192 is the metadata service of one cloud."""


class SubscriberUnreadable(Rejected):
    """An entry of the secret that cannot be used; its message repeats nothing secret."""

    status = 409
    code = "webhook_unreadable"
    message = "A webhook has a url and a secret, and may have events; nothing else."


@dataclass(frozen=True)
class Target:
    """Where a receiver listens. Its path may hold a token: it is neither shown nor logged."""

    scheme: str
    host: str
    port: int
    path: str = field(repr=False)

    @classmethod
    def of(cls, url: object, *, loopback: bool) -> Target:
        """The parts of an address. Raises SubscriberUnreadable for one to which nothing may be sent.

        `loopback`: this is a laptop, where a receiver without TLS may listen on the same machine.
        """
        wrong = SubscriberUnreadable(
            "The address of a webhook begins with https:// and names a host; it holds neither user nor "
            "password nor fragment, and its port is 443 or above 1023."
        )
        if not isinstance(url, str) or len(url) > LONGEST_URL or not url.isprintable() or " " in url:
            raise wrong
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").encode("idna").decode("ascii")
            port = parts.port or (HTTPS_PORT if parts.scheme == "https" else HTTP_PORT)
            path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}".encode("ascii").decode()
        except ValueError:  # UnicodeError is one
            raise wrong from None
        schemes = ("https", "http") if loopback else ("https",)
        free = port >= FIRST_FREE_PORT or port == (HTTPS_PORT if parts.scheme == "https" else HTTP_PORT)
        plain = "@" not in parts.netloc and "#" not in url
        if parts.scheme not in schemes or not host or not free or not plain:
            raise wrong
        return cls(parts.scheme, host, port, path)


@dataclass(frozen=True)
class Subscriber:
    """Who is told: one entry of the secret."""

    id: str
    target: Target
    keys: tuple[bytes, ...] = field(repr=False)
    """The current signing key, and the previous one while they are changed over."""
    events: tuple[str, ...] = ("*",)

    @classmethod
    def of(cls, name: str, entry: object, *, loopback: bool = False) -> Subscriber:
        """Reads an entry `{url, secret: "whsec_…" or [current, previous], events: […] optional}`. Raises
        SubscriberUnreadable, whose message holds nothing secret."""
        if not ID.fullmatch(name):
            raise SubscriberUnreadable(
                "The name of a webhook is lower-case letters, digits, - and _, and begins with a letter."
            )
        if not isinstance(entry, Mapping) or not NEEDED <= set(entry) <= NEEDED | {"events"}:
            raise SubscriberUnreadable
        target = Target.of(entry["url"], loopback=loopback)
        return cls(name, target, _keys(entry["secret"]), _patterns(entry.get("events", ["*"])))

    @property
    def fingerprint(self) -> str:
        """Stands for the address: what became of one is no news of another."""
        where = f"{self.target.scheme}://{self.target.host}:{self.target.port}{self.target.path}"
        return hashlib.sha256(where.encode()).hexdigest()[:32]

    def wants(self, event: str) -> bool:
        """Whether this event is asked for by its name, by `<first part>.*` or by `*`."""
        return any(_matches(pattern, event) for pattern in self.events)


@dataclass(frozen=True)
class Unreadable:
    """An entry that cannot be read (yet): what may be for it waits until it can."""

    id: str
    error: SubscriberUnreadable

    def wants(self, event: str) -> bool:
        """It may have been asked for: whether it was, is told when the entry can be read."""
        return True


def _matches(pattern: str, event: str) -> bool:
    return pattern in ("*", event) or (pattern.endswith(".*") and event.startswith(pattern[:-1]))


def _keys(secret: object) -> tuple[bytes, ...]:
    given = secret if isinstance(secret, list) else [secret]
    keys = [_key(one) for one in given]
    if not 0 < len(keys) <= MOST_KEYS or None in keys:
        raise SubscriberUnreadable(
            "The secret of a webhook is whsec_ and 24 to 64 bytes in base64, or a list of the current and "
            "the previous one."
        )
    return tuple(key for key in keys if key is not None)


def _key(secret: object) -> bytes | None:
    if not isinstance(secret, str) or not secret.startswith(SECRET_PREFIX):
        return None
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) in KEY_BYTES else None


def _patterns(events: object) -> tuple[str, ...]:
    if not isinstance(events, list) or not events:
        raise SubscriberUnreadable(
            "The events of a webhook are a list of names, such as run.* or post.measured."
        )
    for pattern in events:
        if not isinstance(pattern, str) or not any(_matches(pattern, event) for event in CATALOG):
            raise SubscriberUnreadable("No event is called %(name)s, which a webhook asks for.", name=pattern)
    return tuple(events)


# --- what is sent -------------------------------------------------------------------------------------------


def cloud_event(bus_event: Mapping[str, Any], public_url: str) -> dict[str, Any]:
    """An event of the bus as a CloudEvent; its `source` is this deployment and the feature that tells it."""
    envelope = Envelope.model_validate(bus_event["detail"])
    feature = str(bus_event["source"]).removeprefix("janjan.")
    return {
        "specversion": "1.0",
        "id": envelope.id,
        "source": f"{public_url}/events/{feature}",
        "type": str(bus_event["detail-type"]),
        "time": str(bus_event["detail"]["occurred_at"]),
        "datacontenttype": "application/json",
        "dataversion": envelope.version,
        "data": envelope.data,
    }


@dataclass(frozen=True)
class Message:
    """One event on its way to one subscriber; what the queue carries."""

    to: str
    event: Mapping[str, Any]
    since: float | None = None
    """When it was first to be sent, in epoch seconds; None: now."""
    not_before: float = 0.0
    refusals: int = 0
    """How often the receiver answered, and did not take it."""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Message:
        """What `body` gave. Raises KeyError, TypeError or ValueError for another form."""
        since = body.get("since")
        return cls(
            str(body["to"]),
            dict(body["event"]),
            None if since is None else float(since),
            float(body.get("not_before", 0)),
            int(body.get("refusals", 0)),
        )

    def body(self) -> dict[str, Any]:
        """As JSON on the queue."""
        waits = {"since": self.since, "not_before": self.not_before, "refusals": self.refusals}
        return {"to": self.to, "event": dict(self.event)} | {k: v for k, v in waits.items() if v}

    def anew(self) -> Message:
        """The same message with another day before it: what a person sends back."""
        return Message(self.to, self.event)

    def refused(self) -> Message:
        return replace(self, refusals=self.refusals + 1)

    @property
    def id(self) -> str:
        """`webhook-id`: the same at each attempt and each repetition of the event, another for each
        subscriber."""
        digest = hashlib.sha256(f"{self.event['id']}\n{self.to}".encode()).hexdigest()
        return f"msg_{digest[:32]}"

    @property
    def type(self) -> str:
        return str(self.event["type"])

    def request(self, subscriber: Subscriber, now: float) -> tuple[bytes, dict[str, str]]:
        """The body, and the headers with a signature by each key of the subscriber."""
        body = json.dumps(self.event, ensure_ascii=False, separators=(",", ":")).encode()
        at = str(int(now))
        return body, {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "User-Agent": "JanJan-Webhooks/1",
            "webhook-id": self.id,
            "webhook-timestamp": at,
            "webhook-signature": " ".join(signature(key, self.id, at, body) for key in subscriber.keys),
        }


def signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64 (Standard Webhooks, "Signature scheme")."""
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode('ascii')}"


# --- what came of it ----------------------------------------------------------------------------------------


class Verdict(Enum):
    TAKEN = "taken"
    GONE = "gone"
    """Its receiver wants nothing any more."""
    ILL = "ill"
    """It cannot be reached, or asks for peace: nothing else gets through either."""
    REFUSED = "refused"
    """It answered, and did not take this message."""


ILL = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


@dataclass(frozen=True)
class Answer:
    """What came of one request. `status` 0: no answer, and `why` says how far it came."""

    status: int
    why: str = ""
    retry_after: str | None = None
    """The header as it came."""

    @property
    def verdict(self) -> Verdict:
        """2xx alone is success; a redirect is none (Standard Webhooks, "Delivery success and failure")."""
        if HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES:
            return Verdict.TAKEN
        if self.status == HTTPStatus.GONE:
            return Verdict.GONE
        return Verdict.ILL if not self.status or self.status in ILL else Verdict.REFUSED

    def asked_s(self, now: float) -> float | None:
        """The seconds that the receiver asks to wait, at most an hour; None where it does not ask, or in no
        form that is known (RFC 9110, 10.2.3)."""
        text = (self.retry_after or "").strip()
        if text.isascii() and text.isdigit() and len(text) < len(str(2**63)):
            return min(LONGEST_RETRY_AFTER_S, float(text))
        try:
            at = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        wait_s = at.replace(tzinfo=at.tzinfo or UTC).timestamp() - now
        return min(LONGEST_RETRY_AFTER_S, max(0.0, wait_s))


@dataclass(frozen=True)
class Standing:
    """How a subscriber's address stands; one without a fault has none of this."""

    failures: int = 0
    """How often in a row it could not be reached."""
    until: float = 0.0
    """Before this, in epoch seconds, nothing is sent: the receiver rests, or one message is asking how it
    is."""
    since: float = 0.0
    """When it was first not reached."""
    disabled_at: datetime | None = None

    def worse(self, answer: Answer, now: float) -> Standing:
        """After one more failure: it rests as long as it asks for, or longer each time."""
        grown = FIRST_REST_S * REST_GROWTH ** min(self.failures, 9)
        asked = answer.asked_s(now)
        rest_s = min(LONGEST_REST_S, grown) if asked is None else max(FIRST_REST_S, asked)
        return Standing(self.failures + 1, now + rest_s, self.since or now)


def wait_after(refusals: int) -> float:
    """Seconds from the n-th refusal of a message to the next attempt."""
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * GROWTH ** min(refusals - 1, 9))


def may_be_reached(address: str, target: Target, *, loopback: bool) -> bool:
    """Whether an address that a host's name stands for may be connected to: it belongs to the public
    internet. On a laptop (`loopback`) also this machine, and without TLS this machine alone."""
    found = ipaddress.ip_address(address)
    if found.is_loopback:
        return loopback
    if target.scheme != "https" or not found.is_global or found.is_multicast or found.is_reserved:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return found not in PROTOCOLS_V4
    return found in UNICAST_V6 and found.sixtofour is None and found.teredo is None
