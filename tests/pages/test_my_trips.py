"""How often a creator's pages go to the database one call after the other: what runs side by side is one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import aws, wiring
from chalicelib.influencers.model import ReviewRequest
from tests.influencers.sent import POSTS, sent
from tests.influencers.world import ADMIN
from tests.pages.test_my_page import Creator, creator

__all__ = ["creator"]

A, B = "cmp_aaaaaaaaaaaaaaaa", "cmp_bbbbbbbbbbbbbbbb"
LASTS_S = 0.05
"""Each call is made to take so long: what begins meanwhile runs beside it."""


@contextmanager
def trips() -> Iterator[list[list[str]]]:
    """The calls to DynamoDB of this block: those that ran side by side together."""
    found: list[list[str]] = []
    lock, running = threading.Lock(), [0]

    def begins(model: Any, **_: Any) -> None:
        with lock:
            if not running[0]:
                found.append([])
            found[-1].append(model.name)
            running[0] += 1
        time.sleep(LASTS_S)

    def ends(**_: Any) -> None:
        with lock:
            running[0] -= 1

    events = aws.client("dynamodb").meta.events
    events.register("before-call.dynamodb", begins)
    events.register("after-call.dynamodb", ends)
    try:
        yield found
    finally:
        events.unregister("before-call.dynamodb", begins)
        events.unregister("after-call.dynamodb", ends)


@pytest.mark.parametrize(
    "path", ["/me", "/me/campaigns", f"/me/campaigns/{A}", "/me/messages", "/me/settings"]
)
def test_a_page_takes_two_round_trips_behind_the_look_at_the_session(creator: Creator, path: str) -> None:
    creator.sign_in()
    [(person, _)] = wiring._people_store().listed("pending_review", "", None, 1)
    wiring.register().review(ADMIN, person.id, ReviewRequest(decision="approve"))
    now = wiring.clock().now()
    for name, days in ((A, 1), (B, 9)):
        sent(person.id, name, now - timedelta(days=days), posts=POSTS)
    creator.get(f"{path}?lang=en")  # what a container keeps is kept by now
    with trips() as made:
        creator.get(f"{path}?lang=en")
    assert len(made) <= 3, made
