"""Somebody else has saved what one has open: what they wrote stands beside what was typed, field by field,
and only a second press puts the one over the other. `late` of previews.html shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from chalicelib.beside import both
from chalicelib.clock import parse_rfc3339
from chalicelib.errors import Transient
from chalicelib.i18n import translate
from chalicelib.pages.figures import moment
from chalicelib.pages.pieces import Piece, pieces

Differences = Sequence[tuple[str, Sequence[Piece]]]
"""By what a field is called: struck out is theirs, marked is one's own."""


class Entry(Protocol):
    """Of the audit."""

    @property
    def actor(self) -> str: ...
    @property
    def at(self) -> str: ...


class Log(Protocol):
    """The audit."""

    def of(
        self, subject: str, *, limit: int, before: int | None = None
    ) -> tuple[Sequence[Entry], int | None]: ...


@dataclass(frozen=True)
class Meanwhile:
    """Who has saved last, and when, as far as that is known; and where it differs from what was typed."""

    by: str
    at: str
    fields: Differences


def differences(
    theirs: Mapping[str, str], mine: Mapping[str, str], names: Mapping[str, str], lang: str
) -> Differences:
    """The fields that say something else, in the order of `names`: what they are called, marked."""
    return [
        (translate(lang, label), list(pieces(theirs.get(name, ""), mine.get(name, ""))))
        for name, label in names.items()
        if theirs.get(name, "") != mine.get(name, "")
    ]


def meanwhile(
    audit: Log, staff: Callable[[], Mapping[str, str]], subject: str, fields: Differences
) -> Meanwhile:
    """What is shown of the last change to a subject of the audit. `staff`: names by their ids."""
    (entries, _), people = both(partial(audit.of, subject, limit=1), partial(_known, staff))
    if not entries:
        return Meanwhile("", "", fields)
    return Meanwhile(people.get(entries[0].actor, ""), moment(parse_rfc3339(entries[0].at)), fields)


def _known(staff: Callable[[], Mapping[str, str]]) -> Mapping[str, str]:
    """Nobody's name where the pool cannot be asked now: what was typed is not lost for that."""
    try:
        return staff()
    except Transient:
        return {}
