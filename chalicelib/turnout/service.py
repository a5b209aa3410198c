"""Turnout as staff see it: sums and booths of their areas, the lowest, comparisons, goals, past elections."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from itertools import pairwise
from typing import Literal

from pynamodb.transactions import TransactWrite

from chalicelib.beside import both, together
from chalicelib.clock import Clock, rfc3339
from chalicelib.errors import InvalidInput, NotFound
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.ports import Area, Areas
from chalicelib.turnout.comparing import Comparing
from chalicelib.turnout.model import (
    CONSTITUENCY,
    GOAL,
    READ,
    ROOT,
    Booth,
    Comparison,
    Kind,
    PastElection,
    Sheet,
    Sum,
)
from chalicelib.turnout.store import DistrictSum, Goal, OneLook, TurnoutStore

By = Literal["constituency", "block", "booth"]
"""What is listed right below a district."""
ELECTION_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
MOST_SHEETS = 20
"""Districts read for one page of the lowest: a rare threshold answers early, with a cursor to go on."""
_DISTRICT = 2
"""Where the district stands in a path."""
NOWHERE = "There is no area %(id)s."


@dataclass(frozen=True)
class Told:
    """One area at one election: its sum, or what its booth reported."""

    area: str
    level: str
    sum: Sum
    names: dict[str, str]
    goal: float | None = None


@dataclass(frozen=True)
class Place:
    """An area, or a constituency, which stands right below its district."""

    id: str
    level: str
    path: tuple[str, ...]
    names: dict[str, str]

    @property
    def district(self) -> str:
        """The district that it is or in which it lies; empty above districts."""
        return self.path[_DISTRICT] if len(self.path) > _DISTRICT else ""

    @property
    def below_district(self) -> bool:
        return len(self.path) > _DISTRICT + 1


@dataclass(frozen=True)
class Tree:
    """An area's sum, what lies right below it, and where its figures are from."""

    sum: Sum = field(default_factory=Sum)
    below: list[Told] = field(default_factory=list)
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listed:
    """An area at one election, and a page of what lies right below it."""

    election: PastElection | None
    whole: Told
    sources: tuple[str, ...]
    below: list[Told]
    after: str | None


@dataclass(frozen=True)
class Lowest:
    """A page of the booths of some districts with the lowest turnout, district by district."""

    election: PastElection | None
    booths: list[Told]
    of: Sum
    """The area's booths in the districts of this page, taken together."""
    after: tuple[str, int] | None


@dataclass(frozen=True)
class Compared:
    """Two elections in one area, over matched booths alone."""

    before: PastElection
    after: PastElection
    found: Comparison


@dataclass(frozen=True)
class At:
    """An election at which an area told something."""

    election: PastElection
    sum: Sum


@dataclass(frozen=True)
class Turnouts:
    """What staff read and set. Whoever does not cover an area gets the NotFound of an area that is not
    there."""

    store: TurnoutStore
    areas: Areas
    children: Callable[[str], Sequence[Area]]
    """The areas right below one."""
    calendar_knows: Callable[[str], bool]
    audit: Audit
    clock: Clock

    def one_look(self) -> Turnouts:
        """The same for one page: what it asks for again is not read again."""
        return replace(self, store=OneLook(self.store.pause))

    # --- elections

    def elections(self) -> list[PastElection]:
        """All of the past, the latest first."""
        return self.store.elections()

    def put_election(
        self, who: Principal, election: str, *, name: str, on: date, kind: Kind, calendar: str = ""
    ) -> PastElection:
        """Adds an election of the past, or changes it. Raises InvalidInput for an id of other signs, a
        date to come and an unknown entry of the calendar."""
        if not ELECTION_ID.fullmatch(election):
            raise InvalidInput.of("election", "election_id", "An id is small letters, digits and hyphens.")
        if on > self.clock.today_ist():
            raise InvalidInput.of("date", "to_come", "This day is still to come.")
        if calendar and not self.calendar_knows(calendar):
            raise InvalidInput.of("calendar", "election_unknown", "There is no election %(id)s.", id=calendar)
        made = PastElection(election, name, on, kind, calendar)
        self.audit.committing(
            subject=f"turnout#{election}",
            action="turnout.election",
            actor=who.id,
            at=self.clock.now(),
            detail={"date": on.isoformat(), "kind": kind, "calendar": calendar},
            write=partial(self.store.put_election, election=made),
        )
        return made

    # --- goals

    def goals(self, who: Principal, area: str) -> list[Goal]:
        """The goals of an area and of all below it. Raises NotFound."""
        return self.store.goals(self._place(who, area, READ).path)

    def set_goal(self, who: Principal, area: str, share: float) -> Goal:
        """Sets the share of voters that an area wants. Raises NotFound."""
        place = self._place(who, area, GOAL)
        goal = Goal(self._path_now(place), share, who.id, rfc3339(self.clock.now()))
        self._commit_goal(who, place, "turnout.goal_set", {"share": str(share)}, partial(self._put, goal))
        return goal

    def _path_now(self, place: Place) -> tuple[str, ...]:
        """Where an area lies; a place that was read before may just have moved."""
        above = place.path[-2:-1] if CONSTITUENCY.fullmatch(place.id) else ()
        there = self.areas.many([place.id, *above], fresh=True)
        if place.id in there:
            return there[place.id].path
        return (*there[above[0]].path, place.id) if above and above[0] in there else place.path

    def remove_goal(self, who: Principal, area: str) -> None:
        """Takes an area's goal away. Raises NotFound."""
        place = self._place(who, area, GOAL)

        def write(transaction: TransactWrite) -> None:
            self.store.remove_goal(transaction, place.path)

        self._commit_goal(who, place, "turnout.goal_removed", {}, write)

    def _put(self, goal: Goal, transaction: TransactWrite) -> None:
        self.store.put_goal(transaction, goal)

    def _commit_goal(
        self,
        who: Principal,
        place: Place,
        action: str,
        detail: dict[str, str],
        write: Callable[[TransactWrite], None],
    ) -> None:
        self.audit.committing(
            subject=f"turnout#goal/{place.id}",
            action=action,
            actor=who.id,
            at=self.clock.now(),
            detail=detail,
            write=write,
            refused=lambda failed: NotFound("There is no goal for %(id)s.", id=place.id),
        )

    # --- figures

    def listed(self, who: Principal, area: str, election: str, by: By, *, after: str, limit: int) -> Listed:
        """An area and what lies right below it, in the order of ids and numbers, behind the id `after`; of
        the latest election of which something is told there when none is named. Below a district lie its
        constituencies or blocks, or its booths (`by`); below those their booths. Raises NotFound."""
        place = self._place(who, area, READ)
        (at, tree), set_goals = both(
            lambda: self._latest(place, election, by), lambda: self.store.goals(place.path)
        )
        goals = {goal.area: goal.share for goal in set_goals}
        ids = [one.area for one in tree.below]
        begin = ids.index(after) + 1 if after in ids else 0
        page = [replace(one, goal=goals.get(one.area)) for one in tree.below[begin : begin + limit]]
        more = begin + limit < len(ids)
        here = Told(place.id, place.level, tree.sum, place.names, goals.get(place.id))
        return Listed(at, here, tree.sources, self._named(page), page[-1].area if more else None)

    def ahead(self, who: Principal, area: str, election: str) -> None:
        """Reads at once what one page says of an area, of an election (empty: the latest) and the one before
        it. Raises NotFound, InvalidInput."""
        place = self._place(who, area, READ)
        found, _ = both(self.store.elections, lambda: self.store.goals(place.path))
        begin = next((n for n, one in enumerate(found) if one.id == election), 0)
        shown = [one.id for one in found[begin : begin + 2]]
        reads: list[Callable[[], object]] = [partial(self._districts, place, one) for one in shown]
        if place.district:
            reads += [partial(self.store.sheet, one, place.district) for one in shown]
            reads += [partial(self.store.matches, b, a, place.district) for a, b in pairwise(shown)]
        together(*reads)

    def lowest(
        self,
        who: Principal,
        area: str,
        election: str,
        *,
        share: float,
        below: float | None,
        after: tuple[str, int] | None,
        limit: int,
    ) -> Lowest:
        """The booths of an area that are among the lowest of their district: those under `below`, else the
        lowest `share`. District by district, the lowest first; behind the place `after`. A page may be
        shorter than `limit` and yet have a next. Raises NotFound."""
        place = self._place(who, area, READ)
        at, districts = None, list[DistrictSum]()
        for at in self._elections(election):
            if districts := self._districts(place, at.id):
                break
        begin, skip = after or ("", 0)
        found, of = list[Told](), Sum()
        left = [one.district for one in districts if one.district >= begin]
        for n, district in enumerate(left):
            if at is None or n == MOST_SHEETS:
                return Lowest(at, self._named(found), of, (district, 0))
            sheet = self.store.sheet(at.id, district)
            within = sheet.within(place.id) if place.below_district else list(sheet.booths)
            of += sheet.sum(within)
            here = {booth.id for booth in within}
            low = sheet.below(below) if below is not None else sheet.lowest(share)
            low = [booth for booth in low if booth.id in here]
            first = skip if district == begin else 0
            taken = low[first : first + limit - len(found)]
            found += [_told(sheet, booth) for booth in taken]
            if first + len(taken) < len(low):
                return Lowest(at, self._named(found), of, (district, first + len(taken)))
        return Lowest(at, self._named(found), of, None)

    def compare(self, who: Principal, area: str, before: str, after: str) -> Compared:
        """Two elections over the booths of an area that are matched and reported both times. Raises NotFound,
        InvalidInput for all of India."""
        place = self._place(who, area, READ)
        first, second = self._known(before), self._known(after)
        if place.level == "country":
            raise InvalidInput.of("area", "area_too_large", "Choose a state, or an area in one.")
        return Compared(first, second, self._compared(place, first.id, second.id))

    def trend(self, who: Principal, area: str) -> tuple[list[At], list[Compared]]:
        """What an area told at each election, the earliest first; and each compared with the one before it,
        over matched booths (not for all of India). Raises NotFound."""
        place = self._place(who, area, READ)
        sums = [At(one, self._tree(place, one.id, "constituency").sum) for one in self.store.elections()]
        told = [at for at in reversed(sums) if at.sum.booths]
        if place.level == "country":
            return told, []
        pairs = [(a.election, b.election) for a, b in zip(told, told[1:], strict=False)]
        return told, [Compared(a, b, self._compared(place, a.id, b.id)) for a, b in pairs]

    # --- shared

    def _place(self, who: Principal, area: str, action: str) -> Place:
        """The area; without an id India, or the one area of somebody who has one. A constituency stands right
        below its district. Raises NotFound, also for what `who` does not cover."""
        if not area:
            own = [ROOT] if who.covers_area((ROOT,), action) else sorted(who.areas)
            if len(own) != 1:
                raise InvalidInput.of("area", "missing", "Choose one of your areas.")
            [area] = own
        found = self.areas.get(area)
        if found is not None:
            place = Place(found.id, found.level, found.path, dict(found.names))
        else:
            district = self.areas.get(area.partition("-")[0]) if CONSTITUENCY.fullmatch(area) else None
            if district is None:
                raise NotFound(NOWHERE, id=area)
            place = Place(area, "constituency", (*district.path, area), {})
        if not who.covers_area(place.path, action):
            raise NotFound(NOWHERE, id=area)
        return place

    def _known(self, election: str) -> PastElection:
        found = self.store.election(election)
        if found is None:
            raise NotFound("There is no election %(id)s.", id=election)
        return found

    def _elections(self, election: str) -> list[PastElection]:
        return [self._known(election)] if election else self.store.elections()

    def _districts(self, place: Place, election: str) -> list[DistrictSum]:
        """The sums of the districts of an area, or of the one in which it lies, in the order of their ids."""
        if place.district:
            found = self.store.sums_of(election, [(place.path[1], place.district)])
        else:
            found = self.store.sums(election, place.id if place.level == "state" else "")
        return sorted(found, key=lambda one: one.district)

    def _tree(self, place: Place, election: str, by: By) -> Tree:
        districts = self._districts(place, election)
        sources = tuple(sorted({source for one in districts for source in one.sources}))
        if place.district:
            sheet = self.store.sheet(election, place.district) if districts else Sheet(place.district)
            return Tree(sheet.sum(sheet.within(place.id)), _below(place, sheet, by), sources)
        sums: defaultdict[str, Sum] = defaultdict(Sum)
        for one in districts:
            sums[one.district if place.level == "state" else one.state] += one.sum
        names = {child.id: dict(child.names) for child in self.children(place.id)}
        level = "district" if place.level == "state" else "state"
        below = [
            Told(area, level, sums.get(area, Sum()), names.get(area, {}))
            for area in sorted(names.keys() | sums.keys())
        ]
        return Tree(sum((one.sum for one in districts), Sum()), below, sources)

    def _latest(self, place: Place, election: str, by: By) -> tuple[PastElection | None, Tree]:
        """The named election, else the latest of which something is told there, and what is told."""
        at, tree = None, Tree()
        for at in self._elections(election):
            tree = self._tree(place, at.id, by)
            if tree.sum.booths:
                break
        return at, tree

    def _compared(self, place: Place, before: str, after: str) -> Comparison:
        """In a district by its matches; in a state the sum over its districts."""
        districts, comparing = self._districts(place, after), Comparing(self.store, before, after)
        if place.district:
            return sum((comparing.of_area(one.district, place.id) for one in districts), Comparison())
        return comparing.of_state(place.id, districts)

    def _named(self, places: list[Told]) -> list[Told]:
        """The same with the names that the directory has; constituencies are no areas of it."""
        asked = [one.area for one in places if not one.names and one.level != "constituency"]
        known = self.areas.many(asked)
        return [
            replace(one, names=dict(known[one.area].names)) if one.area in known else one for one in places
        ]


def _below(place: Place, sheet: Sheet, by: By) -> list[Told]:
    """What lies right below a district, or an area in one."""
    if place.below_district or by == "booth":
        return [_told(sheet, booth) for booth in sheet.within(place.id) if booth.id != place.id]
    return [Told(area, by, one, {}) for area, one in sheet.sums(by).items()]


def _told(sheet: Sheet, booth: Booth) -> Told:
    return Told(booth.id, "booth", sheet.sum([booth]), {})
