import itertools
import json
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.callbacks.service import RESTARTED, STOPPED
from chalicelib.platforms.base import Engaged, Inbound, Line, Measured, Posted
from tests.callbacks.fakes import NOON, Crash, Steps, World, message
from tests.platforms.golden import SAMPLES


def sample(platform, name):
    (found,) = (SAMPLES / platform).glob(f"{name}.*")
    return message(platform, found.read_bytes())


def batch(*names):
    """A batch of samples: `status_sent`, `telegram/stop`."""
    places = [name.split("/") if "/" in name else ("whatsapp", name) for name in names]
    return {f"m{number}": sample(*place) for number, place in enumerate(places)}


def wrote(text, at=1767250000, number="919000010001", message_id="wamid.x"):
    said = {"from": number, "id": message_id, "timestamp": at, "type": "text", "text": {"body": text}}
    return message("whatsapp", {"entry": [{"changes": [{"value": {"messages": [said]}}]}]})


@pytest.fixture
def world():
    return World()


class SmsGate:
    """Hears one SMS: its words and number, by a blank apart."""

    def parse(self, body):
        number, text = body.decode().split(" ", 1)
        return [Inbound(f"gate {text}", number, text, "text", NOON, medium="sms")]


@pytest.mark.parametrize("registered", [True, False])
def test_a_stop_by_sms_is_confirmed_with_the_words_registered_for_it_or_not_at_all(world, registered):
    if not registered:
        world.texts.words.clear()
    gate = replace(world.processor(), adapters={"gate": SmsGate()})
    for _ in range(2):
        assert gate.process({"m": message("gate", b"+919000010001 STOP")}) == []
    assert world.people.stopped() == {("sms", "+919000010001")}
    assert world.direct.texts() == ([("sms", "+919000010001", "रुक गया")] if registered else [])


@pytest.mark.parametrize("off", [{"gate"}, {"gate", "sms"}])
@pytest.mark.parametrize(("word", "reply"), [("STOP", "रुक गया"), ("START", "फिर से")])
def test_a_word_by_sms_over_a_platform_without_a_channel_of_ours_is_confirmed_over_another_or_holds_alone(
    world, off, word, reply
):
    world.direct.off = off
    if word == "START":
        world.people.stop("sms", "+919000010001", evidence="before", at=NOON - timedelta(days=1))
    gate = replace(world.processor(), adapters={"gate": SmsGate()})
    for _ in range(2):
        assert gate.process({"m": message("gate", f"+919000010001 {word}".encode())}) == []
    assert world.people.stopped() == ({("sms", "+919000010001")} if word == "STOP" else set())
    assert world.direct.texts() == ([("sms", "+919000010001", reply)] if "sms" not in off else [])


def test_a_stop_over_whatsapp_whose_line_is_off_holds_and_is_confirmed_over_no_other(world):
    world.direct.off = {"whatsapp"}
    assert world.processor().process({"m": wrote("STOP")}) == []
    assert world.people.stopped() == {("whatsapp", "+919000010001")}
    assert world.direct.texts() == []


def test_the_facts_of_a_batch_go_to_the_tallies_in_one_call(world):
    failed = world.processor().process(batch("status_sent", "status_read_before_sent", "many_at_once"))
    assert failed == []
    assert world.tallies.calls == 1
    assert world.tallies.facts == {
        ("cmp_abcdefgh-1.3.7.1", "sent"): "",
        ("cmp_abcdefgh-1.3.7.1", "read"): "",
        ("cmp_abcdefgh-1.3.7.1", "delivered"): "",
        ("cmp_abcdefgh-1.3.7.1", "failed"): "131026",
    }


def test_a_batch_without_facts_does_not_trouble_the_tallies(world):
    world.processor().process(batch("message_text"))
    assert (world.tallies.calls, world.bus.entries) == (0, {})


def test_a_status_without_our_key_or_with_a_foreign_one_changes_nothing(world):
    foreign = {"id": "w", "status": "sent", "recipient_id": "1", "biz_opaque_callback_data": "some data"}
    messages = batch("status_without_key") | {
        "f": message("whatsapp", {"entry": [{"changes": [{"value": {"statuses": [foreign]}}]}]})
    }
    assert world.processor().process(messages) == []
    assert (world.tallies.facts, world.store.kept) == ({}, {})


def test_news_of_a_template_or_an_account_halts_what_may_not_be_used_any_more_once(world):
    for _ in range(2):
        news = batch("template_rejected", "account_disabled", "account_restricted", "account_reinstated")
        assert world.processor().process(news) == []
    assert world.halts.halted == [
        ("whatsapp", "swachhata_hi", "hi", "template.rejected"),
        ("whatsapp", "account.disabled_update"),
        ("whatsapp", "account.account_restriction"),
    ]


@pytest.mark.parametrize(
    ("code", "age_s", "halted"),
    [
        (131042, 5, [("whatsapp", "131042")]),
        (131042, 3600, []),
        (131026, 5, []),
        (131048, 5, [("cmp_abcdefgh", "131048")]),
        (132016, 5, [("cmp_abcdefgh", "132016")]),
        (131048, 3600, []),
        (131049, 5, []),  # of one message it is this person's limit
    ],
)
def test_a_reported_failure_that_holds_for_all_stops_channel_or_campaign_once_while_it_is_news(
    world, code, age_s, halted
):
    status = {
        "id": "wamid.a",
        "status": "failed",
        "recipient_id": "919000010001",
        "timestamp": str(int(NOON.timestamp()) - age_s),
        "errors": [{"code": code}],
        "biz_opaque_callback_data": "cmp_abcdefgh-1.00000000003.7.1",
    }
    body = {"entry": [{"changes": [{"field": "messages", "value": {"statuses": [status]}}]}]}
    for _ in range(2):
        assert world.processor().process({"m": message("whatsapp", body)}) == []
    assert world.halts.halted == halted
    assert world.tallies.facts == {("cmp_abcdefgh-1.00000000003.7.1", "failed"): str(code)}


def test_a_failure_of_a_whole_sms_account_stops_its_channels_by_the_platforms_name(world):
    for _ in range(2):
        assert world.processor().process(batch("twilio/status_failed_account_suspended")) == []
    assert world.halts.halted == [("twilio", "30002")]


def test_delivery_reports_of_sms_are_facts_under_our_key_in_any_order_and_number(world):
    names = ["twilio/status_delivered", "twilio/status_sent", "twilio/status_queued", "msg91/v2_failed"]
    for _ in range(2):
        assert world.processor().process(batch(*names)) == []
        names.reverse()
    keys = [f"cmp_namunaabcdef1234-1.0000000000003.{index}.1" for index in (1, 7)]
    assert world.tallies.facts == {
        (keys[0], "delivered"): "",
        (keys[0], "sent"): "",
        (keys[1], "failed"): "2",
    }
    assert (world.store.kept, world.people.words) == ({}, {})


def test_the_register_of_who_wants_no_advertising_is_no_stop(world):
    world.processor().process(batch("msg91/v2_do_not_disturb", "msg91/v2_blocked"))
    assert world.people.words == {}


def test_a_status_without_a_time_counts_from_its_receipt(world):
    recorded = []
    world.tallies.record = lambda proofs: recorded.extend(proofs) or []
    world.processor().process(batch("status_without_time"))
    assert [proof.at for proof in recorded] == [NOON]


def test_a_failure_by_opting_out_stops_the_person_and_counts(world):
    world.processor().process(batch("status_failed_opted_out"))
    assert world.people.stopped() == {("whatsapp", "+919000010001")}
    assert world.tallies.facts == {("cmp_abcdefgh-1.3.9.1", "failed"): "131050"}
    assert world.direct.sent == {}


def test_another_failure_stops_nobody(world):
    world.processor().process(batch("status_failed_undeliverable"))
    assert world.people.stopped() == set()


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("message_stop", ("whatsapp", "+919000010001")),
        ("message_button", ("whatsapp", "+919000010001")),
        ("telegram/stop", ("telegram", "5000000001")),
        ("twilio/message_stop_in_words", ("sms", "+919000010001")),
    ],
)
def test_a_stop_stops_and_is_confirmed_once(world, name, address):
    for _ in range(3):
        assert world.processor().process(batch(name)) == []
    assert world.people.stopped() == {address}
    assert [(channel, to) for channel, to, _ in world.direct.texts()] == [address]
    assert world.store.kept == {}


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("message_stop", Line("whatsapp", ("100000000000001",))),
        ("telegram/stop", Line("telegram")),
        ("twilio/message_stop_in_words", Line("twilio", ("+919000099998",))),
    ],
)
def test_a_confirmation_goes_over_the_line_on_which_the_person_wrote(world, name, line):
    world.processor().process(batch(name))
    assert list(world.direct.lines.values()) == [line]


def test_what_waits_for_a_reply_goes_over_the_line_on_which_the_person_wrote(world):
    world.processor().process(batch("twilio/message_whatsapp_text", "message_text"))
    assert [(one.platform, len(one.to)) for one in world.waiting.lines] == [("twilio", 1), ("whatsapp", 1)]


def test_a_second_stop_gets_no_second_confirmation(world):
    world.processor().process(
        {"a": wrote("STOP", message_id="w1"), "b": wrote("stop", 1767250009, message_id="w2")}
    )
    assert len(world.direct.sent) == 1


def test_a_start_after_a_stop_joins_again_and_is_confirmed(world):
    world.processor().process({"a": wrote("STOP", message_id="w1")})
    world.processor().process({"b": wrote("शुरू करें", 1767250060, message_id="w2")})
    assert world.people.stopped() == set()
    assert len(world.direct.sent) == 2


def test_a_start_of_somebody_who_never_stopped_is_not_answered(world):
    world.processor().process(batch("message_start", "telegram/start_alone"))
    assert world.direct.sent == {}


def test_a_copy_of_a_stop_that_comes_after_a_start_changes_nothing(world):
    stop, start = wrote("STOP", message_id="w1"), wrote("START", 1767250060, message_id="w2")
    for messages in ({"a": stop}, {"b": start}, {"c": stop}):
        world.processor().process(messages)
    assert world.people.stopped() == set()
    assert len(world.direct.sent) == 2


def test_a_stop_and_a_start_that_overtake_each_other_end_with_the_later_word(world):
    stop, start = wrote("STOP", message_id="w1"), wrote("START", 1767250060, message_id="w2")
    world.processor().process({"b": start})
    world.processor().process({"a": stop})
    assert world.people.stopped() == set()


def test_the_confirmation_goes_to_a_subject_that_hides_the_address(world):
    world.processor().process(batch("message_stop"))
    ((subject, key),) = world.direct.sent
    assert subject == "<whatsapp:+919000010001>"
    assert key.startswith("whatsapp:")


def test_what_people_write_and_neither_a_post_nor_a_voice_takes_is_kept(world):
    names = [
        "message_text",
        "message_image_with_caption",
        "message_voice",
        "message_location",
        "telegram/text",
    ]
    world.processor().process(batch(*names, "message_edited", "message_revoked"))
    assert world.store.sorts() == ["inbound"] * 7
    assert world.direct.sent == {}


def test_a_sentence_about_stopping_something_is_a_voice(world):
    world.processor().process({"a": wrote("सड़क का काम बंद करें")})
    assert (world.store.sorts(), world.people.stopped()) == (["inbound"], set())


def test_stop_where_nobody_is_reached_is_a_voice_and_nothing_else(world):
    said = {"id": "1", "message_create": {"sender_id": "7", "message_data": {"text": "STOP"}}}
    body = {"for_user_id": "1", "direct_message_events": [said]}
    assert world.processor().process({"m": message("x", body)}) == []
    assert (world.people.words, world.direct.texts(), world.store.sorts()) == ({}, [], ["inbound"])


def test_a_hubs_word_is_handed_on_with_the_time_at_which_it_reached_us(world):
    news = {"mode": "subscribe", "account": "UC1", "challenge": "c", "lease_seconds": "60", "reason": ""}
    assert world.processor().process({"m": message("youtube", {"websub": news})}) == []
    assert world.follows.words == [("youtube", "UC1", 60, NOON)]


def test_a_reaction_is_no_voice(world):
    world.processor().process(batch("message_reaction", "message_reaction_taken_back"))
    assert world.store.kept == {}


def test_a_message_edited_to_stop_is_a_stop(world):
    edit = {"original_message_id": "w0", "message": {"type": "text", "text": {"body": "बंद करो"}}}
    said = {"from": "919000010001", "id": "w1", "timestamp": 1767250000, "type": "edit", "edit": edit}
    world.processor().process(
        {"a": message("whatsapp", {"entry": [{"changes": [{"value": {"messages": [said]}}]}]})}
    )
    assert world.people.stopped() == {("whatsapp", "+919000010001")}


def test_a_deep_link_verifies_its_signup_and_is_answered_once(world):
    for _ in range(2):
        world.processor().process(batch("telegram/start_with_token"))
    assert world.people.started == {"Zm9vYmFy-123": "5000000001"}
    assert world.direct.texts() == [("telegram", "5000000001", "हो गया")]


def test_an_old_deep_link_still_joins_again_who_had_stopped(world):
    world.people.tokens.clear()
    world.processor().process(batch("telegram/blocked"))
    world.processor().process(batch("telegram/start_with_token"))
    assert world.people.stopped() == {("telegram", "5000000001")}  # the link was pressed before
    later = {
        "update_id": 9,
        "message": {"chat": {"id": 5000000001}, "date": 1767259999, "text": "/start old"},
    }
    world.processor().process({"a": message("telegram", later)})
    assert world.people.stopped() == set()
    assert len(world.direct.sent) == 1


@pytest.mark.parametrize(
    ("off", "on", "address"),
    [
        ("preference_stop", "preference_resume", ("whatsapp", "+919000010001")),
        ("telegram/blocked", "telegram/unblocked", ("telegram", "5000000001")),
        ("twilio/message_stop_kept_by_twilio", None, ("sms", "+919000010001")),
        ("twilio/status_failed_opted_out", None, ("sms", "+919000010001")),
        ("twilio/status_whatsapp_blocked", None, ("whatsapp", "+919000010002")),
    ],
)
def test_preferences_of_the_platform_stop_and_restart_without_a_word_from_us(world, off, on, address):
    world.processor().process(batch(off))
    assert world.people.stopped() == {address}
    if on:
        world.processor().process(batch(on))
        assert world.people.stopped() == set()
    assert world.direct.sent == {}


def test_news_of_templates_the_account_and_people_is_kept_and_an_echo_is_not(world):
    names = ["template_rejected", "account_restricted", "errors_without_messages", "echo_from_the_phone"]
    world.processor().process(batch(*names, "message_system_number_changed", "telegram/group_message"))
    assert sorted(kept.kind for kept in world.store.kept.values()) == [
        "account.account_restriction",
        "account.error",
        "person.user_changed_number",
        "template.rejected",
    ]


def test_the_unknown_is_kept_raw_and_published_without_its_content(world):
    world.processor().process(batch("field_that_is_new", "telegram/poll"))
    assert world.store.sorts() == ["unknown", "unknown"]
    events = sorted(world.bus.entries.values(), key=lambda entry: str(entry.data["platform"]))
    assert [entry.name for entry in events] == ["callback.unknown"] * 2
    assert [entry.data["kind"] for entry in events] == ["poll", "flows"]
    kept = {what.dedupe_id: what.raw for what in world.store.kept.values()}
    assert {entry.data["callback_id"] for entry in events} == set(kept)
    assert {"flow_id": "1"} in [raw.get("value") for raw in kept.values()]


def test_a_broken_message_fails_alone(world):
    messages = batch("message_text", "status_sent") | {
        "broken": "no json",
        "unheard": json.dumps({"platform": "pager", "received_at": NOON.isoformat(), "body": ""}),
    }
    assert world.processor().process(messages) == ["broken", "unheard"]
    assert len(world.store.kept) == len(world.tallies.facts) == 1


def test_one_update_that_fails_brings_its_letter_again_and_no_other(world):
    def fail(*_args):
        raise ValueError("no")

    world.store.keep_inbound = fail
    messages = batch("many_at_once", "message_stop", "message_text")
    assert world.processor().process(messages) == ["m0", "m2"]
    assert len(world.tallies.facts) == 3
    assert world.people.stopped() == {("whatsapp", "+919000010001")}
    del world.store.keep_inbound
    assert world.processor().process({name: messages[name] for name in ("m0", "m2")}) == []
    assert world.store.sorts().count("inbound") == 2


def test_facts_that_could_not_be_written_bring_their_letters_again(world):
    def fail(_proofs):
        raise ValueError("no")

    world.tallies.record = fail
    assert world.processor().process(batch("status_sent", "message_text", "status_played")) == ["m0", "m2"]


def test_events_that_could_not_be_published_bring_their_letters_again(world):
    def fail(_entries):
        raise ValueError("no")

    world.bus.publish = fail
    assert world.processor().process(batch("message_text", "field_that_is_new")) == ["m1"]


def everything():
    """Each kind of work once; STOP and START are the only words of their numbers."""
    names = ("status_sent", "status_failed_opted_out", "message_text", "preference_stop", "template_rejected")
    more = ("field_that_is_new", "many_at_once", "telegram/start_with_token", "telegram/stop")
    sms = ("twilio/status_sent", "twilio/status_failed_opted_out", "twilio/message_whatsapp_text")
    words = {
        "stop": wrote("STOP", number="919000010077", message_id="w77"),
        "start": wrote("START", number="919000010088", message_id="w88"),  # of somebody who never stopped
        "post": wrote("मेरा वीडियो https://x.test/1", number="919000010096", message_id="w96"),
        "proof": wrote("janjan-k7q2m4xw", number="919000010099", message_id="w99"),
    }
    return (
        batch(*names, *more, *sms, "twilio/status_failed_account_suspended", "msg91/v2_many_batches") | words
    )


def whole():
    world = World()
    assert world.processor().process(everything()) == []
    return world.outcome()


@pytest.mark.parametrize("before", [True, False])
def test_a_crash_at_any_step_and_a_redelivery_come_to_the_same_as_no_crash(before):
    expected = whole()
    for step in itertools.count(1):
        world, steps = World(), Steps(die_at=step, before=before)
        try:
            world.processor(steps).process(everything())
        except Crash:
            assert world.processor().process(everything()) == []
            assert world.outcome() == expected, steps.taken[-1]
        else:
            break
    assert step > 25


def test_any_order_and_any_repetition_come_to_the_same():
    expected = whole()
    for seed in range(50):
        draw, world = random.Random(seed), World()
        left = [*everything().items(), *draw.choices(list(everything().items()), k=5)]
        draw.shuffle(left)
        while left:
            size = draw.randint(1, 4)
            taken, left = dict(left[:size]), left[size:]
            assert world.processor().process(taken) == []
        assert world.outcome() == expected


def test_an_id_beside_a_number_is_noted_before_what_was_said(world):
    body = {"from": "919000010001", "from_user_id": "IN.1000", "id": "w1", "timestamp": 1767250000}
    said = body | {"type": "text", "text": {"body": "STOP"}}
    wire = {"entry": [{"changes": [{"value": {"messages": [said]}}]}]}
    assert world.processor().process({"a": message("whatsapp", wire)}) == []
    assert world.people.aliases == {("whatsapp", "IN.1000"): "+919000010001"}
    assert world.people.stopped() == {("whatsapp", "+919000010001")}


def test_a_code_of_proof_is_answered_once_and_is_no_voice(world):
    for _ in range(2):
        assert world.processor().process({"a": wrote("namaste janjan-k7q2m4xw")}) == []
    assert world.ownership.shown == {"namaste janjan-k7q2m4xw": ("whatsapp", "+919000010001")}
    assert world.direct.texts() == [("whatsapp", "+919000010001", "confirmed")]
    assert (world.store.kept, world.waiting.replies) == ({}, [])


def test_where_nobody_is_written_to_a_code_is_heard_and_not_answered(world):
    body = json.loads((SAMPLES / "x" / "message.json").read_text())
    body["direct_message_events"][0]["message_create"]["message_data"]["text"] = "janjan-k7q2m4xw"
    assert world.processor().process({"a": message("x", body)}) == []
    assert list(world.ownership.shown) == ["janjan-k7q2m4xw"]
    assert (world.direct.sent, world.store.kept) == ({}, {})


def test_the_confirmations_are_sentences_with_the_way_back():
    assert "START" in STOPPED
    assert "STOP" in RESTARTED


def test_any_word_but_stop_and_start_asks_for_what_waits_once(world):
    for text, number in (("और बताइए", "1"), ("STOP", "2"), ("START", "3")):
        for copy in range(2):
            said = wrote(text, message_id=f"wamid.{number}")
            assert world.processor().process({f"{number}{copy}": said}) == []
    assert [(channel, address) for channel, address, _ in world.waiting.replies] == [
        ("whatsapp", "+919000010001")
    ]


def test_a_post_that_somebody_hands_in_is_taken_and_answered_once_and_kept_nowhere_else(world):
    for copy in range(2):
        said = wrote("मेरा वीडियो https://x.test/1", message_id="w1")
        assert world.processor().process({f"m{copy}": said}) == []
    [(channel, address, evidence)] = world.posts.taken
    assert (channel, address) == ("whatsapp", "+919000010001")
    assert [key for _, key in world.direct.sent] == [evidence]
    assert world.direct.texts() == [("whatsapp", "+919000010001", "noted")]
    assert (world.store.sorts(), len(world.waiting.replies), world.voices.taken) == ([], 1, {})


def test_a_voice_is_taken_and_answered_once_over_the_line_on_which_it_came_and_kept_nowhere_else(world):
    for copy in range(2):
        assert world.processor().process({f"m{copy}": wrote("हमारी गली में गड्ढा है", message_id="w1")}) == []
    [(evidence, (channel, address, _, line, at))] = world.voices.taken.items()
    assert (channel, address) == ("whatsapp", "+919000010001")
    assert (line, at.year) == (world.direct.lines[next(iter(world.direct.sent))], 2026)
    assert [key for _, key in world.direct.sent] == [evidence]
    assert world.direct.texts() == [("whatsapp", "+919000010001", "ticket")]
    assert (world.store.sorts(), len(world.waiting.replies)) == ([], 1)


def test_a_word_that_was_taken_without_a_reply_is_not_answered_and_not_kept(world):
    world.voices.answer = ""
    assert world.processor().process({"m": wrote("हमारी गली में गड्ढा है")}) == []
    assert (len(world.voices.taken), world.direct.texts(), world.store.sorts()) == (1, [], [])


def test_a_crash_between_voice_and_reply_brings_the_same_voice_and_the_one_reply(world):
    send, world.direct.send = world.direct.send, lambda **_: 1 / 0
    assert world.processor().process({"m": wrote("हमारी गली में गड्ढा है")}) == ["m"]
    world.direct.send = send
    assert world.processor().process({"m": wrote("हमारी गली में गड्ढा है")}) == []
    assert len(world.voices.taken) == len(world.direct.texts()) == 1


def test_wishes_codes_and_posts_are_never_heard_as_voices(world):
    world.voices.heard = lambda *given, **named: pytest.fail("heard")
    for number, text in enumerate(("STOP", "START", "janjan-7k2m गड्ढा", "गड्ढा https://x.test/1")):
        said = wrote(text, 1767250000 + number, message_id=f"w{number}")
        assert world.processor().process({"a": said}) == []


def test_a_post_by_sms_is_taken_without_a_word_for_an_sms_would_have_to_be_registered(world):
    gate = replace(world.processor(), adapters={"gate": SmsGate()})
    assert gate.process({"m": message("gate", b"+919000010001 https://x.test/1")}) == []
    assert [(channel, address) for channel, address, _ in world.posts.taken] == [("sms", "+919000010001")]
    assert world.direct.texts() == []


def test_stop_and_start_are_never_looked_through_for_posts(world):
    world.posts.handed_in = lambda *given, **named: pytest.fail("looked through")
    for number, text in enumerate(("STOP", "START")):
        said = wrote(text, 1767250000 + number, message_id=f"w{number}")
        assert world.processor().process({"a": said}) == []


def test_what_a_platform_tells_of_posts_goes_to_the_posts_once_with_the_time_of_its_receipt(world):
    told = [
        Posted("d1", "published", "1", "a", None),
        Measured("d2", "1", {"views": 1}, None),
        Engaged("d3", "like", "1", "x", "added", None),
    ]

    class Tube:
        def parse(self, body):
            return told

    taken = []
    world.posts.told = lambda platform, news, at: taken.append((platform, news, at))
    processor = replace(world.processor(), adapters={"tube": Tube()})
    for copy in range(2):
        assert processor.process({f"m{copy}": message("tube", b"{}")}) == []
    assert taken == [("tube", news, NOON) for news in told]


def test_news_of_posts_that_could_not_be_taken_come_again(world):
    class Tube:
        def parse(self, body):
            return [Posted("d1", "published", "1", "a", None)]

    def fail(platform, news, at):
        raise ValueError("no")

    world.posts.told = fail
    processor = replace(world.processor(), adapters={"tube": Tube()})
    assert processor.process({"m": message("tube", b"{}")}) == ["m"]
    del world.posts.told
    assert processor.process({"m": message("tube", b"{}")}) == []
    assert len(world.posts.news) == 1
