"""Email through Amazon SES, API v2.

Send: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
Errors: the same page, and https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html
Events: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
SNS: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from email.utils import formataddr, parseaddr
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

from chalicelib.errors import SignatureInvalid, Transient
from chalicelib.platforms.base import (
    Accepted,
    Call,
    Capabilities,
    Channel,
    Greeting,
    Headers,
    Http,
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
    a_list,
    an_id,
    by_status,
    fingerprint,
    load,
    packed,
    signing_keys,
    timestamp,
    unreadable,
    words,
)

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

NAME = "ses"
MEDIUM: Medium = "email"
LONGEST_CODE = 24
"""Characters of what a tally keeps of a failure: it holds 25 people in 1 KB."""
TAG = "janjan"
"""The email's tag that carries our delivery key: SES puts it into every event of the email."""

# --- errors, by name ---------------------------------------------------------------------------------------

THROTTLES = frozenset(
    ("TooManyRequestsException", "ThrottlingException", "Throttling", "LimitExceededException")
)
WAIT_S, WAIT_FOR_TOMORROW_S = 1.0, 900.0
"""After "Maximum sending rate exceeded", and after "Daily message quota exceeded": the 24 hours move on."""
REFUSED: tuple[tuple[str, str, Scope], ...] = (
    ("MessageRejected", "not verified", "channel"),
    ("MessageRejected", "suspended", "channel"),
    ("MessageRejected", "paused", "channel"),
    ("MessageRejected", "", "content"),
    ("AccountSuspendedException", "", "channel"),
    ("MailFromDomainNotVerifiedException", "", "channel"),
    ("SendingPausedException", "", "channel"),
    ("NotFoundException", "", "channel"),
    ("BadRequestException", "address", "person"),
    ("BadRequestException", "domain", "person"),
    ("BadRequestException", "", "content"),
)
"""Name of the error, what its message holds, for whom the refusal stands; the first that fits. Whoever SES
itself suppresses is accepted, and bounces."""


def _refusal(status: int, headers: Headers, answer: Any) -> SendRefused | Throttled | OutcomeUnknown:  # noqa: ANN401
    """What an answer without a message id means."""
    error = a_dict(answer)
    named = an_id(headers.get("x-amzn-errortype")) or an_id(error.get("__type")) or an_id(error.get("code"))
    name = named.partition(":")[0].rpartition("#")[2]
    detail = (words(error.get("message")) or words(error.get("Message")))[:200]
    said = detail.lower()
    if name in THROTTLES and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Throttled(WAIT_FOR_TOMORROW_S if "daily" in said else WAIT_S, platform_code=name)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        for known, clue, scope in REFUSED:
            if name == known and clue in said:
                return SendRefused(name, scope, detail)
    if status == HTTPStatus.FORBIDDEN:  # rights, keys, signature: ours, whatever it is called
        return SendRefused(name or "http_403", "channel", detail)
    return by_status(status, name, detail)


# --- sending -----------------------------------------------------------------------------------------------


def tag_of(key: str) -> str:
    """A delivery key as a tag may hold it: ASCII letters, digits, `_` and `-`, at most 256."""
    return base64.urlsafe_b64encode(key.encode()).decode("ascii").rstrip("=")


def key_of(tag: str) -> str:
    """The delivery key in a tag; empty for what is none of ours."""
    try:
        key = base64.urlsafe_b64decode(tag + "=" * (-len(tag) % 4)).decode("ascii")
    except ValueError:  # binascii.Error and UnicodeDecodeError are such
        return ""
    return key if tag_of(key) == tag else ""


def _setting(channel: Channel, name: str) -> str:
    value = channel.config.get(name)
    if not value:
        raise SendRefused(f"no_{name}", "channel", f"The channel has no {name} in the secret.")
    return str(value)


def _request(channel: Channel, to: str, message: Outgoing) -> dict[str, Any]:
    """The body of a send. With a link to unsubscribe the mailbox shows a button for it (RFC 8058)."""
    if not (message.text or message.html):
        raise SendRefused("no_text", "content", "There is neither a text nor HTML.")
    if not message.subject or "\n" in message.subject or "\r" in message.subject:
        raise SendRefused("bad_subject", "content", "The subject must be one line of words.")
    body = {"Text": message.text, "Html": message.html}
    simple: dict[str, Any] = {
        "Subject": _content(message.subject),
        "Body": {part: _content(text) for part, text in body.items() if text},
    }
    if message.unsubscribe_url:
        headers = {
            "List-Unsubscribe": f"<{message.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        simple["Headers"] = [{"Name": name, "Value": value} for name, value in headers.items()]
    request: dict[str, Any] = {
        "FromEmailAddress": formataddr(parseaddr(_setting(channel, "from"))),
        "Destination": {"ToAddresses": [to]},
        "Content": {"Simple": simple},
        "ConfigurationSetName": _setting(channel, "configuration_set"),
    }
    if message.key:
        request["EmailTags"] = [{"Name": TAG, "Value": tag_of(message.key)}]
    return request


def _content(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}


def _signed(method: str, url: str, region: str, body: bytes | None) -> dict[str, str]:
    """The headers that prove a request ours (AWS Signature Version 4), by the function's own role."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    headers = {"Content-Type": "application/json"} if body is not None else {}
    request = AWSRequest(method, url, headers, body)
    SigV4Auth(_credentials(), "ses", region).add_auth(request)
    return dict(request.headers)


def _credentials() -> ReadOnlyCredentials:
    from botocore.exceptions import BotoCoreError

    try:
        found = _session().get_credentials()
        if found is None:
            raise SendRefused("no_credentials", "channel", "The function has no role.")
        frozen: ReadOnlyCredentials = found.get_frozen_credentials()
    except BotoCoreError as error:
        raise Transient from error  # nothing has been sent
    return frozen


@cache
def _session() -> Any:  # noqa: ANN401 - botocore has no types of its own
    from botocore.session import get_session

    return get_session()


# --- the envelope of SNS -----------------------------------------------------------------------------------

NOTIFICATION, SUBSCRIPTION, UNSUBSCRIPTION = (
    "Notification",
    "SubscriptionConfirmation",
    "UnsubscribeConfirmation",
)
CONFIRMED = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIPTION: CONFIRMED,
    UNSUBSCRIPTION: CONFIRMED,
}
"""What a signature covers, by the envelope's type. Nothing else in an envelope is read."""
HASHES = {"1": "SHA1", "2": "SHA256"}
CERTIFICATES_KEPT = 8


def string_to_sign(envelope: Mapping[str, Any]) -> bytes:
    """The signed fields of an SNS message, name and value a line each. Raises SignatureInvalid for what is no
    such message."""
    names = SIGNED.get(an_id(envelope.get("Type")), ())
    fields = [(name, envelope[name]) for name in names if name in envelope]
    if not fields or not all(isinstance(value, str) for _, value in fields):
        raise SignatureInvalid
    return "".join(f"{name}\n{value}\n" for name, value in fields).encode("utf-8", "replace")


def _certificate_url(envelope: Mapping[str, Any], topic: str) -> str:
    """Where the certificate is; SignatureInvalid unless it is a host of SNS itself, in the topic's region."""
    url, region = an_id(envelope.get("SigningCertURL")), topic.split(":")[3:4]
    wanted = rf"https://sns\.{re.escape(''.join(region))}\.amazonaws\.com/[A-Za-z0-9_-]+\.pem"
    if not region or not re.fullmatch(wanted, url):
        raise SignatureInvalid
    return url


def _check(envelope: Mapping[str, Any], pem: str) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import load_pem_x509_certificate

    hash_name = HASHES.get(an_id(envelope.get("SignatureVersion")))
    if hash_name is None:
        raise SignatureInvalid
    try:
        signature = base64.b64decode(an_id(envelope.get("Signature")), validate=True)
        key = load_pem_x509_certificate(pem.encode()).public_key()
        if not isinstance(key, RSAPublicKey):
            raise SignatureInvalid
        key.verify(signature, string_to_sign(envelope), PKCS1v15(), getattr(hashes, hash_name)())
    except (InvalidSignature, ValueError):
        raise SignatureInvalid from None


# --- events ------------------------------------------------------------------------------------------------

Event = Mapping[str, Any]
NOT_SPAM = "not-spam"
"""A report that takes a complaint back (RFC 6430)."""
SUPPRESSED = {"OnAccountSuppressionList": "suppressed", "Suppressed": "suppressed"}
"""Sub-types that say that SES did not even try, after an earlier bounce or complaint; our code for it."""

GIVEN_UP: dict[str, Scope] = {
    "MailboxFull": "person",
    "CustomTimeoutExceeded": "person",
    **dict.fromkeys(("MessageTooLarge", "ContentRejected", "AttachmentRejected"), "content"),
}
"""Sub-types of a transient bounce that name a reason not to deliver, and whom it is about: SES tells of a
transient bounce when it has stopped trying. `General` names none: automatic answers come as such too."""


def _id(*parts: Any) -> str:  # noqa: ANN401
    return fingerprint(NAME, *parts)


def _mail(event: Event) -> tuple[str, str]:
    """SES's id of the email, and our key from its tags."""
    mail = a_dict(event.get("mail"))
    tags = a_list(a_dict(mail.get("tags")).get(TAG))
    return an_id(mail.get("messageId")), key_of(an_id(tags[0])) if tags else ""


def _addresses(given: Any) -> list[str]:  # noqa: ANN401
    """Bare addresses: SES may repeat names beside them."""
    listed = [an_id(a_dict(one).get("emailAddress")) or an_id(one) for one in a_list(given)]
    return [address for one in listed if (address := parseaddr(one)[1])]


def _statuses(
    event: Event,
    about: str,
    fact: Literal["sent", "delivered", "failed"],
    recipients: str = "",
    *,
    code: str = "",
    opted_out: bool = False,
    scope: Scope = "person",
) -> Iterator[Update]:
    """A status for each recipient whom the event names; of one that names nobody, for all of the email."""
    told, mail = a_dict(event.get(about)), a_dict(event.get("mail"))
    message_id, key = _mail(event)
    addresses = _addresses(told.get(recipients)) if recipients else _addresses(mail.get("destination"))
    at = timestamp(told.get("timestamp")) or (timestamp(mail.get("timestamp")) if fact == "sent" else None)
    cause = an_id(told.get("feedbackId")) or message_id
    for address in addresses if message_id else ():
        yield Status(
            _id(about, cause, address), message_id, address, fact, at, key, code, opted_out, scope, MEDIUM
        )


def _notice(event: Event, about: str, kind: str) -> Iterator[Update]:
    told = a_dict(event.get(about))
    message_id = _mail(event)[0]
    if message_id:
        yield Notice(_id(kind, message_id, told), f"email.{kind}", timestamp(told.get("timestamp")), told)


def _send(event: Event) -> Iterator[Update]:
    yield from _statuses(event, "send", "sent")


def _delivery(event: Event) -> Iterator[Update]:
    yield from _statuses(event, "delivery", "delivered", "recipients")


def _bounce(event: Event) -> Iterator[Update]:
    """A permanent bounce ends the address. Any other is a failure of this email alone, where something proves
    that it was not delivered: its sub-type, or what the mailbox's server reported of this recipient."""
    bounce = a_dict(event.get("bounce"))
    sub_type = an_id(bounce.get("bounceSubType"))
    if an_id(bounce.get("bounceType")) == "Permanent":
        code = SUPPRESSED.get(sub_type, f"bounce.{sub_type}"[:LONGEST_CODE])
        yield from _statuses(event, "bounce", "failed", "bouncedRecipients", code=code, opted_out=True)
        return
    told = a_list(bounce.get("bouncedRecipients"))
    failed = told if sub_type in GIVEN_UP else [one for one in told if _reported_as_failed(one)]
    if not failed:
        yield from _notice(event, "bounce", "bounced_for_now")
        return
    soft = {**event, "bounce": {**bounce, "bouncedRecipients": failed}}
    code, scope = f"soft.{sub_type}"[:LONGEST_CODE], GIVEN_UP.get(sub_type, "person")
    yield from _statuses(soft, "bounce", "failed", "bouncedRecipients", code=code, scope=scope)


def _reported_as_failed(recipient: Any) -> bool:  # noqa: ANN401
    """Whether a delivery status notification (RFC 3464, 2.3.3) says so: an automatic answer is none."""
    return an_id(a_dict(recipient).get("action")).lower() == "failed"


def _complaint(event: Event) -> Iterator[Update]:
    """It arrived, and was called spam: the wish to get no more. An earlier complaint keeps SES from sending
    at all."""
    complaint = a_dict(event.get("complaint"))
    report = an_id(complaint.get("complaintFeedbackType"))
    if code := SUPPRESSED.get(an_id(complaint.get("complaintSubType"))):
        yield from _statuses(event, "complaint", "failed", "complainedRecipients", code=code, opted_out=True)
    elif report == NOT_SPAM:
        yield from _notice(event, "complaint", "not_spam")
    else:
        at = timestamp(complaint.get("timestamp"))
        cause = an_id(complaint.get("feedbackId")) or _mail(event)[0]
        for address in _addresses(complaint.get("complainedRecipients")) if cause else ():
            yield Preference(
                _id("complaint", cause, address), address, False, report or "complaint", at, MEDIUM
            )


def _reject(event: Event) -> Iterator[Update]:
    yield from _statuses(event, "reject", "failed", code="reject", scope="content")


def _failure(event: Event) -> Iterator[Update]:
    yield from _statuses(event, "failure", "failed", code="rendering_failure", scope="content")


def _subscription(event: Event) -> Iterator[Update]:
    """Of SES's own lists, which we do not use. Only the wish to get nothing is taken from them."""
    told = a_dict(event.get("subscription"))
    message_id = _mail(event)[0]
    if a_dict(told.get("newTopicPreferences")).get("unsubscribeAll") is not True:
        yield from _notice(event, "subscription", "subscription")
        return
    at, category = timestamp(told.get("timestamp")), "subscription"
    for address in _addresses(a_dict(event.get("mail")).get("destination")) if message_id else ():
        yield Preference(_id(category, message_id, told, address), address, False, category, at, MEDIUM)


READERS: dict[str, Callable[[Event], Iterator[Update]]] = {
    "Send": _send,
    "Delivery": _delivery,
    "Bounce": _bounce,
    "Complaint": _complaint,
    "Reject": _reject,
    "Rendering Failure": _failure,
    "DeliveryDelay": lambda event: _notice(event, "deliveryDelay", "delayed"),
    "Subscription": _subscription,
    "Open": lambda event: _notice(event, "open", "opened"),
    "Click": lambda event: _notice(event, "click", "clicked"),
}
"""By `eventType` of a configuration set's events, or `notificationType` of an identity's. That an email was
opened or a link followed proves no reader: mailboxes and scanners do both by themselves."""


def _event(payload: Any) -> list[Update]:  # noqa: ANN401
    event = a_dict(payload)
    kind = an_id(event.get("eventType")) or an_id(event.get("notificationType"))
    read = list(READERS[kind](event)) if kind in READERS else []
    return read or [_unknown(kind or "empty", payload)]


def _unknown(kind: str, raw: Any) -> Unknown:  # noqa: ANN401
    return Unknown(_id("unknown", kind, raw), kind[:LONGEST_KIND], raw)


def _envelope(envelope: Mapping[str, Any]) -> list[Update]:
    """What SNS hands over: an event as text, or news about our subscription itself."""
    kind, text = an_id(envelope.get("Type")), an_id(envelope.get("Message"))
    at = timestamp(envelope.get("Timestamp"))
    told_by = _id(kind, an_id(envelope.get("MessageId")))
    if kind == SUBSCRIPTION:  # a person looks whether it is ours, and opens the address
        confirm = {"confirm": an_id(envelope.get("SubscribeURL"))}
        return [Notice(told_by, "account.sns_subscription", at, confirm)]
    if kind == UNSUBSCRIPTION:  # its SubscribeURL would subscribe anew; nobody sends on unheard
        topic = {"topic": an_id(envelope.get("TopicArn"))}
        return [Notice(told_by, "account.sns_unsubscribed", at, topic, "unheard")]
    if text.startswith("Successfully validated SNS topic"):
        return [Notice(told_by, "topic.validated", at, {})]
    try:
        return _event(load(text.encode()))
    except ValueError:
        return [_unknown("message", text)]


class Ses:
    """Sender addresses of one AWS account. A channel has `region`, `from` and `configuration_set`.

    `certificates`: where those of SNS are fetched from, for webhooks; the queue needs none.
    """

    name = NAME
    base_url = "https://email.{region}.amazonaws.com"
    capabilities = Capabilities(
        mediums=(MEDIUM,), receipts=True, carries_key=True, rate_per_s=14, per_day=50_000
    )
    webhook_content_types: tuple[str, ...] = ("text/plain", "application/json")

    def __init__(self, certificates: Http) -> None:
        self._http = certificates
        self._kept: dict[str, str] = {}

    def send(self, http: Http, base_url: str, channel: Channel, to: str, message: Outgoing) -> Accepted:
        body = _request(channel, to, message)
        region = _setting(channel, "region")
        url = f"{base_url.format(region=region)}/v2/email/outbound-emails"
        status, headers, answer = http.post_json(url, body, _signed("POST", url, region, packed(body)))
        message_id = an_id(a_dict(answer).get("MessageId"))
        if status == HTTPStatus.OK and message_id:
            return Accepted(message_id)
        raise _refusal(status, headers, answer)

    def probe(self, http: Http, base_url: str, channel: Channel) -> None:
        """https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html"""
        region = _setting(channel, "region")
        url = f"{base_url.format(region=region)}/v2/email/account"
        status, headers, answer = http.get_json(url, _signed("GET", url, region, None))
        if status != HTTPStatus.OK:
            raise _refusal(status, headers, answer)
        if a_dict(answer).get("SendingEnabled") is False:
            raise SendRefused("sending_paused", "channel", an_id(a_dict(answer).get("EnforcementStatus")))

    def verify(self, secrets: Mapping[str, Any], call: Call) -> None:
        """Of a message that SNS posts. Raises Transient while its certificate cannot be had."""
        try:
            envelope = a_dict(load(call.body))
        except ValueError:
            raise SignatureInvalid from None
        topic = an_id(envelope.get("TopicArn"))
        if topic.encode() not in signing_keys(secrets.get("topic_arn")):
            raise SignatureInvalid
        url = _certificate_url(envelope, topic)
        _check(envelope, an_id(secrets.get("certificate")) or self._certificate(url))

    def _certificate(self, url: str) -> str:
        if url not in self._kept:
            try:
                status, _, text = self._http.get_text(url, {})
            except OutcomeUnknown as error:  # SNS takes any 4xx for our last word
                raise Transient from error
            if status != HTTPStatus.OK or "BEGIN CERTIFICATE" not in text:
                raise Transient
            if len(self._kept) >= CERTIFICATES_KEPT:
                self._kept.clear()
            self._kept[url] = text
        return self._kept[url]

    def parse(self, body: bytes) -> list[Update]:
        """Of an SNS message, or of the bare event (raw message delivery)."""
        try:
            payload = load(body)
        except ValueError:
            return [unreadable(NAME, body)]
        envelope = a_dict(payload)
        return _envelope(envelope) if an_id(envelope.get("Type")) in SIGNED else _event(payload)

    def handshake(self, secrets: Mapping[str, Any], call: Call) -> Greeting | None:
        """None: SNS posts what is to be confirmed."""
        return None
