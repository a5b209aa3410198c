"""From a run to its chunks: reads the audience page by page and freezes who gets what over which channel.

Queue `plan`: {"launch": run} -> {"plan": run, "range": r, "page": p, "after": key} for each stretch, page
after page -> {"settle": run} until everybody has an outcome; {"wake": run} when a pause or stop was lifted,
or the run called off; {"fall_back": run, "chunk": id} when somebody of a chunk failed. Every message may come
twice. Pauses and stops hold back no planning: chunks wait where they are sent.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from chalicelib.clock import Clock
from chalicelib.dispatch.fallback import Fallbacks, fall_back_message
from chalicelib.dispatch.model import PAGE_SIZE, Page, Tally, Ticket, falls_back, over, route, seconds
from chalicelib.dispatch.store import DispatchStore
from chalicelib.errors import Rejected
from chalicelib.ports import Roster, RosterRange, RunBrief, Runs
from chalicelib.queues import Queue
from chalicelib.telemetry import logger

SETTLE_DELAYS_S = (2, 2, 3, 3, 5, 5, 8, 13, 21, 34)
"""Waits between looks at a run that has just begun; after these the minute's tick looks."""
STALE_AFTER = timedelta(minutes=30)
"""A chunk without outcomes for so long is queued again: its message may have been lost."""
REVIVED_EVERY_MIN = 30
DUE_A_TICK = 100
PARKED_A_TICK = 1000
"""Parked messages that go back to their queues in a minute: chunks for 25,000 people."""


@dataclass(frozen=True)
class Planner:
    store: DispatchStore
    runs: Runs
    roster: Roster
    plan_queue: Queue
    send_queue: Queue
    clock: Clock
    fallbacks: Fallbacks

    def tick(self) -> None:
        """Launches what is due and looks after what is under way; called every minute."""
        now = self.clock.now()
        look = {"look": len(SETTLE_DELAYS_S), "revive": now.minute % REVIVED_EVERY_MIN == 0}
        self.plan_queue.put({"launch": run} for run in self.runs.due(now, DUE_A_TICK))
        self.plan_queue.put({"settle": run, **look} for run in self.runs.dispatching())
        self._unpark(now)

    def _unpark(self, now: datetime) -> None:
        """Queues what was parked until now. It is forgotten after that: a crash between sends copies, which
        claims make harmless."""
        due = self.store.parked(now, PARKED_A_TICK)
        self.plan_queue.put(one.message for one in due if one.queue == "plan")
        self.send_queue.put(one.message for one in due if one.queue == "send")
        self.store.unpark(due)

    def handle(self, message: Mapping[str, Any]) -> None:
        """One message of the queue `plan`."""
        if "launch" in message:
            self.launch(message["launch"])
        elif "plan" in message:
            self.plan(message["plan"], int(message["range"]), int(message["page"]), message.get("after"))
        elif "settle" in message:
            self.settle(message["settle"], int(message.get("look", 0)), revive=bool(message.get("revive")))
        elif "wake" in message:
            self.wake(message["wake"])
        elif "fall_back" in message:
            self.fallbacks.follow(message["fall_back"], message["chunk"])
        else:
            raise Rejected("This plan message has no known verb: %(verbs)s", verbs=sorted(message))

    def launch(self, run: str) -> None:
        """Starts a run that is scheduled, or goes on with a start that broke off."""
        started = self.runs.start(run)
        brief = self.runs.get(run)
        if not started and (brief is None or brief.status != "dispatching"):
            logger.info("not launched", extra={"run": run, "status": brief.status if brief else "absent"})
            return
        stretches = self.runs.ranges(run)
        self.store.begin_plan(run, len(stretches))
        self.plan_queue.put(
            {"plan": run, "range": n, "page": 0, "after": None} for n in range(len(stretches))
        )
        self._look_again(run, 0)

    def plan(self, run: str, range_no: int, page_no: int, after: str | None) -> None:
        """Plans one page of one stretch and queues the next."""
        page = self.store.page(run, range_no, page_no)
        if page is None:
            page = self.store.freeze(self._draw(run, range_no, page_no, after))
        chunks = self.store.write_chunks(page, seconds(self.clock.now()))
        self.send_queue.put(Ticket(run, chunk.id).message() for chunk in chunks)
        if page.after is None:
            self.store.stretch_done(run, range_no)
        else:
            self.plan_queue.put([{"plan": run, "range": range_no, "page": page_no + 1, "after": page.after}])

    def _draw(self, run: str, range_no: int, page_no: int, after: str | None) -> Page:
        where: RosterRange = self.runs.ranges(run)[range_no]
        brief = self.runs.get(run)
        if brief is None:
            raise Rejected("The run %(run)s does not exist.", run=run)
        rows, more = self.roster.page(where, after, PAGE_SIZE)
        groups: defaultdict[str, list[str]] = defaultdict(list)
        skipped: Counter[str] = Counter()
        for row in self.runs.wants(run, rows):
            way = route(
                row, brief.channels, lambda channel, wanted: self.runs.language_for(run, channel, wanted)
            )
            if isinstance(way, str):
                skipped[way] += 1
            else:
                groups[" ".join(way)].append(row.id)
        people = {group: tuple(ids) for group, ids in groups.items()}
        return Page(run, range_no, page_no, where.partition, people, dict(skipped), more)

    def settle(self, run: str, look: int, *, revive: bool = False) -> None:
        """Ends the run when all stretches are planned and everybody has an outcome; else looks again later,
        or queues again what has stood still when the tick asks for it. A paused run ends by its expiry
        alone."""
        brief = self.runs.get(run)
        if brief is not None and brief.status == "paused" and self.clock.now() >= brief.expires_at:
            if self.store.plan(run) is None or self._ended(brief):
                self.runs.finish(run)
            return
        if brief is None or brief.status != "dispatching":
            return
        if self._ended(brief):
            self.runs.finish(run)
            return
        if look < len(SETTLE_DELAYS_S):
            self._look_again(run, look)
            return
        failed = (t.chunk for t in self.store.tallies(run) if self._falls_back(brief, t))
        self.plan_queue.put(fall_back_message(run, chunk) for chunk in failed)
        if revive:
            self._revive(run, brief.at)

    def _ended(self, run: RunBrief) -> bool:
        """Whether everybody has an outcome, and of each failure it is known what follows over other channels.
        A quick look first; the one that decides misses no tally that planning has just written."""
        plan = self.store.plan(run.run_id)
        planned = plan is not None and plan.complete
        return planned and self._settled(run) and self._settled(run, consistent=True)

    def _settled(self, run: RunBrief, *, consistent: bool = False) -> bool:
        closed = over(run, self.clock.now()) is not None
        return all(
            all(tally.settled(i) for i in range(tally.size)) and (closed or not self._falls_back(run, tally))
            for tally in self.store.tallies(run.run_id, consistent=consistent)
        )

    @staticmethod
    def _falls_back(run: RunBrief, tally: Tally) -> bool:
        return any(falls_back(run, tally.channel, tally.chunk, facts) for facts in tally.facts.values())

    def _look_again(self, run: str, look: int) -> None:
        self.plan_queue.put(
            [{"settle": run, "look": look + 1}], SETTLE_DELAYS_S[min(look, len(SETTLE_DELAYS_S) - 1)]
        )

    def wake(self, run: str) -> None:
        """Sends what waited for a pause or stop at once, not only when its wait is over; and lets what was
        called off end."""
        brief = self.runs.get(run)
        if brief is None or brief.status not in ("dispatching", "cancelled"):
            return
        self._hurry(run, self.clock.now() + timedelta(seconds=1), "woken")
        if brief.status == "dispatching":
            if self.store.plan(run) is None:  # paused while it was being launched
                self.plan_queue.put([{"launch": run}])
            self._look_again(run, 0)

    def _hurry(self, run: str, planned_before: datetime, spare: Literal["woken", "revived"]) -> None:
        """Queues a copy of every chunk that was planned before then and has not ended."""
        chunks = self.store.stale_chunks(run, seconds(planned_before))
        self.send_queue.put(Ticket(run, chunk, spare=spare).message() for chunk in chunks)

    def _revive(self, run: str, started: datetime) -> None:
        """Queues again what has stood still for half an hour. Harmless when it was only slow: claims
        decide."""
        now = self.clock.now()
        if now - started < STALE_AFTER:
            return
        self._hurry(run, now - STALE_AFTER, "revived")
        plan = self.store.plan(run)
        missing = [n for n in range(plan.stretches) if n not in plan.done] if plan else []
        self.plan_queue.put({"plan": run, "range": n, "page": 0, "after": None} for n in missing)
        if plan is None:
            self.plan_queue.put([{"launch": run}])
