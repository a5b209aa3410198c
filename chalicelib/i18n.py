"""Languages of pages, errors and messages: gettext catalogues under pages/locale, one folder a language."""

from __future__ import annotations

import gettext as gnu
import re
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).parent / "pages" / "locale"
DOMAIN = "janjan"
SOURCE = "en"
COMPLETE = (SOURCE, "hi")
"""Languages in which everything is said; others are whole in what the public and creators see."""
RIGHT_TO_LEFT = frozenset(("ks", "sd", "ur"))
"""Languages whose script runs from right to left."""
PARTED = re.compile(r"[\d+]\d*(?:[ .:-]\d+)+")
"""A day, an hour, a number in groups: what has parts that could change places."""


@cache
def languages() -> tuple[str, ...]:
    """Codes of the languages that have a catalogue, and English, in which the source is written."""
    return tuple(sorted({SOURCE, *(p.parent.parent.name for p in LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))}))


@cache
def catalogue(language: str) -> gnu.NullTranslations:
    """The translations into `language`; English for a language that has none."""
    return gnu.translation(DOMAIN, LOCALE, [language], fallback=True)


def translate(language: str, message: str, params: dict[str, object] | None = None) -> str:
    """`message` in `language`, its `%(name)s` places filled from `params`."""
    text = catalogue(language).gettext(message) if message else ""
    if params and language in RIGHT_TO_LEFT:
        params = {name: _in_order(value, language) for name, value in params.items()}
    return text % params if params else text


def isolated(text: str, language: str) -> str:
    """A day or a number as it stands in a line of this language: next to Arabic letters its parts would else
    change places."""
    return f"\u2066{text}\u2069" if language in RIGHT_TO_LEFT and text else text


def _in_order(value: object, language: str) -> object:
    return isolated(value, language) if isinstance(value, str) and PARTED.fullmatch(value) else value


def say(language: str, message: str, params: dict[str, object] | None = None) -> str:
    """As `translate`, for what is written to people: what their language lacks is said in Hindi."""
    has = language in COMPLETE or catalogue(language).gettext(message) != message
    return translate(language if has else "hi", message, params)


def negotiate(asked: str | None, accept_language: str | None, default: str) -> str:
    """The first language that we have: `asked` (`?lang=`), then Accept-Language by weight, then `default`."""
    known = languages()
    if asked and asked.lower() in known:
        return asked.lower()
    for tag in _by_weight(accept_language or ""):
        base = tag.split("-")[0]
        if base in known:
            return base
    return default


def _by_weight(header: str) -> list[str]:
    """Language tags of an Accept-Language header (RFC 9110, 12.5.4), heaviest first; weight 0 left out."""
    weighed: list[tuple[float, str]] = []
    for part in header.split(","):
        tag, _, weight = part.replace(" ", "").lower().partition(";q=")
        try:
            q = float(weight) if weight else 1.0
        except ValueError:
            continue
        if tag and q > 0:
            weighed.append((-q, tag))
    return [tag for _, tag in sorted(weighed, key=lambda pair: pair[0])]
