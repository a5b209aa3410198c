"""Figures without I/O: the schedule, grades, what counts, sums."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.metrics import schedule
from chalicelib.metrics.figures import PostFigures, Value, measured, newest, sums
from chalicelib.platforms.base import METRICS, PostReading
from chalicelib.ports import MetricSum

NOON = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
times = st.integers(0, 5).map(lambda hours: NOON + hours * HOUR)
figures = st.dictionaries(st.sampled_from(METRICS), st.builds(Value, times, st.integers(0, 9)))


def all_times(published: datetime) -> list[datetime]:
    found, now = [], published
    while (due := schedule.next_at(published, now)) is not None:
        found.append(due)
        now = due
    return found


def test_a_post_is_measured_hourly_then_less_and_less_up_to_90_days():
    ages = [at - NOON for at in all_times(NOON)]
    bounds = itertools.pairwise(days * DAY for days in (0, 1, 3, 14, 97))
    assert [sum(a < age <= b for age in ages) for a, b in bounds] == [24, 8, 11, 11]
    assert ages == sorted(ages)
    assert 90 * DAY <= ages[-1] < 97 * DAY


def test_a_post_handed_in_late_is_measured_as_its_age_says_and_an_old_one_never_again():
    assert schedule.next_at(NOON, NOON + 40 * DAY) == NOON + 47 * DAY
    assert schedule.next_at(NOON, NOON + 90 * DAY) is None


def test_the_hours_of_a_clock_that_is_put_forward_change_nothing():
    before_spring = datetime(2026, 3, 28, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    gaps = {b - a for a, b in itertools.pairwise(all_times(before_spring.astimezone(UTC))[:24])}
    assert gaps == {HOUR}


def test_a_post_that_is_gone_is_asked_for_weekly_in_case_it_comes_back():
    assert schedule.next_at(NOON, NOON, seldom=True) == NOON + 7 * DAY


def test_a_request_that_told_nothing_is_repeated_soon_then_later_never_later_than_the_schedule():
    waits = [schedule.next_at(NOON, NOON + 2 * DAY, misses=n) for n in (1, 2, 3, 4, 5, 6, 200)]
    quarters = [(at - NOON - 2 * DAY) / (HOUR / 4) for at in waits]
    assert quarters == [1, 2, 4, 8, 16, 24, 24]


def test_the_history_keeps_one_snapshot_of_each_stretch_of_the_schedule():
    hourly = {schedule.slot(NOON, NOON + n * timedelta(minutes=5)) for n in range(24)}
    assert len(hourly) == 3
    later = {schedule.slot(NOON, NOON + 30 * DAY + n * HOUR) for n in range(24 * 7)}
    assert len(later) <= 2
    everything = {schedule.slot(NOON, NOON + n * timedelta(minutes=20)) for n in range(90 * 24 * 3)}
    assert len(everything) < 65


@given(st.lists(figures, max_size=6), st.randoms())
def test_in_any_order_and_repeated_the_same_figures_remain(told, dice):
    once = {}
    for one in told:
        once = newest(once, one)
    shuffled = told + told
    dice.shuffle(shuffled)
    again = {}
    for one in shuffled:
        again = newest(again, one)
    assert again == once


def test_the_newest_measurement_counts_also_when_it_is_smaller_or_came_first():
    old, new = Value(NOON, 100), Value(NOON + HOUR, 90)
    assert newest({"views": new}, {"views": old}) == newest({"views": old}, {"views": new}) == {"views": new}


def test_what_is_missing_stays_what_it_was_and_is_never_0():
    known = {"views": Value(NOON, 5)}
    assert newest(known, measured({"likes": 0}, NOON + HOUR)) == known | {"likes": Value(NOON + HOUR, 0)}


@pytest.mark.parametrize("odd", [-1, 10**16, "12", 1.5, None, True])
def test_what_cannot_be_a_count_is_no_data(odd):
    assert measured({"views": odd}, NOON) == {}


def test_a_reading_moves_the_post_on_and_keeps_the_time_of_its_publication():
    begun = NOON - 2 * DAY
    after = PostFigures("p", published_at=NOON).read(PostReading({"views": 3}, published_at=begun), NOON)
    assert (after.verified, after.published_at) == ({"views": Value(NOON, 3)}, begun)
    assert after.due_at == NOON + 6 * HOUR


def test_a_post_that_is_gone_keeps_its_last_figures_and_comes_back():
    post = PostFigures("p", published_at=NOON).read(PostReading({"views": 3}), NOON)
    gone = post.read(PostReading(gone=True), NOON + HOUR)
    still = gone.read(PostReading(gone=True), NOON + DAY)
    assert (gone.verified, gone.gone_since, still.gone_since) == (post.verified, NOON + HOUR, NOON + HOUR)
    assert still.due_at == NOON + 8 * DAY
    assert still.read(PostReading({"views": 4}), NOON + 2 * DAY).gone_since is None


def test_a_post_that_is_hidden_from_us_is_not_gone_has_no_data_and_is_asked_for_seldom():
    hidden = PostFigures("p", published_at=NOON).read(PostReading(hidden=True), NOON)
    assert (hidden.verified, hidden.gone_since, hidden.due_at) == ({}, None, NOON + 7 * DAY)


def test_a_miss_changes_no_figure_and_a_reading_ends_the_misses():
    post = PostFigures("p", published_at=NOON, verified={"views": Value(NOON, 3)})
    missed = post.read(None, NOON).read(None, NOON)
    assert (missed.misses, missed.verified) == (2, post.verified)
    assert missed.read(PostReading(), NOON).misses == 0


def test_a_word_never_changes_what_the_platform_told_nor_the_reverse():
    post = PostFigures("p").told("declared", {"views": Value(NOON + DAY, 900)}, "uploads/a.png")
    post = post.told("verified", {"views": Value(NOON, 3)})
    assert (post.verified["views"].number, post.declared["views"].number) == (3, 900)


def test_an_older_declaration_changes_neither_figures_nor_screenshot():
    post = PostFigures("p").told("declared", {"views": Value(NOON, 900)}, "new.png")
    assert post.told("declared", {"views": Value(NOON - DAY, 800)}, "old.png") == post


def test_of_a_person_who_left_nothing_more_is_taken():
    post = PostFigures("p", closed=True)
    assert post.told("verified", {"views": Value(NOON, 3)}) == post
    assert post.read(PostReading({"views": 3}), NOON) == post


def test_sums_say_of_how_many_posts_there_is_data_each_grade_apart():
    posts = [
        PostFigures("a", verified={"views": Value(NOON, 10), "likes": Value(NOON, 0)}),
        PostFigures("b", verified={"views": Value(NOON + HOUR, 5)}, declared={"views": Value(NOON, 7)}),
        PostFigures("c", gone_since=NOON),
    ]
    found = sums(posts)
    assert found["verified"] == {
        "views": MetricSum(15, 2, NOON, NOON + HOUR),
        "likes": MetricSum(0, 1, NOON, NOON),
    }
    assert found["declared"] == {"views": MetricSum(7, 1, NOON, NOON)}
