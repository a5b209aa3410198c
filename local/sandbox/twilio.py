"""Twilio's Messages, SMS and WhatsApp: https://www.twilio.com/docs/messaging/api/message-resource

Each message names the address of its callbacks; a call is signed together with that address.
"""

import hmac
import json
import re
import secrets
from base64 import b64encode
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from local.config import TWILIO, content_sid
from local.sandbox.posting import Envelope, Poster, Update
from local.sandbox.reply import Act, Ask, Reply
from local.sandbox.whatsapp import placeholders
from local.sandbox.world import Fate, Json, World

NAME = "twilio"
WHATSAPP = "whatsapp:"
TEXT_MOST = 1600
LONGEST_VALIDITY_S = 36_000
STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
START_WORDS = frozenset({"START", "UNSTOP"})
VERSION = "2010-04-01"

ERRORS: dict[int, tuple[int, str]] = {
    20003: (401, "Authenticate"),
    20005: (403, "Account not active"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    21211: (400, "Invalid 'To' Phone Number"),
    21212: (400, "Invalid From Number"),
    21602: (400, "Message body is required"),
    21609: (400, "Invalid 'StatusCallback'"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21614: (400, "'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21655: (400, "The ContentSid is Invalid"),
    21656: (400, "The ContentVariables Parameter is invalid"),
    90007: (400, "Invalid validity period value"),
}
"""code: (HTTP status, title), from the page of errors."""


class Refused(Exception):
    """Twilio does not take the request."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

    @property
    def reply(self) -> Reply:
        """The error in Twilio's shape."""
        status, message = ERRORS[self.code]
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        return Reply(status, {"code": self.code, "message": message, "more_info": more, "status": status})


class Twilio:
    """One account with a sender of SMS and one of WhatsApp, on one world."""

    NAME = NAME
    extras = frozenset({"medium"})

    def __init__(self, world: World, poster: Poster, webhooks: str) -> None:
        self.acts = {"text": self.inbound}
        self._world = world
        self._poster = poster
        self._inbound_url = f"{webhooks}/webhooks/{NAME}"

    def handle(self, asked: Ask) -> Reply:
        """Answers `2010-04-01/Accounts/<sid>.json` and `…/Messages.json` in it."""
        basic = b64encode(f"{TWILIO.account_sid}:{TWILIO.auth_token}".encode()).decode()
        try:
            if asked.token != f"Basic {basic}":
                raise Refused(20003)
            match asked.method, asked.path:
                case "GET", [_, "Accounts", account] if account == f"{TWILIO.account_sid}.json":
                    status = "suspended" if self._world.behaviour.channel_ill else "active"
                    return Reply(200, {"sid": TWILIO.account_sid, "status": status, "type": "Full"})
                case "POST", [_, "Accounts", TWILIO.account_sid, "Messages.json"]:
                    return self._send(asked.fields)
            raise Refused(20404)
        except Refused as refused:
            return refused.reply

    # --- sending -------------------------------------------------------------------------------------------

    def _send(self, asked: Json) -> Reply:
        to = str(asked.get("To", ""))
        callback = str(asked.get("StatusCallback", ""))
        note = partial(self._note, to.removeprefix(WHATSAPP), asked)
        try:
            text = self._check(asked, to, callback)
            fate = self._world.fate(NAME, to)
            self._refuse_by_fate(fate, to)
        except Refused as refused:
            note("throttled" if refused.code == 20429 else f"refused:{refused.code}")
            raise
        sid = f"SM{secrets.token_hex(16)}"
        note("lost_reply" if fate.lost_reply else "accepted", sid)
        failure = self._failure(fate, asked, to)
        if failure is None:
            self._world.deliver(NAME, to.removeprefix(WHATSAPP), sid, text, asked)
        statuses = ["sent", "undelivered"] if failure else ["sent", "delivered"]
        if failure is None and fate.read and to.startswith(WHATSAPP):
            statuses.append("read")
        if callback:
            told = [self._status(status, sid, asked, failure) for status in statuses]
            self._poster.put(told)
        answer = {"sid": sid, "status": "queued", "to": to, "body": text, "error_code": None}
        return Reply(201, answer, cut=fate.lost_reply)

    def _check(self, asked: Json, to: str, callback: str) -> str:
        """The text that the person will read; Refused says what is wrong with the request."""
        whatsapp = to.startswith(WHATSAPP)
        if not re.fullmatch(r"(whatsapp:)?\+[0-9]{7,15}", to):
            raise Refused(21211)
        sender = asked.get("From")
        ours = f"{WHATSAPP}{TWILIO.whatsapp_from}" if whatsapp else sender
        if not sender or sender != ours:
            raise Refused(21212)
        if callback and urlsplit(callback).hostname != "127.0.0.1":
            raise Refused(21609)
        validity = str(asked.get("ValidityPeriod", "1"))
        if not validity.isdecimal() or not 1 <= int(validity) <= LONGEST_VALIDITY_S:
            raise Refused(90007)
        if "ContentSid" in asked:
            return self._rendered(asked)
        text = str(asked.get("Body", ""))
        if not text:
            raise Refused(21602)
        if len(text) > TEXT_MOST:
            raise Refused(21617)
        return text

    def _rendered(self, asked: Json) -> str:
        template = next(
            (one for key, one in self._world.templates.items() if content_sid(*key) == asked["ContentSid"]),
            None,
        )
        if template is None:
            raise Refused(21655)
        try:
            values = dict(json.loads(str(asked.get("ContentVariables", "{}"))))
        except ValueError as error:
            raise Refused(21656) from error
        if set(values) != {str(place + 1) for place in range(placeholders(template))}:
            raise Refused(21656)
        body = next(part["text"] for part in template["components"] if part["type"].upper() == "BODY")
        return re.sub(r"\{\{\s*(\d+)\s*\}\}", lambda found: str(values[found[1]]), body)

    def _refuse_by_fate(self, fate: Fate, to: str) -> None:
        if self._world.behaviour.channel_ill:
            raise Refused(20005)
        if fate.throttled or self._world.over_rate(NAME):
            raise Refused(20429)
        if (NAME, _digits(to)) in self._world.blocked and not to.startswith(WHATSAPP):
            raise Refused(21610)
        if fate.failure == "at once":
            raise Refused(21614)

    def _failure(self, fate: Fate, asked: Json, to: str) -> str | None:
        """The code with which a message that was taken fails later; None when it arrives."""
        if to.startswith(WHATSAPP):
            if (NAME, _digits(to)) in self._world.blocked:
                return "63014"
            if "ContentSid" not in asked and not self._world.window_open(NAME, to):
                return "63016"
            return "63024" if fate.failure else None
        return "30003" if fate.failure else None

    def _note(self, to: str, asked: Json, outcome: str, sid: str | None = None) -> None:
        kind = "template" if "ContentSid" in asked else "text"
        self._world.journal.add(
            "request",
            platform=NAME,
            to=to,
            key=_key(asked),
            type=kind,
            id=sid,
            outcome=outcome,
            payload=asked,
        )

    # --- callbacks -----------------------------------------------------------------------------------------

    def _posting_to(self, url: str) -> Envelope:
        return Envelope(NAME, url, lambda wires: urlencode(wires[0]).encode(), partial(_sign, url), lambda: 1)

    def _status(self, status: str, sid: str, asked: Json, failure: str | None) -> Update:
        url = str(asked["StatusCallback"])
        wire: Json = {
            "SmsSid": sid,
            "SmsStatus": status,
            "MessageStatus": status,
            "To": asked["To"],
            "MessageSid": sid,
            "AccountSid": TWILIO.account_sid,
            "From": asked["From"],
            "ApiVersion": VERSION,
        }
        told = "failed" if status == "undelivered" else status
        to = str(asked["To"]).removeprefix(WHATSAPP)
        facts: Json = {"id": sid, "status": told, "to": to, "key": _key(asked)}
        if status == "undelivered":
            wire["ErrorCode"] = facts["code"] = failure
        return Update(self._posting_to(url), wire, facts)

    def inbound(self, act: Act) -> str:
        """A person writes an SMS, or with `medium` whatsapp in WhatsApp. STOP and START by SMS are kept by
        Twilio itself, which says so."""
        number = re.sub(r"[\s+()-]", "", act.sender)
        if not re.fullmatch(r"[0-9]{7,15}", number):
            raise ValueError("from must be a phone number")
        medium = act.more.get("medium", "sms")
        if medium not in ("sms", "whatsapp"):
            raise ValueError("medium is sms or whatsapp")
        sid = f"SM{secrets.token_hex(16)}"
        sender = f"{WHATSAPP}+{number}" if medium == "whatsapp" else f"+{number}"
        ours = f"{WHATSAPP}{TWILIO.whatsapp_from}" if medium == "whatsapp" else TWILIO.sms_from
        self._world.journal.add(
            "inbound", platform=NAME, **{"from": sender}, text=act.text, name=act.name, id=sid, type="text"
        )
        self._world.last_inbound[NAME, sender] = self._world.clock.now()
        wire: Json = {
            "MessageSid": sid,
            "SmsSid": sid,
            "SmsMessageSid": sid,
            "AccountSid": TWILIO.account_sid,
            "From": sender,
            "To": ours,
            "Body": act.text,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsStatus": "received",
            "ApiVersion": VERSION,
        }
        if medium == "whatsapp":
            wire |= {"ProfileName": act.name, "WaId": number, "MessageType": "text"}
        elif word := self._kept(act.text, number):
            wire["OptOutType"] = word
        facts = {"id": sid, "status": "inbound", "from": sender}
        self._poster.put([Update(self._posting_to(self._inbound_url), wire, facts)], late=False)
        return sid

    def _kept(self, text: str, number: str) -> str:
        word = text.strip().upper()
        if word not in STOP_WORDS | START_WORDS:
            return ""
        blocked = word in STOP_WORDS
        self._world.block(NAME, number, blocked=blocked)
        self._world.journal.add("block", platform=NAME, address=number, blocked=blocked)
        return "STOP" if blocked else "START"


def _key(asked: Json) -> str | None:
    """Our delivery key in the callback's address."""
    return dict(parse_qsl(urlsplit(str(asked.get("StatusCallback", ""))).query)).get("key")


def _digits(address: str) -> str:
    """A number as blocks are kept under it."""
    return re.sub(r"\D", "", address)


def _sign(url: str, body: bytes) -> dict[str, Any]:
    """https://www.twilio.com/docs/usage/webhooks/webhooks-security"""
    fields = parse_qsl(body.decode(), keep_blank_values=True)
    text = url + "".join(name + value for name, value in sorted(fields))
    signature = b64encode(hmac.digest(TWILIO.auth_token.encode(), text.encode(), "sha1")).decode()
    kind = "application/x-www-form-urlencoded; charset=UTF-8"
    return {"X-Twilio-Signature": signature, "Content-Type": kind}
