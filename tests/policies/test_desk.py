"""The console's rooms of categories and of appeals, over two filled districts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import urlencode

import pytest
from chalice.test import HTTPResponse

from chalicelib import wiring
from chalicelib.policies.appeal import person_of
from chalicelib.policies.store import Record
from tests.identity.land import Land
from tests.identity.test_two_districts import land
from tests.policies.world import followers, tier

__all__ = ["land"]
ROOM, APPEALS = "/console/policies", "/console/appeals"


def visit(land: Land, who: str, path: str, fields: Mapping[str, str] | None = None) -> HTTPResponse:
    headers = {
        "Cookie": f"janjan_session={who}",
        "Accept-Language": "en",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    method = "GET" if fields is None else "POST"
    return land.client.http.request(method, path, headers=headers, body=urlencode(fields or {}).encode())


def text(answer: HTTPResponse) -> str:
    return unescape(answer.body.decode())


def value(page: str, name: str) -> str:
    return re.search(rf'name="{name}" value="([^"]*)"', page)[1]  # type: ignore[index]


def said(answer: HTTPResponse) -> str:
    assert answer.status_code == 303, text(answer)[:2000]
    return re.search(r"said=(\w+)", answer.headers["Location"])[1]  # type: ignore[index]


def test_an_appeal_shows_its_reasons_and_is_answered_once_in_the_persons_language(land: Land) -> None:
    own = land.a.ids["appeal"][0]
    kept = wiring.appeals().store.appeal(own)
    assert kept is not None and kept.language == "hi"
    assert kept.text in text(visit(land, "coordinator_a", APPEALS))
    page = text(visit(land, "coordinator_a", f"{APPEALS}/{own}"))
    assert f"<bdi>{kept.text}</bdi>" in page and "Sample policy" in page and "It asks for" in page
    fields = {"outcome": "refused", "text_en": "Only <in> English"}
    wrong = visit(land, "coordinator_a", f"{APPEALS}/{own}", fields)
    assert (
        wrong.status_code == 422 and "Only <in> English" in text(wrong) and "person's language" in text(wrong)
    )
    none = visit(land, "coordinator_a", f"{APPEALS}/{own}", {"text_hi": "ठीक"})
    assert none.status_code == 422 and ">ठीक</textarea>" in text(none)
    good = {"outcome": "refused", "text_hi": "नहीं हो सका"}
    assert said(visit(land, "coordinator_a", f"{APPEALS}/{own}", good)) == "answered"
    again = visit(land, "coordinator_a", f"{APPEALS}/{own}", {"outcome": "granted", "text_hi": "हाँ"})
    assert again.status_code == 409 and "नहीं हो सका" in text(again)
    assert kept.text not in text(visit(land, "coordinator_a", APPEALS))
    assert kept.text in text(visit(land, "coordinator_a", f"{APPEALS}?state=answered"))


@pytest.mark.parametrize(
    ("subject", "about", "told"),
    [
        ("review", "", "How the person stands today:"),
        ("handle", "first", "It has not been shown that it is theirs."),
        ("handle", "hnd_gone", "What it was about is not there any more."),
        ("tier", "pol_gone", "What it was about is not there any more."),
    ],
)
def test_an_appeal_about_anything_shows_what_was_decided(
    land: Land, subject: str, about: str, told: str
) -> None:
    own = land.a.ids["appeal"][-1]
    person = wiring.profiles().profile(person_of(own))
    assert person is not None
    which = person.accounts[0].id if about == "first" else about
    item = Record.get(person_of(own), f"appeal#{own}")
    kept = item.body
    item.body = json.dumps(json.loads(kept) | {"subject": subject, "about": which})
    item.save()
    page = visit(land, "admin", f"{APPEALS}/{own}")
    item.body = kept
    item.save()
    assert page.status_code == 200 and told in text(page)


def test_another_districts_appeals_are_not_there(land: Land) -> None:
    other = land.b.ids["appeal"][0]
    assert other not in text(visit(land, "coordinator_a", APPEALS))
    assert visit(land, "coordinator_a", f"{APPEALS}/{other}").status_code == 404
    fields = {"outcome": "granted", "text_hi": "x"}
    assert visit(land, "coordinator_a", f"{APPEALS}/{other}", fields).status_code == 404
    assert visit(land, "coordinator_a", f"{APPEALS}?area={land.b.district}").status_code == 422
    assert visit(land, "editor", APPEALS).status_code == 403


def test_who_decided_is_told_that_somebody_else_answers(land: Land) -> None:
    own = land.b.ids["appeal"][0]
    item = Record.get(person_of(own), f"appeal#{own}")
    item.body = json.dumps(json.loads(item.body) | {"decided_by": ["usr_coordinator_b"]})
    item.save()
    page = text(visit(land, "coordinator_b", f"{APPEALS}/{own}"))
    assert "This appeal is about a decision of yours" in page and "<textarea" not in page
    assert "about a decision of yours: somebody else answers" in text(visit(land, "coordinator_b", APPEALS))
    refused = visit(land, "coordinator_b", f"{APPEALS}/{own}", {"outcome": "granted", "text_hi": "x"})
    assert refused.status_code == 403


def test_a_version_is_written_compared_started_by_somebody_else_and_tried(land: Land) -> None:
    where = f"{ROOM}/{land.policy}"
    page = text(visit(land, "editor", f"{where}/versions"))
    typed = json.loads(re.search(r'name="terms"[^>]*>(.*?)</textarea>', page, re.S)[1])  # type: ignore[index]
    rev = value(page, "rev")
    bad = typed | {"tiers": [{**typed["tiers"][0], "rules": [{"kind": "caste"}]}]}
    wrong = visit(land, "editor", f"{where}/versions", {"rev": rev, "terms": json.dumps(bad)})
    assert wrong.status_code == 422 and "tiers.0.rules.0" in text(wrong) and '"caste"' in text(wrong)
    broken = visit(land, "editor", f"{where}/versions", {"rev": rev, "terms": '{"tiers": [\n'})
    assert broken.status_code == 422 and "line 2" in text(broken)
    more = typed | {"tiers": [tier("low", followers(instagram=2500))]}
    fields = {"rev": rev, "terms": json.dumps(more)}
    assert said(visit(land, "editor", f"{where}/versions", fields)) == "written"
    assert visit(land, "editor", f"{where}/versions", fields).status_code == 409
    assert wiring.policies().get(land.policy).versions == 2
    other = fields | {"terms": json.dumps(more | {"source": "Order 9"})}
    late = visit(land, "editor", f"{where}/versions", other)
    assert late.status_code == 409 and 'id="meanwhile"' in text(late) and "<ins>" in text(late)
    assert value(text(late), "rev") == str(wiring.policies().get(land.policy).rev)
    assert wiring.policies().get(land.policy).versions == 2
    shown = text(visit(land, "approver", where))
    assert "<ins>2,500.</ins>" in shown and "<del>10.</del>" in shown
    start = {"rev": value(shown, "rev"), "version": "2", "begins": "2027-03-02", "reason": "new order"}
    assert visit(land, "editor", f"{where}/start", start).status_code == 403
    assert visit(land, "approver", f"{where}/start", start | {"reason": " "}).status_code == 422
    assert said(visit(land, "approver", f"{where}/start", start)) == "started"
    assert visit(land, "approver", f"{where}/start", start).status_code == 409
    assert [one.version for one in wiring.policies().get(land.policy).starts] == [1, 2]
    tried = text(visit(land, "coordinator_a", f"{where}/trial?version=2&area={land.a.district}"))
    assert "creators were looked at" in tried and "Tier low" in tried
    assert visit(land, "coordinator_a", f"{where}/trial?area={land.b.district}").status_code == 422
    page = text(visit(land, "approver", where))
    end = {"rev": value(page, "rev"), "on": "2020-01-01", "reason": "over"}
    past = visit(land, "approver", f"{where}/end", end)
    assert past.status_code == 422 and 'value="2020-01-01"' in text(past) and "This day is over" in text(past)
    assert said(visit(land, "approver", f"{where}/end", end | {"on": "2028-01-01"})) == "ended"


def test_a_policy_is_written_once_however_often_its_form_is_sent(land: Land) -> None:
    before = len(wiring.policies().listed())
    page = text(visit(land, "editor", f"{ROOM}/new"))
    terms = json.dumps({"tiers": [tier("one", followers(youtube=5))]})
    fields = {"once": value(page, "once"), "name_en": "Another <policy>", "terms": terms}
    nameless = visit(land, "editor", f"{ROOM}/new", fields | {"name_en": ""})
    assert nameless.status_code == 422 and 'id="name_hi-error"' in text(nameless)
    first = visit(land, "editor", f"{ROOM}/new", fields)
    second = visit(land, "editor", f"{ROOM}/new", fields)
    assert first.headers["Location"] == second.headers["Location"] and said(first) == "written"
    assert len(wiring.policies().listed()) == before + 1
    listed = visit(land, "officer_a", ROOM).body.decode()
    assert "Another &lt;policy&gt;" in listed and "Draft" in listed and "Write a policy" not in listed
