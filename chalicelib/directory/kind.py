"""Files of areas: the Local Government Directory's, lists of polling booths and constituencies, and our own
layout.

Which area a row is, by the columns that the file has, the most exact first:

    id                                      our own id, with `parent` for a district or block that has another
    booth + constituency + district_lgd     a polling booth, below `block_lgd` where that is given
    constituency + state                    an assembly constituency, a second grouping of booths
    ward + district_lgd                     a ward, the same
    block_lgd + district_lgd                a block: its code may stand in two districts
    district_lgd + state                    a district
    state                                   a state, by ISO 3166-2; codes of before 2023 are taken for today's
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, cast

from chalicelib import cells as c
from chalicelib.clock import Clock
from chalicelib.directory.model import (
    RENAMED,
    ROOT,
    Grouping,
    check_area,
    clean_names,
    in_order,
    is_grouping,
    level_of,
    overlaid,
)
from chalicelib.directory.store import DirectoryStore
from chalicelib.errors import FieldError, Forbidden, InvalidInput
from chalicelib.ports import Area, Column, Effect, ImportJob, Refiling

ACTION = "import.areas"
LANGUAGES = (
    *("as", "bn", "brx", "doi", "gu", "kn", "kok", "ks", "mai", "ml", "mni", "mr", "ne", "or", "pa"),
    *("sa", "sat", "sd", "ta", "te", "ur"),
)
"""Of the eighth schedule, beside Hindi; and English."""
INDIA = Area(ROOT, "country", (ROOT,), {"hi": "भारत", "en": "India"})
_STATE = re.compile(r"IN-[A-Z]{2}")
_BOOTH = re.compile(r"\d{1,5}[A-Z]?")
MOST_ALIASES = 20
_DISTRICT = 2
"""Where the district stands in a path."""

NO_PARENT = "The area above it, %(id)s, is not in the directory: import that first."
NOT_AN_ID = "This is no id of an area."
NO_CODE = "This is no such code: write digits."
NO_STATE = "Write the state by its ISO 3166-2 code, such as IN-UP."
NO_BOOTH = "The number of a booth is digits, and a letter where it was divided: 12, 12A."
NO_NAME = "The file has no column of names, such as name_en or name_hi."
NO_PLACE = "The file has no columns that say which area a row is."
SETTLES_S = 150.0
"""Whoever has read an area and files something by its path has done so by then: no Lambda that does so lasts
longer than 120 s (infra/template.yaml)."""
SUBDISTRICTS = "Sub-districts are no level of the tree: state, district, block, booth."


@dataclass(frozen=True)
class Told:
    """What a row says: of an area whose path is not known yet, or of a grouping."""

    id: str
    names: Mapping[str, str]
    above: str = ""
    """The area right above it; empty for a grouping."""
    codes: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    valid_from: str = ""
    valid_until: str = ""
    successors: tuple[str, ...] = ()
    groupings: tuple[Grouping, ...] = ()
    """Constituency and ward of a booth, as far as the row names them."""

    def placed(self, above: Area) -> Area:
        """The area, right below `above`."""
        level = cast("Any", level_of(self.id))
        made = Area(self.id, level, (*above.path, self.id), clean_names(dict(self.names)))
        return replace(
            made,
            codes=dict(self.codes),
            aliases=self.aliases,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            successors=self.successors,
        )


@dataclass(frozen=True)
class AreaKind:
    """Implements ports.ImportKind: areas, and the groupings of booths. What a file is silent about stays."""

    store: DirectoryStore
    clock: Clock
    filed: Callable[[], Sequence[Refiling]] = tuple
    """What features keep by the path of an area."""
    name: str = "areas"
    columns: Sequence[Column] = (
        Column("id", ("area_id", "area")),
        Column("parent", ("parent_id",)),
        Column("state", ("iso_3166_2", "iso", "state_iso")),
        Column("state_before", ("iso_3166_2_before_2023",)),
        Column("state_lgd", ("lgd_state_code", "state_lgd_code")),
        Column("district_lgd", ("lgd_district_code", "district_lgd_code", "district_code")),
        Column("subdistrict_lgd", ("lgd_subdistrict_code", "subdistrict_code")),
        Column("block_lgd", ("lgd_block_code", "block_lgd_code", "block_code")),
        Column("constituency", ("ac_no", "assembly_constituency_no")),
        Column("constituency_name", ("ac_name", "assembly_constituency")),
        Column("booth", ("booth_no", "part_no", "polling_station_no")),
        Column("ward", ("ward_no", "ward_number")),
        Column("ward_name"),
        Column("eci", ("eci_code", "eci_state_code")),
        Column("census", ("census2011_code", "census_code")),
        Column("name_en", ("name", "booth_name", "polling_station_name", "english_name")),
        Column("name_hi", ("booth_name_hi", "hindi_name", "नाम")),
        *(Column(f"name_{language}") for language in LANGUAGES),
        Column("name_local", ("local_name",)),
        Column("aliases", ("also_known_as", "old_names")),
        Column("valid_from", ("created_on",)),
        Column("valid_until", ("ended_on",)),
        Column("successors", ("successor",)),
    )
    options: Sequence[str] = ()
    _fresh: dict[str, dict[str, Area]] = field(default_factory=dict)
    """By the job: areas that rows above gave and that may not be written yet."""

    def check(self, job: ImportJob) -> None:
        if not job.caller.may(ACTION):
            raise Forbidden
        if job.options:
            raise InvalidInput.of("options", "extra_forbidden", "This field is not known. Check its name.")
        if job.columns:
            layout_of(job.columns)

    def read(self, cells: Mapping[str, str], job: ImportJob) -> Told:
        return _Row(cells).told(layout_of(job.columns or frozenset(cells)))

    def key(self, record: Told) -> str:
        return record.id

    def compare(self, records: Sequence[Told], job: ImportJob) -> list[Effect | InvalidInput]:
        known, above, groupings = self._there(records)
        if job.id not in self._fresh:
            self._fresh.clear()
        fresh = self._fresh.setdefault(job.id, {})
        everywhere, found = ChainMap(above, fresh), []
        for record in records:
            found.append(_effect(record, known, everywhere, groupings))
            if found[-1] in ("new", "changed") and _holds_others(record):
                fresh[record.id] = _after(record, known, everywhere)
        return found

    def write(self, records: Sequence[Told], job: ImportJob) -> None:
        known, above, groupings = self._there(records)
        above = {**self._fresh.get(job.id, {}), **above}
        for record in records:  # a row's upper area may stand a few rows above it
            if _holds_others(record) and record.above in above and record.id not in above:
                above[record.id] = _after(record, known, above)
        areas = [record for record in records if record.above in above]
        changes = [(known.get(one.id), _after(one, known, above)) for one in areas]
        paths = [was.path for was, now in changes if was is not None and was.path != now.path]
        moved = dict.fromkeys(path[: _DISTRICT + 1] for path in paths)
        self.store.mark_moved(moved)
        if ROOT not in known and any(record.above == ROOT for record in areas):
            self.store.put_areas([INDIA], sample=False)
        self.store.replace_areas(changes)
        self.store.mark_moved(moved)  # another job may have found nothing to file before they had moved
        named = {one.id: one for record in records for one in _groupings(record)}
        fresh = [_named(groupings.get(one.id), one) for one in named.values()]
        self.store.put_groupings(one for one in fresh if one != groupings.get(one.id))

    def finish(self, job: ImportJob) -> bool | float:
        """Files anew, in one district a call, what lies there by the path of an area that has moved; and once
        more SETTLES_S later, for what was filed meanwhile by who had read the area before."""
        left, now = self.store.moved(), self.clock.epoch()
        if not left:
            return False
        found = min(left, key=lambda one: one.again)
        if found.again > now:
            return min(found.again - now, SETTLES_S)
        before = found.before
        district = self.store.areas([before[-1]], fresh=True).get(before[-1])
        if district is not None:
            self._move_below(district)
            self._move_polls(district)
            if any([one.refile(before, district) for one in self.filed()]):
                return True
        if found.again:
            self.store.end_moved(found)
        else:
            self.store.look_again(found, now + SETTLES_S)
        return True

    def _move_below(self, above: Area) -> None:
        """Puts all areas below one where it lies now."""
        below = self.store.children(above.id)
        wrong = [(one, replace(one, path=(*above.path, one.id))) for one in below]
        self.store.replace_areas((was, now) for was, now in wrong if was.path != now.path)
        for one in below:
            if one.level == "block":
                self._move_below(replace(one, path=(*above.path, one.id)))

    def _move_polls(self, district: Area) -> None:
        """Puts the elections of the calendar that name areas of a district where those lie now."""
        for poll in self.store.polls():
            here = [area for area in poll.areas if area.split("-")[0] == district.id]
            paths = {area.id: area.path for area in self.store.areas(here, fresh=True).values()}
            areas = {**poll.areas, **paths}
            if areas != poll.areas:
                self.store.move_poll(poll, replace(poll, areas=areas))

    def _there(self, records: Sequence[Told]) -> tuple[dict[str, Area], dict[str, Area], dict[str, Grouping]]:
        """What there is of these records, the areas above them, and their groupings: a request or two."""
        above = {record.above for record in records if record.above}
        found = self.store.areas({*above, *(one.id for one in records if one.above)}, fresh=True)
        groupings = self.store.groupings(one.id for record in records for one in _groupings(record))
        return found, {ROOT: INDIA} | {one: found[one] for one in above if one in found}, groupings


@cache
def layout_of(has: frozenset[str]) -> str:
    """Which sort of area the rows are: `any` for our own ids. Raises InvalidInput for columns that do not
    say it, or without names."""
    if "subdistrict_lgd" in has:
        raise InvalidInput.of("subdistrict_lgd", "no_level", SUBDISTRICTS)
    kinds = (
        ("any", {"id"}),
        ("booth", {"booth", "constituency", "district_lgd"}),
        ("constituency", {"constituency", "state"}),
        ("ward", {"ward", "district_lgd"}),
        ("block", {"block_lgd", "district_lgd"}),
        ("district", {"district_lgd", "state"}),
        ("state", {"state"}),
    )
    kind = next((kind for kind, needed in kinds if needed <= has), None)
    if kind is None:
        raise InvalidInput.of("id", "column_missing", NO_PLACE)
    names = {"constituency": {"constituency_name"}, "ward": {"ward_name"}}.get(kind, set())
    if not any(column.startswith("name_") for column in has) and not names & has:
        raise InvalidInput.of("name_en", "column_missing", NO_NAME)
    return kind


@dataclass(frozen=True)
class _Row:
    cells: Mapping[str, str]

    def told(self, layout: str) -> Told:
        names = self._names(layout)
        own, above = self._place(layout)
        if not above:
            if not names:
                raise InvalidInput.of("name_en", "missing", c.EMPTY)
            return Told(own, names, codes=self._codes("constituency"))
        return Told(
            own,
            names,
            above,
            self._codes(level_of(own) or ""),
            self._aliases(names),
            self._day("valid_from"),
            self._day("valid_until"),
            tuple(one for one in re.split(r"[;|\s]+", self.cells.get("successors", "")) if one),
            self._booths_groupings(own) if level_of(own) == "booth" else (),
        )

    def _place(self, layout: str) -> tuple[str, str]:
        """The id, and that of the area above; none for a grouping."""
        if layout == "any":
            return self._own_id()
        if layout in ("state", "constituency"):
            state = self._state("state")
            return (state, ROOT) if layout == "state" else (f"{state}-A{self._code('constituency', 4)}", "")
        district = f"D{self._code('district_lgd', 6)}"
        if layout == "district":
            return district, self._state("state")
        return self._below(layout, district)

    def _below(self, layout: str, district: str) -> tuple[str, str]:
        if layout == "ward":
            return f"{district}-W{self._code('ward', 4)}", ""
        given = layout == "block" or self.cells.get("block_lgd")
        block = f"{district}-B{self._code('block_lgd', 7)}" if given else ""
        if layout == "block":
            return block, district
        return f"{district}-A{self._code('constituency', 4)}-P{self._booth()}", block or district

    def _own_id(self) -> tuple[str, str]:
        own = c.required("id", self.cells.get("id")).upper()
        if is_grouping(own):
            return own, ""
        level = level_of(own)
        if level is None or level == "country":
            raise InvalidInput.of("id", "area_id", NOT_AN_ID)
        above = self.cells.get("parent", "").upper()
        if level == "state":
            return own, ROOT
        if level in ("block", "booth"):
            above = above or own.split("-")[0]
        above = RENAMED.get(above, above) or self._state("state" if "state" in self.cells else "parent")
        if level_of(above) is None:
            raise InvalidInput.of("parent", "area_id", NOT_AN_ID)
        return own, above

    def _code(self, column: str, most: int) -> str:
        code = c.digits(column, c.required(column, self.cells.get(column)))
        if not re.fullmatch(rf"[0-9]{{1,{most}}}", code):
            raise InvalidInput.of(column, "code", NO_CODE)
        return str(int(code))

    def _booth(self) -> str:
        number = c.digits("booth", c.required("booth", self.cells.get("booth"))).upper().replace(" ", "")
        if not _BOOTH.fullmatch(number):
            raise InvalidInput.of("booth", "booth_no", NO_BOOTH)
        return number.lstrip("0") or "0"

    def _state(self, column: str) -> str:
        code = c.required(column, self.cells.get(column)).upper()
        if not _STATE.fullmatch(code):
            raise InvalidInput.of(column, "state", NO_STATE)
        return RENAMED.get(code, code)

    def _names(self, layout: str) -> dict[str, str]:
        names = {
            language: c.name(f"name_{language}", self.cells[f"name_{language}"], language)
            for language in ("hi", "en", *LANGUAGES)
            if self.cells.get(f"name_{language}")
        }
        own = {"constituency": "constituency_name", "ward": "ward_name"}.get(layout, "")
        if own and self.cells.get(own):
            names.setdefault("en", c.name(own, self.cells[own]))
        return names

    def _codes(self, level: str) -> dict[str, str]:
        columns = {
            "state": {"lgd": "state_lgd", "eci": "eci", "census": "census"},
            "district": {"lgd": "district_lgd", "census": "census"},
            "block": {"lgd": "block_lgd"},
            "booth": {"ward": "ward"},
            "constituency": {"eci": "eci"},
        }.get(level, {})
        found = {name: self.cells[column] for name, column in columns.items() if self.cells.get(column)}
        for name in ("lgd", "ward"):
            if name in found:
                found[name] = self._code(columns[name], 7 if name == "lgd" else 4)
        before = self.cells.get("state_before", "").upper()
        if level == "state":
            now = self._state("state") if self.cells.get("state") else ""
            was = before or next((old for old, new in RENAMED.items() if new == now), "")
            found |= {"iso": now} if now else {}
            found |= {"iso_before": was} if was and was != now else {}
        return found

    def _aliases(self, names: Mapping[str, str]) -> tuple[str, ...]:
        given = re.split(r"[;|]", self.cells.get("aliases", ""))
        tidy = [c.name("aliases", one) for one in given]
        local = c.name("name_local", self.cells.get("name_local", ""))
        found = dict.fromkeys(one for one in (*tidy, local) if one and one not in names.values())
        return tuple(found)[:MOST_ALIASES]

    def _day(self, column: str) -> str:
        day = c.day(column, self.cells.get(column, ""))
        return day.isoformat() if day else ""

    def _booths_groupings(self, booth: str) -> tuple[Grouping, ...]:
        district, constituency, _ = booth.split("-")
        found = []
        if self.cells.get("constituency_name") and self.cells.get("state"):
            name = c.name("constituency_name", self.cells["constituency_name"])
            found.append(Grouping(f"{self._state('state')}-{constituency}", {"en": name}))
        if self.cells.get("ward_name") and self.cells.get("ward"):
            name = c.name("ward_name", self.cells["ward_name"])
            found.append(Grouping(f"{district}-W{self._code('ward', 4)}", {"en": name}))
        return tuple(found)


def _groupings(record: Told) -> tuple[Grouping, ...]:
    """The groupings that a record names: itself, or a booth's."""
    own = Grouping(record.id, in_order(clean_names(dict(record.names))), dict(record.codes))
    return record.groupings if record.above else (own,)


def _named(known: Grouping | None, told: Grouping) -> Grouping:
    if known is None:
        return told
    return Grouping(told.id, in_order({**known.names, **told.names}), {**known.codes, **told.codes})


def _effect(
    record: Told, known: Mapping[str, Area], above: Mapping[str, Area], groupings: Mapping[str, Grouping]
) -> Effect | InvalidInput:
    if not record.above:
        [own] = _groupings(record)
        there = groupings.get(record.id)
        return "new" if there is None else "same" if _named(there, own) == there else "changed"
    if record.above not in above:
        return InvalidInput.of("parent", "parent_unknown", NO_PARENT, id=record.above)
    before, after = known.get(record.id), _after(record, known, above)
    try:
        check_area(after)
    except InvalidInput as wrong:
        return InvalidInput([_of_column(fault) for fault in wrong.errors])
    return "new" if before is None else "same" if after == before else "changed"


def _after(record: Told, known: Mapping[str, Area], above: Mapping[str, Area]) -> Area:
    """What is known of an area with what a row says of it. A file without blocks takes no booth out of its
    own."""
    before, placed = known.get(record.id), record.placed(above[record.above])
    if before is not None and str(before.parent).startswith(f"{record.above}-"):
        placed = replace(placed, path=before.path)
    return overlaid(before, placed)


def _holds_others(record: Told) -> bool:
    """Whether it is an area that others may lie in."""
    return bool(record.above) and level_of(record.id) != "booth"


def _of_column(fault: FieldError) -> FieldError:
    column = {"names": "name_en", "path": "parent"}.get(fault.field, fault.field)
    return replace(fault, field=column)
