"""Pictures that people send: what names them, and how they are fetched."""

import pytest

from chalicelib.platforms.base import (
    Channel,
    Inbound,
    MediaGone,
    MediaRef,
    OutcomeUnknown,
    SendRefused,
    Throttled,
)
from chalicelib.platforms.registry import KEEPERS, SENDERS
from chalicelib.platforms.telegram import Telegram
from chalicelib.platforms.whatsapp import WhatsApp

NUMBER = Channel("whatsapp-main", "whatsapp", {"phone_number_id": "106", "access_token": "tok"})
BOT = Channel("telegram-main", "telegram", {"bot_token": "7:tok", "bot_username": "janjan_bot"})
GRAPH, FILES = (
    "https://graph.facebook.com",
    "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1",
)
STAND_IN = "http://127.0.0.1:8001/whatsapp"
BOT_API = "https://api.telegram.org"
JPEG = b"\xff\xd8\xff\xe0" + b"x" * 20


class Library:
    """Answers by address; keeps what was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def get_json(self, url, headers):
        self.asked.append((url, headers))
        status, answer = self.answers.pop(0)
        return status, {}, answer

    def get_bytes(self, url, headers, most):
        self.asked.append((url, headers))
        status, content = self.answers.pop(0)
        return status, {}, content[: most + 1]


def said(kind, **extra):
    return Inbound("d", "+919000000001", "", kind, None, extra=extra)


def of_whatsapp(http, most=100, base=GRAPH):
    return WhatsApp().fetch(http, base, NUMBER, "42", most)


def of_telegram(http, most=100):
    return Telegram().fetch(http, BOT_API, BOT, "AgAC", most)


def test_whatsapp_and_telegram_keep_pictures_for_us():
    assert list(KEEPERS) == ["whatsapp", "telegram"]
    assert all(KEEPERS[name] is SENDERS[name] for name in KEEPERS)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (said("image", image={"id": "42", "mime_type": "image/jpeg"}), MediaRef("42", "image/jpeg")),
        (said("image", image={"id": "42", "mime_type": "image/jpeg; x=1"}), MediaRef("42", "image/jpeg")),
        (said("document", document={"id": "9", "mime_type": "image/png"}), MediaRef("9", "image/png")),
        (said("document", document={"id": "9", "mime_type": "application/pdf"}), None),
        (said("sticker", sticker={"id": "9", "mime_type": "image/webp"}), None),
        (said("image", image={"mime_type": "image/jpeg"}), None),
        (said("image", image="42"), None),
        (said("text"), None),
    ],
)
def test_a_picture_on_whatsapp_is_known_by_its_type(message, expected):
    assert WhatsApp().picture_in(message) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (said("photo", photo=[{"file_id": "s"}, {"file_id": "AgAC"}]), MediaRef("AgAC", "image/jpeg")),
        (said("document", document={"file_id": "d", "mime_type": "image/webp"}), MediaRef("d", "image/webp")),
        (said("document", document={"file_id": "d", "mime_type": "video/mp4"}), None),
        (said("photo", photo=[]), None),
        (said("photo", photo="?"), None),
        (said("text"), None),
    ],
)
def test_of_a_photo_on_telegram_the_largest_size_is_taken(message, expected):
    assert Telegram().picture_in(message) == expected


def test_whatsapp_tells_a_files_address_and_gives_it_for_our_token():
    http = Library((200, {"id": "42", "url": FILES, "file_size": len(JPEG)}), (200, JPEG))
    assert of_whatsapp(http) == JPEG
    ours = {"Authorization": "Bearer tok"}
    assert http.asked == [(f"{GRAPH}/v23.0/42", ours), (FILES, ours)]


@pytest.mark.parametrize(
    "url",
    [
        "https://lookaside.fbsbx.com.evil.test/x",
        "https://evil.test/lookaside.fbsbx.com",
        "https://lookaside.fbsbx.com@evil.test/x",
        "https://lookaside.fbsbx.com:8443/x",
        "http://lookaside.fbsbx.com/x",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "",
        None,
    ],
)
def test_our_token_goes_to_no_host_but_metas_own(url):
    http = Library((200, {"url": url}))
    with pytest.raises(MediaGone):
        of_whatsapp(http)
    assert len(http.asked) == 1


def test_where_the_sandbox_stands_in_for_meta_files_come_from_it_alone():
    there = f"{STAND_IN}/files/42"
    assert of_whatsapp(Library((200, {"url": there}), (200, JPEG)), base=STAND_IN) == JPEG
    with pytest.raises(MediaGone):
        of_whatsapp(Library((200, {"url": FILES})), base=STAND_IN)


def test_telegram_tells_a_files_path_and_gives_it():
    http = Library((200, {"ok": True, "result": {"file_path": "photos/file 1.jpg"}}), (200, JPEG))
    assert of_telegram(http) == JPEG
    assert [url for url, _ in http.asked] == [
        f"{BOT_API}/bot7:tok/getFile?file_id=AgAC",
        f"{BOT_API}/file/bot7:tok/photos/file%201.jpg",
    ]


@pytest.mark.parametrize("fetch", [of_whatsapp, of_telegram])
def test_what_is_too_large_is_not_fetched_whatever_it_said_of_its_size(fetch):
    told = {"url": FILES, "file_size": 101}
    with pytest.raises(MediaGone):
        fetch(Library((200, {**told, "result": {"file_path": "a.jpg", "file_size": 101}})))
    with pytest.raises(MediaGone):
        fetch(Library((200, {"url": FILES, "result": {"file_path": "a.jpg"}}), (200, b"x" * 101)))
    assert len(fetch(Library((200, {"url": FILES, "result": {"file_path": "a"}}), (200, b"x" * 100)))) == 100


@pytest.mark.parametrize("fetch", [of_whatsapp, of_telegram])
def test_a_file_that_went_meanwhile_is_gone(fetch):
    with pytest.raises(MediaGone):
        fetch(Library((200, {"url": FILES, "result": {"file_path": "a.jpg"}}), (404, b"")))


def test_an_id_that_is_not_known_is_gone():
    with pytest.raises(MediaGone):
        of_whatsapp(Library((400, {"error": {"code": 100, "message": "Unsupported get request."}})))
    with pytest.raises(MediaGone):
        of_telegram(Library((400, {"ok": False, "error_code": 400, "description": "invalid file_id"})))


def test_a_platform_that_asks_to_wait_is_asked_again_and_a_wrong_token_is_told():
    with pytest.raises(Throttled):
        of_whatsapp(Library((429, {"error": {"code": 130429}})))
    with pytest.raises(Throttled):
        of_telegram(Library((429, {"ok": False, "error_code": 429, "parameters": {"retry_after": 3}})))
    for fetch in (of_whatsapp, of_telegram):
        with pytest.raises(SendRefused) as refused:
            fetch(Library((401, {"error": {"code": 190}, "ok": False, "error_code": 401})))
        assert refused.value.scope == "channel"


@pytest.mark.parametrize("fetch", [of_whatsapp, of_telegram])
def test_when_the_platform_is_down_the_file_is_asked_for_again(fetch):
    with pytest.raises(OutcomeUnknown):
        fetch(Library((200, {"url": FILES, "result": {"file_path": "a.jpg"}}), (503, b"")))
