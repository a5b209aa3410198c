"""Telegram Bot API: https://core.telegram.org/bots/api

A bot cannot write first: a chat exists once the person pressed start, which our deep link makes them do
(https://core.telegram.org/bots/features#deep-linking). There are no delivery receipts.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from chalicelib.errors import SignatureInvalid
from chalicelib.platforms.base import (
    PICTURES,
    Accepted,
    Call,
    Capabilities,
    Channel,
    Greeting,
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
    signing_keys,
    unreadable,
    words,
)

NAME = "telegram"
SECRET = "x-telegram-bot-api-secret-token"

# --- errors: the Bot API has few codes, the description says the rest --------------------------------------

OPTED_OUT = ("bot was blocked by the user", "user is deactivated", "bot was kicked")
REFUSED: tuple[tuple[int, str, Scope], ...] = (
    (400, "chat not found", "person"),
    (400, "peer_id_invalid", "person"),
    (400, "user not found", "person"),
    (400, "upgraded to a supergroup", "person"),
    (400, "not enough rights", "person"),
    (400, "", "content"),
    (401, "", "channel"),
    (403, "", "person"),
    (404, "", "channel"),
)
"""Status, what the description holds, for whom the refusal stands; the first that fits."""


def _refusal(status: int, answer: Any) -> SendRefused | Throttled | OutcomeUnknown:  # noqa: ANN401
    """What an answer without a message means."""
    error = a_dict(answer)
    code, detail = an_id(error.get("error_code")) or str(int(status)), words(error.get("description"))[:200]
    said = detail.lower()
    wait = a_dict(error.get("parameters")).get("retry_after")
    if status == HTTPStatus.TOO_MANY_REQUESTS and isinstance(wait, int):
        return Throttled(max(1, wait), platform_code=code)
    for known, clue, scope in REFUSED:
        if status == known and clue in said:
            opted_out = status == HTTPStatus.FORBIDDEN and any(part in said for part in OPTED_OUT)
            return SendRefused(code, scope, detail, opted_out=opted_out)
    return by_status(status, code, detail)


# --- callbacks ---------------------------------------------------------------------------------------------

MEDIA = (
    "photo",
    "video",
    "voice",
    "audio",
    "document",
    "sticker",
    "location",
    "contact",
    "video_note",
    "animation",
)
MEMBER = {"member": True, "kicked": False}


def _id(update_id: str, update: Mapping[str, Any]) -> str:
    return fingerprint(NAME, update_id or update)


def _chat(about: Mapping[str, Any]) -> tuple[str, bool]:
    """The chat's id, which is the address of the person in it, and whether it is a group or a channel."""
    chat = a_dict(about.get("chat"))
    sender = an_id(chat.get("id")) or an_id(a_dict(about.get("from")).get("id"))
    return sender, chat.get("type", "private") != "private"


def _name(about: Mapping[str, Any]) -> str:
    who = a_dict(about.get("from"))
    return " ".join(part for key in ("first_name", "last_name") if (part := words(who.get(key))))


def _message(dedupe_id: str, message: Mapping[str, Any]) -> Update | None:
    sender, group = _chat(message)
    at = moment(message.get("date"))
    if "migrate_to_chat_id" in message:
        moved = {"from": sender, "to": an_id(message["migrate_to_chat_id"])}
        return Notice(dedupe_id, "group.migrated", at, moved)
    if group:
        return Notice(dedupe_id, "group.message", at, {"chat": sender})
    text = words(message.get("text")) or words(message.get("caption"))
    kind = next((key for key in MEDIA if key in message), "text")
    if not sender or (kind == "text" and not text):
        return None
    extra = {kind: message[kind]} if kind in message and kind != "text" else {}
    command, _, token = text.partition(" ")
    if command.partition("@")[0] == "/start" and token.strip():
        kind, extra = "deep_link", {"token": token.strip()}
    if handle := words(a_dict(message.get("from")).get("username")):
        extra["handle"] = handle.lower()
    reply_to = an_id(a_dict(message.get("reply_to_message")).get("message_id"))
    return Inbound(dedupe_id, sender, text, kind, at, reply_to, _name(message), extra)


def _edited(dedupe_id: str, message: Mapping[str, Any]) -> Update | None:
    read = _message(dedupe_id, message)
    if not isinstance(read, Inbound):
        return read
    changed = moment(message.get("edit_date")) or read.at
    return replace(read, kind="edit", at=changed, reply_to=an_id(message.get("message_id")))


def _pressed(dedupe_id: str, query: Mapping[str, Any]) -> Update | None:
    """A button under a message of ours: `data` is what we put into it."""
    sender, under = an_id(a_dict(query.get("from")).get("id")), a_dict(query.get("message"))
    if not sender or not words(query.get("data")):
        return None
    data, reply_to = words(query["data"]), an_id(under.get("message_id"))
    return Inbound(dedupe_id, sender, data, "button", None, reply_to, _name(query))


def _membership(dedupe_id: str, change: Mapping[str, Any]) -> Update | None:
    """In a private chat: the person blocked the bot, or let it in again."""
    sender, group = _chat(change)
    status, at = an_id(a_dict(change.get("new_chat_member")).get("status")), moment(change.get("date"))
    if group:
        return Notice(dedupe_id, f"group.{status}", at, {"chat": sender})
    if not sender or status not in MEMBER:
        return None
    return Preference(dedupe_id, sender, MEMBER[status], "all", at)


READERS: dict[str, Callable[[str, Mapping[str, Any]], Update | None]] = {
    "message": _message,
    "edited_message": _edited,
    "callback_query": _pressed,
    "my_chat_member": _membership,
}


def _update(payload: Any) -> Update:  # noqa: ANN401
    """An update holds its id and one of many kinds, under the kind's name."""
    update = a_dict(payload)
    dedupe_id = _id(an_id(update.get("update_id")), payload)
    for known, reader in READERS.items():
        if known in update and (read := reader(dedupe_id, a_dict(update[known]))):
            return read
    kind = next((an_id(key) for key in update if key != "update_id"), "empty")
    return Unknown(dedupe_id, kind[:LONGEST_KIND], payload)


class Telegram:
    """Bots. A channel has `bot_token` and `bot_username`."""

    name = NAME
    base_url = "https://api.telegram.org"
    capabilities = Capabilities(
        mediums=("telegram",), replies=True, media=True, longest=4096, rate_per_s=30, pair_gap_s=1
    )
    webhook_content_types: tuple[str, ...] = ("application/json",)

    def send(self, http: Http, base_url: str, channel: Channel, to: str, message: Outgoing) -> Accepted:
        if not message.text:
            raise SendRefused("no_text", "content", "There is no text.")
        status, _, answer = http.post_json(
            f"{base_url}/bot{channel.config['bot_token']}/sendMessage",
            {"chat_id": to, "text": message.text},
            {},
        )
        message_id = an_id(a_dict(a_dict(answer).get("result")).get("message_id"))
        if status == HTTPStatus.OK and message_id:
            return Accepted(message_id)
        raise _refusal(status, answer)

    def probe(self, http: Http, base_url: str, channel: Channel) -> None:
        """https://core.telegram.org/bots/api#getme"""
        status, _, answer = http.get_json(f"{base_url}/bot{channel.config['bot_token']}/getMe", {})
        if status != HTTPStatus.OK:
            raise _refusal(status, answer)

    def picture_in(self, said: Inbound) -> MediaRef | None:
        """A photo comes in several sizes, the largest last; a picture may come as a file, too."""
        if said.kind == "photo" and (sizes := a_list(said.extra.get("photo"))):
            media, kind = an_id(a_dict(sizes[-1]).get("file_id")), "image/jpeg"
        else:
            about = a_dict(said.extra.get("document")) if said.kind == "document" else {}
            media, kind = an_id(about.get("file_id")), words(about.get("mime_type"))
        return MediaRef(media, kind) if media and kind in PICTURES else None

    def fetch(self, http: Http, base_url: str, channel: Channel, media: str, most: int) -> bytes:
        """https://core.telegram.org/bots/api#getfile: first the file's path, then the file."""
        token = channel.config["bot_token"]
        asked = f"getFile?file_id={quote(media, safe='')}"
        status, _, answer = http.get_json(f"{base_url}/bot{token}/{asked}", {})
        told = a_dict(a_dict(answer).get("result"))
        if status == HTTPStatus.BAD_REQUEST:
            raise MediaGone
        if status != HTTPStatus.OK:
            raise _refusal(status, answer)
        path, size = words(told.get("file_path")), told.get("file_size")
        if not path or isinstance(size, int) and size > most:
            raise MediaGone
        status, _, content = http.get_bytes(f"{base_url}/file/bot{token}/{quote(path)}", {}, most)
        if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND) or len(content) > most:
            raise MediaGone
        if status != HTTPStatus.OK:
            raise _refusal(status, None)
        return content

    def verify(self, secrets: Mapping[str, Any], call: Call) -> None:
        given = call.headers.get(SECRET, "").encode("utf-8", "replace")
        if not any(hmac.compare_digest(given, key) for key in signing_keys(secrets.get("secret_token"))):
            raise SignatureInvalid

    def parse(self, body: bytes) -> list[Update]:
        try:
            return [_update(load(body))]
        except ValueError:
            return [unreadable(NAME, body)]

    def handshake(self, secrets: Mapping[str, Any], call: Call) -> Greeting | None:
        """None: Telegram asks for no proof, it is told the address by `setWebhook`."""
        return None
