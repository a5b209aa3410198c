"""How often a page waits for the database: the one way in which tests and the bench count it.

What is asked side by side, or in a batch, is waited for once, whichever threads ask. So every call is made to
take a moment, and counted is the longest chain of calls each of which began when the one before had ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.client import BaseClient

MOST = 2
"""Behind the look at the session."""
MOMENTS_S = (0.0, 0.06, 0.4)
"""How long a call is made to take: no time, for a page that makes few of them at all; a moment; and one that
is long enough for threads that a busy machine lets begin late."""


@dataclass(frozen=True)
class Call:
    """A call to DynamoDB: what it asked of which table, when it began and ended."""

    what: str
    began: float
    ended: float


@contextmanager
def calls(moment_s: float) -> Iterator[list[Call]]:
    """The calls to DynamoDB that end in this block, of all threads; each takes so many seconds longer."""
    made: list[Call] = []
    plain = BaseClient._make_api_call

    def call(self: Any, operation: str, params: Any) -> Any:
        if self.meta.service_model.service_name != "dynamodb":
            return plain(self, operation, params)
        began = time.monotonic()
        time.sleep(moment_s)
        try:
            return plain(self, operation, params)
        finally:
            tables = params.get("TableName") or sorted(params.get("RequestItems", {}))
            made.append(Call(f"{operation} {tables}", began, time.monotonic()))

    BaseClient._make_api_call = call
    try:
        yield made
    finally:
        BaseClient._make_api_call = plain


def chain(made: list[Call]) -> list[str]:
    """The longest chain of calls that waited for one another: always the next that ends soonest."""
    found: list[Call] = []
    for one in sorted(made, key=lambda call: call.ended):
        if not found or one.began >= found[-1].ended:
            found.append(one)
    return [one.what for one in found]


def trips(look: Callable[[], object], most: int = MOST) -> list[str]:
    """The calls one after the other that `look` waits for; on more than `most` of them it is asked again with
    longer moments, of which the last is believed. What a container keeps should be kept before."""
    found: list[str] = []
    for moment_s in MOMENTS_S:
        with calls(moment_s) as made:
            look()
        found = chain(made)
        if len(found) <= most:
            break
    return found
