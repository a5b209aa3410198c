"""The register of groups over HTTP: for staff, and for creators the groups of their own places."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from chalicelib import wiring
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
from chalicelib.http import CREATOR, Api, ListQuery, Request, next_cursor, page_of, read_cursor
from chalicelib.shapes import Nothing, Strict, View

api = Api("groups")
DEEPEST = 99
"""No area lies so deep: what is taken from it puts the smallest place first."""


class GroupsQuery(Strict):
    area: str | None = Field(None, max_length=40)
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
    summary="Change a group's name, area, departments or admins",
)
def change_group(request: Request, group_id: str, body: GroupChange) -> GroupView:
    return _view(wiring.groups().change(request.principal, group_id, body))


@api.put(
    "/v1/groups/{group_id}/link",
    allow="group.write",
    body=LinkWord,
    answer=GroupView,
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
    kept=False,
    summary="Say how many are in a group that one looks after",
)
def my_figures(request: Request, group_id: str, body: Figures) -> OwnGroup:
    person = request.principal.id
    return _own(wiring.groups().own_figures(person, group_id, body), person)


def _view(found: Group) -> GroupView:
    shown = found.model_dump(include=set(GroupView.model_fields))
    return GroupView.model_validate(shown | {"admins": [admin.masked() for admin in found.admins]})


def _own(found: Group, person: str) -> OwnGroup:
    shown = found.model_dump(include=set(OwnGroup.model_fields))
    members = found.figures.members if found.figures else None
    looks_after = person in {admin.influencer for admin in found.admins}
    return OwnGroup.model_validate(shown | {"members": members, "admin": looks_after})
