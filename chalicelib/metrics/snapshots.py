"""Figures of posts in the table `posts`, beside the posts themselves (store.py).

    pk                  sk                            what                                            index
    pst_<keyed hash>    figures                       the newest of each metric and grade; what to    due
                                                      ask for next; `rev`, `event` for the outbox
    pst_<keyed hash>    snapshot#<grade>#<slot>       the figures as measured at one time; one a slot
                                                      of the schedule, about 55 a grade

They lie apart from the post, so that a measurement rewrites none of the post's indexes.
Index `due` (due_key = the platform, due_at), sparse: what is never asked for again leaves it. The platforms'
quotas keep its partitions cool: the largest allows a few hundred posts a minute, each 2 writes here.

Access, in request units (all items under 1 KB):
    due               1 query: 0.5 r for 4 KB, some 10 posts
    measured          2 w and 2 w in the index: about 220 w over a post's 90 days, 0.03 US cents
    told, declared    1 r, 2 w and the index
    campaign's sums   0.5 r a post
    history           1 query, 1 or 2 r
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PutError, UpdateError
from pynamodb.expressions.update import Action
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.transactions import TransactWrite

from chalicelib.clock import parse_rfc3339, rfc3339
from chalicelib.errors import Transient
from chalicelib.events.catalog import PostMeasured
from chalicelib.events.outbox import raise_event
from chalicelib.metrics.figures import GRADES, Figures, Grade, PostFigures, Value, numbers
from chalicelib.metrics.model import Post
from chalicelib.metrics.schedule import slot
from chalicelib.tables import Table, TableName

FIGURES, SNAPSHOT = "figures", "snapshot#"
REFUSED = "ConditionalCheckFailedException"
TRIES = 8
SHORTEST_PAUSE_S = 0.01
KEPT_WITHOUT_A_POST_S = 90 * 24 * 3600
"""Figures that a platform told of a post which nobody has handed in (yet)."""


class Due(GlobalSecondaryIndex["FiguresItem"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "due"
        projection = AllProjection()

    due_key = UnicodeAttribute(hash_key=True)
    due_at = UnicodeAttribute(range_key=True)


class FiguresItem(Table):
    class Meta:
        table_name = TableName("posts")

    due = Due()
    figures = UnicodeAttribute(null=True)
    rev = NumberAttribute(null=True)
    event = UnicodeAttribute(null=True)
    platform = UnicodeAttribute(null=True)
    ask = UnicodeAttribute(null=True)
    published_at = UnicodeAttribute(null=True)
    gone_since = UnicodeAttribute(null=True)
    screenshot = UnicodeAttribute(null=True)
    misses = NumberAttribute(null=True)
    learned = UnicodeAttribute(null=True)
    closed = BooleanAttribute(null=True)
    due_key = UnicodeAttribute(null=True)
    due_at = UnicodeAttribute(null=True)
    expires = NumberAttribute(null=True)


class SnapshotItem(Table):
    class Meta:
        table_name = TableName("posts")

    at = UnicodeAttribute()
    figures = UnicodeAttribute()
    by = UnicodeAttribute(null=True)
    screenshot = UnicodeAttribute(null=True)
    expires = NumberAttribute(null=True)


@dataclass(frozen=True)
class Snapshot:
    """The figures of a post as they were measured at one time."""

    grade: Grade
    at: datetime
    figures: Mapping[str, int]
    by: str = ""
    """Declared: by whom."""
    screenshot: str = ""


def watch(transaction: TransactWrite, post: Post, *, asked: bool = True) -> None:
    """Adds to the transaction of a new post that it is measured from now on; `asked`: whether its platform
    tells figures at all. Figures that came before it stay."""
    item = FiguresItem(post.id, FIGURES)
    at = rfc3339(post.handed_in_at)
    actions: list[Action] = [
        FiguresItem.platform.set(post.platform),
        FiguresItem.ask.set(post.api_id or post.native_id),
        FiguresItem.published_at.set(rfc3339(post.published_at) if post.published_at else at),
        FiguresItem.rev.add(1),
        FiguresItem.expires.remove(),
    ]
    if asked:
        actions += [FiguresItem.due_key.set(post.platform), FiguresItem.due_at.set(at)]
    transaction.update(item, actions=actions)


def ask_with(post: Post, ask: str, at: datetime) -> None:
    """From now on a post is asked for with this id, at once; nothing for one that is not measured."""
    item = FiguresItem(post.id, FIGURES)
    actions: list[Action] = [
        FiguresItem.ask.set(ask),
        FiguresItem.due_key.set(post.platform),
        FiguresItem.due_at.set(rfc3339(at)),
        FiguresItem.rev.add(1),
    ]
    try:
        item.change(actions, FiguresItem.ask.exists())
    except UpdateError as refused:
        if refused.cause_response_code != REFUSED:
            raise


def close(post_id: str) -> None:
    """The post of a person who leaves is measured no more, and takes no word; may be repeated."""
    gone = ("ask", "due_key", "due_at", "screenshot", "learned", "event")
    actions: list[Action] = [getattr(FiguresItem, name).remove() for name in gone]
    actions += [FiguresItem.closed.set(True), FiguresItem.rev.add(1)]
    FiguresItem(post_id, FIGURES).change(actions)


def shown_of(post_id: str) -> list[str]:
    """The keys of all screenshots of a post."""
    rows = SnapshotItem.query(
        post_id, SnapshotItem.sk.startswith(f"{SNAPSHOT}declared#"), consistent_read=True
    )
    return [row.screenshot for row in rows if row.screenshot]


def without_names(post_id: str) -> None:
    """Takes out of a post's history who declared its figures, and by which screenshots."""
    rows = SnapshotItem.query(
        post_id, SnapshotItem.sk.startswith(f"{SNAPSHOT}declared#"), consistent_read=True
    )
    for row in rows:
        row.change([SnapshotItem.by.remove(), SnapshotItem.screenshot.remove()])


@dataclass(frozen=True)
class Snapshots:
    """Reads and writes figures."""

    def due(self, platform: str, now: datetime, limit: int) -> list[PostFigures]:
        """Up to `limit` posts that are to be asked for, the longest due first. The index may lag behind."""
        until = FiguresItem.due_at <= rfc3339(now)
        return [_measured(item) for item in FiguresItem.due.query(platform, until, limit=limit)]

    def find(self, post_id: str) -> PostFigures:
        """What is known of a post's figures, read consistently; nothing at all for a post that nobody has
        measured."""
        try:
            return _measured(FiguresItem.get(post_id, FIGURES, consistent_read=True))
        except DoesNotExist:
            return PostFigures(post_id)

    def of_posts(self, post_ids: Iterable[str]) -> dict[str, PostFigures]:
        """The same of many posts, each by its id; what nobody has measured is absent."""
        keys = [(post_id, FIGURES) for post_id in post_ids]
        return {item.pk: _measured(item) for item in FiguresItem.batch_get(keys)}

    def change(
        self,
        post_id: str,
        change: Callable[[PostFigures], PostFigures],
        at: datetime,
        seen: PostFigures | None = None,
    ) -> PostFigures:
        """What `change` makes of a post's figures, kept; from `seen` when that is still so. Nothing is
        written when nothing changes. `at`: when it happened. Raises Transient when others were always
        quicker."""
        for attempt in range(TRIES):
            before = seen or self.find(post_id)
            after = change(before)
            if after == before:
                return before
            after = replace(after, rev=before.rev + 1)
            try:
                _item(before, after, at).save(
                    condition=FiguresItem.rev == before.rev if before.rev else FiguresItem.pk.does_not_exist()
                )
            except PutError as refused:
                if refused.cause_response_code != REFUSED:
                    raise
                seen = None
                time.sleep(random.uniform(0, SHORTEST_PAUSE_S * 2**attempt))
            else:
                return after
        raise Transient

    def keep(
        self, post_id: str, snapshot: Snapshot, published_at: datetime | None, *, handed_in: bool = True
    ) -> None:
        """Adds to the history; of one slot the newest measurement stays. `handed_in`: whether somebody has
        handed the post in, or its history goes as its figures do."""
        begin = slot(published_at or snapshot.at, snapshot.at)
        item = SnapshotItem(
            post_id,
            f"{SNAPSHOT}{snapshot.grade}#{rfc3339(begin)}",
            at=rfc3339(snapshot.at),
            figures=json.dumps(dict(snapshot.figures)),
            by=snapshot.by or None,
            screenshot=snapshot.screenshot or None,
        )
        if not handed_in:
            item.expires = int(snapshot.at.timestamp()) + KEPT_WITHOUT_A_POST_S
        try:
            item.save(condition=SnapshotItem.pk.does_not_exist() | (SnapshotItem.at <= item.at))
        except PutError as refused:
            if refused.cause_response_code != REFUSED:
                raise

    def history(self, post_id: str) -> list[Snapshot]:
        """All snapshots of a post, oldest first."""
        found = []
        for item in SnapshotItem.query(post_id, SnapshotItem.sk.startswith(SNAPSHOT)):
            grade = next(grade for grade in GRADES if item.sk.startswith(f"{SNAPSHOT}{grade}#"))
            at, told = parse_rfc3339(item.at), json.loads(item.figures)
            found.append(Snapshot(grade, at, told, item.by or "", item.screenshot or ""))
        return sorted(found, key=lambda one: one.at)


def _item(before: PostFigures, after: PostFigures, at: datetime) -> FiguresItem:
    """The whole item. Its event tells which grade has new numbers, of a post that was handed in."""
    item = FiguresItem(after.post_id, FIGURES, rev=after.rev, figures=_packed(after))
    item.platform, item.ask = after.platform or None, after.ask or None
    item.published_at, item.gone_since = _written(after.published_at), _written(after.gone_since)
    item.screenshot, item.learned = after.screenshot or None, after.learned or None
    item.misses, item.closed = after.misses or None, after.closed or None
    if after.platform and after.due_at:
        item.due_key, item.due_at = after.platform, rfc3339(after.due_at)
    if not after.platform and not after.closed:
        item.expires = int(at.timestamp()) + KEPT_WITHOUT_A_POST_S
    changed = [grade for grade in GRADES if numbers(before.of(grade)) != numbers(after.of(grade))]
    if after.platform and changed:
        item.event = raise_event(
            PostMeasured(post_id=after.post_id, platform=after.platform, grade=changed[0]), at
        )
    return item


def _packed(known: PostFigures) -> str:
    return json.dumps(
        {
            grade: {metric: [rfc3339(value.at), value.number] for metric, value in known.of(grade).items()}
            for grade in GRADES
        }
    )


def _measured(item: FiguresItem) -> PostFigures:
    packed: dict[str, Any] = json.loads(item.figures or "{}")
    return PostFigures(
        post_id=item.pk,
        rev=int(item.rev or 0),
        verified=_unpacked(packed.get("verified", {})),
        declared=_unpacked(packed.get("declared", {})),
        screenshot=item.screenshot or "",
        gone_since=_read(item.gone_since),
        platform=item.platform or "",
        ask=item.ask or "",
        published_at=_read(item.published_at),
        due_at=_read(item.due_at),
        misses=int(item.misses or 0),
        learned=item.learned or "",
        closed=bool(item.closed),
    )


def _unpacked(figures: Mapping[str, Any]) -> Figures:
    return {metric: Value(parse_rfc3339(at), number) for metric, (at, number) in figures.items()}  # type: ignore[misc]


def _written(at: datetime | None) -> str | None:
    return rfc3339(at) if at else None


def _read(text: str | None) -> datetime | None:
    return parse_rfc3339(text) if text else None
