"""What every page has, whoever wrote it: headers that let nothing foreign in, forms that only we may send."""

from __future__ import annotations

import re

import pytest

from chalicelib.http import PUBLIC, ROUTES
from tests.pages.conftest import Site
from tests.pages.test_signup_page import GOOD, page

PAGES = [route for route in ROUTES if route.kind == "page" and not route.path.startswith("/static")]
NAMES = [f"{route.method} {route.path}" for route in PAGES]
FORMS = [route for route in PAGES if route.method == "POST"]


def address_of(path: str) -> str:
    return re.sub(r"\{\w+\}", "x", path)


def test_every_page_answers_with_headers_that_let_nothing_foreign_in(site: Site) -> None:
    for route, name in zip(PAGES, NAMES, strict=True):
        path = address_of(route.path)
        answer = site.get(path) if route.method == "GET" else site.post(path, [])
        if str(answer.headers.get("Content-Type", "")) == "text/plain":
            assert answer.status_code in (302, 303, 307), name  # a way to elsewhere, without a page
            continue
        told = answer.headers
        policy = dict(part.strip().partition(" ")[::2] for part in told["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'", name
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'", name
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'", name
        assert "unsafe" not in told["Content-Security-Policy"], name
        assert told["X-Content-Type-Options"] == "nosniff", name
        assert told["X-Frame-Options"] == "DENY", name
        assert told["Referrer-Policy"] == "same-origin", name
        assert told["Strict-Transport-Security"] == "max-age=31536000", name
        assert told["Cross-Origin-Opener-Policy"] == "same-origin", name
        assert told["Cache-Control"] == "no-store", name
        shown = page(answer)
        assert not re.search(r"<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=|javascript:", shown), name
        foreign = r'<(?:script|link|img)[^>]+(?:src|href)="(?!/static/|data:image/)'
        assert not re.search(foreign, shown), name


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://elsewhere.test"},
        {"origin": "null"},
        {"referer": "https://elsewhere.test/signup"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_no_form_may_be_sent_by_another_site(site: Site, headers: dict[str, str]) -> None:
    for route in FORMS:
        answer = site.post(address_of(route.path), [], **headers)
        assert answer.status_code == 403, route.path


def test_who_sends_none_of_these_headers_or_comes_from_us_is_let_in(site: Site) -> None:
    for headers in ({}, {"sec-fetch-site": "same-origin"}, {"origin": "http://127.0.0.1:8000"}):
        assert site.post("/signup?lang=en", [*GOOD, ("website", "x")], **headers).status_code == 200


def test_cookies_are_out_of_scripts_reach_and_travel_over_tls_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import http

    for url, secure in (("https://janjan.test", True), ("http://127.0.0.1:8000", False)):
        monkeypatch.setattr(http._doors[0], "public_url", lambda url=url: url)
        made = http.cookie("janjan_me", "x", max_age_s=60, same_site="Lax")
        assert "; HttpOnly; SameSite=Lax" in made
        assert made.endswith("; Secure") == secure


def test_a_page_says_what_language_it_is_in_and_what_it_is(site: Site) -> None:
    for route in PAGES:
        if route.method == "GET" and route.allow == PUBLIC:
            answer = site.get(address_of(route.path) + "?lang=hi")
            if answer.status_code < 300 or answer.status_code >= 400:
                shown = page(answer)
                assert '<html lang="hi">' in shown, route.path
                assert shown.count("<h1") == 1, route.path
                assert '<a class="skip" href="#main">' in shown, route.path
