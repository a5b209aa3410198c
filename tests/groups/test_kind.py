"""Files of groups: what is new, what is changed, what is refused; the same file twice changes nothing."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from chalicelib import wiring
from chalicelib.errors import Forbidden, InvalidInput
from chalicelib.identity.roles import Principal
from chalicelib.ports import ImportJob
from tests.influencers.world import ADMIN, COORDINATOR
from tests.pages.conftest import prepared

__all__ = ["prepared"]
AT = datetime(2026, 1, 31, 4, tzinfo=UTC)
JOB = ImportJob("imp_1", ADMIN.id, AT, caller=ADMIN)
FILE = """link,area,name,members,women,month,admin_name,admin_phone
chat.whatsapp.com/IqBv2Qk0aZfAxNAMUNA001?mode=x,D9001-A1-P1,पंचायत भवन समूह,120,40,2026-01,नमूना देवी,8123456789.0
https://t.me/+NaMuNa_abc-DEF12,D9001,Namuna,,,,,
https://chat.whatsapp.com/IqBv2Qk0aZfAxNAMUNA002,D9002,Other,30,,2026-01,,
"""


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def take(text: str, job: ImportJob = JOB, *, dry: bool = False) -> list[Any]:
    """What the import job does, without slices: the effects, or the first error's column and code."""
    kind = wiring.groups_kind()
    kind.check(job)
    found = [kind.read(row, job) for row in rows(text)]
    effects = kind.compare(found, job)
    if not dry:
        good = zip(found, effects, strict=True)
        kind.write([one for one, effect in good if effect in ("new", "changed")], job)
        kind.finish(job)
    return [
        (one.errors[0].field, one.errors[0].code) if isinstance(one, InvalidInput) else one for one in effects
    ]


def scan(table: str) -> list[Any]:
    items = boto3.client("dynamodb").scan(TableName=f"janjan-local-{table}")["Items"]
    return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


def test_a_second_import_changes_nothing_and_says_so(prepared: object) -> None:
    assert take(FILE, dry=True) == ["new", "new", "new"]
    assert scan("groups") == []
    assert take(FILE) == ["new", "new", "new"]
    before = scan("groups") + scan("coverage")
    assert take(FILE, replace(JOB, id="imp_2")) == ["same", "same", "same"]
    assert scan("groups") + scan("coverage") == before


def test_a_slice_that_comes_again_after_a_crash_makes_no_second_group(prepared: object) -> None:
    kind = wiring.groups_kind()
    found = [kind.read(row, JOB) for row in rows(FILE)]
    kind.write(found[:2], JOB)
    kind.write(found, JOB)
    listed, _ = wiring.groups().listed(ADMIN, area=None, kind=None, state=None, limit=10, after=None)
    assert len(listed) == 3
    assert len(scan("coverage")) == 3


def test_what_a_file_does_not_tell_stays_and_what_it_tells_is_changed(prepared: object) -> None:
    take(FILE)
    later = FILE.replace("120,40,2026-01", "130,50,2026-02").replace(",Namuna,", ",New name,")
    assert take(later) == ["changed", "changed", "same"]
    bare = "link,area,name\nhttps://chat.whatsapp.com/IqBv2Qk0aZfAxNAMUNA001,D9001-A1-P1,पंचायत भवन समूह\n"
    assert take(bare) == ["same"]
    listed, _ = wiring.groups().listed(ADMIN, area="D9001-B1", kind=None, state=None, limit=10, after=None)
    assert [(one.figures.members, one.admins[0].phone) for one in listed] == [(130, "+918123456789")]


def test_an_earlier_months_figures_go_into_the_history_alone(prepared: object) -> None:
    take(FILE)
    earlier = FILE.replace("120,40,2026-01", "90,,2025-12")
    assert take(earlier) == ["changed", "same", "same"]
    assert take(earlier) == ["same", "same", "same"]
    group, _ = wiring.groups().listed(ADMIN, area="D9001-B1", kind=None, state=None, limit=1, after=None)
    assert group[0].figures.members == 120
    assert [one.month for one in wiring.groups().history(ADMIN, group[0].id)] == ["2026-01", "2025-12"]


def test_a_coordinators_file_fills_their_own_areas_only(prepared: object) -> None:
    job = replace(JOB, actor=COORDINATOR.id, caller=COORDINATOR)
    assert take(FILE, job) == ["new", "new", ("area", "area_unknown")]
    take(FILE)
    moved = FILE.replace("NAMUNA002,D9002", "NAMUNA002,D9001")
    before = scan("groups") + scan("coverage")
    assert take(moved, job)[2] == "new"  # as of a link that nobody knows
    assert scan("groups") + scan("coverage") == before


def test_a_group_that_another_area_registers_while_a_file_is_taken_stays_theirs(prepared: object) -> None:
    job = replace(JOB, actor=COORDINATOR.id, caller=COORDINATOR)
    kind = wiring.groups_kind()
    ours = FILE.replace("NAMUNA002,D9002", "NAMUNA002,D9001")
    found = [kind.read(row, job) for row in rows(ours)][2:]
    assert kind.compare(found, job) == ["new"]
    take(FILE)
    before = scan("groups") + scan("coverage")
    kind.write(found, job)
    assert scan("groups") + scan("coverage") == before


def test_who_keeps_no_groups_imports_none(prepared: object) -> None:
    auditor = Principal("usr_au", "Au", "a@x.test", frozenset({"auditor"}))
    with pytest.raises(Forbidden):
        wiring.groups_kind().check(replace(JOB, caller=auditor))


@pytest.mark.parametrize(
    ("change", "column"),
    [
        (("chat.whatsapp.com/IqBv2Qk0aZfAxNAMUNA001?mode=x", "wa.me/918123456789"), "link"),
        (("8123456789.0", "8.12E+09"), "admin_phone"),
        (("8123456789.0", "12345"), "admin_phone"),
        (("120,40", "40,120"), "women"),
        (("120,40", ",40"), "members"),
        (("120,40", "-3,"), "members"),
        (("40,2026-01,", "40,January,"), "month"),
        (("पंचायत भवन समूह", ""), "name"),
        (("पंचायत भवन समूह", "◌ा◌ा"), "name"),
    ],
)
def test_a_row_that_cannot_be_right_is_refused_by_its_column(
    prepared: object, change: tuple[str, str], column: str
) -> None:
    kind = wiring.groups_kind()
    row = rows(FILE.replace(*change))[0]
    with pytest.raises(InvalidInput) as refused:
        kind.read(row, JOB)
    assert [one.field for one in refused.value.errors] == [column]


def test_an_area_or_department_that_is_none_is_a_row_error(prepared: object) -> None:
    unknown = "link,area,name,kind,departments\nhttps://t.me/+NaMuNa_abc-DEF13,%s,Namuna,%s\n"
    assert take(unknown % ("D7", "area,")) == [("area", "area_unknown")]
    assert take(unknown % ("D9001", "coordination,nobody")) == [("departments", "department_unknown")]
