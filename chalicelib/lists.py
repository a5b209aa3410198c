"""Lists page by page: stretches of an index one after the other, with one place to go on from.

What lies in an area stands in an index under the ids of the area's path (`IN/IN-UP/D162/…`): all of an area
and below begins alike, and whoever covers several areas reads several stretches.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any, Protocol, TypeVar

from chalicelib.beside import together
from chalicelib.ports import Areas

MOST_READ = 2000
"""Rows looked at for one page: a rare filter answers early, with a place to go on from."""
AT_ONCE = 8
"""Stretches that are begun together."""
A_REQUEST = 100
"""Rows of which something more is asked at once."""
One = TypeVar("One")
Known = TypeVar("Known")
Stretch = TypeVar("Stretch")
Place = dict[str, Any]
Placed = tuple[One, Place]


class Covering(Protocol):
    """A member of staff, as far as lists ask."""

    @property
    def areas(self) -> Collection[str]: ...

    def covers_area(self, path: Sequence[str], action: str) -> bool: ...


def prefix_of(path: Sequence[str]) -> str:
    """`IN/IN-UP/D162/`: how the places of all that lies in this area and below begin."""
    return "".join(f"{part}/" for part in path)


def outermost(prefixes: Iterable[str]) -> list[str]:
    """These, sorted, without those that lie inside another."""
    kept: list[str] = []
    for prefix in sorted(prefixes):
        if not kept or not prefix.startswith(kept[-1]):
            kept.append(prefix)
    return kept


def covered_prefixes(areas: Areas, who: Covering, action: str) -> list[str]:
    """Beginnings of all places where `who` may do `action`, none inside another."""
    if who.covers_area((), action):
        return [""]
    paths = [area.path for area in areas.many(who.areas).values()] if who.areas else []
    return outermost(prefix_of(path) for path in paths if who.covers_area(path, action))


def walk(
    stretches: Sequence[Stretch],
    read: Callable[[Stretch, Any], Iterable[tuple[One, Any]]],
    after: Mapping[str, Any] | None,
) -> Iterator[Placed[One]]:
    """All of the stretches behind the place `after`, each with its own. `read` gives what lies in one stretch
    behind a key, each with its key. Some stretches are begun side by side: few rows of many areas are waited
    for once."""
    first = int(after["stretch"]) if after else 0

    def begin(number: int) -> tuple[list[tuple[One, Any]], Iterator[tuple[One, Any]]]:
        rows = iter(read(stretches[number], after["key"] if after and number == first else None))
        return list(islice(rows, 1)), rows

    for start in range(first, len(stretches), AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, len(stretches)))
        for number, begun in zip(numbers, together(*(partial(begin, one) for one in numbers)), strict=True):
            for one, key in chain(*begun):
                yield one, {"stretch": number, "key": key}


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
    rows: Iterable[Placed[One]],
    limit: int,
    wanted: Callable[[One], bool] = lambda one: True,
    known: Callable[[One], bool] = lambda one: True,
) -> tuple[list[One], Place | None]:
    """Up to `limit` of the rows that are wanted, and the place to go on from (None: the end). A row that is
    not to be `known` is no such place either: a cursor can be read."""
    found: list[One] = []
    for read, (one, place) in enumerate(rows, start=1):
        if not known(one):
            continue
        if wanted(one):
            found.append(one)
        if len(found) == limit or read >= MOST_READ:
            return found, place
    return found, None


def step(
    found: Sequence[One], ident: Callable[[One], str], after: Mapping[str, Any] | None, most: int
) -> tuple[Sequence[One], Mapping[str, Any] | None]:
    """Up to `most` of a list that was read as a whole, behind the place that the step before gave; and the
    place to go on from, None at the end. When what stood there is gone it begins anew: nothing is missed."""
    ids = [ident(one) for one in found] if after else []
    begin = ids.index(after["behind"]) + 1 if after and after["behind"] in ids else 0
    taken = found[begin : begin + most]
    return taken, {"behind": ident(taken[-1])} if begin + most < len(found) else None
