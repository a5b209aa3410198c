"""Proof that an account is somebody's: by a code in its own words, or by one that comes from it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import InvalidInput, NotFound, TooManyRequests, Transient
from chalicelib.identity.audit import Audit
from chalicelib.influencers.accounts import Handles
from chalicelib.influencers.model import Account, Filter, Influencer, ReviewRequest
from chalicelib.influencers.proofs import CHECKS
from chalicelib.influencers.rows import OwnedItem, ProfileItem
from chalicelib.platforms.base import AccountReading, Inbound, OutcomeUnknown, SendRefused, Throttled
from chalicelib.ports import RosterRange
from chalicelib.proving import PERIOD_S, NotReadable, NotShownHere, ProvenByAnother, codes_in
from tests.influencers.world import ADMIN, World

PHONE, OTHER = "+918123456789", "+918123456780"
NAME = "sunita.devi"


def handle(person: Influencer) -> Account:
    [account] = person.handles
    return account


def code(world: World, person: Influencer, handle_id: str = "") -> str:
    return world.proofs.begin(person.id, handle_id or handle(person).id).code


def claims() -> dict[str, tuple[str, str]]:
    found = OwnedItem.scan(OwnedItem.sk == "claim")
    return {item.pk: (str(item.owner), str(item.proof)) for item in found if not item.pk.startswith("phone")}


def rival(world: World, **changes: object) -> Influencer:
    """Somebody else who signed up with the same account, later."""
    return world.join(phone=OTHER, **changes)


def proven(world: World, person: Influencer, handle_id: str = "", account: str = "178") -> Account:
    handle_id = handle_id or handle(person).id
    known = person.account_named(handle_id)
    assert known
    world.accounts.show(known.platform, known.handle, code(world, person, handle_id), account)
    return world.proofs.check(person.id, handle_id)


def test_an_account_has_an_id_that_tells_no_name_and_is_stated_at_first(world: World) -> None:
    person = world.join()
    assert (handle(person).proof, handle(person).handle) == ("stated", NAME)
    assert handle(person).id.startswith("hnd_")
    assert NAME[:6] not in handle(person).id


def test_people_from_before_accounts_had_ids_get_the_same_ones_at_each_look(world: World) -> None:
    person = world.join()
    item = ProfileItem.get(person.id, "profile")
    item.person = item.person.replace(f'"id":"{handle(person).id}",', "")
    item.save()
    assert handle(person).id not in item.person
    assert handle(world.store.person(person.id)).id == handle(world.store.person(person.id)).id != ""


def test_a_code_in_the_bio_verifies_the_account_with_the_platforms_own_id(world: World) -> None:
    person = world.join()
    asked = world.proofs.begin(person.id, handle(person).id)
    assert [way.way for way in asked.ways] == ["bio", "message"]
    assert PERIOD_S < asked.expires_at.timestamp() - world.clock.epoch() <= 2 * PERIOD_S
    world.accounts.show("instagram", NAME, f"जनपुर 🌾 | {asked.code.upper()} | खेती")
    account = world.proofs.check(person.id, handle(person).id)
    assert (account.proof, account.account, account.proven_at) == ("verified", "178", "2026-03-01T06:30:00Z")
    assert handle(world.store.person(person.id)) == account
    assert claims() == {
        f"handle#instagram#{NAME}": (person.id, "proven"),
        "account#instagram#178": (person.id, "proven"),
    }
    [entry] = [e for e in Audit().all_of(f"influencer#{person.id}") if e.action.endswith("handle_proven")]
    assert (entry.actor, entry.detail["handle"], entry.detail["lost_by"]) == ("self", account.id, [])
    assert NAME not in str(entry)
    assert '"influencer.handle_proven"' in str(ProfileItem.get(person.id, "profile").event)


def test_asking_again_gives_the_same_code_and_a_verified_account_is_not_read_again(world: World) -> None:
    person = world.join()
    assert code(world, person) == code(world, person)
    proven(world, person)
    asked = world.accounts.asked
    world.proofs.check(person.id, handle(person).id)
    assert world.accounts.asked == asked


@pytest.mark.parametrize("days", [3, 7])
def test_a_code_runs_out(world: World, days: int) -> None:
    person = world.join()
    world.accounts.show("instagram", NAME, code(world, person))
    world.clock.forward(timedelta(days=days).total_seconds())
    if days == 3:
        assert world.proofs.check(person.id, handle(person).id).proof == "verified"
    else:
        with pytest.raises(InvalidInput):
            world.proofs.check(person.id, handle(person).id)


@pytest.mark.parametrize(
    ("shown", "error"),
    [
        (AccountReading("1", NAME, 1, "another bio"), InvalidInput),
        (AccountReading("1", NAME, 1, None), NotReadable),
        (None, NotReadable),
        (SendRefused("190", "channel"), NotReadable),
        (Throttled(60), Throttled),
        (OutcomeUnknown(), Transient),
        (Transient(), Transient),
    ],
)
def test_what_cannot_be_read_leaves_the_account_stated(world: World, shown: Any, error: type) -> None:
    person = world.join()
    code(world, person)
    world.accounts.readings["instagram", NAME] = shown
    with pytest.raises(error):
        world.proofs.check(person.id, handle(person).id)
    assert world.store.person(person.id) == person
    assert claims() == {f"handle#instagram#{NAME}": (person.id, "stated")}


def test_on_a_platform_that_is_off_nothing_can_be_shown(world: World) -> None:
    person = world.join(handles=[{"platform": "facebook", "handle": "sunitadevi", "followers": 1}])
    for act in (world.proofs.begin, world.proofs.check):
        with pytest.raises(NotShownHere):
            act(person.id, handle(person).id)


def test_nobody_proves_an_account_for_somebody_else(world: World) -> None:
    person, other = world.join(), rival(world, handles=[])
    for act in (world.proofs.begin, world.proofs.check):
        with pytest.raises(NotFound):
            act(other.id, handle(person).id)


def test_somebody_elses_code_in_the_bio_proves_nothing(world: World) -> None:
    person, other = world.join(), rival(world)
    theirs = other.contested[0].id
    world.accounts.show("instagram", NAME, code(world, other, theirs))
    with pytest.raises(InvalidInput):
        world.proofs.check(person.id, handle(person).id)


def test_looks_are_limited_a_person(world: World) -> None:
    person = world.join()
    world.accounts.show("instagram", NAME, "")
    for _ in range(CHECKS):
        with pytest.raises(InvalidInput):
            world.proofs.check(person.id, handle(person).id)
    with pytest.raises(TooManyRequests):
        world.proofs.check(person.id, handle(person).id)
    assert world.accounts.asked == CHECKS


def test_proof_beats_a_statement_and_the_loser_is_told_to_staff(world: World) -> None:
    stated = world.approved()
    owner = rival(world)
    assert [one.handle for one in owner.contested] == [NAME]
    account = proven(world, owner, owner.contested[0].id)
    won, lost = world.store.person(owner.id), world.store.person(stated.id)
    assert (won.handles, won.contested) == ((account,), ())
    assert (lost.handles, [(one.handle, one.proof) for one in lost.contested]) == ((), [(NAME, "stated")])
    assert claims()[f"handle#instagram#{NAME}"] == (owner.id, "proven")
    [entry] = [e for e in Audit().all_of(f"influencer#{owner.id}") if e.action.endswith("handle_proven")]
    assert entry.detail["lost_by"] == [stated.id]
    event = str(ProfileItem.get(stated.id, "profile").event)
    assert '"influencer.handle_contested"' in event
    assert lost.contested[0].id in event
    shown, _ = world.register.listed(
        ADMIN, status=None, area=None, pick=Filter(contested=True), limit=10, after=None
    )
    assert [one.id for one in shown] == [stated.id]


def test_a_proven_account_cannot_be_taken_by_a_statement(world: World) -> None:
    owner = world.join()
    proven(world, owner)
    other = rival(world)
    assert [one.handle for one in other.contested] == [NAME]
    assert handle(world.store.person(owner.id)).proof == "verified"


def test_of_two_who_show_the_same_account_the_first_keeps_it(world: World) -> None:
    owner, other = world.join(), rival(world)
    proven(world, owner)
    with pytest.raises(ProvenByAnother):
        proven(world, other, other.contested[0].id)
    assert claims()[f"handle#instagram#{NAME}"] == (owner.id, "proven")


def test_of_two_who_show_it_at_the_same_moment_one_wins(world: World) -> None:
    owner, other = world.join(), rival(world)
    theirs = other.contested[0].id
    world.accounts.show("instagram", NAME, f"{code(world, owner)} {code(world, other, theirs)}")

    def check(of: tuple[str, str]) -> str:
        try:
            return world.proofs.check(*of).proof
        except ProvenByAnother:
            return "refused"

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(check, [(owner.id, handle(owner).id), (other.id, theirs)]))
    assert sorted(results) == ["refused", "verified"]
    winner = (owner, other)[results.index("verified")].id
    assert set(claims().values()) == {(winner, "proven")}
    states = [world.store.person(one.id) for one in (owner, other)]
    assert sum(one.proof == "verified" for person in states for one in person.handles) == 1
    assert [len(p.handles) for p in sorted(states, key=lambda p: p.id != winner)] == [1, 0]


def test_the_same_account_under_another_spelling_is_the_same(world: World) -> None:
    channel = "UC" + "a" * 22
    owner = world.join(handles=[{"platform": "youtube", "handle": channel, "followers": 1}])
    other = rival(world, handles=[{"platform": "youtube", "handle": "@sunita", "followers": 1}])
    proven(world, owner, account=channel)
    with pytest.raises(ProvenByAnother):
        proven(world, other, account=channel)


def test_who_has_a_name_now_wins_it_from_who_had_it_before_and_the_old_account_stays_theirs(
    world: World,
) -> None:
    before, now = world.join(), rival(world)
    proven(world, before, account="111")
    proven(world, now, now.contested[0].id, account="222")
    lost = world.store.person(before.id)
    assert [(one.account, one.proof) for one in lost.contested] == [("111", "stated")]
    assert claims() == {
        f"handle#instagram#{NAME}": (now.id, "proven"),
        "account#instagram#222": (now.id, "proven"),
        "account#instagram#111": (before.id, "proven"),
    }


def test_whose_an_account_was_shown_to_be_is_told_by_its_id_before_its_name(world: World) -> None:
    before, now = world.join(), rival(world)
    accounts = Handles(world.store)
    assert accounts.proven_by("instagram", [NAME, "111"]) == ""  # only stated
    proven(world, before, account="111")
    for names in ([NAME], ["111"], [NAME, "111"], ["renamed", "111"]):
        assert accounts.proven_by("instagram", names) == before.id
    assert accounts.proven_by("instagram", [NAME, "222"]) == ""  # another account bears the name now
    assert accounts.proven_by("facebook", [NAME, "111"]) == ""
    proven(world, now, now.contested[0].id, account="222")
    assert accounts.proven_by("instagram", [NAME]) == now.id
    assert accounts.proven_by("instagram", [NAME, "222"]) == now.id
    assert accounts.proven_by("instagram", [NAME, "111"]) == before.id
    [own] = accounts.handles_of(now.id)
    assert (own.name, own.account, own.proven) == (NAME, "222", True)
    assert accounts.handles_of(before.id) == []


def test_followers_of_whoever_bears_the_name_now_are_not_counted_for_who_proved_it_before(
    world: World,
) -> None:
    person = world.join()
    proven(world, person, account="111")
    accounts = Handles(world.store)
    for account, followers in (("111", 700), ("222", 90_000), ("", 800)):
        at = world.clock.now()
        accounts.measured(person.id, "instagram", NAME, followers, at, account=account)
        kept = handle(world.store.person(person.id)).followers
        assert kept == (700 if account == "222" else followers)


def test_a_withdrawal_gives_all_of_it_back(world: World) -> None:
    names = [{"platform": "youtube", "handle": one, "followers": 1} for one in ("@sunita", "UC" + "a" * 22)]
    owner = world.approved(handles=names)
    for one in owner.handles:
        proven(world, world.store.person(owner.id), one.id, account="UC" + "a" * 22)
    world.register.withdraw(ADMIN, owner.id)
    assert claims() == {}


def test_the_roster_says_on_which_platforms_an_account_is_verified(world: World) -> None:
    person = world.approved()

    def row() -> frozenset[str]:
        rows, _ = world.roster.page(RosterRange("D9001"), None, 10)
        return rows[0].proven

    assert row() == frozenset()
    proven(world, person)
    assert row() == {"instagram"}


# --- by a message from the account


def said(text: str, sender: str, **extra: str) -> Inbound:
    return Inbound("d1", sender, text, "text", None, extra=extra)


X = {"handles": [{"platform": "x", "handle": "@SunitaDevi", "followers": 5}]}


def test_a_message_from_the_account_proves_it(world: World) -> None:
    person = world.join(**X)
    asked = world.proofs.begin(person.id, handle(person).id)
    assert [way.way for way in asked.ways] == ["bio", "message"]
    wrote = said(f"नमस्ते, {asked.code}", "9001", handle="sunitadevi")
    reply = world.proofs.heard("x", wrote, world.clock.now())
    assert reply
    assert "sunitadevi" in reply
    account = handle(world.store.person(person.id))
    assert (account.proof, account.account) == ("verified", "9001")
    assert world.proofs.heard("x", wrote, world.clock.now()) == reply
    assert [e.action for e in Audit().all_of(f"influencer#{person.id}")].count(
        "influencer.handle_proven"
    ) == 1


@pytest.mark.parametrize(
    ("platform", "sender", "extra"),
    [("x", "9002", {"handle": "somebody"}), ("x", "9002", {})],
)
def test_a_message_from_elsewhere_proves_nothing_and_says_so(
    world: World, platform: str, sender: str, extra: dict[str, str]
) -> None:
    person = world.join(**X)
    reply = world.proofs.heard(platform, said(code(world, person), sender, **extra), world.clock.now())
    assert reply
    assert "sunitadevi" in reply
    assert world.store.person(person.id) == person


def test_where_messages_name_nobody_and_nobody_can_be_asked_nothing_is_proven(world: World) -> None:
    person = world.join(handles=[{"platform": "telegram", "handle": "sunita_devi", "followers": 0}])
    assert world.proofs.heard("telegram", said(code(world, person), "9001"), world.clock.now())
    assert handle(world.store.person(person.id)).proof == "stated"


def test_a_code_for_an_account_on_another_platform_is_none_of_ours_here(world: World) -> None:
    person = world.join(**X)
    wrote = said(code(world, person), "9001", handle="sunitadevi")
    assert world.proofs.heard("telegram", wrote, world.clock.now()) is None
    assert world.proofs.heard("x", said("janjan-aaaaaaaa", "9001"), world.clock.now()) is None
    assert world.proofs.heard("x", said("namaste", "9001"), world.clock.now()) is None
    world.clock.forward(2 * PERIOD_S)
    assert world.proofs.heard("x", wrote, world.clock.now()) is None


def test_a_number_on_whatsapp_is_proven_by_writing_from_it(world: World) -> None:
    person = world.join(handles=[{"platform": "whatsapp", "handle": OTHER, "followers": 0}])
    asked = code(world, person)
    world.proofs.heard("whatsapp", said(asked, PHONE[1:]), world.clock.now())
    assert handle(world.store.person(person.id)).proof == "stated"
    world.proofs.heard("whatsapp", said(asked, OTHER[1:]), world.clock.now())
    assert handle(world.store.person(person.id)).proof == "verified"


def test_who_writes_on_instagram_is_asked_for_by_their_message(world: World) -> None:
    person = world.join()
    wrote = said(code(world, person), "5001")
    world.accounts.readings["instagram", "sender 5001"] = Throttled(9)
    with pytest.raises(Throttled):
        world.proofs.heard("instagram", wrote, world.clock.now())
    world.accounts.readings["instagram", "sender 5001"] = SendRefused("190", "channel")
    with pytest.raises(Transient):
        world.proofs.heard("instagram", wrote, world.clock.now())
    del world.accounts.readings["instagram", "sender 5001"]
    assert world.proofs.heard("instagram", wrote, world.clock.now())
    assert handle(world.store.person(person.id)).proof == "stated"
    world.accounts.readings["instagram", "sender 5001"] = AccountReading("", NAME)
    assert world.proofs.heard("instagram", wrote, world.clock.now())
    account = handle(world.store.person(person.id))
    assert (account.proof, account.account) == ("verified", "")  # 5001 is an id that was made for us


def test_a_channel_on_whatsapp_cannot_be_shown(world: World) -> None:
    person = world.join(
        handles=[
            {
                "platform": "whatsapp",
                "handle": "whatsapp.com/channel/0029VaAbCdEfGhIjKlMnOp1q",
                "followers": 0,
            }
        ]
    )
    with pytest.raises(NotShownHere):
        world.proofs.begin(person.id, handle(person).id)


def test_a_renamed_account_is_known_by_its_id_and_takes_its_new_name_from_who_stated_it(world: World) -> None:
    person = world.join(**X)
    world.proofs.heard("x", said(code(world, person), "9001", handle="sunitadevi"), world.clock.now())
    squatter = rival(world, handles=[{"platform": "x", "handle": "sunita_new", "followers": 5}])
    renamed = said(code(world, world.store.person(person.id)), "9001", handle="sunita_new")
    world.proofs.heard("x", renamed, world.clock.now())
    account = handle(world.store.person(person.id))
    assert (account.id, account.handle, account.account) == (handle(person).id, "sunita_new", "9001")
    assert world.store.person(squatter.id).handles == ()
    assert claims() == {
        "handle#x#sunita_new": (person.id, "proven"),
        "account#x#9001": (person.id, "proven"),
    }


def test_who_was_suspended_meanwhile_proves_nothing(world: World) -> None:
    person = world.approved(**X)
    asked = code(world, person)
    world.register.review(ADMIN, person.id, ReviewRequest(decision="suspend", reason="namuna"))
    assert world.proofs.heard("x", said(asked, "9001", handle="sunitadevi"), world.clock.now()) is None


# --- crashes and other writers


class Crash(BaseException):
    """The process dies: nobody catches it."""


@pytest.mark.parametrize("committed", [False, True])
def test_a_crash_around_the_write_is_mended_by_asking_again(
    world: World, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    stated, owner = world.join(), rival(world)
    theirs = owner.contested[0].id
    real = Audit.committing

    def dying(self: Audit, **wanted: Any) -> None:
        if committed:
            real(self, **wanted)
        raise Crash

    monkeypatch.setattr(Audit, "committing", dying)
    with pytest.raises(Crash):
        proven(world, owner, theirs)
    monkeypatch.setattr(Audit, "committing", real)
    assert world.proofs.check(owner.id, theirs).proof == "verified"
    assert (world.store.person(stated.id).handles, len(world.store.person(owner.id).handles)) == ((), 1)
    actions = [e.action for e in Audit().all_of(f"influencer#{owner.id}")]
    assert actions.count("influencer.handle_proven") == 1


def test_another_change_of_the_loser_between_reading_and_writing_is_not_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stated, owner = world.join(), rival(world)
    real = Audit.committing
    once: list[int] = []

    def after_a_stop(self: Audit, **wanted: Any) -> Any:
        if not once:
            once.append(1)
            world.people.stop("whatsapp", PHONE[1:], evidence="e", at=world.clock.now())
        return real(self, **wanted)

    monkeypatch.setattr(Audit, "committing", after_a_stop)
    proven(world, owner, owner.contested[0].id)
    lost = world.store.person(stated.id)
    assert (lost.suppressed, lost.handles) == ({"phone"}, ())


def test_of_two_who_reach_for_an_account_that_nobody_holds_the_quicker_gets_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = world.approved()
    slow, quick = rival(world), world.join(phone="+918123456781")
    world.register.withdraw(ADMIN, holder.id)
    real = Audit.committing
    began: list[int] = []

    def overtaken(self: Audit, **wanted: Any) -> Any:
        if not began:
            began.append(1)
            proven(world, quick, quick.contested[0].id)
        return real(self, **wanted)

    monkeypatch.setattr(Audit, "committing", overtaken)
    with pytest.raises(ProvenByAnother):
        proven(world, slow, slow.contested[0].id)
    assert set(claims().values()) == {(quick.id, "proven")}
    assert world.store.person(slow.id).handles == ()


def test_a_name_that_was_proven_without_the_platforms_id_is_kept_too(world: World) -> None:
    owner, other = world.join(), rival(world)
    world.accounts.readings["instagram", "sender 5001"] = AccountReading("", NAME)
    world.proofs.heard("instagram", said(code(world, owner), "5001"), world.clock.now())
    with pytest.raises(ProvenByAnother):
        proven(world, other, other.contested[0].id)
    assert proven(world, world.store.person(owner.id)).proof == "verified"


# --- reading codes


@given(st.text(), st.text())
def test_a_code_is_found_in_any_text_however_it_is_dressed(before: str, after: str) -> None:
    dressed = f"{before} 𝗝𝗮𝗻𝗝𝗮𝗻–𝗞7Q2M4XW {after}"
    assert "janjan-k7q2m4xw" in codes_in(dressed)


def test_zero_width_letters_do_not_hide_a_code() -> None:
    assert codes_in("janjan-\u200bk7q2m4xw") == ["janjan-k7q2m4xw"]
