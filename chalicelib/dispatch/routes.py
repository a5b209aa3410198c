"""What became of a campaign, for staff."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from chalicelib import wiring
from chalicelib.dispatch.model import Status
from chalicelib.errors import Forbidden, NotFound
from chalicelib.http import Api, Request, Strict, View, read_cursor, sign_cursor
from chalicelib.ports import RunBrief

api = Api("dispatch")


class CountsView(View):
    """targeted = planned + skipped; planned = in_progress + accepted + failed + unknown + not_sent."""

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


class ReportView(CountsView):
    campaign: str
    status: str
    runs: list[str]
    by_channel: dict[str, CountsView]
    by_area: dict[str, CountsView]
    updated_at: datetime


class DeliveryView(View):
    key: str
    influencer: str
    channel: str
    language: str
    district: str
    status: Status
    code: str
    times: dict[str, datetime]


class DeliveryList(View):
    items: list[DeliveryView]
    next: str | None


class DeliveryQuery(Strict):
    status: Status | None = None
    run: str | None = None
    limit: int = Field(default=100, ge=1, le=500)
    cursor: str | None = None


def runs_of(request: Request, campaign_id: str) -> list[RunBrief]:
    """The campaign's runs, when the caller may see them. Raises NotFound, Forbidden."""
    campaign = wiring.campaigns().get(campaign_id)
    if not request.principal.covers_department(campaign.content.department):
        raise Forbidden
    return wiring.runs().of_campaign(campaign_id)


def report_of(request: Request, campaign_id: str) -> dict[str, Any]:
    """The report in CONTRACT.md's shape."""
    from chalicelib.dispatch.report import counts_as_json

    runs = runs_of(request, campaign_id)
    report = wiring.reporter().report(runs)
    return counts_as_json(report.counts) | {
        "campaign": campaign_id,
        "status": wiring.campaigns().get(campaign_id).status,
        "runs": [run.run_id for run in runs],
        "by_channel": {name: counts_as_json(counts) for name, counts in report.by_channel.items()},
        "by_area": {name: counts_as_json(counts) for name, counts in report.by_area.items()},
        "updated_at": report.updated_at,
    }


@api.get(
    "/v1/campaigns/{campaign_id}/report",
    allow="campaign.report",
    answer=ReportView,
    summary="What became of a campaign",
)
def report(request: Request, campaign_id: str) -> ReportView:
    return ReportView.model_validate(report_of(request, campaign_id))


@api.get(
    "/v1/campaigns/{campaign_id}/deliveries",
    allow="delivery.read",
    query=DeliveryQuery,
    answer=DeliveryList,
    summary="Who, over which channel, what became of it",
)
def deliveries(request: Request, campaign_id: str, query: DeliveryQuery) -> DeliveryList:
    runs = [run.run_id for run in runs_of(request, campaign_id)]
    place = read_cursor(query.cursor) or {}
    run = str(place.get("run") or query.run or (runs[-1] if runs else ""))
    if run not in runs:
        if runs or query.run:
            raise NotFound
        return DeliveryList(items=[], next=None)
    found, more = wiring.reporter().deliveries(run, query.status, place.get("after"), query.limit)
    views = [
        DeliveryView(influencer=d.person, **{k: v for k, v in vars(d).items() if k != "person"})
        for d in found
    ]
    return DeliveryList(items=views, next=sign_cursor({"run": run, "after": more}) if more else None)
