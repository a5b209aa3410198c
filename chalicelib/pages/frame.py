"""Whose site this is: what the head and the foot of every page say of the organisation.

An administrator puts `site/organisation.json` and an emblem beside it into the private bucket
(docs/settings.md). What is not said there is not shown; without the file the pages bear the deployment's name
and our own icon.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from chalicelib.settings import settings
from chalicelib.shapes import Strict
from chalicelib.telemetry import logger

FOLDER = "site/"
"""In the bucket."""
PROFILE = f"{FOLDER}organisation.json"
LARGEST_PROFILE = 64 * 1024
LARGEST_EMBLEM = 12 * 1024
"""It travels inside each page: what is larger would cost more than the page."""
TYPES = {"svg": "image/svg+xml", "png": "image/png", "webp": "image/webp", "jpg": "image/jpeg"}
KEPT_S = 300
"""So long a container shows what it has read."""
OWN_ICON = Path(__file__).parent / "static" / "icon.svg"

Words = dict[str, Annotated[str, Field(max_length=400)]]
"""By language; what lacks one is shown in English, else in whatever there is."""


class Reached(Strict):
    """Whom one turns to."""

    name: Words = {}
    post: Words = {}
    address: Words = {}
    email: Annotated[str, Field(max_length=254)] = ""
    phone: Annotated[str, Field(max_length=40)] = ""


class Emblem(Strict):
    file: Annotated[str, Field(pattern=r"^[\w.-]{1,80}\.(svg|png|webp|jpg)$")]
    """Its name in the folder."""
    alt: Words


class Organisation(Strict):
    """The file in the bucket."""

    name: Words = {}
    lineage: Words = {}
    """What it is a part of: its ministry, its government."""
    emblem: Emblem | None = None
    owner: Words = {}
    """Who owns the content, where that is not the organisation itself."""
    maintained_by: Words = {}
    contact: Reached | None = None
    grievance_officer: Reached | None = None
    reviewed: date | None = None
    """When somebody last looked through the pages."""


@dataclass(frozen=True)
class Told:
    """Whom one turns to, in one language."""

    name: str
    post: str
    address: str
    email: str
    phone: str


@dataclass(frozen=True)
class Frame:
    """What the frame of a page says, in one language; what is empty is not shown."""

    name: str
    lineage: str
    emblem: str
    """A `data:` address."""
    alt: str
    owner: str
    maintained_by: str
    contact: Told | None
    grievance_officer: Told | None
    reviewed: date | None


def named(names: Mapping[str, str], lang: str) -> str:
    """A name in `lang`, else in English, else in whatever language there is."""
    return names.get(lang) or names.get("en") or next(iter(names.values()), "")


def frame(lang: str) -> Frame:
    """The frame in `lang`, read from the bucket at most once in five minutes. Never fails: a page with our
    own icon is better than none."""
    return _frame(lang, int(time.monotonic() // KEPT_S), settings().bucket, settings().organisation_name)


@lru_cache(maxsize=8)
def _frame(lang: str, _period: int, bucket: str, fallback: str) -> Frame:
    told, emblem = _read(_period, bucket)
    return Frame(
        name=named(told.name, lang) or fallback,
        lineage=named(told.lineage, lang),
        emblem=emblem,
        alt=named(told.emblem.alt, lang) if told.emblem else "",
        owner=named(told.owner or told.name, lang) or fallback,
        maintained_by=named(told.maintained_by, lang),
        contact=_told(told.contact, lang),
        grievance_officer=_told(told.grievance_officer, lang),
        reviewed=told.reviewed,
    )


def _told(one: Reached | None, lang: str) -> Told | None:
    if one is None:
        return None
    return Told(named(one.name, lang), named(one.post, lang), named(one.address, lang), one.email, one.phone)


@lru_cache(maxsize=1)
def _read(_period: int, bucket: str) -> tuple[Organisation, str]:
    """The profile and the emblem's `data:` address."""
    own = _data_url("svg", OWN_ICON.read_bytes())
    try:
        found = _object(bucket, PROFILE, LARGEST_PROFILE)
        told = Organisation.model_validate_json(found) if found else Organisation()
        if told.emblem is None:
            return told, own
        picture = _object(bucket, FOLDER + told.emblem.file, LARGEST_EMBLEM)
    except ValidationError as error:
        logger.error("site/organisation.json is not understood", extra={"reason": str(error)})
        return Organisation(), own
    except Exception:
        logger.exception("the organisation's profile cannot be read")
        return Organisation(), own
    if not picture:
        logger.error("the emblem is missing, or larger than %s bytes", LARGEST_EMBLEM)
        return told.model_copy(update={"emblem": None}), own
    return told, _data_url(told.emblem.file.rpartition(".")[2], picture)


def _object(bucket: str, key: str, largest: int) -> bytes:
    """All of an object; nothing when there is none, or a larger one."""
    from chalicelib.files import Files

    found = Files(bucket).beginning(key, largest) if bucket else None
    return found[0] if found and found[1] <= largest else b""


def _data_url(kind: str, content: bytes) -> str:
    """A small picture as an address of its own: it costs no request."""
    return f"data:{TYPES[kind]};base64,{base64.b64encode(content).decode()}"
