"""Reading what a platform posts and answers: nothing is trusted to be there, or to be of its type."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from chalicelib.platforms.base import OutcomeUnknown, Scope, SendRefused, Throttled, Unknown

DEEPEST = 64
"""Nesting that is read; the platforms' own bodies stay under 15."""
LONGEST_KIND = 60
LONGEST_COUNT = 18
"""Digits of a count; 64 bits hold as many."""
MILLISECONDS_FROM = 10**11
LAST_S = 253_402_300_799
"""The last second of the year 9999, in which datetime ends."""


def load(body: bytes) -> Any:  # noqa: ANN401
    """The JSON in `body`. Raises ValueError for anything else, for NaN, for what is nested past DEEPEST."""
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deep") from None
    level = [value]
    for _ in range(DEEPEST):
        level = [child for one in level for child in _children(one)]
        if not level:
            return value
    raise ValueError("nested too deep")


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _children(value: Any) -> list[Any]:  # noqa: ANN401
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def form_pairs(body: bytes, errors: str = "backslashreplace") -> list[tuple[str, str]]:
    """Names and values of a form in their order, blank values too. Bytes that are not UTF-8 become escapes,
    or as `errors` says."""
    text = body.decode("utf-8", errors)
    return parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors=errors)


def form_of(body: bytes) -> dict[str, str]:
    """The fields of a form, the last value of each name. Raises ValueError where there is not one."""
    fields = dict(form_pairs(body)) if b"=" in body else {}
    if not fields:
        raise ValueError("not a form")
    return fields


def unreadable(platform: str, body: bytes) -> Unknown:
    """A body that is not the platform's JSON; bytes that are not UTF-8 are kept as escapes."""
    raw = body.decode("utf-8", "backslashreplace")
    return Unknown(fingerprint(platform, "body", hashlib.sha256(body).hexdigest()), "unreadable", raw)


def a_dict(value: Any) -> Mapping[str, Any]:  # noqa: ANN401
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def a_list(value: Any) -> list[Any]:  # noqa: ANN401
    """`value` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def an_id(value: Any) -> str:  # noqa: ANN401
    """A string or a whole number as text that can be stored; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return str(value).encode("utf-8", "replace").decode("utf-8")  # JSON may hold halves of surrogate pairs


def some_ids(*values: Any) -> tuple[str, ...]:  # noqa: ANN401
    """Those of them that are ids, each once."""
    return tuple(dict.fromkeys(found for value in values if (found := an_id(value))))


def words(value: Any) -> str:  # noqa: ANN401
    """What a person wrote, in NFC; empty when there are no words."""
    return unicodedata.normalize("NFC", an_id(value)) if isinstance(value, str) else ""


def moment(value: Any) -> datetime | None:  # noqa: ANN401
    """A time given as seconds or milliseconds since 1970, as number or text; None when it is no time."""
    text = an_id(value)
    if not (text.isascii() and text.isdigit() and len(text) < len(str(LAST_S)) + 4):
        return None
    since = int(text)
    seconds = since / 1000 if since >= MILLISECONDS_FROM else since
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds <= LAST_S else None


def timestamp(value: Any) -> datetime | None:  # noqa: ANN401
    """A time given as RFC 3339 text, to the microsecond; None when it is none, or has no zone."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return at.astimezone(UTC) if at and at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def packed(body: Any) -> bytes:  # noqa: ANN401
    """`body` as the client sends it: who signs a request signs these bytes."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def a_count(value: Any) -> int | None:  # noqa: ANN401
    """A whole number from 0 to what can be stored, given as number or text; None for anything else."""
    text = an_id(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_COUNT else None


def fingerprint(platform: str, *parts: Any) -> str:  # noqa: ANN401
    """`<platform>:<hash of parts>`: the same parts give the same id, and no address can be read out of it."""
    packed = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return f"{platform}:{hashlib.sha256(packed.encode('ascii')).hexdigest()[:32]}"


def by_status(status: int, code: str = "", detail: str = "") -> SendRefused | Throttled | OutcomeUnknown:
    """What an answer means whose own code is in no table: a 4xx proves that nothing left, all else proves
    nothing."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(1, platform_code=code)
    if (
        HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        and status != HTTPStatus.REQUEST_TIMEOUT
    ):
        scope: Scope = "channel" if status == HTTPStatus.UNAUTHORIZED else "person"
        return SendRefused(code or f"http_{status:d}", scope, detail)
    return OutcomeUnknown()


def signing_keys(secret: Any) -> list[bytes]:  # noqa: ANN401
    """The keys in a signing secret, which may be a list [current, previous]; none when it is missing."""
    return [
        key.encode()
        for key in (secret if isinstance(secret, list) else [secret])
        if isinstance(key, str) and key
    ]
