"""The console's rooms of ambassadors and invitations: who stands, who could, where nobody is, whom to ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, get_args

from chalice.app import Response

from chalicelib import wiring
from chalicelib.ambassadors.diversity import NOT_SAID, shown, shown_all
from chalicelib.ambassadors.form import AppointmentBody, EndBody, InvitationBody, RenewalBody
from chalicelib.ambassadors.invitation import Invitation, Status
from chalicelib.ambassadors.model import A_TERM, READ, WRITE, Appointment, State, spelled
from chalicelib.ambassadors.shortlist import Candidate
from chalicelib.errors import Rejected
from chalicelib.http import Api, Request, next_cursor, read_cursor
from chalicelib.pages import console
from chalicelib.pages.figures import day, moment
from chalicelib.pages.forms import Form, labels, own_areas, told
from chalicelib.pages.frame import named
from chalicelib.pages.shell import ENDONYMS, mark
from chalicelib.pages.words import PLATFORMS

api = Api("ambassadors_desk")
ROOM, INVITATIONS = "/console/ambassadors", "/console/invitations"
A_PAGE = 25
ENDS_SOON = timedelta(days=30)
STATES: dict[str, str] = {
    "standing": mark("Stands today"),
    "coming": mark("Has not begun"),
    "over": mark("Term is over"),
    "ended": mark("Ended early"),
}
CHANNELS: dict[str, str] = {
    "whatsapp": mark("WhatsApp"),
    "sms": mark("SMS"),
    "email": mark("Email"),
}
SENT: dict[str, str] = {
    "waiting": mark("on its way"),
    "sent": mark("sent"),
    "unknown": mark("no answer came whether it was sent"),
    "refused": mark("the platform refused it"),
    "not_sent": mark("not sent"),
}
WHY = {
    "joined": mark("has signed up meanwhile"),
    "gone": mark("has left"),
    "address_changed": mark("the address has changed"),
    "suppressed": mark("has said STOP"),
    "too_late": mark("could not be sent within three days"),
    "silence": mark("silence before the end of polling"),
    "code_of_conduct": mark("a code of conduct is in force there"),
}
SAID = {
    "appointed": mark("Appointed. The letter is ready."),
    "renewed": mark("The term is longer now."),
    "ended": mark("The appointment is ended."),
    "invited": mark("The invitation is on its way: one message, and never a second one."),
}
NAMES = {
    "influencer_id": mark("Creator"),
    "area": mark("Area"),
    "begins": mark("From"),
    "until": mark("Until"),
    "reason": mark("Reason"),
    "address": mark("Number or e-mail address"),
    "name": mark("Name"),
    "channel": mark("Over"),
    "language": mark("Language"),
}


# --- ambassadors


@api.page("GET", ROOM, allow="ambassador.read", summary="Ambassadors of one's areas")
def ambassadors(request: Request) -> Response:
    return _ambassadors(request)


@api.page("GET", f"{ROOM}/shortlist", allow="ambassador.read", summary="Who could become an ambassador")
def shortlist(request: Request) -> Response:
    return _shortlist(request)


@api.page("POST", f"{ROOM}/shortlist", allow="ambassador.write", summary="Appoint an ambassador")
def appoint(request: Request) -> Response:
    def act(form: Form) -> str:
        asked = {name: form.one(name) for name in ("influencer_id", "area", "until") if form.one(name)}
        body = AppointmentBody.model_validate(asked)
        wiring.ambassadors().appoint(request.principal, body.influencer_id, body.area, until=body.until)
        return "appointed"

    return console.act(request, act, partial(_shortlist, request), ROOM)


@api.page("POST", f"{ROOM}/{{appointment}}/renewal", allow="ambassador.write", summary="Make a term longer")
def renew(request: Request, appointment: str) -> Response:
    def act(form: Form) -> str:
        until = RenewalBody.model_validate({"until": form.one("until")}).until
        wiring.ambassadors().renew(request.principal, appointment, until)
        return "renewed"

    return _act(request, appointment, act)


@api.page("POST", f"{ROOM}/{{appointment}}/end", allow="ambassador.write", summary="End an appointment early")
def end(request: Request, appointment: str) -> Response:
    def act(form: Form) -> str:
        reason = EndBody.model_validate({"reason": form.one("reason").strip()}).reason
        wiring.ambassadors().end(request.principal, appointment, reason)
        return "ended"

    return _act(request, appointment, act)


@api.page("GET", f"{ROOM}/gaps", allow="gaps.read", summary="Who is missing where")
def gaps(request: Request) -> Response:
    form, error, values = _asked(request), None, {}
    area, lang = form.one("area") or _only_area(request), request.lang
    form = Form({"area": [area]})
    if area:
        try:
            values = _counted(request, area)
        except Rejected as refused:
            error = refused
    errors, problems = told(error, lang, NAMES)
    return console.page(
        request,
        "console_gaps.html",
        "ambassadors",
        status=error.status if error else 200,
        areas=_areas(request, area, "gaps.read"),
        form=form,
        errors=errors,
        problems=problems,
        found=values,
    )


def _only_area(request: Request) -> str:
    """The one area to which the caller is bound; empty for who has several or all."""
    bound = request.principal.bound_to("gaps.read")[0]
    return min(bound) if len(bound) == 1 and not request.principal.works_for_all("gaps.read") else ""


def _counted(request: Request, area: str) -> dict[str, Any]:
    """What the gaps of an area are, as their reader may see them."""
    lang = request.lang
    found, known = console.together(
        lambda: wiring.gaps().found(request.principal, area), wiring.directory().themes
    )
    counted, exact = found.diversity, found.exact
    themes = {theme.id: named(theme.names, lang) for theme in known}
    tables = (
        (mark("Women and men"), counted.gender, {"female": mark("Women"), "male": mark("Men")}),
        (mark("Languages"), counted.languages, ENDONYMS),
        (mark("Themes"), counted.themes, themes),
    )
    lacking = [one for one in found.places if not (one.influencers and one.ambassadors)]
    return {
        "area": named(found.area.names, lang),
        "exact": exact,
        "people": shown(counted.people, exact=exact),
        "ambassadors": shown(found.ambassadors, exact=exact),
        "tables": [
            (label, [(_word(names, key), count) for key, count in shown_all(of, exact=exact).items()])
            for label, of, names in tables
        ],
        "places": len(found.places),
        "without": sum(not one.influencers for one in found.places),
        "lacking": [
            (one.area, named(found.names[one.area], lang), one.influencers, one.ambassadors)
            for one in lacking[:A_PAGE]
        ],
        "more": max(0, len(lacking) - A_PAGE),
    }


def _word(names: Mapping[str, str], key: str) -> str:
    return mark("Not said") if key == NOT_SAID else names.get(key, key)


def _act(request: Request, appointment: str, act: Callable[[Form], str]) -> Response:
    return console.act(request, act, partial(_ambassadors, request, at=appointment), ROOM)


def _ambassadors(
    request: Request, form: Form | None = None, error: Rejected | None = None, at: str = ""
) -> Response:
    """`at`: the appointment at which something was refused."""
    asked, place = _asked(request), None
    found: list[Appointment] = []
    state: State = next((one for one in get_args(State) if one == asked.one("state")), "standing")
    try:
        found, place = wiring.ambassadors().listed(
            request.principal,
            area=asked.one("area") or None,
            state=state,
            ends_by=None,
            limit=A_PAGE,
            after=read_cursor(request) if form is None else None,
        )
    except Rejected as refused:
        error = error or refused
    if at and at not in {one.id for one in found}:
        found = [wiring.ambassadors().get(request.principal, at), *found]
    errors, problems = told(error, request.lang, NAMES)
    names = wiring.ambassadors().names(found)
    return console.page(
        request,
        "console_ambassadors.html",
        "ambassadors",
        status=error.status if error else 200,
        said=SAID,
        rows=[_row(request, one, names) for one in found],
        more=next_cursor(request, place) if form is None else None,
        areas=_areas(request, asked.one("area"), READ),
        states=labels(STATES, request.lang),
        form=form or asked,
        shown=state,
        errors=errors,
        problems=problems,
        at=at,
    )


def _row(request: Request, one: Appointment, names: Mapping[str, str]) -> dict[str, Any]:
    today, lang = wiring.clock().today_ist(), request.lang
    area, state = wiring.directory().get(one.area), one.state(today)
    soon = state == "standing" and one.until <= today + ENDS_SOON
    return {
        "id": one.id,
        "person": one.influencer,
        "name": names.get(one.influencer, ""),
        "area": named(area.names, lang) if area else one.area,
        "begins": day(one.begins),
        "until": day(one.until),
        "soon": soon,
        "state": STATES[state],
        "colour": "wait" if soon or state == "coming" else "" if state == "standing" else "bad",
        "may_change": state in ("standing", "coming") and request.principal.covers_area(one.path, WRITE),
        "next": (one.until + A_TERM).isoformat(),
        "code": spelled(one.code),
        "link": one.code,
        "reason": one.reason,
        "sample": one.sample,
    }


def _shortlist(request: Request, form: Form | None = None, error: Rejected | None = None) -> Response:
    asked, place = form or _asked(request), None
    found: list[Candidate] = []
    area, lang = asked.one("area"), request.lang
    platform = asked.one("platform") if asked.one("platform") in PLATFORMS else ""
    if area:
        try:
            cursor = read_cursor(request) if form is None else None
            found, place = wiring.shortlist().page(request.principal, area, platform, A_PAGE, cursor)
        except Rejected as refused:
            error = error or refused
    errors, problems = told(error, lang, NAMES)
    return console.page(
        request,
        "console_shortlist.html",
        "ambassadors",
        status=error.status if error else 200,
        rows=[
            {
                "id": one.id,
                "name": one.name,
                "figures": [(PLATFORMS[f.platform], f.followers, f.grade == "verified") for f in one.figures],
            }
            for one in found
        ],
        more=next_cursor(request, place) if form is None else None,
        areas=_areas(request, area, READ),
        platforms=list(PLATFORMS.items()),
        until=(wiring.clock().today_ist() + A_TERM).isoformat(),
        form=asked,
        errors=errors,
        problems=problems,
    )


# --- invitations


@api.page("GET", INVITATIONS, allow="invitation.read", summary="Who was invited, and what became of it")
def invitations(request: Request) -> Response:
    return _invitations(request)


@api.page("POST", INVITATIONS, allow="invitation.write", summary="Invite somebody: once for ever")
def invite(request: Request) -> Response:
    """A second click is told that this address was invited before."""

    def act(form: Form) -> str:
        fields = ("channel", "address", "name", "area", "language", "reason")
        body = InvitationBody.model_validate(
            {name: form.one(name).strip() for name in fields if form.one(name)}
        )
        wiring.invitations().invite(request.principal, body.wanted)
        return "invited"

    return console.act(request, act, partial(_invitations, request), INVITATIONS)


def _invitations(request: Request, form: Form | None = None, error: Rejected | None = None) -> Response:
    asked, place = _asked(request), None
    found: list[Invitation] = []
    status: Status | None = next((one for one in get_args(Status) if one == asked.one("status")), None)
    try:
        found, place = wiring.invitations().listed(
            request.principal,
            area=None,
            status=status,
            limit=A_PAGE,
            after=read_cursor(request) if form is None else None,
        )
    except Rejected as refused:
        error = error or refused
    errors, problems = told(error, request.lang, NAMES)
    directory, lang = wiring.directory(), request.lang
    known = directory.many({one.area for one in found})
    return console.page(
        request,
        "console_invitations.html",
        "invitations",
        status=error.status if error else 200,
        said=SAID,
        rows=[
            {
                "to": one.masked,
                "over": CHANNELS[one.channel],
                "area": named(known[one.area].names, lang) if one.area in known else "",
                "state": SENT[one.status],
                "colour": {"sent": "", "waiting": "wait"}.get(one.status, "bad"),
                "why": WHY.get(one.why, one.why),
                "reason": one.reason,
                "at": moment(one.at),
            }
            for one in found
        ],
        more=next_cursor(request, place) if form is None else None,
        states=labels(SENT, lang),
        status_asked=asked.one("status"),
        channels=labels(CHANNELS, lang),
        areas=_areas(request, "", "invitation.write"),
        in_language=[(code, ENDONYMS[code]) for code in ("hi", "en", "ur")],
        form=form or Form(),
        errors=errors,
        problems=problems,
    )


# --- both


def _asked(request: Request) -> Form:
    return Form({name: [value] for name, value in request.query.items()})


def _areas(request: Request, chosen: str, action: str) -> list[tuple[str, str]]:
    """What a list of areas offers to the caller."""
    directory, who = wiring.directory(), request.principal
    roots = ["IN"] if who.covers_area((), action) else sorted(who.areas)
    return own_areas(directory, directory.children, roots, chosen, request.lang)
