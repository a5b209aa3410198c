"""Which tier somebody is in, and why: no figure is made up, and the reasons agree with the result."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chalicelib.policies.model import (
    Evaluation,
    Known,
    Policy,
    PolicyBody,
    Start,
    Terms,
    Tier,
    Version,
    counted,
    evaluate,
    months_before,
)
from chalicelib.ports import Count, KnownPost, ProfileAccount
from tests.policies.world import (
    LONG_AGO,
    NOON,
    SAMPLES,
    TODAY,
    account,
    followers,
    known,
    person,
    terms,
    tier,
    version,
)

HIGH, LOW = tier("high", followers(youtube=1000, x=500)), tier("low", followers(youtube=100, x=50))
TWO = version(HIGH, LOW)


def answers(found: Evaluation, place: int = 0) -> list[list[str]]:
    return [[one.answer for one in step.findings] for step in found.accounts[place].tiers]


# --- what counts


@pytest.mark.parametrize(
    ("accounts", "expected"),
    [
        ([account(verified=1000)], "high"),
        ([account(verified=999)], "low"),
        ([account(verified=99)], ""),
        ([account("x", verified=500)], "high"),
        ([account("instagram", verified=10_000)], ""),
        ([account("x", verified=49), account(verified=100, own="hnd_2")], "low"),
    ],
)
def test_a_tier_is_the_first_whose_number_of_its_platform_is_reached(accounts: Any, expected: str) -> None:
    assert evaluate(TWO, known(*accounts)).tier == expected


def test_what_several_accounts_have_is_never_added() -> None:
    halves = account(verified=600), account(verified=600, own="hnd_2"), account("x", 400, own="hnd_3")
    assert evaluate(TWO, known(*halves)).tier == "low"


def test_rules_of_one_tier_are_met_by_one_account_or_not_at_all() -> None:
    both = version(tier("t", followers(youtube=100), {"kind": "proven"}))
    large, shown = account(verified=500, proven_at=None), account(verified=5, own="hnd_2")
    assert evaluate(both, known(large, shown)).tier == ""
    assert evaluate(both, known(large, replace(shown, verified=Count(100, NOON)))).tier == "t"


def test_a_stated_number_is_no_data_where_only_the_platforms_own_counts() -> None:
    found = evaluate(TWO, known(account(declared=5000)))
    assert (found.tier, found.possible) == ("", "high")
    [first, _] = found.accounts[0].tiers
    assert (first.answer, first.findings[0].number, first.findings[0].grade) == ("no_data", 5000, "declared")


def test_what_the_person_states_speaks_against_a_tier_that_it_does_not_reach() -> None:
    found = evaluate(TWO, known(account(declared=150)))
    assert (found.tier, found.possible, answers(found)) == ("", "low", [["not_met"], ["no_data"]])


def test_a_stated_number_counts_where_the_rule_says_so_and_the_platforms_own_beats_it() -> None:
    either = version(tier("t", followers(verified=False, youtube=100)))
    assert evaluate(either, known(account(declared=100))).tier == "t"
    assert evaluate(either, known(account(verified=60, declared=60))).tier == ""
    assert evaluate(either, known(account(verified=60, declared=5000))).tier == ""


def test_what_nobody_knows_is_no_data_and_never_0() -> None:
    found = evaluate(TWO, known(account()))
    assert (found.tier, found.possible) == ("", "high")
    assert [step.findings[0].number for step in found.accounts[0].tiers] == [None, None]
    assert answers(found) == [["no_data"], ["no_data"]]


def test_a_platforms_own_0_is_a_number() -> None:
    found = evaluate(TWO, known(account(verified=0)))
    assert (found.possible, found.accounts[0].tiers[0].findings[0].number) == ("", 0)


def test_who_has_named_no_account_is_in_no_tier_and_could_be_in_none() -> None:
    found = evaluate(TWO, known())
    assert (found.tier, found.possible, found.accounts[0].account) == ("", "", "")
    assert answers(found) == [["not_met"], ["not_met"]]


def test_a_tier_of_a_place_alone_needs_no_account() -> None:
    here = version(tier("t", {"kind": "area", "areas": ["D9001"]}))
    assert evaluate(here, known()).tier == "t"
    elsewhere = Known(person(path=("IN", "IN-XN", "D9002")), (), TODAY)
    assert evaluate(here, elsewhere).tier == ""


YEAR_AGO = datetime(2025, 3, 1, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("shown", "answer"),
    [
        (LONG_AGO, "met"),
        (YEAR_AGO, "met"),
        (YEAR_AGO + timedelta(days=1), "no_data"),
        (NOON, "no_data"),
        (None, "no_data"),
    ],
)
def test_an_account_is_as_old_as_the_day_on_which_it_was_shown(shown: datetime | None, answer: str) -> None:
    found = evaluate(
        version(tier("t", {"kind": "account_age", "months": 12})), known(account(proven_at=shown))
    )
    assert answers(found) == [[answer]]


def posts(*days_ago: float, platform: str = "youtube", name: str = "") -> tuple[KnownPost, ...]:
    return tuple(KnownPost(platform, name, NOON - timedelta(days=days)) for days in days_ago)


def test_posts_count_within_their_months_and_on_their_account() -> None:
    rule = {"kind": "posts", "at_least": {"youtube": 2}, "months": 1}
    asked = version(tier("t", rule))
    one = account()
    assert evaluate(asked, known(one, posts=posts(1, 28))).tier == "t"
    too_old = evaluate(asked, known(one, posts=posts(1, 29)))
    assert (too_old.tier, too_old.possible) == ("", "t")
    assert too_old.accounts[0].tiers[0].findings[0].number == 1
    assert evaluate(asked, known(one, posts=posts(1) + posts(1, platform="x"))).tier == ""
    assert evaluate(asked, known(one, posts=posts(1) + posts(1, name="@other"))).tier == ""
    assert evaluate(asked, known(one, posts=posts(1) + posts(1, name="@namuna"))).tier == "t"
    second = account(own="hnd_2", handle="@second")
    assert evaluate(asked, known(one, second, posts=posts(1, 2))).tier == "", "whose they are, nobody knows"


def test_fewer_posts_than_asked_are_not_known_to_be_too_few() -> None:
    rule = {"kind": "posts", "at_least": {"youtube": 2}, "months": 1}
    found = evaluate(version(tier("t", rule)), known(account()))
    assert (answers(found), found.possible) == ([["no_data"]], "t")


def test_what_is_known_against_a_tier_beats_what_is_not_known() -> None:
    rules = followers(youtube=100), {"kind": "account_age", "months": 12}
    found = evaluate(version(tier("t", *rules)), known(account(verified=5, proven_at=None)))
    assert (found.tier, found.possible, answers(found)) == ("", "", [["not_met", "no_data"]])


def test_a_higher_tier_that_is_only_not_known_is_named_beside_the_one_that_is_reached() -> None:
    old = version(tier("old", followers(youtube=10), {"kind": "account_age", "months": 12}), LOW)
    found = evaluate(old, known(account(verified=100, proven_at=None)))
    assert (found.tier, found.possible) == ("low", "old")


def test_rules_of_the_whole_policy_are_asked_of_every_tier() -> None:
    asked = version(HIGH, LOW, rules=[{"kind": "proven"}])
    assert evaluate(asked, known(account(verified=5000))).tier == "high"
    found = evaluate(asked, known(account(verified=5000, proven_at=None)))
    assert (found.tier, answers(found)) == ("", [["not_met", "met"], ["not_met", "met"]])


def test_an_old_version_gives_its_old_answer() -> None:
    newer = version(tier("high", followers(youtube=5000)), number=2)
    me = known(account(verified=1000))
    before = evaluate(TWO, me)
    assert (before.tier, before.version) == ("high", 1)
    assert (evaluate(newer, me).tier, evaluate(newer, me).version) == ("", 2)
    again = Version.model_validate_json(TWO.model_dump_json(exclude_defaults=True))
    assert evaluate(again, me) == before


def test_people_are_counted_by_tier_and_none_is_lost() -> None:
    found = [evaluate(TWO, known(account(verified=n))) for n in (5, 100, 200, 1000)]
    found.append(evaluate(TWO, known(account())))
    assert counted(found, TWO.terms.tiers) == ({"high": 1, "low": 2}, 2, 1)


# --- the day


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (date(2026, 3, 31), 1, date(2026, 2, 28)),
        (date(2024, 3, 31), 1, date(2024, 2, 29)),
        (date(2026, 1, 15), 1, date(2025, 12, 15)),
        (date(2026, 12, 1), 12, date(2025, 12, 1)),
        (date(2026, 12, 31), 24, date(2024, 12, 31)),
    ],
)
def test_months_go_back_by_the_calendar(day: date, months: int, before: date) -> None:
    assert months_before(day, months) == before


def start(number: int, begins: date) -> Start:
    return Start(version=number, begins=begins, by="usr_ap", at=NOON)


def policy(*starts: Start, ends_on: date | None = None) -> Policy:
    return Policy(id="pol_x", rev=1, names={}, versions=3, starts=starts, ends_on=ends_on, updated_at=NOON)


def test_the_version_that_began_last_holds_until_the_policy_ends() -> None:
    first, second = date(2026, 1, 1), date(2026, 2, 1)
    both = policy(start(2, second), start(1, first), ends_on=date(2026, 2, 28))
    days = [first - timedelta(1), first, second - timedelta(1), second, date(2026, 2, 28), date(2026, 3, 1)]
    held = [both.in_force(day) for day in days]
    assert [one and one.version for one in held] == [None, 1, 1, 2, 2, None]
    assert [both.state(1, day) for day in days] == [
        *("to_come", "in_force", "in_force", "past", "past", "past"),
    ]
    assert {both.state(3, day) for day in days} == {"draft"}


def test_of_two_decisions_for_one_day_the_later_one_holds() -> None:
    held = policy(start(2, TODAY), start(1, TODAY)).in_force(TODAY)
    assert held is not None
    assert held.version == 1


# --- what cannot be written


@pytest.mark.parametrize("kind", ["caste", "religion", "party", "votes", "turnout", "opinion", "gender"])
def test_no_policy_can_ask_for_a_vote_or_for_what_somebody_believes_or_is_born_as(kind: str) -> None:
    with pytest.raises(ValidationError) as refused:
        terms(tier("t", {"kind": kind, "at_least": 1}))
    assert [one["type"] for one in refused.value.errors()] == ["union_tag_invalid"]


@pytest.mark.parametrize("field", ["caste", "religion", "votes", "reward_per_vote", "sentiment"])
def test_no_field_can_be_added_to_a_rule_a_tier_or_a_version(field: str) -> None:
    for where in (
        lambda: terms(tier("t", followers(youtube=1) | {field: 1})),
        lambda: terms(tier("t", followers(youtube=1), **{field: 1})),
        lambda: terms(LOW, **{field: 1}),
    ):
        with pytest.raises(ValidationError) as refused:
            where()
        assert [one["type"] for one in refused.value.errors()] == ["extra_forbidden"]


@pytest.mark.parametrize(
    "wrong",
    [
        terms,
        lambda: terms(LOW, LOW),
        lambda: terms(tier("t")),
        lambda: terms(tier("t", followers())),
        lambda: terms(tier("t", followers(youtube=0))),
        lambda: terms(tier("t", followers(whatsapp=5))),
        lambda: terms(tier("t", {"kind": "posts", "at_least": {"x": 1}, "months": 0})),
        lambda: terms(tier("t", {"kind": "area", "areas": []})),
        lambda: terms(tier("t", {"at_least": {"x": 1}})),
    ],
)
def test_a_version_that_could_mean_nothing_is_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        wrong()


@pytest.mark.parametrize("sample", SAMPLES, ids=[one["names"]["en"] for one in SAMPLES])
def test_the_samples_are_policies_that_say_what_they_are(sample: dict[str, Any]) -> None:
    body = PolicyBody.model_validate(sample)
    assert body.sample
    assert body.terms.source
    assert body.terms.not_certain
    assert all("sample" in name or "नमूना" in name for name in body.names.values())
    assert all(set(one.names) == {"hi", "en"} for one in body.terms.tiers)


# --- properties

PLATFORMS = ["facebook", "instagram", "x", "youtube"]
numbers = st.integers(min_value=1, max_value=50)
times = st.sampled_from([None, LONG_AGO, NOON])
figures = st.none() | st.builds(Count, st.integers(0, 60), st.just(NOON))
least = st.dictionaries(st.sampled_from(PLATFORMS), numbers, min_size=1)
rules = st.one_of(
    st.builds(lambda n, v: {"kind": "followers", "at_least": n, "verified": v}, least, st.booleans()),
    st.builds(lambda n, m: {"kind": "posts", "at_least": n, "months": m}, least, st.integers(1, 24)),
    st.builds(lambda m: {"kind": "account_age", "months": m}, st.integers(1, 240)),
    st.just({"kind": "proven"}),
    st.builds(lambda p: {"kind": "platform", "platforms": [p]}, st.sampled_from(PLATFORMS)),
    st.builds(lambda a: {"kind": "area", "areas": [a]}, st.sampled_from(["D9001", "D9002", "IN"])),
)
ruleses = st.lists(rules, min_size=1, max_size=4)
accounts = st.lists(
    st.builds(
        ProfileAccount,
        st.sampled_from([f"hnd_{n}" for n in range(4)]),
        st.sampled_from(PLATFORMS),
        st.sampled_from(["@a", "@b"]),
        figures,
        figures,
        times,
    ),
    max_size=4,
    unique_by=lambda one: one.id,
)
published = st.lists(
    st.builds(
        KnownPost,
        st.sampled_from(PLATFORMS),
        st.sampled_from(["", "@a", "@b"]),
        st.integers(0, 900).map(lambda days: NOON - timedelta(days=days)),
    ),
    max_size=6,
)


@st.composite
def versions(draw: st.DrawFn) -> Version:
    several = draw(st.lists(ruleses, min_size=1, max_size=4))
    common = draw(st.lists(rules, max_size=2))
    return version(*(tier(f"t{n}", *one) for n, one in enumerate(several)), rules=common)


def rank(found: Evaluation, by: Version) -> int:
    return [*(one.id for one in by.terms.tiers), ""].index(found.tier)


@given(versions(), accounts, published, st.integers(0, 3), st.integers(1, 100))
def test_more_followers_never_make_a_tier_lower(
    by: Version, some: list[ProfileAccount], news: list[KnownPost], which: int, more: int
) -> None:
    before = evaluate(by, Known(person(*some), news, TODAY))
    if which >= len(some):
        return
    one = some[which]
    grown = replace(
        one,
        verified=one.verified and Count(one.verified.number + more, NOON),
        declared=one.declared and Count(one.declared.number + more),
    )
    after = evaluate(by, Known(person(*some[:which], grown, *some[which + 1 :]), news, TODAY))
    assert rank(after, by) <= rank(before, by)


@given(versions(), accounts, published, st.randoms())
def test_the_order_of_rules_accounts_and_posts_changes_no_result(
    by: Version, some: list[ProfileAccount], news: list[KnownPost], random: Any
) -> None:
    def mixed(values: Any) -> Any:
        return tuple(random.sample(list(values), len(values)))

    tiers = [Tier.model_validate(one.model_dump() | {"rules": mixed(one.rules)}) for one in by.terms.tiers]
    other = by.model_copy(update={"terms": Terms(tiers=tuple(tiers), rules=mixed(by.terms.rules))})
    first = evaluate(by, Known(person(*some), news, TODAY))
    second = evaluate(other, Known(person(*mixed(some)), mixed(news), TODAY))
    assert (first.tier, first.possible) == (second.tier, second.possible)
    assert [one.account for one in first.accounts] == [one.account for one in second.accounts]
    assert evaluate(by, Known(person(*some), news, TODAY)) == first


@given(versions(), accounts, published)
def test_the_reasons_agree_with_the_result(
    by: Version, some: list[ProfileAccount], news: list[KnownPost]
) -> None:
    found = evaluate(by, Known(person(*some), news, TODAY))
    order = [one.id for one in by.terms.tiers]
    assert {one.account for one in found.accounts} == {one.id for one in some} or not some
    met, open_yet = [], []
    for one in found.accounts:
        assert [step.tier for step in one.tiers] == order
        for step in one.tiers:
            said = {finding.answer for finding in step.findings}
            expected = "not_met" if "not_met" in said else "no_data" if "no_data" in said else "met"
            assert step.answer == expected
            met += [step.tier] if step.answer == "met" else []
            open_yet += [step.tier] if step.answer == "no_data" else []
    assert found.tier == min(met, key=order.index, default="")
    higher = [one for one in open_yet if not found.tier or order.index(one) < order.index(found.tier)]
    assert found.possible == min(higher, key=order.index, default="")


@given(versions(), accounts, published)
def test_no_figure_stands_in_the_reasons_that_nobody_has_given(
    by: Version, some: list[ProfileAccount], news: list[KnownPost]
) -> None:
    found = evaluate(by, Known(person(*some), news, TODAY))
    own = {one.id: one for one in some}
    for one in found.accounts:
        for finding in (finding for step in one.tiers for finding in step.findings):
            if finding.rule.kind == "followers" and finding.number is not None:
                told = own[one.account].verified if finding.grade == "verified" else own[one.account].declared
                assert told is not None
                assert finding.number == told.number
            if finding.answer == "met" and finding.rule.kind == "followers" and finding.rule.verified:
                assert finding.grade == "verified"


def test_a_higher_no_data_of_one_account_is_named_beside_what_another_holds() -> None:
    unknown, small = account("x"), account(verified=100, own="hnd_2")
    found = evaluate(TWO, known(unknown, small))
    assert (found.tier, found.possible) == ("low", "high")
    assert [one.account for one in found.accounts] == ["hnd_2", "hnd_1"]


def test_nothing_is_possible_below_what_is_reached() -> None:
    low_only = version(HIGH, tier("low", followers(False, x=1)))
    found = evaluate(low_only, known(account(verified=1000), account("x", own="hnd_2")))
    assert (found.tier, found.possible) == ("high", "")
    own = version(HIGH, tier("low", {"kind": "account_age", "months": 12}))
    found = evaluate(own, known(account(verified=1000, proven_at=None)))
    assert (found.accounts[0].tier, found.accounts[0].possible) == ("high", "")
