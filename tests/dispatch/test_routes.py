"""The report and its deliveries over HTTP and as a page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import urlencode

import boto3
import pytest
from chalice.test import Client

from chalicelib import wiring
from chalicelib.campaigns.model import Run
from chalicelib.campaigns.times import Repeat, quiet_setting, series_of
from chalicelib.dispatch.channels import ChannelDesk
from chalicelib.dispatch.direct import Direct
from chalicelib.dispatch.model import DeliveryKey, Fact, partition_of
from chalicelib.dispatch.recipients import OfRoster
from chalicelib.dispatch.report import Reporter
from chalicelib.dispatch.stops import StopDesk
from chalicelib.errors import Conflict, Forbidden, NotFound
from chalicelib.identity.roles import Principal
from chalicelib.platforms.base import SendRefused
from chalicelib.ports import CampaignPosts, MetricSum, Proof
from chalicelib.secrets import Secrets
from tests.dispatch.world import RUN, START, World, address, person_id, world

CAMPAIGN = RUN[:-2]


ROLES = {"officer": "nodal_officer"}


class Gate:
    def principal(self, bearer: str) -> Principal:
        departments = frozenset({"dept_other"}) if bearer == "officer" else frozenset()
        role = ROLES.get(bearer, bearer)
        return Principal(bearer, "Sample", "x@sample.test", frozenset({role}), frozenset(), departments)

    def require(self, principal: Principal, action: str) -> None:
        if not principal.may(action) and principal.id != "officer":
            raise Forbidden


def campaign(campaign_id: str) -> SimpleNamespace:
    if campaign_id != CAMPAIGN:
        raise NotFound
    content = SimpleNamespace(
        title="हर मत की क़ीमत",
        department="dept_sample",
        order=("telegram",),
        audience=SimpleNamespace(areas=("D1",)),
    )
    return SimpleNamespace(
        id=CAMPAIGN,
        run_ids=[RUN],
        status="dispatched",
        withdrawn_at=None,
        content=content,
        created_at=START,
        repeats="week",
    )


def campaign_for(who: Principal, campaign_id: str, action: str) -> SimpleNamespace:
    found = campaign(campaign_id)
    if not who.covers_department(found.content.department, action):
        raise NotFound
    return found


def runs_of_a_series() -> list[Run]:
    """A run that left three people at its expiry, and the one after two that were missed."""
    every_week = series_of(Repeat(every="week", times=6), START, "", None, START)
    shared = {"campaign_id": CAMPAIGN, "rev": 1, "channels": ("whatsapp",), "kind": "awareness"}
    shared |= {"department": "dept_sample", "spread_minutes": 90}
    after = every_week.following(START + timedelta(days=15))
    return [
        Run(id=RUN, status="expired", at=START, expires_at=START, left=3, series=every_week, **shared),
        Run(
            id=f"{CAMPAIGN}-2",
            status="scheduled",
            at=after.at(3),
            expires_at=after.at(4),
            series=after,
            **shared,
        ),
    ]


class NoAreas:
    def many(self, areas: object) -> dict[str, object]:
        return {}


NO_POSTS = CampaignPosts(0, 0, 0, {}, {}, {})


@pytest.fixture
def made(tables, monkeypatch) -> World:
    made = world(60, channels=("whatsapp", "telegram"))
    made.platform.answers[address(4)] = [SendRefused("131026", "person")]
    made.launch()
    made.people.change(person_id(7), status="suspended")
    made.send()
    campaigns = SimpleNamespace(
        seen=campaign_for,
        page=lambda *_: ([campaign(CAMPAIGN)], {"pk": "x"}),
        timetable=lambda _: (quiet_setting("21:00-08:00"), runs_of_a_series()),
    )
    monkeypatch.setattr(wiring, "campaigns", lambda: campaigns)
    monkeypatch.setattr(wiring, "runs", lambda: made.runs)
    monkeypatch.setattr(wiring, "reporter", lambda: Reporter(made.store, made.platform, made.clock))
    monkeypatch.setattr(wiring, "decisions", made.decisions)
    monkeypatch.setattr(wiring, "post_sums", lambda: SimpleNamespace(of_campaign=lambda *_: NO_POSTS))
    monkeypatch.setattr(wiring, "directory", lambda: SimpleNamespace(get=lambda _: None, many=lambda _: {}))
    desk = StopDesk(made.store, {}, NoAreas(), made.runs, made.plan_queue, wiring.audit(), made.clock)
    monkeypatch.setattr(wiring, "stop_desk", lambda: desk)
    monkeypatch.setattr(wiring, "platforms", lambda: made.platform)
    direct = Direct(made.store, made.platform, made.clock)
    channels = ChannelDesk(made.platform, made.paces, made.store, direct, wiring.audit(), made.clock)
    monkeypatch.setattr(wiring, "channel_desk", lambda: channels)
    monkeypatch.setattr(wiring, "clock", lambda: made.clock)
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


@pytest.fixture
def unknown(made) -> str:
    """The key of a delivery whose answer was lost."""
    key = next(message.key for to, message in made.platform.taken if to == address(0))
    read = DeliveryKey.parse(key)
    assert read is not None
    forget_the_answer(read)
    return key


def forget_the_answer(key: DeliveryKey) -> None:
    """Puts `unknown` where the tally had `accepted`."""
    letter = "abcdefghijklmnopqrstuvwxy"[key.index]
    boto3.client("dynamodb").update_item(
        TableName="janjan-local-tallies",
        Key={"pk": {"S": partition_of(key.run, key.chunk)}, "sk": {"S": f"t{key.chunk}"}},
        UpdateExpression="REMOVE fa.#a SET fa.#u = :at",
        ExpressionAttributeNames={"#a": f"a{letter}", "#u": f"u{letter}"},
        ExpressionAttributeValues={":at": {"N": "1"}},
    )


@pytest.fixture
def decide(get):
    from app import app

    def call(key: str, body: dict[str, str], who: str = "approver", lang: str = "en"):
        headers = {
            "Authorization": f"Bearer {who}",
            "Content-Type": "application/json",
            "Accept-Language": lang,
        }
        with Client(app) as client:
            return client.http.post(
                f"/v1/deliveries/{key}/decision", headers=headers, body=json.dumps(body).encode()
            )

    return call


def test_an_approver_resends_an_unknown_and_the_list_tells_who_and_why(decide, get, made, unknown):
    answer = decide(unknown, {"decision": "resend", "reason": " She has asked for it. "})
    decided = json.loads(answer.body)
    assert (answer.status_code, decided["decision"], decided["by"]) == (200, "resend", "approver")
    assert decided["reason"] == "She has asked for it."
    assert decided["resend"].endswith(".0.2")
    assert json.loads(decide(unknown, {"decision": "resend", "reason": "Once more."}).body) == decided
    made.send()
    items = json.loads(get(f"/v1/campaigns/{CAMPAIGN}/deliveries?status=superseded").body)["items"]
    assert [(d["key"], d["decided"]) for d in items] == [(unknown, decided)]
    items = json.loads(get(f"/v1/campaigns/{CAMPAIGN}/deliveries?status=accepted&limit=500").body)["items"]
    assert [d["decided"] for d in items if d["key"] == decided["resend"]] == [None]
    report = json.loads(get(f"/v1/campaigns/{CAMPAIGN}/report").body)
    assert (report["planned"], report["accepted"], report["unknown"], report["resent"]) == (60, 58, 0, 1)


def test_a_closed_unknown_is_listed_as_closed_and_stays_so(decide, get, unknown):
    closed = json.loads(decide(unknown, {"decision": "close", "reason": "Told by phone."}).body)
    assert closed["resend"] is None
    assert decide(unknown, {"decision": "resend", "reason": "After all."}).status_code == 409
    items = json.loads(get(f"/v1/campaigns/{CAMPAIGN}/deliveries?status=unknown").body)["items"]
    assert [d["decided"] for d in items] == [closed]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"decision": "resend"}, "reason"),
        ({"decision": "resend", "reason": "  "}, "reason"),
        ({"decision": "forget", "reason": "x"}, "decision"),
        ({"decision": "close", "reason": "x", "force": "yes"}, "force"),
    ],
)
def test_a_decision_needs_a_known_word_and_a_reason(decide, unknown, body, field):
    answer = decide(unknown, body)
    assert answer.status_code == 422
    assert [error["field"] for error in json.loads(answer.body)["errors"]] == [field]


def test_only_approvers_and_admins_of_the_department_decide(decide, unknown):
    body = {"decision": "close", "reason": "x"}
    for who in ("editor", "coordinator", "auditor", "officer"):
        assert decide(unknown, body, who).status_code == 403
    assert decide(unknown, body, "admin").status_code == 200


def test_what_is_known_or_does_not_exist_is_refused_in_words(decide, made, unknown):
    body = {"decision": "resend", "reason": "x"}
    refused = next(message.key for to, message in made.platform.requests if to == address(4))
    answer = decide(refused, body, lang="hi")
    assert answer.status_code == 409
    assert "नतीजा" in json.loads(answer.body)["detail"]
    assert decide("cmp_other-1.00000000000.0.1", body).status_code == 404
    assert decide("nonsense", body).status_code == 404


def test_the_page_lists_the_unknown_and_what_was_decided(decide, get, unknown):
    page = get(f"/console/campaigns/{CAMPAIGN}/report?lang=en").body.decode()
    assert unknown in page
    assert "Unknown deliveries" in page
    assert unknown not in get(f"/console/campaigns/{CAMPAIGN}/report?lang=en", "coordinator").body.decode()
    decide(unknown, {"decision": "close", "reason": "x"})
    page = get(f"/console/campaigns/{CAMPAIGN}/report?lang=en").body.decode()
    assert ">closed</td>" in page
    assert "Of the unknown, closed by a person" in page


def test_the_page_tells_of_second_attempts_and_late_arrivals(decide, get, made, unknown):
    decide(unknown, {"decision": "resend", "reason": "x"})
    made.send()
    made.tallying.record([Proof(unknown, "delivered", START)])
    page = get(f"/console/campaigns/{CAMPAIGN}/report?lang=en").body.decode()
    assert "1 were sent to once more" in page
    assert "they may have received it twice" in page
    assert "<h2>Unknown deliveries" not in page


def test_a_correction_is_counted_by_itself_and_beside_the_campaign(get, made):
    parent = made.runs.briefs[RUN]
    second = f"{CAMPAIGN}-2"
    made.runs.briefs[RUN] = replace(parent, recalled=True)
    made.runs.briefs[second] = replace(parent, run_id=second, occasion="withdrawal", parents=(RUN,))
    made.plan_queue.put([{"launch": second}])
    made.runs.set(second, "scheduled")
    before = json.loads(get(f"/v1/campaigns/{CAMPAIGN}/report").body)
    made.plan()
    made.send()
    whole = json.loads(get(f"/v1/campaigns/{CAMPAIGN}/report").body)
    [taken_back] = whole["corrections"]
    assert (taken_back["run"], taken_back["purpose"], taken_back["accepted"]) == (second, "withdrawal", 58)
    assert {n: v for n, v in whole.items() if n not in ("corrections", "updated_at")} == {
        n: v for n, v in before.items() if n not in ("corrections", "updated_at")
    }
    alone = json.loads(get(f"/v1/campaigns/{CAMPAIGN}/report?run={second}").body)
    assert (alone["targeted"], alone["accepted"], alone["corrections"]) == (58, 58, [])
    assert get(f"/v1/campaigns/{CAMPAIGN}/report?run={CAMPAIGN}-3").status_code == 404
    withdrawn = campaign(CAMPAIGN)
    withdrawn.withdrawn_at = START
    desk = wiring.campaigns()
    desk.seen = lambda *_: withdrawn
    page = get(f"/console/campaigns/{CAMPAIGN}/report?lang=en").body.decode()
    assert "Withdrawn since 02-11-2026" in page
    assert "Corrections and withdrawals" in page


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


def test_another_departments_officer_is_told_the_same_as_of_an_unknown_campaign(get):
    refused = get(f"/v1/campaigns/{CAMPAIGN}/report", "officer")
    assert (refused.status_code, refused.json_body["title"]) == (404, "not found")
    assert get("/v1/campaigns/cmp_nothing/report", "officer").body == refused.body


def test_the_page_tells_the_same_in_words(get):
    page = get(f"/console/campaigns/{CAMPAIGN}/report?lang=en").body.decode()
    assert "हर मत की क़ीमत" in page
    assert "the person was no longer approved" in page
    assert "code 131026" in page
    assert "WhatsApp" in page and "Telegram" in page
    hindi = get(f"/console/campaigns/{CAMPAIGN}/report?lang=hi").body.decode()
    assert "जहाँ पहुँचा" in hindi


def test_the_page_looks_again_while_something_is_under_way(get, made):
    where = f"/console/campaigns/{CAMPAIGN}/report?lang=en"
    assert 'id="live"' not in get(where).body.decode()
    more_to_send()
    page = get(where).body.decode()
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page, "who has no scripts"
    assert re.search(r"60 of \d+ people are done", page)
    assert asked_again(page).startswith(f"/console/campaigns/{CAMPAIGN}/live?seen=")


def more_to_send() -> None:
    """Thirty people more, planned and not sent to."""
    late = world(30)
    page = OfRoster(late.runs, late.roster).draw(late.runs.briefs[RUN], 0, 7, None)
    late.store.write_chunks(page, 1)


def asked_again(page: str) -> str:
    """The address at which the part that moves asks for itself."""
    found = re.search(r'hx-get="([^"]+)"', page)
    assert found is not None
    return found[1].replace("&amp;", "&")


def test_the_part_that_moves_is_sent_only_when_something_has_changed(get, made):
    more_to_send()
    again = asked_again(get(f"/console/campaigns/{CAMPAIGN}/report?lang=en").body.decode())
    assert get(again).status_code == 204
    wiring.stop_desk().put(Principal("u-admin", "", "", frozenset({"admin"})), "all", "Sample.")
    changed = get(again)
    assert changed.status_code == 200
    assert "Held by a stop:" in changed.body.decode()
    assert "Everybody will have been sent to" not in changed.body.decode(), "what is held has no end"
    assert get(asked_again(changed.body.decode())).status_code == 204


def test_the_whole_page_is_asked_for_once_the_run_has_ended_or_was_steered(get, made):
    where = f"/console/campaigns/{CAMPAIGN}/live"
    assert get(where).headers["HX-Refresh"] == "true"
    more_to_send()
    assert "HX-Refresh" not in get(f"{where}?state=dispatched").headers
    assert get(f"{where}?state=dispatching").headers["HX-Refresh"] == "true"


@pytest.mark.parametrize("table", ["channels", "languages", "areas", "hours", "posts"])
def test_each_table_of_the_report_is_a_file_too(get, table):
    answer = get(f"/console/campaigns/{CAMPAIGN}/report?csv={table}")
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = answer.body.decode().splitlines()
    assert len(rows) == {"channels": 3, "languages": 2, "areas": 3, "hours": 2, "posts": 7}[table]


def test_a_table_that_there_is_not_is_no_file(get):
    assert get(f"/console/campaigns/{CAMPAIGN}/report?csv=people").status_code == 404


def test_the_hours_of_a_report_add_up_to_its_counts(get, made):
    key = made.platform.taken[0][1].key
    made.tallying.record([Proof(key, "read", made.clock.now() + timedelta(hours=5))])
    shown = get(f"/v1/campaigns/{CAMPAIGN}/report").json_body
    assert len(shown["by_hour"]) == 6
    for stage in ("accepted", "delivered", "read"):
        assert sum(hour[stage] for hour in shown["by_hour"]) == shown[stage], stage
    assert shown["by_hour"][5] == {"accepted": 0, "delivered": 1, "read": 1}
    for groups in ("by_language", "by_channel"):
        assert sum(one["planned"] for one in shown[groups].values()) == shown["planned"]
    page = get(f"/console/campaigns/{CAMPAIGN}/report?lang=en").body.decode()
    assert 'class="read" points="0.0,40.0' in page


def steer(made: World, monkeypatch, status: str) -> list[tuple[str, str]]:
    """Lets the campaign stand so; what is done with it is kept."""
    done: list[tuple[str, str]] = []
    campaigns = wiring.campaigns()
    found = campaign(CAMPAIGN)
    found.status = status
    campaigns.seen = lambda *_: found
    after = {"pause": "paused", "resume": "dispatching", "cancel": "cancelled"}

    def verb(name: str):
        def act(who, campaign_id, *, reason):
            if found.status == after[name]:
                raise Conflict
            done.append((name, reason))
            found.status = after[name]

        return act

    for name in after:
        setattr(campaigns, name, verb(name))
    return done


def test_a_run_is_paused_once_with_a_reason_however_often_the_button_is_pressed(get, made, monkeypatch):
    done = steer(made, monkeypatch, "dispatching")
    where = f"/console/campaigns/{CAMPAIGN}/report"
    page = get(f"{where}?lang=en").body.decode()
    assert f"{where}/pause?" in page and f"{where}/cancel?" in page and f"{where}/resume?" not in page
    assert "Within five seconds" in get(f"{where}/pause?lang=en").body.decode()
    assert form(f"{where}/pause", reason="").status_code == 422
    refused = form(f"{where}/pause", reason="Call 98765 43210 first")
    assert refused.status_code == 422 and "98765 43210" in refused.body.decode()
    answers = [form(f"{where}/pause", reason="A wrong word in it") for _ in range(2)]
    assert [one.status_code for one in answers] == [303, 303]
    assert done == [("pause", "A wrong word in it")]
    assert form(f"{where}/resume", reason="Mended").headers["Location"].startswith(f"{where}?said=resume")


def test_who_may_not_schedule_is_not_offered_to_call_off(get, made, monkeypatch):
    steer(made, monkeypatch, "dispatching")
    where = f"/console/campaigns/{CAMPAIGN}/report"
    page = get(f"{where}?lang=en", "coordinator").body.decode()
    assert f"{where}/pause?" not in page and f"{where}/cancel?" not in page
    assert form(f"{where}/cancel", "coordinator", reason="x").status_code == 403


def form(path: str, who: str = "editor", **fields: str):
    from app import app

    headers = {"Authorization": f"Bearer {who}", "Content-Type": "application/x-www-form-urlencoded"}
    with Client(app) as client:
        return client.http.post(f"{path}?lang=en", headers=headers, body=urlencode(fields).encode())


def test_figures_of_posts_stand_apart_by_grade_with_how_many_posts_have_data(get, monkeypatch):
    told = MetricSum(1200, 2, START, START + timedelta(days=1))
    posts = CampaignPosts(
        3,
        1,
        1,
        {"x": 1, "youtube": 2},
        {"views": told},
        {"views": MetricSum(900, 1, START, START)},
        {"no": 1, "yes": 2},
        {"stated": 1, "verified": 2},
    )
    monkeypatch.setattr(wiring, "post_sums", lambda: SimpleNamespace(of_campaign=lambda *_: posts))
    report = json.loads(get(f"/v1/campaigns/{CAMPAIGN}/report").body)
    assert report["posts"] == 3
    assert report["post_figures"] == {
        "posts": 3,
        "undecided": 1,
        "gone": 1,
        "by_platform": {"x": 1, "youtube": 2},
        "verified": {
            "views": {
                "sum": 1200,
                "posts": 2,
                "measured_from": "2026-11-02T05:30:00Z",
                "measured_until": "2026-11-03T05:30:00Z",
            }
        },
        "declared": {
            "views": {
                "sum": 900,
                "posts": 1,
                "measured_from": "2026-11-02T05:30:00Z",
                "measured_until": "2026-11-02T05:30:00Z",
            }
        },
        "disclosed": {"no": 1, "yes": 2},
        "matched": {"stated": 1, "verified": 2},
    }
    page = get(f"/console/campaigns/{CAMPAIGN}/report?lang=en").body.decode()
    for shown in (
        "1,200",
        "2 of 3 posts",
        "900",
        "1 of 3 posts",
        "YouTube 2",
        "03-11-2026 11:00",
        "never added",
        "1 of them do not say",
        "1 of them are on accounts that their creators have named and not yet shown",
    ):
        assert shown in page
    assert "2100" not in page
    assert "Likes" not in page


def test_a_campaign_without_posts_says_nothing_of_them_and_one_without_figures_says_so(get, monkeypatch):
    assert json.loads(get(f"/v1/campaigns/{CAMPAIGN}/report").body)["post_figures"]["verified"] == {}
    assert "What creators published" not in get(f"/console/campaigns/{CAMPAIGN}/report?lang=en").body.decode()
    posts = CampaignPosts(1, 0, 0, {"telegram": 1}, {}, {})
    monkeypatch.setattr(wiring, "post_sums", lambda: SimpleNamespace(of_campaign=lambda *_: posts))
    page = get(f"/console/campaigns/{CAMPAIGN}/report?lang=en").body.decode()
    assert "There are no figures yet." in page


def test_the_page_says_in_plain_words_when_it_is_sent(get):
    page = get(f"/console/campaigns/{CAMPAIGN}/report?lang=en").body.decode()
    assert "Nothing is sent from 21:00 to 08:00" in page
    assert "It is repeated every week at 11:00 (Asia/Kolkata): 4 of 6." in page
    assert "spread over 90 minutes" in page
    assert "02-11-2026 11:00" in page
    assert "23-11-2026 11:00" in page
    assert "2 before it were missed" in page
    assert "3 people were left" in page
    assert "हर सप्ताह" in get(f"/console/campaigns/{CAMPAIGN}/report?lang=hi").body.decode()


def test_a_campaign_half_sent_at_its_expiry_says_so(get, made):
    report = json.loads(get(f"/v1/campaigns/{CAMPAIGN}/report").body)
    assert (report["half_sent"], report["sent"], report["left"]) == (False, 59, 0)
    assert "Its time was over" not in get(f"/console/campaigns/{CAMPAIGN}/report?lang=en").body.decode()
    chunk = next(tally.chunk for tally in made.tallies() if tally.size)
    chunks = made.store.chunks_of(RUN, [chunk])
    late = replace(chunks[chunk], id="99990000000", people=("inf_late",))
    made.store._open_tally(late, {}, 0)
    made.store.record(RUN, late.id, {0: {Fact.NOT_SENT: "expired"}})
    report = json.loads(get(f"/v1/campaigns/{CAMPAIGN}/report").body)
    assert (report["half_sent"], report["sent"], report["left"]) == (True, 59, 1)
    sentence = "Its time was over before everybody was sent to: 59 people were sent to, 1 were left."
    assert sentence in get(f"/console/campaigns/{CAMPAIGN}/report?lang=en").body.decode()


def test_a_page_of_proofs_reads_the_state_of_its_own_runs_alone(get, made, monkeypatch):
    [brief] = made.runs.of_campaign(CAMPAIGN)
    runs = [replace(brief, run_id=f"{CAMPAIGN}-{n}") for n in range(5)]
    asked = []
    monkeypatch.setattr(wiring, "runs", lambda: SimpleNamespace(of_campaign=lambda _: runs))
    monkeypatch.setattr(
        wiring, "bundler", lambda: SimpleNamespace(latest=lambda some: asked.append(some) or [])
    )
    where, more = f"/v1/campaigns/{CAMPAIGN}/bundles?limit=2", ""
    for _ in range(3):
        page = get(where + more, "approver").json_body
        more = f"&cursor={page['next']}"
    assert [len(some) for some in asked] == [2, 2, 1]
    assert [run for some in asked for run in some] == [run.run_id for run in runs]
    assert page == {"items": [], "next": None}


def test_a_report_tells_what_holds_the_campaign_now(get, made):
    assert get(f"/v1/campaigns/{CAMPAIGN}/report").json_body["stops"] == []
    put = wiring.stop_desk().put(Principal("u-admin", "", "", frozenset({"admin"})), "all", "Sample.")
    [stop] = get(f"/v1/campaigns/{CAMPAIGN}/report").json_body["stops"]
    assert (stop["scope"], stop["reason"], stop["by"]) == (put.scope, "Sample.", "u-admin")
