"""Files of groups: what a row means to the register. Implements ports.ImportKind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError
from pynamodb.exceptions import TransactWriteError

from chalicelib import cells as c
from chalicelib.clock import Clock
from chalicelib.errors import FieldError, Forbidden, InvalidInput, Transient
from chalicelib.groups.model import WRITE, Figures, Group, MonthsFigures, NewGroup, faults, invite
from chalicelib.groups.service import ended
from chalicelib.groups.store import GroupStore
from chalicelib.http import invalid
from chalicelib.ids import new_id
from chalicelib.ports import Area, Areas, Column, Effect, ImportJob
from chalicelib.tables import failed_conditions, is_passing, write_together

TRIES = 5


@dataclass(frozen=True)
class Row:
    """A group as a file tells it. What the file does not tell stays as it is."""

    wanted: NewGroup
    figures: Figures | None = None


@dataclass(frozen=True)
class GroupsKind:
    """A group is known by its link: a row whose link is on the register changes that group, within the areas
    of who imports."""

    store: GroupStore
    areas: Areas
    departments: Callable[[], frozenset[str]]
    clock: Clock

    name = "groups"
    columns = (
        Column("link", ("invite_link", "group_link", "लिंक"), required=True),
        Column("area", ("area_id", "क्षेत्र"), required=True),
        Column("name", ("group_name", "नाम"), required=True),
        Column("kind", ("प्रकार",)),
        Column("departments", ("department", "विभाग")),
        Column("admin_name", ("admin", "एडमिन")),
        Column("admin_phone", ("admin_mobile", "एडमिन_मोबाइल")),
        Column("members", ("सदस्य",)),
        Column("women", ("महिलाएँ",)),
        Column("month", ("माह",)),
        Column("source", ("स्रोत",)),
    )
    options: Sequence[str] = ()

    def check(self, job: ImportJob) -> None:
        """Raises Forbidden for who keeps no groups of areas, InvalidInput for options."""
        if not job.caller.may(WRITE):
            raise Forbidden
        if job.options:
            raise InvalidInput.of("options", "extra_forbidden", "This field is not known. Check its name.")

    def read(self, cells: Mapping[str, str], job: ImportJob) -> Row:
        given = {name: cells.get(name, "") for name in ("link", "area", "name")}
        for column, cell in given.items():
            c.required(column, cell)
        admins: list[dict[str, str]] = []
        if cells.get("admin_name") or cells.get("admin_phone"):
            phone = c.digits("admin_phone", cells.get("admin_phone", ""))
            admins.append({"name": c.name("admin_name", cells.get("admin_name", "")), "phone": phone})
        listed = cells.get("departments", "").replace(";", ",").split(",")
        more = {"departments": [one.strip() for one in listed if one.strip()], "admins": admins}
        kind = cells.get("kind") or "area"
        try:
            named = c.name("name", given["name"], longest=150)
            wanted = NewGroup.model_validate(given | {"name": named, "kind": kind} | more)
            return Row(wanted, self._figures(cells, job))
        except ValidationError as error:
            raise _by_column(invalid(error)) from None

    def key(self, record: Row) -> str:
        return record.wanted.link

    def compare(self, records: Sequence[Row], job: ImportJob) -> list[Effect | InvalidInput]:
        areas = self.areas.many({one.wanted.area for one in records}, fresh=True)
        known, there = self.departments(), self._there(records)
        there = {link: group for link, group in there.items() if not _elsewhere(group, job)}
        months = self.store.months(
            (before.id, one.figures.month)
            for one in records
            if one.figures is not None and (before := there.get(one.wanted.link)) is not None
        )
        return [
            self._refused(one, areas, known, there.get(one.wanted.link), job)
            or self._effect(one, areas[one.wanted.area], there.get(one.wanted.link), months, job)
            for one in records
        ]

    def write(self, records: Sequence[Row], job: ImportJob) -> None:
        """One transaction a group: its link is claimed with it, so that nobody else can have it meanwhile.
        A group that is none of the caller's stays as it is, and nothing tells that its link is known."""
        areas = self.areas.many({one.wanted.area for one in records}, fresh=True)
        there = self._there(records)
        for record in records:
            self._put(record, areas[record.wanted.area], there.get(record.wanted.link), job)

    def finish(self, job: ImportJob) -> None:
        """Nothing: sums follow the rows by themselves."""

    def _there(self, records: Sequence[Row]) -> dict[str, Group]:
        """The groups on the register, by their link."""
        owners = self.store.owners(one.wanted.link for one in records)
        groups = self.store.many(owners.values()) if owners else {}
        return {link: groups[owner] for link, owner in owners.items() if owner in groups}

    def _refused(
        self,
        record: Row,
        areas: Mapping[str, Area],
        known: frozenset[str],
        before: Group | None,
        job: ImportJob,
    ) -> InvalidInput | None:
        """Why a row may not be written."""
        wanted, area = record.wanted, areas.get(record.wanted.area)
        if area is None or not job.caller.covers_area(area.path, WRITE):
            return InvalidInput.of(
                "area", "area_unknown", "There is no area %(id)s among yours.", id=wanted.area
            )
        if area.valid_until and area.valid_until < self.clock.today_ist().isoformat():
            return ended(area)
        if before is not None and wanted.kind != before.kind:
            sentence = "The group with this link is of another kind."
            return InvalidInput.of("kind", "other_kind", sentence)
        wrong = faults(wanted.kind, wanted.departments, known)
        return InvalidInput([replace(one, field="departments") for one in wrong]) if wrong else None

    def _effect(
        self,
        record: Row,
        area: Area,
        before: Group | None,
        months: Mapping[tuple[str, str], MonthsFigures],
        job: ImportJob,
    ) -> Effect:
        if before is None:
            return "new"
        said = record.figures
        kept = months.get((before.id, said.month)) if said else None
        counted = said is None or (
            kept is not None and said.model_dump().items() <= kept.model_dump().items()
        )
        return "same" if counted and self._after(record, area, before, job) is before else "changed"

    def _put(self, record: Row, area: Area, before: Group | None, job: ImportJob) -> None:
        for _ in range(TRIES):
            if _elsewhere(before, job):
                return
            after = self._after(record, area, before, job)
            if after is before and record.figures is None:
                return
            try:
                with write_together() as transaction:
                    if after is not before:
                        self.store.write(transaction, before, after)
                    if record.figures is not None:
                        figures = self._dated(record.figures, job)
                        self.store.write_figures(transaction, after.id, figures)
                return
            except TransactWriteError as error:
                if not failed_conditions(error) and not is_passing(error):
                    raise
            before = self._there([record]).get(record.wanted.link)  # somebody else was quicker
        raise Transient

    def _after(self, record: Row, area: Area, before: Group | None, job: ImportJob) -> Group:
        """The group as the row makes it; `before` itself when it is so already."""
        wanted = record.wanted
        said: dict[str, Any] = {"name": wanted.name, "area": area.id, "path": area.path}
        if wanted.departments:
            said["departments"] = wanted.departments
        if before is None:
            facts = {"platform": invite(wanted.link)[0], "kind": wanted.kind, "link": wanted.link}
            made = {"seen_at": job.at, "seen_by": job.actor, "created_at": job.at, "created_by": job.actor}
            said |= {"id": new_id("grp"), "rev": 0, "admins": wanted.admins}
            group = Group.model_validate(facts | made | said)
        else:
            said["admins"] = tuple(dict.fromkeys((*before.admins, *wanted.admins)))
            group = before.model_copy(update=said)
        if record.figures is not None and not _tells(group, record.figures):
            group = group.with_figures(self._dated(record.figures, job))
        same = before is not None and group.model_copy(update={"rev": before.rev}) == before
        return before if before is not None and same else group.model_copy(update={"rev": _next(before)})

    def _figures(self, cells: Mapping[str, str], job: ImportJob) -> Figures | None:
        members = c.whole_number("members", cells.get("members", ""))
        women = c.whole_number("women", cells.get("women", ""))
        if members is None:
            if women is not None:
                raise InvalidInput.of("members", "missing", "Please fill in this field.")
            return None
        month = cells.get("month") or self.clock.today_ist().isoformat()[:7]
        said = Figures(month=month, members=members, women=women, source=cells.get("source", "")[:200])
        if said.month > self.clock.today_ist().isoformat()[:7]:
            raise InvalidInput.of("month", "future", "This month has not come yet.")
        return said

    @staticmethod
    def _dated(figures: Figures, job: ImportJob) -> MonthsFigures:
        return MonthsFigures(**figures.model_dump(), by=job.actor, at=job.at)


def _elsewhere(before: Group | None, job: ImportJob) -> bool:
    """Whether a group is one that who imports may not change."""
    return before is not None and not job.caller.covers_area(before.path, WRITE)


def _next(before: Group | None) -> int:
    return before.rev + 1 if before is not None else 1


def _tells(group: Group, figures: Figures) -> bool:
    """Whether the group's figures are these already, or of a later month."""
    now = group.figures
    if now is None:
        return False
    same = figures.model_dump().items() <= now.model_dump().items()
    return same or now.month > figures.month


def _by_column(error: InvalidInput) -> InvalidInput:
    """With the file's columns in place of the fields."""
    names = {"admins.0.name": "admin_name", "admins.0.phone": "admin_phone", "admins.0": "admin_name"}
    names[""] = "women"
    return InvalidInput(
        [
            FieldError(names.get(one.field, one.field.partition(".")[0]), one.code, one.message, one.params)
            for one in error.errors
        ]
    )
