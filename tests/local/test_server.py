"""The laptop's server hands on what was sent, as API Gateway does."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from chalice.app import Chalice, Response

from local.server import LARGEST_BODY, NOT_FOUND, Site, make_server

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def echo_app() -> Chalice:
    app = Chalice("echo")
    app.api.binary_types = ["image/png"]
    types = ["application/json", "application/octet-stream", "image/png"]

    @app.route("/echo/{name}", methods=["GET", "POST", "HEAD"], content_types=types)
    def echo(name: str) -> Response:
        request = app.current_request
        seen = {
            "name": name,
            "query": {key: request.query_params.getlist(key) for key in request.query_params or {}},
            "header": request.headers.get("x-token"),
            "source": request.context["identity"]["sourceIp"],
        }
        return Response(seen, headers={"Set-Cookie": ["a=1", "b=2"]})

    @app.route("/bytes", methods=["POST"], content_types=types)
    def raw() -> Response:
        body = app.current_request.raw_body
        return Response(body, headers={"Content-Type": "image/png"})

    @app.route("/slow/{name}")
    def slow(name: str) -> dict[str, Any]:
        first = app.current_request.uri_params["name"]
        gate.wait(5)
        return {"first": first, "then": app.current_request.uri_params["name"], "name": name}

    gate = threading.Barrier(2)
    return app


@pytest.fixture
def port() -> Iterator[int]:
    server = make_server(Site(echo_app()), 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield int(server.effective_port)
    with contextlib.suppress(OSError):  # it may be closed before the pull is through
        server.trigger.pull_trigger(server.close)  # by the thread that serves
    thread.join(60)
    assert not thread.is_alive()
    server.task_dispatcher.shutdown()


def ask(port: int, method: str, target: str, body: bytes | None = None, **headers: str) -> tuple[Any, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, target, body, {k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def test_path_parameters_are_decoded_after_the_path_is_split(port):
    _, content = ask(port, "GET", "/echo/%E0%A4%A8%E0%A4%AE%2F%20x")
    assert json.loads(content)["name"] == "नम/ x"


def test_a_query_keeps_every_value_and_empty_ones(port):
    _, content = ask(port, "GET", "/echo/a?x=1&x=2&y=&z=%E0%A4%A8+b")
    assert json.loads(content)["query"] == {"x": ["1", "2"], "y": [""], "z": ["न b"]}


def test_headers_arrive_and_several_cookies_leave(port):
    answer, content = ask(port, "GET", "/echo/a", X_Token="secret")
    assert json.loads(content)["header"] == "secret"
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_the_callers_address_is_told(port):
    _, content = ask(port, "GET", "/echo/a")
    assert json.loads(content)["source"] == "127.0.0.1"


def test_a_caller_on_this_machine_may_stand_for_another_address(port):
    _, content = ask(port, "GET", "/echo/a", X_Forwarded_For="198.18.0.7")
    assert json.loads(content)["source"] == "198.18.0.7"


@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream", "image/png"])
def test_a_body_of_four_megabytes_comes_through_byte_by_byte(port, kind):
    body = bytes(range(256)) * (4 * 2**20 // 256)
    answer, content = ask(port, "POST", "/bytes", body, Content_Type=kind, Accept="image/png")
    assert (answer.status, content == body) == (200, True)


def test_a_head_request_has_the_headers_and_no_body(port):
    answer, content = ask(port, "HEAD", "/echo/a")
    assert (answer.status, content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0


def test_an_unknown_path_is_not_found_as_a_problem(port):
    answer, content = ask(port, "GET", "/nothing/here")
    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert json.loads(content) == NOT_FOUND


def test_a_body_beyond_api_gateways_limit_is_refused(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest("POST", "/bytes")
    connection.putheader("Content-Length", str(LARGEST_BODY + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_two_requests_at_once_see_each_their_own(port):
    answers: dict[str, Any] = {}

    def one(name: str) -> None:
        answers[name] = json.loads(ask(port, "GET", f"/slow/{name}")[1])

    threads = [threading.Thread(target=one, args=(name,)) for name in ("x", "y")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {name: {"first": name, "then": name, "name": name} for name in ("x", "y")}
