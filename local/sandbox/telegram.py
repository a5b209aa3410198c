"""Telegram Bot API, as far as a sender and a receiver of webhooks can tell: https://core.telegram.org/bots/api

A bot cannot write first: a chat exists once the person pressed start (an inbound message here).
There are no delivery receipts.
"""

import itertools
import time
import uuid
from urllib.parse import urlsplit

from local.config import TELEGRAM
from local.sandbox.posting import Envelope, Poster, Update, dumped
from local.sandbox.reply import Act, Ask, Reply, picture_of
from local.sandbox.world import Fate, Json, World

NAME = "telegram"
TEXT_MOST = 4096
RETRY_AFTER_S = 1
BOT_ID = int(TELEGRAM.bot_token.partition(":")[0])


class Refused(Exception):
    """The Bot API says no."""

    def __init__(self, code: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(code, description)
        self.code = code
        self.body: Json = {"ok": False, "error_code": code, "description": description}
        if parameters:
            self.body["parameters"] = parameters


class Telegram:
    """One bot on one world."""

    NAME = NAME
    extras: frozenset[str] = frozenset({"picture"})

    def __init__(self, world: World, poster: Poster, webhooks: str) -> None:
        self.acts = {
            "text": lambda act: self.inbound(act.sender, act.text, act.name),
            "picture": self._picture,
        }
        self._media: dict[str, bytes] = {}
        self._world = world
        self._poster = poster
        self._secret = TELEGRAM.secret_token
        self._message_ids = itertools.count(1)
        self._update_ids = itertools.count(time.time_ns())
        self._envelope = self._posting_to(f"{webhooks}/webhooks/telegram")

    def _posting_to(self, url: str) -> Envelope:
        return Envelope(NAME, url, lambda wires: dumped(wires[0]), self._sign, lambda: 1)

    def _sign(self, _body: bytes) -> dict[str, str]:
        return {"X-Telegram-Bot-Api-Secret-Token": self._secret}

    def handle(self, ask: Ask) -> Reply:
        """Answer `/bot<token>/<method>` and `/file/bot<token>/<path>`."""
        path, asked = ask.path, ask.fields
        try:
            if path[:2] == ["file", f"bot{TELEGRAM.bot_token}"]:
                return self._file(path[-1])
            if path[0] != f"bot{TELEGRAM.bot_token}":
                raise Refused(401, "Unauthorized")
            if self._world.behaviour.channel_ill and path[1:] == ["getMe"]:
                raise Refused(401, "Unauthorized")
            match path[1:]:
                case ["sendMessage"]:
                    return self._send(asked)
                case ["getMe"]:
                    return _ok(_bot())
                case ["getFile"]:
                    return self._about(str(asked.get("file_id", "")))
                case ["setWebhook"]:
                    return self._set_webhook(asked)
            raise Refused(404, "Not Found")
        except Refused as refused:
            return Reply(refused.code, refused.body)

    def _send(self, body: Json) -> Reply:
        to = str(body.get("chat_id", ""))
        try:
            fate = self._check(body, to)
        except Refused as refused:
            throttled = refused.code == 429
            self._note(to, body, "throttled" if throttled else f"refused:{refused.code}")
            raise
        message_id = next(self._message_ids)
        self._note(to, body, "lost_reply" if fate.lost_reply else "accepted", str(message_id))
        self._world.deliver(NAME, to, str(message_id), body["text"], body)
        message = {
            "message_id": message_id,
            "from": _bot(),
            "chat": {"id": int(to), "type": "private"},
            "date": int(self._world.clock.now().timestamp()),
            "text": body["text"],
        }
        return Reply(200, {"ok": True, "result": message}, cut=fate.lost_reply)

    def _about(self, media: str) -> Reply:
        """https://core.telegram.org/bots/api#getfile"""
        if media not in self._media:
            raise Refused(400, "Bad Request: invalid file_id")
        size = len(self._media[media])
        path = f"photos/{media}.jpg"
        return _ok({"file_id": media, "file_unique_id": media, "file_size": size, "file_path": path})

    def _file(self, name: str) -> Reply:
        media = name.partition(".")[0]
        return Reply(200, self._media[media]) if media in self._media else Reply(404, {"ok": False})

    def _note(self, to: str, body: Json, outcome: str, message_id: str | None = None) -> None:
        self._world.journal.add(
            "request",
            platform=NAME,
            to=to,
            key=None,
            type="text",
            id=message_id,
            outcome=outcome,
            payload=body,
        )

    def _check(self, body: Json, to: str) -> Fate:
        text = body.get("text")
        if not isinstance(text, str) or not text.strip():
            raise Refused(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > TEXT_MOST:
            raise Refused(400, "Bad Request: message is too long")
        if (NAME, to) not in self._world.last_inbound:
            raise Refused(400, "Bad Request: chat not found")
        if (NAME, to) in self._world.blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        if self._world.behaviour.channel_ill:
            raise Refused(401, "Unauthorized")
        fate = self._world.fate(NAME, to)
        if fate.throttled or self._world.over_rate(NAME):
            raise Refused(
                429, f"Too Many Requests: retry after {RETRY_AFTER_S}", {"retry_after": RETRY_AFTER_S}
            )
        if fate.failure is not None:
            raise Refused(403, "Forbidden: user is deactivated")
        return fate

    def _set_webhook(self, body: Json) -> Reply:
        url = str(body.get("url", ""))
        if urlsplit(url).hostname != "127.0.0.1":
            raise Refused(400, "Bad Request: bad webhook: the sandbox posts to 127.0.0.1 only")
        self._envelope = self._posting_to(url)
        self._secret = str(body.get("secret_token", ""))
        return Reply(200, {"ok": True, "result": True, "description": "Webhook was set"})

    def _picture(self, act: Act) -> str:
        """A photo, its bytes in base64, with `text` as its caption: Telegram makes a JPEG of every photo."""
        kind, content = picture_of(act)
        if kind != "image/jpeg":
            raise ValueError("a photo on Telegram is a JPEG")
        media = uuid.uuid4().hex
        self._media[media] = content
        sizes = [
            {"file_id": f"{media}-s", "file_unique_id": f"{media}-s", "width": 90, "height": 90},
            {"file_id": media, "file_unique_id": media, "file_size": len(content), "width": 0, "height": 0},
        ]
        return self.inbound(act.sender, act.text, act.name, sizes)

    def inbound(self, sender: str, text: str, name: str, photo: list[Json] | None = None) -> str:
        """A person writes to the bot; `/start <token>` is how a deep link arrives. Gives the update's id."""
        if not sender.isdecimal():
            raise ValueError("from must be a chat id: digits")
        update_id = next(self._update_ids)
        now = self._world.clock.now()
        self._world.journal.add(
            "inbound", platform=NAME, **{"from": sender}, text=text, name=name, id=str(update_id), type="text"
        )
        self._world.last_inbound[NAME, sender] = now
        message: Json = {
            "message_id": next(self._message_ids),
            "from": {"id": int(sender), "is_bot": False, "first_name": name, "language_code": "hi"},
            "chat": {"id": int(sender), "first_name": name, "type": "private"},
            "date": int(now.timestamp()),
            **({"text": text} if photo is None else {"photo": photo}),
        }
        if photo is not None and text:
            message["caption"] = text
        elif text.startswith("/"):
            command = text.split(maxsplit=1)[0]
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(command)}]
        facts = {"id": str(update_id), "status": "inbound", "from": sender}
        wire = {"update_id": update_id, "message": message}
        self._poster.put([Update(self._envelope, wire, facts)], late=False)
        return str(update_id)


def _bot() -> Json:
    return {"id": BOT_ID, "is_bot": True, "first_name": "JanJan", "username": TELEGRAM.bot_username}


def _ok(result: Json) -> Reply:
    return Reply(200, {"ok": True, "result": result})
