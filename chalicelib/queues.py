"""Puts messages on a queue: JSON bodies, up to ten a call, what the queue refused again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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


def _whole(delay_s: float) -> int:
    """Whole seconds, rounded up, as SQS takes them."""
    return min(LONGEST_DELAY_S, max(0, int(delay_s + 0.999)))
