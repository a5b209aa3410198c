"""Which places an audience may prefer for who voted there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chalicelib.ports import Areas, LowPlaces
from chalicelib.turnout.store import TurnoutStore


@dataclass(frozen=True)
class Places:
    """Implements ports.Turnout."""

    store: TurnoutStore
    areas: Callable[[], Areas]

    def latest(self, districts: Iterable[str], election: str = "") -> dict[str, str]:
        """See ports.Turnout.latest. One request for each election and hundred districts, the latest election
        first, until one is found for all."""
        known = self.areas().many(set(districts)).values()
        left = {area.id: area.path[1] for area in known if area.level == "district"}
        found: dict[str, str] = {}
        for one in self.store.elections() if left else []:
            if election not in ("", one.id):
                continue
            told = self.store.sums_of(one.id, ((state, district) for district, state in left.items()))
            for district in [each.district for each in told if each.sum.reported]:
                found[district] = one.id
                del left[district]
            if not left:
                break
        return found

    def low_places(
        self, district: str, election: str, *, below: float | None, lowest_share: float | None
    ) -> LowPlaces:
        """See ports.Turnout.low_places. Reads the district's sheet.

        A block or district is under `below` by its sum, where at least half of its booths reported; no block
        and no district is among the lowest booths.
        """
        sheet = self.store.sheet(election, district)
        blocks = {block: one for block, one in sheet.sums("block").items() if one.tells}
        found: list[set[str]] = []
        if below is not None:
            sums = {**blocks, district: sheet.sum()}
            low = {area for area, one in sums.items() if one.tells and (one.share or 0) < below}
            found.append(low | {booth.id for booth in sheet.below(below)})
        if lowest_share is not None:
            found.append({booth.id for booth in sheet.lowest(lowest_share)})
        areas = frozenset(set.intersection(*found)) if found else frozenset()
        return LowPlaces(areas, frozenset(blocks))
