"""When a hub is asked to tell of an account's posts, again, or no longer. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

Step = Literal["subscribe", "unsubscribe", "forget", ""]
FIRST_RETRY, LONGEST_RETRY = timedelta(hours=1), timedelta(days=1)
"""A hub that refuses or is silent is asked again after an hour, two, four …, a day."""
RENEWED_AFTER = 2 / 3
"""Of the lease that the hub stated: what is left is time for tries that fail."""


@dataclass(frozen=True)
class Follow:
    """One account and where we stand with the hub about it."""

    account: str
    rev: int
    wanted: bool
    """What the hub was asked for last."""
    next_at: datetime
    """When it is asked again, unless it confirms before; of what is confirmed, when it is renewed."""
    tries: int = 0
    """How often it was asked since its last word."""
    until: datetime | None = None
    """How long the hub tells us of it, by its own word; None: it does not."""
    told_at: datetime | None = None
    """When its last word reached us."""
    reason: str = ""
    """Why it refused or ended it."""

    def step(self, now: datetime, *, wanted: bool) -> Step:
        """What is to be done; nothing while it may still answer, or what it confirmed is fresh."""
        if not wanted and (self.until is None or self.until <= now):
            return "forget"
        if wanted == self.wanted and now < self.next_at:
            return ""
        return "subscribe" if wanted else "unsubscribe"

    def asked(self, now: datetime, *, wanted: bool) -> Follow:
        """As it is noted before the hub is asked: whatever becomes of the request, the next comes later."""
        tries = self.tries + 1 if wanted == self.wanted else 1
        return replace(self, wanted=wanted, tries=tries, next_at=now + _pause(tries))

    def told(self, lease_s: int | None, reason: str, at: datetime) -> Follow:
        """After a word of the hub; one that is older than the last changes nothing."""
        if self.told_at and at < self.told_at:
            return self
        if lease_s is None:
            soon = min(self.next_at, at + _pause(max(self.tries, 1)))
            return replace(self, until=None, told_at=at, reason=reason, next_at=soon)
        lease = timedelta(seconds=lease_s)
        due = at + lease * RENEWED_AFTER if self.wanted else at  # what was to end is alive: ask anew
        return replace(self, until=at + lease, told_at=at, reason="", tries=0, next_at=due)


def new(account: str, at: datetime, *, wanted: bool) -> Follow:
    """An account that the hub has not been asked about; or, not wanted, one that it tells of all the same."""
    return Follow(account, 0, wanted, at)


def _pause(tries: int) -> timedelta:
    return min(FIRST_RETRY * (1 << min(tries - 1, 10)), LONGEST_RETRY)
