"""Simulated worlds: the real planner, sender, tallies and decisions on the embedded DynamoDB, all else drawn
from a seed: what fails and when, who changes their mind, what staff do in the middle.

Nothing here counts or judges. A world ends with evidence: what the platforms saw, what was decreed when, and
what the application says. `local.judge` compares them.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from chalicelib.clock import IST
from chalicelib.dispatch import planner as planning
from chalicelib.dispatch.model import Fact, Status, Ticket
from chalicelib.dispatch.report import Reporter, counts_as_json
from chalicelib.dispatch.stops import StandingStops
from chalicelib.errors import JanJanError, Transient
from chalicelib.platforms.base import Accepted, Capabilities, Channel, OutcomeUnknown, Outgoing, SendRefused
from chalicelib.platforms.base import Throttled
from chalicelib.platforms.registry import ADAPTERS
from chalicelib.ports import Contact, Election, Proof, QuietHours, RunBrief
from local.judge import Ban
from local.prove.engine import Engine, refusal
from local.prove.simulation import Life, Simulation
from tests.dispatch import world as stand_ins
from tests.dispatch.world import START, Crash

INVOCATION_S = 60.0
HIDDEN_S = 360.0
"""After this a message whose invocation died comes again (infra/template.yaml)."""
MOST_RECEIVES = 5
SENDERS, PLANNERS, PROCESSORS = 5, 2, 3
BATCH = 10
ENDS_S = 8 * 3600.0
"""A world that has not ended by then never will."""
STOPS_WITHIN_S = 5.0
GATHERED_S = 2.0
SAMPLED_S = 45.0
PAGE = 60


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
        taken = [dict(body) for body in bodies]
        if not taken:
            return 0
        place = self.place

        def effect() -> int:
            unsure = place.chance.random() < place.weather.unsure and place.sim.life is not None
            if unsure and place.chance.random() < 0.5:
                raise Transient
            for _ in range(1 + unsure):
                for body in taken:
                    self._enqueue(body, delay_s)
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
            sim.spawn(life, lambda taken=taken, life=life: self._invoke(taken, life))

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
            elif position in again:
                self._later(body, HIDDEN_S, received + 1)
            elif place.chance.random() < place.weather.doubled / 4:  # deleting it failed
                self._later(body, HIDDEN_S, received + 1)
        place.sim.after(0, self._start)


@dataclass
class SimPlatform(stand_ins.MemoryPlatform):
    """Takes, throttles, refuses and loses answers by chance; keeps the log that the judge reads."""

    place: Any = None
    rates: dict[str, float] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    asking: list[Life] = field(default_factory=list)
    """Whose request it was, by the log's `asked`."""

    def channel_for(self, platform: str) -> Channel:
        return Channel(f"{platform}-main", platform, {"rate_per_s": str(self.rates[platform])})

    def capabilities(self, platform: str) -> Capabilities:
        return dataclasses.replace(ADAPTERS[platform].capabilities, rate_per_s=self.rates[platform])

    def send(self, channel: Channel, to: str, message: Outgoing) -> Accepted:
        place: Place = self.place
        chance, weather, begun = place.chance, place.weather, place.sim.now
        fate = chance.random()
        lost = chance.random() < weather.platform_loses
        if lost and chance.random() < 0.3:  # lost on the way there
            place.sim.sleep(chance.uniform(1, 8))
            raise OutcomeUnknown
        later: list[str] = ["sent", "delivered", "read"][: chance.choice((2, 3))]
        if fate < weather.platform_throttles:
            outcome, later = "throttled", []
        elif fate < weather.platform_throttles + weather.platform_fails / 2:
            outcome, later = "refused:131026", []
        elif fate < weather.platform_throttles + weather.platform_fails:
            outcome, later = "lost_reply" if lost else "accepted", chance.choice(
                (["sent", "failed"], ["failed"], ["sent", "failed", "delivered"])
            )
        else:
            outcome = "lost_reply" if lost else "accepted"

        def effect() -> None:
            self.asking.append(place.sim.life)
            self.log.append(
                {
                    "kind": "request",
                    "asked": len(self.asking) - 1,
                    "at": begun,
                    "platform": channel.platform,
                    "to": to,
                    "key": message.key if self.capabilities(channel.platform).carries_key else None,
                    "delivery": message.key,
                    "outcome": outcome,
                    "payload": {"text": message.text},
                }
            )
            place.asked()
            if self.capabilities(channel.platform).receipts:
                for status in later:
                    place.tell(channel.platform, to, message.key, status)

        slow = chance.random() < weather.slow
        place.call(effect, chance.uniform(2, 7.5) if slow else chance.uniform(0.03, 0.3))
        if outcome == "throttled":
            scope = "channel" if chance.random() < 0.2 else "person"
            raise Throttled(chance.choice((1, 2, 5)), scope)  # type: ignore[arg-type]
        if outcome.startswith("refused"):
            raise SendRefused(outcome.partition(":")[2], "person")
        if outcome == "lost_reply":
            place.sim.sleep(chance.uniform(0, 8))
            raise OutcomeUnknown
        return Accepted(f"wamid.{len(self.log)}")


@dataclass
class SimRuns(stand_ins.MemoryRuns):
    """Runs whose start and end are writes that may fail, and whose messages name their run."""

    place: Any = None

    def start(self, run_id: str) -> bool:
        return bool(self.place.call(lambda: super(SimRuns, self).start(run_id), 0.02))

    def finish(self, run_id: str) -> None:
        def end() -> None:
            brief = self.briefs[run_id]
            if brief.status in ("dispatching", "paused"):
                super(SimRuns, self).finish(run_id)
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
        return self.place.call(lambda: super(SimRoster, self).page(where, after, limit), 0.05)


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


@dataclass
class Evidence:
    """What is known when a world has ended."""

    seed: int
    log: list[dict[str, Any]]
    bans: list[Ban]
    moved: set[str]
    """People who changed their place while plans were made."""
    runs: dict[str, RunEvidence]
    samples: list[dict[str, dict[str, Any]]]
    """Facts of all deliveries at moments in the course of time."""
    told: set[str]
    """Delivery keys that events called unknown."""
    raised: list[str]
    """Errors that no code should raise."""
    crashes: int
    invocations: int
    dead_letters: int
    rates: dict[str, float]
    lasted_s: float
    acts: list[str]


@dataclass
class RunEvidence:
    """What the application says of one run."""

    status: str
    report: dict[str, Any]
    outcomes: dict[str, list[str]]
    """By `platform:address`: the status at each place that counts the person."""
    surely: set[str]
    """People whom the run must have counted: they were in its audience all the time."""
    unknown: set[str]
    """Delivery keys with a committed `unknown`."""
    decided: int = 0


@dataclass
class Place:
    """One world."""

    seed: int
    people: int
    engine: Engine
    weather: Weather = field(default_factory=Weather)
    acts_wanted: tuple[str, ...] | None = None
    bans: list[Ban] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)
    dead: list[dict[str, Any]] = field(default_factory=list)
    samples: list[dict[str, dict[str, Any]]] = field(default_factory=list)
    acts: list[str] = field(default_factory=list)
    crashes: int = 0
    invocations: int = 0
    decided: Counter[str] = field(default_factory=Counter)
    moved: set[str] = field(default_factory=set)
    awaited: list[tuple[int, Callable[[], object]]] = field(default_factory=list)
    requests: int = 0
    postbag: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"world {self.seed}")
        self.sim = Simulation(self.seed, START.timestamp())
        self.clock = SimClock(self.sim)
        random.seed(self.seed)  # the SDK draws its waits there
        self.engine.empty()
        self.engine.through, self.engine.sleep = self._wire, self._backoff
        planning.PAGE_SIZE = PAGE
        self._build()

    # --- how it is made

    def _build(self) -> None:
        made = stand_ins.world(self.people, seed=self.seed, channels=("whatsapp", "whatsapp", "telegram"))
        chance = self.chance
        made.clock, made.faults = self.clock, Unharmed()  # type: ignore[assignment]
        made.people = SimPeople(made.people.rows, place=self)
        made.roster = SimRoster(made.roster.rows, place=self)
        made.bus = SimBus(place=self)
        [first] = made.runs.briefs.values()
        briefs = {}
        for letter in "ab"[: chance.choice((1, 2))]:
            campaign = f"cmp_{letter * 16}"
            briefs[f"{campaign}-1"] = dataclasses.replace(
                first,
                run_id=f"{campaign}-1",
                campaign_id=campaign,
                at=START + timedelta(seconds=chance.choice((0, 0, 20))),
                kind="voter_awareness",
            )
        made.runs = SimRuns(briefs, made.runs.stretches, place=self)
        load = self.people * len(briefs)
        rates = {"whatsapp": max(4.0, load / 60), "telegram": max(4.0, load / 120)}
        made.platform = SimPlatform(place=self, rates=rates)
        self.sends = SimQueue("send", self, self._send, SENDERS)
        self.plans = SimQueue("plan", self, self._plan, PLANNERS)
        self.letters = SimQueue("callbacks", self, self._hear, PROCESSORS, BATCH)
        made.send_queue, made.plan_queue = self.sends, self.plans  # type: ignore[assignment]
        self.faults: Counter[str] = Counter()
        self.aws_calls = 0
        self.made, self.platform, self.runs = made, made.platform, made.runs
        rows = made.people.rows.items()
        self.addresses = {i: next(f"{p}:{a}" for p, a in row.addresses.items()) for i, row in rows}

    def call(self, effect: Callable[[], Any], latency_s: float) -> Any:  # noqa: ANN401
        """A call to the world from the application: takes time, and may be the last."""
        return self.sim.call(effect, latency_s * self.chance.uniform(0.5, 1.5), self.weather.crash)

    def _backoff(self, seconds: float) -> None:
        if self.sim.life is not None:
            self.sim.sleep(seconds)

    def _wire(self, operation: str, act: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
        """DynamoDB with its faults; the world's own calls have none."""
        if self.sim.life is None:
            return act()
        self.aws_calls += 1
        fate, weather, url = self.chance.random(), self.weather, "dynamodb"
        if fate < weather.throttled:
            self.faults["aws_refused"] += 1
            code = self.chance.choice(("ProvisionedThroughputExceededException", "InternalServerError"))
            return self.call(lambda: refusal(code), 0.01)
        if fate < weather.throttled + weather.reset:
            self.faults["aws_reset"] += 1
            self.sim.sleep(0.005)
            raise ConnectionClosedError(endpoint_url=url)
        given: tuple[int, bytes] = self.call(act, 0.01)
        if fate > 1 - weather.lost:
            self.faults["aws_answers_lost"] += 1
            if self.chance.random() < weather.slow:
                self.sim.sleep(8.0)
                raise ReadTimeoutError(endpoint_url=url)
            raise ConnectionClosedError(endpoint_url=url)
        return given

    # --- what runs in it

    def _send(self, batch: list[dict[str, Any]], deadline: float, name: str) -> Iterable[int]:
        view = View(self.runs, self.sim, self)
        standing = StandingStops(self.made.store, ticks=lambda: self.sim.now)
        for position, message in enumerate(batch):
            sender = dataclasses.replace(self.made.sender(), runs=view, stops=standing)
            body = lambda sender=sender, message=message: sender.send_chunk(  # noqa: E731
                Ticket.of(message), f"{name} {position}", deadline
            )
            if not self._went_well(body):
                yield position

    def _plan(self, batch: list[dict[str, Any]], deadline: float, name: str) -> Iterable[int]:
        for position, message in enumerate(batch):
            planner = dataclasses.replace(self.made.planner(), runs=View(self.runs, self.sim, self))
            if not self._went_well(lambda planner=planner, message=message: planner.handle(message)):
                yield position

    def _hear(self, batch: list[dict[str, Any]], deadline: float, name: str) -> Iterable[int]:
        proofs = [
            Proof(news["key"], news["status"], datetime.fromtimestamp(news["at"], UTC), news.get("code", ""))
            for letter in batch
            for news in letter["updates"]
        ]
        return () if self._went_well(lambda: self.made.tallying.record(proofs)) else range(len(batch))

    def _went_well(self, act: Callable[[], object]) -> bool:
        """What fails as calls do makes its message come again; anything else is a fault of the code."""
        try:
            act()
        except JanJanError:
            return False
        except Exception as error:  # noqa: BLE001 - told below
            if not _of_the_wire(error):
                self.raised.append(f"{type(error).__name__}: {error}")
            return False
        return True

    def tell(self, platform: str, to: str, key: str, status: str) -> None:
        """The platform will post a callback: late, in any order, some of them twice."""
        news = {"to": to, "status": status, "key": key, "at": self.sim.now}
        if status == "failed":
            news["code"] = self.chance.choice(("131026", "131049"))
        for _ in range(1 + (self.chance.random() < self.weather.told_twice)):
            self.sim.after(self.chance.expovariate(1 / 10), lambda: self._post(platform, news))

    def _post(self, platform: str, news: dict[str, Any]) -> None:
        """What falls due within seconds travels together."""
        if not self.postbag:
            self.sim.after(GATHERED_S, self._empty_postbag)
        self.postbag.append((platform, news))

    def _empty_postbag(self) -> None:
        self.chance.shuffle(self.postbag)
        updates = [news for _, news in self.postbag]
        self.platform.log.append(
            {"kind": "callback", "at": self.sim.now, "platform": "whatsapp", "taken": True, "updates": [*updates]}
        )
        while updates:
            count = self.chance.randint(1, 25)
            self.letters.put([{"updates": updates[:count]}])
            del updates[:count]
        self.postbag.clear()

    def ban(self, why: str, *, ends: float = float("inf"), grace_s: float = 0.0, **scope: Any) -> None:  # noqa: ANN401
        """From now on nobody whom this concerns may be asked."""
        self.bans.append(Ban(why, self.sim.now, ends, grace_s=grace_s, **scope))

    def lift(self, why: str) -> None:
        """From now on they may again."""
        self.bans = [
            dataclasses.replace(ban, ends=self.sim.now) if ban.why == why and ban.ends == float("inf") else ban
            for ban in self.bans
        ]

    # --- what staff and people do in it

    def _act(self) -> None:
        chance = self.chance
        known = {
            "stop": self._stop,
            "pause": self._pause,
            "cancel": self._cancel,
            "expiry": self._expiry,
            "silence": self._silence,
            "code": self._code,
            "quiet": self._quiet,
            "wishes": self._wishes,
            "moves": self._moves,
            "decisions": self._decisions,
        }
        rare = [name for name in known if name not in ("wishes", "moves", "decisions")]
        wanted = self.acts_wanted or (*chance.sample(rare, 2), "wishes", "moves", "decisions")
        for name in wanted:
            self.acts.append(name)
            known[name]()

    def _some_run(self) -> RunBrief:
        return self.chance.choice(list(self.runs.briefs.values()))

    def _change(self, run: str, **changes: Any) -> None:  # noqa: ANN401
        self.runs.briefs[run] = dataclasses.replace(self.runs.briefs[run], **changes)

    def _when(self, act: Callable[[], object]) -> None:
        """Does `act` once some of all requests have been made: by then work is everywhere."""
        share = self.chance.uniform(0.05, 0.6)
        self.awaited.append((int(share * self.people * len(self.runs.briefs)), act))

    def asked(self) -> None:
        """A request has been made: what waited for this moment happens."""
        self.requests += 1
        for due in [one for one in self.awaited if one[0] <= self.requests]:
            self.awaited.remove(due)
            self.sim.after(self.chance.uniform(0, 1), due[1])

    def _stop(self) -> None:
        scope = self.chance.choice(
            ("all", "channel:whatsapp", "channel:telegram-main", "department:dept_sample", "area:D1")
        )
        why, named = f"stop {scope}", {}
        if scope.startswith("channel:"):
            named["platform"] = scope.partition(":")[2].removesuffix("-main")
        if scope == "area:D1":
            named["addresses"] = self._living_in("D1")

        def throw() -> None:
            self.made.stop(scope)
            self.ban(why, grace_s=STOPS_WITHIN_S, **named)
            self.sim.after(self.chance.uniform(30, 400), lift)

        def lift() -> None:
            self.made.lift(scope)
            self.lift(why)
            self.plans.put([{"wake": run} for run in self.runs.dispatching()], 3.0)

        self._when(throw)

    def _living_in(self, area: str) -> frozenset[str]:
        people = self.made.people.rows.values()
        return frozenset(a for one in people if area in one.area_path for a in one.addresses.values())

    def _pause(self) -> None:
        run = self._some_run().run_id

        def pause() -> None:
            if self.runs.briefs[run].status == "dispatching":
                self.runs.set(run, "paused")
                self.ban(f"paused {run}", run=run, grace_s=STOPS_WITHIN_S)
                self.sim.after(self.chance.uniform(30, 300), resume)

        def resume() -> None:
            if self.runs.briefs[run].status == "paused":
                self.runs.set(run, "dispatching")
                self.plans.put([{"wake": run}], 3.0)
            self.lift(f"paused {run}")

        self._when(pause)

    def _cancel(self) -> None:
        run = self._some_run().run_id

        def cancel() -> None:
            if self.runs.briefs[run].status in ("scheduled", "dispatching", "paused"):
                self.runs.set(run, "cancelled")
                self.ban(f"cancelled {run}", run=run, grace_s=STOPS_WITHIN_S)
                self.plans.put([{"wake": run}], 3.0)

        self._when(cancel)

    def _expiry(self) -> None:
        """The end comes three seconds after it is known: no copy is older than two."""
        run = self._some_run().run_id

        def near() -> None:
            ends = self.sim.now + 3
            self._change(run, expires_at=datetime.fromtimestamp(ends, UTC))
            self.bans.append(Ban(f"expired {run}", ends, run=run))

        self._when(near)

    def _silence(self) -> None:
        run = self._some_run().run_id
        self._change(run, kind="electioneering")

        def fall() -> None:
            self.made.calendar.elections["D1"] = Election(silent=True)
            self.ban(f"silence {run}", run=run, addresses=self._living_in("D1"))

        self._when(fall)

    def _code(self) -> None:
        run = self._some_run().run_id
        self._change(run, kind="awareness", organisation_kind="public_body")

        def bind() -> None:
            self.made.calendar.elections["IN"] = Election(codes=frozenset({"elc_sample"}))
            self.ban(f"code {run}", run=run)

        self._when(bind)

    def _quiet(self) -> None:
        """Quiet hours begin three seconds after they are known, and last some minutes."""
        run = self._some_run().run_id

        def near() -> None:
            begins = (self.clock.now() + timedelta(seconds=3)).astimezone(IST)
            ends = begins.replace(second=0, microsecond=0) + timedelta(minutes=self.chance.choice((3, 25)))
            self._change(run, quiet=QuietHours(begins.time(), ends.time()))
            self.bans.append(Ban(f"quiet {run}", begins.timestamp(), ends.timestamp(), run=run))

        self._when(near)

    def _wishes(self) -> None:
        """Some say stop, some are suspended, some leave."""
        for ident in self.chance.sample(sorted(self.made.people.rows), max(2, self.people // 25)):
            self.sim.after(self.chance.uniform(0, 80), lambda ident=ident: self._leave(ident))

    def _leave(self, ident: str) -> None:
        person = self.made.people.rows[ident]
        here = frozenset(person.addresses.values())
        match self.chance.choice(("stop", "suspended", "consent", "erased")):
            case "stop":
                self.made.people.change(ident, suppressed=frozenset(person.addresses))
            case "suspended":
                self.made.people.change(ident, status="suspended")
            case "consent":
                self.made.people.change(ident, consents=frozenset())
            case _:
                del self.made.people.rows[ident]
        self.ban("gone", addresses=here, grace_s=STOPS_WITHIN_S)

    def _moves(self) -> None:
        """While it is planned people move from one district to the other: they may be found twice."""
        self.moved = set(self.chance.sample(sorted(self.made.people.rows), self.people // 20))
        for ident in self.moved:
            self.sim.after(self.chance.uniform(0, 4), lambda ident=ident: self._move(ident))

    def _move(self, ident: str) -> None:
        rows = self.made.roster.rows
        for old, new in (("D1", "D2"), ("D2", "D1")):
            for row in rows[old]:
                if row.id == ident:
                    rows[old].remove(row)
                    rows[new].append(dataclasses.replace(row, partition=new))
                    return

    def _decisions(self) -> None:
        """A person decides about what is unknown, several times over."""
        for at in (120.0, 125.0, 500.0, 900.0):
            self.sim.after(at + self.chance.uniform(0, 30), self._decide)

    def _decide(self) -> None:
        reporter = Reporter(self.made.store, self.platform, self.clock)
        for run in list(self.runs.briefs):
            listed, _ = reporter.deliveries(run, Status.UNKNOWN, None, 1000)
            for delivery in listed:
                if self.chance.random() < 0.7:
                    how = self.chance.choice(("resend", "resend", "close"))
                    for _ in range(self.chance.choice((1, 2))):
                        self._spawn("decide", lambda key=delivery.key, how=how: self._decide_one(key, how))

    def _decide_one(self, key: str, how: Any) -> None:  # noqa: ANN401
        self._went_well(lambda: self.made.decisions().decide("u-sample", key, how, "sample"))

    def _spawn(self, name: str, body: Callable[[], object]) -> None:
        self.invocations += 1
        life = Life(f"{name} {self.invocations}", self.sim.now + INVOCATION_S)

        def whole() -> None:
            try:
                body()
            except Crash:
                self.crashes += 1

        self.sim.spawn(life, whole)

    # --- its course

    def run(self) -> Evidence:
        """From the first minute until everybody has an outcome and nothing is under way."""
        self._act()
        begun = self.sim.now
        self._tick()
        self._sample()
        ended = 0
        while ended < 2 and self.sim.now - begun < ENDS_S:  # what was deleted in vain comes once more
            self.sim.run(self.sim.now + 30)
            ended = ended + 1 if self._over() else 0
        return self._evidence(self.sim.now - begun)

    def _tick(self) -> None:
        def tick() -> None:
            self._went_well(self.made.planner().tick)

        self._spawn("tick", tick)
        self.sim.after(60, self._tick)

    def _over(self) -> bool:
        final = all(b.status in ("dispatched", "cancelled", "expired") for b in self.runs.briefs.values())
        quiet = not (self.sends.open or self.letters.open or self.plans.open)
        return final and quiet and self.sim.now - START.timestamp() > 1000

    def _facts(self) -> dict[str, dict[str, Any]]:
        """All facts as they stand, by delivery."""
        found: dict[str, dict[str, Any]] = {}
        for run in self.runs.briefs:
            for tally in self.made.store.tallies(run):
                for index, facts in tally.facts.items():
                    found[f"{run}.{tally.chunk}.{index}"] = {str(k): v for k, v in facts.items()}
        return found

    def _sample(self) -> None:
        self.samples.append(self._facts())
        if len(self.samples) < 12:
            self.sim.after(SAMPLED_S, self._sample)

    def _evidence(self, lasted_s: float) -> Evidence:
        self.samples.append(self._facts())
        for line in self.platform.log:
            if line["kind"] == "request":
                line["died"] = self.platform.asking[line["asked"]].dead
        told = {str(e.data["delivery_key"]) for e in self.made.bus.entries if e.name == "delivery.unknown"}
        return Evidence(
            seed=self.seed,
            log=self.platform.log,
            moved={self.addresses[person] for person in self.moved},
            bans=self.bans,
            runs={run: self._of_run(brief) for run, brief in self.runs.briefs.items()},
            samples=self.samples,
            told=told,
            raised=self.raised,
            crashes=self.crashes,
            invocations=self.invocations,
            dead_letters=len(self.dead),
            rates=self.platform.rates,
            lasted_s=lasted_s,
            acts=self.acts,
        )

    def _of_run(self, brief: RunBrief) -> RunEvidence:
        store = self.made.store
        report = Reporter(store, self.platform, self.clock).report([brief])
        shown = counts_as_json(report.counts)
        shown["by_channel"] = {name: counts_as_json(counts) for name, counts in report.by_channel.items()}
        outcomes: dict[str, list[str]] = {}
        unknown = set()
        for tally in store.tallies(brief.run_id):
            if not tally.size:
                continue
            chunk = store.chunks_of(brief.run_id, [tally.chunk])[tally.chunk]
            for index, person in enumerate(chunk.people):
                if Fact.UNKNOWN in tally.facts.get(index, {}):
                    unknown.add(str(chunk.key(index)))
                if tally.status(index) is not Status.SUPERSEDED:
                    outcomes.setdefault(self.addresses[person], []).append(str(tally.status(index)))
        planned = store.plan(brief.run_id) is not None and brief.status != "cancelled"
        surely = {a for person, a in self.addresses.items() if person not in self.moved} if planned else set()
        return RunEvidence(brief.status, shown, outcomes, surely, unknown)


def _of_the_wire(error: BaseException | None) -> bool:
    """Whether an AWS call that failed is behind it."""
    while error is not None:
        if type(error).__module__.startswith(("botocore", "pynamodb")):
            return True
        error = error.__cause__ or error.__context__
    return False


@cache
def engine() -> Engine:
    """The engine of this process."""
    return Engine()
