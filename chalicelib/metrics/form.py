"""What staff say of a post, by the interface and by the console's form."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from chalicelib.shapes import Strict

Id = Annotated[str, Field(max_length=60)]
NOTHING_SAID = "Say for which campaign the post is, or whether it is its person's."


class DecisionBody(Strict):
    campaign: Id | None = None
    """Empty: it is for no campaign."""
    matched: bool | None = None
    """Whether it was published by its person."""
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]

    @model_validator(mode="after")
    def _says_something(self) -> DecisionBody:
        if self.campaign is None and self.matched is None:
            raise PydanticCustomError("missing", NOTHING_SAID, {"sentence": NOTHING_SAID})
        return self
