"""What a campaign's pages on the console have in common: what they offer, what texts become."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from chalice.app import Response

from chalicelib import wiring
from chalicelib.campaigns import composing, words
from chalicelib.campaigns.messages import Template
from chalicelib.campaigns.model import Campaign, Content, with_words
from chalicelib.campaigns.service import WRITE
from chalicelib.errors import InvalidInput
from chalicelib.http import LONGEST_NAME, Request, policy_with, redirect
from chalicelib.i18n import translate
from chalicelib.pages import console
from chalicelib.pages.forms import Form
from chalicelib.pages.frame import named
from chalicelib.pages.shell import ENDONYMS

SCHEMES_SHOWN = 50


@dataclass(frozen=True)
class Offers:
    """What the composer offers to choose from."""

    departments: Mapping[str, str]
    themes: Mapping[str, str]
    schemes: Mapping[str, str]
    registered: Mapping[str, Sequence[Template]]
    areas: Mapping[str, str]
    """Names of the areas that were picked."""


def offers(
    request: Request, department: str, areas: Collection[str], schemes: Collection[str] = ()
) -> Offers:
    """All of it read side by side; `schemes`: those that were chosen, of whichever department."""
    service, lang = wiring.campaigns(), request.lang

    def own() -> dict[str, str]:
        if not department or len(department) > LONGEST_NAME:
            return {}
        found, _ = wiring.schemes().listed(
            department=department, theme="", validity=None, stale=False, limit=SCHEMES_SHOWN, after=None
        )
        today = wiring.clock().today_ist()
        return {one.id: named(one.names, lang) for one in found if one.validity(today) != "ended"}

    def chosen() -> dict[str, str]:
        ids = [one for one in dict.fromkeys(schemes) if 0 < len(one) <= LONGEST_NAME][:SCHEMES_SHOWN]
        found = wiring.schemes().briefs(ids) if ids else {}
        return {one.id: named(one.names, lang) for one in found.values()}

    departments, themes, cited, offered, whatsapp, sms, picked = console.together(
        partial(department_names, lang),
        lambda: {one.id: named(one.names, lang) for one in wiring.directory().themes()},
        chosen,
        own,
        partial(service.registered, "whatsapp"),
        partial(service.registered, "sms"),
        lambda: {
            one.id: named(one.names, lang)
            for one in (wiring.directory().many(list(dict.fromkeys(areas))[:500]).values() if areas else ())
        },
    )
    return Offers(departments, themes, cited | offered, {"whatsapp": whatsapp, "sms": sms}, picked)


def department_names(lang: str) -> dict[str, str]:
    """Departments by their ids, called as in `lang`."""
    return {one: named(names, lang) for one, names in wiring.shown_departments().items()}


def names(request: Request, offers: Offers) -> composing.Names:
    """What the values of a campaign's fields are called."""
    lang = request.lang

    def called(of: Mapping[str, str]) -> dict[str, str]:
        return {one: translate(lang, label) for one, label in of.items()}

    return {
        "department": offers.departments,
        "theme": offers.themes,
        "schemes": offers.schemes,
        "areas": offers.areas,
        "kind": called(words.KINDS),
        "compensation": called(words.COMPENSATIONS),
        "channels": called(words.CHANNELS),
        "platforms": words.PLATFORMS,
        "professions": called(words.PROFESSIONS),
        "gender": called(words.GENDERS),
        "languages": ENDONYMS,
        "quiet": called(words.QUIET),
    }


def registered(read: Callable[[str], list[Template]], channels: Collection[str]) -> dict[str, list[Template]]:
    """The registered templates of those of `channels` that need one, by channel."""
    mediums = [one for one in ("whatsapp", "sms") if one in channels]
    found = console.together(*(partial(read, one) for one in mediums))
    return dict(zip(mediums, found, strict=True))


OUR_OWN = "janjan_"
"""How the names of templates begin that carry codes, receipts and answers: no campaign is made of them."""


def choices(registered: Mapping[str, Sequence[Template]], lang: str) -> dict[str, list[tuple[str, str]]]:
    """What may be picked as a template: of WhatsApp by its name, of SMS by the id of its registration."""

    def shown(one: Template) -> str:
        state = "" if one.state == "approved" else f" ({translate(lang, 'not approved')})"
        return f"{one.name} · {one.language}{state}"

    by_name: dict[str, list[Template]] = {}
    for one in registered.get("whatsapp", ()):
        if not one.name.startswith(OUR_OWN):
            by_name.setdefault(one.name, []).append(one)
    return {
        "whatsapp": [
            (name, f"{name} · {', '.join(one.language for one in same)}")
            for name, same in sorted(by_name.items(), key=lambda one: one[1][0].category)
        ],
        "sms": [(one.template_id, shown(one)) for one in registered.get("sms", ())],
    }


def params(
    form: Form, registered: Mapping[str, Sequence[Template]], channel: str, language: str
) -> tuple[str, list[tuple[str, str]]]:
    """The words of the template that is picked, and the fields that fill it: their names, and the words that
    stand before each."""
    where = f"messages.{channel}.{language}"
    picked = form.one(f"{where}.template" if channel == "whatsapp" else f"{where}.template_id")
    template = next(
        (
            one
            for one in registered.get(channel, ())
            if picked and picked == (one.name if channel == "whatsapp" else one.template_id)
            if one.language.partition("_")[0] == language
        ),
        None,
    )
    given = [n for n in range(composing.PARAMS_AT_MOST) if form.one(f"{where}.params.{n}")]
    count = max(template.params_count if template else 0, given[-1] + 1 if given else 0)
    body = template.body if template else ""
    return body, [(f"{where}.params.{n}", composing.words_before(body, n + 1)) for n in range(count)]


def disclosed(content: Content | None, languages: Sequence[str], organisation: str) -> list[tuple[str, str]]:
    """The disclosure as it will stand, by language."""
    return [(one, content.line(one, organisation)) for one in languages] if content else []


def previews(content: Content, templates: Any) -> list[composing.Preview]:  # noqa: ANN401 - Templates
    """Each text as it will be sent."""
    url = f"{wiring.public_url()}/u/…"
    return composing.previews(content, templates, wiring.campaigns().organisation, url)


def worded_previews(
    content: Content, registered: Mapping[str, Sequence[Template]]
) -> list[composing.Preview]:
    """The same, with the words of the templates that are registered."""
    templates = composing.matching(content.messages, registered)
    return previews(
        content.model_copy(update={"messages": with_words(content.messages, templates)}), templates
    )


def shows_files() -> dict[str, str]:
    """The policy of a page that shows a campaign's pictures and films."""
    return policy_with(wiring.shelf().link("-", "-"), "img-src")


def may_write(request: Request, seen: Campaign) -> bool:
    """Whether the caller may write this campaign's draft."""
    who = request.principal
    return bool(who.may(WRITE) and who.covers_department(seen.department, WRITE))


def may_count(request: Request, seen: Campaign) -> bool:
    """Whether the caller may know how many people are in all of its areas."""
    try:
        wiring.campaigns().check_reach(request.principal, seen.content.audience)
    except InvalidInput:
        return False
    return True


def decision(form: Form) -> Literal["approve", "decline"]:
    """What is not said outright approves nothing."""
    return "approve" if form.one("do") == "approve" else "decline"


def done(request: Request, campaign_id: str, said: str, page: str = "schedule") -> Response:
    """To a page of the campaign, which says what was done."""
    return redirect(console.link(request, f"/console/campaigns/{campaign_id}/{page}", said=said))
