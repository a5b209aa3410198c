"""Ambassadors over HTTP: appointments for staff, letters for everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

from chalice.app import Response
from pydantic import Field

from chalicelib import wiring
from chalicelib.ambassadors.diversity import shown, shown_all
from chalicelib.ambassadors.form import (
    STATES,
    AppointmentBody,
    AreaId,
    EndBody,
    InvitationBody,
    InvitationOfPerson,
    RenewalBody,
)
from chalicelib.ambassadors.invitation import Channel, Invitation, Status
from chalicelib.ambassadors.invitations import Wanted
from chalicelib.ambassadors.model import Appointment, State, spelled
from chalicelib.errors import NotFound
from chalicelib.http import (
    CREATOR,
    PUBLIC,
    Again,
    Api,
    ListQuery,
    Request,
    html,
    next_cursor,
    page_of,
    read_cursor,
    redirect,
)
from chalicelib.i18n import translate
from chalicelib.pages import shell
from chalicelib.shapes import Day, Strict, View

api = Api("ambassadors")

Limit = Annotated[int, Field(ge=1, le=100)]
PDF = "application/pdf"


class AmbassadorsQuery(Strict):
    area: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    state: State | None = None
    ends_by: Day | None = None
    """Only those whose last day is this one or before."""
    limit: Limit = 25
    cursor: str | None = None


class RenewalView(View):
    until: date
    at: datetime
    by: str


class AmbassadorView(View):
    """An appointment as staff see it."""

    id: str
    influencer_id: str
    name: str
    """Empty for who has left."""
    area: str
    area_path: list[str]
    begins: date
    until: date
    state: State
    code: str
    """What stands on the letter."""
    letter: str
    """Where anybody sees whether the letter is real."""
    at: datetime
    by: str
    renewals: list[RenewalView]
    ended_at: datetime | None
    ended_by: str
    reason: str
    sample: bool


class AmbassadorList(View):
    items: list[AmbassadorView]
    next: str | None = None


class OwnAppointment(View):
    """An appointment as its person sees it."""

    id: str
    area: str
    names: dict[str, str]
    begins: date
    until: date
    state: State
    code: str
    letter: str
    ended_on: date | None
    reason: str


class OwnAppointments(View):
    items: list[OwnAppointment]
    next: str | None = None


class LetterView(View):
    """What a real letter says; of one that is not real there is nothing at its address."""

    kind: str = "ambassador"
    state: State
    first_name: str
    """Empty for who has left."""
    area: str
    names: dict[str, str]
    begins: date
    until: date
    ended_on: date | None


@api.get(
    "/v1/ambassadors",
    allow="ambassador.read",
    query=AmbassadorsQuery,
    answer=AmbassadorList,
    summary="Ambassadors by place: who stands, whose term ends soon",
)
def ambassadors(request: Request, query: AmbassadorsQuery) -> AmbassadorList:
    found, place = wiring.ambassadors().listed(
        request.principal,
        area=query.area,
        state=query.state,
        ends_by=query.ends_by,
        limit=query.limit,
        after=read_cursor(request),
    )
    return AmbassadorList(items=_views(found), next=next_cursor(request, place))


def _as_now(request: Request, kept: Mapping[str, Any]) -> AmbassadorView:
    return _view(wiring.ambassadors().get(request.principal, kept["id"]))


AS_NOW = Again(("id",), _as_now)


@api.post(
    "/v1/ambassadors",
    allow="ambassador.write",
    body=AppointmentBody,
    answer=AmbassadorView,
    again=AS_NOW,
    status=201,
    summary="Appoint an approved person ambassador of an area",
)
def appoint(request: Request, body: AppointmentBody) -> AmbassadorView:
    made = wiring.ambassadors().appoint(
        request.principal, body.influencer_id, body.area, begins=body.begins, until=body.until
    )
    return _view(made)


# --- who could be one, and where nobody is


class ShortlistQuery(Strict):
    area: AreaId
    platform: Literal["facebook", "instagram", "x", "youtube", "whatsapp", "telegram"] | None = None
    limit: Limit = 25
    cursor: str | None = None


class FigureView(View):
    platform: str
    followers: int
    grade: str
    """`verified`: told by the platform; `stated`: the person's own word."""


class CandidateView(View):
    influencer_id: str
    name: str
    area: str
    area_path: list[str]
    figures: list[FigureView]
    """The one that gives the place first. They are never added up."""


class CandidateList(View):
    items: list[CandidateView]
    next: str | None = None


class GapsQuery(Strict):
    area: AreaId
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: str | None = None


class PlaceView(View):
    """An area right below, in which or below which somebody is missing."""

    area: str
    names: dict[str, str]
    no_influencer: bool
    no_ambassador: bool


class GapsView(View):
    """What approved people have said of themselves, counted. A reader who may not see small numbers (`exact`
    false) sees none from 1 to 4: they are empty, in a table not even named; others are rounded down to a
    multiple of 5."""

    area: str
    exact: bool
    people: int | None
    ambassadors: int | None
    gender: dict[str, int]
    languages: dict[str, int]
    themes: dict[str, int]
    """One person may have several."""
    professions: dict[str, int]
    places: int
    """How many areas lie right below."""
    without_influencer: int
    without_ambassador: int
    items: list[PlaceView]
    next: str | None = None


@api.get(
    "/v1/ambassadors/shortlist",
    allow="ambassador.read",
    query=ShortlistQuery,
    answer=CandidateList,
    summary="Approved people of an area who are ambassador of nothing, the most followed first",
)
def shortlist(request: Request, query: ShortlistQuery) -> CandidateList:
    found, place = wiring.shortlist().page(
        request.principal, query.area, query.platform or "", query.limit, read_cursor(request)
    )
    items = [
        CandidateView(
            influencer_id=one.id,
            name=one.name,
            area=one.area_path[-1],
            area_path=list(one.area_path),
            figures=[FigureView(**vars(figure)) for figure in one.figures],
        )
        for one in found
    ]
    return CandidateList(items=items, next=next_cursor(request, place))


@api.get(
    "/v1/ambassadors/gaps",
    allow="gaps.read",
    query=GapsQuery,
    answer=GapsView,
    summary="Who is missing where: what people say of themselves, places without anybody",
)
def gaps(request: Request, query: GapsQuery) -> GapsView:
    found = wiring.gaps().found(request.principal, query.area)
    lacking = [one for one in found.places if not (one.influencers and one.ambassadors)]
    page, after = page_of(request, query.limit, lacking, lambda one: one.area)
    counted, exact = found.diversity, found.exact
    return GapsView(
        area=found.area.id,
        exact=exact,
        people=shown(counted.people, exact=exact),
        ambassadors=shown(found.ambassadors, exact=exact),
        gender=shown_all(counted.gender, exact=exact),
        languages=shown_all(counted.languages, exact=exact),
        themes=shown_all(counted.themes, exact=exact),
        professions=shown_all(counted.professions, exact=exact),
        places=len(found.places),
        without_influencer=sum(not one.influencers for one in found.places),
        without_ambassador=sum(not one.ambassadors for one in found.places),
        items=[
            PlaceView(
                area=one.area,
                names=dict(found.names[one.area]),
                no_influencer=not one.influencers,
                no_ambassador=not one.ambassadors,
            )
            for one in page
        ],
        next=after,
    )


@api.get(
    "/v1/ambassadors/{appointment}", allow="ambassador.read", answer=AmbassadorView, summary="One appointment"
)
def ambassador(request: Request, appointment: str) -> AmbassadorView:
    return _view(wiring.ambassadors().get(request.principal, appointment))


@api.raw(
    "GET",
    "/v1/ambassadors/{appointment}/letter.pdf",
    allow="ambassador.read",
    produces=PDF,
    summary="The letter of an appointment, to print: a redirect to the file",
)
def letter_file(request: Request, appointment: str) -> Response:
    return _printed(request, wiring.ambassadors().get(request.principal, appointment))


@api.post(
    "/v1/ambassadors/{appointment}/renewal",
    allow="ambassador.write",
    body=RenewalBody,
    answer=AmbassadorView,
    again=AS_NOW,
    summary="Make a term longer",
)
def renew(request: Request, appointment: str, body: RenewalBody) -> AmbassadorView:
    return _view(wiring.ambassadors().renew(request.principal, appointment, body.until))


@api.post(
    "/v1/ambassadors/{appointment}/end",
    allow="ambassador.write",
    body=EndBody,
    answer=AmbassadorView,
    again=AS_NOW,
    summary="End an appointment before its term",
)
def end(request: Request, appointment: str, body: EndBody) -> AmbassadorView:
    return _view(wiring.ambassadors().end(request.principal, appointment, body.reason))


@api.get(
    "/v1/me/appointments",
    allow=CREATOR,
    query=ListQuery,
    answer=OwnAppointments,
    summary="The creator's own appointments, with their letters",
)
def my_appointments(request: Request, query: ListQuery) -> OwnAppointments:
    own, areas = wiring.ambassadors().of_person(request.principal.id), wiring.directory()
    shown, after = page_of(request, query.limit, own, lambda one: f"{one.at} {one.id}", latest_first=True)
    known = areas.many({one.area for one in shown})
    items = [
        OwnAppointment.model_validate(
            one.model_dump()
            | _letter(one)
            | {"names": dict(known[one.area].names) if one.area in known else {}}
        )
        for one in shown
    ]
    return OwnAppointments(items=items, next=after)


@api.raw(
    "GET",
    "/v1/me/appointments/{appointment}/letter.pdf",
    allow=CREATOR,
    produces=PDF,
    summary="The creator's own letter, to print: a redirect to the file",
)
def my_letter_file(request: Request, appointment: str) -> Response:
    return _printed(request, wiring.ambassadors().own(request.principal.id, appointment))


def _printed(request: Request, one: Appointment) -> Response:
    return redirect(wiring.printer().link(wiring.ambassadors().written(one), request.lang))


# --- invitations


class InvitationsQuery(Strict):
    area: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    status: Status | None = None
    limit: Limit = 25
    cursor: str | None = None


class InvitationView(View):
    """An invitation as staff see it: the address is masked, and kept as a keyed hash alone."""

    id: str
    channel: Channel
    masked: str
    influencer_id: str
    area: str
    language: str
    reason: str
    by: str
    at: datetime
    status: Status
    why: str
    """Why it was not sent, or the platform's code."""
    done_at: datetime | None


class InvitationList(View):
    items: list[InvitationView]
    next: str | None = None


@api.get(
    "/v1/invitations",
    allow="invitation.read",
    query=InvitationsQuery,
    answer=InvitationList,
    summary="Who was invited, by whom and why, and what became of it",
)
def invitations(request: Request, query: InvitationsQuery) -> InvitationList:
    found, place = wiring.invitations().listed(
        request.principal,
        area=query.area,
        status=query.status,
        limit=query.limit,
        after=read_cursor(request),
    )
    return InvitationList(items=[_invitation(one) for one in found], next=next_cursor(request, place))


def _invitation_as_now(request: Request, kept: Mapping[str, Any]) -> InvitationView:
    return _invitation(wiring.invitations().get(request.principal, kept["id"]))


INVITATION_AS_NOW = Again(("id",), _invitation_as_now)


@api.post(
    "/v1/invitations",
    allow="invitation.write",
    body=InvitationBody,
    answer=InvitationView,
    again=INVITATION_AS_NOW,
    status=201,
    summary="Invite somebody who has not signed up: one message, once for ever",
)
def invite(request: Request, body: InvitationBody) -> InvitationView:
    return _invitation(wiring.invitations().invite(request.principal, body.wanted))


@api.get(
    "/v1/invitations/{invitation}", allow="invitation.read", answer=InvitationView, summary="One invitation"
)
def invitation(request: Request, invitation: str) -> InvitationView:
    return _invitation(wiring.invitations().get(request.principal, invitation))


@api.post(
    "/v1/influencers/{influencer_id}/invitation",
    allow="invitation.write",
    body=InvitationOfPerson,
    answer=InvitationView,
    again=INVITATION_AS_NOW,
    status=201,
    summary="Invite somebody who is known from a file: one message, once for ever",
)
def invite_person(request: Request, influencer_id: str, body: InvitationOfPerson) -> InvitationView:
    wanted = Wanted(channel=body.channel, reason=body.reason, influencer=influencer_id)
    return _invitation(wiring.invitations().invite(request.principal, wanted))


def _invitation(one: Invitation) -> InvitationView:
    return InvitationView.model_validate(one.model_dump() | {"influencer_id": one.influencer})


# --- letters


@api.get("/v1/verify/{code}", allow=PUBLIC, answer=LetterView, summary="Whether a letter is real")
def verify_letter(request: Request, code: str) -> LetterView:
    return _told(code)


@api.page("GET", "/verify", allow=PUBLIC, summary="Ask whether a letter is real, by the code on it")
def which_letter(request: Request) -> Response:
    code = "".join(request.query.get("code", "").split())
    if code:
        return redirect(f"/verify/{quote(code, safe='')}?lang={request.lang}")
    return html(_page(request, None, asking=True))


@api.page("GET", "/verify/{code}", allow=PUBLIC, summary="Whether a letter is real")
def letter_page(request: Request, code: str) -> Response:
    try:
        letter = _told(code)
    except NotFound:
        return html(_page(request, None), NotFound.status)
    return html(_page(request, letter))


def _page(request: Request, letter: LetterView | None, *, asking: bool = False) -> str:
    lang = request.lang
    states = {state: translate(lang, said) for state, said in STATES.items()}
    names = letter.names if letter else {}
    area = names.get(lang) or names.get("en") or next(iter(names.values()), "")
    return shell.render(
        "letter.html",
        lang,
        path=request.path,
        letter=letter,
        asking=asking,
        states=states,
        area=area,
    )


def _told(code: str) -> LetterView:
    letter = wiring.ambassadors().verified(code)
    return LetterView(
        state=letter.state,
        first_name=letter.first_name,
        area=letter.area.id,
        names=dict(letter.area.names),
        begins=letter.begins,
        until=letter.until,
        ended_on=letter.ended_on,
    )


def _view(one: Appointment) -> AmbassadorView:
    return _views([one])[0]


def _views(appointments: Sequence[Appointment]) -> list[AmbassadorView]:
    names = wiring.ambassadors().names(appointments)
    return [
        AmbassadorView.model_validate(
            one.model_dump()
            | _letter(one)
            | {
                "influencer_id": one.influencer,
                "name": names.get(one.influencer, ""),
                "area_path": list(one.path),
            }
        )
        for one in appointments
    ]


def _letter(one: Appointment) -> dict[str, str]:
    state = one.state(wiring.clock().today_ist())
    code = spelled(one.code)
    return {"state": state, "code": code, "letter": f"{wiring.public_url()}/verify/{code}"}
