"""Service messages: asked for by signup and by approval, sent from a queue."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from chalice.app import Blueprint, CloudWatchEvent, SQSEvent

from chalicelib import wiring
from chalicelib.batches import each_record
from chalicelib.errors import OnHold
from chalicelib.events.catalog import AppealAnswered, Envelope, InfluencerApproved

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

bp = Blueprint("app")


@bp.on_sqs_message(queue="service", batch_size=10, name="send_service")
def send_service(event: SQSEvent) -> PartialItemFailureResponse:
    def one(record: SQSRecord) -> None:
        message = json.loads(record.body)
        try:
            if message["kind"] == "voice_picture":
                wiring.gallery().fetch(message)
            elif message["kind"] == "invitation":
                wiring.invitations().deliver(message["invitation"])
            else:
                wiring.messenger().deliver(message)
        except OnHold as hold:  # a new message before the old one is deleted: waiting wears out no retry
            wiring.service_queue().put([message], hold.retry_after_s)

    return each_record(event, one)


@bp.on_cw_event(
    {
        "source": ["janjan.influencers", "janjan.policies"],
        "detail-type": [InfluencerApproved.name, AppealAnswered.name],
    },
    name="welcome",
)
def welcome(event: CloudWatchEvent) -> None:
    """Asks for the welcome, or for the word that an appeal was answered. The event may come twice: its id is
    the message's key."""
    envelope = Envelope.model_validate(event.detail)
    wanted = {"kind": "welcome", "event": envelope.id}
    if event.detail_type == AppealAnswered.name:
        wanted |= {"kind": "notice", "notice": "appeal_answered"}
    wanted["influencer"] = InfluencerApproved.model_validate(envelope.data).influencer_id
    wiring.service_queue().put([wanted])
