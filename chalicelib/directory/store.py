"""Areas, themes and departments in the table `directory`.

    pk            sk            parent        sort            read by
    <area id>     area          <parent id>   <folded name>   key: 0.5 read units; child of its parent: index
    <area id>     name#<lang>   <parent id>   <folded name>   index: the same area under its other name
    <area id>     alias#<word>  <parent id>   <word>          index: under an alias, an old or official code
    <area id>     find#<lang>   find#<char>   <folded name>   index: states and districts, parent not known
    <area id>     find#alias#…  find#<char>   <word>          the same under an alias or code
    <booth id>    in#<kind>     in#<grouping> <number>        index: the booths of a constituency or ward
    <grouping id> grouping      all#<kind>#<within> <number>  index: constituencies, wards
    <grouping id> name#<lang>   name#<kind>#<within> <folded> index: one by its name
    themes        <id>                                        query: 0.5 read units
    departments   <id>                                        query: 0.5 read units
    elections     <id>                                        query of all: 1 read unit for some ten of them
    moved         <path>                                      a district's path before areas in it moved: what
                                                              lies there by its path is to be filed anew;
                                                              with a `mark` of its own each time, and the
                                                              time to look `again` once that was done

Index `by_parent` (parent, sort): children in the order of their names, and names beginning with what was
typed; an area is about 250 bytes, so 100 children are 3 read units. A row costs 2 write units,
its index entry included.
A name may change later; a language once given stays. An import takes away the rows of names that are no more;
it costs 1 read unit an area for that, and a booth 2 rows at least: its own and its constituency's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DeleteError, DoesNotExist, PutError
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.transactions import TransactWrite

from chalicelib.clock import parse_rfc3339, rfc3339
from chalicelib.directory.model import Grouping, Label, Poll, fold, groupings_of
from chalicelib.ids import new_id
from chalicelib.ports import Area
from chalicelib.tables import Table, TableName

REFUSED = "ConditionalCheckFailedException"
AREA, GROUPING = "area", "grouping"
ELECTIONS, MOVED = "elections", "moved"
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
    more = UnicodeAttribute(null=True)
    ended = UnicodeAttribute(null=True)
    sample = BooleanAttribute(null=True)


class MovedItem(Table):
    class Meta:
        table_name = TableName("directory")

    mark = UnicodeAttribute()
    again = NumberAttribute(null=True)


class PollItem(Table):
    class Meta:
        table_name = TableName("directory")

    poll = JSONAttribute()


@dataclass(frozen=True)
class Moved:
    """That areas of a district have moved, or are about to."""

    before: tuple[str, ...]
    """The district's path until then."""
    mark: str
    again: float = 0.0
    """It was filed anew, and is looked at once more then (epoch seconds); 0: not yet."""


class DirectoryStore:
    def put_areas(self, areas: Iterable[Area], *, sample: bool) -> None:
        """Writes areas in batches of 25 rows; the same area again overwrites it."""
        with DirectoryItem.batch_write() as batch:
            for area in areas:
                for row in _rows(area, sample=sample):
                    batch.save(row)

    def replace_areas(self, changes: Iterable[tuple[Area | None, Area]]) -> None:
        """Writes areas over what was read of them, without leaving rows of names that are no more."""
        with DirectoryItem.batch_write() as batch:
            for before, after in changes:
                rows = list(_rows(after, sample=False))
                kept = {row.sk for row in rows}
                for row in rows:
                    batch.save(row)
                for row in _rows(before, sample=False) if before else ():
                    if row.sk not in kept:
                        batch.delete(row)

    def mark_moved(self, paths: Iterable[Sequence[str]]) -> None:
        """Notes districts, by their paths until now, in which areas are about to move, or just have."""
        with MovedItem.batch_write() as batch:
            for path in paths:
                batch.save(MovedItem(MOVED, "/".join(path), mark=new_id("mov")))

    def moved(self) -> list[Moved]:
        """The districts in which areas have moved, read consistently."""
        rows = MovedItem.query(MOVED, consistent_read=True)
        return [Moved(tuple(row.sk.split("/")), row.mark, float(row.again or 0)) for row in rows]

    def look_again(self, found: Moved, at: float) -> None:
        """Notes that it was filed anew and is to be looked at once more, unless another job has made the note
        anew since it was read."""
        item = MovedItem(MOVED, "/".join(found.before), mark=found.mark, again=at)
        try:
            item.save(MovedItem.mark == found.mark)
        except PutError as refused:
            if refused.cause_response_code != REFUSED:
                raise

    def end_moved(self, found: Moved) -> None:
        """Takes the note away, unless another job has made it anew since it was read."""
        item = MovedItem(MOVED, "/".join(found.before))
        try:
            item.delete(condition=MovedItem.mark == found.mark)
        except DeleteError as refused:
            if refused.cause_response_code != REFUSED:
                raise

    def put_groupings(self, groupings: Iterable[Grouping]) -> None:
        """Writes constituencies and wards; the same again overwrites it."""
        with DirectoryItem.batch_write() as batch:
            for grouping in groupings:
                for row in _grouping_rows(grouping):
                    batch.save(row)

    def groupings(self, ids: Iterable[str]) -> dict[str, Grouping]:
        """Those of these constituencies and wards that there are, by 100 a request."""
        keys = [(one, GROUPING) for one in dict.fromkeys(ids)]
        rows = DirectoryItem.batch_get(keys, consistent_read=True) if keys else ()
        return {row.pk: _grouping(row) for row in rows}

    def grouping_page(
        self, kind: str, within: str, typed: str, after: Position | None, limit: int
    ) -> tuple[list[Grouping], Position | None]:
        """The constituencies of a state or the wards of a district, by number; with `typed` (folded) those
        whose name begins so; where to go on."""
        rows = DirectoryItem.by_parent.query(
            f"{'name' if typed else 'all'}#{kind}#{within}",
            DirectoryItem.sort.startswith(typed) if typed else None,
            limit=limit,
            page_size=limit,
            last_evaluated_key=after,
        )
        found = list({row.pk: _grouping(row) for row in rows}.values())
        return found, cast("Position | None", rows.last_evaluated_key)

    def booths_of(
        self, grouping: str, after: Position | None, limit: int
    ) -> tuple[list[Area], Position | None]:
        """The booths of a constituency or ward, by number; where to go on."""
        rows = DirectoryItem.by_parent.query(
            f"in#{grouping}", limit=limit, page_size=limit, last_evaluated_key=after
        )
        return _each_once(rows), cast("Position | None", rows.last_evaluated_key)

    def area(self, area_id: str, *, fresh: bool = False) -> Area | None:
        """The area, if there is one; `fresh`: read consistently."""
        try:
            return _area(DirectoryItem.get(area_id, AREA, consistent_read=fresh))
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
        self, parent: str, typed: str, after: Position | None, limit: int | None, on: str = ""
    ) -> tuple[list[Area], Position | None]:
        """Children of `parent` whose name in any language begins with `typed` (folded), without those that
        had ended by the day `on`; where to go on."""
        rows = DirectoryItem.by_parent.query(
            parent,
            DirectoryItem.sort.startswith(typed) if typed else None,
            filter_condition=_both(None if typed else DirectoryItem.sk == AREA, _lasting(on)),
            limit=limit,
            page_size=limit,
            last_evaluated_key=after,
        )
        return _each_once(rows), cast("Position | None", rows.last_evaluated_key)

    def named(
        self, typed: str, after: Position | None, limit: int, on: str = ""
    ) -> tuple[list[Area], Position | None]:
        """States and districts whose name in any language begins with `typed` (folded), without those that
        had ended by the day `on`."""
        rows = DirectoryItem.by_parent.query(
            f"find#{typed[0]}",
            DirectoryItem.sort.startswith(typed),
            filter_condition=_lasting(on),
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

    def put_labels(self, kind: str, labels: Iterable[Label]) -> None:
        """Writes many of a kind, in batches of 25."""
        with DirectoryItem.batch_write() as batch:
            for label in labels:
                batch.save(
                    DirectoryItem(kind, label.id, names=_packed(label.names), sample=label.sample or None)
                )

    def labels(self, kind: str) -> list[Label]:
        """All of a kind (`themes`, `departments`), by id."""
        rows = DirectoryItem.query(kind)
        return [Label(row.sk, json.loads(row.names or "{}"), sample=bool(row.sample)) for row in rows]

    def polls(self) -> list[Poll]:
        """The whole election calendar, read consistently."""
        return [_poll(row) for row in PollItem.query(ELECTIONS, consistent_read=True)]

    def put_poll(
        self, transaction: TransactWrite, poll: Poll, *, new: bool, before: Poll | None = None
    ) -> None:
        """Adds the write of an election; refused when it is there and new, is to be changed and gone, or is
        not as it was `before`."""
        there = PollItem.pk.does_not_exist() if new else PollItem.pk.exists()
        if before is not None:
            there = PollItem.poll == _poll_item(before).poll
        transaction.save(_poll_item(poll), condition=there)

    def move_poll(self, before: Poll, after: Poll) -> None:
        """Writes an election whose areas lie elsewhere by now, unless a person has changed it meanwhile: then
        its paths are of today."""
        try:
            _poll_item(after).save(condition=PollItem.poll == _poll_item(before).poll)
        except PutError as refused:
            if refused.cause_response_code != REFUSED:
                raise

    def remove_poll(self, transaction: TransactWrite, election: str) -> None:
        """Adds the removal of an election; refused when there is none."""
        transaction.delete(PollItem(ELECTIONS, election), condition=PollItem.pk.exists())


def _poll_item(poll: Poll) -> PollItem:
    body = vars(poll) | {name: rfc3339(getattr(poll, name)) for name in TIMES}
    return PollItem(ELECTIONS, poll.id, poll=body)


def _poll(row: PollItem) -> Poll:
    body = row.poll
    times = {name: parse_rfc3339(body[name]) for name in TIMES}
    areas = {area: tuple(path) for area, path in body["areas"].items()}
    return Poll(**body | times | {"areas": areas})


def _lasting(on: str) -> Condition | None:
    return DirectoryItem.ended.does_not_exist() | (DirectoryItem.ended >= on) if on else None


def _both(one: Condition | None, other: Condition | None) -> Condition | None:
    return one & other if one is not None and other is not None else one if one is not None else other


def _grouping_rows(grouping: Grouping) -> Iterable[DirectoryItem]:
    where = f"{grouping.kind}#{grouping.within}"
    shared: dict[str, Any] = {
        "names": _packed(grouping.names),
        "more": _packed({"codes": grouping.codes}) if grouping.codes else None,
    }
    number = f"{grouping.number:05d}"
    yield DirectoryItem(grouping.id, GROUPING, parent=f"all#{where}", sort=number, **shared)
    for language, name in grouping.names.items():
        yield DirectoryItem(
            grouping.id, f"name#{language}", parent=f"name#{where}", sort=fold(name), **shared
        )


def _grouping(row: DirectoryItem) -> Grouping:
    return Grouping(row.pk, json.loads(row.names or "{}"), json.loads(row.more or "{}").get("codes", {}))


def _words(area: Area) -> list[str]:
    """By what an area is found beside its names, folded."""
    words = list(area.aliases)
    if area.level in ("state", "district"):
        words += [area.id, *(area.codes[name] for name in ("iso_before", "lgd", "eci") if name in area.codes)]
    names = {fold(name) for name in area.names.values()}
    return [word for word in dict.fromkeys(map(fold, words)) if word and word not in names]


def _rows(area: Area, *, sample: bool) -> Iterable[DirectoryItem]:
    shared: dict[str, Any] = {
        "level": area.level,
        "path": "/".join(area.path),
        "names": _packed(area.names),
        "more": _more(area),
        "ended": area.valid_until or None,
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
    for word in _words(area):
        yield DirectoryItem(area.id, f"alias#{word}", parent=area.parent or "-", sort=word, **shared)
        if area.level in _FOUND_WITHOUT_PARENT:
            yield DirectoryItem(area.id, f"find#alias#{word}", parent=f"find#{word[0]}", sort=word, **shared)
    for kind, grouping in groupings_of(area).items():
        number = area.id.rpartition("-P")[2]
        sort = number.rjust(5 + (not number.isdigit()), "0")
        yield DirectoryItem(area.id, f"in#{kind}", parent=f"in#{grouping}", sort=sort, **shared)


def _more(area: Area) -> str | None:
    said = {
        "codes": area.codes,
        "aliases": area.aliases,
        "valid_from": area.valid_from,
        "valid_until": area.valid_until,
        "successors": area.successors,
    }
    kept = {name: value for name, value in said.items() if value}
    return _packed(kept) if kept else None


def _packed(names: object) -> str:
    return json.dumps(names, ensure_ascii=False)


def _area(row: DirectoryItem) -> Area:
    level = cast("Any", row.level)
    more: dict[str, Any] = json.loads(row.more or "{}")
    more |= {name: tuple(more[name]) for name in ("aliases", "successors") if name in more}
    return Area(row.pk, level, tuple((row.path or "").split("/")), json.loads(row.names or "{}"), **more)


def _each_once(rows: Iterable[DirectoryItem]) -> list[Area]:
    return list({row.pk: _area(row) for row in rows}.values())
