"""What every PynamoDB model shares: the table's name by stage, one client, time-outs, transactions."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

from pynamodb.attributes import UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.connection.table import TableConnection
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from chalicelib import aws
from chalicelib.settings import settings

_making = threading.Lock()
LONGEST_KEYS = (2048, 1024)
"""Bytes of `pk` and `sk`: DynamoDB refuses to be asked for longer ones, and for empty ones."""


def _may_be(*keys: Any) -> bool:  # noqa: ANN401
    """Whether there may be an item with this key: forms bring in what anybody may have written by hand."""
    return all(
        not isinstance(key, str) or 0 < len(key.encode()) <= most
        for key, most in zip(keys, LONGEST_KEYS, strict=False)
    )


class TableName:
    """`janjan-<stage>-<name>`, asked for when the table is first used: `table_name = TableName("people")` in
    a Meta."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type | None = None) -> str:
        return f"janjan-{settings().stage}-{self._name}"


class Table(Model):
    """Base of every stored item: `pk` and `sk`, and the process's one DynamoDB client."""

    class Meta:
        table_name = "abstract"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)

    @classmethod
    def _get_connection(cls) -> TableConnection:
        with _making:  # who comes meanwhile would find it without its client
            fresh = cls._connection is None
            table = super()._get_connection()
            if fresh:
                table.connection._client = aws.client(
                    "dynamodb"
                )  # else each model would make a client of its own
            return table

    @classmethod
    def get(cls, hash_key: Any, range_key: Any = None, *args: Any, **named: Any) -> Self:  # noqa: ANN401
        """As PynamoDB's. Raises DoesNotExist, also for a key that no item can have."""
        if not _may_be(hash_key, range_key):
            raise cls.DoesNotExist
        return super().get(hash_key, range_key, *args, **named)

    @classmethod
    def batch_get(cls, items: Iterable[Any], *args: Any, **named: Any) -> Iterator[Self]:  # noqa: ANN401
        """As PynamoDB's; keys that no item can have are passed over."""
        return super().batch_get([key for key in items if _may_be(*key)], *args, **named)

    def change(self, actions: Sequence[Action], condition: Condition | None = None) -> None:
        """Updates the stored item and reads nothing back. PynamoDB's `update` asks for the whole item, which
        costs as much time again as the write. Raises UpdateError as it does."""
        keys = self._get_hash_range_key_serialized_values()
        self._get_connection().update_item(*keys, actions=actions, condition=condition)


def connection() -> Connection:
    """A connection on the process's DynamoDB client, for transactions and for what the models cannot say."""
    made = Connection()
    made._client = aws.client("dynamodb")
    return made


def write_together(token: str | None = None) -> TransactWrite:
    """A transaction of up to 100 writes, all or none: `with write_together() as t: t.save(…)`.

    Raises TransactWriteError at the end of the block; `failed_conditions` tells which write was refused.
    """
    return TransactWrite(connection=connection(), client_request_token=token)


def failed_conditions(error: TransactWriteError) -> list[int]:
    """Positions (puts, updates, deletes and checks in DynamoDB's order) whose condition did not hold.

    PynamoDB sends condition checks first, then deletes, puts and updates.
    """
    reasons: list[Any] = list(error.cancellation_reasons)
    return [
        i
        for i, reason in enumerate(reasons)
        if reason is not None and reason.code == "ConditionalCheckFailed"
    ]


PASSING = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
"""Reasons of a cancelled transaction that go by themselves (TransactWriteItems, "CancellationReasons"). The
SDK repeats a throttled call, and not a transaction that was cancelled because an item was throttled."""


def is_passing(error: TransactWriteError) -> bool:
    """Whether another transaction held one of the items, or it was throttled: nothing was written, the same
    call may be tried again."""
    reasons: list[Any] = list(error.cancellation_reasons)
    return any(reason is not None and reason.code in PASSING for reason in reasons)
