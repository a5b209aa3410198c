"""Reads that do not wait for one another."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

One = TypeVar("One")
Other = TypeVar("Other")
READERS = 8


@cache
def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(READERS, thread_name_prefix="beside")


def both(one: Callable[[], One], other: Callable[[], Other]) -> tuple[One, Other]:
    """What both give, `other` beside `one`: as one round trip to the database. Raises what they raise."""
    later = _readers().submit(other)
    try:
        first = one()
    except BaseException:
        later.cancel()
        raise
    return first, later.result()
