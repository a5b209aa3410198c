"""A correction and a withdrawal: who may, in which states, what is halted at once and what a second person
lets out; on the real engine."""

# ruff: noqa: F811 - fixtures of the campaigns' own tests are taken as arguments

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from chalicelib.campaigns.correction import Words
from chalicelib.campaigns.corrections import Corrections
from chalicelib.campaigns.model import Run
from chalicelib.campaigns.service import AuthorCannotApprove, ChangedMeanwhile
from chalicelib.errors import Conflict, InvalidInput, NotFound
from chalicelib.identity.roles import Principal
from chalicelib.ports import Contact
from tests.campaigns.samples import (
    APPROVER,
    BRIEF,
    EDITOR,
    NODAL,
    SECOND_APPROVER,
    WRITES_AND_APPROVES,
    content,
    whatsapp,
)
from tests.campaigns.test_campaigns import (  # noqa: F401 - fixtures
    NOW,
    TOMORROW,
    actions,
    approved,
    campaigns,
    dispatching,
    item,
    made,
    queue,
    queued,
    runs_at,
)

OTHER_EDITOR = Principal("u-editor-2", "", "", frozenset({"editor"}))
LATER = NOW + timedelta(hours=3)


def words(**more) -> Words:
    given = {
        "messages": {"telegram": {"hi": {"text": "नमस्ते {name}, सही तारीख़ 3 फ़रवरी है।"}}},
        "reason": "The day of the poll was wrong.",
    }
    return Words.model_validate(given | more)


@pytest.fixture
def corrections(campaigns):
    return Corrections(campaigns)


@pytest.fixture
def later(made):
    """The same service three hours later."""
    return Corrections(made(at=LATER))


def dispatched(campaigns) -> tuple[str, str]:
    campaign, run = dispatching(campaigns)
    runs_at(NOW).finish(run)
    return campaign, run


def run_of(corrections, campaign: str, number: int) -> Run:
    return corrections.campaigns.runs(campaign)[number - 1]


# --- correction


def test_a_correction_that_another_person_approves_becomes_a_run_of_its_own(corrections, campaigns, queue):
    campaign, first = dispatched(campaigns)
    queued(queue)
    proposed = corrections.propose(EDITOR, campaign, words())
    assert (proposed.number, proposed.status, proposed.run) == (1, "proposed", "")
    assert campaigns.get(campaign).status == "dispatched"
    assert queued(queue) == []
    decided = corrections.decide(APPROVER, campaign, 1, "approve", "Checked.")
    assert (decided.status, decided.decided_by, decided.run) == ("approved", "u-approver", f"{campaign}-2")
    assert corrections.listed(campaign) == [decided]

    run = run_of(corrections, campaign, 2)
    assert (run.purpose, run.parent, run.parents, run.urgent) == ("correction", first, (first,), False)
    assert (run.status, run.channels) == ("scheduled", ("telegram",))
    assert (run.at - NOW, run.expires_at - run.at) == (timedelta(seconds=3), timedelta(days=7))
    after = campaigns.get(campaign)
    assert (after.status, after.runs, after.corrections, after.withdrawn_at) == ("scheduled", 2, 1, None)
    assert json.loads(item(campaign, "run#2").event)["type"] == "run.scheduled"
    assert actions(campaign)[-2:] == [
        ("correction.proposed", "u-editor"),
        ("correction.approved", "u-approver"),
    ]
    noted = campaigns.audit.all_of(f"campaign#{campaign}")[-1].detail
    assert noted == {"correction": 1, "run": run.id, "content": campaigns.store.fingerprint(run.id)}
    runs = runs_at(LATER)
    person = Contact("inf_a", "approved", "रेखा", "hi", (), {}, frozenset(), frozenset())
    text = runs.message(run.id, "telegram", "hi", person).text
    assert text.startswith("नमस्ते रेखा, सही तारीख़")
    assert text.endswith(content().line("hi", "Namuna Office"))
    assert runs.get(first).recalled
    assert runs.start(run.id)
    runs.finish(run.id)
    assert campaigns.get(campaign).status == "dispatched"
    assert not runs.get(run.id).recalled


def test_a_form_that_is_sent_twice_at_the_same_moment_proposes_once(corrections, campaigns):
    campaign, _ = dispatched(campaigns)
    corrections.propose(EDITOR, campaign, words(), 0)
    for act in (corrections.propose, corrections.withdraw):
        with pytest.raises(ChangedMeanwhile):
            act(EDITOR, campaign, words(), 0)
    assert [one.number for one in corrections.listed(campaign)] == [1]
    assert corrections.propose(EDITOR, campaign, words(), 1).number == 2


def test_it_is_launched_when_every_sender_knows_that_the_first_goes_on_no_more(corrections, campaigns, queue):
    import time

    campaign, _ = dispatched(campaigns)
    queued(queue)
    corrections.propose(EDITOR, campaign, words())
    corrections.decide(APPROVER, campaign, 1, "approve", "")
    assert queued(queue) == []
    time.sleep(3.2)
    assert queued(queue) == [{"launch": f"{campaign}-2"}]


@pytest.mark.parametrize("by", ["author of the campaign", "author of the correction"])
def test_whoever_had_a_hand_in_it_or_in_the_campaign_cannot_approve_it(corrections, campaigns, by):
    writer = WRITES_AND_APPROVES if by == "author of the campaign" else EDITOR
    campaign = campaigns.create(writer, content()).id
    campaigns.submit(EDITOR, campaign)
    campaigns.decide(APPROVER, campaign, "approve", "")
    run = campaigns.schedule(APPROVER, campaign, None)
    runs_at(NOW).start(run.id)
    runs_at(NOW).finish(run.id)
    proposer = EDITOR if by == "author of the campaign" else WRITES_AND_APPROVES
    corrections.propose(proposer, campaign, words())
    for decision in ("approve", "decline"):
        with pytest.raises(AuthorCannotApprove):
            corrections.decide(WRITES_AND_APPROVES, campaign, 1, decision, "x")
    assert corrections.decide(SECOND_APPROVER, campaign, 1, "approve", "").status == "approved"


def test_what_is_declined_stays_so_and_another_may_be_proposed(corrections, campaigns):
    campaign, _ = dispatched(campaigns)
    corrections.propose(EDITOR, campaign, words())
    with pytest.raises(InvalidInput):
        corrections.decide(APPROVER, campaign, 1, "decline", "")
    assert corrections.decide(APPROVER, campaign, 1, "decline", "Still wrong").answer == "Still wrong"
    with pytest.raises(Conflict):
        corrections.decide(SECOND_APPROVER, campaign, 1, "approve", "")
    assert corrections.propose(EDITOR, campaign, words()).number == 2
    corrections.decide(APPROVER, campaign, 2, "approve", "")
    assert [one.status for one in corrections.listed(campaign)] == ["declined", "approved"]
    assert [run.number for run in campaigns.runs(campaign)] == [1, 2]


def test_of_two_approvers_at_once_one_makes_the_run(corrections, campaigns):
    campaign, _ = dispatched(campaigns)
    corrections.propose(EDITOR, campaign, words())

    def approve(who):
        try:
            return corrections.decide(who, campaign, 1, "approve", "").run
        except Conflict:
            return None

    with ThreadPoolExecutor(4) as pool:
        done = [run for run in pool.map(approve, [APPROVER, SECOND_APPROVER] * 2) if run]
    assert done == [f"{campaign}-2"]
    assert [run.number for run in campaigns.runs(campaign)] == [1, 2]


def test_nothing_is_corrected_before_somebody_was_sent_it(corrections, campaigns):
    campaign = approved(campaigns)
    with pytest.raises(Conflict):
        corrections.propose(EDITOR, campaign, words())
    campaigns.schedule(APPROVER, campaign, TOMORROW)
    with pytest.raises(Conflict):
        corrections.propose(EDITOR, campaign, words())
    assert corrections.listed(campaign) == []


@pytest.mark.parametrize("state", ["dispatching", "paused"])
def test_a_correction_waits_until_nothing_wrong_goes_out_any_more(corrections, campaigns, state):
    campaign, _ = dispatching(campaigns)
    if state == "paused":
        campaigns.pause(EDITOR, campaign)
    corrections.propose(EDITOR, campaign, words())
    with pytest.raises(Conflict, match="under way"):
        corrections.decide(APPROVER, campaign, 1, "approve", "")
    campaigns.cancel(EDITOR, campaign)
    assert corrections.decide(APPROVER, campaign, 1, "approve", "").run == f"{campaign}-2"


def test_what_has_expired_can_be_corrected_and_the_correction_lives(corrections, campaigns, later):
    campaign = approved(campaigns, expires_at=NOW + timedelta(hours=1))
    run = campaigns.schedule(APPROVER, campaign, None).id
    runs_at(NOW).start(run)
    campaigns.pause(EDITOR, campaign)
    runs_at(LATER).finish(run)
    assert campaigns.get(campaign).status == "expired"
    later.propose(EDITOR, campaign, words())
    later.decide(APPROVER, campaign, 1, "approve", "")
    assert run_of(later, campaign, 2).expires_at > LATER + timedelta(days=6)
    assert not runs_at(LATER).get(run).recalled, "it was over by itself"


def test_a_correction_is_checked_as_a_campaign_is(corrections, campaigns):
    campaign, _ = dispatched(campaigns)
    with pytest.raises(InvalidInput) as refused:
        corrections.propose(
            EDITOR, campaign, words(messages={"whatsapp": {"hi": whatsapp(template="unknown_one")}})
        )
    assert [(e.field, e.code) for e in refused.value.errors] == [
        ("messages.whatsapp.hi.template", "template_not_approved")
    ]
    with pytest.raises(InvalidInput) as refused:
        corrections.propose(EDITOR, campaign, words(messages={"telegram": {"hi": {"text": "{nothing}"}}}))
    assert [e.code for e in refused.value.errors] == ["placeholder_unknown"]
    with pytest.raises(ValueError, match="at least 1"):
        words(messages={})
    assert corrections.listed(campaign) == []


def test_a_template_withdrawn_since_it_was_proposed_keeps_it_back(corrections, campaigns):
    campaign, _ = dispatched(campaigns)
    corrections.propose(EDITOR, campaign, words(messages={"whatsapp": {"hi": whatsapp()}}))
    campaigns.put_templates("u-admin", "whatsapp-main", [BRIEF.model_copy(update={"state": "paused"})])
    with pytest.raises(InvalidInput):
        corrections.decide(APPROVER, campaign, 1, "approve", "")
    assert campaigns.get(campaign).status == "dispatched"


def test_a_second_correction_takes_back_the_campaign_and_the_first_correction(corrections, campaigns, later):
    campaign, first = dispatched(campaigns)
    corrections.propose(EDITOR, campaign, words())
    second = corrections.decide(APPROVER, campaign, 1, "approve", "").run
    with pytest.raises(InvalidInput, match="to be corrected"):
        corrections.propose(EDITOR, campaign, words(runs=[second]))
    runs_at(LATER).start(second)
    runs_at(LATER).finish(second)
    later.propose(EDITOR, campaign, words(urgent=True))
    third = later.decide(APPROVER, campaign, 2, "approve", "").run
    run = run_of(later, campaign, 3)
    assert (run.id, run.parents, run.urgent) == (third, (first,), True)
    assert [runs_at(LATER).get(one).recalled for one in (first, second, third)] == [True, True, False]


def test_it_names_runs_of_this_campaign_that_have_begun(corrections, campaigns):
    campaign, first = dispatched(campaigns)
    with pytest.raises(InvalidInput) as refused:
        corrections.propose(EDITOR, campaign, words(runs=[f"{campaign}-7"]))
    assert [(e.field, e.code) for e in refused.value.errors] == [("runs", "run_unknown")]
    assert corrections.propose(EDITOR, campaign, words(runs=[first])).runs == (first,)


def test_staff_of_a_department_correct_their_own_campaigns_only(corrections, campaigns):
    campaign, _ = dispatched(campaigns)
    with pytest.raises(NotFound):
        corrections.propose(NODAL, campaign, words())


def test_an_absent_correction_is_not_found(corrections, campaigns):
    campaign, _ = dispatched(campaigns)
    for number in (1, "x", "01"):
        with pytest.raises(NotFound):
            corrections.decide(APPROVER, campaign, number, "approve", "")


# --- withdrawal


@pytest.mark.parametrize("state", ["scheduled", "dispatching", "paused"])
def test_a_withdrawal_calls_off_at_once_what_runs(corrections, campaigns, queue, state):
    if state == "scheduled":
        campaign = approved(campaigns)
        campaigns.schedule(APPROVER, campaign, TOMORROW)
    else:
        campaign, _ = dispatching(campaigns)
    if state == "paused":
        campaigns.pause(EDITOR, campaign)
    proposed = corrections.withdraw(OTHER_EDITOR, campaign, words())
    assert (proposed.purpose, proposed.status) == ("withdrawal", "proposed")
    after = campaigns.get(campaign)
    assert (after.status, after.withdrawn_at) == ("cancelled", NOW)
    run = run_of(corrections, campaign, 1)
    assert (run.status, run.ended_at) == ("cancelled", NOW)
    assert json.loads(item(campaign, "run#1").event)["type"] == "run.cancelled"
    assert actions(campaign)[-1] == ("campaign.withdrawn", "u-editor-2")
    runs_at(NOW).finish(run.id)
    assert not runs_at(TOMORROW).start(run.id)
    assert campaigns.get(campaign).status == "cancelled"
    if state == "scheduled":
        with pytest.raises(Conflict, match="Nobody"):
            corrections.decide(APPROVER, campaign, 1, "approve", "")
    else:
        assert corrections.decide(APPROVER, campaign, 1, "approve", "").run == f"{campaign}-2"
        run = run_of(corrections, campaign, 2)
        assert (run.purpose, run.parents, run.urgent) == ("withdrawal", (f"{campaign}-1",), True)


def test_what_was_sent_and_is_withdrawn_is_recalled_before_anybody_approves_the_words(corrections, campaigns):
    campaign, first = dispatched(campaigns)
    corrections.withdraw(EDITOR, campaign, words())
    assert runs_at(NOW).get(first).recalled
    assert campaigns.get(campaign).status == "dispatched"
    assert campaigns.get(campaign).withdrawn_at == NOW


def test_a_withdrawal_that_meets_the_end_of_the_run_is_tried_again(corrections, campaigns):
    campaign, run = dispatching(campaigns)
    read, ended = campaigns.store.runs, []

    def end_meanwhile(campaign_id):
        found = read(campaign_id)
        if not ended:
            ended.append(runs_at(NOW).finish(run))
        return found

    campaigns.store.runs = end_meanwhile
    corrections.withdraw(EDITOR, campaign, words())
    after = campaigns.get(campaign)
    assert (after.status, after.withdrawn_at, after.corrections) == ("dispatched", NOW, 1)
    assert runs_at(NOW).get(run).recalled
    assert len(corrections.listed(campaign)) == 1


def test_of_a_withdrawal_and_the_end_of_the_run_at_once_both_stand(corrections, campaigns):
    campaign, run = dispatching(campaigns)
    with ThreadPoolExecutor(2) as pool:
        end = pool.submit(runs_at(NOW).finish, run)
        pool.submit(corrections.withdraw, EDITOR, campaign, words()).result()
        end.result()
    after, brief = campaigns.get(campaign), runs_at(NOW).get(run)
    assert after.withdrawn_at == NOW
    assert (after.status, brief.status, brief.recalled) in [
        ("dispatched", "dispatched", True),
        ("cancelled", "cancelled", False),
    ]


def test_a_withdrawn_campaign_is_corrected_no_more_and_may_be_withdrawn_in_other_words(
    corrections,
    campaigns,
    later,
):
    campaign, _ = dispatched(campaigns)
    corrections.propose(EDITOR, campaign, words())
    corrections.withdraw(EDITOR, campaign, words())
    with pytest.raises(Conflict, match="withdrawn"):
        corrections.propose(EDITOR, campaign, words())
    with pytest.raises(Conflict, match="withdrawn"):
        corrections.decide(APPROVER, campaign, 1, "approve", "")
    corrections.decide(APPROVER, campaign, 2, "decline", "Too long")
    later.withdraw(EDITOR, campaign, words(reason="Shorter."))
    assert later.decide(APPROVER, campaign, 3, "approve", "").run == f"{campaign}-2"
    assert campaigns.get(campaign).withdrawn_at == NOW


def test_words_that_are_not_ready_withdraw_nothing(corrections, campaigns):
    campaign, _ = dispatching(campaigns)
    with pytest.raises(InvalidInput):
        corrections.withdraw(EDITOR, campaign, words(messages={"telegram": {"hi": {"text": "{nothing}"}}}))
    assert (campaigns.get(campaign).status, campaigns.get(campaign).withdrawn_at) == ("dispatching", None)


@pytest.mark.parametrize("state", ["draft", "approved"])
def test_what_has_no_run_is_not_withdrawn(corrections, campaigns, state):
    campaign = campaigns.create(EDITOR, content()).id if state == "draft" else approved(campaigns)
    with pytest.raises(Conflict):
        corrections.withdraw(EDITOR, campaign, words())


def test_a_transaction_that_is_refused_leaves_nothing(corrections, campaigns):
    campaign, _ = dispatched(campaigns)
    corrections.propose(EDITOR, campaign, words())
    read = campaigns.store.correction

    def decided_meanwhile(campaign_id, number):
        found = read(campaign_id, number)
        campaigns.store.correction = read
        corrections.decide(SECOND_APPROVER, campaign_id, number, "decline", "No.")
        return found

    campaigns.store.correction = decided_meanwhile
    with pytest.raises(ChangedMeanwhile):
        corrections.decide(APPROVER, campaign, 1, "approve", "")
    assert [run.number for run in campaigns.runs(campaign)] == [1]
    assert corrections.listed(campaign)[0].status == "declined"
    assert not runs_at(NOW).get(f"{campaign}-1").recalled
