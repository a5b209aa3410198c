"""Campaigns that a platform's word halts: paused as by a person, for a person to look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.campaigns.model import split_run_id
from chalicelib.campaigns.service import Campaigns
from chalicelib.campaigns.store import CampaignStore
from chalicelib.errors import Conflict, NotFound
from chalicelib.identity.roles import Principal
from chalicelib.telemetry import count, logger

SYSTEM = Principal("system", "", "", frozenset({"admin"}))
ANY_TIME = datetime(9999, 1, 1, tzinfo=UTC)
RUNS_AT_MOST = 1000


@dataclass(frozen=True)
class Halts:
    """Implements ports.CampaignHalts."""

    campaigns: Campaigns
    store: CampaignStore

    def pause_campaign(self, campaign_id: str, code: str) -> None:
        """Pauses a campaign after a platform's word; nothing when it cannot be paused (any more)."""
        try:
            self.campaigns.pause(SYSTEM, campaign_id, code)
        except (Conflict, NotFound):
            logger.info("not paused", extra={"campaign": campaign_id, "code": code})
        else:
            count("CampaignPaused")
            logger.error("campaign paused", extra={"campaign": campaign_id, "code": code})

    def pause_template(self, platform: str, template: str, language: str, code: str) -> None:
        """Pauses the campaigns, scheduled or under way, that send this template."""
        for run in [*self.store.dispatching(), *self.store.due(ANY_TIME, RUNS_AT_MOST)]:
            frozen, key = self.store.frozen(run), split_run_id(run)
            if frozen is None or key is None:
                continue
            sent = {
                (channel, message.template, message.template_language or spoken)
                for channel, spoken, message, _ in frozen.content.each()
            }
            if (platform, template, language) in sent:
                self.pause_campaign(key[0], code)
