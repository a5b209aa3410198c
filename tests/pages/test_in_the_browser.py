"""The signup in Chromium on a narrow phone, in Hindi, without JavaScript, by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

from chalicelib.pages.shell import STATIC
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


def go_on(page: Page) -> None:
    tab_to(page, "go")
    page.keyboard.press("Enter")


def tell_the_rest(phone: Page) -> None:
    """Area, an account by its link, a theme and consent."""
    phone.locator("[name=area_state]").wait_for()
    choose(phone, "area_state", "नमूना प्रदेश")
    tab_to(phone, "step")
    phone.keyboard.press("Enter")
    phone.locator("[name=area_district]").wait_for()
    assert focused(phone) == "place"
    choose(phone, "area_district", "जनपुर")
    go_on(phone)

    phone.locator("[name=link]").wait_for()
    write(phone, "link", "https://instagram.com/sunita.devi?igsh=1")
    tab_to(phone, "step")
    phone.keyboard.press("Enter")
    phone.locator("[name=handle_instagram][value='sunita.devi']").wait_for()
    write(phone, "followers_instagram", "1200")
    phone.keyboard.press("Enter")

    phone.locator("[name=channel]").first.wait_for()
    tab_to(phone, "themes")
    phone.keyboard.press("Space")
    tab_to(phone, "channel")
    phone.keyboard.press("Enter")

    phone.locator("[name=consents]").first.wait_for()
    assert "Instagram sunita.devi" in phone.locator(".told").inner_text()
    tab_to(phone, "consents")
    phone.keyboard.press("Space")
    tab_to(phone, "idea")
    go_on(phone)


def test_a_person_joins_by_keyboard_alone_and_mends_a_mistake(phone: Page, tmp_path: Path) -> None:
    phone.goto("/?lang=hi")
    tab_to(phone, "हमसे जुड़ें")
    phone.keyboard.press("Enter")
    phone.wait_for_url("**/signup?lang=hi")

    write(phone, "name", "सुनीता देवी")
    write(phone, "phone", "12345")
    write(phone, "birth_day", "15")
    write(phone, "birth_month", "8")
    write(phone, "birth_year", "1995")
    choose(phone, "profession", "शिक्षक")
    go_on(phone)

    phone.locator("#phone-error").wait_for()
    assert phone.locator(".error").all_inner_texts() == ["कृपया 10 अंकों का मोबाइल नंबर लिखें, जैसे 81234 56789।"]
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
    ):
        assert phone.locator(f"[name={name}]").input_value() == value
    phone.screenshot(path=tmp_path / "errors.png", full_page=True)
    phone.keyboard.press("Tab")
    assert focused(phone).startswith("मोबाइल नंबर")
    phone.keyboard.press("Enter")
    assert focused(phone) == "phone"
    phone.keyboard.press("Control+A")
    phone.keyboard.type("81234 56789")
    phone.keyboard.press("Enter")

    tell_the_rest(phone)
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
            .filter(e => e.offsetParent && !e.closest('.away') && !['checkbox', 'radio'].includes(e.type))
            .map(e => [e.name || e.innerText, e.getBoundingClientRect().height])
            .filter(([, height]) => height < 44)"""
        )
        assert small == []
        style = page.evaluate("() => ({...getComputedStyle(document.body)})")
        assert float(style["lineHeight"].removesuffix("px")) >= 1.5 * float(
            style["fontSize"].removesuffix("px")
        )


def test_a_lost_connection_loses_nothing_and_who_has_joined_leaves_nothing_behind(
    browser: Browser, address: str
) -> None:
    with browser.new_context(viewport=PHONE, base_url=address) as context:
        page = context.new_page()
        page.goto("/signup?lang=en")
        page.fill("[name=name]", "Sunita Devi")
        page.fill("[name=phone]", "81234 56789")
        context.set_offline(True)
        with pytest.raises(Error):
            page.goto("/signup?lang=en")
        context.set_offline(False)
        page.goto("/signup?lang=en")
        page.get_by_role("button", name="Go on").click()
        expect(page.locator("[name=name]")).to_have_value("Sunita Devi")
        expect(page.locator("[name=phone]")).to_have_value("81234 56789")
        page.evaluate("document.querySelector('main').setAttribute('data-joined', '')")
        page.add_script_tag(url=page.locator("script[src]").get_attribute("src"))
        assert page.evaluate("localStorage.length") == 0


def fill_first_step(page: Page) -> None:
    for name, value in (
        ("name", "Sunita Devi"),
        ("phone", "81234 56789"),
        ("birth_day", "15"),
        ("birth_month", "8"),
        ("birth_year", "1995"),
    ):
        page.fill(f"[name={name}]", value)


def test_back_leads_to_the_step_before_with_what_was_typed(browser: Browser, address: str) -> None:
    with browser.new_context(viewport=PHONE, base_url=address) as context:
        page = context.new_page()
        page.goto("/")
        page.goto("/signup?lang=hi")
        fill_first_step(page)
        page.get_by_role("button", name="English").click()
        page.get_by_role("heading", name="Join us").wait_for()
        assert page.locator("html").get_attribute("lang") == "en"
        page.get_by_role("button", name="Next").click()
        page.select_option("[name=area_state]", label="Namuna Pradesh")
        page.get_by_role("button", name="Show districts").click()
        page.locator("[name=area_district]").wait_for()
        page.select_option("[name=area_district]", label="Janpur")
        page.get_by_role("button", name="Next").click()
        page.locator("[name=link]").wait_for()
        assert page.evaluate("document.activeElement.textContent") == "Step 3 of 5: Your accounts"
        page.fill("[name=link]", "https://instagram.com/sunita.devi")
        page.get_by_role("button", name="Next").click()
        page.locator("[name=channel]").first.wait_for()

        page.go_back()
        page.locator("[name=handle_instagram]").wait_for()
        assert page.input_value("[name=handle_instagram]") == "sunita.devi"
        page.go_back()
        page.locator("[name=area_district]").wait_for()
        assert page.input_value("[name=area_district] >> nth=0") != ""
        page.go_back()
        page.locator("input[name=name]:visible").wait_for()
        assert page.input_value("[name=name]") == "Sunita Devi"
        page.go_forward()
        page.locator("[name=area_district]").wait_for()
        page.reload()
        page.get_by_role("button", name="Go on").click()
        page.locator("[name=area_district]").wait_for()
        page.go_back()
        page.locator("input[name=name]:visible").wait_for()
        assert page.input_value("[name=name]") == "Sunita Devi"
        page.go_back()
        page.wait_for_url(f"{address}/")


def test_without_a_connection_the_step_stays_and_says_so(browser: Browser, address: str) -> None:
    with browser.new_context(viewport=PHONE, base_url=address) as context:
        page = context.new_page()
        page.goto("/signup?lang=en")
        fill_first_step(page)
        context.set_offline(True)
        page.get_by_role("button", name="Next").click()
        page.get_by_text("There is no connection just now.").wait_for()
        assert page.input_value("[name=name]") == "Sunita Devi"
        context.set_offline(False)
        page.get_by_role("button", name="Next").click()
        page.locator("[name=area_state]").wait_for()
        context.set_offline(True)
        page.go_back()
        page.get_by_text("There is no connection just now.").wait_for()
        assert page.locator("[name=area_state]").is_visible()
        context.set_offline(False)
        page.go_back()
        page.locator("input[name=name]:visible").wait_for()


def test_a_long_list_narrows_by_typing_in_the_other_script(browser: Browser) -> None:
    script = (STATIC / "signup.js").read_text(encoding="utf-8")
    one = '<option value="{n}" data-also="ज़िला{n} District{n}">District{n}</option>'
    options = "".join(one.format(n=n) for n in range(20))
    with browser.new_context() as context:
        page = context.new_page()
        chosen = f'<select data-narrow="Search"><option value=""></option>{options}</select>'
        page.set_content(f'<form id="signup">{chosen}</form>')
        page.add_script_tag(content=script)
        page.get_by_label("Search").fill("ज़िला17")
        assert page.locator("option").count() == 2
        assert page.locator("select").input_value() == "17"
        page.get_by_label("Search").fill("")
        assert page.locator("option").count() == 21


def test_a_voice_is_told_in_hindi_by_keyboard_alone_on_a_narrow_phone(phone: Page) -> None:
    phone.goto("/voice?lang=hi")
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    send, card = (phone.locator(one).bounding_box() for one in ("#voice > button:last-child", "form.card"))
    assert send and card and card["y"] - send["y"] - send["height"] >= 24, "the next form keeps its distance"  # noqa: PT018
    tab_to(phone, "kind")
    phone.keyboard.press("Space")
    write(phone, "text", "हमारे गाँव में तीन दिन से पानी नहीं आ रहा है")
    tab_to(phone, "भेजें")
    phone.keyboard.press("Enter")
    phone.wait_for_url("**/voice/JJ-*")
    assert "टिकट JJ-" in phone.inner_text("h1")
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
