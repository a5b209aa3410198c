"""The dead-letter queues of a stage: what no function could handle, looked at, sent back, closed by a person.

Looking is safe. Nothing reads these queues by itself and they have no dead letters of their own, so neither
being hidden for a moment nor being received once more changes what becomes of a letter. Who looks at the same
moment sees fewer of them; whoever looks gives them back at once, and if that fails they come back after
HIDDEN_S. The alarm counts what is visible, at its most within a minute.

Sending back is safe: claims, facts and ids decide what a consumer does, not the number of messages. Why
things land there, and what to do about each: docs/dead-letters.md.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chalicelib import aws
from chalicelib.clock import Clock
from chalicelib.errors import NotFound, Rejected
from chalicelib.identity.chain import clean_reason
from chalicelib.letter_sentences import FUNCTIONS, event_in, listeners, said
from chalicelib.pages.shell import mark

if TYPE_CHECKING:
    from chalicelib.identity.audit import Audit

DEAD = "-dead"
HIDDEN_S = 120
"""How long a letter that is looked at is hidden from others, unless the look is over before."""
WAIT_S = 1
"""A receive that waits asks all servers of a queue, one that does not only a few: it may miss letters."""
A_CALL = 10
MOST_READS = 50
"""Reads of a stream that may bring nothing before it is given up."""
MOST_SOUGHT = 300
"""So many letters are looked through for those that somebody has chosen."""


class Refused(Rejected):
    """What was asked of the letters cannot be done."""

    status = 409
    code = "letter_stays"


class NoSuchQueue(NotFound):
    message = "This stage has no such queue of dead letters."


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

    def url(self, name: str) -> str:
        """The address of a queue of dead letters. Raises NoSuchQueue."""
        sqs = aws.client("sqs")
        try:
            url: str = sqs.get_queue_url(QueueName=f"janjan-{self.stage}-{name}{DEAD}")["QueueUrl"]
        except sqs.exceptions.QueueDoesNotExist as error:
            raise NoSuchQueue from error
        return url

    def count(self, name: str) -> int:
        """About how many letters lie there, also those that somebody is looking at."""
        asked = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = aws.client("sqs").get_queue_attributes(QueueUrl=self.url(name), AttributeNames=asked)
        return sum(int(answer["Attributes"][each]) for each in asked)

    def letters(self, name: str, most: int | None = None) -> Generator[Letter]:
        """Every letter of a queue once, hidden from others meanwhile; no more are asked for once there are
        `most`. Close it: what was not deleted is then shown to others again."""
        sqs, url, seen = aws.client("sqs"), self.url(name), dict[str, str]()
        try:
            while most is None or len(seen) < most:
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
        aws.client("sqs").delete_message(QueueUrl=self.url(name), ReceiptHandle=letter.receipt)

    def send_back(self, name: str, letter: Letter, note: Callable[[], object]) -> None:
        """Hands a letter to those who could not take it, once `note` has been made of it. Raises Refused when
        that cannot be."""
        if name != "events":
            note()
            came_from = self.url(name).removesuffix(DEAD)  # they have one name (infra/template.yaml)
            aws.client("sqs").send_message(QueueUrl=came_from, MessageBody=letter.body)
            return
        message = _json(letter.body)
        functions = listeners(message, letter.attributes)
        if not functions:
            raise Refused(mark("nothing tells which function it was for"))
        note()
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
            again = mark("%(function)s failed at it again; its log tells why")
            raise Refused(again, function=FUNCTIONS[function])

    def _invoke(self, function: str, event: Mapping[str, Any], how: str) -> Mapping[str, Any]:
        found = aws.client("cloudformation").describe_stack_resource(
            StackName=f"janjan-{self.stage}", LogicalResourceId=function
        )
        answer: Mapping[str, Any] = aws.client("lambda").invoke(
            FunctionName=found["StackResourceDetail"]["PhysicalResourceId"],
            InvocationType=how,
            Payload=json.dumps(event, default=_plain),
        )
        return answer


@dataclass(frozen=True)
class LetterDesk:
    """What a person does with dead letters: nothing is sent back or closed without its entry in the audit."""

    dead: DeadLetters
    audit: Audit
    clock: Clock

    def look(self, name: str, most: int) -> list[Letter]:
        """Up to `most` letters of a queue, the oldest first; they are given back at once. Without a letter it
        waits for no other, as long as the queue says that it has none."""
        there = min(most, self.dead.count(name))
        with closing(self.dead.letters(name, there)) as letters:
            found = list(letters)
        return sorted(found, key=lambda one: one.queued_at)[:most]

    def chosen(self, name: str, ids: Collection[str]) -> Generator[Letter]:
        """Those with these ids that are found among the first MOST_SOUGHT. Close it, as `letters`."""
        left = set(ids)
        with closing(self.dead.letters(name, MOST_SOUGHT)) as letters:
            for letter in letters:
                if letter.id in left:
                    left.remove(letter.id)
                    yield letter
                    if not left:
                        return

    def send_back(self, by: str, name: str, letter: Letter) -> None:
        """Notes it, sends, and deletes then: what breaks off in between leaves a copy, which every consumer
        takes, and is noted again.
        Raises Refused when it cannot be handed to anybody."""
        self.dead.send_back(name, letter, lambda: self._note(by, name, letter, "redriven", None))
        self.dead.delete(name, letter)

    def close(self, by: str, name: str, letter: Letter, reason: str) -> int:
        """Takes a letter out for good, and gives the number of its entry: written first, so that what breaks
        off in between is closed twice. Raises InvalidInput for a reason that may not be kept."""
        number = self._note(by, name, letter, "closed", clean_reason(reason))
        self.dead.delete(name, letter)
        return number

    def _note(self, by: str, name: str, letter: Letter, what: str, reason: str | None) -> int:
        told = said(name, letter.body, letter.attributes)
        entry = self.audit.committing(
            subject=f"queue#{name}{DEAD}",
            action=f"dead_letter.{what}",
            actor=by,
            at=self.clock.now(),
            detail={
                "letter": letter.id,
                "function": told.function,
                "what": told.sentence,
                **({"reason": reason} if reason else {}),
            },
        )
        return entry.seq


def _changes(batch: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The stream records from the batch's first to its last, as Lambda hands them over."""
    streams = aws.client("dynamodbstreams")
    first, last = int(batch["startSequenceNumber"]), int(batch["endSequenceNumber"])
    gone = Refused(mark("its changes have left the stream, which keeps them for 24 hours: close it"))
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
        raise Refused(mark("it is not JSON of ours"))
    return message
