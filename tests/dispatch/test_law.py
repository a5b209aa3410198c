"""Silence, codes of conduct and overrides at the last step before the request."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.directory.elections import ElectionCalendar
from chalicelib.directory.model import SILENCE, Poll
from chalicelib.dispatch.model import reason_in_law
from chalicelib.dispatch.store import DispatchStore
from chalicelib.errors import Transient
from chalicelib.ports import Election, RunBrief
from tests.dispatch.world import RUN, START, World, address, person_id, world

pytestmark = pytest.mark.usefixtures("tables")

D1 = ("IN", "IN-XN", "D1")
PEOPLE = 60
"""30 in each of the districts D1 (those of odd numbers) and D2."""


@dataclass
class Polls:
    """The stored calendar, in memory."""

    standing: list[Poll] = field(default_factory=list)
    broken: bool = False

    def polls(self) -> list[Poll]:
        if self.broken:
            raise Transient
        return list(self.standing)


def poll(silence_from, ident="elc_1", path=D1) -> Poll:
    ends = silence_from + SILENCE
    code = {"code_from": silence_from, "code_until": ends}
    return Poll(ident, "Sample", {path[-1]: path}, polling_ends=ends, source="x", **code)


def under(made: World, *standing: Poll, **brief: Any) -> Polls:
    """Gives the world a real calendar, and its run these properties."""
    store = Polls(list(standing))
    made.calendar = ElectionCalendar(store, ticks=made.clock.epoch)  # type: ignore[arg-type,assignment]
    change(made, **brief)
    return store


def change(made: World, **brief: Any) -> None:
    made.runs.briefs[RUN] = replace(made.runs.briefs[RUN], **brief)


def watched(made: World) -> list[tuple[str, datetime]]:
    """Every request from now on, with its time."""
    times: list[tuple[str, datetime]] = []
    take = made.platform.send

    def send(channel: Any, to: str, message: Any) -> Any:
        times.append((to, made.clock.now()))
        return take(channel, to, message)

    made.platform.send = send  # type: ignore[method-assign]
    return times


def in_d1(made: World) -> set[str]:
    """Who of D1 has got the message."""
    return {to for to in made.requests_to() if int(to) % 2}


def everybody_ended_once(made: World, people: int = PEOPLE) -> None:
    assert max(made.requests_to().values(), default=0) <= 1
    statuses = made.statuses()
    assert len(statuses) == people
    assert all(len(found) == 1 for found in statuses.values())
    assert made.counts().in_progress == 0


@pytest.mark.parametrize(
    ("kind", "organisation", "silence", "code"),
    [
        ("electioneering", "party", "silence", None),
        ("awareness", "party", "silence", None),
        ("awareness", "public_body", "code_of_conduct", "code_of_conduct"),
        ("awareness", "ngo", None, None),
        ("awareness", "election_office", None, None),
        ("voter_awareness", "election_office", None, None),
        ("emergency", "public_body", None, None),
        ("emergency", "party", None, None),
    ],
)
def test_what_silence_and_a_code_mean_for_each_kind_of_campaign(kind, organisation, silence, code):
    made = world(0).runs.briefs[RUN]
    run: RunBrief = replace(made, kind=kind, organisation_kind=organisation)
    assert reason_in_law(run, Election(silent=True, codes=frozenset({"elc_1"}))) == silence
    assert reason_in_law(run, Election(silent=False, codes=frozenset({"elc_1"}))) == code
    assert reason_in_law(run, Election()) is None


def test_an_override_is_needed_for_each_election_whose_code_binds():
    run = replace(world(0).runs.briefs[RUN], overrides=frozenset({"elc_1"}))
    assert reason_in_law(run, Election(codes=frozenset({"elc_1"}))) is None
    assert reason_in_law(run, Election(codes=frozenset({"elc_1", "elc_2"}))) == "code_of_conduct"


def test_silence_stops_electioneering_in_its_area_alone():
    made = world(PEOPLE)
    under(made, poll(START - timedelta(hours=1)), kind="electioneering", organisation_kind="party")
    made.launch()
    made.send()
    assert in_d1(made) == set()
    assert made.counts().not_sent == {"silence": 30}
    assert made.counts().accepted == 30
    everybody_ended_once(made)


def test_silence_begins_in_the_middle_of_a_run_and_stops_it_in_that_area_alone():
    made = world(PEOPLE)
    made.platform.rate_per_s = 1
    silence = START + timedelta(seconds=20)
    under(made, poll(silence), kind="electioneering", organisation_kind="party")
    times = watched(made)
    made.launch()
    made.send()
    assert 0 < len(in_d1(made)) < 30
    assert all(at < silence for to, at in times if int(to) % 2)
    assert made.counts().not_sent == {"silence": 30 - len(in_d1(made))}
    assert len(made.requests_to()) - len(in_d1(made)) == 30
    everybody_ended_once(made)


def test_silence_that_begins_between_claim_and_request_holds_the_message_back():
    made = world(2)
    silence = START + timedelta(minutes=1)
    under(made, poll(silence), kind="electioneering", organisation_kind="party")
    made.launch()
    claim, claimed = made.store.claim, {}

    class Slow(DispatchStore):
        def claim(self, wanted, bounds):
            made.clock.put(silence) if wanted.person == person_id(1) else None
            claimed[wanted.person] = wanted
            return claim(wanted, bounds)

    made.store = Slow()
    made.send()
    assert in_d1(made) == set()
    assert made.counts().not_sent == {"silence": 1}
    standing = made.store.week(claimed[person_id(1)]).claim
    assert standing is not None and standing.released


def test_silence_is_over_when_polling_ends():
    made = world(4)
    under(made, poll(START - SILENCE), kind="electioneering", organisation_kind="party")
    made.launch()
    made.send()
    assert made.counts().accepted == 4


def test_who_lives_nobody_knows_where_gets_no_electioneering_and_all_else(tables):
    for kind, organisation, reason in (
        ("electioneering", "party", {"silence": 1}),
        ("awareness", "public_body", {}),
    ):
        made = world(2)
        under(made, kind=kind, organisation_kind=organisation)
        made.people.change(person_id(1), area_path=())
        tables.empty()
        made.launch()
        made.send()
        assert made.counts().not_sent == reason, kind


def test_a_code_stops_awareness_of_a_public_body_and_an_override_lets_it_go_on(tables):
    made = world(PEOPLE)
    under(made, poll(START - timedelta(hours=1)))
    made.launch()
    made.send()
    assert made.counts().not_sent == {"code_of_conduct": 30}
    tables.empty()
    made = world(PEOPLE)
    under(made, poll(START - timedelta(hours=1)), overrides=frozenset({"elc_1"}))
    made.launch()
    made.send()
    assert made.counts().accepted == PEOPLE


def test_an_override_that_is_withdrawn_in_the_middle_of_a_run_holds_from_then():
    made = world(PEOPLE)
    made.platform.rate_per_s = 1
    under(made, poll(START - timedelta(hours=1)), overrides=frozenset({"elc_1"}))
    take = made.platform.send

    def send(channel, to, message):
        if len(made.platform.requests) == 12:
            change(made, overrides=frozenset())
        return take(channel, to, message)

    made.platform.send = send  # type: ignore[method-assign]
    made.launch()
    made.send()
    assert 0 < made.counts().not_sent["code_of_conduct"] < 30
    everybody_ended_once(made)


def test_an_election_that_is_entered_while_a_run_is_sent_holds_within_ten_seconds():
    made = world(PEOPLE)
    made.platform.rate_per_s = 1
    store = under(made)
    entered = []
    after: Counter[str] = Counter()
    take = made.platform.send

    def send(channel, to, message):
        if len(made.platform.requests) == 8:
            store.standing.append(poll(START - timedelta(hours=1)))
            entered.append(made.clock.now())
        if entered and int(to) % 2 and made.clock.now() > entered[0] + timedelta(seconds=10):
            after[to] += 1
        return take(channel, to, message)

    made.platform.send = send  # type: ignore[method-assign]
    made.launch()
    made.send()
    assert not after
    assert made.counts().not_sent["code_of_conduct"] > 0
    everybody_ended_once(made)


def test_a_calendar_that_cannot_be_read_lets_nothing_out_and_costs_nobody_their_message():
    made = world(PEOPLE)
    store = under(made)
    store.broken = True
    made.launch()
    for _ in range(4):
        made.send_one(made.send_queue.take() or {})
    assert made.platform.requests == []
    assert made.counts().in_progress == PEOPLE
    store.broken = False
    made.send()
    assert made.taken_by() == {address(n): 1 for n in range(PEOPLE)}


def test_a_calendar_that_breaks_between_claim_and_request_gives_the_claim_back():
    made = world(1)
    store = under(made)
    made.launch()
    claim = made.store.claim

    class Late(DispatchStore):
        def claim(self, wanted, bounds):
            if not store.broken:
                made.clock.move(11)
                store.broken = True
            return claim(wanted, bounds)

    made.store = Late()
    made.send_one(made.send_queue.take() or {})
    assert made.platform.requests == []
    store.broken = False
    made.store = DispatchStore()
    made.send()
    assert made.taken_by() == {address(0): 1}


@pytest.mark.parametrize(
    ("kind", "organisation", "reason"),
    [("electioneering", "party", "silence"), ("awareness", "public_body", "code_of_conduct")],
)
def test_a_crash_before_or_after_any_step_at_its_beginning_sends_nobody_twice_and_nobody_too_late(
    kind, organisation, reason, tables
):
    at, undisturbed = 0, False
    while not undisturbed:
        at += 1
        for after in (False, True):
            tables.empty()
            made = world(4)
            made.platform.rate_per_s = 0.4
            begins = START + timedelta(seconds=3)
            under(made, poll(begins, path=("IN",)), kind=kind, organisation_kind=organisation)
            times = watched(made)
            made.launch()
            made.faults.calls, made.faults.at, made.faults.after = 0, at, after
            made.send()
            where = f"{'after' if after else 'before'} call {at}: {made.faults.seen[-20:]}"
            undisturbed = made.faults.calls < at
            assert all(time < begins for _, time in times), where
            everybody_ended_once(made, 4)
            counts = made.counts()
            assert counts.accepted + counts.unknown + counts.not_sent[reason] == 4, where
