"""What staff see of our webhooks and do with them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib import wiring
from chalicelib.identity.roles import Principal
from chalicelib.webhooks.model import Answer, Subscriber
from chalicelib.webhooks.service import Standing
from tests.influencers.test_routes import STAFF, Api, api
from tests.pages.conftest import prepared
from tests.webhooks.test_delivery import World, entry, event

__all__ = ["api", "prepared"]
AUDITOR = Principal("usr_au", "Au", "au@x.test", frozenset({"auditor"}))


@pytest.fixture
def world(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(one=entry(events=["run.*", "campaign.approved"]), two=entry("two.example", secret="hidden"))
    monkeypatch.setattr(wiring, "webhooks", made.webhooks)
    monkeypatch.setitem(STAFF, "auditor", AUDITOR)
    yield made


def test_an_admin_sees_who_is_told_of_what_and_what_is_wrong_but_no_path_and_no_secret(
    api: Api, world: World
) -> None:
    status, answer = api("GET", "/v1/webhooks?lang=hi", who="admin")
    one, two = answer["items"]
    assert status == 200
    assert one == {
        "id": "one",
        "host": "one.example",
        "events": ["run.*", "campaign.approved"],
        "state": "on",
        "since": None,
        "next_attempt_at": None,
        "problem": "",
    }
    assert api("GET", "/v1/webhooks?limit=1", who="admin")[1]["items"] == [one | {"problem": ""}]
    assert (two["state"], two["host"]) == ("unreadable", "")
    assert two["problem"].startswith("वेबहुक का secret")
    assert "hook" not in str(one | {"id": ""}) and "hidden" not in str(two)


def test_a_receiver_that_fails_says_since_when_and_when_it_is_asked_again(api: Api, world: World) -> None:
    world.standings.change(
        Subscriber.of("one", world.entries["one"]), Standing(), Standing().worse(Answer(0), 1_793_000_000)
    )
    one = api("GET", "/v1/webhooks", who="admin")[1]["items"][0]
    assert (one["state"], one["since"]) == ("failing", "2026-10-26T07:33:20Z")
    assert one["next_attempt_at"] == "2026-10-26T07:33:25Z"


def test_a_disabled_one_is_resumed_by_an_admin_alone(api: Api, world: World) -> None:
    world.receivers.answers["one.example"] = [410]
    world.tell(event())
    world.run()
    one = api("GET", "/v1/webhooks", who="auditor")[1]["items"][0]
    assert (one["state"], one["since"]) == ("disabled", "2026-11-02T05:30:00Z")
    for who in ("auditor", "editor"):
        assert api("POST", "/v1/webhooks/one/resume", {}, who=who)[0] == 403
    status, resumed = api("POST", "/v1/webhooks/one/resume", {}, who="admin")
    assert (status, resumed["state"]) == (200, "on")


def test_a_test_message_tells_what_the_receiver_answered(api: Api, world: World) -> None:
    world.receivers.answers["one.example"] = [Answer(0, "no_answer"), 204]
    tried = [api("POST", "/v1/webhooks/one/test", {}, who="admin") for _ in range(2)]
    assert tried == [
        (200, {"outcome": "ill", "status": 0, "why": "no_answer"}),
        (200, {"outcome": "taken", "status": 204, "why": ""}),
    ]


@pytest.mark.parametrize("act", ["resume", "test"])
def test_what_is_not_there_or_cannot_be_read_says_so(api: Api, world: World, act: str) -> None:
    assert api("POST", f"/v1/webhooks/nobody/{act}", {}, who="admin")[0] == 404
    status, problem = api("POST", f"/v1/webhooks/two/{act}", {}, who="admin")
    assert status == 409
    assert "whsec_" in problem["detail"]
    assert world.receivers.came == []
