"""When platforms tell what, how they put it into POSTs, and how Lambda's pollers put those into batches.

Times are simulated, so that a campaign of hours is taken in within seconds. The spread is assumed, typical of
people with telephones: most are reached within seconds (`PROMPT_S`, the mean), 15 % have their telephone off,
six in ten read, half of them within a quarter of an hour. It makes 2.6 callbacks a recipient.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

RATE_PER_S = 80.0
"""WhatsApp's messages a second of one number, before an upgrade."""
PROMPT_S = 2.0
MOST_IN_A_POST = 1000
STATUSES = ("sent", "delivered", "read")
POLLERS = 5
"""Lambda's pollers of one queue; each gathers batches of its own (AWS's documentation of SQS mappings)."""


@dataclass(frozen=True)
class News:
    """One status: of whom, by their place in the order of sending."""

    at: float
    place: int
    status: str


@dataclass(frozen=True)
class Post:
    """One POST of the platform, at the time of its last status."""

    at: float
    news: tuple[News, ...]


def timeline(
    people: int,
    rate: float = RATE_PER_S,
    *,
    seed: int = 1,
    steady: bool = False,
    prompt_s: float = PROMPT_S,
) -> list[News]:
    """All that is told of so many people who are sent to at a rate, oldest first.

    `steady`: as in the middle of a long campaign. What would come after the end stands where in a long one
    the same would come from people before these; each person's statuses keep their order.
    """
    draw, told = random.Random(seed), []
    length = people / rate
    for place in range(people):
        times = _of_one(place / rate, draw, prompt_s)
        if steady:
            times = sorted(at % length for at in times)
        told += [News(at, place, status) for at, status in zip(times, STATUSES, strict=False)]
    return sorted(told, key=lambda one: one.at)


def _of_one(at: float, draw: random.Random, prompt_s: float) -> list[float]:
    """When one person's message was sent on, delivered and read, as far as it came."""
    sent = at + draw.uniform(0.2, 1.0)
    if draw.random() >= 0.99:
        return [sent]
    prompt = draw.random() < 0.85
    delivered = sent + (draw.expovariate(1 / prompt_s) if prompt else draw.lognormvariate(7.5, 1.0))
    if draw.random() >= 0.61:
        return [sent, delivered]
    return [sent, delivered, delivered + draw.lognormvariate(6.8, 1.5)]


def posts(told: Iterable[News], aggregate_s: float) -> Iterator[Post]:
    """As the platform posts it: what falls within `aggregate_s` together, up to 1,000; 0 is one each."""
    open_: list[News] = []
    for one in told:
        if open_ and (one.at - open_[0].at >= aggregate_s or len(open_) == MOST_IN_A_POST):
            yield Post(open_[-1].at, tuple(open_))
            open_ = []
        open_.append(one)
    if open_:
        yield Post(open_[-1].at, tuple(open_))


def batches(
    taken: Iterable[Post], size: int, window_s: float, *, pollers: int = POLLERS, seed: int = 1
) -> Iterator[list[Post]]:
    """As Lambda hands them over: each poller fills a batch until it has `size`, or `window_s` is over."""
    draw = random.Random(seed)
    gathered: list[list[Post]] = [[] for _ in range(pollers)]
    for post in taken:
        for waiting in gathered:
            if waiting and post.at - waiting[0].at > window_s:
                yield list(waiting)
                waiting.clear()
        mine = gathered[draw.randrange(pollers)]
        mine.append(post)
        if len(mine) >= size:
            yield list(mine)
            mine.clear()
    yield from (list(waiting) for waiting in gathered if waiting)


def tally_writes(handed: Iterable[Sequence[Post]], chunk_of: Callable[[int], int]) -> int:
    """How many tallies are written when each batch writes each touched one once."""
    return sum(len({chunk_of(news.place) for post in batch for news in post.news}) for batch in handed)
