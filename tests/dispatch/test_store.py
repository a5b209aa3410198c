"""What the store promises to whoever comes second, on both engines (conftest.py)."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier, Thread

import boto3
import pytest
from botocore.exceptions import ClientError
from pynamodb.exceptions import UpdateError

from chalicelib.dispatch.model import (
    Bounds,
    Claim,
    Fact,
    Page,
    Verdict,
    Week,
    again_id,
    judge_claim,
    moment,
)
from chalicelib.dispatch.store import DispatchStore, WeekItem
from tests.conftest import LOOPBACK
from tests.dispatch.conftest import AMAZONS, ENGINES
from tests.dispatch.world import RUN

pytestmark = [pytest.mark.usefixtures("either_engine"), pytest.mark.allow_hosts(LOOPBACK)]
NOW = 1_700_000_000.0
CLAIM = Claim("inf_1", "2023-46", RUN, "00000000000", 3, 1, "me", NOW + 60)
ANY = Bounds(NOW)
CAP = 3


@pytest.mark.skipif(AMAZONS not in ENGINES, reason="needs DYNAMODB_LOCAL_JAR and java on the PATH")
def test_all_of_this_holds_on_amazons_own_engine_too(either_engine):
    assert DispatchStore().stops() == []


@pytest.fixture
def store() -> DispatchStore:
    return DispatchStore()


def test_the_page_that_was_frozen_first_counts(store):
    first = Page(RUN, 0, 0, "D1", {"whatsapp hi": ("inf_1",)}, {"no_channel": 2}, "next")
    second = replace(first, groups={"whatsapp hi": ("inf_2",)}, after=None)
    assert store.freeze(first) == first
    assert store.freeze(second) == first
    assert store.page(RUN, 0, 0) == first
    assert store.page(RUN, 0, 1) is None


def test_a_claim_is_taken_once_and_tells_the_second_who_holds_it(store):
    other = replace(CLAIM, token="other")
    assert store.week(CLAIM) == Week()
    assert store.claim(CLAIM, ANY) is None
    assert store.claim(other, ANY) == store.week(other) == Week(CLAIM, counted=1)
    assert store.week(replace(CLAIM, person="inf_2")) == Week()
    assert store.week(replace(CLAIM, run="cmp_x-1")) == Week(None, counted=1, last=NOW)


def test_only_its_holder_gives_a_claim_back_and_then_the_same_place_may_take_it(store):
    other = replace(CLAIM, token="other")
    store.claim(CLAIM, ANY)
    store.release(other)
    assert store.claim(other, ANY).claim == CLAIM
    store.release(CLAIM)
    elsewhere = replace(other, chunk="00000000001")
    given_back = replace(CLAIM, token="", until=0, released=True)
    assert store.claim(elsewhere, ANY) == Week(given_back, counted=0)
    assert store.claim(other, ANY) is None
    store.release(CLAIM)
    assert store.week(CLAIM) == Week(other, counted=1)


def test_a_persons_history_is_one_query(store):
    for week, n in (("2023-46", 1), ("2023-46", 2), ("2023-47", 3)):
        store.claim(replace(CLAIM, week=week, run=f"cmp_x-{n}"), ANY)
    store.claim_service("inf_1", "welcome", "me", NOW)
    assert store.history("inf_1") == ["cmp_x-1", "cmp_x-2", "cmp_x-3"]
    assert store.history("inf_2") == []


def numbered(n: int, **changes) -> Claim:
    return replace(CLAIM, **{"run": f"cmp_aaaaaaaaaaaaaaaa-{n}", "token": f"holder-{n}"} | changes)


def test_a_person_gets_as_many_runs_of_a_week_as_the_cap_says_and_no_more(store):
    bounds = Bounds(NOW, cap=CAP)
    refused = [store.claim(numbered(n), bounds) for n in range(CAP + 2)]
    assert refused == [None] * CAP + [Week(None, counted=CAP, last=NOW)] * 2
    assert judge_claim(refused[-1], numbered(9), bounds) is Verdict.FULL
    assert store.claim(numbered(9, week="2023-47"), bounds) is None
    assert store.claim(numbered(9, person="inf_2"), bounds) is None


def test_whoever_asks_again_under_a_full_week_finds_their_own_claim_and_counts_once(store):
    bounds = Bounds(NOW, cap=1)
    assert store.claim(CLAIM, bounds) is None
    for _ in range(3):
        week = store.claim(CLAIM, bounds)
        assert week == Week(CLAIM, counted=1)
        assert judge_claim(week, CLAIM, bounds) is Verdict.OURS


def test_what_is_given_back_makes_room_once(store):
    bounds = Bounds(NOW, cap=1)
    store.claim(numbered(0), bounds)
    for _ in range(2):
        store.release(numbered(0))
    assert store.week(numbered(0)).counted == 0
    assert [store.claim(numbered(n), bounds) is None for n in (1, 2, 0)] == [True, False, False]
    store.release(numbered(1))
    assert store.claim(numbered(0), bounds) is None


def test_what_is_exempt_neither_asks_for_room_nor_takes_any(store):
    bounds, exempt = Bounds(NOW, cap=1), [numbered(n, counts=False) for n in range(3)]
    assert [store.claim(claim, bounds) for claim in exempt] == [None] * 3
    assert store.claim(numbered(3), bounds) is None
    assert store.claim(numbered(4, counts=False), bounds) is None
    store.release(exempt[0])
    assert store.week(exempt[1]) == Week(exempt[1], counted=1, last=NOW)


def test_two_messages_to_one_person_keep_their_distance(store):
    def tries(n: int, at: float) -> float:
        bounds = Bounds(NOW + at, gap_s=6.0)
        week = store.claim(numbered(n), bounds)
        return 0.0 if week is None else bounds.wait_s(week)

    assert [tries(1, 0), tries(2, 2), tries(2, 6), tries(3, 6)] == [0.0, 4.0, 0.0, 6.0]
    assert tries(4, -3600) == 0.0  # a clock that was set back holds nobody up


def test_whoever_gave_a_claim_back_is_not_held_up_by_it_and_others_are(store):
    bounds = Bounds(NOW, gap_s=6.0)
    store.claim(CLAIM, bounds)
    store.release(CLAIM)
    assert bounds.wait_s(store.claim(numbered(2), bounds)) == 6.0
    assert store.claim(CLAIM, bounds) is None


def test_ten_claims_of_a_week_with_the_longest_names_share_a_kilobyte(store):
    for n in range(10):
        place = {"index": 24, "chunk": "00390499019", "counts": n % 2 == 0}
        store.claim(numbered(100 + n, token="1234abcd~" + "t" * 12, person="inf_" + "a" * 16, **place), ANY)
    item = boto3.client("dynamodb").get_item(
        TableName="janjan-local-ledger", Key={"pk": {"S": "inf_" + "a" * 16}, "sk": {"S": "w2023-46"}}
    )["Item"]
    entries = {name: len(name) + len(value["S"]) for name, value in item.items() if name.startswith("cmp_")}
    assert len(entries) == 10 and max(entries.values()) <= 85
    rest = sum(len(name) + len(str(*value.values())) for name, value in item.items() if name not in entries)
    assert sum(entries.values()) + rest < 1024


def test_of_many_runs_at_once_to_one_person_exactly_the_cap_gets_through(store):
    runs, start, through = 12, Barrier(12), []
    bounds = Bounds(NOW, cap=CAP)

    def work(claim: Claim) -> None:
        start.wait()
        if store.claim(claim, bounds) is None:
            through.append(claim)

    for gone in range(3):
        in_threads([lambda n=n: work(numbered(n)) for n in range(runs)])
        assert len(through) == CAP, gone
        assert store.week(CLAIM).counted == CAP
        in_threads([lambda claim=claim: store.release(claim) for claim in through])
        through.clear()
        assert store.week(CLAIM).counted == 0


def in_threads(jobs) -> None:
    threads = [Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_place_is_kept_for_whom_nothing_is_sent_and_no_other_place_claims_them(store):
    elsewhere = replace(CLAIM, chunk="00000000001", token="other")
    assert store.keep_place(CLAIM) == store.keep_place(CLAIM) == Week()
    assert store.keep_place(elsewhere).claim == replace(CLAIM, token="", until=0, released=True)
    week = store.claim(elsewhere, ANY)
    assert judge_claim(week, elsewhere, ANY) is Verdict.ELSEWHERE
    assert store.claim(CLAIM, ANY) is None
    assert store.keep_place(replace(CLAIM, token="copy")) == Week(CLAIM, counted=1)


class Busy:
    """Another run's transaction holds the week's item for the first `times` writes."""

    def __init__(self, monkeypatch, times: int) -> None:
        self.left, change = times, WeekItem.change

        def held(item, actions, condition=None):
            if self.left:
                self.left -= 1
                error = {"Error": {"Code": "TransactionConflictException", "Message": "held"}}
                raise UpdateError("held", ClientError(error, "UpdateItem"))
            return change(item, actions, condition)

        monkeypatch.setattr(WeekItem, "change", held)


def test_a_week_that_a_transaction_holds_is_claimed_at_the_next_try(store, monkeypatch):
    Busy(monkeypatch, 1)
    week = store.claim(CLAIM, ANY)
    assert week == Week() and judge_claim(week, CLAIM, ANY) is Verdict.FREE
    assert store.claim(CLAIM, ANY) is None


def test_a_claim_is_given_back_as_soon_as_no_transaction_holds_its_week(store, monkeypatch):
    store.claim(CLAIM, ANY)
    Busy(monkeypatch, 2)
    store.release(CLAIM)
    assert store.week(CLAIM).claim == replace(CLAIM, token="", until=0, released=True)


def test_a_second_attempt_takes_over_only_while_the_platform_is_silent_about_the_first(store):
    store.write_chunks(Page(RUN, 0, 0, "D1", {"whatsapp hi": ("inf_0", "inf_1")}, {}, None), 5)
    first = replace(CLAIM, index=1)
    second = replace(first, chunk=again_id(first.chunk, 1), index=0, attempt=2, token="next", counts=False)
    store.claim(first, ANY)
    assert store.claim(second, ANY) == Week(first, counted=1, answered=True)
    store.record(RUN, first.chunk, {1: {Fact.UNKNOWN: 6, Fact.RESENT: 7}})
    assert store.claim(second, ANY) is None
    assert store.week(second) == Week(second, counted=1)
    copy = replace(second, token="copy")
    assert store.claim(copy, ANY) == Week(second, counted=1)
    store.release(second)
    assert store.claim(copy, ANY) is None
    store.release(copy)
    store.record(RUN, first.chunk, {1: {Fact.DELIVERED: 9}})
    week = store.claim(copy, ANY)
    assert week.answered and judge_claim(week, copy, ANY) is Verdict.ELSEWHERE
    assert week.counted == 1


def test_a_fact_stays_as_it_was_first_written(store):
    store.write_chunks(Page(RUN, 0, 0, "D1", {"whatsapp hi": ("inf_1", "inf_2")}, {}, None), 5)
    assert store.record(RUN, "00000000000", {0: {Fact.READ: 7}, 1: {Fact.FAILED: "131026"}})
    assert store.record(RUN, "00000000000", {0: {Fact.READ: 9, Fact.SENT: 8}, 1: {Fact.FAILED: "1"}})
    _, tally = store.chunk(RUN, "00000000000")  # type: ignore[misc]
    assert tally.facts == {0: {Fact.READ: 7, Fact.SENT: 8}, 1: {Fact.FAILED: "131026"}}


def test_facts_for_a_chunk_that_was_never_planned_make_none(store):
    assert store.record(RUN, "00000000000", {0: {Fact.READ: 7}}) is False
    assert store.chunk(RUN, "00000000000") is None
    assert list(store.tallies(RUN)) == []


def test_planning_is_complete_when_every_stretch_is_done_however_often(store):
    assert store.plan(RUN) is None
    store.begin_plan(RUN, 6, 1)
    for place in ((5, 0), (5, 0), (9, 0), (3, 2), (4, 0), (8, 0), (6, 0), (3, 1), (7, 0)):
        assert store.plan(RUN).complete is False  # type: ignore[union-attr]
        store.plan_goes_on(RUN, *place, 2)
    store.begin_plan(RUN, 6, 3)
    plan = store.plan(RUN)
    assert plan is not None
    assert plan.complete
    assert plan.going_on == moment(2)


def test_a_plan_tells_at_which_page_each_chain_goes_on(store):
    store.begin_plan(RUN, 6, 1)
    store.plan_goes_on(RUN, 0, 3, 2)
    store.plan_goes_on(RUN, 0, 2, 2)
    store.plan_goes_on(RUN, 5, 0, 2)
    store.plan_goes_on(RUN, 6, 0, 2)
    plan = store.plan(RUN)
    assert plan is not None
    assert plan.missing == [(0, 3), (5, 0), (3, 0)]
    assert plan.passed(0, 2)
    assert not plan.passed(0, 3)
