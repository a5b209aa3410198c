"""Schemes, how they fare, and cards that answer what people believe of them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from chalicelib.names import clean_text, refuse
from chalicelib.shapes import Day, Strict, View

FRESH = timedelta(days=90)
"""How long a word on a scheme's progress counts as news."""
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,40}$")]
Link = Annotated[str, Field(pattern=r"^(https?://[^\s]+)?$", max_length=500)]
Line = Annotated[str, Field(min_length=1, max_length=600), AfterValidator(lambda text: clean_text(text, 150))]
Text = Annotated[
    str, Field(min_length=1, max_length=8000), AfterValidator(lambda text: clean_text(text, 2000))
]
MOST_LANGUAGES = 23


class SchemeText(Strict):
    """A scheme in one language: what it is called, who benefits, how one gets it."""

    name: Line
    who: Text
    how: Text


class ProgressText(Strict):
    text: Text


class CardText(Strict):
    """What people say, and what is true, in one language."""

    myth: Line
    answer: Text


class SchemeBody(Strict):
    department: Annotated[str, Field(min_length=1, max_length=40)]
    texts: Annotated[dict[Language, SchemeText], Field(min_length=1, max_length=MOST_LANGUAGES)]
    link: Link = ""
    theme: Id = ""
    valid_from: Day | None = None
    valid_until: Day | None = None
    """The last day; none: until further notice."""

    @model_validator(mode="after")
    def _in_order(self) -> SchemeBody:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise refuse("dates_reversed", "It ends before it begins.")
        return self


Validity = Literal["to_come", "current", "ended"]


class Scheme(View):
    """A scheme as it stands."""

    id: str
    rev: int
    department: str
    texts: dict[str, SchemeText]
    link: str = ""
    theme: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    updated_at: datetime
    progress_on: date | None = None
    """The day of the newest word on its progress."""

    @property
    def names(self) -> Mapping[str, str]:
        return {language: text.name for language, text in self.texts.items()}

    @property
    def words(self) -> str:
        """All that it says, in all languages: what a search looks through."""
        return " ".join(f"{text.name} {text.who} {text.how}" for text in self.texts.values())

    def validity(self, day: date) -> Validity:
        if self.valid_until and day > self.valid_until:
            return "ended"
        return "to_come" if self.valid_from and day < self.valid_from else "current"

    def age_days(self, day: date) -> int | None:
        """How old the newest word on its progress is; None: there is none."""
        return max(0, (day - self.progress_on).days) if self.progress_on else None

    def stale(self, day: date) -> bool:
        """Whether nothing new was told of it for too long; what has not begun or is over needs no news."""
        if self.validity(day) != "current":
            return False
        begun = self.progress_on or self.valid_from or self.updated_at.date()
        return day - begun > FRESH


class ProgressBody(Strict):
    texts: Annotated[dict[Language, ProgressText], Field(min_length=1, max_length=MOST_LANGUAGES)]
    as_of: Day
    """On which day it was so."""
    source: Annotated[str, Field(min_length=1, max_length=300)]


class Progress(View):
    id: str
    scheme: str
    texts: dict[str, ProgressText]
    as_of: date
    source: str
    by: str
    at: datetime


class CardBody(Strict):
    department: Annotated[str, Field(min_length=1, max_length=40)]
    scheme: Id = ""
    theme: Id = ""
    texts: Annotated[dict[Language, CardText], Field(min_length=1, max_length=MOST_LANGUAGES)]
    source: Link = ""
    """Where one can read it up."""

    @model_validator(mode="after")
    def _belongs(self) -> CardBody:
        if not (self.scheme or self.theme):
            raise refuse("missing", "Say to which scheme or theme it belongs.")
        return self


class Card(View):
    id: str
    rev: int
    department: str
    scheme: str = ""
    theme: str = ""
    texts: dict[str, CardText]
    source: str = ""
    updated_at: datetime


@dataclass(frozen=True)
class Kit:
    """Which cards are wanted: those of one of these schemes or themes."""

    schemes: frozenset[str] = frozenset()
    themes: frozenset[str] = frozenset()
    departments: tuple[str, ...] = ()
    """Whose cards a campaign's kit holds: its own department's, and those of the schemes that it cites."""
    everything: bool = True
    """Whether all are wanted where neither scheme nor theme is named."""

    def holds(self, card: Card) -> bool:
        if not (self.schemes or self.themes):
            return self.everything
        return card.scheme in self.schemes or card.theme in self.themes

    def within(self, departments: Sequence[str]) -> Kit:
        """The same, of these departments alone."""
        return replace(self, departments=tuple(one for one in self.departments if one in departments))
