"""Figures that callbacks tell and people declare, and the pictures that show them."""

from __future__ import annotations

import random
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from datetime import timedelta

import boto3
import pytest
from pydantic import ValidationError

from chalicelib.errors import InvalidInput, TooManyRequests
from chalicelib.events.catalog import PostSubmitted
from chalicelib.files import Files
from chalicelib.metrics.figures import Value
from chalicelib.metrics.measuring import WORDS_A_DAY, Declared, Measuring, NotMeasured
from chalicelib.metrics.model import Post
from chalicelib.metrics.snapshots import FiguresItem, Snapshots, close
from chalicelib.metrics.store import PostStore
from chalicelib.ops import RateLimits
from chalicelib.platforms.base import Measured
from chalicelib.uploads import LARGEST, OF_A_FORM, Uploads
from tests.dispatch.world import START, MovingClock
from tests.influencers.world import KnownSecrets

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PNG = b"\x89PNG\r\n\x1a\n" + b"sample" * 10


class World:
    def __init__(self) -> None:
        where = {"LocationConstraint": boto3.client("s3").meta.region_name}
        boto3.client("s3").create_bucket(Bucket="files", CreateBucketConfiguration=where)
        self.clock, self.store, self.files = MovingClock(), Snapshots(), Files("files")
        limits = RateLimits(self.clock)
        self.uploads = Uploads(self.files, limits, self.clock)
        self.measuring = Measuring(self.store, self.files, self.uploads, limits, self.clock)
        posts = PostStore(KnownSecrets().keyed_hash)
        self.post = Post.model_validate(
            {
                "id": posts.id_of("youtube", "v1"),
                "rev": 1,
                "platform": "youtube",
                "native_id": "v1",
                "url": "https://youtu.be/v1",
                "person": "inf_one",
                "handed_in_at": START,
                "evidence": "x",
            }
        )
        assert posts.add(self.post, PostSubmitted(post_id=self.post.id, platform="youtube"))
        self.clock.move(10 * 86400)

    def tell(self, at, **figures: int) -> None:
        self.measuring.told(self.post.id, Measured("d", "v1", figures, at), self.clock.now())  # type: ignore[arg-type]

    def declare(self, at=None, by: str = "inf_one", screenshot: str = "", **figures: int):
        word = {"figures": figures, "measured_at": at or self.clock.now(), "screenshot": screenshot}
        return self.measuring.declare(self.post, by, Declared.model_validate(word))

    def posted(self, body: bytes = PNG, owner: str = "inf_one", content_type: str = "image/png") -> str:
        place = self.uploads.place(owner, content_type)  # type: ignore[arg-type]
        assert post_form(place.upload.url, place.upload.fields, body) < 300
        return place.key


def post_form(url: str, fields: Mapping[str, str], body: bytes) -> int:
    line = uuid.uuid4().hex
    parts = [
        f'--{line}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{line}\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'.encode()
    packed = b"".join(parts) + head + body + f"\r\n--{line}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={line}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, packed, headers), timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


@pytest.fixture
def world(tables: object) -> World:
    return World()


def test_callbacks_in_any_order_and_repeated_leave_the_newest_of_each_metric(world):
    hourly = [{"views": 1}, {"views": 12, "likes": 1}, {"views": 9}]
    told = [(START + hours * HOUR, figures) for hours, figures in enumerate(hourly)]
    for at, figures in random.Random(1).sample(told * 3, 9):
        world.tell(at, **figures)
    assert world.measuring.of_post(world.post.id).verified == {
        "views": Value(START + 2 * HOUR, 9),
        "likes": Value(START + HOUR, 1),
    }
    history = world.measuring.history(world.post.id)
    assert [one.figures for one in history] == hourly


def test_what_is_told_of_a_post_that_nobody_has_handed_in_goes_after_90_days_with_its_history(world):
    world.measuring.told("pst_none", Measured("d", "v2", {"views": 1}, world.clock.now()), world.clock.now())
    world.tell(world.clock.now(), views=1)

    def ends(post_id):
        return {item.sk: item.expires for item in FiguresItem.query(post_id)}

    until = int(world.clock.epoch()) + 90 * 86400
    assert set(ends("pst_none").values()) == {until}
    assert len(ends("pst_none")) == 2
    assert set(ends(world.post.id).values()) == {None}


def test_a_callback_without_a_time_was_measured_when_it_came_and_none_in_the_future(world):
    world.tell(None, views=5)
    world.tell(world.clock.now() + DAY, likes=5)
    found = world.measuring.of_post(world.post.id).verified
    assert {value.at for value in found.values()} == {world.clock.now()}


def test_what_a_callback_cannot_tell_is_no_data_and_writes_nothing(world):
    before = FiguresItem.get(world.post.id, "figures").rev
    world.tell(START, views=-1)
    assert world.measuring.of_post(world.post.id).verified == {}
    assert (FiguresItem.get(world.post.id, "figures").rev, world.measuring.history(world.post.id)) == (
        before,
        [],
    )


def test_a_creators_word_is_declared_beside_what_the_platform_told(world):
    world.tell(START, views=5)
    after = world.declare(views=900, saves=3)
    assert (after.verified["views"].number, after.declared["views"].number) == (5, 900)
    assert after.due_at is not None
    [_, word] = world.measuring.history(world.post.id)
    assert (word.grade, word.figures, word.by) == ("declared", {"views": 900, "saves": 3}, "inf_one")


def test_an_older_word_that_comes_later_changes_no_figure(world):
    world.declare(world.clock.now(), views=900)
    after = world.declare(world.clock.now() - DAY, views=800, likes=2)
    assert (after.declared["views"].number, after.declared["likes"].number) == (900, 2)
    assert [one.figures["views"] for one in world.measuring.history(world.post.id)] == [800, 900]


@pytest.mark.parametrize(
    "word",
    [
        {"figures": {}},
        {"figures": {"stars": 1}},
        {"figures": {"views": -1}},
        {"figures": {"views": 10**16}},
        {"figures": {"views": "many"}},
        {"measured_at": "2026-11-02T10:00:00"},
        {"more": 1},
    ],
)
def test_a_word_that_cannot_be_right_is_refused(word):
    with pytest.raises(ValidationError):
        Declared.model_validate({"figures": {"views": 1}, "measured_at": "2026-11-02T10:00:00Z"} | word)


def test_figures_of_tomorrow_or_of_before_the_post_are_refused(world):
    with pytest.raises(InvalidInput, match="correct"):
        world.declare(world.clock.now() + HOUR, views=1)
    world.store.change(
        world.post.id,
        lambda known: type(known)(**{**vars(known), "published_at": START - DAY}),
        START,
    )
    with pytest.raises(InvalidInput) as refused:
        world.declare(START - 2 * DAY, views=1)
    assert refused.value.errors[0].code == "before_post"
    world.declare(START - HOUR, views=1)


def test_nobody_declares_without_end(world):
    for n in range(WORDS_A_DAY):
        world.declare(views=n)
    with pytest.raises(TooManyRequests):
        world.declare(views=1)


def test_of_a_post_whose_person_has_left_nothing_more_is_noted(world):
    close(world.post.id)
    world.tell(START, views=5)
    with pytest.raises(NotMeasured):
        world.declare(views=1)
    assert world.measuring.of_post(world.post.id).verified == {}


def test_a_word_that_comes_while_its_person_leaves_keeps_neither_their_name_nor_their_screenshot(
    world, monkeypatch
):
    key, keep = world.posted(), world.uploads.keep

    def leaving(*given):
        close(world.post.id)
        return keep(*given)

    monkeypatch.setattr(Uploads, "keep", lambda _, *given: leaving(*given))
    with pytest.raises(NotMeasured):
        world.declare(views=900, screenshot=key)
    assert [(one.by, one.screenshot) for one in world.measuring.history(world.post.id)] == [("", "")]
    left = boto3.client("s3").list_objects_v2(Bucket="files", Prefix="screenshots/")
    assert left["KeyCount"] == 0


def test_a_screenshot_is_kept_with_the_word_and_shown_by_a_link(world):
    key = world.posted()
    after = world.declare(views=900, screenshot=key)
    assert after.screenshot.startswith(f"screenshots/{world.post.id}/upl_")
    with urllib.request.urlopen(world.measuring.link(after.screenshot), timeout=60) as answer:
        assert answer.read() == PNG
    assert world.measuring.link("") == ""
    again = world.declare(views=900, screenshot=key)
    assert again.screenshot == after.screenshot


def test_an_older_word_does_not_change_the_screenshot(world):
    newer = world.declare(views=900, screenshot=world.posted()).screenshot
    after = world.declare(world.clock.now() - DAY, views=800, screenshot=world.posted())
    assert after.screenshot == newer


def shown(world) -> list[str]:
    found = boto3.client("s3").list_objects_v2(Bucket="files", Prefix="screenshots/")
    return [str(one["Key"]) for one in found.get("Contents", [])]


def test_a_screenshot_that_nothing_names_any_more_is_deleted(world):
    for minutes in (0, 1, -1):
        at = world.clock.now() + timedelta(minutes=minutes)
        last = world.declare(at, views=900 + minutes, screenshot=world.posted())
    assert shown(world) == [last.screenshot]
    assert [one.figures for one in world.measuring.history(world.post.id)] == [{"views": 901}]


@pytest.mark.parametrize("content_type", ["image/png", "image/jpeg", "image/webp"])
def test_pictures_are_known_by_their_bytes_and_not_by_their_name(world, content_type):
    bodies = {"image/png": PNG, "image/jpeg": b"\xff\xd8\xff\xe0rest", "image/webp": b"RIFF\n\0\0\0WEBPVP8 "}
    good = world.posted(bodies[content_type], content_type=content_type)
    assert world.declare(views=1, screenshot=good).screenshot
    others = [body for kind, body in bodies.items() if kind != content_type]
    for body in (b"<script>alert(1)</script>", b"\x89PN", *others):
        with pytest.raises(InvalidInput) as refused:
            world.declare(views=2, screenshot=world.posted(body, content_type=content_type))
        assert refused.value.errors[0].code == "upload_no_picture"
    assert world.measuring.of_post(world.post.id).declared["views"].number == 1


def test_somebody_elses_upload_or_any_other_object_is_refused(world):
    world.files.put("callbacks/secret.png", PNG)
    theirs = world.posted(owner="inf_two")
    missing = world.uploads.place("inf_one", "image/png").key
    odd = ["callbacks/secret.png", "uploads/inf_one/../inf_two/x.png", "uploads/inf_one/"]
    for key in (theirs, missing, *odd):
        with pytest.raises(InvalidInput) as refused:
            world.declare(views=1, screenshot=key)
        assert refused.value.errors[0].code == "upload_missing"


def test_a_picture_that_is_too_large_is_refused(world):
    key = world.uploads.place("inf_one", "image/png").key
    world.files.put(key, PNG + b"x" * LARGEST)  # S3 itself refuses the form
    with pytest.raises(InvalidInput) as refused:
        world.declare(views=1, screenshot=key)
    assert refused.value.errors[0].code == "upload_no_picture"


def test_an_upload_is_signed_for_one_type_one_place_and_a_size(world, monkeypatch):
    import base64
    import json

    place = world.uploads.place("inf_one", "image/png")
    policy = json.loads(base64.b64decode(place.upload.fields["policy"]))
    assert ["content-length-range", 1, LARGEST] in policy["conditions"]
    assert {"Content-Type": "image/png"} in policy["conditions"]
    assert {"key": place.key} in policy["conditions"]
    assert place.expires_at == world.clock.now() + timedelta(minutes=15)


def test_what_is_somewhat_too_large_comes_back_from_a_browsers_form_to_be_told_so(world):
    """Behind an error the store sends nobody back: its own page in English would be the end."""
    import base64
    import json

    place = world.uploads.place("inf_one", "image/png", "https://janjan.example/back")
    policy = json.loads(base64.b64decode(place.upload.fields["policy"]))
    assert ["content-length-range", 1, LARGEST * OF_A_FORM] in policy["conditions"]
    assert place.largest == LARGEST, "the form says what is kept"


def test_nobody_asks_for_uploads_without_end(world):
    with pytest.raises(TooManyRequests):
        for _ in range(100):
            world.uploads.place("inf_one", "image/png")
