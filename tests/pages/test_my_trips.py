"""How often a creator's pages go to the database one call after the other: what runs side by side is one."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from chalicelib import wiring
from chalicelib.influencers.model import ReviewRequest
from tests.influencers.sent import POSTS, sent
from tests.influencers.world import ADMIN
from tests.pages.test_my_page import Creator, creator
from tests.pages.trips import MOST, trips

__all__ = ["creator"]

A, B = "cmp_aaaaaaaaaaaaaaaa", "cmp_bbbbbbbbbbbbbbbb"


@pytest.mark.parametrize(
    "path",
    [
        "/me",
        "/me/campaigns",
        f"/me/campaigns/{A}",
        "/me/messages",
        "/me/settings",
        "/me/data",
        "/me/appeals",
        "/me/voice",
    ],
)
def test_a_page_takes_two_round_trips_behind_the_look_at_the_session(creator: Creator, path: str) -> None:
    creator.sign_in()
    [(person, _)] = wiring._people_store().listed("pending_review", "", None, 1)
    wiring.register().review(ADMIN, person.id, ReviewRequest(decision="approve"))
    now = wiring.clock().now()
    for name, days in ((A, 1), (B, 9)):
        sent(person.id, name, now - timedelta(days=days), posts=POSTS)
    creator.get(f"{path}?lang=en")  # what a container keeps is kept by now
    waited = trips(partial(creator.get, f"{path}?lang=en"), 1 + MOST)
    assert len(waited) <= 1 + MOST, waited
