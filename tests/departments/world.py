"""Departments on the engine's tables: three of them, staff of each kind, a clock that a test moves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from chalicelib.departments.changes import Changes
from chalicelib.departments.directives import Directives
from chalicelib.departments.officers import Officers
from chalicelib.departments.schemes import Cards, Schemes
from chalicelib.departments.store import DepartmentStore
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.identity.staff import User
from chalicelib.ports import CampaignBrief
from tests.influencers.world import MovedClock

NAMES = {one: {"en": one.title()} for one in ("health", "roads", "water")}
THEMES = {"cleanliness", "health"}
DAY_S = 24 * 3600


def staff(role: str, *departments: str, name: str = "") -> Principal:
    roles: Any = frozenset({role})
    return Principal(
        name or f"usr_{role}", role, "x@x.test", roles, frozenset({"D9001"}), frozenset(departments)
    )


ADMIN, EDITOR, AUDITOR, COORDINATOR = (staff(r) for r in ("admin", "editor", "auditor", "coordinator"))
APPROVER = staff("approver")
WATER = staff("nodal_officer", "water", name="usr_water")
ROADS = staff("nodal_officer", "roads", name="usr_roads")
BOTH = replace(WATER, id="usr_both", departments=frozenset({"water", "roads"}))


def user(principal: Principal) -> User:
    departments = tuple(sorted(principal.departments))
    made = datetime(2026, 1, 1, tzinfo=UTC)
    return User(principal.id, "x@x.test", "x", "CONFIRMED", principal.roles, (), departments, made)


@dataclass
class KnownBriefs:
    briefs: dict[str, CampaignBrief] = field(default_factory=dict)

    def brief(self, campaign_id: str) -> CampaignBrief | None:
        return self.briefs.get(campaign_id)


@dataclass
class World:
    clock: MovedClock = field(default_factory=MovedClock)
    users: dict[str, User] = field(
        default_factory=lambda: {one.id: user(one) for one in (WATER, ROADS, EDITOR)}
    )
    campaigns: KnownBriefs = field(default_factory=KnownBriefs)

    def __post_init__(self) -> None:
        self.store = DepartmentStore()
        self.changes = Changes(Audit(), self.clock)
        self.officers = Officers(self.store, lambda: NAMES, self.users.get, self.changes, self.clock)
        self.directives = Directives(self.store, lambda: NAMES, self.changes, self.clock)
        self.schemes = Schemes(self.store, lambda: NAMES, lambda: THEMES, self.changes, self.clock)
        self.cards = Cards(self.store, self.schemes, self.campaigns, self.changes, self.clock)

    def days(self, number: float) -> None:
        """Lets so many days pass."""
        self.clock.forward(number * DAY_S)

    def audited(self, subject: str) -> list[tuple[str, str]]:
        """What the audit says of a subject: what was done, and by whom."""
        return [(entry.action, entry.actor) for entry in Audit().all_of(subject)]
