"""What departments are told: acknowledged in time, late, or not yet."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib.departments.directives import Seen
from chalicelib.departments.store import DepartmentStore
from chalicelib.errors import Conflict, InvalidInput, NotFound
from tests.departments.world import ADMIN, APPROVER, AUDITOR, BOTH, ROADS, WATER, World

TODAY = date(2026, 3, 1)


def issue(world: World, *departments: str, **more: Any) -> Seen:
    facts = {
        "title": "Name a nodal officer",
        "text": "=1+1 is no formula here",
        "issued_by": "Chief Secretary",
        "reference": "12/2026",
        "issued_on": None,
        "due_on": TODAY + timedelta(days=7),
        "departments": departments or ("roads", "water"),
    }
    return world.directives.issue(APPROVER, **facts | more)


def states(seen: Seen) -> dict[str, str]:
    return {order.department: seen.state(order) for order in seen.orders}


def test_a_directive_is_open_then_soon_due_then_overdue_and_nobody_pushes(world: World) -> None:
    directive = issue(world).directive.id
    told = []
    for _ in range(10):
        told.append(states(world.directives.get(AUDITOR, directive))["water"])
        world.days(1)
    assert told == ["open"] * 4 + ["due_soon"] * 4 + ["overdue"] * 2
    assert world.directives.get(AUDITOR, directive).overdue


def test_a_day_that_is_past_makes_it_overdue_at_once(world: World) -> None:
    issued = issue(world, due_on=TODAY - timedelta(days=1), issued_on=TODAY - timedelta(days=9))
    assert set(states(issued).values()) == {"overdue"}


def test_a_nodal_officer_acknowledges_for_their_own_department_and_once(world: World) -> None:
    directive = issue(world).directive.id
    seen = world.directives.acknowledge(WATER, directive, "water", "done")
    assert (states(seen), seen.acknowledged) == ({"water": "acknowledged"}, 1)
    world.days(1)
    again = world.directives.acknowledge(WATER, directive, "water", "other words")
    assert [order.note for order in again.orders] == ["done"]
    assert states(world.directives.get(ADMIN, directive)) == {"roads": "open", "water": "acknowledged"}
    assert world.audited(f"directive#{directive}") == [
        ("directive.issued", APPROVER.id),
        ("directive.acknowledged", WATER.id),
    ]
    [listed], _ = world.directives.listed(ADMIN, "", None, 10, None)
    assert (listed.acknowledged, listed.orders) == (1, ())


def test_an_acknowledgement_after_the_day_is_late_and_on_the_day_is_not(world: World) -> None:
    first, second = issue(world).directive.id, issue(world).directive.id
    world.days(7)
    [in_time] = world.directives.acknowledge(WATER, first, "water", "").orders
    world.days(1)
    [late] = world.directives.acknowledge(WATER, second, "water", "").orders
    assert (in_time.late, late.late) == (False, True)


def test_of_others_directives_nobody_learns(world: World) -> None:
    directive = issue(world, "water").directive.id
    for act in (
        lambda: world.directives.get(ROADS, directive),
        lambda: world.directives.acknowledge(ROADS, directive, "water", ""),
        lambda: world.directives.acknowledge(ROADS, directive, "roads", ""),
        lambda: world.directives.acknowledge(WATER, "dir_none", "water", ""),
    ):
        with pytest.raises(NotFound):
            act()
    assert world.directives.listed(ROADS, "", None, 10, None) == ([], None)
    assert world.directives.listed(ROADS, "water", None, 10, None) == ([], None)


def test_a_nodal_officer_does_not_see_how_others_stand(world: World) -> None:
    directive = issue(world).directive.id
    world.directives.acknowledge(ROADS, directive, "roads", "a word of theirs")
    seen = world.directives.get(WATER, directive)
    assert (seen.directive.departments, seen.acknowledged, states(seen)) == (("water",), 0, {"water": "open"})
    [listed], _ = world.directives.listed(WATER, "", None, 10, None)
    assert (listed.directive.departments, listed.acknowledged) == (("water",), 0)


def test_a_withdrawn_directive_is_due_from_nobody(world: World) -> None:
    directive = issue(world).directive.id
    assert set(states(world.directives.withdraw(ADMIN, directive, "a slip")).values()) == {"withdrawn"}
    world.days(30)
    assert not world.directives.get(ADMIN, directive).overdue
    for act in (
        lambda: world.directives.withdraw(ADMIN, directive, "again"),
        lambda: world.directives.acknowledge(WATER, directive, "water", ""),
    ):
        with pytest.raises(Conflict):
            act()


def test_lists_are_newest_first_by_desk_and_state_and_go_on_where_they_stopped(world: World) -> None:
    made = []
    for _ in range(5):
        made.append(issue(world).directive.id)
        world.clock.forward(1)
    world.directives.acknowledge(WATER, made[1], "water", "")
    for who, department in ((ADMIN, ""), (ADMIN, "water"), (WATER, "")):
        found, place = [], None
        while True:
            page, place = world.directives.listed(who, department, None, 2, place)
            found += [one.directive.id for one in page]
            if place is None:
                break
        assert found == made[::-1]
    for who in (ADMIN, WATER):
        page, _ = world.directives.listed(who, "water", "acknowledged", 10, None)
        assert [one.directive.id for one in page] == [made[1]]
    page, _ = world.directives.listed(ADMIN, "", "acknowledged", 10, None)
    assert [one.directive.id for one in page] == [made[1]]
    page, _ = world.directives.listed(BOTH, "", None, 100, None)
    assert [one.directive.departments for one in page] == [("roads",)] * 5 + [("water",)] * 5


def test_the_list_of_all_is_filtered_by_how_some_department_stands(world: World) -> None:
    late = issue(world, due_on=TODAY - timedelta(days=1), issued_on=TODAY - timedelta(days=9)).directive.id
    soon = issue(world, due_on=TODAY + timedelta(days=1)).directive.id
    done = issue(world).directive.id
    gone = issue(world).directive.id
    for department in ("roads", "water"):
        world.directives.acknowledge(ADMIN, done, department, "")
    world.directives.acknowledge(ADMIN, late, "water", "")
    world.directives.withdraw(ADMIN, gone, "a slip")

    def found(state: Any) -> set[str]:
        return {one.directive.id for one in world.directives.listed(AUDITOR, "", state, 10, None)[0]}

    assert found("overdue") == {late}
    assert found("due_soon") == {soon}
    assert found("acknowledged") == {late, done}
    assert found("withdrawn") == {gone}
    assert found("open") == set()


def test_two_who_acknowledge_at_once_count_once(world: World) -> None:
    directive = issue(world).directive.id
    before = world.store.order(directive, "water")
    world.directives.acknowledge(WATER, directive, "water", "first")
    reads = iter([before])
    real = world.store.order
    world.store.order = lambda *key: next(reads, None) or real(*key)  # type: ignore[method-assign]
    seen = world.directives.acknowledge(BOTH, directive, "water", "second")
    assert [order.note for order in seen.orders if order.department == "water"] == ["first"]
    assert world.store.acknowledged([directive]) == {directive: 1}


def test_a_directive_whose_writing_broke_off_is_on_no_desk(world: World) -> None:
    def dies(*given: object) -> None:
        raise RuntimeError

    world.store.put_directive = dies  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        issue(world)
    assert world.directives.listed(WATER, "", None, 10, None)[0] == []
    assert world.directives.listed(ADMIN, "", None, 10, None)[0] == []


def test_unknown_departments_and_impossible_days_are_refused_by_field(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        issue(world, "water", "moon", issued_on=TODAY + timedelta(days=1), due_on=TODAY)
    assert [error.field for error in refused.value.errors] == ["departments.1", "issued_on", "due_on"]


def test_a_long_list_asks_for_a_hundred_directives_at_once_and_misses_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [issue(world, "water").directive.id for _ in range(3)]
    world.directives.acknowledge(WATER, made[1], "water", "")
    asked: list[int] = []
    for name in ("acknowledged", "directives"):
        real = getattr(DepartmentStore, name)

        def told(store: DepartmentStore, ids: list[str], real: Any = real) -> Any:
            asked.append(len(ids))
            return real(store, ids)

        monkeypatch.setattr(DepartmentStore, name, told)
    monkeypatch.setattr("chalicelib.lists.A_REQUEST", 2)
    for who in (ADMIN, WATER):
        asked.clear()
        found, after = world.directives.listed(who, "", "open", 10, None)
        assert {one.directive.id for one in found} == {made[0], made[2]}
        assert (asked, after) == ([2, 1], None)
        first, after = world.directives.listed(who, "", "open", 1, None)
        rest, _ = world.directives.listed(who, "", "open", 10, after)
        assert [one.directive.id for one in first + rest] == [one.directive.id for one in found]
