"""Turnout in the table `turnout`.

    pk                       sk                what                                            written by
    elections                <election>        an election of the past                         a person
    goals                    <path>            the share of voters that an area wants          a person
    <election>#<district>    A168-P1           one booth's figures                             an import
    sheet#<election>#<district>  <n>           all booths of the district, packed              folding
    sums#<election>          <state>#<district>  the district's sum, its sources               folding
    touched#<election>       <job>#<district>  a district to be folded; `expires`              an import
    folded#<election>        <district>        in which state it was folded; `rev`             folding
    match#<old>#<new>#<district>  <before>#<after>  which booth was which; district of the later   an import
    matched#<old>#<new>      <district>        `rev` of those of a district                    an import
    compared#<old>#<new>     <state>#<district>  the district compared, and by which revisions  comparing

Folding makes a district's sheet and sum anew from its booths, in one transaction that holds only when nobody
else has folded since it began to read: two imports that end together leave what both wrote. The same
transaction takes away the sum under another state, to which the district belonged before: it counts once.
Sums of states and of India are added up when they are read, from those of districts.

Access, in request units (a booth is under 250 bytes, a packed booth some 15, a sum under 500):
    write 100 booths      100 w, 4 requests, and 1 w for each district; look first: 50 r, 1 request
    fold a district       32 r for 1,000 booths; 2 w a KB of the sheet: some 60 w for 2,500 booths
    sheet of a district   1 query: 10 r for 2,500 booths, all that lists, ranks and audiences need
    sums of an election   1 query: 1 r for 8 districts of a state, 100 r for India
    latest election       1 query, and for each election 1 request and 0.5 r a district
    compare a state       3 queries: 1 r for 8 of its districts, 12 r for the revisions of India's; and for
                          each district of which something has changed since 3 queries: 80 r for 2,500
                          booths, and 1 w
    elections, goals      1 query each
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

from pynamodb.attributes import BinaryAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DeleteError, DoesNotExist, TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.beside import Once
from chalicelib.errors import Transient
from chalicelib.tables import Table, TableName, failed_conditions, is_passing, write_together
from chalicelib.turnout.model import (
    Booth,
    Comparison,
    GenderSum,
    Match,
    PastElection,
    Sheet,
    Sum,
    pack_genders,
    pack_sheet,
    unpack_genders,
    unpack_sheet,
)

ELECTIONS, GOALS = "elections", "goals"
REFUSED = "ConditionalCheckFailedException"
TOUCHED_KEPT_S = 30 * 24 * 3600
"""A job that has not ended by then is given up."""
TOUCHED_AGAIN_S = 300
"""How long a job writes booths of a district after it has marked it: then it marks it anew."""
SETTLED_S = 1800
"""So long after a mark all booths are written that it stands for: no function lives for a quarter of an hour
longer than TOUCHED_AGAIN_S."""
TRIES = 8
BATCH, WRITERS = 25, 4
"""Items of one BatchWriteItem; how many are under way at once."""
MOST_SOURCES = 5
"""Named in a district's sum."""


class TurnoutItem(Table):
    class Meta:
        table_name = TableName("turnout")

    body = JSONAttribute(null=True)
    rev = NumberAttribute(null=True)
    expires = NumberAttribute(null=True)


class BoothItem(Table):
    """Names are short: there are hundreds of thousands of them. e, v: electors, voters; g: by gender; b: the
    block's id below its district; s: source."""

    class Meta:
        table_name = TableName("turnout")

    e = NumberAttribute()
    v = NumberAttribute(null=True)
    g = UnicodeAttribute(null=True)
    b = UnicodeAttribute(null=True)
    s = UnicodeAttribute(null=True)


class SheetItem(Table):
    class Meta:
        table_name = TableName("turnout")

    z = BinaryAttribute(legacy_encoding=False)


class MatchItem(Table):
    class Meta:
        table_name = TableName("turnout")


@dataclass(frozen=True)
class DistrictSum:
    """What is kept of one district at one election."""

    state: str
    district: str
    sum: Sum
    sources: tuple[str, ...] = ()
    """Whence its figures are, at most five."""


@dataclass(frozen=True)
class Mark:
    """That a job has written, or is about to write, booths of a district."""

    job: str
    district: str
    expires: int

    def settled(self, now: float) -> bool:
        """Whether all that it stands for is written, whatever became of the job."""
        return now >= self.expires - TOUCHED_KEPT_S + SETTLED_S


@dataclass(frozen=True)
class Kept:
    """A district compared, and the revisions of what it was read from."""

    found: Comparison
    folded: int
    """Of the district at the later election."""
    matched: int
    olds: Mapping[str, int]
    """Of the districts in which its booths lay at the earlier one."""


@dataclass(frozen=True)
class Goal:
    """What a person set as an area's goal."""

    path: tuple[str, ...]
    share: float
    """Of electors who are to vote."""
    by: str
    at: str
    """RFC 3339."""

    @property
    def area(self) -> str:
        return self.path[-1]


@dataclass(frozen=True)
class TurnoutStore:
    pause: Callable[[float], None] = time.sleep

    # --- elections

    def elections(self) -> list[PastElection]:
        """All of them, the latest first."""
        found = [_election(item) for item in TurnoutItem.query(ELECTIONS, consistent_read=True)]
        return sorted(found, key=lambda one: (one.date, one.id), reverse=True)

    def election(self, election: str) -> PastElection | None:
        try:
            return _election(TurnoutItem.get(ELECTIONS, election, consistent_read=True))
        except DoesNotExist:
            return None

    def put_election(self, transaction: TransactWrite, election: PastElection) -> None:
        """Adds the write of an election, new or changed."""
        body = vars(election) | {"date": election.date.isoformat()}
        transaction.save(TurnoutItem(ELECTIONS, election.id, body=body))

    # --- booths

    def booths(self, election: str, ids: Iterable[str]) -> dict[str, Booth]:
        """Those of up to 100 booths that have figures, read consistently in one request."""
        keys = [_key(election, booth) for booth in ids]
        items = BoothItem.batch_get(keys, consistent_read=True) if keys else []
        return {booth.id: booth for booth in map(_booth, items)}

    def touch(self, election: str, districts: Iterable[str], job: str, now: float) -> None:
        """Marks districts as to be folded, before booths of theirs are written: no crash leaves booths of
        which no sum knows."""
        with TurnoutItem.batch_write() as batch:
            for district in districts:
                expires = int(now + TOUCHED_KEPT_S)
                batch.save(TurnoutItem(f"touched#{election}", f"{job}#{district}", expires=expires))

    def put_booths(self, election: str, booths: Sequence[Booth]) -> None:
        """Writes booths, new or changed, a few batches at once."""

        def write(first: int) -> None:
            with BoothItem.batch_write() as batch:
                for booth in booths[first : first + BATCH]:
                    batch.save(_item(election, booth))

        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(write, range(0, len(booths), BATCH)))

    def any_booth(self, election: str, district: str) -> bool:
        """Whether a booth of the district has figures, read consistently."""
        return any(True for _ in BoothItem.query(f"{election}#{district}", limit=1, consistent_read=True))

    def all_booths(self, election: str, district: str) -> Iterator[Booth]:
        """All that were written of a district, read consistently."""
        rows = BoothItem.query(f"{election}#{district}", consistent_read=True)
        return (_booth(item) for item in rows)

    # --- folding

    def touched(self, election: str) -> list[Mark]:
        """What was written since it was folded."""
        rows = TurnoutItem.query(f"touched#{election}", consistent_read=True)
        return [
            Mark(job, district, int(item.expires or 0))
            for item in rows
            for job, _, district in [item.sk.rpartition("#")]
        ]

    def folded(self, election: str, marks: Iterable[Mark]) -> None:
        """Takes the marks away, but for one that its job has made anew since it was read."""
        for mark in marks:
            item = TurnoutItem(f"touched#{election}", f"{mark.job}#{mark.district}")
            try:
                item.delete(condition=TurnoutItem.expires == mark.expires)
            except DeleteError as refused:
                if refused.cause_response_code != REFUSED:
                    raise

    def fold(self, election: str, state: str, district: str) -> DistrictSum:
        """Makes a district's sheet and sum anew from its booths, and gives the sum, which counts in this
        state and in no other. Raises Transient while others fold it all the time."""
        key, sums = (f"folded#{election}", district), f"sums#{election}"
        for attempt in range(TRIES):
            try:
                last = TurnoutItem.get(*key, consistent_read=True)
            except DoesNotExist:
                last = TurnoutItem(*key, rev=0, body={"state": state})
            seen, was = int(last.rev or 0), str(last.body["state"])
            booths = list(self.all_booths(election, district))
            sheet, sources = Sheet.of(district, booths), sorted({b.source for b in booths if b.source})
            made = DistrictSum(state, district, sheet.sum(), tuple(sources[:MOST_SOURCES]))
            item = TurnoutItem(*key, body={"state": state}, rev=seen + 1)
            before = TurnoutItem.rev == seen if seen else TurnoutItem.pk.does_not_exist()
            try:
                with write_together() as transaction:
                    transaction.save(item, condition=before)
                    transaction.save(TurnoutItem(sums, f"{state}#{district}", body=_sum_body(made)))
                    if was != state:
                        transaction.delete(TurnoutItem(sums, f"{was}#{district}"))
                    for n, part in enumerate(pack_sheet(sheet)):
                        transaction.save(SheetItem(_sheet_pk(election, district), f"{n:03d}", z=part))
            except TransactWriteError as error:
                if not failed_conditions(error) and not is_passing(error):
                    raise
                self.pause(0.05 * 2**attempt)
            else:
                return made
        raise Transient

    # --- reading

    def sheet(self, election: str, district: str) -> Sheet:
        """All booths of a district, as they were folded; without booths where nothing is known."""
        rows = SheetItem.query(_sheet_pk(election, district), consistent_read=True)
        return unpack_sheet(district, [item.z for item in rows])

    def sums(self, election: str, state: str = "") -> list[DistrictSum]:
        """The sums of all districts, or of a state's."""
        below = TurnoutItem.sk.startswith(f"{state}#") if state else None
        return [_district_sum(item) for item in TurnoutItem.query(f"sums#{election}", below)]

    def sums_of(self, election: str, districts: Iterable[tuple[str, str]]) -> list[DistrictSum]:
        """The sums of these (state, district), as far as there are any; a request for each hundred."""
        keys = [(f"sums#{election}", f"{state}#{district}") for state, district in districts]
        return [_district_sum(item) for item in TurnoutItem.batch_get(keys)] if keys else []

    # --- matches

    def put_matches(self, before: str, after: str, matches: Iterable[Match]) -> None:
        """Writes matches, and then that those of their districts have changed: what was compared before is
        compared again."""
        written = list(matches)
        with MatchItem.batch_write() as batch:
            for match in written:
                batch.save(MatchItem(_match_pk(before, after, match.after), f"{match.before}#{match.after}"))
        for district in sorted({match.after.partition("-")[0] for match in written}):
            TurnoutItem(f"matched#{before}#{after}", district).change([TurnoutItem.rev.add(1)])

    def matched(self, before: str, after: str, matches: Iterable[Match]) -> set[Match]:
        """Those of up to 100 matches that are known."""
        keys = [(_match_pk(before, after, match.after), f"{match.before}#{match.after}") for match in matches]
        return {_match(item) for item in MatchItem.batch_get(keys, consistent_read=True)} if keys else set()

    def matches(self, before: str, after: str, district: str) -> list[Match]:
        """All matches whose later booth lies in the district, read consistently: what is compared from older
        ones than its revision says would stand for good."""
        rows = MatchItem.query(f"match#{before}#{after}#{district}", consistent_read=True)
        return [_match(item) for item in rows]

    # --- comparisons

    def folds(self, election: str) -> dict[str, int]:
        """How often each district was folded."""
        return {item.sk: int(item.rev or 0) for item in TurnoutItem.query(f"folded#{election}")}

    def match_revisions(self, before: str, after: str) -> dict[str, int]:
        """How often matches of each district were written."""
        return {item.sk: int(item.rev or 0) for item in TurnoutItem.query(f"matched#{before}#{after}")}

    def comparisons(self, before: str, after: str, state: str) -> dict[str, Kept]:
        """What was compared of the districts of a state."""
        below = TurnoutItem.sk.startswith(f"{state}#")
        rows = TurnoutItem.query(f"compared#{before}#{after}", below)
        return {item.sk.partition("#")[2]: _kept(item.body) for item in rows}

    def keep_comparison(self, before: str, after: str, of: DistrictSum, kept: Kept) -> None:
        """Keeps what was compared; an older one that comes later is known by its revisions."""
        found = kept.found
        body = {
            "before": _plain(found.before),
            "after": _plain(found.after),
            "counts": [found.groups, found.left_out, found.unmatched],
            "revs": [kept.folded, kept.matched, dict(kept.olds)],
        }
        TurnoutItem(f"compared#{before}#{after}", f"{of.state}#{of.district}", body=body).save()

    # --- goals

    def goals(self, path: Sequence[str]) -> list[Goal]:
        """The goals of an area and of all below it."""
        begin = "/".join(path)
        found = [_goal(item) for item in TurnoutItem.query(GOALS, TurnoutItem.sk.startswith(begin))]
        return [goal for goal in found if goal.path[: len(path)] == tuple(path)]

    def put_goal(self, transaction: TransactWrite, goal: Goal) -> None:
        """Adds the write of a goal, new or changed."""
        transaction.save(TurnoutItem(GOALS, "/".join(goal.path), body=_goal_body(goal)))

    def move_goal(self, before: Goal, after: Goal) -> None:
        """Files a goal under another path, unless somebody has set one there or taken it away meanwhile."""
        put = TurnoutItem(GOALS, "/".join(after.path), body=_goal_body(after))
        try:
            with write_together() as transaction:
                transaction.save(put, condition=TurnoutItem.pk.does_not_exist())
                transaction.delete(
                    TurnoutItem(GOALS, "/".join(before.path)), condition=TurnoutItem.pk.exists()
                )
        except TransactWriteError as error:
            if is_passing(error):
                raise Transient from error
            if not failed_conditions(error):
                raise
            if any(goal.path == after.path for goal in self.goals(after.path)):
                TurnoutItem(GOALS, "/".join(before.path)).delete()

    def remove_goal(self, transaction: TransactWrite, path: Sequence[str]) -> None:
        """Adds the removal of a goal; refused when there is none."""
        transaction.delete(TurnoutItem(GOALS, "/".join(path)), condition=TurnoutItem.pk.exists())


@dataclass(frozen=True)
class OneLook(TurnoutStore):
    """The same for one page: each of its reads is made once."""

    once: Once = field(default_factory=Once)

    def elections(self) -> list[PastElection]:
        return self.once(super().elections)

    def election(self, election: str) -> PastElection | None:
        return next((one for one in self.elections() if one.id == election), None)

    def sheet(self, election: str, district: str) -> Sheet:
        return self.once(super().sheet, election, district)

    def sums(self, election: str, state: str = "") -> list[DistrictSum]:
        return self.once(super().sums, election, state)

    def sums_of(self, election: str, districts: Iterable[tuple[str, str]]) -> list[DistrictSum]:
        return self.once(super().sums_of, election, tuple(districts))

    def matches(self, before: str, after: str, district: str) -> list[Match]:
        return self.once(super().matches, before, after, district)

    def goals(self, path: Sequence[str]) -> list[Goal]:
        return self.once(super().goals, tuple(path))


def _sheet_pk(election: str, district: str) -> str:
    return f"sheet#{election}#{district}"


def _key(election: str, booth: str) -> tuple[str, str]:
    district, _, below = booth.partition("-")
    return f"{election}#{district}", below


def _item(election: str, booth: Booth) -> BoothItem:
    return BoothItem(
        *_key(election, booth.id),
        e=booth.electors,
        v=booth.voters,
        g=pack_genders(booth) or None,
        b=booth.block.partition("-")[2] or None,
        s=booth.source or None,
    )


def _booth(item: BoothItem) -> Booth:
    district, voters = item.pk.rpartition("#")[2], cast("float | None", item.v)
    return Booth(
        f"{district}-{item.sk}",
        int(item.e),
        None if voters is None else int(voters),
        unpack_genders(item.g or ""),
        f"{district}-{item.b}" if item.b else "",
        item.s or "",
    )


def _election(item: TurnoutItem) -> PastElection:
    return PastElection(**item.body | {"date": date.fromisoformat(item.body["date"])})


def _plain(one: Sum) -> dict[str, Any]:
    genders = {gender: list(vars(found).values()) for gender, found in one.by_gender.items()}
    return {**vars(one), "by_gender": genders}


def _sum(body: dict[str, Any]) -> Sum:
    genders = {gender: GenderSum(*counts) for gender, counts in body["by_gender"].items()}
    return Sum(**body | {"by_gender": genders})


def _kept(body: dict[str, Any]) -> Kept:
    folded, matched, olds = body["revs"]
    return Kept(Comparison(_sum(body["before"]), _sum(body["after"]), *body["counts"]), folded, matched, olds)


def _sum_body(one: DistrictSum) -> dict[str, Any]:
    return {**_plain(one.sum), "sources": list(one.sources)}


def _district_sum(item: TurnoutItem) -> DistrictSum:
    body: dict[str, Any] = dict(item.body)
    state, _, district = item.sk.partition("#")
    sources = tuple(body.pop("sources"))
    return DistrictSum(state, district, _sum(body), sources)


def _match_pk(before: str, after: str, later: str) -> str:
    return f"match#{before}#{after}#{later.partition('-')[0]}"


def _match(item: MatchItem) -> Match:
    before, _, after = item.sk.partition("#")
    return Match(before, after)


def _goal_body(goal: Goal) -> dict[str, Any]:
    return {"share": goal.share, "by": goal.by, "at": goal.at}


def _goal(item: TurnoutItem) -> Goal:
    body: Mapping[str, Any] = item.body
    return Goal(tuple(item.sk.split("/")), float(body["share"]), body["by"], body["at"])
