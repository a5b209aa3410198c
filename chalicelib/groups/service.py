"""The register of groups, as staff use it, and as a creator sees the groups of their own places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pynamodb.transactions import TransactWrite

from chalicelib import lists
from chalicelib.clock import Clock
from chalicelib.errors import Conflict, FieldError, InvalidInput, NotFound, Transient
from chalicelib.groups.model import (
    READ,
    REVEAL,
    WRITE,
    Admin,
    Figures,
    Group,
    GroupChange,
    Kind,
    LinkState,
    LinkWord,
    MonthsFigures,
    NewGroup,
    belongs,
    faults,
    invite,
    officer_of,
    sees,
)
from chalicelib.groups.store import GroupStore
from chalicelib.identity.audit import Audit
from chalicelib.identity.chain import Detail
from chalicelib.identity.roles import Principal
from chalicelib.ids import new_id
from chalicelib.ports import Area, Areas, People

PAGE = 100
TRIES = 5
SYSTEM = "system"
DISTRICT = 3
"""Parts of an area's path down to the district."""


class LinkTaken(Conflict):
    code = "link_taken"
    message = "This link stands on the register already, for another group."


@dataclass(frozen=True)
class Groups:
    """Groups, each visible only where its reader may see it: any other is not there."""

    store: GroupStore
    areas: Areas
    departments: Callable[[], frozenset[str]]
    people: People
    audit: Audit
    clock: Clock

    def add(self, who: Principal, wanted: NewGroup, *, sample: bool = False) -> Group:
        """Puts a group on the register. Raises InvalidInput for an area or department that is none or not
        the caller's, LinkTaken."""
        area = self._area(who, wanted.area, wanted.kind, wanted.departments, wanted.admins)
        now = self.clock.now()
        group = Group(
            id=new_id("grp"),
            platform=invite(wanted.link)[0],
            kind=wanted.kind,
            name=wanted.name,
            link=wanted.link,
            area=area.id,
            path=area.path,
            departments=wanted.departments,
            admins=wanted.admins,
            seen_at=now,
            seen_by=who.id,
            created_at=now,
            created_by=who.id,
            sample=sample,
        )
        detail: Detail = {"area": area.id, "platform": group.platform, "kind": group.kind}
        self._commit(who.id, "group.added", None, group, detail=detail)
        return group

    def get(self, who: Principal, group_id: str, action: str = READ) -> Group:
        """One group. Raises NotFound, also for one that the caller may not know of."""
        group = self.store.find(group_id)
        if group is None or not sees(who, group, action):
            raise NotFound
        return group

    def change(self, who: Principal, group_id: str, wanted: GroupChange) -> Group:
        """Writes what is to be otherwise. Raises as `get` and `add` do, Conflict when somebody else was
        quicker."""
        before = self.get(who, group_id, WRITE)
        said = {
            name: value for name in wanted.model_fields_set if (value := getattr(wanted, name)) is not None
        }
        departments = said.get("departments", before.departments)
        area = self._area(
            who, said.get("area", before.area), before.kind, departments, said.get("admins", ())
        )
        after = before.changed(**said, path=area.path)
        self._commit(who.id, "group.changed", before, after, detail={"fields": sorted(said)})
        return after

    def link(self, who: Principal, group_id: str, word: LinkWord) -> Group:
        """Notes what is known of a group's link. Raises LinkTaken, InvalidInput."""
        before = self.get(who, group_id, WRITE)
        after = before.with_link(word, who.id, self.clock.now())
        detail: Detail = {"state": after.state, "seen": after.seen, "new_link": after.link != before.link}
        self._commit(who.id, "group.link", before, after, detail=detail)
        return after

    def figures(self, who: Principal, group_id: str, said: Figures) -> Group:
        """Notes a month's figures, by the word of who calls."""
        return self._count(self.get(who, group_id, WRITE), who.id, said)

    def history(self, who: Principal, group_id: str) -> list[MonthsFigures]:
        """All months' figures, the latest first."""
        return self.store.history(self.get(who, group_id).id)

    def reveal(self, who: Principal, group_id: str) -> Group:
        """A group with its link and its admins' numbers in clear; that they were looked at is kept."""
        group = self.get(who, group_id, REVEAL)
        self.audit.committing(
            subject=f"group#{group.id}", action="group.revealed", actor=who.id, at=self.clock.now()
        )
        return group

    def listed(
        self,
        who: Principal,
        *,
        area: str | None,
        kind: Kind | None,
        state: LinkState | None,
        limit: int,
        after: Mapping[str, Any] | None,
    ) -> tuple[list[Group], dict[str, Any] | None]:
        """Up to `limit` groups by place, and where to go on. Raises InvalidInput for an area that is none or
        not the caller's."""
        rows = lists.walk(
            self._stretches(who, area, kind), lambda at, begin: self.store.listed(*at, begin, PAGE), after
        )
        return lists.page(
            rows, limit, lambda group: state in (None, group.state), lambda group: sees(who, group, READ)
        )

    # --- a creator's own

    def own(self, person: str) -> list[Group]:
        """The groups, with their links, of the places that an approved creator lives in, the smallest place
        first. None for who is not approved (any more)."""
        contact = self.people.contacts([person]).get(person)
        if contact is None or contact.status != "approved":
            return []
        path = contact.area_path
        paths = [path[:depth] for depth in range(len(path), 0, -1)]
        near = (
            g
            for one in paths
            for g, _ in self.store.listed("area", f"{lists.prefix_of(one)}grp_", None, PAGE)
        )
        return [group for group in near if belongs(path, group)]

    def looked_after(self, person: str, group_id: str) -> Group:
        """A group that this approved creator is an admin of. Raises NotFound."""
        group = self.store.find(group_id)
        contact = self.people.contacts([person]).get(person)
        approved = contact is not None and contact.status == "approved"
        if group is None or not approved or person not in {admin.influencer for admin in group.admins}:
            raise NotFound
        return group

    def own_figures(self, person: str, group_id: str, said: Figures) -> Group:
        """Notes a month's figures, by the word of an admin of the group."""
        return self._count(self.looked_after(person, group_id), person, said)

    # --- what is kept of a person

    def forget_admin(self, person: str, path: Sequence[str]) -> None:
        """Takes somebody who was erased out of the admins of the groups of their district and of what lies
        above it. May be repeated. Raises Transient."""
        above = [f"{lists.prefix_of(path[:depth])}grp_" for depth in range(1, min(len(path), DISTRICT))]
        below = [lists.prefix_of(path)] if len(path) >= DISTRICT else [f"{lists.prefix_of(path)}grp_"]
        kinds: tuple[Kind, ...] = ("area", "coordination")
        for kind, prefix in [(kind, prefix) for kind in kinds for prefix in (*above, *below)]:
            for group, _ in self.store.listed(kind, prefix, None, PAGE):
                if person in {admin.influencer for admin in group.admins}:
                    self._without_admin(group.id, person)

    def _without_admin(self, group_id: str, person: str) -> None:
        for _ in range(TRIES):
            before = self.store.find(group_id)
            if before is None or person not in {admin.influencer for admin in before.admins}:
                return
            others = tuple(admin for admin in before.admins if admin.influencer != person)
            try:
                self._commit(SYSTEM, "group.changed", before, before.changed(admins=others), detail={})
            except Conflict:
                continue
            return
        raise Transient

    def _count(self, before: Group, by: str, said: Figures) -> Group:
        if said.month > self.clock.today_ist().isoformat()[: len(said.month)]:
            raise InvalidInput.of("month", "future", "This month has not come yet.")
        figures = MonthsFigures(**said.model_dump(), by=by, at=self.clock.now())
        after = before.with_figures(figures)
        detail: Detail = {"month": said.month, "members": said.members, "women": said.women}
        self._commit(by, "group.figures", before, after, detail=detail, figures=figures)
        return after

    def _commit(
        self,
        actor: str,
        action: str,
        before: Group | None,
        after: Group,
        *,
        detail: Detail,
        figures: MonthsFigures | None = None,
    ) -> None:
        """Writes a group, and a month's figures, with the audit's entry."""

        def write(transaction: TransactWrite) -> None:
            if figures is not None:
                self.store.write_figures(transaction, after.id, figures)
            if after is not before:
                self.store.write(transaction, before, after)

        def refused(failed: Sequence[int]) -> Exception:
            owner = self.store.owners([after.link]).get(after.link, after.id) if after.claims else after.id
            return LinkTaken() if owner != after.id else Conflict("The group has been changed meanwhile.")

        self.audit.committing(
            subject=f"group#{after.id}",
            action=action,
            actor=actor,
            at=self.clock.now(),
            detail=detail,
            write=write,
            refused=refused,
        )

    def _strangers(self, who: Principal, admins: Sequence[Admin]) -> list[FieldError]:
        """Of the admins that are named by their id, those whom the caller cannot know."""
        ids = [admin.influencer for admin in admins if admin.influencer]
        known = self.people.contacts(ids) if ids else {}
        sentence = "There is no influencer %(id)s among those of your areas."
        return [
            FieldError(f"admins.{i}.influencer", "influencer_unknown", sentence, {"id": admin.influencer})
            for i, admin in enumerate(admins)
            if admin.influencer
            and (
                admin.influencer not in known or not who.covers_area(known[admin.influencer].area_path, WRITE)
            )
        ]

    def _area(
        self,
        who: Principal,
        area_id: str,
        kind: Kind,
        departments: Sequence[str],
        admins: Sequence[Admin] = (),
    ) -> Area:
        """The area of a group that the caller may put there."""
        wrong = faults(kind, departments, self.departments()) + self._strangers(who, admins)
        area = self.areas.many([area_id], fresh=True).get(area_id)  # it may just have moved
        if area is None or not self._may_put(who, area, kind, departments):
            raise _no_area(area_id)
        if area.valid_until and area.valid_until < self.clock.today_ist().isoformat():
            raise ended(area)
        if wrong:
            raise InvalidInput(wrong)
        return area

    @staticmethod
    def _may_put(who: Principal, area: Area, kind: Kind, departments: Sequence[str]) -> bool:
        own = kind == "coordination" and not officer_of(who, WRITE).isdisjoint(departments)
        return own or who.covers_area(area.path, WRITE)

    def _stretches(self, who: Principal, area: str | None, kind: Kind | None) -> list[tuple[Kind, str]]:
        """What of the register the caller may look through. Groups of coordination are few: a nodal officer's
        are picked from all that lie in the asked area."""
        kinds: tuple[Kind, ...] = (kind,) if kind else ("area", "coordination")
        officer = bool(officer_of(who, READ))
        if area is None:
            within, covered = [""], lists.covered_prefixes(self.areas, who, READ)
        else:
            asked = self.areas.get(area)
            covers = asked is not None and who.covers_area(asked.path, READ)
            if asked is None or not (covers or officer):
                raise _no_area(area)
            within = [lists.prefix_of(asked.path)]
            covered = within if covers else []
        return [
            (one, at) for one in kinds for at in (within if one == "coordination" and officer else covered)
        ]

    def prefixes(self, who: Principal, area: str | None) -> list[str]:
        """Beginnings of the places that the caller may look through: those that they cover, and for a nodal
        officer all that may hold a group of their departments."""
        return [at for _, at in self._stretches(who, area, "coordination")]


def _no_area(area_id: str) -> InvalidInput:
    """The same for an area that is none and for one that is not the caller's."""
    return InvalidInput.of("area", "area_unknown", "There is no area %(id)s among yours.", id=area_id)


def ended(area: Area) -> InvalidInput:
    """Of an area to which no group can be given any more."""
    sentence = "The area %(id)s has ended. What came in its place: %(successors)s."
    successors = ", ".join(area.successors) or "-"
    return InvalidInput.of("area", "area_ended", sentence, id=area.id, successors=successors)
