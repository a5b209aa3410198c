"""The sandbox's X, asked and heard by the real adapter."""

import base64
import hashlib
import hmac
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest

from chalicelib.platforms.base import Call, PostReading, SendRefused, Throttled
from chalicelib.platforms.http_client import HttpClient
from chalicelib.platforms.x import X
from local.config import X_APP, platform_secret
from local.sandbox.x import account_of
from tests.local.conftest import Client, Receiver

SECRET = platform_secret()["x"]
BEARER = {"Authorization": f"Bearer {X_APP.bearer_token}", "Content-Type": "application/json"}
HOUR, DAY = 3600, 24 * 3600


def act(sandbox: Client, kind: str, who: str = "rekha_namuna", text: str = "", **more: str) -> str:
    body = {"platform": "x", "kind": kind, "from": who, "text": text, **more}
    status, answer = sandbox.call("POST", "/inbound", body)
    assert status == 202, answer
    sandbox.settled()
    return str(answer["id"])


def heard(receiver: Receiver) -> list[tuple[str, str, str]]:
    """Update, kind and words of what the adapter lets pass."""
    told = []
    for path, headers, body in receiver.posts:
        assert path == "/webhooks/x"
        X().verify(SECRET, Call({name.lower(): value for name, value in headers.items()}, body))
        told += X().parse(body)
    receiver.posts.clear()
    return [(type(one).__name__, one.kind, getattr(one, "text", "")) for one in told]


def read(sandbox: Client, *ids: str) -> dict[str, PostReading]:
    return X().read_posts(HttpClient(), f"{sandbox.url}/x", SECRET, ids)


def test_what_happens_around_our_account_is_heard(sandbox: Client, receiver: Receiver) -> None:
    ours = act(sandbox, "post", who=X_APP.username, text="शपथ लें")
    act(sandbox, "post", text=f"@{X_APP.username} सड़क?")
    act(sandbox, "post", text="किसी और की बात")
    act(sandbox, "reply", text="धन्यवाद")
    act(sandbox, "like", post=ours)
    act(sandbox, "follow")
    act(sandbox, "text", text="नमस्ते")
    act(sandbox, "remove", who=X_APP.username, post=ours)
    assert heard(receiver) == [
        ("Posted", "published", "शपथ लें"),
        ("Posted", "mentions", f"@{X_APP.username} सड़क?"),
        ("Engaged", "comment", "धन्यवाद"),
        ("Engaged", "like", ""),
        ("Notice", "follow.follow", ""),
        ("Inbound", "text", "नमस्ते"),
        ("Posted", "removed", ""),
    ]


def test_figures_grow_with_age(sandbox: Client) -> None:
    post = act(sandbox, "post", text="#ad शपथ")
    sandbox.call("POST", "/clock", {"offset_s": HOUR})
    young = read(sandbox, post)[post]
    sandbox.call("POST", "/clock", {"offset_s": 3 * DAY})
    old = read(sandbox, post, "5")
    assert (old["5"].gone, old[post].handle, old[post].text) == (True, "rekha_namuna", "#ad शपथ")
    assert old[post].account == account_of("rekha_namuna")
    assert set(old[post].figures) == {"views", "likes", "comments", "shares", "saves"}
    assert 0 < young.figures["views"] < old[post].figures["views"]


def test_an_account_tells_its_followers_and_what_it_says_of_itself(sandbox: Client) -> None:
    act(sandbox, "bio", text="कोड 482913")
    told = X().read_account(HttpClient(), f"{sandbox.url}/x", SECRET, "rekha_namuna")
    assert told is not None
    assert (told.handle, told.bio, told.account) == ("rekha_namuna", "कोड 482913", account_of("rekha_namuna"))
    assert told.followers
    assert X().read_account(HttpClient(), f"{sandbox.url}/x", SECRET, "nobody_x") is None


def test_a_wrong_token_and_too_many_requests_are_refused_as_x_does(sandbox: Client) -> None:
    with pytest.raises(SendRefused) as refused:
        X().read_posts(HttpClient(), f"{sandbox.url}/x", SECRET | {"bearer_token": "other"}, ["1"])
    assert refused.value.scope == "channel"
    sandbox.call("POST", "/behaviour", {"throttle": 1})
    with pytest.raises(Throttled):
        read(sandbox, "1")


@pytest.fixture
def elsewhere(socket_enabled: None) -> Iterator[Callable[[str], str]]:
    """An address of ours whose answer to the challenge is signed with the given secret; `posts` by path."""
    servers = []

    def begin(secret: str) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                greeting = X().handshake(
                    {"consumer_secret": secret}, Call(query=dict(parse_qsl(urlsplit(self.path).query)))
                )
                assert greeting is not None
                body = greeting.answer.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/webhooks/x"

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


def test_events_go_to_an_address_that_has_answered_the_challenge(
    sandbox: Client, receiver: Receiver, elsewhere: Callable[[str], str]
) -> None:
    def valid() -> list[bool]:
        return [hook["valid"] for hook in sandbox.call("GET", "/x/2/webhooks", **BEARER)[1]["data"]]

    for secret in ("another", X_APP.consumer_secret):
        status, answer = sandbox.call("POST", "/x/2/webhooks", {"url": elsewhere(secret)}, **BEARER)
        assert (status, answer["data"]["valid"]) == (201, False)
        sandbox.settled()
    assert valid() == [False, True]
    hook = sandbox.call("GET", "/x/2/webhooks", **BEARER)[1]["data"][0]["id"]
    assert sandbox.call("PUT", f"/x/2/webhooks/{hook}", **BEARER)[0] == 200
    assert [line["passed"] for line in sandbox.lines("challenge")][:2] == [False, True]
    assert sandbox.call("POST", "/x/2/webhooks", {"url": "https://example.org/"}, **BEARER)[0] == 400
    assert sandbox.call("PUT", "/x/2/webhooks/1", **BEARER)[0] == 404
    assert receiver.posts == []


def test_the_signature_is_what_the_platforms_page_says(sandbox: Client, receiver: Receiver) -> None:
    act(sandbox, "message", text="नमस्ते")
    [(_, headers, body)] = receiver.posts
    made = base64.b64encode(hmac.new(X_APP.consumer_secret.encode(), body, hashlib.sha256).digest()).decode()
    assert headers["x-twitter-webhooks-signature"] == f"sha256={made}"
    assert json.loads(body)["for_user_id"] == X_APP.account


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "post", "from": "?", "text": "a"},
        {"kind": "reply", "from": "rekha", "text": "a"},
        {"kind": "remove", "from": "rekha", "post": "5"},
        {"kind": "dance", "from": "rekha"},
    ],
)
def test_what_cannot_be_done_is_refused(sandbox: Client, body: dict[str, str]) -> None:
    assert sandbox.call("POST", "/inbound", {"platform": "x"} | body)[0] == 400
    assert sandbox.call("GET", "/x/2/nothing", **BEARER)[0] == 404
    assert sandbox.call("GET", "/x/2/tweets?ids=a", **BEARER)[0] == 400
