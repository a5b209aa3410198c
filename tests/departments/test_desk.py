"""The console's rooms of departments and directives, over two filled departments."""

from __future__ import annotations

from chalicelib import wiring
from chalicelib.phones import readable
from tests.ambassadors.test_desk import text, visit
from tests.identity.land import Land
from tests.identity.test_two_districts import land

__all__ = ["land"]
ROOM, DIRECTIVES = "/console/departments", "/console/directives"


def test_the_table_shows_who_speaks_where_and_an_account_is_stated_and_taken_off(land: Land) -> None:
    own = f"{ROOM}/{land.a.department}"
    assert "Proven accounts" in text(visit(land, "officer_a", ROOM))
    wrong = visit(land, "officer_a", f"{own}/handles", {"platform": "x", "handle": "no such thing!"})
    assert wrong.status_code == 422 and 'value="no such thing!"' in text(wrong)
    stated = visit(land, "officer_a", f"{own}/handles", {"platform": "x", "handle": "namuna_vibhag"})
    assert "said=stated" in stated.headers["Location"]
    assert "namuna_vibhag" in text(visit(land, "officer_a", own))
    accounts = wiring.department_accounts().listed(land.staff["officer_a"], land.a.department).accounts
    [made] = [one for one in accounts if one.handle == "namuna_vibhag"]
    asked = text(visit(land, "officer_a", f"{own}/proof", {"do": "begin", "handle_id": made.id}))
    assert "This is the code for this account" in asked
    gone = visit(land, "officer_a", f"{own}/proof", {"do": "remove", "handle_id": made.id})
    assert "said=removed" in gone.headers["Location"]


def test_another_departments_page_is_not_open_and_an_officer_is_masked_until_looked_at(land: Land) -> None:
    assert visit(land, "officer_a", f"{ROOM}/{land.b.department}").status_code in (403, 404)
    body = {"platform": "x", "handle": "other"}
    assert visit(land, "officer_a", f"{ROOM}/{land.b.department}/handles", body).status_code in (403, 404)
    phone = "+919876500099"
    fields = {"seat": "deputy", "begins": "2026-03-01", "name": "Namuna Devi", "phone": phone}
    own = f"{ROOM}/{land.a.department}"
    assert "said=appointed" in visit(land, "admin", f"{own}/officers", fields).headers["Location"]
    assert phone not in text(visit(land, "admin", own))
    desk = wiring.officers().desk(land.staff["admin"], land.a.department)
    [made] = [one for one in desk.officers if one.phone == phone]
    assert readable(phone) in text(visit(land, "admin", f"{own}/reveal", {"appointment": made.id}))
    assert visit(land, "auditor", f"{own}/reveal", {"appointment": made.id}).status_code == 403


def test_a_directive_is_given_and_acknowledged(land: Land) -> None:
    fields = {
        "title": "Report <b>weekly</b>",
        "text": "What was done",
        "issued_by": "Namuna Office",
        "due_on": "2026-04-01",
        "departments": land.a.department,
    }
    empty = visit(land, "admin", DIRECTIVES, fields | {"departments": ""})
    assert empty.status_code == 422 and "Report &lt;b&gt;weekly" in text(empty)
    assert "said=issued" in visit(land, "admin", DIRECTIVES, fields).headers["Location"]
    [given] = [
        seen.directive.id
        for seen in wiring.directives().listed(land.staff["officer_a"], "", None, 50, None)[0]
        if "weekly" in seen.directive.title
    ]
    body = {"department": land.a.department, "note": "seen"}
    done = visit(land, "officer_a", f"{DIRECTIVES}/{given}", body)
    assert "said=acknowledged" in done.headers["Location"]
    assert visit(land, "officer_a", f"{DIRECTIVES}/{given}", body).status_code == 303
    assert "Acknowledged" in text(visit(land, "officer_a", f"{DIRECTIVES}/{given}"))
