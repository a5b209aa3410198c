"""What one recipient costs over a delivery's whole life: plan, claim, send, callbacks, the report's
reading."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figure import Figure


def run() -> Iterator[Figure]:
    raise NotImplementedError
