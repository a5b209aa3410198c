"""Puts events on the bus: each at least once, failed entries again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib import aws
from chalicelib.clock import rfc3339
from chalicelib.errors import Transient
from chalicelib.events.catalog import Event

ENTRIES_A_CALL = 10
TRIES = 3


def event_id(*parts: str) -> str:
    """The id of an event, from what it is about: the same cause gives the same id."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Entry:
    """One event on its way out."""

    id: str
    name: str
    feature: str
    version: int
    occurred_at: str
    data: dict[str, object]

    @classmethod
    def of(cls, event: Event, cause: str, at: datetime) -> Entry:
        """The entry of an event raised directly; `cause` makes its id."""
        data = event.model_dump(mode="json")
        return cls(event_id(event.name, cause), event.name, event.feature, event.version, rfc3339(at), data)


@dataclass(frozen=True)
class Bus:
    name: str

    def publish(self, entries: Sequence[Entry]) -> int:
        """Puts all entries, refused ones after the others, and gives their number. Raises Transient when some
        could not be put: put all of them again, consumers know the ids."""
        left = list(entries)
        for _ in range(TRIES):
            left = [
                e
                for start in range(0, len(left), ENTRIES_A_CALL)
                for e in self._put(left[start : start + ENTRIES_A_CALL])
            ]
            if not left:
                return len(entries)
        raise Transient("%(n)s events could not be put on the bus.", n=len(left))

    def _put(self, entries: list[Entry]) -> list[Entry]:
        """The entries that the bus refused."""
        answer = aws.client("events").put_events(
            Entries=[
                {
                    "EventBusName": self.name,
                    "Source": f"janjan.{e.feature}",
                    "DetailType": e.name,
                    "Detail": json.dumps(
                        {"id": e.id, "version": e.version, "occurred_at": e.occurred_at, "data": e.data}
                    ),
                }
                for e in entries
            ]
        )
        return [e for e, result in zip(entries, answer["Entries"], strict=True) if "ErrorCode" in result]
