"""The report and its deliveries over HTTP and as a page."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from chalice.test import Client

from chalicelib import wiring
from chalicelib.dispatch.report import Reporter
from chalicelib.errors import NotFound
from chalicelib.identity.roles import Principal
from chalicelib.platforms.base import SendRefused
from chalicelib.secrets import Secrets
from tests.dispatch.world import RUN, START, World, address, person_id, world

CAMPAIGN = RUN[:-2]


class Gate:
    def principal(self, bearer: str) -> Principal:
        departments = frozenset({"dept_other"}) if bearer == "officer" else frozenset()
        role = "nodal_officer" if bearer == "officer" else "editor"
        return Principal(bearer, "Sample", "x@sample.test", frozenset({role}), frozenset(), departments)

    def require(self, principal: Principal, action: str) -> None:
        assert principal.may(action) or principal.id == "officer"


def campaign(campaign_id: str) -> SimpleNamespace:
    if campaign_id != CAMPAIGN:
        raise NotFound
    content = SimpleNamespace(title="हर मत की क़ीमत", department="dept_sample")
    return SimpleNamespace(id=CAMPAIGN, status="dispatched", content=content, created_at=START)


@pytest.fixture
def made(tables, monkeypatch) -> World:
    made = world(60, channels=("whatsapp", "telegram"))
    made.platform.answers[address(4)] = [SendRefused("131026", "person")]
    made.launch()
    made.people.change(person_id(7), status="suspended")
    made.send()
    campaigns = SimpleNamespace(get=campaign, page=lambda *_: ([campaign(CAMPAIGN)], {"pk": "x"}))
    monkeypatch.setattr(wiring, "campaigns", lambda: campaigns)
    monkeypatch.setattr(wiring, "runs", lambda: made.runs)
    monkeypatch.setattr(wiring, "reporter", lambda: Reporter(made.store, made.platform, made.clock))
    monkeypatch.setattr(wiring, "directory", lambda: SimpleNamespace(get=lambda _: None))
    monkeypatch.setattr(Secrets, "all", lambda _: {"pepper": "p"})
    return made


@pytest.fixture
def get(made, monkeypatch):
    from app import app
    from chalicelib import http

    monkeypatch.setattr(http._doors[0], "gate", Gate)

    def call(path: str, who: str = "editor"):
        with Client(app) as client:
            return client.http.get(path, headers={"Authorization": f"Bearer {who}"})

    return call


def test_the_report_adds_up_over_http(get):
    report = json.loads(get(f"/v1/campaigns/{CAMPAIGN}/report").body)
    assert (report["targeted"], report["planned"], report["accepted"], report["failed"]) == (60, 60, 58, 1)
    assert report["not_sent"] == {"not_approved": 1}
    assert report["runs"] == [RUN]
    assert sum(c["planned"] for c in report["by_channel"].values()) == 60
    assert set(report["by_area"]) == {"D1", "D2"}


def test_deliveries_are_listed_with_a_cursor_until_the_end(get):
    found, cursor = [], ""
    while True:
        page = json.loads(get(f"/v1/campaigns/{CAMPAIGN}/deliveries?limit=20{cursor}").body)
        found += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len({d["influencer"] for d in found}) == len(found) == 60
    assert {d["status"] for d in found} == {"accepted", "failed", "not_sent"}


def test_deliveries_of_one_status(get):
    page = json.loads(get(f"/v1/campaigns/{CAMPAIGN}/deliveries?status=failed").body)
    assert [(d["influencer"], d["code"]) for d in page["items"]] == [(person_id(4), "131026")]


def test_a_campaign_without_runs_has_an_empty_report(get, made):
    made.runs.briefs.clear()
    assert json.loads(get(f"/v1/campaigns/{CAMPAIGN}/report").body)["targeted"] == 0
    assert json.loads(get(f"/v1/campaigns/{CAMPAIGN}/deliveries").body) == {"items": [], "next": None}
    assert get(f"/v1/campaigns/{CAMPAIGN}/deliveries?run=cmp_other-1").status_code == 404


def test_another_departments_officer_and_an_unknown_campaign_are_refused(get):
    assert get(f"/v1/campaigns/{CAMPAIGN}/report", "officer").status_code == 403
    assert get("/v1/campaigns/cmp_nothing/report").status_code == 404


def test_the_page_tells_the_same_in_words(get):
    page = get(f"/campaigns/{CAMPAIGN}/report?lang=en").body.decode()
    assert "हर मत की क़ीमत" in page
    assert "the person was no longer approved" in page
    assert "code 131026" in page
    assert "WhatsApp" in page and "Telegram" in page
    hindi = get(f"/campaigns/{CAMPAIGN}/report?lang=hi").body.decode()
    assert "जहाँ पहुँचा" in hindi


def test_the_page_looks_again_while_something_is_under_way(get, made):
    assert "Refresh" not in get(f"/campaigns/{CAMPAIGN}/report").headers
    late = world(30)
    late.store.write_chunks(late.planner()._draw(RUN, 0, 7, None), 1)
    assert get(f"/campaigns/{CAMPAIGN}/report").headers["Refresh"] == "5"


def test_the_list_of_campaigns_leads_to_their_reports(get):
    page = get("/campaigns?lang=en").body.decode()
    assert f"/campaigns/{CAMPAIGN}/report?lang=en" in page
    assert "Older campaigns" in page
