"""What every page has, whoever wrote it: headers that let nothing foreign in, forms that only we may send."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from chalicelib.http import PUBLIC, ROUTES
from chalicelib.pages import shell
from local.engine import REGION, Engine
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
        fetched = re.sub(r'<link rel="(?:canonical|alternate)"[^>]+>', "", shown)
        foreign = r'<(?:script|link|img)[^>]+(?:src|href)="(?!/static/|data:image/)'
        assert not re.search(foreign, fetched), name


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


@pytest.fixture
def folder(site: Site, prepared: Engine) -> Iterator[Callable[[str, bytes], None]]:
    """Puts a file into the folder of the bucket that tells of the organisation."""
    from chalicelib import aws
    from chalicelib.pages import frame
    from chalicelib.settings import settings

    aws.client("s3").create_bucket(
        Bucket="janjan-pages", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    os.environ["BUCKET"] = "janjan-pages"

    def forget() -> None:
        settings.cache_clear()
        frame._frame.cache_clear()
        frame._read.cache_clear()

    def put(name: str, content: bytes) -> None:
        aws.client("s3").put_object(Bucket="janjan-pages", Key=f"site/{name}", Body=content)
        forget()

    yield put
    del os.environ["BUCKET"]
    forget()


PROFILE = {
    "name": {"hi": "नमूना ज़िला कार्यालय", "en": "Sample District Office"},
    "lineage": {"en": "Government of Namuna Pradesh (sample)"},
    "emblem": {"file": "emblem.png", "alt": {"en": "Emblem of the sample"}},
    "maintained_by": {"en": "the sample's press cell"},
    "contact": {"email": "office@sample.test"},
    "grievance_officer": {"name": {"en": "Rekha Sample"}, "phone": "0755 000 0000"},
    "reviewed": "2026-10-05",
}


def test_the_frame_says_whose_site_it_is_in_the_languages_in_which_it_was_told(
    site: Site, folder: Callable[[str, bytes], None]
) -> None:
    folder("emblem.png", b"\x89PNG sample")
    folder("organisation.json", json.dumps(PROFILE).encode())
    shown = page(site.get("/about/help?lang=en"))
    for said in (
        "Sample District Office",
        "Government of Namuna Pradesh (sample)",
        'alt="Emblem of the sample"',
        "data:image/png;base64,",
        "They are looked after by the sample&#39;s press cell.",
        "Last looked through on 05-10-2026.",
        'href="mailto:office@sample.test"',
        "Rekha Sample",
        'href="tel:07550000000"',
    ):
        assert said in shown, said
    assert "नमूना ज़िला कार्यालय" in page(site.get("/?lang=hi"))
    assert "Government of Namuna Pradesh (sample)" in page(site.get("/?lang=hi"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("organisation.json", b"{"),
        ("organisation.json", b'{"nmae": {}}'),
        ("organisation.json", json.dumps(PROFILE | {"emblem": {"file": "../x.svg", "alt": {}}}).encode()),
        ("organisation.json", b" " * 70_000),
    ],
    ids=["broken", "unknown word", "elsewhere", "huge"],
)
def test_a_profile_that_is_not_understood_leaves_pages_with_our_own_icon(
    site: Site, folder: Callable[[str, bytes], None], name: str, content: bytes
) -> None:
    folder(name, content)
    answer = site.get("/?lang=en")
    assert answer.status_code == 200
    assert "data:image/svg+xml;base64," in page(answer)
    assert "JanJan" in page(answer)


def test_an_emblem_that_is_missing_or_too_large_is_replaced_by_our_icon(
    site: Site, folder: Callable[[str, bytes], None]
) -> None:
    folder("organisation.json", json.dumps(PROFILE).encode())
    for content in (None, b"x" * 20_000):
        if content:
            folder("emblem.png", content)
        shown = page(site.get("/?lang=en"))
        assert "Sample District Office" in shown
        assert "image/png" not in shown
        assert "Emblem of the sample" not in shown


@pytest.mark.parametrize("name", ["accessibility", "help", "privacy", "sitemap", "terms"])
def test_the_pages_about_the_site_are_linked_from_everywhere_and_are_there(site: Site, name: str) -> None:
    assert f'href="/about/{name}?lang=hi"' in page(site.get("/signup?lang=hi"))
    assert site.get(f"/about/{name}?lang=hi").status_code == 200


def test_every_link_of_the_list_of_pages_leads_somewhere(site: Site) -> None:
    for path in re.findall(r'href="(/[^"]*)"', page(site.get("/about/sitemap?lang=en"))):
        assert site.get(path.replace("&amp;", "&")).status_code in (200, 303), path


def test_the_picture_for_the_wall_leads_to_the_form_in_its_language(site: Site) -> None:
    shown = page(site.get("/signup/qr?lang=hi"))
    assert re.search(r'<svg [^>]*viewBox="0 0 \d+ \d+"', shown)
    assert "http://127.0.0.1:8000/signup?lang=hi" in shown


def test_each_part_of_a_page_is_given_all_that_it_asks_for() -> None:
    """A list shows the way to its next page when it is long enough: what that lacks would be seen by nobody
    but who has so much."""
    environment = Environment(extensions=["jinja2.ext.i18n"])
    folder = Path(shell.__file__).with_name("templates")
    parsed = {one.name: environment.parse(one.read_text("utf-8")) for one in folder.glob("*.html")}
    macros = {name: {one.name: one for one in of.find_all(nodes.Macro)} for name, of in parsed.items()}
    lacking = []
    for template, tree in parsed.items():
        known = dict(macros[template])
        for taken in tree.find_all(nodes.FromImport):
            assert isinstance(taken.template, nodes.Const)
            for one in taken.names:
                name, called = one if isinstance(one, tuple) else (one, one)
                known[called] = macros[taken.template.value][name]
        for call in tree.find_all(nodes.Call):
            macro = known.get(call.node.name) if isinstance(call.node, nodes.Name) else None
            names = [one.name for one in macro.args] if macro else []
            asked = names[: len(names) - len(macro.defaults)] if macro else []
            given = {*names[: len(call.args)], *(one.key for one in call.kwargs)}
            lacking += [(template, call.lineno, name) for name in asked if name not in given]
    assert lacking == []
