"""An import without the job, invented booths, and the real file where it is."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.errors import InvalidInput
from chalicelib.identity.roles import Principal
from chalicelib.ports import Area, ImportJob, ImportKind
from chalicelib.turnout.model import Booth, PastElection

DATA = Path(__file__).parents[3] / "shared" / "data" / "up_booths_2014_dev.csv"
ADMIN = Principal("u-admin", "", "", frozenset({"admin"}))
AT = datetime(2026, 3, 1, tzinfo=UTC)
OPTIONS = {"election": "ls-2014", "source": "Form 20, Lok Sabha 2014"}
STATE = ("IN", "IN-XN")
AREAS = [
    Area("IN", "country", ("IN",), {"en": "India"}),
    Area("IN-XN", "state", STATE, {"en": "Namuna Pradesh"}),
    Area("D9001", "district", (*STATE, "D9001"), {"hi": "जनपुर", "en": "Janpur"}),
    Area("D9002", "district", (*STATE, "D9002"), {"hi": "लोकनगर", "en": "Loknagar"}),
    Area("D9001-B1", "block", (*STATE, "D9001", "D9001-B1"), {"en": "Sadar"}),
    Area("D9001-B2", "block", (*STATE, "D9001", "D9001-B2"), {"en": "Purva"}),
]


def booth_area(booth: str, block: str = "", state: tuple[str, ...] = STATE) -> Area:
    district = booth.partition("-")[0]
    path = (*state, district, *([block] if block else []), booth)
    return Area(booth, "booth", path, {"en": f"Sample school {booth}"})


def booth(number: int, voters: int | None, electors: int = 1000, **more: Any) -> Booth:
    return Booth(f"{more.pop('district', 'D9001')}-A{more.pop('ac', 1)}-P{number}", electors, voters, **more)


def real_rows() -> list[dict[str, str]]:
    """The rows of the real file; the test is skipped where it is not."""
    if not DATA.exists():
        pytest.skip("shared/data is not here")
    with DATA.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def real_id(row: Mapping[str, str]) -> str:
    return f"D{row['lgd_district_code']}-A{row['ac_no']}-P{row['booth_no']}"


def real_areas(rows: Iterable[Mapping[str, str]]) -> list[Area]:
    """The booths of the real file, with what is above them."""
    up = ("IN", "IN-UP")
    above = [
        Area("IN", "country", up[:1], {"en": "India"}),
        Area("IN-UP", "state", up, {"en": "Uttar Pradesh"}),
    ]
    codes = sorted({row["lgd_district_code"] for row in rows})
    above += [Area(f"D{code}", "district", (*up, f"D{code}"), {"en": code}) for code in codes]
    return above + [booth_area(real_id(row), state=up) for row in rows]


def job(options: Mapping[str, str] = OPTIONS, ident: str = "imp_1", who: Principal = ADMIN) -> ImportJob:
    return ImportJob(ident, who.id, AT, options, who)


def cells_of(kind: ImportKind[Any], row: Mapping[str, str]) -> dict[str, str]:
    """A row's cells by our names of the columns."""
    names = {header: column.name for column in kind.columns for header in (column.name, *column.also)}
    return {names[header]: cell for header, cell in row.items() if header in names}


def bring(kind: ImportKind[Any], rows: Sequence[Mapping[str, str]], given: ImportJob) -> dict[str, int]:
    """Imports rows as the job would, without its bookkeeping: how many had which effect."""
    kind.check(given)
    told: dict[str, int] = {}
    for start in range(0, len(rows), 100):
        records = []
        for row in rows[start : start + 100]:
            try:
                records.append(kind.read(cells_of(kind, row), given))
            except InvalidInput:
                told["refused"] = told.get("refused", 0) + 1
        effects = kind.compare(records, given)
        wanted = [one for one, effect in zip(records, effects, strict=True) if effect in ("new", "changed")]
        kind.write(wanted, given)
        for effect in effects:
            name = "refused" if isinstance(effect, InvalidInput) else effect
            told[name] = told.get(name, 0) + 1
    while kind.finish(given):
        pass
    return told


def election(ident: str = "ls-2014", on: date = date(2014, 5, 12)) -> PastElection:
    return wiring.turnouts().put_election(ADMIN, ident, name=f"Sample {ident}", on=on, kind="lok_sabha")


def rows_of(booths: Iterable[Booth]) -> list[dict[str, str]]:
    """A file of these booths, in our own layout."""
    return [
        {
            "booth": one.id,
            "electors": str(one.electors),
            "voters": "" if one.voters is None else str(one.voters),
        }
        for one in booths
    ]


def told(booths: Iterable[Booth], ident: str = "ls-2014", on: date = date(2014, 5, 12)) -> None:
    """Brings these booths, their areas and the election in."""
    booths = list(booths)
    wiring.directory().put_areas([*AREAS, *(booth_area(one.id, one.block) for one in booths)])
    election(ident, on)
    bring(wiring.turnout_kind(), rows_of(booths), job(OPTIONS | {"election": ident}))
