"""A hub that others wrote (Flask-WebSub): subscription, its verification, content, renewal and end, against
our adapter, receiver, processor and subscriptions."""

from __future__ import annotations

import base64
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import flask
import pytest
from flask_websub.hub import Hub, SQLite3HubStorage
from werkzeug.serving import make_server

from chalicelib.callbacks.letters import Letterbox
from chalicelib.callbacks.receiver import Receiver
from chalicelib.errors import Rejected
from chalicelib.metrics.follows import Follows
from chalicelib.metrics.subscriptions import Subscriptions
from chalicelib.platforms.base import Call
from chalicelib.platforms.http_client import HttpClient
from chalicelib.platforms.registry import Platforms
from chalicelib.platforms.youtube import TOPIC, YouTube
from tests.callbacks import fakes
from tests.callbacks.test_receiver import MemoryBucket, MemoryQueue
from tests.dispatch.world import MovingClock
from tests.metrics.test_subscriptions import ONE, Names, Register
from tests.platforms import golden
from tests.platforms.test_registry import GivenSecrets

DAY_S = 24 * 3600
UPLOAD = (golden.SAMPLES / "youtube" / "upload.xml").read_bytes()
SELF = {"Link": f'<{TOPIC}{ONE}>; rel="self", <http://hub.example/>; rel="hub"', "Content-Type": "text/xml"}


class Tasks:
    """What the hub wants of Celery: its tasks run soon, on a thread of their own, once."""

    def __init__(self):
        self.pool, self.running = ThreadPoolExecutor(1), []

    def task(self, bind=False, **_options):
        def made(act):
            return Task(self, act, bind)

        return made

    def settle(self):
        while self.running:
            self.running.pop(0).result()


class Task:
    class request:  # noqa: N801 - Celery's name
        retries = 0

    def __init__(self, tasks, act, bind):
        self.tasks, self.act, self.bound = tasks, act, [self] if bind else []

    def delay(self, *args):
        self.tasks.running.append(self.tasks.pool.submit(self.act, *self.bound, *args))

    def retry(self, countdown):
        """The hub would post again; what it met is in its log."""


class World:
    """Our side, behind a real address."""

    def __init__(self, webhook):
        self.clock, self.handles, self.waiting = MovingClock(), {ONE}, set()
        self.answers, self.posted = [], []
        self.queue = MemoryQueue()
        platforms = Platforms(
            GivenSecrets({"youtube": {"websub_secret": "w-secret", "api_key": "k"}}), HttpClient()
        )
        self.receiver = Receiver(platforms, Letterbox(self.queue, MemoryBucket()), self.clock)
        register = Register(self)
        self.subscriptions = Subscriptions(
            Follows(), platforms, Names(), register, register, lambda platform: webhook, self.clock
        )
        self.processing = fakes.World()
        self.processing.follows = self.subscriptions

    def tick(self):
        self.subscriptions.tick(self.clock.epoch() + 60)

    def process(self):
        letters = {f"m{n}": body for n, body in enumerate(self.queue.bodies)}
        self.queue.bodies.clear()
        for body in letters.values():
            letter = self.receiver.letterbox.open("m", body)
            self.posted += [one for one in YouTube().parse(letter.body) if type(one).__name__ == "Posted"]
        assert self.processing.processor().process(letters) == []

    def known(self):
        return Follows().all("youtube").accounts


@pytest.fixture
def world(tables, socket_enabled):
    kept = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            query = dict(parse_qsl(urlsplit(self.path).query))
            try:
                greeting = kept["world"].receiver.greet("youtube", Call(query=query))
            except Rejected as refused:
                self.say(refused.status, "")
            else:
                self.say(200, greeting.answer)

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                kept["world"].receiver.receive("youtube", Call(headers, body))
            except Rejected as refused:
                self.say(refused.status, "")
            else:
                self.say(200, "")

        def say(self, status, text):
            kept["world"].answers.append((self.command, status))
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format, *args):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    kept["world"] = World(f"http://127.0.0.1:{server.server_port}/webhooks/youtube")
    yield kept["world"]
    server.shutdown()
    server.server_close()


@pytest.fixture
def hub(world, tmp_path, monkeypatch):
    """The hub at `/subscribe`; it grants five days at most, whatever it is asked for."""
    tasks = Tasks()
    made = Hub(SQLite3HubStorage(str(tmp_path / "hub.sqlite3")), tasks)
    made.tasks = tasks
    app = flask.Flask("hub")
    app.config |= {"HUB_MAX_LEASE_SECONDS": 5 * DAY_S, "HUB_DEFAULT_LEASE_SECONDS": 5 * DAY_S}
    app.register_blueprint(made.build_blueprint(url_prefix="/subscribe"))
    server = make_server("127.0.0.1", 0, app)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(YouTube, "hub_url", f"http://127.0.0.1:{server.server_port}")
    yield made
    server.shutdown()
    server.server_close()
    tasks.pool.shutdown()


def subscribed(world, hub):
    """The tick, the hub's handshake and the processing of what it told."""
    world.tick()
    hub.tasks.settle()
    world.process()


def distribute(world, hub, body=UPLOAD):
    hub.send_change_notification.delay(
        TOPIC + ONE, {"headers": SELF, "content": base64.b64encode(body).decode()}
    )
    hub.tasks.settle()
    hub.tasks.settle()
    world.process()


def callbacks(hub):
    return list(hub.storage.get_callbacks(TOPIC + ONE))


def test_the_hub_verifies_what_we_asked_and_its_lease_is_the_one_that_is_kept(world, hub):
    subscribed(world, hub)
    assert world.answers == [("GET", 200)]
    [(callback, secret)] = [tuple(row) for row in callbacks(hub)]
    assert ("proof=" in callback, secret) == (True, "w-secret")
    assert world.known()[ONE].until == world.clock.now() + timedelta(days=5)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
def test_content_comes_signed_by_each_algorithm_and_is_read(world, hub, algorithm):
    hub.config["SIGNATURE_ALGORITHM"] = algorithm
    subscribed(world, hub)
    distribute(world, hub)
    assert world.answers == [("GET", 200), ("POST", 200)]
    assert [(one.kind, one.post_id) for one in world.posted] == [("published", "namuna00001")]


def test_content_signed_with_another_secret_is_refused(world, hub):
    subscribed(world, hub)
    [(callback, _)] = [tuple(row) for row in callbacks(hub)]
    hub.storage[TOPIC + ONE, callback] = {"lease_seconds": DAY_S, "secret": "stolen"}
    distribute(world, hub)
    assert (world.answers[-1], world.posted) == (("POST", 401), [])


def test_the_lease_is_renewed_before_its_end(world, hub):
    subscribed(world, hub)
    world.clock.move(3 * DAY_S)
    subscribed(world, hub)
    assert world.answers == [("GET", 200)]
    world.clock.move(DAY_S)
    subscribed(world, hub)
    assert world.answers == [("GET", 200)] * 2
    assert world.known()[ONE].until == world.clock.now() + timedelta(days=5)
    assert len(callbacks(hub)) == 1


def test_it_ends_when_the_person_leaves(world, hub):
    subscribed(world, hub)
    world.handles = set()
    subscribed(world, hub)
    subscribed(world, hub)
    assert (callbacks(hub), world.known()) == ([], {})
    distribute(world, hub)
    assert world.posted == []


def test_a_subscription_that_the_hub_denies_is_noted_with_its_reason(world, hub):
    hub.register_validator(lambda callback, topic, *more: "not for you")
    subscribed(world, hub)
    assert (callbacks(hub), world.known()[ONE].reason) == ([], "not for you")


def test_a_subscription_that_somebody_else_asks_for_is_not_confirmed(world, hub):
    subscribed(world, hub)
    [(callback, _)] = [tuple(row) for row in callbacks(hub)]
    for topic, address in (
        (TOPIC + "UC" + "9" * 22, callback),
        (TOPIC + ONE, callback.partition("?")[0]),
    ):
        form = {"hub.mode": "subscribe", "hub.topic": topic, "hub.callback": address}
        assert HttpClient().post_form(f"{YouTube.hub_url}/subscribe", form, {})[0] == 202
        hub.tasks.settle()
        assert list(hub.storage.get_callbacks(topic)) == (callbacks(hub) if topic == TOPIC + ONE else [])
    assert [status for _, status in world.answers] == [200, 403, 403]
    assert len(callbacks(hub)) == 1


def test_the_hub_is_not_waited_for(world, hub):
    hub.tasks.pool.submit(time.sleep, 0.5)
    world.tick()
    assert world.known()[ONE].until is None
    hub.tasks.settle()
    world.process()
    assert world.known()[ONE].until
