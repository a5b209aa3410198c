"""The one secret of a stage: platforms' keys and tokens by platform, `channels`, and our own `pepper`."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from chalicelib import aws
from chalicelib.settings import settings

KEPT_S = 300
REFRESH_AT_MOST_EVERY_S = 30


class Secrets:
    """Reads the secret, keeps it 5 minutes, and reads it anew on demand at most once in 30 s."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._value: dict[str, Any] = {}
        self._read_at = float("-inf")

    def all(self) -> Mapping[str, Any]:
        """The whole secret, by platform."""
        if time.monotonic() - self._read_at > KEPT_S:
            self._read(KEPT_S)
        return self._value

    def refresh(self) -> bool:
        """Reads the secret again after a bad signature (it may have been rotated); False within 30 s of the
        last read."""
        return self._read(REFRESH_AT_MOST_EVERY_S)

    def platform(self, name: str) -> Mapping[str, Any] | None:
        """The keys of one platform; None when it is switched off."""
        found = self.all().get(name)
        return found if isinstance(found, dict) and found else None

    def keyed_hash(self, text: str) -> str:
        """An HMAC of `text` under the deployment's pepper: what stands for an address where the address must
        not."""
        pepper = str(self.all()["pepper"]).encode()
        return hmac.new(pepper, text.encode(), hashlib.sha256).hexdigest()[:40]

    def _read(self, older_than_s: float) -> bool:
        with self._lock:
            if time.monotonic() - self._read_at <= older_than_s:
                return False
            text = aws.client("secretsmanager").get_secret_value(SecretId=self._name)["SecretString"]
            self._value = json.loads(text)
            self._read_at = time.monotonic()
            return True


@cache
def secrets() -> Secrets:
    """The process's copy of the stage's secret."""
    return Secrets(settings().platform_secret)
