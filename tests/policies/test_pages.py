"""A creator's page of tiers and appeals, as a browser without JavaScript uses it."""

from __future__ import annotations

import re

import pytest

from chalicelib import wiring
from chalicelib.influencers.model import ReviewRequest
from tests.influencers.world import ADMIN
from tests.pages.conftest import send_codes, site
from tests.pages.test_my_page import Creator, creator

__all__ = ["creator", "site"]
TEXT = "यह अकाउंट मेरा है।"


@pytest.fixture
def person(creator: Creator) -> str:
    """The id of who is at the phone, approved."""
    [(found, _)] = list(wiring._people_store().listed("pending_review", "", None, 5))
    wiring.register().review(ADMIN, found.id, ReviewRequest(decision="approve"))
    return found.id


def test_a_creator_appeals_on_a_page_of_their_own_and_reads_the_answer(creator: Creator, person: str) -> None:
    creator.sign_in()
    assert 'href="/me/appeals?lang=en"' in creator.get("/me?lang=en")
    shown = creator.get("/me/appeals?lang=en")
    [about] = re.findall(r'<option value="(handle [^"]*)"', shown)
    status, again = creator.post("/me/appeals?lang=en", about=about, text=" ")
    assert (status, 'href="#text"' in again or 'href="#about"' in again) == (422, True)
    assert creator.post("/me/appeals?lang=en", about=about, text=TEXT) == (303, "/me/appeals?lang=en&done=1")
    shown = creator.get("/me/appeals?lang=en&done=1")
    assert TEXT in shown
    assert "not answered yet" in shown
    assert "Your appeal has come in." in shown
    status, refused = creator.post("/me/appeals?lang=en", about=about, text=TEXT)
    assert (status, "Please wait for the answer" in refused) == (409, True)
    from chalicelib.policies.appeal import AnswerBody

    [appeal] = wiring.appeals().mine(person)
    answer = AnswerBody.model_validate({"outcome": "granted", "texts": {"hi": "मान लिया <b>"}})
    wiring.appeals().answer(ADMIN, appeal.id, answer)
    for path in ("/me?lang=hi", "/me/appeals?lang=hi"):
        assert "मान लिया &lt;b&gt;" in creator.get(path)


def test_the_page_tells_the_tier_with_its_reasons(creator: Creator, person: str) -> None:
    from chalicelib.policies.model import PolicyBody, StartBody
    from tests.policies.conftest import APPROVER
    from tests.policies.world import followers, tier

    terms = {"tiers": [tier("t", followers(False, instagram=1), {"kind": "proven"})]}
    body = PolicyBody.model_validate({"names": {"en": "Sample policy"}, "terms": terms, "sample": True})
    policy, _ = wiring.policies().create(ADMIN, body)
    start = StartBody(version=1, begins=wiring.clock().today_ist(), reason="sample")
    wiring.policies().start(APPROVER, policy.id, start)
    creator.sign_in()
    shown = creator.get("/me/appeals?lang=en")
    assert "no tier is reached" in shown
    assert "It has not been shown." in shown
    assert f'<option value="tier {policy.id}"' in shown


def test_who_is_suspended_comes_from_the_sign_in_to_the_page_of_appeals(
    creator: Creator, person: str
) -> None:
    wiring.register().review(ADMIN, person, ReviewRequest(decision="suspend", reason="namuna"))
    _, shown = creator.post("/me/signin?lang=en", phone="8123456789")
    [asked] = re.findall(r'name="id" value="([^"]*)"', shown)
    [message] = send_codes()
    entered = creator.post("/me/signin?lang=en", id=asked, code=message.params[0])
    assert entered == (303, "/me/appeals?lang=en")
    shown = creator.get("/me/appeals?lang=en")
    assert '<option value="review"' in shown
    assert creator.post("/me/appeals?lang=en", about="review", text="कृपया देखें")[0] == 303
    assert creator.get("/me?lang=en").startswith("/me/signin?")
    assert creator.post("/me/signout?lang=en")[0] == 303
    assert creator.get("/me/appeals?lang=en").startswith("/me/signin?")
