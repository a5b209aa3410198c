"""The staff's user pool (Amazon Cognito): signing in with a password and a code, making users, listing them.

Only the pool's admin calls sign in: they need this service's own rights, so nobody can get a token past the
second factor that the service asks for. A challenge's answer names the user by the pool's own name, not by
e-mail (AdminRespondToAuthChallenge, "ChallengeResponses"): it travels inside the session that we hand out.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib import aws
from chalicelib.errors import Conflict, InvalidInput, Rejected, Transient, Unauthenticated
from chalicelib.identity.roles import Role, known_roles

WRONG = frozenset(
    {
        "NotAuthorizedException",
        "UserNotFoundException",
        "UserNotConfirmedException",
        "PasswordResetRequiredException",
        "CodeMismatchException",
        "EnableSoftwareTokenMFAException",
        "ExpiredCodeException",
        "InvalidParameterException",
    }
)
"""Answers of the pool that all become one: whoever tries learns nothing of the reason."""
BUSY = frozenset({"TooManyRequestsException", "LimitExceededException", "InternalErrorException"})
NEW_PASSWORD = "NEW_PASSWORD_REQUIRED"
CODE = "SOFTWARE_TOKEN_MFA"
PAGE = 60
LONGEST_ID = 128


class WrongCredentials(Unauthenticated):
    code = "wrong_credentials"
    message = "This e-mail address, password or code is not right."


class WeakPassword(Rejected):
    status = 422
    code = "weak_password"
    message = "Choose a password of at least 12 characters with small and capital letters and digits."


class UserExists(Conflict):
    code = "user_exists"
    message = "There is a user with this e-mail address already."


@dataclass(frozen=True)
class Signed:
    """The pool's tokens for somebody who has passed everything that it asked."""

    id_token: str
    access_token: str


@dataclass(frozen=True)
class Challenge:
    """What the pool asks next: `NEW_PASSWORD_REQUIRED` or `SOFTWARE_TOKEN_MFA`."""

    name: str
    session: str


@dataclass(frozen=True)
class User:
    """A member of staff, as the pool has them."""

    id: str
    email: str
    name: str
    status: str
    roles: frozenset[Role]
    areas: tuple[str, ...]
    departments: tuple[str, ...]
    created_at: datetime
    username: str = ""
    """The pool's own name for them."""

    @property
    def version(self) -> str:
        """Tells whether somebody else has changed them since."""
        parts = (self.name, sorted(self.roles), sorted(self.areas), sorted(self.departments))
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    @property
    def enabled(self) -> bool:
        return self.status != "DISABLED"


@dataclass(frozen=True)
class StaffPool:
    """One user pool and our client in it."""

    id: str
    client_id: str

    def sign_in(self, email: str, password: str) -> Signed | Challenge:
        """Tries a password. Raises WrongCredentials, for an unknown user just as for a wrong password."""
        with _signing_in():
            answer = _cognito().admin_initiate_auth(
                UserPoolId=self.id,
                ClientId=self.client_id,
                AuthFlow="ADMIN_USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": email, "PASSWORD": password},
            )
        return _outcome(answer, "")

    def give_code(self, session: str, code: str) -> Signed | Challenge:
        """Answers a `SOFTWARE_TOKEN_MFA` challenge. Raises WrongCredentials."""
        return self._respond(session, CODE, {"SOFTWARE_TOKEN_MFA_CODE": code})

    def set_password(self, session: str, password: str) -> Signed | Challenge:
        """Answers a `NEW_PASSWORD_REQUIRED` challenge. Raises WeakPassword or WrongCredentials."""
        return self._respond(session, NEW_PASSWORD, {"NEW_PASSWORD": password})

    def _respond(self, session: str, challenge: str, responses: Mapping[str, str]) -> Signed | Challenge:
        user, theirs = _unpack(session)
        with _signing_in():
            answer = _cognito().admin_respond_to_auth_challenge(
                UserPoolId=self.id,
                ClientId=self.client_id,
                ChallengeName=challenge,
                Session=theirs,
                ChallengeResponses={"USERNAME": user, **responses},
            )
        return _outcome(answer, user)

    def new_authenticator(self, access_token: str) -> str:
        """The secret (base32) that an authenticator app is to be given by this user."""
        with _signing_in():
            return str(_cognito().associate_software_token(AccessToken=access_token)["SecretCode"])

    def confirm_authenticator(self, user: str, access_token: str, code: str) -> None:
        """From now on the user signs in with a code as well. Raises WrongCredentials when `code` does not
        come from the secret that was given out last."""
        with _signing_in():
            answer = _cognito().verify_software_token(AccessToken=access_token, UserCode=code)
            if answer["Status"] != "SUCCESS":
                raise WrongCredentials
            _cognito().admin_set_user_mfa_preference(
                UserPoolId=self.id,
                Username=user,
                SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True},
            )

    def create(self, email: str, name: str, areas: Sequence[str], departments: Sequence[str]) -> str:
        """Makes a user, to whom the pool mails a first password, and gives their id. Raises UserExists, or
        InvalidInput for what the pool does not take for an email address."""
        with _translated(), _an_address():
            made = _cognito().admin_create_user(
                UserPoolId=self.id,
                Username=email,
                DesiredDeliveryMediums=["EMAIL"],
                UserAttributes=[
                    {"Name": "email", "Value": email},
                    {"Name": "email_verified", "Value": "true"},
                    {"Name": "name", "Value": name},
                    {"Name": "custom:areas", "Value": " ".join(areas)},
                    {"Name": "custom:departments", "Value": " ".join(departments)},
                ],
            )["User"]
        return _attributes(made)["sub"]

    def give_role(self, email: str, role: Role) -> None:
        """Puts a user into the group of a role."""
        with _translated():
            _cognito().admin_add_user_to_group(UserPoolId=self.id, Username=email, GroupName=role)

    def take_role(self, username: str, role: Role) -> None:
        """Takes a user out of the group of a role."""
        with _translated():
            _cognito().admin_remove_user_from_group(UserPoolId=self.id, Username=username, GroupName=role)

    def describe(self, username: str, name: str, areas: Sequence[str], departments: Sequence[str]) -> None:
        """Sets what the pool keeps of a user beside the groups."""
        with _translated():
            _cognito().admin_update_user_attributes(
                UserPoolId=self.id,
                Username=username,
                UserAttributes=[
                    {"Name": "name", "Value": name},
                    {"Name": "custom:areas", "Value": " ".join(areas)},
                    {"Name": "custom:departments", "Value": " ".join(departments)},
                ],
            )

    def enable(self, username: str, may: bool) -> None:
        """Lets a user sign in, or not any more."""
        with _translated():
            if may:
                _cognito().admin_enable_user(UserPoolId=self.id, Username=username)
            else:
                _cognito().admin_disable_user(UserPoolId=self.id, Username=username)

    def sign_out(self, username: str) -> None:
        """Nobody gets a new token for an old sign-in of this user."""
        with _translated():
            _cognito().admin_user_global_sign_out(UserPoolId=self.id, Username=username)

    def remove(self, email: str) -> None:
        """Deletes a user that could not be made in full."""
        with _translated():
            _cognito().admin_delete_user(UserPoolId=self.id, Username=email)

    def page(self, limit: int, token: str | None) -> tuple[list[User], str | None]:
        """Up to `limit` (60 at most) users and where to go on; 1 call, and 1 more for each user's groups."""
        with _translated():
            more = {"PaginationToken": token} if token else {}
            answer = _cognito().list_users(UserPoolId=self.id, Limit=min(limit, PAGE), **more)
            users = [self._user(found) for found in answer["Users"]]
        return users, answer.get("PaginationToken")

    def find(self, user: str) -> User | None:
        """A member of staff by id; 2 calls. None where there is none."""
        if len(user) > LONGEST_ID or '"' in user or "\\" in user:  # these end the text (ListUsers, "Filter")
            return None
        with _translated():
            answer = _cognito().list_users(UserPoolId=self.id, Filter=f'sub = "{user}"', Limit=1)
            return next((self._user(found) for found in answer["Users"]), None)

    def with_role(self, role: Role) -> list[dict[str, str]]:
        """Attributes of everybody who has a role and may sign in; 1 call for 60 people."""
        with _translated():
            pages = (
                _cognito()
                .get_paginator("list_users_in_group")
                .paginate(UserPoolId=self.id, GroupName=role, PaginationConfig={"PageSize": PAGE})
            )
            return [_attributes(one) for page in pages for one in page["Users"] if one["Enabled"]]

    def names(self) -> dict[str, str]:
        """Everybody's name by their id; 1 call for 60 people."""
        with _translated():
            pages = _cognito().get_paginator("list_users").paginate(UserPoolId=self.id)
            staff = [_attributes(found) for page in pages for found in page["Users"]]
        return {one["sub"]: one["name"] for one in staff if one.get("name")}

    def _user(self, found: Mapping[str, Any]) -> User:
        groups = _cognito().admin_list_groups_for_user(UserPoolId=self.id, Username=found["Username"])
        attributes = _attributes(found)
        return User(
            id=attributes["sub"],
            email=attributes.get("email", ""),
            name=attributes.get("name", ""),
            status=found["UserStatus"] if found["Enabled"] else "DISABLED",
            roles=known_roles([group["GroupName"] for group in groups["Groups"]]),
            areas=tuple(attributes.get("custom:areas", "").split()),
            departments=tuple(attributes.get("custom:departments", "").split()),
            created_at=found["UserCreateDate"],
            username=found["Username"],
        )


def _cognito() -> Any:  # noqa: ANN401 - boto3 builds its clients at run time
    return aws.client("cognito-idp")


def _attributes(user: Mapping[str, Any]) -> dict[str, str]:
    return {one["Name"]: one["Value"] for one in user["Attributes"]}


@contextmanager
def _translated() -> Iterator[None]:
    """The pool's errors as ours."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code == "InvalidPasswordException":
            raise WeakPassword from error
        if code == "UsernameExistsException":
            raise UserExists from error
        if code in BUSY:
            raise Transient from error
        raise
    except BotoCoreError as error:
        raise Transient from error


@contextmanager
def _an_address() -> Iterator[None]:
    """The pool knows better than any pattern what it takes for an email address."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "InvalidParameterException":
            raise
        raise InvalidInput.of("email", "email_invalid", "This is not an email address.") from error


@contextmanager
def _signing_in() -> Iterator[None]:
    """As `_translated`, and every reason to refuse somebody is the same."""
    from botocore.exceptions import ClientError, ParamValidationError

    with _translated():
        try:
            yield
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in WRONG:
                raise
            raise WrongCredentials from error
        except ParamValidationError as error:  # such as a session that is shorter than the pool's ever are
            raise WrongCredentials from error


def _outcome(answer: Mapping[str, Any], user: str) -> Signed | Challenge:
    if tokens := answer.get("AuthenticationResult"):
        return Signed(tokens["IdToken"], tokens["AccessToken"])
    name = answer["ChallengeName"]
    if name not in (NEW_PASSWORD, CODE):
        raise Rejected("The sign-in asks for %(name)s, which is not supported.", name=name)
    user = answer.get("ChallengeParameters", {}).get("USER_ID_FOR_SRP") or user
    return Challenge(name, _pack(user, answer["Session"]))


def _pack(user: str, session: str) -> str:
    return f"{base64.urlsafe_b64encode(user.encode()).decode()}.{session}"


def _unpack(session: str) -> tuple[str, str]:
    user, _, theirs = session.partition(".")
    try:
        return base64.urlsafe_b64decode(user).decode(), theirs
    except ValueError:  # neither base64 nor UTF-8, or not even ASCII
        raise WrongCredentials from None
