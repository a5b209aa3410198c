"""Sign-ins that wait for an authenticator app to be set up.

Table `ops`: `enrolment#<hash of the session>`, `-`: the pool's tokens, withheld until the first code, 10 min.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from pynamodb.exceptions import DoesNotExist

from chalicelib.clock import Clock
from chalicelib.identity.staff import Signed, WrongCredentials
from chalicelib.ids import new_token
from chalicelib.ops import OpsItem

KEPT_S = 600
PREFIX = "enrolment-"
"""Begins every session of this kind, and none of the pool's."""


@dataclass(frozen=True)
class Enrolments:
    """Keeps tokens back."""

    clock: Clock

    def keep(self, signed: Signed) -> str:
        """Puts the tokens away and gives the session that stands for them."""
        session = PREFIX + new_token()
        kept = json.dumps([signed.id_token, signed.access_token])
        OpsItem(self._pk(session), "-", answer=kept, expires=int(self.clock.epoch() + KEPT_S)).save()
        return session

    def owns(self, session: str) -> bool:
        """Whether a session is one of these, by its look; the pool's are told apart by it."""
        return session.startswith(PREFIX)

    def look(self, session: str) -> Signed:
        """The tokens behind a session. Raises WrongCredentials when there is none, or it has ended."""
        try:
            item = OpsItem.get(self._pk(session), "-", consistent_read=True)
        except DoesNotExist:
            raise WrongCredentials from None
        if item.expires < self.clock.epoch():
            raise WrongCredentials
        return Signed(*json.loads(item.answer or "[]"))

    def end(self, session: str) -> None:
        """Forgets a session: it is used once."""
        OpsItem(self._pk(session), "-").delete()

    @staticmethod
    def _pk(session: str) -> str:
        return "enrolment#" + hashlib.sha256(session.encode()).hexdigest()
