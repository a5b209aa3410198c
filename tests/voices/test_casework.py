"""What staff do with voices, each only with their own."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.errors import InvalidInput, NotFound
from chalicelib.voices import casework
from chalicelib.voices.casework import BLOT, Asked, VoiceDesk
from chalicelib.voices.changes import ChangedMeanwhile
from chalicelib.voices.model import Attachment, Refused, Sender, Voice
from chalicelib.voices.store import VoiceItem
from tests.voices.test_receiving import events
from tests.voices.world import ADMIN, AUDITOR, EDITOR, ONE, PHONE, ROADS, TEXT, TWO, WATER, World, staff

ROAD = "हमारी सड़क टूटी है"


def ids(found: tuple[list[Voice], Any]) -> list[str]:
    return [one.id for one in found[0]]


def listed(world: World, who: Any, **asked: Any) -> list[str]:
    return ids(world.desk.listed(who, Asked(**asked), 50, None))


@pytest.fixture
def four(world: World) -> dict[str, str]:
    """A voice for water and one for roads in each of two districts."""
    made = {}
    for area, (name, text) in itertools.product(("D9001", "D9002"), (("water", TEXT), ("roads", ROAD))):
        made[f"{name}-{area}"] = world.receive(f"{name} {area}", text, area=area).id
        world.clock.forward(60)
    return made


def test_everybody_sees_their_own_departments_and_areas_alone(world: World, four: dict[str, str]) -> None:
    w1, r1, w2, r2 = (four[one] for one in ("water-D9001", "roads-D9001", "water-D9002", "roads-D9002"))
    assert listed(world, WATER) == [w2, w1]
    assert listed(world, ROADS) == [r2, r1]
    assert set(listed(world, ONE)) == {w1, r1}
    assert set(listed(world, TWO)) == {w2, r2}
    assert set(listed(world, ADMIN)) == set(listed(world, AUDITOR)) == set(four.values())
    assert listed(world, WATER, area="D9001") == [w1]
    assert listed(world, ONE, department="roads") == [r1]
    assert listed(world, WATER, department="roads") == []
    with pytest.raises(InvalidInput):
        listed(world, ONE, area="D9002")


@pytest.mark.parametrize(
    "act",
    [
        lambda d, who, v: d.get(who, v),
        lambda d, who, v: d.whole(who, v),
        lambda d, who, v: d.reveal(who, v),
        lambda d, who, v: d.assign(who, v, "roads", "why"),
        lambda d, who, v: d.answer(who, v, "x"),
        lambda d, who, v: d.close(who, v, "declined", "x"),
        lambda d, who, v: d.reopen(who, v, "why"),
        lambda d, who, v: d.hide(who, v, "why"),
        lambda d, who, v: d.part(who, v, "why"),
        lambda d, who, v: d.redact(who, v, "k", ["x"]),
        lambda d, who, v: d.picture(who, v, 0),
    ],
)
def test_anothers_voice_is_not_there_whatever_is_done(world: World, act: Callable[..., object]) -> None:
    voice = world.receive().id
    for stranger in (ROADS, TWO, EDITOR):
        with pytest.raises(NotFound):
            act(world.desk, stranger, voice)
    assert world.audited(voice) == [("voice.received", "citizen")]


def test_a_list_goes_on_where_it_was_and_gives_each_voice_once(world: World, four: dict[str, str]) -> None:
    found: list[str] = []
    after = None
    for _ in range(9):
        page, after = world.desk.listed(ADMIN, Asked(), 1, after)
        found += [one.id for one in page]
        if after is None:
            break
    assert sorted(found) == sorted(four.values())


BLOCK = staff("coordinator", areas=("D9001-B1",), name="usr_block")


def test_one_call_reads_so_many_voices_whosever_they_are_and_its_cursor_names_no_voice_of_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(casework, "MOST_READ", 4)
    mine, others = [world.receive("mine 0").id], []
    for number in range(30):
        others.append(world.receive(f"other {number}", area="D9001").id)
        world.clock.forward(number % 6 == 0)  # more came in one second than a call reads
    mine.append(world.receive("mine 1").id)
    read: list[str] = []
    walk = VoiceDesk._walk

    def counted(*args: Any) -> Any:
        for row in walk(*args):
            read.append(row.voice.id)
            yield row

    monkeypatch.setattr(VoiceDesk, "_walk", counted)
    found, after, calls = [], None, 0
    while calls == 0 or after:
        read.clear()
        page, after = world.desk.listed(BLOCK, Asked(), 50, after)
        assert len(read) <= 4 + 6  # the rest of a second
        assert calls < 40
        assert not any(one in str(after) for one in others)
        found += [one.id for one in page]
        calls += 1
    assert (found, calls > 3) == (mine[::-1], True)


def test_what_lay_on_the_desk_counts_as_read_when_it_comes_again_by_its_area(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(casework, "MOST_READ", 3)
    both = replace(ONE, roles=ONE.roles | WATER.roles, departments=WATER.departments)
    made = [world.receive(f"e{number}").id for number in range(5)]
    found, after, calls = [], None, 0
    while calls == 0 or after:
        page, after = world.desk.listed(both, Asked(), 50, after)
        found += [one.id for one in page]
        calls += 1
    assert (sorted(found), calls) == (sorted(made), 4)


def test_who_is_officer_and_coordinator_sees_each_voice_once(world: World, four: dict[str, str]) -> None:
    both = replace(ONE, roles=ONE.roles | WATER.roles, departments=WATER.departments)
    expected = {four["water-D9001"], four["water-D9002"], four["roads-D9001"]}
    found = listed(world, both)
    assert (set(found), len(found)) == (expected, 3)


def test_a_ticket_finds_a_voice_for_who_may_know_of_it(world: World) -> None:
    got = world.receive()
    assert [one.id for one in world.desk.with_ticket(ONE, got.ticket.lower())] == [got.id]
    assert world.desk.with_ticket(TWO, got.ticket) == []
    assert world.desk.with_ticket(ADMIN, "nonsense") == []


def test_a_voice_goes_its_way_and_every_step_is_audited_and_an_event(world: World) -> None:
    got = world.receive(text="यहाँ कुछ ठीक नहीं चल रहा")
    with pytest.raises(Refused, match="department"):
        world.desk.answer(ONE, got.id, "x")
    world.desk.assign(ONE, got.id, "water", "")
    with pytest.raises(InvalidInput):
        world.desk.assign(ONE, got.id, "roads", "")
    world.desk.assign(ONE, got.id, "roads", "it is their road")
    with pytest.raises(NotFound):
        world.desk.answer(WATER, got.id, "x")
    world.desk.answer(ROADS, got.id, "हम देख रहे हैं")
    world.desk.close(ROADS, got.id, "resolved", "बना दी गई है")
    with pytest.raises(Refused, match="closed"):
        world.desk.answer(ROADS, got.id, "x")
    world.desk.reopen(ROADS, got.id, "it broke again")
    world.desk.close(ROADS, got.id, "declined", "यह हमारा काम नहीं है")
    assert world.audited(got.id) == [
        ("voice.received", "citizen"),
        ("voice.assigned", "usr_one"),
        ("voice.assigned", "usr_one"),
        ("voice.answered", "usr_roads"),
        ("voice.resolved", "usr_roads"),
        ("voice.reopened", "usr_roads"),
        ("voice.declined", "usr_roads"),
    ]
    steps = ["received", "assigned", "assigned", "answered", "resolved", "reopened", "declined"]
    assert [name for name, _ in events()] == [f"voice.{step}" for step in steps]
    shown = world.voices.public(got.ticket)
    assert [(one.occasion, one.text) for one in shown.answers] == [
        ("answered", "हम देख रहे हैं"),
        ("resolved", "बना दी गई है"),
        ("declined", "यह हमारा काम नहीं है"),
    ]
    notes = [(note.action, note.by) for note in world.desk.whole(ROADS, got.id).notes]
    assert notes == [("assigned", "usr_one"), ("reopened", "usr_roads")]
    assert "their road" not in str([entry.detail for entry in world.audit.all_of(f"voice#{got.id}")])


def test_of_two_who_answer_at_once_one_is_told_to_look_again(world: World) -> None:
    got = world.receive()
    before = world.voice(got.id)
    world.desk.answer(WATER, got.id, "पहला")
    after = before.closed("resolved", world.clock.now(), world.settings.calendar())
    with pytest.raises(ChangedMeanwhile):
        world.changes.commit("usr_x", "voice.resolved", before, after)
    assert world.audited(got.id)[-1] == ("voice.answered", "usr_water")


def test_a_kind_is_corrected_with_or_without_another_department(world: World) -> None:
    got = world.receive()
    assert world.desk.assign(WATER, got.id, "water", "", "suggestion").kind == "suggestion"
    assert world.voice(got.id).kind_by == "usr_water"
    with pytest.raises(InvalidInput, match="corrected"):
        world.desk.assign(WATER, got.id, "nowhere", "x")


def test_revealing_who_it_was_is_audited_and_lists_are_masked(world: World) -> None:
    got = world.receive()
    assert world.desk.reveal(WATER, got.id).address == PHONE
    assert world.audited(got.id)[-1] == ("voice.revealed", "usr_water")
    nobody = world.receive("n", sender=Sender())
    with pytest.raises(NotFound):
        world.desk.reveal(WATER, nobody.id)


def test_of_voices_that_were_joined_everybody_hears_the_answer(world: World) -> None:
    main, twin = world.receive("e1"), world.receive("e2", sender=Sender(channel="telegram", address="77"))
    world.desk.merge(WATER, twin.id, main.id, "the same tap")
    assert listed(world, WATER) == [main.id]
    assert listed(world, WATER, status="joined") == [twin.id]
    world.desk.answer(WATER, main.id, "कल ठीक होगा")
    world.tick()
    assert world.teller.told == [
        (main.ticket, "answered", "कल ठीक होगा", PHONE),
        (twin.ticket, "answered", "कल ठीक होगा", "77"),
    ]
    assert world.voices.public(twin.ticket).answers[0].text == "कल ठीक होगा"
    with pytest.raises(Refused, match="joined"):
        world.desk.answer(WATER, twin.id, "x")
    with pytest.raises(Refused):
        world.desk.merge(WATER, main.id, twin.id, "in a ring")
    world.desk.part(WATER, twin.id, "it was another one")
    assert set(listed(world, WATER)) == {main.id, twin.id}
    assert world.voice(main.id).joined == ()
    assert world.voices.public(twin.ticket).answers == ()


def test_who_is_joined_late_hears_what_was_answered_before(world: World) -> None:
    main = world.receive("e1")
    world.desk.answer(WATER, main.id, "कल")
    world.tick()
    late = world.receive("e2", sender=Sender(channel="telegram", address="77"))
    world.desk.merge(WATER, late.id, main.id, "the same")
    world.tick()
    assert [one[0] for one in world.teller.told] == [main.ticket, late.ticket]
    assert [one.outcome for one in world.desk.whole(WATER, main.id).told] == ["accepted"]


def test_nobody_joins_a_voice_that_is_not_theirs(world: World, four: dict[str, str]) -> None:
    with pytest.raises(NotFound):
        world.desk.merge(WATER, four["water-D9001"], four["roads-D9001"], "why")
    world.desk.merge(ADMIN, four["water-D9001"], four["roads-D9002"], "why")
    whole = world.desk.whole(ONE, four["water-D9001"])
    assert whole.voice.main == ""
    assert world.desk.whole(TWO, four["roads-D9002"]).voice.joined == ()


def test_abuse_is_hidden_from_lists_and_the_public_and_answered_by_nobody(world: World) -> None:
    got = world.receive()
    world.desk.hide(WATER, got.id, "threats")
    assert listed(world, WATER) == []
    assert listed(world, WATER, status="hidden") == [got.id]
    with pytest.raises(NotFound):
        world.voices.public(got.ticket)
    with pytest.raises(Refused, match="abuse"):
        world.desk.answer(WATER, got.id, "x")
    world.days(60)
    world.tick()
    assert (world.teller.told, world.notifier.told) == ([], [])
    world.desk.hide(WATER, got.id, "")
    assert listed(world, WATER) == [got.id]


def test_parts_are_taken_out_and_the_first_words_go_after_thirty_days(world: World) -> None:
    got = world.receive(text="पानी के लिए रमेश नमूना ज़िम्मेदार है")
    [said] = world.desk.whole(WATER, got.id).said
    with pytest.raises(InvalidInput, match="corrected"):
        world.desk.redact(WATER, got.id, said.key, ["सुरेश"])
    world.desk.redact(WATER, got.id, said.key, ["रमेश नमूना"])
    [clean] = world.desk.whole(WATER, got.id).said
    assert clean.text == f"पानी के लिए {BLOT} ज़िम्मेदार है"
    assert "रमेश" not in world.voice(got.id).excerpt
    assert not world.voices.edit_words(got.id, "e1", "फिर रमेश नमूना")
    from chalicelib.voices.store import VoiceItem

    [kept] = list(VoiceItem.query(got.id, VoiceItem.sk.startswith("original#")))
    assert kept.expires == int(world.clock.epoch()) + 30 * 24 * 3600
    assert world.audited(got.id)[-1] == ("voice.redacted", "usr_water")


def test_what_is_taken_out_later_leaves_the_first_words_as_they_were_kept(world: World) -> None:
    first = "पानी: रमेश नमूना और सुरेश नमूना"
    got = world.receive(text=first)
    [said] = world.desk.whole(WATER, got.id).said
    kept_until = int(world.clock.epoch()) + 30 * 24 * 3600
    world.desk.redact(WATER, got.id, said.key, ["रमेश"])
    world.days(10)
    world.desk.redact(WATER, got.id, said.key, ["सुरेश"])
    [kept] = list(VoiceItem.query(got.id, VoiceItem.sk.startswith("original#")))
    assert json.loads(kept.body or "")["text"] == first
    assert kept.expires == kept_until
    world.days(21)  # expired, whether or not it was taken away
    world.desk.redact(WATER, got.id, said.key, ["और"])
    [kept] = list(VoiceItem.query(got.id, VoiceItem.sk.startswith("original#")))
    assert json.loads(kept.body or "")["text"] == f"पानी: {BLOT} नमूना और {BLOT} नमूना"


def test_pictures_are_read_by_a_short_address(world: World) -> None:
    picture = Attachment(key="voices/a.jpg", content_type="image/jpeg", bytes=9)
    got = world.receive(attachments=(picture,))
    assert world.desk.picture(WATER, got.id, 0) == "https://files.test/voices/a.jpg?120"
    with pytest.raises(NotFound):
        world.desk.picture(WATER, got.id, 1)


def test_what_is_overdue_is_found_as_such(world: World) -> None:
    late = world.receive("e1").id
    world.days(10)
    fresh = world.receive("e2").id
    assert listed(world, WATER, overdue=True) == [late]
    assert listed(world, WATER, overdue=False) == [fresh]


# --- joined, parted and forgotten ---------------------------------------------------------------------------

TWIN = Sender(channel="telegram", address="77")


def test_who_was_joined_and_parted_hears_the_answer_to_their_own_voice_too(world: World) -> None:
    main, twin = world.receive("e1"), world.receive("e2", sender=TWIN)
    world.desk.merge(WATER, twin.id, main.id, "the same")
    world.desk.answer(WATER, main.id, "हैंडपंप")
    world.tick()
    world.desk.part(WATER, twin.id, "it was another one")
    world.desk.answer(WATER, twin.id, "नल")
    world.tick()
    assert [text for *_, text, to in world.teller.told if to == "77"] == ["हैंडपंप", "नल"]
    assert main.id not in str(world.desk.whole(WATER, twin.id).told)


def test_who_is_joined_a_second_time_hears_nothing_twice(world: World) -> None:
    main, twin = world.receive("e1"), world.receive("e2", sender=TWIN)
    world.desk.answer(WATER, main.id, "कल")
    for _ in range(2):
        world.desk.merge(WATER, twin.id, main.id, "the same")
        world.tick()
        world.desk.part(WATER, twin.id, "no")
    assert [to for *_, to in world.teller.told] == [PHONE, "77"]


def test_an_end_that_did_not_hold_is_told_to_nobody_again_when_another_voice_is_joined(world: World) -> None:
    main = world.receive("e1")
    world.desk.close(WATER, main.id, "resolved", "हो गया")
    world.tick()
    world.voices.reopen(main.ticket)
    world.desk.merge(WATER, world.receive("e2", sender=TWIN).id, main.id, "the same")
    world.tick()
    assert world.teller.told == [(main.ticket, "resolved", "हो गया", PHONE)]


def test_senders_of_voices_that_were_joined_or_hidden_are_forgotten_in_time_too(world: World) -> None:
    main, twin = world.receive("e1"), world.receive("e2", sender=TWIN)
    hidden = world.receive("e3", sender=Sender(channel="telegram", address="88"))
    world.desk.merge(WATER, twin.id, main.id, "the same")
    world.desk.hide(ADMIN, hidden.id, "abuse")
    world.desk.close(WATER, main.id, "resolved", "हो गया")
    world.tick()
    assert world.teller.told[-1][3] == "77"
    world.days(360)
    assert len(world.store.senders([main.id, twin.id, hidden.id], world.clock.epoch())) == 3
    world.days(10)
    assert world.store.senders([main.id, twin.id, hidden.id], world.clock.epoch()) == {}
    assert world.voices.of_address("telegram", "77") == world.voices.of_address("telegram", "88") == []


def test_a_voice_that_is_by_itself_or_shown_again_keeps_its_sender(world: World) -> None:
    main, twin = world.receive("e1"), world.receive("e2", sender=TWIN)
    hidden = world.receive("e3", sender=Sender(channel="telegram", address="88"))
    world.desk.merge(WATER, twin.id, main.id, "the same")
    world.desk.hide(ADMIN, hidden.id, "abuse")
    world.desk.close(WATER, main.id, "resolved", "हो गया")
    world.tick()
    world.desk.part(WATER, twin.id, "no")
    world.desk.hide(ADMIN, hidden.id, "")
    world.days(370)
    assert set(world.store.senders([main.id, twin.id, hidden.id], world.clock.epoch())) == {
        twin.id,
        hidden.id,
    }


@pytest.mark.parametrize("gone", [False, True], ids=["still there", "taken away"])
def test_a_voice_opened_after_its_sender_was_forgotten_harms_nothing_they_say_later(
    world: World, gone: bool
) -> None:
    got = world.receive()
    world.desk.close(WATER, got.id, "resolved", "हो गया")
    world.days(370)
    if gone:  # as DynamoDB does with what has expired
        for row in [one for one in VoiceItem.scan() if one.expires]:
            row.delete()
    world.desk.reopen(WATER, got.id, "it broke again")
    assert world.desk.whole(WATER, got.id).sender is None
    assert world.voices.of_address("whatsapp", PHONE) == []
    world.receive("e2")
    assert len(world.voices.of_address("whatsapp", PHONE)) == 1


def test_a_hidden_voice_shown_after_its_sender_was_forgotten_harms_nothing_either(world: World) -> None:
    got = world.receive()
    world.desk.hide(ADMIN, got.id, "abuse")
    for row in [one for one in VoiceItem.scan() if one.expires]:
        row.delete()
    world.desk.hide(ADMIN, got.id, "")
    assert world.desk.whole(WATER, got.id).sender is None
    assert world.voices.of_address("whatsapp", PHONE) == []
    assert world.voices.forget_address("whatsapp", PHONE) == 0
