"""One page of a long list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

MOST_READ = 1000
"""Records looked at for one page: a rare filter answers early, with a cursor to go on."""
One = TypeVar("One")


def page(
    rows: Iterable[tuple[One, dict[str, Any]]], limit: int, wanted: Callable[[One], bool] = lambda one: True
) -> tuple[list[One], dict[str, Any] | None]:
    """Up to `limit` of the rows that are wanted, and the place to go on from (None: the end)."""
    found: list[One] = []
    for read, (one, place) in enumerate(rows, start=1):
        if wanted(one):
            found.append(one)
        if len(found) == limit or read == MOST_READ:
            return found, place
    return found, None
