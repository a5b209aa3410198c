"""Turnout over HTTP: what each area shows to whom, the lowest, comparisons, goals."""

from __future__ import annotations

import dataclasses
import json
from datetime import date

import boto3
import pytest
from chalice.test import Client

from chalicelib import http, wiring
from chalicelib.identity.roles import Principal
from chalicelib.turnout.model import Match
from chalicelib.turnout.store import MatchItem, TurnoutStore
from local.config import platform_secret
from tests.turnout.world import ADMIN, booth, bring, job, told

LATER = date(2017, 2, 19)
COORDINATOR = Principal("u-1", "", "", frozenset({"coordinator"}), frozenset({"D9001"}))
OF_A_BLOCK = Principal("u-2", "", "", frozenset({"coordinator"}), frozenset({"D9001-B1"}))
OF_TWO = Principal("u-3", "", "", frozenset({"coordinator"}), frozenset({"D9001", "D9002"}))
EDITOR = Principal("u-4", "", "", frozenset({"editor"}))
AUDITOR = Principal("u-5", "", "", frozenset({"auditor"}))


@pytest.fixture
def api(tables):
    """`api(who, method, path, body=None)` -> status, answer. Two districts: eleven booths that reported, two
    constituencies of which one did not."""
    boto3.client("secretsmanager").create_secret(
        Name="janjan/local/platforms",
        SecretString=json.dumps(platform_secret()),
    )
    told(
        [booth(n, 100 * n, block="D9001-B1") for n in range(1, 6)]
        + [booth(n, 0, ac=2) for n in range(1, 4)]
        + [booth(n, 50 * n, district="D9002") for n in range(1, 7)]
    )
    from app import app

    people = {one.id: one for one in (ADMIN, COORDINATOR, OF_A_BLOCK, OF_TWO, EDITOR, AUDITOR)}
    gate = wiring.gate()
    doors = http._doors[0]

    class Open:
        principal = staticmethod(lambda bearer: people[bearer])
        require = gate.require
        creator = gate.creator

    http.install(dataclasses.replace(doors, gate=lambda: Open))
    with Client(app) as client:

        def call(who, method, path, body=None, lang="en"):
            headers = {
                "Authorization": f"Bearer {who.id}",
                "Content-Type": "application/json",
                "Accept-Language": lang,
            }
            answer = client.http.request(method, path, headers=headers, body=json.dumps(body or {}))
            return answer.status_code, answer.json_body if answer.body else None

        yield call
    http.install(doors)


def ids(answer):
    return [one["area"] for one in answer["items"]]


def test_india_is_summed_over_states_and_says_how_many_booths_did_not_report(api):
    status, found = api(ADMIN, "GET", "/v1/turnout")
    assert status == 200
    assert found["election"]["id"] == "ls-2014"
    assert found["place"]["area"] == "IN"
    told = found["place"]["turnout"]
    assert (told["booths"], told["reported"], told["missing"]) == (14, 11, 3)
    assert (told["voters"], told["electors"], told["electors_missing"]) == (2550, 11_000, 3000)
    assert told["share"] == pytest.approx(2550 / 11_000)
    assert ids(found) == ["IN-XN"]
    _, state = api(AUDITOR, "GET", "/v1/turnout?area=IN-XN")
    assert ids(state) == ["D9001", "D9002"]
    assert [one["names"]["en"] for one in state["items"]] == ["Janpur", "Loknagar"]
    assert state["sources"] == ["Form 20, Lok Sabha 2014"]


def test_below_a_district_lie_constituencies_or_blocks_or_booths(api):
    _, by_constituency = api(ADMIN, "GET", "/v1/turnout?area=D9001")
    shares = {one["area"]: one["turnout"]["share"] for one in by_constituency["items"]}
    assert shares == {"D9001-A1": 0.3, "D9001-A2": None}
    assert ids(api(ADMIN, "GET", "/v1/turnout?area=D9001&by=block")[1]) == ["D9001-B1"]
    first = api(ADMIN, "GET", "/v1/turnout?area=D9001&by=booth&limit=5")[1]
    assert ids(first) == [f"D9001-A1-P{n}" for n in range(1, 6)]
    assert first["items"][0]["names"] == {"en": "Sample school D9001-A1-P1"}
    rest = api(ADMIN, "GET", f"/v1/turnout?area=D9001&by=booth&limit=5&cursor={first['next']}")[1]
    assert ids(rest) == [f"D9001-A2-P{n}" for n in range(1, 4)]
    assert rest["next"] is None
    _, silent = api(ADMIN, "GET", "/v1/turnout?area=D9001-A2")
    assert ids(silent) == [f"D9001-A2-P{n}" for n in range(1, 4)]
    assert {(one["turnout"]["share"], one["turnout"]["missing"]) for one in silent["items"]} == {(None, 1)}
    _, one = api(ADMIN, "GET", "/v1/turnout?area=D9001-A1-P3")
    assert (one["place"]["turnout"]["voters"], one["items"]) == (300, [])


def test_an_area_of_which_nothing_is_told_says_so(api):
    _, found = api(ADMIN, "GET", "/v1/turnout?area=D9001-B2")
    assert (found["place"]["turnout"]["booths"], found["place"]["turnout"]["share"]) == (0, None)
    assert api(ADMIN, "GET", "/v1/turnout?election=none")[0] == 404


def test_the_lowest_are_listed_district_by_district_and_page_by_page(api):
    _, found = api(ADMIN, "GET", "/v1/turnout/lowest?share=0.3")
    assert ids(found) == ["D9001-A1-P1", "D9001-A1-P2", "D9002-A1-P1", "D9002-A1-P2"]
    assert found["of"]["missing"] == 3
    pages, cursor = [], ""
    for _ in range(5):
        _, page = api(ADMIN, "GET", f"/v1/turnout/lowest?share=0.3&limit=1{cursor}")
        pages += ids(page)
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert pages == ids(found)
    assert ids(api(ADMIN, "GET", "/v1/turnout/lowest?below=0.11")[1]) == [
        "D9001-A1-P1",
        "D9002-A1-P1",
        "D9002-A1-P2",
    ]
    _, of_a_block = api(OF_A_BLOCK, "GET", "/v1/turnout/lowest")
    assert ids(of_a_block) == ["D9001-A1-P1"]
    assert (of_a_block["of"]["booths"], of_a_block["of"]["missing"]) == (5, 0)  # nothing of the rest


def test_a_state_is_compared_district_by_district_once_and_what_changes_is_compared_again(api, monkeypatch):
    twice = [booth(n, 200 * n, block="D9001-B1") for n in (1, 2)] + [booth(1, 100, district="D9002")]
    told(twice, "vs-2017", LATER)
    options = {"before": "ls-2014", "after": "vs-2017"}

    def match(*ids):
        rows = [{"before": one, "after": one} for one in ids]
        assert bring(wiring.match_kind(), rows, job(options)).get("new") == len(ids)

    match("D9001-A1-P1", "D9002-A1-P1")
    read, sheet = [], TurnoutStore.sheet
    monkeypatch.setattr(TurnoutStore, "sheet", lambda store, *of: (read.append(of), sheet(store, *of))[1])

    def state():
        read.clear()
        _, found = api(ADMIN, "GET", "/v1/turnout/compare?before=ls-2014&after=vs-2017&area=IN-XN")
        sums = (found["turnout_before"]["voters"], found["turnout_after"]["voters"])
        return found["compared"], found["unmatched"], sums, sorted({district for _, district in read})

    assert state() == (2, 1, (150, 300), [])  # the import has compared already
    match("D9001-A1-P2")
    assert state() == (3, 0, (350, 700), [])
    told([booth(1, 250, block="D9001-B1")], "vs-2017", LATER)
    assert state() == (3, 0, (350, 750), ["D9001"])
    assert state() == (3, 0, (350, 750), [])
    told([booth(1, 60, district="D9002")])
    assert state() == (3, 0, (360, 750), ["D9002"])
    TurnoutStore().put_matches("ls-2014", "vs-2017", [Match("D9002-A1-P2", "D9002-A1-P1")])  # a job dies here
    assert state()[3] == ["D9002"]
    _, district = api(ADMIN, "GET", "/v1/turnout/compare?before=ls-2014&after=vs-2017&area=D9001")
    assert district["compared"] == 2


def test_what_a_lagging_copy_of_the_store_says_is_not_kept_as_a_comparison(api, monkeypatch):
    told([booth(1, 200, block="D9001-B1")], "vs-2017", LATER)
    query = MatchItem.query

    def lagging(*key, consistent_read=False, **more):
        return query(*key, consistent_read=True, **more) if consistent_read else iter(())

    monkeypatch.setattr(MatchItem, "query", lagging)
    TurnoutStore().put_matches("ls-2014", "vs-2017", [Match("D9001-A1-P1", "D9001-A1-P1")])
    _, found = api(ADMIN, "GET", "/v1/turnout/compare?before=ls-2014&after=vs-2017&area=IN-XN")
    assert found["compared"] == 1


@pytest.mark.parametrize("feature", ["?by=booth&area=D9001&limit=3", "/lowest?share=1&limit=3"])
def test_a_list_goes_on_at_the_election_with_which_it_began(api, feature):
    _, first = api(ADMIN, "GET", f"/v1/turnout{feature}")
    told([booth(n, 10) for n in range(1, 9)], "vs-2017", LATER)
    _, rest = api(ADMIN, "GET", f"/v1/turnout{feature}&cursor={first['next']}")
    assert first["election"]["id"] == rest["election"]["id"] == "ls-2014"
    assert not {*ids(first)} & {*ids(rest)}
    assert api(ADMIN, "GET", f"/v1/turnout{feature}")[1]["election"]["id"] == "vs-2017"


def test_somebody_sees_their_own_areas_and_no_other_is_there_for_them(api):
    for path in ("?area=IN", "?area=IN-XN", "?area=D9002", "?area=D9002-A1", "?area=D9002-A1-P1"):
        for feature in ("", "/lowest", "/trend", "/goals"):
            status, answer = api(COORDINATOR, "GET", f"/v1/turnout{feature}{path}")
            absent = api(COORDINATOR, "GET", f"/v1/turnout{feature}?area=D4040")[1]
            area = path.partition("=")[2]
            assert status == 404
            assert answer["detail"] == absent["detail"].replace("D4040", area)
    assert api(COORDINATOR, "GET", "/v1/turnout/compare?before=a&after=b&area=D9002")[0] == 404
    assert api(COORDINATOR, "PUT", "/v1/turnout/goals/D9002", {"share": 0.5})[0] == 404
    assert api(OF_A_BLOCK, "GET", "/v1/turnout?area=D9001")[0] == 404
    assert api(COORDINATOR, "GET", "/v1/turnout")[1]["place"]["area"] == "D9001"
    assert api(OF_TWO, "GET", "/v1/turnout")[0] == 422
    assert api(EDITOR, "GET", "/v1/turnout")[0] == 422
    assert api(EDITOR, "GET", "/v1/turnout?area=IN")[0] == 404


def test_a_goal_is_a_persons_word_and_stands_beside_what_was(api):
    status, goal = api(COORDINATOR, "PUT", "/v1/turnout/goals/D9001", {"share": 0.6})
    assert (status, goal["share"], goal["by"]) == (200, 0.6, "u-1")
    assert api(COORDINATOR, "PUT", "/v1/turnout/goals/D9001-A1", {"share": 0.7})[0] == 200
    assert api(ADMIN, "PUT", "/v1/turnout/goals/D9002", {"share": 0.5})[0] == 200
    _, found = api(COORDINATOR, "GET", "/v1/turnout")
    assert (found["place"]["goal"], found["items"][0]["goal"]) == (0.6, 0.7)
    assert ids(api(COORDINATOR, "GET", "/v1/turnout/goals?area=D9001")[1]) == ["D9001", "D9001-A1"]
    assert ids(api(ADMIN, "GET", "/v1/turnout/goals")[1]) == ["D9001", "D9001-A1", "D9002"]
    assert api(COORDINATOR, "DELETE", "/v1/turnout/goals/D9001")[0] == 204
    assert api(COORDINATOR, "DELETE", "/v1/turnout/goals/D9001")[0] == 404
    entries = wiring.audit().all_of("turnout#goal/D9001")
    assert [(one.action, one.actor) for one in entries] == [
        ("turnout.goal_set", "u-1"),
        ("turnout.goal_removed", "u-1"),
    ]
    assert api(EDITOR, "PUT", "/v1/turnout/goals/D9001", {"share": 0.6})[0] == 403
    assert api(ADMIN, "PUT", "/v1/turnout/goals/D9001", {"share": 60})[0] == 422


def test_elections_of_the_past_are_kept_by_staff_and_audited(api):
    body = {"name": "Vidhan Sabha 2017", "date": "2017-02-19", "kind": "vidhan_sabha"}
    assert api(ADMIN, "PUT", "/v1/turnout/elections/vs-2017", body)[0] == 200
    _, found = api(EDITOR, "GET", "/v1/turnout/elections")
    assert [one["id"] for one in found["items"]] == ["vs-2017", "ls-2014"]
    first = api(EDITOR, "GET", "/v1/turnout/elections?limit=1")[1]
    rest = api(EDITOR, "GET", f"/v1/turnout/elections?limit=1&cursor={first['next']}")[1]
    assert [one["id"] for one in rest["items"]] == ["ls-2014"]
    assert api(COORDINATOR, "PUT", "/v1/turnout/elections/x", body)[0] == 403
    for wrong in ({"date": "2999-01-01"}, {"calendar": "elc_none"}, {"kind": "x"}):
        assert api(ADMIN, "PUT", "/v1/turnout/elections/vs-2022", body | wrong)[0] == 422
    assert api(ADMIN, "PUT", "/v1/turnout/elections/VS%2022", body)[0] in (404, 422)
    [entry] = wiring.audit().all_of("turnout#vs-2017")
    assert (entry.action, entry.detail["date"]) == ("turnout.election", "2017-02-19")


def test_two_elections_are_compared_over_matched_booths_and_the_caution_stands_beside(api):
    told([booth(n, 600) for n in range(11, 14)], "vs-2017", LATER)
    query = "/v1/turnout/compare?before=ls-2014&after=vs-2017&area="
    _, nothing = api(ADMIN, "GET", f"{query}D9001")
    assert (nothing["compared"], nothing["unmatched"], nothing["change"]) == (0, 3, None)
    assert nothing["caution"].startswith("No booths")
    rows = [{"before": f"D9001-A1-P{n}", "after": f"D9001-A1-P{n + 10}"} for n in (1, 2)]
    bring(wiring.match_kind(), rows, job({"before": "ls-2014", "after": "vs-2017"}))
    for area in ("D9001", "IN-XN"):
        _, found = api(ADMIN, "GET", f"{query}{area}")
        assert (found["compared"], found["unmatched"], found["change"]) == (2, 1, 45.0)
        assert (found["turnout_before"]["voters"], found["turnout_after"]["voters"]) == (300, 1200)
        assert "association, not cause" in found["caution"]
        assert "2" in found["caution"]
    hindi = api(ADMIN, "GET", f"{query}D9001", lang="hi")[1]["caution"]
    assert "साबित नहीं" in hindi
    assert api(ADMIN, "GET", f"{query}IN")[0] == 422
    _, trend = api(COORDINATOR, "GET", "/v1/turnout/trend?area=D9001")
    assert [one["election"]["id"] for one in trend["told"]] == ["ls-2014", "vs-2017"]
    assert [one["change"] for one in trend["compared"]] == [45.0]
    assert api(ADMIN, "GET", "/v1/turnout/trend")[1]["compared"] == []
    assert api(ADMIN, "GET", "/v1/turnout?area=D9001")[1]["election"]["id"] == "vs-2017"
    assert api(ADMIN, "GET", "/v1/turnout?area=D9002")[1]["election"]["id"] == "ls-2014"
