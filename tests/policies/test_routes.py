"""Policies over HTTP: four eyes, versions that stand, tiers with reasons, trials within one's areas."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.identity.audit import Audit
from chalicelib.policies import tiers
from chalicelib.policies.model import Known, Version
from chalicelib.policies.store import PolicyStore
from chalicelib.policies.tiers import Tiers
from chalicelib.ports import Profile
from tests.dispatch.world import MovingClock
from tests.influencers.test_routes import Api, joined
from tests.policies.conftest import APPROVER
from tests.policies.world import SAMPLES, followers, tier

TERMS = {"tiers": [tier("high", followers(False, instagram=1000)), tier("low", followers(instagram=10))]}
BODY = {"names": {"hi": "नमूना नीति", "en": "Sample policy"}, "terms": TERMS, "sample": True}


def today(more: int = 0) -> str:
    return (wiring.clock().today_ist() + timedelta(days=more)).isoformat()


def made(api: Api, who: str = "editor", **more: Any) -> str:
    status, answer = api("POST", "/v1/policies", BODY | more, who=who)
    assert status == 201, answer
    return f"/v1/policies/{answer['id']}"


def started(
    api: Api, where: str, version: int = 1, begins: int = 0, who: str = "approver"
) -> tuple[int, Any]:
    body = {"version": version, "begins": today(begins), "reason": "sample"}
    return api("POST", f"{where}/start", body, who=who)


def test_a_policy_is_a_draft_until_somebody_else_puts_it_in_force(api: Api) -> None:
    where = made(api, who="admin")
    policy = api("GET", where, who="one")[1]
    assert (policy["in_force"], policy["versions"], policy["sample"]) == (None, 1, True)
    status, refused = started(api, where, who="admin")
    assert (status, refused["title"]) == (403, "author cannot start")
    assert started(api, where, who="editor")[0] == 403
    assert started(api, where, begins=-1)[1]["errors"][0]["field"] == "begins"
    status, now = started(api, where)
    assert (status, now["in_force"], now["starts"][0]["by"]) == (200, 1, APPROVER.id)
    entries = Audit().all_of(f"policy#{policy['id']}")
    assert [one.action for one in entries] == ["policy.created", "policy.started"]


def test_versions_stand_as_they_were_written_and_follow_one_another(api: Api) -> None:
    where = made(api)
    before = api("GET", f"{where}/versions", who="editor")[1]["items"][0]
    status, second = api("POST", f"{where}/versions", {"tiers": [tier("only", followers(x=5))]}, who="editor")
    assert (status, second["number"], second["state"]) == (201, 2, "draft")
    started(api, where)
    assert started(api, where, 2, begins=3)[1]["in_force"] == 1
    states = api("GET", f"{where}/versions", who="auditor")[1]["items"]
    assert [(one["number"], one["state"]) for one in states] == [(1, "in_force"), (2, "to_come")]
    assert states[0] | {"state": "draft"} == before
    assert started(api, where, 3)[0] == 404
    page = api("GET", f"{where}/versions?limit=1", who="auditor")[1]
    assert [one["number"] for one in page["items"]] == [1]
    more = api("GET", f"{where}/versions?limit=1&cursor={page['next']}", who="auditor")[1]
    assert ([one["number"] for one in more["items"]], more["next"]) == ([2], None)


def test_a_policy_ends_with_a_day_and_then_gives_no_tier(api: Api, creator: str) -> None:
    where = made(api)
    end = {"on": today(), "reason": "sample"}
    assert api("POST", f"{where}/end", end, who="approver")[0] == 409
    started(api, where)
    assert api("POST", f"{where}/end", end | {"on": today(-1)}, who="approver")[0] == 422
    assert api("POST", f"{where}/end", end, who="approver")[1]["in_force"] == 1
    assert started(api, where, begins=1)[0] == 409
    held = wiring.policies().get(where.rpartition("/")[2])
    assert held.in_force(wiring.clock().today_ist() + timedelta(days=1)) is None


@pytest.mark.parametrize("kind", ["caste", "votes"])
def test_a_rule_about_votes_or_caste_is_refused_by_name_in_the_asked_language(api: Api, kind: str) -> None:
    body = BODY | {"terms": {"tiers": [tier("t", {"kind": kind, "at_least": 1})]}}
    status, problem = api("POST", "/v1/policies", body, who="editor", accept_language="hi")
    assert (status, [one["field"] for one in problem["errors"]]) == (422, ["terms.tiers.0.rules.0"])
    assert "followers" in problem["errors"][0]["message"]
    assert "चुनें" in problem["errors"][0]["message"]


def test_a_rule_about_a_place_that_is_none_is_refused(api: Api) -> None:
    here = tier("t", {"kind": "area", "areas": ["D9001", "D404"]})
    status, problem = api("POST", "/v1/policies", BODY | {"terms": {"tiers": [here]}}, who="editor")
    assert (status, problem["errors"][0]["code"]) == (422, "area_unknown")


@pytest.mark.parametrize("sample", SAMPLES, ids=["rajasthan", "karnataka", "uttar_pradesh"])
def test_the_samples_can_be_put_in_force(api: Api, sample: dict[str, Any], creator: str) -> None:
    status, answer = api("POST", "/v1/policies", sample, who="editor")
    assert status == 201
    assert started(api, f"/v1/policies/{answer['id']}")[0] == 200
    [placed] = api("GET", "/v1/me/tier", who="me")[1]["policies"]
    assert (placed["tier"], placed["sample"], placed["version"]) == ("", True, 1)
    assert placed["not_certain"] == sample["terms"]["not_certain"]


def test_a_creator_reads_their_tier_and_every_reason_in_their_language(api: Api, creator: str) -> None:
    where = made(api)
    assert api("GET", "/v1/me/tier", who="me")[1] == {"policies": []}
    started(api, where)
    [placed] = api("GET", "/v1/me/tier", who="me")[1]["policies"]
    assert (placed["tier"], placed["tier_name"], placed["possible"]) == ("high", "Tier high", "")
    assert placed["summary"] == "By “Sample policy”, version 1, the tier is: Tier high."
    [account] = placed["accounts"]
    [high, low] = account["tiers"]
    assert (high["answer"], low["answer"]) == ("met", "no_data")
    assert high["rules"][0]["asks"] == "It asks for this many followers, counted or stated: 1,000."
    stated = "Followers that are stated, and that the platform has not counted: 1,200."
    assert high["rules"][0]["known"] == stated
    assert (high["rules"][0]["number"], high["rules"][0]["grade"]) == (1200, "declared")
    assert low["rules"][0]["says"] == "This is not known."
    [hindi] = api("GET", "/v1/me/tier", who="me", accept_language="hi")[1]["policies"]
    assert (hindi["name"], hindi["tier_name"]) == ("नमूना नीति", "श्रेणी high")
    reasons = [rule for step in hindi["accounts"][0]["tiers"] for rule in step["rules"]]
    told = [hindi["summary"], *(rule[part] for rule in reasons for part in ("asks", "known", "says"))]
    assert all(any("\u0900" <= letter <= "\u097f" for letter in text) for text in told)


def test_staff_see_the_tiers_of_their_own_people_alone_and_by_any_version(api: Api, creator: str) -> None:
    where = made(api)
    policy = where.rpartition("/")[2]
    tiers_of = f"/v1/influencers/{creator}/tier"
    assert api("GET", tiers_of, who="one")[1] == {"policies": []}
    [draft] = api("GET", f"{tiers_of}?policy={policy}&version=1", who="one")[1]["policies"]
    assert draft["tier"] == "high"
    nobody = api("GET", "/v1/influencers/inf_nobody/tier", who="two")
    assert nobody[0] == 404
    assert api("GET", tiers_of, who="two") == nobody, "a person of elsewhere is not there"
    assert api("GET", tiers_of, who="editor")[0] == 403
    assert api("GET", f"{tiers_of}?policy=pol_none", who="one")[0] == 404


def test_an_old_version_gives_the_old_tier_after_a_new_one_holds(api: Api, creator: str) -> None:
    where = made(api)
    started(api, where)
    strict = {"tiers": [tier("top", followers(False, instagram=10_000_000))]}
    api("POST", f"{where}/versions", strict, who="editor")
    started(api, where, 2)
    assert api("GET", "/v1/me/tier", who="me")[1]["policies"][0]["tier"] == ""
    asked = f"/v1/influencers/{creator}/tier?policy={where.rpartition('/')[2]}&version=1"
    assert api("GET", asked, who="admin")[1]["policies"][0]["tier"] == "high"


def test_a_trial_counts_the_people_of_an_area_page_by_page_and_keeps_nothing(
    api: Api, creator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in (2, 3):
        number = {"phone": f"+91812345678{n}", "handles": [{"platform": "x", "handle": f"namuna{n}"}]}
        person = joined(api, **number)
        api("POST", f"/v1/influencers/{person}/review", {"decision": "approve"}, who="admin")
    where = f"{made(api)}/trial"
    whole = api("POST", where, {"area": "D9001"}, who="one")[1]
    assert {name: whole[name] for name in ("read", "tiers", "none", "possible", "next")} == {
        "read": 3,
        "tiers": {"high": 1, "low": 0},
        "none": 2,
        "possible": 0,
        "next": None,
    }
    monkeypatch.setattr(tiers, "TRIED_AT_ONCE", 2)
    first = api("POST", where, {"area": "D9001"}, who="one")[1]
    second = api("POST", f"{where}?cursor={first['next']}", {"area": "D9001"}, who="one")[1]
    assert (first["read"], second["read"], second["next"]) == (2, 1, None)
    assert sum(page["none"] for page in (first, second)) == 2
    assert api("POST", where, {"area": "D9002"}, who="one")[0] == 422
    assert api("POST", where, {"area": "D404"}, who="one")[0] == 422
    assert api("POST", where, {"area": "D9002"}, who="two")[1]["read"] == 0
    assert api("POST", where, {"area": "D9001"}, who="editor")[0] == 403


def test_a_trial_that_reads_long_ends_in_time_and_goes_on_where_it_stopped(
    api: Api, creator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in (2, 3):
        number = {"phone": f"+91812345678{n}", "handles": [{"platform": "x", "handle": f"namuna{n}"}]}
        api("POST", f"/v1/influencers/{joined(api, **number)}/review", {"decision": "approve"}, who="admin")
    where, clock, asked = f"{made(api)}/trial", MovingClock(), list[str]()
    clock.put(wiring.clock().now())

    class Slow(Tiers):
        def _known(self, profile: Profile, *versions: Version) -> Known:
            asked.append(profile.id)
            clock.move(tiers.TRIES_FOR_S + 1)
            return super()._known(profile, *versions)

    slow = Slow(**(vars(wiring.tiers()) | {"clock": clock}))
    monkeypatch.setattr(wiring, "tiers", lambda: slow)
    monkeypatch.setattr(tiers, "MOST_AT_ONCE", 2)
    first = api("POST", where, {"area": "D9001"}, who="one")[1]
    second = api("POST", f"{where}?cursor={first['next']}", {"area": "D9001"}, who="one")[1]
    assert (first["read"], second["read"], second["next"]) == (2, 1, None)
    assert len(asked) == len(set(asked)) == 3


def test_an_answer_to_a_key_that_comes_again_is_the_first_one(api: Api) -> None:
    _, first = api("POST", "/v1/policies", BODY, who="editor", idempotency_key="k")
    _, again = api("POST", "/v1/policies", BODY, who="editor", idempotency_key="k")
    assert first == again
    assert len(api("GET", "/v1/policies", who="editor")[1]["items"]) == 1


def test_who_decides_on_what_somebody_else_has_changed_meanwhile_looks_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = made(api)
    stale = wiring.policies().get(where.rpartition("/")[2])
    assert started(api, where)[0] == 200
    with monkeypatch.context() as behind:
        behind.setattr(PolicyStore, "policy", lambda self, policy: stale)
        assert started(api, where, begins=2)[0] == 409
        assert api("POST", f"{where}/versions", TERMS, who="editor")[0] == 409
    assert len(api("GET", where, who="admin")[1]["starts"]) == 1
    assert len(api("GET", f"{where}/versions", who="admin")[1]["items"]) == 1


def test_a_version_that_no_table_takes_is_refused_by_field(api: Api) -> None:
    notes = {a + b: "क" * 1000 for a in "abcdefghijk" for b in "kl"}
    many = [tier(f"t{number}", followers(x=5), note=notes) for number in range(12)]
    body = {"names": {"hi": "नमूना"}, "terms": {"tiers": many}}
    status, refused = api("POST", "/v1/policies", body, who="editor")
    assert (status, refused["errors"][0]["field"], refused["errors"][0]["code"]) == (
        422,
        "terms",
        "string_too_long",
    )
    body["terms"]["tiers"] = many[:4]  # type: ignore[index]
    assert api("POST", "/v1/policies", body, who="editor")[0] == 201


def test_the_reason_of_a_start_is_plain_text(api: Api) -> None:
    where = made(api)
    body = {"version": 1, "begins": today(), "reason": "so\x00\u202e be it"}
    status, refused = api("POST", f"{where}/start", body, who="approver")
    assert (status, refused["errors"][0]["code"]) == (422, "hidden_characters")
