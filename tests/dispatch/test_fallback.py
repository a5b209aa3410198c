"""A failure goes on over the next channel: in every order and through every crash at most one more request a
channel, and one place at which the person counts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import permutations, product
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.dispatch.fallback import fall_back_message
from chalicelib.dispatch.model import Bounds, Claim, DeliveryKey, Fact, Status, Week, next_id
from chalicelib.dispatch.report import Reporter
from chalicelib.dispatch.store import DispatchStore
from chalicelib.errors import Conflict, JanJanError, Rejected, Transient
from chalicelib.platforms.base import OutcomeUnknown, SendRefused, Throttled
from chalicelib.ports import Proof
from tests.dispatch.test_decisions import close, counted, facts_of, in_threads, prove, resend
from tests.dispatch.world import (
    INVOCATION_S,
    RUN,
    START,
    Crash,
    World,
    address,
    empty_tables,
    person_id,
    world,
)

pytestmark = pytest.mark.usefixtures("tables")

CHANNELS = ("whatsapp", "telegram")
MEDIA = ("whatsapp", "sms", "email")
GONE = SendRefused("131026", "person")


def chat(n: int, channel: str = "telegram") -> str:
    return address(n) if channel == "whatsapp" else f"{channel}-{n}"


def reachable_over_all(people: int = 1, channels: tuple[str, ...] = CHANNELS) -> World:
    """A run to people who can be reached over each of its channels; scheduled."""
    made = world(people, channels=channels)
    for n in range(people):
        made.people.change(
            person_id(n),
            addresses={channel: chat(n, channel) for channel in channels},
            consents=frozenset(("campaigns", channel) for channel in channels),
        )
    for district, rows in made.roster.rows.items():
        made.roster.rows[district] = [replace(row, channels=channels) for row in rows]
    return made


def fresh(people: int = 1, channels: tuple[str, ...] = CHANNELS) -> World:
    """The same on empty tables: within one test many are played through."""
    empty_tables()
    return reachable_over_all(people, channels)


def work(made: World) -> None:
    """Handles what lies on the queues, oldest first, except looks at what is not settled; a message whose
    handler died comes again."""
    for _ in range(300):
        waiting = [m for m in made.plan_queue.messages if "settle" not in m[1]]
        if (
            waiting
            and min(waiting, key=due)[0] <= min(made.send_queue.messages, key=due, default=waiting[0])[0]
        ):
            plan_one(made, min(waiting, key=due))
        elif made.send_queue.messages:
            message = made.send_queue.take()
            assert message is not None
            made.send_one(message)
        else:
            return
    raise AssertionError("the queues do not run empty")


def due(message: tuple[Any, Any]) -> Any:  # noqa: ANN401
    return message[0]


def plan_one(made: World, message: tuple[Any, dict[str, Any]]) -> None:
    made.plan_queue.messages.remove(message)
    made.clock.put(max(made.clock.at, message[0]))
    try:
        made.planner().handle(message[1])
    except (Crash, JanJanError):
        made.plan_queue.put([message[1]], INVOCATION_S * 12)


def launched(made: World) -> World:
    made.launch()
    work(made)
    return made


def refused(answers: Mapping[int, JanJanError] | None = None, people: int = 1, **more: Any) -> World:
    """A run sent to all; these were refused over WhatsApp."""
    made = reachable_over_all(people, **more)
    for n, answer in (answers if answers is not None else {0: GONE}).items():
        made.platform.answers[address(n)] = [answer]
    return launched(made)


def first_key(made: World, n: int = 0) -> str:
    return next(message.key for to, message in made.platform.requests if to == address(n))


def second_key(key: str) -> str:
    read = DeliveryKey.parse(key)
    assert read is not None
    return f"{RUN}.{next_id(read.chunk, read.index)}.0.{read.attempt + 1}"


def listed(made: World, status: Status | None = None):
    return Reporter(made.store, made.platform, made.clock).deliveries(RUN, status, None, 100)[0]


def settle(made: World, look: int = 99) -> None:
    made.planner().settle(RUN, look)


# --- what falls back, and where the person counts


def test_who_failed_for_good_gets_it_over_the_next_channel_and_counts_there_alone():
    made = refused({3: GONE, 7: GONE}, people=30)
    twice = {3: 1, 7: 1}
    assert made.requests_to() == {address(n): 1 for n in range(30)} | {chat(n): 1 for n in twice}
    report = Reporter(made.store, made.platform, made.clock).report([made.runs.briefs[RUN]])
    counts = report.counts
    assert (counts.targeted, counts.planned, counts.accepted, counts.failed) == (30, 30, 30, 0)
    assert (counts.fallbacks, counts.resent, counts.late, counts.no_receipts) == (2, 0, 0, 2)
    assert {name: c.accepted for name, c in report.by_channel.items()} == {"whatsapp": 28, "telegram": 2}
    assert all(len(found) == 1 for found in made.statuses().values())


def test_the_list_links_both_attempts():
    made = refused()
    key = first_key(made)
    [first], [second] = listed(made, Status.SUPERSEDED), listed(made, Status.ACCEPTED)
    assert (first.key, first.code, first.follows, first.followed_by) == (key, "131026", None, second_key(key))
    assert (second.key, second.channel, second.follows) == (second_key(key), "telegram", key)
    assert second.followed_by is None
    assert first.times.keys() == set()


def test_a_failure_that_is_reported_later_goes_on_as_well():
    made = refused({})
    prove(made, first_key(made), "sent")
    assert made.requests_to() == {address(0): 1}
    prove(made, first_key(made), "failed")
    work(made)
    assert made.requests_to() == {address(0): 1, chat(0): 1}
    assert counted(made) is Status.ACCEPTED
    assert made.counts().fallbacks == 1


def test_each_further_channel_is_tried_in_the_runs_order_and_the_last_failure_counts():
    channels = ("whatsapp", "sms", "telegram")
    made = reachable_over_all(1, channels)
    for channel in channels:
        made.platform.answers[chat(0, channel)] = [SendRefused(f"no {channel}", "person")]
    launched(made)
    assert [to for to, _ in made.platform.requests] == [chat(0, channel) for channel in channels]
    assert counted(made) is Status.FAILED
    assert made.counts().failed_by_code == {"no telegram": 1}
    assert made.counts().fallbacks == 1
    keys = [message.key for _, message in made.platform.requests]
    assert keys == [keys[0], second_key(keys[0]), second_key(second_key(keys[0]))]
    assert all(str(DeliveryKey.parse(key)) == key for key in keys)


def test_a_channel_over_which_the_person_cannot_be_reached_is_passed_over():
    made = reachable_over_all(1, ("whatsapp", "sms", "telegram"))
    made.people.change(person_id(0), suppressed=frozenset({"sms"}))
    made.platform.answers[address(0)] = [GONE]
    launched(made)
    assert made.requests_to() == {address(0): 1, chat(0): 1}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"suppressed": frozenset({"telegram"})}, "opted_out"),
        ({"consents": frozenset({("campaigns", "whatsapp")})}, "no_consent"),
        ({"addresses": {"whatsapp": address(0)}}, "no_address"),
    ],
)
def test_who_cannot_be_reached_otherwise_stays_failed_and_the_run_ends(change, reason):
    made = reachable_over_all()
    made.people.change(person_id(0), **change)
    made.platform.answers[address(0)] = [GONE]
    launched(made)
    assert made.requests_to() == {address(0): 1}
    assert (counted(made), made.counts().failed_by_code) == (Status.FAILED, {"131026": 1})
    facts = next(t.facts[0] for t in made.tallies() if t.size)
    assert facts[Fact.LAST] == reason
    settle(made)
    assert made.runs.briefs[RUN].status == "dispatched"


def test_without_a_message_in_a_language_that_fits_nothing_follows():
    made = reachable_over_all()
    made.runs.language_for = lambda run, channel, wanted: None if channel == "telegram" else wanted  # type: ignore[method-assign]
    made.platform.answers[address(0)] = [GONE]
    launched(made)
    assert (made.requests_to(), counted(made)) == ({address(0): 1}, Status.FAILED)


def test_who_is_stopped_on_one_channel_goes_on_over_another_that_has_its_own_consent():
    made = refused({0: SendRefused("131050", "person", opted_out=True)})
    assert made.people.stopped == [("whatsapp", address(0))]
    assert made.requests_to() == {address(0): 1, chat(0): 1}


@pytest.mark.parametrize("answer", [OutcomeUnknown(), SendRefused("132000", "content")])
def test_neither_an_unknown_nor_a_refused_text_goes_on(answer):
    made = refused({0: answer})
    assert made.requests_to() == {address(0): 1}
    settle(made)
    assert made.runs.briefs[RUN].status == "dispatched"


@pytest.mark.parametrize("answer", [Throttled(5), Throttled(5, "person"), Transient()])
def test_what_was_not_sent_yet_is_sent_over_its_own_channel(answer):
    made = refused({0: answer})
    assert (made.taken_by(), made.counts().fallbacks) == ({address(0): 1}, 0)


@pytest.mark.parametrize("scope", ["content", "campaign", "channel"])
def test_a_reported_failure_that_is_not_the_persons_does_not_go_on(scope):
    made = refused({})
    key = first_key(made)
    made.tallying.record([Proof(key, "failed", START, "131049", scope)])
    made.tallying.record([Proof(key, "failed", START, "131026")])
    work(made)
    assert (made.requests_to(), counted(made)) == ({address(0): 1}, Status.FAILED)
    settle(made)
    assert made.runs.briefs[RUN].status == "dispatched"


def test_who_is_not_sent_to_for_a_reason_of_ours_is_not_sought_elsewhere():
    made = reachable_over_all()
    made.launch()
    made.people.change(person_id(0), suppressed=frozenset({"whatsapp"}))
    work(made)
    assert (made.platform.requests, counted(made)) == ([], Status.NOT_SENT)


def test_a_run_over_one_channel_asks_for_nothing():
    made = world(1)
    made.platform.answers[address(0)] = [GONE]
    launched(made)
    made.tallying.record([Proof(first_key(made), "failed", START, "131026")])
    assert not [m for _, m in made.plan_queue.messages if "fall_back" in m]
    settle(made)
    assert made.runs.briefs[RUN].status == "dispatched"


# --- when the second attempt is not made, or the first arrives after all


def one_made(made: World | None = None) -> tuple[World, str]:
    """A fallback that was made, and not sent yet; and the first key."""
    made = made or reachable_over_all()
    made.launch()
    made.plan_queue.messages.clear()
    made.platform.answers[address(0)] = [GONE]
    made.send()
    [(_, message)] = [m for m in made.plan_queue.messages if "fall_back" in m[1]]
    made.plan_queue.messages.clear()
    made.planner().handle(message)
    return made, first_key(made)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "suspended"},
        {"suppressed": frozenset({"telegram"})},
        {"consents": frozenset({("campaigns", "whatsapp")})},
        {"addresses": {"whatsapp": address(0)}},
    ],
)
def test_who_may_not_be_messaged_any_more_stays_failed(change):
    made, key = one_made()
    made.people.change(person_id(0), **change)
    made.send()
    assert made.requests_to() == {address(0): 1}
    assert (counted(made), made.counts().fallbacks) == (Status.FAILED, 0)
    assert facts_of(made, key) >= {Fact.FAILED, Fact.NEXT, Fact.KEPT}
    work(made)
    settle(made)
    assert made.runs.briefs[RUN].status == "dispatched"


@pytest.mark.parametrize("end", ["cancel", "expire"])
def test_a_run_that_is_over_sends_nothing_over_the_next_channel(end):
    made, key = one_made()
    if end == "cancel":
        made.runs.set(RUN, "cancelled")
    else:
        made.clock.move(3 * 24 * 3600)
    made.send()
    assert (made.requests_to(), counted(made)) == ({address(0): 1}, Status.FAILED)
    assert Fact.KEPT in facts_of(made, key)


@pytest.mark.parametrize("end", ["cancel", "expire"])
def test_a_failure_that_is_told_when_the_run_is_over_does_not_go_on(end):
    made = refused({})
    if end == "cancel":
        made.runs.set(RUN, "cancelled")
    else:
        made.clock.move(3 * 24 * 3600)
    made.tallying.record([Proof(first_key(made), "failed", made.clock.now(), "131026")])
    made.planner().handle(fall_back_message(RUN, first_key(made).split(".")[1]))
    work(made)
    assert (made.requests_to(), counted(made)) == ({address(0): 1}, Status.FAILED)


def test_a_run_whose_time_ends_with_failures_that_nobody_followed_ends():
    made = reachable_over_all()
    made.platform.answers[address(0)] = [GONE]
    made.launch()
    made.send()
    made.plan_queue.messages.clear()
    settle(made, 0)
    assert made.runs.briefs[RUN].status == "dispatching"
    made.clock.move(3 * 24 * 3600)
    settle(made)
    assert made.runs.briefs[RUN].status == "dispatched"


def test_a_failure_that_is_told_when_all_was_dispatched_goes_on():
    made = refused({})
    settle(made)
    assert made.runs.briefs[RUN].status == "dispatched"
    prove(made, first_key(made), "failed")
    work(made)
    assert (made.requests_to(), counted(made)) == ({address(0): 1, chat(0): 1}, Status.ACCEPTED)


def test_an_arrival_before_it_is_found_out_what_follows_holds_everything_back():
    made = refused({})
    key = first_key(made)
    made.tallying.record([Proof(key, "failed", START, "131026")])
    prove(made, key, "delivered")
    work(made)
    assert (made.requests_to(), counted(made)) == ({address(0): 1}, Status.DELIVERED)
    assert Fact.NEXT not in facts_of(made, key)


@pytest.mark.parametrize("fact", ["delivered", "read"])
def test_an_arrival_before_the_claim_holds_the_second_attempt_back_and_counts(fact):
    made, key = one_made()
    prove(made, key, fact)
    made.send()
    assert (made.requests_to(), counted(made)) == ({address(0): 1}, Status[fact.upper()])
    assert (made.counts().late, made.counts().fallbacks) == (0, 0)


def test_an_arrival_at_the_very_moment_of_the_claim_holds_it_back():
    made, key = one_made()

    class Proven(DispatchStore):
        def claim(self, wanted: Claim, bounds: Bounds) -> Week | None:
            prove(made, key)
            return super().claim(wanted, bounds)

    made.store = Proven()
    made.send()
    assert (made.requests_to(), counted(made)) == ({address(0): 1}, Status.DELIVERED)


def test_an_arrival_at_the_very_moment_of_the_decision_holds_it_back():
    made = refused({})
    key = first_key(made)
    made.tallying.record([Proof(key, "failed", START, "131026")])

    class Proven(DispatchStore):
        def fall_back(self, *args: Any) -> bool:
            prove(made, key)
            return super().fall_back(*args)

    made.store = Proven()
    work(made)
    assert (made.requests_to(), counted(made)) == ({address(0): 1}, Status.DELIVERED)


def test_what_another_finder_has_ruled_out_at_the_same_moment_does_not_go_on():
    made = refused({})
    key = first_key(made)
    made.tallying.record([Proof(key, "failed", START, "131026")])

    class RuledOut(DispatchStore):
        def fall_back(self, before: DeliveryKey, *args: Any) -> bool:
            self.record(RUN, before.chunk, {before.index: {Fact.LAST: "no_consent"}})
            return super().fall_back(before, *args)

    made.store = RuledOut()
    work(made)
    assert (made.requests_to(), counted(made)) == ({address(0): 1}, Status.FAILED)
    assert Fact.NEXT not in facts_of(made, key)


def test_an_arrival_after_the_claim_is_told_apart_as_late():
    made, key = one_made()
    made.send()
    prove(made, key, "delivered")
    assert counted(made) is Status.ACCEPTED
    assert (made.counts().delivered, made.counts().late, made.counts().fallbacks) == (0, 1, 1)


@pytest.mark.parametrize("fact", ["sent", "failed"])
def test_words_that_prove_no_arrival_change_nothing(fact):
    made, key = one_made()
    prove(made, key, fact)
    made.send()
    assert (made.requests_to(), counted(made)) == ({address(0): 1, chat(0): 1}, Status.ACCEPTED)


def test_an_expiry_between_claim_and_request_holds_the_second_attempt_back():
    made, key = one_made()

    class Slow(DispatchStore):
        def claim(self, wanted: Claim, bounds: Bounds) -> Week | None:
            standing = super().claim(wanted, bounds)
            made.clock.move(3 * 24 * 3600)
            return standing

    made.store = Slow()
    made.send()
    assert (made.requests_to(), counted(made)) == ({address(0): 1}, Status.FAILED)
    assert Fact.KEPT in facts_of(made, key)


def test_pauses_and_stops_hold_the_second_attempt_as_any_other():
    made, _ = one_made()
    made.stop("channel:telegram")
    made.clock.move(3)
    made.send_one(made.send_queue.take())  # type: ignore[arg-type]
    made.runs.set(RUN, "paused")
    made.lift("channel:telegram")
    made.send_one(made.send_queue.take())  # type: ignore[arg-type]
    assert (made.requests_to(), counted(made)) == ({address(0): 1}, Status.PLANNED)
    made.runs.set(RUN, "dispatching")
    made.clock.move(120)
    made.send()
    assert (made.requests_to(), counted(made)) == ({address(0): 1, chat(0): 1}, Status.ACCEPTED)


@pytest.mark.parametrize("answer", [Throttled(2), Throttled(2, "person"), Transient()])
def test_a_second_attempt_that_must_wait_goes_out_later_and_once(answer):
    made, _ = one_made()
    made.platform.answers[chat(0)] = [answer]
    made.send()
    assert (made.taken_by(), counted(made)) == ({chat(0): 1}, Status.ACCEPTED)


def test_a_second_attempt_without_an_answer_is_unknown_and_goes_nowhere():
    made, _ = one_made()
    made.platform.answers[chat(0)] = [OutcomeUnknown()]
    made.send()
    work(made)
    settle(made)
    assert (made.requests_to(), counted(made)) == ({address(0): 1, chat(0): 1}, Status.UNKNOWN)
    assert made.runs.briefs[RUN].status == "dispatched"


# --- beside a person's decisions


def test_an_unknown_second_attempt_can_be_sent_again_once():
    made, key = one_made()
    made.platform.answers[chat(0)] = [OutcomeUnknown(), OutcomeUnknown()]
    made.send()
    again = resend(made, second_key(key)).resend
    work(made)
    assert made.requests_to() == {address(0): 1, chat(0): 2}
    assert (counted(made), made.counts().resent, made.counts().fallbacks) == (Status.UNKNOWN, 1, 1)
    with pytest.raises(Conflict, match="sent twice"):
        resend(made, again)


def test_what_was_sent_again_by_a_decision_and_failed_goes_nowhere_by_itself():
    made = refused({0: OutcomeUnknown()})
    made.platform.answers[address(0)] = [GONE]
    resend(made, first_key(made))
    work(made)
    settle(made)
    assert (made.requests_to(), counted(made)) == ({address(0): 2}, Status.FAILED)
    assert made.runs.briefs[RUN].status == "dispatched"


@pytest.mark.parametrize("decide", [resend, close])
def test_a_failure_that_is_told_after_a_decision_goes_nowhere_by_itself(decide):
    made = refused({0: OutcomeUnknown()})
    decide(made, first_key(made))
    prove(made, first_key(made), "failed")
    work(made)
    settle(made)
    assert (made.requests_to(), counted(made)) == ({address(0): 1}, Status.FAILED)
    assert made.runs.briefs[RUN].status == "dispatched"


def test_an_unknown_that_turns_out_failed_goes_on_and_cannot_be_decided_any_more():
    made = refused({0: OutcomeUnknown()})
    prove(made, first_key(made), "failed")
    work(made)
    assert (made.requests_to(), counted(made)) == ({address(0): 1, chat(0): 1}, Status.ACCEPTED)
    with pytest.raises(Conflict):
        resend(made, first_key(made))


# --- WhatsApp, then SMS, then email


def test_who_is_reached_neither_over_whatsapp_nor_by_sms_gets_an_email_and_counts_there_alone():
    made = fresh(2, MEDIA)
    made.platform.answers = {address(0): [GONE], chat(0, "sms"): [SendRefused("9", "person")]}
    launched(made)
    assert made.requests_to() == {address(0): 1, address(1): 1, chat(0, "sms"): 1, chat(0, "email"): 1}
    report = Reporter(made.store, made.platform, made.clock).report([made.runs.briefs[RUN]])
    assert (report.counts.planned, report.counts.accepted, report.counts.fallbacks) == (2, 2, 1)
    assert {name: counts.accepted for name, counts in report.by_channel.items()} == {
        "email": 1,
        "sms": 0,
        "whatsapp": 1,
    }


def test_a_failure_reported_by_the_gateway_goes_on_by_email_once_however_often_it_is_told():
    made = refused({0: GONE}, channels=MEDIA)
    failed = Proof(second_key(first_key(made)), "failed", START, "9")
    for _ in range(3):
        made.tallying.record([failed])
        work(made)
    assert made.requests_to() == {address(0): 1, chat(0, "sms"): 1, chat(0, "email"): 1}
    assert counted(made) is Status.ACCEPTED


def test_a_stop_by_sms_after_whatsapp_failed_leaves_the_email():
    made = reachable_over_all(channels=MEDIA)
    made.platform.answers = {address(0): [GONE]}
    made.launch()
    for message in [m for m in [made.send_queue.take()] if m]:
        made.send_one(message)
    made.people.change(person_id(0), suppressed=frozenset({"whatsapp", "sms"}))
    work(made)
    assert made.requests_to() == {address(0): 1, chat(0, "email"): 1}


def test_what_is_refused_for_its_content_does_not_go_on():
    made = fresh(2, ("sms", "email"))
    made.platform.answers = {
        chat(n, "sms"): [SendRefused("words_not_registered", "content")] for n in range(2)
    }
    launched(made)
    assert set(made.requests_to()) == {chat(0, "sms"), chat(1, "sms")}
    counts = made.counts()
    assert (counts.failed, counts.accepted, counts.in_progress) == (2, 0, 0)


# --- copies, lost messages, races, crashes


def test_any_number_of_copies_makes_one_second_attempt():
    made, key = one_made()
    chunk = DeliveryKey.parse(key).chunk  # type: ignore[union-attr]
    for _ in range(3):
        made.planner().handle(fall_back_message(RUN, chunk))
        made.send_one({"run": RUN, "chunk": chunk})
    work(made)
    made.planner().handle(fall_back_message(RUN, chunk))
    work(made)
    assert (made.requests_to(), counted(made)) == ({address(0): 1, chat(0): 1}, Status.ACCEPTED)


def test_the_run_does_not_end_before_it_is_known_what_follows_and_the_tick_finds_what_was_lost():
    made = reachable_over_all()
    made.platform.answers[address(0)] = [GONE]
    made.launch()
    made.send()
    made.plan_queue.messages.clear()  # what was queued after the failure is lost
    settle(made)
    assert made.runs.briefs[RUN].status == "dispatching"
    work(made)
    assert made.requests_to() == {address(0): 1, chat(0): 1}
    settle(made)
    assert made.runs.briefs[RUN].status == "dispatched"


def test_a_second_attempt_whose_message_was_lost_is_revived():
    made, _ = one_made()
    made.send_queue.messages.clear()
    made.clock.move(3600)
    made.planner().settle(RUN, 99, revive=True)
    work(made)
    assert made.requests_to() == {address(0): 1, chat(0): 1}


def test_failures_that_are_reported_again_and_again_add_no_messages():
    made = reachable_over_all(20)
    made.launch()
    made.send()
    made.stop("channel:telegram")
    keys = [message.key for _, message in made.platform.requests]
    for key in keys * 3:
        made.tallying.record([Proof(key, "failed", START, "131026")])
        made.plan()
    assert len(made.send_queue.messages) == 2 * 20  # one at once, one in case that one is lost


def test_a_write_that_is_in_the_way_is_waited_for():
    made = refused({})
    made.tallying.record([Proof(first_key(made), "failed", START, "131026")])
    busy = [Transient(), Transient()]

    class Busy(DispatchStore):
        def fall_back(self, *args: Any) -> bool:
            if busy:
                raise busy.pop()
            return super().fall_back(*args)

    made.store = Busy()
    work(made)
    assert (busy, made.requests_to()) == ([], {address(0): 1, chat(0): 1})


def test_a_write_that_is_in_the_way_for_long_loses_nobody():
    made = refused({0: GONE, 2: GONE}, people=3)
    assert made.requests_to()[chat(2)] == 1
    made = fresh(3)
    made.platform.answers = {address(n): [GONE] for n in range(3)}
    calls = []

    class Busy(DispatchStore):
        def fall_back(self, before: DeliveryKey, *args: Any) -> bool:
            calls.append(before.index)
            if 1 < len(calls) < 8:
                raise Transient
            return super().fall_back(before, *args)

    made.store = Busy()
    launched(made)
    assert made.taken_by() == {chat(n): 1 for n in range(3)}


def test_a_chunk_that_does_not_exist_is_told():
    with pytest.raises(Rejected):
        refused().planner().handle(fall_back_message(RUN, "00990099000"))


def test_of_many_who_find_the_same_failures_one_makes_what_follows():
    made = reachable_over_all(5)
    made.platform.answers = {address(n): [GONE] for n in range(5)}
    made.launch()
    made.send()
    messages = [m for _, m in made.plan_queue.messages if "fall_back" in m]
    start = Barrier(4)

    def find() -> None:
        start.wait()
        for message in messages:
            with suppress(Transient):
                made.planner().handle(message)

    in_threads([find] * 4)
    work(made)
    assert made.requests_to() == {address(n): 1 for n in range(5)} | {chat(n): 1 for n in range(5)}
    assert made.counts().fallbacks == 5


@pytest.mark.parametrize(("channels", "least"), [(CHANNELS, 12), (MEDIA, 20)])
def test_a_crash_before_or_after_any_step_from_failure_to_second_result_loses_nobody_and_sends_nobody_twice(
    channels: tuple[str, ...], least: int
):
    for after in (False, True):
        steps = next(at for at in range(1, 80) if not _survived(at, after=after, channels=channels))
        assert steps > least


def _survived(at: int, *, after: bool, channels: tuple[str, ...]) -> bool:
    """Whether this step was reached; what became of everybody when the process died there. All channels but
    the last refuse everybody."""
    made = fresh(2, channels)
    made.launch()
    made.platform.answers = {chat(n, one): [GONE] for n in range(2) for one in channels[:-1]}
    made.faults.calls, made.faults.at, made.faults.after = 0, at, after
    made.faults.seen.clear()
    work(made)
    where = f"{'after' if after else 'before'} call {at}: {made.faults.seen[:at]}"
    assert all(count == 1 for count in made.requests_to().values()), where
    counts = made.counts()
    assert (counts.targeted, counts.in_progress) == (2, 0), where
    for statuses in made.statuses().values():
        assert statuses in ([Status.ACCEPTED], [Status.UNKNOWN]), where
    assert counts.unknown <= 1, where
    assert counts.accepted == counts.fallbacks == 2 or counts.unknown, where
    settle(made)
    assert made.runs.briefs[RUN].status == "dispatched", where
    return made.faults.calls >= at


def test_a_crash_while_a_reported_failure_is_taken_in_loses_nothing():
    for after, at in product((False, True), (1, 2)):
        made = fresh()
        launched(made)
        key = first_key(made)
        made.faults.calls, made.faults.at, made.faults.after = 0, at, after
        proof = Proof(key, "failed", START, "131026")
        with pytest.raises(Crash):
            made.callbacks().record([proof])
        made.callbacks().record([proof])  # its letter comes again
        work(made)
        assert (made.requests_to(), counted(made)) == ({address(0): 1, chat(0): 1}, Status.ACCEPTED), (
            after,
            at,
        )


def test_a_queue_that_is_down_after_the_failure_makes_the_callbacks_come_again():
    made = refused({})
    made.tallying.record([])

    def down(bodies: Any, delay_s: float = 0) -> int:
        if list(bodies):
            raise Transient
        return 0

    put = made.plan_queue.put
    made.plan_queue.put = down  # type: ignore[method-assign, assignment]
    proof = Proof(first_key(made), "failed", START, "131026")
    with pytest.raises(Transient):
        made.tallying.record([proof])
    made.plan_queue.put = put  # type: ignore[method-assign]
    made.tallying.record([proof])
    work(made)
    assert made.requests_to() == {address(0): 1, chat(0): 1}


def test_whatever_the_order_of_failure_arrival_and_sending_one_place_counts():
    for order in permutations(("fail", "arrive", "follow", "send")):
        made = fresh()
        launched(made)
        key = first_key(made)
        chunk = DeliveryKey.parse(key).chunk  # type: ignore[union-attr]
        for step in order:
            if step == "fail":
                made.tallying.record([Proof(key, "failed", START, "131026")])
            elif step == "arrive":
                prove(made, key)
            elif step == "follow":
                made.planner().handle(fall_back_message(RUN, chunk))
            else:
                made.send()
        work(made)
        again = made.requests_to()[chat(0)]
        assert again <= 1, order
        assert counted(made) is (Status.ACCEPTED if again else Status.DELIVERED), order
        assert made.counts().late == again, order
        if order.index("arrive") < max(order.index("fail"), order.index("follow")):
            assert not again, order


STEPS = (
    "fail",
    "arrive",
    "second fails",
    "second arrives",
    "follow",
    "send",
    "copies",
    "stop telegram",
    "lift",
    "wait",
    "resend",
    "tick",
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(STEPS), min_size=2, max_size=8),
    st.one_of(st.none(), st.integers(1, 20)),
    st.booleans(),
    st.sampled_from([None, GONE, OutcomeUnknown(), Throttled(2)]),
    st.sampled_from([None, GONE, OutcomeUnknown(), Throttled(2)]),
)
def test_whatever_happens_in_whatever_order_each_channel_asks_once_and_one_place_counts(
    steps, dies_at, after, first, second
):
    made = fresh()
    made.launch()
    made.platform.answers = {address(0): [first], chat(0): [second]}
    made.faults.calls, made.faults.at, made.faults.after = 0, dies_at, after
    chunk = next(t.chunk for t in made.tallies())
    for step in steps:
        with suppress(Crash, JanJanError):
            play(made, step, f"{RUN}.{chunk}.0.1")
        assert len(made.statuses()[person_id(0)]) == 1
    made.faults.at = None
    work(made)
    facts = facts_of(made, f"{RUN}.{chunk}.0.1")
    keys = [message.key for _, message in made.platform.taken]
    assert len(keys) == len(set(keys))
    assert counted(made) is not Status.PLANNED
    if made.taken_by()[chat(0)]:
        assert Fact.FAILED in facts
        assert made.counts().fallbacks == 1
    assert not {Fact.NEXT, Fact.RESENT} <= facts
    settle(made)
    work(made)
    settle(made)
    assert made.runs.briefs[RUN].status == "dispatched"


def play(made: World, step: str, key: str) -> None:
    facts = {"fail": "failed", "arrive": "delivered", "second fails": "failed", "second arrives": "delivered"}
    chunk, following = key.split(".")[1], second_key(key)
    if step in facts:
        about = following if "second" in step else key
        if any(message.key == about for _, message in made.platform.taken):
            code = "131026" if facts[step] == "failed" else ""
            made.callbacks().record([Proof(about, facts[step], START + timedelta(hours=1), code)])  # type: ignore[arg-type]
    elif step == "follow":
        made.planner().handle(fall_back_message(RUN, chunk))
    elif step == "send":
        made.send()
    elif step == "copies":
        for one in (chunk, following.split(".")[1]):
            made.send_one({"run": RUN, "chunk": one})
    elif step == "wait":
        made.clock.move(120)
    elif step == "resend":
        resend(made, key)
    elif step == "tick":
        settle(made)
    else:
        stopped = frozenset({"telegram"}) if step == "stop telegram" else frozenset()
        made.people.change(person_id(0), suppressed=stopped)
