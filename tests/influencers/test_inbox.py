"""What creators have got from us, on the engine's tables: campaigns, their words, every message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from chalice.test import Client

from chalicelib import http, wiring
from chalicelib.campaigns.correction import Correction
from chalicelib.campaigns.model import Content, post_faults, weight_of
from chalicelib.campaigns.store import CampaignStore
from chalicelib.dispatch.model import Fact
from chalicelib.dispatch.store import DispatchStore
from chalicelib.influencers.model import ReviewRequest
from chalicelib.metrics.snapshots import Snapshots
from chalicelib.tables import write_together
from tests.influencers.sent import ORGANISATION, POSTS, WORDS, campaign, put, sent
from tests.influencers.test_routes import Api, KnownStaff, joined
from tests.influencers.test_sign_in import signed_in
from tests.influencers.world import ADMIN
from tests.pages.test_my_page import Creator, creator

__all__ = ["creator"]

AT = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)
A, B, C = ("cmp_aaaaaaaaaaaaaaaa", "cmp_bbbbbbbbbbbbbbbb", "cmp_cccccccccccccccc")


@pytest.fixture
def api(prepared: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    import app

    monkeypatch.setattr(http._doors[0], "gate", KnownStaff)
    with Client(app.app) as client:
        yield Api(client)


def lately(days: int = 0) -> datetime:
    return AT + timedelta(days=20 - days)


def test_campaigns_are_listed_the_newest_first_each_once_page_by_page(api: Api) -> None:
    me = joined(api)
    token = signed_in(api)
    sent(me, A, lately(15))
    sent(me, B, lately(8), Fact.READ)
    sent(me, C, lately(0), Fact.ACCEPTED)
    status, first = api("GET", "/v1/me/campaigns?limit=2", who=token)
    assert (status, [one["id"] for one in first["items"]]) == (200, [C, B])
    _, rest = api("GET", f"/v1/me/campaigns?limit=2&cursor={first['next']}", who=token)
    assert ([one["id"] for one in rest["items"]], rest["next"]) == ([A], None)
    [message] = first["items"][1]["received"]
    assert (message["channel"], message["status"]) == ("telegram", "read")


def test_a_campaign_that_came_often_leaves_room_for_one_that_came_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.influencers.inbox.AT_ONCE", 3)
    me = joined(api)
    token = signed_in(api)
    for week in range(4):
        sent(me, A, lately(7 * week), number=week + 1)
    sent(me, B, lately(7 * 5))
    _, got = api("GET", "/v1/me/campaigns", who=token)
    assert [one["id"] for one in got["items"]] == [A, B]


def test_what_did_not_reach_somebody_is_no_campaign_of_theirs_and_stands_among_messages(api: Api) -> None:
    me = joined(api)
    token = signed_in(api)
    sent(me, A, lately(1), Fact.FAILED)
    sent(me, B, lately(1), Fact.NOT_SENT)
    sent(me, C, lately(1), Fact.CLOSED)  # claimed, and nothing known yet
    assert api("GET", "/v1/me/campaigns", who=token)[1]["items"] == []
    _, messages = api("GET", "/v1/me/messages", who=token)
    assert {(one["campaign"], one["status"]) for one in messages["items"]} == {(A, "failed"), (C, "planned")}
    assert api("GET", f"/v1/me/campaigns/{A}", who=token)[0] == 404


def test_another_persons_campaign_is_not_there(api: Api) -> None:
    joined(api)
    token = signed_in(api)
    sent("inf_bbbbbbbbbbbbbbbb", A, lately(1))
    assert api("GET", "/v1/me/campaigns", who=token)[1]["items"] == []
    assert api("GET", f"/v1/me/campaigns/{A}", who=token)[0] == 404
    assert api("GET", "/v1/me/messages", who=token)[1]["items"] == []


def test_a_campaign_shows_its_message_and_what_may_be_published_with_its_disclosure(api: Api) -> None:
    me = joined(api)
    token = signed_in(api)
    sent(me, A, lately(1), posts=POSTS)
    _, one = api("GET", f"/v1/me/campaigns/{A}", who=token)
    assert one["words"].startswith("सुनीता देवी, कल टीका है। https://x.test/teeka")
    assert one["posts"]["instagram"].startswith("कल टीका है। https://x.test/teeka\n\n")
    assert one["posts"]["x"].startswith("कल टीका। ")
    assert all(one["disclosure"] in text for text in one["posts"].values())
    assert "https://x.test/teeka" in one["posts"]["x"]
    assert one["posts"]["facebook"].startswith(
        "साथियो, कल टीका है।"
    )  # what serves a group, where none is written


def test_what_is_withdrawn_or_over_is_shown_as_such_and_offered_to_nobody(api: Api) -> None:
    me = joined(api)
    token = signed_in(api)
    sent(me, A, lately(1), status="cancelled")
    before = campaign(A, lately(1))
    _, one = api("GET", f"/v1/me/campaigns/{A}", who=token)
    assert (one["over"], one["posts"]) == (True, {})
    put(before.model_copy(update={"rev": 2, "withdrawn_at": lately(0)}))
    _, one = api("GET", f"/v1/me/campaigns/{A}", who=token)
    assert (one["withdrawn"], one["posts"], one["words"][:11]) == (True, {}, "सुनीता देवी")


def test_after_a_correction_its_words_are_offered_and_the_old_posts_are_gone(api: Api) -> None:
    me = joined(api)
    token = signed_in(api)
    sent(me, A, lately(1), posts=POSTS)
    put(campaign(A, lately(1), posts=POSTS).model_copy(update={"rev": 2, "corrections": 1}))
    told = {"telegram": {"hi": {"text": "सुधार: टीका परसों है।"}}}
    made = {"campaign_id": A, "number": 1, "rev": 1, "purpose": "correction", "status": "approved"}
    made |= {"messages": told, "reason": "x", "author": "usr_editor", "proposed_at": lately(0)}
    with write_together() as transaction:
        CampaignStore().put_correction(transaction, Correction.model_validate(made))
    _, one = api("GET", f"/v1/me/campaigns/{A}", who=token)
    assert one["corrected"]
    assert {text.split("\n")[0] for text in one["posts"].values()} == {"सुधार: टीका परसों है।"}


def test_codes_and_notices_are_told_with_what_became_of_them(api: Api) -> None:
    me = joined(api)
    token = signed_in(api)
    store, at = DispatchStore(), lately(0).timestamp()
    for key, outcome, released in (("welcome#e", "accepted", False), ("code#n", "released", True)):
        store.claim_service(me, key, "t", at)
        store.service_outcome(me, key, "t", outcome, released=released, channel="whatsapp")
    _, messages = api("GET", "/v1/me/messages", who=token)
    assert [(one["kind"], one["outcome"], one["channel"]) for one in messages["service"]] == [
        ("welcome", "accepted", "whatsapp")
    ]


# --- posts in a campaign


def test_a_post_counts_as_its_platform_counts_it() -> None:
    assert weight_of("टीका https://x.test/a-very-long-path-indeed", "x") == 5 + 23 - 0
    assert weight_of("😀", "x") == 2
    words = Content.model_validate(WORDS | {"posts": {"hi": {"x": "क" * 260}}})
    assert [(one.field, one.code) for one in post_faults(words, ORGANISATION)] == [
        ("posts.hi.x", "post_too_long")
    ]
    assert post_faults(Content.model_validate(WORDS | {"posts": POSTS}), "N") == []


def test_a_post_has_no_name_of_a_person(api: Api) -> None:
    from chalicelib.campaigns.model import faults

    words = Content.model_validate(WORDS | {"posts": {"hi": {"x": "{name} {nonsense} {link}"}}})
    assert [(one.field, one.params["name"]) for one in faults(words, "public_body")] == [
        ("posts.hi.x", "name"),
        ("posts.hi.x", "nonsense"),
    ]


# --- pages


def approved(creator: Creator) -> str:
    creator.sign_in()
    [(person, _)] = wiring._people_store().listed("pending_review", "", None, 1)
    wiring.register().review(ADMIN, person.id, ReviewRequest(decision="approve"))
    return person.id


def test_a_creators_first_page_leads_to_the_latest_campaign_and_its_text(creator: Creator) -> None:
    me = approved(creator)
    assert "Nothing has been sent to you yet." in creator.get("/me/campaigns?lang=en")
    sent(me, A, lately(0), posts=POSTS)
    for page in ("/me", "/me/campaigns"):
        assert f'href="/me/campaigns/{A}?lang=en"' in creator.get(f"{page}?lang=en")
    shown = creator.get(f"/me/campaigns/{A}?lang=en")
    assert "कल टीका है। https://x.test/teeka" in shown
    assert 'href="https://wa.me/?text=' in shown
    assert 'href="https://x.com/intent/post?text=%E0%A4' in shown
    assert "arrived" in creator.get("/me/messages?lang=en")


def test_a_post_is_handed_in_for_the_campaign_on_its_page_and_its_figures_are_told_apart(
    creator: Creator,
) -> None:
    me = approved(creator)
    sent(me, A, lately(0), posts=POSTS)
    status, wrong = creator.post("/me/posts?lang=en", url="nonsense", campaign=A)
    assert (status, 'aria-invalid="true"' in wrong, "टीके का दिन" in wrong) == (422, True, True)
    link = "https://www.instagram.com/sunita.devi/p/DAbc12345/"
    status, shown = creator.post("/me/posts?lang=en", url=link, campaign=A)
    assert (status, "is noted for the campaign" in shown) == (200, True)
    assert "No figures yet" in shown
    [post], _ = wiring.posts().mine(me, 5, None)
    assert (post.campaign, post.campaign_by) == (A, "given")
    from chalicelib.metrics.figures import measured

    for grade, likes in (("verified", 1234567), ("declared", 99)):
        told = measured({"likes": likes}, lately(0))
        Snapshots().change(post.id, lambda now, g=grade, f=told: now.told(g, f), lately(0))  # type: ignore[misc]
    shown = creator.get(f"/me/campaigns/{A}?lang=en")
    assert "Likes: 12,34,567" in shown and "Likes: 99" in shown
    assert shown.index("As the platform tells") < shown.index("12,34,567") < shown.index("As you have said")


def test_a_campaign_of_nobody_is_not_found(creator: Creator) -> None:
    approved(creator)
    assert creator.site.get(f"/me/campaigns/{A}?lang=en", cookie=creator.cookie).status_code == 404
    status, _ = creator.post("/me/posts?lang=en", url="https://youtu.be/dQw4w9WgXcQ", campaign=A)
    assert status in (404, 422)


def test_hostile_words_of_a_campaign_are_shown_as_words(creator: Creator) -> None:
    me = approved(creator)
    hostile = "<script>alert(1)</script>\u202e\"' {link}"
    sent(me, A, lately(0), title="<b>x</b>", posts={"hi": {"whatsapp": hostile}})
    shown = creator.get(f"/me/campaigns/{A}?lang=en")
    assert "<script>alert" not in shown and "<b>x</b>" not in shown
    assert re.search(r"wa\.me/\?text=%3Cscript%3E", shown)
