"""The HTTP layer alone: strict bodies, problems by field, who may call, forms, idempotency, cursors."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import pytest
from botocore.exceptions import ConnectionClosedError
from chalice.app import Chalice
from chalice.test import Client
from pydantic import Field, ValidationError

from chalicelib import aws, http
from chalicelib.errors import Conflict, Forbidden, NotFound, TooLarge, Transient, Unauthenticated
from chalicelib.http import PUBLIC, Api, Doors, Request, invalid
from chalicelib.ops import Idempotency
from chalicelib.shapes import Strict, View
from tests.dispatch.world import MovingClock

JSON = {"Content-Type": "application/json"}


class Body(Strict):
    name: str = Field(min_length=2)
    count: int = 1


class Answer(View):
    id: str
    name: str
    secret: str = "only for the first"


class Query(Strict):
    limit: int = Field(default=10, le=20)


@dataclass
class Who:
    id: str


class Guard:
    def principal(self, bearer: str) -> Who:
        if bearer not in ("editor", "auditor"):
            raise Unauthenticated
        return Who(bearer)

    def require(self, principal: Who, action: str) -> None:
        if principal.id != "editor":
            raise Forbidden


@dataclass
class Calls:
    made: list[object] = field(default_factory=list)
    fail: BaseException | None = None

    def note(self, what: object) -> None:
        self.made.append(what)
        if self.fail is not None:
            raise self.fail


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def client(monkeypatch, calls, clock):
    monkeypatch.setattr(http, "ROUTES", [])
    once = Idempotency(clock)
    doors = Doors(Guard, lambda: once, lambda: "key", lambda: "https://janjan.example")
    monkeypatch.setattr(http, "_doors", [doors])
    api = Api("sample")

    @api.post("/v1/open", allow=PUBLIC, body=Body, answer=Answer, status=201, summary="open")
    def open_one(request: Request, body: Body) -> Answer:
        calls.note(body.name)
        return Answer(id=f"id-{len(calls.made)}", name=body.name)

    @api.post("/v1/guarded/{one}", allow="sample.write", body=Body, answer=Answer, summary="guarded")
    def guarded(request: Request, one: str, body: Body) -> Answer:
        calls.note((request.principal.id, one))
        return Answer(id=one, name=body.name)

    @api.get("/v1/list", allow=PUBLIC, query=Query, summary="list")
    def listed(request: Request, query: Query) -> dict[str, object]:
        return {"limit": query.limit, "lang": request.lang, "ip": request.source_ip}

    @api.get("/v1/plain", allow=PUBLIC, summary="no query")
    def plain(request: Request) -> dict[str, object]:
        return {"who": request.principal.id}

    @api.page("POST", "/form", allow=PUBLIC, summary="form")
    def form(request: Request) -> object:
        calls.note(request.form())
        return http.redirect("/done")

    @api.page("GET", "/mine", allow="sample.write", summary="page")
    def mine(request: Request) -> object:
        calls.note("mine")
        return http.html("<p>mine</p>")

    app = Chalice("sample", configure_logs=False)
    app.register_blueprint(api.blueprint)
    with Client(app) as made:
        yield made.http


def post(client, path="/v1/open", body=None, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.request("POST", path, headers=JSON | headers, body=raw)


def problem(answer) -> dict:
    assert answer.headers["Content-Type"] == "application/problem+json"
    found = json.loads(answer.body)
    assert found["status"] == answer.status_code
    return found


def test_a_good_body_reaches_the_view_and_its_answer_comes_back(client):
    answer = post(client, body={"name": " राम "})
    assert answer.status_code == 201
    assert json.loads(answer.body)["name"] == "राम"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe", b"[1]", b'"text"', b"[" * 100_000])
def test_what_is_no_json_object_is_a_clear_400(client, calls, raw):
    assert problem(post(client, body=raw))["title"] == "malformed body"
    assert calls.made == []


def test_every_broken_field_is_named_with_what_to_do(client):
    found = problem(post(client, body={"name": "x", "count": "many", "colour": 1}))
    assert {(e["field"], e["code"]) for e in found["errors"]} == {
        ("name", "string_too_short"),
        ("count", "int_parsing"),
        ("colour", "extra_forbidden"),
    }
    assert "at least 2" in next(e["message"] for e in found["errors"] if e["field"] == "name")


def test_problems_speak_the_asked_language(client):
    hindi = problem(client.request("POST", "/v1/open?lang=hi", headers=JSON, body=b"{}"))
    english = problem(post(client, body={}, **{"Accept-Language": "fr;q=0.9, en;q=0.5"}))
    weighed = problem(post(client, body={}, **{"Accept-Language": "en; q=0.1, hi; q=0.9"}))
    assert weighed == hindi
    assert hindi["errors"][0]["message"] != english["errors"][0]["message"]
    assert any("\u0900" <= letter <= "\u097f" for letter in hindi["detail"])


def test_a_body_that_is_no_message_but_a_list_for_a_file_is_refused_whole(client, calls):
    body = {"name": "x" * http.LONGEST_JSON}
    found = problem(post(client, body=body))
    assert (found["status"], found["title"]) == (413, "too large")
    assert "2 MB" in found["detail"]
    assert calls.made == []


def test_however_much_is_wrong_the_answer_stays_short(client):
    found = problem(post(client, body={f"field_{n}": 1 for n in range(5000)}))
    assert len(found["errors"]) == http.MOST_ERRORS


def parts(count: int, more: bytes = b"") -> bytes:
    one = b'--x\r\nContent-Disposition: form-data; name="a"\r\n' + more + b"\r\n1\r\n"
    return one * count + b"--x--\r\n"


FORMS = {http.FORM: lambda count: b"&".join([b"a=1"] * count), f"{http.FILE_FORM}; boundary=x": parts}


@pytest.mark.parametrize("kind", FORMS)
def test_a_form_with_as_many_fields_as_any_page_has_is_taken_and_one_more_is_refused(client, calls, kind):
    of = FORMS[kind]
    headers = {"Content-Type": kind, "Accept-Language": "en"}
    request = http.Request("POST", "/", of(http.MOST_FIELDS), {"content-type": kind}, {}, "en", "")
    assert request.form() == {"a": ["1"] * http.MOST_FIELDS}
    request.raw = of(http.MOST_FIELDS + 1)
    with pytest.raises(TooLarge):
        request.form()
    if kind == http.FORM:  # the page of this test takes no files
        answer = client.post("/form", headers=headers, body=request.raw)
        assert (answer.status_code, answer.headers["Content-Type"]) == (413, "text/html; charset=utf-8")
        assert "5000 fields" in answer.body.decode()
    assert calls.made == []


def test_parts_of_a_form_are_never_looked_into_further(monkeypatch):
    """A part that has a million parts, or a million headers, costs what its bytes cost."""
    kind = {"content-type": f"{http.FILE_FORM}; boundary=x"}
    inner = b"Content-Type: multipart/mixed; boundary=y\r\n"
    body = b"--x\r\nContent-Disposition: form-data; name=a\r\n" + inner + b"\r\n" + b"--y\r\n\r\n1\r\n" * 3
    assert http.Request("POST", "/", body + b"\r\n--x--", kind, {}, "en", "").form() == {
        "a": ["--y\r\n\r\n1\r\n" * 3]
    }
    many = http.Request("POST", "/", parts(1, b"A: b\r\n" * http.LONGEST_HEAD), kind, {}, "en", "")
    assert many.form() == {}


def test_a_form_in_another_encoding_is_refused_in_words_about_forms(client):
    answer = client.post("/form?lang=en", headers={"Content-Type": http.FORM}, body=b"a=\xff\xfe")
    assert answer.status_code == 400
    assert "JSON" not in answer.body.decode()


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        ("क" * 999_000, True),
        ("क" * 1_001_000, False),
        ("x" * 5_900_000, True),
        ("x" * 6_100_000, False),
        (b"x" * 4_400_000, True),
        (b"x" * 4_600_000, False),
    ],
    ids=["hindi", "too much hindi", "text", "too much text", "file", "too large a file"],
)
def test_an_answer_that_cannot_be_handed_over_is_an_error_in_words(client, monkeypatch, body, fits):
    """As AWS counts: 6 MB of JSON, a letter of another script as six, a file in base64."""
    made = http.ChaliceResponse(body, dict(http.SAFE_HEADERS), 200)
    if fits:
        assert http._fitting(made) is made
        return
    with pytest.raises(TooLarge, match="ask for less"):
        http._fitting(made)


def test_query_parameters_are_read_checked_and_refused_by_name(client):
    assert json.loads(client.get("/v1/list?limit=7&lang=en").body)["limit"] == 7
    assert problem(client.get("/v1/list?limit=70"))["errors"][0]["field"] == "limit"
    assert problem(client.get("/v1/list?colour=red"))["errors"][0]["field"] == "colour"
    assert problem(client.get("/v1/plain?colour=red"))["errors"][0]["code"] == "extra_forbidden"


def test_a_public_view_that_asks_for_the_caller_says_sign_in(client):
    assert problem(client.get("/v1/plain"))["status"] == 401


def test_strangers_the_wrong_role_and_the_right_one(client, calls):
    body = {"name": "ab"}
    assert problem(post(client, "/v1/guarded/7", body))["status"] == 401
    assert problem(post(client, "/v1/guarded/7", body, Authorization="Bearer forged"))["status"] == 401
    assert problem(post(client, "/v1/guarded/7", body, Authorization="Basic editor"))["status"] == 401
    assert problem(post(client, "/v1/guarded/7", body, Authorization="Bearer auditor"))["status"] == 403
    assert calls.made == []
    assert post(client, "/v1/guarded/7", body, Authorization="bearer editor").status_code == 200
    assert calls.made == [("editor", "7")]


def test_a_stranger_is_told_to_sign_in_before_the_body_is_read(client):
    assert problem(post(client, "/v1/guarded/7", b"{"))["status"] == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_form_or_a_session_write_from_another_site_is_refused(client, calls, origin):
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin}
    assert client.request("POST", "/form", headers=form, body=b"a=1").status_code == 403
    session = {"Cookie": "janjan_session=editor", "Origin": origin}
    assert post(client, "/v1/guarded/7", {"name": "ab"}, **session).status_code == 403
    assert calls.made == []


def test_our_own_form_and_an_old_phone_without_an_origin_are_taken(client, calls):
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    ours = kind | {"Origin": "https://janjan.example"}
    assert client.request("POST", "/form", headers=ours, body="a=क&a=ख&b=".encode()).status_code == 303
    assert client.request("POST", "/form", headers=kind, body=b"").status_code == 303
    assert calls.made == [{"a": ["क", "ख"], "b": [""]}, {}]


def test_a_page_sends_a_stranger_to_sign_in_and_back(client, calls):
    answer = client.get("/mine?lang=en")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/signin?lang=en&next=%2Fmine"
    answer = client.get("/mine", headers={"Cookie": "x=1; janjan_session=editor"})
    assert (answer.status_code, calls.made) == (200, ["mine"])
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_an_error_of_a_page_is_a_page(client, calls):
    calls.fail = NotFound()
    answer = client.get("/mine?lang=en", headers={"Cookie": "janjan_session=editor"})
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


def test_an_unexpected_error_tells_nothing_of_itself(client, calls, capsys):
    calls.fail = RuntimeError("the secret of the house")
    answer = post(client, body={"name": "ab"})
    assert problem(answer)["title"] == "internal"
    assert b"secret of the house" not in answer.body


def test_a_wait_is_told_in_a_header(client, calls):
    calls.fail = Transient(retry_after_s=7)
    answer = post(client, body={"name": "ab"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")


def listing(path="/v1/people", **query):
    return Request("GET", path, b"", {}, query, "en", "203.0.113.5")


def test_a_cursor_reads_back_and_a_forged_one_is_refused(client):
    cursor = http.next_cursor(listing(area="D1"), {"after": "क", "n": 2})
    again = listing(area="D1", limit="9", lang="hi", cursor=cursor)
    assert http.read_cursor(again) == {"after": "क", "n": 2}
    assert http.read_cursor(listing()) is None
    assert http.next_cursor(listing(), None) is None
    for forged in (cursor[:-1], cursor.replace(".", "x."), "x", ".", "é.é"):
        with pytest.raises(http.InvalidInput):
            http.read_cursor(listing(area="D1", cursor=forged))


@pytest.mark.parametrize("other", [{"area": "D2"}, {}, {"path": "/v1/posts", "area": "D1"}])
def test_a_cursor_of_another_list_or_filter_is_refused(client, other):
    cursor = http.next_cursor(listing(area="D1"), {"after": "x"})
    with pytest.raises(http.InvalidInput):
        http.read_cursor(listing(**other, cursor=cursor))


def pages(found, limit, **how):
    """All pages of a list, each asked for with the cursor of the one before; `found` is asked for anew."""
    cursor: dict[str, str] = {}
    for _ in range(10):
        page, more = http.page_of(listing(**cursor), limit, found(), **how)
        yield page
        if more is None:
            return
        cursor = {"cursor": more}
    raise AssertionError("the list does not end")


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
@pytest.mark.parametrize("latest_first", [False, True])
def test_pages_of_a_list_hold_each_item_once_and_in_order(client, limit, latest_first):
    held = list(pages(lambda: [3, 1, 12, 2, 5, 4], limit, place=lambda n: n, latest_first=latest_first))
    assert [n for page in held for n in page] == sorted([3, 1, 12, 2, 5, 4], reverse=latest_first)
    assert all(len(page) == limit for page in held[:-1]) and held[-1]


def test_an_empty_list_is_one_page(client):
    assert list(pages(list, 5, place=lambda n: n)) == [[]]


def test_what_comes_and_goes_between_two_pages_costs_no_other_item_its_place(client):
    left = iter([["b", "d", "f", "h"], ["a", "f", "h"], ["a", "g", "h"]])  # a and d come and go
    assert list(pages(lambda: next(left), 2, place=lambda n: n)) == [["b", "d"], ["f", "h"]]


# --- idempotency


@pytest.mark.usefixtures("tables")
class TestIdempotency:
    KEY = {"Idempotency-Key": "k-1", "Authorization": "Bearer editor"}

    def test_a_repeated_write_runs_once_and_answers_the_same(self, client, calls):
        first, again = (post(client, "/v1/guarded/7", {"name": "ab"}, **self.KEY) for _ in range(2))
        assert first.body == again.body
        assert again.headers["Idempotent-Replayed"] == "true"
        assert len(calls.made) == 1

    def test_another_body_is_refused_and_another_path_or_caller_is_another_write(self, client, calls):
        post(client, "/v1/guarded/7", {"name": "ab"}, **self.KEY)
        refused = problem(post(client, "/v1/guarded/7", {"name": "xy"}, **self.KEY))
        assert (refused["status"], refused["title"]) == (422, "idempotency key reused")
        assert post(client, "/v1/guarded/8", {"name": "ab"}, **self.KEY).status_code == 200
        assert post(client, "/v1/open", {"name": "ab"}, **{"Idempotency-Key": "k-1"}).status_code == 201
        assert len(calls.made) == 3

    def test_a_write_that_was_refused_may_be_tried_again_with_the_same_key(self, client, calls):
        calls.fail = Conflict()
        assert post(client, "/v1/guarded/7", {"name": "ab"}, **self.KEY).status_code == 409
        calls.fail = None
        assert post(client, "/v1/guarded/7", {"name": "ab"}, **self.KEY).status_code == 200

    def test_a_write_that_died_halfway_is_still_running_for_a_minute(self, client, calls, clock):
        calls.fail = RuntimeError("died")
        post(client, "/v1/guarded/7", {"name": "ab"}, **self.KEY)
        calls.fail = None
        answer = post(client, "/v1/guarded/7", {"name": "ab"}, **self.KEY)
        assert (answer.status_code, problem(answer)["title"]) == (409, "still running")
        assert int(answer.headers["Retry-After"]) >= 1
        clock.move(61)
        assert post(client, "/v1/guarded/7", {"name": "ab"}, **self.KEY).status_code == 200

    def test_a_repeated_anonymous_write_tells_no_more_than_the_id(self, client, calls):
        key = {"Idempotency-Key": "k-1"}
        first, again = (post(client, body={"name": "ab"}, **key) for _ in range(2))
        assert "secret" in json.loads(first.body)
        assert json.loads(again.body) == {"id": "id-1"}
        assert again.status_code == 201
        assert len(calls.made) == 1

    def test_a_key_whose_own_answer_was_lost_is_recognised_and_the_write_goes_on(self, client, calls):
        dynamodb, lost = aws.client("dynamodb"), []

        def lose_the_first_answer(request, **_):
            if not lost:
                lost.append(request.url)
                dynamodb._endpoint.http_session.send(request)  # committed
                raise ConnectionClosedError(endpoint_url=request.url)

        dynamodb.meta.events.register("before-send.dynamodb.PutItem", lose_the_first_answer)
        assert post(client, "/v1/guarded/7", {"name": "ab"}, **self.KEY).status_code == 200
        assert lost and len(calls.made) == 1

    def test_a_write_that_stands_is_answered_even_when_its_answer_cannot_be_kept(
        self, client, calls, monkeypatch
    ):
        def throttled(*_):
            raise Transient

        monkeypatch.setattr(Idempotency, "done", throttled)
        assert post(client, "/v1/guarded/7", {"name": "ab"}, **self.KEY).status_code == 200
        assert post(client, "/v1/guarded/7", {"name": "ab"}, **self.KEY).status_code == 409
        assert len(calls.made) == 1

    def test_after_a_day_the_key_is_forgotten(self, client, calls, clock):
        post(client, "/v1/guarded/7", {"name": "ab"}, **self.KEY)
        clock.move(24 * 3600 + 1)
        post(client, "/v1/guarded/7", {"name": "xy"}, **self.KEY)
        assert len(calls.made) == 2


def test_what_was_left_empty_is_to_be_filled_in_whatever_rule_it_breaks() -> None:
    class Asked(Strict):
        title: str = Field(min_length=1)
        day: date
        kind: Literal["a", "b"]
        areas: list[str] = Field(min_length=1)
        code: str = Field(pattern="^x$")

    with pytest.raises(ValidationError) as empty:
        Asked.model_validate({"title": "", "day": "", "kind": "", "areas": [], "code": ""})
    assert {one.message for one in invalid(empty.value).errors} == {"Please fill in this field."}
    with pytest.raises(ValidationError) as wrong:
        Asked.model_validate({"title": "x", "day": "y", "kind": "c", "areas": ["z"], "code": "y"})
    assert "Please fill in this field." not in {one.message for one in invalid(wrong.value).errors}
    with pytest.raises(ValidationError) as strange:
        Asked.model_validate(
            {"title": "x", "day": "2026-01-31", "kind": "a", "areas": ["z"], "code": "x", "titel": ""}
        )
    assert [(one.field, one.message) for one in invalid(strange.value).errors] == [
        ("titel", "This field is not known. Check its name.")
    ]
