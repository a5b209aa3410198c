from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib import http, wiring
from tests.influencers.test_routes import STAFF, Api, KnownStaff, api, joined
from tests.pages.conftest import prepared

__all__ = ["api", "prepared"]
WHATSAPP = "https://chat.whatsapp.com/Namuna{:016d}"


def link(number: int = 1) -> str:
    """An invented invite link of WhatsApp."""
    return WHATSAPP.format(number)


@pytest.fixture
def add(api: Api) -> Callable[..., str]:
    """`add("D9001")` puts a group on the register and gives its id."""
    made: list[int] = []

    def added(area: str, who: str = "admin", **more: Any) -> str:
        made.append(1)
        body = {"link": link(len(made)), "area": area, "name": f"Namuna {len(made)}"} | more
        status, group = api("POST", "/v1/groups", body, who=who)
        assert status == 201, group
        return str(group["id"])

    return added


@pytest.fixture
def creator(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An approved creator of booth D9001-A1-P1, who calls as `me`."""
    person = joined(api)
    assert api("POST", f"/v1/influencers/{person}/review", {"decision": "approve"}, who="admin")[0] == 200

    class Both(KnownStaff):
        def creator(self, bearer: str) -> object:
            return type("Creator", (), {"id": person})()

    monkeypatch.setattr(http._doors[0], "gate", Both)
    return person


@pytest.fixture
def department(prepared: object) -> str:
    wiring.directory().put_department("water", {"en": "Water"})
    wiring.directory().put_department("health", {"en": "Health"})
    return "water"


@pytest.fixture
def staff(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Who may call, by their bearer; a test adds people of its own."""
    import tests.influencers.test_routes as routes

    known = dict(STAFF)
    monkeypatch.setattr(routes, "STAFF", known)
    return known
