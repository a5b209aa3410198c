"""Service messages: codes, notices, confirmations. Each at most once for its key, by the same claim as a
campaign's. A stop of their channel holds them back; one of campaigns does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.clock import Clock
from chalicelib.dispatch.model import Stops
from chalicelib.dispatch.sender import REQUEST_S
from chalicelib.dispatch.store import DispatchStore, ServiceClaim
from chalicelib.errors import OnHold, PlatformOff, Transient
from chalicelib.ids import new_token
from chalicelib.platforms.base import Channel, Gateway, Line, OutcomeUnknown, Outgoing, SendRefused
from chalicelib.telemetry import count

WAIT_S = 60.0
"""How long a message waits each time while its channel is stopped."""


@dataclass(frozen=True)
class Direct:
    """Implements ports.DirectSender."""

    store: DispatchStore
    gateway: Gateway
    clock: Clock
    stops: Callable[[], Stops] = Stops
    """Without: for confirmations of STOP and START, which no stop holds back (decisions/dispatch.md)."""

    def send(
        self, *, subject: str, key: str, channel: str, to: str, message: Outgoing, line: Line | None = None
    ) -> str:
        """Sends at most once for (subject, key): `accepted`, `already`, `unknown` or `refused:<code>`.

        Raises Transient when the platform asks to wait or could not be reached, OnHold while its channel is
        stopped, PlatformOff when it is off: nothing was sent, ask again.
        A claim whose holder died without an outcome stays `unknown` and is not sent again.
        """
        way = self.gateway.channel_on(line, channel) if line else self.gateway.channel_for(channel)
        return self.send_over(way, subject=subject, key=key, to=to, message=message)

    def send_over(self, way: Channel, *, subject: str, key: str, to: str, message: Outgoing) -> str:
        """The same over a certain channel."""
        token = new_token()
        if self.stops().hold_channel(way):
            raise OnHold(retry_after_s=WAIT_S)
        standing = self.store.claim_service(subject, key, token, self.clock.epoch() + REQUEST_S)
        if standing is not None and standing.token != token:
            return self._standing(subject, key, standing)
        try:
            self.gateway.send(way, to, replace(message, key=""))
        except OutcomeUnknown:
            return self._ended(subject, key, token, "unknown")
        except SendRefused as refused:
            return self._ended(subject, key, token, f"refused:{refused.platform_code}")
        except (Transient, PlatformOff):
            self.store.service_outcome(subject, key, token, "released", released=True)
            raise
        return self._ended(subject, key, token, "accepted")

    def _standing(self, subject: str, key: str, row: ServiceClaim) -> str:
        if row.outcome:
            return "already"
        if self.clock.epoch() < row.until:
            raise Transient(retry_after_s=REQUEST_S)
        return self._ended(subject, key, row.token, "unknown")

    def _ended(self, subject: str, key: str, token: str, outcome: str) -> str:
        self.store.service_outcome(subject, key, token, outcome)
        count(f"Service_{outcome.partition(':')[0]}")
        return outcome
