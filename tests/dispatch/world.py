"""A small world around the real dispatch store: people, runs, a platform and queues that live in memory.

The stand-ins work: the platform takes, refuses, throttles and loses answers as it is told, and remembers
every request; the queue hands messages out in order, after their delay, and again when their handler failed.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib import aws
from chalicelib.clock import Clock
from chalicelib.dispatch.channels import Breaker
from chalicelib.dispatch.decisions import Decisions
from chalicelib.dispatch.direct import Direct
from chalicelib.dispatch.fallback import Fallbacks
from chalicelib.dispatch.model import Counts, Status, Tally, Ticket, total
from chalicelib.dispatch.paces import Paces
from chalicelib.dispatch.planner import Planner
from chalicelib.dispatch.sender import Sender
from chalicelib.dispatch.stops import StandingStops
from chalicelib.dispatch.store import STOPS, DispatchStore, StopItem
from chalicelib.dispatch.tallying import Tallying
from chalicelib.dispatch.waiting import Waiting
from chalicelib.errors import JanJanError
from chalicelib.events.bus import Entry
from chalicelib.identity.audit import Audit
from chalicelib.platforms.base import (
    Accepted,
    Capabilities,
    Channel,
    Line,
    OutcomeUnknown,
    Outgoing,
    SendRefused,
)
from chalicelib.ports import Contact, Election, RosterRange, RosterRow, RunBrief
from chalicelib.queues import _whole

START = datetime(2026, 11, 2, 5, 30, tzinfo=UTC)
RUN = "cmp_aaaaaaaaaaaaaaaa-1"
INVOCATION_S = 60


class Crash(BaseException):
    """The process dies here: nothing catches it, nothing that it does after reaches the world."""


class MovingClock(Clock):
    """A clock that stands where it was put."""

    def __init__(self) -> None:
        object.__setattr__(self, "offset_file", "")
        self.put(START)

    def put(self, at: datetime) -> None:
        object.__setattr__(self, "at", at)

    def now(self) -> datetime:
        return self.at  # type: ignore[attr-defined,no-any-return]

    def move(self, seconds: float) -> None:
        self.put(self.at + timedelta(seconds=seconds))


@dataclass
class MemoryRuns:
    briefs: dict[str, RunBrief]
    stretches: list[RosterRange]
    languages: tuple[str, ...] = ("hi", "en")
    texts: bool = True
    """Whether a full text waits behind the template."""

    def get(self, run_id: str) -> RunBrief | None:
        return self.briefs.get(run_id)

    def due(self, now: datetime, limit: int) -> list[str]:
        return [r for r, b in self.briefs.items() if b.status == "scheduled" and b.at <= now][:limit]

    def of_campaign(self, campaign_id: str) -> list[RunBrief]:
        return [b for b in self.briefs.values() if b.campaign_id == campaign_id]

    def start(self, run_id: str) -> bool:
        if self.briefs[run_id].status != "scheduled":
            return False
        self.set(run_id, "dispatching")
        return True

    def finish(self, run_id: str, *, left: int = 0) -> None:
        self.set(run_id, "expired" if left or self.briefs[run_id].status == "paused" else "dispatched")

    def set(self, run_id: str, status: Any) -> None:
        brief = self.briefs[run_id]
        self.briefs[run_id] = RunBrief(**{**vars(brief), "status": status})

    def dispatching(self) -> list[str]:
        return [r for r, b in self.briefs.items() if b.status in ("dispatching", "paused")]

    def ranges(self, run_id: str) -> list[RosterRange]:
        return self.stretches

    def wants(self, run_id: str, rows: Iterable[RosterRow]) -> list[RosterRow]:
        return list(rows)

    def language_for(self, run_id: str, channel: str, wanted: str) -> str | None:
        return wanted if wanted in self.languages else "hi"

    def fingerprint(self, run_id: str) -> str:
        return "0" * 64

    def message(self, run_id: str, channel: str, language: str, contact: Contact) -> Outgoing:
        return Outgoing(text=f"{contact.name}: {language}")

    def full_text(self, run_id: str, channel: str, language: str, contact: Contact) -> Outgoing | None:
        return Outgoing(text=f"all of {run_id} in {language}") if self.texts else None


@dataclass
class MemoryPeople:
    rows: dict[str, Contact] = field(default_factory=dict)
    stopped: list[tuple[str, str]] = field(default_factory=list)

    def contacts(self, ids: Sequence[str]) -> dict[str, Contact]:
        return {i: self.rows[i] for i in ids if i in self.rows}

    def change(self, person: str, **changes: Any) -> None:
        self.rows[person] = Contact(**{**vars(self.rows[person]), **changes})

    def owner(self, channel: str, address: str) -> str | None:
        return next((i for i, one in self.rows.items() if one.addresses.get(channel) == address), None)

    def stop(self, channel: str, address: str, *, evidence: str, at: datetime) -> str | None:
        self.stopped.append((channel, address))
        return "hi"

    def restart(self, channel: str, address: str, *, evidence: str, at: datetime) -> str | None:
        return None

    def start_telegram(self, token: str, chat_id: str, *, at: datetime) -> str | None:
        return None


@dataclass
class MemoryRoster:
    rows: dict[str, list[RosterRow]]

    def page(self, where: RosterRange, after: str | None, limit: int) -> tuple[list[RosterRow], str | None]:
        keyed = [(f"{r.area_key}#{r.id}", r) for r in self.rows.get(where.partition, [])]
        left = sorted((k, r) for k, r in keyed if k.startswith(where.prefix) and k > (after or ""))
        taken = left[:limit]
        return [r for _, r in taken], taken[-1][0] if len(left) > limit else None


Answer = Callable[[str, Outgoing], None]


@dataclass
class MemoryPlatform:
    """Takes every message, unless `answers` has something else in store for the next requests to an
    address."""

    receipts: bool = True
    rate_per_s: float = 1000.0
    pair_gap_s: float = 0.0
    per_day: int | None = None
    ttl_s: tuple[int, int] | None = None
    requests: list[tuple[str, Outgoing]] = field(default_factory=list)
    taken: list[tuple[str, Outgoing]] = field(default_factory=list)
    answers: dict[str, list[JanJanError | None]] = field(default_factory=dict)
    ill: bool = False
    """Whether a probe finds its channels ill."""
    probes: list[str] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    """Ids of the channels of all requests."""
    carried_by: dict[str, str] = field(default_factory=dict)
    """The platform of a medium, where it has not its name."""

    def channel_for(self, medium: str) -> Channel:
        return Channel(f"{medium}-main", self.carried_by.get(medium, medium), {}, medium)

    def channel_on(self, line: Line, medium: str) -> Channel:
        first = self.channel_for(medium)
        if line == Line(first.platform):
            return first
        return Channel("-".join((medium, line.platform, *line.to)), line.platform, {}, medium)

    def channel(self, channel_id: str) -> Channel:
        return self.channel_for(channel_id.removesuffix("-main"))

    def channels(self) -> list[Channel]:
        return [self.channel_for("telegram"), self.channel_for("whatsapp")]

    def probe(self, channel: Channel) -> None:
        self.probes.append(channel.id)
        if self.ill:
            raise SendRefused("health_blocked", "channel")

    def capabilities(self, platform: str) -> Capabilities:
        return Capabilities(
            receipts=self.receipts and platform != "telegram",
            templates=platform == "whatsapp",
            carries_key=True,
            rate_per_s=self.rate_per_s,
            pair_gap_s=self.pair_gap_s,
            per_day=self.per_day,
            ttl_s=self.ttl_s,
        )

    def send(self, channel: Channel, to: str, message: Outgoing) -> Accepted:
        self.requests.append((to, message))
        self.over.append(channel.id)
        answer = self.answers[to].pop(0) if self.answers.get(to) else None
        if answer is None or isinstance(answer, OutcomeUnknown):
            self.taken.append((to, message))
        if answer is not None:
            raise answer
        return Accepted(f"wamid.{len(self.requests)}")


@dataclass
class MemoryQueue:
    clock: MovingClock
    messages: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)

    def put(self, bodies: Iterable[Mapping[str, Any]], delay_s: float = 0) -> int:
        return self.put_each((body, delay_s) for body in bodies)

    def put_each(self, messages: Iterable[tuple[Mapping[str, Any], float]]) -> int:
        made = [(self.clock.now() + timedelta(seconds=_whole(delay_s)), dict(b)) for b, delay_s in messages]
        self.messages += made
        return len(made)

    def take(self) -> dict[str, Any] | None:
        """The message that is due first, the clock moved on to it."""
        if not self.messages:
            return None
        self.messages.sort(key=lambda m: m[0])
        due, body = self.messages.pop(0)
        self.clock.put(max(self.clock.at, due))
        return body


@dataclass
class MemoryHalts:
    """Pauses campaigns after a platform's word."""

    runs: MemoryRuns
    paused: list[tuple[str, str]] = field(default_factory=list)

    def pause_campaign(self, campaign_id: str, code: str) -> None:
        self.paused.append((campaign_id, code))
        for run in self.runs.of_campaign(campaign_id):
            self.runs.set(run.run_id, "paused")

    def pause_template(self, platform: str, template: str, language: str, code: str) -> None:
        self.paused.append((f"{platform} {template} {language}", code))


@dataclass
class MemoryCalendar:
    """By area what an election means there; an unknown area is silent."""

    elections: dict[str, Election] = field(default_factory=dict)

    def at(self, path: Sequence[str], when: datetime) -> Election:
        here = [self.elections[area] for area in path if area in self.elections]
        codes = frozenset(code for one in here for code in one.codes)
        return Election(not path or any(one.silent for one in here), codes)


@dataclass
class MemoryBus:
    entries: list[Entry] = field(default_factory=list)

    def publish(self, entries: Sequence[Entry]) -> int:
        self.entries += entries
        return len(entries)


class AtOnce(Executor):
    """Runs what it is given before it gives it back: one thing after the other."""

    def submit(self, task: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(task(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


class Faults:
    """Wraps collaborators so that the n-th call dies before or after it has taken effect."""

    def __init__(self) -> None:
        self.calls = 0
        self.at: int | None = None
        self.after = False
        self.dead = False
        """Until the next process is made, every call dies."""
        self.seen: list[str] = []

    def wrap(self, target: Any, *names: str) -> Any:
        faults = self

        class Wrapped:
            def __getattr__(self, name: str) -> Any:
                real = getattr(target, name)
                return faults.guarded(name, real) if name in names else real

        return Wrapped()

    def guarded(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self.dead:
                raise Crash(f"dead at {name}")
            self.calls += 1
            self.seen.append(name)
            self.dead = self.at == self.calls
            if self.dead and not self.after:
                raise Crash(f"before {name}")
            result = real(*args, **kwargs)
            if self.dead:
                raise Crash(f"after {name}")
            return result

        return call


@dataclass
class World:
    people: MemoryPeople
    platform: MemoryPlatform
    runs: MemoryRuns
    roster: MemoryRoster
    clock: MovingClock
    plan_queue: MemoryQueue
    send_queue: MemoryQueue
    bus: MemoryBus
    faults: Faults
    store: DispatchStore = field(default_factory=DispatchStore)
    invocations: int = 0
    weekly_cap: int = 0
    calendar: MemoryCalendar = field(default_factory=MemoryCalendar)
    paces: Paces = field(default_factory=Paces)
    campaign_halts: MemoryHalts = field(init=False)
    standing: StandingStops = field(init=False)

    def __post_init__(self) -> None:
        self.standing = StandingStops(self.store, ticks=self.clock.epoch)
        self.campaign_halts = MemoryHalts(self.runs)

    def planner(self) -> Planner:
        self.faults.dead = False
        wrap = self.faults.wrap
        return Planner(
            wrap(
                self.store, "freeze", "write_chunks", "plan_goes_on", "begin_plan", "park", "parked", "unpark"
            ),
            self.runs,
            self.roster,
            wrap(self.plan_queue, "put"),
            wrap(self.send_queue, "put", "put_each"),
            self.platform,
            wrap(self.paces, "stand"),
            self.clock,
            Fallbacks(
                wrap(self.store, "fall_back", "record"),
                self.runs,
                self.people,
                wrap(self.send_queue, "put"),
                self.clock,
                sleep=self.clock.move,
            ),
            self.waiting(),
        )

    def waiting(self) -> Waiting:
        wrap = self.faults.wrap
        gateway = wrap(self.platform, "send")
        store = wrap(self.store, "claim_service", "service_outcome")
        return Waiting(
            store=self.store,
            runs=self.runs,
            people=self.people,
            gateway=gateway,
            direct=Direct(store, gateway, self.clock, self.standing),
            calendar=self.calendar,
            stops=self.standing,
            plan_queue=wrap(self.plan_queue, "put"),
            clock=self.clock,
        )

    def sender(self) -> Sender:
        self.faults.dead = False
        wrap = self.faults.wrap
        return Sender(
            wrap(self.store, "claim", "keep_place", "release", "record", "give_up", "park"),
            self.runs,
            self.people,
            wrap(self.platform, "send"),
            wrap(self.bus, "publish"),
            wrap(self.send_queue, "put"),
            self.clock,
            self.standing,
            self.calendar,
            wrap(self.plan_queue, "put"),
            wrap(self.paces, "lease", "give_back", "slowed"),
            self.breaker(),
            wrap(self.campaign_halts, "pause_campaign"),
            AtOnce(),
            weekly_cap=self.weekly_cap,
            sleep=self.clock.move,
        )

    def breaker(self) -> Breaker:
        self.faults.dead = False
        wrap = self.faults.wrap
        return Breaker(
            wrap(self.store, "change_stop"),
            self.platform,
            self.runs,
            wrap(self.plan_queue, "put"),
            wrap(Audit(lambda _: None), "committing"),
            wrap(self.bus, "publish"),
            self.clock,
        )

    def decisions(self) -> Decisions:
        self.faults.dead = False
        wrap = self.faults.wrap
        return Decisions(
            self.store,
            self.runs,
            wrap(Audit(lambda _: None), "committing"),
            wrap(self.send_queue, "put"),
            self.clock,
        )

    @property
    def tallying(self) -> Tallying:
        return Tallying(self.store, self.runs, self.plan_queue, self.clock)

    def callbacks(self) -> Tallying:
        """The same, which may die at any step."""
        self.faults.dead = False
        wrap = self.faults.wrap
        return Tallying(wrap(self.store, "record"), self.runs, wrap(self.plan_queue, "put"), self.clock)

    def launch(self) -> None:
        self.plan_queue.put([{"launch": RUN}])
        self.plan()

    def plan(self) -> None:
        """Handles all that lies on the plan queue, except looks at what is not settled yet."""
        while (message := self.plan_queue.take()) is not None:
            if "settle" not in message:
                self.planner().handle(message)

    def send(self, *, most: int = 500) -> None:
        """Handles what lies on the send queue until it is empty; a message whose handler died comes again
        later."""
        for _ in range(most):
            message = self.send_queue.take()
            if message is None:
                return
            self.send_one(message)
        raise AssertionError("the queue does not run empty")

    def send_one(self, message: dict[str, Any]) -> None:
        self.invocations += 1
        deadline = self.clock.epoch() + INVOCATION_S
        try:
            self.sender().send_chunk(Ticket.of(message), f"invocation {self.invocations}", deadline)
        except (Crash, JanJanError):
            self.send_queue.put([message], INVOCATION_S * 6)

    def stop(self, scope: str) -> None:
        StopItem(STOPS, scope, reason="sample", by="u-admin", at="2026-11-02T05:30:00Z").save()

    def lift(self, scope: str) -> None:
        StopItem(STOPS, scope).delete()

    def tallies(self) -> list[Tally]:
        return list(self.store.tallies(RUN))

    def counts(self) -> Counts:
        return total(self.tallies())

    def statuses(self) -> dict[str, list[Status]]:
        """For each person, the status at every place of the run that holds them and counts."""
        found: dict[str, list[Status]] = {}
        for tally in self.tallies():
            if tally.size:
                people = self.store.people_of(RUN, [tally.chunk])[tally.chunk]
                for index, person in enumerate(people):
                    if tally.status(index) is not Status.SUPERSEDED:
                        found.setdefault(person, []).append(tally.status(index))
        return found

    def requests_to(self) -> Counter[str]:
        return Counter(to for to, _ in self.platform.requests)

    def taken_by(self) -> Counter[str]:
        return Counter(to for to, _ in self.platform.taken)


def person_id(n: int) -> str:
    return f"inf_{n:016d}"


def address(n: int) -> str:
    return f"9190000{n:05d}"


def world(
    people: int, *, seed: int = 1, channels: tuple[str, ...] = ("whatsapp",), receipts: bool = True
) -> World:
    """`people` approved and consenting people in two districts, and a run to all of them, scheduled."""
    chance = random.Random(seed)
    contacts, rows = {}, {"D1": [], "D2": []}
    for n in range(people):
        ident, channel = person_id(n), chance.choice(channels)
        district = "D1" if n % 2 else "D2"
        contacts[ident] = Contact(
            ident,
            "approved",
            f"Sample {n}",
            "hi",
            ("IN", "IN-XN", district),
            {channel: address(n)},
            frozenset({("campaigns", channel)}),
            frozenset(),
        )
        rows[district].append(RosterRow(ident, district, "", "hi", channels=(channel,)))
    brief = RunBrief(
        RUN, RUN[:-2], "scheduled", START, START + timedelta(days=2), channels, department="dept_sample"
    )
    clock = MovingClock()
    return World(
        MemoryPeople(contacts),
        MemoryPlatform(receipts=receipts),
        MemoryRuns({RUN: brief}, [RosterRange("D1"), RosterRange("D2")]),
        MemoryRoster(rows),
        clock,
        MemoryQueue(clock),
        MemoryQueue(clock),
        MemoryBus(),
        Faults(),
    )


def empty_tables() -> None:
    """Takes out what a world left, so that many can be played through within one test."""
    dynamodb = aws.client("dynamodb")
    for table in (f"janjan-local-{name}" for name in ("ledger", "tallies", "audit", "ops")):
        left = dynamodb.scan(TableName=table)["Items"]
        asked = [{"DeleteRequest": {"Key": {"pk": item["pk"], "sk": item["sk"]}}} for item in left]
        for first in range(0, len(asked), 25):
            dynamodb.batch_write_item(RequestItems={table: asked[first : first + 25]})
