"""A change of a person's, with its entry in the audit, all or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pynamodb.transactions import TransactWrite

from chalicelib.clock import Clock
from chalicelib.errors import Conflict
from chalicelib.identity.audit import Audit, nothing
from chalicelib.identity.roles import Principal


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
