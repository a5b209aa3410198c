"""The operators' command for dead letters, on the real queues."""

from __future__ import annotations

import base64
import json
import re
import time
import uuid

import boto3
import pytest

from chalicelib import aws
from chalicelib import dead_letters as letters
from chalicelib.callbacks.store import Kept
from chalicelib.identity.audit import Audit
from chalicelib.letter_sentences import FUNCTIONS, masked, said
from local.ports import free_port
from scripts import dead_letters
from tests.conftest import template

PHONE = "+919000012345"
WORDS = "मेरा गाँव"
RUN = "cmp_aaaaaaaaaaaaaaaa-1"
CHUNK = {"run": RUN, "chunk": "00000000003"}
PATIENCE_S = 120


def callback(platform: str, **holds: str) -> dict[str, str]:
    return {"platform": platform, "received_at": "2026-11-02T05:30:00Z", **holds}


def body_of(update: object) -> str:
    return base64.b64encode(json.dumps(update).encode()).decode()


APPROVED = {
    "version": "0",
    "account": "000000000000",
    "region": "ap-south-1",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "influencer.approved",
    "source": "janjan.influencers",
    "resources": [],
    "time": "2026-11-02T05:30:00Z",
    "detail": {
        "id": "0f3a",
        "version": 1,
        "occurred_at": "2026-11-02T05:30:00Z",
        "data": {"influencer_id": "inf_nobody", "area": "D9001"},
    },
}
TICK = {
    "detail-type": "Scheduled Event",
    "time": "2026-11-02T18:15:00Z",
    "resources": ["arn:aws:events:ap-south-1:000000000000:rule/janjan-prod-SealAuditSealAuditEvent-1A2B"],
    "detail": {},
}
STREAM = {
    "requestContext": {
        "functionArn": "arn:aws:lambda:ap-south-1:000000000000:function:janjan-prod-PublishEvents-1A2B",
        "condition": "RetryAttemptsExhausted",
    },
    "DDBStreamBatchInfo": {
        "shardId": "shardId-1",
        "startSequenceNumber": "1",
        "endSequenceNumber": "2",
        "approximateArrivalOfFirstRecord": "2026-11-02T05:30:00Z",
        "batchSize": 2,
        "streamArn": "arn:aws:dynamodb:ap-south-1:000000000000:table/janjan-prod-people/stream/2026",
    },
}


@pytest.mark.parametrize(
    ("queue", "message", "function", "sentence"),
    [
        ("send", CHUNK, "send_chunk", f"chunk 00000000003 of run {RUN}"),
        ("plan", {"wake": RUN}, "plan_run", f"waking of what waits in run {RUN}"),
        ("plan", {"launch": RUN}, "plan_run", f"launch of run {RUN}"),
        (
            "plan",
            {"plan": RUN, "range": 2, "page": 3, "after": "D1#inf_a"},
            "plan_run",
            f"planning of page 3 of stretch 2 of run {RUN}",
        ),
        ("plan", {"settle": RUN, "look": 3}, "plan_run", f"look whether run {RUN} has ended"),
        (
            "callbacks",
            callback("whatsapp", body="A" * 1600),
            "process_callbacks",
            "callback of whatsapp, 1.2 kB, received 2026-11-02T05:30:00Z",
        ),
        (
            "callbacks",
            callback("whatsapp", zipped="A" * 1600),
            "process_callbacks",
            "callback of whatsapp, packed into 1.2 kB, received 2026-11-02T05:30:00Z",
        ),
        (
            "callbacks",
            {
                "TopicArn": "arn:aws:sns:ap-south-1:000000000000:janjan-x-ses",
                "Timestamp": "2026-11-02T05:30:00.123Z",
                "Message": "A" * 1200,
            },
            "process_callbacks",
            "callback of ses over SNS, 1.2 kB, received 2026-11-02T05:30:00Z",
        ),
        (
            "callbacks",
            callback("telegram", object="callbacks/cb_aaaa"),
            "process_callbacks",
            "callback of telegram, in the bucket as callbacks/cb_aaaa, received 2026-11-02T05:30:00Z",
        ),
        ("imports", {"import": "imp_a"}, "run_import", "work on import imp_a"),
        (
            "service",
            {"kind": "code", "influencer": "inf_a", "nonce": "n", "until": 1},
            "send_service",
            "verification code for inf_a",
        ),
        (
            "service",
            {"kind": "welcome", "influencer": "inf_a", "event": "e"},
            "send_service",
            "welcome for inf_a",
        ),
        (
            "webhooks",
            {"to": "namuna-crm", "event": {"id": "0f3a", "type": "run.started"}, "since": 1.5},
            "send_webhooks",
            "event run.started 0f3a for the webhook namuna-crm",
        ),
        ("webhooks", APPROVED, "send_webhooks", "event influencer.approved 0f3a of inf_nobody"),
        ("events", APPROVED, "welcome, keep_ambassadors", "event influencer.approved 0f3a of inf_nobody"),
        ("events", TICK, "seal_audit", "the schedule's call of 2026-11-02T18:15:00Z"),
        ("events", {"requestPayload": TICK}, "seal_audit", "the schedule's call of 2026-11-02T18:15:00Z"),
        (
            "events",
            STREAM,
            "publish_events",
            "2 changes of the table people from 2026-11-02T05:30:00Z (RetryAttemptsExhausted)",
        ),
    ],
)
def test_every_kind_of_letter_says_what_it_is(queue, message, function, sentence):
    told = said(queue, json.dumps(message), {})
    assert (told.function, told.sentence) == (function, sentence)


def test_an_event_that_eventbridge_gave_up_says_why_and_for_whom():
    arn = "arn:aws:lambda:ap-south-1:000000000000:function:janjan-prod-Welcome-1A2B"
    told = said("events", json.dumps(APPROVED), {"TARGET_ARN": arn, "ERROR_CODE": "NO_PERMISSIONS"})
    assert told.function == "welcome"
    assert told.sentence.endswith("of inf_nobody (NO_PERMISSIONS)")


@pytest.mark.parametrize("queue", ["callbacks", "plan", "send", "service", "webhooks", "events", "another"])
@pytest.mark.parametrize(
    "body",
    [
        PHONE,
        json.dumps(PHONE),
        json.dumps({"run": PHONE, "chunk": PHONE, "launch": PHONE, "kind": "code", "influencer": PHONE}),
        json.dumps({"kind": PHONE, "influencer": "inf_a"}),
        json.dumps({"to": PHONE, "event": {"id": "0f3a", "type": "run.started"}}),
        json.dumps({"to": "crm", "event": {"id": PHONE, "type": PHONE}}),
        json.dumps({"platform": PHONE, "received_at": PHONE, "body": PHONE}),
        json.dumps({"detail-type": PHONE, "detail": {"id": PHONE, "data": {"a": PHONE}}, "resources": PHONE}),
        json.dumps({"requestContext": PHONE, "requestPayload": [PHONE], "DDBStreamBatchInfo": PHONE}),
        json.dumps({"requestContext": {"condition": PHONE}, "detail-type": "x", "detail": PHONE}),
        json.dumps({"DDBStreamBatchInfo": STREAM["DDBStreamBatchInfo"] | {"streamArn": PHONE}}),
    ],
)
def test_what_has_not_our_form_is_not_repeated(queue, body):
    told = said(queue, body, {"ERROR_CODE": PHONE, "TARGET_ARN": PHONE})
    assert "9000012345" not in told.sentence
    assert told.sentence.startswith("something that cannot be read, ")


def test_a_body_to_look_at_keeps_its_form_and_nothing_of_a_person():
    letter = {
        "run": RUN,
        "chunk": "00000000003",
        "kind": "code",
        "phone": PHONE,
        "digits": 919000012345,
        "said": [WORDS, {"name": "asha", PHONE: "inf_abc"}],
        "platform": "whatsapp",
        "received_at": "2026-11-02T05:30:00Z",
        "number": "09000012345",
        "count": 3,
    }
    shown = masked(json.dumps(letter, ensure_ascii=False))
    assert "9000012345" not in shown and WORDS not in shown and "asha" not in shown
    assert {RUN, "00000000003", "code", "inf_abc", "whatsapp", "2026-11-02T05:30:00Z"} <= set(
        re.findall(r'"([^"]*)"', shown)
    )
    assert masked(PHONE + " " + WORDS) == f"… {len(PHONE + ' ' + WORDS)}"


@pytest.fixture
def operator(tmp_path, monkeypatch, capsys):
    """Runs the command at the terminal of the laptop; gives its exit code and what it printed."""

    def at(env):
        (tmp_path / "env.json").write_text(json.dumps(env))
        monkeypatch.setattr(dead_letters, "ENVIRONMENT", tmp_path / "env.json")
        monkeypatch.setattr(letters, "WAIT_S", 0)  # the embedded queue is one server

        def run(*arguments):
            capsys.readouterr()
            code = dead_letters.main(["--stage", "local", *arguments])
            printed = capsys.readouterr()
            return code, printed.out, printed.err

        return run

    return at


@pytest.fixture
def queues(tables):
    """The template's queues of sending, and those of the events' dead letters."""
    sqs = boto3.client("sqs")
    dead = sqs.create_queue(QueueName="janjan-local-send-dead")["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    policy = {"deadLetterTargetArn": answer["Attributes"]["QueueArn"], "maxReceiveCount": 2}
    source = sqs.create_queue(
        QueueName="janjan-local-send",
        Attributes={"VisibilityTimeout": "0", "RedrivePolicy": json.dumps(policy)},
    )["QueueUrl"]
    sqs.create_queue(QueueName="janjan-local-events-dead")
    return source, dead


@pytest.fixture
def desk(queues, operator, tables):
    """The operator's terminal, and two dead letters that their function failed at twice."""
    sqs, (source, _) = boto3.client("sqs"), queues
    for chunk in ("00000000001", "00000000002"):
        sqs.send_message(QueueUrl=source, MessageBody=json.dumps({**CHUNK, "chunk": chunk}))
    for _ in range(4):
        sqs.receive_message(QueueUrl=source, MaxNumberOfMessages=10)
    return operator(tables.environment | {"STAGE": "local"})


def lying_in(url):
    """The bodies of all messages of a queue, which stay there."""
    answer = boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return sorted(json.loads(message["Body"])["chunk"] for message in answer.get("Messages", []))


def ids_in(out):
    return [line.split()[0] for line in out.splitlines() if "  received " in line]


def test_queues_are_listed_with_number_and_age_and_letters_with_a_sentence(desk, queues):
    code, out, _ = desk("list")
    assert code == 0
    assert [line.split()[:2] for line in out.splitlines()] == [["events", "0"], ["send", "2"]]
    assert "oldest" in out
    code, out, _ = desk("show", "send")
    assert code == 0
    assert f"chunk 00000000001 of run {RUN}" in out
    assert f"chunk 00000000002 of run {RUN}" in out
    assert "send_chunk  received 4 times" in out  # twice by its reader, by list, by show
    assert lying_in(queues[1]) == ["00000000001", "00000000002"]


def test_a_queue_may_be_named_in_any_of_its_ways_and_another_is_refused_in_one_line(desk):
    for name in ("send", "send-dead", "janjan-local-send-dead"):
        assert "2 times" not in desk("show", name)[2]
        assert desk("show", name)[0] == 0
    code, out, err = desk("show", "sned")
    assert (code, out) == (1, "")
    assert err == "The stage local has no dead-letter queue sned: it has events, send.\n"


def test_all_letters_go_back_to_their_queue_or_the_one_that_is_named(desk, queues):
    source, dead = queues
    first, _ = ids_in(desk("show", "send")[1])
    assert desk("redrive", "send", "--id", first)[:2] == (0, "1 sent back, 0 stay in send.\n")
    assert len(lying_in(source)) == len(lying_in(dead)) == 1
    assert desk("redrive", "send")[0] == 0
    assert lying_in(dead) == []
    noted = [(entry.action, entry.detail["letter"]) for entry in Audit().of("queue#send-dead", limit=10)[0]]
    assert ("dead_letter.redriven", first) in noted and len(noted) == 2
    assert desk("show", "send")[1] == "No dead letters in send.\n"
    code, _, err = desk("redrive", "send", "--id", first)
    assert (code, err) == (1, f"There is no letter {first} in send.\n")


def test_a_redrive_that_breaks_off_between_sending_and_deleting_loses_nothing(desk, queues):
    source, dead = queues

    class Killed(BaseException):
        pass

    def die(**_):
        raise Killed

    events = aws.client("sqs").meta.events
    events.register("before-call.sqs.DeleteMessage", die)
    with pytest.raises(Killed):
        desk("redrive", "send")
    events.unregister("before-call.sqs.DeleteMessage", die)
    [copied] = lying_in(source)
    assert lying_in(dead) == ["00000000001", "00000000002"]
    assert desk("redrive", "send")[0] == 0
    assert lying_in(dead) == []
    assert sorted([*lying_in(source)]) == sorted(["00000000001", "00000000002", copied])


def test_a_letter_is_closed_with_an_entry_in_the_audit_that_names_no_person(desk, queues):
    first, second = ids_in(desk("show", "send")[1])
    code, out, _ = desk("close", "send", "--id", first, "--reason", "The run of 2026-11-02 was a trial")
    assert code == 0
    [entry], _ = Audit().of("queue#send-dead", limit=10)
    assert entry.action == "dead_letter.closed"
    assert entry.actor.startswith("aws:")
    assert dict(entry.detail) == {
        "letter": first,
        "function": "send_chunk",
        "what": out.removeprefix("Closed: ").partition(". Entry")[0],
        "reason": "The run of 2026-11-02 was a trial",
    }
    assert ids_in(desk("show", "send")[1]) == [second]


def test_a_close_that_breaks_off_before_deleting_leaves_the_letter_and_its_entry(desk, queues):
    def die(**_):
        raise KeyboardInterrupt

    first, _ = ids_in(desk("show", "send")[1])
    events = aws.client("sqs").meta.events
    events.register("before-call.sqs.DeleteMessage", die)
    with pytest.raises(KeyboardInterrupt):
        desk("close", "send", "--id", first, "--reason", "The run of 2026-11-02 was a trial")
    events.unregister("before-call.sqs.DeleteMessage", die)
    assert len(Audit().of("queue#send-dead", limit=10)[0]) == 1
    assert len(lying_in(queues[1])) == 2


@pytest.mark.parametrize("reason", [f"Asked at {PHONE}", "Asked at 90000 12345", "Ask asha@example.in", "  "])
def test_a_reason_with_a_number_or_an_address_is_refused_and_nothing_is_closed(desk, queues, reason):
    first, _ = ids_in(desk("show", "send")[1])
    code, _, err = desk("close", "send", "--id", first, "--reason", reason)
    assert code == 1
    assert len(err.splitlines()) == 1
    assert len(lying_in(queues[1])) == 2
    assert Audit().of("queue#send-dead", limit=10)[0] == []


def test_whole_messages_are_shown_only_when_asked_for_and_after_a_warning(desk):
    assert CHUNK["run"] in desk("show", "send")[1]
    _, out, err = desk("show", "send", "--raw")
    assert json.dumps({**CHUNK, "chunk": "00000000001"}) in out
    assert "numbers and words of people" in err


def test_a_letter_of_which_nothing_tells_the_function_stays(desk):
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="janjan-local-events-dead")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"detail-type": PHONE}))
    sqs.send_message(QueueUrl=url, MessageBody=PHONE)
    code, out, err = desk("redrive", "events")
    assert (code, out) == (1, "0 sent back, 2 stay in events.\n")
    assert "9000012345" not in err
    assert "2" in desk("list")[1].splitlines()[0]


def test_without_a_laptop_or_with_one_that_is_down_there_is_one_clear_line(
    tables, monkeypatch, capsys, tmp_path, operator
):
    monkeypatch.setattr(dead_letters, "ENVIRONMENT", tmp_path / "absent.json")
    assert dead_letters.main(["--stage", "local", "list"]) == 1
    assert capsys.readouterr().err == f"There is no {tmp_path / 'absent.json'}: is `make run` up?\n"
    code, _, err = operator(tables.environment)("list")
    assert (code, err) == (1, "The stage local has no dead-letter queues: is it deployed?\n")
    aws.forget_clients()
    code, _, err = operator({**tables.environment, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"})(
        "list"
    )
    assert code == 1
    assert len(err.splitlines()) == 1 and err.endswith("Is `make run` up?\n")


# --- the deployed application


def until(look):
    """What `look` finds, once it finds something."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found
    return found


@pytest.fixture
def impatient(stack):
    """The deployed queue of callbacks, whose messages come again after a second."""
    sqs, url = stack.engine.client("sqs"), stack.env["CALLBACKS_QUEUE_URL"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
    yield lambda message: sqs.send_message(QueueUrl=url, MessageBody=json.dumps(message))
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "360"})


@pytest.mark.slow
def test_a_poison_message_ends_in_the_dead_letters_and_is_mended_redriven_and_handled_or_closed(
    stack, impatient, operator
):
    desk = operator(stack.env)
    key = f"callbacks/cb_{uuid.uuid4().hex}"
    unknown = {"from": PHONE, "text": WORDS}
    impatient(callback("telegram", object=key))
    impatient(callback("nowhere", body=body_of(unknown)))
    until(lambda: desk("show", "callbacks")[1].count("process_callbacks") == 2)
    assert desk("list")[1].splitlines()[0].split()[:2] == ["callbacks", "2"]
    _, out, err = desk("show", "callbacks")
    lost = next(i for i, text in zip(ids_in(out), out.splitlines()[1::2], strict=True) if key in text)
    [poison] = set(ids_in(out)) - {lost}
    assert "callback of nowhere, 0" not in out and "callback of nowhere, " in out
    assert "9000012345" not in out + err and WORDS not in out + err

    said_at = int(time.time()) + 86_400 * 900  # a day of this test's own
    update = {"update_id": 8, "message": {"chat": {"id": 29}, "date": said_at, "text": WORDS}}
    stack.engine.client("s3").put_object(
        Bucket=stack.env["BUCKET"], Key=key, Body=json.dumps(update).encode()
    )
    assert desk("redrive", "callbacks", "--id", lost)[0] == 0
    day = time.strftime("%Y-%m-%d", time.gmtime(said_at))
    [kept] = until(lambda: list(Kept.query(f"inbound#telegram#{day}")))
    assert json.loads(kept.content)["text"] == WORDS

    code, out, err = desk("close", "callbacks", "--id", poison, "--reason", "No such platform")
    assert code == 0 and "9000012345" not in out + err
    entries, _ = Audit().of("queue#callbacks-dead", limit=10)
    noted = {(entry.action, entry.detail["letter"]) for entry in entries}
    assert noted == {("dead_letter.redriven", lost), ("dead_letter.closed", poison)}
    assert "9000012345" not in str(entries)
    assert desk("list")[1].splitlines()[0].split() == ["callbacks", "0"]


@pytest.fixture
def published(stack):
    """Counts what reaches the bus, by event id."""
    sqs, events = stack.engine.client("sqs"), stack.engine.client("events")
    url = sqs.create_queue(QueueName=f"seen-{uuid.uuid4().hex}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bus = stack.env["BUS"]
    events.put_rule(Name="seen", EventBusName=bus, EventPattern='{"source": [{"prefix": "janjan."}]}')
    events.put_targets(Rule="seen", EventBusName=bus, Targets=[{"Id": "q", "Arn": arn}])
    found: list[str] = []

    def look(event_about):
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        found.extend(message["Body"] for message in answer.get("Messages", []))
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(body)["detail"]["id"] for body in found if event_about in body]

    yield look
    events.remove_targets(Rule="seen", EventBusName=bus, Ids=["q"])
    events.delete_rule(Name="seen", EventBusName=bus)
    sqs.delete_queue(QueueUrl=url)


def put_dead(stack, body, **attributes):
    sqs = stack.engine.client("sqs")
    url = sqs.get_queue_url(QueueName="janjan-local-events-dead")["QueueUrl"]
    given = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body), MessageAttributes=given)


@pytest.mark.slow
def test_changes_that_were_not_published_are_published_from_their_stream(stack, published, operator):
    desk = operator(stack.env)
    item = f"cmp_{uuid.uuid4().hex[:16]}"
    raised = {"type": "campaign.approved", "at": "2026-11-02T05:30:00Z", "data": {"campaign_id": item}}
    row = {
        "pk": {"S": item},
        "sk": {"S": "event"},
        "rev": {"N": "1"},
        "event": {"S": json.dumps(raised)},
    }
    table = "janjan-local-campaigns"
    dynamodb, streams = stack.engine.client("dynamodb"), stack.engine.client("dynamodbstreams")
    dynamodb.put_item(TableName=table, Item=row)
    [first] = until(lambda: published(item))
    arn = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    number = next(
        r["dynamodb"]["SequenceNumber"] for r in records if r["dynamodb"]["Keys"]["pk"]["S"] == item
    )
    batch = {
        **STREAM["DDBStreamBatchInfo"],
        **{"shardId": shard, "streamArn": arn, "batchSize": 1},
        **{"startSequenceNumber": number, "endSequenceNumber": number},
    }
    put_dead(stack, {**STREAM, "DDBStreamBatchInfo": batch})
    put_dead(stack, {**STREAM, "DDBStreamBatchInfo": {**batch, "startSequenceNumber": "7" * 30}})
    assert "1 changes of the table campaigns" in desk("show", "events")[1]
    code, out, err = desk("redrive", "events")
    assert (code, out) == (1, "1 sent back, 1 stay in events.\n")
    assert "left the stream" in err
    assert until(lambda: published(item)[1:]) == [first]
    [stays] = ids_in(desk("show", "events")[1])
    assert desk("close", "events", "--id", stays, "--reason", "More than a day old")[0] == 0


@pytest.mark.slow
def test_an_event_that_did_not_reach_its_function_is_handed_to_it(stack, operator):
    desk = operator(stack.env)
    person = f"inf_{uuid.uuid4().hex[:16]}"
    event = json.loads(json.dumps(APPROVED).replace("inf_nobody", person))
    put_dead(stack, event, ERROR_CODE="NO_PERMISSIONS")
    assert f"of {person} (NO_PERMISSIONS)" in desk("show", "events")[1]

    def welcomes():
        lines = stack.recorded_calls.read_text().splitlines() if stack.recorded_calls.exists() else []
        return sum("Welcome" in line and "SendMessageBatch" in line for line in lines)

    before = welcomes()
    assert desk("redrive", "events")[:2] == (0, "1 sent back, 0 stay in events.\n")
    until(lambda: welcomes() == before + 1)


# --- the template


def test_a_queue_and_its_dead_letters_have_one_name_and_every_sender_of_events_dead_is_known():
    resources = template()["Resources"]
    names = {
        name: resource["Properties"]["QueueName"]["Fn::Sub"]
        for name, resource in resources.items()
        if resource.get("Type") == "AWS::SQS::Queue"
    }
    for name, resource in resources.items():
        given = resource.get("Properties", {})
        if policy := given.get("RedrivePolicy"):  # of a queue, or of a topic's subscription for one
            queue = name if name in names else given["Endpoint"]["Fn::GetAtt"][0]
            assert names[policy["deadLetterTargetArn"]["Fn::GetAtt"][0]] == names[queue] + "-dead"
    handing_over = {
        name
        for name, resource in resources.items()
        if "EventsDead" in str(resource.get("Properties")) and "Type" not in resource
    }
    assert handing_over == set(FUNCTIONS)
