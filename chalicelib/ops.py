"""Short-lived items with an expiry: idempotency of writes, rate limits, budgets, what has been seen before.

Table `ops`; every item has `expires` (epoch seconds), after which DynamoDB removes it. How the receivers of
webhooks stand lies there too (webhooks/store.py), whose sessions ended early
(identity/ended.py), and who is changing the staff (identity/turn.py).
    idem#<hash>  -   one write by key: running until `until`, then its answer for 24 h     1 write + 1 write
    rate#<name>#<window>  -   a counter of one window                                      1 write
    budget#<name>  -   units spent in the slices of the last window, a time to rest until    1 read + 1 write
    seen#<id>    -   a callback that has been taken (8 days)                               1 write
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PutError

from chalicelib.clock import Clock
from chalicelib.errors import Conflict, Rejected, TooManyRequests, Transient
from chalicelib.ids import new_token
from chalicelib.tables import Table, TableName

REMEMBERED_S = 24 * 3600
RUNNING_S = 60
SLICES = 24
"""A budget's window is counted in so many parts: what was spent is given back at most a part too late."""
TRIES = 8
SHORTEST_PAUSE_S = 0.01
SEEN_S = 8 * 24 * 3600
"""WhatsApp and its providers repeat a callback for up to 7 days (PLATFORMS.md)."""


class OpsItem(Table):
    class Meta:
        table_name = TableName("ops")

    body_hash = UnicodeAttribute(null=True)
    holder = UnicodeAttribute(null=True)
    answer = UnicodeAttribute(null=True)
    until = NumberAttribute(null=True)
    hits = NumberAttribute(null=True)
    spent = UnicodeAttribute(null=True)
    rev = NumberAttribute(null=True)
    expires = NumberAttribute()


class KeyReused(Rejected):
    status = 422
    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used for another request. Use a new key for a new request."


class StillRunning(Conflict):
    code = "still_running"
    message = "The first request with this Idempotency-Key is still running. Ask again in a moment."
    retry_after_s = 2


@dataclass(frozen=True)
class Idempotency:
    """Runs a write once for each key (draft-ietf-httpapi-idempotency-key-header), scoped by the caller."""

    clock: Clock

    def begin(self, scope: str, body: bytes) -> dict[str, Any] | None:
        """None: go on, and call `done` or `forget`. A dict: the answer given the first time.

        Raises KeyReused for another body, StillRunning while the first has not ended.
        """
        now, holder = self.clock.epoch(), new_token()
        body_hash = hashlib.sha256(body).hexdigest()
        item = OpsItem(self._pk(scope), "-", body_hash=body_hash, holder=holder)
        item.until, item.expires = now + RUNNING_S, int(now + REMEMBERED_S)
        free = (
            OpsItem.pk.does_not_exist()
            | (OpsItem.answer.does_not_exist() & (OpsItem.until < now))
            | (OpsItem.expires < now)
        )
        try:
            item.save(condition=free)
        except PutError as refused:
            if refused.cause_response_code != "ConditionalCheckFailedException":
                raise
        else:
            return None
        try:
            first = OpsItem.get(self._pk(scope), "-", consistent_read=True)
        except DoesNotExist:
            raise StillRunning from None
        if first.holder == holder:  # our own write, whose answer was lost
            return None
        if first.body_hash != body_hash:
            raise KeyReused
        if first.answer is None:
            raise StillRunning
        answer: dict[str, Any] = json.loads(first.answer)
        return answer

    def done(self, scope: str, body: bytes, answer: dict[str, Any]) -> None:
        """Keeps the answer for 24 h."""
        OpsItem(
            self._pk(scope),
            "-",
            body_hash=hashlib.sha256(body).hexdigest(),
            answer=json.dumps(answer),
            expires=int(self.clock.epoch() + REMEMBERED_S),
        ).save()

    def forget(self, scope: str) -> None:
        """After a failure that changed nothing: the same key may be tried again."""
        OpsItem(self._pk(scope), "-").delete()

    @staticmethod
    def _pk(scope: str) -> str:
        return "idem#" + hashlib.sha256(scope.encode()).hexdigest()


def network(address: str) -> str:
    """What limits count: an IPv4 address, or the /64 that one IPv6 household has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{parsed}/64", strict=False)) if parsed.version == 6 else address  # noqa: PLR2004


@dataclass(frozen=True)
class RateLimits:
    """Counts calls in fixed windows; the name holds no address in clear (hash it first)."""

    clock: Clock

    def spend(self, name: str, limit: int, window_s: int) -> None:
        """Counts one call. Raises TooManyRequests with the seconds to wait when `limit` in this window is
        used up."""
        now = int(self.clock.epoch())
        window = now // window_s
        item = OpsItem(f"rate#{name}#{window}", "-")
        item.update(actions=[OpsItem.hits.add(1), OpsItem.expires.set((window + 2) * window_s)])
        if item.hits > limit:
            raise TooManyRequests(retry_after_s=(window + 1) * window_s - now)


@dataclass(frozen=True)
class Budgets:
    """Units of somebody else's quota. Not more than `most` are spent in any stretch of `window_s`, wherever
    the other side's own windows begin, and however many processes spend at once."""

    clock: Clock

    def spend(self, name: str, units: int, most: int, window_s: int) -> float:
        """0 when the units are booked; else the seconds to wait until they may be, nothing is booked."""

        def book(item: OpsItem, now: float) -> tuple[float, float]:
            slice_s = window_s / SLICES
            spent: dict[str, int] = json.loads(item.spent or "{}")
            begun = {int(i): n for i, n in spent.items() if (int(i) + 1) * slice_s > now - window_s}
            wait = max((item.until or 0) - now, 0.0)
            if not wait:
                wait = _wait_for(begun, most - units, now, slice_s, window_s)
            if not wait:
                this = int(now // slice_s)
                begun[this] = begun.get(this, 0) + units
                item.spent = json.dumps(begun)
            return wait, now + 2 * window_s

        return self._change(name, book)

    def rest(self, name: str, seconds: float) -> None:
        """Nothing is booked for so long."""

        def put_off(item: OpsItem, now: float) -> tuple[float, float]:
            item.until = max(item.until or 0, now + seconds)
            return 0.0, max(item.expires or 0, item.until)

        self._change(name, put_off)

    def _change(self, name: str, change: Callable[[OpsItem, float], tuple[float, float]]) -> float:
        """What `change` answers, with what it did to the item kept: anew while another was quicker."""
        for attempt in range(TRIES):
            now = self.clock.epoch()
            item = _budget(name)
            seen = item.rev
            answer, keep_until = change(item, now)
            if answer:
                return answer
            item.rev, item.expires = (seen or 0) + 1, int(max(keep_until, item.expires or 0)) + 1
            try:
                item.save(condition=OpsItem.rev == seen if seen else OpsItem.pk.does_not_exist())
            except PutError as refused:
                if refused.cause_response_code != "ConditionalCheckFailedException":
                    raise
                time.sleep(random.uniform(0, SHORTEST_PAUSE_S * 2**attempt))
            else:
                return answer
        raise Transient


def _budget(name: str) -> OpsItem:
    try:
        return OpsItem.get(f"budget#{name}", "-", consistent_read=True)
    except DoesNotExist:
        return OpsItem(f"budget#{name}", "-")


def _wait_for(begun: dict[int, int], left: int, now: float, slice_s: float, window_s: int) -> float:
    """Seconds until so many of the slices have left the window that at most `left` units are in it."""
    total = sum(begun.values())
    for i in sorted(begun):
        if total <= left:
            break
        total -= begun[i]
        freed = (i + 1) * slice_s + window_s - now
        if total <= left:
            return freed
    return 0.0 if total <= left else float(window_s)


@dataclass(frozen=True)
class Seen:
    """Remembers ids of callbacks for 8 days."""

    clock: Clock

    def already(self, dedupe_id: str) -> bool:
        """Whether `dedupe_id` was taken before; nothing is written."""
        try:
            OpsItem.get(f"seen#{dedupe_id}", "-", consistent_read=True)
        except DoesNotExist:
            return False
        return True

    def first_time(self, dedupe_id: str) -> bool:
        """Whether `dedupe_id` is new; from now on it is not."""
        item = OpsItem(f"seen#{dedupe_id}", "-", expires=int(self.clock.epoch() + SEEN_S))
        try:
            item.save(condition=OpsItem.pk.does_not_exist())
        except PutError as refused:
            if refused.cause_response_code != "ConditionalCheckFailedException":
                raise
            return False
        return True
