"""Turnout for staff: sums and booths of their areas, the lowest, comparisons, goals, past elections."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from chalice.app import Response
from pydantic import Field

from chalicelib import wiring
from chalicelib.http import Api, ListQuery, Request, empty, next_cursor, page_of, read_cursor
from chalicelib.i18n import translate
from chalicelib.shapes import Strict, View
from chalicelib.turnout.form import Id, PastElectionBody
from chalicelib.turnout.model import CAUTION, NOTHING_MATCHED, TENTH, Gender, Kind, PastElection, Sum
from chalicelib.turnout.service import At, By, Compared, Told
from chalicelib.turnout.store import Goal

api = Api("turnout")

Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Limit = Annotated[int, Field(ge=1, le=200)]


class TurnoutQuery(Strict):
    area: Id = ""
    """Empty: India, or the one area of somebody who has one."""
    election: Id = ""
    """Empty: the latest of which something is told there."""
    by: By = "constituency"
    """What is listed right below a district."""
    limit: Limit = 50
    cursor: str | None = None


class LowestQuery(Strict):
    area: Id = ""
    election: Id = ""
    share: Share = TENTH
    """Of each district's reported booths, the lowest first."""
    below: Share | None = None
    """Instead: all that reported a turnout under this share of electors."""
    limit: Limit = 50
    cursor: str | None = None


class CompareQuery(Strict):
    before: Annotated[str, Field(min_length=1, max_length=40)]
    after: Annotated[str, Field(min_length=1, max_length=40)]
    area: Id = ""


class AreaQuery(Strict):
    area: Id = ""


class GoalsQuery(ListQuery):
    area: Id = ""


class GoalBody(Strict):
    share: Share
    """Of electors who are to vote."""


class PastElectionView(View):
    id: str
    name: str
    date: date
    kind: Kind
    calendar: str


class PastElectionList(View):
    items: list[PastElectionView]
    next: str | None = None


class GenderView(View):
    """Over the booths that told them apart."""

    booths: int
    electors: int
    voters: int


class SumView(View):
    """`electors`, `voters` and `share` are those of the booths that reported; None: none did."""

    booths: int
    reported: int
    missing: int
    """Booths that did not report: their voters are not known, which is not 0."""
    electors: int
    voters: int
    share: float | None
    electors_missing: int
    by_gender: dict[Gender, GenderView]


class PlaceView(View):
    area: str
    level: Literal["country", "state", "district", "constituency", "block", "booth"]
    names: dict[str, str]
    turnout: SumView
    goal: float | None


class TurnoutView(View):
    """An area at one election, and a page of what lies right below it."""

    election: PastElectionView | None
    """None: nothing is told of this area at any election."""
    place: PlaceView
    sources: list[str]
    items: list[PlaceView]
    next: str | None = None


class LowestView(View):
    """`of`: the area's booths in the districts that were read for this page, all together."""

    election: PastElectionView | None
    of: SumView
    items: list[PlaceView]
    next: str | None = None


class ComparisonView(View):
    before: PastElectionView
    after: PastElectionView
    compared: int
    """Groups of booths that were compared; a booth that was split, or several that were joined, are one."""
    left_out: int
    """Booths that are matched, and did not report both times."""
    unmatched: int
    turnout_before: SumView
    turnout_after: SumView
    change: float | None
    """In points of a hundred; None: nothing could be compared."""
    caution: str


class AtView(View):
    election: PastElectionView
    turnout: SumView


class TrendView(View):
    """`told`: all that reported, the earliest election first; not the same booths each time. `compared`: each
    election with the one before it, over the same booths."""

    told: list[AtView]
    compared: list[ComparisonView]


class GoalView(View):
    area: str
    share: float
    by: str
    at: datetime


class GoalList(View):
    items: list[GoalView]
    next: str | None = None


@api.get(
    "/v1/turnout",
    allow="turnout.read",
    query=TurnoutQuery,
    answer=TurnoutView,
    summary="Who voted in an area and in what lies right below it, and how many booths did not report",
)
def turnout(request: Request, query: TurnoutQuery) -> TurnoutView:
    place = read_cursor(request) or {}
    found = wiring.turnouts().listed(
        request.principal,
        query.area,
        place.get("election", query.election),
        query.by,
        after=place.get("after", ""),
        limit=query.limit,
    )
    return TurnoutView(
        election=_election_view(found.election) if found.election else None,
        place=_place_view(found.whole),
        sources=list(found.sources),
        items=[_place_view(one) for one in found.below],
        next=_next(request, found.election, {"after": found.after} if found.after else None),
    )


@api.get(
    "/v1/turnout/lowest",
    allow="turnout.read",
    query=LowestQuery,
    answer=LowestView,
    summary="The booths of each district in which fewest voted; never one that did not report",
)
def lowest(request: Request, query: LowestQuery) -> LowestView:
    place = read_cursor(request)
    found = wiring.turnouts().lowest(
        request.principal,
        query.area,
        place["election"] if place else query.election,
        share=query.share,
        below=query.below,
        after=(place["district"], place["n"]) if place else None,
        limit=query.limit,
    )
    after = found.after and {"district": found.after[0], "n": found.after[1]}
    return LowestView(
        election=_election_view(found.election) if found.election else None,
        of=_sum_view(found.of),
        items=[_place_view(one) for one in found.booths],
        next=_next(request, found.election, after),
    )


@api.get(
    "/v1/turnout/compare",
    allow="turnout.read",
    query=CompareQuery,
    answer=ComparisonView,
    summary="Two elections over the booths that are matched and reported both times",
)
def compare(request: Request, query: CompareQuery) -> ComparisonView:
    found = wiring.turnouts().compare(request.principal, query.area, query.before, query.after)
    return _comparison_view(found, request.lang)


@api.get(
    "/v1/turnout/trend",
    allow="turnout.read",
    query=AreaQuery,
    answer=TrendView,
    summary="What an area told at each election, and each compared with the one before it",
)
def trend(request: Request, query: AreaQuery) -> TrendView:
    told, found = wiring.turnouts().trend(request.principal, query.area)
    return TrendView(
        told=[_at_view(one) for one in told],
        compared=[_comparison_view(one, request.lang) for one in found],
    )


@api.get(
    "/v1/turnout/goals",
    allow="turnout.read",
    query=GoalsQuery,
    answer=GoalList,
    summary="Goals of an area and of all below it",
)
def goals(request: Request, query: GoalsQuery) -> GoalList:
    found = wiring.turnouts().goals(request.principal, query.area)
    page, more = page_of(request, query.limit, found, lambda goal: goal.area)
    return GoalList(items=[_goal_view(goal) for goal in page], next=more)


@api.put(
    "/v1/turnout/goals/{area}",
    allow="turnout.goal",
    body=GoalBody,
    answer=GoalView,
    summary="Set the share of electors who are to vote in an area",
)
def set_goal(request: Request, area: str, body: GoalBody) -> GoalView:
    return _goal_view(wiring.turnouts().set_goal(request.principal, area, body.share))


@api.delete("/v1/turnout/goals/{area}", allow="turnout.goal", status=204, summary="Take a goal away")
def remove_goal(request: Request, area: str) -> Response:
    wiring.turnouts().remove_goal(request.principal, area)
    return empty(204)


@api.get(
    "/v1/turnout/elections",
    allow="turnout.read",
    query=ListQuery,
    answer=PastElectionList,
    summary="Elections of the past, the latest first",
)
def elections(request: Request, query: ListQuery) -> PastElectionList:
    found = wiring.turnouts().elections()
    page, more = page_of(request, query.limit, found, _by_date, latest_first=True)
    return PastElectionList(items=[_election_view(one) for one in page], next=more)


@api.put(
    "/v1/turnout/elections/{election}",
    allow="turnout.write",
    body=PastElectionBody,
    answer=PastElectionView,
    summary="Add an election of the past, whose turnout can then be imported, or change it",
)
def put_election(request: Request, election: str, body: PastElectionBody) -> PastElectionView:
    made = wiring.turnouts().put_election(
        request.principal, election, name=body.name, on=body.date, kind=body.kind, calendar=body.calendar
    )
    return _election_view(made)


def _next(request: Request, election: PastElection | None, after: dict[str, Any] | None) -> str | None:
    """The cursor to go on from: of the same election, though a later one be told meanwhile."""
    return next_cursor(request, {**after, "election": election.id} if after and election else None)


def _by_date(election: PastElection) -> str:
    return f"{election.date.isoformat()} {election.id}"


def _election_view(election: PastElection) -> PastElectionView:
    return PastElectionView.model_validate(vars(election))


def _sum_view(one: Sum) -> SumView:
    genders = {gender: GenderView.model_validate(vars(told)) for gender, told in one.by_gender.items()}
    return SumView.model_validate(
        vars(one) | {"missing": one.missing, "share": one.share, "by_gender": genders}
    )


def _place_view(one: Told) -> PlaceView:
    return PlaceView.model_validate(vars(one) | {"turnout": _sum_view(one.sum)})


def _goal_view(goal: Goal) -> GoalView:
    return GoalView.model_validate(vars(goal) | {"area": goal.area})


def _at_view(one: At) -> AtView:
    return AtView(election=_election_view(one.election), turnout=_sum_view(one.sum))


def _comparison_view(one: Compared, lang: str) -> ComparisonView:
    found = one.found
    caution = translate(lang, CAUTION, {"booths": found.after.booths})
    return ComparisonView(
        before=_election_view(one.before),
        after=_election_view(one.after),
        compared=found.groups,
        left_out=found.left_out,
        unmatched=found.unmatched,
        turnout_before=_sum_view(found.before),
        turnout_after=_sum_view(found.after),
        change=found.change,
        caution=caution if found.groups else translate(lang, NOTHING_MATCHED, {}),
    )
