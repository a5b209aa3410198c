"""`make token USER=admin@sample.test`: prints a bearer token for that sample user, and nothing else."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from local.users import PASSWORD, USERS, cognito

ENVIRONMENT = Path(".local/env.json")


def token_for(env: Mapping[str, str], email: str) -> str:
    """An id token, good for an hour, of a sample user of the deployment that `env` describes."""
    answer = cognito(env).admin_initiate_auth(
        UserPoolId=env["POOL_ID"],
        ClientId=env["POOL_CLIENT_ID"],
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": PASSWORD},
    )
    return str(answer["AuthenticationResult"]["IdToken"])


def main() -> int:
    """Prints a token of the user named by the first argument or USER; 1 and one clear line if it cannot."""
    from botocore.exceptions import BotoCoreError, ClientError

    email = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("USER", "")
    if email not in {user.email for user in USERS}:
        known = ", ".join(user.email for user in USERS)
        print(f"Name a sample user: make token USER=… with one of {known}", file=sys.stderr)
        return 1
    try:
        print(token_for(json.loads(ENVIRONMENT.read_text()), email))
    except (OSError, BotoCoreError, ClientError) as error:
        print(f"No token: is `make run` up? ({error})", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
