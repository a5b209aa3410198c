"""Service messages: once for each key, whatever happens in between."""

from __future__ import annotations

import pytest

from chalicelib.dispatch.direct import Direct
from chalicelib.dispatch.store import DispatchStore
from chalicelib.errors import PlatformOff, Transient
from chalicelib.platforms.base import OutcomeUnknown, Outgoing, SendRefused, Throttled
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
    with pytest.raises(Transient):
        room.send()
    room.clock.move(60)
    assert [room.send(), room.send()] == ["unknown", "already"]
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


def test_a_release_that_is_repeated_late_does_not_free_the_next_holders_claim():
    store = DispatchStore()
    assert store.claim_service("inf_1", "welcome", "first", 10.0) is None
    store.service_outcome("inf_1", "welcome", "first", "released", released=True)
    assert store.claim_service("inf_1", "welcome", "second", 20.0) is None
    store.service_outcome("inf_1", "welcome", "first", "released", released=True)
    standing = store.claim_service("inf_1", "welcome", "third", 30.0)
    assert standing is not None and (standing.token, standing.outcome) == ("second", "")
