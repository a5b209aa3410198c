"""What stays of somebody who was erased: hashes and sums, and nothing by which anybody is found."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import aws
from chalicelib.errors import InvalidInput, NotFound, Transient, Unauthenticated
from chalicelib.identity.audit import Audit
from chalicelib.identity.sessions import CreatorSessions
from chalicelib.influencers.erasing import Erasing
from chalicelib.influencers.rows import ErasedItem
from chalicelib.influencers.store import Left
from tests.dispatch.world import Crash, Faults
from tests.influencers.world import ADMIN, COORDINATOR, World

PHONE = "+918123456789"
TRACES = ("सुनीता", "8123456789", "sunita.devi", "sunita@x.test", "health", "wamid")
A_DAY = 24 * 3600 + 1


@dataclass
class Records:
    """What another feature keeps: gone once it is forgotten."""

    forgotten: list[str] = field(default_factory=list)
    whole: bool = True
    throttled: set[str] = field(default_factory=set)

    def held(self, person: str) -> list[dict[str, Any]]:
        return []

    def forget(self, person: str) -> bool:
        if person in self.throttled:
            raise Transient
        self.forgotten.append(person)
        return self.whole


@dataclass
class Others:
    first: Records = field(default_factory=Records)
    second: Records = field(default_factory=Records)
    sources: list[Left] = field(default_factory=list)


def erasing(world: World, others: Others, faults: Faults | None = None) -> Erasing:
    wrap = faults.wrap if faults else lambda target, *names: target
    if faults:
        faults.dead = False
    records = [wrap(others.first, "forget"), wrap(others.second, "forget")]
    store = wrap(world.store, "erasure", "forget_rows", "erased", "erase_later")
    return Erasing(
        store=store,
        records=lambda: records,
        sources=lambda channel, address: world.secrets.keyed_hash(f"voices {channel}:{address}"),
        more=others.sources.append if not faults else faults.guarded("more", others.sources.append),
        audit=wrap(Audit(lambda _: None), "committing"),
        clock=world.clock,
    )


def rows(*tables: str) -> list[dict[str, Any]]:
    dynamodb = aws.client("dynamodb")
    return [item for table in tables for item in dynamodb.scan(TableName=f"janjan-local-{table}")["Items"]]


def told() -> str:
    return json.dumps(rows("people", "roster", "audit"), ensure_ascii=False)


def somebody(world: World) -> str:
    """Approved, with an account, an email, and a START behind a STOP."""
    person = world.approved(email="sunita@x.test")
    for stopped, at in ((True, 0), (False, 1)):
        world.people._heard(
            "whatsapp",
            PHONE,
            evidence=f"wamid.{PHONE}.{at}",
            at=world.clock.now() + timedelta(seconds=at),
            stopped=stopped,
        )
    world.clock.forward(60)
    return person.id


def done(world: World, service: Erasing, person: str) -> None:
    service.forget(person)
    world.clock.forward(A_DAY)
    service.sweep(world.clock.epoch() + 60)


def test_nothing_that_leads_to_the_person_stays(world: World) -> None:
    person, others = somebody(world), Others()
    service = erasing(world, others)
    service.mine(person, "erase")
    assert world.store.find(person) is None
    assert rows("roster") == []
    done(world, service, person)
    assert not [trace for trace in TRACES if trace in told()]
    left = {row["pk"]["S"].partition("#")[0] for row in rows("people")}
    assert left == {"past", "suppressed"}, "no row under the id, no claim"
    assert others.first.forgotten == others.second.forgotten == [person, person]


def test_proof_of_consent_is_found_by_the_number_and_names_no_id(world: World) -> None:
    person = somebody(world)
    service = erasing(world, Others())
    service.mine(person, "ERASE")
    done(world, service, person)
    past = [row for row in rows("people") if row["pk"]["S"].startswith("past#")]
    assert {row["pk"]["S"] for row in past} == {f"past#phone#{world.store.hashed('phone', PHONE)}"}
    evidence = {row["evidence"]["S"] for row in past}
    assert {"code over whatsapp", "erasure"} < evidence
    assert person not in json.dumps(past)
    kept = (int(past[0]["expires"]["N"]) - world.clock.epoch()) / (366 * 24 * 3600)
    assert 2.9 < kept < 3


def test_the_same_number_may_join_again_and_begins_empty(world: World) -> None:
    before = somebody(world)
    service = erasing(world, Others())
    service.mine(before, "ERASE")
    again = world.join(handles=[], themes=[])
    done(world, service, before)
    after = world.store.person(again.id)
    assert (after.status, after.phone_proof, after.suppressed) == ("pending_review", "proven", frozenset())
    assert (after.handles, after.contested, after.email) == ((), (), "")
    assert after.id != before
    world.clock.forward(1)
    assert world.people.owner("whatsapp", PHONE) == after.id


def test_nobody_invites_who_was_erased_and_their_own_requests_are_answered(world: World) -> None:
    person = somebody(world)
    erasing(world, Others()).mine(person, "ERASE")
    assert world.store.known_phones([PHONE])[PHONE].stopped
    assert world.people.word_on("phone", PHONE) == "opted_out"
    assert not world.people.stopped("whatsapp", PHONE)


def test_a_start_that_comes_late_lets_nobody_invite_who_was_erased(world: World) -> None:
    person, at = world.approved().id, world.clock.now()
    world.clock.forward(60)
    erasing(world, Others()).mine(person, "ERASE")
    world.people._heard("whatsapp", PHONE, evidence="late", at=at, stopped=False)
    assert world.people.word_on("phone", PHONE) == "opted_out"
    for stopped in (True, False):
        world.clock.forward(1)
        world.people._heard("whatsapp", PHONE, evidence=f"{stopped}", at=world.clock.now(), stopped=stopped)
        assert world.people.stopped("whatsapp", PHONE) == stopped
        assert world.store.known_phones([PHONE])[PHONE].stopped


def test_a_stop_stands_and_one_that_comes_late_counts(world: World) -> None:
    person, at = world.approved().id, world.clock.now()
    world.clock.forward(60)
    erasing(world, Others()).mine(person, "ERASE")
    world.people.stop("whatsapp", PHONE, evidence="late", at=at)
    assert world.people.stopped("whatsapp", PHONE)
    again = world.join()
    assert again.suppressed == {"phone"}
    erasing(world, Others()).mine(again.id, "ERASE")
    assert world.people.stopped("whatsapp", PHONE)


def test_all_sessions_are_over_and_no_message_goes_out(world: World) -> None:
    person = somebody(world)
    sessions = CreatorSessions(world.people, lambda: [b"key"], world.clock)
    token = sessions.begin(person).token
    world.myself.ask(PHONE, "203.0.113.9")
    sent = len(world.sender.sent)
    erasing(world, Others()).mine(person, "ERASE")
    with pytest.raises(Unauthenticated):
        sessions.creator(token)
    with pytest.raises(Unauthenticated):
        sessions.heard(token)
    world.queue.messages.append({"kind": "welcome", "influencer": person, "event": "e"})
    world.deliver()
    assert len(world.sender.sent) == sent


@pytest.mark.parametrize("word", ["ERASE", " erase ", "मिटाना", "مٹانا"])
def test_the_word_is_taken_in_each_language(world: World, word: str) -> None:
    person = somebody(world)
    erasing(world, Others()).mine(person, word)
    assert world.store.find(person) is None


@pytest.mark.parametrize("word", ["", "yes", "ERASE ME", "delete", "<b>ERASE</b>"])
def test_any_other_word_erases_nobody(world: World, word: str) -> None:
    person = somebody(world)
    with pytest.raises(InvalidInput):
        erasing(world, Others()).mine(person, word)
    assert world.store.person(person).status == "approved"


@pytest.mark.parametrize("after", [False, True])
def test_whoever_dies_between_two_steps_has_erased_all_or_is_followed_by_the_sweep(
    world: World, *, after: bool
) -> None:
    for at in range(1, 40):
        person, others, faults = somebody(world), Others(), Faults()
        faults.at, faults.after = at, after
        with contextlib.suppress(Crash):
            erasing(world, others, faults).mine(person, "ERASE")
            erasing(world, others, faults).forget(person)
            world.clock.forward(A_DAY)
            erasing(world, others, faults).sweep(world.clock.epoch() + 60)
        over = faults.calls < at
        service = erasing(world, others)
        if world.store.find(person) is not None:
            service.mine(person, "ERASE")
        for _ in range(3):
            world.clock.forward(A_DAY)
            service.sweep(world.clock.epoch() + 60)
        assert not [trace for trace in TRACES if trace in told()], (at, faults.seen)
        assert {row["pk"]["S"].partition("#")[0] for row in rows("people")} == {"past", "suppressed"}, at
        assert others.first.forgotten and others.second.forgotten
        actions = [one.action for one in Audit().all_of(f"influencer#{person}")]
        assert actions.count("influencer.erased") == 1, at
        if over:
            return
    raise AssertionError("more steps than were tried")


def test_the_event_may_come_twice_late_or_before_anything_else(world: World) -> None:
    person, others = somebody(world), Others()
    service = erasing(world, others)
    service.forget(person)
    assert world.store.person(person).status == "approved", "an event alone erases nobody"
    service.mine(person, "ERASE")
    service.forget(person)
    service.forget(person)
    done(world, service, person)
    before = told()
    service.forget(person)
    assert told() == before


def test_what_must_wait_is_looked_at_again_each_day_until_it_is_gone(world: World) -> None:
    person, others = somebody(world), Others(second=Records(whole=False))
    service = erasing(world, others)
    service.mine(person, "ERASE")
    service.forget(person)
    for _ in range(3):
        world.clock.forward(A_DAY)
        service.sweep(world.clock.epoch() + 60)
        assert world.store.left_of(person) is not None
        service.sweep(world.clock.epoch() + 60)
    assert len(others.second.forgotten) == 4, "once a day, not at each sweep"
    others.second.whole = True
    world.clock.forward(A_DAY)
    service.sweep(world.clock.epoch() + 60)
    assert world.store.left_of(person) is None


def test_one_who_cannot_be_forgotten_now_holds_up_nobody(world: World) -> None:
    one, others = somebody(world), Others()
    service = erasing(world, others)
    service.mine(one, "ERASE")
    two = world.approved(phone="+918123456780", handles=[]).id
    world.clock.forward(1)
    service.mine(two, "ERASE")
    others.first.throttled = {one}
    world.clock.forward(A_DAY)
    with pytest.raises(Transient):
        service.sweep(world.clock.epoch() + 60)
    assert world.store.left_of(two) is None
    assert world.store.left_of(one) is not None
    others.first.throttled = set()
    world.clock.forward(3601)
    service.sweep(world.clock.epoch() + 60)
    assert world.store.left_of(one) is None


def test_who_cannot_be_forgotten_does_not_starve_those_behind_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.influencers.erasing.A_PASS", 1)
    one, others = somebody(world), Others()
    service = erasing(world, others)
    service.mine(one, "ERASE")
    world.clock.forward(1)
    two = world.approved(phone="+918123456780", handles=[]).id
    service.mine(two, "ERASE")
    others.first.throttled = {one}
    world.clock.forward(A_DAY)
    with pytest.raises(Transient):
        service.sweep(world.clock.epoch() + 60)
    service.sweep(world.clock.epoch() + 60)
    assert world.store.left_of(two) is None


def test_two_passes_at_once_raise_no_alarm(world: World) -> None:
    person, others = somebody(world), Others()
    service = erasing(world, others)
    service.mine(person, "ERASE")
    world.clock.forward(A_DAY)
    left = world.store.left_of(person)
    assert left is not None
    service.forget(person)
    assert world.store.left_of(person) is None
    world.store.erase_later(left, world.clock.now())
    world.store.erased(left)
    assert world.store.left_of(person) is None


def test_whoever_is_changed_at_the_same_moment_is_erased_as_they_are_then(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, others = world.join(), Others()
    real, calls = world.store.erasure, []

    def slower(*given: Any) -> Any:
        write = real(*given)
        calls.append(given)
        if len(calls) == 1:
            from chalicelib.influencers.model import ReviewRequest

            world.register.review(ADMIN, person.id, ReviewRequest(decision="approve"))
        return write

    monkeypatch.setattr(type(world.store), "erasure", lambda self, *given: slower(*given))
    erasing(world, others).mine(person.id, "ERASE")
    assert len(calls) == 2
    assert rows("roster") == []
    assert world.store.find(person.id) is None


def test_an_import_at_the_same_moment_brings_nobody_back(world: World) -> None:
    person = somebody(world)
    erasing(world, Others()).mine(person, "ERASE")
    ident = world.store.invited_id(PHONE)
    template = world.join(phone="+918123456781", handles=[])
    invited = template.model_copy(update={"id": ident, "status": "invited", "phone": PHONE})
    world.store.put_invited([(None, invited)], world.clock.now(), int(world.clock.epoch()) + 9)
    assert world.store.find(ident) is None


def test_staff_erase_whoever_asked_in_another_way_also_who_has_left(world: World) -> None:
    person = somebody(world)
    world.register.withdraw(ADMIN, person)
    service = erasing(world, Others())
    with pytest.raises(NotFound):
        service.for_them(COORDINATOR, person, "in_writing")
    service.for_them(ADMIN, person, "in_writing")
    done(world, service, person)
    assert not [trace for trace in TRACES if trace in told()]
    entry = Audit().all_of(f"influencer#{person}")[-1]
    assert (entry.action, entry.actor, entry.detail) == (
        "influencer.erased",
        ADMIN.id,
        {"asked": "in_writing"},
    )


def test_voices_of_whoever_has_the_number_by_now_are_not_taken_for_theirs(world: World) -> None:
    person, others = somebody(world), Others()
    world.register.withdraw(ADMIN, person)
    world.join(handles=[], themes=[])
    service = erasing(world, others)
    service.for_them(ADMIN, person, "in_writing")
    service.forget(person)
    assert [left.sources for left in others.sources] == [()]


def test_the_event_is_raised_once_in_the_same_write(world: World) -> None:
    person = somebody(world)
    erasing(world, Others()).mine(person, "ERASE")
    item = ErasedItem.get(person, "erased")
    assert json.loads(item.event)["type"] == "influencer.erased"
    rev = item.rev
    erasing(world, Others()).forget(person)
    assert ErasedItem.get(person, "erased").rev == rev, "no second event"
