"""Callbacks on their way to us: due times, batches, signatures, retries."""

import heapq
import itertools
import json
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import urllib3

from local.sandbox.world import Json, World

RETRY_FIRST_S = 0.5
RETRY_MOST_S = 60.0
RETRY_FOR_S = 36 * 3600
"""Meta retries for up to 36 hours; Telegram for about a day."""


@dataclass(frozen=True)
class Envelope:
    """How one platform wraps updates: where to post, the body, the headers, and how many fit in a POST."""

    platform: str
    url: str
    pack: Callable[[list[Json]], bytes]
    sign: Callable[[bytes], dict[str, str]]
    batch: Callable[[], int]


@dataclass(frozen=True)
class Update:
    """One thing to tell: what goes on the wire, and the facts that the log keeps of it."""

    envelope: Envelope
    wire: Json
    facts: Json


@dataclass(order=True)
class _Due:
    at: float
    order: int
    updates: list[Update] = field(compare=False)
    body: bytes | None = field(compare=False, default=None)
    attempt: int = field(compare=False, default=1)
    since: float = field(compare=False, default_factory=time.monotonic)


class Poster:
    """Posts updates when they are due. `put` returns at once; `pending` counts what is not yet taken."""

    def __init__(self, world: World, workers: int = 8) -> None:
        self._world = world
        self._heap: list[_Due] = []
        self._order = itertools.count()
        self._wake = threading.Condition()
        self._in_flight = 0
        self._stopping = False
        self._stopped = threading.Event()
        self._jitter = random.Random()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="callback")
        self._http = urllib3.PoolManager(maxsize=workers, retries=False, timeout=urllib3.Timeout(10.0))
        self._thread = threading.Thread(target=self._run, name="poster", daemon=True)
        self._thread.start()

    def put(self, updates: list[Update], *, late: bool = True) -> None:
        """Post each update at its own time, some of them twice, as the behaviour says."""
        behaviour = self._world.behaviour
        spread = behaviour.delay_ms / 1000 if late else 0.0
        now = time.monotonic()
        with self._wake:
            for update in updates:
                copies = 2 if self._jitter.random() < behaviour.duplicate else 1
                for _ in range(copies):
                    at = now + self._jitter.uniform(0, spread)
                    heapq.heappush(self._heap, _Due(at, next(self._order), [update]))
            self._wake.notify()

    def ask(self, url: str, then: Callable[[int, bytes], None]) -> None:
        """GET `url` apart from this thread, and give `then` the status and body; 0 when no answer came."""
        with self._wake:
            self._in_flight += 1
        self._pool.submit(self._ask, url, then)

    def _ask(self, url: str, then: Callable[[int, bytes], None]) -> None:
        try:
            answer = self._http.request("GET", url, redirect=False)
            then(answer.status, answer.data)
        except urllib3.exceptions.HTTPError:
            then(0, b"")
        finally:
            with self._wake:
                self._in_flight -= 1

    @property
    def pending(self) -> int:
        """Updates and retries that no one has acknowledged yet."""
        with self._wake:
            return sum(len(due.updates) for due in self._heap) + self._in_flight

    def stop(self) -> None:
        """Stop at once; what is pending is lost, as with a platform that gives up."""
        with self._wake:
            self._stopping = True
            self._stopped.set()
            self._wake.notify()
        self._thread.join()
        self._pool.shutdown(cancel_futures=True)
        self._http.clear()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._stopping and (wait := self._wait_s()) != 0:
                    self._wake.wait(wait)
                if self._stopping:
                    return
            self._stopped.wait(self._world.behaviour.aggregate_ms / 1000)
            with self._wake:
                jobs = self._batches(self._take_due())
                self._in_flight += sum(len(job.updates) for job in jobs)
            for job in jobs:
                self._pool.submit(self._post, job)

    def _wait_s(self) -> float | None:
        if not self._heap:
            return None
        return max(0.0, self._heap[0].at - time.monotonic())

    def _take_due(self) -> list[_Due]:
        now = time.monotonic()
        due = []
        while self._heap and self._heap[0].at <= now:
            due.append(heapq.heappop(self._heap))
        return due

    def _batches(self, due: list[_Due]) -> list[_Due]:
        """Fresh updates of a platform together, up to its batch; a retry goes as it went before."""
        jobs = [one for one in due if one.body is not None]
        by_platform: dict[str, list[Update]] = {}
        for one in due:
            if one.body is None:
                by_platform.setdefault(one.updates[0].envelope.platform, []).extend(one.updates)
        for updates in by_platform.values():
            size = updates[0].envelope.batch()
            for start in range(0, len(updates), size):
                part = updates[start : start + size]
                body = part[0].envelope.pack([update.wire for update in part])
                jobs.append(_Due(0.0, next(self._order), part, body))
        return jobs

    def _post(self, job: _Due) -> None:
        envelope = job.updates[0].envelope
        body = job.body or b""
        headers = {"Content-Type": "application/json", **envelope.sign(body)}
        outcome: Any
        try:
            answer = self._http.request("POST", envelope.url, body=body, headers=headers, redirect=False)
            outcome = answer.status
        except urllib3.exceptions.HTTPError as error:
            outcome = type(error).__name__
        taken = isinstance(outcome, int) and 200 <= outcome < 300
        self._world.journal.add(
            "callback",
            platform=envelope.platform,
            url=envelope.url,
            answer=outcome,
            taken=taken,
            attempt=job.attempt,
            bytes=len(body),
            updates=[update.facts for update in job.updates],
        )
        with self._wake:
            self._in_flight -= len(job.updates)
            if not taken and time.monotonic() - job.since < RETRY_FOR_S:
                job.at = time.monotonic() + min(RETRY_FIRST_S * 2 ** (job.attempt - 1), RETRY_MOST_S)
                job.attempt += 1
                heapq.heappush(self._heap, job)
            self._wake.notify()


def dumped(value: Json) -> bytes:
    """Compact JSON with everything beyond ASCII escaped, as Meta signs it."""
    return json.dumps(value, separators=(",", ":")).encode()
