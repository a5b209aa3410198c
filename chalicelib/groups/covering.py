"""Coverage as staff ask for it: an area's sums, and its nodes that lack something, in at most three reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pynamodb.transactions import TransactWrite

from chalicelib.clock import Clock
from chalicelib.errors import InvalidInput, NotFound
from chalicelib.groups.coverage import (
    COUNTRY,
    LEVELS,
    Gaps,
    Level,
    Node,
    Partition,
    Show,
    Sums,
    level_of,
    order,
)
from chalicelib.groups.nodes import NodeStore
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.ports import Areas

READ, WRITE = "coverage.read", "coverage.write"
Place = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """An area, what its nodes of one level lack, and some of these nodes."""

    area: str
    level: Level
    sums: Sums
    goal: float | None
    gaps: Gaps
    goals_known: bool
    """Whether `gaps` counts the nodes under their goal: sums of what lies two levels below cannot."""
    nodes: Sequence[Node]
    names: Mapping[str, Mapping[str, str]]
    next: Place | None = field(default=None)


@dataclass(frozen=True)
class Coverage:
    """Every read is of an area that the caller covers; any other is not there."""

    store: NodeStore
    areas: Areas
    audit: Audit
    clock: Clock

    def page(
        self,
        who: Principal,
        area: str | None,
        level: Level | None,
        show: Show,
        *,
        limit: int,
        after: Mapping[str, Any] | None,
    ) -> Page:
        """Up to `limit` nodes of a level in an area that `show` names, by their ids, and where to go on: a
        page may be short, even empty, and the list go on.

        Without an area: India for who covers it, else the one area of the caller. Raises NotFound,
        InvalidInput for a level that the area has not.
        """
        asked = area or self._home(who)
        found = self._covered(who, asked, READ)
        level = self._level(asked, level, found)
        node = found.nodes[asked]
        inside = found.within(asked)
        here = [one for one in found.at(level) if one.area in inside or found.folded]
        if here or not found.folded:
            gaps = Gaps()
            for one in here:
                gaps.take(one)
            shown, rest = _after([one for one in here if one.shown(show)], after, limit)
            place = {"after": shown[-1].area} if rest else None
        else:
            gaps, shown, place = self._deeper(found, level, show, limit, after)
        names = self._names(shown)
        return Page(asked, level, node.below, node.goal, gaps, bool(here), shown, names, place)

    def reach(self) -> tuple[int, int]:
        """How many approved creators there are, and in how many districts."""
        found = self.store.partition(COUNTRY)
        if not found.path:
            return 0, 0
        gaps = [one.gaps["district"] for one in found.folded.values() if "district" in one.gaps]
        return found.head.below.influencers, sum(one.nodes - one.no_influencer for one in gaps)

    def set_goal(self, who: Principal, area: str, share: float | None) -> None:
        """Sets the share of women that an area's groups are to reach, with all below that have no goal of
        their own; None takes it away. Raises NotFound, InvalidInput for all of India."""
        self._covered(who, area, WRITE)
        if area == COUNTRY:
            raise InvalidInput.of("area", "area_too_large", "Set the goal for a state, or for an area in it.")

        def write(transaction: TransactWrite) -> None:
            self.store.put_goal(transaction, area, share)

        self.audit.committing(
            subject=f"area#{area}",
            action="coverage.goal",
            actor=who.id,
            at=self.clock.now(),
            detail={"women_percent": None if share is None else round(share * 100)},
            write=write,
        )

    def covers(self, who: Principal, area: str) -> None:
        """Raises NotFound for an area in which this person may not have coverage counted anew. One that
        coverage does not know yet is looked up."""
        found = self.areas.get(area)
        if found is None or not who.covers_area(found.path, WRITE):
            raise NotFound

    def _covered(self, who: Principal, area: str, action: str) -> Partition:
        """All that is known where an area lies, with goals as they hold; not there for who does not cover
        it."""
        found = self.store.partition(area)
        path = found.path_to(area)
        if not path or not who.covers_area(path, action):
            raise NotFound
        above = found.path[-2] if len(found.path) > 2 and not found.head.own_goal else ""  # noqa: PLR2004
        found.inherit(self.store.goal(above) if above else None)
        return found

    def _deeper(
        self, found: Partition, level: Level, show: Show, limit: int, after: Mapping[str, Any] | None
    ) -> tuple[Gaps, Sequence[Node], Place | None]:
        """Nodes two levels below a state or India: those of one district, or of one state, a page."""
        gaps = Gaps()
        for one in found.folded.values():
            gaps.add(one.gaps.get(level, Gaps()))
        ids = sorted(
            (area for area, one in found.folded.items() if one.gaps.get(level, Gaps()).could_show(show)),
            key=order,
        )
        begin = str(after["in"]) if after else ""
        ids = [area for area in ids if not begin or order(area) >= order(begin)]
        if not ids:
            return gaps, [], None
        inner = self.store.partition(ids[0])
        inner.inherit(found.head.goal)
        went_on = after if after and ids[0] == begin else None
        shown, rest = _after([one for one in inner.at(level) if one.shown(show)], went_on, limit)
        if rest:
            return gaps, shown, {"in": ids[0], "after": shown[-1].area}
        return gaps, shown, {"in": ids[1], "after": ""} if len(ids) > 1 else None

    def _level(self, area: str, level: Level | None, found: Partition) -> Level:
        own = level_of(area)
        if own == "booth":
            below: tuple[Level, ...] = ("booth",)
        else:
            below = LEVELS[0 if own == "country" else LEVELS.index(own) + 1 :]
        if level is None:
            return next((one for one in below if found.at(one)), below[0])
        if level not in below or (own == "country" and level in ("block", "booth")):
            offered = ", ".join(below[:2] if own == "country" else below)
            raise InvalidInput.of("level", "literal_error", "Choose one of: %(expected)s.", expected=offered)
        return level

    def _home(self, who: Principal) -> str:
        if who.covers_area((COUNTRY,), READ):
            return COUNTRY
        if len(who.areas) == 1:
            return next(iter(who.areas))
        raise InvalidInput.of("area", "missing", "Please fill in this field.")

    def _names(self, nodes: Sequence[Node]) -> dict[str, Mapping[str, str]]:
        return {area.id: area.names for area in self.areas.many([one.area for one in nodes]).values()}


def _after(nodes: Iterable[Node], after: Mapping[str, Any] | None, limit: int) -> tuple[Sequence[Node], bool]:
    """Up to `limit` nodes behind a place, in the order of their ids, and whether there are more."""
    last = order(str(after["after"])) if after else ()
    rest = sorted((one for one in nodes if order(one.area) > last), key=lambda one: order(one.area))
    return rest[:limit], len(rest) > limit
