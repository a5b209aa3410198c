"""The signup in Chromium on a narrow phone, in Hindi, without JavaScript, by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.pages.conftest import send_codes

CHROMIUM = "/usr/bin/chromium"
PHONE = {"width": 360, "height": 740}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="the system has no Chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def phone(browser: Browser, address: str) -> Iterator[Page]:
    """A page on a narrow phone, scripts switched off."""
    context = browser.new_context(viewport=PHONE, java_script_enabled=False, base_url=address, locale="hi-IN")
    context.set_default_timeout(5000)
    yield context.new_page()
    context.close()


def focused(page: Page) -> str:
    """The name, else the id or the text, of what has the focus."""
    here = page.locator(":focus")
    return here.get_attribute("name") or here.get_attribute("id") or here.inner_text()


def tab_to(page: Page, name: str) -> None:
    """Presses Tab until `name` has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if focused(page) == name:
            return
    raise AssertionError(f"{name} cannot be reached by keyboard")


def write(page: Page, name: str, text: str) -> None:
    tab_to(page, name)
    page.keyboard.type(text)


def choose(page: Page, name: str, label: str) -> None:
    """Picks in a list with the arrow keys."""
    tab_to(page, name)
    for _ in range(40):
        if page.locator(f"[name={name}] option:checked").inner_text() == label:
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"{label} is not among {name}")


def test_a_person_joins_by_keyboard_alone_and_mends_a_mistake(phone: Page, tmp_path: Path) -> None:
    phone.goto("/?lang=hi")
    tab_to(phone, "हमसे जुड़िए")
    phone.keyboard.press("Enter")
    phone.wait_for_url("**/signup?lang=hi")

    write(phone, "name", "सुनीता देवी")
    write(phone, "phone", "12345")
    write(phone, "birth_day", "15")
    write(phone, "birth_month", "8")
    write(phone, "birth_year", "1995")
    choose(phone, "profession", "शिक्षक")
    choose(phone, "area_state", "नमूना प्रदेश")
    tab_to(phone, "step")
    phone.keyboard.press("Enter")
    phone.locator("[name=area_district]").wait_for()
    assert focused(phone) == "place"
    choose(phone, "area_district", "जनपुर")
    write(phone, "handle_instagram", "@sunita.devi")
    write(phone, "followers_instagram", "1200")
    tab_to(phone, "themes")
    phone.keyboard.press("Space")
    tab_to(phone, "consents")
    phone.keyboard.press("Space")
    tab_to(phone, "idea")
    tab_to(phone, "हमसे जुड़िए")
    phone.keyboard.press("Enter")

    phone.locator("#phone-error").wait_for()
    assert phone.locator(".error").all_inner_texts() == ["कृपया 10 अंकों का मोबाइल नंबर लिखिए, जैसे 81234 56789।"]
    assert "मोबाइल नंबर" in phone.locator(".summary").inner_text()
    beside = phone.locator("#phone").bounding_box()
    message = phone.locator("#phone-error").bounding_box()
    assert beside
    assert message
    assert 0 <= beside["y"] - (message["y"] + message["height"]) < 24
    for name, value in (
        ("name", "सुनीता देवी"),
        ("phone", "12345"),
        ("birth_year", "1995"),
        ("profession", "teacher"),
        ("area_district", "D9001"),
        ("handle_instagram", "@sunita.devi"),
        ("followers_instagram", "1200"),
    ):
        assert phone.locator(f"[name={name}]").input_value() == value
    assert phone.locator("[name=consents]").first.is_checked()
    phone.screenshot(path=tmp_path / "errors.png", full_page=True)

    phone.keyboard.press("Tab")
    assert focused(phone).startswith("मोबाइल नंबर")
    phone.keyboard.press("Enter")
    assert focused(phone) == "phone"
    phone.keyboard.press("Control+A")
    phone.keyboard.type("81234 56789")
    phone.keyboard.press("Enter")

    phone.wait_for_url("**/signup/inf_*")
    [code] = send_codes()
    write(phone, "code", code.params[0])
    phone.keyboard.press("Enter")
    phone.get_by_role("heading", name="धन्यवाद!").wait_for()


def test_nothing_is_wider_than_the_phone_and_targets_are_large(browser: Browser, address: str) -> None:
    with browser.new_context(viewport=PHONE, base_url=address) as context:
        page = context.new_page()
        for path in ("/?lang=hi", "/signup?lang=hi", "/signup?lang=en", "/no-such-page"):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
        page.goto("/signup?lang=hi")
        small = page.evaluate(
            """() => [...document.querySelectorAll('input, select, textarea, button, .button, label.choice')]
            .filter(e => !e.closest('.away') && !['checkbox', 'radio'].includes(e.type))
            .map(e => [e.name || e.innerText, e.getBoundingClientRect().height])
            .filter(([, height]) => height < 44)"""
        )
        assert small == []
        style = page.evaluate("() => ({...getComputedStyle(document.body)})")
        assert float(style["lineHeight"].removesuffix("px")) >= 1.5 * float(
            style["fontSize"].removesuffix("px")
        )
