"""Puts messages on a queue: JSON bodies, up to ten a call, what the queue refused again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from chalicelib import aws
from chalicelib.errors import Transient

MESSAGES_A_CALL = 10
TRIES = 3
LONGEST_DELAY_S = 900


@dataclass(frozen=True)
class Queue:
    """One SQS queue, by its URL."""

    url: str

    def put(self, bodies: Iterable[Mapping[str, Any]], delay_s: float = 0) -> int:
        """Puts all messages and gives their number; they appear after `delay_s` (whole seconds, at most 15
        minutes).

        Raises Transient when some could not be put: put all of them again, every consumer takes repetitions.
        """
        return self.put_each((body, delay_s) for body in bodies)

    def put_each(self, messages: Iterable[tuple[Mapping[str, Any], float]]) -> int:
        """The same with a delay for each message; ten with different delays are one call."""
        left = [(json.dumps(body, ensure_ascii=False), _whole(delay_s)) for body, delay_s in messages]
        count = len(left)
        for _ in range(TRIES):
            left = [
                message
                for start in range(0, len(left), MESSAGES_A_CALL)
                for message in self._put(left[start : start + MESSAGES_A_CALL])
            ]
            if not left:
                return count
        raise Transient("%(n)s messages could not be queued.", n=len(left))

    def _put(self, messages: list[tuple[str, int]]) -> list[tuple[str, int]]:
        """The messages that the queue refused."""
        entries = [
            {"Id": str(i), "MessageBody": body, "DelaySeconds": delay_s}
            for i, (body, delay_s) in enumerate(messages)
        ]
        answer = aws.client("sqs").send_message_batch(QueueUrl=self.url, Entries=entries)
        return [messages[int(failed["Id"])] for failed in answer.get("Failed", [])]


DEAD = ("callbacks", "plan", "send", "service", "imports", "webhooks", "events")
"""The dead-letter queues of a stage by their short names, as `make dead` calls them."""


def dead_letters(stage: str) -> dict[str, int | None]:
    """About how many letters lie in each dead-letter queue, also those that somebody is looking at; None for
    a queue that the stage does not have. The queues are asked at once."""
    with ThreadPoolExecutor(len(DEAD)) as readers:
        return dict(zip(DEAD, readers.map(partial(_count, stage), DEAD), strict=True))


def _count(stage: str, name: str) -> int | None:
    sqs = aws.client("sqs")
    try:
        url = sqs.get_queue_url(QueueName=f"janjan-{stage}-{name}-dead")["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        return None
    asked = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=asked)["Attributes"]
    return sum(int(told[one]) for one in asked)


def _whole(delay_s: float) -> int:
    """Whole seconds, rounded up, as SQS takes them."""
    return min(LONGEST_DELAY_S, max(0, int(delay_s + 0.999)))
