"""One's own data over HTTP, with everything that really keeps something of a person."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib import aws, wiring
from chalicelib.metrics.consumers import forget_posts
from tests.influencers.test_routes import CONTEXT, Api, api, joined
from tests.influencers.test_sign_in import signed_in
from tests.influencers.world import signup

__all__ = ["api"]
TRACES = ("सुनीता", "8123456789", "sunita.devi", "गंदा पानी", "यह अकाउंट मेरा है", "CxYz12abC")


@pytest.fixture
def creator(api: Api) -> str:
    person = joined(api)
    assert api("POST", f"/v1/influencers/{person}/review", {"decision": "approve"}, who="admin")[0] == 200
    return person


def full(api: Api, person: str, token: str) -> None:
    """Something of the person in every feature that may keep something."""
    link = "https://chat.whatsapp.com/ABCDEFGHIJKLMNOPQRSTUV"
    group = {
        "link": link,
        "area": "D9001",
        "name": "नमूना",
        "admins": [{"influencer": person, "name": "सुनीता"}],
    }
    assert api("POST", "/v1/groups", group, who="admin")[0] == 201
    profile = wiring.profiles().profile(person)
    assert profile is not None
    appeal = {"subject": "handle", "about": profile.accounts[0].id, "text": "यह अकाउंट मेरा है।"}
    assert api("POST", "/v1/me/appeals", appeal, who=token)[0] == 201
    body = {"influencer_id": person, "area": "D9001"}
    assert api("POST", "/v1/ambassadors", body, who="admin")[0] == 201
    post = {"url": "https://www.instagram.com/sunita.devi/p/CxYz12abC/"}
    assert api("POST", "/v1/me/posts", post, who=token)[0] in (200, 201)


def told() -> str:
    dynamodb = aws.client("dynamodb")
    tables = [name for name in dynamodb.list_tables()["TableNames"] if not name.endswith("-ops")]
    return json.dumps([dynamodb.scan(TableName=name)["Items"] for name in tables], ensure_ascii=False)


def erased(person: str) -> None:
    data = {"influencer_id": person}
    detail = {"id": "e", "version": 1, "occurred_at": "2026-03-01T00:00:00Z", "data": data}
    context: dict[str, Any] = dict.fromkeys(["version", "account", "region", "time", "id"], "x")
    context |= {"resources": [], "source": "janjan.influencers"}
    forget_posts(context | {"detail-type": "influencer.erased", "detail": detail}, CONTEXT)


def the_hour() -> None:
    context: dict[str, Any] = dict.fromkeys(["version", "account", "region", "time", "id"], "x")
    context |= {"resources": [], "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
    forget_posts(context, CONTEXT)


def test_after_the_erasure_no_table_leads_to_the_person(api: Api, creator: str) -> None:
    token = signed_in(api)
    full(api, creator, token)
    assert all(trace in told() for trace in ("सुनीता", "8123456789", "sunita.devi"))
    assert api("DELETE", "/v1/me", {"word": "no"}, who=token)[0] == 422
    assert api("DELETE", "/v1/me", {"word": "ERASE"}, who=token)[0] == 204
    assert api("GET", "/v1/me", who=token)[0] == 401
    assert api("DELETE", "/v1/me", {"word": "ERASE"}, who=token)[0] == 401
    assert api("GET", f"/v1/influencers/{creator}", who="admin")[0] == 404
    for _ in range(2):
        erased(creator)
    the_hour()
    left = told()
    assert not [trace for trace in TRACES if trace in left]
    [appointment] = api("GET", "/v1/ambassadors?area=D9001", who="admin")[1]["items"]
    assert (appointment["state"], appointment["name"]) == ("ended", "")


def test_an_admin_erases_who_has_no_access_and_nobody_else_may(api: Api, creator: str) -> None:
    path = f"/v1/influencers/{creator}/erasure"
    assert api("POST", path, {"asked": "in_writing"}, who="one")[0] == 403
    assert api("POST", path, {"asked": "she is ill"}, who="admin")[0] == 422
    assert api("POST", path, {"asked": "in_writing"}, who="admin") == (
        200,
        {"id": creator, "status": "erased"},
    )
    assert api("POST", path, {"asked": "in_writing"}, who="admin")[0] == 404
    status, answer = api("POST", "/v1/signups", signup())
    assert (status, answer["status"]) == (201, "unverified")
