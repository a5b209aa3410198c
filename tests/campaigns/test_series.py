"""Schedules, quiet hours and runs that follow one another, on the real engine."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta

import pytest

from chalicelib.campaigns.runs import Runs
from chalicelib.campaigns.store import CampaignStore
from chalicelib.campaigns.times import LIVES, Repeat
from chalicelib.clock import FixedClock, parse_rfc3339
from chalicelib.errors import Conflict, InvalidInput
from chalicelib.ports import Contact, QuietHours
from chalicelib.tables import write_together
from tests.campaigns.samples import APPROVER, EDITOR
from tests.campaigns.test_campaigns import NOW, TOMORROW, approved, item, runs_at
from tests.shared.test_tables import cancelled

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
DAILY = Repeat(every="day", times=4)


def repeated(campaigns, repeat=DAILY, *, at=TOMORROW, **more):
    campaign = approved(campaigns, **more)
    return campaign, campaigns.schedule(APPROVER, campaign, at, repeat=repeat)


def dispatched(run, at, left=0):
    """Begins the run at its time and ends it then."""
    assert runs_at(run.at).start(run.id)
    runs_at(at).finish(run.id, left=left)


def states(campaigns, campaign):
    return [run.status for run in campaigns.runs(campaign)]


def code(refused):
    [error] = refused.value.errors
    return error.field, error.code


# --- one run ------------------------------------------------------------------------------------------------


def test_a_run_is_scheduled_by_the_clock_of_a_zone(campaigns):
    at = datetime(2026, 2, 3, 9, 30)  # noqa: DTZ001 - a wall time
    run = campaigns.schedule(APPROVER, approved(campaigns), at, zone="Asia/Kolkata")
    assert run.at == datetime(2026, 2, 3, 4, 0, tzinfo=UTC)


def test_dispatch_sees_quiet_hours_spread_and_the_organisation_of_a_run(made):
    campaigns = made(quiet="21:00-08:00")
    run = campaigns.schedule(APPROVER, approved(campaigns), TOMORROW, spread_minutes=90)
    brief = Runs(CampaignStore(), FixedClock(at=NOW), "election_office").get(run.id)
    assert brief.quiet == QuietHours(time(21), time(8), "Asia/Kolkata")
    assert (brief.spread_s, brief.organisation_kind) == (5400, "election_office")


def test_a_campaigns_own_quiet_hours_stand_before_those_of_the_deployment(made):
    campaigns = made(quiet="21:00-08:00")
    other = approved(campaigns, quiet_hours={"from": "13:00", "until": "14:00"})
    none = approved(campaigns, quiet_hours="none")
    briefs = [runs_at(NOW).get(campaigns.schedule(APPROVER, one, TOMORROW).id) for one in (other, none)]
    assert [brief.quiet for brief in briefs] == [QuietHours(time(13), time(14)), None]


def test_a_run_keeps_the_quiet_hours_of_its_scheduling(made):
    campaigns = made(quiet="21:00-08:00")
    run = campaigns.schedule(APPROVER, approved(campaigns), TOMORROW)
    made(quiet="none")
    assert runs_at(NOW).get(run.id).quiet == QuietHours(time(21), time(8))


def test_a_run_that_lies_in_the_quiet_hours_as_a_whole_is_refused(made):
    campaigns = made(quiet="21:00-08:00")
    night = parse_rfc3339("2026-02-01T23:00:00+05:30")
    campaign = approved(campaigns, expires_at=night + 9 * HOUR)
    with pytest.raises(InvalidInput) as refused:
        campaigns.schedule(APPROVER, campaign, night)
    assert code(refused) == ("at", "quiet_hours")
    assert campaigns.get(campaign).status == "approved"
    assert campaigns.schedule(APPROVER, campaign, night - 3 * HOUR).status == "scheduled"


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"spread_minutes": 60}, ("spread_minutes", "spread_too_long")),
        ({"quiet": "15:20-17:30"}, ("at", "quiet_hours")),
        ({"spread_minutes": 59, "quiet": "15:40-17:30"}, None),
    ],
)
def test_the_last_run_of_a_series_has_time_too_when_the_campaigns_end_cuts_it_short(made, given, wrong):
    campaigns = made(quiet=given.get("quiet", "none"))
    at = parse_rfc3339("2026-02-01T15:30:00+05:30")
    campaign = approved(campaigns, expires_at=at + 2 * DAY + HOUR)
    schedule = {"repeat": Repeat(every="day"), "spread_minutes": given.get("spread_minutes", 0)}
    if wrong is None:
        assert campaigns.schedule(APPROVER, campaign, at, **schedule).series.last == 2
        return
    with pytest.raises(InvalidInput) as refused:
        campaigns.schedule(APPROVER, campaign, at, **schedule)
    assert code(refused) == wrong


def test_an_emergency_is_scheduled_in_the_middle_of_the_night(made):
    campaigns = made(quiet="21:00-08:00")
    night = parse_rfc3339("2026-02-01T23:00:00+05:30")
    campaign = approved(campaigns, kind="emergency", expires_at=night + HOUR)
    assert campaigns.schedule(APPROVER, campaign, night).status == "scheduled"


@pytest.mark.parametrize(("minutes", "fits"), [(59, True), (60, False)])
def test_a_spread_ends_before_the_run_expires(campaigns, minutes, fits):
    campaign = approved(campaigns, expires_at=TOMORROW + HOUR)
    if fits:
        assert campaigns.schedule(APPROVER, campaign, TOMORROW, spread_minutes=minutes).spread_minutes == 59
        return
    with pytest.raises(InvalidInput) as refused:
        campaigns.schedule(APPROVER, campaign, TOMORROW, spread_minutes=minutes)
    assert code(refused) == ("spread_minutes", "spread_too_long")


def test_a_run_half_sent_at_its_expiry_says_so(campaigns):
    campaign = approved(campaigns, expires_at=NOW + HOUR)
    run = campaigns.schedule(APPROVER, campaign, None)
    dispatched(run, NOW + 2 * HOUR, left=7)
    kept = item(campaign, "run#1")
    raised = json.loads(kept.event)
    assert (raised["type"], raised["data"]["left"]) == ("run.expired", 7)
    assert [(one.status, one.left) for one in campaigns.runs(campaign)] == [("expired", 7)]
    assert campaigns.get(campaign).status == "expired"
    runs_at(NOW + 3 * HOUR).finish(run.id)
    assert item(campaign, "run#1").rev == kept.rev


# --- runs that follow one another ---------------------------------------------------------------------------


def test_the_end_of_a_run_makes_the_next_with_what_was_approved(campaigns):
    campaign, first = repeated(campaigns, audience={"areas": ["D9001"]})
    assert first.expires_at == TOMORROW + DAY
    dispatched(first, TOMORROW + HOUR)
    ended, second = campaigns.runs(campaign)
    assert (ended.status, second.status, second.id) == ("dispatched", "scheduled", f"{campaign}-2")
    assert (second.at, second.expires_at) == (TOMORROW + DAY, TOMORROW + 2 * DAY)
    assert (second.started_at, second.ended_at, second.rev) == (None, None, 1)
    seen = campaigns.get(campaign)
    assert (seen.status, seen.runs) == ("scheduled", 2)
    raised = json.loads(item(campaign, "run#2").event)
    assert raised["type"] == "run.scheduled"
    assert raised["data"]["at"] == "2026-02-02T10:00:00Z"
    assert json.loads(item(campaign, "run#1").event)["type"] == "run.dispatched"
    runs = runs_at(second.at)
    person = Contact("inf_a", "approved", "रेखा", "hi", (), {}, frozenset(), frozenset())
    assert runs.message(second.id, "telegram", "hi", person) == runs.message(
        first.id, "telegram", "hi", person
    )
    assert runs.ranges(second.id) == runs.ranges(first.id)
    assert runs.due(second.at - timedelta(seconds=1), 10) == []
    assert runs.due(second.at, 10) == [second.id]


def test_a_series_ends_with_its_last_run(campaigns):
    campaign, run = repeated(campaigns, Repeat(every="day", times=2))
    dispatched(run, run.at + HOUR)
    last = campaigns.runs(campaign)[-1]
    dispatched(last, last.at + HOUR)
    assert states(campaigns, campaign) == ["dispatched", "dispatched"]
    assert campaigns.get(campaign).status == "dispatched"


def test_a_second_end_of_the_same_run_makes_no_second_follower(campaigns):
    campaign, run = repeated(campaigns)
    assert runs_at(run.at).start(run.id)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: runs_at(run.at + HOUR).finish(run.id), range(6)))
    runs_at(run.at + 2 * HOUR).finish(run.id)
    assert states(campaigns, campaign) == ["dispatched", "scheduled"]
    assert campaigns.get(campaign).runs == 2


@pytest.mark.parametrize("attempt", range(4))
def test_of_an_end_and_a_cancellation_at_once_nothing_is_left_over(campaigns, attempt):
    campaign, run = repeated(campaigns)
    assert runs_at(run.at).start(run.id)
    acts = [lambda: runs_at(run.at + HOUR).finish(run.id)] * 3 + [lambda: campaigns.cancel(EDITOR, campaign)]
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(act) for act in acts[attempt:] + acts[:attempt]]:
            done.result()
    assert states(campaigns, campaign) in (["cancelled"], ["dispatched", "cancelled"])
    assert campaigns.get(campaign).status == "cancelled"
    assert runs_at(run.at + 9 * DAY).due(run.at + 9 * DAY, 10) == []


def test_calling_off_between_two_runs_ends_the_series(campaigns):
    campaign, run = repeated(campaigns)
    dispatched(run, run.at + HOUR)
    assert campaigns.cancel(EDITOR, campaign).status == "cancelled"
    assert states(campaigns, campaign) == ["dispatched", "cancelled"]
    assert not runs_at(run.at + DAY).start(f"{campaign}-2")
    runs_at(run.at + 2 * DAY).finish(f"{campaign}-2")
    assert len(campaigns.runs(campaign)) == 2


def test_a_pause_holds_the_series_until_it_goes_on(made):
    campaigns = made()
    campaign, run = repeated(campaigns)
    dispatched(run, run.at + HOUR)
    campaigns.pause(EDITOR, campaign)
    second = run.at + DAY
    assert runs_at(second).due(second, 10) == []
    runs_at(second + DAY).finish(f"{campaign}-2")
    assert states(campaigns, campaign) == ["dispatched", "expired", "paused"]
    assert campaigns.get(campaign).status == "paused"
    assert runs_at(second + DAY).dispatching() == [f"{campaign}-3"]
    assert not runs_at(second + DAY).start(f"{campaign}-3")
    assert made(at=second + DAY + HOUR).resume(EDITOR, campaign).status == "scheduled"
    assert runs_at(second + DAY + HOUR).start(f"{campaign}-3")


def test_a_run_that_nobody_began_in_its_time_expires_and_the_next_comes(campaigns):
    campaign, run = repeated(campaigns)
    assert not runs_at(run.at + DAY).start(run.id)
    assert states(campaigns, campaign) == ["expired", "scheduled"]
    assert campaigns.get(campaign).status == "scheduled"
    assert runs_at(run.at + DAY).start(f"{campaign}-2")


def test_missed_occurrences_are_passed_over_and_said_so(campaigns):
    campaign, run = repeated(campaigns)
    dispatched(run, run.at + 2 * DAY + 2 * HOUR, left=3)
    second = campaigns.runs(campaign)[-1]
    assert (second.at, second.series.missed, second.series.number) == (run.at + 3 * DAY, 2, 3)
    assert json.loads(item(campaign, "run#2").event)["data"]["missed"] == 2
    dispatched(second, second.at + HOUR)
    assert states(campaigns, campaign) == ["expired", "dispatched"]


def test_a_run_that_ends_as_the_next_begins_is_followed_by_that_one(campaigns, queue):
    campaign, run = repeated(campaigns)
    dispatched(run, run.at + DAY + timedelta(minutes=5), left=1)
    second = campaigns.runs(campaign)[-1]
    assert (second.at, second.series.missed) == (run.at + DAY, 0)
    assert runs_at(run.at + DAY + timedelta(minutes=5)).due(run.at + DAY + timedelta(minutes=5), 5) == [
        second.id
    ]


def test_a_run_of_a_monthly_series_lives_a_week_and_ends_with_the_campaign(campaigns):
    repeat = Repeat(every="month")
    campaign, run = repeated(campaigns, repeat, expires_at=TOMORROW + timedelta(days=30))
    assert run.expires_at == TOMORROW + LIVES
    dispatched(run, run.at + HOUR)
    last = campaigns.runs(campaign)[-1]
    assert (last.at, last.expires_at) == (TOMORROW + timedelta(days=28), TOMORROW + timedelta(days=30))
    dispatched(last, last.at + HOUR)
    assert campaigns.get(campaign).status == "dispatched"


def test_a_campaign_between_two_runs_is_not_scheduled_again(campaigns):
    campaign, run = repeated(campaigns)
    dispatched(run, run.at + HOUR)
    with pytest.raises(Conflict):
        campaigns.schedule(APPROVER, campaign, TOMORROW + 3 * DAY)


def test_a_follower_keeps_quiet_hours_spread_and_zone(made):
    campaigns = made(quiet="21:00-08:00")
    campaign = approved(campaigns)
    at = datetime(2026, 2, 3, 9, 30)  # noqa: DTZ001 - a wall time
    run = campaigns.schedule(
        APPROVER, campaign, at, zone="Europe/Berlin", spread_minutes=30, repeat=Repeat(every="month", times=3)
    )
    dispatched(run, run.at + HOUR)
    second = runs_at(run.at).get(f"{campaign}-2")
    assert (second.quiet, second.spread_s) == (QuietHours(time(21), time(8)), 1800)
    dispatched(campaigns.runs(campaign)[-1], run.at + timedelta(days=28, hours=1))
    third = campaigns.runs(campaign)[-1]
    assert third.at == parse_rfc3339("2026-04-03T07:30:00Z")


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("committed", [False, True])
def test_an_end_that_is_throttled_or_whose_answer_is_lost_makes_one_follower(
    campaigns, monkeypatch, committed, times
):
    campaign, run = repeated(campaigns)
    assert runs_at(run.at).start(run.id)
    together, failures = write_together, ["x"] * times

    @contextmanager
    def failing():
        if failures and not committed:
            failures.pop()
            raise cancelled("ThrottlingError")
        with together() as transaction:
            yield transaction
        if failures:
            failures.pop()
            raise cancelled("TransactionConflict")

    monkeypatch.setattr("chalicelib.campaigns.runs.write_together", failing)
    runs = runs_at(run.at + HOUR)
    runs.pause = lambda _: None
    runs.finish(run.id)
    runs.finish(run.id)
    assert states(campaigns, campaign) == ["dispatched", "scheduled"]
    assert (campaigns.get(campaign).status, campaigns.get(campaign).runs) == ("scheduled", 2)
    assert [runs_at(run.at).get(one.id).status for one in campaigns.runs(campaign)] == [
        "dispatched",
        "scheduled",
    ]
