"""The embedded DynamoDB inside this process: a call costs a third of what it costs over HTTP.

The SDK, its retries and its reading of errors are the real ones; only the connection is not.
"""

from __future__ import annotations

import copy
import json
import threading
import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any

from local.tables import definitions

ACCOUNT, REGION = "000000000000", "ap-south-1"
TABLES, STREAMS = "DynamoDB_20120810", "DynamoDBStreams_20120810"


@dataclass(frozen=True)
class Body:
    """An answer's body as botocore reads it."""

    content: bytes

    def stream(self, **_: object) -> Any:  # noqa: ANN401 - an iterator of bytes
        yield self.content


class DynamoDB:
    """DynamoDB's tables in memory; calls come one after the other, as in the engine's own process."""

    def __init__(self) -> None:
        from ministack.core.responses import request_scope
        from ministack.services import dynamodb, dynamodb_streams

        self._scope = partial(request_scope, ACCOUNT, REGION)
        self._dynamodb, self._services = dynamodb, {TABLES: dynamodb, STREAMS: dynamodb_streams}
        self._one_by_one = threading.Lock()
        self._made: dict[str, Any] = {}

    def empty(self) -> None:
        """Makes the template's tables anew."""
        self._dynamodb.reset()
        if not self._made:
            for wanted in definitions():
                self._do({"x-amz-target": f"{TABLES}.CreateTable"}, json.dumps(wanted).encode())
            self._made = self._dynamodb.get_state()
        self._dynamodb.load_persisted_state(copy.deepcopy(self._made))

    def items(self, table: str) -> list[dict[str, Any]]:
        """The items of a table as DynamoDB has them, without asking it."""
        with self._scope():
            kept = self._dynamodb._tables[f"janjan-local-{table}"]["items"]
        return [item for of_partition in kept.values() for item in of_partition.values()]

    def act(self, request: Any) -> tuple[int, bytes]:  # noqa: ANN401 - botocore's own
        """Does what is asked; gives the status and the body of the answer."""
        return self._do({name.lower(): _text(value) for name, value in request.headers.items()}, request.body)

    def _do(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        service = self._services[headers["x-amz-target"].partition(".")[0]]
        with self._one_by_one, self._scope():
            try:
                service.handle_request("POST", "/", headers, body, {}).send(None)
            except StopIteration as done:
                status, _, content = done.value
                return status, content if isinstance(content, bytes) else content.encode()
        raise RuntimeError("the engine waits for something: it cannot be run in one step")


def operation_of(request: Any) -> str:  # noqa: ANN401 - botocore's own
    """Which operation of DynamoDB or of its streams is asked for; empty for another service."""
    service, _, operation = _text(request.headers.get("X-Amz-Target", "")).partition(".")
    return operation if service in {TABLES, STREAMS} else ""


def answer(request: Any, status: int, content: bytes) -> Any:  # noqa: ANN401 - botocore's own
    """An answer as botocore's HTTP session would give it."""
    from botocore.awsrequest import AWSResponse

    return AWSResponse(request.url, status, {"x-amzn-requestid": uuid.uuid4().hex}, Body(content))


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
