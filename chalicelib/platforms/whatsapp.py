"""WhatsApp Cloud API.

Send: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages
Errors: https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
Webhooks: https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components
Media: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from chalicelib.platforms import meta
from chalicelib.platforms.base import (
    PICTURES,
    Accepted,
    Capabilities,
    Channel,
    Http,
    Inbound,
    MediaGone,
    MediaRef,
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
    moment,
    some_ids,
    unreadable,
    words,
)

NAME = "whatsapp"
MEDIA_HOST = "lookaside.fbsbx.com"
"""Whence Meta gives out what people send: the address comes with our token, so no other host gets it."""
MEDIA_GONE = ("100", "131052")
"""The id is not (or no longer) known, or the file cannot be had."""

# --- errors, by `code` of the error page -------------------------------------------------------------------

RETRY_AFTER_S = {
    "2": 10,  # the service is down for a moment
    "4": 60,  # the app's calls of this hour
    "80007": 60,  # the account's calls of this hour
    "130429": 1,  # messages a second of this number
    "131000": 10,
    "131016": 30,
    "131053": 10,
    "131056": 6,  # one message each 6 s to one person
    "131057": 60,  # maintenance
}
ONE_PERSON_ONLY = frozenset({"131056"})
OPTED_OUT = frozenset({"131050"})
REFUSED: dict[str, Scope] = {
    **dict.fromkeys(("131048", "131049", "132015"), "campaign"),
    **dict.fromkeys(("132001", "132016"), "campaign"),  # its template is missing or disabled: for nobody
    **dict.fromkeys(("131021", "131026", "131030", "131062", "130472"), "person"),
    **dict.fromkeys(("131047", *OPTED_OUT), "person"),  # 131047: needs a template now, the window has closed
    **dict.fromkeys(("100", "131008", "131009", "131051", "131052", "132000"), "content"),
    **dict.fromkeys(("132005", "132007", "132008", "132012", "132068"), "content"),
    **dict.fromkeys(("0", "3", "10", "190", "368", "130497"), "channel"),
    **dict.fromkeys(("131005", "131031", "131037", "131042", "131045"), "channel"),
    **{str(code): "channel" for code in range(200, 300)},  # permissions
}
OF_A_STATUS: dict[str, Scope] = {**REFUSED, "131049": "person"}
"""Told later of one message, 131049 is this person's limit of marketing: the others get theirs."""


def _refusal(status: int, answer: Any) -> SendRefused | Throttled | OutcomeUnknown:  # noqa: ANN401
    """What an answer without a message id means."""
    error = a_dict(a_dict(answer).get("error"))
    code, detail = an_id(error.get("code")), words(error.get("message"))[:200]
    if code in RETRY_AFTER_S:
        return Throttled(RETRY_AFTER_S[code], "person" if code in ONE_PERSON_ONLY else "channel", code)
    if code in REFUSED:
        return SendRefused(code, REFUSED[code], detail, opted_out=code in OPTED_OUT)
    return by_status(status, code, detail)


# --- sending -----------------------------------------------------------------------------------------------


def _request(to: str, message: Outgoing) -> dict[str, Any]:
    """The body of a send; our key comes back in every status as `biz_opaque_callback_data`."""
    body: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": to}
    if message.key:
        body["biz_opaque_callback_data"] = message.key
    if message.template:
        return body | {"type": "template", "template": _template(message)}
    return body | {"type": "text", "text": {"body": message.text, "preview_url": False}}


def _template(message: Outgoing) -> dict[str, Any]:
    parameters = [{"type": "text", "text": value} for value in message.params]
    components: list[dict[str, Any]] = [{"type": "body", "parameters": parameters}] if parameters else []
    if message.category == "authentication":  # its copy button carries the code a second time
        components.append({"type": "button", "sub_type": "url", "index": "0", "parameters": parameters[:1]})
    return {
        "name": message.template,
        "language": {"code": message.template_language},
        "components": components,
    }


# --- callbacks ---------------------------------------------------------------------------------------------

FACTS: dict[str, Literal["sent", "delivered", "read", "failed"]] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",
    "failed": "failed",
}
WANTS = {"stop": False, "resume": True, "signup": True}
MEDIA = ("audio", "contacts", "document", "image", "location", "order", "sticker", "video")
CHOICES = {"button_reply": "title", "list_reply": "title", "nfm_reply": "body"}
NOTICES = {
    "account_alerts": "account.alert",
    "account_review_update": "account.review",
    "business_capability_update": "account.capability",
    "message_template_components_update": "template.components",
    "message_template_quality_update": "template.quality",
    "phone_number_name_update": "account.number_name",
    "phone_number_quality_update": "account.number_quality",
    "security": "account.security",
    "template_category_update": "template.category",
}


HALTS: dict[str, Literal["channels", "template"]] = {
    **dict.fromkeys(("template.paused", "template.disabled", "template.rejected"), "template"),
    **dict.fromkeys(("template.pending_deletion", "template.deleted"), "template"),
    **dict.fromkeys(("template.quality_yellow", "template.quality_red"), "template"),
    **dict.fromkeys(("account.disabled_update", "account.account_restriction"), "channels"),
    "account.account_deleted": "channels",
}
"""News after which something may not be used, or soon will not be: Meta pauses a template whose quality went
down, for hours and then for good, and a person must look before."""
BANS = {"REINSTATE": "account.reinstated", "SCHEDULE_FOR_DISABLE": "account.disable_scheduled"}
MESSAGES_RESTRICTED = "BIZ_INITIATED_MESSAGING"
"""In the type of a restriction; others forbid other things, such as adding numbers."""


def _address(number: str) -> str:
    """E.164 with its plus; an id that stands for a number (`IN.1000…`) as it is."""
    return f"+{number}" if number.isascii() and number.isdigit() else number


def _id(*parts: Any) -> str:  # noqa: ANN401
    return fingerprint(NAME, *parts)


def _unknown(kind: str, raw: Any) -> Unknown:  # noqa: ANN401
    return Unknown(_id("unknown", kind, raw), kind[:LONGEST_KIND], raw)


def _status(one: Any, value: Mapping[str, Any]) -> Update:  # noqa: ANN401
    """A status of a message of ours. Of a group, each participant has one: the dedupe id holds both."""
    status = a_dict(one)
    message_id, name = an_id(status.get("id")), an_id(status.get("status"))
    if not message_id or name not in FACTS:
        return _unknown(f"status.{name}", one)
    recipient = an_id(status.get("recipient_id")) or an_id(status.get("recipient_user_id"))
    participant = an_id(status.get("recipient_participant_id")) or an_id(
        status.get("recipient_participant_user_id")
    )
    errors = [an_id(a_dict(error).get("code")) for error in a_list(status.get("errors"))]
    code = errors[0] if errors else ""
    return Status(
        _id("status", message_id, name, recipient, participant),
        message_id,
        _address(recipient),
        FACTS[name],
        moment(status.get("timestamp")),
        an_id(status.get("biz_opaque_callback_data")),
        code,
        opted_out=code in OPTED_OUT,
        scope=OF_A_STATUS.get(code, "person"),
    )


def _message(one: Any, value: Mapping[str, Any]) -> Update:  # noqa: ANN401
    message = a_dict(one)
    kind = an_id(message.get("type"))
    sender, name, alias = _sender(message, value)
    read = _words(kind, message)
    if kind == "system":
        about = an_id(a_dict(message.get("system")).get("type"))
        return Notice(_message_id(message), f"person.{about}", moment(message.get("timestamp")), message)
    if read is None or not sender:
        return _unknown(f"message.{kind}", one)
    text, about = read
    kept = [key for key in (kind, "from_user_id", "referral") if key in message and key != "text"]
    return Inbound(
        _message_id(message),
        sender,
        text,
        kind,
        moment(message.get("timestamp")),
        about or an_id(a_dict(message.get("context")).get("id")),
        name,
        {key: message[key] for key in kept} | ({"alias": alias} if alias else {}),
        to=some_ids(a_dict(value.get("metadata")).get("phone_number_id")),
    )


def _message_id(message: Mapping[str, Any]) -> str:
    return _id("message", an_id(message.get("id")) or message)


def _sender(message: Mapping[str, Any], value: Mapping[str, Any]) -> tuple[str, str, str]:
    """Address and name of who wrote: where `from` is missing, the number beside their name, else an id that
    stands for it; and this id where it comes beside the number."""
    number, user = an_id(message.get("from")), an_id(message.get("from_user_id"))
    contacts = [a_dict(contact) for contact in a_list(value.get("contacts"))]
    theirs = [c for c in contacts if number and c.get("wa_id") == number or user and c.get("user_id") == user]
    contact = (theirs or contacts)[0] if theirs or len(contacts) == 1 else {}
    user = user or an_id(contact.get("user_id"))
    number = number or an_id(contact.get("wa_id"))
    name = words(a_dict(contact.get("profile")).get("name"))
    return _address(number or user), name, user if number else ""


Words = tuple[str, str]
"""The words of a message, and the id of the message that it answers or changes."""


def _choice(about: Mapping[str, Any]) -> Words | None:
    """What a person chose or filled in. A form's `response_json` stays the text that it is, JSON or not."""
    kind = an_id(about.get("type"))
    chosen = a_dict(about.get(kind))
    return (words(chosen.get(CHOICES[kind])), "") if kind in CHOICES else None


def _edit(about: Mapping[str, Any]) -> Words | None:
    new = a_dict(about.get("message"))
    read = _words(an_id(new.get("type")), new)
    return (read[0], an_id(about.get("original_message_id"))) if read else None


CONTENT: dict[str, Callable[[Mapping[str, Any]], Words | None]] = {
    **dict.fromkeys(MEDIA, lambda about: (words(about.get("caption")), "")),
    "text": lambda about: (words(about.get("body")), ""),
    "button": lambda about: (words(about.get("text")), ""),
    "interactive": _choice,
    "reaction": lambda about: ("", an_id(about.get("message_id"))),
    "edit": _edit,
    "revoke": lambda about: ("", an_id(about.get("original_message_id"))),
}


def _words(kind: str, message: Mapping[str, Any]) -> Words | None:
    """None for a message of a kind that cannot be read."""
    return CONTENT[kind](a_dict(message[kind])) if kind in CONTENT and kind in message else None


def _preference(one: Any, value: Mapping[str, Any]) -> Update:  # noqa: ANN401
    preference = a_dict(one)
    sender = an_id(preference.get("wa_id")) or an_id(preference.get("user_id"))
    wish = an_id(preference.get("value"))
    if not sender or wish not in WANTS:
        return _unknown(f"preference.{wish}", one)
    at = moment(preference.get("timestamp"))
    return Preference(
        _id("preference", one), _address(sender), WANTS[wish], an_id(preference.get("category")), at
    )


def _echo(one: Any, value: Mapping[str, Any]) -> Update:  # noqa: ANN401
    """A message that our own staff sent from the phone's app."""
    echo = a_dict(one)
    return Notice(
        _id("echo", an_id(echo.get("id")) or one), "message.echo", moment(echo.get("timestamp")), echo
    )


def _error(one: Any, value: Mapping[str, Any]) -> Update:  # noqa: ANN401
    return Notice(_id("error", one, value), "account.error", None, a_dict(one))


READERS: dict[str, Callable[[Any, Mapping[str, Any]], Update]] = {
    "statuses": _status,
    "messages": _message,
    "message_echoes": _echo,
    "user_preferences": _preference,
    "errors": _error,
}
"""What a change holds, by its key: `field` may be missing, and may name something else."""


def _change(change: Any, entry: Mapping[str, Any]) -> Iterator[Update]:  # noqa: ANN401
    about, value = an_id(a_dict(change).get("field")), a_dict(a_dict(change).get("value"))
    held = [key for key in READERS if value.get(key)]
    for key in held:
        if not isinstance(value[key], list):
            yield _unknown(about, change)
        for one in a_list(value[key]):
            yield READERS[key](one, value)
    if not held:
        yield _notice(about, value, entry) or _unknown(about, change)


def _notice(about: str, value: Mapping[str, Any], entry: Mapping[str, Any]) -> Notice | None:
    """News about a template or the account; None for what we do not know."""
    event = an_id(value.get("event")).lower()
    kind = NOTICES.get(about)
    if about == "message_template_status_update" and event:
        kind = f"template.{event}"
    if about == "message_template_quality_update" and (quality := an_id(value.get("new_quality_score"))):
        kind = f"template.quality_{quality.lower()}"
    if about == "account_update" and event:
        kind = _account(event, value)
    if kind is None:
        return None
    return Notice(
        _id(about, entry.get("id"), entry.get("time"), value),
        kind,
        moment(entry.get("time")),
        value,
        HALTS.get(kind, ""),
        an_id(value.get("message_template_name")),
        an_id(value.get("message_template_language")),
    )


def _account(event: str, value: Mapping[str, Any]) -> str:
    """What became of the account: the state counts, not the event's name."""
    ban = an_id(a_dict(value.get("ban_info")).get("waba_ban_state"))
    restrictions = [
        an_id(a_dict(one).get("restriction_type")) for one in a_list(value.get("restriction_info"))
    ]
    if ban in BANS:
        return BANS[ban]
    if restrictions and not any(MESSAGES_RESTRICTED in one for one in restrictions):
        return "account.other_restriction"
    return f"account.{event}"


def _updates(payload: Any) -> Iterator[Update]:  # noqa: ANN401
    entries = a_list(a_dict(payload).get("entry"))
    if not entries:
        yield _unknown("empty", payload)
    for entry in entries:
        changes = a_list(a_dict(entry).get("changes"))
        if not changes:
            yield _unknown("entry", entry)
        for change in changes:
            yield from _change(change, a_dict(entry))


def _from_the_platform(url: str, base_url: str) -> bool:
    """Whether an address is Meta's own place for files, or lies on the host that stands in for Meta."""
    asked, base = urlsplit(url), urlsplit(base_url)
    if base_url == WhatsApp.base_url:
        return (asked.scheme, asked.netloc) == ("https", MEDIA_HOST)
    return (asked.scheme, asked.netloc) == (base.scheme, base.netloc)


class WhatsApp(meta.App):
    """Numbers of a WhatsApp Business account. A channel has `phone_number_id` and `access_token`."""

    name = NAME
    capabilities = Capabilities(
        mediums=("whatsapp",),
        receipts=True,
        replies=True,
        media=True,
        longest=4096,
        templates=True,
        carries_key=True,
        rate_per_s=80,
        pair_gap_s=6,
    )

    def send(self, http: Http, base_url: str, channel: Channel, to: str, message: Outgoing) -> Accepted:
        if not (message.template or message.text):
            raise SendRefused("no_text", "content", "There is neither a template nor a text.")
        status, _, answer = http.post_json(
            f"{base_url}/{meta.VERSION}/{channel.config['phone_number_id']}/messages",
            _request(to, message),
            {"Authorization": f"Bearer {channel.config['access_token']}"},
        )
        taken = a_list(a_dict(answer).get("messages"))
        message_id = an_id(a_dict(taken[0]).get("id")) if taken else ""
        if status == HTTPStatus.OK and message_id:
            return Accepted(message_id)
        raise _refusal(status, answer)

    def probe(self, http: Http, base_url: str, channel: Channel) -> None:
        """The number's health: developers.facebook.com/docs/whatsapp/cloud-api/health-status."""
        status, _, answer = http.get_json(
            f"{base_url}/{meta.VERSION}/{channel.config['phone_number_id']}?fields=health_status",
            {"Authorization": f"Bearer {channel.config['access_token']}"},
        )
        if status != HTTPStatus.OK:
            raise _refusal(status, answer)
        said = an_id(a_dict(a_dict(answer).get("health_status")).get("can_send_message"))
        if said == "BLOCKED":
            raise SendRefused("health_blocked", "channel", said)
        if said not in {"AVAILABLE", "LIMITED"}:
            raise OutcomeUnknown

    def earlier(self, said: Inbound) -> str:
        return _message_id({"id": said.reply_to})

    def picture_in(self, said: Inbound) -> MediaRef | None:
        about = a_dict(said.extra.get(said.kind)) if said.kind in ("image", "document") else {}
        kind, media = words(about.get("mime_type")).partition(";")[0].strip(), an_id(about.get("id"))
        return MediaRef(media, kind) if media and kind in PICTURES else None

    def fetch(self, http: Http, base_url: str, channel: Channel, media: str, most: int) -> bytes:
        """First the file's address, which holds for five minutes, then the file."""
        ours = {"Authorization": f"Bearer {channel.config['access_token']}"}
        status, _, answer = http.get_json(f"{base_url}/{meta.VERSION}/{quote(media, safe='')}", ours)
        told = a_dict(answer)
        if status != HTTPStatus.OK:
            code = an_id(a_dict(told.get("error")).get("code"))
            raise MediaGone if code in MEDIA_GONE else _refusal(status, answer)
        url, size = words(told.get("url")), told.get("file_size")
        if isinstance(size, int) and size > most or not _from_the_platform(url, base_url):
            raise MediaGone
        status, _, content = http.get_bytes(url, ours, most)
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE) or len(content) > most:
            raise MediaGone
        if status != HTTPStatus.OK:
            raise _refusal(status, None)
        return content

    def parse(self, body: bytes) -> list[Update]:
        try:
            return list(_updates(load(body)))
        except ValueError:
            return [unreadable(NAME, body)]
