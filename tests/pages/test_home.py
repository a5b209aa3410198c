"""What waits for somebody, on the first page of the console."""

from __future__ import annotations

import re

import pytest

from chalicelib import wiring
from chalicelib.identity.roles import ROLES, Principal
from chalicelib.pages import home
from tests.influencers.test_desk import joined
from tests.influencers.test_routes import STAFF
from tests.pages.conftest import prepared
from tests.pages.desk import Desk, desk

__all__ = ["desk", "prepared"]


def tiles(page: str) -> set[str]:
    return set(re.findall(r'hx-get="/console/waiting/(\w+)\?', page))


def test_each_role_sees_what_may_wait_for_it_and_where_to_begin(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}
    for role in ROLES:
        monkeypatch.setitem(STAFF, role, Principal(f"usr_{role}", role, "x@x.test", frozenset({role})))
        page = desk.text("/console", role)
        seen[role] = tiles(page)
        assert "Where to begin" in page and page.count("<li>", page.index("Where to begin")) >= 3
    assert {"reviews", "channels"} <= seen["coordinator"] and "approvals" not in seen["coordinator"]
    assert {"approvals", "stops"} <= seen["approver"] and "reviews" not in seen["approver"]
    assert "drafts" in seen["editor"]


def test_the_page_itself_reads_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("register", "campaigns", "voice_desk", "appeals", "imports", "channel_desk", "stop_desk"):
        monkeypatch.setattr(wiring, name, None)
    assert "reviews" in tiles(desk.text("/console", "one"))


def test_a_tile_counts_ones_own_and_no_further_than_it_shows(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "<strong>0</strong>" in desk.text("/console/waiting/reviews", "one", hx_request="true")
    for n in (1, 2, 3):
        joined(n)
    joined(4, area="D9002-A2-P1")
    told = desk.text("/console/waiting/reviews", "one", hx_request="true")
    assert "<strong>3</strong>" in told and 'class="some"' in told and "the first one since" in told
    monkeypatch.setattr(home, "MOST", 2)
    assert "<strong>2+</strong>" in desk.text("/console/waiting/reviews", "one", hx_request="true")


def test_every_tile_can_be_counted(desk: Desk) -> None:
    for one in sorted(tiles(desk.text("/console"))):
        assert "<strong>0</strong>" in desk.text(f"/console/waiting/{one}", hx_request="true"), one


def test_without_scripts_a_tile_leads_to_its_room(desk: Desk) -> None:
    answer = desk.get("/console/waiting/drafts", "editor")
    assert answer.headers["Location"] == "/console/campaigns?status=draft&lang=en"
    assert desk.get("/console/waiting/reviews", "editor").status_code == 404
    assert desk.get("/console/waiting/nothing").status_code == 404


def test_it_says_who_is_signed_in_as_what_and_for_where(desk: Desk) -> None:
    page = desk.text("/console", "one")
    for words in ("Coordinator of an area", "Janpur"):
        assert words in page
