"""The whole way once, through the zip that production gets and the API that is deployed with it."""

import platform
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from local import judge
from local.acting import Caller
from local.config import TELEGRAM, WHATSAPP
from local.demo import Demo, Settings
from local.laptop import laptop
from scripts.package import package

PEOPLE = 20


@pytest.mark.slow
@pytest.mark.allow_hosts(["127.0.0.1", "localhost"])
def test_twenty_recipients_through_the_production_zip_and_the_deployed_api(
    tmp_path: Path, socket_enabled: None
):
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    packaged = package("local", machine, tmp_path / "package")
    with laptop(tmp_path / "system", packaged=packaged) as system:
        gateway = system.engine.client("apigateway").get_rest_apis()["items"][0]["id"]
        api = f"{system.engine.url}/restapis/{gateway}/api/_user_request_"
        sandbox = Caller(system.sandbox_url)
        hear_from(sandbox, api)
        quiet = Progress(console=Console(quiet=True))
        demo = Demo(system, Settings(PEOPLE, {"read": 1}), quiet, Caller(api), sandbox)

        truth, report, found, events = demo.run()

        assert found == []
        assert report["accepted"] == truth.people == PEOPLE
        assert report["read"] == truth.by_channel["whatsapp"]["accepted"] > 0
        assert report["no_receipts"] == truth.by_channel["telegram"]["accepted"] > 0
        assert truth.duplicate_sends == 0
        assert events >= 3 * PEOPLE
        posts = [line for line in judge.read_log(system.sandbox_log) if line["kind"] == "callback"]
        assert all(post["url"].startswith(f"{api}/webhooks/") for post in posts)
        assert {post["answer"] for post in posts} == {200}


def hear_from(sandbox: Caller, api: str) -> None:
    """Has both platforms post to the deployed API instead of the laptop's server."""
    where = {"override_callback_uri": f"{api}/webhooks/whatsapp", "verify_token": WHATSAPP.verify_token}
    path = f"/whatsapp/v23.0/{WHATSAPP.waba}/subscribed_apps"
    assert sandbox("POST", path, where, token=WHATSAPP.access_token) == {"success": True}
    where = {"url": f"{api}/webhooks/telegram", "secret_token": TELEGRAM.secret_token}
    assert sandbox("POST", f"/telegram/bot{TELEGRAM.bot_token}/setWebhook", where)["ok"]
