"""The minute's tick of figures, and the hour's of subscriptions."""

from __future__ import annotations

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib import wiring
from chalicelib.events.catalog import (
    DepartmentHandleContested,
    DepartmentHandleProven,
    Envelope,
    HandleContested,
    HandleProven,
    InfluencerErased,
    InfluencerWithdrawn,
)
from chalicelib.ports import department_holder

bp = Blueprint("app")
WORKS_S = 40
"""No batch is begun later: the next minute goes on."""
COUNTS_S = 10
"""Of these, for followers."""
FORGETS_S = 60
"""Nobody is begun later: the next hour goes on."""
FOLLOWS_S = 200
"""No hub is asked later: the next hour goes on."""


@bp.schedule(Rate(1, unit=Rate.MINUTES), name="measure_due")
def measure_due(event: CloudWatchEvent) -> None:
    begun = wiring.clock().epoch()
    try:
        wiring.followers().count(begun + COUNTS_S)
    finally:
        wiring.poller().poll(begun + WORKS_S)


@bp.schedule(Rate(1, unit=Rate.HOURS), name="follow_accounts")
def follow_accounts(event: CloudWatchEvent) -> None:
    wiring.subscriptions().tick(wiring.clock().epoch() + FOLLOWS_S)


@bp.on_cw_event(
    {
        "source": ["janjan.influencers"],
        "detail-type": [InfluencerWithdrawn.name, InfluencerErased.name],
    },
    name="forget_posts",
)
def forget_posts(event: CloudWatchEvent) -> None:
    """Takes a person who has left out of their posts, and away what else is kept of them; of who was erased,
    everything. The event may come twice. Each hour (a second rule, in infra/template.yaml) it goes on with
    what is left of anybody, and takes names off invitations that nobody will send any more."""
    if event.source == "aws.events":
        until = wiring.clock().epoch() + FORGETS_S
        try:
            wiring.invitations().sweep(until)
        finally:
            wiring.erasing().sweep(until)
        return
    envelope = Envelope.model_validate(event.detail)
    person = InfluencerWithdrawn.model_validate(envelope.data).influencer_id
    if event.detail_type == InfluencerErased.name:
        wiring.erasing().forget(person)
        return
    for records in wiring.records_of_leaving():
        records.forget(person)


@bp.on_cw_event(
    {
        "source": ["janjan.influencers", "janjan.departments"],
        "detail-type": [
            HandleProven.name,
            HandleContested.name,
            DepartmentHandleProven.name,
            DepartmentHandleContested.name,
        ],
    },
    name="weigh_posts",
)
def weigh_posts(event: CloudWatchEvent) -> None:
    """Looks anew whose posts are that a person or department has handed in: an account was shown to be
    theirs, or somebody else's. The event may come twice."""
    envelope = Envelope.model_validate(event.detail)
    if event.source == f"janjan.{DepartmentHandleProven.feature}":
        department = DepartmentHandleProven.model_validate(envelope.data).department
        wiring.posts().weigh_again(department_holder(department))
    else:
        wiring.posts().weigh_again(HandleProven.model_validate(envelope.data).influencer_id)
