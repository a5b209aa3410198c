"""People, for the features that judge by what is known of them: policies and appeals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.clock import parse_rfc3339
from chalicelib.identity.roles import Principal
from chalicelib.influencers.model import Account, Influencer
from chalicelib.influencers.service import Register
from chalicelib.influencers.store import PeopleStore
from chalicelib.lists import prefix_of
from chalicelib.ports import Count, Profile, ProfileAccount, Transaction


@dataclass(frozen=True)
class Profiles:
    """Implements ports.Profiles."""

    store: PeopleStore
    register: Register

    def profile(self, person: str) -> Profile | None:
        found = self.store.find(person)
        return profile_of(found) if found else None

    def approved(
        self, path: Sequence[str], after: Mapping[str, str] | None, page: int
    ) -> Iterator[tuple[Profile, dict[str, str]]]:
        for person, place in self.store.listed("approved", prefix_of(path), after, page):
            yield profile_of(person), place

    def letting_in(self, who: Principal, person: str, at: datetime) -> Callable[[Transaction], None]:
        return self.register.letting_in(who, person, at)


def profile_of(person: Influencer) -> Profile:
    """What others may know of a person."""
    return Profile(
        id=person.id,
        status=person.status,
        language=person.language,
        path=person.area_path,
        accounts=tuple(_account(one) for one in person.handles),
        contested=tuple(one.id for one in person.contested),
        reviewed_at=person.reviewed_at,
        reviewed_by=person.reviewed_by,
    )


def _account(one: Account) -> ProfileAccount:
    """A person's word of 0 followers is what the form says of who wrote nothing: it tells nothing."""
    verified = one.followers_grade == "verified"
    stated = one.followers_stated if verified else one.followers
    return ProfileAccount(
        id=one.id,
        platform=one.platform,
        handle=one.handle,
        verified=Count(one.followers, _at(one.followers_at)) if verified else None,
        declared=Count(stated) if stated else None,
        proven_at=_at(one.proven_at) if one.proof == "verified" else None,
    )


def _at(text: str) -> datetime | None:
    return parse_rfc3339(text) if text else None
