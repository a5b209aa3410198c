"""The embedded AWS as a child process: start, wait until it answers, snapshot, reset, stop."""

from __future__ import annotations

import os
import shutil
import signal
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
from botocore.config import Config

from local.children import ROOT, Child
from local.engine_main import SNAPSHOT_DONE
from local.ports import HOST, free_port, require_free

__all__ = ["REGION", "ROOT", "Engine", "EngineNotRunning"]

REGION = "ap-south-1"


class EngineNotRunning(Exception):
    """The embedded AWS was asked for something before it was started."""


class Engine:
    """One embedded AWS on the loopback, keeping its state in `state`.

    Use it as a context manager, or call `start` and `stop`. When this process ends, however it ends, the
    engine saves its state and ends too, and so do its Lambdas' processes.
    """

    def __init__(self, state: Path, port: int | None = None) -> None:
        """`port`: None takes a free one."""
        self.state = state.resolve()
        self.port = port or free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.log = self.state / "engine.log"
        self._child: Child | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment for its AWS calls to come here."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 builds its clients at run time
        """A boto3 client of this engine, whatever this process's environment says."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(connect_timeout=2, read_timeout=60, retries={"total_max_attempts": 2}),
        )

    @property
    def child(self) -> Child:
        """The running process; its id is also that of the group which the Lambdas' processes are in."""
        if self._child is None:
            raise EngineNotRunning("The embedded AWS is not running.")
        return self._child

    def start(self) -> None:
        """Starts the engine and returns when it answers. Raises PortTaken or ChildFailed."""
        require_free(self.port, "AWS_PORT", "the embedded AWS")
        temporary = self.state / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)  # a killed engine leaves its Lambdas' folders
        temporary.mkdir(parents=True)
        self._child = Child(
            "The embedded AWS", "local.engine_main", [], self._child_environment(temporary), self.log
        )
        try:
            self._child.wait_until_answers(f"{self.url}/_ministack/health")
        except BaseException:
            self.stop()
            raise

    def _child_environment(self, temporary: Path) -> dict[str, str]:
        # Lambdas inherit all of it, and what the template lacks must not hide there: so no more than this.
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in os.environ}
        return kept | {
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
            "MINISTACK_REGION": REGION,
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.state / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.state / "s3"),
            "TMPDIR": str(temporary),
            "PYTHONUNBUFFERED": "1",
        }

    def reset(self) -> None:
        """Forgets every resource of the running engine."""
        request = urllib.request.Request(f"{self.url}/_ministack/reset", method="POST")
        with urllib.request.urlopen(request, timeout=10):
            pass

    def snapshot(self, timeout_s: float = 10.0) -> bool:
        """Saves the state now; False if that was not confirmed in time."""
        done = self.state / "state" / SNAPSHOT_DONE
        done.unlink(missing_ok=True)
        self.child.signal(signal.SIGUSR1)
        deadline = time.monotonic() + timeout_s
        while not done.exists():
            if time.monotonic() > deadline or not self.child.alive:
                return False
            time.sleep(0.01)
        return True

    def stop(self) -> None:
        """Saves the state and ends the engine with everything it started; safe to call twice."""
        if self._child is not None:
            self._child.stop()
            self._child = None
            shutil.rmtree(self.state / "tmp", ignore_errors=True)

    def __enter__(self) -> Engine:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
