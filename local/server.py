"""HTTP on the laptop: waitress in front of Chalice's LocalGateway, serving the same app.py as the cloud does.

python -m local.server --port 8000 --env .local/env.json
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from wsgiref.types import StartResponse, WSGIEnvironment

import waitress
from chalice.app import Chalice
from chalice.config import Config
from chalice.local import CustomLocalChalice, LocalChalice, LocalGateway, LocalGatewayException
from waitress.server import BaseWSGIServer

from local.ports import HOST

THREADS = 8
COMPRESSED_FROM = 1024  # `minimum_compression_size` of .chalice/config.json
LARGEST_BODY = 10 * 1024 * 1024  # API Gateway's own limit
NOT_FOUND = {
    "type": "about:blank",
    "title": "Not found",
    "status": 404,
    "detail": "There is nothing at this address.",
}
"""What API Gateway answers for an unknown path, by GatewayResponses in infra/template.yaml."""
NOT_FOUND_HEADERS = {
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
"""Its headers there."""


class Site:
    """A WSGI application around one LocalGateway, which all threads share."""

    def __init__(self, app: Chalice) -> None:
        # current_request is an attribute of the app: it must be each thread's own.
        CustomLocalChalice.__bases__ = (LocalChalice, app.__class__)
        app.__class__ = CustomLocalChalice
        self._gateway = LocalGateway(app, Config.create(chalice_app=app, app_name=app.app_name))
        self._make_event = self._gateway.event_converter.create_lambda_event
        self._gateway.event_converter.create_lambda_event = self._event  # type: ignore[method-assign]
        self._local = threading.local()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        method = str(environ["REQUEST_METHOD"])
        self._local.address = environ.get("REMOTE_ADDR", HOST)
        body = environ["wsgi.input"].read() or None
        try:
            answer = self._gateway.handle_request(method, _raw_target(environ), _headers(environ), body)
        except LocalGatewayException as error:  # CODE 403: no such path
            known = error.CODE != 403  # noqa: PLR2004
            content = error.body or b"" if known else json.dumps(NOT_FOUND).encode()
            answer = {
                "statusCode": error.CODE if known else 404,
                "headers": {"Content-Type": "application/json"} if known else NOT_FOUND_HEADERS,
                "body": content,
            }
        content, headers = _content(answer), _flat(answer)
        if len(content) >= COMPRESSED_FROM and "gzip" in environ.get("HTTP_ACCEPT_ENCODING", ""):
            content = gzip.compress(content, 6)
            headers.append(("Content-Encoding", "gzip"))
        start_response(_status_line(answer["statusCode"]), [*headers, ("Content-Length", str(len(content)))])
        return [] if method == "HEAD" else [content]

    def _event(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> dict[str, Any]:
        event: dict[str, Any] = self._make_event(method=method, path=path, headers=headers, body=body)
        captured = event["pathParameters"]
        event["pathParameters"] = {name: unquote(value) for name, value in captured.items()}
        event["requestContext"]["identity"]["sourceIp"] = self._local.address
        return event


def _raw_target(environ: WSGIEnvironment) -> str:
    # Split into path parameters before it is decoded: an escaped slash belongs to a parameter.
    target = str(environ["REQUEST_URI"])
    return target if target.startswith("/") else "/" + target.split("/", 3)[-1]


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    sent = {
        key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key.startswith("HTTP_")
    }
    plain = {"content-type": environ.get("CONTENT_TYPE"), "content-length": environ.get("CONTENT_LENGTH")}
    return sent | {key: value for key, value in plain.items() if value}


def _content(answer: dict[str, Any]) -> bytes:
    body = answer["body"]
    if body is None:
        return b""
    if answer.get("isBase64Encoded"):
        return base64.b64decode(body)
    return body if isinstance(body, bytes) else str(body).encode()


def _flat(answer: dict[str, Any]) -> list[tuple[str, str]]:
    several = answer.get("multiValueHeaders", {})
    headers = [
        *answer["headers"].items(),
        *((name, value) for name, values in several.items() for value in values),
    ]
    return [(str(name), str(value)) for name, value in headers if name.lower() != "content-length"]


def _status_line(status: int) -> str:
    from http import HTTPStatus

    return f"{status} {HTTPStatus(status).phrase}"


def load_site(env: dict[str, str]) -> Site:
    """app.py with the environment of its deployment, which becomes this process's own."""
    os.environ.update(env)
    import app

    return Site(app.app)


def make_server(site: Callable[..., Iterable[bytes]], port: int) -> BaseWSGIServer:
    """A listening server; `run` serves until `close`."""
    server = waitress.create_server(
        site,
        host=HOST,
        port=port,
        threads=THREADS,
        max_request_body_size=LARGEST_BODY,
        ident=None,
        # All callers are this machine: the sample's people state their own address, as API Gateway would.
        trusted_proxy=HOST,
        trusted_proxy_headers={"x-forwarded-for"},
    )
    assert isinstance(server, BaseWSGIServer)
    return server


def stop_on_signals() -> None:
    """SIGTERM ends the process as Ctrl-C does, through its `finally` blocks."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)


def main() -> None:
    """Serves the deployment described by the file of `--env` until SIGINT or SIGTERM."""
    from local.deploy import read_environment

    parser = argparse.ArgumentParser(prog="local.server", description=main.__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--env", type=Path, default=Path(".local", "env.json"))
    given = parser.parse_args()
    stop_on_signals()
    server = make_server(load_site(read_environment(given.env)), given.port)
    try:
        server.run()
    except KeyboardInterrupt:
        sys.exit(0)
    finally:
        server.close()


if __name__ == "__main__":
    main()
