"""An SMS template that is withdrawn while a run goes out: the campaign pauses, and goes on where it was."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from chalicelib.dispatch.model import Fact
from chalicelib.platforms import registry
from chalicelib.platforms.base import Accepted, Capabilities, Channel, Outgoing
from chalicelib.platforms.registry import Platforms
from tests.dispatch.test_channels import pass_time
from tests.dispatch.world import RUN, MemoryPlatform, World, empty_tables, world
from tests.platforms.test_registry import GivenSecrets

pytestmark = pytest.mark.usefixtures("tables")
TEMPLATE = "1107160000000000001"
WORDS = "{#var#}: hi"
"""What the world's messages say: a name, and a language."""
SECRET = {"gate": {"key": "k"}, "channels": {"sms-main": {"platform": "gate"}}}
REFUSED = (RUN[:-2], "words_not_registered")


@dataclass
class ByTheRegister(MemoryPlatform):
    """Takes what the real gateway lets through to it: SMS whose words are registered."""

    name: str = "gate"
    base_url: str = "https://gate.example"
    register: dict[str, list[str]] = field(default_factory=lambda: {TEMPLATE: [WORDS]})
    withdrawn_after: int | None = None
    """After how many messages the template is withdrawn."""

    def __post_init__(self) -> None:
        secrets = GivenSecrets(SECRET)
        self.door = Platforms(secrets, self, registered=lambda one, _: self.register.get(one, ()))

    def send(self, channel: Channel, to: str, message: Outgoing) -> Accepted:
        if self.withdrawn_after is not None and len(self.taken) >= self.withdrawn_after:
            self.withdrawn_after = None
            self.register.clear()
        named = replace(message, template=TEMPLATE, params=(message.text.removesuffix(": hi"),))
        return self.door.send(self.door.channel("sms-main"), to, named)


class Gate:
    """The adapter behind the gateway: hands what comes through to the world's platform."""

    name, base_url, webhook_content_types = "gate", "https://gate.example", ()
    capabilities = Capabilities(mediums=("sms",), receipts=True)

    def send(self, platform: MemoryPlatform, base_url: str, channel: Channel, to: str, message: Outgoing):
        return MemoryPlatform.send(platform, channel, to, message)


@pytest.fixture(autouse=True)
def gate(monkeypatch):
    for adapters in (registry.SENDERS, registry.ADAPTERS):
        monkeypatch.setitem(adapters, "gate", Gate())


def by_sms(people: int, withdrawn_after: int | None) -> World:
    """A run by SMS whose template is withdrawn after so many messages."""
    made = world(people, channels=("sms",))
    made.platform = ByTheRegister(withdrawn_after=withdrawn_after)
    return made


def register_again_and_resume(made: World) -> None:
    made.platform.register[TEMPLATE] = [WORDS]  # type: ignore[attr-defined]
    made.runs.set(RUN, "dispatching")


def test_a_template_that_is_withdrawn_in_the_middle_of_a_run_pauses_the_campaign_and_nobody_has_failed():
    made = by_sms(60, 23)
    made.launch()
    pass_time(made, 300)
    assert set(made.campaign_halts.paused) == {REFUSED}
    assert made.runs.briefs[RUN].status == "paused"
    assert made.store.stops() == []
    counts = made.counts()
    assert (counts.accepted, counts.failed, counts.in_progress) == (23, 0, 37)


def test_resumed_with_the_template_back_it_goes_on_exactly_where_it_stopped():
    made = by_sms(60, 23)
    made.launch()
    pass_time(made, 300)
    first = made.taken_by()
    register_again_and_resume(made)
    made.send()
    assert made.counts().accepted == 60
    assert len(made.taken_by()) == 60 and set(made.taken_by().values()) == {1}
    assert not set(first) & {to for to, _ in made.platform.taken[23:]}


def test_resumed_without_the_template_it_is_paused_again_and_nobody_is_lost():
    made = by_sms(60, 23)
    made.launch()
    pass_time(made, 300)
    made.runs.set(RUN, "dispatching")
    pass_time(made, 300)
    assert made.runs.briefs[RUN].status == "paused"
    assert (made.counts().accepted, made.counts().failed) == (23, 0)
    register_again_and_resume(made)
    made.send()
    assert set(made.taken_by().values()) == {1} and made.counts().accepted == 60


def test_a_template_whose_words_have_changed_pauses_the_campaign_too():
    made = by_sms(5, None)
    made.platform.register[TEMPLATE] = ["{#var#}, hi"]  # type: ignore[attr-defined]
    made.launch()
    pass_time(made, 300)
    assert (made.runs.briefs[RUN].status, made.counts().in_progress) == ("paused", 5)
    assert made.platform.taken == []


def test_a_value_that_does_not_fit_is_that_persons_failure_alone():
    made = by_sms(5, None)
    long = next(iter(made.people.rows))
    made.people.change(long, name="Sample " + "n" * 30)
    made.launch()
    made.send()
    assert made.campaign_halts.paused == []
    assert (made.counts().accepted, made.counts().failed) == (4, 1)
    [known] = [facts for tally in made.tallies() for facts in tally.facts.values() if Fact.FAILED in facts]
    assert (known[Fact.FAILED], known[Fact.LAST]) == ("words_not_registered", "content")


def test_a_crash_before_or_after_any_step_and_copies_send_nobody_twice_and_lose_nobody():
    at, undisturbed = 0, False
    while not undisturbed:
        at += 1
        for after in (False, True):
            empty_tables()
            made = by_sms(6, 2)
            made.launch()
            made.send_queue.messages *= 2  # each chunk's message comes twice
            made.faults.calls, made.faults.at, made.faults.after = 0, at, after
            pass_time(made, 900)
            undisturbed = made.faults.calls < at
            register_again_and_resume(made)
            made.send()
            where = f"{'after' if after else 'before'} call {at}: {made.faults.seen[-20:]}"
            counts, statuses = made.counts(), made.statuses()
            assert max(made.taken_by().values(), default=0) <= 1, where
            assert all(len(one) == 1 for one in statuses.values()) and len(statuses) == 6, where
            assert (counts.in_progress, counts.failed) == (0, 0), where
            assert counts.accepted + counts.unknown == 6, where
    assert at > 10
    assert set(made.campaign_halts.paused) == {REFUSED}
