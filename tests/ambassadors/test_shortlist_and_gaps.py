"""Who could become ambassador, and who is missing where."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.ambassadors import gaps as counting
from chalicelib.ambassadors import shortlist as ranking
from chalicelib.ambassadors.diversity import SMALL, Diversity, shown, shown_all
from chalicelib.ambassadors.gaps import Gaps
from chalicelib.ambassadors.shortlist import Shortlist, figures_of, rank
from chalicelib.errors import InvalidInput
from chalicelib.identity.roles import Principal
from chalicelib.influencers.model import Account
from chalicelib.influencers.roster import key_of, pack, unpack
from chalicelib.ports import Area, RosterRange, RosterRow
from tests.ambassadors.test_invitations import World as Bare
from tests.influencers.world import ADMIN, COORDINATOR, ELSEWHERE, NOON, PATHS, SmallDirectory

EDITOR = Principal("usr_ed", "Ed", "e@x.test", frozenset({"editor"}), frozenset({"D9001"}))


class Ground(SmallDirectory):
    def ranges(self, area_ids: Any, *, fresh: bool = False) -> list[RosterRange]:
        [area] = [self.get(one) for one in area_ids]
        if area.level == "state":
            return [RosterRange("D9001"), RosterRange("D9002"), RosterRange("ST#IN-XN")]
        return [RosterRange(area.roster_partition, area.roster_prefix)]

    def children(self, parent: str) -> list[Area]:
        return [self.get(one) for one, path in PATHS.items() if len(path) > 1 and path[-2] == parent]


class World(Bare):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.shortlist = Shortlist(self.made, Ground(), self.roster, self.people, self.clock)
        self.gaps = Gaps(self.made, Ground(), self.roster, self.clock)
        self.numbers = iter(range(100))

    def person(self, area: str = "D9001-A1-P1", *accounts: tuple[str, int, str], **more: Any) -> str:
        number = next(self.numbers)
        handles = [
            {"platform": platform, "handle": f"namuna{number}", "followers": followers}
            for platform, followers, _ in accounts
        ]
        one = self.approved(phone=f"+9181234560{number:02}", area=area, handles=handles, **more)
        for platform, followers, grade in accounts:
            if grade == "verified":
                self.store.counted(
                    one.id, platform, f"namuna{number}", followers, self.clock.now(), account="x"
                )
        return one.id

    def listed(self, area: str = "D9001", platform: str = "", limit: int = 2, who: Any = ADMIN) -> list[Any]:
        found, after = self.shortlist.page(who, area, platform, limit, None)
        while after:
            more, after = self.shortlist.page(who, area, platform, limit, after)
            found += more
        return found


@pytest.fixture
def world(tables: object) -> World:
    return World()


def test_figures_of_platforms_stand_before_peoples_own_word_and_are_never_added(world: World) -> None:
    small = world.person("D9001", ("youtube", 900, "verified"), ("instagram", 5_000_000, "stated"))
    large = world.person("D9001-B1", ("instagram", 40_000, "verified"), ("x", 40_000, "verified"))
    said = world.person("D9001-A1-P1", ("x", 90_000, "stated"), ("facebook", 80_000, "stated"))
    world.person("D9001")
    world.person("D9002", ("x", 1_000_000, "stated"))
    found = world.listed()
    assert [one.id for one in found] == [large, small, said]
    assert [(f.platform, f.followers, f.grade) for f in found[1].figures] == [
        ("youtube", 900, "verified"),
        ("instagram", 5_000_000, "stated"),
    ]
    assert [one.id for one in world.listed(platform="instagram")] == [large, small]
    assert [one.id for one in world.listed(area="D9001-A1-P1")] == [said]


def test_who_is_ambassador_somewhere_or_has_left_is_not_on_it(world: World) -> None:
    taken, free, left = (world.person("D9001", ("x", 1000 - n, "stated")) for n in range(3))
    one = world.ambassadors.appoint(ADMIN, taken, "D9001-B1")
    world.register.withdraw(ADMIN, left)
    assert [found.id for found in world.listed()] == [free]
    world.ambassadors.end(ADMIN, one.id, "x")
    assert [found.id for found in world.listed()] == [taken, free]


def test_a_large_area_is_ranked_stretch_by_stretch_in_bounded_reads_and_nobody_is_left_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = {world.person(area, ("x", 10 + n, "stated")) for n, area in enumerate(("D9001", "D9002") * 3)}
    monkeypatch.setattr(ranking, "MOST_ROWS", 4)
    monkeypatch.setattr(ranking, "A_READ", 2)
    asked: list[int] = []
    real = world.roster.page

    class Counting:
        def page(self, where: Any, after: Any, limit: int) -> Any:
            asked.append(limit)
            return real(where, after, limit)

    world.shortlist = replace(world.shortlist, roster=Counting())
    found, _ = world.shortlist.page(ADMIN, "IN-XN", "", 1, None)
    assert sum(asked) <= 6
    ids = [one.id for one in world.listed("IN-XN", limit=1)]
    assert sorted(ids) == sorted(people)
    assert found[0].id == ids[0]


def test_a_page_asks_so_many_districts_however_few_people_they_have(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [world.person(area, ("x", 10, "stated")) for area in ("D9001", "D9002")]
    monkeypatch.setattr(ranking, "MOST_RANGES", 1)
    found, after = world.shortlist.page(ADMIN, "IN-XN", "", 9, None)
    assert [one.id for one in found] == people[:1]
    assert after is not None
    assert [one.id for one in world.listed("IN-XN", limit=9)] == people


def test_another_district_is_not_there(world: World) -> None:
    for area in ("D9001", "D9999"):
        with pytest.raises(InvalidInput) as refused:
            world.shortlist.page(ELSEWHERE, area, "", 5, None)
        assert refused.value.errors[0].code == "area_unknown"
        with pytest.raises(InvalidInput) as refused:
            world.gaps.found(ELSEWHERE, area)
        assert refused.value.errors[0].code == "area_unknown"


def test_the_roster_tells_which_figure_a_platform_has_told(world: World) -> None:
    person = world.store.person(world.person())

    def account(followers: int, grade: Any, platform: str = "youtube") -> Account:
        return Account(platform=platform, handle=f"n{followers}", followers=followers, followers_grade=grade)

    told = (account(100, "verified"), account(900, "declared"), account(70, "verified", "x"))
    row = pack(person.changed(handles=told))
    partition, key = key_of(person.area_path, person.id)
    read = unpack(partition, key, row, {}, NOON)
    assert (read.followers, read.verified) == ({"youtube": 900, "x": 70}, {"youtube": 100, "x": 70})
    assert [(one.followers, one.grade) for one in figures_of(read)] == [
        (100, "verified"),
        (70, "verified"),
        (900, "stated"),
    ]
    assert unpack(partition, key, {"l": "hi", "f": "y5"}, {}, NOON).verified == {}


def test_a_rank_is_by_one_figure(world: World) -> None:
    row = RosterRow("inf_a", "D1", "#inf_a", "hi", followers={"x": 5, "youtube": 7}, verified={"x": 5})
    assert rank(figures_of(row), "inf_a") == (False, -5, "inf_a")
    assert rank(figures_of(row, "youtube"), "inf_a") == (True, -7, "inf_a")


# --- gaps


def test_what_people_say_of_themselves_is_counted_and_what_they_do_not_say_stands_apart(world: World) -> None:
    world.person("D9001", gender="female", themes=["health", "education"], profession="doctor")
    world.person("D9001-A1-P1", language="en", themes=[])
    world.person("D9002", gender="male")
    found = world.gaps.found(COORDINATOR, "D9001")
    counted = found.diversity
    assert (found.exact, counted.people) == (True, 2)
    assert dict(counted.gender) == {"female": 1, "not_said": 1}
    assert dict(counted.languages) == {"hi": 1, "en": 1}
    assert dict(counted.themes) == {"health": 1, "education": 1, "not_said": 1}
    assert dict(counted.professions) == {"doctor": 1, "not_said": 1}


def test_places_with_nobody_are_named_and_somebody_below_counts(world: World) -> None:
    one = world.person("D9001-A1-P1")
    state = {p.area: (p.influencers, p.ambassadors) for p in world.gaps.found(ADMIN, "IN-XN").places}
    assert state == {"D9001": (True, False), "D9002": (False, False)}
    world.ambassadors.appoint(ADMIN, one, "D9001-A1-P1")
    later = world.ambassadors.appoint(ADMIN, one, "D9002")
    world.ambassadors.end(ADMIN, later.id, "x")
    state = {p.area: (p.influencers, p.ambassadors) for p in world.gaps.found(ADMIN, "IN-XN").places}
    assert state == {"D9001": (True, True), "D9002": (False, False)}
    [block] = world.gaps.found(ADMIN, "D9001").places
    assert (block.area, block.influencers, block.ambassadors) == ("D9001-B1", True, True)


def test_who_may_not_read_people_sees_no_small_number(world: World) -> None:
    for _ in range(6):
        world.person("D9001", gender="female")
    world.person("D9001", gender="male")
    found = world.gaps.found(EDITOR, "D9001")
    assert found.exact is False
    assert shown(found.diversity.people, exact=False) == 5
    assert shown_all(found.diversity.gender, exact=False) == {"female": 5}


def test_of_few_people_not_even_what_they_are_is_named(world: World) -> None:
    world.person("D9001-A1-P1", gender="female", profession="doctor")
    counted = world.gaps.found(replace(EDITOR, areas=frozenset({"D9001-A1-P1"})), "D9001-A1-P1").diversity
    tables = (counted.gender, counted.languages, counted.themes, counted.professions)
    assert [shown_all(one, exact=False) for one in tables] == [{}, {}, {}, {}]


def test_what_is_too_large_to_be_counted_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        world.person("D9001")
    monkeypatch.setattr(counting, "MOST_PEOPLE", 2)
    for area in ("D9001", "IN"):
        with pytest.raises(InvalidInput) as refused:
            world.gaps.found(ADMIN, area)
        assert refused.value.errors[0].code == "area_too_large"


@given(st.lists(st.integers(0, 23), min_size=1, max_size=3), st.data())
def test_no_hidden_number_can_be_told_from_the_others_and_their_sum(counts: list[int], data: Any) -> None:
    """Of all tables that would be shown just like this one, hidden numbers are each of 1 to 4 somewhere: this
    holds for a district and its blocks as for a table and its sum."""
    if sum(counts) == 0:
        return
    seen = ([shown(one, exact=False) for one in counts], shown(sum(counts), exact=False))
    ranges = [
        range(1, SMALL) if one is None else range(one, one + SMALL) if one else range(1) for one in seen[0]
    ]
    alike = [other for other in product(*ranges) if shown(sum(other), exact=False) == seen[1]]
    for place, one in enumerate(seen[0]):
        if one is None:
            possible = {other[place] for other in alike}
            alone = sum(1 for other in seen[0] if other != 0) == 1
            assert len(possible) > 1, (counts, seen)
            assert not alone or possible == {1, 2, 3, 4}


def test_an_empty_area_is_counted_too() -> None:
    counted = Diversity()
    assert (counted.people, shown(0, exact=False), shown_all({}, exact=False)) == (0, 0, {})
