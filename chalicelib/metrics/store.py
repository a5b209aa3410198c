"""Posts in the table `posts`.

    pk                  sk     what                                                     index
    pst_<keyed hash>    post   the post as JSON; `rev`, `event` for the outbox;         by_time, by_campaign,
                                                                                        by_person
    pst_<keyed hash>    told   what its platform told, whoever hands it in; `expires`
    pst_<keyed hash>    alias  the post that this other id of the platform's means
    pst_<keyed hash>    figures, snapshot#…           its figures: snapshots.py                         due

A post's id is a keyed hash of its platform and the platform's own id: one conditional write says who had it
first, and after its person has left nobody can tell from it which post it was.
Index `by_time` (type, at): all posts by the time of the hand-in. `by_campaign` (campaign, at) and `by_person`
(person, at; a department's own lie there under `department#<id>`), sparse: nothing lies there without a
campaign or holder. `due` (due_key, due_at), sparse: what is to be asked for figures.

Access, in request units (a post is under 1 KB):
    hand in           1 write and an entry in up to three indexes (4 w); a second hand-in 1 w (refused), 1 r
    change            1 write with its condition, and its index entries
    one post          1 r, consistent
    news of a post    2 r, 1 w (told), and a change when it was handed in
    lists, report     1 query a page of an index: 0.5 r for 4 KB; filters run in the service
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PutError, TransactWriteError, UpdateError
from pynamodb.expressions.update import Action
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.transactions import TransactWrite

from chalicelib.clock import rfc3339
from chalicelib.errors import Transient
from chalicelib.events.catalog import Event
from chalicelib.events.outbox import raise_event
from chalicelib.metrics.model import Post, Told
from chalicelib.metrics.snapshots import watch
from chalicelib.tables import Table, TableName, failed_conditions, is_passing, write_together

REFUSED = "ConditionalCheckFailedException"
POST, TOLD, ALIAS = "post", "told", "alias"
TOLD_KEPT_S = 90 * 24 * 3600
"""How long what a platform told is kept for a post that nobody hands in."""
Position = dict[str, Any]
List = Literal["by_time", "by_campaign", "by_person"]


class ByTime(GlobalSecondaryIndex["PostItem"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "by_time"
        projection = AllProjection()

    type = UnicodeAttribute(hash_key=True)
    at = UnicodeAttribute(range_key=True)


class ByCampaign(GlobalSecondaryIndex["PostItem"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "by_campaign"
        projection = AllProjection()

    campaign = UnicodeAttribute(hash_key=True)
    at = UnicodeAttribute(range_key=True)


class ByPerson(GlobalSecondaryIndex["PostItem"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "by_person"
        projection = AllProjection()

    person = UnicodeAttribute(hash_key=True)
    at = UnicodeAttribute(range_key=True)


class PostItem(Table):
    class Meta:
        table_name = TableName("posts")

    by_time = ByTime()
    by_campaign = ByCampaign()
    by_person = ByPerson()
    body = UnicodeAttribute()
    rev = NumberAttribute()
    event = UnicodeAttribute(null=True)
    type = UnicodeAttribute()
    at = UnicodeAttribute()
    campaign = UnicodeAttribute(null=True)
    person = UnicodeAttribute(null=True)


class ToldItem(Table):
    class Meta:
        table_name = TableName("posts")

    body = UnicodeAttribute(null=True)
    times = NumberAttribute(null=True)
    post = UnicodeAttribute(null=True)
    expires = NumberAttribute()


@dataclass(frozen=True)
class PostStore:
    """Reads and writes posts. `keyed_hash` stands for a platform's id in keys."""

    keyed_hash: Callable[[str], str]
    tells_figures: Callable[[str], bool] = lambda platform: True
    """Whether a platform can be asked for figures."""

    def id_of(self, platform: str, native_id: str) -> str:
        """Our id of the post that a platform calls so."""
        return f"pst_{self.keyed_hash(f'post {platform} {native_id}')[:32]}"

    def add(self, post: Post, event: Event) -> bool:
        """Keeps a post that nobody handed in before, to be measured from now on; False when somebody did."""
        item = PostItem(post.id, POST, type=POST, at=rfc3339(post.handed_in_at), **_facts(post))
        item.event = raise_event(event, post.handed_in_at)
        try:
            with write_together() as transaction:
                transaction.save(item, condition=PostItem.pk.does_not_exist())
                watch(transaction, post, asked=self.tells_figures(post.platform))
        except TransactWriteError as error:
            if failed_conditions(error):
                return False
            raise Transient from error if is_passing(error) else error
        return True

    def find(self, post_id: str) -> Post | None:
        """The post, read consistently."""
        try:
            return _post(PostItem.get(post_id, POST, consistent_read=True))
        except DoesNotExist:
            return None

    def change(self, after: Post, event: Event | None, at: datetime) -> bool:
        """Writes a post's new state over the one before it; False when another writer was quicker. What its
        item holds of figures stays."""
        try:
            PostItem(after.id, POST).change(_actions(after, event, at), PostItem.rev == after.rev - 1)
        except UpdateError as refused:
            if refused.cause_response_code != REFUSED:
                raise
            return False
        return True

    def write_change(
        self, transaction: TransactWrite, after: Post, event: Event | None, at: datetime
    ) -> None:
        """Adds the same to a transaction."""
        item = PostItem(after.id, POST)
        transaction.update(item, actions=_actions(after, event, at), condition=PostItem.rev == after.rev - 1)

    # --- what platforms told

    def place(self, platform: str, native_id: str) -> str:
        """Our id of the post that a platform's API calls so, by whatever id its link carries."""
        own = self.id_of(platform, native_id)
        try:
            return str(ToldItem.get(own, ALIAS, consistent_read=True).post)
        except DoesNotExist:
            return own

    def name_also(self, platform: str, api_id: str, post_id: str, now: float) -> None:
        """Keeps that the platform's API calls this post so."""
        item = ToldItem(self.id_of(platform, api_id), ALIAS, post=post_id, expires=int(now + TOLD_KEPT_S))
        item.save()

    def told(self, post_id: str) -> tuple[Told, int]:
        """What a platform has told of a post, and how often: nothing, 0 times, when it has not."""
        try:
            item = ToldItem.get(post_id, TOLD, consistent_read=True)
        except DoesNotExist:
            return Told(), 0
        return Told.model_validate_json(item.body or "{}"), int(item.times or 0)

    def keep_told(self, post_id: str, told: Told, times: int, now: float) -> bool:
        """Keeps what is told now, over what was read when it had been told `times - 1` times; False when
        another writer was quicker."""
        item = ToldItem(post_id, TOLD, body=told.model_dump_json(exclude_defaults=True), times=times)
        item.expires = int(now + TOLD_KEPT_S)
        before = ToldItem.pk.does_not_exist() if times == 1 else ToldItem.times == times - 1
        try:
            item.save(condition=before)
        except PutError as refused:
            if refused.cause_response_code != REFUSED:
                raise
            return False
        return True

    def forget(self, before: Post, after: Post) -> bool:
        """Writes a post whose person has left, and takes away what its platform told; False when another
        writer was quicker."""
        try:
            with write_together() as transaction:
                self.write_change(transaction, after, None, after.handed_in_at)
                transaction.delete(ToldItem(after.id, TOLD))
                if before.api_id:
                    transaction.delete(ToldItem(self.id_of(before.platform, before.api_id), ALIAS))
        except TransactWriteError as error:
            if failed_conditions(error):
                return False
            raise Transient from error if is_passing(error) else error
        return True

    def listed(
        self, index: List, key: str, after: Position | None, page: int
    ) -> Iterator[tuple[Post, Position]]:
        """Posts of one campaign or holder, or all (`key` is then `post`), newest first, behind the place
        `after`; each with its own place."""
        name = {"by_time": "type", "by_campaign": "campaign", "by_person": "person"}[index]
        rows = getattr(PostItem, index).query(
            key, last_evaluated_key=after, page_size=page, scan_index_forward=False
        )
        for item in rows:
            place = {"pk": item.pk, "sk": item.sk, name: key, "at": item.at}
            yield _post(item), {part: {"S": value} for part, value in place.items()}


def _facts(post: Post) -> dict[str, Any]:
    """All attributes that follow from the post."""
    return {
        "body": post.model_dump_json(exclude_defaults=True),
        "rev": post.rev,
        "campaign": post.campaign or None,
        "person": post.holder or None,
    }


def _actions(post: Post, event: Event | None, at: datetime) -> list[Action]:
    facts = _facts(post) | {"event": raise_event(event, at) if event else None}
    return [
        getattr(PostItem, name).remove() if value is None else getattr(PostItem, name).set(value)
        for name, value in facts.items()
    ]


def _post(item: PostItem) -> Post:
    return Post.model_validate_json(item.body)
