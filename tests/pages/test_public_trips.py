"""How often a public page goes to the database one call after the other: at most twice."""

from __future__ import annotations

from functools import partial

import pytest

from chalicelib import wiring
from chalicelib.influencers.model import ReviewRequest
from tests.influencers.world import ADMIN
from tests.pages.conftest import Site, send_codes
from tests.pages.test_schemes_page import put_scheme
from tests.pages.test_signup_page import GOOD as SIGNUP
from tests.pages.test_transparency_page import publish
from tests.pages.test_voice_page import GOOD as VOICE
from tests.pages.trips import MOST, trips

BOOTH = "D9001-A1-P1"


def in_english(path: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}lang=en"


@pytest.fixture
def places(site: Site) -> dict[str, str]:
    """Public pages with something on them, by what they are."""
    for n in range(12):
        publish(id=f"cmp_{n}", begun_at=f"2026-01-{n + 1:02}T10:00:00Z")
    signup = str(site.post("/signup?lang=en", SIGNUP).headers["Location"]).partition("?")[0]
    [message] = send_codes()
    waits = str(site.post("/signup?lang=en", [*SIGNUP, ("phone", "8123456700")]).headers["Location"])
    site.post(f"{signup}?lang=en", [("code", message.params[0])])
    person = signup.rpartition("/")[2]
    wiring.register().review(ADMIN, person, ReviewRequest(decision="approve"))
    letter = wiring.ambassadors().appoint(ADMIN, person, BOOTH)
    wiring.directory().put_department("water", {"hi": "जल विभाग", "en": "Water"}, actor="test")
    scheme = put_scheme()
    ticket = str(site.post("/voice?lang=en", [*VOICE, ("department", "water")]).headers["Location"])
    return {
        "landing": "/",
        "signup": "/signup",
        "signup, its code": waits.partition("?")[0],
        "signup, approved": signup,
        "signup, for a wall": "/signup/qr",
        "sign in": "/me/signin",
        "transparency": "/transparency",
        "transparency, found": "/transparency?q=namuna&department=election&month=2026-01",
        "voice": "/voice",
        "voice, its status": ticket.partition("?")[0],
        "a letter": f"/verify/{letter.code}",
        "privacy": "/about/privacy",
        "schemes": "/schemes",
        "schemes, found": "/schemes?q=नमूना&department=water",
        "a scheme": f"/schemes?scheme={scheme}",
    }


def test_a_public_page_takes_two_round_trips(site: Site, places: dict[str, str]) -> None:
    for what, path in places.items():
        assert site.get(in_english(path)).status_code == 200, what
    found = {what: trips(partial(site.get, in_english(path))) for what, path in places.items()}
    assert {what: made for what, made in found.items() if len(made) > MOST} == {}
