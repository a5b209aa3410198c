from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib import http
from chalicelib.identity.roles import Principal
from tests.influencers import test_routes as routes
from tests.influencers.test_routes import Api, KnownStaff, api, joined
from tests.pages.conftest import prepared

__all__ = ["api", "prepared"]
APPROVER = Principal("usr_ap", "Ap", "p@x.test", frozenset({"approver"}))
AUDITOR = Principal("usr_au", "Au", "u@x.test", frozenset({"auditor"}))
OTHER = Principal("usr_other", "Other", "b@x.test", frozenset({"coordinator"}), frozenset({"D9001"}))


@pytest.fixture(autouse=True)
def more_staff(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, who in (("approver", APPROVER), ("auditor", AUDITOR), ("other", OTHER)):
        monkeypatch.setitem(routes.STAFF, name, who)


@pytest.fixture
def creator(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An approved creator of booth D9001-A1-P1, who calls as `me`."""
    person = joined(api)
    assert api("POST", f"/v1/influencers/{person}/review", {"decision": "approve"}, who="admin")[0] == 200

    class Both(KnownStaff):
        def creator(self, bearer: str) -> object:
            return type("Creator", (), {"id": person})()

        heard = creator

    monkeypatch.setattr(http._doors[0], "gate", Both)
    return person
