"""The directory as other features and the forms use it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chalicelib.clock import Clock
from chalicelib.directory.model import (
    ROOT,
    Grouping,
    Label,
    check_area,
    clean_names,
    fold,
    is_grouping,
    level_of,
    ranges_of,
    without_nested,
)
from chalicelib.directory.store import DirectoryStore, Position
from chalicelib.errors import FieldError, InvalidInput
from chalicelib.identity.audit import Audit
from chalicelib.ports import Area, RosterRange

KEPT_S = 300
"""Areas change a few times a year."""
MOST_KEPT = 5000
"""Areas; those that were read first go first."""
LONGEST_ID = 100
"""Characters: what is longer is no area of ours, and may be a key that no table takes."""
THEMES, DEPARTMENTS = "themes", "departments"


@dataclass
class Directory:
    """Implements `ports.Areas`; areas and children read before are kept in the container for minutes."""

    store: DirectoryStore
    audit: Audit
    clock: Clock
    _areas: dict[str, tuple[float, Area]] = field(default_factory=dict)
    _children: dict[str, tuple[float, list[Area]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, area_id: str, *, fresh: bool = False) -> Area | None:
        """The area; None when there is none (which is not remembered)."""
        now = self.clock.epoch()
        kept = None if fresh else self._areas.get(area_id)
        if kept and abs(now - kept[0]) < KEPT_S:
            return kept[1]
        found = self.store.area(area_id, fresh=fresh) if len(area_id) <= LONGEST_ID else None
        if found is not None:
            self._keep(now, [found])
        return found

    def many(self, area_ids: Collection[str], *, fresh: bool = False) -> dict[str, Area]:
        """See `ports.Areas.many`."""
        asked = [one for one in area_ids if len(one) <= LONGEST_ID]
        if fresh:  # an import asks for each area once: nothing is kept of it
            return self.store.areas(asked, fresh=True)
        now = self.clock.epoch()
        kept = {one: held for one in asked if (held := self._areas.get(one))}
        known = {one: area for one, (read, area) in kept.items() if abs(now - read) < KEPT_S}
        found = self.store.areas(one for one in asked if one not in known)
        self._keep(now, found.values())
        return known | found

    def _keep(self, now: float, areas: Iterable[Area]) -> None:
        with self._lock:
            self._areas.update((area.id, (now, area)) for area in areas)
            for one in list(self._areas)[: max(0, len(self._areas) - MOST_KEPT)]:
                del self._areas[one]

    def ranges(self, area_ids: Sequence[str], *, fresh: bool = False) -> list[RosterRange]:
        """See `ports.Areas.ranges`. `errors[].field` of the InvalidInput is `areas.<position>`."""
        found = [self.get(area_id, fresh=fresh) for area_id in area_ids]
        children = self.store.children if fresh else self.children
        unknown = [
            FieldError(f"areas.{i}", "area_unknown", "There is no area %(id)s.", {"id": area_ids[i]})
            for i, area in enumerate(found)
            if area is None
        ]
        if unknown:
            raise InvalidInput(unknown)
        return without_nested(one for area in found if area is not None for one in _stretches(area, children))

    def search(
        self, parent: str, typed: str, after: Position | None, limit: int
    ) -> tuple[list[Area], Position | None]:
        """Areas for a form: the children of `parent` (of India when nothing is given); with `typed`, those
        whose name in any language, alias or code begins so, among the children of `parent`, or among all
        states and districts. What has ended is not offered."""
        folded = fold(typed)
        if folded and not parent:
            return self.store.named(folded, after, limit, self._today())
        return self.store.page(parent or ROOT, folded, after, limit, self._today())

    def booths_of(
        self, grouping: str, after: Position | None, limit: int
    ) -> tuple[list[Area], Position | None]:
        """The booths of an assembly constituency (`IN-UP-A168`) or a ward (`D162-W12`), by number; none for
        an id that is neither's."""
        return self.store.booths_of(grouping, after, limit) if is_grouping(grouping) else ([], None)

    def groupings(
        self, within: str, typed: str, after: Position | None, limit: int
    ) -> tuple[list[Grouping], Position | None]:
        """The assembly constituencies of a state or the wards of a district, by number or by the beginning of
        a name."""
        kind = "constituency" if level_of(within) == "state" else "ward"
        return self.store.grouping_page(kind, within, fold(typed), after, limit)

    def _today(self) -> str:
        return self.clock.today_ist().isoformat()

    def put_area(self, area: Area, *, sample: bool = False) -> None:
        self.put_areas([area], sample=sample)

    def put_areas(self, areas: Iterable[Area], *, sample: bool = False) -> None:
        """Stores areas, new or changed. Raises InvalidInput for an id, path or name that breaks the rules,
        before anything is written. Whether the parent exists is not asked: a file may hold it later."""
        tidy = [replace(area, names=clean_names(dict(area.names))) for area in areas]
        for area in tidy:
            check_area(area)
        self.store.put_areas(tidy, sample=sample)
        with self._lock:
            self._areas.clear()
            self._children.clear()

    def themes(self) -> list[Label]:
        return self.store.labels(THEMES)

    def departments(self) -> list[Label]:
        return self.store.labels(DEPARTMENTS)

    def put_theme(
        self, theme_id: str, names: Mapping[str, str], *, actor: str = "system", sample: bool = False
    ) -> Label:
        """Adds a theme or changes its names."""
        return self._put_label(THEMES, Label(theme_id, clean_names(dict(names)), sample), actor)

    def put_department(
        self, department_id: str, names: Mapping[str, str], *, actor: str = "system", sample: bool = False
    ) -> Label:
        """Adds a department or changes its names."""
        return self._put_label(DEPARTMENTS, Label(department_id, clean_names(dict(names)), sample), actor)

    def put_departments(self, names: Mapping[str, Mapping[str, str]]) -> None:
        """Writes many at once, for a job whose own entry in the audit tells of them."""
        labels = (Label(one, clean_names(dict(given))) for one, given in names.items())
        self.store.put_labels(DEPARTMENTS, labels)

    def _put_label(self, kind: str, label: Label, actor: str) -> Label:
        if not label.names:
            raise InvalidInput.of("names", "missing", "Please fill in this field.")
        self.audit.committing(
            subject=f"{kind.removesuffix('s')}#{label.id}",
            action="directory.written",
            actor=actor,
            at=self.clock.now(),
            detail={"languages": sorted(label.names)},
            write=lambda transaction: self.store.put_label(transaction, kind, label),
        )
        return label

    def children(self, parent: str) -> list[Area]:
        """All areas right below `parent`, kept for minutes."""
        now = self.clock.epoch()
        kept = self._children.get(parent)
        if kept and abs(now - kept[0]) < KEPT_S:
            return kept[1]
        found = self.store.children(parent)
        with self._lock:
            self._children[parent] = (now, found)
        return found


def _stretches(area: Area, children: Callable[[str], list[Area]]) -> list[RosterRange]:
    if area.level == "country":
        below = [one for state in children(area.id) for one in _stretches(state, children)]
        return [RosterRange(area.roster_partition), *below]
    if area.level == "state":
        districts = [RosterRange(district.id) for district in children(area.id)]
        return [RosterRange(area.roster_partition), *districts]
    return ranges_of(area)
