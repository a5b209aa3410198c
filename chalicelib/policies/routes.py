"""Policies and appeals over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from chalice.app import Response
from pydantic import Field, ValidationError

from chalicelib import wiring
from chalicelib.clock import rfc3339
from chalicelib.errors import InvalidInput, JanJanError, Rejected
from chalicelib.http import (
    CREATOR,
    Again,
    Api,
    ListQuery,
    Request,
    html,
    invalid,
    next_cursor,
    page_of,
    read_cursor,
    redirect,
)
from chalicelib.i18n import translate
from chalicelib.pages import shell
from chalicelib.pages.figures import day
from chalicelib.pages.frame import named
from chalicelib.pages.shell import mark
from chalicelib.pages.words import PLATFORMS_IN_FULL
from chalicelib.policies import words
from chalicelib.policies.appeal import (
    LONGEST,
    AnswerBody,
    Appeal,
    AppealBody,
    Outcome,
    Subject,
)
from chalicelib.policies.appeal import State as AppealState
from chalicelib.policies.appeals import Offer
from chalicelib.policies.model import (
    MOST_VERSIONS,
    AccountFinding,
    Answer,
    EndBody,
    Grade,
    Id,
    Policy,
    PolicyBody,
    Start,
    StartBody,
    State,
    Terms,
    Version,
    counted,
)
from chalicelib.policies.tiers import Placed
from chalicelib.shapes import Strict, View

api = Api("policies")

AreaId = Annotated[str, Field(min_length=2, max_length=40, pattern=r"^[A-Z0-9-]+$")]
Number = Annotated[int, Field(ge=1, le=MOST_VERSIONS)]


# --- policies -----------------------------------------------------------------------------------------------


class PolicyView(View):
    id: str
    rev: int
    names: dict[str, str]
    issued_by: str
    sample: bool
    versions: int
    """The number of the newest."""
    in_force: int | None
    """The version that holds today."""
    starts: list[Start]
    """Which version was put in force from which day, by whom; the decisions in their order."""
    ends_on: date | None
    reason: str
    updated_at: datetime


class PolicyList(View):
    items: list[PolicyView]
    next: str | None = None


class VersionView(View):
    policy: str
    number: int
    state: State
    terms: Terms
    by: str
    at: datetime


class VersionList(View):
    items: list[VersionView]
    next: str | None = None


@api.get("/v1/policies", allow="policy.read", query=ListQuery, answer=PolicyList, summary="All policies")
def policies(request: Request, query: ListQuery) -> PolicyList:
    found, after = page_of(request, query.limit, wiring.policies().listed(), lambda one: one.id)
    return PolicyList(items=[_policy(one) for one in found], next=after)


@api.post(
    "/v1/policies",
    allow="policy.write",
    body=PolicyBody,
    answer=PolicyView,
    status=201,
    summary="Write a policy; its first version is a draft",
)
def create(request: Request, body: PolicyBody) -> PolicyView:
    return _policy(wiring.policies().create(request.principal, body)[0])


@api.get("/v1/policies/{policy}", allow="policy.read", answer=PolicyView, summary="One policy")
def policy(request: Request, policy: str) -> PolicyView:
    return _policy(wiring.policies().get(policy))


@api.get(
    "/v1/policies/{policy}/versions",
    allow="policy.read",
    query=ListQuery,
    answer=VersionList,
    summary="All its versions, the first one first",
)
def versions(request: Request, policy: str, query: ListQuery) -> VersionList:
    whole = wiring.policies().get(policy)
    found, after = page_of(request, query.limit, wiring.policies().versions(policy), lambda one: one.number)
    return VersionList(items=[_version(whole, one) for one in found], next=after)


@api.post(
    "/v1/policies/{policy}/versions",
    allow="policy.write",
    body=Terms,
    answer=VersionView,
    status=201,
    summary="Write another version: those before stay as they are",
)
def write(request: Request, policy: str, body: Terms) -> VersionView:
    return _version(*wiring.policies().write(request.principal, policy, body))


@api.post(
    "/v1/policies/{policy}/start",
    allow="policy.start",
    body=StartBody,
    answer=PolicyView,
    summary="Put a version in force from a day on; never by who wrote it",
)
def start(request: Request, policy: str, body: StartBody) -> PolicyView:
    return _policy(wiring.policies().start(request.principal, policy, body))


@api.post(
    "/v1/policies/{policy}/end",
    allow="policy.start",
    body=EndBody,
    answer=PolicyView,
    summary="Let a policy end with a day",
)
def end(request: Request, policy: str, body: EndBody) -> PolicyView:
    return _policy(wiring.policies().end(request.principal, policy, body))


def _policy(one: Policy) -> PolicyView:
    holds = one.in_force(wiring.clock().today_ist())
    return PolicyView.model_validate(one.model_dump() | {"in_force": holds.version if holds else None})


def _version(policy: Policy, one: Version) -> VersionView:
    state = policy.state(one.number, wiring.clock().today_ist())
    return VersionView.model_validate(one.model_dump() | {"state": state})


# --- tiers --------------------------------------------------------------------------------------------------


class RuleView(View):
    """One rule: what it asks, what is known, and whether it is met."""

    kind: str
    asks: str
    known: str
    answer: Answer
    says: str
    """The answer in words."""
    number: int | None
    """Of followers or posts; empty is no data, not 0."""
    grade: Grade
    at: datetime | None
    """When that was measured, shown or handed in."""


class StepView(View):
    tier: str
    name: str
    answer: Answer
    rules: list[RuleView]


class AccountView(View):
    """How one account stands with each tier, the highest first. What several accounts have is never
    added."""

    id: str
    """Empty for who has named none."""
    platform: str
    tier: str
    possible: str
    tiers: list[StepView]


class PlacedView(View):
    policy: str
    name: str
    sample: bool
    version: int
    on: date
    tier: str
    """Empty: none is reached."""
    tier_name: str
    ceiling_rupees: int | None
    """The most for a month by the policy's own words: information, JanJan pays nobody."""
    note: str
    possible: str
    """A higher tier that nothing speaks against, but that what is not known yet might."""
    summary: str
    not_certain: list[str]
    """What of the policy could not be confirmed."""
    accounts: list[AccountView]


class TierAnswer(View):
    policies: list[PlacedView]
    """By each policy in force, or the version that was asked for."""


class TierQuery(Strict):
    policy: Id | None = None
    """By this policy alone;"""
    version: Number | None = None
    """by this version of it, drafts and past ones too. Without: the newest."""


class TrialBody(Strict):
    area: AreaId
    version: Number | None = None
    """Without: the newest."""


class TrialQuery(Strict):
    cursor: str | None = None


class TrialView(View):
    """How many approved people of an area would be in which tier; nothing is kept."""

    policy: str
    version: int
    area: str
    read: int
    """People whom this page looked at: at most 500."""
    tiers: dict[str, int]
    none: int
    possible: int
    """Of all these, for how many a higher tier depends on what is not known."""
    next: str | None = None
    """The cursor to the people behind them, whose numbers are to be added."""


@api.get(
    "/v1/me/tier",
    allow=CREATOR,
    answer=TierAnswer,
    summary="The creator's tiers by the policies in force, and why",
)
def my_tier(request: Request) -> TierAnswer:
    return _tiers(wiring.tiers().mine(request.principal.id), request.lang)


@api.get(
    "/v1/influencers/{influencer_id}/tier",
    allow="influencer.read",
    query=TierQuery,
    answer=TierAnswer,
    summary="A person's tiers, and why; also by a version that is not in force",
)
def tier(request: Request, influencer_id: str, query: TierQuery) -> TierAnswer:
    placed = wiring.tiers().of(request.principal, influencer_id, query.policy or "", query.version)
    return _tiers(placed, request.lang)


@api.post(
    "/v1/policies/{policy}/trial",
    allow="policy.trial",
    body=TrialBody,
    query=TrialQuery,
    answer=TrialView,
    summary="Try a version on the people of an area: how many would be in which tier",
)
def trial(request: Request, policy: str, body: TrialBody, query: TrialQuery) -> TrialView:
    version, found, after = wiring.tiers().trial(
        request.principal, policy, body.version, body.area, read_cursor(request)
    )
    by_tier, none, possible = counted(found, version.terms.tiers)
    return TrialView(
        policy=policy,
        version=version.number,
        area=body.area,
        read=len(found),
        tiers=dict(by_tier),
        none=none,
        possible=possible,
        next=next_cursor(request, after),
    )


def _tiers(placed: list[Placed], lang: str) -> TierAnswer:
    wanted = {area for one in placed for area in one.version.terms.areas}
    areas = {
        area.id: named(area.names, lang)
        for area in (wiring.directory().many(wanted).values() if wanted else ())
    }
    return TierAnswer(policies=[_placed(one, lang, areas) for one in placed])


def _placed(one: Placed, lang: str, areas: dict[str, str]) -> PlacedView:
    terms, found = one.version.terms, one.evaluation
    held = terms.tier(found.tier)
    return PlacedView(
        policy=one.policy.id,
        name=named(one.policy.names, lang),
        sample=one.policy.sample,
        version=found.version,
        on=found.on,
        tier=found.tier,
        tier_name=named(held.names, lang) if held else "",
        ceiling_rupees=held.ceiling_rupees if held else None,
        note=named(held.note, lang) if held and held.note else "",
        possible=found.possible,
        summary=words.summary(one.policy, terms, found, lang),
        not_certain=list(terms.not_certain),
        accounts=[_account(account, terms, lang, areas) for account in found.accounts],
    )


def _account(one: AccountFinding, terms: Terms, lang: str, areas: dict[str, str]) -> AccountView:
    names = {tier.id: named(tier.names, lang) for tier in terms.tiers}
    steps = []
    for step in one.tiers:
        rules = [
            RuleView(
                kind=finding.rule.kind,
                **words.reason(finding, one.platform, lang, areas),
                **finding.model_dump(include={"answer", "number", "grade", "at"}),
            )
            for finding in step.findings
        ]
        steps.append(StepView(tier=step.tier, name=names[step.tier], answer=step.answer, rules=rules))
    facts = one.model_dump(include={"platform", "tier", "possible"})
    return AccountView(id=one.account, tiers=steps, **facts)


# --- appeals ------------------------------------------------------------------------------------------------


class MyAppealView(View):
    """An appeal as its creator sees it."""

    id: str
    subject: Subject
    about: str
    """Of a tier the policy, of a handle its id."""
    version: int
    tier: str
    text: str
    state: AppealState
    outcome: Outcome
    """`granted` or `refused`; empty while it is open."""
    answer: str
    opened_at: datetime
    answered_at: datetime | None


class MyAppealList(View):
    items: list[MyAppealView]
    next: str | None = None


class AppealView(View):
    """An appeal as staff see it."""

    id: str
    influencer: str
    language: str
    """In which it is to be answered, at least."""
    area_path: list[str]
    subject: Subject
    about: str
    version: int
    """Of a tier: by which version of the policy;"""
    tier: str
    """and which one it was. Empty: none."""
    text: str
    state: AppealState
    outcome: Outcome
    texts: dict[str, str]
    opened_at: datetime
    age_days: int
    """Since it was made, up to its answer."""
    answered_at: datetime | None
    answered_by: str
    mine: bool
    """Whether the caller may answer it: they did not decide what it is about."""


class AppealList(View):
    items: list[AppealView]
    next: str | None = None


class AppealsQuery(Strict):
    state: AppealState = "open"
    area: AreaId | None = None
    subject: Subject | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 25
    cursor: str | None = None


def _my_appeal_again(request: Request, kept: Mapping[str, Any]) -> MyAppealView:
    mine = wiring.appeals().mine(request.principal.id)
    return _mine(next(one for one in mine if one.id == kept["id"]))


@api.post(
    "/v1/me/appeals",
    allow=CREATOR,
    body=AppealBody,
    answer=MyAppealView,
    status=201,
    again=Again(("id",), _my_appeal_again),
    heard=True,
    summary="Ask that a decision be looked at again, by somebody else",
)
def appeal(request: Request, body: AppealBody) -> MyAppealView:
    return _mine(wiring.appeals().open(request.principal.id, body))


@api.get(
    "/v1/me/appeals",
    allow=CREATOR,
    query=ListQuery,
    answer=MyAppealList,
    heard=True,
    summary="One's own appeals, the newest first",
)
def my_appeals(request: Request, query: ListQuery) -> MyAppealList:
    mine = wiring.appeals().mine(request.principal.id)
    found, after = page_of(request, query.limit, mine, _in_time, latest_first=True)
    return MyAppealList(items=[_mine(one) for one in found], next=after)


@api.get(
    "/v1/appeals",
    allow="appeal.read",
    query=AppealsQuery,
    answer=AppealList,
    summary="Appeals of the caller's areas, by place and then by age",
)
def appeals(request: Request, query: AppealsQuery) -> AppealList:
    wanted = query.model_dump(exclude={"cursor"})
    found, after = wiring.appeals().listed(request.principal, **wanted, after=read_cursor(request))
    return AppealList(items=[_appeal(request, one) for one in found], next=next_cursor(request, after))


@api.get("/v1/appeals/{appeal_id}", allow="appeal.read", answer=AppealView, summary="One appeal")
def one_appeal(request: Request, appeal_id: str) -> AppealView:
    return _appeal(request, wiring.appeals().get(request.principal, appeal_id))


def _answered_again(request: Request, kept: Mapping[str, Any]) -> AppealView:
    return _appeal(request, wiring.appeals().get(request.principal, kept["id"]))


@api.post(
    "/v1/appeals/{appeal_id}/answer",
    allow="appeal.answer",
    body=AnswerBody,
    answer=AppealView,
    again=Again(("id",), _answered_again),
    summary="Grant or refuse an appeal, in words for its person; never by who decided what it is about",
)
def answer(request: Request, appeal_id: str, body: AnswerBody) -> AppealView:
    return _appeal(request, wiring.appeals().answer(request.principal, appeal_id, body))


def _in_time(one: Appeal) -> str:
    return f"{rfc3339(one.opened_at)}#{one.id}"


def _mine(one: Appeal) -> MyAppealView:
    return MyAppealView.model_validate(one.model_dump() | {"answer": one.answer})


def _appeal(request: Request, one: Appeal) -> AppealView:
    until = one.answered_at or wiring.clock().now()
    told = {
        "influencer": one.person,
        "area_path": list(one.path),
        "age_days": max(0, (until - one.opened_at).days),
        "mine": wiring.appeals().may_answer(request.principal, one),
    }
    return AppealView.model_validate(one.model_dump() | told)


# --- the creator's page of them

SUBJECTS = {
    "tier": mark("My category"),
    "review": mark("That I was declined or suspended"),
    "handle": mark("Whose an account is"),
}
OUTCOMES = {
    "": mark("not answered yet"),
    "granted": mark("granted"),
    "refused": mark("refused"),
}
RECEIVED = "Your appeal has come in. Somebody who has not decided before will answer it."


@api.page("GET", "/me/appeals", allow=CREATOR, summary="A creator's appeals and tiers", heard=True)
def appeals_page(request: Request) -> Response:
    return _appeals_page(request)


@api.page("POST", "/me/appeals", allow=CREATOR, summary="Ask that a decision be looked at again", heard=True)
def appeal_form(request: Request) -> Response:
    typed = {name: values[-1] for name, values in request.form().items()}
    subject, _, about = typed.get("about", "").partition(" ")
    try:
        body = AppealBody.model_validate({"subject": subject, "about": about, "text": typed.get("text", "")})
        wiring.appeals().open(request.principal.id, body)
    except ValidationError as error:
        return _appeals_page(request, typed, invalid(error))
    except Rejected as error:
        return _appeals_page(request, typed, error)
    return redirect(f"/me/appeals?lang={request.lang}&done=1")


def _appeals_page(
    request: Request, typed: Mapping[str, str] | None = None, error: Rejected | None = None
) -> Response:
    person, lang = request.principal.id, request.lang
    mine, placed, offers = wiring.appeals().page(person)
    page = shell.render(
        "me_appeals.html",
        lang,
        path="/me/appeals",
        appeals=[_shown(one, lang) for one in mine],
        tiers=_tiers(placed, lang).policies,
        offers=[(f"{one.subject} {one.about}".strip(), _label(one, lang)) for one in offers],
        typed=typed or {},
        longest=LONGEST,
        platforms=PLATFORMS_IN_FULL,
        said=translate(lang, RECEIVED) if request.query.get("done") and not error else "",
        problems=_sentences(error, lang),
    )
    return html(page, error.status if error else 200)


def _shown(one: Appeal, lang: str) -> dict[str, str]:
    return {
        "subject": translate(lang, SUBJECTS[one.subject]),
        "on": day(one.opened_at),
        "text": one.text,
        "outcome": translate(lang, OUTCOMES[one.outcome]),
        "answer": one.answer,
    }


def _label(one: Offer, lang: str) -> str:
    what = translate(lang, SUBJECTS[one.subject])
    more = named(one.names, lang) or PLATFORMS_IN_FULL.get(one.platform, "")
    return f"{what}: {more}" if more else what


def _sentences(error: JanJanError | None, lang: str) -> list[tuple[str, str]]:
    """Each with the field to go to."""
    if isinstance(error, InvalidInput):
        return [
            ("text" if one.field == "text" else "about", translate(lang, one.message, one.params))
            for one in error.errors
        ]
    return [("", translate(lang, error.message, error.params))] if error else []
