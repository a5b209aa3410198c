"""An unknown is sent again, or closed, by a person's decision alone: in every order and through every crash,
at most one more request, and one place at which the person counts."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import permutations, product
from threading import Barrier, Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.dispatch.model import (
    Bounds,
    Claim,
    DeliveryKey,
    Fact,
    Status,
    Week,
    again_id,
    origin_of,
    week_of,
)
from chalicelib.dispatch.report import Reporter
from chalicelib.dispatch.store import DispatchStore
from chalicelib.errors import Conflict, NotFound, Transient
from chalicelib.identity.audit import Audit
from chalicelib.platforms.base import OutcomeUnknown, SendRefused, Throttled
from chalicelib.ports import Proof
from tests.dispatch.world import RUN, START, Crash, World, address, empty_tables, person_id, world

pytestmark = pytest.mark.usefixtures("tables")

APPROVER = "approver"
CLAIM = Claim(person_id(0), week_of(START), RUN, "00000000000", 0, 1, "holder", START.timestamp() + 86400)


def with_one_unknown(people: int = 1, **more) -> tuple[World, str]:
    """A run sent to all; the answer to the first person was lost. And that delivery's key."""
    made = world(people, **more)
    made.platform.answers[address(0)] = [OutcomeUnknown()]
    made.launch()
    made.send()
    return made, next(message.key for to, message in made.platform.requests if to == address(0))


def resend(made: World, key: str):
    return made.decisions().decide(APPROVER, key, "resend", "The booth has asked.")


def close(made: World, key: str):
    return made.decisions().decide(APPROVER, key, "close", "Spoke with her by phone.")


def prove(made: World, key: str, fact: str = "delivered") -> None:
    code = "131026" if fact == "failed" else ""
    assert made.tallying.record([Proof(key, fact, START + timedelta(hours=1), code)]) == []  # type: ignore[arg-type]


def facts_of(made: World, key: str) -> set[Fact]:
    read = DeliveryKey.parse(key)
    assert read is not None
    found = made.store.chunk(RUN, read.chunk)
    assert found is not None
    return set(found[1].facts.get(read.index, {}))


def counted(made: World) -> Status:
    """The one status of the one person; the sums say the same."""
    statuses = made.statuses()
    assert [len(found) for found in statuses.values()] == [1], statuses
    counts = made.counts()
    parts = counts.in_progress + counts.accepted + counts.failed + counts.unknown
    assert counts.targeted == counts.planned == 1 == parts + sum(counts.not_sent.values())
    return statuses[person_id(0)][0]


# --- resend


def test_a_resend_is_a_second_attempt_with_a_key_of_its_own_and_the_person_counts_there():
    made, key = with_one_unknown(30)
    decided = resend(made, key)
    made.send()
    read = DeliveryKey.parse(key)
    assert read is not None
    assert decided.resend == f"{RUN}.{again_id(read.chunk, read.index)}.0.2"
    assert [m.key for to, m in made.platform.requests if to == address(0)] == [key, decided.resend]
    counts = made.counts()
    assert (counts.targeted, counts.planned, counts.accepted, counts.unknown) == (30, 30, 30, 0)
    assert (counts.resent, counts.late) == (1, 0)
    prove(made, decided.resend, "read")
    assert (made.counts().read, made.counts().late) == (1, 0)


def test_nobody_else_of_the_chunk_is_sent_to_again():
    made, key = with_one_unknown(30)
    resend(made, key)
    made.send()
    assert made.requests_to() == {address(n): 2 if n == 0 else 1 for n in range(30)}


def test_the_decision_and_its_audit_entry_name_who_when_and_what_follows():
    made, key = with_one_unknown()
    decided = resend(made, key)
    [entry], _ = Audit().of(f"delivery#{key}", limit=5)
    assert (entry.action, entry.actor, entry.detail) == (
        "delivery.resent",
        APPROVER,
        {"resend": decided.resend},
    )
    listed, _ = Reporter(made.store, made.platform, made.clock).deliveries(RUN, Status.SUPERSEDED, None, 10)
    assert [(d.key, d.decided) for d in listed] == [(key, decided)]


def test_deciding_the_same_twice_gives_the_same_and_sends_no_third_message():
    made, key = with_one_unknown()
    first = resend(made, key)
    made.send()
    made.clock.move(10)
    assert resend(made, key) == first
    made.send()
    assert made.requests_to() == {address(0): 2}
    assert len(Audit().of(f"delivery#{key}", limit=5)[0]) == 1


def test_what_was_decided_cannot_be_decided_otherwise():
    made, key = with_one_unknown()
    resend(made, key)
    with pytest.raises(Conflict, match="decided otherwise"):
        close(made, key)


def test_a_second_attempt_that_is_unknown_as_well_can_only_be_closed():
    made, key = with_one_unknown()
    made.platform.answers[address(0)] = [OutcomeUnknown()]
    again = resend(made, key).resend
    made.send()
    assert counted(made) is Status.UNKNOWN
    with pytest.raises(Conflict, match="sent twice"):
        resend(made, again)
    close(made, again)
    made.send()
    assert made.requests_to() == {address(0): 2}
    assert (made.counts().unknown, made.counts().closed) == (1, 1)


@pytest.mark.parametrize("answer", [Throttled(2), Throttled(2, "person"), Transient()])
def test_a_second_attempt_that_must_wait_goes_out_later_and_once(answer):
    made, key = with_one_unknown()
    made.platform.answers[address(0)] = [answer]
    resend(made, key)
    made.send()
    assert made.taken_by() == {address(0): 2}
    assert counted(made) is Status.ACCEPTED


def test_a_second_attempt_over_a_channel_that_falls_ill_goes_out_once_when_it_is_well():
    made, key = with_one_unknown()
    made.platform.answers[address(0)] = [SendRefused("190", "channel")]
    resend(made, key)
    for _ in range(5):
        made.send_one(made.send_queue.take() or {})
    assert made.taken_by() == {address(0): 1}
    made.lift("channel:whatsapp-main")
    made.send()
    assert made.taken_by() == {address(0): 2}
    assert counted(made) is Status.ACCEPTED


def test_a_second_attempt_that_is_refused_for_good_is_failed():
    made, key = with_one_unknown()
    made.platform.answers[address(0)] = [SendRefused("131026", "person")]
    resend(made, key)
    made.send()
    assert counted(made) is Status.FAILED


def test_a_channel_without_receipts_resends_just_so():
    made, key = with_one_unknown(channels=("telegram",), receipts=False)
    resend(made, key)
    made.send()
    assert (made.requests_to(), counted(made)) == ({address(0): 2}, Status.ACCEPTED)


# --- close


def test_a_closed_delivery_stays_unknown_and_is_never_resent():
    made, key = with_one_unknown()
    first = close(made, key)
    assert (first.resend, counted(made)) == (None, Status.UNKNOWN)
    assert close(made, key) == first
    with pytest.raises(Conflict, match="decided otherwise"):
        resend(made, key)
    made.send()
    assert made.requests_to() == {address(0): 1}
    assert (made.counts().unknown, made.counts().closed) == (1, 1)
    listed, _ = Reporter(made.store, made.platform, made.clock).deliveries(RUN, Status.UNKNOWN, None, 10)
    assert [d.decided for d in listed] == [first]
    assert listed[0].times.keys() == {"unknown"}


def test_a_late_proof_lifts_a_closed_unknown_too():
    made, key = with_one_unknown()
    close(made, key)
    prove(made, key)
    assert counted(made) is Status.DELIVERED
    assert made.counts().closed == 0


# --- what cannot be decided


@pytest.mark.parametrize("fact", ["accepted", "sent", "delivered", "read", "failed"])
@pytest.mark.parametrize("decide", [resend, close])
def test_what_a_proof_has_lifted_meanwhile_is_not_decided(fact, decide):
    made, key = with_one_unknown()
    prove(made, key, fact)
    with pytest.raises(Conflict, match="unknown"):
        decide(made, key)
    assert made.send_queue.messages == []


def test_a_run_that_is_over_sends_nothing_again_but_can_be_closed():
    made, key = with_one_unknown()
    made.runs.set(RUN, "cancelled")
    with pytest.raises(Conflict, match="called off or has expired"):
        resend(made, key)
    made.runs.set(RUN, "dispatched")
    made.clock.move(3 * 24 * 3600)
    with pytest.raises(Conflict, match="called off or has expired"):
        resend(made, key)
    close(made, key)


@pytest.mark.parametrize(
    "change",
    [
        {"run": "cmp_other-1"},
        {"chunk": "00099000000"},
        {"chunk": "0000000000000"},
        {"index": 7},
        {"attempt": 2},
    ],
)
def test_a_delivery_that_does_not_exist_is_not_found(change):
    made, key = with_one_unknown()
    read = DeliveryKey.parse(key)
    with pytest.raises(NotFound):
        close(made, str(DeliveryKey(**{**vars(read), **change})))
    with pytest.raises(NotFound):
        close(made, "no key")


# --- a second attempt that is not made


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "suspended"}, "not_approved"),
        ({"suppressed": frozenset({"whatsapp"})}, "opted_out"),
        ({"consents": frozenset()}, "no_consent"),
    ],
)
def test_who_may_not_be_messaged_any_more_stays_unknown_and_the_list_says_why(change, reason):
    made, key = with_one_unknown()
    decided = resend(made, key)
    made.people.change(person_id(0), **change)
    made.send()
    assert made.requests_to() == {address(0): 1}
    assert counted(made) is Status.UNKNOWN
    assert made.counts().resent == 0
    listed, _ = Reporter(made.store, made.platform, made.clock).deliveries(RUN, Status.UNKNOWN, None, 10)
    assert [(d.key, d.code, d.decided) for d in listed] == [(key, reason, decided)]
    prove(made, key)
    assert counted(made) is Status.DELIVERED


def test_an_expiry_between_claim_and_request_holds_the_second_attempt_back():
    made, key = with_one_unknown()
    resend(made, key)
    made.clock.move(30)  # a later copy of the run is read after the claim

    class Slow(DispatchStore):
        def claim(self, wanted: Claim, bounds: Bounds) -> Week | None:
            week = super().claim(wanted, bounds)
            made.clock.move(3 * 24 * 3600)
            return week

    made.store = Slow()
    made.send()
    assert made.requests_to() == {address(0): 1}
    assert counted(made) is Status.UNKNOWN
    assert Fact.KEPT in facts_of(made, key)


@pytest.mark.parametrize("fact", ["accepted", "sent", "delivered", "read", "failed"])
def test_a_proof_between_decision_and_claim_holds_the_second_attempt_back_and_counts(fact):
    made, key = with_one_unknown()
    resend(made, key)
    prove(made, key, fact)
    made.send()
    assert made.requests_to() == {address(0): 1}
    assert counted(made) is Status[fact.upper()]
    assert (made.counts().late, made.counts().resent) == (0, 0)


def test_a_proof_at_the_very_moment_of_the_claim_holds_it_back():
    made, key = with_one_unknown()
    resend(made, key)

    class Proven(DispatchStore):
        def claim(self, wanted: Claim, bounds: Bounds) -> Week | None:
            prove(made, key)
            return super().claim(wanted, bounds)

    made.store = Proven()
    made.send()
    assert made.requests_to() == {address(0): 1}
    assert counted(made) is Status.DELIVERED


def test_a_proof_after_the_claim_is_told_apart_as_late():
    made, key = with_one_unknown()
    again = resend(made, key).resend
    made.send()
    prove(made, key, "delivered")
    assert counted(made) is Status.ACCEPTED
    assert (made.counts().delivered, made.counts().late) == (0, 1)
    prove(made, again, "read")
    assert (counted(made), made.counts().late) == (Status.READ, 1)


def test_whatever_the_order_of_decision_proof_and_sending_one_place_counts():
    for order in permutations(("resend", "prove", "send", "copy")):
        made, key = fresh()
        chunk = again_id(*key.split(".")[1:2], int(key.split(".")[2]))
        for step in order:
            if step == "resend":
                try:
                    resend(made, key)
                except Conflict:
                    assert order.index("prove") < order.index("resend")
            elif step == "prove":
                prove(made, key)
            elif step == "send":
                made.send()
            else:
                made.send_one({"run": RUN, "chunk": chunk})
        made.send()
        sent = made.requests_to()[address(0)]
        assert sent <= 2, order
        assert counted(made) is (Status.DELIVERED if sent == 1 else Status.ACCEPTED), order
        assert made.counts().late == sent - 1, order
        if order.index("prove") < order.index("resend"):
            assert sent == 1, order


# --- crashes, copies, races


def fresh(people: int = 1) -> tuple[World, str]:
    """A world on empty tables: within one test many are played through."""
    empty_tables()
    return with_one_unknown(people)


def test_a_crash_anywhere_between_the_decision_and_its_result_sends_at_most_once_more_and_loses_nobody():
    for after, at in product((False, True), range(1, 9)):
        made, key = fresh()
        made.faults.calls, made.faults.at, made.faults.after = 0, at, after
        made.faults.seen.clear()
        crashed = False
        try:
            resend(made, key)
        except Crash:
            crashed = True
        made.send()
        where = f"{'after' if after else 'before'} call {at}: {made.faults.seen[:at]}"
        assert made.requests_to()[address(0)] <= 2, where
        committed = Fact.RESENT in facts_of(made, key)
        assert committed or crashed, where
        status = counted(made)
        if committed:
            assert status in (Status.ACCEPTED, Status.UNKNOWN), where
            assert status is Status.UNKNOWN or made.taken_by()[address(0)] == 2, where
        else:
            assert (status, made.requests_to()[address(0)]) == (Status.UNKNOWN, 1), where
        made.faults.at = None
        resend(made, key) if committed or status is Status.UNKNOWN else None
        made.send()
        assert made.requests_to()[address(0)] <= 2, where
        assert counted(made) is not Status.PLANNED, where


STEPS = ("resend", "close", "prove old", "prove new", "send", "copies", "stop", "lift the stop", "wait")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(STEPS), min_size=2, max_size=7),
    st.one_of(st.none(), st.integers(1, 14)),
    st.booleans(),
    st.sampled_from([None, OutcomeUnknown(), Throttled(2), SendRefused("131026", "person")]),
)
def test_whatever_happens_in_whatever_order_two_requests_are_the_most_and_one_place_counts(
    steps, dies_at, after, answer
):
    made, key = fresh()
    made.platform.answers[address(0)] = [answer]
    again = f"{RUN}.{again_id(key.split('.')[1], 0)}.0.2"
    made.faults.calls, made.faults.at, made.faults.after = 0, dies_at, after
    for step in steps:
        with suppress(Crash, Conflict):
            play(made, step, key, again)
        assert made.taken_by()[address(0)] <= 2
        counted(made)
    made.send()
    facts = facts_of(made, key)
    sent_again = sum(message.key == again for _, message in made.platform.taken)
    assert sent_again <= (Fact.RESENT in facts and Fact.KEPT not in facts)
    assert not {Fact.RESENT, Fact.CLOSED} <= facts
    standing = made.store.week(CLAIM).claim
    assert standing is not None
    assert standing.attempt == 2 or not made.counts().late
    assert counted(made) is not Status.PLANNED


def play(made: World, step: str, key: str, again: str) -> None:
    suppressed = {"stop": frozenset({"whatsapp"}), "lift the stop": frozenset()}
    if step == "resend":
        resend(made, key)
    elif step == "close":
        close(made, key)
    elif step == "prove old":
        prove(made, key)
    elif step == "prove new":
        if any(message.key == again for _, message in made.platform.taken):
            prove(made, again, "read")
    elif step == "send":
        made.send()
    elif step == "copies":
        for chunk in (key.split(".")[1], again.split(".")[1]):
            made.send_one({"run": RUN, "chunk": chunk})
    elif step == "wait":
        made.clock.move(120)
    else:
        made.people.change(person_id(0), suppressed=suppressed[step])


def test_a_crash_while_a_second_attempt_is_given_up_ends_the_same():
    for after, at in product((False, True), range(1, 5)):
        made, key = fresh()
        resend(made, key)
        made.people.change(person_id(0), suppressed=frozenset({"whatsapp"}))
        made.faults.calls, made.faults.at, made.faults.after = 0, at, after
        made.send()
        assert made.requests_to() == {address(0): 1}, (after, at)
        assert counted(made) is Status.UNKNOWN, (after, at)


def test_two_decisions_of_one_mind_at_once_are_one():
    made, key = with_one_unknown()
    start, decided = Barrier(3), []

    def work() -> None:
        start.wait()
        decided.append(resend(made, key))

    in_threads([work] * 3)
    made.send()
    assert decided == [decided[0]] * 3
    assert made.requests_to() == {address(0): 2}
    assert len(Audit().of(f"delivery#{key}", limit=5)[0]) == 1


def test_of_two_different_decisions_at_once_one_stands():
    made, key = with_one_unknown()
    start, stands, refused = Barrier(2), [], []

    def work(decide) -> None:
        start.wait()
        try:
            stands.append(decide(made, key).decision)
        except Conflict:
            refused.append(decide)

    in_threads([lambda: work(resend), lambda: work(close)])
    made.send()
    assert (len(stands), len(refused)) == (1, 1)
    assert made.requests_to() == {address(0): 2 if stands == ["resend"] else 1}
    assert counted(made) is (Status.ACCEPTED if stands == ["resend"] else Status.UNKNOWN)


def test_senders_on_copies_of_a_second_attempt_send_it_once():
    made, key = with_one_unknown()
    resend(made, key)
    messages = [body for _, body in made.send_queue.messages]
    start = Barrier(4)

    def work() -> None:
        start.wait()
        for message in messages:
            made.send_one(message)

    in_threads([work] * 4)
    made.send()
    assert made.requests_to() == {address(0): 2}
    assert counted(made) is Status.ACCEPTED


def in_threads(jobs) -> None:
    threads = [Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_decision_that_a_proof_overtakes_between_look_and_write_is_refused():
    made, key = with_one_unknown()

    class Late(DispatchStore):
        def chunk(self, run: str, chunk: str):
            found = super().chunk(run, chunk)
            prove(made, key)
            return found

    made.store = Late()
    with pytest.raises(Conflict, match="unknown"):
        resend(made, key)
    made.store = DispatchStore()
    made.send()  # the message that was queued ahead names a chunk that was never written
    assert made.requests_to() == {address(0): 1}
    assert (counted(made), made.send_queue.messages) == (Status.DELIVERED, [])


@pytest.mark.parametrize(("mine", "theirs"), [("resend", "resend"), ("close", "close"), ("close", "resend")])
def test_a_decision_that_another_takes_between_two_looks_is_the_one_that_stands(mine, theirs):
    made, key = with_one_unknown()

    class Late(DispatchStore):
        def chunk(self, run: str, chunk: str):
            made.store = DispatchStore()
            made.decisions().decide("another", key, theirs, "Was faster.")
            return super().chunk(run, chunk)

    made.store = Late()
    if mine == theirs:
        assert made.decisions().decide(APPROVER, key, mine, "Was slower.").by == "another"
    else:
        with pytest.raises(Conflict, match="otherwise"):
            made.decisions().decide(APPROVER, key, mine, "Was slower.")
    made.send()
    assert made.requests_to() == {address(0): 2 if theirs == "resend" else 1}


def test_a_queue_that_is_down_after_the_decision_costs_a_minute_and_nothing_else():
    made, key = with_one_unknown()
    put, calls = made.send_queue.put, []

    def only_delayed(bodies, delay_s=0):
        calls.append(delay_s)
        if delay_s == 0:
            raise Transient
        return put(bodies, delay_s)

    made.send_queue.put = only_delayed  # type: ignore[method-assign]
    resend(made, key)
    assert calls == [60, 0]
    made.send_queue.put = put  # type: ignore[method-assign]
    made.send()
    assert made.requests_to() == {address(0): 2}


def test_a_second_attempt_cannot_be_given_up_while_somebody_holds_it():
    made, key = with_one_unknown()
    chunk = DeliveryKey.parse(resend(made, key).resend).chunk  # type: ignore[arg-type, union-attr]
    held = replace(CLAIM, chunk=chunk, attempt=2)
    assert made.store.claim(held, Bounds(0.0)) is None
    made.store.give_up(held, "expired", 1)
    assert Fact.KEPT not in facts_of(made, key)
    with pytest.raises(ValueError, match="follows no other attempt"):
        made.store.give_up(CLAIM, "expired", 1)


def test_what_was_given_up_cannot_be_claimed_any_more():
    made, key = with_one_unknown()
    chunk = DeliveryKey.parse(resend(made, key).resend).chunk  # type: ignore[arg-type, union-attr]
    wanted = replace(CLAIM, chunk=chunk, attempt=2)
    made.store.give_up(wanted, "expired", 1)
    week = made.store.claim(wanted, Bounds(0.0))
    assert week is not None and week.claim is not None
    assert (week.answered, week.claim.attempt) == (True, 1)
    assert origin_of(chunk) == (week.claim.chunk, week.claim.index)


def test_a_lost_message_of_a_run_under_way_is_revived():
    made, key = with_one_unknown()
    resend(made, key)
    made.send_queue.messages.clear()
    made.clock.move(3600)
    made.planner().settle(RUN, 99, revive=True)
    made.send()
    assert made.requests_to() == {address(0): 2}
