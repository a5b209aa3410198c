"""When a district moves into another state, its ambassadors and invitations are found there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
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


@pytest.fixture
def refile(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Moves the district into another state, and files what lies there anew."""

    def moved() -> bool:
        for area, path in list(PATHS.items()):
            if "D9001" in path:
                monkeypatch.setitem(PATHS, area, ("IN", "IN-XM", *path[2:]))
        district = SmallDirectory().get("D9001")
        assert district is not None
        return AmbassadorsRefiled(world.made, Moved()).refile(BEFORE, district)

    return moved


def test_what_lies_in_a_district_follows_it_and_a_second_time_nothing_is_left(
    world: World, refile: Callable[[], bool]
) -> None:
    one = world.ambassadors.appoint(ADMIN, world.approved().id, "D9001-A1-P1")
    ended = world.ambassadors.appoint(ADMIN, one.influencer, "D9001")
    world.ambassadors.end(ADMIN, ended.id, "x")
    invited = world.invite()
    assert refile() is True
    assert refile() is False
    assert world.made.find(one.id).path == PATHS["D9001-A1-P1"]  # type: ignore[union-attr]
    assert list(world.made.placed("open", "IN/IN-XN/")) == []
    found, _ = world.ambassadors.listed(
        COORDINATOR, area="D9001", state=None, ends_by=None, limit=9, after=None
    )
    assert {appointment.id for appointment in found} == {one.id, ended.id}
    world.deliver_all()
    assert world.invitations.get(COORDINATOR, invited.id).status == "sent"


def test_what_changes_while_its_district_moves_is_filed_where_the_district_lies(
    world: World, refile: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = world.ambassadors.appoint(ADMIN, world.approved().id, "D9001-A1-P1")
    real, moved = world.people.appointee, []

    def read(person: str) -> Any:
        moved.append(moved or refile())
        return real(person)

    object.__setattr__(world.ambassadors, "appointees", type("Slow", (), {"appointee": staticmethod(read)}))
    renewed = world.ambassadors.renew(ADMIN, one.id, one.until + timedelta(days=9))
    kept = world.made.find(one.id)
    assert kept is not None
    assert (kept.until, kept.path) == (renewed.until, PATHS["D9001-A1-P1"])
    assert list(world.made.placed("open", "IN/IN-XN/")) == []


def test_an_outcome_is_kept_of_an_invitation_that_is_filed_anew_while_it_goes_out(
    world: World, refile: Callable[[], bool]
) -> None:
    made, real = world.invite(), world.platform.send

    def during(*given: Any) -> Any:
        assert refile()
        return real(*given)

    world.platform.send = during  # type: ignore[method-assign]
    world.deliver_all()
    kept = world.invitations.get(ADMIN, made.id)
    assert (kept.status, kept.to, kept.path) == ("sent", "", PATHS["D9001"])
    assert list(world.made.placed("invitation", "IN/IN-XN/")) == []
