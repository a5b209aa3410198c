"""A correction or withdrawal goes to those who got what it takes back, or may have: to each of them once, to
nobody else, through every crash and whatever becomes known meanwhile."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.dispatch.model import Chunk, Fact, Status, quiet_until, total
from chalicelib.errors import Conflict
from chalicelib.platforms.base import OutcomeUnknown, SendRefused, Throttled
from chalicelib.ports import Proof, QuietHours, RunBrief
from tests.dispatch.test_fallback import chat, reachable_over_all, work
from tests.dispatch.world import RUN, START, Crash, World, address, person_id, world

pytestmark = pytest.mark.usefixtures("tables")

SECOND, CORRECTION = f"{RUN[:-1]}2", f"{RUN[:-1]}9"


def brief(made: World, run: str, **more: object) -> RunBrief:
    """A run like the first, scheduled for now."""
    first = made.runs.briefs[RUN]
    now = made.clock.now()
    usual = {"run_id": run, "status": "scheduled", "at": now, "expires_at": now + timedelta(days=2)}
    return replace(first, **(usual | {"recalled": False} | more))  # type: ignore[arg-type]


def sent(people: int = 6, **more) -> World:
    """A run that went to everybody, as the platform answers."""
    made = world(people, **more)
    made.launch()
    made.send()
    made.runs.finish(RUN)
    return made


def take_back(made: World, *parents: str, **more: object) -> None:
    """The correction is approved: what it takes back goes out no more."""
    for parent in parents or (RUN,):
        made.runs.briefs[parent] = replace(made.runs.briefs[parent], recalled=True)
    made.clock.move(3)
    made.runs.briefs[CORRECTION] = brief(
        made, CORRECTION, occasion="correction", parents=parents or (RUN,), **more
    )
    made.plan_queue.put([{"launch": CORRECTION}])


def corrected(made: World, *parents: str, **more: object) -> Counter[int]:
    """Sends the correction: how many requests it made to which person's address."""
    take_back(made, *parents, **more)
    made.plan()
    made.send()
    return told(made)


def told(made: World) -> Counter[int]:
    numbers = {address(n): n for n in range(len(made.people.rows))}
    return Counter(
        numbers[to] for to, message in made.platform.requests if message.key.startswith(f"{CORRECTION}.")
    )


def counts(made: World, run: str = CORRECTION):
    return total(made.store.tallies(run))


def chunks(made: World, run: str = CORRECTION) -> list[Chunk]:
    found = sorted(tally.chunk for tally in made.store.tallies(run))
    return [made.store.chunks_of(run, [chunk])[chunk] for chunk in found]


def key_to(made: World, n: int) -> str:
    return next(message.key for to, message in made.platform.requests if to == address(n))


def prove(made: World, key: str, fact: str) -> None:
    code = "131026" if fact == "failed" else ""
    assert made.tallying.record([Proof(key, fact, START + timedelta(hours=1), code)]) == []  # type: ignore[arg-type]


REFUSED = SendRefused("131026", "person")


# --- who is told


def test_exactly_those_who_got_it_or_may_have_are_told_and_each_once():
    made = world(60)
    answers = {0: [REFUSED], 1: [OutcomeUnknown()], 2: [Throttled(scope="person", retry_after_s=5)]}
    answers |= {n: [OutcomeUnknown()] for n in (4, 5, 6, 10)}
    made.platform.answers = {address(n): list(those) for n, those in answers.items()}
    made.people.change(person_id(3), suppressed=frozenset({"whatsapp"}))
    made.roster.rows["D1"].append(made.roster.rows["D2"][4])  # person 8 lies in both districts
    made.launch()
    made.send()
    keys = {n: key_to(made, n) for n in (4, 5, 6, 7, 10, 11)}
    made.decisions().decide("u", keys[4], "resend", "x")
    made.decisions().decide("u", keys[5], "close", "x")
    made.platform.answers = {address(10): [REFUSED]}
    made.decisions().decide("u", keys[10], "resend", "x")  # the second attempt fails: the first may be there
    made.send()
    prove(made, keys[6], "delivered")
    prove(made, keys[7], "failed")
    prove(made, keys[11], "read")
    made.runs.finish(RUN)
    made.people.change(person_id(9), suppressed=frozenset({"whatsapp"}))

    assert corrected(made) == {n: 1 for n in range(60) if n not in (0, 3, 7, 9)}
    after = counts(made)
    assert (after.targeted, after.accepted, after.not_sent) == (57, 56, {"opted_out": 1})
    made.plan_queue.put([{"launch": CORRECTION}, {"plan": CORRECTION, "range": 0, "page": 0, "after": None}])
    made.plan()
    made.send()
    assert set(told(made).values()) == {1}
    assert counts(made) == after


def test_who_had_a_claim_and_no_result_when_it_was_called_off_may_have_got_it():
    made = world(8)
    made.launch()
    made.faults.calls, made.faults.at, made.faults.after = (
        0,
        4,
        True,
    )  # lease, claim, send, claim: dead after the second claim
    with suppress(Crash):
        made.sender().send_chunk(_ticket(made), "first", made.clock.epoch() + 60)
    made.faults.at = None
    claimed = [n for n in range(8) if RUN in made.store.history(person_id(n))]
    assert (len(claimed), sum(made.requests_to().values())) == (2, 1)
    made.runs.set(RUN, "cancelled")
    made.send_queue.messages.clear()
    assert corrected(made) == dict.fromkeys(claimed, 1)


def test_a_claim_that_was_given_back_reached_nobody():
    made = world(2)
    made.platform.answers = {address(0): [Throttled(scope="person", retry_after_s=5)]}
    made.launch()
    while made.requests_to()[address(0)] == 0:
        made.send_one(made.send_queue.take() or {})
    made.runs.set(RUN, "cancelled")
    assert corrected(made)[0] == 0


def test_pages_that_were_not_planned_when_it_was_called_off_reached_nobody(monkeypatch):
    monkeypatch.setattr("chalicelib.dispatch.recipients.PAGE_SIZE", 3)
    made = world(20)
    made.plan_queue.put([{"launch": RUN}])
    for _ in range(3):  # the launch, and the first page of both stretches
        made.planner().handle(made.plan_queue.take() or {})
    left, made.plan_queue.messages = made.plan_queue.messages, []
    made.send()
    made.runs.set(RUN, "cancelled")
    got = set(made.requests_to())
    assert len(got) == 6
    assert {address(n) for n in corrected(made)} == got
    made.plan_queue.messages = left  # what was left of the plan comes now
    made.plan()
    made.send()
    assert set(made.requests_to()) == got
    assert counts(made, RUN).not_sent == {"cancelled": 14}


def test_it_is_planned_page_by_page_as_what_it_takes_back_was(monkeypatch):
    monkeypatch.setattr("chalicelib.dispatch.recipients.PAGE_SIZE", 4)
    made = sent(22)
    assert corrected(made) == {n: 1 for n in range(22)}
    assert [(one.id, one.people, one.district) for one in chunks(made)] == [
        (one.id, one.people, one.district) for one in chunks(made, RUN)
    ]
    assert max(len(one.people) for one in chunks(made)) == 4


def test_it_goes_over_the_channel_and_in_the_language_that_each_person_got():
    made = world(40, channels=("whatsapp", "telegram"))
    for rows in made.roster.rows.values():
        rows[:] = [replace(row, language="en" if n % 3 else "hi") for n, row in enumerate(rows)]
    made.launch()
    made.send()
    corrected(made)

    def ways(run: str) -> dict[str, tuple[str, str]]:
        return {person: (one.channel, one.language) for one in chunks(made, run) for person in one.people}

    assert ways(CORRECTION) == ways(RUN)
    assert len(set(ways(RUN).values())) == 4


def test_who_got_it_over_the_next_channel_is_told_over_that_one():
    made = reachable_over_all(3)
    made.platform.answers = {chat(n, "whatsapp"): [REFUSED] for n in (0, 1)} | {chat(1): [REFUSED]}
    made.launch()
    work(made)
    made.runs.finish(RUN)
    take_back(made)
    work(made)
    asked = [to for to, message in made.platform.requests if message.key.startswith(f"{CORRECTION}.")]
    assert sorted(asked) == sorted([chat(0), chat(2, "whatsapp")])
    assert (counts(made).planned, counts(made).accepted) == (2, 2)


def test_without_a_message_for_that_channel_it_goes_by_its_own_order():
    made = sent(4)
    for n in range(3):
        both = {"whatsapp": address(n), "telegram": address(n)}
        consents = frozenset({("campaigns", "telegram")})
        made.people.change(person_id(n), addresses=both, consents=consents)
    assert corrected(made, channels=("telegram", "sms")) == {0: 1, 1: 1, 2: 1}
    assert {one.channel for one in chunks(made)} == {"telegram"}
    assert counts(made).not_sent == {"no_address": 1}


def test_who_reads_no_language_of_it_is_skipped_and_counted():
    made = sent(4)
    made.runs.language_for = lambda run, channel, wanted: None  # type: ignore[method-assign]
    assert corrected(made) == {}
    assert counts(made).skipped == {"no_language": 4}


def test_of_a_run_that_reached_nobody_the_correction_ends_with_nobody():
    made = world(3)
    made.runs.set(RUN, "cancelled")
    assert corrected(made) == {}
    made.planner().settle(CORRECTION, 0)
    assert made.runs.briefs[CORRECTION].status == "dispatched"


# --- several runs at once


def test_who_got_several_of_the_runs_is_told_once_and_counted_once():
    made = sent(12)
    made.runs.briefs[SECOND] = brief(made, SECOND)
    for rows in made.roster.rows.values():
        del rows[0]  # two people are gone from the roster, and get the first run alone
    made.platform.answers = {address(5): [REFUSED]}
    made.plan_queue.put([{"launch": SECOND}])
    made.plan()
    made.send()
    made.runs.finish(SECOND)
    made.people.change(person_id(7), suppressed=frozenset({"whatsapp"}))
    assert corrected(made, SECOND, RUN) == {n: 1 for n in range(12) if n != 7}
    after = counts(made)
    assert (after.planned, after.accepted, after.not_sent) == (12, 11, {"opted_out": 1})


# --- planned once, through crashes


def test_a_page_that_is_planned_again_has_the_same_people_whatever_has_become_known_since():
    made = world(6)
    made.platform.answers = {address(1): [OutcomeUnknown()], address(2): [REFUSED]}
    made.launch()
    made.send()
    take_back(made)
    made.plan()
    before = chunks(made)
    prove(made, key_to(made, 0), "failed")
    prove(made, key_to(made, 1), "failed")
    made.plan_queue.put({"plan": CORRECTION, "range": n, "page": 0, "after": None} for n in (0, 1))
    made.plan()
    assert chunks(made) == before


def test_a_crash_anywhere_in_planning_or_sending_it_tells_everybody_once(tables):
    for after in (False, True):
        for at in range(1, 30, 2):
            tables.empty()
            made = world(5)
            made.platform.answers = {address(1): [OutcomeUnknown()], address(2): [REFUSED]}
            made.launch()
            made.send()
            take_back(made)
            made.faults.calls, made.faults.at, made.faults.after = 0, at, after
            _plan_through_crashes(made)
            made.send()
            assert set(told(made)) <= {0, 1, 3, 4}, (after, at)
            assert set(told(made).values()) == {1}, (after, at)
            result = counts(made)
            assert (result.planned, result.accepted + result.unknown) == (4, 4), (after, at)


def test_who_is_proven_later_to_have_got_what_had_failed_is_not_told():
    made = world(2)
    made.launch()
    made.send()
    prove(made, key_to(made, 0), "failed")
    made.runs.finish(RUN)
    assert corrected(made) == {1: 1}
    prove(made, key_to(made, 0), "delivered")
    made.plan_queue.put([{"plan": CORRECTION, "range": 0, "page": 0, "after": None}])
    made.plan()
    made.send()
    assert told(made) == {1: 1}
    assert counts(made, RUN).delivered == 1


# --- what is taken back goes out no more


def test_a_second_attempt_that_waits_when_its_run_is_taken_back_is_not_made():
    made = world(1)
    made.platform.answers = {address(0): [OutcomeUnknown()]}
    made.launch()
    made.send()
    key = key_to(made, 0)
    made.decisions().decide("u", key, "resend", "x")
    assert corrected(made) == {0: 1}
    assert made.requests_to() == {address(0): 2}, "the first attempt and the correction"
    assert made.statuses() == {person_id(0): [Status.UNKNOWN]}
    [facts] = [t.facts[0] for t in made.tallies() if Fact.KEPT in t.facts.get(0, {})]
    assert facts[Fact.KEPT] == "recalled"


def test_an_unknown_of_a_run_that_was_taken_back_is_not_sent_again_and_can_be_closed():
    made = world(1)
    made.platform.answers = {address(0): [OutcomeUnknown()]}
    made.launch()
    made.send()
    take_back(made)
    with pytest.raises(Conflict, match="corrected or withdrawn"):
        made.decisions().decide("u", key_to(made, 0), "resend", "x")
    made.decisions().decide("u", key_to(made, 0), "close", "x")


def test_what_is_urgent_goes_first_and_through_the_night():
    night = QuietHours(START.time(), (START + timedelta(hours=1)).time(), "UTC")
    usual = RunBrief(RUN, RUN[:-2], "dispatching", START, START + timedelta(days=1), (), quiet=night)
    assert quiet_until(usual, START) is not None
    assert not usual.first
    urgent = replace(usual, urgent=True)
    assert quiet_until(urgent, START) is None
    assert urgent.first


@pytest.mark.parametrize("at", range(1, 9))
def test_a_reason_against_counts_once_through_a_crash_though_a_person_lies_in_two_runs(at):
    made = sent(1)
    made.runs.briefs[SECOND] = brief(made, SECOND)
    made.plan_queue.put([{"launch": SECOND}])
    made.plan()
    made.send()
    made.people.change(person_id(0), suppressed=frozenset({"whatsapp"}))
    take_back(made, SECOND, RUN)
    made.plan()
    made.faults.calls, made.faults.at = 0, at
    made.send()
    after = counts(made)
    assert after.planned == sum(after.not_sent.values()) + after.unknown == 1
    assert told(made) == {}


def _ticket(made: World):
    from chalicelib.dispatch.model import Ticket

    return Ticket.of(made.send_queue.take() or {})


def _plan_through_crashes(made: World) -> None:
    while (message := made.plan_queue.take()) is not None:
        if "settle" in message:
            continue
        try:
            made.planner().handle(message)
        except Crash:
            made.plan_queue.put([message], 60)
