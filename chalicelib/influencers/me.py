"""A creator's own routes: signing in, and what is kept about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from chalice.app import Response
from pydantic import AfterValidator, Field

from chalicelib import wiring
from chalicelib.clock import rfc3339
from chalicelib.http import CREATOR, CREATOR_COOKIE, JSON_HEADERS, PUBLIC, Api, Request, cookie, empty
from chalicelib.identity.sessions import HOLDS_S
from chalicelib.influencers.model import Account, CodeRequest, Consent, Status
from chalicelib.influencers.phones import clean_phone
from chalicelib.influencers.proofs import Challenge
from chalicelib.shapes import Nothing, Strict, View

api = Api("me")


class NumberRequest(Strict):
    phone: Annotated[str, Field(max_length=80), AfterValidator(clean_phone)]


class CodeAsked(View):
    """The same for every number, known or not."""

    id: str
    status: Literal["sent"] = "sent"
    expires_at: datetime


class CodeEntered(CodeRequest):
    id: Annotated[str, Field(pattern=r"^sgn_[a-z2-7]{16}$")]


class SessionView(View):
    token: str
    expires_at: str
    id: str


class MeView(View):
    """All that is kept about a creator, for themself: in clear."""

    id: str
    status: Status
    name: str
    phone: str
    phone_proof: str
    chat: str
    email: str
    language: str
    area: str
    area_path: list[str]
    areas_served: list[str]
    themes: list[str]
    channel: str
    channels: list[str]
    """Over which campaigns can reach them now."""
    stopped: list[str]
    """Channels over which they have said STOP."""
    consents: list[Consent]
    handles: list[Account]
    contested: list[Account]
    """Accounts that they stated, and that belong to somebody else by an earlier claim or by proof."""
    gender: str
    profession: str
    idea: str
    adult_on: str
    ambassador_of: str
    reason: str
    """Of the last decision about them."""
    signed_up_at: str
    verified_at: str
    reviewed_at: str


@api.post(
    "/v1/me/codes",
    allow=PUBLIC,
    body=NumberRequest,
    answer=CodeAsked,
    status=201,
    summary="A code to sign in with, over the creator's own channel",
)
def ask_code(request: Request, body: NumberRequest) -> CodeAsked:
    asked, until = wiring.myself().ask(body.phone, request.source_ip)
    return CodeAsked(id=asked, expires_at=until)


@api.post(
    "/v1/me/session",
    allow=PUBLIC,
    body=CodeEntered,
    answer=SessionView,
    kept=False,
    summary="Sign in with the code",
)
def sign_in(request: Request, body: CodeEntered) -> Response:
    person = wiring.myself().enter(body.id, body.code, request.source_ip)
    session = wiring.creator_sessions().begin(person)
    view = SessionView(token=session.token, expires_at=rfc3339(session.expires_at), id=person)
    headers: dict[str, str | list[str]] = {**JSON_HEADERS, "Set-Cookie": _cookie(session.token, HOLDS_S)}
    return Response(view.model_dump_json(), headers, 200)


@api.delete("/v1/me/session", allow=CREATOR, status=204, summary="Sign out")
def sign_out(request: Request) -> Response:
    wiring.creator_sessions().end(request.principal)
    response = empty(204)
    response.headers["Set-Cookie"] = _cookie("", 0)
    return response


@api.get("/v1/me", allow=CREATOR, answer=MeView, summary="All that is kept about the creator who asks")
def me(request: Request) -> MeView:
    person = wiring.myself().get(request.principal.id)
    facts = person.model_dump(include=MeView.model_fields.keys() - {"channels", "stopped"})
    return MeView(channels=list(person.reachable), stopped=sorted(person.suppressed_channels), **facts)


@api.post(
    "/v1/handles/{handle_id}/proof",
    allow=CREATOR,
    body=Nothing,
    answer=Challenge,
    status=201,
    kept=False,
    summary="A code that shows whose account it is",
)
def begin_proof(request: Request, handle_id: str, body: Nothing) -> Challenge:
    return wiring.proofs().begin(request.principal.id, handle_id)


@api.post(
    "/v1/handles/{handle_id}/proof/check",
    allow=CREATOR,
    body=Nothing,
    answer=Account,
    kept=False,
    summary="Look whether the account shows the code",
)
def check_proof(request: Request, handle_id: str, body: Nothing) -> Account:
    return wiring.proofs().check(request.principal.id, handle_id)


def _cookie(token: str, max_age_s: int) -> str:
    """`Lax`: a link in a message from us leads to pages that know who comes."""
    return cookie(CREATOR_COOKIE, token, max_age_s=max_age_s, same_site="Lax")
