"""The console's room of schemes and answers, over two filled departments; and what the public sees."""

from __future__ import annotations

import re
from typing import Any

from chalicelib import wiring
from chalicelib.departments.scheme import CardBody
from tests.ambassadors.test_desk import text, visit
from tests.identity.land import Land
from tests.identity.test_two_districts import land

__all__ = ["land"]
ROOM, CARDS = "/console/schemes", "/console/schemes/cards"
WORDS = {"texts.hi.name": "नमूना पेंशन", "texts.hi.who": "हर बुज़ुर्ग", "texts.hi.how": "पंचायत में"}
ANSWER = {"texts.hi.myth": "पैसा नहीं आता", "texts.hi.answer": "हर महीने आता है।"}


def once(page: str) -> str:
    return re.search(r'name="once" value="([^"]+)"', page)[1]  # type: ignore[index]


def new_scheme(land: Land, **more: str) -> str:
    """The address of a scheme that an officer has just put on the register."""
    fields = {"department": land.a.department, "once": once(text(visit(land, "officer_a", f"{ROOM}/new")))}
    made = visit(land, "officer_a", f"{ROOM}/new", fields | WORDS | more)
    assert made.status_code == 303, text(made)
    return str(made.headers["Location"]).partition("?")[0]


def of_a(land: Land) -> list[Any]:
    who = land.staff["officer_a"]
    wanted: dict[str, Any] = {"department": "", "theme": "", "validity": None, "stale": False}
    return wiring.schemes().listed(**wanted, limit=100, after=None, who=who)[0]


def test_a_scheme_is_written_once_however_often_its_form_is_sent(land: Land) -> None:
    before = len(of_a(land))
    page = text(visit(land, "officer_a", f"{ROOM}/new"))
    fields = {"department": land.a.department, "once": once(page)} | WORDS
    first, second = (visit(land, "officer_a", f"{ROOM}/new", fields) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert len(of_a(land)) == before + 1
    shown = text(visit(land, "officer_a", str(first.headers["Location"])))
    assert "नमूना पेंशन" in shown and "The scheme is on the register" in shown
    assert "नमूना पेंशन" in text(visit(land, "officer_a", f"{ROOM}?q=पेंशन"))
    assert "नमूना पेंशन" not in text(visit(land, "officer_a", f"{ROOM}?q=पेंशन&state=ended"))


def test_a_form_with_a_mistake_says_so_beside_the_field_and_keeps_what_was_typed(land: Land) -> None:
    fields = {"department": land.a.department} | WORDS | {"texts.hi.who": "", "link": "no link"}
    wrong = visit(land, "officer_a", f"{ROOM}/new", fields)
    assert wrong.status_code == 422
    assert 'id="texts.hi.who-error"' in text(wrong) and 'id="link-error"' in text(wrong)
    assert 'value="नमूना पेंशन"' in text(wrong) and 'value="no link"' in text(wrong)
    empty = visit(land, "officer_a", f"{ROOM}/new", {"department": land.a.department})
    assert empty.status_code == 422 and 'id="texts-error"' in text(empty)
    more = text(visit(land, "officer_a", f"{ROOM}/new", fields | {"do": "language", "further": "ur"}))
    assert 'name="texts.ur.name"' in more and 'value="नमूना पेंशन"' in more


def test_who_saves_second_is_shown_what_the_first_has_saved_and_loses_nothing(land: Land) -> None:
    own = new_scheme(land)
    fields = {"department": land.a.department, "rev": "1"} | WORDS
    theirs = {"texts.hi.who": "हर वृद्ध जन", "texts.en.name": "Sample pension"}
    theirs |= {"texts.en.who": "Everybody old", "texts.en.how": "At the panchayat"}
    assert visit(land, "editor", f"{own}/text", fields | theirs).status_code == 303
    mine = fields | {"texts.hi.how": "बैंक में"}
    late = visit(land, "officer_a", f"{own}/text", mine)
    assert late.status_code == 409
    page = text(late)
    assert "has saved a change meanwhile" in page
    assert "<del>" in page and "वृद्ध" in page and "बैंक" in page
    assert 'value="Sample pension"' in page, "a language that only they have comes along"
    assert 'name="rev" value="2"' in page
    assert wiring.schemes().get(own.rpartition("/")[2]).texts["hi"].how == "पंचायत में"
    assert visit(land, "officer_a", f"{own}/text", mine | {"rev": "2"}).status_code == 303


def test_news_is_told_once_and_the_list_says_how_old_it_is(land: Land) -> None:
    own = new_scheme(land)
    page = text(visit(land, "officer_a", own))
    news = {"do": "tell", "texts.hi.text": "1,200 लोग जुड़े", "source": "नमूना", "once": once(page)}
    future = visit(land, "officer_a", own, news | {"as_of": "2199-01-01"})
    assert future.status_code == 422 and "1,200 लोग जुड़े" in text(future) and 'id="as_of-error"' in text(future)
    day = wiring.clock().today_ist().isoformat()
    for _ in range(2):
        assert "said=told" in visit(land, "officer_a", own, news | {"as_of": day}).headers["Location"]
    assert text(visit(land, "officer_a", own)).count("1,200 लोग जुड़े") == 1
    one = wiring.schemes().get(own.rpartition("/")[2])
    assert one.age_days(wiring.clock().today_ist()) == 0
    assert "of today" in text(visit(land, "officer_a", f"{ROOM}?q=पेंशन"))


def test_a_scheme_ends_and_stays_on_the_register_as_over(land: Land) -> None:
    own = new_scheme(land)
    done = visit(land, "officer_a", own, {"do": "end", "rev": "1", "valid_until": "2020-01-31"})
    assert "said=ended" in done.headers["Location"]
    again = visit(land, "officer_a", own, {"do": "end", "rev": "1", "valid_until": "2020-02-01"})
    assert again.status_code == 409, "it was changed since that page was shown"
    assert "Ended" in text(visit(land, "officer_a", own))
    assert own in text(visit(land, "officer_a", f"{ROOM}?state=ended"))


def test_an_answer_is_written_once_changed_and_taken_out(land: Land) -> None:
    own = new_scheme(land)
    scheme = own.rpartition("/")[2]
    page = text(visit(land, "officer_a", f"{CARDS}/new?scheme={scheme}"))
    assert f'value="{scheme}" selected' in page
    fields = {"department": land.a.department, "scheme": scheme, "once": once(page)} | ANSWER
    for _ in range(2):
        made = visit(land, "officer_a", f"{CARDS}/new", fields)
        assert str(made.headers["Location"]).startswith(f"{own}?said=card_added")
    shown = text(visit(land, "officer_a", own))
    assert shown.count("पैसा नहीं आता") == 1
    assert "पैसा नहीं आता" in text(visit(land, "officer_a", f"{CARDS}?scheme={scheme}"))
    card = re.search(rf"{CARDS}/(crd_\w+)\?", shown)[1]  # type: ignore[index]
    nowhere = visit(land, "officer_a", f"{CARDS}/{card}", fields | {"scheme": "", "rev": "1"})
    assert nowhere.status_code == 422 and "हर महीने आता है।" in text(nowhere)
    changed = fields | {"texts.hi.answer": "अब हर सप्ताह।", "rev": "1"}
    assert visit(land, "editor", f"{CARDS}/{card}", changed).status_code == 303
    late = visit(land, "officer_a", f"{CARDS}/{card}", fields | {"rev": "1"})
    assert late.status_code == 409 and "सप्ताह" in text(late) and 'name="rev" value="2"' in text(late)
    gone = visit(land, "officer_a", f"{CARDS}/{card}", {"do": "remove"})
    assert "said=card_removed" in gone.headers["Location"]
    assert visit(land, "officer_a", f"{CARDS}/{card}").status_code == 404


def test_of_other_departments_a_nodal_officer_sees_and_changes_nothing_here(land: Land) -> None:
    scheme, card = land.b.one("scheme"), land.b.one("card")
    name = wiring.schemes().get(scheme).texts["hi"].name
    assert name not in text(visit(land, "officer_a", ROOM))
    assert name not in text(visit(land, "officer_a", f"{ROOM}?department={land.b.department}"))
    assert name in text(visit(land, "coordinator_a", ROOM)), "coordinators are bound to no department"
    for path in (f"{ROOM}/{scheme}", f"{ROOM}/{scheme}/text", f"{CARDS}/{card}"):
        assert visit(land, "officer_a", path).status_code == 404, path
    fields = {"department": land.b.department} | WORDS
    assert visit(land, "officer_a", f"{ROOM}/new", fields).status_code == 403
    assert visit(land, "officer_a", f"{CARDS}/{card}", {"do": "remove"}).status_code == 404
    for who in ("auditor", "coordinator_a", "approver"):
        page = text(visit(land, who, f"{ROOM}/{land.a.one('scheme')}"))
        assert f"{ROOM}/{land.a.one('scheme')}/text" not in page
        assert visit(land, who, f"{ROOM}/new").status_code == 403


def test_who_goes_back_and_writes_something_else_in_the_form_has_it_kept_too(land: Land) -> None:
    fields = {
        "department": land.a.department,
        "once": once(text(visit(land, "officer_a", f"{ROOM}/new"))),
    } | WORDS
    first = visit(land, "officer_a", f"{ROOM}/new", fields)
    other = visit(land, "officer_a", f"{ROOM}/new", fields | {"texts.hi.name": "नमूना सड़क"})
    assert first.headers["Location"] != other.headers["Location"]
    assert "नमूना सड़क" in text(visit(land, "officer_a", str(other.headers["Location"])))
    own = str(first.headers["Location"]).partition("?")[0]
    answer = {"department": land.a.department, "scheme": own.rpartition("/")[2], "once": "o"} | ANSWER
    news = {"do": "tell", "as_of": "2026-01-05", "source": "नमूना", "once": "o"}
    for word in ("पहला", "दूसरा"):
        visit(land, "officer_a", f"{CARDS}/new", answer | {"texts.hi.myth": f"{word} सवाल"})
        visit(land, "officer_a", own, news | {"texts.hi.text": f"{word} समाचार"})
    shown = text(visit(land, "officer_a", own))
    for said in ("पहला सवाल", "दूसरा सवाल", "पहला समाचार", "दूसरा समाचार"):
        assert said in shown


def test_news_that_were_refused_leave_the_last_day_in_its_form(land: Land) -> None:
    own = new_scheme(land, valid_until="2199-01-31")
    page = text(
        visit(land, "officer_a", own, {"do": "tell", "texts.hi.text": "नया", "as_of": "", "source": "नमूना"})
    )
    assert 'name="valid_until" type="date" value="2199-01-31"' in page
    page = text(visit(land, "officer_a", own, {"do": "end", "rev": "7", "valid_until": "2198-01-01"}))
    assert once(page) and 'value="2198-01-01"' in page


def test_an_answer_keeps_its_scheme_though_the_list_would_not_offer_it(land: Land) -> None:
    theirs = land.b.one("scheme")
    body = {
        "department": land.a.department,
        "scheme": theirs,
        "texts": {"hi": {"myth": "एक", "answer": "दो"}},
    }
    made = wiring.cards().write(land.staff["editor"], CardBody.model_validate(body))
    assert f'value="{theirs}" selected' in text(visit(land, "officer_a", f"{CARDS}/{made.id}"))


def test_a_form_that_does_not_say_what_was_seen_overwrites_nothing(land: Land) -> None:
    own = new_scheme(land)
    fields = {"department": land.a.department, "rev": "x"} | WORDS | {"texts.hi.how": "बैंक में"}
    assert visit(land, "officer_a", f"{own}/text", fields).status_code == 409
    assert visit(land, "officer_a", own, {"do": "end", "valid_until": "2020-01-31"}).status_code == 409
    card = land.a.one("card")
    answer = {"department": land.a.department, "scheme": own.rpartition("/")[2]} | ANSWER
    assert visit(land, "officer_a", f"{CARDS}/{card}", answer).status_code == 409
