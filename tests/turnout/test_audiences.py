"""Audiences by who voted where: who is picked, who is left out and why, what is frozen."""

from __future__ import annotations

from collections import Counter
from datetime import date
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from chalicelib import wiring
from chalicelib.campaigns.audience import Audience, Low
from chalicelib.campaigns.runs import Runs
from chalicelib.campaigns.service import AudienceTooLarge
from chalicelib.campaigns.store import CampaignStore
from chalicelib.dispatch.recipients import OfRoster
from chalicelib.dispatch.store import DispatchStore
from chalicelib.errors import InvalidInput
from chalicelib.ports import LowPlaces, RosterRange, RosterRow
from tests.campaigns.samples import APPROVER, EDITOR
from tests.campaigns.test_campaigns import NOW, MemoryRoster, made, queue, runs_at, submitted
from tests.turnout.world import AREAS, booth, told

__all__ = ["made", "queue"]
DATE = date(2017, 2, 1)


def person(ident: str, *place: str, partition: str = "D9001") -> RosterRow:
    return RosterRow(ident, partition, f"{'/'.join(place)}#{ident}", "hi", channels=("whatsapp",))


AT_BOOTHS = [person(f"inf_{n}", f"D9001-A1-P{n}") for n in range(1, 21)]
IN_BLOCKS = [person("inf_b1", "D9001-B1"), person("inf_b2", "D9001-B2")]
WIDE = [person("inf_d"), person("inf_st", partition="ST#IN-XN"), person("inf_in", partition="IN")]
EVERYBODY = [*AT_BOOTHS, *IN_BLOCKS, *WIDE]
LOW = [f"inf_{n}" for n in (1, 2)]


def few_voted(district="D9001"):
    """Twenty booths with 20, 40 … 400 of 1,000; the first ten in a block, whose turnout is 11 %."""
    return [
        booth(n, 20 * n, district=district, block=f"{district}-B1" if n <= 10 and district == "D9001" else "")
        for n in range(1, 21)
    ]


# --- the rule -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "share"), [(55, 0.55), (0.55, 0.55), (1, 1.0), (100, 1.0), (None, None)])
def test_a_threshold_is_a_share_or_per_cent(given, share):
    assert Audience.model_validate({"turnout_below": given}).below == share


@pytest.mark.parametrize(
    "wrong",
    [
        {"turnout_below": -1},
        {"turnout_below": 101},
        {"turnout_below": "nan"},
        {"turnout_below": "low"},
        {"lowest_share": 10},
        {"lowest_share": -0.1},
    ],
)
def test_a_share_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValidationError):
        Audience.model_validate(wrong)


def test_no_rule_is_no_rule_however_it_is_left_out():
    for empty in (None, 0, "", []):
        audience = Audience.model_validate({"turnout_below": empty, "lowest_share": empty})
        assert not audience.by_turnout
        assert audience.picks(AT_BOOTHS[0])


def test_whose_places_nobody_looked_up_is_not_picked():
    audience = Audience(lowest_share=0.1)
    assert audience.reason_against(AT_BOOTHS[0]) == "turnout"
    assert Low(audience, {}, lambda: pytest.fail("nothing is to be read")).of("D9001") is None


def test_an_audience_without_such_a_rule_reads_nothing():
    low = Low(Audience(), {"D9001": "ls-2014"}, lambda: pytest.fail("nothing is to be read"))
    assert low.of("D9001") is None


def test_each_districts_places_are_read_once():
    asked = Counter[str]()

    def low_places(district, election, *, below, lowest_share):
        asked[district] += 1
        return LowPlaces(frozenset({"D9001-A1-P1"}))

    elections = {"D9001": "ls-2014", "D9002": "ls-2014"}
    low = Low(Audience(lowest_share=0.1), elections, lambda: SimpleNamespace(low_places=low_places))
    for row in AT_BOOTHS * 3:
        assert low.audience.picks(row, low.of(row.partition)) is (row.id == "inf_1")
    assert asked == {"D9001": 1}


# --- on the engine ------------------------------------------------------------------------------------------


@pytest.fixture
def campaigns(made):
    told(few_voted())
    return made(EVERYBODY)


def picked(campaigns, **rules):
    preview = campaigns.preview(Audience(areas=("IN",), **rules))
    return preview.count, dict(preview.excluded), dict(preview.elections)


def test_the_lowest_tenth_are_those_known_by_its_booths_alone(campaigns):
    assert picked(campaigns, lowest_share=0.1) == (2, {"turnout": 23}, {"ls-2014": 1})


def test_under_a_threshold_a_booth_counts_by_itself_a_block_and_a_district_by_their_sums(campaigns):
    # booths 1 to 7 under 15 %; block B1 at 11 %; B2 has no figures and goes with the district, at 21 %
    assert picked(campaigns, turnout_below=15) == (8, {"turnout": 17}, {"ls-2014": 1})
    assert picked(campaigns, turnout_below=0.22)[0] == 10 + 3
    assert picked(campaigns, turnout_below=0.11)[0] == 5


def test_both_rules_together_pick_who_fits_both(campaigns):
    assert picked(campaigns, turnout_below=0.03, lowest_share=0.1)[0] == 1


def test_what_did_not_report_is_never_low(made):
    silent = [booth(n, 0, ac=2) for n in range(1, 4)]
    told([*few_voted(), *silent, booth(30, None)])
    people = [person("inf_silent", "D9001-A2-P1"), person("inf_none", "D9001-A1-P30")]
    campaigns = made(people)
    for rules in ({"lowest_share": 1.0}, {"turnout_below": 100}):
        assert picked(campaigns, **rules)[:2] == (0, {"turnout": 2})


def test_a_district_of_which_too_little_is_told_stands_for_nobody(made):
    told([booth(1, 10), booth(2, None), booth(3, None)])
    campaigns = made([person("inf_d"), person("inf_1", "D9001-A1-P1")])
    assert picked(campaigns, turnout_below=55)[0] == 1


def test_the_latest_election_of_each_district_counts_or_the_one_that_is_named(made):
    told([*few_voted(), *few_voted("D9002")])
    told([booth(n, 900 - n) for n in range(1, 21)], "vs-2017", DATE)
    people = [*AT_BOOTHS, person("inf_x", "D9002-A1-P1", partition="D9002")]
    campaigns = made(people)
    latest = picked(campaigns, lowest_share=0.05)
    assert latest == (2, {"turnout": 19}, {"vs-2017": 1, "ls-2014": 1})
    named = picked(campaigns, lowest_share=0.05, turnout_election="ls-2014")
    assert named == (2, {"turnout": 19}, {"ls-2014": 2})
    assert picked(campaigns, lowest_share=0.05, turnout_election="none")[0] == 0


def test_an_audience_of_areas_without_turnout_is_not_ready(made):
    wiring.directory().put_areas(AREAS)
    campaigns = made(EVERYBODY)
    with pytest.raises(InvalidInput) as refused:
        submitted(campaigns, audience={"areas": ["D9002"], "lowest_share": 0.1})
    assert ("audience.lowest_share", "turnout_unknown") in [(e.field, e.code) for e in refused.value.errors]


def test_a_run_judges_by_the_election_that_was_the_latest_when_it_was_scheduled(campaigns):
    draft = submitted(campaigns, audience={"areas": ["IN-XN"], "lowest_share": 0.1})
    campaigns.decide(APPROVER, draft, "approve", "")
    run = campaigns.schedule(EDITOR, draft, None)
    told([booth(n, 900 - n) for n in range(1, 21)], "vs-2017", DATE)  # what is told later of a later election
    assert [row.id for row in wiring.runs().wants(run.id, EVERYBODY)] == LOW
    assert CampaignStore().frozen(run.id).elections == {"D9001": "ls-2014"}


def test_a_later_import_changes_no_page_that_is_planned(campaigns):
    draft = submitted(campaigns, audience={"areas": ["IN-XN"], "lowest_share": 0.1})
    campaigns.decide(APPROVER, draft, "approve", "")
    run = campaigns.schedule(EDITOR, draft, None)

    def drawn():
        """The district's page, as a container draws it that has read nothing yet."""
        runs = Runs(CampaignStore(), runs_at(NOW).clock, turnout=wiring.turnout)
        ranges = [one.partition for one in runs.ranges(run.id)]
        brief = runs.get(run.id)
        page = OfRoster(runs, MemoryRoster(AT_BOOTHS)).draw(brief, ranges.index("D9001"), 0, None)
        return page, [person for people in page.groups.values() for person in people]

    page, before = drawn()
    assert before == LOW
    assert DispatchStore().freeze(page) == page
    told([booth(n, 900 - n) for n in range(1, 21)])  # the same election, corrected
    later, after = drawn()
    assert sorted(after) == ["inf_19", "inf_20"]
    assert DispatchStore().freeze(later) == page
    assert DispatchStore().page(run.id, page.range_no, 0) == page


def test_runs_that_were_built_without_turnout_pick_nobody_by_it(campaigns):
    draft = submitted(campaigns, audience={"areas": ["IN-XN"], "lowest_share": 0.1})
    campaigns.decide(APPROVER, draft, "approve", "")
    run = campaigns.schedule(EDITOR, draft, None)
    with pytest.raises(LookupError):
        runs_at(NOW).wants(run.id, EVERYBODY)


def test_a_preview_that_is_too_large_is_refused_and_reads_no_more(made, monkeypatch):
    pages = []

    class Endless(MemoryRoster):
        def page(self, where, after, limit):
            pages.append(where)
            return AT_BOOTHS * 50, "more"

    campaigns = made()
    monkeypatch.setattr("chalicelib.campaigns.service.PREVIEW_AT_MOST", 20_000)
    object.__setattr__(campaigns, "roster", lambda: Endless([]))
    with pytest.raises(AudienceTooLarge):
        campaigns.preview(Audience(areas=("IN",)))
    assert len(pages) < 40


SHARES = st.none() | st.sampled_from([0.05, 0.1, 0.3, 1.0])


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(0, 30)), min_size=1, max_size=25),
    SHARES,
    SHARES,
)
def test_what_is_picked_is_what_a_naive_scan_finds(rows, below, lowest):
    from chalicelib.turnout.model import Sheet
    from chalicelib.turnout.places import Places

    booths = [
        booth(n, None if v is None else min(v, e), e, ac=n % 3 + 1) for n, (e, v) in enumerate(rows, start=1)
    ]
    store = SimpleNamespace(sheet=lambda election, district: Sheet.of(district, booths))
    low = Places(store, lambda: None).low_places("D9001", "e", below=below, lowest_share=lowest)  # type: ignore[arg-type]
    said = {one.constituency for one in booths if one.voters}
    shares = {
        b.id: b.voters / b.electors
        for b in booths
        if b.voters is not None and b.electors and b.constituency in said
    }

    def fits(ident):
        if ident not in shares:
            return False
        lower = sum(other < shares[ident] for other in shares.values())
        return (below is None or shares[ident] < below) and (
            lowest is None or round(lower * 100) < round(lowest * 100) * len(shares)
        )

    rules = below is not None or lowest is not None
    for one in booths:
        row = person("inf_x", one.id)
        assert low.holds(row) is (rules and fits(one.id)), one


def test_ranges_of_the_roster_are_not_all_districts(tables):
    told(few_voted())
    found = wiring.turnout().latest({"IN", "ST#IN-XN", "D9001", "D9002", "D404"})
    assert found == {"D9001": "ls-2014"}
    assert [RosterRange("IN").partition] == ["IN"]
