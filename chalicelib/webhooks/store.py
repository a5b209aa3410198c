"""How receivers stand, in the table `ops`.

    pk               sk   what
    webhook#<name>   -    failures in a row, until when it rests; or since when it wants nothing any more

An item is about one address (`place`, a hash): what was noted of another is no news of this one. A receiver
without a fault has no item. `until` is the item's version: each writer states the one that it has seen.

Access, in request units (items under 300 bytes): a look 1 r at each attempt; a failure, a claim of the one
request that asks how a resting receiver is, and its end 1 w each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DeleteError, DoesNotExist, PutError
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.clock import parse_rfc3339, rfc3339
from chalicelib.tables import Table, TableName
from chalicelib.webhooks.model import TRIED_FOR_S, Standing, Subscriber

REFUSED = "ConditionalCheckFailedException"


class StandingItem(Table):
    class Meta:
        table_name = TableName("ops")

    place = UnicodeAttribute()
    failures = NumberAttribute(null=True)
    until = NumberAttribute(null=True)
    since = NumberAttribute(null=True)
    disabled_at = UnicodeAttribute(null=True)
    expires = NumberAttribute(null=True)
    """Not of one that is disabled: it stays so until a person acts."""


@dataclass(frozen=True)
class Standings:
    """Reads and writes them."""

    def get(self, subscriber: Subscriber) -> Standing:
        """How the subscriber's present address stands, read consistently."""
        try:
            item = StandingItem.get(_pk(subscriber), "-", consistent_read=True)
        except DoesNotExist:
            return Standing()
        if item.place != subscriber.fingerprint:
            return Standing()
        disabled_at = parse_rfc3339(item.disabled_at) if item.disabled_at else None
        return Standing(int(item.failures or 0), item.until or 0.0, item.since or 0.0, disabled_at)

    def change(self, subscriber: Subscriber, seen: Standing, after: Standing) -> bool:
        """Notes how it stands after what was `seen`; False when somebody else was quicker."""
        item = StandingItem(_pk(subscriber), "-", place=subscriber.fingerprint, failures=after.failures)
        item.until, item.since = after.until, after.since
        item.expires = int(after.until) + TRIED_FOR_S
        try:
            item.save(condition=_as_seen(subscriber, seen))
        except PutError as refused:
            if refused.cause_response_code != REFUSED:
                raise
            return False
        return True

    def claim(self, subscriber: Subscriber, seen: Standing, until: float) -> Standing | None:
        """Makes the caller the only one who asks how it is, until then: what it has to state as seen. None
        when somebody else does."""
        claimed = replace(seen, until=until)
        return claimed if self.change(subscriber, seen, claimed) else None

    def well(self, subscriber: Subscriber, seen: Standing) -> None:
        """It has answered: nothing is kept, unless it was changed since."""
        try:
            StandingItem(_pk(subscriber), "-").delete(
                (StandingItem.place == subscriber.fingerprint) & (StandingItem.until == seen.until)
            )
        except DeleteError as refused:
            if refused.cause_response_code != REFUSED:
                raise

    def disable(self, transaction: TransactWrite, subscriber: Subscriber, at: datetime) -> None:
        """Adds: nothing is sent there any more. Its condition: that is not so yet."""
        item = StandingItem(_pk(subscriber), "-", place=subscriber.fingerprint, disabled_at=rfc3339(at))
        here = StandingItem.place == subscriber.fingerprint
        transaction.save(item, condition=StandingItem.disabled_at.does_not_exist() | ~here)

    def forget(self, transaction: TransactWrite, subscriber: Subscriber) -> None:
        """Adds: it stands without a fault."""
        transaction.delete(StandingItem(_pk(subscriber), "-"))


def _pk(subscriber: Subscriber) -> str:
    return f"webhook#{subscriber.id}"


def _as_seen(subscriber: Subscriber, seen: Standing) -> Condition:
    other: Condition = StandingItem.pk.does_not_exist() | (StandingItem.place != subscriber.fingerprint)
    as_seen: Condition = other | (StandingItem.until == seen.until)
    return as_seen
