"""Campaigns, audiences and templates for staff."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal, cast

from chalice.app import Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, create_model
from pydantic.fields import FieldInfo

from chalicelib import wiring
from chalicelib.beside import together
from chalicelib.campaigns.audience import Audience, CountingJob
from chalicelib.campaigns.correction import Correction, Words
from chalicelib.campaigns.messages import CHANNELS, Channel, Template
from chalicelib.campaigns.model import Campaign, Content, Override, Run, Status
from chalicelib.campaigns.publication import EVERYTHING, Publication, Search
from chalicelib.campaigns.service import READ
from chalicelib.campaigns.showing import published
from chalicelib.campaigns.times import LONGEST_SPREAD, Every, Quiet, Repeat
from chalicelib.http import (
    PUBLIC,
    Again,
    Api,
    ListQuery,
    Request,
    empty,
    html,
    next_cursor,
    page_of,
    policy_with,
    read_cursor,
)
from chalicelib.identity.roles import Principal
from chalicelib.pages import shell
from chalicelib.pages.forms import Form
from chalicelib.pages.frame import named
from chalicelib.shapes import Strict, View, plausible

api = Api("campaigns")

ON_A_PAGE = 10
SHOWN_ROOTS = 7
MONTHS = 36
"""So many are offered to choose from."""
MONTH = r"^(2[0-9]{3}-(0[1-9]|1[0-2]))?$"

Change = cast(
    "type[BaseModel]",
    create_model(  # type: ignore[call-overload]  # fields by name are more than its signature says
        "CampaignChange",
        __base__=Strict,
        **{
            name: (info.annotation, FieldInfo.merge_field_infos(info, default=None))
            for name, info in Content.model_fields.items()
        },
        rev=(int | None, None),
    ),
)
"""Any fields of a campaign; each replaces the one that was there. `rev`: the revision that was read before,
so that nobody's change is lost: 409 when it is no longer that one."""


class CampaignsQuery(Strict):
    status: Status | Literal[""] = ""
    department: str = Field("", max_length=40)
    limit: int = Field(25, ge=1, le=100)
    cursor: str | None = None


class CampaignView(Content):
    media_urls: dict[str, str]
    """Where each file of `media` may be read, for a quarter of an hour."""
    id: str
    rev: int
    status: Status
    created_at: AwareDatetime
    updated_at: AwareDatetime
    authors: tuple[str, ...]
    decided_by: str
    decision: str
    reason: str
    runs: int
    corrections: int
    withdrawn_at: AwareDatetime | None
    repeats: Every | None
    overrides: tuple[Override, ...]


class CampaignList(View):
    items: list[CampaignView]
    next: str | None = None


class Decision(Strict):
    decision: Literal["approve", "decline"]
    reason: str = Field("", max_length=500)
    rev: int | None = None


class OverrideBody(Strict):
    election: str = Field(min_length=1, max_length=40)
    reason: str = Field(min_length=1, max_length=500)


class Schedule(Strict):
    at: Annotated[datetime, AfterValidator(plausible)] | None = None
    """With an offset, or without one by the clock of `zone`; left out: now."""
    zone: str = Field("", max_length=60)
    """A name of the IANA database, such as Asia/Kolkata; a repetition keeps its time of day there."""
    spread_minutes: int = Field(0, ge=0, le=LONGEST_SPREAD // timedelta(minutes=1))
    """Over how many minutes the messages are spread."""
    repeat: Repeat | None = None


class RepetitionView(View):
    """A run's place in its series: the n-th of so many occurrences, `missed` passed over right before it."""

    every: Every
    zone: str
    number: int
    of: int
    missed: int


class RunView(View):
    id: str
    campaign_id: str
    status: str
    at: datetime
    expires_at: datetime
    channels: list[str]
    started_at: datetime | None
    ended_at: datetime | None
    quiet_hours: Quiet | None
    spread_minutes: int
    repeat: RepetitionView | None
    left: int | None
    """People who had not been sent to when its time was over; null for who sees counts of some areas
    alone."""
    purpose: str
    """`campaign`, or why it takes back what other runs said: `correction`, `withdrawal`."""
    parent: str
    """The newest run that it takes back; empty for a run of the campaign itself."""
    parents: list[str]
    urgent: bool
    recalled_at: datetime | None
    """Since when nothing more of it goes out, because it was corrected or withdrawn."""


class RunList(View):
    items: list[RunView]
    next: str | None = None


class CorrectionList(View):
    items: list[Correction]
    next: str | None = None


class CorrectionDecision(Strict):
    decision: Literal["approve", "decline"]
    reason: str = Field("", max_length=500)


class AudiencePreview(Audience):
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)] = CHANNELS
    """In order of fallback, as in the campaign."""


class PreviewJobView(View):
    """A large preview under way or done; its counts are those of the people `read` so far."""

    id: str
    status: Literal["running", "finished"]
    created_at: datetime
    read: int
    count: int
    by_channel: dict[str, int]
    by_area: dict[str, int]
    excluded: dict[str, int]


class PreviewView(View):
    count: int
    by_channel: dict[str, int]
    by_area: dict[str, int]
    excluded: dict[str, int]
    elections: dict[str, int]
    """By which elections turnout was judged, and in how many districts."""


class TemplateList(Strict):
    items: Annotated[tuple[Template, ...], Field(min_length=1, max_length=50)]


class TemplateView(Template):
    """A template as it is registered; of an SMS with the parts in which it is sent, and paid for, when its
    variables are as long as they may be, in letters of its own alphabet."""

    segments: int = 0
    alphabet: Literal["", "gsm7", "ucs2"] = ""


class Templates(View):
    items: list[TemplateView]
    next: str | None = None


def _with_links(campaign_id: str, files: Iterable[str]) -> dict[str, str]:
    link = wiring.shelf().link
    return {file: link(campaign_id, file) for file in files}


def _linked_anew(request: Request, first: Mapping[str, Any]) -> CampaignView:
    urls = _with_links(first["id"], (one["file"] for one in first["media"]))
    return CampaignView.model_validate({**first, "media_urls": urls})


FRESH_LINKS = Again(tuple(CampaignView.model_fields.keys() - {"media_urls"}), _linked_anew)
"""A repeated write is answered as the first time, but for the links, which would have ended long ago."""


@api.post(
    "/v1/campaigns",
    allow="campaign.write",
    body=Content,
    answer=CampaignView,
    again=FRESH_LINKS,
    status=201,
    summary="Write a draft",
)
def create(request: Request, body: Content) -> CampaignView:
    return _view(wiring.campaigns().create(request.principal, body))


@api.get(
    "/v1/campaigns",
    allow="campaign.read",
    query=CampaignsQuery,
    answer=CampaignList,
    summary="Campaigns, newest first",
)
def campaigns(request: Request, query: CampaignsQuery) -> CampaignList:
    after = read_cursor(request)
    found, last = wiring.campaigns().page(
        request.principal, query.status, query.department, after, query.limit
    )
    return CampaignList(items=[_view(one) for one in found], next=next_cursor(request, last))


@api.get("/v1/campaigns/{campaign_id}", allow="campaign.read", answer=CampaignView, summary="One campaign")
def campaign(request: Request, campaign_id: str) -> CampaignView:
    return _view(wiring.campaigns().seen(request.principal, campaign_id))


@api.patch(
    "/v1/campaigns/{campaign_id}",
    allow="campaign.write",
    body=Change,
    answer=CampaignView,
    again=FRESH_LINKS,
    summary="Replace fields of a draft",
)
def change(request: Request, campaign_id: str, body: BaseModel) -> CampaignView:
    fields: dict[str, Any] = body.model_dump(exclude_unset=True)
    rev = fields.pop("rev", None)
    return _view(wiring.campaigns().change(request.principal, campaign_id, fields, rev))


@api.post(
    "/v1/campaigns/{campaign_id}/submission",
    allow="campaign.submit",
    answer=CampaignView,
    again=FRESH_LINKS,
    summary="Put a draft before an approver",
)
def submission(request: Request, campaign_id: str) -> CampaignView:
    return _view(wiring.campaigns().submit(request.principal, campaign_id))


@api.post(
    "/v1/campaigns/{campaign_id}/approval",
    allow="campaign.approve",
    body=Decision,
    answer=CampaignView,
    again=FRESH_LINKS,
    summary="Approve it, or make it a draft again; never by its author",
)
def approval(request: Request, campaign_id: str, body: Decision) -> CampaignView:
    service = wiring.campaigns()
    return _view(service.decide(request.principal, campaign_id, body.decision, body.reason, body.rev))


@api.post(
    "/v1/campaigns/{campaign_id}/schedule",
    allow="campaign.schedule",
    body=Schedule,
    answer=RunView,
    status=201,
    summary="Make a run at a time, or now; or one each day, week or month",
)
def schedule(request: Request, campaign_id: str, body: Schedule) -> RunView:
    run = wiring.campaigns().schedule(request.principal, campaign_id, **dict(body))
    return _run_view(run, request.principal)


@api.post(
    "/v1/campaigns/{campaign_id}/pause",
    allow="campaign.pause",
    answer=CampaignView,
    again=FRESH_LINKS,
    summary="Halt a run, scheduled or under way: nothing new is sent after 5 s",
)
def pause(request: Request, campaign_id: str) -> CampaignView:
    return _view(wiring.campaigns().pause(request.principal, campaign_id))


@api.post(
    "/v1/campaigns/{campaign_id}/resume",
    allow="campaign.schedule",
    answer=CampaignView,
    again=FRESH_LINKS,
    summary="Let a paused run go on where it stopped",
)
def resume(request: Request, campaign_id: str) -> CampaignView:
    return _view(wiring.campaigns().resume(request.principal, campaign_id))


@api.post(
    "/v1/campaigns/{campaign_id}/cancel",
    allow="campaign.schedule",
    answer=CampaignView,
    again=FRESH_LINKS,
    summary="Call off a run, scheduled, under way or paused: nobody else is sent to",
)
def cancel(request: Request, campaign_id: str) -> CampaignView:
    return _view(wiring.campaigns().cancel(request.principal, campaign_id))


@api.post(
    "/v1/campaigns/{campaign_id}/overrides",
    allow="campaign.override",
    body=OverrideBody,
    answer=Override,
    status=201,
    summary="Let it go out under the code of conduct of one election; never by its author",
)
def override(request: Request, campaign_id: str, body: OverrideBody) -> Override:
    return wiring.overrides().give(request.principal, campaign_id, body.election, body.reason)


@api.delete(
    "/v1/campaigns/{campaign_id}/overrides/{election}",
    allow="campaign.override",
    status=204,
    summary="Take an override back: senders refuse again within 2 s",
)
def withdraw_override(request: Request, campaign_id: str, election: str) -> Response:
    wiring.overrides().withdraw(request.principal, campaign_id, election)
    return empty(204)


@api.get(
    "/v1/campaigns/{campaign_id}/runs",
    allow="campaign.read",
    query=ListQuery,
    answer=RunList,
    summary="Its runs, oldest first",
)
def runs(request: Request, campaign_id: str, query: ListQuery) -> RunList:
    campaigns = wiring.campaigns()
    found = campaigns.runs(campaigns.seen(request.principal, campaign_id).id)
    page, more = page_of(request, query.limit, found, lambda run: run.number)
    return RunList(items=[_run_view(run, request.principal) for run in page], next=more)


@api.post(
    "/v1/campaigns/{campaign_id}/corrections",
    allow="campaign.write",
    body=Words,
    answer=Correction,
    status=201,
    summary="Propose a correction to all who got the last run; another person approves it",
)
def correct(request: Request, campaign_id: str, body: Words) -> Correction:
    return wiring.corrections().propose(request.principal, campaign_id, body)


@api.get(
    "/v1/campaigns/{campaign_id}/corrections",
    allow="campaign.read",
    query=ListQuery,
    answer=CorrectionList,
    summary="Its corrections and withdrawals, oldest first",
)
def corrections(request: Request, campaign_id: str, query: ListQuery) -> CorrectionList:
    seen = wiring.campaigns().seen(request.principal, campaign_id)
    found = wiring.corrections().listed(seen.id)
    page, more = page_of(request, query.limit, found, lambda one: one.number)
    return CorrectionList(items=page, next=more)


@api.post(
    "/v1/campaigns/{campaign_id}/corrections/{number}/approval",
    allow="campaign.approve",
    body=CorrectionDecision,
    answer=Correction,
    summary="Send a correction or withdrawal at once, or decline it; never by who had a hand in it",
)
def correction_approval(
    request: Request, campaign_id: str, number: str, body: CorrectionDecision
) -> Correction:
    decide = wiring.corrections().decide
    return decide(request.principal, campaign_id, number, body.decision, body.reason)


@api.post(
    "/v1/campaigns/{campaign_id}/withdrawal",
    allow="campaign.withdraw",
    body=Words,
    answer=Correction,
    status=201,
    summary="Withdraw it at once; its words go to all who got it when another person approves them",
)
def withdrawal(request: Request, campaign_id: str, body: Words) -> Correction:
    return wiring.corrections().withdraw(request.principal, campaign_id, body)


@api.post(
    "/v1/audiences/preview",
    allow="influencer.reach",
    body=AudiencePreview,
    answer=PreviewView,
    summary="Whom an audience would reach now, and why others would not be",
)
def preview(request: Request, body: AudiencePreview) -> PreviewView:
    wiring.campaigns().check_reach(request.principal, body)
    found = wiring.campaigns().preview(body, body.channels)
    return PreviewView.model_validate(found, from_attributes=True)


@api.post(
    "/v1/audiences/preview/jobs",
    allow="influencer.reach",
    body=AudiencePreview,
    answer=PreviewJobView,
    status=202,
    summary="Count an audience of any size: a job, told of by /v1/jobs/{job_id}",
)
def count_audience(request: Request, body: AudiencePreview) -> PreviewJobView:
    audience = Audience.model_validate(body.model_dump(exclude={"channels"}))
    return _job_view(wiring.counting().begin(request.principal, audience, body.channels))


@api.get("/v1/jobs/{job_id}", allow="influencer.reach", answer=PreviewJobView, summary="A job of one's own")
def job(request: Request, job_id: str) -> PreviewJobView:
    return _job_view(wiring.counting().get(request.principal, job_id))


def _job_view(job: CountingJob) -> PreviewJobView:
    return PreviewJobView.model_validate(job.model_dump() | {"status": job.status})


@api.get(
    "/v1/channels/{channel_id}/templates",
    allow="template.read",
    query=ListQuery,
    answer=Templates,
    summary="Templates registered for a channel's platform, by name and language",
)
def templates(request: Request, channel_id: str, query: ListQuery) -> Templates:
    return _templates(request, channel_id, query.limit)


@api.put(
    "/v1/channels/{channel_id}/templates",
    allow="template.write",
    body=TemplateList,
    answer=Templates,
    summary="Register templates as the platform has them; the others stay",
)
def put_templates(request: Request, channel_id: str, body: TemplateList) -> Templates:
    wiring.campaigns().put_templates(request.principal.id, channel_id, body.items)
    return _templates(request, channel_id, ListQuery().limit)


# --- for all ------------------------------------------------------------------------------------------------


class PublicationsQuery(Strict):
    q: Annotated[str, Field(max_length=100)] = ""
    """Words in its title, what it says, or the names of places, department, theme and partners."""
    department: Annotated[str, Field(max_length=40)] = ""
    month: Annotated[str, Field(pattern=MONTH)] = ""
    """In which it began, in India: `2026-01`."""
    limit: int = Field(25, ge=1, le=100)
    cursor: str | None = None


class PublicationList(View):
    items: list[Publication]
    next: str | None = None


@api.get(
    "/v1/transparency/campaigns",
    allow=PUBLIC,
    query=PublicationsQuery,
    answer=PublicationList,
    summary="Campaigns that have begun: words, who stands behind them, counts without small numbers",
)
def publications(request: Request, query: PublicationsQuery) -> PublicationList:
    """What began last first. Counts change once a day; a number that is null is too small to be shown, or
    would tell one that is. With `q` or `department` a page may hold fewer than `limit`, or
    none, and go on."""
    search = Search(query.q, query.department, query.month)
    found, more = wiring.publishing().listed(query.limit, read_cursor(request), search)
    return PublicationList(items=[_linked(one) for one in found], next=next_cursor(request, more))


@api.page(
    "GET",
    "/transparency",
    allow=PUBLIC,
    summary="Campaigns as the public may see them, and the audit's seals",
)
def transparency(request: Request) -> Response:
    """`?q=`, `?department=`, `?month=`: only such campaigns; what is no month asks for none."""
    asked = Form({name: [value] for name, value in request.query.items()})
    month = asked.one("month") if re.fullmatch(MONTH, asked.one("month")) else ""
    search, after = Search(asked.one("q")[:100], asked.one("department"), month), read_cursor(request)
    (found, more), roots, departments = together(
        partial(wiring.publishing().listed, ON_A_PAGE, after, search),
        partial(wiring.audit().roots, SHOWN_ROOTS),
        wiring.shown_departments,
    )
    lang, last = request.lang, wiring.clock().today_ist()
    months = [last.year * 12 + last.month - 1 - n for n in range(MONTHS)]
    page = shell.render(
        "transparency.html",
        lang,
        path="/transparency",
        kept={name: value for name, value in request.query.items() if name not in ("lang", "cursor")},
        searched=search != EVERYTHING,
        form=asked,
        departments=sorted(
            ((one, named(names, lang) or one) for one, names in departments.items()), key=lambda one: one[1]
        ),
        months=[(f"{n // 12}-{n % 12 + 1:02}", f"{n % 12 + 1:02}-{n // 12}") for n in months],
        campaigns=[published(_linked(one), request.lang) for one in found],
        further=next_cursor(request, more),
        first="cursor" not in request.query,
        roots=roots,
    )
    shows = any(one.media for one in found)
    return html(page, headers=policy_with(wiring.shelf().link("-", "-"), "img-src") if shows else None)


def _linked(one: Publication) -> Publication:
    """It, with addresses from which its media may be read."""
    link = wiring.shelf().link
    media = [medium.model_copy(update={"url": link(one.id, medium.file)}) for medium in one.media]
    return one.model_copy(update={"media": media})


def _templates(request: Request, channel_id: str, limit: int) -> Templates:
    found = wiring.campaigns().templates(channel_id)
    page, more = page_of(request, limit, found, lambda one: f"{one.name}#{one.language}")
    return Templates(items=[TemplateView(**one.model_dump(), **one.cost()) for one in page], next=more)


def _view(campaign: Campaign) -> CampaignView:
    own = campaign.model_dump(exclude={"content"})
    own["media_urls"] = _with_links(campaign.id, (one.file for one in campaign.content.media))
    return CampaignView.model_validate(campaign.content.model_dump() | own)


def _run_view(run: Run, who: Principal) -> RunView:
    place = run.series and RepetitionView(
        every=run.series.every,
        zone=run.series.zone,
        number=run.series.number + 1,
        of=run.series.last + 1,
        missed=run.series.missed,
    )
    shown: dict[str, Any] = {"quiet_hours": run.quiet, "repeat": place, "parent": run.parent}
    if not who.works_for(run.department, READ):
        shown["left"] = None
    return RunView.model_validate(run.model_dump() | shown)
