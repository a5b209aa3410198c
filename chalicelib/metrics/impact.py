"""What the posts of a campaign came to: counts, and sums of their figures, each grade apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chalicelib.clock import Clock
from chalicelib.metrics.figures import PostFigures, sums
from chalicelib.metrics.model import Post
from chalicelib.metrics.snapshots import Snapshots
from chalicelib.metrics.store import PostStore
from chalicelib.ports import CampaignPosts

KEPT_S = 30.0
"""How long sums are kept before they are read again: reports of a running campaign ask every few seconds."""
MOST_KEPT = 100
PAGE = 500


@dataclass
class Impact:
    """Implements ports.PostSums."""

    posts: PostStore
    figures: Snapshots
    clock: Clock
    _kept: dict[str, tuple[float, CampaignPosts]] = field(default_factory=dict)

    def of_campaign(
        self, campaign_id: str, within: Callable[[Sequence[str]], bool] | None = None
    ) -> CampaignPosts:
        if within is not None:
            return self._summed([post for post in self._of(campaign_id) if within(post.area_path)])
        now = self.clock.epoch()
        kept = self._kept.get(campaign_id)
        if kept is not None and 0 <= now - kept[0] < KEPT_S:
            return kept[1]
        made = self._summed(self._of(campaign_id))
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[campaign_id] = (now, made)
        return made

    def _of(self, campaign_id: str) -> list[Post]:
        return [post for post, _ in self.posts.listed("by_campaign", campaign_id, None, PAGE)]

    def _summed(self, found: list[Post]) -> CampaignPosts:
        counted = [post for post in found if post.counts]
        known = self.figures.of_posts(post.id for post in counted)
        measured = [known.get(post.id, PostFigures(post.id)) for post in counted]
        by_grade = sums(measured)
        return CampaignPosts(
            posts=len(counted),
            undecided=len(found) - len(counted),
            gone=sum(
                post.state == "removed" or figures.gone_since is not None
                for post, figures in zip(counted, measured, strict=True)
            ),
            by_platform=dict(sorted(Counter(post.platform for post in counted).items())),
            verified=by_grade["verified"],
            declared=by_grade["declared"],
            disclosed=dict(sorted(Counter(post.disclosed for post in counted).items())),
            matched=dict(sorted(Counter(post.matched_grade or "staff" for post in counted).items())),
        )
