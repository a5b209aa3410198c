"""The rules of a post: whose it is, for which campaign it counts, whether it says who paid. No I/O."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from chalicelib.handles import is_id
from chalicelib.metrics.disclosure import Disclosed, disclosed
from chalicelib.ports import OwnAccount, Received, department_holder
from chalicelib.shapes import View

Answer = Literal["yes", "no", "not_known"]
Ground = Literal["", "link", "platform", "proof", "staff"]
Grade = Literal["", "stated", "verified"]
State = Literal["matched", "not_matched", "removed", "withdrawn"]
STATES: tuple[State, ...] = get_args(State)
WINDOW = timedelta(days=14)
"""How long after a campaign reached somebody a post of theirs is taken for that campaign's."""
AT_ONCE = timedelta(hours=24)
"""Two campaigns that reached somebody within this time: nobody can tell which one a post belongs to."""
MOST_OTHERS = 5
READ, WRITE = "post.read", "post.write"
"""What staff do with posts (identity.roles.MATRIX)."""
What = Literal["new", "known", "taken"]
"""What a hand-in came to: the first of its post; not the first of this person; somebody else's was."""


class Words(View):
    """What is known of a post's words: the labels in them, not the words."""

    labels: tuple[str, ...]
    by: Literal["platform", "stated"]
    at: datetime | None = None

    def over(self, known: Words | None) -> Words:
        """What holds when this is told and `known` was known: the platform's word beats a person's, and of
        two by the same the later."""
        if known is None or known.by == "stated" and self.by == "platform":
            return self
        if known.by == "platform" and self.by == "stated":
            return known
        return self if (self.at and known.at and self.at >= known.at) else known


class Told(View):
    """What a platform has told of a post, whoever has handed it in or will. Any order of the same news comes
    to the same."""

    accounts: tuple[str, ...] = ()
    """Ids and names of the one account whose post it is."""
    api_id: str = ""
    """The id under which its API knows it, where that is another one than the link's."""
    words: Words | None = None
    published_at: datetime | None = None
    seen_at: datetime | None = None
    """When it was there, by the latest word."""
    removed_at: datetime | None = None
    """When it was not, by the latest word."""

    def and_(self, news: Told) -> Told:
        """Both together."""
        return Told(
            accounts=tuple(sorted({*self.accounts, *news.accounts})),
            api_id=news.api_id or self.api_id,
            words=news.words.over(self.words) if news.words else self.words,
            published_at=_earlier(self.published_at, news.published_at),
            seen_at=_later(self.seen_at, news.seen_at),
            removed_at=_later(self.removed_at, news.removed_at),
        )

    @property
    def gone(self) -> bool:
        """Whether it is not there any more, or never was. News of one moment: it is gone."""
        return self.removed_at is not None and (self.seen_at is None or self.removed_at >= self.seen_at)


class Post(View):
    """One post of one platform, counted once, however often and by whomever it was handed in."""

    id: str
    """Ours, made of platform and the platform's id: two hand-ins of one post meet in it."""
    rev: int
    platform: str
    native_id: str
    """The platform's own id as its link carries it; empty once its person has left."""
    url: str
    """The link in its canonical form; empty once its person has left."""
    api_id: str = ""
    """What its platform's API is asked with, where that is not `native_id`."""
    person: str = ""
    """The influencer whose post it is."""
    owner_department: str = ""
    """The department whose own handle published it, when no influencer did."""
    area_path: tuple[str, ...] = ()
    """Where its person lived when it was handed in."""
    handed_in_at: datetime
    evidence: str
    """The hand-in that came first."""
    others: tuple[str, ...] = ()
    """Other influencers who say that it is theirs; at most MOST_OTHERS."""
    account: str = ""
    """Whose post its link says it is: a canonical handle."""
    matched: Answer = "not_known"
    """Whether it was published by one of its person's accounts."""
    matched_by: Ground = ""
    """Who said so. A platform's word beats a link's, and somebody else's `proof` that the account is theirs
    a statement; a member of staff's beats all."""
    proven: bool = False
    """Whether the account by which it is its person's was shown to be theirs."""
    campaign: str = ""
    campaign_by: Literal["", "given", "latest", "staff"] = ""
    campaign_department: str = ""
    candidates: tuple[str, ...] = ()
    """Campaigns that it may belong to, while nobody has said which."""
    compensation: Literal["", "none", "paid", "in_kind"] = ""
    """The campaign's."""
    told: Told = Told()
    """What its platform has said of it."""
    stated: Words | None = None
    """What its person pasted of its words."""
    decided_by: str = ""
    """The member of staff who spoke last of its campaign or owner."""
    reason: str = ""
    """What they gave as their reason."""
    withdrawn_at: datetime | None = None
    """Since when its person has left: figures stay, link and person are gone."""

    @property
    def words(self) -> Words | None:
        """The platform's, or else what its person pasted."""
        return self.told.words or self.stated

    @property
    def published_at(self) -> datetime | None:
        """As its platform told."""
        return self.told.published_at

    @property
    def removed_at(self) -> datetime | None:
        """Since when it is gone; what was never there was not removed."""
        return self.told.removed_at if self.told.gone and self.matched == "yes" else None

    @property
    def state(self) -> State:
        if self.withdrawn_at:
            return "withdrawn"
        if self.matched != "yes":
            return "not_matched"
        return "removed" if self.removed_at else "matched"

    @property
    def matched_grade(self) -> Grade:
        """Of a match by an account: whether that was shown to be its person's, or is as they have stated
        it."""
        if self.matched != "yes" or self.matched_by == "staff":
            return ""
        return "verified" if self.proven else "stated"

    @property
    def accounts(self) -> frozenset[str]:
        """Names and ids of the one account whose post it is: as its platform told; where that is no name, the
        one in its link, too."""
        named = not all(is_id(one) for one in self.told.accounts)
        return frozenset(self.told.accounts if named else (*self.told.accounts, self.account)) - {""}

    @property
    def counts(self) -> bool:
        """Whether it counts for its campaign: it is surely its person's."""
        return bool(self.campaign) and self.matched == "yes"

    @property
    def disclosed(self) -> Disclosed:
        """Whether its words carry the label that its campaign asks for."""
        return disclosed(self.compensation, self.words.labels if self.words else None)

    @property
    def holder(self) -> str:
        """Whose accounts it may be on (ports.Handles); empty once its person has left."""
        return self.person or (department_holder(self.owner_department) if self.owner_department else "")

    @property
    def owner(self) -> str:
        """The influencer or the department."""
        return self.person or self.owner_department

    @property
    def departments(self) -> frozenset[str]:
        """Whose it is, among departments: its own handle's, and the campaign's."""
        return frozenset({self.owner_department, self.campaign_department} - {""})

    def changed(self, **changes: object) -> Post:
        """The post with `changes`, one revision on."""
        return self.model_copy(update={"rev": self.rev + 1, **changes})

    def with_told(self, news: Told) -> Post:
        """The post with news of its platform; whose it is by them is `weighed` then."""
        told = self.told.and_(news)
        return self.model_copy(update={"told": told, "api_id": told.api_id or self.api_id})

    def weighed(self, mine: Sequence[OwnAccount], shown_by: str = "") -> Post:
        """The post with whether it is its person's, by their accounts there; `shown_by`: who has shown that
        the account whose post it is, is theirs. Staff's word stays."""
        if self.matched_by == "staff":
            return self
        its = fitting(self.accounts, mine)
        answer, by = match(self.told, mine), "platform"
        proven = any(one.proven for one in its)
        if answer == "not_known" and self.matched_by == "platform":
            answer, proven = self.matched, proven or self.proven  # of an id that was asked for then
        elif answer == "not_known" and self.account:
            answer, by = "yes" if its else "no", "link"
        elif answer == "not_known":
            by = ""
        if shown_by and shown_by == self.holder:  # though its name is somebody else's by now
            answer, by, proven = "yes", "platform" if self.told.accounts else "link", True
        elif shown_by and not proven:
            answer, by = "no", "proof"
        return self.model_copy(update={"matched": answer, "matched_by": by, "proven": proven})

    def revised(self, before: Post) -> Post:
        """The post one revision on from `before`; that, when nothing is new."""
        return before if self == before else self.model_copy(update={"rev": before.rev + 1})

    def without_person(self, at: datetime) -> Post:
        """What stays when its person leaves: that it counted, where and for what, and its figures; nothing by
        which the post or the person could be found."""
        gone: dict[str, object] = dict.fromkeys(("native_id", "url", "api_id", "person", "account"), "")
        words = self.words.model_copy(update={"at": None}) if self.words else None
        told = Told(words=words if self.told.words else None)
        stated = None if self.told.words else words
        kept = {"area_path": self.area_path[:3], "others": (), "evidence": "", "candidates": (), "reason": ""}
        return self.changed(**gone, **kept, told=told, stated=stated, withdrawn_at=at)


@dataclass(frozen=True)
class Outcome:
    what: What
    post: Post


@dataclass(frozen=True)
class Wanted:
    """Which posts a list shows; empty for all."""

    campaign: str = ""
    person: str = ""
    area: str = ""
    platform: str = ""
    state: State | Literal[""] = ""
    undecided: bool = False
    """Only those of which nobody has said for which campaign they are."""

    def picks(self, post: Post) -> bool:
        return (
            self.campaign in ("", post.campaign)
            and self.person in ("", post.person)
            and (not self.area or self.area in post.area_path)
            and self.platform in ("", post.platform)
            and self.state in ("", post.state)
            and (not self.undecided or bool(post.candidates))
        )


@dataclass(frozen=True)
class Decision:
    """What a member of staff says of a post; None: nothing."""

    reason: str
    campaign: str | None = None
    """Empty: it is for none."""
    matched: bool | None = None
    """Whether it was published by its person, whatever link and platform say."""


def match(told: Told, mine: Sequence[OwnAccount]) -> Answer:
    """Whether the account whose post it is, is one of `mine`.

    An id says nothing about a name: with nothing of one kind to compare it stays open. What is gone before
    it was ever seen is nobody's.
    """
    known = set(told.accounts)
    if fitting(known, mine):
        return "yes"
    if told.gone and told.seen_at is None and not known:
        return "no"
    own = {name for one in mine for name in (one.name, one.account) if name}
    if not known or own and not {is_id(one) for one in known} & {is_id(one) for one in own}:
        return "not_known"
    return "no"


def fitting(known: Set[str], mine: Sequence[OwnAccount]) -> list[OwnAccount]:
    """Those of `mine` that are the one account with these names and ids: a name alone is not, where both ids
    are known and differ (it changed hands)."""
    ids = {one for one in known if is_id(one)}
    return [
        one
        for one in mine
        if (one.account in ids if one.account and ids else one.name in known or one.account in known)
    ]


@dataclass(frozen=True)
class Choice:
    """The campaign that a post is taken for, or those that it may be for."""

    campaign: str = ""
    candidates: tuple[str, ...] = ()


def choose(received: Sequence[Received], at: datetime) -> Choice:
    """The campaign of a post that was handed in at this time without saying for which.

    It is the one that reached the person last, within WINDOW. When another one reached them less than AT_ONCE
    before that, it is open which: it counts for none until somebody says so.
    """
    latest: dict[str, datetime] = {}
    for one in received:
        if at - WINDOW <= one.at <= at:
            latest[one.campaign_id] = max(one.at, latest.get(one.campaign_id, one.at))
    newest = max(latest.values(), default=at)
    near = tuple(sorted(campaign for campaign, when in latest.items() if newest - when < AT_ONCE))
    return Choice(near[0]) if len(near) == 1 else Choice(candidates=near)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at), default=None)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((at for at in (one, other) if at), default=None)
