"""Changes of the staff are made one at a time.

The pool knows neither transactions nor conditions: of two changes at once, each could rest on what the other
one takes away. So whoever changes somebody waits for their turn, and looks at the pool when it has come.

Table `ops`: `staff#turn`, `-`: `holder` of the turn, `until` when it ends by itself. 2 writes a change.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from pynamodb.exceptions import DeleteError, UpdateError
from pynamodb.transactions import TransactWrite

from chalicelib.clock import Clock
from chalicelib.errors import Conflict
from chalicelib.identity.ended import IN_HAND_S
from chalicelib.ids import new_token
from chalicelib.ops import OpsItem

PK = "staff#turn"
TRIES = 12
LONGEST_PAUSE_S = 0.8
KEPT_S = 24 * 3600


class StaffBusy(Conflict):
    code = "staff_busy"
    message = "Somebody else is changing the staff at this moment. Please try again in a minute."


@dataclass(frozen=True)
class StaffTurn:
    """Who may change the staff now. `clock` tells the true time."""

    clock: Clock
    pause: Callable[[float], None] = time.sleep

    @contextmanager
    def taken(self) -> Iterator[str]:
        """Its holder, once nobody else has it. Raises StaffBusy.

        It ends with the block, also where that fails; with a process that was killed after IN_HAND_S.
        """
        holder = self._take()
        try:
            yield holder
        except Exception:
            self._give_back(holder)
            raise
        self._give_back(holder)

    def hold(self, transaction: TransactWrite, holder: str) -> None:
        """Adds to a transaction that it is still theirs, and for IN_HAND_S more."""
        transaction.update(
            OpsItem(PK, "-"),
            actions=[OpsItem.until.set(self.clock.epoch() + IN_HAND_S)],
            condition=OpsItem.holder == holder,
        )

    def _take(self) -> str:
        holder = new_token()
        for attempt in range(TRIES):
            now = self.clock.epoch()
            free = OpsItem.pk.does_not_exist() | (OpsItem.until < now) | (OpsItem.holder == holder)
            actions = [
                OpsItem.holder.set(holder),
                OpsItem.until.set(now + IN_HAND_S),
                OpsItem.expires.set(int(now) + KEPT_S),
            ]
            try:
                OpsItem(PK, "-").change(actions, free)
            except UpdateError as refused:
                if refused.cause_response_code != "ConditionalCheckFailedException":
                    raise
                self.pause(random.uniform(0, min(LONGEST_PAUSE_S, 0.05 * 2**attempt)))
            else:
                return holder
        raise StaffBusy

    def _give_back(self, holder: str) -> None:
        with suppress(DeleteError):  # it ends by itself
            OpsItem(PK, "-").delete(condition=OpsItem.holder == holder)
