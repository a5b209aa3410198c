"""People's whole ways through the deployed system in Chromium, told by what they read on their pages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from chalicelib.phones import readable
from local import judge
from local.acting import Caller, Creators, Staff, enrol, wait_for
from local.laptop import Laptop
from local.programme import LINKS, account_of, load_ground
from local.sample import PHONE_BASE, Creator, creators
from local.users import PASSWORD
from tests.pages.browsing import chromium
from tests.pages.test_in_the_browser import CHROMIUM, PHONE

FIRST = 3000
SLOW_RECEIPTS_MS = 3000
PATIENCE_MS = 30_000
"""A cold function may answer the first request of a page; speed is never tested."""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="the system has no Chromium"),
]
expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Seat:
    """One person before one screen."""

    page: Page
    presses: int = 0
    """Clicks, and fields that were filled or chosen."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a page can do
        return getattr(self.page, name)

    def says(self, words: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_text(words).first).to_be_visible()

    def press(self, name: str | re.Pattern[str], role: Any = "button") -> None:  # noqa: ANN401 - one of Playwright's roles
        self.presses += 1
        self.page.get_by_role(role, name=name, exact=isinstance(name, str)).first.click()

    def fill(self, label: str | re.Pattern[str], text: str) -> None:
        self.presses += 1
        self.page.get_by_label(label).first.fill(text)

    def tick(self, label: str) -> None:
        self.presses += 1
        self.page.get_by_label(label).first.check()

    def choose(self, label: str, option: str) -> None:
        self.presses += 1
        where = self.page.get_by_label(label, exact=True).first
        if where.get_attribute("hx-post") is None:
            where.select_option(label=option)
            return
        with self.page.expect_response(lambda answer: answer.request.method == "POST"):
            where.select_option(label=option)
        expect(self.page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)

    def key(self, key: str) -> None:
        self.presses += 1
        self.page.keyboard.press(key)

    def tab_to(self, where: Locator) -> None:
        """Presses Tab until it has the focus."""
        for _ in range(80):
            self.key("Tab")
            if where.evaluate("here => here === document.activeElement"):
                return
        raise AssertionError(f"{where} cannot be reached by keyboard")

    def write(self, label: str, text: str) -> None:
        """By keyboard alone."""
        self.tab_to(self.page.get_by_label(label).first)
        self.page.keyboard.type(text)

    def pick(self, label: str, option: str) -> None:
        """In a list, by the arrow keys."""
        where = self.page.get_by_label(label, exact=True)
        self.tab_to(where)
        for _ in range(40):
            if where.locator("option:checked").inner_text() == option:
                return
            self.key("ArrowDown")
        raise AssertionError(f"{option} is not among {label}")

    def enter(self, name: str, role: Any = "button") -> None:  # noqa: ANN401
        """Presses a button or link by keyboard alone."""
        self.tab_to(self.page.get_by_role(role, name=name, exact=True).first)
        with self.page.expect_navigation(timeout=PATIENCE_MS):
            self.key("Enter")


@dataclass
class House:
    """The browser, and who sits before it. What any page complains about is told at the end."""

    browser: Browser
    url: str
    stack: ExitStack
    complaints: list[str] = field(default_factory=list)

    def seat(self, number: int, **options: Any) -> Seat:  # noqa: ANN401
        """A window of its own, with an address of its own, so that limits count people."""
        context = self.browser.new_context(
            base_url=self.url,
            extra_http_headers={"X-Forwarded-For": f"198.18.{number // 250}.{number % 250 + 1}"},
            **options,
        )
        self.stack.callback(context.close)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return Seat(page)

    def phone(self, number: int) -> Seat:
        """A narrow phone in Hindi that runs no scripts."""
        return self.seat(number, viewport=PHONE, java_script_enabled=False, locale="hi-IN")

    def desk(self, user: str, lang: str = "en") -> Seat:
        """Somebody of the staff, signed in, before the console."""
        words = {"en": ("Email address", "Password", "Sign in"), "hi": ("ईमेल पता", "पासवर्ड", "साइन इन करें")}
        seat = self.seat(3090, viewport={"width": 1280, "height": 900})
        name, secret, enter = words[lang]
        seat.goto(f"/console?lang={lang}")
        seat.fill(name, f"{user}@sample.test")
        seat.fill(secret, PASSWORD)
        seat.press(enter)
        seat.wait_for_url("**/console*")
        return seat


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """What is expected of a page may take as long as a click: the machine may deploy a stack meanwhile."""
    expect.set_options(timeout=PATIENCE_MS)
    with chromium() as started:
        yield started
    expect.set_options(timeout=None)


@pytest.fixture
def house(browser: Browser, stack: Laptop) -> Iterator[House]:
    with ExitStack() as closing:
        made = House(browser, stack.url, closing)
        yield made
        assert made.complaints == [], "no error and no breach of the Content-Security-Policy"


@pytest.fixture
def sandbox(stack: Laptop) -> Iterator[Caller]:
    """The platforms: everybody reads what they get, some seconds later. As before at the end."""
    caller = Caller(stack.sandbox_url)
    before = caller("POST", "/behaviour", {})
    caller("POST", "/behaviour", {"read": 1, "delay_ms": SLOW_RECEIPTS_MS})
    yield caller
    caller("POST", "/behaviour", {name: before[name] for name in ("read", "delay_ms")})


@pytest.fixture
def staff(stack: Laptop, sandbox: Caller) -> Staff:
    load_ground(stack)
    made = Staff.signed_in(Caller(stack.url), stack.env)
    made.register_templates(sandbox)
    return made


def code(sandbox: Caller, to: str, nth: int = 1) -> str:
    """The nth code that came to this phone."""

    def came() -> list[str]:
        inbox = sandbox("GET", f"/messages?to={quote(to)}")
        codes = [found[0] for one in inbox if (found := re.search(r"\b\d{6}\b", one["text"]))]
        return codes[nth - 1 : nth]

    return str(wait_for(came, f"code {nth} for {to}")[0])


def at_home(house: House, sandbox: Caller, phone: str, nth: int) -> Seat:
    """A creator who has signed in on their phone."""
    seat = house.phone(FIRST + 50 + nth)
    seat.goto("/?lang=hi")
    seat.press("पहले से जुड़े हैं? अपने पन्ने पर जाएँ", "link")
    seat.fill("मोबाइल नंबर", phone.removeprefix("+91"))
    seat.press("मुझे कोड भेजें")
    seat.fill("कोड", code(sandbox, phone, nth))
    seat.press("पुष्टि करें")
    return seat


def test_somebody_joins_by_keyboard_alone_is_welcomed_by_keyboard_and_reads_it_on_their_page(
    house: House, sandbox: Caller, staff: Staff
) -> None:
    number = f"+{PHONE_BASE + FIRST}"
    phone = house.phone(FIRST)
    phone.goto("/?lang=hi")
    phone.enter("हमसे जुड़ें", "link")
    phone.write("आपका नाम", "मीना यात्री")
    phone.write("मोबाइल नंबर", number.removeprefix("+91"))
    for label, value in (("दिन", "15"), ("महीना", "8"), ("वर्ष", "1995")):
        phone.write(label, value)
    phone.enter("आगे")
    expect(phone.get_by_label("राज्य", exact=True)).to_be_visible()
    if not phone.get_by_label("ज़िला", exact=True).count():  # the only state is chosen already
        phone.pick("राज्य", "नमूना प्रदेश")
        phone.enter("ज़िले दिखाएँ")
    phone.pick("ज़िला", "जनपुर")
    phone.enter("आगे")
    phone.write("किसी खाते का लिंक", "https://instagram.com/meena.yatri?igsh=1")
    phone.enter("यह खाता जोड़ें")
    phone.enter("आगे")
    phone.enter("आगे")
    phone.tab_to(phone.get_by_label("अभियानों के संदेश"))
    phone.key("Space")
    phone.enter("हमसे जुड़ें")
    phone.write("कोड", code(sandbox, number))
    phone.enter("पुष्टि करें")
    expect(phone.get_by_role("heading", name="धन्यवाद!")).to_be_visible()

    desk = house.desk("coordinator-a", "hi")
    desk.goto("/console/review?lang=hi")
    card = desk.get_by_role("article", name="मीना यात्री")
    expect(card).to_be_visible()
    for _ in range(60):
        desk.key("j")
        if card.evaluate("here => here === document.activeElement"):
            break
    desk.key("a")
    decided = desk.locator("article", has=desk.get_by_role("status")).filter(has_text="मीना यात्री")
    expect(decided).to_contain_text("मंज़ूर")

    home = at_home(house, sandbox, number, 2)
    expect(home.get_by_role("heading", level=1)).to_contain_text("मीना यात्री")
    home.says("आप जुड़ चुके हैं")


def people(stack: Laptop) -> list[Creator]:
    """Three readers of Hindi on WhatsApp in one place; the first has an account on Instagram."""
    found = [
        one for one in creators(60, load_ground(stack), first=FIRST + 100, telegram=0) if one.language == "hi"
    ]
    hero = next(one for one in found if account_of(one, "instagram"))
    others = [one for one in found if one != hero][:2]
    return [replace(one, area="D9002-B900203") for one in (replace(hero, name="राधा यात्री"), *others)]


def write_campaign(editor: Seat, title: str, marker: str) -> str:
    """From the console's first page to the approver; how many people it says that it reaches."""
    editor.press("Campaigns", "link")
    editor.press("New campaign", "link")
    editor.fill("Title", title)
    editor.choose("Department", "Health Department")
    editor.fill(re.compile("^Links"), "https://example.org/namuna")
    editor.choose("1.", "WhatsApp")
    expect(editor.get_by_label("Template")).to_be_visible()
    editor.choose("Template", "namuna_brief · en, hi")
    expect(editor.get_by_label("Place 4")).to_be_visible()
    for place, words in enumerate(("{name}", f"पोलियो की दवा {marker}", "{link}", "{disclosure}"), start=1):
        editor.fill(f"Place {place}", words)
    preview = editor.get_by_role("complementary", name="Preview")
    expect(preview).to_contain_text(f"नया अभियान: पोलियो की दवा {marker}")
    if not editor.get_by_label("District", exact=True).count():  # the only state is chosen already
        editor.choose("State", "Namuna Pradesh")
    editor.choose("District", "Loknagar")
    editor.choose("Block", "Melatola")
    editor.press("Add this area")
    count = editor.locator("#count .figures li").first
    expect(count).to_contain_text("people")
    reaches = count.locator("strong").inner_text()
    expect(preview).to_contain_text("Nothing is missing")
    editor.press("Save and put it before an approver")
    editor.says("It waits for an approver now.")
    return str(reaches)


def hand_in(home: Seat, hero: Creator, sandbox: Caller) -> str:
    """Publishes a post and hands in its link, which this gives."""
    post = {"platform": "instagram", "from": account_of(hero, "instagram"), "kind": "post", "text": "#ad"}
    link = LINKS["instagram"].format(
        name=account_of(hero, "instagram"), post=sandbox("POST", "/inbound", post)["id"]
    )
    home.fill("आपकी प्रकाशित पोस्ट का लिंक", link)
    home.press("जमा करें")
    home.says("यह एक अभियान में गिनी जाती है")
    return link


def take_along_and_leave(home: Seat, kept: tuple[str, ...]) -> None:
    """What is `kept` of a creator is shown and downloaded; then everything is erased."""
    home.press("आपका पन्ना", "link")
    home.press("आपका डेटा", "link")
    home.press("सब कुछ दिखाएँ")
    for fact in kept:
        expect(home.get_by_role("main")).to_contain_text(readable(fact))
    home.press("आपका डेटा", "link")
    with home.expect_download() as coming:
        home.press("फ़ाइल डाउनलोड करें (JSON)")
    file = json.loads(coming.value.path().read_text("utf-8"))
    for fact in kept:
        assert fact in json.dumps(file, ensure_ascii=False), fact

    home.fill("सब कुछ मिटाने के लिए यह शब्द लिखें: मिटाना", "मिटाना")
    home.press("मेरे बारे में सब कुछ मिटा दें")
    home.wait_for_url("**/me/signin*said=erased*")
    expect(home.get_by_role("status")).to_be_visible()


def test_a_campaign_is_written_approved_and_watched_and_who_got_it_hands_in_a_post_and_leaves(
    stack: Laptop, house: House, sandbox: Caller, staff: Staff
) -> None:
    title, marker = "Polio drops (journey, sample)", "#journey"
    team = people(stack)
    hero = team[0]
    enrol(team, Creators(staff.api, sandbox), staff)

    editor = house.desk("editor")
    reaches = write_campaign(editor, title, marker)

    approver = house.desk("approver")
    approver.press(re.compile("Campaigns that wait for your approval"), "link")
    approver.press(title, "link")
    approver.says(re.compile(f"पोलियो की दवा {marker}"))
    approver.press("Approve")
    approver.says("It is approved.")

    editor.reload()
    editor.press("When it goes out", "link")
    editor.tick("At once")
    editor.press("Check it once more")
    expect(editor.get_by_role("heading", name="Please confirm")).to_be_visible()
    editor.press("Yes, send it now")
    editor.says("It begins now.")
    campaign = editor.url.partition("/campaigns/")[2].partition("/")[0]
    read = editor.get_by_role("row", name=re.compile("^Read")).first.get_by_role("cell").first
    expect(read).to_have_text(reaches, timeout=3 * PATIENCE_MS)

    def disagreements() -> list[str]:
        truth = judge.truth_of(judge.people_of(judge.read_log(stack.sandbox_log), campaign, marker))
        return judge.disagreements(truth, staff.report(campaign))

    wait_for(lambda: not disagreements(), "the judge's agreement")
    reached = judge.people_of(judge.read_log(stack.sandbox_log), campaign, marker)
    assert len(reached) == int(reaches)
    assert {one.phone for one in team} <= {one.address for one in reached}
    assert {(one.requests, one.repeated) for one in reached} == {(1, 0)}, "nobody got it twice"
    assert editor.presses <= 26, "from signing in to the report: no step more on the pages"
    assert approver.presses <= 6

    home = at_home(house, sandbox, hero.phone, 2)
    home.press(title, "link")
    link = hand_in(home, hero, sandbox)
    take_along_and_leave(home, (hero.name, hero.phone, title, link.rpartition("/?")[0].rpartition("/")[2]))

    desk = house.desk("coordinator-b")
    desk.press("Register", "link")
    desk.fill("Name or account", hero.name)
    desk.press("Filter")
    desk.says(re.compile("Nobody fits these filters"))


def test_a_voice_is_told_answered_by_its_officer_and_read_by_its_ticket(house: House, staff: Staff) -> None:
    phone = house.phone(FIRST + 70)
    phone.goto("/?lang=hi")
    phone.press("समस्या या सुझाव बताएँ", "link")
    phone.tick("समस्या")
    phone.fill("आपको क्या बताना है?", "टीके की गाड़ी हमारे गाँव में नहीं रुकती (नमूना)")
    phone.choose("यह किस विभाग की बात है?", "स्वास्थ्य विभाग")
    phone.press("भेजें")
    phone.says("धन्यवाद। आपकी बात दर्ज कर ली गई है।")
    ticket = phone.url.partition("/voice/")[2].partition("?")[0]

    officer = house.desk("officer", "hi")
    officer.press("जन-आवाज़ें", "link")
    officer.fill("टिकट", ticket)
    officer.press("छाँटें")
    officer.says(ticket)
    officer.press(re.compile("टीके की गाड़ी हमारे गाँव में नहीं रुकती"), "link")
    officer.fill("आपके शब्द", "गाड़ी मंगलवार से आपके गाँव में भी रुकेगी।")
    officer.tick("हल हुई: शब्दों में लिखा है कि क्या किया गया")
    officer.press("भेजें")
    officer.says("गाड़ी मंगलवार से")

    phone.goto("/voice?lang=hi")
    phone.fill("टिकट", ticket)
    phone.press("आगे क्या हुआ")
    phone.says("गाड़ी मंगलवार से आपके गाँव में भी रुकेगी।")
