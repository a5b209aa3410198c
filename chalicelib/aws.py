"""AWS clients: made on first use, one of each a process, every call with a time-out."""

from __future__ import annotations

import json
import os
import threading
from functools import cache
from typing import Any

from chalicelib.settings import settings

_making = threading.Lock()


@cache
def _client(service: str) -> Any:  # noqa: ANN401 - boto3 builds its clients at run time
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=2,
        read_timeout=8,
        retries={"mode": "standard", "total_max_attempts": 4},
        max_pool_connections=16,
        parameter_validation=service != "dynamodb",  # PynamoDB has checked them already
    )
    make: Any = boto3.client  # typed by hundreds of literals, none of which is a plain str
    made = make(service, config=config)
    if settings().record_calls:
        made.meta.events.register("before-parameter-build.*.*", _note_resources)
        made.meta.events.register("after-call.*.*", _record)
    return made


def client(service: str) -> Any:  # noqa: ANN401
    """The process's client of `service` (`sqs`, `events`, …). Reads AWS_ENDPOINT_URL on the laptop."""
    with _making:  # boto3.client is not thread-safe
        return _client(service)


def forget_clients() -> None:
    """Makes the next call of `client` make a new one (tests move between engines)."""
    _client.cache_clear()


def _note_resources(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    """Remembers what a call is about, for `_record`: tables, queue, secret, pool, bus or object; and how
    large its messages are."""
    named = ("TableName", "QueueUrl", "SecretId", "UserPoolId", "Bucket", "IndexName", "Key")
    found = {name: params[name] for name in named if isinstance(params.get(name), str)}
    if "TransactItems" in params:
        items = [(action, what) for item in params["TransactItems"] for action, what in item.items()]
        found["Transaction"] = sorted({f"{action} {what['TableName']}" for action, what in items})
    if "RequestItems" in params:
        found["Batch"] = sorted(params["RequestItems"])
        found["Requests"] = sum(
            len(asked["Keys"] if isinstance(asked, dict) else asked)
            for asked in params["RequestItems"].values()
        )
    if "Entries" in params:
        found["Bodies"] = [len(str(entry.get("MessageBody", "")).encode()) for entry in params["Entries"]]
    context["resources"] = found


def _record(
    model: Any,  # noqa: ANN401
    parsed: dict[str, Any],
    http_response: Any,  # noqa: ANN401
    context: dict[str, Any],
    **_: object,
) -> None:
    """Appends one AWS call, with what it consumed, to the file named by RECORD_CALLS."""
    line = {
        "function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "server"),
        "service": model.service_model.service_name,
        "operation": model.name,
        "resources": context.get("resources", {}),
        "status": http_response.status_code,
        "attempts": 1 + parsed.get("ResponseMetadata", {}).get("RetryAttempts", 0),
        "consumed": parsed.get("ConsumedCapacity"),
    }
    with open(settings().record_calls, "a", encoding="utf-8") as out:
        out.write(json.dumps(line, default=str) + "\n")
