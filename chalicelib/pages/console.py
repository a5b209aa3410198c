"""The console: what every page of the staff has in common. A feature's pages lie in its own `desk.py`:

@api.page("GET", "/console/groups", allow="group.read", summary="The register of groups")
def groups(request: Request) -> Response:
    return console.page(request, "groups.html", "groups", rows=…)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode

from chalice.app import Response
from pydantic import ValidationError

from chalicelib import beside, cells
from chalicelib.errors import InvalidInput, NotFound, Rejected
from chalicelib.folding import ROOT
from chalicelib.http import ROUTES, SAFE_HEADERS, Request, html, invalid, is_page, redirect
from chalicelib.i18n import translate
from chalicelib.pages import shell
from chalicelib.pages.forms import Form, summary
from chalicelib.pages.shell import mark

together = beside.together


@dataclass(frozen=True)
class Room:
    """An entry of the console's list of rooms."""

    id: str
    label: str

    @property
    def to(self) -> str:
        return ROOT if self.id == "home" else f"{ROOT}/{self.id}"


ROOMS: tuple[tuple[str, tuple[Room, ...]], ...] = (
    ("", (Room("home", mark("What waits for you")),)),
    (
        mark("Creators"),
        (
            Room("review", mark("Review")),
            Room("people", mark("Register")),
            Room("ambassadors", mark("Ambassadors")),
            Room("invitations", mark("Invitations")),
            Room("policies", mark("Categories")),
            Room("appeals", mark("Appeals")),
        ),
    ),
    (
        mark("Campaigns"),
        (
            Room("campaigns", mark("Campaigns")),
            Room("posts", mark("Posts")),
            Room("unknowns", mark("Unknown deliveries")),
            Room("channels", mark("Channels")),
            Room("stops", mark("Stops")),
            Room("elections", mark("Elections")),
        ),
    ),
    (mark("Citizens"), (Room("voices", mark("Voices")),)),
    (
        mark("Places and offices"),
        (
            Room("areas", mark("Areas and turnout")),
            Room("groups", mark("Groups")),
            Room("departments", mark("Departments")),
            Room("directives", mark("Directives")),
            Room("schemes", mark("Schemes")),
        ),
    ),
    (
        mark("Organisation"),
        (
            Room("imports", mark("Imports")),
            Room("users", mark("Users and roles")),
            Room("audit", mark("Audit")),
            Room("webhooks", mark("Webhooks")),
            Room("letters", mark("Dead letters")),
        ),
    ),
)
"""In the order of the list. A room is shown once its page is declared, to who may open it."""


@cache
def _actions() -> dict[str, str]:
    return {route.path: route.allow for route in ROUTES if route.method == "GET"}


def doors() -> list[tuple[Room, str]]:
    """Each room whose page is there, and what one must be allowed to open it."""
    there = _actions()
    return [(room, there[room.to]) for _, group in ROOMS for room in group if room.to in there]


def rooms(request: Request) -> list[tuple[str, list[Room]]]:
    """The rooms that the caller may open, under their headings."""
    may = request.principal.may
    shown = (
        (heading, [room for room in group if room.to in _actions() and may(_actions()[room.to])])
        for heading, group in ROOMS
    )
    return [(heading, group) for heading, group in shown if group]


def page(
    request: Request,
    template: str,
    room: str,
    *,
    status: int = 200,
    said: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    **values: object,
) -> Response:
    """A whole page of the console. `said`: what a redirect may have told by `?said=`: code -> sentence,
    marked for translation."""
    told = (said or {}).get(request.query.get("said", ""), "")
    here = next(one for _, group in ROOMS for one in group if one.id == room)
    frame = {
        "path": _to_come_back(request),
        "kept": {name: value for name, value in request.query.items() if name != "said"},
        "me": request.principal,
        "may": request.principal.may,
        "rooms": rooms(request),
        "room": here,
        "told": translate(request.lang, told) if told else "",
        "again": {
            name: value for name, value in request.query.items() if name not in ("lang", "said", "cursor")
        },
    }
    return html(shell.render(template, request.lang, **(frame | values)), status, headers)


def _to_come_back(request: Request) -> str:
    """Where another language of this page is asked for: a form that was refused stands at an address that may
    be none to look at, so the nearest one above it that is."""
    path = request.path
    while request.method != "GET" and path != ROOT and not is_page(path):
        path = path.rpartition("/")[0]
    return path


def fragment(request: Request, template: str, *, status: int = 200, **values: object) -> Response:
    """A part of a page, for htmx to put in its place."""
    return html(shell.render(template, request.lang, may=request.principal.may, **values), status)


def is_partial(request: Request) -> bool:
    """Whether htmx asks, which puts a part of the page in its place; without scripts it is the whole page."""
    return request.headers.get("hx-request") == "true"


def refusal(error: Rejected | None, lang: str, names: Mapping[str, str]) -> dict[str, Any]:
    """`errors` and `problems` of a page whose form was refused; empty ones without an error. `names`: the
    form's fields and what they are called, marked. An error of one in a list (`areas.2`) stands at its
    field."""
    if error is None:
        return {"errors": {}, "problems": []}
    if not isinstance(error, InvalidInput):
        return {"errors": {}, "problems": [("", translate(lang, error.message, error.params))]}
    errors: dict[str, str] = {}
    for one in error.errors:
        field = one.field if one.field in names else one.field.partition(".")[0]
        errors.setdefault(field, translate(lang, one.message, one.params))
    return {"errors": errors, "problems": summary(errors, names, lang)}


def act(
    request: Request,
    do: Callable[[Form], str],
    again: Callable[[Form, Rejected], Response],
    to: str,
    *,
    of_one: bool = False,
) -> Response:
    """Does what a form asks for. `do` gives the code of what was done, which the page `to` tells (`said`).
    Refused, `again` is the page with what was typed and why. `of_one`: that page is of one thing, so what is
    not there stays NotFound; else it tells that too."""
    form = Form(request.form())
    try:
        said = do(form)
    except ValidationError as error:
        return again(form, invalid(error))
    except Rejected as error:
        if of_one and isinstance(error, NotFound):
            raise
        return again(form, error)
    return redirect(link(request, to, said=said))


def link(request: Request, path: str, **query: object) -> str:
    """The address of one of our pages, in the caller's language; what is empty or None is left out."""
    asked = {name: value for name, value in query.items() if value not in ("", None, [], ())}
    return f"{path}?{urlencode({**asked, 'lang': request.lang}, doseq=True)}"


NEXT_PART = mark("The list may go on. The next part of this file: %(link)s")


def csv_file(
    name: str,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    more: tuple[Request, str | None] | None = None,
) -> Response:
    """A file to download, made by `cells.table`. `more`: what was asked, and the cursor at which the next
    part of the list begins, which the last line tells."""
    request, cursor = more or (None, None)
    if request and cursor:
        link = f"{request.urls[0].partition('?')[0]}?{urlencode({**request.query, 'cursor': cursor})}"
        rows = [*rows, [translate(request.lang, NEXT_PART, {"link": link})]]
    headers: dict[str, str | list[str]] = {
        **SAFE_HEADERS,
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}.csv"',
    }
    return Response(cells.table(header, rows), headers, 200)
