"""Posts: handed in by creators and staff, listed, decided on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib import wiring
from chalicelib.http import CREATOR, Again, Api, Request, next_cursor, read_cursor
from chalicelib.links import LONGEST
from chalicelib.metrics.disclosure import LONGEST as LONGEST_TEXT
from chalicelib.metrics.disclosure import Disclosed
from chalicelib.metrics.figures import GRADES, Grade, PostFigures
from chalicelib.metrics.form import DecisionBody, Id
from chalicelib.metrics.measuring import Declared
from chalicelib.metrics.model import (
    READ,
    WRITE,
    Answer,
    Decision,
    Ground,
    Outcome,
    Post,
    State,
    Wanted,
)
from chalicelib.metrics.model import Grade as MatchGrade
from chalicelib.metrics.service import covers
from chalicelib.shapes import Strict, View
from chalicelib.uploads import StaffUploadRequest, Upload, UploadRequest

api = Api("metrics")

Platform = Literal["facebook", "instagram", "x", "youtube", "whatsapp", "telegram"]


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
    matched_by: Ground
    """`link` or `platform`: the account in its link, or that its platform told; `proof`: that account was
    shown to be somebody else's; `staff`."""
    matched_grade: MatchGrade
    """Of a match by an account: `verified` where that was shown to be its person's, `stated` where it is only
    as they say; empty for staff's word, and where nothing matches."""
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


def _submitted(request: Request, kept: Mapping[str, Any]) -> StaffPostView:
    """The answer to a hand-in that comes again."""
    outcome = Outcome(kept["outcome"], wiring.posts().standing(kept["id"]))
    return _staff_view(outcome, hidden=not covers(request.principal, outcome.post, READ))


def _decided(request: Request, kept: Mapping[str, Any]) -> StaffPostView:
    return _staff_view(wiring.posts().get(request.principal, kept["id"]))


def _submitted_mine(request: Request, kept: Mapping[str, Any]) -> PostView:
    return _own_view(Outcome(kept["outcome"], wiring.posts().standing(kept["id"])), request.principal.id)


HANDED_IN = ("id", "outcome")


@api.post(
    "/v1/posts",
    allow="post.write",
    body=StaffPostBody,
    answer=StaffPostView,
    status=201,
    again=Again(HANDED_IN, _submitted),
    summary="Hand in a post for an influencer, or for a department's own handle",
)
def submit(request: Request, body: StaffPostBody) -> StaffPostView:
    outcome = wiring.posts().submit(request.principal, **dict(body))
    return _staff_view(outcome, hidden=not covers(request.principal, outcome.post, READ))


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
    again=Again(("id",), _decided),
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
    again=Again(HANDED_IN, _submitted_mine),
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


class FigureView(View):
    """One figure, and when it was measured."""

    number: int
    measured_at: datetime


class FiguresView(View):
    """What is known of a post's figures: as its platform told them (`verified`) and as its creator says
    (`declared`). A metric that is absent is no data, not 0."""

    id: str
    verified: dict[str, FigureView]
    declared: dict[str, FigureView]
    gone_since: datetime | None
    """Since when its platform does not show it (any more)."""
    asked_next: datetime | None
    """When its platform is asked for its figures; empty: never (again)."""


class SnapshotView(View):
    grade: Grade
    measured_at: datetime
    figures: dict[str, int]
    by: str
    """Who declared it."""


class StaffFiguresView(FiguresView):
    screenshot_url: str
    """What shows the newest declared figures, for a quarter of an hour; empty where nothing does."""
    history: list[SnapshotView]


@api.get(
    "/v1/posts/{post_id}/figures",
    allow="post.read",
    answer=StaffFiguresView,
    kept=False,
    summary="What is known of a post's figures, and how it came about",
)
def figures(request: Request, post_id: str) -> StaffFiguresView:
    wiring.posts().get(request.principal, post_id)
    return _all_figures(wiring.measuring().of_post(post_id))


@api.post(
    "/v1/posts/{post_id}/figures",
    allow="post.write",
    body=Declared,
    answer=FiguresView,
    summary="Note the figures that a creator says their post has, with a screenshot",
)
def declare(request: Request, post_id: str, body: Declared) -> FiguresView:
    post = wiring.posts().get(request.principal, post_id, WRITE)
    return _figures(wiring.measuring().declare(post, request.principal.id, body))


@api.post(
    "/v1/uploads",
    allow="upload.write",
    body=StaffUploadRequest,
    answer=Upload,
    status=201,
    kept=False,
    summary="A place in the bucket for one picture, video or PDF",
)
def upload(request: Request, body: StaffUploadRequest) -> Upload:
    return wiring.uploads().place(request.principal.id, body.content_type)


@api.get(
    "/v1/me/posts/{post_id}/figures",
    allow=CREATOR,
    answer=FiguresView,
    summary="What is known of the figures of one's own post",
)
def my_figures(request: Request, post_id: str) -> FiguresView:
    post = wiring.posts().own(request.principal.id, post_id)
    return _figures(wiring.measuring().of_post(post.id))


@api.post(
    "/v1/me/posts/{post_id}/figures",
    allow=CREATOR,
    body=Declared,
    answer=FiguresView,
    summary="Say what figures one's own post has, with a screenshot",
)
def declare_mine(request: Request, post_id: str, body: Declared) -> FiguresView:
    person = request.principal.id
    post = wiring.posts().own(person, post_id)
    return _figures(wiring.measuring().declare(post, person, body))


@api.post(
    "/v1/me/uploads",
    allow=CREATOR,
    body=UploadRequest,
    answer=Upload,
    status=201,
    kept=False,
    summary="A place in the bucket for one picture of one's own",
)
def upload_mine(request: Request, body: UploadRequest) -> Upload:
    return wiring.uploads().place(request.principal.id, body.content_type)


def _figures(known: PostFigures) -> FiguresView:
    return FiguresView.model_validate(_known(known))


def _all_figures(known: PostFigures) -> StaffFiguresView:
    measuring = wiring.measuring()
    history = [
        SnapshotView(grade=one.grade, measured_at=one.at, figures=dict(one.figures), by=one.by)
        for one in measuring.history(known.post_id)
    ]
    return StaffFiguresView.model_validate(
        _known(known) | {"history": history, "screenshot_url": measuring.link(known.screenshot)}
    )


def _known(known: PostFigures) -> dict[str, object]:
    by_grade: dict[str, object] = {
        grade: {m: {"number": one.number, "measured_at": one.at} for m, one in known.of(grade).items()}
        for grade in GRADES
    }
    times = {"gone_since": known.gone_since, "asked_next": known.due_at}
    return {"id": known.post_id} | times | by_grade


def _staff_view(shown: Post | Outcome, *, hidden: bool = False) -> StaffPostView:
    """`hidden`: it was handed in before, and is not theirs to see."""
    post = shown.post if isinstance(shown, Outcome) else shown
    if hidden:
        none = {"influencer": "", "department": "", "area_path": [], "others": 0}
        return StaffPostView.model_validate(_veiled(shown) | none | {"decided_by": "", "reason": ""})
    more = {"influencer": post.person, "department": post.owner_department, "others": len(post.others)}
    facts = _facts(shown) | more
    return StaffPostView.model_validate(
        facts | {"area_path": post.area_path, "decided_by": post.decided_by, "reason": post.reason}
    )


def _own_view(shown: Post | Outcome, person: str) -> PostView:
    """A post as its creator sees it; of somebody else's they learn that it was handed in, and no more."""
    post = shown.post if isinstance(shown, Outcome) else shown
    return PostView.model_validate(_facts(shown) if post.person == person else _veiled(shown))


def _veiled(shown: Post | Outcome) -> dict[str, object]:
    """Of a post that was handed in before by others: that it was, and no more."""
    hidden = {"campaign": "", "campaign_by": "", "candidates": [], "counts": False, "account": ""}
    hidden |= {"matched_by": "", "matched_grade": ""}
    unknown = {"matched": "not_known", "disclosed": "not_known", "disclosed_by": ""}
    now = {"state": "not_matched", "handed_in_at": wiring.clock().now()}
    return _facts(shown) | hidden | unknown | now


def _facts(shown: Post | Outcome) -> dict[str, object]:
    post = shown.post if isinstance(shown, Outcome) else shown
    same = PostView.model_fields.keys() - {"candidates", "disclosed_by", "outcome"}
    return {name: getattr(post, name) for name in same} | {
        "candidates": list(post.candidates),
        "disclosed_by": post.words.by if post.words else "",
        "outcome": shown.what if isinstance(shown, Outcome) else "",
    }
