"""What a platform is: one file that sends, verifies and parses. Nothing here names a platform or a
feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, get_args, runtime_checkable

from chalicelib.errors import Rejected, Transient

Headers = Mapping[str, str]
"""Header names in lower case."""
Medium = Literal["whatsapp", "telegram", "sms", "email"]
"""What a person is reached by. Several platforms may carry one: SMS go over MSG91 or Twilio."""
MEDIUMS: tuple[Medium, ...] = get_args(Medium)


@dataclass(frozen=True)
class Call:
    """A request to one of our webhooks, as it came."""

    headers: Headers = field(default_factory=dict)
    body: bytes = b""
    query: Mapping[str, str] = field(default_factory=dict)
    urls: tuple[str, ...] = ()
    """The address that was called, query included, in every spelling that the platform may have used: some
    sign it."""
    tail: str = ""
    """What follows the platform's name in the path."""


@dataclass(frozen=True)
class Greeting:
    """The answer to a handshake; `news`, if any, is queued as if it had been posted, for `parse`."""

    answer: str
    content_type: str = "text/plain"
    news: bytes = b""


@dataclass(frozen=True)
class Capabilities:
    """What a platform really has; the planner, the report and docs/platforms.md read it."""

    mediums: tuple[Medium, ...] = ()
    """What it can reach people by, its own first; none: it is only listened to, or asked for figures."""
    receipts: bool = False
    """Tells when a message was delivered or read."""
    replies: bool = False
    """Brings us what people answer."""
    media: bool = False
    """A message may carry a picture or a film."""
    longest: int | None = None
    """Characters of a message's text, as the platform counts them; None: no limit that matters."""
    templates: bool = False
    """Needs an approved template outside the person's own window of conversation."""
    carries_key: bool = False
    """Gives our delivery key back in its callbacks."""
    rate_per_s: float = 1.0
    """Messages a second that one channel may send, unless its configuration says otherwise."""
    pair_gap_s: float = 0.0
    """Seconds that must lie between two messages to one person."""
    per_day: int | None = None
    """Messages in a moving day that one channel may send, unless its configuration says otherwise; None: any
    number."""
    ttl_s: tuple[int, int] | None = None
    """The shortest and the longest time-to-live that a send may carry; None: a send carries none."""

    def ttl(self, left_s: float) -> int | None:
        """The time-to-live, in seconds, of a message that is of use for `left_s` more; None where there is
        none."""
        if self.ttl_s is None:
            return None
        shortest, longest = self.ttl_s
        return min(longest, max(shortest, int(left_s)))


@dataclass(frozen=True)
class Channel:
    """A configured way to reach people, from the secret's `channels`: a WhatsApp number, a bot, an SMS
    header, a sender address."""

    id: str
    platform: str
    config: Mapping[str, Any]
    """Address and token, as the platform names them; what it leaves out, from its platform's entry."""
    medium: str = ""
    """What it reaches people by; left out: what bears the platform's name."""
    webhook: str = ""
    """Our address for its platform's callbacks, for platforms that are told it with every message."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "medium", self.medium or self.platform)


@dataclass(frozen=True)
class Line:
    """Where somebody wrote to us: over which platform, and to which of ours there (`Inbound.to`). They are
    answered over the same."""

    platform: str
    to: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outgoing:
    """One message to one address: a template with its parameters in order, or text.

    An SMS has both: the registered template's id, and `text` as it is delivered. An email has `subject`,
    `text` and `html`.
    """

    text: str = ""
    subject: str = ""
    html: str = ""
    header: str = ""
    """SMS: the registered sender's name (DLT header)."""
    unsubscribe_url: str = ""
    """Email: where one click ends the subscription (RFC 8058)."""
    template: str = ""
    template_language: str = ""
    category: str = ""
    params: tuple[str, ...] = ()
    key: str = ""
    """Our delivery key, given to platforms that carry it back."""
    ttl_s: int | None = None


@dataclass(frozen=True)
class Accepted:
    """The platform has taken the message under this id (personal data where it encodes a number)."""

    message_id: str


Scope = Literal["person", "content", "campaign", "channel"]


class SendRefused(Rejected):
    """The platform answered that it will not send. `scope` says for whom that holds; `code` is the platform's
    own."""

    code = "send_refused"

    def __init__(
        self, platform_code: str, scope: Scope, detail: str = "", *, opted_out: bool = False
    ) -> None:
        super().__init__(
            "The platform refused the message: %(platform_code)s %(detail)s",
            platform_code=platform_code,
            detail=detail,
        )
        self.platform_code = platform_code
        self.scope = scope
        self.opted_out = opted_out


class Throttled(Transient):
    """The platform refused for now: nothing was sent. `scope`: the whole channel or this person only."""

    code = "throttled"

    def __init__(
        self, retry_after_s: float, scope: Literal["person", "channel"] = "channel", platform_code: str = ""
    ) -> None:
        super().__init__("The platform asks to wait.", retry_after_s=retry_after_s)
        self.scope = scope
        self.platform_code = platform_code


class OutcomeUnknown(Rejected):
    """No answer came after the request may have left: it must not be sent again by itself."""

    code = "outcome_unknown"
    message = "The platform gave no answer; whether the message was taken is not known."


# --- what a platform's callbacks tell -----------------------------------------------------------------------
# `dedupe_id` is the same each time the platform repeats itself; no address can be read out of it. `sender`,
# `recipient`: addresses as `send` takes them. `at` is None where the platform gave no time. `medium`: what
# the address belongs to; empty: what bears the platform's name.


@dataclass(frozen=True)
class Status:
    """A platform's word about a message that we sent."""

    dedupe_id: str
    message_id: str
    recipient: str
    fact: Literal["sent", "delivered", "read", "failed"]
    at: datetime | None
    key: str = ""
    """Our delivery key when it came back."""
    code: str = ""
    opted_out: bool = False
    """Nothing may go to this address any more: the person said so, or it takes nothing."""
    scope: Scope = "person"
    """Of `failed`: for whom the refusal holds, as in SendRefused."""
    medium: str = ""


@dataclass(frozen=True)
class Inbound:
    """What a person sent us. `text` is empty for kinds without words.

    `kind` is the platform's own word, or `edit` or `revoke` (`reply_to` names the earlier message), or
    `deep_link` (`extra["token"]` is what our link carried). `extra["handle"]`: the canonical name of the
    account that wrote, where the platform tells it; `extra["alias"]`: the id by which it may name the same
    sender when it leaves the address out.
    """

    dedupe_id: str
    sender: str
    text: str
    kind: str
    at: datetime | None
    reply_to: str = ""
    name: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    medium: str = ""
    to: tuple[str, ...] = ()
    """What the platform calls that of ours which they wrote to, where it tells it: as a channel's
    configuration does."""


@dataclass(frozen=True)
class Preference:
    """A person changed what they want to get, in the platform's own settings."""

    dedupe_id: str
    sender: str
    wants: bool
    category: str
    at: datetime | None
    medium: str = ""


@dataclass(frozen=True)
class Notice:
    """News about our own side: a template, an account, an echo, a group. `kind` such as
    `template.rejected`.

    `halts`: what may not be used any more: every channel of the account, or the `template`. `unheard`: every
    channel, until a person lifts it, for no probe tells whether callbacks come.
    """

    dedupe_id: str
    kind: str
    at: datetime | None
    detail: Mapping[str, Any]
    halts: Literal["", "channels", "unheard", "template"] = ""
    template: str = ""
    language: str = ""


@dataclass(frozen=True)
class Unknown:
    """A kind that we do not know (yet): kept raw and counted."""

    dedupe_id: str
    kind: str
    raw: Any


Metric = Literal["views", "reach", "likes", "comments", "shares", "saves"]
METRICS: tuple[Metric, ...] = get_args(Metric)
"""What is told of posts. A platform's own words are brought to these by its adapter (docs/platforms.md)."""


@dataclass(frozen=True)
class Posted:
    """News of a post: published, changed or removed; or that a post mentions an account of ours."""

    dedupe_id: str
    kind: Literal["published", "changed", "removed", "mentions"]
    post_id: str
    """The platform's own id."""
    account: str
    """The platform's own id of whose post it is; empty where it is not told."""
    at: datetime | None
    url: str = ""
    text: str = ""
    """The words of the post, as far as they were told."""


@dataclass(frozen=True)
class Measured:
    """Figures of a post that a signed callback told. What it does not tell is absent, never 0."""

    dedupe_id: str
    post_id: str
    figures: Mapping[Metric, int]
    at: datetime | None


@dataclass(frozen=True)
class Engaged:
    """One person did something under a post of ours: a comment, a like, a share. No figure: figures are
    asked for, or told as Measured."""

    dedupe_id: str
    kind: str
    post_id: str
    sender: str
    verb: Literal["added", "changed", "removed"]
    at: datetime | None
    text: str = ""


@dataclass(frozen=True)
class Leased:
    """Our subscription to an account's posts was confirmed for `lease_s` from when the news reached us;
    `reason` says why it was refused, or that it ended (`lease_s` None)."""

    dedupe_id: str
    account: str
    """The platform's own id."""
    lease_s: int | None
    reason: str = ""


Update = Status | Inbound | Preference | Notice | Posted | Measured | Engaged | Leased | Unknown


# --- what a platform's API tells when it is asked -----------------------------------------------------------


@dataclass(frozen=True)
class PostReading:
    """What a platform's API says of a post now. What it does not tell is absent, never 0."""

    figures: Mapping[Metric, int] = field(default_factory=dict)
    gone: bool = False
    """The platform knows no such post (any more), or does not show it."""
    account: str = ""
    """The platform's own id of whose post it is."""
    handle: str = ""
    """The account's name in its canonical form, where it is told."""
    text: str | None = None
    """The words under the post; None where they are not told."""
    published_at: datetime | None = None
    hidden: bool = False
    """The API tells us nothing of this post, whether it stands or not: it keeps what was declared of it."""


@dataclass(frozen=True)
class AccountReading:
    """What a platform's API says of an account now."""

    account: str
    """The platform's own id."""
    handle: str = ""
    followers: int | None = None
    """None where it is hidden or not told."""
    bio: str | None = None
    """What the account says of itself; None where it is not told."""


@dataclass(frozen=True)
class Quota:
    """What asking for figures costs."""

    batch: int
    """Posts in one request."""
    units: int
    """Of the quota, for each request for posts."""
    per_window: int
    """Units in a window; counted over every stretch of this length, however the platform cuts its own."""
    window_s: int
    account_units: int = 1
    """Of the quota, for reading one account."""


class Http(Protocol):
    """The one HTTP client of all adapters: no retries, a time-out on every call."""

    def post_form(
        self, url: str, body: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, Headers, Any]:
        """As `post_json`, with a form's fields."""
        ...

    def post_json(
        self, url: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> tuple[int, Headers, Any]:
        """Status, headers and the JSON answer (None when it is none).

        Raises OutcomeUnknown when the request may have arrived without an answer, Transient when it surely
        did not.
        """
        ...

    def get_json(self, url: str, headers: Mapping[str, str]) -> tuple[int, Headers, Any]:
        """The same for what only reads."""
        ...

    def get_text(self, url: str, headers: Mapping[str, str]) -> tuple[int, Headers, str]:
        """The same for what is no JSON."""
        ...

    def get_bytes(self, url: str, headers: Mapping[str, str], most: int) -> tuple[int, Headers, bytes]:
        """The same for a file: of one larger than `most`, the first `most` + 1 bytes."""
        ...


class Platform(Protocol):
    """What all platforms have: they are heard."""

    name: str
    base_url: str
    """The platform's own host; on the laptop the sandbox stands in for it."""
    capabilities: Capabilities
    webhook_content_types: tuple[str, ...]

    def verify(self, secrets: Mapping[str, Any], call: Call) -> None:
        """Raises SignatureInvalid unless `call.body` is the platform's own."""
        ...

    def parse(self, body: bytes) -> list[Update]:
        """The updates of a verified body, in its order; the same body gives the same dedupe ids. Never raises
        for content: what cannot be read is Unknown."""
        ...

    def handshake(self, secrets: Mapping[str, Any], call: Call) -> Greeting | None:
        """The answer to a GET that proves the address ours; None when it is refused."""
        ...


@runtime_checkable
class SignsAddress(Protocol):
    """A platform whose signature covers the address, too: what we wrote there comes back proven."""

    def proven(self, call: Call) -> bytes:
        """What of a verified call is queued for `parse`: the body, with what its address says."""
        ...


class Sends(Platform, Protocol):
    """A platform over which people are reached: one whose capabilities name a medium."""

    def send(self, http: Http, base_url: str, channel: Channel, to: str, message: Outgoing) -> Accepted:
        """Sends once. Raises SendRefused, Throttled, OutcomeUnknown, or Transient when surely nothing was
        sent."""
        ...

    def probe(self, http: Http, base_url: str, channel: Channel) -> None:
        """Whether the channel may send, asked without sending. Raises SendRefused when it may not, Throttled,
        OutcomeUnknown or Transient when it cannot be said."""
        ...


@dataclass(frozen=True)
class MediaRef:
    """A picture in a message, as its platform names it: what it takes to ask for it."""

    id: str
    content_type: str = ""
    """As the sender's phone says; empty where it is not told."""


class MediaGone(Rejected):
    """There is no such file (any more), or it is larger than was asked for: it is not to be had."""

    code = "media_gone"
    message = "This file cannot be fetched from the platform."


class FetchesMedia(Protocol):
    """A platform that keeps the pictures which people send us, and gives them out when asked."""

    def picture_in(self, said: Inbound) -> MediaRef | None:
        """The picture in a message; None when there is none that may be one of `PICTURES`."""
        ...

    def fetch(self, http: Http, base_url: str, channel: Channel, media: str, most: int) -> bytes:
        """The file of this id, at most `most` bytes. Asks no host but the platform's own. Raises MediaGone,
        SendRefused (scope `channel`: our key), Throttled, OutcomeUnknown or Transient."""
        ...


class TellsEarlier(Protocol):
    """A platform whose edits and revocations name the message that they are about by what made its id."""

    def earlier(self, said: Inbound) -> str:
        """The dedupe id of the message that an edit or a revocation is about."""
        ...


PICTURES = ("image/jpeg", "image/png", "image/webp")


class Measures(Platform, Protocol):
    """A platform whose API tells figures."""

    quota: Quota
    figures_key: str
    """The key in the secret with which figures are asked for: without it the platform tells none."""

    def read_posts(
        self, http: Http, base_url: str, secrets: Mapping[str, Any], ids: Sequence[str]
    ) -> dict[str, PostReading]:
        """Figures of up to `quota.batch` posts, by the platform's own id; an id that was not asked through is
        absent. Raises Throttled, SendRefused (scope `channel`: our key), OutcomeUnknown or Transient."""
        ...

    def read_account(
        self, http: Http, base_url: str, secrets: Mapping[str, Any], handle: str
    ) -> AccountReading | None:
        """An account by its canonical handle (chalicelib/handles.py); None when there is none, or it is not
        shown to us. Raises as `read_posts`."""
        ...


class Introduces(Platform, Protocol):
    """A platform whose messages bear an id of their sender that is made for us: who that is must be asked."""

    def name_of(self, http: Http, base_url: str, secrets: Mapping[str, Any], sender: str) -> str:
        """The canonical name of the account that wrote as `sender`; empty where it is not told to us. Raises
        as `Measures.read_posts`."""
        ...


class Announces(Platform, Protocol):
    """A platform whose hub tells of the posts of whichever accounts we follow there (WebSub)."""

    hub_url: str
    """The hub's own host; on the laptop the sandbox stands in for it."""

    def account_in(self, handle: str) -> str:
        """The account's own id, where a canonical handle is one; else empty: `read_account` knows it."""
        ...

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
        """Asks the hub to post the account's news to `webhook` from now on, or no longer. That it does comes
        later, as a handshake (Leased). Raises SendRefused, Throttled, OutcomeUnknown or Transient."""
        ...


class Gateway(Protocol):
    """All platforms that are switched on, behind one door: what dispatch sends through."""

    def channel_for(self, medium: str) -> Channel:
        """The configured channel that reaches people by `medium`. Raises PlatformOff when there is none."""
        ...

    def channel_on(self, line: Line, medium: str) -> Channel:
        """The configured channel on which somebody wrote by `medium`: of that platform, the one that they
        wrote to, or its first where that is not known. Raises PlatformOff when there is none (any more)."""
        ...

    def capabilities(self, name: str) -> Capabilities:
        """What a platform can do; of a medium, what the platform can that carries it here."""
        ...

    def send(self, channel: Channel, to: str, message: Outgoing) -> Accepted:
        """Sends once, as `Platform.send`."""
        ...


class Switchboard(Gateway, Protocol):
    """The same door for who looks after channels."""

    def channels(self) -> list[Channel]:
        """All configured channels of platforms that are switched on, by id."""
        ...

    def channel(self, channel_id: str) -> Channel:
        """The channel of this id. Raises PlatformOff when it is not configured, or its platform is off."""
        ...

    def probe(self, channel: Channel) -> None:
        """As `Platform.probe`."""
        ...


class Cameras(Protocol):
    """All platforms that keep pictures for us and are switched on, behind one door."""

    def picture_in(self, platform: str, said: Inbound) -> MediaRef | None:
        """As `FetchesMedia.picture_in`; None for a platform that keeps none."""
        ...

    def earlier(self, platform: str, said: Inbound) -> str:
        """As `TellsEarlier.earlier`; empty for a platform that does not tell."""
        ...

    def fetch(self, line: Line, medium: str, media: str, most: int) -> bytes:
        """As `FetchesMedia.fetch`, over the channel on which it was sent. Raises PlatformOff as well."""
        ...


class Hubs(Protocol):
    """All platforms that announce posts and are switched on, behind one door."""

    def announcers(self) -> list[str]:
        """Names of the platforms that announce posts and are switched on."""
        ...

    def account_in(self, platform: str, handle: str) -> str:
        """As `Announces.account_in`. Raises PlatformOff where a platform announces nothing or is off."""
        ...

    def follow(self, platform: str, account: str, webhook: str, *, wanted: bool) -> None:
        """As `Announces.follow`; PlatformOff as above."""
        ...


class Meter(Protocol):
    """All platforms that tell figures and are switched on, behind one door."""

    def measurers(self) -> list[str]:
        """Names of the platforms that tell figures and are switched on."""
        ...

    def quota(self, platform: str) -> Quota:
        """What asking costs there. Raises PlatformOff where a platform tells no figures."""
        ...

    def read_posts(self, platform: str, ids: Sequence[str]) -> dict[str, PostReading]:
        """As `Measures.read_posts`; PlatformOff where the platform is off or tells no figures."""
        ...

    def read_account(self, platform: str, handle: str) -> AccountReading | None:
        """As `Measures.read_account`; PlatformOff as above."""
        ...

    def name_of(self, platform: str, sender: str) -> str:
        """As `Introduces.name_of`; empty for a platform that introduces nobody, PlatformOff as above."""
        ...
