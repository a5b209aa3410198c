"""`make pictures`: the photographs of docs/images, from a system of its own with invented people."""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from local.acting import Caller, Creators, Staff
from local.demo import Demo, Settings
from local.laptop import Laptop, laptop
from local.programme import ELSEWHERE, WAITING, introduce, load_ground, prepare_campaigns, tell_voices
from local.sample import creators

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ViewportSize

CHROMIUM = "/usr/bin/chromium"
IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
PEOPLE = 60
COLOURS = 200
"""A picture of a page keeps its looks with so many, and is a third as heavy."""
PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1100, "height": 760}
TALL: ViewportSize = {"width": 1100, "height": 900}
CARD: ViewportSize = {"width": 1200, "height": 630}
"""What a link to us is shown with (Open Graph)."""
STATIC = Path(__file__).resolve().parents[1] / "chalicelib" / "pages" / "static"
CARD_PAGE = """<style>
body { margin: 0; height: 630px; display: grid; align-content: center; padding: 0 100px;
  box-sizing: border-box; background: #08433f; color: #f2f7f5;
  font-family: "Noto Sans", "Noto Sans Devanagari"; }
svg { width: 150px; height: 150px; margin-bottom: 30px; }
p { margin: 0; font-size: 44px; line-height: 1.5; }
p:first-of-type { font-size: 108px; font-weight: 700; line-height: 1.35; }
p:last-of-type { font-family: "Noto Nastaliq Urdu"; line-height: 2.3; text-align: left; }
</style>ICON
<p lang="hi">जन-जन तक</p><p lang="en">to each and every person</p><p lang="ur" dir="rtl">ہر ایک شخص تک</p>"""


def main() -> int:
    """Runs a small campaign, then takes the pictures; 1 without Chromium."""
    if not Path(CHROMIUM).exists():
        print(f"There is no {CHROMIUM}.", file=sys.stderr)
        return 1
    from playwright.sync_api import sync_playwright

    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="janjan-pictures-") as folder, laptop(Path(folder)) as system:
        introduce(system)
        api = Caller(system.url)
        with Progress(console=console) as progress:
            Demo(system, Settings(PEOPLE), progress, api, Caller(system.sandbox_url)).run()
        staff = Staff.signed_in(api, system.env)
        token = staff.tokens["admin"]
        [campaign] = api("GET", "/v1/campaigns", token=token)["items"]
        report = f"/console/campaigns/{campaign['id']}/report?lang=hi"
        leave_work(system, staff)
        drafts = api("GET", "/v1/campaigns?status=draft", token=token)["items"]
        composer = f"/console/campaigns/{drafts[0]['id']}?lang=hi"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            take(browser, system.url, "/signup?lang=hi", "signup")
            take(browser, system.url, "/?lang=ur", "landing-urdu")
            take(browser, system.url, report, "report", token=token)
            take(browser, system.url, report, "report-wide", view=DESK, dark=True, token=token)
            take(browser, system.url, "/console?lang=hi", "console", view=DESK, token=token)
            take(browser, system.url, "/console/review?lang=hi", "review", view=TALL, token=token)
            take(
                browser, system.url, composer, "composer", view=TALL, dark=True, token=staff.tokens["editor"]
            )
            draw_card(browser)
            browser.close()
    print_letter()
    return 0


def leave_work(system: Laptop, staff: Staff) -> None:
    """Somebody who waits for a review, campaigns at each step, voices: desks are not empty."""
    areas = load_ground(system)
    doors = Creators(staff.api, Caller(system.sandbox_url))
    for one in creators(PEOPLE + WAITING, areas, elsewhere=ELSEWHERE)[PEOPLE:]:
        doors.sign_up(one)
    tell_voices(staff, areas)
    prepare_campaigns(staff)


def press(path: Path) -> None:
    """Makes the file of a picture smaller."""
    from PIL import Image

    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


def print_letter() -> None:
    """The letter of an invented ambassador, as it comes out of a printer."""
    import pypdfium2

    from chalicelib.ambassadors.model import A_TERM, Appointment
    from chalicelib.ambassadors.printed import letter
    from chalicelib.ambassadors.service import Written
    from chalicelib.pages.frame import OWN_ICON, Frame, Organisation, _data_url, named
    from chalicelib.ports import Area

    told = Organisation.model_validate_json(
        (Path(__file__).parent / "data" / "organisation.json").read_bytes()
    )
    path, begins = ("IN", "IN-XN", "D9001"), date(2026, 3, 1)
    at = datetime(2026, 3, 1, 6, tzinfo=UTC)
    one = Appointment(
        id="amb_sample",
        influencer="inf_sample",
        area=path[-1],
        path=path,
        begins=begins,
        until=begins + A_TERM,
        code="namunanamunaname",
        barred=0,
        at=at,
        by="usr_sample",
        sample=True,
    )
    areas = (
        Area("IN-XN", "state", path[:2], {"hi": "नमूना प्रदेश"}),
        Area("D9001", "district", path, {"hi": "जनपुर"}),
    )
    frame = Frame(
        name=named(told.name, "hi"),
        lineage=named(told.lineage, "hi"),
        emblem=_data_url("svg", OWN_ICON.read_bytes()),
        alt="",
        owner="",
        maintained_by="",
        contact=None,
        grievance_officer=None,
        reviewed="",
    )
    content = letter(Written(one, "सुनीता देवी", areas, "आशा वर्मा", at), frame, "https://janjan.example", "hi")
    pypdfium2.PdfDocument(content)[0].render(scale=1.5).to_pil().save(IMAGES / "letter.png")
    press(IMAGES / "letter.png")


def draw_card(browser: Browser) -> None:
    """The picture beside a link that somebody shares: for every deployment the same, in three scripts."""
    icon = (STATIC / "icon.svg").read_text(encoding="utf-8")
    with browser.new_context(viewport=CARD) as context:
        page = context.new_page()
        page.set_content(CARD_PAGE.replace("ICON", icon))
        page.screenshot(path=STATIC / "card.png")


def take(
    browser: Browser,
    url: str,
    path: str,
    name: str,
    *,
    view: ViewportSize = PHONE,
    dark: bool = False,
    token: str = "",
) -> None:
    """A picture of what is seen first at `path`, in docs/images."""
    with browser.new_context(
        base_url=url, viewport=view, color_scheme="dark" if dark else "light", device_scale_factor=1.5
    ) as context:
        if token:
            context.add_cookies([{"name": "janjan_session", "value": token, "url": url}])
        page = context.new_page()
        page.goto(path, wait_until="networkidle")
        page.screenshot(path=IMAGES / f"{name}.png")
    press(IMAGES / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
