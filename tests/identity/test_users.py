"""The staff and the audit over HTTP: who may add whom, and who may read what was done."""

from __future__ import annotations

import pytest

from chalicelib import wiring
from chalicelib.errors import Transient
from chalicelib.identity.audit import Audit, AuditItem
from chalicelib.identity.chain import chain_of
from chalicelib.identity.staff import StaffPool
from chalicelib.ports import Area
from local.token import token_for

NEW = {
    "email": "Ravi@Sample.test",
    "name": "रवि",
    "roles": ["coordinator", "nodal_officer"],
    "areas": ["D9001"],
    "departments": ["health"],
}


class TwoDistricts:
    """A directory of two districts."""

    def get(self, area_id: str) -> Area | None:
        return (
            Area(area_id, "district", ("IN", "IN-XN", area_id), {}) if area_id in ("D9001", "D9002") else None
        )

    def ranges(self, area_ids):
        raise NotImplementedError


@pytest.fixture
def token(office, monkeypatch):
    monkeypatch.setattr(wiring, "directory", TwoDistricts)
    return lambda who: token_for(office.env, f"{who}@sample.test")


def test_an_admin_adds_a_user_who_has_what_they_were_given(office, call, token):
    admin = token("admin")
    answer = call("POST", "/v1/users", NEW, token=admin)
    assert answer.status_code == 201
    [made] = [u for u in call("GET", "/v1/users", token=admin).json_body["items"] if u["name"] == "रवि"]
    assert made.pop("created_at")
    assert made == {
        "id": answer.json_body["id"],
        "email": "ravi@sample.test",
        "name": "रवि",
        "status": "force_change_password",
        "roles": ["coordinator", "nodal_officer"],
        "areas": ["D9001"],
        "departments": ["health"],
    }


def test_everybody_of_the_staff_has_a_name_by_their_id(office, call, token):
    admin = token("admin")
    made = call("POST", "/v1/users", NEW, token=admin).json_body["id"]
    names = wiring.users().names()
    assert (names[made], names[wiring.gate().principal(admin).id]) == ("रवि", "Sample Admin")


def test_a_member_of_the_staff_is_found_by_id_alone(office, call, token):
    made = call("POST", "/v1/users", NEW, token=token("admin")).json_body["id"]
    pool = wiring.users().pool
    found = pool.find(made)
    assert (found.id, found.roles, found.departments) == (
        made,
        {"coordinator", "nodal_officer"},
        ("health",),
    )
    assert pool.find("usr_none") is None
    assert pool.find('" or sub ^= "') is None


def test_adding_a_user_is_in_the_audit_without_their_name(office, call, token):
    admin = token("admin")
    user = call("POST", "/v1/users", NEW, token=admin).json_body["id"]
    [entry] = call("GET", f"/v1/audit?subject=user%23{user}", token=token("auditor")).json_body["items"]
    assert entry["action"] == "user.created"
    assert entry["actor"] == wiring.gate().principal(admin).id
    assert entry["detail"] == {
        "roles": ["coordinator", "nodal_officer"],
        "areas": ["D9001"],
        "departments": ["health"],
    }


def test_an_address_is_used_once(office, call, token):
    assert call("POST", "/v1/users", NEW, token=token("admin")).status_code == 201
    again = call("POST", "/v1/users", NEW | {"email": "ravi@sample.test"}, token=token("admin"))
    assert (again.status_code, again.json_body["title"]) == (409, "user exists")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"areas": []}, "areas"),
        ({"departments": []}, "departments"),
        ({"areas": ["D9001", "D1"]}, "areas.1"),
        ({"areas": ["D9001 D9002"]}, "areas.0"),
        ({"roles": []}, "roles"),
        ({"roles": ["god"]}, "roles.0"),
        ({"email": "ravi"}, "email"),
        ({"email": "ravi@sample.test\x1d"}, "email"),
        ({"email": "ravi@sample.test\x1d."}, "email"),
        ({"email": "ra\x7fvi@sample.test"}, "email"),
        ({"email": "ra\x9fvi@sample.test"}, "email"),
        ({"email": "ra\u200bvi@sample.test"}, "email"),
        ({"email": "x<ravi@sample.test>"}, "email"),
        ({"name": "Ravi\u202e"}, "name"),
        ({"name": ""}, "name"),
        ({"password": "x"}, "password"),
    ],
    ids=str,
)
def test_a_user_who_breaks_a_rule_is_refused_field_by_field(office, call, token, change, field):
    answer = call("POST", "/v1/users", NEW | change, token=token("admin"))
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json_body["errors"]] == [field]


def test_a_user_who_could_not_be_made_in_full_is_not_made_at_all(office, call, token, monkeypatch):
    def busy(*_, **__):
        raise Transient

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Audit, "committing", busy)
        assert call("POST", "/v1/users", NEW, token=token("admin")).status_code == 503
    assert call("POST", "/v1/users", NEW, token=token("admin")).status_code == 201


def test_nobody_has_a_role_before_the_audit_knows_of_it(office, call, token, monkeypatch):
    admin, before = token("admin"), sum(1 for _ in AuditItem.scan(AuditItem.action == "user.created"))

    def die(*_):
        raise SystemExit  # as the process would, between two calls

    monkeypatch.setattr(StaffPool, "give_role", die)
    with pytest.raises(SystemExit):
        call("POST", "/v1/users", NEW, token=admin)
    assert sum(1 for _ in AuditItem.scan(AuditItem.action == "user.created")) == before + 1


@pytest.mark.parametrize("who", ["editor", "approver", "officer", "auditor", "coordinator-a"])
def test_only_admins_add_users(office, call, token, who):
    assert call("POST", "/v1/users", NEW, token=token(who)).status_code == 403


def test_the_staff_is_listed_page_by_page(office, call, token):
    found, cursor = [], ""
    while True:
        page = call("GET", f"/v1/users?limit=3{cursor}", token=token("auditor")).json_body
        found += [user["email"] for user in page["items"]]
        if not page["next"]:
            break
        cursor = f"&cursor={page['next']}"
    assert len(found) == len(set(found)) == 7


def test_a_user_who_was_disabled_is_shown_so(office, call, token):
    office.cognito.admin_disable_user(UserPoolId=office.env["POOL_ID"], Username="editor@sample.test")
    users = call("GET", "/v1/users", token=token("admin")).json_body["items"]
    assert {u["email"]: u["status"] for u in users}["editor@sample.test"] == "disabled"


def test_the_audit_is_read_newest_first_with_a_cursor(office, call, token):
    for number in range(3):
        wiring.audit().committing(
            subject="campaign#cmp_1", action=f"campaign.step_{number}", actor="u1", at=wiring.clock().now()
        )
    auditor, path = token("auditor"), "/v1/audit?subject=campaign%23cmp_1&limit=2"
    first = call("GET", path, token=auditor).json_body
    second = call("GET", f"{path}&cursor={first['next']}", token=auditor).json_body
    assert [e["action"][-1] for e in first["items"] + second["items"]] == ["2", "1", "0"]
    assert second["next"] is None


@pytest.mark.parametrize(
    "query", ["", "?subject=campaign", "?subject=unheard%231", "?subject=user%231&cursor=x.y"]
)
def test_an_audit_of_nothing_that_has_one_is_refused(office, call, token, query):
    assert call("GET", f"/v1/audit{query}", token=token("auditor")).status_code == 422


def test_an_auditor_has_a_chain_recomputed(office, call, token):
    chain = chain_of("campaign#cmp_1")
    for _ in range(2):
        wiring.audit().committing(
            subject="campaign#cmp_1", action="campaign.written", actor="u1", at=wiring.clock().now()
        )
    path = f"/v1/audit/check?chain={chain.replace('#', '%23')}"
    answer = call("GET", path, token=token("auditor")).json_body
    assert answer == {
        "chain": chain,
        "entries": 2,
        "head": wiring.audit().head(chain).hash,
        "broken_at": None,
    }
    AuditItem(chain, f"{1:012d}").update(actions=[AuditItem.actor.set("u2")])
    assert call("GET", path, token=token("auditor")).json_body["broken_at"] == 1


def test_an_editor_does_not_read_the_audit(office, call, token):
    assert call("GET", "/v1/audit?subject=user%231", token=token("editor")).status_code == 403


def test_the_coordinators_of_the_smallest_area_that_has_any_are_found(office, call, token):
    from chalicelib.identity.service import Coordinators
    from chalicelib.settings import settings

    admin = token("admin")
    for email in ("d2@sample.test", "b2@sample.test"):
        made = {
            "email": email,
            "name": email,
            "roles": ["coordinator"],
            "areas": ["D9002"],
            "departments": [],
        }
        assert call("POST", "/v1/users", made, token=admin).status_code == 201
    duty = Coordinators(StaffPool(settings().pool_id, settings().pool_client_id))
    found = duty.of_area(("IN", "IN-XN", "D9002", "D9002-B9"))
    assert {one.seat for one in found} == {"coordinator"}
    assert {"b2@sample.test", "d2@sample.test"} <= {one.email for one in found}
    assert duty.of_area(("IN", "IN-XS")) == []
