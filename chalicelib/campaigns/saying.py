"""What the console says of a campaign's fields: their names, what is wrong with them, what changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pydantic import ValidationError

from chalicelib.campaigns import composing, words
from chalicelib.campaigns.model import LONGEST_POST
from chalicelib.errors import FieldError, InvalidInput, JanJanError
from chalicelib.http import invalid
from chalicelib.i18n import translate
from chalicelib.pages.meanwhile import Meanwhile
from chalicelib.pages.pieces import Piece
from chalicelib.pages.shell import ENDONYMS


@dataclass(frozen=True)
class Refused:
    """Why a form was not taken: what stands beside its fields, what stands above, and what somebody else has
    written meanwhile."""

    status: int
    errors: Sequence[FieldError] = ()
    above: str = ""
    meanwhile: Meanwhile | None = None


def refused(wrong: ValidationError | JanJanError, lang: str) -> Refused:
    """What is said of it: beside fields, or above all."""
    found = invalid(wrong) if isinstance(wrong, ValidationError) else wrong
    if isinstance(found, InvalidInput):
        return Refused(found.status, found.errors)
    return Refused(found.status, above=translate(lang, found.message, found.params))


_FIELDS = frozenset(words.FIELDS) | {"quiet_from", "quiet_until"}


def there(name: str, channels: Collection[str], languages: Collection[str]) -> bool:
    """Whether the form has a place for what is said of this field."""
    parts = name.split(".")
    if parts[0] == "messages":
        return len(parts) > 2 and parts[1] in channels and parts[2] in languages  # noqa: PLR2004
    if parts[0] in ("media", "media_file"):
        return len(parts) <= 2  # noqa: PLR2004
    if parts[0] == "posts":
        return len(parts) == 3 and parts[1] in languages and parts[2] in LONGEST_POST  # noqa: PLR2004
    return name in _FIELDS or name.startswith("disclosure.") and parts[1] in languages


def beside(
    errors: Sequence[FieldError], channels: Collection[str], languages: Collection[str], lang: str
) -> dict[str, str]:
    """What is wrong, by the field of the form at which it stands."""
    moved = [replace(one, field=_moved(one.field)) for one in errors]
    has_place = partial(there, channels=channels, languages=languages)
    return composing.beside(moved, has_place, partial(_sentence, lang=lang))


def _sentence(error: FieldError, lang: str) -> str:
    """What is wrong, a channel called as on pages."""
    params = dict(error.params)
    if "channel" in params:
        params["channel"] = translate(
            lang, words.CHANNELS.get(str(params["channel"]), str(params["channel"]))
        )
    return translate(lang, error.message, params)


def _moved(name: str) -> str:
    """The field of the form that stands for a field of the campaign."""
    parts = name.split(".")
    if parts[0] == "messages" and len(parts) <= 2:  # noqa: PLR2004
        return "channels"
    if parts[0] == "quiet_hours":
        return "quiet"
    if parts[-1] in ("category", "header", "template_language"):
        return ".".join(parts[:-1])
    return name


def label(name: str, lang: str) -> str:
    """What a field is called; empty for one that has no name."""
    parts = name.split(".")
    if parts[0] == "messages" and len(parts) > 2:  # noqa: PLR2004
        said = [translate(lang, words.CHANNELS.get(parts[1], parts[1])), ENDONYMS.get(parts[2], parts[2])]
        said += [translate(lang, words.PARTS.get(one, one)) for one in parts[3:4]]
        said += [str(int(parts[4]) + 1)] if parts[4:] and parts[4].isdecimal() else []
        return " · ".join(said)
    if parts[0] == "disclosure" and len(parts) > 1:
        return f"{translate(lang, words.FIELDS['disclosure'])} · {ENDONYMS.get(parts[1], parts[1])}"
    if parts[0] == "posts" and len(parts) > 1:
        said = [ENDONYMS.get(parts[1], parts[1]), *(words.PLATFORMS.get(one, one) for one in parts[2:3])]
        return " · ".join((translate(lang, words.FIELDS["posts"]), *said))
    if parts[0] == "media" and parts[1:2] and parts[1].isdecimal():
        return f"{translate(lang, words.FIELDS['media'])} {int(parts[1]) + 1}"
    known = words.FIELDS.get(name) or words.FIELDS.get(".".join(parts[:2])) or words.FIELDS.get(parts[0], "")
    return translate(lang, known) if known else ""


def missing(
    errors: Sequence[FieldError], channels: Collection[str], languages: Collection[str], lang: str
) -> list[tuple[str, str]]:
    """What is wrong, each behind the name of its field, and the field of the form to go to (empty: none)."""
    has_place = partial(there, channels=channels, languages=languages)
    found = []
    for error in errors:
        field, sentence = _moved(error.field), _sentence(error, lang)
        name = label(field, lang)
        found.append((composing.nearest(field, has_place), f"{name}: {sentence}" if name else sentence))
    return list(dict.fromkeys(found))


def differences(
    before: Mapping[str, str], after: Mapping[str, str], lang: str
) -> list[tuple[str, list[Piece]]]:
    """The fields that say something else, by what they are called."""
    return [(label(one.field, lang) or one.field, one.pieces) for one in composing.differences(before, after)]
