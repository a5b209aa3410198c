"""The directory on the real engine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib import wiring
from chalicelib.clock import FixedClock
from chalicelib.directory.service import Directory
from chalicelib.directory.store import DirectoryStore
from chalicelib.errors import InvalidInput
from chalicelib.ports import Area, RosterRange

AT = datetime(2026, 1, 31, 4, tzinfo=UTC)
STATE, DISTRICT, BLOCK = ("IN", "IN-XN"), ("IN", "IN-XN", "D9001"), ("IN", "IN-XN", "D9001", "D9001-B1")
TREE = [
    Area("IN", "country", ("IN",), {"hi": "भारत", "en": "India"}),
    Area("IN-XN", "state", STATE, {"hi": "नमूना प्रदेश", "en": "Namuna Pradesh"}),
    Area("IN-XO", "state", ("IN", "IN-XO"), {"hi": "दूसरा प्रदेश", "en": "Other Pradesh"}),
    Area("D9001", "district", DISTRICT, {"hi": "जनपुर", "en": "Janpur"}),
    Area("D9002", "district", (*STATE, "D9002"), {"hi": "क़िलापुर", "en": "Qilapur"}),
    Area("D9003", "district", ("IN", "IN-XO", "D9003"), {"en": "Janabad"}),
    Area("D9001-B1", "block", BLOCK, {"hi": "जनपुर नगर", "en": "Janpur City"}),
    Area("D9001-A1-P1", "booth", (*BLOCK, "D9001-A1-P1"), {"hi": "प्राथमिक विद्यालय"}),
]


@pytest.fixture
def directory(tables):
    made = wiring.directory()
    made.put_areas(TREE, sample=True)
    return made


def names(found):
    return sorted(area.id for area in found[0])


def test_an_area_comes_back_as_it_was_stored(directory):
    assert directory.get("D9001-A1-P1") == TREE[-1]
    assert directory.get("D9001").parent == "IN-XN"
    assert directory.get("D1") is None


def test_a_key_that_no_table_takes_is_no_area(directory):
    assert directory.get("x" * 3000) is None
    assert directory.many(["x" * 3000]) == {}


def test_the_form_starts_with_the_states(directory):
    assert names(directory.search("", "", None, 50)) == ["IN-XN", "IN-XO"]


def test_children_come_once_however_many_names_they_have(directory):
    assert names(directory.search("IN-XN", "", None, 50)) == ["D9001", "D9002"]


@pytest.mark.parametrize("typed", ["किला", "क़िल", "QILA", " qila"])
def test_a_child_is_found_in_either_script_with_or_without_nukta(directory, typed):
    assert names(directory.search("IN-XN", typed, None, 50)) == ["D9002"]


def test_districts_are_found_without_knowing_the_state(directory):
    assert names(directory.search("", "jan", None, 50)) == ["D9001", "D9003"]
    assert names(directory.search("", "जन", None, 50)) == ["D9001"]


def test_a_list_goes_on_where_it_stopped(directory):
    first, last = directory.search("IN-XN", "", None, 1)
    second, _ = directory.search("IN-XN", "", last, 1)
    assert names((first + second, None)) == ["D9001", "D9002"]


def test_a_renamed_area_is_found_by_its_new_name_only(directory):
    directory.put_area(Area("D9003", "district", ("IN", "IN-XO", "D9003"), {"en": "Navabad"}))
    assert directory.get("D9003").names["en"] == "Navabad"
    assert names(directory.search("IN-XO", "nav", None, 50)) == ["D9003"]
    assert names(directory.search("IN-XO", "jan", None, 50)) == []


def test_india_is_all_states_and_districts_and_the_people_above_them(directory):
    assert directory.ranges(["IN", "IN-XN", "D9001-B1"]) == [
        RosterRange("D9001"),
        RosterRange("D9002"),
        RosterRange("D9003"),
        RosterRange("IN"),
        RosterRange("ST#IN-XN"),
        RosterRange("ST#IN-XO"),
    ]


def test_a_state_is_its_districts_and_the_people_above_them(directory):
    found = directory.ranges(["IN-XN", "D9003"])
    assert [one.partition for one in found] == ["D9001", "D9002", "D9003", "ST#IN-XN"]


def test_unknown_areas_are_named_by_their_place(directory):
    with pytest.raises(InvalidInput) as refused:
        directory.ranges(["D9001", "D1", "D2"])
    assert [one.field for one in refused.value.errors] == ["areas.1", "areas.2"]


def test_an_area_read_before_is_kept_for_minutes(tables):
    reads = []

    class Counting(DirectoryStore):
        def area(self, area_id, *, fresh=False):
            reads.append(area_id)
            return super().area(area_id, fresh=fresh)

    at = [AT]

    class Moving(FixedClock):
        def now(self):
            return at[0]

    directory = Directory(Counting(), wiring.audit(), Moving())
    directory.put_areas(TREE)
    directory.get("D9001")
    directory.get("D9001")
    assert reads == ["D9001"]
    at[0] += timedelta(seconds=301)
    directory.get("D9001")
    assert len(reads) == 2


def test_of_many_areas_those_read_before_are_kept_unless_they_are_wanted_as_they_are_now(tables):
    reads = []

    class Counting(DirectoryStore):
        def areas(self, area_ids, *, fresh=False):
            reads.append(sorted(area_ids))
            return super().areas(reads[-1], fresh=fresh)

    directory = Directory(Counting(), wiring.audit(), FixedClock(AT))
    directory.put_areas(TREE)
    directory.get("D9001")
    assert set(directory.many(["D9001", "D9002", "D1"])) == {"D9001", "D9002"}
    assert set(directory.many(["D9002", "D9001"])) == {"D9001", "D9002"}
    assert set(directory.many(["D9002"], fresh=True)) == {"D9002"}
    assert reads == [["D1", "D9002"], [], ["D9002"]]


def test_nothing_is_written_when_one_area_is_wrong(directory):
    with pytest.raises(InvalidInput):
        directory.put_areas(
            [Area("D77", "district", (*STATE, "D77"), {"en": "X"}), Area("D8", "state", ("IN",), {})]
        )
    assert directory.get("D77") is None


def test_themes_and_departments_are_listed_with_their_names_and_audited(directory):
    directory.put_theme("health", {"hi": "स्वास्थ्य", "en": "Health"}, sample=True)
    directory.put_department("dm-office", {"en": " Collector's  office "}, actor="user-1")
    assert [(t.id, t.names["hi"], t.sample) for t in directory.themes()] == [("health", "स्वास्थ्य", True)]
    assert directory.departments()[0].names == {"en": "Collector's office"}
    entries, _ = wiring.audit().of("department#dm-office", limit=5)
    assert [(entry.actor, entry.action) for entry in entries] == [("user-1", "directory.written")]


def test_a_theme_without_a_name_is_refused(directory):
    with pytest.raises(InvalidInput):
        directory.put_theme("health", {"en": "  "})
