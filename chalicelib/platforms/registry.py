"""The platforms by name, switched on by their secrets. Nothing else in the application names an adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.errors import PlatformOff, Transient
from chalicelib.platforms import dlt
from chalicelib.platforms.base import (
    MEDIUMS,
    Accepted,
    AccountReading,
    Announces,
    Capabilities,
    Channel,
    FetchesMedia,
    Http,
    Inbound,
    Introduces,
    Line,
    Measures,
    MediaRef,
    Outgoing,
    Platform,
    PostReading,
    Quota,
    SendRefused,
    Sends,
    TellsEarlier,
)
from chalicelib.platforms.facebook import Facebook
from chalicelib.platforms.http_client import HttpClient
from chalicelib.platforms.instagram import Instagram
from chalicelib.platforms.msg91 import Msg91
from chalicelib.platforms.ses import Ses
from chalicelib.platforms.telegram import Telegram
from chalicelib.platforms.twilio import Twilio
from chalicelib.platforms.whatsapp import WhatsApp
from chalicelib.platforms.x import X
from chalicelib.platforms.youtube import YouTube
from chalicelib.secrets import Secrets

_YOUTUBE, _X, _INSTAGRAM = YouTube(), X(), Instagram()
_WHATSAPP, _TELEGRAM = WhatsApp(), Telegram()
_SENDERS: tuple[Sends, ...] = (_WHATSAPP, _TELEGRAM, Msg91(), Twilio(), Ses(HttpClient()))
SENDERS: dict[str, Sends] = {one.name: one for one in _SENDERS}
"""Over which people are reached; of several that carry one medium, the first configured channel is used,
and for an answer the one on which it was asked for."""
MEASURERS: dict[str, Measures] = {one.name: one for one in (_INSTAGRAM, Facebook(), _YOUTUBE, _X)}
"""Which tell figures of posts and accounts."""
INTRODUCERS: dict[str, Introduces] = {_INSTAGRAM.name: _INSTAGRAM}
"""Which tell who wrote to us when they are asked."""
ANNOUNCERS: dict[str, Announces] = {_YOUTUBE.name: _YOUTUBE}
"""Which tell by themselves of the posts of the accounts that we follow."""
KEEPERS: dict[str, FetchesMedia] = {_WHATSAPP.name: _WHATSAPP, _TELEGRAM.name: _TELEGRAM}
"""Which keep the pictures that people send us."""
TRACERS: dict[str, TellsEarlier] = {_WHATSAPP.name: _WHATSAPP}
"""Which say of an edit what message it is about."""
ADAPTERS: dict[str, Platform] = {**SENDERS, **MEASURERS}
WEBHOOK_CONTENT_TYPES = tuple(sorted({t for a in ADAPTERS.values() for t in a.webhook_content_types}))


@dataclass(frozen=True)
class Platforms:
    """Implements platforms.base.Gateway, Cameras and Meter, and gives callbacks their adapters."""

    secrets: Secrets
    http: Http
    platform_url: str = ""
    """Laptop only: where the sandbox speaks for every platform, each under its name."""
    public_url: str = ""
    """Where platforms reach us."""
    registered: Callable[[str, bool], Sequence[str]] = lambda template_id, anew: ()
    """The words that are registered for SMS under an id, and approved; read anew, or as they were some
    seconds ago."""

    def adapter(self, platform: str) -> tuple[Platform, Mapping[str, Any]]:
        """The adapter and its secret. Raises PlatformOff without such a platform, or a secret for it."""
        secret = self.secrets.platform(platform) if platform in ADAPTERS else None
        if secret is None:
            raise PlatformOff(platform=platform)
        return ADAPTERS[platform], secret

    def channel_for(self, medium: str) -> Channel:
        """The first configured channel that reaches people by `medium`, over a platform that is switched on.
        Raises PlatformOff when there is none."""
        for channel_id, config in self._channels().items():
            channel = self._channel(channel_id, config)
            if channel.medium == medium and self._is_on(channel):
                return channel
        raise PlatformOff(platform=medium)

    def channel_on(self, line: Line, medium: str) -> Channel:
        """See platforms.base.Gateway."""
        configured = (self._channel(*one) for one in self._channels().items())
        its = [one for one in configured if (one.platform, one.medium) == (line.platform, medium)]
        on = [one for one in its if self._is_on(one)]
        if not on:
            raise PlatformOff(platform=line.platform)
        known = (one for one in on if not {str(value) for value in one.config.values()}.isdisjoint(line.to))
        return next(known, on[0])

    def channel(self, channel_id: str) -> Channel:
        """The channel of this id. Raises PlatformOff when it is not configured, or its platform is off."""
        channel = self._channel(channel_id, self._channels().get(channel_id, {}))
        if not self._is_on(channel):
            raise PlatformOff(platform=channel.platform or channel_id)
        return channel

    def channels(self) -> list[Channel]:
        """All configured channels of platforms that are switched on, by id."""
        configured = (self._channel(*one) for one in sorted(self._channels().items()))
        return [channel for channel in configured if self._is_on(channel)]

    def channels_and_platforms(self) -> set[str]:
        """Ids of all configured channels, the names of all platforms over which people are reached, and of
        what they are reached by."""
        return {*self._channels(), *SENDERS, *MEDIUMS}

    def capabilities(self, name: str) -> Capabilities:
        """What the platform of this name can do, switched on or not; of a medium, what its configured channel
        can, or else the first platform that carries it. Raises PlatformOff where no adapter fits."""
        if name in ADAPTERS:
            return ADAPTERS[name].capabilities
        try:
            return ADAPTERS[self.channel_for(name).platform].capabilities
        except PlatformOff:
            for adapter in SENDERS.values():
                if name in adapter.capabilities.mediums:
                    return adapter.capabilities
            raise

    def base_url(self, platform: str) -> str:
        """Where the platform's API is."""
        return f"{self.platform_url}/{platform}" if self.platform_url else ADAPTERS[platform].base_url

    def send(self, channel: Channel, to: str, message: Outgoing) -> Accepted:
        """Sends once over `channel`. Raises as `Sends.send`, and PlatformOff when it was switched off.

        An SMS whose words are not registered is refused here: no gateway may send it (platforms/dlt.py). For
        the whole campaign when its template is not registered (any more), or with other words; for its
        content when only a value does not fit.
        """
        adapter = self._sender(channel)
        if channel.medium == "sms":
            self._look_into_the_register(message)
        return adapter.send(self.http, self.base_url(channel.platform), channel, to, message)

    def _look_into_the_register(self, message: Outgoing) -> None:
        """What does not fit is held against what is registered now: a template that has come back a moment
        ago halts no campaign a second time."""
        for anew in (False, True):
            registered = self._registered(message.template, anew)
            if any(dlt.fits(words, message.text) for words in registered):
                return
        known = any(dlt.says(words, message.params, message.text) for words in registered)
        raise SendRefused("words_not_registered", "content" if known else "campaign", message.template)

    def _registered(self, template_id: str, anew: bool) -> Sequence[str]:
        """The registered words. Whatever keeps them from being read, nothing has been sent: Transient."""
        try:
            return self.registered(template_id, anew)
        except Exception as failed:
            raise Transient from failed

    def probe(self, channel: Channel) -> None:
        """Asks whether the channel may send, as `Sends.probe`."""
        adapter = self._sender(channel)
        adapter.probe(self.http, self.base_url(channel.platform), channel)

    def picture_in(self, platform: str, said: Inbound) -> MediaRef | None:
        """See platforms.base.Cameras."""
        return KEEPERS[platform].picture_in(said) if platform in KEEPERS else None

    def earlier(self, platform: str, said: Inbound) -> str:
        """See platforms.base.Cameras."""
        return TRACERS[platform].earlier(said) if platform in TRACERS else ""

    def fetch(self, line: Line, medium: str, media: str, most: int) -> bytes:
        """See platforms.base.Cameras."""
        channel = self.channel_on(line, medium)
        if channel.platform not in KEEPERS:
            raise PlatformOff(platform=channel.platform)
        keeper, base_url = KEEPERS[channel.platform], self.base_url(channel.platform)
        return keeper.fetch(self.http, base_url, channel, media, most)

    def measurers(self) -> list[str]:
        return [name for name, one in MEASURERS.items() if self._figures_secret(name, one)]

    def quota(self, platform: str) -> Quota:
        return self._measurer(platform)[0].quota

    def read_posts(self, platform: str, ids: Sequence[str]) -> dict[str, PostReading]:
        adapter, secret = self._measurer(platform)
        return adapter.read_posts(self.http, self.base_url(platform), secret, ids)

    def read_account(self, platform: str, handle: str) -> AccountReading | None:
        adapter, secret = self._measurer(platform)
        return adapter.read_account(self.http, self.base_url(platform), secret, handle)

    def name_of(self, platform: str, sender: str) -> str:
        _, secret = self._measurer(platform)
        if platform not in INTRODUCERS:
            return ""
        return INTRODUCERS[platform].name_of(self.http, self.base_url(platform), secret, sender)

    def _measurer(self, platform: str) -> tuple[Measures, Mapping[str, Any]]:
        adapter = MEASURERS.get(platform)
        secret = self._figures_secret(platform, adapter) if adapter else None
        if adapter is None or secret is None:
            raise PlatformOff(platform=platform)
        return adapter, secret

    def _figures_secret(self, platform: str, adapter: Measures) -> Mapping[str, Any] | None:
        secret = self.secrets.platform(platform)
        return secret if secret and secret.get(adapter.figures_key) else None

    def announcers(self) -> list[str]:
        return [name for name in ANNOUNCERS if self.secrets.platform(name)]

    def account_in(self, platform: str, handle: str) -> str:
        return self._announcer(platform)[0].account_in(handle)

    def follow(self, platform: str, account: str, webhook: str, *, wanted: bool) -> None:
        adapter, secret = self._announcer(platform)
        hub_url = f"{self.base_url(platform)}/hub" if self.platform_url else adapter.hub_url
        adapter.follow(self.http, hub_url, secret, webhook, account, wanted=wanted)

    def _announcer(self, platform: str) -> tuple[Announces, Mapping[str, Any]]:
        secret = self.secrets.platform(platform) if platform in ANNOUNCERS else None
        if not secret:
            raise PlatformOff(platform=platform)
        return ANNOUNCERS[platform], secret

    def _sender(self, channel: Channel) -> Sends:
        if not self._is_on(channel):
            raise PlatformOff(platform=channel.platform)
        return SENDERS[channel.platform]

    def _is_on(self, channel: Channel) -> bool:
        return channel.platform in SENDERS and bool(self.secrets.platform(channel.platform))

    def _channel(self, channel_id: str, config: Mapping[str, Any]) -> Channel:
        """A configured channel. `medium` is given where the platform carries several; what is not given is
        the platform's own."""
        platform = str(config.get("platform", ""))
        carried = SENDERS[platform].capabilities.mediums if platform in SENDERS else ()
        medium = str(config.get("medium") or (carried[0] if carried else ""))
        whole = {**(self.secrets.platform(platform) or {}), **config}
        return Channel(channel_id, platform, whole, medium, f"{self.public_url}/webhooks/{platform}")

    def _channels(self) -> Mapping[str, Mapping[str, Any]]:
        channels: Mapping[str, Mapping[str, Any]] = self.secrets.all().get("channels", {})
        return channels
