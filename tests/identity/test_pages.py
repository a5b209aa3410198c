"""The sign-in page and the transparency page, as a browser without JavaScript uses them."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from chalice.test import Client

from chalicelib import wiring
from chalicelib.clock import rfc3339
from chalicelib.identity import service
from chalicelib.identity.chain import Head, Root
from local.users import PASSWORD
from tests.identity.test_sign_in import totp


class Browser:
    """Follows redirects, keeps the cookie, sends what a form holds."""

    def __init__(self, http) -> None:
        self.http, self.cookie, self.text, self.status, self.headers = http, "", "", 0, {}

    def open(self, path: str, method: str = "GET", body: str = "") -> str:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": self.cookie}
        answer = self.http.request(method, path, headers=headers, body=body.encode())
        if "Set-Cookie" in answer.headers:
            self.cookie = answer.headers["Set-Cookie"].split(";")[0]
        if answer.status_code == 303:
            return self.open(answer.headers["Location"])
        self.text, self.status, self.headers = answer.body.decode(), answer.status_code, answer.headers
        return self.text

    def send(self, **typed: str) -> str:
        [form] = re.findall(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', self.text, re.DOTALL)
        action, inside = form
        fields = dict(re.findall(r'<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"', inside))
        hidden = {name: html.unescape(value) for name, value in fields.items()}
        return self.open(html.unescape(action), "POST", urlencode(hidden | typed))


@pytest.fixture
def browser(office):
    from app import app

    with Client(app) as client:
        yield Browser(client.http)


def sign_in(browser: Browser, user: str, password: str = PASSWORD) -> str:
    browser.open("/signin?lang=en")
    return browser.send(username=user, password=password)


def test_somebody_signs_in_sees_who_they_are_and_signs_out(browser):
    assert "What waits for you" in sign_in(browser, "coordinator-a@sample.test")
    assert "You are signed in" in browser.open("/signin?lang=en")
    assert "Sample Coordinator A" in browser.text
    assert "Coordinator of an area" in browser.text
    assert "You are signed in" not in browser.send()
    assert browser.cookie == "janjan_session="


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ("/console/campaigns/cmp_1/report", "/console/campaigns/cmp_1/report?lang=en"),
        ("//elsewhere.example", "/console?lang=en"),
        ("/\\elsewhere.example", "/console?lang=en"),
        ("https://elsewhere.example/", "/console?lang=en"),
        ("/\t/elsewhere.example", "/console?lang=en"),  # browsers drop the tab
        ("/\n/elsewhere.example", "/console?lang=en"),
        ("/signin\r\nX: y", "/console?lang=en"),
        ("", "/console?lang=en"),
    ],
)
def test_who_was_sent_to_sign_in_is_led_back_and_never_elsewhere(office, wanted, place):
    from app import app

    body = urlencode({"username": "editor@sample.test", "password": PASSWORD}).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    path = "/signin?" + urlencode({"lang": "en", "next": wanted})
    with Client(app) as client:
        answer = client.http.request("POST", path, headers=kind, body=body)
    assert (answer.status_code, answer.headers["Location"]) == (303, place)


def test_a_wrong_password_keeps_the_address_and_not_the_password(browser):
    sign_in(browser, 'a"<b>@sample.test', "not-the-password")
    assert browser.status == 401
    assert "This e-mail address, password or code is not right." in browser.text
    assert 'value="a&#34;&lt;b&gt;@sample.test"' in browser.text
    assert "not-the-password" not in browser.text


def test_too_many_tries_are_told_on_the_page(browser, monkeypatch):
    monkeypatch.setattr(service, "TRIES_A_USER", 0)
    sign_in(browser, "editor@sample.test")
    assert browser.status == 429
    assert "Too many tries" in browser.text


def test_an_admin_sets_up_an_authenticator_and_uses_it(browser, monkeypatch):
    strict = replace(wiring.sign_in(), second_factor=True)
    monkeypatch.setattr(wiring, "sign_in", lambda: strict)
    sign_in(browser, "admin@sample.test")
    [secret] = re.findall(r"<code>(\w+)</code>", browser.text)
    assert f"secret={secret}" in browser.text
    assert secret in browser.send(code="000000")  # once more, with the same key
    assert browser.status == 401
    assert "What waits for you" in browser.send(code=totp(secret))
    browser.cookie = ""
    assert secret not in sign_in(browser, "admin@sample.test")
    assert "What waits for you" in browser.send(code=totp(secret))


def test_somebody_new_chooses_a_password(browser, office):
    office.cognito.admin_create_user(
        UserPoolId=office.env["POOL_ID"],
        Username="new@sample.test",
        TemporaryPassword="First-Password-1",
        MessageAction="SUPPRESS",
    )
    assert "New password" in sign_in(browser, "new@sample.test", "First-Password-1")
    assert "No role has been given to you yet" in browser.send(new_password="My-Own-Password-1")


def test_a_sign_in_that_goes_nowhere_can_be_started_again(browser):
    browser.open("/signin?lang=en", "POST", urlencode({"session": "enrolment-gone", "code": "1"}))
    assert browser.status == 401
    assert 'href="/signin?lang=en">Start again' in browser.text


def test_pages_load_nothing_from_elsewhere_and_are_not_kept(browser):
    browser.open("/signin")
    assert "default-src 'none'" in browser.headers["Content-Security-Policy"]
    assert browser.headers["Cache-Control"] == "no-store"
    assert "<script" not in browser.text


def test_the_transparency_page_shows_the_daily_seals(browser):
    assert "There is no seal yet" in browser.open("/transparency?lang=en")
    now = wiring.clock().now()
    for subject in ("campaign#cmp_1", "influencer#inf_1"):
        wiring.audit().committing(subject=subject, action="x.done", actor="u1", at=now)
    root = wiring.audit().seal(now)
    page = browser.open("/transparency?lang=en")
    assert root.hash in page
    year, month, day = root.date.split("-")
    assert f"<strong>{day}-{month}-{year}</strong> · Entries: 2<br>" in page


def test_anybody_can_compute_a_published_seal_again(browser):
    now = wiring.clock().now()
    wiring.audit().committing(subject="campaign#cmp_1", action="x.done", actor="u1", at=now)
    wiring.audit().seal(now)
    answer = browser.http.get("/v1/audit/roots").json_body
    [item] = answer["items"]
    heads = {chain: Head(seq, digest) for chain, (seq, digest) in item["heads"].items()}
    again = Root.over(heads, date=item["date"], sealed_at=rfc3339(now), previous=item["previous"])
    assert again.hash == item["hash"]
