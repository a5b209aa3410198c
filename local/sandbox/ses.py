"""Amazon SES, API v2, as far as a sender and a topic of events can tell.

Send: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
Events: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html

Events go where SES puts them: they are published to the topic in the embedded AWS, which hands them to its
queue. There are no open events: nobody asks for them.
"""

import base64
import os
import re
import secrets
from collections.abc import Callable
from email.utils import parseaddr
from functools import partial
from urllib.parse import urlencode

import urllib3

from local.config import SES
from local.sandbox.posting import Envelope, Poster, Update, dumped
from local.sandbox.reply import Act, Ask, Reply
from local.sandbox.world import Fate, Json, World, stamp

NAME = "ses"
TAG = "janjan"
MOST_HEADERS = 15
NOWHERE = "http://127.0.0.1:9"
"""Where nobody listens: the topic of a sandbox without an embedded AWS. What is posted there waits."""
SUBJECT = "Amazon SES Email Event Notification"
SIGNED = f"AWS4-HMAC-SHA256 Credential=local/20260101/{SES.region}/sns/aws4_request, SignedHeaders=host"
"""As far as the embedded AWS looks at it."""


class Refused(Exception):
    """SES says no."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(name, message)
        self.status = status
        self.name = name
        self.body: Json = {"__type": name, "message": message}


class Ses:
    """One account with one identity and one configuration set, on one world."""

    NAME = NAME
    extras: frozenset[str] = frozenset()

    def __init__(self, world: World, poster: Poster, webhooks: str) -> None:
        done = {
            "complaint": self._complaint,
            "out_of_office": self._out_of_office,
            "unsubscribe": self._unsubscribe,
        }
        self.acts = {kind: partial(self._act, kind, what) for kind, what in done.items()}
        self._world = world
        self._poster = poster
        topic = os.environ.get("AWS_ENDPOINT_URL", NOWHERE)
        self._envelope = Envelope(NAME, f"{topic}/", lambda wires: _published(wires[0]), _as_ses, lambda: 1)
        self._last: dict[str, Json] = {}
        """The last email to each address."""

    def handle(self, asked: Ask) -> Reply:
        """Answer `/v2/email/outbound-emails` and `/v2/email/account`."""
        try:
            if not re.search(rf"Credential=\S+/{SES.region}/ses/aws4_request", asked.token):
                raise Refused(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
            match asked.method, asked.path:
                case "POST", ["v2", "email", "outbound-emails"]:
                    return self._send(asked.body)
                case "GET", ["v2", "email", "account"]:
                    return self._account()
            raise Refused(404, "UnknownOperationException", "")
        except Refused as refused:
            return Reply(refused.status, refused.body)

    def _account(self) -> Reply:
        """https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html"""
        ill = bool(self._world.behaviour.channel_ill)
        quota = {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0}
        health = {"SendingEnabled": not ill, "EnforcementStatus": "SHUTDOWN" if ill else "HEALTHY"}
        return Reply(200, {**health, "ProductionAccessEnabled": True, "SendQuota": quota})

    # --- sending -------------------------------------------------------------------------------------------

    def _send(self, asked: object) -> Reply:
        body: Json = asked if isinstance(asked, dict) else {}
        addresses = _at(body, "Destination", "ToAddresses")
        to = str(addresses[0]) if isinstance(addresses, list) and addresses else ""
        key = _key(body)
        try:
            _check(body, to)
            fate = self._world.fate(NAME, to)
            self._refuse_by_fate(fate, to)
        except Refused as refused:
            throttled = refused.name == "TooManyRequestsException"
            self._note(to, key, body, "throttled" if throttled else f"refused:{refused.name}")
            raise
        message_id = f"0109{secrets.token_hex(6)}-{secrets.token_hex(8)}-000000"
        self._note(to, key, body, "lost_reply" if fate.lost_reply else "accepted", message_id)
        mail = self._mail(body, to, message_id)
        self._last[to] = {"mail": mail, "key": key, "body": body}
        bounces = self._bounce_of(fate, to)
        if bounces is None:
            simple = body["Content"]["Simple"]["Body"]
            text = (simple.get("Text") or simple["Html"])["Data"]
            self._world.deliver(NAME, to, message_id, text, body)
        told = bounces or self._delivery(to)
        self._tell(mail, key, "sent", {"eventType": "Send", "send": {}})
        self._tell(mail, key, "delivered" if bounces is None else "failed", told)
        if bounces is None and fate.complains:
            self._complaint(to, self._last[to])
        return Reply(200, {"MessageId": message_id}, cut=fate.lost_reply)

    def _note(
        self, to: str, key: str | None, body: Json, outcome: str, message_id: str | None = None
    ) -> None:
        self._world.journal.add(
            "request",
            platform=NAME,
            to=to,
            key=key,
            type="email",
            id=message_id or None,
            outcome=outcome,
            payload=body,
        )

    def _refuse_by_fate(self, fate: Fate, to: str) -> None:
        if self._world.behaviour.channel_ill:
            raise Refused(400, "SendingPausedException", "Sending is paused for this account.")
        if fate.throttled or self._world.over_rate(NAME):
            raise Refused(429, "TooManyRequestsException", "Maximum sending rate exceeded.")
        if fate.failure == "at once":
            raise Refused(400, "BadRequestException", "Local address contains control or whitespace")

    def _bounce_of(self, fate: Fate, to: str) -> Json | None:
        """An address that has blocked us is one that SES suppresses."""
        blocked = (NAME, to) in self._world.blocked
        if not blocked and fate.failure is None:
            return None
        sub_type = "OnAccountSuppressionList" if blocked else "General"
        return self._bounce(to, "Permanent", sub_type)

    def _bounce(self, to: str, kind: str, sub_type: str) -> Json:
        bounced = {"emailAddress": to}
        if kind == "Permanent":
            bounced |= {
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 user unknown",
            }
        told = {"bounceType": kind, "bounceSubType": sub_type, "bouncedRecipients": [bounced]}
        return {"eventType": "Bounce", "bounce": told | {"feedbackId": _feedback(), "timestamp": self._now()}}

    def _delivery(self, to: str) -> Json:
        told = {"timestamp": self._now(), "recipients": [to], "smtpResponse": "250 2.0.0 OK"}
        return {"eventType": "Delivery", "delivery": told}

    def _now(self) -> str:
        return stamp(self._world.clock.now())

    # --- what people do ------------------------------------------------------------------------------------

    def _act(self, kind: str, what: Callable[[str, Json], None], act: Act) -> str:
        """Something that a person does about the last email that they got."""
        last = self._last.get(act.sender)
        if last is None:
            raise ValueError("from must be an address that got an email since the start")
        self._world.journal.add(
            "inbound",
            platform=NAME,
            **{"from": act.sender},
            text=act.text,
            name=act.name,
            id=last["mail"]["messageId"],
            type=kind,
        )
        what(act.sender, last)
        return str(last["mail"]["messageId"])

    def _complaint(self, to: str, last: Json) -> None:
        """The button "spam"."""
        told = {"complainedRecipients": [{"emailAddress": to}], "complaintFeedbackType": "abuse"}
        told |= {"feedbackId": _feedback(), "timestamp": self._now()}
        self._tell(last["mail"], last["key"], "complaint", {"eventType": "Complaint", "complaint": told})

    def _out_of_office(self, to: str, last: Json) -> None:
        """An automatic answer, which SES takes for a bounce that passes."""
        self._tell(last["mail"], last["key"], "bounce", self._bounce(to, "Transient", "General"))

    def _unsubscribe(self, to: str, last: Json) -> None:
        """The mailbox's own button (RFC 8058): no cookies, no redirects."""
        headers = {one["Name"]: one["Value"] for one in last["body"]["Content"]["Simple"].get("Headers", [])}
        if headers.get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click":
            raise ValueError("the last email to this address has no button to unsubscribe")
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        url, body = headers["List-Unsubscribe"].strip("<>"), headers["List-Unsubscribe-Post"]
        answer = urllib3.request("POST", url, body=body, headers=kind, retries=False, timeout=30.0)
        if answer.status != 200:
            raise ValueError(f"the link answered {answer.status}")

    # --- events --------------------------------------------------------------------------------------------

    def _mail(self, body: Json, to: str, message_id: str) -> Json:
        tags = {one["Name"]: [one["Value"]] for one in body.get("EmailTags", [])}
        return {
            "timestamp": self._now(),
            "source": parseaddr(body["FromEmailAddress"])[1],
            "messageId": message_id,
            "destination": [to],
            "tags": {"ses:configuration-set": [SES.configuration_set], **tags},
        }

    def _tell(self, mail: Json, key: str | None, status: str, event: Json) -> None:
        facts = {"id": mail["messageId"], "status": status, "to": mail["destination"][0], "key": key}
        self._poster.put([Update(self._envelope, {**event, "mail": mail}, facts)])


def _at(body: Json, *path: str) -> object:
    found: object = body
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _key(body: Json) -> str | None:
    """Our delivery key, as the judge wants it: from the tag, in base64url."""
    tags = {one.get("Name"): one.get("Value") for one in body.get("EmailTags") or []}
    tag = tags.get(TAG)
    return base64.urlsafe_b64decode(tag + "=" * (-len(tag) % 4)).decode("utf-8", "replace") if tag else None


def _check(body: Json, to: str) -> None:
    """Refused says what is wrong with the request."""
    if parseaddr(str(body.get("FromEmailAddress")))[1] != parseaddr(SES.sender)[1]:
        raise Refused(400, "MessageRejected", "Email address is not verified.")
    if body.get("ConfigurationSetName") != SES.configuration_set:
        raise Refused(404, "NotFoundException", "The configuration set does not exist.")
    if not re.fullmatch(r"[!-?A-~]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+", to):
        raise Refused(400, "BadRequestException", "Illegal address")
    for tag in body.get("EmailTags") or []:
        if not all(re.fullmatch(r"[A-Za-z0-9_-]{1,256}", str(tag.get(part))) for part in ("Name", "Value")):
            raise Refused(400, "BadRequestException", "Invalid tag")
    _check_content(_at(body, "Content", "Simple"))


def _check_content(simple: object) -> None:
    content: Json = simple if isinstance(simple, dict) else {}
    headers = content.get("Headers") or []
    if len(headers) > MOST_HEADERS or not all(re.fullmatch(r"[ -~]{1,995}", h["Value"]) for h in headers):
        raise Refused(400, "BadRequestException", "Invalid headers")
    if not _at(content, "Subject", "Data"):
        raise Refused(400, "BadRequestException", "Subject is missing")
    if not any(_at(content, "Body", part, "Data") for part in ("Text", "Html")):
        raise Refused(400, "BadRequestException", "Body is missing")


def _published(event: Json) -> bytes:
    """The request by which SES would publish an event."""
    asked = {"Action": "Publish", "Version": "2010-03-31", "TopicArn": SES.topic_arn, "Subject": SUBJECT}
    return urlencode(asked | {"Message": dumped(event).decode()}).encode()


def _as_ses(_body: bytes) -> dict[str, str]:
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": f"{SIGNED}, Signature=0",
    }


def _feedback() -> str:
    return f"0109{secrets.token_hex(6)}-{secrets.token_hex(8)}-feedback"
