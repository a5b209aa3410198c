"""What forms on pages have in common: what was typed, the area picker, errors beside fields, a summary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.i18n import translate
from chalicelib.pages.shell import mark
from chalicelib.ports import Area

TRAP = "website"
"""A field that people do not see and programs fill in."""
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


@dataclass(frozen=True)
class Level:
    """One list of the area picker."""

    name: str
    label: str
    options: list[tuple[str, str]]
    chosen: str

    @property
    def field(self) -> str:
        return f"area_{self.name}"

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
        options = [(a.id, named(a.names, lang)) for a in children(parent) if a.level == name]
        if not options or len(options) > MOST_OPTIONS:
            continue
        typed = form.one(f"area_{name}")
        only = options[0][0] if len(options) == 1 and name in ("state", "district") else ""
        chosen = typed if typed in dict(options) else only
        levels.append(Level(name, translate(lang, label), sorted(options, key=lambda o: o[1]), chosen))
        if not chosen:
            break
        parent = chosen
        area = chosen if name != "state" else ""
    return Place(levels, area)


def named(names: Mapping[str, str], lang: str) -> str:
    """A name in `lang`, else in English, else in whatever language there is."""
    return names.get(lang) or names.get("en") or next(iter(names.values()), "")


def labels(of: Mapping[str, str], lang: str) -> list[tuple[str, str]]:
    """Values with their labels in `lang`."""
    return [(value, translate(lang, label)) for value, label in of.items()]


def summary(errors: Mapping[str, str], names: Mapping[str, str], lang: str) -> list[tuple[str, str]]:
    """The errors for the top of the page: the field to go to, and what is wrong with which by its name."""
    return [
        (name, f"{translate(lang, names[name])}: {sentence}" if name in names else sentence)
        for name, sentence in errors.items()
    ]
