"""The gate of every route that is not public: who calls, and may they."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.errors import Forbidden, Unauthenticated
from chalicelib.http import Principal as Caller
from chalicelib.identity.ended import EndedSessions
from chalicelib.identity.roles import Principal
from chalicelib.identity.sessions import Creator, CreatorSessions
from chalicelib.identity.tokens import Tokens, principal_of


@dataclass(frozen=True)
class Gate:
    """Denies by default: an unknown token is nobody, an action outside the matrix is nobody's."""

    tokens: Tokens
    sessions: CreatorSessions
    ended: EndedSessions

    def principal(self, bearer: str) -> Principal:
        """Who calls. Raises Unauthenticated for a token that is not a good id token of our pool, or whose
        session was ended."""
        claims = self.tokens.claims(bearer)
        who = principal_of(claims)
        if self.ended.is_over(who.id, float(claims["iat"])):
            raise Unauthenticated
        return who

    def require(self, principal: Caller, action: str) -> None:
        """Raises Forbidden unless a role of the caller allows `action`."""
        if not isinstance(principal, Principal) or not principal.may(action):
            raise Forbidden

    def creator(self, bearer: str) -> Creator:
        """Which creator calls. Raises Unauthenticated for a token that is not one of a session that lasts."""
        return self.sessions.creator(bearer)

    def heard(self, bearer: str) -> Creator:
        """The same, also one who is suspended: for what they need to appeal."""
        return self.sessions.heard(bearer)
