"""Signing in over HTTP against the real pool: passwords, first passwords, authenticators, limits, cookies."""

from __future__ import annotations

import base64
import hmac
import struct
import time
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib import aws, http, wiring
from chalicelib.clock import Clock, FixedClock
from chalicelib.errors import Rejected, Transient
from chalicelib.identity import service
from chalicelib.identity.staff import StaffPool, WeakPassword, WrongCredentials
from local.token import token_for
from local.users import PASSWORD, USERS, load_users
from tests.conftest import template


def totp(secret: str) -> str:
    """RFC 6238, as an authenticator app does it."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), "sha1")
    offset = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def sign_in(call, user="editor@sample.test", password=PASSWORD):
    return call("POST", "/v1/session", {"username": user, "password": password})


@pytest.fixture
def second_factor(office, monkeypatch):
    """As in every stage but the laptop's."""
    strict = replace(wiring.sign_in(), second_factor=True)
    monkeypatch.setattr(wiring, "sign_in", lambda: strict)


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.email)
def test_every_sample_user_signs_in_with_the_roles_and_areas_they_were_given(office, call, user):
    answer = sign_in(call, user.email).json_body
    assert answer["roles"] == list(user.roles)
    assert (answer["areas"], answer["departments"]) == (list(user.areas), list(user.departments))
    who = wiring.gate().principal(answer["token"])
    assert (who.id, who.email, who.name) == (answer["id"], user.email, user.name)


def test_loading_the_sample_users_again_changes_nothing(office, call):
    before = sign_in(call).json_body["id"]
    load_users(office.env)
    assert sign_in(call).json_body["id"] == before


def test_the_token_of_make_token_opens_the_api(office, call):
    answer = call("GET", "/v1/users", token=token_for(office.env, "auditor@sample.test"))
    assert answer.status_code == 200


def test_the_session_travels_as_a_cookie_that_scripts_and_other_sites_cannot_use(office, call, monkeypatch):
    cookie = sign_in(call).headers["Set-Cookie"]
    token, *flags = cookie.split("; ")
    assert flags[0] == "Path=/"
    assert 3500 < int(flags[1].removeprefix("Max-Age=")) <= 3600
    assert flags[2:] == ["HttpOnly", "SameSite=Strict"]  # no TLS on a laptop
    assert call("GET", "/v1/users", Cookie=token).status_code == 403  # known, but an editor
    monkeypatch.setattr(http._doors[0], "public_url", lambda: "https://janjan.example.org")
    assert sign_in(call).headers["Set-Cookie"].endswith("; HttpOnly; SameSite=Strict; Secure")


def test_signing_out_removes_the_cookie(office, call):
    answer = call("DELETE", "/v1/session")
    assert answer.status_code == 204
    assert answer.headers["Set-Cookie"].startswith("janjan_session=; Path=/; Max-Age=0;")


def test_a_wrong_password_an_unknown_user_and_a_disabled_one_get_the_same_answer(office, call):
    office.cognito.admin_disable_user(UserPoolId=office.env["POOL_ID"], Username="officer@sample.test")
    answers = [
        sign_in(call, "editor@sample.test", "wrong"),
        sign_in(call, "nobody@sample.test", PASSWORD),
        sign_in(call, "officer@sample.test", PASSWORD),
        sign_in(call, "\u200b", "x"),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.body for answer in answers}) == 1
    assert all("Set-Cookie" not in answer.headers for answer in answers)


def test_tries_are_limited_by_user_however_the_name_is_written(office, call, monkeypatch):
    monkeypatch.setattr(service, "TRIES_A_USER", 3)
    statuses = [
        sign_in(call, name, "wrong").status_code for name in ("a@b.in", "A@b.in", " a@B.in", "a@b.in")
    ]
    assert statuses == [401, 401, 401, 429]
    assert sign_in(call).status_code == 200


def test_tries_are_limited_by_address_whoever_is_named(office, call, monkeypatch):
    monkeypatch.setattr(service, "TRIES_AN_ADDRESS", 3)
    answers = [sign_in(call, f"user{number}@b.in", "wrong") for number in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert int(answers[-1].headers["Retry-After"]) <= service.WINDOW_S


def test_a_body_with_an_unknown_field_is_refused_by_name(office, call):
    answer = call("POST", "/v1/session", {"username": "a", "password": "b", "role": "admin"})
    assert answer.status_code == 422
    assert answer.json_body["errors"][0]["field"] == "role"


def test_the_first_password_must_be_replaced(office, call):
    office.cognito.admin_create_user(
        UserPoolId=office.env["POOL_ID"],
        Username="new@sample.test",
        TemporaryPassword="First-Password-1",
        MessageAction="SUPPRESS",
    )
    asked = sign_in(call, "new@sample.test", "First-Password-1")
    assert asked.json_body["challenge"] == "NEW_PASSWORD_REQUIRED"
    assert "Set-Cookie" not in asked.headers
    body = {"session": asked.json_body["session"], "new_password": "My-Own-Password-1"}
    done = call("POST", "/v1/session/mfa", body)
    assert done.json_body["roles"] == []
    assert sign_in(call, "new@sample.test", "My-Own-Password-1").json_body["token"]


def test_an_approver_sets_up_an_authenticator_and_needs_it_from_then_on(second_factor, call):
    asked = sign_in(call, "approver@sample.test").json_body
    assert asked["challenge"] == "MFA_SETUP"
    assert "token" not in asked
    assert asked["uri"].startswith("otpauth://totp/JanJan%3Aapprover%40sample.test?secret=" + asked["secret"])
    wrong = call("POST", "/v1/session/mfa", {"session": asked["session"], "code": "000000"})
    assert wrong.status_code == 401
    done = call("POST", "/v1/session/mfa", {"session": asked["session"], "code": totp(asked["secret"])})
    assert done.json_body["roles"] == ["approver"]
    assert done.headers["Set-Cookie"].startswith("janjan_session=")
    again = call("POST", "/v1/session/mfa", {"session": asked["session"], "code": totp(asked["secret"])})
    assert again.status_code == 401

    challenged = sign_in(call, "approver@sample.test").json_body
    assert challenged.keys() == {"challenge", "session"}
    assert challenged["challenge"] == "SOFTWARE_TOKEN_MFA"
    body = {"session": challenged["session"], "code": "000000"}
    assert call("POST", "/v1/session/mfa", body).status_code == 401
    done = call("POST", "/v1/session/mfa", body | {"code": totp(asked["secret"])})
    assert done.json_body["token"]


def test_an_editor_needs_no_authenticator(second_factor, call):
    assert sign_in(call).json_body["token"]


def test_setting_up_an_authenticator_ends_after_ten_minutes(second_factor, call, monkeypatch):
    asked = sign_in(call, "admin@sample.test").json_body
    later = replace(wiring.sign_in().enrolments, clock=FixedClock(at=Clock().now().replace(year=2099)))
    strict = replace(wiring.sign_in(), enrolments=later)
    monkeypatch.setattr(wiring, "sign_in", lambda: strict)
    body = {"session": asked["session"], "code": totp(asked["secret"])}
    assert call("POST", "/v1/session/mfa", body).status_code == 401


@pytest.mark.parametrize("session", ["enrolment-unknown", "nonsense", "####.x", "/w==.x", ".", "é.x", "\0.x"])
def test_a_session_that_we_did_not_hand_out_is_refused(office, call, session):
    assert call("POST", "/v1/session/mfa", {"session": session, "code": "123456"}).status_code == 401


def test_codes_are_limited_too(office, call, monkeypatch):
    monkeypatch.setattr(service, "TRIES_A_USER", 2)
    body = {"session": "enrolment-unknown", "code": "123456"}
    statuses = [call("POST", "/v1/session/mfa", body).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]


def test_the_pools_client_takes_no_password_past_our_service_and_its_tokens_carry_areas():
    # On the template: the embedded AWS takes every flow and puts every attribute into tokens.
    client = template()["Resources"]["PoolClient"]["Properties"]
    assert client["ExplicitAuthFlows"] == ["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    assert {"email", "name", "custom:areas", "custom:departments"} <= set(client["ReadAttributes"])
    assert not {"custom:areas", "custom:departments"} & set(client["WriteAttributes"])


class Refusing:
    """A pool that answers every call with one error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name):
        def refuse(**_):
            raise self.error

        return refuse


def answering(code: str) -> Exception:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "AdminInitiateAuth")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (answering("TooManyRequestsException"), Transient),
        (answering("InternalErrorException"), Transient),
        (ReadTimeoutError(endpoint_url="https://cognito"), Transient),
        (answering("InvalidPasswordException"), WeakPassword),
        (answering("AccessDeniedException"), ClientError),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_what_the_pool_says_is_told_apart(monkeypatch, error, expected):
    monkeypatch.setattr(aws, "client", lambda service: Refusing(error))
    with pytest.raises(expected):
        StaffPool("pool", "client").set_password("dXNlcg==.session", "x")


class Answering:
    """A pool that gives every call one answer."""

    def __init__(self, **answer: object) -> None:
        self.answer = answer

    def __getattr__(self, name):
        return lambda **_: self.answer


def test_a_challenge_that_we_do_not_know_is_named_and_not_answered(monkeypatch):
    monkeypatch.setattr(aws, "client", lambda service: Answering(ChallengeName="SMS_MFA", Session="s"))
    with pytest.raises(Rejected, match="SMS_MFA"):
        StaffPool("pool", "client").sign_in("a@b.in", "x")


def test_an_authenticator_that_the_pool_did_not_accept_is_not_confirmed(monkeypatch):
    monkeypatch.setattr(aws, "client", lambda service: Answering(Status="ERROR"))
    with pytest.raises(WrongCredentials):
        StaffPool("pool", "client").confirm_authenticator("user", "token", "123456")
