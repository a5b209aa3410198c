"""The transparency page and its JSON: what a campaign says, who stands behind it, which numbers are shown."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from chalicelib.campaigns import publishing
from chalicelib.campaigns.publication import Publication
from chalicelib.campaigns.store import PUBLIC, CampaignItem
from chalicelib.i18n import COMPLETE
from tests.pages.conftest import Site
from tests.pages.test_signup_page import page

NUMBERS = {
    "planned": 1_23_456,
    "accepted": 1_23_400,
    "delivered": 1_20_000,
    "read": 90_000,
    "failed": None,
    "unknown": None,
    "not_sent": 40,
    "in_progress": 0,
}
GIVEN: dict[str, Any] = {
    "id": "cmp_1",
    "title": "पहली बार के मतदाता <b>",
    "kind": "voter_awareness",
    "organisation": "Namuna Office",
    "department": "election",
    "department_names": {"en": "Election Office", "hi": "निर्वाचन कार्यालय", "ur": "دفتر انتخابات"},
    "partners": ["Namuna Foundation"],
    "theme": "voting",
    "theme_names": {"en": "Voting", "hi": "मतदान"},
    "compensation": "paid",
    "disclosure": {"hi": "विज्ञापन (#ad): नमूना"},
    "imprint": "",
    "certificate": "",
    "link": "",
    "channels": ["whatsapp", "telegram"],
    "texts": {"hi": "साथियो, नाम जुड़वाएँ।\nविज्ञापन (#ad): नमूना", "ur": "ساتھیو، نام درج کرائیں۔"},
    "areas": {"D9001": {"hi": "जनपुर", "en": "Janpur"}},
    "begun_at": "2026-01-31T10:00:00Z",
    "ended_at": "2026-01-31T20:00:00Z",
    "taken_back": [
        {"purpose": "correction", "at": "2026-02-02T05:00:00Z", "texts": {"hi": "तारीख़ 5 मार्च है।"}}
    ],
    "counts": {
        "at": "2026-02-03T12:30:00Z",
        "total": NUMBERS,
        "areas": [
            {"area": "", "names": {}, "numbers": NUMBERS},
            {"area": "D9001", "names": {"hi": "जनपुर", "en": "Janpur"}, "numbers": NUMBERS},
        ],
    },
}


def publish(**other: Any) -> None:
    """Puts a campaign on the page."""
    one = Publication.model_validate(GIVEN | other)
    CampaignItem(one.id, PUBLIC, body=one.model_dump_json(), type=PUBLIC, created_at=one.begun_at).save()


def test_a_campaign_is_told_with_its_words_its_makers_and_what_became_of_it(site: Site) -> None:
    publish()
    shown = page(site.get("/transparency?lang=en"))
    for told in (
        "पहली बार के मतदाता &lt;b&gt;",
        "Election Office, Namuna Office",
        "Namuna Foundation",
        "Creators are paid for sharing it.",
        "Janpur",
        "WhatsApp, Telegram",
        "31-01-2026 – 01-02-2026",
        "1,23,456",
        "not shown",
        "as of 03-02-2026",
        "Corrected · 02-02-2026",
        '<blockquote lang="ur" dir="rtl">',
        "All smaller places together",
    ):
        assert told in shown, told
    assert "cmp_1" in shown


def test_words_of_the_readers_language_come_first(site: Site) -> None:
    publish(texts={"en": "friends", "hi": "साथियो", "ur": "ساتھیو"}, taken_back=[])
    for lang, first in (("hi", "hi"), ("ur", "ur"), ("en", "en")):
        shown = page(site.get(f"/transparency?lang={lang}"))
        assert f'<details open>\n<summary lang="{first}">' in shown


def test_political_advertisements_tell_who_publishes_them_and_under_which_certificate(site: Site) -> None:
    publish(kind="electioneering", imprint="Printed by Namuna Press", certificate="MCMC/7/2026")
    shown = page(site.get("/transparency?lang=en"))
    assert "Political advertisement" in shown
    assert "Printed by Namuna Press" in shown
    assert "MCMC/7/2026" in shown


def test_what_is_withdrawn_or_under_way_says_so(site: Site) -> None:
    publish(ended_at="", counts=None)
    shown = page(site.get("/transparency?lang=en"))
    assert "Under way" in shown
    assert "The first counts come once it has gone out." in shown
    publish(withdrawn_at="2026-02-02T05:00:00Z")
    assert "Withdrawn on 02-02-2026" in page(site.get("/transparency?lang=en"))


def test_many_campaigns_come_page_by_page_the_newest_first(site: Site) -> None:
    for n in range(13):
        publish(id=f"cmp_{n}", title=f"Number {n}.", begun_at=f"2026-01-{n + 1:02}T10:00:00Z")
    first = page(site.get("/transparency?lang=en"))
    assert [f"Number {n}." in first for n in range(13)] == [False] * 3 + [True] * 10
    assert first.index("Number 12.") < first.index("Number 3.")
    [_, rest] = first.split("&amp;cursor=")
    cursor = rest.partition('"')[0]
    second = page(site.get(f"/transparency?lang=en&cursor={cursor}"))
    assert [f"Number {n}." in second for n in range(13)] == [True] * 3 + [False] * 10
    assert "Earlier campaigns" not in second
    assert site.get("/transparency?lang=en&cursor=x").status_code == 422


def test_the_same_is_read_by_programs(site: Site) -> None:
    for n in range(3):
        publish(id=f"cmp_{n}", begun_at=f"2026-01-{n + 1:02}T10:00:00Z")
    first = site.get("/v1/transparency/campaigns?limit=2").json_body
    assert [one["id"] for one in first["items"]] == ["cmp_2", "cmp_1"]
    assert first["items"][0]["counts"]["total"]["failed"] is None
    second = site.get(f"/v1/transparency/campaigns?limit=2&cursor={first['next']}").json_body
    assert ([one["id"] for one in second["items"]], second["next"]) == (["cmp_0"], None)


@pytest.mark.parametrize("lang", [*COMPLETE, "ur"])
def test_nothing_is_shown_before_anything_has_begun(site: Site, lang: str) -> None:
    shown = page(site.get(f"/transparency?lang={lang}"))
    assert "<article" not in shown
    assert "/v1/audit/roots" not in shown


def test_campaigns_are_found_by_words_in_any_language_department_and_month(site: Site) -> None:
    publish(id="cmp_vote")
    publish(id="cmp_water", title="साफ़ पानी", texts={"hi": "नल का पानी"}, department="water")
    publish(id="cmp_later", begun_at="2026-01-31T18:30:00Z")
    for asked, found in (
        ("q=JANPUR", {"cmp_vote", "cmp_water", "cmp_later"}),
        ("q=नल पानी", {"cmp_water"}),
        ("department=water", {"cmp_water"}),
        ("month=2026-01", {"cmp_vote", "cmp_water"}),
        ("month=2026-02", {"cmp_later"}),
        ("q=मतदाता&month=2026-02", {"cmp_later"}),
        ("month=nonsense", {"cmp_vote", "cmp_water", "cmp_later"}),
        ("q=nothing", set()),
    ):
        shown = page(site.get(f"/transparency?{asked}&lang=en"))
        assert {one for one in ("cmp_vote", "cmp_water", "cmp_later") if f'id="{one}"' in shown} == found, (
            asked
        )
    assert "No such campaign" in shown and 'value="nothing"' in shown
    listed = site.get("/v1/transparency/campaigns?q=नल").json_body
    assert [one["id"] for one in listed["items"]] == ["cmp_water"]
    assert site.get("/v1/transparency/campaigns?month=13").status_code == 422


def test_a_search_among_many_goes_on_where_it_stopped_and_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "SEARCHED", 3)
    for n in range(7):
        title = "Wanted" if n in (0, 6) else "Other"
        publish(id=f"cmp_{n}", title=title, begun_at=f"2026-01-{n + 1:02}T10:00:00Z")
    found: list[str] = []
    path = "/transparency?q=wanted&lang=en"
    for _ in range(3):
        shown = page(site.get(path))
        found += re.findall(r'id="(cmp_\d)"', shown)
        if "No such campaign among those looked through so far" in shown:
            found.append("nothing yet")
        more = re.search(r'href="([^"]+cursor=[^"]+)"', shown)
        path = html.unescape(more[1]) if more else ""
    assert (found, path) == (["cmp_6", "nothing yet", "cmp_0"], "")
