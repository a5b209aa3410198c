"""The signup page's form: what was typed becomes the API's own request, and its errors go back beside the
fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.errors import FieldError, InvalidInput, Rejected
from chalicelib.i18n import translate
from chalicelib.influencers.model import PURPOSES
from chalicelib.names import plain_digits
from chalicelib.pages.forms import LEVELS, Form, Place, summary
from chalicelib.pages.shell import ENDONYMS, mark

NOTICE_VERSION = "1"
"""The version of the notice beside the consents on the page."""
BIRTH_DATE = "Please write day, month and year in digits, such as 15 8 1995."
PLATFORMS = {
    "instagram": "Instagram",
    "youtube": "YouTube",
    "facebook": "Facebook",
    "x": "X (Twitter)",
    "whatsapp": mark("WhatsApp channel"),
    "telegram": mark("Telegram channel"),
}
CHANNELS = {"whatsapp": "WhatsApp", "telegram": "Telegram", "sms": mark("SMS"), "email": mark("Email")}
ALSO = {channel: CHANNELS[channel] for channel in ("whatsapp", "sms", "email")}
"""Over which we may write too when the person's own channel fails: what needs no more than an address that
the form asks for."""
CONSENTS = {
    "campaigns": mark("messages on campaigns that I can share"),
    "gatherings": mark("invitations to meetings"),
    "surveys": mark("short questions about what people need"),
}
GENDERS = {"female": mark("Woman"), "male": mark("Man"), "other": mark("Other")}
PROFESSIONS = {
    "artist": mark("Artist"),
    "business": mark("Business"),
    "chartered_accountant": mark("Chartered accountant"),
    "doctor": mark("Doctor or nurse"),
    "farmer": mark("Farmer"),
    "homemaker": mark("Homemaker"),
    "journalist": mark("Journalist"),
    "lawyer": mark("Lawyer"),
    "poet": mark("Poet"),
    "singer": mark("Singer or musician"),
    "social_worker": mark("Social worker"),
    "athlete": mark("Sportsperson"),
    "storyteller": mark("Storyteller"),
    "student": mark("Student"),
    "teacher": mark("Teacher"),
    "other": mark("Something else"),
}

FIELDS = {
    "name": mark("Your name"),
    "phone": mark("Mobile number"),
    "birth_date": mark("Date of birth"),
    "email": mark("Email"),
    "channel": mark("How may we reach you?"),
    "consents": mark("I agree to get"),
    "also": mark("If that does not reach you, also over"),
    "idea": mark("Your idea"),
    "code": mark("Code"),
    "url": mark("Link of a post that you have published"),
    **{f"area_{level}": label for level, label in LEVELS.items()},
    **{
        f"{kind}_{platform}": label
        for platform, label in PLATFORMS.items()
        for kind in ("handle", "followers")
    },
}
"""What the summary of errors calls each field."""


def tongues() -> list[tuple[str, str]]:
    """Languages for messages: those of our pages first."""
    first = ("hi", "en")
    return [(code, ENDONYMS[code]) for code in (*first, *(code for code in ENDONYMS if code not in first))]


def body_of(form: Form, area: str) -> dict[str, object]:
    """The request that the form stands for. What is empty is left out, so that it is missed by name."""
    channel = form.one("channel") or "whatsapp"
    channels = dict.fromkeys((channel, *(one for one in form.all("also") if one in ALSO)))
    body: dict[str, object] = {
        name: form.one(name)
        for name in ("name", "phone", "language", "gender", "profession", "email", "idea")
        if form.one(name).strip()
    }
    birth = [plain_digits(form.one(f"birth_{part}")).strip() for part in ("year", "month", "day")]
    if any(birth):
        body["birth_date"] = "-".join(part.zfill(2) for part in birth)
    if area:
        body["area"] = area
    return body | {
        "channel": channel,
        "handles": [
            {
                "platform": p,
                "handle": form.one(f"handle_{p}"),
                "followers": form.one(f"followers_{p}").strip() or 0,
            }
            for p in _accounts(form)
        ],
        "themes": list(form.all("themes")),
        "consents": [
            {"purpose": purpose, "channel": channel, "notice_version": NOTICE_VERSION}
            for purpose in PURPOSES
            if purpose in form.all("consents")
            for channel in channels
        ],
    }


def _accounts(form: Form) -> list[str]:
    """Platforms on which an account was given, in the form's order."""
    return [platform for platform in PLATFORMS if form.one(f"handle_{platform}").strip()]


def problems(
    error: Rejected | None, form: Form, place: Place, lang: str
) -> tuple[Mapping[str, str], list[tuple[str, str]]]:
    """Sentences beside the fields, and the same as a summary: (the field to go to, sentence)."""
    if isinstance(error, InvalidInput):
        errors = beside_fields(error.errors, form, place, lang)
        return errors, summary(errors, FIELDS, lang)
    return {}, [("", translate(lang, error.message, error.params))] if error else []


def beside_fields(errors: Sequence[FieldError], form: Form, place: Place, lang: str) -> dict[str, str]:
    """Each error's sentence by the form's own field; the first one of a field."""
    found: dict[str, str] = {}
    for error in errors:
        typed_in_parts = error.field == "birth_date" and error.code.startswith("date_")
        sentence = BIRTH_DATE if typed_in_parts else error.message
        found.setdefault(_field(error.field, form, place), translate(lang, sentence, error.params))
    return found


def _field(name: str, form: Form, place: Place) -> str:
    first, *rest = name.split(".")
    if first == "handles" and rest:
        kind = "followers" if rest[-1] == "followers" else "handle"
        return f"{kind}_{_accounts(form)[int(rest[0])]}"
    return place.open_field if first == "area" else first
