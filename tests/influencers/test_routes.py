"""Signup and register over HTTP, and the handlers behind the queue and the bus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from chalice.test import Client

from chalicelib import http, wiring
from chalicelib.errors import OnHold
from chalicelib.identity.gate import Gate
from chalicelib.identity.roles import Principal
from chalicelib.ops import OpsItem
from tests.influencers.world import ADMIN, COORDINATOR, ELSEWHERE, KeptSender, signup
from tests.pages.conftest import send_codes

PHONE = "+918123456789"
EDITOR = Principal("usr_ed", "Ed", "e@x.test", frozenset({"editor"}))
STAFF = {"admin": ADMIN, "one": COORDINATOR, "two": ELSEWHERE, "editor": EDITOR}


class KnownStaff:
    def creator(self, bearer: str) -> Any:
        return wiring.gate().creator(bearer)

    def heard(self, bearer: str) -> Any:
        return wiring.gate().heard(bearer)

    def principal(self, bearer: str) -> Principal:
        return STAFF[bearer]

    def require(self, principal: Any, action: str) -> None:
        Gate(tokens=None, sessions=None, ended=None).require(principal, action)  # type: ignore[arg-type]


@dataclass
class Api:
    client: Client

    def __call__(
        self, method: str, path: str, body: object = None, who: str = "", **headers: str
    ) -> tuple[int, Any]:
        sent = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        if who:
            sent["Authorization"] = f"Bearer {who}"
        raw = b"" if body is None else json.dumps(body).encode()
        answer = self.client.http.request(method, path, headers=sent, body=raw)
        return answer.status_code, json.loads(answer.body or "null")


@pytest.fixture
def api(prepared: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    import app

    monkeypatch.setattr(http._doors[0], "gate", KnownStaff)
    with Client(app.app) as client:
        yield Api(client)


def joined(api: Api, **changes: object) -> str:
    status, answer = api("POST", "/v1/signups", signup(**changes))
    assert status == 201
    [message] = send_codes()
    code = {"code": message.params[0]}
    assert api("POST", f"/v1/signups/{answer['id']}/verification", code) == (
        200,
        {"status": "pending_review", "notice": ""},
    )
    return str(answer["id"])


def test_a_signup_answers_as_the_contract_says(api: Api) -> None:
    status, answer = api("POST", "/v1/signups", signup())
    assert status == 201
    assert answer.keys() == {"id", "status", "verification"}
    assert answer["status"] == "unverified"
    assert answer["verification"]["channel"] == "whatsapp"
    assert answer["verification"]["expires_at"].endswith("Z")
    status, again = api("POST", f"/v1/signups/{answer['id']}/codes", {})
    assert (status, again["id"]) == (201, answer["id"])


def test_bad_input_is_a_problem_by_field_in_the_asked_language(api: Api) -> None:
    body = signup(phone="123", caste="x", handles=[{"platform": "x", "handle": "a b", "followers": 1}])
    status, problem = api("POST", "/v1/signups", body, accept_language="hi")
    assert status == 422
    assert {(e["field"], e["code"]) for e in problem["errors"]} == {
        ("phone", "phone_invalid"),
        ("caste", "extra_forbidden"),
        ("handles.0.handle", "handle_invalid"),
    }
    assert all("कृपया" in e["message"] or "फ़ील्ड" in e["message"] for e in problem["errors"])
    [x] = [e for e in problem["errors"] if e["field"].startswith("handles")]
    assert "X" in x["message"]


@pytest.mark.parametrize("path", ["/confirm/{}.1.0", "/signup/{}"])
def test_a_name_that_no_table_could_hold_is_not_found(api: Api, path: str) -> None:
    assert api.client.http.get(path.format("x" * 3000)).status_code == 404
    assert api("POST", f"/v1/signups/{'x' * 3000}/codes", {})[0] == 404


def test_a_repeated_signup_with_a_key_tells_its_id_and_nothing_else(api: Api) -> None:
    body = signup(channel="telegram")
    _, first = api("POST", "/v1/signups", body, idempotency_key="k1")
    _, again = api("POST", "/v1/signups", body, idempotency_key="k1")
    assert again == {"id": first["id"], "status": "unverified"}


def test_the_register_is_closed_to_strangers_and_to_roles_without_it(api: Api) -> None:
    for method, path in (
        ("GET", "/v1/influencers"),
        ("GET", "/v1/influencers/inf_a"),
        ("POST", "/v1/influencers/inf_a/review"),
        ("POST", "/v1/influencers/inf_a/withdrawal"),
        ("POST", "/v1/influencers/inf_a/reveal"),
    ):
        assert api(method, path, {} if method == "POST" else None)[0] == 401
        assert api(method, path, {} if method == "POST" else None, who="editor")[0] == 403


def test_a_person_is_reviewed_shown_masked_and_revealed(api: Api) -> None:
    influencer_id = joined(api)
    _, listed = api(
        "GET", "/v1/influencers?status=pending_review&q=%E0%A4%A6%E0%A5%87%E0%A4%B5%E0%A5%80", who="one"
    )
    [item] = listed["items"]
    assert (item["id"], item["phone"], item["channels"]) == (influencer_id, "+91******6789", ["whatsapp"])
    assert PHONE not in json.dumps(listed)
    status, reviewed = api(
        "POST", f"/v1/influencers/{influencer_id}/review", {"decision": "approve"}, who="one"
    )
    assert (status, reviewed["status"]) == (200, "approved")
    assert api("GET", f"/v1/influencers/{influencer_id}", who="admin")[1] == reviewed
    assert api("POST", f"/v1/influencers/{influencer_id}/reveal", {}, who="one") == (
        200,
        {"phone": PHONE, "email": "", "handles": [reviewed["handles"][0]]},
    )
    assert api("GET", f"/v1/influencers/{influencer_id}", who="two")[0] == 404
    status, problem = api(
        "POST", f"/v1/influencers/{influencer_id}/review", {"decision": "decline"}, who="one"
    )
    assert (status, problem["errors"][0]["code"]) == (422, "reason_missing")
    status, gone = api("POST", f"/v1/influencers/{influencer_id}/withdrawal", {}, who="one")
    assert (status, gone["status"]) == (200, "withdrawn")
    status, problem = api(
        "POST", f"/v1/influencers/{influencer_id}/review", {"decision": "approve"}, who="one"
    )
    assert (status, problem["type"].rpartition("/")[2]) == (409, "state_refused")


def test_a_number_given_as_a_whatsapp_account_is_masked_and_not_found_by_its_digits(api: Api) -> None:
    account = {"platform": "whatsapp", "handle": "wa.me/919000010001", "followers": 30}
    influencer_id = joined(api, handles=[account])
    _, listed = api("GET", "/v1/influencers", who="one")
    [shown] = listed["items"][0]["handles"]
    assert (shown["platform"], shown["handle"], shown["followers"]) == ("whatsapp", "+91******0001", 30)
    assert api("GET", "/v1/influencers?q=900001", who="one")[1]["items"] == []
    _, revealed = api("POST", f"/v1/influencers/{influencer_id}/reveal", {}, who="one")
    assert [one["handle"] for one in revealed["handles"]] == ["+919000010001"]


def test_a_number_in_clear_is_kept_under_no_key_and_each_look_is_in_the_audit(api: Api) -> None:
    influencer_id = joined(api)
    for _ in range(2):
        answer = api(
            "POST", f"/v1/influencers/{influencer_id}/reveal", {}, who="one", Idempotency_Key="again"
        )
        assert answer[1]["phone"] == PHONE
    entries, _ = wiring.audit().of(f"influencer#{influencer_id}", limit=10)
    assert [entry.action for entry in entries] == ["influencer.revealed"] * 2
    assert not [item.pk for item in OpsItem.scan() if PHONE in (item.answer or "")]


def test_the_list_goes_on_with_its_cursor_and_refuses_another(api: Api) -> None:
    people = {joined(api, phone=f"+91812345678{i}", handles=[]) for i in range(3)}
    seen, cursor = [], ""
    while True:
        status, page = api("GET", f"/v1/influencers?limit=2{cursor}", who="admin")
        assert status == 200
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert sorted(seen) == sorted(people)
    assert api("GET", "/v1/influencers?cursor=abc.def", who="admin")[0] == 422
    assert api("GET", "/v1/influencers?sort=name", who="admin")[0] == 422


# --- handlers


CONTEXT = SimpleNamespace(
    function_name="f",
    memory_limit_in_mb=1,
    invoked_function_arn="arn",
    aws_request_id="r",
    get_remaining_time_in_millis=lambda: 1000,
)


def records(*bodies: object) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"m{i}",
                "receiptHandle": "r",
                "body": json.dumps(body),
                "attributes": {},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:ap-south-1:000000000000:janjan-local-service",
            }
            for i, body in enumerate(bodies)
        ]
    }


def test_one_bad_service_message_does_not_hold_up_the_others(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    import app
    from chalicelib.influencers.service import Messenger

    sender = KeptSender()
    signups = wiring.signups()
    messenger = Messenger(signups.store, sender, signups.secrets, wiring.clock(), "", wiring.sms_register())
    monkeypatch.setattr(wiring, "messenger", lambda: messenger)
    _, answer = api("POST", "/v1/signups", signup())
    until = int(wiring.clock().epoch()) + 60
    good = {"kind": "code", "influencer": answer["id"], "nonce": "n", "until": until}
    handled = app.send_service(records({"kind": "code", "influencer": answer["id"]}, good), CONTEXT)
    assert handled == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert [m.template for m in sender.to(PHONE)] == ["janjan_code"]


def test_a_service_message_whose_channel_is_stopped_waits_as_a_new_message(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    import app

    queued: list[tuple[list[object], float]] = []

    class Held:
        def deliver(self, message: object) -> None:
            raise OnHold(retry_after_s=60)

    class Kept:
        def put(self, bodies: list[object], delay_s: float) -> None:
            queued.append((bodies, delay_s))

    monkeypatch.setattr(wiring, "messenger", Held)
    monkeypatch.setattr(wiring, "service_queue", Kept)
    message = {"kind": "welcome", "influencer": "inf_a", "event": "e1"}
    assert app.send_service(records(message), CONTEXT) == {"batchItemFailures": []}
    assert queued == [([message], 60)]


def test_an_approval_on_the_bus_asks_for_the_welcome(api: Api) -> None:
    import app
    from chalicelib import aws

    detail = {
        "id": "e1",
        "version": 1,
        "occurred_at": "2026-03-01T00:00:00Z",
        "data": {"influencer_id": "inf_a", "area": "D9001", "something_new": 1},
    }
    event = {
        "version": "0",
        "id": "x",
        "detail-type": "influencer.approved",
        "source": "janjan.influencers",
        "account": "0",
        "time": "2026-03-01T00:00:00Z",
        "region": "ap-south-1",
        "resources": [],
        "detail": detail,
    }
    app.welcome(event, CONTEXT)
    got = aws.client("sqs").receive_message(QueueUrl=wiring.service_queue().url)["Messages"]
    assert [json.loads(m["Body"]) for m in got] == [{"kind": "welcome", "influencer": "inf_a", "event": "e1"}]


def test_who_has_written_stop_and_signs_up_anew_is_told_to_write_start(api: Api) -> None:
    wiring.people().stop("whatsapp", PHONE[1:], evidence="e1", at=wiring.clock().now())
    _, answer = api("POST", "/v1/signups", signup())
    assert "notice" not in answer  # who has proven nothing learns nothing
    [message] = send_codes()
    code = {"code": message.params[0]}
    _, verified = api("POST", f"/v1/signups/{answer['id']}/verification", code)
    assert (verified["status"], "START" in verified["notice"]) == ("pending_review", True)
    page = api.client.http.get(f"/signup/{answer['id']}?lang=hi")
    assert "START लिखें" in page.body.decode()
