"""The sandbox's HTTP: the platforms' APIs and the controls of the contract, on loopback only."""

import contextlib
import json
import re
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from local.sandbox import phones, receiver
from local.sandbox.facebook import Facebook
from local.sandbox.instagram import Instagram
from local.sandbox.msg91 import Msg91
from local.sandbox.posting import Poster
from local.sandbox.reply import Act, Ask, Reply, SandboxPlatform
from local.sandbox.ses import Ses
from local.sandbox.telegram import Telegram
from local.sandbox.twilio import Twilio
from local.sandbox.whatsapp import WhatsApp
from local.sandbox.world import Json, World
from local.sandbox.x import X
from local.sandbox.youtube import YouTube

BODY_MOST = 1024 * 1024
TEMPLATES = Path(__file__).parent.parent / "data" / "templates.json"


PLATFORMS = (WhatsApp, Telegram, Msg91, Twilio, Ses, Instagram, Facebook, YouTube, X)


class Sandbox:
    """The platforms and their controls, apart from HTTP."""

    def __init__(self, world: World, poster: Poster, webhooks: str) -> None:
        self.world = world
        self.poster = poster
        self.platforms: dict[str, SandboxPlatform] = {
            kind.NAME: kind(world, poster, webhooks) for kind in PLATFORMS
        }

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: object) -> Reply:
        """Answer one request; `body` is parsed JSON, a form's fields, text, or None."""
        url = urlsplit(target)
        path = [part for part in url.path.split("/") if part]
        query = dict(parse_qsl(url.query.replace("+", "%2B")))
        with self.world.lock:
            match path:
                case [platform, _, *_] if platform in self.platforms:
                    return self.platforms[platform].handle(Ask(method, path[1:], query, headers, body))
                case [] if method == "GET":
                    to = _address(query.get("to")) or None
                    return Reply(200, phones.page(self.world.messages(to, None), to))
                case [control]:
                    return self._control(method, control, query, body)
        return Reply(404, {"error": "no such path"})

    def _control(self, method: str, control: str, query: dict[str, str], body: object) -> Reply:
        asked = body if isinstance(body, dict) else {}
        known: dict[tuple[str, str], Callable[[], Reply]] = {
            ("GET", "healthz"): lambda: Reply(200, {"status": "ok", "pending": self.poster.pending}),
            ("GET", "log"): lambda: self._log(query),
            ("GET", "messages"): lambda: self._messages(query),
            ("DELETE", "messages"): lambda: self._forget(query),
            ("GET", "behaviour"): lambda: Reply(200, asdict(self.world.behaviour)),
            ("POST", "behaviour"): lambda: self._behave(asked),
            ("POST", "clock"): lambda: self._clock(asked),
            ("POST", "inbound"): lambda: self._inbound(asked),
            ("POST", "block"): lambda: self._block(asked),
        }
        if (method, control) not in known:
            return Reply(404, {"error": "no such path"})
        try:
            return known[method, control]()
        except ValueError as error:
            return Reply(400, {"error": str(error)})

    def _log(self, query: dict[str, str]) -> Reply:
        lines = list(self.world.journal.since(int(query.get("since", 0))))
        return Reply(200, {"items": lines, "next": lines[-1]["seq"] if lines else None})

    def _messages(self, query: dict[str, str]) -> Reply:
        return Reply(200, self.world.messages(_address(query.get("to")), query.get("platform")))

    def _forget(self, query: dict[str, str]) -> Reply:
        self.world.forget(_address(query.get("to")))
        return Reply(204, None)

    def _behave(self, asked: Json) -> Reply:
        self.world.behaviour = self.world.behaviour.changed(asked)
        values = asdict(self.world.behaviour)
        self.world.journal.add("behaviour", **values)
        return Reply(200, values)

    def _clock(self, asked: Json) -> Reply:
        offset = asked.get("offset_s")
        if isinstance(offset, bool) or not isinstance(offset, int | float) or len(asked) != 1:
            raise ValueError("give offset_s, a number of seconds, and nothing else")
        self.world.clock.move(offset)
        self.world.journal.add("clock", offset_s=offset)
        return Reply(200, {"offset_s": offset})

    def _inbound(self, asked: Json) -> Reply:
        platform, kind = str(asked.get("platform", "")), str(asked.get("kind", "text"))
        acts = self.platforms[platform].acts if platform in self.platforms else {}
        if kind not in acts:
            known = "; ".join(f"{name}: {', '.join(one.acts)}" for name, one in self.platforms.items())
            raise ValueError(f"platform and kind: {known}")
        named = {"platform", "kind", "from", "text", "name"}
        _known(asked, named | self.platforms[platform].extras)
        more = {name: value for name, value in asked.items() if name not in named}
        act = Act(
            str(asked.get("from", "")), str(asked.get("text", "")), str(asked.get("name", "नमूना")), more
        )
        return Reply(202, {"id": acts[kind](act)})

    def _block(self, asked: Json) -> Reply:
        _known(asked, {"platform", "from", "blocked"})
        platform, blocked = asked.get("platform"), asked.get("blocked", True)
        address = _address(str(asked.get("from", "")))
        if platform not in self.platforms or not address or not isinstance(blocked, bool):
            raise ValueError("give platform (such as whatsapp or telegram), from (an address) and blocked")
        if platform == "whatsapp":
            address = f"+{address}"
        self.world.block(platform, address, blocked=blocked)
        self.world.journal.add("block", platform=platform, address=address, blocked=blocked)
        return Reply(200, {"blocked": blocked})


def _known(asked: Json, names: set[str]) -> None:
    if unknown := sorted(set(asked) - names):
        raise ValueError(f"unknown: {', '.join(unknown)}")


def _address(given: str | None) -> str | None:
    """An address as the inbox keeps it: an email as it is, a number as digits, whether asked for with a plus
    and spaces or without."""
    return given if given is None or "@" in given else re.sub(r"\D", "", given)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "SandboxServer"
    timeout = 120
    disable_nagle_algorithm = True
    wbufsize = -1

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_MOST:
            self.close_connection = True
            self._answer(Reply(413, {"error": "the body is too large"}))
            return
        raw = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.path.startswith("/receiver/"):
            with self.server.sandbox.world.lock:
                reply = receiver.take(self.server.sandbox.world, headers, raw)
            self._answer(reply)
            return
        try:
            body = json.loads(raw) if raw else None
        except ValueError:  # who says nothing of JSON may post JSON all the same
            body = raw.decode("utf-8", "replace")
            if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
                body = dict(parse_qsl(body, keep_blank_values=True))
        reply = self.server.sandbox.answer(self.command, self.path, headers, body)
        if reply.cut:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._answer(reply)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the library's names

    def _answer(self, reply: Reply) -> None:
        body, kind = reply.body or b"", "application/octet-stream"
        if isinstance(reply.body, str):
            kind, body = "text/html; charset=utf-8", reply.body.encode()
        elif not isinstance(reply.body, bytes | None):
            kind = "application/json; charset=utf-8"
            body = json.dumps(reply.body, ensure_ascii=False).encode()
        self.send_response(reply.status)
        if body:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the log of the sandbox is its own."""


class SandboxServer(ThreadingHTTPServer):
    """Serves one sandbox on 127.0.0.1, a thread a connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, webhooks: str, log: Path, clock_file: Path | None = None) -> None:
        templates = json.loads(TEMPLATES.read_text(encoding="utf-8"))
        world = World(log, clock_file, templates)
        self.sandbox = Sandbox(world, Poster(world), webhooks.rstrip("/"))
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news; anything else is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def server_close(self) -> None:
        """Stop posting and close the log."""
        super().server_close()
        self.sandbox.poster.stop()
        self.sandbox.world.journal.close()
