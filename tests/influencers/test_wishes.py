"""What creators change about themselves: profile, home, email, consents, pause, and that they leave."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest

from chalicelib.clock import Clock
from chalicelib.errors import InvalidInput, NotFound, TooManyRequests, Unauthenticated
from chalicelib.identity.audit import Audit
from chalicelib.influencers import store
from chalicelib.influencers.model import NO_END, ConsentRequest, Influencer, ProfileChange, ReviewRequest
from chalicelib.influencers.rows import ConsentItem, OwnedItem, RosterItem
from chalicelib.influencers.wishes import CHANGES_A_DAY, LINKS_A_DAY
from chalicelib.ports import RosterRange
from tests.influencers.test_register import event_of
from tests.influencers.world import ADMIN, World

OLD, NEW = "sunita@x.test", "devi@x.test"


def changed(world: World, person: Influencer, **fields: Any) -> Influencer:
    return world.wishes.change(person.id, ProfileChange.model_validate(fields))


def agreed(world: World, person: Influencer, purpose: str = "campaigns", channel: str = "sms") -> Influencer:
    asked = {"purpose": purpose, "channel": channel, "notice_version": "1"}
    return world.wishes.give(person.id, ConsentRequest.model_validate(asked))


def rows() -> list[tuple[str, str]]:
    return sorted((row.pk, row.sk.partition("#")[0]) for row in RosterItem.scan())


def link_to(world: World, address: str) -> str:
    return world.sender.to(address)[-1].text.partition("/confirm/")[2].partition("?")[0]


def evidence(person: Influencer) -> list[tuple[str, bool]]:
    found = ConsentItem.query(person.id, ConsentItem.sk.startswith("consent#"))
    return sorted((row.sk.split("#")[2], row.given) for row in found)


def faults_of(refused: pytest.ExceptionInfo[InvalidInput]) -> list[tuple[str, str]]:
    return [(one.field, one.code) for one in refused.value.errors]


# --- profile


def test_what_is_given_changes_and_all_else_stays(world: World) -> None:
    person = world.approved()
    after = changed(world, person, name="सुनीता कुमारी", language="en", themes=["education", "education"])
    assert (after.name, after.language, after.themes) == ("सुनीता कुमारी", "en", ("education",))
    assert world.store.person(person.id) == after
    assert (after.status, after.area, after.handles) == (person.status, person.area, person.handles)
    [entry, *_], _ = Audit().of(f"influencer#{person.id}", limit=10)
    assert (entry.action, entry.actor) == ("influencer.changed", "self")
    assert entry.detail == {"fields": "language,name,themes"}  # no value: an audit cannot be erased
    page = world.roster.page(RosterRange("D9001"), None, 5)[0]
    assert [(row.language, row.themes) for row in page] == [("en", frozenset({"education"}))]


def test_the_same_again_writes_nothing(world: World) -> None:
    person = world.approved()
    assert changed(world, person, name=person.name, paused_until="") == person


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_changed(world: World) -> None:
    person = world.approved()
    with pytest.raises(InvalidInput) as refused:
        changed(
            world, person, themes=["nonsense"], channel="telegram", area="D404", paused_until="2026-03-01"
        )
    assert faults_of(refused) == [
        ("themes.0", "theme_unknown"),
        ("channel", "channel_unproven"),
        ("paused_until", "pause_day"),
        ("area", "area_unknown"),
    ]
    assert world.store.person(person.id) == person


def test_nobody_changes_themself_without_end(world: World) -> None:
    person = world.approved()
    for n in range(CHANGES_A_DAY):
        changed(world, person, language=("hi", "en")[n % 2])
    with pytest.raises(TooManyRequests):
        changed(world, person, language="ur")
    assert world.wishes.take_back(person.id).consents == ()  # what is taken back is never too much


def test_who_has_left_changes_nothing(world: World) -> None:
    person = world.approved()
    world.wishes.leave(person.id)
    for call in (lambda: changed(world, person, name="अ"), lambda: world.wishes.leave(person.id)):
        with pytest.raises(Unauthenticated):
            call()


def test_two_changes_at_once_are_both_kept(world: World) -> None:
    person = world.approved()
    with ThreadPoolExecutor(2) as pool:
        list(
            pool.map(
                lambda fields: changed(world, person, **fields), [{"language": "en"}, {"gender": "female"}]
            )
        )
    after = world.store.person(person.id)
    assert (after.language, after.gender) == ("en", "female")


# --- home


def test_a_move_within_the_district_holds_at_once(world: World) -> None:
    person = world.approved()
    after = changed(world, person, area="D9001-B1")
    assert (after.status, after.area_path[-1]) == ("approved", "D9001-B1")
    assert rows() == [("D9001", "D9001-B1")]  # and the old place is left
    assert '"influencer.moved"' in event_of(person)


def test_a_move_to_another_district_waits_for_the_review_there(world: World) -> None:
    person = world.join()
    world.register.review(ADMIN, person.id, ReviewRequest(decision="approve", ambassador_of="D9001"))
    after = changed(world, person, area="D9002")
    assert (after.status, after.area, after.ambassador_of) == ("pending_review", "D9002", "")
    assert rows() == []
    assert after.barred == person.barred  # they stay signed in
    assert '\\"review\\":true' in event_of(person).replace(" ", "") or '"review":true' in event_of(
        person
    ).replace(" ", "")
    world.register.review(ADMIN, person.id, ReviewRequest(decision="approve"))
    assert rows() == [("D9002", "")]


def test_who_waits_for_review_moves_into_the_queue_of_the_other_place(world: World) -> None:
    person = world.join()
    after = changed(world, person, area="D9002")
    assert (after.status, after.area_key) == ("pending_review", f"IN/IN-XN/D9002/{person.id}")


def test_a_state_is_no_home(world: World) -> None:
    person = world.approved()
    with pytest.raises(InvalidInput) as refused:
        changed(world, person, area="IN-XN")
    assert faults_of(refused) == [("area", "area_unknown")]


# --- email


def test_another_email_holds_once_its_link_was_followed_and_the_old_one_until_then(world: World) -> None:
    person = world.join(channel="email", email=OLD)
    after = changed(world, person, email=NEW)
    assert (after.email, after.email_wanted, after.addresses) == (OLD, NEW, {"email": OLD})
    world.deliver()
    token = link_to(world, NEW)
    confirmed = world.signups.confirm(token)
    assert (confirmed.email, confirmed.email_wanted, confirmed.addresses) == (NEW, "", {"email": NEW})
    assert world.people.owner("email", NEW) == person.id
    assert world.people.owner("email", OLD) is None  # free for whoever it belongs to by now
    assert world.signups.confirm(token) == confirmed  # a second press says the same


def test_a_link_to_an_address_that_is_wanted_no_more_holds_no_more(world: World) -> None:
    person = world.join(channel="email", email=OLD)
    changed(world, person, email="typo@x.test")
    world.deliver()
    changed(world, person, email=NEW)
    with pytest.raises(NotFound):
        world.signups.confirm(link_to(world, "typo@x.test"))


def test_no_link_goes_to_an_address_that_is_anothers_or_has_said_stop(world: World) -> None:
    world.join(channel="email", email=NEW)
    other = world.join(phone="+918123456780", handles=[], email=OLD)
    before = len(world.sender.sent)
    changed(world, other, email=NEW)
    world.people.stop("email", "gone@x.test", evidence="e", at=world.clock.now())
    changed(world, other, email="gone@x.test")
    world.deliver()
    assert len(world.sender.sent) == before


def test_a_mailbox_gets_few_links_a_day_whoever_asks(world: World) -> None:
    person = world.approved()
    for _ in range(LINKS_A_DAY):
        changed(world, person, email=NEW)
    with pytest.raises(TooManyRequests):
        changed(world, person, email=NEW)


# --- consents


def test_a_consent_is_given_and_taken_back_each_with_its_evidence(world: World) -> None:
    person = world.approved()
    after = agreed(world, person, "campaigns", "sms")
    assert after.reachable == ("whatsapp", "sms")
    again = agreed(world, person, "campaigns", "sms")
    assert again == after
    after = world.wishes.take_back(person.id, "campaigns", "sms")
    assert after.reachable == ("whatsapp",)
    agreed(world, person, "campaigns", "sms")  # in the same second
    assert evidence(person) == [("sms", False), ("sms", True), ("sms", True), ("whatsapp", True)]
    [page] = world.roster.page(RosterRange("D9001"), None, 5)[0]
    assert page.channels == ("whatsapp", "sms")


def test_all_consents_are_taken_back_with_one_word(world: World) -> None:
    person = world.approved()
    agreed(world, person, "surveys", "whatsapp")
    after = world.wishes.take_back(person.id)
    assert (after.consents, after.reachable) == ((), ())
    assert after.contact().consents == frozenset()
    assert world.wishes.take_back(person.id) == after


def test_a_consent_does_not_undo_a_stop(world: World) -> None:
    person = world.approved()
    world.people.stop("whatsapp", person.phone, evidence="e", at=world.clock.now())
    world.wishes.take_back(person.id)
    assert agreed(world, person, "campaigns", "whatsapp").reachable == ()


def test_nobody_agrees_to_a_way_that_leads_nowhere(world: World) -> None:
    person = world.approved()
    with pytest.raises(InvalidInput) as refused:
        agreed(world, person, "campaigns", "telegram")
    assert faults_of(refused) == [("channel", "no_address")]


def test_who_agrees_to_emails_is_sent_the_link_that_proves_the_address(world: World) -> None:
    person = world.approved(email=OLD)
    agreed(world, person, "campaigns", "email")
    world.deliver()
    assert world.signups.confirm(link_to(world, OLD)).reachable == ("whatsapp", "email")


# --- pause


def test_a_pause_leaves_the_roster_and_ends_by_itself(world: World) -> None:
    person = world.approved()
    changed(world, person, paused_until="2026-03-03")
    seen = [world.roster.page(RosterRange("D9001"), None, 5)[0][0].paused]
    world.clock.forward(2 * 24 * 3600)
    seen.append(world.roster.page(RosterRange("D9001"), None, 5)[0][0].paused)
    assert seen == [True, False]
    assert world.store.person(person.id).contact().paused_until == "2026-03-03"


def test_a_pause_without_an_end_lasts_until_it_is_ended(world: World) -> None:
    person = world.approved()
    assert changed(world, person, paused_until="open").paused_until == NO_END
    assert changed(world, person, paused_until="").paused_until == ""


@pytest.mark.parametrize("day", [date(2026, 3, 1), date(2027, 3, 3)])
def test_a_pause_has_a_day_to_come_within_a_year(world: World, day: date) -> None:
    person = world.approved()
    with pytest.raises(InvalidInput) as refused:
        changed(world, person, paused_until=day.isoformat())
    assert faults_of(refused) == [("paused_until", "pause_day")]


# --- leaving


def test_who_leaves_is_out_and_may_join_anew(world: World) -> None:
    person = world.approved()
    changed(world, person, paused_until="open")
    world.wishes.leave(person.id)
    after = world.store.person(person.id)
    assert (after.status, after.consents, after.paused_until) == ("withdrawn", (), "")
    assert rows() == []
    assert list(OwnedItem.scan(OwnedItem.sk == "claim")) == []
    assert evidence(person) == [("whatsapp", False), ("whatsapp", True)]
    assert '"influencer.withdrawn"' in event_of(person)
    assert world.people.standing(person.id) is None  # all sessions are over
    assert world.join().id != person.id


def test_a_change_that_was_overtaken_is_made_anew_on_what_came_between(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, find = world.approved(), world.store.find
    between = [True]

    def slow(ident: str) -> Influencer | None:
        found = find(ident)
        if between:
            between.clear()
            world.people.stop("whatsapp", person.phone, evidence="e", at=Clock().now())
        return found

    monkeypatch.setattr(store.PeopleStore, "find", lambda self, ident: slow(ident))
    after = changed(world, person, language="en")
    assert (after.language, after.suppressed) == ("en", frozenset({"phone"}))
