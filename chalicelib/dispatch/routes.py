"""What became of a campaign, and stops, for staff."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple
from urllib.parse import unquote

from chalice.app import Response
from pydantic import Field, StringConstraints

from chalicelib import wiring
from chalicelib.clock import IST
from chalicelib.dispatch.model import Decision, Status
from chalicelib.errors import Forbidden, InvalidInput, NotFound
from chalicelib.http import Api, Request, empty, html, next_cursor, read_cursor
from chalicelib.ports import RunBrief
from chalicelib.shapes import Strict, View

if TYPE_CHECKING:
    from chalicelib.dispatch.officer import OfficerReport
    from chalicelib.dispatch.report import Delivery
    from chalicelib.dispatch.store import BundleState, Stop

api = Api("dispatch")
PAGE_OF_CAMPAIGNS = 50
UNKNOWN_SHOWN = 20
"""So many unknown deliveries the report's page lists; the rest is behind /v1/campaigns/{id}/deliveries."""


class CountsView(View):
    """targeted = planned + skipped; planned = in_progress + accepted + failed + unknown + not_sent.

    Closed are part of unknown, resent part of planned; late stand beside: first attempts that arrived though
    a second one was sent.
    """

    targeted: int
    planned: int
    skipped: dict[str, int]
    in_progress: int
    accepted: int
    delivered: int
    read: int
    failed: int
    failed_by_code: dict[str, int]
    unknown: int
    not_sent: dict[str, int]
    no_receipts: int
    closed: int
    resent: int
    late: int


class ReportView(CountsView):
    """The counts, whole and in groups.

    `sent`: people to whom a request was made. `left`: people who were not sent to because the time was over.
    `half_sent`: both in one run.
    """

    campaign: str
    status: str
    runs: list[str]
    sent: int
    left: int
    half_sent: bool
    by_channel: dict[str, CountsView]
    by_area: dict[str, CountsView]
    updated_at: datetime


class DecisionView(View):
    """What a person decided about an unknown delivery; `resend` is the key of the attempt that follows."""

    key: str
    decision: Decision
    reason: str
    by: str
    at: datetime
    resend: str | None


class DecisionBody(Strict):
    decision: Decision
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class DeliveryView(View):
    key: str
    influencer: str
    channel: str
    language: str
    district: str
    status: Status
    code: str
    times: dict[str, datetime]
    decided: DecisionView | None


class DeliveryList(View):
    items: list[DeliveryView]
    next: str | None


class DeliveryQuery(Strict):
    status: Status | None = None
    run: str | None = None
    limit: int = Field(default=100, ge=1, le=500)
    cursor: str | None = None


class LateView(View):
    """Receipts that are later than a moment, by the platform's clock."""

    delivered: int
    read: int


class FiguresView(View):
    """planned = sent + failed + unknown + waiting + the sum of stopped; arrived are part of sent."""

    planned: int
    sent: int
    arrived: int
    failed: int
    unknown: int
    waiting: int
    stopped: dict[str, int]
    late_after_expiry: LateView
    late_after_cancel: LateView
    first_request: datetime | None
    last_request: datetime | None


class OfficerRunView(FiguresView):
    run: str
    kind: str
    status: str
    at: datetime
    expires_at: datetime
    ended_at: datetime | None
    by_area: dict[str, FiguresView]


class ActionView(View):
    """An entry of the audit."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, str | int | bool | list[str] | None]
    seq: int
    hash: str


class SealView(View):
    """Where the audit stood: the end of the campaign's chain, and the latest daily root."""

    chain: str
    seq: int
    head: str
    root_date: str | None
    root: str | None


class SignatureView(View):
    by: str
    at: datetime
    figures: str
    reason: str
    current: bool
    """Whether these are still the figures."""


class OfficerReportView(View):
    campaign: str
    status: str
    department: str
    runs: list[OfficerRunView]
    figures: str
    """SHA-256 of the JSON (sorted names, no spaces, UTF-8) of `{campaign, runs}`."""
    actions: list[ActionView]
    audit: SealView
    signatures: list[SignatureView]
    as_of: datetime


class SignatureBody(Strict):
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""


class BundleBody(Strict):
    run: str = Field(min_length=1, max_length=60)


class BundleQuery(Strict):
    run: str | None = None


class BundleView(View):
    """How far the proof of a run is. `files` are addresses that hold for 15 minutes, by file name; `sha256`
    is that of `manifest.json`, and in the audit as `campaign.bundle_made`."""

    id: str
    run: str
    status: Literal["running", "done", "unfinished"]
    by: str
    at: datetime
    chunks: int
    sha256: str
    files: dict[str, str]


class BundleList(View):
    items: list[BundleView]
    next: str | None = None


class StopReason(Strict):
    reason: str = Field(min_length=1, max_length=500)


class StopView(View):
    scope: str
    reason: str
    by: str
    at: datetime


class StopList(View):
    items: list[StopView]
    next: str | None = None


class Head(NamedTuple):
    """What the report says of the campaign itself."""

    id: str
    title: str
    status: str
    department: str
    runs: list[RunBrief]


def _seen(request: Request, campaign_id: str, action: str = "campaign.report") -> Head:
    """The campaign, when the caller may do `action` for its department. Raises NotFound, Forbidden."""
    campaign = wiring.campaigns().get(campaign_id)
    if not request.principal.covers_department(campaign.content.department, action):
        raise Forbidden
    runs = wiring.runs().of_campaign(campaign_id)
    return Head(campaign.id, campaign.content.title, campaign.status, campaign.content.department, runs)


def _report(head: Head) -> ReportView:
    from chalicelib.dispatch.report import counts_as_json

    report = wiring.reporter().report(head.runs)
    shown = counts_as_json(report.counts) | {
        "campaign": head.id,
        "status": head.status,
        "runs": [run.run_id for run in head.runs],
        "by_channel": {name: counts_as_json(counts) for name, counts in report.by_channel.items()},
        "by_area": {name: counts_as_json(counts) for name, counts in report.by_area.items()},
        "sent": report.counts.sent,
        "left": report.counts.left,
        "half_sent": report.half_sent,
        "updated_at": report.updated_at,
    }
    return ReportView.model_validate(shown)


@api.get(
    "/v1/campaigns/{campaign_id}/report",
    allow="campaign.report",
    answer=ReportView,
    summary="What became of a campaign",
)
def report(request: Request, campaign_id: str) -> ReportView:
    return _report(_seen(request, campaign_id))


@api.page("GET", "/campaigns/{campaign_id}/report", allow="campaign.report", summary="The report as a page")
def report_page(request: Request, campaign_id: str) -> Response:
    from chalicelib.dispatch.words import CAMPAIGN, CHANNELS, REASONS
    from chalicelib.pages import shell

    head = _seen(request, campaign_id)
    shown = _report(head)

    def worded(reasons: dict[str, int]) -> list[tuple[str, int]]:
        return [(REASONS.get(reason, reason), count) for reason, count in reasons.items()]

    values = shown.model_dump() | {"not_sent": worded(shown.not_sent), "skipped": worded(shown.skipped)}
    page = shell.render(
        "report.html",
        request.lang,
        path=f"/campaigns/{campaign_id}/report",
        title=head.title,
        status=CAMPAIGN[head.status],
        report=values,
        by_channel=[(CHANNELS.get(name, name), counts) for name, counts in shown.by_channel.items()],
        by_area=[(_area_name(area, request.lang), counts) for area, counts in shown.by_area.items()],
        channel_names=CHANNELS,
        officer=request.principal.may("officer_report.read"),
        unknown=_unknown(request, head) if shown.unknown else [],
        timetable=_timetable(campaign_id),
        updated_at=f"{shown.updated_at.astimezone(IST):%d.%m.%Y %H:%M:%S}",
    )
    return html(page, headers={"Refresh": "5"} if shown.in_progress else None)


def _timetable(campaign_id: str) -> dict[str, Any]:
    """What the page says of runs, repetition and quiet hours; times by India's clock."""
    from chalicelib.dispatch.words import CAMPAIGN, EVERY

    quiet, found = wiring.campaigns().timetable(campaign_id)
    series = [run.series for run in found if run.series]
    first = series[-1].first if series else None
    return {
        "quiet": quiet,
        "spread": max((run.spread_minutes for run in found), default=0),
        "series": series[-1] if series else None,
        "every": EVERY[series[-1].every] if series else "",
        "time": f"{first:%H:%M}" if first else "",
        "runs": [
            {
                "number": run.number,
                "at": f"{run.at.astimezone(IST):%d.%m.%Y %H:%M}",
                "until": f"{run.expires_at.astimezone(IST):%d.%m.%Y %H:%M}",
                "status": CAMPAIGN[run.status],
                "left": run.left,
                "missed": run.series.missed if run.series else 0,
            }
            for run in found
        ],
    }


def _unknown(request: Request, head: Head) -> list[Delivery]:
    """The first unknown deliveries of the newest runs, for whoever may see deliveries."""
    if not request.principal.may("delivery.read"):
        return []
    found: list[Delivery] = []
    for run in reversed(head.runs):
        left = UNKNOWN_SHOWN - len(found)
        if left > 0:
            found += wiring.reporter().deliveries(run.run_id, Status.UNKNOWN, None, left)[0][:left]
    return found


def _area_name(area_id: str, lang: str) -> str:
    area = wiring.directory().get(area_id)
    return (area.names.get(lang) or area.names.get("en") or area_id) if area else area_id


@api.page("GET", "/campaigns", allow="campaign.read", summary="All campaigns as a page")
def campaigns_page(request: Request) -> Response:
    from chalicelib.dispatch.words import CAMPAIGN, EVERY
    from chalicelib.pages import shell

    found, more = wiring.campaigns().page("", "", read_cursor(request), PAGE_OF_CAMPAIGNS)
    campaigns = [
        {
            "id": one.id,
            "title": one.content.title,
            "status": CAMPAIGN[one.status],
            "every": EVERY[one.repeats] if one.repeats else "",
            "day": f"{one.created_at.astimezone(IST):%d.%m.%Y}",
        }
        for one in found
    ]
    cursor = next_cursor(request, more)
    return html(
        shell.render("campaigns.html", request.lang, path="/campaigns", campaigns=campaigns, more=cursor)
    )


@api.get(
    "/v1/campaigns/{campaign_id}/deliveries",
    allow="delivery.read",
    query=DeliveryQuery,
    answer=DeliveryList,
    summary="Who, over which channel, what became of it",
)
def deliveries(request: Request, campaign_id: str, query: DeliveryQuery) -> DeliveryList:
    runs = [run.run_id for run in _seen(request, campaign_id, "delivery.read").runs]
    place = read_cursor(request) or {}
    run = str(place.get("run") or query.run or (runs[-1] if runs else ""))
    if run not in runs:
        if runs or query.run:
            raise NotFound
        return DeliveryList(items=[], next=None)
    found, more = wiring.reporter().deliveries(run, query.status, place.get("after"), query.limit)
    views = [_delivery_view(delivery) for delivery in found]
    return DeliveryList(items=views, next=next_cursor(request, {"run": run, "after": more} if more else None))


@api.get(
    "/v1/campaigns/{campaign_id}/officer-report",
    allow="officer_report.read",
    answer=OfficerReportView,
    summary="What went out, what was stopped, what came late, who decided",
)
def officer_report(request: Request, campaign_id: str) -> OfficerReportView:
    head = _seen(request, campaign_id, "officer_report.read")
    return _officer_view(head, wiring.officer().report(head.id, head.runs))


@api.post(
    "/v1/campaigns/{campaign_id}/officer-report/signature",
    allow="officer_report.sign",
    body=SignatureBody,
    answer=OfficerReportView,
    status=201,
    summary="Put your name to these figures, in the audit",
)
def sign_officer_report(request: Request, campaign_id: str, body: SignatureBody) -> OfficerReportView:
    head = _seen(request, campaign_id, "officer_report.sign")
    report = wiring.officer().sign(request.principal.id, head.id, head.runs, body.reason)
    return _officer_view(head, report)


@api.page(
    "GET",
    "/campaigns/{campaign_id}/officer-report",
    allow="officer_report.read",
    summary="The officer's report as a page, to be printed",
)
def officer_report_page(request: Request, campaign_id: str) -> Response:
    from chalicelib.dispatch.words import ACTIONS, CAMPAIGN, REASONS
    from chalicelib.pages import shell

    head = _seen(request, campaign_id, "officer_report.read")
    shown = officer_report(request, campaign_id)
    areas = {area for run in shown.runs for area in run.by_area}
    page = shell.render(
        "officer.html",
        request.lang,
        path=f"/campaigns/{campaign_id}/officer-report",
        title=head.title,
        report=shown,
        statuses=CAMPAIGN,
        reasons=REASONS,
        actions=ACTIONS,
        area_names={area: _area_name(area, request.lang) for area in areas},
        time=lambda at: f"{at.astimezone(IST):%d.%m.%Y %H:%M:%S}" if at else "–",
    )
    return html(page)


def _officer_view(head: Head, report: OfficerReport) -> OfficerReportView:
    seal, root = report.seal, report.seal.root
    return OfficerReportView.model_validate(
        {
            "campaign": head.id,
            "status": head.status,
            "department": head.department,
            "runs": report.runs,
            "figures": report.fingerprint,
            "actions": [vars(entry) for entry in report.actions],
            "audit": {
                "chain": seal.chain,
                "seq": seal.head.seq,
                "head": seal.head.hash,
                "root_date": root.date if root else None,
                "root": root.hash if root else None,
            },
            "signatures": [
                vars(one) | {"current": one.figures == report.fingerprint} for one in report.signatures
            ],
            "as_of": report.as_of,
        }
    )


@api.post(
    "/v1/campaigns/{campaign_id}/bundles",
    allow="officer_report.read",
    body=BundleBody,
    answer=BundleView,
    status=202,
    summary="Have the proof of a run that has ended made, for scripts/verify_bundle.py",
)
def order_bundle(request: Request, campaign_id: str, body: BundleBody) -> BundleView:
    head = _seen(request, campaign_id, "officer_report.read")
    if body.run not in {run.run_id for run in head.runs}:
        raise InvalidInput.of("run", "run_unknown", "This campaign has no run %(run)s.", run=body.run)
    return _bundle_view(wiring.bundler().order(request.principal.id, body.run))


@api.get(
    "/v1/campaigns/{campaign_id}/bundles",
    allow="officer_report.read",
    query=BundleQuery,
    answer=BundleList,
    summary="The latest proof of each run: how far it is, and where to fetch it",
)
def bundles(request: Request, campaign_id: str, query: BundleQuery) -> BundleList:
    head = _seen(request, campaign_id, "officer_report.read")
    runs = [run.run_id for run in head.runs if query.run in (None, run.run_id)]
    found = [state for run in runs if (state := wiring.bundler().get(run)) is not None]
    return BundleList(items=[_bundle_view(state) for state in found])


def _bundle_view(state: BundleState) -> BundleView:
    chunks = sum(part["lines"] for part in state.parts if part["holds"] == "chunks")
    shown = {name: getattr(state, name) for name in ("id", "run", "status", "by", "at", "sha256")}
    return BundleView(**shown, chunks=chunks, files=wiring.bundler().links(state))


@api.get("/v1/stops", allow="stop.read", answer=StopList, summary="All stops that stand")
def stops(request: Request) -> StopList:
    return StopList(items=[_stop_view(stop) for stop in wiring.stop_desk().listed()])


@api.get("/v1/stops/{scope}", allow="stop.read", answer=StopView, summary="One stop, when it stands")
def stop(request: Request, scope: str) -> StopView:
    return _stop_view(wiring.stop_desk().get(unquote(scope)))


@api.put(
    "/v1/stops/{scope}",
    allow="stop.write",
    body=StopReason,
    answer=StopView,
    summary="Stop all new sends of `all`, `channel:x`, `department:x` or `area:x` within 5 s",
)
def put_stop(request: Request, scope: str, body: StopReason) -> StopView:
    return _stop_view(wiring.stop_desk().put(request.principal, unquote(scope), body.reason))


@api.delete(
    "/v1/stops/{scope}", allow="stop.write", status=204, summary="Lift a stop: sending goes on where it was"
)
def lift_stop(request: Request, scope: str) -> Response:
    wiring.stop_desk().lift(request.principal, unquote(scope))
    return empty(204)


def _stop_view(stop: Stop) -> StopView:
    return StopView.model_validate(stop, from_attributes=True)


def _delivery_view(delivery: Delivery) -> DeliveryView:
    shown = {name: value for name, value in vars(delivery).items() if name != "person"}
    decided = vars(delivery.decided) if delivery.decided else None
    return DeliveryView.model_validate(shown | {"influencer": delivery.person, "decided": decided})


@api.post(
    "/v1/deliveries/{key}/decision",
    allow="delivery.decide",
    body=DecisionBody,
    answer=DecisionView,
    summary="Send an unknown delivery once more, or close it",
)
def decide(request: Request, key: str, body: DecisionBody) -> DecisionView:
    decisions = wiring.decisions()
    _, run = decisions.run_of(key)
    if not request.principal.covers_department(run.department, "delivery.decide"):
        raise Forbidden
    decided = decisions.decide(request.principal.id, key, body.decision, body.reason)
    return DecisionView.model_validate(decided, from_attributes=True)
