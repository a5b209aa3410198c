"""The page by which anybody says what is wrong, as a browser without JavaScript uses it."""

from __future__ import annotations

import os
import re

import pytest

from tests.pages.conftest import Site
from tests.pages.test_signup_page import page

GOOD = [
    ("kind", "problem"),
    ("text", "हमारे गाँव में तीन दिन से पानी नहीं आ रहा है"),
    ("area_state", "IN-XN"),
    ("area_district", "D9001"),
]


@pytest.fixture(autouse=True)
def department(site: Site) -> None:
    from chalicelib import wiring

    wiring.directory().put_department("water", {"hi": "जल विभाग", "en": "Water"}, actor="test")


def ticket_of(site: Site, fields: list[tuple[str, str]] = GOOD) -> str:
    answer = site.post("/voice?lang=hi", fields)
    assert answer.status_code == 303, page(answer)
    found = re.fullmatch(r"/voice/(JJ-[0-9A-Z-]+)\?lang=hi&new=1", str(answer.headers["Location"]))
    assert found
    return found[1]


def test_the_form_asks_in_hindi_for_neither_name_nor_number(site: Site) -> None:
    shown = page(site.get("/voice?lang=hi"))
    assert "आपको क्या बताना है?" in shown
    assert "जल विभाग" in shown
    assert not re.search(r'name="(name|phone|email)"', shown)


def test_what_is_said_gets_a_ticket_and_its_page_shows_no_word_of_it(site: Site) -> None:
    ticket = ticket_of(site, [*GOOD, ("department", "water")])
    shown = page(site.get(f"/voice/{ticket}?lang=hi&new=1"))
    assert ticket in shown
    assert "जल विभाग" in shown
    assert "तीन दिन से" not in shown
    assert site.get(f"/voice?lang=hi&ticket={ticket.lower()}").status_code == 303
    assert site.get(f"/v1/voices/{ticket}").json_body["status"] == "assigned"


def test_the_same_form_twice_is_one_voice_and_changed_words_are_another(site: Site) -> None:
    once = ("once", "a" * 24)
    first = ticket_of(site, [*GOOD, once])
    assert ticket_of(site, [*GOOD, once]) == first
    assert ticket_of(site, [("text", "दूसरी बात, सड़क टूटी है"), *GOOD[:1], once]) != first


def test_after_a_mistake_everything_that_was_typed_is_there(site: Site) -> None:
    answer = site.post("/voice?lang=hi", [("text", "छोटा"), ("area_state", "IN-XN")])
    shown = page(answer)
    assert answer.status_code == 422
    for part in ("छोटा</textarea>", 'href="#kind"', 'href="#text"', '<option value="IN-XN" selected>'):
        assert part in shown


def test_words_are_added_and_nothing_is_refused_by_its_field(site: Site) -> None:
    ticket = ticket_of(site)
    answer = site.post(f"/voice/{ticket}/words?lang=hi", [("text", "वार्ड 12 में")])
    assert (answer.status_code, str(answer.headers["Location"])) == (303, f"/voice/{ticket}?lang=hi&added=1")
    assert site.post(f"/voice/{ticket}/words?lang=hi", [("text", "")]).status_code == 422
    assert site.post("/voice/JJ-2222-2222-2222/words?lang=hi", [("text", "क")]).status_code == 404
    assert site.post(f"/voice/{ticket}/reopening?lang=hi", [("text", "अभी भी पानी नहीं")]).status_code == 409


def test_a_programs_post_makes_no_voice_and_too_many_from_one_network_are_refused(site: Site) -> None:
    assert site.post("/voice", [*GOOD, ("website", "x")]).status_code == 303
    from chalicelib.voices.citizens import VOICES_AN_HOUR
    from chalicelib.voices.store import VoiceItem

    assert list(VoiceItem.scan()) == []
    answers = [site.post("/voice", GOOD).status_code for _ in range(VOICES_AN_HOUR + 1)]
    assert (answers[0], answers[-1]) == (303, 429)


def test_a_picture_goes_straight_to_the_bucket_and_is_kept_clean(site: Site) -> None:
    from chalicelib import aws, wiring
    from chalicelib.files import Files
    from chalicelib.settings import settings
    from chalicelib.uploads import LARGEST
    from tests.metrics.test_measuring import post_form
    from tests.voices.test_pictures import SECRET, exif, photo

    aws.client("s3").create_bucket(
        Bucket="voice-pictures", CreateBucketConfiguration={"LocationConstraint": "ap-south-1"}
    )
    os.environ["BUCKET"] = "voice-pictures"
    settings.cache_clear()
    for built in (wiring.uploads, wiring.gallery, wiring.citizens):
        built.cache_clear()
    ticket = ticket_of(site)
    answer = site.get(f"/voice/{ticket}/picture?lang=hi")
    assert re.search(r"form-action 'self' http://[\w.:-]+;", str(answer.headers["Content-Security-Policy"]))
    voice = wiring.voices().by_ticket(ticket)
    assert voice is not None
    place = wiring.citizens().place(ticket, "10.0.0.1")
    assert post_form(place.upload.url, place.upload.fields, photo(exif=exif())) in (200, 201, 204, 303)
    shown = page(site.get(f"/voice/{ticket}?lang=hi&key={place.key}"))
    assert f'value="{place.key}"' in shown
    assert site.post(f"/voice/{ticket}/words?lang=hi", [("picture", place.key)]).status_code == 303
    [kept] = [one for said in wiring.voices().whole(voice.id).said for one in said.attachments]
    found = Files("voice-pictures").part(kept.key, 0, 10**6)
    assert found is not None
    assert SECRET not in found.body
    other = ticket_of(site, [*GOOD, ("department", "water")])
    assert site.post(f"/voice/{other}/words?lang=hi", [("picture", place.key)]).status_code == 422
    form = page(site.get(f"/voice/{ticket}/picture?lang=en"))
    assert f'data-most="{LARGEST}"' in form and 'id="file-most"' in form and "at most 5 MB" in form
    large = wiring.citizens().place(ticket, "10.0.0.1", "https://janjan.example/back")
    Files("voice-pictures").put(large.key, photo() + bytes(LARGEST))
    told = site.post(f"/voice/{ticket}/words?lang=en", [("picture", large.key)])
    assert (told.status_code, "at most 5 MB" in page(told)) == (422, True)
