"""Whoever answers a template gets the full text: once, within their 24 hours, by the rules of any message."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.dispatch.model import Fact
from chalicelib.dispatch.waiting import WINDOW
from chalicelib.errors import JanJanError, PlatformOff, Transient
from chalicelib.platforms.base import Line, OutcomeUnknown, SendRefused, Throttled
from chalicelib.ports import Election
from tests.dispatch.world import (
    INVOCATION_S,
    RUN,
    Crash,
    World,
    address,
    empty_tables,
    person_id,
    world,
)

pytestmark = pytest.mark.usefixtures("tables")

HOUR_S = 3600


def sent(people: int = 1, **more: Any) -> World:
    made = world(people, **more)
    made.launch()
    made.send()
    made.plan_queue.messages.clear()
    return made


def reply(made: World, n: int = 0, channel: str = "whatsapp") -> None:
    made.waiting().replied(channel, address(n), made.clock.now(), Line(channel))


def work(made: World, *, until_s: float = 26 * HOUR_S) -> None:
    """Handles what lies on the queue `plan` for so long; a message whose handler died comes again."""
    ends = made.clock.epoch() + until_s
    for _ in range(500):
        waiting = sorted(made.plan_queue.messages, key=lambda m: m[0])
        if not waiting or waiting[0][0].timestamp() > ends:
            return
        made.plan_queue.messages.remove(waiting[0])
        made.clock.put(max(made.clock.at, waiting[0][0]))
        try:
            made.planner().handle(waiting[0][1])
        except (Crash, JanJanError):
            made.plan_queue.put([waiting[0][1]], INVOCATION_S * 12)
    raise AssertionError("the queue does not run empty")


def brought(made: World, n: int = 0) -> list[str]:
    return [m.text for to, m in made.platform.taken if to == address(n) and m.text.startswith("all of")]


def test_a_reply_brings_the_full_text_in_the_language_of_the_template_once():
    made = sent(3)
    for _ in range(2):
        reply(made)
        work(made)
    assert brought(made) == [f"all of {RUN} in hi"]
    assert (brought(made, 1), brought(made, 2)) == ([], [])


def test_the_full_text_goes_over_the_line_on_which_the_person_wrote_whose_24_hours_they_are():
    made = sent()
    made.waiting().replied("whatsapp", address(0), made.clock.now(), Line("twilio", ("+15550001111",)))
    made.clock.move(3)
    work(made)
    assert brought(made) == [f"all of {RUN} in hi"]
    assert made.platform.over == ["whatsapp-main", "whatsapp-twilio-+15550001111"]


def test_a_stop_of_the_line_on_which_the_person_wrote_holds_the_full_text():
    made = sent()
    made.stop("channel:whatsapp-twilio")
    made.waiting().replied("whatsapp", address(0), made.clock.now(), Line("twilio"))
    made.clock.move(3)
    work(made, until_s=HOUR_S)
    assert brought(made) == []
    made.lift("channel:whatsapp-twilio")
    made.clock.move(3)
    work(made)
    assert len(brought(made)) == 1


def test_the_full_text_is_no_delivery_of_the_run():
    made = sent()
    before = made.counts()
    reply(made)
    work(made)
    assert made.counts() == before


def test_of_several_runs_that_wait_each_comes_once_and_corrected_ones_do_not():
    made = sent()
    for number in (2, 3):
        run = f"{RUN[:-1]}{number}"
        made.runs.briefs[run] = replace(made.runs.briefs[RUN], run_id=run, status="scheduled")
        made.plan_queue.put([{"launch": run}])
        made.plan()
        made.clock.move(60)
        made.send()
    made.plan_queue.messages.clear()
    made.runs.briefs[RUN] = replace(made.runs.briefs[RUN], recalled=True)
    reply(made)
    work(made)
    assert sorted(brought(made)) == [f"all of {RUN[:-1]}{n} in hi" for n in (2, 3)]


def test_nothing_comes_to_whom_the_template_did_not_reach():
    made = world(2)
    made.platform.answers = {address(0): [SendRefused("131026", "person")], address(1): [OutcomeUnknown()]}
    made.launch()
    made.send()
    for n in range(2):
        reply(made, n)
    work(made)
    assert (brought(made, 0), brought(made, 1)) == ([], [])


def test_who_answers_before_the_templates_result_is_written_gets_it_then():
    made = world(1)
    made.launch()
    made.plan_queue.messages.clear()
    record, made.store.record = made.store.record, lambda *_: True  # type: ignore[method-assign]
    made.send()
    reply(made)
    work(made, until_s=1)
    assert brought(made) == []
    made.store.record = record  # type: ignore[method-assign]
    made.clock.move(INVOCATION_S + 1)
    chunk = next(t.chunk for t in made.tallies())
    record(RUN, chunk, {0: {Fact.ACCEPTED: 1}})
    work(made)
    assert brought(made) == [f"all of {RUN} in hi"]


def test_who_has_no_text_waiting_or_is_nobody_gets_nothing():
    made = sent()
    made.runs.texts = False
    reply(made)
    made.waiting().replied("whatsapp", "911234567890", made.clock.now(), Line("whatsapp"))
    work(made)
    assert len(made.platform.requests) == 1


def test_a_platform_without_templates_has_nothing_waiting():
    made = sent(channels=("telegram",))
    reply(made, channel="telegram")
    assert made.plan_queue.messages == []


@pytest.mark.parametrize(
    "change",
    [
        {"suppressed": frozenset({"whatsapp"})},
        {"consents": frozenset()},
        {"status": "suspended"},
        {"addresses": {}},
    ],
)
def test_who_may_not_be_messaged_any_more_gets_nothing(change):
    made = sent()
    reply(made)
    made.people.change(person_id(0), **change)
    work(made)
    assert brought(made) == []


@pytest.mark.parametrize("end", ["cancelled", "expired", "recalled", "silence"])
def test_a_run_that_is_over_or_silenced_brings_nothing(end):
    made = sent()
    reply(made)
    if end == "cancelled":
        made.runs.set(RUN, "cancelled")
    elif end == "expired":
        made.runs.briefs[RUN] = replace(made.runs.briefs[RUN], expires_at=made.clock.now())
    elif end == "recalled":
        made.runs.briefs[RUN] = replace(made.runs.briefs[RUN], recalled=True)
    else:
        made.runs.briefs[RUN] = replace(made.runs.briefs[RUN], kind="electioneering")
        made.calendar.elections["IN"] = Election(silent=True)
    work(made)
    assert brought(made) == []


@pytest.mark.parametrize("scope", ["all", "channel:whatsapp", "department:dept_sample", "area:D2", "pause"])
def test_pauses_and_stops_hold_it_and_lifting_them_lets_it_go(scope):
    made = sent()
    made.clock.move(3)
    if scope == "pause":
        made.runs.set(RUN, "paused")
    else:
        made.stop(scope)
    reply(made)
    work(made, until_s=HOUR_S)
    assert brought(made) == []
    if scope == "pause":
        made.runs.set(RUN, "dispatching")
    else:
        made.lift(scope)
    work(made)
    assert brought(made) == [f"all of {RUN} in hi"]


def test_a_line_that_is_switched_off_holds_its_texts_until_it_is_on_again(monkeypatch):
    made = sent()
    made.clock.move(3)
    channel_on = made.platform.channel_on

    def off(line: Line, medium: str) -> Any:
        raise PlatformOff(platform=line.platform)

    monkeypatch.setattr(made.platform, "channel_on", off)
    reply(made)
    work(made, until_s=HOUR_S)
    assert brought(made) == []
    assert len(made.plan_queue.messages) == 1  # it waits, and is no failure
    monkeypatch.setattr(made.platform, "channel_on", channel_on)
    work(made)
    assert brought(made) == [f"all of {RUN} in hi"]


def test_of_two_texts_one_that_finds_its_platform_off_keeps_the_other_from_nobody():
    made = sent()
    run = f"{RUN[:-1]}2"
    made.runs.briefs[run] = replace(made.runs.briefs[RUN], run_id=run, status="scheduled")
    made.plan_queue.put([{"launch": run}])
    made.plan()
    made.clock.move(60)
    made.send()
    made.plan_queue.messages.clear()
    made.platform.answers[address(0)] = [PlatformOff(platform="whatsapp")]
    reply(made)
    work(made)
    assert sorted(brought(made)) == [f"all of {RUN} in hi", f"all of {run} in hi"]


def test_what_is_held_until_the_window_closes_is_dropped():
    made = sent()
    made.clock.move(3)
    made.stop("all")
    reply(made)
    work(made)
    assert made.plan_queue.messages == []
    made.lift("all")
    work(made)
    assert brought(made) == []


def test_a_reply_that_is_told_after_its_window_brings_nothing():
    made = sent()
    said = made.clock.now()
    made.clock.move(WINDOW.total_seconds())
    made.waiting().replied("whatsapp", address(0), said, Line("whatsapp"))
    assert made.plan_queue.messages == []
    made.waiting().replied("whatsapp", address(0), said + timedelta(seconds=2), Line("whatsapp"))
    made.clock.move(3)
    work(made)
    assert brought(made) == []


@pytest.mark.parametrize("answer", [Throttled(6, "person"), Throttled(2), Transient()])
def test_what_must_wait_comes_later_and_once(answer):
    made = sent()
    made.platform.answers[address(0)] = [answer]
    reply(made)
    work(made)
    assert brought(made) == [f"all of {RUN} in hi"]


def test_an_answer_that_is_lost_is_not_asked_for_again():
    made = sent()
    made.platform.answers[address(0)] = [OutcomeUnknown()]
    for _ in range(2):
        reply(made)
        work(made)
    assert len(brought(made)) == 1


def test_a_crash_before_or_after_any_step_and_copies_bring_it_at_most_once():
    for after in (False, True):
        for at in range(1, 6):
            empty_tables()
            made = sent()
            reply(made)
            made.plan_queue.messages *= 2
            made.faults.calls, made.faults.at, made.faults.after = 0, at, after
            work(made)
            made.faults.at = None
            reply(made)
            work(made)
            seen = made.faults.seen[-6:]
            assert len(brought(made)) <= 1, (after, at, seen)
        assert len(brought(made)) == 1
