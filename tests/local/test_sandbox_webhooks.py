"""The sandbox as another system that is told of our events, with the judge as the one who signs."""

import json
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from local.config import WEBHOOK
from tests.local.conftest import HTTP, Client

EVENT = {"id": "e1", "type": "run.cancelled", "source": "s", "time": "t", "data": {"run_id": "r-1"}}


def post(sandbox: Client, secret: str = WEBHOOK.secret, at: float = 0.0, changed: bytes = b"") -> int:
    body, when = json.dumps(EVENT), datetime.fromtimestamp(at or time.time(), UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(when.timestamp())),
        "webhook-signature": "v1,AAAA " + Webhook(secret).sign("msg_1", when, body),
    }
    url = f"{sandbox.url}/receiver/hook"
    return HTTP.request("POST", url, body=changed or body.encode(), headers=headers).status


def test_what_is_rightly_signed_is_taken_and_logged(sandbox: Client) -> None:
    assert post(sandbox) == 204
    [line] = sandbox.lines("webhook")
    assert (line["id"], line["event"], line["type"], line["right"]) == ("msg_1", "e1", "run.cancelled", True)
    assert line["data"] == {"run_id": "r-1"}


@pytest.mark.parametrize(
    "wrong",
    [{"secret": "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, {"at": 1_700_000_000}, {"changed": b"{}"}],
)
def test_what_is_not_is_refused_and_logged_without_its_words(sandbox: Client, wrong: dict) -> None:
    assert post(sandbox, **wrong) == 401
    [line] = sandbox.lines("webhook")
    assert (line["right"], line["data"]) == (False, None)
