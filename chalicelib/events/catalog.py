"""Every event that JanJan publishes: its name, version and data. Ids only, no name, number or message text.

Readers ignore what they do not know; only fields with defaults are added; a break is a V2 beside V1.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from chalicelib.shapes import View


class Event(View):
    """What happened, in one feature."""

    name: ClassVar[str]
    feature: ClassVar[str]
    version: ClassVar[int] = 1


class _OfInfluencer(Event):
    feature = "influencers"
    influencer_id: str
    area: str = ""


class InfluencerSignedUp(_OfInfluencer):
    """Somebody sent the signup form; nothing is proven yet."""

    name = "influencer.signed_up"


class InfluencerVerified(_OfInfluencer):
    """A person proved their channel; a review is due."""

    name = "influencer.verified"
    channel: str = ""


class InfluencerApproved(_OfInfluencer):
    """A reviewer let a person in; the welcome follows."""

    name = "influencer.approved"
    ambassador_of: str = ""


class InfluencerDeclined(_OfInfluencer):
    """A reviewer said no, with a reason."""

    name = "influencer.declined"


class InfluencerSuspended(_OfInfluencer):
    """A reviewer took somebody off the register for the time being, with a reason."""

    name = "influencer.suspended"


class InfluencerMoved(_OfInfluencer):
    """A person has named another home, `area`. `review`: they were approved elsewhere, and wait for a review
    there."""

    name = "influencer.moved"
    review: bool = False


class InfluencerWithdrawn(_OfInfluencer):
    """A person left."""

    name = "influencer.withdrawn"


class InfluencerErased(_OfInfluencer):
    """Somebody had all that is kept of them erased: whoever keeps something of this id erases it too."""

    name = "influencer.erased"


class HandleProven(_OfInfluencer):
    """A person showed that an account is theirs."""

    name = "influencer.handle_proven"
    handle_id: str = ""


class HandleContested(_OfInfluencer):
    """A person lost an account that they had registered to the proof of somebody else: a reviewer may ask."""

    name = "influencer.handle_contested"
    handle_id: str = ""


class _OfDepartment(Event):
    feature = "departments"
    department: str


class DepartmentHandleProven(_OfDepartment):
    """An account was shown to be a department's."""

    name = "department.handle_proven"
    handle_id: str = ""


class DepartmentHandleContested(_OfDepartment):
    """A department lost an account that it had stated to the proof of somebody else."""

    name = "department.handle_contested"
    handle_id: str = ""


class _OfCampaign(Event):
    feature = "campaigns"
    campaign_id: str
    department: str = ""


class CampaignSubmitted(_OfCampaign):
    """An author asks for a second person's approval."""

    name = "campaign.submitted"


class CampaignApproved(_OfCampaign):
    """A second person approved the campaign."""

    name = "campaign.approved"


class _OfRun(Event):
    feature = "campaigns"
    run_id: str
    campaign_id: str


class RunScheduled(_OfRun):
    """A run has its time, `at`. Right before it `missed` occurrences of its series were passed over."""

    name = "run.scheduled"
    at: str = ""
    missed: int = 0


class RunStarted(_OfRun):
    """A run's planning has begun."""

    name = "run.started"


class RunDispatched(_OfRun):
    """Everybody of a run has an outcome."""

    name = "run.dispatched"


class RunPaused(_OfRun):
    """A run waits until somebody lets it go on, or until its time is over."""

    name = "run.paused"


class RunCancelled(_OfRun):
    """A run was called off."""

    name = "run.cancelled"


class RunExpired(_OfRun):
    """A run's time was over before everybody was sent to: `left` people were planned and not sent to."""

    name = "run.expired"
    left: int = 0


class DeliveryUnknown(Event):
    """A request went out and no answer came: a person decides."""

    name = "delivery.unknown"
    feature = "dispatch"
    delivery_key: str
    run_id: str


class DeliveryOptedOut(Event):
    """A person said stop on a channel, or its address takes nothing any more."""

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


class PostSubmitted(Event):
    """A post was handed in for the first time, or its campaign was told. Of an influencer's post,
    `influencer_id` is theirs; of a department's own, `department` is."""

    name = "post.submitted"
    feature = "metrics"
    post_id: str
    platform: str
    influencer_id: str = ""
    department: str = ""
    campaign_id: str = ""


class PostMeasured(Event):
    """A platform told other figures of a post than before (grade `verified`), or its creator did
    (`declared`)."""

    name = "post.measured"
    feature = "metrics"
    post_id: str
    platform: str
    grade: str


class _OfAppeal(Event):
    feature = "policies"
    appeal_id: str
    influencer_id: str
    area: str = ""
    subject: str = ""


class AppealOpened(_OfAppeal):
    """A creator asks that a decision be looked at again: `subject` is `tier`, `review` or `handle`."""

    name = "appeal.opened"


class AppealAnswered(_OfAppeal):
    """Somebody else than decided has answered an appeal: `outcome` is `granted` or `refused`."""

    name = "appeal.answered"
    outcome: str = ""


class _OfVoice(Event):
    feature = "voices"
    voice_id: str
    department: str = ""
    area: str = ""


class VoiceReceived(_OfVoice):
    """A problem or a suggestion came in. With a department it was routed there at once."""

    name = "voice.received"
    kind: str = ""
    source: str = ""


class VoiceAssigned(_OfVoice):
    """A rule, its sender or a person gave a voice to a department."""

    name = "voice.assigned"


class VoiceAnswered(_OfVoice):
    """A department answered; `answer` is the number of the answer."""

    name = "voice.answered"
    answer: int = 0


class VoiceOverdue(_OfVoice):
    """A deadline is over: `step` is `answer_over` or `resolve_over`."""

    name = "voice.overdue"
    step: str = ""


class VoiceResolved(_OfVoice):
    """What a voice asked for was done."""

    name = "voice.resolved"


class VoiceDeclined(_OfVoice):
    """What a voice asked for is not done, with a reason."""

    name = "voice.declined"


class VoiceReopened(_OfVoice):
    """A closed voice is open again."""

    name = "voice.reopened"
    by_citizen: bool = False


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
        InfluencerSuspended,
        InfluencerMoved,
        InfluencerWithdrawn,
        InfluencerErased,
        HandleProven,
        HandleContested,
        DepartmentHandleProven,
        DepartmentHandleContested,
        CampaignSubmitted,
        CampaignApproved,
        RunScheduled,
        RunStarted,
        RunDispatched,
        RunPaused,
        RunCancelled,
        RunExpired,
        DeliveryUnknown,
        DeliveryOptedOut,
        ChannelStopped,
        PostSubmitted,
        PostMeasured,
        AppealOpened,
        AppealAnswered,
        VoiceReceived,
        VoiceAssigned,
        VoiceAnswered,
        VoiceOverdue,
        VoiceResolved,
        VoiceDeclined,
        VoiceReopened,
        CallbackUnknown,
    )
}


class Envelope(View):
    """The `detail` on the bus. `id` is the same for every repetition: consumers deduplicate by it."""

    id: str
    version: int
    occurred_at: datetime
    data: dict[str, Any]
