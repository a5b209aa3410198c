"""Figures that are told or declared, and what is known of them; those that are asked for: poller.py."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from chalicelib.clock import Clock
from chalicelib.errors import Conflict, InvalidInput
from chalicelib.files import Files
from chalicelib.metrics.figures import LARGEST, PostFigures, measured, numbers
from chalicelib.metrics.model import Post
from chalicelib.metrics.snapshots import Snapshot, Snapshots, shown_of, without_names
from chalicelib.ops import RateLimits
from chalicelib.platforms.base import Measured, Metric
from chalicelib.shapes import Moment, Strict
from chalicelib.uploads import Uploads

SCREENSHOTS = "screenshots/"
SHOWN_S = 900
WORDS_A_DAY = 20
"""Of one post: figures do not change faster by anybody's word."""
CLOCKS_DIFFER = timedelta(minutes=5)


class Declared(Strict):
    """What somebody says of a post's figures."""

    figures: Annotated[dict[Metric, Annotated[int, Field(ge=0, le=LARGEST)]], Field(min_length=1)]
    measured_at: Moment
    """When they read them off."""
    screenshot: Annotated[str, Field(max_length=200)] = ""
    """The key of an upload that shows them."""


class NotMeasured(Conflict):
    code = "post_withdrawn"
    message = "Nothing more is noted of this post: its person has left, or it was taken back."


@dataclass(frozen=True)
class Measuring:
    store: Snapshots
    files: Files
    uploads: Uploads
    limits: RateLimits
    clock: Clock

    def told(self, post_id: str, news: Measured, at: datetime) -> None:
        """Takes figures that a signed callback told, which reached us `at`; may come again, in any order.
        Nobody need have handed the post in yet."""
        when = min(news.at or at, at)  # a clock that goes ahead is not to hold back what comes later
        figures = measured(news.figures, when)
        if figures:
            known = self.store.find(post_id)
            snapshot, handed_in = Snapshot("verified", when, numbers(figures)), bool(known.platform)
            self.store.keep(post_id, snapshot, known.published_at, handed_in=handed_in or known.closed)
            self.store.change(post_id, lambda known: known.told("verified", figures), at)

    def declare(self, post: Post, by: str, word: Declared) -> PostFigures:
        """Notes what somebody says of a post's figures, with the screenshot that shows them. An older word
        than one that is known joins the history alone. Raises InvalidInput, NotMeasured, TooManyRequests."""
        now = self.clock.now()
        if word.measured_at > now + CLOCKS_DIFFER:
            raise InvalidInput.of("measured_at", "time_ahead", "This time has not come yet.")
        known = self.store.find(post.id)
        if known.closed:
            raise NotMeasured
        begun = known.published_at
        if begun and word.measured_at < begun < post.handed_in_at:  # else it is the hand-in's time
            raise InvalidInput.of("measured_at", "before_post", "The post is younger than this.")
        self.limits.spend(f"declared#{post.id}", WORDS_A_DAY, 24 * 3600)
        shown = ""
        if word.screenshot:
            folder = f"{SCREENSHOTS}{post.id}/"
            shown = self.uploads.keep(by, word.screenshot, folder, "screenshot")
        at = word.measured_at.replace(microsecond=0)
        figures = measured(word.figures, at)
        snapshot = Snapshot("declared", at, numbers(figures), by, shown)
        before = {*shown_of(post.id), shown}
        self.store.keep(post.id, snapshot, known.published_at)
        after = self.store.change(post.id, lambda now: now.told("declared", figures, shown), at)
        if after.closed:  # its person has left meanwhile: nothing may lead to them
            without_names(post.id)
            if shown:
                self.files.delete(shown)
            raise NotMeasured
        for unused in before - {*shown_of(post.id), after.screenshot, ""}:
            self.files.delete(unused)
        return after

    def of_post(self, post_id: str) -> PostFigures:
        """What is known of one post's figures."""
        return self.store.find(post_id)

    def of_posts(self, post_ids: Iterable[str]) -> dict[str, PostFigures]:
        """The same of many posts, in one request; what nobody has measured is absent."""
        return self.store.of_posts(post_ids)

    def history(self, post_id: str) -> list[Snapshot]:
        """All snapshots of a post, oldest first."""
        return self.store.history(post_id)

    def link(self, key: str) -> str:
        """An address that shows a screenshot for a quarter of an hour; empty without one."""
        return self.files.link(key, SHOWN_S) if key else ""
