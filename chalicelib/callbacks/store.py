"""What callbacks leave behind for 30 days: what people wrote, news about our side, what nobody understood.

Table `ops`, beside what `chalicelib.ops` keeps there; one write each, repeated without harm:
    inbound#<platform>#<date>  <dedupe id>   what a person wrote that is neither a wish, a post nor a voice
    notice#<platform>#<date>   <dedupe id>   news about a template, the account, a number
    unknown#<platform>#<date>  <dedupe id>   a callback of a kind that we do not know, as it came
The date is the UTC day of the message, or of its receipt where the platform gives no time: a day's items are
one query.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.callbacks.letters import Bucket
from chalicelib.clock import Clock, rfc3339
from chalicelib.platforms.base import Inbound, Notice, Unknown
from chalicelib.tables import Table, TableName

KEPT_S = 30 * 24 * 3600
MOST_IN_AN_ITEM = 300_000
"""Bytes of JSON; an item ends at 400 kB."""


class Kept(Table):
    class Meta:
        table_name = TableName("ops")

    kind = UnicodeAttribute()
    at = UnicodeAttribute()
    content = UnicodeAttribute(null=True)
    """JSON."""
    object_key = UnicodeAttribute(null=True)
    """Where the content is in the bucket, when it is too large for an item."""
    expires = NumberAttribute()


@dataclass(frozen=True)
class CallbackStore:
    bucket: Bucket
    clock: Clock

    def keep_inbound(self, platform: str, said: Inbound, received_at: datetime) -> None:
        """Keeps what a person wrote."""
        content = {
            "sender": said.sender,
            "name": said.name,
            "text": said.text,
            "reply_to": said.reply_to,
            "extra": said.extra,
        }
        self._keep("inbound", platform, said, said.at or received_at, content)

    def keep_notice(self, platform: str, news: Notice, received_at: datetime) -> None:
        """Keeps news about our own side."""
        self._keep("notice", platform, news, news.at or received_at, news.detail)

    def keep_unknown(self, platform: str, what: Unknown, received_at: datetime) -> None:
        """Keeps what we do not understand, as it came."""
        self._keep("unknown", platform, what, received_at, what.raw)

    def of_day(self, sort: Literal["inbound", "notice", "unknown"], platform: str, day: str) -> list[Kept]:
        """All that was kept of one sort and UTC day (`2026-01-31`)."""
        return list(Kept.query(f"{sort}#{platform}#{day}"))

    def content(self, kept: Kept) -> Any:  # noqa: ANN401
        """The content of an item, wherever it lies."""
        return json.loads(kept.content or self.bucket.get(kept.object_key or ""))

    def _keep(
        self,
        sort: str,
        platform: str,
        what: Inbound | Notice | Unknown,
        at: datetime,
        content: Any,  # noqa: ANN401
    ) -> None:
        packed = json.dumps(content, separators=(",", ":"))  # ASCII: halves of surrogate pairs stay escapes
        item = Kept(f"{sort}#{platform}#{at:%Y-%m-%d}", what.dedupe_id, kind=what.kind, at=rfc3339(at))
        item.expires = int(self.clock.epoch() + KEPT_S)
        if len(packed) > MOST_IN_AN_ITEM:
            item.object_key = self.bucket.put(packed.encode("ascii"))
        else:
            item.content = packed
        item.save()
