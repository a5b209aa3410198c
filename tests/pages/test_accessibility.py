"""Every page on a narrow phone, judged by axe-core: no violation of WCAG 2.2 AA, nothing in the console,
nothing wider than the screen; in each language, in light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from chalice.test import Client
from playwright.sync_api import Browser

from chalicelib import http, i18n, wiring
from chalicelib.dispatch.officer import Officer
from chalicelib.http import CREATOR, PUBLIC, ROUTES
from chalicelib.identity.audit import Audit
from chalicelib.influencers.model import ReviewRequest
from chalicelib.influencers.service import Signups
from tests.dispatch.test_officer import AREAS
from tests.dispatch.test_routes import CAMPAIGN, Gate, made, unknown
from tests.influencers.sent import POSTS, sent
from tests.influencers.world import ADMIN
from tests.pages.browsing import BASE, Visit, chromium, visiting
from tests.pages.conftest import Site
from tests.pages.test_in_the_browser import CHROMIUM, PHONE
from tests.pages.test_my_page import Creator, creator
from tests.pages.test_schemes_page import put_scheme
from tests.pages.test_signup_page import without
from tests.pages.test_transparency_page import publish
from tests.pages.test_voice_page import GOOD as VOICE

__all__ = ["creator", "made", "unknown"]

AXE = Path(__file__).parent / "axe" / "node_modules" / "axe-core" / "axe.min.js"
CAMPAIGN_OF_MINE = "cmp_aaaaaaaaaaaaaaaa"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """options => axe.run(document, options).then(found => found.violations.flatMap(
    one => one.nodes.map(node => `${one.id}: ${node.html.slice(0, 160)} (${node.any.concat(node.all)
        .map(check => check.message).join('; ').slice(0, 200)})`)))"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="the system has no Chromium"),
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm is missing"),
]

NAMES = {"/about/{name}": ("accessibility", "help", "privacy", "sitemap", "terms")}
"""What stands for a parameter of a path; `x` elsewhere, which mostly shows that there is nothing."""


def addresses(allowed: Iterable[str]) -> list[str]:
    """Every page that may be looked at by one of these, as an address; what moved leads elsewhere."""
    return [
        re.sub(r"\{\w+\}", name, route.path)
        for route in ROUTES
        if route.kind == "page" and route.method == "GET" and route.allow in allowed
        for name in NAMES.get(route.path, ("x",))
        if not route.path.startswith(("/static", "/campaigns"))
    ]


def faults(visit: Visit, where: str, options: dict[str, Any]) -> list[str]:
    """What axe-core finds on the page that is open."""
    return [f"{where}: {found}" for found in visit.page.evaluate(RUN, options)]


def judge(browser: Browser, site: Site, paths: list[str], cookies: list[dict[str, str]]) -> list[str]:
    """Looks at each page in each language; in dark for the contrast, which no language changes."""
    found: list[str] = []
    for lang in i18n.languages():
        with visiting(browser, site, viewport=PHONE) as visit:
            context = visit.page.context
            context.add_init_script(path=AXE)
            context.add_cookies(cookies)  # type: ignore[arg-type]
            for path in paths:
                visit.complaints.clear()
                where = f"{path} in {lang}"
                answer = visit.page.goto(f"{path}?lang={lang}")
                visit.page.locator("main").wait_for()
                visit.page.wait_for_load_state()  # of what a redirect led to, with its stylesheet
                found += faults(visit, where, {"runOnly": TAGS})
                wide = visit.page.evaluate("document.documentElement.scrollWidth")
                found += [f"{where}: {wide} px wide"] if wide > PHONE["width"] else []
                refused = answer is not None and answer.status >= 400
                found += [f"{where}: {said}" for said in visit.complaints if not refused]
                if lang == i18n.SOURCE:
                    visit.page.emulate_media(color_scheme="dark")
                    found += faults(visit, f"{where}, dark", {"runOnly": ["color-contrast"]})
                    visit.page.emulate_media(color_scheme="light")
    return found


def fill(site: Site, person: str) -> list[str]:
    """Campaigns and a scheme that are public, a letter, a voice, signups in each state; the addresses that
    tell of them."""
    put_scheme()
    publish()
    publish(id="cmp_2", kind="electioneering", imprint="Namuna Press", certificate="MCMC/7", counts=None)
    publish(id="cmp_3", withdrawn_at="2026-02-02T05:00:00Z")
    letter = wiring.ambassadors().appoint(ADMIN, person, "D9001-A1-P1")
    wiring.directory().put_department("water", {"hi": "जल विभाग", "en": "Water"}, actor="test")
    voice = str(site.post("/voice?lang=hi", [*VOICE, ("department", "water")]).headers["Location"])
    fields = [*without("phone", "channel"), ("phone", "8123456700"), ("channel", "telegram")]
    telegram = str(site.post("/signup?lang=hi", fields).headers["Location"])
    return [
        f"/verify/{letter.code}",
        voice.partition("?")[0],
        f"/signup/{person}",
        telegram.partition("?")[0],
    ]


def test_pages_of_the_public_and_of_creators_are_for_everybody(
    creator: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    creator.sign_in()
    [(person, _)] = wiring._people_store().listed("pending_review", "", None, 1)
    wiring.register().review(ADMIN, person.id, ReviewRequest(decision="approve"))
    sent(person.id, CAMPAIGN_OF_MINE, wiring.clock().now() - timedelta(days=1), posts=POSTS)
    link = "https://www.instagram.com/sunita.devi/p/DAbc12345/"
    creator.post("/me/posts", url=link, campaign=CAMPAIGN_OF_MINE)
    more = fill(creator.site, person.id)
    monkeypatch.setattr(Signups, "confirmed", lambda self, token: None)
    name, _, value = creator.cookie.partition("=")
    with chromium() as browser:
        cookie = {"name": name, "value": value, "url": BASE}
        paths = [*addresses((PUBLIC, CREATOR)), f"/me/campaigns/{CAMPAIGN_OF_MINE}", *more]
        found = judge(browser, creator.site, paths, [cookie])
    assert found == [], "\n".join(found)


def test_every_step_of_the_form_is_for_everybody_with_its_errors(site: Site) -> None:
    found = []
    with chromium() as browser:
        for lang in i18n.languages():
            with visiting(browser, site, viewport=PHONE) as visit:
                visit.page.context.add_init_script(path=AXE)
                visit.page.goto(f"/signup?lang={lang}")
                page = visit.page
                with page.expect_navigation():
                    page.locator("[name=go]").first.click()
                found += faults(visit, f"errors in {lang}", {"runOnly": TAGS})
                page.fill("[name=name]", "Sunita Devi")
                page.fill("[name=phone]", "8123456789")
                for part, value in (("day", "5"), ("month", "8"), ("year", "1995")):
                    page.fill(f"[name=birth_{part}]", value)
                with page.expect_navigation():
                    page.locator("[name=go]").first.click()
                page.select_option("[name=area_state]", "IN-XN")
                with page.expect_navigation():
                    page.locator("[value=place][name=step]").click()
                page.select_option("[name=area_district]", "D9001")
                for step in ("place", "accounts", "themes"):
                    found += faults(visit, f"{step} in {lang}", {"runOnly": TAGS})
                    with page.expect_navigation():
                        page.locator("[name=go]").first.click()
                    assert page.locator(".error").count() == 0
                found += faults(visit, f"consent in {lang}", {"runOnly": TAGS})
                with page.expect_navigation():
                    page.locator("[name=go][value=next]").click()
                page.wait_for_url("**/signup/inf_*")
                page.locator("[name=code]").wait_for()
                found += faults(visit, f"code in {lang}", {"runOnly": TAGS})
                assert [one for one in visit.complaints if "status of 422" not in one] == []
    assert found == [], "\n".join(found)


def test_pages_of_the_staff_are_for_everybody(
    made: Any, unknown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import app

    officer = Officer(made.store, AREAS, made.platform, Audit(), made.clock)  # type: ignore[arg-type]
    monkeypatch.setattr(http._doors[0], "gate", Gate)
    monkeypatch.setattr(wiring, "officer", lambda: officer)
    monkeypatch.setattr(wiring, "directory", lambda: AREAS)
    campaign = f"/console/campaigns/{CAMPAIGN}"
    pages = [f"{campaign}/report", f"{campaign}/officer-report"]
    with chromium() as browser, Client(app.app) as client:
        cookie = {"name": "janjan_session", "value": "approver", "url": BASE}
        assert judge(browser, Site(client), pages, [cookie]) == []
