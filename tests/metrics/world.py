"""Posts on the engine's tables, with people, campaigns and deliveries in a test's hands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chalicelib.identity.audit import Audit
from chalicelib.metrics.model import Post
from chalicelib.metrics.service import Posts
from chalicelib.metrics.store import PostStore
from chalicelib.ops import RateLimits
from chalicelib.ports import CampaignBrief, Contact, OwnAccount, Received
from tests.influencers.world import KnownSecrets, MovedClock

AREA = ("IN", "IN-XN", "D9001", "D9001-B1")


def contact(person: str, **changes: Any) -> Contact:
    facts: dict[str, Any] = {
        "id": person,
        "status": "approved",
        "name": "नमूना",
        "language": "en",
        "area_path": AREA,
        "addresses": {"whatsapp": f"+{person}"},
        "consents": frozenset(),
        "suppressed": frozenset(),
    }
    return Contact(**facts | changes)


@dataclass
class FakePeople:
    known: dict[str, Contact] = field(default_factory=dict)

    def owner(self, channel: str, address: str) -> str | None:
        return address if address in self.known else None

    def contacts(self, ids: Sequence[str]) -> dict[str, Contact]:
        return {one: self.known[one] for one in ids if one in self.known}


@dataclass
class FakeHandles:
    """Accounts by their person: each stated, but those in `proven`."""

    handles: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    proven: dict[tuple[str, str], str] = field(default_factory=dict)

    def handles_of(self, person: str) -> list[OwnAccount]:
        return [
            OwnAccount(platform, name, proven=self.proven.get((platform, name)) == person)
            for platform, name in self.handles.get(person, [])
        ]

    def proven_by(self, platform: str, accounts: Iterable[str]) -> str:
        return next((self.proven[platform, one] for one in accounts if (platform, one) in self.proven), "")

    def prove(self, person: str, platform: str, name: str) -> None:
        """As takeover does: whoever else has stated it, has it no longer."""
        self.proven[platform, name] = person
        for other, own in self.handles.items():
            self.handles[other] = [one for one in own if one != (platform, name)]
        self.handles[person].append((platform, name))


@dataclass
class FakeCampaigns:
    """Briefs, and what reached whom when."""

    briefs: dict[str, CampaignBrief] = field(default_factory=dict)
    reached: list[tuple[str, Received]] = field(default_factory=list)

    def brief(self, campaign_id: str) -> CampaignBrief | None:
        return self.briefs.get(campaign_id)

    def received(self, person: str, since: datetime, until: datetime) -> list[Received]:
        return [one for to, one in self.reached if to == person and since <= one.at <= until]


@dataclass
class World:
    clock: MovedClock = field(default_factory=MovedClock)
    people: FakePeople = field(default_factory=FakePeople)
    handles: FakeHandles = field(default_factory=FakeHandles)
    campaigns: FakeCampaigns = field(default_factory=FakeCampaigns)
    account_ids: dict[str, str] = field(default_factory=dict)
    hands_in: int = 0
    shredded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = PostStore(KnownSecrets().keyed_hash)
        self.person("one", ("youtube", "one"), ("x", "one"), ("telegram", "one_tg"))
        self.person("two", ("youtube", "two"), ("x", "two"), ("telegram", "two_tg"))
        self.handles.handles["department#water"] = [("youtube", "water"), ("x", "water")]
        self.posts = self.service(self.store)

    def service(self, store: Any) -> Posts:
        return Posts(
            store=store,
            people=self.people,  # type: ignore[arg-type]
            handles=self.handles,
            briefs=self.campaigns,
            deliveries=self.campaigns,
            departments=lambda: {"water", "roads"},
            limits=RateLimits(self.clock),
            audit=Audit(),
            clock=self.clock,
            account_id=lambda platform, handle: self.account_ids.get(handle, ""),
            shred=self.shredded.append,
        )

    def person(self, ident: str, *handles: tuple[str, str], **changes: Any) -> None:
        self.people.known[ident] = contact(ident, **changes)
        self.handles.handles[ident] = list(handles)

    def campaign(
        self, ident: str, compensation: str = "none", department: str = "water", **reached: timedelta
    ) -> None:
        """A campaign; `reached`: who got it, and how long ago."""
        self.campaigns.briefs[ident] = CampaignBrief(ident, f"Title of {ident}", department, compensation)  # type: ignore[arg-type]
        for person, ago in reached.items():
            self.campaigns.reached.append((person, Received(ident, self.clock.now() - ago)))

    def says(self, person: str, text: str, evidence: str = "") -> str | None:
        """A message of somebody to us."""
        self.hands_in += 1
        evidence = evidence or f"message {self.hands_in}"
        return self.posts.handed_in("whatsapp", person, text, evidence=evidence, at=self.clock.now())

    def post(self, platform: str, native_id: str) -> Post:
        found = self.store.find(self.store.id_of(platform, native_id))
        assert found is not None
        return found

    def all_posts(self) -> list[Post]:
        return [post for post, _ in self.store.listed("by_time", "post", None, 100)]


class Crash(BaseException):
    """The process dies."""


@dataclass
class Dying:
    """A store whose n-th call dies, before or after it is done."""

    store: PostStore
    die_at: int
    before: bool
    calls: int = 0

    def __getattr__(self, name: str) -> Any:
        act = getattr(self.store, name)

        def call(*given: Any, **named: Mapping[str, Any]) -> Any:
            self.calls += 1
            if self.calls == self.die_at and self.before:
                raise Crash
            done = act(*given, **named)
            if self.calls == self.die_at:
                raise Crash
            return done

        return call
