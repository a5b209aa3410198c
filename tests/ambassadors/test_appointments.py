"""Who is ambassador of what: terms, letters, and what follows from the register in any order."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations
from typing import Any

import pytest

from chalicelib.ambassadors.model import NotApproved, NotStanding, StandsAlready, first_name, plain, spelled
from chalicelib.errors import InvalidInput, NotFound
from chalicelib.identity.audit import Audit
from tests.ambassadors.world import AUDITOR, World
from tests.dispatch.world import Crash, Faults
from tests.influencers.world import ADMIN, COORDINATOR, ELSEWHERE

TODAY = date(2026, 3, 1)


def appointed(world: World, area: str = "D9001-B1", who: Any = ADMIN, **more: Any) -> Any:
    return world.ambassadors.appoint(who, world.approved().id, area, **more)


def test_an_approved_person_is_appointed_for_a_year_with_a_letter_of_their_own(world: World) -> None:
    one = appointed(world, who=COORDINATOR)
    assert (one.begins, one.until, one.state(TODAY)) == (TODAY, TODAY + timedelta(days=365), "standing")
    assert one.path == ("IN", "IN-XN", "D9001", "D9001-B1")
    [entry] = Audit().all_of(f"ambassador#{one.id}")
    assert (entry.action, entry.actor) == ("ambassador.appointed", COORDINATOR.id)
    assert entry.detail == {"area": "D9001-B1", "influencer": one.influencer}


def test_nobody_who_is_not_approved_is_appointed(world: World) -> None:
    person = world.join()
    with pytest.raises(NotApproved):
        world.ambassadors.appoint(ADMIN, person.id, "D9001")
    assert world.made.card(person.id).rev == 0


def test_one_person_has_one_standing_appointment_an_area(world: World) -> None:
    one = appointed(world)
    with pytest.raises(StandsAlready):
        world.ambassadors.appoint(ADMIN, one.influencer, "D9001-B1")
    world.ambassadors.appoint(ADMIN, one.influencer, "D9001")
    assert world.standing(one.influencer) == ["D9001", "D9001-B1"]
    world.days(366)
    assert world.standing(one.influencer) == []
    world.ambassadors.appoint(ADMIN, one.influencer, "D9001-B1")
    assert world.standing(one.influencer) == ["D9001-B1"]


def test_a_term_is_renewed_while_it_lasts_and_not_after(world: World) -> None:
    one = appointed(world, until=date(2026, 3, 31))
    with pytest.raises(InvalidInput, match="corrected"):
        world.ambassadors.renew(ADMIN, one.id, date(2026, 3, 31))
    after = world.ambassadors.renew(COORDINATOR, one.id, date(2026, 6, 30))
    assert (after.until, [(r.until, r.by) for r in after.renewals]) == (
        date(2026, 6, 30),
        [(date(2026, 6, 30), COORDINATOR.id)],
    )
    world.days(60)
    with pytest.raises(StandsAlready):
        world.ambassadors.appoint(ADMIN, one.influencer, "D9001-B1")
    world.days(100)
    with pytest.raises(NotStanding):
        world.ambassadors.renew(ADMIN, one.id, date(2027, 1, 1))


def test_who_was_suspended_meanwhile_is_not_renewed_even_before_the_event_comes(world: World) -> None:
    one = appointed(world)
    world.review(one.influencer, "suspend")
    with pytest.raises(NotApproved):
        world.ambassadors.renew(ADMIN, one.id, date(2027, 6, 1))
    world.review(one.influencer, "approve")
    with pytest.raises(NotApproved):
        world.ambassadors.renew(ADMIN, one.id, date(2027, 6, 1))


def test_an_appointment_ends_with_a_reason_once_and_the_area_is_free_again(world: World) -> None:
    one = appointed(world)
    ended = world.ambassadors.end(COORDINATOR, one.id, "moved away")
    assert (ended.state(TODAY), ended.reason, ended.ended_by) == ("ended", "moved away", COORDINATOR.id)
    with pytest.raises(NotStanding):
        world.ambassadors.end(COORDINATOR, one.id, "again")
    assert world.ambassadors.appoint(ADMIN, one.influencer, "D9001-B1").id != one.id


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"begins": date(2026, 3, 5), "until": date(2026, 3, 4)}, "before_begins"),
        ({"begins": date(2025, 12, 1)}, "too_early"),
        ({"begins": date(2027, 12, 1)}, "too_far"),
        ({"until": date(2031, 3, 4)}, "too_long"),
    ],
)
def test_a_term_that_cannot_be_right_is_refused_with_its_field(world: World, more: Any, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        appointed(world, **more)
    assert [fault.code for fault in refused.value.errors] == [code]


def test_the_areas_and_people_of_others_are_not_there(world: World) -> None:
    person = world.approved()
    one = world.ambassadors.appoint(COORDINATOR, person.id, "D9001")
    for area in ("D9001", "D9999"):
        with pytest.raises(InvalidInput) as refused:
            world.ambassadors.appoint(ELSEWHERE, person.id, area)
        assert refused.value.errors[0].code == "area_unknown"
    with pytest.raises(InvalidInput) as refused:
        world.ambassadors.appoint(ELSEWHERE, person.id, "D9002")
    assert refused.value.errors[0].code == "influencer_unknown"
    for act in (
        lambda: world.ambassadors.get(ELSEWHERE, one.id),
        lambda: world.ambassadors.end(ELSEWHERE, one.id, "x"),
        lambda: world.ambassadors.renew(ELSEWHERE, one.id, date(2027, 6, 1)),
    ):
        with pytest.raises(NotFound):
            act()
    assert listed(world, ELSEWHERE) == []
    assert [found.id for found in listed(world, AUDITOR)] == [one.id]


def listed(world: World, who: Any, **more: Any) -> list[Any]:
    asked = {"area": None, "state": None, "ends_by": None, "limit": 2, "after": None} | more
    found, after = world.ambassadors.listed(who, **asked)
    return found + (listed(world, who, **more | {"after": after}) if after else [])


def test_the_list_goes_by_place_and_shows_who_stands_and_whose_term_ends_soon(world: World) -> None:
    one = appointed(world, until=date(2026, 3, 20))
    below = world.ambassadors.appoint(ADMIN, one.influencer, "D9001-A1-P1")
    gone = world.ambassadors.appoint(ADMIN, one.influencer, "D9001")
    world.ambassadors.end(ADMIN, gone.id, "x")
    other = world.approved(phone="+918123456780", area="D9002", handles=[])
    away = world.ambassadors.appoint(ADMIN, other.id, "D9002", begins=date(2026, 4, 1))

    def ids(who: Any = ADMIN, **more: Any) -> set[str]:
        return {found.id for found in listed(world, who, **more)}

    assert ids() == {one.id, below.id, gone.id, away.id}
    assert ids(COORDINATOR) == {one.id, below.id, gone.id}
    assert ids(area="D9001-B1") == {one.id, below.id}
    assert (ids(state="standing"), ids(state="ended"), ids(state="coming")) == (
        {one.id, below.id},
        {gone.id},
        {away.id},
    )
    assert ids(state="standing", ends_by=date(2026, 3, 31)) == {one.id}
    world.days(30)
    assert ids(state="over") == {one.id}


# --- letters


def test_anybody_sees_whether_a_letter_is_real_and_only_the_first_name(world: World) -> None:
    one = appointed(world)
    letter = world.ambassadors.verified(f" {spelled(one.code).upper()} ")
    assert (letter.state, letter.first_name, letter.area.id) == ("standing", "सुनीता", "D9001-B1")
    for code in ("", "abcd-efgh-ijkl-mnop", one.id):
        with pytest.raises(NotFound):
            world.ambassadors.verified(code)
    assert len({appointed_code for appointed_code in (one.code, plain(spelled(one.code)))}) == 1


def test_a_letter_says_that_it_has_ended_and_of_who_has_left_no_name(world: World) -> None:
    one = appointed(world)
    world.ambassadors.end(ADMIN, one.id, "a reason that is nobody's business")
    letter = world.ambassadors.verified(one.code)
    assert (letter.state, letter.first_name, letter.ended_on) == ("ended", "सुनीता", TODAY)
    world.withdraw(one.influencer)
    assert world.ambassadors.verified(one.code).first_name == ""


def test_a_letter_of_who_has_just_left_says_so_before_the_event_has_come(world: World) -> None:
    one = appointed(world)
    world.review(one.influencer, "suspend")
    assert world.ambassadors.verified(one.code).state == "ended"
    world.review(one.influencer, "approve")
    assert world.ambassadors.verified(one.code).state == "ended"


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("सुनीता देवी", "सुनीता"),
        ("Dr. Asha Rao", "Dr. Asha"),
        ("डॉ. आशा राव", "डॉ. आशा"),
        ("Asha", "Asha"),
        ("Dr", "Dr"),
    ],
)
def test_a_first_name_is_the_first_word_with_its_title(name: str, first: str) -> None:
    assert first_name(name) == first


# --- what follows from the register


def test_whom_a_review_makes_ambassador_is_appointed_once_however_often_the_event_comes(world: World) -> None:
    person = world.join()
    world.review(person.id, "approve", "D9001-B1")
    for _ in range(3):
        world.tell(world.told[0])
    assert world.standing(person.id) == ["D9001-B1"]
    [one] = world.ambassadors.of_person(person.id)
    world.ambassadors.end(ADMIN, one.id, "decided otherwise")
    world.tell(world.told[0])
    assert world.standing(person.id) == []


def test_who_leaves_is_ambassador_of_nothing_any_more(world: World) -> None:
    one = appointed(world)
    world.ambassadors.appoint(ADMIN, one.influencer, "D9001")
    world.withdraw(one.influencer)
    for _ in range(2):
        world.tell(world.told[-1])
    assert world.standing(one.influencer) == []
    assert {found.ended_by for found in world.ambassadors.of_person(one.influencer)} == {"system"}
    assert [entry.action for entry in Audit().all_of(f"ambassador#{one.id}")] == [
        "ambassador.appointed",
        "ambassador.ended",
    ]


def test_in_whatever_order_events_come_nobody_who_has_left_is_ambassador(world: World) -> None:
    for number, order in enumerate(permutations(range(2))):
        person = world.join(phone=f"+9181234567{number:02}", handles=[])
        world.told.clear()
        world.review(person.id, "approve", "D9001-B1")
        world.withdraw(person.id)
        for place in (*order, *order):
            world.tell(world.told[place])
        assert world.standing(person.id) == [], order


@pytest.mark.slow
def test_in_whatever_order_events_come_a_second_approval_decides(world: World) -> None:
    """Approved as ambassador, suspended, approved without: the first approval appoints nobody any more."""
    for number, order in enumerate(permutations(range(3))):
        person = world.join(phone=f"+9181234567{number:02}", handles=[])
        world.told.clear()
        world.review(person.id, "approve", "D9001-B1")
        world.review(person.id, "suspend")
        world.review(person.id, "approve", "D9001" if number % 2 else None)
        for place in (*order, *order):
            world.tell(world.told[place])
        assert world.standing(person.id) == (["D9001"] if number % 2 else []), order


def test_an_old_approval_does_not_appoint_again_what_staff_have_ended_since(world: World) -> None:
    person = world.join()
    world.review(person.id, "approve", "D9001-B1")
    world.clock.forward(60)
    one = world.ambassadors.appoint(ADMIN, person.id, "D9001-B1")
    world.ambassadors.end(ADMIN, one.id, "decided otherwise")
    world.tell(world.told[0])
    assert world.standing(person.id) == []


def test_who_leaves_between_reading_and_writing_is_not_appointed(world: World) -> None:
    person = world.approved()
    real = world.people.appointee

    class Leaving:
        left = False

        def appointee(self, ident: str) -> Any:
            seen = real(ident)
            if not self.left:
                self.left = True
                world.withdraw(ident)
            return seen

    object.__setattr__(world.ambassadors, "appointees", Leaving())
    with pytest.raises(NotApproved):
        world.ambassadors.appoint(ADMIN, person.id, "D9001")
    assert world.made.card(person.id).known == ()


def test_two_who_appoint_at_once_leave_one_appointment(world: World) -> None:
    person = world.approved()
    real = world.made.card
    acted: list[int] = []

    def card(ident: str) -> Any:
        seen = real(ident)
        if not acted:
            acted.append(1)
            world.ambassadors.appoint(ADMIN, person.id, "D9001")
        return seen

    object.__setattr__(world.made, "card", card)
    with pytest.raises(StandsAlready):
        world.ambassadors.appoint(ADMIN, person.id, "D9001")
    assert world.standing(person.id) == ["D9001"]


@pytest.mark.slow
def test_a_crash_at_any_step_leaves_an_appointment_whole_or_undone_and_the_event_again_mends_it(
    world: World,
) -> None:
    person = world.join()
    world.review(person.id, "approve", "D9001-B1")
    world.withdraw(world.approved(phone="+918123456780", handles=[]).id)
    for after in (False, True):
        for step in range(1, 20):
            faults = Faults()
            faults.at, faults.after = step, after
            audit = faults.wrap(Audit(), "committing")
            store = faults.wrap(world.made, "card", "many", "find")
            people = faults.wrap(world.people, "appointee")
            died = replace(world.ambassadors, store=store, appointees=people, audit=audit)
            living, world.ambassadors = world.ambassadors, died
            try:
                world.tell(world.told[0])
            except Crash:
                continue
            finally:
                world.ambassadors = living
                card = world.made.card(person.id)
                assert len(world.made.many(card.known)) == len(card.known) <= 1
            break
        world.tell(world.told[0])
        assert world.standing(person.id) == ["D9001-B1"]
