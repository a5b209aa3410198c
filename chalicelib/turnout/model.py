"""What a booth's figures say, what they sum to, which are lowest, and what may be compared with what.

Missing is missing: a booth whose voters were not given, and every booth of a constituency in which all of
them say 0, has *not reported*. It is in no sum, no rank and no comparison, and is counted as missing. A
single booth with 0 voters among others that have some is data.
"""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Literal, get_args

Gender = Literal["female", "male", "other"]
GENDERS: tuple[Gender, ...] = get_args(Gender)
Kind = Literal["lok_sabha", "vidhan_sabha", "by_election", "local_body", "panchayat", "other"]
BOOTH = re.compile(r"D\d{1,6}-A(?P<constituency>\d{1,4})-P(?P<number>\d{1,5})(?P<letter>[A-Z]?)")
CONSTITUENCY = re.compile(r"D\d{1,6}-A\d{1,4}")
READ, WRITE, GOAL = "turnout.read", "turnout.write", "turnout.goal"
"""What staff do with turnout (identity.roles.MATRIX)."""
ROOT = "IN"
TENTH = 0.1
"""Of a district's booths: those with which its SVEEP plan begins."""
ENOUGH = Fraction(1, 2)
"""Of an area's booths must have reported before its sum stands for somebody who is known by it alone."""
A_PART = 5000
"""Booths of one packed part: with figures by gender under 100 kB, far below the largest item."""


@dataclass(frozen=True)
class PastElection:
    """An election that has been: its figures, not its silence, which the calendar keeps."""

    id: str
    name: str
    date: date
    kind: Kind
    calendar: str = ""
    """Its id on the election calendar, where it stands there too."""


@dataclass(frozen=True)
class Booth:
    """What one booth reported. Within one election its id names one booth; at another election the same
    number may be another booth."""

    id: str
    electors: int
    voters: int | None = None
    """None: not given."""
    by_gender: Mapping[Gender, tuple[int, int | None]] = field(default_factory=dict)
    """Electors and voters, where the source tells them apart."""
    block: str = ""
    """The block in which it lies, where that is known."""
    source: str = ""

    @property
    def district(self) -> str:
        return self.id.partition("-")[0]

    @property
    def constituency(self) -> str:
        return self.id.rpartition("-")[0]

    @property
    def share(self) -> float | None:
        """Voters of electors; None without either. Equal shares are equal floats, and different ones differ:
        a quotient of numbers this small is rounded rightly."""
        return self.voters / self.electors if self.voters is not None and self.electors else None

    @property
    def order(self) -> tuple[int, int, str]:
        """By constituency and number, as people count."""
        found = BOOTH.fullmatch(self.id)
        if found is None:
            return (0, 0, self.id)
        return int(found["constituency"]), int(found["number"]), found["letter"]


@dataclass(frozen=True)
class GenderSum:
    """Over the booths that told them apart."""

    booths: int = 0
    electors: int = 0
    voters: int = 0

    def __add__(self, other: GenderSum) -> GenderSum:
        return GenderSum(
            self.booths + other.booths, self.electors + other.electors, self.voters + other.voters
        )


@dataclass(frozen=True)
class Sum:
    """Many booths taken together."""

    booths: int = 0
    reported: int = 0
    electors: int = 0
    """Of the booths that reported."""
    voters: int = 0
    electors_missing: int = 0
    """Of those that did not."""
    by_gender: Mapping[Gender, GenderSum] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        return self.booths - self.reported

    @property
    def share(self) -> float | None:
        """Voters of electors in the booths that reported; None when none did."""
        return self.voters / self.electors if self.electors else None

    @property
    def tells(self) -> bool:
        """Whether enough booths reported that the sum stands for the whole area."""
        return self.booths > 0 and self.reported >= ENOUGH * self.booths

    def __add__(self, other: Sum) -> Sum:
        genders = self.by_gender.keys() | other.by_gender.keys()
        none = GenderSum()
        return Sum(
            self.booths + other.booths,
            self.reported + other.reported,
            self.electors + other.electors,
            self.voters + other.voters,
            self.electors_missing + other.electors_missing,
            {g: self.by_gender.get(g, none) + other.by_gender.get(g, none) for g in GENDERS if g in genders},
        )


@dataclass(frozen=True)
class Sheet:
    """All booths of one district at one election, in the order of their numbers."""

    district: str
    booths: tuple[Booth, ...] = ()

    @classmethod
    def of(cls, district: str, booths: Iterable[Booth]) -> Sheet:
        return cls(district, tuple(sorted(booths, key=lambda booth: booth.order)))

    @cached_property
    def silent(self) -> frozenset[str]:
        """The constituencies in which no booth has a voter: they have not reported."""
        said = {booth.constituency for booth in self.booths if booth.voters}
        return frozenset({booth.constituency for booth in self.booths} - said)

    @cached_property
    def by_id(self) -> dict[str, Booth]:
        return {booth.id: booth for booth in self.booths}

    def has_reported(self, booth: Booth) -> bool:
        return booth.voters is not None and booth.constituency not in self.silent

    @property
    def reported(self) -> list[Booth]:
        return [booth for booth in self.booths if self.has_reported(booth)]

    def within(self, area: str) -> list[Booth]:
        """The booths of the district, of one of its constituencies or blocks, or the one of this id."""
        if area == self.district:
            return list(self.booths)
        return [booth for booth in self.booths if area in (booth.id, booth.block, booth.constituency)]

    def sum(self, booths: Iterable[Booth] | None = None) -> Sum:
        """Of these booths of the district; of all when none are named."""
        total: Counter[str] = Counter()
        genders: defaultdict[Gender, GenderSum] = defaultdict(GenderSum)
        for booth in self.booths if booths is None else booths:
            total["booths"] += 1
            if not self.has_reported(booth):
                total["electors_missing"] += booth.electors
                continue
            total.update(reported=1, electors=booth.electors, voters=booth.voters or 0)
            for gender, (electors, voters) in booth.by_gender.items():
                if voters is not None:
                    genders[gender] += GenderSum(1, electors, voters)
        return Sum(**total, by_gender={g: genders[g] for g in GENDERS if g in genders})

    def sums(self, by: Literal["constituency", "block"]) -> dict[str, Sum]:
        """The sum of each constituency or block; a booth whose block is not known is in none."""
        groups: defaultdict[str, list[Booth]] = defaultdict(list)
        for booth in self.booths:
            groups[booth.constituency if by == "constituency" else booth.block].append(booth)
        return {area: self.sum(booths) for area, booths in groups.items() if area}

    def ranked(self) -> list[tuple[int, Booth]]:
        """Booths that reported and have electors, the lowest turnout first; before each, how many of them had
        a lower one: booths of equal turnout share a place."""
        shares = sorted(
            ((booth.share, booth.order, booth) for booth in self.reported if booth.share is not None),
            key=lambda one: one[:2],
        )
        found: list[tuple[int, Booth]] = []
        for i, (share, _, booth) in enumerate(shares):
            place = found[-1][0] if found and found[-1][1].share == share else i
            found.append((place, booth))
        return found

    def lowest(self, share: float) -> list[Booth]:
        """The booths than which fewer than this share of the district's reported booths had a lower turnout,
        the lowest first. That is at least one where any reported; a part of a booth counts as one, and who is
        as low as the last of them is in."""
        ranked = self.ranked()
        border = Fraction(str(share)) * len(ranked)
        return [booth for place, booth in ranked if place < border]

    def below(self, share: float) -> list[Booth]:
        """The booths that reported a turnout under this share, the lowest first."""
        return [booth for _, booth in self.ranked() if (booth.share or 0) < share]


# --- comparing two elections --------------------------------------------------------------------------------

CAUTION = (
    "Over booths that are matched and reported both times: %(booths)s of them. That something was done there "
    "and that turnout changed is association, not cause."
)
NOTHING_MATCHED = "No booths of these elections are matched here: nothing can be compared."


@dataclass(frozen=True)
class Match:
    """A booth of an earlier election and one of a later in which some of its electors vote. Booths that were
    split or joined stand in several matches."""

    before: str
    after: str


@dataclass(frozen=True)
class Comparison:
    """Two elections over the booths that are matched and reported both times."""

    before: Sum = field(default_factory=Sum)
    after: Sum = field(default_factory=Sum)
    groups: int = 0
    """Of booths that hang together by matches: split or joined ones are one group, told by their sums."""
    left_out: int = 0
    """Booths of the later election that are matched, but not all of their group reported both times."""
    unmatched: int = 0
    """Booths of the later election without a match."""

    def __add__(self, other: Comparison) -> Comparison:
        return Comparison(
            self.before + other.before,
            self.after + other.after,
            self.groups + other.groups,
            self.left_out + other.left_out,
            self.unmatched + other.unmatched,
        )

    @property
    def change(self) -> float | None:
        """Of the share of voters, in points of a hundred, rounded to hundredths; None when nothing could be
        compared."""
        if self.before.share is None or self.after.share is None:
            return None
        return round(100 * (self.after.share - self.before.share), 2)


def groups_of(matches: Iterable[Match]) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
    """Booths that hang together: the earlier ones and the later ones of each group."""
    afters: defaultdict[str, set[str]] = defaultdict(set)
    befores: defaultdict[str, set[str]] = defaultdict(set)
    for match in matches:
        afters[match.before].add(match.after)
        befores[match.after].add(match.before)
    left = set(afters)
    while left:
        old, new, reach = set[str](), set[str](), {left.pop()}
        while reach:
            old |= reach
            now = {after for before in reach for after in afters[before]} - new
            new |= now
            reach = {before for after in now for before in befores[after]} - old
        left -= old
        yield frozenset(old), frozenset(new)


def compared(earlier: Mapping[str, Sheet], later: Sheet, area: str, matches: Iterable[Match]) -> Comparison:
    """Compares the booths of `area`, which lies in the district of `later`, with what they were.

    `earlier`: the sheets of the districts in which their earlier booths lay. A group counts when one of its
    later booths lies in the area and all of it reported both times.
    """
    here = {booth.id for booth in later.within(area)}
    before, after, groups, left_out, matched = Sum(), Sum(), 0, 0, set[str]()
    for old, new in groups_of(matches):
        if new.isdisjoint(here):
            continue
        matched |= new & here
        was = [(sheet, sheet.by_id.get(booth)) for booth in old for sheet in _sheet_of(earlier, booth)]
        now = [(later, later.by_id.get(booth)) for booth in new]
        whole = len(was) == len(old)
        both = [*was, *now]
        if not whole or any(booth is None or not sheet.has_reported(booth) for sheet, booth in both):
            left_out += len(new & here)
            continue
        groups += 1
        for sheet, booth in was:
            before += sheet.sum([booth] if booth else [])
        for sheet, booth in now:
            after += sheet.sum([booth] if booth else [])
    return Comparison(before, after, groups, left_out, len(here - matched))


def _sheet_of(sheets: Mapping[str, Sheet], booth: str) -> Iterator[Sheet]:
    found = sheets.get(booth.partition("-")[0])
    if found is not None:
        yield found


# --- as it is kept ------------------------------------------------------------------------------------------


def pack_genders(booth: Booth) -> str:
    """`f610/308 m740/411`; nothing after the stroke where voters were not given."""
    return " ".join(
        f"{gender[0]}{electors}/{'' if voters is None else voters}"
        for gender, (electors, voters) in sorted(booth.by_gender.items())
    )


def unpack_genders(text: str) -> dict[Gender, tuple[int, int | None]]:
    """What `pack_genders` made."""
    found: dict[Gender, tuple[int, int | None]] = {}
    for one in text.split():
        electors, _, voters = one[1:].partition("/")
        gender = next(gender for gender in GENDERS if gender[0] == one[0])
        found[gender] = int(electors), int(voters) if voters else None
    return found


def pack_sheet(sheet: Sheet) -> list[bytes]:
    """The sheet in parts that each fit an item; without the booths' sources."""
    prefix = len(sheet.district) + 1
    rows = [
        [booth.id[prefix:], booth.electors, booth.voters, booth.block[prefix:], pack_genders(booth)]
        for booth in sheet.booths
    ]
    return [
        zlib.compress(json.dumps(rows[i : i + A_PART], separators=(",", ":")).encode())
        for i in range(0, len(rows), A_PART)
    ]


def unpack_sheet(district: str, parts: Sequence[bytes]) -> Sheet:
    """What `pack_sheet` made."""
    rows = [row for part in parts for row in json.loads(zlib.decompress(part))]
    booths = (
        Booth(f"{district}-{tail}", electors, voters, unpack_genders(told), block and f"{district}-{block}")
        for tail, electors, voters, block, told in rows
    )
    return Sheet(district, tuple(booths))
