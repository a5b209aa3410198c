"""What of a campaign is handed to a group: its words in each language, in which its own link is a tracked
one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.campaigns import messages as m
from chalicelib.campaigns.model import Content, Status
from chalicelib.campaigns.store import CampaignStore
from chalicelib.clock import Clock
from chalicelib.ports import CampaignKit

OPEN: frozenset[Status] = frozenset({"approved", "scheduled", "dispatching", "dispatched"})
"""States in which a second person stands for its words, and nobody holds them back."""
CALLED = {"hi": "साथियो", "en": "friends"}
"""Whom a text for one person speaks to in a group."""
ELSE = ("telegram", "whatsapp", "email")
"""Whose text serves where the campaign has none for the group's platform."""


@dataclass(frozen=True)
class Kits:
    """Implements ports.Kits."""

    store: CampaignStore
    clock: Clock
    organisation: str

    def kit(self, campaign_id: str, platform: str, tracked: str) -> CampaignKit | None:
        campaign = self.store.campaign(campaign_id)
        if campaign is None or campaign.status not in OPEN or campaign.withdrawn_at is not None:
            return None
        if campaign.content.expires_at is not None and campaign.content.expires_at <= self.clock.now():
            return None
        approved = [one for one in self.store.corrections(campaign_id) if one.status == "approved"]
        content = approved[-1].content(campaign) if approved else campaign.content
        return CampaignKit(
            id=campaign.id,
            title=content.title,
            kind=content.kind,
            link=content.link,
            texts=self.texts(content, platform, tracked if content.link else ""),
            overrides=campaign.overridden,
            department=content.department,
            areas=frozenset(content.audience.areas),
        )

    def texts(self, content: Content, platform: str, link: str) -> Mapping[str, str]:
        """What a message of the campaign says to many, by language, with `link` in place of its own."""
        found: dict[str, str] = {}
        for channel in (platform, *ELSE):
            for language, message in content.messages.get(channel, {}).items():  # type: ignore[call-overload]
                if message.text and language not in found:
                    found[language] = self._text(content, language, message, link)
        return found

    def _text(self, content: Content, language: str, message: m.Message, link: str) -> str:
        line = content.line(language, self.organisation)
        name = CALLED.get(language, CALLED["en"])
        text = m.full_text(message, name=name, disclosure=line, link=link).text
        return text if not link or "{link}" in message.text else f"{text}\n\n{link}"
