"""The platforms by name, switched on by their secrets. Nothing else in the application names an adapter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.errors import PlatformOff
from chalicelib.platforms.base import Accepted, Capabilities, Channel, Http, Outgoing, Platform
from chalicelib.platforms.telegram import Telegram
from chalicelib.platforms.whatsapp import WhatsApp
from chalicelib.secrets import Secrets

_ALL: tuple[Platform, ...] = (WhatsApp(), Telegram())
ADAPTERS = {adapter.name: adapter for adapter in _ALL}
WEBHOOK_CONTENT_TYPES = tuple(sorted({t for a in ADAPTERS.values() for t in a.webhook_content_types}))


@dataclass(frozen=True)
class Platforms:
    """Implements platforms.base.Gateway, and gives callbacks their adapters."""

    secrets: Secrets
    http: Http
    platform_url: str = ""
    """Laptop only: where the sandbox speaks for every platform, each under its name."""

    def adapter(self, platform: str) -> tuple[Platform, Mapping[str, Any]]:
        """The adapter and its secret. Raises PlatformOff without such a platform, or a secret for it."""
        secret = self.secrets.platform(platform) if platform in ADAPTERS else None
        if secret is None:
            raise PlatformOff(platform=platform)
        return ADAPTERS[platform], secret

    def channel_for(self, platform: str) -> Channel:
        """The first configured channel of a platform. Raises PlatformOff without a secret or a channel."""
        self.adapter(platform)
        for channel_id, config in self._channels().items():
            if config.get("platform") == platform:
                return Channel(channel_id, platform, config)
        raise PlatformOff(platform=platform)

    def channel(self, channel_id: str) -> Channel:
        """The channel of this id. Raises PlatformOff when it is not configured, or its platform is off."""
        config = self._channels().get(channel_id, {})
        platform = str(config.get("platform", ""))
        self.adapter(platform)
        return Channel(channel_id, platform, config)

    def channels(self) -> list[Channel]:
        """All configured channels of platforms that are switched on, by id."""
        return [
            Channel(channel_id, str(config.get("platform", "")), config)
            for channel_id, config in sorted(self._channels().items())
            if self.secrets.platform(str(config.get("platform", ""))) and config.get("platform") in ADAPTERS
        ]

    def channels_and_platforms(self) -> set[str]:
        """Ids of all configured channels, and the names of all platforms that there are."""
        return {*self._channels(), *ADAPTERS}

    def capabilities(self, platform: str) -> Capabilities:
        """What the platform can do, switched on or not. Raises PlatformOff for one that has no adapter."""
        if platform not in ADAPTERS:
            raise PlatformOff(platform=platform)
        return ADAPTERS[platform].capabilities

    def base_url(self, platform: str) -> str:
        """Where the platform's API is."""
        return f"{self.platform_url}/{platform}" if self.platform_url else ADAPTERS[platform].base_url

    def send(self, channel: Channel, to: str, message: Outgoing) -> Accepted:
        """Sends once over `channel`. Raises as `Platform.send`, and PlatformOff when it was switched off."""
        adapter, _ = self.adapter(channel.platform)
        return adapter.send(self.http, self.base_url(channel.platform), channel, to, message)

    def probe(self, channel: Channel) -> None:
        """Asks whether the channel may send, as `Platform.probe`."""
        adapter, _ = self.adapter(channel.platform)
        adapter.probe(self.http, self.base_url(channel.platform), channel)

    def _channels(self) -> Mapping[str, Mapping[str, str]]:
        channels: Mapping[str, Mapping[str, str]] = self.secrets.all().get("channels", {})
        return channels
