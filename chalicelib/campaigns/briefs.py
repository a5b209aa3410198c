"""Campaigns in short, for other features."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.campaigns.store import CampaignStore
from chalicelib.ports import CampaignBrief


@dataclass(frozen=True)
class Briefs:
    """Implements ports.Briefs."""

    store: CampaignStore

    def brief(self, campaign_id: str) -> CampaignBrief | None:
        found = self.store.campaign(campaign_id)
        if found is None:
            return None
        content = found.content
        return CampaignBrief(
            found.id,
            content.title,
            content.department,
            content.compensation,
            content.theme,
            content.schemes,
        )
