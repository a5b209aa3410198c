"""Webhooks over real HTTP to the deployed application: its queue, its Lambda, its tables."""

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request

import pytest

from chalicelib.callbacks.store import Kept
from local.config import TELEGRAM, WHATSAPP
from tests.platforms.golden import SAMPLES

pytestmark = pytest.mark.slow
PATIENCE_S = 20


def post(stack, platform, body, headers):
    request = urllib.request.Request(f"{stack.url}/webhooks/{platform}", body, method="POST")
    for name, value in {"Content-Type": "application/json", **headers}.items():
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def whatsapp(stack, body, secret=WHATSAPP.app_secret):
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return post(stack, "whatsapp", body, {"X-Hub-Signature-256": f"sha256={digest}"})


def telegram(stack, body):
    return post(stack, "telegram", body, {"X-Telegram-Bot-Api-Secret-Token": TELEGRAM.secret_token})


def wait_for(sort, platform, day, count):
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = list(Kept.query(f"{sort}#{platform}#{day}", consistent_read=True))
        if len(found) >= count or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def test_what_people_write_arrives_in_the_tables_of_the_deployed_application(stack):
    said = json.loads((SAMPLES / "whatsapp" / "message_image_with_caption.json").read_text())
    said["entry"][0]["changes"][0]["value"]["messages"][0]["timestamp"] = (
        "1830384000"  # a day of this test's own
    )
    body = json.dumps(said, ensure_ascii=False).encode()
    for _ in range(2):
        assert whatsapp(stack, body) == (200, b"")
    (item,) = wait_for("inbound", "whatsapp", "2028-01-02", 1)
    assert json.loads(item.content)["text"] == "टूटी पुलिया"


def test_a_body_of_two_megabytes_arrives_by_way_of_the_bucket(stack):
    words = "क" * 700_000
    update = {"update_id": 7, "message": {"chat": {"id": 23}, "date": 1830470400, "text": words}}
    assert telegram(stack, json.dumps(update, ensure_ascii=False).encode()) == (200, b"")
    (item,) = wait_for("inbound", "telegram", "2028-01-03", 1)
    assert item.object_key.startswith("callbacks/")


def test_a_wrong_signature_is_refused(stack):
    status, answer = whatsapp(stack, b"{}", "wrong")
    assert (status, json.loads(answer)["title"]) == (401, "signature invalid")
    assert post(stack, "whatsapp", b"{}", {})[0] == 401


def test_the_median_acknowledgement_stays_under_a_quarter_of_a_second(stack):
    body, took = b'{"update_id": 1}', []
    for _ in range(15):
        start = time.perf_counter()
        assert telegram(stack, body)[0] == 200
        took.append(time.perf_counter() - start)
    assert sorted(took)[7] < 0.25
