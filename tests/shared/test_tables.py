"""Cancelled transactions: which go by themselves, and which write was refused."""

from __future__ import annotations

import pytest
from pynamodb.exceptions import CancellationReason, TransactWriteError, VerboseClientError

from chalicelib.tables import failed_conditions, is_passing


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
