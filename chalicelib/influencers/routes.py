"""Signup for everybody, the register for staff."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from chalicelib import wiring
from chalicelib.http import PUBLIC, Api, Request, read_cursor, sign_cursor
from chalicelib.influencers.model import (
    Account,
    AreaId,
    CodeRequest,
    Filter,
    Influencer,
    Platform,
    ReviewRequest,
    SignupAnswer,
    SignupRequest,
    Status,
    Strict,
)

api = Api("influencers")


class StatusAnswer(BaseModel):
    status: Status


class Nothing(Strict):
    """A request without fields."""


class ListQuery(Strict):
    status: Status | None = None
    area: AreaId | None = None
    platform: Platform | None = None
    min_followers: Annotated[int, Field(ge=0)] = 0
    theme: Annotated[str, Field(max_length=40)] = ""
    q: Annotated[str, Field(max_length=80)] = ""
    limit: Annotated[int, Field(ge=1, le=100)] = 25
    cursor: str | None = None


class InfluencerView(BaseModel):
    """A person as staff see them: the number masked, the email left out."""

    id: str
    status: Status
    name: str
    phone: str
    phone_proof: str
    language: str
    area: str
    area_path: list[str]
    areas_served: list[str]
    themes: list[str]
    channel: str
    channels: list[str]
    """Over which campaigns can reach this person now."""
    handles: list[Account]
    contested: list[Account]
    """Accounts that somebody else had registered first."""
    gender: str
    profession: str
    idea: str
    ambassador_of: str
    reason: str
    signed_up_at: str
    verified_at: str
    reviewed_at: str


class InfluencerList(BaseModel):
    items: list[InfluencerView]
    next: str | None = None


class Revealed(BaseModel):
    phone: str
    email: str


@api.post("/v1/signups", allow=PUBLIC, body=SignupRequest, answer=SignupAnswer, status=201, summary="Sign up")
def sign_up(request: Request, body: SignupRequest) -> SignupAnswer:
    return wiring.signups().sign_up(body, request.source_ip)


@api.post(
    "/v1/signups/{signup_id}/verification",
    allow=PUBLIC,
    body=CodeRequest,
    answer=StatusAnswer,
    summary="Prove the number with the code that was sent to it",
)
def verify(request: Request, signup_id: str, body: CodeRequest) -> StatusAnswer:
    return StatusAnswer(status=wiring.signups().verify(signup_id, body.code, request.source_ip))


@api.post(
    "/v1/signups/{signup_id}/codes",
    allow=PUBLIC,
    body=Nothing,
    answer=SignupAnswer,
    status=201,
    summary="Another code, or another deep link",
)
def new_code(request: Request, signup_id: str, body: Nothing) -> SignupAnswer:
    return wiring.signups().new_code(signup_id)


@api.get(
    "/v1/influencers",
    allow="influencer.read",
    query=ListQuery,
    answer=InfluencerList,
    summary="The register, by state and place",
)
def influencers(request: Request, query: ListQuery) -> InfluencerList:
    found, after = wiring.register().listed(
        request.principal,
        status=query.status,
        area=query.area,
        pick=Filter(
            platform=query.platform or "", **query.model_dump(include={"min_followers", "theme", "q"})
        ),
        limit=query.limit,
        after=read_cursor(query.cursor),
    )
    return InfluencerList(
        items=[_view(person) for person in found], next=sign_cursor(after) if after else None
    )


@api.get(
    "/v1/influencers/{influencer_id}", allow="influencer.read", answer=InfluencerView, summary="One person"
)
def influencer(request: Request, influencer_id: str) -> InfluencerView:
    return _view(wiring.register().get(request.principal, influencer_id))


@api.post(
    "/v1/influencers/{influencer_id}/review",
    allow="influencer.review",
    body=ReviewRequest,
    answer=InfluencerView,
    summary="Approve, decline or suspend",
)
def review(request: Request, influencer_id: str, body: ReviewRequest) -> InfluencerView:
    return _view(wiring.register().review(request.principal, influencer_id, body))


@api.post(
    "/v1/influencers/{influencer_id}/withdrawal",
    allow="influencer.review",
    body=Nothing,
    answer=InfluencerView,
    summary="Take a person out at their own wish",
)
def withdraw(request: Request, influencer_id: str, body: Nothing) -> InfluencerView:
    return _view(wiring.register().withdraw(request.principal, influencer_id))


@api.post(
    "/v1/influencers/{influencer_id}/reveal",
    allow="influencer.reveal",
    body=Nothing,
    answer=Revealed,
    summary="Number and email in clear; that they were looked at is kept",
)
def reveal(request: Request, influencer_id: str, body: Nothing) -> Revealed:
    person = wiring.register().reveal(request.principal, influencer_id)
    return Revealed(phone=person.phone, email=person.email)


def _view(person: Influencer) -> InfluencerView:
    facts = person.model_dump(include=InfluencerView.model_fields.keys() - {"phone", "channels"})
    return InfluencerView(phone=person.masked_phone, channels=list(person.reachable), **facts)
