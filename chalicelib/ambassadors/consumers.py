"""Reviews and departures -> appointments."""

from __future__ import annotations

from chalice.app import Blueprint, CloudWatchEvent

from chalicelib import wiring
from chalicelib.events.catalog import Envelope, InfluencerApproved

bp = Blueprint("app")
AREAS = [{"prefix": "D"}, {"prefix": "IN"}]
"""How ids of areas begin: most approvals make nobody ambassador, and call nobody."""


@bp.on_cw_event(
    {
        "source": ["janjan.influencers"],
        "detail-type": [InfluencerApproved.name],
        "detail": {"data": {"ambassador_of": AREAS}},
    },
    name="keep_ambassadors",
)
def keep_ambassadors(event: CloudWatchEvent) -> None:
    """Appoints whom a review has made ambassador, and ends the appointments of who was suspended or has left
    (a second rule, in infra/template.yaml). The event may come twice, late, or in another order."""
    envelope = Envelope.model_validate(event.detail)
    told = InfluencerApproved.model_validate(envelope.data)
    wiring.ambassadors().person_changed(
        told.influencer_id, envelope.id, envelope.occurred_at, told.ambassador_of
    )
