"""Creators' sessions: begun by a code over their own channel, short, signed, ended at any moment.

A token names the person, the session and its end, and is signed; the session itself is an item, so that a
token ends with it, and a signing key alone opens nothing.

Table `ops`:
    session#<hash of the session>  -   whose it is, and which of their standings it belongs to   1 write
Each call reads this item beside the person: 1 read unit each, both consistently, since a suspension holds at
once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from chalicelib.beside import both
from chalicelib.clock import Clock
from chalicelib.errors import Unauthenticated
from chalicelib.ids import new_token
from chalicelib.ports import Creators
from chalicelib.tables import Table, TableName

HOLDS_S = 12 * 3600
"""A day's work with one code; each costs a message."""
LONGEST_TOKEN = 512
VERSION = "me1"


class SessionItem(Table):
    class Meta:
        table_name = TableName("ops")

    owner = UnicodeAttribute()
    standing = NumberAttribute()
    expires = NumberAttribute()


@dataclass(frozen=True)
class Creator:
    """A creator who has signed in."""

    id: str
    session: str


@dataclass(frozen=True)
class Begun:
    """A session that was just begun."""

    token: str
    expires_at: datetime


@dataclass(frozen=True)
class CreatorSessions:
    """Begins, reads and ends them. `keys` sign, the newest first; the others are still read."""

    creators: Creators
    keys: Callable[[], Sequence[bytes]]
    clock: Clock

    def begin(self, person: str) -> Begun:
        """A session of this person: of who is suspended, to be heard alone. Raises Unauthenticated for
        anybody else who may not sign in."""
        standing = self.creators.hearing(person)
        if standing is None:
            raise Unauthenticated
        session, until = new_token(), int(self.clock.epoch() + HOLDS_S)
        SessionItem(_pk(session), "-", owner=person, standing=standing, expires=until).save()
        packed = base64.urlsafe_b64encode(json.dumps([person, session, until]).encode()).decode()
        signed = f"{VERSION}.{packed}"
        return Begun(f"{signed}.{_mac(self.keys()[0], signed)}", datetime.fromtimestamp(until, UTC))

    def creator(self, token: str) -> Creator:
        """Whose session a token is of. Raises Unauthenticated for anything but a session that lasts, of a
        person who has been neither suspended nor withdrawn since."""
        return self._of(token, self.creators.standing)

    def heard(self, token: str) -> Creator:
        """The same, also of a session that somebody who is suspended has begun."""
        return self._of(token, self.creators.hearing)

    def _of(self, token: str, standing: Callable[[str], int | None]) -> Creator:
        person, session, until = self._read(token)
        try:
            item, now = both(
                lambda: SessionItem.get(_pk(session), "-", consistent_read=True), lambda: standing(person)
            )
        except DoesNotExist:
            raise Unauthenticated from None
        if until <= self.clock.epoch() or item.owner != person or now != item.standing:
            raise Unauthenticated
        return Creator(person, session)

    def end(self, creator: Creator) -> None:
        """Signs out: the token is good for nothing from now on."""
        SessionItem(_pk(creator.session), "-").delete()

    def _read(self, token: str) -> tuple[str, str, int]:
        signed, _, mac = token.rpartition(".")
        if len(token) > LONGEST_TOKEN or not signed.startswith(f"{VERSION}."):
            raise Unauthenticated
        given = mac.encode("utf-8", "replace")
        if not any(hmac.compare_digest(given, _mac(key, signed).encode()) for key in self.keys()):
            raise Unauthenticated
        person, session, until = json.loads(base64.urlsafe_b64decode(signed.removeprefix(f"{VERSION}.")))
        return str(person), str(session), int(until)


def _pk(session: str) -> str:
    return f"session#{hashlib.sha256(session.encode()).hexdigest()}"


def _mac(key: bytes, signed: str) -> str:
    return hmac.new(key, signed.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
