"""The matrix and the principal's rules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import Forbidden
from chalicelib.identity.gate import Gate
from chalicelib.identity.roles import MATRIX, ROLES, Principal, known_roles, needs_second_factor

DOC = Path(__file__).parents[2] / "docs" / "roles.md"


def staff(*roles, areas=(), departments=()) -> Principal:
    return Principal(
        "u1", "Asha", "a@sample.test", frozenset(roles), frozenset(areas), frozenset(departments)
    )


def test_the_documented_matrix_is_the_one_in_force():
    table = DOC.read_text(encoding="utf-8").split("<!-- matrix -->")[1].split("<!-- /matrix -->")[0]
    head, _, *rows = [
        re.split(r"\s*\|\s*", line.strip().strip("|").strip()) for line in table.strip().splitlines()
    ]
    documented = {
        cells[0].strip("`"): {role for role, cell in zip(head[1:], cells[1:], strict=False) if cell == "yes"}
        for cells in rows
    }
    assert tuple(head[1:]) == ROLES
    assert documented == {action: set(roles) for action, roles in MATRIX.items()}


@pytest.mark.parametrize("action", [a for a in MATRIX if not a.endswith((".read", ".report", ".reach"))])
def test_an_auditor_changes_nothing_and_reveals_nothing(action):
    assert not staff("auditor").may(action)


@pytest.mark.parametrize("action", MATRIX)
def test_an_admin_may_do_everything_and_somebody_without_a_role_nothing(action):
    assert staff("admin").may(action)
    assert not staff().may(action)


@given(st.sets(st.sampled_from(ROLES)), st.sampled_from(sorted(MATRIX)))
def test_more_roles_never_allow_less(roles, action):
    assert staff(*roles).may(action) == any(staff(role).may(action) for role in roles)


def test_an_unknown_action_is_an_error_and_not_a_permission():
    with pytest.raises(KeyError):
        staff("admin").may("influencer.delete_everything")


def test_nobody_who_writes_campaigns_alone_may_approve_them():
    assert not staff("editor").may("campaign.approve")
    assert not staff("approver").may("campaign.write")


READ, REVIEW = "influencer.read", "influencer.review"
REPORT, WRITE = "campaign.report", "campaign.write"


def test_a_coordinator_covers_an_area_and_all_below_it_and_nothing_else():
    coordinator = staff("coordinator", areas=["D9001"])
    assert coordinator.covers_area(("IN", "IN-XN", "D9001"), REVIEW)
    assert coordinator.covers_area(("IN", "IN-XN", "D9001", "D9001-B1"), REVIEW)
    assert not coordinator.covers_area(("IN", "IN-XN", "D9002"), REVIEW)
    assert not coordinator.covers_area(("IN", "IN-XN"), REVIEW)


@pytest.mark.parametrize("role", ["coordinator", "editor", "approver", "nodal_officer"])
def test_without_areas_most_roles_cover_nothing(role):
    assert not staff(role).covers_area(("IN",), READ)


@pytest.mark.parametrize("role", ["admin", "auditor"])
def test_admins_and_auditors_cover_every_area_and_department(role):
    assert staff(role).covers_area(("IN", "IN-XN"), READ)
    assert staff(role).covers_department("health", REPORT)


def test_a_nodal_officer_covers_their_own_department_alone():
    officer = staff("nodal_officer", departments=["health"])
    assert officer.covers_department("health", WRITE)
    assert not officer.covers_department("education", WRITE)


def test_a_coordinator_sees_every_department_but_does_not_widen_a_nodal_officers_own():
    assert staff("coordinator").covers_department("health", REPORT)
    both = staff("coordinator", "nodal_officer", departments=["health"])
    assert not both.covers_department("education", REPORT)
    assert staff("editor", "nodal_officer", departments=["health"]).covers_department("education", WRITE)
    assert not staff().covers_department("health", REPORT)


@pytest.mark.parametrize("wide", ["auditor", "approver"])
def test_a_role_widens_only_what_it_allows_itself(wide):
    officer = staff("nodal_officer", wide, departments=["health"])
    assert officer.covers_department("education", REPORT)
    assert not officer.covers_department("education", WRITE)
    coordinator = staff("coordinator", "auditor", areas=["D9001"])
    assert coordinator.covers_area(("IN", "IN-XN", "D9002"), READ)
    assert not coordinator.covers_area(("IN", "IN-XN", "D9002"), REVIEW)


def test_groups_of_the_pool_that_are_no_roles_give_nothing():
    assert known_roles(["admins", "auditor", ""]) == {"auditor"}


def test_who_lets_messages_out_or_rules_the_staff_needs_a_second_factor():
    assert {role for role in ROLES if needs_second_factor(frozenset({role}))} == {"admin", "approver"}


def test_the_gate_refuses_an_action_outside_the_role_and_anyone_who_is_not_staff():
    gate = Gate(None, None, None)  # type: ignore[arg-type]
    gate.require(staff("auditor"), "audit.read")
    with pytest.raises(Forbidden):
        gate.require(staff("editor"), "audit.read")
    with pytest.raises(Forbidden):
        gate.require(object(), "campaign.read")  # type: ignore[arg-type]
