"""Figures over HTTP: declared by creators and staff, shown with their grade; pictures to show them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from chalice.test import Client

from chalicelib import wiring
from chalicelib.clock import rfc3339
from chalicelib.errors import Forbidden, Unauthenticated
from chalicelib.files import Files
from chalicelib.identity.roles import Principal
from chalicelib.metrics.figures import Value
from chalicelib.metrics.measuring import Measuring
from chalicelib.metrics.snapshots import Snapshots
from chalicelib.ops import RateLimits
from chalicelib.uploads import Uploads
from tests.metrics.world import World

Api = Callable[..., tuple[int, dict[str, Any]]]
LINK = "https://youtu.be/dQw4w9WgXcQ"


class Gate:
    """Roles by their names; `one` and `two` are creators."""

    def principal(self, bearer: str) -> Principal:
        areas = frozenset({"D9002"}) if bearer == "coordinator" else frozenset[str]()
        return Principal(bearer, "x", "x@x.test", frozenset({bearer}), areas)  # type: ignore[arg-type]

    def require(self, principal: Principal, action: str) -> None:
        if not principal.may(action):
            raise Forbidden

    def creator(self, bearer: str) -> SimpleNamespace:
        if bearer not in ("one", "two"):
            raise Unauthenticated
        return SimpleNamespace(id=bearer)


@pytest.fixture
def api(world: World, monkeypatch: pytest.MonkeyPatch) -> Api:
    from app import app
    from chalicelib import http

    where = {"LocationConstraint": boto3.client("s3").meta.region_name}
    boto3.client("s3").create_bucket(Bucket="files", CreateBucketConfiguration=where)  # type: ignore[arg-type]
    limits, files = RateLimits(world.clock), Files("files")
    uploads = Uploads(files, limits, world.clock)
    measuring = Measuring(Snapshots(), files, uploads, limits, world.clock)
    monkeypatch.setattr(wiring, "posts", lambda: world.posts)
    monkeypatch.setattr(wiring, "uploads", lambda: uploads)
    monkeypatch.setattr(wiring, "measuring", lambda: measuring)
    monkeypatch.setattr(http._doors[0], "gate", Gate)

    def call(method: str, path: str, body: object = None, who: str = "editor") -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {who}", "Content-Type": "application/json"}
        with Client(app) as client:
            answer = client.http.request(method, path, headers=headers, body=json.dumps(body).encode())
        return answer.status_code, json.loads(answer.body)

    return call


@pytest.fixture
def post_id(world: World) -> str:
    world.says("one", LINK)
    return world.post("youtube", "dQw4w9WgXcQ").id


def word(world: World, **more: object) -> dict[str, object]:
    return {"figures": {"views": 900}, "measured_at": rfc3339(world.clock.now())} | more


def test_a_creator_says_what_figures_their_post_has_and_sees_them_beside_the_platforms(api, world, post_id):
    told = {"views": Value(world.clock.now(), 12)}
    Snapshots().change(post_id, lambda known: known.told("verified", told), world.clock.now())
    status, made = api("POST", f"/v1/me/posts/{post_id}/figures", word(world), "one")
    at = rfc3339(world.clock.now())
    expected = {
        "id": post_id,
        "verified": {"views": {"number": 12, "measured_at": at}},
        "declared": {"views": {"number": 900, "measured_at": at}},
        "gone_since": None,
        "asked_next": at,
    }
    assert (status, made) == (200, expected)
    assert api("GET", f"/v1/me/posts/{post_id}/figures", who="one") == (200, expected)


def test_staff_see_how_the_figures_came_about_and_what_shows_them(api, world, post_id):
    _, place = api("POST", "/v1/uploads", {"content_type": "image/png"})
    Files("files").put(place["key"], b"\x89PNG\r\n\x1a\nrest")
    status, _ = api("POST", f"/v1/posts/{post_id}/figures", word(world, screenshot=place["key"]))
    assert status == 200
    status, seen = api("GET", f"/v1/posts/{post_id}/figures", who="auditor")
    assert (status, [one["by"] for one in seen["history"]]) == (200, ["editor"])
    assert f"screenshots/{post_id}/upl_" in seen["screenshot_url"]


def test_a_place_for_a_picture_is_ones_own(api):
    status, place = api("POST", "/v1/me/uploads", {"content_type": "image/jpeg"}, "one")
    assert (status, place["key"].startswith("uploads/one/")) == (201, True)
    assert place["upload"]["fields"]["key"] == place["key"]
    assert api("POST", "/v1/me/uploads", {"content_type": "text/html"}, "one")[0] == 422
    assert api("POST", "/v1/uploads", {"content_type": "image/png"}, "auditor")[0] == 403


@pytest.mark.parametrize(("kind", "ending"), [("video/mp4", "mp4"), ("application/pdf", "pdf")])
def test_the_staff_may_upload_videos_and_pdfs_too(api, kind, ending):
    status, place = api("POST", "/v1/uploads", {"content_type": kind})
    assert (status, place["key"].rpartition(".")[2]) == (201, ending)
    assert place["upload"]["fields"]["Content-Type"] == kind
    assert api("POST", "/v1/me/uploads", {"content_type": kind}, "one")[0] == 422


def test_nobody_declares_for_a_post_that_is_not_theirs(api, world, post_id):
    path = f"posts/{post_id}/figures"
    assert api("POST", f"/v1/me/{path}", word(world), "two")[0] == 404
    assert api("GET", f"/v1/me/{path}", who="two")[0] == 404
    assert api("POST", f"/v1/{path}", word(world), "coordinator")[0] == 404
    assert api("GET", f"/v1/{path}", who="coordinator")[0] == 404
    assert api("POST", f"/v1/{path}", word(world), "auditor")[0] == 403
    assert api("GET", "/v1/posts/pst_none/figures")[0] == 404
    assert Snapshots().find(post_id).declared == {}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"figures": {}}, "figures"),
        ({"figures": {"views": -1}}, "figures.views"),
        ({"screenshot": "uploads/two/upl_aaaaaaaaaaaaaaaa.png"}, "screenshot"),
        ({"more": 1}, "more"),
    ],
)
def test_what_cannot_be_right_is_refused_by_its_field(api, world, post_id, change, field):
    status, problem = api("POST", f"/v1/me/posts/{post_id}/figures", word(world, **change), "one")
    assert (status, [one["field"] for one in problem["errors"]]) == (422, [field])


def test_figures_of_tomorrow_are_refused_in_the_asked_language(api, world, post_id):
    tomorrow = rfc3339(world.clock.now() + timedelta(days=1))
    path = f"/v1/me/posts/{post_id}/figures?lang=hi"
    status, problem = api("POST", path, word(world, measured_at=tomorrow), "one")
    assert (status, problem["errors"][0]["message"]) == (422, "यह समय अभी आया नहीं है।")
