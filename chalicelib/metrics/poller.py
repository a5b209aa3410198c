"""Asks the platforms for the figures of posts that are due.

Every step may be repeated, die in between or run twice at once: a post stays due until its figures are
written, what is written twice is the same, and a request is booked against the quota before it is made.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from chalicelib.clock import Clock
from chalicelib.errors import JanJanError, Transient
from chalicelib.metrics.figures import PostFigures, fingerprint, measured, numbers
from chalicelib.metrics.snapshots import Snapshot, Snapshots
from chalicelib.platforms.base import Meter, OutcomeUnknown, PostReading, SendRefused, Throttled
from chalicelib.telemetry import count, logger

Learned = Callable[[str, PostReading], None]
"""Takes what a platform tells of a post beside its figures: whose it is, its words, that it is gone. By the
post's id; may come again."""
Told = TypeVar("Told")


def told_by(platform: str, ask: Callable[[], Told]) -> Told | None:
    """What a platform answers; None where it refuses what it is asked for, or where we fail to read its
    answer. Raises what holds for any other request, too: Throttled, OutcomeUnknown, Transient, SendRefused of
    scope `channel`."""
    try:
        return ask()
    except SendRefused as refused:
        if refused.scope == "channel":
            raise
    except (Throttled, OutcomeUnknown, Transient):
        raise
    except Exception:
        logger.exception("figures", extra={"platform": platform})
        count("FiguresFailed")
    return None


@dataclass(frozen=True)
class Poller:
    store: Snapshots
    meter: Meter
    learned: Learned
    clock: Clock
    platforms: tuple[str, ...]
    """All that tell figures, switched on or not."""

    def poll(self, until: float) -> None:
        """Measures what is due, one batch of each platform in turn, and begins none after `until` (epoch
        seconds)."""
        on = self.meter.measurers()
        for platform in self.platforms:
            if platform not in on and self.store.due(platform, self.clock.now(), 1):
                logger.warning("figures_off", extra={"platform": platform})
                count("FiguresPlatformOff")
        waiting, asked = deque(on), set[str]()
        while waiting and self.clock.epoch() < until:
            platform = waiting.popleft()
            if self._batch(platform, asked):
                waiting.append(platform)

    def _batch(self, platform: str, asked: set[str]) -> bool:
        """Measures one batch; whether there may be more. `asked`: what this run has seen to, for the index
        may lag behind."""
        size = self.meter.quota(platform).batch
        due = [one for one in self.store.due(platform, self.clock.now(), size) if one.post_id not in asked]
        if not due:
            return False
        asked |= {one.post_id for one in due}
        at = self.clock.now().replace(microsecond=0)
        try:
            told = self._ask(platform, [one.ask for one in due])
        except (Throttled, SendRefused, OutcomeUnknown, Transient) as error:
            logger.warning("figures_wait", extra={"platform": platform, "why": str(error)})
            return False
        for one in due:
            reading, learned = told.get(one.ask), True
            if reading is None:
                count("FiguresNotTold")
            else:
                learned = self._hand_on(one, reading)
                figures = measured(reading.figures, at)
                if figures:
                    snapshot = Snapshot("verified", at, numbers(figures))
                    self.store.keep(one.post_id, snapshot, one.published_at)
            change = partial(PostFigures.read, reading=reading, at=at, learned=learned)
            self.store.change(one.post_id, change, at, seen=one)
        count("PostsMeasured", len(told))
        return True

    def _hand_on(self, one: PostFigures, reading: PostReading) -> bool:
        """What is new beside the figures; whether it was taken. What could not be is told again with the next
        figures."""
        if fingerprint(reading) == one.learned:
            return True
        try:
            self.learned(one.post_id, reading)
        except JanJanError as error:
            logger.warning("figures_not_learned", extra={"post": one.post_id, "why": str(error)})
            return False
        return True

    def _ask(self, platform: str, ids: Iterable[str]) -> Mapping[str, PostReading]:
        """What the platform tells. A request that it refuses for what it asks, or whose answer we fail to
        read, is halved until the one post is found that spoils it: of that one nothing is told."""
        wanted = list(ids)
        told = told_by(platform, partial(self.meter.read_posts, platform, wanted))
        if told is not None:
            return told
        if len(wanted) == 1:
            return {}
        half = len(wanted) // 2
        return {**self._ask(platform, wanted[:half]), **self._ask(platform, wanted[half:])}
