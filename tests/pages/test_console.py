"""Every page of the console over two filled districts: for everybody (WCAG 2.2 AA), on a narrow phone, with
nothing in the browser's console, and without a walk through the database."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from chalicelib import folding
from chalicelib.http import ROUTES, Route
from chalicelib.identity.roles import Principal
from chalicelib.pages.home import TILES
from tests.identity.land import Land
from tests.identity.test_two_districts import land, name_of, ways
from tests.pages.browsing import BASE, chromium, visiting
from tests.pages.conftest import Site
from tests.pages.test_accessibility import AXE, TAGS, faults
from tests.pages.test_in_the_browser import CHROMIUM, PHONE
from tests.pages.trips import MOST, trips

__all__ = ["land"]

PAGES = [
    route
    for route in ROUTES
    if route.kind == "page" and route.method == "GET" and folding.is_folded(route.path)
]
FLEXED = (
    """[...document.querySelectorAll("tr")].some(row => getComputedStyle(row).display.includes("flex"))"""
)
WHO = ("admin", "coordinator_a", "coordinator_of_both", "officer_a")
"""Whose pages are counted: who covers more areas reads in more places."""


CHOSEN = {
    "/console/ambassadors/shortlist": ("area={district}",),
    "/console/ambassadors/gaps": ("area={district}",),
    "/console/areas": ("area={state}", "area={booth}", "area={district}&by=booth&q=Dis"),
    "/console/campaigns": ("status=dispatched&department={department}",),
    "/console/groups": ("area={district}&kind=area",),
    "/console/people": ("status=approved&area={district}&q=A",),
    "/console/policies/{policy}/trial": ("area={district}",),
    "/console/posts": ("show=not_matched",),
    "/console/review": ("area={district}",),
    "/console/schemes": ("state=stale&department={department}&q=x",),
    "/console/schemes/cards": ("scheme={scheme}",),
    "/console/schemes/cards/new": ("scheme={scheme}&department={department}",),
    "/console/stops/new": ("scope=all", "scope=area:{district}", "scope=department:{department}"),
    "/console/voices": ("area={district}", "overdue=yes"),
}
"""What the pages show once something was chosen there."""
MORE = {"/console/unknowns": 1}
"""Somebody's name is in the register, their id in a chunk, of which a tally of the campaign tells: where
nobody is unknown it is asked twice."""


def addresses(land: Land, route: Route) -> list[str]:
    """The page as it is asked for about the first side; nothing where there is nothing to be shown."""
    return list(dict.fromkeys(asked.path for asked in ways(route, land.a)))[:1]


def looks(land: Land, route: Route) -> list[str]:
    """The same, and with what may be chosen there."""
    if "{what}" in route.path:
        return [route.path.replace("{what}", tile.id) for tile in TILES]
    side = vars(land.a) | {"booth": land.a.booth, "scheme": land.a.one("scheme")}
    chosen = ["", *(f"?{one.format_map(side)}" for one in CHOSEN.get(route.path, ()))]
    return [path + one for path in addresses(land, route) for one in chosen]


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


@pytest.mark.parametrize("route", PAGES, ids=name_of)
def test_a_page_waits_for_the_database_at_most_twice(land: Land, route: Route) -> None:
    a, b = land.a.district, land.b.district
    role, areas = frozenset({"coordinator"}), frozenset({a, b})
    land.staff["coordinator_of_both"] = Principal("usr_both", "both", "b@x.test", role, areas, frozenset())
    for who in WHO:
        for path in looks(land, route):
            look = partial(land.call, who, "GET", path)
            if look().status < 400:
                most = MOST + MORE.get(route.path, 0)
                assert len(waited := trips(look, most)) <= most, (who, path, waited)
