"""The page behind the link that proves an email, and the form's ways to be reached."""

from __future__ import annotations

import pytest

from chalicelib.errors import NotFound
from chalicelib.influencers.forms import Form, body_of
from chalicelib.influencers.service import Signups
from tests.pages.conftest import Site

PATH = "/confirm/inf_a.1.b"


@pytest.fixture
def pressed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that were confirmed."""
    found: list[str] = []
    monkeypatch.setattr(Signups, "confirmed", lambda self, token: None)
    monkeypatch.setattr(Signups, "confirm", lambda self, token: found.append(token))
    return found


def test_looking_at_the_page_of_a_link_confirms_nothing_and_its_button_does(
    site: Site, pressed: list[str]
) -> None:
    page = site.get(PATH)
    assert (page.status_code, pressed) == (200, [])
    assert "क्या यह आपका ईमेल पता है?" in page.body.decode()
    assert f'action="{PATH}?lang=en"' in site.get(f"{PATH}?lang=en").body.decode()
    done = site.post(f"{PATH}?lang=en", [])
    assert (done.status_code, pressed) == (200, ["inf_a.1.b"])
    assert "Your address is confirmed" in done.body.decode()


def test_another_site_cannot_press_the_button(site: Site, pressed: list[str]) -> None:
    assert site.post(PATH, [], origin="https://elsewhere.test").status_code == 403
    assert pressed == []


def test_a_link_that_is_not_ours_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(self: Signups, token: str) -> None:
        raise NotFound("This link does not hold (any more).")

    monkeypatch.setattr(Signups, "confirmed", unknown)
    answer = site.get(f"{PATH}?lang=en")
    assert answer.status_code == 404
    assert "does not hold" in answer.body.decode()


def test_a_consent_is_given_for_each_way_that_was_chosen() -> None:
    form = Form(
        {"channel": ["whatsapp"], "also": ["sms", "email", "fax"], "consents": ["campaigns", "surveys"]}
    )
    assert [(c["purpose"], c["channel"]) for c in body_of(form, "D1")["consents"]] == [  # type: ignore[attr-defined]
        (purpose, channel) for purpose in ("campaigns", "surveys") for channel in ("whatsapp", "sms", "email")
    ]
