"""From the form to the review queue, on the engine's tables."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.errors import InvalidInput, NotFound, TooManyRequests
from chalicelib.influencers.claims import Taken
from chalicelib.influencers.model import SignupRequest, StateRefused
from chalicelib.influencers.rows import CodeItem, ConsentItem, OwnedItem, ProfileItem
from chalicelib.influencers.service import CODE_HOLDS_S, LINK_HOLDS_S, MESSAGES_A_NUMBER, SIGNUPS_AN_ADDRESS
from chalicelib.influencers.store import NoCode, TriesUsedUp
from chalicelib.platforms.base import Channel
from tests.influencers.world import World, signup

PHONE = "+918123456789"
OTHER = "+918123456780"


def claims() -> dict[str, tuple[str, str]]:
    found = OwnedItem.scan(OwnedItem.sk == "claim")
    return {item.pk: (str(item.owner), str(item.proof)) for item in found}


def test_an_unverified_signup_reserves_nothing_and_goes_by_itself(world: World) -> None:
    influencer_id = world.sign_up()
    item = ProfileItem.get(influencer_id, "profile")
    assert claims() == {}
    assert item.status_key == "unverified"
    assert item.expires == world.clock.epoch() + 48 * 3600
    assert '"influencer.signed_up"' in item.event
    assert "1995" not in item.person


def test_a_right_code_claims_number_and_handles_and_keeps_the_consent_with_its_evidence(world: World) -> None:
    person = world.join()
    assert person.status == "pending_review"
    assert person.phone_proof == "proven"
    assert person.adult_on == "2026-03-01"
    assert person.terms_version == "", "nobody showed them any"
    phone_key = f"phone#{world.secrets.keyed_hash(PHONE)}"
    assert claims() == {
        phone_key: (person.id, "proven"),
        "handle#instagram#sunita.devi": (person.id, "stated"),
    }
    [consent] = ConsentItem.query(person.id, ConsentItem.sk.startswith("consent#"))
    assert (consent.given, consent.notice_version, consent.language) == (True, "1", "hi")
    assert consent.sk == "consent#campaigns#whatsapp#2026-03-01T06:30:00Z"
    item = ProfileItem.get(person.id, "profile")
    assert item.expires is None
    assert (item.rev, '"influencer.verified"' in item.event) == (2, True)
    assert list(CodeItem.query(person.id, CodeItem.sk == "code")) == []


def test_a_code_is_six_digits_and_only_its_hash_is_stored(world: World) -> None:
    influencer_id = world.sign_up()
    [wanted] = world.queue.messages
    world.deliver()
    code = world.code_of(PHONE)
    [message] = world.sender.to(PHONE)
    assert (message.template, message.category, message.template_language) == (
        "janjan_code",
        "authentication",
        "hi",
    )
    assert len(code) == 6
    assert code.isdigit()
    item = CodeItem.get(influencer_id, "code")
    assert code not in item.digest
    assert code not in str(wanted)
    assert item.until == world.clock.epoch() + CODE_HOLDS_S


def test_the_same_queue_message_twice_sends_one_code_and_gives_no_new_tries(world: World) -> None:
    influencer_id = world.sign_up()
    message = dict(world.queue.messages[0])
    world.deliver()
    with pytest.raises(InvalidInput):
        world.signups.verify(influencer_id, "000000", "203.0.113.5")
    world.messenger.deliver(message)
    assert CodeItem.get(influencer_id, "code").tries == 1
    assert len(world.sender.to(PHONE)) == 1
    assert world.signups.verify(influencer_id, world.code_of(PHONE), "203.0.113.5") == "pending_review"


def test_five_wrong_codes_use_it_up_and_a_new_one_works(world: World) -> None:
    influencer_id = world.sign_up()
    world.deliver()
    right = world.code_of(PHONE)
    wrong = "000000" if right != "000000" else "000001"
    for _ in range(5):
        with pytest.raises(InvalidInput) as refused:
            world.signups.verify(influencer_id, wrong, "203.0.113.5")
        assert [(e.field, e.code) for e in refused.value.errors] == [("code", "code_wrong")]
    with pytest.raises(TriesUsedUp):
        world.signups.verify(influencer_id, right, "203.0.113.5")
    world.signups.new_code(influencer_id)
    world.deliver()
    assert world.code_of(PHONE) != right
    with pytest.raises(InvalidInput):
        world.signups.verify(influencer_id, right, "203.0.113.5")
    assert world.signups.verify(influencer_id, world.code_of(PHONE), "203.0.113.5") == "pending_review"


def test_an_older_request_that_comes_late_or_again_does_not_bring_its_code_back(world: World) -> None:
    influencer_id = world.sign_up()
    [first] = world.queue.messages
    world.deliver()
    world.clock.forward(1)
    world.signups.new_code(influencer_id)
    [second] = world.queue.messages
    world.deliver()
    latest = world.code_of(PHONE)
    for message in (first, second, {**first, "nonce": "overtaken"}):
        world.messenger.deliver(message)
    assert world.code_of(PHONE) == latest
    assert world.signups.verify(influencer_id, latest, "203.0.113.5") == "pending_review"


def test_a_code_ends_after_ten_minutes(world: World) -> None:
    influencer_id = world.sign_up()
    world.deliver()
    world.clock.forward(CODE_HOLDS_S)
    with pytest.raises(NoCode):
        world.signups.verify(influencer_id, world.code_of(PHONE), "203.0.113.5")


def test_a_code_is_not_sent_when_its_time_is_over(world: World) -> None:
    world.sign_up()
    world.clock.forward(CODE_HOLDS_S)
    world.deliver()
    assert world.sender.sent == {}


def test_before_a_code_was_made_none_is_valid(world: World) -> None:
    with pytest.raises(NoCode):
        world.signups.verify(world.sign_up(), "123456", "203.0.113.5")


def test_a_number_gets_a_limited_number_of_codes_an_hour(world: World) -> None:
    influencer_id = world.sign_up()
    for _ in range(MESSAGES_A_NUMBER - 1):
        world.signups.new_code(influencer_id)
    with pytest.raises(TooManyRequests) as refused:
        world.signups.new_code(influencer_id)
    assert 0 < refused.value.retry_after_s <= 3600
    with pytest.raises(TooManyRequests):
        world.sign_up()
    world.clock.forward(3600)
    world.signups.new_code(influencer_id)


def test_a_mailbox_gets_no_more_codes_when_its_address_is_written_with_other_capitals(world: World) -> None:
    names = ["devi", "Devi", "dEvi", "deVi", "devI", "DEVI"]
    for name in names[:MESSAGES_A_NUMBER]:
        world.sign_up(channel="email", email=f"{name}@x.test")
    with pytest.raises(TooManyRequests):
        world.sign_up(channel="email", email=f"{names[-1]}@x.test")


def test_an_address_is_limited_also_when_its_signups_are_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.influencers.service.SIGNUPS_AN_ADDRESS", 2)
    assert SIGNUPS_AN_ADDRESS > 200, "a meeting of 200 creators shares one address"
    young = SignupRequest.model_validate(signup(birth_date="2010-01-01"))
    for _ in range(2):
        with pytest.raises(InvalidInput):
            world.signups.sign_up(young, "2001:db8::1")
    with pytest.raises(TooManyRequests):
        world.signups.sign_up(young, "2001:db8::2")
    with pytest.raises(InvalidInput):
        world.signups.sign_up(young, "2001:db8:0:1::1")


def test_everything_that_must_be_looked_up_is_refused_at_once_by_field(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        world.sign_up(area="D1", areas_served=["D2", "D9001"], themes=["nothing"], birth_date="2010-01-01")
    assert [(e.field, e.code) for e in refused.value.errors] == [
        ("birth_date", "too_young"),
        ("area", "area_unknown"),
        ("areas_served.0", "area_unknown"),
        ("themes.0", "theme_unknown"),
    ]


@pytest.mark.parametrize("off", ["telegram", "sms", "email", "whatsapp"])
def test_a_channel_that_is_not_configured_is_refused(world: World, off: str) -> None:
    world.channels = [channel for channel in world.channels if channel.medium != off]
    with pytest.raises(InvalidInput) as refused:
        world.sign_up(channel=off, email="devi@x.test")
    assert [(e.field, e.code) for e in refused.value.errors] == [("channel", "channel_off")]


def test_a_bot_without_its_name_in_the_secret_is_refused(world: World) -> None:
    world.channels = [Channel("t", "telegram", {"bot_token": "x"})]
    with pytest.raises(InvalidInput):
        world.sign_up(channel="telegram")


def test_no_code_is_promised_over_sms_before_its_words_are_registered(world: World) -> None:
    del world.texts.words["janjan_code"]
    assert "sms" not in world.signups.offered()
    with pytest.raises(InvalidInput):
        world.sign_up(channel="sms")


# --- a known phone does not show


def test_a_known_phone_gets_the_same_answer_after_the_same_work(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import aws

    world.join()
    calls: list[str] = []
    client = aws.client("dynamodb")
    client.meta.events.register("before-call.dynamodb.*", lambda model, **_: calls.append(model.name))
    fresh = world.signups.sign_up(SignupRequest.model_validate(signup(phone=OTHER)), "203.0.113.5")
    for_a_new_one, calls[:] = list(calls), []
    known = world.signups.sign_up(SignupRequest.model_validate(signup()), "203.0.113.5")
    assert calls == for_a_new_one
    assert known.model_dump(exclude={"id"}) == fresh.model_dump(exclude={"id"})
    one, two = world.queue.messages
    assert one.keys() == two.keys()


def test_the_person_with_a_known_phone_is_told_once_a_day_and_the_newcomer_cannot_get_in(
    world: World,
) -> None:
    person = world.join()
    intruder = world.sign_up(name="Somebody Else", handles=[])
    world.deliver()
    notice = world.sender.to(PHONE)[-1]
    assert (notice.template, notice.category, notice.params) == ("janjan_known_number", "utility", ())
    before = len(world.sender.sent)
    for _ in range(5):
        with pytest.raises(InvalidInput):
            world.signups.verify(intruder, "123456", "203.0.113.5")
    with pytest.raises(TriesUsedUp):
        world.signups.verify(intruder, "123456", "203.0.113.5")
    world.sign_up(name="Somebody Else", handles=[])
    world.deliver()
    assert len(world.sender.sent) == before
    assert world.store.person(person.id) == person


def test_a_state_is_told_only_for_a_signup_that_exists(world: World) -> None:
    influencer_id = world.sign_up()
    assert world.signups.find(influencer_id).status == "unverified"
    for call in (
        lambda: world.signups.find("inf_none"),
        lambda: world.signups.new_code("inf_none"),
        lambda: world.signups.verify("inf_none", "123456", "203.0.113.5"),
    ):
        with pytest.raises(NotFound):
            call()


def test_a_verified_signup_is_not_verified_again(world: World) -> None:
    person = world.join()
    assert world.signups.verify(person.id, "000000", "203.0.113.5") == "pending_review"
    with pytest.raises(StateRefused):
        world.signups.new_code(person.id)
    from chalicelib.influencers.model import ReviewRequest
    from tests.influencers.world import ADMIN

    world.register.review(ADMIN, person.id, ReviewRequest(decision="approve"))
    with pytest.raises(StateRefused):
        world.signups.verify(person.id, "000000", "203.0.113.5")


# --- races and claims


def test_of_two_who_prove_one_phone_at_the_same_moment_one_wins(world: World) -> None:
    signups = [world.sign_up(handles=[]), world.sign_up(handles=[])]
    world.deliver()
    codes = [message.params[0] for message in world.sender.to(PHONE)]

    def prove(pair: tuple[str, str]) -> str:
        try:
            return world.signups.verify(*pair, "203.0.113.5")
        except Taken as taken:
            return taken.code

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(prove, zip(signups, codes, strict=True)))
    assert sorted(outcomes) == ["already_registered", "pending_review"]
    [(owner, proof)] = claims().values()
    assert (world.store.person(owner).status, proof) == ("pending_review", "proven")


def test_of_two_who_state_one_handle_at_the_same_moment_one_has_it(world: World) -> None:
    phones = [f"+91812345678{i}" for i in range(4)]
    signups = [world.sign_up(phone=phone) for phone in phones]
    world.deliver()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: world.signups.verify(signups[i], world.code_of(phones[i]), "a"), range(4)))
    people = [world.store.person(influencer_id) for influencer_id in signups]
    assert [p.status for p in people] == ["pending_review"] * 4
    assert sorted(len(p.handles) for p in people) == [0, 0, 0, 1]
    assert sorted(len(p.contested) for p in people) == [0, 1, 1, 1]
    [winner] = [p for p in people if p.handles]
    assert claims()["handle#instagram#sunita.devi"] == (winner.id, "stated")


def test_a_proven_number_beats_one_that_was_only_stated(world: World) -> None:
    stated = world.join(channel="telegram", handles=[])
    assert (stated.phone_proof, stated.chat, stated.addresses) == ("stated", "7001", {"telegram": "7001"})
    proven = world.join(handles=[])
    assert (proven.phone_proof, proven.addresses) == ("proven", {"whatsapp": PHONE, "sms": PHONE})
    loser = world.store.person(stated.id)
    assert (loser.phone_proof, loser.status, loser.rev) == ("none", "pending_review", stated.rev + 1)
    assert claims()[f"phone#{world.secrets.keyed_hash(PHONE)}"] == (proven.id, "proven")
    assert ProfileItem.get(stated.id, "profile").event is None, (
        "the change of a rev must not raise an old event again"
    )


def test_a_stated_number_of_somebody_else_is_not_claimed_and_not_told(world: World) -> None:
    owner = world.join(handles=[])
    newcomer = world.join(channel="telegram", handles=[])
    assert (newcomer.status, newcomer.phone_proof) == ("pending_review", "none")
    assert claims()[f"phone#{world.secrets.keyed_hash(PHONE)}"] == (owner.id, "proven")


# --- telegram


def test_telegram_answers_with_a_deep_link_and_sends_nothing(world: World) -> None:
    answer = world.signups.sign_up(SignupRequest.model_validate(signup(channel="telegram")), "203.0.113.5")
    assert answer.verification.channel == "telegram"
    assert str(answer.verification.deep_link).startswith("https://t.me/janjan_namuna_bot?start=")
    assert (answer.verification.expires_at - world.clock.now()).total_seconds() == LINK_HOLDS_S
    assert world.queue.messages == []
    with pytest.raises(NoCode):
        world.signups.verify(answer.id, "123456", "203.0.113.5")


def token_of(world: World, **changes: object) -> tuple[str, str]:
    request = SignupRequest.model_validate(signup(channel="telegram", **changes))
    answer = world.signups.sign_up(request, "203.0.113.5")
    return answer.id, str(answer.verification.deep_link).partition("start=")[2]


def test_start_with_the_token_verifies_once_and_answers_again_the_same(world: World) -> None:
    influencer_id, token = token_of(world)
    first = world.people.start_telegram(token, "7001", at=world.clock.now())
    again = world.people.start_telegram(token, "7001", at=world.clock.now())
    assert first == again
    assert "सुनीता देवी" in str(first)
    assert world.people.start_telegram(token, "7002", at=world.clock.now()) is None
    person = world.store.person(influencer_id)
    assert (person.status, person.chat) == ("pending_review", "7001")
    assert claims()["telegram#7001"] == (influencer_id, "proven")


def test_an_unknown_or_old_token_does_nothing(world: World) -> None:
    _, token = token_of(world)
    assert world.people.start_telegram("no-token", "7001", at=world.clock.now()) is None
    world.clock.forward(LINK_HOLDS_S)
    assert world.people.start_telegram(token, "7001", at=world.clock.now()) is None


def test_a_new_link_can_be_asked_for(world: World) -> None:
    influencer_id, _ = token_of(world)
    answer = world.signups.new_code(influencer_id)
    token = str(answer.verification.deep_link).partition("start=")[2]
    assert world.people.start_telegram(token, "7001", at=world.clock.now())
    assert world.store.person(influencer_id).status == "pending_review"


def test_one_chat_belongs_to_one_person(world: World) -> None:
    first = world.join(channel="telegram")
    second, token = token_of(world, phone=OTHER)
    reply = world.people.start_telegram(token, first.chat, at=world.clock.now())
    assert reply
    assert world.store.person(second).status == "unverified"


# --- welcome


def test_the_welcome_goes_once_for_an_event_over_the_persons_own_channel(world: World) -> None:
    person = world.approved()
    wanted = {"kind": "welcome", "influencer": person.id, "event": "e1"}
    world.messenger.deliver(wanted)
    world.messenger.deliver(wanted)
    welcomes = [m for m in world.sender.to(PHONE) if m.template == "janjan_welcome"]
    assert [m.params for m in welcomes] == [("सुनीता देवी", "https://x.test/?lang=hi")]
    chatting = world.approved(channel="telegram", phone=OTHER, name="Ravi", language="ta", handles=[])
    world.messenger.deliver({"kind": "welcome", "influencer": chatting.id, "event": "e2"})
    [greeting] = world.sender.to("7001")
    assert greeting.template == ""
    assert "Ravi" in greeting.text
    assert "https://x.test/?lang=hi" in greeting.text


def test_who_is_gone_or_not_approved_gets_no_welcome(world: World) -> None:
    person = world.join()
    before = len(world.sender.sent)
    for influencer_id in (person.id, "inf_none"):
        world.messenger.deliver({"kind": "welcome", "influencer": influencer_id, "event": "e1"})
    assert len(world.sender.sent) == before
