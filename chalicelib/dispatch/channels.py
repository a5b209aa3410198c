"""Channels: their pace and health, the breaker that stops an ill one, and what staff set and try."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from pynamodb.transactions import TransactWrite

from chalicelib.beside import both
from chalicelib.clock import Clock
from chalicelib.dispatch.direct import Direct
from chalicelib.dispatch.pace import Limit, Pace
from chalicelib.dispatch.paces import Paces, allowed
from chalicelib.dispatch.stops import wake
from chalicelib.dispatch.store import DispatchStore, Stop
from chalicelib.errors import FieldError, InvalidInput, JanJanError, NotFound, PlatformOff, Transient
from chalicelib.events.bus import Bus, Entry
from chalicelib.events.catalog import ChannelStopped
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.ids import new_id
from chalicelib.platforms.base import Channel, Gateway, Outgoing, Switchboard
from chalicelib.ports import Runs
from chalicelib.queues import Queue
from chalicelib.telemetry import count, logger

SYSTEM = "system"
"""Who has set a stop that a probe may lift; a person's stop is a person's to lift."""
PROBED_AFTER_S = 60
LONGEST_PROBE_WAIT_S = 3600
"""An ill channel is asked after 1, 2, 4 … minutes, then each hour."""
PREFIX = "channel:"
TRIES = 12
Health = Literal["well", "slowed", "resting", "stopped"]


class _Elsewhere(Exception):  # noqa: N818 - says what happened, and goes no further than this file
    """Somebody else has written what this was to change."""


@dataclass(frozen=True)
class Breaker:
    """Stops a channel whose platform says so, and lifts that stop when the platform is well again.

    Implements ports.ChannelHalts.
    """

    store: DispatchStore
    gateway: Switchboard
    runs: Runs
    plan_queue: Queue
    audit: Audit
    bus: Bus
    clock: Clock

    def stop_channel(self, channel_id: str, code: str, *, probed: bool = True) -> None:
        """Stops the channel, unless a stop of it stands: one that is not `probed` takes the place of one that
        a probe may lift. Audited; the event `channel.stopped` once a stop."""
        now = self.clock.now().replace(microsecond=0)
        probe_at = now + timedelta(seconds=PROBED_AFTER_S) if probed else None
        stop = Stop(f"{PREFIX}{channel_id}", f"platform {code}", SYSTEM, now, code=code, probe_at=probe_at)
        try:
            self.audit.committing(
                subject=f"stop#{stop.scope}",
                action="stop.put",
                actor=SYSTEM,
                at=now,
                detail={"code": code},
                write=lambda transaction: self.store.put_stop(transaction, stop, only_new=True),
                refused=lambda _: _Elsewhere(),
            )
        except _Elsewhere:
            return
        count("ChannelStopped")
        logger.error("channel stopped", extra={"channel": channel_id, "code": code})
        self._tell(stop)

    def stop_platform(self, platform: str, code: str, *, probed: bool = True) -> None:
        """The same for all channels of a platform: its word was about the whole account."""
        for channel in self.gateway.channels():
            if channel.platform == platform:
                self.stop_channel(channel.id, code, probed=probed)

    def watch(self) -> None:
        """Asks after the channels whose time has come, and tells of stops that were not told; each minute."""
        for stop in self.store.stops():
            if stop.by != SYSTEM or not stop.scope.startswith(PREFIX):
                continue
            try:
                if not stop.told:
                    self._tell(stop)
                if stop.probe_at is not None and stop.probe_at <= self.clock.now():
                    self._probe(stop)
            except (JanJanError, _Elsewhere):  # the next minute looks again
                logger.warning("channel not asked", extra={"scope": stop.scope}, exc_info=True)

    def _tell(self, stop: Stop) -> None:
        event = ChannelStopped(channel_id=stop.scope.removeprefix(PREFIX), code=stop.code)
        self.bus.publish([Entry.of(event, f"{stop.scope} {stop.at:%Y-%m-%dT%H:%M:%S}", stop.at)])
        self.store.change_stop(stop, replace(stop, told=True))

    def _probe(self, stop: Stop) -> None:
        try:
            self.gateway.probe(self.gateway.channel(stop.scope.removeprefix(PREFIX)))
        except JanJanError as ill:
            wait_s = min(LONGEST_PROBE_WAIT_S, PROBED_AFTER_S << min(stop.probes + 1, 10))
            later = self.clock.now() + timedelta(seconds=wait_s)
            logger.info("channel still ill", extra={"scope": stop.scope, "code": ill.code})
            again = replace(stop, told=True, probe_at=later, probes=stop.probes + 1)
            self.store.change_stop(stop, again)
            return
        self.audit.committing(
            subject=f"stop#{stop.scope}",
            action="stop.lifted",
            actor=SYSTEM,
            at=self.clock.now(),
            detail={"probe": "well"},
            write=lambda transaction: self.store.remove_stop(transaction, stop.scope, stop),
            refused=lambda _: _Elsewhere(),
        )
        wake(self.runs, self.plan_queue, stop.scope)


@dataclass(frozen=True)
class Standing:
    """A channel as it stands now."""

    channel: Channel
    allowed: Limit
    """By its configuration or platform."""
    pace: Pace
    stop: Stop | None
    now: float

    @property
    def limit(self) -> Limit:
        """With what staff have set."""
        return self.allowed.lowered(self.pace.rate_per_s, self.pace.per_day)

    @property
    def health(self) -> Health:
        if self.stop is not None:
            return "stopped"
        if self.pace.rest_until > self.now:
            return "resting"
        return "slowed" if self.pace.learned(self.now) < 1 else "well"


@dataclass(frozen=True)
class ChannelDesk:
    """What staff see of channels and do with them."""

    gateway: Switchboard
    paces: Paces
    store: DispatchStore
    direct: Direct
    audit: Audit
    clock: Clock

    def listed(self) -> list[Standing]:
        """All configured channels."""
        stops, paces = both(self.store.stops, self.paces.every)
        return [
            self._standing(channel, stops, paces.get(channel.id, Pace()))
            for channel in self.gateway.channels()
        ]

    def paced(self) -> dict[str, Standing]:
        """The same by id, without their stops: one request."""
        paces = self.paces.every()
        return {
            channel.id: self._standing(channel, (), paces.get(channel.id, Pace()))
            for channel in self.gateway.channels()
        }

    def get(self, channel_id: str) -> Standing:
        """One channel. Raises NotFound when it is not configured."""
        channel = self._channel(channel_id)
        return self._standing(channel, *both(self.store.stops, lambda: self.paces.get(channel_id)))

    def set_limits(
        self, who: Principal, channel_id: str, rate_per_s: float | None, per_day: int | None
    ) -> Standing:
        """Sets limits below the channel's own; None: none but those. Holds from the next lease on.

        Raises InvalidInput for more than the channel's configuration or platform allows.
        """
        channel = self._channel(channel_id)
        limit = allowed(channel, self.gateway.capabilities(channel.platform))
        if wrong := list(_too_much(limit, rate_per_s, per_day)):
            raise InvalidInput(wrong)
        for _ in range(TRIES):
            before, rev = self.paces.read(channel_id)
            after = replace(before, rate_per_s=rate_per_s, per_day=per_day, line=0.0, first_line=0.0)

            def write(transaction: TransactWrite, after: Pace = after, rev: int = rev) -> None:
                self.paces.put(transaction, channel_id, after, rev)

            try:
                self.audit.committing(
                    subject=f"channel#{channel_id}",
                    action="channel.changed",
                    actor=who.id,
                    at=self.clock.now(),
                    detail={"rate_per_s": str(rate_per_s), "per_day": str(per_day)},
                    write=write,
                    refused=lambda _: _Elsewhere(),
                )
            except _Elsewhere:
                continue
            return self.get(channel_id)
        raise Transient

    def try_out(self, who: Principal, channel_id: str, to: str, message: Outgoing, *, test: str = "") -> str:
        """Sends one test message, audited without its address; `accepted`, `unknown` or `refused:<code>`.
        `test`: its own name, under which it goes out once, however often it is asked for (`already`).

        Raises OnHold while the channel is stopped, Transient when its platform asks to wait.
        """
        channel, test = self._channel(channel_id), test or new_id("tst")
        if self.outcome_of(channel_id, test):
            return "already"
        self.audit.committing(
            subject=f"channel#{channel_id}",
            action="channel.tested",
            actor=who.id,
            at=self.clock.now(),
            detail={"test": test},
        )
        return self.direct.send_over(channel, subject=f"test#{channel_id}", key=test, to=to, message=message)

    def outcome_of(self, channel_id: str, test: str) -> str:
        """What became of a test message; empty when there is none of this name. Raises Transient while it may
        be under way."""
        return self.direct.outcome_of(subject=f"test#{channel_id}", key=test)

    def _channel(self, channel_id: str) -> Channel:
        try:
            return self.gateway.channel(channel_id)
        except PlatformOff:
            raise NotFound("There is no channel %(id)s.", id=channel_id) from None

    def _standing(self, channel: Channel, stops: Iterable[Stop], pace: Pace) -> Standing:
        scopes = {f"{PREFIX}{name}" for name in (channel.id, channel.platform, channel.medium)}
        stop = next((stop for stop in stops if stop.scope in scopes), None)
        limit = allowed(channel, self.gateway.capabilities(channel.platform))
        return Standing(channel, limit, pace, stop, self.clock.epoch())


def ways_now(gateway: Gateway, mediums: Iterable[str]) -> dict[str, Channel]:
    """By what people are reached by, the channel that carries it now; without those that were switched off
    since."""
    found = {}
    for medium in mediums:
        with suppress(PlatformOff):
            found[medium] = gateway.channel_for(medium)
    return found


def _too_much(limit: Limit, rate_per_s: float | None, per_day: int | None) -> Iterable[FieldError]:
    if rate_per_s is not None and rate_per_s > limit.rate_per_s:
        yield FieldError(
            "rate_per_s", "too_much", "At most %(n)s is possible here.", {"n": f"{limit.rate_per_s:g}"}
        )
    if per_day is not None and limit.per_day is not None and per_day > limit.per_day:
        yield FieldError("per_day", "too_much", "At most %(n)s is possible here.", {"n": str(limit.per_day)})
