"""Others' readings of Telegram: python-telegram-bot's of the same bodies, and a server written by others."""

from __future__ import annotations

import contextlib
import json
import queue
import shutil
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import telegram
import urllib3

from chalicelib.platforms.base import Channel, Inbound, Outgoing, Preference
from chalicelib.platforms.http_client import HttpClient
from chalicelib.platforms.telegram import MEMBER, Telegram
from local.ports import HOST, free_port
from tests.platforms import golden

SERVER = Path(__file__).parent / "telegram_server"
TOKEN = "7:invented"
CHANNEL = Channel("telegram-main", "telegram", {"bot_token": TOKEN, "bot_username": "janjan_bot"})
CHAT = 5000000001


def theirs(body):
    """What python-telegram-bot reads; None for what it cannot."""
    with contextlib.suppress(Exception):
        return telegram.Update.de_json(json.loads(body), None)


READ_BY_BOTH = [sample for sample in golden.samples("telegram") if theirs(sample.read_bytes())]


@pytest.mark.parametrize("sample", READ_BY_BOTH, ids=lambda sample: sample.stem)
def test_another_library_reads_the_same_facts(sample):
    body = sample.read_bytes()
    (ours,), their = Telegram().parse(body), theirs(body)
    if isinstance(ours, Preference):
        change = their.my_chat_member
        assert (ours.sender, ours.at) == (str(change.chat.id), change.date)
        assert ours.wants is MEMBER[str(change.new_chat_member.status)]
    if isinstance(ours, Inbound):
        if their.callback_query:
            query = their.callback_query
            assert (ours.sender, ours.text) == (str(query.from_user.id), query.data)
            return
        said = their.edited_message or their.message
        assert (ours.sender, ours.text) == (str(said.chat.id), said.text or said.caption or "")
        assert ours.at == (said.edit_date or said.date)
        named = said.from_user.full_name if said.from_user else ""
        assert ours.name == named
        if ours.kind not in ("text", "edit", "deep_link"):
            assert getattr(said, ours.kind)


def test_the_library_reads_more_than_half_of_the_samples():
    """It wants fields that ours leave out on purpose."""
    assert len(READ_BY_BOTH) > len(golden.samples("telegram")) / 2


# --- a server of others -------------------------------------------------------------------------------------


@pytest.fixture
def server(socket_enabled):
    if not (shutil.which("node") and (SERVER / "node_modules").is_dir()):
        pytest.skip("needs node, and what npm installs: python -m scripts.npm_judges")
    port = free_port()
    process = subprocess.Popen(
        ["node", "server.cjs", str(port)], cwd=SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout.readline().strip() == b"ready"
        yield f"http://{HOST}:{port}"
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


@pytest.fixture
def posted(socket_enabled):
    """An address that takes webhooks, and what came."""
    came = queue.Queue()

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self):
            came.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer((HOST, 0), Taker) as taker:
        threading.Thread(target=taker.serve_forever, daemon=True).start()
        yield f"http://{HOST}:{taker.server_port}/webhooks/telegram", came
        taker.shutdown()


def ask(url, body):
    return urllib3.request("POST", url, json=body, retries=False).json()


def test_the_adapter_sends_through_a_server_that_others_wrote(server):
    accepted = Telegram().send(HttpClient(), server, CHANNEL, str(CHAT), Outgoing(text="नमस्ते 🙏"))
    (got,) = ask(f"{server}/getUpdates", {"token": TOKEN, "chatId": str(CHAT)})["result"]
    assert got["message"]["text"] == "नमस्ते 🙏"
    assert accepted.message_id == str(got["messageId"])


def test_the_adapters_probe_is_answered_there(server):
    Telegram().probe(HttpClient(), server, CHANNEL)


def test_what_people_write_there_arrives_with_its_facts(server, posted):
    url, came = posted
    assert ask(f"{server}/bot{TOKEN}/setWebhook", {"url": url, "secret_token": "s"})["ok"]
    person = {"id": CHAT, "first_name": "नमूना", "is_bot": False}
    message = {
        "botToken": TOKEN,
        "from": person,
        "chat": {"id": CHAT, "first_name": "नमूना", "type": "private"},
        "date": int(time.time()),
        "text": "बंद करो",
    }
    assert ask(f"{server}/sendMessage", message)["ok"]
    (update,) = Telegram().parse(came.get(timeout=60))
    assert isinstance(update, Inbound)
    assert (update.sender, update.text, update.name, update.kind) == (str(CHAT), "बंद करो", "नमूना", "text")
