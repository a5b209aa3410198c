"""What staff and people do in the middle of a simulated world, and what may not be asked from then on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib.clock import IST
from chalicelib.dispatch.model import Status
from chalicelib.dispatch.report import Reporter
from chalicelib.ports import Election, QuietHours, RosterRow, RunBrief
from local.judge import Ban

if TYPE_CHECKING:
    from local.prove.worlds import Place

STOPS_WITHIN_S = 5.0
"""So long a pause, a stop or a person's wish may take to reach every sender."""


MOVE = 0.08
RARE = ("cap", "fallback", "stop", "pause", "cancel", "expiry", "silence", "code", "quiet", "correction")
ALWAYS = ("wishes", "moves", "decisions")


@dataclass
class Acts:
    """The acts of one world, drawn from its seed."""

    place: Place
    done: list[str] = field(default_factory=list)
    moved: set[str] = field(default_factory=set)
    """People who change their place while plans are made."""
    awaited: list[tuple[int, Callable[[], object]]] = field(default_factory=list)
    requests: int = 0
    moving: bool = False

    def prepare(self) -> None:
        """Draws what will happen, or takes what is wanted."""
        known = {
            "cap": lambda: None,  # these two lie in the making of the world
            "fallback": lambda: None,
            "stop": self._stop,
            "pause": self._pause,
            "cancel": self._cancel,
            "expiry": self._expiry,
            "silence": self._silence,
            "code": self._code,
            "quiet": self._quiet,
            "correction": self._correction,
            "wishes": self._wishes,
            "moves": self._moves,
            "decisions": self._decisions,
        }
        for name in self.place.wanted:
            self.done.append(name)
            known[name]()

    def _some_run(self) -> RunBrief:
        return self.place.chance.choice(list(self.place.runs.briefs.values()))

    def _change(self, run: str, **changes: Any) -> None:  # noqa: ANN401
        self.place.runs.briefs[run] = dataclasses.replace(self.place.runs.briefs[run], **changes)

    def _when(self, act: Callable[[], object]) -> None:
        """Does `act` once some of all requests have been made: by then work is everywhere."""
        share = self.place.chance.uniform(0.05, 0.6)
        self.awaited.append((int(share * self.place.people * len(self.place.runs.briefs)), act))

    def asked(self) -> None:
        """A request has been made: what waited for this moment happens."""
        self.requests += 1
        for due in [one for one in self.awaited if one[0] <= self.requests]:
            self.awaited.remove(due)
            self.place.sim.after(self.place.chance.uniform(0, 1), due[1])

    def _stop(self) -> None:
        scope = self.place.chance.choice(
            ("all", "channel:whatsapp", "channel:telegram-main", "department:dept_sample", "area:D1")
        )
        why, named = f"stop {scope}", {}
        if scope.startswith("channel:"):
            named["platform"] = scope.partition(":")[2].removesuffix("-main")
        if scope == "area:D1":
            named["addresses"] = self._living_in("D1")

        def throw() -> None:
            self.place.made.stop(scope)
            self.place.ban(why, grace_s=STOPS_WITHIN_S, **named)
            self.place.sim.after(self.place.chance.uniform(30, 400), lift)

        def lift() -> None:
            self.place.made.lift(scope)
            self.place.lift(why)
            self.place.plans.put([{"wake": run} for run in self.place.runs.dispatching()], 3.0)

        self._when(throw)

    def _living_in(self, area: str) -> frozenset[str]:
        people = self.place.made.people.rows.values()
        return frozenset(a for one in people if area in one.area_path for a in one.addresses.values())

    def _pause(self) -> None:
        run = self._some_run().run_id

        def pause() -> None:
            if self.place.runs.briefs[run].status == "dispatching":
                self.place.runs.set(run, "paused")
                self.place.ban(f"paused {run}", run=run, grace_s=STOPS_WITHIN_S)
                self.place.sim.after(self.place.chance.uniform(30, 300), resume)

        def resume() -> None:
            if self.place.runs.briefs[run].status == "paused":
                self.place.runs.set(run, "dispatching")
                self.place.plans.put([{"wake": run}], 3.0)
            self.place.lift(f"paused {run}")

        self._when(pause)

    def _cancel(self) -> None:
        run = self._some_run().run_id

        def cancel() -> None:
            if self.place.runs.briefs[run].status in ("scheduled", "dispatching", "paused"):
                self.place.runs.set(run, "cancelled")
                self.place.ban(f"cancelled {run}", run=run, grace_s=STOPS_WITHIN_S)
                self.place.plans.put([{"wake": run}], 3.0)

        self._when(cancel)

    def _expiry(self) -> None:
        """The end comes three seconds after it is known: no copy is older than two."""
        run = self._some_run().run_id

        def near() -> None:
            ends = self.place.sim.now + 3
            self._change(run, expires_at=datetime.fromtimestamp(ends, UTC))
            self.place.bans.append(Ban(f"expired {run}", ends, run=run))

        self._when(near)

    def _of_kind(self, kind: str, organisation: str) -> str | None:
        """A run that is made one of this kind; None when all have been made others."""
        free = [brief.run_id for brief in self.place.runs.briefs.values() if brief.kind == "voter_awareness"]
        if not free:
            return None
        run = self.place.chance.choice(free)
        self._change(run, kind=kind, organisation_kind=organisation)
        return run

    def _silence(self) -> None:
        run = self._of_kind("electioneering", "party")

        def fall() -> None:
            self.place.made.calendar.elections["D1"] = Election(silent=True)
            self.place.ban(f"silence {run}", run=run, addresses=self._living_in("D1"))

        if run:
            self._when(fall)

    def _code(self) -> None:
        run = self._of_kind("awareness", "public_body")

        def bind() -> None:
            self.place.made.calendar.elections["IN"] = Election(codes=frozenset({"elc_sample"}))
            self.place.ban(f"code {run}", run=run)

        if run:
            self._when(bind)

    def _quiet(self) -> None:
        """Quiet hours begin three seconds after they are known, and last some minutes."""
        run = self._some_run().run_id

        def near() -> None:
            begins = (self.place.clock.now() + timedelta(seconds=3)).astimezone(IST)
            ends = begins.replace(second=0, microsecond=0) + timedelta(
                minutes=self.place.chance.choice((3, 25))
            )
            self._change(run, quiet=QuietHours(begins.time(), ends.time()))
            self.place.bans.append(Ban(f"quiet {run}", begins.timestamp(), ends.timestamp(), run=run))

        self._when(near)

    def _correction(self) -> None:
        """What has been sent of a run was wrong: no more of it goes out, and who got it is told."""
        run = self._some_run().run_id

        def recall() -> None:
            self._change(run, recalled=True)
            self.place.ban(f"recalled {run}", run=run, grace_s=STOPS_WITHIN_S)
            self.place.sim.after(3.0, correct)

        def correct() -> None:
            brief, now = self.place.runs.briefs[run], self.place.clock.now()
            again = f"{brief.campaign_id}-2"
            self.place.runs.briefs[again] = dataclasses.replace(
                brief,
                run_id=again,
                status="scheduled",
                at=now,
                expires_at=now + timedelta(days=2),
                quiet=None,
                recalled=False,
                occasion="correction",
                parents=(run,),
            )

        self._when(recall)

    def _wishes(self) -> None:
        """Some say stop, some are suspended, some leave."""
        for ident in self.place.chance.sample(
            sorted(self.place.made.people.rows), max(2, self.place.people // 25)
        ):
            self._when(partial(self._leave, ident))

    def _leave(self, ident: str) -> None:
        person = self.place.made.people.rows.get(ident)
        if person is None:  # erased before
            return
        here = frozenset(person.addresses.values())
        match self.place.chance.choice(("stop", "suspended", "consent", "erased")):
            case "stop":
                self.place.made.people.change(ident, suppressed=frozenset(person.addresses))
            case "suspended":
                self.place.made.people.change(ident, status="suspended")
            case "consent":
                self.place.made.people.change(ident, consents=frozenset())
            case _:
                del self.place.made.people.rows[ident]
        self.place.ban(f"gone {ident}", addresses=here, grace_s=STOPS_WITHIN_S)

    def _moves(self) -> None:
        """While it is planned people move to the other district: some are found twice, some never."""
        self.moving = True

    def read(self, rows: Sequence[RosterRow]) -> None:
        """A page of the roster has been read: some on it move."""
        for row in rows:
            if self.moving and row.id not in self.moved and self.place.chance.random() < MOVE:
                self.moved.add(row.id)
                self._move(row.id)

    def _move(self, ident: str) -> None:
        rows = self.place.made.roster.rows
        for old, new in (("D1", "D2"), ("D2", "D1")):
            for row in rows[old]:
                if row.id == ident:
                    rows[old].remove(row)
                    rows[new].append(dataclasses.replace(row, partition=new))
                    return

    def _decisions(self) -> None:
        """A person decides about what is unknown, several times over."""
        for at in (120.0, 125.0, 500.0, 900.0):
            self.place.sim.after(at + self.place.chance.uniform(0, 30), self._decide)

    def _decide(self) -> None:
        reporter = Reporter(self.place.made.store, self.place.platform, self.place.clock)
        for run in list(self.place.runs.briefs):
            listed, _ = reporter.deliveries(run, Status.UNKNOWN, None, 1000)
            for delivery in listed:
                if self.place.chance.random() < 0.7:
                    how = self.place.chance.choice(("resend", "resend", "close"))
                    decide = partial(self._decide_one, delivery.key, how)
                    for _ in range(self.place.chance.choice((1, 2))):
                        self.place.spawn("decide", decide)

    def _decide_one(self, key: str, how: Any) -> None:  # noqa: ANN401
        self.place.went_well(partial(self.place.made.decisions().decide, "u-sample", key, how, "sample"))
