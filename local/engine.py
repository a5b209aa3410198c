"""The embedded AWS as a child process: start, wait until it answers, snapshot, reset, stop with all it started."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType

from local.engine_main import GRACE_S, SNAPSHOT_DONE
from local.ports import HOST, free_port, require_free

ROOT = Path(__file__).resolve().parent.parent
REGION = "ap-south-1"
START_TIMEOUT_S = 30.0


class EngineFailed(Exception):
    """The embedded AWS did not start or does not answer; the message says where its log is."""


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
        self._process: subprocess.Popen[bytes] | None = None

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

    @property
    def pid(self) -> int:
        """The process id, which is also the id of the group that the Lambdas' processes are in."""
        if self._process is None:
            raise EngineFailed("The embedded AWS is not running.")
        return self._process.pid

    def start(self) -> None:
        """Starts the engine and returns when it answers. Raises PortTaken or EngineFailed."""
        require_free(self.port, "AWS_PORT", "the embedded AWS")
        temporary = self.state / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)  # a killed engine leaves its Lambdas' folders
        temporary.mkdir(parents=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.engine_main"],
                cwd=ROOT,
                env=self._child_environment(temporary),
                stdin=subprocess.PIPE,  # held open while we live: its end tells the engine to stop
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours to pass on
            )
        try:
            self._wait_until_healthy()
        except BaseException:
            self.stop()
            raise

    def _child_environment(self, temporary: Path) -> dict[str, str]:
        # Lambdas inherit all of it, and a variable that the template lacks must not hide: so no more than this.
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in os.environ}
        return kept | {
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "MINISTACK_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
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

    def _wait_until_healthy(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise EngineFailed(self._last_line())
            with contextlib.suppress(urllib.error.URLError, OSError):
                with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=1):
                    return
            time.sleep(0.05)
        raise EngineFailed(f"The embedded AWS does not answer on port {self.port}; see {self.log}.")

    def _last_line(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        last = next((line for line in reversed(lines) if line.strip()), "no output")
        return f"The embedded AWS ended at its start: {last} (log: {self.log})"

    def reset(self) -> None:
        """Forgets every resource of the running engine."""
        request = urllib.request.Request(f"{self.url}/_ministack/reset", method="POST")
        with urllib.request.urlopen(request, timeout=10):
            pass

    def snapshot(self, timeout_s: float = 10.0) -> bool:
        """Saves the state now; False if that was not confirmed in time."""
        done = self.state / "state" / SNAPSHOT_DONE
        done.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        deadline = time.monotonic() + timeout_s
        while not done.exists():
            if time.monotonic() > deadline or not self.alive:
                return False
            time.sleep(0.01)
        return True

    @property
    def alive(self) -> bool:
        """Whether the engine's process runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Saves the state and ends the engine with everything it started; safe to call twice."""
        if self._process is None:
            return
        process, self._process = self._process, None
        with contextlib.suppress(OSError):
            process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin is not None:
            process.stdin.close()
        shutil.rmtree(self.state / "tmp", ignore_errors=True)

    def __enter__(self) -> Engine:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
