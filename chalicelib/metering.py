"""Asking platforms for figures, within what they allow: quotas are booked before each request, a platform
that asks to wait is left in peace, and one that refuses our key raises an alarm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.errors import Transient
from chalicelib.ops import Budgets
from chalicelib.platforms.base import (
    AccountReading,
    Meter,
    OutcomeUnknown,
    PostReading,
    Quota,
    SendRefused,
    Throttled,
)
from chalicelib.telemetry import count, logger

KEY_REST_S = 3600.0
"""A refused key is not asked with again for so long: a person must look."""
TROUBLE_REST_S = 30.0
"""After an answer that did not come."""
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Metered:
    """Implements platforms.base.Meter over another one, within its quotas.

    `share`: what part of each quota this caller may use up; proofs and people who wait get what is left.
    """

    meter: Meter
    budgets: Budgets
    share: float = 1.0

    def measurers(self) -> list[str]:
        return self.meter.measurers()

    def quota(self, platform: str) -> Quota:
        return self.meter.quota(platform)

    def read_posts(self, platform: str, ids: Sequence[str]) -> dict[str, PostReading]:
        """As `Meter.read_posts`; Throttled also while the quota is used up or the platform rests."""
        units = self.meter.quota(platform).units
        return self._ask(platform, units, lambda: self.meter.read_posts(platform, ids))

    def read_account(self, platform: str, handle: str) -> AccountReading | None:
        """As `Meter.read_account`; Throttled also while the quota is used up or the platform rests."""
        units = self.meter.quota(platform).account_units
        return self._ask(platform, units, lambda: self.meter.read_account(platform, handle))

    def name_of(self, platform: str, sender: str) -> str:
        """As `Meter.name_of`; Throttled as above."""
        units = self.meter.quota(platform).account_units
        return self._ask(platform, units, lambda: self.meter.name_of(platform, sender))

    def _ask(self, platform: str, units: int, ask: Callable[[], Answer]) -> Answer:
        quota = self.meter.quota(platform)
        most = max(quota.units, int(quota.per_window * self.share))
        wait_s = self.budgets.spend(platform, units, most, quota.window_s)
        if wait_s:
            raise Throttled(wait_s, platform_code="our_quota")
        try:
            return ask()
        except Throttled as asked:
            self.budgets.rest(platform, asked.retry_after_s)
            raise
        except SendRefused as refused:
            if refused.scope == "channel":
                count("FiguresKeyRefused")
                logger.error("figures_refused", extra={"platform": platform, "code": refused.platform_code})
                self.budgets.rest(platform, KEY_REST_S)
            raise
        except (OutcomeUnknown, Transient):
            self.budgets.rest(platform, TROUBLE_REST_S)
            raise
