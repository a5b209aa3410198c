"""What became of a campaign, and stops, for staff."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple
from urllib.parse import quote, unquote

from chalice.app import Response
from pydantic import Field, StringConstraints, ValidationError

from chalicelib import wiring
from chalicelib.beside import together
from chalicelib.dispatch.form import ChannelLimits, DecisionBody, Steering, StopReason, TrialMessage
from chalicelib.dispatch.model import Decision, Status
from chalicelib.errors import Conflict, InvalidInput, JanJanError, NotFound, OtherDepartment, Transient
from chalicelib.http import (
    Api,
    ListQuery,
    Request,
    empty,
    html,
    invalid,
    next_cursor,
    page_of,
    read_cursor,
    redirect,
)
from chalicelib.i18n import translate
from chalicelib.pages import console
from chalicelib.pages.figures import moment, polyline
from chalicelib.pages.shell import ENDONYMS, mark
from chalicelib.ports import Area, MetricSum, RunBrief
from chalicelib.shapes import Strict, View

if TYPE_CHECKING:
    from chalicelib.dispatch.channels import Standing
    from chalicelib.dispatch.officer import OfficerReport
    from chalicelib.dispatch.report import Delivery, Report, Unknown
    from chalicelib.dispatch.store import BundleState, Stop
    from chalicelib.identity.roles import Principal

api = Api("dispatch")
UNKNOWN_SHOWN = 20
RECEIPTS_WATCHED = timedelta(minutes=15)
"""So long after a run has ended its report still moves by itself: receipts come in."""
"""So many unknown deliveries the report's page lists; the rest is behind /v1/campaigns/{id}/deliveries."""


class CountsView(View):
    """targeted = planned + skipped; planned = in_progress + accepted + failed + unknown + not_sent.

    Closed are part of unknown, resent and fallbacks part of planned; late stand beside: attempts that arrived
    though another one followed.
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
    fallbacks: int
    late: int


class TakenBackView(CountsView):
    """A correction or withdrawal, counted by itself: its people are those of the runs that it takes back."""

    run: str
    purpose: str
    status: str


class SumView(View):
    """The sum over `posts` posts, measured between the two times; of the others there is no data."""

    sum: int
    posts: int
    measured_from: datetime
    measured_until: datetime


class PostsView(View):
    """A campaign's posts and their figures: `verified` by platforms and `declared` by creators, which are
    never added together. A metric that is absent is no data, not 0."""

    posts: int
    undecided: int
    """Handed in for it, not (yet) surely their person's: not counted."""
    gone: int
    by_platform: dict[str, int]
    verified: dict[str, SumView]
    declared: dict[str, SumView]
    disclosed: dict[str, int]
    """Whether they carry the campaign's label: `yes`, `no`, `not_known` or `not_needed`."""
    matched: dict[str, int]
    """By what they are their person's: an account that was shown to be theirs (`verified`), one that they
    only state (`stated`), or the word of `staff`."""


class StopView(View):
    """`by` is `system` after a platform's word: then `code` is that word, and at `probe_at` the platform is
    asked whether the channel is well again; without it a person lifts the stop."""

    scope: str
    reason: str
    by: str
    at: datetime
    code: str = ""
    probe_at: datetime | None = None


class HourView(View):
    """How many came to each stage in one hour; an arrival by whose word alone the message was accepted
    counts as accepted then."""

    accepted: int
    delivered: int
    read: int


class ReportView(CountsView):
    """The campaign's own runs together, or the one that was asked for; what takes them back stands apart.

    `sent`: people to whom a request was made. `left`: people who were not sent to because the time was over.
    `half_sent`: both in one run.
    """

    campaign: str
    areas: list[str] | None
    """Null: all counts are of everybody. Else of people and posts in these areas alone: a coordinator's."""
    status: str
    withdrawn_at: datetime | None
    runs: list[str]
    corrections: list[TakenBackView]
    stops: list[StopView]
    """Those that stand now and hold what is still to go out."""
    sent: int
    left: int
    half_sent: bool
    by_channel: dict[str, CountsView]
    by_language: dict[str, CountsView]
    by_area: dict[str, CountsView]
    by_hour: list[HourView]
    """From the hour on in which the runs were to begin, each counted from its own beginning; the sums over
    all hours are the counts."""
    posts: int
    """Of the campaign, whichever run is asked for."""
    post_figures: PostsView
    updated_at: datetime


class ReportQuery(Strict):
    run: str | None = None


class DecisionView(View):
    """What a person decided about an unknown delivery; `resend` is the key of the attempt that follows."""

    key: str
    decision: Decision
    reason: str
    by: str
    at: datetime
    resend: str | None


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
    follows: str | None
    followed_by: str | None


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
    purpose: str
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


class BundleQuery(ListQuery):
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


class StopList(View):
    items: list[StopView]
    next: str | None = None


class ChannelView(View):
    """`rate_per_s`, `per_day`: what holds now; `most`: what configuration or platform allow. `learned`: the
    share of the rate that throttles have left. `used`: slots leased in the moving 24 h."""

    id: str
    platform: str
    rate_per_s: float
    per_day: int | None
    most: dict[str, float | None]
    health: str
    learned: float
    used: int
    rests_until: datetime | None
    stop: StopView | None


class ChannelList(View):
    items: list[ChannelView]
    next: str | None = None


class TrialOutcome(View):
    """`accepted`, `unknown` (no answer came) or `refused:<the platform's code>`."""

    outcome: str


class Head(NamedTuple):
    """What the report says of the campaign itself."""

    id: str
    title: str
    status: str
    withdrawn_at: datetime | None
    department: str
    runs: list[RunBrief]
    goes_to: tuple[str, ...]
    """The areas of its audience."""
    mediums: tuple[str, ...]
    areas: tuple[str, ...] | None = None
    """The reader's own, where they see counts of these alone."""
    covers: Callable[[Sequence[str]], bool] | None = None

    def within(self, area_id: str) -> bool:
        """Whether what became of people here is for the reader."""
        area = wiring.directory().get(area_id)
        return self.covers is None or area is not None and self.covers(area.path)


def _seen(request: Request, campaign_id: str, action: str = "campaign.report") -> Head:
    """The campaign, when the caller may do `action` with it. Raises NotFound."""
    who = request.principal
    campaign, runs = together(
        partial(wiring.campaigns().seen, who, campaign_id, action),
        partial(wiring.runs().of_campaign, campaign_id),
    )
    content = campaign.content
    head = Head(
        campaign.id,
        content.title,
        campaign.status,
        campaign.withdrawn_at,
        content.department,
        runs,
        content.audience.areas,
        content.order,
    )
    if who.works_for(content.department, action):
        return head
    return head._replace(areas=tuple(sorted(who.areas)), covers=lambda path: who.covers_area(path, action))


def _report(head: Head, who: Principal, run: str | None = None) -> ReportView:
    """Over the campaign's own runs, or over `run` alone. Raises NotFound when it has no such run."""
    return _reported(head, who, run)[0]


def _reported(head: Head, who: Principal, run: str | None = None) -> tuple[ReportView, Report, list[Unknown]]:
    """The same with the sums behind it, and some of the unknown, of the newest runs first. What it needs is
    read at once."""
    from chalicelib.dispatch.channels import ways_now
    from chalicelib.dispatch.report import counts_as_json

    reporter = wiring.reporter()
    counted = [one for one in head.runs if (one.run_id == run if run else one.occasion == "campaign")]
    if run and not counted:
        raise NotFound
    within = cache(head.within) if head.covers else None
    apart = [one for one in head.runs if one.occasion != "campaign" and not run]
    ways = ways_now(wiring.platforms(), head.mediums).values()
    report, stops, posts, *others = together(
        partial(reporter.report, counted, within),
        partial(wiring.stop_desk().holding, who, head.department, head.goes_to, ways),
        partial(_posts, head),
        *(partial(reporter.report, [one], within) for one in apart),
    )
    corrections = [
        counts_as_json(found.counts) | {"run": one.run_id, "purpose": one.occasion, "status": one.status}
        for one, found in zip(apart, others, strict=True)
    ]
    order = {one.run_id: place for place, one in enumerate(head.runs)}
    unknown = [place for found in (report, *others) for place in found.unknown]
    shown = counts_as_json(report.counts) | {
        "campaign": head.id,
        "areas": head.areas,
        "status": head.status,
        "withdrawn_at": head.withdrawn_at,
        "runs": [one.run_id for one in head.runs],
        "corrections": corrections,
        "stops": [_stop_view(stop) for stop in stops],
        "by_channel": {name: counts_as_json(counts) for name, counts in report.by_channel.items()},
        "by_language": {name: counts_as_json(counts) for name, counts in report.by_language.items()},
        "by_area": {name: counts_as_json(counts) for name, counts in report.by_area.items()},
        "by_hour": report.by_hour,
        "sent": report.counts.sent,
        "left": report.counts.left,
        "half_sent": report.half_sent,
        "updated_at": report.updated_at,
        "posts": posts.posts,
        "post_figures": posts,
    }
    newest_first = sorted(unknown, key=lambda place: (-order[place.run], place.tally.chunk, place.index))
    return ReportView.model_validate(shown), report, newest_first


def _posts(head: Head) -> PostsView:
    found = wiring.post_sums().of_campaign(head.id, head.covers)

    def view(sums: Mapping[str, MetricSum]) -> dict[str, dict[str, object]]:
        return {
            metric: {
                "sum": one.total,
                "posts": one.posts,
                "measured_from": one.oldest,
                "measured_until": one.newest,
            }
            for metric, one in sums.items()
        }

    facts = vars(found) | {"verified": view(found.verified), "declared": view(found.declared)}
    return PostsView.model_validate(facts)


@api.get(
    "/v1/campaigns/{campaign_id}/report",
    allow="campaign.report",
    query=ReportQuery,
    answer=ReportView,
    summary="What became of a campaign, or of one of its runs",
)
def report(request: Request, campaign_id: str, query: ReportQuery) -> ReportView:
    return _report(_seen(request, campaign_id), request.principal, query.run)


@api.page(
    "GET", "/console/campaigns/{campaign_id}/report", allow="campaign.report", summary="The report as a page"
)
def report_page(request: Request, campaign_id: str) -> Response:
    """`?csv=` gives one of its tables as a file."""
    from chalicelib.dispatch.words import CAMPAIGN, PURPOSES, REASONS, STEERED

    who = request.principal
    (head, (shown, report, unknown)), timetable, standings = together(
        lambda: (head := _seen(request, campaign_id), _reported(head, who)),
        partial(wiring.campaigns().timetable, campaign_id),
        wiring.channel_desk().paced,
    )
    if table := request.query.get("csv"):
        return _table(request, head, shown, table)

    def worded(reasons: dict[str, int]) -> list[tuple[str, int]]:
        return [(REASONS.get(reason, reason), count) for reason, count in reasons.items()]

    values = shown.model_dump() | {"not_sent": worded(shown.not_sent), "skipped": worded(shown.skipped)}
    return console.page(
        request,
        "report.html",
        "campaigns",
        said=STEERED,
        title=head.title,
        state=CAMPAIGN[head.status],
        withdrawn_at=head.withdrawn_at and _in_india(head.withdrawn_at),
        corrections=[(PURPOSES[one.purpose], CAMPAIGN[one.status], one) for one in shown.corrections],
        report=values,
        posts=_worded_posts(shown.post_figures),
        channel_names=_channel_names(request.lang),
        unknown=_unknown(who, unknown),
        timetable=_timetable(head, *timetable),
        updated_at=_in_india(shown.updated_at),
        breakdowns=_breakdowns(request, shown),
        hours=_hours(request.lang, shown),
        verbs=_verbs(head, who),
        moving=False,
        live=_live(request, head, shown, report, standings) if _moves(head, shown) else "",
    )


@api.page(
    "GET",
    "/console/campaigns/{campaign_id}/live",
    allow="campaign.report",
    summary="How it stands now: the part of the report that asks again every two seconds",
)
def live(request: Request, campaign_id: str) -> Response:
    """204 while nothing has changed, else this part and what it reached; once it has ended or was steered,
    the whole report is asked for."""
    (head, (shown, report, _)), standings = together(
        lambda: (head := _seen(request, campaign_id), _reported(head, request.principal)),
        wiring.channel_desk().paced,
    )
    if not _moves(head, shown) or request.query.get("state") not in (None, head.status):
        return html("", headers={"HX-Refresh": "true"})
    part = _live(request, head, shown, report, standings)
    if f"seen={request.query.get('seen')}&" in part:
        return empty(204)
    reached = console.fragment(request, "report_reached.html", report=shown.model_dump(), moving=True)
    return html(part + str(reached.body))


def _moves(head: Head, shown: ReportView) -> bool:
    """Whether its counts change by themselves: it is about to begin, under way, or its receipts come in."""
    now = wiring.clock().now()
    due = any(run.status == "scheduled" and run.at <= now for run in head.runs)
    ended = any(run.ended_at and now - run.ended_at < RECEIPTS_WATCHED for run in head.runs)
    return due or _under_way(head, shown) or ended and shown.read < shown.accepted - shown.no_receipts


def _under_way(head: Head, shown: ReportView) -> bool:
    return head.status in ("dispatching", "paused") or any(
        one.in_progress for one in (shown, *shown.corrections)
    )


def _live(
    request: Request, head: Head, shown: ReportView, report: Report, standings: Mapping[str, Standing]
) -> str:
    """The part of the page that moves; its address names what it shows, so that the same is not sent
    again."""
    from chalicelib.dispatch.channels import ways_now
    from chalicelib.dispatch.live import expected_end, lanes, quiet_until
    from chalicelib.dispatch.words import REASONS

    now, counts = wiring.clock().now(), report.counts
    ways = ways_now(wiring.platforms(), head.mediums)
    found = lanes(report, ways, standings, now)
    runs = [run for run in head.runs if run.status in ("dispatching", "paused")]
    ends = expected_end(runs[-1], found, now) if runs else None
    quiet = quiet_until(runs[-1], now) if runs and runs[-1].status == "dispatching" else None
    names = _channel_names(request.lang)
    errors = [("", code, count) for code, count in counts.failed_by_code.most_common(5)]
    errors += [(REASONS.get(why, why), "", count) for why, count in counts.not_sent.most_common(5)]
    text = console.fragment(
        request,
        "report_live.html",
        campaign=head.id,
        state=head.status,
        under_way=_under_way(head, shown),
        counts=counts,
        done=counts.planned - counts.in_progress,
        lanes=[
            (names.get(lane.medium, lane.medium), lane, lane.rests_until and moment(lane.rests_until))
            for lane in found
        ],
        quiet=quiet and moment(quiet),
        stops=[(_worded_scope(request, stop.scope), stop) for stop in shown.stops],
        ends=ends and moment(ends) if not shown.stops else None,
        expires=moment(runs[-1].expires_at) if runs else "",
        errors=errors,
    ).body
    return str(text).replace("seen=&", f"seen={hashlib.sha256(str(text).encode()).hexdigest()[:12]}&")


def _worded_scope(request: Request, scope: str) -> str:
    """What a stop that holds this campaign is about."""
    from chalicelib.dispatch.words import CHANNELS, STOPPED

    kind, _, ident = scope.partition(":")
    name = {
        "": "",
        "area": _area_name(ident, request.lang) if kind == "area" else "",
        "channel": translate(request.lang, CHANNELS.get(ident, ident)),
    }.get(kind, ident if kind != "all" else "")
    label = translate(request.lang, STOPPED.get(kind, scope))
    return f"{label}: {name}" if name else label


def _verbs(head: Head, who: Principal) -> list[str]:
    """What can be done now with its run, and may be by the caller."""
    possible = {
        "scheduled": ("pause", "cancel"),
        "dispatching": ("pause", "cancel"),
        "paused": ("resume", "cancel"),
    }.get(head.status, ())
    return [verb for verb in possible if who.may(STEERS[verb])]


STEERS = {"pause": "campaign.pause", "resume": "campaign.schedule", "cancel": "campaign.schedule"}
DONE = {"pause": ("paused",), "cancel": ("cancelled",), "resume": ("scheduled", "dispatching", "dispatched")}


def _steering(request: Request, campaign_id: str, verb: str) -> Response:
    """GET: what it would do; POST: does it, once however often the button is pressed."""
    from chalicelib.dispatch.words import CAMPAIGN, VERBS
    from chalicelib.pages.forms import Form, told

    campaigns, who = wiring.campaigns(), request.principal
    form = Form()
    error: JanJanError | None = None
    campaign = campaigns.seen(who, campaign_id, STEERS[verb])
    if request.method == "POST":
        form = Form(request.form())
        try:
            asked = Steering.model_validate({"reason": form.one("reason")})
            try:
                getattr(campaigns, verb)(who, campaign_id, reason=asked.reason)
            except Conflict:
                if campaigns.seen(who, campaign_id, STEERS[verb]).status not in DONE[verb]:
                    raise
            to = f"/console/campaigns/{quote(campaign_id, safe='')}/report"
            return redirect(console.link(request, to, said=verb))
        except ValidationError as found:
            error = invalid(found)
        except (Conflict, Transient) as found:
            error = found
    errors, problems = told(error, request.lang, {"reason": mark("Reason")})
    return console.page(
        request,
        "report_steer.html",
        "campaigns",
        status=error.status if error else 200,
        campaign=campaign_id,
        title=campaign.content.title,
        state=CAMPAIGN[campaign.status],
        verb=verb,
        label=VERBS[verb][0],
        means=VERBS[verb][1],
        form=form,
        errors=errors,
        problems=problems,
    )


for _verb, _action in STEERS.items():
    for _method in ("GET", "POST"):

        def _steer(request: Request, campaign_id: str, verb: str = _verb) -> Response:
            return _steering(request, campaign_id, verb)

        _steer.__name__ = f"{_verb}_{_method.lower()}"
        api.page(
            _method,
            f"/console/campaigns/{{campaign_id}}/report/{_verb}",
            allow=_action,
            summary=f"{_verb.capitalize()} the run: what that means, and why"
            if _method == "GET"
            else f"{_verb.capitalize()} the run",
        )(_steer)


def _channel_names(lang: str) -> dict[str, str]:
    from chalicelib.dispatch.words import CHANNELS

    return {name: translate(lang, label) for name, label in CHANNELS.items()}


def _breakdowns(request: Request, shown: ReportView) -> list[tuple[str, str, list[tuple[str, CountsView]]]]:
    """The parts of the report: the name of its table, its heading, and a row for each part."""
    names = _channel_names(request.lang)
    areas = wiring.directory().many(list(shown.by_area))
    return [
        ("channels", mark("By channel"), [(names.get(of, of), one) for of, one in shown.by_channel.items()]),
        (
            "languages",
            mark("By language"),
            [(ENDONYMS.get(of, of), one) for of, one in shown.by_language.items()],
        ),
        (
            "areas",
            mark("By area"),
            [(_named(areas.get(of), of, request.lang), one) for of, one in shown.by_area.items()],
        ),
    ]


def _hours(lang: str, shown: ReportView) -> dict[str, Any]:
    """How it went over time: a row for each hour with what came in it and what had come by then, and a line
    for each stage."""
    from chalicelib.dispatch.words import STAGES

    rows, totals = [], dict.fromkeys(STAGES, 0)
    for number, hour in enumerate(shown.by_hour):
        came = {stage: getattr(hour, stage) for stage in STAGES}
        totals = {stage: totals[stage] + came[stage] for stage in STAGES}
        rows.append((number, came, totals))
    lines = [
        {
            "stage": stage,
            "label": translate(lang, label),
            "points": polyline([0, *(so_far[stage] for _, _, so_far in rows)], shown.planned),
            "total": totals[stage],
        }
        for stage, label in STAGES.items()
    ]
    return {"rows": rows, "lines": lines}


COUNTED = ("targeted", "planned", "in_progress", "accepted", "delivered", "read", "failed", "unknown")


def _table(request: Request, head: Head, shown: ReportView, table: str) -> Response:
    """One table of the report as a file. Raises NotFound for a table that it does not have."""
    from chalicelib.dispatch.words import METRICS, STAGES

    lang, name = request.lang, f"{head.id}-{table}"
    for known, _, rows in _breakdowns(request, shown):
        if known == table:
            kept = (
                [label, *(getattr(one, of) for of in COUNTED), sum(one.not_sent.values()), one.no_receipts]
                for label, one in rows
            )
            return console.csv_file(name, [table, *COUNTED, "not_sent", "no_receipts"], kept)
    if table == "hours":
        rows_of = (
            (number, *came.values(), *so_far.values()) for number, came, so_far in _hours(lang, shown)["rows"]
        )
        return console.csv_file(name, ["hour", *STAGES, *(f"{stage}_so_far" for stage in STAGES)], rows_of)
    if table == "posts":
        header = ["metric", "verified", "verified_posts", "declared", "declared_posts"]
        posts = shown.post_figures
        told = ((of, posts.verified.get(of), posts.declared.get(of)) for of in METRICS)
        figures = (
            [of, *(value for one in both for value in ((one.sum, one.posts) if one else ("", "")))]
            for of, *both in told
        )
        return console.csv_file(name, header, figures)
    raise NotFound


def _worded_posts(posts: PostsView) -> dict[str, Any]:
    """A campaign's posts as its page shows them: a row for each metric of which there is data."""
    from chalicelib.dispatch.words import METRICS, PLATFORMS

    rows = [
        (word, posts.verified.get(metric), posts.declared.get(metric))
        for metric, word in METRICS.items()
        if metric in posts.verified or metric in posts.declared
    ]
    told = [one for row in rows for one in row[1:] if one is not None]
    return {
        "count": posts.posts,
        "undecided": posts.undecided,
        "gone": posts.gone,
        "unlabelled": posts.disclosed.get("no", 0),
        "stated": posts.matched.get("stated", 0),
        "platforms": [(PLATFORMS.get(name, name), count) for name, count in posts.by_platform.items()],
        "rows": rows,
        "first": _in_india(min(one.measured_from for one in told)) if told else "",
        "last": _in_india(max(one.measured_until for one in told)) if told else "",
    }


def _in_india(at: datetime) -> str:
    return moment(at)


def _timetable(head: Head, quiet: Any, found: Sequence[Any]) -> dict[str, Any]:  # noqa: ANN401 - campaigns' own
    """What the page says of runs, repetition and quiet hours; times by India's clock."""
    from chalicelib.dispatch.words import CAMPAIGN, EVERY, PURPOSES

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
                "purpose": PURPOSES.get(run.purpose, ""),
                "at": moment(run.at),
                "until": moment(run.expires_at),
                "status": CAMPAIGN[run.status],
                "left": run.left if head.covers is None else 0,
                "missed": run.series.missed if run.series else 0,
            }
            for run in found
        ],
    }


def _unknown(who: Principal, places: Sequence[Unknown]) -> list[tuple[Delivery, str]]:
    """The first of these deliveries, each with what was decided about it, for whoever may see deliveries."""
    shown = places[:UNKNOWN_SHOWN] if who.may("delivery.read") else []
    return [(one, place.decision) for one, place in zip(wiring.reporter().behind(shown), shown, strict=True)]


def _area_name(area_id: str, lang: str) -> str:
    return _named(wiring.directory().get(area_id), area_id, lang)


def _named(area: Area | None, area_id: str, lang: str) -> str:
    return (area.names.get(lang) or area.names.get("en") or area_id) if area else area_id


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
    "/console/campaigns/{campaign_id}/officer-report",
    allow="officer_report.read",
    summary="The officer's report as a page, to be printed",
)
def officer_report_page(request: Request, campaign_id: str) -> Response:
    from chalicelib.dispatch.words import ACTIONS, CAMPAIGN, PURPOSES, REASONS, WITHDRAWN

    head = _seen(request, campaign_id, "officer_report.read")
    shown = _officer_view(head, wiring.officer().report(head.id, head.runs))
    areas = sorted({area for run in shown.runs for area in run.by_area})
    known = wiring.directory().many(areas)
    return console.page(
        request,
        "officer.html",
        "campaigns",
        title=head.title,
        report=shown,
        state=WITHDRAWN if head.withdrawn_at else CAMPAIGN[head.status],
        statuses=CAMPAIGN,
        purposes=PURPOSES,
        reasons=REASONS,
        actions=ACTIONS,
        names=wiring.users().names(),
        area_names={area: _named(known.get(area), area, request.lang) for area in areas},
        time=lambda at: moment(at, seconds=True) if at else "–",
    )


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
    summary="The latest proof of each run: how far it is, and where to fetch it; pages are made of runs, and "
    "leave out those that have none",
)
def bundles(request: Request, campaign_id: str, query: BundleQuery) -> BundleList:
    head = _seen(request, campaign_id, "officer_report.read")
    runs = [run.run_id for run in head.runs if query.run in (None, run.run_id)]
    page, more = page_of(request, query.limit, enumerate(runs), lambda one: one[0])
    found = wiring.bundler().latest([run for _, run in page])
    return BundleList(items=[_bundle_view(state) for state in found], next=more)


def _bundle_view(state: BundleState) -> BundleView:
    chunks = sum(part["lines"] for part in state.parts if part["holds"] == "chunks")
    shown = {name: getattr(state, name) for name in ("id", "run", "status", "by", "at", "sha256")}
    return BundleView(**shown, chunks=chunks, files=wiring.bundler().links(state))


@api.get(
    "/v1/stops", allow="stop.read", query=ListQuery, answer=StopList, summary="All stops that stand, by scope"
)
def stops(request: Request, query: ListQuery) -> StopList:
    page, more = page_of(
        request, query.limit, wiring.stop_desk().listed(request.principal), lambda stop: stop.scope
    )
    return StopList(items=[_stop_view(stop) for stop in page], next=more)


@api.get("/v1/stops/{scope}", allow="stop.read", answer=StopView, summary="One stop, when it stands")
def stop(request: Request, scope: str) -> StopView:
    return _stop_view(wiring.stop_desk().get(request.principal, unquote(scope)))


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


@api.get(
    "/v1/channels",
    allow="channel.read",
    query=ListQuery,
    answer=ChannelList,
    summary="Pace and health of all channels, by id",
)
def channels(request: Request, query: ListQuery) -> ChannelList:
    page, more = page_of(request, query.limit, wiring.channel_desk().listed(), lambda one: one.channel.id)
    return ChannelList(items=[_channel_view(one) for one in page], next=more)


@api.get(
    "/v1/channels/{channel_id}",
    allow="channel.read",
    answer=ChannelView,
    summary="Pace and health of a channel",
)
def channel(request: Request, channel_id: str) -> ChannelView:
    return _channel_view(wiring.channel_desk().get(channel_id))


@api.put(
    "/v1/channels/{channel_id}",
    allow="channel.write",
    body=ChannelLimits,
    answer=ChannelView,
    summary="Lower a channel's limits, or lift what was set",
)
def put_channel(request: Request, channel_id: str, body: ChannelLimits) -> ChannelView:
    desk = wiring.channel_desk()
    return _channel_view(desk.set_limits(request.principal, channel_id, body.rate_per_s, body.per_day))


@api.post(
    "/v1/channels/{channel_id}/resume",
    allow="stop.write",
    answer=ChannelView,
    summary="Lift a channel's stop, whoever has set it",
)
def resume_channel(request: Request, channel_id: str) -> ChannelView:
    wiring.channel_desk().get(channel_id)
    wiring.stop_desk().lift(request.principal, f"channel:{channel_id}")
    return _channel_view(wiring.channel_desk().get(channel_id))


@api.post(
    "/v1/channels/{channel_id}/test",
    allow="channel.write",
    body=TrialMessage,
    answer=TrialOutcome,
    summary="Send one test message to an address of your choice",
)
def try_channel(request: Request, channel_id: str, body: TrialMessage) -> TrialOutcome:
    outcome = wiring.channel_desk().try_out(request.principal, channel_id, body.to, body.message)
    return TrialOutcome(outcome=outcome)


def _channel_view(one: Standing) -> ChannelView:
    rests = one.pace.rest_until
    return ChannelView(
        id=one.channel.id,
        platform=one.channel.platform,
        rate_per_s=one.limit.rate_per_s,
        per_day=one.limit.per_day,
        most={"rate_per_s": one.allowed.rate_per_s, "per_day": one.allowed.per_day},
        health=one.health,
        learned=round(one.pace.learned(one.now), 3),
        used=one.pace.used(one.now),
        rests_until=datetime.fromtimestamp(rests, UTC) if rests > one.now else None,
        stop=_stop_view(one.stop) if one.stop else None,
    )


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
        raise OtherDepartment
    decided = decisions.decide(request.principal.id, key, body.decision, body.reason)
    return DecisionView.model_validate(decided, from_attributes=True)
