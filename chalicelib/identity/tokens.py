"""Id tokens of the staff's Cognito pool: checked against the pool's keys, read into a Principal.

Source: Amazon Cognito developer guide, "Verifying JSON web tokens" (signature by `kid`, `iss`, `aud`,
`token_use`, `exp`). Heavy libraries are imported where they are used: most invocations check no token.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.clock import Clock
from chalicelib.errors import Transient, Unauthenticated
from chalicelib.identity.roles import Principal, known_roles

if TYPE_CHECKING:
    from jwt import PyJWK

ALGORITHM = "RS256"
LEEWAY_S = 30
REFRESH_AT_MOST_EVERY_S = 30
TIMEOUT_S = 3.0
LONGEST_TOKEN = 8192


@dataclass(frozen=True)
class Pool:
    """The staff's user pool. `endpoint` stands in for AWS on the laptop, where tokens still name AWS as their
    issuer."""

    id: str
    client_id: str
    endpoint: str = ""

    @property
    def issuer(self) -> str:
        return f"https://cognito-idp.{self.id.partition('_')[0]}.amazonaws.com/{self.id}"

    @property
    def keys_url(self) -> str:
        base = f"{self.endpoint.rstrip('/')}/{self.id}" if self.endpoint else self.issuer
        return f"{base}/.well-known/jwks.json"


def fetch(url: str) -> dict[str, Any]:
    """The JSON at `url`. Raises Transient when it cannot be had in time."""
    import urllib3

    try:
        answer = urllib3.request("GET", url, timeout=TIMEOUT_S, retries=1, redirect=False)
        if answer.status != 200:  # noqa: PLR2004
            raise Transient
        found: dict[str, Any] = answer.json()
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise Transient from error
    return found


class Keys:
    """The pool's public keys by `kid`, kept; an unknown `kid` reads them anew, at most once in 30 s."""

    def __init__(
        self,
        url: str,
        fetch: Callable[[str], dict[str, Any]] = fetch,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._fetch = fetch
        self._ticks = ticks
        self._lock = threading.Lock()
        self._keys: dict[str, PyJWK] = {}
        self._read_at = float("-inf")

    def get(self, kid: str) -> PyJWK | None:
        """The key named `kid`; None when the pool has none. Raises Transient when the keys cannot be read."""
        if kid not in self._keys:
            with self._lock:
                if kid not in self._keys and self._ticks() - self._read_at >= REFRESH_AT_MOST_EVERY_S:
                    self._read()
        return self._keys.get(kid)

    def _read(self) -> None:
        from jwt import PyJWKSet, PyJWTError

        try:
            found = PyJWKSet.from_dict(self._fetch(self._url))
            self._keys = {key.key_id: key for key in found if key.key_id}
        except PyJWTError as error:
            raise Transient from error
        finally:
            if self._keys:  # without any key nobody can work: then every call tries
                self._read_at = self._ticks()


class Tokens:
    """Reads id tokens. `clock` tells the true time, also on the laptop: Cognito knows no moved clock."""

    def __init__(self, pool: Pool, keys: Keys, clock: Clock) -> None:
        self._pool = pool
        self._keys = keys
        self._clock = clock

    def claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a good id token of our pool. Raises Unauthenticated for anything else."""
        import jwt

        if len(token) > LONGEST_TOKEN:
            raise Unauthenticated
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(str(header.get("kid"))) if header.get("alg") == ALGORITHM else None
            if key is None or key.algorithm_name != ALGORITHM:
                raise Unauthenticated
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._pool.client_id,
                issuer=self._pool.issuer,
                # the times are checked below, by the clock that was given
                options={
                    "require": ["exp", "iat", "iss", "aud", "sub", "token_use"],
                    "strict_aud": True,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated from error
        if claims["token_use"] != "id" or not self._is_current(claims):
            raise Unauthenticated
        return claims

    def principal(self, token: str) -> Principal:
        """Who a good id token speaks for. Raises Unauthenticated."""
        return principal_of(self.claims(token))

    def _is_current(self, claims: Mapping[str, Any]) -> bool:
        now, issued, expires = self._clock.epoch(), claims["iat"], claims["exp"]
        if not isinstance(issued, (int, float)) or not isinstance(expires, (int, float)):
            return False
        return issued - LEEWAY_S <= now < expires + LEEWAY_S


def principal_of(claims: Mapping[str, Any]) -> Principal:
    """The person in the claims: groups are roles, areas and departments are ids separated by spaces."""
    return Principal(
        id=str(claims["sub"]),
        name=str(claims.get("name", "")),
        email=str(claims.get("email", "")),
        roles=known_roles(claims.get("cognito:groups", ())),
        areas=frozenset(str(claims.get("custom:areas", "")).split()),
        departments=frozenset(str(claims.get("custom:departments", "")).split()),
        issued_at=float(claims.get("iat", 0)),
    )
