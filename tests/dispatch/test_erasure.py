"""A person's ledger goes, and what a run comes to stays what it was, whoever dies when."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.dispatch.model import Fact, Status
from chalicelib.dispatch.remembered import OVER_FOR, Remembered
from chalicelib.dispatch.store import DispatchStore, ServiceItem, WeekItem
from chalicelib.ports import CampaignBrief, Proof, RosterRow
from tests.dispatch.world import RUN, Crash, Faults, World, address, empty_tables, person_id, world

pytestmark = pytest.mark.usefixtures("tables")

ONE = person_id(0)


def remembered(made: World, faults: Faults | None = None) -> Remembered:
    store: Any = made.store
    if faults:
        faults.dead = False
        store = faults.wrap(store, "forget_week", "forget_service", "weeks", "service_claims")
    brief = CampaignBrief(RUN[:-2], "Sample campaign", "dept_sample", "none")
    return Remembered(store, made.runs, lambda campaign: brief, made.clock)


def over(made: World) -> None:
    """The run ended, and its last callback cannot come any more."""
    brief = made.runs.briefs[RUN]
    made.runs.briefs[RUN] = replace(brief, status="dispatched", ended_at=made.clock.now())
    made.clock.move(OVER_FOR.total_seconds() + 1)


def weeks(person: str = ONE) -> list[str]:
    return [item.sk for item in WeekItem.query(person) if item.sk.startswith("w")]


def sent(people: int = 4) -> World:
    made = world(people)
    made.launch()
    made.send()
    return made


def test_the_sums_are_the_same_before_and_after():
    made = sent(30)
    made.tallying.record([Proof(key, "read", made.clock.now(), "") for key in keys(made)[:7]])
    before = made.counts()
    over(made)
    del made.people.rows[ONE]
    assert remembered(made).forget(ONE)
    assert made.counts() == before
    assert weeks() == []
    assert weeks(person_id(1)), "others keep theirs"


def keys(made: World) -> list[str]:
    return [
        str(chunk.key(index))
        for tally in made.tallies()
        for chunk, _ in [made.store.chunk(RUN, tally.chunk)]  # type: ignore[misc]
        for index in range(len(chunk.people))
    ]


def test_while_a_run_may_still_send_its_place_is_kept_so_that_nobody_counts_twice():
    made = world(2)
    for district in ("D1", "D2"):  # found twice, in two districts
        made.roster.rows[district].append(RosterRow(ONE, district, "", "hi", channels=("whatsapp",)))
    made.launch()
    first = made.send_queue.take()
    made.send_one(first)
    before = made.counts()
    del made.people.rows[ONE]
    assert not remembered(made).forget(ONE)
    made.send()
    after = made.counts()
    assert made.requests_to()[address(0)] <= 1
    assert len(made.statuses()[ONE]) == 1
    assert after.planned >= before.accepted
    assert weeks() or after.not_sent["erased"] == 1


@pytest.mark.parametrize("after", [False, True])
def test_a_request_that_was_under_way_is_counted_once_and_never_as_if_nothing_went_out(*, after: bool):
    for at in range(1, 12):
        empty_tables()
        made = world(1)
        made.launch()
        message = made.send_queue.take()
        made.faults.calls, made.faults.at, made.faults.after = 0, at, after
        made.send_one(message)
        died, made.faults.at = made.faults.calls >= at, None
        del made.people.rows[ONE]
        remembered(made).forget(ONE)
        made.clock.move(400)
        made.send()
        [status] = made.statuses()[ONE]
        requests = made.requests_to()[address(0)]
        assert requests <= 1
        assert status in (
            (Status.UNKNOWN, Status.ACCEPTED) if requests else (Status.UNKNOWN, Status.NOT_SENT)
        ), at
        if not died:
            return
    raise AssertionError("more steps than were tried")


def test_a_callback_that_comes_after_the_erasure_still_counts():
    made = sent(3)
    del made.people.rows[ONE]
    remembered(made).forget(ONE)
    [place] = [key for key in keys(made) if person_of(made, key) == ONE]
    made.tallying.record([Proof(place, "delivered", made.clock.now(), "")])
    assert made.counts().delivered == 1


def person_of(made: World, key: str) -> str:
    _, chunk, index, _ = key.rsplit(".", 3)
    return made.store.people_of(RUN, [chunk])[chunk][int(index)]


def test_what_came_of_service_messages_goes_a_day_later():
    made = sent(1)
    made.store.claim_service(ONE, "welcome#e", "token", made.clock.epoch() + 20)
    made.store.service_outcome(ONE, "welcome#e", "token", "accepted")
    over(made)
    made.store.claim_service(ONE, "code#n", "token", made.clock.epoch() + 20)
    assert not remembered(made).forget(ONE)
    assert [row.sk for row in ServiceItem.query(ONE)] == ["service#code#n"]
    made.clock.move(timedelta(days=2).total_seconds())
    assert remembered(made).forget(ONE)
    assert list(ServiceItem.query(ONE)) == []


@pytest.mark.parametrize("after", [False, True])
def test_whoever_dies_between_two_steps_is_followed_by_another(*, after: bool):
    made = sent(1)
    made.store.claim_service(ONE, "welcome#e", "token", made.clock.epoch())
    before = made.counts()
    over(made)
    for at in range(1, 20):
        faults = Faults()
        faults.at, faults.after = at, after
        with contextlib.suppress(Crash):
            remembered(made, faults).forget(ONE)
            assert faults.calls < at
            break
    assert remembered(made).forget(ONE)
    assert made.counts() == before
    assert list(WeekItem.query(ONE)) == []


def test_the_export_tells_each_message_its_channel_and_what_became_of_it():
    made = sent(2)
    made.store.claim_service(ONE, "welcome#e", "token", made.clock.epoch())
    made.store.service_outcome(ONE, "welcome#e", "token", "accepted")
    (message, service), place = remembered(made).held(ONE)
    assert place is None
    assert (message["kind"], message["title"], message["channel"], message["status"]) == (
        "message",
        "Sample campaign",
        "whatsapp",
        "accepted",
    )
    assert Fact.ACCEPTED.name.lower() in message
    assert service == {"kind": "service_message", "about": "welcome", "outcome": "accepted"}


def test_the_export_steps_through_years_of_messages(monkeypatch):
    monkeypatch.setattr("chalicelib.dispatch.remembered.A_STEP", 2)
    made = sent(2)
    [real] = made.store.all_claims(ONE)
    claims = [replace(real, week=f"2026-{n:02}", run=f"cmp_sampleaaaaaaaaa-{n}") for n in range(5)]
    monkeypatch.setattr(DispatchStore, "all_claims", lambda *_: claims)
    told, steps, place = remembered(made), list[list[str]](), None
    while True:
        step, place = told.held(ONE, place)
        steps.append([one["kind"] for one in step])
        if place is None:
            break
    assert steps == [["message"] * 2, ["message"] * 2, ["message"]]
