"""The roster's rows: everything an audience asks of a person, in at most 250 bytes."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from chalicelib.influencers.model import Influencer
from chalicelib.ports import Area, RosterRow, is_paused

LARGEST = 250
"""Bytes of a row as DynamoDB counts them: a million people are 250 MB, about 31,000 read units."""
_PLATFORM_LETTERS = {
    "facebook": "f",
    "instagram": "i",
    "x": "x",
    "youtube": "y",
    "whatsapp": "w",
    "telegram": "t",
}
_CHANNEL_LETTERS = {"whatsapp": "w", "telegram": "t", "sms": "s", "email": "e"}
_GENDER_LETTERS = {"female": "f", "male": "m", "other": "o"}
_LEVELS: tuple[Literal["country", "state", "district", "booth"], ...] = (
    "country",
    "state",
    "district",
    "booth",
)
"""By the length of a path; below the district all levels are keyed alike."""
CODE = 4


def theme_code(theme: str) -> str:
    """Four letters for a theme's id, always the same: ids are up to 40 bytes long, and new themes come any
    day."""
    return base64.urlsafe_b64encode(hashlib.sha256(theme.encode()).digest()[:3]).decode("ascii")


def key_of(area_path: tuple[str, ...], influencer_id: str) -> tuple[str, str]:
    """Partition and sort key of a person's row (see the drawing in store.py)."""
    area = Area(area_path[-1], _LEVELS[min(len(area_path), len(_LEVELS)) - 1], area_path, {})
    return area.roster_partition, f"{area.roster_prefix}#{influencer_id}"


def pack(person: Influencer) -> dict[str, str]:
    """The attributes of a person's row beside its keys; empty ones are left out."""
    followers = sorted((_PLATFORM_LETTERS[p], n) for p, n in person.followers.items())
    verified = sorted((_PLATFORM_LETTERS[p], n) for p, n in person.verified_followers.items())
    row = {
        "l": person.language,
        "t": "".join(sorted(theme_code(theme) for theme in person.themes)),
        "f": "".join(f"{letter}{count}" for letter, count in followers),
        "n": "".join(one[0] if one in followers else f"{one[0]}{one[1]}" for one in verified),
        "p": person.profession,
        "g": _GENDER_LETTERS.get(person.gender, ""),
        "c": "".join(_CHANNEL_LETTERS[channel] for channel in person.reachable),
        "v": "".join(sorted(_PLATFORM_LETTERS[platform] for platform in person.proven_on)),
        "z": person.paused_until,
    }
    return {name: value for name, value in row.items() if value}


def unpack(
    partition: str, key: str, row: Mapping[str, str], themes: Mapping[str, str], at: datetime
) -> RosterRow:
    """The row that `pack` made, as it is at this time. `themes`: each known theme's id by its code; a theme
    that is gone is left out."""
    packed = row.get("t", "")
    followers = {_platform(letter): int(n) for letter, n in re.findall(r"([a-z])(\d+)", row.get("f", ""))}
    verified = {_platform(letter): n for letter, n in re.findall(r"([a-z])(\d*)", row.get("n", ""))}
    codes = (packed[i : i + CODE] for i in range(0, len(packed), CODE))
    return RosterRow(
        id=key.rpartition("#")[2],
        partition=partition,
        area_key=key,
        language=row["l"],
        themes=frozenset(themes[code] for code in codes if code in themes),
        followers=followers,
        verified={one: int(n) if n else followers[one] for one, n in verified.items()},
        professions=frozenset({row["p"]} if "p" in row else ()),
        gender=next((gender for gender, letter in _GENDER_LETTERS.items() if letter == row.get("g")), ""),
        channels=tuple(_channel(letter) for letter in row.get("c", "")),
        proven=frozenset(_platform(letter) for letter in row.get("v", "")),
        paused=is_paused(row.get("z", ""), at),
    )


def _platform(letter: str) -> str:
    return next(platform for platform, its in _PLATFORM_LETTERS.items() if its == letter)


def _channel(letter: str) -> str:
    return next(channel for channel, its in _CHANNEL_LETTERS.items() if its == letter)
