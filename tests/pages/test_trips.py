"""The count of round trips itself, of `trips.py`, and what keeps them few."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, get_ident

from chalicelib import lists
from chalicelib.beside import MOST_AT_ONCE, Once, both, together
from tests.pages.trips import Call, chain


def calls(*spans: tuple[float, float]) -> list[Call]:
    return [Call(f"{began}-{ended}", began, ended) for began, ended in spans]


def test_what_runs_side_by_side_is_waited_for_once() -> None:
    assert len(chain(calls((0, 1), (0.1, 1.1), (0.2, 1.2)))) == 1
    assert len(chain(calls((0, 1), (1, 2), (2.1, 3)))) == 3
    assert len(chain(calls((0, 1), (0, 1.2), (1.3, 2), (1.25, 2.2)))) == 2


def test_calls_that_wait_for_one_another_are_not_hidden_by_a_long_one_beside_them() -> None:
    assert chain(calls((0, 9), (0, 1), (1, 2), (2, 3))) == ["0-1", "1-2", "2-3"]


def test_stretches_of_a_list_are_begun_together_and_come_in_their_order() -> None:
    begun = {name: Event() for name in "abc"}

    def read(stretch: str, begin: int | None) -> list[tuple[str, int]]:
        begun[stretch].set()
        assert all(one.wait(30) for one in begun.values()), "each waits until all have begun"
        return [(f"{stretch}{n}", n) for n in range(begin or 0, 2)]

    rows = list(lists.walk("abc", read, None))
    assert [one for one, _ in rows] == ["a0", "a1", "b0", "b1", "c0", "c1"]
    place = next(place for one, place in rows if one == "a1")
    assert [one for one, _ in lists.walk("abc", read, place)][1:] == ["b0", "b1", "c0", "c1"]


def test_what_is_asked_for_several_times_at_once_is_read_once() -> None:
    read, asked = list[str](), Event()

    def slow(what: str) -> str:
        asked.wait(30)
        read.append(what)
        return what.upper()

    once = Once()
    found = both(lambda: once(slow, "a"), lambda: (asked.set(), once(slow, "a"))[1])
    assert (found, once(slow, "a"), once(slow, "b"), read) == (("A", "A"), "A", "B", ["a", "b"])


def test_reads_made_together_come_in_their_order() -> None:
    assert together() == []
    assert together(lambda: 1, lambda: 2, lambda: together(lambda: 3, lambda: 4)) == [1, 2, [3, 4]]


def test_nobody_waits_for_a_thread_that_waits_for_them() -> None:
    """Many requests at one moment, each of which reads side by side beside a read."""
    begun = Barrier(16)

    def beside() -> tuple[int, int]:
        begun.wait(30)
        return both(lambda: 1, lambda: 2)

    with ThreadPoolExecutor(16) as requests:
        assert list(requests.map(lambda _: both(lambda: 0, beside), range(16))) == [(0, (1, 2))] * 16


def test_a_page_of_hundreds_of_reads_makes_a_few_threads() -> None:
    def read(number: int) -> tuple[int, int]:
        time.sleep(0.002)
        return number, get_ident()

    found = together(*(lambda number=number: read(number) for number in range(400)))
    assert [number for number, _ in found] == list(range(400))
    assert len({thread for _, thread in found}) <= MOST_AT_ONCE
