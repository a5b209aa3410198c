"""The console's rooms of departments and directives: who speaks where, who answers, who has seen what."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, get_args

from chalice.app import Response

from chalicelib import wiring
from chalicelib.departments.form import AcknowledgementBody, AppointmentBody, DirectiveBody, HandleBody
from chalicelib.departments.model import PLATFORMS, SEATS, Appointment, State
from chalicelib.errors import Conflict, NotFound, Rejected, Transient
from chalicelib.http import Api, Request, next_cursor, read_cursor, redirect
from chalicelib.pages import console
from chalicelib.pages.figures import day, moment
from chalicelib.pages.forms import Form, labels
from chalicelib.pages.frame import named
from chalicelib.pages.shell import mark
from chalicelib.pages.words import PLATFORMS as NAMES_OF
from chalicelib.proving import Challenge

api = Api("departments_desk")
ROOM, DIRECTIVES = "/console/departments", "/console/directives"
A_PAGE = 50
NO_ANSWER = mark("The platform does not answer just now. Please try again in a few minutes.")
STANDING = {
    "verified": ("", mark("proven")),
    "stated": ("wait", mark("stated")),
    "none": ("bad", mark("none")),
}
SEAT_NAMES = {"officer": mark("Nodal officer"), "deputy": mark("Deputy")}
STATES = {
    "open": mark("Waits"),
    "due_soon": mark("Due soon"),
    "acknowledged": mark("Acknowledged"),
    "overdue": mark("Overdue"),
    "withdrawn": mark("Withdrawn"),
}
SAID = {
    "appointed": mark("The seat is taken."),
    "stated": mark("The account is on the list. Show next that it is the department's own."),
    "removed": mark("The account is off the list."),
    "proven": mark("It is certain now that this account is the department's."),
    "issued": mark("The directive is given."),
    "acknowledged": mark("Your acknowledgement is noted."),
}
FIELDS = {
    "platform": mark("Platform"),
    "handle": mark("Account or its link"),
    "seat": mark("Seat"),
    "begins": mark("From"),
    "name": mark("Name"),
    "designation": mark("Designation"),
    "phone": mark("Mobile number"),
    "email": mark("Email"),
    "title": mark("Title"),
    "text": mark("Text"),
    "issued_by": mark("Given by"),
    "reference": mark("Reference"),
    "due_on": mark("To be acknowledged by"),
    "departments": mark("Departments"),
}


# --- departments


@api.page("GET", ROOM, allow="department.read", summary="Which department speaks where, who answers for it")
def departments(request: Request) -> Response:
    after = str((read_cursor(request) or {}).get("after", ""))
    table, place = wiring.department_accounts().coverage(
        request.principal, missing="", standing="none", after=after, limit=A_PAGE
    )
    names = wiring.shown_departments()
    rows = [
        {
            "id": row.department,
            "name": named(names.get(row.department, {}), request.lang) or row.department,
            "platforms": [(NAMES_OF[one], *STANDING[row.desk.standing(one)]) for one in PLATFORMS],
            "vacant": row.vacant,
        }
        for row in table.rows
    ]
    return console.page(
        request,
        "console_departments.html",
        "departments",
        rows=rows,
        platforms=[NAMES_OF[one] for one in PLATFORMS],
        total=table.departments,
        vacant=table.vacant,
        totals=[(NAMES_OF[one], table.totals[one].get("verified", 0)) for one in PLATFORMS],
        more=next_cursor(request, {"after": place} if place else None),
    )


@api.page(
    "GET", f"{ROOM}/{{department}}", allow="department.read", summary="A department: accounts, officers"
)
def department(request: Request, department: str) -> Response:
    return _department(request, department)


@api.page("POST", f"{ROOM}/{{department}}/handles", allow="handle.write", summary="State an account")
def add_handle(request: Request, department: str) -> Response:
    def act(form: Form) -> str:
        body = HandleBody.model_validate({name: form.one(name).strip() for name in ("platform", "handle")})
        wiring.department_accounts().add(request.principal, department, body.platform, body.handle)
        return "stated"

    return _act(request, department, act)


@api.page("POST", f"{ROOM}/{{department}}/proof", allow="handle.write", summary="Show an account to be ours")
def prove(request: Request, department: str) -> Response:
    form, accounts = Form(request.form()), wiring.department_accounts()
    handle, who = form.one("handle_id"), request.principal
    try:
        if form.one("do") == "remove":
            accounts.remove(who, department, handle)
            return redirect(console.link(request, f"{ROOM}/{department}", said="removed"))
        if form.one("do") == "check":
            accounts.check(who, department, handle)
            return redirect(console.link(request, f"{ROOM}/{department}", said="proven"))
        return _department(request, department, asked=accounts.begin(who, department, handle))
    except NotFound:
        raise
    except Rejected as error:
        return _department(request, department, error=error)
    except Transient:
        return _department(request, department, error=Conflict(NO_ANSWER))


@api.page("POST", f"{ROOM}/{{department}}/officers", allow="officer.write", summary="Appoint an officer")
def appoint(request: Request, department: str) -> Response:
    def act(form: Form) -> str:
        fields = ("seat", "begins", "name", "designation", "phone", "email")
        body = AppointmentBody.model_validate({name: form.one(name).strip() for name in fields})
        wiring.officers().appoint(request.principal, department, **dict(body))
        return "appointed"

    return _act(request, department, act)


@api.page("POST", f"{ROOM}/{{department}}/reveal", allow="officer.reveal", summary="An officer in clear")
def reveal(request: Request, department: str) -> Response:
    found = wiring.officers().reveal(request.principal, department, Form(request.form()).one("appointment"))
    return _department(request, department, clear={found.id: (found.phone, found.email)})


def _act(request: Request, department: str, act: Callable[[Form], str]) -> Response:
    again = partial(_department, request, department)
    return console.act(request, act, again, f"{ROOM}/{department}", of_one=True)


def _department(
    request: Request,
    department: str,
    form: Form | None = None,
    error: Rejected | None = None,
    *,
    asked: Challenge | None = None,
    clear: dict[str, tuple[str, str]] | None = None,
) -> Response:
    who, lang = request.principal, request.lang
    accounts, desk = console.together(
        lambda: wiring.department_accounts().listed(who, department),
        lambda: wiring.officers().desk(who, department),
    )
    names, today = wiring.shown_departments(), wiring.clock().today_ist()
    return console.page(
        request,
        "console_department.html",
        "departments",
        status=error.status if error else 200,
        said=SAID,
        id=department,
        name=named(names.get(department, {}), lang) or department,
        accounts=[
            (one.id, NAMES_OF[one.platform], one.handle, one.proof, one in accounts.contested)
            for one in (*accounts.accounts, *accounts.contested)
        ],
        seats=[(SEAT_NAMES[seat], _officer(desk.holder(seat, today), clear or {})) for seat in SEATS],
        platforms=[(one, NAMES_OF[one]) for one in PLATFORMS],
        seat_names=labels(SEAT_NAMES, lang),
        today=today.isoformat(),
        asked=asked,
        ways={way.way: way.to for way in asked.ways} if asked else {},
        form=form or Form(),
        **console.refusal(error, lang, FIELDS),
    )


def _officer(one: Appointment | None, clear: dict[str, tuple[str, str]]) -> dict[str, Any] | None:
    if one is None:
        return None
    phone, email = clear.get(one.id, (one.masked_phone, one.masked_email))
    return {
        "id": one.id,
        "name": one.name,
        "designation": one.designation,
        "phone": phone,
        "email": email,
        "since": day(one.begins),
        "clear": one.id in clear,
    }


# --- directives


@api.page("GET", DIRECTIVES, allow="directive.read", summary="Directives to departments")
def directives(request: Request) -> Response:
    return _directives(request)


@api.page("POST", DIRECTIVES, allow="directive.write", summary="Give a directive")
def issue(request: Request) -> Response:
    def act(form: Form) -> str:
        fields = ("title", "text", "issued_by", "reference", "due_on")
        typed = {name: form.one(name).strip() for name in fields}
        body = DirectiveBody.model_validate(typed | {"departments": form.all("departments")})
        wiring.directives().issue(request.principal, **dict(body))
        return "issued"

    return console.act(request, act, partial(_directives, request), DIRECTIVES)


@api.page("GET", f"{DIRECTIVES}/{{directive}}", allow="directive.read", summary="One directive")
def directive(request: Request, directive: str) -> Response:
    return _directive(request, directive)


@api.page(
    "POST",
    f"{DIRECTIVES}/{{directive}}",
    allow="directive.acknowledge",
    summary="Acknowledge it",
)
def acknowledge(request: Request, directive: str) -> Response:
    """The same again changes nothing."""

    def act(form: Form) -> str:
        body = AcknowledgementBody.model_validate(
            {"department": form.one("department"), "note": form.one("note").strip()}
        )
        wiring.directives().acknowledge(request.principal, directive, body.department, body.note)
        return "acknowledged"

    again = partial(_directive, request, directive)
    return console.act(request, act, again, f"{DIRECTIVES}/{directive}", of_one=True)


def _directives(request: Request, form: Form | None = None, error: Rejected | None = None) -> Response:
    lang, asked = request.lang, request.query.get("state", "")
    state: State | None = next((one for one in get_args(State) if one == asked), None)
    cursor = read_cursor(request) if form is None else None
    found, place = wiring.directives().listed(request.principal, "", state, A_PAGE, cursor)
    names = wiring.shown_departments()
    return console.page(
        request,
        "console_directives.html",
        "directives",
        status=error.status if error else 200,
        said=SAID,
        rows=[
            {
                "id": seen.directive.id,
                "title": seen.directive.title,
                "by": seen.directive.issued_by,
                "due": day(seen.directive.due_on),
                "done": seen.acknowledged,
                "all": len(seen.directive.departments),
                "overdue": seen.overdue,
                "withdrawn": bool(seen.directive.withdrawn_at),
            }
            for seen in found
        ],
        more=next_cursor(request, place) if form is None else None,
        states=[(one, label) for one, label in labels(STATES, lang) if one in get_args(State)],
        state_asked=asked,
        departments=sorted(((one, named(of, lang)) for one, of in names.items()), key=lambda one: one[1]),
        form=form or Form(),
        **console.refusal(error, lang, FIELDS),
    )


def _directive(
    request: Request, directive: str, form: Form | None = None, error: Rejected | None = None
) -> Response:
    seen, lang = wiring.directives().get(request.principal, directive), request.lang
    names, one = wiring.shown_departments(), seen.directive
    return console.page(
        request,
        "console_directive.html",
        "directives",
        status=error.status if error else 200,
        said=SAID,
        one=one,
        issued=day(one.issued_on),
        due=day(one.due_on),
        orders=[
            {
                "department": order.department,
                "name": named(names.get(order.department, {}), lang) or order.department,
                "state": STATES.get(seen.state(order), seen.state(order)),
                "late": order.late,
                "at": moment(order.acknowledged_at) if order.acknowledged_at else "",
                "note": order.note,
                "mine": order.acknowledged_at is None
                and not one.withdrawn_at
                and request.principal.covers_department(order.department, "directive.acknowledge"),
            }
            for order in seen.orders
        ],
        form=form or Form(),
        **console.refusal(error, lang, FIELDS),
    )
