"""Departments over HTTP: what is open, what is masked, what is refused."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from chalice.test import Client

from chalicelib import http, wiring
from local.config import platform_secret
from tests.departments.world import ADMIN, COORDINATOR, ROADS, WATER

STAFF = {"admin": ADMIN, "water": WATER, "roads": ROADS, "coordinator": COORDINATOR}
Call = Callable[..., tuple[int, Any]]
TEXT = {"name": "नमूना", "who": "हर घर", "how": "पंचायत में"}


class DoorKeeper:
    """Knows the staff by their first name; the matrix of roles is the real one."""

    def principal(self, bearer: str) -> Any:
        return STAFF[bearer]

    def require(self, principal: Any, action: str) -> None:
        if not principal.may(action):
            raise http.Forbidden


@pytest.fixture
def call(tables: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    """`call("admin", "POST", "/v1/directives", {…})` gives status and JSON; "" is anybody."""
    secret = json.dumps(platform_secret())
    boto3.client("secretsmanager").create_secret(Name="janjan/local/platforms", SecretString=secret)
    from app import app

    [doors] = http._doors
    monkeypatch.setattr(http, "_doors", [dataclasses.replace(doors, gate=DoorKeeper)])
    for department in ("water", "roads"):
        wiring.directory().put_department(department, {"en": department.title()})
    with Client(app) as client:

        def call(who: str, method: str, path: str, body: object = None, **more: str) -> tuple[int, Any]:
            sent = {"Content-Type": "application/json"} | more
            sent |= {"Authorization": f"Bearer {who}"} if who else {}
            raw = b"" if body is None else json.dumps(body).encode()
            answer = client.http.request(method, path, headers=sent, body=raw)
            if answer.headers.get("Content-Type", "").startswith("text/csv"):
                return answer.status_code, answer.body.decode()
            return answer.status_code, json.loads(answer.body) if answer.body else None

        yield call


def test_officers_are_masked_and_revealed_over_http(call: Call) -> None:
    where = "/v1/departments/water/officers"
    person = {"begins": "2026-01-01", "name": "आशा नमूना", "phone": "८१२३४५६७८९", "email": "a@x.test"}
    status, made = call("admin", "POST", where, person)
    assert (status, made["phone"], made["email"], made["ends"]) == (201, "+91******6789", "a***@x.test", None)
    status, roster = call("coordinator", "GET", where)
    assert (status, roster["officer"]["holder"]) == (200, made)
    assert roster["deputy"] == {"holder": None, "vacant": True, "vacant_since": None}
    assert call("water", "POST", f"{where}/{made['id']}/reveal", {})[1]["phone"] == "+918123456789"
    assert call("coordinator", "POST", f"{where}/{made['id']}/reveal", {})[0] == 403
    assert call("roads", "GET", where)[0] == 403
    assert call("", "GET", where)[0] == 401
    status, changed = call(
        "admin", "PATCH", f"{where}/{made['id']}", {"designation": "Engineer", "email": ""}
    )
    assert (status, changed["designation"], changed["email"]) == (200, "Engineer", "")
    status, ended = call("admin", "POST", f"{where}/{made['id']}/end", {"on": "2026-01-31"})
    assert (status, ended["ends"], ended["phone"]) == (200, "2026-01-31", "")
    assert call("admin", "GET", where)[1]["officer"]["vacant_since"] == "2026-01-31"


def test_an_appointment_that_is_sent_twice_is_made_once_and_answered_as_it_is_now(call: Call) -> None:
    where, person = "/v1/departments/water/officers", {"begins": "2026-01-01", "name": "आशा नमूना"}
    key = {"Idempotency-Key": "once"}
    _, made = call("admin", "POST", where, person, **key)
    call("admin", "PATCH", f"{where}/{made['id']}", {"designation": "Engineer"})
    assert call("admin", "POST", where, person, **key) == (201, made | {"designation": "Engineer"})
    assert len(call("admin", "GET", where)[1]["history"]) == 1


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"phone": "12345"}, "phone"),
        ({"email": "nobody"}, "email"),
        ({"name": ""}, "name"),
        ({"begins": "0001-01-01"}, "begins"),
        ({"seat": "king"}, "seat"),
    ],
)
def test_what_cannot_be_an_officer_is_refused_by_field(call: Call, more: dict[str, str], field: str) -> None:
    body = {"begins": "2026-01-01", "name": "आशा नमूना"} | more
    status, problem = call("admin", "POST", "/v1/departments/water/officers", body)
    assert (status, [one["field"] for one in problem["errors"]]) == (422, [field])


def test_a_directive_goes_its_way_over_http(call: Call) -> None:
    told = {"title": "x", "text": "y", "issued_by": "z", "due_on": "2031-01-31", "departments": ["water"]}
    status, made = call("admin", "POST", "/v1/directives", told)
    assert (status, made["overdue"], made["orders"][0]["state"]) == (201, False, "open")
    where = f"/v1/directives/{made['id']}"
    assert call("roads", "GET", where)[0] == 404
    assert call("coordinator", "GET", "/v1/directives")[0] == 403
    status, seen = call("water", "POST", f"{where}/acknowledgement", {"department": "water", "note": "ok"})
    assert (status, seen["orders"][0]["state"], seen["orders"][0]["late"]) == (200, "acknowledged", False)
    assert [one["id"] for one in call("water", "GET", "/v1/directives")[1]["items"]] == [made["id"]]
    assert call("admin", "GET", "/v1/directives?department=water&state=open")[1]["items"] == []
    assert call("admin", "POST", f"{where}/withdrawal", {"reason": "a slip"})[1]["reason"] == "a slip"
    assert call("roads", "GET", "/v1/directives")[1] == {"items": [], "next": None}


def test_a_directives_table_holds_no_formula_and_no_other_department(call: Call) -> None:
    both = ["roads", "water"]
    told = {"title": "=1+1", "text": "y", "issued_by": "z", "due_on": "2020-01-31", "departments": both}
    made = call("admin", "POST", "/v1/directives", told | {"issued_on": "2020-01-01"})[1]
    note = {"department": "water", "note": '@SUM(1), "x"'}
    call("water", "POST", f"/v1/directives/{made['id']}/acknowledgement", note)
    where = f"/v1/directives/{made['id']}/orders.csv"
    status, text = call("admin", "GET", where)
    assert text.startswith("\ufeff")
    roads, water = csv.DictReader(io.StringIO(text[1:]))
    assert (status, roads["state"], water["state"]) == (200, "overdue", "acknowledged")
    assert (water["note"], water["title"], water["late"]) == ('\'@SUM(1), "x"', "'=1+1", "yes")
    assert "roads" not in call("water", "GET", where)[1]
    assert call("coordinator", "GET", where)[0] == 403


def test_schemes_are_open_to_read_and_written_by_staff(call: Call) -> None:
    given = {"department": "water", "texts": {"hi": TEXT}, "link": "https://example.org/x"}
    assert call("", "POST", "/v1/schemes", given)[0] == 401
    status, made = call("water", "POST", "/v1/schemes", given)
    assert (status, made["validity"]) == (201, "current")
    assert made["progress"] == {"as_of": None, "age_days": None, "stale": False}
    where = f"/v1/schemes/{made['id']}"
    word = {"texts": {"hi": {"text": "x"}}, "as_of": "2026-02-01", "source": "नमूना"}
    assert call("water", "POST", f"{where}/progress", word)[0] == 201
    status, shown = call("", "GET", where)
    assert (status, shown["progress"]["as_of"]) == (200, "2026-02-01")
    status, words = call("", "GET", f"{where}/progress")
    assert (status, [list(one) for one in words["items"]]) == (
        200,
        [["id", "texts", "as_of", "source", "at"]],
    )
    assert call("roads", "PATCH", where, {"link": ""})[0] == 403
    status, changed = call("water", "PATCH", where, {"valid_until": "2026-02-28"})
    assert (status, changed["validity"]) == (200, "ended")
    assert [one["id"] for one in call("", "GET", "/v1/schemes?validity=ended")[1]["items"]] == [made["id"]]
    assert call("water", "PATCH", where, {"department": None})[0] == 422
    assert call("", "GET", "/v1/schemes/sch_none")[0] == 404


def test_cards_over_http(call: Call) -> None:
    wiring.directory().put_theme("health", {"hi": "स्वास्थ्य"})
    texts = {"hi": {"myth": "x", "answer": "y"}}
    given = {"department": "water", "theme": "health", "texts": texts}
    status, made = call("water", "POST", "/v1/cards", given)
    assert status == 201
    where = f"/v1/cards/{made['id']}"
    assert call("water", "PUT", where, given)[1]["rev"] == 2
    assert call("coordinator", "GET", "/v1/cards?theme=health&language=hi")[1]["items"][0]["id"] == made["id"]
    assert call("roads", "GET", where)[0] == 404
    assert call("coordinator", "DELETE", where)[0] == 403
    assert call("water", "DELETE", where) == (204, None)
    status, problem = call("water", "POST", "/v1/cards", {"department": "water", "texts": texts})
    assert (status, problem["errors"][0]["code"]) == (422, "missing")


def test_accounts_of_departments_over_http(call: Call) -> None:
    where = "/v1/departments/water/handles"
    status, made = call("water", "POST", where, {"platform": "x", "handle": "https://x.com/Jal_Vibhag"})
    assert (status, made["handle"], made["proof"], made["contested"]) == (201, "jal_vibhag", "stated", False)
    assert call("", "GET", "/v1/departments/water") == (
        200,
        {"id": "water", "names": {"en": "Water"}, "handles": []},
    )
    assert call("", "GET", "/v1/departments/moon")[0] == 404
    assert [one["id"] for one in call("coordinator", "GET", where)[1]["handles"]] == [made["id"]]
    assert call("roads", "GET", where)[0] == 403
    status, challenge = call("water", "POST", f"{where}/{made['id']}/proof", {})
    assert (status, challenge["handle"], challenge["ways"][-1]["way"]) == (200, "jal_vibhag", "message")
    status, table = call("water", "GET", "/v1/departments/coverage")
    assert (status, table["departments"], table["vacant"]) == (200, 1, 1)
    assert table["items"][0]["platforms"]["x"] == "stated"
    status, table = call("admin", "GET", "/v1/departments/coverage?limit=1")
    assert (status, table["items"][0]["department"]) == (200, "roads")
    assert table["totals"]["x"] == {"none": 1, "stated": 1}
    status, more = call("admin", "GET", f"/v1/departments/coverage?limit=1&cursor={table['next']}")
    assert (status, more["items"][0]["department"], more["next"]) == (200, "water", None)
    status, problem = call("water", "POST", where, {"platform": "x", "handle": "https://t.me/jal"})
    assert (status, [one["field"] for one in problem["errors"]]) == (422, ["handle"])
    assert call("water", "DELETE", f"{where}/{made['id']}") == (204, None)
    assert call("water", "DELETE", f"{where}/{made['id']}")[0] == 404
