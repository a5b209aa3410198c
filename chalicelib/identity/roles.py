"""Who may do what: one matrix of roles and actions, and the person who calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

Role = Literal["admin", "coordinator", "editor", "approver", "nodal_officer", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)

_EVERYBODY = frozenset(ROLES)


def _only(*roles: Role) -> frozenset[Role]:
    return frozenset(roles)


MATRIX: dict[str, frozenset[Role]] = {
    "influencer.read": _only("admin", "coordinator", "auditor"),
    "influencer.review": _only("admin", "coordinator"),
    "influencer.reveal": _only("admin", "coordinator"),
    "influencer.erase": _only("admin"),
    "influencer.reach": _EVERYBODY,
    "ambassador.read": _only("admin", "coordinator", "auditor"),
    "ambassador.write": _only("admin", "coordinator"),
    "gaps.read": _EVERYBODY,
    "invitation.read": _only("admin", "coordinator", "auditor"),
    "invitation.write": _only("admin", "coordinator"),
    "campaign.read": _EVERYBODY,
    "campaign.write": _only("admin", "editor", "nodal_officer"),
    "campaign.submit": _only("admin", "editor", "nodal_officer"),
    "campaign.approve": _only("admin", "approver"),
    "campaign.schedule": _only("admin", "editor", "approver"),
    "campaign.pause": _only("admin", "editor", "approver", "nodal_officer"),
    "campaign.withdraw": _only("admin", "editor", "approver"),
    "campaign.override": _only("admin", "approver"),
    "campaign.report": _EVERYBODY,
    "officer_report.read": _only("admin", "approver", "nodal_officer", "auditor"),
    "officer_report.sign": _only("admin", "approver"),
    "delivery.read": _only("admin", "editor", "approver", "auditor"),
    "stop.read": _EVERYBODY,
    "stop.write": _only("admin", "approver"),
    "channel.read": _EVERYBODY,
    "channel.write": _only("admin"),
    "delivery.decide": _only("admin", "approver"),
    "post.read": _EVERYBODY,
    "post.write": _only("admin", "coordinator", "editor", "nodal_officer"),
    "upload.write": _only("admin", "coordinator", "editor", "nodal_officer"),
    "template.read": _only("admin", "editor", "approver", "nodal_officer", "auditor"),
    "template.write": _only("admin", "editor"),
    "import.read": _only("admin", "coordinator", "auditor"),
    "import.write": _only("admin", "coordinator"),
    "import.influencers": _only("admin", "coordinator"),
    "import.groups": _only("admin", "coordinator"),
    "import.areas": _only("admin"),
    "import.turnout": _only("admin"),
    "import.departments": _only("admin"),
    "group.read": _only("admin", "coordinator", "nodal_officer", "auditor"),
    "group.write": _only("admin", "coordinator", "nodal_officer"),
    "group.reveal": _only("admin", "coordinator", "nodal_officer"),
    "coverage.read": _only("admin", "coordinator", "auditor"),
    "coverage.write": _only("admin", "coordinator"),
    "directory.write": _only("admin"),
    "department.read": _EVERYBODY,
    "handle.write": _only("admin", "editor", "nodal_officer"),
    "officer.read": _EVERYBODY,
    "officer.write": _only("admin", "nodal_officer"),
    "officer.reveal": _only("admin", "nodal_officer"),
    "directive.read": _only("admin", "editor", "approver", "nodal_officer", "auditor"),
    "directive.write": _only("admin", "approver"),
    "directive.acknowledge": _only("admin", "nodal_officer"),
    "scheme.write": _only("admin", "editor", "nodal_officer"),
    "card.read": _EVERYBODY,
    "card.write": _only("admin", "editor", "nodal_officer"),
    "election.read": _EVERYBODY,
    "election.write": _only("admin"),
    "turnout.read": _EVERYBODY,
    "turnout.write": _only("admin"),
    "turnout.goal": _only("admin", "coordinator"),
    "policy.read": _EVERYBODY,
    "policy.write": _only("admin", "editor"),
    "policy.start": _only("admin", "approver"),
    "policy.trial": _only("admin", "coordinator"),
    "appeal.read": _only("admin", "coordinator", "auditor"),
    "appeal.answer": _only("admin", "coordinator"),
    "user.read": _only("admin", "auditor"),
    "user.write": _only("admin"),
    "voice.read": _only("admin", "coordinator", "nodal_officer", "auditor"),
    "voice.reveal": _only("admin", "coordinator", "nodal_officer"),
    "voice.assign": _only("admin", "coordinator", "nodal_officer"),
    "voice.answer": _only("admin", "coordinator", "nodal_officer"),
    "voice.merge": _only("admin", "coordinator", "nodal_officer"),
    "voice.moderate": _only("admin", "coordinator", "nodal_officer"),
    "voice_rule.read": _only("admin", "coordinator", "nodal_officer", "auditor"),
    "voice_rule.write": _only("admin"),
    "dead_letter.read": _only("admin", "auditor"),
    "dead_letter.write": _only("admin"),
    "webhook.read": _only("admin", "auditor"),
    "webhook.write": _only("admin"),
    "audit.read": _only("admin", "auditor"),
}
"""Action -> the roles that may do it. What is not named here, nobody may do."""

_ALL_AREAS = _only("admin", "auditor")
_ALL_DEPARTMENTS = _only("admin", "auditor", "editor", "approver")
"""These work for the whole organisation where a thing is of no single area (docs/roles.md)."""
NEEDS_SECOND_FACTOR = _only("admin", "approver")
"""Who may undo others' work or let a message out signs in with a code as well (DESIGN.md, staff sign-in)."""


@dataclass(frozen=True)
class Principal:
    """A member of staff, as the sign-in vouches for them."""

    id: str
    name: str
    email: str
    roles: frozenset[Role]
    areas: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()
    issued_at: float = field(default=0.0, compare=False)
    """When they signed in (epoch seconds), as their token tells."""

    def may(self, action: str) -> bool:
        """Whether some role of this person allows `action`. Raises KeyError for an unknown action."""
        return bool(self.roles & MATRIX[action])

    def covers_area(self, path: Sequence[str], action: str) -> bool:
        """Whether this person may do `action` in the area with this path (ids from `IN` to itself): in every
        area by a role that covers all, else in those that they were given and below.

        Only roles that allow `action` count: an auditor who is a coordinator too reviews nobody elsewhere.
        """
        roles = self.roles & MATRIX[action]
        return bool(roles & _ALL_AREAS) or bool(roles) and not self.areas.isdisjoint(path)

    def covers_department(self, department: str, action: str) -> bool:
        """Whether this person may do `action` for `department`: nodal officers are bound to those that they
        were given, unless another role of theirs, which allows `action`, works for all."""
        roles = self.roles & MATRIX[action]
        if "nodal_officer" in roles and not roles & _ALL_DEPARTMENTS:
            return department in self.departments
        return bool(roles)

    def works_for_all(self, action: str) -> bool:
        """Whether some role of theirs that allows `action` works for the whole organisation, and not for
        areas or departments that were given to them."""
        return bool(self.roles & MATRIX[action] & _ALL_DEPARTMENTS)

    def works_for(self, department: str, action: str) -> bool:
        """Whether what this department does is theirs to see as a whole: counts over all areas included."""
        return self.works_for_all(action) or department in self.bound_to(action)[1]

    def bound_to(self, action: str) -> tuple[frozenset[str], frozenset[str]]:
        """For who does not work for all: the areas (a coordinator's) and the departments (a nodal officer's)
        to which they are bound in doing `action`."""
        roles = self.roles & MATRIX[action]
        areas = self.areas if "coordinator" in roles else frozenset[str]()
        return areas, self.departments if "nodal_officer" in roles else frozenset()


def touches(own: Iterable[Sequence[str]], path: Sequence[str]) -> bool:
    """Whether an area lies in one of `own`, or above it: what happens there concerns them. All are paths."""
    return any(path[-1] in one or one[-1] in path for one in own)


def needs_second_factor(roles: frozenset[Role]) -> bool:
    """Whether someone with these roles signs in with a code from an authenticator as well."""
    return bool(roles & NEEDS_SECOND_FACTOR)


def known_roles(names: Sequence[str]) -> frozenset[Role]:
    """The roles among `names`; a group of the pool that is no role gives nothing."""
    return frozenset(role for role in ROLES if role in names)
