"""The signup page as a browser without JavaScript uses it: forms, redirects, what was typed kept."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from html import unescape

import pytest

from chalicelib.influencers import forms
from chalicelib.pages import shell
from chalicelib.pages.forms import Form
from tests.pages.conftest import Site, send_codes

TOO_YOUNG = f"{datetime.now(UTC).year - 10}"
GOOD = [
    ("name", "सुनीता देवी"),
    ("phone", "८१२३४ ५६७८९"),
    ("birth_day", "५"),
    ("birth_month", "8"),
    ("birth_year", "1995"),
    ("language", "hi"),
    ("area_state", "IN-XN"),
    ("area_district", "D9001"),
    ("channel", "whatsapp"),
    ("consents", "campaigns"),
    ("consents", "surveys"),
    ("themes", "health"),
    ("handle_instagram", "https://instagram.com/Sunita.Devi?x=1"),
    ("followers_instagram", "1,200"),
]


def without(*names: str) -> list[tuple[str, str]]:
    return [pair for pair in GOOD if pair[0] not in names]


def page(response: object) -> str:
    return response.body.decode()  # type: ignore[attr-defined,no-any-return]


def test_the_first_page_speaks_hindi_unless_asked_otherwise(site: Site) -> None:
    answer = site.get("/")
    assert answer.status_code == 200
    assert '<html lang="hi">' in page(answer)
    assert 'href="/signup?lang=hi"' in page(answer)
    assert '<html lang="en">' in page(site.get("/?lang=en"))
    assert '<html lang="en">' in page(site.get("/", accept_language="en-IN,en;q=0.9,hi;q=0.8"))


def test_pages_run_nothing_from_elsewhere(site: Site) -> None:
    answer = site.get("/signup")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert re.findall(r"<script[^>]*>", page(answer)) == [
        f'<script src="{shell.static_url("signup.js")}" defer>'
    ]
    assert "style=" not in page(answer)
    assert re.findall(r'(?:src|stylesheet" href|icon" href)="(https?:[^"]*)"', page(answer)) == []


def test_static_files_may_be_kept_and_others_are_not_given(site: Site) -> None:
    found = re.search(r'href="(/static/style\.css\?v=[0-9a-f]{10})"', page(site.get("/")))
    assert found
    sheet = site.get(found[1])
    assert sheet.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in sheet.headers["Cache-Control"]
    assert b"--accent" in sheet.body
    assert site.get("/static/icon.svg").headers["Content-Type"] == "image/svg+xml"
    missing = site.get("/static/shell.py")
    assert missing.status_code == 404
    assert "यहाँ कुछ नहीं है" in page(missing)


def test_a_form_makes_the_signup_that_the_api_makes_and_leads_to_the_code(site: Site) -> None:
    from chalicelib import wiring

    answer = site.post("/signup?lang=hi", GOOD)
    assert answer.status_code == 303
    found = re.fullmatch(r"/signup/(inf_\w{16})\?lang=hi", answer.headers["Location"])
    assert found
    person = wiring.signups().find(found[1])
    assert (person.name, person.phone, person.area) == ("सुनीता देवी", "+918123456789", "D9001")
    assert [(h.platform, h.handle, h.followers) for h in person.handles] == [
        ("instagram", "sunita.devi", 1200)
    ]
    assert [(c.purpose, c.channel) for c in person.consents] == [
        ("campaigns", "whatsapp"),
        ("surveys", "whatsapp"),
    ]
    assert person.themes == ("health",)
    assert person.terms_version == forms.TERMS_VERSION, "the page has shown them"
    asked = site.get(answer.headers["Location"])
    assert 'autocomplete="one-time-code"' in page(asked)
    [message] = send_codes()
    wrong = site.post(f"/signup/{found[1]}?lang=hi", [("code", "12")])
    assert wrong.status_code == 422
    assert 'id="code-error"><bdi>कृपया कोड के छहों अंक लिखें।<' in page(wrong)
    assert 'value="12"' in page(wrong)
    right = site.post(
        f"/signup/{found[1]}?lang=hi", [("code", f" {message.params[0][:3]} {message.params[0][3:]}")]
    )
    assert right.status_code == 303
    assert "आपका पंजीकरण पूरा हो गया है" in page(site.get(right.headers["Location"]))


def test_a_wrong_code_is_said_beside_the_field(site: Site) -> None:
    where = site.post("/signup", GOOD).headers["Location"]
    [message] = send_codes()
    other = "000000" if message.params[0] != "000000" else "000001"
    answer = site.post(where, [("code", other)])
    assert answer.status_code == 422
    assert "यह कोड सही नहीं है" in page(answer)


def test_another_code_can_be_asked_for_until_it_is_too_much(site: Site) -> None:
    where = site.post("/signup?lang=en", GOOD).headers["Location"]
    path = where.partition("?")[0]
    again = site.post(f"{path}/codes?lang=en", [])
    assert again.status_code == 303
    assert "A new code is on its way" in page(site.get(again.headers["Location"]))
    for _ in range(3):
        site.post(f"{path}/codes?lang=en", [])
    refused = site.post(f"{path}/codes?lang=en", [])
    assert refused.status_code == 429
    assert "Too many tries" in page(refused)
    assert site.post("/signup?lang=en", GOOD).status_code == 429


def test_an_address_at_which_there_is_nothing_is_a_page_that_leads_on(site: Site) -> None:
    for path in ("/abuot", "/robots.txt", "/signup%00"):
        answer = site.get(f"{path}?lang=hi")
        assert answer.status_code == 404
        assert "यहाँ कुछ नहीं है" in page(answer) and 'href="/?lang=hi"' in page(answer)
    assert site.get("/about?lang=en").headers["Location"] == "/about/sitemap?lang=en"


def test_a_letter_can_be_asked_about_by_the_code_that_is_printed_on_it(site: Site) -> None:
    asked = page(site.get("/verify?lang=en"))
    assert "Is this letter real?" in asked and 'name="code"' in asked and "no letter of ours" not in asked
    found = site.get("/verify?lang=en&code=%20abcd%20efgh%2F..")
    assert (found.status_code, found.headers["Location"]) == (303, "/verify/abcdefgh%2F..?lang=en")
    wrong = site.get("/verify/abcd-efgh-ijkl-mnop?lang=en")
    assert wrong.status_code == 404 and 'name="code"' in page(wrong)


def test_an_unknown_signup_is_not_found(site: Site) -> None:
    assert site.get("/signup/inf_none").status_code == 404
    assert site.post("/signup/inf_none", [("code", "123456")]).status_code == 404
    assert site.post("/signup/inf_none/codes", []).status_code == 404


def test_every_error_stands_beside_its_field_and_what_was_typed_stays(site: Site) -> None:
    fields = [
        *without("phone", "birth_year", "handle_instagram", "area_district"),
        ("phone", "12345"),
        ("birth_year", ""),
        ("handle_youtube", "https://youtube.com/watch?v=1"),
        ("handle_x", "@ok"),
        ("followers_x", "many"),
        ("email", "nobody"),
        ("idea", "<b>घर-घर</b>"),
    ]
    answer = site.post("/signup?lang=hi", fields)
    assert answer.status_code == 422
    shown = page(answer)
    wrong = {"phone", "birth_date", "area_district", "handle_youtube", "followers_x", "email"}
    assert set(re.findall(r'id="(\w+)-error"', shown)) == wrong
    for name in wrong:
        assert f'href="#{name}"' in shown
        assert f'id="{name}"' in shown
        assert re.search(rf'aria-describedby="[^"]*{name}-error', shown)
    for typed in ("सुनीता देवी", "12345", "https://youtube.com/watch?v=1", "many", "nobody"):
        assert f'value="{typed}"' in shown
    assert "&lt;b&gt;घर-घर&lt;/b&gt;" in shown
    assert re.search(r'value="surveys" checked', shown)
    assert re.search(r'value="gatherings">', shown)
    assert re.search(r'<option value="IN-XN" selected', shown)


def test_what_only_a_look_finds_is_said_beside_its_field_too(site: Site) -> None:
    answer = site.post("/signup?lang=en", [*without("birth_year"), ("birth_year", TOO_YOUNG)])
    assert answer.status_code == 422
    assert "You can join when you are 18 years old." in page(answer)
    assert 'id="birth_date-error"' in page(answer)


@pytest.mark.parametrize(
    ("day", "month", "year"), [("32", "8", "1995"), ("5", "", "1995"), ("5", "13", "95")]
)
def test_a_date_that_is_none_is_explained_as_the_form_asks_for_it(
    site: Site, day: str, month: str, year: str
) -> None:
    typed = [("birth_day", day), ("birth_month", month), ("birth_year", year)]
    answer = site.post("/signup?lang=en", [*without("birth_day", "birth_month", "birth_year"), *typed])
    assert "Please write day, month and year in digits, such as 15 8 1995." in page(answer)
    assert f'name="birth_day" value="{day}"' in page(answer)


def test_the_area_is_picked_list_by_list(site: Site) -> None:
    first = page(site.post("/signup?lang=en", [("at", "about"), ("go", "place")]))
    assert re.findall(r'name="area_(\w+)"', first) == ["state"]
    assert "Show districts" in first
    second = page(site.post("/signup?lang=en", [("step", "place"), ("area_state", "IN-XN"), ("name", "R")]))
    assert re.findall(r'name="area_(\w+)"', second) == ["state", "district"]
    assert 'formaction="/signup?lang=en#place"' in second
    assert '<fieldset id="place" tabindex="-1">' in second, (
        "the fragment leads the keyboard back to the lists"
    )
    assert 'value="R"' in second
    assert "-error" not in second
    third = page(
        site.post("/signup?lang=en", [("step", "place"), ("area_state", "IN-XN"), ("area_district", "D9001")])
    )
    assert re.findall(r'name="area_(\w+)"', third) == ["state", "district", "block"]
    picked = [("area_state", "IN-XN"), ("area_district", "D9001"), ("area_block", "D9001-B1")]
    fourth = page(site.post("/signup?lang=en", [("step", "place"), *picked]))
    assert re.findall(r'name="area_(\w+)"', fourth) == ["state", "district", "block", "booth"]
    assert "Show " not in fourth


def test_a_district_without_blocks_shows_its_booths(site: Site) -> None:
    shown = page(
        site.post("/signup?lang=en", [("step", "place"), ("area_state", "IN-XN"), ("area_district", "D9002")])
    )
    assert re.findall(r'name="area_(\w+)"', shown) == ["state", "district", "booth"]


def test_another_state_forgets_the_district_of_the_first(site: Site) -> None:
    answer = site.post("/signup?lang=en", [*without("area_state"), ("area_state", "IN-XM")])
    assert answer.status_code == 422
    assert 'value="D9001"' not in page(answer)


def test_the_language_changes_without_losing_what_was_typed(site: Site) -> None:
    answer = page(site.post("/signup?lang=en", [("step", "show"), *GOOD]))
    assert '<html lang="en">' in answer
    assert 'value="सुनीता देवी"' in answer


def test_a_program_that_fills_the_hidden_field_is_thanked_and_forgotten(site: Site) -> None:
    from chalicelib.influencers.rows import ProfileItem

    answer = site.post("/signup", [*GOOD, ("website", "https://spam.test")])
    assert answer.status_code == 200
    assert "धन्यवाद" in page(answer)
    assert list(ProfileItem.scan()) == []


def test_telegram_shows_the_deep_link_and_a_new_one_on_demand(site: Site) -> None:
    answer = site.post("/signup?lang=en", [*without("channel"), ("channel", "telegram")])
    cookie = str(answer.headers["Set-Cookie"])
    assert re.search(r"Path=/signup/inf_\w+; Max-Age=3600; HttpOnly; SameSite=Lax$", cookie)
    kept = cookie.partition(";")[0]
    shown = page(site.get(answer.headers["Location"], cookie=kept))
    link = re.search(r'href="(https://t\.me/janjan_namuna_bot\?start=[\w-]{32})"', shown)
    assert link
    assert "t.me" not in page(site.get(answer.headers["Location"]))
    assert "evil" not in page(site.get(answer.headers["Location"], cookie="janjan_link=https://evil.test"))
    path = answer.headers["Location"].partition("?")[0]
    again = site.post(f"{path}/codes?lang=en", [], cookie=kept)
    assert again.status_code == 303
    assert link[1] not in str(again.headers["Set-Cookie"])


def test_whoever_has_pressed_start_looks_whether_it_has_arrived(site: Site) -> None:
    from chalicelib import wiring

    answer = site.post("/signup?lang=en", [*without("channel"), ("channel", "telegram")])
    path, kept = answer.headers["Location"].partition("?")[0], str(answer.headers["Set-Cookie"])
    shown = page(site.get(f"{path}?lang=en", cookie=kept.partition(";")[0]))
    assert f'href="{path}?lang=en&amp;pressed=1"' in shown
    assert "has not reached us" not in shown
    assert "has not reached us yet" in page(site.get(f"{path}?lang=en&pressed=1"))
    [token] = re.findall(r"start=([\w-]{32})", kept)
    wiring.signups().start_telegram(token, "4711", wiring.clock().now())
    shown = page(site.get(f"{path}?lang=en&pressed=1"))
    assert "Your signup is complete" in shown
    assert "has not reached us" not in shown


def test_a_signup_says_how_it_stands_and_nothing_of_whose_it_is(site: Site) -> None:
    from chalicelib import wiring
    from chalicelib.influencers.model import ReviewRequest
    from tests.influencers.world import ADMIN

    path = str(site.post("/signup?lang=en", GOOD).headers["Location"]).partition("?")[0]
    [message] = send_codes()
    site.post(f"{path}?lang=en", [("code", message.params[0])])
    decisions = [
        (None, "Somebody from your area looks at it", False),
        (ReviewRequest(decision="decline", reason="Only for this test"), "Your signup was declined", True),
        (ReviewRequest(decision="approve"), "Your signup was approved", True),
        (ReviewRequest(decision="suspend", reason="Only for this test"), "is suspended", True),
    ]
    for decision, says, signs_in in decisions:
        if decision:
            wiring.register().review(ADMIN, path.rpartition("/")[2], decision)
        shown = page(site.get(f"{path}?lang=en"))
        assert says in shown
        assert ('href="/me/signin?lang=en"' in shown) == signs_in
        for secret in ("सुनीता", "8123456789", "56789", "Janpur", "sunita.devi", "Only for this test"):
            assert secret not in shown, (says, secret)


def test_a_form_of_another_site_is_refused(site: Site) -> None:
    assert site.post("/signup", GOOD, origin="https://evil.test").status_code == 403


@pytest.mark.parametrize("path", ["/", "/signup"])
def test_pages_are_announced_in_their_language_with_one_heading(site: Site, path: str) -> None:
    shown = page(site.get(f"{path}?lang=hi"))
    assert shown.count("<h1>") == 1
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in shown
    assert "<title>" in shown
    ids = re.findall(r'\sid="([^"]+)"', shown)
    assert len(ids) == len(set(ids))
    for name in re.findall(r'<label for="([^"]+)"', shown):
        assert name in ids


# --- step by step


def hidden(shown: str) -> list[tuple[str, str]]:
    """What a step carries of the others."""
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', shown)
    return [(name, unescape(value)) for name, value in fields]


OWN = {
    "about": ("name", "phone", "birth_day", "birth_month", "birth_year", "language"),
    "place": ("area_state", "area_district"),
    "accounts": ("handle_instagram", "followers_instagram"),
    "themes": ("channel", "themes"),
    "consent": ("consents",),
}


def of_step(step: str) -> list[tuple[str, str]]:
    return [pair for pair in GOOD if pair[0] in OWN[step]]


def test_each_step_carries_what_the_others_hold_and_the_last_one_joins(site: Site) -> None:
    from chalicelib import wiring

    shown = page(site.get("/signup?lang=en"))
    for number, step in enumerate(OWN, start=1):
        assert f"Step {number} of 5" in shown
        assert dict(hidden(shown))["at"] == step
        answer = site.post("/signup?lang=en", [*hidden(shown), *of_step(step), ("go", "next")])
        if step != "consent":
            assert answer.status_code == 200, page(answer)
            assert "-error" not in page(answer)
            shown = page(answer)
    assert answer.status_code == 303
    signup = answer.headers["Location"].split("/")[2].partition("?")[0]
    person = wiring.signups().find(signup)
    assert (person.name, person.area, person.themes) == ("सुनीता देवी", "D9001", ("health",))
    assert [(one.handle, one.followers) for one in person.handles] == [("sunita.devi", 1200)]
    assert len(person.consents) == 2


def test_a_mistake_holds_in_its_own_step_and_says_nothing_of_later_ones(site: Site) -> None:
    typed = [("name", "R"), ("phone", "12"), ("language", "en")]
    answer = site.post("/signup?lang=en", [("at", "about"), *typed, ("go", "next")])
    shown = page(answer)
    assert answer.status_code == 422
    assert "Step 1 of 5" in shown
    assert set(re.findall(r'id="(\w+)-error"', shown)) == {"phone", "birth_date"}
    assert 'value="12"' in shown


def test_going_back_or_to_a_step_loses_nothing_and_complains_of_nothing(site: Site) -> None:
    typed = [*without("channel"), ("at", "accounts"), ("phone", "12")]
    for go, number in (("place", 2), ("about", 1), ("themes", 4)):
        answer = site.post("/signup?lang=en", [*typed, ("go", go)])
        shown = page(answer)
        assert (answer.status_code, f"Step {number} of 5" in shown) == (200, True)
        assert "-error" not in shown
        assert "सुनीता देवी" in shown


def test_a_mistake_of_an_earlier_step_leads_back_to_it(site: Site) -> None:
    """Who wants emails and has named no address learns it where the address is asked for."""
    typed = [*without("channel"), ("channel", "email"), ("at", "consent"), ("go", "next")]
    answer = site.post("/signup?lang=en", typed)
    shown = page(answer)
    assert (answer.status_code, "Step 1 of 5" in shown) == (422, True)
    assert 'id="email-error"' in shown
    assert ("channel", "email") in hidden(shown)


def test_the_language_changes_in_the_middle(site: Site) -> None:
    shown = page(site.post("/signup?lang=hi", [*GOOD, ("at", "accounts"), ("step", "show")]))
    assert '<html lang="hi">' in shown
    assert dict(hidden(shown))["at"] == "accounts"
    assert ("name", "सुनीता देवी") in hidden(shown)


@pytest.mark.parametrize(
    ("link", "platform", "handle"),
    [
        ("https://www.youtube.com/@Sunita?si=abc", "youtube", "sunita"),
        ("instagram.com/Sunita.Devi/", "instagram", "sunita.devi"),
        ("https://x.com/sunita_d?s=21", "x", "sunita_d"),
        ("मेरा चैनल देखें: https://youtube.com/@sunita?si=abc धन्यवाद", "youtube", "sunita"),
        ("https://youtube.com/@sunita धन्यवाद", "youtube", "sunita"),
        ("My post https://x.com/i/web/1 and I: https://x.com/sunita_d", "x", "sunita_d"),
        ("This is me (https://instagram.com/sunita.devi).", "instagram", "sunita.devi"),
        ("मेरा पेज: https://instagram.com/sunita.devi।", "instagram", "sunita.devi"),
    ],
)
def test_a_pasted_link_is_recognised_and_shown_back(
    site: Site, link: str, platform: str, handle: str
) -> None:
    answer = site.post("/signup?lang=en", [("at", "accounts"), ("link", link), ("step", "link")])
    assert answer.status_code == 200
    assert f'name="handle_{platform}" type="text" value="{handle}"' in page(answer)
    assert 'name="link" type="text" value=""' in page(answer)


def test_a_text_of_thousands_of_links_is_not_read_through(monkeypatch: pytest.MonkeyPatch) -> None:
    looked, text = list[str](), "https://x.com/i/web/1 " * 5000
    monkeypatch.setattr(forms, "platform_of", lambda one: looked.append(one) or "")
    form, wrong = forms.recognised(Form({"link": [text]}))
    assert (wrong, form.one("link").strip()) == (forms.UNKNOWN_LINK, text.strip())
    assert not any(looked), "the empty fields of accounts alone"


@pytest.mark.parametrize("link", ["https://www.instagram.com/reel/C1abcdEFGhi/", "https://t.me/+AbCdEfGhIjK"])
def test_a_link_to_something_else_than_an_account_is_said_at_once(site: Site, link: str) -> None:
    answer = site.post("/signup?lang=en", [("at", "accounts"), ("link", link), ("step", "link")])
    assert answer.status_code == 422
    assert "This link leads to no account." in page(answer)
    assert f'value="{link}"' in page(answer)
    assert "<details open>" in page(answer)


@pytest.mark.parametrize("year", ["1850", TOO_YOUNG, "3000"])
def test_who_is_too_young_hears_so_in_the_first_step(site: Site, year: str) -> None:
    typed = [*without("birth_year"), ("birth_year", year), ("at", "about"), ("go", "next")]
    for fields in (typed, [(name, value) for name, value in typed if not name.startswith("area")]):
        answer = site.post("/signup?lang=en", fields)
        assert (answer.status_code, "Step 1 of 5" in page(answer)) == (422, True)
        assert set(re.findall(r'id="(\w+)-error"', page(answer))) == {"birth_date"}


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("12.5K", 12500),
        ("1.2 लाख", 120000),
        ("३ हज़ार", 3000),
        ("2 cr.", 20000000),
        ("۴ لاکھ", 400000),
        ("1,200", 1200),
        ("850", 850),
    ],
)
def test_followers_may_be_written_as_apps_shorten_them(site: Site, typed: str, number: int) -> None:
    from chalicelib import wiring

    answer = site.post("/signup?lang=hi", [*without("followers_instagram"), ("followers_instagram", typed)])
    assert answer.status_code == 303, page(answer)
    person = wiring.signups().find(answer.headers["Location"].split("/")[2].partition("?")[0])
    assert [one.followers for one in person.handles] == [number]


@pytest.mark.parametrize("typed", ["many", "12 fans", "k", "1.2.3k", "1k2"])
def test_what_is_no_number_of_followers_is_asked_for_again(site: Site, typed: str) -> None:
    answer = site.post("/signup?lang=en", [*without("followers_instagram"), ("followers_instagram", typed)])
    assert answer.status_code == 422 and 'id="followers_instagram-error"' in page(answer)


def test_a_link_in_the_field_of_another_platform_moves_to_its_own_with_its_followers(site: Site) -> None:
    typed = [("handle_facebook", "https://youtube.com/@sunita"), ("followers_facebook", "90")]
    shown = page(site.post("/signup?lang=en", [*GOOD, *typed, ("at", "accounts"), ("go", "next")]))
    held = dict(hidden(shown))
    assert (held["handle_youtube"], held["followers_youtube"]) == ("sunita", "90")
    assert held["handle_facebook"] == ""
    assert held["handle_instagram"] == "sunita.devi"


def test_a_link_that_leads_to_no_platform_is_said_beside_its_field_and_stays(site: Site) -> None:
    for pressed in (("step", "link"), ("go", "next")):
        answer = site.post("/signup?lang=en", [("at", "accounts"), ("link", "https://a.test/b"), pressed])
        assert answer.status_code == 422
        assert 'id="link-error"' in page(answer)
        assert 'value="https://a.test/b"' in page(answer)


def test_the_last_step_shows_what_was_told_and_leads_back_to_each(site: Site) -> None:
    more = [("email", "sunita@sample.test"), ("also", "email")]
    shown = page(site.post("/signup?lang=en", [*GOOD, *more, ("at", "themes"), ("go", "next")]))
    told = unescape(shown[shown.index('class="told"') : shown.index("</dl>")])
    for one in (
        "सुनीता देवी",
        "sunita@sample.test",
        "Namuna Pradesh › Janpur",
        "Instagram sunita.devi",
        "Health",
        "WhatsApp, Email",
    ):
        assert one in told
    urdu = page(site.post("/signup?lang=ur", [*GOOD, *more, ("at", "themes"), ("go", "next")]))
    assert "WhatsApp، " in urdu, "a list that is read from the right has its own comma"
    assert "you post in your own name" in shown and 'href="/about/terms?lang=en"' in shown
    assert set(re.findall(r'name="go" value="(\w+)" aria-label', shown)) == {
        "about",
        "place",
        "accounts",
        "themes",
    }


def test_an_area_can_be_found_by_typing_in_either_script(site: Site) -> None:
    shown = page(site.post("/signup?lang=en", [("at", "place"), ("step", "place"), ("area_state", "IN-XN")]))
    assert 'data-also="जनपुर Janpur">Janpur</option>' in shown
    assert "data-narrow=" in shown


def test_other_words_of_the_terms_are_another_version() -> None:
    """What somebody accepted is told by a number: each number stands for these words, and no others."""
    templates = shell.STATIC.parent / "templates"
    asked = re.findall(r'"(By joining you accept[^"]*)"', (templates / "signup.html").read_text("utf-8"))
    held = re.findall(r'_\("([^"]*)"\)', (templates / "about_terms.html").read_text("utf-8"))
    words = "\n".join([*asked, *held])
    assert {forms.TERMS_VERSION: hashlib.sha256(words.encode()).hexdigest()[:16]} == {"1": "ee5a7762c664afd7"}
