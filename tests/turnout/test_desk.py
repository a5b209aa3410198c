"""The console's room of areas, over two filled districts."""

from __future__ import annotations

import csv
from urllib.parse import urlencode, urlsplit

import pytest

from chalicelib import wiring
from tests.ambassadors.test_desk import text, visit
from tests.identity.land import Land
from tests.identity.test_two_districts import land

__all__ = ["land"]
ROOM = "/console/areas"


def test_turnout_groups_and_the_lowest_booths_of_ones_own_area_are_there_at_once(land: Land) -> None:
    shown = text(visit(land, "coordinator_a", ROOM))
    assert "Right below" in shown and "voted before" in shown and "Groups and people" in shown
    assert "Booths with the lowest turnout" in shown and land.b.district not in shown
    assert "Add an election of the past" not in shown
    assert "Goals" not in text(visit(land, "auditor", f"{ROOM}?area={land.a.district}"))
    for area in ("", "IN"):
        assert visit(land, "admin", f"{ROOM}?area={area}").status_code == 200


def test_another_districts_figures_and_goals_are_not_there(land: Land) -> None:
    for path in (ROOM, "/console/areas.csv"):
        assert visit(land, "coordinator_a", f"{path}?area={land.b.district}").status_code == 404
    for path, name in (("goal", "percent"), ("women", "women")):
        fields = {"area": land.b.district, name: "64"}
        assert visit(land, "coordinator_a", f"{ROOM}/{path}", fields).status_code == 404


def test_a_place_is_found_by_its_name_among_ones_own(land: Land) -> None:
    block = wiring.directory().get(land.a.block)
    assert block is not None
    found = text(visit(land, "coordinator_a", f"{ROOM}?{urlencode({'q': block.names['en'][:5]})}"))
    assert f"area={land.a.block}" in found.partition("Places of this name")[2].partition("</section>")[0]
    assert "No place in your areas begins so." in text(visit(land, "coordinator_a", f"{ROOM}?q=zzzz"))


def test_goals_are_set_and_taken_away_and_what_is_wrong_is_kept(land: Land) -> None:
    area, who = land.a.district, land.staff["admin"]
    fields = {"area": area, "percent": "72.5"}
    answer = visit(land, "coordinator_a", f"{ROOM}/goal", fields)
    assert (answer.status_code, "said=goal" in answer.headers["Location"]) == (303, True)
    assert {one.area: one.share for one in wiring.turnouts().goals(who, area)}[area] == 0.725
    for wrong in ("nan", "0", "101", "many"):
        refused = visit(land, "coordinator_a", f"{ROOM}/goal", {"area": area, "percent": wrong})
        assert refused.status_code == 422 and f'value="{wrong}"' in text(refused)
    gone = visit(land, "coordinator_a", f"{ROOM}/goal", {"area": area, "percent": ""})
    assert "said=no_goal" in gone.headers["Location"]
    assert area not in {one.area for one in wiring.turnouts().goals(who, area)}
    assert (
        "said=goal"
        in visit(land, "coordinator_a", f"{ROOM}/women", {"area": area, "women": "55"}).headers["Location"]
    )
    assert "goal: 55 %" in text(visit(land, "coordinator_a", f"{ROOM}?area={area}"))


def test_the_file_tells_what_the_page_tells(land: Land) -> None:
    told = visit(land, "coordinator_a", f"/console/areas.csv?area={land.a.district}")
    assert told.headers["Content-Type"].startswith("text/csv") and f"{land.a.district}-A" in text(told)


def test_a_file_that_is_too_long_goes_on_in_another(land: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(path: str) -> list[list[str]]:
        return [
            line
            for line in csv.reader(text(visit(land, "admin", path)).lstrip("\ufeff").splitlines())
            if line
        ]

    path, found = "/console/areas.csv?area=IN&lang=en", list[str]()
    whole = [row[0] for row in rows(path)[1:]]
    assert len(whole) > 1
    monkeypatch.setattr("chalicelib.turnout.desk.MOST_OF_A_FILE", 1)
    for _ in whole:
        _, one, *more = rows(path)
        found.append(one[0])
        if more:
            on = urlsplit(more[0][0].partition("The next part of this file: ")[2])
            path = f"{on.path}?{on.query}"
    assert (found, more) == (whole, [])


def test_who_administers_adds_an_election_of_the_past(land: Land) -> None:
    fields = {"id": "vs-2020", "name": "Sample assembly 2020", "date": "2020-11-07", "kind": "vidhan_sabha"}
    assert visit(land, "coordinator_a", f"{ROOM}/elections", fields).status_code == 403
    for wrong in ({"id": "VS 2020"}, {"date": "2999-01-01"}, {"kind": "x"}, {"name": ""}):
        refused = visit(land, "admin", f"{ROOM}/elections", fields | wrong)
        assert refused.status_code == 422 and f'id="{next(iter(wrong))}-error"' in text(refused)
    assert "said=election" in visit(land, "admin", f"{ROOM}/elections", fields).headers["Location"]
    assert "vs-2020" in {one.id for one in wiring.turnouts().elections()}
    assert "Sample assembly 2020" in text(visit(land, "admin", ROOM))
