"""Every page of the console over two filled districts: for everybody (WCAG 2.2 AA), on a narrow phone, with
nothing in the browser's console, and without a walk through the database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from playwright.sync_api import Browser

from chalicelib import folding
from chalicelib.http import ROUTES, Route
from tests.identity.land import Land
from tests.identity.test_two_districts import land, name_of, ways
from tests.pages.browsing import BASE, chromium, visiting
from tests.pages.conftest import Site
from tests.pages.test_accessibility import AXE, TAGS, faults
from tests.pages.test_in_the_browser import CHROMIUM, PHONE

__all__ = ["land"]

PAGES = [
    route
    for route in ROUTES
    if route.kind == "page" and route.method == "GET" and folding.is_folded(route.path)
]
FLEXED = (
    """[...document.querySelectorAll("tr")].some(row => getComputedStyle(row).display.includes("flex"))"""
)
MOST_TRIPS = 2
MORE_TRIPS = {
    "/console/campaigns/{campaign_id}/report": 8,  # a query for each shard of a run's tallies
    "/console/campaigns/{campaign_id}/officer-report": 30,  # the same for each run, and the whole audit
    "/console/stops/{scope}": 6,  # looks at each campaign that is being sent
    "/console/channels/{channel_id}": 3,  # its state, its registered templates, its stop
}
"""Pages that may ask more often, and why."""


def addresses(land: Land, route: Route) -> list[str]:
    """The page as it is asked for about the first side; nothing where there is nothing to be shown."""
    return list(dict.fromkeys(asked.path for asked in ways(route, land.a)))[:1]


@pytest.mark.slow
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="the system has no Chromium")
@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm is missing")
@pytest.mark.parametrize("lang", ["en", "hi"])
def test_every_page_of_the_console_is_for_everybody(land: Land, lang: str) -> None:
    site = Site(land.client)
    with chromium() as browser:
        found = judged(browser, land, site, lang)
    assert found == [], "\n".join(found)


def judged(browser: Browser, land: Land, site: Site, lang: str) -> list[str]:
    """What axe-core, the browser's console and the width complain of; in English in dark colours as well."""
    found: list[str] = []
    with visiting(browser, site, viewport=PHONE) as visit:
        visit.page.context.add_init_script(path=AXE)
        visit.page.context.add_cookies([{"name": "janjan_session", "value": "admin", "url": BASE}])
        for route in PAGES:
            for path in addresses(land, route):
                first = land.call("admin", "GET", path)
                found += [f"{path}: {first.status}"] if first.status >= 500 else []
                if first.status != 200 or "<main" not in first.text:
                    continue  # a file, a part of a page, a way to elsewhere, or what the sides have none of
                visit.complaints.clear()
                where = f"{path} in {lang}"
                visit.page.goto(f"{path}?lang={lang}")
                found += faults(visit, where, {"runOnly": TAGS})
                wide = visit.page.evaluate("document.documentElement.scrollWidth")
                found += [f"{where}: {wide} px wide"] if wide > PHONE["width"] else []
                found += [f"{where}: {said}" for said in visit.complaints]
                flexed = visit.page.evaluate(FLEXED)
                found += [f"{where}: a row of a table has lost its columns"] if flexed else []
                if lang == "en":
                    visit.page.emulate_media(color_scheme="dark")
                    found += faults(visit, f"{where}, dark", {"runOnly": ["color-contrast"]})
                    visit.page.emulate_media(color_scheme="light")
    return found


@contextmanager
def counted() -> Iterator[list[str]]:
    """The calls to DynamoDB one after the other: what other threads ask meanwhile is not waited for twice."""
    asked: list[str] = []
    plain, here = BaseClient._make_api_call, threading.get_ident()

    def call(self: Any, operation: str, params: Any) -> Any:  # noqa: ANN401
        if self.meta.service_model.service_name == "dynamodb" and threading.get_ident() == here:
            asked.append(f"{operation} {params.get('TableName') or list(params.get('RequestItems', {}))}")
        return plain(self, operation, params)

    BaseClient._make_api_call = call
    try:
        yield asked
    finally:
        BaseClient._make_api_call = plain


@pytest.mark.parametrize("route", PAGES, ids=name_of)
def test_a_page_asks_the_database_at_most_twice(land: Land, route: Route) -> None:
    for path in addresses(land, route):
        if land.call("admin", "GET", path).status >= 400:
            continue
        with counted() as asked:
            land.call("admin", "GET", path)
        assert len(asked) <= MORE_TRIPS.get(route.path, MOST_TRIPS), (path, asked)
