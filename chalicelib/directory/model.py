"""What an area's id and path must look like, how names are compared, what the election calendar means."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.cells import HIDDEN
from chalicelib.errors import FieldError, InvalidInput
from chalicelib.names import compose, hides
from chalicelib.ports import Area, Election, RosterRange

ROOT = "IN"
_NUKTA = 7
"""Unicode's combining class of nuktas in all Indic scripts."""
_WITHOUT_JOINERS = {0x200C: None, 0x200D: None}

_IDS = {
    "country": re.compile(r"IN"),
    "state": re.compile(r"IN-[A-Z]{2}"),
    "district": re.compile(r"D\d{1,6}"),
    "block": re.compile(r"D\d{1,6}-B\d{1,7}"),
    "booth": re.compile(r"D\d{1,6}-A\d{1,4}-P\d{1,5}[A-Z]?"),
}
_PARENTS = {
    "country": (),
    "state": ("country",),
    "district": ("state",),
    "block": ("district",),
    "booth": ("district", "block"),
}


RENAMED = {"IN-CT": "IN-CG", "IN-OR": "IN-OD", "IN-TG": "IN-TS", "IN-UT": "IN-UK"}
"""ISO 3166-2 codes of states as they were until November 2023, and as they are."""
_GROUPINGS = {"constituency": re.compile(r"IN-[A-Z]{2}-A\d{1,4}"), "ward": re.compile(r"D\d{1,6}-W\d{1,4}")}
_LANGUAGES_FIRST = ("hi", "en")


@dataclass(frozen=True)
class Grouping:
    """A second grouping of booths: an assembly constituency of a state, or a ward of a district."""

    id: str
    names: Mapping[str, str]
    codes: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """`constituency` or `ward`."""
        return "constituency" if self.id.startswith("IN-") else "ward"

    @property
    def within(self) -> str:
        """The state or district whose it is."""
        return self.id.rpartition("-")[0]

    @property
    def number(self) -> int:
        return int(self.id.rpartition("-")[2][1:])


def is_grouping(grouping_id: str) -> bool:
    """Whether this is the id of a constituency or a ward."""
    return any(pattern.fullmatch(grouping_id) for pattern in _GROUPINGS.values())


def groupings_of(booth: Area) -> dict[str, str]:
    """The ids of the groupings that a booth belongs to, by their kind."""
    if booth.level != "booth":
        return {}
    constituency = f"{booth.path[1]}-{booth.id.split('-')[1]}"
    ward = booth.codes.get("ward", "")
    return {"constituency": constituency} | ({"ward": f"{booth.path[2]}-W{ward}"} if ward else {})


def in_order(names: Mapping[str, str]) -> dict[str, str]:
    """Names by language: Hindi, English, then the others."""
    first = {language: names[language] for language in _LANGUAGES_FIRST if language in names}
    return first | dict(sorted(names.items()))


def overlaid(known: Area | None, told: Area) -> Area:
    """What is known of an area, with what a file tells of it: what the file is silent about stays."""
    if known is None:
        return replace(told, names=in_order(told.names))
    return Area(
        told.id,
        told.level,
        told.path,
        in_order({**known.names, **told.names}),
        {**known.codes, **told.codes},
        tuple(dict.fromkeys((*known.aliases, *told.aliases))),
        told.valid_from or known.valid_from,
        told.valid_until or known.valid_until,
        told.successors or known.successors,
    )


@dataclass(frozen=True)
class Label:
    """A theme or a department: an id for machines, names for people by language."""

    id: str
    names: dict[str, str]
    sample: bool = False


def level_of(area_id: str) -> str | None:
    """The level that an id stands for; None when it is no area's id."""
    return next((level for level, pattern in _IDS.items() if pattern.fullmatch(area_id)), None)


def check_area(area: Area) -> None:
    """Raises InvalidInput unless the id fits the level and the path leads from India down to the area."""
    levels = [level_of(part) for part in area.path]
    wrong = []
    if level_of(area.id) != area.level:
        wrong.append(FieldError("id", "area_id", "This is not the id of a %(level)s.", {"level": area.level}))
    if not area.path or area.path[0] != ROOT or area.path[-1] != area.id or not _descends(levels):
        wrong.append(FieldError("path", "area_path", "The path must lead from IN down to the area itself."))
    elif len(area.path) > 3 and any(not part.startswith(f"{area.path[2]}-") for part in area.path[3:]):  # noqa: PLR2004
        wrong.append(FieldError("path", "area_path", "An id below a district begins with the district's id."))
    if not any(area.names.values()):
        wrong.append(FieldError("names", "missing", "Please fill in this field."))
    if any(level_of(one) != area.level or one == area.id for one in area.successors):
        sentence = "An area is followed by others of its own level: their ids."
        wrong.append(FieldError("successors", "successors", sentence))
    if area.valid_from and area.valid_until and area.valid_until < area.valid_from:
        wrong.append(FieldError("valid_until", "before_begin", "It cannot end before it begins."))
    if wrong:
        raise InvalidInput(wrong)


def _descends(levels: Sequence[str | None]) -> bool:
    """Whether each level may stand below the one before it."""
    if None in levels:
        return False
    return all(above in _PARENTS[below or ""] for above, below in zip(levels, levels[1:], strict=False))


def fold(name: str) -> str:
    """What two spellings of a name have in common, in any script: composed form, case, nuktas (क़ and क),
    joiners and stray spaces make no difference."""
    apart = unicodedata.normalize("NFD", name.translate(_WITHOUT_JOINERS).casefold())
    plain = "".join(c for c in apart if unicodedata.combining(c) != _NUKTA)
    return " ".join(unicodedata.normalize("NFC", plain).split())


def clean_names(names: dict[str, str]) -> dict[str, str]:
    """Names as they are stored: composed, without stray spaces, none empty. Raises InvalidInput for one that
    holds what nobody sees: two areas could look alike and be found apart."""
    tidy = {language: compose(text) for language, text in names.items()}
    wrong = [
        FieldError(f"names.{language}", "hidden_characters", HIDDEN)
        for language, text in tidy.items()
        if hides(text)
    ]
    if wrong:
        raise InvalidInput(wrong)
    return {language: text for language, text in tidy.items() if text}


def ranges_of(area: Area) -> list[RosterRange]:
    """The roster stretches of one area at district level or below, with all below it.

    Below a district two stretches: the people of the area itself (`…#`), and of what lies under it (`…/`).
    One stretch for both would also hold `…-B12` when `…-B1` is meant.
    """
    prefix = area.roster_prefix
    if not prefix:
        return [RosterRange(area.roster_partition)]
    stretches = [RosterRange(area.roster_partition, f"{prefix}#")]
    if area.level != "booth":
        stretches.append(RosterRange(area.roster_partition, f"{prefix}/"))
    return stretches


def without_nested(ranges: Iterable[RosterRange]) -> list[RosterRange]:
    """Sorted, each once, none inside another: nobody is read twice."""
    kept: list[RosterRange] = []
    for one in sorted(set(ranges), key=lambda r: (r.partition, r.prefix)):
        inside = kept and kept[-1].partition == one.partition and one.prefix.startswith(kept[-1].prefix)
        if not inside:
            kept.append(one)
    return kept


# --- the election calendar ----------------------------------------------------------------------------------

SILENCE = timedelta(hours=48)
"""Before polling ends (Representation of the People Act 1951, section 126)."""
LONGEST_CODE = timedelta(days=366)


@dataclass(frozen=True)
class Poll:
    """An election, or one phase of it, on the calendar."""

    id: str
    name: str
    areas: Mapping[str, tuple[str, ...]]
    """Where it is held: ids of areas, with all below them, and the path to each."""
    polling_ends: datetime
    code_from: datetime
    code_until: datetime
    source: str
    """Where this was announced."""

    @property
    def version(self) -> str:
        """Tells whether somebody has changed it since; where its areas lie does not count."""
        times = [at.isoformat() for at in (self.polling_ends, self.code_from, self.code_until)]
        parts = [self.name, sorted(self.areas), *times, self.source]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def touches(self, path: Sequence[str]) -> bool:
        """Whether somebody known by this path may live where it is held: in one of its areas or below, or
        known only by an area above one."""
        return self.covers(path) or any(tuple(path) == area[: len(path)] for area in self.areas.values())

    def covers(self, path: Sequence[str]) -> bool:
        """Whether everybody below this path lives where it is held."""
        return not self.areas.keys().isdisjoint(path)

    @property
    def silence(self) -> tuple[datetime, datetime]:
        """From when, and until when: that moment itself is free again."""
        return self.polling_ends - SILENCE, self.polling_ends

    def silent(self, when: datetime) -> bool:
        begins, ends = self.silence
        return begins <= when < ends

    def binds(self, when: datetime) -> bool:
        """Whether its code of conduct is in force."""
        return self.code_from <= when < self.code_until


def faults_of(poll: Poll) -> list[FieldError]:
    """What is wrong with its times."""
    found = []
    if poll.code_from > poll.polling_ends:
        found.append(FieldError("code_from", "after_polling", "The code begins before polling ends."))
    if poll.code_until < poll.polling_ends:
        found.append(FieldError("code_until", "before_polling", "The code holds until polling has ended."))
    if poll.code_until - poll.code_from > LONGEST_CODE:
        sentence = "A code of more than a year is surely a mistake."
        found.append(FieldError("code_until", "code_too_long", sentence))
    return found


def in_force(polls: Iterable[Poll], path: Sequence[str], when: datetime) -> Election:
    """What the calendar says of one place at one time; a place that is not known is silent."""
    here = [poll for poll in polls if poll.touches(path)]
    codes = frozenset(poll.id for poll in here if poll.binds(when))
    return Election(not path or any(poll.silent(when) for poll in here), codes)


def silent_throughout(polls: Iterable[Poll], path: Sequence[str], begins: datetime, ends: datetime) -> bool:
    """Whether silence holds all the time from `begins` to `ends` for everybody below this path."""
    free_from = begins
    for starts, over in sorted(poll.silence for poll in polls if poll.covers(path)):
        if starts <= free_from < over:
            free_from = over
    return free_from >= ends
