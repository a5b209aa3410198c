"""From a run to its chunks: reads the audience page by page and freezes who gets what over which channel.

Queue `plan`: {"launch": run} -> {"plan": run, "range": r, "page": p, "after": key} page after page, a few
stretches at once -> {"settle": run} until everybody has an outcome; {"wake": run} when a pause or stop was
lifted, or the run called off; {"fall_back": run, "chunk": id} when somebody of a chunk failed; {"replied":
person} when somebody wrote to us. Every message may come twice. Pauses and stops hold back no planning:
chunks wait where they are sent.

Chunks are released at their channel's pace: each stands in the channel's line and is queued with a delay
until about its turn. When the line is a minute long the next page waits, so that a large run does not fill
the queue, and campaigns share a channel page by page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from chalicelib.clock import Clock
from chalicelib.dispatch.fallback import Fallbacks, fall_back_message
from chalicelib.dispatch.model import (
    CHAINS,
    Chunk,
    Counts,
    Tally,
    Ticket,
    falls_back,
    first_places,
    over,
    quiet_until,
    seconds,
    spread_until,
)
from chalicelib.dispatch.paces import Paces, allowed
from chalicelib.dispatch.recipients import Audience, OfParents, OfRoster
from chalicelib.dispatch.store import DispatchStore
from chalicelib.dispatch.waiting import Waiting
from chalicelib.errors import PlatformOff, Rejected
from chalicelib.platforms.base import Gateway
from chalicelib.ports import Roster, RunBrief, Runs
from chalicelib.queues import LONGEST_DELAY_S, Queue
from chalicelib.telemetry import logger

SETTLE_DELAYS_S = (2, 2, 3, 3, 5, 5, 8, 13, 21, 34)
"""Waits between looks at a run that has just begun; after these the minute's tick looks."""
STALE_AFTER = timedelta(minutes=30)
"""A chunk without outcomes for so long is queued again: its message may have been lost."""
REVIVED_EVERY_MIN = 30
EARLY_S = 1.0
"""A message with a delay comes up to a second late: chunks are asked for so much earlier."""
AHEAD_S = 60.0
"""How long a channel's line may be before planning waits. Shorter is fairer to who comes next; so long keeps
a channel busy while two pages are planned."""
OVER_S = 2.0
"""How long the next page of a run that is over waits: its chunks are told of beside the others' in the queue,
not before them. A million people take a quarter of an hour."""
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
    gateway: Gateway
    paces: Paces
    clock: Clock
    fallbacks: Fallbacks
    waiting: Waiting

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
        elif "replied" in message:
            self.waiting.bring(message)
        else:
            raise Rejected("This plan message has no known verb: %(verbs)s", verbs=sorted(message))

    def launch(self, run: str) -> None:
        """Starts a run that is scheduled, or goes on with a start that broke off."""
        started = self.runs.start(run)
        brief = self.runs.get(run)
        if brief is None or (not started and brief.status != "dispatching"):
            logger.info("not launched", extra={"run": run, "status": brief.status if brief else "absent"})
            return
        stretches = self._audience(brief).stretches(brief)
        self.store.begin_plan(run, stretches, seconds(self.clock.now()))
        chains = first_places(stretches)
        self.plan_queue.put({"plan": run, "range": n, "page": 0, "after": None} for n in chains)
        self._look_again(run, 0)

    def plan(self, run: str, range_no: int, page_no: int, after: str | None) -> None:
        """Plans one page of one stretch and queues the next, or the chain's next stretch. A page whose next
        one is queued already is not planned again: a copy of a message makes no second chain."""
        plan, brief = self.store.plan(run), self.runs.get(run)
        if brief is None:
            raise Rejected("The run %(run)s does not exist.", run=run)
        if plan is not None and plan.passed(range_no, page_no):
            return
        page = self.store.page(run, range_no, page_no)
        if page is None:
            page = self.store.freeze(self._audience(brief).draw(brief, range_no, page_no, after))
        wait_s = self._release(brief, self.store.write_chunks(page, seconds(self.clock.now())))
        behind = (range_no, page_no + 1) if page.after is not None else (range_no + CHAINS, 0)
        if plan is None or behind[0] < plan.stretches:
            self._plan_later(
                {"plan": run, "range": behind[0], "page": behind[1], "after": page.after}, wait_s
            )
        goes_on = self.clock.now() + timedelta(seconds=wait_s)
        self.store.plan_goes_on(run, *behind, seconds(goes_on))

    def _plan_later(self, message: Mapping[str, Any], wait_s: float) -> None:
        if wait_s > LONGEST_DELAY_S:
            self.store.park("plan", message, self.clock.now() + timedelta(seconds=wait_s))
        else:
            self.plan_queue.put([message], wait_s)

    def _release(self, brief: RunBrief, chunks: list[Chunk]) -> float:
        """Queues each chunk for about its turn in the channel's line, or in the window over which the run is
        spread; gives the seconds until the next page is to be planned. Nothing waits for longer than the run
        has left; what is over takes no place in the line, and little of the queue."""
        now, wait_s = self.clock.now(), 0.0
        left_s = 0.0 if over(brief, now) else (brief.expires_at - now).total_seconds()
        turns: list[tuple[Chunk, float]] = []
        lines: defaultdict[str, list[Chunk]] = defaultdict(list)
        for chunk in chunks:
            spread = (spread_until(brief, chunk.id) - now).total_seconds()
            if spread > 0 or not left_s:
                turns.append((chunk, max(0.0, spread) if brief.spread_s else 0.0))
            else:
                lines[chunk.channel].append(chunk)
        for channel, line in lines.items():
            placed, longer_s = self._stand(channel, line, now.timestamp(), brief.first)
            turns += placed
            wait_s = max(wait_s, longer_s)
        queued = [(Ticket(brief.run_id, chunk.id).message(), min(turn, left_s)) for chunk, turn in turns]
        for message, turn in queued:
            if turn > LONGEST_DELAY_S:
                self.store.park("send", message, now + timedelta(seconds=turn))
        self.send_queue.put_each((message, turn) for message, turn in queued if turn <= LONGEST_DELAY_S)
        return min(wait_s, left_s) if left_s else OVER_S

    def _stand(
        self, platform: str, chunks: list[Chunk], now: float, first: bool
    ) -> tuple[list[tuple[Chunk, float]], float]:
        """In how many seconds each chunk's turn comes, and how much too long the line is after that."""
        try:
            channel = self.gateway.channel_for(platform)
        except PlatformOff:  # where they are sent, it is told
            return [(chunk, 0.0) for chunk in chunks], 0.0
        limit = allowed(channel, self.gateway.capabilities(platform))
        people = sum(len(chunk.people) for chunk in chunks)
        place, day_frees = self.paces.stand(channel.id, people, limit, now, first=first)
        turns, before = [], 0
        for chunk in chunks:
            turns.append((chunk, max(0.0, place.slot(before) - now - EARLY_S)))
            before += len(chunk.people)
        return turns, max(0.0, place.end - now - AHEAD_S, (day_frees or now) - now)

    def _audience(self, run: RunBrief) -> Audience:
        return OfParents(self.store, self.runs) if run.parents else OfRoster(self.runs, self.roster)

    def settle(self, run: str, look: int, *, revive: bool = False) -> None:
        """Ends the run when all stretches are planned and everybody has an outcome; else looks again later,
        or queues again what has stood still when the tick asks for it. A paused run ends by its expiry
        alone."""
        brief = self.runs.get(run)
        if brief is not None and brief.status == "paused" and self.clock.now() >= brief.expires_at:
            if self.store.plan(run) is None:
                self.runs.finish(run)
            elif (counts := self._ended(brief)) is not None:
                self.runs.finish(run, left=counts.left)
            return
        if brief is None or brief.status != "dispatching":
            return
        if (counts := self._ended(brief)) is not None:
            self.runs.finish(run, left=counts.left)
            return
        if look < len(SETTLE_DELAYS_S):
            self._look_again(run, look)
            return
        failed = (t.chunk for t in self.store.tallies(run) if self._falls_back(brief, t))
        self.plan_queue.put(fall_back_message(run, chunk) for chunk in failed)
        if revive:
            self._revive(brief)

    def _ended(self, run: RunBrief) -> Counts | None:
        """The counts when everybody has an outcome, and of each failure it is known what follows over other
        channels. A quick look first; the one that decides misses no tally that planning has just written."""
        plan = self.store.plan(run.run_id)
        if plan is None or not plan.complete or self._settled(run) is None:
            return None
        return self._settled(run, consistent=True)

    def _settled(self, run: RunBrief, *, consistent: bool = False) -> Counts | None:
        closed, counts = over(run, self.clock.now()) is not None, Counts()
        for tally in self.store.tallies(run.run_id, consistent=consistent):
            counts.add(tally)
            if counts.in_progress or (not closed and self._falls_back(run, tally)):
                return None
        return counts

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
        self._hurry(brief, self.clock.now() + timedelta(seconds=1), "woken")
        if brief.status == "cancelled":
            self._plan_the_rest(run)
        else:
            if self.store.plan(run) is None:  # paused while it was being launched
                self.plan_queue.put([{"launch": run}])
            self._look_again(run, 0)

    def _hurry(self, brief: RunBrief, planned_before: datetime, spare: Literal["woken", "revived"]) -> None:
        """Queues a copy of every chunk that was planned before then, whose turn has come, and that has not
        ended."""
        run = brief.run_id
        chunks = self.store.stale_chunks(run, seconds(planned_before))
        due = [
            chunk
            for chunk in chunks
            if brief.status == "cancelled" or spread_until(brief, chunk) < planned_before
        ]
        self.send_queue.put(Ticket(run, chunk, spare=spare).message() for chunk in due)

    def _revive(self, brief: RunBrief) -> None:
        """Queues again what has stood still for half an hour. Harmless when it was only slow: claims
        decide."""
        run, now = brief.run_id, self.clock.now()
        begins = now - STALE_AFTER
        if begins < brief.at or quiet_until(brief, begins) or quiet_until(brief, now):
            return
        self._hurry(brief, begins, "revived")
        plan = self.store.plan(run)
        if plan is None:
            self.plan_queue.put([{"launch": run}])
        elif now - plan.going_on > STALE_AFTER:
            self._plan_the_rest(run)

    def _plan_the_rest(self, run: str) -> None:
        """Queues the pages at which planning goes on, whose messages may be lost, or wait."""
        plan = self.store.plan(run)
        if plan is not None:
            self.plan_queue.put(self._page_message(run, *place) for place in plan.missing)

    def _page_message(self, run: str, range_no: int, page_no: int) -> dict[str, Any]:
        """The message that plans a page, made anew: where it begins stands in the page before it."""
        before = self.store.page(run, range_no, page_no - 1) if page_no else None
        return {"plan": run, "range": range_no, "page": page_no, "after": before.after if before else None}
