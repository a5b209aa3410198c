"""What a platform is: one file that sends, verifies and parses. Nothing here names a platform or a
feature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from chalicelib.errors import Rejected, Transient

Headers = Mapping[str, str]
"""Header names in lower case."""


@dataclass(frozen=True)
class Capabilities:
    """What a platform really has; the planner, the report and docs/platforms.md read it."""

    receipts: bool
    """Tells when a message was delivered or read."""
    templates: bool
    """Needs an approved template outside the person's own window of conversation."""
    carries_key: bool
    """Gives our delivery key back in its callbacks."""
    rate_per_s: float
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
    """A configured way to reach people, from the secret's `channels`: a WhatsApp number, a bot."""

    id: str
    platform: str
    config: Mapping[str, str]
    """Address and token, as the platform names them."""


@dataclass(frozen=True)
class Outgoing:
    """One message to one address: a template with its parameters in order, or free text."""

    text: str = ""
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
# `recipient`: addresses as `send` takes them. `at` is None where the platform gave no time.


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
    scope: Scope = "person"
    """Of `failed`: for whom the refusal holds, as in SendRefused."""


@dataclass(frozen=True)
class Inbound:
    """What a person sent us. `text` is empty for kinds without words.

    `kind` is the platform's own word, or `edit` or `revoke` (`reply_to` names the earlier message), or
    `deep_link` (`extra["token"]` is what our link carried).
    """

    dedupe_id: str
    sender: str
    text: str
    kind: str
    at: datetime | None
    reply_to: str = ""
    name: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Preference:
    """A person changed what they want to get, in the platform's own settings."""

    dedupe_id: str
    sender: str
    wants: bool
    category: str
    at: datetime | None


@dataclass(frozen=True)
class Notice:
    """News about our own side: a template, an account, an echo, a group. `kind` such as
    `template.rejected`.

    `halts`: what may not be used any more: every channel of the account, or the `template`.
    """

    dedupe_id: str
    kind: str
    at: datetime | None
    detail: Mapping[str, Any]
    halts: Literal["", "channels", "template"] = ""
    template: str = ""
    language: str = ""


@dataclass(frozen=True)
class Unknown:
    """A kind that we do not know (yet): kept raw and counted."""

    dedupe_id: str
    kind: str
    raw: Any


Update = Status | Inbound | Preference | Notice | Unknown


class Http(Protocol):
    """The one HTTP client of all adapters: no retries, a time-out on every call."""

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


class Platform(Protocol):
    name: str
    base_url: str
    """The platform's own host; on the laptop the sandbox stands in for it."""
    capabilities: Capabilities
    webhook_content_types: tuple[str, ...]

    def send(self, http: Http, base_url: str, channel: Channel, to: str, message: Outgoing) -> Accepted:
        """Sends once. Raises SendRefused, Throttled, OutcomeUnknown, or Transient when surely nothing was
        sent."""
        ...

    def probe(self, http: Http, base_url: str, channel: Channel) -> None:
        """Whether the channel may send, asked without sending. Raises SendRefused when it may not, Throttled,
        OutcomeUnknown or Transient when it cannot be said."""
        ...

    def verify(self, secrets: Mapping[str, Any], headers: Headers, body: bytes) -> None:
        """Raises SignatureInvalid unless `body` is the platform's own."""
        ...

    def parse(self, body: bytes) -> list[Update]:
        """The updates of a verified body, in its order; the same body gives the same dedupe ids. Never raises
        for content: what cannot be read is Unknown."""
        ...

    def handshake(self, secrets: Mapping[str, Any], query: Mapping[str, str]) -> str | None:
        """The answer to a GET that proves the address ours; None when it is refused."""
        ...


class Gateway(Protocol):
    """All platforms that are switched on, behind one door: what dispatch sends through."""

    def channel_for(self, platform: str) -> Channel:
        """The configured channel of a platform. Raises PlatformOff when it has no secret."""
        ...

    def capabilities(self, platform: str) -> Capabilities: ...

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
