"""Cancelled transactions: which go by themselves, and which write was refused; connections under threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from pynamodb.exceptions import CancellationReason, TransactWriteError, VerboseClientError

from chalicelib import aws
from chalicelib.tables import Table, TableName, failed_conditions, is_passing


def cancelled(*codes: str | None) -> TransactWriteError:
    answer = {"Error": {"Code": "TransactionCanceledException", "Message": "cancelled"}}
    reasons = [CancellationReason(code=code) if code else None for code in codes]
    cause = VerboseClientError(answer, "TransactWriteItems", cancellation_reasons=reasons)
    return TransactWriteError("cancelled", cause)


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_another_transaction_and_throttling_go_by_themselves(code):
    assert is_passing(cancelled(None, code))


@pytest.mark.parametrize(
    "code", ["ConditionalCheckFailed", "ValidationError", "ItemCollectionSizeLimitExceeded"]
)
def test_other_reasons_stay(code):
    assert not is_passing(cancelled(None, code))


def test_the_refused_writes_are_told_by_their_place():
    assert failed_conditions(cancelled("ConditionalCheckFailed", None, "ConditionalCheckFailed")) == [0, 2]


def test_whoever_asks_while_a_models_connection_is_made_gets_it_with_the_processs_client(
    monkeypatch,
):
    class FirstItem(Table):
        class Meta:
            table_name = TableName("people")

    ours, making, made = object(), Event(), Event()

    def client(service):
        making.set()
        made.wait(0.2)
        return ours

    monkeypatch.setattr(aws, "client", client)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(FirstItem._get_connection)
        assert making.wait(5)
        second = threads.submit(lambda: FirstItem._get_connection().connection._client)
        assert second.result() is ours
        made.set()
        assert first.result().connection._client is ours
