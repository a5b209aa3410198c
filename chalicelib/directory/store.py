"""Areas, themes and departments in the table `directory`.

    pk            sk            parent        sort            read by
    <area id>     area          <parent id>   <folded name>   key: 0.5 read units; child of its parent: index
    <area id>     name#<lang>   <parent id>   <folded name>   index: the same area under its other name
    <area id>     find#<lang>   find#<char>   <folded name>   index: states and districts, parent not known
    themes        <id>                                        query: 0.5 read units
    departments   <id>                                        query: 0.5 read units
    elections     <id>                                        query of all: 1 read unit for some ten of them

Index `by_parent` (parent, sort): children in the order of their names, and names beginning with what was
typed; an area is about 250 bytes, so 100 children are 3 read units. A row costs 2 write units,
its index entry included.
A name may change later; a language once given stays (its row is overwritten, never removed).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

from pynamodb.attributes import BooleanAttribute, JSONAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.transactions import TransactWrite

from chalicelib.clock import parse_rfc3339, rfc3339
from chalicelib.directory.model import Label, Poll, fold
from chalicelib.ports import Area
from chalicelib.tables import Table, TableName

AREA = "area"
ELECTIONS = "elections"
TIMES = ("polling_ends", "code_from", "code_until")
_FOUND_WITHOUT_PARENT = ("country", "state", "district")
Position = dict[str, Any]


class ByParent(GlobalSecondaryIndex["DirectoryItem"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "by_parent"
        projection = AllProjection()

    parent = UnicodeAttribute(hash_key=True)
    sort = UnicodeAttribute(range_key=True)


class DirectoryItem(Table):
    class Meta:
        table_name = TableName("directory")

    by_parent = ByParent()
    parent = UnicodeAttribute(null=True)
    sort = UnicodeAttribute(null=True)
    level = UnicodeAttribute(null=True)
    path = UnicodeAttribute(null=True)
    names = UnicodeAttribute(null=True)
    sample = BooleanAttribute(null=True)


class PollItem(Table):
    class Meta:
        table_name = TableName("directory")

    poll = JSONAttribute()


class DirectoryStore:
    def put_areas(self, areas: Iterable[Area], *, sample: bool) -> None:
        """Writes areas in batches of 25 rows; the same area again overwrites it."""
        with DirectoryItem.batch_write() as batch:
            for area in areas:
                for row in _rows(area, sample=sample):
                    batch.save(row)

    def area(self, area_id: str) -> Area | None:
        try:
            return _area(DirectoryItem.get(area_id, AREA))
        except DoesNotExist:
            return None

    def areas(self, area_ids: Iterable[str], *, fresh: bool = False) -> dict[str, Area]:
        """Those of these areas that there are, by 100 a request; `fresh`: read consistently."""
        keys = [(area_id, AREA) for area_id in dict.fromkeys(area_ids)]
        rows = DirectoryItem.batch_get(keys, consistent_read=fresh) if keys else ()
        return {row.pk: _area(row) for row in rows}

    def children(self, parent: str) -> list[Area]:
        """All children of an area, in the order of their names."""
        return self.page(parent, "", None, None)[0]

    def page(
        self, parent: str, typed: str, after: Position | None, limit: int | None
    ) -> tuple[list[Area], Position | None]:
        """Children of `parent` whose name in any language begins with `typed` (folded); where to go on."""
        rows = DirectoryItem.by_parent.query(
            parent,
            DirectoryItem.sort.startswith(typed) if typed else None,
            filter_condition=None if typed else DirectoryItem.sk == AREA,
            limit=limit,
            page_size=limit,
            last_evaluated_key=after,
        )
        return _each_once(rows), cast("Position | None", rows.last_evaluated_key)

    def named(self, typed: str, after: Position | None, limit: int) -> tuple[list[Area], Position | None]:
        """States and districts whose name in any language begins with `typed` (folded)."""
        rows = DirectoryItem.by_parent.query(
            f"find#{typed[0]}",
            DirectoryItem.sort.startswith(typed),
            limit=limit,
            page_size=limit,
            last_evaluated_key=after,
        )
        return _each_once(rows), cast("Position | None", rows.last_evaluated_key)

    def put_label(self, transaction: TransactWrite, kind: str, label: Label) -> None:
        """Adds the write of a theme or department to a transaction."""
        transaction.save(
            DirectoryItem(kind, label.id, names=_packed(label.names), sample=label.sample or None)
        )

    def labels(self, kind: str) -> list[Label]:
        """All of a kind (`themes`, `departments`), by id."""
        rows = DirectoryItem.query(kind)
        return [Label(row.sk, json.loads(row.names or "{}"), sample=bool(row.sample)) for row in rows]

    def polls(self) -> list[Poll]:
        """The whole election calendar, read consistently."""
        return [_poll(row) for row in PollItem.query(ELECTIONS, consistent_read=True)]

    def put_poll(self, transaction: TransactWrite, poll: Poll, *, new: bool) -> None:
        """Adds the write of an election; refused when it is there and new, or is to be changed and gone."""
        body = vars(poll) | {name: rfc3339(getattr(poll, name)) for name in TIMES}
        there = PollItem.pk.does_not_exist() if new else PollItem.pk.exists()
        transaction.save(PollItem(ELECTIONS, poll.id, poll=body), condition=there)

    def remove_poll(self, transaction: TransactWrite, election: str) -> None:
        """Adds the removal of an election; refused when there is none."""
        transaction.delete(PollItem(ELECTIONS, election), condition=PollItem.pk.exists())


def _poll(row: PollItem) -> Poll:
    body = row.poll
    times = {name: parse_rfc3339(body[name]) for name in TIMES}
    areas = {area: tuple(path) for area, path in body["areas"].items()}
    return Poll(**body | times | {"areas": areas})


def _rows(area: Area, *, sample: bool) -> Iterable[DirectoryItem]:
    shared: dict[str, Any] = {
        "level": area.level,
        "path": "/".join(area.path),
        "names": _packed(area.names),
        "sample": sample or None,
    }
    first, *others = area.names.items()
    yield DirectoryItem(area.id, AREA, parent=area.parent or "-", sort=fold(first[1]), **shared)
    for language, name in others:
        yield DirectoryItem(area.id, f"name#{language}", parent=area.parent or "-", sort=fold(name), **shared)
    if area.level in _FOUND_WITHOUT_PARENT:
        for language, name in area.names.items():
            folded = fold(name)
            yield DirectoryItem(
                area.id, f"find#{language}", parent=f"find#{folded[0]}", sort=folded, **shared
            )


def _packed(names: object) -> str:
    return json.dumps(names, ensure_ascii=False)


def _area(row: DirectoryItem) -> Area:
    level = cast("Any", row.level)
    return Area(row.pk, level, tuple((row.path or "").split("/")), json.loads(row.names or "{}"))


def _each_once(rows: Iterable[DirectoryItem]) -> list[Area]:
    return list({row.pk: _area(row) for row in rows}.values())
