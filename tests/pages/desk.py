"""The console's pages in this process, asked for by whoever of the staff a test names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from chalice.test import Client, HTTPResponse

from chalicelib import http
from tests.influencers.test_routes import KnownStaff


@dataclass
class Desk:
    client: Client

    def get(self, path: str, who: str = "admin", **headers: str) -> HTTPResponse:
        sent = {"Authorization": f"Bearer {who}", "Accept-Language": "en"}
        return self.client.http.get(path, headers=sent | {k.replace("_", "-"): v for k, v in headers.items()})

    def text(self, path: str, who: str = "admin", **headers: str) -> str:
        """A page that is there."""
        answer = self.get(path, who, **headers)
        assert answer.status_code == 200, answer.body  # noqa: PLR2004
        return str(answer.body.decode())

    def post(
        self, path: str, fields: Mapping[str, Any] | None = None, who: str = "admin", **headers: str
    ) -> HTTPResponse:
        sent = {
            "Authorization": f"Bearer {who}",
            "Accept-Language": "en",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        sent |= {k.replace("_", "-"): v for k, v in headers.items()}
        return self.client.http.post(path, headers=sent, body=urlencode(fields or {}, doseq=True).encode())


@pytest.fixture
def desk(prepared: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The console on the engine's tables, with the staff of tests/influencers/test_routes.py."""
    import app

    monkeypatch.setattr(http._doors[0], "gate", KnownStaff)
    with Client(app.app) as client:
        yield Desk(client)
