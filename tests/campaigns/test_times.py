"""Times of runs by the clock of a zone: begin, end, repetition, quiet hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chalicelib.campaigns.times import (
    CATCH_UP,
    LIVES,
    Quiet,
    Repeat,
    moment_in,
    never_awake,
    quiet_setting,
    series_of,
    span_in_series,
    span_of_run,
)
from chalicelib.clock import parse_rfc3339
from chalicelib.errors import InvalidInput
from tests.campaigns.samples import content

NOW = parse_rfc3339("2026-01-31T10:00:00Z")
INDIA = ZoneInfo("Asia/Kolkata")
NIGHT = quiet_setting("21:00-08:00").hours


def wrong(refused):
    [error] = refused.value.errors
    return error.field, error.code


def india(text):
    return datetime.fromisoformat(text).replace(tzinfo=INDIA).astimezone(UTC)


# --- one run ------------------------------------------------------------------------------------------------


def test_a_run_without_a_time_begins_now_and_lives_a_week():
    assert span_of_run(None, None, NOW) == (NOW, NOW + timedelta(days=7))


def test_a_run_ends_when_its_campaign_expires():
    at, ends = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    assert span_of_run(at, ends, NOW) == (at, ends)


def test_a_time_a_moment_past_is_now():
    assert span_of_run(NOW - timedelta(seconds=59), None, NOW)[0] == NOW


@pytest.mark.parametrize(
    ("at", "ends", "sentence"),
    [
        (NOW - timedelta(seconds=61), None, "past"),
        (NOW + timedelta(days=367), None, "year"),
        (NOW + timedelta(hours=2), NOW + timedelta(hours=2), "expires before"),
        (None, NOW - timedelta(hours=2), "expires before"),
    ],
)
def test_a_time_that_cannot_be_is_refused(at, ends, sentence):
    with pytest.raises(InvalidInput) as refused:
        span_of_run(at, ends, NOW)
    assert wrong(refused) == ("at", "time_of_run")
    assert sentence in refused.value.errors[0].message


def test_a_time_without_offset_is_read_by_the_clock_of_its_zone():
    at = datetime(2026, 7, 1, 9, 30)  # noqa: DTZ001 - a wall time
    assert moment_in(at, "Asia/Kolkata") == parse_rfc3339("2026-07-01T04:00:00Z")
    assert moment_in(at, "America/New_York") == parse_rfc3339("2026-07-01T13:30:00Z")


def test_a_time_with_an_offset_is_what_it_says_in_whatever_zone():
    at = parse_rfc3339("2026-07-01T09:30:00+05:30")
    assert moment_in(at, "America/New_York") == moment_in(at, "") == at
    assert moment_in(None, "Asia/Kolkata") is None


def test_a_time_without_offset_and_zone_is_refused():
    with pytest.raises(InvalidInput) as refused:
        moment_in(datetime(2026, 7, 1, 9, 30), "")  # noqa: DTZ001 - a wall time
    assert wrong(refused) == ("at", "zone_missing")


@pytest.mark.parametrize(
    ("at", "code"),
    [("2026-03-29T02:30:00", "time_left_out"), ("2026-10-25T02:30:00", "time_twice")],
)
def test_a_time_that_the_clock_leaves_out_or_shows_twice_is_refused(at, code):
    with pytest.raises(InvalidInput) as refused:
        moment_in(datetime.fromisoformat(at), "Europe/Berlin")
    assert wrong(refused) == ("at", code)
    hour_before = datetime.fromisoformat(at) - timedelta(hours=1)
    assert moment_in(hour_before, "Europe/Berlin") is not None


@pytest.mark.parametrize("zone", ["Asia/Nowhere", "Asia", "../etc/passwd", "/etc/passwd", "Asia/", "x\x00y"])
def test_what_is_no_zone_is_refused(zone):
    with pytest.raises(InvalidInput) as refused:
        moment_in(NOW, zone)
    assert wrong(refused) == ("zone", "zone_unknown")


# --- quiet hours --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-02-01T20:59:59", None),
        ("2026-02-01T21:00:00", "2026-02-02T08:00:00"),
        ("2026-02-02T00:00:00", "2026-02-02T08:00:00"),
        ("2026-02-02T07:59:59", "2026-02-02T08:00:00"),
        ("2026-02-02T08:00:00", None),
    ],
)
def test_quiet_hours_go_over_midnight_by_the_clock_of_india(at, until):
    assert NIGHT.until(india(at)) == (india(until) if until else None)


@pytest.mark.parametrize(
    ("at", "quiet"), [("12:59", False), ("13:00", True), ("14:59", True), ("15:00", False)]
)
def test_quiet_hours_may_lie_within_a_day(at, quiet):
    assert (quiet_setting("13:00-15:00").hours.until(india(f"2026-02-01T{at}:00")) is not None) is quiet


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 2 * 86400))
def test_quiet_hours_end_at_the_first_moment_that_is_not_quiet(begins, ends, second):
    clock = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in (begins, ends)]
    hours = quiet_setting("-".join(clock)).hours
    now = india("2026-02-01T00:00:00") + timedelta(seconds=second)
    if hours is None:
        assert begins == ends
        return
    until = hours.until(now)
    minute = (second % 86400) // 60
    inside = begins <= minute < ends if begins < ends else minute >= begins or minute < ends
    assert (until is not None) is inside
    if until is not None:
        assert until > now
        assert hours.until(until - timedelta(seconds=1)) == until
        assert hours.until(until) is None


def test_a_campaign_writes_its_quiet_hours_or_that_it_has_none():
    given = {"from": "22:30", "until": "06:00"}
    assert content(quiet_hours=given).model_dump()["quiet_hours"] == given
    assert content(quiet_hours="none").model_dump()["quiet_hours"] == "none"
    assert content(quiet_hours="none").quiet_hours.hours is None
    assert content().quiet_hours is None
    for one in (given, "none", None):
        kept = content(quiet_hours=one)
        assert type(kept).model_validate_json(kept.model_dump_json()) == kept


@pytest.mark.parametrize(
    "wrong", ["21-8", "always", {"from": "21:00"}, {"from": "24:00", "until": "08:00"}, 7]
)
def test_quiet_hours_that_cannot_be_read_are_refused(wrong):
    with pytest.raises(ValidationError):
        content(quiet_hours=wrong)


@pytest.mark.parametrize("wrong", ["", "21:00", "9-5", "None"])
def test_a_setting_that_names_no_hours_is_refused(wrong):
    with pytest.raises(ValueError, match="Quiet"):
        quiet_setting(wrong)


@pytest.mark.parametrize(
    ("begins", "ends", "never"),
    [
        ("2026-02-01T22:00:00", "2026-02-02T08:00:00", True),
        ("2026-02-01T22:00:00", "2026-02-02T08:00:01", False),
        ("2026-02-01T20:59:00", "2026-02-02T03:00:00", False),
        ("2026-02-01T21:00:00", "2026-02-01T23:00:00", True),
    ],
)
def test_a_run_that_lies_in_the_quiet_hours_as_a_whole_is_known(begins, ends, never):
    assert never_awake(NIGHT, india(begins), india(ends)) is never
    assert not never_awake(None, india(begins), india(ends))


# --- repetition ---------------------------------------------------------------------------------------------


def series(every, first, *, zone="Asia/Kolkata", expires_at=None, **more):
    at = datetime.fromisoformat(first).replace(tzinfo=ZoneInfo(zone))
    return series_of(Repeat(every=every, **more), at, zone, expires_at, at)


def local(made, number):
    return made.at(number).astimezone(ZoneInfo(made.zone)).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ("day", ["2026-01-31 09:00", "2026-02-01 09:00", "2026-02-02 09:00"]),
        ("week", ["2026-01-31 09:00", "2026-02-07 09:00", "2026-02-14 09:00"]),
        ("month", ["2026-01-31 09:00", "2026-02-28 09:00", "2026-03-31 09:00"]),
    ],
)
def test_a_series_keeps_its_time_of_day_and_its_day_of_the_month(every, expected):
    made = series(every, "2026-01-31T09:00:00", times=3)
    assert [local(made, number) for number in range(3)] == expected
    assert made.last == 2


def test_a_series_keeps_its_wall_time_over_a_change_of_the_clocks():
    made = series("day", "2026-03-28T08:00:00", zone="Europe/Berlin", times=3)
    assert [local(made, n) for n in range(3)] == ["2026-03-28 08:00", "2026-03-29 08:00", "2026-03-30 08:00"]
    assert made.at(1) - made.at(0) == timedelta(hours=23)


def test_an_occurrence_that_the_clock_leaves_out_is_an_hour_later_and_one_that_comes_twice_is_the_first():
    spring = series("day", "2026-03-28T02:30:00", zone="Europe/Berlin", times=3)
    assert [local(spring, n) for n in range(3)] == [
        "2026-03-28 02:30",
        "2026-03-29 03:30",
        "2026-03-30 02:30",
    ]
    autumn = series("day", "2026-10-24T02:30:00", zone="Europe/Berlin", times=3)
    assert autumn.at(1) == parse_rfc3339("2026-10-25T00:30:00Z")


def test_a_month_is_counted_from_the_first_also_over_the_end_of_a_year():
    made = series("month", "2026-10-30T09:00:00", times=6)
    assert [local(made, n)[:10] for n in range(6)] == [
        "2026-10-30",
        "2026-11-30",
        "2026-12-30",
        "2027-01-30",
        "2027-02-28",
        "2027-03-30",
    ]


@pytest.mark.parametrize(
    ("until", "last"), [("2026-02-03T09:00:00+05:30", 2), ("2026-02-03T09:00:01+05:30", 3)]
)
def test_a_series_ends_before_its_end_and_with_its_campaign(until, last):
    end = parse_rfc3339(until)
    assert series("day", "2026-01-31T09:00:00", until=end).last == last
    assert series("day", "2026-01-31T09:00:00", expires_at=end).last == last
    assert series("day", "2026-01-31T09:00:00", expires_at=end, times=300).last == last


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({}, "repeat"),
        ({"times": 3, "until": NOW + timedelta(days=9)}, "repeat.until"),
        ({"until": NOW + timedelta(hours=1)}, "repeat"),
        ({"until": NOW + timedelta(days=900)}, "repeat"),
        ({"times": 300}, "repeat"),
    ],
)
def test_a_series_without_an_end_of_one_run_or_of_years_is_refused(more, field):
    with pytest.raises(InvalidInput) as refused:
        series("week", "2026-01-31T09:00:00", **more)
    assert wrong(refused) == (field, "time_of_run")


def test_the_next_occurrence_is_the_first_that_is_not_an_hour_past():
    made = series("day", "2026-02-01T09:00:00", times=10)
    day = timedelta(days=1)
    assert made.following(made.at(0)).number == 1
    assert made.following(made.at(1)).number == 1
    just = made.following(made.at(1) + CATCH_UP - timedelta(seconds=1))
    late = made.following(made.at(1) + CATCH_UP)
    assert (just.number, just.missed) == (1, 0)
    assert (late.number, late.missed) == (2, 1)
    assert (late.following(made.at(2)).number, late.following(made.at(2)).missed) == (3, 0)
    skipped = made.following(made.at(5) + 2 * CATCH_UP)
    assert (skipped.number, skipped.missed) == (6, 5)
    assert made.following(made.at(9) + CATCH_UP) is None
    assert made.model_copy(update={"number": 9}).following(made.at(9) - day) is None


@given(st.sampled_from(["day", "week", "month"]), st.integers(2, 12), st.integers(0, 500 * 24))
def test_a_series_goes_forward_and_ends_whenever_its_runs_end(every, times, hours):
    made, seen = series(every, "2026-01-31T09:00:00", times=times), [0]
    now = made.at(0) + timedelta(hours=hours)
    while (made := made.following(now)) is not None:
        assert made.number == seen[-1] + 1 + made.missed
        assert made.at(made.number) + CATCH_UP > now
        seen.append(made.number)
        now = max(now, made.at(made.number))
    assert seen[-1] < times


def test_a_run_of_a_series_is_over_when_the_next_begins_after_a_week_or_with_its_campaign():
    daily = series("day", "2026-02-01T09:00:00", times=3)
    assert span_in_series(daily, None) == (daily.at(0), daily.at(1))
    assert span_in_series(daily.model_copy(update={"number": 2}), None) == (daily.at(2), daily.at(3))
    monthly = series("month", "2026-02-01T09:00:00", times=3)
    assert span_in_series(monthly, None) == (monthly.at(0), monthly.at(0) + LIVES)
    soon = monthly.at(0) + timedelta(hours=5)
    assert span_in_series(monthly, soon)[1] == soon


def test_quiet_hours_have_no_field_that_nobody_knows():
    with pytest.raises(ValidationError):
        Quiet.model_validate({"from": "21:00", "until": "08:00", "zone": "UTC"})
