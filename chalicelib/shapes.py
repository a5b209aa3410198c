"""The two shapes of data: what comes in is strict, what goes out or is kept is read with tolerance."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

# `defer_build`: pydantic builds a model on first use, so that a cold start builds none


class Strict(BaseModel):
    """What people write: unknown fields are refused by name, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, defer_build=True)


class View(BaseModel):
    """What is answered, kept or published: fields that a reader does not know are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)
