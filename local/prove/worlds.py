"""Simulated worlds: the real planner, sender, tallies and decisions on the embedded DynamoDB, all else drawn
from a seed: what fails and when, who changes their mind, what staff do in the middle.

Nothing here counts or judges. A world ends with evidence: what the platforms saw, what was decreed when, and
what the application says. `local.judge` compares them.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from chalicelib.dispatch import planner as planning
from chalicelib.dispatch import sender as sending
from chalicelib.dispatch.model import Fact, Status, Ticket
from chalicelib.dispatch.paces import Paces
from chalicelib.dispatch.report import Reporter, counts_as_json
from chalicelib.dispatch.stops import StandingStops
from chalicelib.errors import JanJanError
from chalicelib.ports import Proof, RunBrief
from local import judge
from local.judge import Ban, Outcome
from local.prove.acts import ALWAYS, RARE, Acts
from local.prove.engine import Engine, refusal
from local.prove.parts import (
    INVOCATION_S,
    SimBus,
    SimClock,
    SimPeople,
    SimPlatform,
    SimQueue,
    SimRoster,
    SimRuns,
    Unharmed,
    View,
    Weather,
)
from local.prove.simulation import FOREVER, Life, Lock, Simulation, Threads, wait
from tests.dispatch import world as stand_ins
from tests.dispatch.world import START, Crash

WORK = sending.Work
SENDERS, PLANNERS, PROCESSORS = 5, 2, 3
BATCH = 10
ENDS_S = 8 * 3600.0
"""A world that has not ended by then never will."""
GATHERED_S = 2.0
SAMPLED_S = 2.0
CAPPED_RUNS = 8
"""So many runs at once, and so fast, to a quarter of the people: they meet at one person."""
PAGE = 60
"""Rows that are planned in one step: few, so that a small world has many steps."""


@dataclass
class Evidence:
    """What is known when a world has ended."""

    seed: int
    log: list[dict[str, Any]]
    bans: list[Ban]
    moved: set[str]
    """People who changed their place while plans were made."""
    who: dict[str, str]
    """Everybody who was ever there, by `platform:address`."""
    runs: dict[str, RunEvidence]
    changed: list[str]
    """Facts that were known once and were gone or different two seconds later."""
    told: set[str]
    """Delivery keys that events called unknown."""
    raised: list[str]
    """Errors that no code should raise."""
    weekly_cap: int
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
    outcomes: dict[str, list[Outcome]]
    """By person: what is said at each place that counts them."""
    surely: set[str]
    """People whom the run must have counted: they were in its audience all the time."""
    unknown: set[str]
    """Delivery keys with a committed `unknown`."""
    capped: set[str]
    """People who were not sent to, because their week was full."""
    corrects: str = ""
    """The run that it corrects."""


@dataclass
class Place:
    """One world."""

    seed: int
    people: int
    engine: Engine
    weather: Weather = field(default_factory=Weather)
    wanted: tuple[str, ...] = ()
    """What happens; empty: what the seed draws."""
    bans: list[Ban] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)
    dead: list[dict[str, Any]] = field(default_factory=list)
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    crashes: int = 0
    invocations: int = 0
    decided: Counter[str] = field(default_factory=Counter)
    postbag: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"world {self.seed}")
        self.sim = Simulation(self.seed, START.timestamp())
        self.clock = SimClock(self.sim)
        self.wanted = self.wanted or (*self.chance.sample(RARE, 2), *ALWAYS)
        if "cap" in self.wanted:
            self.people = max(10, self.people // 4)
        random.seed(self.seed)  # the SDK draws its waits there
        self.engine.empty()
        self.engine.through, self.engine.sleep = self._wire, self._backoff
        planning.PAGE_SIZE = PAGE
        self._thread()
        self._build()

    # --- how it is made

    def _build(self) -> None:
        made = stand_ins.world(self.people, seed=self.seed, channels=("whatsapp", "whatsapp", "telegram"))
        chance = self.chance
        made.clock, made.faults = self.clock, Unharmed()  # type: ignore[assignment]
        made.people = SimPeople(made.people.rows, place=self)
        made.roster = SimRoster(made.roster.rows, place=self)
        made.bus, made.paces = SimBus(place=self), Paces(pause=self._backoff)
        [first] = made.runs.briefs.values()
        briefs = {}
        capped = "cap" in self.wanted
        for letter in "abcdefgh"[: CAPPED_RUNS if capped else chance.choice((1, 2))]:
            campaign = f"cmp_{letter * 16}"
            briefs[f"{campaign}-1"] = dataclasses.replace(
                first,
                run_id=f"{campaign}-1",
                campaign_id=campaign,
                at=START + timedelta(seconds=0 if capped else chance.choice((0, 0, 20))),
                kind="voter_awareness",
                channels=self._channels(letter),
            )
        made.runs = SimRuns(briefs, made.runs.stretches, place=self)
        load = self.people * len(briefs)
        made.weekly_cap = chance.choice((1, 2, 3)) if capped else 0
        slow = 0.1 if capped else chance.choice((1, 1, 4))
        rates = {"whatsapp": max(2.0, load / 60 / slow), "telegram": max(2.0, load / 120 / slow)}
        rates |= {"telegram": rates["whatsapp"]} if capped else {}
        made.platform = SimPlatform(place=self, rates=rates)
        self.sends = SimQueue("send", self, self._send, SENDERS)
        self.plans = SimQueue("plan", self, self._plan, PLANNERS)
        self.letters = SimQueue("callbacks", self, self._hear, PROCESSORS, BATCH)
        made.send_queue, made.plan_queue = self.sends, self.plans  # type: ignore[assignment]
        self.faults: Counter[str] = Counter()
        self.aws_calls = 0
        self.made, self.platform, self.runs = made, made.platform, made.runs
        self.acts = Acts(self)
        if {"fallback", "cap"} & set(self.wanted):
            self._reach_twice(1.0 if capped else 0.5)
        rows = made.people.rows.items()
        self.who = {f"{p}:{a}": i for i, row in rows for p, a in row.addresses.items()}

    def _channels(self, letter: str) -> tuple[str, ...]:
        """The channels of a run. Where the cap is tried, each has one: two reach a person at once."""
        both = ("whatsapp", "telegram")
        return (both["aceg".find(letter) < 0],) if "cap" in self.wanted else both

    def _reach_twice(self, share: float) -> None:
        """Makes so many reachable over both channels."""
        people, roster = self.made.people, self.made.roster
        both = set(self.chance.sample(sorted(people.rows), int(self.people * share)))
        for ident in sorted(both):
            [address] = people.rows[ident].addresses.values()
            people.change(
                ident,
                addresses={"whatsapp": address, "telegram": f"8{address[1:]}"},
                consents=frozenset(("campaigns", channel) for channel in ("whatsapp", "telegram")),
            )
        for place, rows in roster.rows.items():
            roster.rows[place] = [
                dataclasses.replace(row, channels=("whatsapp", "telegram")) if row.id in both else row
                for row in rows
            ]

    def _thread(self) -> None:
        """What the sender does with threads, it does with processes of the simulation."""
        sim = self.sim

        class Work(WORK):  # type: ignore[misc,valid-type]
            def __post_init__(self) -> None:
                self.lock = Lock(sim)

        sending.Work, sending.wait = Work, lambda futures: wait(sim, futures)  # type: ignore[misc,assignment]

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
        slow = self.chance.random() < weather.slow
        given: tuple[int, bytes] = self.call(act, self.chance.uniform(0.2, 1.5) if slow else 0.01)
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
            threads, token = Threads(self.sim), f"{name} {position}"
            sender = dataclasses.replace(self.made.sender(), runs=view, stops=standing, threads=threads)
            if not self.went_well(partial(sender.send_chunk, Ticket.of(message), token, deadline)):
                yield position

    def _plan(self, batch: list[dict[str, Any]], deadline: float, name: str) -> Iterable[int]:
        for position, message in enumerate(batch):
            planner = dataclasses.replace(self.made.planner(), runs=View(self.runs, self.sim, self))
            if not self.went_well(partial(planner.handle, message)):
                yield position

    def _hear(self, batch: list[dict[str, Any]], deadline: float, name: str) -> Iterable[int]:
        proofs = [
            Proof(news["key"], news["status"], datetime.fromtimestamp(news["at"], UTC), news.get("code", ""))
            for letter in batch
            for news in letter["updates"]
        ]
        return () if self.went_well(lambda: self.made.tallying.record(proofs)) else range(len(batch))

    def went_well(self, act: Callable[[], object]) -> bool:
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
        for copy in range(1 + (self.chance.random() < self.weather.told_twice)):
            if copy:  # the platform repeats itself in other words
                news = {**news, "at": news["at"] + self.chance.randint(0, 30), "code": "131000"}
            self.sim.after(self.chance.expovariate(1 / 10), partial(self._post, platform, news))

    def _post(self, platform: str, news: dict[str, Any]) -> None:
        """What falls due within seconds travels together."""
        if not self.postbag:
            self.sim.after(GATHERED_S, self._empty_postbag)
        self.postbag.append((platform, news))

    def _empty_postbag(self) -> None:
        self.chance.shuffle(self.postbag)
        updates = [news for _, news in self.postbag]
        self.platform.log.append(
            {
                "kind": "callback",
                "at": self.sim.now,
                "platform": "whatsapp",
                "taken": True,
                "updates": [*updates],
            }
        )
        while updates:
            count = self.chance.randint(1, 25)
            self.letters.put([{"updates": updates[:count]}])
            del updates[:count]
        self.postbag.clear()

    def ban(self, why: str, *, ends: float = FOREVER, grace_s: float = 0.0, **scope: Any) -> None:  # noqa: ANN401
        """From now on nobody whom this concerns may be asked."""
        self.bans.append(Ban(why, self.sim.now, ends, grace_s=grace_s, **scope))

    def lift(self, why: str) -> None:
        """From now on they may again."""
        for position, ban in enumerate(self.bans):
            if ban.why == why and ban.ends == FOREVER:
                self.bans[position] = dataclasses.replace(ban, ends=self.sim.now)

    def spawn(self, name: str, body: Callable[[], object]) -> None:
        """An invocation by somebody or something else than a queue."""
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
        self.acts.prepare()
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
            self.went_well(self.made.planner().tick)

        self.spawn("tick", tick)
        self.sim.after(60, self._tick)

    def _over(self) -> bool:
        final = all(b.status in ("dispatched", "cancelled", "expired") for b in self.runs.briefs.values())
        quiet = not (self.sends.open or self.letters.open or self.plans.open)
        return final and quiet and self.sim.now - START.timestamp() > 1000

    def _facts(self) -> dict[str, dict[str, Any]]:
        """All facts as they lie in the table, by tally."""
        items = self.engine.items("tallies")
        return {f"{i['pk']['S']} {i['sk']['S']}": i["fa"]["M"].copy() for i in items if "fa" in i}

    def _sample(self) -> None:
        now = self._facts()
        for place, facts in self.known.items():
            found = now.get(place, {})
            if found is not facts:
                self.changed += judge.changed_facts(place, facts, found)
        self.known = now
        self.sim.after(SAMPLED_S, self._sample)

    def _evidence(self, lasted_s: float) -> Evidence:
        for line in self.platform.log:
            if line["kind"] == "request":
                line["died"] = self.platform.asking[line["asked"]].dead
        told = {str(e.data["delivery_key"]) for e in self.made.bus.entries if e.name == "delivery.unknown"}
        return Evidence(
            seed=self.seed,
            log=self.platform.log,
            moved=self.acts.moved,
            who=self.who,
            bans=self.bans,
            runs={run: self._of_run(brief) for run, brief in self.runs.briefs.items()},
            changed=self.changed,
            told=told,
            raised=self.raised,
            weekly_cap=self.made.weekly_cap,
            crashes=self.crashes,
            invocations=self.invocations,
            dead_letters=len(self.dead),
            rates=self.platform.rates,
            lasted_s=lasted_s,
            acts=self.acts.done,
        )

    def _of_run(self, brief: RunBrief) -> RunEvidence:
        store = self.made.store
        report = Reporter(store, self.platform, self.clock).report([brief])
        shown = counts_as_json(report.counts)
        shown["by_channel"] = {name: counts_as_json(counts) for name, counts in report.by_channel.items()}
        outcomes: dict[str, list[Outcome]] = {}
        unknown, capped = set(), set()
        for tally in store.tallies(brief.run_id):
            if not tally.size:
                continue
            chunk = store.chunks_of(brief.run_id, [tally.chunk])[tally.chunk]
            for index, person in enumerate(chunk.people):
                facts = tally.facts.get(index, {})
                if Fact.UNKNOWN in facts:
                    unknown.add(str(chunk.key(index)))
                if facts.get(Fact.NOT_SENT) == "weekly_cap" and tally.status(index) is Status.NOT_SENT:
                    capped.add(person)
                if tally.status(index) is not Status.SUPERSEDED:
                    said = Outcome(str(tally.status(index)), chunk.attempt, chunk.channel)
                    outcomes.setdefault(person, []).append(said)
        planned = store.plan(brief.run_id) is not None and not (
            brief.status == "cancelled" or brief.recalled or brief.parent
        )
        surely = set(self.who.values()) - self.acts.moved if planned else set()
        return RunEvidence(brief.status, shown, outcomes, surely, unknown, capped, brief.parent)


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
