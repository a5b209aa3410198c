"""The register of groups over HTTP: who sees what, and what is kept of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from chalicelib import wiring
from chalicelib.identity.roles import Principal
from tests.groups.conftest import link
from tests.influencers.test_routes import Api

Add = Callable[..., str]


def ids(answer: tuple[int, Any]) -> list[str]:
    assert answer[0] == 200, answer
    return [one["id"] for one in answer[1]["items"]]


def test_a_group_is_put_on_the_register_and_its_link_is_not_shown(api: Api) -> None:
    admins = [{"name": "Namuna Devi", "phone": "8123456789"}]
    body = {"link": f"{link()}?mode=x", "area": "D9001-A1-P1", "name": " Namuna  ", "admins": admins}
    status, group = api("POST", "/v1/groups", body, who="one")
    assert (status, group["platform"], group["name"], group["state"]) == (201, "whatsapp", "Namuna", "alive")
    assert group["path"] == ["IN", "IN-XN", "D9001", "D9001-B1", "D9001-A1-P1"]
    for path in ("/v1/groups", f"/v1/groups/{group['id']}"):
        shown = json.dumps(api("GET", path, who="admin")[1])
        assert "chat.whatsapp.com" not in shown
        assert "8123456789" not in shown
        assert "+91******6789" in shown


def test_the_link_is_revealed_to_staff_of_the_area_and_that_is_kept(api: Api, add: Add) -> None:
    group = add("D9001", admins=[{"name": "Namuna Devi", "phone": "8123456789"}])
    status, revealed = api("POST", f"/v1/groups/{group}/reveal", {}, who="one")
    assert (status, revealed["link"], revealed["admins"][0]["phone"]) == (200, link(), "+918123456789")
    assert api("POST", f"/v1/groups/{group}/reveal", {}, who="two")[0] == 404
    entries = wiring.audit().all_of(f"group#{group}")
    assert [(one.action, one.actor) for one in entries][1:] == [("group.revealed", "usr_one")]


def test_the_audit_and_the_keys_hold_no_link_and_no_number(api: Api, add: Add) -> None:
    add("D9001", admins=[{"name": "Namuna Devi", "phone": "8123456789"}])
    for table in ("audit", "coverage"):
        kept = json.dumps(boto3.client("dynamodb").scan(TableName=f"janjan-local-{table}")["Items"])
        assert "whatsapp.com" not in kept
        assert "8123456789" not in kept


def test_one_link_belongs_to_one_group_until_it_is_archived(api: Api, add: Add) -> None:
    first = add("D9001")
    body = {"link": link(1), "area": "D9002", "name": "Namuna"}
    assert api("POST", "/v1/groups", body, who="admin")[1]["title"] == "link taken"
    word = {"state": "archived", "seen": "checked"}
    assert api("PUT", f"/v1/groups/{first}/link", word, who="admin")[0] == 200
    assert api("POST", "/v1/groups", body, who="admin")[0] == 201
    assert api("PUT", f"/v1/groups/{first}/link", word | {"state": "alive"}, who="admin")[0] == 409


def test_a_dead_link_is_noted_with_how_one_knows_and_a_new_one_takes_its_place(api: Api, add: Add) -> None:
    group = add("D9001")
    word = {"state": "dead", "seen": "reported", "reason": "a member says so"}
    status, after = api("PUT", f"/v1/groups/{group}/link", word, who="one")
    assert (status, after["state"], after["seen"], after["reason"]) == (
        200,
        "dead",
        "reported",
        "a member says so",
    )
    api("PUT", f"/v1/groups/{group}/link", {"state": "alive", "seen": "checked", "link": link(7)}, who="one")
    assert api("POST", f"/v1/groups/{group}/reveal", {}, who="one")[1]["link"] == link(7)
    again = {"link": link(1), "area": "D9001", "name": "the old link is free"}
    assert api("POST", "/v1/groups", again, who="one")[0] == 201


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/figures", None),
        ("PATCH", "", {"name": "x"}),
        ("PUT", "/link", {"state": "dead", "seen": "checked"}),
        ("POST", "/figures", {"month": "2026-01", "members": 1}),
        ("POST", "/reveal", {}),
    ],
)
def test_a_group_of_another_area_is_as_if_there_were_none(
    api: Api, add: Add, method: str, path: str, body: object
) -> None:
    group = add("D9001")
    foreign = api(method, f"/v1/groups/{group}{path}", body, who="two")
    assert foreign == api(method, f"/v1/groups/grp_none{path}", body, who="two")
    assert foreign[0] == 404


def test_lists_and_their_cursors_hold_what_the_caller_covers_and_no_more(api: Api, add: Add) -> None:
    mine = {add("D9001"), add("D9001-B1"), add("D9001-A1-P1")}
    others = [add("D9002"), add("IN-XM"), add("IN")]
    found: list[str] = []
    cursor = ""
    while True:
        status, page = api("GET", f"/v1/groups?limit=1{cursor}", who="one")
        assert status == 200
        assert not any(other in json.dumps(page) for other in others)
        found += [one["id"] for one in page["items"]]
        if not page["next"]:
            break
        cursor = f"&cursor={page['next']}"
    assert set(found) == mine
    assert len(found) == len(mine)
    assert set(ids(api("GET", "/v1/groups", who="admin"))) == mine | set(others)
    assert set(ids(api("GET", "/v1/groups?area=D9001-B1", who="one"))) < mine
    unknown = api("GET", "/v1/groups?area=D8888", who="one")
    foreign = api("GET", "/v1/groups?area=D9002", who="one")
    assert (unknown[0], foreign[0]) == (422, 422)
    assert unknown[1]["errors"][0]["code"] == foreign[1]["errors"][0]["code"]


def test_a_group_goes_to_an_area_of_the_caller_only(api: Api, add: Add) -> None:
    body = {"link": link(9), "area": "D9002", "name": "x"}
    assert api("POST", "/v1/groups", body, who="one")[1]["errors"][0]["code"] == "area_unknown"
    group = add("D9001", who="one")
    assert api("PATCH", f"/v1/groups/{group}", {"area": "D9002"}, who="one")[0] == 422
    assert api("PATCH", f"/v1/groups/{group}", {"area": "D9001-B1", "name": "y"}, who="one")[0] == 200
    assert ids(api("GET", "/v1/groups?area=D9001-B1", who="one")) == [group]


def test_departments_work_together_in_a_group_that_their_officers_see(
    api: Api, add: Add, staff: dict[str, Any], department: str
) -> None:
    roles = frozenset({"nodal_officer"})
    for name, own in (("water", "water"), ("health", "health")):
        departments = frozenset({own})
        staff[name] = Principal(f"usr_{name}", name, f"{name}@x.test", roles, departments=departments)  # type: ignore[arg-type]
    both = add("IN-XN", kind="coordination", departments=["water", "health"])
    own = add("IN-XN", who="water", kind="coordination", departments=["water"])
    add("D9001")
    assert set(ids(api("GET", "/v1/groups", who="water"))) == {both, own}
    assert ids(api("GET", "/v1/groups", who="health")) == [both]
    assert api("GET", f"/v1/groups/{own}", who="health")[0] == 404
    body = {"link": link(50), "area": "IN-XN", "name": "x", "kind": "coordination"}
    wrong = api("POST", "/v1/groups", body | {"departments": ["nobody"]}, who="admin")
    assert wrong[1]["errors"][0]["field"] == "departments.0"
    assert api("POST", "/v1/groups", body, who="admin")[1]["errors"][0]["field"] == "departments"
    assert api("POST", "/v1/groups", body | {"departments": ["health"]}, who="water")[0] == 422


def test_figures_are_kept_by_month_with_who_said_so(api: Api, add: Add) -> None:
    group = add("D9001")
    for month, members in (("2026-01", 90), ("2026-03", 120), ("2026-02", 100)):
        said = {"month": month, "members": members, "women": 30, "source": "counted in the app"}
        assert api("POST", f"/v1/groups/{group}/figures", said, who="one")[0] == 200
    assert api("GET", f"/v1/groups/{group}", who="one")[1]["figures"]["members"] == 120
    history = api("GET", f"/v1/groups/{group}/figures", who="one")[1]["items"]
    assert [(one["month"], one["members"], one["by"]) for one in history] == [
        ("2026-03", 120, "usr_one"),
        ("2026-02", 100, "usr_one"),
        ("2026-01", 90, "usr_one"),
    ]
    ahead = {"month": "2199-01", "members": 1}
    assert api("POST", f"/v1/groups/{group}/figures", ahead, who="one")[1]["errors"][0]["field"] == "month"


def test_a_creator_sees_the_links_of_their_own_places_while_approved(
    api: Api, add: Add, creator: str
) -> None:
    near = [add("D9001-A1-P1"), add("D9001-B1"), add("D9001"), add("IN-XN")]
    add("D9002")
    add("D9002-A2-P1")
    dead = add("D9001")
    api("PUT", f"/v1/groups/{dead}/link", {"state": "dead", "seen": "checked"}, who="admin")
    status, mine = api("GET", "/v1/me/groups", who="me")
    assert (status, [one["id"] for one in mine["items"]]) == (200, near)
    assert [one["link"] for one in mine["items"]] == [link(n) for n in (1, 2, 3, 4)]
    suspended = {"decision": "suspend", "reason": "x"}
    assert api("POST", f"/v1/influencers/{creator}/review", suspended, who="admin")[0] == 200
    assert api("GET", "/v1/me/groups", who="me")[1]["items"] == []


def test_whoever_looks_after_a_group_says_how_many_are_in_it(api: Api, add: Add, creator: str) -> None:
    own, other = add("D9001-A1-P1", admins=[{"influencer": creator}]), add("D9001-A1-P1")
    said = {"month": "2026-01", "members": 40, "women": 25}
    assert api("POST", f"/v1/me/groups/{own}/figures", said, who="me")[0] == 200
    assert api("POST", f"/v1/me/groups/{other}/figures", said, who="me")[0] == 404
    assert api("GET", f"/v1/groups/{own}/figures", who="one")[1]["items"][0]["by"] == creator
    mine = api("GET", "/v1/me/groups", who="me")[1]["items"]
    assert {one["id"]: one["admin"] for one in mine} == {own: True, other: False}


def test_an_admin_by_id_is_somebody_of_the_callers_areas(api: Api, creator: str) -> None:
    body = {"link": link(3), "area": "D9002", "name": "x", "admins": [{"influencer": creator}]}
    refused = api("POST", "/v1/groups", body, who="two")
    unknown = body | {"admins": [{"influencer": "inf_aaaaaaaaaaaaaaaa"}]}
    assert refused[1]["errors"][0]["code"] == "influencer_unknown"
    assert api("POST", "/v1/groups", unknown, who="two")[1]["errors"][0]["code"] == "influencer_unknown"


def test_of_two_who_change_a_group_at_the_same_time_the_second_is_told(api: Api, add: Add) -> None:
    from chalicelib.errors import Conflict
    from chalicelib.groups.model import GroupChange
    from tests.influencers.world import ADMIN

    group, groups = add("D9001"), wiring.groups()
    seen = groups.get(ADMIN, group)
    groups.change(ADMIN, group, GroupChange(name="first"))
    with pytest.raises(Conflict):
        groups._commit("usr_x", "group.changed", seen, seen.changed(name="second"), detail={})
    assert groups.get(ADMIN, group).name == "first"


@pytest.mark.parametrize("query", ["area=", "area=%20", "area=%00", "kind=x", "limit=0", "cursor=x.y"])
@pytest.mark.parametrize("path", ["/v1/groups", "/v1/coverage", "/v1/kits"])
def test_a_question_that_means_nothing_is_refused(api: Api, path: str, query: str) -> None:
    campaign = "campaign=cmp_x&" if path == "/v1/kits" else ""
    assert api("GET", f"{path}?{campaign}{query}", who="admin")[0] in (404, 422)


def test_a_repeated_write_makes_one_group_and_keeps_no_name_and_no_link(api: Api, creator: str) -> None:
    admins = [{"name": "Namuna Devi", "phone": "8123456789"}, {"influencer": creator}]
    body = {"link": link(1), "area": "D9001", "name": "x", "admins": admins}
    first, again = (api("POST", "/v1/groups", body, who="admin", Idempotency_Key="once") for _ in range(2))
    assert first == again
    figures = {"month": "2026-01", "members": 1}
    path = f"/v1/me/groups/{first[1]['id']}/figures"
    first, again = (api("POST", path, figures, who="me", Idempotency_Key="once") for _ in range(2))
    assert first == again
    assert first[0] == 200
    kept = json.dumps(boto3.client("dynamodb").scan(TableName="janjan-local-ops")["Items"])
    assert "Namuna Devi" not in kept
    assert "whatsapp.com" not in kept
