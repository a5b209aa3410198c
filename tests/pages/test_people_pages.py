"""The rooms of creators, of the staff and of the audit, judged by axe-core; and the review by keys alone."""

from __future__ import annotations

import pytest

from chalicelib import wiring
from chalicelib.influencers.model import ReviewRequest
from tests.identity.test_desk import Staff
from tests.influencers.test_desk import joined, status_of
from tests.influencers.world import ADMIN
from tests.pages.browsing import BASE, chromium, visiting
from tests.pages.conftest import Site
from tests.pages.desk import Desk, desk
from tests.pages.test_accessibility import judge, pytestmark

__all__ = ["desk", "pytestmark"]
COOKIE = {"name": "janjan_session", "value": "admin", "url": BASE}


def test_rooms_of_people_are_for_everybody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "users", Staff)
    same = [{"platform": "instagram", "handle": "namuna.1", "followers": 5}]
    one, _ = joined(1, idea="A sample idea"), joined(2, handles=same)
    joined(3, name=one.name)
    wiring.register().review(ADMIN, one.id, ReviewRequest(decision="approve"))
    rooms = ("review", "people", f"people/{one.id}", "users", "audit")
    pages = [f"/console/{room}" for room in rooms]
    with chromium() as browser:
        found = judge(browser, Site(desk.client), pages, [COOKIE])
    assert found == [], "\n".join(found)


def test_a_reviewer_needs_nothing_but_keys(desk: Desk) -> None:
    first, second = joined(1), joined(2)
    with chromium() as browser, visiting(browser, Site(desk.client)) as visit:
        visit.page.context.add_cookies([COOKIE])  # type: ignore[list-item]
        visit.page.goto("/console/review?lang=en")
        keys = visit.page.keyboard
        keys.press("j")
        keys.press("d")
        visit.page.locator(f"#reason-{first.id}:focus").wait_for()
        keys.type("no such account")
        keys.press("Enter")
        visit.page.locator(f"#card-{first.id}:not(.review):focus").wait_for()
        keys.press("j")
        keys.press("a")
        visit.page.locator(f"#card-{second.id}:not(.review)").wait_for()
        assert visit.complaints == []
    assert (status_of(first), status_of(second)) == ("declined", "approved")
