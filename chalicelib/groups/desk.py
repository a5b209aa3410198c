"""The console's room of groups: the register, one group with its link and figures, and kits to post there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, get_args

from chalice.app import Response
from pydantic import ValidationError

from chalicelib import wiring
from chalicelib.errors import NotFound, Rejected
from chalicelib.groups.kits import Kit
from chalicelib.groups.model import READ, WRITE, Figures, Group, LinkState, LinkWord, NewGroup, sees
from chalicelib.http import Api, Request, invalid, next_cursor, read_cursor, redirect
from chalicelib.i18n import translate
from chalicelib.pages import console
from chalicelib.pages.figures import moment
from chalicelib.pages.forms import Form, labels, own_areas
from chalicelib.pages.frame import named
from chalicelib.pages.shell import ENDONYMS, mark
from chalicelib.pages.words import PLATFORMS

api = Api("groups_desk")
ROOM = "/console/groups"
A_PAGE = 50
CAMPAIGNS = 50
MONTHS = 12
NO_WORDS = mark("This campaign has no words for this group.")
KINDS = {"area": mark("Of a place"), "coordination": mark("Of departments together")}
LINKS: dict[str, tuple[str, str]] = {
    "alive": ("", mark("The link is alive")),
    "dead": ("bad", mark("The link is dead")),
    "archived": ("wait", mark("Put away")),
}
SAID = {
    "added": mark("The group is on the register."),
    "link": mark("What you know of the link is noted."),
    "figures": mark("The figures are noted."),
    "posted": mark("It is noted that the kit was posted."),
}
FIELDS = {
    "name": mark("Name"),
    "link": mark("Invite link"),
    "area": mark("Area"),
    "kind": mark("Kind"),
    "month": mark("Month"),
    "members": mark("Members"),
    "women": mark("Women among them"),
    "state": mark("Link"),
    "reason": mark("Reason"),
    "campaign": mark("Campaign"),
}


@api.page("GET", ROOM, allow="group.read", summary="The register of groups")
def groups(request: Request) -> Response:
    return _groups(request)


@api.page("POST", ROOM, allow="group.write", summary="Put a group on the register")
def add(request: Request) -> Response:
    """A second click is told that the link stands on the register."""
    form = Form(request.form())
    try:
        body = NewGroup.model_validate(
            {name: form.one(name).strip() for name in ("name", "link", "area") if form.one(name).strip()}
        )
        made = wiring.groups().add(request.principal, body)
    except ValidationError as error:
        return _groups(request, form, invalid(error))
    except Rejected as error:
        return _groups(request, form, error)
    return redirect(console.link(request, f"{ROOM}/{made.id}", said="added"))


@api.page("GET", f"{ROOM}/{{group_id}}", allow="group.read", summary="One group")
def one_group(request: Request, group_id: str) -> Response:
    return _group(request, group_id)


@api.page("POST", f"{ROOM}/{{group_id}}/link", allow="group.write", summary="What is known of its link")
def set_link(request: Request, group_id: str) -> Response:
    def act(form: Form) -> str:
        given = {"state": form.one("state"), "seen": "checked", "reason": form.one("reason").strip()}
        if form.one("link").strip():
            given["link"] = form.one("link").strip()
        wiring.groups().link(request.principal, group_id, LinkWord.model_validate(given))
        return "link"

    return _act(request, group_id, act)


@api.page("POST", f"{ROOM}/{{group_id}}/figures", allow="group.write", summary="A month's figures")
def add_figures(request: Request, group_id: str) -> Response:
    """Those of the same month are replaced."""

    def act(form: Form) -> str:
        given = {name: form.one(name).strip() for name in ("month", "members", "women")}
        said = Figures.model_validate({name: value for name, value in given.items() if value})
        wiring.groups().figures(request.principal, group_id, said)
        return "figures"

    return _act(request, group_id, act)


@api.page("POST", f"{ROOM}/{{group_id}}/reveal", allow="group.reveal", summary="Link and numbers in clear")
def reveal(request: Request, group_id: str) -> Response:
    return _group(request, group_id, clear=wiring.groups().reveal(request.principal, group_id))


@api.page(
    "POST", f"{ROOM}/{{group_id}}/kits", allow="group.write", summary="A campaign's words for this group"
)
def kit(request: Request, group_id: str) -> Response:
    form, kits, who = Form(request.form()), wiring.group_kits(), request.principal
    campaign = form.one("campaign")
    try:
        if form.one("do") == "posted":
            kits.posted(who, group_id, campaign)
            return redirect(console.link(request, f"{ROOM}/{group_id}", said="posted"))
        return _group(request, group_id, form, made=kits.kit(who, group_id, campaign))
    except NotFound:
        wiring.groups().get(who, group_id, WRITE)
        return _group(request, group_id, form, NotFound(NO_WORDS))
    except Rejected as error:
        return _group(request, group_id, form, error)


def _act(request: Request, group_id: str, act: Callable[[Form], str]) -> Response:
    return console.act(request, act, partial(_group, request, group_id), f"{ROOM}/{group_id}", of_one=True)


def _groups(request: Request, form: Form | None = None, error: Rejected | None = None) -> Response:
    asked = Form({name: [value] for name, value in request.query.items()})
    state: LinkState | None = next((one for one in get_args(LinkState) if one == asked.one("state")), None)
    found: list[Group] = []
    place = None
    try:
        found, place = wiring.groups().listed(
            request.principal,
            area=asked.one("area") or None,
            kind="coordination" if asked.one("kind") == "coordination" else "area",
            state=state,
            limit=A_PAGE,
            after=read_cursor(request) if form is None else None,
        )
    except Rejected as refused:
        error = error or refused
    lang, directory, who = request.lang, wiring.directory(), request.principal
    roots = ["IN"] if who.covers_area((), READ) else sorted(who.areas)
    return console.page(
        request,
        "console_groups.html",
        "groups",
        status=error.status if error else 200,
        said=SAID,
        rows=[_row(one, lang) for one in found],
        more=next_cursor(request, place) if form is None else None,
        asked=asked,
        areas=own_areas(directory, directory.children, roots, asked.one("area"), lang),
        kinds=labels(KINDS, lang),
        states=labels({state: words for state, (_, words) in LINKS.items()}, lang),
        form=form or Form(),
        **console.refusal(error, lang, FIELDS),
    )


def _row(one: Group, lang: str) -> dict[str, Any]:
    area, (colour, words) = wiring.directory().get(one.area), LINKS[one.state]
    figures = one.figures
    return {
        "id": one.id,
        "name": one.name,
        "platform": PLATFORMS[one.platform],
        "kind": KINDS[one.kind],
        "area": named(area.names, lang) if area else one.area,
        "colour": colour,
        "state": words,
        "members": figures.members if figures else None,
        "women": figures.women if figures else None,
        "month": figures.month if figures else "",
        "seen": moment(one.seen_at),
        "reason": one.reason,
        "sample": one.sample,
    }


def _group(
    request: Request,
    group_id: str,
    form: Form | None = None,
    error: Rejected | None = None,
    *,
    clear: Group | None = None,
    made: Kit | None = None,
) -> Response:
    who, lang = request.principal, request.lang
    one, months, found = console.together(
        lambda: wiring.groups().get(who, group_id),
        lambda: wiring.groups().history(who, group_id),
        lambda: wiring.campaigns().page(who, "", "", None, CAMPAIGNS)[0] if who.may(WRITE) else [],
    )
    writes = sees(who, one, WRITE)
    shown = clear.admins if clear else [admin.masked() for admin in one.admins]
    nameless = {admin.influencer for admin in shown if not admin.name}
    names = wiring.register().names(who, nameless) if nameless else {}
    return console.page(
        request,
        "console_group.html",
        "groups",
        status=error.status if error else 200,
        said=SAID,
        one=_row(one, lang),
        admins=[
            (admin.name or names.get(admin.influencer) or translate(lang, mark("A creator")), admin.phone)
            for admin in shown
        ],
        link=clear.link if clear else "",
        months=[(row.month, row.members, row.women) for row in months[:MONTHS]],
        this_month=f"{wiring.clock().today_ist():%Y-%m}",
        writes=writes,
        states=labels({state: words for state, (_, words) in LINKS.items()}, lang),
        state=one.state,
        campaigns=[(each.id, each.content.title) for each in found if writes],
        kit=_kit(made) if made else None,
        form=form or Form(),
        **console.refusal(error, lang, FIELDS),
    )


def _kit(made: Kit) -> dict[str, Any]:
    return {
        "campaign": made.campaign.id,
        "title": made.campaign.title,
        "texts": [(code, ENDONYMS.get(code, code), words) for code, words in made.campaign.texts.items()],
        "link": made.link,
        "posted": bool(made.handed.posted_at),
    }
