"""The register of schemes: words by language, validity, progress that ages; cards for a campaign's kit."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from chalicelib.departments.scheme import Card, CardBody, ProgressBody, Scheme, SchemeBody
from chalicelib.errors import InvalidInput, NotFound, OtherDepartment
from chalicelib.ports import CampaignBrief
from tests.departments.world import ADMIN, COORDINATOR, EDITOR, ROADS, WATER, World

TODAY = date(2026, 3, 1)
TEXT = {"name": "जल नमूना योजना", "who": "हर घर", "how": "पंचायत में आवेदन"}


def body(**more: Any) -> SchemeBody:
    return SchemeBody.model_validate({"department": "water", "texts": {"hi": TEXT}} | more)


def add(world: World, who: Any = WATER, **more: Any) -> Scheme:
    return world.schemes.add(who, body(**more))


def tell(world: World, scheme: str, as_of: date = TODAY, who: Any = WATER) -> None:
    given = {"texts": {"hi": {"text": "1,200 घर जुड़े"}}, "as_of": as_of, "source": "नमूना"}
    world.schemes.told(who, scheme, ProgressBody.model_validate(given))


def listed(world: World, **wanted: Any) -> list[str]:
    given = {"department": "", "theme": "", "validity": None, "stale": False, "limit": 50, "after": None}
    return sorted(one.id for one in world.schemes.listed(**given | wanted)[0])


def test_a_scheme_is_found_by_anybody_by_department_theme_and_validity(world: World) -> None:
    water = add(world, theme="cleanliness").id
    roads = add(world, ADMIN, department="roads", valid_from=TODAY + timedelta(days=1)).id
    over = add(world, valid_until=TODAY - timedelta(days=1)).id
    assert listed(world) == sorted([water, roads, over])
    assert listed(world, department="roads") == listed(world, validity="to_come") == [roads]
    assert listed(world, theme="cleanliness") == listed(world, validity="current") == [water]
    assert listed(world, department="water", validity="ended") == [over]


def test_a_scheme_holds_to_the_end_of_its_last_day_in_india(world: World) -> None:
    scheme = add(world, valid_until=TODAY)
    assert scheme.validity(TODAY) == "current"
    world.clock.forward(12 * 3600)  # 23:59 and a day later by the clock of UTC and India
    assert world.schemes.briefs([scheme.id])[scheme.id].ended


def test_a_list_of_schemes_goes_on_where_it_stopped(world: World) -> None:
    made = sorted(add(world).id for _ in range(5))
    for department in ("", "water"):
        found: list[str] = []
        after = None
        while True:
            page, after = world.schemes.listed(
                department=department, theme="", validity=None, stale=False, limit=2, after=after
            )
            found += [one.id for one in page]
            if after is None:
                break
        assert found == made


def test_progress_ages_and_a_silent_scheme_says_so(world: World) -> None:
    scheme = add(world, valid_from=TODAY - timedelta(days=60)).id
    ages, stale = [], []
    for day in range(0, 180, 30):
        if day == 30:
            tell(world, scheme, TODAY + timedelta(days=25))
        one = world.schemes.get(scheme)
        today = TODAY + timedelta(days=day)
        ages.append(one.age_days(today))
        stale.append(one.stale(today))
        world.days(30)
    assert ages == [None, 5, 35, 65, 95, 125]
    assert stale == [False, False, False, False, True, True]
    assert listed(world, stale=True) == [scheme]


def test_an_older_word_that_comes_later_makes_nothing_older(world: World) -> None:
    scheme = add(world).id
    tell(world, scheme, TODAY)
    tell(world, scheme, TODAY - timedelta(days=40))
    assert world.schemes.get(scheme).progress_on == TODAY
    words, _ = world.schemes.progress(scheme, 10, None)
    assert [word.as_of for word in words] == [TODAY, TODAY - timedelta(days=40)]


def test_nobody_tells_of_days_to_come(world: World) -> None:
    with pytest.raises(InvalidInput):
        tell(world, add(world).id, TODAY + timedelta(days=1))


def test_nodal_officers_write_their_own_departments_schemes_alone(world: World) -> None:
    scheme = add(world).id
    for act in (
        lambda: add(world, ROADS),
        lambda: world.schemes.change(ROADS, scheme, {"link": ""}),
        lambda: world.schemes.change(WATER, scheme, {"department": "roads"}),
        lambda: tell(world, scheme, who=ROADS),
    ):
        with pytest.raises(OtherDepartment):
            act()
    assert world.schemes.get(scheme).rev == 1


def test_a_change_replaces_what_is_given_and_is_in_the_audit(world: World) -> None:
    scheme = add(world)
    english = {"name": "Water", "who": "Every home", "how": "At the panchayat"}
    after = world.schemes.change(EDITOR, scheme.id, {"texts": {"hi": TEXT, "en": english}})
    assert (set(after.names), after.department) == ({"hi", "en"}, "water")
    assert world.schemes.change(EDITOR, scheme.id, {"valid_until": TODAY}).valid_until == TODAY
    assert world.schemes.change(EDITOR, scheme.id, {"valid_until": None}).valid_until is None
    with pytest.raises(ValidationError):
        world.schemes.change(EDITOR, scheme.id, {"texts": {"hi": TEXT | {"name": ""}}})
    actions = [action for action, _ in world.audited(f"scheme#{scheme.id}")]
    assert actions == ["scheme.added"] + ["scheme.changed"] * 3


def test_unknown_departments_and_themes_and_reversed_days_are_refused(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        add(world, ADMIN, department="moon", theme="moon")
    assert [error.field for error in refused.value.errors] == ["department", "theme"]
    with pytest.raises(ValidationError):
        body(valid_from=TODAY, valid_until=TODAY - timedelta(days=1))


# --- cards


def card(world: World, who: Any = WATER, **more: Any) -> Card:
    texts = {"hi": {"myth": "पानी महँगा होगा", "answer": "नहीं: पहले 10,000 लीटर मुफ़्त हैं।"}}
    given = {"department": "water", "theme": "health", "texts": texts}
    return world.cards.write(who, CardBody.model_validate(given | more))


def cards(world: World, who: Any = EDITOR, **wanted: str) -> list[str]:
    given = dict.fromkeys(("campaign", "scheme", "theme", "language"), "")
    found, _ = world.cards.listed(who, **given | wanted, limit=50, after=None)
    return sorted(one.id for one in found)


def test_the_kit_of_a_campaign_holds_the_cards_of_its_schemes_and_its_theme(world: World) -> None:
    scheme = add(world).id
    of_scheme, of_theme = card(world, scheme=scheme, theme="").id, card(world).id
    card(world, theme="cleanliness")
    roads_card = {"department": "roads", "theme": "health", "texts": {"hi": {"myth": "x", "answer": "y"}}}
    brief = CampaignBrief("cmp_1", "x", "water", "none", "health", (scheme,))
    world.campaigns.briefs = {
        "cmp_1": brief,
        "cmp_2": CampaignBrief("cmp_2", "x", "water", "none"),
        "cmp_3": CampaignBrief("cmp_3", "x", "roads", "none", "health"),
    }
    assert cards(world, campaign="cmp_1") == sorted([of_scheme, of_theme])
    assert cards(world, campaign="cmp_1", language="ta") == []
    assert cards(world, campaign="cmp_2") == []
    world.cards.write(ADMIN, CardBody.model_validate(roads_card))
    assert cards(world, campaign="cmp_1") == sorted([of_scheme, of_theme])
    assert sorted(one.id for one in world.cards.of_campaign("cmp_1")) == sorted([of_scheme, of_theme])
    assert (world.cards.of_campaign("cmp_2"), world.cards.of_campaign("cmp_none")) == ([], [])
    for who, campaign in ((EDITOR, "cmp_none"), (WATER, "cmp_3")):
        with pytest.raises(NotFound):
            cards(world, who, campaign=campaign)


def test_cards_are_found_by_scheme_theme_and_language(world: World) -> None:
    scheme = add(world).id
    one, other = card(world, scheme=scheme, theme="").id, card(world).id
    assert cards(world) == cards(world, COORDINATOR, language="hi") == sorted([one, other])
    assert (cards(world, scheme=scheme), cards(world, theme="health")) == ([one], [other])


def test_a_nodal_officer_sees_and_changes_their_own_departments_cards_alone(world: World) -> None:
    mine = card(world)
    assert (cards(world, ROADS), cards(world, WATER)) == ([], [mine.id])
    change = CardBody.model_validate(mine.model_dump(include=set(CardBody.model_fields)))
    for act in (
        lambda: world.cards.get(ROADS, mine.id),
        lambda: world.cards.write(ROADS, change, mine.id),
        lambda: world.cards.remove(ROADS, mine.id),
    ):
        with pytest.raises(NotFound):
            act()
    with pytest.raises(OtherDepartment):
        card(world, ROADS)
    world.cards.write(WATER, change, mine.id)
    world.cards.remove(WATER, mine.id)
    assert cards(world) == []
    done = [action for action, _ in world.audited(f"card#{mine.id}")]
    assert done == ["card.added", "card.changed", "card.removed"]


def test_a_card_belongs_to_a_scheme_or_theme_that_there_is(world: World) -> None:
    with pytest.raises(ValidationError):
        card(world, theme="")
    with pytest.raises(InvalidInput) as refused:
        card(world, ADMIN, department="moon", scheme="sch_none", theme="moon")
    assert [error.field for error in refused.value.errors] == ["department", "scheme", "theme"]
