"""Voices over HTTP: what each role may, what is masked, what is said of mistakes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from chalice.test import Client

from chalicelib import http, wiring
from chalicelib.clock import Clock
from chalicelib.voices.model import Arrival, Sender
from local.config import platform_secret
from tests.turnout.world import AREAS
from tests.voices.world import ADMIN, AUDITOR, EDITOR, ONE, PHONE, RULES, TEXT, TWO, WATER

Call = Callable[..., tuple[int, Any]]
STAFF = {"admin": ADMIN, "auditor": AUDITOR, "editor": EDITOR, "one": ONE, "two": TWO, "water": WATER}


class DoorKeeper:
    def principal(self, bearer: str) -> Any:
        return STAFF[bearer]

    def require(self, principal: Any, action: str) -> None:
        if not principal.may(action):
            raise http.Forbidden


@pytest.fixture
def call(tables: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    """`call("water", "GET", "/v1/voices")` gives status and JSON; "" is anybody."""
    secret = json.dumps(platform_secret())
    boto3.client("secretsmanager").create_secret(Name="janjan/local/platforms", SecretString=secret)
    from app import app

    [doors] = http._doors
    monkeypatch.setattr(http, "_doors", [dataclasses.replace(doors, gate=DoorKeeper)])
    wiring.directory().put_areas(AREAS)
    for department in ("water", "roads"):
        wiring.directory().put_department(department, {"en": department.title()})
    with Client(app) as client:

        def call(who: str, method: str, path: str, body: object = None, **more: str) -> tuple[int, Any]:
            sent = {"Content-Type": "application/json"} | more
            sent |= {"Authorization": f"Bearer {who}"} if who else {}
            raw = b"" if body is None else json.dumps(body).encode()
            answer = client.http.request(method, path, headers=sent, body=raw)
            return answer.status_code, json.loads(answer.body) if answer.body else None

        rules = {"rules": [rule.model_dump(mode="json") for rule in RULES]}
        assert call("admin", "PUT", "/v1/voices/rules", rules)[0] == 200
        yield call


def spoken(evidence: str = "e1", area: str = "D9001-B1", text: str = TEXT) -> str:
    sender = Sender(channel="whatsapp", address=PHONE, name="आशा नमूना", language="hi")
    now = wiring.clock().now()
    arrival = Arrival(evidence=evidence, source="whatsapp", text=text, at=now, area=area, sender=sender)
    return wiring.voices().receive(arrival).id


def test_the_inbox_masks_who_wrote_and_the_case_tells_what_was_said(call: Call) -> None:
    voice = spoken(text=f"{TEXT}, 98765 43210")
    status, found = call("water", "GET", "/v1/voices")
    [row] = found["items"]
    assert (status, row["id"], row["department"], row["status"]) == (200, voice, "water", "assigned")
    assert row["sender"] == {
        "channel": "whatsapp",
        "address": "***********89",
        "name": "आ*** न***",
        "language": "hi",
    }
    assert "98765" not in json.dumps(found)
    _, case = call("water", "GET", f"/v1/voices/{voice}/case")
    assert case["said"][0]["text"].endswith("98765 43210")
    assert PHONE not in json.dumps(case) and "नमूना" not in json.dumps(case)
    assert call("water", "POST", f"/v1/voices/{voice}/reveal", {})[1] == {
        "channel": "whatsapp",
        "address": PHONE,
        "name": "आशा नमूना",
    }
    assert call("auditor", "POST", f"/v1/voices/{voice}/reveal", {})[0] == 403
    assert call("water", "GET", f"/v1/voices?q={row['ticket']}")[1]["items"][0]["id"] == voice
    assert call("water", "GET", f"/v1/voices/{row['ticket']}/case")[1]["id"] == voice


def test_a_voice_of_another_district_or_department_is_not_found_by_id_or_ticket(call: Call) -> None:
    voice = spoken()
    ticket = call("admin", "GET", "/v1/voices")[1]["items"][0]["ticket"]
    for name in (voice, ticket):
        assert call("two", "GET", f"/v1/voices/{name}/case")[0] == 404
        for path, body in (
            ("assignment", {"department": "roads", "reason": "xyz"}),
            ("answer", {"text": "x"}),
            ("resolution", {"status": "declined", "text": "x"}),
            ("merge", {"into": voice, "reason": "xyz"}),
            ("reveal", {}),
        ):
            status, problem = call("two", "POST", f"/v1/voices/{name}/{path}", body)
            assert (status, voice in json.dumps(problem)) == (404, False)
    assert call("two", "GET", "/v1/voices")[1] == {"items": [], "next": None}
    assert call("two", "GET", f"/v1/voices?q={ticket}")[1]["items"] == []
    assert call("two", "GET", "/v1/voices?area=D9001")[0] == 422
    assert call("editor", "GET", "/v1/voices")[0] == 403
    assert call("", "GET", "/v1/voices")[0] == 401


def test_a_voice_goes_its_way_over_http_and_a_repeated_write_is_done_once(call: Call) -> None:
    where = f"/v1/voices/{spoken(text='यहाँ कुछ ठीक नहीं है')}"
    assert call("one", "POST", f"{where}/answer", {"text": "x"})[0] == 409
    assert call("one", "POST", f"{where}/assignment", {"department": "water"})[1]["status"] == "assigned"
    key = {"Idempotency-Key": "once"}
    first = call("water", "POST", f"{where}/answer", {"text": "कल देखेंगे", "asks": True}, **key)
    again = call("water", "POST", f"{where}/answer", {"text": "कल देखेंगे", "asks": True}, **key)
    assert (first, first[1]["answers"], first[1]["asks"]) == (again, 1, True)
    body = {"status": "resolved", "text": "ठीक हो गया"}
    assert call("water", "POST", f"{where}/resolution", body)[1]["status"] == "resolved"
    assert call("water", "POST", f"{where}/resolution", body)[0] == 409
    assert call("water", "POST", f"{where}/reopening", {"reason": "not yet"})[1]["reopened"] == 1
    case = call("auditor", "GET", f"{where}/case")[1]
    assert [one["text"] for one in case["given"]] == ["कल देखेंगे", "ठीक हो गया"]
    assert call("auditor", "POST", f"{where}/answer", {"text": "x"})[0] == 403


def test_joining_hiding_and_taking_parts_out_over_http(call: Call) -> None:
    main, twin = spoken("e1"), spoken("e2")
    joined = call("water", "POST", f"/v1/voices/{twin}/merge", {"into": main, "reason": "the same"})
    assert joined[1]["shelf"] == "joined"
    assert call("water", "GET", f"/v1/voices/{main}/case")[1]["joined"] == [twin]
    assert call("water", "POST", f"/v1/voices/{twin}/parting", {"reason": "another"})[1]["shelf"] == "open"
    assert call("water", "POST", f"/v1/voices/{twin}/abuse", {"reason": "threats"})[1]["shelf"] == "hidden"
    assert call("water", "GET", "/v1/voices?status=hidden")[1]["items"][0]["id"] == twin
    assert call("water", "DELETE", f"/v1/voices/{twin}/abuse")[1]["shelf"] == "open"
    key = call("water", "GET", f"/v1/voices/{main}/case")[1]["said"][0]["key"]
    taken = {"key": key, "parts": ["गाँव"]}
    assert call("water", "POST", f"/v1/voices/{main}/redaction", taken)[0] == 200
    assert "गाँव" not in json.dumps(call("water", "GET", f"/v1/voices/{main}/case")[1], ensure_ascii=False)
    for number in ("0", "x", "-1", "99999"):
        assert call("water", "GET", f"/v1/voices/{main}/attachments/{number}")[0] == 404


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("rules", {"rules": [{"id": "a", "department": "nowhere"}]}, "rules.0.department"),
        ("rules", {"rules": [{"id": "a"}]}, "rules.0.department"),
        ("rules", {"rules": [{"id": "a", "means": "problem"}] * 2}, "rules.1.id"),
        ("rules", {"rules": [{"id": "a", "means": "problem", "areas": ["D404"]}]}, "rules.0.areas.0"),
        ("targets", {"targets": [{"answer_hours": 0, "resolve_hours": 1}]}, "targets.0.answer_hours"),
        (
            "targets",
            {"targets": [{"department": "x", "answer_hours": 1, "resolve_hours": 1}]},
            "targets.0.department",
        ),
        ("holidays", {"holidays": [{"day": "2026-02-30"}]}, "holidays.0.day"),
        ("holidays", {"holidays": [{"day": "2026-01-26", "states": ["IN-YY"]}]}, "holidays"),
        ("holidays", {"days": [9]}, ""),
    ],
)
def test_what_cannot_be_a_setting_is_refused_by_field(call: Call, path: str, body: Any, field: str) -> None:
    status, problem = call("admin", "PUT", f"/v1/voices/{path}", body)
    assert (status, problem["errors"][0]["field"]) == (422, field)


def test_settings_are_read_by_who_works_with_them_and_set_by_an_admin(call: Call) -> None:
    status, kept = call("water", "GET", "/v1/voices/rules")
    assert (status, [rule["id"] for rule in kept["rules"]]) == (200, ["water", "roads", "idea"])
    assert call("water", "PUT", "/v1/voices/rules", {"rules": []})[0] == 403
    assert call("admin", "PUT", "/v1/voices/rules", {"rules": [], "version": 9})[0] == 409
    assert call("admin", "PUT", "/v1/voices/rules", {"rules": [], "version": 1})[1]["version"] == 2
    calendar = call("one", "GET", "/v1/voices/holidays")[1]
    assert (calendar["opens"], calendar["days"], calendar["version"]) == ("10:00", [0, 1, 2, 3, 4], 0)
    holiday = {"day": "2026-01-26", "name": "गणतंत्र दिवस"}
    body = {"saturdays": [1, 3, 5], "holidays": [holiday]}
    assert call("admin", "PUT", "/v1/voices/holidays", body)[1]["holidays"] == [holiday | {"states": []}]
    quick = {"targets": [{"department": "water", "answer_hours": 7, "resolve_hours": 14}]}
    assert call("admin", "PUT", "/v1/voices/targets", quick)[1]["version"] == 1
    assert call("auditor", "GET", "/v1/voices/targets")[1]["targets"][0]["answer_hours"] == 7


def test_public_counts_are_open_to_all_and_name_nobody(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("", "GET", "/v1/voices/counts")[0] == 404
    for number in range(6):
        spoken(f"e{number}")
    wiring.voice_counts().fold(wiring.clock().epoch() + 40)
    assert call("", "GET", "/v1/voices/counts")[0] == 404
    monkeypatch.setattr(Clock, "_offset_s", lambda self: 24 * 3600.0)
    status, found = call("", "GET", "/v1/voices/counts")
    assert (status, found["total"]["received"]) == (200, 6)
    assert (found["departments"][0]["id"], found["areas"][0]["id"]) == ("water", "D9001")
    assert call("", "GET", f"/v1/voices/counts?month={found['month']}")[1] == found
    assert call("", "GET", "/v1/voices/counts?month=2026-13")[0] == 422


def test_the_tick_is_wired(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    class Mute:
        def tell(self, *given: object, **named: object) -> str:
            return "accepted"

    monkeypatch.setattr(wiring, "telling", Mute)
    voice = spoken()
    call("water", "POST", f"/v1/voices/{voice}/answer", {"text": "कल"})
    assert wiring.voice_tending().tend(wiring.clock().epoch() + 40) == 1
    [told] = call("water", "GET", f"/v1/voices/{voice}/case")[1]["told"]
    assert told["step"] == "answered:1"
