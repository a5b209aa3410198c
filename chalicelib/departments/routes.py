"""Departments over HTTP: officers, accounts, directives, schemes, cards. Schemes and proven accounts are open
to read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, get_args

from chalice.app import Response
from pydantic import Field

from chalicelib import wiring
from chalicelib.beside import together
from chalicelib.departments.directives import Seen, table
from chalicelib.departments.form import (
    AcknowledgementBody,
    AppointmentBody,
    DepartmentId,
    Designation,
    DirectiveBody,
    Email,
    HandleBody,
    Name,
    Phone,
    Platform,
    UserId,
    WithdrawalBody,
)
from chalicelib.departments.model import (
    PLATFORMS,
    Appointment,
    Desk,
    OfficialAccount,
    Seat,
    Standing,
    State,
)
from chalicelib.departments.scheme import (
    Card,
    CardBody,
    CardText,
    Id,
    Progress,
    ProgressBody,
    ProgressText,
    Scheme,
    SchemeBody,
    SchemeText,
    Validity,
)
from chalicelib.departments.schemes import fresh
from chalicelib.departments.words import VALIDITIES
from chalicelib.errors import NotFound
from chalicelib.http import (
    LONGEST_NAME,
    PUBLIC,
    SAFE_HEADERS,
    Again,
    Api,
    Request,
    empty,
    html,
    next_cursor,
    read_cursor,
)
from chalicelib.pages import shell
from chalicelib.pages.forms import Form, labels
from chalicelib.pages.frame import named
from chalicelib.proving import Challenge
from chalicelib.shapes import Day, Nothing, Strict, View

api = Api("departments")

CSV = "text/csv"
Limit = Annotated[int, Field(ge=1, le=100)]


# --- officers -----------------------------------------------------------------------------------------------


class AppointmentChange(Strict):
    name: Name | None = None
    designation: Designation | None = None
    phone: Phone | None = None
    email: Email | None = None
    user: UserId | None = None


class EndBody(Strict):
    on: Day
    """The first day without them."""


class AppointmentView(View):
    """Somebody in a seat: number and address masked, gone once they have left."""

    id: str
    department: str
    seat: Seat
    name: str
    designation: str
    phone: str
    email: str
    user: str
    begins: date
    ends: date | None


class SeatView(View):
    holder: AppointmentView | None
    vacant: bool
    vacant_since: date | None
    """Empty while it is held, and where nobody is known to have held it."""


class RosterView(View):
    department: str
    officer: SeatView
    deputy: SeatView
    history: list[AppointmentView]
    """All that are known, the latest first; who follows, too."""


class ContactView(View):
    phone: str
    email: str


@api.get(
    "/v1/departments/{department}/officers",
    allow="officer.read",
    answer=RosterView,
    summary="Nodal officer and deputy of a department, who was it before, what is vacant",
)
def officers(request: Request, department: str) -> RosterView:
    desk = wiring.officers().desk(request.principal, department)
    today = wiring.clock().today_ist()
    history = [_appointment(department, one) for one in reversed(desk.officers)]
    seats = {seat: _seat(desk, seat, today) for seat in ("officer", "deputy")}
    return RosterView(department=department, history=history, **seats)


def _as_now(request: Request, kept: Mapping[str, Any]) -> AppointmentView:
    department = kept["department"]
    return _appointment(department, wiring.officers().get(request.principal, department, kept["id"]))


AS_NOW = Again(("id", "department"), _as_now)


@api.post(
    "/v1/departments/{department}/officers",
    allow="officer.write",
    body=AppointmentBody,
    answer=AppointmentView,
    again=AS_NOW,
    status=201,
    summary="Give a seat to somebody: who holds it hands it over on that day",
)
def appoint(request: Request, department: str, body: AppointmentBody) -> AppointmentView:
    return _appointment(department, wiring.officers().appoint(request.principal, department, **dict(body)))


@api.patch(
    "/v1/departments/{department}/officers/{appointment}",
    allow="officer.write",
    body=AppointmentChange,
    answer=AppointmentView,
    again=AS_NOW,
    summary="Correct what is known of an officer",
)
def change_officer(
    request: Request, department: str, appointment: str, body: AppointmentChange
) -> AppointmentView:
    fields = {name: value for name, value in body if value is not None}
    return _appointment(
        department, wiring.officers().change(request.principal, department, appointment, fields)
    )


@api.post(
    "/v1/departments/{department}/officers/{appointment}/end",
    allow="officer.write",
    body=EndBody,
    answer=AppointmentView,
    again=AS_NOW,
    summary="End an appointment without a successor: the seat is vacant",
)
def end_officer(request: Request, department: str, appointment: str, body: EndBody) -> AppointmentView:
    return _appointment(
        department, wiring.officers().end(request.principal, department, appointment, body.on)
    )


@api.post(
    "/v1/departments/{department}/officers/{appointment}/reveal",
    allow="officer.reveal",
    body=Nothing,
    answer=ContactView,
    kept=False,
    summary="An officer's number and address in clear; that they were looked at is kept",
)
def reveal_officer(request: Request, department: str, appointment: str, body: Nothing) -> ContactView:
    found = wiring.officers().reveal(request.principal, department, appointment)
    return ContactView(phone=found.phone, email=found.email)


def _appointment(department: str, one: Appointment) -> AppointmentView:
    hidden = {"department": department, "phone": one.masked_phone, "email": one.masked_email}
    return AppointmentView.model_validate(one.model_dump() | hidden)


def _seat(desk: Desk, seat: Any, today: date) -> SeatView:  # noqa: ANN401 - one of SEATS
    holder = desk.holder(seat, today)
    return SeatView(
        holder=_appointment(desk.department, holder) if holder else None,
        vacant=holder is None,
        vacant_since=None if holder else desk.vacant_since(seat, today),
    )


# --- accounts -----------------------------------------------------------------------------------------------


class HandleView(View):
    id: str
    department: str
    platform: str
    handle: str
    proof: str
    """`stated` by the department, or `verified`: shown to be its own."""
    proven_at: datetime | None
    contested: bool
    """Whether somebody else has stated it before, or proven it since: it counts for them."""


class HandlesView(View):
    department: str
    handles: list[HandleView]


class PublicHandle(View):
    platform: str
    handle: str
    proven_at: datetime | None


class DepartmentView(View):
    id: str
    names: dict[str, str]
    handles: list[PublicHandle]
    """Verified ones alone."""


class CoverageQuery(Strict):
    platform: Platform | None = None
    standing: Standing = "none"
    """With `platform`: only departments that stand so there."""
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: str | None = None


class CoverageRow(View):
    department: str
    names: dict[str, str]
    platforms: dict[str, Standing]
    vacant: bool
    """Whether it has no nodal officer today."""


class CoverageView(View):
    items: list[CoverageRow]
    next: str | None = None
    departments: int
    """How many the reader covers; all further numbers are of these."""
    vacant: int
    totals: dict[str, dict[Standing, int]]


@api.get(
    "/v1/departments/coverage",
    allow="department.read",
    query=CoverageQuery,
    answer=CoverageView,
    summary="Which department speaks where: verified, only stated, or not at all",
)
def department_coverage(request: Request, query: CoverageQuery) -> CoverageView:
    after = (read_cursor(request) or {}).get("after", "")
    table, place = wiring.department_accounts().coverage(
        request.principal,
        missing=query.platform or "",
        standing=query.standing,
        after=after,
        limit=query.limit,
    )
    names = wiring.department_names()
    items = [
        CoverageRow(
            department=row.department,
            names=dict(names.get(row.department, {})),
            platforms={one: row.desk.standing(one) for one in PLATFORMS},
            vacant=row.vacant,
        )
        for row in table.rows
    ]
    return CoverageView(
        items=items,
        next=next_cursor(request, {"after": place} if place else None),
        departments=table.departments,
        vacant=table.vacant,
        totals={one: dict(found) for one, found in table.totals.items()},
    )


@api.get(
    "/v1/departments/{department}",
    allow=PUBLIC,
    answer=DepartmentView,
    summary="A department and its verified accounts",
)
def department(request: Request, department: str) -> DepartmentView:
    names, accounts = wiring.department_accounts().public(department)
    handles = [PublicHandle.model_validate(one.model_dump()) for one in accounts]
    return DepartmentView(id=department, names=names, handles=handles)


@api.get(
    "/v1/departments/{department}/handles",
    allow="department.read",
    answer=HandlesView,
    summary="The accounts under which a department speaks",
)
def handles(request: Request, department: str) -> HandlesView:
    desk = wiring.department_accounts().listed(request.principal, department)
    known = [_handle(desk, one) for one in (*desk.accounts, *desk.contested)]
    return HandlesView(department=department, handles=known)


def _handle_as_now(request: Request, kept: Mapping[str, Any]) -> HandleView:
    desk = wiring.department_accounts().listed(request.principal, kept["department"])
    found = desk.account_with(kept["id"])
    if found is None:
        raise NotFound
    return _handle(desk, found)


HANDLE_AS_NOW = Again(("id", "department"), _handle_as_now)


@api.post(
    "/v1/departments/{department}/handles",
    allow="handle.write",
    body=HandleBody,
    answer=HandleView,
    again=HANDLE_AS_NOW,
    status=201,
    summary="State an account as a department's own",
)
def add_handle(request: Request, department: str, body: HandleBody) -> HandleView:
    accounts = wiring.department_accounts()
    made = accounts.add(request.principal, department, body.platform, body.handle)
    return _handle(accounts.listed(request.principal, department), made)


@api.delete(
    "/v1/departments/{department}/handles/{handle}",
    allow="handle.write",
    status=204,
    summary="Take an account off a department's list",
)
def remove_handle(request: Request, department: str, handle: str) -> Response:
    wiring.department_accounts().remove(request.principal, department, handle)
    return empty(204)


@api.post(
    "/v1/departments/{department}/handles/{handle}/proof",
    allow="handle.write",
    body=Nothing,
    answer=Challenge,
    kept=False,
    summary="A code that shows an account to be the department's, and where to put it",
)
def begin_proof(request: Request, department: str, handle: str, body: Nothing) -> Challenge:
    return wiring.department_accounts().begin(request.principal, department, handle)


@api.post(
    "/v1/departments/{department}/handles/{handle}/proof/check",
    allow="handle.write",
    body=Nothing,
    answer=HandleView,
    again=HANDLE_AS_NOW,
    summary="Look for the code in what the account says of itself",
)
def check_proof(request: Request, department: str, handle: str, body: Nothing) -> HandleView:
    accounts = wiring.department_accounts()
    proven = accounts.check(request.principal, department, handle)
    return _handle(accounts.listed(request.principal, department), proven)


def _handle(desk: Desk, one: OfficialAccount) -> HandleView:
    more = {"department": desk.department, "contested": one in desk.contested}
    return HandleView.model_validate(one.model_dump() | more)


# --- directives ---------------------------------------------------------------------------------------------


class DirectivesQuery(Strict):
    department: Annotated[str, Field(max_length=40)] = ""
    state: State | None = None
    """Only those that stand so with the department, or with one of all."""
    limit: Limit = 25
    cursor: str | None = None


class OrderView(View):
    """How a directive stands with one department."""

    department: str
    state: State
    late: bool
    acknowledged_at: datetime | None
    acknowledged_by: str
    note: str


class DirectiveView(View):
    id: str
    title: str
    text: str
    issued_by: str
    reference: str
    issued_on: date
    due_on: date
    departments: list[str]
    """Those of its departments that the reader covers."""
    acknowledged: int
    """How many of these have acknowledged it."""
    overdue: bool
    withdrawn_at: datetime | None
    reason: str
    orders: list[OrderView]
    """Left out of lists of all departments."""


class DirectiveList(View):
    items: list[DirectiveView]
    next: str | None = None


@api.get(
    "/v1/directives",
    allow="directive.read",
    query=DirectivesQuery,
    answer=DirectiveList,
    summary="Directives to departments, the newest first",
)
def directives(request: Request, query: DirectivesQuery) -> DirectiveList:
    found, after = wiring.directives().listed(
        request.principal, query.department, query.state, query.limit, read_cursor(request)
    )
    return DirectiveList(items=[_directive(one) for one in found], next=next_cursor(request, after))


@api.post(
    "/v1/directives",
    allow="directive.write",
    body=DirectiveBody,
    answer=DirectiveView,
    status=201,
    summary="Give a directive to departments",
)
def issue(request: Request, body: DirectiveBody) -> DirectiveView:
    return _directive(wiring.directives().issue(request.principal, **dict(body)))


@api.get(
    "/v1/directives/{directive}",
    allow="directive.read",
    answer=DirectiveView,
    summary="One directive, and how it stands with each department",
)
def directive(request: Request, directive: str) -> DirectiveView:
    return _directive(wiring.directives().get(request.principal, directive))


@api.raw(
    "GET",
    "/v1/directives/{directive}/orders.csv",
    allow="directive.read",
    produces=CSV,
    summary="How a directive stands with each department, for a spreadsheet",
)
def directive_table(request: Request, directive: str) -> Response:
    told = table(wiring.directives().get(request.principal, directive))
    headers: dict[str, Any] = SAFE_HEADERS | {"Content-Type": f"{CSV}; charset=utf-8"}
    return Response(told, headers, 200)


@api.post(
    "/v1/directives/{directive}/acknowledgement",
    allow="directive.acknowledge",
    body=AcknowledgementBody,
    answer=DirectiveView,
    summary="Say for a department that it knows of a directive",
)
def acknowledge(request: Request, directive: str, body: AcknowledgementBody) -> DirectiveView:
    return _directive(wiring.directives().acknowledge(request.principal, directive, **dict(body)))


@api.post(
    "/v1/directives/{directive}/withdrawal",
    allow="directive.write",
    body=WithdrawalBody,
    answer=DirectiveView,
    summary="Take a directive back",
)
def withdraw_directive(request: Request, directive: str, body: WithdrawalBody) -> DirectiveView:
    return _directive(wiring.directives().withdraw(request.principal, directive, body.reason))


def _directive(seen: Seen) -> DirectiveView:
    orders = [
        OrderView.model_validate(order.model_dump() | {"state": seen.state(order), "late": order.late})
        for order in seen.orders
    ]
    told = {"acknowledged": seen.acknowledged, "overdue": seen.overdue, "orders": orders}
    return DirectiveView.model_validate(seen.directive.model_dump() | told)


# --- schemes ------------------------------------------------------------------------------------------------


class SchemeChange(Strict):
    """Any fields of a scheme; each replaces the one that was there. `valid_until`: how one is ended."""

    department: DepartmentId | None = None
    texts: Annotated[dict[str, SchemeText], Field(min_length=1)] | None = None
    link: str | None = None
    theme: str | None = None
    valid_from: Day | None = None
    valid_until: Day | None = None


class SchemesQuery(Strict):
    q: Annotated[str, Field(max_length=100)] = ""
    """Words that stand in it, in any language."""
    department: Annotated[str, Field(max_length=40)] = ""
    theme: Id = ""
    validity: Validity | None = None
    stale: bool = False
    """Only those of whose progress nothing was told for long."""
    limit: Limit = 25
    cursor: str | None = None


class FreshnessView(View):
    as_of: date | None
    """The day of the newest word."""
    age_days: int | None
    stale: bool


class SchemeView(View):
    id: str
    rev: int
    department: str
    texts: dict[str, SchemeText]
    link: str
    theme: str
    valid_from: date | None
    valid_until: date | None
    validity: Validity
    progress: FreshnessView
    updated_at: datetime


class SchemeList(View):
    items: list[SchemeView]
    next: str | None = None


class ListQuery(Strict):
    limit: Limit = 25
    cursor: str | None = None


class ProgressView(View):
    id: str
    texts: dict[str, ProgressText]
    as_of: date
    source: str
    at: datetime


class ProgressList(View):
    items: list[ProgressView]
    next: str | None = None


@api.get(
    "/v1/schemes", allow=PUBLIC, query=SchemesQuery, answer=SchemeList, summary="The register of schemes"
)
def schemes(request: Request, query: SchemesQuery) -> SchemeList:
    wanted = query.model_dump(exclude={"cursor", "q"})
    found, after = wiring.schemes().listed(**wanted, words=query.q, after=read_cursor(request))
    return SchemeList(items=[_scheme(one) for one in found], next=next_cursor(request, after))


@api.post(
    "/v1/schemes",
    allow="scheme.write",
    body=SchemeBody,
    answer=SchemeView,
    status=201,
    summary="Put a scheme on the register",
)
def add_scheme(request: Request, body: SchemeBody) -> SchemeView:
    return _scheme(wiring.schemes().add(request.principal, body))


@api.get("/v1/schemes/{scheme}", allow=PUBLIC, answer=SchemeView, summary="One scheme")
def scheme(request: Request, scheme: str) -> SchemeView:
    return _scheme(wiring.schemes().get(scheme))


@api.patch(
    "/v1/schemes/{scheme}",
    allow="scheme.write",
    body=SchemeChange,
    answer=SchemeView,
    summary="Change a scheme, or end it",
)
def change_scheme(request: Request, scheme: str, body: SchemeChange) -> SchemeView:
    fields = body.model_dump(exclude_unset=True)
    return _scheme(wiring.schemes().change(request.principal, scheme, fields))


@api.get(
    "/v1/schemes/{scheme}/progress",
    allow=PUBLIC,
    query=ListQuery,
    answer=ProgressList,
    summary="How a scheme fares, the newest word first",
)
def progress(request: Request, scheme: str, query: ListQuery) -> ProgressList:
    found, after = wiring.schemes().progress(scheme, query.limit, read_cursor(request))
    return ProgressList(items=[_progress(one) for one in found], next=next_cursor(request, after))


@api.post(
    "/v1/schemes/{scheme}/progress",
    allow="scheme.write",
    body=ProgressBody,
    answer=ProgressView,
    status=201,
    summary="Tell how a scheme fares",
)
def tell_progress(request: Request, scheme: str, body: ProgressBody) -> ProgressView:
    return _progress(wiring.schemes().told(request.principal, scheme, body))


def _scheme(one: Scheme) -> SchemeView:
    today = wiring.clock().today_ist()
    told = {"validity": one.validity(today), "progress": fresh(one, today)}
    return SchemeView.model_validate(one.model_dump() | told)


def _progress(one: Progress) -> ProgressView:
    return ProgressView.model_validate(one.model_dump())


A_PAGE, TOLD = 25, 10
"""Schemes on a page of the public's, and words on the progress of one."""


@api.page("GET", "/schemes", allow=PUBLIC, summary="Schemes for everybody: what there is, how one gets it")
def public_schemes(request: Request) -> Response:
    """`?scheme=`: one of them, and how it gets on."""
    lang, asked = request.lang, Form({name: [value] for name, value in request.query.items()})
    names, service = wiring.shown_departments(), wiring.schemes()
    departments = sorted(((one, named(of, lang) or one) for one, of in names.items()), key=lambda one: one[1])
    values: dict[str, Any] = {"form": asked, "departments": departments, "one": None}
    if chosen := asked.one("scheme")[:LONGEST_NAME]:
        one, told = together(lambda: service.get(chosen), lambda: service.progress(chosen, TOLD, None)[0])
        values |= {"one": _public(one, lang), "kept": {"scheme": chosen}}
        values["told"] = [
            (each.as_of, each.source, each.texts[of].text, of)
            for each in told
            for of in [_tongue(each.texts, lang)]
        ]
    else:
        state: Validity = next((one for one in get_args(Validity) if one == asked.one("state")), "current")
        found, more = service.listed(
            department=asked.one("department")[:LONGEST_NAME],
            theme="",
            validity=state,
            stale=False,
            limit=A_PAGE,
            after=read_cursor(request),
            words=asked.one("q")[:100],
        )
        kept = {name: value for name, value in request.query.items() if name not in ("lang", "cursor")}
        values |= {"rows": [_public(one, lang) for one in found], "more": next_cursor(request, more)}
        values |= {"kept": kept, "states": labels(VALIDITIES, lang), "state": state}
    return html(shell.render("schemes.html", lang, path="/schemes", **values))


def _public(one: Scheme, lang: str) -> dict[str, Any]:
    names, tongue = wiring.shown_departments().get(one.department, {}), _tongue(one.texts, lang)
    return {
        "id": one.id,
        "words": one.texts[tongue],
        "lang": tongue,
        "department": named(names, lang) or one.department,
        "link": one.link,
        "state": one.validity(wiring.clock().today_ist()),
        "from": one.valid_from,
        "until": one.valid_until,
        "told": one.progress_on,
    }


def _tongue(texts: Mapping[str, Any], lang: str) -> str:
    """The reader's language, or else the nearest that there is."""
    return next(one for one in (lang, "hi", "en", *texts) if one in texts)


# --- cards --------------------------------------------------------------------------------------------------


class CardsQuery(Strict):
    campaign: Id = ""
    """Those that belong into its kit: of its schemes and its theme."""
    scheme: Id = ""
    theme: Id = ""
    language: Annotated[str, Field(pattern=r"^([a-z]{2,3})?$")] = ""
    limit: Limit = 25
    cursor: str | None = None


class CardView(View):
    id: str
    rev: int
    department: str
    scheme: str
    theme: str
    texts: dict[str, CardText]
    source: str
    updated_at: datetime


class CardList(View):
    items: list[CardView]
    next: str | None = None


@api.get(
    "/v1/cards",
    allow="card.read",
    query=CardsQuery,
    answer=CardList,
    summary="What people believe, and the answer: of a scheme, a theme, or for a campaign's kit",
)
def cards(request: Request, query: CardsQuery) -> CardList:
    wanted = query.model_dump(exclude={"cursor"})
    found, after = wiring.cards().listed(request.principal, **wanted, after=read_cursor(request))
    return CardList(items=[_card(one) for one in found], next=next_cursor(request, after))


@api.post("/v1/cards", allow="card.write", body=CardBody, answer=CardView, status=201, summary="Write a card")
def add_card(request: Request, body: CardBody) -> CardView:
    return _card(wiring.cards().write(request.principal, body))


@api.get("/v1/cards/{card}", allow="card.read", answer=CardView, summary="One card")
def card(request: Request, card: str) -> CardView:
    return _card(wiring.cards().get(request.principal, card))


@api.put("/v1/cards/{card}", allow="card.write", body=CardBody, answer=CardView, summary="Change a card")
def change_card(request: Request, card: str, body: CardBody) -> CardView:
    return _card(wiring.cards().write(request.principal, body, card))


@api.delete("/v1/cards/{card}", allow="card.write", status=204, summary="Take a card out of all kits")
def remove_card(request: Request, card: str) -> Response:
    wiring.cards().remove(request.principal, card)
    return empty(204)


def _card(one: Card) -> CardView:
    return CardView.model_validate(one.model_dump())
