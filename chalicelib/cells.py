"""Cells of files that people export from spreadsheets: what is harmless is tidied, what cannot be right is
refused with the column and the reason.

Every function takes the column's name and the cell, and raises InvalidInput with that name as `field`.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from chalicelib.errors import InvalidInput
from chalicelib.names import hides

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"))
_JOINERS = re.compile("[\u200c\u200d]+")
_BEFORE_JOINER = re.compile("[\u0900-\u0dff\u0600-\u06ff]")
"""Scripts of India and Arabic letters: in them a joiner changes what is read (क्‍ष, نہ‌ہو)."""
_LETTER = re.compile(r"[^\W\d_]")
_INDIC_LETTER = re.compile("[\u0900-\u0dff\u0600-\u06ff\uabc0-\uabff\u1c50-\u1c7f]")
"""Of the scripts of the eighth schedule's languages: Arabic, the Brahmic ones, Meitei Mayek, Ol Chiki."""
_BROKEN = re.compile("[\u25cc\ue000-\uf8ff\ufffd\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\\?{3,}")
"""Dotted circle, private use, replacement character, control characters, a run of question marks: what is
left of text that was taken from a PDF or through a wrong encoding."""
_GROUPED = re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}")
_WHOLE = re.compile(r"[0-9]{1,15}")
_FLOAT_OF_WHOLE = re.compile(r"(\d+)\.0+")
_ROUNDED = re.compile(r"\d+(?:\.\d+)?[eE]\+?\d+")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_DATES = ("%Y-%m-%d", "%d-%m-%Y", "%d/%m/%Y", "%d.%m.%Y")

EMPTY = "Please fill in this field."
NO_NUMBER = "Please write a whole number."
HIDDEN = "The text holds hidden characters. Please type it again."
ROUNDED = "The spreadsheet has rounded this number (%(given)s). Make the column text and export it again."


def tidy(cell: str) -> str:
    """The cell composed (NFC), without stray spaces, marks of direction, byte-order marks and zero-width
    spaces. Joiners stay where they are part of the spelling: behind a letter of an Indian script."""
    if cell.isascii():  # most cells: there is nothing to look for
        return " ".join(cell.split())
    text = unicodedata.normalize("NFC", cell.translate(_INVISIBLE))
    text = _JOINERS.sub(lambda found: _joiner(text, found), text)
    return " ".join(text.split())


def _joiner(text: str, found: re.Match[str]) -> str:
    inside = found.start() > 0 and bool(text[found.end() : found.end() + 1].strip())
    return found[0][0] if inside and _BEFORE_JOINER.match(text[found.start() - 1]) else ""


def name(field: str, cell: str, language: str = "en", *, longest: int = 120) -> str:
    """A name or other short text, tidied; empty for an empty cell.

    In a language with a script of its own, Latin letters alone are refused: they are what old fonts such as
    KrutiDev leave. In any language what a PDF or a wrong encoding has broken is refused.
    """
    text = tidy(cell)
    if not text:
        return ""
    if _BROKEN.search(text) or _dangling(text):
        sentence = "This text is broken: it was copied from a PDF or saved in a wrong encoding."
        raise InvalidInput.of(field, "text_broken", sentence)
    if hides(text):
        raise InvalidInput.of(field, "hidden_characters", HIDDEN)
    if language != "en" and not _INDIC_LETTER.search(text) and _LETTER.search(text):
        sentence = (
            "This column is to be in its own script, and here are Latin letters: perhaps an old font such as "
            "KrutiDev. Convert it to Unicode."
        )
        raise InvalidInput.of(field, "not_in_script", sentence)
    if len(text) > longest:
        sentence = "This is too long: at most %(max_length)s characters."
        raise InvalidInput.of(field, "string_too_long", sentence, max_length=longest)
    return text


def _dangling(text: str) -> bool:
    """Whether a vowel sign or virama stands where no letter carries it: at a word's beginning. (A sign
    typed twice looks like one, and stands in real names.)"""
    before = " "
    for character in text:
        if character in "\u200c\u200d":
            continue
        mark = unicodedata.category(character) in ("Mn", "Mc")
        if mark and before in " -(/.,":
            return True
        before = character
    return False


def required(field: str, cell: str | None) -> str:
    """The cell, which may not be empty."""
    if not (cell or "").strip():
        raise InvalidInput.of(field, "missing", EMPTY)
    return cell or ""


def digits(field: str, cell: str) -> str:
    """A code or a phone number as it is meant: `9876543210.0`, as spreadsheets write it, without its `.0`;
    digits of any script as 0 to 9. What was rounded (`9.87654E+09`) is refused."""
    if cell.isascii() and cell.isdigit():  # as most are
        return cell
    text = _plain_digits(tidy(cell))
    if _ROUNDED.fullmatch(text):
        raise InvalidInput.of(field, "number_rounded", ROUNDED, given=text)
    whole = _FLOAT_OF_WHOLE.fullmatch(text)
    return whole[1] if whole else text


def whole_number(field: str, cell: str, *, most: int = 10**12) -> int | None:
    """A number of people, votes …: `1350`, `1,350`, `1350.0`, `१३५०`; None for an empty cell. Refused are
    fractions, what is below zero, what was rounded, and what is above `most`."""
    text = digits(field, cell)
    if not text:
        return None
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    if not _WHOLE.fullmatch(text):
        raise InvalidInput.of(field, "int_parsing", NO_NUMBER)
    if int(text) > most:
        raise InvalidInput.of(field, "less_than_equal", "The most that is allowed is %(le)s.", le=most)
    return int(text)


def day(field: str, cell: str) -> date | None:
    """A day: `2023-04-07`, or as India writes it `07-04-2023`, `07/04/2023`, `07.04.2023`; None for an empty
    cell."""
    text = _plain_digits(tidy(cell))
    if not text:
        return None
    for pattern in _DATES:
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    sentence = "Please write a date as year-month-day, such as 1995-08-15."
    raise InvalidInput.of(field, "date_parsing", sentence)


def safe(cell: str) -> str:
    """The cell for a file that a spreadsheet will open: what it would run as a formula becomes text (OWASP,
    CSV injection)."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV for spreadsheets: with a byte-order mark, without which they take Hindi for
    Latin, and with `safe` texts."""
    text = io.StringIO("\ufeff")
    text.seek(1)
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([safe(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue()


def _plain_digits(text: str) -> str:
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
