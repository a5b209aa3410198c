"""When a district moves into another state, its ambassadors and invitations are found there."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.ambassadors.refile import AmbassadorsRefiled
from chalicelib.ports import Area
from tests.ambassadors.test_invitations import World
from tests.influencers.world import ADMIN, COORDINATOR, PATHS, SmallDirectory

BEFORE = ("IN", "IN-XN", "D9001")


class Moved(SmallDirectory):
    def many(self, area_ids: Any, *, fresh: bool = False) -> dict[str, Area]:
        return super().many(area_ids)


@pytest.fixture
def world(tables: object) -> World:
    return World()


def test_what_lies_in_a_district_follows_it_and_a_second_time_nothing_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = world.ambassadors.appoint(ADMIN, world.approved().id, "D9001-A1-P1")
    ended = world.ambassadors.appoint(ADMIN, one.influencer, "D9001")
    world.ambassadors.end(ADMIN, ended.id, "x")
    invited = world.invite()
    for area, path in list(PATHS.items()):
        if "D9001" in path:
            monkeypatch.setitem(PATHS, area, ("IN", "IN-XM", *path[2:]))
    refiled = AmbassadorsRefiled(world.made, Moved())
    district = SmallDirectory().get("D9001")
    assert district is not None
    assert refiled.refile(BEFORE, district) is True
    assert refiled.refile(BEFORE, district) is False
    assert world.made.find(one.id).path == PATHS["D9001-A1-P1"]  # type: ignore[union-attr]
    assert list(world.made.placed("open", "IN/IN-XN/")) == []
    found, _ = world.ambassadors.listed(
        COORDINATOR, area="D9001", state=None, ends_by=None, limit=9, after=None
    )
    assert {appointment.id for appointment in found} == {one.id, ended.id}
    world.deliver_all()
    assert world.invitations.get(COORDINATOR, invited.id).status == "sent"
