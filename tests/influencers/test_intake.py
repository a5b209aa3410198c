"""Files of people who are to be invited."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Any

import pytest
from pynamodb.exceptions import TransactWriteError

from chalicelib.errors import InvalidInput
from chalicelib.influencers.intake import InfluencersKind
from chalicelib.influencers.rows import ProfileItem
from chalicelib.ports import ImportJob
from tests.dispatch.world import START
from tests.imports.world import World as Jobs
from tests.imports.world import counted
from tests.influencers.world import ADMIN, COORDINATOR, THEMES, World

HEADER = "name,phone,area,language,gender,themes,instagram,instagram_followers\n"
ROWS = (
    f'{HEADER}नमूना एक,9123456780.0,D9001,hi,female,health,namuna_ek,"1,250"\n'
    "नमूना दो,+91 91234 56781,D9002,hi,,,,\n"
)

PHONES = [f"+9191234567{n}" for n in range(80, 85)]
"""Invited in the caller's area, invited elsewhere, registered, said STOP, known to nobody."""


@pytest.fixture
def kind(world: World) -> InfluencersKind:
    return InfluencersKind(world.store, world.register.areas, lambda: THEMES)


class Ground(Jobs):
    people: InfluencersKind

    def imports(self) -> Any:
        made = super().imports()
        return type(made)(**vars(made) | {"kinds": {"influencers": lambda: self.people}})

    def runner(self, faults: Any = None) -> Any:
        made = super().runner(faults)
        made.kinds = {"influencers": lambda: self.people}
        return made


@pytest.fixture
def ground(kind: InfluencersKind) -> Ground:
    made = Ground()
    made.people = kind
    return made


def taken(ground: Ground, text: str = ROWS, by: Any = ADMIN) -> dict[str, int]:
    return counted(ground.done(text.encode(), by, kind="influencers"))


def invited(kind: InfluencersKind, phone: str) -> Any:
    return kind.store.find(kind.store.invited_id(phone))


def test_whoever_is_imported_is_invited_and_reserves_nothing(ground, kind):
    assert taken(ground)["new"] == 2
    one = invited(kind, "+919123456780")
    assert (one.status, one.name, one.area_path[-1]) == ("invited", "नमूना एक", "D9001")
    assert [(h.platform, h.handle, h.followers) for h in one.handles] == [("instagram", "namuna_ek", 1250)]
    assert (one.addresses, one.consents, one.reachable) == ({}, (), ())
    assert kind.store.known_phones([one.phone])[one.phone].held is False


def test_the_same_file_again_changes_nothing_and_another_changes_what_it_says(ground, kind):
    taken(ground)
    assert taken(ground)["same"] == 2
    assert taken(ground, ROWS.replace("नमूना एक", "नमूना पहला"))["changed"] == 1
    assert invited(kind, "+919123456780").name == "नमूना पहला"


def test_a_number_that_said_stop_is_not_imported(ground, kind, world):
    world.people.stop("whatsapp", "+919123456780", evidence="x", at=START)
    counts = taken(ground)
    assert (counts["new"], counts["rejected"]) == (1, 1)
    assert invited(kind, "+919123456780") is None


def test_what_a_person_said_of_themselves_is_not_changed_by_a_file(ground, kind, world):
    world.join(phone="+919123456780")
    assert taken(ground)["same"] == 1
    assert invited(kind, "+919123456780") is None


def test_who_was_invited_and_has_left_is_not_invited_again(ground, kind, world):
    taken(ground)
    one = invited(kind, "+919123456780")
    world.register.withdraw(ADMIN, one.id)
    assert taken(ground, ROWS.replace("नमूना एक", "नमूना पहला"))["same"] == 2
    assert invited(kind, "+919123456780").status == "withdrawn"


def test_a_coordinator_invites_in_their_own_areas_alone(ground, kind):
    counts = taken(ground, by=COORDINATOR)
    assert (counts["new"], counts["rejected"]) == (1, 1)
    assert invited(kind, "+919123456781") is None


def test_who_was_invited_elsewhere_is_neither_changed_nor_taken_over_by_another_areas_coordinator(
    ground, kind
):
    taken(ground)
    theirs = f"{HEADER}नमूना पराया,9123456781,D9001,hi,,,,\n"
    counts = taken(ground, theirs, by=COORDINATOR)
    assert (counts["new"], counts["rejected"]) == (1, 0)
    one = invited(kind, "+919123456781")
    assert (one.name, one.area) == ("नमूना दो", "D9002")
    assert taken(ground, theirs)["changed"] == 1


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_file_tells_a_coordinator_no_number_that_is_registered_or_has_said_stop_from_any_other(
    ground, kind, world, dry_run
):
    taken(ground)
    world.join(phone="+919123456782")
    world.people.stop("whatsapp", "+919123456783", evidence="x", at=START)
    left = invited(kind, "+919123456781")
    known = {phone: kind.store.known_phones([phone])[phone] for phone in PHONES}
    told = []
    for phone in PHONES[1:]:
        row = f"{HEADER}नमूना एक,{phone},D9001,hi,,,,\n"
        job = ground.done(row.encode(), COORDINATOR, kind="influencers", dry_run=dry_run)
        told.append((counted(job), job.failure, job.sums.listed))
    assert told == [told[0]] * 4
    assert {phone: kind.store.known_phones([phone])[phone] for phone in PHONES[:4]} == {
        phone: known[phone] for phone in PHONES[:4]
    }
    assert invited(kind, "+919123456781") == left
    assert (invited(kind, PHONES[4]) is None) is dry_run


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("phone", "9.12346E+09", "number_rounded"),
        ("phone", "12345", "phone"),
        ("name", "", "missing"),
        ("name", "नमूना 1", "name_characters"),
        ("language", "xx", "literal_error"),
        ("instagram", "not a handle!", "handle"),
        ("instagram_followers", "many", "int_parsing"),
        ("area", "d 9001", "string_pattern_mismatch"),
    ],
)
def test_a_cell_that_cannot_be_right_is_refused_with_its_column(kind, column, cell, code):
    cells = {"name": "नमूना", "phone": "9123456780", "area": "D9001", "instagram": "namuna"}
    with pytest.raises(InvalidInput) as refused:
        kind.read(cells | {column: cell}, ImportJob("imp_x", "usr_admin", START, caller=ADMIN))
    [fault] = refused.value.errors
    assert fault.field == column
    assert fault.code.startswith(code)


def test_whoever_was_invited_and_proves_the_number_is_one_person(ground, kind, world):
    taken(ground)
    assert invited(kind, "+919123456780") is not None
    person = world.join(phone="+919123456780")
    assert person.status == "pending_review"
    assert invited(kind, "+919123456780") is None
    assert taken(ground)["same"] == 2


def test_whoever_does_not_answer_is_forgotten_after_half_a_year(ground, kind):
    taken(ground)
    item = ProfileItem.get(kind.store.invited_id("+919123456780"), "profile")
    assert 180 < (item.expires - START.timestamp()) / 86400 < 185
    assert item.event is None


def test_who_acts_between_reading_and_writing_is_left_as_they_are(ground, kind, world):
    taken(ground)
    before = invited(kind, "+919123456780")
    world.register.withdraw(ADMIN, before.id)
    kind.store.put_invited([(before, before)], START, 0)
    assert invited(kind, "+919123456780").status == "withdrawn"


def written_late(kind: InfluencersKind, acts: Callable[[], object]) -> None:
    """Two people are read, `acts` happens, and then they are written."""
    read = kind.store.known_phones

    def known(phones: Any) -> Any:
        found = read(phones)
        acts()
        return found

    object.__setattr__(kind.store, "known_phones", known)
    job = ImportJob("imp_x", "usr_admin", START, caller=ADMIN)
    rows = [{"name": "नमूना", "phone": number, "area": "D9001"} for number in ("9123456780", "9123456781")]
    kind.write([kind.read(row, job) for row in rows], job)
    object.__delattr__(kind.store, "known_phones")


def test_who_says_stop_between_reading_and_writing_is_not_invited_and_the_others_are(kind, world):
    written_late(kind, lambda: world.people.stop("whatsapp", "+919123456780", evidence="x", at=START))
    assert invited(kind, "+919123456780") is None
    assert invited(kind, "+919123456781").status == "invited"


def test_who_has_taken_a_stop_back_before_the_file_is_invited(kind, world):
    world.people.stop("whatsapp", "+919123456780", evidence="x", at=START)
    world.people.restart("whatsapp", "+919123456780", evidence="y", at=START + timedelta(seconds=5))
    written_late(kind, lambda: None)
    assert invited(kind, "+919123456780").status == "invited"


def test_who_joins_between_reading_and_writing_is_not_invited_beside_that(kind, world):
    written_late(kind, lambda: world.join(phone="+919123456780"))
    assert invited(kind, "+919123456780") is None
    assert invited(kind, "+919123456781").status == "invited"


def test_another_hand_on_the_same_people_or_a_throttled_table_loses_nobody(kind, monkeypatch):
    from chalicelib.influencers import store as people

    real, refusals = people.write_together, iter(["TransactionConflict", "ThrottlingError"])

    class Refused:
        def __enter__(self) -> Any:
            return real()

        def __exit__(self, *error: object) -> None:
            reason = SimpleNamespace(code=next(refusals))
            failed = TransactWriteError("x")
            monkeypatch.setattr(TransactWriteError, "cancellation_reasons", [reason])
            raise failed

    makers: Iterator[Any] = chain([Refused, Refused], repeat(real))

    def made() -> Any:
        return next(makers)()

    monkeypatch.setattr(people, "write_together", made)
    written_late(kind, lambda: None)
    assert {invited(kind, f"+91912345678{n}").status for n in (0, 1)} == {"invited"}
