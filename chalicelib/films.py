"""Short videos (MP4) without what they tell of their maker: place, time, phone. No I/O.

In place: what is not the film itself becomes free space of the same length, so that nothing else moves.
ISO/IEC 14496-12 (boxes); what a track holds in its samples stays as it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

BRANDS = frozenset((b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V "))
"""Of the kinds that every phone plays; QuickTime's own (`qt  `) and pictures (`heic`) are none of them."""
FILM = frozenset((b"ftyp", b"styp", b"moov", b"mdat", b"moof", b"mfra", b"sidx"))
TOLD = frozenset((b"udta", b"meta", b"uuid", b"free", b"skip"))
"""Where phones write place, model and names, and where anything may lie."""
TIMES = frozenset((b"mvhd", b"tkhd", b"mdhd"))
WITHIN = frozenset((b"moov", b"trak", b"mdia", b"minf", b"moof", b"traf"))
SEEN_AND_HEARD = frozenset((b"vide", b"soun", b"text", b"sbtl", b"subt", b"clcp"))
_HEAD = 8


class NoFilm(ValueError):
    """Not a video that we take."""


def clean(content: bytes) -> bytes:
    """The same film without place, time and names. Raises NoFilm."""
    film = bytearray(content)
    try:
        boxes = list(_boxes(film, 0, len(film)))
        if not boxes or boxes[0][0] != b"ftyp" or content[8:12] not in BRANDS:
            raise NoFilm
        names = {name for name, _, _ in boxes}
        if not {b"moov", b"mdat"} <= names:
            raise NoFilm
        for name, begin, end in boxes:
            if name in FILM:
                _cleaned(film, name, begin, end)
            else:
                _emptied(film, begin, end)
    except (struct.error, IndexError) as cut_short:
        raise NoFilm from cut_short
    return bytes(film)


def _boxes(film: bytearray, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, begin and end of each box; they fill their place to its end."""
    while at < end:
        size, name = struct.unpack_from(">I4s", film, at)
        if size == 1:
            (size,) = struct.unpack_from(">Q", film, at + _HEAD)
        elif size == 0:
            size = end - at
        if size < _HEAD or at + size > end:
            raise NoFilm
        yield name, at, at + size
        at += size


def _cleaned(film: bytearray, name: bytes, begin: int, end: int) -> None:
    if name in TIMES:
        wide = 8 if film[begin + _HEAD] else 4
        film[begin + _HEAD + 4 : begin + _HEAD + 4 + 2 * wide] = bytes(2 * wide)
    if name not in WITHIN:
        return
    for inner, at, to in list(_boxes(film, begin + _HEAD, end)):
        if inner in TOLD or inner == b"trak" and _handler(film, at, to) not in SEEN_AND_HEARD:
            _emptied(film, at, to)
        else:
            _cleaned(film, inner, at, to)


def _handler(film: bytearray, begin: int, end: int) -> bytes:
    """What a track holds, in four letters."""
    for name, at, to in _boxes(film, begin + _HEAD, end):
        if name == b"mdia":
            for inner, place, _ in _boxes(film, at + _HEAD, to):
                if inner == b"hdlr":
                    return bytes(film[place + 16 : place + 20])
    return b""


def _emptied(film: bytearray, begin: int, end: int) -> None:
    head = 16 if film[begin + 3] == 1 and film[begin : begin + 3] == bytes(3) else _HEAD
    film[begin + 4 : begin + _HEAD] = b"free"
    film[begin + head : end] = bytes(end - begin - head)
