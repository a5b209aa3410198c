"""Words that go back: over the way on which a voice came, once, and never lost in silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import Transient
from chalicelib.voices.model import Answer, Told, Voice
from tests.dispatch.world import Crash
from tests.voices.ways import CARRIER, CITIZEN, LINE, Ways
from tests.voices.world import ADMIN, TEXT

DAY = timedelta(days=1)
SAID = "हैंडपंप ठीक हो गया। फ़ोन 98765 43210"


@pytest.fixture
def ways(tables: object) -> Ways:
    found = Ways()
    found.rules()
    return found


def told(ways: Ways, voice: Voice, what: str, text: str = SAID) -> str:
    """What the desk does with a word that is to be told."""
    sender = None if what.startswith("carried") else ways.store.sender(voice.id, 0)
    occasion = what.partition(":")[0]
    outcome = ways.telling.tell(voice, sender, occasion, text, step=what)  # type: ignore[arg-type]
    ways.store.put_told(voice.id, Told(step=what, outcome=outcome, at=ways.now()))
    return outcome


def answered(ways: Ways, voice: Voice) -> Voice:
    """With an answer of the department's."""
    from chalicelib.voices.store import VoiceStore

    after = voice.answered(ways.now(), ways.settings.calendar())
    answer = Answer(number=after.answers, occasion="answered", text=SAID, at=ways.now(), by="usr_water")
    ways.audit.committing(
        subject=f"voice#{voice.id}",
        action="voice.answered",
        actor="usr_water",
        at=ways.now(),
        detail={},
        write=lambda t: VoiceStore().put(t, voice, after.next(), ways.now(), answer=answer),
    )
    return ways.voice(voice.id)


def test_within_a_day_of_their_word_the_answer_goes_out_in_full_once_and_without_anybodys_number(
    ways: Ways,
) -> None:
    ways.hear(TEXT)
    [voice] = ways.all()
    for _ in range(2):
        assert told(ways, voice, "answered:1") == "accepted"
    [(to, template, text)] = ways.post.told
    assert (to, template) == (CITIZEN, "")
    assert voice.ticket in text
    assert "हैंडपंप ठीक हो गया" in text
    assert "98765" not in text


def test_later_a_template_brings_the_link_and_the_next_word_brings_the_answer_once(ways: Ways) -> None:
    ways.hear(TEXT)
    ways.clock.forward(DAY.total_seconds())
    [voice] = ways.all()
    voice = answered(ways, voice)
    assert told(ways, voice, "answered:1") == "notified"
    [(to, template, _)] = ways.post.told
    assert (to, template) == (CITIZEN, "janjan_voice_answered")
    [(_, _, message)] = ways.post.sent.values()
    assert message.params == (voice.ticket, f"https://janjan.test/voice/{voice.ticket}?lang=hi")
    for _ in range(2):
        ways.hear("जी", after=timedelta(hours=1))
    assert [template for _, template, _ in ways.post.told] == ["janjan_voice_answered", ""]
    assert "हैंडपंप ठीक हो गया" in ways.post.told[-1][2]
    assert ways.post.lines[-1] == LINE


def test_who_wrote_in_urdu_is_told_in_urdu_and_a_template_is_one_that_is_registered(ways: Ways) -> None:
    ways.hear("ہمارے محلے میں پانی نہیں آتا")
    [voice] = ways.all()
    assert told(ways, voice, "answered:1") == "accepted"
    assert f"{voice.ticket} کا جواب" in ways.post.told[0][2]
    ways.clock.forward(DAY.total_seconds())
    assert told(ways, voice, "resolved:2") == "notified"
    message = list(ways.post.sent.values())[-1][2]
    assert (message.template_language, message.params[1][-7:]) == ("hi", "lang=ur")


def test_nobody_else_gets_what_waits_for_somebody(ways: Ways) -> None:
    ways.hear(TEXT)
    ways.clock.forward(DAY.total_seconds())
    voice = answered(ways, ways.all()[0])
    told(ways, voice, "answered:1")
    ways.hear("जी", "+918123400055")
    assert len(ways.post.told) == 1


def test_where_whatsapp_says_that_the_window_has_closed_the_template_goes_instead(ways: Ways) -> None:
    ways.hear(TEXT)
    ways.post.refuses = {"text"}
    assert told(ways, ways.all()[0], "answered:1") == "notified"
    assert [template for _, template, _ in ways.post.told] == ["janjan_voice_answered"]


@pytest.mark.parametrize("after", [timedelta(minutes=1), DAY], ids=["soon", "the window has closed"])
@pytest.mark.parametrize(
    ("refuses", "told_of"), [({"text"}, ["janjan_voice_answered"]), (set(), [""])], ids=["refused", "taken"]
)
def test_who_dies_after_the_words_leaves_the_template_to_the_next_only_where_they_were_refused(
    ways: Ways, refuses: set[str], told_of: list[str], after: timedelta
) -> None:
    ways.hear(TEXT)
    [voice] = ways.all()
    ways.post.refuses = refuses
    send = ways.post.send

    def die(**what: Any) -> str:
        send(**what)
        raise Crash

    ways.post.send = die  # type: ignore[method-assign]
    with pytest.raises(Crash):
        told(ways, voice, "answered:1")
    ways.post.send = send  # type: ignore[method-assign]
    ways.clock.forward(after.total_seconds())
    for _ in range(2):
        assert told(ways, voice, "answered:1") == ("notified" if refuses else "accepted")
    assert [template for _, template, _ in ways.post.told] == told_of


def test_a_template_that_was_refused_has_told_nobody_though_it_is_asked_again(ways: Ways) -> None:
    ways.hear(TEXT)
    ways.clock.forward(DAY.total_seconds())
    ways.post.refuses = {"template"}
    for _ in range(2):
        assert told(ways, ways.all()[0], "answered:1") == "refused:131047"


def test_over_telegram_words_go_free_at_any_time(ways: Ways) -> None:
    ways.hear(TEXT, "7000000009", channel="telegram")
    ways.clock.forward(40 * DAY.total_seconds())
    assert told(ways, ways.all()[0], "resolved:1") == "accepted"
    [(to, template, text)] = ways.post.told
    assert (to, template) == ("7000000009", "")
    assert "30" in text or "एक बार" in text


def test_what_goes_wrong_is_told_to_staff_and_what_can_wait_waits(ways: Ways) -> None:
    ways.hear(TEXT)
    [voice] = ways.all()
    ways.post.breaks = True
    with pytest.raises(Transient):
        told(ways, voice, "answered:1")
    ways.post.breaks, ways.post.off = False, True
    assert told(ways, voice, "answered:1") == "no_way:channel_off"
    ways.post.off, ways.post.refuses = False, {"text", "template"}
    assert told(ways, voice, "answered:1") == "refused:131047"
    assert ways.telling.tell(voice, None, "answered", SAID, step="answered:1") == "no_way:no_address"


def test_an_sms_goes_in_registered_words_or_not_at_all_and_an_email_has_a_subject(ways: Ways) -> None:
    from chalicelib.voices.model import Sender

    ways.hear(TEXT)
    [voice] = ways.all()
    by_sms = Sender(channel="sms", address=CITIZEN)
    assert ways.telling.tell(voice, by_sms, "answered", SAID, step="answered:1") == "accepted"
    ours = voice.model_copy(update={"on_behalf": True})
    assert ways.telling.tell(ours, by_sms, "received", "", step="received:0") == "no_way:no_template"
    by_mail = Sender(channel="email", address="asha@namuna.test")
    assert ways.telling.tell(voice, by_mail, "resolved", "<b>", step="resolved:2") == "accepted"
    message = list(ways.post.sent.values())[-1][2]
    assert voice.ticket in message.subject
    assert "&lt;b&gt;" in message.html


def test_whose_word_was_brought_and_who_brought_it_both_hear_and_neither_of_the_other(ways: Ways) -> None:
    ways.hear(f"{CITIZEN} की ओर से: {TEXT}", CARRIER)
    [voice] = ways.all()
    assert told(ways, voice, "received:0") == "accepted"
    assert told(ways, voice, "resolved:1") == "notified"
    assert told(ways, voice, "carried:1") == "accepted"
    assert [(to, template) for to, template, _ in ways.post.told] == [
        (CITIZEN, "janjan_voice_received"),
        (CITIZEN, "janjan_voice_answered"),
        (CARRIER, ""),
    ]
    assert CITIZEN[-10:] not in ways.post.told[-1][2]
    assert "हैंडपंप ठीक हो गया" in ways.post.told[-1][2]


def test_who_was_only_named_and_says_stop_is_written_to_no_more_and_the_carrier_still_hears(
    ways: Ways,
) -> None:
    ways.hear(f"{CITIZEN} की ओर से: {TEXT}", CARRIER)
    [voice] = ways.all()
    ways.people.silent.add(("whatsapp", CITIZEN))
    assert told(ways, voice, "resolved:1") == "no_way:stopped"
    assert told(ways, voice, "carried:1") == "accepted"


def test_stop_does_not_hold_back_the_answer_to_ones_own_voice(ways: Ways) -> None:
    ways.hear(TEXT)
    ways.people.silent.add(("whatsapp", CITIZEN))
    assert told(ways, ways.all()[0], "answered:1") == "accepted"


def test_without_a_number_a_question_of_the_departments_goes_to_who_brought_it(ways: Ways) -> None:
    ways.hear(f"रामवती की ओर से: {TEXT}", CARRIER)
    [voice] = ways.all()
    assert told(ways, voice, "answered:1") == "accepted"
    assert [to for to, _, _ in ways.post.told] == [CARRIER]


def test_who_was_joined_to_another_voice_gets_the_waiting_answer_of_that_one_and_not_their_own(
    ways: Ways,
) -> None:
    ways.hear(TEXT, "+918123400055")
    ways.hear(TEXT, after=timedelta(hours=1))
    main, twin = ways.all()
    ways.desk.merge(ADMIN, twin.id, main.id, "the same")
    ways.days(2)
    ways.desk.answer(ADMIN, main.id, SAID)
    replace(ways.tending, teller=ways.telling).look_after(main.id)
    for _ in range(2):
        ways.hear("जी", after=timedelta(hours=1))
    mine = [(template, text) for to, template, text in ways.post.told if to == CITIZEN]
    assert [template for template, _ in mine] == ["janjan_voice_answered", ""]
    assert "हैंडपंप ठीक हो गया" in mine[-1][1]
    assert twin.ticket in mine[-1][1]
