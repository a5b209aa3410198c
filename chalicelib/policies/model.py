"""Policies: versions of rules, and the tier that they give a creator, with its reasons. No I/O.

A tier asks for rules that must all be met, each by one and the same account: what several accounts have is
never added. What can be asked stands in a closed list of kinds; a vote, caste, religion or political opinion
cannot be written down.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from chalicelib.clock import IST
from chalicelib.names import clean_text, refuse
from chalicelib.ports import KnownPost, Profile, ProfileAccount
from chalicelib.shapes import Day, Strict, View

Counted = Literal["facebook", "instagram", "x", "youtube"]
"""Platforms whose accounts have followers."""
Platform = Literal["facebook", "instagram", "x", "youtube", "whatsapp", "telegram"]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
Line = Annotated[str, Field(min_length=1, max_length=480), AfterValidator(lambda text: clean_text(text, 120))]
Note = Annotated[
    str, Field(min_length=1, max_length=4000), AfterValidator(lambda text: clean_text(text, 1000))
]
Reason = Annotated[
    str, Field(min_length=1, max_length=500), AfterValidator(lambda text: clean_text(text, 500))
]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
MOST_LANGUAGES = 23
Names = Annotated[dict[Language, Line], Field(min_length=1, max_length=MOST_LANGUAGES)]
MOST_VERSIONS = 500
MOST_STARTS = 150
"""With reasons of 500 characters each a policy stays below the 400 KB of an item."""
LONGEST_TERMS = 90_000
"""Characters of one version: below 400 KB in whatever script."""
READ, WRITE, START, TRIAL = "policy.read", "policy.write", "policy.start", "policy.trial"
"""What staff do with policies (identity.roles.MATRIX)."""


# --- rules --------------------------------------------------------------------------------------------------


class Followers(Strict):
    """An account with so many followers on its platform; accounts of other platforms do not meet it."""

    kind: Literal["followers"]
    at_least: Annotated[
        dict[Counted, Annotated[int, Field(ge=1, le=10_000_000_000)]], Field(min_length=1, max_length=4)
    ]
    verified: bool = True
    """Whether only the platform's own number counts; else the person's word where there is no other."""


class Posts(Strict):
    """So many posts in the last months, of those that were handed in here and are surely the person's."""

    kind: Literal["posts"]
    at_least: Annotated[
        dict[Platform, Annotated[int, Field(ge=1, le=10_000)]], Field(min_length=1, max_length=6)
    ]
    months: Annotated[int, Field(ge=1, le=24)]


class AccountAge(Strict):
    """An account that is so many months old."""

    kind: Literal["account_age"]
    months: Annotated[int, Field(ge=1, le=240)]


class Proven(Strict):
    """An account that was shown to be the person's."""

    kind: Literal["proven"]


class OnPlatform(Strict):
    """An account on one of these platforms."""

    kind: Literal["platform"]
    platforms: Annotated[tuple[Platform, ...], Field(min_length=1, max_length=6)]


class InArea(Strict):
    """A home in one of these areas or below."""

    kind: Literal["area"]
    areas: Annotated[
        tuple[Annotated[str, Field(min_length=2, max_length=40, pattern=r"^[A-Z0-9-]+$")], ...],
        Field(min_length=1, max_length=100),
    ]


Rule = Annotated[Followers | Posts | AccountAge | Proven | OnPlatform | InArea, Field(discriminator="kind")]
"""All that a policy can ask. Other kinds and fields are refused by name."""
Rules = Annotated[tuple[Rule, ...], Field(max_length=20)]


class Tier(Strict):
    """One category: what it asks, and what it gives. JanJan pays nobody: a ceiling is information."""

    id: Slug
    names: Names
    rules: Rules
    ceiling_rupees: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    """The most that the policy lets anybody be paid in a month, by its own words."""
    note: Annotated[dict[Language, Note], Field(max_length=MOST_LANGUAGES)] = {}

    @model_validator(mode="after")
    def _asks(self) -> Tier:
        if not self.rules:
            raise refuse("rules_missing", "Every tier asks for something: write at least one rule.")
        return self


class Terms(Strict):
    """What one version says. It never changes: what is to be otherwise is a new version."""

    tiers: Annotated[tuple[Tier, ...], Field(max_length=12)]
    """The highest first: a creator is in the first one that they meet."""
    rules: Rules = ()
    """What every tier asks as well."""
    source: Annotated[str, Field(max_length=1000)] = ""
    """Where it was published."""
    not_certain: Annotated[tuple[Note, ...], Field(max_length=20)] = ()
    """What of it could not be confirmed."""

    @model_validator(mode="after")
    def _each_once(self) -> Terms:
        if not self.tiers:
            raise refuse("tiers_missing", "A policy has at least one tier.")
        if len({tier.id for tier in self.tiers}) < len(self.tiers):
            raise refuse("tier_twice", "Two tiers have the same id.")
        if len(self.model_dump_json()) > LONGEST_TERMS:
            sentence = "This is too long: at most %(max_length)s characters."
            raise refuse("string_too_long", sentence, max_length=LONGEST_TERMS)
        return self

    def tier(self, tier_id: str) -> Tier | None:
        return next((tier for tier in self.tiers if tier.id == tier_id), None)

    @property
    def months_of_posts(self) -> int:
        """How far back it looks for posts; 0 when it does not."""
        every = (*self.rules, *(rule for tier in self.tiers for rule in tier.rules))
        return max((rule.months for rule in every if isinstance(rule, Posts)), default=0)

    @property
    def areas(self) -> frozenset[str]:
        """All that its rules name."""
        every = (*self.rules, *(rule for tier in self.tiers for rule in tier.rules))
        return frozenset(area for rule in every if isinstance(rule, InArea) for area in rule.areas)


# --- policies -----------------------------------------------------------------------------------------------


class PolicyBody(Strict):
    """A new policy, with its first version as a draft."""

    names: Names
    issued_by: Annotated[str, Field(max_length=200)] = ""
    terms: Terms
    sample: bool = False
    """Whether it is only an example: it says so wherever it is shown."""


class StartBody(Strict):
    version: Annotated[int, Field(ge=1, le=MOST_VERSIONS)]
    begins: Day
    reason: Reason


class EndBody(Strict):
    on: Day
    """The last day."""
    reason: Reason


class Start(View):
    """A version that was put in force."""

    version: int
    begins: date
    by: str
    at: datetime
    reason: str = ""


State = Literal["draft", "to_come", "in_force", "past"]


class Version(View):
    """One version, as it was written."""

    policy: str
    number: int
    terms: Terms
    by: str
    at: datetime


class Policy(View):
    id: str
    rev: int
    names: dict[str, str]
    issued_by: str = ""
    sample: bool = False
    versions: int = 1
    """The number of the newest."""
    starts: tuple[Start, ...] = ()
    """In the order in which they were decided on."""
    ends_on: date | None = None
    """Its last day."""
    ended_by: str = ""
    reason: str = ""
    updated_at: datetime

    def in_force(self, on: date) -> Start | None:
        """The version that holds on this day: the one that began last, and of two that begin on one day the
        one that was decided on later."""
        if self.ends_on is not None and on > self.ends_on:
            return None
        begun = [(start.begins, place) for place, start in enumerate(self.starts) if start.begins <= on]
        return self.starts[max(begun)[1]] if begun else None

    def state(self, version: int, on: date) -> State:
        """How one version stands on this day."""
        holds = self.in_force(on)
        if holds is not None and holds.version == version:
            return "in_force"
        mine = [start.begins for start in self.starts if start.version == version]
        if not mine:
            return "draft"
        ended = self.ends_on is not None and on > self.ends_on
        return "to_come" if max(mine) > on and not ended else "past"


# --- evaluation ---------------------------------------------------------------------------------------------

Answer = Literal["met", "not_met", "no_data"]
"""`no_data`: nobody knows; it is never counted as 0."""
Grade = Literal["", "verified", "declared", "known"]
"""`verified`: told by the platform; `declared`: by the person; `known`: found in our own records."""


class Finding(View):
    """One rule, and what is known of the person about it."""

    rule: Rule
    answer: Answer
    number: int | None = None
    """Of followers or posts."""
    grade: Grade = ""
    at: datetime | None = None
    """When that was measured, shown or handed in."""


class TierFinding(View):
    tier: str
    answer: Answer
    findings: tuple[Finding, ...]


class AccountFinding(View):
    """How one account stands with each tier, the highest first."""

    account: str = ""
    """Its id; empty for who has named none."""
    platform: str = ""
    tier: str = ""
    possible: str = ""
    """A higher tier that nothing speaks against, but that what is not known might."""
    tiers: tuple[TierFinding, ...]


class Evaluation(View):
    """The tier of one person by one version of a policy, and why."""

    policy: str
    version: int
    on: date
    tier: str = ""
    """Empty: none."""
    possible: str = ""
    """A higher one that nothing speaks against, but that what is not known might."""
    accounts: tuple[AccountFinding, ...]
    """The one that stands highest first; one without an id for who has named none."""


@dataclass(frozen=True)
class Known:
    """All that is known of a person on one day."""

    profile: Profile
    posts: Sequence[KnownPost]
    on: date

    def posts_of(self, account: ProfileAccount, since: date) -> list[datetime]:
        """When posts of this account were published, from this day on, the newest first. One whose link names
        no account counts where its person has only one on the platform."""
        only = sum(one.platform == account.platform for one in self.profile.accounts) == 1
        names = {account.handle, ""} if only else {account.handle}
        found = (
            post.at for post in self.posts if post.platform == account.platform and post.account in names
        )
        return sorted((at for at in found if since <= _day(at) <= self.on), reverse=True)


def evaluate(version: Version, known: Known) -> Evaluation:
    """The person's tier by this version. The same version and the same facts give the same answer, whatever
    the order of accounts, posts and rules."""
    terms, accounts = version.terms, known.profile.accounts
    found = [_of_account(terms, known, account) for account in accounts or (None,)]
    rank = {tier.id: place for place, tier in enumerate(terms.tiers)} | {"": len(terms.tiers)}
    found.sort(key=lambda one: (rank[one.tier], rank[one.possible], one.platform, one.account))
    tier = found[0].tier
    higher = min((one.possible for one in found), key=lambda one: rank[one])
    return Evaluation(
        policy=version.policy,
        version=version.number,
        on=known.on,
        tier=tier,
        possible=higher if rank[higher] < rank[tier] else "",
        accounts=tuple(found),
    )


def _of_account(terms: Terms, known: Known, account: ProfileAccount | None) -> AccountFinding:
    common = [_finding(rule, known, account) for rule in terms.rules]
    tiers = []
    for tier in terms.tiers:
        findings = (*common, *(_finding(rule, known, account) for rule in tier.rules))
        tiers.append(TierFinding(tier=tier.id, answer=_together(findings), findings=findings))
    held = next((place for place, one in enumerate(tiers) if one.answer == "met"), len(tiers))
    possible = next((one.tier for one in tiers[:held] if one.answer == "no_data"), "")
    return AccountFinding(
        account=account.id if account else "",
        platform=account.platform if account else "",
        tier=tiers[held].tier if held < len(tiers) else "",
        possible=possible,
        tiers=tuple(tiers),
    )


def _together(findings: Sequence[Finding]) -> Answer:
    answers = {one.answer for one in findings}
    return "not_met" if "not_met" in answers else "no_data" if "no_data" in answers else "met"


def _finding(rule: Rule, known: Known, account: ProfileAccount | None) -> Finding:
    if isinstance(rule, InArea):
        at_home = not set(known.profile.path).isdisjoint(rule.areas)
        return Finding(rule=rule, answer="met" if at_home else "not_met", grade="declared")
    return _of(rule, known, account) if account else Finding(rule=rule, answer="not_met")


def _of(
    rule: Followers | Posts | AccountAge | Proven | OnPlatform, known: Known, account: ProfileAccount
) -> Finding:
    match rule:
        case Followers():
            return _followers(rule, account)
        case Posts():
            return _posts(rule, known, account)
        case AccountAge():
            return _age(rule, known.on, account)
        case Proven():
            shown = account.proven_at
            return Finding(rule=rule, answer="met" if shown else "not_met", grade="known", at=shown)
        case OnPlatform():
            return Finding(rule=rule, answer="met" if account.platform in rule.platforms else "not_met")


def _asked(by_platform: Mapping[Any, int], account: ProfileAccount) -> int | None:
    """What is asked of an account; None when its platform is not named: it does not meet the rule."""
    return by_platform.get(account.platform)


def _followers(rule: Followers, account: ProfileAccount) -> Finding:
    """A stated number is never enough where the count is asked for; one that is too small speaks against
    it."""
    least, figure = _asked(rule.at_least, account), account.verified or account.declared
    grade: Grade = "verified" if account.verified else "declared"
    if least is None:
        return Finding(rule=rule, answer="not_met")
    if figure is None:
        return Finding(rule=rule, answer="no_data")
    reached, counts = figure.number >= least, grade == "verified" or not rule.verified
    answer: Answer = "not_met" if not reached else "met" if counts else "no_data"
    return Finding(rule=rule, answer=answer, number=figure.number, grade=grade, at=figure.at)


def _posts(rule: Posts, known: Known, account: ProfileAccount) -> Finding:
    """Posts that nobody has handed in may be there: fewer than asked are not known to be too few."""
    least = _asked(rule.at_least, account)
    if least is None:
        return Finding(rule=rule, answer="not_met")
    published = known.posts_of(account, months_before(known.on, rule.months))
    return Finding(
        rule=rule,
        answer="met" if len(published) >= least else "no_data",
        number=len(published),
        grade="known",
        at=published[0] if published else None,
    )


def _age(rule: AccountAge, on: date, account: ProfileAccount) -> Finding:
    """No platform tells when an account was made: it is as old as the day on which it was shown, at least."""
    shown = account.proven_at
    old = shown is not None and _day(shown) <= months_before(on, rule.months)
    return Finding(rule=rule, answer="met" if old else "no_data", grade="known" if shown else "", at=shown)


def months_before(day: date, months: int) -> date:
    """The same day so many months ago, or the last one of a month that is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _day(at: datetime) -> date:
    return at.astimezone(IST).date()


def counted(found: Sequence[Evaluation], tiers: Sequence[Tier]) -> tuple[Mapping[str, int], int, int]:
    """How many of these people are in each tier and in none; of all of them, for how many a higher one
    depends on what is not known."""
    by_tier = {tier.id: sum(one.tier == tier.id for one in found) for tier in tiers}
    return by_tier, sum(not one.tier for one in found), sum(bool(one.possible) for one in found)
