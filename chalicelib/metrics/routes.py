"""Posts: handed in by creators and staff, listed, decided on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from chalicelib import wiring
from chalicelib.http import CREATOR, Api, Request, next_cursor, read_cursor
from chalicelib.links import LONGEST
from chalicelib.metrics.disclosure import LONGEST as LONGEST_TEXT
from chalicelib.metrics.disclosure import Disclosed
from chalicelib.metrics.model import Answer, Decision, Outcome, Post, State, Wanted
from chalicelib.shapes import Strict, View

api = Api("metrics")

Id = Annotated[str, Field(max_length=60)]
Platform = Literal["facebook", "instagram", "x", "youtube", "whatsapp", "telegram"]
NOTHING_SAID = "Say for which campaign the post is, or whether it is its person's."


class PostBody(Strict):
    """A post by its link. `text`: its words, pasted, where its platform tells nobody."""

    url: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    campaign: Id = ""
    """Empty: the campaign that reached its person last."""
    text: Annotated[str, Field(max_length=LONGEST_TEXT)] = ""


class StaffPostBody(PostBody):
    influencer: Id = ""
    """Whose post it is, or else"""
    department: Id = ""
    """the department that published it on its own handle."""


class DecisionBody(Strict):
    campaign: Id | None = None
    """Empty: it is for no campaign."""
    matched: bool | None = None
    """Whether it was published by its person."""
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]

    @model_validator(mode="after")
    def _says_something(self) -> DecisionBody:
        if self.campaign is None and self.matched is None:
            raise PydanticCustomError("missing", NOTHING_SAID, {"sentence": NOTHING_SAID})
        return self


class PostsQuery(Strict):
    campaign: Id = ""
    area: Id = ""
    platform: Platform | None = None
    person: Id = ""
    state: State | None = None
    undecided: bool = False
    """Only those that may be for more than one campaign."""
    limit: Annotated[int, Field(ge=1, le=100)] = 25
    cursor: str | None = None


class MyQuery(Strict):
    limit: Annotated[int, Field(ge=1, le=100)] = 25
    cursor: str | None = None


class PostView(View):
    """A post as creators and staff see it. `outcome` belongs to a hand-in: `new`, `known` (handed in before
    by the same), `taken` (by somebody else)."""

    id: str
    platform: str
    url: str
    state: State
    handed_in_at: datetime
    account: str
    """Whose post its link says it is; empty where it does not."""
    matched: Answer
    matched_by: str
    campaign: str
    campaign_by: str
    """`given` by its creator, `latest` that reached them, or said by `staff`."""
    candidates: list[str]
    counts: bool
    """Whether it counts for its campaign."""
    disclosed: Disclosed
    disclosed_by: str
    """`platform`, or `stated` by its creator."""
    published_at: datetime | None
    removed_at: datetime | None
    outcome: str = ""


class StaffPostView(PostView):
    influencer: str
    department: str
    """Of a department's own handle."""
    area_path: list[str]
    others: int
    """How many others say that it is theirs."""
    decided_by: str
    reason: str


class PostList(View):
    items: list[StaffPostView]
    next: str | None = None


class MyPostList(View):
    items: list[PostView]
    next: str | None = None


@api.post(
    "/v1/posts",
    allow="post.write",
    body=StaffPostBody,
    answer=StaffPostView,
    status=201,
    summary="Hand in a post for an influencer, or for a department's own handle",
)
def submit(request: Request, body: StaffPostBody) -> StaffPostView:
    return _staff_view(wiring.posts().submit(request.principal, **dict(body)))


@api.get(
    "/v1/posts",
    allow="post.read",
    query=PostsQuery,
    answer=PostList,
    summary="Posts, the newest hand-in first",
)
def posts(request: Request, query: PostsQuery) -> PostList:
    wanted = Wanted(
        query.campaign, query.person, query.area, query.platform or "", query.state or "", query.undecided
    )
    found, after = wiring.posts().listed(request.principal, wanted, query.limit, read_cursor(request))
    return PostList(items=[_staff_view(post) for post in found], next=next_cursor(request, after))


@api.get("/v1/posts/{post_id}", allow="post.read", answer=StaffPostView, summary="One post")
def post(request: Request, post_id: str) -> StaffPostView:
    return _staff_view(wiring.posts().get(request.principal, post_id))


@api.post(
    "/v1/posts/{post_id}/decision",
    allow="post.write",
    body=DecisionBody,
    answer=StaffPostView,
    summary="Say for which campaign a post is, or whether it is its person's",
)
def decide(request: Request, post_id: str, body: DecisionBody) -> StaffPostView:
    decision = Decision(body.reason, body.campaign, body.matched)
    return _staff_view(wiring.posts().decide(request.principal, post_id, decision))


@api.post(
    "/v1/me/posts",
    allow=CREATOR,
    body=PostBody,
    answer=PostView,
    status=201,
    summary="Hand in one's own post",
)
def submit_mine(request: Request, body: PostBody) -> PostView:
    outcome = wiring.posts().submit_mine(
        request.principal.id, body.url, campaign=body.campaign, text=body.text
    )
    return _own_view(outcome, request.principal.id)


@api.get("/v1/me/posts", allow=CREATOR, query=MyQuery, answer=MyPostList, summary="One's own posts")
def my_posts(request: Request, query: MyQuery) -> MyPostList:
    person = request.principal.id
    found, after = wiring.posts().mine(person, query.limit, read_cursor(request))
    return MyPostList(items=[_own_view(post, person) for post in found], next=next_cursor(request, after))


def _staff_view(shown: Post | Outcome) -> StaffPostView:
    post = shown.post if isinstance(shown, Outcome) else shown
    more = {"influencer": post.person, "department": post.owner_department, "others": len(post.others)}
    facts = _facts(shown) | more
    return StaffPostView.model_validate(
        facts | {"area_path": post.area_path, "decided_by": post.decided_by, "reason": post.reason}
    )


def _own_view(shown: Post | Outcome, person: str) -> PostView:
    """A post as its creator sees it; of somebody else's they learn that it was handed in, and no more."""
    facts = _facts(shown)
    post = shown.post if isinstance(shown, Outcome) else shown
    if post.person != person:
        hidden = {"campaign": "", "campaign_by": "", "candidates": [], "counts": False, "account": ""}
        facts |= hidden | {"matched": "not_known", "matched_by": "", "state": "not_matched"}
        facts |= {"disclosed": "not_known", "disclosed_by": "", "handed_in_at": wiring.clock().now()}
    return PostView.model_validate(facts)


def _facts(shown: Post | Outcome) -> dict[str, object]:
    post = shown.post if isinstance(shown, Outcome) else shown
    same = PostView.model_fields.keys() - {"candidates", "disclosed_by", "outcome"}
    return {name: getattr(post, name) for name in same} | {
        "candidates": list(post.candidates),
        "disclosed_by": post.words.by if post.words else "",
        "outcome": shown.what if isinstance(shown, Outcome) else "",
    }
