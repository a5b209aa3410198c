"""What AWS hands to each function, as kept in events/samples/invocations, goes through that function."""

import json
import time
from pathlib import Path

import pytest
from chalice.local import LambdaContext
from chalice.test import Client

import app as front_door
from chalicelib import wiring
from chalicelib.dispatch.model import Ticket
from chalicelib.webhooks.model import Message

SAMPLES = Path(__file__).parents[2] / "events" / "samples" / "invocations"
RUN = "cmp_abcdefghijklmnop-1"


class Recorder:
    """Stands for any collaborator: remembers every call and the arguments that tests look at."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *args: self.calls.append((name, *args))


@pytest.fixture
def recorded(monkeypatch):
    """`recorded("planner")` puts a recorder in the place of what wiring builds."""

    def replace(builder):
        recorder = Recorder()
        monkeypatch.setattr(wiring, builder, lambda: recorder)
        return recorder

    return replace


def sample(name):
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def invoke(function, name):
    return getattr(front_door, function)(sample(name), LambdaContext(function, 256))


def bodies(name):
    return [json.loads(record["body"]) for record in sample(name)["Records"]]


def test_the_queue_of_plans(recorded):
    planner = recorded("planner")
    assert invoke("plan_run", "sqs_plan") == {"batchItemFailures": []}
    assert planner.calls == [("handle", body) for body in bodies("sqs_plan")]
    assert {next(iter(body)) for body in bodies("sqs_plan")} == {"launch", "plan", "settle"}


def test_the_queue_of_chunks(recorded):
    sender = recorded("sender")
    assert invoke("send_chunk", "sqs_send") == {"batchItemFailures": []}
    ((name, ticket, holder, deadline),) = sender.calls
    assert (name, ticket) == ("send_chunk", Ticket(RUN, "00000001003"))
    assert sample("sqs_send")["Records"][0]["messageId"] in holder
    assert deadline > 0


def test_the_queue_of_imports(recorded):
    runner = recorded("import_runner")
    assert invoke("run_import", "sqs_imports") == {"batchItemFailures": []}
    ((name, job, holder, deadline),) = runner.calls
    assert (name, job) == ("run", "imp_abcdefghijklmnop")
    assert sample("sqs_imports")["Records"][0]["messageId"] in holder
    assert deadline > 0


def test_the_queue_of_service_messages(recorded):
    messenger = recorded("messenger")
    assert invoke("send_service", "sqs_service") == {"batchItemFailures": []}
    assert messenger.calls == [("deliver", body) for body in bodies("sqs_service")]


def test_the_queue_of_callbacks(monkeypatch):
    class Processor:
        def process(self, messages):
            self.messages = messages
            return [list(messages)[-1]]

    processor = Processor()
    monkeypatch.setattr(wiring, "callbacks", lambda: processor)
    records = sample("sqs_callbacks")["Records"]
    answer = invoke("process_callbacks", "sqs_callbacks")
    assert answer == {"batchItemFailures": [{"itemIdentifier": records[-1]["messageId"]}]}
    assert processor.messages == {record["messageId"]: record["body"] for record in records}


def test_an_invitation_of_the_service_queue_goes_to_its_own_desk(recorded):
    invitations, event = recorded("invitations"), sample("sqs_service")
    body = json.dumps({"kind": "invitation", "invitation": "inv_abcdefghijklmnop"})
    event["Records"] = [event["Records"][0] | {"body": body}]
    front_door.send_service(event, LambdaContext("send_service", 256))
    assert invitations.calls == [("deliver", "inv_abcdefghijklmnop")]


def test_the_queue_of_webhooks(monkeypatch):
    class Taking:
        def take(self, messages):
            self.messages = messages
            return [list(messages)[-1]]

    taking = Taking()
    monkeypatch.setattr(wiring, "webhooks", lambda: taking)
    records = sample("sqs_webhooks")["Records"]
    answer = invoke("send_webhooks", "sqs_webhooks")
    assert answer == {"batchItemFailures": [{"itemIdentifier": records[-1]["messageId"]}]}
    assert taking.messages == {record["messageId"]: record["body"] for record in records}
    told, waiting = bodies("sqs_webhooks")
    assert told["detail-type"] == "influencer.approved"
    assert Message.of(waiting).body() == waiting


def test_the_stream_of_a_table(recorded):
    outbox = recorded("outbox")
    invoke("publish_events", "dynamodb_stream")
    assert outbox.calls == [("publish", sample("dynamodb_stream")["Records"])]


def test_a_record_of_the_stream_calls_for_its_event():
    from chalicelib.events.outbox import entry_of

    entry = entry_of(sample("dynamodb_stream")["Records"][0])
    assert entry is not None
    assert (entry.name, entry.data["influencer_id"]) == ("influencer.approved", "inf_abcdefghijklmnop")


def test_the_minute(recorded):
    planner, breaker, publishing = recorded("planner"), recorded("breaker"), recorded("publishing")
    invoke("launch_due", "schedule_rule")
    assert (planner.calls, breaker.calls, publishing.calls) == ([("tick",)], [("watch",)], [("tick",)])


def test_the_minute_of_figures_counts_followers_for_a_while_then_measures_posts(recorded):
    poller, followers = recorded("poller"), recorded("followers")
    before = time.time()
    invoke("measure_due", "schedule_rule")
    [(count, first), (poll, last)] = [*followers.calls, *poller.calls]
    assert (count, poll) == ("count", "poll")
    assert 9 < first - before < 30 < last - first + 1 < 40


def test_the_hour_of_subscriptions(recorded):
    subscriptions = recorded("subscriptions")
    before = time.time()
    invoke("follow_accounts", "schedule_rule")
    [(name, until)] = subscriptions.calls
    assert name == "tick"
    assert 190 < until - before < 210


def test_the_days_seal(recorded):
    audit = recorded("audit")
    invoke("seal_audit", "schedule_rule")
    assert [name for name, _ in audit.calls] == ["seal"]


def test_an_event_of_the_bus(recorded):
    queue = recorded("service_queue")
    invoke("welcome", "eventbridge_influencer_approved")
    event_id = sample("eventbridge_influencer_approved")["detail"]["id"]
    wanted = {"kind": "welcome", "influencer": "inf_abcdefghijklmnop", "event": event_id}
    assert queue.calls == [("put", [wanted])]


@pytest.mark.parametrize(
    ("name", "status"),
    [("apigateway_healthz", 200), ("apigateway_webhook", 401), ("apigateway_handshake", 200)],
)
def test_a_call_of_the_gateway(monkeypatch, name, status):
    from chalicelib.callbacks.receiver import Receiver
    from chalicelib.clock import FixedClock
    from chalicelib.platforms.registry import Platforms
    from local.config import platform_secret
    from tests.platforms.test_registry import GivenSecrets

    platforms = Platforms(GivenSecrets(platform_secret()), http=None)
    monkeypatch.setattr(wiring, "receiver", lambda: Receiver(platforms, None, FixedClock()))
    with Client(front_door.app):
        answer = front_door.app(sample(name), LambdaContext("APIHandler", 256))
    assert answer["statusCode"] == status


def test_every_sample_is_used_here():
    source = Path(__file__).read_text(encoding="utf-8")
    assert [p.stem for p in SAMPLES.glob("*.json") if f'"{p.stem}"' not in source] == []


def test_the_posts_of_who_has_shown_an_account_are_looked_at_anew(recorded):
    posts = recorded("posts")
    invoke("weigh_posts", "eventbridge_influencer_handle_proven")
    assert posts.calls == [("weigh_again", "inf_abcdefghijklmnop")]


def test_the_posts_of_a_department_that_lost_an_account_are_looked_at_anew(recorded):
    posts = recorded("posts")
    invoke("weigh_posts", "eventbridge_department_handle_contested")
    assert posts.calls == [("weigh_again", "department#water")]


def test_whoever_is_approved_or_suspended_has_their_appointments_looked_at(recorded):
    ambassadors = recorded("ambassadors")
    for name in ("eventbridge_influencer_approved", "eventbridge_influencer_suspended"):
        invoke("keep_ambassadors", name)
    made, ended = (call[1:3] for call in ambassadors.calls)
    assert (made[0], ended[0]) == ("inf_abcdefghijklmnop", "inf_abcdefghijklmnop")
    assert made[1] == sample("eventbridge_influencer_approved")["detail"]["id"]


def test_a_person_who_left_is_taken_out_of_posts_and_voices_and_their_appeals_are_forgotten(recorded):
    posts, appeals, voices = recorded("posts"), recorded("appeals"), recorded("voices")
    invoke("forget_posts", "eventbridge_influencer_withdrawn")
    assert posts.calls == appeals.calls == voices.calls == [("forget", "inf_abcdefghijklmnop")]


def test_the_minute_of_voices_tends_them_then_folds_the_counts(recorded):
    tending, counts = recorded("voice_tending"), recorded("voice_counts")
    invoke("tend_voices", "schedule_rule")
    [(tend, until)], [(fold, last)] = tending.calls, counts.calls
    assert (tend, fold, until) == ("tend", "fold", last)
    assert 30 < until - time.time() < 45
