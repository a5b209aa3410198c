"""The sample programme: its areas keep the rules, its people are invented, valid and the same for a seed."""

import json
from collections import Counter
from pathlib import Path

import phonenumbers
import pytest

from chalicelib.departments.routes import DirectiveBody
from chalicelib.departments.scheme import CardBody, ProgressBody, SchemeBody
from chalicelib.directory.model import check_area, level_of
from chalicelib.handles import clean_handle
from chalicelib.ports import Area
from local.sample import LUCKNOW, REAL_DISTRICTS, WAYS, areas_from, creators, load_directory, programme

REAL = Path(__file__).parents[3] / "shared" / "data"
real_data = pytest.mark.skipif(
    not REAL.is_dir(), reason="the shared data lies beside this clone on some machines only"
)


def check_tree(areas: list[Area]) -> None:
    known: set[str] = set()
    for area in areas:
        check_area(area)
        assert area.id not in known, area.id
        assert area.parent is None or area.parent in known, area.id
        known.add(area.id)


def test_the_invented_ground_is_a_tree_down_to_booths_in_both_languages() -> None:
    areas = areas_from(None)
    check_tree(areas)
    levels = Counter(area.level for area in areas)
    assert levels == {"country": 1, "state": 1, "district": 3, "block": 10, "booth": 120}
    assert all(set(area.names) == {"hi", "en"} for area in areas)


@real_data
def test_real_ground_is_a_tree_with_lucknows_booths() -> None:
    areas = areas_from(REAL)
    check_tree(areas)
    levels = Counter(area.level for area in areas)
    assert levels == {"country": 1, "state": 36, "district": 763, "block": 7233, "booth": 3160}
    assert {area.path[2] for area in areas if area.level == "booth"} == {LUCKNOW}


@real_data
def test_creators_are_spread_over_real_ground() -> None:
    people = creators(400, areas_from(REAL))
    districts = {person.area.split("-")[0] for person in people if person.area.startswith("D")}
    assert LUCKNOW in districts
    assert 10 < len(districts) <= REAL_DISTRICTS


def test_creators_are_the_same_for_a_seed_and_each_is_somebody_else() -> None:
    areas = areas_from(None)
    people = creators(500, areas)
    assert creators(500, areas) == people
    assert creators(500, areas, seed=2) != people
    assert len({person.phone for person in people}) == len({person.chat for person in people}) == 500
    taken = [(platform, handle) for person in people for platform, handle, _ in person.handles]
    assert len(set(taken)) == len(taken)


def test_creators_look_like_a_district() -> None:
    people = creators(500, areas_from(None))
    levels = Counter(level_of(person.area) for person in people)
    assert levels["booth"] > levels["block"] > levels["district"] > 0
    assert {person.gender for person in people} == {"female", "male"}
    assert {person.channel for person in people} == {"whatsapp", "telegram"}
    assert any(not person.handles for person in people)
    assert all(handle.startswith("namuna") for person in people for _, handle, _ in person.handles)
    followers = sorted(count for person in people for _, _, count in person.handles)
    assert followers[-1] > 20 * followers[len(followers) // 2]


def test_phones_are_valid_mobiles_of_one_invented_range() -> None:
    for person in creators(50, areas_from(None)):
        number = phonenumbers.parse(person.phone)
        assert phonenumbers.is_valid_number(number)
        assert phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
        assert person.phone.startswith("+9190000")


def test_the_directory_is_loaded_and_marked_as_a_sample() -> None:
    class Directory:
        kept: list[tuple[str, bool]] = []

        def put_areas(self, areas: list[Area], *, sample: bool) -> None:
            self.kept += [(area.id, sample) for area in areas]

        def put_theme(self, theme_id: str, names: dict[str, str], *, sample: bool) -> None:
            self.kept.append((theme_id, sample))

        put_department = put_theme

    directory = Directory()
    load_directory(directory, areas_from(None), sample=True)
    assert {("IN", True), ("voter_awareness", True), ("election", True)} <= set(directory.kept)


def test_the_templates_of_the_sandbox_exist_in_both_languages() -> None:
    file = Path(__file__).parents[2] / "local" / "data" / "templates.json"
    languages: dict[str, set[str]] = {}
    for template in json.loads(file.read_text(encoding="utf-8")):
        languages.setdefault(template["name"], set()).add(template["language"])
    assert set(languages) >= {"janjan_code", "janjan_known_number", "janjan_welcome", "namuna_brief"}
    assert all(found == {"hi", "en"} for found in languages.values())


def test_a_share_of_those_on_phones_is_reached_by_sms_or_email_and_nobody_else_changes() -> None:
    areas = areas_from(None)
    plain, some = creators(500, areas), creators(500, areas, elsewhere=0.2)
    changed = [(a, b) for a, b in zip(plain, some, strict=True) if a != b]
    assert 50 < len(changed) < 120
    assert all(a.channel == "whatsapp" for a, _ in changed)
    assert {b.channels for _, b in changed} == set(WAYS)
    by_mail = next(b for _, b in changed if b.channel == "email")
    assert by_mail.address == by_mail.email == f"namuna{by_mail.number}@sample.test"
    assert creators(500, areas, elsewhere=0.2) == some


def test_what_the_sample_says_of_departments_is_what_staff_may_write() -> None:
    kept = programme()
    departments = {one["id"] for one in kept["departments"]}
    themes = {one["id"] for one in kept["themes"]}
    bodies = [SchemeBody.model_validate(kept["scheme"]), *map(CardBody.model_validate, kept["cards"])]
    assert {one.department for one in bodies} <= departments
    assert {one.theme for one in bodies} <= themes
    ProgressBody.model_validate(kept["progress"] | {"as_of": "2026-01-31"})
    more = {"departments": sorted(departments), "due_on": "2026-01-31"}
    DirectiveBody.model_validate(kept["directive"] | more)
    for department, accounts in kept["accounts"].items():
        assert department in departments
        assert all(clean_handle(platform, name).startswith("namuna") for platform, name in accounts.items())


def test_the_invented_office_is_understood_by_the_pages() -> None:
    from chalicelib.pages.frame import Organisation

    profile = Path(__file__).parents[2] / "local" / "data" / "organisation.json"

    told = Organisation.model_validate_json(profile.read_text(encoding="utf-8"))
    assert {"hi", "en"} <= told.name.keys()
    assert "sample" in told.lineage["en"]
