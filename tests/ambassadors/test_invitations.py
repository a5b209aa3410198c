"""Invitations: one message to who has not signed up, by a person, recorded; never a second one."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import datetime, time
from typing import Any

import boto3
import pytest

from chalicelib.ambassadors.invitation import NotInvitable, Silent, UnderCode
from chalicelib.ambassadors.invitations import INVITATIONS_A_DAY, Invitations, Wanted
from chalicelib.dispatch.direct import Direct
from chalicelib.dispatch.store import DispatchStore
from chalicelib.errors import InvalidInput, NotFound, OnHold, TooManyRequests, Transient
from chalicelib.identity.audit import Audit
from chalicelib.influencers.intake import InfluencersKind
from chalicelib.ops import RateLimits
from chalicelib.platforms.base import OutcomeUnknown, SendRefused, Throttled
from chalicelib.ports import Election, ImportJob, QuietHours
from tests.ambassadors.world import AUDITOR
from tests.ambassadors.world import World as Ambassadors
from tests.dispatch.world import Crash, Faults, MemoryPlatform
from tests.influencers.world import ADMIN, COORDINATOR, ELSEWHERE, NOON, THEMES, KeptQueue, SmallDirectory

PHONE, EMAIL = "+918123450000", "asha@x.test"


class World(Ambassadors):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.platform = MemoryPlatform()
        self.election, self.stopped, self.on = Election(), False, {"whatsapp", "sms", "email", "telegram"}
        self.texts.words["janjan_invitation"] = "नमस्ते {#var#}, {#var#} का निमंत्रण"
        self.letters = KeptQueue()
        self.invitations = self.with_quiet(None)

    def with_quiet(self, quiet: QuietHours | None, faults: Faults | None = None) -> Invitations:
        faults = faults or Faults()
        world = self

        class Calendar:
            def at(self, path: object, when: datetime) -> Election:
                return world.election

        direct = Direct(
            faults.wrap(DispatchStore(), "claim_service", "service_outcome"),
            faults.wrap(self.platform, "send"),
            self.clock,
        )
        return Invitations(
            store=faults.wrap(self.made, "change_invitation", "looked_at"),
            areas=SmallDirectory(),
            invitees=self.people,
            sender=direct,
            texts=self.texts,
            queue=faults.wrap(self.letters, "put"),
            offered=lambda: self.on,
            calendar=Calendar,  # type: ignore[arg-type]
            held=lambda path: self.stopped,
            quiet=quiet,
            limits=RateLimits(self.clock),
            audit=faults.wrap(Audit(), "committing"),
            clock=self.clock,
            organisation="Namuna",
            organisation_kind="public_body",
            public_url="https://x.test",
            unsubscribe_url=lambda one: f"https://x.test/u/{one}.mac",
        )

    def import_person(self, phone: str = PHONE, email: str = EMAIL, area: str = "D9001") -> str:
        kind = InfluencersKind(self.store, SmallDirectory(), lambda: THEMES)
        job = ImportJob("imp_x", "usr_admin", NOON, caller=ADMIN)
        row = {"name": "नमूना आशा", "phone": phone[3:], "area": area, "email": email}
        kind.write([kind.read(row, job)], job)
        return self.store.invited_id(phone)

    def invite(self, who: Any = COORDINATOR, **more: Any) -> Any:
        wanted = Wanted("whatsapp", "met at the fair", address=PHONE, name="आशा", area="D9001")
        return self.invitations.invite(who, replace(wanted, **more))

    def invite_person(self, person: str, who: Any = COORDINATOR, channel: Any = "whatsapp") -> Any:
        return self.invitations.invite(who, Wanted(channel, "many followers", influencer=person))

    def deliver_all(self) -> None:
        """What the function behind the service queue does; nothing is taken from the queue."""
        for message in self.letters.messages:
            self.invitations.deliver(message["invitation"])

    def stop(self, address: str = PHONE, channel: str = "whatsapp") -> None:
        self.people.stop(channel, address, evidence="x", at=self.clock.now())


@pytest.fixture
def world(tables: object) -> World:
    return World()


def test_one_message_goes_out_and_who_when_and_why_is_kept_without_the_address(world: World) -> None:
    made = world.invite()
    assert (made.status, made.masked, made.by, made.reason) == (
        "waiting",
        "+91******0000",
        COORDINATOR.id,
        "met at the fair",
    )
    for _ in range(3):
        world.deliver_all()
    [(to, message)] = world.platform.requests
    assert (to, message.template, message.category) == (PHONE, "janjan_invitation", "marketing")
    assert message.params == ("आशा", "Namuna", "https://x.test/signup?lang=hi")
    kept = world.invitations.get(COORDINATOR, made.id)
    assert (kept.status, kept.to, kept.name, kept.masked) == ("sent", "", "", "+91******0000")
    for table in ("ambassadors", "audit"):
        rows = str(boto3.client("dynamodb").scan(TableName=f"janjan-local-{table}")["Items"])
        assert PHONE[3:] not in rows
        assert "आशा" not in rows
    [entry] = Audit().all_of(f"invitation#{made.id}")
    assert (entry.action, entry.actor) == ("invitation.made", COORDINATOR.id)


def test_an_address_is_invited_once_for_ever_by_whoever_over_whichever_channel(world: World) -> None:
    world.invite()
    world.deliver_all()
    for who, more in ((COORDINATOR, {}), (ELSEWHERE, {"area": "D9002"}), (ADMIN, {"channel": "sms"})):
        with pytest.raises(NotInvitable):
            world.invite(who, **more)
    world.clock.forward(400 * 24 * 3600)
    with pytest.raises(NotInvitable):
        world.invite()
    assert len(world.platform.requests) == 1


def test_whether_an_address_is_stopped_registered_or_invited_is_not_told_apart(world: World) -> None:
    world.stop(PHONE)
    world.join(phone="+918123450001", area="D9002", handles=[])
    world.invite(ADMIN, address="+918123450002", area="D9002")
    said = set()
    for number in range(3):
        with pytest.raises(NotInvitable) as refused:
            world.invite(address=f"+91812345000{number}")
        said.add(str(refused.value))
    assert len(said) == 1


@pytest.mark.parametrize("word", ["stop", "join"])
def test_who_says_stop_or_joins_before_the_message_goes_out_gets_none(world: World, word: str) -> None:
    made = world.invite()
    world.stop() if word == "stop" else world.join(phone=PHONE, handles=[])
    world.deliver_all()
    kept = world.invitations.get(ADMIN, made.id)
    assert (kept.status, kept.why) == ("not_sent", "opted_out" if word == "stop" else "joined")
    assert world.platform.requests == []


def test_a_stop_between_looking_and_recording_refuses_the_invitation(world: World) -> None:
    real = world.made.invitation_to

    def looked(kind: str, hashed: str) -> str | None:
        world.stop()
        return real(kind, hashed)

    object.__setattr__(world.made, "invitation_to", looked)
    with pytest.raises(NotInvitable):
        world.invite()
    world.deliver_all()
    assert world.platform.requests == []


def test_a_stop_after_the_invitation_holds_like_any_other(world: World) -> None:
    world.invite()
    world.deliver_all()
    world.stop()
    assert world.people.owner("whatsapp", PHONE) is None
    assert world.store.is_stopped("sms", PHONE)
    kind = InfluencersKind(world.store, SmallDirectory(), lambda: THEMES)
    job = ImportJob("imp_x", "usr_admin", NOON, caller=ADMIN)
    row = kind.read({"name": "आशा", "phone": PHONE[3:], "area": "D9001"}, job)
    assert isinstance(kind.compare([row], job)[0], InvalidInput)


def test_one_click_in_an_invitation_by_email_ends_emails_to_an_address_that_is_not_kept(world: World) -> None:
    made = world.invite(channel="email", address=EMAIL)
    world.deliver_all()
    [(_, message)] = world.platform.requests
    assert message.unsubscribe_url in message.text
    assert "https://x.test/signup?lang=hi" in message.text
    assert world.invitations.get(ADMIN, made.id).masked == "a***@x.test"
    world.invitations.unsubscribe(made.id, at=world.clock.now())
    assert world.store.is_stopped("email", EMAIL.upper())
    world.invitations.unsubscribe("inv_none", at=world.clock.now())


# --- who is known from a file


def test_who_is_known_from_a_file_is_invited_once_over_all_their_addresses(world: World) -> None:
    person = world.import_person()
    made = world.invite_person(person)
    assert (made.to, made.name, made.language) == ("", "", "hi")
    world.deliver_all()
    [(to, message)] = world.platform.requests
    assert (to, message.params[0]) == (PHONE, "नमूना आशा")
    for channel, address in (("email", EMAIL), ("whatsapp", PHONE)):
        with pytest.raises(NotInvitable):
            world.invite_person(person, channel=channel)
        with pytest.raises(NotInvitable):
            world.invite(channel=channel, address=address)
    assert world.store.person(person).status == "invited"


def test_a_stop_of_one_address_holds_for_the_person_of_a_file(world: World) -> None:
    person = world.import_person()
    world.stop(EMAIL, "email")
    with pytest.raises(NotInvitable):
        world.invite_person(person)


def test_a_person_of_another_district_is_not_there(world: World) -> None:
    person = world.import_person(area="D9002")
    for ident in (person, "inf_nobody"):
        with pytest.raises(NotFound):
            world.invite_person(ident)
    made = world.invite_person(person, ELSEWHERE)
    with pytest.raises(NotFound):
        world.invitations.get(COORDINATOR, made.id)
    asked: Any = {"area": None, "status": None, "limit": 10, "after": None}
    assert world.invitations.listed(COORDINATOR, **asked) == ([], None)
    assert [one.id for one in world.invitations.listed(AUDITOR, **asked)[0]] == [made.id]
    with pytest.raises(InvalidInput):
        world.invitations.listed(COORDINATOR, **asked | {"area": "D9002"})


def test_who_was_taken_out_or_has_joined_since_is_not_written_to(world: World) -> None:
    person = world.import_person()
    made = world.invite_person(person)
    world.register.withdraw(ADMIN, person)
    world.deliver_all()
    assert world.invitations.get(ADMIN, made.id).why == "gone"
    with pytest.raises(NotInvitable):
        world.invite_person(person)
    assert world.platform.requests == []


def test_another_number_in_a_later_file_is_not_written_to_in_the_place_of_the_first(world: World) -> None:
    person = world.import_person()
    made = world.invite_person(person, channel="email")
    world.import_person(email="other@x.test")
    world.deliver_all()
    assert world.invitations.get(ADMIN, made.id).why == "address_changed"
    assert world.platform.requests == []


# --- when


def test_in_quiet_hours_it_waits_until_the_morning(world: World) -> None:
    quiet = QuietHours(time(21), time(8))
    world.invitations = world.with_quiet(quiet)
    world.clock.forward(11 * 3600)  # 23:00 in India
    made = world.invite()
    with pytest.raises(OnHold) as hold:
        world.deliver_all()
    assert hold.value.retry_after_s == 900
    world.clock.forward(9 * 3600 + 60)
    world.deliver_all()
    assert world.invitations.get(ADMIN, made.id).status == "sent"


@pytest.mark.parametrize(
    ("kind", "election", "error", "why"),
    [
        ("public_body", Election(codes=frozenset({"elc_1"})), UnderCode, "code_of_conduct"),
        ("party", Election(silent=True), Silent, "silence"),
        ("election_office", Election(silent=True, codes=frozenset({"elc_1"})), None, ""),
        ("public_body", Election(silent=True), None, ""),
    ],
)
def test_election_law_holds_when_it_is_asked_for_and_when_it_would_go_out(
    world: World, kind: str, election: Election, error: Any, why: str
) -> None:
    world.invitations = replace(world.invitations, organisation_kind=kind)
    made = world.invite()
    world.election = election
    if error:
        with pytest.raises(error):
            world.invite(address="+918123450009")
    world.deliver_all()
    kept = world.invitations.get(ADMIN, made.id)
    assert (kept.status, kept.why) == (("not_sent", why) if error else ("sent", ""))


def test_a_stop_of_staff_holds_it_back_and_three_days_later_it_is_not_sent_any_more(world: World) -> None:
    made = world.invite()
    world.stopped = True
    with pytest.raises(OnHold):
        world.deliver_all()
    world.clock.forward(3 * 24 * 3600 + 1)
    world.stopped = False
    world.deliver_all()
    assert world.invitations.get(ADMIN, made.id).why == "too_late"
    assert world.platform.requests == []


def test_a_member_of_staff_invites_so_many_a_day_and_a_channel_without_words_or_off_is_refused(
    world: World,
) -> None:
    for fault, more in (("no_words", {"channel": "sms"}), ("channel_off", {"channel": "email"})):
        world.texts.words.pop("janjan_invitation", None)
        world.on = {"whatsapp", "sms"}
        with pytest.raises(InvalidInput) as refused:
            world.invite(**more)
        assert refused.value.errors[0].code == fault
    limits = RateLimits(world.clock)
    for _ in range(INVITATIONS_A_DAY):
        limits.spend(f"invitation#{COORDINATOR.id}", INVITATIONS_A_DAY, 24 * 3600)
    with pytest.raises(TooManyRequests):
        world.invite()


# --- whatever happens in between


def test_a_throttled_invitation_goes_out_later_and_once(world: World) -> None:
    made = world.invite()
    world.platform.answers[PHONE] = [Throttled(3), None]
    with pytest.raises(Transient):
        world.deliver_all()
    world.deliver_all()
    world.deliver_all()
    assert len(world.platform.taken) == 1
    assert world.invitations.get(ADMIN, made.id).status == "sent"


@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [(SendRefused("131026", "person"), "refused", "131026"), (OutcomeUnknown(), "unknown", "")],
)
def test_a_refusal_and_a_lost_answer_are_told_and_never_tried_again(
    world: World, answer: Any, status: str, why: str
) -> None:
    made = world.invite()
    world.platform.answers[PHONE] = [answer]
    for _ in range(3):
        world.deliver_all()
    kept = world.invitations.get(ADMIN, made.id)
    assert (kept.status, kept.why, len(world.platform.requests)) == (status, why, 1)


def test_no_invitation_with_an_address_is_recorded_whose_message_is_not_queued(world: World) -> None:
    class Broken:
        def put(self, *given: Any) -> int:
            raise Crash

    with pytest.raises(Crash):
        replace(world.invitations, queue=Broken()).invite(
            COORDINATOR, Wanted("whatsapp", "met at the fair", address=PHONE, name="आशा", area="D9001")
        )
    assert world.made.invitation_to("phone", world.people.hashed("phone", PHONE)) is None
    world.deliver_all()
    assert world.platform.requests == []


def test_a_message_that_comes_before_its_invitation_is_recorded_sends_nothing(world: World) -> None:
    world.invitations.deliver("inv_none")
    assert world.platform.requests == []


def test_a_message_that_was_lost_is_queued_by_asking_again(
    world: World,
) -> None:
    made = world.invite()
    world.letters.messages.clear()
    assert world.invite().id == made.id
    with pytest.raises(NotInvitable):
        world.invite(ELSEWHERE, area="D9002")
    for _ in range(2):
        world.deliver_all()
    assert len(world.platform.requests) == 1
    with pytest.raises(NotInvitable):
        world.invite()


@pytest.mark.slow
@pytest.mark.parametrize("then", ["nothing", "stop", "join"])
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_before_or_after_any_step_sends_once_at_most_and_never_says_unsent_of_what_was_sent(
    world: World, after: bool, then: str
) -> None:
    for step in range(1, 12):
        address, faults = f"+9181234501{step:02}", Faults()
        living = world.invitations
        faults.at, faults.after = step, after
        world.invitations = world.with_quiet(None, faults)
        sent_before, done = len(world.platform.taken), True
        world.letters.messages.clear()
        try:
            world.invite(address=address)
            world.deliver_all()
        except Crash:
            done = False
        world.invitations = living
        if not done and then != "nothing":
            world.stop(address) if then == "stop" else world.join(phone=address, handles=[])
        for wait in (0, 60):
            world.clock.forward(wait)
            try:
                world.deliver_all()
                if not done and then == "nothing":
                    world.invite(address=address)
                    world.deliver_all()
            except (Transient, NotInvitable):
                continue
        sent = len(world.platform.taken) - sent_before
        assert sent <= 1
        ident = world.made.invitation_to("phone", world.people.hashed("phone", address))
        kept = world.made.invitation(ident) if ident else None
        if sent:
            assert kept is not None
            assert kept.status in ("sent", "unknown")
        if kept is not None and kept.status == "sent":
            assert sent == 1
        if done:
            break
    else:
        pytest.fail("the last step was not reached")


def test_two_deliveries_at_once_send_one_message(world: World) -> None:
    made = world.invite()
    real = world.platform.send

    def during(*given: Any) -> Any:
        with pytest.raises(Transient):
            world.deliver_all()
        return real(*given)

    world.platform.send = during  # type: ignore[method-assign]
    world.deliver_all()
    assert len(world.platform.requests) == 1
    assert world.invitations.get(ADMIN, made.id).status == "sent"


# --- the sweep


def late(world: World) -> None:
    world.clock.forward(3 * 24 * 3600 + 2)


def test_an_invitation_in_the_dead_letters_loses_name_and_address_after_its_term(world: World) -> None:
    waiting = world.invite()
    world.invitations.sweep(world.clock.epoch() + 60)
    kept = world.made.invitation(waiting.id)
    assert kept is not None and kept.to == PHONE, "it may still go out"
    late(world)
    for _ in range(2):
        world.invitations.sweep(world.clock.epoch() + 60)
    kept = world.made.invitation(waiting.id)
    assert kept is not None
    assert (kept.status, kept.why, kept.to, kept.name) == ("not_sent", "too_late", "", "")
    world.deliver_all()
    assert world.platform.requests == []
    assert list(world.made.waiting_since(world.clock.now(), 10)) == []
    with pytest.raises(NotInvitable):
        world.invite()


def test_one_that_was_tried_stays_unknown_and_one_that_was_sent_stays_sent(world: World) -> None:
    sent = world.invite()
    world.deliver_all()
    tried = world.invite(address="+918123450009")
    seen = world.made.invitation(tried.id)
    assert seen is not None and world.made.change_invitation(seen.trying())
    late(world)
    world.invitations.sweep(world.clock.epoch() + 60)
    states = [one.status for i in (sent, tried) if (one := world.made.invitation(i.id)) is not None]
    assert states == ["sent", "unknown"]


@pytest.mark.parametrize("after", [False, True])
def test_whoever_dies_while_sweeping_is_followed_by_the_next_sweep(world: World, *, after: bool) -> None:
    waiting = [world.invite(address=f"+91812345001{n}") for n in range(3)]
    late(world)
    for at in range(1, 10):
        faults = Faults()
        faults.at, faults.after = at, after
        with contextlib.suppress(Crash):
            world.with_quiet(None, faults).sweep(world.clock.epoch() + 60)
    world.invitations.sweep(world.clock.epoch() + 60)
    for one in waiting:
        kept = world.made.invitation(one.id)
        assert kept is not None and (kept.status, kept.to, kept.name) == ("not_sent", "", "")
    assert list(world.made.waiting_since(world.clock.now(), 10)) == []


def test_a_pass_is_bounded_by_its_time(world: World) -> None:
    waiting = world.invite()
    late(world)
    world.invitations.sweep(world.clock.epoch())
    kept = world.made.invitation(waiting.id)
    assert kept is not None and kept.status == "waiting"
