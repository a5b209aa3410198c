"""One request to a receiver that somebody named: to public addresses only, once, within five seconds.

The host's name is looked up once, every address that it stands for is checked, and the connection goes to one
of those very addresses, with the name for TLS and Host: what the name stands for a moment later does not
matter. The standard library's connection gets a socket of our own: time-outs of a pool hold for each read,
not for the whole (docs/decisions/webhooks.md).
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any

from chalicelib.webhooks.model import Answer, Target, may_be_reached

WHOLE_S = 5.0
MOST_ADDRESSES = 3


@cache
def _public_tls() -> ssl.SSLContext:
    """Certificates and names are checked, TLS 1.2 or newer."""
    made = ssl.create_default_context()
    made.set_alpn_protocols(["http/1.1"])
    return made


class Poster:
    """Posts to receivers. `loopback`: this is a laptop, and this machine may be reached, too."""

    def __init__(
        self,
        *,
        loopback: bool = False,
        whole_s: float = WHOLE_S,
        look_up: Callable[..., list[Any]] = socket.getaddrinfo,
        tls: Callable[[], ssl.SSLContext] = _public_tls,
    ) -> None:
        self._loopback, self._whole_s = loopback, whole_s
        self._look_up, self._tls = look_up, tls

    def post(self, target: Target, body: bytes, headers: Mapping[str, str]) -> Answer:
        """What became of it. Redirects are not followed, and nothing of the answer's body is read."""
        until = time.monotonic() + self._whole_s
        addresses = self._addresses(target, until)
        if not addresses:
            return Answer(0, "name_unknown")
        if not all(may_be_reached(one, target, loopback=self._loopback) for one in addresses):
            return Answer(0, "address_not_public")
        for address in addresses[:MOST_ADDRESSES]:
            try:
                plain = socket.create_connection((address, target.port), _left(until))
            except OSError:
                continue
            return self._ask(plain, target, body, headers, until)
        return Answer(0, "no_connection")

    def _addresses(self, target: Target, until: float) -> list[str]:
        """What the host's name stands for; nothing when it stands for nothing, or that is not told in time.
        A look-up cannot be cut off: one that hangs is left behind."""
        found: list[str] = []

        def ask() -> None:
            with contextlib.suppress(OSError, UnicodeError):
                places = self._look_up(target.host, target.port, type=socket.SOCK_STREAM)
                found.extend(dict.fromkeys(str(place[0]) for *_, place in places))

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(_left(until))
        return sorted(found, key=lambda one: ":" in one)  # a function outside of a VPC has no way by IPv6

    def _ask(
        self, plain: socket.socket, target: Target, body: bytes, headers: Mapping[str, str], until: float
    ) -> Answer:
        try:
            with (
                plain,
                contextlib.closing(self._connection(plain, target)) as connection,
                _cut(connection.sock, until),
            ):
                if isinstance(connection.sock, ssl.SSLSocket):
                    connection.sock.do_handshake()
                connection.request("POST", target.path, body, {"Connection": "close", **headers})
                with connection.getresponse() as answer:
                    if time.monotonic() >= until:  # what was cut off in its headers looks like a whole one
                        return Answer(0, "no_answer")
                    return Answer(answer.status, retry_after=answer.getheader("Retry-After"))
        except ssl.SSLError:
            return Answer(0, "tls")
        except (OSError, HTTPException):
            return Answer(0, "no_answer")

    def _connection(self, plain: socket.socket, target: Target) -> HTTPConnection:
        if target.scheme == "http":
            connection = HTTPConnection(target.host, target.port)
            connection.sock = plain
        else:
            tls = self._tls()
            connection = HTTPSConnection(target.host, target.port, context=tls)
            connection.sock = tls.wrap_socket(
                plain, server_hostname=target.host, do_handshake_on_connect=False
            )
        connection.auto_open = 0  # it never looks for another address by itself
        return connection


def _left(until: float) -> float:
    return max(0.001, until - time.monotonic())


@contextlib.contextmanager
def _cut(held: socket.socket, until: float) -> Iterator[None]:
    """Ends a connection when its time is over, also one on which a byte comes now and then."""

    def cut() -> None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(held, socket.SHUT_RDWR)  # SSLSocket's own would forget TLS while it reads

    held.settimeout(_left(until))
    timer = threading.Timer(_left(until), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
