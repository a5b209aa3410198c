"""Each recorded payload, by itself and on its whole way: receiver, queue, processor."""

import json

import pytest

from chalicelib.callbacks.letters import Letterbox
from chalicelib.callbacks.receiver import Receiver
from chalicelib.clock import FixedClock
from chalicelib.errors import SignatureInvalid
from chalicelib.platforms.registry import ADAPTERS, Platforms
from tests.callbacks.fakes import NOON, World
from tests.callbacks.test_receiver import MemoryBucket, MemoryQueue
from tests.platforms import contract, fixtures
from tests.platforms.test_registry import GivenSecrets
from tests.platforms.test_whatsapp import Answers

pytestmark = fixtures.needed
EACH = [pytest.param(one, id=f"{one.platform}-{one.name}") for one in fixtures.files()]


def test_every_recorded_payload_has_an_expectation():
    assert {one.name for one in fixtures.files()} - set(fixtures.EXPECTED) == set()


@pytest.mark.parametrize("recorded", EACH)
def test_a_recorded_payload_parses_to_what_the_index_says(recorded):
    expected = fixtures.EXPECTED[recorded.name]
    updates = ADAPTERS[recorded.platform].parse(recorded.body)
    assert [type(update).__name__ for update in updates] == [kind for kind, _ in expected]
    for update, (_, fields) in zip(updates, expected, strict=True):
        found = {name: getattr(update, name) for name in fields}
        if "at" in found:
            found["at"] = int(found["at"].timestamp())
        assert found == fields


@pytest.mark.parametrize("recorded", EACH)
def test_a_recorded_payload_repeats_its_ids(recorded):
    parse, body = ADAPTERS[recorded.platform].parse, recorded.body
    try:
        again = json.dumps(json.loads(body), ensure_ascii=True, indent=3).encode()
    except ValueError:  # XML and forms are repeated as they are
        again = body
    assert [update.dedupe_id for update in parse(body)] == [update.dedupe_id for update in parse(again)]


class Way:
    """From the webhook's call to what it leaves behind."""

    def __init__(self, platform):
        self.platform, self.contract = platform, contract.of(platform)
        secrets = GivenSecrets({platform: self.contract.secrets()})
        self.queue, self.world = MemoryQueue(), World()
        letterbox = Letterbox(self.queue, MemoryBucket())
        self.receiver = Receiver(Platforms(secrets, Answers()), letterbox, FixedClock(at=NOON))

    def receive(self, call):
        self.receiver.receive(self.platform, call)

    def process(self):
        letters = {f"m{n}": body for n, body in enumerate(self.queue.bodies)}
        assert self.world.processor().process(letters) == []

    def left(self):
        """In words, sorted: what is kept, who said stop or start, what is halted, what was published."""
        world = self.world
        words = [f"kept {sort}" for sort in world.store.sorts()]
        words += ["stop" if stopped else "restart" for _, stopped, _ in world.people.words.values()]
        words += [" ".join(["halted", *halted]) for halted in set(world.halts.halted)]
        words += [f"told {entry.name}" for entry in world.bus.entries.values()]
        return sorted(words)


@pytest.mark.parametrize("recorded", EACH)
def test_a_recorded_payload_with_a_right_signature_leaves_what_the_index_says_once(recorded):
    way = Way(recorded.platform)
    for _ in range(2):
        way.receive(way.contract.signed(recorded.body))
        way.process()
    assert way.left() == fixtures.leaves(recorded)


@pytest.mark.parametrize("recorded", EACH)
def test_a_recorded_payload_without_a_right_signature_is_refused_and_leaves_nothing(recorded):
    way = Way(recorded.platform)
    for call in (
        way.contract.signed(recorded.body, "wrong"),
        way.contract.unsigned(recorded.body),
        way.contract.garbled(recorded.body, "é,,="),
        way.contract.garbled(recorded.body, ""),
    ):
        with pytest.raises(SignatureInvalid) as refused:
            way.receive(call)
        assert refused.value.status == 401
    assert way.queue.bodies == []
