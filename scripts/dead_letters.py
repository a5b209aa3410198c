"""`make dead STAGE=prod ARGS=list`: what no function could handle, to look at, to send back, to close.

    list                                  every dead-letter queue of the stage, how much is there, how old
    show send [--raw]                     each letter in a sentence; --raw: as it is, with all that it holds
    redrive send [--id …]                 back to the queue it came from, then out of the dead letters
    close send --id … --reason "…"        out of the dead letters, after an entry in the audit

Why things land there, and what to do about each: docs/dead-letters.md.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import sys
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.letter_sentences import FUNCTIONS, event_in, listeners, said

ENVIRONMENT = Path(".local/env.json")
REGION = "ap-south-1"
DEAD = "-dead"
HIDDEN_S = 120
"""How long a letter that is looked at is hidden from others, unless the look is over before."""
WAIT_S = 1
"""A receive that waits asks all servers of a queue, one that does not only a few: it may miss letters."""
A_CALL = 10
MOST_SHOWN = 100
MOST_READS = 50
"""Reads of a stream that may bring nothing before it is given up."""
PERSONAL = re.compile(r"(?:\d[\s().-]?){7}|@")
"""As many digits as a number of a phone has, or an address; a day (2026-01-31) is neither."""
DAY = re.compile(r"\b20\d\d-\d\d-\d\d\b")


class Refused(Exception):
    """What was asked cannot be done; the message is the one line to show."""


@dataclass(frozen=True)
class Letter:
    """One message of a dead-letter queue."""

    id: str
    receipt: str
    body: str
    received: int
    """How often it was received, by functions and by looks like ours."""
    queued_at: datetime
    attributes: Mapping[str, str]

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Letter:
        """The letter that ReceiveMessage gave."""
        system = message["Attributes"]
        attributes = {
            name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()
        }
        return cls(
            id=message["MessageId"],
            receipt=message["ReceiptHandle"],
            body=message["Body"],
            received=int(system["ApproximateReceiveCount"]),
            queued_at=datetime.fromtimestamp(int(system["SentTimestamp"]) / 1000, UTC),
            attributes=attributes,
        )


@dataclass(frozen=True)
class DeadLetters:
    """The dead-letter queues of one stage."""

    stage: str

    def names(self) -> list[str]:
        """Short names, such as `send` for `janjan-prod-send-dead`."""
        prefix = f"janjan-{self.stage}-"
        answer = _client("sqs").list_queues(QueueNamePrefix=prefix, MaxResults=1000)
        found = [url.rpartition("/")[2] for url in answer.get("QueueUrls", [])]
        return sorted(name.removeprefix(prefix).removesuffix(DEAD) for name in found if name.endswith(DEAD))

    def named(self, given: str) -> str:
        """The short name of a queue, however it was given. Raises Refused for one that is not there."""
        name, known = given.removeprefix(f"janjan-{self.stage}-").removesuffix(DEAD), self.names()
        if name not in known:
            there = ", ".join(known) or "none at all"
            raise Refused(f"The stage {self.stage} has no dead-letter queue {given}: it has {there}.")
        return name

    def url(self, name: str, suffix: str = DEAD) -> str:
        """The address of a queue of dead letters, or with an empty suffix of the one they came from."""
        url: str = _client("sqs").get_queue_url(QueueName=f"janjan-{self.stage}-{name}{suffix}")["QueueUrl"]
        return url

    def count(self, name: str) -> int:
        """About how many letters lie there, also those that somebody is looking at."""
        asked = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = _client("sqs").get_queue_attributes(QueueUrl=self.url(name), AttributeNames=asked)
        return sum(int(answer["Attributes"][each]) for each in asked)

    def letters(self, name: str) -> Generator[Letter]:
        """Every letter of a queue once, hidden from others meanwhile. Close it: what was not deleted is then
        shown to others again."""
        sqs, url, seen = _client("sqs"), self.url(name), dict[str, str]()
        try:
            while True:
                answer = sqs.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=A_CALL,
                    VisibilityTimeout=HIDDEN_S,
                    WaitTimeSeconds=WAIT_S,
                    MessageSystemAttributeNames=["All"],
                    MessageAttributeNames=["All"],
                )
                fresh = [m for m in answer.get("Messages", []) if m["MessageId"] not in seen]
                if not fresh:
                    return
                seen |= {m["MessageId"]: m["ReceiptHandle"] for m in fresh}
                yield from map(Letter.of, fresh)
        finally:
            receipts = list(seen.values())
            for start in range(0, len(receipts), A_CALL):
                sqs.change_message_visibility_batch(
                    QueueUrl=url,
                    Entries=[
                        {"Id": str(i), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                        for i, receipt in enumerate(receipts[start : start + A_CALL])
                    ],
                )

    def delete(self, name: str, letter: Letter) -> None:
        """Takes a letter out of the dead letters."""
        _client("sqs").delete_message(QueueUrl=self.url(name), ReceiptHandle=letter.receipt)

    def send_back(self, name: str, letter: Letter) -> None:
        """Hands a letter to those who could not take it. Raises Refused when that cannot be."""
        if name != "events":
            _client("sqs").send_message(QueueUrl=self.url(name, ""), MessageBody=letter.body)
            return
        message = _json(letter.body)
        functions = listeners(message, letter.attributes)
        if not functions:
            raise Refused("nothing tells which function it was for")
        if "DDBStreamBatchInfo" in message:
            self._take_again(functions[0], message["DDBStreamBatchInfo"])
            return
        for function in functions:
            self._invoke(function, event_in(message), "Event")

    def _take_again(self, function: str, batch: Mapping[str, Any]) -> None:
        """A batch of a table's stream: the letter has its place only, the stream keeps the changes for 24 h.
        Waits for the function, which has no dead letters of its own."""
        answer = self._invoke(function, {"Records": _changes(batch)}, "RequestResponse")
        if "FunctionError" in answer:
            raise Refused(f"{FUNCTIONS[function]} failed at it again; its log tells why")

    def _invoke(self, function: str, event: Mapping[str, Any], how: str) -> Mapping[str, Any]:
        found = _client("cloudformation").describe_stack_resource(
            StackName=f"janjan-{self.stage}", LogicalResourceId=function
        )
        answer: Mapping[str, Any] = _client("lambda").invoke(
            FunctionName=found["StackResourceDetail"]["PhysicalResourceId"],
            InvocationType=how,
            Payload=json.dumps(event, default=_plain),
        )
        return answer


def _changes(batch: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The stream records from the batch's first to its last, as Lambda hands them over."""
    streams = _client("dynamodbstreams")
    first, last = int(batch["startSequenceNumber"]), int(batch["endSequenceNumber"])
    gone = Refused("its changes have left the stream, which keeps them for 24 hours: close it")
    try:
        iterator = streams.get_shard_iterator(
            StreamArn=batch["streamArn"],
            ShardId=batch["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=batch["startSequenceNumber"],
        )["ShardIterator"]
    except (
        streams.exceptions.TrimmedDataAccessException,
        streams.exceptions.ResourceNotFoundException,
    ) as error:
        raise gone from error
    found: list[Mapping[str, Any]] = []
    for _ in range(MOST_READS):
        answer = streams.get_records(ShardIterator=iterator)
        numbered = [(int(record["dynamodb"]["SequenceNumber"]), record) for record in answer["Records"]]
        table = {"eventSourceARN": batch["streamArn"]}
        found += [record | table for number, record in numbered if first <= number <= last]
        iterator = answer.get("NextShardIterator")
        if any(number >= last for number, _ in numbered) or iterator is None:
            break
    if not found:
        raise gone
    return found


def _plain(value: object) -> object:
    """How Lambda writes what JSON lacks."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value.timestamp() if isinstance(value, datetime) else str(value)


def _json(body: str) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise Refused("it is not JSON of ours")
    return message


def _client(service: str) -> Any:  # noqa: ANN401 - boto3 builds its clients at run time
    from chalicelib import aws

    return aws.client(service)


# --- the commands -------------------------------------------------------------------------------------------


def list_queues(dead: DeadLetters) -> int:
    """A line for each queue."""
    names = dead.names()
    if not names:
        raise Refused(f"The stage {dead.stage} has no dead-letter queues: is it deployed?")
    for name in names:
        count = dead.count(name)
        print(f"{name:10} {count:6}  {'' if not count else 'oldest ' + _oldest(dead, name)}".rstrip())
    return 0


def _oldest(dead: DeadLetters, name: str) -> str:
    with closing(dead.letters(name)) as letters:
        looked_at = [letter.queued_at for letter, _ in zip(letters, range(MOST_SHOWN), strict=False)]
    if not looked_at:
        return "unknown: somebody else is looking"
    return f"{_age(min(looked_at))}{' at least' if len(looked_at) == MOST_SHOWN else ''}"


def show(dead: DeadLetters, name: str, *, raw: bool) -> int:
    """Two lines for each letter, or the letter as it is."""
    if raw:
        print(
            "These are whole messages: they may hold numbers and words of people. Keep them nowhere.",
            file=sys.stderr,
        )
    shown = 0
    with closing(dead.letters(name)) as letters:
        for letter in letters:
            if shown == MOST_SHOWN:
                print(f"… and more; these were the first {MOST_SHOWN}.")
                break
            shown += 1
            what = said(name, letter.body, letter.attributes)
            at = letter.queued_at.isoformat(timespec="seconds").replace("+00:00", "Z")
            print(
                f"{letter.id}  {what.function or 'unknown function'}  "
                f"received {letter.received} times  queued {at} ({_age(letter.queued_at)} ago)"
            )
            print(f"    {letter.body if raw else what.sentence}")
    if not shown:
        print(f"No dead letters in {name}.")
    return 0


def redrive(dead: DeadLetters, name: str, only: str | None) -> int:
    """Sends first and deletes then: what breaks off in between leaves a copy, which every consumer takes."""
    moved = stayed = 0
    with closing(_wanted(dead, name, only)) as letters:
        for letter in letters:
            try:
                dead.send_back(name, letter)
            except Refused as refused:
                print(f"{letter.id} stays: {refused}.", file=sys.stderr)
                stayed += 1
            else:
                dead.delete(name, letter)
                moved += 1
    print(f"{moved} sent back, {stayed} stay in {name}.")
    return 1 if stayed else 0


def close(dead: DeadLetters, name: str, letter_id: str, reason: str) -> int:
    """Writes into the audit first and deletes then: what breaks off in between is closed twice."""
    from chalicelib import wiring

    reason = " ".join(reason.split())
    if not reason:
        raise Refused("Say why, by --reason.")
    if PERSONAL.search(DAY.sub("", reason)):
        raise Refused("The reason goes into the audit, which is for ever: no number or address of a person.")
    with closing(_wanted(dead, name, letter_id)) as letters:
        for letter in letters:
            what = said(name, letter.body, letter.attributes)
            entry = wiring.audit().committing(
                subject=f"queue#{name}{DEAD}",
                action="dead_letter.closed",
                actor=_operator(),
                at=wiring.clock().now(),
                detail={
                    "letter": letter.id,
                    "function": what.function,
                    "what": what.sentence,
                    "reason": reason,
                },
            )
            dead.delete(name, letter)
            print(f"Closed: {what.sentence}. Entry {entry.seq} of the audit of queue#{name}{DEAD}.")
    return 0


def _wanted(dead: DeadLetters, name: str, only: str | None) -> Generator[Letter]:
    """All letters of a queue, or the one with this id. Raises Refused when that one is not there."""
    with closing(dead.letters(name)) as letters:
        for letter in letters:
            if only in (None, letter.id):
                yield letter
                if only:
                    return
    if only:
        raise Refused(f"There is no letter {only} in {name}.")


def _operator() -> str:
    """Who is at the terminal, by the id that AWS has for them. The name of a role's session, often an
    address, is kept as a hash: CloudTrail has the name."""
    user_id, _, session = str(_client("sts").get_caller_identity()["UserId"]).partition(":")
    hashed = f":{hashlib.sha256(session.encode()).hexdigest()[:16]}" if session else ""
    return f"aws:{user_id}{hashed}"


def _age(at: datetime) -> str:
    seconds = max(0, int((datetime.now(UTC) - at).total_seconds()))
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def use_stage(stage: str) -> None:
    """Makes this process speak to the stage: the laptop's as `make run` left word of it, or the cloud's."""
    if stage == "local":
        try:
            os.environ.update(json.loads(ENVIRONMENT.read_text()))
        except OSError as error:
            raise Refused(f"There is no {ENVIRONMENT}: is `make run` up?") from error
        return
    region = os.environ.get("AWS_REGION") or REGION
    os.environ.update(STAGE=stage, AWS_REGION=region, AWS_DEFAULT_REGION=region)


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="dead_letters", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stage", required=True)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every queue, how much, how old")
    for name in ("show", "redrive", "close"):
        commands.add_parser(name).add_argument("queue")
    commands.choices["show"].add_argument("--raw", action="store_true")
    commands.choices["redrive"].add_argument("--id")
    commands.choices["close"].add_argument("--id", required=True)
    commands.choices["close"].add_argument("--reason", required=True)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Does one command; 1 and one clear line if it cannot."""
    from botocore.exceptions import BotoCoreError, ClientError
    from pynamodb.exceptions import PynamoDBException

    from chalicelib.errors import JanJanError

    given = parsed(arguments)
    dead = DeadLetters(given.stage)
    try:
        use_stage(given.stage)
        if given.command == "list":
            return list_queues(dead)
        name = dead.named(given.queue)
        if given.command == "show":
            return show(dead, name, raw=given.raw)
        if given.command == "redrive":
            return redrive(dead, name, given.id)
        return close(dead, name, given.id, given.reason)
    except (Refused, JanJanError) as error:
        print(error, file=sys.stderr)
    except (BotoCoreError, ClientError, PynamoDBException) as error:
        hint = " Is `make run` up?" if given.stage == "local" else ""
        print(f"AWS did not answer as it should: {error}{hint}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
