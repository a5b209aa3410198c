"""What the public is shown of campaigns: what has begun alone, small numbers never, counts once a day."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import wiring
from chalicelib.campaigns.publication import IN_ROW, LARGE, SHOWN, shown
from chalicelib.campaigns.publishing import Publishing
from chalicelib.campaigns.store import CampaignStore
from chalicelib.clock import FixedClock
from chalicelib.ports import RunBrief, RunSums
from chalicelib.public_counts import SMALL, next_evening
from tests.campaigns.samples import EDITOR
from tests.campaigns.test_campaigns import NOW, approved, runs_at
from tests.dispatch.world import Crash, Faults

NAMES = ("planned", "in_progress", "accepted", "delivered", "read", "failed", "unknown", "not_sent")


def numbers(**given: int) -> dict[str, int]:
    return dict.fromkeys(NAMES, 0) | given


class KnownSums:
    """What became of runs, as a test says."""

    def __init__(self, **given: int) -> None:
        self.found = numbers(**given)
        self.asked = 0

    def of_runs(self, runs: list[RunBrief]) -> RunSums:
        self.asked += 1
        return RunSums(self.found, {"D9001": self.found})


class KeptQueue:
    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def put(self, messages: Iterator[dict[str, Any]]) -> None:
        self.messages += messages


def publishing(at: datetime, sums: KnownSums, store: Any = None) -> Publishing:
    return Publishing(
        store=store or CampaignStore(),
        runs=runs_at(at),
        sums=sums,
        areas=wiring.directory(),
        departments=lambda: {"election": {"en": "Election Office", "hi": "निर्वाचन कार्यालय"}},
        themes=lambda: {"voting": {"en": "Voting"}},
        plan_queue=KeptQueue(),  # type: ignore[arg-type]
        clock=FixedClock(at=at),
    )


def pass_tick(at: datetime, sums: KnownSums) -> list[str]:
    """A minute's tick with its messages handled; the campaigns that were looked at."""
    made = publishing(at, sums)
    made.tick()
    for message in made.plan_queue.messages:  # type: ignore[attr-defined]
        made.step(message)
    return [message["publish"] for message in made.plan_queue.messages]  # type: ignore[attr-defined]


@pytest.fixture
def scheduled(made: Any) -> tuple[str, str]:
    """A campaign that is to go out now, and its run."""
    campaigns = made()
    campaign = approved(campaigns)
    return campaign, campaigns.schedule(EDITOR, campaign, NOW).id


def test_a_campaign_is_shown_once_it_has_begun_and_not_before(scheduled: tuple[str, str]) -> None:
    sums = KnownSums(planned=40, accepted=40)
    assert pass_tick(NOW, sums) == []
    assert publishing(NOW, sums).listed(10, None) == ([], None)
    campaign, run = scheduled
    assert runs_at(NOW).start(run)
    assert pass_tick(NOW, sums) == [campaign]
    [one], _ = publishing(NOW, sums).listed(10, None)
    assert (one.id, one.department_names["en"], one.counts) == (campaign, "Election Office", None)
    assert one.begun_at == "2026-01-31T10:00:00Z"
    assert one.texts
    assert all("{" not in text for text in one.texts.values())
    assert set(one.disclosure) == set(one.texts)
    assert sums.asked == 0


def test_counts_come_when_it_has_gone_out_and_change_in_the_evening_alone(
    scheduled: tuple[str, str],
) -> None:
    campaign, run = scheduled
    sums = KnownSums(planned=40, accepted=40)
    runs_at(NOW).start(run)
    pass_tick(NOW, sums)
    runs_at(NOW).finish(run)
    later = NOW + timedelta(minutes=11)
    assert pass_tick(later, sums) == [campaign]
    first = CampaignStore().published(campaign)
    assert first is not None
    assert first.counts is not None
    assert (first.counts.total["accepted"], first.ended_at) == (40, "2026-01-31T10:00:00Z")
    sums.found = numbers(planned=40, accepted=40, delivered=40)
    assert pass_tick(later + timedelta(minutes=30), sums) == []
    publishing(later, sums).step({"publish": campaign})
    assert CampaignStore().published(campaign) == first
    evening = next_evening(later)
    assert pass_tick(evening, sums) == [campaign]
    changed = CampaignStore().published(campaign)
    assert changed is not None
    assert changed.counts is not None
    assert changed.counts.total["delivered"] == 40
    assert pass_tick(evening + timedelta(hours=23), sums) == []


def test_what_can_change_no_more_is_not_looked_at_for_ever(scheduled: tuple[str, str]) -> None:
    campaign, run = scheduled
    sums = KnownSums(planned=40, accepted=40)
    runs_at(NOW).start(run)
    runs_at(NOW).finish(run)
    at, looks = NOW, 0
    for _ in range(40):
        looks += len(pass_tick(at, sums))
        at = next_evening(at)
    assert 30 <= looks <= 33
    assert CampaignStore().begun(campaign) == (run, "")


def test_a_publication_that_dies_anywhere_or_comes_twice_ends_the_same(scheduled: tuple[str, str]) -> None:
    campaign, run = scheduled
    sums = KnownSums(planned=40, accepted=40)
    runs_at(NOW).start(run)
    runs_at(NOW).finish(run)
    names = ("begun", "campaign", "runs", "published", "frozen", "publish")
    for after in (False, True):
        for at in range(1, 7):
            faults = Faults()
            faults.at, faults.after = at, after
            with suppress(Crash):
                publishing(NOW, sums, faults.wrap(CampaignStore(), *names)).step({"publish": campaign})
    publishing(NOW, sums).step({"publish": campaign})
    one = CampaignStore().published(campaign)
    assert one is not None
    assert one.counts is not None
    assert pass_tick(NOW + timedelta(minutes=1), sums) == []


def test_a_run_that_begins_while_it_is_published_is_published_after_it(scheduled: tuple[str, str]) -> None:
    campaign, run = scheduled
    sums = KnownSums()
    runs_at(NOW).start(run)
    store = CampaignStore()
    seen = store.begun(campaign)
    pass_tick(NOW, sums)
    one = store.published(campaign)
    assert one is not None
    assert seen is not None
    store.publish(one.model_copy(update={"title": "late"}), seen, None)
    kept = store.published(campaign)
    assert kept is not None
    assert kept.title == one.title
    assert store.begun(campaign) != (run, "")


area = st.builds(
    lambda taken, arrived, read, failed, unknown, unsent: numbers(
        planned=taken + failed + unknown + unsent,
        accepted=taken,
        delivered=min(taken, arrived),
        read=min(taken, arrived, read),
        failed=failed,
        unknown=unknown,
        not_sent=unsent,
    ),
    st.integers(0, 400),
    st.integers(0, 400),
    st.integers(0, 400),
    *(st.integers(0, 12) for _ in range(3)),
)


@given(st.dictionaries(st.sampled_from([f"D{n}" for n in range(8)]), area, max_size=8))
def test_no_small_number_is_shown_nor_follows_from_its_row_or_column(by_area: dict[str, Any]) -> None:
    total = {name: sum(one[name] for one in by_area.values()) for name in NAMES}
    found = shown(RunSums(total, by_area), {}, NOW)
    rows = [found.total, *(one.numbers for one in found.areas)]
    assert all(n is None or n == 0 or n >= SMALL for one in rows for n in one.values())
    for one in rows:
        group = IN_ROW[0]
        assert sum(one[name] is None for name in group) != 1
    for name in SHOWN:
        if found.areas:
            assert sum(one[name] is None for one in rows) != 1
    assert all(by_area[one.area]["planned"] >= LARGE for one in found.areas if one.area)


def test_small_areas_stand_together() -> None:
    by_area = {"D1": numbers(planned=500, accepted=500), "D2": numbers(planned=60, accepted=60)}
    by_area["D3"] = numbers(planned=50, accepted=50)
    total = numbers(planned=610, accepted=610)
    found = shown(RunSums(total, by_area), {"D1": {"en": "One"}}, NOW)
    assert [(one.area, one.numbers["planned"]) for one in found.areas] == [("", 110), ("D1", 500)]
