"""Counts the followers of the accounts on the register, week by week, as posts are measured (poller.py)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial

from chalicelib.clock import Clock
from chalicelib.errors import Transient
from chalicelib.metrics.poller import told_by
from chalicelib.metrics.schedule import account_next_at
from chalicelib.platforms.base import Meter, OutcomeUnknown, SendRefused, Throttled
from chalicelib.ports import Accounts
from chalicelib.telemetry import count, logger

PAGE = 20


@dataclass(frozen=True)
class Followers:
    accounts: Accounts
    meter: Meter
    clock: Clock

    def count(self, until: float) -> None:
        """Counts what is due, some accounts of each platform in turn, and begins none after `until` (epoch
        seconds)."""
        waiting, asked = deque(self.meter.measurers()), set[tuple[str, str, str]]()
        while waiting and self.clock.epoch() < until:
            platform = waiting.popleft()
            if self._page(platform, asked, until):
                waiting.append(platform)

    def _page(self, platform: str, asked: set[tuple[str, str, str]], until: float) -> bool:
        """Whether there may be more. `asked`: what this run has seen to, for the index may lag behind."""
        due = self.accounts.due(platform, self.clock.now(), PAGE)
        new = [(person, handle) for person, handle in due if (platform, person, handle) not in asked]
        for person, handle in new:
            if self.clock.epoch() >= until:
                return False
            asked.add((platform, person, handle))
            at = self.clock.now().replace(microsecond=0)
            try:
                told = told_by(platform, partial(self.meter.read_account, platform, handle))
            except (Throttled, SendRefused, OutcomeUnknown, Transient) as error:
                logger.warning("followers_wait", extra={"platform": platform, "why": str(error)})
                return False
            if told is not None and told.followers is not None:
                self.accounts.measured(person, platform, handle, told.followers, at, account=told.account)
                count("FollowersCounted")
            self.accounts.measure_next(person, platform, handle, account_next_at(at, told=told is not None))
        return bool(new)
