"""Media of a campaign from the composer to whoever may see them."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import boto3
import pytest
import urllib3
from chalice.test import HTTPResponse

from chalicelib import wiring
from chalicelib.errors import InvalidInput
from chalicelib.influencers.model import ReviewRequest
from chalicelib.ops import OpsItem
from tests.campaigns.test_media import PDF, film
from tests.conftest import use_environment
from tests.influencers.sent import POSTS, put, sent
from tests.influencers.sent import campaign as campaign_of
from tests.influencers.world import ADMIN
from tests.metrics.test_measuring import post_form
from tests.pages.test_campaign_pages import DRAFT, STAFF, Desk, text_of, value_of
from tests.pages.test_campaign_pages import desk as plain_desk
from tests.pages.test_my_page import Creator, creator
from tests.voices.test_pictures import SECRET, exif, photo

__all__ = ["creator", "plain_desk"]
PICTURE = photo("JPEG")
ALT = "Ek maa apne bachche ko dawa pila rahi hai"


def bucket() -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    use_environment({"BUCKET": "files"})


@pytest.fixture
def desk(plain_desk: Desk) -> Iterator[Desk]:
    bucket()
    wiring.campaigns.cache_clear()
    wiring.shelf.cache_clear()
    wiring.uploads.cache_clear()
    yield plain_desk


def with_file(
    desk: Desk, content: bytes, fields: list[tuple[str, str]], path: str = "/console/campaigns/new"
) -> HTTPResponse:
    line = uuid.uuid4().hex
    parts = [
        f'--{line}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in [*fields, ("do", "add_media")]
    ]
    head = f'--{line}\r\nContent-Disposition: form-data; name="media_file"; filename="../x.html"\r\n\r\n'
    return desk.site.client.http.post(
        f"{path}?lang=en",
        headers={
            "cookie": f"janjan_session={desk.who}",
            "content-type": f"multipart/form-data; boundary={line}",
        },
        body=b"".join(parts) + head.encode() + content + f"\r\n--{line}--\r\n".encode(),
    )


def fetched(link: str) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", link, retries=False)


def added(desk: Desk, content: bytes = PICTURE, once: str = "m") -> list[tuple[str, str]]:
    """The fields of a draft with a file that was just added, described."""
    page = unescape(with_file(desk, content, [*DRAFT, ("once", once)]).body.decode())
    return [*DRAFT, ("once", once), ("media", value_of(page, "media")), ("media.0.alt.hi", ALT)]


def kept(desk: Desk, content: bytes = PICTURE) -> str:
    answer = desk.post("/console/campaigns/new", [*added(desk, content), ("do", "save")])
    assert answer.status_code == 303, text_of(answer)
    found = re.search(r"/campaigns/(cmp_\w+)\?", str(answer.headers["Location"]))
    assert found
    return found[1]


def test_a_picture_is_added_described_seen_by_the_approver_and_its_place_is_gone(desk: Desk) -> None:
    page = with_file(desk, photo("JPEG", exif=exif()), [*DRAFT, ("once", "a")])
    shown = unescape(page.body.decode())
    assert (page.status_code, "Polio drops on Sunday" in shown) == (200, True), "what was typed stays"
    [link] = re.findall(r'<img src="(http[^"]+)"', shown)[:1]
    assert re.search(
        "img-src [^;]*" + re.escape(link.split("/uploads/")[0].rsplit("/files", 1)[0]), str(page.headers)
    )
    assert SECRET not in fetched(link).data

    fields = [*DRAFT, ("once", "a"), ("media", value_of(shown, "media"))]
    refused = desk.post("/console/campaigns/new", [*fields, ("do", "submit")])
    assert (refused.status_code, "say what is to be seen in the picture" in text_of(refused)) == (422, True)
    fields = [
        *DRAFT,
        ("media", wiring.campaigns().page(STAFF["editor"], "", "", None, 1)[0][0].content.media[0].name),
    ]
    [draft] = wiring.campaigns().page(STAFF["editor"], "", "", None, 5)[0]
    fields += [
        ("media.0.alt.hi", ALT),
        ("media.0.platforms", "instagram"),
        ("rev", str(draft.rev)),
        ("do", "submit"),
    ]
    assert desk.post(f"/console/campaigns/{draft.id}", fields).status_code == 303

    read = desk.sitting("approver").get(f"/console/campaigns/{draft.id}/approval")
    assert ALT in read and "For Instagram" in text_of(read)
    [link] = re.findall(r'<img src="(http[^"]+)"', read)
    answer = fetched(link)
    assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
    key = f"media/{draft.id}/{wiring.campaigns().get(draft.id).content.media[0].file}"
    assert key in link


def test_a_repeated_write_is_answered_as_the_first_time_with_links_that_hold(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, shelf = f"/v1/campaigns/{kept(desk)}", type(wiring.shelf())
    headers = {"Authorization": "Bearer editor", "Content-Type": "application/json", "Idempotency-Key": "k"}

    def write(made: str, key: str = "k") -> tuple[bool, dict[str, Any]]:
        monkeypatch.setattr(shelf, "link", lambda self, campaign, file: f"https://x.test/{made}/{file}")
        body = json.dumps({"title": "Other", "partners": []}).encode()
        answer = desk.site.client.http.patch(path, headers=headers | {"Idempotency-Key": key}, body=body)
        return "Idempotent-Replayed" in answer.headers, json.loads(answer.body)

    (_, first), (replayed, again) = write("first"), write("later")
    [file] = first["media_urls"]
    assert (replayed, again.pop("media_urls")) == (True, {file: f"https://x.test/later/{file}"})
    assert again == {name: value for name, value in first.items() if name != "media_urls"}
    assert all("x.test" not in str(row.answer) for row in OpsItem.scan()), "no link is kept"


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"<script>alert(1)</script>", "This is none of the files"), (b"", "Please choose a file")],
)
def test_what_is_no_such_file_is_refused_beside_the_field_and_nothing_is_lost(
    desk: Desk, content: bytes, says: str
) -> None:
    answer = with_file(desk, content, DRAFT)
    page = unescape(answer.body.decode())
    assert (answer.status_code, says in page, "Polio drops on Sunday" in page) == (422, True, True)
    assert 'id="media_file-error"' in page


@pytest.mark.parametrize("do", ["save", "submit"])
def test_a_file_that_was_chosen_and_not_added_is_not_lost_unsaid(desk: Desk, do: str) -> None:
    """The form itself carries no files, only the name of one that is chosen."""
    fields = [*DRAFT, ("once", "left"), ("media_file", "drops.jpg"), ("do", do)]
    answer = desk.post("/console/campaigns/new", fields)
    page = unescape(answer.body.decode())
    assert (answer.status_code, 'id="media_file-error"' in page) == (422, True)
    assert "Polio drops on Sunday" in page
    assert wiring.campaigns().page(STAFF["editor"], "", "", None, 5)[0] == []
    fields = [*DRAFT, ("once", "left"), ("media_file", ""), ("do", do)]
    assert desk.post("/console/campaigns/new", fields).status_code == 303


def test_a_form_that_is_sent_twice_makes_one_draft_with_its_file(desk: Desk) -> None:
    fields = [*added(desk), ("do", "save")]
    for _ in range(2):
        assert desk.post("/console/campaigns/new", fields).status_code == 303
    [one], _ = wiring.campaigns().page(STAFF["editor"], "", "", None, 5)
    assert (one.rev, [medium.bytes for medium in one.content.media]) == (1, [len(PICTURE)])


def test_files_are_put_in_order_and_taken_out_while_it_is_a_draft(desk: Desk) -> None:
    first = added(desk)
    page = unescape(with_file(desk, PDF, first).body.decode())
    names = re.findall(r'name="media" value="([^"]+)"', page)
    fields = [*first, ("media", names[1])]
    page = unescape(desk.post("/console/campaigns/new", [*fields, ("do", "earlier:1")]).body.decode())
    assert re.findall(r'name="media" value="([^"]+)"', page) == names[::-1]
    assert re.search(rf'name="media.1.alt.hi"[^>]*value="{ALT}"', page), "its words go with it"
    page = unescape(desk.post("/console/campaigns/new", [*fields, ("do", "out:0")]).body.decode())
    assert re.findall(r'name="media" value="([^"]+)"', page) == names[1:]
    for nowhere in ("out:2", "out:-1", "earlier:" + "9" * 5000):
        page = unescape(desk.post("/console/campaigns/new", [*fields, ("do", nowhere)]).body.decode())
        assert re.findall(r'name="media" value="([^"]+)"', page) == names


def test_nobody_takes_over_what_somebody_else_has_uploaded_or_another_campaign_has(desk: Desk) -> None:
    theirs = next(value for name, value in added(desk) if name == "media")
    second = desk.sitting("second")
    other = kept(desk)
    file = wiring.campaigns().get(other).content.media[0].file
    for name in (theirs, file, "uploads/u-second/../u-editor/x.jpg", "letters/x.jpg", "callbacks/a/b.jpg"):
        answer = second.post(
            "/console/campaigns/new", [*DRAFT, ("media", name), ("once", name), ("do", "save")]
        )
        assert answer.status_code == 422, name
        assert '<img src="http' not in answer.body.decode(), name


def test_what_was_approved_names_its_bytes_and_a_new_file_needs_a_new_approval(desk: Desk) -> None:
    campaign = kept(desk)
    service = wiring.campaigns()
    service.submit(STAFF["editor"], campaign)
    service.decide(STAFF["approver"], campaign, "approve", "")
    with pytest.raises(Exception, match="Only a draft"):
        service.change(STAFF["editor"], campaign, {"media": []})
    before = service.get(campaign).content.media[0].file
    service.decide(STAFF["approver"], campaign, "decline", "Another picture")
    draft = service.get(campaign)
    page = unescape(
        with_file(
            desk, photo("PNG"), [*DRAFT, ("rev", str(draft.rev))], f"/console/campaigns/{campaign}"
        ).body.decode()
    )
    fields = [*DRAFT, ("rev", str(draft.rev)), ("media", value_of(page, "media")), ("media.0.alt.hi", "Naya")]
    assert desk.post(f"/console/campaigns/{campaign}", [*fields, ("do", "submit")]).status_code == 303
    read = desk.sitting("approver").get(f"/console/campaigns/{campaign}/approval")
    changes = read[read.index("What has changed") :]
    assert (
        "<del>" in changes and "<ins>" in changes and "PNG" in changes and "Pictures, videos, PDFs" in changes
    )
    after = service.get(campaign).content.media[0].file
    assert before != after
    assert wiring.shelf().files.part(f"media/{campaign}/{before}", 0, 1), (
        "what was decided on can be looked up"
    )


def test_over_the_interface_a_file_is_uploaded_first_and_a_large_one_in_the_browser(desk: Desk) -> None:
    service, who = wiring.campaigns(), STAFF["editor"]
    campaign = kept(desk)
    place = wiring.uploads().place(who.id, "video/mp4")
    assert post_form(place.upload.url, place.upload.fields, film()) < 300
    service.change(who, campaign, {"media": [{"upload": place.key, "alt": "A film"}]})
    [one] = service.get(campaign).content.media
    assert (one.content_type, one.alt, one.upload) == ("video/mp4", {"*": "A film"}, "")
    again = service.get(campaign).content.model_dump()["media"]
    service.change(who, campaign, {"media": again})
    assert service.get(campaign).content.media == (one,), "what was read may be written"
    with pytest.raises(InvalidInput):
        service.change(who, campaign, {"media": [{"file": "a" * 64 + ".mp4"}]})

    page = desk.get(f"/console/campaigns/{campaign}/media?type=application/pdf")
    assert "at most 10 MB" in page and f'data-most="{10 * 2**20}"' in page
    place = wiring.uploads().place(who.id, "application/pdf")
    assert post_form(place.upload.url, place.upload.fields, PDF) < 300
    back = desk.get(f"/console/campaigns/{campaign}?bucket=files&key={place.key}&etag=x")
    assert re.findall(r'name="media" value="([^"]+)"', back) == [one.file, place.key]
    assert place.key not in desk.get(
        f"/console/campaigns/{campaign}?key={place.key.replace('editor', 'other')}"
    )


def test_a_creator_sees_and_saves_the_media_of_what_they_got_and_of_nothing_else(creator: Creator) -> None:
    bucket()
    wiring.inbox.cache_clear()
    wiring.shelf.cache_clear()
    creator.sign_in()
    [(person, _)] = wiring._people_store().listed("pending_review", "", None, 1)
    wiring.register().review(ADMIN, person.id, ReviewRequest(decision="approve"))
    now, file = wiring.clock().now(), "a" * 64 + ".jpg"
    wiring.shelf().files.put(f"media/cmp_aaaaaaaaaaaaaaaa/{file}", PICTURE, "image/jpeg")
    media = [{"file": file, "bytes": len(PICTURE), "alt": {"hi": ALT}, "platforms": ["whatsapp"]}]
    at = now - timedelta(days=1)
    sent(person.id, "cmp_aaaaaaaaaaaaaaaa", at, posts=POSTS, media=media)
    put(campaign_of("cmp_bbbbbbbbbbbbbbbb", at, posts=POSTS, media=media))
    page = unescape(creator.get("/me/campaigns/cmp_aaaaaaaaaaaaaaaa?lang=en"))
    assert ALT in page and "For WhatsApp" in text_of(page)
    [link] = re.findall(r'<img src="(http[^"]+)"', page)
    assert fetched(link).data == PICTURE
    [save] = re.findall(r'href="([^"]+)"[^>]*>Download', page)
    assert fetched(save).data == PICTURE
    assert "response-content-disposition=attachment" in save and "cmp_aaaaaaaaaaaaaaaa-aaaaaaaa.jpg" in save
    other = creator.site.get("/me/campaigns/cmp_bbbbbbbbbbbbbbbb?lang=en", cookie=creator.cookie)
    assert (other.status_code, ALT in other.body.decode()) == (404, False)
    put(
        campaign_of("cmp_aaaaaaaaaaaaaaaa", at, posts=POSTS, media=media, status="cancelled").model_copy(
            update={"rev": 2}
        )
    )
    assert ALT not in creator.get("/me/campaigns/cmp_aaaaaaaaaaaaaaaa?lang=en"), (
        "what was called off spreads no more"
    )


def test_the_public_sees_what_could_be_published_in_words_too(desk: Desk) -> None:
    campaign = kept(desk)
    service = wiring.campaigns()
    service.submit(STAFF["editor"], campaign)
    service.decide(STAFF["approver"], campaign, "approve", "")
    service.schedule(STAFF["approver"], campaign, None)
    wiring.runs().start(f"{campaign}-1")
    wiring.publishing().step({"publish": campaign})
    page = unescape(desk.site.get("/transparency?lang=en").body.decode())
    [(link, alt)] = re.findall(r'<img src="(http[^"]+)" alt="([^"]*)"', page)
    assert (alt, fetched(link).status) == (ALT, 200)
    [one] = desk.site.get("/v1/transparency/campaigns").json_body["items"]
    assert (one["media"][0]["alt"], fetched(one["media"][0]["url"]).status) == ({"hi": ALT}, 200)


@pytest.mark.parametrize("where", ["media", "posts"])
def test_a_campaign_that_is_too_long_to_be_kept_is_refused_in_words(desk: Desk, where: str) -> None:
    campaign = kept(desk)
    [one] = wiring.campaigns().get(campaign).content.media
    languages = [f"{first}{second}" for first in "abcdefghijklmnopqrst" for second in "abcdefghijklmnopqrst"]
    words = {
        "media": [{"file": one.file, "alt": {language: "क" * 300 for language in languages}}],
        "posts": {language: {"facebook": "x" * 1000} for language in languages},
    }
    with pytest.raises(InvalidInput) as refused:
        wiring.campaigns().change(STAFF["editor"], campaign, {where: words[where]})
    assert refused.value.errors[0].code == "campaign_too_long"
