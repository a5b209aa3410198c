"""A picture on its way: sent on the sandbox, read from the callback by our adapters, fetched as a file."""

import base64
import json

import pytest

from chalicelib.platforms.base import Channel, Inbound, MediaGone
from chalicelib.platforms.http_client import HttpClient
from chalicelib.platforms.telegram import Telegram
from chalicelib.platforms.whatsapp import WhatsApp
from local.config import TELEGRAM, WHATSAPP
from tests.local.conftest import Client, Receiver

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(200))
PNG = b"\x89PNG\r\n\x1a\n" + bytes(30)
NUMBER = Channel(
    "w", "whatsapp", {"phone_number_id": WHATSAPP.phone_number_id, "access_token": WHATSAPP.access_token}
)
BOT = Channel("t", "telegram", {"bot_token": TELEGRAM.bot_token})


def send(sandbox: Client, platform: str, sender: str, content: bytes, caption: str = "") -> int:
    picture = base64.b64encode(content).decode()
    body = {"platform": platform, "from": sender, "kind": "picture", "text": caption, "picture": picture}
    return sandbox.call("POST", "/inbound", body)[0]


def test_a_picture_on_whatsapp_is_read_and_fetched(sandbox: Client, receiver: Receiver) -> None:
    assert send(sandbox, "whatsapp", "+919000000001", PNG, "टूटी सड़क") == 202
    sandbox.settled()
    [(_, _, body)] = receiver.posts
    [said] = WhatsApp().parse(body)
    assert isinstance(said, Inbound)
    picture = WhatsApp().picture_in(said)
    assert picture is not None
    assert (said.kind, said.text, picture.content_type) == ("image", "टूटी सड़क", "image/png")
    http, base = HttpClient(), f"{sandbox.url}/whatsapp"
    assert WhatsApp().fetch(http, base, NUMBER, picture.id, 1000) == PNG
    with pytest.raises(MediaGone):
        WhatsApp().fetch(http, base, NUMBER, picture.id, 10)
    with pytest.raises(MediaGone):
        WhatsApp().fetch(http, base, NUMBER, "1", 1000)


def test_a_photo_on_telegram_is_read_and_fetched(sandbox: Client, receiver: Receiver) -> None:
    assert send(sandbox, "telegram", "7000000001", JPEG, "टूटी सड़क") == 202
    sandbox.settled()
    [(_, _, body)] = receiver.posts
    [said] = Telegram().parse(body)
    assert isinstance(said, Inbound)
    picture = Telegram().picture_in(said)
    assert picture is not None
    assert (said.kind, said.text, picture.content_type) == ("photo", "टूटी सड़क", "image/jpeg")
    http, base = HttpClient(), f"{sandbox.url}/telegram"
    assert Telegram().fetch(http, base, BOT, picture.id, 1000) == JPEG
    with pytest.raises(MediaGone):
        Telegram().fetch(http, base, BOT, "nothing", 1000)


def test_what_is_no_picture_is_refused_by_the_control(sandbox: Client) -> None:
    assert send(sandbox, "whatsapp", "+919000000001", b"%PDF-1.7") == 400
    assert send(sandbox, "telegram", "7000000001", PNG) == 400
    body = {"platform": "whatsapp", "from": "+919000000001", "kind": "picture", "picture": "?"}
    assert sandbox.call("POST", "/inbound", body)[0] == 400
    assert json.dumps(sandbox.lines("inbound")) == "[]"
