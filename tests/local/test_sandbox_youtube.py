"""The sandbox's YouTube, asked and heard by the real adapter."""

import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import pytest

from chalicelib.errors import SignatureInvalid
from chalicelib.platforms.base import Call, Leased, Posted, SendRefused, Throttled, Update
from chalicelib.platforms.http_client import HttpClient
from chalicelib.platforms.youtube import YouTube
from local.config import platform_secret
from local.sandbox.youtube import channel_of
from tests.local.conftest import Client, eventually

SECRET = platform_secret()["youtube"]
HOUR, DAY = 3600, 24 * 3600
REKHA = channel_of("rekha_namuna")


@dataclass
class Webhook:
    """Our address: it answers handshakes, checks signatures and reads what comes, as the application does."""

    url: str = ""
    told: list[Update] = field(default_factory=list)
    refuses: bool = False


@pytest.fixture
def webhook(socket_enabled: None) -> Iterator[Webhook]:
    kept = Webhook()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = dict(parse_qsl(urlsplit(self.path).query))
            greeting = None if kept.refuses else YouTube().handshake(SECRET, Call(query=query))
            if greeting:
                kept.told.extend(YouTube().parse(greeting.news))
            self.answer(200 if greeting else 403, greeting.answer.encode() if greeting else b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] in YouTube.webhook_content_types
            call = Call({name.lower(): value for name, value in self.headers.items()}, body)
            YouTube().verify(SECRET, call)
            with pytest.raises(SignatureInvalid):
                YouTube().verify(SECRET, Call(call.headers, body + b" "))
            kept.told.extend(YouTube().parse(body))
            self.answer(200, b"")

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    kept.url = f"http://127.0.0.1:{server.server_port}/webhooks/youtube"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield kept
    server.shutdown()
    server.server_close()


def follow(sandbox: Client, webhook: Webhook, *, wanted: bool = True) -> None:
    hub = f"{sandbox.url}/youtube/hub"
    YouTube().follow(HttpClient(), hub, SECRET, webhook.url, REKHA, wanted=wanted)
    sandbox.settled()


def act(sandbox: Client, kind: str, who: str = "@rekha_namuna", text: str = "", **more: str) -> str:
    body = {"platform": "youtube", "kind": kind, "from": who, "text": text, **more}
    status, answer = sandbox.call("POST", "/inbound", body)
    assert status == 202, answer
    sandbox.settled()
    return str(answer["id"])


def posted(webhook: Webhook) -> list[tuple[str, str]]:
    return [(one.kind, one.post_id) for one in webhook.told if isinstance(one, Posted)]


def test_a_channel_that_is_followed_tells_of_its_videos_until_it_is_not(
    sandbox: Client, webhook: Webhook
) -> None:
    follow(sandbox, webhook)
    video = act(sandbox, "post", text="शपथ & <मतदान>")
    act(sandbox, "post", who=channel_of("anya"), text="किसी और का")
    sandbox.call("POST", "/clock", {"offset_s": 2 * HOUR})
    act(sandbox, "post", who=REKHA, text="नया शीर्षक", post=video)
    act(sandbox, "remove", post=video)
    follow(sandbox, webhook, wanted=False)
    act(sandbox, "post", text="बाद में")
    assert posted(webhook) == [
        ("published", video),
        ("changed", video),
        ("removed", video),
    ]
    assert {one.account for one in webhook.told if isinstance(one, Posted)} == {REKHA}
    leases = [(one.account, one.lease_s) for one in webhook.told if isinstance(one, Leased)]
    assert leases == [(REKHA, 5 * DAY), (REKHA, None)]


def test_what_is_not_confirmed_or_over_is_not_told(sandbox: Client, webhook: Webhook) -> None:
    webhook.refuses = True
    follow(sandbox, webhook)
    act(sandbox, "post", text="1")
    webhook.refuses = False
    follow(sandbox, webhook)
    sandbox.call("POST", "/clock", {"offset_s": 5 * DAY + 1})
    act(sandbox, "post", text="2")
    assert posted(webhook) == []


def test_an_ill_hub_refuses_with_its_reason(sandbox: Client, webhook: Webhook) -> None:
    sandbox.call("POST", "/behaviour", {"channel_ill": 1})
    follow(sandbox, webhook)
    (told,) = webhook.told
    assert isinstance(told, Leased)
    assert (told.lease_s, told.reason) == (None, "the hub is ill")


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"hub.topic": "https://www.youtube.com/feeds/videos.xml?channel_id=x"},
        {"hub.callback": "https://example.org/"},
        {"hub.mode": "publish"},
        {"hub.lease_seconds": "soon"},
        {"hub.secret": "x" * 200},
    ],
)
def test_the_hub_refuses_what_it_cannot_serve(sandbox: Client, form: dict[str, str]) -> None:
    good = {
        "hub.mode": "subscribe",
        "hub.topic": f"https://www.youtube.com/feeds/videos.xml?channel_id={REKHA}",
        "hub.callback": "http://127.0.0.1:9/webhooks/youtube",
    }
    assert sandbox.call("POST", "/youtube/hub/subscribe", good | form if form else {})[0] == 400
    assert sandbox.call("POST", "/youtube/hub/subscribe", good)[0] == 202


def test_subscriptions_outlive_a_restart(start: Callable[[], Client], webhook: Webhook) -> None:
    follow(start(), webhook)
    act(start(), "post", text="फिर से")
    eventually(lambda: posted(webhook))


def test_figures_grow_with_age_and_some_likes_are_hidden(sandbox: Client) -> None:
    videos = [act(sandbox, "post", text=str(n)) for n in range(30)]

    def read() -> dict[str, dict[str, int]]:
        told = YouTube().read_posts(HttpClient(), f"{sandbox.url}/youtube", SECRET, [*videos, "x" * 11])
        assert told["x" * 11].gone
        assert {told[one].account for one in videos} == {REKHA}
        return {one: dict(told[one].figures) for one in videos}

    sandbox.call("POST", "/clock", {"offset_s": HOUR})
    young = read()
    sandbox.call("POST", "/clock", {"offset_s": 3 * DAY})
    old = read()
    assert all(0 < young[one]["views"] < old[one]["views"] for one in videos)
    assert 0 < sum("likes" not in figures for figures in old.values()) < 15


def test_an_account_is_found_by_id_and_handle_with_its_description(sandbox: Client) -> None:
    act(sandbox, "bio", text="कोड 482913")

    def account(handle: str) -> object:
        return YouTube().read_account(HttpClient(), f"{sandbox.url}/youtube", SECRET, handle)

    told = account("rekha_namuna")
    assert told == account(REKHA)
    assert (told.account, told.handle, told.bio) == (REKHA, "rekha_namuna", "कोड 482913")  # type: ignore[attr-defined]
    assert account("nobody_here") is None


def test_a_wrong_key_and_too_many_requests_are_refused_as_google_does(sandbox: Client) -> None:
    def account(key: str) -> None:
        YouTube().read_account(HttpClient(), f"{sandbox.url}/youtube", SECRET | {"api_key": key}, "rekha")

    with pytest.raises(SendRefused) as refused:
        account("stolen")
    assert (refused.value.platform_code, refused.value.scope) == ("keyInvalid", "channel")
    sandbox.call("POST", "/behaviour", {"throttle": 1})
    with pytest.raises(Throttled):
        account(SECRET["api_key"])


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "post", "from": "?", "text": "a"},
        {"kind": "post", "from": "rekha", "text": "a", "post": "short"},
        {"kind": "remove", "from": "rekha", "post": "missing"},
        {"kind": "text", "from": "rekha", "text": "a"},
    ],
)
def test_what_cannot_be_done_is_refused(sandbox: Client, body: dict[str, str]) -> None:
    assert sandbox.call("POST", "/inbound", {"platform": "youtube"} | body)[0] == 400
    assert sandbox.call("GET", "/youtube/youtube/v3/search")[0] == 404
