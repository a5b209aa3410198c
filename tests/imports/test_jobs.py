"""Import jobs from the upload to the last row, whatever dies on the way."""

from __future__ import annotations

import csv
import io
import random

import pytest

from chalicelib.errors import Conflict, Forbidden, InvalidInput, NotFound
from chalicelib.identity.audit import Audit
from chalicelib.imports.model import MOST_BYTES, MOST_LISTED, Keys, key_hash
from chalicelib.imports.store import Moved
from tests.dispatch.world import Faults
from tests.imports.world import ADMIN, COORDINATOR, INVOCATION_S, World, counted

ROWS = "code,name\n" + "".join(f"{n},क{n}\n" for n in range(1, 21)) + "x,ख\n7,ग\n901,घ\n21,\n"
COUNTS = {"read": 24, "accepted": 21, "new": 21, "changed": 0, "same": 0, "rejected": 2, "duplicates": 1}


@pytest.fixture
def world(tables):
    return World()


def test_a_file_is_taken_row_by_row_and_what_is_wrong_is_told_by_row_in_both_languages(world):
    job = world.done(ROWS.encode())
    assert job.status == "finished"
    assert counted(job) == COUNTS
    assert world.kind.stored == {str(n): f"क{n}" for n in range(1, 21)} | {"21": ""}
    assert world.kind.finished == 1
    told = list(csv.reader(io.StringIO("\r\n".join(world.errors(job)))))
    assert [line[:3] for line in told] == [
        ["22", "code", "int_parsing"],
        ["23", "", "duplicate"],
        ["24", "code", "too_much"],
    ]
    assert told[0][3] == "Please write a whole number."
    assert told[2][3:] == ["There is no area 901.", told[2][4]]
    assert "901" in told[2][4]
    assert told[2][4] != told[2][3]


def test_the_same_file_again_changes_nothing_and_says_so(world):
    world.done(ROWS.encode())
    before, writes = dict(world.kind.stored), list(world.kind.writes)
    job = world.done(ROWS.encode())
    assert counted(job) == COUNTS | {"new": 0, "same": 21}
    assert (world.kind.stored, world.kind.writes) == (before, writes)


def test_what_is_to_be_finished_later_is_waited_for_in_the_queue(world):
    world.kind.parts, begun = [True, 150.0, True], world.clock.epoch()
    job = world.done(b"code,name\n1,\n")
    assert (job.status, world.kind.finished, world.kind.writes) == ("finished", 4, [1])
    assert world.clock.epoch() - begun >= 150


def test_a_dry_run_says_what_would_change_and_changes_nothing(world):
    world.done(b"code,name\n1,\xe0\xa4\x95\n2,\n")
    before = dict(world.kind.stored)
    job = world.done("code,name\n1,ख\n2,\n3,\n3,\nx,\n".encode(), dry_run=True)
    assert counted(job) == {
        "read": 5,
        "accepted": 3,
        "new": 1,
        "changed": 1,
        "same": 1,
        "rejected": 1,
        "duplicates": 1,
    }
    assert world.kind.stored == before
    assert world.kind.finished == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_same_rows_in_any_encoding_and_order_do_the_same(world, encoding, newline):
    header, *lines = ROWS.splitlines()
    random.Random(7).shuffle(lines)
    job = world.done(newline.join([header, *lines, ""]).encode(encoding))
    assert counted(job) == COUNTS
    assert len(world.kind.stored) == 21


def test_a_file_that_was_cut_inside_a_character_gives_all_that_is_whole(world):
    data = "code,name\n1,क\n2,ख\n3,गगग".encode()[:-1]
    job = world.done(data)
    assert counted(job)["new"] == 2
    assert world.errors(job)[0].startswith("4,,not_text")


def test_two_of_a_hundred_spoiled_rows_spoil_no_other(world):
    rng = random.Random(3)
    lines = [f"{n},क{n}" for n in range(1, 801)]
    spoiled = rng.sample(range(800), 16)
    kinds = ['{0},"क', "x{0},क", "{0}", "{0},izkFkfed", "{0},ल\ufffd", "9.1E+02,क", "{0},क\0", "{0},क,ख"]
    for at, kind in zip(spoiled, kinds * 2, strict=True):
        lines[at] = kind.format(at + 1)
    world.slice_rows = 100
    job = world.done("\n".join(["code,name", *lines]).encode())
    assert counted(job) == COUNTS | {
        "read": 800,
        "accepted": 784,
        "new": 784,
        "rejected": 16,
        "duplicates": 0,
    }
    assert {int(line.split(",")[0]) - 2 for line in world.errors(job)} == set(spoiled)
    assert set(world.kind.stored) == {str(n + 1) for n in range(800) if n not in spoiled}


def test_a_file_without_a_column_is_refused_before_any_row(world):
    job = world.done(b"id,name\n1,a\n")
    assert job.status == "failed"
    [fault] = job.failure.errors
    assert (fault.field, fault.params["headers"]) == ("code", "id, name")
    assert not job.failure.resumable
    assert counted(job)["read"] == 0
    with pytest.raises(Conflict):
        world.imports().start(ADMIN, job.id)


def test_a_file_that_is_not_the_announced_one_is_refused_before_any_row(world):
    job = world.made(ROWS.encode(), sha256="0" * 64)
    world.imports().start(ADMIN, job.id)
    assert world.run(job.id).failure.message.startswith("The file is not the one")
    assert world.kind.stored == {}
    other = world.made(ROWS.encode(), size=3)
    with pytest.raises(InvalidInput) as refused:
        world.imports().start(ADMIN, other.id)
    assert refused.value.errors[0].code == "bytes_differ"


def test_a_file_that_is_replaced_under_way_is_not_gone_on_with(world, monkeypatch):
    monkeypatch.setattr("chalicelib.imports.runner.READ", 64)
    monkeypatch.setattr("chalicelib.imports.runner.BLOCK", 64)
    job = world.made(ROWS.encode())
    world.imports().start(ADMIN, job.id)
    write = world.kind.write

    def replaced(records, asked):
        write(records, asked)
        world.files.kept[job.file] = ROWS.replace("क", "ख").encode()

    monkeypatch.setattr(world.kind, "write", replaced)
    ended = world.run(job.id)
    assert ended.status == "failed"
    assert "replaced" in ended.failure.message
    assert "ख" not in "".join(world.kind.stored.values())


def test_a_job_whose_file_is_not_there_does_not_start(world):
    job = world.made(ROWS.encode())
    del world.files.kept[job.file]
    with pytest.raises(Conflict):
        world.imports().start(ADMIN, job.id)
    assert world.store.get(job.id).status == "created"


def test_a_job_that_died_anywhere_goes_on_and_counts_nothing_twice(world):
    """Every step of the work dies once, before and after it took effect; half-written slices among them."""
    calm = Faults()
    job = world.made(ROWS.encode())
    world.imports().start(ADMIN, job.id)
    expected = counted(world.run(job.id, calm))
    stored = dict(world.kind.stored)
    assert expected == COUNTS
    assert calm.calls > 30
    for step in range(1, calm.calls + 1):
        for after in (False, True):
            world.kind.stored.clear()
            faults = Faults()
            faults.at, faults.after = step, after
            again = world.made(ROWS.encode())
            world.clock.move(3600)
            world.imports().start(ADMIN, again.id)
            ended = world.run(again.id, faults)
            assert ended.status == "finished", (calm.seen[step - 1], after, ended.failure)
            assert counted(ended) == expected, (calm.seen[step - 1], after)
            assert world.kind.stored == stored
            assert len(world.errors(ended)) == 3


def test_a_write_that_died_half_way_is_not_taken_for_what_had_been_there(world, monkeypatch):
    from tests.dispatch.world import Crash

    world.slice_rows = 1000
    rows = "code\n" + "".join(f"{n}\n" for n in range(1, 251))
    job = world.made(rows.encode())
    world.imports().start(ADMIN, job.id)
    write, calls = world.kind.write, []

    def dies(records, asked):
        calls.append(len(records))
        if len(calls) == 2:
            write(records[:50], asked)
            raise Crash("in the middle of a batch")
        write(records, asked)

    monkeypatch.setattr(world.kind, "write", dies)
    ended = world.run(job.id, Faults())
    assert counted(ended) == COUNTS | {
        "read": 250,
        "accepted": 250,
        "new": 250,
        "rejected": 0,
        "duplicates": 0,
    }
    assert len(world.kind.stored) == 250


def test_a_message_that_comes_twice_at_once_is_worked_on_once(world):
    job = world.made(ROWS.encode())
    world.imports().start(ADMIN, job.id)
    message = world.queue.take()
    first = world.runner()
    inner = []
    compare = world.kind.compare

    def meanwhile(records, asked):
        if not inner:
            inner.append(1)
            world.runner().run(message["import"], "another", world.clock.epoch() + INVOCATION_S)
        return compare(records, asked)

    world.kind.compare = meanwhile  # type: ignore[method-assign]
    first.run(message["import"], "one", world.clock.epoch() + INVOCATION_S)
    assert counted(world.store.get(job.id)) == COUNTS
    assert [body for _, body in world.queue.messages] == [{"import": job.id}]  # it looks again later
    assert counted(world.run(job.id)) == COUNTS
    assert sum(world.kind.writes) == 21


def test_who_lost_a_job_while_it_slept_writes_no_checkpoint_over_the_others(world):
    job = world.made(ROWS.encode())
    world.imports().start(ADMIN, job.id)
    message = world.queue.take()
    compare, asleep = world.kind.compare, []

    def sleeps(records, asked):
        found = compare(records, asked)
        if not asleep:
            asleep.append(1)
            world.clock.move(INVOCATION_S + 60)
            world.runner().run(message["import"], "another", world.clock.epoch() + INVOCATION_S)
        return found

    world.kind.compare = sleeps  # type: ignore[method-assign]
    world.runner().run(message["import"], "one", world.clock.epoch() + INVOCATION_S)
    assert counted(world.store.get(job.id)) == COUNTS
    assert world.store.get(job.id).status == "finished"


def test_a_slice_is_not_begun_when_the_time_is_nearly_over(world):
    job = world.made(ROWS.encode())
    world.imports().start(ADMIN, job.id)
    write = world.kind.write

    def slow(records, asked):
        world.clock.move(50)
        write(records, asked)

    world.kind.write = slow  # type: ignore[method-assign]
    turns = 0
    while (message := world.queue.take()) is not None:
        turns += 1
        world.runner().run(message["import"], f"holder {turns}", world.clock.epoch() + INVOCATION_S)
    assert turns >= 3
    assert counted(world.store.get(job.id)) == COUNTS


def test_what_goes_by_is_tried_again_and_what_stays_fails_the_job_which_can_be_gone_on_with(world):
    job = world.made(ROWS.encode())
    world.imports().start(ADMIN, job.id)
    world.kind.ill = 2
    assert counted(world.run(job.id)) == COUNTS
    again = world.made(ROWS.replace("क", "ख").encode())
    world.imports().start(ADMIN, again.id)
    world.kind.ill = 50
    failed = world.run(again.id)
    assert (failed.status, failed.failure.resumable) == ("failed", True)
    assert failed.failure.params["row"] == 6
    assert counted(failed)["read"] == 0  # what may be half written is not counted
    world.kind.ill = 0
    world.imports().start(ADMIN, again.id)
    ended = world.run(again.id)
    assert counted(ended) == COUNTS | {"new": 0, "changed": 20, "same": 1}


def test_a_job_that_never_gets_on_ends_although_each_try_dies(world):
    from tests.dispatch.world import Crash

    job = world.made(ROWS.encode())
    world.imports().start(ADMIN, job.id)

    def dies(records, asked):
        raise Crash("out of memory")

    world.kind.compare = dies  # type: ignore[method-assign]
    ended = world.run(job.id, Faults())
    assert (ended.status, ended.failure.resumable) == ("failed", True)


def test_starting_twice_starts_once_and_has_one_entry_in_the_audit(world):
    job = world.made(ROWS.encode())
    world.imports().start(ADMIN, job.id)
    world.imports().start(ADMIN, job.id)
    assert counted(world.run(job.id)) == COUNTS
    [entry] = Audit().all_of(f"import#{job.id}")
    assert (entry.action, entry.actor, entry.detail["kind"]) == ("import.started", ADMIN.id, "areas")


def test_a_coordinator_imports_what_is_theirs_and_knows_of_no_other_job(world):
    with pytest.raises(Forbidden):
        world.made(ROWS.encode(), COORDINATOR)
    admins = world.done(ROWS.encode())
    own = world.done(ROWS.encode(), COORDINATOR, kind="groups")
    assert world.kind.seen[-1].caller.areas == frozenset({"D9001"})
    assert world.kind.seen[-1].caller.covers_area(("IN", "IN-XN", "D9001"), "import.groups")
    assert world.kind.seen[-1].columns == {"code", "name"}
    with pytest.raises(NotFound):
        world.imports().get(COORDINATOR, admins.id)
    assert [job.id for job in world.imports().listed(COORDINATOR, 10, None)[0]] == [own.id]
    assert {job.id for job in world.imports().listed(ADMIN, 10, None)[0]} == {own.id, admins.id}
    with pytest.raises(Forbidden):
        world.imports().start(ADMIN, own.id)


def test_the_newest_job_is_listed_first_and_a_list_goes_on_where_it_stopped(world):
    ids = []
    for _ in range(3):
        ids.append(world.made(ROWS.encode()).id)
        world.clock.move(60)
    first, after = world.imports().listed(ADMIN, 2, None)
    second, _ = world.imports().listed(ADMIN, 2, after)
    assert [job.id for job in first + second] == ids[::-1]


def test_what_cannot_be_right_is_refused_when_the_job_is_made(world):
    with pytest.raises(InvalidInput):
        world.made(ROWS.encode(), kind="turnout")
    with pytest.raises(InvalidInput) as refused:
        world.made(ROWS.encode(), columns={"unknown": "x"})
    assert refused.value.errors[0].field == "columns.unknown"
    with pytest.raises(InvalidInput):
        world.made(ROWS.encode(), size=MOST_BYTES + 1)
    with pytest.raises(Forbidden):
        world.made(ROWS.encode(), options={"for": "others"})
    world.kind.options = ("election",)
    with pytest.raises(InvalidInput) as refused:
        world.made(ROWS.encode())
    assert refused.value.errors[0].field == "options.election"


def test_more_errors_than_anybody_reads_are_counted_and_not_listed(world, monkeypatch):
    monkeypatch.setattr("chalicelib.imports.runner.MOST_LISTED", 7)
    job = world.done(("code\n" + "x\n" * 30).encode())
    assert counted(job)["rejected"] == 30
    assert len(world.errors(job)) == 7
    assert MOST_LISTED >= 10_000


def test_no_cell_of_the_file_of_errors_is_a_formula(world):
    world.kind.columns = (*world.kind.columns,)
    job = world.done(b"code,name\n=1+1,a\n")
    assert world.errors(job)[0].startswith("2,code,int_parsing")


def test_a_checkpoint_over_another_is_refused_and_an_own_one_again_is_not(world):
    job = world.made(ROWS.encode())
    world.store.save(job.with_(tries=1))
    assert world.store.save(job.with_(tries=1)).rev == 1  # the same write, whose answer was lost
    with pytest.raises(Moved):
        world.store.save(job.with_(tries=2))


def test_a_set_of_keys_holds_each_once_and_grows():
    keys, numbers = Keys(), [key_hash(str(n)) for n in range(20_000)]
    assert all(keys.add(number) for number in numbers)
    assert not any(keys.add(number) for number in numbers)
