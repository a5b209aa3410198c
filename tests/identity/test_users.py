"""The staff and the audit over HTTP: who may add whom, and who may read what was done."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib import wiring
from chalicelib.clock import Clock, FixedClock
from chalicelib.errors import Forbidden, Transient, Unauthenticated
from chalicelib.identity.audit import Audit, AuditItem
from chalicelib.identity.chain import chain_of
from chalicelib.identity.ended import EndedSessions
from chalicelib.identity.service import UserChange
from chalicelib.identity.staff import StaffPool
from chalicelib.identity.turn import StaffBusy, StaffTurn
from chalicelib.ops import OpsItem
from chalicelib.ports import Area
from local.token import token_for
from local.users import PASSWORD

NEW = {
    "email": "Ravi@Sample.test",
    "name": "रवि",
    "roles": ["coordinator", "nodal_officer"],
    "areas": ["D9001"],
    "departments": ["health"],
}


class TwoDistricts:
    """A directory of two districts."""

    def get(self, area_id: str, *, fresh: bool = False) -> Area | None:
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


def version(call, user, token):
    return call("GET", f"/v1/users/{user}", token=token).json_body["version"]


def id_of(call, email, token):
    return next(
        u["id"] for u in call("GET", "/v1/users", token=token).json_body["items"] if u["email"] == email
    )


def test_who_loses_a_role_has_neither_it_nor_their_session_and_the_audit_knows_why(office, call, token):
    admin, editor = token("admin"), token("editor")
    user = id_of(call, "editor@sample.test", admin)
    assert call("GET", "/v1/campaigns", token=editor).status_code == 200
    body = {"roles": ["auditor"], "name": "Sample Auditor B", "reason": "Moved to another office"}
    answer = call("PATCH", f"/v1/users/{user}", body, token=admin)
    assert (answer.status_code, answer.json_body["roles"]) == (200, ["auditor"])
    assert answer.json_body["name"] == "Sample Auditor B"
    assert call("GET", "/v1/campaigns", token=editor).status_code == 401
    [entry] = call("GET", f"/v1/audit?subject=user%23{user}", token=admin).json_body["items"]
    assert (entry["action"], entry["detail"]["reason"]) == ("user.changed", "Moved to another office")
    assert entry["detail"]["roles"] == ["auditor"] and "Sample" not in str(entry)
    again = call("PATCH", f"/v1/users/{user}", body, token=admin)
    assert again.status_code == 200, "a second click"
    assert len(call("GET", f"/v1/audit?subject=user%23{user}", token=admin).json_body["items"]) == 1


STEPS = pytest.mark.parametrize(
    "step",
    [
        (StaffPool, "take_role"),
        (StaffPool, "describe"),
        (StaffPool, "give_role"),
        (StaffPool, "sign_out"),
        (EndedSessions, "end"),
    ],
    ids=lambda step: step[1],
)
DONE = pytest.mark.parametrize("done", [False, True], ids=["before", "after"])


@STEPS
@DONE
def test_a_change_that_breaks_off_anywhere_leaves_no_session_that_began_before_or_meanwhile(
    call, token, monkeypatch, step, done
):
    admin, editor = token("admin"), token("editor")
    user = id_of(call, "editor@sample.test", admin)
    body = {"roles": ["auditor"], "reason": "Moved to another office"}
    real, meanwhile = getattr(*step), []

    def broken(*given):
        if done:
            real(*given)
        if (step[1], done) != ("end", True):  # then it was made, and they sign in with what they may now
            meanwhile.append(token("editor"))
        raise Transient

    with monkeypatch.context() as breaking:
        breaking.setattr(*step, broken)
        assert call("PATCH", f"/v1/users/{user}", body, token=admin).status_code == 503
    for old in (editor, *meanwhile):
        assert call("GET", "/v1/campaigns", token=old).status_code == 401
    answer = call("PATCH", f"/v1/users/{user}", body, token=admin)
    assert (answer.status_code, answer.json_body["roles"]) == (200, ["auditor"])
    for old in (editor, *meanwhile):
        assert call("GET", "/v1/campaigns", token=old).status_code == 401


def test_after_a_change_that_broke_off_and_was_left_they_may_sign_in_again_a_minute_later(call, token):
    at = datetime(2026, 3, 2, tzinfo=UTC)
    ended = EndedSessions(FixedClock(at=at))
    Audit().committing(
        subject="user#usr_1",
        action="user.changed",
        actor="usr_2",
        at=at,
        write=lambda transaction: ended.ending(transaction, "usr_1"),
    )
    begun = at.timestamp()
    assert [ended.is_over("usr_1", begun + after) for after in (0, 60, 61)] == [True, True, False]


@pytest.fixture
def two(office, call, token, monkeypatch):
    """Two administrators, each with a token; nobody waits long for their turn."""
    office.cognito.admin_add_user_to_group(
        UserPoolId=office.env["POOL_ID"], Username="approver@sample.test", GroupName="admin"
    )
    users = replace(wiring.users(), turn=StaffTurn(Clock(), lambda seconds: None))
    monkeypatch.setattr(wiring, "users", lambda: users)
    admin = token("admin")
    ids = [id_of(call, f"{who}@sample.test", admin) for who in ("admin", "approver")]
    return list(zip(ids, (admin, token("approver")), strict=True))


def admins():
    return {one["sub"] for one in wiring.users().pool.with_role("admin")}


@pytest.mark.parametrize(
    "at",
    [
        ("role", (StaffTurn, "taken"), False),
        ("switch", (StaffTurn, "taken"), True),
        ("role", (StaffTurn, "hold"), False),
        ("role", (StaffPool, "take_role"), False),
        ("role", (StaffPool, "take_role"), True),
        ("switch", (StaffPool, "enable"), True),
        ("role", (EndedSessions, "end"), False),
        ("role", (StaffTurn, "_give_back"), True),
    ],
    ids=lambda at: f"{at[0]}-{at[1][1]}-{at[2]}",
)
def test_of_two_administrators_who_take_each_others_rights_at_once_one_is_left(call, two, monkeypatch, at):
    (one, ones), (other, others), (taken, where, done) = *two, at
    rights = {"roles": ["editor"]} if taken == "role" else {"enabled": False}
    body, real, answers = {**rights, "reason": "Has left"}, getattr(*where), []

    def meanwhile(*given, **named):
        found = real(*given, **named) if done else None
        if not answers:
            answers.append(0)
            answers[0] = call("PATCH", f"/v1/users/{one}", body, token=others).status_code
        return found if done else real(*given, **named)

    with monkeypatch.context() as between:
        between.setattr(*where, meanwhile)
        first = call("PATCH", f"/v1/users/{other}", body, token=ones).status_code
    late = call("PATCH", f"/v1/users/{one}", body, token=others).status_code if first == 200 else 401
    assert 200 in (first, *answers), "one of them was made"
    assert len(admins()) == 1 and late == 401


@pytest.mark.parametrize(
    ("step", "done"),
    [
        ((Audit, "committing"), False),
        ((Audit, "committing"), True),
        ((StaffPool, "take_role"), True),
        ((EndedSessions, "end"), False),
    ],
    ids=lambda one: one[1] if isinstance(one, tuple) else str(one),
)
def test_an_administrator_is_left_also_where_one_of_both_changes_was_killed(
    call, two, monkeypatch, step, done
):
    (one, ones), (other, others) = two
    body, real = {"roles": ["editor"], "reason": "Has left"}, getattr(*step)

    def die(*given, **named):
        if done:
            real(*given, **named)
        raise SystemExit

    with monkeypatch.context() as killed:
        killed.setattr(*step, die)
        with pytest.raises(SystemExit):
            call("PATCH", f"/v1/users/{other}", body, token=ones)
    answer = call("PATCH", f"/v1/users/{one}", body, token=others)
    assert answer.status_code in (401, 409), "it was just begun: nobody knows yet"
    assert one in admins()

    later = FixedClock(at=datetime.fromtimestamp(Clock().epoch() + 61, UTC))
    users = replace(wiring.users(), ended=EndedSessions(later), turn=StaffTurn(later, lambda seconds: None))
    change = UserChange(roles=["editor"], reason="Has left")
    was, anew = wiring.gate().tokens.principal(others), []
    for issued in (was.issued_at, later.epoch()):  # with the old session, and signed in anew
        try:
            users.change(replace(was, issued_at=issued), one, change)
        except (Unauthenticated, Forbidden) as refused:
            anew.append(refused)
    assert admins() in ({one}, {other}), "whoever was not taken their rights could take the other's"


def test_somebody_elses_turn_is_waited_for_and_then_said(call, two):
    (_, ones), (other, _) = two
    body = {"name": "Namuna", "reason": "Married"}
    with wiring.users().turn.taken():
        answer = call("PATCH", f"/v1/users/{other}", body, token=ones)
        assert (answer.status_code, answer.json_body["title"]) == (409, "staff busy")
    assert call("PATCH", f"/v1/users/{other}", body, token=ones).status_code == 200


def test_a_turn_that_ran_out_is_no_ground_to_change_anything(two, monkeypatch):
    users, (_, token_), (other, _) = wiring.users(), *two
    by, real = wiring.gate().principal(token_), StaffPool.find

    def slow(pool, user):
        OpsItem("staff#turn", "-").update(actions=[OpsItem.holder.set("somebody else")])
        return real(pool, user)

    monkeypatch.setattr(StaffPool, "find", slow)
    with pytest.raises(StaffBusy):
        users.change(by, other, UserChange(roles=["editor"], reason="Has left"))
    assert len(admins()) == 2


def test_who_is_no_administrator_any_more_adds_nobody_with_an_old_session(office, call, two, monkeypatch):
    (_, ones), (other, others) = two
    call("PATCH", f"/v1/users/{other}", {"enabled": False, "reason": "Has left"}, token=ones)
    monkeypatch.setattr(EndedSessions, "is_over", lambda *_: False)  # as a copy of 20 s ago would say
    assert call("POST", "/v1/users", NEW, token=others).status_code == 401
    office.cognito.admin_enable_user(UserPoolId=office.env["POOL_ID"], Username="approver@sample.test")
    OpsItem("ended#staff", other).delete()
    assert call("POST", "/v1/users", NEW, token=others).status_code == 201


def test_who_loses_their_only_role_is_out_also_where_the_sign_out_broke_off(office, call, token, monkeypatch):
    admin, editor = token("admin"), token("editor")
    user = id_of(call, "editor@sample.test", admin)

    def busy(*_):
        raise Transient

    body = {"roles": [], "reason": "Moved to another office"}
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(StaffPool, "sign_out", busy)
        assert call("PATCH", f"/v1/users/{user}", body, token=admin).status_code == 503
    assert call("PATCH", f"/v1/users/{user}", body, token=admin).json_body["roles"] == []
    assert call("GET", "/v1/campaigns", token=editor).status_code == 401


def test_a_new_name_alone_ends_no_session(office, call, token):
    admin, editor = token("admin"), token("editor")
    user = id_of(call, "editor@sample.test", admin)
    body = {"name": "Namuna", "reason": "Married"}
    assert call("PATCH", f"/v1/users/{user}", body, token=admin).json_body["name"] == "Namuna"
    assert call("GET", "/v1/campaigns", token=editor).status_code == 200


def test_who_is_switched_off_is_out_and_can_be_let_in_again(office, call, token):
    admin, editor = token("admin"), token("editor")
    user = id_of(call, "editor@sample.test", admin)
    off = call("PATCH", f"/v1/users/{user}", {"enabled": False, "reason": "Has left"}, token=admin)
    assert off.json_body["status"] == "disabled"
    assert call("GET", "/v1/campaigns", token=editor).status_code == 401
    password = {"username": "editor@sample.test", "password": PASSWORD}
    assert call("POST", "/v1/session", password).status_code == 401
    on = call("PATCH", f"/v1/users/{user}", {"enabled": True, "reason": "Is back"}, token=admin)
    assert on.json_body["status"] == "confirmed"
    assert call("POST", "/v1/session", password).status_code == 200
    actions = [
        entry["action"]
        for entry in call("GET", f"/v1/audit?subject=user%23{user}", token=admin).json_body["items"]
    ]
    assert actions == ["user.enabled", "user.disabled"]


def test_signed_out_everywhere_no_old_session_works_and_a_new_one_does(office, call, token):
    admin, editor = token("admin"), token("editor")
    user = id_of(call, "editor@sample.test", admin)
    answer = call("PATCH", f"/v1/users/{user}", {"signed_out": True, "reason": "Lost phone"}, token=admin)
    assert answer.status_code == 200
    assert call("GET", "/v1/campaigns", token=editor).status_code == 401
    at = Clock().epoch()
    ended = wiring.ended_sessions()
    assert ended.is_over(user, at - 1) and not ended.is_over(user, at + 1)
    assert not ended.is_over("usr_else", at - 1)


def test_a_copy_of_who_was_signed_out_is_at_most_twenty_seconds_old(office):
    clock = FixedClock(at=datetime(2026, 3, 2, tzinfo=UTC))
    here, elsewhere = EndedSessions(clock), EndedSessions(clock)
    assert not elsewhere.is_over("usr_1", 0)
    here.end("usr_1")
    assert here.is_over("usr_1", 0)
    elsewhere.clock = FixedClock(at=datetime(2026, 3, 2, 0, 0, 19, tzinfo=UTC))
    assert not elsewhere.is_over("usr_1", 0)
    elsewhere.clock = FixedClock(at=datetime(2026, 3, 2, 0, 0, 20, tzinfo=UTC))
    assert elsewhere.is_over("usr_1", 0)


@pytest.mark.parametrize("change", [{"roles": ["editor"]}, {"roles": []}, {"enabled": False}])
def test_nobody_takes_an_administrators_rights_from_themselves(office, call, token, change):
    admin = token("admin")
    me = wiring.gate().principal(admin).id
    answer = call("PATCH", f"/v1/users/{me}", change | {"reason": "Tired"}, token=admin)
    assert answer.status_code == 409
    assert "admin" in wiring.users().get(me).roles and wiring.users().get(me).enabled
    assert call("GET", f"/v1/audit?subject=user%23{me}", token=admin).json_body["items"] == []


def test_two_who_change_one_person_at_once_do_not_undo_each_other(office, call, token):
    admin = token("admin")
    user = id_of(call, "editor@sample.test", admin)
    seen = version(call, user, admin)
    first = {"roles": ["editor", "approver"], "seen": seen, "reason": "Approves too"}
    assert call("PATCH", f"/v1/users/{user}", first, token=admin).status_code == 200
    second = {"roles": ["editor", "auditor"], "seen": seen, "reason": "Audits too"}
    assert call("PATCH", f"/v1/users/{user}", second, token=admin).status_code == 409
    assert wiring.users().get(user).roles == {"editor", "approver"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"reason": "Ask 90000 12345"}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"roles": ["coordinator"]}, "areas"),
        ({"roles": ["coordinator"], "areas": ["D1"]}, "areas.0"),
    ],
    ids=str,
)
def test_a_change_that_breaks_a_rule_changes_nothing(office, call, token, change, field):
    admin = token("admin")
    user = id_of(call, "editor@sample.test", admin)
    answer = call("PATCH", f"/v1/users/{user}", {"reason": "Because"} | change, token=admin)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json_body["errors"]] == [field]
    assert wiring.users().get(user).roles == {"editor"}


def test_only_admins_change_the_staff_and_nobody_is_found_by_a_long_id(office, call, token):
    admin = token("admin")
    user = id_of(call, "editor@sample.test", admin)
    for who in ("editor", "approver", "officer", "auditor", "coordinator-a"):
        body = {"signed_out": True, "reason": "x"}
        assert call("PATCH", f"/v1/users/{user}", body, token=token(who)).status_code == 403
    for unknown in ("usr_none", "x" * 3000):
        assert call("GET", f"/v1/users/{unknown}", token=admin).status_code == 404


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
        "next": None,
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
