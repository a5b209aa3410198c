"""Coverage in the table `coverage`: one short row for each thing that is known of a node.

    pk                      sk                          v
    <district>,             <node>                      the node's parent; of the head (`-`), its path; then
                                                        `~` and its last day, when it has one
    ST#<state>, IN          <node>#<group>              link's state, members, women of a group of its own
                            <node>%<node above>         how many approved influencers live right there
                            <node>!                     the share of women that a person has set as the goal
    ST#<state>, IN          <district or state>=        what that partition comes to, folded (JSON)

`<node>` is the id without its district: `B12`, `A168-P1`. Rows of groups are written in the transaction that
changes the group; those of nodes and people after the streams of `directory` and `roster`, the sums after
its own (fold.py), each by reading anew what is true.

A row of a node is about 25 bytes, of a group about 45: a district with 10,000 booths that all have a group is
0.7 MB, one query (88 r). All of a state is one query of its 75 districts' sums (some 4 r). A page of coverage
is thus at most three reads: district (or state), the goal above (or one district), names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DeleteError, DoesNotExist, PutError
from pynamodb.transactions import TransactWrite

from chalicelib.clock import Clock
from chalicelib.groups.coverage import HEAD, UNTIL, Own, Partition, area_of, partition_of, read_rows, short
from chalicelib.groups.model import Group
from chalicelib.ports import Area
from chalicelib.tables import Table, TableName

REFUSED = "ConditionalCheckFailedException"


class NodeItem(Table):
    class Meta:
        table_name = TableName("coverage")

    v = UnicodeAttribute()
    rev = NumberAttribute(null=True)
    """Of a fold alone: one of two that fold at the same time does so again."""


def put_group(transaction: TransactWrite, before: Group | None, after: Group) -> None:
    """Adds a group's row to the transaction that changes the group, and takes away its old one."""
    old = _key(before) if before is not None and before.covers else None
    new = _key(after) if after.covers else None
    if old and old != new:
        transaction.delete(NodeItem(*old))
    if new:
        transaction.save(NodeItem(*new, v=Own.of(after).packed()))


@dataclass(frozen=True)
class NodeStore:
    clock: Clock

    def partition(self, area: str, *, consistent: bool = False) -> Partition:
        """All that is known of a district, a state or India: one query for each MB."""
        name = partition_of(area)
        rows, today = self._rows(name, consistent=consistent), self.clock.today_ist().isoformat()
        return read_rows(name, rows, json.loads, today)

    def goal(self, area: str) -> float | None:
        """The goal that is set for this very area."""
        try:
            return float(NodeItem.get(partition_of(area), f"{short(area)}!").v)
        except DoesNotExist:
            return None

    def put_goal(self, transaction: TransactWrite, area: str, share: float | None) -> None:
        """Adds an area's goal to a transaction; None takes it away."""
        key = partition_of(area), f"{short(area)}!"
        if share is None:
            transaction.delete(NodeItem(*key))
        else:
            transaction.save(NodeItem(*key, v=f"{share:.4f}"))

    def put_areas(self, areas: Iterable[Area], gone: Iterable[str] = ()) -> None:
        """Writes the nodes of areas, 25 in a request, and takes away those of areas that are no more, with
        what they came to where they lay before."""
        made, lost = list(areas), list(gone)
        heads = [one for one in (*(area.id for area in made), *lost) if short(one) == HEAD]
        above = {one: self._above(one) for one in heads}
        wanted = {area.id: area.parent for area in made}
        left = {one: old for one, old in above.items() if old and old != wanted.get(one)}
        self._take_away(left)
        with NodeItem.batch_write() as batch:
            for area in made:
                head = short(area.id) == HEAD
                value = "/".join(area.path) if head else short(area.parent or "")
                until = f"{UNTIL}{area.valid_until}" if area.valid_until else ""
                batch.save(NodeItem(partition_of(area.id), short(area.id), v=f"{value}{until}"))
            for one in lost:
                batch.delete(NodeItem(partition_of(one), short(one)))
        self._take_away(left)  # a fold in between may have summed by what was before

    def _above(self, area: str) -> str:
        """The area that lies above a district or state, as its own row still has it; empty for none."""
        row = self._row(partition_of(area), HEAD)
        path = row.v.partition(UNTIL)[0].split("/") if row is not None else []
        return path[-2] if len(path) > 1 else ""

    def _take_away(self, sums: Mapping[str, str]) -> None:
        for area, above in sums.items():
            NodeItem(partition_of(above), f"{area}=").delete()

    def fold_people(self, partition: str, path: str, count: Callable[[], int]) -> None:
        """Keeps how many approved influencers live at one path below a district (or in what the partition is
        of). `count` reads it; it is asked again when somebody else was quicker."""
        *above, last = path.split("/")
        key = f"{short(last) if last else HEAD}%{short(above[-1]) if above else HEAD}"
        self._fold(partition, key, lambda: str(count()))

    def fold_sums(self, name: str) -> str | None:
        """Sums a partition into the one above, and gives that one's name; None when nothing is above, or
        nothing has changed."""
        area = area_of(name)
        above = self._above(area)
        if not above:
            return None

        def read() -> str:
            found = self.partition(area, consistent=True)
            return (
                json.dumps(found.fold().packed(), separators=(",", ":"), sort_keys=True) if found.path else ""
            )

        return partition_of(above) if self._fold(partition_of(above), f"{area}=", read) else None

    def _fold(self, partition: str, key: str, read: Callable[[], str]) -> bool:
        """Writes what `read` gives, unless it is so already; reads anew while another was quicker between the
        reading of the row and its writing. Where nothing is given there is to be no row."""
        while True:
            before, value = self._row(partition, key), read()
            if (before.v if before is not None else "") == value:
                return False
            item = NodeItem(partition, key, v=value, rev=1 if before is None else int(before.rev or 0) + 1)
            same = NodeItem.pk.does_not_exist() if before is None else NodeItem.rev == before.rev
            try:
                if value:
                    item.save(condition=same)
                else:
                    item.delete(condition=same)
            except (PutError, DeleteError) as refused:
                if refused.cause_response_code != REFUSED:
                    raise
            else:
                return True

    def _row(self, partition: str, key: str) -> NodeItem | None:
        try:
            return NodeItem.get(partition, key, consistent_read=True)
        except DoesNotExist:
            return None

    def _rows(self, partition: str, *, consistent: bool) -> Iterator[tuple[str, str]]:
        """As the wire has them: a model for each of 20,000 rows would take a second."""
        table, after = NodeItem._get_connection(), None
        while True:
            page = cast(
                "dict[str, Any]",
                table.query(partition, consistent_read=consistent, exclusive_start_key=after),
            )
            for row in page["Items"]:
                yield row["sk"]["S"], row["v"]["S"]
            after = page.get("LastEvaluatedKey")
            if not after:
                return


def _key(group: Group) -> tuple[str, str]:
    """The row of a group."""
    return partition_of(group.area), f"{short(group.area)}#{group.id.removeprefix('grp_')}"
