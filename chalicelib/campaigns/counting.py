"""Previews of audiences that are too large for one request: a job that counts page by page.

Each step of some seconds ends with one conditional write of all that is counted so far and where to go on: a
step that died is made again from there, and a copy of its message changes nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.campaigns.audience import Audience, CountingJob, Low, Preview
from chalicelib.campaigns.messages import Channel
from chalicelib.campaigns.service import PAGE, Campaigns
from chalicelib.errors import NotFound
from chalicelib.identity.roles import Principal
from chalicelib.ids import new_id
from chalicelib.ports import RosterRange

STEP_S = 2.0
"""Real seconds that one message works: planning waits behind it."""
STALE_S = 30.0
"""After so long without a step its next message may never have been put: a step died, and its own message
comes again minutes later. A copy that comes at once is no sign of that."""
KEPT_S = 7 * 24 * 3600


@dataclass(frozen=True)
class Counting:
    """Makes such jobs, works on them, tells of them."""

    campaigns: Campaigns
    ticks: Callable[[], float] = time.monotonic
    step_s: float = STEP_S

    def begin(self, who: Principal, audience: Audience, channels: Sequence[Channel]) -> CountingJob:
        """Makes a job; its counting begins at once. Raises InvalidInput for areas that are not given or do
        not exist, or are none of a coordinator's."""
        self.campaigns.check_reach(who, audience)
        ranges, elections = self.campaigns.stretches(audience)
        job = CountingJob(
            id=new_id("job"),
            rev=1,
            by=who.id,
            created_at=self.campaigns.clock.now(),
            saved_at=self.campaigns.clock.epoch(),
            audience=audience,
            channels=tuple(channels),
            elections=elections,
            ranges=tuple((one.partition, one.prefix) for one in ranges),
        )
        self._save(job)
        self._go_on(job)
        return job

    def get(self, who: Principal, job_id: str) -> CountingJob:
        """Raises NotFound, also for what somebody else has asked for."""
        body = self.campaigns.store.counting(job_id)
        job = CountingJob.model_validate_json(body) if body else None
        if job is None or job.by != who.id:
            raise NotFound("There is no job %(id)s.", id=job_id)
        return job

    def step(self, message: Mapping[str, Any]) -> None:
        """Counts for some seconds from where the job stands, and queues the next step."""
        body = self.campaigns.store.counting(message["preview"])
        job = CountingJob.model_validate_json(body) if body else None
        if job is None or job.status == "finished":
            return
        if job.rev != message["rev"]:
            if self.campaigns.clock.epoch() - job.saved_at > STALE_S:
                self._go_on(job)
            return
        after = self._counted(job)
        if self._save(after) and after.status == "running":
            self._go_on(after)

    def _counted(self, job: CountingJob) -> CountingJob:
        """The job one step on."""
        roster, began = self.campaigns.roster(), self.ticks()
        low = Low(job.audience, job.elections, self.campaigns.turnout)
        found = Preview(
            job.count, Counter(job.by_channel), Counter(job.by_area), excluded=Counter(job.excluded)
        )
        stretch, after, read = job.stretch, job.after, job.read
        while stretch < len(job.ranges):
            rows, after = roster.page(RosterRange(*job.ranges[stretch]), after, PAGE)
            found.add(rows, job.audience, job.channels, low)
            read += len(rows)
            stretch += after is None
            if self.ticks() - began >= self.step_s:
                break
        counts = {"count": found.count, "by_channel": dict(found.by_channel)}
        counts |= {"by_area": dict(found.by_area), "excluded": dict(found.excluded)}
        place = {"rev": job.rev + 1, "stretch": stretch, "after": after, "read": read}
        return job.model_copy(update=place | counts | {"saved_at": self.campaigns.clock.epoch()})

    def _save(self, job: CountingJob) -> bool:
        """False when another copy of the message was quicker."""
        expires = int(self.campaigns.clock.epoch() + KEPT_S)
        return self.campaigns.store.keep_counting(job.id, job.rev, job.model_dump_json(), expires)

    def _go_on(self, job: CountingJob) -> None:
        self.campaigns.plan_queue.put([{"preview": job.id, "rev": job.rev}])
