"""What forms on pages have in common: what was typed, the area picker, errors beside fields, a summary."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from chalicelib.clock import IST
from chalicelib.errors import InvalidInput, JanJanError
from chalicelib.i18n import translate
from chalicelib.pages.frame import named
from chalicelib.pages.shell import mark
from chalicelib.ports import Area, Areas

TRAP = "website"
"""A field that people do not see and programs fill in."""
_WHOLE = re.compile(r"[0-9]{1,9}")
_MOMENTS = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%YT%H:%M")
MOST_OPTIONS = 400
"""A longer list is no help on a phone: a district without blocks can have thousands of booths."""

LEVELS = {
    "state": mark("State"),
    "district": mark("District"),
    "block": mark("Block"),
    "booth": mark("Polling booth"),
}
MORE = {
    "state": mark("Show districts"),
    "district": mark("Show blocks"),
    "block": mark("Show polling booths"),
}


@dataclass(frozen=True)
class Form:
    """What was typed, each field with all its values."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def one(self, name: str) -> str:
        return self.all(name)[-1] if self.all(name) else ""

    def all(self, name: str) -> Sequence[str]:
        return self.values.get(name, ())

    def changed(self, **values: str) -> Form:
        return Form({**self.values, **{name: [value] for name, value in values.items()}})


@dataclass(frozen=True)
class Level:
    """One list of the area picker."""

    name: str
    label: str
    options: list[tuple[str, str]]
    chosen: str
    also: Mapping[str, str] = field(default_factory=dict)
    """Each option's names in all languages, to be found by what somebody types."""

    @property
    def field(self) -> str:
        return f"area_{self.name}"

    @property
    def name_of_chosen(self) -> str:
        return dict(self.options).get(self.chosen, "")

    @property
    def needed(self) -> bool:
        return self.name in ("state", "district")


@dataclass(frozen=True)
class Place:
    """The area picker: works without JavaScript, a list at a time."""

    levels: list[Level]
    area: str
    """The area chosen: at least a district, else empty."""

    @property
    def more(self) -> str:
        """What the button below the lists offers; empty when the choice is complete."""
        return MORE.get(self.levels[-1].name, "") if self.levels else ""

    @property
    def open_field(self) -> str:
        """Where an error about the area belongs: the first list without a choice."""
        return next((level.field for level in self.levels if not level.chosen), "area_state")


def pick_place(form: Form, children: Callable[[str], list[Area]], lang: str) -> Place:
    """The lists to show, each below what was chosen in the one before; a single state or district is chosen
    already."""
    levels: list[Level] = []
    parent, area = "IN", ""
    for name, label in LEVELS.items():
        areas = [area for area in children(parent) if area.level == name]
        options = [(area.id, named(area.names, lang)) for area in areas]
        if not options or len(options) > MOST_OPTIONS:
            continue
        typed = form.one(f"area_{name}")
        only = options[0][0] if len(options) == 1 and name in ("state", "district") else ""
        chosen = typed if typed in dict(options) else only
        shown = sorted(options, key=lambda option: option[1])
        also = {area.id: " ".join(area.names.values()) for area in areas}
        levels.append(Level(name, translate(lang, label), shown, chosen, also))
        if not chosen:
            break
        parent = chosen
        area = chosen if name != "state" else ""
    return Place(levels, area)


def own_areas(
    areas: Areas, children: Callable[[str], list[Area]], roots: Collection[str], chosen: str, lang: str
) -> list[tuple[str, str]]:
    """What one list of areas offers to who is bound to `roots` (`IN`: to nothing): with none chosen these,
    or the states; else the way down to the chosen one, and what lies right below it. Who is bound to one
    has chosen it already."""
    chosen = chosen or (next(iter(roots)) if len(roots) == 1 and "IN" not in roots else "")
    wanted = {*roots, *((chosen,) if chosen else ())} - {"IN"}
    found = {one: area for one in wanted if (area := areas.get(one)) is not None}
    here = found.get(chosen)
    if here is None:
        offered = children("IN") if "IN" in roots else [found[root] for root in roots if root in found]
        return sorted(((one.id, named(one.names, lang)) for one in offered), key=lambda one: one[1])
    begins = next((here.path.index(root) for root in here.path if root in roots), 0)
    way = [area for part in here.path[max(begins, 1) :] if (area := areas.get(part)) is not None]
    below = children(chosen)
    shown = [(one.id, f"{'– ' * depth}{named(one.names, lang)}") for depth, one in enumerate(way)]
    if len(below) <= MOST_OPTIONS:
        names = sorted((named(one.names, lang), one.id) for one in below)
        shown += [(one, f"{'– ' * len(way)}{name}") for name, one in names]
    return shown


def labels(of: Mapping[str, str], lang: str) -> list[tuple[str, str]]:
    """Values with their labels in `lang`."""
    return [(value, translate(lang, label)) for value, label in of.items()]


def summary(errors: Mapping[str, str], names: Mapping[str, str], lang: str) -> list[tuple[str, str]]:
    """The errors for the top of the page: the field to go to, and what is wrong with which by its name."""
    return [
        (name, f"{translate(lang, names[name])}: {sentence}" if name in names else sentence)
        for name, sentence in errors.items()
    ]


def told(
    error: JanJanError | None,
    lang: str,
    names: Mapping[str, str],
    *,
    also: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Mapping[str, str], Sequence[tuple[str, str]]]:
    """A refusal as sentences beside the fields, and the same as a summary. `names`: the fields of the form
    and their labels; `also`: the form's field for one that is called otherwise. What is about no field of the
    form stands in the summary alone."""
    if not isinstance(error, InvalidInput):
        return {}, [("", translate(lang, error.message, error.params))] if error else []
    beside: dict[str, str] = {}
    elsewhere = []
    for one in error.errors:
        name = one.field.split(".")[0]
        name, sentence = also.get(name, name), translate(lang, one.message, one.params)
        if name in names:
            beside.setdefault(name, sentence)
        else:
            elsewhere.append(("", sentence))
    return beside, [*summary(beside, names, lang), *elsewhere]


def whole(text: str) -> int | None:
    """A whole number of at most nine digits, as a form brings back a revision; None for all else."""
    return int(text) if _WHOLE.fullmatch(text) else None


def typed_moment(text: str, name: str) -> datetime | None:
    """A day and time of India's clock in the field `name`, as a browser writes it or as people do; None for
    nothing. Raises InvalidInput."""
    for written in _MOMENTS if text else ():
        try:
            return datetime.strptime(text.strip(), written).replace(tzinfo=IST)
        except ValueError:
            continue
    if text:
        sentence = "Please write day and time, such as 31-01-2026 10:30."
        raise InvalidInput.of(name, "moment", sentence)
    return None
