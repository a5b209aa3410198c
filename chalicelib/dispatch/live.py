"""How a run stands while it is being sent: its pace, what holds it, when it ends. Nothing here reads or
writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chalicelib.dispatch.channels import Standing
from chalicelib.dispatch.pace import AIM
from chalicelib.dispatch.report import LATELY_S, Report
from chalicelib.platforms.base import Channel
from chalicelib.ports import RunBrief


@dataclass(frozen=True)
class Lane:
    """One way over which a run goes out."""

    medium: str
    planned: int
    waiting: int
    """People without an outcome yet."""
    pace: float
    """Accepted a second, in the last minute."""
    allowed: float
    """Messages a second that the channel may send now, to all campaigns together."""
    rests_until: datetime | None
    """Until then its platform wants nothing, or its day is used up."""

    def ends(self, now: datetime) -> datetime | None:
        """When the last of them will have been sent to, at the pace of the last minute, else the allowed one;
        None where that cannot be told."""
        begins = max(now, self.rests_until or now)
        pace = self.pace if self.pace and begins == now else self.allowed * AIM
        return begins + timedelta(seconds=self.waiting / pace) if pace else None


def lanes(
    report: Report, ways: Mapping[str, Channel], standings: Mapping[str, Standing], now: datetime
) -> list[Lane]:
    """The ways of a run in the order of its counts."""
    found = []
    for medium, counts in report.by_channel.items():
        way = ways.get(medium)
        standing = standings.get(way.id) if way else None
        rests = [] if standing is None else _rests(standing)
        found.append(
            Lane(
                medium,
                counts.planned,
                counts.in_progress,
                report.lately.get(medium, 0) / LATELY_S,
                standing.limit.rate_per_s * standing.pace.learned(standing.now) if standing else 0.0,
                max((at for at in rests if at > now), default=None),
            )
        )
    return found


def _rests(standing: Standing) -> list[datetime]:
    frees = standing.pace.day_frees(standing.allowed, standing.now)
    return [datetime.fromtimestamp(at, UTC) for at in (standing.pace.rest_until, frees) if at]


def expected_end(run: RunBrief, ways: Sequence[Lane], now: datetime) -> datetime | None:
    """When the run will have gone out, as far as one can tell; None while it is paused or kept for the
    morning, when nobody waits, and past its expiry."""
    waiting = [lane for lane in ways if lane.waiting]
    if run.status == "paused" or not waiting or quiet_until(run, now) is not None:
        return None
    ends = [lane.ends(now) for lane in waiting]
    told = [at for at in ends if at is not None]
    if len(told) < len(ends):
        return None
    last = max(*told, run.at + timedelta(seconds=run.spread_s))
    return last if last < run.expires_at else None


def quiet_until(run: RunBrief, now: datetime) -> datetime | None:
    """When the quiet hours end that keep this run waiting now."""
    return None if run.quiet is None or run.first else run.quiet.until(now)
