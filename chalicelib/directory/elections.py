"""The election calendar: where silence and the code of conduct hold; kept by staff, asked at each send."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from pynamodb.transactions import TransactWrite

from chalicelib.clock import Clock, rfc3339
from chalicelib.directory.model import Poll, faults_of, in_force, silent_throughout
from chalicelib.directory.store import DirectoryStore
from chalicelib.errors import Conflict, FieldError, InvalidInput, NotFound
from chalicelib.identity.audit import Audit
from chalicelib.ids import new_id
from chalicelib.ports import Areas, Election, Polling

FRESH_S = 10.0
"""How old a copy of the calendar may be that is acted on. Elections are entered weeks ahead."""


@dataclass
class ElectionCalendar:
    """Implements ports.Calendar: a copy of the whole calendar, at most 10 s old in real time, one query."""

    store: DirectoryStore
    ticks: Callable[[], float] = time.time
    """Real seconds: the laptop's clock can be moved, a frozen process's monotonic clock may stand still."""
    _kept: tuple[float, list[Poll]] | None = field(default=None, init=False)

    def at(self, path: Sequence[str], when: datetime) -> Election:
        return in_force(self._polls(), path, when)

    def codes(self, paths: Iterable[Sequence[str]], when: datetime) -> dict[str, str]:
        asked = list(paths)
        binding = [poll for poll in self._polls() if poll.binds(when)]
        return {poll.id: poll.name for poll in binding if any(poll.touches(path) for path in asked)}

    def silent_throughout(self, path: Sequence[str], begins: datetime, ends: datetime) -> bool:
        return silent_throughout(self._polls(), path, begins, ends)

    def knows(self, election: str) -> bool:
        return any(poll.id == election for poll in self._polls())

    def between(self, paths: Iterable[Sequence[str]], begins: datetime, ends: datetime) -> list[Polling]:
        asked = list(paths)
        return [
            Polling(poll.id, poll.name, tuple(poll.areas), *poll.silence, poll.code_from, poll.code_until)
            for poll in sorted(self._polls(), key=lambda one: (one.polling_ends, one.id))
            if min(poll.code_from, poll.silence[0]) < ends and poll.code_until > begins
            if any(poll.touches(path) for path in asked)
        ]

    def _polls(self) -> list[Poll]:
        now = self.ticks()
        if self._kept is None or not 0 <= now - self._kept[0] < FRESH_S:
            self._kept = (now, self.store.polls())
        return self._kept[1]


class ChangedMeanwhile(Conflict):
    message = "Somebody else has changed this election meanwhile. Look at what stands there now."


def made_by(actor: str, once: str) -> str:
    """The id of the election that this person makes with this form."""
    return f"elc_{hashlib.sha256(f'{actor} {once}'.encode()).hexdigest()[:16]}"


@dataclass(frozen=True)
class ElectionDesk:
    """What staff do with the calendar. Every change is in the audit, with all that it says of time and
    place."""

    store: DirectoryStore
    areas: Areas
    audit: Audit
    clock: Clock

    def listed(self) -> list[Poll]:
        """The whole calendar, the latest polling first."""
        return sorted(self.store.polls(), key=lambda poll: (poll.polling_ends, poll.id), reverse=True)

    def get(self, election: str) -> Poll:
        """Raises NotFound."""
        for poll in self.store.polls():
            if poll.id == election:
                return poll
        raise _none(election)

    def add(
        self,
        actor: str,
        *,
        name: str,
        areas: Sequence[str],
        polling_ends: datetime,
        code_from: datetime,
        code_until: datetime,
        source: str,
        election: str | None = None,
        before: Poll | None = None,
        once: str = "",
    ) -> Poll:
        """Puts an election on the calendar, or changes the one named by `election`, which has to be as it was
        `before`, if that is given. It may overlap others.

        `once`: what one person says again when they send the same form twice: ChangedMeanwhile then, and
        `made_by` names the election that there is. Raises InvalidInput for areas that do not exist and times
        that cannot be, NotFound when there is no `election`.
        """
        given = {"polling_ends": polling_ends, "code_from": code_from, "code_until": code_until}
        times = {name: at.astimezone(UTC).replace(microsecond=0) for name, at in given.items()}
        new = made_by(actor, once) if once else new_id("elc")
        poll = Poll(election or new, name, self._paths(areas), source=source, **times)
        if wrong := faults_of(poll):
            raise InvalidInput(wrong)
        self.audit.committing(
            subject=f"election#{poll.id}",
            action="election.changed" if election else "election.added",
            actor=actor,
            at=self.clock.now(),
            detail={"areas": list(poll.areas)} | {name: rfc3339(at) for name, at in times.items()},
            write=partial(self.store.put_poll, poll=poll, new=election is None, before=before),
            refused=lambda failed: ChangedMeanwhile() if before or once else _none(poll.id),
        )
        return poll

    def remove(self, actor: str, election: str) -> None:
        """Takes an election off the calendar: silence and code end with it. Raises NotFound."""
        self.get(election)  # also for what could be no key

        def write(transaction: TransactWrite) -> None:
            self.store.remove_poll(transaction, election)

        self.audit.committing(
            subject=f"election#{election}",
            action="election.removed",
            actor=actor,
            at=self.clock.now(),
            write=write,
            refused=lambda failed: _none(election),
        )

    def _paths(self, areas: Sequence[str]) -> dict[str, tuple[str, ...]]:
        found = self.areas.many(areas, fresh=True)  # where they lie is written down
        unknown = [
            FieldError(f"areas.{i}", "area_unknown", "There is no area %(id)s.", {"id": area_id})
            for i, area_id in enumerate(areas)
            if area_id not in found
        ]
        if unknown:
            raise InvalidInput(unknown)
        return {area_id: found[area_id].path for area_id in areas}


def _none(election: str) -> NotFound:
    return NotFound("There is no election %(id)s.", id=election)
