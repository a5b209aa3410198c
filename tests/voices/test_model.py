"""Any sequence of what can be done to a voice leaves one that makes sense."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.voices.model import CLOSED, REOPENS_WITHIN, Refused, Voice
from chalicelib.voices.working import Target, WorkCalendar
from tests.influencers.world import NOON

CALENDAR, TARGET = WorkCalendar(), Target(answer_hours=7, resolve_hours=21)
Act = Callable[[Voice, datetime], Voice]
ACTS: dict[str, Act] = {
    "assign": lambda v, at: v.assigned("water", "usr_a", at),
    "answer": lambda v, at: v.answered(at, CALENDAR),
    "ask": lambda v, at: v.answered(at, CALENDAR, asks=True),
    "resolve": lambda v, at: v.closed("resolved", at, CALENDAR),
    "decline": lambda v, at: v.closed("declined", at, CALENDAR),
    "reopen": lambda v, at: v.opened_again(at, TARGET, CALENDAR, by_citizen=True),
    "reopened by staff": lambda v, at: v.opened_again(at, TARGET, CALENDAR, by_citizen=False),
    "hide": lambda v, at: v.hidden_as("abuse"),
    "show": lambda v, at: v.hidden_as(""),
    "join": lambda v, at: v.joined_to(begun("voi_main")),
    "part": lambda v, at: v.parted(),
    "words": lambda v, at: v.with_more(0),
    "tick": lambda v, at: v.stepped(at)[0],
    "told": lambda v, at: v.told(v.pending[0]) if v.pending else v,
}
steps = st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.integers(0, 40 * 24)), max_size=30)


def begun(voice_id: str = "voi_a") -> Voice:
    return Voice(id=voice_id, ticket="JJ-2222-2222-2222", received_at=NOON).timed(NOON, TARGET, CALENDAR)


@given(steps)
def test_whatever_is_done_a_voice_makes_sense(done):
    voice, at, reopened = begun(), NOON, 0
    for name, hours in done:
        at += timedelta(hours=hours)
        before = voice
        with suppress(Refused):
            voice = ACTS[name](voice, at)
        reopened += name == "reopen" and voice is not before
        assert (voice.closed_at is not None) == (voice.status in CLOSED) == (voice.close_minutes is not None)
        assert (voice.answered_at is None) == (voice.answer_minutes is None) == (voice.answers == 0)
        assert len(set(voice.steps)) == len(voice.steps)
        assert voice.answered_at is None or before.answered_at in (None, voice.answered_at)
        assert before.overdue_at in (None, voice.overdue_at)
        if voice.shelf != "open":
            assert not voice.overdue(at)
            assert voice.due_at(at) is None or voice.pending
        if voice.status == "received":
            assert not voice.department or voice.answers == 0
    assert reopened <= 1


@given(steps, st.integers(0, 90 * 24))
def test_a_tick_that_comes_again_does_nothing(done, hours):
    voice, at = begun(), NOON
    for name, later in done:
        at += timedelta(hours=later)
        with suppress(Refused):
            voice = ACTS[name](voice, at)
    at += timedelta(hours=hours)
    once, _ = voice.stepped(at)
    again, new = once.stepped(at)
    assert (again, new) == (once, [])


@given(st.integers(0, 60 * 24))
def test_the_citizen_has_thirty_days_to_open_it_again(hours):
    closed = begun().assigned("water", "x", NOON).closed("resolved", NOON, CALENDAR)
    at = NOON + timedelta(hours=hours)
    assert closed.may_reopen(at) == (at - NOON <= REOPENS_WITHIN)
