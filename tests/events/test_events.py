"""From a committed change to an event on the bus, and the published shapes."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import boto3
import jsonschema
import pytest

from chalicelib.errors import Transient
from chalicelib.events.bus import Bus, Entry
from chalicelib.events.catalog import CATALOG, DeliveryUnknown, Envelope, InfluencerApproved
from chalicelib.events.outbox import Outbox, entry_of, raise_event
from scripts.write_schemas import FOLDER, files

AT = datetime(2026, 11, 2, 5, 30, tzinfo=UTC)


def record(rev: int | None, old_rev: int | None = None, event: str | None = None) -> dict:
    def image(n: int | None) -> dict:
        keys = {"pk": {"S": "inf_1"}, "sk": {"S": "profile"}}
        return keys | ({"rev": {"N": str(n)}} if n is not None else {})

    new = image(rev) | ({"event": {"S": event}} if event else {})
    return {"eventName": "MODIFY", "dynamodb": {"NewImage": new, "OldImage": image(old_rev)}}


APPROVED = raise_event(InfluencerApproved(influencer_id="inf_1", area="D1"), AT)


def test_a_change_with_a_new_revision_calls_for_its_event():
    entry = entry_of(record(2, 1, APPROVED))
    assert entry is not None
    assert (entry.name, entry.feature, entry.version) == ("influencer.approved", "influencers", 1)
    assert entry.occurred_at == "2026-11-02T05:30:00Z"
    assert entry.data == {"influencer_id": "inf_1", "area": "D1", "ambassador_of": ""}


def test_the_same_change_read_twice_has_the_same_id_and_the_next_change_another():
    first, again, later = (entry_of(record(n, n - 1, APPROVED)) for n in (2, 2, 3))
    assert first.id == again.id != later.id  # type: ignore[union-attr]


def test_a_first_write_calls_for_its_event_too():
    insert = {"dynamodb": {"NewImage": record(1, None, APPROVED)["dynamodb"]["NewImage"]}}
    assert entry_of(insert) is not None


@pytest.mark.parametrize(
    "silent",
    [
        record(2, 2, APPROVED),
        record(2, 1),
        {"eventName": "REMOVE", "dynamodb": {"OldImage": {"pk": {"S": "a"}, "rev": {"N": "1"}}}},
        {"dynamodb": {"Keys": {}}},
    ],
)
def test_other_changes_call_for_none(silent):
    assert entry_of(silent) is None


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_the_published_schema_is_in_step_with_the_catalogue(name):
    wanted = files()[f"{name}.v{CATALOG[name].version}.json"]
    assert (FOLDER / f"{name}.v{CATALOG[name].version}.json").read_text() == wanted
    jsonschema.Draft202012Validator.check_schema(json.loads(wanted))


def test_no_schema_is_left_over():
    assert {p.name for p in FOLDER.iterdir()} == set(files())


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_events_carry_ids_only(name):
    personal = {"name", "phone", "email", "text", "address", "recipient", "message"}
    assert not personal & set(CATALOG[name].model_fields)


def test_a_reader_ignores_what_it_does_not_know():
    detail = {
        "id": "1",
        "version": 1,
        "occurred_at": AT,
        "data": {"influencer_id": "inf_1", "new": 1},
        "later": 2,
    }
    envelope = Envelope.model_validate(detail)
    assert InfluencerApproved.model_validate(envelope.data).influencer_id == "inf_1"


@pytest.fixture
def bus_and_queue(tables):
    events, sqs = boto3.client("events"), boto3.client("sqs")
    events.create_event_bus(Name="janjan-local")
    url = sqs.create_queue(QueueName="seen")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = json.dumps({"source": [{"prefix": "janjan."}]})
    events.put_rule(Name="all", EventBusName="janjan-local", EventPattern=pattern)
    events.put_targets(Rule="all", EventBusName="janjan-local", Targets=[{"Id": "q", "Arn": arn}])
    return Bus("janjan-local"), sqs, url


def received(sqs, url) -> list[dict]:
    found: list[dict] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
        "Messages"
    ):
        found += [json.loads(m["Body"]) for m in messages]
        for m in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
    return found


def test_what_the_stream_brought_reaches_the_bus_and_fits_its_schema(bus_and_queue):
    bus, sqs, url = bus_and_queue
    assert Outbox(bus).publish([record(n, n - 1, APPROVED) for n in range(1, 13)]) == 12
    found = received(sqs, url)
    assert len({event["detail"]["id"] for event in found}) == 12
    schema = json.loads(files()["influencer.approved.v1.json"])
    for event in found:
        assert (event["source"], event["detail-type"]) == ("janjan.influencers", "influencer.approved")
        jsonschema.validate(event["detail"], schema)


class Stubborn(Bus):
    """A bus that refuses the entry of one id a number of times."""

    refusals = 0
    put: list[str] = []

    def _put(self, entries: list[Entry]) -> list[Entry]:
        type(self).put += [e.id for e in entries]
        if type(self).refusals and len(entries) > 0:
            type(self).refusals -= 1
            return entries[:1]
        return []


def entries(count: int) -> list[Entry]:
    return [Entry.of(DeliveryUnknown(delivery_key=f"k{n}", run_id="r"), f"k{n}", AT) for n in range(count)]


def test_a_refused_entry_is_put_again_alone():
    Stubborn.refusals, Stubborn.put = 1, []
    assert Stubborn("b").publish(entries(12)) == 12
    assert len(Stubborn.put) == 13


def test_a_bus_that_keeps_refusing_makes_the_batch_come_again():
    Stubborn.refusals, Stubborn.put = 9, []
    with pytest.raises(Transient):
        Stubborn("b").publish(entries(2))
