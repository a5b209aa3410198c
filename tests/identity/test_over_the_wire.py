"""Signing in at the running server, with the deployment's own pool and groups."""

from __future__ import annotations

import pytest
import urllib3

from local.laptop import Laptop
from local.token import token_for
from local.users import PASSWORD, USERS, load_users

HTTP = urllib3.PoolManager(retries=False, timeout=60.0)


@pytest.fixture
def staffed(stack: Laptop) -> Laptop:
    load_users(stack.env)
    return stack


def test_a_session_opened_with_a_password_opens_the_api_by_token_and_by_cookie(staffed: Laptop):
    body = {"username": "auditor@sample.test", "password": PASSWORD}
    answer = HTTP.request("POST", f"{staffed.url}/v1/session", json=body)
    assert answer.status == 200
    token, cookie = answer.json()["token"], answer.headers["Set-Cookie"].split(";")[0]
    for headers in ({"Authorization": f"Bearer {token}"}, {"Cookie": cookie}):
        assert HTTP.request("GET", f"{staffed.url}/v1/users", headers=headers).status == 200
    assert HTTP.request("GET", f"{staffed.url}/v1/users").status == 401


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.email)
def test_the_deployed_pool_has_a_group_for_every_role(staffed: Laptop, user):
    headers = {"Authorization": f"Bearer {token_for(staffed.env, user.email)}"}
    expected = 200 if user.roles[0] in ("admin", "auditor") else 403
    assert HTTP.request("GET", f"{staffed.url}/v1/users", headers=headers).status == expected


def test_a_foreign_site_cannot_use_the_cookie_to_change_anything(staffed: Laptop):
    cookie = f"janjan_session={token_for(staffed.env, 'admin@sample.test')}"
    headers = {"Cookie": cookie, "Origin": "https://elsewhere.example", "Content-Type": "application/json"}
    assert HTTP.request("POST", f"{staffed.url}/v1/users", headers=headers, body=b"{}").status == 403
    headers["Origin"] = staffed.url
    assert HTTP.request("POST", f"{staffed.url}/v1/users", headers=headers, body=b"{}").status == 422
