"""Two of the staff change one thing at once: nobody overwrites unseen what the other one saved."""

from __future__ import annotations

from html import unescape

import pytest

from chalicelib import wiring
from chalicelib.identity.roles import Principal
from chalicelib.pages.pieces import pieces
from chalicelib.voices.settings import Targets
from chalicelib.voices.working import WorkCalendar
from tests.pages.test_campaign_pages import STAFF, Desk, change, desk, election, value_of

__all__ = ["desk"]
SETTINGS = "/console/voices/settings"
Fields = list[tuple[str, str]]


@pytest.fixture
def hari(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Another administrator."""
    monkeypatch.setitem(STAFF, "hari", Principal("u-hari", "Hari", "", frozenset({"admin"})))
    return desk.sitting("hari")


def sent(who: Desk, where: str, fields: Fields, status: int) -> str:
    answer = who.post(where, fields)
    page = unescape(answer.body.decode())
    assert answer.status_code == status, page
    return page


def fields_of(election_id: str) -> Fields:
    poll = wiring.election_desk().get(election_id)
    times = {n: f"{getattr(poll, n):%Y-%m-%dT%H:%M}" for n in ("polling_ends", "code_from", "code_until")}
    return [("name", poll.name), ("areas", "D9001"), ("source", poll.source), *times.items(), ("do", "save")]


def test_of_two_who_change_an_election_the_second_sees_what_the_first_wrote(desk: Desk, hari: Desk) -> None:
    where = f"/console/elections/{election(desk)}"
    fields, gita = fields_of(where.rpartition("/")[2]), desk.sitting("admin")
    seen = ("seen", value_of(gita.get(where), "seen"))
    sent(hari, where, [*change(fields, name="Phase two", areas="D9002"), seen], 303)
    mine = change(fields, name="Phase three")
    page = sent(gita, where, [*mine, seen], 409)
    for told in (
        "Hari has saved a change meanwhile",
        "<del>two</del><ins>three</ins>",
        'value="Phase three"',
        "<dt>Where</dt>",
    ):
        assert told in page
    assert "<dt>Where it was announced</dt>" not in page, "nobody changed that"
    sent(gita, where, [*mine, ("seen", value_of(page, "seen"))], 303)
    assert wiring.election_desk().listed()[0].name == "Phase three"


def test_an_election_that_is_gone_meanwhile_can_be_entered_anew(desk: Desk, hari: Desk) -> None:
    made = election(desk)
    fields = fields_of(made)
    sent(hari, f"/console/elections/{made}/removal", [], 303)
    page = sent(desk.sitting("admin"), f"/console/elections/{made}", change(fields, name="Mine"), 404)
    assert 'value="Mine"' in page and 'action="/console/elections/new' in page
    again = [*change(fields, name="Mine"), ("once", value_of(page, "once"))]
    sent(desk.sitting("admin"), "/console/elections/new", again, 303)
    assert [one.name for one in wiring.election_desk().listed()] == ["Mine"]


def test_other_words_in_a_form_that_was_sent_already_change_the_election_it_made(desk: Desk) -> None:
    fields, gita = [*fields_of(election(desk)), ("once", "k")], desk.sitting("admin")
    sent(gita, "/console/elections/new", fields, 303)
    page = sent(gita, "/console/elections/new", change(fields, name="Other"), 409)
    assert "<ins>Other</ins>" in page and 'action="/console/elections/elc_' in page
    where = page.partition('action="')[2].partition("?")[0]
    sent(gita, where, [*change(fields, name="Other"), ("seen", value_of(page, "seen"))], 303)
    assert len(wiring.election_desk().listed()) == 2


HOURS: Fields = [
    ("do", "calendar"),
    ("opens", "10:00"),
    ("closes", "17:00"),
    ("days", "0"),
    ("holidays", "26-01-2026 Republic Day"),
]


def test_of_two_who_set_office_hours_the_second_sees_what_the_first_wrote(desk: Desk, hari: Desk) -> None:
    gita = desk.sitting("admin")
    sent(hari, SETTINGS, [*change(HOURS, opens="09:00"), ("days", "1"), ("version", "0")], 303)
    mine = change(HOURS, closes="18:30")
    page = sent(gita, SETTINGS, [*mine, ("version", "0")], 409)
    for told in (
        "Hari has saved a change meanwhile",
        "<dt>Opens at</dt>",
        "<del>09:00</del><ins>10:00</ins>",
        "<dt>Days that are worked</dt>",
        'value="18:30"',
    ):
        assert told in page
    assert "<dt>Holidays</dt>" not in page
    assert wiring.voice_settings().get(WorkCalendar)[0].opens == "09:00"
    sent(
        gita,
        SETTINGS,
        [*mine, ("version", value_of(page.partition('name="opens"')[0][-900:], "version"))],
        303,
    )
    assert wiring.voice_settings().get(WorkCalendar)[0].closes == "18:30"


TARGETS: Fields = [
    ("do", "targets"),
    ("kind", "problem"),
    ("department", "health"),
    ("answer_hours", "8"),
    ("resolve_hours", "40"),
]


def test_of_two_who_set_waiting_times_the_second_sees_what_the_first_wrote(desk: Desk, hari: Desk) -> None:
    gita = desk.sitting("admin")
    sent(hari, SETTINGS, [*change(TARGETS, answer_hours="4"), ("version", "0")], 303)
    page = sent(gita, SETTINGS, [*TARGETS, ("version", "0")], 409)
    assert "Hari has saved a change meanwhile" in page
    assert "A problem · Health Department: <del>4</del><ins>8</ins> / 40" in page
    sent(gita, SETTINGS, [*TARGETS, ("version", "0")], 409)
    sent(gita, SETTINGS, [*TARGETS, ("version", "1")], 303)
    assert wiring.voice_settings().get(Targets)[0].targets[0].answer_hours == 8
    sent(gita, SETTINGS, [*TARGETS, ("version", "1")], 303)  # a second click
    assert wiring.voice_settings().get(Targets)[1] == 2


def test_a_mistake_in_a_form_does_not_take_up_what_somebody_else_saved(desk: Desk, hari: Desk) -> None:
    gita = desk.sitting("admin")
    sent(hari, SETTINGS, [*change(HOURS, opens="09:00"), ("version", "0")], 303)
    page = sent(gita, SETTINGS, [*change(HOURS, holidays="some day"), ("version", "0")], 422)
    own = value_of(page.partition('name="opens"')[0][-900:], "version")
    sent(gita, SETTINGS, [*HOURS, ("version", own)], 409)


def test_a_rule_that_is_added_beside_somebody_elses_takes_none_away(desk: Desk, hari: Desk) -> None:
    rule: Fields = [("do", "add"), ("keywords", "road"), ("department", "health"), ("version", "0")]
    sent(hari, SETTINGS, [*change(rule, keywords="water"), ("once", "x")], 303)
    page = sent(desk.sitting("admin"), SETTINGS, [*rule, ("once", "y")], 409)
    assert "Hari has saved a change meanwhile" in page and "water" in page and ">road</textarea>" in page
    sent(desk.sitting("admin"), SETTINGS, [*change(rule, version="1"), ("once", "y")], 303)
    assert [one.keywords for one in wiring.voice_settings().rules()] == [("water",), ("road",)]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (10, [("gone", "8"), ("new", "eight")]),
        (1500, [("gone", "line 8 says\n"), ("new", "line eight says\n")]),
    ],
    ids=["by words", "a long one by lines"],
)
def test_two_texts_are_told_apart_as_finely_as_can_be_done_in_time(lines: int, told: list[object]) -> None:
    before = "".join(f"line {n} says\n" for n in range(lines))
    found = list(pieces(before, before.replace("line 8 ", "line eight ")))
    assert [one for one in found if one[0] != "same"] == told


def test_texts_of_thousands_of_lines_are_shown_as_a_whole() -> None:
    """To align these would take a minute, and nobody would be told anything."""
    before, after = ("".join(f'{{"name":\n"{n % m}",\n' for n in range(3000)) for m in (7, 8))
    assert list(pieces(before, after)) == [("gone", before), ("new", after)]
    assert list(pieces(before, before)) == [("same", before)]
    assert list(pieces("", after)) == [("new", after)]
