"""The report is the sum of the tallies, whole and by channel and district; the deliveries behind it can be
listed."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest

from chalicelib.dispatch.model import SHARDS, Fact, Status, Tally
from chalicelib.dispatch.report import SHOWN, Open, Reporter, Unknown, counts_as_json
from chalicelib.platforms.base import SendRefused
from chalicelib.ports import Proof
from tests.dispatch.world import RUN, START, World, address, world

pytestmark = pytest.mark.usefixtures("tables")


@pytest.fixture
def made(tables) -> World:
    made = world(60, channels=("whatsapp", "telegram"))
    made.platform.answers[address(4)] = [SendRefused("131026", "person")]
    made.launch()
    made.send()
    return made


def reporter(made: World) -> Reporter:
    return Reporter(made.store, made.platform, made.clock)


def test_channels_and_districts_add_up_to_the_whole(made):
    report = reporter(made).report(made.runs.of_campaign(RUN[:-2]))
    for groups in (report.by_channel, report.by_area):
        for name in ("targeted", "planned", "accepted", "failed"):
            assert sum(getattr(c, name) for c in groups.values()) == getattr(report.counts, name), name
    assert set(report.by_channel) == {"telegram", "whatsapp"}
    assert set(report.by_area) == {"D1", "D2"}
    assert (report.counts.planned, report.counts.accepted, report.counts.failed) == (60, 59, 1)


def test_the_shape_is_that_of_the_contract(made):
    counts = counts_as_json(reporter(made).report(made.runs.of_campaign(RUN[:-2])).counts)
    assert counts["failed_by_code"] == {"131026": 1}
    assert {"targeted", "planned", "skipped", "in_progress", "not_sent", "no_receipts"} <= counts.keys()


def test_sums_of_a_run_under_way_are_kept_for_seconds_and_no_longer(made):
    ours = reporter(made)
    before = ours.report(made.runs.of_campaign(RUN[:-2])).counts.read
    key = made.platform.taken[0][1].key
    made.tallying.record([Proof(key, "read", START)])
    assert ours.report(made.runs.of_campaign(RUN[:-2])).counts.read == before
    made.clock.move(4)
    assert ours.report(made.runs.of_campaign(RUN[:-2])).counts.read == before + 1


def test_sums_of_an_ended_run_are_always_fresh(made):
    ours = reporter(made)
    made.runs.set(RUN, "dispatched")
    ours.report(made.runs.of_campaign(RUN[:-2]))
    made.tallying.record([Proof(made.platform.taken[0][1].key, "read", START)])
    assert ours.report(made.runs.of_campaign(RUN[:-2])).counts.read == 1


def test_sums_of_while_it_was_sent_are_not_shown_of_a_run_that_has_ended(made):
    ours = reporter(made)
    before = ours.report(made.runs.of_campaign(RUN[:-2])).counts.read
    made.tallying.record([Proof(made.platform.taken[0][1].key, "read", START)])
    made.runs.set(RUN, "dispatched")
    assert ours.report(made.runs.of_campaign(RUN[:-2])).counts.read == before + 1


def test_every_delivery_is_listed_once_page_by_page(made):
    ours, found, after = reporter(made), [], None
    while True:
        page, after = ours.deliveries(RUN, None, after, 20)
        found += page
        if after is None:
            break
    assert len({d.person for d in found}) == len(found) == 60
    assert {d.key for d in found} == {m.key for _, m in made.platform.requests}


def test_deliveries_are_filtered_by_status_and_tell_the_code(made):
    page, more = reporter(made).deliveries(RUN, Status.FAILED, None, 50)
    assert more is None
    assert [(d.person, d.code, d.status) for d in page] == [("inf_0000000000000004", "131026", Status.FAILED)]


def test_a_delivery_tells_its_times(made):
    key = made.platform.taken[0][1].key
    made.tallying.record([Proof(key, "delivered", START)])
    page, _ = reporter(made).deliveries(RUN, Status.DELIVERED, None, 50)
    assert page[0].times["delivered"] == START
    assert set(page[0].times) == {"accepted", "delivered"}


def test_who_is_unknown_is_told_however_full_the_memory_of_chunks_is(made, monkeypatch):
    monkeypatch.setattr("chalicelib.dispatch.report.CHUNKS_KEPT", 1)
    first, second, third, *_ = [Unknown(RUN, tally, 0) for tally in made.tallies() if tally.size]
    ours = reporter(made)
    for places in ([first], [second], [first, third], [second, first, third]):
        found = ours.behind(places)
        assert [one.key for one in found] == [one.key for place in places for one in ours.behind([place])]
        assert len(ours._chunks) == 1


def test_looking_for_who_is_unknown_keeps_nobody_else(made):
    sample, told, alive = made.tallies()[0], list[weakref.ref[Tally]](), list[int]()

    def tallies_in(run: str, shard: int) -> Iterator[Tally]:
        for _ in range(100):
            one = replace(sample)
            told.append(weakref.ref(one))
            yield one
            del one
            alive.append(sum(seen() is not None for seen in tuple(told)))

    ours = replace(reporter(made), store=SimpleNamespace(tallies_in=tallies_in))
    assert ours.unknown([RUN], 50) == {RUN: Open()}
    assert max(alive) <= 2 * SHARDS


def test_whoever_sees_one_district_sees_its_unknown_however_many_others_have(made):
    of_d1, of_d2 = (next(t for t in made.tallies() if t.size and t.district == one) for one in ("D1", "D2"))
    lost = {i: {Fact.UNKNOWN: 1} for i in range(of_d1.size)}
    many = [replace(of_d1, chunk=f"{n:011d}", facts=lost) for n in range(5)]
    last = replace(of_d2, chunk="9" * 11, facts={0: {Fact.UNKNOWN: 1}})
    by_shard = {0: [*many, last]}
    ours = replace(
        reporter(made), store=SimpleNamespace(tallies_in=lambda _, shard: iter(by_shard.get(shard, [])))
    )
    runs = made.runs.of_campaign(RUN[:-2])
    [theirs] = ours.report(runs, lambda district: district == "D2").unknown
    assert (theirs.tally.chunk, theirs.index) == (last.chunk, 0)
    assert len(ours.report(runs, lambda district: district == "D1").unknown) == SHOWN
    assert len(ours.report(runs).unknown) == SHOWN + 1
    found = ours.unknown([RUN], 7)[RUN]
    assert (len(found.first), found.count) == (7, 5 * of_d1.size + 1)
