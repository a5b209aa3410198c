"""A district that changes its state, a booth that changes its block: what lies there by its path follows."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.ambassadors import store as ambassadors
from chalicelib.ambassadors.invitation import Invitation
from chalicelib.ambassadors.model import WRITE, Appointment
from chalicelib.ambassadors.refile import AmbassadorsRefiled
from chalicelib.ambassadors.service import covered
from chalicelib.ambassadors.store import AmbassadorStore
from chalicelib.directory.kind import SETTLES_S, AreaKind
from chalicelib.directory.model import Poll
from chalicelib.directory.store import DirectoryStore
from chalicelib.events.catalog import AppealOpened
from chalicelib.groups.model import Group
from chalicelib.groups.refile import GroupsRefiled
from chalicelib.groups.store import GroupStore
from chalicelib.identity.audit import Audit
from chalicelib.influencers.refile import PeopleRefiled
from chalicelib.influencers.rows import ProfileItem, RosterItem
from chalicelib.policies.appeal import Appeal
from chalicelib.policies.refile import AppealsRefiled
from chalicelib.policies.store import PolicyStore
from chalicelib.ports import Area
from chalicelib.tables import write_together
from chalicelib.turnout.refile import TurnoutRefiled
from chalicelib.turnout.store import Goal, TurnoutStore
from chalicelib.voices import store as voices
from chalicelib.voices.changes import Changes
from chalicelib.voices.model import Voice
from chalicelib.voices.refile import VoicesRefiled
from chalicelib.voices.store import VoiceStore
from tests.dispatch.world import Crash, Faults
from tests.influencers.world import NOON, MovedClock
from tests.influencers.world import World as Creators
from tests.turnout.world import AT, booth, booth_area, bring, job, told

OLD, NEW = ("IN", "IN-XN"), ("IN", "IN-XM")
DISTRICT = [{"id": "D9001", "parent": "IN-XM", "name_en": "Janpur"}]
INTO_A_BLOCK = [{"id": "D9001-A1-P2", "parent": "D9001-B1", "name_en": "Sample school"}]
PLACES = ("D9001", "D9001-B1", "D9001-A1-P1", "D9001-A1-P2", "D9002")


class Hurried(MovedClock):
    """Whoever looks at it has waited long enough."""

    def epoch(self) -> float:
        self.forward(SETTLES_S)
        return super().epoch()


class Ground:
    """People, groups, goals, turnout and an election in two districts of one state."""

    def __init__(self) -> None:
        self.creators = Creators()
        self.faults, self.clock = Faults(), Hurried()
        told([booth(1, 100, block="D9001-B1"), booth(2, 300), booth(1, 500, district="D9002")])
        wiring.directory().put_areas([Area("IN-XM", "state", NEW, {"en": "Other Pradesh"})])
        self.approved = self.creators.approved()
        self.unverified = self.creators.sign_up(phone="+918123456780", area="D9001")
        self.elsewhere = self.creators.approved(phone="+918123456781", area="D9002", handles=[])
        self.groups = [self.group(n, area) for n, area in enumerate(PLACES)]
        for area in ("D9001", "D9001-B1", "D9001-A1-P2", "D9001-A1", "D9002"):
            wiring.turnouts().set_goal(self.admin, area, 0.75)
        self.poll()
        for area in ("D9001-A1-P1", "D9002"):
            self.voice_and_appointment(area)
            self.appeal(area)

    @property
    def admin(self) -> Any:
        from tests.turnout.world import ADMIN

        return ADMIN

    def path(self, area: str) -> tuple[str, ...]:
        return DirectoryStore().areas([area], fresh=True)[area].path

    def group(self, n: int, area: str, ident: str = "", path: tuple[str, ...] = ()) -> str:
        facts: dict[str, Any] = {"platform": "whatsapp", "kind": "area", "name": area, "created_by": "x"}
        link = f"https://chat.whatsapp.com/Namuna{n:016d}"
        times = {"seen_at": AT, "created_at": AT}
        made = Group(
            id=f"grp_{ident or n}", area=area, path=path or self.path(area), link=link, **facts, **times
        )
        with write_together() as transaction:
            GroupStore().write(transaction, None, made)
        return made.id

    def filed(self, ident: str, area: str, path: tuple[str, ...]) -> None:
        """A group, a voice, an appointment and an invitation, by this path."""
        self.group(9, area, ident, path)
        self.voice_and_appointment(area, ident, path)

    def voice_and_appointment(self, area: str, ident: str = "", path: tuple[str, ...] = ()) -> None:
        facts: dict[str, Any] = {"area": area, "path": path or self.path(area)}
        ident = ident or area
        voice = Voice(id=f"voi_{ident}", ticket=ident, received_at=AT, **facts)
        voices._item(voice, None, AT).save()
        term: dict[str, Any] = {"begins": AT.date(), "until": AT.date(), "barred": 0, "code": ident}
        appointment = Appointment(id=f"amb_{ident}", influencer="inf_1", at=AT, by="x", **facts, **term)
        ambassadors._item(appointment).save()
        said: dict[str, Any] = {"masked": "x", "hashed": "x", "language": "hi", "reason": "x", "by": "x"}
        invited = Invitation(id=f"inv_{ident}", channel="sms", at=AT, **facts, **said)
        ambassadors._invitation(invited).save()

    def appeal(self, area: str) -> None:
        said: dict[str, Any] = {"language": "hi", "subject": "review", "text": "x", "opened_at": NOON}
        made = Appeal(id=f"apl_inf{area}_1", rev=1, person=f"inf{area}", path=self.path(area), **said)
        event = AppealOpened(appeal_id=made.id, influencer_id=made.person, subject="review")
        with write_together() as transaction:
            PolicyStore().put_appeal(transaction, made, event)

    def poll(self) -> None:
        times = {"polling_ends": NOON, "code_from": NOON, "code_until": NOON}
        areas = {one: self.path(one) for one in ("D9001-B1", "D9002")}
        poll = Poll("vs-1", "Sample", areas, source="x", **times)
        with write_together() as transaction:
            DirectoryStore().put_poll(transaction, poll, new=True)

    def kind(self) -> AreaKind:
        """Each call is a new process; every write of what moves may die."""
        wrap, areas = self.faults.wrap, wiring.directory()
        people = wrap(self.creators.store, "move")
        groups = wrap(GroupStore(), "write")
        turnout = wrap(TurnoutStore(), "move_goal", "put_booths", "fold")
        appointed = wrap(AmbassadorStore(), "refile")
        heard = wrap(Changes(VoiceStore(), Audit(), MovedClock(), 12), "quietly")
        filed = (
            PeopleRefiled(people, areas),
            GroupsRefiled(groups, areas),
            TurnoutRefiled(turnout, areas),
            AmbassadorsRefiled(appointed, areas),
            VoicesRefiled(VoiceStore(), heard, areas),
            AppealsRefiled(wrap(PolicyStore(), "refile"), areas),
        )
        changes = ("mark_moved", "replace_areas", "move_poll", "look_again", "end_moved")
        store = wrap(DirectoryStore(), *changes)
        return AreaKind(store, self.clock, lambda: filed)

    def take(self, rows: list[dict[str, str]]) -> dict[str, int]:
        return bring(self.kind(), rows, job({}))

    def all_of_it(self) -> dict[str, Any]:
        """All paths by which something lies somewhere, and what is counted where."""
        store = self.creators.store
        people = (self.approved.id, self.unverified, self.elsewhere.id)
        listed = {g.id: g.path for g, _ in GroupStore().listed("area", "", None, 100)}
        goals = {"/".join(goal.path) for goal in TurnoutStore().goals(("IN",))}
        [poll] = DirectoryStore().polls()
        return {
            "areas": {one: self.path(one) for one in PLACES},
            "people": {one: store.person(one).area_path for one in people},
            "keys": {row.pk: row.area_key for row in ProfileItem.scan(ProfileItem.sk == "profile")},
            "roster": sorted((row.pk, row.sk) for row in RosterItem.scan()),
            "groups": listed,
            "goals": goals,
            "voices": {one.id: one.path for one, _ in VoiceStore().on_ground("open", "", None)},
            "voices_keys": {row.pk: row.place for row in voices.VoiceItem.scan()},
            "appointments": {one.id: one.path for one, _ in AmbassadorStore().listed("open", "", None, 9)},
            "invitations": {one.id: one.path for one, _ in AmbassadorStore().invitations("", None, 9)},
            "places": {row.pk: row.place for row in ambassadors.Record.scan()},
            "sums": {(s.state, s.district): s.sum.voters for s in TurnoutStore().sums("ls-2014")},
            "blocks": {b.id: b.block for b in TurnoutStore().sheet("ls-2014", "D9001").booths},
            "poll": poll.areas,
            "appeals": {one.id: one.path for one, _ in PolicyStore().listed("open", "IN/", None, 9)},
            "left": DirectoryStore().moved(),
        }


@pytest.fixture
def ground(tables: object) -> Ground:
    return Ground()


def moved(before: Any) -> Any:
    """The same, all of D9001 in the other state."""
    if isinstance(before, str):
        return before.replace("IN/IN-XN/D9001", "IN/IN-XM/D9001")
    if isinstance(before, dict):
        return {moved(key): moved(value) for key, value in before.items()}
    if isinstance(before, tuple) and before[:3] == (*OLD, "D9001"):
        return (*NEW, *before[2:])
    if before == ("IN-XN", "D9001"):
        return ("IN-XM", "D9001")
    return {moved(one) for one in before} if isinstance(before, set) else before


def test_a_district_that_changes_its_state_takes_all_that_lies_there_with_it(ground: Ground) -> None:
    before = ground.all_of_it()
    assert ground.take(DISTRICT) == {"changed": 1}
    after = ground.all_of_it()
    assert after == moved(before)
    assert after["areas"]["D9001-A1-P1"] == (*NEW, "D9001", "D9001-B1", "D9001-A1-P1")
    assert after["sums"] == {("IN-XM", "D9001"): 400, ("IN-XN", "D9002"): 500}
    assert "IN/IN-XM/D9001/D9001-A1" in after["goals"]
    assert ground.take(DISTRICT) == {"same": 1}
    assert ground.all_of_it() == after
    back = [DISTRICT[0] | {"parent": "IN-XN"}]
    assert ground.take(back) == {"changed": 1}
    assert ground.all_of_it() == before


def test_a_booth_that_comes_into_a_block_takes_with_it_what_is_its_own(ground: Ground) -> None:
    before = ground.all_of_it()
    person = ground.creators.approved(phone="+918123456782", area="D9001-A1-P1", handles=[])
    rows = [{"id": "D9001-A1-P1", "parent": "D9001-B2", "name_en": "Sample school"}, *INTO_A_BLOCK]
    assert ground.take(rows) == {"changed": 2}
    after = ground.all_of_it()
    one, two = ((*OLD, "D9001", f"D9001-B{n}", f"D9001-A1-P{m}") for n, m in ((2, 1), (1, 2)))
    assert after["groups"] == before["groups"] | {ground.groups[2]: one, ground.groups[3]: two}
    assert after["people"] == before["people"] | {ground.approved.id: one}
    assert ("D9001", f"D9001-B2/D9001-A1-P1#{person.id}") in after["roster"]
    assert len(after["roster"]) == len(before["roster"]) + 1
    assert "/".join(two) in after["goals"]
    assert after["blocks"] == {"D9001-A1-P1": "D9001-B2", "D9001-A1-P2": "D9001-B1"}
    assert after["left"] == []


@pytest.mark.parametrize("after", [False, True])
def test_a_job_that_dies_again_and_again_at_any_write_leaves_nothing_behind_in_the_end(
    ground: Ground, after: bool
) -> None:
    faults, expected, died = ground.faults, moved(ground.all_of_it()), set()
    faults.after = after
    for step in range(1, 100):
        faults.calls, faults.at, faults.dead = 0, step, False
        kind = ground.kind()
        try:
            kind.write([kind.read(DISTRICT[0], job({}))], job({}))  # the slice that was pending
            while kind.finish(job({})):
                pass
            break
        except Crash:
            died.add(faults.seen[-1])
    assert ground.all_of_it() == expected
    assert {"mark_moved", "replace_areas", "move_poll", "move", "write"} <= died


def test_who_is_changed_while_they_are_filed_anew_loses_nothing(ground: Ground) -> None:
    store = ground.creators.store
    find = store.find

    def slow(ident: str) -> Any:
        seen = find(ident)
        if ident == ground.approved.id and not raced:
            raced.append(True)
            ground.creators.people.stop("whatsapp", "+918123456789", evidence="m1", at=NOON)
        return seen

    raced: list[bool] = []
    object.__setattr__(store, "find", slow)
    ground.take(DISTRICT)
    object.__setattr__(store, "find", find)
    after = store.person(ground.approved.id)
    assert after.suppressed == {"phone"}
    assert after.area_path[:3] == (*NEW, "D9001")


def test_a_signup_that_expires_still_does_and_no_event_is_told_again(ground: Ground) -> None:
    expires = ProfileItem.get(ground.unverified, "profile").expires
    ground.take(DISTRICT)
    item = ProfileItem.get(ground.unverified, "profile")
    assert (item.expires, item.event) == (expires, None)
    assert expires


@pytest.mark.parametrize("early", [True, False])
def test_two_jobs_at_once_leave_nothing_behind(ground: Ground, early: bool) -> None:
    """One moves a district while another files what it finds: before the areas have moved, or after."""
    expected, store, other = moved(ground.all_of_it()), DirectoryStore(), ground.kind()
    row = other.read(DISTRICT[0], job({}))

    class AtOnce(DirectoryStore):
        def replace_areas(self, changes: Any) -> None:
            if early and not begun:
                begun.append(True)
                while other.finish(job({})):
                    pass
                assert store.moved() == []
            super().replace_areas(changes)

        def end_moved(self, found: Any) -> None:
            if not early and not begun:
                begun.append(True)
                other.write([row], job({}))
            super().end_moved(found)

    begun: list[bool] = []
    kind = AreaKind(AtOnce(), ground.clock, ground.kind().filed)
    if early:
        kind.write([row], job({}))
    else:
        store.mark_moved([(*OLD, "D9001")])
    while kind.finish(job({})):
        pass
    assert ground.all_of_it() == expected


def test_a_goal_that_a_person_set_at_the_new_place_meanwhile_stays(ground: Ground) -> None:
    new = Goal((*NEW, "D9001"), 0.9, "usr_x", "2026-03-01T00:00:00Z")
    with write_together() as transaction:
        TurnoutStore().put_goal(transaction, new)
    ground.take(DISTRICT)
    assert [g for g in TurnoutStore().goals(("IN",)) if g.area == "D9001"] == [new]


def test_what_is_set_right_after_a_move_lies_where_the_area_lies_now(ground: Ground) -> None:
    for area in ("D9001", "D9001-B1"):
        assert wiring.directory().get(area)  # kept for minutes
    ground.take(DISTRICT)
    for area in ("D9001", "D9001-B1", "D9001-A1"):
        wiring.turnouts().set_goal(ground.admin, area, 0.5)
    goals = {goal.path: goal.share for goal in TurnoutStore().goals(("IN",)) if "D9001" in goal.path}
    assert all(path[1] == "IN-XM" for path in goals)
    assert [goals[(*NEW, "D9001", *below)] for below in ((), ("D9001-B1",), ("D9001-A1",))] == [0.5] * 3
    assert covered(wiring.directory(), ground.admin, "D9001", WRITE).path == (*NEW, "D9001")


def test_a_run_that_is_made_right_after_a_move_reaches_who_lives_there_now(ground: Ground) -> None:
    areas = wiring.directory()
    assert "D9001" in str(areas.ranges(["IN-XN"])) and areas.get("D9001-A1-P2")
    ground.take([*DISTRICT, *INTO_A_BLOCK])
    assert "D9001-B1" not in str(areas.ranges(["D9001-A1-P2"])), "a copy of before"
    [state, booth] = (str(areas.ranges([one], fresh=True)) for one in ("IN-XN", "D9001-A1-P2"))
    assert "D9001" not in state and "D9002" in state
    assert "D9001-B1/D9001-A1-P2" in booth


def test_what_was_filed_by_who_had_read_the_area_before_it_moved_is_found_by_a_second_look(
    ground: Ground,
) -> None:
    ground.clock = clock = MovedClock()
    kind, path = ground.kind(), ground.path("D9001-B1")
    kind.write([kind.read(DISTRICT[0], job({}))], job({}))
    while (later := kind.finish(job({}))) is True:
        pass
    assert later == SETTLES_S
    ground.filed("late", "D9001-B1", path)
    assert ground.path("D9001-B1") != path
    clock.forward(SETTLES_S - 1)
    assert kind.finish(job({})) == 1
    clock.forward(1)
    while kind.finish(job({})):
        pass
    lying = ground.all_of_it()
    assert lying["left"] == []
    for name in ("voices", "appointments", "invitations", "groups"):
        [found] = [place for ident, place in lying[name].items() if ident.endswith("late")]
        assert found == (*NEW, "D9001", "D9001-B1"), name


def test_a_district_that_moves_once_more_meanwhile_is_looked_at_twice_more(ground: Ground) -> None:
    ground.clock = clock = MovedClock()
    kind = ground.kind()
    kind.write([kind.read(DISTRICT[0], job({}))], job({}))
    while kind.finish(job({})) is True:
        pass
    DirectoryStore().mark_moved([(*OLD, "D9001")])
    clock.forward(SETTLES_S)
    while (later := kind.finish(job({}))) is True:
        pass
    assert later == SETTLES_S


def test_many_people_are_filed_in_steps(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.influencers.refile.MOST", 1)
    before = ground.all_of_it()
    calls = []
    kind = ground.kind()
    record = kind.read({"id": "D9001", "parent": "IN-XM", "name_en": "Janpur"}, job({}))
    kind.write([record], job({}))
    while kind.finish(job({})):
        calls.append(True)
    assert len(calls) > 2
    assert ground.all_of_it() == moved(before)


def test_a_file_that_moves_nothing_notes_nothing(ground: Ground) -> None:
    ground.take([{"id": "D9001", "parent": "IN-XN", "name_en": "Janpur", "name_hi": "नया जनपुर"}])
    assert "mark_moved" not in ground.faults.seen or DirectoryStore().moved() == []
    assert booth_area("D9001-A1-P2").path == ground.path("D9001-A1-P2")
