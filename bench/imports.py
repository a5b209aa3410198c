"""Cold start: importing `app` in a fresh process, against importing chalice and making a boto3 DynamoDB
client."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Figure

ROOT = Path(__file__).parents[1]
ROUNDS = 15
OURS = "import app"
PEER = """
import boto3, chalice
boto3.client("dynamodb", region_name="ap-south-1", aws_access_key_id="local", aws_secret_access_key="local")
"""
HEAVY = ("boto3", "phonenumbers", "jinja2", "jwt", "cryptography", "babel", "urllib3.connectionpool")


def run() -> Iterator[Figure]:
    """The median of both, taken in turns, and how many modules each loads."""
    times: dict[str, list[float]] = {OURS: [], PEER: []}
    for code in times:
        _seconds(code)  # writes the .pyc files and warms the disk
    for _ in range(ROUNDS):
        for code, taken in times.items():
            taken.append(_seconds(code))
    ours, peer = (statistics.median(taken) for taken in times.values())
    yield Figure("import", ours * 1000, "ms", "import chalice, make a boto3 DynamoDB client", peer * 1000)
    yield Figure("import_modules", _modules(OURS), "modules", "the same", _modules(PEER))
    yield Figure("import_heavy", len(_loaded()), f"of {', '.join(HEAVY)}")


def _seconds(code: str) -> float:
    began = time.perf_counter()
    _python(code)
    return time.perf_counter() - began


def _modules(code: str) -> int:
    return int(_python(f"{code}\nimport sys; print(len(sys.modules))"))


def _loaded() -> list[str]:
    return [
        name for name in HEAVY if _python(f"{OURS}\nimport sys; print({name!r} in sys.modules)") == "True"
    ]


def _python(code: str) -> str:
    env = os.environ | {"AWS_DEFAULT_REGION": "ap-south-1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()
