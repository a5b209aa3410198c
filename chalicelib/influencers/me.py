"""A creator's own routes: signing in, and what is kept about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from chalice.app import Response
from pydantic import AfterValidator, Field

from chalicelib import wiring
from chalicelib.clock import rfc3339
from chalicelib.errors import InvalidInput
from chalicelib.http import (
    CREATOR,
    CREATOR_COOKIE,
    JSON_HEADERS,
    PUBLIC,
    Api,
    ListQuery,
    Request,
    cookie,
    empty,
    next_cursor,
    page_of,
    read_cursor,
)
from chalicelib.identity.sessions import HOLDS_S
from chalicelib.influencers.erasing import ErasureRequest
from chalicelib.influencers.exporting import Export
from chalicelib.influencers.inbox import AT_ONCE as MOST_AT_ONCE
from chalicelib.influencers.inbox import Got
from chalicelib.influencers.model import (
    NO_END,
    Account,
    Channel,
    CodeRequest,
    Consent,
    ConsentRequest,
    Influencer,
    ProfileChange,
    Purpose,
    Status,
)
from chalicelib.phones import clean_phone
from chalicelib.ports import Sent
from chalicelib.proving import Challenge
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
    email_wanted: str
    """Another address, until the link that was sent to it was followed."""
    paused_until: str
    """The first day on which campaigns are wanted again; `open`: none until this is changed."""
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
    terms_version: str
    """Of the code of conduct and terms that they accepted by signing up."""
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
    headers: dict[str, str | list[str]] = {
        **JSON_HEADERS,
        "Set-Cookie": session_cookie(session.token, HOLDS_S),
    }
    return Response(view.model_dump_json(), headers, 200)


@api.delete("/v1/me/session", allow=CREATOR, status=204, summary="Sign out", heard=True)
def sign_out(request: Request) -> Response:
    wiring.creator_sessions().end(request.principal)
    response = empty(204)
    response.headers["Set-Cookie"] = session_cookie("", 0)
    return response


@api.get("/v1/me", allow=CREATOR, answer=MeView, summary="All that is kept about the creator who asks")
def me(request: Request) -> MeView:
    return _me(wiring.myself().get(request.principal.id))


@api.patch(
    "/v1/me",
    allow=CREATOR,
    body=ProfileChange,
    answer=MeView,
    kept=False,
    summary="Change what a creator may change of themself: profile, home, own channel, email, pause",
)
def change_me(request: Request, body: ProfileChange) -> MeView:
    return _me(wiring.wishes().change(request.principal.id, body))


def _me(person: Influencer) -> MeView:
    facts = person.model_dump(include=MeView.model_fields.keys() - {"channels", "stopped"})
    facts["paused_until"] = "open" if person.paused_until == NO_END else person.paused_until
    return MeView(channels=list(person.reachable), stopped=sorted(person.suppressed_channels), **facts)


class ConsentList(View):
    items: list[Consent]
    """Those that hold now."""
    next: str | None = None


class TakenBack(Strict):
    purpose: Purpose
    channel: Channel | None = None
    """Empty: over all."""


@api.get("/v1/me/consents", allow=CREATOR, query=ListQuery, answer=ConsentList, summary="One's own consents")
def consents(request: Request, query: ListQuery) -> ConsentList:
    found = wiring.myself().get(request.principal.id).consents
    some, more = page_of(request, query.limit, found, lambda one: f"{one.purpose} {one.channel}")
    return ConsentList(items=some, next=more)


@api.post(
    "/v1/me/consents",
    allow=CREATOR,
    body=ConsentRequest,
    answer=ConsentList,
    status=201,
    summary="Agree to messages for one purpose over one channel",
)
def give_consent(request: Request, body: ConsentRequest) -> ConsentList:
    return ConsentList(items=list(wiring.wishes().give(request.principal.id, body).consents))


@api.delete(
    "/v1/me/consents",
    allow=CREATOR,
    query=TakenBack,
    answer=ConsentList,
    summary="Take consents back: of one purpose, over one channel or all",
)
def take_consents_back(request: Request, query: TakenBack) -> ConsentList:
    after = wiring.wishes().take_back(request.principal.id, query.purpose, query.channel or "")
    return ConsentList(items=list(after.consents))


class SentView(View):
    run: str
    channel: str
    status: str
    """Of the delivery; `planned` while it is under way."""
    at: datetime


class MediumView(View):
    content_type: str
    bytes: int
    alt: str
    """What is to be seen."""
    platforms: list[str]
    """For which it is meant; for all without."""
    link: str
    """Where it may be read, for a quarter of an hour."""


class CampaignView(View):
    """A campaign that one has got."""

    id: str
    title: str
    kind: str
    compensation: str
    partners: list[str]
    language: str
    disclosure: str
    link: str
    posts: dict[str, str]
    """What may be published, by platform, disclosure included; none once it is withdrawn or over."""
    media: list[MediumView]
    """What may be published with it."""
    corrected: bool
    withdrawn: bool
    over: bool
    received: list[SentView]


class OneCampaignView(CampaignView):
    words: str
    """What the last message of it said."""


class CampaignList(View):
    items: list[CampaignView]
    next: str | None = None


class MessageView(SentView):
    campaign: str
    title: str


class ServiceView(View):
    kind: str
    at: datetime
    outcome: str
    channel: str


class MessageList(View):
    items: list[MessageView]
    service: list[ServiceView]
    """Codes, welcomes and notices, the newest first; on the first page."""
    next: str | None = None


@api.get(
    "/v1/me/campaigns",
    allow=CREATOR,
    query=ListQuery,
    answer=CampaignList,
    summary="Campaigns that one has got, the newest first, with what may be published",
)
def my_campaigns(request: Request, query: ListQuery) -> CampaignList:
    after = (read_cursor(request) or {}).get("after")
    limit = min(query.limit, MOST_AT_ONCE)
    _, found, more, _ = wiring.inbox().campaigns_of(request.principal.id, limit, after, lambda: None)
    place = {"after": more} if more else None
    return CampaignList(
        items=[CampaignView(**_campaign(got)) for got in found], next=next_cursor(request, place)
    )


@api.get("/v1/me/campaigns/{campaign_id}", allow=CREATOR, answer=OneCampaignView, summary="One of them")
def my_campaign(request: Request, campaign_id: str) -> OneCampaignView:
    _, whole = wiring.inbox().campaign(request.principal.id, campaign_id)
    return OneCampaignView(words=whole.words, **_campaign(whole.got))


@api.get(
    "/v1/me/messages",
    allow=CREATOR,
    query=ListQuery,
    answer=MessageList,
    summary="What was sent to oneself, over which channel, and what became of it",
)
def my_messages(request: Request, query: ListQuery) -> MessageList:
    after = (read_cursor(request) or {}).get("after")
    _, found = wiring.inbox().messages(request.principal.id, min(query.limit, MOST_AT_ONCE), after)
    place = {"after": found.after} if found.after else None
    return MessageList(
        items=[MessageView(campaign=one.campaign_id, title=title, **_sent(one)) for one, title in found.sent],
        service=[ServiceView(**vars(one)) for one in found.spoken],
        next=next_cursor(request, place),
    )


def _campaign(got: Got) -> dict[str, Any]:
    shown = got.campaign
    facts = {name: getattr(shown, name) for name in CampaignView.model_fields.keys() - {"received"}}
    facts |= {"partners": list(shown.partners), "posts": dict(shown.posts)}
    facts["media"] = [
        MediumView.model_validate({name: getattr(one, name) for name in MediumView.model_fields})
        for one in shown.media
    ]
    return facts | {"received": [SentView(**_sent(one)) for one in got.sent]}


def _sent(one: Sent) -> dict[str, Any]:
    return {"run": one.run_id, "channel": one.channel, "status": one.status, "at": one.at}


class Leaving(Strict):
    sure: bool = False
    """It cannot be undone: who has left joins anew."""


@api.post(
    "/v1/me/withdrawal",
    allow=CREATOR,
    body=Leaving,
    status=204,
    summary="Leave: consents and sessions end, number and accounts are free again",
)
def withdraw(request: Request, body: Leaving) -> Response:
    if not body.sure:
        raise InvalidInput.of("sure", "missing", "Please confirm that you want to leave.")
    wiring.wishes().leave(request.principal.id)
    response = empty(204)
    response.headers["Set-Cookie"] = session_cookie("", 0)
    return response


class Asked(View):
    status: Literal["sent"] = "sent"


class ExportQuery(Strict):
    cursor: str | None = None


@api.post(
    "/v1/me/exports",
    allow=CREATOR,
    body=Nothing,
    query=ExportQuery,
    answer=Export,
    status=201,
    kept=False,
    heard=True,
    summary="All that is kept of the creator who asks, in clear; at most ten times a day",
)
def export_me(request: Request, body: Nothing, query: ExportQuery) -> Export:
    """`?cursor=` gives the next part of what is too much for one answer."""
    made, place = wiring.exporting().export(request.principal.id, read_cursor(request))
    return made.model_copy(update={"next": next_cursor(request, place)})


@api.delete(
    "/v1/me",
    allow=CREATOR,
    body=ErasureRequest,
    status=204,
    kept=False,
    heard=True,
    summary="Erase all that is kept of the creator who asks, for good",
)
def erase_me(request: Request, body: ErasureRequest) -> Response:
    wiring.erasing().mine(request.principal.id, body.word)
    response = empty(204)
    response.headers["Set-Cookie"] = session_cookie("", 0)
    return response


@api.post(
    "/v1/me/emails",
    allow=CREATOR,
    body=Nothing,
    answer=Asked,
    status=201,
    summary="Take emails up again that were stopped: by a link in an email to the creator's own address",
)
def resume_emails(request: Request, body: Nothing) -> Asked:
    wiring.resuming().ask(request.principal.id)
    return Asked()


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


def session_cookie(token: str, max_age_s: int) -> str:
    """`Lax`: a link in a message from us leads to pages that know who comes."""
    return cookie(CREATOR_COOKIE, token, max_age_s=max_age_s, same_site="Lax")
