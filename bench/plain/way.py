"""The plain way: one queue message a person, Powertools' Idempotency around the send, a row a person with an
index by the platform's id, counters that are added to one by one.

It is meant to be fair: messages are queued ten a call and rows written 25 a call, the consumer takes ten
messages and reads their people in one request, the index holds keys alone and only rows that have an id, a
status never goes back, and DynamoDB is called by the plain client, without a model in between. Platform,
roster, people, webhook receiver, parser and engine are the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bench.callbacks import Post
from bench.ground import Crowd, Ground, schedule
from bench.ways import handle_all, receive

ROWS, COUNTERS, ONCE = "plain-deliveries", "plain-counters", "plain-idempotency"
RANK = {"queued": 0, "accepted": 1, "sent": 2, "failed": 3, "delivered": 4, "read": 5}
BEFORE = {status: [one for one, rank in RANK.items() if rank < RANK[status]] for status in RANK}
ROWS_A_CALL = 25
MESSAGES_A_CALL = 10
PAGE = 500


@dataclass
class Plain:
    """The peer, with tables and a queue of its own on the same engine."""

    ground: Ground
    name: str = "plain"
    exact: bool = False
    paced: frozenset[str] = frozenset()
    queue_url: str = ""
    runs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        engine = self.ground.engine
        dynamodb = engine.client("dynamodb")
        key = [{"AttributeName": "pk", "KeyType": "HASH"}]
        text = [{"AttributeName": "pk", "AttributeType": "S"}]
        for name in (COUNTERS, ONCE):
            dynamodb.create_table(
                TableName=name, KeySchema=key, AttributeDefinitions=text, BillingMode="PAY_PER_REQUEST"
            )
        by_id = {
            "IndexName": "by_platform_id",
            "KeySchema": [{"AttributeName": "platform_id", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
        dynamodb.create_table(
            TableName=ROWS,
            KeySchema=key,
            AttributeDefinitions=[*text, {"AttributeName": "platform_id", "AttributeType": "S"}],
            GlobalSecondaryIndexes=[by_id],
            BillingMode="PAY_PER_REQUEST",
        )
        self.queue_url = engine.client("sqs").create_queue(QueueName="plain-send")["QueueUrl"]
        self.functions = Functions(self.queue_url)

    @property
    def memory(self) -> dict[str, int]:
        memory = self.ground.memory
        return {
            "plan": memory("PlanRun"),
            "send": memory("SendChunk"),
            "callbacks": memory("ProcessCallbacks"),
            "api": memory("APIHandler"),
        }

    def send(self, crowd: Crowd, label: str) -> None:
        run = self.runs[label] = schedule(label, crowd, due_in=timedelta(days=1))  # never due: not JanJan's
        ground, before = self.ground, self.ground.taken()
        for district in crowd.districts:
            after = None
            while True:  # a step function of pages, say: its own cost is left out
                page = {"run": run, "district": district, "after": after}
                after = ground.invoke("plan", self.functions.plan, page)
                if after is None:
                    break
        while ground.serve(self.queue_url, "send", self.functions.send, MESSAGES_A_CALL):
            pass
        ground.meter.asks["send"] += ground.taken() - before

    def take(self, batch: Sequence[Post], sent: Sequence[tuple[str, str, str]], began: float) -> None:
        receive(self.ground, batch, sent, began)
        handle_all(self.ground, self.functions.callbacks)

    def counts(self, label: str) -> dict[str, int]:
        key = {"pk": {"S": self.runs[label]}}
        found = self.ground.engine.client("dynamodb").get_item(TableName=COUNTERS, Key=key)
        item = found.get("Item", {})
        return {name: int(item.get(name, {"N": "0"})["N"]) for name in ("accepted", "delivered", "read")}


class Functions:
    """The three Lambda functions of the plain way."""

    def __init__(self, queue_url: str) -> None:
        from aws_lambda_powertools.utilities.idempotency import (
            DynamoDBPersistenceLayer,
            IdempotencyConfig,
            idempotent_function,
        )

        from chalicelib import aws, wiring
        from chalicelib.platforms.registry import ADAPTERS

        self.queue_url = queue_url
        self.dynamodb, self.sqs = aws.client("dynamodb"), aws.client("sqs")
        self.runs, self.roster, self.people = wiring.runs(), wiring.roster(), wiring.people()
        self.gateway = wiring.platforms()
        self.letterbox, self.adapter = wiring.callbacks().letterbox, ADAPTERS["whatsapp"]
        store = DynamoDBPersistenceLayer(table_name=ONCE, key_attr="pk", boto3_client=self.dynamodb)
        config = IdempotencyConfig(event_key_jmespath="[run, person]", expires_after_seconds=8 * 24 * 3600)
        self.config = config
        once = idempotent_function(data_keyword_argument="job", persistence_store=store, config=config)
        self.send_once = once(self.send_one)

    # --- plan

    def plan(self, event: dict[str, Any], context: Any) -> str | None:  # noqa: ANN401
        """One page of the roster: a row and a queue message for each person; where to go on."""
        from chalicelib.ports import RosterRange

        run = event["run"]
        rows, more = self.roster.page(RosterRange(event["district"]), event["after"], PAGE)
        people = [row.id for row in self.runs.wants(run, rows) if "whatsapp" in row.channels]
        for some in _cut(people, ROWS_A_CALL):
            items = [
                {"pk": {"S": f"{run}#{one}"}, "run": {"S": run}, "status": {"S": "queued"}} for one in some
            ]
            self.dynamodb.batch_write_item(
                RequestItems={ROWS: [{"PutRequest": {"Item": item}} for item in items]}
            )
        for some in _cut(people, MESSAGES_A_CALL):
            entries = [
                {"Id": str(i), "MessageBody": json.dumps({"run": run, "person": one})}
                for i, one in enumerate(some)
            ]
            self.sqs.send_message_batch(QueueUrl=self.queue_url, Entries=entries)
        return more

    # --- send

    def send(self, event: dict[str, Any], context: Any) -> Any:  # noqa: ANN401
        """Ten messages; what fails comes again alone."""
        from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

        self.config.register_lambda_context(context)
        jobs = {record["messageId"]: json.loads(record["body"]) for record in event["Records"]}
        contacts = self.people.contacts([job["person"] for job in jobs.values()])

        def one(record: Any) -> None:  # noqa: ANN401
            self.send_once(
                job=jobs[record.message_id], contact=contacts.get(jobs[record.message_id]["person"])
            )

        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        return process_partial_response(event, one, processor, context=context)

    def send_one(self, job: dict[str, str], contact: Any) -> dict[str, str]:  # noqa: ANN401
        """One request, its id into the row, one more into the counter."""
        from dataclasses import replace
        from datetime import UTC, datetime

        from chalicelib.dispatch.model import reason_against

        run = self.runs.get(job["run"])
        assert run is not None
        if reason := reason_against(run, contact, "whatsapp", datetime.now(UTC)):
            return {"not_sent": reason}
        channel = self.gateway.channel_for("whatsapp")
        message = self.runs.message(job["run"], "whatsapp", contact.language, contact)
        keyed = replace(message, key=f"{job['run']}.{job['person']}")
        accepted = self.gateway.send(channel, contact.addresses["whatsapp"], keyed)
        self.dynamodb.update_item(
            TableName=ROWS,
            Key={"pk": {"S": f"{job['run']}#{job['person']}"}},
            UpdateExpression="SET #s = :s, platform_id = :p, accepted_at = :t",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={
                ":s": {"S": "accepted"},
                ":p": {"S": accepted.message_id},
                ":t": {"N": str(int(time.time()))},
            },
        )
        self._count(job["run"], "accepted")
        return {"platform_id": accepted.message_id}

    # --- callbacks

    def callbacks(self, event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401
        """Each status: the row by the platform's id, its state forward, its counter."""
        failed = []
        for record in event["Records"]:
            try:
                letter = self.letterbox.open(record["messageId"], record["body"])
                for update in self.adapter.parse(letter.body):
                    self._status(update)
            except Exception:  # noqa: BLE001 - it comes again
                failed.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failed}

    def _status(self, update: Any) -> None:  # noqa: ANN401
        found = self.dynamodb.query(
            TableName=ROWS,
            IndexName="by_platform_id",
            KeyConditionExpression="platform_id = :p",
            ExpressionAttributeValues={":p": {"S": update.message_id}},
        )["Items"]
        if not found:
            return
        key, earlier = found[0]["pk"], BEFORE[update.fact]
        names = {f":b{i}": {"S": one} for i, one in enumerate(earlier)}
        try:
            self.dynamodb.update_item(
                TableName=ROWS,
                Key={"pk": key},
                UpdateExpression="SET #s = :s, #t = :t",
                ConditionExpression=f"#s IN ({', '.join(names)})",
                ExpressionAttributeNames={"#s": "status", "#t": f"{update.fact}_at"},
                ExpressionAttributeValues={
                    ":s": {"S": update.fact},
                    ":t": {"N": str(int(update.at.timestamp()))},
                    **names,
                },
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return
        self._count(key["S"].partition("#")[0], update.fact)

    def _count(self, run: str, name: str) -> None:
        self.dynamodb.update_item(
            TableName=COUNTERS,
            Key={"pk": {"S": run}},
            UpdateExpression="ADD #n :one",
            ExpressionAttributeNames={"#n": name},
            ExpressionAttributeValues={":one": {"N": "1"}},
        )


def _cut(what: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(what), size):
        yield what[start : start + size]
