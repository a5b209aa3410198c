"""Pages of the public, of creators and of the console: what a first view weighs and asks for, and what each
further one costs."""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from chalice.app import Chalice, Response
from chalice.test import Client

from bench.figure import Figure
from tests.pages.trips import trips

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
RECIPIENTS = 500
"""Of the campaign whose report is looked at."""


def run(rounds: int = ROUNDS) -> Iterator[Figure]:
    """For each page what a first view weighs and asks for, and what each further view costs."""
    from bench.ground import Meter, ground

    with TemporaryDirectory() as folder, ground(Path(folder)) as laid:
        import app

        with Client(app.app) as client:
            cookie = {"Cookie": f"{_creator()}; {_admin(laid.env)}"}
            for name, path in (PAGES | SIGNED_IN | CONSOLE | {"console_report": _report()}).items():
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
                yield Figure(
                    f"pages_{name}_trips", len(trips(look, 0)), "round trips to DynamoDB, a further view"
                )
                bare = _bare_ms(page.decode(), rounds)
                yield Figure(f"pages_{name}_cpu", meter.cpu_s[name] * 1000 / rounds, "ms", BARE, bare)


def _admin(env: dict[str, str]) -> str:
    """The cookie of a sample admin."""
    from chalicelib.http import SESSION_COOKIE
    from local.token import token_for
    from local.users import load_users

    load_users(env)
    return f"{SESSION_COOKIE}={token_for(env, 'admin@sample.test')}"


def _report() -> str:
    """The report of a campaign that has gone to some people, all of whom have read it."""
    from bench.ground import Crowd, schedule
    from chalicelib import wiring
    from chalicelib.dispatch.model import Fact, Page
    from chalicelib.ports import Area

    crowd = Crowd(0, RECIPIENTS)
    run, store = schedule("report", crowd), wiring._dispatch_store()
    wiring.runs().start(run)
    wiring.directory().put_areas([Area("IN", "country", ("IN",), {"hi": "भारत"})])
    told = {"whatsapp hi": tuple(crowd.people)}
    for chunk in store.write_chunks(store.freeze(Page(run, 0, 0, "IN", told, {}, None)), 1):
        facts = {Fact.ACCEPTED: 1, Fact.DELIVERED: 2, Fact.READ: 3}
        store.record(run, chunk.id, dict.fromkeys(range(len(chunk.people)), facts))
    return f"/console/campaigns/{run.rpartition('-')[0]}/report?lang=hi"


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
