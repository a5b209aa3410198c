"""Posts in the table: each once, changes one at a time, lists newest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.events.catalog import PostSubmitted
from chalicelib.events.outbox import entry_of
from chalicelib.metrics.model import Post
from chalicelib.metrics.store import PostItem, PostStore
from tests.influencers.world import KnownSecrets

NOON = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)


@pytest.fixture
def store(tables: object) -> PostStore:
    return PostStore(KnownSecrets().keyed_hash)


def a_post(store: PostStore, native_id: str = "dQw4w9WgXcQ", **changes: object) -> Post:
    facts: dict[str, object] = {
        "id": store.id_of("youtube", native_id),
        "rev": 1,
        "platform": "youtube",
        "native_id": native_id,
        "url": f"https://www.youtube.com/watch?v={native_id}",
        "person": "inf_one",
        "handed_in_at": NOON,
        "evidence": "x",
    }
    return Post.model_validate(facts | changes)


def submitted(post: Post) -> PostSubmitted:
    return PostSubmitted(post_id=post.id, platform=post.platform)


def test_a_post_is_kept_for_whoever_handed_it_in_first(store: PostStore) -> None:
    first, second = a_post(store), a_post(store, person="inf_two")
    assert store.add(first, submitted(first))
    assert not store.add(second, submitted(second))
    assert store.find(first.id) == first


def test_an_id_tells_nothing_of_the_post_and_differs_by_platform(store: PostStore) -> None:
    assert store.id_of("youtube", "1") != store.id_of("x", "1")
    assert PostStore(lambda text: text[::-1]).id_of("x", "1") != store.id_of("x", "1")


def test_a_change_holds_only_over_the_state_that_was_read(store: PostStore) -> None:
    post = a_post(store, campaign="cmp_one")
    store.add(post, submitted(post))
    after = post.changed(person="", campaign="cmp_two")
    assert store.change(after, submitted(after), NOON)
    assert not store.change(post.changed(matched="yes"), None, NOON)
    assert store.find(post.id) == after
    assert list(store.listed("by_person", "inf_one", None, 10)) == []
    assert [one for one, _ in store.listed("by_campaign", "cmp_two", None, 10)] == [after]


def test_lists_are_newest_first_and_go_on_behind_a_place(store: PostStore) -> None:
    posts = [a_post(store, f"{n:011}", handed_in_at=NOON + timedelta(minutes=n)) for n in range(5)]
    for post in posts:
        store.add(post, submitted(post))
    listed = list(store.listed("by_time", "post", None, 2))
    assert [post for post, _ in listed] == posts[::-1]
    assert [post for post, _ in store.listed("by_time", "post", listed[2][1], 2)] == posts[1::-1]
    mine = list(store.listed("by_person", "inf_one", None, 2))
    assert [post for post, _ in store.listed("by_person", "inf_one", mine[1][1], 2)] == posts[2::-1]


def test_a_new_post_carries_its_event_and_a_figure_raises_none(store: PostStore) -> None:
    post = a_post(store)
    store.add(post, submitted(post))
    item = PostItem.get(post.id, "post")
    image = {"pk": {"S": item.pk}, "sk": {"S": item.sk}, "rev": {"N": "1"}, "event": {"S": item.event}}
    entry = entry_of({"dynamodb": {"NewImage": image}})
    assert entry is not None
    assert (entry.name, entry.data["post_id"]) == ("post.submitted", post.id)
    assert entry_of({"dynamodb": {"NewImage": image, "OldImage": image}}) is None
