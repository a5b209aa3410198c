"""The roster in DynamoDB: who can be reached, a row each, by area."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from chalicelib.clock import Clock
from chalicelib.influencers.roster import theme_code, unpack
from chalicelib.influencers.rows import RosterItem
from chalicelib.ports import RosterRange, RosterRow


@dataclass
class RosterStore:
    """Implements ports.Roster. `themes` gives the ids of all themes; a code that is not known asks again."""

    themes: Callable[[], Iterable[str]]
    clock: Clock = field(default_factory=Clock)
    _known: dict[str, str] = field(default_factory=dict)

    def count(self, where: RosterRange) -> int:
        """How many rows there are in a stretch now."""
        below = RosterItem.sk.startswith(where.prefix) if where.prefix else None
        return RosterItem.count(where.partition, below, consistent_read=True)

    def page(self, where: RosterRange, after: str | None, limit: int) -> tuple[list[RosterRow], str | None]:
        start: Any = {"pk": {"S": where.partition}, "sk": {"S": after}} if after else None
        below = RosterItem.sk.startswith(where.prefix) if where.prefix else None
        found = RosterItem.query(
            where.partition, below, last_evaluated_key=start, limit=limit, page_size=limit
        )
        items = [(item.sk, dict(item.attribute_values)) for item in found]
        self._learn(row.get("t", "") for _, row in items)
        at = self.clock.now()
        rows = [unpack(where.partition, key, row, self._known, at) for key, row in items]
        return rows, found.last_evaluated_key["sk"]["S"] if found.last_evaluated_key else None

    def _learn(self, packed: Iterable[str]) -> None:
        codes = {text[i : i + 4] for text in packed for i in range(0, len(text), 4)}
        if not codes <= self._known.keys():
            self._known = {theme_code(theme): theme for theme in self.themes()}
