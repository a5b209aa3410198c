"""The sandbox's Telegram: what it takes, refuses, delivers and posts."""

import json
from collections.abc import Callable

import pytest
import urllib3

from local.config import TELEGRAM
from tests.local.conftest import Client, Receiver

CHAT = "7000000001"


@pytest.fixture
def chat(sandbox: Client) -> Client:
    """A sandbox where one person pressed start."""
    sandbox.call("POST", "/inbound", {"platform": "telegram", "from": CHAT, "text": "/start abc"})
    return sandbox


def test_start_with_a_token_arrives_with_the_secret_header(chat: Client, receiver: Receiver) -> None:
    chat.settled()
    [(path, headers, body)] = receiver.posts
    assert path == "/webhooks/telegram"
    assert headers["X-Telegram-Bot-Api-Secret-Token"] == TELEGRAM.secret_token
    update = json.loads(body)
    assert update["update_id"] > 2**32
    message = update["message"]
    assert message["chat"]["id"] == message["from"]["id"] == int(CHAT)
    assert message["text"] == "/start abc"
    assert message["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]


def test_a_started_chat_gets_messages(chat: Client) -> None:
    status, answer = chat.telegram("sendMessage", {"chat_id": CHAT, "text": "नमस्ते"})
    assert (status, answer["ok"]) == (200, True)
    assert answer["result"]["chat"] == {"id": int(CHAT), "type": "private"}
    [message] = chat.call("GET", f"/messages?to={CHAT}")[1]
    assert (message["text"], message["platform"]) == ("नमस्ते", "telegram")
    assert message["id"] == str(answer["result"]["message_id"])


@pytest.mark.parametrize(
    ("body", "status", "description"),
    [
        ({"chat_id": 5, "text": "a"}, 400, "Bad Request: chat not found"),
        ({"chat_id": CHAT, "text": " "}, 400, "Bad Request: message text is empty"),
        ({"chat_id": CHAT}, 400, "Bad Request: message text is empty"),
        ({"chat_id": CHAT, "text": "😀" * 2049}, 400, "Bad Request: message is too long"),
    ],
)
def test_bad_requests_are_refused_and_logged(
    chat: Client, body: object, status: int, description: str
) -> None:
    got, answer = chat.telegram("sendMessage", body)
    assert (got, answer) == (status, {"ok": False, "error_code": status, "description": description})
    assert [line["outcome"] for line in chat.lines("request")] == [f"refused:{status}"]


def test_who_blocked_the_bot_is_403(chat: Client) -> None:
    chat.call("POST", "/block", {"platform": "telegram", "from": CHAT})
    status, answer = chat.telegram("sendMessage", {"chat_id": CHAT, "text": "a"})
    assert (status, answer["description"]) == (403, "Forbidden: bot was blocked by the user")


def test_throttling_says_how_long_to_wait(chat: Client) -> None:
    chat.call("POST", "/behaviour", {"throttle": 1})
    status, answer = chat.telegram("sendMessage", {"chat_id": CHAT, "text": "a"})
    assert (status, answer["parameters"]) == (429, {"retry_after": 1})
    assert [line["outcome"] for line in chat.lines("request")] == ["throttled"]


def test_failing_is_a_refusal_and_a_lost_reply_is_delivered(chat: Client) -> None:
    chat.call("POST", "/behaviour", {"fail": 1})
    assert chat.telegram("sendMessage", {"chat_id": CHAT, "text": "a"})[0] == 403
    chat.call("POST", "/behaviour", {"fail": 0, "lost_reply": 1})
    with pytest.raises(urllib3.exceptions.ProtocolError):
        chat.telegram("sendMessage", {"chat_id": CHAT, "text": "b"})
    assert [m["text"] for m in chat.call("GET", f"/messages?to={CHAT}")[1]] == ["b"]
    assert [line["outcome"] for line in chat.lines("request")] == ["refused:403", "lost_reply"]


def test_a_chat_outlives_a_restart(start: Callable[[], Client]) -> None:
    sandbox = start()
    sandbox.call("POST", "/inbound", {"platform": "telegram", "from": CHAT, "text": "/start"})
    sandbox = start()
    assert sandbox.telegram("sendMessage", {"chat_id": CHAT, "text": "a"})[0] == 200


def test_the_bot_tells_who_it_is_and_refuses_a_wrong_token(sandbox: Client) -> None:
    assert sandbox.telegram("getMe", {})[1]["result"]["username"] == TELEGRAM.bot_username
    status, answer = sandbox.telegram("getMe", {}, token="1:stolen")
    assert (status, answer["description"]) == (401, "Unauthorized")
    assert sandbox.telegram("deleteEverything", {})[0] == 404


def test_set_webhook_moves_updates_and_their_secret_within_this_machine(
    sandbox: Client, receiver: Receiver
) -> None:
    moved = {"url": f"{receiver.url}/elsewhere", "secret_token": "another"}
    assert sandbox.telegram("setWebhook", moved)[1]["result"] is True
    sandbox.call("POST", "/inbound", {"platform": "telegram", "from": CHAT, "text": "नमस्ते"})
    sandbox.settled()
    [(path, headers, _)] = receiver.posts
    assert (path, headers["X-Telegram-Bot-Api-Secret-Token"]) == ("/elsewhere", "another")
    assert sandbox.telegram("setWebhook", {"url": "https://example.org/x"})[0] == 400
