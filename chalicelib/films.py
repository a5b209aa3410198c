"""Short videos (MP4) without what they tell of their maker: place, time, phone. No I/O.

In place: what is not the film itself becomes free space of the same length, so that nothing else moves.
ISO/IEC 14496-12 (boxes); what a track holds in its samples stays as it is.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

BRANDS = frozenset((b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V "))
"""Of the kinds that every phone plays; QuickTime's own (`qt  `) and pictures (`heic`) are none of them."""
FILM = frozenset((b"ftyp", b"styp", b"moov", b"mdat", b"moof", b"mfra", b"sidx"))
TOLD = frozenset((b"udta", b"meta", b"uuid", b"free", b"skip"))
"""Where phones write place, model and names, and where anything may lie."""
TIMES = frozenset((b"mvhd", b"tkhd", b"mdhd"))
WITHIN = frozenset((b"moov", b"trak", b"mdia", b"minf", b"moof", b"traf"))
SEEN_AND_HEARD = frozenset((b"vide", b"soun", b"text", b"sbtl", b"subt", b"clcp"))
DEEPEST = 8
"""So many boxes within one another; a track's samples lie at the fifth."""
MOST_BOXES = 10_000
"""Beside one another: some hundreds are usual where a film is cut into fragments."""
_HEAD, _WIDE_HEAD = 8, 16


class NoFilm(ValueError):
    """Not a video that we take."""


class _Box(NamedTuple):
    name: bytes
    begin: int
    inside: int
    """Where what it holds begins: a box whose size has 64 bits has a longer head."""
    end: int


def clean(content: bytes) -> bytes:
    """The same film without place, time and names. Raises NoFilm."""
    film = bytearray(content)
    try:
        boxes = _boxes(film, 0, len(film))
        if not boxes or boxes[0].name != b"ftyp" or content[8:12] not in BRANDS:
            raise NoFilm
        if not {b"moov", b"mdat"} <= {box.name for box in boxes}:
            raise NoFilm
        for box in boxes:
            if box.name in FILM:
                _cleaned(film, box, DEEPEST)
            else:
                _emptied(film, box)
    except (struct.error, IndexError) as cut_short:
        raise NoFilm from cut_short
    return bytes(film)


def _boxes(film: bytearray, at: int, end: int) -> list[_Box]:
    """The boxes from here to there: they fill their place to its end."""
    found: list[_Box] = []
    while at < end:
        head, (size, name) = _HEAD, struct.unpack_from(">I4s", film, at)
        if size == 1:
            head, (size,) = _WIDE_HEAD, struct.unpack_from(">Q", film, at + _HEAD)
        elif size == 0:
            size = end - at
        if size < head or at + size > end or len(found) == MOST_BOXES:
            raise NoFilm
        found.append(_Box(name, at, at + head, at + size))
        at += size
    return found


def _cleaned(film: bytearray, box: _Box, deeper: int) -> None:
    if box.name in TIMES:
        begin, wide = box.inside + 4, 8 if film[box.inside] else 4
        if begin + 2 * wide > box.end:
            raise NoFilm
        film[begin : begin + 2 * wide] = bytes(2 * wide)
    if box.name not in WITHIN:
        return
    if not deeper:
        raise NoFilm
    for one in _boxes(film, box.inside, box.end):
        if one.name in TOLD or one.name == b"trak" and _handler(film, one) not in SEEN_AND_HEARD:
            _emptied(film, one)
        else:
            _cleaned(film, one, deeper - 1)


def _handler(film: bytearray, track: _Box) -> bytes:
    """What a track holds, in four letters."""
    for media in _boxes(film, track.inside, track.end):
        if media.name == b"mdia":
            for one in _boxes(film, media.inside, media.end):
                if one.name == b"hdlr":
                    return bytes(film[one.inside + 8 : one.inside + 12])
    return b""


def _emptied(film: bytearray, box: _Box) -> None:
    film[box.begin + 4 : box.begin + _HEAD] = b"free"
    film[box.inside : box.end] = bytes(box.end - box.inside)
