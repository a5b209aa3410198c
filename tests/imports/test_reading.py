"""Files of rows as people export them: encodings, headers, records and where they end."""

from __future__ import annotations

import csv
import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import InvalidInput
from chalicelib.imports.reading import HEADER_BYTES, MOST_LINES, Layout, Row, by_name, layout_of, rows
from chalicelib.ports import Column

COLUMNS = (Column("code", ("lgd_code", "LGD Code"), required=True), Column("name", ("नाम",)))
PLAIN = 'code,name\r\n1,लखनऊ\r\n2,"अ, ब"\r\n3,"दो\r\nपंक्ति"\r\n'
MEANT = [("1", "लखनऊ"), ("2", "अ, ब"), ("3", "दो\r\nपंक्ति")]


def whole(data: bytes) -> tuple[Layout, list[Row]]:
    layout = layout_of(data[:HEADER_BYTES], COLUMNS, {})
    return layout, list(rows(data[layout.offset :], layout, offset=layout.offset, last=True))


def good(found: list[Row]) -> list[tuple[str, ...]]:
    return [row.cells for row in found if row.fault is None and not row.blank]


def codes(found: list[Row]) -> list[tuple[int, str]]:
    return [(row.number, row.fault.code) for row in found if row.fault]


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        b"\xfe\xff" + PLAIN.encode("utf-16-be"),
    ],
    ids=["utf-8", "utf-8 with BOM", "utf-16", "utf-16-le", "utf-16-be", "utf-16-be with BOM"],
)
def test_the_same_rows_in_every_encoding(data):
    layout, found = whole(data)
    assert good(found) == MEANT
    assert [row.number for row in found] == [2, 3, 4]
    assert found[-1].end == len(data)


@pytest.mark.parametrize("delimiter", ["\t", ";", "|"])
def test_the_delimiter_is_that_which_makes_known_headers(delimiter):
    text = f"code{delimiter}name, local\n1{delimiter}a,b\n"
    layout, found = whole(text.encode())
    assert layout.delimiter == delimiter
    assert good(found) == [("1", "a,b")]


def test_old_macs_end_lines_otherwise():
    assert good(whole(b"code,name\r1,a\r2,b\r")[1]) == [("1", "a"), ("2", "b")]


def test_a_last_row_without_an_end_of_line_is_a_row():
    assert good(whole(b"code,name\n1,a\n2,b")[1]) == [("1", "a"), ("2", "b")]


@pytest.mark.parametrize("header", ["LGD Code", "lgd-code", " lgd_code ", '"LGD  code"', "\ufeffCode"])
def test_headers_are_known_by_other_names_and_spellings(header):
    layout, _ = whole(f"x,{header},नाम\n".encode())
    assert layout.places == {"code": 1, "name": 2}


def test_our_own_name_for_a_column_goes_before_the_others():
    layout, _ = whole(b"lgd_code,code\n")
    assert layout.places["code"] == 1


def test_the_caller_may_say_which_header_is_meant():
    layout = layout_of(b"number,code\n1,2\n", COLUMNS, {"code": "number"})
    assert layout.places["code"] == 0
    with pytest.raises(InvalidInput) as refused:
        layout_of(b"number,code\n1,2\n", COLUMNS, {"name": "title"})
    assert refused.value.errors[0].params == {"column": "title", "headers": "number, code"}


def test_a_missing_column_is_named_with_the_headers_that_were_found():
    with pytest.raises(InvalidInput) as refused:
        layout_of(b"id,name\n1,a\n", COLUMNS, {})
    [fault] = refused.value.errors
    assert (fault.field, fault.code) == ("code", "column_missing")
    assert fault.params == {"column": "code", "headers": "id, name"}


def test_a_header_that_stands_there_twice_is_refused():
    with pytest.raises(InvalidInput) as refused:
        layout_of(b"code,name,Name\n", COLUMNS, {})
    assert refused.value.errors[0].code == "column_twice"


@pytest.mark.parametrize("data", [b"", b"\n\n", b'"', b"\xff\xfe", b"\0\0\0\0"])
def test_a_file_without_a_header_is_refused(data):
    with pytest.raises(InvalidInput):
        layout_of(data, COLUMNS, {})


def test_a_row_that_was_cut_inside_a_character_is_refused_and_the_others_are_taken():
    cut = "code,name\n1,क\n2,ख".encode()[:-1]
    layout, found = whole(cut)
    assert (good(found), codes(found)) == ([("1", "क")], [(3, "not_text")])
    wide = "code,name\n1,क\n2,ख".encode("utf-16")[:-1]
    assert codes(whole(wide)[1]) == [(3, "not_text")]


def test_a_legacy_encoding_spoils_its_rows_alone():
    data = b"code,name\n1,a\n2,caf\xe9\n3,b\n"
    assert (good(whole(data)[1]), codes(whole(data)[1])) == ([("1", "a"), ("3", "b")], [(3, "not_text")])


def test_a_nul_spoils_its_row_alone():
    assert codes(whole(b"code,name\n1,a\0\n2,b\n")[1]) == [(2, "nul")]


def test_a_quote_that_is_never_closed_spoils_its_row_alone():
    data = 'code,name\n1,"a\n' + "".join(f"{n},b\n" for n in range(2, 500))
    _, found = whole(data.encode())
    assert codes(found) == [(2, "quote_open")]
    assert len(good(found)) == 498


def test_a_quote_that_another_row_closes_spoils_no_more_than_the_rows_with_quotes():
    _, found = whole(b'code,name\n1,"a\n2,b\n3,"c"\n4,d\n')
    assert (2, "quotes") in codes(found) or (2, "quote_open") in codes(found)
    assert good(found) == [("2", "b"), ("3", "c"), ("4", "d")]


def test_cells_too_few_or_too_many_are_refused_and_empty_ones_at_the_end_are_not():
    _, found = whole(b"code,name\n1\n2,a,b\n3,a,,\n,,,,\n4,b\n")
    assert codes(found) == [(2, "cells_missing"), (3, "cells_too_many")]
    assert good(found) == [("3", "a"), ("4", "b")]


def test_blank_rows_count_in_numbers_only():
    _, found = whole(b"\n\ncode,name\n\n1,\n,\n2,x\n")
    assert [row.number for row in found if not row.blank] == [5, 7]


def test_formulas_and_line_breaks_in_cells_are_data():
    layout, found = whole(b'code,name\n=1+1,"@x\ny"\n')
    assert by_name(found[0], layout) == {"code": "=1+1", "name": "@x y"}


def test_what_is_no_text_at_all_ends_in_errors_and_not_in_a_loop():
    data = b"code,name\n" + random.Random(1).randbytes(700_000).replace(b"\n", b"x").replace(b"\r", b"x")
    layout = layout_of(data[:HEADER_BYTES], COLUMNS, {})
    offset, seen = layout.offset, 0
    while offset < len(data):
        block = data[offset : offset + 256 * 1024]
        for row in rows(block, layout, offset=offset, last=offset + len(block) >= len(data)):
            assert row.fault is not None
            assert row.end > offset
            offset, seen = row.end, seen + 1
    assert seen == 3


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@given(
    st.lists(st.tuples(TEXT, TEXT), max_size=30), st.integers(1, 9), st.sampled_from(["utf-8", "utf-16-le"])
)
def test_however_a_file_is_cut_into_slices_its_rows_are_the_same(table, size, encoding):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("code", "name"))
    writer.writerows(table)
    data = out.getvalue().encode(encoding)
    layout = layout_of(data, COLUMNS, {})
    at_once = [row for row in rows(data[layout.offset :], layout, offset=layout.offset, last=True)]
    found: list[Row] = []
    offset, number = layout.offset, layout.row
    while offset < len(data):
        numbered = Layout(**vars(layout) | {"row": number})
        for taken, row in enumerate(rows(data[offset:], numbered, offset=offset, last=True), start=1):
            found.append(row)
            offset, number = row.end, row.number
            if taken == size:
                break
    assert found == at_once
    many_lines = [one for one in table if "".join(one).count("\n") >= MOST_LINES]
    if not many_lines and not any("\r" in cell for one in table for cell in one):
        assert [row.cells for row in found if not row.blank] == [one for one in table if any(one)]


@given(st.lists(TEXT, min_size=1, max_size=20), st.integers(0, 60))
def test_a_block_that_cuts_a_record_leaves_it_for_the_next(names, cut):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("code", "name"))
    writer.writerows((str(n), name) for n, name in enumerate(names, start=1))
    data = out.getvalue().encode()
    layout = layout_of(data, COLUMNS, {})
    every = list(rows(data[layout.offset :], layout, offset=layout.offset, last=True))
    some = list(
        rows(data[layout.offset : layout.offset + 30 + cut], layout, offset=layout.offset, last=False)
    )
    complete = [row for row in some if row.fault is None]
    assert complete == every[: len(complete)]
