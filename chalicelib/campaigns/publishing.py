"""Publishes campaigns: what everybody may see of each, written once and read by anybody.

A campaign is marked in the transaction that starts a run of it. The minute's tick puts what is due into the
queue `plan` ({"publish": campaign}), where it is made from what is stored: a message that comes twice, late
or after a crash makes the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.campaigns.messages import Template
from chalicelib.campaigns.model import Content, Run, fitting
from chalicelib.campaigns.publication import (
    EVERYTHING,
    Names,
    Publication,
    PublicCounts,
    Search,
    TakenBack,
    begun,
    counted_anew,
    next_look,
    publication,
    shown,
    words,
)
from chalicelib.campaigns.runs import Runs
from chalicelib.campaigns.store import CampaignStore, Position
from chalicelib.clock import Clock, rfc3339
from chalicelib.errors import NotFound
from chalicelib.ports import Areas, Sums
from chalicelib.queues import Queue

A_TICK = 50
SEARCHED = 200
"""Campaigns looked through at once: a few KB each, so that the database answers in one go."""


@dataclass(frozen=True)
class Publishing:
    store: CampaignStore
    runs: Runs
    sums: Sums
    areas: Areas
    departments: Callable[[], Mapping[str, Names]]
    themes: Callable[[], Mapping[str, Names]]
    plan_queue: Queue
    clock: Clock

    def tick(self) -> None:
        """Queues what is to be published by now."""
        self.plan_queue.put({"publish": one} for one in self.store.to_publish(self.clock.now(), A_TICK))

    def step(self, message: Mapping[str, Any]) -> None:
        """Publishes one campaign, unless there is nothing to do (any more)."""
        campaign_id, now = message["publish"], self.clock.now()
        seen = self.store.begun(campaign_id)
        campaign = self.store.campaign(campaign_id)
        if seen is None or campaign is None or not seen[1] or seen[1] > rfc3339(now):
            return
        all_runs = self.store.runs(campaign_id)
        own, before = begun(all_runs), self.store.published(campaign_id)
        frozen = self.store.frozen(own[-1].id) if own else None
        if frozen is None:
            raise NotFound("There is no campaign %(id)s.", id=campaign_id)
        content = frozen.content
        counts = before.counts if before else None
        if counted_anew(before, own, now):
            counts = self._counts(campaign_id, own)
        made = publication(
            campaign,
            own,
            content,
            frozen.organisation,
            texts=self._words(content, frozen.organisation),
            names=self._names(content.audience.areas),
            department=dict(self.departments().get(content.department, {})),
            theme=dict(self.themes().get(content.theme, {})),
            taken_back=[self._taken_back(run) for run in all_runs if run.parents and run.started_at],
            counts=counts,
        )
        self.store.publish(made, seen, next_look(counts, own, now))

    def listed(
        self, limit: int, after: Position | None, search: Search = EVERYTHING
    ) -> tuple[list[Publication], Position | None]:
        """Up to `limit` of them, what began last first, and where to go on: where many are searched and few
        are such, there may be fewer, or none, before that place."""
        found: list[Publication] = []
        rows = self.store.publications(after, SEARCHED if search.looks else limit + 1, search.begun)
        for read, (one, place) in enumerate(rows, start=1):
            if search.finds(one):
                found.append(one)
            if len(found) == limit or read == SEARCHED:
                return found, place if next(rows, None) else None
        return found, None

    def _counts(self, campaign_id: str, own: list[Run]) -> PublicCounts:
        wanted = {run.id for run in own}
        sums = self.sums.of_runs([run for run in self.runs.of_campaign(campaign_id) if run.run_id in wanted])
        return shown(sums, self._names(sums.by_area), self.clock.now())

    def _taken_back(self, run: Run) -> TakenBack:
        frozen = self.store.frozen(run.id)
        if frozen is None:
            raise NotFound("There is no run %(run)s.", run=run.id)
        texts = self._words(frozen.content, frozen.organisation)
        return TakenBack(purpose=run.purpose, at=rfc3339(run.started_at or run.at), texts=texts)

    def _names(self, areas: Any) -> dict[str, Names]:  # noqa: ANN401 - any collection of ids
        return {area: dict(one.names) for area, one in self.areas.many(list(areas)).items()}

    def _words(self, content: Content, organisation: str) -> dict[str, str]:
        return words(content, organisation, dict(self._templates(content)))

    def _templates(self, content: Content) -> Iterator[tuple[tuple[str, str], Template]]:
        """Registered templates of messages that have no words of their own."""
        for language, message in content.messages.get("whatsapp", {}).items():
            if message.template and not message.text:
                named = self.store.named_templates("whatsapp", message.template)
                found = fitting(named, language, message.template_language)
                if found is not None:
                    yield (message.template, message.template_language or language), found
