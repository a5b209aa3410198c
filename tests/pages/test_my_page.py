"""A creator's own page as a browser without JavaScript uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from chalicelib import i18n, wiring
from chalicelib.i18n import translate
from chalicelib.influencers import forms
from chalicelib.influencers.claims import Proof
from chalicelib.influencers.model import CHANNELS, ReviewRequest
from tests.influencers.world import ADMIN, KnownAccounts
from tests.pages.conftest import Site, send_codes
from tests.pages.test_in_the_browser import CHROMIUM, PHONE
from tests.pages.test_signup_page import GOOD, page

PROOFS = wiring.proofs


@dataclass
class Creator:
    """Somebody at their phone, with the cookies that it was given."""

    site: Site
    cookie: str = ""
    accounts: KnownAccounts = field(default_factory=KnownAccounts)

    def get(self, path: str) -> str:
        answer = self.site.get(path, cookie=self.cookie)
        return page(answer) if answer.status_code == 200 else str(answer.headers["Location"])

    def post(self, path: str, **fields: str) -> tuple[int, str]:
        answer = self.site.post(path, list(fields.items()), cookie=self.cookie)
        if "Set-Cookie" in answer.headers:
            self.cookie = str(answer.headers["Set-Cookie"]).split(";")[0]
        return answer.status_code, str(answer.headers.get("Location", "")) or page(answer)

    def sign_in(self) -> None:
        _, shown = self.post("/me/signin?lang=en", phone="8123456789")
        [asked] = re.findall(r'name="id" value="([^"]*)"', shown)
        [message] = send_codes()
        assert self.post("/me/signin?lang=en", id=asked, code=message.params[0]) == (303, "/me?lang=en")


@pytest.fixture
def creator(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Creator]:
    """Who has joined, with an account on Instagram."""
    signup = str(site.post("/signup?lang=en", GOOD).headers["Location"]).partition("?")[0]
    [message] = send_codes()
    site.post(f"{signup}?lang=en", [("code", message.params[0])])
    made = Creator(site)
    monkeypatch.setattr(wiring, "proofs", lambda: replace(PROOFS(), meter=made.accounts))
    yield made


def test_who_is_not_signed_in_is_shown_the_way(creator: Creator) -> None:
    assert creator.get("/me?lang=en").startswith("/me/signin?")
    assert "Send me a code" in creator.get("/me/signin?lang=en")


def test_every_way_by_which_a_code_may_come_is_named(creator: Creator) -> None:
    """Which of them it is would tell whose number is known."""
    for lang in ("hi", "en"):
        _, shown = creator.post(f"/me/signin?lang={lang}", phone="8123456789")
        for channel in CHANNELS:
            assert translate(lang, forms.CHANNELS[channel]).lower() in shown.lower()


def test_an_unknown_number_is_answered_like_a_known_one(creator: Creator) -> None:
    pages = []
    for phone in ("8123456789", "8123456700"):
        status, shown = creator.post("/me/signin?lang=en", phone=phone)
        pages.append((status, re.sub(r"sgn_\w+", "sgn", shown)))
    assert pages[0] == pages[1]
    status, shown = creator.post("/me/signin?lang=en", phone="12")
    assert (status, 'aria-invalid="true"' in shown) == (422, True)


def test_a_wrong_code_may_be_mended(creator: Creator) -> None:
    _, shown = creator.post("/me/signin?lang=en", phone="8123456789")
    [asked] = re.findall(r'name="id" value="([^"]*)"', shown)
    [message] = send_codes()
    wrong = "000000" if message.params[0] != "000000" else "000001"
    for code in (wrong, "12"):
        status, shown = creator.post("/me/signin?lang=en", id=asked, code=code)
        assert (status, f'value="{asked}"' in shown) == (422, True)
    assert creator.post("/me/signin?lang=en", id=asked, code=message.params[0])[0] == 303
    assert creator.post("/me/signin?lang=en", id=asked, code=message.params[0])[0] == 409


def test_a_creator_sees_their_accounts_proves_one_and_signs_out(creator: Creator) -> None:
    creator.sign_in()
    shown = creator.get("/me?lang=en")
    assert "सुनीता देवी" in shown
    assert "As you have stated it" in shown
    [path] = re.findall(r'action="(/me/handles/[^?"]*)\?', shown)
    status, asked = creator.post(f"{path}?lang=en")
    [code] = re.findall(r"janjan-[a-z2-7]{8}", asked)
    assert status == 200
    creator.accounts.show("instagram", "sunita.devi", "namaste")
    status, again = creator.post(f"{path}/check?lang=en")
    assert (status, code in again, "does not stand in the description" in again) == (422, True, True)
    creator.accounts.show("instagram", "sunita.devi", code)
    status, place = creator.post(f"{path}/check?lang=en")
    assert status == 303
    assert "It is certain that this account is yours" in creator.get(place)
    kept = creator.cookie
    assert creator.post("/me/signout?lang=en")[0] == 303
    assert creator.cookie == "janjan_me="
    creator.cookie = kept
    assert creator.get("/me?lang=en").startswith("/me/signin?")


def test_a_creator_hands_in_the_link_of_a_post(creator: Creator) -> None:
    creator.sign_in()
    assert "Hand it in" not in creator.get("/me?lang=en")  # who waits for review is not asked
    [(person, _)] = wiring._people_store().listed("pending_review", "", None, 1)
    wiring.register().review(ADMIN, person.id, ReviewRequest(decision="approve"))
    assert "Hand it in" in creator.get("/me?lang=en")
    link = "https://www.instagram.com/sunita.devi/p/DAbc12345/?igsh=1"
    status, shown = creator.post("/me/posts?lang=en", url=link)
    assert (status, "is noted" in shown) == (200, True)
    assert "It counts for no campaign yet" in shown
    status, again = creator.post("/me/posts?lang=en", url="instagram.com/p/DAbc12345")
    assert "it counts once" in again
    status, wrong = creator.post("/me/posts?lang=en", url="javascript:alert(1)")
    assert (status, 'aria-invalid="true"' in wrong, 'href="javascript' in wrong) == (422, True, False)
    assert "/p/DAbc12345" in creator.get("/me?lang=en")


def test_a_creator_takes_emails_up_again_by_a_link_to_their_address(site: Site) -> None:
    mail = [("email", "sunita@x.test"), ("also", "email")]
    signup = str(site.post("/signup?lang=en", GOOD + mail).headers["Location"]).partition("?")[0]
    [message] = send_codes()
    site.post(f"{signup}?lang=en", [("code", message.params[0])])
    creator, store = Creator(site), wiring._people_store()
    creator.sign_in()
    assert "stopped" not in creator.get("/me/settings?lang=en")
    status, said = creator.post("/me/emails?lang=en")
    assert (status, "Emails to you are not stopped" in said) == (409, True)
    [(person, _)] = store.listed("pending_review", "", None, 1)
    store.prove_email(person.id, Proof("email", person.email, wiring.clock().now(), "test"))
    wiring.people().unsubscribe(person.id, at=wiring.clock().now() - timedelta(minutes=1))
    shown = creator.get("/me/settings?lang=en")
    assert "Emails to sunita@x.test are stopped" in shown
    assert shown.count('<span class="chip wait">stopped</span>') == 2  # of each consent by email
    status, place = creator.post("/me/emails?lang=en")
    assert (status, place) == (303, "/me/settings?lang=en&said=link#reach")
    assert "We have sent you an email" in creator.get(place)
    [message] = send_codes()
    [path] = re.findall(r"(/resume/[^?\s]*)", message.text)
    assert "Yes, send me emails again" in page(site.get(f"{path}?lang=en"))
    assert store.person(person.id).may_resume_email  # looking does nothing
    assert site.post(path, [], origin="https://elsewhere.test").status_code == 403
    for _ in range(2):
        assert "You will get our emails again" in page(site.post(f"{path}?lang=en", []))
    assert "stopped" not in creator.get("/me/settings?lang=en")
    assert site.get(f"{path}x").status_code == 404


def settings(creator: Creator, section: str = "", **fields: str) -> str:
    """The page after a form of it was sent, as the browser is led there."""
    status, place = creator.post(f"/me/settings?lang=en{section}", **fields)
    assert status == 303, place
    return creator.get(place.partition("#")[0])


def test_a_creator_changes_their_profile_and_what_was_wrong_stays_typed(creator: Creator) -> None:
    creator.sign_in()
    typed = {"do": "profile", "language": "en", "gender": "", "profession": "poet", "themes": "education"}
    assert "It is saved." in settings(creator, name="Sunita Kumari", **typed)
    [(person, _)] = wiring._people_store().listed("pending_review", "", None, 1)
    assert (person.name, person.language, person.profession) == ("Sunita Kumari", "en", "poet")
    assert person.themes == ("education",)
    status, shown = creator.post("/me/settings?lang=en", name="<b>77</b>", **typed)
    assert (status, 'aria-invalid="true"' in shown) == (422, True)
    assert 'value="&lt;b&gt;77&lt;/b&gt;"' in shown


def test_a_creator_agrees_and_takes_it_back_with_one_button_each(creator: Creator) -> None:
    creator.sign_in()
    shown = creator.get("/me/settings?lang=en")
    agreed = shown.count(">Take back</button>")
    shown = settings(creator, do="give", purpose="gatherings", channel="whatsapp")
    assert ("You have agreed" in shown, shown.count(">Take back</button>")) == (True, agreed + 1)
    shown = settings(creator, do="take", purpose="gatherings", channel="whatsapp")
    assert ("You have taken it back" in shown, shown.count(">Take back</button>")) == (True, agreed)
    status, shown = creator.post("/me/settings?lang=en", do="give", purpose="surveys", channel="telegram")
    assert (status, "We have no address of yours for this channel" in shown) == (422, True)


def test_a_creator_pauses_until_a_day_or_without_an_end_and_goes_on(creator: Creator) -> None:
    creator.sign_in()
    assert "Campaigns pause until you go on." in settings(creator, do="pause", paused_until="")
    assert "Campaigns pause until you go on." in creator.get("/me?lang=en")
    assert "Campaigns come to you again." in settings(creator, do="resume")
    for lang in i18n.languages():  # names of places are not told in every language
        assert creator.get(f"/me/settings?lang={lang}").startswith("<!doctype html>")
    later = wiring.clock().today_ist() + timedelta(days=9)
    for typed in (f"{later:%Y-%m-%d}", f"{later:%d-%m-%Y}", f"{later:%d/%m/%Y}"):
        assert f"Campaigns pause until {later:%d-%m-%Y}." in settings(creator, do="pause", paused_until=typed)
    for typed in ("2020-01-01", "soon", "31-02-2027"):
        status, shown = creator.post("/me/settings?lang=en", do="pause", paused_until=typed)
        assert (status, 'aria-invalid="true"' in shown or "Please look at this once more" in shown) == (
            422,
            True,
        )


def test_a_creator_moves_and_waits_for_the_review_of_the_new_place(creator: Creator) -> None:
    creator.sign_in()
    [(person, _)] = wiring._people_store().listed("pending_review", "", None, 1)
    wiring.register().review(ADMIN, person.id, ReviewRequest(decision="approve"))
    home = {"area_state": "IN-XN", "area_district": "D9002"}
    status, shown = creator.post("/me/settings?lang=en", do="place", **home)
    assert (status, "Loknagar" in shown) == (200, True)
    assert "Your new area is saved. Somebody there will look at it" in settings(creator, do="area", **home)
    assert wiring._people_store().person(person.id).status == "pending_review"
    status, shown = creator.post("/me/settings?lang=en", do="area", area_state="IN-XN", area_district="")
    assert (status, "Please fill in this field." in shown) == (422, True)


def test_a_creator_leaves_after_saying_so_twice(creator: Creator) -> None:
    creator.sign_in()
    status, shown = creator.post("/me/settings?lang=en", do="leave")
    assert (status, "Please confirm that you want to leave." in shown) == (422, True)
    kept = creator.cookie
    status, shown = creator.post("/me/settings?lang=en", do="leave", sure="1")
    assert (status, "You have left" in shown, creator.cookie) == (200, True, "janjan_me=")
    creator.cookie = kept
    assert creator.get("/me/settings?lang=en").startswith("/me/signin?")


def test_another_sites_form_changes_nothing(creator: Creator) -> None:
    creator.sign_in()
    answer = creator.site.post("/me/signout", [], cookie=creator.cookie, origin="https://elsewhere.test")
    assert answer.status_code == 403
    assert "सुनीता देवी" in creator.get("/me")


@pytest.mark.slow
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="the system has no Chromium")
def test_it_fits_a_narrow_phone_without_scripts_in_hindi(
    creator: Creator, address: str, tmp_path: Path
) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(
            viewport=PHONE, java_script_enabled=False, base_url=address, locale="hi-IN"
        )
        phone = context.new_page()
        phone.goto("/?lang=hi")
        phone.get_by_text("पहले से जुड़े हैं").click()
        phone.fill("[name=phone]", "८१२३४ ५६७८९")
        phone.get_by_role("button", name="मुझे कोड भेजें").click()
        [message] = send_codes()
        phone.fill("[name=code]", message.params[0])
        phone.get_by_role("button").click()
        phone.wait_for_url("**/me?lang=hi")
        phone.screenshot(path=str(tmp_path / "me.png"), full_page=True)
        [(person, _)] = wiring._people_store().listed("pending_review", "", None, 1)
        wiring.register().review(ADMIN, person.id, ReviewRequest(decision="approve"))
        phone.goto("/me?lang=hi")
        phone.fill("[name=url]", "https://youtu.be/dQw4w9WgXcQ?si=abcdefghijkl")
        phone.get_by_role("button", name="जमा करें").click()
        phone.screenshot(path=str(tmp_path / "posts.png"), full_page=True)
        boxes = [phone.locator("main").bounding_box()]
        assert phone.locator("h1").inner_text() == "नमस्ते, सुनीता देवी"
        phone.get_by_role("button", name="साबित करें कि यह मेरा है").click()
        phone.screenshot(path=str(tmp_path / "proof.png"), full_page=True)
        boxes.append(phone.locator("main").bounding_box())
        assert all(box and box["width"] <= PHONE["width"] for box in boxes)
        browser.close()


def test_every_page_of_a_creator_shows_the_same_way_through_them(creator: Creator) -> None:
    creator.sign_in()
    for path in ("/me", "/me/campaigns", "/me/messages", "/me/settings", "/me/data", "/me/appeals"):
        shown = creator.get(f"{path}?lang=en")
        tabs = shown.partition('class="tabs"')[2].partition("</nav>")[0]
        assert len(re.findall("<a ", tabs)) == 5, path
        assert len(re.findall("aria-current", tabs)) == 1, path
        assert shown.index('class="crumbs"') < shown.index('class="tabs"'), path
