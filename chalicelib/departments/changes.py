"""A change of a person's, with its entry in the audit, all or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pynamodb.exceptions import TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.clock import Clock
from chalicelib.errors import Conflict
from chalicelib.identity.audit import Audit, nothing
from chalicelib.identity.roles import Principal
from chalicelib.tables import failed_conditions, is_passing, write_together


class ChangedMeanwhile(Conflict):
    message = "This was changed by somebody else. Please look again."


@dataclass(frozen=True)
class Changes:
    audit: Audit
    clock: Clock

    def commit(
        self,
        who: Principal,
        subject: str,
        action: str,
        write: Callable[[TransactWrite], None] = nothing,
        **detail: str | bool | list[str],
    ) -> None:
        """Raises ChangedMeanwhile when a condition of `write` does not hold."""
        self.audit.committing(
            subject=subject,
            action=action,
            actor=who.id,
            at=self.clock.now(),
            detail=detail,
            write=write,
            refused=lambda failed: ChangedMeanwhile(),
        )


@dataclass(frozen=True)
class JobsChanges(Changes):
    """Of a job over a file: its one entry in the audit tells of all that it wrote."""

    def commit(
        self,
        who: Principal,
        subject: str,
        action: str,
        write: Callable[[TransactWrite], None] = nothing,
        **detail: str | bool | list[str],
    ) -> None:
        try:
            with write_together() as transaction:
                write(transaction)
        except TransactWriteError as error:
            if failed_conditions(error) or is_passing(error):
                raise ChangedMeanwhile from error
            raise
