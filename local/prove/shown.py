"""What must be shown on the deployed system, by the sandbox's clock: how fast a channel is asked, how
soon a stop halts ten thousand, and that nothing goes out after an expiry while the queue is held back.

`python -m local.prove --part shown` (SHOWN_PEOPLE=10000).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from local import judge
from local.acting import CallFailed, Json, wait_for
from local.programme import brief
from local.prove.ground import Ground, ground
from local.prove.rate import rate_of

PEOPLE = 10_000
RATE_PER_S = 30.0
HALTS_WITHIN_S = 5.0
MEASURED_S = 75.0
ENOUGH_S = 3.0
"""While less than this is left of a channel's work, it cannot be told to wait."""
WARM_S = 10.0
"""The first leases wait for functions that are started for them."""
SPREAD_MINUTES = 240


@dataclass
class Shown:
    """The figures, and what is not as it must be."""

    figures: dict[str, Any] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)

    def line(self) -> dict[str, Any]:
        """For the last line of output."""
        return {"recipients": 0, **self.figures, "breaches": len(self.breaches)}


def run(note: Callable[[str], None], people: int | None = None) -> Shown:
    """Starts a system and measures."""
    count = people or int(os.environ.get("SHOWN_PEOPLE") or PEOPLE)
    with ground(count, RATE_PER_S, note) as place:
        shown = Shown()
        _rate_and_stop(place, shown, note)
        _expiry(place, shown, note)
        return shown


def _rate_and_stop(place: Ground, shown: Shown, note: Callable[[str], None]) -> None:
    spread = place.staff.approved(brief("#spread", ["IN"]))
    when = {"spread_minutes": SPREAD_MINUTES}
    place.act("POST", f"/v1/campaigns/{spread}/schedule", when, token=place.editor)
    campaign = place.launch("rate")
    wait_for(lambda: place.requests(campaign, "rate"), "the first request", 120)
    wait_for(lambda: _parked(place), "parked chunks", 120)
    time.sleep(WARM_S)
    begun = place.now()
    note(f"measuring the rate for {MEASURED_S:.0f} s")
    waited_until = _watch(place, campaign)
    left = place.staff.report(campaign)["in_progress"]
    queued, parked = place.waiting("SEND"), _parked(place)
    called = place.now()
    place.act("PUT", "/v1/stops/all", {"reason": "proof"})
    answered = place.now()
    time.sleep(HALTS_WITHIN_S * 3)
    lines = place.requests(campaign, "rate") + place.requests(spread, "spread")
    channels = {line["platform"] for line in lines}
    for channel in sorted(channels):
        at = [judge.instant(one) for one in lines if one["platform"] == channel]
        ends = waited_until.get(channel, begun)
        rate = rate_of([moment for moment in at if begun <= moment <= ends], RATE_PER_S)
        shown.figures[f"rate_{channel}"] = asdict(rate) | {"work_waited_s": round(ends - begun, 1)}
        shown.breaches += [f"{channel}: {what}" for what in rate.breaches(waiting=True)]
    last = max(judge.instant(line) for line in lines) - called
    shown.figures["stop"] = {
        "last_request_s": round(last, 2),
        "call_took_s": round(answered - called, 2),
        "in_progress": left,
        "messages_queued": queued,
        "chunks_parked": parked,
    }
    if last > HALTS_WITHIN_S:
        shown.breaches.append(f"the last request started {last:.1f} s after the stop")
    for one in (campaign, spread):
        with suppress(CallFailed):  # it may have ended
            place.act("POST", f"/v1/campaigns/{one}/cancel", token=place.editor)
    place.act("DELETE", "/v1/stops/all")


def _watch(place: Ground, campaign: str) -> dict[str, float]:
    """Waits, and says of each channel until when work has waited for it: one may come to its end."""
    waited_until: dict[str, float] = {}
    over = time.monotonic() + MEASURED_S
    while time.monotonic() < over:
        at, channels = place.now(), place.staff.report(campaign)["by_channel"]
        left = {name: counts["in_progress"] for name, counts in channels.items()}
        waited_until |= {name: at for name, waiting in left.items() if waiting > ENOUGH_S * RATE_PER_S}
        time.sleep(1)
    return waited_until


def _expiry(place: Ground, shown: Shown, note: Callable[[str], None]) -> None:
    """The queue is taken from the sender until the campaign is over."""
    place.hold_queue(held=True)
    ends = place.ends_in(45)
    campaign = place.launch("late", expires_at=ends)
    over = judge.instant({"at": ends})
    wait_for(lambda: place.waiting("SEND") > 0, "something on the queue", 40)
    held = place.waiting("SEND")
    note(f"{held} messages are held back")
    wait_for(lambda: place.now() > over + 1, "the end", 120)
    place.hold_queue(held=False)
    wait_for(lambda: _not_sent(place.staff.report(campaign)) > 0, "an outcome", 240)
    time.sleep(20)
    after = [line for line in place.requests(campaign, "late") if judge.instant(line) > over]
    shown.figures["expiry"] = {"messages_held": held, "requests_after": len(after)}
    if after:
        shown.breaches.append(f"{len(after)} requests after the expiry")


def _not_sent(report: Json) -> int:
    return judge.total(report["not_sent"])


def _parked(place: Ground) -> int:
    query = {
        "TableName": "janjan-local-tallies",
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "parked"}},
        "Select": "COUNT",
    }
    return int(place.system.engine.client("dynamodb").query(**query)["Count"])
