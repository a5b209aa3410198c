"""What people write over WhatsApp and Telegram, and what they are answered."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from chalicelib.errors import Transient
from chalicelib.i18n import say, translate
from chalicelib.pictures import LARGEST
from chalicelib.platforms.base import MediaGone
from chalicelib.voices.changes import ChangedMeanwhile
from chalicelib.voices.model import MOST_PICTURES, Refused, Sender
from tests.voices.test_pictures import SECRET
from tests.voices.ways import CARRIER, CITIZEN, LINE, Ways
from tests.voices.world import ADMIN, TEXT

LACKING = "Voice %(ticket)s waits: due %(due)s"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def ways(tables: object) -> Ways:
    found = Ways()
    found.rules()
    return found


def test_a_problem_gets_a_ticket_a_link_a_notice_and_the_question_for_the_district(ways: Ways) -> None:
    reply = ways.hear(TEXT)
    [voice] = ways.all()
    assert reply is not None
    for part in (voice.ticket, f"https://janjan.test/voice/{voice.ticket}?lang=hi", "12", "ERASE", "किस ज़िले"):
        assert part in reply
    whole = ways.voices.whole(voice.id)
    assert whole.sender == Sender(channel="whatsapp", address=CITIZEN, name="आशा नमूना", language="hi")
    assert (voice.source, voice.department, voice.carried_by, voice.pending) == ("whatsapp", "water", "", ())


def test_the_same_message_twice_is_one_voice_with_the_same_reply(ways: Ways) -> None:
    first, again = ways.hear(TEXT, evidence="w1"), ways.hear(TEXT, evidence="w1", after=5 * MINUTE)
    assert first == again
    [voice] = ways.all()
    assert voice.words == 1


def test_who_writes_in_english_or_urdu_is_answered_so(ways: Ways) -> None:
    assert "Your ticket" in (ways.hear("The street light is broken", "+918123400011") or "")
    reply = ways.hear("ہمارے محلے میں پانی نہیں آتا", "+918123400012") or ""
    assert "آپ کا ٹکٹ" in reply
    assert "?lang=ur" in reply
    assert not re.search("[\u0900-\u097f]", reply)
    assert {one.language for one in ways.all()} == {"en", "ur"}


def test_what_a_language_lacks_is_written_in_hindi() -> None:
    assert say("ur", LACKING) == translate("hi", LACKING) != LACKING


@pytest.mark.parametrize("text", ["धन्यवाद", "ok", "🙏🙏", "", "https://x.test/abc"])
def test_what_says_nothing_is_no_voice(ways: Ways, text: str) -> None:
    assert ways.hear(text) is None
    assert ways.all() == []


@pytest.mark.parametrize("channel", ["sms", "email", "instagram", "facebook", "x"])
def test_where_nobody_can_be_answered_in_free_words_nothing_is_heard(ways: Ways, channel: str) -> None:
    assert ways.hear(TEXT, channel=channel) is None
    assert ways.all() == []


def test_what_follows_within_half_an_hour_is_a_further_word_and_a_thank_you_is_not(ways: Ways) -> None:
    ways.hear(TEXT)
    assert ways.hear("वार्ड 12", after=20 * MINUTE) is not None
    assert ways.hear("धन्यवाद", after=MINUTE) is None
    assert ways.hear("हैंडपंप भी सूखा है", after=28 * MINUTE) is not None
    [voice] = ways.all()
    assert [one.text for one in ways.voices.whole(voice.id).said] == [TEXT, "वार्ड 12", "हैंडपंप भी सूखा है"]
    ways.hear("सड़क भी टूटी हुई है", after=31 * MINUTE)
    assert len(ways.all()) == 2


def test_a_further_word_that_comes_again_is_added_once(ways: Ways) -> None:
    ways.hear(TEXT)
    first = ways.hear("वार्ड 12 में", evidence="w2", after=MINUTE)
    assert ways.hear("वार्ड 12 में", evidence="w2", after=MINUTE) == first
    [voice] = ways.all()
    assert voice.words == 2


def test_another_persons_words_never_join_a_voice(ways: Ways) -> None:
    ways.hear(TEXT)
    ways.hear("सड़क टूटी हुई है", "+918123400033", after=MINUTE)
    assert [one.words for one in ways.all()] == [1, 1]


@pytest.mark.parametrize("text", ["जनपुर", "janpur", "ज़िला जनपुर", "Janpur district", "जनपुर, नमूना प्रदेश"])
def test_the_district_that_was_asked_for_is_noted_and_the_same_again_says_the_same(
    ways: Ways, text: str
) -> None:
    ways.hear(TEXT)
    reply = ways.hear(text, evidence="d1", after=2 * MINUTE)
    assert reply is not None
    assert "जनपुर, नमूना प्रदेश" in reply
    [voice] = ways.all()
    assert (voice.area, voice.words) == ("D9001", 1)
    assert ways.hear(text, evidence="d1", after=MINUTE) == reply


def test_of_two_districts_of_one_name_none_is_guessed(ways: Ways) -> None:
    ways.hear(TEXT)
    reply = ways.hear("लोकनगर", after=MINUTE)
    assert reply is not None
    assert "लोकनगर, नमूना प्रदेश" in reply
    assert "लोकनगर, दूसरा प्रदेश" in reply
    assert ways.all()[0].area == ""
    ways.hear("लोकनगर दूसरा प्रदेश", after=MINUTE)
    assert ways.all()[0].area == "D9003"


def test_a_name_that_only_begins_so_is_no_answer(ways: Ways) -> None:
    ways.hear(TEXT)
    ways.hear("जन", after=MINUTE)
    [voice] = ways.all()
    assert (voice.area, voice.words) == ("", 2)


def test_a_creators_own_word_has_their_area_and_is_answered_over_their_channel(ways: Ways) -> None:
    reply = ways.hear(TEXT, CARRIER)
    [voice] = ways.all()
    assert (voice.area, voice.carried_by, voice.on_behalf) == ("D9001", "inf_sunita", False)
    assert ways.voices.whole(voice.id).sender.address == CARRIER  # type: ignore[union-attr]
    assert "किस ज़िले" not in (reply or "")


def test_a_creator_brings_anothers_word_and_the_number_that_they_name_is_told(ways: Ways) -> None:
    reply = ways.hear(f"रामवती देवी {CITIZEN} की ओर से: {TEXT}", CARRIER)
    [voice] = ways.all()
    assert (voice.on_behalf, voice.pending) == (True, ("received:0",))
    assert ways.voices.whole(voice.id).sender.address == CITIZEN  # type: ignore[union-attr]
    assert "STOP" in (reply or "")
    ways.hear("नल भी टूटा है", CARRIER, after=MINUTE)
    assert ways.voice(voice.id).words == 2


def test_who_has_said_stop_is_not_written_to_for_anothers_word(ways: Ways) -> None:
    ways.people.silent.add(("whatsapp", CITIZEN))
    ways.hear(f"{CITIZEN} की ओर से: {TEXT}", CARRIER)
    [voice] = ways.all()
    assert voice.pending == ()
    sender = ways.voices.whole(voice.id).sender
    assert sender is None or sender.address == ""


def test_nobody_but_an_approved_creator_brings_anothers_word(ways: Ways) -> None:
    ways.hear("98765 43210 की ओर से: हमारे यहाँ पानी नहीं आता")
    [voice] = ways.all()
    assert (voice.on_behalf, voice.carried_by) == (False, "")
    assert ways.voices.whole(voice.id).sender.address == CITIZEN  # type: ignore[union-attr]


def test_an_edit_changes_what_was_said_a_revocation_takes_it_back_and_both_keep_what_it_was(
    ways: Ways,
) -> None:
    ways.hear(TEXT, evidence="w1")
    assert ways.hear(f"{TEXT}!", kind="edit", reply_to="w1", after=MINUTE) == ""
    assert ways.hear("", kind="revoke", reply_to="w1", after=MINUTE) == ""
    [voice] = ways.all()
    [said] = ways.voices.whole(voice.id).said
    assert (said.text, said.before) == ("", (TEXT, f"{TEXT}!"))


def test_where_the_platform_names_no_earlier_message_an_edit_joins_the_voice(ways: Ways) -> None:
    ways.hear(TEXT, "7000000009", channel="telegram")
    assert ways.hear("चार दिन से", "7000000009", channel="telegram", kind="edit", after=MINUTE) == ""
    [voice] = ways.all()
    assert [one.text for one in ways.voices.whole(voice.id).said] == [TEXT, "चार दिन से"]


def test_who_sends_a_ticket_hears_how_it_stands_and_a_wrong_one_makes_no_voice(ways: Ways) -> None:
    ways.hear(TEXT)
    [voice] = ways.all()
    spelled = voice.ticket.lower().replace("-", " ")
    assert voice.ticket in (ways.hear(spelled, "+918123400044") or "")
    assert "JJ-2222-2222-2222" in (ways.hear("JJ-2222-2222-2222", after=MINUTE) or "")
    assert [one.words for one in ways.all()] == [1]


def test_who_writes_erase_is_forgotten_with_their_pictures_and_their_words_stay(ways: Ways) -> None:
    ways.hear(TEXT, kind="image")
    ways.fetch()
    assert len(ways.files.kept) == 1
    first = ways.hear("ERASE", evidence="e9", after=MINUTE)
    assert first
    [voice] = ways.all()
    whole = ways.voices.whole(voice.id)
    assert (whole.sender, [one.text for one in whole.said]) == (None, [TEXT, ""])
    assert (voice.pictures, [one for said in whole.said for one in said.attachments]) == (0, [])
    assert ways.files.kept == {}
    assert ways.hear("ERASE", evidence="e9") == first, "the same words may come again"


def test_a_picture_that_comes_when_its_sender_has_been_erased_is_not_kept_and_nobody_is_told(
    ways: Ways,
) -> None:
    ways.hear(TEXT, kind="image")
    ways.hear("ERASE", after=MINUTE)
    ways.fetch()
    assert (ways.files.kept, ways.post.told) == ({}, [])


@pytest.mark.parametrize(
    ("text", "part"),
    [("हमारे यहाँ सड़क टूटी है", "तस्वीर नहीं ली जा सकी"), ("The road here is broken", "could not be taken")],
)
@pytest.mark.parametrize("content", [MediaGone(), b"no picture", b"\xff\xd8\xff" + bytes(LARGEST)])
def test_who_sent_a_picture_that_cannot_be_taken_is_told_once_in_their_language(
    ways: Ways, text: str, part: str, content: bytes | Exception
) -> None:
    ways.hear(text, kind="image")
    ways.library.content = content
    ways.fetch()
    ways.fetch()
    [(to, template, told)] = ways.post.told
    assert (to, template) == (CITIZEN, "")
    assert part in told
    assert ways.all()[0].ticket in told
    assert (ways.files.kept, ways.post.lines) == ({}, [LINE])


def test_an_eleventh_picture_is_refused_with_its_reason_and_leaves_nothing_in_the_bucket(ways: Ways) -> None:
    for number in range(MOST_PICTURES + 1):
        ways.hear("हमारे यहाँ सड़क टूटी है", kind="image", evidence=f"w{number}")
    ways.fetch()
    ways.fetch()
    [voice] = ways.all()
    assert (voice.pictures, len(ways.files.kept)) == (MOST_PICTURES, MOST_PICTURES)
    [(_, _, told)] = ways.post.told
    assert voice.ticket in told
    assert "तस्वीर" in told


def test_a_creator_who_leaves_takes_the_pictures_of_their_own_word_and_not_those_of_anothers_matter(
    ways: Ways,
) -> None:
    ways.hear(TEXT, CARRIER, kind="image")
    ways.hear(f"रामवती {CITIZEN} की ओर से: {TEXT}", CARRIER, kind="image", after=40 * MINUTE)
    ways.fetch()
    own, brought = ways.all()
    for _ in range(2):
        ways.voices.forget("inf_sunita")
    [left] = ways.files.kept
    assert left.startswith(f"voices/{brought.id}/")
    assert [ways.voice(one.id).carried_by for one in (own, brought)] == ["", ""]


def test_a_picture_with_words_is_a_voice_one_without_belongs_to_what_was_said_before(ways: Ways) -> None:
    assert ways.hear("", kind="image") is None
    ways.hear("हमारे यहाँ सड़क टूटी है", kind="image", evidence="w2")
    assert ways.hear("", kind="image", evidence="w3", after=MINUTE) is not None
    [voice] = ways.all()
    assert [(one["voice"], one["evidence"]) for one in ways.queue.messages] == [
        (voice.id, "w2"),
        (voice.id, "w3"),
    ]


def test_a_fetched_picture_is_cleaned_and_joins_its_voice_once(ways: Ways) -> None:
    ways.hear("हमारे यहाँ सड़क टूटी है", kind="image")
    ways.fetch()
    ways.fetch()
    [voice] = ways.all()
    [(key, content)] = ways.files.kept.items()
    assert SECRET not in content
    assert voice.pictures == 1
    pictures = [one.attachments for one in ways.voices.whole(voice.id).said if one.attachments]
    assert [(one.key, one.content_type) for [one] in pictures] == [(key, "image/jpeg")]
    assert ways.post.told == []


@pytest.mark.parametrize("wish", ["erase my data", "मेरा नंबर मिटा दें"])
def test_a_wish_to_be_erased_that_is_delivered_again_makes_no_voice_with_their_number(
    ways: Ways, wish: str
) -> None:
    ways.hear(TEXT)
    first = ways.hear(wish, evidence="wamid.wish")
    assert first
    assert ways.hear(wish, evidence="wamid.wish") == first
    assert len(ways.all()) == 1
    assert ways.voices.of_address("whatsapp", CITIZEN) == []


def test_a_word_for_which_a_voice_is_too_busy_is_asked_for_again(ways: Ways) -> None:
    ways.hear(TEXT)
    quick = ways.voices.changes

    class Busy:
        def commit(self, *args: object, **more: object) -> None:
            raise ChangedMeanwhile

    more = "और बिजली भी नहीं है"
    object.__setattr__(ways.voices, "changes", Busy())
    with pytest.raises(Transient):
        ways.hear(more, evidence="wamid.more")
    object.__setattr__(ways.voices, "changes", quick)
    assert ways.hear(more, evidence="wamid.more")
    [voice] = ways.all()
    assert voice.words == 2


def test_a_new_word_after_the_end_of_the_voice_that_theirs_was_joined_to_is_a_new_voice(ways: Ways) -> None:
    ways.hear(TEXT, "+918123400055")
    ways.hear(TEXT, after=MINUTE)
    main, twin = ways.all()
    ways.desk.merge(ADMIN, twin.id, main.id, "the same")
    ways.hear("और बिजली भी नहीं है", after=MINUTE)
    assert ways.voice(twin.id).words == 2
    ways.desk.close(ADMIN, main.id, "resolved", "हो गया")
    with pytest.raises(Refused, match="closed"):
        ways.voices.add_words(twin.id, "अब भी", (), ways.now(), "form")
    ways.hear("अब सड़क भी टूट गई है", after=MINUTE)
    assert ways.voice(twin.id).words == 2
    assert len(ways.all()) == 3
