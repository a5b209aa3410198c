"""Pictures without place, time and phone: Pillow, which the application does not carry, is the judge."""

import io
import struct
import time
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from chalicelib.pictures import LARGEST, NoPicture, clean

SECRET = b"26.8467N 80.9462E"
"""What must not be found in any byte of the outcome."""
FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def exif(orientation=1):
    made = Image.Exif()
    made[0x0112] = orientation
    made[0x010F] = "NamunaPhone " + SECRET.decode()
    gps = made.get_ifd(0x8825)
    gps[1], gps[2], gps[29] = "N", (26.0, 50.0, 48.12), "2026:01:31"
    made.get_ifd(0x9286)
    return made


def photo(kind="JPEG", size=(48, 32), mode="RGB", **more):
    image = Image.linear_gradient("L").resize(size).convert(mode)
    image.putpixel((1, 1), 200 if mode == "L" else (200, 10, 90, 128)[: len(mode)])
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def pixels(content):
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        return image.size, image.convert("RGBA").tobytes()


def exif_of(content):
    with Image.open(io.BytesIO(content)) as image:
        return dict(image.getexif())


def with_app(content, marker, body):
    return content[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + content[2:]


def with_png_chunk(content, name, body):
    chunk = struct.pack(">I4s", len(body), name) + body + struct.pack(">I", zlib.crc32(name + body))
    return content[:33] + chunk + content[33:]


@pytest.mark.parametrize("kind", FORMATS)
def test_place_and_phone_go_and_every_pixel_stays(kind):
    given = photo(kind, exif=exif(), **({"lossless": True} if kind == "WEBP" else {}))
    assert SECRET in given
    cleaned = clean(given)
    assert cleaned.content_type == FORMATS[kind]
    assert SECRET not in cleaned.content
    assert exif_of(cleaned.content) == {}
    assert pixels(cleaned.content) == pixels(given)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_of_exif_only_which_side_is_up_stays(orientation):
    cleaned = clean(photo(exif=exif(orientation)))
    assert exif_of(cleaned.content) == {0x0112: orientation}
    assert SECRET not in cleaned.content


@pytest.mark.parametrize(
    "given",
    [
        photo(progressive=True, size=(300, 200)),
        photo(mode="L"),
        photo(mode="CMYK"),
        photo(quality=100, subsampling=0, size=(511, 257)),
        photo(restart_marker_blocks=1, size=(200, 100)),
        photo("PNG", mode="RGBA"),
        photo("PNG", mode="L"),
        photo("PNG").replace(b"", b""),
        photo("WEBP", mode="RGBA"),
        photo("WEBP", quality=40),
        photo("WEBP", mode="RGBA", lossless=True),
    ],
    ids=lambda content: content[:4].hex(),
)
def test_every_way_to_write_a_picture_keeps_its_pixels(given):
    assert pixels(clean(given).content) == pixels(given)


@pytest.mark.parametrize("marker", [*range(0xE1, 0xF0), 0xFE])
def test_no_application_segment_or_comment_of_a_jpeg_stays(marker):
    given = with_app(photo(), marker, b"xmp or anything " + SECRET)
    cleaned = clean(given)
    assert SECRET not in cleaned.content
    assert pixels(cleaned.content) == pixels(photo())


@pytest.mark.parametrize("name", [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME", b"prVt", b"acTL", b"iCCP"])
def test_no_other_chunk_of_a_png_stays(name):
    cleaned = clean(with_png_chunk(photo("PNG"), name, b"Location\0" + SECRET))
    assert SECRET not in cleaned.content
    assert pixels(cleaned.content) == pixels(photo("PNG"))


def test_what_a_program_writes_into_a_png_goes():
    text = PngImagePlugin.PngInfo()
    text.add_text("Location", SECRET.decode())
    text.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    assert SECRET not in clean(photo("PNG", pnginfo=text)).content


def test_colour_profile_and_xmp_go():
    for kind in FORMATS:
        given = photo(kind, icc_profile=b"\0" * 36 + SECRET, xmp=b"<x>" + SECRET + b"</x>")
        assert SECRET not in clean(given).content


@pytest.mark.parametrize("kind", FORMATS)
def test_what_hangs_on_behind_the_picture_goes(kind):
    """A film behind a photo, a second picture, a whole archive."""
    cleaned = clean(photo(kind) + b"ftypmp4 " + SECRET + photo(kind, exif=exif()))
    assert SECRET not in cleaned.content
    assert cleaned.content == clean(photo(kind)).content


@pytest.mark.parametrize("kind", FORMATS)
def test_cleaning_a_clean_picture_changes_nothing(kind):
    once = clean(photo(kind, exif=exif(6)))
    assert clean(once.content) == once


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"GIF89a" + bytes(50),
        b"%PDF-1.7",
        b"<svg onload='x'/>",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x10\0\0\0WAVEfmt " + bytes(30),
        b"RIFF",
        photo()[:100],
        photo("PNG")[:-20],
        photo("WEBP")[:-20],
        photo("PNG").replace(b"IDAT", b"IDAX"),
        b"\xff\xd8\xff" + b"x" * LARGEST,
    ],
    ids=lambda content: f"{content[:8].hex()}-{len(content)}",
)
def test_what_is_no_whole_picture_is_refused(given):
    with pytest.raises(NoPicture):
        clean(given)


def test_a_jpeg_that_was_cut_off_in_its_last_scan_is_taken():
    given = photo(size=(600, 400), quality=100)
    assert clean(given[: len(given) * 2 // 3]).content.endswith(b"\xff\xd9")


def test_a_long_row_of_fill_bytes_is_read_once():
    whole = photo()
    scan = whole.index(b"\xff\xda") + 14
    began = time.process_time()
    cleaned = clean(whole[:scan] + b"\xff" * 50_000 + b"\0" + whole[scan:-2] + b"\xff" * 50_000 + b"\xff\xd9")
    assert time.process_time() - began < 1
    assert cleaned.content.endswith(whole[-20:])


def test_a_small_file_that_claims_a_giant_picture_is_refused():
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 13, b"IHDR") + header
    with pytest.raises(NoPicture):
        clean(png + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + photo("PNG")[33:])
    jpeg = photo()
    at = jpeg.index(b"\xff\xc0") + 5
    with pytest.raises(NoPicture):
        clean(jpeg[:at] + struct.pack(">HH", 65_000, 65_000) + jpeg[at + 4 :])
    webp = photo("WEBP", mode="RGBA")
    at = webp.index(b"VP8X") + 12
    with pytest.raises(NoPicture):
        clean(webp[:at] + b"\xff" * 6 + webp[at + 6 :])


def test_an_animation_is_refused():
    out = io.BytesIO()
    first = Image.new("RGB", (8, 8))
    first.save(out, "WEBP", save_all=True, append_images=[Image.new("RGB", (8, 8), "red")], duration=100)
    with pytest.raises(NoPicture):
        clean(out.getvalue())


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(FORMATS)), st.data())
def test_spoiled_bytes_give_a_picture_or_a_refusal_never_another_error(kind, data):
    content = bytearray(photo(kind, exif=exif(6)))
    for at, byte in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=6)
    ):
        content[at] = byte
    end = data.draw(st.integers(0, len(content)))
    try:
        cleaned = clean(bytes(content[:end]))
    except NoPicture:
        return
    assert clean(cleaned.content) == cleaned
