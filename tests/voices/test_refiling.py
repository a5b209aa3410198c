"""When areas move, voices follow; and what throttling does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pynamodb.exceptions import TransactWriteError

from chalicelib.ports import Area
from chalicelib.voices.refile import VoicesRefiled
from tests.influencers.world import SmallDirectory
from tests.voices.test_casework import listed
from tests.voices.world import ONE, TWO, World

NEW = ("IN", "IN-XM", "D9001")


class Moved(SmallDirectory):
    """Where D9001 has gone into another state; a copy of an area is older."""

    def get(self, area_id: str, *, fresh: bool = False) -> Area | None:
        return self.many([area_id]).get(area_id) if fresh else super().get(area_id)

    def many(self, area_ids: Any, *, fresh: bool = False) -> dict[str, Area]:
        found = super().many(area_ids)
        return {
            one: replace(area, path=(*NEW, *area.path[3:])) if "D9001" in area.path else area
            for one, area in found.items()
        }


def test_voices_of_a_district_that_moves_lie_where_it_lies(world: World) -> None:
    ids = [world.receive(f"e{n}", area=area).id for n, area in enumerate(("D9001", "D9001-B1", "D9002"))]
    world.desk.close(ONE, ids[0], "declined", "x")
    refiled = VoicesRefiled(world.store, world.changes, Moved())  # type: ignore[arg-type]
    district = Area("D9001", "district", NEW, {})
    assert refiled.refile(("IN", "IN-XN", "D9001"), district)
    assert not refiled.refile(("IN", "IN-XN", "D9001"), district)
    assert [world.voice(one).path[1] for one in ids] == ["IN-XM", "IN-XM", "IN-XN"]
    assert listed(world, TWO) == [ids[2]]
    assert [one.id for one, _ in world.store.on_ground("open", "IN/IN-XM/D9001/", None)] == [ids[1]]


def test_a_voice_that_comes_right_after_a_move_lies_where_its_area_lies_now(world: World) -> None:
    assert Moved().get("D9001-B1").path[1] == "IN-XN", "as a copy of some minutes ago says"  # type: ignore[union-attr]
    world.voices = replace(world.voices, areas=Moved())  # type: ignore[arg-type]
    told, unplaced = world.receive("e1", area="D9001-B1").id, world.receive("e2", area="").id
    world.voices.place(unplaced, "D9001-B1")
    assert [world.voice(one).path for one in (told, unplaced)] == [(*NEW, "D9001-B1")] * 2


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError"])
def test_a_throttled_write_is_done_anew_and_once(
    world: World, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    from pynamodb.exceptions import CancellationReason
    from pynamodb.transactions import TransactWrite

    commit, failing = TransactWrite._commit, [1, 1]

    def throttled(self: TransactWrite) -> None:
        if failing:
            failing.pop()
            error = TransactWriteError("busy")
            reasons = [CancellationReason(code=reason), None, None]
            monkeypatch.setattr(type(error), "cancellation_reasons", property(lambda one: reasons))
            raise error
        commit(self)

    monkeypatch.setattr(TransactWrite, "_commit", throttled)
    got = world.receive()
    assert (got.repeated, failing) == (False, [])
    assert world.audited(got.id) == [("voice.received", "citizen")]
    assert world.receive().repeated
