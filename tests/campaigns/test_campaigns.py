"""From the first draft to the run, on the real engine."""

from __future__ import annotations

import dataclasses
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import boto3
import pytest

from chalicelib import wiring
from chalicelib.campaigns.audience import Audience
from chalicelib.campaigns.briefs import Briefs
from chalicelib.campaigns.halts import Halts
from chalicelib.campaigns.law import ElectionLaw
from chalicelib.campaigns.model import Content
from chalicelib.campaigns.runs import Runs
from chalicelib.campaigns.service import (
    AudienceTooLarge,
    AuthorCannotApprove,
    Campaigns,
)
from chalicelib.campaigns.store import CampaignItem, CampaignStore
from chalicelib.campaigns.times import quiet_setting
from chalicelib.clock import FixedClock, parse_rfc3339
from chalicelib.departments.scheme import SchemeBody
from chalicelib.errors import Conflict, InvalidInput, NotFound, OtherDepartment, PlatformOff, Transient
from chalicelib.influencers.rows import RosterItem
from chalicelib.platforms.base import Channel
from chalicelib.ports import Contact, RosterRange
from chalicelib.queues import Queue
from tests.campaigns.samples import (
    APPROVER,
    AREAS,
    BRIEF,
    EDITOR,
    NODAL,
    SECOND_APPROVER,
    WRITES_AND_APPROVES,
    MemoryRoster,
    content,
    row,
    whatsapp,
)

NOW = parse_rfc3339("2026-01-31T10:00:00Z")
TOMORROW = NOW + timedelta(days=1)


class Gateway:
    """Two channels, as the sample secret has them."""

    channels = {"whatsapp-main": "whatsapp", "telegram-main": "telegram"}

    def channel_for(self, platform):
        if platform not in self.channels.values():
            raise PlatformOff(platform=platform)
        return Channel(f"{platform}-main", platform, {})

    def medium_of(self, channel_id):
        if channel_id not in self.channels:
            raise PlatformOff(platform=channel_id)
        return self.channels[channel_id]


@pytest.fixture
def queue(tables):
    return boto3.client("sqs").create_queue(QueueName="plan")["QueueUrl"]


@pytest.fixture
def made(queue):
    """`made(roster=…, at=…)`: the service over the real tables, the directory filled."""
    wiring.directory().put_areas(AREAS)
    wiring.directory().put_department("election", {"en": "Election Office"})
    wiring.directory().put_theme("voting", {"en": "Voting"})

    def make(rows=(), *, at=NOW, kind="public_body", gateway=None, quiet="none"):
        gateway = gateway or Gateway()
        service = Campaigns(
            store=CampaignStore(),
            areas=wiring.directory(),
            themes=lambda: {theme.id for theme in wiring.directory().themes()},
            departments=lambda: {one.id for one in wiring.directory().departments()},
            schemes=wiring.schemes,
            roster=lambda: MemoryRoster(rows),
            gateway=gateway,
            medium_of=gateway.medium_of,
            audit=wiring.audit(),
            plan_queue=Queue(queue),
            clock=FixedClock(at=at),
            law=ElectionLaw(wiring.calendar, wiring.directory(), kind),
            organisation_kind=kind,
            organisation="Namuna Office",
            turnout=wiring.turnout,
            quiet_hours=quiet_setting(quiet),
            shelf=wiring.shelf(),
        )
        service.put_templates("u-admin", "whatsapp-main", [BRIEF])
        return service

    return make


@pytest.fixture
def campaigns(made):
    return made()


def submitted(campaigns, **more):
    draft = campaigns.create(EDITOR, content(**more))
    return campaigns.submit(EDITOR, draft.id).id


def approved(campaigns, **more):
    campaign = submitted(campaigns, **more)
    campaigns.decide(APPROVER, campaign, "approve", "")
    return campaign


def runs_at(at):
    return Runs(CampaignStore(), FixedClock(at=at))


def item(pk, sk):
    return CampaignItem.get(pk, sk)


def actions(campaign):
    entries, _ = wiring.audit().of(f"campaign#{campaign}", limit=20)
    return [(entry.action, entry.actor) for entry in reversed(entries)]


def queued(queue):
    answer = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=0)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


# --- writing and approving ----------------------------------------------------------------------------


def test_a_draft_comes_back_as_it_was_written(campaigns):
    draft = campaigns.create(EDITOR, content())
    assert campaigns.get(draft.id) == draft
    assert (draft.status, draft.rev, draft.authors) == ("draft", 1, ("u-editor",))


def test_an_absent_campaign_is_not_found(campaigns):
    with pytest.raises(NotFound):
        campaigns.get("cmp_none")


def test_a_change_replaces_the_fields_it_names(campaigns):
    draft = campaigns.create(EDITOR, content())
    after = campaigns.change(WRITES_AND_APPROVES, draft.id, {"title": "नया शीर्षक"})
    assert after.content == Content.model_validate(draft.content.model_dump() | {"title": "नया शीर्षक"})
    assert campaigns.get(draft.id).authors == ("u-editor", "u-both")


def test_submitted_and_approved_content_is_frozen(campaigns):
    campaign = submitted(campaigns)
    with pytest.raises(Conflict):
        campaigns.change(EDITOR, campaign, {"title": "anders"})
    campaigns.decide(APPROVER, campaign, "approve", "")
    with pytest.raises(Conflict):
        campaigns.change(EDITOR, campaign, {"title": "anders"})


@pytest.mark.parametrize("person", ["author", "editor of the last change", "who submitted it"])
def test_whoever_had_a_hand_in_it_cannot_approve_it(campaigns, person):
    both = WRITES_AND_APPROVES
    draft = campaigns.create(both if person == "author" else EDITOR, content())
    if person == "editor of the last change":
        campaigns.change(both, draft.id, {"title": "x"})
    campaigns.submit(both if person == "who submitted it" else EDITOR, draft.id)
    with pytest.raises(AuthorCannotApprove):
        campaigns.decide(both, draft.id, "approve", "")
    assert campaigns.decide(SECOND_APPROVER, draft.id, "approve", "").status == "approved"


@pytest.mark.parametrize("decision", ["approve", "decline"])
def test_a_draft_is_not_decided_on_before_it_is_submitted(campaigns, decision):
    draft = campaigns.create(EDITOR, content())
    with pytest.raises(Conflict):
        campaigns.decide(APPROVER, draft.id, decision, "too early")
    assert actions(draft.id) == [("campaign.created", "u-editor")]


def test_declining_needs_a_reason_and_gives_the_draft_back(campaigns):
    campaign = submitted(campaigns)
    with pytest.raises(InvalidInput):
        campaigns.decide(APPROVER, campaign, "decline", "")
    assert campaigns.decide(APPROVER, campaign, "decline", "Wrong date").status == "draft"
    assert campaigns.change(EDITOR, campaign, {"title": "x"}).reason == "Wrong date"


def test_of_two_approvers_at_once_one_decides(campaigns):
    campaign = submitted(campaigns)

    def decide(who):
        try:
            return campaigns.decide(who, campaign, "approve", "").decided_by
        except Conflict:
            return None

    with ThreadPoolExecutor(4) as pool:
        winners = [one for one in pool.map(decide, [APPROVER, SECOND_APPROVER] * 2) if one]
    assert len(winners) == 1
    after = campaigns.get(campaign)
    assert (after.status, after.rev, after.decided_by) == ("approved", 3, winners[0])
    assert Counter(action for action, _ in actions(campaign))["campaign.approved"] == 1


def test_every_step_is_in_the_audit_and_raises_its_event(campaigns):
    campaign = submitted(campaigns)
    raised = json.loads(item(campaign, "campaign").event)
    assert raised["type"] == "campaign.submitted"
    assert raised["data"] == {"campaign_id": campaign, "department": "election"}
    campaigns.decide(APPROVER, campaign, "approve", "")
    kept = item(campaign, "campaign")
    assert (json.loads(kept.event)["type"], kept.rev) == ("campaign.approved", 3)
    assert actions(campaign) == [
        ("campaign.created", "u-editor"),
        ("campaign.submitted", "u-editor"),
        ("campaign.approved", "u-approver"),
    ]


def test_a_change_without_an_event_does_not_repeat_the_last_one(campaigns):
    campaign = submitted(campaigns)
    campaigns.decide(APPROVER, campaign, "decline", "x")
    kept = item(campaign, "campaign")
    assert (kept.event, kept.rev) == (None, 3)


def test_submission_names_everything_that_is_missing(campaigns):
    draft = campaigns.create(
        EDITOR,
        content(
            department="nobody",
            theme="none",
            audience={"areas": ["IN-XN", "D1"]},
            messages={"whatsapp": {"en": whatsapp()}},
        ),
    )
    with pytest.raises(InvalidInput) as refused:
        campaigns.submit(EDITOR, draft.id)
    assert {(e.field, e.code) for e in refused.value.errors} == {
        ("department", "department_unknown"),
        ("theme", "theme_unknown"),
        ("audience.areas.1", "area_unknown"),
        ("messages.whatsapp.en.template", "template_not_approved"),
    }
    assert campaigns.get(draft.id).status == "draft"


def test_a_campaign_cites_schemes_that_there_are_and_a_scheme_that_ends_stops_its_schedule(campaigns):
    words = {"hi": {"name": "नमूना", "who": "x", "how": "x"}}
    body = SchemeBody.model_validate({"department": "election", "texts": words})
    scheme = wiring.schemes().add(EDITOR, body).id
    draft = campaigns.create(EDITOR, content(schemes=["sch_none"]))
    with pytest.raises(InvalidInput) as refused:
        campaigns.submit(EDITOR, draft.id)
    assert [(e.field, e.code) for e in refused.value.errors] == [("schemes.0", "scheme_unknown")]
    campaigns.change(EDITOR, draft.id, {"schemes": [scheme]})
    campaigns.submit(EDITOR, draft.id)
    campaigns.decide(APPROVER, draft.id, "approve", "")
    assert Briefs(campaigns.store).brief(draft.id).schemes == (scheme,)
    wiring.schemes().change(EDITOR, scheme, {"valid_until": date(2020, 1, 1)})
    with pytest.raises(InvalidInput) as refused:
        campaigns.schedule(EDITOR, draft.id, None)
    assert [(e.field, e.code) for e in refused.value.errors] == [("schemes.0", "scheme_ended")]


def test_a_channel_that_is_off_is_named_at_submission(made):
    class WithoutTelegram(Gateway):
        channels = {"whatsapp-main": "whatsapp"}

    campaigns = made(gateway=WithoutTelegram())
    draft = campaigns.create(EDITOR, content())
    with pytest.raises(InvalidInput) as refused:
        campaigns.submit(EDITOR, draft.id)
    assert [(e.field, e.code) for e in refused.value.errors] == [("messages.telegram", "platform_off")]


def test_staff_of_a_department_work_for_their_own_only(campaigns):
    with pytest.raises(OtherDepartment):
        campaigns.create(NODAL, content())
    draft = campaigns.create(NODAL, content(department="health"))
    with pytest.raises(OtherDepartment):
        campaigns.change(NODAL, draft.id, {"department": "election"})
    other = campaigns.create(EDITOR, content())
    with pytest.raises(NotFound):
        campaigns.submit(NODAL, other.id)


def test_a_public_body_cannot_send_electioneering(campaigns):
    with pytest.raises(InvalidInput):
        campaigns.create(EDITOR, content(kind="electioneering"))


def test_the_list_is_newest_first_and_filtered(made):
    older = made(at=NOW - timedelta(hours=1)).create(EDITOR, content(title="older"))
    campaigns = made()
    newer = campaigns.create(EDITOR, content(title="newer", department="health"))
    first, last = campaigns.page(EDITOR, "", "", None, 1)
    second, _ = campaigns.page(EDITOR, "", "", last, 1)
    assert [one.id for one in first + second] == [newer.id, older.id]
    assert [one.id for one in campaigns.page(EDITOR, "draft", "health", None, 10)[0]] == [newer.id]
    assert campaigns.page(EDITOR, "approved", "", None, 10)[0] == []


# --- runs ----------------------------------------------------------------------------------------------


def test_only_what_is_approved_is_scheduled(campaigns):
    campaign = submitted(campaigns)
    with pytest.raises(Conflict):
        campaigns.schedule(APPROVER, campaign, None)


def test_a_template_withdrawn_after_the_approval_keeps_the_run_back(campaigns):
    campaign = approved(campaigns)
    campaigns.put_templates("u-admin", "whatsapp-main", [BRIEF.model_copy(update={"state": "paused"})])
    with pytest.raises(InvalidInput):
        campaigns.schedule(APPROVER, campaign, None)
    assert campaigns.get(campaign).status == "approved"


def test_an_approver_who_names_the_revision_approves_what_was_read_and_nothing_else(campaigns):
    campaign = submitted(campaigns)
    read = campaigns.get(campaign).rev
    campaigns.decide(SECOND_APPROVER, campaign, "decline", "Wrong date")
    campaigns.submit(EDITOR, campaign)
    with pytest.raises(Conflict):
        campaigns.decide(APPROVER, campaign, "approve", "", read)
    again = campaigns.get(campaign).rev
    assert campaigns.decide(APPROVER, campaign, "approve", "", again).status == "approved"


def test_a_run_due_now_is_launched_at_once(campaigns, queue):
    campaign = approved(campaigns)
    run = campaigns.schedule(APPROVER, campaign, None)
    assert run.id == f"{campaign}-1"
    assert queued(queue) == [{"launch": run.id}]
    assert campaigns.get(campaign).status == "scheduled"


def test_a_later_run_waits_for_its_minute(campaigns, queue):
    run = campaigns.schedule(APPROVER, approved(campaigns), TOMORROW)
    assert queued(queue) == []
    runs = runs_at(NOW)
    assert runs.due(TOMORROW - timedelta(seconds=1), 10) == []
    assert runs.due(TOMORROW, 10) == [run.id]
    assert json.loads(item(run.campaign_id, "run#1").event)["data"]["at"] == "2026-02-01T10:00:00Z"


def test_scheduling_twice_makes_one_run(campaigns):
    campaign = approved(campaigns)
    campaigns.schedule(APPROVER, campaign, TOMORROW)
    with pytest.raises(Conflict):
        campaigns.schedule(APPROVER, campaign, TOMORROW)
    assert [run.id for run in campaigns.runs(campaign)] == [f"{campaign}-1"]


def test_a_time_that_cannot_be_is_refused_at_its_field(campaigns):
    with pytest.raises(InvalidInput) as refused:
        campaigns.schedule(APPROVER, approved(campaigns), NOW - timedelta(hours=1))
    assert refused.value.errors[0].field == "at"


def test_a_run_that_has_not_begun_can_be_called_off(campaigns):
    campaign = approved(campaigns)
    run = campaigns.schedule(APPROVER, campaign, TOMORROW)
    assert campaigns.cancel(APPROVER, campaign).status == "cancelled"
    assert runs_at(TOMORROW).due(TOMORROW, 10) == []
    assert not runs_at(TOMORROW).start(run.id)
    assert runs_at(TOMORROW).get(run.id).status == "cancelled"
    assert json.loads(item(campaign, "run#1").event)["type"] == "run.cancelled"


def dispatching(campaigns):
    campaign = approved(campaigns)
    run = campaigns.schedule(APPROVER, campaign, None)
    assert runs_at(NOW).start(run.id)
    return campaign, run.id


def state(campaigns, campaign):
    """Status of campaign and run, the last entry of the audit, and the event that was raised."""
    kept = item(campaign, "run#1")
    raised = json.loads(kept.event)["type"] if kept.event else None
    statuses = (campaigns.get(campaign).status, runs_at(NOW).get(f"{campaign}-1").status)
    return *statuses, actions(campaign)[-1][0], raised


def test_a_run_under_way_is_paused_and_goes_on(campaigns, queue):
    campaign, run = dispatching(campaigns)
    assert queued(queue) == [{"launch": run}]
    assert campaigns.pause(EDITOR, campaign).status == "paused"
    assert state(campaigns, campaign) == ("paused", "paused", "run.paused", "run.paused")
    assert runs_at(NOW).dispatching() == [run]
    assert not runs_at(NOW).start(run)
    runs_at(NOW).finish(run)
    assert state(campaigns, campaign)[:2] == ("paused", "paused")
    assert campaigns.resume(EDITOR, campaign).status == "dispatching"
    assert state(campaigns, campaign) == ("dispatching", "dispatching", "run.resumed", None)
    runs_at(NOW).finish(run)
    assert state(campaigns, campaign)[:2] == ("dispatched", "dispatched")


def test_a_run_that_goes_on_wakes_its_chunks_when_every_sender_knows(campaigns, queue):
    campaign, run = dispatching(campaigns)
    queued(queue)
    campaigns.pause(EDITOR, campaign)
    campaigns.resume(EDITOR, campaign)
    assert queued(queue) == []
    time.sleep(3.2)
    assert queued(queue) == [{"wake": run}]


def test_why_a_run_was_paused_and_called_off_stays_in_the_audit(campaigns):
    campaign, run = dispatching(campaigns)
    campaigns.pause(EDITOR, campaign, reason="A wrong word in it")
    campaigns.cancel(EDITOR, campaign, reason="It cannot be mended")
    entries, _ = wiring.audit().of(f"campaign#{campaign}", limit=2)
    assert [(entry.action, dict(entry.detail)) for entry in entries] == [
        ("run.cancelled", {"run": run, "reason": "It cannot be mended"}),
        ("run.paused", {"run": run, "reason": "A wrong word in it"}),
    ]


def test_a_run_paused_before_it_begins_waits_beyond_its_time_and_begins_when_it_goes_on(made, queue):
    campaigns = made()
    campaign = approved(campaigns)
    run = campaigns.schedule(APPROVER, campaign, NOW + timedelta(hours=1))
    campaigns.pause(EDITOR, campaign)
    later = made(at=NOW + timedelta(hours=2))
    assert runs_at(TOMORROW).due(TOMORROW, 10) == []
    assert not runs_at(TOMORROW).start(run.id)
    assert queued(queue) == []
    assert later.resume(EDITOR, campaign).status == "scheduled"
    assert queued(queue) == [{"launch": run.id}]
    assert runs_at(TOMORROW).due(TOMORROW, 10) == [run.id]
    assert [one.id for one in campaigns.runs(campaign)] == [run.id]


def test_a_run_paused_and_let_go_on_before_its_time_waits_for_its_time(campaigns, queue):
    campaign = approved(campaigns)
    run = campaigns.schedule(APPROVER, campaign, TOMORROW)
    campaigns.pause(EDITOR, campaign)
    campaigns.resume(EDITOR, campaign)
    assert queued(queue) == []
    assert runs_at(TOMORROW).start(run.id)


@pytest.mark.parametrize("before", ["dispatching", "paused", "paused before it began"])
def test_a_run_is_called_off_wherever_it_is(campaigns, before):
    if before == "paused before it began":
        campaign = approved(campaigns)
        run = campaigns.schedule(APPROVER, campaign, TOMORROW).id
    else:
        campaign, run = dispatching(campaigns)
    if before != "dispatching":
        campaigns.pause(EDITOR, campaign)
    assert campaigns.cancel(EDITOR, campaign).status == "cancelled"
    assert state(campaigns, campaign) == ("cancelled", "cancelled", "run.cancelled", "run.cancelled")
    assert campaigns.runs(campaign)[0].ended_at == NOW
    runs_at(NOW).finish(run)
    assert not runs_at(TOMORROW).start(run)
    assert runs_at(NOW).dispatching() == []
    for act in (campaigns.pause, campaigns.resume, campaigns.cancel):
        with pytest.raises(Conflict):
            act(EDITOR, campaign)
    assert state(campaigns, campaign)[:2] == ("cancelled", "cancelled")


@pytest.mark.parametrize("status", ["draft", "submitted", "approved", "dispatched"])
def test_what_does_not_run_cannot_be_halted_or_let_go_on(campaigns, status):
    if status == "dispatched":
        campaign, run = dispatching(campaigns)
        runs_at(NOW).finish(run)
    else:
        campaign = campaigns.create(EDITOR, content()).id
        if status != "draft":
            campaigns.submit(EDITOR, campaign)
        if status == "approved":
            campaigns.decide(APPROVER, campaign, "approve", "")
    for act in (campaigns.pause, campaigns.resume, campaigns.cancel):
        with pytest.raises(Conflict):
            act(EDITOR, campaign)
    assert campaigns.get(campaign).status == status


def test_what_runs_is_not_resumed_and_what_is_paused_is_neither_paused_nor_scheduled_again(campaigns):
    campaign, _ = dispatching(campaigns)
    with pytest.raises(Conflict):
        campaigns.resume(EDITOR, campaign)
    campaigns.pause(EDITOR, campaign)
    with pytest.raises(Conflict):
        campaigns.pause(EDITOR, campaign)
    with pytest.raises(Conflict):
        campaigns.schedule(APPROVER, campaign, TOMORROW)
    assert len(campaigns.runs(campaign)) == 1


def test_a_paused_run_whose_time_passes_expires(campaigns):
    campaign, run = dispatching(campaigns)
    campaigns.pause(EDITOR, campaign)
    runs_at(NOW + timedelta(days=8)).finish(run)
    assert state(campaigns, campaign)[:2] == ("expired", "expired")
    assert json.loads(item(campaign, "run#1").event)["type"] == "run.expired"
    with pytest.raises(Conflict):
        campaigns.resume(EDITOR, campaign)


def test_of_many_who_pause_and_resume_at_once_each_step_is_taken_by_one(campaigns):
    campaign, _ = dispatching(campaigns)

    def act(number):
        try:
            (campaigns.resume if number % 2 else campaigns.pause)(EDITOR, campaign)
        except (Conflict, Transient):
            return None
        return "run.resumed" if number % 2 else "run.paused"

    with ThreadPoolExecutor(6) as pool:
        done = Counter(filter(None, pool.map(act, range(12))))
    steps = [action for action, _ in actions(campaign) if action in ("run.paused", "run.resumed")]
    assert Counter(steps) == done
    assert steps == (["run.paused", "run.resumed"] * 6)[: len(steps)]
    expected = "paused" if len(steps) % 2 else "dispatching"
    assert state(campaigns, campaign)[:2] == (expected, expected)


def test_a_pause_that_meets_the_start_of_its_run_is_tried_again(campaigns):
    campaign = approved(campaigns)
    run = campaigns.schedule(APPROVER, campaign, None)
    read, started = campaigns.store.run, []

    def start_meanwhile(run_id):
        found = read(run_id)
        if not started:
            started.append(runs_at(NOW).start(run_id))
        return found

    campaigns.store.run = start_meanwhile
    assert campaigns.pause(EDITOR, campaign).status == "paused"
    assert started == [True]
    assert campaigns.resume(EDITOR, campaign).status == "dispatching"
    assert campaigns.runs(campaign)[0].id == run.id


def test_an_officer_pauses_their_own_departments_campaign_and_lets_nothing_go_on(made):
    campaigns = made()
    wiring.directory().put_department("health", {"en": "Health"})
    own = approved(campaigns, department="health")
    campaigns.schedule(APPROVER, own, None)
    assert campaigns.pause(NODAL, own).status == "paused"
    assert not NODAL.may("campaign.schedule")
    other, _ = dispatching(campaigns)
    with pytest.raises(NotFound):
        campaigns.pause(NODAL, other)


def test_of_many_launches_one_starts_the_run(campaigns):
    campaign = approved(campaigns)
    run = campaigns.schedule(APPROVER, campaign, None)
    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(lambda _: runs_at(NOW).start(run.id), range(4)))
    assert started.count(True) == 1
    kept = item(campaign, "run#1")
    assert (json.loads(kept.event)["type"], kept.rev) == ("run.started", 2)
    assert runs_at(NOW).due(NOW, 10) == []
    assert runs_at(NOW).dispatching() == [run.id]


def test_a_run_is_finished_once(campaigns):
    campaign = approved(campaigns)
    run = campaigns.schedule(APPROVER, campaign, None)
    runs = runs_at(NOW)
    runs.finish(run.id)
    assert runs.get(run.id).status == "scheduled"
    runs.start(run.id)
    runs.finish(run.id)
    runs.finish(run.id)
    kept = item(campaign, "run#1")
    assert (json.loads(kept.event)["type"], kept.rev) == ("run.dispatched", 3)
    assert runs.dispatching() == []
    assert campaigns.get(campaign).status == "dispatched"
    assert [brief.status for brief in runs.of_campaign(campaign)] == ["dispatched"]


def test_a_run_whose_time_has_passed_expires_instead(campaigns):
    campaign = approved(campaigns, expires_at=NOW + timedelta(hours=1))
    run = campaigns.schedule(APPROVER, campaign, NOW + timedelta(minutes=30))
    runs = runs_at(NOW + timedelta(hours=1))
    assert not runs.start(run.id)
    assert runs.get(run.id).status == "expired"
    assert campaigns.get(campaign).status == "expired"
    assert json.loads(item(campaign, "run#1").event)["type"] == "run.expired"


def test_a_run_sends_what_was_approved_whatever_is_written_later(campaigns):
    campaign = approved(campaigns, audience={"areas": ["D9001-B1"], "gender": "female"})
    run = campaigns.schedule(APPROVER, campaign, TOMORROW)
    stored = item(campaign, "campaign")
    stored.update(actions=[CampaignItem.body.set(stored.body.replace("मतदान", "बदला"))])
    runs = runs_at(NOW)
    person = Contact("inf_a", "approved", "रेखा", "hi", (), {}, frozenset(), frozenset())
    text = runs.message(run.id, "telegram", "hi", person).text
    assert text.startswith("नमस्ते रेखा, मतदान करें। https://example.org/vote")
    assert text.endswith(content().line("hi", "Namuna Office"))
    assert runs.ranges(run.id) == [
        RosterRange("D9001", "D9001-B1#"),
        RosterRange("D9001", "D9001-B1/"),
    ]
    women = [row(1, gender="female"), row(2, gender="male")]
    assert [one.id for one in runs.wants(run.id, women)] == ["inf_0001"]
    assert runs.language_for(run.id, "whatsapp", "bn") == "hi"


def test_a_state_is_at_most_two_seconds_old(campaigns):
    campaign = approved(campaigns)
    run = campaigns.schedule(APPROVER, campaign, TOMORROW)
    ticks = [100.0]
    runs = Runs(CampaignStore(), FixedClock(at=NOW), ticks=lambda: ticks[0])
    assert runs.get(run.id).status == "scheduled"
    campaigns.cancel(APPROVER, campaign)
    ticks[0] += 1.99
    assert runs.get(run.id).status == "scheduled"
    ticks[0] += 0.01
    assert runs.get(run.id).status == "cancelled"


def test_a_state_from_before_the_machines_clock_was_set_back_is_read_again(campaigns):
    campaign = approved(campaigns)
    run = campaigns.schedule(APPROVER, campaign, TOMORROW)
    ticks = [100.0]
    runs = Runs(CampaignStore(), FixedClock(at=NOW), ticks=lambda: ticks[0])
    assert runs.get(run.id).status == "scheduled"
    campaigns.cancel(APPROVER, campaign)
    ticks[0] -= 60
    assert runs.get(run.id).status == "cancelled"


def test_what_is_not_a_run_is_absent(campaigns):
    runs = runs_at(NOW)
    assert runs.get("cmp_none-1") is None
    assert runs.get("nonsense") is None
    assert runs.of_campaign("cmp_none") == []
    assert not runs.start("cmp_none-1")
    with pytest.raises(NotFound):
        runs.ranges("cmp_none-1")


# --- audiences ------------------------------------------------------------------------------------------


def test_a_preview_counts_everybody_exactly(made):
    rows = [
        row(
            n,
            partition=("D9001", "D9002", "ST#IN-XN", "IN")[n % 4],
            language=("hi", "en", "bn")[n % 3],
            channels=((), ("whatsapp",), ("telegram", "whatsapp"))[n % 5 % 3],
            gender=("female", "male")[n % 2],
        )
        for n in range(300)
    ]
    preview = made(rows).preview(Audience(areas=("IN-XN",), languages=("hi", "en"), gender="female"))
    below = [one for one in rows if one.partition != "IN"]
    by_rule = Counter(
        "language" if one.language == "bn" else "gender" if one.gender != "female" else "ok" for one in below
    )
    fitting = [one for one in below if one.language != "bn" and one.gender == "female"]
    reachable = [one for one in fitting if one.channels]
    assert preview.count == len(reachable) > 0
    assert preview.by_area == Counter(one.partition.removeprefix("ST#") for one in reachable)
    assert preview.by_channel == {"whatsapp": len(reachable)}
    assert preview.excluded == {
        "language": by_rule["language"],
        "gender": by_rule["gender"],
        "no_channel": len(fitting) - len(reachable),
    }


def test_a_preview_over_the_stored_roster_counts_the_same(made):
    channels = ("", "w", "tw")
    for n in range(300):
        where, key = (("D9001", "D9001-B1#"), ("D9001", "#"), ("D9002", "#"), ("ST#IN-XN", "#"))[n % 4]
        RosterItem(where, f"{key}inf_{n:04d}", l="hi", c=channels[n % 3] or None).save()
    campaigns = dataclasses.replace(made(), roster=wiring.roster)
    state = campaigns.preview(Audience(areas=("IN-XN",)))
    assert (state.count, state.excluded) == (200, {"no_channel": 100})
    assert state.by_channel == {"whatsapp": 200}
    assert state.by_area == {"D9001": 100, "D9002": 50, "IN-XN": 50}
    block = campaigns.preview(Audience(areas=("D9001-B1",)), ("telegram", "whatsapp"))
    assert (block.count, block.by_channel) == (50, {"telegram": 25, "whatsapp": 25})


def test_a_preview_reads_more_than_one_page(made):
    preview = made([row(n) for n in range(2500)]).preview(Audience(areas=("D9001",)))
    assert preview.count == 2500


def test_a_preview_beyond_its_limit_says_that_a_job_is_needed(made):
    with pytest.raises(AudienceTooLarge):
        made([row(n) for n in range(20_001)]).preview(Audience(areas=("IN-XN",)))


@pytest.mark.parametrize("areas", [(), ("D1",)])
def test_a_preview_needs_areas_that_exist(campaigns, areas):
    with pytest.raises(InvalidInput):
        campaigns.preview(Audience(areas=areas))


# --- templates ------------------------------------------------------------------------------------------


def test_templates_are_registered_and_changed(campaigns):
    campaigns.put_templates("u-admin", "whatsapp-main", [BRIEF.model_copy(update={"state": "paused"})])
    assert [one.state for one in campaigns.templates("whatsapp-main")] == ["paused"]
    entries, _ = wiring.audit().of("template#whatsapp/namuna_brief/hi", limit=5)
    assert [entry.detail["state"] for entry in entries] == ["paused", "approved"]


ENGLISH = BRIEF.model_copy(
    update={
        "language": "en_US",
        "body": "Hello {{1}}, new campaign: {{2}}. Material: {{3}} Write STOP to end.",
    }
)


def sent_language(campaign, language="en"):
    frozen = CampaignStore().frozen(f"{campaign}-1")
    return frozen.content.render("whatsapp", language, name="Asha", organisation="x").template_language


def in_english(campaigns, **more):
    campaign = approved(campaigns, messages={"whatsapp": {"hi": whatsapp(), "en": whatsapp()}}, **more)
    campaigns.schedule(APPROVER, campaign, None)
    return campaign


def test_a_template_of_a_country_stands_for_its_language_and_is_sent_as_it_is_registered(campaigns):
    campaigns.put_templates("u-admin", "whatsapp-main", [ENGLISH])
    campaign = in_english(campaigns)
    assert (sent_language(campaign), sent_language(campaign, "hi")) == ("en_US", "hi")


def test_a_template_of_the_language_itself_goes_before_that_of_a_country(campaigns):
    own = ENGLISH.model_copy(update={"language": "en"})
    campaigns.put_templates("u-admin", "whatsapp-main", [ENGLISH, own])
    assert sent_language(in_english(campaigns)) == "en"


def test_what_was_approved_is_sent_though_another_template_is_registered_since(campaigns):
    campaigns.put_templates("u-admin", "whatsapp-main", [ENGLISH])
    campaign = approved(campaigns, messages={"whatsapp": {"en": whatsapp()}})
    campaigns.put_templates("u-admin", "whatsapp-main", [ENGLISH.model_copy(update={"language": "en"})])
    campaigns.schedule(APPROVER, campaign, None)
    assert sent_language(campaign) == "en_US"


def test_the_template_of_a_country_that_is_not_approved_is_none(campaigns):
    campaigns.put_templates("u-admin", "whatsapp-main", [ENGLISH.model_copy(update={"state": "paused"})])
    with pytest.raises(InvalidInput):
        submitted(campaigns, messages={"whatsapp": {"en": whatsapp()}})


def test_news_of_a_template_pauses_the_campaigns_that_send_it_as_it_is_registered(campaigns):
    campaigns.put_templates("u-admin", "whatsapp-main", [ENGLISH])
    campaign, halts = in_english(campaigns), Halts(campaigns, CampaignStore())
    for template, language in (("other", "en_US"), ("namuna_brief", "en"), ("namuna_brief", "en_GB")):
        halts.pause_template("whatsapp", template, language, "template.paused")
        assert campaigns.get(campaign).status == "scheduled"
    halts.pause_template("whatsapp", "namuna_brief", "en_US", "template.paused")
    assert campaigns.get(campaign).status == "paused"


def test_a_platform_without_templates_registers_none(campaigns):
    with pytest.raises(Conflict):
        campaigns.put_templates("u-admin", "telegram-main", [BRIEF])
    with pytest.raises(PlatformOff):
        campaigns.templates("nothing")
