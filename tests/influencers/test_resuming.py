"""Emails that were stopped come again by the person's own word: a link to that address, for that one stop."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from chalicelib.errors import NotFound, TooManyRequests
from chalicelib.influencers.model import Influencer, ReviewRequest
from chalicelib.influencers.resuming import A_DAY, DAY_S, HOLDS_S, NotStopped
from chalicelib.influencers.rows import ConsentItem
from tests.influencers.test_second_channels import MAIL, link_in, reached
from tests.influencers.world import ADMIN, World


@pytest.fixture
def world(tables: object) -> World:
    return World()


@pytest.fixture
def person(world: World) -> Influencer:
    """Approved over WhatsApp, with a confirmed email whose owner has pressed "no more emails"."""
    found = reached(world)
    world.signups.confirm(link_in(world))
    world.clock.forward(60)
    world.people.unsubscribe(found.id, at=world.clock.now())
    world.clock.forward(60)
    return world.store.person(found.id)


def resume_link(world: World, person: Influencer) -> str:
    world.resuming.ask(person.id)
    world.deliver()
    return world.sender.to(MAIL.replace("X.", "x."))[-1].text.partition("/resume/")[2].partition("?")[0]


def reachable(world: World, person: Influencer) -> tuple[str, ...]:
    return world.store.person(person.id).reachable


def test_a_link_to_the_address_takes_its_emails_up_again(world: World, person: Influencer) -> None:
    assert person.may_resume_email
    assert "email" not in person.reachable
    token = resume_link(world, person)
    assert not world.resuming.followed(token)
    assert "email" not in reachable(world, person)  # looking changes nothing
    world.resuming.follow(token)
    assert "email" in reachable(world, person)
    assert not world.store.person(person.id).may_resume_email


def test_that_it_was_taken_up_again_is_kept_with_its_evidence(world: World, person: Influencer) -> None:
    world.resuming.follow(resume_link(world, person))
    rows = ConsentItem.query(person.id, ConsentItem.sk.startswith("consent#all#email#"))
    assert [(row.given, row.evidence[:13]) for row in rows] == [
        (False, "one click in "),
        (True, "link by email"),
    ]


def test_the_email_speaks_the_persons_language_and_shows_no_address(world: World, person: Influencer) -> None:
    token = resume_link(world, person)
    message = world.sender.to(person.email)[-1]
    assert message.subject == "क्या आपको हमारे ईमेल फिर से चाहिए?"
    assert message.unsubscribe_url == ""
    assert "test" not in token.replace("https://x.test", "")


def test_a_link_followed_twice_or_by_two_at_once_does_its_work_once(world: World, person: Influencer) -> None:
    token = resume_link(world, person)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: world.resuming.follow(token), range(2)))
    world.resuming.follow(token)
    assert world.resuming.followed(token)
    given = [
        row for row in ConsentItem.query(person.id, ConsentItem.sk.startswith("consent#all#")) if row.given
    ]
    assert len(given) == 1


def test_a_link_does_not_end_a_later_stop(world: World, person: Influencer) -> None:
    first, second = resume_link(world, person), resume_link(world, person)
    world.resuming.follow(first)
    world.clock.forward(60)
    world.people.unsubscribe(person.id, at=world.clock.now())
    for token in (first, second):
        with pytest.raises(NotFound):
            world.resuming.follow(token)
    assert "email" not in reachable(world, person)
    world.clock.forward(60)
    world.resuming.follow(resume_link(world, person))
    assert "email" in reachable(world, person)


def test_a_second_click_on_no_more_emails_ends_the_link_that_was_asked_for_before(
    world: World, person: Influencer
) -> None:
    token = resume_link(world, person)
    world.clock.forward(1)
    world.people.unsubscribe(person.id, at=world.clock.now())
    with pytest.raises(NotFound):
        world.resuming.follow(token)


def test_a_stop_that_comes_between_reading_and_writing_holds(
    world: World, person: Influencer, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, read = resume_link(world, person), world.resuming._read

    def then_stopped(given: str) -> object:
        found = read(given)
        world.clock.forward(1)
        world.people.unsubscribe(person.id, at=world.clock.now())
        return found

    monkeypatch.setattr(
        "chalicelib.influencers.resuming.Resuming._read", lambda self, given: then_stopped(given)
    )
    with pytest.raises(NotFound):
        world.resuming.follow(token)
    assert "email" not in reachable(world, person)


def test_a_bounce_of_before_that_is_told_late_stops_nothing_and_a_new_one_does(
    world: World, person: Influencer
) -> None:
    before = world.clock.now() - timedelta(seconds=30)
    world.resuming.follow(resume_link(world, person))
    world.people.stop("email", person.email, evidence="ses:bounce:1", at=before)
    assert "email" in reachable(world, person)
    world.clock.forward(60)
    world.people.stop("email", person.email, evidence="ses:bounce:2", at=world.clock.now())
    assert "email" not in reachable(world, person)


def test_a_link_runs_out_and_one_for_another_person_or_address_is_none(
    world: World, person: Influencer
) -> None:
    token = resume_link(world, person)
    ident, until, signature = token.split(".")
    for forged in (
        "",
        "x",
        ident,
        f"{ident}.",
        f"{ident}.{until}.0",
        f"{ident}.{int(until) + 1}.{signature}",
        f"inf_x.{until}.{signature}",
        f"{ident}.é.{signature}",
        f"{ident}.{until}.\ud800",
    ):
        with pytest.raises(NotFound):
            world.resuming.follow(forged)
    world.clock.forward(HOLDS_S)
    with pytest.raises(NotFound):
        world.resuming.followed(token)
    assert "email" not in reachable(world, person)


def test_the_same_queue_message_again_sends_no_second_email(world: World, person: Influencer) -> None:
    world.resuming.ask(person.id)
    messages = list(world.queue.messages)
    world.deliver()
    world.queue.messages += messages
    world.deliver()
    assert len([one for one in world.sender.to(person.email) if "/resume/" in one.text]) == 1


def _taken_up(world: World, person: Influencer) -> None:
    world.resuming.follow(resume_link(world, person))


def _suspended(world: World, person: Influencer) -> None:
    world.register.review(ADMIN, person.id, ReviewRequest(decision="suspend", reason="x"))


def _withdrawn(world: World, person: Influencer) -> None:
    world.register.withdraw(ADMIN, person.id)


@pytest.mark.parametrize("change", [_taken_up, _suspended, _withdrawn])
def test_what_has_changed_before_the_email_goes_out_keeps_it_back(
    world: World, person: Influencer, change: Callable[[World, Influencer], None]
) -> None:
    world.resuming.ask(person.id)
    kept, world.queue.messages[:] = list(world.queue.messages), []
    change(world, person)
    world.sender.sent.clear()
    world.queue.messages += kept
    world.deliver()
    assert world.sender.sent == {}


@pytest.mark.parametrize("change", [_suspended, _withdrawn])
def test_who_is_suspended_or_has_left_takes_nothing_up_with_a_link_of_before(
    world: World, person: Influencer, change: Callable[[World, Influencer], None]
) -> None:
    token = resume_link(world, person)
    change(world, person)
    with pytest.raises(NotFound):
        world.resuming.follow(token)
    assert world.store.is_stopped("email", person.email)


def test_who_has_not_stopped_or_not_confirmed_an_address_is_told_so(world: World) -> None:
    found = reached(world)
    with pytest.raises(NotStopped):
        world.resuming.ask(found.id)  # not confirmed
    world.people.stop("email", MAIL, evidence="ses:bounce", at=world.clock.now())
    with pytest.raises(NotStopped):
        world.resuming.ask(found.id)  # whoever stopped there: it is not shown to be this person's
    with pytest.raises(NotStopped):
        world.resuming.ask("inf_nobody")
    assert world.queue.messages == []


def test_so_many_links_go_to_one_address_in_a_day(world: World, person: Influencer) -> None:
    for _ in range(A_DAY):
        world.resuming.ask(person.id)
    with pytest.raises(TooManyRequests):
        world.resuming.ask(person.id)
    world.clock.forward(DAY_S)
    world.resuming.ask(person.id)


def test_a_start_over_whatsapp_does_not_take_emails_up_and_this_link_no_whatsapp(
    world: World, person: Influencer
) -> None:
    world.people.stop("whatsapp", person.phone, evidence="w1", at=world.clock.now())
    world.resuming.follow(resume_link(world, person))
    assert reachable(world, person) == ("email",)
    world.clock.forward(60)
    world.people.unsubscribe(person.id, at=world.clock.now())
    world.people.restart("whatsapp", person.phone, evidence="w2", at=world.clock.now())
    assert set(reachable(world, person)) == {"whatsapp", "sms"}
