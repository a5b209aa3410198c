"""Stops: what staff throw and lift, and what senders look at before each request."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from chalicelib.clock import Clock, rfc3339
from chalicelib.dispatch.model import Stops, scopes_of
from chalicelib.dispatch.store import DispatchStore, Stop
from chalicelib.errors import Conflict, NotFound, Transient
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal, touches
from chalicelib.platforms.base import Channel
from chalicelib.ports import Areas, Runs
from chalicelib.queues import Queue
from chalicelib.telemetry import logger


class SetAnew(Conflict):
    code = "stop_set_anew"
    message = "This stop was set anew meanwhile. Please look at it again."


FRESH_S = 2.0
"""How old a copy of the stops may be that a sender acts on (DESIGN.md, stops)."""
WAKE_AFTER_S = 3.0
"""After this every sender has read that a stop was lifted."""
READ = "stop.read"


@dataclass
class StandingStops:
    """The stops as senders see them: a copy, at most 2 s old in real time."""

    store: DispatchStore
    ticks: Callable[[], float] = time.time
    """Real seconds: the laptop's clock can be moved, a frozen process's monotonic clock may stand still."""
    _kept: tuple[float, Stops] | None = field(default=None, init=False)

    def __call__(self) -> Stops:
        """The stops that stood at most 2 s ago. What cannot be read raises: nothing goes out unseen."""
        now = self.ticks()
        if self._kept is None or not 0 <= now - self._kept[0] < FRESH_S:
            self._kept = (now, Stops(frozenset(stop.scope for stop in self.store.stops())))
        return self._kept[1]


@dataclass(frozen=True)
class StopDesk:
    """What staff do with stops."""

    store: DispatchStore
    exists: dict[str, Callable[[str], bool]]
    """By kind of scope (`channel`, `department`, `area`): whether there is one of this id."""
    areas: Areas
    runs: Runs
    plan_queue: Queue
    audit: Audit
    clock: Clock

    def listed(self, who: Principal) -> list[Stop]:
        """The stops that stand and concern somebody, by scope: those of everything and of channels, of their
        departments, and of areas in which theirs lie or that lie in theirs."""
        found = self.store.stops()
        if who.works_for_all(READ):
            return found
        areas, departments = who.bound_to(READ)
        own = [area.path for area in self.areas.many(areas).values()]
        return [stop for stop in found if self._concerns(stop.scope, own, departments)]

    def holding(
        self, who: Principal, department: str, areas: Collection[str], channels: Iterable[Channel]
    ) -> list[Stop]:
        """The stops that hold what a department sends to these areas over these channels, by scope: each of
        them for who works for the department, for others those that concern them."""
        found = self.store.stops() if who.works_for(department, READ) else self.listed(who)
        whole = {"all", f"department:{department}", *(scope for one in channels for scope in scopes_of(one))}
        halted = {stop.scope: stop.scope[5:] for stop in found if stop.scope.startswith("area:")}
        known = self.areas.many({*areas, *halted.values()}) if halted else {}
        reached = [known[area].path for area in areas if area in known]

        def holds(scope: str) -> bool:
            area = known.get(halted.get(scope, ""))
            return scope in whole or area is not None and touches(reached, area.path)

        return [stop for stop in found if holds(stop.scope)]

    def get(self, who: Principal, scope: str) -> Stop:
        """The stop of this scope. Raises NotFound when none stands that concerns them."""
        for stop in self.listed(who):
            if stop.scope == scope:
                return stop
        raise _none(scope)

    def _concerns(self, scope: str, own: Sequence[Sequence[str]], departments: Collection[str]) -> bool:
        kind, _, ident = scope.partition(":")
        if kind == "area":
            area = self.areas.get(ident)
            return area is not None and touches(own, area.path)
        return ident in departments if kind == "department" else True

    def put(self, who: Principal, scope: str, reason: str) -> Stop:
        """Stops all new sends of this scope, within 5 s. Raises NotFound for a scope that stops nothing."""
        kind, _, ident = scope.partition(":")
        if scope != "all" and not (ident and kind in self.exists and self.exists[kind](ident)):
            raise NotFound("There is nothing called %(scope)s that could be stopped.", scope=scope)
        stop = Stop(scope, reason, who.id, self.clock.now())
        self.audit.committing(
            subject=f"stop#{scope}",
            action="stop.put",
            actor=who.id,
            at=stop.at,
            write=lambda transaction: self.store.put_stop(transaction, stop),
        )
        return stop

    def lift(self, who: Principal, scope: str, since: str | None = None) -> None:
        """Lets sending go on within seconds. `since`: when the stop was set that the caller has seen; a later
        one stays. Raises NotFound when no such stop stands, SetAnew."""
        stop = self.get(who, scope)
        if since is not None and since != rfc3339(stop.at):
            raise SetAnew
        seen = None if since is None else stop
        self.audit.committing(
            subject=f"stop#{scope}",
            action="stop.lifted",
            actor=who.id,
            at=self.clock.now(),
            write=lambda transaction: self.store.remove_stop(transaction, scope, seen),
            refused=lambda failed: _none(scope) if seen is None else SetAnew(),
        )
        wake(self.runs, self.plan_queue, scope)


def wake(runs: Runs, plan_queue: Queue, scope: str) -> None:
    """Lets what waited for a stop go on, as soon as every sender has read that it was lifted."""
    try:
        plan_queue.put([{"wake": run} for run in runs.dispatching()], WAKE_AFTER_S)
    except Transient:
        logger.warning("waking left to the waiting chunks", extra={"scope": scope})


def only(known: Callable[[], Collection[str]]) -> Callable[[str], bool]:
    """Whether an id is among those that `known` gives when it is asked."""
    return lambda ident: ident in known()


def _none(scope: str) -> NotFound:
    return NotFound("There is no stop %(scope)s.", scope=scope)
