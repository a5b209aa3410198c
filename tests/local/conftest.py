"""A sandbox on a free port, and a receiver that collects what it posts."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import urllib3

from local.config import TELEGRAM, WHATSAPP
from local.sandbox.server import SandboxServer

HTTP = urllib3.PoolManager(retries=False, timeout=60.0)


@dataclass
class Receiver:
    """Takes callbacks; answers with the queued statuses first, then 200."""

    url: str = ""
    posts: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def statuses(self) -> list[dict[str, Any]]:
        """Every WhatsApp status that arrived, in order."""
        return [
            status
            for path, _, body in self.posts
            if path.endswith("whatsapp")
            for change in json.loads(body)["entry"][0]["changes"]
            for status in change["value"].get("statuses", [])
        ]


@pytest.fixture
def receiver(socket_enabled: None) -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            asked = dict(parse_qsl(url.query))
            good = url.path != "/refuses" and asked["hub.verify_token"] == WHATSAPP.verify_token
            body = asked["hub.challenge"].encode() if good else b""
            self.send_response(200 if good else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.posts.append((self.path, dict(self.headers.items()), body))
            self.send_response(kept.answers.pop(0) if kept.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    kept.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield kept
    server.shutdown()
    server.server_close()


@dataclass
class Client:
    """Calls the sandbox as the application and as the laptop's controls do."""

    url: str
    log: Path
    clock_file: Path

    def call(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        raw = None if body is None else json.dumps(body)
        answer = HTTP.request(method, self.url + path, body=raw, headers=headers)
        return answer.status, json.loads(answer.data) if answer.data else None

    def whatsapp(self, body: object, token: str = WHATSAPP.access_token) -> tuple[int, Any]:
        path = f"/whatsapp/v23.0/{WHATSAPP.phone_number_id}/messages"
        return self.call("POST", path, body, Authorization=f"Bearer {token}")

    def telegram(self, method: str, body: object, token: str = TELEGRAM.bot_token) -> tuple[int, Any]:
        return self.call(
            "POST", f"/telegram/bot{token}/{method}", body, **{"Content-Type": "application/json"}
        )

    def lines(self, kind: str | None = None) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if kind in (None, line["kind"])]

    def settled(self) -> None:
        """Wait until no callback is on its way."""
        eventually(lambda: self.call("GET", "/healthz")[1]["pending"] == 0)


def eventually(holds: Callable[[], object], within_s: float = 60.0) -> None:
    """Wait until it holds, or fail."""
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it did not come to hold in time"
        time.sleep(0.01)


@pytest.fixture
def start(receiver: Receiver, tmp_path: Path) -> Iterator[Callable[[], Client]]:
    """Starts a sandbox; called again, it stops the first and starts anew on the same files."""
    running: list[SandboxServer] = []

    def stop() -> None:
        while running:
            server = running.pop()
            server.shutdown()
            server.server_close()

    def begin() -> Client:
        stop()
        log, clock_file = tmp_path / "sandbox.jsonl", tmp_path / "clock"
        server = SandboxServer(0, receiver.url, log, clock_file)
        running.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return Client(f"http://127.0.0.1:{server.server_port}", log, clock_file)

    yield begin
    stop()


@pytest.fixture
def sandbox(start: Callable[[], Client]) -> Client:
    return start()


def template(
    to: str = "919000000001",
    *params: str,
    name: str = "janjan_code",
    key: str | None = None,
    language: str = "hi",
) -> dict[str, Any]:
    """A template message as the Cloud API takes it."""
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "type": "template",
        "template": {
            "name": name,
            "language": {"code": language},
            "components": [
                {"type": "body", "parameters": [{"type": "text", "text": text} for text in params]}
            ],
        },
    }
    if key is not None:
        body["biz_opaque_callback_data"] = key
    return body


def text(to: str, words: str) -> dict[str, Any]:
    """A free text message as the Cloud API takes it."""
    return {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": words}}
