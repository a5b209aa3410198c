"""Which campaigns reached a person: what platforms took, and when; nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.dispatch.received import Deliveries
from chalicelib.platforms.base import OutcomeUnknown, SendRefused
from tests.dispatch.world import RUN, World, address, person_id, world

pytestmark = pytest.mark.usefixtures("tables")

DAYS = timedelta(days=1)


def received(made: World, n: int, days: int = 14) -> list[str]:
    now = made.clock.now()
    found = Deliveries(made.store, made.runs).received(person_id(n), now - days * DAYS, now)
    assert all(now - days * DAYS <= one.at <= now for one in found)
    return [one.campaign_id for one in found]


def test_only_what_a_platform_took_has_reached_somebody():
    made = world(3)
    made.platform.answers = {address(1): [SendRefused("131026", "person")], address(2): [OutcomeUnknown()]}
    made.launch()
    made.send()
    made.clock.move(60)
    campaign = made.runs.briefs[RUN].campaign_id
    assert [received(made, n) for n in range(3)] == [[campaign], [], []]
    assert received(made, 99) == []


def test_what_lies_further_back_is_not_told_and_every_run_is_told_oldest_first():
    made = world(1)
    for number in (1, 2, 3):
        run = f"{RUN[:-1]}{number}"
        made.runs.briefs[run] = replace(
            made.runs.briefs[RUN],
            run_id=run,
            campaign_id=f"cmp_{number}",
            status="scheduled",
            at=made.clock.now(),
            expires_at=made.clock.now() + 2 * DAYS,
        )
        made.plan_queue.put([{"launch": run}])
        made.plan()
        made.clock.move(60)
        made.send()
        made.clock.move(7 * 24 * 3600)
    assert received(made, 0, 15) == ["cmp_2", "cmp_3"]
    assert received(made, 0, 30) == ["cmp_1", "cmp_2", "cmp_3"]
    assert received(made, 0, 1) == []
