"""Posts in the console: listed, decided on, with the figures that their creators say."""

from __future__ import annotations

from collections.abc import Collection
from types import SimpleNamespace
from urllib.parse import urlencode

import boto3
import pytest
from chalice.test import Client, HTTPResponse

from chalicelib import wiring
from tests.metrics.test_figure_routes import LINK, Api, api
from tests.metrics.world import World

__all__ = ["api"]


@pytest.fixture
def site(api: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> Api:
    def known(who: object, ids: Collection[str]) -> dict[str, SimpleNamespace]:
        campaign = SimpleNamespace(content=SimpleNamespace(title="Vaccination week"))
        return {"cmp_a": campaign} if "cmp_a" in ids else {}

    places = SimpleNamespace(many=lambda _: {}, departments=lambda: [])
    monkeypatch.setattr(wiring, "campaigns", lambda: SimpleNamespace(known=known))
    monkeypatch.setattr(wiring, "directory", lambda: places)
    monkeypatch.setattr(wiring, "clock", lambda: world.clock)
    monkeypatch.setattr(wiring, "public_url", lambda: "http://127.0.0.1")
    return api


def call(method: str, path: str, who: str = "admin", **fields: str) -> HTTPResponse:
    from app import app

    headers = {"Authorization": f"Bearer {who}", "Content-Type": "application/x-www-form-urlencoded"}
    with Client(app) as client:
        return client.http.request(method, path, headers=headers, body=urlencode(fields).encode())


def text(answer: HTTPResponse) -> str:
    return str(answer.body.decode())


def handed_in(api: Api) -> str:
    return str(api("POST", "/v1/me/posts", {"url": LINK}, "one")[1]["id"])


def test_a_post_that_was_handed_in_is_listed_and_other_districts_do_not_see_it(site: Api) -> None:
    made = handed_in(site)
    assert made in text(call("GET", "/console/posts?lang=en"))
    assert made not in text(call("GET", "/console/posts?lang=en", "coordinator"))
    assert call("GET", f"/console/posts/{made}?lang=en", "coordinator").status_code == 404


def test_whose_it_is_is_decided_with_a_reason(site: Api) -> None:
    where = f"/console/posts/{handed_in(site)}"
    assert call("POST", f"{where}/decision?lang=en", matched="yes").status_code == 422
    nothing = call("POST", f"{where}/decision?lang=en", reason="Because")
    assert nothing.status_code == 422 and "Because" in text(nothing)
    answer = call(
        "POST", f"{where}/decision?lang=en", matched="yes", campaign="none", reason="Saw the account"
    )
    assert answer.status_code == 303
    page = text(call("GET", f"{where}?lang=en&said=decided"))
    assert "Saw the account" in page and "By a decision of the staff." in page
    assert call("POST", f"{where}/decision?lang=en", "auditor", matched="no", reason="x").status_code == 403


def test_a_campaign_that_there_is_not_is_refused_and_the_choice_stays(site: Api) -> None:
    where = f"/console/posts/{handed_in(site)}/decision?lang=en"
    answer = call("POST", where, campaign="other", other="cmp_nowhere", reason="x")
    assert answer.status_code == 422
    assert 'value="cmp_nowhere"' in text(answer)


def test_figures_are_noted_as_the_creators_word_by_the_clock_of_india(site: Api, world: World) -> None:
    where = f"/console/posts/{handed_in(site)}"
    at = f"{world.clock.now():%Y-%m-%dT%H:%M}"
    answer = call("POST", f"{where}/figures?lang=en", views="12,345", likes="", measured_at=at)
    assert answer.status_code == 303, text(answer)
    page = text(call("GET", f"{where}?lang=en"))
    assert "12,345" in page and "Said by creators" in page
    assert "no data" in page, "what its platform does not tell is no data"


@pytest.mark.parametrize(
    "fields", [{}, {"views": "many"}, {"views": "-1"}, {"views": "5", "measured_at": "yesterday"}]
)
def test_figures_that_cannot_be_are_refused_and_stay_in_the_form(site: Api, fields: dict[str, str]) -> None:
    where = f"/console/posts/{handed_in(site)}"
    answer = call("POST", f"{where}/figures?lang=en", **fields)
    assert answer.status_code == 422
    assert all(value in text(answer) for value in fields.values())


def test_the_form_for_a_screenshot_posts_to_the_bucket_and_comes_back(site: Api) -> None:
    where = f"/console/posts/{handed_in(site)}"
    answer = call("GET", f"{where}/screenshot?lang=en&type=image/jpeg")
    bucket = boto3.client("s3").meta.endpoint_url
    assert f"form-action 'self' {bucket}" in answer.headers["Content-Security-Policy"]
    assert 'value="image/jpeg"' in text(answer)
    assert "/screenshot" not in text(call("GET", f"{where}?lang=en", "auditor"))
    back = text(call("GET", f"{where}?lang=en&key=uploads/admin/upl_x.png"))
    assert 'name="screenshot" value="uploads/admin/upl_x.png"' in back
