"""The rule that picks influencers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chalicelib.campaigns.audience import Audience, Preview
from chalicelib.ports import RosterRow

THEMES, PLATFORMS, LANGUAGES = ["health", "youth", "women"], ["youtube", "instagram", "x"], ["hi", "en", "bn"]

rows = st.builds(
    RosterRow,
    id=st.just("inf_a"),
    partition=st.just("D9001"),
    area_key=st.just("#inf_a"),
    language=st.sampled_from(LANGUAGES),
    themes=st.frozensets(st.sampled_from(THEMES)),
    followers=st.dictionaries(st.sampled_from(PLATFORMS), st.integers(0, 1000)),
    professions=st.frozensets(st.sampled_from(["doctor", "poet"])),
    gender=st.sampled_from(["", "female", "male", "other"]),
    channels=st.lists(st.sampled_from(["whatsapp", "telegram"]), unique=True).map(tuple),
)
audiences = st.builds(
    Audience,
    themes=st.lists(st.sampled_from(THEMES)).map(tuple),
    platforms=st.lists(st.sampled_from(PLATFORMS)).map(tuple),
    languages=st.lists(st.sampled_from(LANGUAGES)).map(tuple),
    min_followers=st.integers(0, 1000),
    gender=st.sampled_from(["", "female", "male", "other"]),
    professions=st.lists(st.sampled_from(["doctor", "poet"])).map(tuple),
)
PERSON = RosterRow(
    "inf_a",
    "D9001",
    "#inf_a",
    "hi",
    themes=frozenset({"health"}),
    followers={"youtube": 900, "x": 10},
    professions=frozenset({"doctor"}),
    gender="female",
    channels=("whatsapp",),
)


@given(rows)
def test_an_audience_without_rules_picks_everybody(row):
    assert Audience().picks(row)


@given(audiences, rows)
def test_every_rule_that_is_given_must_fit(audience, row):
    counted = [n for p, n in row.followers.items() if not audience.platforms or p in audience.platforms]
    fits = (
        (not audience.themes or bool(set(audience.themes) & row.themes))
        and (not audience.platforms or bool(set(audience.platforms) & set(row.followers)))
        and (not audience.languages or row.language in audience.languages)
        and (max(counted, default=0) >= audience.min_followers)
        and (not audience.gender or row.gender == audience.gender)
        and (not audience.professions or bool(set(audience.professions) & row.professions))
    )
    assert audience.picks(row) is fits


@given(audiences, st.lists(rows))
def test_a_preview_puts_everybody_into_exactly_one_count(audience, people):
    preview = Preview()
    preview.add(people, audience, ("whatsapp", "telegram"))
    assert preview.count + preview.excluded.total() == len(people)
    assert preview.by_channel.total() == preview.by_area.total() == preview.count


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"themes": ["youth"]}, "theme"),
        ({"platforms": ["facebook"]}, "platform"),
        ({"languages": ["en"]}, "language"),
        ({"min_followers": 901}, "followers"),
        ({"platforms": ["x"], "min_followers": 11}, "followers"),
        ({"gender": "male"}, "gender"),
        ({"professions": ["poet"]}, "profession"),
        ({"min_followers": 900, "platforms": ["youtube", "x"], "gender": "female"}, None),
    ],
)
def test_the_first_rule_that_does_not_fit_is_the_reason(rule, reason):
    assert Audience.model_validate(rule).reason_against(PERSON) == reason


def test_the_campaigns_order_of_channels_decides():
    both = RosterRow("inf_b", "D9001", "#inf_b", "hi", channels=("telegram", "whatsapp"))
    preview = Preview()
    preview.add([PERSON, both], Audience(), ("whatsapp", "telegram"))
    assert preview.by_channel == {"whatsapp": 2}
    preview.add([PERSON], Audience(), ("telegram",))
    assert preview.excluded == {"no_channel": 1}


@pytest.mark.parametrize("later", [{"tiers": ["nano"]}])
def test_rules_that_come_later_are_refused_by_name(later):
    with pytest.raises(ValidationError) as refused:
        Audience.model_validate(later)
    [error] = refused.value.errors()
    assert (error["loc"], error["type"]) == ((next(iter(later)),), "not_available")


def test_rules_that_come_later_may_be_empty():
    assert Audience.model_validate({"tiers": [], "turnout_below": None}) == Audience()


def test_who_pauses_is_counted_as_left_out() -> None:
    found = Preview()
    found.add([PERSON, replace(PERSON, id="inf_b", paused=True)], Audience(), ("whatsapp",))
    assert (found.count, found.excluded) == (1, {"paused": 1})
