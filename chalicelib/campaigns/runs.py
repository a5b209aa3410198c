"""Runs as dispatch sees them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from pynamodb.exceptions import TransactWriteError

from chalicelib.campaigns.model import Campaign, Run
from chalicelib.campaigns.store import CampaignStore, Snapshot
from chalicelib.clock import Clock
from chalicelib.errors import NotFound, Transient
from chalicelib.events.catalog import Event, RunDispatched, RunExpired, RunStarted
from chalicelib.platforms.base import Outgoing
from chalicelib.ports import Contact, RosterRange, RosterRow, RunBrief
from chalicelib.tables import failed_conditions, is_passing, write_together

FRESH_S = 2.0
"""How old a run may be that a sender acts on (DESIGN.md, stops)."""
TRIES = 8
KEPT_AT_MOST = 100
Kept = TypeVar("Kept")


@dataclass
class Runs:
    """Implements `ports.Runs`. A run's state is kept for 2 s, what it sends while the container lives."""

    store: CampaignStore
    clock: Clock
    ticks: Callable[[], float] = time.time
    """Real seconds: the laptop's clock can be moved, a frozen process's monotonic clock may stand still."""
    pause: Callable[[float], None] = time.sleep
    _kept: dict[str, tuple[float, RunBrief]] = field(default_factory=dict)
    _frozen: dict[str, Snapshot] = field(default_factory=dict)

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
        self._kept[run_id] = (at, replace(brief_of(found[0]), overrides=found[1]))
        return self._kept[run_id][1]

    def of_campaign(self, campaign_id: str) -> list[RunBrief]:
        return [brief_of(run) for run in self.store.runs(campaign_id)]

    def due(self, now: datetime, limit: int) -> list[str]:
        return self.store.due(now, limit)

    def dispatching(self) -> list[str]:
        return self.store.dispatching()

    def start(self, run_id: str) -> bool:
        """scheduled -> dispatching, once. A run whose time has passed expires instead."""
        now = self.clock.now()

        def step(run: Run, campaign: Campaign) -> tuple[Run, Campaign, Event] | None:
            if run.status != "scheduled":
                return None
            ids = {"run_id": run.id, "campaign_id": run.campaign_id}
            if run.is_over(now):
                ended = run.model_copy(update={"status": "expired", "ended_at": now})
                return ended, campaign.model_copy(update={"status": "expired"}), RunExpired(**ids)
            started = run.model_copy(update={"status": "dispatching", "started_at": now})
            return started, campaign.model_copy(update={"status": "dispatching"}), RunStarted(**ids)

        changed = self._change(run_id, now, step)
        return changed is not None and changed.status == "dispatching"

    def finish(self, run_id: str) -> None:
        """dispatching -> dispatched, once. A paused run whose time has passed expires instead."""
        now = self.clock.now()

        def step(run: Run, campaign: Campaign) -> tuple[Run, Campaign, Event] | None:
            ids = {"run_id": run.id, "campaign_id": run.campaign_id}
            if run.status == "paused" and run.is_over(now):
                ended = run.model_copy(update={"status": "expired", "ended_at": now})
                return ended, campaign.model_copy(update={"status": "expired"}), RunExpired(**ids)
            if run.status != "dispatching":
                return None
            event = RunDispatched(**ids)
            ended = run.model_copy(update={"status": "dispatched", "ended_at": now})
            return ended, campaign.model_copy(update={"status": "dispatched"}), event

        self._change(run_id, now, step)

    def ranges(self, run_id: str) -> list[RosterRange]:
        return list(self._snapshot(run_id).ranges)

    def wants(self, run_id: str, rows: Iterable[RosterRow]) -> list[RosterRow]:
        audience = self._snapshot(run_id).content.audience
        return [row for row in rows if audience.picks(row)]

    def language_for(self, run_id: str, channel: str, wanted: str) -> str | None:
        return self._snapshot(run_id).content.language_for(channel, wanted)

    def fingerprint(self, run_id: str) -> str:
        return self.store.fingerprint(run_id)

    def message(self, run_id: str, channel: str, language: str, contact: Contact) -> Outgoing:
        frozen = self._snapshot(run_id)
        return frozen.content.render(channel, language, name=contact.name, organisation=frozen.organisation)

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
        step: Callable[[Run, Campaign], tuple[Run, Campaign, Event] | None],
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
            after, whole, event = taken
            after = after.model_copy(update={"rev": after.rev + 1})
            try:
                with write_together() as transaction:
                    self.store.put_run(transaction, after, event, now)
                    self.store.put_campaign(
                        transaction, whole.model_copy(update={"rev": whole.rev + 1, "updated_at": now})
                    )
            except TransactWriteError as error:
                if not failed_conditions(error) and not is_passing(error):
                    raise
                self.pause(0.01 * 2**attempt)
            else:
                brief = replace(brief_of(after), overrides=whole.overridden)
                self._kept[run_id] = (self.ticks(), brief)
                return after
        raise Transient


def brief_of(run: Run) -> RunBrief:
    return RunBrief(
        run_id=run.id,
        campaign_id=run.campaign_id,
        status=run.status,
        at=run.at,
        expires_at=run.expires_at,
        channels=run.channels,
        kind=run.kind,
        department=run.department,
        ended_at=run.ended_at,
    )


def _make_room(kept: dict[str, Kept]) -> None:
    if len(kept) >= KEPT_AT_MOST:
        kept.pop(next(iter(kept)))
