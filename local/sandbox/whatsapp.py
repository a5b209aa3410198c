"""WhatsApp Cloud API, as far as a sender and a receiver of webhooks can tell.

Send: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages
Errors: https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
Webhooks: https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components
"""

import base64
import hashlib
import hmac
import re
import secrets
import uuid
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

import urllib3

from local.config import WHATSAPP
from local.sandbox.posting import Envelope, Poster, Update, dumped
from local.sandbox.reply import Act, Ask, Reply, picture_of
from local.sandbox.world import Fate, Json, World

NAME = "whatsapp"
TEXT_MOST = 4096
TEMPLATES_A_PAGE = 25
UPDATES_A_CHANGE = 25

ERRORS: dict[int, tuple[int, str]] = {
    100: (400, "Invalid parameter"),
    190: (401, "Invalid OAuth access token"),
    130429: (429, "Rate limit hit"),
    131031: (403, "Business Account locked"),
    131026: (400, "Message undeliverable"),
    131047: (400, "Re-engagement message"),
    2200: (400, "Callback verification failed"),
    131056: (429, "(Business Account, Consumer Account) pair rate limit hit"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
}
"""code: (HTTP status, title), from the page of errors."""
THROTTLES = (130429, 131056)


class Refused(Exception):
    """The platform does not take the request."""

    def __init__(self, code: int, details: str) -> None:
        super().__init__(code, details)
        self.code = code
        self.details = details

    @property
    def reply(self) -> Reply:
        """The error in Graph's shape."""
        status, title = ERRORS[self.code]
        return Reply(
            status,
            {
                "error": {
                    "message": f"(#{self.code}) {title}",
                    "type": "OAuthException",
                    "code": self.code,
                    "error_data": {"messaging_product": "whatsapp", "details": self.details},
                    "fbtrace_id": secrets.token_urlsafe(17),
                }
            },
        )


def e164(address: object) -> str:
    """A number as WhatsApp reads it, with its plus; Refused(100) when it cannot be one."""
    if not isinstance(address, str):
        raise Refused(100, "to must be a string")
    digits = re.sub(r"[\s+()-]", "", address)
    if not re.fullmatch(r"[0-9]{7,15}", digits):
        raise Refused(100, "to is not a phone number")
    return f"+{digits}"


def placeholders(template: Json) -> int:
    """How many parameters the body of a template wants."""
    return len(set(re.findall(r"\{\{\s*(\w+)\s*\}\}", _body(template))))


def _body(template: Json) -> str:
    for component in template.get("components", []):
        if str(component.get("type", "")).upper() == "BODY":
            return str(component.get("text", ""))
    return ""


FILES = "files"
"""The part of a path behind which the files lie that people sent."""
REPLY = "और बताइए"
"""What those write who answer a campaign's template (behaviour `reply`): tell me more."""


class WhatsApp:
    """One business account with one number, on one world."""

    NAME = NAME
    extras: frozenset[str] = frozenset({"picture"})

    def __init__(self, world: World, poster: Poster, webhooks: str) -> None:
        self.acts = {kind: partial(self._act, kind=kind) for kind in ("text", "button", "preference")}
        self.acts["picture"] = self._picture
        self._media: dict[str, tuple[str, bytes]] = {}
        self._world = world
        self._poster = poster
        self._envelope = self._posting_to(f"{webhooks}/webhooks/whatsapp")

    def _posting_to(self, url: str) -> Envelope:
        return Envelope(NAME, url, self._pack, self._sign, lambda: self._world.behaviour.batch)

    def handle(self, asked: Ask) -> Reply:
        """Answer `/<version>/<number>/messages`, and of the account message_templates and subscribed_apps."""
        try:
            body = asked.body
            if asked.token != f"Bearer {WHATSAPP.access_token}":
                raise Refused(190, "The access token could not be decrypted")
            match asked.method, asked.path[1:]:
                case "GET", [what]:
                    return self._read(asked, what)
                case "POST", [WHATSAPP.phone_number_id, "messages"]:
                    return self._send(body)
                case "GET", [WHATSAPP.waba, "message_templates"]:
                    return self._templates(asked.query)
                case "POST", [WHATSAPP.waba, "message_templates"]:
                    return self._register(body)
                case "POST", [WHATSAPP.waba, "subscribed_apps"]:
                    return self._subscribe(body)
            raise Refused(100, _no_object(asked.path[1] if asked.path[1:] else ""))
        except Refused as refused:
            return refused.reply

    def _read(self, asked: Ask, what: str) -> Reply:
        if what == WHATSAPP.phone_number_id:
            return self._health()
        if what in self._media:
            return self._file(asked, what)
        raise Refused(100, _no_object(what))

    def _file(self, asked: Ask, media: str) -> Reply:
        """A file's address, and at that address the file:
        https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media"""
        kind, content = self._media[media]
        if asked.path[0] == FILES:
            return Reply(200, content)
        about = {"messaging_product": "whatsapp", "mime_type": kind, "file_size": len(content), "id": media}
        url = f"http://{asked.headers['host']}/{NAME}/{FILES}/{media}"
        return Reply(200, {**about, "sha256": hashlib.sha256(content).hexdigest(), "url": url})

    def _health(self) -> Reply:
        """https://developers.facebook.com/docs/whatsapp/cloud-api/health-status"""
        said = "BLOCKED" if self._world.behaviour.channel_ill else "AVAILABLE"
        phone = {"entity_type": "PHONE_NUMBER", "id": WHATSAPP.phone_number_id, "can_send_message": said}
        health = {"can_send_message": said, "entities": [phone]}
        return Reply(200, {"health_status": health, "id": WHATSAPP.phone_number_id})

    # --- sending -------------------------------------------------------------------------------------------

    def _send(self, asked: object) -> Reply:
        body: Json = asked if isinstance(asked, dict) else {}
        to = ""
        try:
            to = e164(body.get("to"))
            text = self._check(body, to)
            fate = self._world.fate(NAME, to)
            self._refuse_by_fate(fate, to)
        except Refused as refused:
            outcome = "throttled" if refused.code in THROTTLES else f"refused:{refused.code}"
            self._note(to, body, outcome)
            return refused.reply
        message_id = _wamid(to)
        self._note(to, body, "lost_reply" if fate.lost_reply else "accepted", message_id)
        if fate.failure is None and (NAME, to) not in self._world.blocked:
            self._world.deliver(NAME, to, message_id, text, body)
            if fate.reply and body.get("type") == "template" and body.get("biz_opaque_callback_data"):
                self.inbound(to, REPLY, "", "text")
        self._poster.put([self._status(s, body, to, message_id) for s in self._statuses(fate, to)])
        answer: Json = {
            "messaging_product": "whatsapp",
            "contacts": [{"input": body["to"], "wa_id": to.removeprefix("+")}],
            "messages": [{"id": message_id}],
        }
        if body.get("type") == "template":
            answer["messages"][0]["message_status"] = "accepted"
        return Reply(200, answer, cut=fate.lost_reply)

    def _note(self, to: str, body: Json, outcome: str, message_id: str | None = None) -> None:
        self._world.journal.add(
            "request",
            platform=NAME,
            to=to,
            key=body.get("biz_opaque_callback_data"),
            type=body.get("type", "text"),
            id=message_id,
            outcome=outcome,
            payload=body,
        )

    def _refuse_by_fate(self, fate: Fate, to: str) -> None:
        if self._world.behaviour.channel_ill:
            raise Refused(131031, "The account has been locked")
        if fate.throttled or self._world.over_rate(NAME):
            raise Refused(130429, "Cloud API message throughput has been reached")
        if self._world.over_pair_rate(to):
            raise Refused(131056, "Too many messages sent to the same number in a short period")
        if fate.failure == "at once":
            raise Refused(131026, "Unable to deliver the message to this number")

    def _check(self, body: Json, to: str) -> str:
        """The text that the person will read; Refused says what is wrong with the request."""
        if body.get("messaging_product") != "whatsapp":
            raise Refused(100, "The parameter messaging_product is required")
        key = body.get("biz_opaque_callback_data")
        if key is not None and (not isinstance(key, str) or len(key) > 512):
            raise Refused(100, "biz_opaque_callback_data must be at most 512 characters")
        match body.get("type", "text"):
            case "template":
                return self._rendered(body.get("template"))
            case "text":
                return self._free_text(body.get("text"), to)
        raise Refused(100, "The sandbox takes the types template and text")

    def _free_text(self, text: object, to: str) -> str:
        words = text.get("body") if isinstance(text, dict) else None
        if not isinstance(words, str) or not 1 <= len(words) <= TEXT_MOST:
            raise Refused(100, f"text.body must be 1 to {TEXT_MOST} characters")
        if not self._world.window_open(NAME, to):
            raise Refused(131047, "More than 24 hours have passed since the recipient last replied")
        return words

    def _rendered(self, asked: object) -> str:
        if not isinstance(asked, dict):
            raise Refused(100, "The parameter template is required")
        name, language = asked.get("name"), (asked.get("language") or {}).get("code")
        template = self._world.templates.get((str(name), str(language)))
        if template is None or template.get("status", "APPROVED") != "APPROVED":
            raise Refused(132001, f"template name ({name}) does not exist in {language}")
        values = _body_parameters(asked)
        if len(values) != (expected := placeholders(template)):
            raise Refused(
                132000,
                f"body: number of localizable_params ({len(values)}) does not match the expected "
                f"number of params ({expected})",
            )
        return re.sub(r"\{\{\s*(\d+)\s*\}\}", lambda m: values[int(m[1]) - 1], _body(template))

    # --- callbacks -----------------------------------------------------------------------------------------

    def _statuses(self, fate: Fate, to: str) -> list[str]:
        if (NAME, to) in self._world.blocked:
            return ["sent"]
        if fate.failure == "later":
            return ["sent", "failed"] if fate.variant < 0.5 else ["failed"]
        return ["sent", "delivered", "read"] if fate.read else ["sent", "delivered"]

    def _status(self, status: str, body: Json, to: str, message_id: str) -> Update:
        now = self._world.clock.now()
        wire: Json = {
            "id": message_id,
            "status": status,
            "timestamp": str(int(now.timestamp())),
            "recipient_id": to.removeprefix("+"),
        }
        facts: Json = {"id": message_id, "status": status, "to": to, "key": None}
        if (key := body.get("biz_opaque_callback_data")) is not None:
            wire["biz_opaque_callback_data"] = facts["key"] = key
        if status == "failed":
            facts["code"] = 131026
            title = ERRORS[131026][1]
            wire["errors"] = [
                {
                    "code": 131026,
                    "title": title,
                    "message": title,
                    "error_data": {"details": "Message was not delivered: the number cannot take it."},
                    "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
                }
            ]
        else:
            category = self._category(body)
            conversation = uuid.uuid5(uuid.NAMESPACE_URL, to).hex
            wire["conversation"] = {"id": conversation, "origin": {"type": category}}
            wire["pricing"] = {"billable": True, "pricing_model": "PMP", "category": category}
            if status == "sent":
                wire["conversation"]["expiration_timestamp"] = str(int((now + timedelta(1)).timestamp()))
        return Update(self._envelope, {"statuses": wire}, facts)

    def _category(self, body: Json) -> str:
        if body.get("type") != "template":
            return "service"
        asked = body["template"]
        template = self._world.templates[asked["name"], asked["language"]["code"]]
        return str(template.get("category", "UTILITY")).lower()

    def _act(self, act: Act, kind: str) -> str:
        return self.inbound(act.sender, act.text, act.name, kind)

    def _picture(self, act: Act) -> str:
        """A picture, its bytes in base64, with `text` as its caption."""
        kind, content = picture_of(act)
        media = str(uuid.uuid4().int % 10**16)
        self._media[media] = (kind, content)
        about = {"id": media, "mime_type": kind, "sha256": hashlib.sha256(content).hexdigest()}
        return self.inbound(act.sender, act.text, act.name, "image", about)

    def inbound(self, sender: str, text: str, name: str, kind: str, image: Json | None = None) -> str:
        """A person writes (`text`), presses a quick reply (`button`), or sets marketing to stop or resume
        (`preference`). Opens the 24-hour window; the webhook follows. Answers the message's id."""
        try:
            sender = e164(sender)
        except Refused as refused:
            raise ValueError(refused.details) from refused
        message_id = _wamid(sender)
        now = self._world.clock.now()
        number = sender.removeprefix("+")
        self._world.journal.add(
            "inbound", platform=NAME, **{"from": sender}, text=text, name=name, id=message_id, type=kind
        )
        contact = {"profile": {"name": name}, "wa_id": number}
        wire: Json
        if kind == "preference":
            wire = {
                "contacts": contact,
                "user_preferences": {
                    "wa_id": number,
                    "detail": f"User requested to {text} marketing messages",
                    "category": "marketing_messages",
                    "value": text,
                    "timestamp": int(now.timestamp()),
                },
            }
        else:
            self._world.last_inbound[NAME, sender] = now
            content: Json = {"payload": text, "text": text} if kind == "button" else {"body": text}
            if image is not None:
                content = {**image, **({"caption": text} if text else {})}
            message = {"from": number, "id": message_id, "timestamp": str(int(now.timestamp())), "type": kind}
            wire = {"contacts": contact, "messages": {**message, kind: content}}
        facts = {"id": message_id, "status": "inbound", "from": sender}
        self._poster.put([Update(self._envelope, wire, facts)], late=False)
        return message_id

    def _pack(self, wires: list[Json]) -> bytes:
        """Up to 1,000 updates: changes of one field each, with several updates of one sort."""
        changes = []
        for sort, field in (
            ("statuses", "messages"),
            ("messages", "messages"),
            ("user_preferences", "user_preferences"),
        ):
            of_sort = [wire for wire in wires if sort in wire]
            for start in range(0, len(of_sort), UPDATES_A_CHANGE):
                part = of_sort[start : start + UPDATES_A_CHANGE]
                value: Json = {
                    "messaging_product": "whatsapp",
                    "metadata": {
                        "display_phone_number": WHATSAPP.display_phone_number,
                        "phone_number_id": WHATSAPP.phone_number_id,
                    },
                }
                if contacts := [wire["contacts"] for wire in part if "contacts" in wire]:
                    value["contacts"] = contacts
                value[sort] = [wire[sort] for wire in part]
                changes.append({"value": value, "field": field})
        return dumped(
            {"object": "whatsapp_business_account", "entry": [{"id": WHATSAPP.waba, "changes": changes}]}
        )

    @staticmethod
    def _sign(body: bytes) -> dict[str, str]:
        digest = hmac.new(WHATSAPP.app_secret.encode(), body, hashlib.sha256).hexdigest()
        return {"X-Hub-Signature-256": f"sha256={digest}"}

    def _subscribe(self, body: object) -> Reply:
        """Post callbacks elsewhere from now on, once that address has answered the handshake.

        https://developers.facebook.com/docs/whatsapp/embedded-signup/webhooks/override
        """
        asked: Json = body if isinstance(body, dict) else {}
        url, token = str(asked.get("override_callback_uri", "")), str(asked.get("verify_token", ""))
        if urlsplit(url).hostname != "127.0.0.1":
            raise Refused(100, "The sandbox posts to 127.0.0.1 only")
        challenge = secrets.token_hex(8)
        fields = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": challenge}
        try:
            answer = urllib3.request("GET", url, fields=fields, retries=False, timeout=30.0)
        except urllib3.exceptions.HTTPError as error:
            raise Refused(2200, f"The callback URL does not answer: {type(error).__name__}") from error
        if answer.status != 200 or answer.data.decode("utf-8", "replace") != challenge:
            raise Refused(2200, f"The callback URL answered {answer.status} without the challenge")
        self._envelope = self._posting_to(url)
        return Reply(200, {"success": True})

    # --- templates -----------------------------------------------------------------------------------------

    def _templates(self, query: dict[str, str]) -> Reply:
        found = [t for t in self._world.templates.values() if query.get("name", t["name"]) == t["name"]]
        start = int(query.get("after") or 0)
        most = int(query.get("limit") or TEMPLATES_A_PAGE)
        page = found[start : start + most]
        paging: Json = {"cursors": {"before": str(start), "after": str(start + len(page))}}
        if start + most < len(found):
            paging["next"] = f"?limit={most}&after={start + most}"
        return Reply(200, {"data": page, "paging": paging})

    def _register(self, body: object) -> Reply:
        wanted = ("name", "language", "category", "components")
        if not isinstance(body, dict) or any(not body.get(key) for key in wanted):
            raise Refused(100, "name, language, category and components are required")
        if not re.fullmatch(r"[a-z0-9_]{1,512}", body["name"]):
            raise Refused(100, "name takes small letters, digits and underscores")
        key = (body["name"], body["language"])
        if key in self._world.templates:
            raise Refused(100, "There is already content in this language for this template")
        template = {name: body[name] for name in wanted}
        template["status"] = "APPROVED"
        template["id"] = str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(key)).int % 10**16)
        self._world.templates[key] = template
        self._world.journal.add("template", platform=NAME, template=template)
        return Reply(200, {key: template[key] for key in ("id", "status", "category")})


def _body_parameters(asked: Json) -> list[str]:
    for component in asked.get("components") or []:
        if str(component.get("type")).lower() == "body":
            return [str(parameter.get("text", "")) for parameter in component.get("parameters", [])]
    return []


def _no_object(wanted: str) -> str:
    return f"Object {wanted!r} does not exist or has no such edge"


def _wamid(to: str) -> str:
    """A message id as WhatsApp makes them: base64 with the number inside."""
    raw = b"\x1d\x18\x0c" + to.removeprefix("+").encode() + b"\x15\x02\x00\x11\x18\x12"
    return "wamid." + base64.b64encode(raw + secrets.token_hex(9).upper().encode() + b"\x00").decode()
