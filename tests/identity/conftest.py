"""The staff's pool on the embedded AWS, as infra/template.yaml describes it, and our HTTP in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from chalice.test import Client, HTTPResponse

from local.config import platform_secret
from local.engine import Engine
from local.users import load_users
from tests.conftest import template, use_environment

POOL = ("UserPoolName", "UsernameAttributes", "UsernameConfiguration", "AdminCreateUserConfig", "Schema")


@dataclass(frozen=True)
class Office:
    """A pool with the sample staff, and the environment that leads to it."""

    env: dict[str, str]

    @property
    def cognito(self) -> Any:
        return boto3.client("cognito-idp")


@pytest.fixture
def office(tables: Engine) -> Office:
    resources = template()["Resources"]
    pool_properties, client_properties = (
        resources["Pool"]["Properties"],
        resources["PoolClient"]["Properties"],
    )
    cognito = boto3.client("cognito-idp")
    wanted = {
        name: pool_properties[name] for name in POOL if name in pool_properties and name != "UserPoolName"
    }
    pool = cognito.create_user_pool(
        PoolName="janjan-local", MfaConfiguration=pool_properties["MfaConfiguration"], **wanted
    )["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="janjan",
        **{name: value for name, value in client_properties.items() if name != "UserPoolId"},
    )["UserPoolClient"]["ClientId"]
    for resource in resources.values():
        if resource.get("Type") == "AWS::Cognito::UserPoolGroup":
            cognito.create_group(UserPoolId=pool, GroupName=resource["Properties"]["GroupName"])
    boto3.client("secretsmanager").create_secret(
        Name="janjan/local/platforms", SecretString=json.dumps(platform_secret())
    )
    env = {"POOL_ID": pool, "POOL_CLIENT_ID": client}
    use_environment(env)
    made = Office(dict(os.environ))
    load_users(made.env)
    return made


Call = Callable[..., HTTPResponse]


@pytest.fixture
def call() -> Call:
    """Our HTTP: `call("POST", "/v1/session", {…}, token=…)`."""
    from app import app

    with Client(app) as client:

        def call(
            method: str, path: str, body: object = None, *, token: str = "", **headers: str
        ) -> HTTPResponse:
            sent = {"Content-Type": "application/json"} | headers
            if token:
                sent["Authorization"] = f"Bearer {token}"
            raw = b"" if body is None else json.dumps(body).encode()
            return client.http.request(method, path, headers=sent, body=raw)

        yield call
