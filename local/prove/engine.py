"""The embedded DynamoDB inside this process: a call takes a millisecond, and its wire can have faults.

The SDK, its retries and its reading of errors are the real ones; only the connection is not.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from local.dynamodb import DynamoDB, answer, operation_of

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


class Engine:
    """DynamoDB's tables in memory. `through`, when set, stands between the SDK and the engine: it is given
    the operation and a function that does it, and gives (status, body), or raises as a connection would."""

    def __init__(self) -> None:
        os.environ.update(ENVIRONMENT)
        import botocore.endpoint

        from chalicelib import aws

        self._dynamodb = DynamoDB()
        self.empty, self.items = self._dynamodb.empty, self._dynamodb.items
        self.through: Callable[[str, Callable[[], tuple[int, bytes]]], tuple[int, bytes]] | None = None
        self.sleep: Callable[[float], None] = lambda _: None
        aws.forget_clients()
        aws.client("dynamodb").meta.events.register("before-send.dynamodb.*", self._answer)
        botocore.endpoint.time = SimpleNamespace(sleep=self._wait)

    def _wait(self, seconds: float) -> None:
        self.sleep(seconds)

    def _answer(self, request: Any, **_: object) -> Any:  # noqa: ANN401 - botocore's own
        def act() -> tuple[int, bytes]:
            return self._dynamodb.act(request)

        return answer(request, *(self.through(operation_of(request), act) if self.through else act()))


def refusal(code: str) -> tuple[int, bytes]:
    """DynamoDB's answer of an error."""
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "a fault of the proof"}
    return 500 if code == "InternalServerError" else 400, json.dumps(body).encode()
