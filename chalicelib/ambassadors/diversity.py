"""What approved people have said of themselves, counted; and what of it may be shown to whom. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from chalicelib.ports import RosterRow

NOT_SAID = "not_said"
SMALL = 5
"""Fewer people than these could be known by the number."""


@dataclass
class Diversity:
    """Each count is of people; what somebody has not said is counted apart, and never guessed. One person may
    have several themes."""

    people: int = 0
    gender: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    themes: Counter[str] = field(default_factory=Counter)
    professions: Counter[str] = field(default_factory=Counter)

    def take(self, row: RosterRow) -> None:
        self.people += 1
        self.gender[row.gender or NOT_SAID] += 1
        self.languages[row.language] += 1
        self.themes.update(row.themes or {NOT_SAID})
        self.professions.update(row.professions or {NOT_SAID})


def shown(number: int, *, exact: bool) -> int | None:
    """A number as its reader may see it: as it is for who may read the people anyway; else none at all from 1
    to 4, and larger ones down to a multiple of 5.

    So a hidden number cannot be told from others, of the same table, of areas above or beside: every number
    that is shown may be up to 4 larger, and with any one other number each of 1 to 4 fits.
    """
    if exact or number == 0:
        return number
    return None if number < SMALL else number - number % SMALL


def shown_all(counts: Mapping[str, int], *, exact: bool) -> dict[str, int]:
    """The numbers of a table that its reader may see. What is hidden is not even named: of one person in a
    booth the names alone would tell gender, language and profession."""
    told = ((name, shown(number, exact=exact)) for name, number in sorted(counts.items()))
    return {name: number for name, number in told if number is not None}


@dataclass
class Place:
    """An area right below the one that was asked for."""

    area: str
    influencers: bool = False
    """Whether somebody approved lives in it or below."""
    ambassadors: bool = False


def places_of(
    children: Iterable[str], rows: Iterable[Iterable[str]], ambassadors: Iterable[Iterable[str]]
) -> dict[str, Place]:
    """Which of these areas have somebody: `rows` and `ambassadors` give the ids of the areas that each person
    or appointment lies in."""
    places = {area: Place(area) for area in children}
    for name, found in (("influencers", rows), ("ambassadors", ambassadors)):
        for path in found:
            for area in path:
                if area in places:
                    setattr(places[area], name, True)
    return places
