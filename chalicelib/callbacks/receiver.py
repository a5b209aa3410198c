"""What every webhook goes through, in this order: verify, queue, acknowledge. Work is behind the queue."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.callbacks.letters import Letterbox
from chalicelib.clock import Clock
from chalicelib.errors import Forbidden, SignatureInvalid, TooLarge
from chalicelib.platforms.base import Call, Greeting, SignsAddress
from chalicelib.platforms.registry import Platforms
from chalicelib.telemetry import count

LARGEST = 4 * 1024 * 1024
"""Bytes of a body; WhatsApp's 1,000 updates are about 1 MB."""


@dataclass(frozen=True)
class Receiver:
    platforms: Platforms
    letterbox: Letterbox
    clock: Clock

    def receive(self, platform: str, call: Call) -> None:
        """Takes a webhook: one call to the queue when the secret is known. Raises PlatformOff,
        SignatureInvalid or TooLarge, and then nothing was kept."""
        adapter, _ = self.platforms.adapter(platform)
        if len(call.body) > LARGEST:
            raise TooLarge("The body is larger than 4 MB.")
        try:
            self._verify(platform, call)
        except SignatureInvalid:
            count("CallbacksRefused")
            raise
        body = adapter.proven(call) if isinstance(adapter, SignsAddress) else call.body
        self.letterbox.post(platform, self.clock.now(), body)
        count("CallbacksReceived")

    def greet(self, platform: str, call: Call) -> Greeting:
        """The answer to a platform's handshake. Raises PlatformOff, or Forbidden when it is not ours."""
        adapter, secret = self.platforms.adapter(platform)
        greeting = adapter.handshake(secret, call)
        if greeting is None and self.platforms.secrets.refresh():
            adapter, secret = self.platforms.adapter(platform)
            greeting = adapter.handshake(secret, call)
        if greeting is None:
            raise Forbidden
        if greeting.news:
            self.letterbox.post(platform, self.clock.now(), greeting.news)
        return greeting

    def _verify(self, platform: str, call: Call) -> None:
        """A wrong signature may mean a rotated secret: it is read anew, at most once in 30 s."""
        adapter, secret = self.platforms.adapter(platform)
        try:
            adapter.verify(secret, call)
        except SignatureInvalid:
            if not self.platforms.secrets.refresh():
                raise
            adapter, secret = self.platforms.adapter(platform)
            adapter.verify(secret, call)
