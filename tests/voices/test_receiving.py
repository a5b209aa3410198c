"""How a voice comes in: once, routed by rules, found again by its ticket and by its sender."""

from __future__ import annotations

from datetime import timedelta

import boto3
import pytest

from chalicelib.errors import NotFound
from chalicelib.events.outbox import entry_of
from chalicelib.voices.model import Arrival, Attachment, Refused, Sender
from chalicelib.voices.service import AT_ONCE, read_ticket
from chalicelib.voices.store import NEWEST
from tests.voices.world import ADMIN, NOON, PHONE, TEXT, World, arrival

PICTURE = Attachment(key="voices/x.jpg", content_type="image/jpeg", bytes=10)


def events(table: str = "janjan-local-voices") -> list[tuple[str, dict]]:
    """What the table's stream has to publish."""
    arn = boto3.client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
    streams = boto3.client("dynamodbstreams")
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    at = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    records = streams.get_records(ShardIterator=at["ShardIterator"], Limit=1000)["Records"]
    entries = [entry for record in records if (entry := entry_of(record)) is not None]
    return [(entry.name, dict(entry.data)) for entry in entries]


def test_a_voice_is_routed_by_the_first_rule_that_fits_and_says_which(world: World) -> None:
    got = world.receive()
    voice = world.voice(got.id)
    assert (voice.department, voice.routed_by, voice.status) == ("water", "water", "assigned")
    assert (voice.kind, voice.kind_by) == ("problem", "default")
    assert voice.path == ("IN", "IN-XN", "D9001", "D9001-B1")
    assert voice.answer_due is not None and voice.answer_due > NOON
    assert world.audited(got.id) == [("voice.received", "citizen")]
    assert sorted(name for name, _ in events()) == ["voice.assigned", "voice.received"]
    about = {"voice_id": got.id, "department": "water", "area": "D9001-B1"}
    assert all(about.items() <= data.items() for _, data in events())


def test_what_no_rule_knows_waits_unrouted(world: World) -> None:
    got = world.receive(text="यहाँ स्कूल का समय बदलना चाहिए, यह मेरा सुझाव है")
    voice = world.voice(got.id)
    assert (voice.department, voice.status, voice.kind, voice.kind_by) == (
        "",
        "received",
        "suggestion",
        "idea",
    )
    assert [name for name, _ in events()] == ["voice.received"]


def test_the_same_evidence_is_the_same_voice_whatever_else_it_says(world: World) -> None:
    first = world.receive()
    again = world.receive(text="something else", area="")
    assert (again.id, again.ticket, again.repeated) == (first.id, first.ticket, True)
    assert world.voices.whole(first.id).said[0].text == TEXT
    assert world.audited(first.id) == [("voice.received", "citizen")]
    assert world.receive("e2").id != first.id


def test_a_ticket_has_sixty_bits_and_is_read_however_it_is_typed(world: World) -> None:
    got = world.receive()
    letters = got.ticket.replace("-", "")[2:]
    assert len(letters) == 12 and not set(letters) & set("01IO")
    assert read_ticket(got.ticket.lower().replace("-", " ")) == got.ticket
    assert read_ticket(letters) == got.ticket
    assert read_ticket(got.ticket[:-1]) == read_ticket("") == read_ticket("JJ-0000-1111-OOOO") == ""
    assert world.voices.public(f" {got.ticket.lower()} ").ticket == got.ticket


def test_the_public_page_tells_neither_who_nor_what_was_said(world: World) -> None:
    got = world.receive()
    shown = world.voices.public(got.ticket).model_dump_json()
    assert "जल विभाग" in shown and '"status":"assigned"' in shown
    assert not any(word in shown for word in ("नमूना", PHONE, "पानी", got.id, "D9001"))
    with pytest.raises(NotFound):
        world.voices.public("JJ-2222-2222-2222")


def test_an_unknown_area_or_department_counts_as_not_said(world: World) -> None:
    got = world.receive(area="D404", department="nowhere", text="यह बहुत पुरानी बात है")
    voice = world.voice(got.id)
    assert (voice.area, voice.path, voice.department) == ("", ("IN",), "")


def test_the_department_that_its_sender_chose_goes_before_the_rules(world: World) -> None:
    got = world.receive(department="roads")
    assert (world.voice(got.id).department, world.voice(got.id).routed_by) == ("roads", "sender")


def test_words_are_added_once_and_to_open_voices_alone(world: World) -> None:
    got = world.receive()
    assert world.voices.add_words(got.id, "और आज भी नहीं", [PICTURE], NOON + timedelta(minutes=5), "e9")
    assert not world.voices.add_words(got.id, "और आज भी नहीं", [PICTURE], NOON, "e9")
    whole = world.voices.whole(got.id)
    assert [one.text for one in whole.said] == [TEXT, "और आज भी नहीं"]
    assert (whole.voice.words, whole.voice.pictures) == (2, 1)
    with pytest.raises(NotFound):
        world.voices.add_words("voi_none", "x", [], NOON, "e10")


def test_an_edited_message_keeps_how_it_read_before(world: World) -> None:
    got = world.receive()
    assert world.voices.edit_words(got.id, "e1", "नल टूटा है, नंबर 98765 43210")
    assert not world.voices.edit_words(got.id, "e1", "नल टूटा है, नंबर 98765 43210")
    assert not world.voices.edit_words(got.id, "unheard", "x")
    [said] = world.voices.whole(got.id).said
    assert said.before == (TEXT,)
    assert world.voice(got.id).excerpt == "नल टूटा है, नंबर •••"


def test_the_voices_of_an_address_are_found_the_newest_first_and_nobody_elses(world: World) -> None:
    first = world.receive("e1")
    world.clock.forward(60)
    second = world.receive("e2")
    assert [one.id for one in world.voices.of_address("whatsapp", PHONE)] == [second.id, first.id]
    assert world.voices.of_address("telegram", PHONE) == world.voices.of_address("whatsapp", "") == []


def test_a_place_that_is_told_later_routes_a_voice_anew(world: World) -> None:
    from chalicelib.voices.routing import Rule
    from chalicelib.voices.settings import Rules

    rules = Rules(rules=(Rule(id="here", areas=("D9001",), department="roads"),))
    world.settings.put(ADMIN, rules, None)
    got = world.receive(area="")
    assert world.voice(got.id).department == ""
    voice = world.voices.place(got.id, "D9001-B1")
    assert (voice.department, voice.routed_by, voice.area) == ("roads", "here", "D9001-B1")
    assert world.voices.place(got.id, "D9002").area == "D9001-B1"


def test_a_closed_voice_is_opened_again_once_within_thirty_days(world: World) -> None:
    got = world.receive()
    with pytest.raises(Refused, match="open"):
        world.voices.reopen(got.ticket)
    before = world.voice(got.id)
    calendar = world.settings.calendar()
    world.changes.commit("x", "voice.resolved", before, before.closed("resolved", NOON, calendar))
    assert world.voices.public(got.ticket).may_reopen
    again = world.voices.reopen(got.ticket, "अब भी नहीं आ रहा", "e5")
    assert (again.status, again.may_reopen) == ("assigned", False)
    voice = world.voice(got.id)
    assert (voice.reopened, voice.words, voice.closed_at) == (1, 2, None)
    world.changes.commit("x", "voice.resolved", voice, voice.closed("resolved", NOON, calendar))
    with pytest.raises(Refused, match="once"):
        world.voices.reopen(got.ticket)


def test_after_thirty_days_it_stays_closed(world: World) -> None:
    got = world.receive()
    before = world.voice(got.id)
    world.changes.commit(
        "x", "voice.resolved", before, before.closed("declined", NOON, world.settings.calendar())
    )
    world.clock.forward(31 * 24 * 3600)
    with pytest.raises(Refused, match="30 days"):
        world.voices.reopen(got.ticket)


def test_a_senders_name_and_address_go_a_year_after_the_end(world: World) -> None:
    got = world.receive()
    before = world.voice(got.id)
    closed = before.closed("resolved", NOON, world.settings.calendar())
    world.changes.commit("x", "voice.resolved", before, closed)
    assert world.voices.whole(got.id).sender is not None
    world.clock.forward(360 * 24 * 3600)
    assert world.voices.whole(got.id).sender is not None
    world.clock.forward(10 * 24 * 3600)
    assert world.voices.whole(got.id).sender is None
    assert world.voices.of_address("whatsapp", PHONE) == []


def test_an_address_is_forgotten_in_all_its_voices_and_in_no_other(world: World) -> None:
    mine = [world.receive(f"e{n}").id for n in range(3)]
    other = world.receive("o", sender=Sender(channel="telegram", address="77")).id
    assert world.voices.forget_address("whatsapp", PHONE) == 3
    assert world.voices.forget_address("whatsapp", PHONE) == 0
    assert all(world.voices.whole(one).sender is None for one in mine)
    assert world.voices.whole(other).sender is not None


def test_what_comes_from_an_address_after_it_was_forgotten_is_its_next_holders(world: World) -> None:
    before, key = world.receive("old").id, world.voices.source("whatsapp", PHONE)
    gone_at = world.clock.now()
    world.clock.forward(1)
    after = [world.receive(f"new{n}").id for n in range(NEWEST + 1)]
    for forgotten in (1, 0):
        assert world.voices.forget_source(key, gone_at) == forgotten
    assert world.voices.whole(before).sender is None
    assert all(world.voices.whole(one).sender is not None for one in after)


def test_a_carrier_is_forgotten_and_the_word_that_they_brought_stays(world: World) -> None:
    other = Sender(name="कमला नमूना")
    brought = world.receive("e1", carried_by="inf_a", on_behalf=True, sender=other, source="creator").id
    own = world.receive("e2", carried_by="inf_a").id
    assert {one.voice.id for one in world.voices.carried("inf_a")} == {own, brought}
    assert all(one.sender is None for one in world.voices.carried("inf_a"))
    held, place = world.voices.held("inf_a")
    assert [one["said"] for one in held] == [[TEXT], [TEXT]] and "कमला" not in str(held)
    assert place is None
    world.voices.forget("inf_a")
    world.voices.forget("inf_a")
    assert [world.voice(one).carried_by for one in (brought, own)] == ["", ""]
    assert world.voices.whole(brought).sender == other
    assert world.voices.whole(own).sender is None
    assert list(world.voices.carried("inf_a")) == []


def test_an_export_steps_through_what_somebody_brought(world: World) -> None:
    brought = [world.receive(f"e{n}", carried_by="inf_a").id for n in range(2 * AT_ONCE + 1)]
    found, place = list[str](), None
    while True:
        step, place = world.voices.held("inf_a", place)
        assert len(step) <= AT_ONCE
        found += [one["ticket"] for one in step]
        if place is None:
            break
    assert sorted(found) == sorted(world.voice(one).ticket for one in brought)


def test_a_message_from_the_future_is_received_now(world: World) -> None:
    got = world.voices.receive(arrival(at=NOON + timedelta(days=400)))
    assert world.voice(got.id).received_at == NOON


def test_nothing_is_kept_of_who_gave_neither_address_nor_name(world: World) -> None:
    got = world.voices.receive(Arrival(evidence="f1", source="form", text=TEXT, at=NOON))
    whole = world.voices.whole(got.id)
    assert (whole.sender, whole.voice.source_key) == (None, "")
