"""Another system that is told of our events: it checks signatures by itself, and logs what came.

Standard Webhooks 1.0.0: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime

from local.config import WEBHOOK
from local.sandbox.reply import Reply
from local.sandbox.world import World

TOLERANCE_S = 300


def take(world: World, headers: Mapping[str, str], raw: bytes) -> Reply:
    """204 for what is rightly signed and new enough, else 401; either leaves a line in the log."""
    right = _is_signed(headers, raw, world.clock.now())
    event = json.loads(raw) if right else {}
    world.journal.add(
        "webhook",
        id=headers.get("webhook-id"),
        right=right,
        **{name: event.get(name) for name in ("type", "source", "time", "data")},
        event=event.get("id"),
    )
    return Reply(204 if right else 401, None)


def _is_signed(headers: Mapping[str, str], raw: bytes, now: datetime) -> bool:
    name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not re.fullmatch("[0-9]{1,12}", at) or abs(now.timestamp() - int(at)) > TOLERANCE_S:
        return False
    key = base64.b64decode(WEBHOOK.secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{name}.{at}.".encode() + raw, hashlib.sha256).digest()
    wanted = f"v1,{base64.b64encode(digest).decode()}"
    return any(hmac.compare_digest(wanted, one) for one in headers.get("webhook-signature", "").split(" "))
