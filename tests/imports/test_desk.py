"""The console's room of imports, as a browser without JavaScript uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

import pytest
from chalice.test import Client
from hypothesis import given
from hypothesis import strategies as st

import app as front_door
from chalicelib import http, wiring
from chalicelib.http import Request
from chalicelib.imports.desk import KINDS
from chalicelib.ports import ImportJob
from tests.imports.test_routes import kind, serve
from tests.imports.world import ADMIN
from tests.influencers.test_routes import KnownStaff

__all__ = ["kind"]
FILE = "code,name\n1,क\n1,ख\nx,ग\n".encode()


def multipart(fields: dict[str, str], file: bytes, boundary: str = "x-boundary") -> bytes:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n'
    parts.append(f"{head}Content-Type: text/csv\r\n\r\n".encode() + file + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


@dataclass
class Desk:
    client: Client
    status: int = 0
    text: str = ""
    place: str = ""

    def ask(
        self, method: str, path: str, who: str = "admin", body: bytes = b"", kind: str = http.FORM
    ) -> str:
        headers = {"Authorization": f"Bearer {who}", "Content-Type": kind, "Accept-Language": "en"}
        answer = self.client.http.request(method, path, headers=headers, body=body)
        self.status, self.text = answer.status_code, answer.body.decode("utf-8-sig")
        self.place = answer.headers.get("Location", "")
        return self.text

    def get(self, path: str, who: str = "admin") -> str:
        return self.ask("GET", path, who)

    def hand_in(self, file: bytes = FILE, once: str = "once", who: str = "admin") -> str:
        sent = multipart({"once": once}, file)
        return self.ask(
            "POST", "/console/imports/new/areas", who, sent, "multipart/form-data; boundary=x-boundary"
        )


@pytest.fixture
def desk(kind, monkeypatch) -> Iterator[Desk]:
    monkeypatch.setattr(http._doors[0], "gate", KnownStaff)
    with Client(front_door.app) as client:
        yield Desk(client)


def test_a_file_is_checked_first_and_taken_over_when_somebody_says_so(desk, kind):
    assert "No file has been handed in yet" in desk.get("/console/imports")
    assert "<code>code</code>" in desk.get("/console/imports/new/areas")
    desk.hand_in()
    assert desk.status == HTTPStatus.SEE_OTHER
    job = re.search(r"imp_\w{16}", desk.place)[0]
    assert 'hx-trigger="every 2s"' in desk.get(desk.place)
    assert "is being checked" in desk.text
    serve()
    shown = desk.get(f"/console/imports/{job}")
    assert "hx-trigger" not in shown
    assert kind.stored == {}
    assert re.search(r"Row 3<.*Row 4<", shown, re.DOTALL)
    assert "the first one counts" in shown and "Please write a whole number." in shown
    assert "Row 4" in desk.get(f"/console/imports/{job}?column=code")
    assert "Row 3<" not in desk.text
    desk.ask("POST", f"/console/imports/{job}/taken")
    taken = re.search(r"imp_\w{16}", desk.place)[0]
    desk.ask("POST", f"/console/imports/{job}/taken")
    assert taken in desk.place and taken != job
    serve()
    assert kind.stored == {"1": "क"}
    assert f"/console/imports/{taken}?" in desk.get(f"/console/imports/{job}")
    assert "Take over" not in desk.text
    listed = desk.get("/console/imports")
    assert listed.index(taken) < listed.index(job) and "check only" in listed


def test_a_form_that_is_sent_twice_makes_one_job_and_another_file_another(desk):
    desk.hand_in()
    first = desk.place
    desk.hand_in()
    assert desk.place == first
    desk.hand_in(FILE + b"2,x\n")
    assert desk.place != first


def test_a_job_whose_start_was_lost_is_started_by_the_same_form(desk, monkeypatch):
    imports = wiring.imports()
    real = type(imports.files).put
    monkeypatch.setattr(type(imports.files), "put", lambda *_: (_ for _ in ()).throw(RuntimeError("lost")))
    desk.hand_in()
    assert desk.status == HTTPStatus.INTERNAL_SERVER_ERROR
    monkeypatch.setattr(type(imports.files), "put", real)
    desk.hand_in()
    assert desk.status == HTTPStatus.SEE_OTHER
    assert "waits its turn" in desk.get(desk.place)
    assert len(imports.listed(ADMIN, 9, None)[0]) == 1


def test_a_form_without_a_file_stays_as_it_was_typed(desk):
    shown = desk.hand_in(b"")
    assert desk.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Please choose a file." in shown and 'value="once"' in shown


def test_a_file_that_is_too_large_for_a_form_is_refused_with_what_to_do(desk, monkeypatch):
    monkeypatch.setattr("chalicelib.imports.service.MOST_IN_A_FORM", 10)
    assert "over the interface" in desk.hand_in()
    assert desk.status == HTTPStatus.UNPROCESSABLE_ENTITY


def test_what_somebody_may_not_import_is_not_offered_and_others_jobs_are_not_there(desk):
    desk.hand_in()
    job = desk.place
    assert "/new/areas" not in desk.get("/console/imports", "one")
    assert "/new/groups" in desk.text
    desk.get("/console/imports/new/areas", "one")
    assert desk.status == HTTPStatus.NOT_FOUND
    desk.hand_in(who="one")
    assert desk.status == HTTPStatus.NOT_FOUND
    desk.get(job, "one")
    assert desk.status == HTTPStatus.NOT_FOUND
    desk.get("/console/imports", "editor")
    assert desk.status == HTTPStatus.FORBIDDEN


def test_a_file_whose_header_is_not_found_tells_so_and_offers_another(desk):
    desk.hand_in(b"name\nx\n")
    place = desk.place
    serve()
    assert "has no column code" in desk.get(place)
    assert "Hand in another file" in desk.text


@pytest.mark.parametrize("name", KINDS)
def test_a_sample_file_has_columns_that_are_understood_and_rows_that_can_be_right(tables, name):
    found = wiring.import_kinds()[name]()
    columns = KINDS[name].sample
    assert set(columns) <= {column.name for column in found.columns}
    assert {column.name for column in found.columns if column.required} <= set(columns)
    job = ImportJob("imp_1", "usr_admin", wiring.clock().now(), {}, ADMIN, frozenset(columns))
    for cells in zip(*columns.values(), strict=True):
        found.read(dict(zip(columns, cells, strict=True)), job)


@given(st.binary(max_size=200).filter(lambda some: b"--x-boundary" not in some))
def test_the_bytes_of_a_file_arrive_as_they_were(file):
    headers = {"content-type": "multipart/form-data; boundary=x-boundary"}
    asked = Request("POST", "/", multipart({"a": "क ख"}, file), headers, {}, "en", "")
    assert asked.file("file") == file
    assert asked.form() == {"a": ["क ख"]}


@given(st.binary(max_size=300))
def test_a_broken_form_is_read_without_harm(raw):
    headers = {"content-type": "multipart/form-data; boundary=x"}
    asked = Request("POST", "/", b"--x\r\n" + raw, headers, {}, "en", "")
    asked.form(), asked.file("file")


@pytest.mark.parametrize("page", ["²", "0", "-1", "9" * 300])
def test_a_page_number_that_is_none_shows_the_first_page(desk: Desk, page: str) -> None:
    desk.hand_in()
    desk.get(f"{desk.place.partition('?')[0]}?{urlencode({'page': page})}")
    assert desk.status == HTTPStatus.OK
