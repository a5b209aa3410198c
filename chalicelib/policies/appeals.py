"""Appeals: made by creators, answered by somebody else than decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pynamodb.transactions import TransactWrite

from chalicelib import lists
from chalicelib.beside import together
from chalicelib.clock import Clock
from chalicelib.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from chalicelib.events.catalog import AppealAnswered, AppealOpened
from chalicelib.i18n import negotiate
from chalicelib.identity.audit import Audit, nothing
from chalicelib.identity.chain import Detail
from chalicelib.identity.roles import Principal
from chalicelib.ids import new_id
from chalicelib.ops import RateLimits
from chalicelib.policies.appeal import (
    ANSWER,
    MAY_BE_REVIEWED,
    READ,
    AnswerBody,
    Appeal,
    AppealBody,
    State,
    Subject,
    concerns,
)
from chalicelib.policies.service import ChangedMeanwhile
from chalicelib.policies.store import PolicyStore
from chalicelib.policies.tiers import Placed, Tiers
from chalicelib.ports import Area, Areas, Profile, Profiles

HOME_LANGUAGE = "hi"
APPEALS_A_DAY = 5
DAY_S = 24 * 3600
AT_ONCE = 20
"""Appeals of one step of an export: each may have 2,000 letters and as long an answer."""
PAGE = 100
"""Appeals looked at for one page of a list: a rare filter answers early, with a cursor to go on."""
LEFT = frozenset({"withdrawn"})


class OpenAlready(Conflict):
    code = "appeal_open"
    message = "You have appealed against this already. Please wait for the answer."


class DecidedBefore(Forbidden):
    code = "decided_before"
    message = "This appeal is about a decision of yours: somebody else must answer it."


@dataclass(frozen=True)
class Offer:
    """Something of a person's that they may appeal against."""

    subject: Subject
    about: str = ""
    platform: str = ""
    """The account's; empty for one that somebody else holds."""
    names: Mapping[str, str] = field(default_factory=dict)
    """The policy's."""


@dataclass(frozen=True)
class Appeals:
    """Implements ports.PersonalRecords for them."""

    store: PolicyStore
    tiers: Tiers
    profiles: Profiles
    areas: Areas
    limits: RateLimits
    audit: Audit
    clock: Clock

    # --- a creator's own

    def open(self, person: str, body: AppealBody) -> Appeal:
        """A new appeal. Raises InvalidInput where there is nothing of theirs to appeal against, OpenAlready,
        TooManyRequests."""
        profile = self._profile(person)
        decided = self._decided(profile, body)
        self.limits.spend(f"appeals#{person}", APPEALS_A_DAY, DAY_S)
        appeal = Appeal(
            id=new_id(f"apl_{person}"),
            rev=1,
            person=person,
            language=negotiate(profile.language, None, HOME_LANGUAGE),
            path=profile.path,
            text=body.text,
            opened_at=self.clock.now().replace(microsecond=0),
            **decided,
        )
        event = AppealOpened(**_ids(appeal))

        def write(transaction: TransactWrite) -> None:
            self.store.put_appeal(transaction, appeal, event)

        detail: Detail = {"appeal": appeal.id, "subject": appeal.subject, "about": appeal.about}
        self.audit.committing(
            subject=f"influencer#{person}",
            action="appeal.opened",
            actor="self",
            at=appeal.opened_at,
            detail=detail,
            write=write,
            refused=lambda failed: OpenAlready(),
        )
        left = self.profiles.profile(person)
        if left is None or left.status in LEFT:  # in this very moment: nobody else would take it away
            self.forget(person)
        return appeal

    def mine(self, person: str) -> list[Appeal]:
        """A creator's appeals, the newest first."""
        return sorted(self.store.of_person(person), key=lambda one: (one.opened_at, one.id), reverse=True)

    def page(self, person: str) -> tuple[list[Appeal], list[Placed], list[Offer]]:
        """A creator's appeals, the newest first, their tiers, and what they may appeal against now."""
        profile, policies, mine = together(
            lambda: self._profile(person), self.tiers.policies.listed, lambda: self.mine(person)
        )
        if profile.status in MAY_BE_REVIEWED:
            return mine, [], [Offer("review")]
        placed = self.tiers.placed(profile, policies)
        tiers = [Offer("tier", one.policy.id, names=one.policy.names) for one in placed]
        open_yet = [Offer("handle", one.id, one.platform) for one in profile.accounts if not one.proven_at]
        return mine, placed, [*tiers, *open_yet, *(Offer("handle", own) for own in profile.contested)]

    # --- staff

    def get(self, who: Principal, appeal: str, action: str = READ) -> Appeal:
        """One appeal of the caller's areas. Raises NotFound, also for one of elsewhere."""
        found = self.store.appeal(appeal)
        if found is None or not who.covers_area(found.path, action):
            raise NotFound
        return found

    def listed(
        self,
        who: Principal,
        *,
        state: State,
        area: str | None,
        subject: Subject | None,
        limit: int,
        after: Mapping[str, Any] | None,
    ) -> tuple[list[Appeal], dict[str, Any] | None]:
        """Up to `limit` appeals of the caller's areas, by place and then by age, and where to go on. Raises
        InvalidInput for an area that is none or not theirs."""
        rows = lists.walk(
            self._prefixes(who, area), lambda at, begin: self.store.listed(state, at, begin, PAGE), after
        )
        return lists.page(rows, limit, lambda appeal: subject in (None, appeal.subject))

    def may_answer(self, who: Principal, appeal: Appeal) -> bool:
        """Whether this is for the caller to answer: it is open, of their areas, and not about what they
        decided."""
        return (
            appeal.state == "open"
            and who.covers_area(appeal.path, ANSWER)
            and who.id not in appeal.decided_by
        )

    def answer(self, who: Principal, appeal: str, body: AnswerBody) -> Appeal:
        """Answers an appeal; a review that is granted lets the person in, in the same transaction. Raises
        NotFound, DecidedBefore, InvalidInput without the person's language, Conflict."""
        seen = self.get(who, appeal, ANSWER)
        if seen.state != "open":
            raise Conflict("This appeal was answered before.")
        profile = self.profiles.profile(seen.person)
        if profile is None:  # erased this moment
            raise NotFound
        if who.id in (*seen.decided_by, *_deciders(seen.subject, profile)):
            raise DecidedBefore
        if seen.language not in body.texts:
            sentence = "Please write the answer in the person's language too (%(language)s)."
            raise InvalidInput.of("texts", "language_missing", sentence, language=seen.language)
        now = self.clock.now()
        after = seen.answered(body, who.id, now.replace(microsecond=0))
        event = AppealAnswered(outcome=body.outcome, **_ids(after))
        let_in: Callable[[TransactWrite], None] = nothing
        if seen.subject == "review" and body.outcome == "granted":
            let_in = self.profiles.letting_in(who, seen.person, now)

        def write(transaction: TransactWrite) -> None:
            self.store.put_appeal(transaction, after, event)
            let_in(transaction)

        detail: Detail = {"appeal": seen.id, "subject": seen.subject, "outcome": body.outcome}
        self.audit.committing(
            subject=f"influencer#{seen.person}",
            action="appeal.answered",
            actor=who.id,
            at=now,
            detail={**detail, "from": profile.status},
            write=write,
            refused=lambda failed: ChangedMeanwhile(),
        )
        return after

    # --- what is kept of a person

    def held(
        self, person: str, after: Mapping[str, Any] | None = None
    ) -> tuple[list[dict[str, Any]], Mapping[str, Any] | None]:
        step, place = lists.step(self.mine(person), lambda one: one.id, after, AT_ONCE)
        return [
            {"kind": "appeal"} | one.model_dump(mode="json", exclude={"rev", "decided_by", "answered_by"})
            for one in step
        ], place

    def forget(self, person: str) -> bool:
        self.store.forget(person)
        return True

    def _profile(self, person: str) -> Profile:
        profile = self.profiles.profile(person)
        if profile is None:  # erased since the session was looked at
            raise Unauthenticated
        return profile

    def _decided(self, profile: Profile, body: AppealBody) -> dict[str, Any]:
        """What an appeal is about, and who decided it. Raises InvalidInput."""
        facts: dict[str, Any] = {"subject": body.subject, "about": body.about}
        if not concerns(body, profile):
            raise InvalidInput.of("about", "nothing_decided", "There is no such decision about you.")
        if body.subject != "tier":
            return facts | {"decided_by": _deciders(body.subject, profile)}
        placed = self.tiers.by_policy(profile, body.about)
        if placed is None:
            raise InvalidInput.of("about", "nothing_decided", "There is no such decision about you.")
        start = placed.policy.in_force(placed.evaluation.on)
        who = {placed.version.by, *([start.by] if start else [])}
        return facts | {
            "version": placed.version.number,
            "tier": placed.evaluation.tier,
            "decided_by": tuple(sorted(who)),
        }

    def _prefixes(self, who: Principal, area: str | None) -> list[str]:
        """Beginnings of the places that `who` may see, none inside another."""
        if area:
            return [lists.prefix_of(self._own_area(who, area).path)]
        return lists.covered_prefixes(self.areas, who, READ)

    def _own_area(self, who: Principal, area_id: str) -> Area:
        area = self.areas.get(area_id)
        if area is None or not who.covers_area(area.path, READ):
            raise InvalidInput.of("area", "area_unknown", "There is no area %(id)s among yours.", id=area_id)
        return area


def _deciders(subject: Subject, profile: Profile) -> tuple[str, ...]:
    """Who decided last what the appeal is about, where that is a person."""
    decided = subject == "review" and profile.status in MAY_BE_REVIEWED and profile.reviewed_by
    return (profile.reviewed_by,) if decided else ()


def _ids(appeal: Appeal) -> dict[str, str]:
    area = appeal.path[-1] if appeal.path else ""
    return {"appeal_id": appeal.id, "influencer_id": appeal.person, "area": area, "subject": appeal.subject}
