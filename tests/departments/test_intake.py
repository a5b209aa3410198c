"""Files of departments: the directory's as it is, our own layout, what is refused, what a crash leaves."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.departments.intake import DepartmentKind, Row
from chalicelib.departments.store import DepartmentStore
from chalicelib.errors import Forbidden, InvalidInput
from chalicelib.identity.audit import Audit
from chalicelib.names import clean_name
from chalicelib.ports import ImportJob
from local.config import platform_secret
from tests.departments.world import ADMIN, EDITOR
from tests.imports.world import World as Jobs
from tests.imports.world import counted
from tests.influencers.world import NOON

FILE = Path(__file__).parents[3] / "shared" / "data" / "gov_departments.csv"
BIHAR = {
    "lgd_org_code": "796",
    "lgd_state_code": "10",
    "iso_3166_2": "IN-BR",
    "name_en": "Helth Department",
    "org_type": "Department",
    "parent_org_code": "",
    "parent_org_name": "",
}
JOB = ImportJob("imp_1", ADMIN.id, NOON, caller=ADMIN)
TODAY = date(2026, 3, 1)


@pytest.fixture
def kind(tables: Any) -> DepartmentKind:
    import json

    secrets = tables.client("secretsmanager")
    secrets.create_secret(Name="janjan/local/platforms", SecretString=json.dumps(platform_secret()))
    return wiring.department_kind()


def row(kind: DepartmentKind, cells: Mapping[str, str]) -> Row:
    names = {header: column.name for column in kind.columns for header in (column.name, *column.also)}
    known = {names[header]: cell for header, cell in cells.items() if header in names}
    return kind.read(known, JOB)


def bring(kind: DepartmentKind, rows: Sequence[Mapping[str, str]], *, dry: bool = False) -> Counter[str]:
    """Imports rows as the job would: how many had which effect."""
    kind.check(JOB)
    told: Counter[str] = Counter()
    for first in range(0, len(rows), 100):
        records = [row(kind, one) for one in rows[first : first + 100]]
        effects = kind.compare(records, JOB)
        told.update(one if isinstance(one, str) else one.errors[0].code for one in effects)
        if not dry:
            kind.write([r for r, e in zip(records, effects, strict=True) if e in ("new", "changed")], JOB)
    kind.finish(JOB)
    return told


def names() -> dict[str, dict[str, str]]:
    return {one.id: one.names for one in wiring.directory().departments()}


def test_the_local_government_directorys_file_goes_in_as_it_is_and_changes_nothing_again(
    kind: DepartmentKind,
) -> None:
    if not FILE.exists():
        pytest.skip("the real file is not here")
    with FILE.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert bring(kind, rows, dry=True) == {"new": 175}
    assert names() == {}
    assert bring(kind, rows) == {"new": 175}
    assert bring(kind, rows[::-1]) == {"same": 175}
    known = names()
    assert len(known) == 175
    assert all(known[f"lgd-{one['lgd_org_code']}"] == {"en": one["name_en"]} for one in rows)


def test_the_file_goes_through_the_job_as_any_file_does(kind: DepartmentKind) -> None:
    if not FILE.exists():
        pytest.skip("the real file is not here")
    jobs = Jobs(kind=kind)  # type: ignore[arg-type]  # the job calls its kind by another name here
    data = FILE.read_bytes()
    assert counted(jobs.done(data)) | {"duplicates": 0} == {
        "read": 175,
        "accepted": 175,
        "new": 175,
        "changed": 0,
        "same": 0,
        "rejected": 0,
        "duplicates": 0,
    }
    lines = data.decode().splitlines()
    shuffled = "\r\n".join([lines[0], *sorted(lines[1:], reverse=True), lines[5]])
    again = counted(jobs.done(shuffled.encode("utf-16")))
    assert (again["same"], again["new"], again["duplicates"]) == (175, 0, 1)


def test_a_misspelling_stays_as_it_is_given_and_the_codes_are_kept(kind: DepartmentKind) -> None:
    assert bring(kind, [BIHAR]) == {"new": 1}
    assert names() == {"lgd-796": {"en": "Helth Department"}}
    [facts] = DepartmentStore().facts(["lgd-796"]).values()
    assert (facts.code, facts.state, facts.kind, facts.parent) == ("796", "IN-BR", "Department", "")
    assert Audit().all_of("department#lgd-796") == []  # the job's own entry tells of all


def test_a_name_in_another_language_is_added_and_a_corrected_one_replaces(kind: DepartmentKind) -> None:
    bring(kind, [BIHAR])
    assert bring(kind, [{"lgd_code": "796", "name_hi": "स्वास्थ्य विभाग"}]) == {"changed": 1}
    assert bring(kind, [BIHAR | {"name_en": "Health Department"}]) == {"changed": 1}
    assert names() == {"lgd-796": {"en": "Health Department", "hi": "स्वास्थ्य विभाग"}}


def test_a_department_of_our_own_id_is_found_by_its_code_from_then_on(kind: DepartmentKind) -> None:
    assert bring(kind, [{"id": "health", "lgd_code": "796", "name": "Health"}]) == {"new": 1}
    assert bring(kind, [BIHAR]) == {"changed": 1}
    assert names() == {"health": {"en": "Helth Department"}}
    assert bring(kind, [{"id": "roads", "lgd_code": "796", "name": "Roads"}]) == {"code_taken": 1}
    both = [{"id": one, "lgd_code": "9", "name": one} for one in ("one", "two")]
    assert bring(kind, both) == {"new": 1, "code_taken": 1}


def test_accounts_and_an_officer_come_with_it_each_once(kind: DepartmentKind) -> None:
    given = {
        "id": "water",
        "name_hi": "जल विभाग",
        "x": "https://x.com/Jal_Vibhag",
        "youtube": "@jalvibhag",
        "nodal_officer": "आशा नमूना",
        "mobile": "8123456789.0",
        "email": "asha@water.example",
    }
    assert bring(kind, [given]) == {"new": 1}
    assert bring(kind, [given]) == {"same": 1}
    desk = DepartmentStore().desk("water")
    assert {(one.platform, one.handle, one.proof) for one in desk.accounts} == {
        ("x", "jal_vibhag", "stated"),
        ("youtube", "jalvibhag", "stated"),
    }
    holder = desk.holder("officer", TODAY)
    assert holder is not None
    assert (holder.name, holder.phone, holder.begins) == ("आशा नमूना", "+918123456789", TODAY)
    moved = given | {"mobile": "8123456780"}
    assert bring(kind, [moved]) == {"changed": 1}
    assert [one.phone for one in DepartmentStore().desk("water").officers] == ["+918123456780"]
    assert bring(kind, [given | {"nodal_officer": "रवि नमूना"}]) == {"not_after": 1}  # on one and the same day


@pytest.mark.parametrize(
    "spelled", ["Sunita  K. Devi", "SUNITA K DEVI", "Smt. Sunita K. Devi", "Dr. (Smt) Sunita K.Devi"]
)
def test_another_spelling_of_who_holds_the_seat_is_no_handover(kind: DepartmentKind, spelled: str) -> None:
    given = {"id": "water", "name": "Water", "officer": "Sunita K. Devi", "mobile": "8123456789"}
    bring(kind, [given])
    assert bring(kind, [given | {"officer": spelled}]) in ({"changed": 1}, {"same": 1})
    [one] = DepartmentStore().desk("water").officers
    assert (one.name, one.phone, one.ends) == (clean_name(spelled), "+918123456789", None)
    assert bring(kind, [given | {"officer": spelled}]) == {"same": 1}


def test_a_nukta_or_a_joiner_makes_nobody_else_and_another_name_does(kind: DepartmentKind) -> None:
    given = {"id": "water", "name": "Water", "officer": "डॉ. फरीदा क़ुरैशी"}
    bring(kind, [given])
    assert bring(kind, [given | {"officer": "फ़रीदा कुरैशी"}]) == {"changed": 1}
    assert len(DepartmentStore().desk("water").officers) == 1
    for other in ("फ़रीदा", "श्री नमूना", "फ़रीद कुरैशी"):
        assert bring(kind, [given | {"officer": other}]) == {"not_after": 1}  # a handover, on the same day


def test_an_account_of_somebody_else_is_contested_and_the_row_goes_in(kind: DepartmentKind) -> None:
    rows = [{"id": one, "name": one, "x": "jal"} for one in ("roads", "water")]
    assert bring(kind, rows) == {"new": 2}
    store = DepartmentStore()
    assert [one.handle for one in store.desk("roads").accounts] == ["jal"]
    assert [one.handle for one in store.desk("water").contested] == ["jal"]
    assert bring(kind, rows) == {"same": 2}


@pytest.mark.parametrize("die_at", range(1, 5))
def test_a_slice_that_is_written_again_after_a_crash_leaves_what_one_writing_leaves(
    kind: DepartmentKind, monkeypatch: pytest.MonkeyPatch, die_at: int
) -> None:
    rows = [
        row(kind, {"id": one, "lgd_code": code, "name": one, "x": one, "officer": "आशा नमूना"})
        for one, code in (("roads", "1"), ("water", "2"))
    ]
    calls = 0
    real_post = type(kind.store).put_desk

    def counted(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == die_at:
            raise RuntimeError
        return real_post(*given)

    monkeypatch.setattr(type(kind.store), "put_desk", counted)
    with pytest.raises(RuntimeError):
        kind.write(rows, JOB)
    kind.write(rows, JOB)
    assert kind.compare(rows, JOB) == ["same", "same"]
    for one in ("roads", "water"):
        desk = kind.store.desk(one)
        assert ([a.handle for a in desk.accounts], len(desk.officers)) == ([one], 1)


@pytest.mark.parametrize(
    ("cells", "field", "code"),
    [
        ({"name": "x"}, "id", "missing"),
        ({"id": "Health Dept", "name": "x"}, "id", "id_form"),
        ({"lgd_code": "79A", "name": "x"}, "lgd_code", "code_form"),
        ({"lgd_code": "7.96E+02", "name": "x"}, "lgd_code", "number_rounded"),
        ({"id": "x1", "name_hi": "LokLF; foHkkx"}, "name_hi", "not_in_script"),
        ({"id": "x1", "name": "x", "x": "https://t.me/jal"}, "x", "handle_other_site"),
        ({"id": "x1", "name": "x", "officer": "आशा", "mobile": "12"}, "officer_phone", "phone_invalid"),
        ({"id": "x1", "name": "x", "officer": "आशा", "email": "x"}, "officer_email", "email_invalid"),
        ({"id": "x1", "name": "x", "officer": "=SUM(1)"}, "officer", "name_characters"),
    ],
)
def test_what_cannot_be_a_department_is_refused_by_column(
    kind: DepartmentKind, cells: dict[str, str], field: str, code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        row(kind, cells)
    assert [(one.field, one.code) for one in refused.value.errors] == [(field, code)]


def test_a_new_department_has_a_name_and_one_that_there_is_needs_none(kind: DepartmentKind) -> None:
    assert bring(kind, [{"lgd_code": "796"}]) == {"missing": 1}
    bring(kind, [BIHAR])
    assert bring(kind, [{"lgd_code": "796", "state": "IN-BR"}]) == {"same": 1}


def test_only_who_may_import_departments_does(kind: DepartmentKind) -> None:
    with pytest.raises(Forbidden):
        kind.check(ImportJob("imp_1", EDITOR.id, NOON, caller=EDITOR))
