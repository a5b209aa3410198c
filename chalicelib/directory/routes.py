"""Areas, themes and departments: open to read, for the forms; written by staff. And the election calendar."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from chalice.app import Response
from pydantic import Field

from chalicelib import wiring
from chalicelib.clock import rfc3339
from chalicelib.directory.form import ElectionBody
from chalicelib.directory.model import Label, Poll
from chalicelib.errors import NotFound
from chalicelib.http import (
    JSON,
    PUBLIC,
    SAFE_HEADERS,
    Api,
    ListQuery,
    Request,
    empty,
    next_cursor,
    page_of,
    read_cursor,
)
from chalicelib.ports import Area
from chalicelib.shapes import Strict, View

api = Api("directory")

LabelId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{1,39}$")]
Names = Annotated[
    dict[str, Annotated[str, Field(min_length=1, max_length=120)]], Field(min_length=1, max_length=23)
]


class AreasQuery(Strict):
    parent: str = Field("", max_length=40)
    grouping: str = Field("", max_length=40)
    """An assembly constituency or a ward: its booths, by number."""
    q: str = Field("", max_length=80)
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = None


class AreaView(View):
    id: str
    level: str
    parent: str | None
    path: list[str]
    names: dict[str, str]


class WholeAreaView(AreaView):
    """`valid_until`: it has ended, and `successors` came in its place."""

    codes: dict[str, str]
    aliases: list[str]
    valid_from: str
    valid_until: str
    successors: list[AreaView]


class GroupingsQuery(ListQuery):
    within: str = Field(min_length=1, max_length=40)
    """A state: its assembly constituencies; a district: its wards."""
    q: str = Field("", max_length=80)


class GroupingView(View):
    id: str
    kind: str
    within: str
    number: int
    names: dict[str, str]
    codes: dict[str, str]


class GroupingList(View):
    items: list[GroupingView]
    next: str | None = None


class AreaList(View):
    items: list[AreaView]
    next: str | None = None


class LabelBody(Strict):
    id: LabelId
    names: Names


class LabelView(View):
    id: str
    names: dict[str, str]
    sample: bool = False


class LabelList(View):
    items: list[LabelView]
    next: str | None = None


class ElectionView(View):
    id: str
    name: str
    areas: list[str]
    polling_ends: datetime
    silence_from: datetime
    code_from: datetime
    code_until: datetime
    source: str


class ElectionList(View):
    items: list[ElectionView]
    next: str | None = None


@api.get(
    "/v1/areas", allow=PUBLIC, query=AreasQuery, answer=AreaList, summary="Areas below one, or by their name"
)
def areas(request: Request, query: AreasQuery) -> Response:
    directory, after = wiring.directory(), read_cursor(request)
    if query.grouping:
        found, last = directory.booths_of(query.grouping, after, query.limit)
    else:
        found, last = directory.search(query.parent, query.q, after, query.limit)
    items = [_area_view(area) for area in found]
    return _cacheable(AreaList(items=items, next=next_cursor(request, last)))


@api.get("/v1/areas/{area}", allow=PUBLIC, answer=WholeAreaView, summary="One area, also one that has ended")
def one_area(request: Request, area: str) -> Response:
    found = wiring.directory().get(area)
    if found is None:
        raise NotFound
    after = [one for other in found.successors if (one := wiring.directory().get(other)) is not None]
    whole = WholeAreaView(
        **_area_view(found).model_dump(),
        codes=dict(found.codes),
        aliases=list(found.aliases),
        valid_from=found.valid_from,
        valid_until=found.valid_until,
        successors=[_area_view(one) for one in after],
    )
    return _cacheable(whole)


@api.get(
    "/v1/groupings",
    allow=PUBLIC,
    query=GroupingsQuery,
    answer=GroupingList,
    summary="Assembly constituencies of a state, or wards of a district",
)
def groupings(request: Request, query: GroupingsQuery) -> Response:
    found, last = wiring.directory().groupings(query.within, query.q, read_cursor(request), query.limit)
    items = [
        GroupingView(
            id=one.id,
            kind=one.kind,
            within=one.within,
            number=one.number,
            names=dict(one.names),
            codes=dict(one.codes),
        )
        for one in found
    ]
    return _cacheable(GroupingList(items=items, next=next_cursor(request, last)))


@api.get("/v1/themes", allow=PUBLIC, query=ListQuery, answer=LabelList, summary="Themes of campaigns")
def themes(request: Request, query: ListQuery) -> Response:
    return _labels(request, query, wiring.directory().themes())


@api.get("/v1/departments", allow=PUBLIC, query=ListQuery, answer=LabelList, summary="Departments")
def departments(request: Request, query: ListQuery) -> Response:
    return _labels(request, query, wiring.directory().departments())


def _labels(request: Request, query: ListQuery, found: Iterable[Label]) -> Response:
    page, more = page_of(request, query.limit, found, lambda label: label.id)
    return _cacheable(LabelList(items=[_label_view(label) for label in page], next=more))


@api.post(
    "/v1/themes",
    allow="directory.write",
    body=LabelBody,
    answer=LabelView,
    status=201,
    summary="Add or rename a theme",
)
def put_theme(request: Request, body: LabelBody) -> LabelView:
    return _label_view(wiring.directory().put_theme(body.id, body.names, actor=request.principal.id))


@api.post(
    "/v1/departments",
    allow="directory.write",
    body=LabelBody,
    answer=LabelView,
    status=201,
    summary="Add or rename a department",
)
def put_department(request: Request, body: LabelBody) -> LabelView:
    return _label_view(wiring.directory().put_department(body.id, body.names, actor=request.principal.id))


@api.get(
    "/v1/elections",
    allow="election.read",
    query=ListQuery,
    answer=ElectionList,
    summary="The election calendar, latest first",
)
def elections(request: Request, query: ListQuery) -> ElectionList:
    found = wiring.election_desk().listed()
    page, more = page_of(request, query.limit, found, _latest_polling, latest_first=True)
    return ElectionList(items=[_election_view(poll) for poll in page], next=more)


def _latest_polling(poll: Poll) -> str:
    return f"{rfc3339(poll.polling_ends)} {poll.id}"


@api.post(
    "/v1/elections",
    allow="election.write",
    body=ElectionBody,
    answer=ElectionView,
    status=201,
    summary="Put an election, or one phase of it, on the calendar",
)
def add_election(request: Request, body: ElectionBody) -> ElectionView:
    return _election_view(wiring.election_desk().add(request.principal.id, **dict(body)))


@api.get("/v1/elections/{election}", allow="election.read", answer=ElectionView, summary="One election")
def election(request: Request, election: str) -> ElectionView:
    return _election_view(wiring.election_desk().get(election))


@api.put(
    "/v1/elections/{election}",
    allow="election.write",
    body=ElectionBody,
    answer=ElectionView,
    summary="Change an election: senders act on it within 10 s",
)
def change_election(request: Request, election: str, body: ElectionBody) -> ElectionView:
    return _election_view(wiring.election_desk().add(request.principal.id, **dict(body), election=election))


@api.delete(
    "/v1/elections/{election}",
    allow="election.write",
    status=204,
    summary="Take an election off the calendar: silence and code end with it",
)
def remove_election(request: Request, election: str) -> Response:
    wiring.election_desk().remove(request.principal.id, election)
    return empty(204)


def _election_view(poll: Poll) -> ElectionView:
    shown = vars(poll) | {"areas": list(poll.areas), "silence_from": poll.silence[0]}
    return ElectionView.model_validate(shown)


def _area_view(area: Area) -> AreaView:
    return AreaView(
        id=area.id, level=area.level, parent=area.parent, path=list(area.path), names=dict(area.names)
    )


def _label_view(label: Label) -> LabelView:
    return LabelView(id=label.id, names=label.names, sample=label.sample)


def _cacheable(answer: View) -> Response:
    headers: dict[str, Any] = {"Content-Type": JSON} | SAFE_HEADERS | {"Cache-Control": "public, max-age=300"}
    return Response(json.dumps(answer.model_dump(mode="json"), ensure_ascii=False), headers, 200)
