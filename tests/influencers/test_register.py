"""Review, withdrawal, the list; what the sender and the planner read."""

from __future__ import annotations

import pytest
from pynamodb.exceptions import DoesNotExist

from chalicelib.clock import rfc3339
from chalicelib.errors import InvalidInput, NotFound
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.influencers.model import (
    Filter,
    Influencer,
    ReviewRequest,
    SignupRequest,
    StateRefused,
    Status,
)
from chalicelib.influencers.roster import LARGEST
from chalicelib.influencers.rows import ConsentItem, OwnedItem, ProfileItem, RosterItem
from chalicelib.ports import RosterRange
from tests.influencers.world import ADMIN, COORDINATOR, ELSEWHERE, World, signup

PHONE = "+918123456789"
APPROVE = ReviewRequest(decision="approve")
BOOTH = ("D9001", "D9001-B1/D9001-A1-P1#")


def roster_row(person: Influencer) -> RosterItem | None:
    try:
        return RosterItem.get(BOOTH[0], BOOTH[1] + person.id)
    except DoesNotExist:
        return None


def event_of(person: Influencer) -> str:
    return ProfileItem.get(person.id, "profile").event or ""


# --- review


def test_approval_writes_profile_roster_event_and_audit_together(world: World) -> None:
    person = world.join()
    assert roster_row(person) is None
    after = world.register.review(
        COORDINATOR, person.id, ReviewRequest(decision="approve", reason="met", ambassador_of="D9001-B1")
    )
    assert (after.status, after.ambassador_of, after.reason) == ("approved", "D9001-B1", "met")
    row = roster_row(person)
    assert row is not None
    assert (row.l, row.f, row.c) == ("hi", "i1200", "w")
    assert '"influencer.approved"' in event_of(person)
    assert '"ambassador_of": "D9001-B1"' in event_of(person)
    [entry], _ = Audit().of(f"influencer#{person.id}", limit=10)
    assert (entry.action, entry.actor) == ("influencer.approved", "usr_one")
    assert "सुनीता" not in str(entry.detail)


def test_a_decline_needs_a_reason_and_leaves_no_row(world: World) -> None:
    person = world.join()
    world.register.review(ADMIN, person.id, ReviewRequest(decision="decline", reason="no such account"))
    assert world.store.person(person.id).status == "declined"
    assert roster_row(person) is None
    assert '"influencer.declined"' in event_of(person)


def test_a_suspension_takes_the_row_away_raises_its_own_event_and_can_be_lifted(world: World) -> None:
    person = world.approved()
    world.register.review(ADMIN, person.id, ReviewRequest(decision="suspend", reason="under question"))
    assert roster_row(person) is None
    assert '"influencer.suspended"' in event_of(person)
    world.register.review(ADMIN, person.id, APPROVE)
    assert roster_row(person) is not None


def test_no_state_is_skipped(world: World) -> None:
    unverified = world.sign_up()
    with pytest.raises(StateRefused):
        world.register.review(ADMIN, unverified, APPROVE)
    approved = world.approved(phone="+918123456780", handles=[])
    with pytest.raises(StateRefused):
        world.register.review(ADMIN, approved.id, ReviewRequest(decision="decline", reason="late"))


def test_a_coordinator_decides_in_their_own_areas_only(world: World) -> None:
    person = world.join()
    for call in (
        lambda: world.register.review(ELSEWHERE, person.id, APPROVE),
        lambda: world.register.get(ELSEWHERE, person.id),
        lambda: world.register.reveal(ELSEWHERE, person.id),
        lambda: world.register.withdraw(ELSEWHERE, person.id),
    ):
        with pytest.raises(NotFound):
            call()
    with pytest.raises(InvalidInput):
        world.register.review(
            COORDINATOR, person.id, ReviewRequest(decision="approve", ambassador_of="D9002")
        )
    with pytest.raises(InvalidInput):
        world.register.review(COORDINATOR, person.id, ReviewRequest(decision="approve", ambassador_of="D5"))
    with pytest.raises(NotFound):
        world.register.get(ADMIN, "inf_none")
    assert world.register.get(COORDINATOR, person.id) == person


def test_a_role_that_only_reads_everywhere_widens_no_role_that_decides(world: World) -> None:
    person = world.join()
    both = Principal(
        "usr_two", "Two", "t@x.test", frozenset({"coordinator", "auditor"}), frozenset({"D9002"})
    )
    assert world.register.get(both, person.id) == person
    for call in (
        lambda: world.register.review(both, person.id, APPROVE),
        lambda: world.register.reveal(both, person.id),
        lambda: world.register.withdraw(both, person.id),
    ):
        with pytest.raises(NotFound):
            call()


def test_looking_at_a_number_is_kept(world: World) -> None:
    person = world.join()
    assert world.register.reveal(COORDINATOR, person.id).phone == PHONE
    [entry], _ = Audit().of(f"influencer#{person.id}", limit=10)
    assert (entry.action, entry.actor) == ("influencer.revealed", "usr_one")


def test_a_withdrawal_ends_consents_and_frees_number_and_handles(world: World) -> None:
    person = world.approved()
    world.clock.forward(60)
    after = world.register.withdraw(ADMIN, person.id)
    assert (after.status, after.consents) == ("withdrawn", ())
    assert roster_row(person) is None
    assert list(OwnedItem.scan(OwnedItem.sk == "claim")) == []
    rows = list(ConsentItem.query(person.id, ConsentItem.sk.startswith("consent#")))
    assert [row.given for row in rows] == [True, False]
    assert '"influencer.withdrawn"' in event_of(person)
    assert world.join().id != person.id


def test_who_withdraws_on_telegram_frees_the_chat(world: World) -> None:
    person = world.approved(channel="telegram")
    world.register.withdraw(ADMIN, person.id)
    assert list(OwnedItem.scan(OwnedItem.sk == "claim")) == []


def test_an_unverified_signup_can_be_withdrawn(world: World) -> None:
    influencer_id = world.sign_up()
    assert world.register.withdraw(ADMIN, influencer_id).status == "withdrawn"


# --- the list


def crowd(world: World) -> list[str]:
    places = ["D9001-A1-P1", "D9002", "IN-XN", "D9001"]
    return [
        world.join(
            phone=f"+9181234567{i:02}",
            area=place,
            name=f"Person {'ABCD'[i]}",
            handles=[{"platform": "x", "handle": f"person_{i}", "followers": i * 100}],
        ).id
        for i, place in enumerate(places)
    ]


def listed(world: World, who: object = ADMIN, **more: object) -> list[str]:
    found: list[str] = []
    after = None
    status: Status | None = more.get("status")  # type: ignore[assignment]
    pick = Filter(**{k: v for k, v in more.items() if k not in ("area", "status", "limit")})  # type: ignore[arg-type]
    while True:
        people, after = world.register.listed(
            who,  # type: ignore[arg-type]
            status=status,
            area=more.get("area"),  # type: ignore[arg-type]
            pick=pick,
            limit=more.get("limit", 25),  # type: ignore[arg-type]
            after=after,
        )
        found += [p.id for p in people]
        if after is None:
            return found


def test_the_list_gives_everybody_once_in_pages_of_any_size(world: World) -> None:
    booth, other, state, district = crowd(world)
    world.register.review(ADMIN, other, APPROVE)
    unverified = world.sign_up(phone="+918123456799", handles=[], area="D9002")
    for limit in (1, 2, 3, 25):
        found = listed(world, limit=limit)
        assert sorted(found) == sorted([booth, other, state, district, unverified])
        assert found[0] == unverified
        assert found[-1] == other
    assert listed(world, status="approved") == [other]
    assert sorted(listed(world, area="D9001")) == sorted([booth, district])
    assert listed(world, area="D9001-B1") == [booth]
    assert listed(world, min_followers=200, status="pending_review") == [
        p for p in listed(world) if p in (state, district)
    ]
    assert listed(world, q="person b") == [other]
    assert listed(world, q="@PERSON_3") == [district]
    assert listed(world, platform="instagram", status="pending_review") == []


def test_a_coordinator_sees_their_own_areas_only(world: World) -> None:
    booth, other, state, district = crowd(world)
    assert sorted(listed(world, COORDINATOR)) == sorted([booth, district])
    assert listed(world, ELSEWHERE) == [other]
    assert listed(world, COORDINATOR, area="D9001-B1") == [booth]
    with pytest.raises(InvalidInput):
        listed(world, COORDINATOR, area="D9002")
    with pytest.raises(InvalidInput):
        listed(world, COORDINATOR, area="IN-XN")
    with pytest.raises(InvalidInput):
        listed(world, area="D77")


# --- the sender's read


def test_contacts_of_25_people_are_one_consistent_request(world: World) -> None:
    from chalicelib import aws

    people = [world.join(phone=f"+9181234567{i:02}", handles=[]).id for i in range(25)]
    calls: list[tuple[str, object]] = []
    client = aws.client("dynamodb")
    client.meta.events.register(
        "before-call.dynamodb.*", lambda model, params, **_: calls.append((model.name, params["body"]))
    )
    found = world.people.contacts([*people[:24], "inf_gone"])
    [(operation, body)] = calls
    assert operation == "BatchGetItem"
    assert b'"ConsistentRead": true' in (body if isinstance(body, bytes) else str(body).encode())
    assert sorted(found) == sorted(people[:24])
    contact = found[people[0]]
    assert contact.addresses == {"whatsapp": "+918123456700", "sms": "+918123456700"}
    assert contact.consents == {("campaigns", "whatsapp")}
    assert contact.area_path == ("IN", "IN-XN", "D9001", "D9001-B1", "D9001-A1-P1")
    assert (contact.status, contact.name, contact.suppressed) == ("pending_review", "सुनीता देवी", frozenset())


def stop(
    world: World, evidence: str = "wamid.1", channel: str = "whatsapp", address: str = "918123456789"
) -> str | None:
    return world.people.stop(channel, address, evidence=evidence, at=world.clock.now())


def restart(world: World, evidence: str = "wamid.2", address: str = "918123456789") -> str | None:
    return world.people.restart("whatsapp", address, evidence=evidence, at=world.clock.now())


def test_a_stop_holds_for_the_sender_the_roster_and_the_record(world: World) -> None:
    person = world.approved(language="ta")
    assert stop(world) == "ta"
    assert world.people.contacts([person.id])[person.id].suppressed == {"whatsapp", "sms"}
    row = roster_row(person)
    assert row is not None
    assert row.c is None
    assert '"delivery.opted_out"' in event_of(person)
    evidence = ConsentItem.get(person.id, f"consent#all#whatsapp#{rfc3339(world.clock.now())}")
    assert (evidence.given, evidence.evidence) == (False, "wamid.1")
    world.clock.forward(1)
    assert restart(world) == "ta"
    assert world.people.contacts([person.id])[person.id].suppressed == frozenset()
    assert roster_row(person).c == "w"  # type: ignore[union-attr]
    assert event_of(person) == ""


def test_a_stop_is_confirmed_once_and_the_same_callback_again_is_the_same(world: World) -> None:
    world.approved()
    assert stop(world) == "hi"
    assert stop(world) == "hi"
    world.clock.forward(5)
    assert stop(world, "wamid.9") is None
    assert ProfileItem.get(world.store.owner_of("whatsapp", PHONE), "profile").rev == 4


def test_late_words_do_not_undo_newer_ones_and_stop_wins_a_tie(world: World) -> None:
    person = world.approved()
    early = world.clock.now()
    world.clock.forward(10)
    assert stop(world) == "hi"
    assert world.people.restart("whatsapp", "918123456789", evidence="old", at=early) is None
    assert restart(world, "same second") is None
    assert world.people.contacts([person.id])[person.id].suppressed == {"whatsapp", "sms"}
    world.clock.forward(10)
    assert restart(world, "new") == "hi"
    assert world.people.stop("whatsapp", "918123456789", evidence="late", at=early) is None
    assert world.people.contacts([person.id])[person.id].suppressed == frozenset()
    assert stop(world, "tie") == "hi"


def test_a_word_that_changed_nothing_is_not_answered_when_its_callback_comes_again(world: World) -> None:
    world.approved()
    assert [restart(world), restart(world)] == [None, None]
    world.clock.forward(1)
    assert stop(world, "wamid.3") == "hi"
    world.clock.forward(1)
    assert [stop(world, "wamid.4"), stop(world, "wamid.4")] == [None, None]
    assert stop(world, "wamid.3") == "hi"  # its own confirmation may have been lost


def test_a_stop_of_a_stranger_holds_when_they_sign_up_and_beats_the_consent(world: World) -> None:
    assert stop(world) == "hi"
    person = world.approved()
    assert person.suppressed == {"phone"}
    assert world.people.contacts([person.id])[person.id].suppressed == {"whatsapp", "sms"}
    assert roster_row(person).c is None  # type: ignore[union-attr]


def test_a_stop_survives_withdrawal_and_a_new_signup(world: World) -> None:
    person = world.approved()
    stop(world)
    world.register.withdraw(ADMIN, person.id)
    assert world.approved().suppressed == {"phone"}


def test_a_stop_on_telegram_is_about_the_chat(world: World) -> None:
    person = world.approved(channel="telegram")
    assert stop(world, channel="telegram", address="7001") == "hi"
    assert world.store.person(person.id).suppressed == {"telegram"}
    assert world.people.contacts([person.id])[person.id].suppressed == {"telegram"}


USER = "IN.1000200030004000"


@pytest.mark.parametrize("known_first", [True, False])
def test_a_stop_under_an_id_is_about_the_number_that_was_seen_beside_it(
    world: World, known_first: bool
) -> None:
    person, now = world.approved(), world.clock.now()
    if known_first:
        world.people.also_known("whatsapp", PHONE, USER, at=now)
    world.people.stop("whatsapp", USER, evidence="e1", at=now)
    if not known_first:
        assert world.store.person(person.id).suppressed == set()
        world.people.also_known("whatsapp", PHONE, USER, at=now)
    assert world.store.person(person.id).suppressed == {"phone"}
    assert world.people.owner("whatsapp", USER) == person.id
    world.clock.forward(5)
    world.people.also_known("whatsapp", PHONE, USER, at=world.clock.now())
    world.people.restart("whatsapp", PHONE[1:], evidence="e2", at=world.clock.now())
    world.people.also_known("whatsapp", PHONE, USER, at=world.clock.now())
    assert world.store.person(person.id).suppressed == set()


def test_an_id_that_was_seen_beside_no_number_is_nobodys(world: World) -> None:
    person = world.approved()
    world.people.stop("whatsapp", USER, evidence="e1", at=world.clock.now())
    assert world.store.person(person.id).suppressed == set()
    assert world.people.owner("whatsapp", USER) is None


def test_no_number_and_no_id_stands_in_the_key_of_an_alias(world: World) -> None:
    world.people.also_known("whatsapp", PHONE, USER, at=world.clock.now())
    [item] = OwnedItem.scan(OwnedItem.pk.startswith("alias#"))
    assert not any(part in f"{item.pk} {item.owner}" for part in (PHONE[1:], USER[3:]))
    assert item.expires > world.clock.epoch()


def test_who_comes_back_by_telegram_after_a_stop_is_told_to_write_start(world: World) -> None:
    person = world.approved(channel="telegram")
    stop(world, channel="telegram", address="7001")
    world.register.withdraw(ADMIN, person.id)
    answer = world.signups.sign_up(SignupRequest.model_validate(signup(channel="telegram")), "203.0.113.5")
    token = str(answer.verification.deep_link).partition("start=")[2]
    assert "START" in str(world.people.start_telegram(token, "7001", at=world.clock.now()))


def test_a_stop_between_reading_and_writing_a_verification_is_not_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    influencer_id = world.sign_up()
    world.deliver()
    read = type(world.store)._held
    stopped: list[str | None] = []

    def held(store: object, *args: object) -> object:
        found = read(store, *args)  # type: ignore[arg-type]
        if not stopped:
            stopped.append(stop(world))
        return found

    monkeypatch.setattr(type(world.store), "_held", held)
    world.signups.verify(influencer_id, world.code_of(PHONE), "a")
    assert stopped == ["hi"]
    assert world.store.person(influencer_id).suppressed == {"phone"}


def test_who_said_stop_before_the_approval_gets_no_welcome(world: World) -> None:
    person = world.join()
    stop(world)
    world.register.review(ADMIN, person.id, APPROVE)
    world.messenger.deliver({"kind": "welcome", "influencer": person.id, "event": "evt_1"})
    assert [message.template for message in world.sender.to(PHONE)] == ["janjan_code"]


# --- the roster


def test_the_roster_is_read_in_pages_by_stretch(world: World) -> None:
    in_booth = world.approved()
    in_district = world.approved(phone="+918123456780", area="D9001", handles=[])
    in_state = world.approved(phone="+918123456781", area="IN-XN", handles=[])
    in_country = world.approved(phone="+918123456782", area="IN", handles=[])
    for where, expected in (
        (RosterRange("D9001"), {in_booth.id, in_district.id}),
        (RosterRange("D9001", "D9001-B1/"), {in_booth.id}),
        (RosterRange("D9001", "D9001-B1#"), set()),
        (RosterRange("ST#IN-XN"), {in_state.id}),
        (RosterRange("IN"), {in_country.id}),
    ):
        for limit in (1, 25):
            found, after = [], None
            while True:
                rows, after = world.roster.page(where, after, limit)
                assert len(rows) <= limit
                found += [row.id for row in rows]
                if after is None:
                    break
            assert set(found) == expected
            assert len(found) == len(expected)
    [row, _] = sorted(world.roster.page(RosterRange("D9001"), None, 9)[0], key=lambda r: -len(r.area_key))
    assert row.area_key == BOOTH[1] + in_booth.id
    assert (row.themes, row.followers, row.channels) == ({"health"}, {"instagram": 1200}, ("whatsapp",))
    assert (row.language, row.partition, row.gender, row.professions) == ("hi", "D9001", "", frozenset())


def test_the_largest_row_stays_within_250_bytes(world: World) -> None:
    from chalicelib.influencers.roster import key_of, pack

    themes = [f"a-theme-with-a-very-long-name-number-{i:03}" for i in range(12)]
    person = Influencer(
        id="inf_0123456789abcdef",
        status="approved",
        name="x",
        language="mai",
        area="D123456-A1234-P12345A",
        area_path=("IN", "IN-UP", "D123456", "D123456-B1234567", "D123456-A1234-P12345A"),
        channel="whatsapp",
        phone=PHONE,
        phone_proof="proven",
        chat="7",
        gender="female",
        profession="p" * 24,
        themes=tuple(themes),
        handles=tuple(
            {"platform": p, "handle": "h", "followers": 10_000_000_000}  # type: ignore[arg-type]
            for p in ("facebook", "instagram", "x", "youtube", "whatsapp", "telegram")
        ),
        consents=(
            {"purpose": "campaigns", "channel": "whatsapp"},  # type: ignore[arg-type]
            {"purpose": "campaigns", "channel": "telegram"},  # type: ignore[arg-type]
        ),
        signed_up_at="",
    )
    person = Influencer.model_validate(person.model_dump())
    row = {
        "pk": key_of(person.area_path, person.id)[0],
        "sk": key_of(person.area_path, person.id)[1],
        **pack(person),
    }
    size = sum(len(name.encode()) + len(value.encode()) for name, value in row.items())
    assert 200 < size <= LARGEST
    assert (row["t"], row["c"]) != ("", "")
    assert len(row["t"]) == 4 * 12


def test_a_theme_that_came_after_the_last_look_is_learned(world: World) -> None:
    world.approved()
    known = ["education"]
    world.roster.themes = lambda: known
    assert world.roster.page(RosterRange("D9001"), None, 9)[0][0].themes == frozenset()
    known.append("health")
    assert world.roster.page(RosterRange("D9001"), None, 9)[0][0].themes == {"health"}


# --- when writing does not go through


def test_a_write_that_is_always_overtaken_is_given_back_to_be_tried_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.errors import Transient
    from chalicelib.influencers import rows, store

    world.approved()
    waited: list[float] = []
    monkeypatch.setattr(store, "as_seen", lambda item: OwnedItem.at == "never")
    monkeypatch.setattr(rows.time, "sleep", waited.append)
    with pytest.raises(Transient):
        stop(world)
    assert len(waited) == rows.TRIES
    assert all(0 <= pause <= 0.01 * 2**attempt for attempt, pause in enumerate(waited))


def test_what_dynamodb_refuses_for_another_reason_is_not_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pynamodb.exceptions import TransactWriteError

    from chalicelib.influencers import store

    world.approved()
    monkeypatch.setattr(store, "consent_row", lambda *_, **__: OwnedItem("", "-"))
    with pytest.raises(TransactWriteError):
        stop(world)


def test_people_who_only_stated_a_number_of_somebody_else_withdraw_without_touching_it(world: World) -> None:
    owner = world.join(handles=[])
    newcomer = world.join(channel="telegram", handles=[])
    world.register.withdraw(ADMIN, newcomer.id)
    assert world.store.owner_of("whatsapp", PHONE) == owner.id
