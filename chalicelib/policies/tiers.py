"""Which tier somebody is in: looked up anew each time, so that it is never out of date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import islice
from typing import Any

from chalicelib.beside import MOST_AT_ONCE, both, together
from chalicelib.clock import Clock
from chalicelib.errors import InvalidInput, NotFound, Unauthenticated
from chalicelib.identity.roles import Principal
from chalicelib.policies.model import TRIAL, Evaluation, Known, Policy, Version, evaluate, months_before
from chalicelib.policies.service import Policies, held_on
from chalicelib.ports import Activity, Area, Areas, Profile, Profiles

READ_PERSON = "influencer.read"
MOST_POSTS = 2000
"""Posts of one person that are looked at: more than any rule asks for is known by then to be there."""
TRIED_AT_ONCE = 500
"""People whom one request of a trial looks at."""
TRIES_FOR_S = 8
"""So long one request begins with more of them where posts are read, MOST_AT_ONCE people side by side: API
Gateway gives up after 29 s."""


@dataclass(frozen=True)
class Placed:
    """A person's tier by one version of a policy, with what was judged by."""

    policy: Policy
    version: Version
    evaluation: Evaluation


@dataclass(frozen=True)
class Tiers:
    policies: Policies
    profiles: Profiles
    activity: Activity
    areas: Areas
    clock: Clock

    def mine(self, person: str) -> list[Placed]:
        """The tiers of a creator by all policies in force."""
        profile, policies = both(lambda: self.profiles.profile(person), self.policies.listed)
        if profile is None:  # erased since the session was looked at
            raise Unauthenticated
        return self.placed(profile, policies)

    def of(self, who: Principal, person: str, policy: str, number: int | None) -> list[Placed]:
        """The tiers of somebody in the caller's areas: by all policies in force, or by one version of one.
        Raises NotFound, also for a person of elsewhere."""
        profile, chosen = both(
            lambda: self.profiles.profile(person),
            lambda: self._chosen(policy, number) if policy else self.policies.listed(),
        )
        if profile is None or not who.covers_area(profile.path, READ_PERSON):
            raise NotFound
        if isinstance(chosen, list):
            return self.placed(profile, chosen)
        return [self._by(profile, *chosen)]

    def under(self, who: Principal, profile: Profile | None, policy: Policy, number: int) -> Placed:
        """The tier of somebody in the caller's areas by one version. Raises NotFound as `of` does."""
        if profile is None or not who.covers_area(profile.path, READ_PERSON):
            raise NotFound
        return self._by(profile, policy, self.policies.version(policy.id, number))

    def _by(self, profile: Profile, policy: Policy, version: Version) -> Placed:
        return Placed(policy, version, evaluate(version, self._known(profile, version)))

    def by_policy(self, profile: Profile, policy: str) -> Placed | None:
        """The tier by the version of one policy that is in force; None when none is."""
        placed = self.placed(profile, self.policies.listed())
        return next((one for one in placed if one.policy.id == policy), None)

    def trial(
        self,
        who: Principal,
        policy: str,
        number: int | None,
        area_id: str,
        after: Mapping[str, Any] | None,
    ) -> tuple[Version, list[Evaluation], Mapping[str, str] | None]:
        """The tiers of up to 500 approved people of an area, fewer where reading their posts takes long, by
        any version, drafts too; and where to go on.
        Nothing is kept. Raises NotFound, InvalidInput, also for an area that the caller does not
        cover."""
        area = self._own_area(who, area_id)
        (_, version), people = both(
            lambda: self._chosen(policy, number),
            lambda: list(islice(self.profiles.approved(area.path, after, TRIED_AT_ONCE), TRIED_AT_ONCE)),
        )
        found = list[Evaluation]()
        until = self.clock.epoch() + TRIES_FOR_S
        while len(found) < len(people) and not (found and self.clock.epoch() > until):
            some = people[len(found) : len(found) + MOST_AT_ONCE]
            known = together(*(partial(self._known, profile, version) for profile, _ in some))
            found += [evaluate(version, one) for one in known]
        whole = len(found) == len(people) < TRIED_AT_ONCE
        return version, found, None if whole or not people else people[len(found) - 1][1]

    def _chosen(self, policy: str, number: int | None) -> tuple[Policy, Version]:
        """The version of this number, or else the newest."""
        if number:
            return both(lambda: self.policies.get(policy), lambda: self.policies.version(policy, number))
        found = self.policies.get(policy)
        return found, self.policies.version(policy, found.versions)

    def placed(self, profile: Profile, policies: list[Policy]) -> list[Placed]:
        """Somebody's tiers by those of these policies that are in force."""
        held = held_on(policies, self.clock.today_ist())
        versions = self.policies.store.many([(policy.id, number) for policy, number in held])
        chosen = [(policy, versions[policy.id, number]) for policy, number in held]
        known = self._known(profile, *versions.values())
        return [Placed(policy, version, evaluate(version, known)) for policy, version in chosen]

    def _known(self, profile: Profile, *versions: Version) -> Known:
        """What these versions ask about, read once for all of them."""
        today = self.clock.today_ist()
        months = max((version.terms.months_of_posts for version in versions), default=0)
        if not months or not profile.accounts:
            return Known(profile, (), today)
        since = _begin_of(months_before(today, months))
        return Known(profile, self.activity.posts_since(profile.id, since, MOST_POSTS), today)

    def _own_area(self, who: Principal, area_id: str) -> Area:
        area = self.areas.get(area_id)
        if area is None or not who.covers_area(area.path, TRIAL):
            raise InvalidInput.of("area", "area_unknown", "There is no area %(id)s among yours.", id=area_id)
        return area


def _begin_of(day: date) -> datetime:
    """Surely before this day has begun in India."""
    return datetime.combine(day, time(), UTC) - timedelta(days=1)
