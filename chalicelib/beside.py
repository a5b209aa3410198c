"""Reads that do not wait for one another."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar, cast

One = TypeVar("One")
Other = TypeVar("Other")
MOST_AT_ONCE = 32
"""Reads of one page that are made at the same time: a campaign of each day has hundreds of runs, and a Lambda
at most 1,024 threads."""


def together(*reads: Callable[[], Any]) -> list[Any]:
    """What several reads give, all made at the same time, up to MOST_AT_ONCE: as one round trip to the
    database. Raises what the first of them raises that does. They may read side by side themselves: the
    threads are those of this call alone, so that nobody waits for a thread that waits for them."""
    if len(reads) < 2:  # noqa: PLR2004
        return [read() for read in reads]
    with ThreadPoolExecutor(min(len(reads), MOST_AT_ONCE) - 1, thread_name_prefix="together") as readers:
        later = [readers.submit(read) for read in reads[1:]]
        return [reads[0](), *(one.result() for one in later)]


def both(one: Callable[[], One], other: Callable[[], Other]) -> tuple[One, Other]:
    """What both give, `other` beside `one`: as one round trip to the database. Raises what they raise."""
    first, second = together(one, other)
    return first, second


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
