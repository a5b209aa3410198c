"""What is kept of a person's posts: for their export, and what goes when they leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.clock import rfc3339
from chalicelib.metrics.figures import Figures
from chalicelib.metrics.service import Posts
from chalicelib.metrics.snapshots import Snapshots, shown_of

AT_ONCE = 100


@dataclass(frozen=True)
class OwnPosts:
    """Implements ports.PersonalRecords."""

    posts: Posts
    snapshots: Snapshots
    link: Callable[[str], str]
    """An address at which a file of the bucket can be read for a while."""

    def held(
        self, person: str, after: Mapping[str, Any] | None = None
    ) -> tuple[list[dict[str, Any]], Mapping[str, Any] | None]:
        """Posts, the newest first, each with its newest figures and who says so: a step is 1 query and 1
        batch."""
        page, place = self.posts.mine(person, AT_ONCE, after)
        known = self.snapshots.of_posts(post.id for post in page)
        found = []
        for post in page:
            figures = known.get(post.id)
            found.append(
                {
                    "kind": "post",
                    "platform": post.platform,
                    "url": post.url,
                    "campaign": post.campaign,
                    "state": post.state,
                    "handed_in_at": rfc3339(post.handed_in_at),
                    "told_by_the_platform": _numbers(figures.verified) if figures else {},
                    "said_by_you": _numbers(figures.declared) if figures else {},
                    "pictures": [self.link(key) for key in shown_of(post.id)]
                    if figures and figures.declared
                    else [],
                }
            )
        return found, place

    def forget(self, person: str) -> bool:
        self.posts.forget(person)
        return True


def _numbers(figures: Figures) -> dict[str, int]:
    return {metric: value.number for metric, value in figures.items()}
