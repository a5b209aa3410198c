"""The rules of a post: whose it is, for which campaign it counts, whether it says who paid. No I/O."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from chalicelib.shapes import View

Answer = Literal["yes", "no", "not_known"]
State = Literal["matched", "not_matched", "removed", "withdrawn"]
STATES: tuple[State, ...] = get_args(State)


class Post(View):
    """One post of one platform, counted once, however often and by whomever it was handed in."""

    id: str
    """Ours, made of platform and the platform's id: two hand-ins of one post meet in it."""
    rev: int
    platform: str
    native_id: str
    """The platform's own id as its link carries it; empty once its person has left."""
    url: str
    """The link in its canonical form; empty once its person has left."""
    api_id: str = ""
    """The id under which the platform's API knows it, where that is another one than the link's and was
    told."""
    person: str = ""
    """The influencer whose post it is."""
    owner_department: str = ""
    """The department whose own handle published it, when no influencer did."""
    area_path: tuple[str, ...] = ()
    """Where its person lived when it was handed in."""
    handed_in_at: datetime
    evidence: str
    """The hand-in that came first."""
    account: str = ""
    """Whose post the link or the platform says it is: a canonical handle."""
    matched: Answer = "not_known"
    """Whether `account` is its person's handle."""
    matched_by: Literal["", "link", "platform", "staff"] = ""
    """Who said so. A platform's word beats a link's, a member of staff's both."""
    campaign: str = ""
    campaign_by: Literal["", "given", "latest", "staff"] = ""
    campaign_department: str = ""
    candidates: tuple[str, ...] = ()
    """Campaigns that it may belong to, while nobody has said which."""
    compensation: Literal["", "none", "paid", "in_kind"] = ""
    """The campaign's."""
    published_at: datetime | None = None
    removed_at: datetime | None = None
    withdrawn_at: datetime | None = None
    """Since when its person has left: figures stay, link and person are gone."""

    @property
    def state(self) -> State:
        if self.withdrawn_at:
            return "withdrawn"
        if self.removed_at:
            return "removed"
        return "matched" if self.matched == "yes" else "not_matched"

    @property
    def counts(self) -> bool:
        """Whether it counts for its campaign: it is surely its person's."""
        return bool(self.campaign) and self.matched == "yes"

    @property
    def departments(self) -> frozenset[str]:
        """Whose it is, among departments: its own handle's, and the campaign's."""
        return frozenset({self.owner_department, self.campaign_department} - {""})

    def changed(self, **changes: object) -> Post:
        """The post with `changes`, one revision on."""
        return self.model_copy(update={"rev": self.rev + 1, **changes})
