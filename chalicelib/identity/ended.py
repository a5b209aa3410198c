"""Sessions of the staff that end before their tokens do.

A token is checked without asking anybody and holds for an hour (infra/template.yaml). Whose roles change, who
is switched off or signed out everywhere, must not go on with the old one: of each of them the moment is kept,
and tokens that were made before it are good for nothing.

A change of the pool takes several calls, and may break off between any two. So the moment lies ahead while it
is made, in the same transaction as the audit's entry: whoever signs in meanwhile gets a token for nothing,
and whatever breaks off, none with rights that were just taken is left over.

Table `ops`: `ended#staff`, the user: `until` that moment (epoch seconds), `expires` when their last token has
run out. Some hundred bytes for each; a container reads the list anew every LOOKS_EVERY_S.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from pynamodb.exceptions import DoesNotExist
from pynamodb.transactions import TransactWrite

from chalicelib.clock import Clock
from chalicelib.ops import OpsItem

ALL = "ended#staff"
TOKENS_HOLD_S = 3600 + 120
LOOKS_EVERY_S = 20
IN_HAND_S = 60
"""No call of ours lasts so long (29 s at the most, infra/template.yaml): then it has ended or broken off."""


@dataclass
class EndedSessions:
    """`clock` tells the true time, as the pool does that makes the tokens."""

    clock: Clock
    _kept: dict[str, float] = field(default_factory=dict)
    _read_at: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ending(self, transaction: TransactWrite, user: str) -> None:
        """Adds to the transaction that begins a change of this user: no token that they have, or get while it
        is made, is good for anything. `end` tells that it is made; without it that holds IN_HAND_S."""
        until = self.clock.epoch() + IN_HAND_S
        transaction.update(
            OpsItem(ALL, user),
            actions=[OpsItem.until.set(until), OpsItem.expires.set(int(until) + TOKENS_HOLD_S)],
        )
        self._read_at = float("-inf")

    def end(self, user: str) -> None:
        """All sessions of this user end: here at once, elsewhere within LOOKS_EVERY_S."""
        now = self.clock.epoch()
        OpsItem(ALL, user, until=now, expires=int(now) + TOKENS_HOLD_S).save()
        self._read_at = float("-inf")

    def is_over(self, user: str, issued_at: float) -> bool:
        """Whether a token of this user, made at this second, was ended since."""
        ended = self._all().get(user)
        return ended is not None and issued_at <= ended

    def is_over_now(self, user: str, issued_at: float) -> bool:
        """The same, of this moment and no copy: for what must not be done by whose rights were just taken."""
        try:
            mark = OpsItem.get(ALL, user, consistent_read=True)
        except DoesNotExist:
            return False
        return issued_at <= float(mark.until or 0)

    def _all(self) -> dict[str, float]:
        with self._lock:
            now = self.clock.epoch()
            if now - self._read_at >= LOOKS_EVERY_S:
                rows = OpsItem.query(ALL, consistent_read=True)
                self._kept = {row.sk: float(row.until or 0) for row in rows}
                self._read_at = now
            return self._kept
