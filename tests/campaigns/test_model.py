"""States, kinds and times of campaigns."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.campaigns.model import (
    NEXT,
    Campaign,
    Content,
    Run,
    faults,
    run_id,
    scheme_faults,
    split_run_id,
)
from chalicelib.clock import parse_rfc3339
from chalicelib.ports import SchemeBrief
from tests.campaigns.samples import content

NOW = parse_rfc3339("2026-01-31T10:00:00Z")


def campaign(status="draft", **more):
    given = {"id": "cmp_a", "rev": 1, "status": status, "content": content(), "authors": ("u-1", "u-2")}
    return Campaign.model_validate(given | {"created_at": NOW, "updated_at": NOW} | more)


@given(st.lists(st.sampled_from(sorted(NEXT)), max_size=12))
@example(["submitted", "approved", "scheduled", "cancelled", "scheduled"])
def test_nothing_is_sent_that_nobody_approved(wishes):
    seen, passed = campaign(), ["draft"]
    for wish in wishes:
        if seen.may_become(wish):
            seen = seen.model_copy(update={"status": wish})
            passed.append(wish)
    if "scheduled" in passed:
        assert passed[passed.index("scheduled") - 1] == "approved"
        assert passed[passed.index("scheduled") - 2] == "submitted"
    for state, following in pairwise(passed):
        if state in ("cancelled", "expired", "dispatched"):  # a correction or a withdrawal, alone
            assert following == "scheduled"


def test_nobody_who_had_a_hand_in_it_may_approve_it():
    seen = campaign("submitted")
    assert not seen.may_be_approved_by("u-1")
    assert not seen.may_be_approved_by("u-2")
    assert seen.may_be_approved_by("u-3")


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        ("awareness", {"public_body", "election_office", "party", "ngo"}),
        ("emergency", {"public_body", "election_office", "party", "ngo"}),
        ("voter_awareness", {"election_office"}),
        ("electioneering", {"party"}),
    ],
)
def test_the_kind_of_campaign_must_fit_the_organisation(kind, allowed):
    organisations = ("public_body", "election_office", "party", "ngo")
    assert {one for one in organisations if not faults(content(kind=kind), one)} == allowed


@pytest.mark.parametrize("later", ["priority"])
def test_fields_that_come_later_may_be_empty_but_not_filled(later):
    assert content(**{later: []})
    with pytest.raises(ValueError, match="not available yet"):
        content(**{later: {"hi": "x"}})


def test_channels_go_in_the_order_given_or_that_of_the_messages():
    assert content().order == ("whatsapp", "telegram")
    assert content(channels=["telegram", "whatsapp", "telegram"]).order == ("telegram", "whatsapp")


@given(st.integers(1, 9999))
def test_a_runs_id_tells_campaign_and_number(number):
    assert split_run_id(run_id("cmp_abc", number)) == ("cmp_abc", number)


@pytest.mark.parametrize("wrong", ["", "cmp_abc", "cmp_abc-", "-1", "cmp_abc-x", "cmp_abc-²"])
def test_what_is_no_runs_id_is_told_apart(wrong):
    assert split_run_id(wrong) is None


def test_a_run_is_over_at_the_moment_it_expires():
    run = Run.model_validate(
        {
            "id": "cmp_a-1",
            "campaign_id": "cmp_a",
            "rev": 1,
            "status": "scheduled",
            "at": NOW,
            "expires_at": NOW,
        }
        | {"channels": ["whatsapp"], "kind": "awareness", "department": "election"}
    )
    assert run.is_over(NOW)
    assert not run.is_over(NOW - timedelta(seconds=1))


def cited(*schemes, **known):
    return [
        (fault.field, fault.code, fault.params)
        for fault in scheme_faults(content(schemes=list(schemes)), known)
    ]


def test_a_scheme_that_is_unknown_over_or_silent_in_a_language_of_the_campaign_is_an_error():
    both, tamil = {"hi": "x", "en": "x"}, {"ta": "x"}
    assert cited("good", good=SchemeBrief("good", "health", both)) == []
    assert cited("none") == [("schemes.0", "scheme_unknown", {"id": "none"})]
    over = SchemeBrief("over", "health", both, ended=True)
    assert cited("over") == [("schemes.0", "scheme_unknown", {"id": "over"})]
    assert cited("over", over=over) == [("schemes.0", "scheme_ended", {"id": "over"})]
    assert cited("tamil", tamil=SchemeBrief("tamil", "health", tamil)) == [
        ("schemes.0", "scheme_language", {"id": "tamil", "language": "hi"})
    ]


def test_a_campaign_that_was_kept_before_schemes_could_be_cited_cites_none():
    kept = content().model_dump(mode="json") | {"schemes": None}
    assert Content.model_validate(kept).schemes == ()
