"""Creators' sessions: what a token is good for, and when no more."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.clock import FixedClock
from chalicelib.errors import Unauthenticated
from chalicelib.identity.sessions import HOLDS_S, CreatorSessions, SessionItem

NOON = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)


@dataclass
class Standings:
    by_id: dict[str, int | None] = field(default_factory=lambda: {"inf_a": 0, "inf_b": 0})

    suspended: set[str] = field(default_factory=set)

    def standing(self, person: str) -> int | None:
        return None if person in self.suspended else self.by_id.get(person)

    def hearing(self, person: str) -> int | None:
        return self.by_id.get(person)


@pytest.fixture
def sessions(tables: object) -> CreatorSessions:
    return CreatorSessions(Standings(), lambda: [b"key one"], FixedClock(at=NOON))


def test_a_session_speaks_for_its_person_until_it_ends(sessions: CreatorSessions) -> None:
    begun = sessions.begin("inf_a")
    assert sessions.creator(begun.token).id == "inf_a"
    assert begun.expires_at == NOON + timedelta(seconds=HOLDS_S)
    late = replace(sessions, clock=FixedClock(at=begun.expires_at))
    with pytest.raises(Unauthenticated):
        late.creator(begun.token)


def test_signing_out_ends_this_session_alone(sessions: CreatorSessions) -> None:
    here, there = sessions.begin("inf_a").token, sessions.begin("inf_a").token
    sessions.end(sessions.creator(here))
    with pytest.raises(Unauthenticated):
        sessions.creator(here)
    assert sessions.creator(there).id == "inf_a"


@pytest.mark.parametrize("now", [None, 1])
def test_another_standing_ends_all_sessions(sessions: CreatorSessions, now: int | None) -> None:
    token = sessions.begin("inf_a").token
    sessions.creators.by_id["inf_a"] = now  # type: ignore[attr-defined]
    with pytest.raises(Unauthenticated):
        sessions.creator(token)


def test_who_may_not_sign_in_gets_no_session(sessions: CreatorSessions) -> None:
    for nobody in ("inf_erased", ""):
        with pytest.raises(Unauthenticated):
            sessions.begin(nobody)
    assert list(SessionItem.scan(SessionItem.pk.startswith("session#"))) == []


def test_who_is_suspended_may_sign_in_to_be_heard_and_for_nothing_else(sessions: CreatorSessions) -> None:
    before = sessions.begin("inf_a").token
    sessions.creators.suspended.add("inf_a")  # type: ignore[attr-defined]
    sessions.creators.by_id["inf_a"] = 1  # type: ignore[attr-defined]
    token = sessions.begin("inf_a").token
    assert sessions.heard(token).id == "inf_a"
    for read, one in ((sessions.creator, token), (sessions.heard, before), (sessions.creator, before)):
        with pytest.raises(Unauthenticated):
            read(one)


def test_a_token_that_was_touched_is_nobodys(sessions: CreatorSessions) -> None:
    token = sessions.begin("inf_a").token
    version, packed, mac = token.split(".")
    other = sessions.begin("inf_b").token.split(".")[1]
    for wrong in (
        f"{version}.{other}.{mac}",
        f"{version}.{packed}.{mac[:-1]}",
        f"{version}.{packed}.{mac}0",
        f"me2.{packed}.{mac}",
        f"{version}.{packed}.",
        f"{version}.{packed}",
        f"{version}..{mac}",
        "",
        "é.ö.ü",
        token + "x" * 600,
    ):
        with pytest.raises(Unauthenticated):
            sessions.creator(wrong)


def test_a_signing_key_alone_opens_nothing(sessions: CreatorSessions) -> None:
    forged = replace(sessions, creators=Standings()).begin("inf_a")
    for item in SessionItem.scan(SessionItem.pk.startswith("session#")):
        item.delete()
    with pytest.raises(Unauthenticated):
        sessions.creator(forged.token)


def test_the_key_can_be_rotated_while_sessions_last(sessions: CreatorSessions) -> None:
    token = sessions.begin("inf_a").token
    rotated = replace(sessions, keys=lambda: [b"key two", b"key one"])
    assert rotated.creator(token).id == "inf_a"
    newer = rotated.begin("inf_a").token
    with pytest.raises(Unauthenticated):
        sessions.creator(newer)
    with pytest.raises(Unauthenticated):
        replace(sessions, keys=lambda: [b"key two"]).creator(token)
