"""The ways in and out when things come twice, break off in between, or are told to wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.dispatch.direct import Direct
from chalicelib.dispatch.store import DispatchStore
from chalicelib.errors import Transient
from chalicelib.platforms.base import Throttled
from chalicelib.voices.changes import Changes
from chalicelib.voices.model import Voice
from chalicelib.voices.tending import Tending
from tests.dispatch.world import Crash, Faults, MemoryPlatform
from tests.voices.ways import CITIZEN, Ways
from tests.voices.world import TEXT, WATER

STORE = ("find", "put_new", "put", "put_said", "put_edited", "said", "whole", "of_address")
TELLS = ("claim_service", "service_outcome")
MINUTE, MONTHS = timedelta(minutes=1), timedelta(days=366)
pytestmark = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


@pytest.fixture
def ways(tables: object) -> Ways:
    found = Ways()
    found.rules()
    return found


@contextmanager
def faulty(ways: Ways, at: int, *, after: bool) -> Iterator[Faults]:
    """A process that dies at its n-th step: what it reads and writes, of tables, queue, bucket."""
    faults = Faults()
    faults.at, faults.after = at, after
    store = faults.wrap(ways.store, *STORE)
    voices = replace(
        ways.voices,
        store=store,
        changes=replace(ways.changes, store=store, audit=faults.wrap(ways.audit, "committing")),
        audit=faults.wrap(ways.audit, "committing"),
        drop=faults.guarded("drop", ways.files.delete),
    )
    calm = ways.hearing, ways.gallery
    ways.hearing = replace(ways.hearing, voices=voices, queue=faults.wrap(ways.queue, "put"))
    ways.gallery = replace(ways.gallery, voices=voices, files=faults.wrap(ways.files, "put", "delete"))
    with suppress(Crash):
        yield faults
    ways.hearing, ways.gallery = calm


@pytest.mark.parametrize("step", ["voice", "word", "district", "erase"])
def test_whoever_dies_while_hearing_leaves_one_voice_each_word_once_and_an_answer(
    ways: Ways, step: str, *, after: bool
) -> None:
    said = {"voice": TEXT, "word": "वार्ड 12 में", "district": "जनपुर", "erase": "ERASE"}[step]
    for at in range(1, 60):
        sender, evidence = f"+91812346{at:04d}", f"{step}{at}"
        if step != "voice":
            ways.hear(TEXT, sender, evidence=f"first{at}", kind="image")
        kind = "image" if step in ("voice", "word") else "text"
        with faulty(ways, at, after=after) as faults:
            ways.hear(said, sender, kind=kind, evidence=evidence, after=MINUTE)
        for _ in range(2):
            assert ways.hear(said, sender, kind=kind, evidence=evidence, after=MINUTE), faults.seen
        found = [
            one
            for one in ways.all()
            if one.id == ways.voices.id_of(f"first{at}" if step != "voice" else evidence)
        ]
        assert len(found) == 1
        words = [one.text for one in ways.voices.whole(found[0].id).said]
        assert words == ([TEXT, said] if step == "word" else [TEXT])
        assert (found[0].area == "D9001") == (step == "district")
        assert (ways.store.sender(found[0].id, 0) is None) == (step == "erase")
        wanted = {one["evidence"] for one in ways.queue.messages if one["voice"] == found[0].id}
        assert wanted == ({f"first{at}"} if step != "voice" else set()) | (
            {evidence} if kind == "image" else set()
        )
        if not faults.dead:
            break
    assert at > 3, "it dies somewhere"
    assert len(ways.all()) == at


def test_whoever_dies_while_fetching_a_picture_leaves_it_once(ways: Ways, *, after: bool) -> None:
    for at in range(1, 40):
        ways.hear(TEXT, f"+91812346{at:04d}", kind="image", evidence=f"w{at}")
        with faulty(ways, at, after=after) as faults:
            ways.gallery.fetch(ways.queue.messages[-1])
        ways.gallery.fetch(ways.queue.messages[-1])
        voice = ways.voice(ways.voices.id_of(f"w{at}"))
        [kept] = [key for key in ways.files.kept if key.startswith(f"voices/{voice.id}/")]
        assert [one.key for said in ways.voices.whole(voice.id).said for one in said.attachments] == [kept]
        assert voice.pictures == 1
        if not faults.dead:
            break
    assert at > 3
    assert ways.post.told == []


def test_whoever_dies_while_erasing_leaves_no_picture_and_no_address(ways: Ways, *, after: bool) -> None:
    for at in range(1, 60):
        sender = f"+91812346{at:04d}"
        for number in range(2):
            ways.hear(TEXT, sender, kind="image", evidence=f"w{at}-{number}", after=40 * MINUTE)
            ways.gallery.fetch(ways.queue.messages[-1])
        with faulty(ways, at, after=after) as faults:
            ways.hearing.voices.forget_address("whatsapp", sender)
        ways.voices.forget_address("whatsapp", sender)
        assert ways.files.kept == {}
        assert ways.voices.of_address("whatsapp", sender) == []
        if not faults.dead:
            break
    assert at > 6


# --- telling


def told(ways: Ways, platform: MemoryPlatform, faults: Faults) -> Tending:
    """The minute's tick with the real sender, dying where it is told to."""
    store = faults.wrap(ways.store, "put_told", "find", "told", "answer", "put", "sender", "whole")
    direct = Direct(faults.wrap(DispatchStore(), *TELLS), faults.wrap(platform, "send"), ways.clock)
    return Tending(
        store=store,
        changes=Changes(store, ways.audit, ways.clock, 12),
        teller=replace(ways.telling, direct=direct),
        notifier=ways.notifier,
        clock=ways.clock,
        forget=replace(
            ways.voices, store=store, drop=faults.guarded("drop", ways.files.delete)
        ).forget_sender,
    )


def closed(ways: Ways, sender: str, evidence: str) -> Voice:
    ways.hear(TEXT, sender, evidence=evidence)
    voice_id = ways.voices.id_of(evidence)
    ways.desk.close(WATER, voice_id, "resolved", "हैंडपंप ठीक हो गया")
    return ways.voice(voice_id)


def test_whoever_dies_while_telling_sends_nothing_twice_and_staff_see_what_came_of_it(
    ways: Ways, *, after: bool
) -> None:
    for at in range(1, 60):
        sender, platform, faults = f"+91812346{at:04d}", MemoryPlatform(), Faults()
        voice = closed(ways, sender, f"w{at}")
        faults.at, faults.after = at, after
        with suppress(Crash):
            told(ways, platform, faults).tend(ways.clock.epoch() + 40)
        died, calm = faults.dead, Faults()
        for _ in range(2):
            ways.clock.forward(16 * 60)
            told(ways, platform, calm).tend(ways.clock.epoch() + 40)
        [outcome] = [one.outcome for one in ways.voices.whole(voice.id).told]
        assert outcome in ("accepted", "already", "unknown"), faults.seen
        assert len(platform.requests) == 1 or (len(platform.requests), outcome) == (0, "unknown"), faults.seen
        assert ways.voice(voice.id).pending == ()
        if not died:
            break
    assert at > 6


def test_who_is_asked_to_wait_waits_and_keeps_nobody_else_waiting(ways: Ways, *, after: bool) -> None:
    platform, calm = MemoryPlatform(), Faults()
    platform.answers[CITIZEN] = [Throttled(300), Throttled(300)]
    if after:
        platform.answers[CITIZEN] = [Throttled(300), Transient(retry_after_s=120)]
    first, other = closed(ways, CITIZEN, "w1"), closed(ways, "+918123460002", "w2")
    tick = told(ways, platform, calm)
    for minute in range(20):
        tick.tend(ways.clock.epoch() + 40)
        ways.clock.forward(60)
        asked = [to for to, _ in platform.requests].count(CITIZEN)
        assert asked == 1 or minute >= 5, "not before the time that it was asked for"
    assert [to for to, _ in platform.taken].count(CITIZEN) == 1
    assert [to for to, _ in platform.requests].count(CITIZEN) == 3
    assert [to for to, _ in platform.requests].count("+918123460002") == 1
    for voice in (first, other):
        assert [one.outcome for one in ways.voices.whole(voice.id).told] == ["accepted"]


def test_a_year_after_its_end_address_and_pictures_go_whoever_dies_meanwhile(
    ways: Ways, *, after: bool
) -> None:
    for at in range(1, 60):
        sender, evidence = f"+91812346{at:04d}", f"w{at}"
        ways.hear(TEXT, sender, kind="image", evidence=evidence)
        ways.gallery.fetch(ways.queue.messages[-1])
        voice = closed(ways, sender, evidence)
        calm, platform = Faults(), MemoryPlatform()
        told(ways, platform, calm).tend(ways.clock.epoch() + 40)
        ways.clock.forward((MONTHS - timedelta(days=3)).total_seconds())
        told(ways, platform, calm).tend(ways.clock.epoch() + 40)
        assert len(ways.files.kept) == 1, "not before its time"
        ways.clock.forward(timedelta(days=4).total_seconds())
        faults = Faults()
        faults.at, faults.after = at, after
        with suppress(Crash):
            told(ways, platform, faults).tend(ways.clock.epoch() + 40)
        told(ways, platform, calm).tend(ways.clock.epoch() + 40)
        whole = ways.voices.whole(voice.id)
        assert (ways.files.kept, whole.sender, whole.voice.source_key) == ({}, None, "")
        assert [one for said in whole.said for one in said.attachments] == []
        assert whole.voice.due_at(ways.now()) is None
        if not faults.dead:
            break
    assert at > 3
