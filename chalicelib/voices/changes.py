"""A change of a voice with its entry in the audit, its event and its part of the counts: all or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pynamodb.exceptions import TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.clock import Clock
from chalicelib.errors import Conflict, Transient
from chalicelib.events.catalog import Event
from chalicelib.identity.audit import Audit, nothing
from chalicelib.identity.chain import Detail
from chalicelib.tables import failed_conditions, is_passing, write_together
from chalicelib.voices.model import Answer, Voice
from chalicelib.voices.store import VoiceStore

MONTH = timedelta(days=30.44)


class ChangedMeanwhile(Conflict):
    message = "This was changed by somebody else. Please look again."


@dataclass(frozen=True)
class Changes:
    store: VoiceStore
    audit: Audit
    clock: Clock
    months: int
    """So long after the end of a voice its sender is kept."""

    def commit(
        self,
        actor: str,
        action: str,
        before: Voice,
        after: Voice,
        *,
        event: Event | None = None,
        answer: Answer | None = None,
        detail: Detail | None = None,
        also: Callable[[TransactWrite], None] = nothing,
    ) -> Voice:
        """Writes a voice as it became, and gives it with its new revision. Raises ChangedMeanwhile."""
        now = self.clock.now()
        if before.closed_at and not after.closed_at and now.timestamp() >= self.keep_until(before.closed_at):
            after = after.without_sender()  # there is nobody left to hear of it
        new = self._kept(before, after, now).next()

        def write(transaction: TransactWrite) -> None:
            self.store.put(
                transaction,
                before,
                new,
                now,
                event=event,
                answer=answer,
                keep_until=self.keep_until(now) if new.over else None,
            )
            also(transaction)

        self.audit.committing(
            subject=f"voice#{new.id}",
            action=action,
            actor=actor,
            at=now,
            detail=detail,
            write=write,
            refused=lambda failed: ChangedMeanwhile(),
        )
        return new

    def quietly(self, before: Voice, after: Voice) -> Voice:
        """The same for what nobody did and nothing hangs on: what was told, when to try again. Raises
        ChangedMeanwhile, Transient."""
        new = after.next()
        try:
            with write_together() as transaction:
                self.store.put(transaction, before, new, self.clock.now())
        except TransactWriteError as error:
            if failed_conditions(error):
                raise ChangedMeanwhile from error
            if is_passing(error):
                raise Transient from error
            raise
        return new

    def _kept(self, before: Voice, after: Voice, now: datetime) -> Voice:
        """With the moment when all of its sender goes, set when it is over, and taken back when it is open
        again."""
        if before.over == after.over:
            return after
        return after.kept_until(now + MONTH * self.months if after.over else None)

    def keep_until(self, end: datetime) -> int:
        """When the sender of a voice that was over at `end` is forgotten, in seconds since 1970."""
        return int((end + MONTH * self.months).timestamp())
