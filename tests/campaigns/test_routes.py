"""Campaigns over HTTP: the way of CONTRACT.md from draft to run."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from chalice.test import Client

from chalicelib import http, wiring
from chalicelib.campaigns.model import Content
from local.config import platform_secret
from tests.campaigns.samples import APPROVER, AREAS, BRIEF, EDITOR, NODAL, content
from tests.conftest import use_environment

STAFF = {"editor": EDITOR, "approver": APPROVER, "nodal": NODAL}


class DoorKeeper:
    """Knows the sample staff by their first name; the matrix of roles is the real one."""

    def principal(self, bearer):
        return STAFF[bearer]

    def require(self, principal, action):
        if not principal.may(action):
            raise http.Forbidden


@pytest.fixture
def call(tables, monkeypatch):
    """`call("editor", "POST", "/v1/campaigns", {…})` gives status and JSON."""
    queue = boto3.client("sqs").create_queue(QueueName="plan")["QueueUrl"]
    secret = json.dumps(platform_secret())
    boto3.client("secretsmanager").create_secret(Name="janjan/local/platforms", SecretString=secret)
    use_environment({"PLAN_QUEUE_URL": queue})
    from app import app

    [doors] = http._doors
    monkeypatch.setattr(http, "_doors", [dataclasses.replace(doors, gate=DoorKeeper)])
    wiring.directory().put_areas(AREAS)
    wiring.directory().put_department("election", {"en": "Election Office"})
    with Client(app) as client:

        def call(who, method, path, body=None, **headers):
            sent = {"Content-Type": "application/json", "Authorization": f"Bearer {who}"} | headers
            raw = b"" if body is None else json.dumps(body).encode()
            answer = client.http.request(method, path, headers=sent, body=raw)
            return answer.status_code, json.loads(answer.body) if answer.body else None

        yield call


def draft_body(**more):
    return content(**more).model_dump(mode="json")


@pytest.fixture
def campaign(call):
    items = [BRIEF.model_dump(mode="json")]
    assert call("editor", "PUT", "/v1/channels/whatsapp-main/templates", {"items": items})[0] == 200
    status, made = call("editor", "POST", "/v1/campaigns", draft_body())
    assert (status, made["status"]) == (201, "draft")
    return f"/v1/campaigns/{made['id']}"


def test_the_whole_way_from_draft_to_run(call, campaign):
    assert call("editor", "PATCH", campaign, {"title": "नया"})[1]["title"] == "नया"
    assert call("editor", "POST", f"{campaign}/submission")[1]["status"] == "submitted"
    assert (
        call("approver", "POST", f"{campaign}/approval", {"decision": "approve"})[1]["status"] == "approved"
    )
    status, run = call("approver", "POST", f"{campaign}/schedule", {})
    assert (status, run["status"], run["channels"]) == (201, "scheduled", ["whatsapp", "telegram"])
    assert call("approver", "GET", f"{campaign}/runs")[1]["items"] == [run]
    [listed] = call("approver", "GET", "/v1/campaigns?status=scheduled")[1]["items"]
    assert (listed["runs"], listed["decided_by"], listed["messages"]) == (
        1,
        "u-approver",
        draft_body()["messages"],
    )
    assert call("nodal", "POST", f"{campaign}/pause")[0] == 404
    assert call("nodal", "POST", f"{campaign}/resume")[0] == 403
    assert call("editor", "POST", f"{campaign}/pause")[1]["status"] == "paused"
    assert call("editor", "POST", f"{campaign}/pause")[0] == 409
    assert call("editor", "POST", f"{campaign}/resume")[1]["status"] == "scheduled"
    assert call("approver", "POST", f"{campaign}/cancel")[1]["status"] == "cancelled"


def test_who_names_the_revision_that_they_read_overwrites_nobody(call, campaign):
    assert call("editor", "PATCH", campaign, {"title": "नया", "rev": 1})[1]["rev"] == 2
    status, told = call("editor", "PATCH", campaign, {"title": "पुराना", "rev": 1})
    assert (status, told["detail"]) == (409, "The campaign was changed by somebody else. Please look again.")
    assert call("editor", "GET", campaign)[1]["title"] == "नया"


def test_the_whole_way_of_a_withdrawal(call, campaign):
    body = {"messages": {"telegram": {"hi": {"text": "यह संदेश वापस लिया जाता है।"}}}, "reason": "Wrong day."}
    assert call("editor", "POST", f"{campaign}/withdrawal", body)[0] == 409
    call("editor", "POST", f"{campaign}/submission")
    call("approver", "POST", f"{campaign}/approval", {"decision": "approve"})
    first = call("approver", "POST", f"{campaign}/schedule", {})[1]["id"]
    assert wiring.runs().start(first)
    assert call("nodal", "POST", f"{campaign}/corrections", body)[0] == 404
    status, correction = call("editor", "POST", f"{campaign}/corrections", body)
    assert (status, correction["status"], correction["reason"]) == (201, "proposed", "Wrong day.")
    assert call("nodal", "POST", f"{campaign}/withdrawal", body)[0] == 403
    status, withdrawal = call("editor", "POST", f"{campaign}/withdrawal", body | {"urgent": True})
    assert (status, withdrawal["number"], withdrawal["purpose"]) == (201, 2, "withdrawal")
    shown = call("approver", "GET", campaign)[1]
    assert (shown["status"], shown["corrections"], bool(shown["withdrawn_at"])) == ("cancelled", 2, True)
    decision = {"decision": "approve", "reason": "Checked."}
    assert call("editor", "POST", f"{campaign}/corrections/2/approval", decision)[0] == 403
    assert call("approver", "POST", f"{campaign}/corrections/1/approval", decision)[0] == 409
    status, decided = call("approver", "POST", f"{campaign}/corrections/2/approval", decision)
    assert (status, decided["status"], decided["answer"]) == (200, "approved", "Checked.")
    items = call("approver", "GET", f"{campaign}/corrections")[1]["items"]
    assert [one["status"] for one in items] == ["proposed", "approved"]
    runs = call("approver", "GET", f"{campaign}/runs")[1]["items"]
    assert [(run["id"], run["purpose"], run["parent"]) for run in runs] == [
        (first, "campaign", ""),
        (decided["run"], "withdrawal", first),
    ]
    for broken in (body | {"reason": ""}, body | {"messages": {}}, {"messages": body["messages"]}):
        assert call("editor", "POST", f"{campaign}/corrections", broken)[0] == 422
    assert call("approver", "POST", f"{campaign}/corrections/x/approval", decision)[0] == 404


def test_a_role_that_may_not_is_refused(call, campaign):
    call("editor", "POST", f"{campaign}/submission")
    assert call("editor", "POST", f"{campaign}/approval", {"decision": "approve"})[0] == 403
    assert call("nodal", "PATCH", campaign, {"title": "x"})[0] == 404


def test_what_is_wrong_is_named_by_its_place(call):
    status, problem = call(
        "editor",
        "POST",
        "/v1/campaigns",
        draft_body() | {"colour": "red", "audience": {"tiers": ["nano"]}, "messages": {"fax": {"hi": {}}}},
    )
    assert status == 422
    assert {error["field"]: error["code"] for error in problem["errors"]} == {
        "colour": "extra_forbidden",
        "audience.tiers": "not_available",
        "messages": "channel_unavailable",
    }


def test_an_unknown_field_of_a_change_is_refused_by_name(call, campaign):
    status, problem = call("editor", "PATCH", campaign, {"colour": "red"})
    assert (status, problem["errors"][0]["field"]) == (422, "colour")


def test_a_required_field_cannot_be_taken_away(call, campaign):
    status, problem = call("editor", "PATCH", campaign, {"title": None})
    assert (status, problem["errors"][0]["field"]) == (422, "title")


def test_a_preview_answers_with_counts(call):
    status, found = call("editor", "POST", "/v1/audiences/preview", {"areas": ["IN"]})
    nobody = {"count": 0, "by_channel": {}, "by_area": {}, "excluded": {}, "elections": {}}
    assert (status, found) == (200, nobody)


def test_an_audience_of_any_size_is_counted_by_a_job_of_ones_own(call):
    status, made = call("editor", "POST", "/v1/audiences/preview/jobs", {"areas": ["IN"]})
    assert (status, made["status"], made["count"]) == (202, "running", 0)
    wiring.counting().step({"preview": made["id"], "rev": 1})
    status, done = call("editor", "GET", f"/v1/jobs/{made['id']}")
    assert (status, done["status"], done["read"]) == (200, "finished", 0)
    assert call("approver", "GET", f"/v1/jobs/{made['id']}")[0] == 404


def test_templates_are_listed_by_channel(call, campaign):
    assert call("approver", "GET", "/v1/channels/whatsapp-main/templates")[1]["items"] == [
        BRIEF.model_dump(mode="json") | {"segments": 0, "alphabet": ""}
    ]
    assert call("editor", "GET", "/v1/channels/sms-main/templates")[1]["items"] == []
    assert call("editor", "GET", "/v1/channels/email-main/templates")[0] == 409
    assert call("editor", "GET", "/v1/channels/nothing/templates")[0] == 404


def test_the_description_names_every_field_of_a_campaign(call):
    schemas = call("editor", "GET", "/openapi.json")[1]["components"]["schemas"]
    assert set(schemas["CampaignChange"]["properties"]) == {*schemas["Content"]["properties"], "rev"}


def test_an_override_is_given_listed_and_withdrawn(call, campaign):
    now = datetime.now(UTC)
    late = wiring.election_desk().add(
        "u-admin",
        name="Sample",
        areas=["IN-XN"],
        polling_ends=now + timedelta(9),
        code_from=now - timedelta(1),
        code_until=now + timedelta(10),
        source="7/2026",
    )
    call("editor", "POST", f"{campaign}/submission")
    call("approver", "POST", f"{campaign}/approval", {"decision": "approve"})
    status, refused = call("approver", "POST", f"{campaign}/schedule", {})
    assert (status, refused["title"]) == (409, "code of conduct")
    assert late.id in refused["detail"]
    body = {"election": late.id, "reason": "cleared by the commission"}
    assert call("editor", "POST", f"{campaign}/overrides", body)[0] == 403
    status, given = call("approver", "POST", f"{campaign}/overrides", body)
    assert (status, given["by"], given["reason"]) == (201, "u-approver", body["reason"])
    assert call("editor", "GET", campaign)[1]["overrides"] == [given]
    assert call("approver", "POST", f"{campaign}/schedule", {})[0] == 201
    assert call("approver", "DELETE", f"{campaign}/overrides/{late.id}")[0] == 204
    [kept] = call("editor", "GET", campaign)[1]["overrides"]
    assert (kept["reason"], kept["withdrawn_by"]) == (body["reason"], "u-approver")


def ready(call, campaign):
    call("editor", "POST", f"{campaign}/submission")
    call("approver", "POST", f"{campaign}/approval", {"decision": "approve"})
    return f"{campaign}/schedule"


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"at": "2027-03-28T02:30:00", "zone": "Europe/Berlin"}, "at", "time_left_out"),
        ({"at": "2027-03-28T02:30:00"}, "at", "zone_missing"),
        ({"zone": "Asia/Nowhere"}, "zone", "zone_unknown"),
        ({"at": "0001-01-01T00:00:00", "zone": "Asia/Kolkata"}, "at", "year"),
        ({"at": "9999-12-31T23:59:59", "zone": "America/New_York"}, "at", "year"),
        ({"repeat": {"every": "day", "until": "0001-01-01T00:00:00+05:30"}}, "repeat.until", "year"),
        ({"spread_minutes": 10081}, "spread_minutes", "less_than_equal"),
        ({"repeat": {"every": "year", "times": 3}}, "repeat.every", "literal_error"),
        ({"repeat": {"every": "day"}}, "repeat", "time_of_run"),
        ({"repeat": {"every": "day", "times": 1}}, "repeat.times", "greater_than_equal"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_at_its_field(call, campaign, wrong, field, code):
    status, problem = call("approver", "POST", ready(call, campaign), wrong)
    assert status == 422
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [(field, code)]
    assert call("editor", "GET", campaign)[1]["status"] == "approved"


def test_a_series_tells_its_place_its_zone_and_its_quiet_hours(call, campaign):
    repeat = {"every": "week", "times": 4}
    body = {"zone": "Asia/Kolkata", "spread_minutes": 30, "repeat": repeat}
    status, run = call("approver", "POST", ready(call, campaign), body)
    assert status == 201
    place = {"every": "week", "zone": "Asia/Kolkata", "number": 1, "of": 4, "missed": 0}
    assert (run["repeat"], run["spread_minutes"], run["left"]) == (place, 30, 0)
    assert run["quiet_hours"] == {"from": "21:00", "until": "08:00"}
    assert call("editor", "GET", campaign)[1]["repeats"] == "week"
    assert call("approver", "GET", f"{campaign}/runs")[1]["items"] == [run]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"from": "21:00"}, "quiet_hours.until"),
        ({"from": "9 pm", "until": "08:00"}, "quiet_hours.from"),
        ("never", "quiet_hours"),
    ],
)
def test_quiet_hours_that_cannot_be_read_are_named_by_their_place(call, campaign, given, field):
    status, problem = call("editor", "PATCH", campaign, {"quiet_hours": given})
    assert (status, [error["field"] for error in problem["errors"]]) == (422, [field])
    status, found = call("editor", "PATCH", campaign, {"quiet_hours": "none"})
    assert (status, found["quiet_hours"]) == (200, "none")


def test_a_slip_in_the_year_of_its_end_is_refused_and_the_end_is_told_in_utc(call, campaign):
    for slip in ("0001-01-01T00:00:00+05:30", "9999-12-31T23:59:59-05:30"):
        status, problem = call("editor", "PATCH", campaign, {"expires_at": slip})
        assert (status, [(one["field"], one["code"]) for one in problem["errors"]]) == (
            422,
            [("expires_at", "year")],
        )
    status, found = call("editor", "PATCH", campaign, {"expires_at": "2027-01-31T18:00:00+05:30"})
    assert (status, found["expires_at"]) == (200, "2027-01-31T12:30:00Z")


def test_a_slip_that_was_kept_once_does_not_hide_the_other_campaigns():
    kept = content().model_dump() | {"expires_at": "0001-01-01T00:00:00+05:30"}
    assert Content.model_validate(kept).expires_at
