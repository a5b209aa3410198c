"""The election calendar: what it says of a place and a time, who may change it, how old a copy may be."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from chalice.test import Client
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import http, wiring
from chalicelib.directory.elections import FRESH_S, ElectionCalendar
from chalicelib.directory.model import SILENCE, Poll, faults_of, in_force, silent_throughout
from chalicelib.directory.store import DirectoryStore
from chalicelib.errors import NotFound
from chalicelib.identity.roles import ROLES, Principal
from local.config import platform_secret
from tests.campaigns.samples import AREAS

ENDS = datetime(2026, 2, 20, 12, 30, tzinfo=UTC)
STATE, DISTRICT, BLOCK = ("IN", "IN-XN"), ("IN", "IN-XN", "D9001"), ("IN", "IN-XN", "D9001", "D9001-B1")
OTHER = ("IN", "IN-XN", "D9002")
MOMENT = timedelta(seconds=1)


def poll(ident="elc_1", *areas, ends=ENDS, **more):
    areas = areas or (DISTRICT,)
    times = {"polling_ends": ends, "code_from": ends - timedelta(30), "code_until": ends + timedelta(4)}
    return Poll(ident, "Sample", {path[-1]: path for path in areas}, source="7/2026", **times | more)


@pytest.mark.parametrize("path", [DISTRICT, BLOCK])
def test_silence_is_the_48_hours_that_end_when_polling_ends_in_the_area_and_below(path):
    for when, silent in (
        (ENDS - SILENCE - MOMENT, False),
        (ENDS - SILENCE, True),
        (ENDS - MOMENT, True),
        (ENDS, False),
    ):
        assert in_force([poll()], path, when).silent is silent, when


def test_the_neighbour_is_free():
    assert in_force([poll()], OTHER, ENDS - MOMENT) == in_force([], OTHER, ENDS)


def test_a_place_that_is_not_known_is_always_silent():
    assert in_force([], (), ENDS).silent


@pytest.mark.parametrize("path", [("IN",), STATE])
def test_who_is_known_only_by_an_area_above_may_live_where_it_is_held(path):
    found = in_force([poll()], path, ENDS - MOMENT)
    assert (found.silent, found.codes) == (True, {"elc_1"})


def test_the_code_binds_from_its_first_moment_until_its_end():
    bound = [
        bool(in_force([poll()], BLOCK, when).codes)
        for when in (
            ENDS - timedelta(30) - MOMENT,
            ENDS - timedelta(30),
            ENDS + timedelta(4) - MOMENT,
            ENDS + timedelta(4),
        )
    ]
    assert bound == [False, True, True, False]


def test_phases_overlap_and_each_is_named():
    phases = [poll("elc_1"), poll("elc_2", STATE, ends=ENDS + timedelta(7)), poll("elc_3", OTHER)]
    assert in_force(phases, DISTRICT, ENDS - MOMENT).codes == {"elc_1", "elc_2"}


def test_silence_throughout_is_without_a_gap_and_for_the_whole_area():
    two = [poll("elc_1"), poll("elc_2", ends=ENDS + SILENCE)]
    assert silent_throughout(two, BLOCK, ENDS - SILENCE, ENDS + SILENCE)
    assert not silent_throughout(two, BLOCK, ENDS - SILENCE - MOMENT, ENDS)
    assert not silent_throughout(two, BLOCK, ENDS, ENDS + SILENCE + MOMENT)
    assert not silent_throughout(
        [two[0], poll("elc_2", ends=ENDS + SILENCE + MOMENT)], BLOCK, ENDS - MOMENT, ENDS + MOMENT
    )
    assert not silent_throughout(two, STATE, ENDS - MOMENT, ENDS)


@given(st.lists(st.integers(-72, 72), max_size=6), st.integers(-96, 96), st.integers(1, 96))
def test_silence_throughout_is_silence_at_every_hour(ends, begins, length):
    polls = [poll(f"elc_{n}", ends=ENDS + timedelta(hours=n)) for n in ends]
    hours = [ENDS + timedelta(hours=begins + n) for n in range(length)]
    silent = all(in_force(polls, BLOCK, hour).silent for hour in hours)
    assert silent_throughout(polls, BLOCK, hours[0], hours[-1] + timedelta(hours=1)) is silent


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"code_from": ENDS + MOMENT}, "code_from"),
        ({"code_until": ENDS - MOMENT}, "code_until"),
        ({"code_from": ENDS - timedelta(400)}, "code_until"),
    ],
)
def test_times_that_cannot_be_are_told_by_field(more, field):
    assert [fault.field for fault in faults_of(poll(**more))] == [field]
    assert not faults_of(poll())


# --- on the engine ------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tables):
    wiring.directory().put_areas(AREAS)
    return wiring.election_desk()


def put(desk, *areas, **more):
    times = {"polling_ends": ENDS, "code_from": ENDS - timedelta(30), "code_until": ENDS + timedelta(4)}
    return desk.add("u-admin", name="Sample", areas=areas or ("D9001",), source="7/2026", **times | more)


class Counting(DirectoryStore):
    """Counts the queries of the calendar; raises when it is told to."""

    def __init__(self):
        self.reads, self.broken = 0, False

    def polls(self):
        self.reads += 1
        if self.broken:
            raise TimeoutError
        return super().polls()


def test_senders_act_on_a_copy_that_is_at_most_ten_seconds_old(desk):
    now, store = [1000.0], Counting()
    calendar = ElectionCalendar(store, ticks=lambda: now[0])
    assert not calendar.at(BLOCK, ENDS - MOMENT).silent
    made = put(desk)
    now[0] += FRESH_S - 0.1
    assert not calendar.at(BLOCK, ENDS - MOMENT).silent
    assert store.reads == 1
    now[0] += 0.1
    assert calendar.at(BLOCK, ENDS - MOMENT).codes == {made.id}
    assert store.reads == 2
    now[0] -= 5  # the clock went back: how old the copy is cannot be said
    calendar.at(BLOCK, ENDS)
    assert store.reads == 3


def test_a_calendar_that_cannot_be_read_raises_and_no_old_copy_stands_in(desk):
    now, store = [1000.0], Counting()
    calendar = ElectionCalendar(store, ticks=lambda: now[0])
    calendar.at(BLOCK, ENDS)
    store.broken = True
    now[0] += FRESH_S
    for _ in range(2):
        with pytest.raises(TimeoutError):
            calendar.at(BLOCK, ENDS)


def test_the_calendar_tells_codes_within_areas_by_name(desk):
    made = put(desk)
    calendar = wiring.calendar()
    assert calendar.codes([STATE], ENDS) == {made.id: "Sample"}
    assert calendar.codes([OTHER], ENDS) == {}
    assert calendar.knows(made.id)
    assert not calendar.knows("elc_x")
    assert calendar.silent_throughout(BLOCK, ENDS - MOMENT, ENDS)


def test_every_change_is_in_the_audit_with_its_times_and_places(desk):
    made = put(desk)
    put(desk, "D9002", election=made.id)
    desk.remove("u-admin", made.id)
    entries, _ = wiring.audit().of(f"election#{made.id}", limit=9)
    assert [entry.action for entry in reversed(entries)] == [
        "election.added",
        "election.changed",
        "election.removed",
    ]
    assert entries[1].detail == {
        "areas": ["D9002"],
        "polling_ends": "2026-02-20T12:30:00Z",
        "code_from": "2026-01-21T12:30:00Z",
        "code_until": "2026-02-24T12:30:00Z",
    }


def test_it_is_held_where_its_areas_lie_now(desk):
    district = wiring.directory().get("D9001")
    moved = dataclasses.replace(district, path=("IN", "IN-XO", "D9001"))
    DirectoryStore().put_areas([moved], sample=False)  # by another container
    assert put(desk).areas == {"D9001": moved.path}


def test_what_was_removed_cannot_be_changed_and_leaves_no_entry(desk):
    made = put(desk)
    desk.remove("u-admin", made.id)
    with pytest.raises(NotFound):
        put(desk, election=made.id)
    with pytest.raises(NotFound):
        desk.remove("u-admin", made.id)
    assert len(wiring.audit().of(f"election#{made.id}", limit=9)[0]) == 2
    assert desk.listed() == []


# --- over HTTP ----------------------------------------------------------------------------------------------


class Gate:
    def principal(self, bearer):
        return Principal(bearer, "", "", frozenset({bearer}))

    def require(self, principal, action):
        if not principal.may(action):
            raise http.Forbidden


@pytest.fixture
def call(desk, monkeypatch):
    from app import app

    secret = json.dumps(platform_secret())
    boto3.client("secretsmanager").create_secret(Name="janjan/local/platforms", SecretString=secret)
    [doors] = http._doors
    monkeypatch.setattr(http, "_doors", [dataclasses.replace(doors, gate=Gate)])
    with Client(app) as client:

        def call(who, method, path, body=None):
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {who}"}
            answer = client.http.request(method, path, headers=headers, body=json.dumps(body or {}).encode())
            return answer.status_code, json.loads(answer.body) if answer.body else None

        yield call


BODY = {
    "name": "विधानसभा, पहला चरण",
    "areas": ["D9001"],
    "polling_ends": "2026-02-20T18:00:00+05:30",
    "code_from": "2026-01-21T00:00:00+05:30",
    "code_until": "2026-02-24T00:00:00+05:30",
    "source": "ECI/PN/7/2026",
}


def test_an_election_is_added_listed_changed_and_removed(call):
    status, made = call("admin", "POST", "/v1/elections", BODY)
    assert status == 201
    assert (made["polling_ends"], made["silence_from"]) == ("2026-02-20T12:30:00Z", "2026-02-18T12:30:00Z")
    place = f"/v1/elections/{made['id']}"
    assert call("editor", "GET", place) == (200, made)
    assert call("editor", "GET", "/v1/elections")[1] == {"items": [made], "next": None}
    _, later = call("admin", "POST", "/v1/elections", BODY | {"polling_ends": "2026-02-21T18:00:00+05:30"})
    _, first = call("editor", "GET", "/v1/elections?limit=1")
    _, second = call("editor", "GET", f"/v1/elections?limit=1&cursor={first['next']}")
    assert (first["items"], second) == ([later], {"items": [made], "next": None})
    status, changed = call("admin", "PUT", place, BODY | {"areas": ["D9002", "D9001-B1"]})
    assert (status, changed["areas"]) == (200, ["D9002", "D9001-B1"])
    assert call("admin", "DELETE", place) == (204, None)
    assert [call("admin", verb, place, BODY)[0] for verb in ("GET", "PUT", "DELETE")] == [404] * 3


def test_mistakes_are_told_by_field(call):
    def fields(**wrong):
        status, answer = call("admin", "POST", "/v1/elections", BODY | wrong)
        assert status == 422
        return {error["field"] for error in answer["errors"]}

    assert fields(areas=["D9001", "D1"]) == {"areas.1"}
    assert fields(areas=[]) == {"areas"}
    assert fields(code_until="2026-02-01T00:00:00Z") == {"code_until"}
    assert fields(polling_ends="2026-02-20T18:00:00") == {"polling_ends"}
    assert fields(polling_ends="0001-01-01T10:00:00+05:30") == {"polling_ends"}  # no silence before it
    assert fields(code_until="9999-12-31T23:59:59-05:30") == {"code_until"}
    assert fields(source="", name="") == {"source", "name"}


@pytest.mark.parametrize("role", [role for role in ROLES if role != "admin"])
def test_only_admins_change_the_calendar(call, role):
    assert call(role, "POST", "/v1/elections", BODY)[0] == 403
    assert call(role, "GET", "/v1/elections")[0] == 200
