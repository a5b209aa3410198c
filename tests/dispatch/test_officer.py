"""The officer's report: what went out before it had to stop, what was stopped, what came late, who did it."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from chalice.test import Client

from chalicelib import wiring
from chalicelib.dispatch.model import Tally
from chalicelib.dispatch.officer import Officer, fingerprint
from chalicelib.dispatch.stops import StopDesk, only
from chalicelib.dispatch.store import DispatchStore
from chalicelib.dispatch.words import PURPOSES
from chalicelib.errors import Conflict, NotFound, PlatformOff
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.platforms.base import OutcomeUnknown, SendRefused
from chalicelib.ports import Area, Proof
from chalicelib.secrets import Secrets
from tests.dispatch.world import RUN, START, World, address, person_id, world

pytestmark = pytest.mark.usefixtures("tables")

CAMPAIGN = RUN[:-2]
SUBJECT = f"campaign#{CAMPAIGN}"


class Known(dict[str, Area]):
    def many(self, ids: list[str]) -> dict[str, Area]:
        return {one: self[one] for one in ids if one in self}


AREAS = Known(
    (area, Area(area, level, path, {"en": area}))
    for area, level, path in (
        ("IN", "country", ("IN",)),
        ("IN-XN", "state", ("IN", "IN-XN")),
        ("D1", "district", ("IN", "IN-XN", "D1")),
        ("D2", "district", ("IN", "IN-XN", "D2")),
        ("D1-B1", "block", ("IN", "IN-XN", "D1", "D1-B1")),
        ("D9", "district", ("IN", "IN-XO", "D9")),
    )
)


@pytest.fixture
def made() -> World:
    return world(60)


@pytest.fixture
def officer(made) -> Officer:
    return Officer(made.store, AREAS, made.platform, Audit(), made.clock)  # type: ignore[arg-type]


def change(made: World, **brief) -> None:
    made.runs.briefs[RUN] = replace(made.runs.briefs[RUN], **brief)


def report(officer: Officer, made: World):
    return officer.report(CAMPAIGN, made.runs.of_campaign(CAMPAIGN))


def prove(made: World, n: int, fact, at) -> None:
    key = next(message.key for to, message in made.platform.taken if to == address(n))
    made.tallying.record([Proof(key, fact, at)])


def note(action: str, subject: str = SUBJECT, at=START, actor="u-approver") -> None:
    Audit().committing(subject=subject, action=action, actor=actor, at=at)


def test_every_planned_person_is_in_one_figure_and_districts_add_up(made, officer):
    made.platform.rate_per_s = 10
    made.platform.answers |= {address(1): [SendRefused("131026", "person")], address(2): [OutcomeUnknown()]}
    made.people.change(person_id(7), status="suspended")
    made.launch()
    made.send()
    [run] = report(officer, made).runs
    assert (run["planned"], run["sent"], run["failed"], run["unknown"], run["waiting"]) == (60, 57, 1, 1, 0)
    assert run["stopped"] == {"not_approved": 1}
    for part in (run, *run["by_area"].values()):
        others = ("sent", "failed", "unknown", "waiting")
        assert part["planned"] == sum(part[name] for name in others) + sum(part["stopped"].values())
    assert set(run["by_area"]) == {"D1", "D2"}
    for name in ("planned", "sent", "failed", "unknown"):
        assert sum(part[name] for part in run["by_area"].values()) == run[name]


def test_the_first_and_the_last_request_are_told(made, officer):
    made.platform.rate_per_s = 1
    times = []
    take = made.platform.send

    def send(channel, to, message):
        times.append(made.clock.now())
        made.clock.move(0.7)  # the answer takes its time
        return take(channel, to, message)

    made.platform.send = send
    made.launch()
    made.send()
    [run] = report(officer, made).runs
    assert run["first_request"] == f"{min(times):%Y-%m-%dT%H:%M:%SZ}"
    assert run["last_request"] == f"{max(times):%Y-%m-%dT%H:%M:%SZ}"


def test_the_report_stands_when_a_channel_was_switched_off_since(made, officer, monkeypatch):
    def off(platform):
        raise PlatformOff(platform=platform)

    made.launch()
    made.send()
    note("stop.put", "stop#channel:whatsapp")
    monkeypatch.setattr(made.platform, "channel_for", off)
    assert [entry.action for entry in report(officer, made).actions] == ["stop.put"]


def test_a_year_of_daily_runs_is_read_by_a_few_threads(made, officer, monkeypatch):
    running = list[int]()

    def tallies_in(self, run: str, shard: int, *, consistent: bool = False) -> list[Tally]:
        running.append(threading.active_count())
        time.sleep(0.01)
        return []

    monkeypatch.setattr(DispatchStore, "tallies_in", tallies_in)
    brief, before = made.runs.briefs[RUN], threading.active_count()
    year = [replace(brief, run_id=f"{CAMPAIGN}-{number}") for number in range(1, 367)]
    assert [run["run"] for run in officer.report(CAMPAIGN, year).runs] == [run.run_id for run in year]
    assert max(running) - before < 250, "a Lambda may have 1,024"


def test_receipts_after_the_expiry_are_late_and_told_apart_from_those_in_time(made, officer):
    made.launch()
    made.send()
    ends = made.runs.briefs[RUN].expires_at
    prove(made, 1, "delivered", ends - timedelta(seconds=1))
    prove(made, 1, "read", ends)
    prove(made, 2, "delivered", ends)
    prove(made, 3, "read", ends + timedelta(days=1))
    [run] = report(officer, made).runs
    assert run["late_after_expiry"] == {"delivered": 1, "read": 2}
    assert run["late_after_cancel"] == {"delivered": 0, "read": 0}
    assert run["by_area"]["D1"]["late_after_expiry"] == {"delivered": 0, "read": 2}
    assert run["arrived"] == 3


def test_receipts_after_it_was_called_off_are_counted_by_the_moment_of_that(made, officer):
    made.launch()
    made.send()
    change(made, status="cancelled", ended_at=START + timedelta(hours=1))
    prove(made, 1, "delivered", START + timedelta(minutes=59))
    prove(made, 2, "delivered", START + timedelta(minutes=60))
    [run] = report(officer, made).runs
    assert run["late_after_cancel"] == {"delivered": 1, "read": 0}
    assert run["late_after_expiry"] == {"delivered": 0, "read": 0}


def test_what_was_called_off_half_way_says_what_went_out_and_what_was_stopped(made, officer):
    made.platform.rate_per_s = 1
    made.launch()
    for _ in range(2):
        made.send_one(made.send_queue.take() or {})
    sent = len(made.platform.taken)
    change(made, status="cancelled", ended_at=made.clock.now())
    made.send()
    [run] = report(officer, made).runs
    assert 0 < sent < 60
    assert (run["sent"], run["stopped"]) == (sent, {"cancelled": 60 - sent})


def test_a_stop_of_who_carries_the_messages_is_told_too(made, officer):
    made.platform.carried_by = {"whatsapp": "twilio"}
    made.launch()
    made.send()
    note("campaign.created", at=START - timedelta(days=1))
    note("stop.put", "stop#channel:twilio", START)
    note("stop.put", "stop#channel:msg91", START)
    assert [entry.subject for entry in report(officer, made).actions][1:] == ["stop#channel:twilio"]


def test_who_approved_stopped_and_overrode_is_told_in_order(made, officer):
    made.launch()
    made.send()
    note("stop.put", "stop#area:D1-B1", START - timedelta(days=3))  # stood when the campaign was written
    note("stop.put", "stop#all", START - timedelta(days=3))
    note("stop.lifted", "stop#all", START - timedelta(days=2))
    note("campaign.created", at=START - timedelta(days=1), actor="u-editor")
    note("campaign.approved", at=START - timedelta(hours=2))
    note("stop.put", "stop#department:dept_sample", START - timedelta(hours=1))
    note("stop.put", "stop#channel:whatsapp-main", START)
    note("campaign.overridden", at=START + timedelta(hours=1))
    note("stop.put", "stop#area:IN", START + timedelta(hours=2))
    for elsewhere in ("area:D9", "department:other", "channel:telegram"):
        note("stop.put", f"stop#{elsewhere}")
    note("campaign.approved", "campaign#cmp_other")
    shown = report(officer, made)
    assert [(entry.action, entry.subject.partition("#")[2]) for entry in shown.actions] == [
        ("stop.put", "area:D1-B1"),
        ("campaign.created", CAMPAIGN),
        ("campaign.approved", CAMPAIGN),
        ("stop.put", "department:dept_sample"),
        ("stop.put", "channel:whatsapp-main"),
        ("campaign.overridden", CAMPAIGN),
        ("stop.put", "area:IN"),
    ]


def test_a_stop_after_nothing_could_be_sent_any_more_does_not_concern_it(made, officer):
    made.launch()
    made.send()
    ends = made.runs.briefs[RUN].expires_at
    note("stop.put", "stop#all", ends)
    note("stop.lifted", "stop#all", ends + timedelta(seconds=1))
    assert [entry.action for entry in report(officer, made).actions] == ["stop.put"]
    change(made, status="cancelled", ended_at=ends - timedelta(hours=1))
    assert report(officer, made).actions == []


def test_a_signature_freezes_the_figures_fingerprint_and_the_root_in_the_audit(made, officer):
    made.launch()
    made.send()
    note("campaign.approved")
    root = Audit().seal(START)
    before = report(officer, made)
    signed = officer.sign("u-admin", CAMPAIGN, made.runs.of_campaign(CAMPAIGN), "for the commission")
    [signature] = signed.signatures
    assert (signature.by, signature.reason, signature.figures) == (
        "u-admin",
        "for the commission",
        before.fingerprint,
    )
    entry = signed.actions[-1]
    assert entry.action == "campaign.report_signed"
    assert entry.detail == {"figures": before.fingerprint, "root_date": root.date, "root": root.hash}
    assert entry.previous == before.seal.head.hash
    assert before.fingerprint == fingerprint({"campaign": CAMPAIGN, "runs": before.runs})
    with pytest.raises(Conflict):
        officer.sign("u-admin", CAMPAIGN, made.runs.of_campaign(CAMPAIGN), "again")
    assert len(report(officer, made).signatures) == 1


def test_a_callback_after_the_signature_shows_that_the_figures_are_not_the_signed_ones(made, officer):
    made.launch()
    made.send()
    officer.sign("u-admin", CAMPAIGN, made.runs.of_campaign(CAMPAIGN), "")
    assert report(officer, made).fingerprint == report(officer, made).signatures[0].figures
    prove(made, 1, "delivered", START + timedelta(hours=1))
    assert report(officer, made).fingerprint != report(officer, made).signatures[0].figures


# --- over HTTP ----------------------------------------------------------------------------------------------


class Gate:
    def principal(self, bearer: str) -> Principal:
        return Principal(bearer, "", "", frozenset({bearer}), frozenset(), frozenset({"other"}))

    def require(self, principal: Principal, action: str) -> None:
        from chalicelib.errors import Forbidden

        if not principal.may(action):
            raise Forbidden


@pytest.fixture
def ask(made, officer, monkeypatch):
    from app import app
    from chalicelib import http

    made.launch()
    made.send()
    note("campaign.approved")
    desk = StopDesk(
        made.store, {"area": only(lambda: {"D1"})}, None, made.runs, made.plan_queue, Audit(), made.clock
    )  # type: ignore[arg-type]
    desk.put(Principal("u-admin", "", "", frozenset()), "area:D1", "sample")

    def campaign(who, ident, action):
        if ident != CAMPAIGN or not who.covers_department("dept_sample", action):
            raise NotFound
        content = SimpleNamespace(
            title="हर मत की क़ीमत",
            department="dept_sample",
            order=("telegram",),
            audience=SimpleNamespace(areas=("D1",)),
        )
        return SimpleNamespace(
            id=CAMPAIGN, status="dispatched", withdrawn_at=None, content=content, created_at=START
        )

    monkeypatch.setattr(wiring, "campaigns", lambda: SimpleNamespace(seen=campaign))
    monkeypatch.setattr(wiring, "runs", lambda: made.runs)
    monkeypatch.setattr(wiring, "officer", lambda: officer)
    monkeypatch.setattr(wiring, "directory", lambda: AREAS)
    monkeypatch.setattr(wiring, "users", lambda: SimpleNamespace(names=lambda: {"u-admin": "रेखा"}))
    monkeypatch.setattr(Secrets, "all", lambda _: {"pepper": "p"})
    monkeypatch.setattr(http._doors[0], "gate", Gate)

    def call(who, method, path, body=None):
        headers = {"Authorization": f"Bearer {who}", "Content-Type": "application/json"}
        with Client(app) as client:
            return client.http.request(method, path, headers=headers, body=json.dumps(body or {}).encode())

    return call


WHERE = f"/v1/campaigns/{CAMPAIGN}/officer-report"


def test_the_report_is_signed_over_http_and_names_who(ask):
    shown = json.loads(ask("auditor", "GET", WHERE).body)
    assert (shown["runs"][0]["sent"], shown["signatures"]) == (60, [])
    assert shown["figures"] == fingerprint({"campaign": CAMPAIGN, "runs": shown["runs"]})
    answer = ask("approver", "POST", f"{WHERE}/signature", {"reason": "for the commission"})
    signed = json.loads(answer.body)
    assert answer.status_code == 201
    assert [(one["by"], one["current"]) for one in signed["signatures"]] == [("approver", True)]
    [entry] = [one for one in signed["actions"] if one["action"] == "campaign.report_signed"]
    assert signed["audit"]["head"] == entry["hash"]


def test_a_campaign_without_runs_is_not_signed(ask, made):
    made.runs.briefs.clear()
    assert ask("approver", "POST", f"{WHERE}/signature").status_code == 409


def test_who_may_read_and_sign(ask):
    assert [ask(who, "GET", WHERE).status_code for who in ("editor", "coordinator", "nodal_officer")] == [
        403,
        403,
        404,
    ]
    assert ask("auditor", "POST", f"{WHERE}/signature").status_code == 403
    assert ask("admin", "GET", "/v1/campaigns/cmp_none/officer-report").status_code == 404


@pytest.mark.parametrize(("lang", "said"), [("hi", "किसने क्या तय किया"), ("en", "Who decided what")])
def test_the_page_says_the_same_in_both_languages(ask, lang, said):
    ask("approver", "POST", f"{WHERE}/signature", {"reason": "for the commission"})
    answer = ask("auditor", "GET", f"/console/campaigns/{CAMPAIGN}/officer-report?lang={lang}")
    assert answer.status_code == 200
    page = answer.body.decode()
    for wanted in (said, RUN, "D1", "रेखा", "area:D1", "approver", "for the commission"):
        assert wanted in page, wanted


def test_the_page_has_words_for_corrections_withdrawals_and_proofs(ask, made):
    change(made, occasion="correction")
    told = ["campaign.withdrawn", "campaign.bundle_made", "correction.proposed"]
    told += [f"{purpose}.{what}" for purpose in PURPOSES for what in ("approved", "declined")]
    for action in told:
        note(action)
    page = ask("auditor", "GET", f"/console/campaigns/{CAMPAIGN}/officer-report?lang=hi").body.decode()
    assert f"<code>{RUN}</code> · सुधार ·" in page
    assert not [action for action in told if action in page]
