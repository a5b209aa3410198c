"""Processes of ours that end when we do: started with a lifeline, stopped with everything they started.

A child's standard input is a pipe that its starter holds open. When the starter ends, however it ends, the
pipe closes: the child then stops as by SIGTERM, and its process group is killed if that takes too long.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GRACE_S = 8.0  # from the wish to stop until everything is killed
START_TIMEOUT_S = 30.0


class ChildFailed(Exception):
    """A process did not start or does not answer; the message names its log."""


class Child:
    """`python -m <module> <arguments>` as a process group of its own, its output in `log`."""

    def __init__(self, name: str, module: str, arguments: list[str], env: dict[str, str], log: Path) -> None:
        self._name = name
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.children", module, *arguments],
                cwd=ROOT,
                env=env,
                stdin=subprocess.PIPE,  # the lifeline
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours to pass on
            )
        self.pid = self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def wait_until_answers(self, url: str) -> None:
        """Returns when `url` answers, with any status. Raises ChildFailed if that takes too long."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if not self.alive:
                raise ChildFailed(f"{self._name} ended at its start: {self._last_line()} (log: {self._log})")
            try:
                with urllib.request.urlopen(url, timeout=2):
                    return
            except urllib.error.HTTPError as answer:
                answer.close()
                return
            except OSError:
                time.sleep(0.05)
        raise ChildFailed(f"{self._name} does not answer at {url} (log: {self._log})")

    def _last_line(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "no output")

    def signal(self, number: int) -> None:
        """Sends a signal to the process itself."""
        self._process.send_signal(number)

    def stop(self) -> None:
        """Ends the process by SIGTERM, and what is left of its group by SIGKILL; safe to call twice."""
        self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()


def end_with_the_starter() -> None:
    """Watches the lifeline: stops this process when its starter is gone."""

    def wait() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_S)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, daemon=True, name="lifeline").start()


def main() -> None:
    """Runs the module named by the first argument, on the lifeline."""
    end_with_the_starter()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
