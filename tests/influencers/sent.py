"""What a creator has been sent, written as senders and callbacks write it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from chalicelib.campaigns.model import Campaign, Content, Run
from chalicelib.campaigns.store import CampaignStore, Snapshot
from chalicelib.dispatch.model import Bounds, Claim, Fact, Page, seconds, week_of
from chalicelib.dispatch.store import DispatchStore
from chalicelib.tables import write_together

ORGANISATION = "Namuna Karyalaya"
WORDS = {
    "title": "टीके का दिन",
    "department": "health",
    "compensation": "none",
    "messages": {"telegram": {"hi": {"text": "{name}, कल टीका है। {link}"}}},
    "links": ["https://x.test/teeka"],
    "audience": {"areas": ["D9001"]},
}
POSTS = {"hi": {"instagram": "कल टीका है। {link}", "x": "कल टीका। {disclosure}"}}


def put(campaign: Campaign, *runs: Run) -> None:
    """A campaign with its runs, over what there was."""
    store = CampaignStore()
    with write_together() as transaction:
        store.put_campaign(transaction, campaign)
        for run in runs:
            store.put_run(transaction, run, None, run.at)
            store.freeze(transaction, run, Snapshot(campaign.content, ORGANISATION, ()))


def campaign(name: str, at: datetime, *, status: str = "dispatched", **more: Any) -> Campaign:
    content = Content.model_validate(WORDS | {"expires_at": at + timedelta(days=3)} | more)
    made = {"id": name, "rev": 1, "status": status, "content": content, "authors": ["usr_editor"]}
    return Campaign.model_validate(made | {"created_at": at, "updated_at": at, "runs": 1})


def sent(
    person: str, name: str, at: datetime, fact: Fact = Fact.DELIVERED, *, number: int = 1, **more: Any
) -> str:
    """One run of a campaign to one person over Telegram, and what is known of it; the run's id."""
    one = campaign(name, at, **more)
    run = Run.model_validate(
        {"id": f"{name}-{number}", "campaign_id": name, "rev": 1, "status": "dispatched", "at": at}
        | {"expires_at": at + timedelta(days=3), "channels": ["telegram"], "kind": "awareness"}
        | {"department": "health", "started_at": at}
    )
    put(one.model_copy(update={"rev": number, "runs": number}), run)
    store = DispatchStore()
    [chunk] = store.write_chunks(
        Page(run.id, 0, 0, "D9001", {"telegram hi": (person,)}, {}, None), seconds(at)
    )
    until = at.timestamp() + 60
    claim = Claim(person, week_of(at), run.id, chunk.id, 0, 1, "token", until)
    assert store.claim(claim, Bounds(at.timestamp(), 0, 0)) is None
    if fact is Fact.NOT_SENT:
        store.release(claim)
    elif fact is not Fact.CLOSED:
        value = "131026" if fact is Fact.FAILED else seconds(at)
        store.record(run.id, chunk.id, {0: {fact: value}})
    return run.id
