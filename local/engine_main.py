"""The embedded AWS's process: ministack, with what it lacks for us. Started by local.engine, never by hand.

The mends touch private names of one ministack version, so any other version is refused.

- DynamoDB stream records survive a clean restart: ministack saves how far was read, not the records.
- Streams are polled by a thread of their own: a slow stream handler would hold up every queue.
- A warm call waits 3 ms for log lines of the handler, not 50.
- SIGUSR1 saves the state at once: otherwise a SIGKILL loses all that came since the start.
- A package is unzipped once, not for each process: its code is then compiled once too.
- A burst of calls waits for few processes: a cold start for each would take all of a small machine.
- A Lambda's process ends when this one is gone, also in the middle of an invocation.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import signal
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

TRIED = "1.5.33"
SNAPSHOT_DONE = "snapshot.done"

WORKER_WATCH = """
def _end_with_the_engine():
    import os, threading, time
    engine = os.getppid()
    def watch():
        while os.getppid() == engine:
            time.sleep(0.3)
        os._exit(1)
    threading.Thread(target=watch, daemon=True).start()
_end_with_the_engine()
"""


def require_version() -> None:
    """Ends the process with one line if ministack is not the version that the mends were tried with."""
    found = importlib.metadata.version("ministack")
    if found != TRIED:
        sys.exit(f"The embedded AWS needs ministack {TRIED}, found {found}. Run `make setup`.")


def keep_stream_records() -> None:
    """Saves and restores DynamoDB stream records together with the tables."""
    from ministack.services import dynamodb

    save, load = dynamodb.get_state, dynamodb.load_persisted_state

    def get_state() -> dict[str, Any]:
        return save() | {
            "stream_records": dynamodb._stream_records,
            "stream_trimmed": dynamodb._stream_trimmed,
        }

    def load_persisted_state(data: dict[str, Any]) -> None:
        load(data)
        dynamodb._stream_records.update(data.get("stream_records", {}))
        dynamodb._stream_trimmed.update(data.get("stream_trimmed", {}))

    dynamodb.get_state, dynamodb.load_persisted_state = get_state, load_persisted_state


def poll_streams_apart() -> None:
    """Moves the polling of streams off the thread that polls queues."""
    from ministack.services import lambda_svc

    poll = lambda_svc._poll_dynamodb_streams

    def loop() -> None:
        while True:
            try:
                busy = poll()
            except Exception as error:  # noqa: BLE001 - the thread must outlive one bad record
                print(f"stream poller: {error!r}", file=sys.stderr, flush=True)
                busy = False
            if not busy:
                time.sleep(0.05)

    lambda_svc._poll_dynamodb_streams = lambda: False
    threading.Thread(target=loop, daemon=True, name="streams").start()


def quicken_and_bind_workers() -> None:
    """Shortens the wait for a handler's log lines, and ends workers whose engine is gone."""
    from ministack.core import lambda_runtime as runtime

    drain = runtime.Worker._drain_stderr_bounded

    def quick(self: Any) -> str:  # noqa: ANN401 - ministack's own class
        return str(drain(self, first_line_wait=0.003, idle_confirm=0.002))

    runtime.Worker._drain_stderr_bounded = quick
    runtime._PYTHON_WORKER_SCRIPT = WORKER_WATCH + runtime._PYTHON_WORKER_SCRIPT


def unzip_once() -> None:
    """Gives all processes of one package the same folder of code."""
    from ministack.core import lambda_runtime as runtime

    unzipping = threading.Lock()

    class Shared(zipfile.ZipFile):
        def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:  # noqa: ANN401
            archive = Path(str(self.filename))
            if archive.name != "code.zip":
                super().extractall(path, members, pwd)
                return
            digest = hashlib.sha256(archive.read_bytes()).hexdigest()[:16]
            shared = Path(tempfile.gettempdir(), f"code-{digest}")
            with unzipping:
                if not shared.exists():
                    super().extractall(shared.with_suffix(".partial"))
                    shared.with_suffix(".partial").rename(shared)
            os.rmdir(path)
            os.symlink(shared, path)

    runtime.zipfile = SimpleNamespace(ZipFile=Shared, BadZipFile=zipfile.BadZipFile)


def bound_processes() -> None:
    """Lets calls of one function wait while as many of its processes run as the machine can do with.

    A function that calls itself would wait for ever; none of ours calls a function.
    """
    from ministack.services import lambda_svc

    acquire, most = lambda_svc.acquire_worker, max(4, 2 * (os.cpu_count() or 1))

    def patiently(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - ministack's own signature
        while True:
            worker, reason = acquire(*args, **kwargs, max_concurrency=most)
            if worker is not None:
                return worker, reason
            time.sleep(0.005)

    lambda_svc.acquire_worker = patiently


def save_on_signal() -> None:
    """SIGUSR1 saves all state and then writes the file SNAPSHOT_DONE."""
    import ministack.app
    from ministack.core import persistence

    def save() -> None:
        persistence.save_all(ministack.app._build_persistence_save_dict())
        Path(persistence.STATE_DIR, SNAPSHOT_DONE).write_text(f"{time.time()}\n")

    signal.signal(signal.SIGUSR1, lambda *_: threading.Thread(target=save, daemon=True).start())


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    require_version()
    keep_stream_records()
    poll_streams_apart()
    quicken_and_bind_workers()
    unzip_once()
    bound_processes()
    save_on_signal()
    import ministack.app

    sys.argv[1:] = []
    ministack.app.main()


if __name__ == "__main__":
    main()
