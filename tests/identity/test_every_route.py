"""Every route of every feature: it says who may call it, and holds to that."""

from __future__ import annotations

import re

import pytest
from chalice.test import Client

from app import app
from chalicelib import folding
from chalicelib.http import CREATOR, PUBLIC, ROUTES, SIGN_IN
from chalicelib.identity.roles import MATRIX

GUARDED = [route for route in ROUTES if route.allow != PUBLIC]
PATHS = [f"{route.method} {route.path}" for route in GUARDED]


def test_every_route_that_chalice_serves_was_declared_with_who_may_call_it():
    served = {(method, path) for path, methods in app.routes.items() for method in methods}
    behind = {(method, path) for path in folding.resources() for method in folding.METHODS}
    declared = {(route.method, route.path) for route in ROUTES if not folding.is_folded(route.path)}
    assert served == declared | behind


def test_the_gateway_has_room_for_every_address():
    """Amazon API Gateway: 300 resources for each REST API, unless AWS raises the quota."""
    parts = [path.strip("/").split("/") for path in app.routes]
    resources = {tuple(path[: depth + 1]) for path in parts for depth in range(len(path))}
    assert len(resources) < 280


@pytest.mark.parametrize("route", GUARDED, ids=PATHS)
def test_a_guarded_route_names_an_action_of_the_matrix_or_is_the_creators_own(route):
    assert route.allow in MATRIX or route.allow == CREATOR


def test_no_action_of_the_staff_is_called_as_the_creators_own_door():
    assert CREATOR not in MATRIX


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer nonsense"},
        {"Cookie": "janjan_session=x; janjan_me=y"},
    ],
)
@pytest.mark.parametrize("route", GUARDED, ids=PATHS)
def test_a_guarded_route_lets_no_stranger_in(route, headers):
    kind = "application/x-www-form-urlencoded" if route.kind == "page" else "application/json"
    path = re.sub(r"\{\w+\}", "x", route.path)
    with Client(app) as client:
        answer = client.http.request(route.method, path, headers={"Content-Type": kind} | headers, body=b"{}")
    if route.kind == "page":
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith(SIGN_IN.get(route.allow, "/signin") + "?")
    else:
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_every_list_is_read_page_by_page():
    lists = [route for route in ROUTES if route.answer is not None and "items" in route.answer.model_fields]
    assert len(lists) > 15
    for route in lists:
        assert "next" in route.answer.model_fields, route.path
        if route.method == "GET":
            assert {"limit", "cursor"} <= set(route.query.model_fields if route.query else ()), route.path


def test_no_answer_that_tells_of_a_person_is_kept_for_a_repeated_write():
    personal = {"url", "account", "email", "phone", "handles", "handle", "chat", "token", "deep_link"}
    for route in ROUTES:
        kept = route.method != "GET" and route.kind == "json" and route.kept and route.allow != PUBLIC
        if kept and route.answer is not None:
            told = set(route.again.names) if route.again else set(route.answer.model_fields)
            assert not told & personal, f"{route.method} {route.path} keeps {told & personal}"


def test_leaving_out_who_may_call_is_an_error_at_once():
    from chalicelib.http import Api

    with pytest.raises(TypeError, match="allow"):
        Api("x").get("/v1/x", summary="x")  # type: ignore[call-arg]
