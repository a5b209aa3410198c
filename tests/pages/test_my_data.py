"""A creator on a narrow phone sees all that is kept of them, and erases it; with JavaScript and without."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib import wiring
from chalicelib.phones import readable
from tests.pages.browsing import BASE, chromium, visiting
from tests.pages.test_in_the_browser import CHROMIUM, PHONE
from tests.pages.test_my_page import Creator, creator

__all__ = ["creator"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="the system has no Chromium"),
]


@pytest.mark.parametrize("scripts", [True, False])
def test_everything_is_shown_and_erased_in_hindi(creator: Creator, *, scripts: bool) -> None:
    creator.sign_in()
    [(person, _)] = wiring._people_store().listed("pending_review", "", None, 1)
    name, _, value = creator.cookie.partition("=")
    with (
        chromium() as browser,
        visiting(browser, creator.site, viewport=PHONE, java_script_enabled=scripts) as visit,
    ):
        page = visit.page
        page.context.add_cookies([{"name": name, "value": value, "url": BASE}])
        page.goto("/me?lang=hi")
        with page.expect_navigation():
            page.locator("a[href='/me/data?lang=hi']").first.click()
        with page.expect_navigation():
            page.locator("[name=do][value=show]").click()
        shown = page.locator("main").inner_text()
        assert all(word in shown for word in (person.name, readable(person.phone), "sunita.devi"))
        page.go_back()
        page.fill("[name=word]", "मिटाना")
        with page.expect_navigation():
            page.locator("[name=do][value=erase]").click()
        assert "मिटा दिया गया है" in page.locator("main").inner_text()
        page.goto("/me?lang=hi")
        page.locator("[name=phone]").wait_for()  # signed out
        assert visit.complaints == []
    assert wiring._people_store().find(person.id) is None
