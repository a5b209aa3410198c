"""A file of rows as people export it: its encoding, its header, and its records, each where it ends.

What cannot be read is an error of its row; the next row is read from the next line on.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.cells import tidy
from chalicelib.errors import FieldError, InvalidInput
from chalicelib.ports import Column

HEADER_BYTES = 65_536
"""So far the header is looked for."""
LONGEST_RECORD = 32_768
"""Characters; a longer one is a quote that nobody closed."""
MOST_LINES = 60
"""Of one record: cells may hold line breaks."""
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_DELIMITERS = (",", "\t", ";", "|")
_NAMED = 25
"""So many of a file's headers are named in an error."""

NOT_TEXT = "This row is not text in %(encoding)s: it was cut or saved in another encoding."
NUL = "This row holds a character that no text has (NUL)."
UNCLOSED = "A quotation mark is opened in this row and never closed."
QUOTES = "The quotation marks of this row do not fit: write one inside a cell as two."
TOO_FEW = "This row has %(given)s cells, and the header %(expected)s: it was cut, or a comma is missing."
TOO_MANY = "This row has %(given)s cells, and the header %(expected)s: put quotation marks around commas."
TOO_LONG = "This row is too long to be one."


@dataclass(frozen=True)
class Layout:
    """How a file is to be read."""

    encoding: str
    newline: str
    delimiter: str
    width: int
    """Cells of the header."""
    places: Mapping[str, int]
    """Where our columns stand."""
    offset: int
    """Bytes before the first row."""
    row: int
    """Number of the header's row, as spreadsheets count."""


@dataclass(frozen=True)
class Row:
    """One record: its number as spreadsheets count, the byte behind it, and its cells or what is wrong."""

    number: int
    end: int
    cells: tuple[str, ...] = ()
    fault: FieldError | None = None

    @property
    def blank(self) -> bool:
        return self.fault is None and not any(self.cells)


def layout_of(beginning: bytes, columns: Sequence[Column], given: Mapping[str, str]) -> Layout:
    """The layout of a file that begins so. `given`: their header by our column's name.

    Raises InvalidInput for a file without a header, and for a required column that is not among the headers.
    """
    encoding, begins = _encoding(beginning)
    text = beginning[begins:HEADER_BYTES].decode(encoding, errors="replace")
    newline = "\n" if "\n" in text or "\r" not in text else "\r"
    best: Layout | None = None
    headers: Sequence[str] = ()
    for delimiter in _DELIMITERS:
        made = Layout(encoding, newline, delimiter, 0, {}, begins, 0)
        whole = len(beginning) < HEADER_BYTES
        header = next((row for row in rows(beginning, made, last=whole) if not row.blank), None)
        if header is None or header.fault is not None:
            continue
        places = _places(header.cells, columns, given)
        found = Layout(encoding, newline, delimiter, len(header.cells), places, header.end, header.number)
        if best is None or (len(places), found.width) > (len(best.places), best.width):
            best, headers = found, header.cells
    if best is None:
        sentence = "The file has no header row that can be read."
        raise InvalidInput.of("file", "header_missing", sentence)
    _complain(best, headers, columns, given)
    return best


def _encoding(beginning: bytes) -> tuple[str, int]:
    """The encoding, and how many bytes its mark takes. Without a mark UTF-16 shows by the zero bytes of the
    header's Latin letters."""
    for mark, encoding in _BOMS:
        if beginning.startswith(mark):
            return encoding, len(mark)
    first = beginning[:8]
    if len(first) >= 4 and not any(first[1::2]) and all(first[::2]):  # noqa: PLR2004
        return "utf-16-le", 0
    if len(first) >= 4 and not any(first[::2]) and all(first[1::2]):  # noqa: PLR2004
        return "utf-16-be", 0
    return "utf-8", 0


def _plain(header: str) -> str:
    return re.sub(r"[\W_]+", "_", unicodedata.normalize("NFC", tidy(header)).casefold()).strip("_")


def _places(headers: Sequence[str], columns: Sequence[Column], given: Mapping[str, str]) -> dict[str, int]:
    plain = [_plain(header) for header in headers]
    found: dict[str, int] = {}
    for column in columns:
        wanted = [given[column.name]] if column.name in given else [column.name, *column.also]
        place = next((plain.index(_plain(name)) for name in wanted if _plain(name) in plain), None)
        if place is not None:
            found[column.name] = place
    return found


def _complain(
    layout: Layout, headers: Sequence[str], columns: Sequence[Column], given: Mapping[str, str]
) -> None:
    named = ", ".join(tidy(header) for header in headers[:_NAMED])
    faults = [
        FieldError(
            column.name,
            "column_missing",
            "The file has no column %(column)s. Its headers are: %(headers)s.",
            {"column": given.get(column.name, column.name), "headers": named},
        )
        for column in columns
        if column.name not in layout.places and (column.required or column.name in given)
    ]
    plain = [_plain(header) for header in headers]
    faults += [
        FieldError(
            name,
            "column_twice",
            "The header %(header)s stands there twice.",
            {"header": tidy(headers[place])},
        )
        for name, place in layout.places.items()
        if plain.count(plain[place]) > 1
    ]
    if faults:
        raise InvalidInput(faults)


def rows(block: bytes, layout: Layout, *, offset: int | None = None, last: bool) -> Iterator[Row]:
    """The records of a block that begins at the byte `offset` of the file (its first row by default).

    `last`: the file ends with the block. If not, a record that the block cuts is left for the next one. The
    numbers go on from `layout.row`: give a layout with the number before.
    """
    begin, at = layout.offset if offset is None else 0, offset or 0
    ends = _line_ends(block, begin, layout, last=last)
    number, line = layout.row, 0
    while line < len(ends):
        cells, fault, after = _record(block, begin, ends, line, layout)
        if after is None:
            if not last and line:
                return
            after = line + 1
        number += 1
        yield Row(number, at + ends[after - 1], cells, fault)
        begin, line = ends[after - 1], after
    if not ends and not last and block:  # no line ends in a whole block
        yield Row(number + 1, at + len(block) // 2 * 2, (), FieldError("", "row_too_long", TOO_LONG))


def _line_ends(block: bytes, begin: int, layout: Layout, *, last: bool) -> list[int]:
    mark = layout.newline.encode(layout.encoding)
    step, found, at = len(mark), [], begin
    while (at := block.find(mark, at)) != -1:
        if (at - begin) % step:  # the halves of two characters
            at += 1
            continue
        at += step
        found.append(at)
    if last and (found[-1] if found else begin) < len(block):
        found.append(len(block))
    return found


_Parsed = tuple[tuple[str, ...], "FieldError | None", "int | None"]


def _record(block: bytes, begin: int, ends: Sequence[int], line: int, layout: Layout) -> _Parsed:
    """The record that begins with a line: its cells or fault, and the line after it; None for that when the
    block ends before the record does."""
    text = _decoded(block[begin : ends[line]], layout)
    if isinstance(text, FieldError):
        return (), text, line + 1
    whole, after = text, line + 1
    while True:
        cells = _cells(whole, layout)
        if cells is not None:
            break
        if after - line >= MOST_LINES or len(whole) > LONGEST_RECORD:
            return (), FieldError("", "quote_open", UNCLOSED), line + 1
        if after == len(ends):
            return (), FieldError("", "quote_open", UNCLOSED), None
        more = _decoded(block[ends[after - 1] : ends[after]], layout)
        if isinstance(more, FieldError):
            return (), FieldError("", "quote_open", UNCLOSED), line + 1
        whole, after = whole + more, after + 1
    if isinstance(cells, FieldError):
        return (), cells, line + 1
    fault = _ill_fitting(cells, layout)
    return (cells[: layout.width or None], None, after) if fault is None else ((), fault, line + 1)


def _decoded(line: bytes, layout: Layout) -> str | FieldError:
    try:
        text = line.decode(layout.encoding)
    except UnicodeDecodeError:
        shown: dict[str, object] = {"encoding": layout.encoding.upper()}
        return FieldError("", "not_text", NOT_TEXT, shown)
    return FieldError("", "nul", NUL) if "\0" in text else text


def _cells(text: str, layout: Layout) -> tuple[str, ...] | FieldError | None:
    """The cells of a record; None while a quote is open."""
    line = text.rstrip("\r\n")
    if '"' not in line:
        return tuple(line.split(layout.delimiter))
    try:
        return tuple(next(csv.reader([line], delimiter=layout.delimiter, strict=True)))
    except csv.Error as error:
        if "end of data" in str(error):
            return None
        return FieldError("", "quotes", QUOTES)


def _ill_fitting(cells: Sequence[str], layout: Layout) -> FieldError | None:
    """What is wrong with the number of cells; a row without any text may have any."""
    expected = layout.width
    if not expected or not any(cell.strip() for cell in cells):
        return None
    counted: dict[str, object] = {"given": len(cells), "expected": expected}
    if len(cells) < expected:
        return FieldError("", "cells_missing", TOO_FEW, counted)
    if any(cell.strip() for cell in cells[expected:]):
        return FieldError("", "cells_too_many", TOO_MANY, counted)
    return None


def by_name(row: Row, layout: Layout) -> dict[str, str]:
    """The cells by our names of their columns, tidied."""
    return {name: tidy(row.cells[place]) for name, place in layout.places.items()}
