"""Runs as dispatch sees them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeVar

from pynamodb.exceptions import TransactWriteError

from chalicelib.campaigns.audience import Low
from chalicelib.campaigns.model import Campaign, Run
from chalicelib.campaigns.store import CampaignStore, Snapshot
from chalicelib.clock import Clock, rfc3339
from chalicelib.errors import NotFound, Transient
from chalicelib.events.catalog import Event, RunDispatched, RunExpired, RunScheduled, RunStarted
from chalicelib.platforms.base import Outgoing
from chalicelib.ports import Contact, RosterRange, RosterRow, RunBrief, Turnout
from chalicelib.tables import failed_conditions, is_passing, write_together

FRESH_S = 2.0
"""How old a run may be that a sender acts on (DESIGN.md, stops)."""
TRIES = 8
KEPT_AT_MOST = 100
PLANNED_AT_ONCE = 5
"""Of how many runs a container remembers low places: those of a run are up to some MB."""
Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Step:
    """What is written together when a run goes on: the run, its campaign, and the run that follows in a
    series."""

    run: Run
    campaign: Campaign
    event: Event
    following: Run | None = None


def _nobody_knows() -> Turnout:
    raise LookupError("these runs were built without turnout")


@dataclass
class Runs:
    """Implements `ports.Runs`. A run's state is kept for 2 s, what it sends while the container lives."""

    store: CampaignStore
    clock: Clock
    organisation_kind: str = "public_body"
    unsubscribe_url: Callable[[str], str] = lambda person: ""
    """Where a person ends their emails, by their id."""
    ticks: Callable[[], float] = time.time
    """Real seconds: the laptop's clock can be moved, a frozen process's monotonic clock may stand still."""
    pause: Callable[[float], None] = time.sleep
    _kept: dict[str, tuple[float, RunBrief]] = field(default_factory=dict)
    turnout: Callable[[], Turnout] = _nobody_knows
    _frozen: dict[str, Snapshot] = field(default_factory=dict)
    _low: dict[str, Low] = field(default_factory=dict)

    def get(self, run_id: str) -> RunBrief | None:
        """The run as it was at most 2 s ago."""
        kept = self._kept.get(run_id)
        if kept and 0 <= self.ticks() - kept[0] < FRESH_S:
            return kept[1]
        at = self.ticks()
        found = self.store.run_with_overrides(run_id)
        if found is None:
            return None
        _make_room(self._kept)
        self._kept[run_id] = (at, self._brief(*found))
        return self._kept[run_id][1]

    def of_campaign(self, campaign_id: str) -> list[RunBrief]:
        return [self._brief(run) for run in self.store.runs(campaign_id)]

    def due(self, now: datetime, limit: int) -> list[str]:
        return self.store.due(now, limit)

    def dispatching(self) -> list[str]:
        return self.store.dispatching()

    def start(self, run_id: str) -> bool:
        """scheduled -> dispatching, once. A run whose time has passed expires instead."""
        now = self.clock.now()

        def step(run: Run, campaign: Campaign) -> Step | None:
            if run.status != "scheduled":
                return None
            if run.is_over(now):
                return _ended(run, campaign, "expired", now)
            started = run.model_copy(update={"status": "dispatching", "started_at": now})
            event = RunStarted(run_id=run.id, campaign_id=run.campaign_id)
            return Step(started, campaign.model_copy(update={"status": "dispatching"}), event)

        changed = self._change(run_id, now, step)
        return changed is not None and changed.status == "dispatching"

    def finish(self, run_id: str, *, left: int = 0) -> None:
        """dispatching -> dispatched, once; or -> expired when people were `left` unsent at its expiry. A
        paused run whose time has passed expires. The next run of its series is made in the same
        transaction."""
        now = self.clock.now()

        def step(run: Run, campaign: Campaign) -> Step | None:
            if run.status == "dispatching":
                return _ended(run, campaign, "expired" if left else "dispatched", now, left)
            if run.status == "paused" and run.is_over(now):
                return _ended(run, campaign, "expired", now, left)
            return None

        self._change(run_id, now, step)

    def ranges(self, run_id: str) -> list[RosterRange]:
        return list(self._snapshot(run_id).ranges)

    def wants(self, run_id: str, rows: Iterable[RosterRow]) -> list[RosterRow]:
        audience, low = self._snapshot(run_id).content.audience, self._low_places(run_id)
        return [row for row in rows if audience.picks(row, low.of(row.partition))]

    def language_for(self, run_id: str, channel: str, wanted: str) -> str | None:
        return self._snapshot(run_id).content.language_for(channel, wanted)

    def fingerprint(self, run_id: str) -> str:
        return self.store.fingerprint(run_id)

    def message(self, run_id: str, channel: str, language: str, contact: Contact) -> Outgoing:
        frozen = self._snapshot(run_id)
        url = self.unsubscribe_url(contact.id) if channel == "email" else ""
        return frozen.content.render(
            channel, language, name=contact.name, organisation=frozen.organisation, unsubscribe_url=url
        )

    def full_text(self, run_id: str, channel: str, language: str, contact: Contact) -> Outgoing | None:
        frozen = self._snapshot(run_id)
        return frozen.content.full_text(
            channel, language, name=contact.name, organisation=frozen.organisation
        )

    def _brief(self, run: Run, overrides: frozenset[str] = frozenset()) -> RunBrief:
        return RunBrief(
            run_id=run.id,
            campaign_id=run.campaign_id,
            status=run.status,
            at=run.at,
            expires_at=run.expires_at,
            channels=run.channels,
            kind=run.kind,
            department=run.department,
            organisation_kind=self.organisation_kind,
            quiet=run.quiet.hours if run.quiet else None,
            overrides=overrides,
            ended_at=run.ended_at,
            spread_s=run.spread_minutes * 60,
            occasion=run.purpose,
            parents=run.parents,
            urgent=run.urgent,
            recalled=run.recalled_at is not None,
        )

    def _low_places(self, run_id: str) -> Low:
        """What of its districts' turnout was read for a run: read once, so that a page costs no read."""
        if run_id not in self._low:
            frozen = self._snapshot(run_id)
            if len(self._low) >= PLANNED_AT_ONCE:
                self._low.clear()
            self._low[run_id] = Low(frozen.content.audience, frozen.elections, self.turnout)
        return self._low[run_id]

    def _snapshot(self, run_id: str) -> Snapshot:
        if run_id not in self._frozen:
            found = self.store.frozen(run_id)
            if found is None:
                raise NotFound("There is no run %(run)s.", run=run_id)
            _make_room(self._frozen)
            self._frozen[run_id] = found
        return self._frozen[run_id]

    def _change(
        self,
        run_id: str,
        now: datetime,
        step: Callable[[Run, Campaign], Step | None],
    ) -> Run | None:
        """Takes one step of a run and its campaign together; None when it is not to be taken (any more).

        Whoever writes first wins: the other reads again and finds that there is nothing left to do.
        """
        for attempt in range(TRIES):
            run = self.store.run(run_id)
            campaign = self.store.campaign(run.campaign_id) if run else None
            taken = step(run, campaign) if run and campaign else None
            if taken is None:
                return None
            after = taken.run.model_copy(update={"rev": taken.run.rev + 1})
            whole = taken.campaign.model_copy(update={"rev": taken.campaign.rev + 1, "updated_at": now})
            try:
                with write_together() as transaction:
                    self.store.put_run(transaction, after, taken.event, now)
                    self.store.put_campaign(transaction, whole)
                    if isinstance(taken.event, RunStarted):
                        self.store.put_begun(transaction, after, now)
                    if taken.following is not None:
                        self.store.freeze_again(transaction, after, taken.following)
                        self.store.put_run(transaction, taken.following, _scheduled(taken.following), now)
            except TransactWriteError as error:
                if not failed_conditions(error) and not is_passing(error):
                    raise
                self.pause(0.01 * 2**attempt)
            else:
                self._kept[run_id] = (self.ticks(), self._brief(after, whole.overridden))
                return after
        raise Transient


def _ended(
    run: Run, campaign: Campaign, status: Literal["dispatched", "expired"], now: datetime, left: int = 0
) -> Step:
    """The run at its end. Its campaign ends the same way, unless a run follows: that one's state is its own
    then."""
    following = run.next_run(campaign, now)
    ended = run.model_copy(update={"status": status, "ended_at": now, "left": left})
    then = {"status": following.status, "runs": following.number} if following else {"status": status}
    ids = {"run_id": run.id, "campaign_id": run.campaign_id}
    event = RunExpired(**ids, left=left) if status == "expired" else RunDispatched(**ids)
    return Step(ended, campaign.model_copy(update=then), event, following)


def _scheduled(run: Run) -> RunScheduled:
    missed = run.series.missed if run.series else 0
    return RunScheduled(run_id=run.id, campaign_id=run.campaign_id, at=rfc3339(run.at), missed=missed)


def _make_room(kept: dict[str, Kept]) -> None:
    if len(kept) >= KEPT_AT_MOST:
        kept.pop(next(iter(kept)), None)  # threads of a sender share it
