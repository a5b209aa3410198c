"""Deployed systems of a test's own, and how to wait for what they do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from local import judge
from local.config import platform_secret
from local.laptop import Laptop, laptop


@contextmanager
def slow_laptop(folder: Path, per_s: float) -> Iterator[Laptop]:
    """A deployed system whose channels take only so many messages a second."""
    with laptop(folder) as running:
        secret = platform_secret()
        for channel in secret["channels"].values():
            channel["rate_per_s"] = per_s
        running.engine.client("secretsmanager").put_secret_value(
            SecretId=running.env["PLATFORM_SECRET"], SecretString=json.dumps(secret)
        )
        yield running


def eventually(look: Callable[[], object], within_s: float, what: str) -> None:
    """Waits until `look` finds something; fails with `what` when that takes three times as long: the machine
    may have much else to do."""
    end = time.monotonic() + 3 * within_s
    while not look():
        assert time.monotonic() < end, f"{what} did not come within {3 * within_s} s"
        time.sleep(0.05)


def starts(system: Laptop, campaign: str, marker: str) -> list[datetime]:
    """When each request of this campaign reached the platforms, by their clock."""
    return [
        datetime.fromisoformat(line["at"])
        for line in judge.read_log(system.sandbox_log)
        if line["kind"] == "request" and judge.people_of([line], campaign, marker)
    ]
