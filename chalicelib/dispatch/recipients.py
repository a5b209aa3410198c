"""Whom a run is for, page by page: the people of the roster that its audience picks, or, for a correction or
withdrawal, those who got what it takes back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from chalicelib.dispatch.model import (
    PAGE_SIZE,
    Chunk,
    Claim,
    Page,
    Status,
    Tally,
    followed_in,
    may_have_got,
    route,
    way_for_correction,
    week_of,
)
from chalicelib.dispatch.store import DispatchStore
from chalicelib.ports import Roster, RunBrief, Runs

Groups = Mapping[str, tuple[str, ...]]
"""`channel language` -> people, as in a page."""


class Audience(Protocol):
    def stretches(self, run: RunBrief) -> int:
        """How many stretches there are to plan, each page after page."""
        ...

    def draw(self, run: RunBrief, range_no: int, page_no: int, after: str | None) -> Page:
        """One page of a stretch, read now; `after` is where the page before it says to go on."""
        ...


@dataclass(frozen=True)
class OfRoster:
    """Everybody on the roster whom the run's audience picks."""

    runs: Runs
    roster: Roster

    def stretches(self, run: RunBrief) -> int:
        return len(self.runs.ranges(run.run_id))

    def draw(self, run: RunBrief, range_no: int, page_no: int, after: str | None) -> Page:
        where = self.runs.ranges(run.run_id)[range_no]
        rows, more = self.roster.page(where, after, PAGE_SIZE)
        ways = (
            (row.id, route(row, run.channels, _languages(self.runs, run)))
            for row in self.runs.wants(run.run_id, rows)
        )
        return Page(run.run_id, range_no, page_no, where.partition, *_sorted(ways), more)


@dataclass(frozen=True)
class OfParents:
    """Those who got one of the runs that this one takes back, or may have got it.

    A stretch here is the same stretch of each parent after another, a page here one frozen page of a parent:
    memory stays flat. Nothing of the parents goes out any more (each is over or recalled, for longer than a
    sender's copy of it lives), so who is claimed there and has no outcome may have got it, who is not
    claimed never will, and a page that is not frozen reached nobody.
    """

    store: DispatchStore
    runs: Runs

    def stretches(self, run: RunBrief) -> int:
        plans = [self.store.plan(parent) for parent in run.parents]
        return max((plan.stretches for plan in plans if plan), default=0)

    def draw(self, run: RunBrief, range_no: int, page_no: int, after: str | None) -> Page:
        nth, number = map(int, after.split()) if after else (0, 0)
        found = self.store.page(run.parents[nth], range_no, number)
        while found is None and nth + 1 < len(run.parents):
            nth, number = nth + 1, 0
            found = self.store.page(run.parents[nth], range_no, number)
        if found is None:
            return Page(run.run_id, range_no, page_no, "", {}, {}, None)
        ways = (
            (person, way_for_correction(got, run.channels, _languages(self.runs, run)))
            for person, got in self._got(found)
        )
        nth, number = (nth, number + 1) if found.after is not None else (nth + 1, 0)
        more = f"{nth} {number}" if nth < len(run.parents) else None
        return Page(run.run_id, range_no, page_no, found.district, *_sorted(ways), more)

    def _got(self, page: Page) -> Iterator[tuple[str, tuple[str, str]]]:
        """Who got something from this page, or may have, and over which channel in which language."""
        chunks = page.chunks()
        tallies = self._tallies(page.run, chunks)
        for chunk in chunks:
            for index, person in enumerate(chunk.people):
                for tally, place in reversed(list(_attempts(tallies, chunk.id, index))):
                    if self._may_have_got(page.run, person, tally, place):
                        yield person, (tally.channel, tally.language)
                        break

    def _tallies(self, run: str, chunks: Iterable[Chunk]) -> dict[str, Tally]:
        """The tallies of these chunks, and of all attempts that followed there."""
        tallies: dict[str, Tally] = {}
        wanted = [chunk.id for chunk in chunks]
        while wanted:
            found = self.store.some_tallies(run, wanted)
            tallies |= found
            wanted = [
                following
                for tally in found.values()
                for index, facts in tally.facts.items()
                if (following := followed_in(tally.chunk, index, facts)) is not None
            ]
        return tallies

    def _may_have_got(self, run: str, person: str, tally: Tally, index: int) -> bool:
        if tally.status(index) is not Status.PLANNED:
            return may_have_got(tally.facts[index])
        brief = self.runs.get(run)
        if brief is None:
            return False
        here = Claim(person, week_of(brief.at), run, tally.chunk, index, 0, "", 0.0)
        claim = self.store.week(here).claim
        if claim is None or claim.released:
            return False
        return (claim.chunk, claim.index) == (here.chunk, here.index)


def _attempts(tallies: dict[str, Tally], chunk: str, index: int) -> Iterator[tuple[Tally, int]]:
    """The places of a person's attempts, the first one first."""
    following: str | None = chunk
    while following is not None and (tally := tallies.get(following)) is not None:
        yield tally, index
        following, index = followed_in(tally.chunk, index, tally.facts.get(index, {})), 0


def _languages(runs: Runs, run: RunBrief) -> Callable[[str, str], str | None]:
    return lambda channel, wanted: runs.language_for(run.run_id, channel, wanted)


def _sorted(ways: Iterable[tuple[str, tuple[str, str] | str]]) -> tuple[Groups, Counter[str]]:
    """People by the way in which they get it, and how many are skipped for which reason."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    skipped: Counter[str] = Counter()
    for person, way in ways:
        if isinstance(way, str):
            skipped[way] += 1
        else:
            groups[" ".join(way)].append(person)
    return {way: tuple(people) for way, people in groups.items()}, skipped
