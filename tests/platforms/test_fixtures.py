import json

import pytest

from chalicelib.platforms.registry import ADAPTERS
from tests.platforms import fixtures

pytestmark = fixtures.needed
EACH = [pytest.param(platform, path, id=path.stem) for platform, path in fixtures.files()]


def test_every_recorded_payload_has_an_expectation():
    assert {path.stem for _, path in fixtures.files()} == set(fixtures.EXPECTED)


@pytest.mark.parametrize(("platform", "path"), EACH)
def test_a_recorded_payload_parses_to_what_the_index_says(platform, path):
    updates = ADAPTERS[platform].parse(path.read_bytes())
    assert [type(update).__name__ for update in updates] == [kind for kind, _ in fixtures.EXPECTED[path.stem]]
    for update, (_, fields) in zip(updates, fixtures.EXPECTED[path.stem], strict=True):
        found = {name: getattr(update, name) for name in fields}
        if "at" in found:
            found["at"] = int(found["at"].timestamp())
        assert found == fields


@pytest.mark.parametrize(("platform", "path"), EACH)
def test_a_recorded_payload_repeats_its_ids(platform, path):
    body = path.read_bytes()
    again = json.dumps(json.loads(body), ensure_ascii=True, indent=3).encode()
    first, second = ADAPTERS[platform].parse(body), ADAPTERS[platform].parse(again)
    assert [update.dedupe_id for update in first] == [update.dedupe_id for update in second]
