"""Tracked links of groups, and what was handed to them, in the table `groups`.

    pk                   sk                      what
    code#<code>          code                    which group and campaign it is of, and where it leads
    code#<code>          day#<year-month-day>    clicks of a day in India: people, all, bots apart; 400 days
    campaign#<cmp_…>     <path>/<grp_…>          a kit that was handed out: its code, who posted it and when
    salt                 <year-month-day>        the day's salt, taken away when the next day's is made
    seen#<code>#<day>    <hash>                  that somebody was counted this day; gone a day later

Access: a click is 2 reads and 1 transaction (2 items), a second one of the day 1 more; a kit 2 writes and a
read.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PutError, TransactWriteError
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.clock import IST, rfc3339
from chalicelib.groups.model import Group
from chalicelib.lists import prefix_of
from chalicelib.tables import Table, TableName, failed_conditions, write_together

REFUSED = "ConditionalCheckFailedException"
CODE = "code"
DAYS_KEPT = 400
Position = dict[str, Any]


class CodeItem(Table):
    class Meta:
        table_name = TableName("groups")

    group = UnicodeAttribute()
    campaign = UnicodeAttribute()
    url = UnicodeAttribute()


class DayItem(Table):
    class Meta:
        table_name = TableName("groups")

    people = NumberAttribute(null=True)
    clicks = NumberAttribute(null=True)
    bots = NumberAttribute(null=True)
    expires = NumberAttribute(null=True)


class HandedItem(Table):
    class Meta:
        table_name = TableName("groups")

    group = UnicodeAttribute()
    code = UnicodeAttribute()
    at = UnicodeAttribute()
    posted_at = UnicodeAttribute(null=True)
    posted_by = UnicodeAttribute(null=True)


class MarkItem(Table):
    class Meta:
        table_name = TableName("groups")

    value = UnicodeAttribute(null=True)
    expires = NumberAttribute()


@dataclass(frozen=True)
class Handed:
    """A kit as it was handed to a group."""

    group: str
    code: str
    at: str
    posted_at: str | None = None
    posted_by: str = ""
    place: str = ""


@dataclass(frozen=True)
class Clicks:
    """Of one day, or of all together. `people`: different ones a day, as far as address and browser tell;
    over several days, the sum of the days."""

    people: int = 0
    clicks: int = 0
    bots: int = 0


@dataclass(frozen=True)
class ClickStore:
    new_salt: Callable[[], str] = lambda: secrets.token_hex(16)

    # --- kits

    def put_handed(
        self, transaction: TransactWrite, group: Group, campaign: str, code: str, at: datetime
    ) -> None:
        """Adds that a group got the kit of a campaign; refused when that is known already."""
        item = HandedItem(*_handed_key(group, campaign), group=group.id, code=code, at=rfc3339(at))
        transaction.save(item, condition=HandedItem.pk.does_not_exist())

    def put_target(
        self, transaction: TransactWrite, group: Group, campaign: str, code: str, url: str
    ) -> None:
        """Adds where a link leads from now on."""
        transaction.save(CodeItem(f"code#{code}", CODE, group=group.id, campaign=campaign, url=url))

    def handed(self, group: Group, campaign: str) -> Handed | None:
        try:
            return _handed(HandedItem.get(*_handed_key(group, campaign), consistent_read=True))
        except DoesNotExist:
            return None

    def put_posted(
        self, transaction: TransactWrite, group: Group, campaign: str, by: str, at: datetime
    ) -> None:
        """Adds that it was posted; refused when that is known already, or it was never handed out."""
        transaction.update(
            HandedItem(*_handed_key(group, campaign)),
            actions=[HandedItem.posted_at.set(rfc3339(at)), HandedItem.posted_by.set(by)],
            condition=HandedItem.pk.exists() & HandedItem.posted_at.does_not_exist(),
        )

    def of_campaign(
        self, campaign: str, prefix: str, after: Position | None, page: int
    ) -> Iterator[tuple[Handed, Position]]:
        """Kits of a campaign by the places of their groups; each with its own place in the list."""
        begins = HandedItem.sk.startswith(prefix) if prefix else None
        rows = HandedItem.query(f"campaign#{campaign}", begins, last_evaluated_key=after, page_size=page)
        for row in rows:
            yield _handed(row), {"pk": {"S": row.pk}, "sk": {"S": row.sk}}

    # --- clicks

    def target(self, code: str) -> str | None:
        """Where a link leads; None when there is none."""
        try:
            return CodeItem.get(f"code#{code}", CODE).url
        except DoesNotExist:
            return None

    def count(self, code: str, visitor: str, *, bot: bool, at: datetime) -> None:
        """Counts a click: a visitor once a day among the people. What tells who it was is a hash with the
        day's salt, which nobody has any more on the day after."""
        day = at.astimezone(IST).date()
        if bot:
            self._add(code, day, DayItem.bots.add(1))
            return
        digest = hashlib.sha256(f"{self._salt(day)} {code} {visitor}".encode()).hexdigest()[:32]
        seen = MarkItem(f"seen#{code}#{day}", digest, expires=_end_of(day))
        try:
            with write_together() as transaction:
                transaction.save(seen, condition=MarkItem.pk.does_not_exist())
                self._update(transaction, code, day, DayItem.people.add(1), DayItem.clicks.add(1))
        except TransactWriteError as error:
            if not failed_conditions(error):
                raise
            self._add(code, day, DayItem.clicks.add(1))

    def sums(self, codes: Sequence[str]) -> Mapping[str, Clicks]:
        """All clicks by code: a query each."""
        return {code: self._sum(code) for code in codes}

    def _sum(self, code: str) -> Clicks:
        rows = list(DayItem.query(f"code#{code}", DayItem.sk.startswith("day#")))
        people, clicks, bots = (
            sum(int(getattr(row, name) or 0) for row in rows) for name in ("people", "clicks", "bots")
        )
        return Clicks(people, clicks, bots)

    def _add(self, code: str, day: date, action: Action) -> None:
        """In a transaction, whose repetition by the SDK counts once."""
        with write_together() as transaction:
            self._update(transaction, code, day, action)

    @staticmethod
    def _update(transaction: TransactWrite, code: str, day: date, *actions: Action) -> None:
        kept = DayItem.expires.set(_end_of(day + timedelta(days=DAYS_KEPT)))
        transaction.update(DayItem(f"code#{code}", f"day#{day}"), actions=[*actions, kept])

    def _salt(self, day: date) -> str:
        """The day's salt: made by whoever needs it first, who takes the older ones away."""
        try:
            return str(MarkItem.get("salt", str(day), consistent_read=True).value)
        except DoesNotExist:
            made = MarkItem("salt", str(day), value=self.new_salt(), expires=_end_of(day))
        try:
            made.save(condition=MarkItem.pk.does_not_exist())
        except PutError as refused:
            if refused.cause_response_code != REFUSED:
                raise
            return str(MarkItem.get("salt", str(day), consistent_read=True).value)
        for old in MarkItem.query("salt", MarkItem.sk < str(day)):
            old.delete()
        return str(made.value)


def _end_of(day: date) -> int:
    """When that day ends in India, and the clock of a late machine with it."""
    after = datetime.combine(day + timedelta(days=1), datetime.min.time(), IST)
    return int(after.timestamp()) + 600


def place_of(group: Group) -> str:
    """Under which the kits of a group lie: a group that moves gets new ones."""
    return f"{prefix_of(group.path)}{group.id}"


def _handed_key(group: Group, campaign: str) -> tuple[str, str]:
    return f"campaign#{campaign}", place_of(group)


def _handed(item: HandedItem) -> Handed:
    return Handed(item.group, item.code, item.at, item.posted_at, item.posted_by or "", item.sk)
