"""The console's room of imports: choose what a file holds, see what it would do, then let it in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalice.app import Response

from chalicelib import wiring
from chalicelib.errors import NotFound, Rejected
from chalicelib.http import Api, Request, next_cursor, read_cursor, redirect
from chalicelib.i18n import translate
from chalicelib.ids import new_token
from chalicelib.imports.model import READ, WRITE, Job, action_of
from chalicelib.imports.service import MOST_IN_A_FORM
from chalicelib.pages import console
from chalicelib.pages.figures import moment
from chalicelib.pages.forms import Form, whole
from chalicelib.pages.shell import mark

api = Api("imports_desk")

PAGE = 25
ERRORS_A_PAGE = 50
ROOM = "/console/imports"


@dataclass(frozen=True)
class Kind:
    """How a kind of file is offered: `sample` shows its usual columns, each with a cell for each row."""

    title: str
    hint: str
    sample: Mapping[str, Sequence[str]]
    elections: Mapping[str, str] = field(default_factory=dict)
    """Options that are an election of the past, with their labels."""
    source: bool = False
    """Whether it is asked where the figures are from."""


KINDS = {
    "influencers": Kind(
        mark("Creators to invite"),
        mark("People who may be invited. They get nothing until they have agreed themselves."),
        {
            "name": ("Namuna Sunita Devi", "Namuna Ravi Kumar"),
            "phone": ("9000000001", "9000000002"),
            "area": ("D9001", "D9001"),
            "language": ("hi", "hi"),
            "gender": ("female", "male"),
            "themes": ("health", ""),
            "instagram": ("namuna1", ""),
            "instagram_followers": ("1200", ""),
        },
    ),
    "groups": Kind(
        mark("Groups"),
        mark("WhatsApp and Telegram groups of places, with their figures."),
        {
            "link": ("https://chat.whatsapp.com/NamunaSampleGroup0001", "https://t.me/+NamunaSample02"),
            "area": ("D9001", "D9001"),
            "name": ("Namuna Mahila Samuh", "Namuna Yuva Samuh"),
            "admin_name": ("Namuna Devi", ""),
            "admin_phone": ("9000000003", ""),
            "members": ("212", "98"),
            "women": ("150", ""),
            "month": ("2026-01", "2026-01"),
        },
    ),
    "areas": Kind(
        mark("Areas"),
        mark(
            "States, districts, blocks or polling booths, a file for each, the larger ones first: lists of "
            "the Local Government Directory go in as they are."
        ),
        {
            "district_lgd": ("162", "162"),
            "block_lgd": ("2504", "2504"),
            "constituency": ("168", "168"),
            "booth": ("12", "13"),
            "name_en": ("Namuna School, room 1", "Namuna School, room 2"),
            "name_hi": ("नमूना विद्यालय, कक्ष 1", "नमूना विद्यालय, कक्ष 2"),
        },
    ),
    "turnout": Kind(
        mark("Turnout"),
        mark(
            "Electors and voters of polling booths at an election of the past. Empty voters: not told, which "
            "is not 0."
        ),
        {
            "district": ("162", "162"),
            "constituency": ("168", "168"),
            "number": ("12", "13"),
            "electors": ("1012", "987"),
            "voters": ("604", ""),
            "electors_female": ("480", ""),
            "voters_female": ("291", ""),
        },
        {"election": mark("Election")},
        source=True,
    ),
    "turnout_matches": Kind(
        mark("Which booth was which"),
        mark("Pairs of a booth at an earlier election and at a later one: only these are compared."),
        {"before": ("D162-A168-P12", "D162-A168-P13"), "after": ("D162-A168-P14", "D162-A168-P15")},
        {"before": mark("Earlier election"), "after": mark("Later election")},
    ),
    "departments": Kind(
        mark("Departments"),
        mark("Departments with their names, accounts and nodal officers."),
        {
            "id": ("namuna-health",),
            "name_en": ("Namuna Department of Health",),
            "name_hi": ("नमूना स्वास्थ्य विभाग",),
            "facebook": ("namunahealth",),
            "youtube": ("@namunahealth",),
            "officer": ("Namuna Rekha Singh",),
            "officer_designation": ("Nodal officer",),
            "officer_phone": ("9000000004",),
        },
    ),
}
"""In the order in which they are offered."""
NAMES = {
    "file": mark("File"),
    "options.election": mark("Election"),
    "options.before": mark("Earlier election"),
    "options.after": mark("Later election"),
    "options.source": mark("Where the figures are from"),
}
STATUS = {
    "created": mark("no file yet"),
    "queued": mark("waits its turn"),
    "running": mark("being read"),
    "finished": mark("finished"),
    "failed": mark("failed"),
}
CHIPS = {"finished": "", "failed": " bad"}
SAID = {
    "checking": mark("The file is here and is being checked. Nothing is changed by that."),
    "started": mark("It has begun. You may leave this page: it goes on by itself."),
}


@api.page("GET", ROOM, allow=READ, summary="Imports, the newest first")
def imports(request: Request) -> Response:
    found, after = wiring.imports().listed(request.principal, PAGE, read_cursor(request))
    return console.page(
        request,
        "console_imports.html",
        "imports",
        kinds=_offered(request),
        jobs=[_row(request, job) for job in found],
        cursor=next_cursor(request, after),
    )


@api.page("GET", f"{ROOM}/new/{{kind}}", allow=WRITE, summary="The form for a file of one kind")
def new_import(request: Request, kind: str) -> Response:
    return _form_page(request, kind, Form())


@api.page("GET", f"{ROOM}/new/{{kind}}/sample", allow=WRITE, summary="A sample of such a file, to fill in")
def sample(request: Request, kind: str) -> Response:
    columns = _kind(request, kind).sample
    rows = list(zip(*columns.values(), strict=True))
    return console.csv_file(f"janjan-{kind}-sample", list(columns), rows)


@api.page("POST", f"{ROOM}/new/{{kind}}", allow=WRITE, summary="Hand in a file, to see what it would do")
def hand_in(request: Request, kind: str) -> Response:
    shown, form = _kind(request, kind), Form(request.form())
    names = [*shown.elections, *(["source"] if shown.source else [])]
    options = {name: form.one(f"options.{name}").strip() for name in names}
    try:
        job = wiring.imports().hand_in(
            request.principal, kind=kind, options=options, file=request.file("file"), once=form.one("once")
        )
    except Rejected as error:
        return _form_page(request, kind, form, error)
    return redirect(console.link(request, f"{ROOM}/{job.id}", said="checking"))


@api.page("GET", f"{ROOM}/{{job_id}}", allow=READ, summary="How far an import is, and what it did not take")
def one_import(request: Request, job_id: str) -> Response:
    return _job_page(request, job_id)


@api.page("POST", f"{ROOM}/{{job_id}}/start", allow=WRITE, summary="Go on with an import that stopped")
def start(request: Request, job_id: str) -> Response:
    try:
        wiring.imports().start(request.principal, job_id)
    except NotFound:
        raise
    except Rejected as error:
        return _job_page(request, job_id, error)
    return redirect(console.link(request, f"{ROOM}/{job_id}", said="started"))


@api.page("POST", f"{ROOM}/{{job_id}}/taken", allow=WRITE, summary="Do what a dry run has shown")
def take_over(request: Request, job_id: str) -> Response:
    try:
        job = wiring.imports().take_over(request.principal, job_id)
    except NotFound:
        raise
    except Rejected as error:
        return _job_page(request, job_id, error)
    return redirect(console.link(request, f"{ROOM}/{job.id}", said="started"))


def _offered(request: Request) -> list[tuple[str, Kind]]:
    may = request.principal.may
    return [(name, kind) for name, kind in KINDS.items() if may(WRITE) and may(action_of(name))]


def _kind(request: Request, kind: str) -> Kind:
    """Raises NotFound, also for a kind that the caller may not import."""
    found = dict(_offered(request)).get(kind)
    if found is None:
        raise NotFound
    return found


def _form_page(request: Request, kind: str, form: Form, error: Rejected | None = None) -> Response:
    shown = _kind(request, kind)
    known = {column.name: column for column in wiring.import_kinds()[kind]().columns}
    elections = wiring.turnouts().elections() if shown.elections else []
    return console.page(
        request,
        "console_import_new.html",
        "imports",
        status=error.status if error else 200,
        chosen=kind,
        shown=shown,
        form=form,
        once=form.one("once") or new_token(),
        elections=[(one.id, one.name) for one in elections],
        columns=[(known[name], cells[0]) for name, cells in shown.sample.items() if name in known],
        more=[name for name in known if name not in shown.sample],
        most=MOST_IN_A_FORM // 1024 // 1024,
        **console.refusal(error, request.lang, NAMES),
    )


def _row(request: Request, job: Job) -> dict[str, Any]:
    """A job as lists show it."""
    kind = KINDS.get(job.kind)
    return {
        "id": job.id,
        "title": translate(request.lang, kind.title) if kind else job.kind,
        "dry_run": job.dry_run,
        "status": translate(request.lang, STATUS[job.status]),
        "chip": CHIPS.get(job.status, " wait"),
        "at": moment(job.created_at),
        "sums": job.progress,
        "mine": job.actor == request.principal.id,
        "by": job.actor,
    }


def _job_page(request: Request, job_id: str, error: Rejected | None = None) -> Response:
    imports = wiring.imports()
    job = imports.get(request.principal, job_id)
    wrong = imports.errors(job)
    column, number = request.query.get("column", ""), whole(request.query.get("page", ""))
    here = [one for one in wrong if column in ("", one.column or "-")]
    begin = ((number or 1) - 1) * ERRORS_A_PAGE
    mine = job.actor == request.principal.id and request.principal.may(WRITE)
    after = imports.taken_over(job) if job.dry_run and job.status == "finished" else ""
    failure = job.failure
    return console.page(
        request,
        "console_import.html",
        "imports",
        status=error.status if error else 200,
        said=SAID,
        job=job,
        row=_row(request, job),
        goes_on=job.status in ("queued", "running"),
        mine=mine,
        taken=after if after and imports.store.get(after) else "",
        options=[
            (translate(request.lang, NAMES.get(f"options.{name}", name)), value)
            for name, value in job.options.items()
        ],
        failure=translate(request.lang, failure.message, failure.params) if failure else "",
        failures=[translate(request.lang, one.message, one.params) for one in failure.errors]
        if failure
        else [],
        wrong=[
            (one.row, one.column, one.reasons.get(request.lang) or one.reasons.get("en", ""))
            for one in here[begin : begin + ERRORS_A_PAGE]
        ],
        found=len(here),
        first=begin + 1,
        next_page=begin // ERRORS_A_PAGE + 2 if begin + ERRORS_A_PAGE < len(here) else 0,
        column=column,
        columns=sorted(Counter(one.column for one in wrong).items(), key=lambda one: -one[1]),
        errors_url=imports.errors_url(job),
        **console.refusal(error, request.lang, NAMES),
    )
