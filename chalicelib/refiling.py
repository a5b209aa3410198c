"""What lies by the path of an area, and lies elsewhere than the directory has that area by now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from chalicelib.ports import Area, Areas

Thing = TypeVar("Thing")
AT_ONCE = 100
"""Areas that one request reads."""


def misfiled(
    placed: Iterable[tuple[str, tuple[str, ...], Thing]], areas: Areas
) -> Iterator[tuple[Thing, Area]]:
    """Of what is given as (id of its area, path by which it lies, thing), what lies elsewhere by now, with
    its area as it was last written. What has no area, or one that is not there, stays where it is."""
    rest = iter(placed)
    while some := list(islice(rest, AT_ONCE)):
        there = areas.many({area for area, _, _ in some if area}, fresh=True)
        for area_id, path, thing in some:
            area = there.get(area_id)
            if area is not None and area.path != path:
                yield thing, area
