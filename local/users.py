"""Sample staff of the laptop: one of each role, and two coordinators of different districts.

Nothing here is a secret: these people and their password exist in the embedded AWS on this machine only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PASSWORD = "Namuna-Staff-2026"
"""Of every sample user, and of nobody else."""


@dataclass(frozen=True)
class SampleUser:
    """A member of staff who does not exist."""

    email: str
    name: str
    roles: tuple[str, ...]
    areas: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()


USERS = (
    SampleUser("admin@sample.test", "Sample Admin", ("admin",)),
    SampleUser("editor@sample.test", "Sample Editor", ("editor",)),
    SampleUser("approver@sample.test", "Sample Approver", ("approver",)),
    SampleUser("officer@sample.test", "Sample Nodal Officer", ("nodal_officer",), departments=("health",)),
    SampleUser("auditor@sample.test", "Sample Auditor", ("auditor",)),
    SampleUser("coordinator-a@sample.test", "Sample Coordinator A", ("coordinator",), areas=("D9001",)),
    SampleUser("coordinator-b@sample.test", "Sample Coordinator B", ("coordinator",), areas=("D9002",)),
)


def cognito(env: Mapping[str, str]) -> Any:  # noqa: ANN401 - boto3 builds its clients at run time
    """A client of the deployment's Cognito; `env` is what `local.deploy` wrote."""
    import boto3

    return boto3.client(
        "cognito-idp",
        endpoint_url=env["AWS_ENDPOINT_URL"],
        region_name=env["AWS_DEFAULT_REGION"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )


def load_users(env: Mapping[str, str]) -> None:
    """Makes the sample users in the deployment's pool; as often as you like."""
    client = cognito(env)
    for user in USERS:
        who = {"UserPoolId": env["POOL_ID"], "Username": user.email}
        with contextlib.suppress(client.exceptions.UsernameExistsException):
            client.admin_create_user(
                **who,
                MessageAction="SUPPRESS",
                UserAttributes=[
                    {"Name": "email", "Value": user.email},
                    {"Name": "email_verified", "Value": "true"},
                    {"Name": "name", "Value": user.name},
                    {"Name": "custom:areas", "Value": " ".join(user.areas)},
                    {"Name": "custom:departments", "Value": " ".join(user.departments)},
                ],
            )
        client.admin_set_user_password(**who, Password=PASSWORD, Permanent=True)
        for role in user.roles:
            client.admin_add_user_to_group(**who, GroupName=role)
