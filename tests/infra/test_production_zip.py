"""The zip of `make package`, for this machine's processor, runs: by itself, and through the deployed API."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import platform
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from local.demo import Demo, Settings
from local.laptop import laptop
from scripts.package import IN_THE_RUNTIME, package
from tests.infra.test_handlers import CALL, HTTP

pytestmark = [
    pytest.mark.allow_hosts(["127.0.0.1", "localhost", "::1"]),
    pytest.mark.xdist_group("production zip"),
]
RECIPIENTS = 20


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """sam.yaml and deployment.zip of stage prod, with wheels for this machine."""
    architecture = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return package("prod", architecture, tmp_path_factory.mktemp("production"))


def test_the_zip_needs_nothing_but_what_the_lambda_runtime_has(production, tmp_path):
    code, runtime = tmp_path / "code", tmp_path / "runtime"
    with zipfile.ZipFile(production / "deployment.zip") as archive:
        archive.extractall(code)
    runtime.mkdir()
    for name in {name.removeprefix("python-") for name in IN_THE_RUNTIME}:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (runtime / source.name).symlink_to(source)
    bare = ["-S", "-c", f"import sys; sys.path[:0] = [{str(code)!r}, {str(runtime)!r}]\n{CALL}"]
    done = subprocess.run(
        [sys.executable, *bare, "app.app", json.dumps(HTTP)],
        cwd=code,
        env={"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "ap-south-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["handler app.py"], done.stderr


def test_twenty_people_are_reached_and_counted_through_the_zip_and_the_deployed_api(production, tmp_path):
    progress = Progress(console=Console(file=io.StringIO()))
    with laptop(tmp_path, packaged=production, api_gateway=True) as system:
        truth, report, found, events = Demo(system, Settings(RECIPIENTS), progress).run()
    assert found == []
    assert (truth.requests, truth.duplicate_sends) == (RECIPIENTS, 0)
    assert report["status"] == "dispatched"
    assert events > RECIPIENTS
