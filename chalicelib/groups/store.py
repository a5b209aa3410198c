"""Groups in the table `groups`, and their places in the table `coverage`.

    pk                          sk                  what
    grp_…                       group               the group as JSON; `kind`, `place` for the list; `rev`
    grp_…                       figures#<month>     the figures of one month, with who said so
    link#<sha256 of the link>   claim               whose link it is: one link, one group

Index `by_place` (kind, place): groups of one kind by the ids of their area's path, then their own id: those
of an area and of all below begin alike. The link lies in the JSON alone; keys hold its hash.

Access, in request units (a group is under 1 KB):
    one group         1 r, consistent
    register, change  1 transaction: the group and its index entry, its link's claim, its row of `coverage`
                      (nodes.py), two items of the audit
    figures           the same with the month's row
    list              1 query a page of the index: 0.5 r for 4 KB
    a creator's own   1 query for each level of their path: up to 5
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.transactions import TransactWrite

from chalicelib.groups.model import Group, Kind, MonthsFigures
from chalicelib.groups.nodes import put_group
from chalicelib.lists import prefix_of
from chalicelib.tables import Table, TableName

GROUP, CLAIM, FIGURES = "group", "claim", "figures#"
Position = dict[str, Any]


class ByPlace(GlobalSecondaryIndex["GroupItem"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "by_place"
        projection = AllProjection()

    kind = UnicodeAttribute(hash_key=True)
    place = UnicodeAttribute(range_key=True)


class GroupItem(Table):
    class Meta:
        table_name = TableName("groups")

    by_place = ByPlace()
    body = UnicodeAttribute()
    rev = NumberAttribute(null=True)
    kind = UnicodeAttribute(null=True)
    place = UnicodeAttribute(null=True)


class ClaimItem(Table):
    class Meta:
        table_name = TableName("groups")

    owner = UnicodeAttribute()


class GroupStore:
    def find(self, group_id: str) -> Group | None:
        """The group, read consistently."""
        try:
            return Group.model_validate_json(GroupItem.get(group_id, GROUP, consistent_read=True).body)
        except DoesNotExist:
            return None

    def many(self, ids: Iterable[str]) -> dict[str, Group]:
        """Those of these groups (up to 100) that there are."""
        items = GroupItem.batch_get([(one, GROUP) for one in set(ids)], consistent_read=True)
        return {item.pk: Group.model_validate_json(item.body) for item in items}

    def owners(self, links: Iterable[str]) -> dict[str, str]:
        """Whose these links (up to 100) are: the group's id by the link."""
        keys = {_claim_key(link): link for link in links}
        items = ClaimItem.batch_get([(key, CLAIM) for key in keys], consistent_read=True)
        return {keys[item.pk]: item.owner for item in items}

    def write(self, transaction: TransactWrite, before: Group | None, after: Group) -> None:
        """Adds a new group, or its change, to a transaction: refused when it was changed meanwhile, or when
        the link belongs to another group."""
        old = before.link if before is not None and before.claims else None
        new = after.link if after.claims else None
        if old and old != new:
            transaction.delete(ClaimItem(_claim_key(old), CLAIM), condition=ClaimItem.owner == after.id)
        if new:
            ours = ClaimItem.pk.does_not_exist() | (ClaimItem.owner == after.id)
            transaction.save(ClaimItem(_claim_key(new), CLAIM, owner=after.id), condition=ours)
        same = GroupItem.pk.does_not_exist() if before is None else GroupItem.rev == before.rev
        transaction.save(_item(after), condition=same)
        put_group(transaction, before, after)

    def write_figures(self, transaction: TransactWrite, group_id: str, figures: MonthsFigures) -> None:
        """Adds the figures of a month; those given before for the same month are replaced."""
        item = GroupItem(group_id, f"{FIGURES}{figures.month}", body=figures.model_dump_json())
        transaction.save(item)

    def months(self, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], MonthsFigures]:
        """Figures of up to 100 groups and months, as far as there are any."""
        keys = [(group_id, f"{FIGURES}{month}") for group_id, month in wanted]
        rows = GroupItem.batch_get(keys, consistent_read=True) if keys else ()
        found = {row.pk: MonthsFigures.model_validate_json(row.body) for row in rows}
        return {(group_id, one.month): one for group_id, one in found.items()}

    def history(self, group_id: str) -> list[MonthsFigures]:
        """All months' figures, the latest first."""
        rows = GroupItem.query(group_id, GroupItem.sk.startswith(FIGURES), scan_index_forward=False)
        return [MonthsFigures.model_validate_json(row.body) for row in rows]

    def listed(
        self, kind: Kind, prefix: str, after: Position | None, page: int
    ) -> Iterator[tuple[Group, Position]]:
        """Groups of one kind whose place begins so, behind the place `after`; each with its own."""
        begins = ByPlace.place.startswith(prefix) if prefix else None
        rows = GroupItem.by_place.query(kind, begins, last_evaluated_key=after, page_size=page)
        for row in rows:
            place = {"pk": row.pk, "sk": row.sk, "kind": kind, "place": row.place or ""}
            yield Group.model_validate_json(row.body), {name: {"S": value} for name, value in place.items()}


def _item(group: Group) -> GroupItem:
    place = f"{prefix_of(group.path)}{group.id}"
    body = group.model_dump_json(exclude_defaults=True)
    return GroupItem(group.id, GROUP, body=body, rev=group.rev, kind=group.kind, place=place)


def _claim_key(link: str) -> str:
    return f"link#{hashlib.sha256(link.encode()).hexdigest()}"
