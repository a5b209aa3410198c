"""Imports: made, started, looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from chalicelib import wiring
from chalicelib.http import Again, Api, Request, next_cursor, read_cursor
from chalicelib.i18n import translate
from chalicelib.imports.model import READ, WRITE, Failure, Job
from chalicelib.shapes import Strict, View
from chalicelib.uploads import Form

api = Api("imports")

Name = Annotated[str, Field(min_length=1, max_length=60)]
Said = Annotated[str, Field(max_length=200)]


class ImportBody(Strict):
    kind: Annotated[str, Field(min_length=1, max_length=40)]
    """`influencers`, `areas`, `turnout`, `turnout_matches`, `groups`, `departments`."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the file, in hexadecimal."""
    bytes: Annotated[int, Field(ge=1)]
    """The file's size."""
    dry_run: bool = False
    """Whether only to say what would change."""
    options: Annotated[dict[Name, Said], Field(max_length=20)] = {}
    """What holds for all rows, as the kind asks: `election`, `source` …"""
    columns: Annotated[dict[Name, Said], Field(max_length=60)] = {}
    """The file's header by our column's name, where they differ."""


class DiffView(View):
    """How many rows do what to the stored records."""

    new: int
    changed: int
    same: int


class FailureView(View):
    code: str
    message: str
    errors: list[dict[str, str]]
    resumable: bool
    """Whether starting the import again goes on where it stopped."""


class ImportView(View):
    """`read` = `accepted` + `rejected` + `duplicates`: rows, without blank ones."""

    id: str
    kind: str
    dry_run: bool
    status: str
    """`created`, `queued`, `running`, `finished` or `failed`."""
    read: int
    accepted: int
    rejected: int
    duplicates: int
    diff: DiffView
    row: int
    """Up to which row of the file all is taken, as spreadsheets count."""
    errors_url: str | None
    """CSV of the rows that were not taken, with the reason: valid for a quarter of an hour."""
    failure: FailureView | None
    options: dict[str, str]
    by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class MadeView(ImportView):
    upload: Form
    upload_until: datetime


class ImportList(View):
    items: list[ImportView]
    next: str | None = None


class ImportsQuery(Strict):
    limit: int = Field(25, ge=1, le=100)
    cursor: str | None = None


def _as_now(request: Request, kept: Mapping[str, Any]) -> MadeView:
    imports = wiring.imports()
    job = imports.get(request.principal, kept["id"])
    return _made(request, job, *imports.form(job))


AS_NOW = Again(("id",), _as_now)
"""With the form anybody may post the file: it is not kept for a repeated write."""


@api.post(
    "/v1/imports",
    allow=WRITE,
    body=ImportBody,
    answer=MadeView,
    again=AS_NOW,
    status=201,
    summary="Make an import, and get where to post its file",
)
def make(request: Request, body: ImportBody) -> MadeView:
    said = dict(body)
    return _made(request, *wiring.imports().make(request.principal, size=said.pop("bytes"), **said))


@api.post(
    "/v1/imports/{job_id}/start",
    allow=WRITE,
    answer=ImportView,
    summary="Start an import whose file is there, or go on with one that stopped",
)
def start(request: Request, job_id: str) -> ImportView:
    return ImportView(**_shown(request, wiring.imports().start(request.principal, job_id)))


@api.get(
    "/v1/imports", allow=READ, query=ImportsQuery, answer=ImportList, summary="Imports, the newest first"
)
def imports(request: Request, query: ImportsQuery) -> ImportList:
    found, after = wiring.imports().listed(request.principal, query.limit, read_cursor(request))
    return ImportList(
        items=[ImportView(**_shown(request, job)) for job in found], next=next_cursor(request, after)
    )


@api.get("/v1/imports/{job_id}", allow=READ, answer=ImportView, summary="How far an import is")
def one(request: Request, job_id: str) -> ImportView:
    return ImportView(**_shown(request, wiring.imports().get(request.principal, job_id)))


def _made(request: Request, job: Job, url: str, fields: dict[str, str]) -> MadeView:
    until = wiring.imports().upload_until(job)
    return MadeView(**_shown(request, job), upload=Form(url=url, fields=fields), upload_until=until)


def _shown(request: Request, job: Job) -> dict[str, Any]:
    done = job.progress
    return vars(job) | {
        "read": done.read,
        "accepted": done.accepted,
        "rejected": done.rejected,
        "duplicates": done.duplicates,
        "diff": DiffView(new=done.new, changed=done.changed, same=done.same),
        "row": done.row,
        "errors_url": wiring.imports().errors_url(job),
        "failure": job.failure and _failure(job.failure, request.lang),
        "by": job.actor,
    }


def _failure(failure: Failure, lang: str) -> FailureView:
    errors = [
        {"field": one.field, "code": one.code, "message": translate(lang, one.message, one.params)}
        for one in failure.errors
    ]
    message = translate(lang, failure.message, failure.params)
    return FailureView(code=failure.code, message=message, errors=errors, resumable=failure.resumable)
