"""Many processes in one, in simulated time: each call may wait, and each wait lets the others go on.

What runs under a `Life` is code of the application as it is: it sleeps, calls and dies without knowing. Only
one process runs at a time, and the seed decides all order, so a seed repeats a whole world.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

from tests.dispatch.world import Crash

Given = TypeVar("Given")
FOREVER = float("inf")
LOOK_S = 0.02
"""How often a process looks whether another of its life is ready."""


@dataclass
class Life:
    """One invocation: everything that it started dies with it."""

    name: str
    deadline: float = FOREVER
    """When the platform ends it, finished or not."""
    dead: bool = False


class Process(greenlet):  # type: ignore[misc,unused-ignore]
    """A thread of an invocation."""

    life: Life


class Simulation:
    """A clock and what is due on it. `now` is in epoch seconds."""

    def __init__(self, seed: int, now: float) -> None:
        self.chance = random.Random(seed)
        self.now = now
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._hub = getcurrent()

    @property
    def life(self) -> Life | None:
        """The invocation whose code runs now; None for the world itself, whose calls take no time."""
        return getattr(getcurrent(), "life", None)

    def after(self, delay_s: float, act: Callable[[], object]) -> None:
        """Does `act` in `delay_s` seconds."""
        heapq.heappush(self._due, (self.now + max(0.0, delay_s), next(self._order), act))

    def spawn(self, life: Life, body: Callable[[], object]) -> None:
        """Runs `body` at once, until it waits for the first time."""
        process = Process(body, self._hub)
        process.life = life
        process.switch()

    def run(self, until: float) -> None:
        """Lets everything happen that is due before `until`."""
        while self._due and self._due[0][0] <= until:
            self.now, _, act = heapq.heappop(self._due)
            act()
        self.now = max(self.now, until)

    def sleep(self, seconds: float) -> None:
        """Waits in the process that calls; raises Crash when its life ends before that."""
        life = self.life
        if life is None:
            raise RuntimeError("the world does not wait")
        if life.dead:
            raise Crash(life.name)
        killed = self.now + seconds >= life.deadline
        process = getcurrent()
        self.after((life.deadline if killed else self.now + seconds) - self.now, process.switch)
        self._hub.switch()
        if killed or life.dead:
            life.dead = True
            raise Crash(life.name)

    def die(self) -> None:
        """Ends the process that calls and all of its life."""
        life = self.life
        if life is not None:
            life.dead = True
            raise Crash(life.name)

    def call(self, effect: Callable[[], Given], latency_s: float, crash: float) -> Given:
        """Does `effect` in the middle of a wait; the caller may die before it and after it."""
        if self.life is None:
            return effect()
        fate = self.chance.random()
        self.sleep(latency_s * 0.5)
        if fate < crash / 2:
            self.die()
        given = effect()
        self.sleep(latency_s * 0.5)
        if fate > 1 - crash / 2:
            self.die()
        return given


@dataclass
class Threads(Executor):
    """Threads of a life, as the application's own executor: they all die with it."""

    sim: Simulation

    def submit(self, task: Callable[..., Any], /, *args: object, **kwargs: object) -> Future[Any]:
        """Begins the task in this moment."""
        done: Future[Any] = Future()
        life = self.sim.life or Life("the world")

        def work() -> None:
            try:
                self.sim.sleep(0.0)
                given = task(*args, **kwargs)
            except Crash:
                return
            except Exception as error:  # noqa: BLE001 - it is the one who waits that must see it
                done.set_exception(error)
            else:
                done.set_result(given)

        self.sim.after(0.0, lambda: self.sim.spawn(life, work))
        return done


def wait(sim: Simulation, futures: Iterable[Future[Any]]) -> None:
    """As concurrent.futures.wait, in simulated time."""
    kept = list(futures)
    while not all(future.done() for future in kept):
        sim.sleep(LOOK_S)


class Lock:
    """As threading.RLock, for the threads of a life."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._owner: object = None
        self._depth = 0

    def __enter__(self) -> None:
        me = getcurrent()
        while self._owner not in (None, me):
            self._sim.sleep(LOOK_S / 4)
        self._owner = me
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._owner = None
