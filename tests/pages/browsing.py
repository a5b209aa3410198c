"""Chromium in front of the application in this process: each request of a page is answered by app.py itself,
with what a test has put in the place of its collaborators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.pages.conftest import Site
from tests.pages.test_in_the_browser import CHROMIUM

BASE = "http://127.0.0.1:8000"
"""The public URL of a laptop: nothing listens there, every request is answered here."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's own, without a window."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@dataclass
class Visit:
    """A tab, and what it complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[tuple[str, int]] = field(default_factory=list)
    """Each address that was asked for, with the bytes of its answer over the wire, gzipped."""


@contextmanager
def visiting(browser: Browser, site: Site, **options: Any) -> Iterator[Visit]:  # noqa: ANN401
    """A tab whose every request goes to `site`."""
    context = browser.new_context(**{"base_url": BASE, **options})
    context.set_default_timeout(5000)
    visit = Visit(context.new_page())
    visit.page.on("console", lambda said: said.type == "error" and visit.complaints.append(said.text))
    visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    context.route("**/*", lambda route: answered(route, site, visit))
    yield visit
    context.close()


def answered(route: Route, site: Site, visit: Visit) -> None:
    """Lets app.py answer a request."""
    import gzip

    asked = route.request
    path = asked.url.removeprefix(BASE)
    headers = {name: value for name, value in asked.all_headers().items() if not name.startswith(":")}
    answer = site.client.http.request(asked.method, path, headers=headers, body=asked.post_data_buffer or b"")
    visit.asked.append((path, len(gzip.compress(answer.body))))
    told = {str(name): str(value) for name, value in answer.headers.items()}
    status, body = answer.status_code, answer.body
    if "Location" in told:  # what a redirect leads to would not be answered here
        status, body = 200, f'<meta http-equiv="refresh" content="0;url={told.pop("Location")}">'.encode()
        told["Content-Type"] = "text/html"
    route.fulfill(status=status, headers=told, body=body)
