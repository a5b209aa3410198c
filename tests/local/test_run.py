"""`make run` from outside: it starts, says where to look, refuses a taken port, leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.engine import ROOT
from local.ports import free_port
from tests.local.test_engine import eventually

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1", "localhost", "::1"]), pytest.mark.slow]


def processes_of(folder: Path) -> list[str]:
    """Command lines of all processes that were given something in `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_text(errors="replace")
            inherited = (entry / "environ").read_text(errors="replace") if entry.name.isdigit() else ""
        except OSError:
            continue
        if str(folder) in words or f"STATE_DIR={folder}" in inherited:
            found.append(words.replace("\0", " "))
    return found


def start(folder: Path, ports: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "local.run"],
        cwd=folder,
        env=os.environ | ports | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def ports() -> dict[str, str]:
    return {name: str(free_port()) for name in ("AWS_PORT", "PORT", "SANDBOX_PORT")}


@pytest.fixture
def running(tmp_path: Path, ports: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A system that is up, with the sample programme taken for loaded."""
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "sample.json").write_text(json.dumps({"tries": 1, "loaded": True}))
    process = start(tmp_path, ports)
    assert process.stdout is not None
    for line in process.stdout:
        if "Ctrl-C stops everything" in line:
            break
    assert process.poll() is None, process.stderr.read() if process.stderr else ""
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_runs_on_when_it_is_stopped(running, tmp_path, number):
    assert len(processes_of(tmp_path / ".local")) >= 3
    running.send_signal(number)
    assert running.wait(60) == (-number if number == signal.SIGKILL else 0)
    assert eventually(lambda: not processes_of(tmp_path / ".local"))


@pytest.mark.parametrize("taken", ["AWS_PORT", "PORT", "SANDBOX_PORT"])
def test_a_taken_port_is_one_line_that_names_its_variable(running, ports, tmp_path, taken):
    other = tmp_path / "other"
    other.mkdir()
    free = {name: str(free_port()) for name in ports}
    process = start(other, free | {taken: ports[taken]})
    said, complained = process.communicate(timeout=120)
    assert (process.returncode, said) == (1, "")
    assert complained.count("\n") == 1
    assert f"Port {ports[taken]} " in complained
    assert f"{taken}=<port>" in complained
