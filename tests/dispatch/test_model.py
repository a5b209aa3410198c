"""The rules of dispatch, without any table."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.dispatch.model import (
    Bounds,
    Claim,
    Counts,
    DeliveryKey,
    Fact,
    Hold,
    Page,
    Status,
    Stops,
    Tally,
    Ticket,
    Verdict,
    Week,
    again_id,
    chunk_id,
    judge_claim,
    late,
    moment,
    origin_of,
    partition_of,
    partitions,
    reason_against,
    refusal,
    route,
    seconds,
    status_of,
    total,
    wears_out_the_cap,
    week_of,
)
from chalicelib.platforms.base import Channel
from chalicelib.ports import Contact, RosterRow, RunBrief

RUN = "cmp_aaaaaaaaaaaaaaaa-1"
NOW = datetime(2026, 11, 2, 5, 30, tzinfo=UTC)


# --- what facts mean


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ("", Status.PLANNED),
        ("a", Status.ACCEPTED),
        ("as", Status.SENT),
        ("asd", Status.DELIVERED),
        ("asdr", Status.READ),
        ("r", Status.READ),
        ("d", Status.DELIVERED),
        ("s", Status.SENT),
        ("af", Status.FAILED),
        ("sf", Status.FAILED),
        ("fd", Status.DELIVERED),
        ("fr", Status.READ),
        ("f", Status.FAILED),
        ("u", Status.UNKNOWN),
        ("ua", Status.ACCEPTED),
        ("us", Status.SENT),
        ("ud", Status.DELIVERED),
        ("uf", Status.FAILED),
        ("n", Status.NOT_SENT),
        ("nu", Status.UNKNOWN),
        ("na", Status.ACCEPTED),
        ("nf", Status.FAILED),
        ("x", Status.SUPERSEDED),
        ("xn", Status.NOT_SENT),
        ("xu", Status.UNKNOWN),
        ("uk", Status.UNKNOWN),
        ("ukd", Status.DELIVERED),
        ("uz", Status.SUPERSEDED),
        ("uzd", Status.SUPERSEDED),
        ("uzr", Status.SUPERSEDED),
        ("uzy", Status.UNKNOWN),
        ("uzyd", Status.DELIVERED),
    ],
)
def test_the_status_follows_from_the_facts(facts, status):
    assert status_of({Fact(letter): 1 for letter in facts}) is status


@given(st.lists(st.sampled_from(list(Fact)), unique=True, max_size=5))
def test_the_order_in_which_facts_arrive_does_not_matter(facts):
    assert len({status_of(dict.fromkeys(order, 1)) for order in permutations(facts)}) == 1


@given(
    st.lists(st.sampled_from([Fact.ACCEPTED, Fact.SENT, Fact.DELIVERED, Fact.READ]), unique=True, min_size=1)
)
def test_any_word_of_the_platform_lifts_an_unknown(proofs):
    assert status_of(dict.fromkeys([Fact.UNKNOWN, *proofs], 1)) is not Status.UNKNOWN


@given(st.integers(min_value=-(10**8), max_value=10**9))
def test_seconds_and_moments_are_the_same_time(value):
    assert seconds(moment(value)) == value


def test_seconds_count_from_the_first_of_january_2026():
    assert seconds(datetime(2026, 1, 1, 0, 1, tzinfo=UTC)) == 60
    assert moment(86_400) == datetime(2026, 1, 2, tzinfo=UTC)


# --- keys


@given(st.integers(0, 9999), st.integers(0, 9999), st.integers(0, 999), st.integers(0, 24), st.integers(1, 9))
def test_a_key_reads_back(range_no, page_no, number, index, attempt):
    key = DeliveryKey(RUN, chunk_id(range_no, page_no, number), index, attempt)
    assert DeliveryKey.parse(str(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "some data",
        "...",
        f"{RUN}.00000000000.0",
        f"{RUN}.00000000000.0.1.1",
        f"{RUN}.0000000000.0.1",
        f"{RUN}.000000000000.0.1",
        f"{RUN}.0000000000a.0.1",
        f"{RUN}.00000000000.25.1",
        f"{RUN}.00000000000.-1.1",
        f"{RUN}.00000000000.0.0",
        f"{RUN}.00000000000.0.12",
        f"{RUN}.000000000000.0.2",
        f"{RUN}.{'0' * 33}.0.11",
        f"{RUN}.00000000000.१.1",
        ".00000000000.0.1",
    ],
)
def test_what_is_not_a_key_of_ours_is_none(text):
    assert DeliveryKey.parse(text) is None


@pytest.mark.parametrize("text", [f"{RUN}.00000000000.24.9", f"{RUN}.00000000000.0.1"])
def test_keys_at_the_edges_are_ours(text):
    assert str(DeliveryKey.parse(text)) == text


@given(
    st.integers(0, 9999), st.integers(0, 9999), st.integers(0, 999), st.integers(0, 24), st.integers(0, 998)
)
def test_the_chunk_of_a_second_attempt_tells_its_origin_and_is_never_a_planned_one(
    range_no, page_no, number, index, other
):
    old = chunk_id(range_no, page_no, number)
    made = again_id(old, index)
    assert origin_of(made) == (old, index)
    assert origin_of(old) is None
    assert made not in {chunk_id(range_no, page_no, other), old}
    assert old < made < chunk_id(range_no, page_no, number + 1 if number < 999 else number) or number == 999
    key = DeliveryKey(RUN, made, 0, 2)
    assert DeliveryKey.parse(str(key)) == key


def test_chunk_ids_sort_as_planned():
    assert chunk_id(1, 2, 3) == "00010002003"
    ids = [chunk_id(r, p, n) for r in (0, 1, 12) for p in (0, 9, 10) for n in (0, 5, 107)]
    assert ids == sorted(ids)


def test_chunks_spread_over_four_partitions_of_their_run():
    used = {partition_of(RUN, chunk_id(0, page, n)) for page in range(20) for n in range(20)}
    assert used == set(partitions(RUN)) == {f"{RUN}#{n}" for n in range(4)}


# --- planning


def page(groups: dict[str, int], **more) -> Page:
    people = {name: tuple(f"inf_{name}_{i}" for i in range(n)) for name, n in groups.items()}
    return Page(RUN, more.get("range_no", 3), more.get("page_no", 7), "D1", people, {}, None)


def test_a_page_is_cut_into_chunks_of_25_of_one_channel_and_language():
    chunks = page({"whatsapp hi": 51, "telegram en": 2, "whatsapp en": 25}).chunks()
    assert [(c.channel, c.language, len(c.people)) for c in chunks] == [
        ("telegram", "en", 2),
        ("whatsapp", "en", 25),
        ("whatsapp", "hi", 25),
        ("whatsapp", "hi", 25),
        ("whatsapp", "hi", 1),
    ]
    assert [c.id for c in chunks] == [f"00030007{n:03d}" for n in range(5)]
    assert {(c.run, c.district, c.attempt) for c in chunks} == {(RUN, "D1", 1)}


@given(st.dictionaries(st.sampled_from(["whatsapp hi", "whatsapp en", "telegram hi"]), st.integers(0, 90)))
def test_everybody_of_a_page_is_in_exactly_one_chunk(groups):
    made = page(groups)
    placed = Counter(person for chunk in made.chunks() for person in chunk.people)
    assert placed == Counter(person for people in made.groups.values() for person in people)
    assert all(0 < len(chunk.people) <= 25 for chunk in made.chunks())
    assert made.skipped_id not in {chunk.id for chunk in made.chunks()}


def test_the_skipped_of_a_page_have_a_number_of_their_own():
    assert page({}).skipped_id == "00030007999"


def test_a_chunk_names_its_deliveries():
    assert str(page({"whatsapp hi": 3}).chunks()[0].key(2)) == f"{RUN}.00030007000.2.1"


def row(*channels: str, language: str = "hi") -> RosterRow:
    return RosterRow("inf_1", "D1", "", language, channels=channels)


def speaks(channel: str, wanted: str) -> str | None:
    return {"whatsapp": wanted if wanted != "ta" else None, "telegram": "en"}[channel]


def test_the_campaigns_order_of_channels_decides():
    assert route(row("telegram", "whatsapp"), ["whatsapp", "telegram"], speaks) == ("whatsapp", "hi")
    assert route(row("telegram", "whatsapp"), ["telegram", "whatsapp"], speaks) == ("telegram", "en")


def test_a_channel_without_a_fitting_language_gives_way_to_the_next():
    assert route(row("whatsapp", "telegram", language="ta"), ["whatsapp", "telegram"], speaks) == (
        "telegram",
        "en",
    )


def test_who_cannot_be_reached_is_skipped_with_the_reason():
    assert route(row("telegram"), ["whatsapp"], speaks) == "no_channel"
    assert route(row(), ["whatsapp", "telegram"], speaks) == "no_channel"
    assert route(row("whatsapp", language="ta"), ["whatsapp"], speaks) == "no_language"


# --- who may be sent to

BRIEF = RunBrief(RUN, RUN[:-2], "dispatching", NOW, NOW + timedelta(hours=1), ("whatsapp",))
PERSON = Contact(
    "inf_1",
    "approved",
    "Sample",
    "hi",
    ("IN",),
    {"whatsapp": "919000000001"},
    frozenset({("campaigns", "whatsapp")}),
    frozenset(),
)


def test_an_approved_consenting_person_may_be_sent_to_until_the_expiry():
    assert reason_against(BRIEF, PERSON, "whatsapp", NOW) is None
    assert reason_against(BRIEF, PERSON, "whatsapp", BRIEF.expires_at - timedelta(seconds=1)) is None
    assert reason_against(BRIEF, PERSON, "whatsapp", BRIEF.expires_at) == "expired"


@pytest.mark.parametrize(
    "status", ["invited", "unverified", "pending_review", "declined", "suspended", "withdrawn"]
)
def test_only_the_approved_are_sent_to(status):
    assert reason_against(BRIEF, replace(PERSON, status=status), "whatsapp", NOW) == "not_approved"


@pytest.mark.parametrize(
    ("contact", "reason"),
    [
        (None, "erased"),
        (replace(PERSON, addresses={"telegram": "1"}), "no_address"),
        (replace(PERSON, suppressed=frozenset({"whatsapp"})), "opted_out"),
        (replace(PERSON, consents=frozenset({("gatherings", "whatsapp")})), "no_consent"),
        (replace(PERSON, consents=frozenset({("campaigns", "telegram")})), "no_consent"),
        (replace(PERSON, paused_until="9999-12-31"), "paused"),
    ],
)
def test_the_reason_against_is_told(contact, reason):
    assert reason_against(BRIEF, contact, "whatsapp", NOW) == reason


def test_who_pauses_is_still_told_that_what_they_got_was_wrong():
    away = replace(PERSON, paused_until="9999-12-31")
    assert reason_against(replace(BRIEF, parents=("cmp_a-1",)), away, "whatsapp", NOW) is None


def test_who_pauses_is_planned_for_nothing():
    away = replace(row("whatsapp"), paused=True)
    assert route(away, ["whatsapp"], speaks) == "paused"


def test_a_cancelled_run_is_told_first_and_a_suppression_of_another_channel_does_not_count():
    late = BRIEF.expires_at + timedelta(days=1)
    assert reason_against(replace(BRIEF, status="cancelled"), None, "whatsapp", late) == "cancelled"
    assert reason_against(BRIEF, None, "whatsapp", late) == "expired"
    assert reason_against(BRIEF, replace(PERSON, suppressed=frozenset({"telegram"})), "whatsapp", NOW) is None


# --- claims

OURS = Claim("inf_1", "2026-45", RUN, "00000000000", 4, 1, "me", 100.0)
AGAIN = replace(OURS, chunk=again_id(OURS.chunk, OURS.index), index=0, attempt=2)


def judged(standing: Claim | None, wanted: Claim = OURS, now: float = 50.0, **week) -> Verdict:
    return judge_claim(Week(standing, **week), wanted, Bounds(now, gap_s=6.0, cap=2))


def test_our_own_claim_means_go_on_whatever_else_the_week_holds():
    assert judged(OURS) is Verdict.OURS
    assert judged(OURS, now=150.0, counted=2, last=150.0) is Verdict.OURS


def test_a_living_holder_is_waited_for_and_a_dead_one_leaves_an_unknown():
    other = replace(OURS, token="other")
    assert judged(other, now=99.9) is Verdict.IN_FLIGHT
    assert judged(other, now=100.0) is Verdict.LOST
    assert judged(other, now=100.1) is Verdict.LOST


@pytest.mark.parametrize("change", [{"chunk": "00000000001"}, {"index": 5}, {"attempt": 2}])
@pytest.mark.parametrize("released", [False, True])
def test_a_claim_from_another_place_counts_there(change, released):
    assert judged(replace(OURS, released=released, **change)) is Verdict.ELSEWHERE


def test_what_was_given_back_at_this_place_stands_in_nobodys_way():
    given_back = replace(OURS, token="other", released=True)
    assert OURS.may_take_over(given_back) and OURS.may_take_over(None)
    assert not OURS.may_take_over(replace(given_back, released=False))
    assert judged(given_back, now=150.0) is Verdict.FREE
    assert judged(None) is Verdict.FREE


def test_a_second_attempt_follows_the_first_at_its_place_alone():
    assert AGAIN.follows(OURS) and AGAIN.may_take_over(OURS)
    assert not AGAIN.follows(replace(OURS, index=5))
    assert not AGAIN.follows(AGAIN)
    assert not OURS.follows(OURS)
    assert judged(replace(OURS, index=5), AGAIN) is Verdict.ELSEWHERE


def test_a_second_attempt_is_off_when_the_platform_has_spoken_of_the_first_and_else_may_claim_again():
    assert judged(OURS, AGAIN, answered=True) is Verdict.ELSEWHERE
    assert judged(replace(AGAIN, released=True), AGAIN, answered=True) is Verdict.ELSEWHERE
    assert judged(replace(AGAIN, token="other"), AGAIN, answered=True) is Verdict.IN_FLIGHT
    assert judged(OURS, AGAIN) is Verdict.FREE


def test_a_full_week_lets_in_only_what_does_not_count():
    assert judged(None, counted=1) is Verdict.FREE
    assert judged(None, counted=2) is Verdict.FULL
    assert judged(None, replace(OURS, counts=False), counted=2) is Verdict.FREE
    assert judge_claim(Week(counted=99), OURS, Bounds(50.0)) is Verdict.FREE


def test_two_messages_to_one_person_keep_their_distance_unless_a_clock_was_set_back():
    bounds = Bounds(50.0, gap_s=6.0)
    waits = {46.0: 2.0, 44.0: 0.0, 43.0: 0.0, 50.0: 6.0, 55.0: 11.0, 56.0: 0.0, 9999.0: 0.0}
    assert {last: bounds.wait_s(Week(last=last)) for last in waits} == waits
    assert judged(None, last=46.0) is Verdict.TOO_SOON
    assert judged(None, last=46.0, counted=2) is Verdict.FULL
    assert judged(None, last=44.0) is Verdict.FREE


@pytest.mark.parametrize(
    ("at", "week"),
    [
        (datetime(2026, 11, 1, 18, 29, tzinfo=UTC), "2026-44"),
        (datetime(2026, 11, 1, 18, 30, tzinfo=UTC), "2026-45"),
        (datetime(2027, 1, 3, 12, 0, tzinfo=UTC), "2026-53"),
        (datetime(2027, 1, 4, 12, 0, tzinfo=UTC), "2027-01"),
    ],
)
def test_a_week_begins_on_monday_in_india_also_at_the_turn_of_the_year(at, week):
    assert week_of(at) == week


def test_emergencies_corrections_and_withdrawals_wear_out_no_cap():
    assert wears_out_the_cap(BRIEF)
    assert not wears_out_the_cap(replace(BRIEF, kind="emergency"))
    assert not wears_out_the_cap(replace(BRIEF, parents=("cmp_x-1",)))


# --- decisions


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.UNKNOWN])
def test_only_an_unknown_can_be_decided(status):
    for decision in ("resend", "close"):
        assert refusal(BRIEF, status, OURS.chunk, decision, NOW) is not None


def test_an_unknown_can_be_closed_always_and_resent_once_while_the_run_lasts():
    again = again_id(OURS.chunk, 4)
    assert refusal(BRIEF, Status.UNKNOWN, OURS.chunk, "resend", NOW) is None
    assert refusal(BRIEF, Status.UNKNOWN, again, "resend", NOW) is not None
    assert refusal(BRIEF, Status.UNKNOWN, OURS.chunk, "resend", BRIEF.expires_at) is not None
    for run in (BRIEF, replace(BRIEF, status="cancelled"), replace(BRIEF, status="expired")):
        assert (refusal(run, Status.UNKNOWN, OURS.chunk, "resend", NOW) is None) is (run is BRIEF)
        assert refusal(run, Status.UNKNOWN, again, "close", BRIEF.expires_at) is None


# --- counts


def tally(*facts: str, skipped: dict[str, int] | None = None, receipts: bool = True) -> Tally:
    codes = {Fact.FAILED: "131026", Fact.NOT_SENT: "expired"}
    known = {i: {Fact(f): codes.get(Fact(f), 1) for f in letters} for i, letters in enumerate(facts)}
    return Tally("00000000000", len(facts), "whatsapp", "hi", "D1", known, skipped or {}, receipts)


def test_counts_are_cumulative_and_add_up():
    counts = total(
        [tally("a", "as", "asd", "asdr", "af", "u", "n", "", "x"), tally("r", skipped={"no_channel": 3})]
    )
    assert vars(counts) == vars(
        Counts(
            targeted=12,
            planned=9,
            skipped=Counter({"no_channel": 3}),
            in_progress=1,
            accepted=5,
            delivered=3,
            read=2,
            failed=1,
            failed_by_code=Counter({"131026": 1}),
            unknown=1,
            not_sent=Counter({"expired": 1}),
            no_receipts=0,
            closed=0,
            resent=0,
            late=0,
        )
    )


def test_who_is_sent_to_again_counts_once_and_a_late_arrival_stands_beside():
    first = tally("uz", "uzd", "uzy", "uk", "ukd")
    second = [replace(tally(facts), chunk=again_id(first.chunk, n)) for n, facts in enumerate(("a", "asd"))]
    given_up = replace(tally("x"), chunk=again_id(first.chunk, 2))
    counts = total([first, *second, given_up])
    assert (counts.targeted, counts.planned, counts.accepted, counts.delivered) == (5, 5, 3, 2)
    assert (counts.unknown, counts.closed, counts.resent, counts.late) == (2, 1, 2, 1)


def test_what_goes_over_a_channel_without_receipts_is_told_apart():
    assert total([tally("a", "a", "f", receipts=False), tally("a")]).no_receipts == 2


@given(st.lists(st.text("asdrfnuxkzy", max_size=5), max_size=25), st.integers(0, 9))
def test_the_sums_of_the_contract_hold_for_any_facts(facts, skipped):
    counts = total([tally(*facts, skipped={"no_channel": skipped})])
    assert counts.targeted == counts.planned + skipped
    outcomes = counts.accepted + counts.failed + counts.unknown + sum(counts.not_sent.values())
    assert counts.planned == counts.in_progress + outcomes
    assert counts.read <= counts.delivered <= counts.accepted
    assert counts.failed == sum(counts.failed_by_code.values())
    assert counts.closed <= counts.unknown


def test_a_person_is_settled_once_there_is_an_outcome():
    made = tally("", "a", "u", "x")
    assert [made.settled(i) for i in range(5)] == [False, True, True, True, False]


# --- second attempts


def test_a_second_attempt_has_a_chunk_of_its_own_that_no_plan_can_make():
    first = page({"whatsapp hi": 12}).chunks()[0]
    again = first.again(7)
    assert again == replace(first, id=f"{first.id}07", people=(first.people[7],), attempt=2)
    assert again.again(0).attempt == 3
    assert DeliveryKey.parse(str(again.key(0))) == DeliveryKey(RUN, f"{first.id}07", 0, 2)
    assert origin_of(again.id) == (first.id, 7)
    assert origin_of(first.id) is None


@pytest.mark.parametrize(
    ("facts", "expected"), [("uzd", True), ("uzr", True), ("uz", False), ("uzkyd", False)]
)
def test_only_an_arrival_of_who_is_sent_to_again_is_late(facts, expected):
    assert late({Fact(letter): 1 for letter in facts}) is expected


def test_sums_over_many_tallies_add_and_do_not_replace():
    late_ones = [tally("uzd", "uzr"), tally("uzd")]
    assert total(late_ones).late == 3
    again = [replace(tally("a"), chunk=again_id("00000000000", n)) for n in range(3)]
    assert total(again).resent == 3
    assert total([tally("uk", "uk", "u"), tally("uk")]).closed == 3


# --- stops

CHANNEL = Channel("wa-2", "whatsapp", {})
HOME = ("IN", "IN-XN", "D1", "D1-B2")


@pytest.mark.parametrize(
    ("scope", "held"),
    [
        ("all", Hold.CHUNK),
        ("department:dept_1", Hold.CHUNK),
        ("channel:wa-2", Hold.CHUNK),
        ("channel:whatsapp", Hold.CHUNK),
        ("area:IN", Hold.PERSON),
        ("area:D1-B2", Hold.PERSON),
        ("department:dept_2", None),
        ("channel:wa-1", None),
        ("channel:telegram", None),
        ("area:D1-B3", None),
        ("area:D", None),
    ],
)
def test_each_scope_of_a_stop_holds_whom_it_names(scope, held):
    run, stops = replace(BRIEF, department="dept_1"), Stops(frozenset({scope}))
    assert stops.hold(run, CHANNEL, HOME) is held
    assert stops.hold_run(run) is (scope in ("all", "department:dept_1"))
    assert stops.hold_channel(CHANNEL) is (scope in ("channel:wa-2", "channel:whatsapp"))
    assert stops.hold_area(HOME) is (held is Hold.PERSON)
    assert stops.in_areas is scope.startswith("area:")


def test_a_paused_run_waits_without_any_stop():
    assert Stops().hold(BRIEF, CHANNEL, HOME) is None
    assert Stops().hold(replace(BRIEF, status="paused"), CHANNEL, HOME) is Hold.CHUNK
    assert Stops().hold_run(replace(BRIEF, status="paused")) is True


def test_a_stop_of_the_whole_chunk_goes_before_one_of_the_person():
    assert Stops(frozenset({"area:IN", "all"})).hold(BRIEF, CHANNEL, HOME) is Hold.CHUNK


# --- messages of the queue


def test_a_plain_ticket_is_short_and_reads_back():
    assert Ticket(RUN, "00000000000").message() == {"run": RUN, "chunk": "00000000000"}
    assert Ticket.of({"run": RUN, "chunk": "00000000000"}) == Ticket(RUN, "00000000000", 0, "")


@pytest.mark.parametrize("spare", ["woken", "revived"])
def test_a_ticket_keeps_how_often_it_waited_and_what_it_is(spare):
    ticket = Ticket(RUN, "00000000000", 3, spare)
    assert ticket.message() == {"run": RUN, "chunk": "00000000000", "waits": 3, "spare": spare}
    assert Ticket.of(ticket.message() | {"later": 1}) == ticket
    assert Ticket.of({"run": "r", "chunk": "c", "waits": "2"}).waits == 2


def test_waits_double_up_to_a_minute():
    assert [Ticket(RUN, "c", n).wait_s for n in range(6)] == [5, 10, 20, 40, 60, 60]
