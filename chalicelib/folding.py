"""One resource of the API Gateway for many addresses: the console's pages.

A REST API has at most 300 resources, one for each part of each path, and the programme's interface uses most
of them. The console's addresses are matched here instead: `Api` declares them like any others, the gateway
sees `/console` and as many further parts as the longest has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

ROOT = "/console"
DEEPEST = 4
"""Parts after the root."""
METHODS = ("GET", "POST")
Kept = TypeVar("Kept")


def is_folded(path: str) -> bool:
    """Whether this address is matched here."""
    return path == ROOT or path.startswith(f"{ROOT}/")


def resources() -> Iterator[str]:
    """What the gateway sees: `/console`, `/console/{part1}`, `/console/{part1}/{part2}` and so on."""
    for depth in range(DEEPEST + 1):
        yield ROOT + "".join(f"/{{part{number}}}" for number in range(1, depth + 1))


class Folded(Generic[Kept]):
    """Addresses with what is kept for each."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], list[tuple[tuple[str, ...], Kept]]] = {}

    def add(self, method: str, path: str, kept: Kept) -> None:
        """Raises ValueError for an address that is there, deeper than the gateway sees, or not a page's."""
        parts = _parts(path)
        if len(parts) > DEEPEST or method not in METHODS:
            raise ValueError(f"{method} {path}: at most {DEEPEST} parts below {ROOT}, GET or POST")
        there = self._kept.setdefault((method, len(parts)), [])
        if any(_shape(parts) == _shape(other) for other, _ in there):
            raise ValueError(f"{method} {path} is there already")
        there.append((parts, kept))
        there.sort(key=lambda one: [part.startswith("{") for part in one[0]])

    def find(self, method: str, values: list[str]) -> tuple[Kept, dict[str, str]] | None:
        """What is kept for the address with these parts below the root, and its named parts; a part that is
        written out comes before one that is named."""
        for parts, kept in self._kept.get((method, len(values)), []):
            pairs = list(zip(parts, values, strict=True))
            if all(part.startswith("{") or part == value for part, value in pairs):
                return kept, {part[1:-1]: value for part, value in pairs if part.startswith("{")}
        return None


def _parts(path: str) -> tuple[str, ...]:
    return tuple(path.removeprefix(ROOT).strip("/").split("/")) if path != ROOT else ()


def _shape(parts: tuple[str, ...]) -> list[str]:
    return ["{}" if part.startswith("{") else part for part in parts]
