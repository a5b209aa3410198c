"""The audit: who did what, in hash chains, written in the same transaction as the change itself.

How a feature uses it: the change is handed in as a function that adds its writes to the transaction.

    def write(transaction: TransactWrite) -> None:
        transaction.update(item, actions=[…], condition=CampaignItem.rev == seen.rev)

    audit.committing(
        subject=f"campaign#{campaign.id}",
        action="campaign.approved",
        actor=principal.id,
        at=now,
        detail={"decision": "approve"},
        write=write,
        refused=lambda failed: Conflict("The campaign has been changed meanwhile."),
    )

Table `audit`:
    <subject type>#<0..15>   head                  number and hash of the last entry
    <subject type>#<0..15>   <number, 12 digits>   one entry
    root                     <year-month-day>      the day's seal over all heads

Cost of an entry: 1 read unit (head), and 2 items in the caller's transaction (4 write units). A subject's
entries are read from its chain, past those of other subjects: about 400 bytes each, 20 a read unit.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError, TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.clock import IST, rfc3339
from chalicelib.errors import Transient
from chalicelib.identity.chain import START, Detail, Entry, Head, Root, all_chains, broken_at, chain_of
from chalicelib.tables import Table, TableName, failed_conditions, is_passing, write_together

TRIES = 12
LONGEST_PAUSE_S = 0.4
HEAD = "head"
ROOT = "root"


A_STEP = 1000
"""So many entries are read in one go, about 400 kB: a chain is shared by many subjects and never ends."""


class Checked(NamedTuple):
    """How far a chain was computed anew. `broken_at`: the number of the first entry that does not fit."""

    upto: Head
    broken_at: int | None
    done: bool

    @property
    def further(self) -> dict[str, list[int | str]] | None:
        """Where the next step goes on, to travel in a cursor; see `resumed`."""
        return None if self.done else {"checked": [self.upto.seq, self.upto.hash]}


def resumed(place: Mapping[str, Any] | None) -> Head | None:
    """Up to where a check has come, as its cursor tells."""
    found = (place or {}).get("checked")
    return Head(int(found[0]), str(found[1])) if found else None


class AuditItem(Table):
    class Meta:
        table_name = TableName("audit")

    seq = NumberAttribute(null=True)
    hash = UnicodeAttribute()
    previous = UnicodeAttribute(null=True)
    subject = UnicodeAttribute(null=True)
    action = UnicodeAttribute(null=True)
    actor = UnicodeAttribute(null=True)
    at = UnicodeAttribute(null=True)
    detail = UnicodeAttribute(null=True)
    heads = UnicodeAttribute(null=True)


def nothing(transaction: TransactWrite) -> None:
    """The change of an action that changes nothing, such as revealing a number."""


def default_refusal(failed: list[int]) -> Exception:
    """What a caller who named no exception gets when its own condition did not hold."""
    return Transient("The record was changed by somebody else at the same moment. Please try again.")


@dataclass(frozen=True)
class Audit:
    """Writes and reads the audit."""

    pause: Callable[[float], None] = time.sleep

    def committing(
        self,
        *,
        subject: str,
        action: str,
        actor: str,
        at: datetime,
        detail: Detail | None = None,
        write: Callable[[TransactWrite], None] = nothing,
        refused: Callable[[list[int]], Exception] = default_refusal,
    ) -> Entry:
        """Commits a change together with its audit entry, all or nothing, and gives the entry.

        `subject` is `<type>#<id>` with a type of `chain.SUBJECT_TYPES`; `action` such as `campaign.approved`;
        `actor` the principal's id, `self` for a creator acting for themselves, `system` for a handler;
        `detail` never holds personal data (no name, number or text of a person: an audit cannot be erased).

        `write` gets the open transaction and adds up to 98 writes with their conditions. It only adds, and
        adds the same each time: it is called again when another writer moved the chain in between.

        When a condition of `write` itself does not hold, nothing is written and the exception that `refused`
        makes is raised. `refused` gets the positions of those writes, counted from 0 in PynamoDB's order:
        condition checks, deletes, saves, updates. Raises Transient when the chain stays too busy.
        """
        chain = chain_of(subject)
        for attempt in range(TRIES):
            head, said = self.head(chain), detail or {}
            entry = Entry.after(
                head, subject=subject, action=action, actor=actor, at=rfc3339(at), detail=said
            )
            try:
                with write_together() as transaction:
                    write(transaction)
                    _append(transaction, chain, entry)
            except TransactWriteError as error:
                if not _moved_on(error, refused):
                    raise
                self.pause(random.uniform(0, min(LONGEST_PAUSE_S, 0.01 * 2**attempt)))
            else:
                return entry
        raise Transient

    def head(self, chain: str) -> Head:
        """The present end of a chain."""
        for item in AuditItem.query(chain, AuditItem.sk == HEAD, consistent_read=True):
            return Head(int(item.seq), item.hash)
        return Head()

    def chain(self, chain: str) -> Iterator[Entry]:
        """All entries of a chain, oldest first."""
        return (_entry(item) for item in AuditItem.query(chain, AuditItem.sk < HEAD, consistent_read=True))

    def check(self, chain: str, after: Head | None = None, most: int = A_STEP) -> Checked:
        """Recomputes up to `most` entries of a chain, from `after` (its start) on; the last step also holds
        them against the head. 1 read unit for 10 entries."""
        begins, head = after or Head(), self.head(chain)
        first, last = begins.seq + 1, min(begins.seq + most, head.seq)
        entries = (
            [
                _entry(item)
                for item in AuditItem.query(
                    chain, AuditItem.sk.between(f"{first:012d}", f"{last:012d}"), consistent_read=True
                )
            ]
            if last >= first
            else []
        )
        done = last >= head.seq
        wrong = broken_at(entries, head if done else None, begins)
        if wrong is None and len(entries) != last - begins.seq:
            wrong = begins.seq + len(entries) + 1
        upto = entries[-1].head if entries else begins
        return Checked(upto, wrong, done or wrong is not None)

    def of(self, subject: str, *, limit: int, before: int | None = None) -> tuple[list[Entry], int | None]:
        """Up to `limit` entries about a subject, newest first, from those numbered below `before`; and the
        number to go on before (None: there are no more). A_STEP entries of its chain are looked at, which
        holds other subjects too: there may be fewer than `limit`, or none, and still older ones."""
        below = HEAD if before is None else f"{before:012d}"
        rows = AuditItem.query(
            chain_of(subject),
            AuditItem.sk < below,
            AuditItem.subject == subject,
            scan_index_forward=False,
            page_size=A_STEP,
        )
        page: dict[str, Any] = next(iter(rows.page_iter), {})
        entries = [_entry(AuditItem.from_raw_data(row)) for row in page.get("Items", [])]
        if len(entries) > limit:
            return entries[:limit], entries[limit - 1].seq
        looked = page.get("LastEvaluatedKey")
        return entries, int(looked["sk"]["S"]) if looked else None

    def latest(self, chain: str, limit: int) -> list[Entry]:
        """The newest entries of a chain, newest first."""
        found = AuditItem.query(chain, AuditItem.sk < HEAD, scan_index_forward=False, limit=limit)
        return [_entry(item) for item in found]

    def all_of(self, subject: str) -> list[Entry]:
        """Every entry about a subject, oldest first."""
        found = AuditItem.query(
            chain_of(subject), AuditItem.sk < HEAD, AuditItem.subject == subject, consistent_read=True
        )
        return [_entry(item) for item in found]

    def seal(self, at: datetime) -> Root:
        """Writes the root of the day (in India) that `at` lies in; gives the one that is there already."""
        last = self.roots(1)
        date = at.astimezone(IST).date().isoformat()
        if last and last[0].date >= date:
            return last[0]
        heads = {chain: head for chain in all_chains() if (head := self.head(chain)).seq}
        root = Root.over(heads, date=date, sealed_at=rfc3339(at), previous=last[0].hash if last else START)
        try:
            _root_item(root).save(condition=AuditItem.pk.does_not_exist())
        except PutError as error:
            if error.cause_response_code != "ConditionalCheckFailedException":
                raise
            return self.roots(1)[0]
        return root

    def roots(self, limit: int, before: str | None = None) -> list[Root]:
        """The latest daily roots, newest first; those `before` a date."""
        earlier = AuditItem.sk < before if before else None
        found = AuditItem.query(ROOT, earlier, scan_index_forward=False, limit=limit, consistent_read=True)
        return [_root(item) for item in found]


def _append(transaction: TransactWrite, chain: str, entry: Entry) -> None:
    """Adds the entry and the new head. Both are updates and added last: so they are the last two of the
    transaction, and the positions of the caller's writes stay as if they were alone."""
    transaction.update(
        AuditItem(chain, f"{entry.seq:012d}"),
        actions=[
            AuditItem.seq.set(entry.seq),
            AuditItem.hash.set(entry.hash),
            AuditItem.previous.set(entry.previous),
            AuditItem.subject.set(entry.subject),
            AuditItem.action.set(entry.action),
            AuditItem.actor.set(entry.actor),
            AuditItem.at.set(entry.at),
            AuditItem.detail.set(json.dumps(entry.detail, ensure_ascii=False)),
        ],
        condition=AuditItem.pk.does_not_exist(),
    )
    first = entry.previous == START
    transaction.update(
        AuditItem(chain, HEAD),
        actions=[AuditItem.seq.set(entry.seq), AuditItem.hash.set(entry.hash)],
        condition=AuditItem.pk.does_not_exist() if first else AuditItem.hash == entry.previous,
    )


def _moved_on(error: TransactWriteError, refused: Callable[[list[int]], Exception]) -> bool:
    """Whether only another writer was in the way, so that the same change may be tried again. Raises what
    `refused` makes when a condition of the caller did not hold."""
    failed = failed_conditions(error)
    ours = len(error.cancellation_reasons) - 2
    theirs = [position for position in failed if position < ours]
    if theirs:
        raise refused(theirs) from error
    return bool(failed) or is_passing(error)


def _entry(item: AuditItem) -> Entry:
    return Entry(
        seq=int(item.seq or 0),
        subject=item.subject or "",
        action=item.action or "",
        actor=item.actor or "",
        at=item.at or "",
        detail=json.loads(item.detail or "{}"),
        previous=item.previous or "",
        hash=item.hash,
    )


def _root_item(root: Root) -> AuditItem:
    heads = json.dumps({chain: [head.seq, head.hash] for chain, head in root.heads.items()})
    return AuditItem(ROOT, root.date, at=root.sealed_at, heads=heads, previous=root.previous, hash=root.hash)


def _root(item: AuditItem) -> Root:
    heads = {chain: Head(seq, digest) for chain, (seq, digest) in json.loads(item.heads or "{}").items()}
    return Root(item.sk, item.at or "", heads, item.previous or "", item.hash)
