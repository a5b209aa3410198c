"""Voices over HTTP: for staff, who may name one by its id or its ticket; and counted for all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalice.app import Response
from pydantic import Field

from chalicelib import wiring
from chalicelib.errors import NotFound
from chalicelib.http import (
    JSON_HEADERS,
    PUBLIC,
    Again,
    Api,
    Request,
    next_cursor,
    read_cursor,
)
from chalicelib.shapes import Nothing, Strict, View
from chalicelib.voices.casework import Asked, Standing
from chalicelib.voices.form import (
    AnswerBody,
    AssignmentBody,
    MergeBody,
    Reason,
    RedactionBody,
    ResolutionBody,
)
from chalicelib.voices.masking import masked_address, masked_name
from chalicelib.voices.model import (
    Answer,
    Attachment,
    Kind,
    Note,
    Sender,
    Shelf,
    Source,
    Status,
    Told,
    Voice,
)
from chalicelib.voices.routing import Rule
from chalicelib.voices.settings import Rules, Targets
from chalicelib.voices.working import Holiday, Target, WorkCalendar

api = Api("voices")
KEPT_S = 300
"""Public counts may be so old beyond their own age."""


class VoicesQuery(Strict):
    area: str | None = Field(None, min_length=1, max_length=40)
    department: str | None = Field(None, max_length=40)
    status: Standing | None = None
    kind: Kind | None = None
    overdue: bool | None = None
    q: str | None = Field(None, min_length=1, max_length=40)
    """A ticket."""
    limit: int = Field(50, ge=1, le=100)
    cursor: str | None = None


class MaskedSender(View):
    channel: str
    address: str
    name: str
    language: str


class VoiceRow(View):
    """A voice as lists show it: no words but its masked beginning, its sender masked."""

    id: str
    ticket: str
    kind: Kind
    kind_by: str
    status: Status
    shelf: Shelf
    source: Source
    language: str
    area: str
    path: list[str]
    department: str
    routed_by: str
    excerpt: str
    on_behalf: bool
    occasion: str
    sample: bool
    received_at: datetime
    assigned_at: datetime | None
    answered_at: datetime | None
    closed_at: datetime | None
    answer_due: datetime | None
    resolve_due: datetime | None
    overdue: bool
    overdue_at: datetime | None
    reopened: int
    answers: int
    words: int
    pictures: int
    asks: bool
    sender: MaskedSender | None


class VoiceList(View):
    items: list[VoiceRow]
    next: str | None = None


class SaidView(View):
    key: str
    text: str
    at: datetime
    before: list[str]
    redacted: bool
    attachments: list[Attachment]


class VoiceCase(VoiceRow):
    """All that staff see of a voice. `told`: whom words were brought to, and what came of it."""

    said: list[SaidView]
    given: list[Answer]
    told: list[Told]
    notes: list[Note]
    pending: list[str]
    """What is still to be told."""
    main: str
    joined: list[str]
    hidden: str
    carried: bool


class RevealedSender(View):
    channel: str
    address: str
    name: str


class PictureLink(View):
    url: str


class RulesBody(Rules):
    version: int | None = None
    """The number that the version has which is changed; none: whatever stands there."""


class TargetsBody(Targets):
    version: int | None = None


class CalendarBody(WorkCalendar):
    version: int | None = None


class RulesView(View):
    rules: list[Rule]
    version: int


class TargetsView(View):
    targets: list[Target]
    version: int


class CalendarView(View):
    opens: str
    closes: str
    days: list[int]
    saturdays: list[int]
    holidays: list[Holiday]
    version: int


class CountRow(View):
    """Null: not told, since it is small or would tell a small one. Medians in working hours, and in days of
    the calendar."""

    received: int | None
    open: int | None
    answered: int | None
    resolved: int | None
    declined: int | None
    overdue: int | None
    answer_hours: float | None
    answer_days: float | None
    close_hours: float | None
    close_days: float | None


class NamedRow(CountRow):
    id: str
    """A department (`-`: none), or a district."""


class CountsView(View):
    month: str
    at: datetime
    """When it was last folded."""
    total: CountRow
    departments: list[NamedRow]
    areas: list[NamedRow]


class CountsQuery(Strict):
    month: str | None = Field(None, pattern=r"^20\d\d-(0[1-9]|1[0-2])$")


def _as_now(request: Request, kept: Mapping[str, Any]) -> VoiceRow:
    return _row(wiring.voice_desk().get(request.principal, kept["id"]))


AS_NOW = Again(("id",), _as_now)
"""Whose voice it is, is not kept for a repeated write."""


# --- for staff ----------------------------------------------------------------------------------------------


@api.get(
    "/v1/voices",
    allow="voice.read",
    query=VoicesQuery,
    answer=VoiceList,
    summary="Voices of one's departments and areas: the open ones, unless others are asked for",
)
def voices(request: Request, query: VoicesQuery) -> VoiceList:
    desk, who = wiring.voice_desk(), request.principal
    if query.q is not None:
        found, after = desk.with_ticket(who, query.q), None
    else:
        asked = Asked(query.area, query.department, query.status, query.kind, query.overdue)
        found, after = desk.listed(who, asked, query.limit, read_cursor(request))
    senders = desk.senders(found)
    return VoiceList(
        items=[_row(one, senders.get(one.id)) for one in found], next=next_cursor(request, after)
    )


@api.get(
    "/v1/voices/{ticket}/case",
    allow="voice.read",
    answer=VoiceCase,
    summary="All of a voice: what was said, answered, told, and noted",
)
def case(request: Request, ticket: str) -> VoiceCase:
    found = wiring.voice_desk().whole(request.principal, ticket)
    row = _row(found.voice, found.sender)
    return VoiceCase(
        **{name: getattr(row, name) for name in VoiceRow.model_fields},
        said=[
            SaidView(
                key=one.key,
                text=one.text,
                at=one.at,
                before=list(one.before),
                redacted=bool(one.redacted_by),
                attachments=list(one.attachments),
            )
            for one in found.said
        ],
        given=list(found.answers),
        told=list(found.told),
        notes=list(found.notes),
        pending=list(found.voice.pending),
        main=found.voice.main,
        joined=list(found.voice.joined),
        hidden=found.voice.hidden,
        carried=bool(found.voice.carried_by),
    )


@api.post(
    "/v1/voices/{ticket}/reveal",
    allow="voice.reveal",
    body=Nothing,
    answer=RevealedSender,
    kept=False,
    summary="Whose voice it is, in clear; that it was looked at is kept",
)
def reveal(request: Request, ticket: str, body: Nothing) -> RevealedSender:
    found = wiring.voice_desk().reveal(request.principal, ticket)
    return RevealedSender(channel=found.channel, address=found.address, name=found.name)


@api.post(
    "/v1/voices/{ticket}/assignment",
    allow="voice.assign",
    body=AssignmentBody,
    answer=VoiceRow,
    again=AS_NOW,
    summary="Give a voice to a department (to another one with a reason), or correct its kind",
)
def assign(request: Request, ticket: str, body: AssignmentBody) -> VoiceRow:
    desk = wiring.voice_desk()
    return _row(desk.assign(request.principal, ticket, body.department, body.reason, body.kind))


@api.post(
    "/v1/voices/{ticket}/answer",
    allow="voice.answer",
    body=AnswerBody,
    answer=VoiceRow,
    again=AS_NOW,
    summary="Answer a voice, and all that are joined to it",
)
def answer(request: Request, ticket: str, body: AnswerBody) -> VoiceRow:
    return _row(wiring.voice_desk().answer(request.principal, ticket, body.text, asks=body.asks))


@api.post(
    "/v1/voices/{ticket}/resolution",
    allow="voice.answer",
    body=ResolutionBody,
    answer=VoiceRow,
    again=AS_NOW,
    summary="End a voice: what was done, or why nothing is",
)
def resolve(request: Request, ticket: str, body: ResolutionBody) -> VoiceRow:
    return _row(wiring.voice_desk().close(request.principal, ticket, body.status, body.text))


@api.post(
    "/v1/voices/{ticket}/reopening",
    allow="voice.answer",
    body=Reason,
    answer=VoiceRow,
    again=AS_NOW,
    summary="Open a closed voice again",
)
def reopen(request: Request, ticket: str, body: Reason) -> VoiceRow:
    return _row(wiring.voice_desk().reopen(request.principal, ticket, body.reason))


@api.post(
    "/v1/voices/{ticket}/merge",
    allow="voice.merge",
    body=MergeBody,
    answer=VoiceRow,
    again=AS_NOW,
    summary="Join a voice to another one that is the same",
)
def merge(request: Request, ticket: str, body: MergeBody) -> VoiceRow:
    return _row(wiring.voice_desk().merge(request.principal, ticket, body.into, body.reason))


@api.post(
    "/v1/voices/{ticket}/parting",
    allow="voice.merge",
    body=Reason,
    answer=VoiceRow,
    again=AS_NOW,
    summary="Undo that a voice was joined to another one",
)
def part(request: Request, ticket: str, body: Reason) -> VoiceRow:
    return _row(wiring.voice_desk().part(request.principal, ticket, body.reason))


@api.post(
    "/v1/voices/{ticket}/abuse",
    allow="voice.moderate",
    body=Reason,
    answer=VoiceRow,
    again=AS_NOW,
    summary="Hide a voice as abuse",
)
def hide(request: Request, ticket: str, body: Reason) -> VoiceRow:
    return _row(wiring.voice_desk().hide(request.principal, ticket, body.reason))


@api.delete(
    "/v1/voices/{ticket}/abuse",
    allow="voice.moderate",
    answer=VoiceRow,
    again=AS_NOW,
    summary="Show a voice again that was hidden as abuse",
)
def show(request: Request, ticket: str) -> VoiceRow:
    return _row(wiring.voice_desk().hide(request.principal, ticket, ""))


@api.post(
    "/v1/voices/{ticket}/redaction",
    allow="voice.moderate",
    body=RedactionBody,
    answer=VoiceRow,
    again=AS_NOW,
    summary="Take parts out of what was said, such as the name of a third person",
)
def redact(request: Request, ticket: str, body: RedactionBody) -> VoiceRow:
    return _row(wiring.voice_desk().redact(request.principal, ticket, body.key, body.parts))


@api.get(
    "/v1/voices/{ticket}/attachments/{number}",
    allow="voice.read",
    answer=PictureLink,
    summary="An address from which a picture can be read for two minutes",
)
def picture(request: Request, ticket: str, number: str) -> PictureLink:
    if not number.isascii() or not number.isdigit() or len(number) > 4:  # noqa: PLR2004 - as many as no voice has
        raise NotFound
    return PictureLink(url=wiring.voice_desk().picture(request.principal, ticket, int(number)))


# --- what holds for all -------------------------------------------------------------------------------------


@api.get("/v1/voices/rules", allow="voice_rule.read", answer=RulesView, summary="The rules that route voices")
def rules(request: Request) -> RulesView:
    return _rules(*wiring.voice_settings().get(Rules))


@api.put(
    "/v1/voices/rules",
    allow="voice_rule.write",
    body=RulesBody,
    answer=RulesView,
    summary="Set the rules that route voices, in the order in which they are tried",
)
def set_rules(request: Request, body: RulesBody) -> RulesView:
    return _rules(*wiring.voice_settings().put(request.principal, Rules(rules=body.rules), body.version))


@api.get(
    "/v1/voices/targets", allow="voice_rule.read", answer=TargetsView, summary="How long voices may wait"
)
def targets(request: Request) -> TargetsView:
    return _targets(*wiring.voice_settings().get(Targets))


@api.put(
    "/v1/voices/targets",
    allow="voice_rule.write",
    body=TargetsBody,
    answer=TargetsView,
    summary="Set how many working hours voices may wait, by kind and department",
)
def set_targets(request: Request, body: TargetsBody) -> TargetsView:
    wanted = Targets(targets=body.targets)
    return _targets(*wiring.voice_settings().put(request.principal, wanted, body.version))


@api.get(
    "/v1/voices/holidays",
    allow="voice_rule.read",
    answer=CalendarView,
    summary="When offices work: hours, days, holidays",
)
def holidays(request: Request) -> CalendarView:
    return _calendar(*wiring.voice_settings().get(WorkCalendar))


@api.put(
    "/v1/voices/holidays",
    allow="voice_rule.write",
    body=CalendarBody,
    answer=CalendarView,
    summary="Set when offices work: deadlines that run already stay",
)
def set_holidays(request: Request, body: CalendarBody) -> CalendarView:
    wanted = WorkCalendar(**{name: getattr(body, name) for name in WorkCalendar.model_fields})
    return _calendar(*wiring.voice_settings().put(request.principal, wanted, body.version))


# --- for all ------------------------------------------------------------------------------------------------


@api.get(
    "/v1/voices/counts",
    allow=PUBLIC,
    query=CountsQuery,
    answer=CountsView,
    summary="How many voices came, were answered, resolved: by department and district, small numbers hidden",
)
def counts(request: Request, query: CountsQuery) -> Response:
    """Of those received in a month (none named: the latest): what has become of them by now."""
    found = wiring.voice_counts().public(query.month)
    if found is None:
        raise NotFound
    headers: dict[str, str | list[str]] = {**JSON_HEADERS, "Cache-Control": f"public, max-age={KEPT_S}"}
    return Response(json.dumps(found), headers, 200)


# --- views --------------------------------------------------------------------------------------------------


def _row(voice: Voice, sender: Sender | None = None) -> VoiceRow:
    shown = voice.model_dump(include=set(VoiceRow.model_fields))
    masked = None
    if sender is not None:
        masked = MaskedSender(
            channel=sender.channel,
            address=masked_address(sender.address),
            name=masked_name(sender.name),
            language=sender.language,
        )
    overdue = voice.overdue(wiring.clock().now())
    return VoiceRow.model_validate(shown | {"shelf": voice.shelf, "overdue": overdue, "sender": masked})


def _rules(kept: Rules, version: int) -> RulesView:
    return RulesView(rules=list(kept.rules), version=version)


def _targets(kept: Targets, version: int) -> TargetsView:
    return TargetsView(targets=list(kept.targets), version=version)


def _calendar(kept: WorkCalendar, version: int) -> CalendarView:
    return CalendarView.model_validate(kept.model_dump() | {"version": version})
