"""The minute's tick: deadlines pass once, words are told once, whatever dies in between."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib.clock import IST
from chalicelib.errors import OnHold, PlatformOff, Transient
from chalicelib.i18n import translate
from chalicelib.platforms.base import Outgoing
from chalicelib.ports import OnDuty, Way
from chalicelib.voices import tending
from chalicelib.voices.changes import Changes
from chalicelib.voices.model import Sender, Voice
from chalicelib.voices.notices import SUBJECT_OVER, Notices
from chalicelib.voices.tending import Tending
from tests.dispatch.world import Crash, Faults
from tests.voices.test_receiving import events
from tests.voices.world import PHONE, WATER, World


def moved_to(world: World, at) -> None:  # type: ignore[no-untyped-def]
    world.clock.forward((at - world.clock.now()).total_seconds())


def test_the_officer_is_reminded_at_three_quarters_and_it_escalates_at_the_deadline_once_each(
    world: World,
) -> None:
    got = world.receive()
    voice = world.voice(got.id)
    assert world.tick() == 0
    moved_to(world, voice.answer_soon)
    world.tick()
    world.tick()
    assert world.notifier.told == [(got.ticket, "answer_soon")]
    assert world.voice(got.id).overdue_at is None
    moved_to(world, voice.answer_due)
    world.tick()
    world.tick()
    assert world.notifier.told[1:] == [(got.ticket, "answer_over")]
    assert world.voice(got.id).overdue_at == voice.answer_due
    assert world.voices.public(got.ticket).overdue
    assert [name for name, _ in events()][-1] == "voice.overdue"
    assert world.audited(got.id)[1:] == [("voice.due_soon", "system"), ("voice.overdue", "system")]
    told = world.desk.whole(WATER, got.id).told
    assert [(one.step, one.outcome) for one in told] == [
        ("answer_soon:0", "officer:accepted"),
        ("answer_over:0", "officer:accepted"),
    ]


def test_an_answer_in_time_ends_the_first_deadline_and_not_the_second(world: World) -> None:
    got = world.receive()
    world.desk.answer(WATER, got.id, "कल")
    voice = world.voice(got.id)
    moved_to(world, voice.answer_due + timedelta(hours=1))
    world.tick()
    assert world.notifier.told == []
    moved_to(world, voice.resolve_due)
    world.tick()
    assert world.notifier.told == [(got.ticket, "resolve_over")]
    world.desk.close(WATER, got.id, "resolved", "हो गया")
    world.days(300)
    world.tick()
    assert len(world.notifier.told) == 1


def test_a_tick_that_comes_late_tells_the_deadline_alone(world: World) -> None:
    world.receive()
    world.days(100)
    world.tick()
    assert [step for _, step in world.notifier.told] == ["answer_over", "resolve_over"]


def test_a_voice_that_is_opened_again_has_deadlines_anew(world: World) -> None:
    got = world.receive()
    world.desk.close(WATER, got.id, "resolved", "हो गया")
    world.days(20)
    world.voices.reopen(got.ticket)
    world.tick()
    assert world.notifier.told == []
    world.days(30)
    world.tick()
    assert [step for _, step in world.notifier.told] == ["answer_over", "resolve_over"]


def test_who_answers_after_the_deadline_is_late_even_when_no_tick_came(world: World) -> None:
    got = world.receive()
    world.days(10)
    world.desk.answer(WATER, got.id, "देर से")
    assert world.voice(got.id).overdue_at is not None


def test_an_answer_is_told_over_the_way_it_came_and_the_carrier_hears_what_came_of_it(world: World) -> None:
    sender = Sender(channel="sms", address="+919876543210")
    got = world.receive(carried_by="inf_a", on_behalf=True, source="creator", sender=sender)
    world.tick()
    world.desk.close(WATER, got.id, "resolved", "नल ठीक है, पूछें 98765 43210")
    world.tick()
    assert world.teller.told == [
        (got.ticket, "received", "", "+919876543210"),
        (got.ticket, "resolved", "नल ठीक है, पूछें 98765 43210", "+919876543210"),
        (got.ticket, "carried", "नल ठीक है, पूछें •••", ""),
    ]


def test_what_could_not_be_told_is_seen_on_the_voice(world: World) -> None:
    got = world.receive()
    world.teller.outcome = "refused:131026"
    world.desk.answer(WATER, got.id, "कल")
    world.tick()
    [told] = world.desk.whole(WATER, got.id).told
    assert (told.step, told.outcome) == ("answered:1", "refused:131026")


@pytest.mark.parametrize(
    "error", [Transient(retry_after_s=300), OnHold(retry_after_s=300), RuntimeError("x")]
)
def test_what_has_to_wait_is_told_later_and_keeps_nobody_else_waiting(world: World, error: Exception) -> None:
    first, second = world.receive("e1"), world.receive("e2")
    world.desk.answer(WATER, first.id, "एक")
    world.desk.answer(WATER, second.id, "दो")
    world.teller.fail.append(error)
    world.tick()
    assert len(world.teller.told) == 1
    world.tick()
    assert len(world.teller.told) == 1
    world.clock.forward(16 * 60)
    world.tick()
    assert {one[0] for one in world.teller.told} == {first.ticket, second.ticket}
    assert world.voice(first.id).pending == world.voice(second.id).pending == ()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_between_any_two_steps_tells_everything_once(world: World, after: bool) -> None:
    """Each call of the tick dies once, before it takes effect and after; the next tick goes on."""
    got = world.receive(carried_by="inf_a")
    twin = world.receive("e2", sender=Sender(channel="telegram", address="77"))
    world.desk.merge(WATER, twin.id, got.id, "the same")
    world.days(2.8)  # the first reminder is due
    world.desk.close(WATER, got.id, "resolved", "हो गया")
    world.receive("e3", "पानी फिर नहीं आया")
    world.days(30)
    for at in range(1, 60):
        faults = Faults()
        faults.at, faults.after = at, after
        store = faults.wrap(world.store, "put_told", "find", "told", "answer", "put", "sender")
        dying = Tending(
            store=store,
            changes=Changes(store, world.audit, world.clock, 12),
            teller=faults.wrap(world.teller, "tell"),
            notifier=faults.wrap(world.notifier, "notify"),
            clock=world.clock,
            forget=world.voices.forget_sender,
        )
        with suppress(Crash):
            dying.tend(world.clock.epoch() + 40)
        if not faults.dead:
            break
        world.clock.forward(16 * 60)
    world.tick()
    assert sorted(occasion for _, occasion, _, _ in world.teller.told) == ["carried", "resolved", "resolved"]
    assert len(world.notifier.told) == len(set(world.notifier.told)) == 2
    assert all(not voice.pending for voice in world.store.many([got.id, twin.id]).values())
    overdue = [data for name, data in events() if name == "voice.overdue"]
    assert len(overdue) == 1


def test_who_dies_in_the_test_above_really_dies(world: World) -> None:
    faults = Faults()
    faults.at = 1
    with pytest.raises(Crash):
        faults.wrap(world.store, "find").find("x")


def test_a_change_by_staff_in_the_middle_of_a_tick_is_not_lost(world: World) -> None:
    got = world.receive()
    world.desk.answer(WATER, got.id, "कल")
    desk = world.desk

    class Meanwhile:
        def tell(self, *args: object, **more: object) -> str:
            if world.voice(got.id).answers == 1:
                desk.answer(WATER, got.id, "परसों")
            return world.teller.tell(*args, **more)  # type: ignore[arg-type]

    meanwhile = replace(world.tending, teller=Meanwhile())
    meanwhile.tend(world.clock.epoch() + 40)
    world.tick()
    assert [text for _, _, text, _ in world.teller.told] == ["कल", "परसों"]
    assert world.voice(got.id).pending == ()


class Broken:
    """Fails for one voice for good, tells all others."""

    def __init__(self, world: World, ticket: str) -> None:
        self.world, self.ticket, self.asked = world, ticket, 0

    def tell(self, voice: Voice, *more: Any, step: str) -> str:
        if voice.ticket == self.ticket:
            self.asked += 1
            raise RuntimeError("an address nobody can read")
        return self.world.teller.tell(voice, *more, step=step)


def test_one_who_cannot_be_told_keeps_none_behind_them_waiting_and_is_given_up_in_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tending, "MOST_TRIES", 3)
    main = world.receive("e0")
    twins = [world.receive(f"e{n}", sender=Sender(channel="telegram", address=f"7{n}")) for n in (1, 2, 3)]
    for twin in twins:
        world.desk.merge(WATER, twin.id, main.id, "the same")
    world.desk.answer(WATER, main.id, "कल")
    broken = Broken(world, main.ticket)
    own = replace(world.tending, teller=broken)
    for tick in range(1, 6):
        own.tend(world.clock.epoch() + 40)
        [told] = world.desk.whole(WATER, main.id).told
        assert told.outcome == ("failed" if tick < 3 else "no_way:failed")
        assert sorted(to for *_, to in world.teller.told) == ["71", "72", "73"]
        world.clock.forward(16 * 60)
    assert (broken.asked, world.voice(main.id).pending) == (3, ())


def test_a_notice_that_fails_for_good_is_given_up_and_the_answer_behind_it_goes_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tending, "MOST_TRIES", 2)
    got = world.receive()
    moved_to(world, world.voice(got.id).answer_soon)

    def fail(*_: object) -> str:
        raise RuntimeError

    monkeypatch.setattr(world.notifier, "notify", fail)
    world.tick()
    world.desk.answer(WATER, got.id, "कल")
    for _ in range(3):
        world.tick()
        world.clock.forward(16 * 60)
    assert [one[1] for one in world.teller.told] == ["answered"]
    assert [one.outcome for one in world.desk.whole(WATER, got.id).told] == ["no_way:failed", "accepted"]


# --- notices to staff ---------------------------------------------------------------------------------------


class Officers:
    def __init__(self, *people: OnDuty) -> None:
        self.people = list(people)

    def of_department(self, department: str, day: date) -> list[OnDuty]:
        return self.people

    def of_area(self, path: object) -> list[OnDuty]:
        return [OnDuty("coordinator", "Asha", email="c@x.test")]


class KeptDirect:
    def __init__(self, off: bool = False) -> None:
        self.sent: list[tuple[str, Way]] = []
        self.off = off

    def send_first(self, *, subject: str, key: str, ways: list[Way]) -> str:
        if self.off:
            raise PlatformOff(platform="email")
        self.sent.append((key, ways[0]))
        return "accepted"


class Texts:
    def sms(self, name: str, language: str, *params: str) -> Outgoing | None:
        return Outgoing(text=" ".join((name, language, *params)))


def notices(world: World, officers: Officers, direct: KeptDirect) -> Notices:
    return Notices(officers, officers, direct, Texts(), lambda one, language: "जल विभाग", world.clock)  # type: ignore[arg-type]


OFFICER = OnDuty("officer", "A", email="o@x.test")
DEPUTY = OnDuty("deputy", "B", phone=PHONE)


@pytest.mark.parametrize(
    ("people", "step", "told"),
    [
        ([OFFICER, DEPUTY], "answer_soon", "o@x.test"),
        ([DEPUTY], "answer_soon", PHONE),
        ([OFFICER, DEPUTY], "answer_over", PHONE),
        ([OFFICER], "answer_over", "c@x.test"),
        ([], "resolve_over", "c@x.test"),
    ],
)
def test_a_vacant_seat_hands_a_notice_to_the_next(world: World, people, step, told) -> None:  # type: ignore[no-untyped-def]
    voice = world.voice(world.receive().id)
    direct = KeptDirect()
    outcome = notices(world, Officers(*people), direct).notify(voice, step, f"{step}:0")
    [(key, way)] = direct.sent
    assert (way.to, key, outcome.partition(":")[2]) == (told, f"{step}:0:0", "accepted")
    assert voice.ticket in (way.message.subject or way.message.text)


def test_a_notice_says_until_when_in_the_time_of_india(world: World) -> None:
    voice = world.voice(world.receive().id)
    assert voice.answer_due is not None
    due = voice.answer_due.astimezone(IST).strftime("%d-%m-%Y %H:%M")
    direct = KeptDirect()
    notices(world, Officers(), direct).notify(voice, "answer_over", "k")
    [(_, way)] = direct.sent
    assert way.message.subject == translate("hi", SUBJECT_OVER, {"ticket": voice.ticket, "due": due})
    assert due in way.message.text


def test_who_cannot_be_told_is_said_so(world: World) -> None:
    voice = world.voice(world.receive().id)
    silent = Officers(OnDuty("officer", "A"))
    assert notices(world, silent, KeptDirect()).notify(voice, "answer_soon", "k") == "officer:no_way"
    off = notices(world, Officers(OFFICER), KeptDirect(off=True))
    assert off.notify(voice, "answer_soon", "k") == "officer:no_way"


def test_a_voice_whose_area_is_told_after_its_deadline_is_overdue_once(world: World) -> None:
    got = world.receive(area="")
    world.days(10)
    world.tick()
    world.voices.place(got.id, "D9001-B1")
    world.tick()
    assert [name for name, _ in events()].count("voice.overdue") == 1
    assert [one.outcome for one in world.desk.whole(WATER, got.id).told] == ["officer:accepted"]
