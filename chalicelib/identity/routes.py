"""The staff's sign-in and the audit, as JSON and as pages; the staff itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from chalice.app import Response
from pydantic import Field

from chalicelib import i18n, wiring
from chalicelib.clock import Clock, rfc3339
from chalicelib.errors import Rejected, Unauthenticated
from chalicelib.folding import ROOT
from chalicelib.http import (
    JSON,
    PUBLIC,
    SAFE_HEADERS,
    SESSION_COOKIE,
    Api,
    Request,
    cookie,
    empty,
    html,
    next_cursor,
    read_cursor,
    redirect,
)
from chalicelib.identity.audit import resumed
from chalicelib.identity.chain import SUBJECT_TYPES
from chalicelib.identity.roles import ROLES, Principal, Role
from chalicelib.identity.service import Asked, NewUser, Session, UserChange
from chalicelib.identity.words import ROLE_NAMES
from chalicelib.pages import shell
from chalicelib.shapes import Strict, View

if TYPE_CHECKING:
    from chalicelib.identity.staff import User

api = Api("identity")

OWN_PLACE = re.compile(r"(?:/[A-Za-z0-9_.-]+)+")
"""Nothing that a browser could read as another host: no empty part, no backslash, no control character."""


class Credentials(Strict):
    username: str = Field(min_length=1, max_length=254)
    """The e-mail address."""
    password: str = Field(min_length=1, max_length=256)


class ChallengeAnswer(Strict):
    session: str = Field(min_length=1, max_length=4096)
    code: str = Field("", max_length=12)
    new_password: str = Field("", max_length=256)


class SessionView(View):
    """Signed in (`token` and who it is), or what is asked next (`challenge` and `session`, to be sent to
    /v1/session/mfa with `code` or `new_password`)."""

    token: str | None = None
    expires_at: str | None = None
    id: str | None = None
    name: str | None = None
    roles: list[Role] = []
    areas: list[str] = []
    departments: list[str] = []
    challenge: str | None = None
    session: str | None = None
    secret: str | None = None
    uri: str | None = None


class UserCreated(View):
    id: str


class UserView(View):
    id: str
    email: str
    name: str
    status: str
    roles: list[Role]
    areas: list[str]
    departments: list[str]
    created_at: str


class UserDetails(UserView):
    version: str
    """To be sent as `seen` with a change."""


class UserList(View):
    items: list[UserView]
    next: str | None


class PageQuery(Strict):
    limit: int = Field(25, ge=1, le=60)
    cursor: str | None = None


class AuditQuery(Strict):
    subject: str = Field(pattern=rf"^({'|'.join(SUBJECT_TYPES)})#.{{1,120}}$")
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = None


class CheckQuery(Strict):
    chain: str = Field(pattern=rf"^({'|'.join(SUBJECT_TYPES)})#\d{{1,2}}$")
    cursor: str | None = None


class CheckView(View):
    """A chain whose first `entries` entries were computed anew, up to the one with the hash `head`.
    `broken_at` is the number of the first that is wrong; with `next` there are more to be looked at."""

    chain: str
    entries: int
    head: str
    broken_at: int | None
    next: str | None


class EntryView(View):
    seq: int
    subject: str
    action: str
    actor: str
    at: str
    detail: dict[str, Any]
    previous: str
    hash: str


class EntryList(View):
    items: list[EntryView]
    next: str | None


@api.post(
    "/v1/session", allow=PUBLIC, body=Credentials, answer=SessionView, summary="Sign in with a password"
)
def sign_in(request: Request, body: Credentials) -> Response:
    return _answer(wiring.sign_in().start(body.username, body.password, request.source_ip))


@api.post(
    "/v1/session/mfa",
    allow=PUBLIC,
    body=ChallengeAnswer,
    answer=SessionView,
    summary="Go on signing in, with a code or a new password",
)
def answer_challenge(request: Request, body: ChallengeAnswer) -> Response:
    done = wiring.sign_in().go_on(body.session, body.code, body.new_password, request.source_ip)
    return _answer(done)


@api.delete("/v1/session", allow=PUBLIC, status=204, summary="Sign out")
def sign_out(request: Request) -> Response:
    response = empty(204)
    response.headers["Set-Cookie"] = cookie(SESSION_COOKIE, "", max_age_s=0)
    return response


@api.get("/v1/users", allow="user.read", query=PageQuery, answer=UserList, summary="The staff")
def list_users(request: Request, query: PageQuery) -> UserList:
    place = read_cursor(request) or {}
    users, more = wiring.users().page(query.limit, place.get("users"))
    items = [UserView.model_validate(_view(user)) for user in users]
    return UserList(items=items, next=next_cursor(request, {"users": more} if more else None))


@api.post(
    "/v1/users", allow="user.write", body=NewUser, answer=UserCreated, status=201, summary="Add to the staff"
)
def create_user(request: Request, body: NewUser) -> UserCreated:
    return UserCreated(id=wiring.users().create(request.principal, **body.model_dump()))


@api.get("/v1/users/{user_id}", allow="user.read", answer=UserDetails, summary="A member of staff")
def get_user(request: Request, user_id: str) -> UserDetails:
    return _details(wiring.users().get(user_id))


@api.patch(
    "/v1/users/{user_id}",
    allow="user.write",
    body=UserChange,
    answer=UserDetails,
    kept=False,
    summary="Change what somebody may, switch them off or on, sign them out everywhere",
)
def change_user(request: Request, user_id: str, body: UserChange) -> UserDetails:
    return _details(wiring.users().change(request.principal, user_id, body))


def _details(user: User) -> UserDetails:
    return UserDetails.model_validate({**_view(user), "version": user.version})


def _view(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "status": user.status.lower(),
        "roles": sorted(user.roles),
        "areas": list(user.areas),
        "departments": list(user.departments),
        "created_at": rfc3339(user.created_at),
    }


@api.get(
    "/v1/audit", allow="audit.read", query=AuditQuery, answer=EntryList, summary="What was done to a subject"
)
def read_audit(request: Request, query: AuditQuery) -> EntryList:
    place = read_cursor(request) or {}
    entries, more = wiring.audit().of(query.subject, limit=query.limit, before=place.get("before"))
    items = [EntryView.model_validate(vars(entry)) for entry in entries]
    return EntryList(items=items, next=next_cursor(request, {"before": more} if more else None))


@api.get(
    "/v1/audit/check",
    allow="audit.read",
    query=CheckQuery,
    answer=CheckView,
    summary="Is a chain of the audit whole",
)
def check_audit(request: Request, query: CheckQuery) -> CheckView:
    found = wiring.audit().check(query.chain, resumed(read_cursor(request)))
    return CheckView(
        chain=query.chain,
        entries=found.upto.seq,
        head=found.upto.hash,
        broken_at=found.broken_at,
        next=next_cursor(request, found.further),
    )


class RootsQuery(Strict):
    limit: int = Field(31, ge=1, le=100)
    cursor: str | None = None


class RootView(View):
    """One day's seal. `hash` is the SHA-256 of the JSON (sorted names, no spaces, UTF-8) of
    `[date, sealed_at, heads, previous]`, `heads` being `{chain: [number, hash]}`."""

    date: str
    sealed_at: str
    heads: dict[str, tuple[int, str]]
    previous: str
    hash: str


class RootList(View):
    items: list[RootView]
    next: str | None


@api.get(
    "/v1/audit/roots", allow=PUBLIC, query=RootsQuery, answer=RootList, summary="The audit's daily seals"
)
def read_roots(request: Request, query: RootsQuery) -> RootList:
    place = read_cursor(request) or {}
    found = wiring.audit().roots(query.limit + 1, place.get("before"))
    shown = found[: query.limit]
    items = [
        RootView(
            date=root.date,
            sealed_at=root.sealed_at,
            heads={chain: (head.seq, head.hash) for chain, head in root.heads.items()},
            previous=root.previous,
            hash=root.hash,
        )
        for root in shown
    ]
    more = {"before": shown[-1].date} if len(found) > len(shown) else None
    return RootList(items=items, next=next_cursor(request, more))


@api.page("GET", "/signin", allow=PUBLIC, summary="Sign in, or see who is signed in")
def signin_page(request: Request) -> Response:
    try:
        who = wiring.gate().principal(request.cookies.get(SESSION_COOKIE, ""))
    except Unauthenticated:
        who = None
    return _signin_page(request, who=who)


@api.page("POST", "/signin", allow=PUBLIC, summary="Sign in with the form")
def signin_form(request: Request) -> Response:
    form = {name: values[-1] for name, values in request.form().items()}
    session, signing = form.get("session", ""), wiring.sign_in()
    try:
        if session:
            code, password = form.get("code", ""), form.get("new_password", "")
            outcome = signing.go_on(session, code, password, request.source_ip)
        else:
            username, password = form.get("username", ""), form.get("password", "")
            outcome = signing.start(username, password, request.source_ip)
    except Rejected as error:
        again = Asked(form.get("challenge", ""), session, form.get("secret")) if session else None
        return _signin_page(request, asked=again, username=form.get("username", ""), error=error)
    if isinstance(outcome, Asked):
        return _signin_page(request, asked=outcome)
    return redirect(_after(request, outcome.principal), {"Set-Cookie": cookie_of(outcome)})


def _after(request: Request, who: Principal) -> str:
    """Where to go once signed in: the page of ours that asked for it, else the console; who has no role
    yet sees who they are."""
    wanted = request.query.get("next", "")
    first = ROOT if who.roles else "/signin"
    place = wanted if OWN_PLACE.fullmatch(wanted) else first
    return f"{place}?lang={request.lang}"


@api.page("POST", "/signout", allow=PUBLIC, summary="Sign out with the form")
def signout_form(request: Request) -> Response:
    return redirect(
        f"/signin?said=left&lang={request.lang}", {"Set-Cookie": cookie(SESSION_COOKIE, "", max_age_s=0)}
    )


def _signin_page(
    request: Request,
    *,
    who: Principal | None = None,
    asked: Asked | None = None,
    username: str = "",
    error: Rejected | None = None,
) -> Response:
    page = shell.render(
        "signin.html",
        request.lang,
        path=None if asked else "/signin",
        who=who,
        roles=[i18n.translate(request.lang, ROLE_NAMES[role]) for role in ROLES if who and role in who.roles],
        asked=asked,
        wanted=request.query.get("next", ""),
        left=request.query.get("said") == "left",
        username=username,
        problem=i18n.translate(request.lang, error.message, error.params) if error else "",
    )
    return html(page, error.status if error else 200)


def _answer(outcome: Session | Asked) -> Response:
    """The session as JSON and as a cookie, or what is asked next."""
    headers: dict[str, str | list[str]] = {"Content-Type": JSON, **SAFE_HEADERS}
    if isinstance(outcome, Asked):
        view = SessionView.model_validate(vars(outcome))
    else:
        headers["Set-Cookie"] = cookie_of(outcome)
        who = outcome.principal
        view = SessionView(
            token=outcome.token,
            expires_at=rfc3339(outcome.expires_at),
            id=who.id,
            name=who.name,
            roles=sorted(who.roles),
            areas=sorted(who.areas),
            departments=sorted(who.departments),
        )
    return Response(view.model_dump_json(exclude_none=True, exclude_unset=True), headers, 200)


def cookie_of(session: Session) -> str:
    """The cookie of a session; it ends with the token."""
    left = session.expires_at - Clock().now()  # the pool's time, as in the token
    return cookie(SESSION_COOKIE, session.token, max_age_s=max(0, int(left.total_seconds())))
