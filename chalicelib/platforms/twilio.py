"""Twilio: SMS, and WhatsApp for who has it there.

Send: https://www.twilio.com/docs/messaging/api/message-resource
What becomes of it: https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
What people write: https://www.twilio.com/docs/messaging/guides/webhook-request
Signature: https://www.twilio.com/docs/usage/webhooks/webhooks-security
Errors: https://www.twilio.com/docs/api/errors

Twilio calls the address that stands in the message, and signs it with the call: our key is in its query.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote, urlencode

from chalicelib.errors import SignatureInvalid
from chalicelib.platforms.base import (
    Accepted,
    Call,
    Capabilities,
    Channel,
    Greeting,
    Http,
    Inbound,
    Medium,
    Notice,
    OutcomeUnknown,
    Outgoing,
    Preference,
    Scope,
    SendRefused,
    Status,
    Throttled,
    Unknown,
    Update,
)
from chalicelib.platforms.payload import (
    LONGEST_KIND,
    a_dict,
    an_id,
    by_status,
    fingerprint,
    form_of,
    form_pairs,
    load,
    signing_keys,
    some_ids,
    unreadable,
    words,
)

NAME = "twilio"
SIGNATURE = "x-twilio-signature"
KEY = "key"
"""The parameter of the status callback's address that holds our delivery key."""
PROVEN_KEY = "janjan.key"
"""The field under which it is put to the body."""

# --- errors: of a request, and of a message that was taken -------------------------------------------------

RETRY_AFTER_S: dict[str, float] = {
    "14107": 10,  # messages of this sender
    "20429": 1,  # requests of the account
    "21611": 60,  # the sender's queue is full
    "30001": 60,  # the queue is full
    "63017": 1,  # requests to WhatsApp
    "63018": 6,  # messages of this WhatsApp sender
    "63038": 3600,  # the account's messages of a moving day
}
OPTED_OUT = frozenset({"21610", "63014"})
"""Said STOP to Twilio; blocked us in WhatsApp, or opted out there."""
REFUSED: dict[str, Scope] = {
    **dict.fromkeys(("20003", "20005", "20006", "20404", "21212", "21603", "21606", "21609"), "channel"),
    **dict.fromkeys(("21659", "21660", "21661", "21701", "21703", "21705", "21901", "30002"), "channel"),
    **dict.fromkeys(("30010", "30032", "30034"), "channel"),  # price, senders that are not registered
    **dict.fromkeys(("63001", "63002", "63007", "63008", "63020", "63022", "63051"), "channel"),
    **dict.fromkeys(("21602", "21605", "21617", "21618", "21619", "21620", "21624"), "content"),
    **dict.fromkeys(("21654", "21655", "21656", "30007", "90007"), "content"),  # 30007: filtered as it is
    **dict.fromkeys(("63005", "63006", "63013", "63019", "63021", "63027", "63028"), "content"),
    "63030": "content",
    **dict.fromkeys(("21211", "21217", "21219", "21265", "21266", "21408", "21604"), "person"),
    **dict.fromkeys(("21608", "21612", "21614", "21635", *OPTED_OUT), "person"),
    **dict.fromkeys(("30003", "30004", "30005", "30006", "30008", "30036"), "person"),
    **dict.fromkeys(("63003", "63015", "63016", "63024", "63031", "63032", "63036"), "person"),
    "63049": "person",  # Meta holds marketing back from this person, for now
    **dict.fromkeys(("63040", "63041", "63042"), "campaign"),  # its template is rejected, paused, disabled
}


def _refusal(status: int, answer: Any) -> SendRefused | Throttled | OutcomeUnknown:  # noqa: ANN401
    """What an answer without a message's id means."""
    error = a_dict(answer)
    code, detail = an_id(error.get("code")), words(error.get("message"))[:200]
    if code in RETRY_AFTER_S:
        return Throttled(RETRY_AFTER_S[code], platform_code=code)
    if code in REFUSED:
        return SendRefused(code, REFUSED[code], detail, opted_out=code in OPTED_OUT)
    return by_status(status, code, detail)


# --- sending -----------------------------------------------------------------------------------------------

PREFIX = "whatsapp:"


def _request(channel: Channel, to: str, message: Outgoing) -> dict[str, str]:
    """The fields of a send. In WhatsApp a template is one of Twilio's contents, a language each; an SMS has
    the text that was registered."""
    prefix = PREFIX if channel.medium == "whatsapp" else ""
    fields = {"To": prefix + to}
    if service := channel.config.get("messaging_service_sid"):
        fields["MessagingServiceSid"] = service
    if sender := message.header or channel.config.get("from"):
        fields["From"] = prefix + sender
    if prefix and message.template:
        variables = {str(place): value for place, value in enumerate(message.params, 1)}
        fields["ContentSid"] = _content(channel, message)
        fields["ContentVariables"] = json.dumps(variables, ensure_ascii=False)
    elif message.text:
        fields["Body"] = message.text
    else:
        raise SendRefused("no_text", "content", "There is no text.")
    if channel.webhook:
        query = f"?{urlencode({KEY: message.key})}" if message.key else ""
        fields["StatusCallback"] = channel.webhook + query
    if message.ttl_s is not None:
        fields["ValidityPeriod"] = str(message.ttl_s)
    return fields


def _content(channel: Channel, message: Outgoing) -> str:
    """Twilio's id of a template, which the channel's `templates` tells by `name/language`."""
    sids = a_dict(channel.config.get("templates"))
    sid = an_id(sids.get(f"{message.template}/{message.template_language}"))
    if not sid:
        raise SendRefused("no_content_sid", "content", f"{message.template}/{message.template_language}")
    return sid


def _account(base_url: str, channel: Channel) -> tuple[str, dict[str, str]]:
    """The account's path without an ending, and how we prove who we are."""
    sid, tokens = an_id(channel.config.get("account_sid")), signing_keys(channel.config.get("auth_token"))
    if not sid or not tokens:
        raise SendRefused("not_configured", "channel", "account_sid, auth_token")
    basic = b64encode(sid.encode() + b":" + tokens[0]).decode("ascii")
    return f"{base_url}/2010-04-01/Accounts/{quote(sid, safe='')}", {"Authorization": f"Basic {basic}"}


# --- callbacks ---------------------------------------------------------------------------------------------

FACTS: dict[str, Literal["sent", "delivered", "read", "failed"]] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "undelivered": "failed",
    "canceled": "failed",
}
ON_ITS_WAY = frozenset({"accepted", "scheduled", "queued", "sending"})
WISHES = {"STOP": False, "START": True}
"""What Twilio has kept and answered itself, where its Advanced Opt-Out is on."""
EXTRA = ("Latitude", "Longitude", "Address", "Label", "ButtonPayload", "OptOutType")


def _address(given: str) -> tuple[str, Medium] | None:
    """An address as `send` takes it, and what it belongs to; None for one of Twilio's other channels."""
    number = given.removeprefix(PREFIX)
    if not number or ":" in number:
        return None
    return f"+{number.lstrip('+')}", "sms" if number == given else "whatsapp"


def _status(fields: Mapping[str, Any], sid: str, status: str) -> Update | None:
    to = _address(an_id(fields.get("To")))
    dedupe_id = fingerprint(NAME, "status", sid, status)
    if status in ON_ITS_WAY:
        return Notice(dedupe_id, f"message.{status}", None, {"id": sid})
    if to is None or status not in FACTS:
        return None
    code = an_id(fields.get("ErrorCode"))
    return Status(
        dedupe_id,
        sid,
        to[0],
        FACTS[status],
        None,  # RawDlrDoneDate is in a zone of the operator's
        an_id(fields.get(PROVEN_KEY)),
        code,
        opted_out=code in OPTED_OUT,
        scope=REFUSED.get(code, "person"),
        medium=to[1],
    )


def _message(fields: Mapping[str, Any], sid: str) -> Update | None:
    sender = _address(an_id(fields.get("From")))
    if sender is None:
        return None
    dedupe_id = fingerprint(NAME, "message", sid)
    if (wish := WISHES.get(an_id(fields.get("OptOutType")))) is not None:
        return Preference(dedupe_id, sender[0], wish, "all", None, sender[1])
    kind = "button" if "ButtonPayload" in fields else _kind(fields)
    return Inbound(
        dedupe_id,
        sender[0],
        words(fields.get("Body")),
        kind,
        None,
        an_id(fields.get("OriginalRepliedMessageSid")),
        words(fields.get("ProfileName")),
        {name: fields[name] for name in fields if name in EXTRA or name.startswith("Media")},
        sender[1],
        some_ids(an_id(fields.get("To")).removeprefix(PREFIX), fields.get("MessagingServiceSid")),
    )


def _kind(fields: Mapping[str, Any]) -> str:
    media = an_id(fields.get("MediaContentType0")).partition("/")[0]
    return media or ("location" if "Latitude" in fields else "text")


def _update(payload: Any) -> Update:  # noqa: ANN401
    """A call tells of one message: `MessageStatus` of one of ours, or `Body` of one to us."""
    fields = a_dict(payload)
    if not fields:
        return Unknown(fingerprint(NAME, "empty", payload), "empty", payload)
    sid = an_id(fields.get("MessageSid")) or an_id(fields.get("SmsSid"))
    status = an_id(fields.get("MessageStatus")) or an_id(fields.get("SmsStatus"))
    read = None
    if sid:
        read = _message(fields, sid) if status in ("received", "") else _status(fields, sid, status)
    about = f"message.{status}" if sid else next((an_id(name) for name in fields), "")
    return read or Unknown(fingerprint(NAME, "unknown", payload), about[:LONGEST_KIND], payload)


# --- signature ---------------------------------------------------------------------------------------------


def _signed(call: Call) -> Iterator[bytes]:
    """What Twilio may have signed: each spelling of the address, then the form's names and values in order.
    Of another body the address holds the hash."""
    stated = call.query.get("bodySHA256", "").encode("utf-8", "replace")
    hashed = hashlib.sha256(call.body).hexdigest().encode("ascii")
    form = b""
    if not hmac.compare_digest(stated, hashed):
        pairs = sorted(set(form_pairs(call.body, "surrogateescape")))
        form = "".join(name + value for name, value in pairs).encode("utf-8", "surrogateescape")
    for url in call.urls:
        for spelling in dict.fromkeys((url, *_with_and_without_port(url))):
            yield spelling.encode("utf-8", "replace") + form


def _with_and_without_port(url: str) -> tuple[str, str]:
    """Twilio's own libraries try both, since it is not always told which was signed."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    host, _, port = authority.partition(":")
    port = port or ("443" if scheme == "https" else "80")
    return f"{scheme}://{host}{slash}{path}", f"{scheme}://{host}:{port}{slash}{path}"


class Twilio:
    """Senders of a Twilio account. The platform has `account_sid` and `auth_token`; a channel `medium` (sms
    or whatsapp), `from` or `messaging_service_sid`, and for WhatsApp `templates`: Twilio's content sids by
    `name/language`."""

    name = NAME
    base_url = "https://api.twilio.com"
    capabilities = Capabilities(
        mediums=("sms", "whatsapp"),
        receipts=True,
        replies=True,
        longest=1600,
        templates=True,
        carries_key=True,
        rate_per_s=10,
        ttl_s=(1, 36_000),
    )
    webhook_content_types: tuple[str, ...] = ("application/x-www-form-urlencoded", "application/json")

    def send(self, http: Http, base_url: str, channel: Channel, to: str, message: Outgoing) -> Accepted:
        account, proof = _account(base_url, channel)
        status, _, answer = http.post_form(f"{account}/Messages.json", _request(channel, to, message), proof)
        sid = an_id(a_dict(answer).get("sid"))
        if status in (HTTPStatus.OK, HTTPStatus.CREATED) and sid:
            return Accepted(sid)
        raise _refusal(status, answer)

    def probe(self, http: Http, base_url: str, channel: Channel) -> None:
        """https://www.twilio.com/docs/iam/api/account"""
        account, proof = _account(base_url, channel)
        status, _, answer = http.get_json(f"{account}.json", proof)
        if status != HTTPStatus.OK:
            raise _refusal(status, answer)
        said = an_id(a_dict(answer).get("status"))
        if said in ("suspended", "closed"):
            raise SendRefused(f"account_{said}", "channel", said)

    def verify(self, secrets: Mapping[str, Any], call: Call) -> None:
        given = call.headers.get(SIGNATURE, "").encode("utf-8", "replace")
        signed = list(_signed(call))
        for key in signing_keys(secrets.get("auth_token")):
            for text in signed:
                if hmac.compare_digest(given, b64encode(hmac.digest(key, text, "sha1"))):
                    return
        raise SignatureInvalid

    def proven(self, call: Call) -> bytes:
        """The form with our key, which the signed address holds, as one more field."""
        if KEY not in call.query or "bodySHA256" in call.query:
            return call.body
        return call.body + b"&" + urlencode({PROVEN_KEY: call.query[KEY]}, errors="replace").encode("ascii")

    def parse(self, body: bytes) -> list[Update]:
        try:
            try:
                return [_update(load(body))]
            except ValueError:
                return [_update(form_of(body))]
        except ValueError:
            return [unreadable(NAME, body)]

    def handshake(self, secrets: Mapping[str, Any], call: Call) -> Greeting | None:
        """None: Twilio asks for no proof, it is told our address with each message."""
        return None
