"""Files of turnout, and of which booth of one election was which of another: what their rows mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from chalicelib.cells import digits, whole_number
from chalicelib.clock import Clock
from chalicelib.errors import FieldError, Forbidden, InvalidInput
from chalicelib.ports import Area, Areas, Column, Effect, ImportJob
from chalicelib.turnout.comparing import Comparing
from chalicelib.turnout.model import BOOTH, GENDERS, WRITE, Booth, Gender, Match
from chalicelib.turnout.store import TOUCHED_AGAIN_S, TurnoutStore

A_STEP = 50
"""Districts that are compared before the job looks at its time."""
KEPT = 1000
"""Areas that a kind remembers between looking at rows and writing them."""
MOST_ELECTORS = 100_000
"""No booth of India has so many (the Election Commission's most is about 1,500): a slip of columns."""
ABOVE = "There are more voters (%(voters)s) than electors (%(electors)s)."
PARTS_ABOVE = "Women, men and others are more (%(parts)s) than all (%(all)s)."
NO_BOOTH = "Say which booth: its id, or district, constituency and booth number."
NOT_AN_ID = "This is not the id of a booth, such as D162-A168-P1."
NO_AREA = "There is no area %(id)s."
NO_ELECTION = "There is no election %(id)s among those of the past."
MISSING = "Please fill in this field."


@dataclass
class TurnoutKind:
    """Implements ports.ImportKind: electors and voters of booths at one election. A booth whose area is not
    in the directory is refused: areas are imported first."""

    store: TurnoutStore
    areas: Areas
    clock: Clock
    name: str = "turnout"
    columns: Sequence[Column] = (
        Column("booth", ("booth_id", "area")),
        Column("district", ("lgd_district_code", "district_code")),
        Column("constituency", ("ac_no", "assembly_constituency")),
        Column("number", ("booth_no", "polling_station_no", "part_no")),
        Column("electors", ("electors_total", "total_electors"), required=True),
        Column("voters", ("voters_total", "total_voters"), required=True),
        Column("electors_female", ("electors_f",)),
        Column("electors_male", ("electors_m",)),
        Column("electors_other", ("electors_o", "electors_third_gender")),
        Column("voters_female", ("voters_f",)),
        Column("voters_male", ("voters_m",)),
        Column("voters_other", ("voters_o", "voters_third_gender")),
    )
    options: Sequence[str] = ("election", "source")
    _seen: dict[str, Area] = field(default_factory=dict)
    _seen_by: str = ""
    """The job that they were read for: the next one comes to areas that may lie elsewhere."""
    _marked: dict[tuple[str, str], float] = field(default_factory=dict)
    """When districts were marked as touched, by job."""
    _untold: dict[tuple[str, str], bool] = field(default_factory=dict)
    """Whether a district had no figures when a job came to it: no row of a file then has any to be compared
    with, as each booth stands in it once."""

    def check(self, job: ImportJob) -> None:
        _may(job)
        given = job.options.get("election", "")
        wrong = []
        if self.store.election(given) is None if given else True:
            wrong.append(FieldError("options.election", "election_unknown", NO_ELECTION, {"id": given}))
        if not job.options.get("source", "").strip():
            wrong.append(FieldError("options.source", "missing", MISSING))
        if wrong:
            raise InvalidInput(wrong)

    def read(self, cells: Mapping[str, str], job: ImportJob) -> Booth:
        wrong: list[FieldError] = []
        booth = _booth_id(cells, wrong)
        counts = {name: _count(cells, name, wrong) for name in _COUNTS}
        electors, voters = counts["electors"], counts["voters"]
        if electors is None and not any(one.field == "electors" for one in wrong):
            wrong.append(FieldError("electors", "missing", MISSING))
        wrong += _impossible(counts)
        if wrong:
            raise InvalidInput(wrong)
        by_gender: dict[Gender, tuple[int, int | None]] = {
            gender: (of, counts[f"voters_{gender}"])
            for gender in GENDERS
            if (of := counts[f"electors_{gender}"]) is not None
        }
        return Booth(booth, electors or 0, voters, by_gender, source=job.options.get("source", "").strip())

    def key(self, record: Booth) -> str:
        return record.id

    def compare(self, records: Sequence[Booth], job: ImportJob) -> list[Effect | InvalidInput]:
        places = {
            booth: area
            for booth, area in self._places(records, job).items()
            if job.caller.covers_area(area.path, WRITE)  # what they may not know of is not there for them
        }
        told = [booth for booth in places if not self._is_untold(booth.partition("-")[0], job)]
        there = self.store.booths(job.options["election"], told)
        return [_effect(_placed(one, places), there.get(one.id)) or _no_area(one) for one in records]

    def write(self, records: Sequence[Booth], job: ImportJob) -> None:
        places = self._places(records, job)
        placed = [one for record in records if (one := _placed(record, places)) is not None]
        now = self.clock.epoch()
        fresh = {
            d for (ident, d), at in self._marked.items() if ident == job.id and now < at + TOUCHED_AGAIN_S
        }
        touched = {one.district for one in placed} - fresh
        self.store.touch(job.options["election"], sorted(touched), job.id, now)
        self._marked |= {(job.id, district): now for district in touched}
        self.store.put_booths(job.options["election"], placed)

    def finish(self, job: ImportJob) -> None:
        """Folds every district of the election that was written since it was folded, also by a job that broke
        off: once, when nothing of that job can be under way any more. One that dies on the way goes on behind
        the districts that it has done."""
        election, now = job.options["election"], self.clock.epoch()
        marks = self.store.touched(election)
        districts = sorted({mark.district for mark in marks})
        areas = self.areas.many(districts, fresh=True)  # one that has moved counts where it lies now
        for district in districts:
            if district in areas:
                self.store.fold(election, areas[district].path[1], district)
            over = [
                one for one in marks if one.district == district and (one.job == job.id or one.settled(now))
            ]
            self.store.folded(election, over)
            self._marked.pop((job.id, district), None)

    def _is_untold(self, district: str, job: ImportJob) -> bool:
        known = (job.id, district)
        if known not in self._untold:
            if len(self._untold) > KEPT:
                self._untold.clear()
            self._untold[known] = not self.store.any_booth(job.options["election"], district)
        return self._untold[known]

    def _places(self, records: Sequence[Booth], job: ImportJob) -> Mapping[str, Area]:
        """The areas of these booths, as far as there are any. What `compare` read, `write` knows."""
        if self._seen_by != job.id:
            self._seen.clear()
            self._seen_by = job.id
        asked = [one.id for one in records]
        if unknown := [booth for booth in asked if booth not in self._seen]:
            if len(self._seen) > KEPT:
                self._seen.clear()
                unknown = asked
            self._seen |= self.areas.many(unknown, fresh=True)
        return {booth: self._seen[booth] for booth in asked if booth in self._seen}


def _may(job: ImportJob) -> None:
    if not job.caller.may(WRITE):
        raise Forbidden


_COUNTS = tuple(f"{of}{kind}" for of in ("electors", "voters") for kind in ("", *(f"_{g}" for g in GENDERS)))


def _booth_id(cells: Mapping[str, str], wrong: list[FieldError]) -> str:
    if given := cells.get("booth", ""):
        if not BOOTH.fullmatch(given):
            wrong.append(FieldError("booth", "booth_id", NOT_AN_ID))
        return given
    parts = [digits(name, cells.get(name, "")).lstrip("0") for name in ("district", "constituency", "number")]
    if not all(parts):
        wrong.append(FieldError("booth", "missing", NO_BOOTH))
        return ""
    made = "D{}-A{}-P{}".format(*parts)
    if not BOOTH.fullmatch(made):
        wrong.append(FieldError("number", "booth_id", NOT_AN_ID))
    return made


def _count(cells: Mapping[str, str], name: str, wrong: list[FieldError]) -> int | None:
    """The number in a cell; None for none, and for what is told among `wrong`."""
    try:
        return whole_number(name, cells.get(name, ""), most=MOST_ELECTORS)
    except InvalidInput as refused:
        wrong += refused.errors
        return None


def _impossible(counts: Mapping[str, int | None]) -> list[FieldError]:
    """What cannot be, however the row came about."""
    wrong = []
    for suffix in ("", *(f"_{gender}" for gender in GENDERS)):
        electors, voters = counts[f"electors{suffix}"], counts[f"voters{suffix}"]
        if electors is not None and voters is not None and voters > electors:
            said: dict[str, object] = {"voters": voters, "electors": electors}
            wrong.append(FieldError(f"voters{suffix}", "above_electors", ABOVE, said))
    for of in ("electors", "voters"):
        parts, whole = sum(counts[f"{of}_{gender}"] or 0 for gender in GENDERS), counts[of]
        if whole is not None and parts > whole:
            wrong.append(FieldError(of, "parts_above_all", PARTS_ABOVE, {"parts": parts, "all": whole}))
    return wrong


def _placed(booth: Booth, places: Mapping[str, Area]) -> Booth | None:
    """The booth with the block in which it lies; None where there is no such area."""
    area = places.get(booth.id)
    if area is None:
        return None
    block = block_of(area)
    return replace(booth, block=block) if block else booth


def block_of(area: Area) -> str:
    """The block in which a booth lies; empty where it is in none."""
    return next((part for part in area.path if "-B" in part), "")


def _effect(booth: Booth | None, there: Booth | None) -> Effect | None:
    if booth is None:
        return None
    if there is None:
        return "new"
    return "same" if there == booth else "changed"


def _no_area(booth: Booth) -> InvalidInput:
    return InvalidInput.of("booth", "area_unknown", NO_AREA, id=booth.id)


@dataclass(frozen=True)
class MatchKind:
    """Implements ports.ImportKind: which booth of an earlier election was which of a later one. A booth that
    was split, or several that were joined, stand in several rows. A match that was once written stays."""

    store: TurnoutStore
    name: str = "turnout_matches"
    columns: Sequence[Column] = (
        Column("before", ("old", "booth_before", "old_booth"), required=True),
        Column("after", ("new", "booth_after", "new_booth"), required=True),
    )
    options: Sequence[str] = ("before", "after")

    def check(self, job: ImportJob) -> None:
        _may(job)
        given = {name: job.options.get(name, "") for name in self.options}
        found = {name: self.store.election(one) if one else None for name, one in given.items()}
        wrong = [
            FieldError(f"options.{name}", "election_unknown", NO_ELECTION, {"id": given[name]})
            for name, election in found.items()
            if election is None
        ]
        before, after = found["before"], found["after"]
        if before and after and before.date >= after.date:
            sentence = "The election before must have been earlier than the one after."
            wrong.append(FieldError("options.before", "not_earlier", sentence))
        if wrong:
            raise InvalidInput(wrong)

    def read(self, cells: Mapping[str, str], job: ImportJob) -> Match:
        wrong = [
            FieldError(name, "booth_id", NOT_AN_ID)
            for name in ("before", "after")
            if not BOOTH.fullmatch(cells.get(name, ""))
        ]
        if wrong:
            raise InvalidInput(wrong)
        return Match(cells["before"], cells["after"])

    def key(self, record: Match) -> str:
        return f"{record.before}#{record.after}"

    def compare(self, records: Sequence[Match], job: ImportJob) -> list[Effect | InvalidInput]:
        """A booth that has no figures at its election is refused: it would match nothing."""
        before, after = job.options["before"], job.options["after"]
        was = self.store.booths(before, dict.fromkeys(one.before for one in records))
        now = self.store.booths(after, dict.fromkeys(one.after for one in records))
        known = self.store.matched(before, after, records)
        found: list[Effect | InvalidInput] = []
        for one in records:
            wrong = [
                FieldError(name, "no_figures", "This booth has no figures at this election.")
                for name, missing in (("before", one.before not in was), ("after", one.after not in now))
                if missing
            ]
            found.append(InvalidInput(wrong) if wrong else "same" if one in known else "new")
        return found

    def write(self, records: Sequence[Match], job: ImportJob) -> None:
        self.store.put_matches(job.options["before"], job.options["after"], records)

    def finish(self, job: ImportJob) -> bool:
        """Compares the districts of which something has changed, so that nobody waits for a whole state;
        what changes later is compared when it is asked for."""
        return Comparing(self.store, job.options["before"], job.options["after"]).refresh(A_STEP)
