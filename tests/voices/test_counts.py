"""Public counts: what is counted where, which numbers are hidden, and that any order gives the same."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import timedelta
from fractions import Fraction
from statistics import median
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.clock import FixedClock, parse_rfc3339, rfc3339
from chalicelib.public_counts import following, hide, last_evening, next_evening
from chalicelib.voices.counts import COLUMNS, IN_ROW, Fact, Sum, added, middle, summed, table
from chalicelib.voices.folding import Folding
from chalicelib.voices.store import VoiceItem
from tests.dispatch.world import Crash, Faults
from tests.voices.world import ADMIN, WATER, World

facts = st.builds(
    Fact,
    status=st.sampled_from(["open", "resolved", "declined"]),
    overdue=st.booleans(),
    answer_minutes=st.one_of(st.none(), st.integers(0, 500)),
    answer_wall=st.one_of(st.none(), st.integers(0, 5000)),
    close_minutes=st.one_of(st.none(), st.integers(0, 500)),
    close_wall=st.one_of(st.none(), st.integers(0, 5000)),
)


@given(st.lists(facts), st.lists(facts), st.randoms())
def test_any_order_and_any_parting_gives_the_same_sum(one, other, chance):
    both = one + other
    shuffled = both[:]
    chance.shuffle(shuffled)
    assert summed(shuffled) == summed(both) == added([summed(one), summed(other)])


@given(st.lists(st.integers(0, 10_000), min_size=5, max_size=60))
def test_the_median_is_exact(durations):
    counted = {minutes: durations.count(minutes) for minutes in durations}
    assert middle(counted) == float(median(durations))


def test_of_fewer_than_five_no_median_is_told():
    assert middle({10: 4}) is None
    assert middle({10: 5}) == 10


def sums_of(parts: dict[str, tuple[int, int, int]]) -> dict[str, Sum]:
    """Cells out of (open, resolved, declined)."""
    return {
        name: Sum(received=sum(one), resolved=one[1], declined=one[2], answered=one[1])
        for name, one in parts.items()
    }


def test_small_numbers_are_hidden_and_none_can_be_reckoned_from_its_row_or_column():
    rows = {"department#a": (50, 40, 2), "department#b": (30, 20, 10), "area#D1": (80, 60, 12)}
    shown = table(sums_of(rows))
    a, b = shown["departments"]
    assert a["declined"] is None  # it is two
    assert [a["open"], a["resolved"]].count(None) == 1  # else it were what is left
    assert b["declined"] is None  # else it were the total without b
    assert (a["received"], b["received"], shown["total"]["received"]) == (92, 60, 152)


def test_a_department_with_few_voices_tells_nothing_and_takes_another_with_it():
    shown = table(
        sums_of({"department#a": (3, 0, 0), "department#b": (30, 20, 10), "department#c": (9, 9, 9)})
    )
    assert [row["received"] for row in shown["departments"]] == [None, 60, None]
    assert shown["total"]["received"] == 90


cells = st.integers(0, 12)
tables = st.dictionaries(st.sampled_from("abcde"), st.tuples(cells, cells, cells), min_size=1, max_size=5)


def equations_of(sums: dict[str, Sum]) -> tuple[dict[Any, int], list[list[Any]]]:
    """All numbers of a table, and its sums."""
    rows = {"total": added(sums.values())} | sums
    numbers = {(row, column): n for row, one in rows.items() for column, n in one.numbers().items()}
    equations = [[(row, column) for column in group] for row in rows for group in IN_ROW]
    return numbers, equations + [[("total", column), *((row, column) for row in sums)] for column in COLUMNS]


def solved(hidden: set[Any], equations: list[list[Any]]) -> set[Any]:
    """The hidden numbers that all sums together have one answer for: by Gauss and Jordan, in fractions."""
    unknown = sorted(hidden)
    rows = [[Fraction((key in one) * (-1 if key == one[0] else 1)) for key in unknown] for one in equations]
    done = 0
    for column in range(len(unknown)):
        found = next((row for row in rows[done:] if row[column]), None)
        if found is None:
            continue
        rows.remove(found)
        unit = [one / found[column] for one in found]
        rows = [[a - row[column] * b for a, b in zip(row, unit, strict=True)] for row in rows]
        rows.insert(done, unit)
        done += 1
    return {unknown[row.index(1)] for row in rows if sum(map(bool, row)) == 1}


OF_SEVERAL_SUMS = {
    "department#a": Sum(received=5, resolved=3, declined=2, answered=1, overdue=5),
    "department#b": Sum(received=4, resolved=0, declined=2, answered=4),
    "department#c": Sum(received=3, resolved=0, declined=0, answered=1),
}
"""Here no sum lacks a single number, and yet b's declined ones followed from all sums together."""


@given(tables.map(lambda parts: sums_of({f"department#{name}": one for name, one in parts.items()})))
@example(OF_SEVERAL_SUMS)
def test_no_small_number_follows_from_all_sums_together(sums):
    numbers, equations = equations_of(sums)
    hidden = hide(numbers, equations)
    assert following(hidden, equations) == solved(hidden, equations)
    assert not {key for key in solved(hidden, equations) if 0 < numbers[key] < 5}


@given(st.sets(st.tuples(st.sampled_from(["total", *OF_SEVERAL_SUMS]), st.sampled_from(COLUMNS))))
def test_what_follows_from_sums_is_found_as_gauss_and_jordan_find_it(hidden):
    _, equations = equations_of(OF_SEVERAL_SUMS)
    assert following(hidden, equations) == solved(hidden, equations)


@given(tables)
def test_no_hidden_number_stands_alone_in_any_sum(parts):
    sums = sums_of({f"department#{name}": one for name, one in parts.items()})
    numbers, equations = equations_of(sums)
    hidden = hide(numbers, equations)
    assert {key for key, n in numbers.items() if 0 < n < 5} <= hidden
    for equation in equations:
        total, *rest = equation
        assert Fraction(numbers[total]) == sum(numbers[key] for key in rest)
        assert len([key for key in equation if key in hidden]) != 1


# --- as voices write them -----------------------------------------------------------------------------------


def tonight(world: World) -> Folding:
    return Folding(world.store, FixedClock(at=next_evening(world.clock.now())))


def shown(world: World, month: str = "2026-03") -> dict[str, Any]:
    """The table that the next evening brings."""
    found = tonight(world).public(month)
    assert found is not None
    return {name: value for name, value in found.items() if name != "at"}


@pytest.fixture
def busy(world: World) -> World:
    """Thirty voices of two districts and two departments, some answered, some closed, some late."""
    for n in range(30):
        text = "सड़क टूटी" if n % 3 else "पानी नहीं"
        got = world.receive(f"e{n}", text, area="D9001" if n % 2 else "D9002")
        if n % 2:
            world.clock.forward(3 * 3600)
            world.desk.answer(ADMIN, got.id, "x")
        if n % 5 == 0:
            world.desk.close(ADMIN, got.id, "resolved" if n % 10 else "declined", "y")
    return world


def test_the_public_table_tells_what_has_become_of_a_months_voices(busy: World) -> None:
    busy.tick()
    total = shown(busy)["total"]
    assert total["received"] == 30
    assert tonight(busy).public(None) == tonight(busy).public("2026-03")
    assert tonight(busy).public("2026-02") is None
    text = str(shown(busy))
    assert "voi_" not in text and "JJ-" not in text


def test_what_is_public_changes_in_the_evening_alone(world: World) -> None:
    for n in range(6):
        world.receive(f"e{n}")
    world.tick()
    assert world.folding.public(None) is None
    world.clock.forward((next_evening(world.clock.now()) - world.clock.now()).total_seconds())
    first = world.folding.public(None)
    assert first is not None
    assert first["total"]["received"] == 6
    world.receive("e7")
    world.tick()
    assert world.folding.public(None) == world.folding.public("2026-03") == first
    world.days(0.99)
    world.tick()
    assert world.folding.public(None) == first
    world.days(0.02)
    assert world.folding.public(None)["total"]["received"] == 7  # type: ignore[index]


def test_an_evenings_table_goes_once_the_next_one_is_seen(world: World) -> None:
    for day in range(4):
        world.receive(f"e{day}")
        world.tick()
        world.days(1)
    kept = list(world.store._tables(VoiceItem.sk >= "2026-03"))
    assert len(kept) == 2
    assert world.folding.public(None) is not None


def test_a_month_without_a_table_of_its_own_shows_the_one_before(world: World) -> None:
    world.receive("e1")
    world.tick()
    world.days(40)
    found = world.folding.public(None)
    assert found is not None
    assert found["month"] == "2026-03"
    world.receive("e2")
    world.tick()
    assert world.folding.public(None) == found
    assert world.folding.public("2026-04") is None


def test_the_evening_is_six_oclock_in_india() -> None:
    for told, last in (("12:29:59Z", "2026-03-03T12:30:00Z"), ("12:30:00Z", "2026-03-04T12:30:00Z")):
        now = parse_rfc3339(f"2026-03-04T{told}")
        assert rfc3339(last_evening(now)) == last
        assert next_evening(now) - last_evening(now) == timedelta(days=1)


def test_a_voice_that_moves_is_counted_where_it_is(world: World) -> None:
    ids = [world.receive(f"e{n}").id for n in range(12)]
    world.tick()
    assert [row["received"] for row in shown(world)["departments"]] == [12]
    for one in ids[:6]:
        world.desk.assign(ADMIN, one, "roads", "theirs")
    world.tick()
    assert [(row["id"], row["received"]) for row in shown(world)["departments"]] == [
        ("roads", 6),
        ("water", 6),
    ]
    world.desk.merge(ADMIN, ids[0], ids[1], "the same")
    world.desk.hide(ADMIN, ids[11], "abuse")
    world.tick()
    assert [(row["id"], row["received"]) for row in shown(world)["departments"]] == [
        ("roads", 5),
        ("water", 5),
    ]
    world.desk.part(ADMIN, ids[0], "another one")
    world.tick()
    assert [row["received"] for row in shown(world)["departments"]] == [6, 5]


def test_folds_that_die_anywhere_or_come_twice_end_as_the_truth_is(busy: World) -> None:
    names = ("dirty", "sum_rev", "facts", "put_sum", "sums", "clean")
    names += ("table_rev", "put_table", "forget_tables")
    for after in (False, True):
        for at in (1, 2, 3, 4, 5, 9, 14, 18, 19, 20, 21, 22, 40):
            faults = Faults()
            faults.at, faults.after = at, after
            busy.receive(f"more {after} {at}", "पानी")
            with suppress(Crash):
                Folding(faults.wrap(busy.store, *names), busy.clock).fold(busy.clock.epoch() + 40)
    busy.tick()
    found = shown(busy)
    assert busy.store.dirty(100) == []
    voices = [one for one in busy.store.on_ground("open", "", None)]
    voices += [one for one in busy.store.on_ground("closed", "", None)]
    assert found["total"]["received"] == len(voices) == 56
    again = Folding(busy.store, busy.clock)
    again._fold_month("2026-03", {name: [] for name in busy.store.sums("2026-03")})
    assert shown(busy) == found


def test_a_fold_that_read_before_another_wrote_changes_nothing(busy: World) -> None:
    class Slow:
        """Somebody else folds between this one's reading and its writing."""

        def __getattr__(self, name: str) -> Any:
            return getattr(busy.store, name)

        def facts(self, cell: Any) -> Any:
            found = busy.store.facts(cell)
            busy.receive(f"meanwhile {random.random()}", "पानी")
            busy.tick()
            return found

    Folding(Slow(), busy.clock).fold(busy.clock.epoch() + 40)  # type: ignore[arg-type]
    busy.tick()
    assert shown(busy)["total"]["received"] == 31


def test_a_change_of_a_voice_while_it_is_folded_is_folded_again(world: World) -> None:
    ids = [world.receive(f"e{n}").id for n in range(10)]
    left = ids[:5]

    class Meanwhile:
        def __getattr__(self, name: str) -> Any:
            return getattr(world.store, name)

        def facts(self, cell: Any) -> Any:
            found = world.store.facts(cell)
            while left:
                world.desk.close(WATER, left.pop(), "resolved", "x")
            return found

    Folding(Meanwhile(), world.clock).fold(world.clock.epoch() + 40)  # type: ignore[arg-type]
    world.tick()
    [area], [department] = shown(world)["areas"], shown(world)["departments"]
    assert (area["resolved"], area["received"]) == (department["resolved"], department["received"]) == (5, 10)


def test_who_was_late_counts_as_late_for_ever(world: World) -> None:
    ids = [world.receive(f"e{n}").id for n in range(6)]
    world.days(60)
    world.tick()
    for one in ids:
        world.desk.close(WATER, one, "resolved", "हो गया")
    world.tick()
    assert (shown(world)["total"]["overdue"], shown(world)["total"]["resolved"]) == (6, 6)
    assert shown(world)["total"]["close_days"] == 60.0
    assert shown(world)["total"]["answer_hours"] == shown(world)["total"]["close_hours"] > 0
