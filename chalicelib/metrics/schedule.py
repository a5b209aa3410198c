"""When a post is measured: often while it is young, seldom later. All in UTC, by the post's age alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STEPS = ((1 * DAY, HOUR), (3 * DAY, 6 * HOUR), (14 * DAY, DAY), (90 * DAY, 7 * DAY))
"""Up to this age, so often: about 55 times in all. Older posts are measured no more."""
SELDOM_STEP = 7 * DAY
"""A post that the platform does not show (any more), or of which it tells us nothing, is asked for so often,
in case that changes."""
FIRST_RETRY = timedelta(minutes=15)
"""After a request that told nothing of the post; each further one waits twice as long, at most a step."""
ACCOUNT_STEP = 7 * DAY
"""Followers of a handle are counted so often."""
ACCOUNT_RETRY = DAY
"""Where the platform would not tell."""


def step(age: timedelta) -> timedelta | None:
    """The time between two measurements at this age; None when it is over. What is dated ahead is new."""
    return next((pause for until, pause in STEPS if age < until), None)


def next_at(
    published_at: datetime, now: datetime, *, seldom: bool = False, misses: int = 0
) -> datetime | None:
    """When a post that was asked for `now` is asked for again; None when never.

    `seldom`: it is not shown, or not to us. `misses`: how many requests in a row have told nothing of it.
    """
    pause = step(now - published_at)
    if pause is None:
        return None
    if seldom:
        pause = max(pause, SELDOM_STEP)
    elif misses:
        pause = min(pause, FIRST_RETRY * 2 ** min(misses - 1, 16))
    return now + pause


def account_next_at(now: datetime, *, told: bool) -> datetime:
    """The same for the followers of an account; `told`: whether the platform told something of it."""
    return now + (ACCOUNT_STEP if told else ACCOUNT_RETRY)


def slot(published_at: datetime, measured_at: datetime) -> datetime:
    """The begin of the stretch for which the history keeps one snapshot: it thins out as the schedule does,
    however often a platform tells figures by itself."""
    pause = step(measured_at - published_at) or STEPS[-1][1]
    seconds = int(pause.total_seconds())
    return datetime.fromtimestamp(int(measured_at.timestamp()) // seconds * seconds, UTC)
