"""What may be published of counts: which numbers are too small, and when counts are published. No I/O.

They are published once a day: whoever asks every minute would see small numbers come one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta

from chalicelib.clock import IST

SMALL = 5
"""Numbers from 1 to 4 are not shown."""
ROUGH = 10
"""Below it a number that is always up to date is not told."""
EVENING = time(18)
"""When the day's counts are published, in India."""


def rounded(number: int) -> int:
    """A number that may be looked at at any time: its first two digits, the rest zero; 0 below ROUGH."""
    if number < ROUGH:
        return 0
    step = int(10 ** (len(str(number)) - 2))
    return number - number % step if number >= 10 * ROUGH else number - number % SMALL


def last_evening(now: datetime) -> datetime:
    """The last time at which counts were published."""
    here = now.astimezone(IST)
    today = datetime.combine(here.date(), EVENING, IST)
    return today if here >= today else today - timedelta(days=1)


def next_evening(now: datetime) -> datetime:
    """When counts are published next."""
    return last_evening(now) + timedelta(days=1)


Key = tuple[str, str]
"""A row and a column."""
PRIME = 2**61 - 1


def hide(numbers: Mapping[Key, int], sums: Collection[Sequence[Key]]) -> set[Key]:
    """The numbers that are not shown: the small ones, and as many others that no small one follows from what
    is shown and all of `sums` together; of each of these the first number is the sum of the others. Where a
    number is hidden a small neighbour is rather hidden with it than a large one; a zero only where there is
    nothing else."""
    small = {key for key, number in numbers.items() if 0 < number < SMALL}
    hidden = set(small)

    def hide_one_of(keys: Iterable[Key]) -> None:
        shown = [key for key in keys if key not in hidden]
        if shown:
            hidden.add(min(shown, key=lambda key: (numbers[key] == 0, numbers[key], key)))

    while True:
        before = len(hidden)
        for one in sums:
            if sum(key in hidden for key in one) == 1:
                hide_one_of(one)
        if len(hidden) == before:
            for key in sorted(small & following(hidden, sums)):
                near = [other for one in sums if key in one for other in one]
                hide_one_of(near if not hidden.issuperset(near) else numbers)
        if len(hidden) == before:
            return hidden


def following(hidden: Collection[Key], sums: Collection[Sequence[Key]]) -> set[Key]:
    """Of the hidden numbers those that whoever takes all sums together can reckon: the sums are solved for
    the hidden numbers (by elimination, modulo a large prime: whether there is one answer is all that is
    asked)."""
    solved: dict[Key, dict[Key, int]] = {}
    """One number by others that stay open: none, and it is known."""
    within: dict[Key, set[Key]] = defaultdict(set)
    """In what is solved so, where an open number stands."""

    def add(row: dict[Key, int], other: Mapping[Key, int], times: int) -> None:
        for key, factor in other.items():
            row[key] = (row.get(key, 0) + times * factor) % PRIME
            if not row[key]:
                del row[key]

    for one in sums:
        row: dict[Key, int] = {}
        for key, factor in ((key, 1 if place else -1) for place, key in enumerate(one) if key in hidden):
            add(row, solved.get(key, {key: 1}), factor)
        if not row:
            continue
        picked = min(row, key=lambda key: len(within[key]))
        turned = pow(-row.pop(picked), -1, PRIME)
        by = {key: factor * turned % PRIME for key, factor in row.items()}
        for user in within.pop(picked):
            times = solved[user].pop(picked)
            add(solved[user], by, times)
            for key in by:
                (within[key].add if key in solved[user] else within[key].discard)(user)
        solved[picked] = by
        for key in by:
            within[key].add(picked)
    return {key for key, by in solved.items() if not by}
