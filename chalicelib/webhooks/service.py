"""Events on their way to other systems: each to every subscriber who wants it, at least once, for a day.

Queue `webhooks` carries two kinds of message: an event as the bus hands it over, which becomes one message
for each subscriber; and such a message. So each subscriber's is tried by itself, and a receiver that hangs
holds up nobody else: the messages of a batch go out side by side, and after a failure one message asks how
the receiver is, while its others wait without a request. Waiting is a new delayed message before the old one
is deleted, never a failure: the dead letters hold what a day of attempts could not bring.

Every step may be repeated. What dies between request and deletion is sent once more, under the same id.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal, Protocol

from chalicelib.clock import Clock, rfc3339
from chalicelib.errors import NotFound
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.ids import new_id
from chalicelib.queues import Queue
from chalicelib.telemetry import count, logger
from chalicelib.webhooks.model import (
    TEST,
    TRIED_FOR_S,
    Answer,
    Message,
    Standing,
    Subscriber,
    SubscriberUnreadable,
    Target,
    Unreadable,
    Verdict,
    cloud_event,
    wait_after,
)
from chalicelib.webhooks.store import Standings

CLAIMED_S = 30.0
"""As long as the function may run: who asks how a receiver is has surely ended then."""
UNREADABLE_WAIT_S = 300.0
"""A mended secret is read after five minutes at the latest."""
SPREAD = (1.0, 1.2)
"""Waits are drawn out by so much, so that what failed together does not come together."""
State = Literal["on", "failing", "disabled", "unreadable"]


class _DisabledBefore(Exception):
    """It is disabled already; goes no further than this file."""


class Posts(Protocol):
    def post(self, target: Target, body: bytes, headers: Mapping[str, str]) -> Answer: ...


@dataclass(frozen=True)
class Listed:
    """A subscriber as it stands now."""

    subscriber: Subscriber | Unreadable
    standing: Standing = Standing()

    @property
    def state(self) -> State:
        if isinstance(self.subscriber, Unreadable):
            return "unreadable"
        if self.standing.disabled_at:
            return "disabled"
        return "failing" if self.standing.failures else "on"


@dataclass(frozen=True)
class Webhooks:
    entries: Callable[[], object]
    """The `webhooks` of the secret."""
    standings: Standings
    poster: Posts
    queue: Queue
    dead: Queue
    audit: Audit
    clock: Clock
    public_url: str
    loopback: bool = False
    """Whether this is a laptop, where receivers may listen on the same machine."""
    spread: Callable[[float, float], float] = random.uniform

    def take(self, messages: Mapping[str, str]) -> list[str]:
        """Takes a batch of queue messages, bodies by id, side by side, and gives the ids of those that must
        come again."""

        def one(item: tuple[str, str]) -> str | None:
            try:
                self._take(json.loads(item[1]))
            except Exception:
                logger.exception("webhook message failed", extra={"message_id": item[0]})
                return item[0]
            return None

        with ThreadPoolExecutor(max(1, len(messages))) as threads:
            return [failed for failed in threads.map(one, messages.items()) if failed is not None]

    def listed(self) -> list[Listed]:
        """All subscribers."""
        return [self._listed(one) for one in self._subscribers().values()]

    def get(self, name: str) -> Listed:
        """One subscriber. Raises NotFound when the secret has none of this name."""
        found = self._subscribers().get(name)
        if found is None:
            raise NotFound("There is no webhook %(id)s.", id=name)
        return self._listed(found)

    def resume(self, who: Principal, name: str) -> Listed:
        """Sends there again, whatever came before. Audited."""
        subscriber = self._readable(name)
        self.audit.committing(
            subject=f"webhook#{name}",
            action="webhook.resumed",
            actor=who.id,
            at=self.clock.now(),
            write=lambda transaction: self.standings.forget(transaction, subscriber),
        )
        return self.get(name)

    def try_out(self, who: Principal, name: str) -> Answer:
        """Sends one message of the type `webhook.test` at once, and changes nothing. Audited."""
        subscriber, now = self._readable(name), self.clock.now()
        test = new_id("tst")
        self.audit.committing(
            subject=f"webhook#{name}",
            action="webhook.tested",
            actor=who.id,
            at=now,
            detail={"test": test},
        )
        event = {
            "source": "janjan.webhooks",
            "detail-type": TEST,
            "detail": {"id": test, "version": 1, "occurred_at": rfc3339(now), "data": {}},
        }
        return self._post(Message(name, cloud_event(event, self.public_url)), subscriber)

    # --- a batch ------------------------------------------------------------------------------------------

    def _take(self, body: Mapping[str, Any]) -> None:
        if "detail-type" in body:
            self._fan_out(body)
        else:
            self._deliver(Message.of(body))

    def _fan_out(self, bus_event: Mapping[str, Any]) -> None:
        event = cloud_event(bus_event, self.public_url)
        now, wanting = self.clock.epoch(), self._subscribers().values()
        made = [Message(one.id, event, since=now) for one in wanting if one.wants(event["type"])]
        if made:
            self.queue.put(message.body() for message in made)

    def _deliver(self, message: Message) -> None:
        now = self.clock.epoch()
        subscriber = self._subscribers().get(message.to)
        if now < message.not_before:
            self.queue.put([message.body()], message.not_before - now)
        elif subscriber is None or not subscriber.wants(message.type):
            logger.info("webhook not wanted any more", extra=_about(message))
        elif isinstance(subscriber, Unreadable):
            count("WebhookUnreadable")
            logger.error("webhook unreadable", extra=_about(message) | {"problem": str(subscriber.error)})
            self._later(message, UNREADABLE_WAIT_S)
        else:
            self._attempt(message, subscriber, now)

    def _attempt(self, message: Message, subscriber: Subscriber, now: float) -> None:
        seen = self.standings.get(subscriber)
        if seen.disabled_at:
            self._while_disabled(message, seen.disabled_at)
        elif now < seen.until:
            self._later(message, seen.until - now)
        elif not seen.failures:
            self._settle(message, subscriber, seen, self._post(message, subscriber))
        elif claimed := self.standings.claim(subscriber, seen, now + CLAIMED_S):
            self._settle(message, subscriber, claimed, self._post(message, subscriber))
        else:
            self._later(message, CLAIMED_S)

    def _post(self, message: Message, subscriber: Subscriber) -> Answer:
        body, headers = message.request(subscriber, self.clock.epoch())
        answer = self.poster.post(subscriber.target, body, headers)
        count(f"Webhooks{answer.verdict.value.title()}")
        about = _about(message) | {"status": answer.status, "why": answer.why}
        logger.info(f"webhook {answer.verdict.value}", extra=about)
        return answer

    def _settle(self, message: Message, subscriber: Subscriber, seen: Standing, answer: Answer) -> None:
        match answer.verdict:
            case Verdict.GONE:
                self._disable(subscriber)
                self._give_up(message, "its receiver wants nothing any more")
            case Verdict.ILL:
                now = self.clock.epoch()
                after = seen.worse(answer, now)
                self.standings.change(subscriber, seen, after)
                self._later(message, after.until - now)
            case Verdict.REFUSED:
                self._well(subscriber, seen)
                refused = message.refused()
                self._later(refused, wait_after(refused.refusals))
            case Verdict.TAKEN:
                self._well(subscriber, seen)

    def _well(self, subscriber: Subscriber, seen: Standing) -> None:
        if seen.failures:
            self.standings.well(subscriber, seen)

    def _disable(self, subscriber: Subscriber) -> None:
        now = self.clock.now()
        try:
            self.audit.committing(
                subject=f"webhook#{subscriber.id}",
                action="webhook.disabled",
                actor="system",
                at=now,
                detail={"host": subscriber.target.host, "status": HTTPStatus.GONE.value},
                write=lambda transaction: self.standings.disable(transaction, subscriber, now),
                refused=lambda _: _DisabledBefore(),
            )
        except _DisabledBefore:
            return
        count("WebhookDisabled")
        logger.error("webhook disabled", extra={"webhook": subscriber.id, "host": subscriber.target.host})

    def _while_disabled(self, message: Message, disabled_at: datetime) -> None:
        """What was on its way before is for a person to see; what happens since was not asked for."""
        if message.since is None or message.since < disabled_at.timestamp() + 1:
            self._give_up(message, "its receiver wants nothing any more")
        else:
            count("WebhooksSkipped")
            logger.warning("webhook skipped: disabled", extra=_about(message))

    def _later(self, message: Message, wait_s: float) -> None:
        """Puts it on the queue for then, at the latest for the end of its day; after that a person sees
        it."""
        now = self.clock.epoch()
        since = now if message.since is None else message.since
        if now >= since + TRIED_FOR_S:
            self._give_up(message, "a day of attempts is over")
            return
        at = min(now + wait_s * self.spread(*SPREAD), since + TRIED_FOR_S)
        self.queue.put([replace(message, since=since, not_before=at).body()], at - now)

    def _give_up(self, message: Message, why: str) -> None:
        self.dead.put([message.anew().body()])
        count("WebhooksGivenUp")
        logger.error(f"webhook given up: {why}", extra=_about(message))

    # --- subscribers --------------------------------------------------------------------------------------

    def _subscribers(self) -> dict[str, Subscriber | Unreadable]:
        given = self.entries()
        if not isinstance(given, Mapping):
            raise SubscriberUnreadable("The webhooks of the secret are an object, each under its name.")
        return {str(name): self._read(str(name), entry) for name, entry in given.items()}

    def _read(self, name: str, entry: object) -> Subscriber | Unreadable:
        try:
            return Subscriber.of(name, entry, loopback=self.loopback)
        except SubscriberUnreadable as error:
            return Unreadable(name, error)

    def _listed(self, subscriber: Subscriber | Unreadable) -> Listed:
        if isinstance(subscriber, Unreadable):
            return Listed(subscriber)
        return Listed(subscriber, self.standings.get(subscriber))

    def _readable(self, name: str) -> Subscriber:
        found = self.get(name).subscriber
        if isinstance(found, Unreadable):
            raise found.error
        return found


def _about(message: Message) -> dict[str, str]:
    """What may be logged of it: ids alone."""
    return {"webhook": message.to, "event": str(message.event["id"]), "event_type": message.type}
