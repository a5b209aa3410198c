"""At most so many runs a week to one person, and never two messages too close together: through crashes,
redeliveries and many senders at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest

from chalicelib.dispatch.model import Tally, Ticket, total
from chalicelib.errors import JanJanError
from chalicelib.platforms.base import OutcomeUnknown, Throttled
from tests.dispatch.world import RUN, START, World, address, empty_tables, person_id, world

pytestmark = pytest.mark.usefixtures("tables")
ALL = (RUN, *(f"cmp_{letter * 16}-1" for letter in "bcdef"))


def several(runs: int, people: int = 1, cap: int = 0, *, at: datetime = START) -> World:
    """A world with `runs` runs to the same people, all of them planned and none of them sent."""
    empty_tables()
    made = world(people)
    made.weekly_cap = cap
    begin(made, ALL[:runs], at)
    return made


def begin(made: World, runs: Sequence[str], at: datetime) -> None:
    """Plans runs that begin at that time."""
    made.clock.put(at)
    for run in runs:
        brief = replace(made.runs.briefs[RUN], run_id=run, at=at, status="scheduled")
        made.runs.briefs[run] = replace(brief, expires_at=at + timedelta(days=2))
        made.plan_queue.put([{"launch": run}])
    made.plan()


def tallies(made: World, run: str) -> list[Tally]:
    return list(made.store.tallies(run))


def outcomes(made: World) -> list[dict[str, int]]:
    """For each run how many were accepted, and not sent for which reason."""
    found = []
    for run in made.runs.briefs:
        counts = total(tallies(made, run))
        assert counts.in_progress == 0
        found.append({"accepted": counts.accepted} if counts.accepted else dict(counts.not_sent))
    return found


def test_the_week_is_full_after_so_many_runs_and_the_next_is_not_sent_with_the_reason():
    made = several(3, people=2, cap=2)
    made.send()
    assert made.requests_to() == {address(n): 2 for n in range(2)}
    assert sorted(map(str, outcomes(made))) == ["{'accepted': 2}", "{'accepted': 2}", "{'weekly_cap': 2}"]


def test_without_a_cap_everybody_gets_every_run():
    made = several(4, cap=0)
    made.send()
    assert made.requests_to() == {address(0): 4}


@pytest.mark.parametrize("exempt", [{"kind": "emergency"}, {"parents": ("cmp_x-1",)}])
def test_emergencies_and_corrections_reach_people_whose_week_is_full_and_take_no_room(exempt):
    made = several(3, cap=1)
    first, second, third = ALL[:3]
    for run in (second, third):
        made.runs.briefs[run] = replace(made.runs.briefs[run], **exempt)
    made.send()
    assert made.requests_to() == {address(0): 3}
    made = several(3, cap=1)
    for run in (first, second):
        made.runs.briefs[run] = replace(made.runs.briefs[run], **exempt)
    made.send()
    assert made.requests_to() == {address(0): 3}


def test_a_run_counts_in_the_week_in_which_it_was_to_begin_so_that_seven_days_hold_twice_the_cap_at_most():
    sunday = datetime.fromisoformat("2026-11-08T06:00:00Z")
    made = several(3, cap=2, at=sunday)
    made.send()
    begin(made, ALL[3:], sunday + timedelta(days=1))
    made.send()
    assert made.requests_to() == {address(0): 4}
    assert sorted(map(str, outcomes(made))) == ["{'accepted': 1}"] * 4 + ["{'weekly_cap': 1}"] * 2


def test_a_message_that_comes_again_in_the_next_week_finds_its_claim_and_is_not_sent_twice():
    sunday = datetime.fromisoformat("2026-11-08T06:00:00Z")
    made = several(1, cap=1, at=sunday)
    message = made.send_queue.take() or {}
    made.faults.at, made.faults.after, made.faults.calls = 3, True, 0  # lease, claim, send
    made.send_one(message)
    assert made.requests_to() == {address(0): 1}
    made.clock.put(sunday + timedelta(days=1, hours=6))
    made.faults.at = None
    made.send()
    assert made.requests_to() == {address(0): 1}
    assert total(tallies(made, RUN)).unknown == 1


def test_a_second_attempt_by_decision_asks_for_no_room():
    made = several(2, cap=1)
    made.platform.answers[address(0)] = [OutcomeUnknown()]
    made.send()
    [key] = [message.key for _, message in made.platform.requests]
    made.runs.briefs[RUN] = replace(made.runs.briefs[RUN], status="dispatching")
    made.decisions().decide("approver", key, "resend", "The booth has asked.")
    made.send()
    assert made.requests_to() == {address(0): 2}
    assert [message.key[-2:] for _, message in made.platform.requests] == [".1", ".2"]


def test_what_was_surely_not_sent_gives_its_room_back():
    made = several(2, cap=1)
    made.platform.answers[address(0)] = [Throttled(30)]
    made.send()
    assert len(made.platform.taken) == 1
    assert sorted(map(str, outcomes(made))) == ["{'accepted': 1}", "{'weekly_cap': 1}"]


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_step_keeps_the_cap_and_loses_nobody(after):
    for at in range(1, 14):
        made = several(3, people=2, cap=2)
        made.platform.answers[address(0)] = [Throttled(2, scope="person")]
        made.faults.calls, made.faults.at, made.faults.after = 0, at, after
        made.send()
        assert all(n <= 2 for n in made.taken_by().values()), at
        for person in range(2):
            keys = [message.key for to, message in made.platform.taken if to == address(person)]
            assert len(set(keys)) == len(keys), at
        lost = sum(total(tallies(made, run)).unknown for run in ALL[:3])
        assert lost <= 2 and len(made.platform.taken) >= 4 - lost, at
        assert all(not total(tallies(made, run)).in_progress for run in ALL[:3]), at


def test_of_many_runs_and_copies_at_once_exactly_as_many_reach_a_person_as_the_cap_says():
    made = several(6, people=4, cap=2)
    tickets = [body for _, body in made.send_queue.messages] * 2
    made.send_queue.messages.clear()
    start, failed = Barrier(len(tickets)), []

    def work(n: int, message: dict[str, Any]) -> None:
        start.wait()
        try:
            made.sender().send_chunk(Ticket.of(message), f"sender-{n}", made.clock.epoch() + 60)
        except JanJanError:
            failed.append(message)

    threads = [Thread(target=work, args=item) for item in enumerate(tickets)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made.send_queue.put(failed)
    made.send()
    assert made.taken_by() == {address(n): 2 for n in range(4)}
    assert sum(total(tallies(made, run)).accepted for run in ALL) == 8
    assert sum(total(tallies(made, run)).not_sent["weekly_cap"] for run in ALL) == 16


def test_two_runs_to_one_person_keep_the_platforms_gap_and_hold_up_nobody_else():
    made = several(3, people=30)
    made.platform.pair_gap_s = 6.0
    starts: dict[str, list[float]] = {}
    send = made.platform.send

    def timed(channel, to, message):
        starts.setdefault(to, []).append(made.clock.epoch())
        return send(channel, to, message)

    made.platform.send = timed  # type: ignore[method-assign]
    made.send()
    assert made.requests_to() == {address(n): 3 for n in range(30)}
    for at in starts.values():
        assert all(later - earlier >= 5.999 for earlier, later in zip(at, at[1:], strict=False))
    assert max(map(max, starts.values())) - START.timestamp() < 60  # waiting, nobody waits in line


def test_whose_week_is_full_is_counted_once_also_when_found_in_two_places():
    made = several(1, people=2, cap=1)
    made.send()
    made.roster.rows["D1"] += made.roster.rows["D2"]
    begin(made, [ALL[1]], START)
    made.send()
    counts = total(tallies(made, ALL[1]))
    assert (counts.planned, counts.not_sent) == (2, {"weekly_cap": 2})


def test_an_erased_person_leaves_no_week_behind():
    made = several(1, cap=1)
    del made.people.rows[person_id(0)]
    made.send()
    assert made.store.history(person_id(0)) == []
