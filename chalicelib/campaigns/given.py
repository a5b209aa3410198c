"""Campaigns as those who got them see them: what they may publish, what a message said."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import get_args

from chalicelib.campaigns.kits import OPEN, Kits
from chalicelib.campaigns.media import Medium
from chalicelib.campaigns.model import FALLBACK_LANGUAGES, Campaign, Content, PostPlatform
from chalicelib.campaigns.store import CampaignStore, Snapshot
from chalicelib.clock import Clock
from chalicelib.ports import CampaignMedium, CampaignShown

KEPT = 50
ENDED = frozenset({"cancelled", "expired"})


@dataclass(frozen=True)
class Given:
    """Implements ports.CampaignsShown."""

    store: CampaignStore
    clock: Clock
    organisation: str
    media: Callable[[str, str, Iterable[Medium], Sequence[str]], tuple[CampaignMedium, ...]]
    """See Shelf.shown."""
    kept: dict[str, Snapshot] = field(default_factory=dict)
    """What runs sent, which never changes: the last few that were asked for."""

    def shown(self, campaigns: Collection[str], language: str) -> dict[str, CampaignShown]:
        found = self.store.campaigns(campaigns)
        return {one: self._shown(campaign, language) for one, campaign in found.items()}

    def _shown(self, campaign: Campaign, wanted: str) -> CampaignShown:
        content, corrected = campaign.content, False
        if campaign.corrections:
            approved = [one for one in self.store.corrections(campaign.id) if one.status == "approved"]
            corrected = any(one.purpose == "correction" for one in approved)
            content = approved[-1].content(campaign) if corrected else content
        until = campaign.content.expires_at
        over = campaign.status in ENDED or (until is not None and until <= self.clock.now())
        language = _nearest(content, wanted)
        withdrawn = campaign.withdrawn_at is not None
        may = campaign.status in OPEN and not over and not withdrawn
        return CampaignShown(
            id=campaign.id,
            title=campaign.content.title,
            kind=campaign.content.kind,
            compensation=campaign.content.compensation,
            partners=campaign.content.partners,
            language=language,
            disclosure=content.line(language, self.organisation),
            link=content.link,
            posts=self._posts(content, language) if may else {},
            media=self.media("", campaign.id, content.media, (wanted, language)) if may else (),
            withdrawn=withdrawn,
            corrected=corrected,
            over=over,
        )

    def _posts(self, content: Content, language: str) -> dict[str, str]:
        """What was written for each platform; for the others what serves a group there."""
        kits, found = Kits(self.store, self.clock, self.organisation), {}
        for platform in get_args(PostPlatform):
            own = content.post_text(language, platform, self.organisation)
            text = own or kits.texts(content, platform, content.link).get(language, "")
            if text:
                found[platform] = text
        return found

    def words(self, run_id: str, channel: str, language: str, name: str) -> str:
        frozen = self.kept.get(run_id) or self.store.frozen(run_id)
        if frozen is not None:
            if len(self.kept) >= KEPT:
                self.kept.clear()
            self.kept[run_id] = frozen
        if frozen is None or language not in frozen.content.messages.get(channel, {}):  # type: ignore[call-overload]
            return ""
        content, organisation = frozen.content, frozen.organisation
        said = content.render(channel, language, name=name, organisation=organisation)
        if channel != "whatsapp":
            return said.text
        full = content.full_text(channel, language, name=name, organisation=organisation)
        registered = self.store.named_templates(channel, said.template)
        body = next((one for one in registered if one.language == said.template_language), None)
        filled = body.filled(said.params) if body and body.params_count == len(said.params) else ""
        return "\n\n".join(part for part in (filled, full.text if full else "") if part)


def _nearest(content: Content, wanted: str) -> str:
    """The language of its words for who reads `wanted`: that one, else Hindi, English, or the first."""
    written = dict.fromkeys([*content.posts, *(language for _, language, _, _ in content.each())])
    return next((one for one in (wanted, *FALLBACK_LANGUAGES, *written) if one in written), wanted)
