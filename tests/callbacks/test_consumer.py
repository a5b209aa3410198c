import json
from datetime import UTC, datetime

import pytest
from chalice.local import LambdaContext

from chalicelib import wiring
from tests.callbacks.fakes import message
from tests.platforms.golden import SAMPLES

CONTEXT = LambdaContext("process_callbacks", 512)


def invocation(name):
    return json.loads((SAMPLES / "invocations" / f"{name}.json").read_text())


def test_a_batch_reports_only_the_messages_that_must_come_again(house):
    from app import process_callbacks  # noqa: PLC0415 - after the environment stands

    event = invocation("sqs_callbacks")
    lost = event["Records"][2]["messageId"]  # points to a body that is not in the bucket
    for _ in range(2):
        assert process_callbacks(event, CONTEXT) == {"batchItemFailures": [{"itemIdentifier": lost}]}
    (item,) = wiring.callbacks().store.of_day("inbound", "telegram", "2026-01-01")
    assert item.kind == "text"


def test_a_batch_of_which_nothing_can_be_read_comes_again_whole(house):
    from app import process_callbacks  # noqa: PLC0415

    event = invocation("sqs_callbacks")
    for record in event["Records"]:
        record["body"] = "{"
    failed = process_callbacks(event, CONTEXT)["batchItemFailures"]
    assert [one["itemIdentifier"] for one in failed] == [record["messageId"] for record in event["Records"]]


def said(text, at, message_id):
    wire = {"from": "919000010088", "id": message_id, "timestamp": at, "type": "text", "text": {"body": text}}
    return message("whatsapp", {"entry": [{"changes": [{"value": {"messages": [wire]}}]}]}, datetime.now(UTC))


@pytest.mark.parametrize("later_first", [False, True])
def test_the_last_word_of_a_number_holds_in_the_real_tables(house, later_first):
    """Nobody answers at the platform's address here: what the person said holds, and the letter comes again
    for its confirmation."""
    stop, start = said("बंद करो", 1767250000, "wamid.1"), said("START", 1767250060, "wamid.2")
    for text in [start, stop] if later_first else [stop, start]:
        wiring.callbacks().process({"m": text})
    from chalicelib.influencers.rows import OwnedItem  # noqa: PLC0415

    words = [item for item in OwnedItem.scan() if item.pk.startswith("suppressed#")]
    assert [word.stopped for word in words] == [False]
