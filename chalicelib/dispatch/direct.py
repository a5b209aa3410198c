"""Service messages: codes, notices, confirmations. Each at most once for its key, by the same claim as a
campaign's. A stop of their channel holds them back; one of campaigns does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from chalicelib.clock import Clock
from chalicelib.dispatch.model import Stops
from chalicelib.dispatch.sender import REQUEST_S
from chalicelib.dispatch.store import DispatchStore, ServiceClaim
from chalicelib.errors import OnHold, PlatformOff, Transient
from chalicelib.ids import new_token
from chalicelib.platforms.base import Channel, Gateway, Line, OutcomeUnknown, Outgoing, SendRefused
from chalicelib.ports import Way
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
        return self._send(subject, key, [(way, to, message)])

    def send_first(self, *, subject: str, key: str, ways: Sequence[Way]) -> str:
        """See ports.DirectSender. One claim holds for all ways: whoever dies between two leaves an unknown,
        and nobody else begins with another way meanwhile."""
        on, off = [], PlatformOff(platform="")
        for way in ways:
            try:
                on.append((self.gateway.channel_for(way.channel), way.to, way.message))
            except PlatformOff as error:
                off = error
        if not on:
            raise off
        return self._send(subject, key, on)

    def outcome_of(self, *, subject: str, key: str) -> str:
        """See ports.DirectSender. Raises Transient while somebody may be sending it."""
        row = self.store.service_claim(subject, key)
        if row is None or row.outcome:
            return row.outcome if row else ""
        return self._standing(subject, key, row)

    def _send(self, subject: str, key: str, ways: Sequence[tuple[Channel, str, Outgoing]]) -> str:
        stops = self.stops()
        free = [way for way in ways if not stops.hold_channel(way[0])]
        if not free:
            raise OnHold(retry_after_s=WAIT_S)
        token = new_token()
        standing = self.store.claim_service(subject, key, token, self.clock.epoch() + REQUEST_S * len(free))
        if standing is not None and standing.token != token:
            return self._standing(subject, key, standing)
        try:
            outcome, channel = self._outcome(free)
        except (Transient, PlatformOff):
            self.store.service_outcome(subject, key, token, "released", released=True)
            raise
        return self._ended(subject, key, token, outcome, channel)

    def _outcome(self, ways: Sequence[tuple[Channel, str, Outgoing]]) -> tuple[str, str]:
        """What the first way that does not refuse comes to, and over which channel. Raises Transient, and
        PlatformOff when all are off by now."""
        refused, off = "", None
        for way, to, message in ways:
            try:
                self.gateway.send(way, to, replace(message, key=""))
            except OutcomeUnknown:
                return "unknown", way.medium
            except SendRefused as error:
                refused = refused or f"refused:{error.platform_code}"
            except PlatformOff as error:
                off = error
            else:
                return "accepted", way.medium
        if not refused and off is not None:
            raise off
        return refused, ways[-1][0].medium

    def _standing(self, subject: str, key: str, row: ServiceClaim) -> str:
        if row.outcome:
            return "already"
        if self.clock.epoch() < row.until:
            raise Transient(retry_after_s=REQUEST_S)
        return self._ended(subject, key, row.token, "unknown")

    def _ended(self, subject: str, key: str, token: str, outcome: str, channel: str = "") -> str:
        self.store.service_outcome(subject, key, token, outcome, channel=channel)
        count(f"Service_{outcome.partition(':')[0]}")
        return outcome
