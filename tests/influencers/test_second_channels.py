"""SMS and email: signing up over them, a second address proven by a link, stops, and who comes first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.errors import InvalidInput, NotFound, PlatformOff, TooManyRequests, Transient
from chalicelib.influencers import store
from chalicelib.influencers.claims import Taken
from chalicelib.influencers.model import Influencer, ReviewRequest, StateRefused
from chalicelib.influencers.rows import ConsentItem, OwnedItem, RosterItem
from chalicelib.influencers.service import CONFIRMATION_HOLDS_S, MESSAGES_A_NUMBER
from tests.influencers.test_signup import claims
from tests.influencers.world import ADMIN, World

PHONE, OTHER = "+918123456789", "+918123456780"
MAIL = "Sunita.Devi@x.test"
EVERYWHERE = [
    {"purpose": "campaigns", "channel": channel, "notice_version": "1"}
    for channel in ("whatsapp", "sms", "email")
]


def email_key(world: World) -> str:
    return f"email#{world.secrets.keyed_hash(MAIL.lower())}"


def welcomed(world: World, person: Influencer, event: str = "evt-1") -> None:
    world.messenger.deliver({"kind": "welcome", "influencer": person.id, "event": event})


def link_in(world: World) -> str:
    """The token of the link that came by email last."""
    return world.sender.to(MAIL)[-1].text.partition("/confirm/")[2].partition("?")[0]


def reached(world: World, **changes: object) -> Influencer:
    """Approved over WhatsApp, with consents for all, and asked to confirm the email."""
    person = world.approved(**{"email": MAIL, "consents": EVERYWHERE, **changes})
    welcomed(world, person)
    return person


# --- signing up


def test_a_code_by_sms_proves_the_number_for_all_that_goes_to_it(world: World) -> None:
    person = world.join(channel="sms")
    [message] = world.sender.to(PHONE)
    assert (message.template, message.header) == ("janjan_code", "NAMUNA")
    assert (person.status, person.phone_proof, person.channel) == ("pending_review", "proven", "sms")
    assert person.reachable == ("sms",)
    assert claims()[f"phone#{world.secrets.keyed_hash(PHONE)}"] == (person.id, "proven")
    [consent] = ConsentItem.query(person.id, ConsentItem.sk.startswith("consent#"))
    assert consent.evidence == "code over sms"


def test_a_code_by_email_proves_the_address_and_leaves_the_number_stated(world: World) -> None:
    person = world.join(channel="email", email=MAIL)
    [message] = world.sender.to(MAIL)
    assert (message.subject, message.template) == ("यह रहा आपका कोड।", "")
    assert (person.email_proven, person.phone_proof) == (True, "stated")
    assert person.addresses == {"email": MAIL.replace("X.test", "x.test")}
    assert claims()[email_key(world)] == (person.id, "proven")
    assert claims()[f"phone#{world.secrets.keyed_hash(PHONE)}"] == (person.id, "stated")
    assert world.people.owner("email", MAIL.upper()) == person.id


def test_who_wants_messages_by_email_must_give_one(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        world.sign_up(channel="email")
    assert [(e.field, e.code) for e in refused.value.errors] == [("email", "missing")]
    with pytest.raises(InvalidInput) as refused:
        world.sign_up(consents=EVERYWHERE)
    assert [(e.field, e.code) for e in refused.value.errors] == [("email", "missing")]


def test_an_address_gets_a_limited_number_of_codes_an_hour_whatever_number_is_given_beside_it(
    world: World,
) -> None:
    for n in range(MESSAGES_A_NUMBER):
        world.sign_up(channel="email", email=MAIL, phone=f"+91812345678{n}")
    with pytest.raises(TooManyRequests):
        world.sign_up(channel="email", email=MAIL)


@pytest.mark.parametrize("channel", ["sms", "email"])
def test_a_known_address_tells_its_owner_and_lets_nobody_in(world: World, channel: str) -> None:
    known = world.join(channel=channel, email=MAIL)
    before = len(world.sender.sent)
    newcomer = world.sign_up(channel=channel, email=MAIL.upper().replace("X.TEST", "x.test"), handles=[])
    world.deliver()
    notice = world.sender.sent[known.id, f"known#{world.clock.today_ist().isoformat()}"]
    assert (notice[0], len(world.sender.sent)) == (channel, before + 1)
    assert "पंजीकृत" in notice[2].text
    with pytest.raises(InvalidInput):
        world.signups.verify(newcomer, "123456", "203.0.113.5")


def test_two_who_enter_their_codes_for_one_email_at_once_do_not_both_have_it(world: World) -> None:
    two = [world.sign_up(channel="email", email=MAIL, phone=phone, handles=[]) for phone in (PHONE, OTHER)]
    codes = {}
    for influencer_id, message in zip(two, list(world.queue.messages), strict=True):
        world.messenger.deliver(message)
        codes[influencer_id] = world.code_of(MAIL)
    at_once = threading.Barrier(2)

    def enter(influencer_id: str) -> str:
        at_once.wait()
        try:
            return world.signups.verify(influencer_id, codes[influencer_id], "203.0.113.5")
        except Taken:
            return "taken"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(enter, two)) == ["pending_review", "taken"]
    assert claims()[email_key(world)][0] in two


def test_an_sms_without_registered_words_is_not_sent_and_holds_nothing_up(world: World) -> None:
    person = world.approved(channel="sms")
    world.texts.words.clear()
    welcomed(world, person)
    assert (person.id, "welcome#evt-1") not in world.sender.sent


def test_a_welcome_goes_over_the_persons_own_channel(world: World) -> None:
    by_sms, by_email = world.approved(channel="sms"), world.approved(channel="email", email=MAIL, phone=OTHER)
    welcomed(world, by_sms)
    welcomed(world, by_email)
    assert world.sender.to(PHONE)[-1].text == "स्वागत है, सुनीता देवी!"
    assert world.sender.to(MAIL)[-1].subject == "जनजन में आपका स्वागत है।"


# --- a second address


def test_a_link_proves_the_email_that_was_given_and_campaigns_may_go_there(world: World) -> None:
    person = reached(world)
    assert person.reachable == ("whatsapp", "sms")
    token = link_in(world)
    assert (person.id in token, MAIL not in token) == (True, True)
    assert world.signups.confirmed(token).id == person.id
    assert world.store.person(person.id).email_proven is False, "looking at the page proves nothing"
    after = world.signups.confirm(token)
    assert (after.email_proven, after.reachable) == (True, ("whatsapp", "sms", "email"))
    assert claims()[email_key(world)] == (person.id, "proven")
    assert RosterItem.get("D9001", f"D9001-B1/D9001-A1-P1#{person.id}").c == "wse"
    assert world.people.contacts([person.id])[person.id].addresses["email"] == MAIL


def test_a_link_pressed_twice_changes_nothing_the_second_time(world: World) -> None:
    person = reached(world)
    world.signups.confirm(link_in(world))
    assert world.signups.confirm(link_in(world)).rev == world.store.person(person.id).rev == person.rev + 1


def test_the_link_is_sent_once_however_often_the_event_comes(world: World) -> None:
    person = reached(world)
    welcomed(world, person)
    assert len(world.sender.to(MAIL)) == 1


@pytest.mark.parametrize("token", ["", "inf_x", "inf_x.1.2", "é.é.é", "..", "inf_x.99999999999.zz"])
def test_a_token_that_is_not_ours_confirms_nothing(world: World, token: str) -> None:
    with pytest.raises(NotFound):
        world.signups.confirmed(token)


def test_a_token_with_an_endless_number_confirms_nothing(world: World) -> None:
    with pytest.raises(NotFound):
        world.signups.confirmed(f"{reached(world).id}.{'9' * 5000}.zz")


def test_a_link_ends_after_two_weeks_and_holds_for_the_address_it_was_sent_to_alone(world: World) -> None:
    person = reached(world)
    token = link_in(world)
    for forged in (f"{token}0", token.replace(person.id, "inf_somebody"), token.replace(".1", ".2", 1)):
        with pytest.raises(NotFound):
            world.signups.confirm(forged)
    world.clock.forward(CONFIRMATION_HOLDS_S)
    with pytest.raises(NotFound):
        world.signups.confirm(token)


def test_nothing_is_asked_at_an_address_without_a_consent_for_it(world: World) -> None:
    welcomed(world, world.approved(email=MAIL))
    assert world.sender.to(MAIL) == []


def test_nothing_is_asked_at_an_address_that_said_stop_or_is_somebody_elses(world: World) -> None:
    world.people.stop("email", MAIL.lower(), evidence="complaint", at=world.clock.now())
    reached(world)
    assert world.sender.to(MAIL) == []
    other = "devi@y.test"
    world.join(channel="email", email=other, phone=OTHER, handles=[])
    sent = len(world.sender.to(other))
    reached(world, email=other.upper().replace("Y.TEST", "y.test"), phone="+918123456781", handles=[])
    assert len(world.sender.to(other)) == sent


def test_where_no_email_can_be_sent_the_welcome_goes_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = world.sender.send

    def send(**asked: object) -> str:
        if asked["channel"] == "email":
            raise PlatformOff(platform="email")
        return real(**asked)  # type: ignore[arg-type]

    monkeypatch.setattr(world.sender, "send", send)
    person = reached(world)
    assert (person.id, "welcome#evt-1") in world.sender.sent


def test_somebody_who_proved_the_email_meanwhile_keeps_it(world: World) -> None:
    reached(world)
    token = link_in(world)
    owner = world.join(channel="email", email=MAIL.lower(), phone=OTHER, handles=[])
    with pytest.raises(Taken):
        world.signups.confirm(token)
    assert claims()[email_key(world)] == (owner.id, "proven")


def test_who_withdrew_is_not_reached_by_an_old_link_and_the_address_is_free(world: World) -> None:
    person = reached(world)
    token = link_in(world)
    world.signups.confirm(token)
    world.register.withdraw(ADMIN, person.id)
    assert email_key(world) not in claims()
    world.join(channel="email", email=MAIL, phone=OTHER, handles=[])
    with pytest.raises((StateRefused, Taken)):
        world.store.prove_email(person.id, _proof(world, "another@x.test"))


def _proof(world: World, address: str) -> object:
    from chalicelib.influencers.claims import Proof

    return Proof("email", address, world.clock.now(), "link by email")


def test_a_link_and_a_decision_at_once_are_both_kept(world: World) -> None:
    person = reached(world)
    token, at_once = link_in(world), threading.Barrier(2)

    def confirm() -> None:
        at_once.wait()
        world.signups.confirm(token)

    def suspend() -> None:
        at_once.wait()
        for _ in range(5):
            try:
                world.register.review(ADMIN, person.id, ReviewRequest(decision="suspend", reason="x"))
            except Transient:
                continue
            return

    with ThreadPoolExecutor(2) as pool:
        for job in [pool.submit(confirm), pool.submit(suspend)]:
            job.result()
    after = world.store.person(person.id)
    assert (after.status, after.email_proven) == ("suspended", True)


# --- stops


@pytest.mark.parametrize(
    ("over", "to"), [("whatsapp", "918123456789"), ("sms", PHONE), ("sms", "918123456789")]
)
def test_a_stop_over_whatsapp_holds_for_sms_and_the_reverse(world: World, over: str, to: str) -> None:
    person = reached(world)
    world.signups.confirm(link_in(world))
    assert world.people.stop(over, to, evidence="c1", at=world.clock.now()) == "hi"
    contact = world.people.contacts([person.id])[person.id]
    assert contact.suppressed == {"whatsapp", "sms"}
    assert world.store.person(person.id).reachable == ("email",)
    world.clock.forward(5)
    back = "sms" if over == "whatsapp" else "whatsapp"
    assert world.people.restart(back, PHONE, evidence="c2", at=world.clock.now()) == "hi"
    assert world.store.person(person.id).reachable == ("whatsapp", "sms", "email")


def test_an_email_that_is_ended_stays_ended_whatever_its_capitals_and_leaves_the_phone_alone(
    world: World,
) -> None:
    person = reached(world)
    world.signups.confirm(link_in(world))
    assert world.people.stop("email", MAIL.lower(), evidence="complaint", at=world.clock.now()) == "hi"
    assert world.people.contacts([person.id])[person.id].suppressed == {"email"}
    assert world.store.person(person.id).reachable == ("whatsapp", "sms")
    assert RosterItem.get("D9001", f"D9001-B1/D9001-A1-P1#{person.id}").c == "ws"


def test_a_stop_between_the_link_and_the_click_holds(world: World) -> None:
    person = reached(world)
    token = link_in(world)
    world.people.stop("email", MAIL, evidence="bounce", at=world.clock.now())
    assert world.signups.confirm(token).suppressed_channels == {"email"}
    assert world.store.person(person.id).reachable == ("whatsapp", "sms")


def between_reading_and_writing(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Something else happens once, when the next transaction is about to be written."""
    real = store.write_together

    def write() -> Any:  # noqa: ANN401 - PynamoDB's own
        monkeypatch.setattr(store, "write_together", real)
        act()
        return real()

    monkeypatch.setattr(store, "write_together", write)


def test_a_stop_while_the_link_is_being_taken_holds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = reached(world)
    token = link_in(world)
    between_reading_and_writing(
        monkeypatch, lambda: world.people.stop("email", MAIL, evidence="bounce", at=world.clock.now())
    )
    world.signups.confirm(token)
    assert world.store.person(person.id).suppressed_channels == {"email"}
    assert world.store.person(person.id).email_proven


def test_of_two_who_press_their_links_for_one_address_the_first_has_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = reached(world)
    for_the_first = link_in(world)
    second = reached(world, phone=OTHER, handles=[])
    for_the_second = link_in(world)
    between_reading_and_writing(monkeypatch, lambda: world.signups.confirm(for_the_first))
    with pytest.raises(Taken):
        world.signups.confirm(for_the_second)
    assert claims()[email_key(world)] == (first.id, "proven")
    assert not world.store.person(second.id).email_proven


def test_an_email_is_kept_in_no_key(world: World) -> None:
    reached(world)
    world.signups.confirm(link_in(world))
    world.people.stop("email", MAIL, evidence="bounce", at=world.clock.now())
    assert not [item.pk for item in OwnedItem.scan() if "@" in item.pk or "sunita.devi@" in item.pk.lower()]
