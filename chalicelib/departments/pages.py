"""One page of a long list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

MOST_READ = 1000
"""Records looked at for one page: a rare filter answers early, with a cursor to go on."""
One = TypeVar("One")
Known = TypeVar("Known")
Placed = tuple[One, dict[str, Any]]
A_REQUEST = 100
"""Rows of which something more is asked at once."""


def each_with(
    rows: Iterable[Placed[One]], ask: Callable[[list[One]], Callable[[One], Known]]
) -> Iterator[Placed[tuple[One, Known]]]:
    """The rows, each beside what `ask` tells of it: asked for a hundred rows at once, as far as the rows are
    read."""
    left = iter(rows)
    while some := list(islice(left, A_REQUEST)):
        known = ask([one for one, _ in some])
        yield from (((one, known(one)), place) for one, place in some)


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
