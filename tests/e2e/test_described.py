"""The deployed API does as its own description says, whatever it is asked (schemathesis).

`FUZZ=100` asks each route a hundred times.
."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from app import app
from chalicelib import folding
from chalicelib.http import CREATOR, ROUTES
from chalicelib.identity.roles import MATRIX
from chalicelib.system import describe
from local.acting import Caller, Creators, Staff
from local.laptop import laptop
from local.programme import brief, load_ground
from local.sample import creators
from local.users import USERS
from tests.conftest import LOOPBACK

pytestmark = [pytest.mark.slow, pytest.mark.allow_hosts(LOOPBACK)]
EXAMPLES = int(os.environ.get("FUZZ") or 6)
BUDGET_S = 60 * max(1, EXAMPLES / 6)
"""For all routes together; what it does not come to is asked the next time, as hypothesis draws anew."""
KEPT = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
OPERATIONS = {
    one.ok().label: one.ok() for one in schemathesis.openapi.from_dict(describe()).get_all_operations()
}
ALLOWED = {f"{route.method} {route.path}": route.allow for route in ROUTES}
KINDS = {f"{route.method} {route.path}": route.kind for route in ROUTES}


@dataclass
class Asked:
    """A deployed system, who may ask it, and what there is in it."""

    url: str
    tokens: dict[str, str]
    known: dict[str, list[str]]
    """Ids that exist, by the name of the path's parameter."""
    ends: float
    http: requests.Session = field(default_factory=requests.Session)

    def token_for(self, action: str) -> str:
        """Of somebody who may do it; empty where everybody may."""
        if action == CREATOR:
            return self.tokens[CREATOR]
        names = (user.email.partition("@")[0] for user in USERS if user.roles[0] in MATRIX.get(action, ()))
        return next((self.tokens[name] for name in names), "")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """A system of its own, since whatever is asked is done: with one creator, one campaign."""
    with laptop(tmp_path_factory.mktemp("described")) as running:
        api, before = Caller(running.url), dict(os.environ)
        staff, people = Staff.signed_in(api, running.env), Creators(api, Caller(running.sandbox_url))
        areas = load_ground(running)
        os.environ.clear()
        os.environ.update(before)
        [person] = creators(1, areas, first=700, telegram=0)
        influencer = people.sign_up(person)
        staff.approve(influencer, person.area)
        token = people.sign_in(person)
        handle = api("GET", "/v1/me", token=token)["handles"][0]["id"]
        campaign = staff.draft(brief("#described", ["IN"]))
        yield Asked(
            running.url,
            dict(staff.tokens) | {CREATOR: token},
            {
                "influencer_id": [influencer],
                "signup_id": [influencer],
                "handle_id": [handle],
                "campaign_id": [campaign],
                "channel_id": ["whatsapp-main", "sms-main"],
                "platform": ["whatsapp", "youtube", "x"],
                "scope": ["global", "channel:whatsapp-main", f"campaign:{campaign}"],
                "number": ["1"],
            },
            time.monotonic() + BUDGET_S,
        )


def test_every_route_is_described():
    assert set(OPERATIONS) == {f"{route.method} {route.path}" for route in ROUTES}
    declared = {route.path for route in ROUTES if not folding.is_folded(route.path)}
    assert declared | set(folding.resources()) == set(app.routes)


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_a_route_answers_as_it_is_described_whatever_it_is_asked(label, asked):
    operation = OPERATIONS[label]
    right, wrong = (
        operation.as_strategy(mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    )

    @settings(
        max_examples=EXAMPLES,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=right | wrong, known=st.booleans(), pick=st.integers(0, 5))
    def ask(case: Case, known: bool, pick: int) -> None:
        if time.monotonic() > asked.ends:
            return
        for name in case.path_parameters or {} if known else ():
            if name in asked.known:
                ids = asked.known[name]
                case.path_parameters[name] = ids[pick % len(ids)]
        token = asked.token_for(ALLOWED[label])
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = case.call(
            base_url=asked.url, session=asked.http, headers=headers, timeout=60, allow_redirects=False
        )
        case.validate_response(answer, checks=KEPT if KINDS[label] == "json" else KEPT[:2])

    ask()
