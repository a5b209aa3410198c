"""The console's room of webhooks."""

from __future__ import annotations

import pytest

from chalicelib import wiring
from chalicelib.webhooks.model import Answer, Subscriber
from chalicelib.webhooks.service import Standing
from tests.influencers.test_routes import STAFF
from tests.pages.conftest import prepared
from tests.pages.desk import Desk, desk
from tests.webhooks.test_delivery import World, entry
from tests.webhooks.test_routes import AUDITOR

__all__ = ["desk", "prepared"]
ROOM = "/console/webhooks"


@pytest.fixture
def world(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(one=entry(events=["run.*"]), two=entry("two.example", secret="hidden"))
    monkeypatch.setattr(wiring, "webhooks", made.webhooks)
    monkeypatch.setitem(STAFF, "auditor", AUDITOR)
    return made


def test_the_room_shows_who_is_told_and_how_they_stand_without_path_and_secret(
    desk: Desk, world: World
) -> None:
    world.standings.change(
        Subscriber.of("one", world.entries["one"]), Standing(), Standing().worse(Answer(0), 1_793_000_000)
    )
    page = desk.text(ROOM)
    assert "one.example" in page and "Does not answer" in page and "<code>run.*</code>" in page
    assert "Since 26-10-2026 13:03 (India)." in page
    assert "Its entry cannot be read" in page and "hidden" not in page and "/hook" not in page
    assert "Send there again" in page
    assert "<button" not in desk.text(ROOM, "auditor").partition("<main")[2]


def test_a_receiver_is_tried_and_resumed_by_an_admin_alone_and_the_page_tells_what_came_of_it(
    desk: Desk, world: World
) -> None:
    answer = desk.post(f"{ROOM}/one/test")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{ROOM}?said=taken&lang=en")
    assert "The receiver took the test message." in desk.text(answer.headers["Location"])
    answer = desk.post(f"{ROOM}/one/resume")
    assert "Events are sent there again." in desk.text(answer.headers["Location"])
    for act in ("test", "resume"):
        assert desk.post(f"{ROOM}/one/{act}", who="auditor").status_code == 403


def test_what_cannot_be_done_is_said_on_the_page(desk: Desk, world: World) -> None:
    refused = desk.post(f"{ROOM}/two/test")
    assert refused.status_code == 409
    assert "The secret of a webhook is whsec_" in refused.body.decode()
    assert desk.post(f"{ROOM}/none/resume").status_code == 404
    assert desk.get(ROOM, "editor").status_code == 403
    assert desk.client.http.get(ROOM).status_code == 303
