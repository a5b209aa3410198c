"""When the hub is asked, as a rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.metrics.follow import LONGEST_RETRY, new

NOON = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIVE_DAYS_S = 5 * 24 * 3600


def fresh(*, wanted=True):
    return new("UC1", NOON, wanted=wanted)


def confirmed(lease_s=FIVE_DAYS_S):
    return fresh().asked(NOON, wanted=True).told(lease_s, "", NOON)


def test_what_is_new_is_subscribed_at_once_and_not_asked_again_while_the_hub_may_answer():
    assert fresh().step(NOON, wanted=True) == "subscribe"
    asked = fresh().asked(NOON, wanted=True)
    assert [asked.step(NOON + n * HOUR, wanted=True) for n in (0, 0.99, 1)] == ["", "", "subscribe"]


def test_a_hub_that_is_silent_is_asked_after_longer_and_longer():
    follow, at, waits = fresh(), NOON, []
    for _ in range(8):
        follow = follow.asked(at, wanted=True)
        waits.append((follow.next_at - at) / HOUR)
        at = follow.next_at
    assert waits == [1, 2, 4, 8, 16, 24, 24, 24]


@pytest.mark.parametrize("lease_s", [3600, FIVE_DAYS_S, 10 * 24 * 3600])
def test_it_is_renewed_when_two_thirds_of_the_lease_that_the_hub_stated_are_over(lease_s):
    follow, due = confirmed(lease_s), NOON + timedelta(seconds=lease_s * 2 / 3)
    assert follow.until == NOON + timedelta(seconds=lease_s)
    assert follow.step(due - timedelta(seconds=1), wanted=True) == ""
    assert follow.step(due, wanted=True) == "subscribe"


def test_five_tries_to_renew_fit_before_five_days_are_over():
    follow = confirmed()
    tries = 0
    while follow.next_at < follow.until:
        follow, tries = follow.asked(follow.next_at, wanted=True), tries + 1
    assert tries == 6


def test_who_leaves_is_unsubscribed_at_once_and_forgotten_when_the_hub_confirms():
    follow = confirmed()
    assert follow.step(NOON + HOUR, wanted=False) == "unsubscribe"
    asked = follow.asked(NOON + HOUR, wanted=False)
    assert asked.tries == 1
    assert asked.step(NOON + HOUR, wanted=False) == ""
    assert asked.step(NOON + 2 * HOUR, wanted=False) == "unsubscribe"
    assert asked.told(None, "unsubscribe", NOON + HOUR).step(NOON + HOUR, wanted=False) == "forget"


def test_who_leaves_is_forgotten_when_the_lease_is_over_or_there_never_was_one():
    assert confirmed().asked(NOON, wanted=False).step(NOON + 5 * DAY, wanted=False) == "forget"
    assert fresh().asked(NOON, wanted=True).step(NOON, wanted=False) == "forget"


def test_who_comes_back_before_the_end_is_subscribed_at_once():
    follow = confirmed().asked(NOON, wanted=False)
    assert follow.step(NOON, wanted=True) == "subscribe"
    assert follow.asked(NOON, wanted=True).tries == 1


def test_what_the_hub_ends_without_our_wish_is_subscribed_again_within_the_hour():
    follow = confirmed().told(None, "unsubscribe", NOON + DAY)
    assert (follow.until, follow.reason) == (None, "unsubscribe")
    assert follow.step(NOON + DAY, wanted=True) == ""
    assert follow.step(NOON + DAY + HOUR, wanted=True) == "subscribe"


def test_a_refusal_does_not_bring_the_next_try_forward():
    follow = fresh()
    for _ in range(4):
        follow = follow.asked(follow.next_at, wanted=True)
    refused = follow.told(None, "no", follow.next_at - 7 * HOUR)
    assert refused.next_at == follow.next_at
    assert refused.reason == "no"
    assert refused.told(60, "", NOON + 30 * HOUR).reason == ""


def test_what_is_confirmed_though_it_was_to_end_is_ended_again():
    follow = confirmed().asked(NOON, wanted=False).told(60, "", NOON + HOUR)
    assert follow.step(NOON + HOUR, wanted=False) == "unsubscribe"


def test_a_word_that_comes_late_changes_nothing():
    follow = confirmed()
    assert follow.told(None, "unsubscribe", NOON - HOUR) == follow
    assert follow.told(FIVE_DAYS_S, "", NOON) == follow


STEPS = st.lists(
    st.tuples(st.sampled_from(["tick", "confirm", "refuse", "want", "leave"]), st.integers(0, 40))
)


@given(STEPS)
def test_whatever_happens_it_is_asked_again_within_a_day_of_being_due(steps):
    follow, at, wanted = fresh(), NOON, True
    for what, hours in steps:
        at += hours * HOUR
        if what == "want":
            wanted = True
        elif what == "leave":
            wanted = False
        elif what != "tick":
            follow = follow.told(FIVE_DAYS_S if what == "confirm" else None, what, at)
        if follow.step(at, wanted=wanted) in ("subscribe", "unsubscribe"):
            follow = follow.asked(at, wanted=wanted)
        if wanted and not (follow.until and follow.until > at):
            assert follow.next_at <= at + LONGEST_RETRY
        if wanted and follow.until and follow.until > at:
            assert follow.next_at < follow.until + LONGEST_RETRY
