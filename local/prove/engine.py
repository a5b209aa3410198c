"""The embedded DynamoDB inside this process: a call takes a millisecond, and its wire can have faults.

The SDK, its retries and its reading of errors are the real ones; only the connection is not.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

ENVIRONMENT = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "ap-south-1",
    "AWS_REGION": "ap-south-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "STAGE": "local",
}
"""Nothing listens on port 9: a call that the wire does not catch fails."""


@dataclass(frozen=True)
class Body:
    """An answer's body as botocore reads it."""

    content: bytes

    def stream(self, **_: object) -> Any:  # noqa: ANN401 - an iterator of bytes
        yield self.content


class Engine:
    """DynamoDB's tables in memory. `through`, when set, stands between the SDK and the engine: it is given
    the operation and a function that does it, and gives (status, body), or raises as a connection would."""

    def __init__(self) -> None:
        os.environ.update(ENVIRONMENT)
        import botocore.endpoint
        from ministack.services import dynamodb

        from chalicelib import aws

        self._dynamodb = dynamodb
        self.through: Callable[[str, Callable[[], tuple[int, bytes]]], tuple[int, bytes]] | None = None
        self.sleep: Callable[[float], None] = lambda _: None
        aws.forget_clients()
        aws.client("dynamodb").meta.events.register("before-send.dynamodb.*", self._answer)
        botocore.endpoint.time = SimpleNamespace(sleep=self._wait)

    def empty(self) -> None:
        """Makes the template's tables anew."""
        import boto3

        from tests.conftest import create_tables

        self._dynamodb.reset()
        made, boto3.client = boto3.client, lambda *_, **__: _client()  # type: ignore[assignment]
        try:
            create_tables()
        finally:
            boto3.client = made

    def _wait(self, seconds: float) -> None:
        self.sleep(seconds)

    def items(self, table: str) -> list[dict[str, Any]]:
        """The items of a table as DynamoDB has them, without asking it."""
        kept = self._dynamodb._tables[f"janjan-local-{table}"]["items"]
        return [item for of_partition in kept.values() for item in of_partition.values()]

    def _answer(self, request: Any, **_: object) -> Any:  # noqa: ANN401 - botocore's own
        from botocore.awsrequest import AWSResponse

        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        operation = headers["x-amz-target"].rpartition(".")[2]

        def act() -> tuple[int, bytes]:
            return self._act(headers, request.body)

        status, content = self.through(operation, act) if self.through else act()
        return AWSResponse(request.url, status, {"x-amzn-requestid": uuid.uuid4().hex}, Body(content))

    def _act(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        try:
            self._dynamodb.handle_request("POST", "/", headers, body, {}).send(None)
        except StopIteration as done:
            status, _, content = done.value
            return status, content if isinstance(content, bytes) else content.encode()
        raise RuntimeError("the engine waits for something: it cannot be run in one step")


def refusal(code: str) -> tuple[int, bytes]:
    """DynamoDB's answer of an error."""
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "a fault of the proof"}
    return 500 if code == "InternalServerError" else 400, json.dumps(body).encode()


def _client() -> Any:  # noqa: ANN401
    from chalicelib import aws

    return aws.client("dynamodb")


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
