"""Service messages: once for each key, whatever happens in between."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.dispatch.direct import Direct
from chalicelib.dispatch.model import Stops
from chalicelib.dispatch.store import DispatchStore
from chalicelib.errors import OnHold, PlatformOff, Transient
from chalicelib.platforms.base import Accepted, Channel, OutcomeUnknown, Outgoing, SendRefused, Throttled
from chalicelib.ports import Way
from tests.dispatch.world import Crash, MemoryPlatform, MovingClock

pytestmark = pytest.mark.usefixtures("tables")


class Room:
    def __init__(self) -> None:
        self.platform, self.clock, self.store = MemoryPlatform(), MovingClock(), DispatchStore()

    def send(self, key: str = "welcome") -> str:
        direct = Direct(self.store, self.platform, self.clock)
        return direct.send(
            subject="inf_1", key=key, channel="whatsapp", to="9190", message=Outgoing(text="hello")
        )


def test_a_service_message_is_sent_once_for_its_key():
    room = Room()
    assert [room.send(), room.send(), room.send("code#2")] == ["accepted", "already", "accepted"]
    assert len(room.platform.requests) == 2


def test_a_refusal_is_told_with_its_code_and_not_tried_again():
    room = Room()
    room.platform.answers["9190"] = [SendRefused("131026", "person")]
    assert [room.send(), room.send()] == ["refused:131026", "already"]


def test_a_lost_answer_is_unknown_and_not_tried_again():
    room = Room()
    room.platform.answers["9190"] = [OutcomeUnknown()]
    assert [room.send(), room.send()] == ["unknown", "already"]
    assert len(room.platform.requests) == 1


def outcome_of(room: Room) -> str:
    return Direct(room.store, room.platform, room.clock).outcome_of(subject="inf_1", key="welcome")


@pytest.mark.parametrize(
    ("answers", "expected"),
    [([], "accepted"), ([SendRefused("1", "person")], "refused:1"), ([OutcomeUnknown()], "unknown")],
)
def test_what_came_of_a_message_can_be_asked_later_and_asking_sends_nothing(answers, expected):
    room = Room()
    assert outcome_of(room) == ""
    room.platform.answers["9190"] = answers
    room.send()
    assert [outcome_of(room), room.send(), outcome_of(room)] == [expected, "already", expected]
    assert len(room.platform.requests) == 1


def test_of_a_message_that_was_given_back_nothing_came():
    room = Room()
    room.platform.answers["9190"] = [Throttled(3)]
    with pytest.raises(Throttled):
        room.send()
    assert [outcome_of(room), room.send(), outcome_of(room)] == ["", "accepted", "accepted"]


def test_a_throttled_message_goes_out_when_asked_again():
    room = Room()
    room.platform.answers["9190"] = [Throttled(3)]
    with pytest.raises(Throttled):
        room.send()
    assert room.send() == "accepted"
    assert len(room.platform.taken) == 1


def test_a_death_between_claim_and_outcome_leaves_an_unknown_that_is_never_sent():
    room = Room()
    take = room.platform.send

    def die(channel, to, message):
        take(channel, to, message)
        raise Crash

    room.platform.send = die  # type: ignore[method-assign]
    with pytest.raises(Crash):
        room.send()
    for ask in (room.send, lambda: outcome_of(room)):
        with pytest.raises(Transient):
            ask()
    room.clock.move(60)
    assert [outcome_of(room), room.send()] == ["unknown", "already"]
    assert len(room.platform.requests) == 1


def test_a_platform_that_is_off_claims_nothing():
    room = Room()
    channel_for = room.platform.channel_for

    def off(platform):
        raise PlatformOff(platform=platform)

    room.platform.channel_for = off  # type: ignore[method-assign]
    with pytest.raises(PlatformOff):
        room.send()
    room.platform.channel_for = channel_for  # type: ignore[method-assign]
    assert room.send() == "accepted"


# --- several ways for one message

TWO = [Way("whatsapp", "9190", Outgoing(text="code")), Way("email", "a@x.test", Outgoing(text="code"))]


def first(room: Room, *, stopped: frozenset[str] = frozenset(), platform: Any = None) -> str:
    direct = Direct(room.store, platform or room.platform, room.clock, lambda: Stops(stopped))
    return direct.send_first(subject="inf_1", key="code#1", ways=TWO)


class Off(MemoryPlatform):
    """Over which some channels are not configured, or are switched off between finding and sending."""

    none: frozenset[str] = frozenset()
    switched_off: frozenset[str] = frozenset()

    def channel_for(self, medium: str) -> Channel:
        if medium in self.none:
            raise PlatformOff(platform=medium)
        return super().channel_for(medium)

    def send(self, channel: Channel, to: str, message: Outgoing) -> Accepted:
        if channel.medium in self.switched_off:
            raise PlatformOff(platform=channel.platform)
        return super().send(channel, to, message)


def test_a_message_with_several_ways_goes_over_the_first_alone():
    room = Room()
    assert [first(room), first(room)] == ["accepted", "already"]
    assert [to for to, _ in room.platform.requests] == ["9190"]


def test_where_the_first_way_refuses_the_next_is_taken_once():
    room = Room()
    room.platform.answers["9190"] = [SendRefused("131026", "person")]
    assert [first(room), first(room)] == ["accepted", "already"]
    assert [to for to, _ in room.platform.taken] == ["a@x.test"]


@pytest.mark.parametrize(
    "door", [{"none": frozenset({"whatsapp"})}, {"switched_off": frozenset({"whatsapp"})}], ids=str
)
def test_where_the_first_way_is_off_the_next_is_taken_once_though_it_is_on_again(door):
    room, off = Room(), Off()
    for name, value in door.items():
        setattr(off, name, value)
    assert first(room, platform=off) == "accepted"
    assert [to for to, _ in off.taken] == ["a@x.test"]
    assert first(room) == "already"
    assert room.platform.requests == []


def test_where_the_first_way_is_stopped_the_next_is_taken_once_though_the_stop_is_lifted():
    room = Room()
    assert first(room, stopped=frozenset({"channel:whatsapp"})) == "accepted"
    assert first(room) == "already"
    assert [to for to, _ in room.platform.requests] == ["a@x.test"]


def test_where_all_ways_are_stopped_or_off_nothing_is_claimed():
    room, off = Room(), Off()
    with pytest.raises(OnHold):
        first(room, stopped=frozenset({"channel:whatsapp", "channel:email-main"}))
    off.none = frozenset({"whatsapp", "email"})
    with pytest.raises(PlatformOff):
        first(room, platform=off)
    off.none, off.switched_off = frozenset(), frozenset({"whatsapp", "email"})
    with pytest.raises(PlatformOff):
        first(room, platform=off)
    assert first(room) == "accepted"


def test_where_all_ways_refuse_the_first_refusal_is_told():
    room = Room()
    room.platform.answers = {"9190": [SendRefused("1", "person")], "a@x.test": [SendRefused("2", "person")]}
    assert [first(room), first(room)] == ["refused:1", "already"]


def test_an_answer_that_is_lost_leads_to_no_other_way():
    room = Room()
    room.platform.answers["9190"] = [OutcomeUnknown()]
    assert [first(room), first(room)] == ["unknown", "already"]
    assert [to for to, _ in room.platform.requests] == ["9190"]


def test_a_way_that_asks_to_wait_is_waited_for():
    room = Room()
    room.platform.answers["9190"] = [Throttled(3)]
    with pytest.raises(Throttled):
        first(room)
    assert first(room) == "accepted"
    assert [to for to, _ in room.platform.taken] == ["9190"]


def test_while_one_copy_tries_its_ways_no_other_begins():
    room = Room()
    send, others = room.platform.send, []

    def meanwhile(channel, to, message):
        with pytest.raises(Transient):
            others.append(first(room, platform=MemoryPlatform()))
        raise SendRefused("131026", "person") if to == "9190" else OutcomeUnknown

    room.platform.send = meanwhile  # type: ignore[method-assign]
    assert first(room) == "unknown"
    room.platform.send = send  # type: ignore[method-assign]
    assert first(room) == "already"
    assert others == []


@pytest.mark.parametrize("dies_at", ["9190", "a@x.test"])
def test_whoever_dies_between_two_ways_leaves_an_unknown_that_is_never_sent(dies_at):
    room = Room()
    room.platform.answers["9190"] = [SendRefused("131026", "person")]
    take = room.platform.send

    def die(channel, to, message):
        if to == dies_at:
            raise Crash
        return take(channel, to, message)

    room.platform.send = die  # type: ignore[method-assign]
    with pytest.raises(Crash):
        first(room)
    room.platform.send = take  # type: ignore[method-assign]
    with pytest.raises(Transient):
        first(room)
    room.clock.move(120)
    assert [first(room), first(room)] == ["unknown", "already"]
    assert room.platform.taken == []


def test_a_release_that_is_repeated_late_does_not_free_the_next_holders_claim():
    store = DispatchStore()
    assert store.claim_service("inf_1", "welcome", "first", 10.0) is None
    store.service_outcome("inf_1", "welcome", "first", "released", released=True)
    assert store.claim_service("inf_1", "welcome", "second", 20.0) is None
    store.service_outcome("inf_1", "welcome", "first", "released", released=True)
    standing = store.claim_service("inf_1", "welcome", "third", 30.0)
    assert standing is not None and (standing.token, standing.outcome) == ("second", "")
