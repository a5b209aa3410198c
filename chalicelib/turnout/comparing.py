"""Two elections compared over all districts of a state, each district once: what was compared is kept, with
the revisions of all that it was read from, and holds while those are the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.turnout.model import Comparison, compared
from chalicelib.turnout.store import DistrictSum, Kept, TurnoutStore


@dataclass(frozen=True)
class _Revisions:
    """As they were before anything was compared: what changes meanwhile is compared again."""

    was: Mapping[str, int]
    now: Mapping[str, int]
    matched: Mapping[str, int]

    def on(self, found: Comparison, district: str, olds: Sequence[str]) -> Kept:
        earlier = {old: self.was.get(old, 0) for old in olds}
        return Kept(found, self.now.get(district, 0), self.matched.get(district, 0), earlier)


@dataclass(frozen=True)
class Comparing:
    """Of one earlier election and one later."""

    store: TurnoutStore
    before: str
    after: str

    def of_area(self, district: str, area: str) -> Comparison:
        """Over the booths of an area that lies in a district, or is it."""
        return self._read(district, area)[0]

    def of_state(self, state: str, districts: Sequence[DistrictSum]) -> Comparison:
        """The sum over districts of a state."""
        revisions, total = self._revisions(), Comparison()
        kept = self.store.comparisons(self.before, self.after, state)
        for one in districts:
            known = kept.get(one.district)
            if known is None or not _holds(known, one.district, revisions):
                known = self._compare(one, revisions)
            total += known.found
        return total

    def refresh(self, most: int) -> bool:
        """Compares up to `most` districts of which something has changed; whether more are left."""
        revisions, kept = self._revisions(), dict[str, dict[str, Kept]]()
        for one in self.store.sums(self.after):
            if one.state not in kept:
                kept[one.state] = self.store.comparisons(self.before, self.after, one.state)
            known = kept[one.state].get(one.district)
            if known is not None and _holds(known, one.district, revisions):
                continue
            if not most:
                return True
            most -= 1
            self._compare(one, revisions)
        return False

    def _revisions(self) -> _Revisions:
        folds, matched = self.store.folds, self.store.match_revisions(self.before, self.after)
        return _Revisions(folds(self.before), folds(self.after), matched)

    def _compare(self, one: DistrictSum, revisions: _Revisions) -> Kept:
        kept = revisions.on(*self._read(one.district, one.district))
        self.store.keep_comparison(self.before, self.after, one, kept)
        return kept

    def _read(self, district: str, area: str) -> tuple[Comparison, str, list[str]]:
        matches = self.store.matches(self.before, self.after, district)
        olds = sorted({match.before.partition("-")[0] for match in matches})
        earlier = {old: self.store.sheet(self.before, old) for old in olds}
        return compared(earlier, self.store.sheet(self.after, district), area, matches), district, olds


def _holds(known: Kept, district: str, revisions: _Revisions) -> bool:
    """Whether nothing that it was read from has changed since."""
    return known == revisions.on(known.found, district, list(known.olds))
