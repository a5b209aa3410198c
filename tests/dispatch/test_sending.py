"""What happens between a claim and its result, on the real tables: nobody twice, nobody lost, counts
equal."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from threading import Barrier, Thread

import pytest
from botocore.exceptions import ConnectionClosedError

from chalicelib import aws
from chalicelib.dispatch.model import Bounds, Claim, DeliveryKey, Fact, Status, Ticket, Week
from chalicelib.dispatch.store import DispatchStore, TallyItem
from chalicelib.errors import PlatformOff, Transient
from chalicelib.platforms.base import OutcomeUnknown, SendRefused, Throttled
from chalicelib.ports import Proof
from tests.dispatch.world import RUN, START, World, address, empty_tables, person_id, world

pytestmark = pytest.mark.usefixtures("tables")


def dispatched(people: int, **more) -> World:
    made = world(people, **more)
    made.launch()
    made.send()
    return made


def proof(key: str, fact: str, seconds: int, code: str = "") -> Proof:
    return Proof(key, fact, START + timedelta(seconds=seconds), code)  # type: ignore[arg-type]


def test_everybody_of_the_audience_gets_one_request_and_is_counted_once():
    made = dispatched(60)
    assert made.requests_to() == {address(n): 1 for n in range(60)}
    counts = made.counts()
    assert (counts.targeted, counts.planned, counts.accepted, counts.in_progress) == (60, 60, 60, 0)


def test_chunks_hold_up_to_25_people_of_one_district():
    made = world(60)
    made.launch()
    assert sorted((t.district, t.size) for t in made.tallies()) == [
        ("D1", 5),
        ("D1", 25),
        ("D2", 5),
        ("D2", 25),
    ]


def test_planning_twice_makes_the_same_chunks_even_when_the_roster_has_changed_in_between():
    made = world(60)
    made.launch()
    first = {t.chunk: made.store.people_of(RUN, [t.chunk])[t.chunk] for t in made.tallies()}
    made.roster.rows["D1"].reverse()
    made.roster.rows["D1"].pop()
    made.plan_queue.put([{"launch": RUN}])
    made.plan()
    assert {t.chunk: made.store.people_of(RUN, [t.chunk])[t.chunk] for t in made.tallies()} == first
    made.send()
    assert made.requests_to() == {address(n): 1 for n in range(60)}


def test_a_second_plan_keeps_the_facts_that_stand_already():
    made = dispatched(10)
    made.plan_queue.put([{"launch": RUN}])
    made.plan()
    assert made.counts().accepted == 10


def test_a_long_audience_is_planned_page_after_page(monkeypatch):
    monkeypatch.setattr("chalicelib.dispatch.recipients.PAGE_SIZE", 7)
    made = dispatched(30)
    assert made.requests_to() == {address(n): 1 for n in range(30)}
    assert made.counts().accepted == 30


def test_a_person_found_in_two_places_of_the_audience_is_sent_and_counted_once():
    made = world(10)
    made.roster.rows["D1"] += made.roster.rows["D2"][:3]
    made.launch()
    made.send()
    assert max(made.requests_to().values()) == 1
    assert (made.counts().planned, made.counts().accepted) == (10, 10)


@pytest.mark.parametrize(
    ("wish", "reason"),
    [({"suppressed": frozenset({"whatsapp"})}, "opted_out"), ({"paused_until": "9999-12-31"}, "paused")],
)
def test_a_person_found_in_two_places_who_may_not_be_sent_to_is_counted_once_wherever_the_sender_dies(
    wish, reason
):
    for after, at in [(False, 0), *((after, at) for after in (False, True) for at in range(1, 7))]:
        empty_tables()
        made = world(2)
        made.roster.rows["D1"] += made.roster.rows["D2"]
        made.launch()
        for n in range(2):
            made.people.change(person_id(n), **wish)
        made.faults.calls, made.faults.at, made.faults.after = 0, at, after
        made.send()
        assert made.platform.requests == []
        assert (made.counts().planned, made.counts().not_sent) == (2, {reason: 2}), (after, at)


def test_an_erased_person_found_in_two_places_is_counted_once_wherever_the_sender_dies():
    for after, at in [(False, 0), *((after, at) for after in (False, True) for at in range(1, 5))]:
        empty_tables()
        made = world(2)
        made.roster.rows["D1"] += made.roster.rows["D2"]
        made.launch()
        messages = [body for _, body in made.send_queue.messages]
        made.people.rows.clear()
        made.faults.calls, made.faults.at, made.faults.after = 0, at, after
        made.send()
        for message in messages:
            made.send_one(message)
        assert (made.counts().planned, made.counts().not_sent) == (2, {"erased": 2}), (after, at)
        assert [made.store.history(person_id(n)) for n in range(2)] == [[], []]
        kept = [str(row.serialize()) for row in TallyItem.scan(TallyItem.sk.startswith("e"))]
        assert len(kept) == 2
        assert not any(person_id(n) in row for n in range(2) for row in kept)


def test_a_copy_of_a_chunk_message_sends_nothing():
    made = world(30)
    made.launch()
    messages = [body for _, body in made.send_queue.messages]
    made.send()
    for message in messages * 2:
        made.send_one(message)
    assert made.requests_to() == {address(n): 1 for n in range(30)}


def test_several_senders_on_the_same_chunks_at_once_send_each_person_one_message():
    made = world(40)
    made.launch()
    messages = [body for _, body in made.send_queue.messages]
    start = Barrier(4)

    def work() -> None:
        start.wait()
        for message in messages:
            made.send_one(message)

    senders = [Thread(target=work) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    made.send()
    assert made.requests_to() == {address(n): 1 for n in range(40)}
    assert (made.counts().accepted, made.counts().unknown) == (40, 0)


def crash_points(*, people: int = 4) -> int:
    """How many calls one undisturbed chunk makes; so many crashes before and after are tried."""
    made = world(people)
    made.launch()
    made.faults.calls = 0
    made.send()
    return made.faults.calls


def test_a_crash_before_or_after_any_step_sends_nobody_twice_and_loses_nobody(tables):
    for after in (False, True):
        for at in range(1, crash_points() + 1):
            tables.empty()
            made = world(4)
            made.launch()
            made.faults.calls, made.faults.at, made.faults.after = 0, at, after
            made.send()
            where = f"{'after' if after else 'before'} call {at}: {made.faults.seen[:at]}"
            assert max(made.requests_to().values(), default=0) <= 1, where
            statuses = made.statuses()
            assert all(len(s) == 1 for s in statuses.values()) and len(statuses) == 4, where
            counts = made.counts()
            assert counts.in_progress == 0, where
            assert counts.accepted + counts.unknown == 4, where
            taken = made.taken_by()
            for n in range(4):
                if statuses[person_id(n)] == [Status.ACCEPTED]:
                    assert taken[address(n)] == 1, where


def test_a_crash_anywhere_in_planning_leaves_everybody_in_one_chunk(tables):
    for after in (False, True):
        for at in range(1, 12):
            tables.empty()
            made = world(8)
            made.faults.at, made.faults.after = at, after
            message: dict[str, object] | None = {"launch": RUN}
            while message is not None:
                try:
                    made.planner().handle(message)
                except BaseException:  # noqa: BLE001 - the world's Crash
                    made.plan_queue.put([message], 60)
                message = made.plan_queue.take()
                while message is not None and "settle" in message:
                    message = made.plan_queue.take()
            made.faults.at = None
            made.send()
            assert made.requests_to() == {address(n): 1 for n in range(8)}, (after, at)
            assert made.counts().accepted == 8, (after, at)


def test_a_claim_whose_own_answer_was_lost_is_recognised_and_its_message_goes_out(tables):
    made = world(3)
    made.weekly_cap = 1
    made.launch()
    client = aws.client("dynamodb")
    lost: list[str] = []

    def lose_the_first_answer(request, **_):
        if lost or b"-ledger" not in request.body:
            return
        lost.append(request.url)
        client._endpoint.http_session.send(request)  # committed
        raise ConnectionClosedError(endpoint_url=request.url)

    client.meta.events.register("before-send.dynamodb.UpdateItem", lose_the_first_answer)
    made.send()
    assert lost
    assert made.requests_to() == {address(n): 1 for n in range(3)}
    assert (made.counts().accepted, made.counts().unknown) == (3, 0)


def test_a_lost_answer_is_unknown_listed_as_an_event_and_never_sent_again():
    made = world(5)
    made.platform.answers[address(2)] = [OutcomeUnknown()]
    made.launch()
    made.send()
    messages = {t.chunk for t in made.tallies()}
    for chunk in messages:
        made.send_one({"run": RUN, "chunk": chunk})
    assert (made.counts().unknown, made.counts().accepted) == (1, 4)
    assert made.requests_to()[address(2)] == 1
    assert [e.name for e in made.bus.entries] == ["delivery.unknown"]


def test_who_was_claimed_when_the_platform_was_switched_off_is_not_unknown_and_is_reached_once_it_is_on():
    made = world(5)
    made.platform.answers[address(2)] = [PlatformOff(platform="whatsapp")]
    made.launch()
    made.send()
    assert (made.counts().unknown, made.counts().accepted) == (0, 5)
    assert [to for to, _ in made.platform.taken].count(address(2)) == 1


def test_a_bus_that_fails_costs_nobody_a_known_result_and_the_unknown_is_told_again():
    made = world(5)
    made.platform.answers[address(2)] = [OutcomeUnknown()]
    made.launch()
    publish = made.bus.publish
    down = [Transient(), Transient()]

    def refuse(entries):
        if down:
            raise down.pop()
        return publish(entries)

    made.bus.publish = refuse  # type: ignore[method-assign]
    made.send()
    assert (made.counts().unknown, made.counts().accepted) == (1, 4)
    assert max(made.requests_to().values()) == 1
    assert [e.name for e in made.bus.entries] == ["delivery.unknown"]


def test_who_may_have_been_sent_to_before_a_death_is_unknown_even_when_they_may_not_be_sent_to_any_more():
    made = world(1)
    made.launch()
    made.faults.calls, made.faults.at, made.faults.after = 0, 3, True  # lease, claim, send
    message = made.send_queue.take() or {}
    made.send_one(message)
    assert made.faults.seen[-1] == "send"
    made.people.change(person_id(0), suppressed=frozenset({"whatsapp"}))
    made.send()
    assert len(made.platform.taken) == 1
    assert (made.counts().unknown, dict(made.counts().not_sent)) == (1, {})


def test_a_claim_is_given_back_when_the_run_cannot_be_read_after_it():
    made = world(2)
    made.launch()
    get, answers = made.runs.get, [True, True, False]  # for the chunk, before the claim, after it

    def throttled(run):
        if answers and not answers.pop(0):
            raise Transient
        return get(run)

    made.runs.get = throttled  # type: ignore[method-assign]
    made.send()
    assert (made.counts().accepted, made.counts().unknown) == (2, 0)


def test_a_claim_that_took_too_long_is_given_back_and_its_message_goes_out_later():
    made = world(1)
    made.launch()

    class Slow(DispatchStore):
        stalls = 1

        def claim(self, wanted: Claim, bounds: Bounds) -> Week | None:
            week = super().claim(wanted, bounds)
            made.clock.move(55 if self.stalls else 0)
            self.stalls = 0
            return week

    made.store = Slow()
    made.send_one(made.send_queue.take() or {})
    assert made.platform.requests == []
    made.send()
    assert (made.counts().accepted, made.counts().unknown) == (1, 0)


def test_on_a_slow_channel_nobody_is_begun_who_would_have_to_wait_beyond_the_deadline():
    made = world(20)
    made.platform.rate_per_s = 0.1
    made.launch()
    message = made.send_queue.take() or {}
    deadline = made.clock.epoch() + 60
    take, times = made.platform.send, []

    def timed(channel, to, message):
        times.append(made.clock.epoch())
        return take(channel, to, message)

    made.platform.send = timed  # type: ignore[method-assign]
    made.sender().send_chunk(Ticket.of(message), "slow", deadline)
    assert 1 <= len(times) < 20
    assert max(times) <= deadline - 12


def test_a_stop_that_comes_while_a_chunk_is_being_sent_holds_within_two_seconds():
    made = world(20)
    made.platform.rate_per_s = 1.0
    made.launch()
    take = made.platform.send

    def stop_after_three(channel, to, message):
        if len(made.platform.taken) == 2:
            for person in made.people.rows:
                made.people.change(person, suppressed=frozenset({"whatsapp"}))
        return take(channel, to, message)

    made.platform.send = stop_after_three  # type: ignore[method-assign]
    made.send_one(made.send_queue.take() or {})
    assert 3 <= len(made.platform.taken) <= 5
    assert made.counts().not_sent["opted_out"] >= 5


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"suppressed": frozenset({"whatsapp"})}, "opted_out"),
        ({"paused_until": "9999-12-31"}, "paused"),
        ({"consents": frozenset()}, "no_consent"),
    ],
)
def test_a_wish_that_comes_while_a_claim_takes_its_time_holds(wish, reason):
    made = world(20)
    made.platform.rate_per_s = 1.0
    made.launch()
    claim, stopped = made.store.claim, []

    class Slow(DispatchStore):
        def claim(self, wanted: Claim, bounds: Bounds) -> Week | None:
            if not stopped:
                stopped.append(wanted.person)
                made.people.change(wanted.person, **wish)
                made.clock.move(7)  # a later slot of the same lease is free then
            return claim(wanted, bounds)

    made.store = Slow()
    made.send()
    assert made.requests_to()[address(int(stopped[0].removeprefix("inf_")))] == 0
    assert made.counts().not_sent == {reason: 1}


def test_who_pauses_between_two_copies_of_a_chunk_keeps_what_they_got_and_gets_nothing_more():
    made = world(3)
    made.launch()
    message = made.send_queue.take() or {}
    made.send_one(message)
    sent = dict(made.requests_to())
    for n in range(3):
        made.people.change(person_id(n), paused_until="9999-12-31")
    made.send_queue.put([message, message])
    made.send()
    assert (made.requests_to(), max(sent.values())) == (sent, 1)
    assert (made.counts().accepted, made.counts().planned) == (sum(sent.values()), 3)


def test_a_pause_ends_by_itself_with_its_last_day_in_india():
    made = world(2)
    made.people.change(person_id(0), paused_until="2026-11-02")  # today: they want them again
    made.people.change(person_id(1), paused_until="2026-11-03")
    made.launch()
    made.send()
    assert made.requests_to() == {address(0): 1}
    assert made.counts().not_sent == {"paused": 1}


def test_a_callback_lifts_an_unknown():
    made = world(1)
    made.platform.answers[address(0)] = [OutcomeUnknown()]
    made.launch()
    made.send()
    key = made.platform.requests[0][1].key
    assert made.tallying.record([proof(key, "sent", 5)]) == []
    assert (made.counts().unknown, made.counts().accepted) == (0, 1)


def test_a_throttled_person_is_sent_later_and_once():
    made = world(30)
    made.platform.answers = {
        address(3): [Throttled(2)],
        address(8): [Throttled(6, "person"), Throttled(6, "person")],
    }
    made.launch()
    made.send()
    assert made.counts().accepted == 30
    assert made.taken_by() == {address(n): 1 for n in range(30)}


def test_a_refusal_for_good_is_failed_with_its_code_and_an_opt_out_is_kept():
    made = world(3)
    made.platform.answers[address(0)] = [SendRefused("131026", "person")]
    made.platform.answers[address(1)] = [SendRefused("131050", "person", opted_out=True)]
    made.launch()
    made.send()
    counts = made.counts()
    assert (counts.failed, counts.accepted) == (2, 1)
    assert counts.failed_by_code == {"131026": 1, "131050": 1}
    assert made.people.stopped == [("whatsapp", address(1))]


def test_an_opt_out_that_cannot_be_written_is_asked_for_again_and_kept(monkeypatch):
    made = world(1)
    made.platform.answers[address(0)] = [SendRefused("131050", "person", opted_out=True)] * 2
    stop, busy = made.people.stop, [Transient()]

    def stop_later(*args, **more):
        if busy:
            raise busy.pop()
        return stop(*args, **more)

    monkeypatch.setattr(made.people, "stop", stop_later)
    made.launch()
    made.send()
    assert made.people.stopped == [("whatsapp", address(0))]
    assert made.counts().failed_by_code == {"131050": 1}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "suspended"}, "not_approved"),
        ({"suppressed": frozenset({"whatsapp"})}, "opted_out"),
        ({"consents": frozenset()}, "no_consent"),
        ({"paused_until": "9999-12-31"}, "paused"),
        ({"addresses": {}}, "no_address"),
    ],
)
def test_who_may_not_be_messaged_any_more_is_not_sent_with_the_reason(change, reason):
    made = world(4)
    made.launch()
    made.people.change(person_id(1), **change)
    made.send()
    assert made.counts().not_sent == {reason: 1}
    assert address(1) not in made.requests_to()


def test_an_erased_person_is_not_sent():
    made = world(4)
    made.launch()
    del made.people.rows[person_id(2)]
    made.send()
    assert made.counts().not_sent == {"erased": 1}


def test_nothing_goes_out_once_the_run_has_expired():
    made = world(4)
    made.launch()
    made.clock.move(2 * 24 * 3600)
    made.send()
    assert made.platform.requests == []
    assert made.counts().not_sent == {"expired": 4}


def test_expiry_between_claim_and_request_holds_the_message_back():
    made = world(1)
    made.launch()
    claim = made.store.claim

    class Slow(DispatchStore):
        def claim(self, wanted: Claim, bounds: Bounds) -> Week | None:
            made.clock.move(3 * 24 * 3600)
            return claim(wanted, bounds)

    made.store = Slow()
    made.send()
    assert made.platform.requests == []
    assert made.counts().not_sent == {"expired": 1}


def test_a_run_whose_platform_was_switched_off_ends_at_its_expiry(monkeypatch):
    made = world(3)
    made.launch()

    def off(platform):
        raise PlatformOff(platform=platform)

    monkeypatch.setattr(made.platform, "channel_for", off)
    made.clock.put(made.runs.briefs[RUN].expires_at)
    made.send()
    assert made.counts().not_sent == {"expired": 3}


def slow_stops(made: World, *, at: int, seconds: float) -> None:
    """Has the n-th reading of the stops take so long."""
    read, looks = made.standing, []

    def standing():
        looks.append(1)
        if len(looks) == at:
            made.clock.move(seconds)
        return read()

    made.standing = standing  # type: ignore[assignment]


@pytest.mark.parametrize("look", range(1, 8))
def test_stops_that_are_slow_to_read_let_nothing_out_after_the_expiry(look):
    made = world(2)
    made.runs.briefs[RUN] = replace(made.runs.briefs[RUN], expires_at=START + timedelta(seconds=3))
    made.launch()
    slow_stops(made, at=look, seconds=4)
    took = made.platform.send
    times = []

    def timed(channel, to, message):
        times.append(made.clock.now())
        return took(channel, to, message)

    made.platform.send = timed  # type: ignore[method-assign]
    made.send()
    assert all(at <= START + timedelta(seconds=3) for at in times)
    assert made.counts().in_progress == 0


def test_a_last_look_that_outlasts_its_slot_is_made_again_for_the_next():
    made = world(30)
    made.platform.rate_per_s = 2.0
    made.launch()
    slow_stops(made, at=9, seconds=0.7)
    took = made.platform.send
    times = []

    def timed(channel, to, message):
        times.append(made.clock.epoch())
        return took(channel, to, message)

    made.platform.send = timed  # type: ignore[method-assign]
    made.send()
    assert made.taken_by() == {address(n): 1 for n in range(30)}
    assert min(b - a for a, b in pairwise(times)) > 0.4


def test_a_run_cancelled_in_the_middle_of_a_chunk_stops_there():
    made = world(10)
    made.launch()
    take = made.platform.send

    def cancel_after_three(channel, to, message):
        if len(made.platform.taken) == 2:
            made.runs.set(RUN, "cancelled")
        return take(channel, to, message)

    made.platform.send = cancel_after_three  # type: ignore[method-assign]
    made.send()
    assert len(made.platform.taken) == 3
    assert made.counts().not_sent == {"cancelled": 7}


def test_a_paused_run_waits_and_goes_on():
    made = world(3)
    made.launch()
    made.runs.set(RUN, "paused")
    made.send_one(made.send_queue.take() or {})
    assert made.platform.requests == []
    made.runs.set(RUN, "dispatching")
    made.send()
    assert made.counts().accepted == 3


def test_an_invocation_without_time_left_hands_over():
    made = world(20)
    made.launch()
    message = made.send_queue.take() or {}
    made.sender().send_chunk(Ticket.of(message), "late", made.clock.epoch() + 5)
    assert made.platform.requests == []
    made.send()
    assert made.counts().accepted == 20


def test_a_channel_without_receipts_keeps_each_result_at_once():
    made = world(4, channels=("telegram",), receipts=False)
    made.launch()
    made.faults.calls, made.faults.at = 0, 7  # lease, then claim, send, record for each
    made.send()
    counts = made.counts()
    assert (counts.unknown, counts.accepted) == (1, 3)
    assert max(made.requests_to().values()) == 1


def test_facts_in_any_order_and_any_number_of_times_give_the_same_tally():
    made = dispatched(3)
    keys = [m.key for _, m in made.platform.requests]
    proofs = [
        p
        for n, key in enumerate(keys)
        for p in (proof(key, "sent", 1), proof(key, "delivered", 2 + n), proof(key, "read", 9))[: n + 1]
    ]
    chance, seen = random.Random(7), []
    for _ in range(3):
        chance.shuffle(proofs)
        for start in range(0, len(proofs), 2):
            made.tallying.record(proofs[start : start + 2])
        seen.append(made.counts())
    assert seen[0] == seen[1] == seen[2]
    assert (seen[0].accepted, seen[0].delivered, seen[0].read) == (3, 2, 1)


def test_a_failure_reported_later_takes_the_message_out_of_accepted_and_a_late_arrival_brings_it_back():
    made = dispatched(1)
    key = made.platform.requests[0][1].key
    made.tallying.record([proof(key, "failed", 4, "131026")])
    assert (made.counts().accepted, made.counts().failed) == (0, 1)
    made.tallying.record([proof(key, "delivered", 3)])
    assert (made.counts().accepted, made.counts().delivered, made.counts().failed) == (1, 1, 0)


def test_keys_that_are_not_ours_are_given_back_and_change_nothing():
    made = dispatched(1)
    foreign = [proof("some data", "read", 1), proof(f"{RUN}.00099000000.0.1", "read", 1)]
    assert made.tallying.record(foreign) == foreign
    assert made.counts().read == 0


def test_a_run_ends_when_everybody_has_an_outcome():
    made = world(30)
    made.launch()
    made.planner().settle(RUN, 0)
    assert made.runs.briefs[RUN].status == "dispatching"
    made.send()
    made.planner().settle(RUN, 1)
    assert made.runs.briefs[RUN].status == "dispatched"


def test_the_tick_launches_what_is_due_and_revives_what_has_stood_still():
    made = world(6)
    made.planner().tick()
    made.plan()
    lost = list(made.send_queue.messages)
    made.send_queue.messages.clear()
    assert lost
    made.clock.move(3600)
    made.planner().tick()
    made.clock.move(70)  # the queue may be slow
    while (message := made.plan_queue.take()) is not None:
        made.planner().handle(message)
    made.send()
    assert made.counts().accepted == 6


def test_a_tally_of_25_people_with_all_their_facts_stays_under_a_kilobyte():
    made = dispatched(50)
    keys = [m.key for _, m in made.platform.requests]
    made.tallying.record([proof(k, f, 86_400) for k in keys for f in ("sent", "delivered", "read")])
    import boto3

    from chalicelib.dispatch.model import partitions

    dynamodb = boto3.client("dynamodb")
    for pk in partitions(RUN):
        found = dynamodb.query(
            TableName="janjan-local-tallies",
            KeyConditionExpression="pk = :p AND begins_with(sk, :t)",
            ExpressionAttributeValues={":p": {"S": pk}, ":t": {"S": "t"}},
        )
        for item in found["Items"]:
            assert size_of(item) < 1024


def size_of(item) -> int:
    """The size of an item by DynamoDB's rules (developer guide, "Item sizes and formats")."""
    return sum(len(name) + value_size(value) for name, value in item.items())


def value_size(value) -> int:
    (kind, content), *_ = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return len(content.lstrip("-")) // 2 + 2
    return 3 + sum(len(k) + value_size(v) + 1 for k, v in content.items())


def test_a_delivery_key_reads_back():
    made = dispatched(1)
    key = DeliveryKey.parse(made.platform.requests[0][1].key)
    assert key is not None and key.run == RUN and str(key) == made.platform.requests[0][1].key
    assert made.store.chunk(RUN, key.chunk)[1].facts[key.index].keys() == {Fact.ACCEPTED}  # type: ignore[index]


def test_whoever_was_refused_by_what_has_gone_since_claims_again():
    made = world(1)
    made.launch()

    class Gone(DispatchStore):
        def claim(self, wanted: Claim, bounds: Bounds) -> Week | None:
            made.store = DispatchStore()
            return Week()

    made.store = Gone()
    made.send()
    assert made.requests_to() == {address(0): 1}
    assert made.counts().accepted == 1


def test_a_run_does_not_end_on_a_sum_that_lags_behind():
    made = world(3)
    made.launch()

    class Lagging(DispatchStore):
        def tallies(self, run: str, *, consistent: bool = False):
            return super().tallies(run, consistent=True) if consistent else iter(())

    made.store = Lagging()
    made.planner().settle(RUN, 0)
    assert made.runs.briefs[RUN].status == "dispatching"
    made.send()
    made.planner().settle(RUN, 1)
    assert made.runs.briefs[RUN].status == "dispatched"
