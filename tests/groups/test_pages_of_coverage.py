"""What a page of coverage costs where there are ten thousand booths: requests as they go out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import aws, wiring
from chalicelib.clock import Clock
from chalicelib.groups.covering import Coverage
from chalicelib.groups.model import Group
from chalicelib.groups.nodes import NodeItem, NodeStore, put_group
from chalicelib.ports import Area
from chalicelib.tables import write_together
from tests.influencers.world import ADMIN, NOON

STATE, DISTRICT = ("IN", "IN-XN"), ("IN", "IN-XN", "D9001")
BOOTHS = 10_000
WITHOUT = 60
"""Every so manieth booth has no group."""


class Calls:
    def __init__(self) -> None:
        self.made: list[str] = []
        aws.client("dynamodb").meta.events.register("before-send.dynamodb", self._made)

    def _made(self, request: Any, **_: Any) -> None:
        self.made.append(request.headers["X-Amz-Target"].decode().partition(".")[2])

    def close(self) -> None:
        aws.client("dynamodb").meta.events.unregister("before-send.dynamodb", self._made)


@pytest.fixture
def calls(tables: object) -> Iterator[Calls]:
    """A state whose one full district has 10,000 booths in 20 blocks, nearly all with a group."""
    top = [
        Area(path[-1], level, path, {"en": path[-1]})
        for level, path in (("state", STATE), ("district", DISTRICT))
    ]  # type: ignore[arg-type]
    top += [Area("IN", "country", ("IN",), {"en": "India"})]
    blocks = [Area(f"D9001-B{n}", "block", (*DISTRICT, f"D9001-B{n}"), {"en": "x"}) for n in range(1, 21)]
    booths = [
        Area(one, "booth", (*blocks[n % 20].path, one), {"hi": f"मतदान केंद्र {n}"})
        for n in range(BOOTHS)
        if (one := f"D9001-A{1 + n // 400}-P{1 + n % 400}")
    ]
    wiring.directory().put_areas([*top, *blocks, *(booths[n] for n in range(0, BOOTHS, WITHOUT))])
    store = NodeStore(Clock())
    store.put_areas([*top, *blocks, *booths])
    with NodeItem.batch_write() as batch:
        for n, booth in enumerate(booths):
            if n % WITHOUT:
                batch.save(NodeItem("D9001", f"{booth.id[6:]}#abcdefghijklmnop", v="a120/45"))
    store.fold_sums("D9001")
    store.fold_sums("ST#IN-XN")
    made = Calls()
    yield made
    made.close()


def pages(calls: Calls, area: str, level: str) -> tuple[list[str], list[list[str]]]:
    """The ids that a whole list names, and the requests of each of its pages."""
    coverage: Coverage = wiring.coverage()
    found: list[str] = []
    cost: list[list[str]] = []
    after = None
    while True:
        calls.made.clear()
        page = coverage.page(ADMIN, area, level, "none", limit=100, after=after)  # type: ignore[arg-type]
        cost.append(list(calls.made))
        assert page.gaps.none == len(range(0, BOOTHS, WITHOUT))
        assert all(page.names[node.area] for node in page.nodes)
        found += [node.area for node in page.nodes]
        after = page.next
        if after is None:
            return found, cost


@pytest.mark.slow
def test_a_page_of_ten_thousand_booths_is_at_most_three_reads_and_a_change_of_a_group_is_seen(
    calls: Calls,
) -> None:
    for area in ("D9001", "IN-XN"):
        found, cost = pages(calls, area, "booth")
        assert len(found) == len(set(found)) == len(range(0, BOOTHS, WITHOUT))
        assert len(cost) == 2
        assert max(len(page) for page in cost) <= 3, cost
    coverage = wiring.coverage()
    calls.made.clear()
    page = coverage.page(ADMIN, "D9001-B1", "booth", "none", limit=100, after=None)
    assert len(calls.made) <= 3
    assert page.gaps.nodes == BOOTHS // 20
    assert page.sums.share == pytest.approx(45 / 120)
    group = Group(
        id="grp_aaaaaaaaaaaaaaaa",
        platform="whatsapp",
        kind="area",
        name="x",
        link="https://chat.whatsapp.com/IqBv2Qk0aZfAxNAMUNA001",
        area=page.nodes[0].area,
        path=(*DISTRICT, page.nodes[0].area),
        seen_at=NOON,
        created_at=NOON,
        created_by="usr_1",
    )
    with write_together() as transaction:
        put_group(transaction, None, group)
    after = coverage.page(ADMIN, "D9001-B1", "booth", "none", limit=100, after=None)
    assert after.gaps.none == page.gaps.none - 1
