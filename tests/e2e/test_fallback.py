"""A failure goes on over the next channel, and a reply brings what waits, on the deployed system."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from chalicelib.dispatch.stops import FRESH_S
from local.acting import Caller, Creators, Staff, wait_for
from local.laptop import Laptop
from local.programme import brief, load_ground
from local.sample import creators

MARKER = "#next"


@pytest.fixture
def sandbox(stack: Laptop) -> Iterator[Caller]:
    """The sandbox platforms; they answer again at the end."""
    caller = Caller(stack.sandbox_url)
    yield caller
    caller("POST", "/behaviour", {"fail": 0})


def with_telegram_too(stack: Laptop, influencer: str, chat: str) -> None:
    """This person has proven a second address, as they will be able to in their own pages."""
    os.environ.update(stack.env)
    from chalicelib.influencers.model import Consent
    from chalicelib.influencers.store import PeopleStore
    from chalicelib.tables import write_together

    store = PeopleStore(lambda text: text)
    before = store.person(influencer)
    consent = Consent(purpose="campaigns", channel="telegram")
    after = before.changed(chat=chat, consents=(*before.consents, consent))
    with write_together() as transaction:
        store.write_change(transaction, before, after, None, datetime.now(UTC))


def test_who_fails_over_whatsapp_gets_it_over_telegram_and_who_answers_gets_the_full_text(
    stack: Laptop, sandbox: Caller
):
    api = Caller(stack.url)
    staff = Staff.signed_in(api, stack.env)
    staff.register_templates(sandbox)
    phones = Creators(api, sandbox)
    people = creators(4, load_ground(stack), first=860, telegram=0)
    ids = [phones.sign_up(person) for person in people]
    for person, influencer in zip(people, ids, strict=True):
        staff.approve(influencer, person.area)
    both, only = people[:3], people[3]
    for person, influencer in zip(both, ids, strict=False):
        with_telegram_too(stack, influencer, person.chat)
        sandbox("POST", "/inbound", {"platform": "telegram", "from": person.chat, "text": "नमस्ते"})

    admin = staff.tokens["admin"]
    api("PUT", "/v1/stops/channel:telegram", {"reason": "sample"}, token=admin)
    time.sleep(FRESH_S)  # senders that are warm have read the stops before
    sandbox("POST", "/behaviour", {"fail": 1})
    campaign = staff.launch(brief(MARKER, ["IN"]))
    wait_for(lambda: staff.report(campaign)["fallbacks"] == len(both), "every fallback")
    sandbox("POST", "/behaviour", {"fail": 0})
    api("DELETE", "/v1/stops/channel:telegram", token=admin)
    wait_for(lambda: staff.report(campaign)["status"] == "dispatched", "the end of the dispatch")

    def texts(address: str) -> list[str]:
        received = sandbox("GET", f"/messages?to={address.removeprefix('+')}")
        return [message["text"] for message in received if MARKER in message["text"]]

    assert [len(texts(person.chat)) for person in both] == [1, 1, 1]
    report = staff.report(campaign)
    parts = report["in_progress"] + report["accepted"] + report["failed"] + report["unknown"]
    assert (report["in_progress"], report["fallbacks"], report["late"]) == (0, len(both), 0)
    assert report["planned"] == parts + sum(report["not_sent"].values())
    listed = {}
    path = f"/v1/campaigns/{campaign}/deliveries?limit=500"
    for one in api("GET", path, token=admin)["items"]:
        listed.setdefault(one["influencer"], []).append(one)
    for influencer in ids[:3]:
        first, second = sorted(listed[influencer], key=lambda one: one["channel"], reverse=True)
        assert (first["channel"], first["status"], second["status"]) == ("whatsapp", "superseded", "accepted")
        assert (first["followed_by"], second["follows"]) == (second["key"], first["key"])
    assert [one["status"] for one in listed[ids[3]]] == ["failed"]

    again = staff.launch(brief(f"{MARKER} 2", ["IN"]))
    wait_for(lambda: staff.report(again)["status"] == "dispatched", "the end of the second dispatch")
    for _ in range(2):
        sandbox("POST", "/inbound", {"platform": "whatsapp", "from": only.phone, "text": "और बताइए"})
    wait_for(lambda: texts(only.phone), "the full text")
    sandbox("POST", "/inbound", {"platform": "whatsapp", "from": only.phone, "text": "धन्यवाद"})
    wait_for(lambda: not sandbox("GET", "/healthz")["pending"], "the last callback")
    assert [f"{MARKER} 2" in text for text in texts(only.phone)] == [True]
