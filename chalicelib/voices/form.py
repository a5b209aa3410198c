"""The form for a voice: what was typed becomes the API's request, its errors go back beside the fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from chalicelib.errors import InvalidInput, Rejected
from chalicelib.i18n import translate
from chalicelib.names import clean_text, graphemes, refuse
from chalicelib.pages.forms import LEVELS, Form, Place, summary
from chalicelib.pages.shell import mark
from chalicelib.phones import clean_phone
from chalicelib.shapes import Strict
from chalicelib.voices.model import Kind

LONGEST_TEXT, SHORTEST_TEXT = 4000, 10
"""Letters as people count them."""
LONGEST_MORE = 2000
LONGEST_ANSWER = 2000
LONGEST_REASON = 500
NO_CONSENT = "Please ask the person first, and confirm that they agree."
FIELDS = {
    "kind": mark("What is it?"),
    "text": mark("What do you want to tell?"),
    "department": mark("Whom does it concern?"),
    "consent": mark("Consent"),
    "phone": mark("Mobile number"),
    **{f"area_{level}": label for level, label in LEVELS.items()},
}


def _text(longest: int, shortest: int = 0) -> AfterValidator:
    def check(text: str) -> str:
        cleaned = clean_text(text, longest)
        if graphemes(cleaned) < shortest:
            raise refuse(
                "string_too_short",
                "This is too short: at least %(min_length)s characters.",
                min_length=shortest,
            )
        return cleaned

    return AfterValidator(check)


class VoiceRequest(Strict):
    kind: Kind
    text: Annotated[str, Field(max_length=4 * LONGEST_TEXT), _text(LONGEST_TEXT, SHORTEST_TEXT)]
    area: Annotated[str, Field(max_length=40, pattern=r"^[A-Z0-9-]*$")] = ""
    department: Annotated[str, Field(max_length=40)] = ""
    """Empty: whom it concerns is found by the rules."""
    occasion: Annotated[str, Field(max_length=80, pattern=r"^((campaign|gathering):.{1,60})?$")] = ""
    """The meeting or the campaign to which it belongs."""


class CarriedRequest(VoiceRequest):
    """What a creator brings: their own word, or another person's."""

    on_behalf: bool = False
    consent: bool = False
    """Whether the other person agrees that it is brought, and that we write to them."""
    phone: Annotated[str, Field(max_length=80)] = ""
    """The other person's number, for the answer over WhatsApp; empty: the creator tells them."""

    @model_validator(mode="after")
    def _with_consent(self) -> CarriedRequest:
        if self.on_behalf and not self.consent:
            raise InvalidInput.of("consent", "consent_missing", NO_CONSENT)
        if self.phone and not self.on_behalf:
            raise InvalidInput.of("phone", "phone_unasked", "A number belongs to what you bring for another.")
        return self

    @field_validator("phone")
    @classmethod
    def _a_phone(cls, phone: str) -> str:
        return clean_phone(phone) if phone else ""


class MoreWords(Strict):
    text: Annotated[str, Field(max_length=4 * LONGEST_MORE), _text(LONGEST_MORE)] = ""
    picture: Annotated[str, Field(max_length=200)] = ""
    """The key of an upload."""


class Reopening(Strict):
    text: Annotated[str, Field(max_length=4 * LONGEST_MORE), _text(LONGEST_MORE, SHORTEST_TEXT)]


def body_of(form: Form, area: str) -> dict[str, object]:
    """The request that the form stands for. What is empty is left out, so that it is missed by name."""
    body: dict[str, object] = {
        name: form.one(name) for name in ("kind", "text", "department", "occasion") if form.one(name).strip()
    }
    return body | ({"area": area} if area else {})


def carried_of(form: Form, area: str) -> dict[str, object]:
    """The same, as a creator brings it."""
    ticked = {name: True for name in ("on_behalf", "consent") if form.one(name)}
    phone = {"phone": form.one("phone")} if form.one("phone").strip() else {}
    return body_of(form, area) | ticked | phone


def problems(
    error: Rejected | None, place: Place, lang: str
) -> tuple[Mapping[str, str], Sequence[tuple[str, str]]]:
    """Sentences beside the fields, and the same as a summary: (the field to go to, sentence)."""
    if not isinstance(error, InvalidInput):
        return {}, [("", translate(lang, error.message, error.params))] if error else []
    beside: dict[str, str] = {}
    for one in error.errors:
        name = place.open_field if one.field == "area" else one.field.split(".")[0]
        beside.setdefault(name, translate(lang, one.message, one.params))
    return beside, summary(beside, FIELDS, lang)


# --- what staff write ---------------------------------------------------------------------------------------


class _Told(Strict):
    text: str = Field(min_length=1, max_length=4 * LONGEST_ANSWER)

    @field_validator("text")
    @classmethod
    def _clean(cls, text: str) -> str:
        return clean_text(text, LONGEST_ANSWER)


class AnswerBody(_Told):
    asks: bool = False
    """It asks the citizen something: their next words belong here."""


class ResolutionBody(_Told):
    """`text`: what was done; of a declined voice, why nothing is."""

    status: Literal["resolved", "declined"]


class Reason(Strict):
    reason: str = Field(min_length=3, max_length=LONGEST_REASON)


class AssignmentBody(Strict):
    department: str = Field(min_length=1, max_length=40)
    reason: str = Field("", max_length=LONGEST_REASON)
    kind: Kind | None = None


class MergeBody(Reason):
    into: str = Field(min_length=1, max_length=40)


class RedactionBody(Strict):
    key: str = Field(min_length=1, max_length=64)
    parts: list[str] = Field(min_length=1, max_length=50)

    @field_validator("parts")
    @classmethod
    def _no_blanks(cls, parts: list[str]) -> list[str]:
        return [part for part in parts if part.strip()]
