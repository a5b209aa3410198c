"""MSG91: SMS in India.

Send: https://docs.msg91.com/sms/send-sms (OneAPI, "Flow")
Our key: https://msg91.com/help/text-sms/custom-metadata-parameters-for-tracking-sms-requests
Reports, versions 2 and 3:
https://msg91.com/help/webhooks/how-can-i-get-the-delivery-reports-on-my-webhook-url
Reports, "Webhook (New)":
https://msg91.com/help/webhook-new/how-to-receive-sms-delivery-reports-via-webhook-new

MSG91 signs nothing: the address to which it reports is the secret, /webhooks/msg91/{path_token}. It keeps a
template of its own for each DLT template, which holds the DLT template id, the header and the principal
entity id; a send names MSG91's.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote

from chalicelib.errors import SignatureInvalid
from chalicelib.platforms.base import (
    Accepted,
    Call,
    Capabilities,
    Channel,
    Greeting,
    Http,
    OutcomeUnknown,
    Outgoing,
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
    form_of,
    load,
    moment,
    signing_keys,
    unreadable,
    words,
)

NAME = "msg91"
INDIA = timezone(timedelta(hours=5, minutes=30))
"""Reports tell the time of day in India, without a zone."""

# --- errors: the codes of the API, as its older pages list them --------------------------------------------

RETRY_AFTER_S = {"306": 900.0}
"""The promotional route is closed from 21 to 9 o'clock."""
TWICE = "311"
"""The same request came twice within 10 seconds: what became of the first, its own answer would have told."""
REFUSED: dict[str, Scope] = {
    **dict.fromkeys(("101", "202"), "person"),  # the number
    **dict.fromkeys(("102", "308", "310", "400"), "content"),  # no text or template; too long
    **dict.fromkeys(("103", "106", "107", "203", "207", "208", "209", "210"), "channel"),  # header, key
    **dict.fromkeys(("301", "302", "303", "401", "418", "505"), "channel"),  # balance, account, our address
}


def _refusal(status: int, answer: Any) -> SendRefused | Throttled | OutcomeUnknown:  # noqa: ANN401
    """What an answer without a request id means. An error may come with status 200."""
    error = a_dict(answer)
    code = an_id(error.get("apiError")) or an_id(error.get("code"))
    detail = (words(error.get("message")) or words(error.get("errors")))[:200]
    if code in RETRY_AFTER_S:
        return Throttled(RETRY_AFTER_S[code], platform_code=code)
    if code in REFUSED:
        return SendRefused(code, REFUSED[code], detail)
    if code == TWICE:
        return OutcomeUnknown()
    refused = status == HTTPStatus.OK and _says_no(answer)
    return by_status(HTTPStatus.BAD_REQUEST if refused else status, code, detail)


def _says_no(answer: Any) -> bool:  # noqa: ANN401
    said = a_dict(answer)
    return said.get("type") == "error" or said.get("msgType") == "error" or said.get("hasError") is True


# --- sending -----------------------------------------------------------------------------------------------


def _auth_key(channel: Channel) -> str:
    key = an_id(channel.config.get("auth_key"))
    if not key:
        raise SendRefused("not_configured", "channel", "auth_key")
    return key


CRQID = re.compile(r"[A-Za-z0-9_.-]{1,80}")
"""What comes back in every version of the reports."""


def _request(channel: Channel, to: str, message: Outgoing) -> dict[str, Any]:
    """The body of a send to one number: VAR1, VAR2 … are the template's variables in order."""
    templates = a_dict(channel.config.get("templates"))
    person = {"mobiles": to.removeprefix("+")}
    person |= {f"VAR{place}": value for place, value in enumerate(message.params, 1)}
    body: dict[str, Any] = {
        "template_id": an_id(templates.get(message.template)) or message.template,
        "short_url": "0",
        "recipients": [person],
    }
    if sender := message.header or channel.config.get("header", ""):
        body["sender"] = sender
    if CRQID.fullmatch(message.key):
        body["CRQID"] = person["CRQID"] = message.key  # of a request to one, or of one of many: it is both
    return body


# --- reports -----------------------------------------------------------------------------------------------

FACTS: dict[str, Literal["delivered", "failed"]] = {
    "1": "delivered",
    "delivered": "delivered",
    **dict.fromkeys(("2", "9", "16", "17", "25", "failed", "rejected"), "failed"),
}
SCOPES: dict[str, Scope] = {**dict.fromkeys(("16", "25", "rejected"), "content")}
"""Whom a failure is about; the person without an entry. 9 is the national do-not-disturb register: the route
is closed to this number, but the person has said nothing to us (docs/decisions/sms.md). 16 and 25: refused by
operator or DLT as it was sent."""


def _at(text: str) -> datetime | None:
    """A time of a report: without a zone in India, or seconds since 1970."""
    if text.isdigit():
        return moment(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not 1970 < at.year < 9999:  # noqa: PLR2004 - beyond it there is no UTC
        return None
    return at if at.tzinfo else at.replace(tzinfo=INDIA)


def _report(one: Any, batch: Mapping[str, Any]) -> Update:  # noqa: ANN401
    """What became of one message; what is told once for a batch stands around it."""
    report = {**batch, **a_dict(one)}
    request, number = an_id(report.get("requestId")), _first(report, "number", "telNum", "mobile")
    status = an_id(report.get("status")).lower()
    if not request or not number or status not in FACTS:
        return Unknown(fingerprint(NAME, "report", batch, one), f"report.{status}"[:LONGEST_KIND], one)
    key = an_id(report.get("CRQID"))
    fact = FACTS[status]
    return Status(
        fingerprint(NAME, "report", request, number.lstrip("+"), status),
        request,
        f"+{number.lstrip('+')}",
        fact,
        _at(_first(report, "date", "deliveryTime")),
        "" if key == "0" else key,
        status if fact == "failed" else "",
        scope=SCOPES.get(status, "person"),
    )


def _first(report: Mapping[str, Any], *names: str) -> str:
    """The value under the first of the names that holds one; the versions name them differently."""
    return next((found for name in names if (found := an_id(report.get(name)))), "")


def _updates(payload: Any) -> Iterator[Update]:  # noqa: ANN401
    """`data` holds batches of reports, as JSON in a text (version 2); or the reports stand alone (version
    3)."""
    batches = a_dict(payload).get("data", payload)
    if isinstance(batches, str):
        batches = _packed(batches)
    found = batches if isinstance(batches, list) else [batches]
    if not any(isinstance(one, dict) and one for one in found):
        yield Unknown(fingerprint(NAME, "empty", payload), "empty", payload)
        return
    for batch in found:
        about = {name: value for name, value in a_dict(batch).items() if name != "report"}
        reports = a_list(a_dict(batch).get("report"))
        for one in reports or [batch]:
            yield _report(one, about if reports else {})


def _packed(text: str) -> Any:  # noqa: ANN401
    try:
        return load(text.encode("utf-8", "replace"))
    except ValueError:
        return None


def _read(body: bytes) -> Any:  # noqa: ANN401
    try:
        return load(body)
    except ValueError:
        return form_of(body)


class Msg91:
    """SMS headers. The platform has `auth_key` and `path_token`; a channel `header`, and `templates`: MSG91's
    template id by DLT template id."""

    name = NAME
    base_url = "https://control.msg91.com"
    capabilities = Capabilities(
        mediums=("sms",), receipts=True, longest=2000, templates=True, carries_key=True, rate_per_s=10
    )
    webhook_content_types: tuple[str, ...] = ("application/json", "application/x-www-form-urlencoded")

    def send(self, http: Http, base_url: str, channel: Channel, to: str, message: Outgoing) -> Accepted:
        if not message.template:
            raise SendRefused("no_template", "content", "An SMS needs its registered template.")
        status, _, answer = http.post_json(
            f"{base_url}/api/v5/flow/",
            _request(channel, to, message),
            {"authkey": _auth_key(channel)},
        )
        request_id = an_id(a_dict(answer).get("message"))
        if status == HTTPStatus.OK and a_dict(answer).get("type") == "success" and request_id:
            return Accepted(request_id)
        raise _refusal(status, answer)

    def probe(self, http: Http, base_url: str, channel: Channel) -> None:
        """The balance, which costs nothing to ask: a bad key or address is answered with an error's code."""
        key = quote(_auth_key(channel), safe="")
        status, _, answer = http.get_json(f"{base_url}/api/balance.php?type=4&authkey={key}", {})
        known = isinstance(answer, (int, float, dict)) and not _says_no(answer)
        if status != HTTPStatus.OK or not known:
            raise _refusal(status, answer)

    def verify(self, secrets: Mapping[str, Any], call: Call) -> None:
        given = call.tail.encode("utf-8", "replace")
        if not any(hmac.compare_digest(given, key) for key in signing_keys(secrets.get("path_token"))):
            raise SignatureInvalid

    def parse(self, body: bytes) -> list[Update]:
        try:
            return list(_updates(_read(body)))
        except ValueError:
            return [unreadable(NAME, body)]

    def handshake(self, secrets: Mapping[str, Any], call: Call) -> Greeting | None:
        """None: MSG91 asks for no proof, the address is entered in its panel."""
        return None
