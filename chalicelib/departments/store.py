"""Desks, directives, schemes and cards in the table `departments`.

    pk                  sk              what                                                    read by
    desk                <department>    officers and accounts of one department; an `event` for key, batch
                                        the outbox
    directives          <directive>     what was told, and to whom                              key, query
    orders#<department> <directive>     the same on one department's desk: acknowledged or not  key, query
    acknowledged        <directive>     how many departments have acknowledged it               batch
    schemes             <scheme>        a scheme in all its languages                           key, query
    progress#<scheme>   <day>#<id>      a word on how it fares                                  query
    cards               <card>          a myth and its answer                                   key, query
    facts               <department>    state, kind, parent, code in the LGD                        batch
    codes               <LGD's code>    which department has it                                     batch
    proof#<code>        -               which account a code in its own words is to prove       key

Index `by_owner` (owner, sk), sparse: `schemes#<department>` and `cards#<department>`.

Access, in request units (a desk is about 1 KB, a scheme in two languages 2 to 4 KB in Devanagari):
    a desk            1 read, consistent; a change is 1 transaction with the audit's two items
    coverage          a batch of up to 100 desks: half a unit a desk, whatever the number of departments
    directive         1 transaction; before it one write a department, 25 a request. An order that no
                      directive stands behind (a crash between the two) is shown to nobody
    acknowledge       1 transaction: the order, the number, the audit
    lists             1 query a page: half a unit for 4 KB; an own department's are queried alone
Directives' ids begin with the time: lists are in its order without an index.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.transactions import TransactWrite

from chalicelib import lists
from chalicelib.departments.model import Desk, Directive, Facts, Order
from chalicelib.departments.scheme import Card, Progress, Scheme
from chalicelib.tables import Table, TableName

ALONE = "-"
FACTS, CODES = "facts", "codes"
DESK, DIRECTIVES, ACKNOWLEDGED, SCHEMES, CARDS = "desk", "directives", "acknowledged", "schemes", "cards"
PAGE = 100
BATCH = 100
"""Keys of one BatchGetItem."""
Position = dict[str, Any]
Kept = TypeVar("Kept", bound=BaseModel)


class ByOwner(GlobalSecondaryIndex["Record"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "by_owner"
        projection = AllProjection()

    owner = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)


class Record(Table):
    class Meta:
        table_name = TableName("departments")

    by_owner = ByOwner()
    owner = UnicodeAttribute(null=True)
    body = UnicodeAttribute(null=True)
    rev = NumberAttribute(null=True)
    event = UnicodeAttribute(null=True)
    number = NumberAttribute(null=True)
    expires = NumberAttribute(null=True)


class DepartmentStore:
    # --- desks

    def desk(self, department: str) -> Desk:
        """What is kept of a department, read consistently; an empty desk when nothing is."""
        return _find(Desk, DESK, department) or Desk(department=department)

    def desks(self, departments: Sequence[str]) -> dict[str, Desk]:
        """The same of many, by department; they may be a second old."""
        found = {row.sk: _read(Desk, row) for row in _batch((DESK, one) for one in departments)}
        return {one: found.get(one) or Desk(department=one) for one in departments}

    def put_desk(self, transaction: TransactWrite, desk: Desk, event: str | None = None) -> None:
        """Adds a desk as it became, with the event of it (outbox.raise_event); refused when somebody else has
        changed it."""
        _put(transaction, Record(DESK, desk.department, event=event), desk, desk.rev)

    def put_code(self, code: str, department: str, handle_id: str, expires: int) -> None:
        """Notes what a code is to prove; the same again changes nothing."""
        body = json.dumps([department, handle_id])
        Record(f"proof#{code}", ALONE, body=body, expires=expires).save()

    def code(self, code: str, now: float) -> tuple[str, str] | None:
        """Of which department, and which account, this code is to prove, while it holds."""
        try:
            item = Record.get(f"proof#{code}", ALONE, consistent_read=True)
        except DoesNotExist:
            return None
        department, handle_id = json.loads(item.body or "[]")
        return (department, handle_id) if (item.expires or 0) > now else None

    # --- what public files say

    def facts(self, departments: Sequence[str]) -> dict[str, Facts]:
        """Of those of these departments of which a file told."""
        rows = _batch(((FACTS, one) for one in departments), consistent=True)
        return {row.sk: _read(Facts, row) for row in rows}

    def codes(self, codes: Sequence[str]) -> dict[str, str]:
        """Which departments have these codes in the LGD."""
        rows = _batch(((CODES, one) for one in codes), consistent=True)
        return {row.sk: row.body or "" for row in rows}

    def put_facts(self, known: Sequence[Facts]) -> None:
        """Writes what a file told of these departments, and whose code is whose, in batches of 25."""
        with Record.batch_write() as batch:
            for one in known:
                batch.save(Record(FACTS, one.department, body=one.model_dump_json(exclude_defaults=True)))
                if one.code:
                    batch.save(Record(CODES, one.code, body=one.department))

    # --- directives

    def put_orders(self, directive: Directive) -> None:
        """Lays a directive that is about to be written on the desks of its departments."""
        with Record.batch_write() as batch:
            for department in directive.departments:
                order = Order(directive=directive.id, department=department, due_on=directive.due_on)
                batch.save(Record(_orders(department), directive.id, body=order.model_dump_json(), rev=1))

    def put_directive(self, transaction: TransactWrite, directive: Directive) -> None:
        """Adds a directive: issued, and later withdrawn; refused when somebody else did so before."""
        _put(transaction, Record(DIRECTIVES, directive.id), directive, 2 if directive.withdrawn_at else 1)

    def directive(self, directive: str) -> Directive | None:
        return _find(Directive, DIRECTIVES, directive)

    def directives(self, ids: Sequence[str]) -> dict[str, Directive]:
        return {row.sk: _read(Directive, row) for row in _batch((DIRECTIVES, one) for one in ids)}

    def order(self, directive: str, department: str) -> Order | None:
        return _find(Order, _orders(department), directive)

    def orders(self, directive: str, departments: Sequence[str]) -> list[Order]:
        """How a directive stands with these departments."""
        rows = _batch(((_orders(one), directive) for one in departments), consistent=True)
        return sorted((_read(Order, row) for row in rows), key=lambda order: order.department)

    def put_acknowledged(self, transaction: TransactWrite, order: Order) -> None:
        """Adds an order as it was acknowledged, and counts it; refused when it was so before."""
        transaction.save(
            Record(_orders(order.department), order.directive, body=order.model_dump_json(), rev=2),
            condition=Record.rev == 1,
        )
        transaction.update(Record(ACKNOWLEDGED, order.directive), actions=[Record.number.add(1)])

    def acknowledged(self, directives: Sequence[str]) -> dict[str, int]:
        """How many departments have acknowledged each."""
        rows = {row.sk: int(row.number or 0) for row in _batch((ACKNOWLEDGED, one) for one in directives)}
        return {one: rows.get(one, 0) for one in directives}

    def all_directives(self, after: Position | None) -> Iterator[tuple[Directive, Position]]:
        """The newest first, each with its place."""
        return _walk(Directive, [DIRECTIVES], after, newest_first=True)

    def orders_of(
        self, departments: Sequence[str], after: Position | None
    ) -> Iterator[tuple[Order, Position]]:
        """What lies on these desks, one after the other, the newest first."""
        return _walk(Order, [_orders(one) for one in departments], after, newest_first=True)

    # --- schemes

    def scheme(self, scheme: str) -> Scheme | None:
        return _find(Scheme, SCHEMES, scheme)

    def schemes(self, ids: Sequence[str]) -> dict[str, Scheme]:
        return {row.sk: _read(Scheme, row) for row in _batch((SCHEMES, one) for one in ids)}

    def put_scheme(self, transaction: TransactWrite, scheme: Scheme) -> None:
        """Adds a scheme as it became; refused when somebody else has changed it."""
        item = Record(SCHEMES, scheme.id, owner=f"{SCHEMES}#{scheme.department}")
        _put(transaction, item, scheme, scheme.rev)

    def all_schemes(
        self, departments: Sequence[str] | None, after: Position | None
    ) -> Iterator[tuple[Scheme, Position]]:
        """Schemes of these departments one after the other, begun side by side, or (None) all; each with its
        place."""
        if departments is None:
            return _walk(Scheme, [SCHEMES], after)
        return _walk_index(Scheme, [f"{SCHEMES}#{one}" for one in departments], after)

    def put_progress(self, transaction: TransactWrite, progress: Progress) -> None:
        item = Record(*_progress(progress))
        item.body = progress.model_dump_json()
        transaction.save(item, condition=Record.pk.does_not_exist())

    def told(self, progress: Progress) -> Progress | None:
        """This word as it was told before."""
        return _find(Progress, *_progress(progress))

    def progress(self, scheme: str, after: Position | None) -> Iterator[tuple[Progress, Position]]:
        """Words on a scheme's progress, the newest day first."""
        return _walk(Progress, [f"progress#{scheme}"], after, newest_first=True)

    # --- cards

    def card(self, card: str) -> Card | None:
        return _find(Card, CARDS, card)

    def put_card(self, transaction: TransactWrite, card: Card) -> None:
        """Adds a card as it became; refused when somebody else has changed it."""
        _put(transaction, Record(CARDS, card.id, owner=f"{CARDS}#{card.department}"), card, card.rev)

    def remove_card(self, transaction: TransactWrite, card: Card) -> None:
        transaction.delete(Record(CARDS, card.id), condition=Record.rev == card.rev)

    def all_cards(
        self, departments: Sequence[str] | None, after: Position | None
    ) -> Iterator[tuple[Card, Position]]:
        """Cards of these departments one after the other, or (None) all."""
        if departments is None:
            return _walk(Card, [CARDS], after)
        return _walk_index(Card, [f"{CARDS}#{one}" for one in departments], after)


def _orders(department: str) -> str:
    return f"orders#{department}"


def _progress(one: Progress) -> tuple[str, str]:
    return f"progress#{one.scheme}", f"{one.as_of.isoformat()}#{one.id}"


def _find(kind: type[Kept], pk: str, sk: str) -> Kept | None:
    try:
        return _read(kind, Record.get(pk, sk, consistent_read=True))
    except DoesNotExist:
        return None


def _read(kind: type[Kept], row: Record) -> Kept:
    return kind.model_validate_json(row.body or "{}")


def _put(transaction: TransactWrite, item: Record, record: BaseModel, rev: int) -> None:
    item.body, item.rev = record.model_dump_json(), rev
    transaction.save(item, condition=Record.pk.does_not_exist() if rev == 1 else Record.rev == rev - 1)


def _batch(keys: Iterable[tuple[str, str]], *, consistent: bool = False) -> Iterator[Record]:
    wanted = list(dict.fromkeys(keys))
    for first in range(0, len(wanted), BATCH):
        yield from Record.batch_get(wanted[first : first + BATCH], consistent_read=consistent)


def _walk(
    kind: type[Kept], partitions: Sequence[str], after: Position | None, *, newest_first: bool = False
) -> Iterator[tuple[Kept, Position]]:
    """What lies in these partitions one after the other, behind the place `after`; each with its own."""
    for partition in (one for one in partitions if not after or one >= after["pk"]):
        start = _key(after, ("pk", "sk")) if after and after["pk"] == partition else None
        rows = Record.query(
            partition, scan_index_forward=not newest_first, last_evaluated_key=start, page_size=PAGE
        )
        for row in rows:
            yield _read(kind, row), {"pk": row.pk, "sk": row.sk}


def _walk_index(
    kind: type[Kept], owners: Sequence[str], after: Position | None
) -> Iterator[tuple[Kept, Position]]:
    def read(owner: str, key: Any) -> Iterator[tuple[Kept, Any]]:  # noqa: ANN401 - a key of the index
        for row in Record.by_owner.query(owner, last_evaluated_key=key, page_size=PAGE):
            place = {"pk": row.pk, "sk": row.sk, "owner": owner}
            yield _read(kind, row), _key(place, ("pk", "sk", "owner"))

    return lists.walk(owners, read, after)


def _key(after: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: {"S": after[name]} for name in names}
