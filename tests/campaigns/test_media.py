"""Media of campaigns: known by their bytes, without place and time, kept under their hash."""

import hashlib
import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib import films
from chalicelib.campaigns.media import LARGEST, Medium, known, media_faults, told
from chalicelib.errors import InvalidInput
from tests.voices.test_pictures import SECRET, exif, photo

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


def box(name, *parts):
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, name) + body


def handler(kind):
    return box(
        b"mdia", box(b"mdhd", bytes(4), b"TIME" * 2, bytes(12)), box(b"hdlr", bytes(8), kind, bytes(13))
    )


def film(*, brand=b"isom", beside=b"", within=b""):
    sound = box(b"trak", box(b"tkhd", bytes(4), b"TIME" * 2, bytes(72)), handler(b"soun"))
    where = box(b"trak", handler(b"meta"), box(b"udta", SECRET))
    head = box(b"mvhd", bytes(4), b"TIME" * 2, bytes(88))
    moov = box(b"moov", head, sound, where, box(b"udta", box(b"\xa9xyz", SECRET)), within)
    return box(b"ftyp", brand, bytes(4), b"mp42") + moov + box(b"mdat", b"the film itself") + beside


@pytest.mark.parametrize(
    ("content", "ending"),
    [(photo("JPEG"), "jpg"), (photo("PNG"), "png"), (photo("WEBP"), "webp"), (film(), "mp4"), (PDF, "pdf")],
)
def test_a_file_is_known_by_its_bytes_and_named_by_their_hash(content, ending):
    found = known(content, "x")
    assert found.ending == ending
    assert found.file == f"{hashlib.sha256(found.content).hexdigest()}.{ending}"
    again = known(found.content, "x")
    assert again == found, "what was cleaned is clean"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MZ\x90\x00",
        b"<svg onload=alert(1)>",
        b"<!doctype html><script>",
        b"GIF89a" + bytes(40),
        b"PK\x03\x04" + bytes(40),
        b"\xff\xd8\xff" + bytes(40),
        b"%PDF-1.7 and no end",
        film(brand=b"qt  "),
        film(brand=b"heic"),
        film()[:-4],
        box(b"ftyp", b"isom", bytes(4)) + box(b"mdat", b"no moov"),
        film() + b"trailing",
    ],
)
def test_what_is_none_of_them_is_refused_whatever_it_calls_itself(content):
    with pytest.raises(InvalidInput) as refused:
        known(content, "media_file")
    assert (refused.value.errors[0].field, refused.value.errors[0].code) == ("media_file", "media_type")


def test_each_kind_has_its_own_bound():
    with pytest.raises(InvalidInput) as refused:
        known(PDF[:9] + bytes(LARGEST["pdf"]) + PDF[9:], "x")
    assert refused.value.errors[0].code == "media_too_large"
    long = film() + box(b"mdat", bytes(LARGEST["mp4"]))
    with pytest.raises(InvalidInput) as refused:
        known(long, "x")
    assert refused.value.errors[0].params == {"most": 16}
    beginning = (PDF + bytes(LARGEST["mp4"]))[: LARGEST["mp4"] + 1]
    with pytest.raises(InvalidInput) as refused:
        known(beginning, "x")  # no more than this is read of what is larger than anything
    assert refused.value.errors[0].code == "media_too_large"


def test_place_and_time_of_a_photograph_are_gone():
    taken = photo("JPEG", exif=exif())
    assert SECRET in taken
    assert SECRET not in known(taken, "x").content


def test_of_a_film_place_time_and_what_hides_beside_it_go_and_nothing_moves():
    taken = film(beside=box(b"uuid", SECRET) + box(b"free", SECRET) + box(b"XMP_", SECRET))
    cleaned = films.clean(taken)
    assert (len(cleaned), SECRET in cleaned, b"TIME" in cleaned) == (len(taken), False, False)
    assert cleaned.index(b"the film itself") == taken.index(b"the film itself")
    assert b"soun" in cleaned and b"mvhd" in cleaned
    assert films.clean(cleaned) == cleaned


def test_a_wide_box_is_emptied_as_well():
    wide = struct.pack(">I4sQ", 1, b"uuid", 16 + len(SECRET)) + SECRET
    cleaned = films.clean(film(beside=wide))
    assert SECRET not in cleaned
    assert films.clean(cleaned) == cleaned


def wide_box(name, *parts):
    body = b"".join(parts)
    return struct.pack(">I4sQ", 1, name, len(body) + 16) + body


def test_what_lies_in_wide_boxes_is_found_as_well():
    head = wide_box(b"mvhd", bytes(4), b"TIME" * 2, bytes(88))
    where = wide_box(b"trak", handler(b"meta"), box(b"udta", SECRET))
    moov = wide_box(b"moov", head, where, wide_box(b"udta", SECRET))
    taken = box(b"ftyp", b"isom", bytes(4)) + moov + box(b"mdat", b"the film itself")
    cleaned = films.clean(taken)
    assert (len(cleaned), SECRET in cleaned, b"TIME" in cleaned) == (len(taken), False, False)
    assert films.clean(cleaned) == cleaned


def nested(depth):
    inner = b""
    for _ in range(depth):
        inner = box(b"moov", inner)
    return inner


@pytest.mark.parametrize(
    "within",
    [
        struct.pack(">I4sQ", 1, b"udta", 8),
        struct.pack(">I4sQ", 1, b"udta", 15),
        nested(3000),
        box(b"free") * 200_000,
        box(b"mvhd", bytes(5)),
    ],
    ids=["a wide box without room for its head", "nearly", "boxes in boxes", "too many", "a short head"],
)
def test_a_film_that_is_built_to_choke_its_reader_is_refused(within):
    with pytest.raises(films.NoFilm):
        films.clean(film(within=within))


def test_a_short_head_at_the_end_does_not_make_a_film_longer():
    moov = box(b"moov", box(b"mvhd", bytes(5)))
    with pytest.raises(films.NoFilm):
        films.clean(box(b"ftyp", b"isom", bytes(4)) + box(b"mdat", b"x") + moov)


def test_another_file_looks_other_to_who_decides():
    one, other = (Medium(file=f"{'a' * 8}{letter * 56}.jpg") for letter in "bc")
    assert told([one], {}) != told([other], {})


@given(st.integers(0, len(film()) - 1), st.binary(min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_a_spoiled_film_is_refused_or_keeps_its_length(at, by):
    spoiled = film()[:at] + by + film()[at + len(by) :]
    with suppress(films.NoFilm):
        assert len(films.clean(spoiled)) == len(spoiled)


@pytest.mark.parametrize(
    "name",
    ["../letters/a.pdf", "a" * 64 + ".html", "A" * 64 + ".jpg", "a" * 64, "x" * 3000],
)
def test_a_file_has_no_other_name_than_ours(name):
    with pytest.raises(ValueError):  # noqa: PT011 - pydantic's
        Medium(file=name)


def test_who_cannot_see_or_hear_finds_words_for_each_picture_and_film():
    files = [Medium(file=f"{'a' * 64}.{ending}") for ending in ("jpg", "mp4", "pdf")]
    found = [(one.field, one.message) for one in media_faults(files)]
    assert [field for field, _ in found] == ["media.0.alt", "media.1.alt"]
    assert "in the picture" in found[0][1]
    assert "whether it has captions" in found[1][1]
    assert media_faults(one.model_copy(update={"alt": {"hi": "x"}}) for one in files) == []
