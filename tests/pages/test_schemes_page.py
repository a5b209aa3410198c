"""The public's page of schemes: what there is, found by words, and one of them with how it gets on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.departments.scheme import ProgressBody, SchemeBody
from chalicelib.departments.store import DepartmentStore
from chalicelib.http import LONGEST_NAME
from tests.influencers.world import ADMIN
from tests.pages.conftest import Site
from tests.pages.test_signup_page import page

HINDI = {"name": "नमूना पेंशन <b>", "who": "हर बुज़ुर्ग", "how": "पंचायत में आवेदन"}
ENGLISH = {"name": "Sample pension", "who": "Everybody old", "how": "Ask at the panchayat"}


def put_scheme(**more: Any) -> str:
    """Puts a scheme of the water department on the register, with a word on its progress; its id."""
    wiring.directory().put_department("water", {"hi": "जल विभाग", "en": "Water"}, actor="test")
    body = {"department": "water", "texts": {"hi": HINDI, "en": ENGLISH}, "link": "https://example.org/n"}
    made = wiring.schemes().add(ADMIN, SchemeBody.model_validate(body | more)).id
    said = {"texts": {"hi": {"text": "1,200 लोग जुड़े"}}, "as_of": "2026-01-05", "source": "Namuna"}
    wiring.schemes().told(ADMIN, made, ProgressBody.model_validate(said))
    return made


def test_everybody_finds_a_scheme_by_a_word_in_any_language_and_reads_it(site: Site) -> None:
    made = put_scheme()
    other = put_scheme(texts={"hi": HINDI | {"name": "नमूना सड़क"}})
    found = page(site.get("/schemes?q=PENSION&lang=hi"))
    assert made in found and other not in found
    assert "नमूना पेंशन &lt;b&gt;" in found
    one = page(site.get(f"/schemes?scheme={made}&lang=en"))
    for said in ("Sample pension", "Everybody old", "Ask at the panchayat", "https://example.org/n", "Water"):
        assert said in one
    assert "1,200 लोग जुड़े" in one and "05-01-2026" in one
    assert site.get("/schemes?scheme=sch_none").status_code == 404


def test_what_is_over_is_shown_to_whoever_asks_for_it(site: Site) -> None:
    today = wiring.clock().today_ist()
    over = put_scheme(valid_until=today - timedelta(days=1))
    later = put_scheme(valid_from=today + timedelta(days=2))
    assert over not in page(site.get("/schemes")) and later not in page(site.get("/schemes"))
    assert over in page(site.get("/schemes?state=ended"))
    assert later in page(site.get("/schemes?state=to_come&department=water"))
    assert "No scheme is like this" in page(site.get("/schemes?state=to_come&department=roads&lang=en"))


def test_the_language_of_the_page_keeps_what_was_asked_for(site: Site) -> None:
    put_scheme()
    assert "q=pension" in page(site.get("/schemes?q=pension&lang=en")).partition("<main")[0]


def test_nothing_longer_than_any_name_of_ours_is_asked_of_a_table(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def scheme(store: DepartmentStore, one: str) -> None:
        asked.append(one)

    def all_schemes(store: DepartmentStore, departments: list[str], after: object) -> Iterator[Any]:
        asked.extend(departments)
        return iter(())

    monkeypatch.setattr(DepartmentStore, "scheme", scheme)
    monkeypatch.setattr(DepartmentStore, "all_schemes", all_schemes)
    assert site.get(f"/schemes?scheme={'x' * 3000}").status_code == 404
    assert site.get(f"/schemes?department={'x' * 3000}").status_code == 200
    assert {len(one) for one in asked} == {LONGEST_NAME}, "a table takes no key of 2,049 bytes"
