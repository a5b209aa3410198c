"""What a dead letter says, in a sentence that may be shown and kept: ids, sizes, times, nothing personal.

Only what has the form of an id of ours is repeated; everything else in a letter stays in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.clock import parse_rfc3339, rfc3339

ID = r"[a-z]{2,4}_[a-z0-9-]{1,40}"
CHUNK = r"\d{11}"
PLATFORM = r"[a-z][a-z0-9_]{1,15}"
WORDS = r"[A-Za-z][A-Za-z._]{1,60}"
EVENT_ID = r"[A-Za-z0-9-]{1,64}"
SUBSCRIBER = r"[a-z][a-z0-9_-]{0,39}"
FUNCTIONS = {
    "FoldCoverage": "fold_coverage",
    "FollowAccounts": "follow_accounts",
    "ForgetPosts": "forget_posts",
    "KeepAmbassadors": "keep_ambassadors",
    "LaunchDue": "launch_due",
    "MeasureDue": "measure_due",
    "PublishEvents": "publish_events",
    "SealAudit": "seal_audit",
    "TendVoices": "tend_voices",
    "WeighPosts": "weigh_posts",
    "Welcome": "welcome",
}
"""The functions whose failures end in the queue of events: the template's name, the handler's."""
LISTENERS = {
    "influencer.approved": ("Welcome", "KeepAmbassadors"),
    "influencer.suspended": ("KeepAmbassadors",),
    "influencer.withdrawn": ("ForgetPosts", "KeepAmbassadors"),
    "influencer.erased": ("ForgetPosts",),
    "influencer.handle_proven": ("WeighPosts",),
    "influencer.handle_contested": ("WeighPosts",),
    "department.handle_proven": ("WeighPosts",),
    "department.handle_contested": ("WeighPosts",),
}
"""Who is called for an event of ours. What Lambda leaves of one does not tell which of them failed: all are
called again, and each takes an event twice."""


@dataclass(frozen=True)
class Said:
    """`function`: the handler that could not take it, or those of whom one could not, empty when that cannot
    be told."""

    function: str
    sentence: str


class _Unreadable(Exception):
    """Not of a form that we send."""


def said(queue: str, body: str, attributes: Mapping[str, str]) -> Said:
    """What a letter of the queue `callbacks`, `plan`, `send`, `service`, `webhooks` or `events` says."""
    function, read = _READERS.get(queue, ("", _nothing))
    try:
        message = json.loads(body)
        if not isinstance(message, dict):
            raise _Unreadable
        if queue == "events":
            function = ", ".join(FUNCTIONS[one] for one in listeners(message, attributes))
            return Said(function, _event(message, attributes))
        return Said(function, read(message))
    except (ValueError, KeyError, TypeError, AttributeError, _Unreadable):
        return Said(function, f"something that cannot be read, {size(len(body.encode()))}")


def listeners(message: Mapping[str, Any], attributes: Mapping[str, str]) -> tuple[str, ...]:
    """The template's name of the function that a letter of the queue `events` was for; several where one of
    them could not take it, none if unknown."""
    event = event_in(message)
    named = (
        attributes.get("TARGET_ARN"),
        _part(message, "requestContext").get("functionArn"),
        event.get("resources"),
    )
    found = next((name for name in FUNCTIONS if name in str(named)), "")
    return (found,) if found else LISTENERS.get(str(event.get("detail-type")), ())


def event_in(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event itself: AWS leaves it bare, the embedded AWS wraps it as destinations do."""
    return _part(message, "requestPayload") or message


def size(count: int) -> str:
    """Bytes for a reader."""
    return f"{count} B" if count < 1000 else f"{count / 1000:.1f} kB"


def _callback(message: Mapping[str, Any]) -> str:
    if "TopicArn" in message:
        platform = _only(PLATFORM, str(message["TopicArn"]).rpartition("-")[2])
        at = rfc3339(parse_rfc3339(str(message["Timestamp"])))
        how_large = size(len(str(message["Message"]).encode()))
        return f"callback of {platform} over SNS, {how_large}, received {at}"
    at = rfc3339(parse_rfc3339(str(message["received_at"])))
    if "object" in message:
        how_large = f"in the bucket as {_only(r'callbacks/' + ID, message['object'])}"
    elif "zipped" in message:
        how_large = f"packed into {size(len(str(message['zipped'])) * 3 // 4)}"
    else:
        how_large = size(len(str(message["body"])) * 3 // 4)  # base64
    return f"callback of {_only(PLATFORM, message['platform'])}, {how_large}, received {at}"


def _plan(message: Mapping[str, Any]) -> str:
    if "launch" in message:
        return f"launch of run {_only(ID, message['launch'])}"
    if "plan" in message:
        where = f"page {int(message['page'])} of stretch {int(message['range'])}"
        return f"planning of {where} of run {_only(ID, message['plan'])}"
    if "wake" in message:
        return f"waking of what waits in run {_only(ID, message['wake'])}"
    return f"look whether run {_only(ID, message['settle'])} has ended"


def _send(message: Mapping[str, Any]) -> str:
    return f"chunk {_only(CHUNK, message['chunk'])} of run {_only(ID, message['run'])}"


def _service(message: Mapping[str, Any]) -> str:
    if message["kind"] == "invitation":
        return f"invitation {_only(ID, message['invitation'])}"
    person = _only(ID, message["influencer"])
    words = {"code": "verification code", "welcome": "welcome"}
    return f"{words[message['kind']]} for {person}"


def _import(message: Mapping[str, Any]) -> str:
    return f"work on import {_only(ID, message['import'])}"


def _webhook(message: Mapping[str, Any]) -> str:
    if "detail-type" in message:
        return _event(message, {})
    event = message["event"]
    what = f"event {_only(WORDS, event['type'])} {_only(EVENT_ID, event['id'])}"
    return f"{what} for the webhook {_only(SUBSCRIBER, message['to'])}"


def _event(message: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
    condition = _part(message, "requestContext").get("condition") or attributes.get("ERROR_CODE")
    why = f" ({_only(WORDS, condition)})" if condition else ""
    batch = message.get("DDBStreamBatchInfo")
    if batch:
        table = _only(r"[a-z]+", str(batch["streamArn"]).split("/")[1].rpartition("-")[2])
        at = rfc3339(parse_rfc3339(batch["approximateArrivalOfFirstRecord"]))
        return f"{int(batch['batchSize'])} changes of the table {table} from {at}{why}"
    event = event_in(message)
    if event["detail-type"] == "Scheduled Event":
        return f"the schedule's call of {rfc3339(parse_rfc3339(event['time']))}{why}"
    detail = event["detail"]
    about = [value for value in map(str, detail.get("data", {}).values()) if re.fullmatch(rf"{ID}", value)]
    name, event_id = _only(WORDS, event["detail-type"]), _only(EVENT_ID, detail["id"])
    return f"event {name} {event_id}{' of ' + ', '.join(about) if about else ''}{why}"


def _part(message: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = message.get(name)
    return part if isinstance(part, dict) else {}


def _nothing(message: Mapping[str, Any]) -> str:
    raise _Unreadable


def _only(pattern: str, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise _Unreadable
    return value


_READERS: dict[str, tuple[str, Callable[[Mapping[str, Any]], str]]] = {
    "callbacks": ("process_callbacks", _callback),
    "imports": ("run_import", _import),
    "plan": ("plan_run", _plan),
    "send": ("send_chunk", _send),
    "service": ("send_service", _service),
    "webhooks": ("send_webhooks", _webhook),
}
