"""A webhook's body on its way through the queue; one that is too large for a message waits in the bucket."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from datetime import datetime

from chalicelib import aws
from chalicelib.clock import parse_rfc3339, rfc3339
from chalicelib.ids import new_id
from chalicelib.queues import Queue

MOST_IN_A_MESSAGE = 700_000
"""Bytes; as base64 and with its envelope it stays under the 1 MiB of an SQS message."""
ZIPPED_FROM = 4096
"""Bytes from which a body is packed: SQS charges for each 64 KB, and statuses pack to a tenth."""
FOLDER = "callbacks/"
"""Objects under it are removed after 30 days."""


@dataclass(frozen=True)
class Bucket:
    """The bodies that no queue message or table item can hold."""

    name: str

    def put(self, body: bytes) -> str:
        """Stores `body` and gives its key."""
        key = f"{FOLDER}{new_id('cb')}"
        aws.client("s3").put_object(Bucket=self.name, Key=key, Body=body)
        return key

    def get(self, key: str) -> bytes:
        """The body stored under `key`."""
        body: bytes = aws.client("s3").get_object(Bucket=self.name, Key=key)["Body"].read()
        return body


@dataclass(frozen=True)
class Letter:
    """One verified webhook: `id` is that of its queue message."""

    id: str
    platform: str
    received_at: datetime
    body: bytes


@dataclass(frozen=True)
class Letterbox:
    """The queue of callbacks."""

    queue: Queue
    bucket: Bucket

    def post(self, platform: str, received_at: datetime, body: bytes) -> None:
        """Queues a body, in one call unless it needs the bucket. Base64: SQS refuses some characters of valid
        UTF-8, and a body that it refuses would be repeated by the platform for days."""
        message = {"platform": platform, "received_at": rfc3339(received_at)}
        if len(body) > MOST_IN_A_MESSAGE:
            message["object"] = self.bucket.put(body)
        elif len(body) >= ZIPPED_FROM:
            message["zipped"] = base64.b64encode(zlib.compress(body, 1)).decode("ascii")
        else:
            message["body"] = base64.b64encode(body).decode("ascii")
        self.queue.put([message])

    def open(self, message_id: str, text: str) -> Letter:
        """The letter that the text of a queue message holds or points to; or that a topic of ours sent, whose
        name ends in its platform's."""
        message = json.loads(text)
        if "TopicArn" in message:  # SNS hands over in an envelope of its own
            at, platform = parse_rfc3339(message["Timestamp"]), message["TopicArn"].rpartition("-")[2]
            return Letter(message_id, platform, at, text.encode("utf-8"))
        at = parse_rfc3339(message["received_at"])
        return Letter(message_id, message["platform"], at, self._body(message))

    def _body(self, message: dict[str, str]) -> bytes:
        if "object" in message:
            return self.bucket.get(message["object"])
        if "zipped" in message:
            return zlib.decompress(base64.b64decode(message["zipped"]))
        return base64.b64decode(message["body"])
