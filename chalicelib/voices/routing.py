"""Where a voice goes, by rules that are data: the first rule that fits says which department, and (for a kind
that nobody has said) which kind. No I/O."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from chalicelib.names import fold
from chalicelib.shapes import Strict
from chalicelib.voices.model import Kind
from chalicelib.voices.working import AreaId

MOST_RULES = 500
MOST_KEYWORDS = 100
PREFIX = "*"
_NUKTA = 7
"""Unicode's combining class of nuktas."""


def bare(text: str) -> str:
    """What is compared of a text: its words in one form, without case, nuktas, joiners and punctuation, one
    blank before and after each."""
    letters = unicodedata.normalize("NFD", fold(text))
    plain = "".join(one for one in letters if unicodedata.combining(one) != _NUKTA)
    composed = unicodedata.normalize("NFC", plain)
    words = "".join(one if unicodedata.category(one)[0] in "LMN" else " " for one in composed).split()
    return f" {' '.join(words)} "


def _short(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for word in words if (one := word.strip())))


class Rule(Strict):
    """A rule: what it asks, all of which must be so, and what it says."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    keywords: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=60)], ...], AfterValidator(_short)
    ] = Field((), max_length=MOST_KEYWORDS)
    """One of these words or groups of words stands in the text; with `*` at its end, the beginning of a word:
    `सड़क*` finds सड़कें. None: any text."""
    areas: tuple[AreaId, ...] = Field((), max_length=100)
    """It comes from one of these areas, or from below. None: from anywhere."""
    kind: Kind | None = None
    """It was said to be of this kind. None: any."""
    department: str = Field("", max_length=40)
    """Where it goes; empty: the rule says nothing of that."""
    means: Kind | None = None
    """Of which kind it is, where nobody said so."""

    def fits(self, text: str, path: Sequence[str], kind: Kind | None) -> bool:
        """Whether this rule holds for a text (as `bare` gives it) from an area with this path."""
        if self.kind is not None and kind != self.kind:
            return False
        if self.areas and not set(self.areas) & set(path):
            return False
        return not self.keywords or any(_stands(word, text) for word in self.keywords)


def _stands(keyword: str, text: str) -> bool:
    wanted = bare(keyword.removesuffix(PREFIX))
    return bool(wanted.strip()) and (wanted.rstrip() if keyword.endswith(PREFIX) else wanted) in text


@dataclass(frozen=True)
class Routed:
    """What the rules say of a voice, and which of them."""

    department: str = ""
    by: str = ""
    """The rule that named the department; empty: none did."""
    kind: Kind = "problem"
    kind_by: str = ""
    """`said`, the rule's id, or `default`."""


def route(rules: Sequence[Rule], text: str, path: Sequence[str], kind: Kind | None) -> Routed:
    """The department of the first rule that fits and names one; the kind as it was said, else of the first
    that fits and tells one, else a problem."""
    told = bare(text)
    guess = next((one for one in rules if one.means and one.fits(told, path, kind)), None)
    known: Kind = kind or (guess.means if guess and guess.means else "problem")
    found = next((one for one in rules if one.department and one.fits(told, path, known)), None)
    return Routed(
        department=found.department if found else "",
        by=found.id if found else "",
        kind=known,
        kind_by="said" if kind else guess.id if guess else "default",
    )
