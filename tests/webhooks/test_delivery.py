"""From an event on the bus to every subscriber, under crashes, copies, disorder and receivers that misbehave.

The store and the audit are real; receivers are real servers where that matters, else a stand-in that answers
as it is told. The queue hands messages out after their delay, and moves the clock.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from chalicelib.errors import Transient
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.webhooks import service
from chalicelib.webhooks.model import Answer, Message, Standing, Subscriber
from chalicelib.webhooks.poster import Poster
from chalicelib.webhooks.service import Webhooks
from chalicelib.webhooks.store import StandingItem, Standings
from tests.dispatch.world import START, Crash, Faults, MemoryQueue, MovingClock
from tests.webhooks.receivers import PREVIOUS, SECRET, listening
from tests.webhooks.test_model import BUS_EVENT

ADMIN = Principal("usr_a", "A", "a@sample.test", frozenset({"admin"}))
DAY_S = 24 * 3600


def event(number: int = 1, name: str = "campaign.approved") -> dict:
    detail = BUS_EVENT["detail"] | {"id": f"e{number}"}
    return BUS_EVENT | {"detail-type": name, "source": "janjan.campaigns", "detail": detail}


@dataclass
class Receivers:
    """Every host answers what the test says, 200 if it says nothing, and all that came is kept."""

    clock: MovingClock
    answers: dict[str, list] = field(default_factory=dict)
    came: list[tuple[str, str, float]] = field(default_factory=list)

    def post(self, target, body, headers):
        self.came.append((target.host, headers["webhook-id"], self.clock.epoch()))
        told = self.answers.get(target.host, [200])
        answer = told.pop(0) if len(told) > 1 else told[0]
        answer = answer(body) if callable(answer) else answer
        return answer if isinstance(answer, Answer) else Answer(answer)

    def at(self, host):
        return [(message_id, at - START.timestamp()) for there, message_id, at in self.came if there == host]


class World:
    def __init__(self, **entries):
        self.clock = MovingClock()
        self.queue, self.dead = MemoryQueue(self.clock), MemoryQueue(self.clock)
        self.receivers = Receivers(self.clock)
        self.entries = entries
        self.faults = Faults()
        self.audit, self.standings = Audit(), Standings()
        self.poster = self.receivers

    def webhooks(self) -> Webhooks:
        """As a new process makes it."""
        self.faults.dead = False
        wrap = self.faults.wrap
        return Webhooks(
            entries=lambda: self.entries,
            standings=wrap(self.standings, "get", "change", "claim", "well"),
            poster=wrap(self.poster, "post"),
            queue=wrap(self.queue, "put"),
            dead=wrap(self.dead, "put"),
            audit=wrap(self.audit, "committing"),
            clock=self.clock,
            public_url="https://janjan.example",
            loopback=True,
            spread=lambda low, high: low,
        )

    def tell(self, *bodies):
        self.queue.put(bodies)

    def run(self, until_s=2 * DAY_S, batch=10):
        """Handles what is due, in batches, until nothing is left, or until then."""
        begun = self.clock.epoch()
        while self.queue.messages and self.clock.epoch() - begun < until_s:
            bodies = [self.queue.take()]
            while len(bodies) < batch and any(due <= self.clock.now() for due, _ in self.queue.messages):
                bodies.append(self.queue.take())
            named = {str(n): json.dumps(body) for n, body in enumerate(bodies)}
            try:
                again = self.webhooks().take(named)
            except Crash:
                again = list(named)
            self.queue.put([json.loads(named[one]) for one in again], 180 if again else 0)

    def left(self):
        return [body for _, body in self.dead.messages]


def entry(host="one.example", **more):
    return {"url": f"https://{host}/hook", "secret": SECRET} | more


@pytest.fixture
def world(tables):
    return World(one=entry())


def test_an_event_reaches_each_who_wants_it_and_nobody_else(world):
    world.entries = {
        "one": entry(),
        "two": entry("two.example", events=["run.*"]),
        "three": entry("three.example", events=["post.measured", "campaign.approved"]),
    }
    world.webhooks().take({"1": json.dumps(event(1))})
    assert sorted(body["to"] for _, body in world.queue.messages) == ["one", "three"]
    world.tell(event(2, "run.started"))
    world.run()
    hosts = Counter(host for host, _, _ in world.receivers.came)
    assert hosts == {"one.example": 2, "two.example": 1, "three.example": 1}
    assert len({message_id for _, message_id, _ in world.receivers.came}) == 4


def test_without_subscribers_nothing_is_queued(world):
    world.entries = {}
    world.tell(event())
    world.run()
    assert (world.queue.messages, world.dead.messages) == ([], [])


def test_what_was_sent_is_what_the_judge_reads_with_either_secret(world):
    with listening() as receiver:
        world.poster, world.clock = Poster(loopback=True), service.Clock()
        world.queue.clock = MovingClock()
        world.entries = {"one": {"url": receiver.url, "secret": [SECRET, PREVIOUS]}}
        world.webhooks().take({"1": json.dumps(event())})
        world.webhooks().take({"2": json.dumps(world.queue.take())})
        [came] = receiver.came
    assert came.judged(SECRET) == came.judged(PREVIOUS)
    assert came.judged()["type"] == "campaign.approved"
    assert came.headers["content-type"] == "application/cloudevents+json; charset=utf-8"


def test_every_attempt_has_the_same_id_and_its_own_time(world):
    world.receivers.answers["one.example"] = [500, 404, 302, 200]
    world.tell(event())
    world.run()
    ids, times = zip(*world.receivers.at("one.example"), strict=True)
    assert len(set(ids)) == 1
    assert times == (0, 5, 25, 105)
    assert world.dead.messages == []


def test_a_copy_of_the_event_and_of_a_message_has_the_same_id(world):
    world.tell(event(), event())
    world.run()
    [copied] = {message_id for message_id, _ in world.receivers.at("one.example")}
    world.tell(Message("one", service.cloud_event(event(), "https://janjan.example")).body())
    world.run()
    assert {message_id for message_id, _ in world.receivers.at("one.example")} == {copied}
    assert len(world.receivers.came) == 3


def test_a_refused_event_is_tried_for_a_day_and_then_lies_where_a_person_sees_it(world):
    world.receivers.answers["one.example"] = [500]
    world.tell(event())
    world.run()
    _, times = zip(*world.receivers.at("one.example"), strict=True)
    assert times == (0, 5, 25, 105, 425, 1705, 6825, 21225, 35625, 50025, 64425, 78825, 86400)
    [letter] = world.left()
    assert letter["to"] == "one" and letter["event"]["id"] == "e1"


def test_a_receiver_that_is_away_all_day_is_asked_seldom_and_its_events_lie_where_a_person_sees_them(world):
    world.receivers.answers["one.example"] = [0]
    world.tell(*(event(number) for number in range(30)))
    world.run()
    times = [at for _, at in world.receivers.at("one.example")]
    assert 90 < len(times) < 140
    assert times[-1] >= DAY_S - 900
    assert {letter["event"]["id"] for letter in world.left()} == {f"e{n}" for n in range(30)}


def test_a_letter_that_is_sent_back_has_another_day_and_the_same_id(world):
    world.receivers.answers["one.example"] = [500]
    world.tell(event())
    world.run()
    world.receivers.answers["one.example"] = [500, 200]
    world.tell(*world.left())
    world.run()
    ids, times = zip(*world.receivers.at("one.example"), strict=True)
    assert len(set(ids)) == 1
    assert times[-2:] == (86400, 86405)


def test_what_waits_is_a_new_message_every_quarter_of_an_hour_and_never_a_failure(world):
    world.receivers.answers["one.example"] = [500] * 6 + [200]
    world.tell(event())
    handled = []
    while world.queue.messages:
        body = world.queue.take()
        handled.append(world.clock.epoch() - START.timestamp())
        assert world.webhooks().take({"1": json.dumps(body)}) == []
    waits = [later - before for before, later in zip(handled, handled[1:], strict=False)]
    assert max(waits) <= 900
    assert len(world.receivers.came) == 7


def test_a_receiver_that_asks_to_wait_is_left_in_peace_so_long(world):
    world.receivers.answers["one.example"] = [Answer(429, retry_after="1800"), 200]
    world.tell(event(1))
    world.run(until_s=1)
    world.tell(event(2))
    world.run()
    times = [at for _, at in world.receivers.at("one.example")]
    assert times[0] == 0
    assert len(times) == 3 and 1800 <= times[1] <= times[2] <= 1800 + service.CLAIMED_S


def test_after_a_failure_one_message_asks_and_the_others_wait_without_a_request(world):
    world.receivers.answers["one.example"] = [0]
    world.tell(*(event(number) for number in range(10)))
    world.run(until_s=0.5)
    first = len(world.receivers.came)
    world.run(until_s=60)
    later = [at for _, at in world.receivers.at("one.example")][first:]
    assert Counter(later).most_common(1)[0][1] == 1
    world.receivers.answers["one.example"] = [200]
    world.run()
    assert len({message_id for message_id, _ in world.receivers.at("one.example")}) == 10
    assert world.dead.messages == []
    assert world.standings.get(Subscriber.of("one", entry())) == Standing()


def test_one_event_that_is_refused_again_and_again_holds_up_no_other_of_its_receiver(world):
    def poisoned(body):
        return 500 if b'"id":"e1"' in body else 200

    world.receivers.answers["one.example"] = [poisoned]
    world.tell(event(1), event(2))
    world.run(until_s=3600)
    world.tell(event(3))
    world.run(until_s=1)
    taken = [at for message_id, at in world.receivers.at("one.example") if at in (0, 3600)]
    assert len({message_id for message_id, _ in world.receivers.at("one.example")}) == 3
    assert taken
    assert world.dead.messages == []


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_receiver_that_hangs_holds_up_nobody_else(world):
    with listening() as hanging, listening() as well:
        hanging.answers = ["hang"]
        world.poster = Poster(loopback=True, whole_s=60)
        world.entries = {
            "away": {"url": hanging.url, "secret": SECRET},
            "well": {"url": well.url, "secret": SECRET},
        }
        world.tell(*(event(number) for number in range(5)))
        world.webhooks().take({str(n): json.dumps(world.queue.take()) for n in range(5)})
        batch = {str(n): json.dumps(world.queue.take()) for n in range(10)}
        thread = threading.Thread(target=world.webhooks().take, args=(batch,))
        thread.start()
        patience = time.monotonic() + 30
        while len(well.came) + len(hanging.came) < 10 and time.monotonic() < patience:
            time.sleep(0.01)
        assert (len(well.came), len(hanging.came), thread.is_alive()) == (5, 5, True)
        hanging.released.set()
        thread.join()
        world.tell(*(event(number) for number in range(5, 9)))
        world.run(until_s=1)
        assert len(well.came) == 9
        assert len(hanging.came) <= 6, "while it rests, one message at most asks how it is"


def test_whatever_the_order_everything_arrives(world):
    world.receivers.answers["one.example"] = [0, 500, 200, 429, 200, 503, 404, 200]
    world.tell(*(event(number) for number in range(6)))
    world.webhooks().take({"1": json.dumps(world.queue.messages.pop(3)[1])})
    world.queue.messages.reverse()
    world.run(batch=2)
    assert len({message_id for message_id, _ in world.receivers.at("one.example")}) == 6
    assert world.dead.messages == []


# --- crashes


@pytest.mark.parametrize("answers", [[200], [500, 200], [0, 200], [0, 0, 200], [429, 500, 200]])
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_before_or_after_any_step_loses_nothing_and_what_comes_twice_has_one_id(
    world, answers, after
):
    step = 0
    while True:
        step += 1
        world.receivers.answers["one.example"], world.receivers.came = list(answers), []
        number = 1000 * step + after
        world.faults.calls, world.faults.at, world.faults.after = 0, step, after
        world.tell(event(number))
        world.run()
        taken = [Message("one", {"id": f"e{number}"}).id]
        assert {message_id for message_id, _ in world.receivers.at("one.example")} == set(taken), step
        assert world.receivers.answers["one.example"] == [200], step
        assert (world.queue.messages, world.dead.messages) == ([], []), step
        if world.faults.calls < step:
            break
    assert step > 3


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_while_a_receiver_is_disabled_loses_nothing_and_disables_it_once(world, after):
    for step in range(1, 9):
        name = f"w{step}{'after' if after else 'before'}"
        world.entries = {name: entry()}
        world.receivers.answers["one.example"] = [410]
        world.dead.messages.clear()
        world.faults.calls, world.faults.at, world.faults.after = 0, step, after
        world.tell(event(step))
        world.run()
        assert {letter["event"]["id"] for letter in world.left()} == {f"e{step}"}, step
        entries, _ = world.audit.of(f"webhook#{name}", limit=10)
        assert [one.action for one in entries] == ["webhook.disabled"], step


def test_between_request_and_deletion_a_dead_process_sends_it_once_more_under_the_same_id(world):
    world.tell(event())
    world.webhooks().take({"1": json.dumps(world.queue.take())})
    body = json.dumps(world.queue.take())
    for _ in range(2):
        world.webhooks().take({"1": body})
    ids = [message_id for message_id, _ in world.receivers.at("one.example")]
    assert len(ids) == 2 and len(set(ids)) == 1


def test_a_queue_that_takes_nothing_makes_the_message_come_again_and_the_others_stay_done(world):
    class Full(MemoryQueue):
        def put(self, bodies, delay_s=0):
            raise Transient("the queue is full")

    world.queue = Full(world.clock)
    messages = [
        Message("one", service.cloud_event(event(n), "https://janjan.example")).body() for n in (1, 2)
    ]
    world.receivers.answers["one.example"] = [lambda body: 500 if b'"e1"' in body else 200]
    assert world.webhooks().take({str(n): json.dumps(m) for n, m in enumerate(messages)}) == ["0"]


@pytest.mark.parametrize(
    "body", ["", "{}", "[]", "nonsense", '{"to": "one"}', '{"detail-type": "x", "detail": {}}']
)
def test_a_message_of_another_form_goes_to_the_dead_letters_and_the_others_are_done(world, body):
    fine = Message("one", service.cloud_event(event(), "https://janjan.example")).body()
    assert world.webhooks().take({"bad": body, "fine": json.dumps(fine)}) == ["bad"]
    assert len(world.receivers.came) == 1


# --- 410


def test_410_disables_once_is_audited_and_lasts_until_a_person_acts(world):
    world.receivers.answers["one.example"] = [410]
    world.tell(event(1), event(2))
    world.run(until_s=1)
    world.clock.move(3600)
    world.receivers.answers["one.example"] = [200]
    world.tell(event(3))
    world.run()
    assert len(world.receivers.came) <= 2
    [listed] = world.webhooks().listed()
    assert listed.state == "disabled"
    [entry_] = world.audit.of("webhook#one", limit=10)[0]
    assert (entry_.action, entry_.actor) == ("webhook.disabled", "system")
    assert dict(entry_.detail) == {"host": "one.example", "status": 410}
    assert {letter["event"]["id"] for letter in world.left()} == {"e1", "e2"}, "what was on its way"
    item = StandingItem.get("webhook#one", "-")
    assert item.expires is None


def test_what_waits_when_its_receiver_is_disabled_lies_where_a_person_sees_it(world):
    world.receivers.answers["one.example"] = [lambda body: 500 if b'"e1"' in body else 410]
    world.tell(event(1))
    world.run(until_s=1)
    world.tell(event(2))
    world.run()
    assert {letter["event"]["id"] for letter in world.left()} == {"e1", "e2"}


def test_a_person_resumes_it_and_what_lay_there_is_sent_back(world):
    world.receivers.answers["one.example"] = [410, 200]
    world.tell(event(1))
    world.run()
    letters = world.left()
    world.dead.messages.clear()
    world.tell(*letters)
    world.run()
    assert world.left() == letters, "sent back too early it is not lost"
    assert world.webhooks().resume(ADMIN, "one").state == "on"
    world.tell(*letters)
    world.run()
    assert len(world.receivers.came) == 2
    assert [one.action for one in world.audit.of("webhook#one", limit=10)[0]] == [
        "webhook.resumed",
        "webhook.disabled",
    ]


def test_another_address_in_the_secret_is_sent_to_though_the_one_before_is_gone(world):
    world.receivers.answers["one.example"] = [410]
    world.tell(event(1))
    world.run()
    world.entries = {"one": entry("new.example")}
    world.tell(event(2))
    world.run()
    assert len(world.receivers.at("new.example")) == 1
    assert world.webhooks().get("one").state == "on"
    world.receivers.answers["new.example"] = [0, 200]
    world.tell(event(3))
    world.run()
    assert len(world.receivers.at("new.example")) == 3, "its own failures count, whatever was noted before"


# --- entries


def test_an_entry_that_cannot_be_read_keeps_its_events_until_it_can_and_the_others_go_on(world):
    broken = entry("two.example", secret="whsec_short", events=["run.*"])
    world.entries = {"one": entry(), "two": broken}
    world.tell(event(1), event(2, "run.started"))
    world.run(until_s=7200)
    assert len(world.receivers.at("one.example")) == 2
    assert [one.state for one in world.webhooks().listed()] == ["on", "unreadable"]
    world.entries = {"one": entry(), "two": broken | {"secret": SECRET}}
    world.run()
    assert len(world.receivers.at("two.example")) == 1, "of both events it asks for one"
    assert world.dead.messages == []


def test_an_entry_that_stays_unreadable_loses_nothing(world):
    world.entries = {"one": None}
    world.tell(event())
    world.run()
    assert len(world.left()) == 1


def test_webhooks_that_are_no_object_make_the_event_come_again(world):
    world.entries = ["https://one.example"]
    assert world.webhooks().take({"1": json.dumps(event())}) == ["1"]


def test_who_was_taken_out_of_the_secret_gets_nothing_more(world):
    world.receivers.answers["one.example"] = [500]
    world.tell(event())
    world.run(until_s=60)
    before = len(world.receivers.came)
    world.entries = {}
    world.run()
    assert len(world.receivers.came) == before
    assert (world.queue.messages, world.dead.messages) == ([], [])


def test_no_secret_and_no_path_is_logged(world, caplog):
    world.receivers.answers["one.example"] = [0, 500, 410]
    world.entries = {
        "one": entry() | {"url": "https://one.example/token-in-the-path"},
        "two": {"url": "https://user:geheim@two.example/token-in-the-path", "secret": SECRET},
        "three": {"url": "https://three.example/token-in-the-path", "secret": SECRET + "x"},
    }
    world.tell(event())
    world.run()
    logged = " ".join(str(vars(record)) for record in caplog.records)
    assert "webhook disabled" in logged and "webhook unreadable" in logged
    assert "token-in-the-path" not in logged and "geheim" not in logged
    assert SECRET.removeprefix("whsec_")[:12] not in logged


# --- the standing of a receiver


def test_of_many_who_would_ask_how_a_receiver_is_one_does(world):
    subscriber = Subscriber.of("one", entry())
    ill = Standing().worse(Answer(0), world.clock.epoch())
    assert world.standings.change(subscriber, Standing(), ill)
    claims = [world.standings.claim(subscriber, ill, ill.until + 30) for _ in range(3)]
    assert [claim is not None for claim in claims] == [True, False, False]
    world.standings.well(subscriber, ill)
    assert world.standings.get(subscriber) == claims[0], "who has not the claim says nothing of its health"
    world.standings.well(subscriber, claims[0])
    assert world.standings.get(subscriber) == Standing()


def test_many_failures_at_once_count_as_one(world):
    subscriber = Subscriber.of("one", entry())
    after = Standing().worse(Answer(0), world.clock.epoch())
    later = replace(after, until=after.until + 1)
    assert world.standings.change(subscriber, Standing(), after)
    assert not world.standings.change(subscriber, Standing(), later)
    assert world.standings.get(subscriber) == after


def test_a_failure_that_comes_late_enables_nothing_that_was_disabled(world):
    world.receivers.answers["one.example"] = [410]
    world.tell(event())
    world.run()
    subscriber = Subscriber.of("one", entry())
    for seen in (Standing(), Standing(1, world.clock.epoch())):
        after = seen.worse(Answer(0), world.clock.epoch())
        assert not world.standings.change(subscriber, seen, after)
        world.standings.well(subscriber, seen)
    assert world.standings.get(subscriber).disabled_at


def test_a_claim_whose_holder_died_ends_by_itself(world):
    world.receivers.answers["one.example"] = [0, 200]
    world.tell(event())
    world.run(until_s=1)
    subscriber = Subscriber.of("one", entry())
    seen = world.standings.get(subscriber)
    world.clock.move(5)
    assert world.standings.claim(subscriber, seen, world.clock.epoch() + service.CLAIMED_S)
    world.run()
    assert len(world.receivers.came) == 2
    assert world.dead.messages == []


def test_a_test_message_is_sent_at_once_audited_and_changes_nothing(world):
    for status, state in ((200, "on"), (410, "on"), (0, "on")):
        world.receivers.answers["one.example"] = [status]
        assert world.webhooks().try_out(ADMIN, "one").status == status
        assert world.webhooks().get("one").state == state
    assert world.queue.messages == []
    actions = [one.action for one in world.audit.of("webhook#one", limit=10)[0]]
    assert actions == ["webhook.tested"] * 3


def test_the_day_is_counted_from_when_it_was_first_to_be_sent(world):
    world.receivers.answers["one.example"] = [0]
    world.tell(event())
    world.run(until_s=timedelta(hours=20).total_seconds())
    world.receivers.answers["one.example"] = [500]
    world.run()
    assert world.clock.epoch() - START.timestamp() == pytest.approx(DAY_S, abs=1)
    assert len(world.left()) == 1
