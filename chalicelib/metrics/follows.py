"""Which accounts a platform's hub tells us of, in the table `posts`.

    pk                   sk                   what
    follow#<platform>    account#<id>         where we stand with the hub about one account (follow.py)
    follow#<platform>    handle#<canonical>   the id of the account that a handle names, as its API told

Access, in request units (each item under 300 bytes):
    tick        1 query: 0.5 r for 4 KB, some 15 accounts or handles
    ask, told   1 w each: a lease of five days costs some 4 w in a week for each account
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DeleteError, DoesNotExist, PutError

from chalicelib.clock import parse_rfc3339, rfc3339
from chalicelib.errors import Transient
from chalicelib.metrics.follow import Follow
from chalicelib.tables import Table, TableName

REFUSED = "ConditionalCheckFailedException"
ACCOUNT, HANDLE = "account#", "handle#"
TRIES = 8
SHORTEST_PAUSE_S = 0.01


class FollowItem(Table):
    class Meta:
        table_name = TableName("posts")

    next_at = UnicodeAttribute()
    rev = NumberAttribute(null=True)
    wanted = BooleanAttribute(null=True)
    tries = NumberAttribute(null=True)
    until = UnicodeAttribute(null=True)
    told_at = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    account = UnicodeAttribute(null=True)


@dataclass(frozen=True)
class Named:
    """What a handle was found to name; `account` empty for nothing."""

    account: str
    look_again_at: datetime


@dataclass(frozen=True)
class Known:
    """All that is kept of one platform: accounts by id, handles by name."""

    accounts: dict[str, Follow] = field(default_factory=dict)
    handles: dict[str, Named] = field(default_factory=dict)


@dataclass(frozen=True)
class Follows:
    """Reads and writes them."""

    def all(self, platform: str) -> Known:
        known = Known()
        for item in FollowItem.query(_key(platform), consistent_read=True):
            kind, _, name = item.sk.partition("#")
            if f"{kind}#" == ACCOUNT:
                known.accounts[name] = _follow(item)
            else:
                known.handles[name] = Named(item.account or "", parse_rfc3339(item.next_at))
        return known

    def write(self, platform: str, after: Follow) -> Follow | None:
        """Writes what is one revision on from what was read; None when another writer was quicker."""
        item = FollowItem(_key(platform), ACCOUNT + after.account, rev=after.rev + 1, wanted=after.wanted)
        item.next_at, item.tries = rfc3339(after.next_at), after.tries
        item.until = rfc3339(after.until) if after.until else None
        item.told_at = rfc3339(after.told_at) if after.told_at else None
        item.reason = after.reason or None
        same = FollowItem.rev == after.rev if after.rev else FollowItem.pk.does_not_exist()
        try:
            item.save(condition=same)
        except PutError as refused:
            if refused.cause_response_code != REFUSED:
                raise
            return None
        return replace(after, rev=after.rev + 1)

    def change(self, platform: str, account: str, change: Callable[[Follow | None], Follow | None]) -> None:
        """Keeps what `change` makes of an account that is known or not; None: nothing. Raises Transient when
        others were always quicker."""
        for attempt in range(TRIES):
            before = self._find(platform, account)
            after = change(before)
            if after is None or after == before or self.write(platform, after):
                return
            time.sleep(random.uniform(0, SHORTEST_PAUSE_S * 2**attempt))
        raise Transient

    def forget(self, platform: str, follow: Follow) -> None:
        """Nothing is kept of it any more, unless somebody changed it meanwhile."""
        try:
            FollowItem(_key(platform), ACCOUNT + follow.account).delete(FollowItem.rev == follow.rev)
        except DeleteError as refused:
            if refused.cause_response_code != REFUSED:
                raise

    def name(self, platform: str, handle: str, named: Named) -> None:
        again = rfc3339(named.look_again_at)
        FollowItem(_key(platform), HANDLE + handle, next_at=again, account=named.account or None).save()

    def forget_handle(self, platform: str, handle: str) -> None:
        FollowItem(_key(platform), HANDLE + handle).delete()

    def _find(self, platform: str, account: str) -> Follow | None:
        try:
            return _follow(FollowItem.get(_key(platform), ACCOUNT + account, consistent_read=True))
        except DoesNotExist:
            return None


def _key(platform: str) -> str:
    return f"follow#{platform}"


def _follow(item: FollowItem) -> Follow:
    return Follow(
        item.sk.removeprefix(ACCOUNT),
        int(item.rev or 0),
        bool(item.wanted),
        parse_rfc3339(item.next_at),
        int(item.tries or 0),
        parse_rfc3339(item.until) if item.until else None,
        parse_rfc3339(item.told_at) if item.told_at else None,
        item.reason or "",
    )
