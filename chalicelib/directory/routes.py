"""Areas, themes and departments: open to read, for the forms; written by staff."""

from __future__ import annotations

import json
from typing import Annotated, Any

from chalice.app import Response
from pydantic import Field

from chalicelib import wiring
from chalicelib.directory.model import Label
from chalicelib.http import JSON, PUBLIC, SAFE_HEADERS, Api, Request, next_cursor, read_cursor
from chalicelib.ports import Area
from chalicelib.shapes import Strict, View

api = Api("directory")

LabelId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{1,39}$")]
Names = Annotated[
    dict[str, Annotated[str, Field(min_length=1, max_length=120)]], Field(min_length=1, max_length=23)
]


class AreasQuery(Strict):
    parent: str = Field("", max_length=40)
    q: str = Field("", max_length=80)
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = None


class AreaView(View):
    id: str
    level: str
    parent: str | None
    path: list[str]
    names: dict[str, str]


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


@api.get(
    "/v1/areas", allow=PUBLIC, query=AreasQuery, answer=AreaList, summary="Areas below one, or by their name"
)
def areas(request: Request, query: AreasQuery) -> Response:
    found, last = wiring.directory().search(query.parent, query.q, read_cursor(request), query.limit)
    items = [_area_view(area) for area in found]
    return _cacheable(AreaList(items=items, next=next_cursor(request, last)))


@api.get("/v1/themes", allow=PUBLIC, answer=LabelList, summary="Themes of campaigns")
def themes(request: Request) -> Response:
    return _cacheable(LabelList(items=[_label_view(label) for label in wiring.directory().themes()]))


@api.get("/v1/departments", allow=PUBLIC, answer=LabelList, summary="Departments")
def departments(request: Request) -> Response:
    return _cacheable(LabelList(items=[_label_view(label) for label in wiring.directory().departments()]))


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


def _area_view(area: Area) -> AreaView:
    return AreaView(
        id=area.id, level=area.level, parent=area.parent, path=list(area.path), names=dict(area.names)
    )


def _label_view(label: Label) -> LabelView:
    return LabelView(id=label.id, names=label.names, sample=label.sample)


def _cacheable(answer: View) -> Response:
    headers: dict[str, Any] = {"Content-Type": JSON} | SAFE_HEADERS | {"Cache-Control": "public, max-age=300"}
    return Response(json.dumps(answer.model_dump(mode="json"), ensure_ascii=False), headers, 200)
