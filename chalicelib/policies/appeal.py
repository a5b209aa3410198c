"""Appeals: a creator asks that a decision be looked at again; somebody else answers. No I/O."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from chalicelib.names import clean_text, refuse
from chalicelib.policies.model import MOST_LANGUAGES, Language
from chalicelib.ports import Profile
from chalicelib.shapes import Strict, View

Subject = Literal["tier", "review", "handle"]
"""A tier by a policy; being declined or suspended; whose an account is."""
State = Literal["open", "answered"]
Outcome = Literal["", "granted", "refused"]
READ, ANSWER = "appeal.read", "appeal.answer"
"""What staff do with appeals (identity.roles.MATRIX)."""
MAY_BE_REVIEWED = frozenset({"declined", "suspended"})
LONGEST = 2000
Words = Annotated[
    str, Field(min_length=1, max_length=4 * LONGEST), AfterValidator(lambda text: clean_text(text, LONGEST))
]


class AppealBody(Strict):
    subject: Subject
    about: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,60}$")] = ""
    """Of a tier the policy, of a handle its id."""
    text: Words

    @model_validator(mode="after")
    def _whole(self) -> AppealBody:
        if (self.subject == "review") == bool(self.about):
            raise refuse("about", "Say which policy or which account it is about; of a review, nothing.")
        return self


class AnswerBody(Strict):
    outcome: Literal["granted", "refused"]
    texts: Annotated[dict[Language, Words], Field(min_length=1, max_length=MOST_LANGUAGES)]
    """What the creator reads, by language: theirs is among them."""


class Appeal(View):
    """One appeal as it is kept."""

    id: str
    rev: int
    person: str
    language: str
    path: tuple[str, ...]
    """The ids of the person's home when it was made, where that lies now."""
    subject: Subject
    about: str = ""
    version: int = 0
    """Of a tier: the version of the policy that held."""
    tier: str = ""
    """The tier that it gave."""
    text: str
    opened_at: datetime
    decided_by: tuple[str, ...] = ()
    """Whose decision it is about: none of them answers."""
    state: State = "open"
    outcome: Outcome = ""
    texts: dict[str, str] = {}
    answered_at: datetime | None = None
    answered_by: str = ""

    @property
    def place(self) -> str:
        """One thing of one person: of it only one appeal is open."""
        return f"{self.subject}#{self.about}"

    @property
    def answer(self) -> str:
        """What its person reads."""
        return self.texts.get(self.language, "") or next(iter(self.texts.values()), "")

    def answered(self, body: AnswerBody, by: str, at: datetime) -> Appeal:
        facts = {"outcome": body.outcome, "texts": dict(body.texts), "answered_at": at, "answered_by": by}
        return self.model_copy(update={"rev": self.rev + 1, "state": "answered", **facts})


def concerns(body: AppealBody, person: Profile) -> bool:
    """Whether there is something of this person's to appeal against (of tiers the service looks)."""
    match body.subject:
        case "review":
            return person.status in MAY_BE_REVIEWED
        case "handle":
            return body.about in {*(one.id for one in person.accounts), *person.contested}
        case "tier":
            return True


def person_of(appeal: str) -> str:
    """Whose appeal has this id; empty for what is none."""
    kind, _, rest = appeal.partition("_")
    person = rest.rpartition("_")[0]
    return person if kind == "apl" else ""
