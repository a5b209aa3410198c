from datetime import UTC, datetime

import pytest

from chalicelib.platforms import payload


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1767250000", datetime(2026, 1, 1, 6, 46, 40, tzinfo=UTC)),
        (1767250000, datetime(2026, 1, 1, 6, 46, 40, tzinfo=UTC)),
        (1767250000123, datetime(2026, 1, 1, 6, 46, 40, 123000, tzinfo=UTC)),
        ("1767250000123", datetime(2026, 1, 1, 6, 46, 40, 123000, tzinfo=UTC)),
        (99_999_999_999, datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
        (100_000_000_000, datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
        (1, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
        (253_402_300_799_000, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_from_seconds_and_milliseconds(value, expected):
    assert payload.moment(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        None,
        0,
        -5,
        True,
        False,
        "",
        "soon",
        "1.5",
        1.5,
        "१७६७२५००००",
        253_402_300_800_000,
        10**20,
        10**400,
        [],
        {},
        "²",
    ],
)
def test_what_is_no_moment_gives_none(value):
    assert payload.moment(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a", "a"), (7, "7"), (-(2**63), "-9223372036854775808"), ("a\ud800b", "a?b"), ("", ""), (0, "0")]
    + [(bad, "") for bad in (None, True, False, 1.5, [], {}, ["a"])],
)
def test_ids_are_strings_and_whole_numbers(value, expected):
    assert payload.an_id(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("क\u093c", "क\u093c"), ("\u0958", "क\u093c"), ("e\u0301", "é"), ("a\ud800", "a?"), (7, ""), (None, "")],
)
def test_words_are_text_in_nfc(value, expected):
    assert payload.words(value) == expected


def test_objects_and_lists_are_taken_only_as_what_they_are():
    assert payload.a_dict({"a": 1}) == {"a": 1}
    assert [payload.a_dict(bad) for bad in (None, [], "x", 7)] == [{}] * 4
    assert payload.a_list([1]) == [1]
    assert [payload.a_list(bad) for bad in (None, {}, "x", 7)] == [[]] * 4


def nested(depth, opening=b"[", closing=b"]"):
    return opening * depth + b"1" + closing * depth


def test_json_is_read_down_to_a_depth_and_no_further():
    assert payload.load(nested(63))
    for body in (nested(64), nested(900), nested(100_000), nested(33, b'{"a":[', b"]}")):
        with pytest.raises(ValueError, match="deep"):
            payload.load(body)
    assert payload.load(nested(31, b'{"a":[', b"]}"))


@pytest.mark.parametrize("body", [b"", b"\xff", b"NaN", b"[Infinity]", b"-Infinity", b"{", b"\xef\xbb\xbf{}"])
def test_what_is_no_json_in_utf8_is_refused(body):
    with pytest.raises(ValueError, match=r"."):
        payload.load(body)


def test_a_fingerprint_is_of_all_its_parts_in_their_order():
    base = payload.fingerprint("p", "a", "b")
    assert base == payload.fingerprint("p", "a", "b")
    others = [("p", "b", "a"), ("p", "ab"), ("p", "a", "b", ""), ("q", "a", "b"), ("p", ["a", "b"])]
    assert len({base, *(payload.fingerprint(*other) for other in others)}) == len(others) + 1
    assert payload.fingerprint("p", {"x": 1, "y": 2}) == payload.fingerprint("p", {"y": 2, "x": 1})
    assert payload.fingerprint("p", "\ud800") != payload.fingerprint("p", "?")
    assert base == "p:0473ef2dc0d324ab659d3580c1134e9d"


@pytest.mark.parametrize(
    ("secret", "keys"),
    [
        ("a", [b"a"]),
        (["a", "b"], [b"a", b"b"]),
        (["a", "", None, 7], [b"a"]),
        ("क", ["क".encode()]),
        (None, []),
        ("", []),
        ({"a": 1}, []),
    ],
)
def test_signing_keys_are_one_or_several_and_never_empty(secret, keys):
    assert payload.signing_keys(secret) == keys


def test_a_form_gives_its_fields_with_the_last_value_of_each_and_blank_ones_too():
    assert payload.form_of(b"a=1&b=&a=%E0%A4%95+x") == {"a": "क x", "b": ""}
    assert payload.form_pairs(b"b=2&a=1&b=") == [("b", "2"), ("a", "1"), ("b", "")]


@pytest.mark.parametrize("body", [b"", b"a", b"&", b"a&b"])
def test_what_is_no_form_is_refused(body):
    with pytest.raises(ValueError, match="not a form"):
        payload.form_of(body)


@pytest.mark.parametrize("body", [b"a=\xff", b"a=%FF"])
def test_bytes_of_a_form_that_are_no_utf8_are_kept_as_escapes_or_as_they_are(body):
    assert payload.form_of(body) == {"a": "\\xff"}
    assert payload.form_pairs(body, "surrogateescape") == [("a", "\udcff")]


@pytest.mark.parametrize("value", ["2026-01-01T06:46:40Z", "2026-01-01T12:16:40+05:30"])
def test_a_timestamp_is_read_from_text_with_a_zone(value):
    read = payload.timestamp(value)
    assert read == datetime(2026, 1, 1, 6, 46, 40, tzinfo=UTC)
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "value", [None, 1767250000, "", "soon", "2026-01-01T06:46:40", "0001-01-01T00:00:00+14:00"]
)
def test_what_is_no_timestamp_gives_none(value):
    assert payload.timestamp(value) is None


@pytest.mark.parametrize(
    ("value", "count"),
    [(0, 0), ("007", 7), (7, 7), (10**18 - 1, 10**18 - 1)]
    + [(bad, None) for bad in (10**18, -1, "-1", "+1", 1.0, "1.0", "", None, True, "१", [], "9" * 5000)],
)
def test_a_count_is_a_whole_number_that_can_be_stored(value, count):
    assert payload.a_count(value) == count


def test_a_refusal_without_a_code_is_named_by_its_status():
    refused = payload.by_status(404)
    assert (refused.platform_code, refused.params["detail"]) == ("http_404", "")
    assert payload.by_status(429).platform_code == ""
