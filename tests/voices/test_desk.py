"""The console's room of voices: what a nodal officer sees and does there without an API."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from chalice.test import Client, HTTPResponse

from chalicelib import wiring
from chalicelib.voices.settings import Rules, Targets
from tests.voices.test_routes import call, spoken
from tests.voices.world import PHONE

__all__ = ["call"]
ROOM = "/console/voices"
Visit = Callable[..., HTTPResponse]


@pytest.fixture
def visit(call: object) -> Iterator[Visit]:
    """`visit("water", ROOM)` looks; with fields it posts."""
    from app import app

    with Client(app) as client:

        def visit(who: str, path: str, **fields: str) -> HTTPResponse:
            headers = {"Cookie": f"janjan_session={who}", "Content-Type": "application/x-www-form-urlencoded"}
            method, body = ("POST", urlencode(fields).encode()) if fields else ("GET", b"")
            return client.http.request(method, path, headers=headers, body=body)

        yield visit


def page(answer: HTTPResponse) -> str:
    return answer.body.decode()


def test_the_inbox_shows_the_nearest_deadline_first_and_masks_who_wrote(visit: Visit) -> None:
    late = spoken("e1", text="पानी नहीं आता, 98765 43210")
    shown = page(visit("water", f"{ROOM}?lang=en"))
    assert late in shown and "working" in shown
    assert "98765" not in shown and PHONE not in shown
    assert "Nothing waits here." in page(visit("water", f"{ROOM}?lang=en&show=overdue"))
    assert "There is no voice with this ticket" in page(visit("water", f"{ROOM}?lang=en&q=JJ-NONE"))


def test_anothers_voice_is_neither_in_the_inbox_nor_behind_an_address(visit: Visit) -> None:
    voice = spoken()
    assert voice not in page(visit("two", ROOM))
    assert visit("two", f"{ROOM}/{voice}").status_code == 404
    assert visit("two", f"{ROOM}/{voice}/answer", text="x", how="answer").status_code == 404
    assert visit("two", f"{ROOM}/{voice}/reveal", x="1").status_code == 404
    assert wiring.voice_desk().store.find(voice).answers == 0  # type: ignore[union-attr]


def test_a_voice_is_answered_once_however_often_the_button_is_pressed(visit: Visit) -> None:
    voice = spoken()
    shown = page(visit("water", f"{ROOM}/{voice}?lang=en"))
    rev = re.search(r'name="rev" value="(\d+)"', shown)[1]  # type: ignore[index]
    first = visit("water", f"{ROOM}/{voice}/answer?lang=en", text="कल देखेंगे", how="asks", rev=rev)
    assert (first.status_code, first.headers["Location"]) == (
        303,
        f"{ROOM}/{voice}?said=answered&lang=en",
    )
    again = visit("water", f"{ROOM}/{voice}/answer?lang=en", text="कल देखेंगे", how="asks", rev=rev)
    assert again.status_code == 409
    assert "changed by somebody else" in page(again) and "कल देखेंगे</textarea>" in page(again)
    assert wiring.voice_desk().store.find(voice).answers == 1  # type: ignore[union-attr]
    assert "Your answer is on its way." in page(visit("water", first.headers["Location"]))


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(visit: Visit) -> None:
    voice = spoken(text="यहाँ कुछ ठीक नहीं है")
    empty = visit("one", f"{ROOM}/{voice}/answer?lang=en", text=" ", how="answer")
    assert empty.status_code == 422 and 'id="text-error"' in page(empty)
    early = visit("one", f"{ROOM}/{voice}/answer?lang=en", text="<b>हाँ</b>", how="answer")
    assert early.status_code == 409 and "&lt;b&gt;हाँ&lt;/b&gt;</textarea>" in page(early)
    assert visit("one", f"{ROOM}/{voice}/assignment", department="none").status_code == 422
    assert visit("one", f"{ROOM}/{voice}/assignment", department="water", reason="").status_code == 303
    assert visit("water", f"{ROOM}/{voice}/assignment", department="roads", reason="").status_code == 422


def test_a_voice_is_settled_opened_again_joined_parted_and_hidden(visit: Visit) -> None:
    voice, twin = spoken("e1"), spoken("e2")
    done = visit("water", f"{ROOM}/{voice}/answer", text="ठीक हो गया", how="resolved")
    assert "said=resolved" in done.headers["Location"]
    assert (
        "said=reopened" in visit("water", f"{ROOM}/{voice}/reopening", reason="not yet").headers["Location"]
    )
    into = visit("water", f"{ROOM}/{twin}/merge", into=voice, reason="the same").headers["Location"]
    assert "said=joined" in into
    parted = visit("water", f"{ROOM}/{twin}/merge", part="1", reason="another").headers["Location"]
    assert "said=parted" in parted
    assert visit("water", f"{ROOM}/{twin}/moderation", do="hide", reason="").status_code == 422
    hidden = visit("water", f"{ROOM}/{twin}/moderation", do="hide", reason="threats").headers["Location"]
    assert "said=hidden" in hidden
    assert "said=shown" in visit("water", f"{ROOM}/{twin}/moderation", do="show").headers["Location"]


def test_words_are_taken_out_and_looking_at_the_sender_is_kept(visit: Visit) -> None:
    voice = spoken(text="पानी नहीं आता, रामू चोर है")
    shown = page(visit("water", f"{ROOM}/{voice}?lang=en"))
    assert PHONE not in shown
    key = re.search(r'name="key" value="([^"]+)"', shown)[1]  # type: ignore[index]
    wrong = visit("water", f"{ROOM}/{voice}/moderation?lang=en", do="redact", key=key, parts="नहीं है यह")
    assert wrong.status_code == 422 and "do not stand there" in page(wrong)
    taken = visit("water", f"{ROOM}/{voice}/moderation", do="redact", key=key, parts="रामू")
    assert "said=redacted" in taken.headers["Location"]
    assert "रामू" not in page(visit("water", f"{ROOM}/{voice}"))
    assert PHONE in page(visit("water", f"{ROOM}/{voice}/reveal?lang=en", x="1"))
    actions = [entry.action for entry in wiring.audit().all_of(f"voice#{voice}")]
    assert actions[-1] == "voice.revealed"
    assert visit("auditor", f"{ROOM}/{voice}/reveal", x="1").status_code == 403


@pytest.mark.parametrize("rev", ["²", "9" * 5000, "-1"])
def test_a_revision_that_is_none_of_ours_answers_nobody(visit: Visit, rev: str) -> None:
    voice = spoken()
    assert visit("water", f"{ROOM}/{voice}/answer", text="x", how="answer", rev=rev).status_code == 409
    assert wiring.voice_desk().store.find(voice).answers == 0  # type: ignore[union-attr]


def test_words_that_went_out_are_not_offered_as_a_draft_again(visit: Visit) -> None:
    voice = spoken()
    answered = visit("water", f"{ROOM}/{voice}/answer", text="कल देखेंगे", how="answer")
    assert "data-fresh data-done" in page(visit("water", answered.headers["Location"]))
    assert "data-done" not in page(visit("water", f"{ROOM}/{voice}?said=assigned")), "half an answer stays"


def test_an_error_of_a_reason_stands_at_the_form_that_was_sent(visit: Visit) -> None:
    voice = spoken()
    for place, more in (("merge", {"into": "JJ-1"}), ("moderation", {"do": "hide"})):
        refused = page(visit("water", f"{ROOM}/{voice}/{place}", reason="", **more))
        assert f'id="why-{place}-error"' in refused and f'href="#why-{place}"' in refused
        assert 'id="reason-error"' not in refused


def test_the_reason_of_a_joining_that_was_refused_stays(visit: Visit) -> None:
    voice = spoken()
    refused = visit("water", f"{ROOM}/{voice}/merge", into="JJ-NONE", reason="the same well", open="1")
    assert refused.status_code == 422
    assert 'value="the same well"' in page(refused) and 'id="into-error"' in page(refused)


SETTINGS = f"{ROOM}/settings"


def test_office_hours_and_holidays_are_set_and_what_is_no_day_is_told_by_its_line(visit: Visit) -> None:
    shown = page(visit("water", f"{SETTINGS}?lang=en"))
    assert 'value="10:00"' in shown and 'name="do"' not in shown, "who may not change them reads"
    fields = {"version": "0", "do": "calendar", "opens": "09:30", "closes": "18:00", "days": "0"}
    wrong = visit("admin", f"{SETTINGS}?lang=en", **fields, holidays="26-01-2026 Republic Day\n31-02-2026 x")
    assert wrong.status_code == 422 and "Line 2: write a day" in page(wrong)
    assert "31-02-2026 x</textarea>" in page(wrong) and 'value="09:30"' in page(wrong)
    good = visit("admin", SETTINGS, **fields, holidays="26-01-2026 Republic Day")
    assert good.status_code == 303
    kept = wiring.voice_settings().calendar()
    assert (kept.opens, kept.closes, kept.days) == ("09:30", "18:00", (0,))
    assert [(f"{one.day}", one.name) for one in kept.holidays] == [("2026-01-26", "Republic Day")]
    assert "26-01-2026 Republic Day</textarea>" in page(visit("admin", f"{SETTINGS}?lang=en"))
    assert visit("admin", SETTINGS, **fields, holidays="").status_code == 409, "a second click"
    assert visit("water", SETTINGS, **fields, holidays="").status_code == 403


def test_waiting_times_are_set_changed_and_taken_away_line_by_line(visit: Visit) -> None:
    row = {"kind": "problem", "department": "water", "answer_hours": "7", "resolve_hours": "70"}
    assert visit("admin", SETTINGS, version="0", do="targets", **row).status_code == 303
    [target] = wiring.voice_settings().get(Targets)[0].targets
    assert (target.kind, target.department, target.answer_hours) == ("problem", "water", 7)
    wrong = visit("admin", f"{SETTINGS}?lang=en", version="1", do="targets", **row | {"answer_hours": "many"})
    assert wrong.status_code == 422 and 'value="many"' in page(wrong)
    empty = row | {"answer_hours": "", "resolve_hours": ""}
    assert visit("admin", SETTINGS, version="1", do="targets", **empty).status_code == 303
    assert wiring.voice_settings().get(Targets)[0].targets == ()


def test_a_rule_is_added_once_moved_up_and_taken_away(visit: Visit) -> None:
    rev = str(wiring.voice_settings().get(Rules)[1])
    new = {"do": "add", "once": "a", "keywords": "road*, bridge", "department": "roads", "version": rev}
    assert visit("admin", SETTINGS, **new).status_code == 303
    assert visit("admin", SETTINGS, **new).status_code == 303, "a second click"
    rules, now = wiring.voice_settings().get(Rules)
    assert now == int(rev) + 1
    assert (rules.rules[-1].keywords, rules.rules[-1].department) == (("road*", "bridge"), "roads")
    other = new | {"once": "b", "keywords": "well", "version": str(now)}
    assert visit("admin", SETTINGS, **other).status_code == 303
    rules, now = wiring.voice_settings().get(Rules)
    last = rules.rules[-1].id
    assert visit("admin", SETTINGS, do=f"up:{last}", version=str(now)).status_code == 303
    rules, now = wiring.voice_settings().get(Rules)
    assert rules.rules[-2].id == last
    more = new | {"once": "b", "keywords": "tap"}
    late = visit("admin", f"{SETTINGS}?lang=en", **more | {"version": str(now - 1)})
    assert (late.status_code, ">tap<" in page(late)) == (409, True), "the form of a rule that was added"
    assert visit("admin", SETTINGS, **more | {"version": str(now)}).status_code == 303
    rules, now = wiring.voice_settings().get(Rules)
    assert rules.rules[-1].keywords == ("tap",)
    assert visit("admin", SETTINGS, do=f"remove:{last}", version=str(now)).status_code == 303
    assert last not in {one.id for one in wiring.voice_settings().get(Rules)[0].rules}
    bare = visit("admin", SETTINGS, do="add", once="c", keywords="x", version=str(now + 1))
    assert bare.status_code == 422, "it says neither department nor kind"
    assert visit("admin", SETTINGS, do="burn", version="0").status_code == 422
