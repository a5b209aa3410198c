"""The receiver of the sandbox, which the judge reads: what is not signed is refused, whatever its headers."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from local.sandbox import receiver


@pytest.mark.parametrize("at", ["9" * 5000, "²", "१७", "-1", "", "1e9", "9" * 12])
def test_a_time_that_is_none_is_refused_and_no_failure(at: str) -> None:
    world: Any = SimpleNamespace(
        clock=SimpleNamespace(now=lambda: datetime(2026, 3, 1, tzinfo=UTC)),
        journal=SimpleNamespace(add=lambda kind, **line: None),
    )
    headers = {"webhook-id": "x", "webhook-timestamp": at, "webhook-signature": "v1,x"}
    assert receiver.take(world, headers, b"{}").status == 401
