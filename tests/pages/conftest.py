"""The site on the engine's tables: with a directory, the platforms' secret and a service queue."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3
from chalice.test import Client, HTTPResponse

from chalicelib.ports import Area
from local.config import platform_secret
from local.engine import Engine
from local.ports import HOST, free_port

AREAS = [
    ("country", ["IN"], "भारत", "India"),
    ("state", ["IN", "IN-XN"], "नमूना प्रदेश", "Namuna Pradesh"),
    ("state", ["IN", "IN-XM"], "दूसरा प्रदेश", "Second Pradesh"),
    ("district", ["IN", "IN-XN", "D9001"], "जनपुर", "Janpur"),
    ("district", ["IN", "IN-XN", "D9002"], "लोकनगर", "Loknagar"),
    ("block", ["IN", "IN-XN", "D9001", "D9001-B1"], "आमबाग", "Aambagh"),
    ("booth", ["IN", "IN-XN", "D9001", "D9001-B1", "D9001-A1-P1"], "पंचायत भवन", "Panchayat Bhawan"),
    ("booth", ["IN", "IN-XN", "D9002", "D9002-A2-P1"], "कन्या इंटर कॉलेज", "Girls' Inter College"),
]


@pytest.fixture
def prepared(request: pytest.FixtureRequest, engine: Engine) -> None:
    """Everything that the pages need, where they are: in this process, or behind `address`."""
    from chalicelib import wiring

    apart = "address" in request.fixturenames
    boto = request.getfixturevalue("served_tables" if apart else "tables").client
    boto("secretsmanager").create_secret(
        Name="janjan/local/platforms", SecretString=json.dumps(platform_secret())
    )
    url = boto("sqs").create_queue(QueueName="janjan-local-service")["QueueUrl"]
    os.environ["SERVICE_QUEUE_URL"] = url
    from chalicelib.settings import settings

    settings.cache_clear()
    directory = wiring.directory()
    directory.put_areas(
        Area(path[-1], level, tuple(path), {"hi": hi, "en": en})  # type: ignore[arg-type]
        for level, path, hi, en in AREAS
    )
    for theme, hi, en in (("health", "स्वास्थ्य", "Health"), ("education", "शिक्षा", "Education")):
        directory.put_theme(theme, {"hi": hi, "en": en}, actor="test")


def send_codes() -> list[Any]:
    """What the service queue's handler does; gives the messages that went out."""
    from chalicelib import aws, wiring
    from chalicelib.influencers.service import Messenger
    from tests.influencers.world import KeptSender

    sender = KeptSender()
    store, texts = wiring._people_store(), wiring.sms_register()
    messenger = Messenger(store, sender, wiring.signups().secrets, wiring.clock(), "", texts)
    url = os.environ["SERVICE_QUEUE_URL"]
    got = aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in got:
        messenger.deliver(json.loads(message["Body"]))
        aws.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [message for _, _, message in sender.sent.values()]


@dataclass
class Site:
    """Pages asked for in this process."""

    client: Client

    def get(self, path: str, **headers: str) -> HTTPResponse:
        return self.client.http.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, path: str, fields: list[tuple[str, str]], **headers: str) -> HTTPResponse:
        from urllib.parse import urlencode

        sent = {"content-type": "application/x-www-form-urlencoded"}
        sent |= {k.replace("_", "-"): v for k, v in headers.items()}
        return self.client.http.post(path, headers=sent, body=urlencode(fields).encode())


@pytest.fixture
def site(prepared: None) -> Iterator[Site]:
    import app

    with Client(app.app) as client:
        yield Site(client)


@pytest.fixture
def address(prepared: None, tmp_path: Path) -> Iterator[str]:
    """Base URL of the site in a process of its own, as a browser needs it."""
    port = free_port()
    env = tmp_path / "env.json"
    wanted = {k: v for k, v in os.environ.items() if k.isupper()}
    env.write_text(json.dumps(wanted | {"PUBLIC_URL": f"http://{HOST}:{port}"}))
    process = subprocess.Popen([sys.executable, "-m", "local.server", "--port", str(port), "--env", str(env)])
    base = f"http://{HOST}:{port}"
    try:
        for _ in range(200):
            try:
                urllib3.request("GET", f"{base}/healthz", retries=False, timeout=2)
                break
            except urllib3.exceptions.HTTPError:
                time.sleep(0.05)
        yield base
    finally:
        process.terminate()
        process.wait(60)
