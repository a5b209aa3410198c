"""Pages of the public, of creators and of the console: what a first view weighs and asks for, and what each
further one costs."""

from __future__ import annotations

import gzip
import re
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chalice.app import Chalice, Response
from chalice.test import Client

from bench.figure import Figure

PAGES = {
    "landing": "/?lang=hi",
    "signup": "/signup?lang=hi",
    "signup_urdu": "/signup?lang=ur",
    "signup_qr": "/signup/qr?lang=hi",
    "me_signin": "/me/signin?lang=hi",
    "transparency": "/transparency?lang=hi",
    "voice": "/voice?lang=hi",
    "privacy": "/about/privacy?lang=hi",
}
SIGNED_IN = {
    "me": "/me?lang=hi",
    "me_campaigns": "/me/campaigns?lang=hi",
    "me_messages": "/me/messages?lang=hi",
    "me_settings": "/me/settings?lang=hi",
    "me_data": "/me/data?lang=hi",
}
"""A creator's own."""
CONSOLE = {
    "console": "/console?lang=hi",
    "console_review": "/console/review?lang=hi",
    "console_people": "/console/people?lang=hi",
    "console_campaigns": "/console/campaigns?lang=hi",
    "console_composer": "/console/campaigns/new?lang=hi",
    "console_voices": "/console/voices?lang=hi",
    "console_channels": "/console/channels?lang=hi",
}
"""The staff's, as an admin sees them."""
BARE = "a bare Chalice page of the same length"
ROUNDS = 100
LOOKS = 5
"""So many views of which the least round trips are told: threads that begin a moment apart look like two."""


def run(rounds: int = ROUNDS) -> Iterator[Figure]:
    """For each page what a first view weighs and asks for, and what each further view costs."""
    from bench.ground import Meter, ground

    with TemporaryDirectory() as folder, ground(Path(folder)) as laid:
        import app

        with Client(app.app) as client:
            cookie = {"Cookie": f"{_creator()}; {_admin(laid.env)}"}
            for name, path in (PAGES | SIGNED_IN | CONSOLE).items():
                answer = client.http.get(path, headers=cookie)
                if answer.status_code != 200:
                    raise RuntimeError(f"{path}: {answer.status_code}")
                page = answer.body
                files = dict.fromkeys(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.decode()))
                bodies = [page, *(client.http.get(file).body for file in files)]
                weight = sum(len(gzip.compress(body)) for body in bodies) / 1024
                yield Figure(f"pages_{name}_weight", weight, "KB gzipped, first view")
                yield Figure(f"pages_{name}_requests", len(bodies), "requests, first view")
                meter = Meter()
                with laid.measured(meter):
                    for _ in range(rounds):
                        laid.invoke(name, lambda *_, path=path: client.http.get(path, headers=cookie), {})
                calls = meter.calls[name] / rounds
                yield Figure(f"pages_{name}_calls", calls, "calls to AWS, a further view")
                look = partial(client.http.get, path, headers=cookie)
                trips = min(_trips(look) for _ in range(LOOKS))
                yield Figure(f"pages_{name}_trips", trips, "round trips to DynamoDB, a further view")
                bare = _bare_ms(page.decode(), rounds)
                yield Figure(f"pages_{name}_cpu", meter.cpu_s[name] * 1000 / rounds, "ms", BARE, bare)


def _trips(look: Callable[[], object]) -> int:
    """How often `look` goes to DynamoDB and waits: calls that run side by side are one."""
    from chalicelib import aws

    made, running, lock = 0, 0, threading.Lock()

    def begins(**_: Any) -> None:  # noqa: ANN401 - botocore's own arguments
        nonlocal made, running
        with lock:
            made += not running
            running += 1

    def ends(**_: Any) -> None:  # noqa: ANN401
        nonlocal running
        with lock:
            running -= 1

    events = aws.client("dynamodb").meta.events
    events.register("before-call.dynamodb", begins)
    events.register("after-call.dynamodb", ends)
    try:
        look()
    finally:
        events.unregister("before-call.dynamodb", begins)
        events.unregister("after-call.dynamodb", ends)
    return made


def _admin(env: dict[str, str]) -> str:
    """The cookie of a sample admin."""
    from chalicelib.http import SESSION_COOKIE
    from local.token import token_for
    from local.users import load_users

    load_users(env)
    return f"{SESSION_COOKIE}={token_for(env, 'admin@sample.test')}"


def _creator() -> str:
    """The cookie of an approved creator."""
    from chalicelib import wiring
    from chalicelib.clock import rfc3339
    from chalicelib.events.catalog import InfluencerSignedUp
    from chalicelib.http import CREATOR_COOKIE
    from chalicelib.influencers.model import Influencer

    now = wiring.clock().now()
    person = Influencer(
        id=f"inf_{'a' * 16}",
        status="approved",
        name="नमूना देवी",
        language="hi",
        area="IN",
        area_path=("IN",),
        channel="whatsapp",
        phone="+919000000001",
        phone_proof="proven",
        signed_up_at=rfc3339(now),
        rev=1,
    )
    event = InfluencerSignedUp(influencer_id=person.id, area=person.area)
    wiring.people().store.add_unverified(person, event, at=now, expires=int(now.timestamp()) + 86_400)
    return f"{CREATOR_COOKIE}={wiring.creator_sessions().begin(person.id).token}"


def _bare_ms(body: str, rounds: int) -> float:
    """CPU of the same text from a Chalice application that does nothing else."""
    made = Chalice(app_name="bare", configure_logs=False)
    made.route("/")(lambda: Response(body, {"Content-Type": "text/html; charset=utf-8"}))
    with Client(made) as client:
        client.http.get("/")
        began = time.process_time()
        for _ in range(rounds):
            client.http.get("/")
        return (time.process_time() - began) * 1000 / rounds
