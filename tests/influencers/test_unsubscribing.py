"""The link in every email: looking changes nothing, one click ends it, and nobody else's."""

from __future__ import annotations

import pytest

from chalicelib.influencers.model import Influencer
from chalicelib.unsubscribing import Unsubscribing
from tests.influencers.world import NOON, KnownSecrets, World
from tests.pages.conftest import Site

LINKS = Unsubscribing(KnownSecrets().keyed_hash, "https://x.test")
CLICK = b"List-Unsubscribe=One-Click"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whose emails were ended."""
    found: list[str] = []
    monkeypatch.setattr(
        "chalicelib.influencers.service.People.unsubscribe", lambda self, person, at: found.append(person)
    )
    return found


def path_of(person: str) -> str:
    return LINKS.url(person).removeprefix("https://x.test")


def test_a_link_leads_back_to_its_person_and_shows_no_address() -> None:
    url = LINKS.url("inf_abc")
    assert url.startswith("https://x.test/u/inf_abc.")
    assert LINKS.person(url.removeprefix("https://x.test/u/")) == "inf_abc"
    assert url == LINKS.url("inf_abc")


@pytest.mark.parametrize("token", ["", ".", "inf_abc", "inf_abc.", "inf_abc.0", "\ud800.\ud800", "é.é"])
def test_a_token_that_we_did_not_make_leads_to_nobody(token: str) -> None:
    assert LINKS.person(token) is None


def test_a_link_of_one_person_does_not_end_anothers_emails() -> None:
    mac = LINKS.url("inf_abc").rpartition(".")[2]
    assert LINKS.person(f"inf_abd.{mac}") is None
    elsewhere = Unsubscribing(lambda text: "0" * 40, "https://x.test")
    assert LINKS.person(elsewhere.url("inf_abc").rpartition("/")[2]) is None


def test_looking_at_the_page_ends_nothing(site: Site, said: list[str]) -> None:
    answer = site.get(path_of("inf_abc"))
    assert answer.status_code == 200
    page = answer.body.decode()
    assert "हमारे ईमेल बंद करें" in page
    assert f'action="{path_of("inf_abc")}?lang=hi"' in page
    assert "No more emails" in site.get(path_of("inf_abc") + "?lang=en").body.decode()
    assert said == []


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "application/x-www-form-urlencoded"}, CLICK),
        ({"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}, CLICK),
        ({"content-type": "application/x-www-form-urlencoded", "origin": "https://mail.test"}, CLICK),
        (
            {"content-type": "multipart/form-data; boundary=x"},
            b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
        ),
    ],
)
def test_one_click_of_a_mailbox_ends_the_emails(
    site: Site, said: list[str], headers: dict[str, str], body: bytes
) -> None:
    answer = site.client.http.post(path_of("inf_abc"), headers=headers, body=body)
    assert answer.status_code == 200
    assert "You will get no more emails from us" in answer.body.decode()
    assert "Set-Cookie" not in answer.headers
    assert said == ["inf_abc"]


def test_the_button_ends_them_in_the_persons_language_and_again_without_harm(
    site: Site, said: list[str]
) -> None:
    for _ in range(2):
        answer = site.post(path_of("inf_abc") + "?lang=hi", [("List-Unsubscribe", "One-Click")])
        assert answer.status_code == 200
        assert "अब आपको हमारे ईमेल नहीं मिलेंगे" in answer.body.decode()
    assert said == ["inf_abc", "inf_abc"]


def test_a_link_that_is_not_ours_ends_nothing(site: Site, said: list[str]) -> None:
    path = path_of("inf_abc")[:-1]
    assert site.get(path).status_code == 404
    assert site.post(path, []).status_code == 404
    assert said == []


def test_who_is_gone_or_has_no_email_is_thanked_all_the_same(world: World) -> None:
    person: Influencer = world.join()
    world.people.unsubscribe(person.id, at=NOON)
    world.people.unsubscribe("inf_gone", at=NOON)
    assert world.store.person(person.id) == person


EMAIL = {"channel": "email", "email": "Sunita.Namuna@sample.test"}


def may_be_written_to(world: World, person: Influencer) -> bool:
    contact = world.people.contacts([person.id])[person.id]
    return "email" in contact.addresses and "email" not in contact.suppressed


def test_after_a_click_nothing_goes_to_this_address_and_a_second_click_changes_nothing(world: World) -> None:
    person = world.approved(**EMAIL)
    assert may_be_written_to(world, person)
    world.people.unsubscribe(person.id, at=world.clock.now())
    assert not may_be_written_to(world, person)
    after = world.store.person(person.id)
    world.clock.forward(5)
    world.people.unsubscribe(person.id, at=world.clock.now())
    assert world.store.person(person.id) == after


def test_who_came_back_by_their_own_word_can_click_again(world: World) -> None:
    person = world.approved(**EMAIL)
    world.people.unsubscribe(person.id, at=world.clock.now())
    world.clock.forward(5)
    world.people.restart("email", EMAIL["email"], evidence="own word", at=world.clock.now())
    assert may_be_written_to(world, person)
    world.clock.forward(5)
    world.people.unsubscribe(person.id, at=world.clock.now())
    assert not may_be_written_to(world, person)


def test_an_address_that_bounced_is_the_same_however_its_server_spells_it(world: World) -> None:
    person = world.approved(**EMAIL)
    world.people.stop("email", "sunita.namuna@SAMPLE.test", evidence="bounce", at=world.clock.now())
    assert not may_be_written_to(world, person)
