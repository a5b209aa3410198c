"""What AWS would charge for what was measured: request units, requests by AWS's rules of counting, money."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

LIST: dict[str, Any] = json.loads(Path(__file__).with_name("prices.json").read_text())
PRICES: dict[str, float] = LIST["per_million"]
ASSUMED: dict[str, float] = LIST["assumed"]
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
SQS_CHUNK = 64 * 1024
"""A request to SQS is charged for each 64 KB of what it carries (SQS pricing)."""
MESSAGES_A_REQUEST = 10


def units(call: dict[str, Any]) -> float:
    """Request units of one recorded DynamoDB call; of its indexes too."""
    if call["operation"] in WRITES and call["status"] == HTTPStatus.BAD_REQUEST:
        return 1.0  # a condition that does not hold is charged as the write of an item under 1 KB
    if call["operation"] == "BatchGetItem" and not call["consumed"]:
        return float(call["resources"]["Requests"])  # the engine is silent: consistent, under 4 KB each
    consumed = call["consumed"] or []
    parts = consumed if isinstance(consumed, list) else [consumed]
    return float(sum(part.get("CapacityUnits", 0) for part in parts))


def sqs_charge(bodies: list[int]) -> int:
    """Requests that one SQS call is charged as, by the bytes of each message that it carries."""
    return max(1, math.ceil(sum(bodies) / SQS_CHUNK))


def delete_charge(messages: int) -> int:
    """Requests that delete so many messages of one queue."""
    return math.ceil(messages / MESSAGES_A_REQUEST)


@dataclass
class Usage:
    """What some recipients cost, in what AWS charges for."""

    recipients: int = 0
    writes: Counter[str] = field(default_factory=Counter)
    """Write request units by table."""
    reads: Counter[str] = field(default_factory=Counter)
    sqs_requests: float = 0
    calls: int = 0
    """Calls of the SDK: what a function waits for. What Lambda's pollers do is in `sqs_requests` alone."""
    events: int = 0
    api_requests: int = 0
    lambda_requests: int = 0
    lambda_gb_s: float = 0.0

    def add_call(self, call: dict[str, Any]) -> None:
        """Adds one recorded call."""
        self.calls += call["attempts"]
        if call["service"] == "dynamodb":
            into = self.writes if call["operation"] in WRITES else self.reads
            into[table_of(call)] += units(call)  # type: ignore[assignment]
        elif call["service"] == "sqs":
            self.sqs_requests += sqs_charge(call["resources"].get("Bodies", [0]))
        elif call["service"] == "events":
            self.events += len(call["resources"].get("Bodies", [0]))

    def charged(self) -> dict[str, float]:
        """Amounts by the names of the price list."""
        return {
            "write_units": float(sum(self.writes.values())),
            "read_units": float(sum(self.reads.values())),
            "sqs_requests": self.sqs_requests,
            "lambda_requests": self.lambda_requests,
            "lambda_gb_s": self.lambda_gb_s,
            "api_requests": self.api_requests,
            "events": self.events,
        }

    def each(self) -> dict[str, float]:
        """Amounts for one recipient."""
        return {name: amount / self.recipients for name, amount in self.charged().items()}

    def dollars(self) -> dict[str, float]:
        """Money for a million recipients, by what it is paid for."""
        return {name: amount * PRICES[name] for name, amount in self.each().items()}


def table_of(call: dict[str, Any]) -> str:
    """The table's name in the template, without the stage."""
    resources = call["resources"]
    named = resources.get("TableName") or next(iter(resources.get("Batch", [])), "")
    if not named and resources.get("Transaction"):
        named = resources["Transaction"][0].partition(" ")[2]
    return str(named).rpartition("-")[2]


def lambda_seconds(cpu_s: float, calls: int, asks: float, memory_mb: int) -> float:
    """Billed seconds of functions that used `cpu_s` here, made `calls` to AWS one after the other and waited
    for `asks` answers of a platform: AWS's latencies are not those of this machine."""
    share = min(1.0, memory_mb / ASSUMED["vcpu_mb"])
    waited = calls * ASSUMED["aws_call_ms"] + asks * ASSUMED["platform_answer_ms"]
    return cpu_s * ASSUMED["lambda_cpu_factor"] / share + waited / 1000
