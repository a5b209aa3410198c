"""The signup page's form: what was typed becomes the API's own request, and its errors go back beside the
fields."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from datetime import date
from decimal import Decimal

from pydantic_core import PydanticCustomError

from chalicelib.errors import FieldError, InvalidInput, Rejected
from chalicelib.handles import clean_handle
from chalicelib.i18n import translate
from chalicelib.influencers.model import PURPOSES, age_problem
from chalicelib.links import LONGEST, platform_of
from chalicelib.names import compose, plain_digits
from chalicelib.pages.forms import LEVELS, TRAP, Form, Place
from chalicelib.pages.shell import ENDONYMS, mark
from chalicelib.pages.words import CHANNELS, GENDERS, PLATFORMS_IN_FULL, PROFESSIONS

NOTICE_VERSION = "1"
"""The version of the notice beside the consents on the page."""
TERMS_VERSION = "1"
"""Of the code of conduct on the last step and the terms that it leads to: new for new words."""
BIRTH_DATE = "Please write day, month and year in digits, such as 15 8 1995."
PLATFORMS = {
    **{one: PLATFORMS_IN_FULL[one] for one in ("instagram", "youtube", "facebook", "x")},
    "whatsapp": mark("WhatsApp channel"),
    "telegram": mark("Telegram channel"),
}
ALSO = {channel: CHANNELS[channel] for channel in ("whatsapp", "sms", "email")}
"""Over which we may write too when the person's own channel fails: what needs no more than an address that
the form asks for."""
CONSENTS = {
    "campaigns": mark("messages on campaigns that I can share"),
    "gatherings": mark("invitations to meetings"),
    "surveys": mark("short questions about what people need"),
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
    "link": mark("Link of an account"),
    "paused_until": mark("No campaigns before"),
    "sure": mark("Leave"),
    "url": mark("Link of a post that you have published"),
    **{f"area_{level}": label for level, label in LEVELS.items()},
    **{
        f"{kind}_{platform}": label
        for platform, label in PLATFORMS.items()
        for kind in ("handle", "followers")
    },
}
"""What the summary of errors calls each field."""

STEPS = {
    "about": mark("About you"),
    "place": mark("Your area"),
    "accounts": mark("Your accounts"),
    "themes": mark("Themes and channel"),
    "consent": mark("Your consent"),
}
"""The form's steps: each is a page, and carries what the others hold in hidden fields."""
_STEP_OF = {
    **dict.fromkeys(("area_state", "area_district", "area_block", "area_booth"), "place"),
    **dict.fromkeys(("link", *(name for name in FIELDS if name[:7] in ("handle_", "followe"))), "accounts"),
    **dict.fromkeys(("themes", "channel", "also"), "themes"),
    **dict.fromkeys(("consents", "idea"), "consent"),
}
"""Where a field stands; all others stand in the first step."""
MARKS = "()[]<>.,;:!?।۔،\"'"
"""They stand around a link in a text, and are none of it."""
NOT_CARRIED = frozenset(("at", "go", "step", "link", TRAP))
_SHORTENED = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?([^0-9.,][^0-9,]{0,12})")
_SCALES = {
    compose(word): scale
    for scale, words in (
        (1_000, "k हज़ार हजार thousand ہزار"),
        (100_000, "l lakh lakhs लाख لاکھ"),
        (1_000_000, "m mn million"),
        (10_000_000, "cr crore crores करोड़ کروڑ"),
    )
    for word in words.split()
}
UNKNOWN_LINK = "We do not know this link. Please write the account into its field below."
NO_ACCOUNT = "This link leads to no account. Open your own page there and copy its link."


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
                "followers": counted(form.one(f"followers_{p}")) or 0,
            }
            for p in _accounts(form)
        ],
        "themes": list(form.all("themes")),
        "terms_version": TERMS_VERSION,
        "consents": [
            {"purpose": purpose, "channel": channel, "notice_version": NOTICE_VERSION}
            for purpose in PURPOSES
            if purpose in form.all("consents")
            for channel in channels
        ],
    }


def counted(typed: str) -> str:
    """A number as apps and people shorten it (12.5K, 1.2 लाख) in full; anything else as it was typed."""
    found = _SHORTENED.fullmatch(plain_digits(compose(typed)).casefold())
    scale = _SCALES.get(found[2].rstrip(" .")) if found else None
    return str(int(Decimal(found[1]) * scale)) if found and scale else typed.strip()


def step_of(name: str) -> str:
    """The step in which a field stands."""
    return _STEP_OF.get(name, "about")


def step_after(form: Form, errors: Mapping[str, str]) -> str:
    """The step to which a form leads that was sent from the step `at`: the one that was asked for, else the
    first one up to its own in which something is wrong, else the next. Empty: it is at its end, or it is the
    whole form at once."""
    if form.one("at") not in STEPS:
        return ""
    if form.one("go") in STEPS:
        return form.one("go")
    steps = list(STEPS)
    at = steps.index(form.one("at"))
    wrong = sorted(steps.index(step_of(name)) for name in errors)
    if wrong and wrong[0] <= at:
        return steps[wrong[0]]
    return (steps[at + 1 :] or [""])[0]


def holds(form: Form, step: str) -> bool:
    """Whether the errors of a form are to be told in the step to which it leads: not when the person asked
    for that step, and not before they have come to it."""
    if form.one("at") not in STEPS:
        return True
    steps = list(STEPS)
    return form.one("go") not in STEPS and step != "" and steps.index(step) <= steps.index(form.one("at"))


def carried(form: Form, shown: Container[str]) -> list[tuple[str, str]]:
    """What the steps that are not shown hold: (name, value), for hidden fields."""
    return [
        (name, value)
        for name in form.values
        if name not in NOT_CARRIED and _step_of_input(name) not in shown
        for value in form.all(name)
    ]


def _step_of_input(name: str) -> str:
    return step_of("birth_date" if name.startswith("birth_") else name)


def recognised(form: Form) -> tuple[Form, str]:
    """The form with each account under the platform to which its link leads, in its short form; and what is
    wrong with the link that was pasted, if anything."""
    found = {platform: form.one(f"handle_{platform}").strip() for platform in PLATFORMS}
    counted = {platform: form.one(f"followers_{platform}") for platform in PLATFORMS}
    for platform, typed in list(found.items()):
        told = platform_of(typed)
        if told in found and told != platform and not found[told]:
            found[told], found[platform] = typed, ""
            counted[told], counted[platform] = counted[platform], ""
    pasted = form.one("link").strip()
    platform, account, wrong = _pasted(pasted) if pasted else ("", "", "")
    if account:
        found[platform] = account
    kept = {f"handle_{platform}": _short(platform, typed) for platform, typed in found.items()}
    kept |= {f"followers_{platform}": count for platform, count in counted.items()}
    return form.changed(**kept, link=pasted if wrong else ""), wrong


def _pasted(text: str) -> tuple[str, str, str]:
    """The platform and the account of the first link to one in what was pasted, which apps surround with
    words; else what is wrong with it."""
    words = (*text.split(), text) if len(text) <= LONGEST else ()
    found = [one for word in words for one in (word, word.strip(MARKS))]
    links = [(platform, one) for one in found if (platform := platform_of(one)) in PLATFORMS]
    for platform, one in links:
        if (account := _short(platform, one)) != one:
            return platform, account, ""
    return "", "", NO_ACCOUNT if links else UNKNOWN_LINK


def _short(platform: str, typed: str) -> str:
    """An account as it is kept; what is none stays as it was typed."""
    try:
        return clean_handle(platform, typed) if typed else ""
    except PydanticCustomError:
        return typed


def with_age(error: Rejected | None, body: Mapping[str, object], today: date) -> Rejected | None:
    """The error with what is wrong with the date of birth in the request `body`: whoever is too young on
    `today` hears so in the first step, and not after the last."""
    told = error.errors if isinstance(error, InvalidInput) else []
    if (error and not told) or any(one.field == "birth_date" for one in told):
        return error
    try:
        problem = age_problem(date.fromisoformat(str(body.get("birth_date", ""))), today)
    except ValueError:
        return error
    return InvalidInput([problem, *told]) if problem else error


def accounts(form: Form) -> list[tuple[str, str, str]]:
    """The accounts given: platform, handle, followers as typed."""
    return [(p, form.one(f"handle_{p}").strip(), form.one(f"followers_{p}").strip()) for p in _accounts(form)]


def named_accounts(form: Form, lang: str) -> list[str]:
    """The accounts given, each with its platform's name."""
    return [f"{translate(lang, PLATFORMS[platform])} {handle}" for platform, handle, _ in accounts(form)]


def _accounts(form: Form) -> list[str]:
    """Platforms on which an account was given, in the form's order."""
    return [platform for platform in PLATFORMS if form.one(f"handle_{platform}").strip()]


def problems(
    error: Rejected | None, form: Form, place: Place, lang: str
) -> tuple[Mapping[str, str], list[tuple[str, str]]]:
    """Sentences beside the fields, and the same as a summary: (the field to go to, sentence)."""
    if isinstance(error, InvalidInput):
        errors = beside_fields(error.errors, form, place, lang)
        return errors, summary(errors, lang)
    return {}, [("", translate(lang, error.message, error.params))] if error else []


def beside_fields(errors: Sequence[FieldError], form: Form, place: Place, lang: str) -> dict[str, str]:
    """Each error's sentence by the form's own field; the first one of a field."""
    found: dict[str, str] = {}
    for error in errors:
        typed_in_parts = error.field == "birth_date" and error.code.startswith("date_")
        sentence = BIRTH_DATE if typed_in_parts else error.message
        found.setdefault(_field(error.field, form, place), translate(lang, sentence, error.params))
    return found


def summary(errors: Mapping[str, str], lang: str) -> list[tuple[str, str]]:
    """The errors for the top of the page: the field to go to, and what is wrong with which."""
    return [
        (name, f"{translate(lang, FIELDS[name])}: {sentence}" if name in FIELDS else sentence)
        for name, sentence in errors.items()
    ]


def _field(name: str, form: Form, place: Place) -> str:
    first, *rest = name.split(".")
    if first == "handles" and rest:
        kind = "followers" if rest[-1] == "followers" else "handle"
        return f"{kind}_{_accounts(form)[int(rest[0])]}"
    return place.open_field if first == "area" else first


__all__ = ["CHANNELS", "GENDERS", "PROFESSIONS"]
