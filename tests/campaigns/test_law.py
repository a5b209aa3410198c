"""Silence and codes of conduct at scheduling; overrides, given and withdrawn."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from chalicelib import wiring
from chalicelib.campaigns.correction import Words
from chalicelib.campaigns.law import AuthorCannotOverride, Overrides, UnderCode
from chalicelib.campaigns.runs import FRESH_S, Runs
from chalicelib.errors import Conflict, InvalidInput, NotFound
from chalicelib.identity.roles import ROLES, Principal
from local.config import platform_secret
from tests.campaigns.samples import APPROVER, AREAS, BRIEF, EDITOR, SECOND_APPROVER, content
from tests.conftest import use_environment

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ELECTIONEERING = {"kind": "electioneering", "imprint": "Namuna Party", "certificate": "MCMC/7"}


@pytest.fixture
def house(tables):
    """`house("party")`: the real collaborators of an organisation of this kind, its directory filled."""

    def build(kind="public_body"):
        queue = boto3.client("sqs").create_queue(QueueName="plan")["QueueUrl"]
        secret = json.dumps(platform_secret())
        boto3.client("secretsmanager").create_secret(Name="janjan/local/platforms", SecretString=secret)
        # Silence is looked at here, at whatever hour it is run: no time is quiet.
        use_environment({"PLAN_QUEUE_URL": queue, "ORGANISATION_KIND": kind, "QUIET_HOURS": "none"})
        wiring.directory().put_areas(AREAS)
        wiring.directory().put_department("election", {"en": "Election Office"})
        wiring.campaigns().put_templates("u-admin", "whatsapp-main", [BRIEF])

    return build


@pytest.fixture
def public_body(house):
    house()


def election(*areas, name="Sample", ends=NOW + 20 * DAY, code_from=NOW - DAY, code_until=NOW + 30 * DAY):
    made = wiring.election_desk().add(
        "u-admin",
        name=name,
        areas=areas or ("D9001",),
        polling_ends=ends,
        code_from=code_from,
        code_until=code_until,
        source="7/2026",
    )
    return made.id


def approved(**more):
    service = wiring.campaigns()
    draft = service.create(EDITOR, content(**more))
    service.submit(EDITOR, draft.id)
    return service.decide(APPROVER, draft.id, "approve", "").id


def schedule(campaign, at=None):
    return wiring.campaigns().schedule(APPROVER, campaign, at)


def actions(campaign):
    entries, _ = wiring.audit().of(f"campaign#{campaign}", limit=20)
    return [(entry.action, entry.actor, dict(entry.detail)) for entry in reversed(entries)]


# --- scheduling ---------------------------------------------------------------------------------------------


def test_under_a_code_scheduling_is_refused_and_names_the_elections(public_body):
    first, second = election("D9001", name="First phase"), election("IN-XN", name="State")
    election("IN-XN", name="Over", code_until=NOW - HOUR, ends=NOW - 2 * HOUR)
    campaign = approved()
    with pytest.raises(UnderCode) as refused:
        schedule(campaign)
    assert refused.value.status == 409
    assert refused.value.params["elections"] == f"First phase ({first}), State ({second})"
    wiring.overrides().give(APPROVER, campaign, first, "cleared by the commission")
    with pytest.raises(UnderCode) as refused:
        schedule(campaign)
    assert refused.value.params["elections"] == f"State ({second})"
    wiring.overrides().give(APPROVER, campaign, second, "cleared by the commission")
    assert schedule(campaign).status == "scheduled"


def test_what_the_calendar_was_told_a_moment_ago_counts_when_a_person_decides(public_body):
    schedule(approved(audience={"areas": ["D9002"]}))  # the calendar has been read
    late, campaign = election(), approved()
    with pytest.raises(UnderCode):
        schedule(campaign)
    assert wiring.overrides().give(APPROVER, campaign, late, "cleared")
    wiring.election_desk().remove("u-admin", late)
    with pytest.raises(InvalidInput):
        wiring.overrides().give(SECOND_APPROVER, approved(), late, "cleared")


@pytest.mark.parametrize("audience", ["IN", "IN-XN", "D9001", "D9001-B1"])
def test_a_code_anywhere_within_the_audience_counts(public_body, audience):
    election("D9001")
    with pytest.raises(UnderCode):
        schedule(approved(audience={"areas": [audience]}))
    assert schedule(approved(audience={"areas": ["D9002"]}))


def test_what_counts_is_the_code_at_the_time_of_the_run(public_body):
    election(code_from=NOW + 2 * DAY)
    assert schedule(approved(), NOW + DAY)
    with pytest.raises(UnderCode):
        schedule(approved(), NOW + 2 * DAY)


@pytest.mark.parametrize(
    ("organisation", "kind"),
    [
        ("public_body", {"kind": "emergency"}),
        ("election_office", {"kind": "voter_awareness"}),
        ("ngo", {}),
        ("party", ELECTIONEERING),
    ],
)
def test_a_code_holds_nothing_else_back(house, organisation, kind):
    house(organisation)
    election()
    assert schedule(approved(**kind))


def test_electioneering_whose_whole_time_is_silent_is_refused(house):
    house("party")
    election("IN-XN", ends=NOW + DAY)
    silent = approved(**ELECTIONEERING, expires_at=(NOW + DAY).isoformat())
    with pytest.raises(InvalidInput) as refused:
        schedule(silent)
    assert (refused.value.errors[0].field, refused.value.errors[0].code) == ("at", "silence")
    assert schedule(approved(**ELECTIONEERING, expires_at=(NOW + DAY + HOUR).isoformat()))


def test_electioneering_that_is_silent_in_a_part_of_its_audience_goes_to_the_others(house):
    house("party")
    election("D9001", ends=NOW + DAY)
    ends = (NOW + HOUR).isoformat()
    assert schedule(approved(**ELECTIONEERING, expires_at=ends))
    both = {"areas": ["D9001", "D9002"]}
    assert schedule(approved(**ELECTIONEERING, expires_at=ends, audience=both))
    with pytest.raises(InvalidInput):
        schedule(approved(**ELECTIONEERING, expires_at=ends, audience={"areas": ["D9001", "D9001-B1"]}))


# --- overrides ----------------------------------------------------------------------------------------------


def test_an_override_is_listed_audited_and_known_to_senders_within_two_seconds(public_body):
    campaign = approved()
    run = schedule(campaign)
    late = election()
    now = [1000.0]
    runs = Runs(wiring.runs().store, wiring.clock(), ticks=lambda: now[0])
    assert runs.get(run.id).overrides == frozenset()
    given = wiring.overrides().give(APPROVER, campaign, late, "cleared")
    [listed] = wiring.campaigns().get(campaign).overrides
    assert (listed, listed.by, listed.reason) == (given, "u-approver", "cleared")
    now[0] += FRESH_S
    assert runs.get(run.id).overrides == {late}
    assert ("campaign.overridden", "u-approver", {"election": late}) in actions(campaign)


def test_what_is_withdrawn_is_refused_again(public_body):
    late, campaign = election(), approved()
    wiring.overrides().give(APPROVER, campaign, late, "cleared")
    run = schedule(campaign)
    assert wiring.runs().get(run.id).overrides == {late}
    wiring.overrides().withdraw(SECOND_APPROVER, campaign, late)
    assert Runs(wiring.runs().store, wiring.clock()).get(run.id).overrides == frozenset()
    assert actions(campaign)[-1] == ("campaign.override_withdrawn", "u-approver-2", {"election": late})
    with pytest.raises(NotFound):
        wiring.overrides().withdraw(SECOND_APPROVER, campaign, late)
    [kept] = wiring.campaigns().get(campaign).overrides
    assert (kept.reason, kept.by, kept.withdrawn_by) == ("cleared", "u-approver", "u-approver-2")
    wiring.overrides().give(SECOND_APPROVER, campaign, late, "cleared once more")
    assert wiring.campaigns().get(campaign).overridden == {late}
    assert Runs(wiring.runs().store, wiring.clock()).get(run.id).overrides == {late}
    wiring.overrides().withdraw(APPROVER, campaign, late)
    both = wiring.campaigns().get(campaign).overrides
    assert [one.withdrawn_by for one in both] == ["u-approver-2", "u-approver"]


def test_a_run_that_is_started_keeps_the_overrides(public_body):
    late, campaign = election(), approved()
    wiring.overrides().give(APPROVER, campaign, late, "cleared")
    run = schedule(campaign)
    runs = Runs(wiring.runs().store, wiring.clock())
    assert runs.start(run.id)
    assert (runs.get(run.id).status, runs.get(run.id).overrides) == ("dispatching", {late})


def test_no_author_gives_an_override_whatever_their_roles(public_body):
    late = election()
    author = Principal(EDITOR.id, "", "", frozenset({"editor", "approver", "admin"}))
    with pytest.raises(AuthorCannotOverride):
        wiring.overrides().give(author, approved(), late, "mine")


def test_only_what_needs_one_and_is_approved_gets_an_override(public_body):
    late, give = election(), wiring.overrides().give
    draft = wiring.campaigns().create(EDITOR, content()).id
    with pytest.raises(Conflict):
        give(APPROVER, draft, late, "x")
    with pytest.raises(Conflict):
        give(APPROVER, approved(kind="emergency"), late, "x")
    with pytest.raises(InvalidInput):
        give(APPROVER, approved(), "elc_none", "x")
    with pytest.raises(NotFound):
        give(APPROVER, "cmp_none", late, "x")


def test_an_override_given_twice_stands_as_it_was(public_body):
    late, campaign = election(), approved()
    wiring.overrides().give(APPROVER, campaign, late, "first")
    with pytest.raises(Conflict):
        wiring.overrides().give(SECOND_APPROVER, campaign, late, "second")
    assert [one.reason for one in wiring.campaigns().get(campaign).overrides] == ["first"]


def test_overrides_end_when_the_approved_text_becomes_a_draft_again(public_body):
    late, campaign = election(), approved()
    wiring.overrides().give(APPROVER, campaign, late, "cleared")
    wiring.campaigns().decide(SECOND_APPROVER, campaign, "decline", "a mistake in it")
    assert wiring.campaigns().get(campaign).overrides == ()
    wiring.campaigns().submit(EDITOR, campaign)
    wiring.campaigns().decide(APPROVER, campaign, "approve", "")
    with pytest.raises(UnderCode):
        schedule(campaign)


def test_of_many_overrides_at_once_each_is_kept_and_audited_once(public_body):
    elections = [election(name=f"Phase {n}") for n in range(6)]
    campaign = approved()
    desk = Overrides(wiring.runs().store, wiring._election_law(), wiring.audit(), wiring.clock())

    def give(ident):
        try:
            return desk.give(APPROVER, campaign, ident, "cleared")
        except Conflict:
            return None

    with ThreadPoolExecutor(4) as hands:
        done = [one for one in hands.map(give, elections * 2) if one]
    assert sorted(one.election for one in done) == sorted(elections)
    assert wiring.campaigns().get(campaign).overridden == set(elections)
    assert [action for action, *_ in actions(campaign)].count("campaign.overridden") == len(elections)
    run = schedule(campaign)
    assert wiring.runs().get(run.id).overrides == set(elections)


@pytest.mark.parametrize("role", ROLES)
def test_approvers_and_admins_alone_override(role):
    assert Principal("u", "", "", frozenset({role})).may("campaign.override") is (
        role in ("admin", "approver")
    )


def test_a_correction_and_a_withdrawal_wait_for_an_override_too(public_body):
    campaign = approved()
    runs = Runs(wiring.campaigns().store, wiring.clock())
    run = schedule(campaign).id
    assert runs.start(run)
    runs.finish(run)
    ident = election()
    wiring.corrections.cache_clear()
    desk = wiring.corrections()
    words = Words.model_validate({"messages": {"telegram": {"hi": {"text": "सही"}}}, "reason": "Wrong day."})
    desk.propose(EDITOR, campaign, words)
    author = Principal("u-admin-2", "", "", frozenset({"admin"}))
    desk.withdraw(author, campaign, words)
    with pytest.raises(AuthorCannotOverride):  # it would let their own words out
        wiring.overrides().give(author, campaign, ident, "mine")
    with pytest.raises(UnderCode):
        desk.decide(APPROVER, campaign, 2, "approve", "")
    assert len(wiring.campaigns().runs(campaign)) == 1
    wiring.overrides().give(SECOND_APPROVER, campaign, ident, "The Commission has asked for it.")
    assert desk.decide(APPROVER, campaign, 2, "approve", "").run == f"{campaign}-2"
