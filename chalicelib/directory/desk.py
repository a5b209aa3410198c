"""The election calendar on the console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Any

from chalice.app import Response
from pydantic import ValidationError

from chalicelib import wiring
from chalicelib.clock import IST
from chalicelib.directory.elections import ChangedMeanwhile, made_by
from chalicelib.directory.form import ElectionBody
from chalicelib.directory.model import Poll
from chalicelib.errors import InvalidInput, JanJanError, NotFound
from chalicelib.http import Api, Request, invalid, page_of, redirect
from chalicelib.i18n import translate
from chalicelib.ids import new_token
from chalicelib.pages import console
from chalicelib.pages.figures import moment
from chalicelib.pages.forms import Form, pick_place, told, typed_moment
from chalicelib.pages.frame import named
from chalicelib.pages.meanwhile import Meanwhile, differences, meanwhile
from chalicelib.pages.shell import mark

api = Api("directory_desk")

PAGE = 50
WRITE = "election.write"
SAID = {
    "added": mark("The election is on the calendar. Senders act on it within ten seconds."),
    "changed": mark("The election is changed. Senders act on it within ten seconds."),
    "removed": mark("The election is off the calendar: silence and code end with it."),
}
FIELDS = {
    "name": mark("Name"),
    "areas": mark("Where"),
    "polling_ends": mark("When polling ends"),
    "code_from": mark("The code of conduct holds from"),
    "code_until": mark("The code of conduct holds until"),
    "source": mark("Where it was announced"),
}
TIMES = ("polling_ends", "code_from", "code_until")


@api.page("GET", "/console/elections", allow="election.read", summary="The election calendar")
def elections(request: Request) -> Response:
    now = wiring.clock().now()
    found = wiring.election_desk().listed()
    page, more = page_of(
        request, PAGE, found, lambda one: f"{one.polling_ends.isoformat()} {one.id}", latest_first=True
    )
    names = _names(request, [area for one in page for area in one.areas])
    rows = [
        {
            "id": one.id,
            "name": one.name,
            "areas": ", ".join(names.get(area, area) for area in one.areas),
            "silence_from": moment(one.silence[0]),
            "polling_ends": moment(one.polling_ends),
            "code_from": moment(one.code_from),
            "code_until": moment(one.code_until),
            "source": one.source,
            "silent": one.silent(now),
            "binds": one.binds(now),
            "over": one.code_until <= now,
        }
        for one in page
    ]
    return console.page(request, "console_elections.html", "elections", said=SAID, rows=rows, cursor=more)


@api.page("GET", "/console/elections/new", allow=WRITE, summary="A new election")
def new(request: Request) -> Response:
    return _form(request, None, Form({"once": [new_token()]}))


@api.page("POST", "/console/elections/new", allow=WRITE, summary="Put an election on the calendar")
def add(request: Request) -> Response:
    return _written(request, None, Form(request.form()))


@api.page("GET", "/console/elections/{election}", allow=WRITE, summary="One election, to change it")
def one(request: Request, election: str) -> Response:
    poll = wiring.election_desk().get(election)
    shown = {name: [f"{getattr(poll, name).astimezone(IST):%Y-%m-%dT%H:%M}"] for name in TIMES}
    return _form(
        request,
        poll,
        Form(
            {
                **shown,
                "name": [poll.name],
                "areas": list(poll.areas),
                "source": [poll.source],
                "seen": [poll.version],
            }
        ),
    )


@api.page("POST", "/console/elections/{election}", allow=WRITE, summary="Change an election")
def change(request: Request, election: str) -> Response:
    form = Form(request.form())
    try:
        poll = wiring.election_desk().get(election)
    except NotFound as gone:  # what was typed may be entered anew
        return _form(request, None, form.changed(once=new_token()), gone)
    return _written(request, poll, form)


@api.page("POST", "/console/elections/{election}/removal", allow=WRITE, summary="Take it off the calendar")
def remove(request: Request, election: str) -> Response:
    with suppress(NotFound):  # the form was sent twice
        wiring.election_desk().remove(request.principal.id, election)
    return redirect(console.link(request, "/console/elections", said="removed"))


def _written(request: Request, poll: Poll | None, form: Form) -> Response:
    do = form.one("do")
    if do != "save":
        return _form(request, poll, _with_areas(form, do))
    desk = wiring.election_desk()
    try:
        typed: dict[str, object] = {name: form.one(name).strip() for name in ("name", "source")}
        typed |= {name: at for name in TIMES if (at := typed_moment(form.one(name), name))}
        body = ElectionBody.model_validate({**typed, "areas": list(form.all("areas"))})
        if poll is None:
            _add(request, body, form.one("once"))
        elif not _is(poll, body):  # else it was sent twice
            if form.one("seen") not in ("", poll.version):
                raise ChangedMeanwhile
            desk.add(request.principal.id, **dict(body), election=poll.id, before=poll)
    except ValidationError as wrong:
        return _form(request, poll, form, invalid(wrong))
    except InvalidInput as wrong:
        return _form(request, poll, form, wrong)
    except ChangedMeanwhile as wrong:
        theirs = desk.get(poll.id if poll else made_by(request.principal.id, form.one("once")))
        fields = differences(_told(request, theirs), _told(request, body), FIELDS, request.lang)
        last = meanwhile(wiring.audit(), wiring.users().names, f"election#{theirs.id}", fields)
        return _form(request, theirs, form.changed(seen=theirs.version), wrong, last)
    said = "changed" if poll else "added"
    return redirect(console.link(request, "/console/elections", said=said))


def _with_areas(form: Form, do: str) -> Form:
    """The form with an area taken out, or with the one that was chosen."""
    areas = list(form.all("areas"))
    if do.startswith("remove:"):
        areas = [area for area in areas if area != do.partition(":")[2]]
    elif do == "add_area":
        chosen = (form.one(f"area_{level}") for level in ("booth", "block", "district", "state"))
        areas += [area for area in chosen if area][:1]
    return Form({**form.values, "areas": list(dict.fromkeys(areas))})


def _add(request: Request, body: ElectionBody, once: str) -> None:
    """A form that was sent twice adds one election. Raises InvalidInput, ChangedMeanwhile."""
    desk, by = wiring.election_desk(), request.principal.id
    if not once and any(_is(poll, body) for poll in desk.listed()):
        return
    try:
        desk.add(by, **dict(body), once=once)
    except ChangedMeanwhile:
        if not _is(desk.get(made_by(by, once)), body):
            raise


SAYS = attrgetter("name", "polling_ends", "code_from", "code_until", "source")


def _is(poll: Poll, body: ElectionBody) -> bool:
    """Whether just this is on the calendar."""
    return bool(SAYS(poll) == SAYS(body) and set(poll.areas) == set(body.areas))


def _told(request: Request, one: Poll | ElectionBody) -> dict[str, str]:
    """All that it says, as text, by field."""
    areas = _names(request, list(one.areas))
    times = {name: moment(getattr(one, name)) for name in TIMES}
    places = "\n".join(sorted(areas.get(area, area) for area in one.areas))
    return {"name": one.name, "areas": places, "source": one.source, **times}


def _form(
    request: Request,
    poll: Poll | None,
    form: Form,
    error: JanJanError | None = None,
    last: Meanwhile | None = None,
) -> Response:
    lang = request.lang
    names = {name: translate(lang, label) for name, label in FIELDS.items()}
    errors, problems = told(error, lang, FIELDS)
    return console.page(
        request,
        "console_election.html",
        "elections",
        status=error.status if error else 200,
        trail=[("", poll.name if poll else translate(lang, "New election"))],
        poll=poll,
        action=f"/console/elections/{poll.id if poll else 'new'}",
        form=form,
        errors=errors,
        problems=problems,
        meanwhile=last,
        names=names,
        place=pick_place(form, wiring.directory().children, lang),
        area_names=_names(request, form.all("areas")),
    )


def _names(request: Request, areas: Sequence[str]) -> Mapping[str, Any]:
    found = wiring.directory().many(list(dict.fromkeys(areas))[:500]) if areas else {}
    return {area: named(one.names, request.lang) for area, one in found.items()}
