"""The zip of `make package`, made for this machine's processor, runs with nothing else beside it."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from scripts.package import IN_THE_RUNTIME, package
from tests.infra.test_handlers import CALL, HTTP

pytestmark = pytest.mark.slow


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
        env={"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "ap-south-1", "PYTHONTZPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["handler app.py"], done.stderr
