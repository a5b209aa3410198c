"""What a campaign's posts came to: those that count, their figures by grade."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.events.catalog import PostSubmitted
from chalicelib.metrics.figures import Value
from chalicelib.metrics.impact import KEPT_S, Impact
from chalicelib.metrics.model import Post
from chalicelib.metrics.snapshots import Snapshots
from chalicelib.metrics.store import PostStore
from chalicelib.platforms.base import PostReading
from chalicelib.ports import CampaignPosts, MetricSum
from tests.dispatch.world import START, MovingClock
from tests.influencers.world import KnownSecrets

HOUR = timedelta(hours=1)


class World:
    def __init__(self) -> None:
        self.clock, self.figures = MovingClock(), Snapshots()
        self.posts = PostStore(KnownSecrets().keyed_hash)
        self.impact = Impact(self.posts, self.figures, self.clock)

    def add(self, native_id: str, platform: str = "youtube", **changes: object) -> str:
        facts: dict[str, object] = {
            "id": self.posts.id_of(platform, native_id),
            "rev": 1,
            "platform": platform,
            "native_id": native_id,
            "url": f"https://{platform}.example/{native_id}",
            "person": "inf_one",
            "campaign": "cmp_one",
            "matched": "yes",
            "handed_in_at": START,
            "evidence": native_id,
        }
        post = Post.model_validate(facts | changes)
        assert self.posts.add(post, PostSubmitted(post_id=post.id, platform=platform))
        return post.id

    def tell(self, post: str, views: int, hours: int = 0, grade: str = "verified") -> None:
        figures = {"views": Value(START + hours * HOUR, views)}
        self.figures.change(post, lambda known: known.told(grade, figures), START)  # type: ignore[arg-type]


@pytest.fixture
def world(tables: object) -> World:
    return World()


def test_posts_that_count_are_summed_and_the_others_are_told_apart(world):
    words = {"labels": ["ad"], "by": "stated"}
    first = world.add("v1", compensation="paid", stated=words, proven=True)
    second = world.add("v2", matched_by="link")
    world.add("t1", "x", matched_by="staff")
    unsure = world.add("v3", matched="not_known")
    other = world.add("v4", campaign="cmp_two")
    world.tell(first, 10)
    world.tell(second, 5, hours=2)
    world.tell(second, 700, grade="declared")
    for post in (unsure, other):
        world.tell(post, 1000)
    world.figures.change(first, lambda known: known.read(PostReading(gone=True), START + HOUR), START)
    assert world.impact.of_campaign("cmp_one") == CampaignPosts(
        posts=3,
        undecided=1,
        gone=1,
        by_platform={"x": 1, "youtube": 2},
        verified={"views": MetricSum(15, 2, START, START + 2 * HOUR)},
        declared={"views": MetricSum(700, 1, START, START)},
        disclosed={"not_known": 2, "yes": 1},
        matched={"staff": 1, "stated": 1, "verified": 1},
    )


def test_a_campaign_without_posts_has_none(world):
    assert world.impact.of_campaign("cmp_none") == CampaignPosts(0, 0, 0, {}, {}, {})


def test_sums_are_read_again_after_half_a_minute(world):
    post = world.add("v1")
    assert world.impact.of_campaign("cmp_one").verified == {}
    world.tell(post, 10)
    assert world.impact.of_campaign("cmp_one").verified == {}
    world.clock.move(KEPT_S)
    assert world.impact.of_campaign("cmp_one").verified["views"].total == 10
    assert world.impact.of_campaign("cmp_two").posts == 0


def test_more_posts_than_a_page_or_a_request_holds_are_all_counted(world):
    for n in range(205):
        world.tell(world.add(f"v{n}"), 1)
    found = world.impact.of_campaign("cmp_one")
    assert (found.posts, found.verified["views"].total, found.verified["views"].posts) == (205, 205, 205)
