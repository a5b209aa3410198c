"""The console's rooms of the staff and of the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from chalice.app import Response
from pydantic import ValidationError

from chalicelib import wiring
from chalicelib.clock import parse_rfc3339
from chalicelib.errors import Forbidden, InvalidInput, Rejected, Unauthenticated
from chalicelib.http import Api, Request, invalid, next_cursor, read_cursor, redirect
from chalicelib.i18n import translate
from chalicelib.identity.audit import resumed
from chalicelib.identity.chain import CHAINS_A_TYPE, SUBJECT_TYPES, Entry, chain_of, clean_reason
from chalicelib.identity.roles import MATRIX, ROLES, known_roles
from chalicelib.identity.service import ChangedMeanwhile, NewUser, UserChange
from chalicelib.identity.words import ROLE_DUTIES, ROLE_NAMES, STAFF_STATES, SUBJECTS, action_words
from chalicelib.pages import console
from chalicelib.pages.figures import day, moment
from chalicelib.pages.forms import Form, Place, labels, pick_place
from chalicelib.pages.frame import named
from chalicelib.pages.meanwhile import differences, meanwhile
from chalicelib.pages.shell import mark

if TYPE_CHECKING:
    from chalicelib.identity.staff import User

api = Api("identity_desk")

STAFF_SHOWN = 25
ENTRIES = 50
SEALS = 7
MOST_AREAS, LONGEST_ID = 40, 120
SAID = {"added": mark("Added. A first password goes to them by email; with it they choose their own.")}
FIELDS = {
    "email": mark("Email"),
    "name": mark("Name"),
    "roles": mark("Roles"),
    "areas": mark("Areas"),
    "departments": mark("Departments"),
    "kind": mark("What it is"),
    "id": mark("Its id"),
    "reason": mark("Reason"),
    "why": mark("Reason"),
}
NO_ROLE = mark("Choose at least one role.")
NO_NAME = mark("Please write a name.")
NO_AREA = mark("Choose an area first.")


# --- the staff ----------------------------------------------------------------------------------------------


@api.page("GET", "/console/users", allow="user.read", summary="The staff, and what each role may")
def users_page(request: Request) -> Response:
    return _users(request, Form())


@api.page("POST", "/console/users", allow="user.write", summary="Add to the staff")
def add_user_form(request: Request) -> Response:
    """`step` `place` shows the areas below the chosen one, `area` takes it in. A second click meets the
    address that is taken by then."""
    form = Form(request.form())
    place = _place(request, form)
    try:
        if form.one("step"):
            return _users(request, _stepped(form, place))
        wiring.users().create(request.principal, **_wanted(form, place))
    except (Unauthenticated, Forbidden):  # their own rights were taken meanwhile: this page is not theirs
        raise
    except Rejected as error:
        return _users(request, form, error)
    return redirect(console.link(request, "/console/users", said="added"))


@api.page("GET", "/console/users/{user_id}", allow="user.read", summary="A member of staff")
def user_page(request: Request, user_id: str) -> Response:
    return _user(request, user_id)


@api.page("POST", "/console/users/{user_id}", allow="user.write", summary="Change what somebody may")
def change_user_form(request: Request, user_id: str) -> Response:
    """`step` as where somebody is added; `do` is `save`, `signed_out`, `disabled` or `enabled`."""
    form = Form(request.form())
    try:
        if form.one("step"):
            return _user(request, user_id, _stepped(form, _place(request, form)))
        done = form.one("do")
        if done not in SAID_OF_ONE:
            raise InvalidInput.of("do", "do_unknown", "Choose one of these.")
        wiring.users().change(request.principal, user_id, _change(form, done))
    except (Unauthenticated, Forbidden):
        raise
    except Rejected as error:
        return _user(request, user_id, form, error)
    return redirect(console.link(request, f"/console/users/{user_id}", said=done))


SAID_OF_ONE = {
    "save": mark("Saved."),
    "signed_out": mark("Signed out everywhere: within half a minute no old session works any more."),
    "disabled": mark("Switched off: they cannot sign in."),
    "enabled": mark("They may sign in again."),
}


def _change(form: Form, done: str) -> UserChange:
    """What is wanted. Raises InvalidInput, with the error of a reason beside the field of its form."""
    given: dict[str, Any] = {"reason": form.one("reason" if done == "save" else "why").strip()}
    if done == "save":
        given |= {
            "name": form.one("name").strip(),
            "roles": sorted(known_roles(form.all("roles"))),
            "areas": list(dict.fromkeys(form.all("areas"))),
            "departments": list(dict.fromkeys(form.all("departments"))),
            "seen": form.one("seen")[:16],
        }
    else:
        given |= {"signed_out": True} if done == "signed_out" else {"enabled": done == "enabled"}
    try:
        clean_reason(given["reason"])
        return UserChange.model_validate(given)
    except ValidationError as error:
        found = invalid(error)
    except InvalidInput as error:
        found = error
    told = {"name": NO_NAME} if done == "save" else {}
    raise InvalidInput(
        [
            replace(
                one,
                field="why" if one.field == "reason" and done != "save" else one.field,
                message=told.get(one.field, one.message) if one.code == "string_too_short" else one.message,
            )
            for one in found.errors
        ]
    )


def _user(
    request: Request, user_id: str, form: Form | None = None, error: Rejected | None = None
) -> Response:
    lang, user = request.lang, wiring.users().get(user_id)
    typed = form or _as_form(user)
    wanted = {*user.areas, *typed.all("areas")}
    known, departments = console.together(
        lambda: wiring.directory().many(wanted) if wanted else {},
        lambda: {one.id: named(one.names, lang) for one in wiring.directory().departments()},
    )
    names = {area: named(one.names, lang) for area, one in known.items()}
    late = None
    if isinstance(error, ChangedMeanwhile):
        fields = differences(
            _rights(_as_form(user), names, departments, lang),
            _rights(typed, names, departments, lang),
            FIELDS,
            lang,
        )
        late = meanwhile(wiring.audit(), wiring.users().names, f"user#{user.id}", fields)
    return console.page(
        request,
        "console_user.html",
        "users",
        status=error.status if error else 200,
        path=f"/console/users/{user.id}",
        said=SAID_OF_ONE,
        one=_member(user, names, departments),
        seen=user.version if late else typed.one("seen") or user.version,
        meanwhile=late,
        roles=[(role, ROLE_NAMES[role], ROLE_DUTIES[role], []) for role in ROLES],
        form=typed,
        place=_place(request, typed),
        kept=[(area, names.get(area, area)) for area in typed.all("areas")],
        departments=sorted(departments.items(), key=lambda one: one[1]),
        **console.refusal(error, lang, FIELDS),
    )


def _as_form(user: User) -> Form:
    return Form(
        {
            "name": [user.name],
            "roles": sorted(user.roles),
            "areas": user.areas,
            "departments": user.departments,
            "seen": [user.version],
        }
    )


def _rights(
    form: Form, areas: Mapping[str, str], departments: Mapping[str, str], lang: str
) -> dict[str, str]:
    """What somebody may, and where, as text by field."""
    roles: dict[str, str] = {role: translate(lang, ROLE_NAMES[role]) for role in ROLES}
    called = {"roles": roles, "areas": areas, "departments": departments}
    lines = {
        field: "\n".join(sorted(names.get(one, one) for one in set(form.all(field))))
        for field, names in called.items()
    }
    return {"name": form.one("name").strip(), **lines}


def _stepped(form: Form, place: Place) -> Form:
    """The form with the areas below the chosen one shown, or with it taken in. Raises InvalidInput."""
    if form.one("step") != "area":
        return form
    chosen = _chosen(place)
    if not chosen:
        raise InvalidInput.of("areas", "area_missing", NO_AREA)
    kept = [*dict.fromkeys((*form.all("areas"), chosen))][:MOST_AREAS]
    return Form({**form.values, "areas": kept})


def _wanted(form: Form, place: Place) -> dict[str, Any]:
    """Who is to be added, as Users.create takes it. Raises InvalidInput with every broken field."""
    roles = sorted(known_roles(form.all("roles")))
    chosen = [_chosen(place)] if "coordinator" in roles and not form.all("areas") else []
    given = {
        "email": form.one("email").strip(),
        "name": form.one("name").strip(),
        "roles": roles,
        "areas": [one for one in dict.fromkeys((*form.all("areas"), *chosen)) if one],
        "departments": list(dict.fromkeys(form.all("departments"))),
    }
    try:
        return NewUser.model_validate(given).model_dump()
    except ValidationError as error:
        found = invalid(error)
        told = {"name": NO_NAME, "roles": NO_ROLE}
        wrong = [
            replace(one, message=told[one.field], params={})
            if one.code in ("string_too_short", "too_short") and one.field in told
            else one
            for one in found.errors
        ]
        raise InvalidInput(wrong) from None


def _users(request: Request, form: Form, error: Rejected | None = None) -> Response:
    lang, cursor = request.lang, read_cursor(request) or {}
    users, more = wiring.users().page(STAFF_SHOWN, cursor.get("users"))
    wanted = {area for user in users for area in user.areas} | set(form.all("areas"))
    known, departments = console.together(
        lambda: wiring.directory().many(wanted) if wanted else {},
        lambda: {one.id: named(one.names, lang) for one in wiring.directory().departments()},
    )
    names = {area: named(one.names, lang) for area, one in known.items()}
    return console.page(
        request,
        "console_users.html",
        "users",
        status=error.status if error else 200,
        said=SAID,
        staff=[_member(user, names, departments) for user in users],
        cursor=next_cursor(request, {"users": more} if more else None),
        roles=[(role, ROLE_NAMES[role], ROLE_DUTIES[role], _rooms_of(role)) for role in ROLES],
        form=form,
        place=_place(request, form),
        kept=[(area, names.get(area, area)) for area in form.all("areas")],
        departments=sorted(departments.items(), key=lambda one: one[1]),
        opened=bool(error or form.values),
        **console.refusal(error, lang, FIELDS),
    )


def _member(user: User, areas: Mapping[str, str], departments: Mapping[str, str]) -> dict[str, Any]:
    status = user.status.lower()
    colour, words = STAFF_STATES.get(status, ("wait", status))
    return {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "enabled": user.enabled,
        "colour": colour,
        "state": words,
        "roles": [ROLE_NAMES[role] for role in ROLES if role in user.roles],
        "areas": [areas.get(one, one) for one in user.areas],
        "departments": [departments.get(one, one) for one in user.departments],
        "since": day(user.created_at),
    }


def _rooms_of(role: str) -> list[str]:
    """The rooms of the console that a role opens, by the matrix."""
    return [room.label for room, action in console.doors() if role in MATRIX.get(action, ())]


def _place(request: Request, form: Form) -> Place:
    return pick_place(form, wiring.directory().children, request.lang)


def _chosen(place: Place) -> str:
    """The smallest area that was chosen."""
    return next((level.chosen for level in reversed(place.levels) if level.chosen), "")


# --- the audit ----------------------------------------------------------------------------------------------


@api.page("GET", "/console/audit", allow="audit.read", summary="What was done, and by whom")
def audit_page(request: Request) -> Response:
    """Of one thing (`kind` and `id`), or what was done last to all of a kind. `check`: whether the chain in
    which it stands is whole."""
    kind, identity = request.query.get("kind", ""), request.query.get("id", "").strip()
    entries: list[Entry] = []
    more, error, checked = None, None, None
    try:
        if kind:
            entries, more = _entries(request, kind, identity)
    except InvalidInput as found:
        error = found
    chain = chain_of(f"{kind}#{identity}") if kind and identity and not error else ""
    if chain and request.query.get("check"):
        so_far = wiring.audit().check(chain, resumed(read_cursor(request)))
        checked = {
            "entries": so_far.upto.seq,
            "hash": so_far.upto.hash,
            "broken_at": so_far.broken_at,
            "next": next_cursor(request, so_far.further),
        }
    roots, staff, names = console.together(
        lambda: wiring.audit().roots(SEALS),
        lambda: wiring.users().names() if entries else {},
        lambda: _names_in(request, entries),
    )
    names = {**names, **staff}
    return console.page(
        request,
        "console_audit.html",
        "audit",
        status=error.status if error else 200,
        kinds=sorted(labels(SUBJECTS, request.lang), key=lambda one: one[1]),
        form=Form({"kind": [kind], "id": [identity]}),
        kind=kind if not error else "",
        identity=identity,
        entries=[_told(one, names, request.lang) for one in entries],
        cursor=more,
        chain=chain,
        checked=checked,
        roots=roots,
        **console.refusal(error, request.lang, FIELDS),
    )


def _entries(request: Request, kind: str, identity: str) -> tuple[list[Entry], str | None]:
    """What is asked for, newest first. Raises InvalidInput."""
    if kind not in SUBJECT_TYPES:
        raise InvalidInput.of("kind", "kind_unknown", "Choose one of these.")
    if not identity:
        chains = (f"{kind}#{number}" for number in range(CHAINS_A_TYPE))
        latest = console.together(*(partial(wiring.audit().latest, chain, ENTRIES) for chain in chains))
        found: Sequence[Entry] = [entry for some in latest for entry in some]
        return sorted(found, key=lambda one: (one.at, one.seq), reverse=True)[:ENTRIES], None
    if len(identity) > LONGEST_ID:
        raise InvalidInput.of("id", "id_unknown", "This is no id of ours.")
    before = (read_cursor(request) or {}).get("before")
    found, more = wiring.audit().of(f"{kind}#{identity}", limit=ENTRIES, before=before)
    return list(found), next_cursor(request, {"before": more} if more else None)


def _told(one: Entry, names: Mapping[str, str], lang: str) -> dict[str, Any]:
    kind, _, identity = one.subject.partition("#")
    return {
        "at": moment(parse_rfc3339(one.at)),
        "words": action_words(one.action),
        "action": one.action,
        "id": identity,
        "name": names.get(identity, ""),
        "kind": kind,
        "who": names.get(one.actor) or translate(lang, ACTORS.get(one.actor, one.actor)),
        "detail": [
            (translate(lang, DETAILS.get(name, name)), _plain(value, names))
            for name, value in one.detail.items()
            if value or value == 0
        ],
        "seq": one.seq,
    }


def _plain(value: object, names: Mapping[str, str]) -> str:
    return ", ".join(names.get(str(one), str(one)) for one in (value if isinstance(value, list) else [value]))


def _names_in(request: Request, entries: Sequence[Entry]) -> dict[str, str]:
    """What the ids in these entries stand for, in the caller's language."""
    lang = request.lang
    found = {one.subject.partition("#")[2] for one in entries}
    places = {one.subject.partition("#")[2] for one in entries if one.subject.startswith("area#")}
    for one in entries:
        for name, value in one.detail.items():
            values = {str(each) for each in (value if isinstance(value, list) else [value])}
            found |= values
            places |= values if name in ("area", "areas") else set()
    campaigns = {one for one in found if one.startswith("cmp_") and "-" not in one}
    people = {one for one in found if one.startswith("inf_")}
    titles, names, areas, departments = console.together(
        lambda: wiring.campaigns().titles(campaigns) if campaigns else {},
        lambda: wiring.register().names(request.principal, people) if people else {},
        lambda: wiring.directory().many(places) if places else {},
        lambda: wiring.department_names() if entries else {},
    )
    roles = {role: translate(lang, label) for role, label in ROLE_NAMES.items()}
    return {
        **roles,
        **{one: named(each, lang) for one, each in departments.items()},
        **{one: named(each.names, lang) for one, each in areas.items()},
        **titles,
        **names,
    }


DETAILS = {
    "area": mark("Area"),
    "areas": mark("Areas"),
    "department": mark("Department"),
    "departments": mark("Departments"),
    "kind": mark("Kind"),
    "reason": mark("Reason"),
    "roles": mark("Roles"),
    "what": mark("What it is"),
}
"""What an entry's details are called, where we have a word."""


ACTORS = {"self": mark("the person themself"), "system": mark("by itself")}
