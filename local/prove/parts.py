"""What a simulated world is made of: a platform, queues, a bus and the registers, each with its faults."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib.errors import Transient
from chalicelib.platforms.base import (
    Accepted,
    Capabilities,
    Channel,
    OutcomeUnknown,
    Outgoing,
    SendRefused,
    Throttled,
)
from chalicelib.platforms.registry import ADAPTERS
from chalicelib.ports import Contact, RunBrief
from local.prove.simulation import Life, Simulation
from tests.dispatch import world as stand_ins
from tests.dispatch.world import Crash

if TYPE_CHECKING:
    from local.prove.worlds import Place

INVOCATION_S = 60.0
HIDDEN_S = 360.0
"""After this a message whose invocation died comes again (infra/template.yaml)."""
MOST_RECEIVES = 5


@dataclass(frozen=True)
class Weather:
    """Shares of what goes wrong."""

    throttled: float = 0.03
    reset: float = 0.015
    lost: float = 0.015
    """Of AWS calls: refused, cut before they arrived, done and the answer lost."""
    crash: float = 0.006
    """Of calls of any kind: the process dies before or after it."""
    doubled: float = 0.08
    """Of messages of a queue: delivered once more."""
    unsure: float = 0.04
    """Of messages put on a queue or bus: put twice, because the first answer was lost, or not at all."""
    slow: float = 0.05
    """Of platform requests and AWS calls: as slow as their time-outs allow."""
    platform_throttles: float = 0.05
    platform_loses: float = 0.05
    platform_fails: float = 0.06
    told_twice: float = 0.1


class SimClock(stand_ins.MovingClock):
    """The clock of the simulation; moving it is waiting."""

    def __init__(self, sim: Simulation) -> None:
        object.__setattr__(self, "offset_file", "")
        object.__setattr__(self, "sim", sim)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.sim.now, UTC)  # type: ignore[attr-defined]

    def move(self, seconds: float) -> None:
        self.sim.sleep(seconds)  # type: ignore[attr-defined]


@dataclass
class SimQueue:
    """A queue that delivers at least once, in any order, and again when its consumer failed or died."""

    name: str
    place: Place
    consume: Callable[[list[dict[str, Any]], float, str], Iterable[int]]
    """Takes a batch with the deadline and the name of its invocation; gives the positions that failed."""
    at_once: int
    batch: int = 1
    waiting: deque[tuple[dict[str, Any], int]] = field(default_factory=deque)
    running: int = 0
    open: int = 0
    """Messages that are not dealt with yet."""

    def put(self, bodies: Iterable[Mapping[str, Any]], delay_s: float = 0) -> int:
        """As queues.Queue."""
        return self.put_each((body, delay_s) for body in bodies)

    def put_each(self, messages: Iterable[tuple[Mapping[str, Any], float]]) -> int:
        """As queues.Queue. What cannot be put raises Transient, with some of it put all the same."""
        taken = [(dict(body), delay_s) for body, delay_s in messages]
        if not taken:
            return 0
        place = self.place

        def effect() -> int:
            unsure = place.chance.random() < place.weather.unsure and place.sim.life is not None
            fails = unsure and place.chance.random() < 0.5
            for body, delay_s in taken * (2 if unsure and not fails else 1):
                if not (fails and place.chance.random() < 0.7):
                    self._enqueue(body, delay_s)
            if fails:
                raise Transient
            return len(taken)

        return place.call(effect, 0.01)

    def _enqueue(self, body: dict[str, Any], delay_s: float, received: int = 0) -> None:
        chance, weather = self.place.chance, self.place.weather
        copies = 2 if chance.random() < weather.doubled else 1
        self.place.faults["messages_doubled"] += copies - 1
        for copy in range(copies):
            late = chance.expovariate(1 / 0.3) + (chance.uniform(0, 60) if copy else 0)
            self._later(body, delay_s + late, received)

    def _later(self, body: dict[str, Any], delay_s: float, received: int) -> None:
        self.open += 1

        def appear() -> None:
            self.waiting.append((body, received))
            self._start()

        self.place.sim.after(delay_s, appear)

    def _start(self) -> None:
        while self.waiting and self.running < self.at_once:
            taken = [self.waiting.popleft() for _ in range(min(self.batch, len(self.waiting)))]
            self.running += 1
            self.place.invocations += 1
            sim = self.place.sim
            life = Life(f"{self.name} {self.place.invocations}", sim.now + INVOCATION_S)
            sim.spawn(life, partial(self._invoke, taken, life))

    def _invoke(self, taken: list[tuple[dict[str, Any], int]], life: Life) -> None:
        place = self.place
        again: set[int] = set()
        try:
            place.sim.sleep(place.chance.uniform(0.005, 0.03))
            again = set(self.consume([body for body, _ in taken], life.deadline, life.name))
        except Crash:
            place.crashes += 1
            again = set(range(len(taken)))
        self.running -= 1
        for position, (body, received) in enumerate(taken):
            self.open -= 1
            if position in again and received + 1 >= MOST_RECEIVES:
                place.dead.append(body)
            elif position in again or place.chance.random() < place.weather.doubled / 4:
                self._later(body, HIDDEN_S, received + 1)
        place.sim.after(0, self._start)


@dataclass
class SimPlatform(stand_ins.MemoryPlatform):
    """Takes, throttles, refuses and loses answers by chance; keeps the log that the judge reads."""

    place: Any = None
    rates: dict[str, float] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    asking: list[Any] = field(default_factory=list)
    """Whose request it was, by the log's `asked`."""

    def channel_for(self, platform: str) -> Channel:
        return Channel(f"{platform}-main", platform, {"rate_per_s": str(self.rates[platform])})

    def capabilities(self, platform: str) -> Capabilities:
        given = dataclasses.replace(ADAPTERS[platform].capabilities, rate_per_s=self.rates[platform])
        return dataclasses.replace(given, pair_gap_s=0.0) if self.place.made.weekly_cap else given

    def send(self, channel: Channel, to: str, message: Outgoing) -> Accepted:
        place: Place = self.place
        chance, weather, begun = place.chance, place.weather, place.sim.now
        lost = chance.random() < weather.platform_loses
        if lost and chance.random() < 0.3:  # lost on the way there
            place.sim.sleep(chance.uniform(1, 8))
            raise OutcomeUnknown
        outcome, later = self._fate("lost_reply" if lost else "accepted")
        slow = chance.random() < weather.slow
        place.call(
            lambda: self._take(channel.platform, to, message, at=begun, outcome=outcome, later=later),
            chance.uniform(2, 7.5) if slow else chance.uniform(0.03, 0.3),
        )
        if outcome == "throttled":
            scope = "channel" if chance.random() < 0.2 else "person"
            raise Throttled(chance.choice((1, 2, 5)), scope)  # type: ignore[arg-type]
        if outcome.startswith("refused"):
            raise SendRefused(outcome.partition(":")[2], "person")
        if outcome == "lost_reply":
            place.sim.sleep(chance.uniform(0, 8))
            raise OutcomeUnknown
        return Accepted(f"wamid.{len(self.log)}")

    def _fate(self, taken: str) -> tuple[str, list[str]]:
        """What becomes of a request, and what is told of it later."""
        chance, weather = self.place.chance, self.place.weather
        fate = chance.random() - weather.platform_throttles
        if fate < 0:
            return "throttled", []
        if fate < weather.platform_fails / 2:
            return "refused:131026", []
        if fate < weather.platform_fails:
            return taken, chance.choice((["sent", "failed"], ["failed"], ["sent", "failed", "delivered"]))
        return taken, ["sent", "delivered", "read"][: chance.choice((2, 3))]

    def _take(
        self, platform: str, to: str, message: Outgoing, *, at: float, outcome: str, later: list[str]
    ) -> None:
        place: Place = self.place
        able = self.capabilities(platform)
        self.asking.append(place.sim.life)
        self.log.append(
            {
                "kind": "request",
                "asked": len(self.asking) - 1,
                "at": at,
                "platform": platform,
                "to": to,
                "key": message.key if able.carries_key else None,
                "delivery": message.key,
                "outcome": outcome,
                "payload": {"text": message.text},
            }
        )
        place.acts.asked()
        for status in later if able.receipts else ():
            place.tell(platform, to, message.key, status)


@dataclass
class SimRuns(stand_ins.MemoryRuns):
    """Runs whose start and end are writes that may fail, and whose messages name their run."""

    place: Any = None

    def start(self, run_id: str) -> bool:
        return bool(self.place.call(lambda: super(SimRuns, self).start(run_id), 0.02))

    def finish(self, run_id: str, **how: Any) -> None:  # noqa: ANN401
        def end() -> None:
            brief = self.briefs[run_id]
            if brief.status in ("dispatching", "paused"):
                super(SimRuns, self).finish(run_id, **how)
                self.place.ban("ended", run=run_id, first_only=True)

        self.place.call(end, 0.02)

    def message(self, run_id: str, channel: str, language: str, contact: Contact) -> Outgoing:
        return Outgoing(text=f"{contact.name} ({run_id})")


@dataclass
class View:
    """Runs as one container sees them: a copy that is at most 2 s old (campaigns/runs.py)."""

    runs: SimRuns
    sim: Simulation
    place: Any
    kept: dict[str, tuple[float, RunBrief | None]] = field(default_factory=dict)

    def get(self, run_id: str) -> RunBrief | None:
        at = self.sim.now
        if run_id not in self.kept or at - self.kept[run_id][0] >= 2.0:
            self.kept[run_id] = (at, self.place.call(lambda: self.runs.get(run_id), 0.01))
        return self.kept[run_id][1]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.runs, name)


@dataclass
class SimPeople(stand_ins.MemoryPeople):
    place: Any = None

    def contacts(self, ids: Sequence[str]) -> dict[str, Contact]:
        found: dict[str, Contact] = self.place.call(lambda: super(SimPeople, self).contacts(ids), 0.02)
        return found


@dataclass
class SimRoster(stand_ins.MemoryRoster):
    place: Any = None

    def page(self, where: Any, after: str | None, limit: int) -> Any:  # noqa: ANN401
        rows, more = self.place.call(lambda: super(SimRoster, self).page(where, after, limit), 0.05)
        if self.place.sim.life is not None:
            self.place.acts.read(rows)
        return rows, more


@dataclass
class SimBus(stand_ins.MemoryBus):
    place: Any = None

    def publish(self, entries: Sequence[Any]) -> int:
        def effect() -> int:
            if self.place.chance.random() < self.place.weather.unsure:
                raise Transient
            return super(SimBus, self).publish(entries)

        return int(self.place.call(effect, 0.01))


class Unharmed:
    """In the place of a test's faults: those of a world lie on its wire."""

    dead = False

    def wrap(self, target: Any, *_: str) -> Any:  # noqa: ANN401
        return target
