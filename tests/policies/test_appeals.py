"""Appeals: who may make one about what, who answers, what the creator is told, what is forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from pynamodb.exceptions import TransactWriteError

from chalicelib import wiring
from chalicelib.clock import FixedClock
from chalicelib.events.catalog import AppealAnswered
from chalicelib.events.outbox import entry_of
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.influencers.consumers import welcome
from chalicelib.influencers.model import ReviewRequest
from chalicelib.influencers.roster import key_of
from chalicelib.influencers.rows import RosterItem
from chalicelib.metrics.consumers import forget_posts
from chalicelib.policies import appeals as module
from chalicelib.policies.appeal import AnswerBody, AppealBody
from chalicelib.policies.appeals import Appeals
from chalicelib.policies.refile import AppealsRefiled
from chalicelib.policies.store import PolicyStore, Record
from tests.influencers.test_routes import CONTEXT, Api
from tests.influencers.test_sign_in import signed_in
from tests.influencers.world import ADMIN, COORDINATOR, PATHS, SmallDirectory, World
from tests.policies.conftest import OTHER
from tests.policies.test_routes import made, started

YES = {"outcome": "granted", "texts": {"hi": "आपकी बात सही है।", "en": "You are right."}}
NO = YES | {"outcome": "refused"}
HANDLE = {"subject": "handle", "text": "यह अकाउंट मेरा है।"}
REVIEW = {"subject": "review", "text": "कृपया फिर से देखें।"}


def handle_of(person: str) -> str:
    profile = wiring.profiles().profile(person)
    assert profile is not None
    return profile.accounts[0].id


def appealed(api: Api, person: str) -> str:
    status, answer = api("POST", "/v1/me/appeals", HANDLE | {"about": handle_of(person)}, who="me")
    assert status == 201, answer
    return str(answer["id"])


def reviewed(api: Api, person: str, decision: str, who: str) -> None:
    body = {"decision": decision, "reason": "namuna"}
    assert api("POST", f"/v1/influencers/{person}/review", body, who=who)[0] == 200


def events_of(person: str) -> list[dict[str, Any]]:
    """The events that the outbox makes of what is kept of this person."""
    found = []
    for row in Record.query(person, Record.sk.startswith("appeal#")):
        image = row.serialize()
        entry = entry_of({"dynamodb": {"NewImage": image}})
        assert entry is not None
        found.append({"id": entry.id, "name": entry.name, "data": entry.data, "at": entry.occurred_at})
    return found


# --- making one


def test_an_appeal_is_open_until_somebody_of_its_area_answers_and_its_creator_reads_that(
    api: Api, creator: str
) -> None:
    appeal = appealed(api, creator)
    [mine] = api("GET", "/v1/me/appeals", who="me")[1]["items"]
    assert (mine["id"], mine["state"], mine["outcome"], mine["answer"]) == (appeal, "open", "", "")
    [listed] = api("GET", "/v1/appeals", who="one")[1]["items"]
    assert (listed["influencer"], listed["age_days"], listed["mine"]) == (creator, 0, True)
    status, answered = api("POST", f"/v1/appeals/{appeal}/answer", YES, who="one")
    assert (status, answered["state"], answered["answered_by"]) == (200, "answered", COORDINATOR.id)
    [mine] = api("GET", "/v1/me/appeals", who="me")[1]["items"]
    assert (mine["outcome"], mine["answer"]) == ("granted", YES["texts"]["hi"])
    assert "answered_by" not in mine
    assert api("GET", "/v1/appeals", who="one")[1]["items"] == []
    assert len(api("GET", "/v1/appeals?state=answered&area=D9001", who="one")[1]["items"]) == 1
    assert api("POST", f"/v1/appeals/{appeal}/answer", NO, who="one")[0] == 409
    entries = Audit().all_of(f"influencer#{creator}")
    assert [one.action for one in entries][-2:] == ["appeal.opened", "appeal.answered"]
    assert "अकाउंट" not in json.dumps([dict(one.detail) for one in entries], ensure_ascii=False)


def test_of_one_thing_one_appeal_is_open_and_after_its_answer_another_may_follow(
    api: Api, creator: str
) -> None:
    appeal = appealed(api, creator)
    body = HANDLE | {"about": handle_of(creator)}
    status, problem = api("POST", "/v1/me/appeals", body, who="me")
    assert (status, problem["title"]) == (409, "appeal open")
    api("POST", f"/v1/appeals/{appeal}/answer", NO, who="one")
    second = appealed(api, creator)
    ids = [one["id"] for one in api("GET", "/v1/me/appeals", who="me")[1]["items"]]
    assert sorted(ids) == sorted([appeal, second])


def test_of_many_at_once_one_appeal_comes_in(api: Api, creator: str) -> None:
    body = AppealBody.model_validate(HANDLE | {"about": handle_of(creator)})

    def once(_: int) -> str:
        try:
            return wiring.appeals().open(creator, body).id
        except module.OpenAlready:
            return ""

    with ThreadPoolExecutor(4) as pool:
        came = [one for one in pool.map(once, range(4)) if one]
    assert len(came) == 1
    assert [one.id for one in wiring.appeals().mine(creator)] == came


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (REVIEW, "about"),
        (HANDLE | {"about": "hnd_of_somebody"}, "about"),
        (HANDLE, ""),
        (REVIEW | {"about": "x"}, ""),
        ({"subject": "tier", "about": "pol_none", "text": "x"}, "about"),
        (REVIEW | {"text": " "}, "text"),
        (REVIEW | {"caste": "x"}, "caste"),
    ],
)
def test_where_nothing_was_decided_there_is_nothing_to_appeal_against(
    api: Api, creator: str, body: dict[str, str], field: str
) -> None:
    status, problem = api("POST", "/v1/me/appeals", body, who="me")
    assert (status, {one["field"] for one in problem["errors"]}) == (422, {field})


def test_a_creator_makes_no_more_appeals_than_somebody_can_read(
    api: Api, creator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "APPEALS_A_DAY", 1)
    api("POST", f"/v1/appeals/{appealed(api, creator)}/answer", NO, who="one")
    assert api("POST", "/v1/me/appeals", HANDLE | {"about": handle_of(creator)}, who="me")[0] == 429


def test_an_appeal_sent_twice_with_a_key_is_one_and_answered_as_it_stands(api: Api, creator: str) -> None:
    body = HANDLE | {"about": handle_of(creator)}
    _, first = api("POST", "/v1/me/appeals", body, who="me", idempotency_key="k")
    assert api("POST", "/v1/me/appeals", body, who="me", idempotency_key="k") == (201, first)
    assert len(api("GET", "/v1/me/appeals", who="me")[1]["items"]) == 1


# --- answering


def test_who_declined_somebody_does_not_answer_their_appeal_and_who_does_may_let_them_in(
    api: Api, creator: str
) -> None:
    reviewed(api, creator, "suspend", "one")
    status, made_ = api("POST", "/v1/me/appeals", REVIEW, who="me")
    assert status == 201
    where = f"/v1/appeals/{made_['id']}/answer"
    assert api("GET", f"/v1/appeals/{made_['id']}", who="one")[1]["mine"] is False
    status, refused = api("POST", where, YES, who="one")
    assert (status, refused["title"]) == (403, "decided before")
    assert api("POST", where, YES, who="other")[0] == 200
    person = api("GET", f"/v1/influencers/{creator}", who="one")[1]
    assert (person["status"], person["reason"]) == ("approved", "")
    found = wiring.register().get(ADMIN, creator)
    assert found.reviewed_by == OTHER.id
    assert RosterItem.get(*key_of(found.area_path, creator)).l == "hi"
    assert Audit().all_of(f"influencer#{creator}")[-1].detail["from"] == "suspended"


def test_who_decided_anew_meanwhile_answers_no_more_than_who_decided_first(api: Api, creator: str) -> None:
    reviewed(api, creator, "suspend", "one")
    appeal = api("POST", "/v1/me/appeals", REVIEW, who="me")[1]["id"]
    reviewed(api, creator, "approve", "admin")
    reviewed(api, creator, "suspend", "other")
    for who in ("one", "other"):
        assert api("POST", f"/v1/appeals/{appeal}/answer", YES, who=who)[0] == 403
    assert api("POST", f"/v1/appeals/{appeal}/answer", YES, who="admin")[0] == 200


def test_a_refused_review_leaves_the_person_as_they_are(api: Api, creator: str) -> None:
    reviewed(api, creator, "suspend", "admin")
    appeal = api("POST", "/v1/me/appeals", REVIEW, who="me")[1]["id"]
    assert api("POST", f"/v1/appeals/{appeal}/answer", NO, who="one")[0] == 200
    assert api("GET", f"/v1/influencers/{creator}", who="one")[1]["status"] == "suspended"


def test_who_wrote_the_policy_or_put_it_in_force_does_not_answer_about_its_tier(
    api: Api, creator: str
) -> None:
    where = made(api, who="admin")
    started(api, where)
    policy = where.rpartition("/")[2]
    body = {"subject": "tier", "about": policy, "text": "मेरे फ़ॉलोअर ज़्यादा हैं।"}
    appeal = api("POST", "/v1/me/appeals", body, who="me")[1]
    assert (appeal["version"], appeal["tier"]) == (1, "high")
    assert api("POST", f"/v1/appeals/{appeal['id']}/answer", YES, who="admin")[0] == 403
    assert api("POST", f"/v1/appeals/{appeal['id']}/answer", YES, who="one")[0] == 200


def test_an_answer_is_written_in_the_persons_language_too(api: Api, creator: str) -> None:
    appeal = appealed(api, creator)
    body = YES | {"texts": {"en": "You are right."}}
    status, problem = api("POST", f"/v1/appeals/{appeal}/answer", body, who="one")
    assert (status, problem["errors"][0]["code"]) == (422, "language_missing")
    assert api("GET", f"/v1/appeals/{appeal}", who="one")[1]["state"] == "open"


def test_appeals_of_elsewhere_are_not_there(api: Api, creator: str) -> None:
    appeal = appealed(api, creator)
    nothing = api("GET", "/v1/appeals/apl_inf_x_y", who="two")
    assert nothing[0] == 404
    assert api("GET", f"/v1/appeals/{appeal}", who="two") == nothing
    assert api("POST", f"/v1/appeals/{appeal}/answer", YES, who="two") == nothing
    assert api("GET", "/v1/appeals", who="two")[1] == {"items": [], "next": None}
    assert api("GET", "/v1/appeals?area=D9001", who="two")[0] == 422
    assert api("GET", "/v1/appeals", who="editor")[0] == 403
    assert api("GET", f"/v1/appeals/{appeal}", who="auditor")[1]["mine"] is False
    assert api("POST", f"/v1/appeals/{appeal}/answer", YES, who="auditor")[0] == 403


def test_a_list_of_appeals_goes_on_where_it_stopped(api: Api, creator: str) -> None:
    about = handle_of(creator)
    for _ in range(3):
        appeal = wiring.appeals().open(creator, AppealBody(subject="handle", about=about, text="x")).id
        wiring.appeals().answer(ADMIN, appeal, AnswerBody.model_validate(NO))
    found, path = [], "/v1/appeals?state=answered&limit=2"
    page = api("GET", path, who="one")[1]
    while True:
        found += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        page = api("GET", f"{path}&cursor={page['next']}", who="one")[1]
    assert len(found) == len(set(found)) == 3


def test_appeals_follow_a_district_that_moves_and_tell_no_event(
    api: Api, creator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    appeal = appealed(api, creator)
    [told] = events_of(creator)
    for area, path in list(PATHS.items()):
        if "D9001" in path:
            monkeypatch.setitem(PATHS, area, ("IN", "IN-XM", *path[2:]))

    class Moved(SmallDirectory):
        def many(self, area_ids: Any, *, fresh: bool = False) -> Any:
            return super().many(area_ids)

    district = SmallDirectory().get("D9001")
    assert district is not None
    refiled = AppealsRefiled(PolicyStore(), Moved())
    assert refiled.refile(("IN", "IN-XN", "D9001"), district) is True
    assert refiled.refile(("IN", "IN-XN", "D9001"), district) is False
    kept = PolicyStore().appeal(appeal)
    assert kept is not None
    assert kept.path == PATHS["D9001-A1-P1"]
    [row] = Record.query(creator, Record.sk.startswith("appeal#"))
    assert (row.event, told["name"]) == (None, "appeal.opened")
    there = replace(wiring.appeals(), areas=Moved())
    asked: Any = {"state": "open", "area": None, "subject": None, "limit": 9, "after": None}
    assert [one.id for one in there.listed(COORDINATOR, **asked)[0]] == [appeal]
    assert api("POST", f"/v1/appeals/{appeal}/answer", YES, who="one")[0] == 200
    assert [one["name"] for one in events_of(creator)] == ["appeal.answered"]


def test_an_appeal_tells_its_age_in_days(api: Api, creator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    appeal = appealed(api, creator)
    later = FixedClock(at=datetime.now(UTC) + timedelta(days=3, minutes=1))
    monkeypatch.setattr(wiring, "clock", lambda: later)
    assert api("GET", f"/v1/appeals/{appeal}", who="one")[1]["age_days"] == 3


def test_of_two_answers_at_once_one_counts(api: Api, creator: str) -> None:
    reviewed(api, creator, "suspend", "admin")
    appeal = api("POST", "/v1/me/appeals", REVIEW, who="me")[1]["id"]

    def once(given: tuple[Principal, dict[str, Any]]) -> str:
        try:
            return wiring.appeals().answer(given[0], appeal, AnswerBody.model_validate(given[1])).outcome
        except module.Conflict:
            return ""

    with ThreadPoolExecutor(2) as pool:
        said = [one for one in pool.map(once, [(COORDINATOR, YES), (OTHER, NO)]) if one]
    assert len(said) == 1
    status = api("GET", f"/v1/influencers/{creator}", who="one")[1]["status"]
    assert status == {"granted": "approved", "refused": "suspended"}[said[0]]


def test_an_answer_that_breaks_off_leaves_all_as_it_was_and_may_be_given_again(
    api: Api, creator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Person, appeal, claim and audit are one transaction: there is nothing between two steps."""
    reviewed(api, creator, "suspend", "admin")
    appeal = api("POST", "/v1/me/appeals", REVIEW, who="me")[1]["id"]

    def breaks(*_: object, **__: object) -> None:
        raise TransactWriteError("throttled")

    with monkeypatch.context() as broken:
        broken.setattr("chalicelib.tables.TransactWrite._commit", breaks)
        assert api("POST", f"/v1/appeals/{appeal}/answer", YES, who="one")[0] == 500
    assert api("GET", f"/v1/appeals/{appeal}", who="one")[1]["state"] == "open"
    assert api("GET", f"/v1/influencers/{creator}", who="one")[1]["status"] == "suspended"
    assert api("POST", f"/v1/appeals/{appeal}/answer", YES, who="one")[0] == 200


# --- being told


def answered_event(person: str) -> dict[str, Any]:
    [event] = [one for one in events_of(person) if one["name"] == AppealAnswered.name]
    envelope = {"id": event["id"], "version": 1, "occurred_at": event["at"], "data": event["data"]}
    context = dict.fromkeys(["version", "account", "region", "source", "time", "id"], "x") | {"resources": []}
    return context | {"detail-type": event["name"], "detail": envelope}


def test_an_answer_raises_an_event_without_its_words_and_the_creator_gets_one_message(
    api: Api, creator: str
) -> None:
    api("POST", f"/v1/appeals/{appealed(api, creator)}/answer", YES, who="one")
    event = answered_event(creator)
    assert set(event["detail"]["data"]) == {"appeal_id", "influencer_id", "area", "subject", "outcome"}
    assert "सही" not in json.dumps(event, ensure_ascii=False)
    welcome(event, CONTEXT)
    welcome(event, CONTEXT)
    messages = [
        json.loads(one["Body"])
        for one in boto3.client("sqs").receive_message(
            QueueUrl=wiring.service_queue().url, MaxNumberOfMessages=10
        )["Messages"]
    ]
    assert [one["kind"] for one in messages[-2:]] == ["notice", "notice"]
    assert messages[-1] == messages[-2]


NOTICE = {"kind": "notice", "notice": "appeal_answered", "event": "evt_1"}


@pytest.mark.parametrize("channel", ["whatsapp", "telegram", "sms", "email"])
def test_the_word_goes_once_over_the_persons_own_channel_by_its_rules(tables: object, channel: str) -> None:
    world = World()
    person = world.approved(channel=channel, email="sunita@x.test")
    world.sender.sent.clear()
    for _ in range(2):
        world.messenger.deliver(NOTICE | {"influencer": person.id})
    [(used, to, message)] = world.sender.sent.values()
    assert (used, to) == (channel, person.addresses[channel])
    if channel in ("whatsapp", "sms"):
        assert message.template == "janjan_appeal_answered"
    else:
        assert "https://x.test/me/appeals?lang=hi" in message.text
        assert person.name in message.text


def test_the_word_reaches_who_is_suspended_and_neither_who_has_left_nor_who_said_stop(
    tables: object,
) -> None:
    world = World()
    person = world.approved()
    world.register.review(ADMIN, person.id, ReviewRequest(decision="suspend", reason="x"))
    world.sender.sent.clear()
    world.messenger.deliver(NOTICE | {"influencer": person.id})
    assert len(world.sender.sent) == 1
    world.people.stop("whatsapp", person.phone, evidence="x", at=world.clock.now())
    world.messenger.deliver(NOTICE | {"influencer": person.id, "event": "evt_2"})
    world.register.withdraw(ADMIN, person.id)
    world.messenger.deliver(NOTICE | {"influencer": person.id, "event": "evt_3"})
    world.messenger.deliver(NOTICE | {"influencer": "inf_erased", "event": "evt_4"})
    assert len(world.sender.sent) == 1


# --- being heard when suspended


def test_who_is_suspended_signs_in_and_appeals_and_can_do_nothing_else(api: Api) -> None:
    from tests.influencers.test_routes import joined

    person = joined(api)
    reviewed(api, person, "approve", "admin")
    reviewed(api, person, "suspend", "admin")
    token = signed_in(api)
    status, made_ = api("POST", "/v1/me/appeals", REVIEW, who=token)
    assert (status, made_["state"]) == (201, "open")
    assert len(api("GET", "/v1/me/appeals", who=token)[1]["items"]) == 1
    for method, path in (("GET", "/v1/me"), ("GET", "/v1/me/tier"), ("GET", "/v1/me/posts")):
        assert api(method, path, who=token)[0] == 401
    assert api("POST", "/v1/me/posts", {"url": "https://x.com/a/status/1"}, who=token)[0] == 401
    assert api("DELETE", "/v1/me/session", who=token)[0] == 204
    assert api("GET", "/v1/me/appeals", who=token)[0] == 401


def test_only_appealing_and_ones_own_data_are_open_to_who_is_suspended() -> None:
    import app  # noqa: F401 - declares all routes
    from chalicelib.http import CREATOR, ROUTES

    heard = {f"{route.method} {route.path}" for route in ROUTES if route.heard}
    assert heard == {
        "GET /v1/me/appeals",
        "POST /v1/me/appeals",
        "GET /me/appeals",
        "POST /me/appeals",
        "DELETE /v1/me",
        "POST /v1/me/exports",
        "GET /me/data",
        "POST /me/data",
        "DELETE /v1/me/session",
        "POST /me/signout",
    }
    assert {route.allow for route in ROUTES if route.heard} == {CREATOR}


# --- export and erasure


def test_all_that_is_kept_of_a_persons_appeals_can_be_exported_and_erased(api: Api, creator: str) -> None:
    appeal = appealed(api, creator)
    api("POST", f"/v1/appeals/{appeal}/answer", YES, who="one")
    appealed(api, creator)
    held = [one for records in wiring.personal_records() for one in records.held(creator)[0]]
    assert [one["text"] for one in held] == [HANDLE["text"]] * 2
    assert all("answered_by" not in one for one in held)
    for _ in range(2):
        for records in wiring.personal_records():
            records.forget(creator)
    assert list(Record.query(creator)) == []
    assert api("GET", f"/v1/appeals/{appeal}", who="one")[0] == 404


def test_who_leaves_takes_their_appeals_along(api: Api, creator: str) -> None:
    appealed(api, creator)
    data = {"influencer_id": creator}
    detail = {"id": "e", "version": 1, "occurred_at": "2026-03-01T00:00:00Z", "data": data}
    context = dict.fromkeys(["version", "account", "region", "source", "time", "id"], "x") | {"resources": []}
    for _ in range(2):
        forget_posts(context | {"detail-type": "influencer.withdrawn", "detail": detail}, CONTEXT)
    assert list(Record.query(creator)) == []


def test_an_appeal_made_in_the_moment_of_leaving_is_not_kept(
    api: Api, creator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    appeals = wiring.appeals()
    asked: list[int] = []
    profile = appeals.profiles.profile

    class Leaves:
        def __getattr__(self, name: str) -> Callable[..., Any]:
            return getattr(wiring.profiles(), name)  # type: ignore[no-any-return]

        def profile(self, person: str) -> Any:
            asked.append(1)
            if len(asked) == 2:
                wiring.register().withdraw(ADMIN, person)
            return profile(person)

    racing = Appeals(
        appeals.store,
        appeals.tiers,
        Leaves(),  # type: ignore[arg-type]
        appeals.areas,
        appeals.limits,
        appeals.audit,
        appeals.clock,
    )
    racing.open(creator, AppealBody.model_validate(HANDLE | {"about": handle_of(creator)}))
    assert list(Record.query(creator)) == []
