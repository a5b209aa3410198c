"""Who answers for a department: appointed, handed over, vacant, looked up on record."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.departments.changes import ChangedMeanwhile
from chalicelib.departments.model import Appointment, Desk
from chalicelib.departments.officers import Duties
from chalicelib.errors import Conflict, InvalidInput, NotFound, OtherDepartment
from chalicelib.identity.audit import Audit
from tests.departments.world import ADMIN, AUDITOR, COORDINATOR, EDITOR, ROADS, WATER, World

TODAY = date(2026, 3, 1)
PHONE, EMAIL = "+918123456789", "asha@water.example"


def appoint(world: World, who: Any = ADMIN, department: str = "water", **more: Any) -> Appointment:
    facts = {"seat": "officer", "begins": TODAY, "name": "आशा नमूना", "phone": PHONE, "email": EMAIL}
    return world.officers.appoint(who, department, **facts | more)


def test_a_department_nobody_was_named_for_is_vacant_and_nobody_knows_since_when(world: World) -> None:
    desk = world.officers.desk(AUDITOR, "water")
    assert (desk.holder("officer", TODAY), desk.vacant_since("officer", TODAY)) == (None, None)


def test_who_follows_takes_over_on_that_day_and_history_stays(world: World) -> None:
    first = appoint(world)
    second = appoint(world, begins=TODAY + timedelta(days=10), name="रवि नमूना", phone="")
    desk = world.officers.desk(AUDITOR, "water")
    assert desk.holder("officer", TODAY + timedelta(days=9)).id == first.id  # type: ignore[union-attr]
    assert desk.holder("officer", TODAY + timedelta(days=10)).id == second.id  # type: ignore[union-attr]
    assert [one.ends for one in desk.officers] == [TODAY + timedelta(days=10), None]
    [_, entry] = Audit().all_of("department#water")
    assert (entry.action, entry.detail["hands_over"]) == ("department.officer_appointed", first.id)


def test_the_deputy_is_a_seat_of_its_own(world: World) -> None:
    officer, deputy = appoint(world), appoint(world, seat="deputy", name="रवि नमूना")
    desk = world.officers.desk(ADMIN, "water")
    assert [desk.holder("officer", TODAY), desk.holder("deputy", TODAY)] == [officer, deputy]


def test_a_seat_that_nobody_takes_over_is_vacant_since_that_day(world: World) -> None:
    appointment = appoint(world, begins=TODAY - timedelta(days=30))
    world.officers.end(ADMIN, "water", appointment.id, TODAY)
    desk = world.officers.desk(ADMIN, "water")
    assert (desk.holder("officer", TODAY), desk.vacant_since("officer", TODAY)) == (None, TODAY)
    world.days(5)
    appoint(world, begins=TODAY + timedelta(days=4), name="रवि नमूना")
    after = world.officers.desk(ADMIN, "water")
    assert after.officers[0].ends == TODAY  # the gap is told, not closed
    assert after.holder("officer", TODAY + timedelta(days=3)) is None
    with pytest.raises(Conflict):
        world.officers.end(ADMIN, "water", appointment.id, TODAY)


def test_of_who_has_left_stay_name_and_term_alone(world: World) -> None:
    first = appoint(world)
    world.days(2)
    appoint(world, begins=TODAY + timedelta(days=1), name="रवि नमूना")
    [left, _] = world.officers.desk(ADMIN, "water").officers
    assert (left.id, left.name, left.phone, left.email) == (first.id, "आशा नमूना", "", "")


@pytest.mark.parametrize(
    ("begins", "field"),
    [(TODAY, "begins"), (TODAY - timedelta(days=1), "begins"), (TODAY + timedelta(days=400), "begins")],
)
def test_nobody_follows_before_the_one_before_or_years_ahead(world: World, begins: date, field: str) -> None:
    appoint(world)
    with pytest.raises(InvalidInput) as refused:
        appoint(world, begins=begins)
    assert [error.field for error in refused.value.errors] == [field]


@pytest.mark.parametrize("day", [TODAY - timedelta(days=1), TODAY + timedelta(days=400)])
def test_an_appointment_ends_in_its_time_alone(world: World, day: date) -> None:
    with pytest.raises(InvalidInput):
        world.officers.end(ADMIN, "water", appoint(world).id, day)


def test_numbers_are_masked_and_looking_at_one_is_kept_without_it(world: World) -> None:
    appointment = appoint(world)
    assert (appointment.masked_phone, appointment.masked_email) == ("+91******6789", "a***@water.example")
    assert world.officers.reveal(WATER, "water", appointment.id).phone == PHONE
    entries = Audit().all_of("department#water")
    assert (entries[-1].action, entries[-1].actor) == ("department.officer_revealed", WATER.id)
    assert not any(secret in str(entries) for secret in (PHONE, EMAIL, "आशा"))


def test_a_nodal_officer_works_for_their_own_departments_alone(world: World) -> None:
    appointment = appoint(world, WATER)
    for act in (
        lambda: world.officers.desk(ROADS, "water"),
        lambda: appoint(world, ROADS),
        lambda: world.officers.reveal(ROADS, "water", appointment.id),
        lambda: world.officers.end(ROADS, "water", appointment.id, TODAY),
        lambda: world.officers.change(ROADS, "water", appointment.id, {"name": "x"}),
    ):
        with pytest.raises(OtherDepartment):
            act()
    assert world.officers.desk(COORDINATOR, "water").officers == (appointment,)


def test_what_there_is_not_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        world.officers.desk(ADMIN, "nowhere")
    with pytest.raises(NotFound):
        world.officers.reveal(ADMIN, "water", "off_none")


@pytest.mark.parametrize(
    ("user", "code"),
    [("usr_none", "user_unknown"), (EDITOR.id, "user_unknown"), (ROADS.id, "user_elsewhere")],
)
def test_an_officer_who_signs_in_is_a_nodal_officer_of_this_department(
    world: World, user: str, code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        appoint(world, user=user)
    assert [error.code for error in refused.value.errors] == [code]
    assert appoint(world, user=WATER.id).user == WATER.id


def test_a_nodal_officer_learns_of_no_other_departments_officers_by_their_ids(world: World) -> None:
    told = []
    for user in (ROADS.id, "usr_none"):
        with pytest.raises(InvalidInput) as refused:
            appoint(world, WATER, user=user)
        told.append([(error.code, error.message) for error in refused.value.errors])
    assert told[0] == told[1]


def test_a_correction_changes_what_is_given_and_nothing_of_who_has_left(world: World) -> None:
    appointment = appoint(world)
    after = world.officers.change(ADMIN, "water", appointment.id, {"designation": "Engineer"})
    assert (after.designation, after.phone) == ("Engineer", PHONE)
    world.officers.end(ADMIN, "water", appointment.id, TODAY)
    with pytest.raises(Conflict):
        world.officers.change(ADMIN, "water", appointment.id, {"phone": PHONE})


def test_two_who_appoint_at_once_make_no_two_officers(world: World) -> None:
    seen = world.officers.desk(ADMIN, "water")
    appoint(world)
    world.officers.store.desk = lambda department: seen  # type: ignore[method-assign]  # a reader from before
    with pytest.raises(ChangedMeanwhile):
        appoint(world, begins=TODAY + timedelta(days=1))
    del world.officers.store.__dict__["desk"]
    assert len(world.officers.desk(ADMIN, "water").officers) == 1


STEPS = st.lists(st.tuples(st.sampled_from(["appoint", "end"]), st.integers(-60, 60)), max_size=12)


@given(STEPS)
def test_whatever_is_entered_one_person_at_most_holds_a_seat_on_any_day(steps: list[tuple[str, int]]) -> None:
    desk = Desk(department="water")
    for number, (step, days) in enumerate(steps):
        day = TODAY + timedelta(days=days)
        try:
            if step == "appoint":
                new = Appointment(id=f"off_{number}", seat="officer", name="x", begins=day)
                desk = desk.appointed(new, TODAY)
            elif desk.officers:
                desk = desk.ended(desk.officers[-1].id, day, TODAY)
        except (Conflict, InvalidInput):
            continue
    for days in range(-70, 70):
        day = TODAY + timedelta(days=days)
        holders = [one for one in desk.officers if one.holds(day)]
        assert len(holders) <= 1
        assert (desk.vacant_since("officer", day) or day) <= day


def test_who_is_on_duty_is_who_holds_a_seat_on_that_day(world: World) -> None:
    today, duties = world.clock.today_ist(), Duties(world.store)
    assert duties.of_department("water", today) == []
    world.officers.appoint(ADMIN, "water", seat="deputy", begins=today, name="B", phone="+918123456789")
    world.officers.appoint(
        ADMIN, "water", seat="officer", begins=today + timedelta(days=3), name="A", email="a@x.test"
    )
    assert [(one.seat, one.name, one.phone) for one in duties.of_department("water", today)] == [
        ("deputy", "B", "+918123456789")
    ]
    later = duties.of_department("water", today + timedelta(days=3))
    assert [(one.seat, one.email) for one in later] == [("officer", "a@x.test"), ("deputy", "")]
