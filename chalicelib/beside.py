"""Reads that do not wait for one another."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Any, TypeVar, cast

One = TypeVar("One")
Other = TypeVar("Other")
READERS = 8


@cache
def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(READERS, thread_name_prefix="beside")


def together(*reads: Callable[[], Any]) -> list[Any]:
    """What several reads give, all made at the same time: as one round trip to the database. Raises what the
    first of them raises that does. They may read side by side themselves."""
    if len(reads) < 2:  # noqa: PLR2004
        return [read() for read in reads]
    with ThreadPoolExecutor(len(reads) - 1, thread_name_prefix="together") as readers:
        later = [readers.submit(read) for read in reads[1:]]
        return [reads[0](), *(one.result() for one in later)]


def both(one: Callable[[], One], other: Callable[[], Other]) -> tuple[One, Other]:
    """What both give, `other` beside `one`: as one round trip to the database. Raises what they raise."""
    later = _readers().submit(other)
    try:
        first = one()
    except BaseException:
        later.cancel()
        raise
    return first, later.result()


@dataclass(frozen=True)
class Once:
    """What is asked for several times by one page, and read once: who asks meanwhile waits for the first."""

    _found: dict[Hashable, Future[Any]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, read: Callable[..., One], *given: Hashable) -> One:
        """What `read(*given)` gave the first time, or raised."""
        with self._lock:
            known = self._found.get((read, *given))
            one = self._found.setdefault((read, *given), Future())
        if known is None:
            try:
                one.set_result(read(*given))
            except BaseException as error:
                one.set_exception(error)
        return cast("One", one.result())
