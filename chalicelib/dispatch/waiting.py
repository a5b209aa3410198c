"""The full text for whoever answers a template (PLATFORMS.md: free text only within 24 h of a person's word).

A campaign's template tells that a message waits; a reply brings it, once for each run, by the rules of any
other message at that moment. Queue `plan`: {"replied": person, "channel": medium, "line": [platform, what of
ours], "until": epoch second}, from the callbacks. The answer goes over the line on which they wrote: the 24
hours are that line's. What a stop, a pause, a request under way or a line that is switched off holds back
comes again until the window closes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from chalicelib.clock import Clock
from chalicelib.dispatch.model import TAKEN, Claim, Status, Stops, reason_against, reason_in_law, week_of
from chalicelib.dispatch.store import DispatchStore
from chalicelib.errors import PlatformOff, Transient
from chalicelib.platforms.base import Gateway, Line
from chalicelib.ports import Calendar, Contact, DirectSender, People, RunBrief, Runs
from chalicelib.queues import Queue

WINDOW = timedelta(hours=24) - timedelta(minutes=1)
"""How long after a person's word free text is allowed, with a minute for clocks that differ."""
FIRST_WAIT_S = 3.0
"""A chunk's results are written together: the reply may be here first."""
LONGEST_WAIT_S = 900.0
NEWEST_RUNS = 30
"""So many runs of a person are looked at: more than four weeks of a full weekly cap."""


class _Step(Enum):
    DONE = "done"
    LATER = "later"


@dataclass(frozen=True)
class Waiting:
    """Implements ports.Waiting."""

    store: DispatchStore
    runs: Runs
    people: People
    gateway: Gateway
    direct: DirectSender
    calendar: Calendar
    stops: Callable[[], Stops]
    plan_queue: Queue
    clock: Clock

    def replied(self, channel: str, address: str, at: datetime, line: Line) -> None:
        """See ports.Waiting."""
        until = (at + WINDOW).timestamp()
        if not self.gateway.capabilities(channel).templates or self.clock.epoch() >= until:
            return
        person = self.people.owner(channel, address)
        if person is not None:
            wrote = {"channel": channel, "line": [line.platform, *line.to], "until": int(until)}
            self.plan_queue.put([{"replied": person, **wrote}])

    def bring(self, message: Mapping[str, Any]) -> None:
        """Sends what waits for this person; asks to come again for what may not go out yet."""
        person, channel, tries = message["replied"], message["channel"], int(message.get("tries", 0))
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(tries, 9))
        if self.clock.epoch() >= message["until"]:
            return
        contact = self.people.contacts([person]).get(person)
        if contact is None:
            return
        platform, *to = message["line"]
        line = Line(platform, tuple(to))
        steps = [self._one(run, contact, channel, line) for run in self.store.history(person)[-NEWEST_RUNS:]]
        if _Step.LATER in steps and self.clock.epoch() + wait_s < message["until"]:
            self.plan_queue.put([{**message, "tries": tries + 1}], wait_s)

    def _one(self, run: str, contact: Contact, channel: str, line: Line) -> _Step:
        brief = self.runs.get(run)
        if brief is None or self._never(brief, contact, channel):
            return _Step.DONE
        got = self._got(brief, contact, channel)
        text = self.runs.full_text(run, channel, got, contact) if isinstance(got, str) else None
        if text is None:
            return _Step.LATER if got is _Step.LATER else _Step.DONE
        try:
            if self.stops().hold(brief, self.gateway.channel_on(line, channel), contact.area_path):
                return _Step.LATER
            to = contact.addresses[channel]
            self.direct.send(
                subject=contact.id, key=f"brief#{run}", channel=channel, to=to, message=text, line=line
            )
        except (Transient, PlatformOff):
            return _Step.LATER
        return _Step.DONE

    def _never(self, brief: RunBrief, contact: Contact, channel: str) -> bool:
        """Whether what waits is not to be sent any more: as for any message of this run."""
        now = self.clock.now()
        against = reason_against(brief, contact, channel, now)
        return bool(against or reason_in_law(brief, self.calendar.at(contact.area_path, now)))

    def _got(self, brief: RunBrief, contact: Contact, channel: str) -> str | _Step:
        """The language in which the platform took the run's template for this person; LATER while that is not
        known yet, DONE when it did not, or over another channel."""
        here = Claim(contact.id, week_of(brief.at), brief.run_id, "", 0, 0, "", 0.0)
        claim = self.store.week(here).claim
        found = self.store.chunk(brief.run_id, claim.chunk) if claim and not claim.released else None
        if claim is None or found is None or found[0].channel != channel:
            return _Step.DONE
        status = found[1].status(claim.index)
        if status is Status.PLANNED:
            return _Step.LATER
        return found[0].language if status in TAKEN else _Step.DONE
