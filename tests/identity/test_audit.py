"""The audit on the real table: nothing without its entry, no gap, no fork."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from pynamodb.exceptions import DoesNotExist, TransactWriteError

from chalicelib.errors import Conflict, Transient
from chalicelib.identity.audit import TRIES, Audit, AuditItem, resumed
from chalicelib.identity.chain import START, Head, all_chains, chain_of
from chalicelib.ops import OpsItem

pytestmark = pytest.mark.usefixtures("tables")

AT = datetime(2026, 1, 1, 6, 30, tzinfo=UTC)
SUBJECT = "campaign#cmp_1"


def note(audit: Audit, action: str = "campaign.approved", subject: str = SUBJECT, **more):
    return audit.committing(subject=subject, action=action, actor="u1", at=AT, **more)


def make(key: str):
    """A change that can be made once."""
    return lambda transaction: transaction.save(
        OpsItem(key, "-", expires=1), condition=OpsItem.pk.does_not_exist()
    )


def exists(key: str) -> bool:
    try:
        OpsItem.get(key, "-", consistent_read=True)
    except DoesNotExist:
        return False
    return True


def test_a_change_and_its_entry_are_written_together():
    audit = Audit()
    entry = note(audit, write=make("a"), detail={"decision": "approve", "areas": ["D9001"], "कारण": None})
    assert exists("a")
    assert list(audit.chain(chain_of(SUBJECT))) == [entry]
    assert (entry.seq, entry.actor, entry.at, entry.previous) == (1, "u1", "2026-01-01T06:30:00Z", START)


def test_a_change_that_is_refused_leaves_no_entry_and_the_callers_own_error():
    audit = Audit()
    note(audit, write=make("a"))

    def write(transaction):
        make("b")(transaction)
        make("a")(transaction)

    seen = []

    def refused(failed):
        seen.extend(failed)
        return Conflict("somebody was first")

    with pytest.raises(Conflict, match="somebody was first"):
        note(audit, write=write, refused=refused)
    assert seen == [1]
    assert not exists("b")
    assert audit.head(chain_of(SUBJECT)).seq == 1


def test_positions_of_refused_writes_are_those_of_the_callers_own_writes():
    audit = Audit()
    note(audit, write=make("there"))

    def write(transaction):
        for name in ("there", "absent"):
            transaction.update(
                OpsItem(name, "-"), actions=[OpsItem.hits.add(1)], condition=OpsItem.pk.does_not_exist()
            )
        transaction.condition_check(OpsItem, "missing", "-", condition=OpsItem.pk.exists())

    seen = []
    with pytest.raises(Conflict):
        note(audit, write=write, refused=lambda failed: seen.extend(failed) or Conflict())
    assert seen == [0, 1]  # the check comes first, then the first update


def test_a_caller_who_names_no_error_gets_one_that_says_try_again():
    audit = Audit()
    note(audit, write=make("a"))
    with pytest.raises(Transient):
        note(audit, write=make("a"))


def test_an_error_inside_the_change_writes_nothing():
    def write(transaction):
        make("a")(transaction)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        note(Audit(), write=write)
    assert not exists("a")
    assert Audit().head(chain_of(SUBJECT)) == Head()


def test_a_chain_that_moved_on_in_between_makes_the_change_once_all_the_same():
    audit, calls = Audit(pause=lambda _: None), []

    def write(transaction):
        calls.append(1)
        if len(calls) < 3:
            note(Audit(), "campaign.other")  # another writer, between the head's reading and the commit
        make("a")(transaction)

    entry = note(audit, write=write)
    assert (entry.seq, len(calls)) == (3, 3)
    assert audit.check(chain_of(SUBJECT))[1] is None


def test_a_chain_that_never_rests_is_given_up_without_a_trace():
    pauses = []
    with pytest.raises(Transient):
        note(Audit(pause=pauses.append), write=lambda _: note(Audit(), "campaign.other") and None)
    assert len(pauses) == TRIES
    assert [e.action for e in Audit().chain(chain_of(SUBJECT))] == ["campaign.other"] * TRIES


def test_an_error_of_dynamodb_is_not_taken_for_a_busy_chain():
    with pytest.raises(TransactWriteError):
        note(Audit(), write=lambda t: t.save(OpsItem("x" * 3000, "-", expires=1)))


def test_eight_writers_to_one_chain_leave_no_gap_and_a_whole_chain():
    audit = Audit()

    def write(number: int) -> int:
        return note(audit, f"campaign.step_{number}", write=make(f"change-{number}")).seq

    with ThreadPoolExecutor(8) as writers:
        numbers = list(writers.map(write, range(48)))
    chain = chain_of(SUBJECT)
    assert sorted(numbers) == list(range(1, 49))
    assert audit.head(chain).seq == 48
    assert audit.check(chain)[1] is None
    assert all(exists(f"change-{number}") for number in range(48))


@pytest.mark.parametrize(
    "change",
    [
        AuditItem.actor.set("u2"),
        AuditItem.detail.set('{"decision": "decline"}'),
        AuditItem.at.set("2025-01-01T00:00:00Z"),
        AuditItem.hash.set("0" * 64),
    ],
    ids=["actor", "detail", "time", "hash"],
)
def test_tampering_in_the_table_is_found(change):
    audit, chain = Audit(), chain_of(SUBJECT)
    for _ in range(3):
        note(audit)
    AuditItem(chain, f"{2:012d}").update(actions=[change])
    assert audit.check(chain)[1] == 2


def test_an_entry_that_was_deleted_from_the_table_is_found():
    audit, chain = Audit(), chain_of(SUBJECT)
    for _ in range(3):
        note(audit)
    AuditItem(chain, f"{3:012d}").delete()
    assert audit.check(chain)[1] == 3


def test_entries_of_a_subject_are_read_newest_first_page_by_page_without_those_of_others():
    audit = Audit()
    other = next(s for n in range(999) if chain_of(s := f"campaign#cmp_x{n}") == chain_of(SUBJECT))
    for number in range(5):
        note(audit, f"campaign.step_{number}")
        note(audit, "campaign.foreign", subject=other)
    pages, before = [], None
    while True:
        entries, before = audit.of(SUBJECT, limit=2, before=before)
        pages.append([e.action[-1] for e in entries])
        if before is None:
            break
    assert pages == [["4", "3"], ["2", "1"], ["0"]]


def test_a_subject_that_nothing_happened_to_has_no_entries():
    assert Audit().of("user#nobody", limit=5) == ([], None)


def test_the_days_root_covers_every_head_and_the_root_before():
    audit = Audit()
    note(audit)
    first = audit.seal(AT)
    note(audit, subject="user#u2")
    second = audit.seal(AT + timedelta(days=1))
    assert first.heads == {chain_of(SUBJECT): audit.head(chain_of(SUBJECT))}
    assert set(second.heads) == {chain_of(SUBJECT), chain_of("user#u2")} <= set(all_chains())
    assert (first.previous, second.previous) == (START, first.hash)
    assert audit.roots(5) == [second, first]
    assert audit.roots(5, second.date) == [first]
    assert all(root.hash == root.computed_hash() for root in audit.roots(5))


def test_a_day_is_sealed_once():
    audit = Audit()
    note(audit)
    first = audit.seal(AT)
    note(audit)
    assert audit.seal(AT + timedelta(hours=1)) == first
    assert audit.roots(5) == [first]


def test_two_seals_at_the_same_moment_give_one_root(monkeypatch):
    audit = Audit()
    note(audit)
    first = audit.seal(AT)
    seen = iter([[], [first]])  # the second sealer looked before the first had written
    monkeypatch.setattr(Audit, "roots", lambda self, limit: next(seen))
    assert audit.seal(AT) == first


def test_a_day_begins_at_midnight_in_india():
    audit = Audit()
    assert audit.seal(datetime(2026, 1, 1, 18, 29, tzinfo=UTC)).date == "2026-01-01"
    assert audit.seal(datetime(2026, 1, 1, 18, 31, tzinfo=UTC)).date == "2026-01-02"


def test_the_daily_schedule_seals():
    from chalice.test import Client

    import app
    from chalicelib import wiring

    note(wiring.audit())
    with Client(app.app) as client:
        client.lambda_.invoke("seal_audit", client.events.generate_cw_event("aws.events", "tick", {}, []))
    assert len(wiring.audit().roots(5)) == 1


def test_a_chain_is_checked_step_by_step_and_each_step_finds_what_is_wrong_in_it():
    audit, chain = Audit(), chain_of(SUBJECT)
    for _ in range(7):
        note(audit)
    first = audit.check(chain, most=3)
    assert (first.upto.seq, first.broken_at, first.done) == (3, None, False)
    second = audit.check(chain, first.upto, most=3)
    assert (second.upto.seq, second.broken_at, second.done) == (6, None, False)
    third = audit.check(chain, resumed(json.loads(json.dumps(second.further))), most=3)
    assert (third.upto, third.broken_at, third.done) == (audit.head(chain), None, True)
    AuditItem(chain, f"{5:012d}").update(actions=[AuditItem.actor.set("u2")])
    assert audit.check(chain, first.upto, most=3)[1:] == (5, True)
    AuditItem(chain, f"{6:012d}").delete()
    fifth = next(entry for entry in audit.chain(chain) if entry.seq == 5)
    assert audit.check(chain, fifth.head, most=1)[1:] == (6, True)


def test_what_is_rare_in_a_long_chain_is_sought_a_stretch_at_a_time(monkeypatch):
    monkeypatch.setattr("chalicelib.identity.audit.A_STEP", 3)
    audit = Audit()
    other = next(s for n in range(999) if chain_of(s := f"campaign#cmp_x{n}") == chain_of(SUBJECT))
    note(audit)
    for _ in range(7):
        note(audit, subject=other)
    found, before, looks = [], None, 0
    while not found:
        found, before = audit.of(SUBJECT, limit=5, before=before)
        looks += 1
    assert ([entry.seq for entry in found], before, looks) == ([1], None, 3)
    assert len(audit.of(other, limit=2)[0]) == 2
