"""The zip of `make package`, made for this machine's processor, runs with nothing else beside it."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.package import IN_THE_RUNTIME, package
from tests.infra.test_handlers import CALL, HTTP

pytestmark = pytest.mark.slow

LETTERS = """
from datetime import UTC, datetime
from chalicelib.pages.frame import OWN_ICON, _data_url
from chalicelib.pages.paper import Paper

made = []
for lang, text in {"hi": "क्षत्रिय", "en": "Letter", "ur": "تقرر نامہ"}.items():
    with Paper(lang, title=text, author=text, made_at=datetime(2026, 1, 1, tzinfo=UTC)) as paper:
        paper.emblem(_data_url("svg", OWN_ICON.read_bytes()), "emblem", 20, 3)
        paper.text(text, bold=True)
        paper.qr("https://x.test", text, 0, 40)
        made.append(paper.content()[:4].decode())
print(made, "PIL" in sys.modules)
"""


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """sam.yaml and deployment.zip of stage prod, with wheels for this machine."""
    architecture = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return package("prod", architecture, tmp_path_factory.mktemp("production"))


@pytest.fixture(scope="module")
def run(production: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Runs Python that finds the zip's content and what the Lambda runtime has, and no more."""
    folder = tmp_path_factory.mktemp("unzipped")
    code, runtime = folder / "code", folder / "runtime"
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

    def run(python: str, *arguments: str) -> Any:
        bare = ["-S", "-c", f"import sys; sys.path[:0] = [{str(code)!r}, {str(runtime)!r}]\n{python}"]
        return subprocess.run(
            [sys.executable, *bare, *arguments],
            cwd=code,
            env={"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "ap-south-1", "PYTHONTZPATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_zip_needs_nothing_but_what_the_lambda_runtime_has(run):
    done = run(CALL, "app.app", json.dumps(HTTP))
    assert done.stdout.splitlines()[-1:] == ["handler app.py"], done.stderr


def test_the_zip_makes_letters_in_every_language_without_pillow_and_without_a_word(run):
    done = run(LETTERS)
    assert (done.stdout, done.stderr) == ("['%PDF', '%PDF', '%PDF'] False\n", "")
