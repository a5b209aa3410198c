"""`make dead STAGE=prod ARGS=list`: what no function could handle, to look at, to send back, to close.

    list                                  every dead-letter queue of the stage, how much is there, how old
    show send [--raw]                     each letter in a sentence; --raw: as it is, with all that it holds
    redrive send [--id …]                 back to the queue it came from, then out of the dead letters
    close send --id … --reason "…"        out of the dead letters, after an entry in the audit

Why things land there, and what to do about each: docs/dead-letters.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Generator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.dead_letters import DEAD, DeadLetters, Letter, LetterDesk, Refused
from chalicelib.identity.chain import clean_reason
from chalicelib.letter_sentences import said

ENVIRONMENT = Path(".local/env.json")
REGION = "ap-south-1"
MOST_SHOWN = 100


def names(stage: str) -> list[str]:
    """Short names of the stage's queues of dead letters, such as `send` for `janjan-prod-send-dead`."""
    prefix = f"janjan-{stage}-"
    answer = _client("sqs").list_queues(QueueNamePrefix=prefix, MaxResults=1000)
    found = [url.rpartition("/")[2] for url in answer.get("QueueUrls", [])]
    return sorted(name.removeprefix(prefix).removesuffix(DEAD) for name in found if name.endswith(DEAD))


def named(stage: str, given: str) -> str:
    """The short name of a queue, however it was given. Raises Refused for one that is not there."""
    name, known = given.removeprefix(f"janjan-{stage}-").removesuffix(DEAD), names(stage)
    if name not in known:
        there = ", ".join(known) or "none at all"
        raise Refused(f"The stage {stage} has no dead-letter queue {given}: it has {there}.")
    return name


def _client(service: str) -> Any:  # noqa: ANN401 - boto3 builds its clients at run time
    from chalicelib import aws

    return aws.client(service)


def _desk(dead: DeadLetters) -> LetterDesk:
    from chalicelib import wiring

    return LetterDesk(dead, wiring.audit(), wiring.clock())


# --- the commands -------------------------------------------------------------------------------------------


def list_queues(dead: DeadLetters) -> int:
    """A line for each queue."""
    there = names(dead.stage)
    if not there:
        raise Refused(f"The stage {dead.stage} has no dead-letter queues: is it deployed?")
    for name in there:
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
    """Says of each letter that stays why it does."""
    desk, who = _desk(dead), _operator()
    moved = stayed = 0
    with closing(_wanted(dead, name, only)) as letters:
        for letter in letters:
            try:
                desk.send_back(who, name, letter)
            except Refused as refused:
                print(f"{letter.id} stays: {refused}.", file=sys.stderr)
                stayed += 1
            else:
                moved += 1
    print(f"{moved} sent back, {stayed} stay in {name}.")
    return 1 if stayed else 0


def close(dead: DeadLetters, name: str, letter_id: str, reason: str) -> int:
    """Says what was closed, and where that stands in the audit."""
    clean_reason(reason)
    with closing(_wanted(dead, name, letter_id)) as letters:
        for letter in letters:
            number = _desk(dead).close(_operator(), name, letter, reason)
            what = said(name, letter.body, letter.attributes)
            print(f"Closed: {what.sentence}. Entry {number} of the audit of queue#{name}{DEAD}.")
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

    from chalicelib.errors import InvalidInput, JanJanError

    given = parsed(arguments)
    dead = DeadLetters(given.stage)
    try:
        use_stage(given.stage)
        if given.command == "list":
            return list_queues(dead)
        name = named(given.stage, given.queue)
        if given.command == "show":
            return show(dead, name, raw=given.raw)
        if given.command == "redrive":
            return redrive(dead, name, given.id)
        return close(dead, name, given.id, given.reason)
    except InvalidInput as error:
        print(error.errors[0].message, file=sys.stderr)
    except JanJanError as error:
        print(error, file=sys.stderr)
    except (BotoCoreError, ClientError, PynamoDBException) as error:
        hint = " Is `make run` up?" if given.stage == "local" else ""
        print(f"AWS did not answer as it should: {error}{hint}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
