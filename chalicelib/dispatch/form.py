"""What staff ask of dispatch, by the interface and by the console's forms."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from chalicelib.dispatch.model import Decision
from chalicelib.platforms.base import Outgoing
from chalicelib.shapes import Strict

PERSONAL = re.compile(r"(?:\d[\s().-]?){7}|@")
"""As many digits as a number of a phone has, or an address."""
NO_PERSON = "The audit keeps this for ever: please name no number and no address of a person."


def _without_person(reason: str) -> str:
    if PERSONAL.search(reason):
        raise PydanticCustomError("personal", NO_PERSON, {"sentence": NO_PERSON})
    return reason


class Steering(Strict):
    """Why a run is paused, goes on or is called off: the audit keeps it."""

    reason: Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_without_person)]


class DecisionBody(Strict):
    decision: Decision
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class StopReason(Strict):
    reason: str = Field(min_length=1, max_length=500)


class ChannelLimits(Strict):
    """Below the channel's own limits; what is left out or null is not limited further."""

    rate_per_s: float | None = Field(default=None, gt=0, le=100_000)
    per_day: int | None = Field(default=None, ge=1, le=100_000_000)


class TrialMessage(Strict):
    """A text, or a template with its parameters in order; an SMS as it is registered, an email with its
    subject."""

    to: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254)]
    text: str = Field(default="", max_length=4096)
    template: str = Field(default="", max_length=512)
    language: str = Field(default="", max_length=12)
    category: str = Field(default="", max_length=20)
    params: list[str] = Field(default=[], max_length=20)
    header: str = Field(default="", max_length=11)
    subject: str = Field(default="", max_length=300, pattern=r"^[^\r\n]*$")
    html: str = Field(default="", max_length=20_000)

    @property
    def message(self) -> Outgoing:
        """As it is sent."""
        return Outgoing(
            text=self.text,
            template=self.template,
            template_language=self.language,
            category=self.category,
            params=tuple(self.params),
            header=self.header,
            subject=self.subject,
            html=self.html,
        )
