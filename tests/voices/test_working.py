"""Working hours: the reckoning of deadlines."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from chalicelib.clock import IST
from chalicelib.voices.working import DEFAULT_TARGETS, Holiday, Target, WorkCalendar, target_for

PLAIN = WorkCalendar()
PATH = ("IN", "IN-XN", "D9001")


def ist(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=IST)


def test_hours_are_counted_from_monday_to_friday_ten_to_five():
    assert PLAIN.due(ist(2, 10), 7 * 60) == ist(2, 17)  # a Monday
    assert PLAIN.due(ist(2, 17), 60) == ist(3, 11)
    assert PLAIN.due(ist(6, 16), 120) == ist(9, 11)  # from Friday into Monday
    assert PLAIN.due(ist(7, 12), 1) == ist(9, 10, 1)  # written on a Saturday
    assert PLAIN.due(ist(2, 3), 30) == ist(2, 10, 30)  # at night


def test_a_states_holiday_is_free_there_alone():
    holiday = Holiday(day=date(2026, 3, 3), states=("IN-XN",))
    calendar = WorkCalendar(holidays=(holiday, Holiday(day=date(2026, 3, 4))))
    assert calendar.due(ist(2, 16), 120, PATH) == ist(5, 11)
    assert calendar.due(ist(2, 16), 120, ("IN", "IN-XS")) == ist(3, 11)
    assert calendar.due(ist(3, 16), 120, ("IN", "IN-XS")) == ist(5, 11)


def test_some_saturdays_of_a_month_may_be_worked():
    calendar = WorkCalendar(saturdays=(1, 3, 5))
    assert calendar.due(ist(6, 16), 120) == ist(7, 11)  # the first Saturday of March 2026
    assert calendar.due(ist(13, 16), 120) == ist(16, 11)  # the second is free


@pytest.mark.parametrize(
    "wrong",
    [
        {"opens": "17:00", "closes": "10:00"},
        {"opens": "25:00"},
        {"days": ()},
        {"days": (7,)},
        {"saturdays": (6,)},
    ],
)
def test_a_calendar_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValidationError):
        WorkCalendar(**wrong)


def test_where_hardly_a_day_is_worked_a_deadline_is_ten_years_ahead_and_no_endless_loop():
    days = tuple(Holiday(day=date(2026, 1, 5) + timedelta(days=7 * n)) for n in range(600))
    due = WorkCalendar(days=(0,), holidays=days).due(ist(2, 10), 60)
    assert due == ist(2, 10) + timedelta(days=3660)


times = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
calendars = st.builds(
    WorkCalendar,
    days=st.sets(st.integers(0, 6), min_size=1).map(tuple),
    saturdays=st.sets(st.integers(1, 5)).map(tuple),
    holidays=st.lists(
        st.builds(
            Holiday,
            day=st.dates(date(2025, 1, 1), date(2028, 6, 1)),
            states=st.sampled_from([(), ("IN-XN",), ("IN-XS",)]),
        ),
        max_size=30,
    ).map(tuple),
)
minutes = st.integers(1, 5000)


@given(calendars, times, minutes)
def test_a_deadline_never_falls_on_a_free_day_or_outside_the_hours(calendar, start, length):
    due = calendar.due(start, length, PATH).astimezone(IST)
    assert calendar.works(due.date(), calendar.free(PATH))
    assert calendar.opens <= due.strftime("%H:%M") <= calendar.closes
    assert due > start


@given(calendars, times, minutes, minutes)
def test_deadlines_add_up(calendar, start, first, second):
    halfway = calendar.due(start, first, PATH)
    assert calendar.due(halfway, second, PATH) == calendar.due(start, first + second, PATH)


@given(calendars, times, st.timedeltas(timedelta(0), timedelta(days=40)), minutes)
def test_who_comes_later_is_answered_no_earlier(calendar, start, later, length):
    assert calendar.due(start, length, PATH) <= calendar.due(start + later, length, PATH)


@given(calendars, times, minutes)
def test_what_lies_before_a_deadline_is_as_long_as_was_asked(calendar, start, length):
    start = start.replace(microsecond=0, second=0)
    assert calendar.minutes(start, calendar.due(start, length, PATH), PATH) == length


@given(calendars, times, times)
def test_no_time_is_less_than_none(calendar, one, other):
    assume(one > other)
    assert calendar.minutes(one, other, PATH) == 0


def test_the_most_exact_target_holds():
    for_kind = Target(kind="problem", answer_hours=1, resolve_hours=1)
    for_department = Target(department="water", answer_hours=2, resolve_hours=2)
    both = Target(kind="problem", department="water", answer_hours=3, resolve_hours=3)
    known = (for_kind, for_department, both)
    assert target_for(known, "problem", "water") is both
    assert target_for(known, "suggestion", "water") is for_department
    assert target_for(known, "problem", "roads") is for_kind
    assert target_for(known, "suggestion", "roads") is DEFAULT_TARGETS["suggestion"]
