"""Campaigns on the console, over HTTP: written, approved, scheduled, by who knows no interface."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from chalice.test import HTTPResponse
from playwright.sync_api import Page, Route, expect

from chalicelib import http, wiring
from chalicelib.campaigns.composing import words_before
from chalicelib.clock import IST
from chalicelib.departments.scheme import SchemeBody
from chalicelib.identity.roles import Principal
from chalicelib.tables import write_together
from tests.campaigns.samples import BRIEF
from tests.pages.browsing import BASE, Visit, answered, chromium, visiting
from tests.pages.conftest import Site
from tests.pages.test_accessibility import AXE, judge
from tests.pages.test_in_the_browser import CHROMIUM
from tests.pages.trips import calls

STAFF = {
    "editor": Principal("u-editor", "Asha", "", frozenset({"editor"})),
    "second": Principal("u-second", "Bina", "", frozenset({"editor"})),
    "approver": Principal("u-approver", "Chitra", "", frozenset({"approver"})),
    "both": Principal("u-both", "Dev", "", frozenset({"editor", "approver"})),
    "nodal": Principal(
        "u-nodal", "Ela", "", frozenset({"nodal_officer"}), frozenset(), frozenset({"health"})
    ),
    "auditor": Principal("u-auditor", "Farid", "", frozenset({"auditor"})),
    "admin": Principal("u-admin", "Gita", "", frozenset({"admin"})),
}


class Keeper:
    def principal(self, bearer: str) -> Principal:
        return STAFF[bearer]

    def require(self, principal: Principal, action: str) -> None:
        if not principal.may(action):
            raise http.Forbidden


class Pool:
    def names(self) -> dict[str, str]:
        return {one.id: one.name for one in STAFF.values()}


@dataclass
class Desk:
    """The console, for whoever sits at it."""

    site: Site
    who: str = "editor"

    def get(self, path: str, lang: str = "en") -> str:
        answer = self.site.get(
            f"{path}{'&' if '?' in path else '?'}lang={lang}", cookie=f"janjan_session={self.who}"
        )
        assert answer.status_code == 200, (path, answer.status_code, answer.body.decode())
        return unescape(answer.body.decode())

    def post(self, path: str, fields: list[tuple[str, str]]) -> HTTPResponse:
        return self.site.post(f"{path}?lang=en", fields, cookie=f"janjan_session={self.who}")

    def sitting(self, who: str) -> Desk:
        return Desk(self.site, who)


@pytest.fixture
def desk(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    import boto3

    from tests.conftest import use_environment

    queue = boto3.client("sqs").create_queue(QueueName="plan")["QueueUrl"]
    use_environment({"PLAN_QUEUE_URL": queue})
    monkeypatch.setattr(http._doors[0], "gate", Keeper)
    monkeypatch.setattr(wiring, "users", Pool)
    wiring.directory().put_department("health", {"hi": "स्वास्थ्य विभाग", "en": "Health Department"})
    wiring.directory().put_department("election", {"en": "Election Office"})
    with write_together() as transaction:
        wiring.campaigns().store.put_template(transaction, "whatsapp", BRIEF)
    yield Desk(site)


LINK = "https://example.org/vaccine"
DRAFT = [
    ("title", "Polio drops on Sunday"),
    ("department", "health"),
    ("kind", "awareness"),
    ("compensation", "none"),
    ("theme", "health"),
    ("links", LINK),
    ("channel_1", "telegram"),
    ("languages", "hi"),
    ("messages.telegram.hi.text", "नमस्ते {name}, रविवार को पोलियो की दवा। {link}"),
    ("audience.areas", "D9001"),
]


def text_of(page: HTTPResponse | str) -> str:
    """What a page says, without its marks."""
    body = page if isinstance(page, str) else unescape(page.body.decode())
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def value_of(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def saved(desk: Desk, *more: tuple[str, str], once: str = "a") -> str:
    """A draft; its id."""
    answer = desk.post("/console/campaigns/new", [*DRAFT, *more, ("once", once), ("do", "save")])
    assert answer.status_code == 303, text_of(answer)
    found = re.search(r"/campaigns/(cmp_\w+)\?", str(answer.headers["Location"]))
    assert found
    return found[1]


def submitted(desk: Desk, *more: tuple[str, str]) -> str:
    campaign = saved(desk)
    fields = [*DRAFT, *more, ("rev", "1"), ("do", "submit")]
    answer = desk.post(f"/console/campaigns/{campaign}", fields)
    assert answer.status_code == 303, text_of(answer)
    return campaign


def change(fields: list[tuple[str, str]], **changed: str) -> list[tuple[str, str]]:
    return [(name, changed.get(name, value)) for name, value in fields]


def test_a_draft_is_written_on_one_page_and_found_in_the_list(desk: Desk) -> None:
    page = desk.get("/console/campaigns/new")
    assert "Health Department" in page
    campaign = saved(desk)
    kept = wiring.campaigns().get(campaign).content
    assert (kept.title, kept.order, kept.audience.areas) == (
        "Polio drops on Sunday",
        ("telegram",),
        ("D9001",),
    )
    assert kept.messages["telegram"]["hi"].text.startswith("नमस्ते")
    listed = text_of(desk.get("/console/campaigns"))
    assert "Polio drops on Sunday" in listed
    assert "Finish it and put it before an approver" in listed
    assert "Polio" not in text_of(desk.get("/console/campaigns?status=approved"))
    assert "Polio" not in text_of(desk.get("/console/campaigns?department=election"))
    shown = desk.get(f"/console/campaigns/{campaign}?said=saved")
    assert "The draft is saved." in shown
    assert "नमस्ते {name}, रविवार" in shown
    assert 'value="D9001"' in shown


def test_the_preview_says_the_very_words_that_are_sent(desk: Desk) -> None:
    fields = [*DRAFT, ("channel_2", "whatsapp"), ("messages.whatsapp.hi.template", "namuna_brief")]
    fields += [
        (f"messages.whatsapp.hi.params.{n}", v)
        for n, v in enumerate(("{name}", "दवा। {disclosure}", "{link}"))
    ]
    page = text_of(desk.post("/console/campaigns/new", [*fields, ("do", "show")]))
    campaign = saved(desk, *fields[len(DRAFT) :])
    content = wiring.campaigns().get(campaign).content
    organisation = wiring.campaigns().organisation
    sent = content.render("telegram", "hi", name="सुनीता देवी", organisation=organisation)
    assert " ".join(sent.text.split()) in page
    template = content.render("whatsapp", "hi", name="सुनीता देवी", organisation=organisation)
    assert " ".join(BRIEF.filled(template.params).split()) in page
    assert content.messages["whatsapp"]["hi"].category == "marketing"
    assert wiring.campaigns().page(STAFF["admin"], "", "", None, 10)[0][1:] == []  # looking saved nothing


POST = ("posts.hi.instagram", "रविवार को पोलियो की दो बूँदें।")


def test_what_creators_may_publish_is_written_shown_as_they_copy_it_and_kept(desk: Desk) -> None:
    page = text_of(desk.post("/console/campaigns/new", [*DRAFT, POST, ("do", "show")]))
    campaign = saved(desk, POST, ("posts.hi.facebook", "  "), once="posts")
    kept = wiring.campaigns().get(campaign).content
    assert kept.posts == {"hi": {"instagram": POST[1]}}
    copied = kept.post_text("hi", "instagram", wiring.campaigns().organisation)
    assert copied.endswith(LINK)
    assert " ".join(copied.split()) in page
    assert f"{len(copied)} of 2,200 characters" in page
    shown = desk.get(f"/console/campaigns/{campaign}")
    assert re.search(rf'name="posts.hi.instagram"[^>]*>{POST[1]}<', shown)
    assert re.search(r'<details id="posts-hi" open>\s*<summary lang="hi">', shown)
    fields = [*change(DRAFT, title="Polio drops"), POST, ("rev", "1"), ("do", "save")]
    assert desk.post(f"/console/campaigns/{campaign}", fields).status_code == 303
    assert wiring.campaigns().get(campaign).content.posts == kept.posts


def test_a_post_that_is_too_long_with_disclosure_and_link_is_said_and_not_lost(desk: Desk) -> None:
    fields = [*DRAFT, ("posts.hi.x", "बूँद " * 50)]
    sentence = "With disclosure and link this is longer than 280 characters."
    page = text_of(desk.post("/console/campaigns/new", [*fields, ("do", "show")]))
    assert f"Post · हिन्दी · X: {sentence}" in page
    answer = desk.post("/console/campaigns/new", [*fields, ("once", "x"), ("do", "submit")])
    page = unescape(answer.body.decode())
    assert answer.status_code == 422
    assert f'id="posts.hi.x-error"><bdi>{sentence}' in page
    assert 'href="#posts.hi.x"' in page
    assert "बूँद " * 50 in page
    answer = desk.post("/console/campaigns/new", [*DRAFT, ("posts.hi.x", "{name}!"), ("do", "save")])
    assert answer.status_code == 422
    assert "In a post {name} is not known." in text_of(answer)


def test_an_approver_reads_the_posts_as_creators_copy_them_and_what_changed(desk: Desk) -> None:
    campaign = submitted(desk, POST)
    where, approver = f"/console/campaigns/{campaign}/approval", desk.sitting("approver")
    content = wiring.campaigns().get(campaign).content
    copied = content.post_text("hi", "instagram", wiring.campaigns().organisation)
    page = approver.get(where)
    assert "As creators may publish it" in page
    assert " ".join(copied.split()) in text_of(page)
    assert "Post · हिन्दी · Instagram" not in page, "a text is read as it is copied, not among the facts"
    approver.post(where, [("rev", value_of(page, "rev")), ("do", "decline"), ("reason", "How many?")])
    rev = value_of(desk.get(f"/console/campaigns/{campaign}"), "rev")
    fields = [*DRAFT, (POST[0], POST[1].replace("दो", "पाँच")), ("rev", rev), ("do", "submit")]
    assert desk.post(f"/console/campaigns/{campaign}", fields).status_code == 303
    page = approver.get(where)
    assert "<dt>Post · हिन्दी · Instagram</dt>" in page
    assert "<del>दो</del><ins>पाँच</ins>" in page


def test_another_language_shows_the_same_list_with_its_filters(desk: Desk) -> None:
    page = desk.get("/console/campaigns?status=approved&department=health&said=saved")
    assert 'href="/console/campaigns?status=approved&department=health&lang=hi"' in page
    awkward = desk.site.get(
        "/console/campaigns?status=%22%3E%3Cb%3E%26lang%3Den&lang=en", cookie="janjan_session=editor"
    )
    assert "?status=%22%3E%3Cb%3E%26lang%3Den&amp;lang=hi" in awkward.body.decode()


def test_what_is_missing_is_said_before_it_is_submitted_and_beside_its_field_after(desk: Desk) -> None:
    fields = [one for one in DRAFT if one[0] not in ("audience.areas", "links")]
    page = text_of(desk.post("/console/campaigns/new", [*fields, ("do", "show")]))
    assert "Where: Add at least one area." in page
    assert "A message has {link}, and there is no link." in page
    answer = desk.post("/console/campaigns/new", [*fields, ("once", "x"), ("do", "submit")])
    assert answer.status_code == 422
    page_ = unescape(answer.body.decode())
    assert 'id="audience.areas-error"' in page_
    assert 'href="#links"' in page_
    assert "रविवार को पोलियो की दवा" in page_, "nothing that was typed is lost"
    [kept] = wiring.campaigns().page(STAFF["admin"], "", "", None, 10)[0]
    assert kept.status == "draft"
    assert f'action="/console/campaigns/{kept.id}?lang=en"' in page_


class Folded(HTMLParser):
    """What a page's parts are called, which of them lie in a folded one, and where links within it lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[bool] = []
        self.ids: set[str] = set()
        self.hidden: set[str] = set()
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "details":
            self.open.append("open" in told)
        self.ids |= {told["id"]} if "id" in told else set()
        self.hidden |= {told.get("id", "")} if not all(self.open) else set()
        if tag == "a" and told.get("href", "").startswith("#"):
            self.links.append(told["href"].removeprefix("#"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "details":
            self.open.pop()


LACKING = [
    (("title", ""), "title"),
    (("department", ""), "department"),
    (("compensation", ""), "compensation"),
    (("audience.areas", ""), "audience.areas"),
    (("channel_1", ""), "channels"),
    (("links", ""), "links"),
    (("messages.telegram.hi.text", ""), "channels"),
    (("messages.telegram.hi.text", "{nobody}"), "messages.telegram.hi.text"),
    (("expires_at", "2020-01-01T10:00"), "expires_at"),
    (("expires_at", "soon"), "expires_at"),
    (("posts.hi.x", "अ" * 300), "posts.hi.x"),
    (("disclosure.hi", "अ" * 301), "disclosure.hi"),
    (("partners", "अ" * 400), "partners"),
    (("audience.turnout_below", "many"), "audience.turnout_below"),
    (("audience.min_followers", "many"), "audience.min_followers"),
    (("audience.gender", "x"), "audience.gender"),
    (("audience.themes", "x" * 50), "audience.themes"),
    (("messages.whatsapp.hi.params.0", "{name}"), "messages.whatsapp.hi.template"),
    (("messages.whatsapp.hi.template", "namuna_brief"), "messages.whatsapp.hi.params"),
]


@pytest.mark.parametrize(("typed", "field"), LACKING)
@pytest.mark.parametrize("do", ["show", "submit"])
def test_what_is_missing_leads_to_its_field_which_is_not_folded_away(
    desk: Desk, do: str, typed: tuple[str, str], field: str
) -> None:
    fields = [*(one for one in DRAFT if one[0] != typed[0]), typed]
    if typed[0].startswith("messages.whatsapp"):
        fields.append(("channel_2", "whatsapp"))
    answer = desk.post("/console/campaigns/new", [*fields, ("once", "x"), ("do", do)])
    page = unescape(answer.body.decode())
    assert do == "show" or answer.status_code == 422, text_of(page)
    found = Folded(page)
    assert field in found.links, found.links
    assert set(found.links) <= found.ids
    assert not found.hidden & set(found.links), "a link leads into what is folded"


def test_what_has_no_name_yet_is_missing_too(desk: Desk) -> None:
    nameless = [one for one in DRAFT if one[0] not in ("title", "department")]
    page = text_of(desk.post("/console/campaigns/new", [*nameless, ("do", "show")]))
    assert "Title: Please fill in this field." in page and "Nothing is missing" not in page
    assert "Nothing is missing" in text_of(desk.post("/console/campaigns/new", [*DRAFT, ("do", "show")]))
    fresh = text_of(desk.get("/console/campaigns/new"))
    assert "Before it can be approved" not in fresh and "Nothing is missing" not in fresh


def test_a_district_that_is_chosen_need_not_be_added_and_a_state_must(desk: Desk) -> None:
    fields = [one for one in DRAFT if one[0] != "audience.areas"]
    chosen = [*fields, ("area_state", "IN-XN"), ("area_district", "D9001")]
    assert "Add at least one area." not in text_of(
        desk.post("/console/campaigns/new", [*chosen, ("do", "show")])
    )
    assert desk.post("/console/campaigns/new", [*chosen, ("once", "d"), ("do", "submit")]).status_code == 303
    [kept] = wiring.campaigns().page(STAFF["admin"], "", "", None, 10)[0]
    assert (kept.status, kept.content.audience.areas) == ("submitted", ("D9001",))
    state = [*fields, ("area_state", "IN-XN"), ("once", "s"), ("do", "submit")]
    refused = desk.post("/console/campaigns/new", state)
    assert (refused.status_code, "Add at least one area." in text_of(refused)) == (422, True)


def test_each_place_of_a_template_says_what_stands_before_it() -> None:
    body = "नमस्ते {{1}}, नया अभियान: {{2}}। संक्षेप और पोस्ट के लिए सामग्री: {{3}}।"
    said = [words_before(body, place) for place in (1, 2, 3, 4)]
    assert said == ["नमस्ते", "नया अभियान:", "और पोस्ट के लिए सामग्री:", ""]


def test_a_form_that_is_sent_twice_makes_one_draft(desk: Desk) -> None:
    assert saved(desk, once="k") == saved(desk, once="k")
    later = change(DRAFT, title="Polio drops on Monday")
    desk.post("/console/campaigns/new", [*later, ("once", "k"), ("do", "save")])
    [only] = wiring.campaigns().page(STAFF["admin"], "", "", None, 10)[0]
    assert only.content.title == "Polio drops on Monday"
    assert saved(desk.sitting("second"), once="k") != only.id


def test_who_saves_late_is_told_who_was_first_and_loses_nothing(desk: Desk) -> None:
    campaign = saved(desk)
    where = f"/console/campaigns/{campaign}"
    theirs = change(DRAFT, title="Polio drops on Monday")
    assert desk.sitting("second").post(where, [*theirs, ("rev", "1"), ("do", "save")]).status_code == 303
    mine = change(DRAFT, title="Polio drops on Friday")
    answer = desk.post(where, [*mine, ("rev", "1"), ("do", "save")])
    page = unescape(answer.body.decode())
    assert answer.status_code == 409
    assert "Bina has saved a change meanwhile" in page
    assert "<del>Monday</del><ins>Friday</ins>" in page
    assert 'value="Polio drops on Friday"' in page
    assert value_of(page, "rev") == "2"
    assert desk.post(where, [*mine, ("rev", "2"), ("do", "save")]).status_code == 303
    assert wiring.campaigns().get(campaign).content.title == "Polio drops on Friday"


def test_a_scheme_of_another_department_that_a_campaign_cites_stays_and_one_that_is_over_is_not_offered(
    desk: Desk,
) -> None:
    def scheme(name: str, **more: str) -> str:
        body = {"texts": {"hi": {"name": name, "who": "x", "how": "x"}}} | more
        return wiring.schemes().add(STAFF["editor"], SchemeBody.model_validate(body)).id

    own, over = (
        scheme("Own", department="health"),
        scheme("Past", department="health", valid_until="2020-01-01"),
    )
    others = scheme("Others", department="election")
    campaign = saved(desk)
    wiring.campaigns().change(STAFF["editor"], campaign, {"schemes": [others]})
    page = desk.get(f"/console/campaigns/{campaign}")
    assert re.search(rf'name="schemes" value="{others}" checked', page)
    assert f'value="{own}"' in page and over not in page


def test_areas_are_added_and_taken_out_one_by_one_without_scripts(desk: Desk) -> None:
    picked = [("area_state", "IN-XN"), ("area_district", "D9002"), ("do", "add_area")]
    page = unescape(desk.post("/console/campaigns/new", [*DRAFT, *picked]).body.decode())
    assert re.findall(r'name="audience.areas" value="(\w+)"', page) == ["D9001", "D9002"]
    assert "Whom it would reach now" in page
    fields = [*DRAFT, ("audience.areas", "D9002"), ("do", "remove:D9001")]
    page = unescape(desk.post("/console/campaigns/new", fields).body.decode())
    assert re.findall(r'name="audience.areas" value="(\w+)"', page) == ["D9002"]


def test_a_chosen_district_is_counted_without_being_added(desk: Desk) -> None:
    fields = [one for one in DRAFT if one[0] != "audience.areas"]
    state, district = ("area_state", "IN-XN"), ("area_district", "D9001")
    for chosen, counts in ([state], False), ([state, district], True):
        page = unescape(desk.post("/console/campaigns/new", [*fields, *chosen, ("do", "show")]).body.decode())
        trigger = re.search(r'id="count"[^>]*hx-trigger="([^"]*)"', page)
        assert trigger and ("load" in trigger[1]) is counts


def test_how_much_is_missing_stays_in_sight(desk: Desk) -> None:
    lacking = [one for one in DRAFT if one[0] not in ("audience.areas", "links")]
    page = unescape(desk.post("/console/campaigns/new", [*lacking, ("do", "show")]).body.decode())
    assert '<span id="lacking"><a href="#lacks">Still missing: 2</a></span>' in page
    page = unescape(desk.post("/console/campaigns/new", [*DRAFT, ("do", "show")]).body.decode())
    assert '<span id="lacking"></span>' in page


def test_what_is_still_being_counted_is_not_shown_as_the_reach(desk: Desk, monkeypatch: Any) -> None:
    going = SimpleNamespace(begin=lambda *_: SimpleNamespace(id="cnt_1"))
    monkeypatch.setattr(wiring, "counting", lambda: going)
    page = desk.post("/console/campaigns/new", [*DRAFT, ("do", "job")]).body.decode()
    assert "Still counting" in page
    assert '<span id="reach"></span>' in page


def test_the_reach_is_counted_by_channel_and_area_with_the_reasons(desk: Desk, monkeypatch: Any) -> None:
    from tests.campaigns.samples import MemoryRoster, row

    rows = [
        row(1, channels=("telegram",)),
        row(2, channels=("sms",)),
        row(3, language="en", channels=("telegram",)),
    ]
    counting = replace(wiring.campaigns(), roster=lambda: MemoryRoster(rows))
    monkeypatch.setattr(wiring, "campaigns", lambda: counting)
    fields = [*DRAFT, ("audience.languages", "hi"), ("do", "count")]
    page = text_of(desk.post("/console/campaigns/new", fields))
    assert "1 people" in page
    assert "1 Telegram" in page
    assert "Janpur 1" in page
    assert "read another language 1" in page
    assert "cannot be reached over these channels: no consent, stopped, or no address there 1" in page


def peopled(monkeypatch: Any, *rows: Any) -> None:
    """Who stands in the roster."""
    from tests.campaigns.samples import MemoryRoster

    counting = replace(wiring.campaigns(), roster=lambda: MemoryRoster(list(rows)))
    monkeypatch.setattr(wiring, "campaigns", lambda: counting)


def test_who_decides_sees_whom_it_reaches_now_whom_not_and_when_that_was_counted(
    desk: Desk, monkeypatch: Any
) -> None:
    from tests.campaigns.samples import row

    campaign = submitted(desk)
    telegram = {"channels": ("telegram",)}
    peopled(monkeypatch, row(1, **telegram), row(2, channels=("sms",)), row(3, **telegram, paused=True))
    where, approver = f"/console/campaigns/{campaign}", desk.sitting("approver")
    page = approver.get(f"{where}/approval")
    assert f'hx-get="{where}/reach?lang=en" hx-trigger="load"' in page
    assert page.index('id="reach"') < page.index('id="decision"')
    part = desk.site.get(
        f"{where}/reach?lang=en", cookie="janjan_session=approver", hx_request="true"
    ).body.decode()
    whole = approver.get(f"{where}/reach")
    assert "<html" not in part and "The decision" in text_of(whole), "without scripts it is on the whole page"
    for told in (text_of(part), text_of(whole)):
        assert "1 people 1 Telegram" in told and "Janpur 1" in told
        assert "cannot be reached over these channels: no consent, stopped, or no address there 1" in told
        assert "want no campaigns for now 1" in told
        assert "Counted on " in told
    assert "hx-trigger" not in part


def test_many_people_are_counted_by_a_job_and_what_is_not_done_says_so(desk: Desk, monkeypatch: Any) -> None:
    from chalicelib.campaigns import service
    from tests.campaigns.samples import row

    campaign = submitted(desk)
    peopled(monkeypatch, *(row(n, channels=("telegram",)) for n in range(1, 4)))
    monkeypatch.setattr(service, "PREVIEW_AT_MOST", 2)
    monkeypatch.setattr(service.Campaigns.preview, "__defaults__", (("telegram",), 2))
    where, approver = f"/console/campaigns/{campaign}/reach", desk.sitting("approver")
    page = approver.get(where)
    assert "counting takes a while" in page and "Counted on" not in page
    begun = approver.post(where, [])
    assert begun.status_code == 303
    to = str(begun.headers["Location"]).partition("#")[0]
    page = approver.get(to.replace("&lang=en", "").replace("lang=en", ""))
    assert "Still counting" in page and "Counted on" not in page
    job = parse_qs(urlsplit(to).query)["job"][0]
    assert f"/reach?lang=en&job={job}" in page and 'hx-trigger="load delay:3s"' in page
    counting = replace(wiring.counting(), campaigns=wiring.campaigns())
    counting.step({"preview": job, "rev": 1})
    page = approver.get(f"{where}?job={job}")
    assert "3 people" in text_of(page) and "Counted on" in page and "Still counting" not in page
    other = desk.sitting("both").get(f"{where}?job={job}")
    assert "counting takes a while" in other, "a job is its own person's"


def test_a_coordinator_counts_in_their_own_areas_alone(desk: Desk, monkeypatch: Any) -> None:
    one = Principal("u-one", "Hira", "", frozenset({"coordinator"}), frozenset({"D9001-B1"}))
    monkeypatch.setitem(STAFF, "one", one)
    where = f"/console/campaigns/{submitted(desk)}"
    assert "Whom it would reach now" not in desk.sitting("one").get(where)
    assert desk.site.get(f"{where}/reach?lang=en", cookie="janjan_session=one").status_code == 404
    monkeypatch.setitem(STAFF, "one", replace(one, areas=frozenset({"D9001"})))
    assert "Whom it would reach now" in desk.sitting("one").get(where)


def test_an_approver_reads_every_text_and_decides_and_the_author_may_not(desk: Desk) -> None:
    campaign = submitted(desk)
    where = f"/console/campaigns/{campaign}/approval"
    approver = desk.sitting("approver")
    page = text_of(approver.get(where))
    assert "रविवार को पोलियो की दवा" in page
    assert "Asha" in page
    assert "Janpur" in page
    rev = value_of(approver.get(where), "rev")
    author = desk.sitting("both")
    assert approver.post(where, [("rev", rev), ("do", "decline")]).status_code == 422
    answer = approver.post(where, [("rev", rev), ("do", "decline"), ("reason", "Which Sunday?")])
    assert answer.status_code == 303
    assert "Which Sunday?" in desk.get(f"/console/campaigns/{campaign}")
    changed = change(DRAFT, **{"messages.telegram.hi.text": "नमस्ते {name}, 7 दिसंबर को पोलियो की दवा। {link}"})
    current = value_of(desk.get(f"/console/campaigns/{campaign}"), "rev")
    answer = author.post(f"/console/campaigns/{campaign}", [*changed, ("rev", current), ("do", "submit")])
    assert answer.status_code == 303
    page = author.get(where)
    assert "You wrote, changed or submitted this campaign: somebody else must decide on it." in page
    assert (
        author.post(where, [("rev", value_of(approver.get(where), "rev")), ("do", "approve")]).status_code
        == 403
    )
    page = approver.get(where)
    assert "<del>रविवार</del><ins>7 दिसंबर</ins> को पोलियो" in page
    rev = value_of(page, "rev")
    for _ in range(2):  # a double click
        answer = approver.post(where, [("rev", rev), ("do", "approve")])
        assert (answer.status_code, "said=approved" in str(answer.headers["Location"])) == (303, True)
    assert wiring.campaigns().get(campaign).status == "approved"


def test_an_approver_who_has_read_an_older_text_decides_nothing(desk: Desk) -> None:
    campaign = submitted(desk)
    answer = desk.sitting("approver").post(
        f"/console/campaigns/{campaign}/approval", [("rev", "1"), ("do", "approve")]
    )
    assert answer.status_code == 409
    assert "The campaign has changed since you read it." in text_of(answer)
    assert wiring.campaigns().get(campaign).status == "submitted"


def test_an_approval_of_a_revision_that_is_no_number_decides_nothing(desk: Desk) -> None:
    campaign = submitted(desk)
    approver = desk.sitting("approver")
    late = approver.post(f"/console/campaigns/{campaign}/approval", [("rev", "9" * 5000), ("do", "approve")])
    assert late.status_code == 409
    assert wiring.campaigns().get(campaign).status == "submitted"


def test_a_nodal_officer_writes_for_their_department_alone(desk: Desk) -> None:
    nodal = desk.sitting("nodal")
    assert "Election Office" not in nodal.get("/console/campaigns/new")
    answer = nodal.post(
        "/console/campaigns/new", [*change(DRAFT, department="election"), ("once", "n"), ("do", "save")]
    )
    assert answer.status_code == 403
    assert "You may not work for this department." in text_of(answer)
    other = saved(desk, once="e")
    assert wiring.campaigns().get(other).department == "health"
    assert nodal.get(f"/console/campaigns/{other}")


def test_the_list_goes_on_page_by_page_and_tells_what_was_withdrawn(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr("chalicelib.campaigns.desk.PAGE", 1)
    both = saved(desk, once="1"), saved(desk, once="2")
    page = desk.get("/console/campaigns")
    [first] = [one for one in both if one not in page]
    assert "Older campaigns" in page
    further = re.search(r'href="(/console/campaigns\?[^"]*cursor=[^"]*)"', page)
    assert further
    assert first in desk.get(further[1].replace("lang=en", ""))
    store, known = wiring.campaigns().store, wiring.campaigns().get(first)
    gone = {"withdrawn_at": wiring.clock().now(), "repeats": "week", "rev": known.rev + 1}
    with write_together() as transaction:
        store.put_campaign(transaction, known.model_copy(update=gone))
    page = text_of(desk.get(further[1].replace("lang=en", "")))
    assert "Withdrawn every week" in page


def test_who_only_reads_sees_no_button(desk: Desk) -> None:
    campaign = saved(desk)
    page = desk.sitting("auditor").get(f"/console/campaigns/{campaign}")
    assert "<textarea" not in page
    assert "New campaign" not in desk.sitting("auditor").get("/console/campaigns")


# --- when it goes out


def approved(desk: Desk, *more: tuple[str, str]) -> str:
    campaign = submitted(desk, *more)
    approver = desk.sitting("approver")
    rev = value_of(approver.get(f"/console/campaigns/{campaign}"), "rev")
    where = f"/console/campaigns/{campaign}/approval"
    assert approver.post(where, [("rev", rev), ("do", "approve")]).status_code == 303
    return campaign


def test_who_sends_at_once_comes_to_where_it_is_watched(desk: Desk) -> None:
    campaign = f"/console/campaigns/{approved(desk, ('quiet', 'none'))}"
    for _ in range(2):  # a double click
        sent = desk.post(f"{campaign}/schedule", [("runs", "0"), ("when", "now"), ("do", "go")])
        assert sent.headers["Location"].startswith(f"{campaign}/report?said=begun")
    assert len(wiring.campaigns().runs(campaign.rpartition("/")[2])) == 1


def test_nobody_is_told_that_it_begins_while_the_quiet_hours_hold_it(desk: Desk) -> None:
    now, hour = wiring.clock().now().astimezone(IST), timedelta(hours=1)
    hours = [("quiet_from", f"{now - hour:%H:%M}"), ("quiet_until", f"{now + hour:%H:%M}")]
    campaign = f"/console/campaigns/{approved(desk, ('quiet', 'own'), *hours)}"
    for _ in range(2):
        sent = desk.post(f"{campaign}/schedule", [("runs", "0"), ("when", "now"), ("do", "go")])
        assert sent.headers["Location"].startswith(f"{campaign}/schedule?said=scheduled")


def test_whose_turn_it_is_stands_in_the_list_for_each_who_reads_it(desk: Desk) -> None:
    submitted(desk)
    assert "An approver decides" in text_of(desk.get("/console/campaigns"))
    assert "Read it and decide" in text_of(desk.sitting("approver").get("/console/campaigns"))


def tomorrow(hour: int = 11, days: int = 1) -> datetime:
    day = wiring.clock().now().astimezone(IST) + timedelta(days=days)
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)


def typed(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M}"


def test_a_run_is_looked_at_before_it_is_fixed_and_fixed_once(desk: Desk) -> None:
    campaign = approved(desk)
    where = f"/console/campaigns/{campaign}/schedule"
    fields = [("runs", "0"), ("when", "at"), ("at", typed(tomorrow())), ("spread_minutes", "30")]
    shown = desk.post(where, [*fields, ("every", "day"), ("times", "3"), ("do", "show")])
    page = text_of(shown)
    assert f"It begins {tomorrow():%d-%m-%Y} 11:00" in page
    assert f"3 times, the last on {tomorrow(days=3):%d-%m-%Y}" in page
    assert "People whom it would reach now 0" in page
    assert page.count("goes out at 11:00") == 3
    assert wiring.campaigns().get(campaign).status == "approved", "looking fixes nothing"
    kept = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', unescape(shown.body.decode()))
    for _ in range(2):  # a double click
        assert desk.post(where, [*kept[:7], ("do", "go")]).status_code == 303
    [run] = wiring.campaigns().runs(campaign)
    assert (run.at, run.spread_minutes, run.series and run.series.last) == (tomorrow(), 30, 2)
    page = text_of(desk.get(f"{where}?said=scheduled"))
    assert "It goes out by itself at this time." in page
    assert page.count("goes out at 11:00") == 3
    assert f"{tomorrow():%d-%m-%Y} 11:00" in text_of(desk.get("/console/campaigns"))


def test_a_time_that_cannot_be_is_said_beside_its_field(desk: Desk) -> None:
    campaign = approved(desk)
    where = f"/console/campaigns/{campaign}/schedule"
    for fields, sentence in (
        ([("when", "at")], "Please fill in this field."),
        ([("when", "at"), ("at", "noon")], "Please write day and time, such as 31-01-2026 10:30."),
        ([("when", "at"), ("at", typed(tomorrow(days=-1)))], "This time is past."),
        ([("when", "now"), ("spread_minutes", "x")], "Please write a whole number of minutes"),
        ([("when", "now"), ("every", "day")], "Say how many times, or until when."),
    ):
        answer = desk.post(where, [*fields, ("do", "go")])
        assert answer.status_code == 422
        assert sentence in text_of(answer)
    assert wiring.campaigns().runs(campaign) == []


@pytest.mark.parametrize("minutes", ["²", "9" * 5000, "-1", "1.5"])
def test_minutes_that_are_no_number_are_said_beside_their_field(desk: Desk, minutes: str) -> None:
    campaign = approved(desk)
    fields = [("runs", "0"), ("when", "now"), ("spread_minutes", minutes), ("do", "go")]
    refused = desk.post(f"/console/campaigns/{campaign}/schedule", fields)
    assert refused.status_code == 422
    assert "whole number of minutes" in text_of(refused)


@pytest.mark.parametrize("asked", ["unknowns?campaign=", "ambassadors/gaps?area=", "posts?campaign="])
def test_a_page_asked_about_what_no_table_could_name_is_not_there(desk: Desk, asked: str) -> None:
    answer = desk.site.get(f"/console/{asked}{'x' * 3000}", cookie="janjan_session=admin")
    assert answer.status_code == 404


def test_whoever_signs_in_again_comes_back_to_the_page_with_the_form(desk: Desk) -> None:
    where = "/console/campaigns/cmp_x"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Referer": f"{BASE}{where}?lang=en"}
    answer = desk.site.client.http.post(f"{where}/withdrawal?lang=en", headers=headers, body=b"do=withdraw")
    assert answer.status_code == 303
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["next"] == [where]


def test_the_page_leads_to_the_steps_of_a_run_that_its_state_allows(desk: Desk) -> None:
    campaign = approved(desk)
    where = f"/console/campaigns/{campaign}"
    desk.post(f"{where}/schedule", [("runs", "0"), ("at", typed(tomorrow())), ("do", "go")])
    shown = desk.get(f"{where}/schedule")
    assert [step in shown for step in ("report/pause", "report/resume", "report/cancel")] == [
        True,
        False,
        True,
    ]
    wiring.campaigns().pause(STAFF["editor"], campaign)
    shown = desk.get(f"{where}/schedule")
    assert [step in shown for step in ("report/pause", "report/resume", "report/cancel")] == [
        False,
        True,
        True,
    ]
    assert "report/cancel" not in desk.sitting("auditor").get(f"{where}/schedule")


def election(desk: Desk, **more: str) -> str:
    """An election in Janpur whose code has begun, polling in three days."""
    ends, begun = tomorrow(18, days=3), tomorrow(0, days=-5)
    fields = {"name": "Namuna by-election", "areas": "D9001", "source": "Notification 7/2026 (sample)"}
    fields |= {"polling_ends": typed(ends), "code_from": typed(begun)}
    fields |= {"code_until": typed(tomorrow(18, days=6))} | more
    answer = desk.sitting("admin").post("/console/elections/new", [*fields.items(), ("do", "save")])
    assert answer.status_code == 303, text_of(answer)
    return wiring.election_desk().listed()[0].id


def test_the_coming_days_show_silence_and_code_of_the_audiences_areas(desk: Desk) -> None:
    election(desk)
    election(desk, name="Elsewhere", areas="IN-XM")
    campaign = approved(desk)
    page = text_of(desk.get(f"/console/campaigns/{campaign}/schedule"))
    assert f"{tomorrow(days=1):%d-%m-%Y} Silence 18:00–24:00 · Namuna by-election · Janpur" in page
    assert f"{tomorrow(days=3):%d-%m-%Y} Silence 00:00–18:00 · Namuna by-election · Janpur" in page
    assert "Elsewhere" not in page
    assert "Under a code of conduct nothing of it goes to people there" in page
    other = text_of(desk.get(f"/console/campaigns/{approved_for(desk, 'D9002')}/schedule"))
    assert "Namuna by-election" not in other


def approved_for(desk: Desk, area: str) -> str:
    campaign = saved(desk, once="other")
    fields = change(DRAFT, **{"audience.areas": area})
    desk.post(f"/console/campaigns/{campaign}", [*fields, ("rev", "1"), ("do", "submit")])
    return campaign


def test_an_approver_lets_it_out_under_a_code_with_a_reason_and_takes_that_back(desk: Desk) -> None:
    poll = election(desk)
    campaign = approved(desk)
    where = f"/console/campaigns/{campaign}"
    refused = desk.post(f"{where}/schedule", [("runs", "0"), ("at", typed(tomorrow())), ("do", "go")])
    assert refused.status_code == 409
    assert "The code of conduct of Namuna by-election" in text_of(refused)
    assert typed(tomorrow()) in unescape(refused.body.decode()), "nothing that was typed is lost"
    approver = desk.sitting("approver")
    give = [("election", poll), ("do", "give")]
    assert desk.post(f"{where}/overrides", give).status_code == 403
    missing = approver.post(f"{where}/overrides", give)
    assert (missing.status_code, "Reason" in text_of(missing)) == (422, True)
    for _ in range(2):
        assert approver.post(f"{where}/overrides", [*give, ("reason", "A health warning")]).status_code == 303
    page = text_of(desk.get(f"{where}/schedule"))
    assert "Namuna by-election : allowed by Chitra" in page
    assert "A health warning" in page
    done = desk.post(f"{where}/schedule", [("runs", "0"), ("at", typed(tomorrow())), ("do", "go")])
    assert done.status_code == 303
    assert approver.post(f"{where}/overrides", [("election", poll), ("do", "end")]).status_code == 303
    assert wiring.campaigns().get(campaign).overridden == frozenset()


def gone_out(desk: Desk) -> str:
    campaign = approved(desk)
    where = f"/console/campaigns/{campaign}/schedule"
    assert desk.post(where, [("runs", "0"), ("when", "now"), ("do", "go")]).status_code == 303
    wiring.runs().start(f"{campaign}-1")
    wiring.runs().finish(f"{campaign}-1")
    return campaign


WORDS = "messages.telegram.hi.text"


def test_a_correction_is_proposed_compared_and_sent_by_another_person(desk: Desk) -> None:
    campaign = gone_out(desk)
    where = f"/console/campaigns/{campaign}/corrections"
    assert "रविवार को पोलियो" in desk.get(where), "it begins with the campaign's own words"
    new = "नमस्ते {name}, सोमवार को पोलियो की दवा। {link}"
    fields = [(WORDS, new), ("reason", "The wrong day"), ("corrections", "0")]
    page = text_of(desk.post(where, [*fields, ("do", "show")]))
    assert "सोमवार को पोलियो" in page
    assert wiring.corrections().listed(campaign) == []
    empty = desk.post(where, [(WORDS, new), ("corrections", "0"), ("do", "propose")])
    assert (empty.status_code, new in unescape(empty.body.decode())) == (422, True)
    for _ in range(2):  # a double click
        assert desk.post(where, [*fields, ("do", "propose")]).status_code == 303
    [one] = wiring.corrections().listed(campaign)
    approver = desk.sitting("approver")
    page = approver.get(where)
    assert "<del>रविवार</del><ins>सोमवार</ins> को" in page
    assert "Approve and send it now" in page
    assert one.author == "u-editor"
    assert desk.post(f"{where}/1", [("do", "approve")]).status_code == 403
    for _ in range(2):
        assert approver.post(f"{where}/1", [("do", "approve")]).status_code == 303
    assert [run.purpose for run in wiring.campaigns().runs(campaign)] == ["campaign", "correction"]


def test_a_withdrawal_halts_at_once_and_its_words_wait_for_another_person(desk: Desk) -> None:
    campaign = gone_out(desk)
    where = f"/console/campaigns/{campaign}"
    fields = [(WORDS, "यह संदेश वापस लिया गया।"), ("reason", "Not ours"), ("corrections", "0")]
    assert desk.sitting("nodal").post(f"{where}/withdrawal", fields).status_code == 403
    for _ in range(2):
        assert desk.post(f"{where}/withdrawal", [*fields, ("do", "withdraw")]).status_code == 303
    assert wiring.campaigns().get(campaign).withdrawn_at is not None
    assert len(wiring.corrections().listed(campaign)) == 1
    assert "Withdrawn" in text_of(desk.get("/console/campaigns"))
    declined = desk.sitting("approver").post(f"{where}/corrections/1", [("do", "")])
    assert declined.status_code == 422, "what is not said outright sends nothing"
    assert wiring.corrections().listed(campaign)[0].status == "proposed"


def test_a_withdrawal_after_a_correction_with_the_same_form_withdraws(desk: Desk) -> None:
    """Who goes back in the browser and presses the other button, or has changed the words, is not told that
    it was done when it was not."""
    campaign = gone_out(desk)
    where = f"/console/campaigns/{campaign}"
    fields = [("reason", "Not ours"), ("corrections", "0")]
    for text in ("सोमवार को {link}", "मंगलवार को {link}"):
        sent = [*fields, (WORDS, text), ("do", "propose")]
        for _ in range(2):
            assert desk.post(f"{where}/corrections", sent).status_code == 303
    for _ in range(2):
        sent = [*fields, (WORDS, "मंगलवार को {link}"), ("do", "withdraw")]
        assert desk.post(f"{where}/withdrawal", sent).status_code == 303
    assert wiring.campaigns().get(campaign).withdrawn_at is not None
    found = wiring.corrections().listed(campaign)
    assert [one.purpose for one in found] == ["correction", "correction", "withdrawal"]
    assert "मंगलवार" in found[1].model_dump_json()


# --- the election calendar


def test_an_election_is_entered_once_changed_and_taken_off(desk: Desk) -> None:
    admin = desk.sitting("admin")
    empty = admin.post("/console/elections/new", [("name", "X"), ("polling_ends", "soon"), ("do", "save")])
    assert empty.status_code == 422
    assert "When polling ends: Please write day and time" in text_of(empty)
    picked = [("name", "X"), ("area_state", "IN-XN"), ("area_district", "D9001"), ("do", "add_area")]
    assert 'name="areas" value="D9001"' in unescape(
        admin.post("/console/elections/new", picked).body.decode()
    )
    poll = election(desk)
    assert election(desk) == poll, "a form that is sent twice adds one election"
    page = text_of(desk.get("/console/elections"))
    assert f"{tomorrow(18, days=1):%d-%m-%Y} 18:00 – {tomorrow(18, days=3):%d-%m-%Y} 18:00" in page
    assert "Janpur" in page
    assert "New election" not in page, "an editor reads"
    shown = admin.get(f"/console/elections/{poll}")
    assert "Namuna by-election" in shown
    wrong = [("name", "Y"), ("areas", "D9001"), ("source", "x"), ("do", "save")]
    wrong += [("polling_ends", typed(tomorrow())), ("code_from", typed(tomorrow(days=2)))]
    answer = admin.post(f"/console/elections/{poll}", [*wrong, ("code_until", typed(tomorrow(days=3)))])
    assert (answer.status_code, "The code begins before polling ends." in text_of(answer)) == (422, True)
    for _ in range(2):
        assert admin.post(f"/console/elections/{poll}/removal", []).status_code == 303
    assert wiring.election_desk().listed() == []


def polling(**more: str) -> list[tuple[str, str]]:
    fields = {"name": "Namuna", "areas": "D9001", "source": "x", "do": "save"}
    fields |= {"polling_ends": typed(tomorrow(18, days=3)), "code_from": typed(tomorrow(0, days=-5))}
    return [*(fields | {"code_until": typed(tomorrow(18, days=6))} | more).items()]


def test_a_form_that_is_sent_twice_at_the_same_moment_adds_one_election(desk: Desk) -> None:
    admin = desk.sitting("admin")
    once = value_of(admin.get("/console/elections/new"), "once")
    for _ in range(2):
        assert admin.post("/console/elections/new", polling(once=once)).status_code == 303
    assert len(wiring.election_desk().listed()) == 1
    other = admin.post("/console/elections/new", polling(once=once, name="Another"))
    assert other.status_code == 409 and 'value="Another"' in other.body.decode()
    assert len(wiring.election_desk().listed()) == 1


def test_of_two_who_change_an_election_the_second_is_told_and_loses_no_word(desk: Desk) -> None:
    poll, admin = election(desk), desk.sitting("admin")
    seen = value_of(admin.get(f"/console/elections/{poll}"), "seen")
    where = f"/console/elections/{poll}"
    for _ in range(2):
        assert admin.post(where, polling(seen=seen, name="First")).status_code == 303, "a second click"
    late = admin.post(where, polling(seen=seen, name="Second"))
    assert late.status_code == 409
    assert "Somebody else has changed this election" in text_of(late)
    assert 'value="Second"' in late.body.decode()
    assert wiring.election_desk().get(poll).name == "First"
    known = value_of(late.body.decode(), "seen")
    assert admin.post(where, polling(seen=known, name="Second")).status_code == 303
    assert wiring.election_desk().get(poll).name == "Second"


def test_ids_of_any_length_in_an_elections_forms_are_refused(desk: Desk) -> None:
    admin, long = desk.sitting("admin"), "x" * 3000
    assert admin.post("/console/elections/new", polling(areas=long)).status_code == 422
    assert admin.post("/console/elections/new", polling(areas=long, do="show")).status_code == 200
    assert admin.post(f"/console/elections/{long}/removal", []).status_code in (303, 404)
    assert admin.post(f"/console/elections/{long}", polling()).status_code == 404


def test_the_other_languages_of_a_refused_form_lead_to_a_page(desk: Desk) -> None:
    where = f"/console/campaigns/{approved(desk)}"
    refused = desk.sitting("approver").post(f"{where}/overrides", [("do", "burn"), ("election", "elc_x")])
    assert refused.status_code == 422, "what is not said outright allows nothing"
    page = refused.body.decode()
    assert f'href="{where}/overrides' not in page and f'href="{where}?lang=hi' in page


# --- what waits for an author


def test_an_author_is_told_on_the_first_page_and_in_the_list_what_was_decided(desk: Desk) -> None:
    def tile(what: str, who: str = "editor") -> str:
        sent = {"cookie": f"janjan_session={who}", "HX-Request": "true"}
        return text_of(desk.site.get(f"/console/waiting/{what}?lang=en", **sent))

    campaign = submitted(desk)
    rev = value_of(desk.sitting("approver").get(f"/console/campaigns/{campaign}"), "rev")
    where = f"/console/campaigns/{campaign}/approval"
    desk.sitting("approver").post(where, [("rev", rev), ("reason", "Which Sunday?"), ("do", "decline")])
    assert "1 Your campaigns that an approver gave back" in tile("returned")
    assert "0 Your drafts" in tile("drafts"), "it stands in one place"
    listed = text_of(desk.get("/console/campaigns"))
    assert "Given back Which Sunday?" in listed
    assert "0 Your" in tile("returned", "second")

    again = [*DRAFT, ("rev", str(wiring.campaigns().get(campaign).rev)), ("do", "submit")]
    assert desk.post(f"/console/campaigns/{campaign}", again).status_code == 303
    rev = value_of(desk.sitting("approver").get(f"/console/campaigns/{campaign}"), "rev")
    assert "0 Your" in tile("returned"), "what was mended waits for nobody here"
    desk.sitting("approver").post(where, [("rev", rev), ("do", "approve")])
    assert "1 Your campaigns that are approved" in tile("approved")


def test_ones_own_are_counted_behind_any_number_of_others(desk: Desk, monkeypatch: Any) -> None:
    from chalicelib.pages import home

    def tile(what: str, who: str) -> str:
        sent = {"cookie": f"janjan_session={who}", "HX-Request": "true"}
        with calls(0) as made:
            told = text_of(desk.site.get(f"/console/waiting/{what}?lang=en", **sent))
        assert len(made) <= 2, made
        return told

    monkeypatch.setattr(home, "MOST", 2)
    mine = saved(desk, once="mine")
    service, others = wiring.campaigns(), STAFF["second"]
    for n in range(4):
        service.create(others, service.get(mine).content, once=str(n))
    assert "1 Your drafts" in tile("drafts", "editor"), "the newest are somebody else's"
    assert "2+ Your drafts" in tile("drafts", "second")
    for one in service.waiting(STAFF["admin"], "draft"):
        service.submit(others if others.id in one.authors else STAFF["editor"], one.id)
    assert "0 Your drafts" in tile("drafts", "second")
    assert "2+ Campaigns that wait for your approval" in tile("approvals", "approver")
    assert "0 Campaigns that are going out" in tile("running", "approver")


CHOSEN = ("department", "theme", "schemes", "channel_1", "languages", "audience.areas", "job", "area_state")


def test_what_nobody_can_choose_is_answered_clearly_and_what_was_typed_stays(desk: Desk) -> None:
    for name in CHOSEN:
        others = [one for one in DRAFT if one[0] != name]
        for do in ("show", "submit", "count"):
            sent = [*others, (name, "x" * 3000), ("do", do), ("once", name)]
            answer = desk.post("/console/campaigns/new", sent)
            assert answer.status_code in (200, 303, 403, 422), (name, do, answer.status_code)
            if answer.status_code != 303:
                assert "Polio drops on Sunday" in unescape(answer.body.decode())


# --- in the browser


@pytest.mark.slow
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="the system has no Chromium")
def test_what_is_typed_while_an_answer_is_under_way_stays(desk: Desk) -> None:
    held: list[Route] = []
    holding = [True]

    def hold(route: Route) -> None:
        if holding[0] and route.request.method == "POST":
            held.append(route)
        else:
            route.fallback()

    def let_go() -> None:
        holding[0] = False
        while held:
            answered(held.pop(0), desk.site, visit)

    with chromium() as browser, visiting(browser, desk.site) as visit:
        page = visit.page
        page.context.add_cookies([{"name": "janjan_session", "value": "editor", "url": BASE}])
        page.route("**/*", hold)
        page.goto("/console/campaigns/new?lang=en")
        page.get_by_text("More about it").click()
        page.fill("[name=title]", "Polio")
        with page.expect_request(lambda asked: asked.method == "POST"):
            page.select_option("[name=channel_1]", "telegram")
        page.fill("[name=title]", "Polio drops on Sunday")
        page.fill("[name=links]", LINK)
        page.get_by_label("Money").check()
        let_go()
        text = page.locator('[name="messages.telegram.hi.text"]')
        text.wait_for()
        assert page.input_value("[name=title]") == "Polio drops on Sunday"
        assert page.input_value("[name=links]") == LINK
        assert page.get_by_label("Money").is_checked()

        holding[0] = True
        with page.expect_request(lambda asked: "do=show" in (asked.post_data or "")):
            text.fill("नमस्ते {name}")
        text.fill("नमस्ते {name}, रविवार")
        let_go()
        page.locator("#preview").get_by_text("नमस्ते सुनीता देवी, रविवार").wait_for()
        assert text.input_value() == "नमस्ते {name}, रविवार"
        assert visit.complaints == []


@pytest.mark.slow
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="the system has no Chromium")
@pytest.mark.parametrize("scripts", [True, False])
def test_what_is_missing_is_gone_to_with_and_without_scripts(desk: Desk, scripts: bool) -> None:  # noqa: FBT001
    draft = saved(desk, ("posts.hi.x", "अ" * 300))
    with chromium() as browser, visiting(browser, desk.site, java_script_enabled=scripts) as visit:
        page = visit.page
        page.context.add_cookies([{"name": "janjan_session", "value": "editor", "url": BASE}])
        page.goto(f"/console/campaigns/{draft}?lang=en")
        if scripts:  # whoever folds it again comes there all the same
            fold = "document.querySelectorAll('#posts, #posts details').forEach(one => { one.open = false })"
            page.evaluate(fold)
        page.get_by_role("link", name="is longer than").click()
        field = page.locator('[id="posts.hi.x"]')
        field.wait_for(state="visible")
        expect(field).to_be_focused()
        assert visit.complaints == []


@pytest.mark.slow
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="the system has no Chromium")
def test_a_campaign_is_composed_given_back_approved_and_scheduled_in_the_browser(desk: Desk) -> None:
    def sit(visit: Visit, who: str) -> Page:
        context = visit.page.context
        context.add_cookies([{"name": "janjan_session", "value": who, "url": BASE}])
        return visit.page

    def press(page: Page, value: str) -> None:
        with page.expect_navigation():
            page.click(f"main button[value={value}]:not(.away)")
        page.locator("main h1").wait_for()

    with chromium() as browser, visiting(browser, desk.site) as first, visiting(browser, desk.site) as second:
        editor, approver = sit(first, "editor"), sit(second, "approver")
        editor.goto("/console/campaigns/new?lang=en")
        editor.fill("[name=title]", "Polio drops on Sunday")
        editor.select_option("[name=department]", "health")
        editor.select_option("[name=channel_1]", "telegram")
        text = editor.locator('[name="messages.telegram.hi.text"]')
        text.wait_for()
        assert editor.input_value("[name=title]") == "Polio drops on Sunday", "what was typed stays"
        text.fill("नमस्ते {name}, रविवार को पोलियो की दवा।")
        editor.locator("#preview").get_by_text("नमस्ते सुनीता देवी, रविवार").wait_for()
        editor.select_option("[name=area_state]", "IN-XN")
        editor.locator("[name=area_district]").wait_for()
        editor.select_option("[name=area_district]", "D9001")
        press(editor, "add_area")
        editor.locator("#count .figures").wait_for()
        press(editor, "submit")
        editor.get_by_text("It waits for an approver now.").wait_for()
        campaign = editor.url.partition("?")[0].removeprefix(BASE)

        approver.goto(f"{campaign}/approval?lang=en")
        approver.fill("[name=reason]", "Which Sunday?")
        press(approver, "decline")

        editor.goto(f"{campaign}?lang=en")
        text.fill("नमस्ते {name}, 6 दिसंबर को पोलियो की दवा।")
        editor.goto(f"{campaign}?lang=en")  # the tab was closed by mistake
        editor.get_by_text("In this window something was written and not saved.").wait_for()
        with editor.expect_navigation():
            editor.click("[data-take]")
        text.wait_for()
        assert "6 दिसंबर" in text.input_value()
        press(editor, "submit")

        approver.goto(f"{campaign}/approval?lang=en")
        assert approver.locator("ins").inner_text() == "6 दिसंबर"
        press(approver, "approve")

        editor.goto(f"{campaign}/schedule?lang=en")
        editor.fill("[name=at]", typed(tomorrow()))
        press(editor, "show")
        editor.locator("#confirm").wait_for()
        press(editor, "go")
        editor.get_by_text("It goes out by itself at this time.").wait_for()
        assert first.complaints == second.complaints == []
    [run] = wiring.campaigns().runs(campaign.rpartition("/")[2])
    assert run.at == tomorrow()


@pytest.mark.slow
@pytest.mark.skipif(not Path(CHROMIUM).exists() or not AXE.exists(), reason="no Chromium, or no axe-core")
def test_these_pages_are_for_everybody(desk: Desk) -> None:
    poll = election(desk)
    campaign = f"/console/campaigns/{submitted(desk, POST)}"
    draft = f"/console/campaigns/{saved(desk, POST, once='draft')}"
    pages = ["/console/campaigns", "/console/campaigns/new", draft, f"{campaign}/approval"]
    pages += [f"{campaign}/schedule", f"{campaign}/corrections"]
    pages += ["/console/elections", "/console/elections/new", f"/console/elections/{poll}"]
    with chromium() as browser:
        cookie = {"name": "janjan_session", "value": "admin", "url": BASE}
        found = judge(browser, desk.site, pages, [cookie])
    assert found == [], "\n".join(found)
