"""Ports on the loopback: a free one, or one clear line about a taken one."""

import socket

HOST = "127.0.0.1"


class PortTaken(Exception):
    """Something else listens where we have to; the message says which variable picks another port."""


def is_free(port: int) -> bool:
    """Whether `port` can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def require_free(port: int, variable: str, what: str) -> None:
    """Raises PortTaken if `port`, meant for `what`, is in use; `variable` is what sets it."""
    if not is_free(port):
        raise PortTaken(f"Port {port} for {what} is taken. Free it, or choose another: {variable}=<port>.")


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
