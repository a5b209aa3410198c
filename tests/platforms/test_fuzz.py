"""Whatever a body holds, the parsers give updates, and the same ones again; the whole way from the webhook
takes it without an error, and nothing is lost without a trace. `make fuzz` tries 20,000 bodies a parser."""

import json
import os
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.errors import SignatureInvalid
from chalicelib.platforms.base import Unknown
from chalicelib.platforms.registry import ADAPTERS
from tests.platforms import contract, golden
from tests.platforms.test_fixtures import Way

PLATFORMS = sorted(ADAPTERS)
SIGNING = {name: contract.of(name) for name in PLATFORMS}


def read(sample):
    """A sample's JSON; of a form its fields as JSON and its text; else its text."""
    body = sample.read_bytes()
    try:
        return [json.loads(body)]
    except ValueError:
        fields = [dict(parse_qsl(body.decode()))] if sample.suffix == ".form" else []
        return [*fields, body.decode()]


SAMPLES = {name: [value for one in golden.samples(name) for value in read(one)] for name in PLATFORMS}
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None), max_size=8)
    | st.sampled_from(["1767250000", "text", "stop", "image", "sent", "failed", "\ud83d", "919000010001"])
)
MARKS = [b"<", b">", b"&", b"&x;", b"<a>", b"</entry>", b"<entry>", b'"', b"]]>", b"<!DOCTYPE a>", b"=", b"%"]
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
)


def paths(value, path=()):
    """Every place in a JSON value."""
    yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from paths(child, (*path, key))


def changed(value, path, by):
    """`value` with what is at `path` replaced; `...` leaves it out."""
    if not path:
        return None if by is ... else by
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(path) > 1:
        copy[path[0]] = changed(value[path[0]], path[1:], by)
    elif by is ...:
        del copy[path[0]]
    else:
        copy[path[0]] = by
    return copy


@st.composite
def damaged_text(draw, text):
    """The bytes of a text with one to three pieces replaced by others of its own, or by anything."""
    whole = text.encode()
    for _ in range(draw(st.integers(1, 3))):
        begin, end, first, last = sorted(draw(st.integers(0, len(whole))) for _ in range(4))
        piece = draw(st.binary(max_size=8) | st.just(whole[first:last]) | st.sampled_from(MARKS))
        whole = whole[:begin] + piece + whole[end:]
    return whole


@st.composite
def damaged(draw, platform):
    """A real sample with one to three places changed or missing."""
    value = draw(st.sampled_from(SAMPLES[platform]))
    if isinstance(value, str):
        return draw(damaged_text(value))
    for _ in range(draw(st.integers(1, 3))):
        places = list(paths(value))
        value = changed(value, draw(st.sampled_from(places)), draw(st.just(...) | ANYTHING))
    return json.dumps(value, ensure_ascii=True).encode()


def check(platform, body):
    updates = ADAPTERS[platform].parse(body)
    assert updates
    assert ADAPTERS[platform].parse(body) == updates
    for update in updates:
        assert update.dedupe_id.startswith(f"{platform}:")
        for text in ("kind", "text", "sender", "name", "recipient", "key", "message_id"):
            getattr(update, text, "").encode("utf-8")
        json.dumps(getattr(update, "raw", None) or getattr(update, "extra", None) or {})


EXAMPLES = int(os.environ.get("FUZZ") or 200)
FUZZED = settings(max_examples=EXAMPLES)


@pytest.mark.parametrize("platform", PLATFORMS)
@FUZZED
@given(body=st.binary(max_size=60) | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_any_body_parses(platform, body):
    check(platform, body)


@pytest.mark.parametrize("platform", PLATFORMS)
@FUZZED
@given(data=st.data())
def test_any_damage_to_a_sample_parses(platform, data):
    check(platform, data.draw(damaged(platform)))


@pytest.mark.parametrize("platform", PLATFORMS)
@FUZZED
@given(data=st.data())
def test_any_damage_goes_the_whole_way_and_leaves_a_trace(platform, data):
    body = data.draw(damaged(platform))
    way = Way(platform)
    try:
        way.receive(SIGNING[platform].signed(body))
    except SignatureInvalid:  # X signs nothing but its own bodies; 401, so it is the platform's to repeat
        assert way.queue.bodies == []
        return
    way.process()
    unknown = {one.dedupe_id for one in ADAPTERS[platform].parse(body) if isinstance(one, Unknown)}
    assert {ident for sort, _, ident in way.world.store.kept if sort == "unknown"} == unknown
    assert len([one for one in way.world.bus.entries.values() if one.name == "callback.unknown"]) == len(
        unknown
    )
