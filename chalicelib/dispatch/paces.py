"""Where channels keep their pace.

Table `tallies`:
    pace   <channel>   one item a channel, never removed     1 r and 1 w a chunk: a block of up to 25 slots
Each change reads the item and writes it back on condition that nobody else has; who was overtaken looks
again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pynamodb.attributes import JSONAttribute, NumberAttribute
from pynamodb.exceptions import DoesNotExist, PutError
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.dispatch.pace import Lease, Limit, Pace, Wait
from chalicelib.errors import Transient
from chalicelib.platforms.base import Capabilities, Channel
from chalicelib.tables import Table, TableName

PACE = "pace"
TRIES = 25
LONGEST_PAUSE_S = 0.2
Found = TypeVar("Found")


class PaceItem(Table):
    class Meta:
        table_name = TableName("tallies")

    state = JSONAttribute()
    rev = NumberAttribute()


@dataclass(frozen=True)
class Paces:
    """The paces of all channels, shared by all senders and the planner."""

    pause: Callable[[float], None] = time.sleep

    def lease(
        self,
        channel: str,
        messages: int,
        allowed: Limit,
        now: float,
        *,
        first: bool = False,
        queue: bool = True,
    ) -> Lease | Wait:
        """Slots for some or all messages, or how long to wait (`Pace.lease`)."""
        return self.change(channel, lambda pace: pace.lease(messages, allowed, now, first=first, queue=queue))

    def stand(
        self, channel: str, messages: int, allowed: Limit, now: float, *, first: bool = False
    ) -> tuple[Lease, float | None]:
        """A place in line (`Pace.stand`), and when the moving day has room again (None: it has)."""

        def step(pace: Pace) -> tuple[Pace, tuple[Lease, float | None]]:
            after, place = pace.stand(messages, allowed, now, first=first)
            return after, (place, pace.day_frees(allowed, now))

        return self.change(channel, step)

    def give_back(self, channel: str, lease: Lease, unused: int, allowed: Limit) -> None:
        """Takes note that slots of a lease were not used (`Pace.given_back`)."""
        self.change(channel, lambda pace: (pace.given_back(lease, unused, allowed), None))

    def slowed(self, channel: str, retry_after_s: float, now: float) -> None:
        """Takes note of a throttle of the whole channel."""
        self.change(channel, lambda pace: (pace.slowed(retry_after_s, now), None))

    def get(self, channel: str) -> Pace:
        """The pace as it stands."""
        return self.read(channel)[0]

    def every(self) -> dict[str, Pace]:
        """The paces of all channels that have sent, by channel, in one request."""
        return {item.sk: Pace(**item.state) for item in PaceItem.query(PACE, consistent_read=True)}

    def put(self, transaction: TransactWrite, channel: str, after: Pace, rev: int) -> None:
        """Adds the write of a pace that was read with this revision; refused when it has changed since."""
        transaction.save(_item(channel, after, rev), condition=_unchanged(rev))

    def change(self, channel: str, step: Callable[[Pace], tuple[Pace, Found]]) -> Found:
        """Takes one step of a channel's pace, and gives what it found. Raises Transient when too many do."""
        for attempt in range(TRIES):
            before, rev = self.read(channel)
            after, found = step(before)
            if after == before:
                return found
            try:
                _item(channel, after, rev).save(condition=_unchanged(rev))
            except PutError as refused:
                if refused.cause_response_code != "ConditionalCheckFailedException":
                    raise
                self.pause(random.uniform(0, min(LONGEST_PAUSE_S, 0.005 * 2**attempt)))
            else:
                return found
        raise Transient

    @staticmethod
    def read(channel: str) -> tuple[Pace, int]:
        """The pace, and its revision."""
        try:
            item = PaceItem.get(PACE, channel, consistent_read=True)
        except DoesNotExist:
            return Pace(), 0
        return Pace(**item.state), int(item.rev)


def _item(channel: str, after: Pace, rev: int) -> PaceItem:
    return PaceItem(PACE, channel, state=vars(after), rev=rev + 1)


def _unchanged(rev: int) -> Condition:
    return PaceItem.rev == rev if rev else PaceItem.pk.does_not_exist()


def allowed(channel: Channel, capabilities: Capabilities) -> Limit:
    """What the channel's configuration, or else its platform, allows."""
    rate = float(channel.config.get("rate_per_s") or capabilities.rate_per_s)
    per_day = channel.config.get("per_day") or capabilities.per_day
    return Limit(rate, int(per_day) if per_day else None)
