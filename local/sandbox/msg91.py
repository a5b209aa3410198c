"""MSG91, as far as a sender of SMS and a receiver of reports can tell: https://docs.msg91.com/sms/send-sms

Templates are those of data/sms_templates.json, under their DLT ids; a real account has ids of its own for
them.
Reports are those of version 2: forms, at the address that holds the secret.
"""

import json
import re
import secrets
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from local.config import MSG91
from local.sandbox.posting import Envelope, Poster, Update
from local.sandbox.reply import Ask, Reply
from local.sandbox.world import Fate, Json, World

NAME = "msg91"
INDIA = timezone(timedelta(hours=5, minutes=30))
TEMPLATES = Path(__file__).parent.parent / "data" / "sms_templates.json"
VARIABLE = "{#var#}"
DESCRIPTIONS = {"1": "DELIVERED", "2": "FAILED", "16": "REJECTED", "17": "BLOCKED"}


class Refused(Exception):
    """MSG91 does not take the request."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.reply = Reply(status, {"type": "error", "code": code, "message": message})


class Msg91:
    """One account with one header, on one world."""

    NAME = NAME
    extras: frozenset[str] = frozenset()

    def __init__(self, world: World, poster: Poster, webhooks: str) -> None:
        self.acts: dict[str, Any] = {}  # nobody can answer a header
        self._world = world
        self._poster = poster
        self._templates = {one["template_id"]: one for one in json.loads(TEMPLATES.read_text("utf-8"))}
        url = f"{webhooks}/webhooks/{NAME}/{MSG91.path_token}"
        self._envelope = Envelope(NAME, url, self._pack, self._as_form, lambda: world.behaviour.batch)

    def handle(self, asked: Ask) -> Reply:
        """Answers `api/v5/flow` and `api/balance.php`."""
        match asked.method, asked.path:
            case "POST", ["api", "v5", "flow"]:
                return self._send(asked)
            case "GET", ["api", "balance.php"]:
                ill = self._world.behaviour.channel_ill or asked.query.get("authkey") != MSG91.auth_key
                error = {"msgType": "error", "code": "207", "message": "Invalid authentication key"}
                return Reply(200, error if ill else 100_000)
        return Reply(404, {"type": "error", "code": "404", "message": "Not found"})

    # --- sending -------------------------------------------------------------------------------------------

    def _send(self, asked: Ask) -> Reply:
        body: Json = asked.body if isinstance(asked.body, dict) else {}
        to, key = "", None
        try:
            if asked.headers.get("authkey") != MSG91.auth_key:
                raise Refused(401, "207", "Invalid authentication key")
            person = self._person(body)
            to, key = f"+{person['mobiles']}", person.get("CRQID") or body.get("CRQID")
            template = self._templates.get(str(body.get("template_id")))
            if template is None:
                raise Refused(400, "400", "template_id missing or invalid")
            fate = self._world.fate(NAME, to)
            self._refuse_by_fate(fate)
        except Refused as refused:
            throttled = refused.code == "429"
            self._note(to, key, body, "throttled" if throttled else f"refused:{refused.code}")
            return refused.reply
        request_id = secrets.token_hex(12)
        self._note(to, key, body, "lost_reply" if fate.lost_reply else "accepted", request_id)
        status = self._outcome(fate, to, template, person, body)
        if status == "1":
            self._world.deliver(NAME, to, request_id, _text(template, person), body)
        self._poster.put([self._report(status, request_id, to, key, body)])
        return Reply(200, {"type": "success", "message": request_id}, cut=fate.lost_reply)

    def _person(self, body: Json) -> Json:
        people = body.get("recipients")
        if not isinstance(people, list) or len(people) != 1 or not isinstance(people[0], dict):
            raise Refused(400, "101", "The sandbox takes one recipient")
        person: Json = people[0]
        if not re.fullmatch(r"[0-9]{10,15}", str(person.get("mobiles", ""))):
            raise Refused(400, "202", "Invalid mobile number")
        return person

    def _refuse_by_fate(self, fate: Fate) -> None:
        if self._world.behaviour.channel_ill:
            raise Refused(200, "301", "Insufficient balance to send SMS")
        if fate.throttled or self._world.over_rate(NAME):
            raise Refused(429, "429", "Too many requests")
        if fate.failure == "at once":
            raise Refused(200, "202", "Invalid mobile number")

    def _outcome(self, fate: Fate, to: str, template: Json, person: Json, body: Json) -> str:
        """The status that will be reported. What does not fit its registration is rejected on the way."""
        values = [name for name in person if name.startswith("VAR")]
        if len(values) != template["body"].count(VARIABLE) or body.get("sender") != template["header"]:
            return "16"
        if (NAME, to.removeprefix("+")) in self._world.blocked:
            return "17"
        return "2" if fate.failure else "1"

    def _note(self, to: str, key: Any, body: Json, outcome: str, request_id: str | None = None) -> None:  # noqa: ANN401
        self._world.journal.add(
            "request",
            platform=NAME,
            to=to,
            key=key,
            type="template",
            id=request_id,
            outcome=outcome,
            payload=body,
        )

    # --- reports -------------------------------------------------------------------------------------------

    def _report(self, status: str, request_id: str, to: str, key: Any, body: Json) -> Update:  # noqa: ANN401
        failed = "" if status == "1" else "The number or the words were not taken."
        wire: Json = {
            "senderId": body.get("sender", ""),
            "requestId": request_id,
            "report": [
                {
                    "date": f"{self._world.clock.now().astimezone(INDIA):%Y-%m-%d %H:%M:%S}",
                    "amount": "0.18",
                    "clientid": "",
                    "INMSID": "0",
                    "CRQID": key or "0",
                    "number": to.removeprefix("+"),
                    "credit": "1",
                    "status": status,
                    "desc": DESCRIPTIONS[status],
                    "failedReason": failed,
                }
            ],
            "userId": "100001",
            "campaignName": "API",
        }
        told = "delivered" if status == "1" else "failed"
        facts: Json = {"id": request_id, "status": told, "to": to, "key": key}
        if told == "failed":
            facts["code"] = status
        return Update(self._envelope, wire, facts)

    @staticmethod
    def _pack(wires: list[Json]) -> bytes:
        return urlencode({"data": json.dumps(wires)}).encode()

    @staticmethod
    def _as_form(_body: bytes) -> dict[str, str]:
        return {"Content-Type": "application/x-www-form-urlencoded"}


def _text(template: Json, person: Json) -> str:
    """The registered words with the values VAR1, VAR2 … in them."""
    fixed = template["body"].split(VARIABLE)
    values = [str(person.get(f"VAR{place}", "")) for place in range(1, len(fixed))]
    return "".join(part for pair in zip(fixed, [*values, ""], strict=True) for part in pair)
