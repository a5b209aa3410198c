"""Accounts of people on the register: whose they are, when their followers are counted, what was counted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.influencers.accounts import Handles
from chalicelib.influencers.model import Account, ReviewRequest
from chalicelib.ports import OwnAccount, RosterRange
from chalicelib.tables import write_together
from tests.influencers.world import ADMIN, NOON

DAY = timedelta(days=1)
HANDLES = [
    {"platform": "instagram", "handle": "sunita.devi", "followers": 1200},
    {"platform": "instagram", "handle": "sunita.two", "followers": 5000},
    {"platform": "telegram", "handle": "sunita_channel", "followers": 10},
]


@pytest.fixture
def accounts(world):
    return Handles(world.store)


def of(person: object, handle: str = "sunita.devi") -> Account:
    [found] = [one for one in person.handles if one.handle == handle]  # type: ignore[attr-defined]
    return found


def roster_followers(world) -> dict[str, int]:
    [row] = world.roster.page(RosterRange("D9001"), None, 10)[0]
    return dict(row.followers)


def test_whose_an_account_is_and_which_accounts_a_person_has(world, accounts):
    person = world.join(handles=HANDLES)
    assert accounts.handles_of(person.id) == [
        OwnAccount("instagram", "sunita.devi"),
        OwnAccount("instagram", "sunita.two"),
        OwnAccount("telegram", "sunita_channel"),
    ]
    assert accounts.proven_by("instagram", ["sunita.devi"]) == ""
    assert accounts.handles_of("inf_nobody") == []


def test_accounts_are_counted_from_the_verification_on_where_platforms_tell_followers(world, accounts):
    world.sign_up(handles=HANDLES)
    assert list(accounts.on_platform("instagram")) == []
    world.clock.forward(10)
    person = world.join(handles=HANDLES, phone="+918123456780")
    expected = [(person.id, "sunita.devi"), (person.id, "sunita.two")]
    assert sorted(accounts.on_platform("instagram")) == expected
    assert sorted(accounts.due("instagram", world.clock.now(), 10)) == expected
    assert len(accounts.due("instagram", world.clock.now(), 1)) == 1
    assert list(accounts.on_platform("telegram")) == []


def test_what_was_counted_is_due_again_when_it_was_said(world, accounts):
    person = world.join()
    accounts.measure_next(person.id, "instagram", "sunita.devi", NOON + 7 * DAY)
    assert accounts.due("instagram", NOON + 7 * DAY - timedelta(seconds=1), 10) == []
    assert accounts.due("instagram", NOON + 7 * DAY, 10) == [(person.id, "sunita.devi")]


def test_what_the_platform_tells_beats_the_persons_word_in_register_and_roster(world, accounts):
    person = world.approved(handles=HANDLES)
    assert roster_followers(world)["instagram"] == 5000
    accounts.measured(person.id, "instagram", "sunita.two", 900, NOON)
    after = world.store.person(person.id)
    counted = of(after, "sunita.two")
    assert (counted.followers, counted.followers_grade, counted.followers_at, counted.followers_stated) == (
        900,
        "verified",
        "2026-03-01T06:30:00Z",
        5000,
    )
    assert of(after).followers_grade == "declared"
    assert roster_followers(world)["instagram"] == 1200  # the largest that is left


def test_an_older_count_that_comes_late_or_a_repetition_changes_nothing(world, accounts):
    person = world.approved()
    for followers, days in ((700, 7), (650, 0), (700, 7)):
        accounts.measured(person.id, "instagram", "sunita.devi", followers, NOON + days * DAY)
    after = world.store.person(person.id)
    assert (of(after).followers, of(after).followers_stated) == (700, 1200)
    assert after.rev == person.rev + 1


def test_a_falling_count_is_kept_as_it_is(world, accounts):
    person = world.approved()
    accounts.measured(person.id, "instagram", "sunita.devi", 700, NOON)
    accounts.measured(person.id, "instagram", "sunita.devi", 0, NOON + DAY)
    assert of(world.store.person(person.id)).followers == 0


def test_accounts_of_others_and_of_nobody_are_not_touched(world, accounts):
    person = world.approved()
    accounts.measured(person.id, "instagram", "somebody", 9, NOON)
    accounts.measured("inf_nobody", "instagram", "sunita.devi", 9, NOON)
    accounts.measure_next("inf_nobody", "instagram", "sunita.devi", NOON)
    assert world.store.person(person.id) == person
    assert list(accounts.on_platform("instagram")) == [(person.id, "sunita.devi")]


def test_who_is_suspended_or_leaves_is_counted_no_more_and_who_comes_back_at_once(world, accounts):
    person = world.approved()
    world.register.review(ADMIN, person.id, ReviewRequest(decision="suspend", reason="x"))
    accounts.measured(person.id, "instagram", "sunita.devi", 9, NOON)
    assert (list(accounts.on_platform("instagram")), of(world.store.person(person.id)).followers) == (
        [],
        1200,
    )
    world.register.review(ADMIN, person.id, ReviewRequest(decision="approve"))
    assert accounts.due("instagram", world.clock.now(), 10) == [(person.id, "sunita.devi")]
    world.register.withdraw(ADMIN, person.id)
    assert list(accounts.on_platform("instagram")) == []


def test_the_platforms_own_id_of_a_proven_account_is_the_persons_too(world, accounts):
    person = world.join(handles=HANDLES[:1])
    [account] = person.handles
    proven = person.changed(handles=(account.model_copy(update={"account": "1784"}),))
    with write_together() as transaction:
        world.store.write_change(transaction, person, proven, None, world.clock.now())
    assert accounts.handles_of(person.id) == [OwnAccount("instagram", "sunita.devi", "1784")]
