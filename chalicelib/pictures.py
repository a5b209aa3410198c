"""Pictures without what they tell of their maker: place, time, phone, names. No I/O.

Losslessly: the file is written anew from the parts that hold the picture itself, and from nothing else
(decisions/pictures.md). An allow-list: a part that is not known is left out, and so is whatever follows the
picture's end.
JPEG: https://www.w3.org/Graphics/JPEG/itu-t81.pdf (annex B); PNG: https://www.w3.org/TR/png-3/;
WebP: https://developers.google.com/speed/webp/docs/riff_container
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.errors import InvalidInput

LARGEST = 5 * 1024 * 1024
"""Bytes."""
MOST_PIXELS = 50_000_000
"""What the largest phones make; a small file that claims more would choke whoever opens it."""
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


class NoPicture(InvalidInput):
    """Not a picture that we take."""

    def __init__(self) -> None:
        wrong = InvalidInput.of(
            "picture",
            "upload_no_picture",
            "Please upload a picture: PNG, JPEG or WebP, at most %(most)s MB.",
            most=LARGEST // 1024 // 1024,
        )
        super().__init__(wrong.errors)


@dataclass(frozen=True)
class Picture:
    content: bytes
    content_type: str

    @property
    def ending(self) -> str:
        return ENDINGS[self.content_type]


def clean(content: bytes) -> Picture:
    """The same picture, pixel for pixel and the right way up, without anything else that the file held.
    Raises NoPicture."""
    if len(content) > LARGEST:
        raise NoPicture
    for begins, content_type, cleaned in (
        (b"\xff\xd8\xff", "image/jpeg", _jpeg),
        (b"\x89PNG\r\n\x1a\n", "image/png", _png),
        (b"RIFF", "image/webp", _webp),
    ):
        if content.startswith(begins):
            try:
                return Picture(cleaned(content), content_type)
            except (struct.error, IndexError) as cut_short:
                raise NoPicture from cut_short
    raise NoPicture


def _sized(width: int, height: int) -> None:
    if not 0 < width * height <= MOST_PIXELS:
        raise NoPicture


# --- JPEG --------------------------------------------------------------------------------------------------

SOI, EOI, SOS, APP0, APP1, APP14 = b"\xff\xd8", b"\xff\xd9", 0xDA, 0xE0, 0xE1, 0xEE
FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDD})
"""Huffman, arithmetic, quantisation, restart interval."""
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""In coded data: neither a stuffed byte nor a restart. The caller takes the fill bytes before it: looked for
here, a long row of them would be read again from each of them."""
JFIF = struct.pack(">5sHBHHBB", b"JFIF\0", 0x0101, 0, 1, 1, 0, 0)
ADOBE = re.compile(rb"Adobe..(?:..)(?:..)(.)", re.DOTALL)
ORIENTATION = 0x0112


def _jpeg(content: bytes) -> bytes:
    kept, turned, frame = [SOI], 1, False
    for marker, body, coded in _segments(content):
        if marker == APP1 and turned == 1:
            turned = _orientation(body)
        elif marker == APP14 and (transform := ADOBE.match(body)):  # how the colours are to be read
            kept.append(_segment(APP14, b"Adobe\0\x64\0\0\0\0" + transform[1]))
        elif marker in FRAMES:
            height, width = struct.unpack_from(">HH", body, 1)
            _sized(width, height)
            frame = True
            kept.append(_segment(marker, body))
        elif marker in TABLES or marker == SOS:
            kept += [_segment(marker, body), coded]
    if not frame or not kept[-1]:
        raise NoPicture
    way_up = [_segment(APP1, _turned(turned))] if turned != 1 else []
    return b"".join([kept[0], _segment(APP0, JFIF), *way_up, *kept[1:], EOI])


def _segments(content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Marker, body, and the coded data that follows a scan's header; up to the end of the first picture."""
    at = len(SOI)
    while True:
        while content[at] == 0xFF and content[at + 1] == 0xFF:  # noqa: PLR2004 - fill bytes
            at += 1
        if content[at] != 0xFF:  # noqa: PLR2004
            raise NoPicture
        marker = content[at + 1]
        if marker == EOI[1]:
            return
        (length,) = struct.unpack_from(">H", content, at + 2)
        body, at = content[at + 4 : at + 2 + length], at + 2 + length
        if length < 2 or len(body) != length - 2:  # noqa: PLR2004 - the length counts itself
            raise NoPicture
        begin = at
        if marker == SOS:
            ends = _NEXT_MARKER.search(content, at)
            if ends is None:  # cut off, as broken uploads are: there is something to see all the same
                yield marker, body, content[begin:].rstrip(b"\xff")
                return
            at = ends.start()
        yield marker, body, content[begin:at].rstrip(b"\xff")


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _orientation(body: bytes) -> int:
    """The one word of Exif that belongs to the picture: which side is up (1 to 8)."""
    if not body.startswith(b"Exif\0\0"):
        return 1
    tiff = body[6:]
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    try:
        if order is None:
            return 1
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, first)
        for entry in range(entries):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, first + 2 + 12 * entry)
            if tag == ORIENTATION:
                return value if kind == 3 and 1 <= value <= 8 else 1  # noqa: PLR2004 - a SHORT, Exif 4.6.4
    except struct.error:
        return 1
    return 1


def _turned(orientation: int) -> bytes:
    """Exif that says which side is up, and nothing else."""
    return b"Exif\0\0" + struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, ORIENTATION, 3, 1, orientation, 0, 0)


# --- PNG ---------------------------------------------------------------------------------------------------

PNG_PARTS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})


def _png(content: bytes) -> bytes:
    kept, at = [content[:8]], 8
    seen: set[bytes] = set()
    while b"IEND" not in seen:
        length, name = struct.unpack_from(">I4s", content, at)
        body = content[at + 8 : at + 8 + length]
        (told,) = struct.unpack_from(">I", content, at + 8 + length)
        if told != zlib.crc32(name + body) or not seen and name != b"IHDR":
            raise NoPicture
        if name == b"IHDR":
            _sized(*struct.unpack_from(">II", body))
        if name in PNG_PARTS:
            kept.append(content[at : at + 12 + length])
        seen.add(name)
        at += 12 + length
    if b"IDAT" not in seen:
        raise NoPicture
    return b"".join(kept)


# --- WebP --------------------------------------------------------------------------------------------------

WEBP_PARTS = frozenset({b"VP8 ", b"VP8L", b"ALPH"})
ANIMATED, ALPHA = 0x02, 0x10


def _webp(content: bytes) -> bytes:
    if content[8:12] != b"WEBP":
        raise NoPicture
    kept: list[bytes] = []
    for name, body in _chunks(content):
        if name == b"VP8X":
            if body[0] & ANIMATED:
                raise NoPicture
            _sized(int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1)
            kept.append(_chunk(name, bytes([body[0] & ALPHA]) + bytes(3) + body[4:10]))
        elif name in WEBP_PARTS:
            _sized(*_webp_size(name, body))
            kept.append(_chunk(name, body))
            if name != b"ALPH":
                joined = b"WEBP" + b"".join(kept)
                return b"RIFF" + struct.pack("<I", len(joined)) + joined
    raise NoPicture


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at < len(content):
        name, length = struct.unpack_from("<4sI", content, at)
        body = content[at + 8 : at + 8 + length]
        if len(body) != length:
            raise NoPicture
        yield name, body
        at += 8 + length + length % 2


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack("<4sI", name, len(body)) + body + b"\0" * (len(body) % 2)


def _webp_size(name: bytes, body: bytes) -> tuple[int, int]:
    """RFC 6386, 9.1; the lossless bitstream's specification, 3; transparency has the picture's size."""
    if name == b"ALPH":
        return 1, 1
    if name == b"VP8L":
        (bits,) = struct.unpack_from("<I", body, 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", body, 6)
    return width & 0x3FFF, height & 0x3FFF
