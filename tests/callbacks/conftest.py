"""The application on the embedded AWS with tables, queue, bus, bucket and secret, without a deployment."""

import json
from dataclasses import dataclass

import boto3
import pytest
from chalice.test import Client

from local.config import platform_secret

BUCKET = "janjan-local-callbacks-test"


@dataclass
class House:
    """What tests look at."""

    client: Client
    queue_url: str
    bus_queue_url: str

    def queued(self):
        """Takes all messages off the queue of callbacks: bodies by message id."""
        return self._take(self.queue_url)

    def published(self):
        """Takes all events that reached the bus."""
        return [json.loads(body) for body in self._take(self.bus_queue_url).values()]

    def _take(self, url):
        sqs, found = boto3.client("sqs"), {}
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found[message["MessageId"]] = message["Body"]
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found


@pytest.fixture
def house(tables, monkeypatch):
    from tests.conftest import use_environment  # noqa: PLC0415 - conftest of the whole

    sqs, events = boto3.client("sqs"), boto3.client("events")
    queue_url = sqs.create_queue(QueueName="callbacks")["QueueUrl"]
    bus_queue_url = sqs.create_queue(QueueName="events")["QueueUrl"]
    events.create_event_bus(Name="janjan-local")
    events.put_rule(
        Name="all", EventBusName="janjan-local", EventPattern='{"source": [{"prefix": "janjan."}]}'
    )
    arn = sqs.get_queue_attributes(QueueUrl=bus_queue_url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    events.put_targets(Rule="all", EventBusName="janjan-local", Targets=[{"Id": "q", "Arn": arn}])
    boto3.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-south-1"}
    )
    boto3.client("secretsmanager").create_secret(
        Name="janjan/local/platforms", SecretString=json.dumps(platform_secret())
    )
    use_environment(
        {
            "CALLBACKS_QUEUE_URL": queue_url,
            "BUCKET": BUCKET,
            "BUS": "janjan-local",
            "PLATFORM_URL": "http://127.0.0.1:9",  # nobody answers
        }
    )
    from app import app  # noqa: PLC0415 - after the environment stands
    from chalicelib import wiring  # noqa: PLC0415
    from tests.callbacks.fakes import FakeVoices  # noqa: PLC0415

    monkeypatch.setattr(wiring, "hearing", FakeVoices)  # what is heard as a voice: tests/voices

    with Client(app) as client:
        yield House(client, queue_url, bus_queue_url)
