"""The register of groups over HTTP: for staff, and for creators the groups of their own places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from chalice.app import Response
from pydantic import Field

from chalicelib import wiring
from chalicelib.groups.clicks import Handed
from chalicelib.groups.coverage import Level, Show, Sums
from chalicelib.groups.kits import Kit
from chalicelib.groups.model import (
    Admin,
    Figures,
    Group,
    GroupChange,
    Kind,
    LinkState,
    LinkWord,
    MonthsFigures,
    NewGroup,
    Platform,
    Seen,
)
from chalicelib.http import CREATOR, PUBLIC, Again, Api, ListQuery, Request, next_cursor, page_of, read_cursor
from chalicelib.shapes import Nothing, Strict, View

api = Api("groups")
DEEPEST = 99
"""No area lies so deep: what is taken from it puts the smallest place first."""


class GroupsQuery(Strict):
    area: str | None = Field(None, min_length=1, max_length=40)
    kind: Kind | None = None
    state: LinkState | None = None
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = None


class GroupView(View):
    """A group without its link; its admins' numbers masked."""

    id: str
    platform: Platform
    kind: Kind
    name: str
    area: str
    path: list[str]
    departments: list[str]
    admins: list[Admin]
    state: LinkState
    seen: Seen
    seen_at: datetime
    reason: str
    figures: MonthsFigures | None
    created_at: datetime
    sample: bool


class GroupList(View):
    items: list[GroupView]
    next: str | None = None


class FiguresList(View):
    items: list[MonthsFigures]
    next: str | None = None


class RevealedGroup(View):
    link: str
    admins: list[Admin]


class OwnGroup(View):
    """A group that its reader may join."""

    id: str
    platform: Platform
    name: str
    area: str
    link: str
    members: int | None
    admin: bool
    """Whether its reader looks after it."""


class OwnGroups(View):
    items: list[OwnGroup]
    next: str | None = None


class HandedView(View):
    """That a kit was handed out, and posted."""

    at: datetime
    posted_at: datetime | None
    posted_by: str


class AnswerView(View):
    texts: dict[str, dict[str, str]]
    """By language: `myth` and `answer`."""
    source: str


class KitView(View):
    group: str
    campaign: str
    title: str
    texts: dict[str, str]
    """By language, ready to be copied."""
    link: str
    """The link of this group alone, counted apart."""
    cards: list[AnswerView]
    """What people say of its schemes and theme, and what is true."""
    handed: HandedView


class KitsQuery(Strict):
    campaign: str = Field(min_length=1, max_length=40)
    area: str | None = Field(None, min_length=1, max_length=40)
    limit: int = Field(50, ge=1, le=100)
    cursor: str | None = None


class ClicksView(View):
    """`people`: different ones a day, as far as address and browser tell, added up over the days. `bots`:
    previews and crawlers, not among the others."""

    people: int
    clicks: int
    bots: int


class HandedKit(View):
    group: str
    name: str
    area: str
    handed: HandedView
    clicks: ClicksView


class HandedKits(View):
    items: list[HandedKit]
    next: str | None = None


class CoverageQuery(Strict):
    area: str | None = Field(None, min_length=1, max_length=40)
    level: Level | None = None
    show: Show = "all"
    limit: int = Field(50, ge=1, le=100)
    cursor: str | None = None


class SumsView(View):
    """`share`: of women, among the members of the groups that tell how many are women; null without data."""

    groups: int
    alive: int
    with_figures: int
    members: int
    with_women: int
    women: int
    share: float | None
    influencers: int


class GapsView(View):
    nodes: int
    none: int
    dead: int
    no_influencer: int
    under_goal: int | None
    """Null two levels below a state or India: goals of places between are not looked at."""
    no_figures: int


class NodeView(View):
    """`own`: the node's own groups, and the people of no smaller place; `sums`: with all that lies below."""

    id: str
    names: dict[str, str]
    parent: str | None
    own: SumsView
    sums: SumsView
    goal: float | None
    lacks: list[str]


class CoverageView(View):
    area: str
    level: Level
    sums: SumsView
    goal: float | None
    gaps: GapsView
    items: list[NodeView]
    next: str | None = None


class Goal(Strict):
    women: float | None = Field(ge=0, le=1)
    """A share from 0 to 1."""


class Recounted(View):
    area: str
    more: bool = False
    """Whether more may be wrong there: ask again."""


def _as_now(request: Request, kept: Mapping[str, Any]) -> GroupView:
    return _view(wiring.groups().get(request.principal, kept["id"]))


def _own_as_now(request: Request, kept: Mapping[str, Any]) -> OwnGroup:
    person = request.principal.id
    return _own(wiring.groups().looked_after(person, kept["id"]), person)


AS_NOW, OWN_AS_NOW = Again(("id",), _as_now), Again(("id",), _own_as_now)
"""Admins' names and links are not kept for a repeated write."""


@api.get(
    "/v1/groups", allow="group.read", query=GroupsQuery, answer=GroupList, summary="The register of groups"
)
def groups(request: Request, query: GroupsQuery) -> GroupList:
    found, after = wiring.groups().listed(
        request.principal,
        area=query.area,
        kind=query.kind,
        state=query.state,
        limit=query.limit,
        after=read_cursor(request),
    )
    return GroupList(items=[_view(group) for group in found], next=next_cursor(request, after))


@api.post(
    "/v1/groups",
    allow="group.write",
    body=NewGroup,
    answer=GroupView,
    again=AS_NOW,
    status=201,
    summary="Put a group on the register",
)
def add_group(request: Request, body: NewGroup) -> GroupView:
    return _view(wiring.groups().add(request.principal, body))


@api.get("/v1/groups/{group_id}", allow="group.read", answer=GroupView, summary="One group")
def group(request: Request, group_id: str) -> GroupView:
    return _view(wiring.groups().get(request.principal, group_id))


@api.patch(
    "/v1/groups/{group_id}",
    allow="group.write",
    body=GroupChange,
    answer=GroupView,
    again=AS_NOW,
    summary="Change a group's name, area, departments or admins",
)
def change_group(request: Request, group_id: str, body: GroupChange) -> GroupView:
    return _view(wiring.groups().change(request.principal, group_id, body))


@api.put(
    "/v1/groups/{group_id}/link",
    allow="group.write",
    body=LinkWord,
    answer=GroupView,
    again=AS_NOW,
    summary="Say whether a group's link is alive, dead or archived, or give a new one",
)
def set_link(request: Request, group_id: str, body: LinkWord) -> GroupView:
    return _view(wiring.groups().link(request.principal, group_id, body))


@api.get(
    "/v1/groups/{group_id}/figures",
    allow="group.read",
    query=ListQuery,
    answer=FiguresList,
    summary="A group's figures by month, the latest first",
)
def figures(request: Request, group_id: str, query: ListQuery) -> FiguresList:
    found = wiring.groups().history(request.principal, group_id)
    page, more = page_of(request, query.limit, found, lambda one: one.month, latest_first=True)
    return FiguresList(items=page, next=more)


@api.post(
    "/v1/groups/{group_id}/figures",
    allow="group.write",
    body=Figures,
    answer=GroupView,
    again=AS_NOW,
    summary="Note a month's figures; those of the same month are replaced",
)
def add_figures(request: Request, group_id: str, body: Figures) -> GroupView:
    return _view(wiring.groups().figures(request.principal, group_id, body))


@api.post(
    "/v1/groups/{group_id}/reveal",
    allow="group.reveal",
    body=Nothing,
    answer=RevealedGroup,
    kept=False,
    summary="A group's link and its admins' numbers in clear; that they were looked at is kept",
)
def reveal_group(request: Request, group_id: str, body: Nothing) -> RevealedGroup:
    found = wiring.groups().reveal(request.principal, group_id)
    return RevealedGroup(link=found.link, admins=list(found.admins))


@api.get(
    "/v1/groups/{group_id}/kits/{campaign_id}",
    allow="group.write",
    answer=KitView,
    summary="What a group gets of an approved campaign: words to copy, a link of its own",
)
def kit(request: Request, group_id: str, campaign_id: str) -> KitView:
    return _kit(wiring.group_kits().kit(request.principal, group_id, campaign_id))


@api.post(
    "/v1/groups/{group_id}/kits/{campaign_id}/posted",
    allow="group.write",
    body=Nothing,
    answer=HandedView,
    summary="Note that a kit was posted in its group",
)
def kit_posted(request: Request, group_id: str, campaign_id: str, body: Nothing) -> HandedView:
    return _handed(wiring.group_kits().posted(request.principal, group_id, campaign_id))


@api.get(
    "/v1/kits",
    allow="group.read",
    query=KitsQuery,
    answer=HandedKits,
    summary="The groups that a campaign's kit was handed to: who has posted it, and who followed its link",
)
def kits(request: Request, query: KitsQuery) -> HandedKits:
    found, after = wiring.group_kits().of_campaign(
        request.principal, query.campaign, query.area, query.limit, read_cursor(request)
    )
    items = [
        HandedKit(
            group=one.id,
            name=one.name,
            area=one.area,
            handed=_handed(handed),
            clicks=ClicksView.model_validate(asdict(clicks)),
        )
        for one, handed, clicks in found
    ]
    return HandedKits(items=items, next=next_cursor(request, after))


@api.get(
    "/v1/me/groups/{group_id}/kits/{campaign_id}",
    allow=CREATOR,
    answer=KitView,
    summary="What a group that one looks after gets of a campaign",
)
def my_kit(request: Request, group_id: str, campaign_id: str) -> KitView:
    return _kit(wiring.group_kits().own_kit(request.principal.id, group_id, campaign_id))


@api.post(
    "/v1/me/groups/{group_id}/kits/{campaign_id}/posted",
    allow=CREATOR,
    body=Nothing,
    answer=HandedView,
    summary="Say that one has posted a kit",
)
def my_kit_posted(request: Request, group_id: str, campaign_id: str, body: Nothing) -> HandedView:
    return _handed(wiring.group_kits().own_posted(request.principal.id, group_id, campaign_id))


@api.page("GET", "/r/{code}", allow=PUBLIC, summary="A tracked link: on to where it leads")
def tracked(request: Request, code: str) -> Response:
    """Counted by a hash whose salt is gone on the next day; bots and previews apart."""
    agent = request.headers.get("user-agent", "")
    to = wiring.group_kits().follow(code, f"{request.source_ip} {agent}", agent)
    return Response("", {"Location": to, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}, 302)


@api.get(
    "/v1/coverage",
    allow="coverage.read",
    query=CoverageQuery,
    answer=CoverageView,
    summary="Which places have no group, a dead link, no approved influencer, too few women",
)
def coverage(request: Request, query: CoverageQuery) -> CoverageView:
    page = wiring.coverage().page(
        request.principal,
        query.area,
        query.level,
        query.show,
        limit=query.limit,
        after=read_cursor(request),
    )
    gaps: dict[str, int | None] = asdict(page.gaps)
    if not page.goals_known:
        gaps["under_goal"] = None
    return CoverageView(
        area=page.area,
        level=page.level,
        sums=_sums(page.sums),
        goal=page.goal,
        gaps=GapsView.model_validate(gaps),
        items=[
            NodeView(
                id=node.area,
                names=dict(page.names.get(node.area, {})),
                parent=node.parent or None,
                own=_sums(node.here),
                sums=_sums(node.below),
                goal=node.goal,
                lacks=node.lacks,
            )
            for node in page.nodes
        ],
        next=next_cursor(request, page.next),
    )


@api.put(
    "/v1/coverage/{area}/goal",
    allow="coverage.write",
    body=Goal,
    answer=Goal,
    summary="Set the share of women that the groups of an area and below are to reach; null ends it",
)
def set_goal(request: Request, area: str, body: Goal) -> Goal:
    wiring.coverage().set_goal(request.principal, area, body.women)
    return body


@api.post(
    "/v1/coverage/{area}/recount",
    allow="coverage.write",
    body=Nothing,
    answer=Recounted,
    summary="Read anew what coverage says of a district, a state or India",
)
def recount(request: Request, area: str, body: Nothing) -> Recounted:
    wiring.coverage().covers(request.principal, area)
    return Recounted(area=area, more=wiring.coverage_fold().recount(area))


@api.get(
    "/v1/me/groups",
    allow=CREATOR,
    query=ListQuery,
    answer=OwnGroups,
    summary="The groups of one's own places, with their links: for approved people alone",
)
def my_groups(request: Request, query: ListQuery) -> OwnGroups:
    person = request.principal.id
    page, more = page_of(request, query.limit, wiring.groups().own(person), _smallest_place)
    return OwnGroups(items=[_own(found, person) for found in page], next=more)


def _smallest_place(group: Group) -> str:
    return f"{DEEPEST - len(group.path):02d} {group.id}"


@api.post(
    "/v1/me/groups/{group_id}/figures",
    allow=CREATOR,
    body=Figures,
    answer=OwnGroup,
    again=OWN_AS_NOW,
    summary="Say how many are in a group that one looks after",
)
def my_figures(request: Request, group_id: str, body: Figures) -> OwnGroup:
    person = request.principal.id
    return _own(wiring.groups().own_figures(person, group_id, body), person)


def _kit(made: Kit) -> KitView:
    return KitView(
        group=made.group.id,
        campaign=made.campaign.id,
        title=made.campaign.title,
        texts=dict(made.campaign.texts),
        link=made.link,
        cards=[
            AnswerView.model_validate(card.model_dump())
            for card in wiring.cards().of_campaign(made.campaign.id)
        ],
        handed=_handed(made.handed),
    )


def _handed(handed: Handed) -> HandedView:
    return HandedView.model_validate(asdict(handed))


def _sums(sums: Sums) -> SumsView:
    share = sums.share
    return SumsView(share=None if share is None else round(share, 4), **asdict(sums))


def _view(found: Group) -> GroupView:
    shown = found.model_dump(include=set(GroupView.model_fields))
    return GroupView.model_validate(shown | {"admins": [admin.masked() for admin in found.admins]})


def _own(found: Group, person: str) -> OwnGroup:
    shown = found.model_dump(include=set(OwnGroup.model_fields))
    members = found.figures.members if found.figures else None
    looks_after = person in {admin.influencer for admin in found.admins}
    return OwnGroup.model_validate(shown | {"members": members, "admin": looks_after})
