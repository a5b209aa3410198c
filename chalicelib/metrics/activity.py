"""How much somebody publishes, for the features that judge by it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile

from chalicelib.metrics.store import PostStore
from chalicelib.ports import KnownPost

PAGE = 100


@dataclass(frozen=True)
class Activity:
    """Implements ports.Activity."""

    store: PostStore

    def posts_since(self, person: str, since: datetime, most: int) -> list[KnownPost]:
        newest = (post for post, _ in islice(self.store.listed("by_person", person, None, PAGE), most))
        recent = takewhile(lambda post: post.handed_in_at >= since, newest)
        return [
            KnownPost(post.platform, post.account, post.told.published_at or post.handed_in_at)
            for post in recent
            if post.matched == "yes" and post.state == "matched"
        ]
