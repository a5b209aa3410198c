"""The district that somebody means: found by its name, asked for when two bear it, never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chalicelib.ports import Area
from chalicelib.voices.routing import bare

MOST_WORDS = 8
MOST_FOUND = 20
NOT_A_NAME = frozenset(
    bare(
        "district dist zila jila zilla ज़िला जिला जनपद ضلع में se से है hai h in from state राज्य प्रदेश की का ki ka"
    ).split()
) - frozenset({"प्रदेश"})
"""Words around a name."""


class Directory(Protocol):
    def search(
        self,
        parent: str,
        typed: str,
        after: Any,  # noqa: ANN401 - the directory's own place
        limit: int,
    ) -> tuple[list[Area], Any]: ...

    def get(self, area_id: str) -> Area | None: ...


@dataclass(frozen=True)
class Districts:
    directory: Directory

    def named(self, text: str) -> list[Area]:
        """The districts that a short text names, in whatever language: one when it is clear, several where
        more bear the name and no state is told, none where it names none."""
        words = [word for word in bare(text).split() if word not in NOT_A_NAME]
        if not 0 < len(words) <= MOST_WORDS:
            return []
        for length in range(len(words), 0, -1):
            found = self._called(" ".join(words[:length]))
            if found:
                rest = " ".join(words[length:])
                return [one for one in found if not rest or rest in _names(self._state(one))]
        return []

    def shown(self, area: Area, language: str) -> str:
        """The district with its state, as one reads them."""
        state = self._state(area)
        return ", ".join(_name(one, language) for one in (area, state) if one is not None)

    def _called(self, name: str) -> list[Area]:
        found, _ = self.directory.search("", name, None, MOST_FOUND)
        return [one for one in found if one.level == "district" and name in _names(one)]

    def _state(self, area: Area) -> Area | None:
        return self.directory.get(area.path[1]) if len(area.path) > 1 else None


def _names(area: Area | None) -> Sequence[str]:
    return [bare(name).strip() for name in (*area.names.values(), *area.aliases)] if area else []


def _name(area: Area, language: str) -> str:
    return area.names.get(language) or area.names.get("en") or next(iter(area.names.values()), area.id)
