"""A file of a campaign that goes to the phone's own sharing, in Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Route

from chalicelib.pages.shell import STATIC
from tests.pages.browsing import BASE, chromium
from tests.pages.test_in_the_browser import CHROMIUM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="the system has no Chromium"),
]
BUCKET = "https://files.sample.test"
PAGE = f"""<!doctype html><img src="{BUCKET}/a.jpg"><div><a href="{BUCKET}/save">Download</a>
<button data-share-file="{BUCKET}/a.jpg" data-type="image/jpeg" hidden>Share</button></div>
<script>{(STATIC / "me.js").read_text("utf-8")}</script>"""
PHONE = """window.shared = [];
navigator.canShare = () => true;
navigator.share = async ({files}) => { window.shared.push(await files[0].text()); };"""


@pytest.mark.parametrize(("lasts", "shared", "seen"), [(True, ["a picture"], 1), (False, [], 2)])
def test_the_file_is_shared_and_never_what_the_bucket_says_of_a_link_that_is_over(
    lasts: bool, shared: list[str], seen: int
) -> None:
    """The bucket answers as Amazon's does: of other origins it tells only who asks as one."""
    pages: list[str] = []

    def answered(route: Route) -> None:
        if route.request.url.startswith(BUCKET):
            cors = {"Access-Control-Allow-Origin": BASE} if "origin" in route.request.headers else {}
            kept = {"Cache-Control": "max-age=900", "Content-Type": "image/jpeg"}
            body = "a picture" if lasts else "<Error>Request has expired</Error>"
            route.fulfill(status=200 if lasts else 403, headers={**kept, **cors}, body=body)
        else:
            pages.append(route.request.url)
            route.fulfill(body=PAGE, headers={"Content-Type": "text/html; charset=utf-8"})

    with chromium() as browser:
        page = browser.new_context(base_url=BASE).new_page()
        page.add_init_script(PHONE)
        page.route("**/*", answered)
        page.goto("/me/campaigns/cmp_a")
        page.get_by_text("Share").click()
        if lasts:
            page.wait_for_function("window.shared.length > 0")
        else:
            page.wait_for_event("load")
        assert (page.evaluate("window.shared"), len(pages)) == (shared, seen)
