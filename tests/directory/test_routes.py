"""The directory over HTTP: open to read, and kept by caches."""

from __future__ import annotations

import json

import boto3
import pytest
from chalice.test import Client

from chalicelib import wiring
from chalicelib.directory.model import Grouping
from chalicelib.ports import Area
from local.config import platform_secret
from tests.campaigns.samples import AREAS


@pytest.fixture
def get(tables):
    """`get("/v1/areas")` gives the response."""
    from app import app

    secret = json.dumps(platform_secret())
    boto3.client("secretsmanager").create_secret(Name="janjan/local/platforms", SecretString=secret)
    wiring.directory().put_areas(AREAS)
    with Client(app) as client:
        yield client.http.get


def items(answer):
    return [item["id"] for item in json.loads(answer.body)["items"]]


def test_areas_are_found_and_may_be_cached(get):
    answer = get("/v1/areas?q=%E0%A4%9C%E0%A4%A8")
    assert json.loads(answer.body)["items"] == [
        {
            "id": "D9001",
            "level": "district",
            "parent": "IN-XN",
            "path": ["IN", "IN-XN", "D9001"],
            "names": {"hi": "जनपुर", "en": "Janpur"},
        }
    ]
    assert answer.headers["Cache-Control"] == "public, max-age=300"


def test_a_list_goes_on_with_its_cursor(get):
    first = get("/v1/areas?parent=IN-XN&limit=1")
    cursor = json.loads(first.body)["next"]
    second = get(f"/v1/areas?parent=IN-XN&limit=1&cursor={cursor}")
    assert sorted(items(first) + items(second)) == ["D9001", "D9002"]


@pytest.mark.parametrize("labels", ["/v1/themes", "/v1/departments"])
def test_a_list_that_is_read_as_a_whole_goes_on_with_its_cursor_too(get, labels):
    for label in ("health", "education"):
        wiring.directory().put_theme(label, {"en": label})
        wiring.directory().put_department(label, {"en": label})
    whole = items(get(labels))
    first = get(f"{labels}?limit=1")
    cursor = json.loads(first.body)["next"]
    second = get(f"{labels}?limit=99&cursor={cursor}")
    assert (len(items(first)), items(first) + items(second)) == (1, whole)
    assert json.loads(second.body)["next"] is None
    assert get(f"{labels}?limit=0").status_code == 422


def test_a_cursor_that_is_not_ours_is_refused(get):
    assert get("/v1/areas?cursor=abc.def").status_code == 422


def test_a_cursor_of_another_parent_is_refused(get):
    cursor = json.loads(get("/v1/areas?parent=IN-XN&limit=1").body)["next"]
    assert get(f"/v1/areas?parent=D9001&cursor={cursor}").status_code == 422


def test_themes_and_departments_are_open_to_read(get):
    wiring.directory().put_theme("health", {"hi": "स्वास्थ्य"})
    wiring.directory().put_department("health", {"en": "Health"})
    assert items(get("/v1/themes")) == items(get("/v1/departments")) == ["health"]


def test_writing_needs_a_member_of_staff(get):
    from app import app

    with Client(app) as client:
        headers = {"Content-Type": "application/json"}
        for path in ("/v1/themes", "/v1/departments"):
            assert client.http.post(path, headers=headers, body=b"{}").status_code == 401


def test_an_area_that_has_ended_still_resolves_and_tells_its_successors(get):
    ended = Area(
        "D9009",
        "district",
        ("IN", "IN-XN", "D9009"),
        {"en": "Old Town"},
        codes={"lgd": "9009"},
        valid_until="2023-04-06",
        successors=("D9001", "D9002"),
    )
    wiring.directory().put_area(ended)
    assert items(get("/v1/areas?q=old")) == items(get("/v1/areas?q=9009")) == []
    assert "D9009" not in items(get("/v1/areas?parent=IN-XN"))
    told = json.loads(get("/v1/areas/D9009").body)
    assert (told["valid_until"], told["codes"]) == ("2023-04-06", {"lgd": "9009"})
    assert [one["id"] for one in told["successors"]] == ["D9001", "D9002"]
    assert get("/v1/areas/D1").status_code == 404


def test_constituencies_are_listed_and_their_booths(get):
    booth = Area("D9001-A5-P1", "booth", ("IN", "IN-XN", "D9001", "D9001-A5-P1"), {"en": "School"})
    wiring.directory().put_area(booth)
    wiring.directory().store.put_groupings([Grouping("IN-XN-A5", {"en": "Janpur"})])
    [one] = json.loads(get("/v1/groupings?within=IN-XN").body)["items"]
    assert (one["id"], one["kind"], one["number"]) == ("IN-XN-A5", "constituency", 5)
    assert items(get("/v1/areas?grouping=IN-XN-A5")) == ["D9001-A5-P1"]
    assert items(get("/v1/groupings?within=IN-XN&q=x")) == []
