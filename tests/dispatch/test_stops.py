"""Pauses, stops and what is called off: nothing new goes out, nobody is lost, and it goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from chalice.test import Client

from chalicelib import wiring
from chalicelib.dispatch.direct import Direct
from chalicelib.dispatch.model import Status, Ticket
from chalicelib.dispatch.stops import StopDesk, only
from chalicelib.dispatch.store import Stop
from chalicelib.errors import Forbidden, NotFound, OnHold, Transient
from chalicelib.identity.roles import Principal
from chalicelib.platforms.base import Channel, Outgoing, Throttled
from chalicelib.ports import Area
from chalicelib.secrets import Secrets
from tests.conftest import use_environment
from tests.dispatch.world import RUN, START, World, address, person_id, world

pytestmark = pytest.mark.usefixtures("tables")

SCOPES = ["all", "channel:whatsapp", "channel:whatsapp-main", "department:dept_sample", "area:IN"]
ELSEWHERE = ["channel:telegram", "channel:telegram-main", "department:other", "area:D9", "channel:", "area:D"]


def halt(made: World, how: str) -> None:
    made.runs.set(RUN, "paused") if how == "pause" else made.stop(how)


def go_on(made: World, how: str) -> None:
    made.runs.set(RUN, "dispatching") if how == "pause" else made.lift(how)


def at_request(made: World, number: int, act: Callable[[], None]) -> None:
    """Does `act` while the request of this number is under way."""
    take = made.platform.send

    def send(channel, to, message):
        if len(made.platform.requests) == number - 1:
            act()
        return take(channel, to, message)

    made.platform.send = send  # type: ignore[method-assign]


def pass_time(made: World, seconds: float) -> None:
    """Handles the send queue until this much time has passed."""
    end = made.clock.now() + timedelta(seconds=seconds)
    while made.send_queue.messages and min(made.send_queue.messages, key=lambda m: m[0])[0] <= end:
        made.send_one(made.send_queue.take() or {})
    made.clock.put(max(end, made.clock.now()))


def everybody_once(made: World, people: int) -> None:
    assert made.taken_by() == {address(n): 1 for n in range(people)}
    assert made.requests_to() == {address(n): 1 for n in range(people)}
    statuses = made.statuses()
    assert len(statuses) == people
    assert all(found == [Status.ACCEPTED] for found in statuses.values())
    counts = made.counts()
    assert (counts.targeted, counts.planned, counts.accepted) == (people, people, people)
    assert made.send_queue.messages == []


@pytest.mark.parametrize("how", ["pause", *SCOPES])
def test_what_is_queued_waits_under_a_stop_and_goes_out_once_when_it_is_lifted(how):
    made = world(60)
    made.launch()
    halt(made, how)
    pass_time(made, 1800)
    assert made.platform.requests == []
    assert made.counts().in_progress == 60
    go_on(made, how)
    made.send()
    everybody_once(made, 60)


@pytest.mark.parametrize("how", ["pause", *SCOPES])
def test_in_the_middle_of_a_chunk_nothing_new_starts_two_seconds_after_the_stop(how):
    made = world(40)
    made.platform.rate_per_s = 2.0
    made.launch()
    times = []
    take = made.platform.send

    def timed(channel, to, message):
        times.append(made.clock.now())
        if len(times) == 5:
            halt(made, how)
        return take(channel, to, message)

    made.platform.send = timed  # type: ignore[method-assign]
    pass_time(made, 300)
    assert 5 <= len(times) < 12
    assert times[-1] - times[4] <= timedelta(seconds=2.5)
    assert made.counts().accepted == len(times)
    go_on(made, how)
    made.send()
    everybody_once(made, 40)


@pytest.mark.parametrize("scope", ELSEWHERE)
def test_a_stop_of_something_else_holds_nobody_back(scope):
    made = world(10)
    made.launch()
    made.stop(scope)
    made.send()
    everybody_once(made, 10)
    assert made.clock.now() - START < timedelta(seconds=5)


def test_in_a_chunk_with_a_stopped_area_the_others_go_on():
    made = world(20)
    for n in range(0, 20, 4):
        made.people.change(person_id(n), area_path=("IN", "IN-XN", "D2", "D2-B1"))
    made.launch()
    made.stop("area:D2-B1")
    pass_time(made, 600)
    waiting = {person_id(n) for n in range(0, 20, 4)}
    assert {p for p, found in made.statuses().items() if found == [Status.PLANNED]} == waiting
    assert len(made.platform.taken) == 15
    made.lift("area:D2-B1")
    made.send()
    everybody_once(made, 20)


def test_an_area_that_is_stopped_in_the_middle_of_a_chunk_holds_its_people_back_alone():
    made = world(20)
    made.roster.rows["D1"], made.roster.rows["D2"] = made.roster.rows["D1"] + made.roster.rows["D2"], []
    made.platform.rate_per_s = 1.0
    made.launch()
    at_request(made, 3, lambda: made.stop("area:D2"))
    made.send_one(made.send_queue.take() or {})
    waiting = {p for p, found in made.statuses().items() if found == [Status.PLANNED]}
    assert len(waiting) >= 5
    assert all(made.people.rows[person].area_path[-1] == "D2" for person in waiting)
    made.lift("area:D2")
    made.send()
    everybody_once(made, 20)


def test_who_waits_for_an_area_takes_no_slot_of_the_channel():
    made = world(40)
    made.platform.rate_per_s = 10.0
    made.launch()
    made.stop("area:D2")
    made.faults.seen.clear()
    pass_time(made, 300)
    assert made.faults.seen.count("send") == 20
    assert made.faults.seen.count("claim") == 20
    assert made.faults.seen.count("lease") == 1


def test_a_stop_between_claim_and_request_holds_the_message_back_and_gives_the_claim_away():
    made = world(1)
    made.launch()
    claim = made.store.claim
    halted = []

    def slow(wanted, bounds):
        week = claim(wanted, bounds)
        if not halted:
            made.stop("all")
            made.clock.move(3)
            halted.append(wanted)
        return week

    made.store.claim = slow  # type: ignore[method-assign]
    pass_time(made, 30)
    assert halted and made.platform.requests == []
    made.lift("all")
    made.send()
    everybody_once(made, 1)


@pytest.mark.parametrize(("rest_s", "parked"), [(30, 0), (1000, 2)])
def test_a_stop_set_while_a_chunk_is_delayed_or_parked_holds_it_when_it_comes_back(rest_s, parked):
    made = world(50)
    made.platform.answers = {address(n): [Throttled(rest_s)] for n in range(2)}
    made.launch()
    for _ in range(2):
        made.send_one(made.send_queue.take() or {})
    taken = len(made.platform.taken)
    assert len(made.store.parked(made.clock.now() + timedelta(hours=1), 10)) == parked
    made.stop("all")
    pass_time(made, 1800)
    made.planner().tick()
    pass_time(made, 60)
    assert len(made.platform.taken) == taken < 50
    made.lift("all")
    made.platform.answers.clear()
    made.send()
    assert made.taken_by() == {address(n): 1 for n in range(50)}
    assert made.counts().accepted == 50


def test_waits_grow_to_a_minute_and_no_message_is_added():
    made = world(25, channels=("whatsapp",))
    made.launch()
    messages = len(made.send_queue.messages)
    made.runs.set(RUN, "paused")
    delays = []
    for _ in range(8 * messages):
        message = made.send_queue.take() or {}
        at = made.clock.now()
        made.send_one(message)
        delays.append((made.send_queue.messages[-1][0] - at).total_seconds())
    assert sorted(set(delays)) == [5.0, 10.0, 20.0, 40.0, 60.0]
    assert delays == sorted(delays)
    assert len(made.send_queue.messages) == messages


@pytest.mark.parametrize("ticket", [Ticket(RUN, "1"), Ticket(RUN, "1", 3), Ticket(RUN, "1", 3, "revived")])
def test_a_ticket_reads_back_and_ignores_what_it_does_not_know(ticket):
    assert Ticket.of(ticket.message() | {"new": 1}) == ticket


def test_a_wait_of_weeks_stays_a_minute():
    assert Ticket(RUN, "00000000000", waits=50_000).wait_s == 60


def test_copies_that_hurry_a_chunk_on_never_add_up_under_a_stop():
    made = world(30)
    made.launch()
    messages = len(made.send_queue.messages)
    made.stop("all")
    for _ in range(6):
        pass_time(made, 1800)
        made.planner()._revive(made.runs.briefs[RUN])
        pass_time(made, 60)
        assert len(made.send_queue.messages) == messages
    made.lift("all")
    made.send()
    everybody_once(made, 30)


def test_a_resumed_run_is_woken_within_seconds_and_its_end_is_seen():
    made = world(30)
    made.launch()
    made.runs.set(RUN, "paused")
    pass_time(made, 600)
    made.runs.set(RUN, "dispatching")
    resumed = made.clock.now()
    made.planner().handle({"wake": RUN})
    made.plan_queue.messages.clear()
    pass_time(made, 1)
    assert made.counts().accepted == 30
    assert made.clock.now() - resumed <= timedelta(seconds=2)
    made.send()
    everybody_once(made, 30)
    made.planner().settle(RUN, 0)
    assert made.runs.briefs[RUN].status == "dispatched"


def test_woken_copies_do_not_go_round_when_the_channel_has_no_slot_for_them():
    made = world(200)
    made.platform.rate_per_s = 2.0
    made.launch()
    messages = len(made.send_queue.messages)
    made.stop("all")
    pass_time(made, 300)
    made.lift("all")
    made.clock.move(3)
    others = made.clock.epoch() + 100
    made.paces.change("whatsapp-main", lambda pace: (replace(pace, until=others), None))
    made.planner().handle({"wake": RUN})
    made.plan_queue.messages.clear()
    assert len(made.send_queue.messages) == 2 * messages
    pass_time(made, 1)
    assert made.platform.taken == []
    assert len(made.send_queue.messages) == messages
    made.send()
    everybody_once(made, 200)


@pytest.mark.parametrize("status", ["paused", "dispatched", "expired", "scheduled"])
def test_waking_a_run_that_does_not_go_on_does_nothing(status):
    made = world(5)
    made.launch()
    made.send_queue.messages.clear()
    made.plan_queue.messages.clear()
    made.runs.set(RUN, status)
    made.planner().handle({"wake": RUN})
    made.planner().handle({"wake": "cmp_none-1"})
    assert (made.send_queue.messages, made.plan_queue.messages) == ([], [])


def test_a_run_paused_while_it_is_launched_is_planned_when_it_goes_on():
    made = world(10)
    made.runs.set(RUN, "paused")  # its start is written, and its planning is not begun
    made.launch()
    assert made.store.plan(RUN) is None
    made.runs.set(RUN, "dispatching")
    made.planner().handle({"wake": RUN})
    made.plan()
    made.send()
    everybody_once(made, 10)


def test_planning_goes_on_under_a_stop_and_nothing_is_sent():
    made = world(60)
    made.stop("all")
    made.launch()
    pass_time(made, 300)
    assert (made.counts().targeted, made.platform.requests) == (60, [])
    made.lift("all")
    made.send()
    everybody_once(made, 60)


def cancelled_everywhere(made: World, people: int) -> None:
    made.send()
    counts = made.counts()
    assert counts.not_sent == {"cancelled": people - counts.accepted}
    assert (counts.planned, counts.in_progress, counts.unknown) == (people, 0, 0)
    assert len(made.platform.requests) == counts.accepted
    made.planner().settle(RUN, 0)
    assert made.runs.briefs[RUN].status == "cancelled"


@pytest.mark.parametrize(
    "place", ["queued", "paused", "stopped", "delayed", "in a chunk", "parked", "planned"]
)
def test_what_is_called_off_is_not_sent_wherever_it_is(place):
    made = world(60)
    if place == "planned":
        made.runs.start(RUN)
        made.planner().handle({"launch": RUN})
        made.runs.set(RUN, "cancelled")
        made.plan()
    else:
        made.launch()
    match place:
        case "paused":
            halt(made, "pause")
            pass_time(made, 200)
        case "stopped":
            made.stop("all")
            pass_time(made, 200)
        case "delayed":
            made.platform.answers[address(0)] = [Throttled(200)]
            made.send_one(made.send_queue.take() or {})
        case "parked":
            made.platform.answers = {address(n): [Throttled(1000)] for n in range(60)}
            made.send_one(made.send_queue.take() or {})
            assert made.store.parked(made.clock.now() + timedelta(hours=1), 10)
        case "in a chunk":
            at_request(made, 7, lambda: made.runs.set(RUN, "cancelled"))
            made.send_one(made.send_queue.take() or {})
            assert len(made.platform.requests) == 7
    made.runs.set(RUN, "cancelled")
    made.planner().handle({"wake": RUN})
    made.platform.requests = list(made.platform.taken)
    cancelled_everywhere(made, 60)


@pytest.mark.parametrize("how", ["pause", *SCOPES])
def test_a_run_that_expires_while_it_is_stopped_is_not_sent_and_ends(how):
    made = world(30)
    brief = made.runs.briefs[RUN]
    made.runs.briefs[RUN] = replace(brief, expires_at=START + timedelta(minutes=10))
    made.launch()
    halt(made, how)
    pass_time(made, 661)
    assert made.platform.requests == []
    assert made.counts().not_sent == {"expired": 30}
    assert made.send_queue.messages == []
    made.planner().settle(RUN, 0)
    assert made.runs.briefs[RUN].status == "expired"


def test_a_paused_run_is_not_finished_while_its_time_lasts():
    made = world(5)
    made.launch()
    made.send()
    made.runs.set(RUN, "paused")
    made.planner().settle(RUN, 0)
    assert made.runs.briefs[RUN].status == "paused"
    made.runs.set(RUN, "dispatching")
    made.planner().settle(RUN, 0)
    assert made.runs.briefs[RUN].status == "dispatched"


def test_a_run_paused_before_it_began_expires_when_its_time_is_over():
    made = world(5)
    made.runs.set(RUN, "paused")
    made.planner().settle(RUN, 0)
    assert made.runs.briefs[RUN].status == "paused"
    made.clock.move(2 * 24 * 3600)
    made.planner().tick()
    made.planner().handle(made.plan_queue.take() or {})
    assert made.runs.briefs[RUN].status == "expired"


@pytest.mark.parametrize("how", ["pause", "area:D1"])
def test_a_crash_before_or_after_any_step_around_a_stop_sends_nobody_twice_and_loses_nobody(how, tables):
    at, undisturbed = 0, False
    while not undisturbed:
        at += 1
        for after in (False, True):
            tables.empty()
            made = world(4)
            made.roster.rows["D1"] += made.roster.rows.pop("D2")
            made.roster.rows["D2"] = []
            made.platform.rate_per_s = 0.4
            made.launch()
            at_request(made, 2, lambda made=made: halt(made, how))
            made.faults.calls, made.faults.at, made.faults.after = 0, at, after
            pass_time(made, 450)
            go_on(made, how)
            made.send()
            where = f"{'after' if after else 'before'} call {at}: {made.faults.seen[-20:]}"
            undisturbed = made.faults.calls < at
            assert max(made.requests_to().values(), default=0) <= 1, where
            counts, statuses = made.counts(), made.statuses()
            assert all(len(s) == 1 for s in statuses.values()) and len(statuses) == 4, where
            assert (counts.in_progress, counts.accepted + counts.unknown) == (0, 4), where


def test_stops_that_cannot_be_read_let_nothing_out():
    made = world(3)
    made.launch()

    def down():
        raise Transient

    made.store.stops = down  # type: ignore[method-assign]
    made.send_one(made.send_queue.take() or {})
    assert made.platform.requests == []
    assert made.counts().in_progress == 3


def test_stops_are_read_once_in_two_seconds_for_all_chunks():
    made = world(60)
    made.launch()
    reads = []
    stops = made.store.stops
    made.store.stops = lambda: reads.append(made.clock.now()) or stops()  # type: ignore[method-assign]
    made.send()
    assert len(made.platform.taken) == 60
    assert len(reads) == 1


def test_a_copy_from_before_the_machines_clock_was_set_back_is_read_again():
    made = world(1)
    made.standing()
    made.stop("all")
    made.clock.move(-60)
    assert made.standing().scopes == {"all"}


def test_a_service_message_waits_for_its_channel_and_not_for_campaigns():
    made = world(1)

    def send(direct: Direct, key: str) -> str:
        return direct.send(
            subject="inf_1", key=key, channel="whatsapp", to="91", message=Outgoing(text="code")
        )

    held = Direct(made.store, made.platform, made.clock, made.standing)
    for scope in ("all", "department:dept_sample", "area:IN"):
        made.stop(scope)
    assert send(held, "code#1") == "accepted"
    made.stop("channel:whatsapp")
    made.clock.move(2)
    with pytest.raises(OnHold):
        send(held, "code#2")
    assert send(Direct(made.store, made.platform, made.clock), "stop#1") == "accepted"
    made.lift("channel:whatsapp")
    made.clock.move(2)
    assert send(held, "code#2") == "accepted"
    assert len(made.platform.taken) == 3


# --- staff ----------------------------------------------------------------------------------------------


class KeptQueue:
    def __init__(self) -> None:
        self.put_in: list[tuple[list[dict], float]] = []
        self.down = False

    def put(self, bodies, delay_s=0.0) -> int:
        if self.down:
            raise Transient
        self.put_in.append((list(bodies), delay_s))
        return len(self.put_in[-1][0])


ADMIN = Principal("u-admin", "", "", frozenset({"admin"}))
PATHS = {"IN": ("IN",), "D1": ("IN", "IN-XN", "D1"), "D2": ("IN", "IN-XN", "D2")}


class SmallDirectory:
    def get(self, area):
        return Area(area, "district", PATHS[area], {}) if area in PATHS else None

    def many(self, areas, **_):
        return {one: self.get(one) for one in areas if one in PATHS}


@pytest.fixture
def desk():
    made, queue = world(3), KeptQueue()
    made.launch()
    exists = {
        "channel": only(lambda: {"whatsapp", "whatsapp-main"}),
        "department": only(lambda: {"dept_sample"}),
        "area": only(lambda: {"IN", "D1"}),
    }
    return StopDesk(made.store, exists, SmallDirectory(), made.runs, queue, wiring.audit(), made.clock)


def audited(scope: str) -> list[tuple[str, str]]:
    entries, _ = wiring.audit().of(f"stop#{scope}", limit=10)
    return [(entry.action, entry.actor) for entry in reversed(entries)]


def test_of_stops_everybody_is_told_those_that_concern_them(desk):
    scopes = ("all", "area:D1", "area:IN", "channel:whatsapp-main", "department:dept_sample")
    for scope in scopes:
        desk.put(ADMIN, scope, "Sample.")
    everywhere = ["all", "area:IN", "channel:whatsapp-main"]

    def seen(role, areas=(), departments=()):
        who = Principal("u", "", "", frozenset({role}), frozenset(areas), frozenset(departments))
        return [stop.scope for stop in desk.listed(who)]

    assert [seen(role) for role in ("editor", "approver", "auditor")] == [list(scopes)] * 3
    assert seen("coordinator", ["D1"]) == sorted([*everywhere, "area:D1"])
    assert seen("coordinator", ["D2"]) == everywhere
    assert seen("nodal_officer", [], ["dept_sample"]) == ["all", "channel:whatsapp-main", scopes[4]]
    with pytest.raises(NotFound):
        desk.get(Principal("u", "", "", frozenset({"coordinator"}), frozenset({"D2"})), "area:D1")


def test_who_works_for_a_campaign_is_told_what_holds_it_and_of_others_nothing(desk):
    officer = Principal("u", "", "", frozenset({"nodal_officer"}), frozenset(), frozenset({"dept_sample"}))
    coordinator = Principal("u", "", "", frozenset({"coordinator"}), frozenset({"D2"}))
    way = Channel("whatsapp-main", "whatsapp", {}, "whatsapp")

    def told(who, areas, department="dept_sample", ways=(way,)):
        return [stop.scope for stop in desk.holding(who, department, areas, ways)]

    assert told(officer, ("D1",)) == []
    for scope in ("area:D1", "channel:whatsapp-main", "department:dept_sample"):
        desk.put(ADMIN, scope, "Sample.")
    ours = ["channel:whatsapp-main", "department:dept_sample"]
    assert told(officer, ("D1",)) == told(officer, ("IN",)) == ["area:D1", *ours]
    assert told(officer, ("D2",)) == ours
    assert told(officer, ("D2",), ways=()) == ours[1:]
    assert told(officer, ("D1",), department="another") == ours[:1]
    assert told(ADMIN, ("D1",), department="another") == ["area:D1", *ours[:1]]
    assert told(coordinator, ("IN",)) == ours[:1]


@pytest.mark.parametrize("scope", [*SCOPES, "area:D1"])
def test_a_stop_stands_until_it_is_lifted_and_both_are_audited(desk, scope):
    put = desk.put(ADMIN, scope, "Wrong date in the message.")
    assert put == Stop(scope, "Wrong date in the message.", "u-admin", desk.clock.now())
    assert desk.get(ADMIN, scope) == put
    assert desk.listed(ADMIN) == [put]
    desk.lift(ADMIN, scope)
    assert desk.listed(ADMIN) == []
    with pytest.raises(NotFound):
        desk.get(ADMIN, scope)
    assert audited(scope) == [("stop.put", "u-admin"), ("stop.lifted", "u-admin")]


def test_the_audit_holds_no_reason_in_words(desk):
    desk.put(ADMIN, "all", "Asha's number was in it.")
    entries, _ = wiring.audit().of("stop#all", limit=1)
    assert entries[0].detail == {}


@pytest.mark.parametrize(
    "scope",
    ["", "ALL", "all:", "campaign:x", "channel:", "channel:sms-main", "department:none", "area:D9", "area"],
)
def test_what_would_stop_nothing_is_refused(desk, scope):
    with pytest.raises(NotFound):
        desk.put(ADMIN, scope, "x")
    assert desk.listed(ADMIN) == []


def test_putting_a_stop_again_changes_its_reason(desk):
    desk.put(ADMIN, "all", "first")
    desk.put(ADMIN, "all", "second")
    assert [stop.reason for stop in desk.listed(ADMIN)] == ["second"]
    assert audited("all") == [("stop.put", "u-admin")] * 2


def test_of_many_who_lift_a_stop_one_does(desk):
    desk.put(ADMIN, "all", "x")

    def lift(_):
        try:
            desk.lift(ADMIN, "all")
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lift, range(4))).count(True) == 1
    assert audited("all") == [("stop.put", "u-admin"), ("stop.lifted", "u-admin")]


def test_lifting_a_stop_wakes_what_is_under_way_and_holds_without_the_queue(desk):
    desk.put(ADMIN, "all", "x")
    desk.lift(ADMIN, "all")
    assert desk.plan_queue.put_in == [([{"wake": RUN}], 3.0)]
    desk.put(ADMIN, "all", "x")
    desk.plan_queue.down = True
    desk.lift(ADMIN, "all")
    assert desk.listed(ADMIN) == []


@pytest.fixture
def call(desk, monkeypatch):
    """`call("admin", "PUT", "/v1/stops/all", {…})` gives status and JSON; who calls has that one role."""
    from app import app
    from chalicelib import http

    class Gate:
        def principal(self, bearer):
            return Principal(bearer, "", "", frozenset({bearer}))

        def require(self, principal, action):
            if not principal.may(action):
                raise Forbidden

    monkeypatch.setattr(http._doors[0], "gate", Gate)
    monkeypatch.setattr(http._doors[0], "cursor_key", lambda: "key")
    monkeypatch.setattr(wiring, "stop_desk", lambda: desk)

    def ask(who, method, path, body=None):
        headers = {"Authorization": f"Bearer {who}", "Content-Type": "application/json"}
        with Client(app) as client:
            raw = b"" if body is None else json.dumps(body).encode()
            answer = client.http.request(method, path, headers=headers, body=raw)
        return answer.status_code, json.loads(answer.body or b"null")

    return ask


@pytest.mark.parametrize("written", ["channel:whatsapp", "channel%3Awhatsapp"])
def test_stops_over_http(call, written):
    status, put = call("approver", "PUT", f"/v1/stops/{written}", {"reason": "Complaints"})
    assert status == 200
    assert put == {
        "scope": "channel:whatsapp",
        "reason": "Complaints",
        "by": "approver",
        "at": put["at"],
        "code": "",
        "probe_at": None,
    }
    assert call("auditor", "GET", "/v1/stops") == (200, {"items": [put], "next": None})
    _, all_of_it = call("approver", "PUT", "/v1/stops/all", {"reason": "Complaints"})
    _, first = call("auditor", "GET", "/v1/stops?limit=1")
    assert first["items"] == [all_of_it]
    assert call("auditor", "GET", f"/v1/stops?cursor={first['next']}")[1] == {"items": [put], "next": None}
    assert call("editor", "GET", f"/v1/stops/{written}") == (200, put)
    assert call("admin", "DELETE", f"/v1/stops/{written}") == (204, None)
    assert call("admin", "DELETE", f"/v1/stops/{written}")[0] == 404
    assert call("admin", "GET", f"/v1/stops/{written}")[0] == 404


@pytest.mark.parametrize("role", ["coordinator", "editor", "nodal_officer", "auditor"])
def test_who_may_not_stop_others_work_is_refused(call, role):
    assert call(role, "PUT", "/v1/stops/all", {"reason": "x"})[0] == 403
    assert call(role, "DELETE", "/v1/stops/all")[0] == 403


def test_a_stop_needs_its_reason(call):
    for body in ({}, {"reason": " "}, {"reason": "x", "colour": "red"}):
        assert call("admin", "PUT", "/v1/stops/all", body)[0] == 422
    assert call("admin", "PUT", "/v1/stops/area:D9", {"reason": "x"})[0] == 404


def test_what_can_be_stopped_is_asked_of_the_directory_and_the_secret(monkeypatch):
    monkeypatch.setattr(Secrets, "all", lambda _: {"channels": {"whatsapp-2": {"platform": "whatsapp"}}})
    wiring.directory().put_area(Area("IN", "country", ("IN",), {"en": "India"}))
    wiring.directory().put_department("dept_sample", {"en": "Sample"})
    use_environment({"PLAN_QUEUE_URL": "http://queue/plan"})
    exists = wiring.stop_desk().exists
    assert [exists["channel"](one) for one in ("whatsapp-2", "telegram", "sms", "pigeon")] == [True] * 3 + [
        False
    ]
    assert [exists["department"](one) for one in ("dept_sample", "none")] == [True, False]
    assert [exists["area"](one) for one in ("IN", "D9")] == [True, False]
