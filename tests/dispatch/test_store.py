"""What the store promises to whoever comes second."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.dispatch.model import Claim, Fact, Page
from chalicelib.dispatch.store import DispatchStore
from tests.dispatch.world import RUN

pytestmark = pytest.mark.usefixtures("tables")
NOW = 1_700_000_000.0
CLAIM = Claim("inf_1", RUN, "00000000000", 3, 1, "me", NOW + 60)


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
    assert store.claim(CLAIM) is None
    assert store.claim(other) == CLAIM
    assert store.standing("inf_1", RUN) == CLAIM
    assert store.standing("inf_2", RUN) is None


def test_only_its_holder_gives_a_claim_back_and_then_the_same_place_may_take_it(store):
    other = replace(CLAIM, token="other")
    store.claim(CLAIM)
    store.release(other)
    assert store.claim(other) == CLAIM
    store.release(CLAIM)
    elsewhere = replace(other, chunk="00000000001")
    assert store.claim(elsewhere) == replace(CLAIM, released=True)
    assert store.claim(other) is None
    store.release(CLAIM)
    assert store.standing("inf_1", RUN) == other


def test_a_persons_history_is_one_query(store):
    for n in (1, 2):
        store.claim(replace(CLAIM, run=f"cmp_x-{n}"))
    assert sorted(store.history("inf_1")) == ["cmp_x-1", "cmp_x-2"]


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
    store.begin_plan(RUN, 2)
    for stretch in (1, 1, 0):
        assert store.plan(RUN).complete is False  # type: ignore[union-attr]
        store.stretch_done(RUN, stretch)
    store.begin_plan(RUN, 2)
    assert store.plan(RUN).complete is True  # type: ignore[union-attr]
