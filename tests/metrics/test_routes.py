"""Posts over HTTP, for creators and for staff."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib import http, wiring
from chalicelib.identity.roles import Principal
from chalicelib.ops import OpsItem
from tests.influencers.test_routes import Api, KnownStaff, api, joined
from tests.metrics.test_handing_in import LINK, VIDEO

__all__ = ["api"]


@pytest.fixture
def creator(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An approved creator's id, who calls as `creator`."""
    person = joined(api)
    api("POST", f"/v1/influencers/{person}/review", {"decision": "approve"}, who="admin")

    class Both(KnownStaff):
        def creator(self, bearer: str) -> object:
            return type("Creator", (), {"id": person})()

    monkeypatch.setattr(http._doors[0], "gate", Both)
    return person


@pytest.fixture(autouse=True)
def departments(api: Api) -> None:
    wiring.directory().put_department("water", {"en": "Water (sample)"}, sample=True)
    staff = Principal("usr_1", "", "", frozenset({"admin"}))
    wiring.department_accounts().add(staff, "water", "youtube", "@water")


def kept() -> str:
    """All that repeated writes are answered from."""
    return str([item.answer for item in OpsItem.scan(OpsItem.answer.exists())])


def test_a_hand_in_with_a_key_that_comes_again_is_answered_from_ids(api: Api, creator: str) -> None:
    body = {"url": "https://x.com/namuna/status/77"}
    first, again = (api("POST", "/v1/me/posts", body, who="me", idempotency_key="k") for _ in range(2))
    assert first == again
    assert first[1]["outcome"] == "new"
    assert first[1]["url"].endswith("/77")
    assert first[1]["id"] in kept()
    assert "namuna" not in kept()
    assert "77" not in kept().replace(first[1]["id"], "")


def test_a_hand_in_by_staff_with_a_key_is_answered_again_within_their_rights(api: Api, creator: str) -> None:
    body = {"url": LINK, "department": "water"}
    first, again = (api("POST", "/v1/posts", body, who="admin", idempotency_key="k") for _ in range(2))
    assert first == again
    body = {"url": LINK, "influencer": creator}
    first, again = (api("POST", "/v1/posts", body, who="one", idempotency_key="k") for _ in range(2))
    assert {**first[1], "handed_in_at": ""} == {**again[1], "handed_in_at": ""}
    assert (again[1]["outcome"], again[1]["department"]) == ("taken", "")
    decision = {"matched": False, "reason": "not theirs"}
    path = f"/v1/posts/{first[1]['id']}/decision"
    first, again = (api("POST", path, decision, who="admin", idempotency_key="d") for _ in range(2))
    assert first == again
    assert first[1]["reason"] == "not theirs"
    assert "watch" not in kept()
    assert "theirs" not in kept()


def test_a_repeated_hand_in_tells_nothing_of_who_has_left_meanwhile(api: Api, creator: str) -> None:
    body = {"url": LINK}
    assert api("POST", "/v1/me/posts", body, who="me", idempotency_key="k")[0] == 201
    api("POST", f"/v1/influencers/{creator}/withdrawal", {}, who="admin")
    wiring.posts().forget(creator)
    status, post = api("POST", "/v1/me/posts", body, who="me", idempotency_key="k")
    assert (status, post["url"], post["account"]) == (201, "", "")


def test_a_decision_on_a_person_with_a_key_keeps_nothing_of_them(api: Api) -> None:
    person = joined(api)
    path, body = f"/v1/influencers/{person}/review", {"decision": "decline", "reason": "नमूना"}
    first, again = (api("POST", path, body, who="admin", idempotency_key="k") for _ in range(2))
    assert first == again
    assert first[1]["status"] == "declined"
    assert person in kept()
    assert first[1]["name"] not in kept()


def test_a_creator_hands_in_a_post_and_sees_it(api: Api, creator: str) -> None:
    status, post = api("POST", "/v1/me/posts", {"url": LINK, "text": "पानी #ad"}, who="me")
    assert (status, post["outcome"], post["platform"]) == (201, "new", "youtube")
    assert (post["url"], post["matched"]) == (f"https://www.youtube.com/watch?v={VIDEO}", "not_known")
    status, mine = api("GET", "/v1/me/posts?limit=5", who="me")
    assert (status, [one["id"] for one in mine["items"]], mine["next"]) == (200, [post["id"]], None)
    assert api("POST", "/v1/me/posts", {"url": LINK}, who="me")[1]["outcome"] == "known"


def test_of_a_post_whose_platform_tells_no_figures_no_time_is_told_at_which_it_is_asked(
    api: Api, creator: str
) -> None:
    asked = {}
    for link in (LINK, "https://t.me/namuna_news/5"):
        post = api("POST", "/v1/me/posts", {"url": link}, who="me")[1]
        figures = api("GET", f"/v1/me/posts/{post['id']}/figures", who="me")[1]
        asked[post["platform"]] = figures["asked_next"]
    assert asked["youtube"]
    assert asked["telegram"] is None


def test_of_somebody_elses_post_a_creator_learns_that_it_was_handed_in_and_no_more(
    api: Api, creator: str
) -> None:
    body = {"url": LINK, "department": "water", "text": "#ad"}
    assert api("POST", "/v1/posts", body, who="admin")[0] == 201
    status, post = api("POST", "/v1/me/posts", {"url": LINK}, who="me")
    assert (status, post["outcome"]) == (201, "taken")
    shown = {name for name, value in post.items() if value not in ("", [], None, False)}
    assert shown == {"id", "platform", "url", "state", "handed_in_at", "matched", "disclosed", "outcome"}
    assert (post["state"], post["matched"], post["disclosed"]) == ("not_matched", "not_known", "not_known")
    assert api("GET", "/v1/me/posts", who="me")[1]["items"] == []


def test_staff_hand_in_look_and_decide(api: Api, creator: str) -> None:
    status, post = api("POST", "/v1/posts", {"url": LINK, "influencer": creator}, who="one")
    assert (status, post["influencer"], post["area_path"][-1]) == (201, creator, "D9001-A1-P1")
    assert api("GET", f"/v1/posts/{post['id']}", who="admin")[1]["state"] == "not_matched"
    decision = {"matched": True, "reason": "seen"}
    status, after = api("POST", f"/v1/posts/{post['id']}/decision", decision, who="one")
    assert (status, after["state"], after["matched_by"], after["reason"]) == (200, "matched", "staff", "seen")
    for query in ("", f"?person={creator}", "?platform=youtube&state=matched", "?area=D9001"):
        assert len(api("GET", f"/v1/posts{query}", who="admin")[1]["items"]) == 1
    assert api("GET", "/v1/posts?undecided=true", who="admin")[1]["items"] == []
    assert api("GET", "/v1/posts", who="two")[1]["items"] == []
    assert api("GET", f"/v1/posts/{post['id']}", who="two")[0] == 404


def test_of_a_post_of_another_area_staff_learn_that_it_was_handed_in_and_no_more(
    api: Api, creator: str
) -> None:
    body = {"url": LINK, "department": "water", "text": "#ad"}
    assert api("POST", "/v1/posts", body, who="admin")[0] == 201
    status, post = api("POST", "/v1/posts", {"url": LINK, "influencer": creator}, who="one")
    assert (status, post["outcome"]) == (201, "taken")
    shown = {name for name, value in post.items() if value not in ("", [], None, False, 0)}
    assert shown == {"id", "platform", "url", "state", "handed_in_at", "matched", "disclosed", "outcome"}
    assert api("POST", "/v1/posts", body, who="admin")[1]["department"] == "water"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "https://example.test/", "department": "water"}, "url"),
        ({"url": LINK}, "influencer"),
        ({"url": LINK, "department": "wter"}, "department"),
        ({"url": LINK, "department": "water", "campaign": "cmp_none"}, "campaign"),
        ({"url": LINK, "department": "water", "views": 5}, "views"),
    ],
)
def test_what_is_wrong_is_told_by_its_field(api: Api, body: dict[str, object], field: str) -> None:
    status, problem = api("POST", "/v1/posts", body, who="admin", Accept_Language="hi")
    assert (status, [error["field"] for error in problem["errors"]]) == (422, [field])


def test_a_decision_says_something_and_why(api: Api) -> None:
    for body in ({"reason": "x"}, {"matched": True}, {"matched": True, "reason": " "}):
        assert api("POST", "/v1/posts/pst_x/decision", body, who="admin")[0] == 422
    assert api("POST", "/v1/posts/pst_x/decision", {"matched": True, "reason": "x"}, who="admin")[0] == 404


def test_nobody_on_the_staff_comes_in_by_the_creators_door(api: Api) -> None:
    assert api("GET", "/v1/me/posts", who="admin")[0] == 401
    assert api("POST", "/v1/me/posts", {"url": LINK}, who="editor")[0] == 401
