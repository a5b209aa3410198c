"""The one HTTP client of all adapters: pooled, no retries, no redirects, a time-out on every call."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from chalicelib.errors import Transient
from chalicelib.platforms.base import Headers, OutcomeUnknown
from chalicelib.platforms.payload import packed

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

CONNECT_S = 2.0
READ_S = 8.0
IDLE_S = 20.0
"""A connection that rested longer is not used again: a Lambda sleeps, the other side hangs up, and a request
into the closed connection would have no known outcome."""
POOL = 32
"""Connections that are kept to one host: a chunk has up to 25 requests under way."""


class HttpClient:
    """Sends each request once, and says of a failure whether the request may have arrived."""

    def __init__(self, connect_s: float = CONNECT_S, read_s: float = READ_S, idle_s: float = IDLE_S) -> None:
        self._timeouts = (connect_s, read_s)
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._pool: PoolManager | None = None
        self._used_at = 0.0

    def post_json(
        self, url: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> tuple[int, Headers, Any]:
        """Status, headers (names in lower case) and the JSON answer, None when it is none.

        Raises Transient when no connection was made, so that surely nothing was sent, and OutcomeUnknown when
        the answer did not come whole.
        """
        return self._ask("POST", url, packed(body), {**headers, "Content-Type": "application/json"})

    def post_form(
        self, url: str, body: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, Headers, Any]:
        """The same with a form's fields."""
        kind = "application/x-www-form-urlencoded"
        return self._ask("POST", url, urlencode(body).encode("ascii"), {**headers, "Content-Type": kind})

    def get_json(self, url: str, headers: Mapping[str, str]) -> tuple[int, Headers, Any]:
        """The same for what only reads."""
        return self._ask("GET", url, None, headers)

    def get_text(self, url: str, headers: Mapping[str, str]) -> tuple[int, Headers, str]:
        """The same for what is no JSON, such as a certificate."""
        status, found, content = self._whole("GET", url, None, headers)
        return status, found, content.decode("utf-8", "replace")

    def get_bytes(self, url: str, headers: Mapping[str, str], most: int) -> tuple[int, Headers, bytes]:
        """The same for a file: of one larger than `most`, the first `most` + 1 bytes."""
        return self._whole("GET", url, None, headers, most + 1)

    def _ask(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, Headers, Any]:
        status, found, content = self._whole(method, url, body, {**headers, "Accept": "application/json"})
        try:
            return status, found, json.loads(content)
        except (ValueError, RecursionError):
            return status, found, None

    def _whole(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], most: int | None = None
    ) -> tuple[int, Headers, bytes]:
        from urllib3.exceptions import ConnectTimeoutError, HTTPError

        try:
            answer = self._fresh_pool().request(
                method,
                url,
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                preload_content=most is None,
            )
            content = answer.data if most is None else _beginning(answer, most)
        except ConnectTimeoutError as error:  # NewConnectionError is one
            raise Transient("The platform could not be reached.") from error
        except HTTPError as error:
            raise OutcomeUnknown from error
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, content

    def _fresh_pool(self) -> PoolManager:
        with self._lock:
            now = time.time()  # a frozen process's monotonic clock may stand still
            if self._pool is None or not 0 <= now - self._used_at <= self._idle_s:
                self._pool = _pool(*self._timeouts)
            self._used_at = now
            return self._pool


def _beginning(answer: BaseHTTPResponse, most: int) -> bytes:
    """Up to `most` bytes of the body; the rest is not read, so its connection is of no use any more."""
    parts, left = [], most
    try:
        while left > 0 and (part := answer.read(left)):
            parts.append(part)
            left -= len(part)
    finally:
        answer.close()
    return b"".join(parts)


def _pool(connect_s: float, read_s: float) -> PoolManager:
    from urllib3 import PoolManager
    from urllib3.util import Timeout

    # urllib3's warnings show URLs, and a bot's URL holds its token
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    made = PoolManager(maxsize=POOL, timeout=Timeout(connect=connect_s, read=read_s))
    made.pool_classes_by_scheme = _pool_classes()
    return made


@cache
def _pool_classes() -> dict[str, Any]:
    """Pools whose connections say of every failure before the request, TLS included, that they were not
    made."""
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    def marked(kind: Any) -> Any:  # noqa: ANN401 - urllib3 asks for a class of its own
        class Marked(kind):  # type: ignore[misc]
            def connect(self) -> None:
                try:
                    super().connect()
                except ConnectTimeoutError:
                    raise
                except Exception as error:
                    raise NewConnectionError(self, f"no connection: {type(error).__name__}") from error

        return Marked

    class Plain(HTTPConnectionPool):
        ConnectionCls = marked(HTTPConnection)

    class Tls(HTTPSConnectionPool):
        ConnectionCls = marked(HTTPSConnection)

    return {"http": Plain, "https": Tls}
