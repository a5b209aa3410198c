"""Lists over several stretches: nobody is left out, nobody comes twice, and a page ends in time."""

from __future__ import annotations

import pytest

from chalicelib import lists
from chalicelib.lists import each_with, outermost, page, prefix_of, walk

KEPT = {"a": "pqr", "b": "", "c": "stu"}


def read(stretch: str, begin: str | None):
    rows = KEPT[stretch]
    return [(row, row) for row in (rows[rows.index(begin) + 1 :] if begin else rows)]


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
def test_pages_of_any_size_hold_everything_once(limit: int) -> None:
    seen, after = "", None
    while True:
        found, after = page(walk(["a", "b", "c"], read, after), limit)
        seen += "".join(found)
        if after is None:
            break
    assert seen == "pqrstu"


def test_a_rare_filter_ends_a_page_early_with_a_place_to_go_on_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MOST_READ", 2)
    found, after = page(walk(["a", "c"], read, None), 5, lambda row: row == "t")
    assert (found, after) == ([], {"stretch": 0, "key": "q"})


def test_a_row_that_is_not_to_be_known_is_no_place_to_go_on_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MOST_READ", 2)
    found, after = page(walk(["a", "c"], read, None), 5, lambda row: False, lambda row: row != "q")
    assert (found, after) == ([], {"stretch": 0, "key": "r"})


def test_of_places_one_inside_another_the_outer_is_kept() -> None:
    paths = (("IN", "A", "B"), ("IN", "A"), ("IN", "AB"), ("IN", "C", "D"))
    assert outermost(map(prefix_of, paths)) == ["IN/A/", "IN/AB/", "IN/C/D/"]


def test_what_more_there_is_of_rows_is_asked_a_hundred_at_a_time() -> None:
    asked = []
    rows = ((number, {"key": number}) for number in range(250))
    beside = each_with(rows, lambda some: asked.append(len(some)) or (lambda one: -one))
    assert [(pair, place["key"]) for pair, place in beside][-1] == ((249, -249), 249)
    assert asked == [100, 100, 50]
