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
from chalicelib.pages.shell import mark

ID = r"[a-z]{2,4}_[a-z0-9-]{1,40}"
CHUNK = r"\d{11}"
PLATFORM = r"[a-z][a-z0-9_]{1,15}"
WORDS = r"[A-Za-z][A-Za-z._]{1,60}"
EVENT_ID = r"[A-Za-z0-9-]{1,64}"
SUBSCRIBER = r"[a-z][a-z0-9_-]{0,39}"
NAME = r"[A-Za-z_-]{1,40}"
OURS = (ID, rf"callbacks/{ID}", r"\d{4}-\d\d-\d\d(T[\d:.]{5,12}Z)?")
SMALL = {"chunk": CHUNK, "platform": PLATFORM}
SMALL |= dict.fromkeys(("kind", "type", "detail-type", "source"), WORDS)
"""What is shown of a letter's values: ids, objects of the bucket and times anywhere, these by their name."""
FEW_DIGITS, DEEPEST, MOST_SHOWN = 10**6, 6, 40
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
    be told. `words` are marked for translation, their places filled from `params`: `run`, `import`,
    `influencer`, `invitation` and `webhook` say what it belongs to, `at` is RFC 3339. `why`: the reason, in
    the word of whoever gave it up."""

    function: str
    words: str
    params: Mapping[str, object]
    why: str = ""

    @property
    def sentence(self) -> str:
        """In English, for a terminal and the audit."""
        return f"{self.words % self.params}{f' ({self.why})' if self.why else ''}"


Told = tuple[str, dict[str, object]]


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
            return Said(function, *_event(message), why=_why(message, attributes))
        return Said(function, *read(message))
    except (ValueError, LookupError, TypeError, AttributeError, _Unreadable):
        words = mark("something that cannot be read, %(size)s")
        return Said(function, words, {"size": size(len(body.encode()))})


def masked(body: str) -> str:
    """A letter's body to look at: its names, and of its values numbers below seven digits, times and what has
    the form of an id of ours; of all else how long it is."""
    try:
        message = json.loads(body)
    except ValueError:
        return _hidden(body)
    return json.dumps(_masked(message, 0), ensure_ascii=False, indent=1)


def _masked(value: object, depth: int, name: str = "") -> object:
    if isinstance(value, dict) and depth < DEEPEST:
        return {
            key if re.fullmatch(NAME, key) else _hidden(key): _masked(one, depth + 1, key)
            for key, one in list(value.items())[:MOST_SHOWN]
        }
    if isinstance(value, list) and depth < DEEPEST:
        return [_masked(one, depth + 1) for one in value[:MOST_SHOWN]]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) < FEW_DIGITS:
        return value
    text = str(value)
    forms = (*OURS, SMALL[name]) if name in SMALL else OURS
    return text if any(re.fullmatch(form, text) for form in forms) else _hidden(text)


def _hidden(text: str) -> str:
    return f"… {len(text)}"


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
    return f"{count} B" if count < 1000 else f"{count / 1000:.1f} kB"  # noqa: PLR2004


def _callback(message: Mapping[str, Any]) -> Told:
    if "TopicArn" in message:
        platform = _only(PLATFORM, str(message["TopicArn"]).rpartition("-")[2])
        at = rfc3339(parse_rfc3339(str(message["Timestamp"])))
        return mark("callback of %(platform)s over SNS, %(size)s, received %(at)s"), {
            "platform": platform,
            "size": size(len(str(message["Message"]).encode())),
            "at": at,
        }
    platform = _only(PLATFORM, message["platform"])
    told: dict[str, object] = {
        "platform": platform,
        "at": rfc3339(parse_rfc3339(str(message["received_at"]))),
    }
    if "object" in message:
        told["object"] = _only(r"callbacks/" + ID, message["object"])
        return mark("callback of %(platform)s, in the bucket as %(object)s, received %(at)s"), told
    if "zipped" in message:
        told["size"] = size(len(str(message["zipped"])) * 3 // 4)
        return mark("callback of %(platform)s, packed into %(size)s, received %(at)s"), told
    told["size"] = size(len(str(message["body"])) * 3 // 4)  # base64
    return mark("callback of %(platform)s, %(size)s, received %(at)s"), told


def _plan(message: Mapping[str, Any]) -> Told:
    if "launch" in message:
        return mark("launch of run %(run)s"), {"run": _only(ID, message["launch"])}
    if "plan" in message:
        return mark("planning of page %(page)s of stretch %(range)s of run %(run)s"), {
            "page": int(message["page"]),
            "range": int(message["range"]),
            "run": _only(ID, message["plan"]),
        }
    if "wake" in message:
        return mark("waking of what waits in run %(run)s"), {"run": _only(ID, message["wake"])}
    return mark("look whether run %(run)s has ended"), {"run": _only(ID, message["settle"])}


def _send(message: Mapping[str, Any]) -> Told:
    told = {"chunk": _only(CHUNK, message["chunk"]), "run": _only(ID, message["run"])}
    return mark("chunk %(chunk)s of run %(run)s"), {**told}


def _service(message: Mapping[str, Any]) -> Told:
    if message["kind"] == "invitation":
        return mark("invitation %(invitation)s"), {"invitation": _only(ID, message["invitation"])}
    person = _only(ID, message["influencer"])
    words = {
        "code": mark("verification code for %(influencer)s"),
        "welcome": mark("welcome for %(influencer)s"),
    }
    return words[message["kind"]], {"influencer": person}


def _import(message: Mapping[str, Any]) -> Told:
    return mark("work on import %(import)s"), {"import": _only(ID, message["import"])}


def _webhook(message: Mapping[str, Any]) -> Told:
    if "detail-type" in message:
        return _event(message)
    event = message["event"]
    return mark("event %(event)s %(id)s for the webhook %(webhook)s"), {
        "event": _only(WORDS, event["type"]),
        "id": _only(EVENT_ID, event["id"]),
        "webhook": _only(SUBSCRIBER, message["to"]),
    }


def _event(message: Mapping[str, Any]) -> Told:
    batch = message.get("DDBStreamBatchInfo")
    if batch:
        return mark("%(count)s changes of the table %(table)s from %(at)s"), {
            "table": _only(r"[a-z]+", str(batch["streamArn"]).split("/")[1].rpartition("-")[2]),
            "at": rfc3339(parse_rfc3339(batch["approximateArrivalOfFirstRecord"])),
            "count": int(batch["batchSize"]),
        }
    event = event_in(message)
    if event["detail-type"] == "Scheduled Event":
        return mark("the schedule's call of %(at)s"), {"at": rfc3339(parse_rfc3339(event["time"]))}
    detail = event["detail"]
    about = [value for value in map(str, detail.get("data", {}).values()) if re.fullmatch(rf"{ID}", value)]
    told: dict[str, object] = {
        "event": _only(WORDS, event["detail-type"]),
        "id": _only(EVENT_ID, detail["id"]),
    }
    if not about:
        return mark("event %(event)s %(id)s"), told
    return mark("event %(event)s %(id)s of %(about)s"), told | {"about": ", ".join(about)}


def _why(message: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
    condition = _part(message, "requestContext").get("condition") or attributes.get("ERROR_CODE")
    return _only(WORDS, condition) if condition else ""


def _part(message: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = message.get(name)
    return part if isinstance(part, dict) else {}


def _nothing(message: Mapping[str, Any]) -> Told:
    raise _Unreadable


def _only(pattern: str, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise _Unreadable
    return value


_READERS: dict[str, tuple[str, Callable[[Mapping[str, Any]], Told]]] = {
    "callbacks": ("process_callbacks", _callback),
    "imports": ("run_import", _import),
    "plan": ("plan_run", _plan),
    "send": ("send_chunk", _send),
    "service": ("send_service", _service),
    "webhooks": ("send_webhooks", _webhook),
}
