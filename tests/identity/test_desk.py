"""The console's rooms of the staff and of the audit."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.errors import NotFound, Unauthenticated
from chalicelib.identity.audit import AuditItem
from chalicelib.identity.chain import SUBJECT_TYPES, chain_of
from chalicelib.identity.roles import Principal
from chalicelib.identity.service import ChangedMeanwhile
from chalicelib.identity.staff import User, UserExists
from chalicelib.identity.words import SUBJECTS, action_words
from tests.influencers.test_routes import STAFF
from tests.pages.conftest import prepared
from tests.pages.desk import Desk, desk

__all__ = ["desk", "prepared"]
USERS, AUDIT = "/console/users", "/console/audit"
NEW = {"email": "Ravi@Sample.test", "name": "रवि नमूना", "roles": ["coordinator"], "areas": ["D9001"]}


class Staff:
    """The staff as a list."""

    def __init__(self) -> None:
        self.made: list[dict[str, Any]] = []
        self.changed: list[Any] = []

    def page(self, limit: int, token: str | None) -> tuple[list[User], str | None]:
        roles = frozenset({"coordinator"})
        at = datetime(2026, 3, 1, tzinfo=UTC)
        known = User("usr_1", "asha@x.test", "Asha", "CONFIRMED", roles, ("D9001",), (), at)  # type: ignore[arg-type]
        return [known], None

    def get(self, user_id: str) -> User:
        if user_id != "usr_1":
            raise NotFound
        return self.page(1, None)[0][0]

    def change(self, by: Principal, user_id: str, wanted: Any) -> User:
        if wanted.seen == "taken":
            raise Unauthenticated
        if wanted.seen == "old":
            raise ChangedMeanwhile
        self.changed.append(wanted)
        return self.get(user_id)

    def create(self, by: Principal, **given: Any) -> str:
        if any(one["email"] == given["email"] for one in self.made):
            raise UserExists
        self.made.append(given)
        return "usr_2"

    def names(self) -> dict[str, str]:
        return {"usr_1": "Asha"}


@pytest.fixture
def staff(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Staff:
    made = Staff()
    monkeypatch.setattr(wiring, "users", lambda: made)
    auditor = Principal("usr_au", "Au", "au@x.test", frozenset({"auditor"}))
    monkeypatch.setitem(STAFF, "auditor", auditor)
    return made


def test_the_staff_is_shown_with_what_each_role_may_and_only_admins_add(desk: Desk, staff: Staff) -> None:
    page = desk.text(USERS)
    for said in ("Asha", "asha@x.test", "Coordinator of an area", "Janpur", "signs in"):
        assert said in page
    assert "Rooms:" in page and "Add somebody to the staff" in page
    assert "Add somebody to the staff" not in desk.text(USERS, "auditor")
    assert desk.get(USERS, "one").status_code == 403
    assert desk.post(USERS, NEW, "auditor").status_code == 403


def test_somebody_is_added_once_with_roles_and_areas(desk: Desk, staff: Staff) -> None:
    answer = desk.post(USERS, NEW)
    assert answer.headers["Location"] == f"{USERS}?said=added&lang=en"
    assert "A first password goes to them" in desk.text(answer.headers["Location"])
    assert staff.made == [
        {"email": "ravi@sample.test", "name": "रवि नमूना", "roles": ["coordinator"], "areas": ["D9001"],
         "departments": []}
    ]  # fmt: skip
    again = desk.post(USERS, NEW)
    assert again.status_code == 409
    assert "There is a user with this e-mail address already." in again.body.decode()


ONE = f"{USERS}/usr_1"


def test_a_member_of_staff_is_shown_and_changed_with_a_reason(desk: Desk, staff: Staff) -> None:
    page = desk.text(ONE)
    for said in ("asha@x.test", "Janpur", "Sign out everywhere", "Switch off"):
        assert said in page
    assert 'name="do"' not in desk.text(ONE, "auditor")
    assert desk.get(f"{USERS}/usr_9").status_code == 404
    fields = {"do": "save", "name": "Asha D", "roles": ["editor"], "reason": "Moved", "seen": "abc"}
    answer = desk.post(ONE, fields)
    assert answer.headers["Location"] == f"{ONE}?said=save&lang=en"
    [wanted] = staff.changed
    assert (wanted.name, wanted.roles, wanted.areas, wanted.seen) == ("Asha D", ["editor"], [], "abc")
    assert desk.post(ONE, {"do": "signed_out", "why": "Lost phone"}).status_code == 303
    assert staff.changed[-1].signed_out and staff.changed[-1].roles is None
    assert desk.post(ONE, {"do": "disabled", "why": "Left"}).status_code == 303
    assert staff.changed[-1].enabled is False
    assert desk.post(ONE, fields, "auditor").status_code == 403


def test_an_error_of_a_reason_stands_at_its_own_form_and_what_was_typed_stays(
    desk: Desk, staff: Staff
) -> None:
    answer = desk.post(ONE, {"do": "disabled", "why": "Ask 90000 12345"})
    assert answer.status_code == 422
    page = answer.body.decode()
    assert 'id="why-error"' in page and 'id="reason-error"' not in page and "Ask 90000 12345" in page
    answer = desk.post(ONE, {"do": "save", "name": "", "roles": ["editor"], "reason": "Moved"})
    page = answer.body.decode()
    assert answer.status_code == 422 and "Please write a name." in page and "Moved" in page
    assert staff.changed == []
    answer = desk.post(ONE, {"do": "save", "name": "B", "roles": ["editor"], "reason": "x", "seen": "old"})
    page = answer.body.decode()
    assert answer.status_code == 409 and 'value="B"' in page and "Somebody else has changed" in page
    for said in (
        "has saved a change meanwhile",
        "<del>Asha</del><ins>B</ins>",
        "<del>Janpur</del>",
        "<ins>Editor",
    ):
        assert said in page
    assert f'name="seen" value="{staff.get("usr_1").version}"' in page
    answer = desk.post(ONE, {"step": "place", "name": "C", "area_state": "IN-XN"})
    assert answer.status_code == 200 and 'value="C"' in answer.body.decode()


def test_whose_own_rights_were_taken_meanwhile_sees_nobodys_page(desk: Desk, staff: Staff) -> None:
    fields = {"do": "save", "name": "B", "roles": ["editor"], "reason": "x", "seen": "taken"}
    answer = desk.post(ONE, fields)
    assert answer.status_code in (303, 401) and "asha@x.test" not in str(answer.body)


def test_an_area_is_found_step_by_step_and_several_are_kept(desk: Desk, staff: Staff) -> None:
    form = {"email": "a@x.test", "roles": "coordinator", "area_state": "IN-XN", "step": "place"}
    page = desk.post(USERS, form).body.decode()
    assert 'name="area_district"' in page and 'value="a@x.test"' in page
    form |= {"area_district": "D9001", "areas": ["D9002"], "step": "area"}
    page = desk.post(USERS, form).body.decode()
    assert set(re.findall(r'name="areas" value="(\w+)" checked', page)) == {"D9001", "D9002"}
    assert not staff.made
    desk.post(USERS, form | {"step": "", "name": "A", "areas": []})
    assert staff.made[0]["areas"] == ["D9001"]


def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(desk: Desk, staff: Staff) -> None:
    answer = desk.post(USERS, {"email": "nobody", "name": " "})
    page = answer.body.decode()
    assert answer.status_code == 422 and 'value="nobody"' in page
    for said in ("This is not an email address.", "Please write a name.", "Choose at least one role."):
        assert said in page
    assert not staff.made


# --- the audit


def written(subject: str, action: str, actor: str = "usr_1", **detail: Any) -> None:
    wiring.audit().committing(
        subject=subject, action=action, actor=actor, at=wiring.clock().now(), detail=detail
    )


def test_what_was_done_to_one_thing_is_told_in_words_with_who_did_it(desk: Desk, staff: Staff) -> None:
    written("campaign#cmp_1", "campaign.submitted")
    written("campaign#cmp_1", "campaign.approved", "system", areas=["D9001", "D9002"])
    page = desk.text(f"{AUDIT}?kind=campaign&id=cmp_1")
    assert page.index("approved") < page.index("put before an approver")
    assert "Asha" in page and "by itself" in page and "Janpur" in page and "D9001" not in page
    assert "There is no entry about this." in desk.text(f"{AUDIT}?kind=campaign&id=cmp_2")
    assert desk.get(AUDIT, "one").status_code == 403
    assert desk.get(f"{AUDIT}?kind=nothing").status_code == 422


def test_the_latest_of_a_kind_come_together_from_all_chains(desk: Desk, staff: Staff) -> None:
    for n in range(20):
        written(f"stop#area:D{n}", "stop.put")
    page = desk.text(f"{AUDIT}?kind=stop", "auditor")
    assert page.count("stop set") == 20
    assert "kind=stop&amp;id=area%3AD3" in page


def test_a_chain_is_computed_anew_and_the_first_wrong_entry_is_named(desk: Desk, staff: Staff) -> None:
    written("campaign#cmp_1", "campaign.submitted")
    written("campaign#cmp_1", "campaign.approved")
    where = f"{AUDIT}?kind=campaign&id=cmp_1&check=yes"
    assert "Whole: all 2 entries" in desk.text(where)
    item = AuditItem.get(chain_of("campaign#cmp_1"), f"{1:012d}")
    item.update(actions=[AuditItem.actor.set("usr_other")])
    assert "Not whole: entry 1 does not fit." in desk.text(where)


def test_unasked_the_audit_denies_nothing_and_its_chain_is_computed_of_what_was_asked_for(
    desk: Desk, staff: Staff
) -> None:
    written("campaign#cmp_1", "campaign.submitted")
    assert "There is no entry" not in desk.text(AUDIT)
    assert "kind=campaign&amp;id=cmp_1&amp;check=yes" in desk.text(f"{AUDIT}?kind=campaign&id=cmp_1")


def test_every_kind_of_the_audit_has_a_name_and_an_unknown_action_its_own() -> None:
    assert set(SUBJECTS) == set(SUBJECT_TYPES)
    assert action_words("influencer.withdrawn") == "taken out at their own wish"
    assert action_words("campaign.unheard_of") == "campaign.unheard_of"
