"""Claims, attempts and tallies as a machine that hypothesis drives: one person, three runs of one week, and
at each step some sender claims, asks, writes down, gives back or dies, a proof comes, or somebody decides.

The senders' own steps are the real ones, taken apart, so that those of several interleave as they like.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chalicelib.dispatch.model import (
    PROOFS,
    Claim,
    DeliveryKey,
    Fact,
    Facts,
    Page,
    Status,
    Ticket,
    origin_of,
    total,
)
from chalicelib.dispatch.sender import ANSWER_S, REQUEST_S, Sender, Work
from chalicelib.errors import Conflict
from chalicelib.platforms.base import OutcomeUnknown, SendRefused, Throttled
from chalicelib.ports import Proof
from tests.conftest import LOOPBACK
from tests.dispatch.world import INVOCATION_S, RUN, START, address, empty_tables, person_id, world

pytestmark = [pytest.mark.usefixtures("either_engine"), pytest.mark.allow_hosts(LOOPBACK), pytest.mark.slow]

CAP, GAP_S = 1, 6.0
EMERGENCY = f"cmp_{'e' * 16}-1"
RUNS = (RUN, f"cmp_{'b' * 16}-1", EMERGENCY)
FIRST, SECOND = "00000000000", "00000001000"
PLACES = [(RUN, FIRST), (RUN, SECOND), *((run, FIRST) for run in RUNS[1:])]
"""The first run's audience finds the person twice."""
ANSWERS = [None, OutcomeUnknown(), Throttled(2, scope="person"), SendRefused("131026", "person")]
EXAMPLES, STEPS = 30, 20
"""About a quarter of a minute; the same examples each time. For more of them raise the first."""


@dataclass(eq=False)
class Invocation:
    """A sender at work on one place: what it does next is the machine's choice."""

    sender: Sender
    work: Work
    claim: Claim
    state: str = "new"
    gave_back: bool = False


class Dispatch(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        empty_tables()
        self.made = made = world(1)
        made.weekly_cap, made.platform.pair_gap_s = CAP, GAP_S
        self.contact = made.people.rows[person_id(0)]
        brief = replace(made.runs.briefs[RUN], status="dispatching", expires_at=START + timedelta(days=99))
        for run in RUNS:
            kind = "emergency" if run == EMERGENCY else "awareness"
            made.runs.briefs[run] = replace(brief, run_id=run, kind=kind)
        for run, chunk in PLACES:
            page_no = int(chunk[4:8])
            groups = {"whatsapp hi": (person_id(0),)}
            made.store.write_chunks(Page(run, 0, page_no, "D1", groups, {}, None), 0)
        self.at_work: list[Invocation] = []
        self.known: dict[tuple[str, str], tuple[Facts, Status]] = {}
        self.touched: set[str] = set(RUNS)
        self.claimed_at: tuple[str, float] = ("", 0.0)

    # --- what senders do

    def places(self, *statuses: Status) -> list[tuple[str, str]]:
        """Where the person stands so, as far as the machine has looked."""
        return sorted(place for place, (_, status) in self.known.items() if status in statuses)

    @precondition(lambda self: self.places(Status.PLANNED))
    @rule(n=st.integers(0, 9))
    def begin(self, n: int) -> None:
        waiting = self.places(Status.PLANNED)
        run, chunk = waiting[n % len(waiting)]
        found = self.made.store.chunk(run, chunk)
        assert found is not None
        brief, channel = self.made.runs.briefs[run], self.made.platform.channel_for("whatsapp")
        deadline, ticket = self.made.clock.epoch() + INVOCATION_S, Ticket(run, chunk)
        work = Work(brief, found[0], channel, ticket, f"sender{len(self.at_work)}", deadline)
        self.at_work.append(Invocation(self.made.sender(), work, work.claim(0)))

    # In one go, so that much can have happened before the next step.

    @precondition(lambda self: self.places(Status.PLANNED))
    @rule(n=st.integers(0, 9), answer=st.sampled_from(ANSWERS), dies=st.booleans())
    def send(self, n: int, answer: Any, dies: bool = False) -> None:
        self.hold(n)
        one = self.at_work[-1]
        if one.state == "held":
            self.let_ask(one, answer)
            self.made.clock.move(INVOCATION_S if dies else 0)
            self.let_write_down(one)

    @precondition(lambda self: self.places(Status.PLANNED))
    @rule(n=st.integers(0, 9))
    def hold(self, n: int) -> None:
        self.begin(n)
        self.let_take(self.at_work[-1], answer_lost=False)

    @precondition(lambda self: self.places(Status.PLANNED))
    @rule(n=st.integers(0, 9))
    def turn_away(self, n: int) -> None:
        self.begin(n)
        self.let_find_a_reason(self.at_work[-1])

    @initialize(before=st.sampled_from(["nothing", "gave back", "died", "unknown", "decided", "proven"]))
    def something_has_happened(self, before: str) -> None:
        self.look()
        if before == "gave back":
            self.hold(0)
            self.let_give_back(self.at_work[-1])
            self.hold(0)
            self.give_back_a_second_time(0)
        elif before != "nothing":
            self.send(0, OutcomeUnknown(), dies=before == "died")
            self.look()
        if before in ("decided", "proven"):
            self.decide(0, "resend")
            self.look()
        if before == "proven":
            self.prove(0, "delivered")

    # Step by step.

    def some(self, *states: str) -> list[Invocation]:
        return [one for one in self.at_work if one.state in states]

    def pick(self, n: int, *states: str) -> Invocation:
        found = self.some(*states)
        one = found[-1 - n % len(found)]
        self.touched.add(one.claim.run)
        return one

    @precondition(lambda self: self.some("new"))
    @rule(n=st.integers(0, 9), answer_lost=st.booleans())
    def take(self, n: int, answer_lost: bool) -> None:
        self.let_take(self.pick(n, "new"), answer_lost)

    def let_take(self, one: Invocation, answer_lost: bool) -> None:
        one.state = "over"
        self.touched.add(one.claim.run)
        if self.made.clock.epoch() + REQUEST_S > one.work.deadline:
            return
        if answer_lost:  # the SDK asks again
            one.sender.store.claim(one.claim, one.sender._bounds(one.work))
        if one.sender._is_ours(one.work, one.claim):
            one.state = "held"
            run, at = self.claimed_at
            assert run in ("", one.claim.run) or self.made.clock.epoch() - at >= GAP_S
            self.claimed_at = (one.claim.run, self.made.clock.epoch())
            if (before := origin_of(one.claim.chunk)) is not None:
                first = self.made.store.chunk(one.claim.run, before[0])
                assert first is not None and not first[1].facts[0].keys() & set(PROOFS)
        one.sender._flush(one.work)

    @precondition(lambda self: self.some("new"))
    @rule(n=st.integers(0, 9))
    def find_a_reason_against(self, n: int) -> None:
        self.let_find_a_reason(self.pick(n, "new"))

    def let_find_a_reason(self, one: Invocation) -> None:
        self.touched.add(one.claim.run)
        one.sender._not_sent(one.work, one.claim, "opted_out")
        one.sender._flush(one.work)
        one.state = "over"

    @precondition(lambda self: self.some("held"))
    @rule(n=st.integers(0, 9), answer=st.sampled_from(ANSWERS))
    def ask(self, n: int, answer: Any) -> None:
        self.let_ask(self.pick(n, "held"), answer)

    def let_ask(self, one: Invocation, answer: Any) -> None:
        if self.made.clock.epoch() + ANSWER_S > one.work.deadline:
            return
        self.made.platform.answers[address(0)] = [answer]
        key = str(one.work.chunk.key(0))
        message = self.made.runs.message(one.claim.run, "whatsapp", "hi", self.contact)
        one.sender._request(one.work, one.claim, self.contact, replace(message, key=key))
        one.state, one.gave_back = "answered", isinstance(answer, Throttled)

    @precondition(lambda self: self.some("answered"))
    @rule(n=st.integers(0, 9))
    def write_down(self, n: int) -> None:
        self.let_write_down(self.pick(n, "answered"))

    def let_write_down(self, one: Invocation) -> None:
        if self.made.clock.epoch() < one.work.deadline:
            one.sender._flush(one.work)
        one.state = "over"

    @precondition(lambda self: self.some("held"))
    @rule(n=st.integers(0, 9))
    def give_back(self, n: int) -> None:
        self.let_give_back(self.pick(n, "held"))

    def let_give_back(self, one: Invocation) -> None:
        if self.made.clock.epoch() < one.work.deadline:
            one.sender.store.release(one.claim)
            one.gave_back = True
        one.state = "over"

    @precondition(lambda self: any(one.gave_back for one in self.at_work))
    @rule(n=st.integers(0, 9))
    def give_back_a_second_time(self, n: int) -> None:
        gave_back = [one for one in self.at_work if one.gave_back]
        one = gave_back[-1 - n % len(gave_back)]
        self.touched.add(one.claim.run)
        one.sender.store.release(one.claim)

    @precondition(lambda self: self.some("new", "held", "answered"))
    @rule(n=st.integers(0, 9))
    def die(self, n: int) -> None:
        self.pick(n, "new", "held", "answered").state = "over"

    # --- what else happens

    @property
    def taken(self) -> list[str]:
        return [message.key for _, message in self.made.platform.taken]

    @precondition(lambda self: self.taken)
    @rule(n=st.integers(0, 9), fact=st.sampled_from(["sent", "delivered", "read", "failed"]))
    def prove(self, n: int, fact: Any) -> None:
        key = self.taken[n % len(self.taken)]
        self.touched.add(key.partition(".")[0])
        assert self.made.tallying.record([Proof(key, fact, self.made.clock.now(), "131026")]) == []

    @precondition(lambda self: self.places(Status.UNKNOWN))
    @rule(n=st.integers(0, 9), decision=st.sampled_from(["resend", "resend", "close"]))
    def decide(self, n: int, decision: Any) -> None:
        unknown = self.places(Status.UNKNOWN)
        run, chunk = unknown[n % len(unknown)]
        self.touched.add(run)
        with suppress(Conflict):
            key = f"{run}.{chunk}.0.{1 if origin_of(chunk) is None else 2}"
            self.made.decisions().decide("approver", key, decision, "The booth has asked.")

    @rule(seconds=st.sampled_from([0.5, 3.0, 7.0, 70.0]))
    def wait(self, seconds: float) -> None:
        self.made.clock.move(seconds)

    # --- what always holds

    @invariant()
    def at_most_one_may_ask_for_a_run(self) -> None:
        now = self.made.clock.epoch()
        may_ask = [one.claim.run for one in self.some("held") if now + ANSWER_S <= one.work.deadline]
        assert len(may_ask) == len(set(may_ask))

    @invariant()
    def nobody_is_asked_twice_without_a_decision(self) -> None:
        keys = [DeliveryKey.parse(key) for key in self.taken]
        assert len(set(self.taken)) == len(self.taken)
        for key in keys:
            assert key is not None
            others = [other for other in keys if other and other.run == key.run and other != key]
            assert all({key.attempt, other.attempt} == {1, 2} for other in others)

    @invariant()
    def the_week_holds_no_more_than_the_cap(self) -> None:
        runs = {key.partition(".")[0] for key in self.taken}
        assert len(runs - {EMERGENCY}) <= CAP

    @invariant()
    def facts_only_grow_and_a_person_counts_at_one_place(self) -> None:
        self.look()

    def look(self) -> None:
        for run in self.touched:
            counting = []
            for tally in self.made.store.tallies(run, consistent=True):
                facts, (before, _) = tally.facts.get(0, {}), self.known.get((run, tally.chunk), ({}, None))
                assert {fact: facts.get(fact) for fact in before} == dict(before)
                self.known[run, tally.chunk] = facts, tally.status(0)
                assert not {Fact.RESENT, Fact.CLOSED} <= facts.keys()
                if tally.status(0) not in (Status.PLANNED, Status.SUPERSEDED):
                    counting.append(tally.chunk)
            assert len(counting) <= 1, (run, counting)
        self.touched.clear()

    def teardown(self) -> None:
        """Whoever is left comes to an end, and then the sums of the contract hold."""
        self.at_work.clear()
        for _ in range(12):
            self.touched = set(RUNS)
            self.look()
            if not (waiting := self.places(Status.PLANNED)):
                break
            for n in range(len(waiting)):
                self.made.clock.move(INVOCATION_S + 10)
                self.send(n, None)
        self.nobody_is_asked_twice_without_a_decision()
        self.the_week_holds_no_more_than_the_cap()
        for run in RUNS:
            counts = total(self.made.store.tallies(run, consistent=True))
            outcomes = counts.accepted + counts.failed + counts.unknown + counts.not_sent.total()
            assert (counts.targeted, counts.planned, counts.in_progress, outcomes) == (1, 1, 0, 1), run


def test_whatever_senders_proofs_and_deciders_do_nobody_is_sent_twice_and_everybody_counts_once():
    checked = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Dispatch, settings=checked)
