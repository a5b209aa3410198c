"""Every event that JanJan publishes: its name, version and data. Ids only, no name, number or message text.

Readers ignore what they do not know; only fields with defaults are added; a break is a V2 beside V1.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """What happened, in one feature."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    name: ClassVar[str]
    feature: ClassVar[str]
    version: ClassVar[int] = 1


class _OfInfluencer(Event):
    feature = "influencers"
    influencer_id: str
    area: str = ""


class InfluencerSignedUp(_OfInfluencer):
    name = "influencer.signed_up"


class InfluencerVerified(_OfInfluencer):
    name = "influencer.verified"
    channel: str = ""


class InfluencerApproved(_OfInfluencer):
    name = "influencer.approved"
    ambassador_of: str = ""


class InfluencerDeclined(_OfInfluencer):
    name = "influencer.declined"


class InfluencerWithdrawn(_OfInfluencer):
    name = "influencer.withdrawn"


class _OfCampaign(Event):
    feature = "campaigns"
    campaign_id: str
    department: str = ""


class CampaignSubmitted(_OfCampaign):
    name = "campaign.submitted"


class CampaignApproved(_OfCampaign):
    name = "campaign.approved"


class _OfRun(Event):
    feature = "campaigns"
    run_id: str
    campaign_id: str


class RunScheduled(_OfRun):
    name = "run.scheduled"
    at: str = ""


class RunStarted(_OfRun):
    name = "run.started"


class RunDispatched(_OfRun):
    name = "run.dispatched"


class RunExpired(_OfRun):
    name = "run.expired"


class DeliveryUnknown(Event):
    """A request went out and no answer came: a person decides."""

    name = "delivery.unknown"
    feature = "dispatch"
    delivery_key: str
    run_id: str


class DeliveryOptedOut(Event):
    name = "delivery.opted_out"
    feature = "influencers"
    influencer_id: str
    channel: str


class ChannelStopped(Event):
    """A platform's answer means that the whole channel must rest until a person looks."""

    name = "channel.stopped"
    feature = "dispatch"
    channel_id: str
    code: str = ""


class CallbackUnknown(Event):
    """A callback of a kind that we do not know; its raw body is kept 30 days."""

    name = "callback.unknown"
    feature = "callbacks"
    platform: str
    kind: str
    callback_id: str


CATALOG: dict[str, type[Event]] = {
    event.name: event
    for event in (
        InfluencerSignedUp,
        InfluencerVerified,
        InfluencerApproved,
        InfluencerDeclined,
        InfluencerWithdrawn,
        CampaignSubmitted,
        CampaignApproved,
        RunScheduled,
        RunStarted,
        RunDispatched,
        RunExpired,
        DeliveryUnknown,
        DeliveryOptedOut,
        ChannelStopped,
        CallbackUnknown,
    )
}


class Envelope(BaseModel):
    """The `detail` on the bus. `id` is the same for every repetition: consumers deduplicate by it."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    id: str
    version: int
    occurred_at: datetime
    data: dict[str, Any]
