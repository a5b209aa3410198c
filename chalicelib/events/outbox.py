"""From a committed change to its event: reads the streams of the tables and publishes.

A change that raises an event writes `rev` and `event` ({type, at, data}) into the changed item, in the same
write. The stream then carries both, so there is no event without a commit and no commit without its event.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.clock import rfc3339
from chalicelib.events.bus import Bus, Entry, event_id
from chalicelib.events.catalog import CATALOG, Event


def raise_event(event: Event, at: datetime) -> str:
    """What to store in an item's `event` attribute, beside its new `rev`."""
    return json.dumps({"type": event.name, "at": rfc3339(at), "data": event.model_dump(mode="json")})


def entry_of(record: Mapping[str, Any]) -> Entry | None:
    """The entry that one stream record calls for; None when it changed no `rev` or carries no event."""
    change = record["dynamodb"]
    new, old = change.get("NewImage") or {}, change.get("OldImage") or {}
    if "event" not in new or new.get("rev") == old.get("rev"):
        return None
    raised = json.loads(new["event"]["S"])
    kind = CATALOG[raised["type"]]
    cause = (new["pk"]["S"], new["sk"]["S"], new["rev"]["N"])
    return Entry(event_id(*cause), kind.name, kind.feature, kind.version, raised["at"], raised["data"])


@dataclass(frozen=True)
class Outbox:
    bus: Bus

    def publish(self, records: Iterable[Mapping[str, Any]]) -> int:
        """Publishes the events of a batch of stream records and gives their number; raises so that the batch
        comes again when the bus refused some (consumers deduplicate by id)."""
        entries = [entry for record in records if (entry := entry_of(record)) is not None]
        return self.bus.publish(entries) if entries else 0
