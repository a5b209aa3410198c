"""Hash chains: whole ones verify, and any tampering is found where it was done."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.identity.chain import (
    CHAINS_A_TYPE,
    SUBJECT_TYPES,
    Entry,
    Head,
    Root,
    all_chains,
    broken_at,
    chain_of,
)

TEXT = st.text(max_size=8)


def chain(length: int) -> list[Entry]:
    entries, head = [], Head()
    for number in range(length):
        made = Entry.after(
            head,
            subject=f"campaign#cmp_{number}",
            action="campaign.approved",
            actor="u1",
            at="2026-01-01T00:00:00Z",
            detail={"n": number, "कारण": "ठीक"},
        )
        entries.append(made)
        head = made.head
    return entries


@given(st.integers(0, 12))
def test_a_chain_as_written_is_whole(length):
    entries = chain(length)
    assert broken_at(entries, entries[-1].head if entries else Head()) is None


@given(
    st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))),
    st.sampled_from(["subject", "action", "actor", "at", "previous", "hash"]),
    TEXT,
)
def test_a_changed_entry_is_found(where, field, text):
    length, position = where
    entries = chain(length)
    head = entries[-1].head
    entries[position - 1] = replace(entries[position - 1], **{field: text})
    assert broken_at(entries, head) == position


@given(st.integers(2, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))))
def test_a_missing_entry_is_found(where):
    length, position = where
    entries = chain(length)
    head = entries[-1].head
    del entries[position - 1]
    assert broken_at(entries, head) == position


def test_an_entry_rewritten_with_a_right_hash_breaks_the_next_one():
    entries = chain(3)
    forged = Entry.after(
        entries[0].head, subject="campaign#cmp_1", action="x", actor="u2", at=entries[1].at, detail={}
    )
    assert broken_at([entries[0], forged, entries[2]], entries[2].head) == 3


def test_a_chain_cut_short_does_not_reach_its_head():
    entries = chain(4)
    assert broken_at(entries[:3], entries[3].head) == 4


def test_a_changed_detail_is_found():
    entries = chain(1)
    assert broken_at([replace(entries[0], detail={"n": 1})], entries[0].head) == 1


def test_the_order_of_a_details_names_does_not_matter_to_the_hash():
    said = {"a": 1, "b": ["x"]}
    one = Entry.after(Head(), subject="user#u", action="a", actor="u", at="t", detail=said)
    other = Entry.after(
        Head(), subject="user#u", action="a", actor="u", at="t", detail=dict(reversed(said.items()))
    )
    assert one.hash == other.hash


@given(st.sampled_from(SUBJECT_TYPES), st.text(min_size=1))
def test_a_subject_lies_in_one_of_the_chains_that_a_root_covers(kind, identity):
    assert chain_of(f"{kind}#{identity}") in all_chains()


@pytest.mark.parametrize("subject", ["campaign", "campaign#", "#cmp_1", "unheard_of#1", ""])
def test_a_subject_without_audit_is_refused(subject):
    with pytest.raises(ValueError, match="not an audited subject"):
        chain_of(subject)


def test_subjects_of_one_type_spread_over_all_its_chains():
    assert len({chain_of(f"campaign#cmp_{n}") for n in range(500)}) == CHAINS_A_TYPE


def test_a_root_changes_with_any_head_its_date_and_the_root_before():
    heads = {"campaign#1": Head(2, "ab")}
    roots = [
        Root.over(heads, date="2026-01-01", sealed_at="s", previous="p"),
        Root.over({"campaign#1": Head(3, "ab")}, date="2026-01-01", sealed_at="s", previous="p"),
        Root.over({"campaign#1": Head(2, "ac")}, date="2026-01-01", sealed_at="s", previous="p"),
        Root.over({"campaign#2": Head(2, "ab")}, date="2026-01-01", sealed_at="s", previous="p"),
        Root.over(heads, date="2026-01-02", sealed_at="s", previous="p"),
        Root.over(heads, date="2026-01-01", sealed_at="s", previous="q"),
    ]
    assert len({root.hash for root in roots}) == len(roots)
    assert roots[0].hash == roots[0].computed_hash()
